/* SPDX-License-Identifier: MIT */
/* methods_status: Status.
 *
 * What fails and what is due next is found by looking at every task. With many tasks this takes several turns of the
 * loop; the cursor is how far it came.
 */
#include "base/log.h"
#include "base/text.h"
#include "control/methods.h"
#include "control/run_json.h"
#include "live/outcome_json.h"
#include "loop/pool.h"

#include <stdio.h>

#define NEXT_MAX         2
#define PROBLEMS_MAX     100
#define SAID_MAX         10
#define PAUSED_NAMES_MAX 128
#define LISTEN_MAX       1000 /* runs that are asked whether they said something */

struct status_cursor {
        struct control *control;
        size_t index;
        json_int_t failing;
        json_t *problems;
        json_t *stopped; /* those that somebody wants so: they come last */
        unsigned paused;
        size_t first_paused; /* of the tasks */
        char paused_names[PAUSED_NAMES_MAX];
        struct {
                size_t index;
                usec_t at_usec;
        } next[NEXT_MAX];
        size_t n_next;
};

static void status_free(void *cursor) {
        struct status_cursor *status = cursor;

        json_decref(status->problems);
        json_decref(status->stopped);
        free(status);
}

static void add_problem_to(json_t *array, const char *kind, const char *subject, const char *verb, const char *text) {
        char command[128];

        if (json_array_size(array) >= PROBLEMS_MAX)
                return;
        (void)snprintf(command, sizeof(command), "tendctl %s %s", verb, subject);
        (void)json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:s}", "kind", kind, "subject",
                                                     json_text(subject), "text", json_text(text), "command", command));
}

static void add_problem(struct status_cursor *status, const char *kind, const char *subject, const char *verb,
                        const char *text) {
        add_problem_to(status->problems, kind, subject, verb, text);
}

static void add_failing(struct status_cursor *status, const struct live_task *live) {
        const struct result *last = live_task_last(live);
        const char *detail = last ? result_detail(last) : "";
        unsigned failures = live_task_failures(live);
        char text[512], count[32] = "";

        status->failing++;
        if (failures > 1)
                (void)snprintf(count, sizeof(count), "%u in a row: ", failures);
        if (last && last->items)
                (void)snprintf(text, sizeof(text), "%s%llu of %llu items failed", count,
                               (unsigned long long)(last->items->by_outcome[OUTCOME_FAILED] +
                                                    last->items->by_outcome[OUTCOME_TIMEOUT]),
                               (unsigned long long)last->items->total);
        else
                (void)snprintf(text, sizeof(text), "%s%s%s%s", count,
                               last ? outcome_to_string(last->outcome) : "failed", *detail ? ": " : "", detail);
        add_problem(status, "failing", live_task_task(live)->run.name, "show", text);
}

/* Whether all instances of the service are stopped, so that none is told by itself. */
static bool is_stopped_whole(const struct status_cursor *status, const struct task *task) {
        _cleanup_(freep) char *name = task->instance > 0 ? strndup(task->run.name, strcspn(task->run.name, "@")) : NULL;
        const struct live_task *whole = name ? live_find(status->control->live, name) : NULL;

        return whole && live_task_stopped_by(whole, NULL);
}

/* A service that is down, or ends again and again. */
static void add_service(struct status_cursor *status, const struct live_task *live) {
        const char *name = live_task_task(live)->run.name, *by = live_task_stopped_by(live, NULL);
        const struct run *run = live_service_run(live);
        const struct errors *errors = run ? run_get_errors(run) : NULL;
        struct run_waiting waiting;
        char text[512];

        if (by && is_stopped_whole(status, live_task_task(live)))
                return;
        if (by) {
                (void)snprintf(text, sizeof(text), "by %s", by);
                add_problem_to(status->stopped, "stopped", name, "start", text);
                return;
        }
        if (!run)
                return;
        run_get_waiting(run, &waiting);
        if (waiting.why != WHY_RESTART || run_get_role(run) == RUN_GROUP)
                return;
        (void)snprintf(text, sizeof(text), "attempt %u%s%s", run_attempts(run), errors->n > 0 ? ": " : "",
                       errors->n > 0 ? errors->items[0].detail : "");
        add_problem(status, "restarting", name, "why", text);
}

/* A task that is paused. They are one line, however many. */
static void add_paused(struct status_cursor *status, const struct live_task *live) {
        size_t used = strlen(status->paused_names), room = sizeof(status->paused_names) - used;
        const char *name = live_task_task(live)->run.name;

        if (status->paused++ == 0)
                status->first_paused = status->index;
        if (strlen(name) + sizeof(", …") < room)
                (void)snprintf(status->paused_names + used, room, "%s%s", used > 0 ? ", " : "", name);
        else if (room > sizeof(", …") && !strstr(status->paused_names, "…"))
                (void)snprintf(status->paused_names + used, room, ", …");
}

