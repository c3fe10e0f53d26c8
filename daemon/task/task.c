/* SPDX-License-Identifier: MIT */
/* task: makes and frees what the key table fills. */
#include "task/task.h"

#include "loop/child_files.h"
#include "task/kind.h"
#include "when/calendar.h"

#include <assert.h>

struct task *task_new(const char *name) {
        struct task *task;

        task = calloc(1, sizeof(*task));
        if (!task)
                return NULL;
        task->run.name = strdup(name);
        if (!task->run.name) {
                free(task);
                return NULL;
        }
        task->n_ref = 1;
        task->enabled = true;
        task->overlap_max = 1;
        task->failing_after = 1;
        task->stale_after_usec = USEC_INFINITY;
        task->catch_up_max = 100;
        task->catch_up_within_usec = USEC_PER_DAY;
        task->slow_after_usec = USEC_INFINITY;
        return task;
}

struct task *task_ref(struct task *task) {
        unsigned before = atomic_fetch_add_explicit(&task->n_ref, 1, memory_order_relaxed);

        assert(before > 0);
        (void)before;
        return task;
}

static void strv_free(strv words) {
        for (size_t i = 0; words && words[i]; i++)
                free(words[i]);
        free(words);
}

void hooks_done(struct hooks *hooks) {
        for (size_t i = 0; i < hooks->n; i++)
                free(hooks->items[i].task);
        free(hooks->items);
        *hooks = (struct hooks){ 0 };
}

/* Members are shared with the configuration and with other groups. */
static void members_done(struct run_spec *run) {
        for (size_t i = 0; i < run->n_members; i++) {
                task_unref(task_of(run->members[i].spec));
                free((void *)run->members[i].after);
        }
        free((void *)run->members);
}

static void limits_done(struct task *task) {
        for (size_t i = 0; i < task->n_limits; i++)
                free(task->limits[i].name);
        free(task->limits);
        for (size_t i = 0; i < task->run.n_limits; i++)
                limit_unref(task->run.limits[i].limit);
        free(task->run.limits);
}

struct service_part *service_part_free(struct service_part *service) {
        if (!service)
                return NULL;
        free(service->ready_argument);
        free(service->health);
        free(service);
        return NULL;
}

struct transient_part *transient_part_free(struct transient_part *transient) {
        if (!transient)
                return NULL;
        strv_free(transient->env);
        free(transient->caller.groups);
        child_files_unref(transient->files);
        closep(&transient->items_fd);
        free(transient);
        return NULL;
}

static void calendars_free(struct task_calendar *calendars, size_t n) {
        for (size_t i = 0; i < n; i++) {
                calendar_free(calendars[i].calendar);
                zone_unref(calendars[i].zone);
        }
        free(calendars);
}

struct when_part *when_part_free(struct when_part *when) {
        if (!when)
                return NULL;
        calendars_free(when->calendars, when->n_calendars);
        calendars_free(when->crons, when->n_crons);
        strv_free(when->watch);
        free(when);
        return NULL;
}

struct task *task_unref(struct task *task) {
        if (!task || atomic_fetch_sub_explicit(&task->n_ref, 1, memory_order_acq_rel) > 1)
                return NULL;
        if (task->env && task->env->unbind)
                task->env->unbind(task);
        if (task->kind && task->part && task->kind->part_done)
                task->kind->part_done(task->part);
        free(task->part);
        members_done(&task->run);
        limits_done(task);
        hooks_done(&task->on_success);
        hooks_done(&task->on_failure);
        hooks_done(&task->on_failing);
        hooks_done(&task->on_recover);
        hooks_done(&task->on_slow);
        hooks_done(&task->on_stale);
        service_part_free(task->service);
        transient_part_free(task->transient);
        when_part_free(task->when);
        strv_free(task->for_each.words);
        strv_free(task->after);
        strv_free(task->members);
        strv_free(task->background);
        free(task->for_each.argument);
        free(task->pool_name);
        free(task->timezone);
        free(task->description);
        free((char *)task->run.name);
        free(task);
        return NULL;
}
