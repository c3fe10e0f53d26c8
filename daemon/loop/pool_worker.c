/* SPDX-License-Identifier: MIT */
/* pool_worker: the threads of a pool.
 *
 * A thread takes the mutex once a job, to hand in the finished one and take the next. The loop is told through an
 * eventfd, written only when the first job is put on the empty list of finished ones; it takes the whole list at once.
 *
 * Waking: at most one thread is being woken at any time, and it wakes the next one when it finds more work than it
 * takes. Blocking jobs thus get all threads within a few microseconds, and a flood of tiny ones costs few wake-ups.
 *
 * A job that is abandoned while a thread is at it makes that thread count as stuck, until it comes back. Then, when a
 * spare one has taken its place, it ends.
 */
#include "loop/pool_private.h"

#include <stdio.h>
#include <sys/eventfd.h>

struct worker {
        struct list link;
        struct pool_core *core;
        pthread_t thread;
        bool at_job;
        bool detached; /* frees itself; else pool_free() joins and frees it */
};

/* Takes the mutex and releases it for good. */
static void core_unref(struct pool_core *core) {
        unsigned refs;

        (void)pthread_mutex_lock(&core->mutex);
        refs = --core->refs;
        (void)pthread_mutex_unlock(&core->mutex);
        if (refs > 0)
                return;
        (void)close(core->fd);
        (void)pthread_cond_destroy(&core->cond);
        (void)pthread_mutex_destroy(&core->mutex);
        free(core);
}

bool pool_core_claim_wake(struct pool_core *core) {
        if (core->n_waking > 0 || core->n_idle == 0 || list_empty(&core->queue))
                return false;
        core->n_waking++;
        return true;
}

/* With the mutex held: whether one thread more serves than are wanted. */
static bool is_one_too_many(const struct pool_core *core) {
        return core->n_alive - core->n_stuck > core->threads;
}

/* Returns with the mutex released and a job, or with the mutex held and NULL when the pool closes or the thread is not wanted
 * any more. */
static struct pool_job *take(struct worker *worker) {
        struct pool_core *core = worker->core;
        struct pool_job *job;
        bool wake;

        while (list_empty(&core->queue) && !core->closing && !is_one_too_many(core)) {
                core->n_idle++;
                (void)pthread_cond_wait(&core->cond, &core->mutex);
                core->n_idle--;
                if (core->n_waking > 0)
                        core->n_waking--;
        }
        job = list_first_entry(&core->queue, struct pool_job, link);
        if (!job)
                return NULL;
        list_remove(&job->link);
        atomic_store_explicit(&job->state, POOL_JOB_RUNNING, memory_order_relaxed);
        atomic_fetch_sub_explicit(&core->n_queued, 1, memory_order_relaxed);
        core->n_busy++;
        worker->at_job = true;
        wake = pool_core_claim_wake(core);
        (void)pthread_mutex_unlock(&core->mutex);
        if (wake)
                (void)pthread_cond_signal(&core->cond);
        return job;
}

/* With the mutex held. Returns whether the loop must be told. */
static bool hand_in(struct pool_core *core, struct pool_job *job) {
        bool first = list_empty(&core->done);

        if (job->abandoned)
                core->n_stuck--;
        else
                core->n_busy--;
        if (core->closing) { /* nobody is left to tell */
                if (job->ops->left)
                        job->ops->left(job->arg);
                free(job);
                return false;
        }
        atomic_store_explicit(&job->state, POOL_JOB_FINISHED, memory_order_relaxed);
        list_append(&core->done, &job->link);
        return first;
}

static void tell_loop(struct pool_core *core) {
        static const uint64_t one = 1;

        (void)!write(core->fd, &one, sizeof(one)); /* cannot overflow: once a drain */
}

/* Works until the pool closes, it is one thread too many, or a spare has taken its place. The mutex is held before and after. */
static void serve(struct worker *worker) {
        struct pool_core *core = worker->core;
        bool tell = false;

        while (!is_one_too_many(core)) {
                struct pool_job *job;

                if (tell && list_empty(&core->queue)) {
                        core->n_starting++; /* comes back for what is queued meanwhile */
                        (void)pthread_mutex_unlock(&core->mutex);
                        tell_loop(core);
                        tell = false;
                        (void)pthread_mutex_lock(&core->mutex);
                        core->n_starting--;
                }
                job = take(worker);
                if (!job)
                        break;
                if (tell)
                        tell_loop(core);
                job->ops->work(job->arg);

                (void)pthread_mutex_lock(&core->mutex);
                worker->at_job = false;
                tell = hand_in(core, job);
        }
        if (tell)
                tell_loop(core);
}

static void *worker_main(void *arg) {
        struct worker *worker = arg;
        struct pool_core *core = worker->core;

        (void)pthread_mutex_lock(&core->mutex);
        core->n_starting--;
        serve(worker);
        core->n_alive--;
        if (!core->closing) {
                list_remove(&worker->link);
                worker->detached = true;
                (void)pthread_detach(pthread_self());
        }
        if (worker->detached)
                free(worker);
        (void)pthread_mutex_unlock(&core->mutex);
        core_unref(core);
        return NULL;
}

int pool_core_add_thread(struct pool_core *core) {
        struct worker *worker;
        int r;

        worker = calloc(1, sizeof(*worker));
        if (!worker)
                return -ENOMEM;
        worker->core = core;

        (void)pthread_mutex_lock(&core->mutex);
        core->refs++;
        core->n_alive++;
        core->n_starting++;
        list_append(&core->workers, &worker->link);
        (void)pthread_mutex_unlock(&core->mutex);

        r = thread_start(core->name, worker_main, worker, &worker->thread);
        if (r == 0)
                return 0;

        (void)pthread_mutex_lock(&core->mutex);
        core->refs--;
        core->n_alive--;
        core->n_starting--;
        list_remove(&worker->link);
        (void)pthread_mutex_unlock(&core->mutex);
        free(worker);
        return r;
}

int pool_core_new(const char *name, unsigned threads, struct pool_core **ret) {
        struct pool_core *core;

        core = calloc(1, sizeof(*core));
        if (!core)
                return -ENOMEM;
        core->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (core->fd < 0) {
                int r = -errno;

                free(core);
                return r;
        }
        core->refs = 1;
        core->threads = threads;
        (void)snprintf(core->name, sizeof(core->name), "%s", name);
        list_init(&core->queue);
        list_init(&core->done);
        list_init(&core->workers);
        (void)pthread_mutex_init(&core->mutex, NULL);
        (void)pthread_cond_init(&core->cond, NULL);
        *ret = core;
        return 0;
}

void pool_core_close(struct pool_core *core, struct list *jobs) {
        struct list idle = LIST_INIT(idle);
        struct worker *worker, *tmp;

        (void)pthread_mutex_lock(&core->mutex);
        core->closing = true;
        list_splice(jobs, &core->done);
        list_splice(jobs, &core->queue);
        list_for_each_entry_safe(worker, tmp, &core->workers, link) {
                list_remove(&worker->link);
                if (worker->at_job) {
                        worker->detached = true;
                        (void)pthread_detach(worker->thread);
                } else
                        list_append(&idle, &worker->link);
        }
        (void)pthread_cond_broadcast(&core->cond);
        (void)pthread_mutex_unlock(&core->mutex);

        list_for_each_entry_safe(worker, tmp, &idle, link) {
                (void)pthread_join(worker->thread, NULL);
                free(worker);
        }
        core_unref(core);
}
