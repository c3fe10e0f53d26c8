/* SPDX-License-Identifier: MIT */
/* access: from what is written in [access] to the role of a client. */
#include "control/access.h"

#include "support/config-text.h"

#include <check.h>
#include <stdio.h>

#define OWN 998

static void load_access_text(struct config_text *text, const char *access, bool portable) {
        char content[512];

        snprintf(content, sizeof(content), "[task t]\nurl = http://x/\nmanual = yes\n[access]\n%s", access);
        config_text_init(text);
        text->options.portable = portable;
        config_text_write(text, "tendd.ini", content);
        config_text_load(text);
}

/* ---- roles ---- */

#define ACCESS                                                                                                         \
        "view = user:1001 group:2001\noperate = group:2002 user:1002 group:2003\nadmin = user:1003\n  group:2004\n"

static const struct {
        const char *access;
        uid_t uid;
        gid_t gid;
        gid_t groups[4];
        size_t n_groups;
        enum varlink_role role;
} roles[] = {
        { "", 0, 0, { 0 }, 0, VARLINK_ROLE_ADMIN },
        { "", OWN, 50, { 0 }, 0, VARLINK_ROLE_ADMIN },
        { "", 1001, 0, { 0 }, 1, VARLINK_ROLE_NONE }, /* in root's group, which is nobody */
        { "admin =", 1001, 50, { 0 }, 0, VARLINK_ROLE_NONE },
        { "view = user:0 user:998", 0, 0, { 0 }, 0, VARLINK_ROLE_ADMIN },
        { "view = user:0 user:998", OWN, 50, { 0 }, 0, VARLINK_ROLE_ADMIN },
        { ACCESS, 1000, 50, { 60, 70 }, 2, VARLINK_ROLE_NONE },
        { ACCESS, 2001, 1001, { 1001, 1002, 1003 }, 3, VARLINK_ROLE_NONE }, /* users are no groups */
        { ACCESS, 1001, 50, { 0 }, 0, VARLINK_ROLE_VIEW },
        { ACCESS, 1000, 2001, { 0 }, 0, VARLINK_ROLE_VIEW },
        { ACCESS, 1000, 50, { 60, 70, 2001 }, 3, VARLINK_ROLE_VIEW },
        { ACCESS, 1000, 50, { 60, 70, 2001 }, 2, VARLINK_ROLE_NONE },
        { ACCESS, 1002, 50, { 0 }, 0, VARLINK_ROLE_OPERATE },
        { ACCESS, 1000, 2003, { 0 }, 0, VARLINK_ROLE_OPERATE },
        { ACCESS, 1000, 50, { 2002 }, 1, VARLINK_ROLE_OPERATE },
        { ACCESS, 1001, 50, { 2002 }, 1, VARLINK_ROLE_OPERATE }, /* the highest counts */
        { ACCESS, 1001, 2004, { 2001, 2002 }, 2, VARLINK_ROLE_ADMIN },
        { ACCESS, 1002, 2001, { 60, 2004 }, 2, VARLINK_ROLE_ADMIN },
        { ACCESS, 1003, 50, { 0 }, 0, VARLINK_ROLE_ADMIN },
};

START_TEST(the_highest_role_counts) {
        struct config_text text;
        const struct varlink_peer peer = { .uid = roles[_i].uid, .gid = roles[_i].gid, .pid = 1 };

        load_access_text(&text, roles[_i].access, true);
        ck_assert_msg(text.r == 0, "%s", text.told);
        ck_assert_str_eq(varlink_role_to_string(
                                 access_role(&text.config->access, OWN, &peer, roles[_i].groups, roles[_i].n_groups)),
                         varlink_role_to_string(roles[_i].role));
        config_text_done(&text);
}
END_TEST

