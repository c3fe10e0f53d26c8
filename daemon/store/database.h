/* SPDX-License-Identifier: MIT */
#pragma once
/* database: one connection to the file of the store, and what is done with it. Used on one thread at a time, which it blocks.
 *
 * Every function that can fail returns 0 or a negative errno, after which database_why() says what happened in a sentence:
 * -EBADMSG when the file is damaged, -EPERM when it is not ours to touch, -EADDRINUSE when another daemon uses it, -EIO and
 * others when it may be tried again later.
 */
#include "store/record.h"

#include <sqlite3.h>

#define DATABASE_SCHEMA  4          /* the version this program writes */
#define DATABASE_ID      0x74656e64 /* "tend", in the header of the file */
#define DATABASE_SQL_MAX 2048       /* bytes of a statement that is made */

/* Runs that the index run_long has. A part of the schema, so it is never changed. */
#define DATABASE_LONG_USEC USEC_PER_HOUR
#define DATABASE_LONG      "ended_usec - begun_usec >= 3600000000"

enum statement {
        STATEMENT_BEGIN,
        STATEMENT_COMMIT,
        STATEMENT_ROLLBACK,
        STATEMENT_PUT_TASK,
        STATEMENT_PUT_ITEM,
        STATEMENT_DROP_ITEM,
        STATEMENT_DROP_ITEMS,
        STATEMENT_PUT_PAUSE,
        STATEMENT_DROP_PAUSE,
        STATEMENT_DROP_PAUSES,
        STATEMENT_PUT_LIVE,
        STATEMENT_END_LIVE,
        STATEMENT_DROP_LIVE,
        STATEMENT_LEFT_LIVE,
        STATEMENT_PUT_PROCESS,
        STATEMENT_DROP_PROCESS,
        STATEMENT_END_PROCESSES,
        STATEMENT_DROP_PROCESSES,
        STATEMENT_PUT_RUN,
        STATEMENT_REPLACE_RUN,
        STATEMENT_IS_RUN,
        STATEMENT_PUT_MISSED,
        STATEMENT_REPLACE_MISSED,
        STATEMENT_IS_MISSED,
        STATEMENT_TOLD_MISSED,
        STATEMENT_FIND_MISSED,
        STATEMENT_TAKE_MISSED,
        STATEMENT_DROP_MISSED,
        STATEMENT_PUT_MARK,
        STATEMENT_FIND_MARK,
        STATEMENT_OLD_RUNS,
        STATEMENT_OLD_MISSED,
        STATEMENT_OLD_TASKS,
        STATEMENT_OLD_ITEMS,
        _STATEMENT_MAX,
};

struct file_id {
        dev_t dev;
        ino_t ino;
};

struct database {
        sqlite3 *handle; /* NULL: closed */
        char *path;
        uint64_t session; /* tells our runs without an end from those of earlier daemons */
        sqlite3_stmt *statements[_STATEMENT_MAX];
        unsigned wal_pages; /* as of the last commit */
        bool made;          /* it was empty when it was opened */
        uint64_t size;      /* bytes, at the last look */
        struct file_id file, wal, shm;
        bool nameless;          /* its log has something in it, and no name: see database_is_gone() */
        uint64_t rows_gone;     /* of the history, that were in files that were removed … */
        usec_t gone_since_usec; /* … the last of which begins here */
        bool locked;            /* by us, through: */
        int lock_fd;
        char why[512];
};

/* Before any thread uses a database, once: nobody counts SQLite's memory, which would cost a mutex for each piece. */
void database_init(void);

/* Locks the file, opens it, or makes it with what is missing of its directory's last part, and brings it to our schema. The
 * lock is held until database_done(). */
int database_open(struct database *db, const char *path, uint64_t session);
/* Closes it. With @leave the file stays just as it is; else the log is written into it and removed, if nobody else has it
 * open. Harmless when closed. */
void database_close(struct database *db, bool leave);
/* Frees what is left after closing. */
void database_done(struct database *db);

/* Opens a file that the writer has open, to read from it. It is to be closed with @leave. */
int database_open_to_read(struct database *db, const char *path);
/* Whether the file at the path, or its log, is another one by now. */
bool database_is_other(const struct database *db);

/* 0: the file at the path and its log are still those that are open, or none is. 1: they are not, it is closed, and what
 * belonged to it is removed. When the log alone has gone, all that it has is in the file then; if that fails, -errno, and it
 * stays open: to close it would lose that, and to write to it would lose more at a kill -9. */
int database_is_gone(struct database *db);

/* Renames a damaged file, which is closed, and what belongs to it; then `why` has its new name. No file is fine. */
int database_set_aside(struct database *db, const char *path);

/* Notes what the last call of SQLite with @code failed of. Returns the errno for it. */
int database_fail(struct database *db, int code);

/* Appends everything that is remembered of tasks and items, runs without an end with their processes, and what has ended of
 * these. */
int database_read_opened(struct database *db, struct batch *batch);

/* The number that @sql selects. */
int database_ask(struct database *db, const char *sql, int64_t *ret);

/* ---- statement.c ---- */

/* The statement, ready to be bound. NULL when it cannot be prepared: see database_fail() with sqlite3_errcode(). */
sqlite3_stmt *database_statement(struct database *db, enum statement id);

/* Binds the columns of @record's kind from the first parameter on. */
void database_bind(sqlite3_stmt *stmt, const struct record *record);
/* Reads them from the first column on into the structure of @kind at @value. Texts live until the next step. */
void database_read(sqlite3_stmt *stmt, enum record_kind kind, void *value);
/* Writes the names of @kind's columns, with commas, and returns how many; @brief: NULL in place of long ones. */
size_t database_columns(enum record_kind kind, bool brief, char *buffer, size_t size);

/* ---- lock.c ---- */

/* Has nobody but us write the file at @path, which is resolved. Harmless when that is so already. Waits a second for one
 * that is ending; else -EADDRINUSE, and `why` names it. */
int database_lock(struct database *db, const char *path);
void database_unlock(struct database *db);

/* ---- apply.c ---- */

struct applied {
        uint64_t unfit;  /* records that no table takes, which are left out */
        uint64_t n_runs; /* that have ended */
        uint64_t n_missed;
};

/* Writes all of @batch in one transaction. @before records were written in this session before it: so one that is written
 * again is known, which it may be, with more behind, when this failed; @again: some of it was tried, and may be there. */
int database_apply(struct database *db, const struct batch *batch, uint64_t before, bool again, struct applied *ret);

/* Copies some of the log into the file, when it has grown. */
int database_checkpoint(struct database *db);

/* ---- retain.c ---- */

struct retain {
        usec_t keep_usec;
        uint64_t keep_runs;
        uint64_t n_runs, n_missed; /* rows in the file, if counted; seldom some more */
        bool counted;
        bool more;        /* there is more to do at once */
        uint64_t written; /* records since the last slice */
        usec_t next_usec; /* when the next slice is due; monotonic */
};

/* After @written records, of which @applied says what they were, or none: removes some of what is not kept any longer, if it
 * is time for that. */
int database_retain(struct database *db, struct retain *retain, uint64_t written, const struct applied *applied);
