/* SPDX-License-Identifier: MIT */
/* verb_next: what is due when, as a timeline across all tasks. */
#include "base/text.h"
#include "tendctl/print.h"
#include "tendctl/time_arg.h"
#include "tendctl/verb.h"

#include <stdio.h>
#include <time.h>

#define N_DEFAULT  20
#define N_MAX      1000
#define DETAIL_MAX 256

/* Why a task is in the list though it is not known when it starts. */
static const struct {
        const char *trigger;
        const char *text;
} timeless[] = {
        { "watch", "when such a file comes" },
        { "every", "counts from the end of its run" },
        { "starting", "known when the daemon has started" },
        { "on-start", "at the start of the daemon alone" },
        { "disabled", "it is not enabled in the configuration" },
        { "none", "it starts by hand, as a hook or in a group" },
};

static bool is_trigger(const char *trigger) {
        static const char *const none[] = { "none", "disabled", "starting" };

        for (size_t i = 0; i < ARRAY_SIZE(none); i++)
                if (streq(trigger, none[i]))
                        return false;
        return true;
}

static const char *why_timeless(const char *trigger) {
        for (size_t i = 0; i < ARRAY_SIZE(timeless); i++)
                if (streq(timeless[i].trigger, trigger))
                        return timeless[i].text;
        return "";
}

/* Whether clocks here show something else than @local, "2025-03-30 02:30:00", at @usec. */
static bool differs(json_int_t usec, const char *local) {
        time_t secs = (time_t)(usec / (json_int_t)USEC_PER_SEC);
        char here[WHEN_MAX];
        struct tm tm;

        if (!*local || !localtime_r(&secs, &tm))
                return false;
        (void)strftime(here, sizeof(here), "%Y-%m-%d %H:%M:%S", &tm);
        return !streq(here, local);
}

/* The time of day of @local; with its date if that is another than here. */
static const char *short_local(json_int_t usec, const char *local) {
        time_t secs = (time_t)(usec / (json_int_t)USEC_PER_SEC);
        char date[WHEN_MAX];
        struct tm tm;

        if (!localtime_r(&secs, &tm) || strlen(local) < strlen("2025-03-30 "))
                return local;
        (void)strftime(date, sizeof(date), "%Y-%m-%d ", &tm);
        return strncmp(local, date, strlen(date)) == 0 ? local + strlen(date) : local;
}

/* What is due elsewhere, and what delays it: "02:30:00 in Asia/Tokyo; 12:00:00 + splay 17min". */
static const char *describe(const json_t *due, char buf[DETAIL_MAX]) {
        json_int_t at = get_int(due, "at_usec"), due_usec = get_int(due, "due_usec");
        const char *local = get_string(due, "local");
        bool splay = get_int(due, "splay_usec") > 0, jitter = get_int(due, "jitter_usec") > 0;
        char clock[WHEN_MAX], span[WHEN_MAX];
        size_t used = 0;

        if (at == 0)
                return why_timeless(get_string(due, "trigger"));
        buf[0] = '\0';
        if (differs(due_usec, local))
                used = (size_t)snprintf(buf, DETAIL_MAX, "%s in %s", short_local(due_usec, local),
                                        get_string(due, "zone"));
        if (at - due_usec >= (json_int_t)USEC_PER_MSEC && used < DETAIL_MAX)
                (void)snprintf(buf + used, DETAIL_MAX - used, "%s%s + %s %s", used > 0 ? "; " : "",
                               format_clock(due_usec, clock),
                               splay && jitter ? "splay, jitter"
                               : splay         ? "splay"
                                               : "jitter",
                               format_span(at - due_usec, span));
        return buf;
}

static void add_due(struct table *table, const json_t *due) {
        const char *trigger = get_string(due, "trigger"), *expression = get_string(due, "expression");
        json_int_t at = get_int(due, "at_usec");
        bool paused = get_bool(due, "paused");
        enum paint paint = paused ? PAINT_DIM : PAINT_NONE;
        char clock[WHEN_MAX], when[WHEN_MAX], detail[DETAIL_MAX];

        table_cell(table, paint, at > 0 ? format_clock(at, clock) : "-");
        if (paused)
                table_cell(table, paint_for("paused"), "paused");
        else
                table_cell(table, paint, at > 0 ? format_relative(at, when) : "");
        table_cell(table, paused ? PAINT_DIM : PAINT_BOLD, get_string(due, "task"));
        table_cellf(table, paint, "%s%s%s", is_trigger(trigger) ? trigger : "", *expression ? " " : "", expression);
        table_cell(table, PAINT_DIM, describe(due, detail));
        table_end_row(table);
}

static int print_next(const json_t *next, uint64_t n) {
        static const char *const headings[] = { "TIME", "IN", "TASK", "TRIGGER", "", NULL };
        _cleanup_(table_freep) struct table *table = table_new(headings);
        size_t index, timed = 0;
        json_t *due;

        if (json_array_size(next) == 0) {
                printf("nothing is due\n");
                return CTL_OK;
        }
        if (!table)
                return ctl_error(CTL_FAILED, "out of memory");
        table_spill(table);
        json_array_foreach((json_t *)next, index, due) {
                add_due(table, due);
                timed += get_int(due, "at_usec") > 0;
        }
        table_print(table);
        if (timed >= n && isatty(STDOUT_FILENO)) {
                print_painted(PAINT_DIM, "perhaps there are more: -n N");
                putchar('\n');
        }
        return CTL_OK;
}

int verb_next(struct ctl *ctl, const struct verb_args *args) {
        const char *lines = args->options[NEXT_LINES], *until = args->options[NEXT_UNTIL];
        bool all = args->n > 0 || args->options[NEXT_ALL];
        uint64_t n = until ? N_MAX : N_DEFAULT;
        usec_t until_usec = 0;
        json_t *next;
        int code;

        if (lines && text_parse_uint(lines, 1, N_MAX, &n) < 0)
                return ctl_error(CTL_USAGE, "--lines %s: a number from 1 to %d", lines, N_MAX);
        if (until && time_arg_parse(until, TIME_FROM_NOW, clock_now(CLOCK_ID_REALTIME), &until_usec) < 0)
                return ctl_error(CTL_USAGE, "--until %s: not a time; for instance tomorrow, 18:30, 2h", until);
        code = ctl_collect(ctl, "Next",
                           json_pack("{s:o, s:I, s:o*, s:o*}", "tasks", ctl_strings(args->words, args->n), "n",
                                     (json_int_t)n, "each", all ? NULL : json_integer(1), "until_usec",
                                     until ? json_integer((json_int_t)until_usec) : NULL),
                           "next", &next);
        if (code != CTL_OK)
                return code;
        if (ctl->json)
                return print_json(json_pack("{s:o}", "next", next));
        code = print_next(next, n);
        json_decref(next);
        return code;
}
