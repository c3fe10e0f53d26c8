/* SPDX-License-Identifier: MIT */
/* schedule: each rule of when a task is due and what is caught up. */
#include "support/schedule-bed.h"

#include <check.h>
#include <stdio.h>

#define MINUTE USEC_PER_MINUTE
#define HOUR   USEC_PER_HOUR
#define DAY    USEC_PER_DAY

#define assert_trace(expected) ck_assert_str_eq(schedule_bed_trace(), expected)

static struct schedule_config *config(void) {
        return &schedule_bed.config;
}

/* ---- every ---- */

START_TEST(every_counts_from_the_start_and_never_drifts) {
        config()->every_usec = 25 * MINUTE;
        schedule_bed_go();
        schedule_bed_pass(25 * MINUTE - 1);
        assert_trace("");
        schedule_bed_pass(1);
        assert_trace("every:01-12:25");
        schedule_bed_sleep(25 * MINUTE + 30 * USEC_PER_SEC, MISSED_LATE);
        assert_trace("every:01-12:50");
        schedule_bed_pass(25 * MINUTE);
        assert_trace("every:01-13:15");
}
END_TEST

START_TEST(every_does_not_care_when_the_clock_is_set) {
        config()->every_usec = 30 * MINUTE;
        schedule_bed_go();
        schedule_bed_pass(10 * MINUTE);
        schedule_bed_set_clock("09-00:00");
        assert_trace("");
        schedule_bed_pass(20 * MINUTE);
        assert_trace("every:09-00:20");
        schedule_bed_set_clock("01-00:00");
        schedule_bed_pass(30 * MINUTE);
        assert_trace("every:01-00:30");
}
END_TEST

START_TEST(every_keeps_its_anchor_across_restarts) {
        config()->every_usec = 30 * MINUTE;
        schedule_bed_go();
        schedule_bed_pass(40 * MINUTE);
        assert_trace("every:01-12:30");
        schedule_bed_restart(10 * MINUTE, false);
        assert_trace("");
        schedule_bed_pass(10 * MINUTE);
        assert_trace("every:01-13:00");
        schedule_bed_restart(10 * MINUTE, true); /* by wall time */
        schedule_bed_pass(20 * MINUTE);
        assert_trace("every:01-13:30");
}
END_TEST

START_TEST(every_keeps_its_anchor_across_a_restart_though_the_clock_is_set) {
        config()->every_usec = 30 * MINUTE;
        schedule_bed_go();
        schedule_bed_pass(40 * MINUTE);
        schedule_bed.now.wall_usec -= 5 * DAY;
        schedule_bed_restart(10 * MINUTE, false);
        (void)schedule_bed_trace();
        schedule_bed_pass(10 * MINUTE - 1);
        assert_trace("");
        schedule_bed_pass(1);
        ck_assert_str_ne(schedule_bed_trace(), "");
}
END_TEST

/* A clock that was wrong, or is: the interval is kept, and nothing waits for years. */
START_TEST(every_with_an_anchor_in_the_future_keeps_its_interval) {
        config()->every_usec = 30 * MINUTE;
        schedule_bed_go();
        schedule_bed_pass(40 * MINUTE);
        assert_trace("every:01-12:30");
        schedule_bed_pass(10 * DAY);
        (void)schedule_bed_trace();
        schedule_bed_restart((usec_t)0 - 5 * DAY - 20 * MINUTE, true); /* its anchor is on the 11th */
        assert_trace("");
        schedule_bed_pass(HOUR);
        assert_trace("every:06-12:30 every:06-13:00");
}
END_TEST

START_TEST(a_daily_every_that_came_due_while_down_is_caught_up) {
        config()->every_usec = DAY;
        schedule_bed_go();
        schedule_bed_pass(HOUR);
        schedule_bed_restart(DAY, true);
        assert_trace("");
        ck_assert(schedule_bed_take());
        ck_assert(!schedule_bed_take());
        assert_trace("+every:02-12:00");
        schedule_bed_pass(DAY);
        assert_trace("every:03-12:00");
}
END_TEST

START_TEST(every_catches_up_as_it_is_told) {
        config()->every_usec = HOUR;
        config()->catch_up = (enum catch_up)_i;
        schedule_bed_go();
        schedule_bed_restart(5 * HOUR + MINUTE, false);
        while (schedule_bed_take())
                ;
        schedule_bed_pass(HOUR);
        switch (config()->catch_up) {
        case CATCH_UP_NONE: assert_trace("-every:01-13:00..17:00*5/down every:01-18:00"); break;
        case CATCH_UP_LATEST: assert_trace("-every:01-13:00..16:00*4/down +every:01-17:00 every:01-18:00"); break;
        default:
                assert_trace("+every:01-13:00 +every:01-14:00 +every:01-15:00 +every:01-16:00 +every:01-17:00 "
                             "every:01-18:00");
        }
}
END_TEST

