/* SPDX-License-Identifier: MIT */
/* schedule: fires what is due by time, and keeps what is paused. */
#include "live/live_private.h"
#include "when/every.h"

#include <stdio.h>
#include <sys/utsname.h>

/* ---- triggers ---- */

static void on_trigger(struct trigger *trigger _unused_, usec_t due_usec, void *arg) {
        struct live_task *entry = arg;
        usec_t late = usec_sub(clock_now(CLOCK_ID_BOOTTIME), due_usec);

        loop_set_subject(entry->live->loop, entry->task->run.name);
        live_fire(entry, "every", usec_sub(clock_now(CLOCK_ID_REALTIME), late));
}

static void read_machine_id(char *buf, size_t size) {
        FILE *file = fopen("/etc/machine-id", "re");

        buf[0] = '\0';
        if (!file)
                return;
        if (fgets(buf, (int)size, file))
                buf[strcspn(buf, "\n")] = '\0';
        (void)fclose(file);
}

static int init(struct live_task *entry, const char *machine_id, const char *host) {
        const struct task *task = entry->task;
        struct trigger_config config = {
                .every_usec = task->every_usec,
                .splay_usec = every_splay(task->splay_usec, machine_id, host, task->run.name),
                .jitter_usec = task->jitter_usec,
                .from_end = task->every_from_end,
                .random = &entry->live->random,
        };

        if (task->every_usec == 0 || !task->enabled)
                return 0;
        return trigger_init(&entry->trigger, entry->live->loop, &config, on_trigger, entry);
}

int live_schedules_init(struct live *live) {
        struct utsname host = { 0 };
        char machine_id[64];

        read_machine_id(machine_id, sizeof(machine_id));
        (void)uname(&host);
        for (size_t i = 0; i < live->config->n_tasks; i++) {
                int r = init(&live->tasks[i], machine_id, host.nodename);
                if (r < 0)
                        return r;
        }
        return 0;
}

void live_schedules_done(struct live *live) {
        for (size_t i = 0; live->tasks && i < live->config->n_tasks; i++) {
                trigger_done(&live->tasks[i].trigger);
                free(live->tasks[i].pause);
                free(live->tasks[i].last_due_what);
        }
}

int live_schedule_restore(struct live_task *entry _unused_, const struct store_task *task _unused_) {
        return 0;
}

void live_schedule_ran(struct live_task *entry _unused_, const char *trigger _unused_, usec_t due_usec _unused_) {
}

void live_schedule_save(const struct live_task *entry, struct store_task *ret) {
        ret->last_due_usec = entry->last_due_usec;
        ret->last_due_what = entry->last_due_what;
        ret->paused_by = live_task_paused_by(entry, &ret->paused_usec);
}

int live_arm_triggers(struct live *live) {
        usec_t now = clock_now(CLOCK_ID_BOOTTIME);

        for (size_t i = 0; i < live->config->n_tasks; i++)
                if (live->tasks[i].trigger.timer.loop && !live_is_check(&live->tasks[i]))
                        trigger_arm(&live->tasks[i].trigger, now);
        live_start_on_start(live);
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

/* ---- what is due ---- */

usec_t live_task_next(const struct live_task *task) {
        usec_t at = task->trigger.timer.loop ? trigger_fires_at(&task->trigger) : USEC_INFINITY;

        if (at == USEC_INFINITY)
                return at;
        return usec_add(clock_now(CLOCK_ID_REALTIME), usec_sub(at, clock_now(CLOCK_ID_BOOTTIME)));
}

unsigned live_next_occurrences(const struct live_task *task, struct live_due *ret, unsigned n) {
        usec_t at = live_task_next(task);

        if (n == 0 || at == USEC_INFINITY)
                return 0;
        ret[0] = (struct live_due){ .due_usec = at, .at_usec = at, .trigger = "every" };
        return 1;
}

usec_t live_task_last_due(const struct live_task *task, const char **ret_what) {
        *ret_what = task->last_due_what;
        return task->last_due_usec;
}

/* ---- paused ---- */

static void tell(struct live_task *task, enum event_id id, const char *what, const char *by) {
        char text[200];

        (void)snprintf(text, sizeof(text), "%s by %.150s", what, by);
        live_emit(task->live, &(const struct event){ .id = id, .task = task->task->run.name, .text = text });
        live_note(task);
}

int live_pause(struct live_task *task, const char *by) {
        struct live_pause *pause;

        if (task->pause)
                return -EALREADY;
        pause = malloc(sizeof(*pause) + strlen(by) + 1);
        if (!pause)
                return -ENOMEM;
        pause->since_usec = clock_now(CLOCK_ID_REALTIME);
        memcpy(pause->by, by, strlen(by) + 1);
        task->pause = pause;
        tell(task, EVENT_PAUSED, "paused", by);
        return 0;
}

int live_resume(struct live_task *task, const char *by) {
        if (!task->pause)
                return -EALREADY;
        free(task->pause);
        task->pause = NULL;
        tell(task, EVENT_RESUMED, "resumed", by);
        return 0;
}

const char *live_task_paused_by(const struct live_task *task, usec_t *ret_usec) {
        if (!task->pause)
                return NULL;
        if (ret_usec)
                *ret_usec = task->pause->since_usec;
        return task->pause->by;
}
