/* SPDX-License-Identifier: MIT */
/* loop_timer: the timers of the loop.
 *
 * One heap for each clock, and one timerfd for each, programmed with the earliest instant only when the loop is about
 * to sleep and only when that instant changed. A timerfd is exact to the microsecond where epoll's timeout counts
 * milliseconds, and programming it again also clears it, so that it is never read.
 *
 * The timerfd of the wall clock is cancelled by the kernel when that clock is set (TFD_TIMER_CANCEL_ON_SET). It is armed
 * for a far instant also when no timer is, so that whoever asked for it is told. What is armed for an instant stays
 * armed for it; the heap need not change.
 *
 * What is armed within a turn for an instant that has passed is parked until the next one: a callback that always arms
 * itself again cannot keep descriptors from being served. A parked timer is in a heap too, so that it can be taken out
 * and destroyed like any other; both heaps have room for every timer there is, and arming cannot fail.
 */
#include "loop/loop_private.h"

#include <assert.h>
#include <sys/timerfd.h>

#define TURN_MASK ((UINT64_C(1) << 30) - 1)

/* In 2255; the kernel's wall clock ends in 2232. */
#define FAR_SECS INT64_C(9000000000)

static int timer_compare(const struct heap_node *a, const struct heap_node *b) {
        usec_t x = CONTAINER_OF(a, const struct loop_timer, node)->at_usec;
        usec_t y = CONTAINER_OF(b, const struct loop_timer, node)->at_usec;

        return x < y ? -1 : x > y;
}

