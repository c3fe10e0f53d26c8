/* SPDX-License-Identifier: MIT */
/* history: pages of runs and of what did not run, newest first.
 *
 * Runs and missed occurrences are in two tables, each in the order of its positions, which are instants. What a client
 * knows is twice that, and one more for missed ones, so that the two make one row. A page is found in two steps: of each
 * task that was asked for, the positions of its newest rows, from indexes alone; then the newest of all these, as rows.
 * So the time it takes depends on the page and the number of tasks, not on the size of the history, except where hooks or
 * the outcome are looked for among many others.
 *
 * What was begun before some time and ended after it is no range of positions. Of runs that took an hour there is an index by
 * their ends, which has few rows; the others were begun in the hour before, which is a range again. They come last, so they are
 * looked for only by pages that have room for them.
 */
#include "store/store_private.h"

#include <stdio.h>

#define SQL_MAX 2048

struct page {
        struct database *db;
        const struct store_query *query;
        uint64_t *positions;
        size_t n, size;
};

/* What of a table is looked for. */
enum part {
        PART_RUNS,       /* that were begun since then */
        PART_MISSED,     /* due since then */
        PART_RUNS_SHORT, /* begun in DATABASE_LONG_USEC before, and ended since */
        PART_RUNS_LONG,  /* begun earlier, and ended since */
        _PART_MAX,
};

/* Where positions of one table come from. Parameters: the task, below, from, at most, ended since. */
struct source {
        enum part part;
        sqlite3_stmt *stmt;
};

static int fail(struct database *db) {
        return database_fail(db, sqlite3_extended_errcode(db->handle));
}

static int prepare(struct database *db, const char *sql, sqlite3_stmt **ret) {
        int code = sqlite3_prepare_v2(db->handle, sql, -1, ret, NULL);

        return code == SQLITE_OK ? 0 : database_fail(db, code);
}

static int newest_first(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return (*x < *y) - (*x > *y);
}

/* Keeps the newest of what was found. */
static void cut(struct page *page) {
        qsort(page->positions, page->n, sizeof(*page->positions), newest_first);
        page->n = MIN(page->n, (size_t)page->query->history.n);
}

static int add(struct page *page, uint64_t position) {
        if (page->n == page->size) {
                size_t size = MAX(2 * page->size, (size_t)64);
                uint64_t *more = reallocarray(page->positions, size, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                page->positions = more;
                page->size = size;
        }
        page->positions[page->n++] = position;
        return 0;
}

static int prepare_source(struct page *page, struct source *source, bool by_task) {
        static const char *const ended[_PART_MAX] = {
                [PART_RUNS] = "",
                [PART_MISSED] = "",
                [PART_RUNS_SHORT] = " AND ended_usec >= ?5",
                [PART_RUNS_LONG] = (" AND ended_usec >= ?5 AND " DATABASE_LONG),
        };
        const struct store_history_query *asked = &page->query->history;
        const char *index = by_task ? "run_by_task" : NULL, *outcome = "", *hook = asked->hooks ? "" : " AND hook = 0";
        bool missed = source->part == PART_MISSED;
        char sql[512];

        if (missed) {
                index = by_task ? "missed_by_task" : NULL;
                hook = "";
        } else if (asked->failed) {
                index = by_task ? "run_failed_by_task" : "run_failed";
                outcome = " AND outcome IN ('failed', 'timeout', 'interrupted')";
        }
        if (source->part == PART_RUNS_LONG)
                index = "run_long";
        (void)snprintf(sql, sizeof(sql),
                       "SELECT position FROM %s %s%s WHERE %s AND position < ?2 AND position >= ?3%s%s%s"
                       " ORDER BY position DESC LIMIT ?4",
                       missed ? "missed" : "run", index ? "INDEXED BY " : "", index ?: "",
                       by_task ? "task IS ?1" : "?1 IS NULL", outcome, hook, ended[source->part]);
        return prepare(page->db, sql, &source->stmt);
}

/* The first instant whose rows are not wanted any more. */
static usec_t below(const struct store_history_query *asked, bool missed) {
        uint64_t position = asked->before / 2 + (missed ? 0 : asked->before % 2);

        position = MIN(position, asked->until_usec);
        return MIN(position, (uint64_t)INT64_MAX);
}

/* Adds the newest positions of @source; of @task: NULL for all, and of what is missed also for gaps. */
static int look_into(struct page *page, struct source *source, const char *task) {
        const struct store_history_query *asked = &page->query->history;
        usec_t since = MIN(asked->since_usec, (usec_t)INT64_MAX), hour_before = usec_sub(since, DATABASE_LONG_USEC);
        const usec_t from[_PART_MAX] = { since, since, hour_before, 0 },
                     to[_PART_MAX] = { USEC_INFINITY, USEC_INFINITY, since, hour_before };
        bool missed = source->part == PART_MISSED;
        sqlite3_stmt *stmt = source->stmt;
        int code, r = 0;

        (void)sqlite3_bind_text(stmt, 1, task, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)MIN(below(asked, missed), to[source->part]));
        (void)sqlite3_bind_int64(stmt, 3, (sqlite3_int64)from[source->part]);
        (void)sqlite3_bind_int64(stmt, 4, asked->n);
        (void)sqlite3_bind_int64(stmt, 5, (sqlite3_int64)since); /* those that have no such parameter refuse it */
        while (r >= 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW)
                r = add(page, 2 * (uint64_t)sqlite3_column_int64(stmt, 0) + missed);
        if (r >= 0 && code != SQLITE_DONE)
                r = fail(page->db);
        (void)sqlite3_reset(stmt);
        if (page->n > 8 * (size_t)STORE_PAGE_MAX)
                cut(page);
        return r;
}

