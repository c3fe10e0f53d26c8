/* SPDX-License-Identifier: MIT */
/* top_views_work: the views of tasks and of runs, see top_views.h. */
#include "tendctl/top_views_private.h"

#include <stdio.h>

/* ---- how far a run is ---- */

static json_int_t run_begun(const json_t *run) {
        json_int_t started = get_int(run, "started_usec");

        return started ? started : get_int(run, "created_usec");
}

static json_int_t age_of(const json_t *run) {
        return (json_int_t)clock_now(CLOCK_ID_REALTIME) - run_begun(run);
}

/* What it reports itself, else how long it is at work against how long that usually takes. Returns percent; -1: not known. */
static json_int_t percent_of(const json_t *run) {
        const json_t *progress = json_object_get(run, "progress");
        json_int_t whole = progress ? get_int(progress, "total") : get_int(run, "usual_usec");
        json_int_t part = progress ? get_int(progress, "done") : age_of(run);

        if (whole <= 0 || get_int(run, "started_usec") == 0)
                return -1;
        return (json_int_t)MIN((double)part / (double)whole * 100, 999.0);
}

#define PROGRESS_BAR 5

static void text_progress(const json_t *run, struct cell_text *ret) {
        json_int_t percent = percent_of(run);
        char bar[VIEW_BAR_MAX], age[WHEN_MAX];

        if (!run)
                return;
        if (percent < 0) {
                view_say(ret, format_short(age_of(run), age));
                return;
        }
        view_bar(bar, sizeof(bar), PROGRESS_BAR, percent, 100);
        (void)snprintf(ret->text, sizeof(ret->text), "%s %lld%%", bar, (long long)percent);
        /* Only what is compared with the past can take too long. */
        if (!json_object_get(run, "progress") && percent >= 150)
                ret->paint = PAINT_WARN;
}

/* ---- tasks ---- */

static const char *task_name(const json_t *task) {
        return get_string(task, "name");
}

static const char *state_word(const json_t *task) {
        const json_t *service = json_object_get(task, "service");

        return service ? get_string(service, "state") : get_string(task, "state");
}

static void task_text_name(const json_t *task, struct cell_text *ret) {
        view_say(ret, task_name(task));
        if (get_bool(task, "failing"))
                ret->paint = PAINT_BAD;
}

/* To the daemon a task has runs or none; whether one of them has begun is known by the tree. */
static const char *task_word(const json_t *task) {
        const json_t *run = json_object_get(task, TOP_RUN);
        const char *word = state_word(task);

        return run && get_int(run, "started_usec") == 0 && streq(word, "running") ? "queued" : word;
}

static void task_text_state(const json_t *task, struct cell_text *ret) {
        const char *word = task_word(task);

        if (get_bool(task, "failing") && !streq(word, "gave-up"))
                word = "failing";
        else if (get_bool(task, "stale"))
                word = "stale";
        else if (get_bool(task, "slow"))
                word = "slow";
        else if (*get_string(task, "paused_by") && get_int(task, "running") == 0)
                word = "paused";
        view_say(ret, word);
        ret->paint = paint_for(word);
}

/* Where @word is in @order, or behind it. */
static json_int_t rank(const char *word, const char *const *order, size_t n) {
        size_t i = 0;

        while (i < n && !streq(order[i], word))
                i++;
        return (json_int_t)i;
}

/* What wants to be looked at comes first, then what is at work. */
static json_int_t task_state_rank(const json_t *task) {
        static const char *const order[] = { "gave-up",  "restarting", "partly-up", "running", "queued",
                                             "starting", "stopping",   "waiting",   "up",      "idle",
                                             "stopped",  "paused",     "disabled" };

        if (get_bool(task, "failing"))
                return -3;
        if (get_bool(task, "stale"))
                return -2;
        if (get_bool(task, "slow"))
                return -1;
        return rank(task_word(task), order, ARRAY_SIZE(order));
}

static void task_text_progress(const json_t *task, struct cell_text *ret) {
        text_progress(json_object_get(task, TOP_RUN), ret);
}

static json_int_t task_progress(const json_t *task) {
        const json_t *run = json_object_get(task, TOP_RUN);

        return run ? percent_of(run) : -2;
}

static void task_text_last(const json_t *task, struct cell_text *ret) {
        const json_t *last = json_object_get(task, "last");
        char outcome[WHEN_MAX];

        view_say(ret, format_outcome(last, outcome));
        ret->paint = paint_for(get_string(last, "outcome"));
}

static json_int_t task_last(const json_t *task) {
        static const char *const order[] = { "failed",        "timeout", "interrupted", "cancelled",
                                             "never-started", "skipped", "ok" };

        return rank(get_string(json_object_get(task, "last"), "outcome"), order, ARRAY_SIZE(order));
}

static json_int_t task_ended(const json_t *task) {
        return get_int(json_object_get(task, "last"), "ended_usec");
}

static void task_text_age(const json_t *task, struct cell_text *ret) {
        char age[WHEN_MAX];

        if (task_ended(task) > 0)
                view_say(ret, format_short((json_int_t)clock_now(CLOCK_ID_REALTIME) - task_ended(task), age));
}

static void task_text_next(const json_t *task, struct cell_text *ret) {
        json_int_t next = get_int(task, "next_usec");
        char span[WHEN_MAX];

        if (next > 0)
                view_say(ret, format_short(next - (json_int_t)clock_now(CLOCK_ID_REALTIME), span));
        if (*get_string(task, "paused_by"))
                ret->paint = PAINT_DIM;
}

