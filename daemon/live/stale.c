/* SPDX-License-Identifier: MIT */
/* stale: tasks that had no ok for as long as stale-after.
 *
 * The time counts from the last ok, or from when the task was first seen. While the daemon lives it is measured on the clock
 * that counts sleep, so nothing depends on the wall clock; what happened before the daemon began is known by wall time
 * alone, and when that clock is set, as it is on machines that have none of their own, it is reckoned anew. What this daemon
 * has seen itself is then given its time by the new clock, for the next daemon. What happened while a clock had never been
 * set is known by nothing, and counts from when this daemon finds it. One timer for each task that has stale-after, and
 * nothing else wakes anybody.
 *
 * A task becomes stale once, also when it is paused: who paused it and forgot it is whom this is for. The next ok ends it,
 * which is an event, but for no hook: on-recover is for tasks that were failing, and they are told of that anyway.
 */
#include "live/live_private.h"

#include "base/text.h"

#include <stdio.h>

struct live_stale {
        struct live_task *entry;
        struct loop_timer timer;
        usec_t first_seen_usec; /* realtime */
        usec_t since_boot_usec; /* unless `remembered`: what it counts from, by the clock that counts sleep */
        bool remembered;        /* what it counts from was before this daemon */
        bool stale;
};

static usec_t since(const struct live_stale *stale) {
        return stale->entry->last_ok_usec > 0 ? stale->entry->last_ok_usec : stale->first_seen_usec;
}

/* ---- telling ---- */

/* "no ok for 1d 2h, the last 1d 3h ago", "no ok since it was first seen 1d 2h ago" */
static void describe(const struct live_stale *stale, char *buf, size_t size) {
        const struct live_task *entry = stale->entry;
        usec_t age = usec_sub(clock_now(CLOCK_ID_REALTIME), since(stale));
        const char *paused_by = live_task_paused_by(entry, NULL);
        char bound[TEXT_USEC_MAX], ago[TEXT_USEC_MAX];

        age -= age % (age >= USEC_PER_SEC ? USEC_PER_SEC : USEC_PER_MSEC);
        (void)snprintf(buf, size, "no ok for %s, %s %s ago%s%s", text_format_usec(entry->task->stale_after_usec, bound),
                       entry->last_ok_usec > 0 ? "the last" : "nor any since it was first seen",
                       text_format_usec(age, ago), paused_by ? "; it is paused by " : "", paused_by ?: "");
}

/* What hooks are given: the last run as it ended, or something in its place. */
static struct result *result_for(const struct live_task *entry) {
        struct result *result;

        if (entry->last)
                return result_ref(entry->last);
        result = result_new(entry->task->run.name, entry->task->run.name);
        if (!result)
                return NULL;
        result->outcome = entry->last_ok_usec > 0 ? OUTCOME_OK : OUTCOME_NEVER_STARTED;
        return result;
}

static void on_stale(struct loop_timer *timer _unused_, void *arg) {
        struct live_stale *stale = arg;
        struct live_task *entry = stale->entry;
        char detail[400], text[420];
        struct result *result;

        stale->stale = true;
        loop_set_subject(entry->live->loop, entry->task->run.name);
        describe(stale, detail, sizeof(detail));
        (void)snprintf(text, sizeof(text), "stale: %s", detail);
        live_emit(entry->live, &(const struct event){ .id = EVENT_STALE, .task = entry->task->run.name, .text = text });
        result = result_for(entry);
        if (result)
                live_fire_hooks(
                        entry->live, &entry->task->on_stale,
                        &(const struct hook_cause){
                                .result = result, .event = "stale", .detail = detail, .whatever_outcome = true });
        result_unref(result);
        live_note(entry);
}

/* ---- counting ---- */

/* Counts what has passed by wall time. A clock that is behind what it was once says nothing. */
static void arm_by_wall(struct live_stale *stale) {
        usec_t from = since(stale), age = from < CLOCK_EPOCH_USEC ? 0 : usec_sub(clock_now(CLOCK_ID_REALTIME), from);

        loop_timer_set(&stale->timer,
                       usec_add(clock_now(CLOCK_ID_BOOTTIME), usec_sub(stale->entry->task->stale_after_usec, age)));
}

void live_stale_ok(struct live_task *entry) {
        struct live_stale *stale = entry->stale;

        if (!stale)
                return;
        stale->remembered = false;
        stale->since_boot_usec = clock_now(CLOCK_ID_BOOTTIME);
        stale->stale = false;
        if (entry->live->triggers)
                loop_timer_set(&stale->timer, usec_add(clock_now(CLOCK_ID_BOOTTIME), entry->task->stale_after_usec));
}

/* What it counts from was seen by this daemon, whose clock was wrong by then. */
static void move(struct live_stale *stale) {
        struct live_task *entry = stale->entry;
        usec_t age = usec_sub(clock_now(CLOCK_ID_BOOTTIME), stale->since_boot_usec),
               usec = usec_sub(clock_now(CLOCK_ID_REALTIME), age);

        if (entry->last_ok_usec > 0) {
                entry->last_ok_usec = usec;
        } else {
                stale->first_seen_usec = usec;
                if (entry->first_seen_usec > 0)
                        entry->first_seen_usec = usec;
        }
        live_note(entry);
}

