/* SPDX-License-Identifier: MIT */
/* leaf_work: leaves whose work is steps on the loop and jobs on a pool. */
#include "task/leaf_work.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

static void deliver(struct leaf_work *work) {
        struct leaf_end end = { .error = work->error, .detail = work->detail };

        if (!work->leaf) {
                remnant_gone(work->remnant);
                work->free(work);
                return;
        }
        run_leaf_end(work->leaf, &end);
}

static void _printf_(3, 0) note(struct leaf_work *work, enum error_kind error, const char *format, va_list args) {
        work->error = error;
        if (error != ERROR_NONE) /* nobody asks for the details of success */
                (void)vsnprintf(work->detail, sizeof(work->detail), format, args);
}

void leaf_work_note(struct leaf_work *work, enum error_kind error, const char *format, ...) {
        va_list args;

        va_start(args, format);
        note(work, error, format, args);
        va_end(args);
}

void leaf_work_finish(struct leaf_work *work) {
        if (work->ended)
                return;
        work->ended = true;
        deliver(work);
}

void leaf_work_end(struct leaf_work *work, enum error_kind error, const char *format, ...) {
        va_list args;

        if (work->ended)
                return;
        va_start(args, format);
        note(work, error, format, args);
        va_end(args);
        leaf_work_finish(work);
}

void leaf_work_fail(struct leaf_work *work, enum error_kind error, const char *format, ...) {
        va_list args;

        if (work->ended)
                return;
        work->ended = true;
        va_start(args, format);
        note(work, error, format, args);
        va_end(args);
        loop_work_schedule(&work->turn);
}

/* The first turn after the start. */
static void on_turn(struct loop_work *loop_work _unused_, void *arg) {
        struct leaf_work *work = arg;

        if (work->ended)
                deliver(work);
        else
                run_leaf_started(work->leaf);
}

void leaf_work_init(struct leaf_work *work, struct run *leaf, leaf_work_fn free_fn) {
        work->leaf = leaf;
        work->task = task_of(run_get_spec(leaf));
        work->free = free_fn;
        loop_work_init(&work->turn, work->task->env->loop, work->task->kind->name, on_turn, work);
        loop_work_schedule(&work->turn);
        run_leaf_set_data(leaf, work);
}

/* ---- jobs ---- */

static void on_job_work(void *arg) {
        struct leaf_work *work = arg;

        atomic_store(&work->thread_since_usec, clock_now(CLOCK_ID_MONOTONIC));
        work->on_thread(work);
}

static void on_job_done(void *arg) {
        struct leaf_work *work = arg;

        work->job = NULL;
        work->on_done(work);
}

static void on_job_returned(void *arg) {
        struct leaf_work *work = arg;

        work->job = NULL;
        if (work->on_given_up)
                work->on_given_up(work);
        else
                leaf_work_end(work, ERROR_NONE, "given up");
}

static int submit(struct leaf_work *work, const struct pool_job_ops *ops, leaf_work_fn on_thread,
                  leaf_work_fn on_done) {
        struct pool *pool = work->task->pool;
        int r;

        work->on_thread = on_thread;
        work->on_done = on_done;
        r = pool_submit(pool, ops, work, &work->job);
        if (r == -ENOBUFS)
                (void)snprintf(work->detail, sizeof(work->detail), "the queue of pool %s is full (queue-max)",
                               pool_name(pool));
        else if (r < 0)
                (void)snprintf(work->detail, sizeof(work->detail), "pool %s: %s", pool_name(pool), strerrordesc_np(-r));
        return r;
}

int leaf_work_submit(struct leaf_work *work, leaf_work_fn on_thread, leaf_work_fn on_done) {
        static const struct pool_job_ops ops = {
                .name = "leaf",
                .work = on_job_work,
                .done = on_job_done,
                .returned = on_job_returned,
        };

        return submit(work, &ops, on_thread, on_done);
}

int leaf_work_tidy(struct leaf_work *work, leaf_work_fn on_thread, leaf_work_fn on_done) {
        static const struct pool_job_ops ops = {
                .name = "leaf-tidy",
                .work = on_job_work,
                .done = on_job_done,
                .returned = on_job_returned,
                .tidies = true,
        };

        return submit(work, &ops, on_thread, on_done);
}

void leaf_work_begin(struct leaf_work *work, leaf_work_fn on_thread, leaf_work_fn on_done) {
        if (leaf_work_submit(work, on_thread, on_done) == 0)
                return;
        work->ended = true;
        work->error = ERROR_SPAWN;
        loop_work_schedule(&work->turn);
}

void leaf_work_give_up(struct leaf_work *work) {
        if (!work->job)
                return;
        atomic_store(&work->given_up, true);
        (void)pool_abandon(work->job); /* `returned` comes in a later turn, or when the thread does */
}

bool leaf_work_view(const struct leaf_work *work, struct kind_view *view, const char *does, ...) {
        const char *pool = work->task->pool ? pool_name(work->task->pool) : "";
        char span[TEXT_USEC_MAX], what[sizeof(view->doing) - 2 * sizeof(span)];
        va_list args;
        usec_t usec;

        if (!work->job)
                return false;
        if (pool_job_state(work->job) == POOL_JOB_QUEUED) {
                (void)snprintf(view->doing, sizeof(view->doing), "waiting for a thread of pool %s", pool);
                return true;
        }
        usec = usec_sub(clock_now(CLOCK_ID_MONOTONIC), atomic_load(&work->thread_since_usec));
        va_start(args, does);
        (void)vsnprintf(what, sizeof(what), does, args);
        va_end(args);
        (void)snprintf(
                view->doing, sizeof(view->doing), "for %s a thread of pool %s %s",
                text_format_usec(usec - usec % (usec < 10 * USEC_PER_SEC ? 100 * USEC_PER_MSEC : USEC_PER_SEC), span),
                pool, what);
        return true;
}

/* ---- struct leaf_ops ---- */

void leaf_work_force(struct run *leaf) {
        leaf_work_give_up(run_leaf_data(leaf));
}

void leaf_work_poll(struct run *leaf) {
        struct leaf_work *work = run_leaf_data(leaf);

        if (work->job)
                pool_poll(work->task->pool);
}

void leaf_work_abandon(struct run *leaf, struct remnant *remnant) {
        struct leaf_work *work = run_leaf_data(leaf);

        loop_work_cancel(&work->turn);
        work->remnant = remnant;
        work->leaf = NULL;
}

void leaf_work_release(void *data) {
        struct leaf_work *work = data;

        loop_work_cancel(&work->turn);
        work->free(work);
}
