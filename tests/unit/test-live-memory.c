/* SPDX-License-Identifier: MIT */
/* live-memory: what goes to the store, when runs may begin, and what a daemon begins with. */
#include "live/live_private.h"
#include "support/fake-loop.h"
#include "support/fake-store.h"
#include "support/live-bed.h"
#include "support/memory-bed.h"

#include <check.h>
#include <stdio.h>

#define LIVE live_bed.live

/* ---- the history ---- */

START_TEST(a_run_is_in_the_history_with_how_it_ended) {
        const struct store_run *run;

        memory_bed_go();
        (void)live_bed_start("work");
        ck_assert_uint_eq(fake_store_n_live(), 1);
        ck_assert_str_eq(fake_store_live(0)->run, "work#1");
        ck_assert_str_eq(fake_store_live(0)->trigger, "test");
        fake_clock_advance(2 * USEC_PER_SEC);
        live_bed_end("work", ERROR_EXIT);
        ck_assert_uint_eq(fake_store_n_live(), 0);
        ck_assert_uint_eq(fake_store_n_runs(), 1);
        run = fake_store_run(0);
        ck_assert_str_eq(run->run, "work#1");
        ck_assert_int_eq(run->outcome, OUTCOME_FAILED);
        ck_assert_int_eq(run->error, ERROR_EXIT);
        ck_assert_str_eq(run->detail, "as told");
        ck_assert_int_eq(run->exit_code, 7);
        ck_assert_uint_eq(run->duration_usec, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(run->ended_usec - run->begun_usec, 2 * USEC_PER_SEC);
        ck_assert_ptr_nonnull(run->json);
}
END_TEST

START_TEST(a_run_that_was_ok_needs_no_tree) {
        memory_bed_go();
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_NONE);
        ck_assert_int_eq(fake_store_run(0)->outcome, OUTCOME_OK);
        ck_assert_ptr_null(fake_store_run(0)->json);
}
END_TEST

START_TEST(members_have_rows_of_their_own) {
        memory_bed_go();
        (void)live_bed_start("pair");
        ck_assert_uint_eq(fake_store_n_live(), 3);
        live_bed_end("b", ERROR_NONE);
        ck_assert_uint_eq(fake_store_n_live(), 2);
        ck_assert_str_eq(fake_store_run(0)->run, "pair#1/b");
        ck_assert_str_eq(fake_store_run(0)->task, "b");
        live_bed_end("c", ERROR_NONE);
        ck_assert_uint_eq(fake_store_n_runs(), 3);
        ck_assert_str_eq(fake_store_run(2)->run, "pair#1");
        ck_assert_ptr_nonnull(fake_store_run(2)->json);
}
END_TEST

START_TEST(hooks_are_told_from_other_runs) {
        live_bed_hook(&memory_bed_work->on_failure, "quick");
        memory_bed_go();
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_EXIT);
        ck_assert_str_eq(fake_store_live(0)->run, "quick#1");
        ck_assert(fake_store_live(0)->hook);
        live_bed_end("quick", ERROR_NONE);
}
END_TEST

START_TEST(a_clean_end_leaves_no_run_without_one) {
        memory_bed_go();
        (void)live_bed_start("work");
        (void)live_bed_start("pair");
        memory_bed_next_daemon();
        ck_assert_uint_eq(fake_store_n_live(), 0);
        ck_assert_uint_eq(fake_store_n_runs(), 4);
        ck_assert_int_eq(fake_store_run(0)->outcome, OUTCOME_CANCELLED);
        ck_assert_uint_eq(live_bed_events(EVENT_INTERRUPTED), 0);
}
END_TEST

/* ---- held runs ---- */

START_TEST(a_run_begins_once_the_store_has_it) {
        struct run *run;

        memory_bed_go();
        fake_store_hold(true);
        run = live_bed_start("work");
        ck_assert_int_eq(run_get_state(run), RUN_QUEUED);
        ck_assert_ptr_null(live_bed_leaf("work"));
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
        ck_assert_uint_eq(fake_store_task("work")->number, 1);
}
END_TEST

START_TEST(a_run_goes_with_the_state_of_its_task) {
        struct run *run;
        size_t before;

        memory_bed_go();
        fake_loop_settle();
        before = fake_store_n_puts();
        ck_assert_int_eq(live_start(live_bed_entry("work"), "test", &run), 0);
        ck_assert_uint_eq(fake_store_n_puts(), before + 1); /* its beginning, and, when that goes into the file: */
        live_store_hand_over(LIVE);
        ck_assert_uint_eq(fake_store_n_puts(), before + 2);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_task("work")->number, 1);
}
END_TEST

