/* SPDX-License-Identifier: MIT */
/* start: what makes a run begin: a trigger, the daemon's start, an operator.
 *
 * Only triggers look at `overlap`; whoever else starts a run waits for its slot like a member of a group does.
 */
#include "base/log.h"
#include "live/live_private.h"
#include "when/every.h"

#include <stdio.h>
#include <sys/utsname.h>

static int start(struct live_task *entry, const char *trigger, usec_t due, struct run **ret) {
        struct run_start start = {
                .spec = &entry->task->run,
                .number = entry->number + 1,
                .trigger = trigger,
                .due_realtime_usec = due,
        };
        struct event event = { .id = EVENT_RUN_QUEUED, .task = entry->task->run.name };
        char name[RUN_NAME_MAX], text[128];
        struct run *run;
        int r;

        r = run_tree_start(entry->live->tree, &start, &run);
        if (r < 0)
                return r;
        entry->number++;
        entry->running++;
        (void)snprintf(text, sizeof(text), "queued by %s", trigger);
        event.run = run_name(run, name);
        event.text = text;
        live_emit(entry->live, &event);
        *ret = run;
        return 0;
}

void live_count_skip(struct live_task *entry, const char *reason) {
        entry->skipped++;
        free(entry->skip_reason);
        entry->skip_reason = reason ? strdup(reason) : NULL;
}

static void skipped(struct live_task *entry, const char *reason) {
        struct event event = { .id = EVENT_SKIPPED, .task = entry->task->run.name, .text = reason };

        live_count_skip(entry, reason);
        live_emit(entry->live, &event);
        trigger_run_ended(&entry->trigger);
}

/* ---- overlap ---- */

/* A newer run takes the place of the one that waits; not of one whose turn has come and that waits for permits: it would
 * lose its place among those, again and again. */
static void supersede(struct live_task *entry) {
        struct run_waiting waiting = { 0 };

        if (!entry->waiting)
                return;
        run_get_waiting(entry->waiting, &waiting);
        if (waiting.why != WHY_OVERLAP)
                return;
        (void)run_skip(entry->waiting, "overlap: a newer run took its place in the queue");
        entry->waiting = NULL;
}

/* Cancels the runs of the task that are not members of a group. */
static void replace(struct live_task *entry) {
        struct run *run;

        for (run = run_first_child(run_tree_root(entry->live->tree)); run; run = run_next_sibling(run))
                if (run_get_spec(run) == &entry->task->run && !run_is_hook(run))
                        (void)run_cancel(run, CANCEL_REPLACED, "a newer run");
}

/* False: the firing is not followed. */
static bool make_way(struct live_task *entry) {
        switch (entry->task->overlap) {
        case OVERLAP_QUEUE: supersede(entry); return true;
        case OVERLAP_REPLACE: replace(entry); return true;
        default:
                skipped(entry, entry->task->overlap == OVERLAP_ALLOW ? "overlap: as many runs as allowed are at work"
                                                                     : "overlap: the last run is still at work");
                return false;
        }
}

static void fire(struct live_task *entry, const char *trigger, usec_t due_realtime) {
        bool busy = !overlap_is_free(&entry->overlap);
        struct run *run;
        int r;

        if (live_task_stopped_by(entry, NULL)) {
                skipped(entry, "an operator has stopped it, until it is started");
                return;
        }
        if (busy && !make_way(entry))
                return;
        r = start(entry, trigger, due_realtime, &run);
        if (r == -ESHUTDOWN)
                return;
        if (r < 0)
                skipped(entry, "out of memory");
        else if (busy)
                entry->waiting = run;
}

static void on_trigger(struct trigger *trigger _unused_, usec_t due_usec, void *arg) {
        struct live_task *entry = arg;
        usec_t late = usec_sub(clock_now(CLOCK_ID_BOOTTIME), due_usec);

        loop_set_subject(entry->live->loop, entry->task->run.name);
        fire(entry, "every", usec_sub(clock_now(CLOCK_ID_REALTIME), late));
}

static void on_start_work(struct loop_work *work _unused_, void *arg) {
        struct live *live = arg;
        usec_t now = clock_now(CLOCK_ID_REALTIME);

        for (size_t i = 0; i < live->config->n_tasks; i++)
                if (live->tasks[i].task->enabled && live->tasks[i].task->on_start && !live_is_check(&live->tasks[i]))
                        fire(&live->tasks[i], "on-start", now);
}

/* ---- triggers ---- */

static void read_machine_id(char *buf, size_t size) {
        FILE *file = fopen("/etc/machine-id", "re");

        buf[0] = '\0';
        if (!file)
                return;
        if (fgets(buf, (int)size, file))
                buf[strcspn(buf, "\n")] = '\0';
        (void)fclose(file);
}

static int arm(struct live_task *entry, const char *machine_id, const char *host, usec_t now) {
        const struct task *task = entry->task;
        struct trigger_config config = {
                .every_usec = task->every_usec,
                .splay_usec = every_splay(task->splay_usec, machine_id, host, task->run.name),
                .jitter_usec = task->jitter_usec,
                .from_end = task->every_from_end,
                .random = &entry->live->random,
        };
        int r;

        if (task->every_usec == 0 || !task->enabled)
                return 0;
        r = trigger_init(&entry->trigger, entry->live->loop, &config, on_trigger, entry);
        if (r < 0)
                return r;
        if (!live_is_check(entry))
                trigger_arm(&entry->trigger, now);
        return 0;
}

int live_arm_triggers(struct live *live) {
        usec_t now = clock_now(CLOCK_ID_BOOTTIME);
        struct utsname host = { 0 };
        char machine_id[64];

        read_machine_id(machine_id, sizeof(machine_id));
        (void)uname(&host);
        for (size_t i = 0; i < live->config->n_tasks; i++) {
                int r = arm(&live->tasks[i], machine_id, host.nodename, now);
                if (r < 0)
                        return r;
        }
        loop_work_init(&live->start_work, live->loop, "on-start", on_start_work, live);
        loop_work_schedule(&live->start_work);
        return 0;
}

void live_stop_triggers(struct live *live) {
        live->triggers = false;
        if (live->start_work.loop)
                loop_work_cancel(&live->start_work);
        for (size_t i = 0; i < live->config->n_tasks; i++)
                if (live->tasks[i].trigger.timer.loop)
                        trigger_disarm(&live->tasks[i].trigger);
}

/* ---- operators ---- */

int live_start(struct live *live _unused_, struct live_task *task, const char *by, struct run **ret) {
        int r;

        if (!task->task->enabled)
                return -ECANCELED;
        r = live_service_start(task, by, ret);
        if (r != -ENOENT)
                return r;
        return start(task, by, clock_now(CLOCK_ID_REALTIME), ret);
}
