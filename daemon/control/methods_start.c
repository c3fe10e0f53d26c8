/* SPDX-License-Identifier: MIT */
/* methods_start: Start.
 *
 * A pattern may match very many tasks, so they are started in slices: a stream that has nothing to tell until the last
 * of them is started. Who wants to wait has a waiter from the beginning, as the first may end before the last begins.
 * All names are looked at before the first task is started: a name that is none must not leave half of them started.
 * A client that is a process of a run starts children of that: whether it is one is found out first.
 * What is told as started is kept: it will be known also if the daemon dies right after.
 */
#include "base/text.h"
#include "control/caller.h"
#include "control/resume.h"

#define STARTS_A_STEP 25

struct start_cursor {
        struct control *control;
        json_t *names;
        struct names_check check;
        bool checked;
        size_t name;    /* of the names, the one at hand */
        size_t index;   /* of the tasks that it may match, the next */
        size_t matched; /* tasks that were started for it */
        char by[BY_MAX];
        struct caller caller;
        json_t *started;
        json_t *up;            /* services that were up already */
        struct resume *resume; /* NULL: all of each is run */
        struct waiter *waiter; /* NULL: nobody waits */
        struct keeping keeping;
        bool told;                      /* what was started */
        const struct run_spec *refused; /* of the task that could not be started; only in that turn */
};

static void start_free(void *cursor) {
        struct start_cursor *start = cursor;

        keeping_reset(&start->keeping);
        caller_done(&start->caller);
        resume_free(start->resume);
        json_decref(start->names);
        json_decref(start->started);
        json_decref(start->up);
        if (start->waiter)
                waiter_ops.free(start->waiter);
        free(start);
}

static int start_task(struct start_cursor *start, struct live_task *task, struct run *host) {
        const struct live_start how = {
                .by = start->by,
                .host = host,
                .resume = start->resume ? resume_result(start->resume) : NULL,
        };
        struct run *run;
        int r;

        r = live_start_as(task, &how, &run);
        if (r < 0 && r != -EALREADY) {
                start->refused = &live_task_task(task)->run;
                return r;
        }
        start->matched++;
        if (r == -EALREADY)
                return append_run_name(start->up, run);
        r = append_run_name(start->started, run);
        if (r < 0 || !start->waiter)
                return r;
        return waiter_add(start->waiter,
                          json_string_value(json_array_get(start->started, json_array_size(start->started) - 1)));
}

/* Starts some of the tasks that the pattern @name matches, if they are enabled. Returns 1 when it came to the end, 0 when
 * there may be more, or a negative errno. */
static int start_some(struct start_cursor *start, const char *name, struct run *host) {
        struct live *live = start->control->live;
        size_t n = live_n_tasks(live), end = MIN(n, start->index + SCAN_A_STEP);
        unsigned budget = STARTS_A_STEP;
        int r;

        for (; start->index < end && budget > 0; start->index++) {
                struct live_task *task = live_task_at(live, start->index);

                if (!live_task_task(task)->enabled || !text_match(name, live_task_task(task)->run.name))
                        continue;
                r = start_task(start, task, host);
                if (r < 0)
                        return r;
                budget--;
        }
        return start->index == n;
}

static int start_error(struct start_cursor *start, struct varlink_call *call, const char *name, int error) {
        if (error == -ECANCELED)
                return varlink_error(call, ERROR_RUNNER("Disabled"), json_pack("{s:s}", "task", name));
        if (error == -ESHUTDOWN)
                return varlink_error(call, ERROR_RUNNER("ShuttingDown"), NULL);
        return start->refused ? caller_refused(&start->caller, start->refused, error) : error;
}

/* Returns -EAGAIN to be called again, 0 when that was the answer. */
static int check_some(struct start_cursor *start, struct varlink_call *call) {
        const char *name;
        int r;

        r = names_check(start->control, start->names, &start->check, &name);
        if (r < 0)
                return is_known_task(start->control, name, false) ? start_error(start, call, name, -ECANCELED)
                                                                  : reply_no_such_task(call, name);
        start->checked = r > 0;
        varlink_wake(call);
        return -EAGAIN;
}

/* What was started. */
static int tell_started(struct start_cursor *start, struct varlink_call *call, json_t **ret) {
        int r;

        r = keeping_next(&start->keeping, start->control, call);
        if (r <= 0)
                return r;
        start->told = true;
        *ret = json_pack("{s:O, s:O*}", "started", start->started, "up",
                         json_array_size(start->up) > 0 ? start->up : NULL);
        return start->waiter && json_array_size(start->started) > 0;
}

static int start_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct start_cursor *start = cursor;
        const char *name = json_string_value(json_array_get(start->names, start->name));
        struct live_task *exact;
        struct run *host;
        int r;

        if (!start->checked)
                return check_some(start, call);
        if (start->told)
                return waiter_ops.next(call, start->waiter, ret);
        if (!name)
                return tell_started(start, call, ret);
        r = start->resume ? resume_next(start->resume, call) : 1;
        if (r > 0)
                r = caller_next(&start->caller, &host);
        if (r <= 0)
                return r;
        exact = live_find(start->control->live, name);
        r = exact ? start_task(start, exact, host) : start_some(start, name, host);
        if (r < 0)
                return start_error(start, call, name, r);
        if (exact || r > 0) {
                if (start->matched == 0)
                        return reply_no_such_task(call, name);
                start->name++;
                start->index = start->matched = 0;
        }
        varlink_wake(call);
        return -EAGAIN;
}

static const struct varlink_stream_ops start_ops = { .next = start_next, .free = start_free };

int method_start(struct varlink_call *call, const json_t *parameters, void *arg) {
        json_t *names = json_object_get(parameters, "tasks");
        const char *resume = json_string_value(json_object_get(parameters, "resume"));
        bool wait = json_is_true(json_object_get(parameters, "wait"));
        struct start_cursor *start;

        if (json_array_size(names) == 0)
                return varlink_error_parameter(call, "tasks");
        if (resume && json_array_size(names) != 1)
                return varlink_error_parameter(call, "resume");
        if (wait && !varlink_call_more(call))
                return varlink_error(call, "org.varlink.service.ExpectedMore", NULL);
        start = calloc(1, sizeof(*start));
        if (!start)
                return -ENOMEM;
        start->control = arg;
        start->check.enabled = true;
        start->names = json_incref(names);
        (void)call_by(call, start->by);
        start->started = json_array();
        start->up = json_array();
        if (wait)
                start->waiter = waiter_new(arg, call);
        if (resume)
                start->resume = resume_new(arg, call, json_string_value(json_array_get(names, 0)), resume);
        if (caller_init(&start->caller, arg, call) < 0 || !start->started || !start->up || (wait && !start->waiter) ||
            (resume && !start->resume)) {
                start_free(start);
                return -ENOMEM;
        }
        return varlink_stream(call, &start_ops, start);
}
