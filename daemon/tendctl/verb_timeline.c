/* SPDX-License-Identifier: MIT */
/* verb_timeline: the runs of some time as a Gantt chart: those that live, asked for first, so that one which ends meanwhile is not
 * left out, and those of the history. */
#include "base/text.h"
#include "tendctl/print.h"
#include "tendctl/time_arg.h"
#include "tendctl/timeline.h"
#include "tendctl/timeline_draw.h"
#include "tendctl/verb.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define SINCE_DEFAULT USEC_PER_DAY
#define RUNS_MAX      200000

struct collected {
        const struct verb_args *args;
        struct timeline timeline;
        json_t *live;   /* runs that had not ended, by their names */
        size_t n;       /* rows of the history */
        bool by_client; /* names are compared here: members are not known to the daemon by the name of their group */
        bool no_memory;
};

/* ---- what is collected ---- */

static bool is_named(const struct collected *collected, const char *run, const char *task) {
        _cleanup_(freep) char *top = strndup(run, strcspn(run, "#/"));

        if (!collected->by_client)
                return true;
        for (size_t i = 0; i < collected->args->n; i++)
                if (text_match(collected->args->words[i], task) || (top && text_match(collected->args->words[i], top)))
                        return true;
        return false;
}

static void add(struct collected *collected, const struct timeline_bar *bar) {
        collected->no_memory |= timeline_add(&collected->timeline, bar) < 0;
}

static void add_ran(struct collected *collected, const json_t *ran) {
        const char *name = get_string(ran, "run"), *error = get_string(ran, "error"),
                   *detail = get_string(ran, "detail");
        enum timeline_kind kind = timeline_kind_from_string(get_string(ran, "outcome"));
        json_int_t begun = get_int(ran, "begun_usec"), ended = get_int(ran, "ended_usec");
        struct timeline_bar bar = { .kind = kind, .name = (char *)name };
        char text[512];

        if (kind < 0 || !is_named(collected, name, get_string(ran, "task")))
                return;
        (void)json_object_del(collected->live, name);
        (void)snprintf(text, sizeof(text), "%s%s%s", error, *error && *detail ? ": " : "", detail);
        bar.begun_usec = (usec_t)begun;
        bar.ended_usec = (usec_t)MAX(ended, begun);
        bar.started_usec = MIN(usec_add(bar.begun_usec, (usec_t)get_int(ran, "queued_usec")), bar.ended_usec);
        bar.text = *text ? text : NULL;
        add(collected, &bar);
}

static void add_missed(struct collected *collected, const json_t *missed) {
        const char *task = get_string(missed, "task"), *detail = get_string(missed, "detail");
        const struct timeline_bar bar = {
                .kind = TIMELINE_MISSED,
                .name = (char *)task,
                .text = (char *)(*detail ? detail : get_string(missed, "reason")),
                .n = (unsigned)get_int(missed, "n"),
                .begun_usec = (usec_t)get_int(missed, "first_due_usec"),
                .started_usec = (usec_t)get_int(missed, "first_due_usec"),
                .ended_usec = (usec_t)get_int(missed, "last_due_usec"),
        };

        if (*task && is_named(collected, task, task))
                add(collected, &bar);
}

static void add_live(struct collected *collected, const json_t *run) {
        json_int_t started = get_int(run, "started_usec");
        const struct timeline_bar bar = {
                .kind = started > 0 ? TIMELINE_RUNNING : TIMELINE_WAITING,
                .name = (char *)get_string(run, "name"),
                .text = (char *)json_string_value(json_object_get(json_object_get(run, "waiting"), "text")),
                .begun_usec = (usec_t)get_int(run, "created_usec"),
                .started_usec = (usec_t)(started > 0 ? started : get_int(run, "created_usec")),
                .ended_usec = USEC_INFINITY,
        };

        add(collected, &bar);
}

static int on_runs(_unused_ struct ctl *ctl, const json_t *parameters, void *arg) {
        struct collected *collected = arg;
        size_t index;
        json_t *run;

        json_array_foreach(json_object_get(parameters, "runs"), index, run)
                if (!*get_string(run, "item") && is_named(collected, get_string(run, "name"), get_string(run, "task")))
                        (void)json_object_set(collected->live, get_string(run, "name"), run);
        return CTL_OK;
}

