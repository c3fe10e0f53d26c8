/* SPDX-License-Identifier: MIT */
/* store-bed: a store for tests, see store-bed.h. */
#include "support/store-bed.h"

#include <check.h>
#include <dirent.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#define DEADLINE (50 * USEC_PER_SEC)

struct store_bed bed;

static void on_tick(struct loop_timer *timer, void *arg);

static void on_deadline(_unused_ struct loop_timer *timer, _unused_ void *arg) {
        ck_abort_msg("what the test waits for does not come; health: %s (%s)", bed.health, bed.why);
}

static struct loop_timer deadline, tick;

/* Only the last of what is told goes beyond the room for it. */
static void add_health(const char *word) {
        if (strlen(bed.health) + strlen(word) + 2 > sizeof(bed.health))
                bed.health[0] = '\0';
        (void)snprintf(bed.health + strlen(bed.health), sizeof(bed.health) - strlen(bed.health), "%s%s",
                       bed.health[0] ? " " : "", word);
}

static void on_health(bool degraded, const char *text, _unused_ void *arg) {
        ck_assert_msg(degraded != bed.degraded, "told twice: %s", text);
        bed.degraded = degraded;
        add_health(degraded ? "degraded" : "well");
        (void)snprintf(bed.why, sizeof(bed.why), "%s", text);
}

static void on_anew(_unused_ void *arg) {
        add_health("anew");
        if (bed.on_anew)
                bed.on_anew();
}

static void on_late(_unused_ void *arg) {
        if (!bed.on_late)
                return;
        add_health("late");
        bed.on_late();
}

static void on_hand_over(_unused_ void *arg) {
        if (bed.on_hand_over)
                bed.on_hand_over();
}

void bed_setup(void) {
        memset(&bed, 0, sizeof(bed));
        (void)snprintf(bed.dir, sizeof(bed.dir), "%s/test-store-XXXXXX", getenv("TMPDIR") ?: "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(bed.dir));
        (void)snprintf(bed.path, sizeof(bed.path), "%s/db", bed.dir);
        bed.keep_usec = USEC_INFINITY;
        bed.keep_runs = UINT64_MAX;
        bed.patience_usec = DEADLINE; /* a busy machine is no disk that hangs */
        ck_assert_int_eq(loop_new(&bed.loop), 0);
        ck_assert_int_eq(loop_timer_init(&deadline, bed.loop, CLOCK_ID_MONOTONIC, "deadline", on_deadline, NULL), 0);
        ck_assert_int_eq(loop_timer_init(&tick, bed.loop, CLOCK_ID_MONOTONIC, "tick", on_tick, NULL), 0);
}

static void remove_all(const char *dir) {
        DIR *d = opendir(dir);
        struct dirent *entry;
        char path[512];

        while (d && (entry = readdir(d))) {
                if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
                        continue;
                (void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
                if (entry->d_type == DT_DIR)
                        remove_all(path);
                else
                        (void)unlink(path);
        }
        if (d)
                (void)closedir(d);
        (void)rmdir(dir);
}

void bed_teardown(void) {
        bed_close();
        loop_timer_done(&deadline);
        loop_timer_done(&tick);
        bed.loop = loop_free(bed.loop);
        remove_all(bed.dir);
}

void bed_open(void) {
        const struct store_options options = {
                .loop = bed.loop,
                .path = bed.path,
                .keep_usec = bed.keep_usec,
                .keep_runs = bed.keep_runs,
                .queue_bytes = bed.queue_bytes,
                .patience_usec = bed.patience_usec,
                .on_health = on_health,
                .on_late = on_late,
                .on_anew = on_anew,
                .on_hand_over = on_hand_over,
        };

        ck_assert_int_eq(store_open(&options, &bed.store), 0);
}

void bed_close(void) {
        bed.store = store_close(bed.store, DEADLINE);
}

/* ---- running the loop ---- */

static bool (*waited_for)(void);

static void on_tick(struct loop_timer *timer, _unused_ void *arg) {
        if (waited_for())
                loop_exit(bed.loop, 0);
        else
                loop_timer_set(timer, clock_now(CLOCK_ID_MONOTONIC) + USEC_PER_MSEC);
}

/* The loop is looked at every millisecond, so that nothing has to say when there is something to see. */
void bed_await(bool (*fn)(void)) {
        waited_for = fn;
        loop_timer_set(&tick, 1);
        loop_timer_set(&deadline, clock_now(CLOCK_ID_MONOTONIC) + DEADLINE);
        ck_assert_int_eq(loop_run(bed.loop), 0);
        loop_timer_set(&deadline, USEC_INFINITY);
}

static int synced;

static void on_sync(int result, _unused_ void *arg) {
        synced = result;
}

static bool is_synced(void) {
        return synced <= 0;
}

int bed_sync(void) {
        synced = 1;
        ck_assert_int_eq(store_sync(bed.store, on_sync, NULL, NULL), 0);
        ck_assert_int_eq(synced, 1); /* in a later turn */
        bed_await(is_synced);
        return synced;
}

static const char *expected;

static bool is_told(void) {
        return strlen(bed.health) >= strlen(expected);
}

void bed_await_health(const char *words) {
        expected = words;
        bed_await(is_told);
        ck_assert_str_eq(bed.health, words);
        bed.health[0] = '\0';
}

/* ---- files ---- */

const char *bed_path(const char *name) {
        static char paths[4][128];
        static unsigned next;
        char *path = paths[next++ % 4];

        (void)snprintf(path, sizeof(paths[0]), "%s/%s", bed.dir, name);
        return path;
}

unsigned bed_count(const char *prefix) {
        char dir[sizeof(bed.path)];
        struct dirent *entry;
        unsigned n = 0;
        DIR *d;

        (void)snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(bed.path, '/') - bed.path), bed.path);
        d = opendir(dir);
        while (d && (entry = readdir(d)))
                n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && !strstr(entry->d_name, "-wal") &&
                     !strstr(entry->d_name, ".lock");
        if (d)
                (void)closedir(d);
        return n;
}

