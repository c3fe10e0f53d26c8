/* SPDX-License-Identifier: MIT */
/* loop: the real one, on real clocks and descriptors. What is checked is order, never how long something took. */
#include "loop/loop.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>

static struct loop *loop;
static char trace[1024];
static size_t n_trace;

static void note(char c) {
        ck_assert_uint_lt(n_trace + 1, sizeof(trace));
        trace[n_trace++] = c;
        trace[n_trace] = '\0';
}

static void setup(void) {
        n_trace = 0;
        trace[0] = '\0';
        ck_assert_int_eq(loop_new(&loop), 0);
}

static void teardown(void) {
        loop = loop_free(loop);
}

/* ---- making one ---- */

START_TEST(too_few_descriptors_are_an_error_and_not_the_end) {
        struct rlimit limit, low;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        low = limit;
        /* From no descriptor free to all that are needed, one by one. */
        for (unsigned free_ones = 0; free_ones < 6; free_ones++) {
                struct loop *other = NULL;
                int next = dup(0), r;

                (void)close(next);
                low.rlim_cur = (rlim_t)next + free_ones;
                ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
                r = loop_new(&other);
                ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
                if (r < 0)
                        ck_assert_int_eq(r, -EMFILE);
                ck_assert_msg(r < 0 || free_ones > 0, "made without a descriptor");
                ck_assert_msg(r == 0 || free_ones < 5, "not made with five: %s", strerror(-r));
                loop_free(other);
        }
}
END_TEST

/* ---- timers ---- */

struct item {
        char letter;
        struct loop_timer timer;
        struct loop_work work;
        unsigned again; /* how often it arms or defers itself again, at once */
        bool exit;
};

static void on_timer(struct loop_timer *timer, void *arg) {
        struct item *item = arg;

        note(item->letter);
        if (item->again > 0) {
                item->again--;
                loop_timer_set(timer, 0);
        }
        if (item->exit)
                loop_exit(loop, 0);
}

static void on_work(struct loop_work *work, void *arg) {
        struct item *item = arg;

        note(item->letter);
        if (item->again > 0) {
                item->again--;
                loop_work_schedule(work);
        }
        if (item->exit)
                loop_exit(loop, 0);
}

static void item_init(struct item *item, char letter, enum clock_id clock) {
        *item = (struct item){ .letter = letter };
        ck_assert_int_eq(loop_timer_init(&item->timer, loop, clock, "timer", on_timer, item), 0);
        loop_work_init(&item->work, loop, "work", on_work, item);
}

START_TEST(timers_fire_in_the_order_of_their_instants) {
        enum clock_id clock = (enum clock_id)_i;
        usec_t now = clock_now(clock);
        struct item a, b, c;

        item_init(&a, 'a', clock);
        item_init(&b, 'b', clock);
        item_init(&c, 'c', clock);
        loop_timer_set(&c.timer, now + 3000);
        loop_timer_set(&b.timer, now + 1000);
        loop_timer_set(&a.timer, now + 5000);
        loop_timer_set(&a.timer, now + 2000);
        c.exit = true;
        ck_assert(loop_timer_armed(&a.timer));
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_str_eq(trace, "bac");
        ck_assert_uint_ge(clock_now(clock), now + 3000);
        ck_assert(!loop_timer_armed(&a.timer));
        loop_timer_done(&a.timer);
        loop_timer_done(&a.timer);
}
END_TEST

static void on_clock_set(void *arg) {
        (void)arg;
        ck_abort_msg("nobody has set the clock");
}

/* The timerfd is armed for a far instant then, which must not keep the loop busy. */
START_TEST(who_is_told_of_the_wall_clock_waits_in_peace) {
        struct loop_stats stats;
        struct item last;

        ck_assert_int_eq(loop_on_clock_set(loop, on_clock_set, NULL), 0);
        item_init(&last, 'l', CLOCK_ID_MONOTONIC);
        last.exit = true;
        loop_timer_set(&last.timer, clock_now(CLOCK_ID_MONOTONIC) + 20000);
        ck_assert_int_eq(loop_run(loop), 0);
        loop_get_stats(loop, &stats);
        ck_assert_uint_le(stats.turns, 3);
        loop_timer_done(&last.timer);
}
END_TEST

