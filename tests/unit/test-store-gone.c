/* SPDX-License-Identifier: MIT */
/* store-gone: that a file which comes late, is removed, or is another one costs no more than it must, and is told. */
#include "store/store.h"

#include "support/fault-vfs.h"
#include "support/store-bed.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

/* ---- a file that is there late, gone, or another one ---- */

static struct store_run living;

static void put_living(void) {
        store_put_begin(bed.store, &living);
}

START_TEST(runs_of_an_earlier_daemon_end_when_the_file_comes_late) {
        struct store_run run = bed_run("old", 1);

        living = bed_run("new", 2);
        bed.on_anew = put_living;
        fault_vfs_register();
        bed_open();
        store_put_begin(bed.store, &run);
        store_put_process(bed.store, &(const struct store_process){ run.run, run.begun_usec, 1, 2, "boot" });
        bed_close();
        fault_vfs_fail(FAULT_OPEN, 1, SQLITE_CANTOPEN, true);
        bed_open();
        put_living();
        bed_await_health("degraded");
        fault_vfs_heal();
        store_retry(bed.store);
        bed_await_health("well anew");
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run WHERE run = 'old#1' AND outcome = 'interrupted'"), 1);
        ck_assert_uint_eq(bed_n_runs(), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM live WHERE run = 'new#2'"), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM live"), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM process"), 0);
}
END_TEST

static unsigned n_known, n_known_late;
static uint64_t known_number;

static int know_task(const struct store_task *task, _unused_ void *arg) {
        n_known++;
        known_number = MAX(known_number, task->number);
        return 0;
}

static void know_tasks(void) {
        ck_assert_int_eq(store_opened_tasks(bed.store, know_task, NULL), 0);
}

static void know_late(void) {
        unsigned before = n_known;

        know_tasks();
        n_known_late += n_known - before;
}

START_TEST(what_a_late_file_has_is_told_before_it_is_written) {
        bed.on_anew = bed_put_task;
        bed.on_late = know_late;
        fault_vfs_register();
        bed_open();
        store_put_task(bed.store, &(const struct store_task){ .task = "a", .number = 41 });
        bed_close();
        if (_i > 0)
                fault_vfs_hang(FAULT_OPEN);
        else
                fault_vfs_fail(FAULT_OPEN, 1, SQLITE_CANTOPEN, true);
        bed.patience_usec = _i > 0 ? 300 * USEC_PER_MSEC : bed.patience_usec;
        bed_open();
        know_tasks();
        ck_assert_uint_eq(n_known, 0);
        bed_put_task(); /* which does not know better, and is not in the way */
        bed_await_health("degraded");
        fault_vfs_heal();
        store_retry(bed.store);
        bed_await_health("late well anew");
        ck_assert_uint_eq(n_known_late, 1);
        ck_assert_uint_eq(known_number, 41);
}
END_TEST

#define MANY 400 /* tasks, more than are in one page */

/* Returns whether there was anything to fail. */
static bool fail_reading(unsigned nth) {
        bool failed;

        n_known = n_known_late = 0;
        bed.health[0] = '\0';
        fault_vfs_fail(FAULT_READ, nth, SQLITE_IOERR_READ, true);
        bed_open();
        failed = fault_vfs_failed();
        fault_vfs_heal();
        know_tasks();
        ck_assert_msg(n_known == 0 || n_known == MANY, "%u tasks after failure %u", n_known, nth);
        bed_await_well();
        ck_assert_uint_eq(n_known, MANY);
        bed_close();
        return failed;
}

START_TEST(a_file_is_read_whole_or_not_at_all) {
        char name[16], what[200];
        unsigned n_late = 0;

        memset(what, 'x', sizeof(what) - 1);
        what[sizeof(what) - 1] = '\0';
        bed.on_late = know_late;
        fault_vfs_register();
        bed_open();
        for (unsigned i = 0; i < MANY; i++) {
                (void)snprintf(name, sizeof(name), "t%u", i);
                store_put_task(bed.store, &(const struct store_task){ .task = name, .last_due_what = what });
        }
        bed_close();
        for (unsigned nth = 1; fail_reading(nth); nth += 1 + nth / 8)
                n_late += n_known_late > 0;
        ck_assert_uint_gt(n_late, 3);
}
END_TEST