START_TEST(a_run_that_was_started_from_inside_of_another_is_not_to_be_run_again) {
        struct live_start how = { .by = "test" };
        struct run *run;

        memory_bed_work->rerun_interrupted = true;
        memory_bed_go();
        how.host = live_bed_start("quick");
        ck_assert_int_eq(live_start_as(live_bed_entry("work"), &how, &run), 0);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_live(), 2);
        ck_assert_str_eq(fake_store_live(1)->run, "work#1");
        ck_assert_str_eq(fake_store_live(1)->trigger, "quick#1 (test)");
        ck_assert(!fake_store_live(1)->rerun);
        live_bed_end("work", ERROR_NONE);
        (void)live_bed_start("work");
        ck_assert(fake_store_live(1)->rerun);
}
END_TEST

START_TEST(what_is_made_while_a_sync_is_under_way_waits_for_the_next) {
        size_t syncs;

        memory_bed_go();
        syncs = fake_store_n_syncs();
        fake_store_hold(true);
        (void)live_bed_start("work");
        (void)live_bed_start("quick");
        (void)live_bed_start("pair");
        ck_assert_uint_eq(fake_store_n_syncs(), syncs + 1);
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_syncs(), syncs + 3); /* the last for the members of the group */
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
        ck_assert_ptr_nonnull(live_bed_leaf("quick"));
        ck_assert_ptr_nonnull(live_bed_leaf("b"));
}
END_TEST

static const int troubles[] = { -EIO, -ETIMEDOUT };

START_TEST(a_store_in_trouble_holds_nobody_up) {
        memory_bed_go();
        fake_store_set_sync(troubles[_i]);
        (void)live_bed_start("work");
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
}
END_TEST

START_TEST(without_a_store_runs_begin_at_once) {
        store_close(live_bed.store, 0);
        live_bed.store = NULL;
        live_bed_go();
        (void)live_bed_start("work");
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
        ck_assert_uint_eq(fake_store_n_puts(), 0);
}
END_TEST

/* ---- tasks ---- */

START_TEST(new_tasks_are_put_with_when_they_were_seen) {
        usec_t now = clock_now(CLOCK_ID_REALTIME);

        memory_bed_go();
        ck_assert_uint_eq(fake_store_task("work")->first_seen_usec, now);
        ck_assert_uint_eq(fake_store_task("pair")->first_seen_usec, now);
        fake_clock_advance(USEC_PER_HOUR);
        memory_bed_next_daemon();
        ck_assert_uint_eq(fake_store_task("work")->first_seen_usec, now);
}
END_TEST

START_TEST(what_is_known_is_not_put_again) {
        size_t puts;

        memory_bed_go();
        puts = fake_store_n_puts();
        memory_bed_next_daemon();
        ck_assert_uint_eq(fake_store_n_puts(), puts);
}
END_TEST

START_TEST(many_changes_in_a_turn_are_put_once) {
        size_t puts;

        memory_bed_go();
        puts = fake_store_n_puts();
        fake_store_hold(true);
        for (int i = 0; i < 3; i++) {
                struct run *run;

                ck_assert_int_eq(live_start(live_bed_entry("work"), "test", &run), 0);
        }
        fake_loop_settle();
        fake_store_hold(false);
        ck_assert_uint_eq(fake_store_n_puts(), puts + 3 + 1); /* three beginnings, one state */
}
END_TEST

START_TEST(numbers_go_on) {
        memory_bed_go();
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_NONE);
        memory_bed_next_daemon();
        (void)live_bed_start("work");
        ck_assert_ptr_nonnull(live_bed_run("work#2"));
}
END_TEST

START_TEST(failures_in_a_row_go_on) {
        struct live_task *entry;

        memory_bed_work->failing_after = 2;
        memory_bed_go();
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_EXIT);
        memory_bed_next_daemon();
        memory_bed_work->failing_after = 2;
        entry = live_bed_entry("work");
        ck_assert_uint_eq(live_task_failures(entry), 1);
        ck_assert(!live_task_is_failing(entry));
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_EXIT);
        ck_assert(live_task_is_failing(entry));
        memory_bed_next_daemon();
        ck_assert(live_task_is_failing(live_bed_entry("work")));
        ck_assert_uint_eq(live_bed_events(EVENT_FAILING), 0); /* told before */
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_NONE);
        ck_assert_uint_eq(live_bed_events(EVENT_RECOVERED), 1);
}
END_TEST

