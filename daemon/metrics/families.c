/* SPDX-License-Identifier: MIT */
/* families: the table, and what its rows tell. */
#include "metrics/families.h"

#include "base/histogram.h"
#include "base/log.h"
#include "control/control.h"
#include "control/varlink.h"
#include "loop/http_server.h"
#include "loop/pool.h"
#include "metrics/process.h"
#include "store/store.h"

/* ---- the daemon's process ---- */

static struct process_usage usage(void) {
        struct process_usage now;

        process_get_usage(&now);
        return now;
}

static void process_cpu(struct metrics_writer *writer, const struct metrics_source *source _unused_) {
        metrics_usec(writer, NO_LABEL, NO_LABEL, usage().cpu_usec);
}

static void process_resident(struct metrics_writer *writer, const struct metrics_source *source _unused_) {
        metrics_count(writer, NO_LABEL, NO_LABEL, usage().resident_bytes);
}

static void process_virtual(struct metrics_writer *writer, const struct metrics_source *source _unused_) {
        metrics_count(writer, NO_LABEL, NO_LABEL, usage().virtual_bytes);
}

static void process_open(struct metrics_writer *writer, const struct metrics_source *source) {
        if (source->open_fds > 0)
                metrics_count(writer, NO_LABEL, NO_LABEL, source->open_fds);
}

static void process_max(struct metrics_writer *writer, const struct metrics_source *source _unused_) {
        uint64_t max = usage().max_fds;

        if (max != UINT64_MAX)
                metrics_count(writer, NO_LABEL, NO_LABEL, max);
}

static void process_start(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_usec(writer, NO_LABEL, NO_LABEL, source->started_usec);
}

/* ---- the daemon ---- */

static void build(struct metrics_writer *writer, const struct metrics_source *source _unused_) {
        metrics_count(writer, LABEL("version", PACKAGE_VERSION), NO_LABEL, 1);
}

static void phase(struct metrics_writer *writer, const struct metrics_source *source) {
        static const char *const phases[] = { "starting", "running", "reloading", "draining", "stopping" };

        for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
                metrics_count(writer, LABEL(writer->name, phases[i]), NO_LABEL, streq(source->phase, phases[i]));
}

static void refused(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_count(writer, NO_LABEL, NO_LABEL, source->refused);
}

static void n_tasks(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_count(writer, NO_LABEL, NO_LABEL, live_n_tasks(source->live));
}

static void all_paused(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_count(writer, NO_LABEL, NO_LABEL, live_paused_by(source->live, NULL) != NULL);
}

static struct run_counts runs(const struct metrics_source *source) {
        struct run_counts now;

        run_tree_get_counts(live_tree(source->live), &now);
        return now;
}

static void at_work(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_count(writer, NO_LABEL, NO_LABEL, runs(source).running);
}

static void queued(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_count(writer, NO_LABEL, NO_LABEL, runs(source).queued);
}

static void started(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_count(writer, NO_LABEL, NO_LABEL, runs(source).started);
}

static void waits(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_durations(writer, NO_LABEL, counts_waits(source->counts));
}

static void remnants(struct metrics_writer *writer, const struct metrics_source *source) {
        uint64_t n = 0;

        for (struct remnant *remnant = run_tree_first_remnant(live_tree(source->live)); remnant;
             remnant = remnant_next(remnant))
                n++;
        metrics_count(writer, NO_LABEL, NO_LABEL, n);
}

static void hooks_dropped(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_count(writer, NO_LABEL, NO_LABEL, live_hooks_dropped(source->live));
}

/* Those that are told by threads go only to the log. */
static void events(struct metrics_writer *writer, const struct metrics_source *source) {
        for (enum event_id id = EVENT_NONE + 1; id < _EVENT_ID_MAX; id++)
                if (id != EVENT_LOOP_STUCK && id != EVENT_LOOP_UNSTUCK && id != EVENT_LOG_DROPPED)
                        metrics_count(writer, LABEL("event", event_id_to_string(id)), NO_LABEL,
                                      counts_event(source->counts, id));
}

