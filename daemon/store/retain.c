/* SPDX-License-Identifier: MIT */
/* retain: history that is no longer kept is removed, in slices of the writer's time; so are tasks, with their items, that no
 * configuration has had for as long.
 *
 * A slice follows a batch, when enough was written since the last one or ten minutes have passed, so that a store that
 * nobody writes to does nothing. It removes somewhat more than was written meanwhile, and as long as there is more to
 * remove, another one follows whenever nothing waits to be written. What is free in the file is used again; only when a
 * good part of it is free, because less is kept than before, the file is made shorter, in slices as well.
 *
 * How old a run is counts from its end: one that took longer than history is kept would else be gone as soon as it could be
 * seen. Rows are in the order of beginnings, so of twice as many as are to go, those go that ended first.
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

static int count_rows(struct database *db, struct retain *retain) {
        int64_t n_runs = 0, n_missed = 0;
        int r;

        if (retain->counted || retain->keep_runs == UINT64_MAX)
                return 0;
        r = database_ask(db, "SELECT count(*) FROM run", &n_runs);
        if (r >= 0)
                r = database_ask(db, "SELECT count(*) FROM missed", &n_missed);
        retain->n_runs = (uint64_t)n_runs;
        retain->n_missed = (uint64_t)n_missed;
        retain->counted = r >= 0;
        return r;
}

/* Of rows of one kind, @n of them in the file, what is older than @before, and what is too much. */
static int remove_kind(struct database *db, struct retain *retain, enum statement id, int64_t before, uint64_t *n,
                       uint64_t budget) {
        int64_t old, many = 0;
        uint64_t excess = 0;

        old = remove_oldest(db, id, before, budget);
        if (old < 0)
                return (int)old;
        *n -= MIN((uint64_t)old, *n);
        if (retain->counted && *n > retain->keep_runs)
                excess = *n - retain->keep_runs;
        many = remove_oldest(db, id, INT64_MAX, MIN(excess, budget));
        if (many < 0)
                return (int)many;
        *n -= MIN((uint64_t)many, *n);
        retain->more = retain->more || (uint64_t)old == budget || excess > budget;
        return 0;
}

static int remove_rows(struct database *db, struct retain *retain, uint64_t budget) {
        usec_t now = clock_now(CLOCK_ID_REALTIME);
        int64_t before = retain->keep_usec == USEC_INFINITY ? 0 : (int64_t)usec_sub(now, retain->keep_usec);
        int64_t gone;
        int r;

        retain->more = false;
        r = remove_kind(db, retain, STATEMENT_OLD_RUNS, before, &retain->n_runs, budget);
        if (r >= 0)
                r = remove_kind(db, retain, STATEMENT_OLD_MISSED, before, &retain->n_missed, budget);
        if (r < 0)
                return r;
        gone = remove_gone(db, before);
        if (gone < 0)
                return (int)gone;
        retain->more = retain->more || gone == GONE_SLICE;
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

int database_retain(struct database *db, struct retain *retain, uint64_t written, const struct applied *applied) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        uint64_t budget;
        int r;

        retain->written += written;
        retain->n_runs += applied->n_runs;
        retain->n_missed += applied->n_missed;
        if (!retain->more && retain->written < SLICE && now < retain->next_usec)
                return 0;
        r = count_rows(db, retain);
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
