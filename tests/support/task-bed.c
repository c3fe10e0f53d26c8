/* SPDX-License-Identifier: MIT */
/* task-bed: what a kind needs to run a task. */
#include "support/task-bed.h"

#include "base/text.h"
#include "loop/pool.h"
#include "task/http_engine.h"
#include "task/resolve.h"
#include "task/trust.h"

#include <check.h>
#include <sched.h>

static void on_done(struct run *run _unused_, struct result *result, void *arg) {
        struct task_bed *bed = arg;

        result_unref(bed->result);
        bed->result = result_ref(result);
}

static void on_item(struct run *fanout _unused_, struct run *item _unused_, enum outcome outcome _unused_,
                    const struct errors *errors _unused_, void *arg) {
        struct task_bed *bed = arg;

        bed->n_items++;
}

static void on_empty(void *arg) {
        struct task_bed *bed = arg;

        loop_exit(bed->loop, 0);
}

static void on_remnant(struct remnant *remnant _unused_, bool gone, void *arg) {
        struct task_bed *bed = arg;

        bed->n_remnants += gone ? -1u : 1u;
        if (bed->n_remnants == 0)
                loop_exit(bed->loop, 0);
}

void task_bed_open(struct task_bed *bed) {
        struct run_listener listener = {
                .on_done = on_done,
                .on_item = on_item,
                .on_empty = on_empty,
                .on_remnant = on_remnant,
                .arg = bed,
        };

        memset(bed, 0, sizeof(*bed));
        ck_assert_int_eq(loop_new(&bed->loop), 0);
        ck_assert_int_eq(pool_new(bed->loop, "test", 2, 2, 100, &bed->pool), 0);
        ck_assert_int_eq(resolver_new(bed->loop, 100, &bed->resolver), 0);
        ck_assert_int_eq(trust_new(&bed->trust), 0);
        ck_assert_int_eq(http_engine_new(bed->loop, bed->resolver, &bed->http), 0);
        ck_assert_int_eq(run_tree_new(bed->loop, 0, &listener, &bed->tree), 0);
        bed->env = (struct task_env){
                .loop = bed->loop,
                .resolver = bed->resolver,
                .trust = bed->trust,
                .http = bed->http,
        };
}

/* Jobs that nobody waits for any more would be left to the process. */
static void wait_for_pool(struct pool *pool) {
        struct pool_stats stats;

        for (;;) {
                pool_poll(pool);
                pool_get_stats(pool, &stats);
                if (stats.busy + stats.stuck + stats.queued == 0)
                        break;
                (void)sched_yield();
        }
        pool_poll(pool);
}

void task_bed_close(struct task_bed *bed) {
        ck_assert_uint_eq(bed->n_remnants, 0);
        wait_for_pool(bed->pool);
        result_unref(bed->result);
        run_tree_free(bed->tree);
        task_unref(bed->task);
        http_engine_free(bed->http);
        trust_free(bed->trust);
        resolver_free(bed->resolver);
        pool_free(bed->pool);
        loop_free(bed->loop);
}

struct task *task_bed_task(struct task_bed *bed, const struct kind *kind) {
        struct task *task = task_new("t");

        ck_assert_ptr_nonnull(task);
        task_unref(bed->task);
        bed->task = task;
        task->kind = kind;
        task->pool = bed->pool;
        task->env = &bed->env;
        task->run.leaf = kind->leaf;
        task->part = calloc(1, kind->part_size);
        ck_assert_ptr_nonnull(task->part);
        if (kind->part_init)
                kind->part_init(task->part);
        for (enum bound b = 0; b < _BOUND_MAX; b++)
                task->run.bounds[b] = USEC_INFINITY;
        return task;
}

strv task_bed_words(const char *text) {
        strv words;

        ck_assert_int_ge(text_split_words(text, &words), 0);
        return words;
}

struct run *task_bed_start(struct task_bed *bed) {
        struct run_start start = { .spec = &bed->task->run, .number = 1, .trigger = "test" };
        struct run *run = NULL;

        bed->result = result_unref(bed->result);
        bed->n_items = 0;
        ck_assert_int_eq(run_tree_start(bed->tree, &start, &run), 0);
        return run;
}

const struct result *task_bed_wait(struct task_bed *bed) {
        while (!run_tree_is_empty(bed->tree))
                ck_assert_int_eq(loop_run(bed->loop), 0);
        ck_assert_ptr_nonnull(bed->result);
        return bed->result;
}

const struct result *task_bed_run(struct task_bed *bed) {
        (void)task_bed_start(bed);
        return task_bed_wait(bed);
}

static void on_one_turn(struct loop_work *work, void *arg _unused_) {
        loop_exit(work->loop, 0);
}

void task_bed_turn(struct task_bed *bed) {
        struct loop_work work;

        loop_work_init(&work, bed->loop, "turn", on_one_turn, NULL);
        loop_work_schedule(&work);
        ck_assert_int_eq(loop_run(bed->loop), 0);
}

void task_bed_until_doing(struct task_bed *bed, struct run *run, const char *words) {
        usec_t end = clock_now(CLOCK_ID_MONOTONIC) + 20 * USEC_PER_SEC;
        struct kind_view view = { 0 };

        while (!kind_view_leaf(run_present_leaf(run), &view) || !strstr(view.doing, words)) {
                ck_assert_msg(clock_now(CLOCK_ID_MONOTONIC) < end, "\"%s\", not \"%s\"", view.doing, words);
                task_bed_turn(bed);
        }
        ck_assert_ptr_null(view.child);
}

const char *task_bed_remnant_doing(const struct task_bed *bed) {
        static struct kind_view view;

        ck_assert_uint_eq(bed->n_remnants, 1);
        ck_assert(kind_view_remnant(run_tree_first_remnant(bed->tree), &view));
        return view.doing;
}

void task_bed_cancel_busy(struct task_bed *bed) {
        struct run *run = task_bed_start(bed);
        struct pool_stats stats;

        do {
                task_bed_turn(bed);
                pool_get_stats(bed->pool, &stats);
        } while (stats.busy == 0);
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "test"), 0);
        task_bed_wait(bed);
}

void task_bed_wait_remnants(struct task_bed *bed) {
        while (bed->n_remnants > 0)
                ck_assert_int_eq(loop_run(bed->loop), 0);
}