/* ---- the loop ---- */

static struct loop_stats loop_now(const struct metrics_source *source) {
        struct loop_stats stats;

        loop_get_stats(live_loop(source->live), &stats);
        return stats;
}

static void turns(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_count(writer, NO_LABEL, NO_LABEL, loop_now(source).turns);
}

static void callbacks(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_count(writer, NO_LABEL, NO_LABEL, loop_now(source).callbacks);
}

static void slow_callbacks(struct metrics_writer *writer, const struct metrics_source *source) {
        metrics_count(writer, NO_LABEL, NO_LABEL, loop_now(source).slow_callbacks);
}

static void short_times(struct metrics_writer *writer, const struct histogram *histogram) {
        static const usec_t bounds[] = { 100, 250, 500, 1000, 2500, 5000, 10000, 50000, 250000, 1000000, 10000000 };
        uint64_t counts[ARRAY_SIZE(bounds)];

        for (size_t i = 0; i < ARRAY_SIZE(bounds); i++)
                counts[i] = histogram_count_upto(histogram, bounds[i]);
        metrics_histogram(writer, NO_LABEL, bounds, counts, ARRAY_SIZE(bounds), histogram->count, histogram->sum_usec);
}

static void turn_times(struct metrics_writer *writer, const struct metrics_source *source) {
        short_times(writer, loop_turns(live_loop(source->live)));
}

static void lags(struct metrics_writer *writer, const struct metrics_source *source) {
        short_times(writer, loop_lags(live_loop(source->live)));
}

/* ---- log, store, clients ---- */

static void log_records(struct metrics_writer *writer, const struct metrics_source *source _unused_) {
        metrics_count(writer, NO_LABEL, NO_LABEL, log_written());
}

static void log_lost(struct metrics_writer *writer, const struct metrics_source *source _unused_) {
        metrics_count(writer, NO_LABEL, NO_LABEL, log_dropped());
}

static void log_waiting(struct metrics_writer *writer, const struct metrics_source *source _unused_) {
        metrics_count(writer, NO_LABEL, NO_LABEL, log_queued());
}

/* Nothing is told of a part that is not there. */
#define STORE(function, member)                                                                                        \
        static void function(struct metrics_writer *writer, const struct metrics_source *source) {                     \
                const struct store *store = live_store(source->live);                                                  \
                struct store_stats stats;                                                                              \
                                                                                                                       \
                if (!store)                                                                                            \
                        return;                                                                                        \
                store_get_stats(store, &stats);                                                                        \
                metrics_count(writer, NO_LABEL, NO_LABEL, stats.member);                                               \
        }

STORE(store_degraded, degraded)
STORE(store_queued, queued)
STORE(store_written, written)
STORE(store_lost, lost)
STORE(store_commits, commits)
STORE(store_size, size)

#define CONTROL(function, member)                                                                                      \
        static void function(struct metrics_writer *writer, const struct metrics_source *source) {                     \
                struct varlink_stats stats;                                                                            \
                                                                                                                       \
                if (!source->control)                                                                                  \
                        return;                                                                                        \
                control_get_stats(source->control, &stats);                                                            \
                metrics_count(writer, NO_LABEL, NO_LABEL, stats.member);                                               \
        }

CONTROL(control_connections, connections)
CONTROL(control_accepted, accepted)
CONTROL(control_refused, refused)
CONTROL(control_cut_off, cut_off)
CONTROL(control_calls, calls)

#define HTTP(function, member)                                                                                         \
        static void function(struct metrics_writer *writer, const struct metrics_source *source) {                     \
                struct http_server_stats stats;                                                                        \
                                                                                                                       \
                if (!source->http)                                                                                     \
                        return;                                                                                        \
                http_server_get_stats(source->http, &stats);                                                           \
                metrics_count(writer, NO_LABEL, NO_LABEL, stats.member);                                               \
        }

HTTP(http_connections, connections)
HTTP(http_requests, requests)
HTTP(http_refused, refused)
HTTP(http_cut_off, cut_off)

/* ---- tasks, as they are ---- */