START_TEST(every_from_end_counts_from_the_end_of_a_run) {
        config()->every_usec = HOUR;
        config()->from_end = true;
        schedule_bed_go();
        schedule_bed_pass(5 * HOUR);
        assert_trace("every:01-13:00");
        ck_assert_uint_eq(schedule_wake_boot(&schedule_bed.schedule), USEC_INFINITY);
        schedule_run_ended(&schedule_bed.schedule, &schedule_bed.now);
        schedule_bed_pass(30 * MINUTE);
        schedule_run_ended(&schedule_bed.schedule, &schedule_bed.now); /* an operator's */
        schedule_bed_pass(HOUR - 1);
        assert_trace("");
        schedule_bed_pass(1);
        assert_trace("every:01-18:30");
}
END_TEST

START_TEST(every_from_end_was_due_once_however_long_it_was_down) {
        config()->every_usec = HOUR;
        config()->from_end = true;
        schedule_bed_go();
        schedule_bed_restart(10 * HOUR, false);
        assert_trace("");
        ck_assert(schedule_bed_take());
        assert_trace("+every:01-13:00");
        schedule_bed_pass(5 * HOUR);
        assert_trace("");
        schedule_run_ended(&schedule_bed.schedule, &schedule_bed.now);
        schedule_bed_pass(HOUR);
        assert_trace("every:02-04:00");
}
END_TEST

/* A run is cancelled after triggers have ended, at the daemon's end. */
START_TEST(every_from_end_counts_from_an_end_at_the_daemons_end) {
        config()->every_usec = HOUR;
        config()->from_end = true;
        schedule_bed_go();
        schedule_bed_pass(4 * HOUR);
        assert_trace("every:01-13:00");
        schedule_disarm(&schedule_bed.schedule);
        schedule_run_ended(&schedule_bed.schedule, &schedule_bed.now);
        ck_assert_uint_eq(schedule_wake_boot(&schedule_bed.schedule), USEC_INFINITY);
        schedule_bed_restart(30 * MINUTE, _i);
        schedule_bed_pass(30 * MINUTE - 1);
        assert_trace("");
        schedule_bed_pass(1);
        assert_trace("every:01-17:00");
}
END_TEST

/* Nobody knows when it ended: at the latest, when the next daemon begins. */
START_TEST(every_from_end_counts_from_a_restart_when_the_run_died_with_the_daemon) {
        config()->every_usec = HOUR;
        config()->from_end = true;
        schedule_bed_go();
        schedule_bed_pass(4 * HOUR);
        assert_trace("every:01-13:00");
        schedule_bed_restart(5 * HOUR, _i);
        assert_trace("");
        ck_assert(!schedule_bed_take());
        schedule_bed_pass(HOUR);
        assert_trace("every:01-22:00");
}
END_TEST

/* The state was not in the store yet, the run was. */
START_TEST(every_from_end_counts_from_a_restart_when_a_run_is_found) {
        config()->every_usec = HOUR;
        config()->from_end = true;
        schedule_bed_go();
        schedule_bed_pass(30 * MINUTE);
        schedule_bed_restart(40 * MINUTE, false);
        schedule_bed.now.start = true;
        schedule_mark_fired(
                &schedule_bed.schedule,
                &(const struct schedule_due){ .due_usec = schedule_bed_time("01-13:00"), .trigger = "every" },
                &schedule_bed.now);
        schedule_bed.now.start = false;
        ck_assert(!schedule_bed_take());
        schedule_bed_pass(HOUR);
        assert_trace("every:01-14:10");
}
END_TEST

/* The place of what waits is taken by an occurrence of a calendar, which nothing waits for. */
START_TEST(every_from_end_goes_on_when_what_waits_is_superseded) {
        config()->every_usec = 90 * MINUTE;
        config()->from_end = true;
        schedule_bed_calendar("*-*-* 15:00", "UTC");
        schedule_bed_go();
        schedule_bed_restart(2 * HOUR, false);
        schedule_bed_pass(HOUR);
        assert_trace("-every:01-13:30/superseded calendar:01-15:00");
        schedule_bed_pass(90 * MINUTE);
        assert_trace("every:01-16:30");
}
END_TEST

