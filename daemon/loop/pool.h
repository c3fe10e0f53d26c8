/* SPDX-License-Identifier: MIT */
#pragma once
/* pool: threads for work that blocks.
 *
 * A job is run by one of `threads` threads and completes on the loop. A job can be abandoned, never killed: its
 * completion is then not delivered, a spare thread replaces the stuck one up to a bound, and the owner is told when the
 * thread came back. With all spares used the pool is degraded: jobs wait, bounded, and the loop never does.
 * All functions are called on the loop thread.
 */
#include "loop/loop.h"

struct pool;
struct pool_job;

enum pool_job_state {
        POOL_JOB_QUEUED,
        POOL_JOB_RUNNING,  /* a thread works on it */
        POOL_JOB_FINISHED, /* the thread is done with it; the completion is on its way to the loop */
};

struct pool_job_ops {
        const char *name;            /* a literal, for the loop's dispatcher */
        void (*work)(void *arg);     /* on a thread; touches nothing but what @arg owns */
        void (*done)(void *arg);     /* on the loop, in a later turn; the job is freed after it */
        void (*returned)(void *arg); /* on the loop, instead of done, when the job had been abandoned: frees @arg */
        void (*left)(
                void *arg); /* on the thread, instead of both, when the pool was freed meanwhile: frees @arg. NULL: it
                                  * is left to the end of the process */
        bool tidies; /* clears away what a job before it has made, of which there are not many: never refused because
                      * the queue is full */
};

struct pool_stats {
        unsigned threads; /* wanted at work */
        unsigned spare;   /* bound on replacements */
        unsigned busy;    /* threads at a job that somebody waits for */
        unsigned stuck;   /* threads at an abandoned job */
        unsigned queued;
        unsigned queue_max;
        bool degraded; /* stuck > spare: fewer than `threads` serve */
        uint64_t completed;
        uint64_t abandoned;
        uint64_t refused; /* queue full */
};

/* A pool named @name of @threads (1 … 1024), which are created when first needed. Returns 0, -EINVAL, -ENOMEM,
 * -errno of eventfd(2). */
int pool_new(struct loop *loop, const char *name, unsigned threads, unsigned spare, unsigned queue_max,
             struct pool **ret);

/* Changes the numbers, within the same ranges. What is queued stays, also beyond @queue_max; threads that are too many end,
 * when idle at once, else after their job. Returns 0 or -EINVAL. */
int pool_configure(struct pool *pool, unsigned threads, unsigned spare, unsigned queue_max);

/* Gives up what is queued (its `returned` is called at once), waits for nothing: threads that are stuck leave the
 * process with it. Threads that are idle are joined. Always returns NULL. */
struct pool *pool_free(struct pool *pool);
DEFINE_CLEANUP(struct pool, pool_free)

/* Called on the loop's thread when @pool has become degraded, or has recovered; it must not free it. */
typedef void (*pool_health_fn)(struct pool *pool, bool degraded, void *arg);
void pool_set_health(struct pool *pool, pool_health_fn fn, void *arg);

/* Queues a job. @ret, which may be NULL, is valid until done or returned was called. Returns 0, -ENOBUFS (the queue is
 * full), -ENOMEM, or -errno when not even one thread could be created. */
int pool_submit(struct pool *pool, const struct pool_job_ops *ops, void *arg, struct pool_job **ret);

/* Stops waiting for @job. When it was still queued it is dropped, `returned` is called in a later turn, and false is
 * returned; true when a thread is at it, which is from now on counted as stuck. */
bool pool_abandon(struct pool_job *job);

/* Thread-safe snapshot of where @job is. */
enum pool_job_state pool_job_state(const struct pool_job *job);

/* Delivers the completions that are there already, without waiting for the loop to come round. */
void pool_poll(struct pool *pool);

const char *pool_name(const struct pool *pool);
void pool_get_stats(const struct pool *pool, struct pool_stats *ret);