static sqlite3 *connect_file(void) {
        sqlite3 *db = NULL;

        ck_assert_int_eq(sqlite3_open_v2(bed.path, &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
        (void)sqlite3_busy_timeout(db, 20000);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return db;
}

int64_t bed_ask(const char *sql) {
        sqlite3 *db = connect_file();
        sqlite3_stmt *stmt = NULL;
        int64_t found = -1;

        ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
        if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
                found = sqlite3_column_int64(stmt, 0);
        (void)sqlite3_finalize(stmt);
        (void)sqlite3_close(db);
        return found;
}

void bed_tell(const char *sql) {
        sqlite3 *db = connect_file();

        ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
        (void)sqlite3_close(db);
}

struct store_run bed_run(const char *task, unsigned number) {
        static char names[16][64];
        static unsigned next;
        char *name = names[next++ % 16];
        usec_t begun_usec = BED_START + number * USEC_PER_SEC;

        (void)snprintf(name, sizeof(names[0]), "%s#%u", task, number);
        return (struct store_run){
                .task = task,
                .run = name,
                .trigger = "calendar",
                .due_usec = begun_usec,
                .begun_usec = begun_usec,
                .ended_usec = begun_usec + number,
                .outcome = OUTCOME_OK,
                .duration_usec = number,
                .attempts = 1,
                .json = "{}",
        };
}

const struct store_stats *bed_stats(void) {
        static struct store_stats stats;

        store_get_stats(bed.store, &stats);
        return &stats;
}

void bed_put_run(unsigned number) {
        struct store_run run = bed_run("a", number);

        store_put_end(bed.store, &run);
}

void bed_put_task(void) {
        store_put_task(bed.store, &(const struct store_task){ .task = "a", .number = 1 });
}

bool bed_is_well(void) {
        const struct store_stats *stats = bed_stats();

        return !stats->degraded && stats->queued == 0;
}

void bed_await_well(void) {
        store_retry(bed.store);
        bed_await(bed_is_well);
}

void bed_put_anew(void) {
        bed.n_anew++;
        bed_put_task();
}

void bed_open_and_put_one(void) {
        bed.on_anew = bed_put_anew;
        bed_open();
        bed_put_run(1);
        bed_put_task();
        ck_assert_int_eq(bed_sync(), 0);
}

unsigned bed_n_runs(void) {
        return (unsigned)bed_ask("SELECT count(*) FROM run");
}

static int history_error;

static void on_history(int error, _unused_ const struct store_history_row *rows, size_t n, _unused_ void *arg) {
        history_error = error;
        bed.n_history = (unsigned)n;
}

static bool is_answered(void) {
        return history_error <= 0;
}

int bed_ask_history(void) {
        const struct store_history_query query = { .until_usec = USEC_INFINITY, .before = UINT64_MAX, .n = 500 };

        history_error = 1;
        ck_assert_int_eq(store_ask_history(bed.store, &query, on_history, NULL, NULL), 0);
        bed_await(is_answered);
        return history_error;
}
