/* SPDX-License-Identifier: MIT */
/* trigger: wakes its schedule when something is due, on either clock, and goes on turn by turn when that takes long. */
#include "support/fake-loop.h"
#include "when/trigger.h"

#include <check.h>

#define MINUTE USEC_PER_MINUTE
#define HOUR   USEC_PER_HOUR

static struct loop *loop;
static struct trigger trigger;
static struct calendar *calendar;
static struct zone *zone;
static struct schedule_calendar use;
static struct schedule_config config;
static uint64_t random_state;
static unsigned n_fired, n_decided;
static usec_t last_due, last_at;
static uint64_t n_missed;
static bool paused, ends_at_once;

static void fire(const struct schedule_due *due, void *arg) {
        ck_assert_ptr_eq(arg, &trigger);
        n_fired++;
        last_due = due->due_usec;
        last_at = clock_now(CLOCK_ID_REALTIME);
        if (ends_at_once)
                trigger_run_ended(&trigger);
}

static void missed(const struct schedule_missed *m, void *arg _unused_) {
        n_missed += m->n;
}

static void not_missed(usec_t due_usec _unused_, void *arg _unused_) {
        n_missed--;
}

static void look(struct schedule_now *now, void *arg _unused_) {
        now->paused = paused;
}

static void decided(void *arg _unused_) {
        n_decided++;
}

static const struct trigger_ops ops = {
        .fire = fire,
        .missed = missed,
        .not_missed = not_missed,
        .look = look,
        .decided = decided,
};

static void setup(void) {
        fake_clock_reset();
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(zone_load("UTC", &zone), 0);
        random_state = 1;
        n_fired = n_decided = 0;
        n_missed = 0;
        paused = ends_at_once = false;
        config = (struct schedule_config){
                .catch_up = CATCH_UP_LATEST,
                .catch_up_max = 100,
                .catch_up_within_usec = USEC_PER_DAY,
                .random = &random_state,
        };
}

static void teardown(void) {
        trigger_done(&trigger);
        ck_assert_uint_eq(fake_loop_timers(), 0);
        calendar = calendar_free(calendar);
        zone_unref(zone);
        loop_free(loop);
}

static void go(usec_t every, const char *expression) {
        char wrong[CALENDAR_WRONG_MAX];

        config.every_usec = every;
        if (expression) {
                ck_assert_int_eq(calendar_parse(expression, &calendar, wrong), 0);
                use = (struct schedule_calendar){ .calendar = calendar, .zone = zone, .trigger = "calendar" };
                config.calendars = &use;
                config.n_calendars = 1;
        }
        ck_assert_int_eq(trigger_init(&trigger, loop, &config, &ops, &trigger), 0);
        trigger_arm(&trigger);
}

START_TEST(every_is_on_boot_time) {
        go(5 * MINUTE, NULL);
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + HOUR);
        fake_clock_advance(5 * MINUTE - 1);
        ck_assert_uint_eq(n_fired, 0);
        fake_clock_advance(1);
        ck_assert_uint_eq(n_fired, 1);
        ck_assert_uint_eq(last_due, FAKE_CLOCK_REALTIME + HOUR + 5 * MINUTE);
        fake_clock_set(CLOCK_ID_BOOTTIME, FAKE_CLOCK_BOOTTIME + 10 * MINUTE);
        fake_loop_settle();
        ck_assert_uint_eq(n_fired, 2);
}
END_TEST

START_TEST(calendars_are_on_the_wall_clock) {
        go(0, "hourly");
        ck_assert_uint_eq(trigger_fires_at(&trigger), FAKE_CLOCK_REALTIME + HOUR);
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + HOUR - MINUTE);
        fake_clock_advance(MINUTE - 1);
        ck_assert_uint_eq(n_fired, 0);
        fake_clock_advance(1);
        ck_assert_uint_eq(n_fired, 1);
        ck_assert_uint_eq(last_due, FAKE_CLOCK_REALTIME + HOUR);
        ck_assert_uint_eq(last_at, last_due);
}
END_TEST