/* At the end of a daemon. */
START_TEST(what_is_disarmed_is_remembered_all_the_same) {
        config()->every_usec = HOUR;
        schedule_bed_hourly();
        schedule_bed_pass(30 * MINUTE);
        schedule_disarm(&schedule_bed.schedule);
        schedule_bed_pass(HOUR);
        assert_trace("");
        ck_assert(schedule_bed.schedule.begun);
        schedule_bed_restart(0, false);
        while (schedule_bed_take())
                ;
        assert_trace("-every:01-13:00/superseded +calendar:01-13:00");
}
END_TEST

/* ---- delays ---- */

START_TEST(splay_delays_and_jitter_is_drawn_anew) {
        usec_t first = 0, delay;
        bool differs = false;

        config()->splay_usec = 10 * MINUTE;
        config()->jitter_usec = MINUTE;
        schedule_bed_hourly();
        for (unsigned i = 1; i <= 20; i++) {
                char expected[32], name[16];
                usec_t due = schedule_bed_time("01-12:00") + i * HOUR;

                schedule_bed_pass(HOUR + (i == 1 ? 11 * MINUTE : 0));
                (void)snprintf(expected, sizeof(expected), "calendar:%s", schedule_bed_name(due, name));
                assert_trace(expected);
                delay = schedule_bed.at_usec - due;
                ck_assert_uint_ge(delay, 10 * MINUTE);
                ck_assert_uint_lt(delay, 11 * MINUTE);
                first = i == 1 ? delay : first;
                differs |= delay != first;
        }
        ck_assert(differs);
}
END_TEST

/* What is delayed is not missed when the daemon is back in time. */
START_TEST(a_restart_within_the_splay_misses_nothing) {
        config()->splay_usec = 10 * MINUTE;
        config()->catch_up = CATCH_UP_NONE;
        schedule_bed_hourly();
        schedule_bed_pass(HOUR + 2 * MINUTE);
        schedule_bed_restart(5 * MINUTE, false);
        schedule_bed_pass(3 * MINUTE);
        assert_trace("calendar:01-13:00");
}
END_TEST

/* ---- calendars ---- */

START_TEST(a_calendar_fires_each_occurrence_once) {
        schedule_bed_hourly();
        schedule_bed_pass(3 * HOUR);
        assert_trace("calendar:01-13:00 calendar:01-14:00 calendar:01-15:00");
}
END_TEST

START_TEST(calendars_and_cron_of_one_task_are_one_row) {
        schedule_bed_calendar("*-*-* 13,15:00", "UTC");
        schedule_bed_cron("0 13,14 * * *", "UTC");
        config()->every_usec = 150 * MINUTE;
        schedule_bed_go();
        schedule_bed_pass(3 * HOUR);
        assert_trace("calendar:01-13:00 cron:01-14:00 every:01-14:30 calendar:01-15:00");
}
END_TEST

START_TEST(a_fixed_time_in_the_gap_runs_once_and_in_the_repeated_hour_once) {
        schedule_bed_calendar("*-*-* 02:30", "Europe/Berlin");
        schedule_bed_go();
        schedule_bed.now.wall_usec = schedule_bed_time("27-12:00");
        schedule_arm(&schedule_bed.schedule, &schedule_bed.now);
        schedule_bed_pass(3 * DAY);
        assert_trace("calendar:28-01:30 calendar:29-01:00 calendar:30-00:30");
}
END_TEST

START_TEST(a_restart_fires_nothing_again) {
        schedule_bed_hourly();
        schedule_bed_pass(HOUR);
        schedule_bed_restart(0, false);
        schedule_bed_restart(0, false);
        schedule_bed_pass(HOUR);
        assert_trace("calendar:01-13:00 calendar:01-14:00");
}
END_TEST

START_TEST(what_was_missed_is_caught_up_as_it_is_told) {
        config()->catch_up = (enum catch_up)_i;
        schedule_bed_hourly();
        schedule_bed_pass(HOUR);
        schedule_bed_restart(4 * HOUR + MINUTE, true);
        while (schedule_bed_take())
                ;
        schedule_bed_pass(HOUR);
        switch (config()->catch_up) {
        case CATCH_UP_NONE: assert_trace("calendar:01-13:00 -calendar:01-14:00..17:00*4/down calendar:01-18:00"); break;
        case CATCH_UP_LATEST:
                assert_trace("calendar:01-13:00 -calendar:01-14:00..16:00*3/down +calendar:01-17:00 calendar:01-18:00");
                break;
        default:
                assert_trace("calendar:01-13:00 +calendar:01-14:00 +calendar:01-15:00 +calendar:01-16:00 "
                             "+calendar:01-17:00 calendar:01-18:00");
        }
}
END_TEST

