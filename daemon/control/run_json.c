/* SPDX-License-Identifier: MIT */
/* run_json: live runs and tasks as JSON, see run_json.h. */
#include "control/run_json.h"

#include "base/text.h"
#include "control/methods.h"
#include "live/outcome_json.h"
#include "task/kind.h"

#include <stdio.h>

#define HOLDERS_MAX 20

/* ---- what a run waits for ---- */

static const char *const why_names[_RUN_WHY_MAX] = {
        [WHY_NONE] = "none",
        [WHY_TURN] = "turn",
        [WHY_PERMITS] = "permits",
        [WHY_PACE] = "pace",
        [WHY_MAX_RUNNING] = "max-running",
        [WHY_AFTER] = "after",
        [WHY_OVERLAP] = "overlap",
        [WHY_RETRY] = "retry",
        [WHY_RESTART] = "restart",
        [WHY_STOPPED] = "stopped",
        [WHY_ITEMS] = "items",
};

struct explanation {
        const struct run *run;
        const struct run_waiting *waiting;
        const char *other; /* name of the run it waits for, or NULL */
        char left[TEXT_USEC_MAX];
        char *buf;
        size_t size;
};

static void explain_turn(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "begins in the next turn of the loop");
}

static void explain_permits(const struct explanation *e) {
        const struct limit *limit = e->waiting->limit;
        struct limit_stats stats;

        limit_get_stats(limit, &stats);
        (void)snprintf(e->buf, e->size, "waits for %u of the permits of limit %s: %u of %u are held",
                       limit_ticket_permits(e->waiting->ticket, limit), limit_name(limit), stats.held,
                       limit_get_config(limit)->permits);
}

static void explain_pace(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "waits for its turn in the pace of limit %s, in %s",
                       limit_name(e->waiting->limit), e->left);
}

static void explain_max_running(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "waits because max-running is reached: %u runs are at work",
                       limit_get_config(e->waiting->limit)->permits);
}

static void explain_after(const struct explanation *e) {
        const struct run *other = e->waiting->other;
        bool service = other && run_get_spec(other)->is_service;

        (void)snprintf(e->buf, e->size, "waits for %s, which comes before it%s%s",
                       e->other ? e->other : "another member", service ? " and is not ready: it is " : "",
                       service ? live_service_run_state(other) : "");
}

static void explain_overlap(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "waits for %s, because its runs do not overlap",
                       e->other ? e->other : "what an earlier run left behind");
}

static void explain_retry(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "tries again in %s", e->left);
}

static void explain_restart(const struct explanation *e) {
        const struct errors *errors = run_get_errors(e->run);

        (void)snprintf(e->buf, e->size, "restarts in %s, attempt %u%s%s", e->left, run_attempts(e->run),
                       errors->n > 0 ? ": " : "", errors->n > 0 ? errors->items[0].detail : "");
}

static void explain_stopped(const struct explanation *e) {
        const char *by = live_task_stopped_by(task_of(run_get_spec(e->run))->live, NULL);

        (void)snprintf(e->buf, e->size, "is stopped%s%s, until it is started", by ? " by " : "", by ? by : "");
}

static void explain_items(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "waits for its first item to be read");
}

static void (*const explanations[_RUN_WHY_MAX])(const struct explanation *e) = {
        [WHY_TURN] = explain_turn,       [WHY_PERMITS] = explain_permits,
        [WHY_PACE] = explain_pace,       [WHY_MAX_RUNNING] = explain_max_running,
        [WHY_AFTER] = explain_after,     [WHY_OVERLAP] = explain_overlap,
        [WHY_RETRY] = explain_retry,     [WHY_RESTART] = explain_restart,
        [WHY_STOPPED] = explain_stopped, [WHY_ITEMS] = explain_items,
};

struct holders {
        const struct run_tree *tree;
        json_t *array;
};

static int add_holder(const struct limit_ticket *ticket, void *userdata) {
        struct holders *holders = userdata;
        char name[RUN_NAME_MAX];

        if (json_array_size(holders->array) == HOLDERS_MAX)
                return 1;
        return json_array_append_new(holders->array, json_text(run_tree_ticket_name(holders->tree, ticket, name)));
}

static json_t *waiting_to_json(const struct run_tree *tree, const struct run *run) {
        struct run_waiting waiting;
        struct explanation e = { .run = run, .waiting = &waiting };
        struct holders holders = { tree, json_array() };
        char other[RUN_NAME_MAX], text[512] = "";
        usec_t left;

        run_get_waiting(run, &waiting);
        if (waiting.why == WHY_NONE || !holders.array) {
                json_decref(holders.array);
                return NULL;
        }
        if (waiting.other)
                e.other = run_name(waiting.other, other);
        left = usec_sub(waiting.until_usec, clock_now(CLOCK_ID_MONOTONIC));
        (void)text_format_usec(left - left % USEC_PER_MSEC, e.left);
        e.buf = text;
        e.size = sizeof(text);
        if (explanations[waiting.why])
                explanations[waiting.why](&e);
        if (waiting.limit && waiting.why == WHY_PERMITS)
                (void)limit_for_each_holder(waiting.limit, add_holder, &holders);
        return json_pack("{s:s, s:o, s:s*, s:s*, s:o, s:o*, s:o*}", "why", why_names[waiting.why], "text",
                         json_text(text), "limit", waiting.limit ? limit_name(waiting.limit) : NULL, "run", e.other,
                         "holders", holders.array, "since_usec",
                         waiting.since_usec > 0 ? json_usec(to_realtime(waiting.since_usec)) : NULL, "until_usec",
                         waiting.until_usec > 0 && waiting.until_usec != USEC_INFINITY
                                 ? json_usec(to_realtime(waiting.until_usec))
                                 : NULL);
}