static bool task_running(const struct live_task *task, uint64_t *ret) {
        *ret = live_task_running(task);
        return true;
}

static bool task_failing(const struct live_task *task, uint64_t *ret) {
        *ret = live_task_is_failing(task);
        return true;
}

static bool task_stale(const struct live_task *task, uint64_t *ret) {
        *ret = live_task_is_stale(task);
        return live_task_stale_at(task) != USEC_INFINITY;
}

static bool task_paused(const struct live_task *task, uint64_t *ret) {
        *ret = live_task_paused_by(task, NULL) != NULL;
        return true;
}

static bool task_up(const struct live_task *task, uint64_t *ret) {
        const struct run *run = live_service_run(task);

        *ret = run && streq(live_service_run_state(run), "up");
        return live_task_task(task)->run.is_service;
}

static bool task_items_failing(const struct live_task *task, uint64_t *ret) {
        struct live_item_counts items;

        live_task_count_items(task, &items);
        *ret = items.failing;
        return live_task_task(task)->for_each.type != FOR_EACH_NONE;
}

static bool task_last_ok(const struct live_task *task, uint64_t *ret) {
        *ret = live_task_last_ok(task);
        return *ret > 0;
}

static bool task_next(const struct live_task *task, uint64_t *ret) {
        *ret = live_task_next(task);
        return *ret != USEC_INFINITY;
}

/* ---- tasks, as they were counted ---- */

static bool is_service(const struct live_task *task) {
        return task && live_task_task(task)->run.is_service;
}

/* Those that alerts look for begin with 0, and others when they happen. */
static void count_outcomes(struct metrics_writer *writer, struct metrics_label label,
                           const uint64_t counts[_OUTCOME_MAX]) {
        for (enum outcome outcome = 0; outcome < _OUTCOME_MAX; outcome++)
                if (counts[outcome] > 0 || outcome == OUTCOME_OK || outcome_is_failure(outcome))
                        metrics_count(writer, label, LABEL("outcome", outcome_to_string(outcome)), counts[outcome]);
}

static void task_runs(struct metrics_writer *writer, const struct family_task *task) {
        count_outcomes(writer, task->label, task->counts->outcomes);
}

static void task_durations(struct metrics_writer *writer, const struct family_task *task) {
        if (task->counts->durations.count > 0)
                metrics_durations(writer, task->label, &task->counts->durations);
}

static void task_cpu(struct metrics_writer *writer, const struct family_task *task) {
        if (task->counts->cpu_usec > 0)
                metrics_usec(writer, task->label, NO_LABEL, task->counts->cpu_usec);
}

static void task_items(struct metrics_writer *writer, const struct family_task *task) {
        uint64_t n = 0;

        for (size_t i = 0; i < _OUTCOME_MAX; i++)
                n += task->counts->items[i];
        if (n > 0)
                count_outcomes(writer, task->label, task->counts->items);
}

static void task_retries(struct metrics_writer *writer, const struct family_task *task) {
        if (!is_service(task->task))
                metrics_count(writer, task->label, NO_LABEL, task->counts->retries);
}

static void task_restarts(struct metrics_writer *writer, const struct family_task *task) {
        if (!task->task || is_service(task->task))
                metrics_count(writer, task->label, NO_LABEL, task->counts->restarts);
}

static void task_missed(struct metrics_writer *writer, const struct family_task *task) {
        metrics_count(writer, task->label, NO_LABEL, task->counts->missed);
}

static void task_skipped(struct metrics_writer *writer, const struct family_task *task) {
        metrics_count(writer, task->label, NO_LABEL, task->counts->skipped);
}

/* ---- limits ---- */

static struct limit_stats limit_now(const struct limit *limit) {
        struct limit_stats stats;

        limit_get_stats(limit, &stats);
        return stats;
}

static void limit_permits(struct metrics_writer *writer, struct metrics_label label, const struct limit *limit) {
        unsigned permits = limit_get_config(limit)->permits;

        if (permits > 0) /* else it has only a pace */
                metrics_count(writer, label, NO_LABEL, permits);
}

