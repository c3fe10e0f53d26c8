/* SPDX-License-Identifier: MIT */
#pragma once
/* problems: what is wrong, as Status tells it: each with the command that explains it. */
#include "live/live.h"

#include <jansson.h>

struct problems;

int problems_new(struct live *live, struct problems **ret); /* 0 or -ENOMEM */
struct problems *problems_free(struct problems *problems);

/* What is wrong with @task, and what somebody wants so. Each task once. */
void problems_add_task(struct problems *problems, const struct live_task *task);

/* The daemon runs an earlier configuration than that of the files, which were refused: @text says which. */
void problems_add_refused(struct problems *problems, const char *text);

/* How many tasks are failing. */
unsigned problems_n_failing(const struct problems *problems);

/* All that is wrong, what is not a task's too; then what somebody wants so. NULL: out of memory. To be called once. */
json_t *problems_to_json(struct problems *problems);