static void tell_paused(struct status_cursor *status) {
        const struct live_task *first;
        char subject[32], command[128], by[300];

        if (status->paused == 0)
                return;
        first = live_task_at(status->control->live, status->first_paused);
        (void)snprintf(by, sizeof(by), "by %s", live_task_paused_by(first, NULL));
        (void)snprintf(subject, sizeof(subject), "%u tasks", status->paused);
        (void)snprintf(command, sizeof(command), "tendctl resume %s", live_task_task(first)->run.name);
        (void)json_array_append_new(
                status->stopped,
                status->paused == 1
                        ? json_pack("{s:s, s:s, s:o, s:s}", "kind", "paused", "subject",
                                    live_task_task(first)->run.name, "text", json_text(by), "command", command)
                        : json_pack("{s:s, s:s, s:s, s:s}", "kind", "paused", "subject", subject, "text",
                                    status->paused_names, "command", "tendctl list --paused"));
}

static void add_task(struct status_cursor *status, const struct live_task *live) {
        if (live_task_is_failing(live))
                add_failing(status, live);
        if (live_task_is_slow(live))
                add_problem(status, "slow", live_task_task(live)->run.name, "why",
                            "at work for longer than slow-after");
        if (live_task_task(live)->run.is_service)
                add_service(status, live);
        if (live_task_paused_by(live, NULL))
                add_paused(status, live);
}

/* Keeps the few that are due first, in order. */
static void add_next(struct status_cursor *status, size_t index, usec_t at_usec) {
        size_t i = status->n_next;

        if (i == NEXT_MAX && at_usec >= status->next[NEXT_MAX - 1].at_usec)
                return;
        if (i < NEXT_MAX)
                status->n_next++;
        else
                i--;
        for (; i > 0 && status->next[i - 1].at_usec > at_usec; i--)
                status->next[i] = status->next[i - 1];
        status->next[i].index = index;
        status->next[i].at_usec = at_usec;
}

/* How long ago @since_usec was, to the millisecond. */
static const char *format_since(usec_t since_usec, char buf[TEXT_USEC_MAX]) {
        usec_t span = usec_sub(clock_now(CLOCK_ID_MONOTONIC), since_usec);

        return text_format_usec(span - span % USEC_PER_MSEC, buf);
}

/* Who waits for several limits waits in all of them, and most may have room. */
static int is_blocked_here(const struct limit_ticket *ticket, void *userdata) {
        usec_t pace;

        return limit_ticket_blocked_by(ticket, &pace) == userdata;
}

static int add_full_limit(struct limit *limit, void *userdata) {
        struct limit_stats stats;
        char text[128], wait[TEXT_USEC_MAX];

        limit_get_stats(limit, &stats);
        if (stats.waiting == 0 || !limit_for_each_waiter(limit, is_blocked_here, limit))
                return 0;
        (void)format_since(stats.oldest_wait_since_usec, wait);
        (void)snprintf(text, sizeof(text), "%u/%u held, %u wait, oldest %s", stats.held,
                       limit_get_config(limit)->permits, stats.waiting, wait);
        add_problem(userdata, "full", limit_name(limit), "limits", text);
        return 0;
}

/* What is not a task's: remnants, pools, limits. */
static void add_others(struct status_cursor *status) {
        struct live *live = status->control->live;
        struct run_tree *tree = live_tree(live);
        char text[192], since[TEXT_USEC_MAX];

        for (struct remnant *remnant = run_tree_first_remnant(tree); remnant; remnant = remnant_next(remnant)) {
                (void)format_since(remnant_since(remnant), since);
                (void)snprintf(text, sizeof(text), "a %s of %.60s cannot be ended, for %s",
                               remnant_is_process(remnant) ? "process" : "thread", remnant_run(remnant), since);
                add_problem(status, "remnant", remnant_task(remnant), "why", text);
        }
        for (size_t i = 0; i < live_n_pools(live); i++) {
                const struct pool *pool = live_pool_at(live, i);
                struct pool_stats stats;

                pool_get_stats(pool, &stats);
                if (!stats.degraded)
                        continue;
                (void)snprintf(text, sizeof(text), "%u of its threads are stuck, %u jobs wait", stats.stuck,
                               stats.queued);
                add_problem(status, "degraded", pool_name(pool), "pools", text);
        }
        (void)limits_for_each(run_tree_limits(tree), add_full_limit, status);
}

