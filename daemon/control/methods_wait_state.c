/* SPDX-License-Identifier: MIT */
/* methods_wait_state: clients that wait until tasks are in a state: started, ready, ok, failing, recovered; or until the daemon
 * is idle.
 *
 * States are levels: who waits for one that is so already is answered at once. What a task is at is looked at when it is
 * named, and again, in a later turn, when an event tells that something of it may have changed; of a group that may be any
 * event, as its state is that of its members. Only beginnings are taken from the event itself, because they pass by.
 *
 * A service that has ended, given up or not, is not ready again by itself, and who waits for that is told. What was
 * cancelled, stopped or replaced, is waited for, as whoever did that may start it.
 */
#include "base/text.h"
#include "control/methods.h"
#include "live/outcome_json.h"

#include <stdio.h>

#define TARGETS_MAX  1000
#define LOOKS_A_STEP 50
#define BUSY_MAX     10
#define REASON_MAX   500

struct target {
        char *name; /* of a task, or of a run; ordered by it */
        bool group;
        bool dirty; /* to be looked at */
        bool begun; /* an event has told so */
        bool told;
};

struct state_wait {
        struct list link; /* in control->state_waits */
        struct control *control;
        struct varlink_call *call;
        const struct wanted_state *state;
        json_t *names;
        struct names_check check;
        bool checked;
        size_t name;  /* of the names, the one at hand: these are found first */
        size_t index; /* of the tasks that it may match, the next */
        struct target *targets;
        size_t n_targets;
        size_t n_told;
        size_t n_groups; /* of the targets */
        size_t look;     /* of the targets, the next to look at */
        struct wait_timeout timeout;
};

struct wanted_state {
        const char *name;
        bool (*is_so)(const struct control *control, const struct live_task *task);
        bool services; /* only they have it */
        bool ends;     /* a service that has ended does not come to it */
};

/* ---- states ---- */

static bool is_of_task(const char *task, void *arg) {
        return streq(task, arg);
}

static bool has_begun(const struct run *run) {
        return run_get_state(run) == RUN_RUNNING || run_get_state(run) == RUN_STOPPING;
}

/* Ends the visit with the first that is at work. */
static int find_begun(struct run *run, _unused_ void *arg) {
        return has_begun(run) ? -EEXIST : 0;
}

static bool is_started(const struct control *control, const struct live_task *task) {
        struct run *root = run_tree_root(live_tree(control->live));

        return visit_runs(root, is_of_task, find_begun, (void *)live_task_task(task)->run.name) == -EEXIST;
}

static bool is_ready(_unused_ const struct control *control, const struct live_task *task) {
        const struct run *run = live_service_run(task);

        return run && streq(live_service_run_state(run), "up");
}

static bool is_ok(const struct control *control, const struct live_task *task) {
        const struct result *last = live_task_last(task);

        if (live_service_run(task))
                return is_ready(control, task);
        return last && last->outcome == OUTCOME_OK;
}

static bool is_failing(_unused_ const struct control *control, const struct live_task *task) {
        return live_task_is_failing(task);
}

static bool has_recovered(_unused_ const struct control *control, const struct live_task *task) {
        return !live_task_is_failing(task);
}

/* What has ended of the group @run that goes on, so that it is not ready again, or NULL. */
static const struct result *find_ended_member(const struct control *control, struct run *run) {
        for (struct run *child = run_first_child(run); child; child = run_next_sibling(child)) {
                const struct live_task *member = live_find_any(control->live, run_get_spec(child)->name);
                const struct result *ended = NULL;

                if (run_is_background(child))
                        continue;
                if (run_get_state(child) != RUN_DONE && run_get_role(child) == RUN_GROUP)
                        ended = find_ended_member(control, child);
                else if (run_get_state(child) == RUN_DONE && member)
                        ended = live_task_last(member);
                if (ended && outcome_is_failure(ended->outcome))
                        return ended;
        }
        return NULL;
}

/* How the service @task has ended, or what is in it, so that it is not ready again by itself; or NULL. */
static const struct result *find_end(const struct control *control, const struct live_task *task) {
        const struct result *last = live_task_last(task);
        struct run *run = live_service_run(task);

        if (!live_task_task(task)->run.is_service || live_task_stopped_by(task, NULL))
                return NULL;
        if (run)
                return run_get_role(run) == RUN_GROUP && !run_is_cancelled(run) ? find_ended_member(control, run)
                                                                                : NULL;
        return last && (last->outcome == OUTCOME_OK || outcome_is_failure(last->outcome)) ? last : NULL;
}

static const struct wanted_state states[] = {
        { .name = "started", .is_so = is_started },
        { .name = "ready", .is_so = is_ready, .services = true, .ends = true },
        { .name = "ok", .is_so = is_ok, .ends = true },
        { .name = "failing", .is_so = is_failing },
        { .name = "recovered", .is_so = has_recovered },
};
static const struct wanted_state idle = { .name = "idle" };

static const struct wanted_state *find_state(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(states); i++)
                if (streq(states[i].name, name))
                        return &states[i];
        return streq(name, idle.name) ? &idle : NULL;
}

