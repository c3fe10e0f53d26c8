/* SPDX-License-Identifier: MIT */
/* methods_status: Status.
 *
 * What fails and what is due next is found by looking at every task. With many tasks this takes several turns of the
 * loop; the cursor is how far it came.
 */
#include "base/log.h"
#include "control/methods.h"
#include "control/problems.h"
#include "control/run_json.h"
#include "live/apply.h"
#include "live/outcome_json.h"

#define NEXT_MAX 2
#define SAID_MAX 10
#define RUNS_MAX 1000 /* that are looked at; the others began later */

struct status_cursor {
        struct control *control;
        size_t index;
        uint64_t generation; /* of the tasks that were looked at */
        struct problems *problems;
        struct {
                size_t index;
                usec_t at_usec;
        } next[NEXT_MAX];
        size_t n_next;
};

static void status_free(void *cursor) {
        struct status_cursor *status = cursor;

        problems_free(status->problems);
        free(status);
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

/* What @run says of itself. */
static void add_said(struct run *run, json_t *array) {
        const char *said = run_get_status(run);
        json_t *progress = progress_to_json(run);
        char name[RUN_NAME_MAX];

        if (json_array_size(array) < SAID_MAX && run_get_role(run) == RUN_JOB && (said || progress))
                (void)json_array_append_new(array,
                                            json_pack("{s:o, s:o*, s:O*}", "run", json_text(run_name(run, name)),
                                                      "status", said ? json_text(said) : NULL, "progress", progress));
        json_decref(progress);
}

/* Looks at the runs below @parent, but for items, at most @budget. */
static void look_at_runs(struct status_cursor *status, const struct run *parent, unsigned *budget, json_t *said) {
        struct run *run;

        for (run = run_first_child(parent); run && *budget > 0; run = run_next_sibling(run)) {
                (*budget)--;
                add_said(run, said);
                if (run_get_role(run) == RUN_GROUP)
                        look_at_runs(status, run, budget, said);
                else
                        problems_find_run(status->problems, run);
        }
}

static json_t *said_to_json(struct status_cursor *status) {
        unsigned budget = RUNS_MAX;
        json_t *array = json_array();

        look_at_runs(status, run_tree_root(live_tree(status->control->live)), &budget, array);
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
        return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "turns", (json_int_t)stats.turns,
                         "slow_callbacks", (json_int_t)stats.slow_callbacks, "turn_p50_usec",
                         (json_int_t)stats.turn.p50_usec, "turn_p99_usec", (json_int_t)stats.turn.p99_usec,
                         "turn_max_usec", (json_int_t)stats.turn.max_usec, "lag_p50_usec",
                         (json_int_t)stats.lag.p50_usec, "lag_p99_usec", (json_int_t)stats.lag.p99_usec, "lag_max_usec",
                         (json_int_t)stats.lag.max_usec, "recent_lag_p99_usec", (json_int_t)stats.recent_lag.p99_usec,
                         "recent_lag_max_usec", (json_int_t)stats.recent_lag.max_usec);
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
        const struct control_options *options = &control->options;
        struct run_counts counts;
        json_int_t done;
        json_t *outcomes, *said;

        run_tree_get_counts(live_tree(control->live), &counts);
        outcomes = outcomes_to_json(&counts, &done);
        varlink_server_get_stats(control->server, &clients);
        said = said_to_json(status);
        problems_find_others(status->problems, control->live, options->refused ? options->refused(options->arg) : NULL,
                             options->metrics_trouble ? options->metrics_trouble(options->arg) : NULL);
        return json_pack(
                "{s:s, s:i, s:s, s:I, s:I, s:I, s:i, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:i, s:o*}",
                "version", PACKAGE_VERSION, "pid", (int)getpid(), "phase", options->phase(options->arg), "uptime_usec",
                (json_int_t)(clock_now(CLOCK_ID_MONOTONIC) - control->started_usec), "tasks",
                (json_int_t)live_n_tasks(control->live), "failing",
                (json_int_t)problems_n(status->problems, PROBLEM_FAILING), "running", (int)counts.running, "queued",
                (int)counts.queued, "done", done, "outcomes", outcomes, "problems", problems_to_json(status->problems),
                "problem_counts", problem_counts_to_json(status->problems), "said", said, "next", next_to_json(status),
                "loop", loop_to_json(live_loop(control->live)), "log_dropped", (json_int_t)log_dropped(),
                "hooks_dropped", (json_int_t)live_hooks_dropped(control->live), "clients", (int)clients.connections,
                "ending", ending_to_json(control));
}

/* From the first task. Returns 0 or -ENOMEM. */
static int begin(struct status_cursor *status) {
        status->index = status->n_next = 0;
        status->generation = live_generation(status->control->live);
        status->problems = problems_free(status->problems);
        return problems_new(&status->problems);
}

static int status_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct status_cursor *status = cursor;
        const struct live *live = status->control->live;
        size_t n = live_n_tasks(live), end;

        if (status->generation != live_generation(live) && begin(status) < 0) /* reloaded meanwhile */
                return -ENOMEM;
        end = MIN(n, status->index + SCAN_A_STEP);
        for (; status->index < end; status->index++) {
                const struct live_task *task = live_task_at(live, status->index);
                usec_t at = live_task_next(task);

                problems_find_task(status->problems, live, task);
                if (at != USEC_INFINITY && !live_task_paused_by(task, NULL))
                        add_next(status, status->index, at);
        }
        if (status->index < n) {
                varlink_wake(call);
                return -EAGAIN;
        }
        *ret = status_to_json(status);
        return 0;
}

static const struct varlink_stream_ops status_ops = { .next = status_next, .free = status_free };

int method_status(struct varlink_call *call, _unused_ const json_t *parameters, void *arg) {
        struct status_cursor *status = calloc(1, sizeof(*status));

        if (!status)
                return -ENOMEM;
        status->control = arg;
        if (begin(status) < 0) {
                status_free(status);
                return -ENOMEM;
        }
        return varlink_stream(call, &status_ops, status);
}
