/* SPDX-License-Identifier: MIT */
/* live-interrupted: runs that a daemon died under, as the next one finds them. */
#include "support/fake-loop.h"
#include "support/fake-store.h"
#include "support/live-bed.h"

#include <check.h>
#include <stdio.h>

static struct task *alert, *b, *pair, *service, *work;

/* What is written now was not to be run again whatever the task says, as it was started from inside of another. */
static bool was_inside;

/* What the dead daemon had written. */
static void was_running(const char *task, const char *run, struct store_run more) {
        more.task = task;
        more.run = run;
        more.trigger = "test";
        more.due_usec = 5 * USEC_PER_SEC;
        more.begun_usec = 7 * USEC_PER_SEC;
        more.rerun = !was_inside;
        store_put_begin(live_bed.store, &more);
}

static void open_store(void) {
        const struct store_options options = { .loop = live_bed.loop, .path = "/state.db" };

        ck_assert_int_eq(store_open(&options, &live_bed.store), 0);
}

static void setup(void) {
        was_inside = false;
        fake_store_reset();
        live_bed_setup();
        alert = live_bed_job("alert");
        (void)live_bed_group("as-hook"); /* so that the group below has not the alert in it */
        b = live_bed_job("b");
        (void)live_bed_job("c");
        pair = live_bed_group("pair");
        service = live_bed_service("service");
        work = live_bed_job("work");
        open_store();
}

/* The next daemon begins. */
static void go(void) {
        fake_loop_settle();
        store_close(live_bed.store, 0);
        open_store();
        live_bed_go();
        store_forget_opened(live_bed.store);
        fake_loop_settle();
}

static void teardown(void) {
        live_bed_teardown();
        store_close(live_bed.store, 0);
        live_bed.store = NULL;
}

START_TEST(it_is_told_and_ends_in_the_store) {
        const struct store_run *run;

        was_running("work", "work#3", (struct store_run){ 0 });
        go();
        ck_assert_uint_eq(live_bed_events(EVENT_INTERRUPTED), 1);
        ck_assert_str_eq(live_bed_text(EVENT_INTERRUPTED), "the daemon died under it");
        ck_assert_uint_eq(fake_store_n_live(), 0);
        ck_assert_uint_eq(fake_store_n_runs(), 1);
        run = fake_store_run(0);
        ck_assert_str_eq(run->run, "work#3");
        ck_assert_uint_eq(run->begun_usec, 7 * USEC_PER_SEC);
        ck_assert_int_eq(run->outcome, OUTCOME_INTERRUPTED);
        ck_assert_ptr_nonnull(run->json);
        ck_assert_str_eq(live_task_last(live_bed_entry("work"))->run, "work#3");
}
END_TEST

START_TEST(its_number_is_taken) {
        was_running("work", "work#3", (struct store_run){ 0 });
        go();
        (void)live_bed_start("work");
        ck_assert_ptr_nonnull(live_bed_run("work#4"));
}
END_TEST

START_TEST(it_is_no_failure) {
        was_running("work", "work#3", (struct store_run){ 0 });
        go();
        ck_assert_uint_eq(live_task_failures(live_bed_entry("work")), 0);
        ck_assert(!live_task_is_failing(live_bed_entry("work")));
}
END_TEST

START_TEST(a_plain_hook_is_told) {
        live_bed_hook(&work->on_failure, "alert");
        was_running("work", "work#3", (struct store_run){ 0 });
        go();
        ck_assert_str_eq(live_bed_hooks(), "alert:failure:work:interrupted");
}
END_TEST

START_TEST(one_for_other_words_is_not) {
        live_bed_hook(&work->on_failure, "alert");
        work->on_failure.items[0].errors = 1u << ERROR_EXIT;
        was_running("work", "work#3", (struct store_run){ 0 });
        go();
        ck_assert_str_eq(live_bed_hooks(), "");
}
END_TEST

