/* SPDX-License-Identifier: MIT */
#pragma once
/* thread: how every thread of the daemon but the first one is started.
 *
 * All signals are blocked in it, so that they are handled on the loop; its stack is small, and enough for the resolver
 * and its modules.
 */
#include "base/macros.h"

#include <pthread.h>

typedef void *(*thread_fn)(void *arg);

/* Starts a joinable thread that shows as @name (cut at 15 bytes) in ps and top. Returns 0, -EAGAIN (no more threads may
 * be had), -ENOMEM. */
int thread_start(const char *name, thread_fn fn, void *arg, pthread_t *ret);
