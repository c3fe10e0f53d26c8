/* SPDX-License-Identifier: MIT */
/* methods_restart: Restart.
 *
 * First all services that are meant are found, in slices; then they are restarted in this order. One that says itself
 * when it is ready holds up those after it until its new attempt is ready; when that fails, they are left as they are.
 * So of several instances one at most is down, also when what is to be started is broken. What becomes of an attempt is
 * seen by events, because runs and attempts are freed: a target knows which attempt it waits for, and a later one means
 * that this failed.
 *
 * A run of a group cannot get other members, nor become a service of its own. Where a reload has changed that, the run is
 * cancelled and another takes its place, with whatever group it is in; it is ready when all its services are.
 */
#include "control/methods.h"
#include "live/apply.h"
#include "live/outcome_json.h"

#include <stdio.h>

#define RESTARTS_A_STEP 25

enum progress {
        TARGET_PENDING,
        TARGET_ASKED, /* its attempt is awaited */
        TARGET_KNOWN, /* what became of it is to be told */
        TARGET_TOLD,
};

struct target {
        char *task; /* its name: a reload may take it away */
        char *run;  /* NULL: it has none yet */
        unsigned attempt;
        enum progress progress;
        bool group; /* it is run anew as a whole, because its members have changed, or it is a group only now */
        bool ready;
        bool left;    /* nothing was done to it, because one before it did not become ready */
        char *detail; /* why it is not ready, or NULL */
};

struct restart_cursor {
        struct list link; /* in control->restarts */
        struct control *control;
        struct varlink_call *call;
        struct selection selection;
        char by[BY_MAX];
        bool wait;
        bool selected;
        bool told;
        struct target *targets;
        size_t n;
        size_t n_told;
        size_t next; /* the first that may be pending */
};

static void target_done(struct target *target) {
        free(target->task);
        free(target->run);
        free(target->detail);
        *target = (struct target){ 0 };
}

static void restart_free(void *cursor) {
        struct restart_cursor *restart = cursor;

        list_remove(&restart->link);
        selection_done(&restart->selection);
        for (size_t i = 0; i < restart->n; i++)
                target_done(&restart->targets[i]);
        free(restart->targets);
        free(restart);
}

/* ---- who ---- */