static json_int_t task_next(const json_t *task) {
        json_int_t next = get_int(task, "next_usec");

        return next > 0 ? next : INT64_MAX;
}

static void task_text_failures(const json_t *task, struct cell_text *ret) {
        view_say_number(ret, get_int(task, "failures"));
        ret->paint = PAINT_BAD;
}

static json_int_t task_failures(const json_t *task) {
        return get_int(task, "failures");
}

static void task_text_detail(const json_t *task, struct cell_text *ret) {
        const json_t *last = json_object_get(task, "last");
        const char *by = get_string(json_object_get(task, "service"), "stopped_by"),
                   *paused = get_string(task, "paused_by"),
                   *waiting = get_string(json_object_get(json_object_get(task, TOP_RUN), "waiting"), "text");

        ret->paint = PAINT_DIM;
        if (*waiting) {
                view_say(ret, waiting);
                ret->paint = PAINT_WARN;
        } else if (*by)
                (void)snprintf(ret->text, sizeof(ret->text), "stopped by %s", by);
        else if (*paused)
                (void)snprintf(ret->text, sizeof(ret->text), "paused by %s", paused);
        else
                view_say(ret,
                         *get_string(last, "detail") ? get_string(last, "detail") : get_string(task, "description"));
}

static bool task_fails(const json_t *task) {
        return get_bool(task, "failing") || streq(state_word(task), "gave-up");
}

static const struct top_column task_columns[] = {
        { .title = "TASK", .least = 12, .most = 40, .text = task_text_name, .word = task_name },
        { .title = "STATE", .width = 10, .text = task_text_state, .number = task_state_rank },
        { .title = "PROGRESS", .width = 10, .falls = true, .text = task_text_progress, .number = task_progress },
        { .title = "LAST", .width = 15, .text = task_text_last, .number = task_last },
        { .title = "AGO", .width = 5, .right = true, .falls = true, .text = task_text_age, .number = task_ended },
        { .title = "NEXT", .width = 5, .right = true, .text = task_text_next, .number = task_next },
        { .title = "FAIL",
          .width = 4,
          .right = true,
          .falls = true,
          .text = task_text_failures,
          .number = task_failures },
        { .title = "DETAIL", .least = 12, .text = task_text_detail },
};

/* Whether @run tells more of its task than @other: one at work, the longest; else the one that waits for the longest. */
static bool tells_more(const json_t *run, const json_t *other) {
        bool begun = get_int(run, "started_usec") > 0, other_begun = get_int(other, "started_usec") > 0;

        return begun != other_begun ? begun : run_begun(run) < run_begun(other);
}

json_t *top_runs_by_task(const json_t *runs) {
        json_t *by_task = json_object(), *run;
        size_t index;

        json_array_foreach((json_t *)runs, index, run) {
                const json_t *known = json_object_get(by_task, get_string(run, "task"));

                if (!*get_string(run, "item") && (!known || tells_more(run, known)))
                        (void)json_object_set(by_task, get_string(run, "task"), run);
        }
        return by_task;
}

/* ---- runs ---- */

static void run_text_name(const json_t *run, struct cell_text *ret) {
        const char *name = get_string(run, "name"), *slash = strrchr(name, '/');
        int depth = (int)MIN(get_int(run, "depth"), (json_int_t)16);

        (void)snprintf(ret->text, sizeof(ret->text), "%*s%s", 2 * depth, "", depth > 0 && slash ? slash + 1 : name);
}

static const char *run_name(const json_t *run) {
        return get_string(run, "name");
}

static void run_text_state(const json_t *run, struct cell_text *ret) {
        const char *word = get_bool(run, "slow") ? "slow" : state_word(run);

        view_say(ret, word);
        ret->paint = paint_for(word);
}

static void run_text_age(const json_t *run, struct cell_text *ret) {
        char age[WHEN_MAX];

        view_say(ret, format_short(age_of(run), age));
}

static void run_text_usual(const json_t *run, struct cell_text *ret) {
        char span[WHEN_MAX];

        if (get_int(run, "usual_usec") > 0)
                view_say(ret, format_short(get_int(run, "usual_usec"), span));
}

static json_int_t run_usual(const json_t *run) {
        return get_int(run, "usual_usec");
}

static void run_text_progress(const json_t *run, struct cell_text *ret) {
        if (percent_of(run) >= 0)
                text_progress(run, ret);
}

static void run_text_detail(const json_t *run, struct cell_text *ret) {
        describe_run(run, ret->text, sizeof(ret->text));
        if (json_object_get(run, "waiting"))
                ret->paint = PAINT_WARN;
}

static bool run_fails(const json_t *run) {
        return json_array_size(json_object_get(run, "errors")) > 0;
}

static const struct top_column run_columns[] = {
        { .title = "RUN", .least = 16, .most = 48, .text = run_text_name, .word = run_name },
        { .title = "STATE", .width = 10, .text = run_text_state, .word = state_word },
        { .title = "FOR", .width = 5, .right = true, .text = run_text_age, .number = run_begun },
        { .title = "USUAL", .width = 5, .right = true, .falls = true, .text = run_text_usual, .number = run_usual },
        { .title = "PROGRESS", .width = 10, .falls = true, .text = run_text_progress, .number = percent_of },
        { .title = "DETAIL", .least = 20, .text = run_text_detail },
};

const struct top_view top_view_tasks = {
        "tasks", "name", task_columns, ARRAY_SIZE(task_columns), 0, task_fails,
};
const struct top_view top_view_runs = {
        "runs", "name", run_columns, ARRAY_SIZE(run_columns), -1, run_fails,
};