START_TEST(a_timer_that_always_fires_lets_others_live) {
        struct item busy, last;

        item_init(&busy, 'b', CLOCK_ID_MONOTONIC);
        item_init(&last, 'l', CLOCK_ID_MONOTONIC);
        busy.again = 3;
        last.exit = true;
        loop_timer_set(&busy.timer, 0);
        loop_timer_set(&last.timer, 1);
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_str_eq(trace, "bl");
}
END_TEST

static void on_timer_kill(_unused_ struct loop_timer *timer, void *arg) {
        struct item *victims = arg;

        note('k');
        loop_timer_set(&victims[0].timer, USEC_INFINITY);
        loop_timer_done(&victims[1].timer);
        loop_work_cancel(&victims[0].work);
        loop_work_schedule(&victims[1].work);
}

START_TEST(a_callback_may_stop_what_is_due_as_well) {
        struct item victims[2];
        struct loop_timer killer;

        item_init(&victims[0], '0', CLOCK_ID_MONOTONIC);
        item_init(&victims[1], '1', CLOCK_ID_MONOTONIC);
        ck_assert_int_eq(loop_timer_init(&killer, loop, CLOCK_ID_MONOTONIC, "kill", on_timer_kill, victims), 0);
        loop_timer_set(&killer, 1);
        loop_timer_set(&victims[0].timer, 2);
        loop_timer_set(&victims[1].timer, 3);
        victims[1].exit = true;
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_str_eq(trace, "k1");
}
END_TEST

static void on_timer_rearm_parked(struct loop_timer *timer, void *arg) {
        struct item *items = arg;

        note('p');
        loop_timer_set(timer, USEC_INFINITY);
        /* All three are due at once, and armed in this turn: they wait, in order; the second is moved, the third goes. */
        loop_timer_set(&items[0].timer, 20);
        loop_timer_set(&items[1].timer, 10);
        loop_timer_set(&items[2].timer, 5);
        loop_timer_set(&items[1].timer, 30);
        loop_timer_done(&items[2].timer);
}

START_TEST(parked_timers_can_be_moved_and_destroyed) {
        struct item items[3];
        struct loop_timer first;

        for (int i = 0; i < 3; i++)
                item_init(&items[i], (char)('0' + i), CLOCK_ID_MONOTONIC);
        ck_assert_int_eq(loop_timer_init(&first, loop, CLOCK_ID_MONOTONIC, "first", on_timer_rearm_parked, items), 0);
        loop_timer_set(&first, 1);
        items[1].exit = true;
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_str_eq(trace, "p01");
}
END_TEST

START_TEST(many_timers_fire_once_each) {
        static struct item items[2000];
        struct loop_stats stats;

        srandom(1);
        for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
                item_init(&items[i], 'x', i % 2 ? CLOCK_ID_MONOTONIC : CLOCK_ID_BOOTTIME);
                loop_timer_set(&items[i].timer, clock_now(items[i].timer.clock) + (usec_t)(random() % 5000));
                if (i % 10 != 0)
                        loop_timer_set(&items[i].timer, USEC_INFINITY);
        }
        /* Order holds within a clock only: each has a last one of its own. */
        for (int i = 0; i < 2; i++) {
                enum clock_id clock = i == 0 ? CLOCK_ID_MONOTONIC : CLOCK_ID_BOOTTIME;
                struct item last;

                item_init(&last, 'l', clock);
                last.exit = true;
                loop_timer_set(&last.timer, clock_now(clock) + 5000);
                ck_assert_int_eq(loop_run(loop), 0);
                loop_timer_done(&last.timer);
        }
        loop_get_stats(loop, &stats);
        ck_assert_uint_eq(stats.callbacks, ARRAY_SIZE(items) / 10 + 2);
        for (size_t i = 0; i < ARRAY_SIZE(items); i++)
                loop_timer_done(&items[i].timer);
}
END_TEST

