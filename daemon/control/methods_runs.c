/* SPDX-License-Identifier: MIT */
/* methods_runs: Tree, Start, Stop, Wait. */
#include "base/text.h"
#include "control/methods.h"
#include "control/run_json.h"
#include "live/outcome_json.h"

#include <stdio.h>

#define RUNS_A_REPLY 100

static int no_such_run(struct varlink_call *call, const char *name) {
        return varlink_error(call, ERROR_RUNNER("NoSuchRun"), json_pack("{s:s}", "run", name));
}

/* A run is meant when there is a number in the name. */
static bool is_run_name(const char *name) {
        return strchr(name, '#') != NULL;
}

/* ---- Tree ----
 *
 * Runs come and go while the answer is on its way, so the cursor keeps no run, but the instant of creation up to which
 * all top-level runs were told: they are in that order, and new ones come last. */

struct tree_cursor {
        struct control *control;
        struct patterns patterns;
        usec_t told_usec;
        json_t *array; /* of the answer that is being made */
};

static void tree_free(void *cursor) {
        struct tree_cursor *tree = cursor;

        patterns_done(&tree->patterns);
        free(tree);
}

static bool is_wanted(const char *task, void *arg) {
        struct tree_cursor *tree = arg;

        return patterns_match(&tree->patterns, task);
}

static int append_run(struct run *run, void *arg) {
        struct tree_cursor *tree = arg;

        return run_append_json(tree->array, live_tree(tree->control->live), run);
}

static int tree_next(_unused_ struct varlink_call *call, void *cursor, json_t **ret) {
        struct tree_cursor *tree = cursor;
        struct run *run = run_first_child(run_tree_root(live_tree(tree->control->live)));

        tree->array = json_array();
        while (run && run_created_usec(run) <= tree->told_usec)
                run = run_next_sibling(run);
        for (; run; run = run_next_sibling(run)) {
                /* All of one instant are told at once, however many. */
                if (json_array_size(tree->array) >= RUNS_A_REPLY && run_created_usec(run) > tree->told_usec)
                        break;
                tree->told_usec = run_created_usec(run);
                if (visit_runs(run, is_wanted, append_run, tree) < 0) {
                        json_decref(tree->array);
                        return -ENOMEM;
                }
        }
        *ret = json_pack("{s:o}", "runs", tree->array);
        return run != NULL;
}

static const struct varlink_stream_ops tree_ops = { tree_next, tree_free };

/* One run by its name, with those below it. */
static int reply_run(struct control *control, struct varlink_call *call, const char *name) {
        struct run_tree *tree = live_tree(control->live);
        struct run *run = run_tree_find(tree, name);
        json_t *array;

        if (!run)
                return no_such_run(call, name);
        array = json_array();
        if (!array || run_append_json(array, tree, run) < 0) {
                json_decref(array);
                return -ENOMEM;
        }
        return varlink_reply(call, json_pack("{s:o}", "runs", array));
}

/* The first of @names that no task matches, or NULL. */
static const char *find_unknown(struct control *control, const json_t *names) {
        for (size_t i = 0; i < json_array_size(names); i++) {
                const char *name = json_string_value(json_array_get(names, i));
                bool found = live_find(control->live, name) != NULL;
                size_t n = strpbrk(name, "*?") ? live_n_tasks(control->live) : 0;

                for (size_t t = 0; t < n && !found; t++)
                        found = text_match(name, live_task_task(live_task_at(control->live, t))->run.name);
                if (!found)
                        return name;
        }
        return NULL;
}

int method_tree(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        const json_t *names = json_object_get(parameters, "runs");
        const char *unknown;
        struct tree_cursor *cursor;

        if (json_array_size(names) == 1 && is_run_name(json_string_value(json_array_get(names, 0))))
                return reply_run(control, call, json_string_value(json_array_get(names, 0)));
        unknown = find_unknown(control, names);
        if (unknown)
                return reply_no_such_task(call, unknown);

        cursor = calloc(1, sizeof(*cursor));
        if (!cursor)
                return -ENOMEM;
        if (patterns_init(&cursor->patterns, names) < 0) {
                free(cursor);
                return -ENOMEM;
        }
        cursor->control = control;
        return varlink_stream(call, &tree_ops, cursor);
}

/* ---- Start ---- */

static int append_run_name(json_t *array, const struct run *run) {
        char name[RUN_NAME_MAX];

        return json_array_append_new(array, json_text(run_name(run, name))) < 0 ? -ENOMEM : 0;
}

/* Starts every task that @name matches; a pattern passes over those that are not enabled. Appends the names of the runs
 * to @started. Returns how many there are, or a negative errno. */
static int start_matching(struct control *control, const char *name, const char *by, json_t *started) {
        struct live_task *exact = live_find(control->live, name);
        size_t n = exact ? 1 : live_n_tasks(control->live);
        int count = 0;

        for (size_t i = 0; i < n; i++) {
                struct live_task *task = exact ? exact : live_task_at(control->live, i);
                struct run *run = NULL;
                int r;

                if (!exact && (!text_match(name, live_task_task(task)->run.name) || !live_task_task(task)->enabled))
                        continue;
                r = live_start(control->live, task, by, &run);
                if (r >= 0)
                        r = append_run_name(started, run);
                if (r < 0)
                        return r;
                count++;
        }
        return count;
}

