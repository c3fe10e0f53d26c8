/* SPDX-License-Identifier: MIT */
#pragma once
/* run_json: live runs and tasks as JSON, as the types Run and Task of io.tendd.Runner describe them. */
#include "live/live.h"

#include <jansson.h>

struct processes;

/* How many runs an answer tells of one that is asked for: in a stream, and where it is one message made in one turn. */
#define RUN_JSON_MAX 5000
#define RUN_JSON_FEW 100

/* Appends @run and the runs below it, but for attempts, to @array, each before those below it; at most @max, and how many
 * more there are is said of @run. Their processes are looked at by @processes, unless that is NULL. Returns 0 or -ENOMEM.
 */
int run_append_json(json_t *array, struct run_tree *tree, struct run *run, size_t max, struct processes *processes);

/* What @run waits for, in a sentence without its subject: "waits for …"; "": nothing. */
void waiting_describe(const struct run_waiting *waiting, const struct run *run, char *buf, size_t size);

/* What @run waits for; NULL: nothing, or out of memory. */
json_t *waiting_to_json(const struct run_tree *tree, const struct run *run);

/* The next bound of @run; NULL: it has none, or out of memory. */
json_t *run_deadline_json(const struct run *run);

/* Of a service, or group that counts as one, and @run, which may be NULL. NULL: out of memory. */
json_t *service_to_json(const struct live_task *task, const struct run *run);

/* How far @run says it is; NULL: it says nothing, or out of memory. */
json_t *progress_to_json(const struct run *run);

/* NULL: out of memory. */
json_t *task_to_json(const struct live_task *task);

/* The rest of what a task left behind, all of it when @task is NULL; @processes as above. NULL: out of memory. */
json_t *remnants_to_json(struct run_tree *tree, const char *task, struct processes *processes);
