/* SPDX-License-Identifier: MIT */
/* dumpable: the flag is restored when nobody is changing users, see dumpable.h. */
#include "loop/dumpable.h"

#include <sys/prctl.h>

void dumpable_init(struct dumpable *dumpable) {
        (void)pthread_mutex_init(&dumpable->lock, NULL);
        dumpable->n_changing = 0;
        dumpable->wanted = prctl(PR_GET_DUMPABLE) == 1;
}

void dumpable_done(struct dumpable *dumpable) {
        (void)pthread_mutex_destroy(&dumpable->lock);
}

void dumpable_begin(struct dumpable *dumpable) {
        (void)pthread_mutex_lock(&dumpable->lock);
        dumpable->n_changing++;
        (void)pthread_mutex_unlock(&dumpable->lock);
}

/* Under the lock, so that nobody begins between the look and the call. */
void dumpable_end(struct dumpable *dumpable) {
        (void)pthread_mutex_lock(&dumpable->lock);
        if (--dumpable->n_changing == 0 && dumpable->wanted)
                (void)prctl(PR_SET_DUMPABLE, 1L);
        (void)pthread_mutex_unlock(&dumpable->lock);
}
