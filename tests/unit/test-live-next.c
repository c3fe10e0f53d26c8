/* SPDX-License-Identifier: MIT */
/* live-next: what the next daemon makes of hooks that were due and of services that an operator stopped. */
#include "live/live_private.h"
#include "support/fake-loop.h"
#include "support/fake-store.h"
#include "support/live-bed.h"

#include <check.h>

#define LIVE live_bed.live

static void open_store(void) {
        const struct store_options options = { .loop = live_bed.loop, .path = "/state.db" };

        ck_assert_int_eq(store_open(&options, &live_bed.store), 0);
}

static void go(void) {
        fake_clock_advance(USEC_PER_DAY); /* the bed has set it back */
        live_bed_go();
        store_forget_opened(live_bed.store);
}

/* ---- hooks ---- */

/* b; quick, which is told when work fails; and work. */
static void make(void) {
        live_bed_setup();
        (void)live_bed_job("b");
        (void)live_bed_job("quick");
        live_bed_hook(&live_bed_job("work")->on_failure, "quick");
        open_store();
        go();
}

/* As kill -9, and what comes after it. */
static void killed(void) {
        fake_store_hold(true);
        live_bed_teardown();
        fake_store_crash();
        fake_store_hold(false);
        make();
}

START_TEST(a_hook_begins_once_the_store_has_that) {
        make();
        (void)live_bed_start("work");
        fake_store_hold(true);
        live_bed_end("work", ERROR_EXIT);
        ck_assert_str_eq(live_bed_hooks(), "");
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_str_eq(live_bed_hooks(), "quick:failure:work:failed");
        ck_assert_str_eq(fake_store_live(0)->run, "quick#1");
        ck_assert_ptr_null(fake_store_live(0)->cause);
}
END_TEST

static struct limit *limit;
static struct limit_use use;

/* The hook of work#1, which has failed, waits for a permit that b#1 has. */
static void have_a_hook_wait(void) {
        const struct limit_config config = { .permits = 1 };
        struct task *b = live_bed_entry("b")->task, *quick = live_bed_entry("quick")->task;

        ck_assert_int_eq(limit_new(run_tree_limits(live_tree(LIVE)), "slow", &config, &limit), 0);
        use = (struct limit_use){ .limit = limit, .permits = 1 };
        b->run.limits = quick->run.limits = &use;
        b->run.n_limits = quick->run.n_limits = 1;
        (void)live_bed_start("b");
        fake_loop_settle();
        ck_assert_ptr_nonnull(live_bed_leaf("b"));
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_EXIT);
        ck_assert_str_eq(live_bed_hooks(), "");
}

/* Nobody has a permit. */
static void drop_the_limit(void) {
        struct task *b = live_bed_entry("b")->task, *quick = live_bed_entry("quick")->task;

        b->run.limits = quick->run.limits = NULL;
        b->run.n_limits = quick->run.n_limits = 0;
        limit_unref(limit);
}

START_TEST(a_hook_that_had_not_begun_when_the_daemon_died_is_started_again) {
        const struct store_run *run;

        make();
        have_a_hook_wait();
        ck_assert_ptr_nonnull(strstr(fake_store_live(1)->cause, "\"work#1\""));
        fake_store_hold(true); /* from here on nothing is in the file */
        (void)run_cancel(live_bed_run("quick#1"), CANCEL_OPERATOR, "alice");
        live_bed_end("b", ERROR_NONE);
        drop_the_limit();
        killed();
        ck_assert_str_eq(live_bed_hooks(), "quick:failure:work:failed");
        ck_assert_ptr_nonnull(live_bed_run("quick#2"));
        ck_assert_uint_eq(fake_store_n_live(), 1);
        ck_assert_ptr_null(fake_store_live(0)->cause);
        run = fake_store_run(fake_store_n_runs() - 1);
        for (size_t i = 0; i < fake_store_n_runs() && !streq(run->run, "quick#1"); i++)
                run = fake_store_run(i);
        ck_assert_str_eq(run->run, "quick#1");
        ck_assert_int_eq(run->outcome, OUTCOME_NEVER_STARTED);
        ck_assert_str_eq(run->detail, "the daemon died before it began");
}
END_TEST

