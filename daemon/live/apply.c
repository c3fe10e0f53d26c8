/* SPDX-License-Identifier: MIT */
/* apply: goes over from the configuration there is to another one.
 *
 * Everything that can fail is made first, limits, pools, entries and what tasks are bound to; then it is swapped in, and
 * nothing that has not changed is touched. An entry stays with its name: the runs of the old task and those of the new
 * one count, overlap and are told as those of one task. So a task that runs may be any number of configurations old, and an entry lives until
 * the last task that is bound to it is freed (live_unbind()), also when no configuration has it any more.
 *
 * What runs goes on as it began. Services are given their new task at once, so that the next attempt, whoever asks for
 * it, is by that (run_respec()); until then they are outdated, which is told. So are runs that cannot become what their
 * task is now, as of one service that is to be a group of instances: all below them is left alone until they are begun
 * anew. Those that are gone, or that are none any more, are stopped, and what only waits to begin for a task that is
 * gone is skipped. A group that has only such members begins anew at once.
 */
#include "live/apply.h"

#include "base/log.h"
#include "live/live_private.h"
#include "loop/pool.h"

#include <stdio.h>

struct application {
        struct live *live;
        const struct config_diff *diff;
        const char *by;
        struct live_task **tasks;
        size_t n_tasks;
        struct limit **limits;
        struct live_pool **pools;
};

/* ---- what is made first ---- */