START_TEST(a_service_is_no_alarm_unless_asked_for) {
        live_bed_hook(&service->on_failure, "alert");
        if (_i > 0)
                service->on_failure.items[0].outcomes = 1u << OUTCOME_INTERRUPTED;
        was_running("service", "service#1", (struct store_run){ .service = true });
        go();
        ck_assert_uint_eq(live_bed_events(EVENT_INTERRUPTED), 1);
        ck_assert_str_eq(live_bed_hooks(), _i > 0 ? "alert:failure:service:interrupted" : "");
}
END_TEST

START_TEST(a_service_that_is_on_start_is_up_again) {
        service->on_start = true;
        was_running("service", "service#1", (struct store_run){ .service = true });
        go();
        ck_assert_ptr_nonnull(live_bed_run("service#2"));
        ck_assert_ptr_nonnull(live_bed_leaf("service"));
}
END_TEST

START_TEST(a_group_has_its_members_and_one_hook) {
        const struct result *last;

        live_bed_hook(&pair->on_failure, "alert");
        was_running("pair", "pair#9", (struct store_run){ 0 });
        was_running("c", "pair#9/c", (struct store_run){ 0 });
        was_running("b", "pair#9/b", (struct store_run){ 0 });
        was_running("pair", "pair#10", (struct store_run){ 0 });
        go();
        ck_assert_str_eq(live_bed_hooks(), "alert:failure:pair:interrupted alert:failure:pair:interrupted");
        ck_assert_uint_eq(live_bed_events(EVENT_INTERRUPTED), 4);
        ck_assert_uint_eq(fake_store_n_runs(), 4);
        last = live_task_last(live_bed_entry("b"));
        ck_assert_str_eq(last->run, "pair#9/b");
        for (size_t i = 0; i < fake_store_n_runs(); i++)
                if (streq(fake_store_run(i)->run, "pair#9"))
                        ck_assert_ptr_nonnull(strstr(fake_store_run(i)->json, "\"pair#9/c\""));
}
END_TEST

START_TEST(a_hook_of_its_own_starts_no_hook) {
        live_bed_hook(&b->on_failure, "alert");
        was_running("b", "b#2", (struct store_run){ .hook = true });
        go();
        ck_assert_uint_eq(live_bed_events(EVENT_INTERRUPTED), 1);
        ck_assert_str_eq(live_bed_hooks(), "");
}
END_TEST

static const char slow_cause[] = "{\"task\":\"work\",\"run\":\"work#8\",\"outcome\":\"running\",\"event\":\"slow\","
                                 "\"detail\":\"it takes long\"}";

START_TEST(a_hook_that_had_not_begun_tells_of_a_run_at_work_too) {
        was_running("alert", "alert#2", (struct store_run){ .hook = true, .cause = slow_cause });
        go();
        ck_assert_uint_eq(live_bed_events(EVENT_INTERRUPTED), 0);
        ck_assert_str_eq(live_bed_hooks(), "alert:slow:work:running");
        ck_assert_str_eq(live_bed_text(EVENT_RUN_DONE), "the daemon died before it began");
        ck_assert_ptr_nonnull(live_bed_run("alert#3"));
}
END_TEST

START_TEST(one_that_cannot_be_started_again_is_told) {
        const char *cause = _i == 2 ? "no JSON" : slow_cause;

        alert->enabled = _i != 0;
        was_running(_i == 1 ? "gone" : "alert", "alert#2", (struct store_run){ .hook = true, .cause = cause });
        go();
        ck_assert_str_eq(live_bed_hooks(), "");
        ck_assert_uint_eq(live_bed_events(EVENT_HOOK_DROPPED), 1);
        ck_assert_str_eq(live_bed_text(EVENT_HOOK_DROPPED),
                         _i == 2 ? "hook alert#2 was not started: out of memory"
                                 : "hook alert#2 was not started: the task is disabled");
        ck_assert_uint_eq(fake_store_n_live(), 0);
}
END_TEST

START_TEST(with_rerun_it_is_started_again) {
        work->rerun_interrupted = true;
        was_running("work", "work#3", (struct store_run){ 0 });
        go();
        ck_assert_ptr_nonnull(live_bed_leaf("work"));
        ck_assert_str_eq(run_get_trigger(live_bed_run("work#4")), "interrupt");
        ck_assert_uint_eq(run_get_due(live_bed_run("work#4")), 5 * USEC_PER_SEC);
}
END_TEST

