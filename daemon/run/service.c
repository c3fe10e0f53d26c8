/* SPDX-License-Identifier: MIT */
/* service: jobs that are meant to stay up: whether an attempt is followed by another, and what an operator may ask.
 *
 * The job of a service always has one attempt until it ends: one at work, or the next one, queued. So what it waits for
 * is always what its leaf waits for: the restart delay, permits, or, kept down, an operator; and whoever stops the job
 * finds a leaf to close, in whatever state it is.
 *
 * An operator never touches the job's own end. He closes the present attempt, and `asked` tells the job that its end is
 * not to be judged; or, where the attempt is still queued, moves what it waits for.
 *
 * Too often is OTP's rule: restarts are counted when they are decided, and the one that would be the last of more than
 * `restart_limit` within the span, both its ends included, is not made.
 */
#include "base/text.h"
#include "run/node.h"

#include <stdio.h>

/* ---- after an attempt ---- */

static bool is_wanted(enum restart_policy policy, enum outcome outcome) {
        switch (policy) {
        case RESTART_ALWAYS: return outcome == OUTCOME_OK || outcome_is_failure(outcome);
        case RESTART_ON_FAILURE: return outcome_is_failure(outcome);
        default: return false;
        }
}

static bool is_too_often(const struct service_spec *spec, const struct restarts *restarts, usec_t now) {
        if (spec->restart_limit_usec == USEC_INFINITY)
                return false;
        if (restarts->n < spec->restart_limit)
                return false;
        return spec->restart_limit == 0 ||
               usec_sub(now, restarts->at[restarts->n % spec->restart_limit]) <= spec->restart_limit_usec;
}

enum verdict service_judge(const struct service_spec *spec, const struct restarts *restarts, enum outcome outcome,
                           usec_t now) {
        if (!is_wanted(spec->restart, outcome))
                return VERDICT_ENDS;
        return is_too_often(spec, restarts, now) ? VERDICT_GIVE_UP : VERDICT_AGAIN;
}

static void note_restart(const struct service_spec *spec, struct restarts *restarts, usec_t now) {
        if (spec->restart_limit_usec == USEC_INFINITY)
                return;
        if (!restarts->at)
                restarts->at = calloc(spec->restart_limit, sizeof(*restarts->at));
        if (!restarts->at) /* not counted: the delay alone holds the pace */
                return;
        restarts->at[restarts->n++ % spec->restart_limit] = now;
}

usec_t service_next(struct run *job, const struct run *leaf) {
        const struct service_spec *spec = job->spec->service;
        struct job *state = &job->job;

        if (state->asked || leaf->leaf.healthy)
                state->n_delays = 0;
        if (state->asked) {
                state->asked = false;
                return 0;
        }
        note_restart(spec, &state->restarts, leaf->ended_usec);
        state->n_delays++;
        return usec_add(leaf->ended_usec, retry_delay(spec->restart_delay_min_usec, spec->restart_delay_max_usec,
                                                      state->n_delays, &job->tree->random));
}

void service_give_up(struct run *job, const struct run *leaf) {
        const struct service_spec *spec = job->spec->service;
        enum error_kind kind = job->errors.n > 0 ? job->errors.items[0].kind : ERROR_EXIT;
        char text[192], span[TEXT_USEC_MAX], name[RUN_NAME_MAX];

        (void)snprintf(text, sizeof(text), "given up: more than %u restarts in %s (restart-limit in [task %.*s])",
                       spec->restart_limit, text_format_usec(spec->restart_limit_usec, span), RUN_SECTION(job->spec));
        errors_add(&job->errors, kind, text, run_name(leaf, name));
        job->outcome = OUTCOME_FAILED;
}

/* ---- readiness ---- */

void leaf_set_ready(struct run *leaf, bool ready) {
        const struct run_listener *listener = &leaf->tree->listener;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        if (leaf->ready == ready)
                return;
        leaf->ready = ready;
        if (ready)
                leaf->leaf.ready_usec = now;
        else if (now - leaf->leaf.ready_usec >= SERVICE_HEALTHY_USEC)
                leaf->leaf.healthy = true;
        if (listener->on_ready)
                listener->on_ready(leaf->parent, ready, listener->arg);
}