static int make_limits(struct application *app) {
        const struct config *to = app->diff->to;

        app->limits = calloc(MAX(to->n_limits, (size_t)1), sizeof(struct limit *));
        if (!app->limits)
                return -ENOMEM;
        for (size_t i = 0; i < to->n_limits; i++) {
                struct limit *known = live_find_limit(app->live, to->limits[i].name);
                int r = 0;

                if (known)
                        app->limits[i] = limit_ref(known);
                else
                        r = limit_new(run_tree_limits(app->live->tree), to->limits[i].name, &to->limits[i].limit,
                                      &app->limits[i]);
                if (r == 0 && !known)
                        r = live_limit_made(app->live, app->limits[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int make_pools(struct application *app) {
        const struct config *to = app->diff->to;

        app->pools = calloc(MAX(to->n_pools, (size_t)1), sizeof(struct live_pool *));
        if (!app->pools)
                return -ENOMEM;
        for (size_t i = 0; i < to->n_pools; i++) {
                struct live_pool *known = live_find_pool(app->live, to->pools[i].name);
                int r = 0;

                if (known) {
                        known->n_ref++;
                        app->pools[i] = known;
                } else
                        r = live_pool_new(app->live, &to->pools[i], &app->pools[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static struct live_task *find_entry(const struct live *live, const char *name) {
        struct live_task *entry = live_find(live, name);

        for (size_t i = 0; !entry && i < live->n_gone; i++)
                if (streq(live->gone[i]->task->run.name, name))
                        entry = live->gone[i];
        return entry;
}

static int make_entry(struct application *app, struct task *task, struct live_task **ret) {
        struct live_task *entry = find_entry(app->live, task->run.name);

        if (!entry)
                entry = live_task_new(app->live, task);
        if (!entry)
                return -ENOMEM;
        *ret = entry;
        return 0;
}

/* What stays has its entry in the same order. */
static int make_entries(struct application *app) {
        const struct config *to = app->diff->to;
        const struct live *live = app->live;

        app->tasks = calloc(MAX(to->n_tasks, (size_t)1), sizeof(struct live_task *));
        if (!app->tasks)
                return -ENOMEM;
        for (size_t i = 0, k = 0; i < to->n_tasks; i++) {
                struct task *task = to->tasks[i];
                int r = 0;

                while (k < live->n_tasks && strcmp(live->tasks[k]->task->run.name, task->run.name) < 0)
                        k++;
                if (k < live->n_tasks && streq(live->tasks[k]->task->run.name, task->run.name))
                        app->tasks[i] = live->tasks[k++];
                else
                        r = make_entry(app, task, &app->tasks[i]);
                if (r < 0)
                        return r;
                app->n_tasks++;
        }
        return 0;
}

static int bind_new(struct application *app) {
        const struct live_binding binding = {
                .config = app->diff->to,
                .limits = app->limits,
                .pools = app->pools,
        };
        int r = 0;

        for (size_t i = 0; i < app->n_tasks && r == 0; i++)
                if (!app->diff->to->tasks[i]->live)
                        r = live_bind(app->tasks[i], app->diff->to->tasks[i], &binding);
        return r;
}

static int prepare(struct application *app) {
        int r;

        r = make_limits(app);
        if (r == 0)
                r = make_pools(app);
        if (r == 0)
                r = make_entries(app);
        if (r == 0)
                r = bind_new(app);
        return r < 0 ? r : live_env_reload(app->live, app->diff->to);
}

static void drop_limits(struct limit **limits, size_t n) {
        for (size_t i = 0; limits && i < n; i++)
                limit_unref(limits[i]);
        free(limits);
}

static void drop_pools(struct live_pool **pools, size_t n) {
        for (size_t i = 0; pools && i < n; i++)
                live_pool_unref(pools[i]);
        free(pools);
}

/* What was made for tasks that will not be: those go with their configuration, and take their entries along. */
static void undo(struct application *app) {
        drop_limits(app->limits, app->diff->to->n_limits);
        drop_pools(app->pools, app->diff->to->n_pools);
        for (size_t i = 0; i < app->n_tasks; i++)
                if (app->tasks[i]->n_bound == 0)
                        live_task_free(app->tasks[i]);
                else if (!find_entry(app->live, app->tasks[i]->task->run.name))
                        app->tasks[i]->gone = true;
        free(app->tasks);
}

/* ---- swapping ---- */

static void swap_limits(struct application *app) {
        struct live *live = app->live;
        const struct config *from = app->diff->from, *to = app->diff->to;

        run_tree_set_max_running(live->tree, to->daemon.max_running);
        for (size_t i = 0; i < to->n_limits; i++)
                (void)limit_configure(app->limits[i], &to->limits[i].limit);
        drop_limits(live->limits, from->n_limits);
        live->limits = app->limits;
}

static void swap_pools(struct application *app) {
        struct live *live = app->live;
        const struct config *from = app->diff->from, *to = app->diff->to;

        for (size_t i = 0; i < to->n_pools; i++)
                live_pool_reloaded(from, &to->pools[i], app->pools[i]);
        drop_pools(live->pools, from->n_pools);
        live->pools = app->pools;
}

/* Those that come back are no longer among the gone. */
static void forget_gone(struct live *live) {
        size_t n = 0;

        for (size_t i = 0; i < live->n_gone; i++)
                if (live->gone[i]->gone)
                        live->gone[n++] = live->gone[i];
        live->n_gone = n;
}

static void swap_tasks(struct application *app) {
        struct live *live = app->live;
        const struct config *to = app->diff->to;

        for (size_t i = 0; i < to->n_tasks; i++) {
                to->tasks[i]->origin_file = app->diff->origins[i].file;
                to->tasks[i]->origin_line = app->diff->origins[i].line;
        }
        free(live->tasks);
        live->tasks = app->tasks;
        live->n_tasks = app->n_tasks;
}

/* ---- runs ---- */

static void stop_run(struct application *app, struct run *run, const char *why) {
        char by[160];

        (void)snprintf(by, sizeof(by), "%.60s: %s", app->by, why);
        (void)run_cancel(run, CANCEL_REPLACED, by);
}

static void look_at_gone(struct application *app, struct run *run) {
        if (run_get_spec(run)->is_service)
                stop_run(app, run, "it is not in the configuration any more");
        else if (!run_get_spec(run)->is_transient && run_get_state(run) == RUN_QUEUED &&
                 run_get_parent(run) == run_tree_root(app->live->tree))
                (void)run_skip(run, "gone: it is not in the configuration any more");
}

/* A service has become a group, or the reverse. */
static bool is_of_another_shape(const struct run *run) {
        const struct live_task *entry = live_task_of(run);

        return !entry->gone && run_get_spec(run)->is_service && entry->task->run.is_service && entry->task->enabled &&
               run_get_spec(run)->is_group != entry->task->run.is_group;
}

bool live_must_begin_anew(const struct run *run) {
        const struct task *task = live_task_of(run)->task;

        if (is_of_another_shape(run))
                return true;
        return run_get_role(run) == RUN_GROUP && run_get_spec(run)->is_service && task->run.is_group &&
               !run_same_members(run_get_spec(run), &task->run);
}

static void look_at_service(struct application *app, struct run *run) {
        const struct task *task = live_task_of(run)->task;

        if (!task->enabled)
                stop_run(app, run, "it is not enabled any more");
        else if (live_must_begin_anew(run))
                return; /* until it is restarted */
        else if (run_respec(run, &task->run) == -EOPNOTSUPP)
                stop_run(app, run, "it is no such service any more");
}

static void look_at_runs(struct application *app, struct run *parent) {
        for (struct run *run = run_first_child(parent); run; run = run_next_sibling(run)) {
                const struct live_task *entry = live_task_of(run);

                if (run_get_state(run) == RUN_DONE || is_of_another_shape(run))
                        continue;
                if (run_get_role(run) == RUN_GROUP)
                        look_at_runs(app, run);
                if (run_is_hook(run) || run_is_cancelled(run))
                        continue;
                if (entry->gone)
                        look_at_gone(app, run);
                else if (run_get_spec(run)->is_service && task_of(run_get_spec(run)) != entry->task)
                        look_at_service(app, run);
        }
}

/* Of what was up in it nothing stays. */
static bool is_bereft(const struct run *group) {
        for (const struct run *child = run_first_child(group); child; child = run_next_sibling(child))
                if (run_get_state(child) != RUN_DONE && !run_is_cancelled(child))
                        return false;
        return true;
}

/* A group all of whose members are gone ends with them, also while they wait to begin, and those it has by now would stay down. */
static void begin_anew(struct application *app) {
        struct run *root = run_tree_root(app->live->tree), *next;

        for (struct run *run = run_first_child(root); run; run = run_next_sibling(run)) {
                struct live_task *entry = live_task_of(run);

                if (entry->gone || !entry->task->enabled || run_is_cancelled(run) || run_get_state(run) == RUN_DONE ||
                    run_get_role(run) != RUN_GROUP || !live_must_begin_anew(run) || !is_bereft(run))
                        continue;
                stop_run(app, run, "it has other members by now");
                (void)live_start_due(entry, app->by, clock_now(CLOCK_ID_REALTIME), &next);
        }
}

/* ---- tasks ---- */

static void cannot(const struct live_task *entry, int error) {
        log_error("[task %s] goes on without what starts it: %s", entry->task->run.name, strerror(-error));
}

static void start_now(struct live_task *entry) {
        const struct task *task = entry->task;

        entry->unstarted = false;
        if (entry->live->triggers && !entry->live->memory.closed && task->enabled && task->on_start &&
            !live_is_check(entry))
                live_fire(entry, "on-start", clock_now(CLOCK_ID_REALTIME));
}

static void add(struct live_task *entry) {
        int r;

        r = live_service_add(entry);
        if (r == 0)
                r = live_schedule_add(entry);
        if (r == 0)
                r = live_stale_add(entry);
        if (r == 0)
                r = live_restore_one(entry);
        if (r == 0 && entry->live->triggers && !entry->live->memory.closed)
                r = live_watch_add(entry);
        if (r < 0)
                cannot(entry, r);
}

static bool same_watch(const struct task *a, const struct task *b) {
        const strv one = a->when && a->enabled ? a->when->watch : NULL;
        const strv other = b->when && b->enabled ? b->when->watch : NULL;
        size_t i = 0;

        if (!one || !other)
                return one == other;
        while (one[i] && other[i] && streq(one[i], other[i]))
                i++;
        return !one[i] && !other[i] && a->when->watch_settle_usec == b->when->watch_settle_usec;
}

static int renew_watch(struct live_task *entry, const struct task *from) {
        if (same_watch(from, entry->task))
                return 0;
        live_watch_remove(entry);
        return entry->live->triggers && !entry->live->memory.closed ? live_watch_add(entry) : 0;
}

static void change(struct live_task *entry, const struct task *from) {
        int r;

        overlap_set_max(&entry->overlap, entry->task->overlap_max);
        r = live_service_add(entry);
        if (r == 0)
                r = live_schedule_renew(entry);
        if (r == 0)
                r = live_stale_renew(entry);
        if (r == 0)
                r = renew_watch(entry, from);
        if (r < 0)
                cannot(entry, r);
        live_note(entry);
}

/* Services that a group has by now, which has just been started, go over into it. */
static void take_over(const struct live *live, const struct run_spec *group) {
        for (size_t i = 0; i < group->n_members; i++) {
                struct live_task *entry = live_find(live, group->members[i].spec->name);

                if (entry)
                        live_service_end_alone(entry);
                take_over(live, group->members[i].spec);
        }
}

static bool has_begun_anew(const struct live_task *entry) {
        const struct run *run = entry->service ? entry->service->run : NULL;

        return run && run_get_role(run) == RUN_GROUP && run_get_state(run) == RUN_QUEUED && !run_is_cancelled(run) &&
               task_of(run_get_spec(run)) == entry->task;
}

/* Those that were not wanted up before, that had failed, or that an earlier reload has just ended, are wanted now. */
static void start_changed(struct live_task *entry, const struct task *from) {
        bool was_up = from->enabled && from->run.is_service;

        if (!from->enabled || (entry->task->run.is_service && !was_up) ||
            (live_service_is_down(entry) && !live_task_stopped_by(entry, NULL)))
                start_now(entry);
}

static void remove_entry(struct live_task *entry) {
        struct live *live = entry->live;

        entry->gone = true;
        if (entry->n_bound > 1) /* its runs may outlive the task that it goes by */
                entry->held = task_ref(entry->task);
        entry->unarmed = entry->unstarted = false;
        if (entry->service && entry->service->check) {
                live_health_end(entry->service);
                entry->service->check->health_of = NULL;
                entry->service->check = NULL;
        }
        live_schedule_give_up(entry, LIVE_NOT_CONFIGURED);
        live_schedule_remove(entry);
        live_stale_remove(entry);
        live_watch_remove(entry);
        live_note(entry);
        live->gone[live->n_gone++] = entry;
}

static void take_changes(struct application *app) {
        const struct config_diff *diff = app->diff;

        for (size_t i = 0; i < diff->n_tasks; i++) {
                const struct task_change *change_of = &diff->tasks[i];
                struct live_task *entry = change_of->to ? change_of->to->live : change_of->from->live;

                switch (change_of->change) {
                case CONFIG_REMOVED: remove_entry(entry); break;
                case CONFIG_ADDED:
                        entry->gone = false;
                        entry->task = change_of->to;
                        task_unref(TAKE_PTR(entry->held));
                        break;
                default: entry->task = change_of->to; break;
                }
        }
        forget_gone(app->live);
        for (size_t i = 0; i < diff->n_tasks; i++) {
                const struct task_change *change_of = &diff->tasks[i];

                if (change_of->change == CONFIG_ADDED)
                        add(change_of->to->live);
                else if (change_of->change == CONFIG_CHANGED)
                        change(change_of->to->live, change_of->from);
        }
}

/* When all tasks are what they will be: who tells whose health, and what is due. */
static void begin(struct application *app) {
        const struct config_diff *diff = app->diff;

        for (size_t i = 0; i < diff->n_tasks; i++)
                if (diff->tasks[i].change == CONFIG_ADDED || diff->tasks[i].change == CONFIG_CHANGED)
                        live_service_bind_check(diff->tasks[i].to->live);
        for (size_t i = 0; i < diff->n_tasks; i++)
                if (diff->tasks[i].change == CONFIG_ADDED || diff->tasks[i].change == CONFIG_CHANGED)
                        live_schedule_begin(diff->tasks[i].to->live);
        look_at_runs(app, run_tree_root(app->live->tree));
        begin_anew(app);
        for (size_t i = 0; i < diff->n_tasks; i++) {
                if (diff->tasks[i].change == CONFIG_ADDED)
                        start_now(diff->tasks[i].to->live);
                else if (diff->tasks[i].change == CONFIG_CHANGED)
                        start_changed(diff->tasks[i].to->live, diff->tasks[i].from);
        }
        for (size_t i = 0; i < diff->n_tasks; i++)
                if (diff->tasks[i].to && has_begun_anew(diff->tasks[i].to->live))
                        take_over(app->live, &diff->tasks[i].to->run);
}

static int reserve_gone(struct live *live, const struct config_diff *diff) {
        struct live_task **more = reallocarray(live->gone, live->n_gone + diff->n_tasks + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        live->gone = more;
        return 0;
}

int live_apply(struct live *live, const struct config_diff *diff, const char *by) {
        struct application app = { .live = live, .diff = diff, .by = by };
        size_t n_before;
        int r;

        r = reserve_gone(live, diff);
        if (r == 0)
                r = prepare(&app);
        if (r < 0) {
                undo(&app);
                return r;
        }
        n_before = live->n_tasks;
        live_zones_done(live);
        swap_limits(&app);
        swap_pools(&app);
        swap_tasks(&app);
        live_memory_reloaded(live, n_before);
        live_startup_reloaded(live);
        config_unref(live->config);
        live->config = config_ref(diff->to);
        live->generation++;
        live->resume_next = 0; /* if it is at that */
        take_changes(&app);
        begin(&app);
        if (live->follows_zones && live_zones_follow(live) < 0)
                log_warning("time zones that change are not noticed: out of memory");
        return 0;
}