static void limit_held(struct metrics_writer *writer, struct metrics_label label, const struct limit *limit) {
        metrics_count(writer, label, NO_LABEL, limit_now(limit).held);
}

static void limit_waiting(struct metrics_writer *writer, struct metrics_label label, const struct limit *limit) {
        metrics_count(writer, label, NO_LABEL, limit_now(limit).waiting);
}

static void limit_oldest(struct metrics_writer *writer, struct metrics_label label, const struct limit *limit) {
        struct limit_stats stats = limit_now(limit);

        metrics_usec(writer, label, NO_LABEL,
                     stats.waiting > 0 ? usec_sub(clock_now(CLOCK_ID_MONOTONIC), stats.oldest_wait_since_usec) : 0);
}

static void limit_paused(struct metrics_writer *writer, struct metrics_label label, const struct limit *limit) {
        metrics_count(writer, label, NO_LABEL, limit_paused_by(limit, NULL) != NULL);
}

static void limit_granted(struct metrics_writer *writer, struct metrics_label label, const struct limit *limit) {
        metrics_count(writer, label, NO_LABEL, limit_now(limit).granted);
}

/* ---- pools ---- */

#define POOL(member)                                                                                                   \
        static void pool_##member(struct metrics_writer *writer, struct metrics_label label,                           \
                                  const struct pool *pool) {                                                           \
                struct pool_stats stats;                                                                               \
                                                                                                                       \
                pool_get_stats(pool, &stats);                                                                          \
                metrics_count(writer, label, NO_LABEL, stats.member);                                                  \
        }

POOL(threads)
POOL(busy)
POOL(stuck)
POOL(queued)
POOL(degraded)
POOL(completed)
POOL(abandoned)
POOL(refused)

/* ---- the table ---- */

