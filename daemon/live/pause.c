/* SPDX-License-Identifier: MIT */
/* pause: tasks that an operator does not want to be started by triggers.
 *
 * Triggers go on to be due, and what is due while a task is paused is accounted for as not run. What waits to be caught up
 * goes on waiting. Files that arrive meanwhile are found when it ends, and services that it has kept down at the daemon's start
 * are started then: they are meant to be up, which is no matter of when.
 */
#include "live/live_private.h"

#include <stdio.h>

struct live_pause *live_pause_new(const char *by, usec_t since_usec) {
        size_t size = strlen(by) + 1;
        struct live_pause *pause = malloc(sizeof(*pause) + size);

        if (!pause)
                return NULL;
        pause->since_usec = since_usec;
        memcpy(pause->by, by, size);
        return pause;
}

int live_set_pause(struct live_task *entry, const char *by, usec_t since_usec) {
        struct live_pause *pause = live_pause_new(by, since_usec);

        if (!pause)
                return -ENOMEM;
        free(entry->pause);
        entry->pause = pause;
        return 0;
}

static void tell(struct live_task *task, enum event_id id, const char *what, const char *by) {
        char text[200];

        (void)snprintf(text, sizeof(text), "%s by %.150s", what, by);
        live_emit(task->live, &(const struct event){ .id = id, .task = task->task->run.name, .text = text });
        live_note(task);
}

int live_pause(struct live_task *task, const char *by) {
        int r;

        if (task->pause)
                return -EALREADY;
        r = live_set_pause(task, by, clock_now(CLOCK_ID_REALTIME));
        if (r < 0)
                return r;
        tell(task, EVENT_PAUSED, "paused", by);
        return 0;
}

void live_take_up(struct live_task *task) {
        live_service_resumed(task);
        if (task->trigger.schedule.backlog)
                live_catch_up(task);
        if (task->watch)
                watch_rescan(task->watch);
}

int live_resume(struct live_task *task, const char *by) {
        if (!task->pause)
                return -EALREADY;
        if (task->trigger.ops && !task->unarmed) /* what is due by now was due while it was paused */
                trigger_check(&task->trigger);
        free(task->pause);
        task->pause = NULL;
        tell(task, EVENT_RESUMED, "resumed", by);
        if (!task->live->pause)
                live_take_up(task);
        return 0;
}

const char *live_task_paused_by(const struct live_task *task, usec_t *ret_usec) {
        if (!task->pause)
                return live_paused_by(task->live, ret_usec);
        if (ret_usec)
                *ret_usec = task->pause->since_usec;
        return task->pause->by;
}

bool live_task_is_paused_itself(const struct live_task *task) {
        return task->pause != NULL;
}
