/* SPDX-License-Identifier: MIT */
/* pool: threads for work that blocks, see pool.h.
 *
 * This is what runs on the loop; the threads are in pool_worker.c. Completions are taken over all at once, and delivered
 * as the turn has time for them.
 *
 * Jobs submitted from a completion are gathered and put on the queue together, which saves the mutex when completions
 * make new jobs. Job structures are recycled on the loop thread, which alone allocates and frees them.
 */
#include "loop/pool_private.h"

#include <assert.h>

#define THREADS_MAX 1024
#define GATHER_MAX  32   /* jobs that wait for the end of the completion that submits them */
#define CACHE_MAX   1024 /* job structures kept for later */
#define RETRY_USEC  USEC_PER_SEC

struct pool {
        struct loop *loop;
        struct pool_core *core;
        struct loop_io *io;
        struct loop_work work;   /* delivers what needs no thread, and what was too much for one go */
        struct loop_timer retry; /* thread creation that failed while jobs wait */
        struct list ready;       /* to be delivered; the loop's own */
        struct list gathered;    /* submitted from completions */
        struct list cache;
        unsigned n_gathered, n_cached;
        unsigned delivering; /* depth */
        unsigned spare, queue_max;
        bool has_thread;
        bool degraded;            /* as was told last */
        pool_health_fn on_health; /* NULL: nobody is told */
        void *arg;
        uint64_t completed, abandoned, refused;
};

/* ---- threads ---- */

/* With the mutex held: threads that may serve, of which those at an abandoned job are none. */
static unsigned serving_max(const struct pool *pool) {
        const struct pool_core *core = pool->core;

        return core->n_stuck <= pool->spare ? core->threads
                                            : core->threads - MIN(core->threads, core->n_stuck - pool->spare);
}

/* With the mutex held. */
static bool wants_thread(const struct pool *pool) {
        const struct pool_core *core = pool->core;

        return core->n_queued > core->n_idle + core->n_starting && core->n_alive - core->n_stuck < serving_max(pool);
}

/* As many threads as the queue has use for. When one cannot be had, the jobs wait for those there are, and it is tried
 * again. */
static void provide_threads(struct pool *pool) {
        struct pool_core *core = pool->core;
        bool wants;

        do {
                if (pool_core_add_thread(pool->core) < 0) {
                        loop_timer_set(&pool->retry, clock_now(CLOCK_ID_MONOTONIC) + RETRY_USEC);
                        return;
                }
                (void)pthread_mutex_lock(&core->mutex);
                wants = wants_thread(pool);
                (void)pthread_mutex_unlock(&core->mutex);
        } while (wants);
}

/* Puts what was gathered on the queue. */
static void flush(struct pool *pool) {
        struct pool_core *core = pool->core;
        bool wants, wake;

        (void)pthread_mutex_lock(&core->mutex);
        list_splice(&core->queue, &pool->gathered);
        atomic_fetch_add_explicit(&core->n_queued, pool->n_gathered, memory_order_relaxed);
        wake = pool_core_claim_wake(core);
        wants = wants_thread(pool);
        (void)pthread_mutex_unlock(&core->mutex);
        pool->n_gathered = 0;
        if (wake)
                (void)pthread_cond_signal(&core->cond);
        if (wants)
                provide_threads(pool);
}

static void on_retry(_unused_ struct loop_timer *timer, void *arg) {
        flush(arg);
}

/* ---- jobs ---- */

static struct pool_job *job_new(struct pool *pool) {
        struct pool_job *job = list_first_entry(&pool->cache, struct pool_job, link);

        if (!job)
                return malloc(sizeof(*job));
        list_remove(&job->link);
        pool->n_cached--;
        return job;
}

static void job_release(struct pool *pool, struct pool_job *job) {
        if (pool->n_cached == CACHE_MAX) {
                free(job);
                return;
        }
        list_prepend(&pool->cache, &job->link);
        pool->n_cached++;
}