START_TEST(removed_file_is_made_anew) {
        bed_open_and_put_one();
        ck_assert_int_eq(unlink(bed.path), 0);
        if (_i > 0)
                ck_assert_int_eq(unlink(bed_path("db-wal")), 0);
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), 0);
        bed_await_health("degraded well anew");
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(bed_n_runs(), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM task"), 1);
        ck_assert_uint_eq(bed_stats()->lost, 1);
        ck_assert_int_eq(bed_ask("SELECT n FROM missed WHERE task IS NULL AND reason = 'lost'"), 1);
        ck_assert_int_eq(bed_ask("SELECT first_due_usec FROM missed"), (int64_t)(BED_START + USEC_PER_SEC));
        ck_assert_int_eq(bed_ask_history(), 0);
        ck_assert_uint_eq(bed.n_history, 2); /* the run, and the gap */
}
END_TEST

START_TEST(removed_log_loses_nothing) {
        bed_open_and_put_one();
        ck_assert_int_eq(unlink(bed_path("db-wal")), 0);
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), 0);
        bed_await_health("degraded well");
        ck_assert_uint_eq(bed_n_runs(), 2);
        bed_close();
        ck_assert_uint_eq(bed_n_runs(), 2);
}
END_TEST

/* ---- while others have it open ---- */

static int peer[2]; /* what it is to do, and what it has done */

static void peer_do(sqlite3 *db, char what) {
        const char *sql = what == 'b'   ? "BEGIN; SELECT count(*) FROM run"
                          : what == 'e' ? "COMMIT"
                                        : "SELECT count(*) FROM run";
        bool done = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;

        (void)!write(peer[1], done ? "y" : "n", 1);
}

/* As an operator's sqlite3: forked before there is a thread. It ends with the test. */
static void start_peer(void) {
        int to[2], from[2];
        sqlite3 *db = NULL;
        char what;

        ck_assert_int_eq(pipe(to), 0);
        ck_assert_int_eq(pipe(from), 0);
        if (fork() == 0) {
                (void)close(to[1]);
                peer[1] = from[1];
                while (read(to[0], &what, 1) == 1) {
                        if (!db && sqlite3_open_v2(bed.path, &db, SQLITE_OPEN_READWRITE, "unix") != SQLITE_OK)
                                _exit(1);
                        peer_do(db, what);
                }
                _exit(0);
        }
        (void)close(to[0]);
        (void)close(from[1]);
        peer[0] = to[1];
        peer[1] = from[0];
}

/* 's'elect, 'b'egin, 'e'nd. */
static void tell_peer(char what) {
        char answer = 0;

        ck_assert_int_eq(write(peer[0], &what, 1), 1);
        ck_assert_int_eq(read(peer[1], &answer, 1), 1);
        ck_assert_int_eq(answer, 'y');
}

START_TEST(removed_log_loses_nothing_while_others_have_it_open) {
        start_peer();
        bed_open_and_put_one();
        if (_i == 0)
                ck_assert_int_eq(bed_ask_history(), 0); /* our own reader, which stays for a while */
        else
                tell_peer('s');
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(unlink(bed_path("db-wal")), 0);
        bed_put_run(3);
        ck_assert_int_eq(bed_sync(), 0);
        bed_await_health("degraded well");
        ck_assert_uint_eq(bed_n_runs(), 3);
        ck_assert_int_eq(bed_ask_history(), 0);
        ck_assert_uint_eq(bed.n_history, 3);
        bed_close();
        ck_assert_uint_eq(bed_n_runs(), 3);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}
END_TEST

START_TEST(log_that_is_removed_before_the_end_loses_nothing) {
        start_peer();
        bed_open_and_put_one();
        tell_peer('s');
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(unlink(bed_path("db-wal")), 0);
        bed_close();
        ck_assert_uint_eq(bed_n_runs(), 2);
}
END_TEST

