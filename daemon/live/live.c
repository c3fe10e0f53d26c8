/* SPDX-License-Identifier: MIT */
/* live: goes live with a configuration, and answers what is asked about it. */
#include "base/log.h"
#include "base/text.h"
#include "live/apply.h"
#include "live/live_private.h"
#include "loop/pool.h"
#include "loop/watch.h"

#include <stdio.h>
#include <sys/random.h>

/* ---- binding ---- */

struct live_pool *live_pool_unref(struct live_pool *pool) {
        if (!pool || --pool->n_ref > 0)
                return NULL;
        list_remove(&pool->link);
        pool_free(pool->pool);
        free(pool);
        return NULL;
}

static void on_pool_health(struct pool *pool, bool degraded, void *arg) {
        struct pool_stats stats;
        char text[200];

        pool_get_stats(pool, &stats);
        if (degraded)
                (void)snprintf(text, sizeof(text),
                               "pool %s is degraded: %u threads hang, of which %u are replaced; %u of %u serve",
                               pool_name(pool), stats.stuck, stats.spare,
                               stats.threads - MIN(stats.threads, stats.stuck - stats.spare), stats.threads);
        else
                (void)snprintf(text, sizeof(text), "pool %s has recovered", pool_name(pool));
        live_emit(arg,
                  &(const struct event){ .id = degraded ? EVENT_POOL_DEGRADED : EVENT_POOL_RECOVERED, .text = text });
}

int live_pool_new(struct live *live, const struct pool_section *section, struct live_pool **ret) {
        struct live_pool *pool = calloc(1, sizeof(*pool));
        int r;

        if (!pool)
                return -ENOMEM;
        r = pool_new(live->loop, section->name, section->threads, section->spare_threads, section->queue_max,
                     &pool->pool);
        if (r < 0) {
                free(pool);
                return r;
        }
        pool_set_health(pool->pool, on_pool_health, live);
        pool->n_ref = 1;
        list_append(&live->all_pools, &pool->link);
        *ret = pool;
        return 0;
}