static bool has_room(struct pool *pool) {
        struct pool_core *core = pool->core;
        bool room;

        if (atomic_load_explicit(&core->n_queued, memory_order_relaxed) + pool->n_gathered < pool->queue_max)
                return true;

        /* Jobs that a thread is about to take are on the queue, but do not wait. */
        (void)pthread_mutex_lock(&core->mutex);
        room = core->n_queued + pool->n_gathered + core->n_busy < pool->queue_max + serving_max(pool);
        (void)pthread_mutex_unlock(&core->mutex);
        return room;
}

int pool_submit(struct pool *pool, const struct pool_job_ops *ops, void *arg, struct pool_job **ret) {
        struct pool_job *job;
        int r;

        if (!ops->tidies && !has_room(pool)) {
                pool->refused++;
                return -ENOBUFS;
        }
        if (!pool->has_thread) {
                r = pool_core_add_thread(pool->core);
                if (r < 0)
                        return r;
                pool->has_thread = true; /* the last one never ends */
        }
        job = job_new(pool);
        if (!job)
                return -ENOMEM;
        job->pool = pool;
        job->ops = ops;
        job->arg = arg;
        job->abandoned = false;
        atomic_init(&job->state, POOL_JOB_QUEUED);

        list_init(&job->link);
        list_append(&pool->gathered, &job->link);
        if (++pool->n_gathered == GATHER_MAX || pool->delivering == 0)
                flush(pool);
        if (ret)
                *ret = job;
        return 0;
}

static void note_health(struct pool *pool) {
        struct pool_core *core = pool->core;
        bool degraded;

        (void)pthread_mutex_lock(&core->mutex);
        degraded = core->n_stuck > pool->spare;
        (void)pthread_mutex_unlock(&core->mutex);
        if (degraded == pool->degraded)
                return;
        pool->degraded = degraded;
        if (pool->on_health)
                pool->on_health(pool, degraded, pool->arg);
}

void pool_set_health(struct pool *pool, pool_health_fn fn, void *arg) {
        pool->on_health = fn;
        pool->arg = arg;
}

bool pool_abandon(struct pool_job *job) {
        struct pool *pool = job->pool;
        struct pool_core *core = pool->core;
        enum pool_job_state state;
        bool wants;

        flush(pool);
        (void)pthread_mutex_lock(&core->mutex);
        state = atomic_load_explicit(&job->state, memory_order_relaxed);
        if (!job->abandoned && state == POOL_JOB_RUNNING) {
                core->n_busy--;
                core->n_stuck++;
        }
        if (state == POOL_JOB_QUEUED && !job->abandoned) {
                list_remove(&job->link);
                atomic_fetch_sub_explicit(&core->n_queued, 1, memory_order_relaxed);
                list_append(&pool->ready, &job->link);
        }
        pool->abandoned += !job->abandoned;
        job->abandoned = true;
        wants = wants_thread(pool);
        (void)pthread_mutex_unlock(&core->mutex);

        if (state == POOL_JOB_QUEUED)
                loop_work_schedule(&pool->work);
        if (wants)
                provide_threads(pool);
        if (state == POOL_JOB_RUNNING)
                note_health(pool);
        return state == POOL_JOB_RUNNING;
}

enum pool_job_state pool_job_state(const struct pool_job *job) {
        return atomic_load_explicit(&job->state, memory_order_relaxed);
}

static void job_deliver(struct pool *pool, struct pool_job *job) {
        list_remove(&job->link);
        if (job->abandoned) {
                job->ops->returned(job->arg);
        } else {
                pool->completed++;
                job->ops->done(job->arg);
        }
        job_release(pool, job);
}

/* Within loop_enter(): delivers what is there, or with @share what the turn has time for. */
static void deliver(struct pool *pool, bool share) {
        struct pool_core *core = pool->core;
        struct pool_job *job;

        (void)pthread_mutex_lock(&core->mutex);
        list_splice(&pool->ready, &core->done);
        (void)pthread_mutex_unlock(&core->mutex);

        pool->delivering++;
        while ((job = list_first_entry(&pool->ready, struct pool_job, link))) {
                loop_switch(pool->loop, job->ops->name);
                if (share && loop_share_used(pool->loop))
                        break;
                job_deliver(pool, job);
        }
        pool->delivering--;

        if (pool->degraded) /* one of those that hung may have come back */
                note_health(pool);
        if (pool->n_gathered > 0)
                flush(pool);
        if (!list_empty(&pool->ready))
                loop_work_schedule(&pool->work);
}

