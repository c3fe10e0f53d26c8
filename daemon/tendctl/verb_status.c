/* SPDX-License-Identifier: MIT */
/* verb_status: how the daemon does. */
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <ctype.h>
#include <stdio.h>

/* What a problem needs beside its text must leave room for this much of it; else its command gets a line of its own. */
#define TEXT_ROOM_MIN 20
/* Lines for what runs say of themselves, also when much is wrong. */
#define SAID_MIN  3
#define NAMES_MAX 3 /* of runs that a daemon that ends waits for */

/* What goes where: decided before anything is printed, so that all of it fits the terminal. */
struct screen {
        const json_t *problems;
        const json_t *counts; /* of each kind */
        size_t long_names;    /* a problem whose subject and command are together longer takes two lines */
        int text_room;        /* for the texts of the others; INT32_MAX: all of them */
        size_t each;          /* problems told of a kind */
        size_t said;          /* runs that are told to say something */
};

static size_t names_of(const json_t *problem) {
        return strlen(get_string(problem, "subject")) + strlen(get_string(problem, "command"));
}

static bool is_long(const struct screen *screen, const json_t *problem) {
        return names_of(problem) > screen->long_names;
}

/* How much of the texts can be shown, so that the commands behind them can be seen too. @ret_longest: the longest names of
 * those that take one line. */
static size_t text_room(const struct screen *screen, unsigned width, size_t *ret_longest) {
        size_t kinds = 0, subjects = 0, commands = 0, others, index;
        json_t *problem;

        *ret_longest = 0;
        json_array_foreach((json_t *)screen->problems, index, problem) {
                kinds = MAX(kinds, strlen(get_string(problem, "kind")));
                if (is_long(screen, problem))
                        continue;
                subjects = MAX(subjects, strlen(get_string(problem, "subject")));
                commands = MAX(commands, strlen(get_string(problem, "command")));
                *ret_longest = MAX(*ret_longest, names_of(problem));
        }
        others = kinds + subjects + commands + 3 * 2;
        return width > others ? width - others : 0;
}

/* Those with the longest names take two lines, so that there is room for the texts of the others. */
static void plan_columns(struct screen *screen) {
        unsigned width = print_width();
        size_t longest, room;

        screen->long_names = SIZE_MAX;
        screen->text_room = INT32_MAX;
        if (width == 0)
                return;
        while ((room = text_room(screen, width, &longest)) < TEXT_ROOM_MIN && longest > 0)
                screen->long_names = longest - 1;
        screen->text_room = (int)room;
}

/* Lines for the first @each problems of the kind of @count, and for what is said of the others. */
static size_t kind_lines(const struct screen *screen, const json_t *count, size_t each) {
        size_t lines = 0, n = 0, index;
        json_t *problem;

        json_array_foreach((json_t *)screen->problems, index, problem)
                if (n < each && streq(get_string(problem, "kind"), get_string(count, "kind"))) {
                        lines += is_long(screen, problem) ? 2 : 1;
                        n++;
                }
        return lines + (get_int(count, "n") > (json_int_t)n);
}

/* Lines for the problems when @each of a kind are told. */
static size_t problem_lines(const struct screen *screen, size_t each) {
        size_t lines = 0, index;
        json_t *count;

        json_array_foreach((json_t *)screen->counts, index, count)
                lines += kind_lines(screen, count, each);
        return lines;
}

/* @others: lines that are printed anyway. */
static void plan(struct screen *screen, const json_t *status, size_t others) {
        size_t height = print_height(), n_said = json_array_size(json_object_get(status, "said")), room;

        screen->problems = json_object_get(status, "problems");
        screen->counts = json_object_get(status, "problem_counts");
        plan_columns(screen);
        screen->each = json_array_size(screen->problems);
        screen->said = n_said;
        if (height == 0)
                return;
        room = height > others ? height - others : 0;
        while (screen->each > 0 && problem_lines(screen, screen->each) + MIN(n_said, (size_t)SAID_MIN) > room)
                screen->each--;
        room -= MIN(room, problem_lines(screen, screen->each));
        if (n_said > room) /* one line tells of the others */
                screen->said = room > 0 ? room - 1 : 0;
}

/* Bytes of @text that fit into @room, whole characters only. */
static int fitting(const char *text, int room) {
        int n = (int)strnlen(text, (size_t)room);

        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
                n--;
        return n;
}

static void add_kind(struct table *table, const char *kind) {
        char upper[32];
        size_t n = 0;

        for (; kind[n] && n < sizeof(upper) - 1; n++)
                upper[n] = (char)toupper((unsigned char)kind[n]);
        upper[n] = '\0';
        table_cell(table, paint_for(kind), upper);
}

static void add_problem(struct table *table, const struct screen *screen, const json_t *problem) {
        const char *subject = get_string(problem, "subject"), *text = get_string(problem, "text");

        add_kind(table, get_string(problem, "kind"));
        if (is_long(screen, problem)) {
                table_cellf(table, PAINT_NONE, "%s: %s", subject, text);
                table_wide(table);
                table_end_row(table);
                table_cell(table, PAINT_NONE, "");
                table_cell(table, PAINT_DIM, get_string(problem, "command"));
                table_wide(table);
        } else {
                table_cell(table, PAINT_BOLD, subject);
                table_cellf(table, PAINT_NONE, "%.*s", fitting(text, screen->text_room), text);
                table_cell(table, PAINT_DIM, get_string(problem, "command"));
        }
        table_end_row(table);
}

