/* SPDX-License-Identifier: MIT */
/* fake-clock: base/clock.c for tests, see fake-clock.h. */
#include "support/fake-clock.h"

#include <stdio.h>

#define START                                                                                                          \
        { FAKE_CLOCK_MONOTONIC, FAKE_CLOCK_BOOTTIME, FAKE_CLOCK_REALTIME }

/* The one fake of a test program, as the clocks are of the machine. Threads of the daemon may look at it at any time. */
static struct {
        _Atomic usec_t now_usec[_CLOCK_ID_MAX];
        fake_clock_serve_fn serve;
        void *arg;
        bool was_set;
} fake = { .now_usec = START };

usec_t clock_now(enum clock_id id) {
        return fake.now_usec[id];
}

void fake_clock_reset(void) {
        static const usec_t start[_CLOCK_ID_MAX] = START;

        for (enum clock_id id = 0; id < _CLOCK_ID_MAX; id++)
                fake.now_usec[id] = start[id];
        fake.was_set = false;
}

void fake_clock_set(enum clock_id id, usec_t usec) {
        fake.now_usec[id] = usec;
        fake.was_set |= id == CLOCK_ID_REALTIME;
}

bool fake_clock_was_set(void) {
        bool was_set = fake.was_set;

        fake.was_set = false;
        return was_set;
}

void fake_clock_set_serve(fake_clock_serve_fn fn, void *arg) {
        fake.serve = fn;
        fake.arg = arg;
}

void fake_clock_advance(usec_t usec) {
        for (;;) {
                usec_t step = fake.serve ? MIN(usec, fake.serve(fake.arg)) : usec;

                if (usec == 0)
                        return;
                for (enum clock_id id = 0; id < _CLOCK_ID_MAX; id++)
                        fake.now_usec[id] += step;
                usec -= step;
        }
}

void fake_clock_advance_to(usec_t usec) {
        if (usec < fake.now_usec[CLOCK_ID_MONOTONIC]) {
                fprintf(stderr, "fake_clock_advance_to: %llu is before %llu\n", (unsigned long long)usec,
                        (unsigned long long)clock_now(CLOCK_ID_MONOTONIC));
                abort();
        }
        fake_clock_advance(usec - fake.now_usec[CLOCK_ID_MONOTONIC]);
}
