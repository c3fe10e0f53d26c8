/* SPDX-License-Identifier: MIT */
/* leaf: one attempt: waits for its permits, has its kind do the work, and takes what comes of it. */
#include "run/node.h"

#include <assert.h>
#include <stdio.h>

/* ---- permits ---- */

#define USES_MAX 64

static int add_use(struct limit_use *uses, size_t *n, const struct limit_use *use) {
        for (size_t i = 0; i < *n; i++) {
                if (uses[i].limit != use->limit)
                        continue;
                uses[i].permits = MAX(uses[i].permits, use->permits);
                return 0;
        }
        if (*n == USES_MAX)
                return -E2BIG;
        uses[(*n)++] = *use;
        return 0;
}

/* The leaf's own limits and those of all above. One named on several levels is needed once, with the largest number. */
static int collect_uses(const struct run *leaf, struct limit_use *uses, size_t *ret_n) {
        const struct run_tree *tree = leaf->tree;
        int r;

        *ret_n = 0;
        if (tree->max_running && run_leaf_counts(leaf)) {
                r = add_use(uses, ret_n, &(struct limit_use){ .limit = tree->max_running, .permits = 1 });
                if (r < 0)
                        return r;
        }
        for (const struct run *run = leaf; run->role != RUN_ROOT; run = run->parent) {
                if (run->parent->spec == run->spec)
                        continue;
                for (size_t i = 0; i < run->spec->n_limits; i++) {
                        r = add_use(uses, ret_n, &run->spec->limits[i]);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static void end_with(struct run *leaf, enum error_kind error, const char *detail) {
        run_leaf_end(leaf, &(struct leaf_end){ .error = error, .detail = detail, .exit_code = 126 });
}

static void skip(struct run *leaf) {
        leaf->reason = strdup("queue-full: as many runs as max-waiting allows wait for one of its limits already");
        run_close(leaf, &(struct close_cause){ .outcome = OUTCOME_SKIPPED, .bound = _BOUND_INVALID });
}

static void leaf_begin(struct run *leaf) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        int r;

        leaf->bounds[BOUND_QUEUE_TIMEOUT] = USEC_INFINITY;
        leaf->bounds[BOUND_TIMEOUT] = usec_add(now, leaf->spec->bounds[BOUND_TIMEOUT]);
        if (leaf->spec->service)
                leaf->bounds[BOUND_START_TIMEOUT] = usec_add(now, leaf->spec->bounds[BOUND_START_TIMEOUT]);
        run_arm(leaf);
        run_mark_started(leaf, RUN_STARTING);
        run_begin_lending(leaf);
        loop_set_subject(leaf->tree->loop, leaf->spec->name);
        r = leaf->spec->leaf->start(leaf);
        if (r < 0)
                end_with(leaf, ERROR_SPAWN, strerror(-r));
}

static void on_granted(struct limit_ticket *ticket _unused_, void *arg) {
        if (!run_hold_hook(arg))
                leaf_begin(arg);
}

static void request(struct run *leaf) {
        struct limit_use uses[USES_MAX];
        struct limit_request wish = {
                .uses = uses,
                .priority = leaf->spec->priority,
                .exempt = leaf->parent->item != NULL,
                .on_granted = on_granted,
                .arg = leaf,
        };
        int r;

        r = collect_uses(leaf, uses, &wish.n_uses);
        if (r >= 0)
                r = limit_request(leaf->tree->limits, &wish, &leaf->ticket);
        if (r == -ENOBUFS) {
                skip(leaf);
                return;
        }
        if (r < 0) {
                end_with(leaf, ERROR_SPAWN, r == -EINVAL ? "asks for more permits than its limit has" : strerror(-r));
                return;
        }
        leaf->bounds[BOUND_QUEUE_TIMEOUT] =
                usec_add(clock_now(CLOCK_ID_MONOTONIC), leaf->spec->bounds[BOUND_QUEUE_TIMEOUT]);
        run_arm(leaf);
}

void leaf_queue(struct run *leaf, usec_t not_before_usec) {
        leaf->retry_at_usec = not_before_usec > 0 ? not_before_usec : USEC_INFINITY;
        run_arm(leaf);
        if (not_before_usec == 0)
                request(leaf);
}

void leaf_hold(struct run *leaf) {
        leaf->ticket = limit_release(leaf->ticket);
        leaf->bounds[BOUND_QUEUE_TIMEOUT] = USEC_INFINITY;
        leaf->retry_at_usec = USEC_INFINITY;
        run_arm(leaf);
}

/* ---- its kind ---- */

void run_leaf_set_data(struct run *leaf, void *data) {
        leaf->leaf.data = data;
}

void *run_leaf_data(const struct run *leaf) {
        return leaf->leaf.data;
}

void run_leaf_started(struct run *leaf) {
        if (leaf->state != RUN_STARTING || leaf->leaf.ended)
                return;
        run_mark_started(leaf, RUN_RUNNING);
        if (leaf->spec->bounds[BOUND_IDLE_TIMEOUT] == USEC_INFINITY)
                return;
        leaf->bounds[BOUND_IDLE_TIMEOUT] =
                usec_add(clock_now(CLOCK_ID_MONOTONIC), leaf->spec->bounds[BOUND_IDLE_TIMEOUT]);
        run_arm(leaf);
}

void run_leaf_process(struct run *leaf, int pid, uint64_t start_ticks, bool gone) {
        const struct run_listener *listener = &leaf->tree->listener;

        if (listener->on_process && leaf->state != RUN_DONE)
                listener->on_process(leaf->parent, pid, start_ticks, gone, listener->arg);
}

void run_leaf_output(struct run *leaf) {
        leaf->leaf.output_usec = clock_now(CLOCK_ID_MONOTONIC);
}

void run_leaf_set_status(struct run *leaf, const char *status) {
        free(leaf->leaf.status);
        leaf->leaf.status = *status ? strdup(status) : NULL;
}

void run_leaf_set_progress(struct run *leaf, uint64_t done, uint64_t total) {
        leaf->leaf.has_progress = true;
        leaf->leaf.progress_done = done;
        leaf->leaf.progress_total = total;
}

void run_leaf_fail(struct run *leaf, enum error_kind error, const char *detail) {
        char name[RUN_NAME_MAX];

        if (leaf->leaf.ended || leaf->closing || (leaf->state != RUN_STARTING && leaf->state != RUN_RUNNING))
                return;
        errors_add(&leaf->errors, error, detail, run_name(leaf, name));
        run_close(leaf, &(struct close_cause){ .outcome = OUTCOME_FAILED, .bound = _BOUND_INVALID });
}

static void note_usage(struct run *leaf, const struct leaf_end *end) {
        leaf->cpu_usec = MAX(leaf->cpu_usec, end->cpu_usec);
        leaf->memory_peak = MAX(leaf->memory_peak, end->memory_peak);
}

void run_leaf_tidies(struct run *leaf, usec_t usec) {
        leaf->stop_at_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), usec);
        run_arm(leaf);
}