/* How many more there are of a kind than are told, and the command that lists them. */
static void add_more(struct table *table, const json_t *count, size_t told) {
        long long more = (long long)get_int(count, "n") - (long long)told;

        if (more <= 0)
                return;
        if (told > 0)
                table_cell(table, PAINT_NONE, "");
        else
                add_kind(table, get_string(count, "kind"));
        table_cellf(table, PAINT_NONE, "%s%lld%s: %s", told > 0 ? "and " : "", more, told > 0 ? " more" : "",
                    get_string(count, "command"));
        table_wide(table);
        table_end_row(table);
}

static void print_problems(const struct screen *screen) {
        static const char *const headings[] = { "", "", "", "", NULL };
        _cleanup_(table_freep) struct table *table = table_new(headings);
        size_t kind, index;
        json_t *count, *problem;

        if (!table)
                return;
        json_array_foreach((json_t *)screen->counts, kind, count) {
                size_t told = 0;

                json_array_foreach((json_t *)screen->problems, index, problem)
                        if (told < screen->each && streq(get_string(problem, "kind"), get_string(count, "kind"))) {
                                add_problem(table, screen, problem);
                                told++;
                        }
                add_more(table, count, told);
        }
        table_print(table);
}

static void print_said(const json_t *status, size_t max) {
        static const char *const headings[] = { "", "", "", NULL };
        _cleanup_(table_freep) struct table *table = table_new(headings);
        const json_t *all = json_object_get(status, "said");
        char bar[100];
        size_t index;
        json_t *said;

        json_array_foreach((json_t *)all, index, said) {
                const json_t *progress = json_object_get(said, "progress");

                if (!table || index == max)
                        break;
                table_cell(table, PAINT_DIM, "says");
                table_cell(table, PAINT_BOLD, get_string(said, "run"));
                table_cellf(table, PAINT_NONE, "%s%s%s", progress ? format_progress(progress, bar, sizeof(bar)) : "",
                            progress && *get_string(said, "status") ? " " : "", get_string(said, "status"));
                table_end_row(table);
        }
        if (table)
                table_print(table);
        if (json_array_size(all) > max)
                printf("%zu%s runs say something: tendctl tree\n", json_array_size(all) - max, max > 0 ? " more" : "");
}

/* A daemon that ends: what it waits for. */
static void print_ending(const json_t *ending) {
        const json_t *names = json_object_get(ending, "waits_for");
        char when[WHEN_MAX];
        size_t index;
        json_t *name;

        if (json_array_size(names) == 0)
                return;
        json_array_foreach((json_t *)names, index, name)
                if (index < NAMES_MAX)
                        printf("%s%s", index == 0 ? "waits for: " : ", ", json_string_value(name));
        if (index > NAMES_MAX)
                printf(" and more: tendctl tree");
        if (json_object_get(ending, "until_usec"))
                printf("; until %s at most", format_clock(get_int(ending, "until_usec"), when));
        putchar('\n');
}

/* What is due, unless the daemon ends and starts nothing any more. */
static const json_t *get_next(const json_t *status) {
        return json_object_get(status, "ending") ? NULL : json_object_get(status, "next");
}

static void print_next(const json_t *next) {
        unsigned width = print_width();
        size_t index, used = 0;
        json_t *entry;

        json_array_foreach((json_t *)next, index, entry) {
                char when[WHEN_MAX], text[160];

                used += (size_t)snprintf(text, sizeof(text), "%s%.80s %s", index == 0 ? "next: " : ", ",
                                         get_string(entry, "task"), format_minute(get_int(entry, "at_usec"), when));
                if (index > 0 && width > 0 && used > width)
                        break;
                printf("%s", text);
        }
        if (index > 0)
                putchar('\n');
}

/* After an upgrade, which leaves the daemon and what it runs alone. */
static bool is_newer(const char *running) {
        return strverscmp(PACKAGE_VERSION, running) > 0;
}

static bool is_wrong(const json_t *status) {
        size_t index;
        json_t *count;

        json_array_foreach(json_object_get(status, "problem_counts"), index, count)
                if (get_int(count, "wrong") > 0)
                        return true;
        return false;
}

static void print_status(const json_t *status) {
        const char *version = get_string(status, "version"), *phase = get_string(status, "phase");
        size_t others = 2u + is_newer(version) + (json_object_get(status, "ending") != NULL) +
                        (json_array_size(get_next(status)) > 0);
        struct screen screen;
        char uptime[WHEN_MAX];

        plan(&screen, status, others); /* the prompt comes after it */
        printf("tendd %s ", version);
        print_painted(paint_for(phase), phase);
        printf(" %s, %lld tasks, %lld running, %lld queued", format_age(get_int(status, "uptime_usec"), uptime),
               (long long)get_int(status, "tasks"), (long long)get_int(status, "running"),
               (long long)get_int(status, "queued"));
        if (streq(phase, "running") && !is_wrong(status)) {
                printf(": ");
                print_painted(PAINT_GOOD, "all is well");
        }
        putchar('\n');
        print_ending(json_object_get(status, "ending"));
        if (is_newer(version))
                printf("tendctl " PACKAGE_VERSION " is newer than the running daemon %s: "
                       "systemctl restart tendd when it suits\n",
                       version);
        print_problems(&screen);
        print_said(status, screen.said);
        print_next(get_next(status));
}

int verb_status(struct ctl *ctl, const struct verb_args *args) {
        json_t *status;
        bool wrong;
        int code;

        code = ctl_ask(ctl, "Status", json_object(), &status);
        if (code != CTL_OK)
                return code;
        wrong = is_wrong(status);
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