static int on_history(_unused_ struct ctl *ctl, const json_t *parameters, void *arg) {
        struct collected *collected = arg;
        size_t index;
        json_t *past;

        json_array_foreach(json_object_get(parameters, "history"), index, past) {
                collected->n++;
                if (json_object_get(past, "ran"))
                        add_ran(collected, json_object_get(past, "ran"));
                else if (json_object_get(past, "missed"))
                        add_missed(collected, json_object_get(past, "missed"));
        }
        return CTL_OK;
}

/* A group among the tasks that are named: its members are to be shown too. */
static int on_tasks(_unused_ struct ctl *ctl, const json_t *parameters, void *arg) {
        struct collected *collected = arg;
        size_t index;
        json_t *task;

        json_array_foreach(json_object_get(parameters, "tasks"), index, task)
                collected->by_client |= streq(get_string(task, "kind"), "group");
        return CTL_OK;
}

static json_t *names(const struct collected *collected) {
        return collected->by_client ? NULL : ctl_strings(collected->args->words, collected->args->n);
}

static int collect(struct ctl *ctl, struct collected *collected) {
        const struct timeline *timeline = &collected->timeline;
        const struct verb_args *args = collected->args;
        const char *name;
        json_t *run;
        int code = CTL_OK;

        /* A task that is no more is none of the tasks, and may have a history all the same. */
        if (args->n > 0)
                code = ctl_call(ctl, "List", json_pack("{s:o}", "tasks", ctl_strings(args->words, args->n)),
                                CTL_MORE | CTL_MAYBE, on_tasks, collected);
        if (code == CTL_OK)
                code = ctl_call(ctl, "Tree", json_pack("{s:o*, s:b}", "runs", names(collected), "processes", 0),
                                CTL_MORE, on_runs, collected);
        if (code != CTL_OK && code != CTL_NO_SUCH)
                return code;
        code = ctl_call(ctl, "History",
                        json_pack("{s:o*, s:I, s:I, s:b, s:i}", "tasks", names(collected), "since_usec",
                                  (json_int_t)timeline->from_usec, "until_usec", (json_int_t)timeline->until_usec,
                                  "reaching", 1, "n", RUNS_MAX),
                        CTL_MORE, on_history, collected);
        if (code != CTL_OK)
                return code;
        json_object_foreach(collected->live, name, run)
                add_live(collected, run);
        timeline_arrange(&collected->timeline);
        return collected->no_memory ? ctl_error(CTL_FAILED, "out of memory") : CTL_OK;
}

/* ---- what is shown ---- */

static json_t *bar_to_json(const struct timeline_bar *bar) {
        bool missed = bar->kind == TIMELINE_MISSED;

        return json_pack("{s:s, s:s, s:I, s:o*, s:o*, s:o*, s:s*}", missed ? "task" : "run", bar->name, "what",
                         timeline_kind_to_string(bar->kind), "begun_usec", (json_int_t)bar->begun_usec, "started_usec",
                         missed || bar->kind == TIMELINE_WAITING ? NULL : json_integer((json_int_t)bar->started_usec),
                         "ended_usec",
                         bar->ended_usec == USEC_INFINITY ? NULL : json_integer((json_int_t)bar->ended_usec), "n",
                         missed ? json_integer(bar->n) : NULL, "text", bar->text);
}

static int print_as_json(const struct timeline *timeline) {
        json_t *rows = json_array();

        for (size_t i = 0; i < timeline->n_rows; i++) {
                const struct timeline_row *row = timeline->rows[i];
                json_t *bars = json_array();

                for (size_t k = 0; k < row->n_bars; k++)
                        (void)json_array_append_new(bars, bar_to_json(&row->bars[k]));
                (void)json_array_append_new(
                        rows, json_pack("{s:s, s:i, s:o}", "row", row->path, "depth", (int)row->depth, "bars", bars));
        }
        return print_json(json_pack("{s:I, s:I, s:o}", "from_usec", (json_int_t)timeline->from_usec, "until_usec",
                                    (json_int_t)timeline->until_usec, "rows", rows));
}

/* Writes it to @out, which is closed. Returns 0 or -errno. */
static int write_picture(const struct timeline *timeline, FILE *out) {
        bool failed;

        timeline_write_svg(timeline, out);
        failed = fflush(out) != 0 || ferror(out);
        return fclose(out) != 0 || failed ? -EIO : 0;
}

