/* SPDX-License-Identifier: MIT */
/* live-stale: when a task had no ok for too long. */
#include "live/live_private.h"
#include "support/fake-clock.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <check.h>

#define MINUTE USEC_PER_MINUTE

static struct task *work;

static void setup(void) {
        live_bed_setup();
        (void)live_bed_job("alert");
        work = live_bed_job("work");
        work->stale_after_usec = 60 * MINUTE;
        live_bed_hook(&work->on_stale, "alert");
        live_bed_hook(&work->on_recover, "alert");
}

static bool is_stale(void) {
        return live_task_is_stale(live_bed_entry("work"));
}

static usec_t stale_at(void) {
        return live_task_stale_at(live_bed_entry("work"));
}

static void work_ends(enum error_kind error) {
        (void)live_bed_start("work");
        live_bed_end("work", error);
}

/* As it is restored at the start of a daemon. */
static void restore(usec_t last_ok_ago, usec_t first_seen_ago, bool stale) {
        struct live_task *entry = live_bed_entry("work");
        usec_t now = clock_now(CLOCK_ID_REALTIME);
        const struct store_task stored = { .task = "work", .first_seen_usec = now - first_seen_ago, .stale = stale };

        entry->last_ok_usec = last_ok_ago ? now - last_ok_ago : 0;
        live_stale_restore(entry, &stored);
        live_stale_begin(live_bed.live);
        fake_loop_settle();
}

START_TEST(counts_from_when_it_was_first_seen) {
        usec_t begun = clock_now(CLOCK_ID_REALTIME);

        live_bed_go();
        ck_assert_uint_eq(stale_at(), begun + 60 * MINUTE);
        fake_clock_advance(60 * MINUTE - 1);
        ck_assert(!is_stale());
        fake_clock_advance(1);
        ck_assert(is_stale());
        ck_assert_uint_eq(stale_at(), begun + 60 * MINUTE);
        ck_assert_str_eq(live_bed_text(EVENT_STALE), "stale: no ok for 1h, nor any since it was first seen 1h ago");
        ck_assert_str_eq(live_bed_hooks(), "alert:stale:work:never-started");
}
END_TEST

START_TEST(an_ok_begins_anew) {
        live_bed_go();
        fake_clock_advance(59 * MINUTE);
        work_ends(ERROR_NONE);
        fake_clock_advance(60 * MINUTE - 1);
        ck_assert(!is_stale());
        fake_clock_advance(1);
        ck_assert(is_stale());
        ck_assert_str_eq(live_bed_text(EVENT_STALE), "stale: no ok for 1h, the last 1h ago");
        ck_assert_str_eq(live_bed_hooks(), "alert:stale:work:ok");
}
END_TEST

START_TEST(what_fails_or_is_cancelled_is_no_ok_and_is_told_to_the_hook) {
        live_bed_go();
        fake_clock_advance(30 * MINUTE);
        work_ends(ERROR_EXIT);
        ck_assert_int_eq(run_cancel(live_bed_start("work"), CANCEL_OPERATOR, "alice"), 0);
        fake_clock_advance(30 * MINUTE);
        ck_assert(is_stale());
        ck_assert_str_eq(live_bed_hooks(), "alert:stale:work:cancelled");
}
END_TEST

START_TEST(is_told_once_until_the_next_ok) {
        live_bed_go();
        fake_clock_advance(600 * MINUTE);
        work_ends(ERROR_EXIT);
        fake_clock_advance(600 * MINUTE);
        ck_assert_uint_eq(live_bed_events(EVENT_STALE), 1);
        work_ends(ERROR_NONE);
        ck_assert(!is_stale());
        fake_clock_advance(60 * MINUTE);
        ck_assert_uint_eq(live_bed_events(EVENT_STALE), 2);
}
END_TEST