static int start_error(struct varlink_call *call, const char *name, int error) {
        if (error == 0)
                return reply_no_such_task(call, name);
        if (error == -ECANCELED)
                return varlink_error(call, ERROR_RUNNER("Disabled"), json_pack("{s:s}", "task", name));
        if (error == -ESHUTDOWN)
                return varlink_error(call, ERROR_RUNNER("ShuttingDown"), NULL);
        return error;
}

int method_start(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        const json_t *names = json_object_get(parameters, "tasks");
        bool wait = json_is_true(json_object_get(parameters, "wait"));
        json_t *started;
        char by[BY_MAX];

        if (json_array_size(names) == 0)
                return varlink_error_parameter(call, "tasks");
        if (wait && !varlink_call_more(call))
                return varlink_error(call, "org.varlink.service.ExpectedMore", NULL);
        started = json_array();
        if (!started)
                return -ENOMEM;

        for (size_t i = 0; i < json_array_size(names); i++) {
                const char *name = json_string_value(json_array_get(names, i));
                int r = start_matching(control, name, call_by(call, by), started);

                if (r <= 0) {
                        json_decref(started);
                        return start_error(call, name, r);
                }
        }
        if (wait)
                return wait_for_runs(control, call, started, json_incref(started));
        return varlink_reply(call, json_pack("{s:o}", "started", started));
}

/* ---- Stop and Wait ---- */

struct meant {
        const char *name;
        run_fn fn;
        void *arg;
};

static bool is_meant(const char *task, void *arg) {
        const struct meant *meant = arg;

        return text_match(meant->name, task);
}

static int call_meant(struct run *run, void *arg) {
        const struct meant *meant = arg;

        return meant->fn(run, meant->arg);
}

/* Calls @fn for each live run that @name means: the one of this name, or those of tasks that match, also as members.
 * Returns how many, or what @fn returned when negative. */
static int for_each_meant(struct control *control, const char *name, run_fn fn, void *arg) {
        struct meant meant = { name, fn, arg };
        struct run_tree *tree = live_tree(control->live);
        struct run *run;
        int r;

        if (!is_run_name(name))
                return visit_runs(run_tree_root(tree), is_meant, call_meant, &meant);
        run = run_tree_find(tree, name);
        r = run ? fn(run, arg) : 0;
        return r < 0 ? r : run != NULL;
}

/* What to say when @name means no live run. */
static int nothing_meant(struct control *control, struct varlink_call *call, json_t *name) {
        const char *text = json_string_value(name);
        json_auto_t *one = json_pack("[O]", name);

        if (is_run_name(text))
                return no_such_run(call, text);
        if (find_unknown(control, one))
                return reply_no_such_task(call, text);
        return varlink_error(call, ERROR_RUNNER("NotRunning"), json_pack("{s:s}", "name", text));
}

struct stop {
        const char *by;
        bool force;
        json_t *stopped;
};

static int stop_run(struct run *run, void *userdata) {
        const struct stop *stop = userdata;

        if (run_cancel(run, CANCEL_OPERATOR, stop->by) < 0) /* it is done */
                return 0;
        if (stop->force)
                run_force(run);
        return append_run_name(stop->stopped, run);
}

int method_stop(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        const json_t *names = json_object_get(parameters, "runs");
        const char *reason = json_string_value(json_object_get(parameters, "reason"));
        char who[BY_MAX], by[BY_MAX + 256];
        struct stop stop = { .by = by, .force = json_is_true(json_object_get(parameters, "force")) };

        if (json_array_size(names) == 0)
                return varlink_error_parameter(call, "runs");
        (void)snprintf(by, sizeof(by), "%s%s%s", call_by(call, who), reason ? ": " : "", reason ? reason : "");
        stop.stopped = json_array();
        if (!stop.stopped)
                return -ENOMEM;
        for (size_t i = 0; i < json_array_size(names); i++) {
                json_t *name = json_array_get(names, i);
                int r = for_each_meant(control, json_string_value(name), stop_run, &stop);

                if (r <= 0) {
                        json_decref(stop.stopped);
                        return r < 0 ? r : nothing_meant(control, call, name);
                }
        }
        return varlink_reply(call, json_pack("{s:o}", "stopped", stop.stopped));
}

static int collect_run(struct run *run, void *userdata) {
        return append_run_name(userdata, run);
}

/* Appends the run @name, or the last one of the task @name, when it has ended and is known. Returns 1, 0, -ENOMEM. */
static int collect_ended(struct control *control, const char *name, json_t *runs) {
        const struct live_task *task = is_run_name(name) ? NULL : live_find(control->live, name);
        struct result *result = task ? live_task_last(task) : wait_find_result(control, name);

        if (!result)
                return 0;
        return json_array_append_new(runs, json_text(result->run)) < 0 ? -ENOMEM : 1;
}

int method_wait(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        const json_t *names = json_object_get(parameters, "runs");
        json_t *runs = json_array();

        if (json_array_size(names) == 0) {
                json_decref(runs);
                return varlink_error_parameter(call, "runs");
        }
        for (size_t i = 0; i < json_array_size(names); i++) {
                json_t *name = json_array_get(names, i);
                int r = for_each_meant(control, json_string_value(name), collect_run, runs);

                if (r == 0)
                        r = collect_ended(control, json_string_value(name), runs);
                if (r <= 0) {
                        json_decref(runs);
                        return r < 0 ? r : nothing_meant(control, call, name);
                }
        }
        return wait_for_runs(control, call, NULL, runs);
}
