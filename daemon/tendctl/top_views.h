/* SPDX-License-Identifier: MIT */
#pragma once
/* top_views: what the views show of tasks, runs, limits, pools and what is due: tables of columns. */
#include "tendctl/top_model.h"

enum top_view_id {
        VIEW_TASKS,
        VIEW_RUNS,
        VIEW_LIMITS,
        VIEW_POOLS,
        VIEW_NEXT,
        _VIEW_MAX,
};

extern const struct top_view *const top_views[_VIEW_MAX];

/* Of the runs of a Tree, for each task the one that is at work, or else waits, for the longest time: an object, or NULL: out of memory. Rows of
 * VIEW_TASKS are joined with it as TOP_RUN. */
#define TOP_RUN "run"
json_t *top_runs_by_task(const json_t *runs);
