/* SPDX-License-Identifier: MIT */
/* child-user: users are looked up once a second, in a database of this test's own. */
#include "loop/child_user.h"
#include "support/fake-clock.h"

#include <check.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>

/* What the C library would ask files or servers for: user "uN" has the id N and belongs to the groups N and N + 1. */
static struct {
        unsigned asked;
        uid_t first; /* lower ones do not exist (any more) */
} nss;

int getpwnam_r(const char *name, struct passwd *pw, char *buffer, size_t size, struct passwd **ret) {
        unsigned id = (unsigned)atoi(name + 1);

        (void)buffer;
        (void)size;
        nss.asked++;
        *ret = NULL;
        if (id < nss.first)
                return 0;
        *pw = (struct passwd){
                .pw_name = (char *)name, .pw_dir = (char *)"/home", .pw_shell = (char *)"", .pw_uid = id, .pw_gid = id
        };
        *ret = pw;
        return 0;
}

int getgrnam_r(const char *name, struct group *gr, char *buffer, size_t size, struct group **ret) {
        (void)buffer;
        (void)size;
        *gr = (struct group){ .gr_gid = (gid_t)atoi(name + 1) };
        *ret = gr;
        return 0;
}

int getgrouplist(const char *name, gid_t gid, gid_t *groups, int *n) {
        (void)name;
        groups[0] = gid;
        groups[1] = gid + 1;
        *n = 2;
        return 2;
}

static struct child_users *users_new(void) {
        struct child_users *users = NULL;

        fake_clock_reset();
        nss.asked = 0;
        nss.first = 1000;
        ck_assert_int_eq(child_users_new(&users), 0);
        return users;
}

static void expect(struct child_users *users, const char *name, const char *group, uid_t uid, gid_t gid) {
        _cleanup_(child_user_unrefp) struct child_user *user = NULL;
        enum child_step step = CHILD_STEP_NONE;

        ck_assert_int_eq(child_users_get(users, name, group, &user, &step), 0);
        ck_assert_uint_eq(user->uid, uid);
        ck_assert_uint_eq(user->gid, gid);
        ck_assert(user->change);
        ck_assert_int_eq(user->n_groups, 2);
        ck_assert_uint_eq(user->groups[1], gid + 1);
        ck_assert_str_eq(user->env, "HOME=/home");
}

START_TEST(an_answer_is_kept_for_a_second) {
        struct child_users *users = users_new();

        for (int i = 0; i < 3; i++)
                expect(users, "u1000", NULL, 1000, 1000);
        ck_assert_uint_eq(nss.asked, 1);
        fake_clock_advance(USEC_PER_SEC);
        expect(users, "u1000", NULL, 1000, 1000);
        ck_assert_uint_eq(nss.asked, 2);
        child_users_free(users);
}
END_TEST

START_TEST(another_group_is_another_answer) {
        struct child_users *users = users_new();

        for (int i = 0; i < 2; i++) {
                expect(users, "u1000", NULL, 1000, 1000);
                expect(users, "u1000", "g7", 1000, 7);
        }
        ck_assert_uint_eq(nss.asked, 2);
        child_users_free(users);
}
END_TEST

START_TEST(that_there_is_none_is_not_kept) {
        struct child_users *users = users_new();
        struct child_user *user = NULL;
        enum child_step step = CHILD_STEP_NONE;

        ck_assert_int_eq(child_users_get(users, "u999", NULL, &user, &step), -ESRCH);
        ck_assert_int_eq(step, CHILD_STEP_USER);
        nss.first = 999;
        expect(users, "u999", NULL, 999, 999);
        child_users_free(users);
}
END_TEST

START_TEST(the_oldest_gives_way) {
        struct child_users *users = users_new();
        char name[16];

        for (unsigned id = 1000; id < 1009; id++) {
                fake_clock_advance(1);
                (void)snprintf(name, sizeof(name), "u%u", id);
                expect(users, name, NULL, id, id);
        }
        ck_assert_uint_eq(nss.asked, 9);
        expect(users, "u1001", NULL, 1001, 1001);
        ck_assert_uint_eq(nss.asked, 9);
        expect(users, "u1000", NULL, 1000, 1000);
        ck_assert_uint_eq(nss.asked, 10);
        child_users_free(users);
}
END_TEST

START_TEST(who_has_an_answer_may_keep_it) {
        struct child_users *users = users_new();
        struct child_user *user = NULL;
        enum child_step step;

        ck_assert_int_eq(child_users_get(users, "u1000", NULL, &user, &step), 0);
        child_users_free(users);
        ck_assert_uint_eq(user->uid, 1000);
        child_user_unref(user);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("child-user");
        TCase *tcase = tcase_create("child-user");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, an_answer_is_kept_for_a_second);
        tcase_add_test(tcase, another_group_is_another_answer);
        tcase_add_test(tcase, that_there_is_none_is_not_kept);
        tcase_add_test(tcase, the_oldest_gives_way);
        tcase_add_test(tcase, who_has_an_answer_may_keep_it);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
