/* SPDX-License-Identifier: MIT */
/* schedule: fires what is due by time, and accounts for what is not run.
 *
 * Each task that time starts has a trigger, which decides what is due (when/schedule.c). It is asked what it must remember
 * each time that something was decided, and this is noted together with the run that was made of it, which does not
 * begin before both are in the store: so what a dead daemon had started is known to have been due, and what it had not is
 * due again.
 *
 * When the clock jumps, the timers follow by themselves, but what is next may be another thing: all calendars look again, in
 * slices. `every` does not care, but its anchor is remembered as wall time, and is noted anew.
 */
#include "live/live_private.h"
#include "when/every.h"

#include "base/text.h"

#include <stdio.h>
#include <time.h>

/* How long after a jump or a sleep what is late is so because of that. */
#define GAP_USEC USEC_PER_MINUTE

/* Triggers that look again in one turn, after the clock was set. */
#define CHECKS_PER_TURN 200

/* A check counts from when its service is ready, each time anew. */
static bool has_memory(const struct live_task *entry) {
        return entry->trigger.ops && !live_is_check(entry);
}

/* ---- why ---- */

/* A clock that advanced more than another one, since somebody looked last, tells what has happened. Of a sleep and a jump,
 * together or one soon after the other, the longer one is the reason: after a sleep the clock is often set by a little. */
static void look_at_clocks(struct live *live) {
        struct live_clocks *last = &live->clocks, now;

        now.monotonic_usec = clock_now(CLOCK_ID_MONOTONIC);
        now.boot_usec = clock_now(CLOCK_ID_BOOTTIME);
        now.wall_usec = clock_now(CLOCK_ID_REALTIME);
        now.until_usec = last->until_usec;
        now.gap_usec = now.monotonic_usec < last->until_usec ? last->gap_usec : 0;
        now.why = now.gap_usec > 0 ? last->why : MISSED_LATE;
        if (last->monotonic_usec > 0) {
                int64_t slept = (int64_t)(now.boot_usec - last->boot_usec) -
                                (int64_t)(now.monotonic_usec - last->monotonic_usec);
                int64_t jumped =
                        (int64_t)(now.wall_usec - last->wall_usec) - (int64_t)(now.boot_usec - last->boot_usec);

                if (MAX(slept, jumped) > (int64_t)MAX(USEC_PER_SEC, now.gap_usec)) {
                        now.why = jumped > slept ? MISSED_CLOCK : MISSED_ASLEEP;
                        now.gap_usec = (usec_t)MAX(slept, jumped);
                        now.until_usec = usec_add(now.monotonic_usec, GAP_USEC);
                }
        }
        *last = now;
}

static void look(struct schedule_now *now, void *arg) {
        struct live_task *entry = arg;
        struct live *live = entry->live;

        look_at_clocks(live);
        now->start = live->starting;
        now->paused = live_is_paused(entry);
        now->why = live->starting ? MISSED_DOWN : live->clocks.why;
}

/* ---- what is decided ---- */

void live_set_last_due(struct live_task *entry, usec_t due_usec, uint64_t number, const char *what) {
        free(entry->last_due_what);
        entry->last_due_what = what ? strdup(what) : NULL;
        entry->last_due_number = number;
        entry->last_due_usec = due_usec;
        live_note(entry);
}

static void fire(const struct schedule_due *due, void *arg) {
        struct live_task *entry = arg;

        loop_set_subject(entry->live->loop, entry->task->run.name);
        live_fire(entry, due->trigger, due->due_usec);
}

