/* SPDX-License-Identifier: MIT */
/* pause_wide: what an operator has paused that is more than a task: limits, and all triggers at once.
 *
 * All triggers are one state beside those of tasks: it holds also for tasks that come later, and a task that is paused
 * itself stays so when this ends. What waits for that, to be caught up or to be looked at, is taken up in slices then.
 *
 * A limit is paused by its name. The pause is kept here, because the limit may go and come back by reloads, and as in
 * between there may be several of the name: those of earlier configurations, for which runs still wait.
 */
#include "live/live_private.h"

#include <stdio.h>

#define RESUMED_PER_TURN 200
#define WHAT_MAX         64

struct limit_pause {
        struct list link; /* in live->limit_pauses */
        struct live_pause *pause;
        char name[];
};

static void put(const struct live *live, const char *what, const struct live_pause *pause) {
        if (live->memory.store)
                store_put_pause(live->memory.store, &(const struct store_pause){
                                                            .what = what,
                                                            .paused_by = pause ? pause->by : NULL,
                                                            .paused_usec = pause ? pause->since_usec : 0,
                                                    });
}

static void tell(struct live *live, enum event_id id, const char *what, const char *by) {
        char text[300];

        (void)snprintf(text, sizeof(text), "%s %s by %.150s", what, id == EVENT_PAUSED ? "paused" : "resumed", by);
        live_emit(live, &(const struct event){ .id = id, .text = text });
}

/* ---- all triggers ---- */

int live_pause_all(struct live *live, const char *by) {
        if (live->pause)
                return -EALREADY;
        live->pause = live_pause_new(by, clock_now(CLOCK_ID_REALTIME));
        if (!live->pause)
                return -ENOMEM;
        loop_work_cancel(&live->resume_work);
        put(live, "all", live->pause);
        tell(live, EVENT_PAUSED, "all triggers", by);
        return 0;
}

int live_resume_all(struct live *live, const char *by) {
        if (!live->pause)
                return -EALREADY;
        free(live->pause);
        live->pause = NULL;
        put(live, "all", NULL);
        tell(live, EVENT_RESUMED, "all triggers", by);
        live->resume_next = 0;
        loop_work_schedule(&live->resume_work);
        return 0;
}

const char *live_paused_by(const struct live *live, usec_t *ret_usec) {
        if (!live->pause)
                return NULL;
        if (ret_usec)
                *ret_usec = live->pause->since_usec;
        return live->pause->by;
}

static void on_resume_work(struct loop_work *work, void *arg) {
        struct live *live = arg;
        size_t end = MIN(live->n_tasks, live->resume_next + RESUMED_PER_TURN);

        for (; live->resume_next < end; live->resume_next++)
                if (!live->tasks[live->resume_next]->pause)
                        live_take_up(live->tasks[live->resume_next]);
        if (live->resume_next < live->n_tasks)
                loop_work_schedule(work);
}

/* ---- limits ---- */

struct marking {
        const char *name;
        const struct live_pause *pause;
        int result;
};

static int mark(struct limit *limit, void *userdata) {
        struct marking *marking = userdata;
        const struct live_pause *pause = marking->pause;

        if (streq(limit_name(limit), marking->name))
                marking->result = limit_set_pause(limit, pause ? pause->by : NULL, pause ? pause->since_usec : 0);
        return marking->result;
}

/* All limits of that name. */
static int mark_limits(struct live *live, const char *name, const struct live_pause *pause) {
        struct marking marking = { name, pause, 0 };

        return limits_for_each(run_tree_limits(live->tree), mark, &marking);
}

static struct limit_pause *find(const struct live *live, const char *name) {
        struct limit_pause *item;

        list_for_each_entry(item, &live->limit_pauses, link)
                if (streq(item->name, name))
                        return item;
        return NULL;
}

static void drop(struct limit_pause *item) {
        list_remove(&item->link);
        free(item->pause);
        free(item);
}

