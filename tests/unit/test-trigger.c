/* SPDX-License-Identifier: MIT */
/* trigger: fires on the grid of its anchor, delayed by splay and jitter, once for what it slept through. */
#include "support/fake-loop.h"
#include "when/trigger.h"

#include <check.h>

#define MINUTE USEC_PER_MINUTE

static struct loop *loop;
static struct trigger trigger;
static uint64_t random_state;
static unsigned n_fired;
static usec_t last_due, last_at;

static void on_fire(struct trigger *t _unused_, usec_t due_usec, void *arg _unused_) {
        n_fired++;
        last_due = due_usec;
        last_at = clock_now(CLOCK_ID_BOOTTIME);
}

static void setup(void) {
        fake_clock_reset();
        ck_assert_int_eq(loop_new(&loop), 0);
        random_state = 1;
        n_fired = 0;
}

static void teardown(void) {
        trigger_done(&trigger);
        loop_free(loop);
}

static void init(usec_t every, usec_t splay, usec_t jitter, bool from_end) {
        struct trigger_config config = {
                .every_usec = every,
                .splay_usec = splay,
                .jitter_usec = jitter,
                .from_end = from_end,
                .random = &random_state,
        };

        ck_assert_int_eq(trigger_init(&trigger, loop, &config, on_fire, NULL), 0);
        trigger_arm(&trigger, FAKE_CLOCK_BOOTTIME);
}

START_TEST(first_is_one_interval_after_the_anchor) {
        init(5 * MINUTE, 0, 0, false);
        fake_clock_advance(5 * MINUTE - 1);
        ck_assert_uint_eq(n_fired, 0);
        fake_clock_advance(1);
        ck_assert_uint_eq(n_fired, 1);
        ck_assert_uint_eq(last_due, FAKE_CLOCK_BOOTTIME + 5 * MINUTE);
}
END_TEST

START_TEST(never_drifts) {
        init(5 * MINUTE, 0, 0, false);
        for (unsigned i = 0; i < 1000; i++)
                fake_clock_advance(7 * MINUTE);
        ck_assert_uint_eq(n_fired, 1400);
        ck_assert_uint_eq(last_due, FAKE_CLOCK_BOOTTIME + 7000 * MINUTE);
}
END_TEST

START_TEST(splay_delays_the_firing_not_the_due_time) {
        init(5 * MINUTE, MINUTE, 0, false);
        fake_clock_advance(6 * MINUTE);
        ck_assert_uint_eq(n_fired, 1);
        ck_assert_uint_eq(last_due, FAKE_CLOCK_BOOTTIME + 5 * MINUTE);
        ck_assert_uint_eq(last_at, FAKE_CLOCK_BOOTTIME + 6 * MINUTE);
        fake_clock_advance(5 * MINUTE);
        ck_assert_uint_eq(last_at, FAKE_CLOCK_BOOTTIME + 11 * MINUTE);
}
END_TEST

START_TEST(jitter_is_drawn_anew_within_its_bound) {
        bool differs = false;
        usec_t first = 0;

        init(5 * MINUTE, 0, MINUTE, false);
        for (unsigned i = 1; i <= 100; i++) {
                usec_t delay;

                fake_clock_advance(5 * MINUTE + (i == 1 ? MINUTE : 0));
                ck_assert_uint_eq(n_fired, i);
                delay = last_at - last_due;
                ck_assert_uint_lt(delay, MINUTE);
                if (i == 1)
                        first = delay;
                differs |= delay != first;
        }
        ck_assert(differs);
}
END_TEST

START_TEST(sleep_counts_and_fires_once_for_the_latest) {
        init(5 * MINUTE, 0, 0, false);
        fake_clock_set(CLOCK_ID_BOOTTIME, FAKE_CLOCK_BOOTTIME + 63 * MINUTE);
        fake_loop_settle();
        ck_assert_uint_eq(n_fired, 1);
        ck_assert_uint_eq(last_due, FAKE_CLOCK_BOOTTIME + 60 * MINUTE);
        fake_clock_advance(2 * MINUTE);
        ck_assert_uint_eq(n_fired, 2);
        ck_assert_uint_eq(last_due, FAKE_CLOCK_BOOTTIME + 65 * MINUTE);
}
END_TEST

START_TEST(from_end_counts_from_the_end) {
        init(5 * MINUTE, 0, 0, true);
        fake_clock_advance(60 * MINUTE);
        ck_assert_uint_eq(n_fired, 1);
        ck_assert_uint_eq(trigger_fires_at(&trigger), USEC_INFINITY);
        trigger_run_ended(&trigger);
        fake_clock_advance(5 * MINUTE - 1);
        ck_assert_uint_eq(n_fired, 1);
        fake_clock_advance(1);
        ck_assert_uint_eq(n_fired, 2);
        ck_assert_uint_eq(last_due, FAKE_CLOCK_BOOTTIME + 65 * MINUTE);
}
END_TEST

START_TEST(disarmed_is_silent) {
        init(5 * MINUTE, 0, 0, false);
        trigger_disarm(&trigger);
        fake_clock_advance(60 * MINUTE);
        ck_assert_uint_eq(n_fired, 0);
        ck_assert_uint_eq(trigger_fires_at(&trigger), USEC_INFINITY);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("trigger");
        TCase *tcase = tcase_create("trigger");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, first_is_one_interval_after_the_anchor);
        tcase_add_test(tcase, never_drifts);
        tcase_add_test(tcase, splay_delays_the_firing_not_the_due_time);
        tcase_add_test(tcase, jitter_is_drawn_anew_within_its_bound);
        tcase_add_test(tcase, sleep_counts_and_fires_once_for_the_latest);
        tcase_add_test(tcase, from_end_counts_from_the_end);
        tcase_add_test(tcase, disarmed_is_silent);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