START_TEST(the_last_outcome_is_known_again) {
        const struct result *last;
        usec_t ended;

        memory_bed_go();
        (void)live_bed_start("pair");
        live_bed_end("b", ERROR_NONE);
        fake_clock_advance(USEC_PER_SEC);
        live_bed_end("c", ERROR_IO);
        ended = clock_now(CLOCK_ID_REALTIME);
        memory_bed_next_daemon();
        last = live_task_last(live_bed_entry("pair"));
        ck_assert_ptr_nonnull(last);
        ck_assert_str_eq(last->run, "pair#1");
        ck_assert_int_eq(last->outcome, OUTCOME_FAILED);
        ck_assert_str_eq(result_detail(last), "as told");
        ck_assert_uint_eq(last->n_children, 2);
        ck_assert_uint_eq(last->ended_realtime_usec, ended);
        ck_assert_uint_eq(live_task_last_ok(live_bed_entry("b")), ended - USEC_PER_SEC);
        ck_assert_uint_eq(live_task_last_ok(live_bed_entry("c")), 0);
}
END_TEST

START_TEST(the_usual_duration_begins_with_the_last_run) {
        memory_bed_go();
        (void)live_bed_start("work");
        fake_clock_advance(40 * USEC_PER_SEC);
        live_bed_end("work", ERROR_NONE);
        memory_bed_next_daemon();
        ck_assert_uint_eq(live_task_usual(live_bed_entry("work")), 40 * USEC_PER_SEC);
        (void)live_bed_start("work");
        fake_clock_advance(60 * USEC_PER_SEC);
        live_bed_end("work", ERROR_NONE);
        ck_assert_uint_eq(live_task_usual(live_bed_entry("work")), 45 * USEC_PER_SEC);
}
END_TEST

START_TEST(who_paused_a_task_is_known_again) {
        memory_bed_go();
        ck_assert_int_eq(live_pause(live_bed_entry("work"), "alice"), 0);
        fake_loop_settle();
        memory_bed_next_daemon();
        ck_assert_str_eq(live_task_paused_by(live_bed_entry("work"), NULL), "alice");
}
END_TEST

START_TEST(tasks_that_are_gone_are_marked_once) {
        const struct store_task gone = { .task = "gone", .number = 7, .last_run = "gone#7" };
        usec_t since;

        store_put_task(live_bed.store, &gone);
        memory_bed_go();
        memory_bed_next_daemon();
        since = clock_now(CLOCK_ID_REALTIME);
        ck_assert_uint_eq(fake_store_task("gone")->number, 7);
        ck_assert_str_eq(fake_store_task("gone")->last_run, "gone#7");
        ck_assert_uint_eq(fake_store_task("gone")->gone_usec, since);
        ck_assert_uint_eq(fake_store_task("work")->gone_usec, 0);
        fake_clock_advance(USEC_PER_HOUR);
        memory_bed_next_daemon();
        ck_assert_uint_eq(fake_store_task("gone")->gone_usec, since);
}
END_TEST

START_TEST(tasks_that_come_back_are_as_they_were) {
        const struct store_task back = { .task = "work", .number = 7, .first_seen_usec = 1, .gone_usec = 2 };

        memory_bed_go();
        store_put_task(live_bed.store, &back);
        fake_loop_settle();
        memory_bed_next_daemon();
        ck_assert_uint_eq(fake_store_task("work")->number, 7);
        ck_assert_uint_eq(fake_store_task("work")->first_seen_usec, 1);
        ck_assert_uint_eq(fake_store_task("work")->gone_usec, 0);
}
END_TEST

/* On day @day, when `work` is due hourly. */
static void daemon_of_day(unsigned day, bool enabled) {
        live_bed_teardown();
        store_close(live_bed.store, 0);
        memory_bed_make();
        memory_bed_work->every_usec = USEC_PER_HOUR;
        memory_bed_work->catch_up_max = 100;
        memory_bed_work->catch_up_within_usec = USEC_PER_DAY;
        memory_bed_work->enabled = enabled;
        live_bed.config.daemon.catch_up_delay_usec = USEC_PER_HOUR;
        fake_clock_advance(day * USEC_PER_DAY);
        memory_bed_go();
}

