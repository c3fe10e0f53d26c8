/* SPDX-License-Identifier: MIT */
/* restore: what the store remembers becomes what the tasks begin with. */
#include "live/live_private.h"
#include "live/outcome_json.h"

#define GONE_A_START 1000 /* tasks; the store's queue is bounded, and the next start finds the rest */

struct restoring {
        struct live *live;
        unsigned n_gone;
};

/* It may come back, and is kept for as long as the history. */
static void note_gone(struct restoring *restoring, const struct store_task *task) {
        struct store_task gone = *task;

        if (task->gone_usec > 0 || restoring->n_gone == GONE_A_START)
                return;
        restoring->n_gone++;
        gone.gone_usec = clock_now(CLOCK_ID_REALTIME);
        store_put_task(restoring->live->memory.store, &gone);
}

static int restore_task(const struct store_task *task, void *arg) {
        struct restoring *restoring = arg;
        struct live_task *entry = live_find(restoring->live, task->task);

        if (!entry) {
                note_gone(restoring, task);
                return 0;
        }
        if (task->gone_usec > 0)
                live_note(entry); /* it has come back */
        entry->number = task->number;
        entry->first_seen_usec = task->first_seen_usec;
        entry->failures = task->failures;
        entry->failing = task->failing;
        entry->last_ok_usec = task->last_ok_usec;
        if (task->last_json)
                entry->last = outcome_parse(task->last_json);
        live_stale_restore(entry, task);
        return live_schedule_restore(entry, task);
}

static int restore_item(const struct store_item *item, void *arg) {
        struct live_task *entry = live_find(arg, item->task);
        int r = entry ? live_items_restore(entry, item) : 0;

        return r == -ENOBUFS ? 0 : r;
}

/* Those of a run may be in the file though the state of its task is not. */
static void catch_up_with(struct live *live, const struct store_run *run) {
        struct live_task *entry = live_find(live, run->task);
        const char *number = strchr(run->run, '#');

        if (!entry || !number || strchr(run->run, '/'))
                return;
        entry->number = MAX(entry->number, (uint64_t)strtoull(number + 1, NULL, 10));
        if (!run->hook)
                live_schedule_ran(entry, run->trigger, run->due_usec);
}

static int restore_run(const struct store_run *run, const struct store_process *processes, size_t n, void *arg) {
        struct live *live = arg;

        catch_up_with(live, run);
        return live_interrupted_add(live, run, processes, n);
}

int live_restore(struct live *live) {
        struct restoring restoring = { .live = live };
        struct store *store = live->memory.store;
        int r;

        if (!store)
                return 0;
        r = store_opened_tasks(store, restore_task, &restoring);
        if (r < 0)
                return r;
        r = store_opened_items(store, restore_item, live);
        if (r < 0)
                return r;
        for (size_t i = 0; i < live->n_tasks; i++)
                if (live->tasks[i]->first_seen_usec == 0)
                        live->tasks[i]->first_seen_usec = live->memory.since_usec;
        return store_opened_runs(store, restore_run, live);
}
