/* SPDX-License-Identifier: MIT */
/* verb_status: how the daemon does. */
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <ctype.h>
#include <stdio.h>

/* What stands before the subject of a problem that is no task. */
static const char *prefix_of(const json_t *problem) {
        const char *kind = get_string(problem, "kind");

        if (streq(kind, "full"))
                return "limit ";
        return streq(kind, "degraded") && !streq(get_string(problem, "subject"), "store") ? "pool " : "";
}

/* What a problem needs beside its text must leave room for this much of it; else its command gets a line of its own. */
#define TEXT_ROOM_MIN 20

/* How much of the texts of problems can be shown, so that the commands behind them can be seen too; INT32_MAX: all. */
static int text_room(const json_t *problems) {
        size_t subjects = 0, commands = 0, others, index;
        unsigned width = print_width();
        json_t *problem;

        json_array_foreach((json_t *)problems, index, problem) {
                size_t prefix = strlen(prefix_of(problem));

                subjects = MAX(subjects, prefix + strlen(get_string(problem, "subject")));
                commands = MAX(commands, strlen(get_string(problem, "command")));
        }
        others = strlen("DEGRADED") + subjects + commands + 3 * 2;
        if (width == 0)
                return INT32_MAX;
        return width > others ? (int)(width - others) : 0;
}

/* Bytes of @text that fit into @room, whole characters only. */
static int fitting(const char *text, int room) {
        int n = (int)strnlen(text, (size_t)room);

        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
                n--;
        return n;
}

static void add_problem(struct table *table, const json_t *problem, int room) {
        const char *kind = get_string(problem, "kind"), *text = get_string(problem, "text");
        bool own_line = room < TEXT_ROOM_MIN;
        char upper[32];
        size_t n = 0;

        for (; kind[n] && n < sizeof(upper) - 1; n++)
                upper[n] = (char)toupper((unsigned char)kind[n]);
        upper[n] = '\0';
        table_cell(table, paint_for(kind), upper);
        if (own_line) {
                table_cellf(table, PAINT_NONE, "%s%s: %s", prefix_of(problem), get_string(problem, "subject"), text);
                table_end_row(table);
                table_cell(table, PAINT_NONE, "");
        } else {
                table_cellf(table, PAINT_BOLD, "%s%s", prefix_of(problem), get_string(problem, "subject"));
                table_cellf(table, PAINT_NONE, "%.*s", fitting(text, room), text);
        }
        table_cell(table, PAINT_DIM, get_string(problem, "command"));
        table_end_row(table);
}

static void print_problems(const json_t *status) {
        static const char *const headings[] = { "", "", "", "", NULL };
        _cleanup_(table_freep) struct table *table = table_new(headings);
        int room = text_room(json_object_get(status, "problems"));
        size_t index;
        json_t *problem;

        json_array_foreach(json_object_get(status, "problems"), index, problem)
                if (table)
                        add_problem(table, problem, room);
        if (table)
                table_print(table);
        if (get_int(status, "failing") > (json_int_t)json_array_size(json_object_get(status, "problems")))
                printf("and more: %lld tasks fail; see tendctl list --failing\n",
                       (long long)get_int(status, "failing"));
}

static void print_said(const json_t *status) {
        static const char *const headings[] = { "", "", "", NULL };
        _cleanup_(table_freep) struct table *table = table_new(headings);
        char bar[100];
        size_t index;
        json_t *said;

        json_array_foreach(json_object_get(status, "said"), index, said) {
                const json_t *progress = json_object_get(said, "progress");

                if (!table)
                        return;
                table_cell(table, PAINT_DIM, "says");
                table_cell(table, PAINT_BOLD, get_string(said, "run"));
                table_cellf(table, PAINT_NONE, "%s%s%s", progress ? format_progress(progress, bar, sizeof(bar)) : "",
                            progress && *get_string(said, "status") ? " " : "", get_string(said, "status"));
                table_end_row(table);
        }
        if (table)
                table_print(table);
}

/* A daemon that ends: what it waits for. */
static void print_ending(const json_t *ending) {
        const json_t *names = json_object_get(ending, "waits_for");
        char when[WHEN_MAX];
        size_t index;
        json_t *name;

        json_array_foreach((json_t *)names, index, name)
                printf("%s%s", index == 0 ? "waits for: " : ", ", json_string_value(name));
        if (json_array_size(names) == 0)
                return;
        if (json_object_get(ending, "until_usec"))
                printf("; until %s at most", format_clock(get_int(ending, "until_usec"), when));
        putchar('\n');
}

static void print_next(const json_t *status) {
        const json_t *next = json_object_get(status, "next");
        char when[WHEN_MAX];
        size_t index;
        json_t *entry;

        json_array_foreach((json_t *)next, index, entry)
                printf("%s%s %s", index == 0 ? "next: " : ", ", get_string(entry, "task"),
                       format_minute(get_int(entry, "at_usec"), when));
        if (json_array_size(next) > 0)
                putchar('\n');
}

/* After an upgrade, which leaves the daemon and what it runs alone. */
static void print_upgrade(const char *running) {
        if (strverscmp(PACKAGE_VERSION, running) > 0)
                printf("tendctl " PACKAGE_VERSION " is newer than the running daemon %s: "
                       "systemctl restart tendd when it suits\n",
                       running);
}

static void print_status(const json_t *status) {
        char uptime[WHEN_MAX];
        json_int_t lost = get_int(status, "log_dropped"), hooks = get_int(status, "hooks_dropped");

        printf("tendd %s ", get_string(status, "version"));
        print_painted(paint_for(get_string(status, "phase")), get_string(status, "phase"));
        printf(" %s, %lld tasks, %lld running, %lld queued\n", format_span(get_int(status, "uptime_usec"), uptime),
               (long long)get_int(status, "tasks"), (long long)get_int(status, "running"),
               (long long)get_int(status, "queued"));
        print_ending(json_object_get(status, "ending"));
        print_upgrade(get_string(status, "version"));
        print_problems(status);
        if (lost > 0)
                printf("%lld log records were dropped: they came faster than they could be written\n", (long long)lost);
        if (hooks > 0)
                printf("%lld hooks were not started: too many waited\n", (long long)hooks);
        print_said(status);
        print_next(status);
}

/* Somebody wants it so. */
static bool is_wanted(const char *kind) {
        return streq(kind, "stopped") || streq(kind, "paused");
}

int verb_status(struct ctl *ctl, const struct verb_args *args) {
        json_t *status, *problem;
        bool wrong = false;
        size_t index;
        int code;

        code = ctl_ask(ctl, "Status", json_object(), &status);
        if (code != CTL_OK)
                return code;
        json_array_foreach(json_object_get(status, "problems"), index, problem)
                wrong |= !is_wanted(get_string(problem, "kind"));
        if (args->options[STATUS_QUIET]) {
                json_decref(status);
                return wrong ? CTL_FAILED : CTL_OK;
        }
        if (ctl->json)
                return print_json(status);
        print_status(status);
        json_decref(status);
        return CTL_OK;
}