START_TEST(removed_log_is_kept_open_while_others_read_an_earlier_state) {
        start_peer();
        bed_open_and_put_one();
        tell_peer('b');
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(unlink(bed_path("db-wal")), 0);
        bed_put_run(3);
        ck_assert_int_eq(bed_sync(), -EIO);
        bed_await_health("degraded");
        ck_assert_ptr_nonnull(strstr(bed.why, "its log was removed while others read"));
        tell_peer('e');
        store_retry(bed.store);
        bed_await_health("well");
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(bed_n_runs(), 3);
        ck_assert_uint_eq(bed_stats()->lost, 0);
        bed_close();
        ck_assert_uint_eq(bed_n_runs(), 3);
}
END_TEST

START_TEST(removed_file_is_made_anew_while_others_have_it_open) {
        start_peer();
        bed_open_and_put_one();
        tell_peer(_i > 0 ? 'b' : 's');
        ck_assert_int_eq(unlink(bed.path), 0);
        ck_assert_int_eq(unlink(bed_path("db-wal")), 0); /* and not db-shm, which the other has open */
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), 0);
        bed_await_health("degraded well anew");
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(bed_n_runs(), 1);
        ck_assert_uint_eq(bed_stats()->lost, 1);
        bed_close();
        ck_assert_uint_eq(bed_n_runs(), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}
END_TEST

START_TEST(other_file_in_its_place_is_taken_up) {
        bed_open_and_put_one();
        bed_close();
        ck_assert_int_eq(rename(bed.path, bed_path("backup")), 0);
        bed_open();
        bed_put_run(7);
        bed_put_run(8);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask_history(), 0);
        ck_assert_uint_eq(bed.n_history, 2);
        ck_assert_int_eq(rename(bed_path("backup"), bed.path), 0);
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), 0);
        bed_await_health("degraded well anew");
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(bed_n_runs(), 2); /* 1 of the backup, and 2; nothing of the log of the other file */
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run WHERE run IN ('a#1', 'a#2')"), 2);
        ck_assert_int_eq(bed_ask_history(), 0);
        ck_assert_uint_eq(bed.n_history, 2);
        bed_close();
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}
END_TEST

START_TEST(missing_directory_is_made_again) {
        (void)strcpy(bed.path, bed_path("state/db"));
        bed_open_and_put_one();
        ck_assert_int_eq(unlink(bed.path), 0);
        ck_assert_int_eq(unlink(bed_path("state/db-wal")), 0);
        ck_assert_int_eq(unlink(bed_path("state/db-shm")), 0);
        ck_assert_int_eq(unlink(bed_path("state/db.lock")), 0);
        ck_assert_int_eq(rmdir(bed_path("state")), 0);
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), 0);
        bed_await_health("degraded well anew");
        ck_assert_uint_eq(bed_n_runs(), 1);
}
END_TEST

static Suite *gone_suite(void) {
        Suite *suite = suite_create("store-gone");
        TCase *single = tcase_create("store-gone");

        tcase_set_timeout(single, 60);
        tcase_add_checked_fixture(single, bed_setup, bed_teardown);
        tcase_add_test(single, runs_of_an_earlier_daemon_end_when_the_file_comes_late);
        tcase_add_loop_test(single, what_a_late_file_has_is_told_before_it_is_written, 0, 2);
        tcase_add_test(single, a_file_is_read_whole_or_not_at_all);
        tcase_add_loop_test(single, removed_file_is_made_anew, 0, 2);
        tcase_add_test(single, removed_log_loses_nothing);
        tcase_add_loop_test(single, removed_log_loses_nothing_while_others_have_it_open, 0, 2);
        tcase_add_test(single, log_that_is_removed_before_the_end_loses_nothing);
        tcase_add_test(single, removed_log_is_kept_open_while_others_read_an_earlier_state);
        tcase_add_loop_test(single, removed_file_is_made_anew_while_others_have_it_open, 0, 2);
        tcase_add_test(single, other_file_in_its_place_is_taken_up);
        tcase_add_test(single, missing_directory_is_made_again);
        suite_add_tcase(suite, single);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(gone_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
