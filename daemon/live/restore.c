/* SPDX-License-Identifier: MIT */
/* restore: what the store remembers becomes what the tasks begin with.
 *
 * A file that cannot be read then may be so later, when tasks have been at work without what it remembers. It is added to
 * what is so by then, before the present state takes its place in the file: the higher number, the earlier first sight,
 * and of the rest what nothing has happened to since. What time triggers had accounted for is of no use any more, as they
 * are armed; what was due while there was no daemon is not caught up.
 */
#include "base/log.h"
#include "live/live_private.h"
#include "live/outcome_json.h"

#include <search.h>

/* ---- tasks that are gone ---- */

/* Where the strings of a store_task are. */
static const size_t strings[] = {
        offsetof(struct store_task, task),          offsetof(struct store_task, schedule),
        offsetof(struct store_task, every_boot_id), offsetof(struct store_task, fired),
        offsetof(struct store_task, last_due_what), offsetof(struct store_task, paused_by),
        offsetof(struct store_task, last_run),      offsetof(struct store_task, last_json),
        offsetof(struct store_task, stopped_by),
};

static char **string_at(struct store_task *task, size_t i) {
        return (char **)(void *)((char *)task + strings[i]);
}

static void forgotten_free(void *arg) {
        struct store_task *task = arg;

        for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
                free(*string_at(task, i));
        free(task);
}

static struct store_task *copy(const struct store_task *task) {
        struct store_task *copied = malloc(sizeof(*copied));
        bool whole = true;

        if (!copied)
                return NULL;
        *copied = *task;
        for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
                const char *text = *string_at(copied, i);

                *string_at(copied, i) = text ? strdup(text) : NULL;
                whole &= !text || *string_at(copied, i);
        }
        if (!whole) {
                forgotten_free(copied);
                return NULL;
        }
        return copied;
}

static int compare(const void *a, const void *b) {
        return strcmp(((const struct store_task *)a)->task, ((const struct store_task *)b)->task);
}

/* Instead of what was known of it before. */
static void remember(struct live *live, const struct store_task *task) {
        struct store_task *known = copy(task), **node;

        if (!known)
                return;
        node = tsearch(known, &live->forgotten, compare);
        live->n_forgotten += node && *node == known;
        if (node && *node != known) {
                forgotten_free(*node);
                *node = known;
        } else if (!node)
                forgotten_free(known);
}

void live_remember_gone(struct live_task *entry) {
        _cleanup_(freep) char *json = NULL;
        struct store_task task;

        live_task_save(entry, &task, &json);
        if (list_linked(&entry->noted))
                store_put_task(entry->live->memory.store, &task);
        /* Whoever makes up names makes up many. */
        if (entry->task->transient && entry->live->n_forgotten >= LIVE_FORGOTTEN_MAX)
                entry->live->number_floor = MAX(entry->live->number_floor, entry->number);
        else
                remember(entry->live, &task);
}

void live_forget_gone(struct live *live) {
        tdestroy(live->forgotten, forgotten_free);
        live->forgotten = NULL;
}

void live_put_gone(struct live *live, const char *task) {
        const struct store_task wanted = { .task = task };
        struct store_task **node = tfind(&wanted, &live->forgotten, compare);

        if (node)
                store_put_task(live->memory.store, *node);
}

/* It may come back, and is kept for as long as the history. */
static int become_gone(struct live *live, const struct store_task *task) {
        struct store_task gone = *task;

        if (task->gone_usec == 0)
                gone.gone_usec = clock_now(CLOCK_ID_REALTIME);
        remember(live, &gone);
        return task->gone_usec == 0 ? live_drop_later(live, task, LIVE_NOT_CONFIGURED) : 0;
}

/* ---- tasks that are there ---- */

static void restore_last(struct live_task *entry, const struct store_task *task) {
        entry->last = task->last_json ? outcome_parse(task->last_json) : NULL;
        if (entry->last)
                live_learn_usual(entry, entry->last);
}

static int restore_into(struct live_task *entry, const struct store_task *was) {
        struct store_task known = *was, *task = &known;

        if (task->gone_usec > 0) { /* it has come back, and missed nothing meanwhile */
                task->schedule = NULL;
                live_note(entry);
        }
        entry->number = task->number;
        entry->first_seen_usec = task->first_seen_usec;
        entry->failures = task->failures;
        entry->failing = task->failing;
        entry->last_ok_usec = task->last_ok_usec;
        restore_last(entry, task);
        live_stale_restore(entry, task);
        live_service_restore(entry, task);
        return live_schedule_restore(entry, task);
}

