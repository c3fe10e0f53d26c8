/* SPDX-License-Identifier: MIT */
/* store-faults: that whatever the disk does, nothing that was acknowledged is lost, nothing is lost silently, and the store
 * is well again by itself when the disk is; with a disk that fails at each call in turn. */
#include "store/store.h"

#include "support/fault-vfs.h"
#include "support/store-bed.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* ---- each call in turn ---- */

static const struct {
        enum fault_op op;
        int code;
        bool damage; /* the file may be set aside */
} faults[] = {
        { FAULT_OPEN, SQLITE_CANTOPEN, false },
        { FAULT_OPEN, SQLITE_NOMEM, false },
        { FAULT_READ, SQLITE_IOERR_READ, false },
        { FAULT_READ, SQLITE_CORRUPT, true },
        { FAULT_READ, SQLITE_NOTADB, true },
        { FAULT_WRITE, SQLITE_FULL, false },
        { FAULT_WRITE, SQLITE_IOERR_WRITE, false },
        { FAULT_WRITE, SQLITE_READONLY, false },
        { FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE, false },
        { FAULT_SYNC, SQLITE_IOERR_FSYNC, false },
        { FAULT_SYNC, SQLITE_FULL, false },
        { FAULT_FILE_SIZE, SQLITE_IOERR_FSTAT, false },
        { FAULT_LOCK, SQLITE_IOERR_LOCK, false },
        { FAULT_LOCK, SQLITE_READONLY, false },
        { FAULT_DELETE, SQLITE_IOERR_DELETE, false },
        { FAULT_ACCESS, SQLITE_IOERR_ACCESS, false },
        { FAULT_SHM_MAP, SQLITE_IOERR_SHMMAP, false },
        { FAULT_SHM_MAP, SQLITE_READONLY_CANTINIT, false },
        { FAULT_SHM_LOCK, SQLITE_IOERR_SHMLOCK, false },
        { FAULT_SHM_LOCK, SQLITE_IOERR_NOMEM, false },
};

#define ROUNDS  8
#define LASTING 5            /* so many calls of each kind fail with all that follow; all of them with TEST_LONG */
#define LARGE   (600 * 1024) /* with seven of them the log is emptied on the way */

static const struct store_missed missed = {
        .task = "a", .first_due_usec = 1, .last_due_usec = ROUNDS, .n = ROUNDS + 1
};

static void put_task_again(void) {
        bed_put_task();
}

/* Opens, puts, syncs and asks; notes which runs were acknowledged. */
static void live_a_little(bool acknowledged[ROUNDS], const char *large) {
        bed_open();
        store_put_missed(bed.store, &missed);
        for (unsigned i = 0; i < ROUNDS; i++) {
                struct store_run run = bed_run("a", i);

                bed_put_task();
                store_put_begin(bed.store, &run);
                store_put_item(bed.store, &(const struct store_item){ .task = "a", .item = "x", .failures = i });
                run.json = large;
                store_put_end(bed.store, &run);
                store_put_not_missed(bed.store, "a", i + 1);
                acknowledged[i] = bed_sync() == 0;
                if (i == 1 || i == ROUNDS - 1)
                        (void)bed_ask_history();
        }
}

static void check_file(const bool acknowledged[ROUNDS], bool set_aside) {
        char sql[128];

        for (unsigned i = 0; i < ROUNDS; i++) {
                (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM run WHERE run = 'a#%u'", i);
                if (acknowledged[i] && !set_aside)
                        ck_assert_msg(bed_ask(sql) == 1, "a#%u was acknowledged and is lost", i);
                else
                        ck_assert_int_le(bed_ask(sql), 1);
        }
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM task"), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM live"), 0);
        if (!set_aside)
                ck_assert_int_eq(bed_ask("SELECT n FROM missed"), 1); /* each was taken back once */
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
        ck_assert_msg(set_aside || bed_count("db.damaged") == 0, "a file without damage was set aside");
}