START_TEST(a_disabled_task_misses_nothing) {
        memory_bed_go();
        daemon_of_day(1, true);
        ck_assert_ptr_nonnull(fake_store_task("work")->schedule);
        daemon_of_day(1, false);
        ck_assert_ptr_null(fake_store_task("work")->schedule);
        daemon_of_day(3, true);
        ck_assert_uint_eq(fake_store_missed_total("work", NULL), 0);
        ck_assert_uint_eq(live_task_next(live_bed_entry("work")), clock_now(CLOCK_ID_REALTIME) + USEC_PER_HOUR);
}
END_TEST

/* It waited to be caught up. */
START_TEST(what_waits_of_a_disabled_task_is_told) {
        const struct store_missed *missed;
        uint64_t before;

        memory_bed_go();
        daemon_of_day(1, true);
        daemon_of_day(3, true);
        ck_assert_ptr_nonnull(strchr(fake_store_task("work")->fired, 'b'));
        before = fake_store_missed_total("work", NULL);
        daemon_of_day(3, false);
        ck_assert_uint_eq(fake_store_missed_total("work", "changed"), 1);
        missed = fake_store_missed(fake_store_n_missed() - 1);
        ck_assert_str_eq(missed->detail, "the task is not enabled any more");
        ck_assert_str_eq(missed->trigger, "every");
        ck_assert_ptr_null(fake_store_task("work")->schedule);
        daemon_of_day(4, false);
        ck_assert_uint_eq(fake_store_missed_total("work", NULL), before + 1);
}
END_TEST

START_TEST(what_waits_of_a_task_that_is_gone_is_told_once) {
        const struct store_task gone = {
                .task = "gone", .schedule = "x", .fired = "z0/1 bc100+10*3 bk105", .accounted_usec = 130
        };

        store_put_task(live_bed.store, &gone);
        memory_bed_go();
        for (unsigned i = 0; i < 2; i++) {
                memory_bed_next_daemon();
                ck_assert_uint_eq(fake_store_missed_total("gone", "changed"), 4);
                ck_assert_uint_eq(fake_store_n_missed(), 2);
                ck_assert_uint_eq(fake_store_missed(0)->first_due_usec, 100);
                ck_assert_uint_eq(fake_store_missed(0)->last_due_usec, 120);
                ck_assert_str_eq(fake_store_missed(0)->detail, "the task is not in the configuration any more");
                ck_assert_str_eq(fake_store_missed(1)->trigger, "cron");
                ck_assert_uint_ne(fake_store_task("gone")->gone_usec, 0);
        }
}
END_TEST

START_TEST(a_task_that_comes_back_has_missed_nothing) {
        struct store_task gone;

        memory_bed_go();
        daemon_of_day(1, true);
        gone = *fake_store_task("work");
        gone.gone_usec = clock_now(CLOCK_ID_REALTIME);
        store_put_task(live_bed.store, &gone);
        fake_loop_settle();
        daemon_of_day(3, true);
        ck_assert_uint_eq(fake_store_missed_total("work", NULL), 0);
        ck_assert_uint_eq(live_task_next(live_bed_entry("work")), clock_now(CLOCK_ID_REALTIME) + USEC_PER_HOUR);
}
END_TEST

/* ---- processes ---- */

START_TEST(process_of_an_attempt_is_gone_with_it) {
        memory_bed_work->run.retries = 1;
        memory_bed_go();
        (void)live_bed_start("work");
        run_leaf_process(live_bed_leaf("work"), 10, 5, false);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_processes(), 1);
        ck_assert_str_eq(fake_store_process(0)->run, "work#1");
        ck_assert_int_eq(fake_store_process(0)->pid, 10);
        ck_assert_uint_eq(fake_store_process(0)->start_ticks, 5);
        run_leaf_process(live_bed_leaf("work"), 10, 5, true);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_processes(), 0);
        ck_assert_uint_eq(fake_store_n_live(), 1); /* the run may go on */
}
END_TEST

START_TEST(process_is_gone_with_the_end_of_its_run) {
        memory_bed_go();
        (void)live_bed_start("work");
        run_leaf_process(live_bed_leaf("work"), 10, 5, false);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_processes(), 1);
        live_bed_end("work", ERROR_NONE);
        ck_assert_uint_eq(fake_store_n_processes(), 0);
}
END_TEST

/* A source of one item. */
static struct loop_work item_work;
static size_t n_wanted;
static bool item_pushed;

