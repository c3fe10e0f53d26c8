/* SPDX-License-Identifier: MIT */
/* live-pause: limits and all triggers that are paused, and what the next daemon knows of it. */
#include "live/live_private.h"
#include "support/fake-loop.h"
#include "support/fake-store.h"
#include "support/live-bed.h"
#include "support/memory-bed.h"

#include <check.h>

#define LIVE live_bed.live
#define M    USEC_PER_MINUTE

static struct limit_section db;

static void make(bool has_limit) {
        struct task *work = memory_bed_work;

        live_bed_service("www")->on_start = true;
        db = (struct limit_section){ .name = (char *)"db", .limit = { .permits = 1 } };
        live_bed.config.limits = &db;
        live_bed.config.n_limits = has_limit;
        work->every_usec = 10 * M;
        work->catch_up = CATCH_UP_NONE;
        if (!has_limit)
                return;
        work->limits = calloc(1, sizeof(*work->limits));
        work->limits[0].name = strdup("db");
        work->limits[0].permits = 1;
        work->n_limits = 1;
}

static void setup(void) {
        memory_bed_setup();
        make(true);
        memory_bed_go();
}

static void next_daemon(bool has_limit) {
        live_bed_teardown();
        store_close(live_bed.store, 0);
        memory_bed_make();
        make(has_limit);
        fake_clock_advance(USEC_PER_DAY); /* the bed has set it back */
        memory_bed_go();
}

static bool is_limit_paused(void) {
        return limit_paused_by(live_find_limit(LIVE, "db"), NULL) != NULL;
}

/* ---- all ---- */

START_TEST(while_all_are_paused_nothing_is_started_by_triggers) {
        ck_assert_int_eq(live_pause_all(LIVE, "anna"), 0);
        ck_assert_int_eq(live_pause_all(LIVE, "otto"), -EALREADY);
        ck_assert_str_eq(live_bed_text(EVENT_PAUSED), "all triggers paused by anna");
        ck_assert_str_eq(live_task_paused_by(live_bed_entry("work"), NULL), "anna");
        ck_assert_str_eq(live_task_state(live_bed_entry("quick")), "paused");
        fake_clock_advance(11 * M);
        ck_assert_ptr_null(live_bed_leaf("work"));
        ck_assert_uint_eq(fake_store_missed_total("work", "paused"), 1);
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_NONE);

        ck_assert_int_eq(live_resume_all(LIVE, "anna"), 0);
        ck_assert_int_eq(live_resume_all(LIVE, "anna"), -EALREADY);
        fake_clock_advance(10 * M);
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
}
END_TEST

START_TEST(what_is_paused_itself_stays_so_when_all_are_resumed) {
        struct live_task *work = live_bed_entry("work");

        ck_assert_int_eq(live_pause(work, "otto"), 0);
        ck_assert_int_eq(live_pause_all(LIVE, "anna"), 0);
        ck_assert_str_eq(live_task_paused_by(work, NULL), "otto");
        ck_assert_int_eq(live_resume_all(LIVE, "anna"), 0);
        fake_clock_advance(11 * M);
        ck_assert_ptr_null(live_bed_leaf("work"));

        ck_assert_int_eq(live_pause_all(LIVE, "anna"), 0);
        ck_assert_int_eq(live_resume(work, "otto"), 0);
        ck_assert_int_eq(live_resume(work, "otto"), -EALREADY);
        fake_clock_advance(10 * M);
        ck_assert_ptr_null(live_bed_leaf("work"));
}
END_TEST

START_TEST(the_next_daemon_follows_no_trigger_either_until_it_is_resumed) {
        ck_assert_int_eq(live_pause_all(LIVE, "anna"), 0);
        next_daemon(true);
        ck_assert_str_eq(live_paused_by(LIVE, NULL), "anna");
        ck_assert(!live_task_is_paused_itself(live_bed_entry("work")));
        fake_clock_advance(11 * M);
        ck_assert_ptr_null(live_bed_leaf("work"));
        ck_assert_int_eq(live_resume_all(LIVE, "anna"), 0);
        next_daemon(true);
        ck_assert_ptr_null(live_paused_by(LIVE, NULL));
        ck_assert_ptr_null(live_task_paused_by(live_bed_entry("work"), NULL));
}
END_TEST

/* ---- services ---- */

static void resume(bool all) {
        ck_assert_int_eq(all ? live_resume_all(LIVE, "anna") : live_resume(live_bed_entry("www"), "anna"), 0);
        fake_loop_settle();
}