/* ---- targets ---- */

static int compare(const void *a, const void *b) {
        return strcmp(((const struct target *)a)->name, ((const struct target *)b)->name);
}

static struct target *find_target(const struct state_wait *wait, const char *name) {
        const struct target wanted = { .name = (char *)name };

        if (wait->n_targets == 0)
                return NULL;
        return bsearch(&wanted, wait->targets, wait->n_targets, sizeof(*wait->targets), compare);
}

/* Once, however often it is named. Returns 0, -ENOMEM, -E2BIG. */
static int add_target(struct state_wait *wait, const char *name) {
        const struct live_task *task = live_find(wait->control->live, name);
        struct target *more;
        char *copy;

        if (find_target(wait, name))
                return 0;
        if (wait->n_targets == TARGETS_MAX)
                return -E2BIG;
        more = reallocarray(wait->targets, wait->n_targets + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        wait->targets = more;
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        more[wait->n_targets++] = (struct target){
                .name = copy,
                .group = task && live_task_task(task)->run.is_group,
                .dirty = true,
        };
        wait->n_groups += more[wait->n_targets - 1].group;
        qsort(more, wait->n_targets, sizeof(*more), compare);
        return 0;
}

/* Returns -EAGAIN; 0 when @call was answered; or a negative errno. */
static int add_named(struct state_wait *wait, const char *name) {
        const struct live_task *task = live_find(wait->control->live, name);

        if (task && wait->state->services && !live_task_task(task)->run.is_service)
                return varlink_error(wait->call, ERROR_RUNNER("NoService"), json_pack("{s:s}", "name", name));
        wait->name++;
        wait->index = 0;
        varlink_wake(wait->call);
        return add_target(wait, name) < 0 ? -ENOMEM : -EAGAIN;
}

/* The same of some of the tasks that match. */
static int add_some(struct state_wait *wait, const char *pattern) {
        const struct live *live = wait->control->live;
        size_t n = live_n_tasks(live), end = MIN(n, wait->index + SCAN_A_STEP);

        for (; wait->index < end; wait->index++) {
                const struct task *task = live_task_task(live_task_at(live, wait->index));
                int r = 0;

                if ((!wait->state->services || task->run.is_service) && text_match(pattern, task->run.name))
                        r = add_target(wait, task->run.name);
                if (r == -E2BIG)
                        return varlink_error_parameter(wait->call, "runs");
                if (r < 0)
                        return r;
        }
        if (wait->index == n) {
                wait->name++;
                wait->index = 0;
        }
        varlink_wake(wait->call);
        return -EAGAIN;
}

/* Returns 1 when all are found. */
static int find_targets(struct state_wait *wait) {
        const char *name;
        int r;

        if (!wait->checked) {
                r = names_check(wait->control, wait->names, &wait->check, &name);
                if (r < 0)
                        return reply_no_such_task(wait->call, name);
                wait->checked = r > 0;
                varlink_wake(wait->call);
                return -EAGAIN;
        }
        name = json_string_value(json_array_get(wait->names, wait->name));
        if (!name)
                return 1;
        return strpbrk(name, "*?") && !live_find(wait->control->live, name) && !is_run_name(name)
                       ? add_some(wait, name)
                       : add_named(wait, name);
}

/* ---- looking ---- */

/* Returns 1: it is so; 0: it is not yet; -ESRCH: it never will. */
static int look_at_run(const struct state_wait *wait, const char *name) {
        const struct run *run = run_tree_find(live_tree(wait->control->live), name);
        const struct result *result;

        if (run && run_get_state(run) != RUN_DONE)
                return has_begun(run);
        result = wait_find_result(wait->control, name);
        return result && result->attempts > 0 ? 1 : -ESRCH;
}

/* The same, and -ENOENT: there is no such task; -ECHILD: it has ended. */
static int look(const struct state_wait *wait, const struct target *target) {
        const struct live_task *task;

        if (target->begun)
                return 1;
        if (is_run_name(target->name))
                return look_at_run(wait, target->name);
        task = live_find(wait->control->live, target->name);
        if (!task)
                return -ENOENT;
        if (wait->state->is_so(wait->control, task))
                return 1;
        return wait->state->ends && find_end(wait->control, task) ? -ECHILD : 0;
}

static int answer_ended(struct state_wait *wait, const char *name) {
        const struct result *end = find_end(wait->control, live_find(wait->control->live, name));
        const char *detail = result_detail(end);
        char reason[REASON_MAX];

        (void)snprintf(reason, sizeof(reason), "%s %s%s%s", end->run, outcome_to_string(end->outcome),
                       *detail ? ": " : "", detail);
        return varlink_error(
                wait->call, ERROR_RUNNER("Ended"),
                json_pack("{s:s, s:o, s:o}", "task", name, "run", json_text(end->run), "reason", json_text(reason)));
}

static int answer_wrong(struct state_wait *wait, const char *name, int error) {
        if (error == -ENOENT)
                return reply_no_such_task(wait->call, name);
        if (error == -ECHILD)
                return answer_ended(wait, name);
        return varlink_error(wait->call, ERROR_RUNNER("NotRunning"), json_pack("{s:s}", "name", name));
}

/* Looks at some, until one is so. */
static int look_at_some(struct state_wait *wait, json_t **ret) {
        unsigned budget = wait->state->is_so == is_started ? 1 : LOOKS_A_STEP;

        for (; wait->look < wait->n_targets && budget > 0; wait->look++) {
                struct target *target = &wait->targets[wait->look];
                int r;

                if (!target->dirty || target->told)
                        continue;
                budget--;
                target->dirty = false;
                r = look(wait, target);
                if (r < 0)
                        return answer_wrong(wait, target->name, r);
                if (r == 0)
                        continue;
                target->told = true;
                *ret = json_pack("{s:s}", "reached", target->name);
                return ++wait->n_told < wait->n_targets;
        }
        if (wait->look < wait->n_targets)
                varlink_wake(wait->call);
        return -EAGAIN;
}

/* ---- the end of the patience ---- */

static json_t *busy_names(const struct live *live) {
        struct run *busy[BUSY_MAX];
        size_t n = live_find_busy(live, busy, BUSY_MAX);
        json_t *names = json_array();

        for (size_t i = 0; i < n; i++)
                (void)append_run_name(names, busy[i]);
        return names;
}

static json_t *untold_names(const struct state_wait *wait) {
        json_t *names = json_array();

        for (size_t i = 0; i < wait->n_targets; i++)
                if (!wait->targets[i].told)
                        (void)json_array_append_new(names, json_string(wait->targets[i].name));
        return names;
}

/* ---- the wait ---- */

static int wait_idle(struct state_wait *wait, json_t **ret) {
        struct run *busy;

        if (live_find_busy(wait->control->live, &busy, 1) > 0)
                return -EAGAIN;
        *ret = json_object();
        return 0;
}

static int state_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct state_wait *wait = cursor;
        bool for_idle = wait->state == &idle;
        int r;

        r = for_idle ? 1 : find_targets(wait);
        if (r <= 0)
                return r;
        r = for_idle ? wait_idle(wait, ret) : look_at_some(wait, ret);
        if (r == -EAGAIN && wait->timeout.over)
                return reply_timed_out(call, for_idle ? busy_names(wait->control->live) : untold_names(wait));
        return r;
}