static void on_event(_unused_ struct loop_io *io, int fd, _unused_ unsigned events, void *arg) {
        uint64_t count;

        (void)!read(fd, &count, sizeof(count)); /* before the list is taken: a later job tells again */
        deliver(arg, true);
}

static void on_work(_unused_ struct loop_work *work, void *arg) {
        deliver(arg, true);
}

void pool_poll(struct pool *pool) {
        loop_enter(pool->loop, "pool-poll");
        deliver(pool, false);
        loop_leave(pool->loop);
}

/* ---- the pool ---- */

static bool are_valid(unsigned threads, unsigned spare, unsigned queue_max) {
        return threads >= 1 && threads <= THREADS_MAX && spare <= THREADS_MAX && queue_max >= 1;
}

int pool_new(struct loop *loop, const char *name, unsigned threads, unsigned spare, unsigned queue_max,
             struct pool **ret) {
        _cleanup_(pool_freep) struct pool *pool = NULL;
        int r;

        if (!are_valid(threads, spare, queue_max))
                return -EINVAL;

        pool = calloc(1, sizeof(*pool));
        if (!pool)
                return -ENOMEM;
        pool->loop = loop;
        pool->spare = spare;
        pool->queue_max = queue_max;
        list_init(&pool->ready);
        list_init(&pool->gathered);
        list_init(&pool->cache);
        loop_work_init(&pool->work, loop, "pool", on_work, pool);

        r = loop_timer_init(&pool->retry, loop, CLOCK_ID_MONOTONIC, "pool-retry", on_retry, pool);
        if (r < 0)
                return r;
        r = pool_core_new(name, threads, &pool->core);
        if (r < 0)
                return r;
        r = loop_io_new(loop, pool->core->fd, LOOP_READ, LOOP_PRIORITY_NORMAL, "pool", on_event, pool, &pool->io);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(pool);
        return 0;
}

int pool_configure(struct pool *pool, unsigned threads, unsigned spare, unsigned queue_max) {
        struct pool_core *core = pool->core;
        bool wants;

        if (!are_valid(threads, spare, queue_max))
                return -EINVAL;
        pool->spare = spare;
        pool->queue_max = queue_max;
        (void)pthread_mutex_lock(&core->mutex);
        core->threads = threads;
        wants = wants_thread(pool);
        (void)pthread_cond_broadcast(&core->cond); /* some that are idle may be too many */
        (void)pthread_mutex_unlock(&core->mutex);
        if (wants)
                provide_threads(pool);
        note_health(pool);
        return 0;
}

static void free_all(struct list *jobs) {
        struct pool_job *job, *tmp;

        list_for_each_entry_safe(job, tmp, jobs, link)
                free(job);
}

struct pool *pool_free(struct pool *pool) {
        struct pool_job *job;

        if (!pool)
                return NULL;
        assert(pool->delivering == 0);

        pool->io = loop_io_free(pool->io);
        loop_work_cancel(&pool->work);
        loop_timer_done(&pool->retry);
        if (pool->core)
                pool_core_close(pool->core, &pool->ready);
        list_for_each_entry(job, &pool->ready, link)
                job->ops->returned(job->arg);
        free_all(&pool->ready);
        free_all(&pool->cache);
        free(pool);
        return NULL;
}

const char *pool_name(const struct pool *pool) {
        return pool->core->name;
}

void pool_get_stats(const struct pool *pool, struct pool_stats *ret) {
        struct pool_core *core = pool->core;

        (void)pthread_mutex_lock(&core->mutex);
        *ret = (struct pool_stats){
                .threads = core->threads,
                .spare = pool->spare,
                .busy = core->n_busy,
                .stuck = core->n_stuck,
                .queued = core->n_queued + pool->n_gathered,
                .queue_max = pool->queue_max,
                .degraded = core->n_stuck > pool->spare,
                .completed = pool->completed,
                .abandoned = pool->abandoned,
                .refused = pool->refused,
        };
        (void)pthread_mutex_unlock(&core->mutex);
}
