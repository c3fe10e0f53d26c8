/* SPDX-License-Identifier: MIT */
/* start: what makes a run begin: a trigger, the daemon's start, an operator.
 *
 * Only triggers look at `overlap`; whoever else starts a run waits for its slot like a member of a group does.
 */
#include "base/log.h"
#include "live/live_private.h"

#include <stdio.h>

/* What tells the health of services goes on with them. */
static bool is_closed_to(const struct live_task *entry) {
        return entry->live->closed && !live_is_check(entry);
}

static int start(struct live_task *entry, const struct task *task, const char *trigger, usec_t due,
                 struct result *resume, struct run *host, struct run **ret) {
        struct run_start spec = {
                .spec = &task->run,
                .number = entry->number + 1,
                .trigger = trigger,
                .due_realtime_usec = due,
                .resume = resume,
                .host = host,
        };
        struct event event = { .id = EVENT_RUN_QUEUED, .task = task->run.name };
        char name[RUN_NAME_MAX], text[RUN_NAME_MAX + 128];
        struct run *run;
        int r;

        r = run_tree_start(entry->live->tree, &spec, &run);
        if (r < 0)
                return r;
        entry->number++;
        entry->running++;
        (void)snprintf(text, sizeof(text), "queued by %s%s%s", trigger, resume ? ", resumes " : "",
                       resume ? resume->run : "");
        event.run = run_name(run, name);
        event.text = text;
        live_emit(entry->live, &event);
        *ret = run;
        return 0;
}

int live_start_due(struct live_task *entry, const char *trigger, usec_t due, struct run **ret) {
        return is_closed_to(entry) ? -ESHUTDOWN : start(entry, entry->task, trigger, due, NULL, NULL, ret);
}

int live_start_again(struct live_task *entry, usec_t due_usec, struct result *was) {
        struct run *run;

        return is_closed_to(entry) ? -ESHUTDOWN : start(entry, entry->task, "interrupt", due_usec, was, NULL, &run);
}

void live_count_skip(struct live_task *entry, const char *reason) {
        entry->skipped++;
        free(entry->skip_reason);
        entry->skip_reason = reason ? strdup(reason) : NULL;
}

void live_skip(struct live_task *entry, const struct schedule_due *due, const char *word, const char *text) {
        struct event event = { .id = EVENT_SKIPPED, .task = entry->task->run.name, .text = text };
        char what[160];

        live_count_skip(entry, text);
        live_emit(entry->live, &event);
        live_note_missed(entry->live, &(const struct store_missed){
                                              .task = entry->task->run.name,
                                              .first_due_usec = due->due_usec,
                                              .last_due_usec = due->due_usec,
                                              .n = 1,
                                              .trigger = due->trigger,
                                              .reason = word,
                                              .detail = text,
                                              .at_usec = clock_now(CLOCK_ID_REALTIME),
                                      });
        (void)snprintf(what, sizeof(what), "skipped: %s", text);
        live_set_last_due(entry, due->due_usec, 0, what);
        if (streq(due->trigger, "every")) /* with from_end; another's end is waited for still */
                trigger_run_ended(&entry->trigger);
}

void live_skip_failed(struct live_task *entry, const struct schedule_due *due, int error) {
        if (error == -ESHUTDOWN)
                live_skip(entry, due, "shutdown", "the daemon is stopping");
        else
                live_skip(entry, due, "memory", "out of memory");
}

/* ---- overlap ---- */

/* Not one whose turn has come and that waits for permits. */
bool live_is_waiting(const struct live_task *entry) {
        struct run_waiting waiting = { 0 };

        if (!entry->waiting)
                return false;
        run_get_waiting(entry->waiting, &waiting);
        return waiting.why == WHY_OVERLAP;
}

/* A newer run takes the place of the one that waits; where that waits for permits it would lose its place among those,
 * again and again. */
