/* SPDX-License-Identifier: MIT */
/* live, in time: calendars and what is caught up, a few tasks at a time, and what is paused. */
#include "live/live_private.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <check.h>
#include <stdio.h>

#define MINUTE USEC_PER_MINUTE
#define HOUR   USEC_PER_HOUR

static struct calendar *calendar;
static struct zone *zone;
static struct task_calendar use;
static struct when_part when;

static void setup(void) {
        live_bed_setup();
        live_bed.config.daemon.catch_up_delay_usec = MINUTE;
}

static void teardown(void) {
        for (size_t i = 0; i < live_bed.config.n_tasks; i++)
                live_bed.config.tasks[i]->when = NULL;
        live_bed_teardown();
        calendar = calendar_free(calendar);
        zone = zone_unref(zone);
}

static struct task *every(const char *name, usec_t usec) {
        struct task *task = live_bed_job(name);

        task->every_usec = usec;
        task->catch_up_max = 100;
        task->catch_up_within_usec = USEC_PER_DAY;
        return task;
}

static struct task *on_calendar(const char *name, const char *expression) {
        struct task *task = every(name, 0);
        char wrong[CALENDAR_WRONG_MAX];

        ck_assert_int_eq(calendar_parse(expression, &calendar, wrong), 0);
        ck_assert_int_eq(zone_load("UTC", &zone), 0);
        use = (struct task_calendar){ .calendar = calendar, .zone = zone };
        when = (struct when_part){ .calendars = &use, .n_calendars = 1 };
        task->when = &when;
        return task;
}

/* The machine sleeps, on all clocks but the one that stands still then. */
static void sleep_for(usec_t usec) {
        fake_clock_set(CLOCK_ID_BOOTTIME, clock_now(CLOCK_ID_BOOTTIME) + usec);
        fake_clock_set(CLOCK_ID_REALTIME, clock_now(CLOCK_ID_REALTIME) + usec);
        fake_loop_settle();
}

static const char *what_of(const char *task) {
        const char *what;

        (void)live_task_last_due(live_bed_entry(task), &what);
        return what ? what : "nothing";
}

static unsigned at_work(void) {
        unsigned n = 0;

        for (size_t i = 0; i < live_bed.config.n_tasks; i++)
                n += live_task_running(live_task_at(live_bed.live, i));
        return n;
}

/* ---- what fires ---- */

START_TEST(a_calendar_starts_its_task_and_is_told) {
        const char *what;

        (void)on_calendar("work", "hourly");
        live_bed_go();
        ck_assert_uint_eq(live_task_next(live_bed_entry("work")), FAKE_CLOCK_REALTIME + HOUR);
        fake_clock_advance(HOUR);
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
        ck_assert_str_eq(run_get_trigger(live_bed_run("work#1")), "calendar");
        ck_assert_uint_eq(run_get_due(live_bed_run("work#1")), FAKE_CLOCK_REALTIME + HOUR);
        ck_assert_uint_eq(live_task_last_due(live_bed_entry("work"), &what), FAKE_CLOCK_REALTIME + HOUR);
        ck_assert_str_eq(what, "ran as work#1");
        fake_clock_advance(HOUR);
        ck_assert_uint_eq(live_task_last_due(live_bed_entry("work"), &what), FAKE_CLOCK_REALTIME + 2 * HOUR);
        ck_assert_str_eq(what, "skipped: overlap: the last run is still at work");
}
END_TEST

START_TEST(the_next_occurrences_are_listed) {
        struct live_due due[5];
        struct task *task = on_calendar("work", "*-*-* 13,14:00");

        task->every_usec = 90 * MINUTE;
        live_bed_go();
        ck_assert_uint_eq(live_next_occurrences(live_bed_entry("work"), due, 5), 5);
        ck_assert_uint_eq(due[0].due_usec, FAKE_CLOCK_REALTIME + HOUR);
        ck_assert_str_eq(due[0].trigger, "calendar");
        ck_assert_uint_eq(due[1].due_usec, FAKE_CLOCK_REALTIME + 90 * MINUTE);
        ck_assert_str_eq(due[1].trigger, "every");
        ck_assert_uint_eq(due[2].due_usec, FAKE_CLOCK_REALTIME + 2 * HOUR);
        ck_assert_uint_eq(due[3].due_usec, FAKE_CLOCK_REALTIME + 3 * HOUR);
        ck_assert_uint_eq(due[4].due_usec, FAKE_CLOCK_REALTIME + 270 * MINUTE);
        ck_assert_uint_eq(live_next_occurrences(live_bed_entry("work"), due, 0), 0);
}
END_TEST

