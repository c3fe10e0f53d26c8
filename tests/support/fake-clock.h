/* SPDX-License-Identifier: MIT */
#pragma once
/* fake-clock: base/clock.c for tests: time passes only when it is told to.
 *
 * The three clocks begin far apart, so that mixing them up shows: monotonic at 1,000 s, boot time at 5,000 s, and the
 * wall clock at 2026-03-01 12:00:00 UTC. They advance together. When a test links fake-loop.c as well, timers that come
 * due on the way are served, in the order of their instants, each with the clocks at its instant, those armed on the
 * way included; and deferred work is done turn by turn until none is left, before time passes and after each instant.
 */
#include "base/clock.h"

#define FAKE_CLOCK_MONOTONIC (1000 * USEC_PER_SEC)
#define FAKE_CLOCK_BOOTTIME  (5000 * USEC_PER_SEC)
#define FAKE_CLOCK_REALTIME  (UINT64_C(1772366400) * USEC_PER_SEC)

/* All clocks as at the start. Armed timers are not served. */
void fake_clock_reset(void);

/* Lets @usec pass on all clocks. */
void fake_clock_advance(usec_t usec);

/* Lets time pass until the monotonic clock shows @usec, which is not in the past. */
void fake_clock_advance_to(usec_t usec);

/* Sets one clock, forwards or backwards, as an operator does with the wall clock, and a machine that slept with boot
 * time. No timer is served by it until time passes or a turn is run; then whoever asked with loop_on_clock_set() is told
 * that the wall clock was set. */
void fake_clock_set(enum clock_id id, usec_t usec);

/* ---- between the fakes ---- */

/* Serves what is due now, and returns how long until the next timer (USEC_INFINITY: none). */
typedef usec_t (*fake_clock_serve_fn)(void *arg);

/* Whether the wall clock was set since this was asked last. */
bool fake_clock_was_set(void);

/* Makes advancing stop at timers; NULL: there are none. */
void fake_clock_set_serve(fake_clock_serve_fn fn, void *arg);
