/* SPDX-License-Identifier: MIT */
#pragma once
/* transient: the tasks that RunCommand and MapCommand start, made of what their callers ask for. */
#include "control/varlink.h"
#include "task/task.h"

struct control;

/* Makes one of the parameters of @call, with its descriptors; @map: its items come from one. Returns 1, and @ret is owned by
 * the caller; 0 when the call was answered with an error; -ENOMEM, -errno. */
int transient_new(struct control *control, struct varlink_call *call, const json_t *parameters, bool map,
                  struct task **ret);

/* Answers that live_start_transient() returned @error. Returns 0, or the error when there is no answer of its own. */
int transient_refused(struct varlink_call *call, const struct task *task, int error, const char *limit);
