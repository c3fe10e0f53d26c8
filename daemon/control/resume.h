/* SPDX-License-Identifier: MIT */
#pragma once
/* resume: finds how a run of a group ended, for a call that starts the group to run only what was not ok.
 *
 * The last run of the group is at hand; earlier ones come from the store.
 */
#include "control/methods.h"

struct resume;

/* Looks for the run @name of @task; both are copied. NULL: out of memory. */
struct resume *resume_new(struct control *control, struct varlink_call *call, const char *task, const char *name);
struct resume *resume_free(struct resume *resume); /* takes NULL; always returns NULL */

/* For the next() of a stream. Returns 1: resume_result() can be resumed; else what next() is to return. */
int resume_next(struct resume *resume, struct varlink_call *call);

/* How it ended. Lives as long as @resume. */
struct result *resume_result(const struct resume *resume);
