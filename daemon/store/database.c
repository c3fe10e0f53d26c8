/* SPDX-License-Identifier: MIT */
/* database: the file of the store: opening, schema, damage, see database.h.
 *
 * The file is ours alone: a regular file of mode 0640 with our mark in its header. SQLite is told not to follow a link in
 * the last part of its path, and the path up to there is resolved first, because a state directory may well be reached
 * through one. A file with another program's mark, or of a newer schema, is left as it is, and the store degraded.
 *
 * The log (WAL) is a file beside it. As long as somebody has it open its name must not change, or SQLite would write to
 * one that nobody will read: so both are compared by inode before each batch. A log whose database was replaced belongs to
 * the old one and is removed, or SQLite would play it into the new one.
 *
 * SQLite removes the log when the last connection closes; this is switched off where the name may belong to another file
 * by then. It writes what the log has into the file only then, too: as others may have the file open, a log that has no name
 * any more is emptied before it is let go. What a reader of an older state holds up stays open until then.
 */
#include "store/database.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define BUSY_MSEC  2000 /* others that have the file open: sqlite3 in an operator's hands */
#define CACHE_KIB  2048
#define WAL_LIMIT  "8388608" /* bytes, to which the log is cut when it begins anew */
#define ASIDE      ".damaged-"
#define ASIDE_MAX  3 /* so many are kept */
#define TABLES_SQL "SELECT count(*) FROM sqlite_schema"

/* From each version of the schema to the next one. What was released is never changed: append. */
static const char *const migrations[DATABASE_SCHEMA] = {
        "CREATE TABLE task(task TEXT PRIMARY KEY NOT NULL, number INTEGER, first_seen_usec INTEGER, schedule TEXT,"
        " every_anchor_usec INTEGER, every_boot_id TEXT, every_anchor_boot_usec INTEGER, accounted_usec INTEGER, fired TEXT,"
        " last_due_usec INTEGER, last_due_what TEXT, paused_by TEXT, paused_usec INTEGER, failures INTEGER, failing INTEGER,"
        " stale INTEGER, last_ok_usec INTEGER, last_run TEXT, last_json TEXT, gone_usec INTEGER);"
        "CREATE INDEX task_gone ON task(gone_usec) WHERE gone_usec > 0;"
        "CREATE TABLE item(task TEXT, item TEXT, failures INTEGER, failing INTEGER, since_usec INTEGER,"
        " PRIMARY KEY(task, item)) WITHOUT ROWID;"
        "CREATE TABLE live(task TEXT NOT NULL, run TEXT, \"trigger\" TEXT, due_usec INTEGER, begun_usec INTEGER, service INTEGER,"
        " hook INTEGER, rerun INTEGER, session INTEGER, PRIMARY KEY(run, begun_usec)) WITHOUT ROWID;"
        "CREATE TABLE process(run TEXT, begun_usec INTEGER, pid INTEGER, start_ticks INTEGER, boot_id TEXT NOT NULL,"
        " PRIMARY KEY(run, begun_usec, pid)) WITHOUT ROWID;"
        "CREATE TABLE run(position INTEGER PRIMARY KEY, task TEXT, run TEXT, \"trigger\" TEXT, due_usec INTEGER,"
        " begun_usec INTEGER, service INTEGER, hook INTEGER, rerun INTEGER, ended_usec INTEGER, outcome TEXT, error TEXT,"
        " detail TEXT, queued_usec INTEGER, duration_usec INTEGER, attempts INTEGER, exit_code INTEGER, cpu_usec INTEGER,"
        " memory_peak INTEGER, json TEXT, tail TEXT);"
        "CREATE INDEX run_by_task ON run(task, position, outcome, duration_usec, hook);"
        "CREATE INDEX run_by_name ON run(run);"
        "CREATE INDEX run_failed ON run(position) WHERE outcome IN ('failed', 'timeout', 'interrupted');"
        "CREATE INDEX run_failed_by_task ON run(task) WHERE outcome IN ('failed', 'timeout', 'interrupted');"
        "CREATE TABLE missed(position INTEGER PRIMARY KEY, task TEXT, first_due_usec INTEGER, last_due_usec INTEGER,"
        " n INTEGER, \"trigger\" TEXT, reason TEXT, detail TEXT, at_usec INTEGER);"
        "CREATE INDEX missed_by_task ON missed(task);"
        "CREATE TABLE mark(one INTEGER PRIMARY KEY, session INTEGER, done INTEGER);",
        "ALTER TABLE live ADD COLUMN cause TEXT;"
        "ALTER TABLE task ADD COLUMN stopped_by TEXT;"
        "ALTER TABLE task ADD COLUMN stopped_usec INTEGER;",
        "CREATE TABLE pause(what TEXT PRIMARY KEY, paused_by TEXT, paused_usec INTEGER) WITHOUT ROWID;",
        "CREATE INDEX run_long ON run(ended_usec) WHERE " DATABASE_LONG ";",
};

