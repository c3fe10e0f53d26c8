/* SPDX-License-Identifier: MIT */
/* store-runs: how many runs a second the store takes, begun and ended, and what the loop feels of it.
 *
 *	store-runs DATABASE RUNS TASKS [RATE]    records RUNS runs of TASKS tasks, and prints the rate and the loop's lag
 *	store-runs DATABASE query                asks a database that was made so, and prints how long each question takes
 *
 * Runs are put in portions of a turn, as many turns of a busy daemon would; the queue is kept short of its bound, so that
 * none is lost. So many as the store takes, or RATE a second, of which what is late is made up for.
 */
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>

#define PORTION 50
#define WAITING 20000 /* records, at most */

static struct {
        struct loop *loop;
        struct store *store;
        struct loop_work work;
        struct loop_timer timer;
        unsigned long total, tasks, put;
        unsigned long rate; /* runs a second; 0: as many as it takes */
        usec_t start_usec, base_usec, asked_usec;
        unsigned question;
        int result;
} bench;

/* ---- recording ---- */

static void on_timer(struct loop_timer *timer, _unused_ void *arg) {
        loop_timer_set(timer, clock_now(CLOCK_ID_MONOTONIC) + USEC_PER_MSEC);
        if (bench.put < bench.total)
                loop_work_schedule(&bench.work);
}

static void on_written(int result, _unused_ void *arg) {
        if (result == -ETIMEDOUT || result == -EIO) { /* the disk is slow: it counts */
                bench.result = store_sync(bench.store, on_written, NULL, NULL);
                return;
        }
        loop_exit(bench.loop, 0);
}

static void put_one(unsigned long i) {
        char task[32], name[64], json[320];
        struct store_run run = {
                .task = task,
                .run = name,
                .trigger = "every",
                .due_usec = bench.base_usec + i * 100,
                .begun_usec = bench.base_usec + i * 100,
                .json = json,
        };

        (void)snprintf(task, sizeof(task), "task-%lu", i % bench.tasks);
        (void)snprintf(name, sizeof(name), "%s#%lu", task, i / bench.tasks);
        (void)snprintf(
                json, sizeof(json),
                "{\"task\":\"%s\",\"run\":\"%s\",\"outcome\":\"ok\",\"errors\":[],\"attempts\":1,\"queued_usec\":12,"
                "\"duration_usec\":%lu}",
                task, name, i % 9973);
        store_put_begin(bench.store, &run);
        run.ended_usec = run.begun_usec + i % 9973;
        run.duration_usec = i % 9973;
        run.attempts = 1;
        run.outcome = i % 100 == 99 ? OUTCOME_FAILED : OUTCOME_OK;
        store_put_end(bench.store, &run);
}

/* So many runs are to be put by now. */
static unsigned long offered(void) {
        usec_t usec = clock_now(CLOCK_ID_MONOTONIC) - bench.start_usec;

        return bench.rate > 0 ? MIN(bench.total, usec * bench.rate / USEC_PER_SEC) : bench.total;
}

static void on_work(struct loop_work *work, _unused_ void *arg) {
        unsigned long until = offered();
        struct store_stats stats;

        store_get_stats(bench.store, &stats);
        for (unsigned i = 0; i < PORTION && stats.queued < WAITING && bench.put < until; i++)
                put_one(bench.put++);
        if (bench.put < until && stats.queued < WAITING)
                loop_work_schedule(work);
        else if (bench.put == bench.total)
                bench.result = store_sync(bench.store, on_written, NULL, NULL);
}

