/* SPDX-License-Identifier: MIT */
/* schedule-clock: what a schedule makes of a clock that is set, or was never, and of zones whose rules change. */
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

/* ---- the clock is set ---- */

START_TEST(a_clock_set_back_fires_nothing_twice) {
        schedule_bed_hourly();
        schedule_bed_pass(3 * HOUR);
        assert_trace("calendar:01-13:00 calendar:01-14:00 calendar:01-15:00");
        schedule_bed_set_clock("01-12:30");
        schedule_bed_restart(0, _i);
        schedule_bed_pass(4 * HOUR);
        assert_trace("calendar:01-16:00");
}
END_TEST

START_TEST(a_clock_set_forward_misses_what_it_passes) {
        schedule_bed_hourly();
        schedule_bed_set_clock("01-18:30");
        assert_trace("-calendar:01-13:00..17:00*5/clock");
        ck_assert(schedule_bed_take());
        assert_trace("+calendar:01-18:00");
        schedule_bed_pass(HOUR);
        assert_trace("calendar:01-19:00");
}
END_TEST

/* What was passed over comes after all; what ran then does not. */
START_TEST(a_clock_that_was_ahead_costs_nothing_but_that_time) {
        schedule_bed_hourly();
        schedule_bed_pass(HOUR);
        schedule_bed_set_clock("09-00:30");
        ck_assert(schedule_bed_take());
        schedule_bed_pass(HOUR);
        assert_trace("calendar:01-13:00 -calendar:01-14:00..23:00*178/clock +calendar:09-00:00 calendar:09-01:00");
        schedule_bed_set_clock("01-14:30");
        if (_i)
                schedule_bed_restart(0, true);
        schedule_bed_pass(2 * HOUR);
        assert_trace("~01-15:00 calendar:01-15:00 ~01-16:00 calendar:01-16:00");
        schedule_bed.now.wall_usec = schedule_bed_time("08-22:30");
        config()->catch_up = CATCH_UP_NONE;
        schedule_bed_restart(0, true); /* they are told as missed already */
        assert_trace("");
        schedule_bed_pass(4 * HOUR);
        assert_trace("~08-23:00 calendar:08-23:00 calendar:09-02:00");
}
END_TEST

/* By far. Neither time nor memory depends on how many were passed over. */
START_TEST(a_clock_in_the_far_future_is_survived) {
        schedule_bed_calendar("*-*-* *:*", "UTC");
        schedule_bed_go();
        schedule_bed.now.wall_usec += 14 * 365 * DAY;
        schedule_bed.now.why = MISSED_CLOCK;
        schedule_bed_run();
        ck_assert_ptr_nonnull(strstr(schedule_bed_trace(), "*1000000/clock calendar:"));
        schedule_bed_pass(HOUR);
        (void)schedule_bed_trace();
        schedule_bed_set_clock("01-13:00");
        schedule_bed_pass(2 * MINUTE);
        assert_trace("~01-13:01 calendar:01-13:01 ~01-13:02 calendar:01-13:02");
        ck_assert_uint_lt(schedule_bed.saved_size, 2000);
}
END_TEST

/* It was caught up before its time, and then ran at its time, or did not. */
START_TEST(what_waits_is_put_off_when_the_clock_is_set_back_before_it) {
        config()->catch_up = _i ? CATCH_UP_ALL : CATCH_UP_LATEST;
        schedule_bed_hourly();
        schedule_bed_restart(3 * HOUR + 10 * MINUTE, true); /* by a clock that is two hours ahead */
        (void)schedule_bed_trace();
        schedule_bed_set_clock("01-13:10");
        if (_i) {
                assert_trace("-calendar:01-14:00/clock -calendar:01-15:00/clock");
                ck_assert(schedule_bed_take());
                assert_trace("+calendar:01-13:00");
        } else
                assert_trace("-calendar:01-15:00/clock");
        ck_assert(!schedule_bed_take());
        schedule_bed_restart(0, true);
        schedule_bed_pass(3 * HOUR);
        assert_trace("~01-14:00 calendar:01-14:00 ~01-15:00 calendar:01-15:00 calendar:01-16:00");
}
END_TEST

/* What is around it was decided. */
START_TEST(what_is_put_off_leaves_its_neighbours_as_they_are) {
        config()->catch_up = CATCH_UP_ALL;
        schedule_bed_hourly();
        schedule_bed_pass(2 * HOUR);
        schedule_bed_restart(3 * HOUR + 10 * MINUTE, true);
        ck_assert(schedule_bed_take());
        schedule_bed_pass(HOUR); /* waits behind the others */
        assert_trace("calendar:01-13:00 calendar:01-14:00 +calendar:01-15:00");
        ck_assert(schedule_bed_take());
        ck_assert(schedule_bed_take());
        assert_trace("+calendar:01-16:00 +calendar:01-17:00");
        schedule_bed_set_clock("01-12:10");
        assert_trace("-calendar:01-18:00/clock");
        schedule_bed_pass(7 * HOUR);
        assert_trace("~01-18:00 calendar:01-18:00 calendar:01-19:00");
}
END_TEST

