/* SPDX-License-Identifier: MIT */
#pragma once
/* pool_private: the core of a pool, which its threads share with the loop: one mutex, the queue, and the list of finished
 * jobs. It is counted, because a thread stuck in a job may outlive the pool.
 */
#include "base/thread.h"
#include "loop/pool.h"

#include <stdatomic.h>

struct pool_job {
        struct list link; /* queue, done, gathered or ready */
        struct pool *pool;
        const struct pool_job_ops *ops;
        void *arg;
        _Atomic(enum pool_job_state) state; /* changed under the mutex */
        bool abandoned;                     /* under the mutex while a thread is at it */
};

struct pool_core {
        pthread_mutex_t mutex;
        pthread_cond_t cond;
        unsigned refs; /* the pool, and each thread */
        unsigned threads;
        int fd;
        bool closing;
        char name[48];

        struct list queue;
        struct list done;
        struct list workers;
        atomic_uint n_queued; /* changed under the mutex */
        unsigned n_alive, n_starting, n_idle, n_waking, n_busy, n_stuck;
};

/* A core without threads, and one reference to it. Returns 0, -ENOMEM, -errno of eventfd(2). */
int pool_core_new(const char *name, unsigned threads, struct pool_core **ret);

/* Gives the reference up, and all jobs that no thread is at. Lets go of the threads at work, and collects the others. */
void pool_core_close(struct pool_core *core, struct list *jobs);

/* Starts one more thread. Returns 0, -ENOMEM, -EAGAIN. */
int pool_core_add_thread(struct pool_core *core);

/* With the mutex held: whether one more thread should be woken, because there is work for it. The caller does so after
 * releasing the mutex, on which the woken one would only wait. */
bool pool_core_claim_wake(struct pool_core *core);