/* ---- deferred work ---- */

START_TEST(work_deferred_in_a_turn_waits_for_the_next) {
        struct item a, b, c;

        item_init(&a, 'a', CLOCK_ID_MONOTONIC);
        item_init(&b, 'b', CLOCK_ID_MONOTONIC);
        item_init(&c, 'c', CLOCK_ID_MONOTONIC);
        a.again = 2;
        c.exit = true;
        loop_work_schedule(&a.work);
        loop_work_schedule(&b.work);
        loop_work_schedule(&a.work);
        loop_timer_set(&c.timer, clock_now(CLOCK_ID_MONOTONIC) + 5000);
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_str_eq(trace, "abaac");
}
END_TEST

/* ---- descriptors ---- */

struct watch {
        char letter;
        struct loop_io *io;
        int fd;
        unsigned times;
        bool read, free_it, exit;
        unsigned then; /* what is watched after the first call */
};

static void on_io(struct loop_io *io, int fd, unsigned events, void *arg) {
        struct watch *watch = arg;
        char buf[16];

        ck_assert_ptr_eq(io, watch->io);
        ck_assert_int_eq(fd, watch->fd);
        note(watch->letter);
        if (events & LOOP_WRITE)
                note('w');
        if (watch->read)
                ck_assert_int_gt(read(fd, buf, sizeof(buf)), 0);
        if (watch->then > 0)
                ck_assert_int_eq(loop_io_set(io, watch->then), 0);
        if (watch->free_it)
                watch->io = loop_io_free(io);
        if (watch->exit || --watch->times == 0)
                loop_exit(loop, 3);
}

static void watch_init(struct watch *watch, char letter, int fd, unsigned events, enum loop_priority priority) {
        *watch = (struct watch){ .letter = letter, .fd = fd };
        ck_assert_int_eq(loop_io_new(loop, fd, events, priority, "watch", on_io, watch, &watch->io), 0);
}

START_TEST(watching_is_level_triggered) {
        struct watch watch;
        int fds[2];

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        watch_init(&watch, 'r', fds[0], LOOP_READ, LOOP_PRIORITY_NORMAL);
        watch.times = 3;
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        ck_assert_int_eq(loop_run(loop), 3);
        ck_assert_str_eq(trace, "rrr");
        loop_io_free(watch.io);
        close(fds[0]);
        close(fds[1]);
}
END_TEST

START_TEST(what_is_watched_can_be_changed_and_freed_inside) {
        struct watch watch;
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        watch_init(&watch, 'x', fds[0], LOOP_READ, LOOP_PRIORITY_NORMAL);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        watch.times = 1;
        watch.read = true;
        watch.then = LOOP_READ | LOOP_WRITE;
        ck_assert_int_eq(loop_run(loop), 3);
        ck_assert_str_eq(trace, "x");

        watch.times = 2;
        watch.read = false;
        watch.then = LOOP_WRITE;
        ck_assert_int_eq(loop_run(loop), 3);
        ck_assert_str_eq(trace, "xxwxw");

        watch.times = 1;
        watch.free_it = true;
        watch.then = LOOP_READ | LOOP_WRITE;
        ck_assert_int_eq(loop_run(loop), 3);
        ck_assert_ptr_null(watch.io);
        close(fds[0]);
        close(fds[1]);
}
END_TEST

START_TEST(watching_nothing_is_possible) {
        struct watch watch;
        struct item last;
        int fds[2];

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        watch_init(&watch, 'x', fds[0], 0, LOOP_PRIORITY_NORMAL);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        item_init(&last, 'l', CLOCK_ID_MONOTONIC);
        last.exit = true;
        loop_timer_set(&last.timer, clock_now(CLOCK_ID_MONOTONIC) + 2000);
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_str_eq(trace, "l");

        watch.exit = true;
        ck_assert_int_eq(loop_io_set(watch.io, LOOP_READ), 0);
        ck_assert_int_eq(loop_run(loop), 3);
        ck_assert_str_eq(trace, "lx");
        ck_assert_int_eq(loop_io_set(watch.io, 0), 0);
        loop_io_free(watch.io);
        close(fds[0]);
        close(fds[1]);
}
END_TEST