/* What runs at and below @run say of themselves, of at most @budget. */
static void add_said(struct run *run, unsigned *budget, json_t *array) {
        const char *said = run_get_status(run);
        json_t *progress = progress_to_json(run);
        char name[RUN_NAME_MAX];

        if (run_get_role(run) == RUN_JOB && (said || progress))
                (void)json_array_append_new(array,
                                            json_pack("{s:o, s:o*, s:O*}", "run", json_text(run_name(run, name)),
                                                      "status", said ? json_text(said) : NULL, "progress", progress));
        json_decref(progress);
        if (run_get_role(run) != RUN_GROUP && run_get_role(run) != RUN_ROOT)
                return;
        for (run = run_first_child(run); run && *budget > 0 && json_array_size(array) < SAID_MAX;
             run = run_next_sibling(run)) {
                (*budget)--;
                add_said(run, budget, array);
        }
}

static json_t *said_to_json(const struct status_cursor *status) {
        unsigned budget = LISTEN_MAX;
        json_t *array = json_array();

        if (array)
                add_said(run_tree_root(live_tree(status->control->live)), &budget, array);
        return array;
}

static json_t *next_to_json(const struct status_cursor *status) {
        const struct live *live = status->control->live;
        json_t *array = json_array();

        for (size_t i = 0; i < status->n_next; i++)
                (void)json_array_append_new(
                        array, json_pack("{s:s, s:I}", "task",
                                         live_task_task(live_task_at(live, status->next[i].index))->run.name, "at_usec",
                                         (json_int_t)status->next[i].at_usec));
        return array;
}

static json_t *loop_to_json(const struct loop *loop) {
        struct loop_stats stats;

        loop_get_stats(loop, &stats);
        return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "turns", (json_int_t)stats.turns, "slow_callbacks",
                         (json_int_t)stats.slow_callbacks, "turn_p50_usec", (json_int_t)stats.turn.p50_usec,
                         "turn_p99_usec", (json_int_t)stats.turn.p99_usec, "turn_max_usec",
                         (json_int_t)stats.turn.max_usec, "lag_p50_usec", (json_int_t)stats.lag.p50_usec,
                         "lag_p99_usec", (json_int_t)stats.lag.p99_usec, "lag_max_usec",
                         (json_int_t)stats.lag.max_usec);
}

static json_t *outcomes_to_json(const struct run_counts *counts, json_int_t *ret_sum) {
        json_t *object = json_object();

        *ret_sum = 0;
        for (int i = 0; i < _OUTCOME_MAX; i++) {
                *ret_sum += (json_int_t)counts->done[i];
                (void)json_object_set_new(object, outcome_to_string((enum outcome)i),
                                          json_integer((json_int_t)counts->done[i]));
        }
        return object;
}

static json_t *status_to_json(struct status_cursor *status) {
        const struct control *control = status->control;
        struct varlink_stats clients;
        struct run_counts counts;
        json_int_t done;
        json_t *outcomes;

        run_tree_get_counts(live_tree(control->live), &counts);
        outcomes = outcomes_to_json(&counts, &done);
        varlink_server_get_stats(control->server, &clients);
        return json_pack(
                "{s:s, s:i, s:s, s:I, s:I, s:I, s:i, s:i, s:I, s:o, s:O, s:o, s:o, s:o, s:I, s:I, s:i}", "version",
                PACKAGE_VERSION, "pid", (int)getpid(), "phase", control->options.phase(control->options.arg),
                "uptime_usec", (json_int_t)(clock_now(CLOCK_ID_MONOTONIC) - control->started_usec), "tasks",
                (json_int_t)live_n_tasks(control->live), "failing", status->failing, "running", (int)counts.running,
                "queued", (int)counts.queued, "done", done, "outcomes", outcomes, "problems", status->problems, "said",
                said_to_json(status), "next", next_to_json(status), "loop", loop_to_json(live_loop(control->live)),
                "log_dropped", (json_int_t)log_dropped(), "hooks_dropped",
                (json_int_t)live_hooks_dropped(control->live), "clients", (int)clients.connections);
}

static int status_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct status_cursor *status = cursor;
        const struct live *live = status->control->live;
        size_t n = live_n_tasks(live), end = MIN(n, status->index + SCAN_A_STEP);

        for (; status->index < end; status->index++) {
                const struct live_task *task = live_task_at(live, status->index);
                usec_t at = live_task_next(task);

                add_task(status, task);
                if (at != USEC_INFINITY && !live_task_paused_by(task, NULL))
                        add_next(status, status->index, at);
        }
        if (status->index < n) {
                varlink_wake(call);
                return -EAGAIN;
        }
        add_others(status);
        tell_paused(status);
        (void)json_array_extend(status->problems, status->stopped);
        *ret = status_to_json(status);
        return 0;
}

static const struct varlink_stream_ops status_ops = { status_next, status_free };

int method_status(struct varlink_call *call, _unused_ const json_t *parameters, void *arg) {
        struct status_cursor *status = calloc(1, sizeof(*status));

        if (!status)
                return -ENOMEM;
        status->control = arg;
        status->problems = json_array();
        status->stopped = json_array();
        return varlink_stream(call, &status_ops, status);
}