START_TEST(catch_up_max_takes_the_newest) {
        config()->catch_up = CATCH_UP_ALL;
        config()->catch_up_max = 2;
        schedule_bed_hourly();
        schedule_bed_restart(5 * HOUR, false);
        while (schedule_bed_take())
                ;
        assert_trace("-calendar:01-13:00..15:00*3/down +calendar:01-16:00 +calendar:01-17:00");
}
END_TEST

START_TEST(catch_up_within_leaves_out_what_is_too_old) {
        config()->catch_up = _i ? CATCH_UP_ALL : CATCH_UP_LATEST;
        config()->catch_up_within_usec = 90 * MINUTE;
        schedule_bed_calendar("*-*-* 13,14:00", "UTC");
        schedule_bed_go();
        schedule_bed_restart(3 * HOUR, false);
        while (schedule_bed_take())
                ;
        assert_trace(_i ? "-calendar:01-13:00/down +calendar:01-14:00" : "-calendar:01-13:00/down +calendar:01-14:00");
        schedule_bed_restart(DAY + HOUR, false);
        assert_trace("-calendar:02-13:00..14:00*2/down");
        ck_assert(!schedule_bed_take());
}
END_TEST

START_TEST(what_waits_too_long_is_too_old) {
        config()->catch_up_within_usec = 2 * HOUR;
        schedule_bed_calendar("*-*-* 13:00", "UTC");
        schedule_bed_go();
        schedule_bed_restart(2 * HOUR, false);
        schedule_bed_pass(2 * HOUR);
        assert_trace("");
        ck_assert(!schedule_bed_take());
        assert_trace("-calendar:01-13:00/too-old");
}
END_TEST

START_TEST(a_later_occurrence_takes_the_place_of_what_waits) {
        schedule_bed_hourly();
        schedule_bed_restart(HOUR, false);
        assert_trace("");
        schedule_bed_pass(HOUR);
        assert_trace("-calendar:01-13:00/superseded calendar:01-14:00");
        ck_assert(!schedule_bed_take());
}
END_TEST

START_TEST(with_all_what_comes_due_meanwhile_waits_behind) {
        config()->catch_up = CATCH_UP_ALL;
        config()->catch_up_max = 3;
        schedule_bed_hourly();
        schedule_bed_restart(2 * HOUR, false);
        schedule_bed_pass(2 * HOUR);
        assert_trace("-calendar:01-16:00/catch-up-max");
        while (schedule_bed_take())
                ;
        assert_trace("+calendar:01-13:00 +calendar:01-14:00 +calendar:01-15:00");
        schedule_bed_pass(HOUR);
        assert_trace("calendar:01-17:00");
}
END_TEST

START_TEST(no_more_than_catch_up_max_ever_wait) {
        config()->catch_up = CATCH_UP_ALL;
        config()->catch_up_max = 3;
        schedule_bed_hourly();
        schedule_bed_restart(2 * HOUR, false);
        schedule_bed_restart(2 * HOUR, false);
        assert_trace("-calendar:01-13:00/superseded");
        schedule_bed_restart(0, false);
        while (schedule_bed_take())
                ;
        assert_trace("+calendar:01-14:00 +calendar:01-15:00 +calendar:01-16:00");
}
END_TEST

/* `every` is decided before calendars. */
START_TEST(what_waits_is_in_the_order_of_its_due_times) {
        config()->catch_up = _i ? CATCH_UP_ALL : CATCH_UP_LATEST;
        config()->every_usec = 150 * MINUTE;
        schedule_bed_hourly();
        schedule_bed_restart(2 * HOUR + 40 * MINUTE, false);
        while (schedule_bed_take())
                ;
        assert_trace(_i ? "+calendar:01-13:00 +calendar:01-14:00 +every:01-14:30"
                        : "-calendar:01-13:00/down -calendar:01-14:00/superseded +every:01-14:30");
}
END_TEST

