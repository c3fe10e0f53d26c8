/* SPDX-License-Identifier: MIT */
/* live-transient: runs of tasks that no configuration has, from their start to what stays of them. */
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>

static struct limit_section limit = { .name = (char *)"db", .limit = { .permits = 2 } };
static char refused_limit[40];
static int next_items_fd = -EBADF; /* a descriptor that the next task is given */

static void setup(void) {
        live_bed_setup();
        live_bed.config.limits = &limit;
        live_bed.config.n_limits = 1;
        (void)live_bed_job("work");
        live_bed_go();
}

static size_t next_size; /* of the words of those to come */

/* Starts a run of a transient task, which is of it alone. */
static int start_with(const char *name, const char *limit_name, unsigned permits) {
        struct task *task = live_bed_transient(name);
        const char *refused = "";
        struct run *run;
        int r;

        task->transient->items_fd = TAKE_FD(next_items_fd);
        task->transient->size = next_size;
        if (limit_name) {
                task->limits = calloc(1, sizeof(*task->limits));
                task->n_limits = 1;
                task->limits[0].name = strdup(limit_name);
                task->limits[0].permits = permits;
        }
        r = live_start_transient(live_bed.live, task, &(const struct live_start){ .by = "test" }, &refused, &run);
        (void)snprintf(refused_limit, sizeof(refused_limit), "%s", refused);
        task_unref(task);
        return r;
}

static void start(const char *name) {
        ck_assert_int_eq(start_with(name, NULL, 0), 0);
        fake_loop_settle();
}

static struct live_task *gone(const char *name) {
        return live_find_gone(live_bed.live, name);
}

START_TEST(runs_of_one_name_are_at_work_side_by_side) {
        start("run");
        start("run");
        start("run");
        ck_assert_int_eq(run_get_state(live_bed_run("run#1")), RUN_STARTING);
        ck_assert_int_eq(run_get_state(live_bed_run("run#3")), RUN_STARTING);
        ck_assert_uint_eq(live_task_running(gone("run")), 3);
        ck_assert_ptr_null(live_find(live_bed.live, "run"));
        ck_assert_ptr_eq(live_find_any(live_bed.live, "run"), gone("r*"));
        ck_assert_uint_eq(live_n_tasks(live_bed.live), 1);
}
END_TEST

/* In each order in which three can end, the entry lasts as long as they do. */
START_TEST(the_last_run_takes_the_entry_along) {
        static const unsigned orders[6][3] = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 },
                                               { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 } };

        for (unsigned i = 0; i < 3; i++)
                start("run");
        for (unsigned i = 0; i < 3; i++) {
                char name[] = "run#0";

                ck_assert_ptr_nonnull(gone("run"));
                ck_assert_str_eq(live_task_task(gone("run"))->run.name, "run");
                name[4] = (char)('0' + orders[_i][i]);
                ck_assert_int_eq(run_cancel(live_bed_run(name), CANCEL_OPERATOR, "me"), 0);
                fake_loop_settle();
        }
        ck_assert_ptr_null(gone("run"));
        ck_assert(run_tree_is_empty(live_tree(live_bed.live)));
        start("run");
        (void)live_bed_run("run#4"); /* numbers go on */
}
END_TEST