void live_stale_clock_set(struct live_task *entry) {
        struct live_stale *stale = entry->stale;

        if (!stale)
                return;
        if (!stale->remembered)
                move(stale);
        else if (loop_timer_armed(&stale->timer))
                arm_by_wall(stale);
}

/* ---- its life ---- */

int live_stale_add(struct live_task *entry) {
        struct live_stale *stale;
        int r;

        if (!entry->task->enabled || entry->task->stale_after_usec == USEC_INFINITY)
                return 0;
        stale = calloc(1, sizeof(*stale));
        if (!stale)
                return -ENOMEM;
        r = loop_timer_init(&stale->timer, entry->live->loop, CLOCK_ID_BOOTTIME, "stale-after", on_stale, stale);
        if (r < 0) {
                free(stale);
                return r;
        }
        stale->entry = entry;
        stale->first_seen_usec = clock_now(CLOCK_ID_REALTIME);
        stale->since_boot_usec = clock_now(CLOCK_ID_BOOTTIME);
        entry->stale = stale;
        return 0;
}

int live_stale_init(struct live *live) {
        int r = 0;

        for (size_t i = 0; i < live->n_tasks && r == 0; i++)
                r = live_stale_add(live->tasks[i]);
        return r;
}

void live_stale_remove(struct live_task *entry) {
        if (entry->stale)
                loop_timer_done(&entry->stale->timer);
        free(entry->stale);
        entry->stale = NULL;
}

/* Whether it is not for as long as stale-after says now, as far as the clock knows. */
static bool is_within(const struct live_stale *stale) {
        usec_t now = clock_now(CLOCK_ID_REALTIME);

        return now >= since(stale) && now - since(stale) < stale->entry->task->stale_after_usec;
}

/* One that was stale by a shorter bound is not told again before it is by the present one. */
static void begin(struct live_stale *stale) {
        if (!stale)
                return;
        if (stale->stale && is_within(stale)) {
                stale->stale = false;
                live_note(stale->entry);
        }
        loop_timer_set(&stale->timer, USEC_INFINITY);
        if (!stale->stale)
                arm_by_wall(stale);
}

int live_stale_renew(struct live_task *entry) {
        const struct live_stale *old = entry->stale;
        const bool seen_here = old && !old->remembered;
        const usec_t since_boot_usec = old ? old->since_boot_usec : 0;
        const struct store_task known = {
                .first_seen_usec = old ? old->first_seen_usec : entry->first_seen_usec,
                .stale = old && old->stale,
        };
        int r;

        live_stale_remove(entry);
        r = live_stale_add(entry);
        if (r < 0)
                return r;
        live_stale_restore(entry, &known);
        if (entry->stale && seen_here) {
                entry->stale->remembered = false;
                entry->stale->since_boot_usec = since_boot_usec;
        }
        if (entry->live->triggers && !entry->live->memory.closed)
                begin(entry->stale);
        return 0;
}

void live_stale_restore(struct live_task *entry, const struct store_task *task) {
        if (!entry->stale)
                return;
        entry->stale->remembered = true;
        entry->stale->stale = task->stale;
        if (task->first_seen_usec > 0)
                entry->stale->first_seen_usec = task->first_seen_usec;
}

void live_stale_late(struct live_task *entry, const struct store_task *task) {
        struct live_stale *stale = entry->stale;

        if (!stale)
                return;
        if (task->first_seen_usec > 0)
                stale->first_seen_usec = MIN(stale->first_seen_usec, task->first_seen_usec);
        if (entry->last_ok_usec > task->last_ok_usec) /* it was ok since */
                return;
        stale->remembered = true;
        stale->stale |= task->stale;
        if (entry->live->triggers && !entry->live->memory.closed)
                begin(stale);
}

void live_stale_save(const struct live_task *entry, struct store_task *ret) {
        ret->stale = live_task_is_stale(entry);
}

void live_stale_begin(struct live *live) {
        for (size_t i = 0; i < live->n_tasks; i++)
                begin(live->tasks[i]->stale);
}

void live_stale_done(struct live *live) {
        for (size_t i = 0; i < live->n_tasks; i++)
                live_stale_remove(live->tasks[i]);
}

/* ---- what is asked ---- */

bool live_task_is_stale(const struct live_task *task) {
        return task->stale && task->stale->stale;
}

usec_t live_task_stale_at(const struct live_task *task) {
        const struct live_stale *stale = task->stale;

        if (!stale)
                return USEC_INFINITY;
        if (!loop_timer_armed(&stale->timer))
                return usec_add(since(stale), task->task->stale_after_usec);
        return usec_add(clock_now(CLOCK_ID_REALTIME), usec_sub(stale->timer.at_usec, clock_now(CLOCK_ID_BOOTTIME)));
}