/* ---- errors ---- */

int database_fail(struct database *db, int code) {
        static const struct {
                int code, error;
                const char *text;
        } rows[] = {
                { SQLITE_FULL, -ENOSPC, "the disk is full" },
                { SQLITE_READONLY, -EROFS, "it is read-only" },
                { SQLITE_CANTOPEN, -EIO, "it cannot be opened" },
                { SQLITE_IOERR, -EIO, "reading or writing fails" },
                { SQLITE_BUSY, -EBUSY, "another process has locked it" },
                { SQLITE_LOCKED, -EBUSY, "another process has locked it" },
                { SQLITE_PROTOCOL, -EBUSY, "another process has locked it" },
                { SQLITE_NOMEM, -ENOMEM, "there is no memory" },
                { SQLITE_PERM, -EACCES, "it may not be accessed" },
                { SQLITE_AUTH, -EACCES, "it may not be accessed" },
                { SQLITE_CORRUPT, -EBADMSG, "it is damaged" },
                { SQLITE_NOTADB, -EBADMSG, "it is damaged" },
                { SQLITE_ERROR, -EBADMSG, "its tables are not what they were" },
                { SQLITE_SCHEMA, -EBADMSG, "its tables are not what they were" },
                { SQLITE_INTERRUPT, -ETIMEDOUT, "it takes too long" },
        };
        int system = db->handle ? sqlite3_system_errno(db->handle) : 0;
        bool says = (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR;

        if (says && db->path && access(db->path, W_OK) < 0)
                system = errno; /* the system's error was that of some later call */
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if ((code & 0xff) != rows[i].code)
                        continue;
                (void)snprintf(db->why, sizeof(db->why), "%s%s%s", rows[i].text, says && system > 0 ? ": " : "",
                               says && system > 0 ? strerror(system) : "");
                return rows[i].error;
        }
        (void)snprintf(db->why, sizeof(db->why), "%s", sqlite3_errstr(code));
        return -EIO;
}

static int fail_system(struct database *db, const char *what, int error) {
        (void)snprintf(db->why, sizeof(db->why), "%s: %s", what, strerror(-error));
        return error;
}

static int refuse(struct database *db, const char *text) {
        (void)snprintf(db->why, sizeof(db->why), "%s", text);
        return -EPERM;
}

/* ---- the file ---- */

/* Nothing but zeroes when there is none. */
static struct file_id identify(const char *path, const char *suffix, uint64_t *ret_size) {
        char name[PATH_MAX + 8];
        struct stat st;

        (void)snprintf(name, sizeof(name), "%s%s", path, suffix);
        if (lstat(name, &st) < 0)
                return (struct file_id){ 0 };
        if (ret_size)
                *ret_size = (uint64_t)st.st_size;
        return (struct file_id){ .dev = st.st_dev, .ino = st.st_ino };
}

static bool same_file(struct file_id a, struct file_id b) {
        return a.dev == b.dev && a.ino == b.ino;
}

/* The path with its directory resolved, into @ret of PATH_MAX bytes; makes the last part of that when it is missing. */
static int resolve(struct database *db, const char *path, char *ret) {
        const char *slash = strrchr(path, '/');
        char directory[PATH_MAX] = ".";
        size_t n;

        if (slash)
                (void)snprintf(directory, sizeof(directory), "%.*s", slash == path ? 1 : (int)(slash - path), path);
        if (!realpath(directory, ret) && (errno != ENOENT || mkdir(directory, 0750) < 0 || !realpath(directory, ret)))
                return fail_system(db, directory, -errno);
        n = strlen(ret);
        if (n + strlen(slash ?: path) + 1 >= PATH_MAX)
                return fail_system(db, path, -ENAMETOOLONG);
        (void)snprintf(ret + n, PATH_MAX - n, "/%s", slash ? slash + 1 : path);
        return 0;
}

