/* SPDX-License-Identifier: MIT */
/* verb_tasks: list, show. */
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <stdio.h>

/* Columns from which on there is room for what kind a task is. */
#define WIDE 100

static void add_task(struct table *table, const json_t *task, bool kind) {
        const json_t *last = json_object_get(task, "last");
        const char *state = get_string(task, "state"), *by = get_string(json_object_get(task, "service"), "stopped_by");
        const char *paused = get_string(task, "paused_by");
        char ended[WHEN_MAX], next[WHEN_MAX], shown[WHEN_MAX], outcome[WHEN_MAX];

        table_cell(table, PAINT_NONE, get_string(task, "name"));
        if (kind)
                table_cell(table, PAINT_DIM, get_string(task, "kind"));
        table_cellf(table, get_bool(task, "slow") ? PAINT_WARN : paint_for(state), "%s%s%s%s%s",
                    format_state(json_object_get(task, "service"), state, shown),
                    get_bool(task, "failing") && !streq(state, "failing") && !streq(state, "gave-up") ? ", failing"
                                                                                                      : "",
                    get_bool(task, "slow") ? ", slow" : "", get_bool(task, "stale") ? ", stale" : "",
                    *paused && !streq(state, "paused") ? ", paused" : "");
        table_cell(table, paint_for(get_string(last, "outcome")), format_outcome(last, outcome));
        table_cell(table, PAINT_NONE, format_relative(get_int(last, "ended_usec"), ended));
        table_cell(table, PAINT_NONE, *paused ? "" : format_clock(get_int(task, "next_usec"), next));
        if (*by)
                table_cellf(table, PAINT_NONE, "stopped by %s", by);
        else if (*paused)
                table_cellf(table, PAINT_NONE, "paused by %s", paused);
        else
                table_cell(table, PAINT_NONE,
                           *get_string(last, "detail") ? get_string(last, "detail") : get_string(task, "description"));
        table_end_row(table);
}

/* What --state takes: the kinds of what can be wrong with a task. */
const char *const verb_list_states[] = { "failing",  "stale",   "remnant", "slow", "restarting",
                                         "outdated", "stopped", "paused",  NULL };

/* Returns CTL_OK, or CTL_USAGE with a message. */
static int check_state(const char *word) {
        char allowed[160] = "";
        size_t used = 0;

        for (size_t i = 0; verb_list_states[i]; i++) {
                if (streq(verb_list_states[i], word))
                        return CTL_OK;
                used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s", i > 0 ? ", " : "",
                                         verb_list_states[i]);
        }
        return ctl_error(CTL_USAGE, "--state: %s: no such state (%s)", word, allowed);
}

/* Appends the words of @text, which commas stand between. */
static int add_states(json_t *states, const char *text) {
        _cleanup_(freep) char *words = strdup(text);
        char *rest = words, *word;
        int code = CTL_OK;

        while (code == CTL_OK && (word = strsep(&rest, ","))) {
                code = check_state(word);
                (void)json_array_append_new(states, json_string(word));
        }
        return code;
}

/* Those that the options name. */
static int get_states(const struct verb_args *args, json_t *states) {
        if (args->options[LIST_FAILING])
                (void)json_array_append_new(states, json_string("failing"));
        if (args->options[LIST_PAUSED])
                (void)json_array_append_new(states, json_string("paused"));
        return args->options[LIST_STATE] ? add_states(states, args->options[LIST_STATE]) : CTL_OK;
}

int verb_list(struct ctl *ctl, const struct verb_args *args) {
        static const char *const all[] = { "TASK", "KIND", "STATE", "LAST", "ENDED", "NEXT", "DETAIL", NULL };
        static const char *const narrow[] = { "TASK", "STATE", "LAST", "ENDED", "NEXT", "DETAIL", NULL };
        bool wide = print_width() == 0 || print_width() >= WIDE;
        _cleanup_(table_freep) struct table *table = NULL;
        json_auto_t *states = json_array();
        json_t *tasks, *task;
        size_t index;
        int code;

        code = get_states(args, states);
        if (code != CTL_OK)
                return code;
        code = ctl_collect(ctl, "List",
                           json_pack("{s:o, s:O}", "tasks", ctl_strings(args->words, args->n), "states", states),
                           "tasks", &tasks);
        if (code != CTL_OK)
                return code;
        if (ctl->json)
                return print_json(json_pack("{s:o}", "tasks", tasks));
        table = table_new(wide ? all : narrow);
        json_array_foreach(tasks, index, task)
                if (table)
                        add_task(table, task, wide);
        json_decref(tasks);
        if (table)
                table_print(table);
        return CTL_OK;
}

