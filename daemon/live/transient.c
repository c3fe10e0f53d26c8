/* SPDX-License-Identifier: MIT */
/* transient: runs of tasks that no configuration has.
 *
 * They live as tasks do that a reload has taken away: their entry is among those that are gone, holds the number of the
 * last run and what else is remembered of the name, and ends with the last task that is bound to it. So all that is told
 * of runs is told of these, too, and nothing that goes through the tasks of the configuration meets them. What is
 * remembered of the name goes on when it is used again.
 *
 * The entry itself goes by a task without a command, so that one that has run lets go of its files at once, whoever else
 * of its name still runs.
 */
#include "config/transient.h"
#include "live/live_private.h"

#include <limits.h>

static int new_entry(struct live *live, const char *name, struct live_task **ret) {
        const struct live_binding binding = live_binding(live);
        _cleanup_(task_unrefp) struct task *task = NULL;
        char wrong[TRANSIENT_WRONG_MAX];
        struct live_task *entry, **more;
        int r;

        r = transient_task_new(name, NULL, 0, false, wrong, &task);
        if (r < 0)
                return r;
        task->run.is_transient = false; /* it never runs */
        task->failing_after = UINT_MAX; /* nobody waits for it to be ok again */
        more = reallocarray(live->gone, live->n_gone + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        live->gone = more;
        entry = live_task_new(live, task);
        if (!entry)
                return -ENOMEM;
        entry->gone = true;
        live->gone[live->n_gone++] = entry;
        r = live_bind(entry, task, &binding);
        if (r < 0)
                return r; /* with the task the entry goes */
        r = live_restore_one(entry);
        if (entry->number == 0)
                entry->number = live->number_floor;
        if (r < 0)
                return r;
        entry->held = TAKE_PTR(task);
        *ret = entry;
        return 0;
}

/* The entry of its name, among those that are gone. */
static int find_entry(struct live *live, const char *name, struct live_task **ret) {
        struct live_task *entry = live_find_any(live, name);

        if (!entry)
                return new_entry(live, name, ret);
        if (!entry->gone || !entry->task->transient)
                return -EEXIST;
        *ret = entry;
        return 0;
}

static int check_limits(const struct live *live, const struct task *task, const char **ret_limit) {
        for (size_t i = 0; i < task->n_limits; i++) {
                const struct limit *limit = live_find_limit(live, task->limits[i].name);
                unsigned permits = limit ? limit_get_config(limit)->permits : 0;

                *ret_limit = task->limits[i].name;
                if (!limit)
                        return -ENOENT;
                if (permits > 0 && task->limits[i].permits > permits)
                        return -ERANGE;
        }
        return 0;
}

int live_start_transient(struct live *live, struct task *task, const struct live_start *how, const char **ret_limit,
                         struct run **ret) {
        const struct live_binding binding = live_binding(live);
        struct live_task *entry;
        int r;

        if (live->closed && !how->host)
                return -ESHUTDOWN;
        if (live->n_transients >= LIVE_TRANSIENTS_MAX ||
            task->transient->size > LIVE_TRANSIENTS_SIZE_MAX - live->transient_size)
                return -ENOBUFS;
        r = check_limits(live, task, ret_limit);
        if (r < 0)
                return r;
        r = find_entry(live, task->run.name, &entry);
        if (r < 0)
                return r;
        r = live_bind(entry, task, &binding);
        if (r < 0)
                return r; /* the caller's reference takes the entry along */
        task->run.overlap = NULL;
        return live_start_task(entry, task, how, ret);
}