START_TEST(a_hook_that_had_begun_is_not) {
        make();
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_EXIT);
        ck_assert_str_eq(live_bed_hooks(), "quick:failure:work:failed");
        killed();
        ck_assert_str_eq(live_bed_hooks(), "");
        ck_assert_uint_eq(fake_store_n_live(), 0);
        ck_assert_int_eq(fake_store_run(fake_store_n_runs() - 1)->outcome, OUTCOME_INTERRUPTED);
}
END_TEST

static void begin_anew(void) {
        fake_store_degrade("it was removed");
        fake_store_recover(true);
        live_put_anew(LIVE);
        fake_loop_settle();
}

START_TEST(a_file_that_begins_anew_knows_which_hooks_have_begun) {
        make();
        have_a_hook_wait();
        begin_anew();
        ck_assert_uint_eq(fake_store_n_live(), 2);
        ck_assert_str_eq(fake_store_live(1)->run, "quick#1");
        ck_assert_ptr_nonnull(fake_store_live(1)->cause);
        live_bed_end("b", ERROR_NONE);
        ck_assert_str_eq(live_bed_hooks(), "quick:failure:work:failed");
        begin_anew();
        ck_assert_uint_eq(fake_store_n_live(), 1);
        ck_assert_str_eq(fake_store_live(0)->run, "quick#1");
        ck_assert_ptr_null(fake_store_live(0)->cause);
        live_bed_end("quick", ERROR_NONE);
        drop_the_limit();
}
END_TEST

/* ---- services that an operator stopped ---- */

/* The next daemon: site of a and b, web of two instances, and solo: all on-start. */
static void make_services(void) {
        live_bed_setup();
        (void)live_bed_service("a");
        (void)live_bed_service("b");
        live_bed_group("site")->on_start = true;
        live_bed_service("solo")->on_start = true;
        live_bed_instances("web", 2)->on_start = true;
        open_store();
        go();
}

static void next_daemon_of_services(bool kill) {
        fake_store_hold(kill);
        live_bed_teardown();
        if (kill)
                fake_store_crash();
        else
                store_close(live_bed.store, 0);
        fake_store_hold(false);
        make_services();
}

static void stop_it(const char *run) {
        ck_assert_int_eq(live_stop(live_bed_run(run), "alice", false), 0);
        fake_loop_settle();
}

START_TEST(a_service_that_was_stopped_stays_down_for_the_next_daemon) {
        usec_t at;

        make_services();
        stop_it("site#1/a");
        stop_it("solo#1");
        stop_it("web#1/web@2");
        ck_assert_str_eq(fake_store_task("solo")->stopped_by, "alice");
        for (unsigned i = 0; i < 2; i++) {
                next_daemon_of_services(_i > 0);
                ck_assert_str_eq(live_task_state(live_bed_entry("a")), "stopped");
                ck_assert_str_eq(live_task_state(live_bed_entry("b")), "starting");
                ck_assert_str_eq(live_task_state(live_bed_entry("solo")), "stopped");
                ck_assert_str_eq(live_task_state(live_bed_entry("web@1")), "starting");
                ck_assert_str_eq(live_task_state(live_bed_entry("web@2")), "stopped");
                ck_assert_str_eq(live_task_stopped_by(live_bed_entry("solo"), &at), "alice");
                ck_assert_uint_eq(at, fake_store_task("solo")->stopped_usec);
        }
        (void)live_bed_start("a");
        (void)live_bed_start("solo");
        (void)live_bed_start("web@2");
        ck_assert_ptr_null(fake_store_task("solo")->stopped_by);
        next_daemon_of_services(_i > 0);
        ck_assert_str_eq(live_task_state(live_bed_entry("a")), "starting");
        ck_assert_str_eq(live_task_state(live_bed_entry("solo")), "starting");
        ck_assert_str_eq(live_task_state(live_bed_entry("web@2")), "starting");
}
END_TEST

