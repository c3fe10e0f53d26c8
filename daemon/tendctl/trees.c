/* SPDX-License-Identifier: MIT */
/* trees: live runs and outcomes, drawn as trees, see print.h. */
#include "tendctl/print.h"

#include <stdio.h>

#define DEPTH_MAX 32

struct branch {
        bool last[DEPTH_MAX]; /* whether the node of each depth is the last below its parent */
};

/* The lines before a node at @depth: "│  └─ ". */
static void draw_branch(const struct branch *branch, size_t depth, char *buf, size_t size) {
        bool utf8 = print_is_utf8();
        size_t used = 0;

        buf[0] = '\0';
        for (size_t i = 1; i <= depth && i < DEPTH_MAX; i++) {
                const char *piece;

                if (i == depth)
                        piece = branch->last[i] ? (utf8 ? "└─ " : "`- ") : (utf8 ? "├─ " : "|- ");
                else
                        piece = branch->last[i] ? "   " : (utf8 ? "│  " : "|  ");
                used += (size_t)snprintf(buf + used, size - used, "%s", piece);
                if (used >= size)
                        return;
        }
}

/* The last part of the name of a run that is drawn below its parent. */
static const char *short_name(const char *name, size_t depth) {
        const char *slash = strrchr(name, '/');

        return depth > 0 && slash ? slash + 1 : name;
}

/* ---- live runs ---- */

static bool is_last_sibling(const json_t *runs, size_t index) {
        json_int_t depth = get_int(json_array_get(runs, index), "depth");

        for (size_t i = index + 1; i < json_array_size(runs); i++) {
                json_int_t other = get_int(json_array_get(runs, i), "depth");

                if (other <= depth)
                        return other < depth;
        }
        return true;
}

static bool has_children(const json_t *runs, size_t index) {
        const json_t *next = json_array_get(runs, index + 1);

        return next && get_int(next, "depth") > get_int(json_array_get(runs, index), "depth");
}

/* What it waits for, in as few words as a narrow terminal has room for; `tendctl why` has all of them. */
static void describe_waiting(const json_t *waiting, char *buf, size_t size) {
        const char *limit = get_string(waiting, "limit"), *run = get_string(waiting, "run");

        if (*limit)
                (void)snprintf(buf, size, "waits for limit %s", limit);
        else if (*run)
                (void)snprintf(buf, size, "waits for %s", short_name(run, 1));
        else
                (void)snprintf(buf, size, "%s", get_string(waiting, "text"));
}

void describe_run(const json_t *run, char *buf, size_t size) {
        const json_t *waiting = json_object_get(run, "waiting"), *items = json_object_get(run, "items");
        const json_t *deadline = json_object_get(run, "deadline");
        const json_t *progress = json_object_get(run, "progress");
        const char *status = get_string(run, "status"), *item = get_string(run, "item");
        const char *doing = get_string(run, "doing");
        char when[WHEN_MAX], counts[100];

        buf[0] = '\0';
        if (waiting)
                describe_waiting(waiting, buf, size);
        else if (progress || *status)
                (void)snprintf(buf, size, "%s%s%s", progress ? format_progress(progress, counts, sizeof(counts)) : "",
                               progress && *status ? " " : "", status);
        else if (items)
                (void)snprintf(buf, size, "%s", format_items(items, counts, sizeof(counts)));
        else if (*item || *doing)
                (void)snprintf(buf, size, "%s%s%s", item, *item && *doing ? ": " : "", doing);
        else if (get_int(run, "attempts") > 1)
                (void)snprintf(buf, size, "attempt %lld", (long long)get_int(run, "attempts"));
        else if (deadline)
                (void)snprintf(buf, size, "%s %s", get_string(deadline, "bound"),
                               format_relative(get_int(deadline, "at_usec"), when));
}

/* The columns MEM and CPU. */
static void add_usage(struct table *table, enum paint paint, json_int_t memory, json_int_t cpu_usec) {
        char text[WHEN_MAX];

        table_cellf(table, paint, "%6s", format_memory(memory, text));
        table_cellf(table, paint, "%8s", format_cpu(cpu_usec, text));
}