/* ---- show ---- */

static void print_service(const json_t *service) {
        char text[400], when[WHEN_MAX];

        if (!service)
                return;
        (void)snprintf(text, sizeof(text), "%s%s", get_string(service, "state"),
                       get_bool(service, "ready") ? ", ready" : "");
        print_fact("service", text);
        if (get_int(service, "restarts") > 0) {
                (void)snprintf(text, sizeof(text), "%lld times", (long long)get_int(service, "restarts"));
                print_fact("restarted", text);
        }
        print_fact("restarts", format_relative(get_int(service, "restart_usec"), when));
        if (*get_string(service, "stopped_by")) {
                (void)snprintf(text, sizeof(text), "by %s, %s", get_string(service, "stopped_by"),
                               format_relative(get_int(service, "stopped_usec"), when));
                print_fact("stopped", text);
        }
}

static void print_paused(const json_t *task) {
        char text[400], when[WHEN_MAX];

        if (!*get_string(task, "paused_by"))
                return;
        (void)snprintf(text, sizeof(text), "%s%s, by %s", get_bool(task, "paused_all") ? "with all triggers, " : "",
                       format_relative(get_int(task, "paused_usec"), when), get_string(task, "paused_by"));
        print_fact("paused", text);
}

static void print_triggers(const json_t *triggers) {
        char text[1024];
        size_t index;
        json_t *trigger;

        json_array_foreach((json_t *)triggers, index, trigger) {
                const char *expression = get_string(trigger, "expression"), *zone = get_string(trigger, "zone");

                (void)snprintf(text, sizeof(text), "%s%s%s%s%s", get_string(trigger, "trigger"), *expression ? " " : "",
                               expression, *zone ? " in " : "", zone);
                print_fact(index == 0 ? "triggers" : "", text);
        }
}

/* When it was due, and when it is. */
static void print_due(const json_t *task) {
        json_int_t last = get_int(task, "last_due_usec"), next = get_int(task, "next_usec");
        const char *what = get_string(task, "last_due_what");
        char text[512], when[WHEN_MAX], at[WHEN_MAX];

        if (last > 0) {
                (void)snprintf(text, sizeof(text), "%s, %s%s%s", format_clock(last, at), format_relative(last, when),
                               *what ? ": " : "", what);
                print_fact("last due", text);
        }
        if (next > 0) {
                (void)snprintf(text, sizeof(text), "%s, %s", format_clock(next, at), format_relative(next, when));
                print_fact("next due", text);
        }
}

/* What the history says, or why it says nothing. */
static void print_past(const json_t *answer) {
        char text[512];

        if (json_object_get(answer, "summary")) {
                (void)print_summary(json_object_get(answer, "summary"));
                return;
        }
        (void)snprintf(text, sizeof(text), "unknown: %s", get_string(answer, "summary_missing"));
        print_fact("history", text);
}

static void print_failing_items(const json_t *answer) {
        const json_t *items = json_object_get(answer, "failing_items");
        json_int_t all = get_int(json_object_get(json_object_get(answer, "task"), "items"), "failing");
        char when[WHEN_MAX];
        size_t index;
        json_t *item;

        if (json_array_size(items) > 0)
                printf("\nfailing items:\n");
        json_array_foreach((json_t *)items, index, item) {
                const char *error = get_string(item, "error");

                printf("  ");
                print_painted(PAINT_BAD, get_string(item, "item"));
                printf("  %s%s%lld in a row, since %s\n", error, *error ? ", " : "",
                       (long long)get_int(item, "failures"), format_relative(get_int(item, "since_usec"), when));
        }
        if (all > (json_int_t)json_array_size(items))
                printf("  and %lld more\n", (long long)all - (long long)json_array_size(items));
}

