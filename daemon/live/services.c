/* SPDX-License-Identifier: MIT */
/* services: what live keeps of services: the run each has, readiness and restarts as events, and what operators want.
 *
 * The run tree tells of readiness while it is at work, when nothing may change it. So a service that something is to be
 * done for is put on a list, and a later turn starts hooks and ends attempts.
 *
 * An operator's stop holds until an operator's start, of it or of what it is in, also when the daemon is another one by
 * then. A member of a group is kept down in its place, and the group goes on; so is one whose group begins anew. A run of
 * its own ends, and `stopped_by` keeps triggers from making another. The group that `instances` makes has
 * no work but theirs: to stop it is to keep them all down, and each of them can be started again. A member that has ended
 * while its group goes on, given up or not, is started in its place.
 *
 * A reload may put services that run on their own into a group, and take members out of one. A group that starts ends
 * what its members run on their own, as they would wait for that for ever; and when a reload or an operator has a group's
 * run replaced, those that are not in it any more begin on their own.
 */
#include "live/live_private.h"

#include "base/text.h"

#include <stdio.h>

/* ---- into groups, and out of them ---- */

void live_service_end_alone(struct live_task *entry) {
        struct run *root = run_tree_root(entry->live->tree);

        if (!entry->service)
                return;
        entry->service->taken_over = false;
        for (struct run *run = run_first_child(root); run; run = run_next_sibling(run))
                if (live_task_of(run) == entry && !run_is_hook(run))
                        (void)run_cancel(run, CANCEL_REPLACED, "a group that it is in by now");
}

/* As the daemon's start would. */
static void start_if_down(struct live_service *service) {
        const struct task *task = service->entry->task;

        if (!service->entry->gone && task->enabled && task->on_start && !service->run)
                live_fire(service->entry, "on-start", clock_now(CLOCK_ID_REALTIME));
}

static void start_alone(struct live_service *service) {
        service->left_alone = false;
        start_if_down(service);
}

void live_service_resumed(struct live_task *entry) {
        struct live_service *service = entry->service;

        if (!service || !service->held_off)
                return;
        service->held_off = false;
        start_if_down(service);
}

void live_service_group_replaced(const struct live_task *group, const struct result *result) {
        for (size_t i = 0; i < result->n_children; i++) {
                const struct live_task *entry = live_find(group->live, result->children[i]->task);

                live_service_group_replaced(group, result->children[i]);
                if (entry && entry->service &&
                    (group->gone || !run_group_names(&group->task->run, entry->task->run.name))) {
                        entry->service->left_alone = true;
                        live_touch(entry->service);
                }
        }
}

/* ---- touched ---- */

static void on_touch(struct loop_work *work _unused_, void *arg) {
        struct live *live = arg;

        while (!list_empty(&live->touched)) {
                struct live_service *service = list_first_entry(&live->touched, struct live_service, touched);

                list_remove(&service->touched);
                loop_set_subject(live->loop, service->entry->task->run.name);
                if (service->taken_over)
                        live_service_end_alone(service->entry);
                if (service->left_alone)
                        start_alone(service);
                if (service->run && run_is_ready(service->run))
                        live_recovered(service->entry, service->run);
                live_health_update(service);
        }
}

void live_touch(struct live_service *service) {
        struct live *live = service->entry->live;

        if (list_linked(&service->touched))
                return;
        list_append(&live->touched, &service->touched);
        loop_work_schedule(&live->touch_work);
}

/* ---- set-up ---- */

int live_service_add(struct live_task *entry) {
        struct live_service *service;

        if (!entry->task->run.is_service || entry->service)
                return 0;
        service = calloc(1, sizeof(*service));
        if (!service)
                return -ENOMEM;
        list_init(&service->touched);
        service->entry = entry;
        entry->service = service;
        return 0;
}

void live_service_bind_check(struct live_task *entry) {
        const char *health = entry->task->service ? entry->task->service->health : NULL;
        struct live_task *check = health ? live_find(entry->live, health) : NULL;
        struct live_service *service = entry->service;

        if (!service || service->check == check)
                return;
        if (service->check) {
                live_health_end(service);
                service->check->health_of = NULL;
        }
        service->check = check;
        if (check) {
                check->health_of = service;
                if (check->trigger.ops) /* until the service is ready */
                        trigger_disarm(&check->trigger);
        }
        live_touch(service);
}