static void on_timerfd(int fd, _unused_ short what, void *arg) {
        struct loop_clock *clock = arg;
        uint64_t expirations;

        clock->stale = true;
        if (clock->wall && read(fd, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED)
                clock->was_set = true;
}

static int clock_open(struct loop *loop, struct loop_clock *clock, enum clock_id id) {
        static const clockid_t ids[_CLOCK_ID_MAX] = {
                [CLOCK_ID_MONOTONIC] = CLOCK_MONOTONIC,
                [CLOCK_ID_BOOTTIME] = CLOCK_BOOTTIME,
                [CLOCK_ID_REALTIME] = CLOCK_REALTIME,
        };
        _cleanup_(closep) int fd = -EBADF;

        if (clock->fd >= 0)
                return 0;

        fd = timerfd_create(ids[id], TFD_CLOEXEC | TFD_NONBLOCK);
        if (fd < 0)
                return -errno;
        errno = 0;
        if (event_assign(&clock->event, loop->base, fd, EV_READ | EV_PERSIST, on_timerfd, clock) < 0 ||
            event_add(&clock->event, NULL) < 0)
                return loop_errno(-ENOMEM);

        clock->fd = TAKE_FD(fd);
        clock->stale = clock->wall; /* to be armed, whether there are timers or not */
        return 0;
}

void loop_clock_init(struct loop_clock *clock) {
        *clock = (struct loop_clock){ .fd = -EBADF, .programmed_usec = USEC_INFINITY };
        heap_init(&clock->armed, timer_compare);
        heap_init(&clock->parked, timer_compare);
}

void loop_clock_close(struct loop_clock *clock) {
        if (clock->fd >= 0) {
                (void)event_del(&clock->event);
                (void)close(clock->fd);
        }
        heap_done(&clock->armed);
        heap_done(&clock->parked);
}

int loop_clock_program(struct loop_clock *clock) {
        const struct heap_node *top = heap_top(&clock->armed);
        usec_t at_usec = top ? CONTAINER_OF(top, const struct loop_timer, node)->at_usec : USEC_INFINITY;
        struct itimerspec spec = { 0 };
        int flags = TFD_TIMER_ABSTIME | (clock->wall ? TFD_TIMER_CANCEL_ON_SET : 0);

        if (clock->fd < 0 || (!clock->stale && at_usec == clock->programmed_usec))
                return 0;

        if (at_usec != USEC_INFINITY || clock->wall) {
                spec.it_value.tv_sec = (time_t)MIN(at_usec / USEC_PER_SEC, (usec_t)FAR_SECS);
                spec.it_value.tv_nsec = (long)(at_usec % USEC_PER_SEC * 1000);
                if (at_usec == 0)
                        spec.it_value.tv_nsec = 1; /* zero would disarm */
        }
        if (timerfd_settime(clock->fd, flags, &spec, NULL) < 0) {
                if (errno != ECANCELED) /* else it is armed all the same */
                        return -errno;
                clock->was_set = true;
        }
        clock->programmed_usec = at_usec;
        clock->stale = false;
        return clock->was_set ? -ECANCELED : 0;
}

int loop_on_clock_set(struct loop *loop, loop_clock_set_fn fn, void *arg) {
        loop->clock_set_fn = fn;
        loop->clock_set_arg = arg;
        return fn ? clock_open(loop, &loop->clocks[CLOCK_ID_REALTIME], CLOCK_ID_REALTIME) : 0;
}

int loop_timer_init(struct loop_timer *timer, struct loop *loop, enum clock_id clock, const char *name,
                    loop_timer_fn fn, void *arg) {
        struct loop_clock *c;
        int r;

        assert(clock < ARRAY_SIZE(loop->clocks));
        c = &loop->clocks[clock];
        r = clock_open(loop, c, clock);
        if (r < 0)
                return r;
        r = heap_reserve(&c->armed, c->n_timers + 1);
        if (r < 0)
                return r;
        r = heap_reserve(&c->parked, c->n_timers + 1);
        if (r < 0)
                return r;

        c->n_timers++;
        *timer = (struct loop_timer){ .loop = loop, .clock = clock, .name = name, .fn = fn, .arg = arg };
        return 0;
}

static void timer_remove(struct loop_timer *timer) {
        struct loop_clock *clock = &timer->loop->clocks[timer->clock];

        heap_remove(timer->parked ? &clock->parked : &clock->armed, &timer->node);
        timer->parked = false;
}

void loop_timer_done(struct loop_timer *timer) {
        if (!timer->loop)
                return;
        timer_remove(timer);
        timer->loop->clocks[timer->clock].n_timers--;
        *timer = (struct loop_timer){ 0 };
}

void loop_timer_set(struct loop_timer *timer, usec_t at_usec) {
        struct loop_clock *clock = &timer->loop->clocks[timer->clock];

        if (at_usec == USEC_INFINITY) {
                timer_remove(timer);
                return;
        }
        timer->turn = (uint32_t)(timer->loop->turns & TURN_MASK);
        timer->late = at_usec <= clock_now(timer->clock);
        if (heap_contains(&timer->node) && !timer->parked) {
                timer->at_usec = at_usec;
                heap_adjust(&clock->armed, &timer->node);
                return;
        }
        timer_remove(timer);
        timer->at_usec = at_usec;
        heap_insert(&clock->armed, &timer->node);
}

static void timer_fire(struct loop *loop, struct loop_timer *timer, usec_t now_usec) {
        if (!timer->late && timer->clock != CLOCK_ID_REALTIME) { /* which may jump */
                histogram_record(&loop->lag, usec_sub(now_usec, timer->at_usec));
                recent_record(&loop->recent_lag, clock_now(CLOCK_ID_MONOTONIC), usec_sub(now_usec, timer->at_usec));
        }
        loop_enter(loop, timer->name);
        timer->fn(timer, timer->arg);
        loop_leave(loop);
}

static void tell_clock_set(struct loop *loop, struct loop_clock *clock) {
        if (!clock->was_set)
                return;
        clock->was_set = false;
        if (!loop->clock_set_fn)
                return;
        loop_enter(loop, "clock-set");
        loop->clock_set_fn(loop->clock_set_arg);
        loop_leave(loop);
}

void loop_clock_fire(struct loop *loop, enum clock_id id) {
        struct loop_clock *clock = &loop->clocks[id];
        struct heap_node *node;
        usec_t now_usec;

        tell_clock_set(loop, clock);
        if (!heap_top(&clock->armed))
                return;

        now_usec = id == CLOCK_ID_MONOTONIC && loop->mark_usec > 0 ? loop->mark_usec : clock_now(id);
        loop_begin_phase(loop);
        while (!loop_share_used(loop) && (node = heap_top(&clock->armed))) {
                struct loop_timer *timer = CONTAINER_OF(node, struct loop_timer, node);

                if (timer->at_usec > now_usec)
                        break;
                heap_remove(&clock->armed, node);
                if (timer->turn == (loop->turns & TURN_MASK)) {
                        timer->parked = true;
                        heap_insert(&clock->parked, node);
                } else
                        timer_fire(loop, timer, now_usec);
        }

        while ((node = heap_top(&clock->parked))) {
                heap_remove(&clock->parked, node);
                CONTAINER_OF(node, struct loop_timer, node)->parked = false;
                heap_insert(&clock->armed, node);
        }
}