START_TEST(no_more_are_started_again_than_may_be_at_work) {
        work->rerun_interrupted = true;
        work->overlap = OVERLAP_ALLOW;
        work->overlap_max = 2;
        was_running("work", "work#3", (struct store_run){ 0 });
        was_running("work", "work#4", (struct store_run){ 0 });
        was_running("work", "work#5", (struct store_run){ 0 });
        go();
        ck_assert_ptr_nonnull(live_bed_run("work#7"));
        ck_assert_ptr_null(run_tree_find(live_tree(live_bed.live), "work#8"));
        ck_assert_uint_eq(live_bed_events(EVENT_INTERRUPTED), 3);
}
END_TEST

START_TEST(what_was_started_from_inside_of_another_is_not) {
        work->rerun_interrupted = true;
        was_inside = true;
        was_running("work", "work#3", (struct store_run){ 0 });
        go();
        ck_assert_ptr_null(live_bed_leaf("work"));
        ck_assert_uint_eq(live_bed_events(EVENT_INTERRUPTED), 1);
}
END_TEST

START_TEST(without_it_is_not) {
        was_running("work", "work#3", (struct store_run){ 0 });
        go();
        ck_assert_ptr_null(live_bed_leaf("work"));
}
END_TEST

START_TEST(what_starts_by_itself_is_not_started_twice) {
        work->rerun_interrupted = work->on_start = true;
        was_running("work", "work#3", (struct store_run){ 0 });
        go();
        ck_assert_ptr_nonnull(live_bed_run("work#4"));
        ck_assert_ptr_null(run_tree_find(live_tree(live_bed.live), "work#5"));
        ck_assert_uint_eq(live_task_skipped(live_bed_entry("work")), 0);
}
END_TEST

START_TEST(a_paused_task_is_not_started_again) {
        const struct store_task paused = { .task = "work", .number = 3, .paused_by = "alice", .paused_usec = 1 };

        work->rerun_interrupted = true;
        store_put_task(live_bed.store, &paused);
        was_running("work", "work#3", (struct store_run){ 0 });
        go();
        ck_assert_ptr_null(live_bed_leaf("work"));
}
END_TEST

START_TEST(a_member_comes_again_with_its_group) {
        pair->rerun_interrupted = b->rerun_interrupted = true;
        was_running("pair", "pair#9", (struct store_run){ 0 });
        was_running("b", "pair#9/b", (struct store_run){ 0 });
        go();
        ck_assert_ptr_nonnull(live_bed_run("pair#10/b"));
        ck_assert_ptr_null(run_tree_find(live_tree(live_bed.live), "b#1"));
}
END_TEST

static void had_ended(const char *task, const char *run, enum outcome outcome, usec_t begun_usec) {
        store_put_end(live_bed.store, &(const struct store_run){ .task = task,
                                                                 .run = run,
                                                                 .trigger = "test",
                                                                 .begun_usec = begun_usec,
                                                                 .ended_usec = begun_usec + 1,
                                                                 .outcome = outcome });
}

START_TEST(a_group_resumes) {
        const usec_t begun = 7 * USEC_PER_SEC;

        pair->rerun_interrupted = true;
        was_running("pair", "pair#9", (struct store_run){ 0 });
        was_running("b", "pair#9/b", (struct store_run){ 0 });
        had_ended("c", "pair#9/c", _i == 1 ? OUTCOME_FAILED : OUTCOME_OK, _i == 2 ? begun - 1 : begun);
        go();
        ck_assert_ptr_nonnull(live_bed_run("pair#10/b"));
        ck_assert_ptr_nonnull(live_bed_leaf("b"));
        ck_assert_int_eq(live_bed_leaf("c") != NULL, _i > 0); /* it had failed, or was of an older run of this name */
        for (size_t i = 0; i < fake_store_n_runs(); i++)
                if (streq(fake_store_run(i)->run, "pair#9"))
                        ck_assert_int_eq(strstr(fake_store_run(i)->json, "\"pair#9/c\"") != NULL, _i != 2);
        live_bed_end("b", ERROR_NONE);
        if (_i > 0)
                live_bed_end("c", ERROR_NONE);
        ck_assert_int_eq(live_task_last(live_bed_entry("pair"))->outcome, OUTCOME_OK);
        ck_assert_str_eq(live_task_last(live_bed_entry("pair"))->run, "pair#10");
}
END_TEST

