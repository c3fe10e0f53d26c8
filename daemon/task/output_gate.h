/* SPDX-License-Identifier: MIT */
#pragma once
/* output_gate: how much of what the runs of a task print the log gets.
 *
 * In each span of `log-rate` so many lines pass; those beyond are suppressed until it is over, counted, and told: once when
 * it begins, and how many they were when it ends. All runs of the task share one gate.
 */
#include "task/task.h"

struct output_gate;

/* The gate of @task, a command's, made when first wanted. It is the task's. NULL: out of memory; then everything passes. */
struct output_gate *output_gate_of(struct task *task);

/* For the end of the task: tells what was not told yet. Takes NULL; always returns NULL. */
struct output_gate *output_gate_free(struct output_gate *gate);

/* How many of @n lines of @run pass now, the first of them; @gate may be NULL. */
size_t output_gate_pass(struct output_gate *gate, const char *run, size_t n);
