/* SPDX-License-Identifier: MIT */
/* fake-loop: the loop for tests of pure code, see fake-loop.h.
 *
 * Armed timers lie in one array in the order of arming; the earliest is found by a scan. Tests have few timers at a
 * time, and a scan has no order of its own that a test could come to depend on.
 */
#include "support/fake-loop.h"

#include "base/histogram.h"

#include <stdio.h>

#define TURN_MASK UINT32_C(0x3fffffff)

struct loop_io {
        struct list link;
        int fd;
        unsigned watched;
        loop_io_fn fn;
        void *arg;
};

struct loop_signal {
        struct list link;
        int signo;
        loop_signal_fn fn;
        void *arg;
};

struct loop {
        struct loop_timer **armed; /* a timer's slot is its index + 1 */
        size_t n_armed, n_armed_max;
        unsigned n_timers;
        struct list work, work_now;
        struct list watches, signals;
        uint32_t turn;
        uint64_t callbacks;
        unsigned depth;
        const char *subject;
        loop_clock_set_fn clock_set_fn;
        void *clock_set_arg;
        bool running, exiting;
        int exit_code;
};

static struct loop *fake; /* the one of this test program */

static _noreturn_ void fail(const char *what) {
        fprintf(stderr, "fake-loop: %s\n", what);
        abort();
}

/* ---- timers ---- */

int loop_timer_init(struct loop_timer *timer, struct loop *loop, enum clock_id clock, const char *name,
                    loop_timer_fn fn, void *arg) {
        if (loop->n_timers + 1 > loop->n_armed_max) {
                size_t n = MAX(loop->n_armed_max * 2, (size_t)64);
                struct loop_timer **armed = reallocarray(loop->armed, n, sizeof(struct loop_timer *));

                if (!armed)
                        return -ENOMEM;
                loop->armed = armed;
                loop->n_armed_max = n;
        }
        loop->n_timers++;
        *timer = (struct loop_timer){ .loop = loop, .clock = clock, .name = name, .fn = fn, .arg = arg };
        return 0;
}

static void disarm(struct loop_timer *timer) {
        struct loop *loop = timer->loop;
        size_t slot = timer->node.slot;

        if (slot == 0)
                return;
        if (slot > loop->n_armed || loop->armed[slot - 1] != timer)
                fail("an armed timer was overwritten or moved");

        for (; slot < loop->n_armed; slot++) {
                loop->armed[slot - 1] = loop->armed[slot];
                loop->armed[slot - 1]->node.slot = slot;
        }
        loop->n_armed--;
        timer->node.slot = 0;
}

void loop_timer_done(struct loop_timer *timer) {
        if (!timer->loop)
                return;
        disarm(timer);
        timer->loop->n_timers--;
        *timer = (struct loop_timer){ 0 };
}

void loop_timer_set(struct loop_timer *timer, usec_t at_usec) {
        struct loop *loop = timer->loop;

        if (!loop)
                fail("a timer was armed that is not initialised");
        disarm(timer);
        if (at_usec == USEC_INFINITY)
                return;
        timer->at_usec = at_usec;
        timer->turn = loop->turn & TURN_MASK;
        loop->armed[loop->n_armed++] = timer;
        timer->node.slot = loop->n_armed;
}

int loop_on_clock_set(struct loop *loop, loop_clock_set_fn fn, void *arg) {
        loop->clock_set_fn = fn;
        loop->clock_set_arg = arg;
        return 0;
}

static void tell_clock_set(struct loop *loop) {
        if (!fake_clock_was_set() || !loop->clock_set_fn)
                return;
        loop_enter(loop, "clock-set");
        loop->clock_set_fn(loop->clock_set_arg);
        loop_leave(loop);
}

static usec_t left_usec(const struct loop_timer *timer) {
        return usec_sub(timer->at_usec, clock_now(timer->clock));
}

