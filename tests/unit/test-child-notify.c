/* SPDX-License-Identifier: MIT */
/* child-notify: what children say on their notify sockets, and who else is not heard. */
#include "support/child-bed.h"
#include "support/notify-say.h"

#include <signal.h>
#include <stdio.h>

static void use_notify(void) {
        struct notify_dir *dir;

        ck_assert_int_eq(notify_dir_new(child_bed_path("notify"), true, &dir), 0);
        spawner_use_notify(child_bed.spawner, dir);
}

static bool has_heard(const struct probe *probe, size_t n) {
        (void)n;
        return probe->heard > 0 && child_bed_is_ready(probe, 1);
}

static void end(struct probe *probe) {
        child_kill(probe->child);
        child_bed_run(probe, 1, child_bed_all_gone);
}

START_TEST(the_main_process_is_heard) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(HOSTILE("speak"));

        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, has_heard);
        ck_assert(probe->message.ready);
        ck_assert_str_eq(probe->message.status, "from the main process");
        end(probe);
}
END_TEST

START_TEST(one_that_has_ended_is_heard) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(HOSTILE("speak-and-go"));

        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, has_heard);
        ck_assert_str_eq(probe->message.status, "from one that is gone");
        end(probe);
}
END_TEST

/* Where the child's socket is, as it prints it. */
static void read_path(const struct probe *probe, char path[256]) {
        size_t n = strcspn(probe->output, "\n");

        ck_assert_uint_lt(n, 256);
        memcpy(path, probe->output, n);
        path[n] = '\0';
}

START_TEST(a_process_of_another_tree_is_not_heard) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(SHELL("echo $NOTIFY_SOCKET; echo ready; exec sleep 1000"));
        char path[256];

        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, child_bed_is_ready);
        read_path(probe, path);
        ck_assert_int_eq(notify_say(path, "READY=1", -1), 0);
        child_poll(probe->child);
        ck_assert_uint_eq(probe->heard, 0);
        end(probe);
}
END_TEST

START_TEST(what_was_said_before_the_exit_is_told_before_it) {
        struct child_spec spec = child_bed_spec(HOSTILE("speak"));

        for (unsigned i = 0; i < 20; i++) {
                _cleanup_(freep) struct probe *probe = probe_new();

                child_bed_spawn(probe, &spec);
                child_bed_run(probe, 1, child_bed_is_ready);
                end(probe);
                ck_assert_uint_eq(probe->heard, 1);
                ck_assert(probe->message.ready);
        }
}
END_TEST

START_TEST(an_environment_of_its_own_wins) {
        struct child_spec spec = child_bed_spec(SHELL("echo $NOTIFY_SOCKET"));

        spec.env = WORDS("NOTIFY_SOCKET=/other");
        child_bed_says(&spec, "/other\n");
}
END_TEST

START_TEST(sockets_are_reused) {
        char first[256], path[256];

        for (unsigned i = 0; i < 3; i++) {
                _cleanup_(freep) struct probe *probe = probe_new();
                struct child_spec spec = child_bed_spec(SHELL("echo $NOTIFY_SOCKET"));

                child_bed_run_to_end(probe, &spec);
                read_path(probe, path);
                if (i == 0)
                        strcpy(first, path);
                ck_assert_str_eq(path, first);
        }
}
END_TEST

static Suite *suite(void) {
        Suite *suite = suite_create("child-notify");
        TCase *tcase = child_bed_case(suite, "notify");

        tcase_add_checked_fixture(tcase, use_notify, NULL);
        tcase_add_test(tcase, the_main_process_is_heard);
        tcase_add_test(tcase, one_that_has_ended_is_heard);
        tcase_add_test(tcase, a_process_of_another_tree_is_not_heard);
        tcase_add_test(tcase, what_was_said_before_the_exit_is_told_before_it);
        tcase_add_test(tcase, an_environment_of_its_own_wins);
        tcase_add_test(tcase, sockets_are_reused);
        return suite;
}

int main(int argc, char *argv[]) {
        return child_bed_main(argc, argv, suite);
}
