/* SPDX-License-Identifier: MIT */
/* apply: a batch of records, written in one transaction.
 *
 * The position of a run in the history is the instant of its beginning, or, when another has that one, the next of a row of
 * places that only depends on the run. So rows are in the order of time without an index for that, and a batch that is
 * written again, because nobody knows whether its commit succeeded, finds its own rows and replaces them. The same for
 * what was missed, at the instant it was due for. Taking one back from a row of missed ones cannot be done twice: a batch
 * with such a record leaves a mark, how many records of this session are in the file, and what is up to there is passed
 * over when it is written again.
 *
 * Between its beginning and its end a run is in the table `live`, which is small and stays in the cache. One that begins and
 * ends in one batch, as most do when there are many, never goes there; unless its beginning may have been written before,
 * when the batch was tried without its end. A hook is put there twice, the second time when it begins, and may be there
 * from the first time.
 */
#include "store/database.h"

#define CHECKPOINT_PAGES 1000 /* of 4 KiB in the log, when they are copied into the file */
#define PLACES_MAX       64

/* What cannot become a row, whatever the state of the disk. */
static bool is_unfit(int code) {
        return (code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_TOOBIG || (code & 0xff) == SQLITE_MISMATCH;
}

/* Steps a statement that returns no more than one row, and leaves it ready for the next time. SQLITE_DONE or SQLITE_ROW, of
 * which @ret are the first two columns; or the error. */
static int step(sqlite3_stmt *stmt, int64_t ret[2]) {
        int code = sqlite3_step(stmt);

        if (code == SQLITE_ROW && ret)
                for (int i = 0; i < MIN(2, sqlite3_column_count(stmt)); i++)
                        ret[i] = sqlite3_column_int64(stmt, i);
        (void)sqlite3_reset(stmt);
        return code;
}

/* The statement with all parameters unset. NULL: see sqlite3_extended_errcode(). */
static sqlite3_stmt *fresh(struct database *db, enum statement id) {
        sqlite3_stmt *stmt = database_statement(db, id);

        if (stmt)
                (void)sqlite3_clear_bindings(stmt);
        return stmt;
}

static int code_of(struct database *db) {
        return sqlite3_extended_errcode(db->handle) ?: SQLITE_NOMEM;
}

static int do_simple(struct database *db, enum statement id) {
        sqlite3_stmt *stmt = database_statement(db, id);

        return stmt ? step(stmt, NULL) : code_of(db);
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text) {
        (void)sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static void bind_usec(sqlite3_stmt *stmt, int at, usec_t usec) {
        (void)sqlite3_bind_int64(stmt, at, (sqlite3_int64)usec);
}

static int do_put(struct database *db, enum statement id, const struct record *record, int64_t more) {
        sqlite3_stmt *stmt = database_statement(db, id);

        if (!stmt)
                return code_of(db);
        database_bind(stmt, record);
        if (sqlite3_bind_parameter_count(stmt) > (int)record_types[record->kind].n_columns)
                (void)sqlite3_bind_int64(stmt, sqlite3_bind_parameter_count(stmt), more);
        return step(stmt, NULL);
}

/* ---- runs that begin and end in one batch ---- */

/* Ends of a batch by run, in a hash table of twice as many places. */
struct ends {
        struct end {
                const struct record *record; /* NULL: a free place */
                bool begun;                  /* in this batch */
        } * places;
        size_t n; /* a power of two; 0: none */
};

static size_t hash_run(const char *run, usec_t begun_usec) {
        uint64_t hash = begun_usec * 0x9e3779b97f4a7c15u;

        for (const char *c = run ?: ""; *c; c++)
                hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
        return (size_t)(hash ^ hash >> 29);
}

/* The end of this run, or the free place for it; NULL when there is no table. */
static struct end *find_end(const struct ends *ends, const char *run, usec_t begun_usec) {
        size_t i = hash_run(run, begun_usec);

        if (ends->n == 0)
                return NULL;
        for (;; i++) {
                struct end *end = &ends->places[i & (ends->n - 1)];

                if (!end->record ||
                    (end->record->run.begun_usec == begun_usec && streq(end->record->run.run ?: "", run ?: "")))
                        return end;
        }
}

/* Without memory for it there is no table, and nothing is spared. */
static void ends_init(struct ends *ends, const struct batch *batch) {
        struct batch_place place = { 0 };
        const struct record *record;
        size_t n = 0, n_begins = 0, size = 4;

        while ((record = batch_next(batch, &place))) {
                n += record->kind == RECORD_END;
                n_begins += record->kind == RECORD_BEGIN;
        }
        while (size < 2 * n)
                size *= 2;
        *ends = (struct ends){ .places = n > 0 && n_begins > 0 ? calloc(size, sizeof(*ends->places)) : NULL };
        if (!ends->places)
                return;
        ends->n = size;
        place = (struct batch_place){ 0 };
        while ((record = batch_next(batch, &place)))
                if (record->kind == RECORD_END)
                        find_end(ends, record->run.run, record->run.begun_usec)->record = record;
}

/* Whether @record would be removed again by an end in the same batch; notes that its run begins here. */
static bool is_spared(const struct ends *ends, const struct record *record) {
        struct end *end = NULL;

        if (record->kind == RECORD_BEGIN)
                end = find_end(ends, record->run.run, record->run.begun_usec);
        else if (record->kind == RECORD_PROCESS || record->kind == RECORD_PROCESS_GONE)
                end = find_end(ends, record->process.run, record->process.begun_usec);
        if (!end || !end->record)
                return false;
        if (record->kind == RECORD_BEGIN)
                end->begun = !record->run.hook || record->run.cause;
        return record->kind == RECORD_BEGIN || end->begun;
}

/* ---- places in the history ---- */

/* The place to try after @tries others were taken. */
static int64_t place_of(usec_t usec, const char *name, unsigned tries) {
        uint64_t hash = 1469598103934665603u;
        uint64_t spread = UINT64_C(1) << MIN(tries, 20u);

        if (tries == 0)
                return (int64_t)usec;
        for (; *name; name++)
                hash = (hash ^ (unsigned char)*name) * 1099511628211u;
        hash = (hash + tries) * 11400714819323198485u;
        return (int64_t)(usec + 1 + (hash >> 32) % spread);
}

struct history_kind {
        enum statement put, replace, is;
};

static const struct history_kind run_kind = { STATEMENT_PUT_RUN, STATEMENT_REPLACE_RUN, STATEMENT_IS_RUN };
static const struct history_kind missed_kind = { STATEMENT_PUT_MISSED, STATEMENT_REPLACE_MISSED, STATEMENT_IS_MISSED };

/* SQLITE_ROW when the place has this record already, from an earlier time. */
static int is_there(struct database *db, const struct history_kind *kind, const struct record *record, int64_t place) {
        sqlite3_stmt *stmt = fresh(db, kind->is);
        bool run = record->kind == RECORD_END;

        if (!stmt)
                return code_of(db);
        (void)sqlite3_bind_int64(stmt, 1, place);
        bind_text(stmt, 2, run ? record->run.run : record->missed.task);
        bind_usec(stmt, 3, run ? record->run.begun_usec : record->missed.first_due_usec);
        if (!run) {
                bind_text(stmt, 4, record->missed.reason);
                bind_text(stmt, 5, record->missed.trigger);
        }
        return step(stmt, NULL);
}

static int put_history(struct database *db, const struct history_kind *kind, const struct record *record, usec_t usec,
                       const char *name) {
        int code = SQLITE_DONE;

        for (unsigned tries = 0; tries < PLACES_MAX; tries++) {
                int64_t place = place_of(usec, name ?: "", tries);

                code = do_put(db, kind->put, record, place);
                if (code != SQLITE_DONE || sqlite3_changes(db->handle) > 0)
                        return code;
                code = is_there(db, kind, record, place);
                if (code == SQLITE_ROW)
                        return do_put(db, kind->replace, record, place);
                if (code != SQLITE_DONE)
                        return code;
        }
        return SQLITE_CONSTRAINT;
}

/* ---- one function a kind of record; each returns SQLITE_DONE or an error ---- */

static int apply_task(struct database *db, const struct record *record) {
        return do_put(db, STATEMENT_PUT_TASK, record, 0);
}

static int apply_item(struct database *db, const struct record *record) {
        sqlite3_stmt *stmt;

        if (record->item.failures > 0)
                return do_put(db, STATEMENT_PUT_ITEM, record, 0);
        stmt = fresh(db, STATEMENT_DROP_ITEM);
        if (!stmt)
                return code_of(db);
        bind_text(stmt, 1, record->item.task);
        bind_text(stmt, 2, record->item.item);
        return step(stmt, NULL);
}

static int apply_pause(struct database *db, const struct record *record) {
        sqlite3_stmt *stmt;

        if (record->pause.paused_by)
                return do_put(db, STATEMENT_PUT_PAUSE, record, 0);
        stmt = fresh(db, STATEMENT_DROP_PAUSE);
        if (!stmt)
                return code_of(db);
        bind_text(stmt, 1, record->pause.what);
        return step(stmt, NULL);
}

static int apply_begin(struct database *db, const struct record *record) {
        return do_put(db, STATEMENT_PUT_LIVE, record, (int64_t)db->session);
}

static int apply_process(struct database *db, const struct record *record) {
        return do_put(db, STATEMENT_PUT_PROCESS, record, 0);
}

static int apply_process_gone(struct database *db, const struct record *record) {
        sqlite3_stmt *stmt = fresh(db, STATEMENT_DROP_PROCESS);

        if (!stmt)
                return code_of(db);
        bind_text(stmt, 1, record->process.run);
        bind_usec(stmt, 2, record->process.begun_usec);
        (void)sqlite3_bind_int(stmt, 3, record->process.pid);
        return step(stmt, NULL);
}

static int drop_of_run(struct database *db, enum statement id, const struct store_run *run) {
        sqlite3_stmt *stmt = fresh(db, id);

        if (!stmt)
                return code_of(db);
        bind_text(stmt, 1, run->run);
        bind_usec(stmt, 2, run->begun_usec);
        return step(stmt, NULL);
}

/* What is there of a run that goes into the history. */
static int apply_end_of_live(struct database *db, const struct record *record) {
        int code = drop_of_run(db, STATEMENT_END_LIVE, &record->run);
        if (code == SQLITE_DONE)
                code = drop_of_run(db, STATEMENT_END_PROCESSES, &record->run);
        return code;
}

static int apply_end(struct database *db, const struct record *record) {
        return put_history(db, &run_kind, record, record->run.begun_usec, record->run.run);
}

/* A daemon that died between this row and the state of its task is followed by one that decides the same occurrence again,
 * maybe for another reason, or with its neighbours. */
static int drop_told(struct database *db, const struct store_missed *missed) {
        sqlite3_stmt *stmt;

        if (!missed->task || !missed->trigger)
                return SQLITE_DONE;
        stmt = fresh(db, STATEMENT_TOLD_MISSED);
        if (!stmt)
                return code_of(db);
        bind_text(stmt, 1, missed->task);
        bind_usec(stmt, 2, missed->first_due_usec);
        bind_text(stmt, 3, missed->trigger);
        return step(stmt, NULL);
}

static int apply_missed(struct database *db, const struct record *record) {
        int code = drop_told(db, &record->missed);

        if (code != SQLITE_DONE)
                return code;
        return put_history(db, &missed_kind, record, record->missed.last_due_usec, record->missed.task);
}

static int apply_not_missed(struct database *db, const struct record *record) {
        sqlite3_stmt *stmt = fresh(db, STATEMENT_FIND_MISSED);
        int64_t found[2] = { 0 };
        int code;

        if (!stmt)
                return code_of(db);
        bind_text(stmt, 1, record->missed.task);
        bind_usec(stmt, 2, record->missed.first_due_usec);
        code = step(stmt, found);
        if (code != SQLITE_ROW)
                return code;
        stmt = fresh(db, found[1] > 1 ? STATEMENT_TAKE_MISSED : STATEMENT_DROP_MISSED);
        if (!stmt)
                return code_of(db);
        (void)sqlite3_bind_int64(stmt, 1, found[0]);
        return step(stmt, NULL);
}

/* Runs of earlier daemons that nobody will end any more become history. */
static int end_left(struct database *db) {
        struct batch left = BATCH_INIT(left);
        struct batch_place place = { 0 };
        sqlite3_stmt *stmt = fresh(db, STATEMENT_LEFT_LIVE);
        const struct record *record;
        int code;

        if (!stmt)
                return code_of(db);
        (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)db->session);
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
                struct store_run run = { 0 };

                database_read(stmt, RECORD_BEGIN, &run);
                run.ended_usec = clock_now(CLOCK_ID_REALTIME);
                run.outcome = run.cause ? OUTCOME_NEVER_STARTED : OUTCOME_INTERRUPTED;
                run.detail = run.cause ? "the daemon died before it began"
                                       : "the daemon died under it, and its end was found late";
                if (!batch_add(&left, RECORD_END, &run)) {
                        code = SQLITE_NOMEM;
                        break;
                }
        }
        (void)sqlite3_reset(stmt);
        while (code == SQLITE_DONE && (record = batch_next(&left, &place)))
                code = put_history(db, &run_kind, record, record->run.begun_usec, record->run.run);
        batch_clear(&left);
        return code;
}

