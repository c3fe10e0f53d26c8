/* SPDX-License-Identifier: MIT */
#pragma once
/* outcome: how a run ended, in words and as a tree that outlives the run.
 *
 * Every run gets exactly one outcome, set once. What is kept of a finished run is a struct result: immutable, shared
 * by reference between the task's history, hooks and control clients. A group's result holds those of its members; a
 * fan-out's holds a summary of its items.
 */
#include "base/clock.h"

enum outcome {
        OUTCOME_OK,
        OUTCOME_FAILED,
        OUTCOME_TIMEOUT, /* one of its own bounds fired */
        OUTCOME_CANCELLED,
        OUTCOME_SKIPPED,       /* a trigger fired and was not followed */
        OUTCOME_NEVER_STARTED, /* was queued when its parent was cancelled, or its `after` cannot be met */
        OUTCOME_INTERRUPTED,   /* the daemon died under it */
        _OUTCOME_MAX,
        _OUTCOME_INVALID = -EINVAL,
};

const char *outcome_to_string(enum outcome outcome);
enum outcome outcome_from_string(const char *s);

/* A failure is `failed` or `timeout`. */
static inline bool outcome_is_failure(enum outcome outcome) {
        return outcome == OUTCOME_FAILED || outcome == OUTCOME_TIMEOUT;
}

enum error_kind {
        ERROR_NONE,
        ERROR_EXIT,
        ERROR_SIGNAL,
        ERROR_SPAWN,
        ERROR_CONNECT,
        ERROR_RESOLVE,
        ERROR_TLS,
        ERROR_HTTP_STATUS,
        ERROR_PROTOCOL,
        ERROR_TOO_BIG,
        ERROR_MISMATCH,
        ERROR_IO,
        ERROR_READY,
        ERROR_WATCHDOG,
        ERROR_HEALTH,
        ERROR_UNKILLABLE,
        ERROR_TIMEOUT, /* a bound of the run or of one below it */
        _ERROR_KIND_MAX,
        _ERROR_KIND_INVALID = -EINVAL,
};

const char *error_kind_to_string(enum error_kind kind);
enum error_kind error_kind_from_string(const char *s);

enum cancel_reason {
        CANCEL_NONE,
        CANCEL_OPERATOR,
        CANCEL_SIBLING, /* another member failed, or won */
        CANCEL_PARENT,  /* the parent was cancelled, or its bound fired */
        CANCEL_SHUTDOWN,
        CANCEL_REPLACED,
        _CANCEL_REASON_MAX,
};

const char *cancel_reason_to_string(enum cancel_reason reason);

/* The bounds that a run can have of its own; named as in the configuration. */
enum bound {
        BOUND_TIMEOUT,
        BOUND_TOTAL_TIMEOUT,
        BOUND_QUEUE_TIMEOUT,
        BOUND_START_TIMEOUT, /* of an attempt of a service, until it is ready */
        BOUND_IDLE_TIMEOUT,  /* of an attempt, since its last output */
        _BOUND_MAX,
        _BOUND_INVALID = -EINVAL,
};

const char *bound_to_string(enum bound bound);

struct run_error {
        enum error_kind kind;
        char *detail; /* one sentence for a person, never NULL */
        char *run;    /* name of the run it happened in, never NULL */
};

struct errors {
        struct run_error *items; /* the root cause first */
        size_t n;
        size_t n_lost; /* beyond ERRORS_MAX */
};

#define ERRORS_MAX 100

/* Appends copies. Beyond ERRORS_MAX, or out of memory, the error is only counted. */
void errors_add(struct errors *errors, enum error_kind kind, const char *detail, const char *run);
/* Appends copies of all of @from. */
void errors_merge(struct errors *errors, const struct errors *from);
/* The same before all others, of which the last gives way beyond ERRORS_MAX: a root cause is never lost to them. */
void errors_add_first(struct errors *errors, enum error_kind kind, const char *detail, const char *run);
void errors_merge_first(struct errors *errors, const struct errors *from);
/* Takes out again what errors_merge() of @from put in. */
void errors_unmerge(struct errors *errors, const struct errors *from);
void errors_done(struct errors *errors);

/* What a fan-out says of its items. */
struct items_summary {
        uint64_t total;
        bool complete; /* the whole list was read, and each item worked on */
        bool broken;   /* the list could not be read to its end */
        uint64_t by_outcome[_OUTCOME_MAX];
        uint64_t by_kind[_ERROR_KIND_MAX];
        struct {
                usec_t min;
                usec_t p50;
                usec_t p90;
                usec_t p99;
                usec_t max;
        } latency_usec;
};

struct result {
        unsigned n_ref;
        char *task;
        char *run;
        enum outcome outcome;
        char *resumed; /* did not run, as it was ok in this run, which its group resumes; or NULL */
        char *reason;  /* a sentence: why skipped, cancelled, never started, ok without having run; or NULL */
        struct errors errors;
        enum bound bound; /* which bound ended it or those above, or _BOUND_INVALID */
        char *bound_run;  /* whose, or NULL */
        enum cancel_reason cancel;
        char *cancelled_by; /* who or what, or NULL */
        unsigned attempts;
        usec_t queued_usec;   /* from creation to the start, or to the end when it never started */
        usec_t duration_usec; /* from the start to the end; 0 when it never started */
        usec_t ended_realtime_usec;
        usec_t cpu_usec;      /* user and system time of all attempts; 0: not known */
        uint64_t memory_peak; /* bytes, of the attempt that had most; 0: not known */
        int exit_code;        /* what `--once` passes through: the command's own, else 1, 124, 130 … */
        char *output_tail;    /* the last of what it printed, or NULL */
        struct result **children;
        size_t n_children;
        struct items_summary *items; /* NULL unless a fan-out */
};

/* A result with one reference and everything empty but the names. NULL when out of memory. */
struct result *result_new(const char *task, const char *run);
struct result *result_ref(struct result *result);
struct result *result_unref(struct result *result); /* takes NULL; always returns NULL */
DEFINE_CLEANUP(struct result, result_unref)

/* The error kind that names the root cause; ERROR_TIMEOUT for a timeout without errors; ERROR_NONE when fine. */
enum error_kind result_error(const struct result *result);

/* One sentence for logs and hooks: the root cause's detail, or the reason, or "". */
const char *result_detail(const struct result *result);