static int make_limits(struct live *live) {
        const struct config *config = live->config;

        live->limits = calloc(MAX(config->n_limits, (size_t)1), sizeof(struct limit *));
        if (!live->limits)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_limits; i++) {
                int r = limit_new(run_tree_limits(live->tree), config->limits[i].name, &config->limits[i].limit,
                                  &live->limits[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int make_pools(struct live *live) {
        const struct config *config = live->config;

        live->pools = calloc(MAX(config->n_pools, (size_t)1), sizeof(struct live_pool *));
        if (!live->pools)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_pools; i++) {
                int r = live_pool_new(live, &config->pools[i], &live->pools[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static struct limit *find_limit(const struct live_binding *binding, const char *name) {
        for (size_t i = 0; i < binding->config->n_limits; i++)
                if (streq(binding->config->limits[i].name, name))
                        return binding->limits[i];
        return NULL;
}

struct live_binding live_binding(const struct live *live) {
        return (struct live_binding){ .config = live->config, .limits = live->limits, .pools = live->pools };
}

struct limit *live_find_limit(const struct live *live, const char *name) {
        const struct live_binding binding = live_binding(live);

        return find_limit(&binding, name);
}

static int bind_limits(const struct live_binding *binding, struct task *task) {
        if (task->n_limits == 0)
                return 0;
        task->run.limits = calloc(task->n_limits, sizeof(*task->run.limits));
        if (!task->run.limits)
                return -ENOMEM;
        for (size_t i = 0; i < task->n_limits; i++) {
                struct limit *limit = find_limit(binding, task->limits[i].name);

                if (!limit)
                        return -ENOENT; /* the checks of the configuration do not let this happen */
                task->run.limits[task->run.n_limits++] = (struct limit_use){
                        .limit = limit_ref(limit),
                        .permits = task->limits[i].permits,
                };
        }
        return 0;
}

static struct live_pool *find_pool(const struct live_binding *binding, const char *name) {
        for (size_t i = 0; i < binding->config->n_pools; i++)
                if (streq(binding->config->pools[i].name, name))
                        return binding->pools[i];
        return NULL;
}

struct live_pool *live_find_pool(const struct live *live, const char *name) {
        return find_pool(&(const struct live_binding){ .config = live->config, .pools = live->pools }, name);
}

int live_bind(struct live_task *entry, struct task *task, const struct live_binding *binding) {
        struct live_pool *pool = find_pool(binding, task->pool_name ? task->pool_name : "default");

        if (!pool)
                return -ENOENT;
        pool->n_ref++;
        entry->n_bound++;
        if (task->run.is_transient) {
                entry->live->n_transients++;
                entry->live->transient_size += task->transient->size;
        }
        task->live = entry;
        task->env = &entry->live->env;
        task->run.overlap = &entry->overlap;
        task->pool = pool->pool;
        return bind_limits(binding, task);
}

static void unbind_pool(struct live *live, const struct pool *pool) {
        struct live_pool *item, *tmp;

        list_for_each_entry_safe(item, tmp, &live->all_pools, link)
                if (item->pool == pool) {
                        live_pool_unref(item);
                        return;
                }
}

static void drop_gone(struct live_task *entry) {
        struct live *live = entry->live;
        size_t n = 0;

        for (size_t i = 0; i < live->n_gone; i++)
                if (live->gone[i] != entry)
                        live->gone[n++] = live->gone[i];
        live->n_gone = n;
}

static void unbind(struct task *task) {
        struct live_task *entry = task->live;

        unbind_pool(entry->live, task->pool);
        if (task->run.is_transient) {
                entry->live->n_transients--;
                entry->live->transient_size -= task->transient->size;
        }
        entry->n_bound--;
        if (entry->n_bound == 1 && entry->held) { /* which comes here next, unless a run has it */
                task_unref(TAKE_PTR(entry->held));
                return;
        }
        if (entry->n_bound > 0 || !entry->gone)
                return;
        entry->task = task; /* the last one; what is remembered of it may still be on its way */
        live_remember_gone(entry);
        drop_gone(entry);
        live_task_free(entry);
}

struct live_task *live_task_new(struct live *live, struct task *task) {
        struct live_task *entry = calloc(1, sizeof(*entry));

        if (!entry)
                return NULL;
        entry->live = live;
        entry->task = task;
        list_init(&entry->noted);
        overlap_init(&entry->overlap, task->overlap_max);
        return entry;
}

void live_task_free(struct live_task *entry) {
        live_watch_remove(entry);
        live_service_remove(entry);
        live_schedule_remove(entry);
        live_stale_remove(entry);
        live_items_done(entry);
        list_remove(&entry->noted);
        task_unref(entry->held);
        result_unref(entry->last);
        free(entry->skip_reason);
        free(entry->pause);
        free(entry->last_due_what);
        free(entry);
}

static int bind_tasks(struct live *live) {
        const struct config *config = live->config;
        const struct live_binding binding = live_binding(live);

        live->tasks = calloc(MAX(config->n_tasks, (size_t)1), sizeof(struct live_task *));
        if (!live->tasks)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_tasks; i++) {
                struct live_task *entry = live_task_new(live, config->tasks[i]);
                int r;

                if (!entry)
                        return -ENOMEM;
                live->tasks[live->n_tasks++] = entry;
                r = live_bind(entry, config->tasks[i], &binding);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the whole ---- */

static void on_go(struct loop_work *work _unused_, void *arg) {
        live_go(arg);
}

static int arm(struct live *live) {
        live_stale_begin(live);
        live_startup(live);
        return live_watches_begin(live);
}

/* Without leftovers to wait for, what there is to tell is told when there are observers. */
static int begin(struct live *live) {
        live_memory_close(live, live->tag || live->interrupted);
        if (!live->memory.closed)
                return arm(live);
        if (live->tag)
                return live_leftovers_begin(live, live->tag);
        loop_work_schedule(&live->go_work);
        return 0;
}

void live_go(struct live *live) {
        if (live->triggers) { /* else the daemon is being stopped, and leaves them to the next */
                int r;

                live_interrupted_tell(live);
                r = arm(live);
                if (r < 0)
                        log_error("cannot arm triggers: %s", strerror(-r));
        }
        live_memory_close(live, false);
}

static int live_init(struct live *live, const struct live_options *options) {
        struct run_listener listener = live_listener;
        int r;

        if (getrandom(&live->random, sizeof(live->random), GRND_NONBLOCK) < 0)
                live->random = clock_now(CLOCK_ID_REALTIME);
        listener.arg = live;
        r = run_tree_new(live->loop, live->config->daemon.max_running, &listener, &live->tree);
        if (r < 0)
                return r;
        r = make_limits(live);
        if (r < 0)
                return r;
        r = make_pools(live);
        if (r < 0)
                return r;
        r = live_env_init(live, options);
        if (r < 0)
                return r;
        r = bind_tasks(live);
        if (r < 0)
                return r;
        live_memory_init(live, options->store);
        r = live_services_init(live);
        if (r < 0)
                return r;
        r = live_schedules_init(live);
        if (r < 0)
                return r;
        r = live_stale_init(live);
        if (r < 0)
                return r;
        r = live_restore(live);
        if (r < 0)
                return r;
        return live->triggers ? begin(live) : 0;
}

int live_new(const struct live_options *options, struct config *config, struct live **ret) {
        _cleanup_(live_freep) struct live *live = NULL;
        int r;

        live = calloc(1, sizeof(*live));
        if (!live)
                return -ENOMEM;
        live->loop = options->loop;
        loop_work_init(&live->go_work, live->loop, "go", on_go, live);
        live->alive_usec = options->alive_usec;
        live->config = config_ref(config);
        live->triggers = options->triggers;
        live->on_empty = options->on_empty;
        live->on_critical = options->on_critical;
        live->arg = options->arg;
        list_init(&live->observers);
        list_init(&live->all_pools);
        list_init(&live->dropped);
        live_pauses_init(live);
        live->env.unbind = unbind;
        live->tag = options->tag ? strdup(options->tag) : NULL;
        r = options->tag && !live->tag ? -ENOMEM : live_init(live, options);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(live);
        return 0;
}

/* Whoever refers to them. */
static void free_pools(struct live *live) {
        struct live_pool *pool, *tmp;

        list_for_each_entry_safe(pool, tmp, &live->all_pools, link) {
                pool->n_ref = 1;
                live_pool_unref(pool);
        }
        free(live->pools);
}

/* Without any task that tells of it. */
static void free_tasks(struct live *live) {
        for (size_t i = 0; i < live->n_tasks; i++)
                live_task_free(live->tasks[i]);
        for (size_t i = 0; i < live->n_gone; i++)
                live_task_free(live->gone[i]);
        free(live->tasks);
        free(live->gone);
        live_forget_gone(live);
}

int live_watcher(struct live *live, struct watcher **ret) {
        int r;

        if (!live->watcher) {
                r = watcher_new(live->loop, &live->watcher);
                if (r < 0)
                        return r;
        }
        *ret = live->watcher;
        return 0;
}

struct live *live_free(struct live *live) {
        const struct config *config;

        if (!live)
                return NULL;
        config = live->config;
        live_startup_done(live);
        live_pauses_done(live);
        if (live->go_work.loop)
                loop_work_cancel(&live->go_work);
        live_zones_done(live);
        live_watches_end(live);
        watcher_free(live->watcher);
        live_leftovers_done(live);
        live_interrupted_done(live);
        live_memory_done(live);
        live_services_done(live);
        live_env_done(live);
        live->env.unbind = NULL;
        free_pools(live);
        live_schedules_done(live);
        live_dropped_done(live);
        live_stale_done(live);
        free_tasks(live);
        for (size_t i = 0; live->limits && i < config->n_limits; i++)
                limit_unref(live->limits[i]);
        free(live->limits);
        for (size_t i = 0; i < config->n_tasks; i++) /* whoever else has them */
                config->tasks[i]->env = NULL;
        config_unref(live->config);
        run_tree_free(live->tree);
        free(live->tag);
        free(live->socket);
        free(live);
        return NULL;
}

struct run_tree *live_tree(const struct live *live) {
        return live->tree;
}

uint64_t live_generation(const struct live *live) {
        return live->generation;
}

struct config *live_config(const struct live *live) {
        return live->config;
}

struct spawner *live_spawner(const struct live *live) {
        return live->env.spawner;
}

struct loop *live_loop(const struct live *live) {
        return live->loop;
}

uint64_t live_hooks_dropped(const struct live *live) {
        return live->hooks_dropped;
}

usec_t live_hooks_dropped_usec(const struct live *live) {
        return live->hooks_dropped_usec;
}

/* ---- tasks ---- */

struct live_task *live_find(const struct live *live, const char *name) {
        size_t low = 0, high = live->n_tasks;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(name, live->tasks[middle]->task->run.name);

                if (order == 0)
                        return live->tasks[middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

struct live_task *live_find_gone(const struct live *live, const char *name) {
        for (size_t i = 0; i < live->n_gone; i++)
                if (text_match(name, live->gone[i]->task->run.name))
                        return live->gone[i];
        return NULL;
}

struct live_task *live_find_any(const struct live *live, const char *name) {
        struct live_task *task = live_find(live, name);

        return task ? task : live_find_gone(live, name);
}

size_t live_n_tasks(const struct live *live) {
        return live->n_tasks;
}

struct live_task *live_task_at(const struct live *live, size_t index) {
        return live->tasks[index];
}

const struct task *live_task_task(const struct live_task *task) {
        return task->task;
}

struct result *live_task_last(const struct live_task *task) {
        return task->last;
}

uint64_t live_task_count(const struct live_task *task, enum outcome outcome) {
        return task->counts[outcome];
}

unsigned live_task_running(const struct live_task *task) {
        return task->running;
}

unsigned live_task_failures(const struct live_task *task) {
        return task->failures;
}

bool live_task_is_failing(const struct live_task *task) {
        struct live_item_counts items;

        if (task->failing || !task->items)
                return task->failing;
        live_task_count_items(task, &items);
        return items.failing > 0;
}

uint64_t live_task_skipped(const struct live_task *task) {
        return task->skipped;
}

const char *live_task_skip_reason(const struct live_task *task) {
        return task->skip_reason;
}

usec_t live_task_last_ok(const struct live_task *task) {
        return task->last_ok_usec;
}

usec_t live_task_usual(const struct live_task *task) {
        return (usec_t)task->usual_usec;
}

static bool is_outdated(const struct run *run) {
        return task_of(run_get_spec(run)) != live_task_of(run)->task || run_is_outdated(run);
}

/* Members are told themselves, but for instances, which are what their group is. What is being stopped needs no restart. */
bool live_task_is_outdated(const struct live_task *task) {
        const struct run *run = task->service ? task->service->run : NULL;

        if (!run || run_is_cancelled(run))
                return false;
        if (is_outdated(run))
                return true;
        if (run_get_role(run) == RUN_GROUP)
                for (struct run *child = run_first_child(run); child; child = run_next_sibling(child))
                        if (live_task_of(child)->task->instance > 0 && run_get_state(child) != RUN_DONE &&
                            is_outdated(child))
                                return true;
        return false;
}

/* ---- limits, pools ---- */

size_t live_n_limits(const struct live *live) {
        return live->config->n_limits;
}

struct limit *live_limit_at(const struct live *live, size_t index) {
        return live->limits[index];
}

size_t live_n_pools(const struct live *live) {
        return live->config->n_pools;
}

struct pool *live_pool_at(const struct live *live, size_t index) {
        return live->pools[index]->pool;
}
