/* SPDX-License-Identifier: MIT */
/* schedule: what becomes of what is remembered when the configuration is another one than it was saved with. */
#include "support/schedule-bed.h"

#include <check.h>

#define MINUTE USEC_PER_MINUTE
#define HOUR   USEC_PER_HOUR

#define assert_trace(expected) ck_assert_str_eq(schedule_bed_trace(), expected)

static struct schedule_config *config(void) {
        return &schedule_bed.config;
}

static void hourly(void) {
        schedule_bed_calendar("hourly", "UTC");
        schedule_bed_go();
}

/* One that is new has missed nothing; one that was there has. */
START_TEST(each_calendar_goes_on_by_itself) {
        config()->catch_up = CATCH_UP_NONE;
        hourly();
        schedule_bed_pass(3 * HOUR);
        (void)schedule_bed_trace();
        schedule_bed_calendar("*-*-* *:30", "UTC");
        schedule_bed_restart(5 * HOUR, false);
        assert_trace("-calendar:01-16:00..20:00*5/down");
        schedule_bed_restart(0, false); /* that it is new is remembered */
        schedule_bed_pass(HOUR);
        assert_trace("calendar:01-20:30 calendar:01-21:00");
}
END_TEST

START_TEST(other_triggers_have_missed_nothing) {
        config()->every_usec = 50 * MINUTE;
        hourly();
        schedule_bed_pass(3 * HOUR);
        (void)schedule_bed_trace();
        config()->every_usec = 40 * MINUTE;
        schedule_bed.calendars[0].trigger = "cron";
        schedule_bed_restart(5 * HOUR + MINUTE, false);
        assert_trace("");
        ck_assert(!schedule_bed_take());
        schedule_bed_pass(HOUR);
        assert_trace("every:01-20:41 cron:01-21:00");
}
END_TEST

START_TEST(a_calendar_within_its_splay_is_kept_when_others_change) {
        config()->splay_usec = 20 * MINUTE;
        config()->every_usec = HOUR;
        hourly();
        schedule_bed_pass(HOUR + 10 * MINUTE);
        assert_trace("");
        config()->every_usec = 5 * HOUR;
        schedule_bed_calendar("*-*-* 00:30", "UTC");
        schedule_bed_restart(0, false);
        schedule_bed_pass(HOUR);
        assert_trace("calendar:01-13:00");
}
END_TEST

START_TEST(what_was_decided_stays_so_with_other_calendars) {
        hourly();
        schedule_bed_pass(HOUR);
        schedule_bed_calendar("*-*-* 12:50", "UTC");
        schedule_bed_restart(0, false);
        schedule_bed_set_clock("01-12:40");
        (void)schedule_bed_trace();
        schedule_bed_pass(HOUR + 30 * MINUTE);
        assert_trace("calendar:01-14:00");
}
END_TEST

START_TEST(what_waits_is_given_up_with_its_trigger) {
        config()->catch_up = CATCH_UP_ALL;
        config()->every_usec = 90 * MINUTE;
        hourly();
        schedule_bed_restart(2 * HOUR, false);
        config()->every_usec = 0;
        schedule_bed_restart(0, false);
        assert_trace("-every:01-13:30/changed");
        schedule_bed.calendars[0].trigger = "cron";
        schedule_bed_restart(0, false);
        assert_trace("-calendar:01-13:00/changed -calendar:01-14:00/changed");
        ck_assert(!schedule_bed_take());
}
END_TEST

START_TEST(what_waits_follows_the_present_catch_up) {
        config()->catch_up = CATCH_UP_ALL;
        hourly();
        schedule_bed_restart(4 * HOUR, false);
        config()->catch_up_max = 3;
        schedule_bed_restart(0, false);
        assert_trace("-calendar:01-13:00/changed");
        config()->catch_up = CATCH_UP_LATEST;
        schedule_bed_restart(0, false);
        assert_trace("-calendar:01-14:00/changed -calendar:01-15:00/changed");
        config()->catch_up = CATCH_UP_NONE;
        schedule_bed_restart(0, false);
        assert_trace("-calendar:01-16:00/changed");
}
END_TEST

START_TEST(a_machine_in_another_zone_has_the_same_triggers) {
        char digest[SCHEDULE_DIGEST_MAX], other[SCHEDULE_DIGEST_MAX];

        schedule_bed_calendar("hourly", "UTC");
        schedule_bed_calendar("hourly", "Europe/Berlin");
        for (unsigned own = 0; own < 2; own++) {
                config()->n_calendars = 1;
                schedule_bed.calendars[0].own_zone = schedule_bed.calendars[1].own_zone = own;
                schedule_bed_go();
                (void)schedule_digest(&schedule_bed.schedule, digest);
                schedule_done(&schedule_bed.schedule);
                schedule_bed.config.calendars = &schedule_bed.calendars[1];
                schedule_bed_go();
                (void)schedule_digest(&schedule_bed.schedule, other);
                schedule_done(&schedule_bed.schedule);
                schedule_bed.config.calendars = schedule_bed.calendars;
                ck_assert_int_eq(streq(digest, other), own);
        }
        config()->n_calendars = 2;
}
END_TEST

int main(void) {
        Suite *suite = suite_create("schedule-change");
        TCase *tcase = tcase_create("schedule-change");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, schedule_bed_setup, schedule_bed_teardown);
        tcase_add_test(tcase, each_calendar_goes_on_by_itself);
        tcase_add_test(tcase, other_triggers_have_missed_nothing);
        tcase_add_test(tcase, a_calendar_within_its_splay_is_kept_when_others_change);
        tcase_add_test(tcase, what_was_decided_stays_so_with_other_calendars);
        tcase_add_test(tcase, what_waits_is_given_up_with_its_trigger);
        tcase_add_test(tcase, what_waits_follows_the_present_catch_up);
        tcase_add_test(tcase, a_machine_in_another_zone_has_the_same_triggers);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