START_TEST(instances_that_were_stopped_together_stay_down_and_come_back_together) {
        make_services();
        stop_it("web#1");
        next_daemon_of_services(_i > 0);
        ck_assert_str_eq(live_task_state(live_bed_entry("web")), "stopped");
        ck_assert_ptr_null(live_bed_leaf("web@1"));
        (void)live_bed_start("web");
        ck_assert_str_eq(live_task_state(live_bed_entry("web@1")), "starting");
        ck_assert_str_eq(live_task_state(live_bed_entry("web@2")), "starting");
        ck_assert_ptr_null(fake_store_task("web@2")->stopped_by);
}
END_TEST

START_TEST(starting_the_group_anew_starts_what_was_stopped_in_it) {
        make_services();
        stop_it("site#1/a");
        next_daemon_of_services(false);
        stop_it(_i > 0 ? "site#2" : "site#2/b");
        (void)live_bed_start("site");
        ck_assert_str_eq(live_task_state(live_bed_entry("a")), "starting");
        ck_assert_str_eq(live_task_state(live_bed_entry("b")), "starting");
        ck_assert_ptr_null(fake_store_task("a")->stopped_by);
        ck_assert_ptr_null(fake_store_task("b")->stopped_by);
}
END_TEST

START_TEST(one_that_is_known_late_to_be_stopped_is_stopped) {
        make_services();
        stop_it("site#1/a");
        stop_it("solo#1");
        live_bed_teardown();
        store_close(live_bed.store, 0);
        live_bed_setup();
        (void)live_bed_service("a");
        (void)live_bed_service("b");
        live_bed_group("site")->on_start = true;
        live_bed_service("solo")->on_start = true;
        open_store();
        store_forget_opened(live_bed.store);
        fake_store_degrade("it is locked");
        go();
        ck_assert_ptr_nonnull(live_bed_leaf("solo"));
        ck_assert_ptr_nonnull(live_bed_leaf("a"));
        fake_store_recover(false);
        fake_store_read();
        live_store_late(LIVE);
        live_put_anew(LIVE);
        fake_loop_settle();
        store_forget_opened(live_bed.store);
        ck_assert_str_eq(live_task_state(live_bed_entry("a")), "stopped");
        ck_assert_str_eq(live_task_state(live_bed_entry("b")), "starting");
        ck_assert_str_eq(live_task_state(live_bed_entry("solo")), "stopped");
        ck_assert_str_eq(fake_store_task("solo")->stopped_by, "alice");
}
END_TEST

static void teardown(void) {
        live_bed_teardown();
        store_close(live_bed.store, 0);
        live_bed.store = NULL;
}

int main(void) {
        Suite *suite = suite_create("live-next");
        TCase *tcase = tcase_create("live-next");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, fake_store_reset, teardown);
        tcase_add_test(tcase, a_hook_begins_once_the_store_has_that);
        tcase_add_test(tcase, a_hook_that_had_not_begun_when_the_daemon_died_is_started_again);
        tcase_add_test(tcase, a_hook_that_had_begun_is_not);
        tcase_add_test(tcase, a_file_that_begins_anew_knows_which_hooks_have_begun);
        tcase_add_loop_test(tcase, a_service_that_was_stopped_stays_down_for_the_next_daemon, 0, 2);
        tcase_add_loop_test(tcase, instances_that_were_stopped_together_stay_down_and_come_back_together, 0, 2);
        tcase_add_loop_test(tcase, starting_the_group_anew_starts_what_was_stopped_in_it, 0, 2);
        tcase_add_test(tcase, one_that_is_known_late_to_be_stopped_is_stopped);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
