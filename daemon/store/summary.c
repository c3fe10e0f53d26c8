/* SPDX-License-Identifier: MIT */
/* summary: what the history says of one task, read from one index that has all that is needed, the newest first. */
#include "store/store_private.h"

#define DURATIONS_MAX 100000

struct durations {
        usec_t *items;
        size_t n, size;
};

static int add(struct durations *durations, usec_t usec) {
        if (durations->n == DURATIONS_MAX)
                return 0;
        if (durations->n == durations->size) {
                size_t size = MAX(2 * durations->size, (size_t)64);
                usec_t *more = reallocarray(durations->items, size, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                durations->items = more;
                durations->size = size;
        }
        durations->items[durations->n++] = usec;
        return 0;
}

static int shortest_first(const void *a, const void *b) {
        const usec_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* Nearest rank: the shortest duration that so many per cent do not exceed. */
static usec_t percentile(const struct durations *durations, unsigned percent) {
        return durations->items[(durations->n * percent + 99) / 100 - 1];
}

static void summarize(struct durations *durations, struct store_summary *summary) {
        if (durations->n == 0)
                return;
        qsort(durations->items, durations->n, sizeof(*durations->items), shortest_first);
        summary->p50_usec = percentile(durations, 50);
        summary->p90_usec = percentile(durations, 90);
        summary->p99_usec = percentile(durations, 99);
        summary->max_usec = durations->items[durations->n - 1];
}

static int add_run(sqlite3_stmt *stmt, struct durations *durations, struct store_summary *summary) {
        usec_t begun_usec = (usec_t)sqlite3_column_int64(stmt, 0);
        const char *name = (const char *)sqlite3_column_text(stmt, 1);
        usec_t duration_usec = (usec_t)sqlite3_column_int64(stmt, 2);
        enum outcome outcome = outcome_from_string(name ?: "");

        if ((int)outcome < 0)
                return 0; /* of another time */
        summary->by_outcome[outcome]++;
        if (summary->n_last < ARRAY_SIZE(summary->last)) {
                summary->last[summary->n_last].begun_usec = begun_usec;
                summary->last[summary->n_last].duration_usec = duration_usec;
                summary->last[summary->n_last++].outcome = outcome;
        }
        return outcome == OUTCOME_OK ? add(durations, duration_usec) : 0;
}

/* The statement with the task and the time bound, or NULL. */
static sqlite3_stmt *begin(struct database *db, const struct store_query *query, const char *sql) {
        sqlite3_stmt *stmt = NULL;

        if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL) != SQLITE_OK)
                return NULL;
        (void)sqlite3_bind_text(stmt, 1, query->names, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)MIN(query->since_usec, (uint64_t)INT64_MAX));
        return stmt;
}

static int read_runs(struct database *db, struct store_query *query) {
        struct durations durations = { 0 };
        int code = SQLITE_DONE, r = 0;
        sqlite3_stmt *stmt;

        stmt = begin(db, query,
                     "SELECT position, outcome, duration_usec FROM run INDEXED BY run_by_task"
                     " WHERE task = ?1 AND position >= ?2 ORDER BY position DESC");
        if (!stmt)
                return database_fail(db, sqlite3_extended_errcode(db->handle));
        while (r >= 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW)
                r = add_run(stmt, &durations, &query->summary);
        if (r >= 0 && code != SQLITE_DONE)
                r = database_fail(db, code);
        (void)sqlite3_finalize(stmt);
        if (r >= 0)
                summarize(&durations, &query->summary);
        free(durations.items);
        return r;
}

int reader_summary(struct database *db, struct store_query *query) {
        sqlite3_stmt *stmt;
        int code, r;

        r = read_runs(db, query);
        if (r < 0)
                return r;
        stmt = begin(db, query, "SELECT sum(n) FROM missed WHERE task = ?1 AND position >= ?2");
        code = stmt ? sqlite3_step(stmt) : sqlite3_extended_errcode(db->handle);
        if (code == SQLITE_ROW)
                query->summary.missed = (uint64_t)sqlite3_column_int64(stmt, 0);
        (void)sqlite3_finalize(stmt);
        return code == SQLITE_ROW ? 0 : database_fail(db, code);
}
