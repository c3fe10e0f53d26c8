/* SPDX-License-Identifier: MIT */
/* methods_stop: Stop, Signal and Wait. */
#include "base/text.h"
#include "control/methods.h"
#include "live/outcome_json.h"

#include <signal.h>
#include <stdio.h>

/* ---- Stop and Signal ---- */

struct stop_cursor {
        struct selection selection;
        char by[BY_MAX + 256];
        bool force;
        int signo; /* of Signal */
        bool main;
        const char *key; /* of the answer, for the names */
        json_t *done;
        bool kept; /* what was done is to outlive the daemon, before it is told */
        struct keeping keeping;
};

static void stop_free(void *cursor) {
        struct stop_cursor *stop = cursor;

        keeping_reset(&stop->keeping);
        selection_done(&stop->selection);
        json_decref(stop->done);
        free(stop);
}

static int stop_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct stop_cursor *stop = cursor;
        struct selection *selection = &stop->selection;
        int r;

        r = selection_next(selection, call);
        if (r <= 0)
                return r;
        if (selection->n_matched == 0)
                return nothing_meant(selection->control, call,
                                     json_string_value(json_array_get(selection->not_running, 0)));
        r = stop->kept ? keeping_next(&stop->keeping, selection->control, call) : 1;
        if (r <= 0)
                return r;
        *ret = json_pack("{s:O, s:O}", stop->key, stop->done, "not_running", selection->not_running);
        return 0;
}

static const struct varlink_stream_ops stop_ops = { .next = stop_next, .free = stop_free };

static int begin(struct varlink_call *call, const json_t *parameters, struct control *control, run_fn fn,
                 struct stop_cursor *template) {
        json_t *names = json_object_get(parameters, "runs");
        struct stop_cursor *stop;

        if (json_array_size(names) == 0)
                return varlink_error_parameter(call, "runs");
        stop = malloc(sizeof(*stop));
        if (!stop)
                return -ENOMEM;
        *stop = *template;
        stop->done = json_array();
        if (selection_init(&stop->selection, control, names, fn, stop) < 0 || !stop->done) {
                stop_free(stop);
                return -ENOMEM;
        }
        return varlink_stream(call, &stop_ops, stop);
}

static int stop_run(struct run *run, void *arg) {
        struct stop_cursor *stop = arg;

        if (live_stop(run, stop->by, stop->force) < 0) /* it is done */
                return 0;
        return append_run_name(stop->done, run) < 0 ? -ENOMEM : 1;
}

int method_stop(struct varlink_call *call, const json_t *parameters, void *arg) {
        const char *reason = json_string_value(json_object_get(parameters, "reason"));
        struct stop_cursor stop = {
                .key = "stopped",
                .kept = true,
                .force = json_is_true(json_object_get(parameters, "force")),
        };
        char who[BY_MAX];

        (void)snprintf(stop.by, sizeof(stop.by), "%s%s%s", call_by(call, who), reason ? ": " : "",
                       reason ? reason : "");
        return begin(call, parameters, arg, stop_run, &stop);
}

static int signal_run(struct run *run, void *arg) {
        struct stop_cursor *stop = arg;

        if (run_signal(run, stop->signo, stop->main) == 0)
                return 0;
        return append_run_name(stop->done, run) < 0 ? -ENOMEM : 1;
}

/* "HUP", "SIGHUP", "1". */
static int parse_signal(const char *text, int *ret) {
        uint64_t number;

        if (text_parse_signal(text, ret) == 0)
                return 0;
        if (text_parse_uint(text, 1, (uint64_t)SIGRTMAX, &number) < 0)
                return -EINVAL;
        *ret = (int)number;
        return 0;
}

int method_signal(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct stop_cursor stop = {
                .key = "signalled",
                .main = json_is_true(json_object_get(parameters, "main")),
        };

        if (parse_signal(json_string_value(json_object_get(parameters, "signal")), &stop.signo) < 0)
                return varlink_error_parameter(call, "signal");
        return begin(call, parameters, arg, signal_run, &stop);
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
        const struct live_task *task = is_run_name(name) ? NULL : live_find_any(control->live, name);
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
        const char *state = json_string_value(json_object_get(parameters, "state"));
        const json_t *timeout = json_object_get(parameters, "timeout_usec");
        usec_t timeout_usec = (usec_t)json_integer_value(timeout);
        struct waiter *waiter;

        if (json_is_integer(timeout) && json_integer_value(timeout) <= 0)
                return varlink_error_parameter(call, "timeout_usec");
        if (state && !streq(state, "done"))
                return wait_for_state(control, call, names, state, timeout_usec);
        if (json_array_size(names) == 0)
                return varlink_error_parameter(call, "runs");
        waiter = waiter_new(control, call);
        if (!waiter || waiter_set_timeout(waiter, timeout_usec) < 0) {
                if (waiter)
                        waiter_ops.free(waiter);
                return -ENOMEM;
        }
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
