/* SPDX-License-Identifier: MIT */
/* loop: the event loop on libevent, see loop.h.
 *
 * libevent waits and reports descriptors and signals; timers and deferred work are ours. libevent has no hook between
 * turns, so each turn is one event_base_loop(EVLOOP_ONCE), and what we do ourselves stands before and after it.
 *
 * A turn is kept short, so that the control socket is answered whatever there is to do: when deferred work, descriptors
 * or timers have had SHARE_USEC, the rest of them waits for the next turn, in order. With busy descriptors one
 * event_base_loop() would never end, for it goes on as long as events are active; we break out of it, and libevent
 * begins again at the highest priority.
 *
 * Measuring costs one clock reading a callback: the end of one is the start of the next, unless the loop slept between.
 */
#include "loop/loop_private.h"

#include "base/log.h"

#include <assert.h>
#include <sys/eventfd.h>

#define LIBEVENT_DESCRIPTORS 3

#define TURN_CALLBACKS 64
#define SHARE_USEC     ((usec_t)300)

/* The loop that runs in this thread: a second one inside it would starve the first. */
static _Thread_local bool running;

/* ---- the dispatcher ---- */

static void publish(struct loop *loop, const char *callback, usec_t since_usec) {
        atomic_store_explicit(&loop->callback, callback, memory_order_relaxed);
        atomic_store_explicit(&loop->since_usec, since_usec, memory_order_release);
}

static void report_slow(struct loop *loop, const struct loop_frame *frame, usec_t took_usec) {
        loop->slow_callbacks++;
        if (loop->slow_fn)
                loop->slow_fn(frame->callback, frame->subject, took_usec, loop->slow_arg);
}

/* Callbacks nested too deep are counted, and belong to the one around them. */
static void frame_begin(struct loop *loop, const char *callback) {
        if (loop->depth >= LOOP_DEPTH_MAX)
                return;
        loop->frames[loop->depth] = (struct loop_frame){ .callback = callback, .since_usec = loop->mark_usec };
        atomic_signal_fence(memory_order_release); /* loop_subject() may be asked by a signal handler */
        publish(loop, callback, loop->mark_usec);
}

static void frame_end(struct loop *loop) {
        const struct loop_frame *frame;

        loop->callbacks++;
        loop->mark_usec = clock_now(CLOCK_ID_MONOTONIC);
        if (loop->depth >= LOOP_DEPTH_MAX)
                return;
        frame = &loop->frames[loop->depth];
        if (usec_sub(loop->mark_usec, frame->since_usec) > loop->warn_usec)
                report_slow(loop, frame, usec_sub(loop->mark_usec, frame->since_usec));
}

void loop_enter(struct loop *loop, const char *callback) {
        if (loop->mark_usec == 0 || loop->depth > 0) /* the outer callback has worked since */
                loop->mark_usec = clock_now(CLOCK_ID_MONOTONIC);
        if (loop->busy_since_usec == 0)
                loop->busy_since_usec = loop->mark_usec;
        if (loop->phase_usec == 0)
                loop->phase_usec = loop->mark_usec;
        frame_begin(loop, callback);
        loop->depth++;
}

void loop_leave(struct loop *loop) {
        const struct loop_frame *outer;

        assert(loop->depth > 0);
        loop->depth--;
        frame_end(loop);
        if (loop->depth == 0) {
                publish(loop, NULL, 0);
                if (++loop->turn_callbacks >= TURN_CALLBACKS || loop_share_used(loop))
                        (void)event_base_loopbreak(loop->base);
        } else if (loop->depth < LOOP_DEPTH_MAX) {
                outer = &loop->frames[loop->depth - 1];
                publish(loop, outer->callback, outer->since_usec);
        }
}

void loop_switch(struct loop *loop, const char *callback) {
        assert(loop->depth > 0);
        loop->depth--;
        frame_end(loop);
        frame_begin(loop, callback);
        loop->depth++;
}

bool loop_share_used(const struct loop *loop) {
        return loop->phase_usec > 0 && usec_sub(loop->mark_usec, loop->phase_usec) >= SHARE_USEC;
}

void loop_set_subject(struct loop *loop, const char *subject) {
        if (loop->depth > 0 && loop->depth <= LOOP_DEPTH_MAX)
                loop->frames[loop->depth - 1].subject = subject;
}

const char *loop_subject(struct loop *loop) {
        return loop->depth > 0 && loop->depth <= LOOP_DEPTH_MAX ? loop->frames[loop->depth - 1].subject : NULL;
}

void loop_set_warn(struct loop *loop, usec_t usec, loop_slow_fn fn, void *arg) {
        loop->warn_usec = usec;
        loop->slow_fn = fn;
        loop->slow_arg = arg;
}

void loop_get_activity(struct loop *loop, struct loop_activity *ret) {
        ret->since_usec = atomic_load_explicit(&loop->since_usec, memory_order_acquire);
        ret->callback = atomic_load_explicit(&loop->callback, memory_order_relaxed);
}

/* ---- deferred work ---- */

void loop_work_init(struct loop_work *work, struct loop *loop, const char *name, loop_work_fn fn, void *arg) {
        *work = (struct loop_work){ .loop = loop, .name = name, .fn = fn, .arg = arg };
        list_init(&work->link);
}

void loop_work_schedule(struct loop_work *work) {
        if (!list_linked(&work->link))
                list_append(&work->loop->work, &work->link);
}

void loop_work_cancel(struct loop_work *work) {
        if (work->loop)
                list_remove(&work->link);
}

