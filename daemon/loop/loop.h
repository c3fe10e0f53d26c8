/* SPDX-License-Identifier: MIT */
#pragma once
/* loop: the event loop, and the dispatcher through which every callback of the daemon goes.
 *
 * One thread, one loop. Timers, descriptors, signals and deferred work are embedded in their owners; each carries the
 * name of its callback, so that a slow or stuck one can be reported by name. A turn is: deferred work, then what the
 * kernel reports, then expired timers. Work deferred within a turn is done in the next one. Each of the three is given a
 * share of the turn only; what is left over comes first in the next one.
 */
#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"

struct loop;
struct loop_io;

/* Called on the loop thread for each dispatch over `loop-warn`; @subject is what loop_set_subject() named, or NULL. */
typedef void (*loop_slow_fn)(const char *callback, const char *subject, usec_t took_usec, void *arg);

/* A new loop. Returns 0, -ENOMEM, or -errno of what the kernel refused. */
int loop_new(struct loop **ret);
struct loop *loop_free(struct loop *loop);
DEFINE_CLEANUP(struct loop, loop_free)

/* Runs turns until loop_exit(). Returns the code given there; -EBUSY when this loop, or another one in this thread, is
 * running already; -errno when the kernel failed. */
int loop_run(struct loop *loop);

/* Whether a loop runs in the calling thread. */
bool loop_is_running(void);

/* Ends loop_run() after the present turn with @code ≥ 0. */
void loop_exit(struct loop *loop, int code);

/* Names what the present callback works for, shown when it turns out slow or stuck. @subject must live until the
 * callback returns. */
void loop_set_subject(struct loop *loop, const char *subject);

/* Callbacks that take longer than @usec are reported to @fn. */
void loop_set_warn(struct loop *loop, usec_t usec, loop_slow_fn fn, void *arg);

/* ---- timers ---- */
struct loop_timer;
typedef void (*loop_timer_fn)(struct loop_timer *timer, void *arg);

struct loop_timer {
        struct heap_node node;
        struct loop *loop; /* NULL: not initialised */
        enum clock_id clock;
        uint32_t turn : 30;  /* in which it was armed: it is not served in the same one */
        uint32_t parked : 1; /* due already, waits for the next turn */
        uint32_t late : 1;   /* was armed for an instant that had passed: says nothing about the loop's lag */
        usec_t at_usec;
        const char *name;
        loop_timer_fn fn;
        void *arg;
};

/* Prepares @timer, unarmed; @name is a literal. Returns 0, -ENOMEM, -errno; after 0, arming cannot fail. A timer of
 * CLOCK_ID_REALTIME follows the wall clock also when that is set. */
int loop_timer_init(struct loop_timer *timer, struct loop *loop, enum clock_id clock, const char *name,
                    loop_timer_fn fn, void *arg);

/* Harmless on a zeroed or done timer. */
void loop_timer_done(struct loop_timer *timer);

/* Arms for the instant @at_usec of its clock, or disarms with USEC_INFINITY. Fires once. Timers of one clock fire in
 * the order of their instants, and never before the turn after an instant that has passed already. */
void loop_timer_set(struct loop_timer *timer, usec_t at_usec);

static inline bool loop_timer_armed(const struct loop_timer *timer) {
        return heap_contains(&timer->node);
}

/* Calls @fn each time that the wall clock was set, before timers of that clock are served. One owner; NULL: nobody. Returns 0
 * or -errno. */
typedef void (*loop_clock_set_fn)(void *arg);
int loop_on_clock_set(struct loop *loop, loop_clock_set_fn fn, void *arg);

/* ---- deferred work ---- */
struct loop_work;
typedef void (*loop_work_fn)(struct loop_work *work, void *arg);

struct loop_work {
        struct list link;
        struct loop *loop;
        const char *name;
        loop_work_fn fn;
        void *arg;
};

void loop_work_init(struct loop_work *work, struct loop *loop, const char *name, loop_work_fn fn, void *arg);