static void pause_and_begin_anew(bool all) {
        ck_assert_int_eq(all ? live_pause_all(LIVE, "anna") : live_pause(live_bed_entry("www"), "anna"), 0);
        ck_assert_ptr_nonnull(live_bed_leaf("www")); /* what is up stays so */
        next_daemon(true);
        ck_assert_ptr_null(live_bed_leaf("www"));
}

START_TEST(a_service_that_a_pause_kept_down_is_started_when_it_ends) {
        bool all = _i;

        pause_and_begin_anew(all);
        resume(all);
        ck_assert_ptr_nonnull(live_bed_leaf("www"));
        ck_assert_str_eq(live_task_state(live_bed_entry("www")), "starting");
}
END_TEST

START_TEST(but_not_one_that_was_up_in_between_or_was_stopped) {
        pause_and_begin_anew(false);
        ck_assert_int_eq(run_cancel(live_bed_start("www"), CANCEL_SHUTDOWN, "test"), 0);
        fake_loop_settle();
        resume(false);
        ck_assert_ptr_null(live_bed_leaf("www"));

        ck_assert_int_eq(live_stop(live_bed_start("www"), "otto", true), 0);
        fake_loop_settle();
        ck_assert_int_eq(live_pause_all(LIVE, "anna"), 0);
        next_daemon(true);
        resume(true);
        ck_assert_ptr_null(live_bed_leaf("www"));
        ck_assert_str_eq(live_task_state(live_bed_entry("www")), "stopped");
}
END_TEST

/* ---- limits ---- */

START_TEST(a_limit_that_is_paused_grants_nothing_until_it_is_resumed) {
        ck_assert_int_eq(live_pause_limit(LIVE, "db", "anna"), 0);
        ck_assert_int_eq(live_pause_limit(LIVE, "db", "anna"), -EALREADY);
        ck_assert_int_eq(live_pause_limit(LIVE, "max-running", "anna"), -ENOENT);
        ck_assert_int_eq(live_resume_limit(LIVE, "x", "anna"), -ENOENT);
        ck_assert_str_eq(live_bed_text(EVENT_PAUSED), "limit db paused by anna");
        (void)live_bed_start("work");
        fake_clock_advance(M);
        ck_assert_ptr_null(live_bed_leaf("work"));
        ck_assert_int_eq(live_resume_limit(LIVE, "db", "anna"), 0);
        ck_assert_int_eq(live_resume_limit(LIVE, "db", "anna"), -EALREADY);
        fake_loop_settle();
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
}
END_TEST

START_TEST(a_limit_stays_paused_over_daemons_that_do_not_have_it) {
        ck_assert_int_eq(live_pause_limit(LIVE, "db", "anna"), 0);
        next_daemon(true);
        ck_assert(is_limit_paused());
        next_daemon(false);
        ck_assert_uint_eq(live_n_limit_pauses(LIVE), 1);
        next_daemon(true);
        ck_assert(is_limit_paused());
        next_daemon(false);
        ck_assert_int_eq(live_resume_limit(LIVE, "db", "anna"), 0);
        next_daemon(true);
        ck_assert(!is_limit_paused());
}
END_TEST

START_TEST(pauses_are_put_again_into_a_store_that_begins_anew) {
        ck_assert_int_eq(live_pause_all(LIVE, "anna"), 0);
        ck_assert_int_eq(live_pause_limit(LIVE, "db", "anna"), 0);
        fake_loop_settle();
        fake_store_degrade("removed");
        fake_store_recover(true);
        live_put_anew(LIVE);
        fake_loop_settle();
        next_daemon(true);
        ck_assert_ptr_nonnull(live_paused_by(LIVE, NULL));
        ck_assert(is_limit_paused());
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live-pause");
        TCase *tcase = tcase_create("live-pause");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, memory_bed_teardown);
        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, while_all_are_paused_nothing_is_started_by_triggers);
        tcase_add_test(tcase, what_is_paused_itself_stays_so_when_all_are_resumed);
        tcase_add_test(tcase, the_next_daemon_follows_no_trigger_either_until_it_is_resumed);
        tcase_add_loop_test(tcase, a_service_that_a_pause_kept_down_is_started_when_it_ends, 0, 2);
        tcase_add_test(tcase, but_not_one_that_was_up_in_between_or_was_stopped);
        tcase_add_test(tcase, a_limit_that_is_paused_grants_nothing_until_it_is_resumed);
        tcase_add_test(tcase, a_limit_stays_paused_over_daemons_that_do_not_have_it);
        tcase_add_test(tcase, pauses_are_put_again_into_a_store_that_begins_anew);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
