/* SPDX-License-Identifier: MIT */
#pragma once
/* task-bed: what a kind needs to run a task: a loop, a pool, a resolver, an HTTP engine and a run tree, all of them real,
 * but no configuration and no daemon. */
#include "task/kind.h"

struct task_bed {
        struct loop *loop;
        struct pool *pool;
        struct resolver *resolver;
        struct trust *trust;
        struct http_engine *http;
        struct run_tree *tree;
        struct task_env env;
        struct task *task;
        struct result *result; /* of the last run */
        unsigned n_remnants;   /* that are there now */
        unsigned n_items;      /* that are done */
};

/* With a pool of two threads and two spare ones. */
void task_bed_open(struct task_bed *bed);

/* Frees everything; no remnant may be left. */
void task_bed_close(struct task_bed *bed);

/* A task of @kind with its defaults, whose part is then the test's to fill with strdup()ed values. */
struct task *task_bed_task(struct task_bed *bed, const struct kind *kind);

/* A word list for a task, of @text's words. */
strv task_bed_words(const char *text);

/* Runs the task once and returns its result, which is the bed's. */
const struct result *task_bed_run(struct task_bed *bed);

/* The same in two steps, for tests that do something meanwhile. */
struct run *task_bed_start(struct task_bed *bed);
const struct result *task_bed_wait(struct task_bed *bed);

/* Gives the loop one turn. */
void task_bed_turn(struct task_bed *bed);

/* Gives the loop turns until what @run is at is told with @words in it. */
void task_bed_until_doing(struct task_bed *bed, struct run *run, const char *words);

/* What the only remnant is at. */
const char *task_bed_remnant_doing(const struct task_bed *bed);

/* Starts the task, waits until a thread of the pool is at work for it, and cancels it. */
void task_bed_cancel_busy(struct task_bed *bed);

/* Runs the loop until there is no remnant. */
void task_bed_wait_remnants(struct task_bed *bed);

/* Asserts how the last run ended: with @error, ERROR_NONE for ok, and @detail somewhere in the detail. */
#define task_bed_check(bed, want, detail)                                                                              \
        do {                                                                                                           \
                const struct result *_r = (bed)->result;                                                               \
                const char *_d = result_detail(_r);                                                                    \
                ck_assert_msg(result_error(_r) == (want) && strstr(_d, detail), "%s %s: %s, not %s: …%s…",             \
                              outcome_to_string(_r->outcome), error_kind_to_string(result_error(_r)) ?: "", _d,        \
                              error_kind_to_string(want) ?: "ok", detail);                                             \
        } while (false)