/* Makes the file with our mode: SQLite would make it readable for everyone. */
static int provide_file(struct database *db, const char *path) {
        struct stat st;
        int fd;

        if (lstat(path, &st) >= 0)
                return S_ISREG(st.st_mode) ? 0 : refuse(db, "it is no regular file");
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
        if (fd < 0)
                return fail_system(db, "it cannot be made", -errno);
        (void)fchmod(fd, 0640);
        (void)close(fd);
        return 0;
}

/* ---- schema ---- */

static int run_sql(struct database *db, const char *sql) {
        int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

        return code == SQLITE_OK ? 0 : database_fail(db, code);
}

int database_ask(struct database *db, const char *sql, int64_t *ret) {
        sqlite3_stmt *stmt = NULL;
        int code = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

        if (code == SQLITE_OK)
                code = sqlite3_step(stmt);
        if (code == SQLITE_ROW)
                *ret = sqlite3_column_int64(stmt, 0);
        (void)sqlite3_finalize(stmt);
        return code == SQLITE_ROW ? 0 : database_fail(db, code);
}

static int migrate(struct database *db, int64_t from) {
        char sql[128];
        int r;

        r = run_sql(db, "BEGIN IMMEDIATE");
        for (int64_t v = from; r >= 0 && v < DATABASE_SCHEMA; v++)
                r = run_sql(db, migrations[v]);
        (void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", DATABASE_ID,
                       DATABASE_SCHEMA);
        return r < 0 ? r : run_sql(db, sql);
}

static int bring_to_schema(struct database *db) {
        int64_t id = 0, version = 0, tables = 0;
        int r;

        r = database_ask(db, "PRAGMA application_id", &id);
        if (r >= 0)
                r = database_ask(db, "PRAGMA user_version", &version);
        if (r >= 0)
                r = database_ask(db, TABLES_SQL, &tables);
        if (r < 0)
                return r;
        if (tables > 0 && id != DATABASE_ID)
                return refuse(db, "it is the database of another program");
        if (version > DATABASE_SCHEMA) {
                (void)snprintf(db->why, sizeof(db->why),
                               "it was written by a newer tendd: it has version %" PRId64
                               " of the tables, this one knows %d",
                               version, DATABASE_SCHEMA);
                return -EPERM;
        }
        db->made = tables == 0;
        /* Takes effect before the first table is made, and never again. */
        if (tables == 0)
                r = run_sql(db, "PRAGMA auto_vacuum = INCREMENTAL");
        if (r >= 0)
                r = run_sql(db, "PRAGMA journal_mode = WAL");
        return r < 0 || (version == DATABASE_SCHEMA && tables > 0) ? r : migrate(db, tables > 0 ? version : 0);
}

/* ---- opening ---- */

void database_init(void) {
        (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* refused when SQLite is in use already */
}

static int on_commit(void *arg, _unused_ sqlite3 *handle, _unused_ const char *name, int pages) {
        struct database *db = arg;

        db->wal_pages = (unsigned)pages;
        return SQLITE_OK;
}

static int configure(struct database *db) {
        char sql[256];

        (void)sqlite3_busy_timeout(db->handle, BUSY_MSEC);
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void)sqlite3_wal_hook(db->handle, on_commit, db); /* instead of checkpoints within commits */
        (void)snprintf(sql, sizeof(sql),
                       "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = " WAL_LIMIT
                       "; PRAGMA cache_size = -%d",
                       CACHE_KIB);
        return run_sql(db, sql);
}

int database_open(struct database *db, const char *path, uint64_t session) {
        static const int flags =
                SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
        char resolved[PATH_MAX];
        int r, code;

        r = resolve(db, path, resolved);
        if (r >= 0)
                r = database_lock(db, resolved);
        if (r >= 0)
                r = provide_file(db, resolved);
        if (r < 0)
                return r;
        free(db->path);
        db->path = strdup(resolved);
        if (!db->path)
                return fail_system(db, "opening", -ENOMEM);
        db->session = session;
        db->wal_pages = 0;
        code = sqlite3_open_v2(resolved, &db->handle, flags, NULL);
        r = code == SQLITE_OK ? 0 : database_fail(db, code);
        if (r >= 0)
                r = configure(db);
        if (r >= 0)
                r = bring_to_schema(db);
        if (r < 0) {
                database_close(db, true);
                return r;
        }
        db->file = identify(db->path, "", &db->size);
        db->wal = identify(db->path, "-wal", NULL);
        db->shm = identify(db->path, "-shm", NULL);
        return 0;
}