void live_service_remove(struct live_task *entry) {
        struct live_service *service = entry->service;

        if (!service)
                return;
        if (service->check)
                service->check->health_of = NULL;
        list_remove(&service->touched);
        free(service->stopped_by);
        free(service);
        entry->service = NULL;
}

int live_services_init(struct live *live) {
        list_init(&live->touched);
        loop_work_init(&live->touch_work, live->loop, "services", on_touch, live);
        for (size_t i = 0; i < live->n_tasks; i++) {
                int r = live_service_add(live->tasks[i]);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < live->n_tasks; i++)
                live_service_bind_check(live->tasks[i]);
        return 0;
}

void live_services_done(struct live *live) {
        if (live->touch_work.loop)
                loop_work_cancel(&live->touch_work);
        for (size_t i = 0; i < live->n_tasks; i++)
                live_service_remove(live->tasks[i]);
}

/* ---- what the tree tells ---- */

static void set_stopped(struct live_service *service, const char *by, usec_t at_usec) {
        if (!by && !service->stopped_by)
                return;
        free(service->stopped_by);
        service->stopped_by = by ? strdup(by) : NULL;
        service->stopped_usec = at_usec;
        live_note(service->entry);
}

static void stop_now(struct live_service *service, const char *by) {
        set_stopped(service, by, clock_now(CLOCK_ID_REALTIME));
}

static void forget(struct live_service *service) {
        set_stopped(service, NULL, 0);
}

static void tell_down(const struct live_task *entry, const struct run *run, const char *what, const char *by) {
        char name[RUN_NAME_MAX], text[200];

        (void)snprintf(text, sizeof(text), "%s by %.150s, until it is started", what, by);
        live_emit(entry->live, &(const struct event){
                                       .id = EVENT_RUN_DOWN,
                                       .task = entry->task->run.name,
                                       .run = run_name(run, name),
                                       .text = text,
                               });
}

static bool is_member(const struct run *run) {
        return run_get_role(run_get_parent(run)) == RUN_GROUP;
}

/* What an operator starts has forgotten its stop by now, or is a run of its own. */
void live_service_new(struct live_task *entry, struct run *run) {
        struct live_service *service = entry->service;

        if (!service)
                return;
        if (service->run && is_member(run) && !is_member(service->run)) {
                service->taken_over = true;
                live_touch(service);
        }
        service->run = run;
        service->held_off = false;
        if (service->stopped_by && is_member(run) && run_keep_down(run, service->stopped_by) >= 0)
                tell_down(entry, run, "stays down: stopped", service->stopped_by);
        else if (!is_member(run))
                forget(service);
}

void live_services_wanted(const struct live *live, const struct run_spec *spec) {
        const struct live_task *entry = live_find(live, spec->name);

        if (entry && entry->service)
                forget(entry->service);
        for (size_t i = 0; i < spec->n_members; i++)
                live_services_wanted(live, spec->members[i].spec);
}

void live_service_done(struct live_task *entry, const struct run *run, const struct result *result) {
        struct live *live = entry->live;

        if (!entry->service || entry->service->run != run)
                return;
        entry->service->run = NULL;
        live_touch(entry->service);
        if (entry->task->service && entry->task->service->critical && outcome_is_failure(result->outcome) &&
            live->on_critical)
                live->on_critical(result, live->arg);
}

void live_group_may_be_ready(const struct run *run) {
        for (run = run_get_parent(run); run_get_role(run) == RUN_GROUP; run = run_get_parent(run)) {
                struct live_task *entry = live_task_of(run);

                if (entry->service && entry->failing)
                        live_touch(entry->service);
        }
}

void live_service_ready(struct live_task *entry, struct run *run, bool ready) {
        char name[RUN_NAME_MAX];

        if (ready) {
                live_group_may_be_ready(run);
                live_emit(entry->live, &(const struct event){
                                               .id = EVENT_RUN_READY,
                                               .task = entry->task->run.name,
                                               .run = run_name(run, name),
                                               .text = "ready",
                                       });
        }
        if (entry->service)
                live_touch(entry->service);
}

