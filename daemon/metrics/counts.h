/* SPDX-License-Identifier: MIT */
#pragma once
/* counts: what runs have come to since metrics are served, by task.
 *
 * The first max-tasks tasks, in the order of their names, are counted on their own, once they have run; all others together. So
 * memory is bounded, and which these are does not depend on what happens. Counters never go back: what a reload moves from the
 * one to the other begins anew there, and what was counted together stays so.
 */
#include "live/live.h"
#include "metrics/openmetrics.h"

struct task_counts {
        uint64_t outcomes[_OUTCOME_MAX]; /* top-level runs and members */
        struct durations durations;      /* of runs that have begun */
        usec_t cpu_usec;
        uint64_t items[_OUTCOME_MAX];
        uint64_t retries;
        uint64_t restarts;
        uint64_t missed;
        uint64_t skipped;
        char name[];
};

struct counts;

/* Counts from now on. Returns 0 or -ENOMEM. */
int counts_new(struct live *live, unsigned max_tasks, struct counts **ret);
struct counts *counts_free(struct counts *counts);

/* The configuration is another one. */
void counts_reloaded(struct counts *counts, unsigned max_tasks);

/* How many of live_task_at(), from the first on, have metrics of their own. */
size_t counts_n_own(const struct counts *counts);

/* Of the task with this name, which is one of them; NULL: nothing has happened yet. */
const struct task_counts *counts_of(const struct counts *counts, const char *name);
/* Of all others, also of what was never configured, or is not any more; NULL: there are none. */
const struct task_counts *counts_of_others(const struct counts *counts);

/* How long runs waited to begin, all tasks together. */
const struct durations *counts_waits(const struct counts *counts);
uint64_t counts_event(const struct counts *counts, enum event_id id);