/* Whether the tables are ours. */
static int check_schema(struct database *db) {
        int64_t id = 0, version = 0;
        int r = database_ask(db, "PRAGMA application_id", &id);

        if (r >= 0)
                r = database_ask(db, "PRAGMA user_version", &version);
        if (r >= 0 && (id != DATABASE_ID || version != DATABASE_SCHEMA))
                r = refuse(db, "its tables are not ours");
        return r;
}

int database_open_to_read(struct database *db, const char *path) {
        static const int flags =
                SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
        char resolved[PATH_MAX];
        int r, code;

        r = resolve(db, path, resolved);
        if (r < 0)
                return r;
        free(db->path);
        db->path = strdup(resolved);
        if (!db->path)
                return fail_system(db, "opening", -ENOMEM);
        db->file = identify(resolved, "", NULL);
        code = sqlite3_open_v2(resolved, &db->handle, flags, NULL);
        r = code == SQLITE_OK ? 0 : database_fail(db, code);
        if (r >= 0) {
                (void)sqlite3_busy_timeout(db->handle, BUSY_MSEC);
                r = check_schema(db);
                db->wal = identify(resolved, "-wal", NULL); /* which is open by now */
        }
        if (r < 0)
                database_close(db, true);
        return r;
}

bool database_is_other(const struct database *db) {
        return db->handle && (!same_file(identify(db->path, "", NULL), db->file) ||
                              !same_file(identify(db->path, "-wal", NULL), db->wal));
}

void database_close(struct database *db, bool leave) {
        for (size_t i = 0; i < _STATEMENT_MAX; i++) {
                (void)sqlite3_finalize(db->statements[i]);
                db->statements[i] = NULL;
        }
        if (db->handle && leave)
                (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)sqlite3_close(db->handle);
        db->handle = NULL;
        db->nameless = false;
}

void database_done(struct database *db) {
        database_close(db, true);
        database_unlock(db);
        free(db->path);
        db->path = NULL;
}

/* ---- damage ---- */

static void remove_beside(const char *path, const char *suffix) {
        char name[PATH_MAX + NAME_MAX + 8];

        (void)snprintf(name, sizeof(name), "%s%s", path, suffix);
        (void)unlink(name);
}

/* Writes all that the log has into the file, and leaves nothing in it that others could take for what is written later. */
static int empty_log(struct database *db) {
        int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        int r = code == SQLITE_OK ? 0 : database_fail(db, code);

        if (r == -EBUSY)
                (void)snprintf(db->why, sizeof(db->why),
                               "its log was removed while others read an earlier state of it, and cannot be emptied");
        return r;
}

/* What nobody will find any more. */
static void count_rows(struct database *db) {
        int64_t n = 0, since = 0;

        if (database_ask(db, "SELECT (SELECT count(*) FROM run) + (SELECT count(*) FROM missed)", &n) < 0 || n <= 0 ||
            database_ask(db,
                         "SELECT min(position) FROM (SELECT min(position) AS position FROM run"
                         " UNION ALL SELECT min(position) FROM missed)",
                         &since) < 0)
                return;
        db->rows_gone += (uint64_t)n;
        db->gone_since_usec = (usec_t)since;
}

static void forget_file(struct database *db, bool removed, bool has_wal) {
        bool has_shm = same_file(identify(db->path, "-shm", NULL), db->shm);

        if (removed)
                count_rows(db);
        database_close(db, true);
        if (has_wal)
                remove_beside(db->path, "-wal");
        if (has_shm)
                remove_beside(db->path, "-shm");
        (void)snprintf(db->why, sizeof(db->why), "%s",
                       removed ? "it was removed" : "another file was put in its place");
}

int database_is_gone(struct database *db) {
        struct file_id file, wal;
        bool has_wal;
        int r;

        if (!db->handle)
                return 0;
        file = identify(db->path, "", &db->size);
        wal = identify(db->path, "-wal", NULL);
        has_wal = same_file(wal, db->wal);
        if (!same_file(file, db->file)) { /* by name nothing is to be touched that is not ours */
                forget_file(db, file.ino == 0, has_wal);
                return 1;
        }
        if (has_wal)
                return 0;
        db->nameless = true;
        r = empty_log(db);
        if (r < 0)
                return r;
        database_close(db, true);
        (void)snprintf(db->why, sizeof(db->why), "its log was removed");
        return 1;
}

static bool is_set_aside(const char *name, const char *database) {
        size_t n = strlen(name), prefix = strlen(database);

        return strncmp(name, database, prefix) == 0 && strncmp(name + prefix, ASIDE, strlen(ASIDE)) == 0 &&
               name[n - 1] >= '0' && name[n - 1] <= '9'; /* and no log */
}

