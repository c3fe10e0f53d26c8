/* SPDX-License-Identifier: MIT */
/* dropped: what waited to be caught up, of tasks that nothing starts by time any more.
 *
 * They are disabled, gone, or were known only to a store that could be read late. What waited is told as missed. When that
 * is found by a reload it is told at once; a daemon that starts may find a hundred thousand such tasks in the store, so
 * those are told in slices, when all else is at work (startup.c). Until then the store says what it said before, and a
 * daemon that dies meanwhile has its successor find them again.
 */
#include "live/live_private.h"

struct live_dropped {
        struct list link; /* in live->dropped */
        const char *detail;
        char *fired; /* of its store_task; NULL: nothing waited, and its state alone is to be put */
        char task[];
};

static void dropped_free(struct live_dropped *dropped) {
        list_remove(&dropped->link);
        free(dropped->fired);
        free(dropped);
}

/* ---- now ---- */

struct telling {
        struct live *live;
        const char *task;
};

static void on_missed(const struct schedule_missed *missed, void *arg) {
        const struct telling *telling = arg;

        live_missed(telling->live, telling->task, missed);
}

void live_give_up_saved(struct live *live, const char *task, const char *fired, const char *detail) {
        struct telling telling = { .live = live, .task = task };
        const struct schedule_listener listener = { .missed = on_missed, .arg = &telling };

        schedule_give_up_saved(fired, &listener, detail);
}

/* ---- in slices ---- */

int live_drop_later(struct live *live, const struct store_task *task, const char *detail) {
        size_t size = strlen(task->task) + 1;
        struct live_dropped *dropped = calloc(1, sizeof(*dropped) + size);

        if (!dropped)
                return -ENOMEM;
        list_init(&dropped->link);
        memcpy(dropped->task, task->task, size);
        dropped->detail = detail;
        if (schedule_has_saved_backlog(task->fired)) {
                dropped->fired = strdup(task->fired);
                if (!dropped->fired) {
                        dropped_free(dropped);
                        return -ENOMEM;
                }
        }
        list_append(&live->dropped, &dropped->link);
        return 0;
}

bool live_tell_dropped(struct live *live) {
        struct live_dropped *dropped;
        struct live_task *entry;

        if (list_empty(&live->dropped))
                return false;
        dropped = list_first_entry(&live->dropped, struct live_dropped, link);
        live_give_up_saved(live, dropped->task, dropped->fired, dropped->detail);
        entry = live_find(live, dropped->task);
        if (entry)
                live_note(entry);
        else
                live_put_gone(live, dropped->task);
        dropped_free(dropped);
        return true;
}

void live_dropped_done(struct live *live) {
        while (!list_empty(&live->dropped))
                dropped_free(list_first_entry(&live->dropped, struct live_dropped, link));
}