/* Those of a run, all its processes together. */
static void add_sum(struct table *table, const json_t *run) {
        const json_t *processes = json_object_get(run, "processes");
        json_int_t memory = 0, cpu_usec = 0;
        size_t index;
        json_t *process;

        json_array_foreach((json_t *)processes, index, process) {
                memory += get_int(process, "memory");
                cpu_usec += get_int(process, "cpu_usec");
        }
        if (index > 0) {
                add_usage(table, PAINT_NONE, memory, cpu_usec);
                return;
        }
        table_cell(table, PAINT_NONE, NULL);
        table_cell(table, PAINT_NONE, NULL);
}

/* A process, a leaf of the tree. */
static void add_process(struct table *table, struct branch *branch, size_t depth, const json_t *process) {
        json_int_t age = (json_int_t)clock_now(CLOCK_ID_REALTIME) - get_int(process, "started_usec");
        char lines[DEPTH_MAX * 8], span[WHEN_MAX], command[PROCESS_COMMAND_MAX];

        draw_branch(branch, depth, lines, sizeof(lines));
        table_cellf(table, PAINT_DIM, "%s%lld", lines, (long long)get_int(process, "pid"));
        table_cell(table, process_is_odd(process) ? PAINT_WARN : PAINT_DIM, process_state(process));
        table_cell(table, PAINT_DIM, format_age(age, span));
        add_usage(table, PAINT_DIM, get_int(process, "memory"), get_int(process, "cpu_usec"));
        table_cell(table, PAINT_DIM, process_command(process, command));
        table_end_row(table);
}

/* @more: runs follow at the same @depth, which were started from inside of @run. */
static void add_processes(struct table *table, struct branch *branch, size_t depth, const json_t *run, bool more) {
        const json_t *processes = json_object_get(run, "processes");
        const char *missing = get_string(run, "processes_missing");
        json_int_t hidden = get_int(run, "processes_hidden");
        size_t index;
        json_t *process;

        json_array_foreach((json_t *)processes, index, process) {
                branch->last[depth] = !more && index + 1 == json_array_size(processes);
                add_process(table, branch, depth, process);
        }
        if (hidden > 0) {
                table_cellf(table, PAINT_DIM, "   and %lld more processes", (long long)hidden);
                table_end_row(table);
        }
        if (*missing) {
                for (size_t column = 0; column < 5; column++)
                        table_cell(table, PAINT_NONE, NULL);
                table_cellf(table, PAINT_DIM, "its processes are not known: %s", missing);
                table_end_row(table);
        }
}

/* How long it is at work or waits, and of what is at work how long that usually takes: "2min 3s of 5min". */
static const char *format_time_of(const json_t *run, char buf[2 * WHEN_MAX]) {
        json_int_t now = (json_int_t)clock_now(CLOCK_ID_REALTIME), started = get_int(run, "started_usec");
        json_int_t usual = get_int(run, "usual_usec");
        char span[WHEN_MAX], of[WHEN_MAX];

        (void)snprintf(buf, (size_t)2 * WHEN_MAX, "%s%s%s",
                       format_age(now - (started ? started : get_int(run, "created_usec")), span),
                       started && usual > 0 ? " of " : "", started && usual > 0 ? format_age(usual, of) : "");
        return buf;
}

void print_runs(const json_t *runs, bool processes) {
        static const char *const plain[] = { "RUN", "STATE", "FOR", "DETAIL", NULL };
        static const char *const full[] = { "RUN", "STATE", "FOR", "   MEM", "     CPU", "DETAIL", NULL };
        _cleanup_(table_freep) struct table *table = table_new(processes ? full : plain);
        struct branch branch = { 0 };
        size_t index;
        json_t *run;

        json_array_foreach((json_t *)runs, index, run) {
                size_t depth = (size_t)get_int(run, "depth");
                const json_t *service = json_object_get(run, "service");
                const char *state = service ? get_string(service, "state") : get_string(run, "state");
                char lines[DEPTH_MAX * 8], detail[512], age[2 * WHEN_MAX];

                if (!table || depth + 1 >= DEPTH_MAX)
                        continue;
                branch.last[depth] = is_last_sibling(runs, index);
                draw_branch(&branch, depth, lines, sizeof(lines));
                describe_run(run, detail, sizeof(detail));
                table_cellf(table, PAINT_NONE, "%s%s", lines, short_name(get_string(run, "name"), depth));
                table_cellf(table, get_bool(run, "slow") ? PAINT_WARN : paint_for(state), "%s%s", state,
                            get_bool(run, "slow") ? ", slow" : "");
                table_cell(table, PAINT_NONE, format_time_of(run, age));
                if (processes)
                        add_sum(table, run);
                table_cell(table, PAINT_NONE, detail);
                table_end_row(table);
                if (processes)
                        add_processes(table, &branch, depth + 1, run, has_children(runs, index));
                if (get_int(run, "hidden") > 0) {
                        table_cellf(table, PAINT_DIM, "   and %lld more below it", (long long)get_int(run, "hidden"));
                        table_end_row(table);
                }
        }
        if (table)
                table_print(table);
}

