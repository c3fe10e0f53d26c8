/* SPDX-License-Identifier: MIT */
/* methods_stop: Stop and Wait.
 *
 * Telling a run to end may cost a signal to each of its processes, so many are told in slices. In between runs come and
 * go; the cursor keeps, as that of Tree does, the instant of creation up to which all top-level runs were looked at, and
 * those that were created after the call are not meant by it. A name that is none stops nothing; one of which nothing
 * runs must not keep the others from being stopped.
 */
#include "base/text.h"
#include "control/methods.h"
#include "live/outcome_json.h"

#include <stdio.h>

#define STOP_SLICE_USEC ((usec_t)200)

/* What to say when @name means no live run. */
static int nothing_meant(struct control *control, struct varlink_call *call, const char *name) {
        if (is_run_name(name))
                return reply_no_such_run(call, name);
        if (!is_known_task(control, name))
                return reply_no_such_task(call, name);
        return varlink_error(call, ERROR_RUNNER("NotRunning"), json_pack("{s:s}", "name", name));
}

/* ---- Stop ---- */

struct stop_cursor {
        struct control *control;
        json_t *names;
        struct names_check check;
        bool checked;
        size_t name;       /* of the names, the one at hand */
        size_t matched;    /* runs that it meant so far */
        usec_t seen_usec;  /* top-level runs created up to then were looked at for it */
        usec_t until_usec; /* those created later are not meant */
        char by[BY_MAX + 256];
        bool force;
        json_t *stopped;
        json_t *not_running; /* those of the names that meant nothing */
};

static void stop_free(void *cursor) {
        struct stop_cursor *stop = cursor;

        json_decref(stop->names);
        json_decref(stop->stopped);
        json_decref(stop->not_running);
        free(stop);
}

static bool is_to_stop(const char *task, void *arg) {
        const struct stop_cursor *stop = arg;

        return text_match(json_string_value(json_array_get(stop->names, stop->name)), task);
}

static int stop_run(struct run *run, void *arg) {
        struct stop_cursor *stop = arg;

        if (run_cancel(run, CANCEL_OPERATOR, stop->by) < 0) /* it is done */
                return 0;
        if (stop->force)
                run_force(run);
        stop->matched++;
        return append_run_name(stop->stopped, run);
}

/* Stops some of the runs of tasks that match. Returns 1 when it came to the end, 0 when there may be more, -ENOMEM. */
static int stop_some(struct stop_cursor *stop) {
        struct run *run = run_first_child(run_tree_root(live_tree(stop->control->live)));
        usec_t end = clock_now(CLOCK_ID_MONOTONIC) + STOP_SLICE_USEC;

        while (run && run_created_usec(run) <= stop->seen_usec)
                run = run_next_sibling(run);
        for (; run && run_created_usec(run) <= stop->until_usec; run = run_next_sibling(run)) {
                /* All of one instant at once, however many. */
                if (run_created_usec(run) > stop->seen_usec && clock_now(CLOCK_ID_MONOTONIC) >= end)
                        return 0;
                stop->seen_usec = run_created_usec(run);
                if (visit_runs(run, is_to_stop, stop_run, stop) < 0)
                        return -ENOMEM;
        }
        return 1;
}

static int check_some(struct stop_cursor *stop, struct varlink_call *call) {
        const char *name;
        int r;

        r = names_check(stop->control, stop->names, &stop->check, &name);
        if (r < 0)
                return reply_no_such_task(call, name);
        stop->checked = r > 0;
        varlink_wake(call);
        return -EAGAIN;
}

static int stop_answer(struct stop_cursor *stop, struct varlink_call *call, json_t **ret) {
        if (json_array_size(stop->stopped) == 0)
                return nothing_meant(stop->control, call, json_string_value(json_array_get(stop->not_running, 0)));
        *ret = json_pack("{s:O, s:O}", "stopped", stop->stopped, "not_running", stop->not_running);
        return 0;
}