static const struct family table[] = {
        { "process_cpu_seconds", FAMILY_COUNTER, "seconds",
          "Processor time that the daemon itself has taken; not that of what it runs.", .one = process_cpu },
        { "process_resident_memory_bytes", FAMILY_GAUGE, "bytes", "Memory of the daemon itself that is in use.",
          .one = process_resident },
        { "process_virtual_memory_bytes", FAMILY_GAUGE, "bytes", "Address space of the daemon itself.",
          .one = process_virtual },
        { "process_open_fds", FAMILY_GAUGE, NULL, "Descriptors that the daemon has open.", .one = process_open },
        { "process_max_fds", FAMILY_GAUGE, NULL, "Descriptors that it may have open.", .one = process_max },
        { "process_start_time_seconds", FAMILY_GAUGE, "seconds", "When the daemon was started, in seconds since 1970.",
          .one = process_start },
        { "tendd_build", FAMILY_INFO, NULL, "Which version runs.", .one = build },
        { "tendd_phase", FAMILY_STATESET, NULL,
          "What the daemon is at: starting, running, reloading, draining, stopping.", .one = phase },
        { "tendd_config_refused", FAMILY_GAUGE, NULL,
          "Whether the files of the configuration were refused, so that an earlier one is in force.", .one = refused },
        { "tendd_tasks", FAMILY_GAUGE, NULL, "Tasks and groups of the configuration, instances included.",
          .one = n_tasks },
        { "tendd_triggers_paused", FAMILY_GAUGE, NULL, "Whether an operator has paused the triggers of all tasks.",
          .one = all_paused },
        { "tendd_attempts_running", FAMILY_GAUGE, NULL, "Attempts at work, items included.", .one = at_work },
        { "tendd_attempts_queued", FAMILY_GAUGE, NULL, "Attempts and runs that wait to begin.", .one = queued },
        { "tendd_attempts_started", FAMILY_COUNTER, NULL, "Attempts that have begun.", .one = started },
        { "tendd_run_wait_seconds", FAMILY_HISTOGRAM, "seconds",
          "How long runs waited from when they were made until they began, all tasks together.", .one = waits },
        { "tendd_remnants", FAMILY_GAUGE, NULL, "Threads and processes of runs that could not be ended.",
          .one = remnants },
        { "tendd_hooks_dropped", FAMILY_COUNTER, NULL, "Hooks that were not started because too many waited.",
          .one = hooks_dropped },
        { "tendd_events", FAMILY_COUNTER, NULL, "Events by their names, as tendctl events tells them.", .one = events },
        { "tendd_task_runs", FAMILY_COUNTER, NULL,
          "Runs that have ended, members of groups and hooks included, by outcome.", .counts = task_runs },
        { "tendd_task_run_duration_seconds", FAMILY_HISTOGRAM, "seconds", "How long runs took that had begun.",
          .counts = task_durations },
        { "tendd_task_cpu_seconds", FAMILY_COUNTER, "seconds",
          "Processor time of the commands of runs that have ended.", .counts = task_cpu },
        { "tendd_task_items", FAMILY_COUNTER, NULL, "Items of fan-outs that have ended, by outcome.",
          .counts = task_items },
        { "tendd_task_retries", FAMILY_COUNTER, NULL, "Attempts after the first of a run; not of services.",
          .counts = task_retries },
        { "tendd_task_restarts", FAMILY_COUNTER, NULL, "Attempts of services that were followed by another.",
          .counts = task_restarts },
        { "tendd_task_missed", FAMILY_COUNTER, NULL,
          "Occurrences that were not run: the daemon was down, the machine asleep, the task paused.",
          .counts = task_missed },
        { "tendd_task_skipped", FAMILY_COUNTER, NULL,
          "Occurrences for which no run was made, as one was still at work, or an operator had stopped it.",
          .counts = task_skipped },
        { "tendd_task_running", FAMILY_GAUGE, NULL, "Runs that live, and members at work.", .task = task_running },
        { "tendd_task_up", FAMILY_GAUGE, NULL, "Services: whether it is up and ready.", .task = task_up },
        { "tendd_task_failing", FAMILY_GAUGE, NULL, "Whether it is failing: itself, or one of its items.",
          .task = task_failing },
        { "tendd_task_items_failing", FAMILY_GAUGE, NULL, "Fan-outs: items that are failing.",
          .task = task_items_failing },
        { "tendd_task_stale", FAMILY_GAUGE, NULL, "Where there is a stale-after: whether no run was ok for so long.",
          .task = task_stale },
        { "tendd_task_paused", FAMILY_GAUGE, NULL, "Whether an operator has paused it, or all tasks.",
          .task = task_paused },
        { "tendd_task_last_success_timestamp_seconds", FAMILY_GAUGE, "seconds",
          "When a run was ok last, in seconds since 1970.", .task = task_last_ok, .usec = true, .apart = true },
        { "tendd_task_next_due_timestamp_seconds", FAMILY_GAUGE, "seconds",
          "When it is started next by time, in seconds since 1970.", .task = task_next, .usec = true, .apart = true },
        { "tendd_limit_permits", FAMILY_GAUGE, NULL, "How many permits there are, where that is bounded.",
          .limit = limit_permits },
        { "tendd_limit_held", FAMILY_GAUGE, NULL, "Permits that are held.", .limit = limit_held },
        { "tendd_limit_waiting", FAMILY_GAUGE, NULL,
          "Attempts that wait for permits, of this limit or of others with it.", .limit = limit_waiting },
        { "tendd_limit_oldest_wait_seconds", FAMILY_GAUGE, "seconds",
          "How long the first of them has waited; 0 when there is none.", .limit = limit_oldest },
        { "tendd_limit_paused", FAMILY_GAUGE, NULL, "Whether an operator has paused it.", .limit = limit_paused },
        { "tendd_limit_granted", FAMILY_COUNTER, NULL, "Attempts that were given what they asked for.",
          .limit = limit_granted },
        { "tendd_pool_threads", FAMILY_GAUGE, NULL, "Threads that are to do work.", .pool = pool_threads },
        { "tendd_pool_busy", FAMILY_GAUGE, NULL, "Threads at a job that somebody waits for.", .pool = pool_busy },
        { "tendd_pool_stuck", FAMILY_GAUGE, NULL, "Threads at a job that nobody waits for any more.",
          .pool = pool_stuck },
        { "tendd_pool_queued", FAMILY_GAUGE, NULL, "Jobs that wait for a thread.", .pool = pool_queued },
        { "tendd_pool_degraded", FAMILY_GAUGE, NULL, "Whether more threads are stuck than can be replaced.",
          .pool = pool_degraded },
        { "tendd_pool_completed", FAMILY_COUNTER, NULL, "Jobs that are done.", .pool = pool_completed },
        { "tendd_pool_abandoned", FAMILY_COUNTER, NULL, "Jobs that were given up while a thread was at them.",
          .pool = pool_abandoned },
        { "tendd_pool_refused", FAMILY_COUNTER, NULL, "Jobs for which the queue was full.", .pool = pool_refused },
        { "tendd_loop_turns", FAMILY_COUNTER, NULL, "Turns of the event loop.", .one = turns },
        { "tendd_loop_callbacks", FAMILY_COUNTER, NULL, "Callbacks that it has called.", .one = callbacks },
        { "tendd_loop_slow_callbacks", FAMILY_COUNTER, NULL, "Callbacks that took longer than loop-warn.",
          .one = slow_callbacks },
        { "tendd_loop_turn_seconds", FAMILY_HISTOGRAM, "seconds",
          "How long turns took; bounds are met within 4 percent.", .one = turn_times },
        { "tendd_loop_lag_seconds", FAMILY_HISTOGRAM, "seconds",
          "How late timers were served; bounds are met within 4 percent.", .one = lags },
        { "tendd_log_records_written", FAMILY_COUNTER, NULL, "Records of the log that were written.",
          .one = log_records },
        { "tendd_log_records_dropped", FAMILY_COUNTER, NULL, "Records of the log that were lost.", .one = log_lost },
        { "tendd_log_records_queued", FAMILY_GAUGE, NULL, "Records of the log that wait to be written.",
          .one = log_waiting },
        { "tendd_store_degraded", FAMILY_GAUGE, NULL, "Whether what happens cannot be remembered at present.",
          .one = store_degraded },
        { "tendd_store_records_queued", FAMILY_GAUGE, NULL, "Records that wait to be written to the database.",
          .one = store_queued },
        { "tendd_store_records_written", FAMILY_COUNTER, NULL, "Records that were written to the database.",
          .one = store_written },
        { "tendd_store_records_lost", FAMILY_COUNTER, NULL, "Records that could not be.", .one = store_lost },
        { "tendd_store_commits", FAMILY_COUNTER, NULL, "Transactions of the database.", .one = store_commits },
        { "tendd_store_size_bytes", FAMILY_GAUGE, "bytes", "Size of the database at the last of them.",
          .one = store_size },
        { "tendd_control_connections", FAMILY_GAUGE, NULL, "Clients of the control socket.",
          .one = control_connections },
        { "tendd_control_connections_accepted", FAMILY_COUNTER, NULL, "Clients of the control socket so far.",
          .one = control_accepted },
        { "tendd_control_connections_refused", FAMILY_COUNTER, NULL, "Clients that were too many, or not allowed.",
          .one = control_refused },
        { "tendd_control_connections_cut_off", FAMILY_COUNTER, NULL,
          "Clients that did not take their answers, or were not understood.", .one = control_cut_off },
        { "tendd_control_calls", FAMILY_COUNTER, NULL, "Methods that were called.", .one = control_calls },
        { "tendd_http_connections", FAMILY_GAUGE, NULL, "Clients of the metrics and of the health.",
          .one = http_connections },
        { "tendd_http_requests", FAMILY_COUNTER, NULL, "Their requests.", .one = http_requests },
        { "tendd_http_requests_refused", FAMILY_COUNTER, NULL,
          "Requests that were not understood, too long, or for one scrape too many.", .one = http_refused },
        { "tendd_http_connections_cut_off", FAMILY_COUNTER, NULL, "Clients that took too long.", .one = http_cut_off },
};

const struct family *families(size_t *ret_n) {
        *ret_n = ARRAY_SIZE(table);
        return table;
}
