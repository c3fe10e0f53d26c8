/* SPDX-License-Identifier: MIT */
#pragma once
/* dumpable: the flag of our memory that lets the kernel dump it, and its user trace us.
 *
 * The kernel clears it for the whole process whenever a thread, or a child that shares our memory, takes another user.
 * We restore it, but not before the last of them is through: from setuid to exec such a child may be traced by its user,
 * who would read and write our memory, and only the cleared flag keeps him from that.
 */
#include "base/macros.h"

#include <pthread.h>

struct dumpable {
        pthread_mutex_t lock;
        unsigned n_changing;
        bool wanted; /* as it was at the start */
};

/* On the main thread, before any other changes its user. */
void dumpable_init(struct dumpable *dumpable);
void dumpable_done(struct dumpable *dumpable);

/* Around what may take another user. Thread-safe. */
void dumpable_begin(struct dumpable *dumpable);
void dumpable_end(struct dumpable *dumpable);