static void do_work(struct loop *loop) {
        struct loop_work *work;

        loop_begin_phase(loop);
        list_splice(&loop->work_now, &loop->work);
        while (!loop_share_used(loop) && (work = list_first_entry(&loop->work_now, struct loop_work, link))) {
                list_remove(&work->link);
                loop_enter(loop, work->name);
                work->fn(work, work->arg);
                loop_leave(loop);
        }
}

/* ---- the loop ---- */

/* libevent would write to stderr. Its warnings come with an error that the caller gets as well. */
static void on_libevent_message(int severity, const char *message) {
        log_full(severity == EVENT_LOG_ERR ? LOG_ERR : LOG_DEBUG, "libevent: %s", message);
}

/* libevent ends the process when it finds no room for its own: an epoll instance and a pair of sockets. */
static int check_room(void) {
        int fds[LIBEVENT_DESCRIPTORS], r = 0;
        size_t n = 0;

        while (r >= 0 && n < ARRAY_SIZE(fds)) {
                fds[n] = eventfd(0, EFD_CLOEXEC);
                if (fds[n] < 0)
                        r = -errno;
                else
                        n++;
        }
        while (n > 0)
                (void)close(fds[--n]);
        return r;
}

int loop_new(struct loop **ret) {
        _cleanup_(loop_freep) struct loop *loop = NULL;
        struct event_config *config;
        int r;

        r = check_room();
        if (r < 0)
                return r;
        loop = calloc(1, sizeof(*loop));
        if (!loop)
                return -ENOMEM;
        loop->warn_usec = USEC_INFINITY;
        list_init(&loop->work);
        list_init(&loop->work_now);
        for (size_t i = 0; i < ARRAY_SIZE(loop->clocks); i++)
                loop_clock_init(&loop->clocks[i]);
        loop->clocks[CLOCK_ID_REALTIME].wall = true;

        event_set_log_callback(on_libevent_message);
        config = event_config_new();
        if (!config)
                return -ENOMEM;
        errno = 0;
        /* One thread: no locks. */
        (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
        if (!loop->base || event_base_priority_init(loop->base, _LOOP_PRIORITY_MAX) < 0)
                return loop_errno(-ENOMEM);

        *ret = TAKE_PTR(loop);
        return 0;
}

struct loop *loop_free(struct loop *loop) {
        if (!loop)
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(loop->clocks); i++)
                loop_clock_close(&loop->clocks[i]);
        if (loop->base)
                event_base_free(loop->base);
        free(loop);
        return NULL;
}

/* What the kernel reported had to wait while callbacks ran: that is a turn's time, which ends here. */
static void end_busy(struct loop *loop) {
        if (loop->busy_since_usec == 0)
                return;
        histogram_record(&loop->turn, usec_sub(loop->mark_usec, loop->busy_since_usec));
        loop->busy_since_usec = 0;
}

/* Waits for events, unless there is something to do already, and serves them. */
static int do_events(struct loop *loop) {
        int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;
        int r;

        end_busy(loop);
        loop_begin_phase(loop);
        if (!list_empty(&loop->work) || !list_empty(&loop->work_now) || loop->exiting)
                flags |= EVLOOP_NONBLOCK;
        else {
                for (size_t i = 0; i < ARRAY_SIZE(loop->clocks); i++) {
                        r = loop_clock_program(&loop->clocks[i]);
                        if (r == -ECANCELED)
                                flags |= EVLOOP_NONBLOCK;
                        else if (r < 0)
                                return r;
                }
                loop->mark_usec = 0;
        }
        loop->turn_callbacks = 0;
        errno = 0;
        return event_base_loop(loop->base, flags) < 0 ? loop_errno(-EIO) : 0;
}

static int do_turn(struct loop *loop) {
        int r;

        loop->turns++;
        do_work(loop);
        r = do_events(loop);
        if (r < 0)
                return r;
        for (enum clock_id id = 0; id < ARRAY_SIZE(loop->clocks); id++)
                loop_clock_fire(loop, id);
        return 0;
}

int loop_run(struct loop *loop) {
        int r = 0;

        if (running)
                return -EBUSY;

        running = true;
        while (r >= 0 && !loop->exiting)
                r = do_turn(loop);
        running = false;

        if (r < 0)
                return r;
        loop->exiting = false;
        return loop->exit_code;
}

bool loop_is_running(void) {
        return running;
}

void loop_exit(struct loop *loop, int code) {
        loop->exiting = true;
        loop->exit_code = code;
}

struct event_base *loop_event_base(struct loop *loop) {
        return loop->base;
}

/* ---- what the loop knows about itself ---- */

void loop_get_stats(const struct loop *loop, struct loop_stats *ret) {
        struct histogram recent;

        recent_get(&loop->recent_lag, clock_now(CLOCK_ID_MONOTONIC), &recent);
        *ret = (struct loop_stats){
                .turns = loop->turns,
                .callbacks = loop->callbacks,
                .slow_callbacks = loop->slow_callbacks,
                .turn = { histogram_percentile(&loop->turn, 500), histogram_percentile(&loop->turn, 990),
                          histogram_percentile(&loop->turn, 1000) },
                .lag = { histogram_percentile(&loop->lag, 500), histogram_percentile(&loop->lag, 990),
                         histogram_percentile(&loop->lag, 1000) },
                .recent_lag = { histogram_percentile(&recent, 500), histogram_percentile(&recent, 990),
                                histogram_percentile(&recent, 1000) },
        };
}

const struct histogram *loop_turns(const struct loop *loop) {
        return &loop->turn;
}

const struct histogram *loop_lags(const struct loop *loop) {
        return &loop->lag;
}

void loop_reset_stats(struct loop *loop) {
        loop->turns = loop->callbacks = loop->slow_callbacks = 0;
        histogram_reset(&loop->turn);
        histogram_reset(&loop->lag);
        recent_reset(&loop->recent_lag);
}
