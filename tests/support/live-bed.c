/* SPDX-License-Identifier: MIT */
/* live-bed: see live-bed.h. */
#include "support/live-bed.h"

#include "base/log.h"
#include "support/fake-loop.h"
#include "task/kind.h"

#include <check.h>
#include <stdio.h>

struct live_bed live_bed;

static struct pool_section pool = { .name = (char *)"default", .threads = 1, .queue_max = 1 };
static struct task *tasks[LIVE_BED_TASKS_MAX];
static struct run_member members[LIVE_BED_TASKS_MAX];
static size_t n_grouped;
static struct live_observer *observer;
static struct run *leaves[32];
static size_t n_leaves;
static unsigned counts[_EVENT_ID_MAX];
static char texts[_EVENT_ID_MAX][600];
static char hook_trace[600];
static char signal_trace[200];

/* ---- leaves ---- */

static void note_hook(const struct run *leaf) {
        const struct hook_context *context = hook_context_of(leaf);
        size_t used = strlen(hook_trace);

        if (context)
                (void)snprintf(hook_trace + used, sizeof(hook_trace) - used, "%s%s:%s:%s:%s", used > 0 ? " " : "",
                               run_get_spec(leaf)->name, context->event, context->result->task, context->outcome);
}

static int leaf_start(struct run *leaf) {
        ck_assert_uint_lt(n_leaves, ARRAY_SIZE(leaves));
        leaves[n_leaves++] = leaf;
        note_hook(leaf);
        return 0;
}

static void forget(const struct run *leaf) {
        for (size_t i = n_leaves; i > 0; i--) {
                if (leaves[i - 1] == leaf)
                        memmove(&leaves[i - 1], &leaves[i], (n_leaves-- - i) * sizeof(leaves[0]));
        }
}

static void leaf_force(struct run *leaf) {
        forget(leaf);
        run_leaf_end(leaf, &(struct leaf_end){ .error = ERROR_SIGNAL, .detail = "KILL", .clean_when_stopped = true });
}

static int leaf_signal(struct run *leaf, int signo, bool main) {
        size_t used = strlen(signal_trace);

        (void)snprintf(signal_trace + used, sizeof(signal_trace) - used, "%s%s:%d%s", used > 0 ? " " : "",
                       run_get_spec(leaf)->name, signo, main ? ":main" : "");
        return 0;
}

static const struct leaf_ops leaf_ops = {
        .name = "test",
        .start = leaf_start,
        .force = leaf_force,
        .signal = leaf_signal,
};

struct run *live_bed_leaf(const char *task) {
        for (size_t i = 0; i < n_leaves; i++)
                if (streq(run_get_spec(leaves[i])->name, task))
                        return leaves[i];
        return NULL;
}

void live_bed_ready(const char *task) {
        struct run *leaf = live_bed_leaf(task);

        ck_assert_msg(leaf, "no leaf of %s", task);
        run_leaf_started(leaf);
        run_leaf_ready(leaf);
        fake_loop_settle();
}

void live_bed_end(const char *task, enum error_kind error) {
        struct run *leaf = live_bed_leaf(task);

        ck_assert_msg(leaf, "no leaf of %s", task);
        forget(leaf);
        run_leaf_end(leaf, &(struct leaf_end){ .error = error, .detail = "as told", .exit_code = error ? 7 : 0 });
        fake_loop_settle();
}

/* ---- tasks ---- */

static struct task *add_task(const char *name) {
        struct task *task = task_new(name);

        ck_assert_ptr_nonnull(task);
        ck_assert_uint_lt(live_bed.config.n_tasks, LIVE_BED_TASKS_MAX);
        for (size_t i = 0; i < _BOUND_MAX; i++)
                task->run.bounds[i] = USEC_INFINITY;
        tasks[live_bed.config.n_tasks++] = task;
        return task;
}

struct task *live_bed_job(const char *name) {
        struct task *task = add_task(name);

        task->run.leaf = &leaf_ops;
        return task;
}

struct task *live_bed_service(const char *name) {
        struct task *task = live_bed_job(name);

        task->service = calloc(1, sizeof(*task->service));
        ck_assert_ptr_nonnull(task->service);
        task->service->spec = (struct service_spec){
                .restart = RESTART_ALWAYS,
                .restart_delay_min_usec = USEC_PER_SEC,
                .restart_delay_max_usec = USEC_PER_MINUTE,
                .restart_limit = 5,
                .restart_limit_usec = 10 * USEC_PER_MINUTE,
        };
        task->run.service = &task->service->spec;
        task->run.is_service = true;
        return task;
}

struct task *live_bed_transient(const char *name) {
        struct task *task = task_new(name);

        ck_assert_ptr_nonnull(task);
        for (size_t i = 0; i < _BOUND_MAX; i++)
                task->run.bounds[i] = USEC_INFINITY;
        task->run.leaf = &leaf_ops;
        task->run.is_transient = true;
        task->transient = calloc(1, sizeof(*task->transient));
        ck_assert_ptr_nonnull(task->transient);
        task->transient->items_fd = -EBADF;
        return task;
}