/* The oldest of what was set aside, into @ret; names sort by date. Returns how many there are. */
static size_t find_set_aside(DIR *dir, const char *database, char ret[NAME_MAX + 1]) {
        const struct dirent *entry;
        size_t n = 0;

        rewinddir(dir);
        while ((entry = readdir(dir))) {
                if (!is_set_aside(entry->d_name, database))
                        continue;
                if (n == 0 || strcmp(entry->d_name, ret) < 0)
                        (void)snprintf(ret, NAME_MAX + 1, "%s", entry->d_name);
                n++;
        }
        return n;
}

/* Removes the oldest of what was set aside, until @max are left. @path is resolved. */
static void limit_set_aside(const char *path, size_t max) {
        const char *slash = strrchr(path, '/');
        char directory[PATH_MAX], oldest[NAME_MAX + 1], name[PATH_MAX + NAME_MAX + 2];
        DIR *dir;

        (void)snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path) + 1, path);
        dir = opendir(directory);
        if (!dir)
                return;
        while (find_set_aside(dir, slash + 1, oldest) > max) {
                (void)snprintf(name, sizeof(name), "%s%s", directory, oldest);
                if (unlink(name) < 0)
                        break;
                remove_beside(name, "-wal");
        }
        (void)closedir(dir);
}

int database_set_aside(struct database *db, const char *path) {
        char resolved[PATH_MAX], name[PATH_MAX + 40], from[PATH_MAX + 8], to[PATH_MAX + 48], date[24];
        time_t now = (time_t)(clock_now(CLOCK_ID_REALTIME) / USEC_PER_SEC);
        struct tm tm;
        int r;

        database_close(db, true);
        r = resolve(db, path, resolved);
        if (r < 0)
                return r;
        (void)strftime(date, sizeof(date), "%Y%m%d-%H%M%S", gmtime_r(&now, &tm) ?: &(struct tm){ 0 });
        for (unsigned i = 0; i < 100; i++) {
                (void)snprintf(name, sizeof(name), "%s" ASIDE "%s-%02u", resolved, date, i);
                if (access(name, F_OK) < 0)
                        break;
        }
        if (rename(resolved, name) < 0 && errno != ENOENT)
                return fail_system(db, "it is damaged and cannot be set aside", -errno);
        (void)snprintf(from, sizeof(from), "%s-wal", resolved);
        (void)snprintf(to, sizeof(to), "%s-wal", name);
        (void)rename(from, to);
        remove_beside(resolved, "-shm");
        limit_set_aside(resolved, ASIDE_MAX);
        (void)snprintf(db->why, sizeof(db->why), "%s", strrchr(name, '/') + 1);
        return 0;
}

/* ---- what was there ---- */

int database_read_opened(struct database *db, struct batch *batch) {
        static const enum record_kind kinds[] = { RECORD_TASK,  RECORD_ITEM,    RECORD_PAUSE,
                                                  RECORD_BEGIN, RECORD_PROCESS, RECORD_END };
        static const char *const rests[] = {
                "ORDER BY task",
                "ORDER BY task, item",
                "ORDER BY what",
                "ORDER BY run, begun_usec",
                "ORDER BY run, begun_usec",
                /* Members: '0' follows '/'. */
                ("WHERE position IN (SELECT run.position FROM live CROSS JOIN run WHERE run.run > live.run || '/'"
                 " AND run.run < live.run || '0' AND run.begun_usec >= live.begun_usec) ORDER BY position"),
        };
        char columns[DATABASE_SQL_MAX / 2], sql[DATABASE_SQL_MAX];
        sqlite3_stmt *stmt;
        int code = SQLITE_DONE;

        for (size_t i = 0; i < ARRAY_SIZE(kinds) && code == SQLITE_DONE; i++) {
                struct record record;

                (void)database_columns(kinds[i], false, columns, sizeof(columns));
                (void)snprintf(sql, sizeof(sql), "SELECT %s FROM %s %s", columns, record_types[kinds[i]].table,
                               rests[i]);
                code = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);
                while (code == SQLITE_OK || code == SQLITE_ROW) {
                        code = sqlite3_step(stmt);
                        if (code != SQLITE_ROW)
                                break;
                        database_read(stmt, kinds[i], &record.task);
                        if (!batch_add(batch, kinds[i], &record.task))
                                code = SQLITE_NOMEM;
                }
                (void)sqlite3_finalize(stmt);
        }
        return code == SQLITE_DONE ? 0 : database_fail(db, code);
}
