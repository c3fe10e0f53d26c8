/* SPDX-License-Identifier: MIT */
#pragma once
/* problems: what is wrong, each with the command that explains it, as `tendctl status` and the line of the service manager
 * tell it.
 *
 * Of each kind the first few are kept, and how many there are: what is wrong with the daemon as a whole is told also when
 * thousands of tasks fail.
 */
#include "live/live.h"

#include <jansson.h>

/* In the order in which they are told. */
enum problem_kind {
        PROBLEM_ALL_PAUSED,
        PROBLEM_REFUSED,
        PROBLEM_DEGRADED,
        PROBLEM_DROPPED,
        PROBLEM_FAILING,
        PROBLEM_STALE,
        PROBLEM_REMNANT,
        PROBLEM_SLOW,
        PROBLEM_RESTARTING,
        PROBLEM_FULL,
        PROBLEM_WAITING,
        PROBLEM_OUTDATED,
        PROBLEM_STOPPED,
        PROBLEM_PAUSED,
        _PROBLEM_KIND_MAX,
        _PROBLEM_KIND_INVALID = -EINVAL,
};

#define PROBLEMS_KEPT 20 /* of a kind */

/* What was lost is told for so long. */
#define PROBLEM_DROPPED_USEC USEC_PER_DAY
/* A run that waits for so long is told, and a limit for which one does is wrong. */
#define PROBLEM_WAITING_USEC USEC_PER_MINUTE

enum problem_kind problem_kind_from_string(const char *s); /* or _PROBLEM_KIND_INVALID */

struct problem {
        enum problem_kind kind;
        bool harmless;       /* somebody wants it so, or it may pass by itself */
        const char *subject; /* "backup", "limit db", "store" */
        const char *text;
        const char *command; /* "tendctl why backup" */
};

struct problems;

int problems_new(struct problems **ret); /* 0 or -ENOMEM */
struct problems *problems_free(struct problems *problems);

/* Counts one more. Returns whether it is among the first of its kind, and to be told with problems_tell(), which copies
 * all of @problem: of the others nobody need find the words. */
bool problems_count(struct problems *problems, enum problem_kind kind, bool harmless);
void problems_tell(struct problems *problems, const struct problem *problem);

/* How many there are of a kind. */
unsigned problems_n(const struct problems *problems, enum problem_kind kind);

/* Those that are kept, and how many there are of each kind and the command that lists them: the types Problem and
 * ProblemCount of io.tendd.Runner. NULL: out of memory. */
json_t *problems_to_json(const struct problems *problems);
json_t *problem_counts_to_json(const struct problems *problems);

/* Writes those that events tell of into the @size bytes at @buf: "; DEGRADED: store; 3 FAILING: a, b, c". */
void problems_describe(const struct problems *problems, char *buf, size_t size);

/* ---- problems_find.c ---- */

/* What is wrong with @task. Each task once. */
void problems_find_task(struct problems *problems, const struct live *live, const struct live_task *task);

/* @run, a top-level run or a member, has waited for long. So many are counted as are kept. */
void problems_find_run(struct problems *problems, const struct run *run);

/* What is no task's and no run's: the log, hooks, the store, remnants, pools, limits; and @refused, which says what the
 * daemon runs instead of the files, that were refused; NULL: they were not; and @metrics, which says where they cannot be
 * read; NULL: they can, or nobody wants them. Once, in the end. */
void problems_find_others(struct problems *problems, struct live *live, const char *refused, const char *metrics);

/* Whether @task has a problem of @kind; of one that no task can have: false. */
bool problem_is_of_task(enum problem_kind kind);
bool problem_has_task(enum problem_kind kind, const struct live *live, const struct live_task *task);