START_TEST(what_cannot_be_polled_is_refused) {
        struct loop_io *io = NULL;
        int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(loop_io_new(loop, fd, LOOP_READ, LOOP_PRIORITY_NORMAL, "file", on_io, NULL, &io), -EPERM);
        ck_assert_ptr_null(io);
        close(fd);
}
END_TEST

/* A thousand descriptors that are always ready cannot keep the control socket, deferred work or timers waiting. */
START_TEST(control_work_and_timers_are_served_among_busy_descriptors) {
        static struct watch busy[1000];
        struct watch control;
        struct item work, timer;
        int fds[2], control_fds[2];

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(control_fds, O_CLOEXEC), 0);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        for (size_t i = 0; i < ARRAY_SIZE(busy); i++) {
                int fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);

                ck_assert_int_ge(fd, 0);
                watch_init(&busy[i], 'b', fd, LOOP_READ, LOOP_PRIORITY_NORMAL);
                busy[i].times = UINT32_MAX;
        }
        watch_init(&control, 'c', control_fds[0], LOOP_READ, LOOP_PRIORITY_CONTROL);
        control.read = control.exit = true;

        /* The first time around libevent has yet to find out how many events a poll may bring. */
        for (int i = 0; i < 2; i++) {
                n_trace = 0;
                ck_assert_int_eq(write(control_fds[1], "x", 1), 1);
                ck_assert_int_eq(loop_run(loop), 3);
        }
        ck_assert_msg(strchr(trace, 'c') && strchr(trace, 'c') - trace <= 64, "%s", trace);

        /* At most one batch of busy callbacks lies before the work, and one before the timer. */
        n_trace = 0;
        item_init(&work, 'w', CLOCK_ID_MONOTONIC);
        item_init(&timer, 't', CLOCK_ID_MONOTONIC);
        timer.exit = true;
        loop_timer_set(&timer.timer, 0);
        loop_work_schedule(&work.work);
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_msg(trace[0] == 'w' && trace[n_trace - 1] == 't' && n_trace > 2 && n_trace <= 66, "%s", trace);

        for (size_t i = 0; i < ARRAY_SIZE(busy); i++) {
                loop_io_free(busy[i].io);
                close(busy[i].fd);
        }
        loop_io_free(control.io);
        close(fds[0]);
        close(fds[1]);
        close(control_fds[0]);
        close(control_fds[1]);
}
END_TEST

/* ---- shares ---- */

static void burn(usec_t usec) {
        usec_t until = clock_now(CLOCK_ID_MONOTONIC) + usec;

        while (clock_now(CLOCK_ID_MONOTONIC) < until)
                ;
}

static void on_timer_burn(_unused_ struct loop_timer *timer, void *arg) {
        burn(500);
        note(*(const char *)arg);
}

static void on_work_burn(_unused_ struct loop_work *work, void *arg) {
        burn(500);
        note(*(const char *)arg);
}