/* Calls @work once in a later turn, after what was scheduled before; once also when asked several times. */
void loop_work_schedule(struct loop_work *work);

/* Takes it back. Harmless when not scheduled. */
void loop_work_cancel(struct loop_work *work);

/* ---- descriptors ---- */
#define LOOP_READ  1u
#define LOOP_WRITE 2u

/* Control sockets and signals go first, so that the daemon can be asked while thousands of descriptors are busy. */
enum loop_priority {
        LOOP_PRIORITY_CONTROL,
        LOOP_PRIORITY_NORMAL,
        _LOOP_PRIORITY_MAX,
};

/* @events: the LOOP_* bits that are ready. */
typedef void (*loop_io_fn)(struct loop_io *io, int fd, unsigned events, void *arg);

/* Watches @fd, level-triggered, for @events (may be 0: nothing for now). The descriptor stays the caller's, who frees
 * the watch before closing it. Returns 0, -ENOMEM, or -errno of epoll (-EPERM: not pollable). */
int loop_io_new(struct loop *loop, int fd, unsigned events, enum loop_priority priority, const char *name,
                loop_io_fn fn, void *arg, struct loop_io **ret);
struct loop_io *loop_io_free(struct loop_io *io); /* may be called from its own callback */
DEFINE_CLEANUP(struct loop_io, loop_io_free)

/* Changes what is watched; free of cost when nothing changes. Returns 0 or -errno. */
int loop_io_set(struct loop_io *io, unsigned events);

/* ---- signals ---- */
struct loop_signal;
typedef void (*loop_signal_fn)(int signo, void *arg);

/* Delivers @signo on the loop. Returns 0, -ENOMEM, -errno. */
int loop_signal_new(struct loop *loop, int signo, const char *name, loop_signal_fn fn, void *arg,
                    struct loop_signal **ret);
struct loop_signal *loop_signal_free(struct loop_signal *sig);
DEFINE_CLEANUP(struct loop_signal, loop_signal_free)

/* ---- what the loop knows about itself ---- */
struct loop_stats {
        uint64_t turns;
        uint64_t callbacks;
        uint64_t slow_callbacks;
        /* Microseconds: how long turns took, and how late timers were served. */
        struct {
                usec_t p50_usec;
                usec_t p99_usec;
                usec_t max_usec;
        } turn, lag, recent_lag; /* the latter of the last RECENT_SPAN_USEC to twice that */
};

void loop_get_stats(const struct loop *loop, struct loop_stats *ret);

/* The same durations in full. */
struct histogram;
const struct histogram *loop_turns(const struct loop *loop);
const struct histogram *loop_lags(const struct loop *loop);

/* Forgets what was measured, for a bench that wants a clean window. */
void loop_reset_stats(struct loop *loop);

/* ---- for loop/ itself and loop/watchdog.c only ---- */
struct event_base;
struct event_base *loop_event_base(struct loop *loop);

/* Every libevent callback in loop/ is bracketed by these two. They nest, because an owner may ask for completions that
 * are there already from inside a callback of its own. */
void loop_enter(struct loop *loop, const char *callback);
void loop_leave(struct loop *loop);

/* Ends the present callback and begins another one, for who serves many in a row: it takes one look at the clock. */
void loop_switch(struct loop *loop, const char *callback);

/* Whether this part of the turn has taken its share, as of the last callback's end: who serves many in a row leaves the
 * rest for a later turn. */
bool loop_share_used(const struct loop *loop);

/* What the loop is at. Thread-safe; @callback is NULL and @since_usec 0 when it waits or is between callbacks. */
struct loop_activity {
        const char *callback;
        usec_t since_usec; /* monotonic */
};

void loop_get_activity(struct loop *loop, struct loop_activity *ret);

/* What loop_set_subject() named in the present callback, or NULL. For the loop's thread only, and there also from a
 * signal handler. */
const char *loop_subject(struct loop *loop);