/* Returns whether the call was made at all. */
static bool fail_once(int i, unsigned nth, bool lasting, const char *large) {
        bool acknowledged[ROUNDS], failed;

        bed_setup();
        bed.on_anew = put_task_again;
        fault_vfs_fail(faults[i].op, nth, faults[i].code, lasting);
        live_a_little(acknowledged, large);
        failed = fault_vfs_failed();
        if (getenv("TEST_VERBOSE"))
                printf("%s %u%s: %d, %s\n", fault_op_name(faults[i].op), nth, lasting ? " and more" : "",
                       faults[i].code, failed ? "failed" : "was not made");
        fault_vfs_heal();
        bed_await_well();
        bed_put_task(); /* damage that the last question met is seen to before that is written … */
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_sync(), 0); /* … and the present state, if the file is a new one, is written by now */
        ck_assert_uint_eq(bed_stats()->lost, 0); /* there is room enough */
        check_file(acknowledged, bed_count("db.damaged") > 0 && faults[i].damage);
        ck_assert_int_eq(bed_ask_history(), 0);
        bed_close();
        bed_open();
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM task"), 1);
        bed_teardown();
        return failed;
}

START_TEST(each_call_fails_in_turn) {
        const bool is_long = getenv("TEST_LONG");
        char *large = malloc(LARGE);

        ck_assert_ptr_nonnull(large);
        memset(large, 'x', LARGE - 1);
        large[LARGE - 1] = '\0';
        fault_vfs_register();
        if (access("/dev/shm", W_OK) >= 0)
                (void)setenv("TMPDIR", "/dev/shm", 1); /* hundreds of files, and the disk is not what is tested */
        for (unsigned nth = 1; fail_once(_i, nth, false, "{}"); nth++)
                if (is_long || nth <= LASTING)
                        (void)fail_once(_i, nth, true, "{}");
        /* With a log that is emptied on the way there are thousands of calls of the same kind: with growing steps. */
        for (unsigned nth = 1; fail_once(_i, nth, false, large); nth += is_long ? 1 + nth / 16 : 1 + nth / 2)
                ;
        free(large);
}
END_TEST

/* ---- a disk that hangs ---- */

START_TEST(disk_that_hangs_is_not_waited_for) {
        fault_vfs_register();
        bed_open();
        bed_put_run(1);
        bed_close();
        bed.patience_usec = 300 * USEC_PER_MSEC;
        bed_open();
        bed_await(bed_is_well); /* also when that took longer */
        bed.health[0] = '\0';
        fault_vfs_hang(FAULT_WRITE);
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), -ETIMEDOUT);
        bed_await_health("degraded");
        ck_assert_ptr_nonnull(strstr(bed.why, "does not answer"));
        bed_put_run(3);
        ck_assert_int_eq(bed_sync(), -EIO);
        fault_vfs_heal();
        bed_await(bed_is_well);
        ck_assert_uint_eq(bed_n_runs(), 3);
        ck_assert_uint_eq(bed_stats()->lost, 0);
}
END_TEST

START_TEST(queue_without_room_loses_and_says_so) {
        bed.queue_bytes = (size_t)128 * 1024;
        bed.on_anew = bed_put_anew;
        fault_vfs_register();
        bed_open();
        ck_assert_int_eq(bed_sync(), 0);
        fault_vfs_hang(FAULT_WRITE);
        for (unsigned i = 0; i < 3000; i++)
                bed_put_run(i);
        ck_assert_uint_gt(bed_stats()->lost, 0);
        ck_assert_int_eq(bed_sync(), -EIO);
        bed_await_health("degraded");
        ck_assert_ptr_nonnull(strstr(bed.why, "no room"));
        fault_vfs_heal();
        bed_await_health("well anew");
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(bed.n_anew, 1);
        ck_assert_uint_eq(bed_n_runs() + bed_stats()->lost, 3000);
        ck_assert_uint_gt(bed_n_runs(), 100);
        ck_assert_int_eq(bed_ask("SELECT n FROM missed WHERE task IS NULL"), (int)bed_stats()->lost);
        ck_assert_int_eq(
                bed_ask("SELECT count(*) FROM missed WHERE reason = 'lost' AND first_due_usec <= last_due_usec"), 1);
}
END_TEST

START_TEST(steady_load_does_not_keep_it_degraded) {
        bed.queue_bytes = (size_t)128 * 1024;
        bed.on_anew = bed_put_anew;
        fault_vfs_register();
        bed_open();
        ck_assert_int_eq(bed_sync(), 0);
        fault_vfs_hang(FAULT_WRITE);
        for (unsigned i = 0; i < 3000; i++)
                bed_put_run(i);
        bed_await_health("degraded");
        fault_vfs_heal();
        while (bed_stats()->queued > 0) /* without a look: */
                (void)poll(NULL, 0, 1);
        fault_vfs_hang(FAULT_WRITE); /* from the loop's side there is always something that is not written yet */
        bed_put_run(3000);
        bed_await_health("well anew");
        fault_vfs_heal();
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run WHERE run = 'a#3000'"), 1);
        ck_assert_int_eq(bed_ask("SELECT n FROM missed WHERE task IS NULL"), (int)bed_stats()->lost);
}
END_TEST

