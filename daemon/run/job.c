/* SPDX-License-Identifier: MIT */
/* job: one attempt after another, until one is ok or the retries are used up. */
#include "run/node.h"

static void attempt(struct run *job, usec_t not_before_usec) {
        char name[RUN_NAME_MAX];
        struct run *leaf;

        leaf = run_new(job, job->spec, RUN_LEAF, job->attempts + 1);
        if (!leaf) {
                errors_add(&job->errors, ERROR_SPAWN, "out of memory", run_name(job, name));
                job->job.settled = true;
                job->outcome = OUTCOME_FAILED;
                run_examine(job);
                return;
        }
        job->attempts++;
        leaf_queue(leaf, not_before_usec);
}

static void job_begin(struct run *job) {
        attempt(job, 0);
}

static bool worth_retrying(const struct run *job, const struct run *leaf) {
        if (job->closing || run_is_cancelled(job) || job->attempts > job->spec->retries)
                return false;
        if (leaf->leaf.abandoned || leaf->bound == BOUND_QUEUE_TIMEOUT)
                return false;
        return outcome_is_failure(leaf->outcome);
}

/* The last attempt is the job, to everybody outside. */
static void take_over(struct run *job, struct run *leaf) {
        job->job.settled = true;
        job->job.exit_code = leaf->leaf.exit_code;
        free(job->job.tail);
        job->job.tail = TAKE_PTR(leaf->leaf.tail);
        errors_merge(&job->errors, &leaf->errors);
        if (!job->reason)
                job->reason = TAKE_PTR(leaf->reason);
        if (job->bound < 0) {
                job->bound = leaf->bound;
                free(job->bound_run);
                job->bound_run = TAKE_PTR(leaf->bound_run);
        }
        if (leaf->leaf.abandoned && leaf->outcome == OUTCOME_FAILED) {
                /* Unkillable overrides the first cause, and is the root cause. */
                job->fixed = true;
                job->outcome = OUTCOME_FAILED;
                errors_promote(&job->errors, job->errors.n - leaf->errors.n);
        } else if (!job->fixed) {
                job->outcome = leaf->outcome;
        }
}

static void job_child_done(struct run *job, struct run *leaf) {
        if (worth_retrying(job, leaf))
                attempt(job, usec_add(clock_now(CLOCK_ID_MONOTONIC),
                                      retry_delay(job->spec, job->attempts + 1, &job->tree->random)));
        else
                take_over(job, leaf);
        run_bury(leaf);
}

static void job_close(struct run *job) {
        run_close_children(job, NULL);
}

static void job_settle(struct run *job) {
        if (job->n_live == 0 && (job->closing || job->job.settled))
                run_finish(job, job->outcome);
}

static void job_done(struct run *job) {
        free(job->job.tail);
}

const struct role_ops run_job_ops = {
        .begin = job_begin,
        .child_done = job_child_done,
        .close = job_close,
        .settle = job_settle,
        .done = job_done,
};
