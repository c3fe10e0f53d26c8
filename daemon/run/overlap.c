/* SPDX-License-Identifier: MIT */
/* overlap: slots of a task, first come first served. */
#include "run/overlap.h"

#include <assert.h>

void overlap_init(struct overlap *overlap, unsigned max) {
        *overlap = (struct overlap){ .max = max };
        list_init(&overlap->waiters);
}

static void serve(struct overlap *overlap) {
        while (overlap_is_free(overlap) && !list_empty(&overlap->waiters)) {
                struct overlap_slot *next = list_first_entry(&overlap->waiters, struct overlap_slot, link);

                list_remove(&next->link);
                next->held = true;
                overlap->held++;
                next->on_granted(next, next->arg);
        }
}

void overlap_set_max(struct overlap *overlap, unsigned max) {
        overlap->max = max;
        serve(overlap);
}

bool overlap_request(struct overlap *overlap, struct overlap_slot *slot, overlap_granted_fn on_granted, void *arg) {
        assert(!slot->overlap);

        *slot = (struct overlap_slot){ .overlap = overlap, .on_granted = on_granted, .arg = arg };
        list_init(&slot->link);
        if (list_empty(&overlap->waiters) && overlap_is_free(overlap)) {
                slot->held = true;
                overlap->held++;
                return true;
        }
        list_append(&overlap->waiters, &slot->link);
        return false;
}

void overlap_release(struct overlap_slot *slot) {
        struct overlap *overlap = slot->overlap;

        if (!overlap)
                return;
        slot->overlap = NULL;
        if (!slot->held) {
                list_remove(&slot->link);
                return;
        }
        slot->held = false;
        overlap->held--;
        serve(overlap);
}
