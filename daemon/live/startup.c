/* SPDX-License-Identifier: MIT */
/* startup: arms the triggers and starts what starts with the daemon, a few tasks at a time.
 *
 * After the daemon was down each of a hundred thousand tasks may have missed something, which is told and goes to the
 * store, and each may be one that starts now, whose run has a row there. All of it in one turn would keep the loop from
 * everything else and fill the store's queue; so there are few in a turn, and after so many no more until those are in
 * the file. The first are done at once: a small configuration is armed when live_startup() returns.
 *
 * Last comes what waited to be caught up of tasks that cannot any more (dropped.c), of which there may be as many.
 *
 * What an entry still has to go through is marked in it. A reload may swap the tasks in between: then all are looked at
 * again, and those that are through are passed over.
 */
#include "live/live_private.h"

#define LOOKED_AT_A_TURN 2000
#define NOTED_A_TURN     200
#define NOTED_A_SLICE    2000

static bool starts_now(const struct live_task *entry) {
        return entry->task->enabled && entry->task->on_start && !live_is_check(entry);
}

/* Each returns whether there is something for the store. */
static bool arm(struct live_task *entry) {
        if (!entry->unarmed)
                return false;
        live_schedule_arm(entry);
        return list_linked(&entry->noted);
}

static bool start(struct live_task *entry) {
        if (!entry->unstarted)
                return false;
        entry->unstarted = false;
        if (!starts_now(entry))
                return false;
        loop_set_subject(entry->live->loop, entry->task->run.name);
        live_fire(entry, "on-start", clock_now(CLOCK_ID_REALTIME));
        return true;
}

/* Returns true when all are through. */
static bool go_through(struct live *live, bool (*fn)(struct live_task *entry)) {
        struct live_startup *startup = &live->startup;
        unsigned noted = 0;

        for (unsigned n = 0; startup->next < live->n_tasks && n < LOOKED_AT_A_TURN && noted < NOTED_A_TURN; n++)
                noted += fn(live->tasks[startup->next++]);
        startup->noted += noted;
        return startup->next == live->n_tasks;
}

static void on_slice(int result _unused_, void *arg) {
        struct live *live = arg;

        live->startup.slice = NULL;
        loop_work_schedule(&live->startup.work);
}

/* Returns true when nothing is left. */
static bool tell_dropped(struct live *live) {
        unsigned noted = 0;

        while (noted < NOTED_A_TURN && live_tell_dropped(live))
                noted++;
        live->startup.noted += noted;
        return list_empty(&live->dropped);
}

/* Goes on in the next turn, or when the slice is in the file, or the store says that it is in trouble. */
static void go_on(struct live *live) {
        struct live_startup *startup = &live->startup;

        if (live->memory.store && startup->noted >= NOTED_A_SLICE) {
                startup->noted = 0;
                live_put_noted(live);
                if (store_sync(live->memory.store, on_slice, live, &startup->slice) == 0)
                        return;
        }
        loop_work_schedule(&startup->work);
}

/* What is due by now was so while there was no daemon. */
static void arm_some(struct live *live) {
        struct live_startup *startup = &live->startup;
        bool all;

        live->starting = true;
        all = go_through(live, arm);
        live->starting = false;
        if (all) {
                startup->armed = true;
                startup->next = 0;
                live_note_unseen(live);
        }
        go_on(live);
}

static void on_work(struct loop_work *work _unused_, void *arg) {
        struct live *live = arg;

        if (!live->triggers || live->startup.slice)
                return;
        if (!live->startup.armed)
                arm_some(live);
        else if (!go_through(live, start) || !tell_dropped(live))
                go_on(live);
}

void live_startup(struct live *live) {
        struct live_startup *startup = &live->startup;

        for (size_t i = 0; i < live->n_tasks; i++)
                live->tasks[i]->unstarted = starts_now(live->tasks[i]);
        startup->next = 0;
        startup->armed = false;
        loop_work_init(&startup->work, live->loop, "startup", on_work, live);
        arm_some(live);
}

void live_startup_go_on(struct live *live) {
        if (live->startup.work.loop && !live->startup.slice)
                loop_work_schedule(&live->startup.work);
}

void live_startup_reloaded(struct live *live) {
        live->startup.next = 0;
        live_startup_go_on(live);
}

void live_startup_done(struct live *live) {
        if (live->startup.slice)
                store_sync_cancel(live->startup.slice);
        live->startup.slice = NULL;
        if (live->startup.work.loop)
                loop_work_cancel(&live->startup.work);
}