/* ---- a clock that was never set ---- */

#define EPOCH schedule_bed_time("01-00:00")

/* A machine without a clock of its own, before it has the time from the network. */
static void in_1970(void) {
        schedule_bed.now.wall_usec = 50 * USEC_PER_SEC;
        schedule_bed.now.epoch_usec = EPOCH;
}

START_TEST(what_was_known_only_before_the_clock_was_set_has_missed_nothing) {
        in_1970();
        config()->catch_up = (enum catch_up)_i;
        config()->every_usec = 5 * MINUTE;
        schedule_bed_calendar("*-*-* *:00/5", "UTC");
        schedule_bed_calendar("hourly", "Europe/Berlin");
        schedule_bed_go();
        schedule_bed_pass(7 * MINUTE);
        ck_assert_str_ne(schedule_bed_trace(), ""); /* it follows the clock there is */
        schedule_bed_set_clock("02-12:58");
        assert_trace("");
        ck_assert(!schedule_bed_take());
        schedule_bed_pass(3 * MINUTE);
        assert_trace("calendar:02-13:00 every:02-13:01");
        schedule_bed_set_clock("02-12:59"); /* from here on it is a clock like others */
        schedule_bed_pass(2 * MINUTE);
        assert_trace("");
}
END_TEST

/* The power failed before it was set, and the next time it is right from the start. */
START_TEST(what_was_remembered_by_a_clock_that_was_never_set_makes_no_list) {
        in_1970();
        config()->catch_up = (enum catch_up)_i;
        config()->every_usec = 5 * MINUTE;
        schedule_bed_calendar("*-*-* *:00/5", "UTC");
        schedule_bed_go();
        schedule_bed_pass(2 * MINUTE);
        schedule_bed_restart(EPOCH + DAY, true);
        assert_trace("");
        ck_assert(!schedule_bed_take());
        schedule_bed_pass(5 * MINUTE);
        assert_trace("calendar:02-00:05 every:02-00:07");
}
END_TEST

/* What is missed counts from what was known before. */
START_TEST(a_clock_that_begins_in_1970_again_forgets_nothing) {
        schedule_bed_hourly();
        schedule_bed_pass(2 * HOUR);
        assert_trace("calendar:01-13:00 calendar:01-14:00");
        in_1970();
        schedule_bed_restart(0, true);
        schedule_bed_pass(MINUTE);
        assert_trace("");
        schedule_bed_set_clock("01-18:20");
        assert_trace("-calendar:01-15:00..17:00*3/clock");
        ck_assert(schedule_bed_take());
        assert_trace("+calendar:01-18:00");
        schedule_bed_pass(HOUR);
        assert_trace("calendar:01-19:00");
}
END_TEST

/* ---- in slices ---- */

static void find_many(void) {
        struct schedule_listener none = { 0 };

        schedule_bed_calendar("*-*-* *:*", "UTC");
        schedule_bed_go();
        schedule_bed.now.wall_usec += 100 * DAY;
        ck_assert(!schedule_run(&schedule_bed.schedule, &schedule_bed.now, &none, 10));
}

/* A check of a service that was not up any more. */
START_TEST(what_is_armed_anew_while_it_counts_begins_with_now) {
        find_many();
        schedule_disarm(&schedule_bed.schedule);
        schedule_arm(&schedule_bed.schedule, &schedule_bed.now);
        schedule_bed_pass(MINUTE);
        ck_assert_ptr_null(strstr(schedule_bed_trace(), "*"));
        schedule_bed_restart(0, true);
        assert_trace("");
}
END_TEST

START_TEST(what_came_due_while_paused_is_told_so_though_it_is_resumed_while_it_counts) {
        const char *trace;

        schedule_bed.now.paused = true;
        find_many();
        schedule_bed.now.paused = false;
        schedule_bed_run();
        trace = schedule_bed_trace();
        ck_assert_msg(strstr(trace, "*143999/paused -calendar:01-12:00/paused"), "%s", trace);
        ck_assert(!schedule_bed_take());
        schedule_bed_pass(MINUTE);
        ck_assert_ptr_nonnull(strstr(schedule_bed_trace(), "calendar:"));
}
END_TEST