/* "restarts in 2s, attempt 3: exit: exit status 1" */
void live_service_restarts(struct live_task *entry, struct run *run, usec_t at_usec, const char *by) {
        const struct errors *errors = run_get_errors(run);
        const struct run_error *error = errors->n > 0 ? &errors->items[0] : NULL;
        usec_t delay = usec_sub(at_usec, clock_now(CLOCK_ID_MONOTONIC));
        char name[RUN_NAME_MAX], text[600], span[TEXT_USEC_MAX], when[TEXT_USEC_MAX + 8] = "at once";
        struct event event = { .id = EVENT_RUN_RESTARTING, .task = entry->task->run.name, .text = text };

        if (run_is_kept_down(run)) /* told already */
                return;
        if (delay >= USEC_PER_MSEC)
                (void)snprintf(when, sizeof(when), "in %s", text_format_usec(delay - delay % USEC_PER_MSEC, span));
        if (at_usec == 0)
                (void)snprintf(text, sizeof(text), "restarts at once, attempt %u: asked by %s", run_attempts(run),
                               by ? by : "an operator");
        else
                (void)snprintf(text, sizeof(text), "restarts %s, attempt %u: %s%s%s", when, run_attempts(run),
                               error ? error_kind_to_string(error->kind) : "it had ended", error ? ": " : "",
                               error ? error->detail : "");
        event.run = run_name(run, name);
        event.error = error ? error->kind : ERROR_NONE;
        live_emit(entry->live, &event);
}

/* ---- operators ---- */

static bool is_ending(const struct run *run) {
        return run_is_cancelled(run) || run_get_state(run) >= RUN_STOPPING || run_waits_for_guests(run);
}

static bool is_instances(const struct run *run) {
        const struct run_spec *spec = run_get_spec(run);

        return spec->is_group && spec->n_members > 0 && task_of(spec->members[0].spec)->instance > 0;
}

/* @run is wanted again, and so is the group of instances that it is in. */
static void forget_stop(struct run *run) {
        struct run *parent = run_get_parent(run);

        forget(live_task_of(run)->service);
        if (run_get_role(parent) == RUN_GROUP && is_instances(parent))
                forget(live_task_of(parent)->service);
}

/* Brings back the services at and below @run that are kept down. Returns how many there were. */
static unsigned bring_back(struct run *run, const char *by) {
        unsigned n = 0;

        if (run_get_role(run) == RUN_GROUP) {
                for (struct run *child = run_first_child(run); child; child = run_next_sibling(child))
                        n += bring_back(child, by);
                return n;
        }
        if (!run_is_kept_down(run) || run_restart(run, by) < 0)
                return 0;
        forget_stop(run);
        return 1;
}

/* Takes the place of the service again in a group below @parent that goes on without it. */
static int revive(struct run *parent, const struct live_task *entry, struct run **ret) {
        for (struct run *run = run_first_child(parent); run; run = run_next_sibling(run)) {
                int r = -ESTALE;

                if (live_task_of(run) == entry)
                        r = run_revive(run, ret);
                else if (run_get_role(run) == RUN_GROUP && run_get_state(run) != RUN_DONE)
                        r = revive(run, entry, ret);
                if (r != -ESTALE && r != -EOPNOTSUPP)
                        return r;
        }
        return -ESTALE;
}

int live_service_start(struct live_task *entry, const char *by, struct run **ret) {
        struct run *run = entry->service ? entry->service->run : NULL;

        if (entry->service && !run) {
                int r;

                forget(entry->service);
                r = revive(run_tree_root(entry->live->tree), entry, ret);

                return r == -ESTALE ? -ENOENT : r;
        }
        if (!run || is_ending(run))
                return -ENOENT;
        *ret = run;
        return bring_back(run, by) > 0 ? 0 : -EALREADY;
}

static void keep_down(struct live_task *entry, struct run *run, const char *by, bool force) {
        if (run_is_kept_down(run) || run_keep_down(run, by) < 0)
                return;
        if (force && run_present_leaf(run))
                run_force(run_present_leaf(run));
        stop_now(entry->service, by);
        tell_down(entry, run, "stopped", by);
}

