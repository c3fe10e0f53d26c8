/* SPDX-License-Identifier: MIT */
/* store-keep: that what is older than keep, or more than keep-runs, is removed, and nothing else. */
#include "support/store-bed.h"

#include <check.h>
#include <stdio.h>

static int64_t n_left(void) {
        return bed_ask("SELECT count(*) FROM run");
}

static void put_runs(unsigned from, unsigned to) {
        for (unsigned i = from; i < to; i++) {
                struct store_run run = bed_run("a", i);

                store_put_end(bed.store, &run);
        }
        ck_assert_int_eq(bed_sync(), 0);
}

static bool has_kept_runs(void) {
        return n_left() == (int64_t)bed.keep_runs;
}

START_TEST(runs_beyond_keep_runs_are_removed) {
        bed_open();
        put_runs(0, 5000);
        ck_assert_int_eq(n_left(), 5000);
        bed_close();
        bed.keep_runs = 100;
        bed_open();
        put_runs(5000, 5001);
        bed_await(has_kept_runs);
        ck_assert_int_eq(bed_ask("SELECT min(position) FROM run"), (int64_t)(BED_START + (usec_t)4901 * USEC_PER_SEC));
        put_runs(5001, 6000); /* at last fewer than a slice too many */
        bed_await(has_kept_runs);
}
END_TEST

static bool has_kept_time(void) {
        return n_left() == 2000 && bed_ask("SELECT count(*) FROM missed") == 1;
}

START_TEST(history_older_than_keep_is_removed) {
        const struct store_missed old = { .task = "a", .first_due_usec = 1, .last_due_usec = BED_START, .n = 1 };
        const struct store_missed young = { .task = "a", .last_due_usec = BED_START + 5000 * USEC_PER_SEC, .n = 1 };

        bed.keep_usec = clock_now(CLOCK_ID_REALTIME) - (BED_START + 3000 * USEC_PER_SEC);
        bed_open();
        store_put_missed(bed.store, &old);
        store_put_missed(bed.store, &young);
        put_runs(0, 3000);
        put_runs(3300, 5300); /* a busy machine takes less than five minutes for all this */
        bed_await(has_kept_time);
}
END_TEST

static bool has_kept_long_run(void) {
        return n_left() == 2001;
}

START_TEST(run_that_took_long_is_as_old_as_its_end) {
        struct store_run run = bed_run("long", 1);

        run.ended_usec = BED_START + 4000 * USEC_PER_SEC;
        bed.keep_usec = clock_now(CLOCK_ID_REALTIME) - (BED_START + 3000 * USEC_PER_SEC);
        bed_open();
        store_put_end(bed.store, &run);
        put_runs(2, 2900);
        put_runs(3300, 5300);
        bed_await(has_kept_long_run);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run WHERE task = 'long'"), 1);
}
END_TEST

START_TEST(run_that_took_long_is_not_the_first_too_many) {
        struct store_run run = bed_run("long", 1);

        run.ended_usec = BED_START + 4000 * USEC_PER_SEC;
        bed.keep_runs = 100;
        bed_open();
        store_put_end(bed.store, &run);
        put_runs(2, 3000);
        bed_await(has_kept_runs);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run WHERE task = 'long'"), 1);
}
END_TEST

static bool has_kept_missed(void) {
        return bed_ask("SELECT count(*) FROM missed") == 100;
}

START_TEST(missed_beyond_keep_runs_are_removed) {
        struct store_missed missed = { .task = "a", .trigger = "calendar", .reason = "overlap", .n = 1 };

        bed.keep_runs = 100;
        bed_open();
        for (unsigned i = 0; i < 3000; i++) {
                missed.first_due_usec = missed.last_due_usec = BED_START + i * USEC_PER_SEC;
                store_put_missed(bed.store, &missed);
        }
        bed_await(has_kept_missed);
        ck_assert_int_eq(bed_ask("SELECT min(position) FROM missed"),
                         (int64_t)(BED_START + (usec_t)2900 * USEC_PER_SEC));
}
END_TEST

static bool has_kept_tasks(void) {
        return bed_ask("SELECT count(*) FROM task") == 2;
}

START_TEST(tasks_gone_for_longer_than_keep_are_forgotten) {
        usec_t now = clock_now(CLOCK_ID_REALTIME);
        char name[32];

        bed.keep_usec = USEC_PER_DAY;
        bed_open();
        for (unsigned i = 0; i < 50; i++) {
                (void)snprintf(name, sizeof(name), "old%u", i);
                store_put_task(bed.store, &(const struct store_task){ .task = name, .gone_usec = i + 1 });
                store_put_item(bed.store, &(const struct store_item){ .task = name, .item = "x", .failures = 1 });
        }
        store_put_task(bed.store, &(const struct store_task){ .task = "gone", .gone_usec = now });
        store_put_item(bed.store, &(const struct store_item){ .task = "gone", .item = "x", .failures = 1 });
        store_put_task(bed.store, &(const struct store_task){ .task = "quiet", .first_seen_usec = 1 });
        put_runs(0, 1000); /* enough for a look at what is kept */
        bed_await(has_kept_tasks);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM task WHERE task IN ('gone', 'quiet')"), 2);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM item"), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM item WHERE task = 'gone'"), 1);
}
END_TEST

static int64_t pages_before;

static bool is_shorter(void) {
        return bed_ask("PRAGMA page_count") < pages_before / 2;
}

START_TEST(file_gets_shorter_when_less_is_kept) {
        static char text[8192];

        memset(text, 'x', sizeof(text) - 1);
        bed_open();
        for (unsigned i = 0; i < 2000; i++) {
                struct store_run run = bed_run("a", i);

                run.tail = text;
                store_put_end(bed.store, &run);
                if (i % 500 == 499)
                        ck_assert_int_eq(bed_sync(), 0);
        }
        bed_close();
        pages_before = bed_ask("PRAGMA page_count");
        ck_assert_int_gt(pages_before, 4000);
        bed.keep_runs = 10;
        bed_open();
        put_runs(2000, 2001);
        bed_await(has_kept_runs);
        bed_await(is_shorter);
}
END_TEST

static Suite *keep_suite(void) {
        Suite *suite = suite_create("store-keep");
        TCase *tcase = tcase_create("store-keep");

        tcase_add_checked_fixture(tcase, bed_setup, bed_teardown);
        tcase_add_test(tcase, runs_beyond_keep_runs_are_removed);
        tcase_add_test(tcase, history_older_than_keep_is_removed);
        tcase_add_test(tcase, run_that_took_long_is_as_old_as_its_end);
        tcase_add_test(tcase, run_that_took_long_is_not_the_first_too_many);
        tcase_add_test(tcase, missed_beyond_keep_runs_are_removed);
        tcase_add_test(tcase, tasks_gone_for_longer_than_keep_are_forgotten);
        tcase_add_test(tcase, file_gets_shorter_when_less_is_kept);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(keep_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
