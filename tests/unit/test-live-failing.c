/* SPDX-License-Identifier: MIT */
/* live-failing: when a task is failing and when no more, and runs that are at work for too long. */
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <check.h>

#define MINUTE USEC_PER_MINUTE

static struct task *work;

static void setup(void) {
        live_bed_setup();
        (void)live_bed_job("alert");
        work = live_bed_job("work");
        work->overlap = OVERLAP_ALLOW;
        work->overlap_max = 2;
        live_bed_hook(&work->on_failing, "alert");
        live_bed_hook(&work->on_recover, "alert");
        live_bed_hook(&work->on_slow, "alert");
}

static bool is_failing(void) {
        return live_task_is_failing(live_bed_entry("work"));
}

static void work_ends(enum error_kind error) {
        (void)live_bed_start("work");
        live_bed_end("work", error);
        while (live_bed_leaf("alert"))
                live_bed_end("alert", ERROR_NONE);
}

START_TEST(failing_after_so_many_in_a_row_is_told_once) {
        work->failing_after = 3;
        live_bed_go();
        work_ends(ERROR_EXIT);
        work_ends(ERROR_EXIT);
        ck_assert(!is_failing());
        work_ends(ERROR_NONE);
        work_ends(ERROR_EXIT);
        work_ends(ERROR_EXIT);
        ck_assert_uint_eq(live_bed_events(EVENT_FAILING), 0);
        work_ends(ERROR_EXIT);
        ck_assert(is_failing());
        ck_assert_str_eq(live_bed_text(EVENT_FAILING), "failing: 3 in a row, the last: as told");
        work_ends(ERROR_EXIT);
        work_ends(ERROR_EXIT);
        ck_assert_uint_eq(live_bed_events(EVENT_FAILING), 1);
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:work:failed");
        ck_assert_str_eq(live_task_state(live_bed_entry("work")), "failing");
}
END_TEST

START_TEST(an_ok_ends_it_and_is_told_once) {
        live_bed_go();
        work_ends(ERROR_EXIT);
        ck_assert(is_failing());
        work_ends(ERROR_NONE);
        work_ends(ERROR_NONE);
        ck_assert(!is_failing());
        ck_assert_uint_eq(live_bed_events(EVENT_RECOVERED), 1);
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:work:failed alert:recovered:work:ok");
        ck_assert_str_eq(live_task_state(live_bed_entry("work")), "idle");
}
END_TEST

static usec_t usual_after(usec_t took_usec, enum error_kind error) {
        (void)live_bed_start("work");
        fake_clock_advance(took_usec);
        live_bed_end("work", error);
        while (live_bed_leaf("alert"))
                live_bed_end("alert", ERROR_NONE);
        return live_task_usual(live_bed_entry("work"));
}

START_TEST(the_usual_duration_is_that_of_runs_that_were_ok) {
        live_bed_go();
        ck_assert_uint_eq(live_task_usual(live_bed_entry("work")), 0);
        ck_assert_uint_eq(usual_after(9 * MINUTE, ERROR_EXIT), 0);
        ck_assert_uint_eq(usual_after(4 * MINUTE, ERROR_NONE), 4 * MINUTE);
        ck_assert_uint_eq(usual_after(8 * MINUTE, ERROR_NONE), 5 * MINUTE);
        ck_assert_uint_eq(usual_after(9 * MINUTE, ERROR_EXIT), 5 * MINUTE);
        ck_assert_uint_eq(usual_after(MINUTE, ERROR_NONE), 4 * MINUTE);
}
END_TEST

START_TEST(a_cancelled_run_neither_fails_nor_recovers) {
        live_bed_go();
        work_ends(ERROR_EXIT);
        ck_assert_int_eq(run_cancel(live_bed_start("work"), CANCEL_OPERATOR, "alice"), 0);
        fake_loop_settle();
        ck_assert(is_failing());
        ck_assert_uint_eq(live_task_failures(live_bed_entry("work")), 1);
        ck_assert_uint_eq(live_bed_events(EVENT_RECOVERED), 0);
}
END_TEST

START_TEST(a_hook_that_fails_is_failing_but_fires_nothing) {
        live_bed_hook(&live_bed.config.tasks[0]->on_failing, "alert");
        live_bed_go();
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_EXIT);
        live_bed_end("alert", ERROR_CONNECT);
        ck_assert(live_task_is_failing(live_bed_entry("alert")));
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:work:failed");
}
END_TEST

START_TEST(slow_is_told_once_for_each_run_that_goes_on) {
        work->slow_after_usec = 5 * MINUTE;
        live_bed_go();
        (void)live_bed_start("work");
        fake_clock_advance(MINUTE);
        (void)live_bed_start("work");
        fake_clock_advance(4 * MINUTE - 1);
        ck_assert(!live_task_is_slow(live_bed_entry("work")));
        fake_clock_advance(1);
        ck_assert(live_run_is_slow(live_bed_run("work#1")));
        ck_assert(!live_run_is_slow(live_bed_run("work#2")));
        ck_assert(live_task_is_slow(live_bed_entry("work")));
        ck_assert_str_eq(live_bed_text(EVENT_RUN_SLOW), "slow: at work for 5min, which is slow-after");
        ck_assert_str_eq(live_bed_hooks(), "alert:slow:work:running");
        fake_clock_advance(60 * MINUTE);
        ck_assert_uint_eq(live_bed_events(EVENT_RUN_SLOW), 2);
        live_bed_end("work", ERROR_NONE);
        live_bed_end("work", ERROR_NONE);
        ck_assert(!live_task_is_slow(live_bed_entry("work")));
}
END_TEST

START_TEST(slow_after_counts_from_the_start_of_the_work_not_of_an_attempt) {
        work->slow_after_usec = 5 * MINUTE;
        work->run.retries = 9;
        work->run.retry_delay_min_usec = work->run.retry_delay_max_usec = MINUTE;
        live_bed_go();
        (void)live_bed_start("work");
        for (unsigned i = 0; i < 3; i++) {
                fake_clock_advance(30 * USEC_PER_SEC);
                live_bed_end("work", ERROR_EXIT);
                fake_clock_advance(72 * USEC_PER_SEC);
        }
        ck_assert_uint_eq(live_bed_events(EVENT_RUN_SLOW), 1);
}
END_TEST

START_TEST(what_ends_in_time_is_not_slow) {
        work->slow_after_usec = 5 * MINUTE;
        live_bed_go();
        (void)live_bed_start("work");
        fake_clock_advance(5 * MINUTE - 1);
        live_bed_end("work", ERROR_NONE);
        fake_clock_advance(60 * MINUTE);
        ck_assert_uint_eq(live_bed_events(EVENT_RUN_SLOW), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live-failing");
        TCase *tcase = tcase_create("live-failing");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, live_bed_teardown);
        tcase_add_test(tcase, failing_after_so_many_in_a_row_is_told_once);
        tcase_add_test(tcase, an_ok_ends_it_and_is_told_once);
        tcase_add_test(tcase, the_usual_duration_is_that_of_runs_that_were_ok);
        tcase_add_test(tcase, a_cancelled_run_neither_fails_nor_recovers);
        tcase_add_test(tcase, a_hook_that_fails_is_failing_but_fires_nothing);
        tcase_add_test(tcase, slow_is_told_once_for_each_run_that_goes_on);
        tcase_add_test(tcase, slow_after_counts_from_the_start_of_the_work_not_of_an_attempt);
        tcase_add_test(tcase, what_ends_in_time_is_not_slow);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
