/* SPDX-License-Identifier: MIT */
/* fanout: one task over many items.
 *
 * The source is asked for as many items as there is room for: `concurrency`, less the items that live and those asked
 * for already; and for none while a limit that they would wait for has as many waiters as it takes. So memory is bound
 * by concurrency, however many items there are. An item is a job; it is counted and freed when done. What stays is the
 * summary and the first ITEM_ERRORS_MAX errors.
 *
 * A fan-out that is held back while its group ends (run_hold_back()) reads no more, and ends with the items that work.
 */
#include "run/node.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define ITEM_ERRORS_MAX 20

/* ---- beginning ---- */

static void source_close(struct run *fanout) {
        struct fanout *state = &fanout->fanout;

        if (!state->source_open)
                return;
        state->source_open = false;
        fanout->spec->items->close(state->source);
        state->source = NULL;
        state->wanted = 0;
}

static void end_with(struct run *fanout, enum error_kind error, const char *detail) {
        char name[RUN_NAME_MAX];

        errors_add_first(&fanout->errors, error, detail, run_name(fanout, name));
        fanout->fanout.source_error = error;
        fanout->fanout.source_ended = true;
        run_examine(fanout);
}

static bool has_room(const struct run *fanout) {
        for (const struct run *run = fanout; run->role != RUN_ROOT; run = run->parent)
                for (size_t i = 0; i < run->spec->n_limits; i++)
                        if (!limit_has_room(run->spec->limits[i].limit))
                                return false;
        return true;
}

static void ask_for_more(struct run *fanout) {
        struct fanout *state = &fanout->fanout;
        size_t busy = fanout->n_live + state->wanted;
        size_t n = fanout->spec->concurrency > busy ? fanout->spec->concurrency - busy : 0;

        if (!state->source_open || state->source_ended || n == 0 || run_is_cancelled(fanout))
                return;
        if (!has_room(fanout)) {
                if (busy > 0)
                        return;
                n = 1; /* others fill the queue: stand in it with one item, so that its turn brings the next */
        }
        state->wanted += n;
        fanout->spec->items->want(state->source, n);
}

static void fanout_begin(struct run *fanout) {
        struct fanout *state = &fanout->fanout;
        int r;

        state->latency = calloc(1, sizeof(*state->latency));
        if (!state->latency) {
                end_with(fanout, ERROR_SPAWN, "out of memory");
                return;
        }
        run_set_waiting(fanout, true);
        r = fanout->spec->items->open(fanout, &state->source);
        if (r < 0) {
                end_with(fanout, ERROR_IO, strerror(-r));
                return;
        }
        state->source_open = true;
        ask_for_more(fanout);
}

/* ---- items ---- */

void fanout_push(struct run *fanout, const char *item, size_t length) {
        struct fanout *state = &fanout->fanout;
        struct run *run;

        if (run_is_cancelled(fanout) || !state->source_open)
                return;
        assert(state->wanted > 0);
        state->wanted--;
        run_set_waiting(fanout, false);
        run = run_new(fanout, fanout->spec, RUN_JOB, ++state->summary.total);
        if (run)
                run->item = strndup(item, length);
        if (!run || !run->item) {
                end_with(fanout, ERROR_SPAWN, "out of memory");
                if (run)
                        run_close(run, &(struct close_cause){ .outcome = OUTCOME_FAILED, .bound = _BOUND_INVALID });
                return;
        }
        /* Bounded by its attempts, and by the fan-out's own total-timeout. */
        run->bounds[BOUND_TOTAL_TIMEOUT] = USEC_INFINITY;
        run->ops->begin(run);
}

static void count(struct run *fanout, enum outcome outcome, const struct errors *errors) {
        struct fanout *state = &fanout->fanout;

        state->summary.by_outcome[outcome]++;
        if (outcome == OUTCOME_OK)
                return;
        if (!outcome_is_failure(outcome)) {
                state->n_other++;
                return;
        }
        state->n_failed++;
        state->summary.by_kind[errors->n > 0 ? errors->items[0].kind : ERROR_NONE]++;
        if (errors->n > 0 && fanout->errors.n < ITEM_ERRORS_MAX)
                errors_add(&fanout->errors, errors->items[0].kind, errors->items[0].detail, errors->items[0].run);
        else
                fanout->errors.n_lost++;
}

/* Percent can only be judged when the number of items is known: when the last was read, or none is read any more. */
static bool too_many_failed(const struct run *fanout) {
        const struct run_spec *spec = fanout->spec;
        const struct fanout *state = &fanout->fanout;

        if (!spec->items_may_fail_percent)
                return state->n_failed > spec->items_may_fail;
        return (state->source_ended || fanout->closing) &&
               state->n_failed * 100 > state->summary.total * spec->items_may_fail;
}