START_TEST(its_end_is_an_event_and_for_hooks_only_if_it_was_failing) {
        live_bed_go();
        fake_clock_advance(60 * MINUTE);
        work_ends(ERROR_NONE);
        ck_assert_uint_eq(live_bed_events(EVENT_RECOVERED), 1);
        ck_assert_str_eq(live_bed_text(EVENT_RECOVERED), "ok again, and no longer stale");
        ck_assert_str_eq(live_bed_hooks(), "alert:stale:work:never-started");

        fake_clock_advance(60 * MINUTE);
        work_ends(ERROR_EXIT);
        work_ends(ERROR_NONE);
        ck_assert_uint_eq(live_bed_events(EVENT_RECOVERED), 2);
        ck_assert_str_eq(live_bed_text(EVENT_RECOVERED), "recovered");
        live_bed_end("alert", ERROR_NONE);
        live_bed_end("alert", ERROR_NONE);
        ck_assert_str_eq(live_bed_hooks(),
                         "alert:stale:work:never-started alert:stale:work:ok alert:recovered:work:ok");
}
END_TEST

START_TEST(a_wall_clock_that_is_set_does_not_matter_to_what_was_seen) {
        live_bed_go();
        work_ends(ERROR_NONE);
        fake_clock_set(CLOCK_ID_REALTIME, clock_now(CLOCK_ID_REALTIME) + 1000 * USEC_PER_DAY);
        fake_loop_settle();
        fake_clock_advance(60 * MINUTE - 1);
        ck_assert(!is_stale());
        fake_clock_advance(1);
        ck_assert(is_stale());
}
END_TEST

START_TEST(sleep_counts) {
        live_bed_go();
        work_ends(ERROR_NONE);
        fake_clock_set(CLOCK_ID_BOOTTIME, clock_now(CLOCK_ID_BOOTTIME) + 59 * MINUTE);
        fake_clock_advance(MINUTE);
        ck_assert(is_stale());
}
END_TEST

START_TEST(what_was_before_counts_by_wall_time) {
        live_bed_go();
        restore(50 * MINUTE, 900 * MINUTE, false);
        ck_assert_uint_eq(stale_at(), clock_now(CLOCK_ID_REALTIME) + 10 * MINUTE);
        fake_clock_advance(10 * MINUTE - 1);
        ck_assert(!is_stale());
        fake_clock_advance(1);
        ck_assert(is_stale());
}
END_TEST

START_TEST(what_was_too_long_ago_is_told_at_the_start) {
        live_bed_go();
        restore(26 * 60 * MINUTE + 1, 9000 * MINUTE, false);
        ck_assert(is_stale());
        ck_assert_str_eq(live_bed_text(EVENT_STALE), "stale: no ok for 1h, the last 1d 2h ago");
}
END_TEST

START_TEST(one_that_never_was_ok_counts_from_when_it_was_first_seen) {
        live_bed_go();
        restore(0, 45 * MINUTE, false);
        fake_clock_advance(15 * MINUTE);
        ck_assert(is_stale());
}
END_TEST

START_TEST(what_was_told_before_is_not_told_again) {
        struct store_task saved = { 0 };

        live_bed_go();
        restore(90 * MINUTE, 900 * MINUTE, true);
        fake_clock_advance(900 * MINUTE);
        ck_assert(is_stale());
        ck_assert_uint_eq(live_bed_events(EVENT_STALE), 0);
        live_stale_save(live_bed_entry("work"), &saved);
        ck_assert(saved.stale);
        work_ends(ERROR_NONE);
        live_stale_save(live_bed_entry("work"), &saved);
        ck_assert(!saved.stale);
}
END_TEST

/* A machine without a clock of its own begins in the past, and learns the time a little later. */
START_TEST(what_was_before_is_reckoned_anew_when_the_clock_is_set) {
        live_bed_go();
        restore(5 * MINUTE, 900 * MINUTE, false);
        fake_clock_set(CLOCK_ID_REALTIME, clock_now(CLOCK_ID_REALTIME) + 50 * MINUTE);
        fake_loop_settle();
        fake_clock_advance(5 * MINUTE);
        ck_assert(is_stale());
}
END_TEST

/* The last time it was never set. */
START_TEST(an_ok_by_a_clock_that_was_never_set_counts_as_now) {
        live_bed_go();
        restore(_i ? clock_now(CLOCK_ID_REALTIME) - MINUTE : 0, clock_now(CLOCK_ID_REALTIME) - MINUTE, false);
        fake_clock_advance(60 * MINUTE - 1);
        ck_assert(!is_stale());
        fake_clock_advance(1);
        ck_assert(is_stale());
}
END_TEST