/* ---- catching up ---- */

START_TEST(catching_up_waits_for_its_delay_and_takes_four_at_a_time) {
        char name[] = "job-0";

        for (unsigned i = 0; i < 6; i++, name[4]++)
                (void)every(name, HOUR);
        live_bed_go();
        sleep_for(150 * MINUTE);
        ck_assert_uint_eq(at_work(), 0);
        ck_assert_str_eq(what_of("job-0"), "not run: asleep"); /* an earlier one */
        fake_clock_advance(MINUTE);
        ck_assert_uint_eq(at_work(), 4);
        ck_assert_str_eq(run_get_trigger(live_bed_run("job-0#1")), "catch-up");
        ck_assert_uint_eq(run_get_due(live_bed_run("job-0#1")), FAKE_CLOCK_REALTIME + 2 * HOUR);
        ck_assert_str_eq(what_of("job-0"), "ran as job-0#1");
        ck_assert_ptr_null(live_bed_leaf("job-4"));
        live_bed_end("job-1", ERROR_EXIT);
        ck_assert_ptr_nonnull(live_bed_leaf("job-4"));
        ck_assert_uint_eq(at_work(), 4);
        live_bed_end("job-0", ERROR_NONE);
        ck_assert_ptr_nonnull(live_bed_leaf("job-5"));
}
END_TEST

START_TEST(what_waits_for_its_own_task_takes_no_place_of_those_that_catch_up) {
        char name[] = "job-0";

        for (unsigned i = 0; i < 6; i++, name[4]++)
                (void)every(name, HOUR);
        live_bed_go();
        for (name[4] = '0'; name[4] < '4'; name[4]++)
                (void)live_bed_start(name);
        sleep_for(90 * MINUTE);
        fake_clock_advance(MINUTE);
        ck_assert_uint_eq(live_task_running(live_bed_entry("job-0")), 2);
        ck_assert_ptr_nonnull(live_bed_leaf("job-4"));
        ck_assert_ptr_nonnull(live_bed_leaf("job-5"));
}
END_TEST

START_TEST(a_service_that_is_ready_takes_no_place_of_those_that_catch_up) {
        char name[] = "job-0";

        for (unsigned i = 0; i < 6; i++, name[4]++) {
                struct task *task = live_bed_service(name);

                task->every_usec = HOUR;
                task->catch_up_max = 100;
                task->catch_up_within_usec = USEC_PER_DAY;
        }
        live_bed_go();
        sleep_for(90 * MINUTE);
        fake_clock_advance(MINUTE);
        ck_assert_ptr_nonnull(live_bed_leaf("job-3"));
        ck_assert_ptr_null(live_bed_leaf("job-4"));
        live_bed_ready("job-0");
        ck_assert_ptr_nonnull(live_bed_leaf("job-4"));
        ck_assert_ptr_null(live_bed_leaf("job-5"));
}
END_TEST

START_TEST(all_are_caught_up_one_after_another_whatever_the_overlap) {
        every("work", HOUR)->catch_up = CATCH_UP_ALL;
        live_bed_go();
        fake_clock_advance(MINUTE);
        sleep_for(210 * MINUTE);
        for (unsigned i = 1; i <= 3; i++) {
                struct run *leaf = live_bed_leaf("work");

                ck_assert_ptr_nonnull(leaf);
                ck_assert_uint_eq(run_get_due(run_get_top(leaf)), FAKE_CLOCK_REALTIME + i * HOUR);
                ck_assert_uint_eq(live_task_running(live_bed_entry("work")), 1);
                live_bed_end("work", ERROR_NONE);
        }
        ck_assert_ptr_null(live_bed_leaf("work"));
        fake_clock_advance(29 * MINUTE);
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
        ck_assert_str_eq(run_get_trigger(live_bed_run("work#4")), "every");
}
END_TEST

START_TEST(what_is_not_caught_up_is_told) {
        every("work", HOUR)->catch_up = CATCH_UP_NONE;
        live_bed_go();
        sleep_for(150 * MINUTE);
        ck_assert_uint_eq(live_bed_events(EVENT_MISSED), 1);
        ck_assert_str_eq(live_bed_text(EVENT_MISSED),
                         "was due by every 2 times from 2026-03-01 13:00:00Z to 2026-03-01 14:00:00Z and was not run: "
                         "asleep: catch-up = none");
        fake_clock_advance(10 * MINUTE);
        ck_assert_uint_eq(at_work(), 0);
}
END_TEST

