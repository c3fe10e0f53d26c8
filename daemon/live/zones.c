/* SPDX-License-Identifier: MIT */
/* zones: follows the files of the time zones that calendars are read in.
 *
 * A government decides, the distribution ships new files, and a daemon that runs for months must be right after that. So the
 * files of each zone in use are watched, and those of the machine's own both /etc/localtime and what it leads to. One that
 * changed is read again on a thread. If it tells another time than before, all calendars in it get the new zone, in slices,
 * and are planned anew; what cannot be read changes nothing but is told.
 *
 * The configuration loads a zone once for all calendars, and so do we: `of` says of each calendar, in the order of tasks, and of a
 * task its `calendar` before its `cron`, which of the zones it is in. That does not change while the zones themselves do.
 */
#include "live/live_private.h"

#include "base/log.h"
#include "loop/pool.h"
#include "loop/watch.h"

#include <stdio.h>

/* An upgrade replaces some hundred files. */
#define SETTLE_USEC USEC_PER_SEC

#define QUEUE_MAX 10000

/* Tasks with calendars that are given zones in one turn. */
#define TASKS_PER_TURN 200

struct zone_load;

struct live_zone {
        struct live_zones *zones;
        char *name;             /* NULL: the machine's own */
        struct zone *zone;      /* as it was read last */
        struct watch *watch;    /* NULL: it comes from no file, or cannot be watched */
        struct zone_load *load; /* under way, or NULL */
        bool again;             /* it changed since that began */
};

struct live_zones {
        struct live *live;
        struct pool *pool;
        struct live_zone *items;
        size_t n;
        unsigned *of;
        size_t n_of;
        struct loop_work work; /* calendars get zones */
        size_t next_task;      /* to look at, and … */
        size_t next_of;        /* … its first calendar */
};

/* Owned by the job. */
struct zone_load {
        struct live_zone *item; /* whose job it is, until that is abandoned */
        struct pool_job *job;
        char *name;
        struct zone *zone;
        int error;
};

static const char *name_of(const struct live_zone *item) {
        return item->name ?: "of this machine";
}

/* ---- calendars get their zones ---- */

static size_t n_calendars(const struct task *task) {
        return task->when ? task->when->n_calendars + task->when->n_crons : 0;
}

static struct task_calendar *calendar_at(const struct task *task, size_t i) {
        return i < task->when->n_calendars ? &task->when->calendars[i]
                                           : &task->when->crons[i - task->when->n_calendars];
}

static void update_task(struct live_zones *zones, struct live_task *entry, const unsigned *of) {
        for (size_t i = 0; i < n_calendars(entry->task); i++) {
                struct task_calendar *calendar = calendar_at(entry->task, i);
                struct zone *zone = zones->items[of[i]].zone;

                if (calendar->zone == zone)
                        continue;
                zone_unref(calendar->zone);
                calendar->zone = zone_ref(zone);
                live_schedule_set_zone(entry, i, zone);
        }
}

static void on_update(struct loop_work *work, void *arg) {
        struct live_zones *zones = arg;
        struct live *live = zones->live;

        for (unsigned n = 0; n < TASKS_PER_TURN && zones->next_of < zones->n_of; zones->next_task++) {
                struct live_task *entry = live->tasks[zones->next_task];

                if (n_calendars(entry->task) == 0)
                        continue;
                loop_set_subject(live->loop, entry->task->run.name);
                update_task(zones, entry, &zones->of[zones->next_of]);
                zones->next_of += n_calendars(entry->task);
                n++;
        }
        if (zones->next_of < zones->n_of)
                loop_work_schedule(work);
}

/* ---- a zone has changed ---- */

static void watch_files(struct live_zone *item);

static bool same_paths(const struct zone *a, const struct zone *b) {
        const char *const *of_a = zone_paths(a), *const *of_b = zone_paths(b);

        while (*of_a && *of_b && streq(*of_a, *of_b)) {
                of_a++;
                of_b++;
        }
        return !*of_a && !*of_b;
}

static void tell_changed(struct live_zone *item, const struct zone *old) {
        char text[200], now[ZONE_NAME_MAX + 16] = "";

        if (!streq(zone_name(old), zone_name(item->zone)))
                (void)snprintf(now, sizeof(now), ": it is %s now", zone_name(item->zone));
        (void)snprintf(text, sizeof(text), "the time zone %s has changed%s; calendars follow it", name_of(item), now);
        live_emit(item->zones->live, &(const struct event){ .id = EVENT_ZONE_CHANGED, .text = text });
}

/* Takes over the reference to @zone. */
static void take(struct live_zone *item, struct zone *zone) {
        struct zone *old = item->zone;

        item->zone = zone;
        if (!same_paths(old, zone))
                watch_files(item);
        if (!zone_equal(old, zone) || !streq(zone_name(old), zone_name(zone))) {
                tell_changed(item, old);
                item->zones->next_task = item->zones->next_of = 0;
                loop_work_schedule(&item->zones->work);
        }
        zone_unref(old);
}

static void load_free(struct zone_load *load) {
        zone_unref(load->zone);
        free(load->name);
        free(load);
}