static int apply_anew(struct database *db, const struct record *record) {
        static const enum statement drops[] = { STATEMENT_DROP_LIVE, STATEMENT_DROP_PROCESSES, STATEMENT_DROP_ITEMS,
                                                STATEMENT_DROP_PAUSES };
        int code = end_left(db);

        for (size_t i = 0; i < ARRAY_SIZE(drops) && code == SQLITE_DONE; i++)
                code = do_simple(db, drops[i]);
        if (code == SQLITE_DONE && record->missed.n > 0)
                code = apply_missed(db, record);
        return code;
}

typedef int (*apply_fn)(struct database *db, const struct record *record);

static const apply_fn apply_fns[_RECORD_KIND_MAX] = {
        [RECORD_TASK] = apply_task,   [RECORD_ITEM] = apply_item,       [RECORD_PAUSE] = apply_pause,
        [RECORD_BEGIN] = apply_begin, [RECORD_PROCESS] = apply_process, [RECORD_PROCESS_GONE] = apply_process_gone,
        [RECORD_END] = apply_end,     [RECORD_MISSED] = apply_missed,   [RECORD_NOT_MISSED] = apply_not_missed,
        [RECORD_ANEW] = apply_anew,
};

static int apply_record(struct database *db, const struct ends *ends, const struct record *record) {
        const struct end *end;
        int code;

        if (is_spared(ends, record))
                return SQLITE_DONE;
        code = apply_fns[record->kind](db, record);
        if (record->kind != RECORD_END || code != SQLITE_DONE)
                return code;
        end = find_end(ends, record->run.run, record->run.begun_usec);
        return end && end->begun ? SQLITE_DONE : apply_end_of_live(db, record);
}