static void state_free(void *cursor) {
        struct state_wait *wait = cursor;

        list_remove(&wait->link);
        wait_timeout_done(&wait->timeout);
        for (size_t i = 0; i < wait->n_targets; i++)
                free(wait->targets[i].name);
        free(wait->targets);
        json_decref(wait->names);
        free(wait);
}

static const struct varlink_stream_ops state_ops = { .next = state_next, .free = state_free };

static void mark(struct state_wait *wait, struct target *target) {
        target->dirty = true;
        wait->look = 0;
        varlink_wake(wait->call);
}

/* Groups are as their members are, and a reload may change anything. */
static void mark_others(struct state_wait *wait, bool all) {
        for (size_t i = 0; i < wait->n_targets && (all || wait->n_groups > 0); i++)
                if (!wait->targets[i].told && (all || wait->targets[i].group))
                        mark(wait, &wait->targets[i]);
}

static void note(struct state_wait *wait, const char *name, bool begins) {
        struct target *target = name ? find_target(wait, name) : NULL;

        if (!target)
                return;
        target->begun |= begins;
        mark(wait, target);
}

static void note_event(struct state_wait *wait, const struct event *event) {
        bool begins = event->id == EVENT_RUN_STARTED && wait->state->is_so == is_started;

        note(wait, event->task, begins);
        note(wait, event->run, begins);
        mark_others(wait, event->id == EVENT_RELOADED);
        if (wait->state == &idle)
                varlink_wake(wait->call);
}

void wait_state_on_event(struct control *control, const struct event *event) {
        struct state_wait *wait;

        if (!event->task && event->id != EVENT_RELOADED)
                return;
        list_for_each_entry(wait, &control->state_waits, link)
                note_event(wait, event);
}

int wait_for_state(struct control *control, struct varlink_call *call, const json_t *names, const char *state,
                   usec_t timeout_usec) {
        const struct wanted_state *wanted = find_state(state);
        struct state_wait *wait;
        int r;

        if (!wanted)
                return varlink_error_parameter(call, "state");
        if ((wanted == &idle) != (json_array_size(names) == 0))
                return varlink_error_parameter(call, "runs");
        for (size_t i = 0; i < json_array_size(names); i++) /* only tasks have the others */
                if (wanted->is_so != is_started && is_run_name(json_string_value(json_array_get(names, i))))
                        return varlink_error_parameter(call, "runs");
        wait = calloc(1, sizeof(*wait));
        if (!wait)
                return -ENOMEM;
        wait->control = control;
        wait->call = call;
        wait->state = wanted;
        wait->check.runs = true;
        wait->names = json_incref((json_t *)names);
        list_append(&control->state_waits, &wait->link);
        r = wait_timeout_begin(&wait->timeout, control, call, timeout_usec);
        if (r < 0) {
                state_free(wait);
                return r;
        }
        return varlink_stream(call, &state_ops, wait);
}
