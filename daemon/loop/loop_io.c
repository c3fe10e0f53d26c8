/* SPDX-License-Identifier: MIT */
/* loop_io: the descriptors and signals that a loop watches, each a libevent event.
 *
 * No event is touched after its callback, which may have freed it.
 */
#include "loop/loop_private.h"

struct loop_io {
        struct loop *loop;
        struct event events[2]; /* the current one, and room for its successor */
        unsigned current;
        unsigned watched;
        enum loop_priority priority;
        int fd;
        const char *name;
        loop_io_fn fn;
        void *arg;
};

struct loop_signal {
        struct loop *loop;
        struct event event;
        const char *name;
        loop_signal_fn fn;
        void *arg;
};

static void on_io(int fd, short what, void *arg) {
        struct loop_io *io = arg;
        struct loop *loop = io->loop; /* the callback may free io */
        unsigned events = 0;

        if (what & EV_READ)
                events |= LOOP_READ;
        if (what & EV_WRITE)
                events |= LOOP_WRITE;
        loop_enter(loop, io->name);
        io->fn(io, fd, events, io->arg);
        loop_leave(loop);
}

static int io_add(struct loop_io *io, struct event *event, unsigned events) {
        int what = EV_PERSIST;

        if (events & LOOP_READ)
                what |= EV_READ;
        if (events & LOOP_WRITE)
                what |= EV_WRITE;
        errno = 0;
        if (event_assign(event, io->loop->base, io->fd, (short)what, on_io, io) < 0 ||
            event_priority_set(event, (int)io->priority) < 0 || event_add(event, NULL) < 0)
                return loop_errno(-ENOMEM);
        return 0;
}

int loop_io_new(struct loop *loop, int fd, unsigned events, enum loop_priority priority, const char *name,
                loop_io_fn fn, void *arg, struct loop_io **ret) {
        _cleanup_(freep) struct loop_io *io = NULL;
        int r;

        io = calloc(1, sizeof(*io));
        if (!io)
                return -ENOMEM;
        *io = (struct loop_io){
                .loop = loop,
                .fd = fd,
                .priority = priority,
                .name = name,
                .fn = fn,
                .arg = arg,
        };
        r = loop_io_set(io, events);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(io);
        return 0;
}

struct loop_io *loop_io_free(struct loop_io *io) {
        if (!io)
                return NULL;
        if (io->watched != 0)
                (void)event_del(&io->events[io->current]);
        free(io);
        return NULL;
}

int loop_io_set(struct loop_io *io, unsigned events) {
        int r;

        if (events == io->watched)
                return 0;

        /* The new event is added before the old one goes: what both watch needs no call to the kernel. */
        if (events != 0) {
                r = io_add(io, &io->events[!io->current], events);
                if (r < 0)
                        return r;
        }
        if (io->watched != 0)
                (void)event_del(&io->events[io->current]);
        io->current = !io->current;
        io->watched = events;
        return 0;
}

static void on_signal(int signo, _unused_ short what, void *arg) {
        struct loop_signal *sig = arg;
        struct loop *loop = sig->loop;

        loop_enter(loop, sig->name);
        sig->fn(signo, sig->arg);
        loop_leave(loop);
}

int loop_signal_new(struct loop *loop, int signo, const char *name, loop_signal_fn fn, void *arg,
                    struct loop_signal **ret) {
        _cleanup_(freep) struct loop_signal *sig = NULL;

        sig = calloc(1, sizeof(*sig));
        if (!sig)
                return -ENOMEM;
        *sig = (struct loop_signal){ .loop = loop, .name = name, .fn = fn, .arg = arg };
        errno = 0;
        if (event_assign(&sig->event, loop->base, signo, EV_SIGNAL | EV_PERSIST, on_signal, sig) < 0 ||
            event_priority_set(&sig->event, LOOP_PRIORITY_CONTROL) < 0 || event_add(&sig->event, NULL) < 0)
                return loop_errno(-EINVAL);
        *ret = TAKE_PTR(sig);
        return 0;
}

struct loop_signal *loop_signal_free(struct loop_signal *sig) {
        if (!sig)
                return NULL;
        (void)event_del(&sig->event);
        free(sig);
        return NULL;
}
