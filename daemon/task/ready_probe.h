/* SPDX-License-Identifier: MIT */
#pragma once
/* ready_probe: whether an address takes connections, tried once, on a thread of a pool: names and paths may hang. */
#include "loop/pool.h"

struct ready_probe;

/* @why it could not be, in words; NULL: it was connected, and closed again. The probe is gone when it returns. In a later
 * turn than the start. */
typedef void (*ready_probe_fn)(const char *why, void *arg);

/* Connects to @address ("host:port", "[IPv6]:port" or "unix:/path", copied), within a second an address of the name.
 * Returns 0, -EINVAL, -ENOMEM, or what pool_submit() says. */
int ready_probe_start(struct pool *pool, const char *address, ready_probe_fn fn, void *arg, struct ready_probe **ret);

/* Calls nothing any more. NULL is fine, and always returned. */
struct ready_probe *ready_probe_cancel(struct ready_probe *probe);