START_TEST(a_run_from_before_a_reload_is_replaced_too) {
        static struct task next;
        struct task *task = every("work", HOUR);

        task->overlap = OVERLAP_REPLACE;
        live_bed_go();
        (void)live_bed_start("work");
        next = *task;
        live_bed_entry("work")->task = &next;
        fake_clock_advance(HOUR);
        ck_assert_uint_eq(live_task_count(live_bed_entry("work"), OUTCOME_CANCELLED), 1);
        ck_assert_ptr_nonnull(live_bed_run("work#2"));
        live_bed_entry("work")->task = task;
}
END_TEST

/* ---- the clock is set ---- */

START_TEST(a_clock_that_is_set_is_told_and_calendars_follow) {
        (void)on_calendar("work", "hourly");
        live_bed_go();
        fake_clock_advance(MINUTE);
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + USEC_PER_DAY);
        fake_loop_settle();
        ck_assert_uint_eq(live_bed_events(EVENT_CLOCK_SET), 1);
        ck_assert_str_eq(live_bed_text(EVENT_CLOCK_SET), "the wall clock was set forward by 23h 59min");
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
        live_bed_end("work", ERROR_NONE);
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME);
        fake_loop_settle();
        ck_assert_str_eq(live_bed_text(EVENT_CLOCK_SET), "the wall clock was set back by 1d");
        ck_assert_uint_eq(live_task_next(live_bed_entry("work")), FAKE_CLOCK_REALTIME + HOUR);
        fake_clock_advance(HOUR);
        ck_assert_uint_eq(run_get_due(live_bed_run("work#2")), FAKE_CLOCK_REALTIME + HOUR);
}
END_TEST

/* As machines do that have no clock of their own. */
START_TEST(a_clock_that_is_set_for_the_first_time_starts_nothing) {
        fake_clock_set(CLOCK_ID_REALTIME, 20 * USEC_PER_SEC);
        on_calendar("work", "*-*-* *:00/5")->catch_up = CATCH_UP_ALL;
        live_bed_go();
        fake_clock_advance(MINUTE);
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + 2 * MINUTE);
        fake_loop_settle();
        fake_clock_advance(3 * MINUTE - 1);
        ck_assert_uint_eq(at_work(), 0);
        ck_assert_uint_eq(live_bed_events(EVENT_MISSED), 0);
        fake_clock_advance(1);
        ck_assert_uint_eq(run_get_due(live_bed_run("work#1")), FAKE_CLOCK_REALTIME + 5 * MINUTE);
}
END_TEST

static const struct {
        usec_t sleep, jump, later_jump;
        const char *what;
} gaps[] = {
        { 3 * HOUR, 0, 0, "not run: asleep" },
        { 0, 3 * HOUR, 0, "not run: clock" },
        { 3 * HOUR, 5 * USEC_PER_SEC, 0, "not run: asleep" }, /* set by a little when it woke */
        { 5 * USEC_PER_SEC, 3 * HOUR, 0, "not run: clock" },
        { 3 * HOUR, 0, 5 * USEC_PER_SEC, "not run: asleep" },
        { 30 * MINUTE, 0, 3 * HOUR, "not run: clock" },
};

START_TEST(the_longer_gap_is_the_reason) {
        struct live_due due;

        on_calendar("work", "hourly")->catch_up = CATCH_UP_NONE;
        live_bed_go();
        fake_clock_advance(10 * MINUTE);
        fake_clock_set(CLOCK_ID_BOOTTIME, clock_now(CLOCK_ID_BOOTTIME) + gaps[_i].sleep);
        fake_clock_set(CLOCK_ID_REALTIME, clock_now(CLOCK_ID_REALTIME) + gaps[_i].sleep + gaps[_i].jump);
        (void)live_next_occurrences(live_bed_entry("work"), &due, 1); /* looks, and decides nothing */
        fake_clock_set(CLOCK_ID_REALTIME, clock_now(CLOCK_ID_REALTIME) + gaps[_i].later_jump);
        fake_loop_settle();
        ck_assert_str_eq(what_of("work"), gaps[_i].what);
}
END_TEST

/* ---- paused ---- */