static void push_item(_unused_ struct loop_work *w, void *arg) {
        for (; n_wanted > 0; n_wanted--) {
                if (item_pushed) {
                        fanout_end(arg, ERROR_NONE, NULL);
                        return;
                }
                item_pushed = true;
                fanout_push(arg, "x", 1);
        }
}

static int item_open(struct run *fanout, void **ret) {
        loop_work_init(&item_work, live_bed.loop, "item", push_item, fanout);
        *ret = &item_work;
        return 0;
}

static void item_want(_unused_ void *arg, size_t n) {
        n_wanted += n;
        loop_work_schedule(&item_work);
}

static void item_close(_unused_ void *arg) {
        loop_work_cancel(&item_work);
}

static const struct item_source_ops item_ops = { .open = item_open, .want = item_want, .close = item_close };

START_TEST(processes_of_items_are_not_put) {
        memory_bed_work->run.items = &item_ops;
        memory_bed_work->run.concurrency = 1;
        memory_bed_work->for_each.type = FOR_EACH_LIST;
        memory_bed_go();
        (void)live_bed_start("work");
        run_leaf_process(live_bed_leaf("work"), 10, 5, false);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_n_live(), 1);
        ck_assert_uint_eq(fake_store_n_processes(), 0);
        live_bed_end("work", ERROR_NONE);
        ck_assert_uint_eq(fake_store_n_runs(), 1);
}
END_TEST

/* ---- anew ---- */

START_TEST(an_empty_file_gets_everything_again) {
        memory_bed_go();
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_EXIT);
        (void)live_bed_start("pair");
        live_bed_end("b", ERROR_NONE);
        fake_store_degrade("full");
        fake_store_recover(true);
        live_put_anew(LIVE);
        fake_loop_settle();
        ck_assert_uint_eq(fake_store_task("work")->failures, 1);
        ck_assert_uint_eq(fake_store_task("quick")->number, 0);
        ck_assert_uint_eq(fake_store_n_live(), 2); /* the group, and the member that has not ended */
        ck_assert_str_eq(fake_store_live(0)->run, "pair#1");
        ck_assert_str_eq(fake_store_live(1)->run, "pair#1/c");
}
END_TEST

/* ---- late ---- */

START_TEST(what_is_read_late_is_added) {
        usec_t seen = clock_now(CLOCK_ID_REALTIME), ok;
        const struct store_task *stored;

        memory_bed_go();
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_NONE);
        ok = clock_now(CLOCK_ID_REALTIME);
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_EXIT);
        ck_assert_int_eq(live_pause(live_bed_entry("work"), "alice"), 0);
        fake_loop_settle();
        memory_bed_go_blind();
        ck_assert_ptr_null(live_task_paused_by(live_bed_entry("work"), NULL));
        memory_bed_read_late();
        ck_assert_str_eq(live_task_paused_by(live_bed_entry("work"), NULL), "alice");
        ck_assert_uint_eq(live_task_failures(live_bed_entry("work")), 1);
        ck_assert(live_task_is_failing(live_bed_entry("work")));
        ck_assert_str_eq(live_task_last(live_bed_entry("work"))->run, "work#2");
        ck_assert_uint_eq(live_task_last_ok(live_bed_entry("work")), ok);
        ck_assert_uint_eq(live_task_stale_at(live_bed_entry("work")), ok + 7 * USEC_PER_DAY);
        stored = fake_store_task("work"); /* which was put anew */
        ck_assert_uint_eq(stored->number, 2);
        ck_assert_uint_eq(stored->first_seen_usec, seen);
        ck_assert_str_eq(stored->paused_by, "alice");
        (void)live_bed_start("work");
        ck_assert_ptr_nonnull(live_bed_run("work#3"));
}
END_TEST

START_TEST(what_happened_since_holds_against_what_is_read_late) {
        struct live_task *entry;
        usec_t ok;

        memory_bed_go();
        (void)live_bed_start("work");
        live_bed_end("work", ERROR_EXIT);
        ck_assert_int_eq(live_pause(live_bed_entry("work"), "alice"), 0);
        fake_loop_settle();
        memory_bed_go_blind();
        entry = live_bed_entry("work");
        for (unsigned i = 0; i < 3; i++) {
                (void)live_bed_start("work");
                live_bed_end("work", ERROR_NONE);
        }
        ok = clock_now(CLOCK_ID_REALTIME);
        ck_assert_int_eq(live_pause(entry, "bob"), 0);
        memory_bed_read_late();
        ck_assert_str_eq(live_task_paused_by(entry, NULL), "bob");
        ck_assert_uint_eq(live_task_failures(entry), 0);
        ck_assert(!live_task_is_failing(entry));
        ck_assert_uint_eq(live_task_last_ok(entry), ok);
        ck_assert_uint_eq(fake_store_task("work")->number, 3);
}
END_TEST

