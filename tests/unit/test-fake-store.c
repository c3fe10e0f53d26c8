/* SPDX-License-Identifier: MIT */
/* fake-store: that the store of other tests forgets, keeps and answers as the real one does. */
#include "support/fake-loop.h"
#include "support/fake-store.h"

#include <check.h>

static struct loop *loop;
static struct store *store;
static unsigned n_called, n_seen;
static int last_result;

static void open_store(void) {
        const struct store_options options = { .loop = loop, .path = "/nowhere/db" };

        ck_assert_int_eq(store_open(&options, &store), 0);
}

static void setup(void) {
        fake_clock_reset();
        ck_assert_int_eq(loop_new(&loop), 0);
        fake_store_reset();
        open_store();
}

static void teardown(void) {
        fake_store_reset();
        loop = loop_free(loop);
}

static void on_sync(int result, _unused_ void *arg) {
        last_result = result;
        n_called++;
}

static void sync_store(void) {
        ck_assert_int_eq(store_sync(store, on_sync, NULL, NULL), 0);
}

static int see_task(const struct store_task *task, _unused_ void *arg) {
        ck_assert_str_eq(task->task, "a");
        n_seen++;
        return 0;
}

static const struct store_task task = { .task = "a", .number = 3 };
static const struct store_run run = {
        .task = "a", .run = "a#3", .begun_usec = 7, .duration_usec = 5, .ended_usec = 12
};

START_TEST(file_outlives_the_store) {
        store_put_task(store, &task);
        store_put_begin(store, &run);
        ck_assert_ptr_null(fake_store_task("a"));
        sync_store();
        (void)fake_loop_settle();
        ck_assert_uint_eq(n_called, 1);
        ck_assert_uint_eq(fake_store_task("a")->number, 3);
        store = store_close(store, 0);
        open_store();
        ck_assert_int_eq(store_opened_tasks(store, see_task, NULL), 0);
        ck_assert_uint_eq(n_seen, 1);
        ck_assert_uint_eq(fake_store_n_live(), 1);
        store_put_end(store, &run);
        (void)fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_live(), 0);
        ck_assert_uint_eq(fake_store_n_runs(), 1);
}
END_TEST

START_TEST(crash_forgets_what_is_held) {
        fake_store_hold(true);
        store_put_task(store, &task);
        sync_store();
        (void)fake_loop_settle();
        ck_assert_uint_eq(n_called, 0);
        ck_assert_uint_eq(fake_store_n_waiting(), 1);
        fake_store_crash();
        fake_store_hold(false);
        open_store();
        (void)fake_loop_settle();
        ck_assert_ptr_null(fake_store_task("a"));
        ck_assert_uint_eq(n_called, 0);
}
END_TEST

START_TEST(degraded_store_loses_and_says_so) {
        struct store_stats stats;

        fake_store_degrade("the disk is full");
        store_put_task(store, &task);
        sync_store();
        (void)fake_loop_settle();
        ck_assert_int_eq(last_result, -EIO);
        store_get_stats(store, &stats);
        ck_assert_uint_eq(stats.lost, 1);
        ck_assert_str_eq(stats.why, "the disk is full");
        fake_store_recover(false);
        sync_store();
        (void)fake_loop_settle();
        ck_assert_int_eq(last_result, 0);
}
END_TEST

static void on_history(int error, const struct store_history_row *rows, size_t n, _unused_ void *arg) {
        ck_assert_int_eq(error, 0);
        ck_assert_uint_eq(n, 2);
        ck_assert_str_eq(rows[0].missed->reason, "late");
        ck_assert_str_eq(rows[1].run->run, "a#3");
        ck_assert_uint_gt(rows[0].position, rows[1].position);
        n_called++;
}

static void on_summary(int error, const struct store_summary *summary, _unused_ void *arg) {
        ck_assert_int_eq(error, 0);
        ck_assert_uint_eq(summary->by_outcome[OUTCOME_OK], 1);
        ck_assert_uint_eq(summary->missed, 2);
        ck_assert_uint_eq(summary->p99_usec, 5);
        n_called++;
}

START_TEST(history_is_newest_first) {
        const struct store_history_query query = { .until_usec = USEC_INFINITY, .before = UINT64_MAX, .n = 10 };
        const struct store_missed missed = { .task = "a", .last_due_usec = 9, .n = 2, .reason = "late" };
        struct store_query *cancelled;

        store_put_end(store, &run);
        store_put_missed(store, &missed);
        (void)fake_loop_settle();
        ck_assert_int_eq(store_ask_history(store, &query, on_history, NULL, NULL), 0);
        ck_assert_int_eq(store_ask_summary(store, "a", 0, on_summary, NULL, NULL), 0);
        ck_assert_int_eq(store_ask_summary(store, "a", 0, on_summary, NULL, &cancelled), 0);
        store_query_cancel(cancelled);
        (void)fake_loop_settle();
        ck_assert_uint_eq(n_called, 2);
        store_put_not_missed(store, "a", 9);
        store_put_not_missed(store, "a", 10);
        (void)fake_loop_settle();
        ck_assert_uint_eq(fake_store_missed_total("a", "late"), 1);
}
END_TEST

static Suite *fake_store_suite(void) {
        Suite *suite = suite_create("fake-store");
        TCase *tcase = tcase_create("fake-store");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, file_outlives_the_store);
        tcase_add_test(tcase, crash_forgets_what_is_held);
        tcase_add_test(tcase, degraded_store_loses_and_says_so);
        tcase_add_test(tcase, history_is_newest_first);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(fake_store_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