START_TEST(what_waits_is_remembered) {
        config()->catch_up = CATCH_UP_ALL;
        schedule_bed_calendar("*-*-* *:00,10,25", "UTC");
        schedule_bed_cron("@hourly", "UTC");
        config()->every_usec = 5 * HOUR;
        schedule_bed_go();
        schedule_bed_restart(2 * HOUR, false);
        schedule_bed_restart(0, true);
        while (schedule_bed_take())
                ;
        assert_trace("+calendar:01-12:10 +calendar:01-12:25 +calendar:01-13:00 +calendar:01-13:10 +calendar:01-13:25 "
                     "+calendar:01-14:00");
        schedule_bed_pass(0);
        assert_trace("");
}
END_TEST

START_TEST(what_is_a_little_late_is_regular) {
        config()->catch_up = CATCH_UP_NONE;
        schedule_bed_calendar("*-*-* *:*", "UTC");
        schedule_bed_go();
        schedule_bed_sleep(5 * MINUTE + 30 * USEC_PER_SEC, MISSED_ASLEEP);
        assert_trace("-calendar:01-12:01..12:04*4/asleep calendar:01-12:05");
        ck_assert(!schedule_bed_take());
}
END_TEST

START_TEST(what_is_too_late_was_missed) {
        schedule_bed_hourly();
        schedule_bed_sleep(HOUR + MINUTE, MISSED_ASLEEP);
        assert_trace("calendar:01-13:00");
        schedule_bed_sleep(HOUR + 1, MISSED_ASLEEP);
        assert_trace("");
        ck_assert(schedule_bed_take());
        assert_trace("+calendar:01-14:00");
}
END_TEST

START_TEST(paused_occurrences_are_told_and_not_caught_up) {
        config()->every_usec = 90 * MINUTE;
        schedule_bed_hourly();
        schedule_bed.now.paused = true;
        schedule_bed_pass(2 * HOUR);
        assert_trace("-calendar:01-13:00/paused -every:01-13:30/paused -calendar:01-14:00/paused");
        schedule_bed_restart(3 * HOUR, false);
        assert_trace("-every:01-15:00..16:30*2/paused -calendar:01-15:00..17:00*3/paused");
        schedule_bed.now.paused = false;
        ck_assert(!schedule_bed_take());
        schedule_bed_pass(HOUR);
        assert_trace("every:01-18:00 calendar:01-18:00");
}
END_TEST

/* ---- what is found ---- */

START_TEST(a_run_that_is_found_was_due) {
        struct schedule_due due = { .trigger = "calendar", .due_usec = schedule_bed_time("01-13:00") };
        struct schedule_due every = { .trigger = "every", .due_usec = schedule_bed_time("01-13:00") + USEC_PER_SEC };

        config()->every_usec = HOUR;
        schedule_bed_hourly();
        schedule_bed_restart(0, false);
        schedule_bed.now.wall_usec += HOUR + 30 * USEC_PER_SEC;
        schedule_bed.now.boot_usec += HOUR + 30 * USEC_PER_SEC;
        schedule_mark_fired(&schedule_bed.schedule, &due, &schedule_bed.now);
        schedule_mark_fired(&schedule_bed.schedule, &every, &schedule_bed.now);
        schedule_bed_run();
        assert_trace("");
        schedule_bed_pass(HOUR);
        assert_trace("every:01-14:00 calendar:01-14:00");
}
END_TEST

/* A machine that comes up with its clock a year back finds a run that was due "in a year". */
START_TEST(a_clock_that_is_behind_silences_no_every) {
        struct schedule_due every = { .trigger = "every", .due_usec = schedule_bed.now.wall_usec + 365 * USEC_PER_DAY };

        config()->every_usec = HOUR;
        schedule_bed_restart(0, false);
        schedule_mark_fired(&schedule_bed.schedule, &every, &schedule_bed.now);
        schedule_bed_pass(2 * HOUR);
        ck_assert_msg(strstr(schedule_bed_trace(), "every:") != NULL, "%s", schedule_bed_trace());
}
END_TEST

START_TEST(damaged_memory_fires_nothing_twice) {
        static const char *const texts[] = { "",
                                             "x",
                                             "s",
                                             "s5",
                                             "z",
                                             "z1 z2 z3",
                                             "h",
                                             "b",
                                             "bz1",
                                             "be1+2*",
                                             "s9+99999999999999999999",
                                             "h99999999999999999999999 s1+1" };
        char digest[SCHEDULE_DIGEST_MAX];
        struct schedule_memory memory;

        schedule_bed_hourly();
        schedule_bed_pass(HOUR);
        (void)schedule_bed_trace();
        memory = (struct schedule_memory){
                .digest = schedule_digest(&schedule_bed.schedule, digest),
                .boot_id = "first",
                .accounted_usec = schedule_bed_time("01-13:00"),
                .fired = texts[_i],
        };
        ck_assert_int_eq(schedule_restore(&schedule_bed.schedule, &memory, "first", &schedule_bed.now), 0);
        schedule_bed_pass(HOUR);
        assert_trace("calendar:01-14:00");
}
END_TEST

