/* SPDX-License-Identifier: MIT */
#pragma once
/* event_ring: the latest events, by number, for clients that come late or were cut off.
 *
 * An event costs little until somebody wants it: only then it becomes JSON, once for all who do, and what that was made of is
 * let go. What is kept is bounded in number and in bytes; more of both is kept for those who are about to take it.
 */
#include "live/live.h"

/* Kept for whoever may come: a burst of a minute at 100 a second. Bytes are what was allocated for them, roughly. */
#define EVENT_RING_MAX   ((size_t)4096)
#define EVENT_RING_BYTES ((size_t)(1024 * 1024))
/* Kept for those who follow, and are behind. */
#define EVENT_RING_NEEDED_MAX   ((size_t)16384)
#define EVENT_RING_NEEDED_BYTES ((size_t)(8 * 1024 * 1024))

struct event_ring;

struct ring_event {
        enum event_id id;
        int level;        /* it is logged at, LOG_ERR … */
        const char *task; /* NULL: none */
        const char *run;
};

int event_ring_new(struct event_ring **ret); /* 0 or -ENOMEM */
struct event_ring *event_ring_free(struct event_ring *ring);

/* Keeps a copy of @event under the next number, the first of which is 1. Events from the number @needed on are still to be
 * taken by somebody; UINT64_MAX: none. Without memory it is lost, or those before it are. */
void event_ring_add(struct event_ring *ring, const struct event *event, uint64_t needed);

/* The numbers of the oldest that is kept, and of the next that will come. */
uint64_t event_ring_begin(const struct event_ring *ring);
uint64_t event_ring_end(const struct event_ring *ring);

/* begin ≤ @number < end. Until the next event is added. */
struct ring_event event_ring_at(const struct event_ring *ring, uint64_t number);

/* It as JSON, the type Event of io.tendd.Runner. NULL: out of memory. */
const char *event_ring_json(struct event_ring *ring, uint64_t number, size_t *ret_length);
