/* SPDX-License-Identifier: MIT */
#pragma once
/* loop_private: what loop.c, loop_timer.c and loop_io.c share. */
#include "base/histogram.h"
#include "base/recent.h"
#include "loop/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>

#define LOOP_DEPTH_MAX 4

struct loop_clock {
        int fd; /* -EBADF until a timer of this clock was initialised */
        struct event event;
        struct heap armed;
        struct heap parked;
        size_t n_timers;        /* initialised ones: the room that both heaps have reserved */
        usec_t programmed_usec; /* USEC_INFINITY: disarmed */
        bool stale;             /* the timerfd has fired: readable until programmed again */
        bool wall;              /* of the wall clock: told when that is set */
        bool was_set;           /* it was, and nobody was told yet */
};

/* A callback that is being run; @subject is what it works for. */
struct loop_frame {
        const char *callback;
        const char *subject;
        usec_t since_usec;
};

struct loop {
        struct event_base *base;
        struct loop_clock clocks[_CLOCK_ID_MAX];
        struct list work;
        struct list work_now; /* what this turn does */

        bool exiting;
        int exit_code;

        usec_t warn_usec;
        loop_clock_set_fn clock_set_fn;
        void *clock_set_arg;

        loop_slow_fn slow_fn;
        void *slow_arg;

        /* What runs now; the innermost is published for the watchdog thread. */
        struct loop_frame frames[LOOP_DEPTH_MAX];
        unsigned depth;
        _Atomic(const char *) callback;
        _Atomic(usec_t) since_usec;

        usec_t mark_usec;       /* the last reading of the clock, 0 after a sleep */
        usec_t busy_since_usec; /* since when callbacks ran without a look at the kernel; 0: nothing was called yet */
        usec_t phase_usec;      /* when the first callback of this part of a turn began; 0: none yet */
        unsigned turn_callbacks;

        uint64_t turns, callbacks, slow_callbacks;
        struct histogram turn, lag;
        struct recent recent_lag;
};

/* The error of a failed libevent call, which leaves errno of the system call, if there was one. */
static inline int loop_errno(int fallback) {
        return errno > 0 ? -errno : fallback;
}

/* Begins a part of a turn: work, descriptors, or the timers of one clock. */
static inline void loop_begin_phase(struct loop *loop) {
        loop->phase_usec = 0;
}

void loop_clock_init(struct loop_clock *clock);
void loop_clock_close(struct loop_clock *clock);

/* Makes the timerfd expire when the earliest timer does. Returns 0, -ECANCELED when the wall clock was set just now and
 * loop_clock_fire() is to be called, -errno. */
int loop_clock_program(struct loop_clock *clock);

/* Calls the timers of @id that are due. */
void loop_clock_fire(struct loop *loop, enum clock_id id);