static unsigned n_turns;

static bool has_put_for_long(void) {
        if (n_turns < 1000)
                bed_put_run(n_turns);
        return n_turns++ > 1000;
}

START_TEST(queue_has_room_for_many_turns_of_little) {
        bed.queue_bytes = (size_t)1024 * 1024;
        bed.patience_usec = USEC_INFINITY;
        fault_vfs_register();
        bed_open();
        ck_assert_int_eq(bed_sync(), 0);
        fault_vfs_hang(FAULT_WRITE);
        bed_await(has_put_for_long);
        ck_assert_uint_eq(bed_stats()->lost, 0);
        fault_vfs_heal();
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(bed_n_runs(), 1000);
}
END_TEST

static bool has_first_run(void) {
        return bed_n_runs() == 1;
}

START_TEST(closing_leaves_a_disk_that_hangs) {
        fault_vfs_register();
        bed_open();
        ck_assert_int_eq(bed_sync(), 0);
        fault_vfs_hang(FAULT_WRITE);
        bed_put_run(1);
        bed.store = store_close(bed.store, 50 * USEC_PER_MSEC);
        fault_vfs_heal();
        bed_await(has_first_run); /* the thread goes on, and ends */
}
END_TEST

static bool has_state(void) {
        return bed_is_well() && bed.n_anew == 1;
}

