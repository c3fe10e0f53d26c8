/* SPDX-License-Identifier: MIT */
/* watch: tasks that start when files arrive.
 *
 * A firing says that there is something to do, not how much: a run that waits for its turn will find it all, so no other one
 * queues behind it. A paused task loses nothing by not being told: when it is resumed, all that is there counts as arrived,
 * as it does when the next daemon starts.
 */
#include "live/live_private.h"

static void on_watch(struct watch *watch _unused_, void *arg) {
        struct live_task *entry = arg;

        loop_set_subject(entry->live->loop, entry->task->run.name);
        if (!live_is_paused(entry) && !entry->live->closed && !live_is_waiting(entry))
                live_fire(entry, "watch", clock_now(CLOCK_ID_REALTIME));
}

static int begin(struct live_task *entry) {
        const struct watch_spec spec = {
                .name = entry->task->run.name,
                .patterns = (const char *const *)entry->task->when->watch,
                .settle_usec = entry->task->when->watch_settle_usec,
                .fn = on_watch,
                .arg = entry,
        };
        struct watcher *watcher;
        int r;

        r = live_watcher(entry->live, &watcher);
        return r < 0 ? r : watch_new(watcher, &spec, &entry->watch);
}

int live_watch_add(struct live_task *entry) {
        const struct task *task = entry->task;

        if (!task->enabled || !task->when || !task->when->watch || live_is_check(entry))
                return 0;
        return begin(entry);
}

void live_watch_remove(struct live_task *entry) {
        entry->watch = watch_free(entry->watch);
}

int live_watches_begin(struct live *live) {
        int r = 0;

        for (size_t i = 0; i < live->n_tasks && r == 0; i++)
                r = live_watch_add(live->tasks[i]);
        return r;
}

void live_watches_end(struct live *live) {
        for (size_t i = 0; i < live->n_tasks; i++)
                live_watch_remove(live->tasks[i]);
}

void live_passed_over(struct live_task *task, const char *path) {
        if (task && task->watch)
                watch_look(task->watch, path);
}

const char *live_task_watch_trouble(const struct live_task *task) {
        return task->watch ? watch_trouble(task->watch) : NULL;
}
