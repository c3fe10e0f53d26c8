/* SPDX-License-Identifier: MIT */
/* verb_history: what was: runs, occurrences that were not run, and what the store lost. */
#include "base/text.h"
#include "tendctl/print.h"
#include "tendctl/time_arg.h"
#include "tendctl/verb.h"

#include <stdio.h>

#define N_DEFAULT  20
#define N_MAX      1000000
#define DETAIL_MAX 1024

/* ---- a table of what was ---- */

/* When it was due, where that is not when it was begun; without the date, where that is the same. */
static const char *format_due(json_int_t due, json_int_t begun, char buf[WHEN_MAX]) {
        char due_date[WHEN_MAX], begun_date[WHEN_MAX];
        bool same_day;

        if (due == 0 || (begun >= due && begun - due < (json_int_t)USEC_PER_SEC))
                return "";
        same_day = streq(format_date(due, due_date), format_date(begun, begun_date));
        return same_day ? format_time(due, buf) : format_clock(due, buf);
}

/* Without who the operator is, or whoever started it from inside of a run: there is no room for that. */
static void add_trigger(struct table *table, const char *trigger) {
        const char *who = strstr(trigger, " (uid ");

        if (strncmp(trigger, "uid ", 4) == 0)
                table_cell(table, PAINT_NONE, "operator");
        else
                table_cellf(table, PAINT_NONE, "%.*s", (int)(who ? (size_t)(who - trigger) : strlen(trigger)), trigger);
}

static void add_ran(struct table *table, const json_t *ran) {
        json_int_t begun = get_int(ran, "begun_usec"), attempts = get_int(ran, "attempts");
        char when[WHEN_MAX], due[WHEN_MAX], took[WHEN_MAX], outcome[WHEN_MAX], tries[32] = "";

        if (attempts > 1)
                (void)snprintf(tries, sizeof(tries), "%lld attempts", (long long)attempts);
        table_cell(table, PAINT_BOLD, get_string(ran, "run"));
        table_cell(table, PAINT_NONE, format_clock(begun, when));
        table_cell(table, paint_for(get_string(ran, "outcome")), format_outcome(ran, outcome));
        table_cell(table, PAINT_NONE, format_span(get_int(ran, "duration_usec"), took));
        add_trigger(table, get_string(ran, "trigger"));
        table_cell(table, PAINT_NONE, format_due(get_int(ran, "due_usec"), begun, due));
        table_cellf(table, PAINT_NONE, "%s%s%s", get_string(ran, "detail"),
                    *tries && *get_string(ran, "detail") ? "; " : "", tries);
        table_end_row(table);
}

/* Neighbours that were not run for the same reason are one row. Returns what stands for @past and those behind it, at
 * @index, which is moved to the last of them; its reference is the caller's. */
static json_t *join_missed(const json_t *history, size_t *index) {
        static const char *const same[] = { "task", "trigger", "reason", "detail" };
        json_t *joined = json_copy(json_object_get(json_array_get(history, *index), "missed"));

        for (;; (*index)++) {
                const json_t *next = json_object_get(json_array_get(history, *index + 1), "missed");
                bool joins = next != NULL;

                for (size_t i = 0; i < ARRAY_SIZE(same) && joins; i++)
                        joins = streq(get_string(joined, same[i]), get_string(next, same[i]));
                if (!joins)
                        return joined;
                (void)json_object_set_new(joined, "n", json_integer(get_int(joined, "n") + get_int(next, "n")));
                (void)json_object_set(joined, "first_due_usec", json_object_get(next, "first_due_usec"));
        }
}

/* "overlap: the last run is still at work": with the reason in front, if it is not there already. */
static void add_reason(struct table *table, const char *reason, const char *detail) {
        bool there = !*reason || strncmp(detail, reason, strlen(reason)) == 0;

        table_cellf(table, PAINT_NONE, "%s%s%s", there ? "" : reason, there || !*detail ? "" : ": ", detail);
}

