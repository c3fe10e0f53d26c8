/* SPDX-License-Identifier: MIT */
/* fake-loop: the fake keeps what the header of the loop promises, since the tests of the run tree stand on it. */
#include "support/fake-loop.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>

/* What was called, as one string of letters, and at which instants. */
static char trace[256];
static size_t n_trace;
static usec_t trace_usec[256];

static void note(char c) {
        ck_assert_uint_lt(n_trace + 1, sizeof(trace));
        trace_usec[n_trace] = clock_now(CLOCK_ID_MONOTONIC) - FAKE_CLOCK_MONOTONIC;
        trace[n_trace++] = c;
        trace[n_trace] = '\0';
}

struct actor {
        char letter;
        struct loop_timer timer;
        struct loop_work work;
        struct actor *arms; /* on being called, arms this one ... */
        usec_t after_usec;  /* ... that long after now */
        struct actor *defers;
        struct actor *stops;
        unsigned times; /* how often it does so; 0: never */
};

static void act(struct actor *actor) {
        note(actor->letter);
        if (actor->times == 0)
                return;
        actor->times--;
        if (actor->arms)
                loop_timer_set(&actor->arms->timer, clock_now(CLOCK_ID_MONOTONIC) + actor->after_usec);
        if (actor->defers)
                loop_work_schedule(&actor->defers->work);
        if (actor->stops) {
                loop_timer_set(&actor->stops->timer, USEC_INFINITY);
                loop_work_cancel(&actor->stops->work);
        }
}

static void on_timer(_unused_ struct loop_timer *timer, void *arg) {
        act(arg);
}

static void on_work(_unused_ struct loop_work *work, void *arg) {
        act(arg);
}

static struct loop *loop;
static struct actor a, b, c, d;

static void setup(void) {
        static const char letters[] = "abcd";
        struct actor *const actors[] = { &a, &b, &c, &d };

        n_trace = 0;
        trace[0] = '\0';
        fake_clock_reset();
        ck_assert_int_eq(loop_new(&loop), 0);
        for (size_t i = 0; i < ARRAY_SIZE(actors); i++) {
                *actors[i] = (struct actor){ .letter = letters[i] };
                ck_assert_int_eq(loop_timer_init(&actors[i]->timer, loop, CLOCK_ID_MONOTONIC, "t", on_timer, actors[i]),
                                 0);
                loop_work_init(&actors[i]->work, loop, "w", on_work, actors[i]);
        }
}

static void teardown(void) {
        loop = loop_free(loop);
}

static void arm(struct actor *actor, usec_t after_usec) {
        loop_timer_set(&actor->timer, clock_now(CLOCK_ID_MONOTONIC) + after_usec);
}

START_TEST(timers_fire_in_order_each_at_its_instant) {
        arm(&a, 30);
        arm(&b, 10);
        arm(&c, 20);
        arm(&d, 20);
        ck_assert_uint_eq(fake_loop_next_timer(), 10);
        fake_clock_advance(25);
        ck_assert_str_eq(trace, "bcd");
        ck_assert_uint_eq(trace_usec[0], 10);
        ck_assert_uint_eq(trace_usec[1], 20);
        ck_assert_uint_eq(fake_loop_armed_timers(), 1);
        fake_clock_advance(5);
        ck_assert_str_eq(trace, "bcda");
        ck_assert(fake_loop_idle());
}
END_TEST

START_TEST(timers_armed_on_the_way_fire_on_the_way) {
        a.arms = &a;
        a.after_usec = 10;
        a.times = 3;
        arm(&a, 10);
        arm(&b, 25);
        fake_clock_advance(1000);
        ck_assert_str_eq(trace, "aabaa");
        ck_assert_uint_eq(trace_usec[4], 40);
        ck_assert_uint_eq(clock_now(CLOCK_ID_MONOTONIC), FAKE_CLOCK_MONOTONIC + 1000);
        ck_assert_uint_eq(clock_now(CLOCK_ID_REALTIME), FAKE_CLOCK_REALTIME + 1000);
}
END_TEST

START_TEST(what_is_due_already_waits_for_the_next_turn) {
        a.arms = &a;
        a.times = 2;
        arm(&a, 0);
        arm(&b, 0);
        ck_assert_uint_eq(fake_loop_turn(), 2);
        ck_assert_str_eq(trace, "ab");
        ck_assert_uint_eq(fake_loop_turn(), 1);
        ck_assert_uint_eq(fake_loop_turn(), 1);
        ck_assert_uint_eq(fake_loop_turn(), 0);
        ck_assert_str_eq(trace, "abaa");
}
END_TEST

START_TEST(work_is_done_once_and_in_the_next_turn) {
        a.defers = &b;
        a.times = 1;
        loop_work_schedule(&a.work);
        loop_work_schedule(&a.work);
        ck_assert_uint_eq(fake_loop_pending_work(), 1);
        (void)fake_loop_turn();
        ck_assert_str_eq(trace, "a");
        ck_assert_uint_eq(fake_loop_settle(), 1);
        ck_assert_str_eq(trace, "ab");
}
END_TEST