static bool comes_before(const struct loop_timer *a, const struct loop_timer *b) {
        if (left_usec(a) != left_usec(b))
                return left_usec(a) < left_usec(b);
        if (a->clock != b->clock)
                return a->clock < b->clock;
        return a->at_usec < b->at_usec; /* both are due: how long they have been */
}

/* The next timer; with @earlier_only, of those armed before the present turn. */
static struct loop_timer *next_timer(const struct loop *loop, bool earlier_only) {
        struct loop_timer *best = NULL;

        for (size_t i = 0; i < loop->n_armed; i++) {
                struct loop_timer *timer = loop->armed[i];

                if (earlier_only && timer->turn == (loop->turn & TURN_MASK))
                        continue;
                if (!best || comes_before(timer, best))
                        best = timer;
        }
        return best;
}

usec_t fake_loop_next_timer(void) {
        const struct loop_timer *timer = next_timer(fake, false);

        return timer ? left_usec(timer) : USEC_INFINITY;
}

unsigned fake_loop_armed_timers(void) {
        return (unsigned)fake->n_armed;
}

unsigned fake_loop_timers(void) {
        return fake->n_timers;
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

static unsigned count(const struct list *head) {
        unsigned n = 0;

        for (const struct list *link = head->next; link != head; link = link->next)
                n++;
        return n;
}

unsigned fake_loop_pending_work(void) {
        return count(&fake->work);
}

/* ---- descriptors and signals ---- */

int loop_io_new(struct loop *loop, int fd, unsigned events, _unused_ enum loop_priority priority,
                _unused_ const char *name, loop_io_fn fn, void *arg, struct loop_io **ret) {
        struct loop_io *io = calloc(1, sizeof(*io));

        if (!io)
                return -ENOMEM;
        *io = (struct loop_io){ .fd = fd, .watched = events, .fn = fn, .arg = arg };
        list_append(&loop->watches, &io->link);
        *ret = io;
        return 0;
}

struct loop_io *loop_io_free(struct loop_io *io) {
        if (io)
                list_remove(&io->link);
        free(io);
        return NULL;
}

int loop_io_set(struct loop_io *io, unsigned events) {
        io->watched = events;
        return 0;
}

int loop_signal_new(struct loop *loop, int signo, _unused_ const char *name, loop_signal_fn fn, void *arg,
                    struct loop_signal **ret) {
        struct loop_signal *sig = calloc(1, sizeof(*sig));

        if (!sig)
                return -ENOMEM;
        *sig = (struct loop_signal){ .signo = signo, .fn = fn, .arg = arg };
        list_append(&loop->signals, &sig->link);
        *ret = sig;
        return 0;
}

struct loop_signal *loop_signal_free(struct loop_signal *sig) {
        if (sig)
                list_remove(&sig->link);
        free(sig);
        return NULL;
}

bool fake_loop_ready(int fd, unsigned events) {
        struct loop_io *io;

        list_for_each_entry(io, &fake->watches, link) {
                if (io->fd != fd || (io->watched & events) == 0)
                        continue;
                loop_enter(fake, "io");
                io->fn(io, fd, io->watched & events, io->arg);
                loop_leave(fake);
                return true;
        }
        return false;
}

bool fake_loop_signal(int signo) {
        struct loop_signal *sig;

        list_for_each_entry(sig, &fake->signals, link) {
                if (sig->signo != signo)
                        continue;
                loop_enter(fake, "signal");
                sig->fn(signo, sig->arg);
                loop_leave(fake);
                return true;
        }
        return false;
}

unsigned fake_loop_watches(void) {
        return count(&fake->watches) + count(&fake->signals);
}

/* ---- turns ---- */

unsigned fake_loop_turn(void) {
        struct loop *loop = fake;
        struct loop_work *work;
        struct loop_timer *timer;
        unsigned n = 0;

        if (loop->depth > 0)
                fail("a turn inside a callback");
        loop->turn++;

        list_splice(&loop->work_now, &loop->work);
        while ((work = list_first_entry(&loop->work_now, struct loop_work, link))) {
                list_remove(&work->link);
                loop_enter(loop, work->name);
                work->fn(work, work->arg);
                loop_leave(loop);
                n++;
        }
        tell_clock_set(loop);
        while ((timer = next_timer(loop, true)) && left_usec(timer) == 0) {
                disarm(timer);
                loop_enter(loop, timer->name);
                timer->fn(timer, timer->arg);
                loop_leave(loop);
                n++;
        }
        return n;
}

unsigned fake_loop_settle(void) {
        unsigned turns = 0;

        tell_clock_set(fake);
        while (!list_empty(&fake->work) || fake_loop_next_timer() == 0) {
                if (++turns > FAKE_LOOP_LIVELOCK)
                        fail("livelock: the loop never comes to rest");
                (void)fake_loop_turn();
        }
        return turns;
}

bool fake_loop_idle(void) {
        return fake->n_armed == 0 && list_empty(&fake->work);
}

static usec_t serve(_unused_ void *arg) {
        (void)fake_loop_settle();
        return fake_loop_next_timer();
}

/* ---- the loop ---- */

int loop_new(struct loop **ret) {
        if (fake)
                fail("a second loop");
        fake = calloc(1, sizeof(*fake));
        if (!fake)
                return -ENOMEM;
        list_init(&fake->work);
        list_init(&fake->work_now);
        list_init(&fake->watches);
        list_init(&fake->signals);
        fake_clock_set_serve(serve, NULL);
        *ret = fake;
        return 0;
}

struct loop *loop_free(struct loop *loop) {
        if (!loop)
                return NULL;
        fake_clock_set_serve(NULL, NULL);
        free(loop->armed);
        free(loop);
        fake = NULL;
        return NULL;
}

/* Time passes by itself here, as there is nothing else to wait for. */
int loop_run(struct loop *loop) {
        if (loop->running)
                return -EBUSY;

        loop->running = true;
        while (!loop->exiting) {
                if (fake_loop_idle())
                        fail("loop_run: nothing will ever happen");
                if (list_empty(&loop->work) && fake_loop_next_timer() > 0)
                        fake_clock_advance(fake_loop_next_timer());
                else
                        (void)fake_loop_turn();
        }
        loop->running = false;
        loop->exiting = false;
        return loop->exit_code;
}

void loop_exit(struct loop *loop, int code) {
        loop->exiting = true;
        loop->exit_code = code;
}

int fake_loop_exit_code(void) {
        return fake->exiting ? fake->exit_code : -1;
}

void loop_enter(struct loop *loop, _unused_ const char *callback) {
        loop->depth++;
        loop->callbacks++;
}

void loop_leave(struct loop *loop) {
        loop->depth--;
        loop->subject = NULL;
}

void loop_switch(struct loop *loop, _unused_ const char *callback) {
        loop->callbacks++;
        loop->subject = NULL;
}

bool loop_share_used(_unused_ const struct loop *loop) {
        return false;
}

void loop_set_subject(struct loop *loop, const char *subject) {
        loop->subject = subject;
}

const char *loop_subject(struct loop *loop) {
        return loop->subject;
}

void loop_get_activity(_unused_ struct loop *loop, struct loop_activity *ret) {
        *ret = (struct loop_activity){ 0 };
}

void loop_set_warn(_unused_ struct loop *loop, _unused_ usec_t usec, _unused_ loop_slow_fn fn, _unused_ void *arg) {
}

void loop_get_stats(const struct loop *loop, struct loop_stats *ret) {
        *ret = (struct loop_stats){ .turns = loop->turn, .callbacks = loop->callbacks };
}

static const struct histogram no_durations; /* turns take no time here */

const struct histogram *loop_turns(_unused_ const struct loop *loop) {
        return &no_durations;
}

const struct histogram *loop_lags(_unused_ const struct loop *loop) {
        return &no_durations;
}

void loop_reset_stats(struct loop *loop) {
        loop->callbacks = 0;
}

struct event_base *loop_event_base(_unused_ struct loop *loop) {
        fail("the fake loop has no event_base");
}
