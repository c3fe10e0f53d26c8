/* SPDX-License-Identifier: MIT */
/* retain: history that is no longer kept is removed, in slices of the writer's time; so are tasks, with their items, that no
 * configuration has had for as long.
 *
 * A slice follows a batch, when enough was written since the last one or ten minutes have passed, so that a store that
 * nobody writes to does nothing. It removes somewhat more than was written meanwhile, and as long as there is more to
 * remove, another one follows whenever nothing waits to be written. What is free in the file is used again; only when a
 * good part of it is free, because less is kept than before, the file is made shorter, in slices as well.
 */
#include "store/database.h"

#define SLICE         500u  /* rows, at least */
#define SLICE_MAX     2000u /* and at most: some ten milliseconds */
#define INTERVAL_USEC (10 * USEC_PER_MINUTE)
#define GONE_SLICE    16   /* tasks: one may have 10,000 items */
#define FREE_PAGES    1024 /* less than that is not worth it */
#define VACUUM_PAGES  "256"

/* Removes the oldest rows, at most @max, of those before @before. Returns how many, or a negative errno. */
static int64_t remove_oldest(struct database *db, enum statement id, int64_t before, uint64_t max) {
        sqlite3_stmt *stmt;
        int code;

        if (max == 0 || before <= 0)
                return 0;
        stmt = database_statement(db, id);
        if (!stmt)
                return database_fail(db, sqlite3_extended_errcode(db->handle));
        (void)sqlite3_bind_int64(stmt, 1, before);
        (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)max);
        code = sqlite3_step(stmt);
        (void)sqlite3_reset(stmt);
        return code == SQLITE_DONE ? sqlite3_changes64(db->handle) : database_fail(db, code);
}

/* Items first: should the tasks stay, for want of a disk, they are removed the next time. */
static int64_t remove_gone(struct database *db, int64_t before) {
        int64_t r = remove_oldest(db, STATEMENT_OLD_ITEMS, before, GONE_SLICE);

        return r < 0 ? r : remove_oldest(db, STATEMENT_OLD_TASKS, before, GONE_SLICE);
}

static int count_runs(struct database *db, struct retain *retain) {
        int64_t n = 0;
        int r = 0;

        if (retain->counted || retain->keep_runs == UINT64_MAX)
                return 0;
        r = database_ask(db, "SELECT count(*) FROM run", &n);
        retain->n_runs = (uint64_t)n;
        retain->counted = r >= 0;
        return r;
}

static int remove_rows(struct database *db, struct retain *retain, uint64_t budget) {
        usec_t now = clock_now(CLOCK_ID_REALTIME);
        int64_t before = retain->keep_usec == USEC_INFINITY ? 0 : (int64_t)usec_sub(now, retain->keep_usec);
        int64_t old, missed, gone, many = 0;
        uint64_t excess;

        old = remove_oldest(db, STATEMENT_OLD_RUNS, before, budget);
        if (old < 0)
                return (int)old;
        missed = remove_oldest(db, STATEMENT_OLD_MISSED, before, budget);
        if (missed < 0)
                return (int)missed;
        gone = remove_gone(db, before);
        if (gone < 0)
                return (int)gone;
        retain->n_runs -= MIN((uint64_t)old, retain->n_runs);
        excess = retain->n_runs > retain->keep_runs ? retain->n_runs - retain->keep_runs : 0;
        if (retain->counted && excess > 0)
                many = remove_oldest(db, STATEMENT_OLD_RUNS, INT64_MAX, MIN(excess, budget));
        if (many < 0)
                return (int)many;
        retain->n_runs -= MIN((uint64_t)many, retain->n_runs);
        retain->more = (uint64_t)old == budget || (uint64_t)missed == budget || gone == GONE_SLICE || excess > budget;
        return 0;
}

static int shorten(struct database *db, struct retain *retain) {
        int64_t n_free = 0, n = 0;
        int code, r;

        r = database_ask(db, "PRAGMA freelist_count", &n_free);
        if (r >= 0)
                r = database_ask(db, "PRAGMA page_count", &n);
        if (r < 0 || n_free < FREE_PAGES || n_free < n / 4)
                return r;
        code = sqlite3_exec(db->handle, "PRAGMA incremental_vacuum(" VACUUM_PAGES ")", NULL, NULL, NULL);
        retain->more = true;
        return code == SQLITE_OK ? 0 : database_fail(db, code);
}

int database_retain(struct database *db, struct retain *retain, uint64_t written, uint64_t n_runs) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        uint64_t budget;
        int r;

        retain->written += written;
        retain->n_runs += n_runs;
        if (!retain->more && retain->written < SLICE && now < retain->next_usec)
                return 0;
        r = count_runs(db, retain);
        if (r < 0)
                return r;
        budget = MIN(SLICE + 2 * retain->written, (uint64_t)SLICE_MAX);
        r = remove_rows(db, retain, budget);
        if (r >= 0 && !retain->more)
                r = shorten(db, retain);
        retain->written = 0;
        retain->next_usec = usec_add(now, INTERVAL_USEC);
        return r;
}