static const struct {
        const char *access;
        bool others;
} named[] = {
        { "", false },
        { "view =\noperate =\nadmin =", false },
        { "admin = user:0", false },
        { "view = user:998\nadmin = user:0 user:998", false },
        { "view = user:1", true },
        { "operate = user:0 user:1", true },
        { "admin = user:1", true },
        { "view = group:0", true }, /* others may be in it */
        { "view = group:50", true },
        { "view = user:no-such-user.x", false }, /* not looked up here, and so nobody */
};

START_TEST(who_is_named_is_known) {
        struct config_text text;

        load_access_text(&text, named[_i].access, true);
        ck_assert_msg(text.r == 0, "%s", text.told);
        ck_assert_msg(access_names_others(&text.config->access, OWN) == named[_i].others, "%s", named[_i].access);
        config_text_done(&text);
}
END_TEST

/* ---- names ---- */

START_TEST(names_are_looked_up) {
        struct config_text text;
        struct varlink_peer peer = { .uid = 1, .gid = 2 };

        /* Numbers of these two are the same on every Debian. */
        load_access_text(&text, "view = group:bin\noperate = user:daemon", false);
        ck_assert_msg(text.r == 0, "%s", text.told);
        ck_assert_str_eq(text.told, "");
        ck_assert_int_eq(access_role(&text.config->access, OWN, &peer, NULL, 0), VARLINK_ROLE_OPERATE);
        peer.uid = 1000;
        ck_assert_int_eq(access_role(&text.config->access, OWN, &peer, NULL, 0), VARLINK_ROLE_VIEW);
        config_text_done(&text);
}
END_TEST

START_TEST(who_is_not_known_is_warned_of_and_gets_nothing) {
        struct config_text text;

        load_access_text(&text, "view = user:no-such-user.x group:no-such-group.x\nadmin = user:4000000000", false);
        ck_assert_msg(text.r == 0, "%s", text.told);
        ck_assert_str_eq(
                text.told,
                "tendd.ini:5: view: warning: there is no user no-such-user.x here, so that it gives the role to nobody\n"
                "tendd.ini:5: view: warning: there is no group no-such-group.x here, so that it gives the role to "
                "nobody\n");
        ck_assert_uint_eq(text.config->access.view.n_known, 0);
        ck_assert_uint_eq(text.config->access.admin.n_known, 1); /* a number needs no name */
        config_text_done(&text);

        load_access_text(&text, "view = user:no-such-user.x", true);
        ck_assert_str_eq(text.told, "");
        config_text_done(&text);

        load_access_text(&text, "operate = group:65534", true);
        ck_assert_str_eq(text.told,
                         "tendd.ini:5: operate: warning: 65534 is the number of whoever has none here, so that it "
                         "may give the role to anybody from another user namespace\n");
        config_text_done(&text);
}
END_TEST

static const char *const malformed[] = {
        "alice",    "user:",  "group:",       "users:alice",     "user:a:b",
        "user:a,b", "User:x", "user:a group", "user:4294967295", "group:99999999999999999999",
        "user:/x",  "user",
};

START_TEST(what_is_malformed_is_an_error) {
        struct config_text text;
        char access[128];

        snprintf(access, sizeof(access), "view = user:1\noperate = group:1 %s", malformed[_i]);
        load_access_text(&text, access, true);
        ck_assert_int_eq(text.r, -EBADMSG);
        ck_assert_msg(strncmp(text.told, "tendd.ini:6: operate: \"", 23) == 0, "%s", text.told);
        ck_assert_ptr_nonnull(strstr(text.told, "is no user:NAME or group:NAME"));
        config_text_done(&text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("access");
        TCase *tcase = tcase_create("access");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, the_highest_role_counts, 0, (int)ARRAY_SIZE(roles));
        tcase_add_loop_test(tcase, who_is_named_is_known, 0, (int)ARRAY_SIZE(named));
        tcase_add_test(tcase, names_are_looked_up);
        tcase_add_test(tcase, who_is_not_known_is_warned_of_and_gets_nothing);
        tcase_add_loop_test(tcase, what_is_malformed_is_an_error, 0, (int)ARRAY_SIZE(malformed));
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
