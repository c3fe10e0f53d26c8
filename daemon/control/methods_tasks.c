/* SPDX-License-Identifier: MIT */
/* methods_tasks: List, Why. */
#include "control/methods.h"
#include "control/problems.h"
#include "control/processes.h"
#include "control/run_json.h"
#include "live/outcome_json.h"

#define TASKS_A_REPLY 50

/* ---- List ---- */

struct list_cursor {
        struct control *control;
        struct patterns patterns;
        bool states[_PROBLEM_KIND_MAX]; /* any of them will do */
        bool any_state;
        size_t index;
};

static void list_free(void *cursor) {
        struct list_cursor *list = cursor;

        patterns_done(&list->patterns);
        free(list);
}

static bool has_state(const struct list_cursor *list, const struct live_task *task) {
        for (int kind = 0; kind < _PROBLEM_KIND_MAX; kind++)
                if (list->states[kind] && problem_has_task((enum problem_kind)kind, list->control->live, task))
                        return true;
        return list->any_state;
}

static int list_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct list_cursor *list = cursor;
        struct live *live = list->control->live;
        size_t n = live_n_tasks(live), end = MIN(n, list->index + patterns_a_step(&list->patterns));
        json_t *array = json_array();

        for (; list->index < end && json_array_size(array) < TASKS_A_REPLY; list->index++) {
                const struct live_task *task = live_task_at(live, list->index);

                if (!patterns_match(&list->patterns, live_task_task(task)->run.name) || !has_state(list, task))
                        continue;
                if (json_array_append_new(array, task_to_json(task)) < 0) {
                        json_decref(array);
                        return -ENOMEM;
                }
        }
        if (list->index < n && json_array_size(array) == 0) { /* nothing found yet: others get their turn first */
                json_decref(array);
                varlink_wake(call);
                return -EAGAIN;
        }
        if (list->index == n && patterns_unmatched(&list->patterns)) {
                json_decref(array);
                return varlink_error(call, ERROR_RUNNER("NoSuchTask"),
                                     json_pack("{s:s}", "task", patterns_unmatched(&list->patterns)));
        }
        *ret = json_pack("{s:o}", "tasks", array);
        return list->index < n;
}

static const struct varlink_stream_ops list_ops = { .next = list_next, .free = list_free };

/* Returns 0 or -EINVAL. */
static int parse_states(struct list_cursor *list, const json_t *states) {
        const json_t *state;
        size_t index;

        list->any_state = json_array_size(states) == 0;
        json_array_foreach((json_t *)states, index, state) {
                enum problem_kind kind = problem_kind_from_string(json_string_value(state));

                if (kind < 0 || !problem_is_of_task(kind))
                        return -EINVAL;
                list->states[kind] = true;
        }
        return 0;
}

int method_list(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct list_cursor *list = calloc(1, sizeof(*list));

        if (!list)
                return -ENOMEM;
        if (parse_states(list, json_object_get(parameters, "states")) < 0) {
                free(list);
                return varlink_error_parameter(call, "states");
        }
        if (patterns_init(&list->patterns, json_object_get(parameters, "tasks")) < 0) {
                free(list);
                return -ENOMEM;
        }
        list->control = arg;
        return varlink_stream(call, &list_ops, list);
}

/* ---- Why ---- */

struct why_cursor {
        json_t *answer;
        struct processes *processes; /* that it waits for */
};

static void why_free(void *cursor) {
        struct why_cursor *why = cursor;

        processes_free(why->processes);
        json_decref(why->answer);
        free(why);
}

static int why_next(_unused_ struct varlink_call *call, void *cursor, json_t **ret) {
        struct why_cursor *why = cursor;

        if (!processes_ready(why->processes))
                return -EAGAIN;
        *ret = TAKE_PTR(why->answer);
        return 0;
}

static const struct varlink_stream_ops why_ops = { .next = why_next, .free = why_free };

/* What is known of @live; of @run alone if there is one, and of no run with @ended. */
static json_t *why_to_json(struct control *control, const struct live_task *live, struct run *run, bool ended,
                           struct processes *processes) {
        struct run_tree *tree = live_tree(control->live);
        const struct task *task = live_task_task(live);
        const struct result *last = live_task_last(live);
        json_t *runs = run || ended ? json_array() : runs_of_task(control, task, processes);

        if (!runs || (run && run_append_json(runs, tree, run, RUN_JSON_FEW, processes) < 0)) {
                json_decref(runs);
                return NULL;
        }
        return json_pack("{s:o, s:o, s:o, s:o*}", "task", task_to_json(live), "runs", runs, "remnants",
                         remnants_to_json(tree, task->run.name, processes), "last",
                         last ? outcome_to_json(last) : NULL);
}

int method_why(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        const char *name = json_string_value(json_object_get(parameters, "name"));
        struct run *run = is_run_name(name) ? run_tree_find(live_tree(control->live), name) : NULL;
        const struct result *ended = is_run_name(name) && !run ? wait_find_result(control, name) : NULL;
        const struct live_task *live;
        struct why_cursor *why;

        if (is_run_name(name) && !run && !ended)
                return reply_no_such_run(call, name);
        live = live_find_any(control->live, run ? run_get_spec(run)->name : ended ? ended->task : name);
        if (!live)
                return reply_no_such_task(call, name);
        why = calloc(1, sizeof(*why));
        if (!why)
                return -ENOMEM;
        if (processes_new(live_loop(control->live), call, true, &why->processes) == 0)
                why->answer = why_to_json(control, live, run, ended, why->processes);
        if (!why->answer) {
                why_free(why);
                return -ENOMEM;
        }
        return varlink_stream(call, &why_ops, why);
}