static const char *when(usec_t usec, char buf[32]) {
        time_t secs = (time_t)(usec / USEC_PER_SEC);
        struct tm tm;

        if (!gmtime_r(&secs, &tm) || strftime(buf, 32, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
                (void)snprintf(buf, 32, "@%llu", (unsigned long long)secs);
        return buf;
}

/* "3 occurrences of calendar, from 2026-11-28 02:30:00Z to …, were not run: down: catch-up = none" */
static void tell_missed(struct live *live, const char *task, const struct schedule_missed *missed) {
        const char *why = missed_why_to_string(missed->why);
        char text[400], first[32], last[32], detail[200] = "";

        if (missed->detail)
                (void)snprintf(detail, sizeof(detail), ": %s", missed->detail);
        if (missed->n == 1)
                (void)snprintf(text, sizeof(text), "was due by %s at %s and was not run: %s%s", missed->trigger,
                               when(missed->first_usec, first), why, detail);
        else
                (void)snprintf(text, sizeof(text), "was due by %s %llu times from %s to %s and was not run: %s%s",
                               missed->trigger, (unsigned long long)missed->n, when(missed->first_usec, first),
                               when(missed->last_usec, last), why, detail);
        live_emit(live, &(const struct event){ .id = EVENT_MISSED, .task = task, .text = text, .n = missed->n });
}

static void set_last_missed(struct live_task *entry, const struct schedule_missed *missed) {
        char what[64];

        if (missed->last_usec >= entry->last_due_usec && missed->last_usec <= clock_now(CLOCK_ID_REALTIME)) {
                (void)snprintf(what, sizeof(what), "not run: %s", missed_why_to_string(missed->why));
                live_set_last_due(entry, missed->last_usec, 0, what);
        }
        live_note(entry);
}

void live_missed(struct live *live, const char *task, const struct schedule_missed *missed) {
        struct live_task *entry = live_find(live, task);

        live_note_missed(live, &(const struct store_missed){
                                       .task = task,
                                       .first_due_usec = missed->first_usec,
                                       .last_due_usec = missed->last_usec,
                                       .n = missed->n,
                                       .trigger = missed->trigger,
                                       .reason = missed_why_to_string(missed->why),
                                       .detail = missed->detail,
                                       .at_usec = clock_now(CLOCK_ID_REALTIME),
                               });
        if (entry)
                set_last_missed(entry, missed);
        tell_missed(live, task, missed);
}

static void missed(const struct schedule_missed *missed, void *arg) {
        const struct live_task *entry = arg;

        live_missed(entry->live, entry->task->run.name, missed);
}

static void not_missed(usec_t due_usec, void *arg) {
        struct live_task *entry = arg;

        if (entry->live->memory.store)
                store_put_not_missed(entry->live->memory.store, entry->task->run.name, due_usec);
}

static void decided(void *arg) {
        struct live_task *entry = arg;

        if (!entry->trigger.schedule.backlog)
                return;
        live_note(entry); /* that it waits: the next configuration may not have the task any more */
        live_catch_up(entry);
}

static const struct trigger_ops trigger_ops = {
        .fire = fire,
        .missed = missed,
        .not_missed = not_missed,
        .look = look,
        .decided = decided,
};

/* ---- the clock is set ---- */

static void on_check(struct loop_work *work, void *arg) {
        struct live *live = arg;

        for (unsigned n = 0; n < CHECKS_PER_TURN && live->check_next < live->n_tasks; live->check_next++) {
                struct live_task *entry = live->tasks[live->check_next];

                live_stale_clock_set(entry);
                if (!entry->trigger.ops || !entry->trigger.schedule.armed || entry->unarmed)
                        continue;
                loop_set_subject(live->loop, entry->task->run.name);
                trigger_check(&entry->trigger);
                if (has_memory(entry))
                        live_note(entry);
                n++;
        }
        if (live->check_next < live->n_tasks)
                loop_work_schedule(work);
}

static int64_t wall_less_boot(void) {
        return (int64_t)(clock_now(CLOCK_ID_REALTIME) - clock_now(CLOCK_ID_BOOTTIME));
}

static void on_clock_set(void *arg) {
        struct live *live = arg;
        int64_t jumped = wall_less_boot() - live->wall_less_boot_usec;
        usec_t by = (usec_t)(jumped < 0 ? -jumped : jumped);
        char text[100], span[TEXT_USEC_MAX];

        live->wall_less_boot_usec += jumped;
        if (by >= USEC_PER_SEC) {
                (void)snprintf(text, sizeof(text), "the wall clock was set %s by %s", jumped < 0 ? "back" : "forward",
                               text_format_usec(by - by % USEC_PER_SEC, span));
                live_emit(live, &(const struct event){ .id = EVENT_CLOCK_SET, .text = text });
        }
        live->check_next = 0;
        loop_work_schedule(&live->check_work);
}

/* ---- zones change ---- */

void live_schedule_set_zone(struct live_task *entry, size_t index, struct zone *zone) {
        struct schedule_now now;

        if (!entry->trigger.ops)
                return;
        trigger_look(&entry->trigger, &now);
        schedule_set_zone(&entry->trigger.schedule, index, zone, &now);
        if (!entry->trigger.schedule.armed || entry->unarmed)
                return;
        trigger_check(&entry->trigger);
        if (has_memory(entry))
                live_note(entry);
}

/* ---- set-up ---- */

static void read_word(const char *path, char *buf, size_t size) {
        FILE *file = fopen(path, "re");

        buf[0] = '\0';
        if (!file)
                return;
        if (fgets(buf, (int)size, file))
                buf[strcspn(buf, "\n")] = '\0';
        (void)fclose(file);
}

static void add_calendars(struct schedule_config *config, struct schedule_calendar *calendars,
                          const struct task_calendar *items, size_t n_items, const char *trigger, bool zone_named) {
        for (size_t i = 0; i < n_items; i++)
                calendars[config->n_calendars++] = (struct schedule_calendar){
                        .calendar = items[i].calendar,
                        .zone = items[i].zone,
                        .trigger = trigger,
                        .own_zone = !zone_named && !calendar_zone_name(items[i].calendar),
                };
}

int live_schedule_add(struct live_task *entry) {
        struct live *live = entry->live;
        const struct task *task = entry->task;
        const struct when_part *part = task->when;
        size_t n = part ? part->n_calendars + part->n_crons : 0;
        bool zone_named = task->timezone || live->config->daemon.timezone;
        _cleanup_(freep) struct schedule_calendar *calendars = NULL;
        struct schedule_config config = {
                .every_usec = task->every_usec,
                .from_end = task->every_from_end,
                .splay_usec = every_splay(task->splay_usec, live->machine_id, live->host.nodename, task->run.name),
                .jitter_usec = task->jitter_usec,
                .catch_up = task->catch_up,
                .catch_up_max = task->catch_up_max,
                .catch_up_within_usec = task->catch_up_within_usec,
                .random = &live->random,
        };

        entry->unarmed = true;
        if ((task->every_usec == 0 && n == 0) || !task->enabled)
                return 0;
        if (n > 0) {
                calendars = calloc(n, sizeof(*calendars));
                if (!calendars)
                        return -ENOMEM;
                add_calendars(&config, calendars, part->calendars, part->n_calendars, "calendar", zone_named);
                add_calendars(&config, calendars, part->crons, part->n_crons, "cron", zone_named);
                config.calendars = calendars;
        }
        return trigger_init(&entry->trigger, live->loop, &config, &trigger_ops, entry);
}

void live_schedule_arm(struct live_task *entry) {
        entry->unarmed = false;
        if (!has_memory(entry))
                return;
        if (entry->begins_anew)
                live_note(entry);
        entry->begins_anew = false;
        if (!entry->trigger.schedule.armed) /* it is new */
                trigger_arm(&entry->trigger);
        trigger_check(&entry->trigger);
}

/* Why what waits of it is not caught up. */
static const char *why_no_more(const struct live_task *entry) {
        return entry->task->enabled ? "nothing starts the task by time any more" : "the task is not enabled any more";
}

void live_schedule_remove(struct live_task *entry) {
        live_catch_up_forget(entry);
        trigger_done(&entry->trigger);
        entry->trigger = (struct trigger){ 0 };
}

void live_schedule_begin(struct live_task *entry) {
        if (entry->live->triggers && !entry->live->memory.closed)
                live_schedule_arm(entry);
}

void live_schedule_give_up(struct live_task *entry, const char *detail) {
        struct store_task saved = { 0 };

        if (!entry->trigger.ops || !entry->trigger.schedule.backlog)
                return;
        live_schedule_save(entry, &saved);
        live_give_up_saved(entry->live, entry->task->run.name, saved.fired, detail);
}

int live_schedule_renew(struct live_task *entry) {
        struct live *live = entry->live;
        struct schedule_memory memory;
        char digest[SCHEDULE_DIGEST_MAX];
        bool known = has_memory(entry) && entry->trigger.schedule.begun;
        struct schedule_now now;
        int r = 0;

        if (known) {
                trigger_look(&entry->trigger, &now);
                r = schedule_save(&entry->trigger.schedule, &now, &memory, &live->saved, &live->saved_size);
                memory.digest = schedule_digest(&entry->trigger.schedule, digest);
                memory.boot_id = live->boot_id;
        }
        live_schedule_remove(entry);
        if (r == 0)
                r = live_schedule_add(entry);
        if (r == 0 && known && has_memory(entry)) {
                trigger_look(&entry->trigger, &now);
                r = schedule_restore(&entry->trigger.schedule, &memory, live->boot_id, &now);
        } else if (known)
                live_give_up_saved(live, entry->task->run.name, memory.fired, why_no_more(entry));
        if (r == 0)
                live_schedule_begin(entry);
        return r;
}

int live_schedules_init(struct live *live) {
        int r;

        read_word("/etc/machine-id", live->machine_id, sizeof(live->machine_id));
        read_word("/proc/sys/kernel/random/boot_id", live->boot_id, sizeof(live->boot_id));
        (void)uname(&live->host);
        loop_work_init(&live->check_work, live->loop, "clock-set", on_check, live);
        look_at_clocks(live);
        live->wall_less_boot_usec = wall_less_boot();
        for (size_t i = 0; i < live->n_tasks; i++) {
                r = live_schedule_add(live->tasks[i]);
                if (r < 0)
                        return r;
        }
        r = loop_on_clock_set(live->loop, on_clock_set, live);
        return r < 0 ? r : live_catch_ups_init(live);
}

void live_schedules_done(struct live *live) {
        (void)loop_on_clock_set(live->loop, NULL, NULL);
        loop_work_cancel(&live->check_work);
        for (size_t i = 0; i < live->n_tasks; i++)
                live_schedule_remove(live->tasks[i]);
        live_catch_ups_done(live);
        free(live->saved);
}

/* ---- what is remembered ---- */

int live_schedule_restore(struct live_task *entry, const struct store_task *task) {
        struct schedule_memory memory = {
                .digest = task->schedule,
                .anchor_usec = task->every_anchor_usec,
                .boot_id = task->every_boot_id,
                .anchor_boot_usec = (int64_t)task->every_anchor_boot_usec,
                .accounted_usec = task->accounted_usec,
                .fired = task->fired,
        };
        char digest[SCHEDULE_DIGEST_MAX];
        struct schedule_now now;

        entry->last_due_usec = task->last_due_usec;
        free(entry->last_due_what);
        entry->last_due_what = task->last_due_what ? strdup(task->last_due_what) : NULL;
        if (task->paused_by && live_set_pause(entry, task->paused_by, task->paused_usec) < 0)
                return -ENOMEM;
        if (!has_memory(entry)) {
                /* When it is enabled again, it has missed nothing meanwhile. */
                return task->schedule ? live_drop_later(entry->live, task, why_no_more(entry)) : 0;
        }
        trigger_look(&entry->trigger, &now);
        now.start = true;
        if (!memory.digest || !streq(memory.digest, schedule_digest(&entry->trigger.schedule, digest)))
                entry->begins_anew = true;
        return schedule_restore(&entry->trigger.schedule, &memory, entry->live->boot_id, &now);
}

int live_schedule_late(struct live_task *entry, const struct store_task *task) {
        if (entry->last_due_usec == 0 && task->last_due_usec > 0)
                live_set_last_due(entry, task->last_due_usec, 0, task->last_due_what);
        if (schedule_has_saved_backlog(task->fired) &&
            live_drop_later(entry->live, task, "the store could not be read before") < 0)
                return -ENOMEM;
        if (entry->pause || !task->paused_by)
                return 0;
        return live_set_pause(entry, task->paused_by, task->paused_usec);
}

void live_schedule_ran(struct live_task *entry, const char *trigger, usec_t due_usec) {
        struct schedule_due due = { .due_usec = due_usec, .trigger = trigger };
        struct schedule_now now;

        if (!has_memory(entry) || !entry->trigger.schedule.armed)
                return;
        trigger_look(&entry->trigger, &now);
        now.start = true;
        schedule_mark_fired(&entry->trigger.schedule, &due, &now);
}

void live_schedule_save(const struct live_task *entry, struct store_task *ret) {
        struct live *live = entry->live;
        struct schedule_memory memory;
        struct schedule_now now;

        ret->last_due_usec = live_task_last_due(entry, &ret->last_due_what);
        if (entry->pause)
                ret->paused_by = live_task_paused_by(entry, &ret->paused_usec);
        if (!has_memory(entry) || !entry->trigger.schedule.begun) /* also when it is disarmed, at the daemon's end */
                return;
        trigger_look(&entry->trigger, &now);
        (void)schedule_save(&entry->trigger.schedule, &now, &memory, &live->saved, &live->saved_size);
        ret->schedule = schedule_digest(&entry->trigger.schedule, live->saved_digest);
        ret->every_anchor_usec = memory.anchor_usec;
        ret->every_boot_id = live->boot_id;
        ret->every_anchor_boot_usec = (usec_t)memory.anchor_boot_usec;
        ret->accounted_usec = memory.accounted_usec;
        ret->fired = memory.fired;
}

/* ---- stop ---- */

void live_stop_triggers(struct live *live) {
        live->triggers = false;
        live_startup_done(live);
        for (size_t i = 0; i < live->n_tasks; i++)
                if (live->tasks[i]->trigger.ops)
                        trigger_disarm(&live->tasks[i]->trigger);
        live_watches_end(live);
}

/* ---- what is due ---- */

unsigned live_next_occurrences(const struct live_task *task, struct live_due *ret, unsigned n) {
        struct schedule_cursor cursor;
        struct schedule_now now;
        unsigned k = 0;

        if (!task->trigger.ops || live_task_is_starting(task))
                return 0;
        trigger_look(&task->trigger, &now);
        schedule_cursor_init(&task->trigger.schedule, &cursor);
        while (k < n) {
                struct schedule_due due;

                if (!schedule_cursor_next(&task->trigger.schedule, &cursor, &now, &due, &ret[k].at_usec))
                        break;
                ret[k].due_usec = due.due_usec;
                ret[k++].trigger = due.trigger;
        }
        return k;
}

bool live_task_is_starting(const struct live_task *task) {
        return task->unarmed && task->live->triggers && has_memory(task);
}

usec_t live_task_next(const struct live_task *task) {
        return task->trigger.ops && !live_task_is_starting(task) ? trigger_fires_at(&task->trigger) : USEC_INFINITY;
}

usec_t live_task_last_due(const struct live_task *task, const char **ret_what) {
        struct live *live = task->live;

        *ret_what = task->last_due_what;
        if (task->last_due_number > 0) {
                (void)snprintf(live->last_due_what, sizeof(live->last_due_what), "ran as %s#%llu", task->task->run.name,
                               (unsigned long long)task->last_due_number);
                *ret_what = live->last_due_what;
        }
        return task->last_due_usec;
}
