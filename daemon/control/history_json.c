/* SPDX-License-Identifier: MIT */
/* history_json: see history_json.h. */
#include "control/history_json.h"

#include "control/methods.h"
#include "live/outcome_json.h"

/* What is not known, or is nothing, is left out. */
static json_t *text_or_none(const char *text) {
        return text && *text ? json_text(text) : NULL;
}

static json_t *usec_or_none(usec_t usec) {
        return usec > 0 ? json_usec(usec) : NULL;
}

/* How it ended, which only a run has that did. */
static int add_end(json_t *json, const struct store_run *run) {
        json_t *end =
                json_pack("{s:o, s:s, s:s*, s:o*, s:o, s:o, s:i, s:i, s:o*, s:o*}", "ended_usec",
                          json_usec(run->ended_usec), "outcome", outcome_to_string(run->outcome), "error",
                          run->error == ERROR_NONE ? NULL : error_kind_to_string(run->error), "detail",
                          text_or_none(run->detail), "queued_usec", json_usec(run->queued_usec), "duration_usec",
                          json_usec(run->duration_usec), "attempts", (int)run->attempts, "exit_code", run->exit_code,
                          "cpu_usec", usec_or_none(run->cpu_usec), "memory_peak", usec_or_none(run->memory_peak));
        int r = json_object_update(json, end);

        json_decref(end);
        return r;
}

/* The outcome tree that the store has as @text; NULL: it is none. */
static json_t *tree_to_json(const char *text) {
        struct result *result = text ? outcome_parse(text) : NULL;
        json_t *json = result ? outcome_to_json(result) : NULL;

        result_unref(result);
        return json;
}

static json_t *ran_to_json(const struct store_run *run) {
        json_t *json = json_pack("{s:s, s:o, s:o*, s:o*, s:o, s:b, s:b, s:o*, s:o*}", "task", run->task, "run",
                                 json_text(run->run), "trigger", text_or_none(run->trigger), "due_usec",
                                 usec_or_none(run->due_usec), "begun_usec", json_usec(run->begun_usec), "service",
                                 (int)run->service, "hook", (int)run->hook, "result", tree_to_json(run->json),
                                 "output_tail", text_or_none(run->tail));

        if (json && run->ended_usec > 0 && add_end(json, run) < 0) {
                json_decref(json);
                return NULL;
        }
        return json;
}

static json_t *missed_to_json(const struct store_missed *missed) {
        return json_pack("{s:s, s:s, s:o, s:o, s:I, s:s, s:o*, s:o}", "task", missed->task, "trigger",
                         missed->trigger ? missed->trigger : "", "first_due_usec", json_usec(missed->first_due_usec),
                         "last_due_usec", json_usec(missed->last_due_usec), "n", (json_int_t)missed->n, "reason",
                         missed->reason ? missed->reason : "", "detail", text_or_none(missed->detail), "found_usec",
                         json_usec(missed->at_usec));
}

/* What was to be remembered meanwhile, and was lost. */
static json_t *gap_to_json(const struct store_missed *gap) {
        return json_pack("{s:o, s:o, s:I, s:o*}", "from_usec", json_usec(gap->first_due_usec), "to_usec",
                         json_usec(gap->last_due_usec), "n", (json_int_t)gap->n, "detail", text_or_none(gap->detail));
}

json_t *past_to_json(const struct store_history_row *row) {
        if (row->run)
                return json_pack("{s:o}", "ran", ran_to_json(row->run));
        if (!row->missed->task)
                return json_pack("{s:o}", "gap", gap_to_json(row->missed));
        return json_pack("{s:o}", "missed", missed_to_json(row->missed));
}

json_t *summary_to_json(const struct store_summary *summary, usec_t since_usec) {
        json_t *outcomes = json_object(), *last = json_array();
        bool any_ok = summary->by_outcome[OUTCOME_OK] > 0;

        for (int i = 0; i < _OUTCOME_MAX; i++)
                (void)json_object_set_new(outcomes, outcome_to_string((enum outcome)i),
                                          json_integer((json_int_t)summary->by_outcome[i]));
        for (size_t i = 0; i < summary->n_last; i++)
                (void)json_array_append_new(last, json_pack("{s:o, s:o, s:s}", "begun_usec",
                                                            json_usec(summary->last[i].begun_usec), "duration_usec",
                                                            json_usec(summary->last[i].duration_usec), "outcome",
                                                            outcome_to_string(summary->last[i].outcome)));
        return json_pack("{s:o*, s:o, s:I, s:o*, s:o*, s:o*, s:o*, s:o}", "since_usec", usec_or_none(since_usec),
                         "outcomes", outcomes, "missed", (json_int_t)summary->missed, "p50_usec",
                         any_ok ? json_usec(summary->p50_usec) : NULL, "p90_usec",
                         any_ok ? json_usec(summary->p90_usec) : NULL, "p99_usec",
                         any_ok ? json_usec(summary->p99_usec) : NULL, "max_usec",
                         any_ok ? json_usec(summary->max_usec) : NULL, "last", last);
}
