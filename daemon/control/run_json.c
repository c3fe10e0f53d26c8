/* SPDX-License-Identifier: MIT */
/* run_json: live runs and tasks as JSON, see run_json.h. */
#include "control/run_json.h"

#include "control/methods.h"
#include "control/processes.h"
#include "live/outcome_json.h"
#include "task/kind.h"

#include <stdio.h>

/* ---- runs ---- */

static json_t *pack_deadline(usec_t at, const char *bound, const struct run *owner) {
        char name[RUN_NAME_MAX];

        return json_pack("{s:o, s:s, s:o}", "at_usec", json_usec(to_realtime(at)), "bound", bound, "run",
                         json_text(run_name(owner, name)));
}

json_t *run_deadline_json(const struct run *run) {
        usec_t grace_ends = run_grace_ends(run), at;
        const struct run *owner = NULL;
        enum bound bound = _BOUND_INVALID;

        if (grace_ends != USEC_INFINITY)
                return pack_deadline(grace_ends, "grace", run);
        at = run_deadline(run, &owner, &bound);
        if (at == USEC_INFINITY || !owner || bound < 0)
                return NULL;
        return pack_deadline(at, bound_to_string(bound), owner);
}

static const char *const role_names[_RUN_ROLE_MAX] = {
        [RUN_ROOT] = "root", [RUN_JOB] = "job", [RUN_LEAF] = "attempt", [RUN_GROUP] = "group", [RUN_FANOUT] = "fan-out",
};

struct walk {
        json_t *array;
        struct run_tree *tree;
        struct processes *processes; /* NULL: they are of no interest */
        size_t begin;
        size_t max;
        json_int_t hidden;
};

/* What it says of itself, and what is told of services. */
static int add_said(json_t *json, const struct run *run) {
        const struct live_task *task = task_of(run_get_spec(run))->live;
        const char *status = run_get_status(run);
        usec_t output = run_last_output_usec(run), usual = run_get_item(run) ? 0 : live_task_usual(task);
        json_t *more;
        int r;

        more = json_pack("{s:b, s:o*, s:o*, s:o*, s:o*, s:o*}", "slow", (int)live_run_is_slow(run), "usual_usec",
                         usual > 0 ? json_usec(usual) : NULL, "service",
                         run_get_spec(run)->is_service ? service_to_json(task, run) : NULL, "status",
                         status ? json_text(status) : NULL, "progress", progress_to_json(run), "last_output_usec",
                         output > 0 ? json_usec(to_realtime(output)) : NULL);
        r = json_object_update(json, more);
        json_decref(more);
        return r;
}

/* What its work is at, as its kind tells. */
static int add_view(json_t *json, const struct kind_view *view, struct processes *processes) {
        if (*view->doing && json_object_set_new(json, "doing", json_text(view->doing)) < 0)
                return -ENOMEM;
        if (*view->last_line && json_object_set_new(json, "last_output", json_text(view->last_line)) < 0)
                return -ENOMEM;
        return view->child && processes ? processes_add(processes, view->child, json) : 0;
}

/* The last line of @text that is not empty. */
static void last_line(const char *text, char *buf, size_t size) {
        size_t n = strlen(text), begin;

        while (n > 0 && text[n - 1] == '\n')
                n--;
        for (begin = n; begin > 0 && text[begin - 1] != '\n';)
                begin--;
        (void)snprintf(buf, size, "%.*s", (int)(n - begin), text + begin);
}

/* Between two attempts there is what the one before has left. */
static int add_work(json_t *json, const struct run *run, struct processes *processes) {
        struct kind_view view = { 0 };

        if (run_get_role(run) != RUN_JOB)
                return 0;
        if (!kind_view_leaf(run_present_leaf(run), &view) && run_output_tail(run))
                last_line(run_output_tail(run), view.last_line, sizeof(view.last_line));
        return add_view(json, &view, processes);
}

static json_t *run_to_json(const struct walk *walk, struct run *run, unsigned depth) {
        const struct items_summary *items = run_items_so_far(run);
        const char *item = run_get_item(run);
        usec_t started = run_started_usec(run);
        char name[RUN_NAME_MAX];
        json_t *json;

        json = json_pack("{s:o, s:s, s:s, s:s, s:i, s:o, s:o*, s:o, s:o*, s:i, s:b, s:o*, s:o*, s:o, s:o*}", "name",
                         json_text(run_name(run, name)), "task", run_get_spec(run)->name, "role",
                         role_names[run_get_role(run)], "state", run_state_to_string(run_get_state(run)), "depth",
                         (int)depth, "trigger", json_text(run_get_trigger(run)), "item", item ? json_text(item) : NULL,
                         "created_usec", json_usec(to_realtime(run_created_usec(run))), "started_usec",
                         started > 0 ? json_usec(to_realtime(started)) : NULL, "attempts", (int)run_attempts(run),
                         "cancelled", (int)run_is_cancelled(run), "deadline", run_deadline_json(run), "waiting",
                         waiting_to_json(walk->tree, run), "errors", errors_to_json(run_get_errors(run)), "items",
                         items ? items_to_json(items) : NULL);
        if (json && (add_said(json, run) < 0 || add_work(json, run, walk->processes) < 0)) {
                json_decref(json);
                return NULL;
        }
        return json;
}

/* Depth is bounded by how deep groups nest, which the configuration bounds, and how deep runs are started inside runs. */
static int walk_run(struct walk *walk, struct run *run, unsigned depth) {
        int r = 0;

        if (json_array_size(walk->array) - walk->begin >= walk->max)
                walk->hidden++;
        else if (json_array_append_new(walk->array, run_to_json(walk, run, depth)) < 0)
                return -ENOMEM;
        for (struct run *child = run_first_child(run); child; child = run_next_sibling(child)) {
                if (run_get_role(child) == RUN_LEAF || run_get_state(child) == RUN_DONE)
                        continue;
                r = walk_run(walk, child, depth + 1);
                if (r < 0)
                        return r;
        }
        for (struct run *guest = run_first_guest(run); guest && r >= 0; guest = run_next_guest(guest))
                r = walk_run(walk, guest, depth + 1);
        return r;
}