START_TEST(a_last_ok_in_the_future_counts_as_now) {
        live_bed_go();
        fake_clock_set(CLOCK_ID_REALTIME, clock_now(CLOCK_ID_REALTIME) + 90 * MINUTE);
        restore(MINUTE, MINUTE, false);
        fake_clock_set(CLOCK_ID_REALTIME, clock_now(CLOCK_ID_REALTIME) - 90 * MINUTE);
        fake_loop_settle();
        fake_clock_advance(60 * MINUTE - 1);
        ck_assert(!is_stale());
        fake_clock_advance(1);
        ck_assert(is_stale());
}
END_TEST

START_TEST(what_this_daemon_saw_is_told_by_the_new_clock) {
        usec_t before;

        live_bed_go();
        before = live_task_stale_at(live_bed_entry("work"));
        fake_clock_set(CLOCK_ID_REALTIME, clock_now(CLOCK_ID_REALTIME) + USEC_PER_DAY);
        fake_loop_settle();
        ck_assert_uint_eq(stale_at(), before + USEC_PER_DAY);
        work_ends(ERROR_NONE);
        before = live_task_last_ok(live_bed_entry("work"));
        fake_clock_advance(10 * MINUTE);
        fake_clock_set(CLOCK_ID_REALTIME, clock_now(CLOCK_ID_REALTIME) - USEC_PER_DAY);
        fake_loop_settle();
        ck_assert_uint_eq(live_task_last_ok(live_bed_entry("work")), before - USEC_PER_DAY);
        fake_clock_advance(50 * MINUTE - 1);
        ck_assert(!is_stale());
        fake_clock_advance(1);
        ck_assert_str_eq(live_bed_text(EVENT_STALE), "stale: no ok for 1h, the last 1h ago");
}
END_TEST

START_TEST(what_was_told_by_a_shorter_bound_is_told_again) {
        live_bed_go();
        restore(40 * MINUTE, 900 * MINUTE, true); /* it was stale after half an hour */
        ck_assert(!is_stale());
        ck_assert_uint_eq(stale_at(), clock_now(CLOCK_ID_REALTIME) + 20 * MINUTE);
        fake_clock_advance(20 * MINUTE);
        ck_assert(is_stale());
        ck_assert_uint_eq(live_bed_events(EVENT_STALE), 1);
}
END_TEST

START_TEST(one_that_is_disabled_or_has_no_bound_never_is) {
        struct task *other = live_bed_job("zzz");

        work->enabled = false;
        live_bed_go();
        ck_assert_ptr_null(live_bed_entry("work")->stale);
        ck_assert_ptr_null(other->live->stale);
        ck_assert_uint_eq(fake_loop_armed_timers(), 0);
        ck_assert_uint_eq(stale_at(), USEC_INFINITY);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live-stale");
        TCase *tcase = tcase_create("live-stale");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, live_bed_teardown);
        tcase_add_test(tcase, counts_from_when_it_was_first_seen);
        tcase_add_test(tcase, an_ok_begins_anew);
        tcase_add_test(tcase, what_fails_or_is_cancelled_is_no_ok_and_is_told_to_the_hook);
        tcase_add_test(tcase, is_told_once_until_the_next_ok);
        tcase_add_test(tcase, its_end_is_an_event_and_for_hooks_only_if_it_was_failing);
        tcase_add_test(tcase, a_wall_clock_that_is_set_does_not_matter_to_what_was_seen);
        tcase_add_test(tcase, sleep_counts);
        tcase_add_test(tcase, what_was_before_counts_by_wall_time);
        tcase_add_test(tcase, what_was_too_long_ago_is_told_at_the_start);
        tcase_add_test(tcase, one_that_never_was_ok_counts_from_when_it_was_first_seen);
        tcase_add_test(tcase, what_was_told_before_is_not_told_again);
        tcase_add_test(tcase, what_was_before_is_reckoned_anew_when_the_clock_is_set);
        tcase_add_loop_test(tcase, an_ok_by_a_clock_that_was_never_set_counts_as_now, 0, 2);
        tcase_add_test(tcase, a_last_ok_in_the_future_counts_as_now);
        tcase_add_test(tcase, what_this_daemon_saw_is_told_by_the_new_clock);
        tcase_add_test(tcase, what_was_told_by_a_shorter_bound_is_told_again);
        tcase_add_test(tcase, one_that_is_disabled_or_has_no_bound_never_is);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