/* Four that take longer than a share lie between the descriptor and the end: it is not kept waiting by all of them. */
START_TEST(neither_work_nor_timers_take_more_than_their_share) {
        static const char letters[] = "0123";
        struct loop_timer timers[4];
        struct loop_work works[4];
        struct watch watch;
        struct item last;
        int fds[2];

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        watch_init(&watch, 'r', fds[0], LOOP_READ, LOOP_PRIORITY_NORMAL);
        watch.read = true;
        watch.times = 2;
        item_init(&last, 'l', CLOCK_ID_MONOTONIC);
        last.exit = true;
        for (size_t i = 0; i < 4; i++) {
                loop_work_init(&works[i], loop, "work", on_work_burn, (void *)&letters[i]);
                ck_assert_int_eq(loop_timer_init(&timers[i], loop, CLOCK_ID_MONOTONIC, "timer", on_timer_burn,
                                                 (void *)&letters[i]),
                                 0);
                if (_i == 0)
                        loop_work_schedule(&works[i]);
                else
                        loop_timer_set(&timers[i], 1 + i);
        }
        if (_i == 0)
                loop_work_schedule(&last.work);
        else
                loop_timer_set(&last.timer, 9);
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_str_eq(trace, _i == 0 ? "0r123l" : "r0123l");
        loop_io_free(watch.io);
        close(fds[0]);
        close(fds[1]);
}
END_TEST

/* ---- signals, running, measuring ---- */

static void on_signal(int signo, void *arg) {
        struct loop_signal **sig = arg;

        ck_assert_int_eq(signo, SIGUSR1);
        note('s');
        *sig = loop_signal_free(*sig);
        loop_exit(loop, 4);
}

START_TEST(signals_are_delivered_and_freed_inside) {
        struct loop_signal *sig;

        ck_assert_int_eq(loop_signal_new(loop, SIGUSR1, "usr1", on_signal, &sig, &sig), 0);
        ck_assert_int_eq(raise(SIGUSR1), 0);
        ck_assert_int_eq(loop_run(loop), 4);
        ck_assert_str_eq(trace, "s");
        ck_assert_ptr_null(sig);
}
END_TEST

static void on_work_nested(_unused_ struct loop_work *work, _unused_ void *arg) {
        _cleanup_(loop_freep) struct loop *other = NULL;

        ck_assert_int_eq(loop_run(loop), -EBUSY);
        ck_assert_int_eq(loop_new(&other), 0);
        loop_exit(other, 0);
        ck_assert_int_eq(loop_run(other), -EBUSY);
        loop_exit(loop, 5);
}

START_TEST(a_nested_run_is_refused) {
        struct loop_work work;

        loop_work_init(&work, loop, "nested", on_work_nested, NULL);
        for (int i = 0; i < 2; i++) {
                loop_work_schedule(&work);
                ck_assert_int_eq(loop_run(loop), 5);
        }
}
END_TEST

struct slow {
        char callback[32];
        char subject[32];
        unsigned calls;
};

static void on_slow(const char *callback, const char *subject, usec_t took_usec, void *arg) {
        struct slow *slow = arg;

        ck_assert_uint_gt(took_usec, 2000);
        snprintf(slow->callback, sizeof(slow->callback), "%s", callback);
        snprintf(slow->subject, sizeof(slow->subject), "%s", subject ? subject : "(none)");
        slow->calls++;
}

static void on_work_slow(_unused_ struct loop_work *work, _unused_ void *arg) {
        struct loop_activity activity;

        loop_get_activity(loop, &activity);
        ck_assert_str_eq(activity.callback, "slow-outer");
        ck_assert_uint_gt(activity.since_usec, 0);

        loop_set_subject(loop, "outer");
        loop_enter(loop, "inner");
        ck_assert_ptr_null(loop_subject(loop));
        loop_set_subject(loop, "in");
        loop_get_activity(loop, &activity);
        ck_assert_str_eq(activity.callback, "inner");
        loop_leave(loop);
        ck_assert_str_eq(loop_subject(loop), "outer");
        burn(3000);
        loop_exit(loop, 0);
}