static int keep(struct live *live, const char *name, const char *by, usec_t since_usec) {
        size_t size = strlen(name) + 1;
        struct limit_pause *item = malloc(sizeof(*item) + size);
        int r;

        if (!item)
                return -ENOMEM;
        memcpy(item->name, name, size);
        list_append(&live->limit_pauses, &item->link);
        item->pause = live_pause_new(by, since_usec);
        r = item->pause ? mark_limits(live, name, item->pause) : -ENOMEM;
        if (r < 0) {
                (void)mark_limits(live, name, NULL);
                drop(item);
        }
        return r;
}

/* "limit db". Returns @buf. */
static const char *describe(const char *name, char buf[WHAT_MAX]) {
        (void)snprintf(buf, WHAT_MAX, "limit %s", name);
        return buf;
}

int live_pause_limit(struct live *live, const char *name, const char *by) {
        char what[WHAT_MAX];
        int r;

        if (find(live, name))
                return -EALREADY;
        if (!live_find_limit(live, name))
                return -ENOENT;
        r = keep(live, name, by, clock_now(CLOCK_ID_REALTIME));
        if (r < 0)
                return r;
        put(live, describe(name, what), find(live, name)->pause);
        tell(live, EVENT_PAUSED, what, by);
        return 0;
}

int live_resume_limit(struct live *live, const char *name, const char *by) {
        struct limit_pause *item = find(live, name);
        char what[WHAT_MAX];

        if (!item)
                return live_find_limit(live, name) ? -EALREADY : -ENOENT;
        (void)mark_limits(live, name, NULL);
        put(live, describe(name, what), NULL);
        tell(live, EVENT_RESUMED, what, by);
        drop(item);
        return 0;
}

size_t live_n_limit_pauses(const struct live *live) {
        const struct limit_pause *item;
        size_t n = 0;

        list_for_each_entry(item, &live->limit_pauses, link)
                n++;
        return n;
}

const char *live_limit_pause_at(const struct live *live, size_t index, const char **ret_by, usec_t *ret_usec) {
        const struct limit_pause *item;

        list_for_each_entry(item, &live->limit_pauses, link) {
                if (index-- > 0)
                        continue;
                *ret_by = item->pause->by;
                *ret_usec = item->pause->since_usec;
                return item->name;
        }
        return NULL;
}

int live_limit_made(const struct live *live, struct limit *limit) {
        const struct limit_pause *item = find(live, limit_name(limit));

        return item ? limit_set_pause(limit, item->pause->by, item->pause->since_usec) : 0;
}

/* ---- what is remembered ---- */

int live_pause_restore(struct live *live, const struct store_pause *pause) {
        if (streq(pause->what, "all")) {
                if (!live->pause)
                        live->pause = live_pause_new(pause->paused_by, pause->paused_usec);
                return live->pause ? 0 : -ENOMEM;
        }
        if (strncmp(pause->what, "limit ", strlen("limit ")) != 0 || find(live, pause->what + strlen("limit ")))
                return 0;
        return keep(live, pause->what + strlen("limit "), pause->paused_by, pause->paused_usec);
}

void live_pauses_put(struct live *live) {
        const struct limit_pause *item;
        char what[WHAT_MAX];

        if (live->pause)
                put(live, "all", live->pause);
        list_for_each_entry(item, &live->limit_pauses, link)
                put(live, describe(item->name, what), item->pause);
}

void live_pauses_init(struct live *live) {
        list_init(&live->limit_pauses);
        loop_work_init(&live->resume_work, live->loop, "resume", on_resume_work, live);
}

void live_pauses_done(struct live *live) {
        struct limit_pause *item, *tmp;

        if (live->resume_work.loop)
                loop_work_cancel(&live->resume_work);
        list_for_each_entry_safe(item, tmp, &live->limit_pauses, link)
                drop(item);
        free(live->pause);
        live->pause = NULL;
}