/* Beside the file first, so that there is never half a picture, and what was there stays when it fails. */
static int replace_file(const struct timeline *timeline, const char *path) {
        _cleanup_(freep) char *temporary = NULL;
        mode_t mask = umask(0);
        FILE *out;
        int fd, r;

        (void)umask(mask);
        if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        out = fchmod(fd, 0666 & ~mask) == 0 ? fdopen(fd, "w") : NULL;
        r = out ? write_picture(timeline, out) : -errno;
        if (!out)
                (void)close(fd);
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(temporary);
        return r;
}

/* What a link leads to is written, not the link; and a device or a pipe is written to, never replaced. */
static int save_picture(const struct timeline *timeline, const char *path) {
        _cleanup_(freep) char *real = realpath(path, NULL);
        struct stat st;
        FILE *out;

        if (!real || stat(real, &st) < 0 || S_ISREG(st.st_mode))
                return replace_file(timeline, real ? real : path);
        out = fopen(real, "we");
        return out ? write_picture(timeline, out) : -errno;
}

static int show(const struct ctl *ctl, const struct collected *collected) {
        const struct timeline *timeline = &collected->timeline;
        const char *svg = collected->args->options[TIMELINE_SVG];
        unsigned height, width;
        int r;

        if (collected->n >= RUNS_MAX)
                fprintf(stderr, "tendctl: there is more: only the latest %d are shown\n", RUNS_MAX);
        if (ctl->json)
                return print_as_json(timeline);
        if (svg && streq(svg, "-")) {
                timeline_write_svg(timeline, stdout);
                return CTL_OK;
        }
        if (svg) {
                r = save_picture(timeline, svg);
                return r < 0 ? ctl_error(CTL_FAILED, "%s: %s", svg, strerror(-r)) : CTL_OK;
        }
        if (timeline->n_rows == 0) {
                printf("nothing ran\n");
                return CTL_OK;
        }
        print_screen_size(&height, &width);
        return timeline_print(timeline, width) < 0 ? ctl_error(CTL_FAILED, "out of memory") : CTL_OK;
}

/* ---- the verb ---- */

static int read_time(const struct verb_args *args, size_t row, const char *name, usec_t now_usec, usec_t fallback_usec,
                     usec_t *ret) {
        const char *text = args->options[row];

        *ret = fallback_usec;
        if (text && time_arg_parse(text, TIME_AGO, now_usec, ret) < 0)
                return ctl_error(CTL_USAGE, "--%s %s: not a time; for instance yesterday, '2025-03-30 02:30', 2h", name,
                                 text);
        return CTL_OK;
}

static int check(const struct ctl *ctl, const struct verb_args *args, const struct timeline *timeline) {
        for (size_t i = 0; i < args->n; i++)
                if (strchr(args->words[i], '#'))
                        return ctl_error(CTL_USAGE, "%s: a run; timeline shows tasks", args->words[i]);
        if (args->options[TIMELINE_SVG] && (ctl->json || !*args->options[TIMELINE_SVG]))
                return ctl_error(CTL_USAGE, ctl->json ? "--svg or --json, not both" : "--svg needs a value: FILE");
        if (usec_sub(timeline->until_usec, timeline->from_usec) < USEC_PER_SEC)
                return ctl_error(CTL_USAGE, "the time ends before it begins, or at once: see --since and --until");
        return CTL_OK;
}

int verb_timeline(struct ctl *ctl, const struct verb_args *args) {
        usec_t now = clock_now(CLOCK_ID_REALTIME), since, until;
        struct collected collected = { .args = args };
        int code;

        code = read_time(args, TIMELINE_UNTIL, "until", now, now, &until);
        if (code == CTL_OK)
                code = read_time(args, TIMELINE_SINCE, "since", now, usec_sub(until, SINCE_DEFAULT), &since);
        if (code != CTL_OK)
                return code;
        timeline_init(&collected.timeline, since, until, now);
        code = check(ctl, args, &collected.timeline);
        if (code != CTL_OK)
                return code;
        collected.live = json_object();
        code = collect(ctl, &collected);
        if (code == CTL_OK)
                code = show(ctl, &collected);
        json_decref(collected.live);
        timeline_done(&collected.timeline);
        return code;
}
