/* SPDX-License-Identifier: MIT */
/* methods_runs: Tree, and names of runs. */
#include "base/text.h"
#include "control/methods.h"
#include "control/processes.h"
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
 * Runs that are named come first, one in an answer; then those of tasks that match. Runs come and go while the answer is
 * on its way, so the cursor keeps no run, but the instant of creation up to which all top-level runs were told: they are
 * in that order, and new ones come last. */

struct tree_cursor {
        struct control *control;
        struct patterns patterns;
        struct names_check check;
        bool checked;
        bool bare;   /* no processes are asked for */
        size_t name; /* of the names, the first that was not looked at for a run */
        usec_t told_usec;
        json_t *array; /* of the answer that is being made */

        /* An answer that is made but for what its processes are at. */
        json_t *answer;
        int more;
        struct processes *processes; /* NULL: none is being made, or they are of no interest */
};

static void tree_free(void *cursor) {
        struct tree_cursor *tree = cursor;

        patterns_done(&tree->patterns);
        processes_free(tree->processes);
        json_decref(tree->answer);
        free(tree);
}

static bool is_wanted(const char *task, void *arg) {
        struct tree_cursor *tree = arg;

        return patterns_match(&tree->patterns, task);
}

static int append_run(struct run *run, void *arg) {
        struct tree_cursor *tree = arg;

        return run_append_json(tree->array, live_tree(tree->control->live), run, RUN_JSON_MAX, tree->processes);
}

/* Not what is told already below another. */
static int append_outermost(struct run *run, void *arg) {
        return is_below_wanted(run, is_wanted, arg) ? 0 : append_run(run, arg);
}

static int check_some(struct tree_cursor *tree, struct varlink_call *call) {
        const char *name;
        int r;

        r = names_check(tree->control, tree->patterns.list, &tree->check, &name);
        if (r < 0)
                return reply_no_such_task(call, name);
        tree->checked = r > 0;
        varlink_wake(call);
        return -EAGAIN;
}

/* The next of the names from @name on that is one of a run, or is none; their number when there is none. */
static size_t find_name(const struct tree_cursor *tree, size_t name, bool of_run) {
        const json_t *names = tree->patterns.list;

        while (name < json_array_size(names) && is_run_name(json_string_value(json_array_get(names, name))) != of_run)
                name++;
        return name;
}

/* Tells the run that is named at tree->name, with those below it. */
static int tell_named(struct tree_cursor *tree, struct varlink_call *call, json_t **ret) {
        const char *name = json_string_value(json_array_get(tree->patterns.list, tree->name));
        struct run *run = run_tree_find(live_tree(tree->control->live), name);
        size_t n = json_array_size(tree->patterns.list);

        if (!run)
                return reply_no_such_run(call, name);
        tree->array = json_array();
        if (append_run(run, tree) < 0) {
                json_decref(tree->array);
                return -ENOMEM;
        }
        tree->name = find_name(tree, tree->name + 1, true);
        *ret = json_pack("{s:o}", "runs", tree->array);
        return tree->name < n || find_name(tree, 0, false) < n;
}

/* Tells some of the runs whose tasks match. */
static int tell_matching(struct tree_cursor *tree, struct varlink_call *call, json_t **ret) {
        struct run *run = run_first_child(run_tree_root(live_tree(tree->control->live)));
        size_t scan = patterns_a_step(&tree->patterns);

        tree->array = json_array();
        while (run && run_created_usec(run) <= tree->told_usec)
                run = run_next_sibling(run);
        for (; run; run = run_next_sibling(run), scan -= scan > 0) {
                bool enough = json_array_size(tree->array) >= RUNS_A_REPLY || scan == 0;

                /* All of one instant are told at once, however many. */
                if (enough && run_created_usec(run) > tree->told_usec)
                        break;
                tree->told_usec = run_created_usec(run);
                if (visit_runs(run, is_wanted, append_outermost, tree) < 0) {
                        json_decref(tree->array);
                        return -ENOMEM;
                }
        }
        if (run && json_array_size(tree->array) == 0) { /* nothing found yet: others get their turn first */
                json_decref(tree->array);
                varlink_wake(call);
                return -EAGAIN;
        }
        *ret = json_pack("{s:o}", "runs", tree->array);
        return run != NULL;
}

static int make_answer(struct tree_cursor *tree, struct varlink_call *call) {
        if (!tree->bare && processes_new(live_loop(tree->control->live), call, false, &tree->processes) < 0)
                return -ENOMEM;
        tree->name = find_name(tree, tree->name, true);
        return tree->name < json_array_size(tree->patterns.list) ? tell_named(tree, call, &tree->answer)
                                                                 : tell_matching(tree, call, &tree->answer);
}

static int tree_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct tree_cursor *tree = cursor;

        if (!tree->checked)
                return check_some(tree, call);
        if (!tree->processes)
                tree->more = make_answer(tree, call);
        if (tree->answer && tree->processes && !processes_ready(tree->processes))
                return -EAGAIN;
        tree->processes = processes_free(tree->processes);
        *ret = TAKE_PTR(tree->answer);
        return tree->more;
}

static const struct varlink_stream_ops tree_ops = { .next = tree_next, .free = tree_free };

int method_tree(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct tree_cursor *cursor = calloc(1, sizeof(*cursor));

        if (!cursor)
                return -ENOMEM;
        if (patterns_init(&cursor->patterns, json_object_get(parameters, "runs")) < 0) {
                free(cursor);
                return -ENOMEM;
        }
        cursor->control = arg;
        cursor->check.runs = true;
        cursor->bare = json_is_false(json_object_get(parameters, "processes"));
        cursor->check.gone = true;
        return varlink_stream(call, &tree_ops, cursor);
}
