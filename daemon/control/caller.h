/* SPDX-License-Identifier: MIT */
#pragma once
/* caller: the run that a call comes from.
 *
 * A client may be a process of a run: what it starts becomes a child of that run (run_start.host). Whose process it is takes a
 * look at /proc, for which an answer waits a second at most; then, as for all other clients, it is of none.
 *
 * For the cursor of a stream: caller_init(), then caller_next() before anything is started, in each step that starts something,
 * because runs come to their end meanwhile; caller_refused() for what the start returns.
 */
#include "control/methods.h"

struct caller {
        struct control *control;
        struct varlink_call *call;
        struct loop_timer late;
        struct child_search *search; /* NULL: over */
        char *job;                   /* the name of the job that the client is a process of; NULL: of none */
        int error;
};

/* Begins to look. Returns 0 or -ENOMEM. */
int caller_init(struct caller *caller, struct control *control, struct varlink_call *call);
void caller_done(struct caller *caller); /* harmless on a zeroed one */

/* Returns 1 when it is known, @ret is the job or NULL; else what next() of the stream is to return. */
int caller_next(struct caller *caller, struct run **ret);

/* Answers that a run of @spec was not started, because with the caller's run as its host run_tree_start() returned @error.
 * Returns 0, or @error when it is another. */
int caller_refused(struct caller *caller, const struct run_spec *spec, int error);