/* ---- sync ---- */

static int told;

static void on_synced(int result, void *arg _unused_) {
        told = result;
}

START_TEST(a_sync_is_for_all_that_was_noted_before_it) {
        struct live_sync *sync;

        memory_bed_go();
        fake_store_hold(true);
        ck_assert_int_eq(live_pause(live_bed_entry("work"), "alice"), 0);
        told = 1;
        ck_assert_int_eq(live_sync(LIVE, on_synced, NULL, &sync), 0);
        fake_loop_settle();
        ck_assert_int_eq(told, 1);
        fake_store_hold(false);
        fake_loop_settle();
        ck_assert_int_eq(told, 0);
        ck_assert_str_eq(fake_store_task("work")->paused_by, "alice");
}
END_TEST

START_TEST(a_cancelled_sync_is_not_called) {
        struct live_sync *sync;

        memory_bed_go();
        told = 1;
        ck_assert_int_eq(live_sync(LIVE, on_synced, NULL, &sync), 0);
        live_sync_cancel(sync);
        live_sync_cancel(NULL);
        fake_loop_settle();
        ck_assert_int_eq(told, 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live-memory");
        TCase *tcase = tcase_create("live-memory");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, memory_bed_setup, memory_bed_teardown);
        tcase_add_test(tcase, a_run_is_in_the_history_with_how_it_ended);
        tcase_add_test(tcase, a_run_that_was_ok_needs_no_tree);
        tcase_add_test(tcase, members_have_rows_of_their_own);
        tcase_add_test(tcase, hooks_are_told_from_other_runs);
        tcase_add_test(tcase, a_clean_end_leaves_no_run_without_one);
        tcase_add_test(tcase, a_run_begins_once_the_store_has_it);
        tcase_add_test(tcase, a_run_goes_with_the_state_of_its_task);
        tcase_add_test(tcase, a_run_that_was_started_from_inside_of_another_is_not_to_be_run_again);
        tcase_add_test(tcase, what_is_made_while_a_sync_is_under_way_waits_for_the_next);
        tcase_add_loop_test(tcase, a_store_in_trouble_holds_nobody_up, 0, (int)ARRAY_SIZE(troubles));
        tcase_add_test(tcase, without_a_store_runs_begin_at_once);
        tcase_add_test(tcase, new_tasks_are_put_with_when_they_were_seen);
        tcase_add_test(tcase, what_is_known_is_not_put_again);
        tcase_add_test(tcase, many_changes_in_a_turn_are_put_once);
        tcase_add_test(tcase, numbers_go_on);
        tcase_add_test(tcase, failures_in_a_row_go_on);
        tcase_add_test(tcase, the_last_outcome_is_known_again);
        tcase_add_test(tcase, the_usual_duration_begins_with_the_last_run);
        tcase_add_test(tcase, who_paused_a_task_is_known_again);
        tcase_add_test(tcase, tasks_that_are_gone_are_marked_once);
        tcase_add_test(tcase, tasks_that_come_back_are_as_they_were);
        tcase_add_test(tcase, a_disabled_task_misses_nothing);
        tcase_add_test(tcase, what_waits_of_a_disabled_task_is_told);
        tcase_add_test(tcase, what_waits_of_a_task_that_is_gone_is_told_once);
        tcase_add_test(tcase, a_task_that_comes_back_has_missed_nothing);
        tcase_add_test(tcase, process_of_an_attempt_is_gone_with_it);
        tcase_add_test(tcase, process_is_gone_with_the_end_of_its_run);
        tcase_add_test(tcase, processes_of_items_are_not_put);
        tcase_add_test(tcase, an_empty_file_gets_everything_again);
        tcase_add_test(tcase, what_is_read_late_is_added);
        tcase_add_test(tcase, what_happened_since_holds_against_what_is_read_late);
        tcase_add_test(tcase, a_sync_is_for_all_that_was_noted_before_it);
        tcase_add_test(tcase, a_cancelled_sync_is_not_called);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