/* Its files, for one, are not kept open for as long as another of its name runs. */
START_TEST(a_task_goes_with_its_run) {
        int pair[2];
        char c;

        ck_assert_int_eq(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
        start("run");
        next_items_fd = pair[1];
        start("run");
        start("run");
        ck_assert_int_lt(read(pair[0], &c, 1), 0);
        ck_assert_int_eq(run_cancel(live_bed_run("run#2"), CANCEL_OPERATOR, "me"), 0);
        fake_loop_settle();
        ck_assert_int_eq(read(pair[0], &c, 1), 0);
        (void)close(pair[0]);
}
END_TEST

START_TEST(one_that_starts_while_others_end_counts_on) {
        start("run");
        start("run");
        live_bed_end("run", ERROR_NONE);
        start("run");
        live_bed_end("run", ERROR_NONE);
        live_bed_end("run", ERROR_EXIT);
        ck_assert_ptr_null(gone("run"));
        ck_assert_uint_eq(live_bed_events(EVENT_RUN_DONE), 3);
        start("run");
        (void)live_bed_run("run#4");
}
END_TEST

START_TEST(it_never_becomes_failing_and_fires_nothing) {
        for (unsigned i = 0; i < 3; i++) {
                start("run");
                live_bed_end("run", ERROR_EXIT);
        }
        ck_assert_uint_eq(live_bed_events(EVENT_RUN_DONE), 3);
        ck_assert_uint_eq(live_bed_events(EVENT_FAILING), 0);
        start("run");
        live_bed_end("run", ERROR_NONE);
        ck_assert_uint_eq(live_bed_events(EVENT_RECOVERED), 0);
        ck_assert_str_eq(live_bed_hooks(), "");
}
END_TEST

START_TEST(the_name_of_a_configured_task_is_taken) {
        ck_assert_int_eq(start_with("work", NULL, 0), -EEXIST);
        ck_assert_ptr_null(gone("work"));
        ck_assert(run_tree_is_empty(live_tree(live_bed.live)));
}
END_TEST

START_TEST(a_limit_must_be_there_and_have_the_permits) {
        ck_assert_int_eq(start_with("run", "none", 1), -ENOENT);
        ck_assert_str_eq(refused_limit, "none");
        ck_assert_int_eq(start_with("run", "db", 3), -ERANGE);
        ck_assert_ptr_null(gone("run"));
        ck_assert_int_eq(start_with("run", "db", 2), 0);
        ck_assert_int_eq(start_with("run", "db", 1), 0);
        fake_loop_settle();
        ck_assert_int_eq(run_get_state(live_bed_run("run#1")), RUN_STARTING);
        ck_assert_int_eq(run_get_state(live_bed_run("run#2")), RUN_QUEUED);
        live_bed_end("run", ERROR_NONE);
        ck_assert_int_eq(run_get_state(live_bed_run("run#2")), RUN_STARTING);
}
END_TEST

START_TEST(they_have_only_so_many_words) {
        next_size = LIVE_TRANSIENTS_SIZE_MAX / 2;
        ck_assert_int_eq(start_with("run", "db", 2), 0);
        ck_assert_int_eq(start_with("run", "db", 2), 0);
        next_size = 1;
        ck_assert_int_eq(start_with("run", "db", 2), -ENOBUFS);
        fake_loop_settle();
        live_bed_end("run", ERROR_NONE);
        ck_assert_int_eq(start_with("run", NULL, 0), 0);
}
END_TEST

START_TEST(there_are_only_so_many) {
        for (unsigned i = 0; i < LIVE_TRANSIENTS_MAX; i++)
                ck_assert_int_eq(start_with("run", "db", 2), 0);
        ck_assert_int_eq(start_with("run", "db", 2), -ENOBUFS);
        fake_loop_settle();
        live_bed_end("run", ERROR_NONE);
        ck_assert_int_eq(start_with("other", NULL, 0), 0);
}
END_TEST

START_TEST(what_cannot_be_started_leaves_nothing) {
        run_tree_stop(live_tree(live_bed.live), false);
        ck_assert_int_eq(start_with("run", NULL, 0), -ESHUTDOWN);
        ck_assert_ptr_null(gone("run"));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live-transient");
        TCase *tcase = tcase_create("transient");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, live_bed_teardown);
        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, runs_of_one_name_are_at_work_side_by_side);
        tcase_add_loop_test(tcase, the_last_run_takes_the_entry_along, 0, 6);
        tcase_add_test(tcase, a_task_goes_with_its_run);
        tcase_add_test(tcase, one_that_starts_while_others_end_counts_on);
        tcase_add_test(tcase, it_never_becomes_failing_and_fires_nothing);
        tcase_add_test(tcase, the_name_of_a_configured_task_is_taken);
        tcase_add_test(tcase, a_limit_must_be_there_and_have_the_permits);
        tcase_add_test(tcase, they_have_only_so_many_words);
        tcase_add_test(tcase, there_are_only_so_many);
        tcase_add_test(tcase, what_cannot_be_started_leaves_nothing);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