static void print_facts(const json_t *answer) {
        const json_t *task = json_object_get(answer, "task");
        char text[512], when[WHEN_MAX];

        print_painted(PAINT_BOLD, get_string(task, "name"));
        printf(" (%s, ", get_string(task, "kind"));
        print_painted(paint_for(get_string(task, "state")), get_string(task, "state"));
        printf(")\n");
        print_fact("description", get_string(task, "description"));
        if (*get_string(answer, "file")) {
                (void)snprintf(text, sizeof(text), "%s:%lld", get_string(answer, "file"),
                               (long long)get_int(answer, "line"));
                print_fact("written in", text);
        }
        print_service(json_object_get(task, "service"));
        print_triggers(json_object_get(answer, "triggers"));
        print_paused(task);
        print_due(task);
        print_fact("watch", get_string(task, "watch_trouble"));
        print_fact("last ok", format_relative(get_int(task, "last_ok_usec"), when));
        if (get_int(task, "usual_usec") > 0)
                print_fact("usually takes", format_span(get_int(task, "usual_usec"), when));
        if (get_bool(task, "stale"))
                print_fact("stale", format_relative(get_int(task, "stale_usec"), when));
        if (get_bool(task, "slow"))
                print_fact("slow", "a run is at work for longer than slow-after");
        if (get_bool(task, "failing"))
                print_fact("failing", "until it is fine again");
        if (get_int(task, "failures") > 1) {
                (void)snprintf(text, sizeof(text), "%lld times in a row", (long long)get_int(task, "failures"));
                print_fact("failed", text);
        }
        if (get_int(task, "skipped") > 0) {
                (void)snprintf(text, sizeof(text), "%lld times, the last because %s",
                               (long long)get_int(task, "skipped"), get_string(task, "skip_reason"));
                print_fact("not run", text);
        }
}

/* A value of several lines as it would be written: those after the first are indented. */
static void print_lines(const char *value) {
        for (;;) {
                size_t n = strcspn(value, "\n");
                _cleanup_(freep) char *line = strndup(value, n);

                print_safe(line ? line : "", false);
                if (value[n] == '\0')
                        return;
                printf("\n      ");
                value += n + 1;
        }
}

static void print_settings(const json_t *settings) {
        size_t index;
        json_t *setting;

        printf("\nsettings:\n");
        json_array_foreach((json_t *)settings, index, setting) {
                printf("  %s = ", get_string(setting, "key"));
                print_lines(get_string(setting, "value"));
                if (!get_bool(setting, "written"))
                        print_painted(PAINT_DIM, "    ; default");
                putchar('\n');
        }
}

static int show(struct ctl *ctl, const char *name) {
        json_t *answer;
        int code;

        code = ctl_ask(ctl, "Show", json_pack("{s:s}", "task", name), &answer);
        if (code != CTL_OK)
                return code;
        if (ctl->json)
                return print_json(answer);
        print_facts(answer);
        print_past(answer);
        print_failing_items(answer);
        print_settings(json_object_get(answer, "settings"));
        if (json_array_size(json_object_get(answer, "runs")) > 0) {
                printf("\nlive runs:\n");
                print_runs(json_object_get(answer, "runs"), false);
        }
        if (json_object_get(answer, "last")) {
                printf("\nlast run:\n");
                print_outcome(json_object_get(answer, "last"));
                print_usage(json_object_get(answer, "last"));
        }
        if (*get_string(answer, "output_tail")) {
                printf("\nthe end of its output:\n");
                print_safe(get_string(answer, "output_tail"), true);
                putchar('\n');
        }
        json_decref(answer);
        return CTL_OK;
}

int verb_show(struct ctl *ctl, const struct verb_args *args) {
        return ctl_for_each_name(ctl, args->words, args->n, show);
}
