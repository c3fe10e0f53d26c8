/* SPDX-License-Identifier: MIT */
/* methods_runs: Tree, and names of runs. */
#include "base/text.h"
#include "control/methods.h"
#include "control/run_json.h"
#include "live/outcome_json.h"

#define RUNS_A_REPLY 100

int reply_no_such_run(struct varlink_call *call, const char *name) {
        return varlink_error(call, ERROR_RUNNER("NoSuchRun"), json_pack("{s:s}", "run", name));
}

bool is_run_name(const char *name) {
        return strchr(name, '#') != NULL;
}

int append_run_name(json_t *array, const struct run *run) {
        char name[RUN_NAME_MAX];

        return json_array_append_new(array, json_text(run_name(run, name))) < 0 ? -ENOMEM : 0;
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
                return reply_no_such_run(call, name);
        array = json_array();
        if (!array || run_append_json(array, tree, run) < 0) {
                json_decref(array);
                return -ENOMEM;
        }
        return varlink_reply(call, json_pack("{s:o}", "runs", array));
}

const char *find_unknown_task(struct control *control, const json_t *names) {
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
        unknown = find_unknown_task(control, names);
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