static void supersede(struct live_task *entry) {
        if (!live_is_waiting(entry))
                return;
        (void)run_skip(entry->waiting, "overlap: a newer run took its place in the queue");
        entry->waiting = NULL;
}

/* Cancels the runs of the task that are not members of a group, also those that began before a reload has changed it. */
static void replace(struct live_task *entry) {
        struct run *run;

        for (run = run_first_child(run_tree_root(entry->live->tree)); run; run = run_next_sibling(run))
                if (live_task_of(run) == entry && !run_is_hook(run))
                        (void)run_cancel(run, CANCEL_REPLACED, "a newer run");
}

/* False: the firing is not followed. What is in the way of a service that is down is only what a reload has just ended, or
 * a job that it was made of: nothing else would start it then. */
static bool make_way(struct live_task *entry, const struct schedule_due *due) {
        if (streq(due->trigger, "on-start") && live_service_is_down(entry)) {
                supersede(entry);
                return true;
        }
        switch (entry->task->overlap) {
        case OVERLAP_QUEUE: supersede(entry); return true;
        case OVERLAP_REPLACE: replace(entry); return true;
        default:
                live_skip(entry, due, "overlap",
                          entry->task->overlap == OVERLAP_ALLOW ? "overlap: as many runs as allowed are at work"
                                                                : "overlap: the last run is still at work");
                return false;
        }
}

void live_fire(struct live_task *entry, const char *trigger, usec_t due_usec) {
        const struct schedule_due due = { .trigger = trigger, .due_usec = due_usec };
        bool busy = !overlap_is_free(&entry->overlap);
        struct run *run;
        int r;

        if (live_is_paused(entry)) {
                if (entry->service && streq(trigger, "on-start"))
                        entry->service->held_off = true;
                live_skip(entry, &due, "paused", "paused");
                return;
        }
        if (is_closed_to(entry)) { /* before anything makes way for it */
                live_skip_failed(entry, &due, -ESHUTDOWN);
                return;
        }
        if (live_task_stopped_by(entry, NULL)) {
                live_skip(entry, &due, "stopped", "an operator has stopped it, until it is started");
                return;
        }
        if (busy && !make_way(entry, &due))
                return;
        r = live_start_due(entry, trigger, due_usec, &run);
        if (r < 0) {
                live_skip_failed(entry, &due, r);
                return;
        }
        live_set_last_due(entry, due_usec, entry->number, NULL);
        if (busy)
                entry->waiting = run;
}

/* ---- operators ---- */

/* What is started from inside of a run says of which: "backup#41 (uid 0, pid 12)". But what is meant to stay up is no child of
 * that: who deploys a service ends, and the service is not to end with it. */
int live_start_task(struct live_task *entry, const struct task *task, const struct live_start *how, struct run **ret) {
        struct run *host = task->run.is_service ? NULL : how->host;
        char name[RUN_NAME_MAX], trigger[RUN_NAME_MAX + 128];
        int r;

        if (is_closed_to(entry) && !how->host)
                return -ESHUTDOWN;
        if (how->host)
                (void)snprintf(trigger, sizeof(trigger), "%s (%s)", run_name(how->host, name), how->by);
        r = start(entry, task, how->host ? trigger : how->by, clock_now(CLOCK_ID_REALTIME), how->resume, host, ret);
        if (r >= 0)
                live_services_wanted(entry->live, &task->run);
        return r;
}

int live_start_as(struct live_task *task, const struct live_start *how, struct run **ret) {
        int r;

        if (!task->task->enabled)
                return -ECANCELED;
        if (task->live->closed && !how->host)
                return -ESHUTDOWN;
        r = how->resume ? -ENOENT : live_service_start(task, how->by, ret);
        return r == -ENOENT ? live_start_task(task, task->task, how, ret) : r;
}

int live_start(struct live_task *task, const char *by, struct run **ret) {
        return live_start_as(task, &(const struct live_start){ .by = by }, ret);
}
