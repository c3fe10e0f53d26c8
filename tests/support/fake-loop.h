/* SPDX-License-Identifier: MIT */
#pragma once
/* fake-loop: the loop for tests of pure code: timers and deferred work under the fake clock, deterministic.
 *
 * It replaces all of loop.c, loop_timer.c and loop_io.c, and needs fake-clock.c: name $(fake_loop_sources) in the
 * test's SOURCES. Turns have the order of the real ones: deferred work, then timers; what is deferred in a turn, or
 * armed in it for an instant that has passed, waits for the next one. Timers that are due at the same time fire in the
 * order in which they were armed, the monotonic clock's first. Descriptors and signals are accepted and do nothing
 * until a test says that they are ready. One loop at a time.
 *
 * A test lets time pass with fake_clock_advance(), or drives single turns with fake_loop_turn().
 */
#include "loop/loop.h"
#include "support/fake-clock.h"

/* Runs one turn. Returns how many callbacks were called. */
unsigned fake_loop_turn(void);

/* Runs turns until nothing is left to do at the present instant: no deferred work, no timer due. Returns the number of
 * turns. Aborts after FAKE_LOOP_LIVELOCK turns: something keeps asking for one more. */
#define FAKE_LOOP_LIVELOCK 100000
unsigned fake_loop_settle(void);

/* How long until the earliest timer of any clock: 0 when one is due, USEC_INFINITY when none is armed. */
usec_t fake_loop_next_timer(void);

/* Whether neither a timer is armed nor work deferred: nothing will ever happen by itself. */
bool fake_loop_idle(void);

/* What there is now. Timers initialised and never done, and watches and signals never freed, are leaks. */
unsigned fake_loop_armed_timers(void);
unsigned fake_loop_pending_work(void);
unsigned fake_loop_timers(void);
unsigned fake_loop_watches(void);

/* Calls the watch of @fd with those of @events that it asks for. Returns whether there was one that does. */
bool fake_loop_ready(int fd, unsigned events);

/* Delivers @signo to whom it may concern. Returns whether there was anyone. */
bool fake_loop_signal(int signo);

/* The code of loop_exit(), or -1 when it was not called. */
int fake_loop_exit_code(void);