int live_restore_one(struct live_task *entry) {
        struct live *live = entry->live;
        struct store_task wanted = { .task = entry->task->run.name }, **node, *known;
        int r = 0;

        node = tfind(&wanted, &live->forgotten, compare);
        if (node) {
                known = *node;
                (void)tdelete(known, &live->forgotten, compare);
                live->n_forgotten--;
                if (entry->n_bound == 1) /* else it is the very one that was gone */
                        r = restore_into(entry, known);
                forgotten_free(known);
        }
        if (live->memory.store && entry->first_seen_usec == 0)
                entry->first_seen_usec = clock_now(CLOCK_ID_REALTIME);
        live_note(entry);
        return r;
}

static int restore_task(const struct store_task *task, void *arg) {
        struct live *live = arg;
        struct live_task *entry = live_find(live, task->task);

        return entry ? restore_into(entry, task) : become_gone(live, task);
}

static int restore_pause(const struct store_pause *pause, void *arg) {
        return live_pause_restore(arg, pause);
}

static int restore_item(const struct store_item *item, void *arg) {
        struct live_task *entry = live_find(arg, item->task);
        int r = entry ? live_items_restore(entry, item) : 0;

        return r == -ENOBUFS ? 0 : r;
}

/* The number of a run may be in the file though the state of its task is not. Returns its task; NULL: none, or it is a
 * member. */
static struct live_task *catch_up_with(struct live *live, const struct store_run *run) {
        struct live_task *entry = live_find(live, run->task);
        const char *number = strchr(run->run, '#');

        if (!entry || !number || strchr(run->run, '/'))
                return NULL;
        entry->number = MAX(entry->number, (uint64_t)strtoull(number + 1, NULL, 10));
        return entry;
}

static int restore_run(const struct store_run *run, const struct store_process *processes, size_t n, void *arg) {
        struct live *live = arg;
        struct live_task *entry = catch_up_with(live, run);

        if (entry && !run->hook)
                live_schedule_ran(entry, run->trigger, run->due_usec);
        return live_interrupted_add(live, run, processes, n);
}

static int restore_member(const struct store_run *run, void *arg) {
        return live_interrupted_add_member(arg, run);
}

int live_restore(struct live *live) {
        struct store *store = live->memory.store;
        int r;

        if (!store)
                return 0;
        r = store_opened_pauses(store, restore_pause, live);
        if (r < 0)
                return r;
        r = store_opened_tasks(store, restore_task, live);
        if (r < 0)
                return r;
        r = store_opened_items(store, restore_item, live);
        if (r < 0)
                return r;
        for (size_t i = 0; i < live->n_tasks; i++)
                if (live->tasks[i]->first_seen_usec == 0)
                        live->tasks[i]->first_seen_usec = live->memory.since_usec;
        r = store_opened_runs(store, restore_run, live);
        return r < 0 ? r : store_opened_members(store, restore_member, live);
}

/* ---- late ---- */

static int add_task(const struct store_task *task, void *arg) {
        struct live *live = arg;
        struct live_task *entry = live_find(live, task->task);

        if (!entry)
                return become_gone(live, task);
        entry->number = MAX(entry->number, task->number);
        if (task->first_seen_usec > 0)
                entry->first_seen_usec = MIN(entry->first_seen_usec, task->first_seen_usec);
        if (!entry->last) { /* no run has ended since */
                entry->failures = task->failures;
                entry->failing = task->failing;
                restore_last(entry, task);
        }
        live_stale_late(entry, task);
        live_service_late(entry, task);
        entry->last_ok_usec = MAX(entry->last_ok_usec, task->last_ok_usec);
        return live_schedule_late(entry, task);
}

static int add_item(const struct store_item *item, void *arg) {
        struct live_task *entry = live_find(arg, item->task);

        return entry && !entry->last ? restore_item(item, arg) : 0;
}

/* The store ends it by itself, as interrupted, or a hook that had not begun as never started. */
static int add_run(const struct store_run *run, const struct store_process *processes _unused_, size_t n _unused_,
                   void *arg) {
        (void)catch_up_with(arg, run);
        if (run->cause)
                live_fire_again(arg, run);
        return 0;
}

void live_store_late(struct live *live) {
        struct store *store = live->memory.store;
        int r;

        r = store_opened_pauses(store, restore_pause, live);
        if (r >= 0)
                r = store_opened_items(store, add_item, live); /* as long as the last runs are those of this daemon */
        if (r >= 0)
                r = store_opened_tasks(store, add_task, live);
        if (r >= 0)
                r = store_opened_runs(store, add_run, live);
        if (r < 0)
                log_error("what the store remembers of tasks is lost in part: %s", strerror(-r));
        live_startup_go_on(live);
}
