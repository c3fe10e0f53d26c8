/* SPDX-License-Identifier: MIT */
/* report: makes the result that outlives a run. */
#include "run/node.h"

/* A service that is given up has failed by what its last attempt was ended for; how that took it is not its own code. */
static int failed_code(const struct run *run, int own) {
        switch (run->errors.n > 0 ? run->errors.items[0].kind : ERROR_NONE) {
        case ERROR_TIMEOUT: return run->role == RUN_JOB ? 124 : 1;
        case ERROR_WATCHDOG:
        case ERROR_HEALTH: return 1;
        default: return own > 0 ? own : 1;
        }
}

/* What the shell would say: see "Exit status" in tendctl(1). */
static int exit_code(const struct run *run) {
        int own = run->role == RUN_JOB ? run->job.exit_code : 0;

        switch (run->outcome) {
        case OUTCOME_OK: return own;
        case OUTCOME_TIMEOUT: return 124;
        case OUTCOME_CANCELLED: return 130;
        case OUTCOME_FAILED: return failed_code(run, own);
        case OUTCOME_NEVER_STARTED: return run->cancel != CANCEL_NONE ? 130 : 1;
        default: return 1;
        }
}

static char *copy(const char *s) {
        return s ? strdup(s) : NULL;
}

static struct items_summary *copy_items(struct run *run) {
        const struct items_summary *now = run_items_so_far(run);
        struct items_summary *items;

        if (!now)
                return NULL;
        items = malloc(sizeof(*items));
        if (items)
                *items = *now;
        return items;
}

struct result *run_report(struct run *run) {
        char name[RUN_NAME_MAX];
        struct result *result;
        usec_t started = run->started_usec > 0 ? run->started_usec : run->ended_usec;

        result = result_new(run->spec->name, run_name(run, name));
        if (!result)
                return NULL;
        result->outcome = run->outcome;
        result->resumed = copy(run->resumed);
        result->reason = copy(run->reason);
        errors_merge(&result->errors, &run->errors);
        result->bound = run->bound;
        result->bound_run = copy(run->bound_run);
        result->cancel = run->cancel;
        result->cancelled_by = copy(run->cancelled_by);
        result->attempts = run->role == RUN_FANOUT ? 1 : run->attempts;
        result->queued_usec = started - run->created_usec;
        result->duration_usec = run->ended_usec - started;
        result->ended_realtime_usec = run->ended_realtime_usec;
        result->cpu_usec = run->cpu_usec;
        result->memory_peak = run->memory_peak;
        result->exit_code = exit_code(run);
        result->output_tail = run->role == RUN_JOB ? copy(run->job.tail) : NULL;
        result->items = copy_items(run);
        result->children = TAKE_PTR(run->results);
        result->n_children = run->n_results;
        run->n_results = 0;
        return result;
}