static void fill_group(struct task *group, size_t first, size_t n) {
        group->run.is_group = true;
        group->run.policy = GROUP_SETTLE;
        group->run.members = &members[first];
        group->run.n_members = n;
        for (size_t i = first; i < first + n; i++) {
                members[i] = (struct run_member){ .spec = &tasks[i]->run };
                group->run.is_service |= tasks[i]->run.is_service;
        }
        n_grouped = live_bed.config.n_tasks;
}

struct task *live_bed_group(const char *name) {
        size_t first = n_grouped, n = live_bed.config.n_tasks - first;
        struct task *task = add_task(name);

        fill_group(task, first, n);
        return task;
}

struct task *live_bed_instances(const char *name, unsigned n) {
        struct task *task = add_task(name);
        size_t first = live_bed.config.n_tasks;
        char buf[40];

        for (unsigned i = 1; i <= n; i++) {
                (void)snprintf(buf, sizeof(buf), "%s@%u", name, i);
                live_bed_service(buf)->instance = i;
        }
        fill_group(task, first, n);
        return task;
}

void live_bed_hook(struct hooks *hooks, const char *name) {
        hooks->items = calloc(1, sizeof(*hooks->items));
        ck_assert_ptr_nonnull(hooks->items);
        hooks->items[0].task = strdup(name);
        hooks->n = 1;
}

/* ---- events ---- */

static void on_event(const struct event *event, void *arg _unused_) {
        counts[event->id]++;
        (void)snprintf(texts[event->id], sizeof(texts[event->id]), "%s", event->text ? event->text : "");
}

static void on_critical(const struct result *result, void *arg _unused_) {
        result_unref(live_bed.critical);
        live_bed.critical = result_ref((struct result *)result);
}

unsigned live_bed_events(enum event_id id) {
        return counts[id];
}

const char *live_bed_text(enum event_id id) {
        return texts[id];
}

const char *live_bed_signals(void) {
        return signal_trace;
}

const char *live_bed_hooks(void) {
        return hook_trace;
}

/* ---- the whole ---- */

void live_bed_setup(void) {
        log_set_max_level(LOG_EMERG);
        fake_clock_reset();
        n_leaves = n_grouped = 0;
        memset(counts, 0, sizeof(counts));
        hook_trace[0] = signal_trace[0] = '\0';
        live_bed = (struct live_bed){ 0 };
        live_bed.config = (struct config){
                .n_ref = 2, /* one of the test's, so that it is never freed */
                .daemon = { .hook_queue = 10 },
                .pools = &pool,
                .n_pools = 1,
                .tasks = tasks,
        };
        ck_assert_int_eq(loop_new(&live_bed.loop), 0);
}

void live_bed_go(void) {
        const struct live_options options = {
                .loop = live_bed.loop,
                .store = live_bed.store,
                .triggers = true,
                .on_critical = on_critical,
        };

        ck_assert_int_eq(live_new(&options, &live_bed.config, &live_bed.live), 0);
        ck_assert_int_eq(live_observe(live_bed.live, on_event, NULL, &observer), 0);
        fake_loop_settle();
}

/* What freeing the configuration would do; the tasks of the bed outlive it. */
static void unbind_limits(struct task *task) {
        for (size_t i = 0; i < task->run.n_limits; i++)
                limit_unref(task->run.limits[i].limit);
        free(task->run.limits);
        task->run.limits = NULL;
        task->run.n_limits = 0;
}

void live_bed_teardown(void) {
        live_stop_triggers(live_bed.live);
        run_tree_stop(live_tree(live_bed.live), false);
        run_tree_force(live_tree(live_bed.live));
        fake_loop_settle();
        ck_assert(run_tree_is_empty(live_tree(live_bed.live)));
        live_unobserve(observer);
        for (size_t i = 0; i < live_bed.config.n_tasks; i++)
                unbind_limits(tasks[i]);
        live_free(live_bed.live);
        for (size_t i = 0; i < live_bed.config.n_tasks; i++) {
                tasks[i]->run.members = NULL; /* the bed's own */
                tasks[i]->run.n_members = 0;
                tasks[i]->env = NULL; /* it went with what was live */
                task_unref(tasks[i]);
        }
        result_unref(live_bed.critical);
        loop_free(live_bed.loop);
}

struct live_task *live_bed_entry(const char *task) {
        return live_find(live_bed.live, task);
}

struct run *live_bed_run(const char *run) {
        struct run *found = run_tree_find(live_tree(live_bed.live), run);

        ck_assert_msg(found, "no run %s", run);
        return found;
}

struct run *live_bed_start(const char *task) {
        struct run *run;

        ck_assert_int_eq(live_start(live_bed_entry(task), "test", &run), 0);
        fake_loop_settle();
        return run;
}