static void add_missed(struct table *table, const json_t *missed) {
        json_int_t first = get_int(missed, "first_due_usec"), last = get_int(missed, "last_due_usec");
        const char *reason = get_string(missed, "reason"), *detail = get_string(missed, "detail");
        char when[WHEN_MAX], due[WHEN_MAX];
        bool range = last - first >= (json_int_t)USEC_PER_SEC;

        table_cell(table, PAINT_DIM, get_string(missed, "task"));
        table_cell(table, PAINT_DIM, format_clock(first, when));
        if (get_int(missed, "n") > 1)
                table_cellf(table, PAINT_WARN, "%lld not run", (long long)get_int(missed, "n"));
        else
                table_cell(table, PAINT_WARN, "not run");
        table_cell(table, PAINT_NONE, "");
        table_cell(table, PAINT_DIM, get_string(missed, "trigger"));
        table_cellf(table, PAINT_DIM, "%s%s", range ? "to " : "", range ? format_due(last, first, due) : "");
        add_reason(table, reason, detail);
        table_end_row(table);
}

static void add_gap(struct table *table, const json_t *gap) {
        json_int_t from = get_int(gap, "from_usec"), to = get_int(gap, "to_usec");
        const char *detail = get_string(gap, "detail");
        char when[WHEN_MAX], end[WHEN_MAX];

        table_cell(table, PAINT_BAD, "(gap)");
        table_cell(table, PAINT_NONE, format_clock(from, when));
        table_cell(table, PAINT_BAD, "not known");
        table_cell(table, PAINT_NONE, "");
        table_cell(table, PAINT_NONE, "");
        table_cellf(table, PAINT_NONE, "to %s", *format_due(to, from, end) ? end : format_time(to, end));
        table_cellf(table, PAINT_NONE, "%lld records lost%s%s", (long long)get_int(gap, "n"), *detail ? ": " : "",
                    detail);
        table_end_row(table);
}

static void print_table(const json_t *history) {
        static const char *const headings[] = { "RUN", "WHEN", "OUTCOME", "TOOK", "TRIGGER", "DUE", "", NULL };
        _cleanup_(table_freep) struct table *table = table_new(headings);
        if (!table)
                return;
        table_spill(table);
        for (size_t index = 0; index < json_array_size(history); index++) {
                const json_t *past = json_array_get(history, index);

                if (json_object_get(past, "ran"))
                        add_ran(table, json_object_get(past, "ran"));
                else if (json_object_get(past, "missed")) {
                        json_t *missed = join_missed(history, &index);

                        add_missed(table, missed);
                        json_decref(missed);
                } else
                        add_gap(table, json_object_get(past, "gap"));
        }
        table_print(table);
}

/* ---- one run ---- */

/* The outcome tree; of a run that was ok and had none below it the store keeps none. */
static void print_tree(const json_t *ran) {
        const char *outcome = get_string(ran, "outcome"), *error = get_string(ran, "error");
        char took[WHEN_MAX];

        if (json_object_get(ran, "result")) {
                print_outcome(json_object_get(ran, "result"));
                return;
        }
        print_painted(PAINT_BOLD, get_string(ran, "run"));
        printf("  ");
        print_painted(paint_for(outcome), outcome);
        printf("  %s%s%s%s", format_span(get_int(ran, "duration_usec"), took), *error ? "  " : "", error,
               *error && *get_string(ran, "detail") ? ": " : "");
        print_safe(get_string(ran, "detail"), false);
        putchar('\n');
}

static void print_run(const json_t *ran) {
        json_int_t due = get_int(ran, "due_usec");
        char text[DETAIL_MAX], when[WHEN_MAX];

        print_painted(PAINT_BOLD, get_string(ran, "run"));
        if (!json_object_get(ran, "outcome")) {
                printf(" has not ended; see tendctl why '%s'\n", get_string(ran, "run"));
                return;
        }
        putchar('\n');
        (void)snprintf(text, sizeof(text), "%s%s%s", get_string(ran, "trigger"), due > 0 ? ", due " : "",
                       due > 0 ? format_clock(due, when) : "");
        print_fact("trigger", text);
        print_fact("begun", format_clock(get_int(ran, "begun_usec"), when));
        print_fact("ended", format_clock(get_int(ran, "ended_usec"), when));
        if (get_int(ran, "queued_usec") > 0)
                print_fact("waited", format_span(get_int(ran, "queued_usec"), when));
        putchar('\n');
        print_tree(ran);
        print_usage(ran);
        if (*get_string(ran, "output_tail")) {
                printf("\nthe end of its output:\n");
                print_safe(get_string(ran, "output_tail"), true);
                putchar('\n');
        }
}