static int add_target(struct restart_cursor *restart, const struct live_task *task, const char *run) {
        const char *name = live_task_task(task)->run.name;
        struct target *target;

        for (size_t i = 0; i < restart->n; i++)
                if (streq(restart->targets[i].task, name)) /* meant by two names */
                        return 1;
        if ((restart->n & (restart->n - 1)) == 0) {
                struct target *more = reallocarray(restart->targets, restart->n ? 2 * restart->n : 1, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                restart->targets = more;
        }
        target = &restart->targets[restart->n++];
        *target = (struct target){ .task = strdup(name), .run = run ? strdup(run) : NULL };
        return !target->task || (run && !target->run) ? -ENOMEM : 1;
}

static struct live_task *task_of_target(const struct restart_cursor *restart, const struct target *target) {
        return live_find(restart->control->live, target->task);
}

static struct run *run_of_target(const struct restart_cursor *restart, const struct target *target) {
        const struct live_task *task = task_of_target(restart, target);

        return task ? live_service_run(task) : NULL;
}

/* A service that an operator keeps down is meant only by its own name. */
static bool is_wanted(const struct restart_cursor *restart, const struct run *run) {
        const char *name = selection_name(&restart->selection);
        char buf[RUN_NAME_MAX];

        return !run_is_kept_down(run) || streq(name, run_get_spec(run)->name) || streq(name, run_name(run, buf));
}

static bool must_begin_anew(const struct run *run) {
        if (run_get_state(run) == RUN_DONE || run_is_cancelled(run))
                return false;
        if (live_must_begin_anew(run))
                return true;
        if (run_get_role(run) != RUN_GROUP)
                return false;
        for (const struct run *child = run_first_child(run); child; child = run_next_sibling(child))
                if (must_begin_anew(child))
                        return true;
        return false;
}

/* @run, which has changed, or the group at the top of those it is in. */
static int select_group(struct restart_cursor *restart, const struct run *run) {
        char name[RUN_NAME_MAX];
        int r;

        while (run_get_role(run_get_parent(run)) == RUN_GROUP)
                run = run_get_parent(run);
        r = add_target(restart, task_of(run_get_spec(run))->live, run_name(run, name));
        for (size_t i = 0; i < restart->n && r > 0; i++)
                if (streq(restart->targets[i].task, run_get_spec(run)->name))
                        restart->targets[i].group = true;
        return r;
}

/* The services at and below @run. */
static int select_run(struct run *run, void *arg) {
        struct restart_cursor *restart = arg;
        char name[RUN_NAME_MAX];
        int found = 0, r;

        if (must_begin_anew(run))
                return select_group(restart, run);
        if (run_get_spec(run)->service && is_wanted(restart, run) && !run_is_cancelled(run))
                return add_target(restart, task_of(run_get_spec(run))->live, run_name(run, name));
        if (run_get_role(run) != RUN_GROUP)
                return 0;
        for (struct run *child = run_first_child(run); child; child = run_next_sibling(child)) {
                r = run_get_state(child) == RUN_DONE ? 0 : select_run(child, restart);
                if (r < 0)
                        return r;
                found |= r;
        }
        return found;
}

/* Services that are named and have no run: they are started. Returns 1, 0 after an error was answered, or -ENOMEM. */
static int select_down(struct restart_cursor *restart) {
        struct control *control = restart->control;
        json_t *name;
        size_t index;

        json_array_foreach(restart->selection.not_running, index, name) {
                const char *text = json_string_value(name);
                struct live_task *task = live_find(control->live, text);
                int r;

                if (run_tree_find(live_tree(control->live), text) || (task && !live_task_task(task)->run.is_service))
                        return varlink_error(restart->call, ERROR_RUNNER("NoService"),
                                             json_pack("{s:s}", "name", text));
                if (!task || !live_task_task(task)->service)
                        return nothing_meant(control, restart->call, text);
                r = add_target(restart, task, NULL);
                if (r < 0)
                        return r;
        }
        return 1;
}

/* Whether @run is @target's, or below that. */
static bool is_of_target(const struct target *target, const char *run) {
        size_t length = target->run ? strlen(target->run) : 0;

        if (!target->run || strncmp(target->run, run, length) != 0)
                return false;
        return run[length] == '\0' || (target->group && run[length] == '/');
}

/* Whether the group of @target, when it is run anew, has this service. */
static bool will_have(const struct restart_cursor *restart, const struct target *target, const char *name) {
        const struct live_task *task = target->group ? task_of_target(restart, target) : NULL;

        return task && run_group_names(&live_task_task(task)->run, name);
}

/* What is below a group that is run anew comes along, and so does what it has by now. */
static void drop_covered(struct restart_cursor *restart) {
        size_t n = 0, n_groups = 0;

        for (size_t i = 0; i < restart->n; i++)
                n_groups += restart->targets[i].group;
        if (n_groups == 0) /* each would be compared with each */
                return;
        for (size_t i = 0; i < restart->n; i++) {
                struct target *target = &restart->targets[i];
                bool covered = false;

                for (size_t k = 0; k < restart->n && target->run && !covered; k++)
                        covered = will_have(restart, &restart->targets[k], target->task) ||
                                  (restart->targets[k].group && !streq(restart->targets[k].run, target->run) &&
                                   is_of_target(&restart->targets[k], target->run));
                if (covered)
                        target_done(target);
                else
                        restart->targets[n++] = *target;
        }
        restart->n = n;
}

/* ---- restarting ---- */

static void settle(struct restart_cursor *restart, struct target *target, bool ready, const char *detail) {
        target->progress = TARGET_KNOWN;
        target->ready = ready;
        target->detail = detail && *detail ? strdup(detail) : NULL;
        varlink_wake(restart->call);
}

/* Which attempt follows when @run is restarted now. */
static unsigned next_attempt(const struct run *run) {
        const struct run *leaf = run_present_leaf(run);
        bool is_next = !leaf || (run_get_state(leaf) == RUN_QUEUED && !run_is_cancelled(leaf));

        return run_attempts(run) + (leaf && is_next ? 0 : 1);
}

static int start_target(struct restart_cursor *restart, struct target *target) {
        struct live_task *task = task_of_target(restart, target);
        char name[RUN_NAME_MAX];
        struct run *run;
        int r;

        r = task ? live_start(task, restart->by, &run) : -ESTALE;
        if (r < 0)
                return r;
        free(target->run);
        target->run = strdup(run_name(run, name));
        target->attempt = 1;
        return target->run ? 0 : -ENOMEM;
}

static int restart_target(struct restart_cursor *restart, struct target *target) {
        struct run *run = run_of_target(restart, target);
        char name[RUN_NAME_MAX];
        int r;

        if (!run || !streq(run_name(run, name), target->run))
                return -ESTALE;
        if (target->group) {
                r = run_cancel(run, CANCEL_REPLACED, restart->by);
                return r < 0 ? r : start_target(restart, target);
        }
        target->attempt = next_attempt(run);
        return live_restart(run, restart->by);
}

static void ask(struct restart_cursor *restart, struct target *target) {
        int r;

        target->progress = TARGET_ASKED;
        r = target->run ? restart_target(restart, target) : start_target(restart, target);
        if (r < 0)
                settle(restart, target, false, r == -ESTALE ? "it has ended, or is being stopped" : strerror(-r));
}

static void leave(struct restart_cursor *restart, struct target *target) {
        const struct run *run = run_of_target(restart, target);

        target->left = true;
        target->attempt = run ? run_attempts(run) : 0;
        settle(restart, target, run && run_is_ready(run), NULL);
}

/* It says itself when it is ready, so that those after it wait, and are left as they are when it fails. */
static bool goes_before(const struct restart_cursor *restart, const struct target *target) {
        const struct live_task *task = task_of_target(restart, target);
        const struct service_part *service = task ? live_task_task(task)->service : NULL;

        return service && service->ready != READY_EXEC;
}

/* Restarts those that may be restarted now, some of them. Returns whether there may be more. */
static bool ask_some(struct restart_cursor *restart) {
        for (unsigned budget = RESTARTS_A_STEP; restart->next < restart->n; budget--) {
                struct target *before = restart->next > 0 ? &restart->targets[restart->next - 1] : NULL;
                bool ordered = restart->wait && before && goes_before(restart, before);
                struct target *target = &restart->targets[restart->next];

                if (ordered && before->progress == TARGET_ASKED)
                        return false;
                if (budget == 0)
                        return true;
                restart->next++;
                if (before && (before->left || (ordered && !before->ready)))
                        leave(restart, target);
                else
                        ask(restart, target);
        }
        return false;
}

static void look(struct restart_cursor *restart, struct target *target, const struct event *event) {
        const struct run *run = run_of_target(restart, target);

        switch (event->id) {
        case EVENT_RUN_READY:
                if (run && run_attempts(run) == target->attempt)
                        settle(restart, target, true, NULL);
                break;
        case EVENT_RUN_RESTARTING:
                if (run && run_attempts(run) > target->attempt)
                        settle(restart, target, false, event->text);
                break;
        case EVENT_RUN_DOWN: settle(restart, target, false, event->text); break;
        case EVENT_RUN_DONE: settle(restart, target, false, result_detail(event->result)); break;
        default: break;
        }
}

/* One of the group's members, or the group itself. */
static void look_at_group(struct restart_cursor *restart, struct target *target, const struct event *event) {
        bool own = streq(event->run, target->run);

        switch (event->id) {
        case EVENT_RUN_READY: varlink_wake(restart->call); break; /* the group is not, before its members have told */
        case EVENT_RUN_RESTARTING:
        case EVENT_RUN_DOWN: settle(restart, target, false, event->text); break;
        case EVENT_RUN_DONE:
                if (own || outcome_is_failure(event->result->outcome))
                        settle(restart, target, false, result_detail(event->result));
                else
                        varlink_wake(restart->call);
                break;
        default: break;
        }
}

/* Those groups that have become ready. */
static void look_at_groups(struct restart_cursor *restart) {
        for (size_t i = 0; i < restart->next; i++) {
                struct target *target = &restart->targets[i];
                const struct run *run =
                        target->group && target->progress == TARGET_ASKED ? run_of_target(restart, target) : NULL;
                char name[RUN_NAME_MAX];

                if (run && streq(run_name(run, name), target->run) && run_is_ready(run))
                        settle(restart, target, true, NULL);
        }
}

void restart_on_event(struct control *control, const struct event *event) {
        struct restart_cursor *restart;

        if (!event->run)
                return;
        list_for_each_entry(restart, &control->restarts, link) {
                for (size_t i = 0; i < restart->next; i++) {
                        struct target *target = &restart->targets[i];

                        if (target->progress != TARGET_ASKED || !is_of_target(target, event->run))
                                continue;
                        (target->group ? look_at_group : look)(restart, target, event);
                }
        }
}

/* ---- the answers ---- */

static int select_some(struct restart_cursor *restart, struct varlink_call *call) {
        int r;

        r = selection_next(&restart->selection, call);
        if (r <= 0)
                return r;
        r = select_down(restart);
        if (r <= 0)
                return r;
        drop_covered(restart);
        restart->selected = true;
        varlink_wake(call);
        return -EAGAIN;
}

static int tell_names(struct restart_cursor *restart, json_t **ret) {
        json_t *names = json_array();

        for (size_t i = 0; i < restart->n; i++) {
                const struct target *target = &restart->targets[i];

                if (json_array_append_new(names, json_text(target->run ? target->run : target->task)) < 0) {
                        json_decref(names);
                        return -ENOMEM;
                }
        }
        restart->told = true;
        *ret = json_pack("{s:o}", "restarting", names);
        return restart->wait;
}

static int tell_target(struct restart_cursor *restart, struct target *target, json_t **ret) {
        target->progress = TARGET_TOLD;
        restart->n_told++;
        *ret = json_pack("{s:{s:o, s:b, s:i, s:o*, s:o*}}", "result", "run",
                         json_text(target->run ? target->run : target->task), "ready", (int)target->ready, "attempt",
                         (int)target->attempt, "left", target->left ? json_true() : NULL, "detail",
                         target->detail ? json_text(target->detail) : NULL);
        return restart->n_told < restart->n;
}

static int restart_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct restart_cursor *restart = cursor;
        bool more;

        if (!restart->selected)
                return select_some(restart, call);
        more = ask_some(restart);
        if (more)
                varlink_wake(call);
        if (!restart->told && (!more || restart->wait))
                return tell_names(restart, ret);
        look_at_groups(restart);
        for (size_t i = 0; i < restart->next; i++)
                if (restart->targets[i].progress == TARGET_KNOWN)
                        return tell_target(restart, &restart->targets[i], ret);
        return -EAGAIN;
}

static const struct varlink_stream_ops restart_ops = { .next = restart_next, .free = restart_free };

int method_restart(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        json_t *names = json_object_get(parameters, "runs");
        struct restart_cursor *restart;
        bool wait = json_is_true(json_object_get(parameters, "wait"));

        if (json_array_size(names) == 0)
                return varlink_error_parameter(call, "runs");
        if (wait && !varlink_call_more(call))
                return varlink_error(call, "org.varlink.service.ExpectedMore", NULL);
        restart = calloc(1, sizeof(*restart));
        if (!restart)
                return -ENOMEM;
        list_init(&restart->link);
        restart->control = control;
        restart->call = call;
        restart->wait = wait;
        (void)call_by(call, restart->by);
        if (selection_init(&restart->selection, control, names, select_run, restart) < 0) {
                restart_free(restart);
                return -ENOMEM;
        }
        list_append(&control->restarts, &restart->link);
        return varlink_stream(call, &restart_ops, restart);
}