/* ---- what is due ---- */

START_TEST(the_next_occurrences_are_those_that_come) {
        static const char *const expected[] = { "calendar:01-13:00", "every:01-13:00", "calendar:01-14:00",
                                                "every:01-14:00" };
        struct schedule_cursor cursor;

        config()->every_usec = HOUR;
        config()->splay_usec = MINUTE;
        schedule_bed_hourly();
        schedule_cursor_init(&schedule_bed.schedule, &cursor);
        for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
                struct schedule_due due;
                char name[16], text[40];
                usec_t at;

                ck_assert(schedule_cursor_next(&schedule_bed.schedule, &cursor, &schedule_bed.now, &due, &at));
                (void)snprintf(text, sizeof(text), "%s:%s", due.trigger, schedule_bed_name(due.due_usec, name));
                ck_assert_str_eq(text, expected[i ^ 1]); /* at one instant, every is told first */
                ck_assert_uint_eq(at, due.due_usec + MINUTE);
        }
}
END_TEST

int main(void) {
        const struct schedule_bed_test tests[] = {
                { "every", every_counts_from_the_start_and_never_drifts, 1 },
                { "every", every_does_not_care_when_the_clock_is_set, 1 },
                { "every", every_keeps_its_anchor_across_restarts, 1 },
                { "every", every_keeps_its_anchor_across_a_restart_though_the_clock_is_set, 1 },
                { "every", every_with_an_anchor_in_the_future_keeps_its_interval, 1 },
                { "every", a_daily_every_that_came_due_while_down_is_caught_up, 1 },
                { "every", every_catches_up_as_it_is_told, _CATCH_UP_MAX },
                { "every", every_from_end_counts_from_the_end_of_a_run, 1 },
                { "every", every_from_end_was_due_once_however_long_it_was_down, 1 },
                { "every", every_from_end_counts_from_an_end_at_the_daemons_end, 2 },
                { "every", every_from_end_counts_from_a_restart_when_the_run_died_with_the_daemon, 2 },
                { "every", every_from_end_counts_from_a_restart_when_a_run_is_found, 1 },
                { "every", every_from_end_goes_on_when_what_waits_is_superseded, 1 },
                { "every", what_is_disarmed_is_remembered_all_the_same, 1 },
                { "delays", splay_delays_and_jitter_is_drawn_anew, 1 },
                { "delays", a_restart_within_the_splay_misses_nothing, 1 },
                { "calendars", a_calendar_fires_each_occurrence_once, 1 },
                { "calendars", calendars_and_cron_of_one_task_are_one_row, 1 },
                { "calendars", a_fixed_time_in_the_gap_runs_once_and_in_the_repeated_hour_once, 1 },
                { "calendars", a_restart_fires_nothing_again, 1 },
                { "missed", what_was_missed_is_caught_up_as_it_is_told, _CATCH_UP_MAX },
                { "missed", catch_up_max_takes_the_newest, 1 },
                { "missed", catch_up_within_leaves_out_what_is_too_old, 2 },
                { "missed", what_waits_too_long_is_too_old, 1 },
                { "missed", a_later_occurrence_takes_the_place_of_what_waits, 1 },
                { "missed", with_all_what_comes_due_meanwhile_waits_behind, 1 },
                { "missed", no_more_than_catch_up_max_ever_wait, 1 },
                { "missed", what_waits_is_remembered, 1 },
                { "missed", what_waits_is_in_the_order_of_its_due_times, 2 },
                { "missed", what_is_a_little_late_is_regular, 1 },
                { "missed", what_is_too_late_was_missed, 1 },
                { "missed", paused_occurrences_are_told_and_not_caught_up, 1 },
                { "memory", a_run_that_is_found_was_due, 1 },
                { "memory", a_clock_that_is_behind_silences_no_every, 1 },
                { "memory", damaged_memory_fires_nothing_twice, 12 },
                { "next", the_next_occurrences_are_those_that_come, 1 },
        };

        return schedule_bed_main("schedule", tests, ARRAY_SIZE(tests));
}