static void work_load(void *arg) {
        struct zone_load *load = arg;

        load->error = zone_load(load->name, &load->zone);
}

static void on_returned(void *arg) {
        load_free(arg);
}

static void begin_load(struct live_zone *item);

static void on_loaded(void *arg) {
        struct zone_load *load = arg;
        struct live_zone *item = load->item;

        item->load = NULL;
        if (load->error < 0)
                log_warning("the time zone %s has changed and cannot be read: %s; calendars go on with what it was",
                            name_of(item), strerror(-load->error));
        else
                take(item, TAKE_PTR(load->zone));
        load_free(load);
        if (item->again)
                begin_load(item);
}

static void begin_load(struct live_zone *item) {
        static const struct pool_job_ops ops = {
                .name = "zone",
                .work = work_load,
                .done = on_loaded,
                .returned = on_returned,
        };
        struct zone_load *load = calloc(1, sizeof(*load));
        int r = -ENOMEM;

        item->again = false;
        if (load)
                load->name = item->name ? strdup(item->name) : NULL;
        if (load && (load->name || !item->name)) {
                load->item = item;
                r = pool_submit(item->zones->pool, &ops, load, &load->job);
        }
        if (r < 0) {
                log_warning("the time zone %s has changed and cannot be read: %s", name_of(item), strerror(-r));
                if (load)
                        load_free(load);
                return;
        }
        item->load = load;
}

static void on_files(struct watch *watch _unused_, void *arg) {
        struct live_zone *item = arg;

        item->again = true;
        if (!item->load)
                begin_load(item);
}

/* What changed between the reading of the configuration and now is found as well: a watch fires at once for what is there. */
static void watch_files(struct live_zone *item) {
        struct live *live = item->zones->live;
        const struct watch_spec spec = {
                .name = "time zone",
                .patterns = zone_paths(item->zone),
                .settle_usec = SETTLE_USEC,
                .flags = WATCH_REMOVALS,
                .fn = on_files,
                .arg = item,
        };
        struct watcher *watcher;
        int r;

        item->watch = watch_free(item->watch);
        if (!spec.patterns[0])
                return;
        r = live_watcher(live, &watcher);
        if (r >= 0)
                r = watch_new(watcher, &spec, &item->watch);
        if (r < 0)
                log_warning("the time zone %s is not watched for changes: %s", name_of(item), strerror(-r));
}

/* ---- set-up ---- */

/* What the configuration loaded for a calendar, and by which name. */
static int find(struct live_zones *zones, const struct task *task, const struct task_calendar *calendar,
                unsigned *ret) {
        const char *name = calendar_zone_name(calendar->calendar) ?: task->timezone;
        struct live_zone *more;

        if (!name)
                name = zones->live->config->daemon.timezone;
        for (size_t i = zones->n; i > 0; i--)
                if (zones->items[i - 1].zone == calendar->zone) {
                        *ret = (unsigned)i - 1;
                        return 0;
                }
        more = reallocarray(zones->items, zones->n + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        zones->items = more;
        more += zones->n;
        *more = (struct live_zone){ .zones = zones, .name = name ? strdup(name) : NULL };
        if (name && !more->name)
                return -ENOMEM;
        more->zone = zone_ref(calendar->zone);
        *ret = (unsigned)zones->n++;
        return 0;
}

static int collect(struct live_zones *zones) {
        const struct config *config = zones->live->config;
        size_t n = 0;
        int r;

        for (size_t i = 0; i < config->n_tasks; i++)
                zones->n_of += n_calendars(config->tasks[i]);
        zones->of = calloc(MAX(zones->n_of, (size_t)1), sizeof(*zones->of));
        if (!zones->of)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_tasks; i++)
                for (size_t k = 0; k < n_calendars(config->tasks[i]); k++) {
                        r = find(zones, config->tasks[i], calendar_at(config->tasks[i], k), &zones->of[n++]);
                        if (r < 0)
                                return r;
                }
        return 0;
}

int live_zones_follow(struct live *live) {
        struct live_zones *zones = calloc(1, sizeof(*zones));
        int r;

        if (!zones)
                return -ENOMEM;
        live->zones = zones;
        live->follows_zones = true;
        zones->live = live;
        loop_work_init(&zones->work, live->loop, "zones", on_update, zones);
        r = collect(zones);
        if (r < 0 || zones->n == 0)
                return r;
        r = pool_new(live->loop, "zones", 1, 1, QUEUE_MAX, &zones->pool);
        if (r < 0)
                return r;
        for (size_t i = 0; i < zones->n; i++)
                watch_files(&zones->items[i]);
        return 0;
}

void live_zones_done(struct live *live) {
        struct live_zones *zones = TAKE_PTR(live->zones);

        if (!zones)
                return;
        loop_work_cancel(&zones->work);
        for (size_t i = 0; i < zones->n; i++) {
                watch_free(zones->items[i].watch);
                if (zones->items[i].load)
                        (void)pool_abandon(zones->items[i].load->job);
                zone_unref(zones->items[i].zone);
                free(zones->items[i].name);
        }
        pool_free(zones->pool);
        free(zones->items);
        free(zones->of);
        free(zones);
}