static int record(void) {
        struct loop_stats loop_stats;
        struct store_stats stats;
        usec_t took_usec;

        bench.base_usec = clock_now(CLOCK_ID_REALTIME) - bench.total * 100;
        if (loop_timer_init(&bench.timer, bench.loop, CLOCK_ID_MONOTONIC, "bench-tick", on_timer, NULL) < 0)
                return 1;
        loop_timer_set(&bench.timer, clock_now(CLOCK_ID_MONOTONIC) + USEC_PER_MSEC);
        loop_work_init(&bench.work, bench.loop, "bench-put", on_work, NULL);
        loop_work_schedule(&bench.work);
        loop_reset_stats(bench.loop);
        bench.start_usec = clock_now(CLOCK_ID_MONOTONIC);
        (void)loop_run(bench.loop);
        took_usec = clock_now(CLOCK_ID_MONOTONIC) - bench.start_usec;
        loop_get_stats(bench.loop, &loop_stats);
        store_get_stats(bench.store, &stats);
        loop_timer_done(&bench.timer);
        printf("{\"seconds\": %.6f, \"done\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"commits\": %" PRIu64
               ", \"lag_p99_usec\": %" PRIu64 ", \"turn_p99_usec\": %" PRIu64 "}\n",
               (double)took_usec / (double)USEC_PER_SEC, stats.written / 2, stats.lost, stats.commits,
               loop_stats.lag.p99_usec, loop_stats.turn.p99_usec);
        return stats.lost > 0 || bench.result < 0;
}

/* ---- asking ---- */

static const char *const one[] = { "task-7", NULL };

static const struct {
        const char *name;
        struct store_history_query history;
        const char *task; /* of a summary */
} questions[] = {
        { "page", { .n = 50 }, NULL },
        { "page_of_task", { .tasks = one, .n = 50 }, NULL },
        { "page_of_failed", { .failed = true, .n = 50 }, NULL },
        { "run", { .run = "task-7#100", .n = 1 }, NULL },
        { "summary", { .n = 0 }, "task-7" },
};

static void ask_next(void);

static void on_answer(int error, size_t n) {
        usec_t took_usec = clock_now(CLOCK_ID_MONOTONIC) - bench.asked_usec;

        printf("%s\"%s\": {\"msec\": %.3f, \"rows\": %zu}", bench.question > 0 ? ", " : "{",
               questions[bench.question].name, (double)took_usec / 1000.0, n);
        bench.result = error;
        bench.question++;
        ask_next();
}

static void on_history(int error, _unused_ const struct store_history_row *rows, size_t n, _unused_ void *arg) {
        on_answer(error, n);
}

static void on_summary(int error, const struct store_summary *summary, _unused_ void *arg) {
        on_answer(error, error < 0 ? 0 : (size_t)summary->by_outcome[OUTCOME_OK]);
}

static void ask_next(void) {
        struct store_history_query query;

        if (bench.result < 0 || bench.question == ARRAY_SIZE(questions)) {
                printf("}\n");
                loop_exit(bench.loop, 0);
                return;
        }
        bench.asked_usec = clock_now(CLOCK_ID_MONOTONIC);
        query = questions[bench.question].history;
        query.until_usec = USEC_INFINITY;
        query.before = UINT64_MAX;
        if (questions[bench.question].task)
                bench.result =
                        store_ask_summary(bench.store, questions[bench.question].task, 0, on_summary, NULL, NULL);
        else
                bench.result = store_ask_history(bench.store, &query, on_history, NULL, NULL);
        if (bench.result < 0)
                loop_exit(bench.loop, 1);
}

static void on_ask(_unused_ struct loop_work *work, _unused_ void *arg) {
        ask_next();
}

static int query(void) {
        loop_work_init(&bench.work, bench.loop, "bench-ask", on_ask, NULL);
        loop_work_schedule(&bench.work);
        (void)loop_run(bench.loop);
        return bench.result < 0;
}

int main(int argc, char *argv[]) {
        struct store_options options = { .keep_usec = USEC_INFINITY, .keep_runs = UINT64_MAX };
        int r;

        if (argc != 4 && argc != 5 && !(argc == 3 && streq(argv[2], "query"))) {
                fprintf(stderr, "usage: %s DATABASE RUNS TASKS [RATE] | DATABASE query\n", argv[0]);
                return 2;
        }
        options.path = argv[1];
        if (loop_new(&bench.loop) < 0)
                return 1;
        options.loop = bench.loop;
        if (store_open(&options, &bench.store) < 0)
                return 1;
        if (argc > 3) {
                bench.total = strtoul(argv[2], NULL, 10);
                bench.rate = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
                bench.tasks = MAX(strtoul(argv[3], NULL, 10), 1ul);
                r = record();
        } else {
                r = query();
        }
        bench.store = store_close(bench.store, 60 * USEC_PER_SEC);
        bench.loop = loop_free(bench.loop);
        return r;
}