/* ---- outcomes ---- */

static void describe_outcome(const json_t *outcome, char *buf, size_t size) {
        const json_t *error = json_array_get(json_object_get(outcome, "errors"), 0);
        const json_t *items = json_object_get(outcome, "items"), *bound = json_object_get(outcome, "bound");
        const char *reason = get_string(outcome, "reason"), *by = get_string(outcome, "cancelled_by");
        json_int_t attempts = get_int(outcome, "attempts");
        char counts[100] = "", tries[40] = "";

        if (items)
                (void)format_items(items, counts, sizeof(counts));
        if (attempts > 1)
                (void)snprintf(tries, sizeof(tries), " (%lld attempts)", (long long)attempts);
        if (error)
                (void)snprintf(buf, size, "%s: %s%s%s%s", get_string(error, "kind"), get_string(error, "detail"), tries,
                               *counts ? "; " : "", counts);
        else if (*reason || *by)
                (void)snprintf(buf, size, "%s%s%s", *by ? "by " : "", *by ? by : reason, tries);
        else if (bound)
                (void)snprintf(buf, size, "%s of %s%s", get_string(bound, "key"), get_string(bound, "run"), tries);
        else
                (void)snprintf(buf, size, "%s%s", counts, tries);
}

static void add_outcome(struct table *table, struct branch *branch, const json_t *outcome, size_t depth) {
        const char *word = get_string(outcome, "outcome");
        char lines[DEPTH_MAX * 8], detail[1024], span[WHEN_MAX];
        size_t index;
        json_t *child;

        draw_branch(branch, depth, lines, sizeof(lines));
        describe_outcome(outcome, detail, sizeof(detail));
        table_cellf(table, PAINT_NONE, "%s%s", lines, short_name(get_string(outcome, "run"), depth));
        table_cell(table, paint_for(word), word);
        table_cell(table, PAINT_NONE, format_span(get_int(outcome, "duration_usec"), span));
        table_cell(table, PAINT_NONE, detail);
        table_end_row(table);
        if (depth + 1 >= DEPTH_MAX)
                return;
        json_array_foreach(json_object_get(outcome, "children"), index, child) {
                branch->last[depth + 1] = index + 1 == json_array_size(json_object_get(outcome, "children"));
                add_outcome(table, branch, child, depth + 1);
        }
}

void print_outcome(const json_t *outcome) {
        static const char *const headings[] = { "", "", "", "", NULL };
        _cleanup_(table_freep) struct table *table = table_new(headings);
        const json_t *errors = json_object_get(outcome, "errors");
        struct branch branch = { 0 };
        size_t index;
        json_t *error;

        if (!table)
                return;
        add_outcome(table, &branch, outcome, 0);
        table_print(table);
        json_array_foreach((json_t *)errors, index, error) {
                if (index == 0) /* it stands in the tree */
                        continue;
                printf("  also: ");
                print_safe(get_string(error, "run"), false);
                printf(": ");
                print_safe(get_string(error, "kind"), false);
                printf(": ");
                print_safe(get_string(error, "detail"), false);
                putchar('\n');
        }
}

void print_usage(const json_t *outcome) {
        json_int_t cpu_usec = get_int(outcome, "cpu_usec"), memory = get_int(outcome, "memory_peak");
        char text[WHEN_MAX];

        if (cpu_usec > 0 || memory > 0)
                printf("  used %s CPU", format_cpu(cpu_usec, text));
        if (memory > 0)
                printf(", %s of memory at its peak", format_memory(memory, text));
        if (cpu_usec > 0 || memory > 0)
                putchar('\n');
}