START_TEST(work_is_done_before_time_passes) {
        loop_work_schedule(&b.work);
        arm(&a, 10);
        a.defers = &c;
        a.times = 1;
        arm(&d, 11);
        fake_clock_advance(20);
        ck_assert_str_eq(trace, "bacd");
        ck_assert_uint_eq(trace_usec[0], 0);
        ck_assert_uint_eq(trace_usec[2], 10);
}
END_TEST

START_TEST(what_is_stopped_is_not_called) {
        a.stops = &b;
        a.times = 2;
        arm(&a, 10);
        arm(&b, 10);
        fake_clock_advance(10);
        loop_work_schedule(&a.work);
        loop_work_schedule(&b.work);
        (void)fake_loop_settle();
        ck_assert_str_eq(trace, "aa");
        ck_assert(fake_loop_idle());
}
END_TEST

START_TEST(boot_time_goes_on_while_the_machine_sleeps) {
        struct loop_timer timer;

        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_BOOTTIME, "t", on_timer, &a), 0);
        loop_timer_set(&timer, FAKE_CLOCK_BOOTTIME + USEC_PER_HOUR);
        arm(&b, USEC_PER_MINUTE);
        fake_clock_set(CLOCK_ID_BOOTTIME, FAKE_CLOCK_BOOTTIME + 2 * USEC_PER_HOUR);
        fake_clock_advance(0);
        ck_assert_str_eq(trace, "a");
        loop_timer_done(&timer);
        ck_assert_uint_eq(fake_loop_timers(), 4);
}
END_TEST

START_TEST(wall_timers_follow_the_clock_when_it_is_set) {
        struct loop_timer timer;

        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_REALTIME, "t", on_timer, &a), 0);
        loop_timer_set(&timer, FAKE_CLOCK_REALTIME + USEC_PER_HOUR);
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME - USEC_PER_HOUR);
        fake_clock_advance(2 * USEC_PER_HOUR - 1);
        ck_assert_str_eq(trace, "");
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + 2 * USEC_PER_HOUR);
        fake_clock_advance(0);
        ck_assert_str_eq(trace, "a");
        loop_timer_done(&timer);
}
END_TEST

static void on_clock_set(void *arg) {
        act(arg);
}

START_TEST(that_the_wall_clock_was_set_is_told_once_before_time_passes) {
        ck_assert_int_eq(loop_on_clock_set(loop, on_clock_set, &a), 0);
        a.defers = &b;
        a.times = 1;
        arm(&c, 0);
        fake_clock_set(CLOCK_ID_BOOTTIME, FAKE_CLOCK_BOOTTIME + 1);
        fake_loop_settle();
        ck_assert_str_eq(trace, "c");
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + 1);
        fake_clock_advance(5);
        ck_assert_str_eq(trace, "cab");
        ck_assert_uint_eq(trace_usec[1], 0);
        ck_assert_uint_eq(trace_usec[2], 0);
        ck_assert_int_eq(loop_on_clock_set(loop, NULL, NULL), 0);
        fake_clock_set(CLOCK_ID_REALTIME, FAKE_CLOCK_REALTIME + 2);
        fake_clock_advance(5);
        ck_assert_str_eq(trace, "cab");
}
END_TEST

static void on_exit_timer(_unused_ struct loop_timer *timer, void *arg) {
        loop_exit(loop, *(int *)arg);
}

START_TEST(running_lets_time_pass) {
        struct loop_timer timer;
        int code = 7;

        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_MONOTONIC, "t", on_exit_timer, &code), 0);
        loop_timer_set(&timer, FAKE_CLOCK_MONOTONIC + USEC_PER_DAY);
        arm(&a, USEC_PER_HOUR);
        ck_assert_int_eq(loop_run(loop), 7);
        ck_assert_str_eq(trace, "a");
        ck_assert_uint_eq(clock_now(CLOCK_ID_MONOTONIC), FAKE_CLOCK_MONOTONIC + USEC_PER_DAY);
}
END_TEST

static void on_work_again(struct loop_work *work, _unused_ void *arg) {
        loop_work_schedule(work);
}

START_TEST(a_livelock_aborts) {
        struct loop_work work;

        loop_work_init(&work, loop, "w", on_work_again, NULL);
        loop_work_schedule(&work);
        ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
        (void)fake_loop_settle();
}
END_TEST

int main(void) {
        Suite *suite = suite_create("fake-loop");
        TCase *tcase = tcase_create("fake-loop");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, timers_fire_in_order_each_at_its_instant);
        tcase_add_test(tcase, timers_armed_on_the_way_fire_on_the_way);
        tcase_add_test(tcase, what_is_due_already_waits_for_the_next_turn);
        tcase_add_test(tcase, work_is_done_once_and_in_the_next_turn);
        tcase_add_test(tcase, work_is_done_before_time_passes);
        tcase_add_test(tcase, what_is_stopped_is_not_called);
        tcase_add_test(tcase, boot_time_goes_on_while_the_machine_sleeps);
        tcase_add_test(tcase, wall_timers_follow_the_clock_when_it_is_set);
        tcase_add_test(tcase, that_the_wall_clock_was_set_is_told_once_before_time_passes);
        tcase_add_test(tcase, running_lets_time_pass);
        tcase_add_test_raise_signal(tcase, a_livelock_aborts, SIGABRT);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