/* Copies the sentence about what was noted; a later one may know more. */
static void note_detail(struct leaf *state, const struct leaf_end *end) {
        char *detail = state->error != ERROR_NONE && end->detail ? strdup(end->detail) : NULL;

        if (!detail)
                return;
        free(state->detail);
        state->detail = detail;
}

static void note_end(struct leaf *state, const struct leaf_end *end) {
        state->error = end->error;
        state->clean = end->clean_when_stopped;
        state->exit_code = end->exit_code;
        note_detail(state, end);
}

void run_leaf_exited(struct run *leaf, const struct leaf_end *end) {
        struct leaf *state = &leaf->leaf;

        if (state->ended || leaf->closing || (leaf->state != RUN_STARTING && leaf->state != RUN_RUNNING))
                return;
        note_end(state, end);
        note_usage(leaf, end);
        state->exited = true;
        leaf->fixed = true;
        leaf->outcome = end->error == ERROR_NONE ? OUTCOME_OK : OUTCOME_FAILED;
        leaf->closing = true;
        list_remove(&leaf->due_link);
        leaf_set_ready(leaf, false);
        run_set_state(leaf, RUN_STOPPING);
        job_leaf_exited(leaf->parent, leaf);
        leaf_await_end(leaf);
}

void run_leaf_end(struct run *leaf, const struct leaf_end *end) {
        struct leaf *state = &leaf->leaf;

        if (state->ended || state->abandoned || leaf->state == RUN_DONE)
                return;
        state->ended = true;
        if (!state->exited)
                note_end(state, end);
        else
                note_detail(state, end);
        note_usage(leaf, end);
        leaf_set_ready(leaf, false);
        state->tail = end->output_tail ? strdup(end->output_tail) : NULL;
        run_examine(leaf);
}

/* ---- the role ---- */

static void leaf_close(struct run *leaf) {
        switch (leaf->state) {
        case RUN_QUEUED: leaf->ticket = limit_release(leaf->ticket); break;
        case RUN_STARTING:
        case RUN_RUNNING: leaf_stop(leaf); break;
        default: break;
        }
}

static void add_own_error(struct run *leaf) {
        const struct leaf *state = &leaf->leaf;
        char name[RUN_NAME_MAX];

        bool was_stopped = leaf->closing && !state->exited;

        if ((state->ended || state->exited) && state->error != ERROR_NONE && !(was_stopped && state->clean))
                errors_add(&leaf->errors, state->error,
                           state->detail ? state->detail : error_kind_to_string(state->error), run_name(leaf, name));
}

static void add_unkillable(struct run *leaf) {
        char name[RUN_NAME_MAX];

        errors_add_first(&leaf->errors, ERROR_UNKILLABLE, "processes of the run are still there after SIGKILL",
                         run_name(leaf, name));
}

static void leaf_settle(struct run *leaf) {
        const struct leaf *state = &leaf->leaf;
        bool unkillable = state->abandoned && leaf->spec->leaf->abandoned_is_unkillable;

        if (!state->ended && !state->abandoned && !(leaf->closing && leaf->state == RUN_QUEUED))
                return;
        add_own_error(leaf);
        if (unkillable)
                add_unkillable(leaf);

        if (unkillable)
                run_finish(leaf, OUTCOME_FAILED);
        else if (leaf->fixed)
                run_finish(leaf, leaf->outcome);
        else
                run_finish(leaf, state->error == ERROR_NONE ? OUTCOME_OK : OUTCOME_FAILED);
}

static void leaf_done(struct run *leaf) {
        if (leaf->leaf.data && !leaf->leaf.abandoned && leaf->spec->leaf->release)
                leaf->spec->leaf->release(leaf->leaf.data);
        free(leaf->leaf.detail);
        free(leaf->leaf.status);
        free(leaf->leaf.tail);
}

const struct role_ops run_leaf_ops = {
        .begin = leaf_begin,
        .close = leaf_close,
        .settle = leaf_settle,
        .retry = request,
        .done = leaf_done,
};