/* @culprit: the item that has just failed, or NULL. */
static void cancel_if_too_many_failed(struct run *fanout, const char *culprit) {
        if (!fanout->spec->cancel_on_item_failure || fanout->closing || !too_many_failed(fanout))
                return;
        fanout->fanout.culprit = culprit ? strdup(culprit) : NULL;
        run_close(fanout, &(struct close_cause){ .outcome = OUTCOME_FAILED, .bound = _BOUND_INVALID });
}

void fanout_push_bad(struct run *fanout, const char *shown, enum error_kind error, const char *detail) {
        const struct run_listener *listener = &fanout->tree->listener;
        struct fanout *state = &fanout->fanout;
        struct errors errors = { 0 };
        char name[RUN_NAME_MAX], item[RUN_NAME_MAX + 32], text[512];

        if (run_is_cancelled(fanout) || !state->source_open)
                return;
        assert(state->wanted > 0);
        state->wanted--;
        (void)snprintf(item, sizeof(item), "%s/item %" PRIu64, run_name(fanout, name), ++state->summary.total);
        (void)snprintf(text, sizeof(text), "%s: %.80s", detail, shown);
        errors_add(&errors, error, text, item);
        count(fanout, OUTCOME_FAILED, &errors);
        if (listener->on_item)
                listener->on_item(fanout, NULL, OUTCOME_FAILED, &errors, listener->arg);
        errors_done(&errors);
        cancel_if_too_many_failed(fanout, item);
        run_examine(fanout);
}

void fanout_end(struct run *fanout, enum error_kind error, const char *detail) {
        if (fanout->closing)
                return;
        fanout->fanout.source_ended = true;
        fanout->fanout.wanted = 0;
        if (error != ERROR_NONE)
                end_with(fanout, error, detail);
        cancel_if_too_many_failed(fanout, NULL);
        run_examine(fanout);
}

/* ---- the role ---- */

static void fanout_child_done(struct run *fanout, struct run *item) {
        const struct run_listener *listener = &fanout->tree->listener;
        char name[RUN_NAME_MAX];

        if (item->started_usec > 0)
                histogram_record(fanout->fanout.latency, item->ended_usec - item->started_usec);
        count(fanout, item->outcome, &item->errors);
        if (listener->on_item)
                listener->on_item(fanout, item, item->outcome, &item->errors, listener->arg);
        if (outcome_is_failure(item->outcome))
                cancel_if_too_many_failed(fanout, run_name(item, name));
        run_bury(item);
}

/* The source may be in the middle of pushing: it is closed in the next turn. */
static void fanout_close(struct run *fanout) {
        run_close_children(fanout, fanout->fanout.culprit);
}

static void conclude(struct run *fanout) {
        struct fanout *state = &fanout->fanout;
        bool failed = state->source_error != ERROR_NONE || too_many_failed(fanout);
        enum outcome outcome = OUTCOME_OK;
        uint64_t n = state->n_failed > 0 ? state->n_failed : state->n_other;
        char text[128];

        state->summary.broken = state->source_error != ERROR_NONE;
        state->summary.complete = state->source_ended && !state->summary.broken && !fanout->closing;
        if (n > 0 && !fanout->reason) {
                (void)snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " items %s", n, state->summary.total,
                               state->n_failed > 0 ? "failed" : "were cancelled or never started");
                fanout->reason = strdup(text);
        }
        if (failed)
                outcome = OUTCOME_FAILED;
        else if (state->n_other > 0)
                outcome = OUTCOME_CANCELLED;
        run_finish(fanout, fanout->fixed ? fanout->outcome : outcome);
}

static void fanout_settle(struct run *fanout) {
        const struct fanout *state = &fanout->fanout;

        if (fanout->n_live == 0 && !fanout->closing && !state->source_ended && run_is_cancelled(fanout))
                run_close_child(fanout, NULL); /* it was held back, and what worked has ended */
        if (fanout->closing)
                source_close(fanout);
        if (fanout->n_live > 0 || !(fanout->closing || state->source_ended)) {
                ask_for_more(fanout);
                return;
        }
        source_close(fanout);
        conclude(fanout);
}

static void fanout_done(struct run *fanout) {
        source_close(fanout);
        free(fanout->fanout.latency);
        free(fanout->fanout.culprit);
}

const struct items_summary *run_items_so_far(struct run *run) {
        struct histogram_summary latency = { 0 };
        struct items_summary *summary;

        if (run->role != RUN_FANOUT)
                return NULL;
        summary = &run->fanout.summary;
        if (run->fanout.latency)
                histogram_summarize(run->fanout.latency, &latency);
        summary->latency_usec.min = latency.min_usec;
        summary->latency_usec.p50 = latency.p50_usec;
        summary->latency_usec.p90 = latency.p90_usec;
        summary->latency_usec.p99 = latency.p99_usec;
        summary->latency_usec.max = latency.max_usec;
        return summary;
}

const struct role_ops run_fanout_ops = {
        .begin = fanout_begin,
        .child_done = fanout_child_done,
        .close = fanout_close,
        .settle = fanout_settle,
        .done = fanout_done,
};