static void print_runs_of_past(const json_t *history) {
        size_t index;
        json_t *past;

        json_array_foreach((json_t *)history, index, past) {
                if (index > 0)
                        putchar('\n');
                print_run(json_object_get(past, "ran"));
        }
}

/* ---- the verb ---- */

struct collected {
        json_t *history;
        json_t *summary; /* or NULL */
};

static int on_answer(_unused_ struct ctl *ctl, const json_t *parameters, void *arg) {
        json_t *summary = json_object_get(parameters, "summary");
        struct collected *collected = arg;

        if (summary && !collected->summary)
                collected->summary = json_incref(summary);
        if (json_array_extend(collected->history, json_object_get(parameters, "history")) < 0)
                return ctl_error(CTL_FAILED, "the daemon's answer has no history");
        return CTL_OK;
}

static void print_collected(const struct verb_args *args, const struct collected *collected, bool run) {
        size_t n = json_array_size(collected->history);

        if (run) {
                print_runs_of_past(collected->history);
                return;
        }
        if (collected->summary) {
                print_painted(PAINT_BOLD, args->words[0]);
                if (args->options[HISTORY_SINCE])
                        printf(" since %s", args->options[HISTORY_SINCE]);
                putchar('\n');
                if (print_summary(collected->summary) && n > 0)
                        putchar('\n');
        }
        if (n > 0)
                print_table(collected->history);
        else
                printf(args->options[HISTORY_FAILED] ? "no run failed\n" : "no run has ended, and none was missed\n");
}

/* The instant that the option @row, @name, has. Returns CTL_OK, or CTL_USAGE with a message. */
static int read_time(const struct verb_args *args, size_t row, const char *name, json_t **ret) {
        const char *text = args->options[row];
        usec_t usec;

        *ret = NULL;
        if (!text)
                return CTL_OK;
        if (time_arg_parse(text, TIME_AGO, clock_now(CLOCK_ID_REALTIME), &usec) < 0)
                return ctl_error(CTL_USAGE, "--%s %s: not a time; for instance yesterday, '2025-03-30 02:30', 2h", name,
                                 text);
        *ret = json_integer((json_int_t)usec);
        return CTL_OK;
}

/* The parameters of the call; NULL, with a message: the options are wrong. */
static json_t *make_parameters(const struct verb_args *args, const char *run) {
        const char *lines = args->options[HISTORY_LINES];
        bool bounded = args->options[HISTORY_SINCE] || args->options[HISTORY_UNTIL];
        json_t *since, *until;
        uint64_t n = bounded ? 0 : N_DEFAULT;

        if (lines && text_parse_uint(lines, 1, N_MAX, &n) < 0) {
                (void)ctl_error(CTL_USAGE, "--lines %s: a number from 1 to %d", lines, N_MAX);
                return NULL;
        }
        if (read_time(args, HISTORY_SINCE, "since", &since) != CTL_OK)
                return NULL;
        if (read_time(args, HISTORY_UNTIL, "until", &until) != CTL_OK) {
                json_decref(since);
                return NULL;
        }
        return json_pack("{s:o*, s:s*, s:b, s:b, s:o*, s:o*, s:o*}", "tasks",
                         run ? NULL : ctl_strings(args->words, args->n), "run", run, "failed",
                         args->options[HISTORY_FAILED] != NULL, "hooks", args->options[HISTORY_HOOKS] != NULL,
                         "since_usec", since, "until_usec", until, "n", n > 0 ? json_integer((json_int_t)n) : NULL);
}

int verb_history(struct ctl *ctl, const struct verb_args *args) {
        const char *run = args->n == 1 && strchr(args->words[0], '#') ? args->words[0] : NULL;
        struct collected collected = { 0 };
        json_t *parameters;
        int code;

        for (size_t i = 0; i < args->n && !run; i++)
                if (strchr(args->words[i], '#'))
                        return ctl_error(CTL_USAGE, "%s: one run, or tasks", args->words[i]);
        parameters = make_parameters(args, run);
        if (!parameters)
                return CTL_USAGE;
        collected.history = json_array();
        code = ctl_call(ctl, "History", parameters, CTL_MORE, on_answer, &collected);
        if (code == CTL_OK && ctl->json)
                code = print_json(json_pack("{s:O, s:O*}", "history", collected.history, "summary", collected.summary));
        else if (code == CTL_OK)
                print_collected(args, &collected, run != NULL);
        json_decref(collected.history);
        json_decref(collected.summary);
        return code;
}