/* ---- runs ---- */

json_t *run_deadline_json(const struct run *run) {
        const struct run *owner = NULL;
        enum bound bound = _BOUND_INVALID;
        usec_t at = run_deadline(run, &owner, &bound);
        char name[RUN_NAME_MAX];

        if (at == USEC_INFINITY || !owner || bound < 0)
                return NULL;
        return json_pack("{s:o, s:s, s:o}", "at_usec", json_usec(to_realtime(at)), "bound", bound_to_string(bound),
                         "run", json_text(run_name(owner, name)));
}

static const char *const role_names[_RUN_ROLE_MAX] = {
        [RUN_ROOT] = "root", [RUN_JOB] = "job", [RUN_LEAF] = "attempt", [RUN_GROUP] = "group", [RUN_FANOUT] = "fan-out",
};

/* What it says of itself, and what is told of services. */
static int add_said(json_t *json, const struct run *run) {
        const struct live_task *task = task_of(run_get_spec(run))->live;
        const char *status = run_get_status(run);
        usec_t output = run_last_output_usec(run);
        json_t *more;
        int r;

        more = json_pack("{s:b, s:o*, s:o*, s:o*, s:o*}", "slow", (int)live_run_is_slow(run), "service",
                         run_get_spec(run)->is_service ? service_to_json(task, run) : NULL, "status",
                         status ? json_text(status) : NULL, "progress", progress_to_json(run), "last_output_usec",
                         output > 0 ? json_usec(to_realtime(output)) : NULL);
        r = json_object_update(json, more);
        json_decref(more);
        return r;
}

static json_t *run_to_json(const struct run_tree *tree, struct run *run, unsigned depth) {
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
                         waiting_to_json(tree, run), "errors", errors_to_json(run_get_errors(run)), "items",
                         items ? items_to_json(items) : NULL);
        if (json && add_said(json, run) < 0) {
                json_decref(json);
                return NULL;
        }
        return json;
}

struct walk {
        json_t *array;
        struct run_tree *tree;
        size_t begin;
        size_t max;
        json_int_t hidden;
};

/* Depth is bounded by how deep groups nest, which the configuration bounds. */
static int walk_run(struct walk *walk, struct run *run, unsigned depth) {
        int r;

        if (json_array_size(walk->array) - walk->begin >= walk->max)
                walk->hidden++;
        else if (json_array_append_new(walk->array, run_to_json(walk->tree, run, depth)) < 0)
                return -ENOMEM;
        for (struct run *child = run_first_child(run); child; child = run_next_sibling(child)) {
                if (run_get_role(child) == RUN_LEAF || run_get_state(child) == RUN_DONE)
                        continue;
                r = walk_run(walk, child, depth + 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

int run_append_json(json_t *array, struct run_tree *tree, struct run *run, size_t max) {
        struct walk walk = { array, tree, json_array_size(array), MAX(max, (size_t)1), 0 };
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

json_t *remnants_to_json(struct run_tree *tree, const char *task) {
        json_t *array = json_array();

        for (struct remnant *remnant = run_tree_first_remnant(tree); remnant; remnant = remnant_next(remnant)) {
                json_t *json;

                if (task && !streq(remnant_task(remnant), task))
                        continue;
                json = json_pack("{s:o, s:s, s:b, s:o}", "run", json_text(remnant_run(remnant)), "task",
                                 remnant_task(remnant), "process", (int)remnant_is_process(remnant), "since_usec",
                                 json_usec(to_realtime(remnant_since(remnant))));
                if (json_array_append_new(array, json) < 0) {
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

json_t *task_to_json(const struct live_task *live) {
        const struct task *task = live_task_task(live);
        const struct result *last = live_task_last(live);
        const char *reason = live_task_skip_reason(live);
        usec_t last_ok = live_task_last_ok(live), next = live_task_next(live);
        json_t *service = task->run.is_service ? service_to_json(live, live_service_run(live)) : NULL;

        return json_pack("{s:s, s:s, s:o*, s:s, s:i, s:i, s:b, s:b, s:o*, s:o*, s:o*, s:o*, s:I, s:o*}", "name",
                         task->run.name, "kind", task->kind ? task->kind->name : "group", "description",
                         task->description ? json_text(task->description) : NULL, "state", live_task_state(live),
                         "running", (int)live_task_running(live), "failures", (int)live_task_failures(live), "failing",
                         (int)live_task_is_failing(live), "slow", (int)live_task_is_slow(live), "service", service,
                         "last", last ? last_to_json(last) : NULL, "last_ok_usec",
                         last_ok > 0 ? json_usec(last_ok) : NULL, "next_usec",
                         next != USEC_INFINITY ? json_usec(next) : NULL, "skipped", (json_int_t)live_task_skipped(live),
                         "skip_reason", reason ? json_text(reason) : NULL);
}