/* ---- marks ---- */

static bool takes_back(const struct batch *batch) {
        struct batch_place place = { 0 };
        const struct record *record;

        while ((record = batch_next(batch, &place)))
                if (record->kind == RECORD_NOT_MISSED)
                        return true;
        return false;
}

/* How many records of this session are in the file for sure. */
static int find_mark(struct database *db, uint64_t *ret) {
        sqlite3_stmt *stmt = fresh(db, STATEMENT_FIND_MARK);
        int64_t found[2] = { 0 };
        int code;

        if (!stmt)
                return code_of(db);
        (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)db->session);
        code = step(stmt, found);
        *ret = (uint64_t)found[0];
        return code == SQLITE_ROW ? SQLITE_DONE : code;
}

static int put_mark(struct database *db, uint64_t done) {
        sqlite3_stmt *stmt = fresh(db, STATEMENT_PUT_MARK);

        if (!stmt)
                return code_of(db);
        (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)db->session);
        (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)done);
        return step(stmt, NULL);
}

int database_apply(struct database *db, const struct batch *batch, uint64_t before, bool again, struct applied *ret) {
        struct batch_place place = { 0 };
        const struct record *record;
        struct applied applied = { 0 };
        bool marked = takes_back(batch);
        uint64_t mark = 0, n = before;
        struct ends ends = { 0 };
        int code, r;

        if (!again)
                ends_init(&ends, batch);
        code = do_simple(db, STATEMENT_BEGIN);
        if (code == SQLITE_DONE && marked)
                code = find_mark(db, &mark);
        while (code == SQLITE_DONE && (record = batch_next(batch, &place))) {
                if (++n <= mark)
                        continue;
                code = apply_record(db, &ends, record);
                applied.n_runs += record->kind == RECORD_END;
                applied.n_missed += record->kind == RECORD_MISSED;
                if (is_unfit(code)) {
                        applied.unfit++;
                        code = SQLITE_DONE;
                }
        }
        free(ends.places);
        if (code == SQLITE_DONE && marked)
                code = put_mark(db, n);
        if (code == SQLITE_DONE)
                code = do_simple(db, STATEMENT_COMMIT);
        if (code != SQLITE_DONE) {
                r = database_fail(db, code);
                if (!sqlite3_get_autocommit(db->handle))
                        (void)do_simple(db, STATEMENT_ROLLBACK);
                return r;
        }
        *ret = applied;
        return 0;
}

int database_checkpoint(struct database *db) {
        int code;

        if (db->wal_pages < CHECKPOINT_PAGES)
                return 0;
        code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
                return 0; /* a reader; the next one does it */
        return code == SQLITE_OK ? 0 : database_fail(db, code);
}
