/* SPDX-License-Identifier: MIT */
/* job: one attempt after another, until one is ok or the retries are used up; what a service makes of that is in
 * service.c. */
#include "run/node.h"

/* What it still waits for, as guests, does not change its outcome any more. */
static void settle_as(struct run *job, enum outcome outcome) {
        job->job.settled = true;
        job->fixed = true;
        job->outcome = outcome;
}

static void attempt(struct run *job, usec_t not_before_usec) {
        char name[RUN_NAME_MAX];
        struct run *leaf;

        leaf = run_new(job, job->spec, RUN_LEAF, job->attempts + 1);
        if (!leaf) {
                errors_add(&job->errors, ERROR_SPAWN, "out of memory", run_name(job, name));
                settle_as(job, OUTCOME_FAILED);
                run_examine(job);
                return;
        }
        job->attempts++;
        if (!job->job.kept_down)
                leaf_queue(leaf, not_before_usec);
}

static void job_begin(struct run *job) {
        attempt(job, 0);
}

/* Nothing is started on top of what an attempt could not end, and no attempt waits again for what it did not get. */
static enum verdict judge(const struct run *job, const struct run *leaf, usec_t now) {
        if (leaf->leaf.abandoned)
                return VERDICT_ENDS;
        if (job->job.asked)
                return VERDICT_AGAIN;
        if (leaf->bound == BOUND_QUEUE_TIMEOUT)
                return VERDICT_ENDS;
        if (job->spec->service)
                return service_judge(job->spec->service, &job->job.restarts, leaf->outcome, now);
        return outcome_is_failure(leaf->outcome) && job->attempts <= job->spec->retries ? VERDICT_AGAIN : VERDICT_ENDS;
}

/* Whether the leaf's own end, not one that was asked for, is that of the job too. */
static bool is_last(const struct run *leaf, enum verdict verdict) {
        return verdict == VERDICT_ENDS && (leaf->outcome == OUTCOME_OK || outcome_is_failure(leaf->outcome));
}

void job_leaf_exited(struct run *job, const struct run *leaf) {
        if (!is_last(leaf, judge(job, leaf, clock_now(CLOCK_ID_MONOTONIC))))
                return;
        settle_as(job, leaf->outcome);
        if (!list_empty(&job->guests))
                return; /* whom its bounds go on to bound */
        /* It is decided how the job ends: no bound of its own has a say any more. */
        for (size_t i = 0; i < _BOUND_MAX; i++)
                job->bounds[i] = USEC_INFINITY;
        list_remove(&job->due_link);
        run_arm(job);
}

static void take_output(struct run *job, struct run *leaf) {
        free(job->job.tail);
        job->job.tail = TAKE_PTR(leaf->leaf.tail);
        job->job.exit_code = leaf->leaf.exit_code;
}

static usec_t next_retry(struct run *job) {
        const struct run_spec *spec = job->spec;

        return usec_add(
                clock_now(CLOCK_ID_MONOTONIC),
                retry_delay(spec->retry_delay_min_usec, spec->retry_delay_max_usec, job->attempts, &job->tree->random));
}

static void try_again(struct run *job, struct run *leaf) {
        const struct run_listener *listener = &job->tree->listener;
        usec_t at;

        take_output(job, leaf);
        errors_done(&job->job.last);
        job->job.last = leaf->errors;
        leaf->errors = (struct errors){ 0 };
        at = job->spec->service ? service_next(job, leaf) : next_retry(job);
        attempt(job, at);
        if (job->spec->service && !job->job.settled && listener->on_restart)
                listener->on_restart(job, at, leaf->cancelled_by, listener->arg);
}

/* Else it ended while it waited for its turn. */
static bool was_tried(const struct run *leaf) {
        return leaf->started_usec > 0 || leaf->leaf.ended;
}

/* The last attempt is the job, to everybody outside. @came_first: before the job was asked to end, if it was. */
static void take_over(struct run *job, struct run *leaf, bool came_first) {
        bool unkillable = leaf->leaf.abandoned && leaf->outcome == OUTCOME_FAILED;

        job->job.settled = true;
        /* Unkillable overrides the first cause, and is the root cause. */
        if (unkillable)
                errors_merge_first(&job->errors, &leaf->errors);
        else
                errors_merge(&job->errors, &leaf->errors);
        if (was_tried(leaf))
                take_output(job, leaf);
        else /* what there is to say is of the attempt before */
                errors_merge(&job->errors, &job->job.last);
        if (job->fixed && !unkillable && !came_first)
                return;

        settle_as(job, leaf->outcome);
        if (!job->reason)
                job->reason = TAKE_PTR(leaf->reason);
        if (job->cancel == CANCEL_NONE) {
                job->cancel = leaf->cancel;
                job->cancelled_by = TAKE_PTR(leaf->cancelled_by);
        }
        if (job->bound < 0 || leaf->outcome == OUTCOME_TIMEOUT) {
                job->bound = leaf->bound;
                free(job->bound_run);
                job->bound_run = TAKE_PTR(leaf->bound_run);
        }
}

static void job_child_done(struct run *job, struct run *leaf) {
        enum verdict verdict = judge(job, leaf, leaf->ended_usec);
        bool cancelled = run_is_cancelled(job);

        if (verdict == VERDICT_AGAIN && !cancelled) {
                try_again(job, leaf);
        } else {
                take_over(job, leaf, is_last(leaf, verdict));
                job->attempts -= !was_tried(leaf);
        }
        if (verdict == VERDICT_GIVE_UP && !cancelled)
                service_give_up(job, leaf);
        run_bury(leaf);
}

static void job_close(struct run *job) {
        run_close_children(job, NULL);
        run_close_guests(job);
}

/* Its own work is over. Guests may go on where that was well, and are asked to end where it was not: whatever it had started
 * them for, it has not come of it. */
static void job_settle(struct run *job) {
        if (job->n_live > 0 || (!job->closing && !job->job.settled))
                return;
        if (list_empty(&job->guests))
                run_finish(job, job->outcome);
        else if (job->outcome != OUTCOME_OK)
                run_close(job, &(struct close_cause){ .outcome = job->outcome, .bound = _BOUND_INVALID });
}

static void job_done(struct run *job) {
        errors_done(&job->job.last);
        free(job->job.restarts.at);
        free(job->job.tail);
}

const struct role_ops run_job_ops = {
        .begin = job_begin,
        .child_done = job_child_done,
        .close = job_close,
        .settle = job_settle,
        .done = job_done,
};
