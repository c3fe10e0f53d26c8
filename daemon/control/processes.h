/* SPDX-License-Identifier: MIT */
#pragma once
/* processes: adds what their processes are at to the runs and remnants of an answer that a stream is about to give.
 *
 * The answer waits for it, but not long: what could not be told then is said to be missing. Meanwhile the connection's
 * other work and everybody else go on, and what was found is written in slices.
 */
#include "control/varlink.h"
#include "loop/child_inspect.h"

struct processes;

/* No answer waits longer. */
#define PROCESSES_WAIT_USEC USEC_PER_SEC

/* For an answer to @call, which is woken when processes_ready() may say more. With @twice it is told what processes use
 * now. Returns 0, -ENOMEM. */
int processes_new(struct loop *loop, struct varlink_call *call, bool twice, struct processes **ret);
struct processes *processes_free(struct processes *processes);
DEFINE_CLEANUP(struct processes, processes_free)

/* Looks at those of @child for @object, a Run or Remnant; takes a reference. Returns 0 or -ENOMEM. */
int processes_add(struct processes *processes, struct child *child, json_t *object);

/* Whether every object has what is to be told. */
bool processes_ready(struct processes *processes);
