/* SPDX-License-Identifier: MIT */
#pragma once
/* clock: the one place where clocks are read. Unit tests link tests/support/fake-clock.c instead. */
#include "base/macros.h"

/* Time in microseconds: an instant of the clock that the context names, or a span. */
typedef uint64_t usec_t;

#define USEC_PER_MSEC   ((usec_t)1000)
#define USEC_PER_SEC    ((usec_t)1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR   (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY    (24 * USEC_PER_HOUR)

/* 2026-01-01: a wall clock that shows less was never set, as on machines that have none of their own. It is so until the
 * time is had from the network. */
#define CLOCK_EPOCH_USEC (UINT64_C(1767225600) * USEC_PER_SEC)

/* No bound, or never. Larger than any instant. */
#define USEC_INFINITY UINT64_MAX

enum clock_id {
        CLOCK_ID_MONOTONIC, /* bounds of runs: stands still while the machine sleeps */
        CLOCK_ID_BOOTTIME,  /* `every`: sleep counts */
        CLOCK_ID_REALTIME,  /* calendars and what people read: may be set */
        _CLOCK_ID_MAX,
};

/* The present instant of @id. Cannot fail. Thread-safe. */
usec_t clock_now(enum clock_id id);

/* Sum that stays USEC_INFINITY instead of wrapping. */
static inline usec_t usec_add(usec_t a, usec_t b) {
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/* Difference that stops at zero; infinity less anything stays infinity. */
static inline usec_t usec_sub(usec_t a, usec_t b) {
        if (a == USEC_INFINITY)
                return a;
        return a > b ? a - b : 0;
}