START_TEST(both_are_served_and_the_next_of_both_is_told) {
        go(90 * MINUTE, "hourly");
        ck_assert_uint_eq(trigger_fires_at(&trigger), FAKE_CLOCK_REALTIME + HOUR);
        fake_clock_advance(HOUR);
        ck_assert_uint_eq(trigger_fires_at(&trigger), FAKE_CLOCK_REALTIME + 90 * MINUTE);
        fake_clock_advance(HOUR);
        ck_assert_uint_eq(n_fired, 3);
}
END_TEST

START_TEST(after_the_clock_was_set_back_a_check_finds_what_is_next) {
        go(0, "hourly");
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + 10 * HOUR);
        fake_clock_advance(0);
        ck_assert_uint_eq(n_missed, 9);
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + MINUTE);
        trigger_check(&trigger);
        ck_assert_uint_eq(trigger_fires_at(&trigger), FAKE_CLOCK_REALTIME + HOUR);
        fake_clock_advance(HOUR);
        ck_assert_uint_eq(n_missed, 8);
}
END_TEST

START_TEST(counting_many_takes_many_turns) {
        unsigned turns;

        go(0, "minutely");
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + 7 * USEC_PER_DAY);
        turns = fake_loop_settle();
        ck_assert_uint_gt(turns, 20);
        ck_assert_uint_eq(n_missed, UINT64_C(7) * 1440 - 1);
        ck_assert_uint_eq(n_fired, 1);
        ck_assert_uint_eq(n_decided, 1);
}
END_TEST

START_TEST(disarmed_while_counting_is_silent) {
        go(0, "minutely");
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + 7 * USEC_PER_DAY);
        for (unsigned i = 0; i < 3; i++)
                (void)fake_loop_turn();
        trigger_disarm(&trigger);
        ck_assert(fake_loop_idle());
        ck_assert_uint_eq(n_missed, 0);
        ck_assert_uint_eq(trigger_fires_at(&trigger), USEC_INFINITY);
}
END_TEST

START_TEST(paused_is_asked_each_time) {
        go(MINUTE, NULL);
        paused = true;
        fake_clock_advance(2 * MINUTE);
        paused = false;
        fake_clock_advance(MINUTE);
        ck_assert_uint_eq(n_missed, 2);
        ck_assert_uint_eq(n_fired, 1);
}
END_TEST

START_TEST(from_end_counts_from_the_end_also_from_inside_its_firing) {
        config.from_end = true;
        go(5 * MINUTE, NULL);
        fake_clock_advance(12 * MINUTE);
        ck_assert_uint_eq(n_fired, 1);
        ck_assert_uint_eq(trigger_fires_at(&trigger), USEC_INFINITY);
        trigger_run_ended(&trigger);
        ends_at_once = true;
        fake_clock_advance(15 * MINUTE);
        ck_assert_uint_eq(n_fired, 4);
}
END_TEST

START_TEST(what_was_slept_through_is_taken_from_the_backlog) {
        struct schedule_due due;

        go(HOUR, NULL);
        fake_clock_set(CLOCK_ID_BOOTTIME, FAKE_CLOCK_BOOTTIME + 150 * MINUTE);
        fake_loop_settle();
        ck_assert_uint_eq(n_fired, 0);
        ck_assert_uint_eq(n_missed, 1);
        ck_assert(schedule_has_backlog(&trigger.schedule));
        ck_assert(trigger_take(&trigger, &due));
        ck_assert_uint_eq(due.due_usec, FAKE_CLOCK_REALTIME - 30 * MINUTE);
        ck_assert(!schedule_has_backlog(&trigger.schedule));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("trigger");
        TCase *tcase = tcase_create("trigger");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, every_is_on_boot_time);
        tcase_add_test(tcase, calendars_are_on_the_wall_clock);
        tcase_add_test(tcase, both_are_served_and_the_next_of_both_is_told);
        tcase_add_test(tcase, after_the_clock_was_set_back_a_check_finds_what_is_next);
        tcase_add_test(tcase, counting_many_takes_many_turns);
        tcase_add_test(tcase, disarmed_while_counting_is_silent);
        tcase_add_test(tcase, paused_is_asked_each_time);
        tcase_add_test(tcase, from_end_counts_from_the_end_also_from_inside_its_firing);
        tcase_add_test(tcase, what_was_slept_through_is_taken_from_the_backlog);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
