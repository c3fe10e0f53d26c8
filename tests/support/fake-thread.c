/* SPDX-License-Identifier: MIT */
/* fake-thread: base/thread.c for tests, see fake-thread.h. */
#include "support/fake-thread.h"

#include <limits.h>
#include <stdatomic.h>

static unsigned allowed = UINT_MAX;
static atomic_uint alive;

struct start {
        thread_fn fn;
        void *arg;
};

static void *trampoline(void *arg) {
        struct start start = *(struct start *)arg;
        void *result;

        free(arg);
        result = start.fn(start.arg);
        atomic_fetch_sub(&alive, 1);
        return result;
}

int thread_start(_unused_ const char *name, thread_fn fn, void *arg, pthread_t *ret) {
        struct start *start;
        int r;

        if (allowed == 0)
                return -EAGAIN;
        if (allowed != UINT_MAX)
                allowed--;
        start = malloc(sizeof(*start));
        if (!start)
                return -ENOMEM;
        *start = (struct start){ .fn = fn, .arg = arg };
        atomic_fetch_add(&alive, 1);
        r = -pthread_create(ret, NULL, trampoline, start);
        if (r < 0) {
                atomic_fetch_sub(&alive, 1);
                free(start);
        }
        return r;
}

void fake_thread_allow(unsigned n) {
        allowed = n;
}

unsigned fake_thread_alive(void) {
        return atomic_load(&alive);
}
