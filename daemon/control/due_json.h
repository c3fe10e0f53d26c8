/* SPDX-License-Identifier: MIT */
#pragma once
/* due_json: when tasks are due as JSON, as the type Due of io.tendd.Runner describes it. */
#include "live/live.h"

#include <jansson.h>

/* An occurrence of @task. NULL: out of memory. */
json_t *due_to_json(const struct live_task *task, const struct live_due *due);

/* What starts @task at no known time: a path, the end of its present run, the daemon's start, or nothing, which is told when @named. NULL:
 * nothing to tell, or out of memory. */
json_t *due_without_time(const struct live_task *task, bool named);

/* All that starts @task by itself, as the type Trigger has it: calendars in their normalized form. NULL: out of memory. */
json_t *triggers_to_json(const struct task *task);