int live_stop(struct run *run, const char *by, bool force) {
        struct live_task *entry = live_task_of(run);
        int r;

        if (!is_ending(run) && run_get_spec(run)->service && is_member(run)) {
                keep_down(entry, run, by, force);
                return 0;
        }
        if (!is_ending(run) && entry->service && is_instances(run) && run_first_child(run)) {
                for (struct run *child = run_first_child(run); child; child = run_next_sibling(child))
                        (void)live_stop(child, by, force);
                stop_now(entry->service, by);
                return 0;
        }
        r = run_cancel(run, CANCEL_OPERATOR, by);
        if (r < 0)
                return r;
        if (force)
                run_force(run);
        if (entry->service && !is_member(run) && (run_get_spec(run)->service || is_instances(run)))
                stop_now(entry->service, by);
        return 0;
}

int live_restart(struct run *run, const char *by) {
        int r;

        r = run_restart(run, by);
        if (r >= 0)
                forget_stop(run);
        return r;
}

/* ---- what is remembered ---- */

void live_service_restore(struct live_task *entry, const struct store_task *task) {
        if (entry->service)
                set_stopped(entry->service, task->stopped_by, task->stopped_usec);
}

void live_service_late(struct live_task *entry, const struct store_task *task) {
        struct live_service *service = entry->service;

        if (!service || !task->stopped_by || service->stopped_by)
                return;
        if (service->run) /* nobody knew */
                (void)live_stop(service->run, task->stopped_by, false);
        set_stopped(service, task->stopped_by, task->stopped_usec);
}

void live_service_save(const struct live_task *entry, struct store_task *ret) {
        ret->stopped_by = live_task_stopped_by(entry, &ret->stopped_usec);
}

/* ---- states ---- */

/* When none of the group is ready, the first that is meant to be tells how it does. */
static const char *group_state(const struct run *run) {
        const char *state = NULL;

        if (run_is_ready(run))
                return "up";
        for (struct run *child = run_first_child(run); child; child = run_next_sibling(child)) {
                if (run_is_ready(child))
                        return "partly-up";
                if (!state && run_get_spec(child)->is_service && !is_ending(child) && !run_is_kept_down(child))
                        state = live_service_run_state(child);
        }
        return state ? state : "stopped";
}

const char *live_service_run_state(const struct run *run) {
        struct run *leaf = run_present_leaf(run);
        struct run_waiting waiting;

        if (is_ending(run))
                return "stopping";
        if (run_get_role(run) == RUN_GROUP && run_get_state(run) != RUN_QUEUED)
                return group_state(run);
        if (run_is_kept_down(run))
                return leaf && run_get_state(leaf) != RUN_QUEUED ? "stopping" : "stopped";
        if (run_is_ready(run))
                return "up";
        run_get_waiting(run, &waiting);
        if (waiting.why == WHY_RESTART || (leaf && run_get_state(leaf) == RUN_STOPPING))
                return "restarting";
        return leaf && run_get_state(leaf) != RUN_QUEUED ? "starting" : "waiting";
}

const char *live_task_state(const struct live_task *task) {
        const struct live_service *service = task->service;

        if (!task->task->enabled)
                return "disabled";
        if (service && service->run)
                return live_service_run_state(service->run);
        if (service && service->stopped_by)
                return "stopped";
        if (task->running > 0)
                return "running";
        if (task->task->service && task->last && outcome_is_failure(task->last->outcome))
                return "gave-up";
        if (live_task_is_failing(task))
                return "failing";
        return live_is_paused(task) ? "paused" : "idle";
}

bool live_service_is_down(const struct live_task *entry) {
        const struct live_service *service = entry->service;

        return entry->task->run.is_service && service && (!service->run || run_is_cancelled(service->run));
}

struct run *live_service_run(const struct live_task *task) {
        return task->service ? task->service->run : NULL;
}

const char *live_task_stopped_by(const struct live_task *task, usec_t *ret_usec) {
        if (!task->service || !task->service->stopped_by)
                return NULL;
        if (ret_usec)
                *ret_usec = task->service->stopped_usec;
        return task->service->stopped_by;
}