void run_set_ready(struct run *run) {
        run->ready = true;
        if (run->parent->ops->child_ready)
                run->parent->ops->child_ready(run->parent, run);
}

void run_leaf_ready(struct run *leaf) {
        if (!leaf->spec->is_service || leaf->leaf.ended || leaf->closing)
                return;
        leaf->bounds[BOUND_START_TIMEOUT] = USEC_INFINITY;
        run_arm(leaf);
        leaf_set_ready(leaf, true);
        run_set_ready(leaf->parent);
}

void run_leaf_unready(struct run *leaf) {
        leaf_set_ready(leaf, false);
}

/* ---- operators ---- */

static int check_asked(const struct run *job) {
        if (job->role != RUN_JOB || !job->spec->service)
                return -EOPNOTSUPP;
        return job->state == RUN_DONE || job->job.settled || run_is_cancelled(job) ? -ESTALE : 0;
}

static bool is_waiting(const struct run *leaf) {
        return leaf->state == RUN_QUEUED && !leaf->closing && !leaf->leaf.ended;
}

/* The end that @leaf comes to is the operator's wish; if it is on its way already, let it be. */
static void end_attempt(struct run *leaf, const char *by) {
        leaf->parent->job.asked = true;
        run_close(leaf, &(struct close_cause){
                                .outcome = OUTCOME_CANCELLED,
                                .reason = CANCEL_OPERATOR,
                                .by = by,
                                .bound = _BOUND_INVALID,
                        });
}

int run_restart(struct run *job, const char *by) {
        struct run *leaf = run_present_leaf(job);
        int r;

        r = check_asked(job);
        if (r < 0)
                return r;
        job->job.kept_down = false;
        if (!leaf) /* it has not begun yet */
                return 0;
        if (!is_waiting(leaf)) {
                end_attempt(leaf, by);
                return 0;
        }
        job->job.n_delays = 0;
        if (!leaf->ticket)
                leaf_queue(leaf, 0);
        return 0;
}

int run_keep_down(struct run *job, const char *by) {
        struct run *leaf = run_present_leaf(job);
        int r;

        r = check_asked(job);
        if (r < 0 || job->job.kept_down)
                return r;
        job->job.kept_down = true;
        if (!leaf)
                return 0;
        if (is_waiting(leaf))
                leaf_hold(leaf);
        else
                end_attempt(leaf, by);
        return 0;
}

bool run_is_kept_down(const struct run *job) {
        return job->role == RUN_JOB && job->job.kept_down;
}

/* ---- another spec ---- */

static void take_spec(struct run *run, const struct run_spec *spec) {
        const struct run_listener *listener = &run->tree->listener;
        const struct run_spec *old = run->spec;

        if (listener->hold)
                listener->hold(spec, listener->arg);
        run->spec = spec;
        if (listener->drop)
                listener->drop(old, listener->arg);
}

/* One that waits for permits waits for those that it will need now. */
static void leaf_take_spec(struct run *leaf, const struct run_spec *spec) {
        usec_t at = leaf->retry_at_usec;
        bool asked = leaf->ticket;

        if (asked)
                leaf_hold(leaf);
        take_spec(leaf, spec);
        if (asked)
                leaf_queue(leaf, at == USEC_INFINITY ? 0 : at);
}

int run_respec(struct run *run, const struct run_spec *spec) {
        struct run *leaf = run->role == RUN_JOB ? run_present_leaf(run) : NULL;

        if (!run->spec->is_service || !spec->is_service || run_role_for(spec) != run->role ||
            (run->role == RUN_JOB && (!run->spec->service || !spec->service)))
                return -EOPNOTSUPP;
        if (run->state == RUN_DONE)
                return -ESTALE;
        if (run->role == RUN_JOB && spec->service->restart_limit != run->spec->service->restart_limit) {
                free(TAKE_PTR(run->job.restarts.at)); /* as many as that had room for */
                run->job.restarts.n = 0;
        }
        take_spec(run, spec);
        if (leaf && is_waiting(leaf))
                leaf_take_spec(leaf, spec);
        return 0;
}

bool run_is_outdated(const struct run *job) {
        const struct run *leaf = job->role == RUN_JOB ? run_present_leaf(job) : NULL;

        return leaf && job->spec->service && leaf->spec != job->spec;
}