START_TEST(paused_is_not_followed_by_triggers_but_by_operators) {
        usec_t since;

        (void)every("work", HOUR);
        live_bed_go();
        ck_assert_int_eq(live_pause(live_bed_entry("work"), "uid 7"), 0);
        ck_assert_int_eq(live_pause(live_bed_entry("work"), "uid 8"), -EALREADY);
        ck_assert_str_eq(live_task_paused_by(live_bed_entry("work"), &since), "uid 7");
        ck_assert_uint_eq(since, FAKE_CLOCK_REALTIME);
        fake_clock_advance(2 * HOUR);
        ck_assert_uint_eq(at_work(), 0);
        ck_assert_uint_eq(live_bed_events(EVENT_MISSED), 2);
        ck_assert_str_eq(what_of("work"), "not run: paused");
        (void)live_bed_start("work");
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
        live_bed_end("work", ERROR_NONE);
        ck_assert_int_eq(live_resume(live_bed_entry("work"), "uid 7"), 0);
        ck_assert_int_eq(live_resume(live_bed_entry("work"), "uid 7"), -EALREADY);
        ck_assert_ptr_null(live_task_paused_by(live_bed_entry("work"), NULL));
        fake_clock_advance(10 * MINUTE);
        ck_assert_uint_eq(at_work(), 0);
        fake_clock_advance(HOUR);
        ck_assert_uint_eq(at_work(), 1);
        ck_assert_uint_eq(live_bed_events(EVENT_PAUSED), 1);
        ck_assert_uint_eq(live_bed_events(EVENT_RESUMED), 1);
}
END_TEST

START_TEST(from_end_goes_on_after_a_pause) {
        every("work", HOUR)->every_from_end = true;
        live_bed_go();
        ck_assert_int_eq(live_pause(live_bed_entry("work"), "uid 7"), 0);
        fake_clock_advance(150 * MINUTE);
        ck_assert_int_eq(live_resume(live_bed_entry("work"), "uid 7"), 0);
        ck_assert_uint_eq(at_work(), 0);
        fake_clock_advance(30 * MINUTE);
        ck_assert_uint_eq(at_work(), 1);
}
END_TEST

START_TEST(from_end_waits_for_its_run_though_a_calendar_is_skipped) {
        struct task *task = on_calendar("work", "*-*-* 13:30");

        task->every_usec = HOUR;
        task->every_from_end = true;
        live_bed_go();
        fake_clock_advance(HOUR);
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
        fake_clock_advance(HOUR); /* 13:30 is skipped */
        ck_assert_str_eq(what_of("work"), "skipped: overlap: the last run is still at work");
        ck_assert_uint_eq(live_task_next(live_bed_entry("work")), FAKE_CLOCK_REALTIME + 90 * MINUTE + USEC_PER_DAY);
}
END_TEST

START_TEST(what_waits_to_be_caught_up_waits_for_the_resume_too) {
        (void)every("work", HOUR);
        live_bed_go();
        sleep_for(90 * MINUTE);
        ck_assert_int_eq(live_pause(live_bed_entry("work"), "uid 7"), 0);
        fake_clock_advance(5 * MINUTE);
        ck_assert_uint_eq(at_work(), 0);
        ck_assert_int_eq(live_resume(live_bed_entry("work"), "uid 7"), 0);
        fake_loop_settle();
        ck_assert_uint_eq(at_work(), 1);
        ck_assert_uint_eq(run_get_due(live_bed_run("work#1")), FAKE_CLOCK_REALTIME + HOUR);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live-schedule");
        TCase *tcase = tcase_create("live-schedule");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_calendar_starts_its_task_and_is_told);
        tcase_add_test(tcase, the_next_occurrences_are_listed);
        tcase_add_test(tcase, catching_up_waits_for_its_delay_and_takes_four_at_a_time);
        tcase_add_test(tcase, what_waits_for_its_own_task_takes_no_place_of_those_that_catch_up);
        tcase_add_test(tcase, a_service_that_is_ready_takes_no_place_of_those_that_catch_up);
        tcase_add_test(tcase, all_are_caught_up_one_after_another_whatever_the_overlap);
        tcase_add_test(tcase, what_is_not_caught_up_is_told);
        tcase_add_test(tcase, a_run_from_before_a_reload_is_replaced_too);
        tcase_add_test(tcase, a_clock_that_is_set_is_told_and_calendars_follow);
        tcase_add_test(tcase, a_clock_that_is_set_for_the_first_time_starts_nothing);
        tcase_add_loop_test(tcase, the_longer_gap_is_the_reason, 0, (int)ARRAY_SIZE(gaps));
        tcase_add_test(tcase, paused_is_not_followed_by_triggers_but_by_operators);
        tcase_add_test(tcase, from_end_goes_on_after_a_pause);
        tcase_add_test(tcase, from_end_waits_for_its_run_though_a_calendar_is_skipped);
        tcase_add_test(tcase, what_waits_to_be_caught_up_waits_for_the_resume_too);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
