/* SPDX-License-Identifier: MIT */
#pragma once
/* overlap: how many runs of one task may be at work at once. A slot is held by a whole run, waits and retries included,
 * and by the remnants it leaves. */
#include "base/list.h"

/* Embedded in what stands for a task; zeroed by overlap_init(). */
struct overlap {
        unsigned max; /* 1, or N with `allow:N` */
        unsigned held;
        struct list waiters;
};

struct overlap_slot;
/* The slot is held now. Called from inside overlap_release(): the callee only notes it down. */
typedef void (*overlap_granted_fn)(struct overlap_slot *slot, void *arg);

struct overlap_slot {
        struct list link;
        struct overlap *overlap; /* NULL: neither waits nor holds */
        bool held;
        overlap_granted_fn on_granted;
        void *arg;
};

void overlap_init(struct overlap *overlap, unsigned max);
/* Changes it. Slots that are held stay so; those that wait get what is more. */
void overlap_set_max(struct overlap *overlap, unsigned max);

/* True when the slot is held at once; else it waits, first come first served, until on_granted. */
bool overlap_request(struct overlap *overlap, struct overlap_slot *slot, overlap_granted_fn on_granted, void *arg);

/* Gives back a slot or a place in the queue. Harmless on a zeroed one. */
void overlap_release(struct overlap_slot *slot);

static inline bool overlap_is_free(const struct overlap *overlap) {
        return overlap->held < overlap->max;
}