START_TEST(a_slow_callback_is_reported_with_its_subject) {
        struct slow slow = { 0 };
        struct loop_activity activity;
        struct loop_stats stats;
        struct loop_work work;

        loop_set_warn(loop, 2000, on_slow, &slow);
        loop_work_init(&work, loop, "slow-outer", on_work_slow, NULL);
        loop_work_schedule(&work);
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_str_eq(slow.callback, "slow-outer");
        ck_assert_str_eq(slow.subject, "outer");
        loop_get_activity(loop, &activity);
        ck_assert_ptr_null(activity.callback);

        loop_get_stats(loop, &stats);
        ck_assert_uint_eq(stats.callbacks, 2);
        ck_assert_uint_ge(stats.slow_callbacks, 1);
        loop_reset_stats(loop);
        loop_get_stats(loop, &stats);
        ck_assert_uint_eq(stats.callbacks, 0);
        ck_assert_uint_eq(stats.turn.max_usec, 0);
}
END_TEST

static void on_work_busy(_unused_ struct loop_work *work, _unused_ void *arg) {
        burn(3000);
}

START_TEST(turns_and_lag_are_measured_without_sleep) {
        struct loop_stats stats;
        struct loop_work work;
        struct item timer, late;
        usec_t start, took;

        loop_work_init(&work, loop, "burn", on_work_busy, NULL);
        loop_work_schedule(&work);
        item_init(&timer, 't', CLOCK_ID_MONOTONIC);
        item_init(&late, 'l', CLOCK_ID_MONOTONIC);
        timer.exit = true;
        start = clock_now(CLOCK_ID_MONOTONIC);
        loop_timer_set(&late.timer, 1); /* long past: says nothing about lag */
        loop_timer_set(&timer.timer, start + 5000);
        ck_assert_int_eq(loop_run(loop), 0);
        loop_get_stats(loop, &stats);
        ck_assert_msg(stats.turn.max_usec >= 3000, "turn %llu", (unsigned long long)stats.turn.max_usec);

        /* Twenty turns that sleep 3 ms each. The median, because on a busy machine a few are interrupted for longer. */
        loop_reset_stats(loop);
        start = clock_now(CLOCK_ID_MONOTONIC);
        for (int i = 0; i < 20; i++) {
                loop_timer_set(&timer.timer, clock_now(CLOCK_ID_MONOTONIC) + 3000);
                ck_assert_int_eq(loop_run(loop), 0);
        }
        took = clock_now(CLOCK_ID_MONOTONIC) - start;
        loop_get_stats(loop, &stats);
        ck_assert_msg(stats.turn.p50_usec < 2000, "turn p50 %llu", (unsigned long long)stats.turn.p50_usec);
        ck_assert_msg(stats.lag.max_usec <= took, "lag %llu of %llu", (unsigned long long)stats.lag.max_usec,
                      (unsigned long long)took);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("loop");
        TCase *tcase = tcase_create("loop");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, timers_fire_in_the_order_of_their_instants, 0, _CLOCK_ID_MAX);
        tcase_add_test(tcase, too_few_descriptors_are_an_error_and_not_the_end);
        tcase_add_test(tcase, who_is_told_of_the_wall_clock_waits_in_peace);
        tcase_add_test(tcase, a_timer_that_always_fires_lets_others_live);
        tcase_add_test(tcase, a_callback_may_stop_what_is_due_as_well);
        tcase_add_test(tcase, parked_timers_can_be_moved_and_destroyed);
        tcase_add_test(tcase, many_timers_fire_once_each);
        tcase_add_test(tcase, work_deferred_in_a_turn_waits_for_the_next);
        tcase_add_test(tcase, watching_is_level_triggered);
        tcase_add_test(tcase, what_is_watched_can_be_changed_and_freed_inside);
        tcase_add_test(tcase, watching_nothing_is_possible);
        tcase_add_test(tcase, what_cannot_be_polled_is_refused);
        tcase_add_test(tcase, control_work_and_timers_are_served_among_busy_descriptors);
        tcase_add_loop_test(tcase, neither_work_nor_timers_take_more_than_their_share, 0, 2);
        tcase_add_test(tcase, signals_are_delivered_and_freed_inside);
        tcase_add_test(tcase, a_nested_run_is_refused);
        tcase_add_test(tcase, a_slow_callback_is_reported_with_its_subject);
        tcase_add_test(tcase, turns_and_lag_are_measured_without_sleep);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
