/* SPDX-License-Identifier: MIT */
/* live-slices: what there is much of is put, and started, in slices of the loop's time. */
#include "live/live_private.h"
#include "support/fake-loop.h"
#include "support/fake-store.h"
#include "support/live-bed.h"
#include "support/memory-bed.h"

#include <check.h>
#include <stdio.h>

#define LIVE live_bed.live

#define MANY  4500 /* more than two slices, beside the five */
#define SLICE 2000

static void make_many(void) {
        char name[16];

        for (unsigned i = 0; i < MANY; i++) {
                (void)snprintf(name, sizeof(name), "x-%04u", i);
                (void)live_bed_job(name);
        }
}

START_TEST(many_new_tasks_are_put_in_slices) {
        make_many();
        fake_store_hold(true);
        memory_bed_go();
        ck_assert_uint_eq(fake_store_n_puts(), SLICE);
        ck_assert_uint_eq(fake_store_n_waiting(), 1);
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_puts(), 5 + MANY);
        ck_assert_ptr_nonnull(fake_store_task("x-4499"));
}
END_TEST

START_TEST(what_waits_of_many_tasks_that_are_gone_is_told_in_slices) {
        char name[16];
        size_t puts;

        memory_bed_go();
        for (unsigned i = 0; i < MANY; i++) {
                const struct store_task gone = { .task = name, .schedule = "x", .fired = "bc100" };

                (void)snprintf(name, sizeof(name), "x-%04u", i);
                store_put_task(live_bed.store, &gone);
        }
        fake_loop_settle();
        live_bed_teardown();
        store_close(live_bed.store, 0);
        memory_bed_make();
        fake_store_hold(true);
        puts = fake_store_n_puts();
        memory_bed_go();
        ck_assert_uint_eq(fake_store_n_puts(), puts + 5 + 2 * SLICE);
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_missed(), MANY);
        ck_assert_uint_ne(fake_store_task("x-4499")->gone_usec, 0);
}
END_TEST

START_TEST(an_empty_file_gets_many_tasks_in_slices) {
        size_t puts;

        make_many();
        memory_bed_go();
        fake_store_degrade("gone");
        fake_store_recover(true);
        ck_assert_ptr_null(fake_store_task("work"));
        puts = fake_store_n_puts();
        fake_store_hold(true);
        live_put_anew(LIVE);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_puts(), puts + SLICE);
        live_put_anew(LIVE); /* once more, which begins from the start */
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_puts(), puts + SLICE + 5 + MANY);
        ck_assert_ptr_nonnull(fake_store_task("work"));
        ck_assert_ptr_nonnull(fake_store_task("x-4499"));
}
END_TEST

START_TEST(slices_wait_until_the_store_is_well) {
        make_many();
        fake_store_hold(true);
        memory_bed_go();
        fake_store_degrade("full");
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_puts(), SLICE);
        fake_store_recover(false);
        live_store_recovered(LIVE);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_puts(), 5 + MANY);
}
END_TEST

START_TEST(slices_that_are_left_are_put_at_the_end) {
        make_many();
        fake_store_hold(true);
        memory_bed_go();
        live_memory_flush(LIVE);
        ck_assert_uint_eq(fake_store_n_puts(), 5 + MANY);
        fake_store_hold(false);
}
END_TEST

/* ---- the start, in slices ---- */

static void make_many_hourly(void) {
        make_many();
        for (size_t i = 0; i < live_bed.config.n_tasks; i++) {
                live_bed.config.tasks[i]->every_usec = USEC_PER_HOUR;
                live_bed.config.tasks[i]->catch_up = CATCH_UP_NONE;
        }
}

START_TEST(what_many_tasks_missed_is_put_in_slices) {
        size_t puts;

        make_many_hourly();
        memory_bed_go();
        live_bed_teardown();
        store_close(live_bed.store, 0);
        memory_bed_make();
        make_many_hourly();
        fake_clock_advance(USEC_PER_DAY);
        puts = fake_store_n_puts();
        fake_store_hold(true);
        memory_bed_go();
        ck_assert_uint_eq(fake_store_n_puts(), puts + 2 * SLICE); /* what was missed, and the task */
        ck_assert_uint_eq(fake_store_n_waiting(), 1);
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_puts(), puts + 2 * (5 + MANY));
        ck_assert_uint_eq(fake_store_n_missed(), 5 + MANY);
        ck_assert_uint_eq(fake_store_missed_total(NULL, "down"), 24 * (5 + MANY));
}
END_TEST

START_TEST(what_waits_to_be_armed_is_armed_after_the_clock_was_set_too) {
        make_many_hourly();
        memory_bed_go();
        live_bed_teardown();
        store_close(live_bed.store, 0);
        memory_bed_make();
        make_many_hourly();
        fake_clock_advance(USEC_PER_DAY);
        fake_store_hold(true);
        memory_bed_go();
        fake_clock_set(CLOCK_ID_REALTIME, clock_now(CLOCK_ID_REALTIME) + USEC_PER_SEC);
        fake_loop_settle();
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_missed_total(NULL, "down"), 24 * (5 + MANY));
        ck_assert_uint_lt(live_task_next(live_bed_entry("work")), USEC_INFINITY);
}
END_TEST

static unsigned n_started(void) {
        unsigned n = 0;

        for (size_t i = 0; i < LIVE->n_tasks; i++)
                n += LIVE->tasks[i]->number == 1;
        return n;
}

START_TEST(many_that_start_with_the_daemon_do_in_slices) {
        make_many();
        for (size_t i = 0; i < SLICE + 300; i++)
                live_bed.config.tasks[i]->on_start = true;
        live_bed.config.daemon.max_running = 4;
        fake_store_hold(true);
        memory_bed_go();
        ck_assert_uint_eq(n_started(), SLICE);
        live_startup_reloaded(LIVE); /* which begins from the start, and starts none twice */
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_uint_eq(n_started(), SLICE + 300);
}
END_TEST

START_TEST(what_is_not_started_yet_is_not_when_triggers_end) {
        make_many();
        for (size_t i = 0; i < live_bed.config.n_tasks; i++)
                live_bed.config.tasks[i]->on_start = true;
        live_bed.config.daemon.max_running = 4;
        fake_store_hold(true);
        memory_bed_go();
        live_stop_triggers(LIVE);
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_uint_le(n_started(), SLICE);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live-slices");
        TCase *tcase = tcase_create("live-slices");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, memory_bed_setup, memory_bed_teardown);
        tcase_add_test(tcase, many_new_tasks_are_put_in_slices);
        tcase_add_test(tcase, what_waits_of_many_tasks_that_are_gone_is_told_in_slices);
        tcase_add_test(tcase, an_empty_file_gets_many_tasks_in_slices);
        tcase_add_test(tcase, slices_wait_until_the_store_is_well);
        tcase_add_test(tcase, slices_that_are_left_are_put_at_the_end);
        tcase_add_test(tcase, what_many_tasks_missed_is_put_in_slices);
        tcase_add_test(tcase, what_waits_to_be_armed_is_armed_after_the_clock_was_set_too);
        tcase_add_test(tcase, many_that_start_with_the_daemon_do_in_slices);
        tcase_add_test(tcase, what_is_not_started_yet_is_not_when_triggers_end);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