START_TEST(opening_leaves_a_disk_that_hangs) {
        bed.on_anew = bed_put_anew;
        fault_vfs_register();
        fault_vfs_hang(FAULT_OPEN);
        bed.patience_usec = 300 * USEC_PER_MSEC;
        bed_open();
        bed_put_run(1);
        ck_assert_int_eq(bed_sync(), -EIO);
        bed_await_health("degraded");
        fault_vfs_heal();
        bed_await(has_state);
        ck_assert_uint_eq(bed_n_runs(), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM task"), 1);
}
END_TEST

/* ---- damage ---- */

/* Everything behind the first @from bytes of the file. */
static void scribble(off_t from) {
        int fd = open(bed.path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
        char noise[4096];
        struct stat st;

        memset(noise, 0xa5, sizeof(noise));
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        for (off_t at = from; at < MAX(st.st_size, (off_t)8192); at += (off_t)sizeof(noise))
                ck_assert_int_eq(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
        (void)close(fd);
}

START_TEST(damaged_file_is_set_aside_at_the_start) {
        bed_open_and_put_one();
        bed_close();
        scribble(_i > 0 ? 4096 : 0);
        bed_open();
        bed_await_health("degraded well");
        ck_assert_ptr_null(strstr(bed.why, "lost"));
        ck_assert_uint_eq(bed_count("db.damaged-"), 1);
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(bed_n_runs(), 1);
}
END_TEST

START_TEST(damaged_file_is_set_aside_while_at_work) {
        bed_open_and_put_one();
        bed_tell("PRAGMA wal_checkpoint(TRUNCATE)");
        scribble(_i > 0 ? 4096 : 0);
        bed_put_run(2);
        ck_assert_int_eq(bed_sync(), 0);
        bed_await_health("degraded well anew");
        ck_assert_uint_eq(bed_count("db.damaged-"), 1);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(bed_n_runs(), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM task"), 1);
}
END_TEST

START_TEST(damage_that_a_question_meets_is_set_aside) {
        bed_open_and_put_one();
        bed_tell("PRAGMA wal_checkpoint(TRUNCATE)");
        scribble(4096);
        ck_assert_int_eq(bed_ask_history(), -EIO);
        bed_await_health("degraded well anew");
        ck_assert_uint_eq(bed_count("db.damaged-"), 1);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask_history(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM task"), 1);
}
END_TEST

START_TEST(damage_that_cleaning_up_meets_is_set_aside) {
        bed.keep_usec = USEC_PER_DAY; /* else nothing is looked for */
        bed.on_anew = bed_put_anew;
        bed_open();
        bed_tell("DROP TABLE missed"); /* the batch does not need it */
        bed_put_run(1);
        bed_await_health("degraded well anew");
        ck_assert_uint_eq(bed_count("db.damaged-"), 1);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM missed"), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM task"), 1);
}
END_TEST

START_TEST(no_more_than_three_are_kept_aside) {
        static const char *const directories[] = { "plain", "[a]*?" };

        ck_assert_int_eq(mkdir(bed_path(directories[_i]), 0700), 0);
        (void)snprintf(bed.path, sizeof(bed.path), "%s/db", bed_path(directories[_i]));
        for (unsigned i = 0; i < 5; i++) {
                scribble(0);
                bed_open();
                bed_await_health("degraded well");
                bed_close();
        }
        ck_assert_uint_eq(bed_count("db.damaged-"), 3);
}
END_TEST

/* ---- real disks ---- */

/* A file system of our own, where only this process sees it. Returns false when we may not. */
static bool mount_here(const char *options) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", bed.dir, "tmpfs", 0, options) < 0) {
                printf("skipped: file systems cannot be mounted: %s\n", strerror(errno));
                return false;
        }
        return true;
}

static bool is_degraded(void) {
        return bed_stats()->degraded;
}

START_TEST(full_disk) {
        static char noise[65536];
        int fd;

        if (!mount_here("size=2m"))
                return;
        bed_open_and_put_one();
        fd = open(bed_path("filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        while (write(fd, noise, sizeof(noise)) > 0)
                ;
        (void)close(fd);
        for (unsigned i = 2; i < 1002; i++)
                bed_put_run(i);
        bed_await(is_degraded);
        ck_assert_ptr_nonnull(strstr(bed_stats()->why, "the disk is full"));
        ck_assert_int_eq(bed_sync(), -EIO);
        bed_await_health("degraded");
        store_retry(bed.store);
        ck_assert_int_eq(bed_sync(), -EIO); /* still */
        ck_assert_int_eq(unlink(bed_path("filler")), 0);
        store_retry(bed.store);
        bed_await_health("well");
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(bed_n_runs(), 1001);
        bed_close();
        ck_assert_uint_eq(bed_n_runs(), 1001);
        ck_assert_int_eq(umount2(bed.dir, MNT_DETACH), 0);
}
END_TEST

START_TEST(file_system_that_becomes_read_only) {
        if (!mount_here("size=8m"))
                return;
        bed_open_and_put_one();
        bed_close();
        ck_assert_int_eq(mount(NULL, bed.dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        bed_open();
        bed_put_run(2);
        bed_await(is_degraded);
        ck_assert_msg(strcasestr(bed_stats()->why, "read-only") != NULL, "%s", bed_stats()->why);
        ck_assert_int_eq(mount(NULL, bed.dir, NULL, MS_REMOUNT, NULL), 0);
        bed_await_well();
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(bed_n_runs(), 2);
        bed_close();
        ck_assert_int_eq(umount2(bed.dir, MNT_DETACH), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-faults");
        TCase *each = tcase_create("each call"), *single = tcase_create("single");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(each, each_call_fails_in_turn, 0, (int)ARRAY_SIZE(faults));
        tcase_set_timeout(each, 300);
        tcase_set_timeout(single, 60);
        suite_add_tcase(suite, each);
        tcase_add_checked_fixture(single, bed_setup, bed_teardown);
        tcase_add_test(single, disk_that_hangs_is_not_waited_for);
        tcase_add_test(single, queue_without_room_loses_and_says_so);
        tcase_add_test(single, steady_load_does_not_keep_it_degraded);
        tcase_add_test(single, queue_has_room_for_many_turns_of_little);
        tcase_add_test(single, closing_leaves_a_disk_that_hangs);
        tcase_add_test(single, opening_leaves_a_disk_that_hangs);
        tcase_add_loop_test(single, damaged_file_is_set_aside_at_the_start, 0, 2);
        tcase_add_loop_test(single, damaged_file_is_set_aside_while_at_work, 0, 2);
        tcase_add_test(single, damage_that_a_question_meets_is_set_aside);
        tcase_add_test(single, damage_that_cleaning_up_meets_is_set_aside);
        tcase_add_loop_test(single, no_more_than_three_are_kept_aside, 0, 2);
        tcase_add_test(single, full_disk);
        tcase_add_test(single, file_system_that_becomes_read_only);
        suite_add_tcase(suite, single);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
