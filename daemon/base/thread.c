/* SPDX-License-Identifier: MIT */
/* thread: how threads are started, see thread.h. */
#include "base/thread.h"

#include <signal.h>
#include <stdio.h>

#define STACK_SIZE     ((size_t)1 << 20) /* only what is touched becomes memory */
#define NAME_MAX_BYTES 16

struct start {
        thread_fn fn;
        void *arg;
        char name[NAME_MAX_BYTES];
};

/* The name is given by the thread itself: for another one the kernel is asked through /proc. */
static void *trampoline(void *arg) {
        struct start start = *(struct start *)arg;

        free(arg);
        (void)pthread_setname_np(pthread_self(), start.name);
        return start.fn(start.arg);
}

static int create(pthread_attr_t *attr, struct start *start, pthread_t *ret) {
        sigset_t all, before;
        int r;

        r = pthread_attr_setstacksize(attr, STACK_SIZE);
        if (r != 0)
                return -r;

        /* The mask is inherited: setting it from inside would leave a moment in which a signal could arrive. */
        (void)sigfillset(&all);
        r = pthread_sigmask(SIG_SETMASK, &all, &before);
        if (r != 0)
                return -r;
        r = pthread_create(ret, attr, trampoline, start);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int thread_start(const char *name, thread_fn fn, void *arg, pthread_t *ret) {
        struct start *start;
        pthread_attr_t attr;
        int r;

        start = malloc(sizeof(*start));
        if (!start)
                return -ENOMEM;
        *start = (struct start){ .fn = fn, .arg = arg };
        (void)snprintf(start->name, sizeof(start->name), "%s", name);

        r = -pthread_attr_init(&attr);
        if (r == 0) {
                r = create(&attr, start, ret);
                (void)pthread_attr_destroy(&attr);
        }
        if (r < 0)
                free(start);
        return r;
}