/* Whether rows of @part may be on the page, after what was found in those before it. */
static bool is_asked(const struct page *page, enum part part) {
        const struct store_history_query *asked = &page->query->history;

        if (part == PART_MISSED)
                return !asked->failed;
        return part == PART_RUNS || (asked->reaching && page->n < asked->n);
}

static int find_positions(struct page *page) {
        const char *names = page->query->names;
        bool by_task = *names != '\0';
        int r = 0;

        for (enum part part = 0; part < _PART_MAX && r >= 0; part++) {
                struct source source = { .part = part };

                if (!is_asked(page, part))
                        continue;
                r = prepare_source(page, &source, by_task);
                if (r >= 0 && (!by_task || part == PART_MISSED))
                        r = look_into(page, &source, NULL); /* what was lost may have been of any task */
                for (const char *name = names; r >= 0 && *name; name += strlen(name) + 1)
                        r = look_into(page, &source, name);
                (void)sqlite3_finalize(source.stmt);
        }
        if (r >= 0 && page->n > 0)
                cut(page);
        return r;
}

static int add_row(sqlite3_stmt *stmt, enum record_kind kind, struct batch *rows) {
        struct record row, *record;

        database_read(stmt, kind, &row.task);
        record = batch_add(rows, kind, &row.task);
        if (!record)
                return -ENOMEM;
        record->position =
                2 * (uint64_t)sqlite3_column_int64(stmt, (int)record_types[kind].n_columns) + (kind == RECORD_MISSED);
        return 0;
}

static void write_select(enum record_kind kind, bool brief, const char *where, char *sql, size_t size) {
        char columns[SQL_MAX / 2];

        (void)database_columns(kind, brief, columns, sizeof(columns));
        (void)snprintf(sql, size, "SELECT %s, position FROM %s WHERE %s", columns, record_types[kind].table, where);
}

static int read_rows(struct page *page, struct batch *rows) {
        static const enum record_kind kinds[] = { RECORD_END, RECORD_MISSED };
        sqlite3_stmt *stmts[2] = { 0 };
        char sql[SQL_MAX];
        int r = 0;

        for (size_t i = 0; i < page->n && r >= 0; i++) {
                unsigned missed = page->positions[i] % 2;
                int code;

                if (!stmts[missed]) {
                        write_select(kinds[missed], true, "position = ?1", sql, sizeof(sql));
                        r = prepare(page->db, sql, &stmts[missed]);
                        if (r < 0)
                                break;
                }
                (void)sqlite3_bind_int64(stmts[missed], 1, (sqlite3_int64)(page->positions[i] / 2));
                code = sqlite3_step(stmts[missed]);
                if (code == SQLITE_ROW)
                        r = add_row(stmts[missed], kinds[missed], rows);
                else if (code != SQLITE_DONE)
                        r = fail(page->db);
                (void)sqlite3_reset(stmts[missed]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(stmts); i++)
                (void)sqlite3_finalize(stmts[i]);
        return r;
}

/* Runs of one name, whole: numbers may have begun anew. */
static int read_runs(struct database *db, struct store_query *query) {
        sqlite3_stmt *stmt = NULL;
        char sql[SQL_MAX];
        int r, code = SQLITE_DONE;

        write_select(RECORD_END, false, "run = ?1 AND position < ?2 ORDER BY position DESC LIMIT ?3", sql, sizeof(sql));
        r = prepare(db, sql, &stmt);
        (void)sqlite3_bind_text(stmt, 1, query->names, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)below(&query->history, false));
        (void)sqlite3_bind_int64(stmt, 3, query->history.n);
        while (r >= 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW)
                r = add_row(stmt, RECORD_END, &query->rows);
        if (r >= 0 && code != SQLITE_DONE)
                r = fail(db);
        (void)sqlite3_finalize(stmt);
        return r;
}

int reader_history(struct database *db, struct store_query *query) {
        struct page page = { .db = db, .query = query };
        int code, r;

        /* One view of both tables and both steps. */
        code = sqlite3_exec(db->handle, "BEGIN", NULL, NULL, NULL);
        if (code != SQLITE_OK)
                return database_fail(db, code);
        if (query->history.run) {
                r = read_runs(db, query);
        } else {
                r = find_positions(&page);
                if (r >= 0)
                        r = read_rows(&page, &query->rows);
        }
        free(page.positions);
        if (r >= 0)
                (void)sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL);
        return r;
}