START_TEST(a_group_of_which_all_had_ended_resumes_to_its_end) {
        pair->rerun_interrupted = true;
        was_running("pair", "pair#9", (struct store_run){ 0 });
        had_ended("b", "pair#9/b", OUTCOME_OK, 7 * USEC_PER_SEC);
        had_ended("c", "pair#9/c", OUTCOME_OK, 7 * USEC_PER_SEC);
        go();
        ck_assert_str_eq(live_task_last(live_bed_entry("pair"))->run, "pair#10");
        ck_assert_int_eq(live_task_last(live_bed_entry("pair"))->outcome, OUTCOME_OK);
        ck_assert_ptr_null(live_bed_leaf("b"));
}
END_TEST

START_TEST(one_of_a_task_that_is_gone_ends_all_the_same) {
        was_running("gone", "gone#1", (struct store_run){ 0 });
        go();
        ck_assert_uint_eq(fake_store_n_live(), 0);
        ck_assert_uint_eq(live_bed_events(EVENT_INTERRUPTED), 1);
}
END_TEST

START_TEST(a_daemon_that_is_stopped_at_once_leaves_them_to_the_next) {
        was_running("work", "work#3", (struct store_run){ 0 });
        fake_loop_settle();
        store_close(live_bed.store, 0);
        open_store();
        {
                const struct live_options options = { .loop = live_bed.loop,
                                                      .store = live_bed.store,
                                                      .triggers = true };
                struct live *live;

                ck_assert_int_eq(live_new(&options, &live_bed.config, &live), 0);
                live_bed.config.n_ref++;
                live_stop_triggers(live);
                fake_loop_settle();
                ck_assert_uint_eq(fake_store_n_live(), 1);
                ck_assert_uint_eq(fake_store_n_runs(), 0);
                live_free(live);
        }
        go();
        ck_assert_uint_eq(fake_store_n_live(), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live-interrupted");
        TCase *tcase = tcase_create("live-interrupted");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, it_is_told_and_ends_in_the_store);
        tcase_add_test(tcase, its_number_is_taken);
        tcase_add_test(tcase, it_is_no_failure);
        tcase_add_test(tcase, a_plain_hook_is_told);
        tcase_add_test(tcase, one_for_other_words_is_not);
        tcase_add_loop_test(tcase, a_service_is_no_alarm_unless_asked_for, 0, 2);
        tcase_add_test(tcase, a_service_that_is_on_start_is_up_again);
        tcase_add_test(tcase, a_group_has_its_members_and_one_hook);
        tcase_add_test(tcase, a_hook_of_its_own_starts_no_hook);
        tcase_add_test(tcase, a_hook_that_had_not_begun_tells_of_a_run_at_work_too);
        tcase_add_loop_test(tcase, one_that_cannot_be_started_again_is_told, 0, 3);
        tcase_add_test(tcase, with_rerun_it_is_started_again);
        tcase_add_test(tcase, no_more_are_started_again_than_may_be_at_work);
        tcase_add_test(tcase, what_was_started_from_inside_of_another_is_not);
        tcase_add_test(tcase, without_it_is_not);
        tcase_add_test(tcase, what_starts_by_itself_is_not_started_twice);
        tcase_add_test(tcase, a_paused_task_is_not_started_again);
        tcase_add_test(tcase, a_member_comes_again_with_its_group);
        tcase_add_loop_test(tcase, a_group_resumes, 0, 3);
        tcase_add_test(tcase, a_group_of_which_all_had_ended_resumes_to_its_end);
        tcase_add_test(tcase, one_of_a_task_that_is_gone_ends_all_the_same);
        tcase_add_test(tcase, a_daemon_that_is_stopped_at_once_leaves_them_to_the_next);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
