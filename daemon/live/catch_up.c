/* SPDX-License-Identifier: MIT */
/* catch_up: starts what was missed, a few tasks at a time.
 *
 * A task with a backlog stands in one queue, and gives it up one occurrence after another: it stands in the queue again,
 * at its end, when the run that caught up the last one has ended. After the daemon's start the queue waits for
 * catch-up-delay, so that a machine that boots is not given everything at once. These runs look at no `overlap`; as an
 * operator's, they wait for their slot.
 *
 * A place among the few is for what is being brought up: it is given back when the run ends, and when a service is ready,
 * as that may be for ever. A run that waits for one of its own task takes none, as that may be as long.
 */
#include "live/live_private.h"

#define AT_ONCE 4

/* What a task has while it has a backlog, or while that is being worked off. */
struct live_catch_up {
        struct list link; /* in live->catch_ups */
        struct live_task *entry;
        uint64_t number; /* of the run that catches up; 0: none does */
        bool counted;    /* in live->catching_up */
};

static void give_back(struct live_task *entry) {
        struct live *live = entry->live;

        if (!entry->catch_up->counted)
                return;
        entry->catch_up->counted = false;
        live->catching_up--;
        loop_work_schedule(&live->catch_up_work);
}

static void forget(struct live_task *entry) {
        list_remove(&entry->catch_up->link);
        free(entry->catch_up);
        entry->catch_up = NULL;
}

void live_catch_up_forget(struct live_task *entry) {
        struct live *live = entry->live;

        if (!entry->catch_up)
                return;
        live->catching_up -= entry->catch_up->counted;
        forget(entry);
        if (live->catch_up_work.loop)
                loop_work_schedule(&live->catch_up_work);
}

void live_catch_up(struct live_task *entry) {
        struct live *live = entry->live;

        if (!entry->catch_up) {
                entry->catch_up = calloc(1, sizeof(*entry->catch_up));
                if (!entry->catch_up)
                        return; /* it stays in the backlog until it is superseded or the daemon restarts */
                list_init(&entry->catch_up->link);
                entry->catch_up->entry = entry;
        }
        if (entry->catch_up->number == 0 && !list_linked(&entry->catch_up->link))
                list_append(&live->catch_ups, &entry->catch_up->link);
        loop_work_schedule(&live->catch_up_work);
}

/* False: nothing was started. */
static bool start(struct live_task *entry) {
        bool waits = !overlap_is_free(&entry->overlap);
        struct schedule_due due;
        struct run *run;
        int r;

        if (!trigger_take(&entry->trigger, &due))
                return false;
        live_note(entry);
        r = live_start_due(entry, "catch-up", due.due_usec, &run);
        if (r < 0) {
                live_skip_failed(entry, &due, r);
                schedule_taken_ended(&entry->trigger.schedule);
                return false;
        }
        entry->catch_up->number = run_get_number(run);
        entry->catch_up->counted = !waits;
        entry->live->catching_up += !waits;
        live_set_last_due(entry, due.due_usec, run_get_number(run), NULL);
        return true;
}

/* A service that is wanted down. */
static void skip_all(struct live_task *entry) {
        struct schedule_due due;

        while (schedule_has_backlog(&entry->trigger.schedule) && trigger_take(&entry->trigger, &due)) {
                schedule_taken_ended(&entry->trigger.schedule);
                live_skip(entry, &due, "stopped", "an operator has stopped it, until it is started");
        }
}

static void on_work(struct loop_work *work _unused_, void *arg) {
        struct live *live = arg;

        while (live->catch_up_open && live->triggers && !live->closed && live->catching_up < AT_ONCE &&
               !list_empty(&live->catch_ups)) {
                struct live_task *entry = list_first_entry(&live->catch_ups, struct live_catch_up, link)->entry;

                list_remove(&entry->catch_up->link);
                loop_set_subject(live->loop, entry->task->run.name);
                if (live_task_stopped_by(entry, NULL))
                        skip_all(entry);
                if (live_is_paused(entry) || !schedule_has_backlog(&entry->trigger.schedule))
                        forget(entry);
                else if (!start(entry) && schedule_has_backlog(&entry->trigger.schedule))
                        list_append(&live->catch_ups, &entry->catch_up->link);
                else if (entry->catch_up->number == 0)
                        forget(entry);
        }
}

static bool catches_up(const struct live_task *entry, uint64_t number) {
        return entry->catch_up && entry->catch_up->number > 0 && entry->catch_up->number == number;
}

void live_catch_up_ready(struct live_task *entry, uint64_t number) {
        if (catches_up(entry, number))
                give_back(entry);
}

void live_caught_up(struct live_task *entry, uint64_t number) {
        if (!catches_up(entry, number))
                return;
        give_back(entry);
        entry->catch_up->number = 0;
        schedule_taken_ended(&entry->trigger.schedule);
        live_catch_up(entry);
}

static void on_delay(struct loop_timer *timer _unused_, void *arg) {
        struct live *live = arg;

        live->catch_up_open = true;
        loop_work_schedule(&live->catch_up_work);
}

int live_catch_ups_init(struct live *live) {
        usec_t delay = live->config->daemon.catch_up_delay_usec;
        int r;

        list_init(&live->catch_ups);
        loop_work_init(&live->catch_up_work, live->loop, "catch-up", on_work, live);
        r = loop_timer_init(&live->catch_up_timer, live->loop, CLOCK_ID_MONOTONIC, "catch-up", on_delay, live);
        if (r < 0)
                return r;
        live->catch_up_open = delay == 0;
        if (delay > 0)
                loop_timer_set(&live->catch_up_timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), delay));
        return 0;
}

void live_catch_ups_done(struct live *live) {
        loop_work_cancel(&live->catch_up_work);
        loop_timer_done(&live->catch_up_timer);
        for (size_t i = 0; i < live->n_tasks; i++)
                if (live->tasks[i]->catch_up)
                        forget(live->tasks[i]);
}