int run_append_json(json_t *array, struct run_tree *tree, struct run *run, size_t max, struct processes *processes) {
        struct walk walk = { array, tree, processes, json_array_size(array), MAX(max, (size_t)1), 0 };
        int r;

        r = walk_run(&walk, run, 0);
        if (r < 0)
                return r;
        if (walk.hidden > 0)
                return json_object_set_new(json_array_get(array, walk.begin), "hidden", json_integer(walk.hidden)) < 0
                               ? -ENOMEM
                               : 0;
        return 0;
}

json_t *remnants_to_json(struct run_tree *tree, const char *task, struct processes *processes) {
        json_t *array = json_array();

        for (struct remnant *remnant = run_tree_first_remnant(tree); remnant; remnant = remnant_next(remnant)) {
                struct kind_view view;
                json_t *json;

                if (task && !streq(remnant_task(remnant), task))
                        continue;
                json = json_pack("{s:o, s:s, s:b, s:o}", "run", json_text(remnant_run(remnant)), "task",
                                 remnant_task(remnant), "process", (int)remnant_is_process(remnant), "since_usec",
                                 json_usec(to_realtime(remnant_since(remnant))));
                if (json_array_append_new(array, json) < 0 ||
                    (kind_view_remnant(remnant, &view) && add_view(json, &view, processes) < 0)) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}

/* ---- tasks ---- */

static json_t *last_to_json(const struct result *last) {
        enum error_kind error = result_error(last);
        const char *detail = result_detail(last);

        return json_pack("{s:o, s:s, s:s*, s:o*, s:o, s:o}", "run", json_text(last->run), "outcome",
                         outcome_to_string(last->outcome), "error",
                         error == ERROR_NONE ? NULL : error_kind_to_string(error), "detail",
                         *detail ? json_text(detail) : NULL, "ended_usec", json_usec(last->ended_realtime_usec),
                         "duration_usec", json_usec(last->duration_usec));
}

/* Adds what of a task is there only sometimes. Returns 0 or -ENOMEM. */
static int add_time(json_t *json, const struct live_task *live) {
        usec_t last_ok = live_task_last_ok(live), next = live_task_next(live), paused = 0, last_due;
        const char *paused_by = live_task_paused_by(live, &paused), *what = NULL;
        usec_t stale_at = live_task_stale_at(live), usual = live_task_usual(live);
        json_t *more;
        int r;

        last_due = live_task_last_due(live, &what);
        more = json_pack("{s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*}", "usual_usec",
                         usual > 0 ? json_usec(usual) : NULL, "paused_all",
                         paused_by && !live_task_is_paused_itself(live) ? json_true() : NULL, "paused_by",
                         paused_by ? json_text(paused_by) : NULL, "paused_usec", paused_by ? json_usec(paused) : NULL,
                         "last_ok_usec", last_ok > 0 ? json_usec(last_ok) : NULL, "next_usec",
                         next != USEC_INFINITY ? json_usec(next) : NULL, "last_due_usec",
                         last_due > 0 ? json_usec(last_due) : NULL, "last_due_what",
                         last_due > 0 && what ? json_text(what) : NULL, "stale_usec",
                         stale_at != USEC_INFINITY ? json_usec(stale_at) : NULL);
        r = json_object_update(json, more);
        json_decref(more);
        return r;
}

/* Of a fan-out with items that fail, or whose items have failed. */
static json_t *item_counts_to_json(const struct live_task *live) {
        struct live_item_counts counts;

        live_task_count_items(live, &counts);
        if (counts.failing == 0 && counts.total == 0)
                return NULL;
        return json_pack("{s:I, s:I, s:I, s:I, s:I}", "failing", (json_int_t)counts.failing, "newly_failing",
                         (json_int_t)counts.newly_failing, "recovered", (json_int_t)counts.recovered, "untracked",
                         (json_int_t)counts.untracked, "total", (json_int_t)counts.total);
}

json_t *task_to_json(const struct live_task *live) {
        const struct task *task = live_task_task(live);
        const struct result *last = live_task_last(live);
        const char *reason = live_task_skip_reason(live), *trouble = live_task_watch_trouble(live);
        json_t *service = task->run.is_service ? service_to_json(live, live_service_run(live)) : NULL;
        json_t *json =
                json_pack("{s:s, s:s, s:o*, s:s, s:i, s:i, s:b, s:b, s:b, s:b, s:o*, s:o*, s:o*, s:I, s:o*, s:o*}",
                          "name", task->run.name, "kind", task->kind ? task->kind->name : "group", "description",
                          task->description ? json_text(task->description) : NULL, "state", live_task_state(live),
                          "running", (int)live_task_running(live), "failures", (int)live_task_failures(live), "failing",
                          (int)live_task_is_failing(live), "stale", (int)live_task_is_stale(live), "slow",
                          (int)live_task_is_slow(live), "starting", (int)live_task_is_starting(live), "items",
                          item_counts_to_json(live), "service", service, "last", last ? last_to_json(last) : NULL,
                          "skipped", (json_int_t)live_task_skipped(live), "skip_reason",
                          reason ? json_text(reason) : NULL, "watch_trouble", trouble ? json_text(trouble) : NULL);

        if (json && add_time(json, live) == 0)
                return json;
        json_decref(json);
        return NULL;
}