/* As long as they are counted nothing has happened. */
START_TEST(a_clock_that_is_ahead_for_a_moment_was_never_so) {
        struct schedule_listener none = { 0 };

        schedule_bed_calendar("*-*-* *:*", "UTC");
        schedule_bed_go();
        schedule_bed.now.wall_usec += 100 * DAY;
        ck_assert(!schedule_run(&schedule_bed.schedule, &schedule_bed.now, &none, 10));
        ck_assert(!schedule_run(&schedule_bed.schedule, &schedule_bed.now, &none, 10));
        schedule_bed_set_clock("01-12:00");
        schedule_bed_pass(2 * MINUTE);
        assert_trace("calendar:01-12:01 calendar:01-12:02");
}
END_TEST

START_TEST(many_jumps_are_remembered_in_little_room) {
        const char *trace;

        schedule_bed_calendar("*-*-* *:*", "UTC");
        schedule_bed_go();
        for (unsigned i = 0; i < 200; i++)
                schedule_bed_sleep(10 * MINUTE, MISSED_ASLEEP);
        schedule_bed_restart(0, false);
        ck_assert_uint_lt(schedule_bed.saved_size, 2000);
        (void)schedule_bed_trace();
        schedule_bed_set_clock("02-21:00");
        schedule_bed_pass(22 * MINUTE);
        trace = schedule_bed_trace();
        ck_assert_ptr_nonnull(strstr(trace, "~02-21:09 calendar:02-21:09 ~02-21:11 calendar:02-21:11"));
        ck_assert_ptr_nonnull(strstr(trace, "calendar:02-21:19 calendar:02-21:21"));
}
END_TEST

/* ---- zones ---- */

static void set_zone(const char *name) {
        struct zone *zone;

        ck_assert_int_eq(zone_load(name, &zone), 0);
        schedule_set_zone(&schedule_bed.schedule, 0, zone, &schedule_bed.now);
        zone_unref(zone);
}

/* From UTC-1 to UTC-2: local time goes back by an hour. */
START_TEST(local_times_that_come_again_by_new_rules_do_not_fire_again) {
        schedule_bed_calendar("*-*-* *:00", "Etc/GMT+1");
        schedule_bed_go();
        schedule_bed_pass(2 * HOUR + MINUTE);
        assert_trace("calendar:01-13:00 calendar:01-14:00");
        set_zone("Etc/GMT+2");
        schedule_bed_pass(2 * HOUR);
        assert_trace("calendar:01-16:00");
}
END_TEST

START_TEST(local_times_that_never_come_by_new_rules_are_caught_up) {
        schedule_bed_calendar("*-*-* 12:30", "Etc/GMT+1");
        schedule_bed_go();
        schedule_bed_pass(MINUTE);
        set_zone("Etc/GMT-1"); /* it was 11:01, and is 13:01 */
        schedule_bed_run();
        assert_trace("");
        ck_assert(schedule_bed_take());
        assert_trace("+calendar:01-11:30");
        schedule_bed_pass(DAY);
        assert_trace("calendar:02-11:30");
}
END_TEST

int main(void) {
        const struct schedule_bed_test tests[] = {
                { "clock", a_clock_set_back_fires_nothing_twice, 2 },
                { "clock", a_clock_set_forward_misses_what_it_passes, 1 },
                { "clock", a_clock_that_was_ahead_costs_nothing_but_that_time, 2 },
                { "clock", a_clock_in_the_far_future_is_survived, 1 },
                { "clock", what_waits_is_put_off_when_the_clock_is_set_back_before_it, 2 },
                { "clock", what_is_put_off_leaves_its_neighbours_as_they_are, 1 },
                { "unset", what_was_known_only_before_the_clock_was_set_has_missed_nothing, _CATCH_UP_MAX },
                { "unset", what_was_remembered_by_a_clock_that_was_never_set_makes_no_list, _CATCH_UP_MAX },
                { "unset", a_clock_that_begins_in_1970_again_forgets_nothing, 1 },
                { "slices", what_is_armed_anew_while_it_counts_begins_with_now, 1 },
                { "slices", what_came_due_while_paused_is_told_so_though_it_is_resumed_while_it_counts, 1 },
                { "clock", a_clock_that_is_ahead_for_a_moment_was_never_so, 1 },
                { "clock", many_jumps_are_remembered_in_little_room, 1 },
                { "zones", local_times_that_come_again_by_new_rules_do_not_fire_again, 1 },
                { "zones", local_times_that_never_come_by_new_rules_are_caught_up, 1 },
        };

        return schedule_bed_main("schedule-clock", tests, ARRAY_SIZE(tests));
}