static int stop_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct stop_cursor *stop = cursor;
        json_t *name = json_array_get(stop->names, stop->name);
        const char *text = json_string_value(name);
        struct run *run;
        int r;

        if (!stop->checked)
                return check_some(stop, call);
        if (!name)
                return stop_answer(stop, call, ret);
        if (is_run_name(text)) {
                run = run_tree_find(live_tree(stop->control->live), text);
                r = run ? stop_run(run, stop) : 0;
        } else
                r = stop_some(stop);
        if (r < 0)
                return r;
        if (r > 0 || is_run_name(text)) {
                if (stop->matched == 0 && json_array_append(stop->not_running, name) < 0)
                        return -ENOMEM;
                stop->name++;
                stop->matched = 0;
                stop->seen_usec = 0;
        }
        varlink_wake(call);
        return -EAGAIN;
}

static const struct varlink_stream_ops stop_ops = { stop_next, stop_free };

int method_stop(struct varlink_call *call, const json_t *parameters, void *arg) {
        json_t *names = json_object_get(parameters, "runs");
        const char *reason = json_string_value(json_object_get(parameters, "reason"));
        struct stop_cursor *stop;
        char who[BY_MAX];

        if (json_array_size(names) == 0)
                return varlink_error_parameter(call, "runs");
        stop = calloc(1, sizeof(*stop));
        if (!stop)
                return -ENOMEM;
        stop->control = arg;
        stop->check.runs = true;
        stop->names = json_incref(names);
        stop->until_usec = clock_now(CLOCK_ID_MONOTONIC);
        stop->force = json_is_true(json_object_get(parameters, "force"));
        (void)snprintf(stop->by, sizeof(stop->by), "%s%s%s", call_by(call, who), reason ? ": " : "",
                       reason ? reason : "");
        stop->stopped = json_array();
        stop->not_running = json_array();
        if (!stop->stopped || !stop->not_running) {
                stop_free(stop);
                return -ENOMEM;
        }
        return varlink_stream(call, &stop_ops, stop);
}

/* ---- Wait ---- */

struct wait_for {
        struct waiter *waiter;
        const char *name;
};

static bool is_to_await(const char *task, void *arg) {
        const struct wait_for *wait = arg;

        return text_match(wait->name, task);
}

static int await_run(struct run *run, void *arg) {
        const struct wait_for *wait = arg;
        char name[RUN_NAME_MAX];

        return waiter_add(wait->waiter, run_name(run, name));
}

/* The run @name, or the last one of the task @name, when it has ended and is known. Returns 1, 0, -ENOMEM. */
static int await_ended(struct control *control, struct waiter *waiter, const char *name) {
        const struct live_task *task = is_run_name(name) ? NULL : live_find(control->live, name);
        struct result *result = task ? live_task_last(task) : wait_find_result(control, name);
        int r;

        if (!result)
                return 0;
        r = waiter_add(waiter, result->run);
        return r < 0 ? r : 1;
}

/* Returns how many runs @name means, or -ENOMEM. */
static int await(struct control *control, struct waiter *waiter, const char *name) {
        struct run_tree *tree = live_tree(control->live);
        struct wait_for wait = { waiter, name };
        struct run *run;
        int r;

        if (is_run_name(name)) {
                run = run_tree_find(tree, name);
                r = run ? await_run(run, &wait) : 0;
                if (r == 0 && run)
                        r = 1;
        } else
                r = visit_runs(run_tree_root(tree), is_to_await, await_run, &wait);
        return r == 0 ? await_ended(control, waiter, name) : r;
}

int method_wait(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        const json_t *names = json_object_get(parameters, "runs");
        struct waiter *waiter;

        if (json_array_size(names) == 0)
                return varlink_error_parameter(call, "runs");
        waiter = waiter_new(control, call);
        if (!waiter)
                return -ENOMEM;
        for (size_t i = 0; i < json_array_size(names); i++) {
                json_t *name = json_array_get(names, i);
                int r = await(control, waiter, json_string_value(name));

                if (r <= 0) {
                        waiter_ops.free(waiter);
                        return r < 0 ? r : nothing_meant(control, call, json_string_value(name));
                }
        }
        return varlink_stream(call, &waiter_ops, waiter);
}
