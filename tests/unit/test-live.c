/* SPDX-License-Identifier: MIT */
/* live: triggers and overlap, hooks and their matching, counters and events, on leaves that end when the test says. */
#include "live/live.h"
#include "support/fake-loop.h"

#include <check.h>
#include <stdio.h>

#define MINUTE USEC_PER_MINUTE

enum { TASK_ALERT, TASK_MAIL, TASK_WORK, N_TASKS };

static struct loop *loop;
static struct live *live;
static struct config config;
static struct pool_section pool_section;
static struct task *tasks[N_TASKS];
static struct hook hooks[4];

/* ---- leaves ---- */

static struct run *leaves[16];
static size_t n_leaves, n_started;

static int leaf_start(struct run *leaf) {
        ck_assert_uint_lt(n_leaves, ARRAY_SIZE(leaves));
        leaves[n_leaves++] = leaf;
        n_started++;
        return 0;
}

static void forget(size_t index) {
        memmove(&leaves[index], &leaves[index + 1], (--n_leaves - index) * sizeof(leaves[0]));
}

static void leaf_force(struct run *leaf) {
        for (size_t i = n_leaves; i > 0; i--)
                if (leaves[i - 1] == leaf)
                        forget(i - 1);
        run_leaf_end(leaf, &(struct leaf_end){ .error = ERROR_SIGNAL, .detail = "KILL", .clean_when_stopped = true });
}

static const struct leaf_ops leaf_ops = { .name = "test", .start = leaf_start, .force = leaf_force };

/* Ends the oldest leaf of @task. */
static void end(const char *task, enum error_kind error) {
        for (size_t i = 0; i < n_leaves; i++) {
                if (!streq(run_get_spec(leaves[i])->name, task))
                        continue;
                run_leaf_end(leaves[i], &(struct leaf_end){ .error = error, .detail = "as told" });
                forget(i);
                fake_loop_settle();
                return;
        }
        ck_abort_msg("no leaf of %s", task);
}

static unsigned leaves_of(const char *task) {
        unsigned n = 0;

        for (size_t i = 0; i < n_leaves; i++)
                n += streq(run_get_spec(leaves[i])->name, task);
        return n;
}

/* ---- the fixture ---- */

static unsigned events[_EVENT_ID_MAX];
static char last_event[256];
static struct live_observer *observer;

static void on_event(const struct event *event, void *arg _unused_) {
        events[event->id]++;
        (void)snprintf(last_event, sizeof(last_event), "%s", event->text ? event->text : "");
}

static struct task *make_task(const char *name) {
        struct task *task = task_new(name);

        ck_assert_ptr_nonnull(task);
        task->run.leaf = &leaf_ops;
        task->run.bounds[BOUND_TIMEOUT] = USEC_INFINITY;
        task->run.bounds[BOUND_TOTAL_TIMEOUT] = USEC_INFINITY;
        task->run.bounds[BOUND_QUEUE_TIMEOUT] = USEC_INFINITY;
        return task;
}

static void setup(void) {
        static const char *const names[N_TASKS] = { "alert", "mail", "work" };

        fake_clock_reset();
        ck_assert_int_eq(loop_new(&loop), 0);
        n_leaves = n_started = 0;
        memset(events, 0, sizeof(events));
        memset(hooks, 0, sizeof(hooks));
        for (size_t i = 0; i < N_TASKS; i++)
                tasks[i] = make_task(names[i]);
        pool_section = (struct pool_section){ .name = (char *)"default", .threads = 1, .queue_max = 1 };
        config = (struct config){
                .n_ref = 2, /* one of the test's, so that it is never freed */
                .daemon = { .hook_queue = 2 },
                .pools = &pool_section,
                .n_pools = 1,
                .tasks = tasks,
                .n_tasks = N_TASKS,
        };
}

static void go(bool triggers) {
        struct live_options options = { .loop = loop, .triggers = triggers };

        ck_assert_int_eq(live_new(&options, &config, &live), 0);
        ck_assert_int_eq(live_observe(live, on_event, NULL, &observer), 0);
        fake_loop_settle();
}

static void teardown(void) {
        run_tree_stop(live_tree(live), false);
        run_tree_force(live_tree(live));
        fake_loop_settle();
        while (n_leaves > 0)
                end(run_get_spec(leaves[0])->name, ERROR_NONE);
        ck_assert(run_tree_is_empty(live_tree(live)));
        live_unobserve(observer);
        live_free(live);
        for (size_t i = 0; i < N_TASKS; i++) {
                tasks[i]->on_failure.n = 0;
                tasks[i]->on_failure.items = NULL;
                tasks[i]->on_success = tasks[i]->on_failure;
                tasks[i]->run.members = NULL;
                tasks[i]->run.n_members = 0;
                task_unref(tasks[i]);
        }
        loop_free(loop);
}

static struct live_task *entry(const char *name) {
        return live_find(live, name);
}

/* ---- triggers ---- */

static struct run *start_work(void) {
        struct run *run;

        ck_assert_int_eq(live_start(entry("work"), "test", &run), 0);
        fake_loop_settle();
        return run;
}

START_TEST(on_start_runs_at_once_and_every_one_interval_later) {
        tasks[TASK_WORK]->on_start = true;
        tasks[TASK_WORK]->every_usec = 5 * MINUTE;
        go(true);
        ck_assert_uint_eq(leaves_of("work"), 1);
        end("work", ERROR_NONE);
        fake_clock_advance(5 * MINUTE - 1);
        ck_assert_uint_eq(n_started, 1);
        fake_clock_advance(1);
        ck_assert_uint_eq(n_started, 2);
}
END_TEST

START_TEST(without_triggers_nothing_starts) {
        tasks[TASK_WORK]->on_start = true;
        tasks[TASK_WORK]->every_usec = MINUTE;
        go(false);
        fake_clock_advance(60 * MINUTE);
        ck_assert_uint_eq(n_started, 0);
}
END_TEST

START_TEST(disabled_never_starts) {
        struct run *run;

        tasks[TASK_WORK]->on_start = true;
        tasks[TASK_WORK]->every_usec = MINUTE;
        tasks[TASK_WORK]->enabled = false;
        go(true);
        fake_clock_advance(60 * MINUTE);
        ck_assert_uint_eq(n_started, 0);
        ck_assert_int_eq(live_start(entry("work"), "test", &run), -ECANCELED);
}
END_TEST

START_TEST(from_end_counts_from_the_end_also_after_a_skip) {
        tasks[TASK_WORK]->every_usec = MINUTE;
        tasks[TASK_WORK]->every_from_end = true;
        go(true);
        fake_clock_advance(10 * MINUTE);
        ck_assert_uint_eq(n_started, 1);
        end("work", ERROR_NONE);
        fake_clock_advance(MINUTE);
        ck_assert_uint_eq(n_started, 2);
}
END_TEST

START_TEST(from_end_counts_from_the_end_of_the_last_run_whoever_started_it) {
        tasks[TASK_WORK]->every_usec = 10 * MINUTE;
        tasks[TASK_WORK]->every_from_end = true;
        tasks[TASK_WORK]->overlap = OVERLAP_QUEUE;
        go(true);
        fake_clock_advance(5 * MINUTE);
        (void)start_work();
        fake_clock_advance(MINUTE);
        end("work", ERROR_NONE); /* at 6 min */
        fake_clock_advance(10 * MINUTE - 1);
        ck_assert_uint_eq(n_started, 1);
        fake_clock_advance(1);
        ck_assert_uint_eq(n_started, 2);
        (void)start_work(); /* waits for the one that was triggered */
        end("work", ERROR_NONE);
        fake_clock_advance(30 * MINUTE);
        ck_assert_uint_eq(live_task_count(entry("work"), OUTCOME_OK), 2);
        ck_assert_uint_eq(live_task_next(entry("work")), USEC_INFINITY);
        end("work", ERROR_NONE);
        fake_clock_advance(10 * MINUTE);
        ck_assert_uint_eq(n_started, 4);
}
END_TEST

START_TEST(from_end_stays_silent_once_stopped) {
        tasks[TASK_WORK]->every_usec = MINUTE;
        tasks[TASK_WORK]->every_from_end = true;
        go(true);
        fake_clock_advance(MINUTE);
        live_stop_triggers(live);
        end("work", ERROR_NONE);
        ck_assert_uint_eq(live_task_next(entry("work")), USEC_INFINITY);
        fake_clock_advance(10 * MINUTE);
        ck_assert_uint_eq(n_started, 1);
}
END_TEST

START_TEST(stopped_triggers_are_silent) {
        tasks[TASK_WORK]->every_usec = MINUTE;
        go(true);
        live_stop_triggers(live);
        fake_clock_advance(60 * MINUTE);
        ck_assert_uint_eq(n_started, 0);
        ck_assert_uint_eq(live_task_next(entry("work")), USEC_INFINITY);
}
END_TEST

/* ---- overlap ---- */

static void busy(enum overlap_policy policy, unsigned max) {
        tasks[TASK_WORK]->every_usec = MINUTE;
        tasks[TASK_WORK]->overlap = policy;
        tasks[TASK_WORK]->overlap_max = max;
        go(true);
        fake_clock_advance(MINUTE);
        ck_assert_uint_eq(n_started, 1);
}

START_TEST(overlap_skip_is_counted_and_told) {
        busy(OVERLAP_SKIP, 1);
        fake_clock_advance(3 * MINUTE);
        ck_assert_uint_eq(n_started, 1);
        ck_assert_uint_eq(live_task_skipped(entry("work")), 3);
        ck_assert_uint_eq(events[EVENT_SKIPPED], 3);
        end("work", ERROR_NONE);
        fake_clock_advance(MINUTE);
        ck_assert_uint_eq(n_started, 2);
}
END_TEST

START_TEST(overlap_queue_keeps_the_newest) {
        busy(OVERLAP_QUEUE, 1);
        fake_clock_advance(3 * MINUTE);
        ck_assert_uint_eq(n_started, 1);
        ck_assert_uint_eq(live_task_count(entry("work"), OUTCOME_SKIPPED), 2);
        ck_assert_uint_eq(live_task_skipped(entry("work")), 2);
        ck_assert_str_eq(live_task_skip_reason(entry("work")), "overlap: a newer run took its place in the queue");
        ck_assert_ptr_nonnull(run_tree_find(live_tree(live), "work#4"));
        end("work", ERROR_NONE);
        ck_assert_uint_eq(n_started, 2);
        ck_assert_uint_eq(run_get_number(run_get_top(leaves[0])), 4);
}
END_TEST

/* Else it would queue up anew for its permits with every firing, and never get them. */
START_TEST(overlap_queue_leaves_one_that_waits_for_permits) {
        struct run *run;

        config.daemon.max_running = 1;
        busy(OVERLAP_QUEUE, 1);
        fake_clock_advance(MINUTE);
        ck_assert_int_eq(live_start(entry("alert"), "test", &run), 0);
        fake_loop_settle();
        end("work", ERROR_NONE); /* the slot is work#2's, the permit is alert's */
        ck_assert_uint_eq(leaves_of("alert"), 1);
        fake_clock_advance(2 * MINUTE);
        ck_assert_ptr_nonnull(run_tree_find(live_tree(live), "work#2"));
        ck_assert_ptr_nonnull(run_tree_find(live_tree(live), "work#4"));
        ck_assert_uint_eq(live_task_count(entry("work"), OUTCOME_SKIPPED), 1);
        end("alert", ERROR_NONE);
        ck_assert_uint_eq(run_get_number(run_get_top(leaves[0])), 2);
}
END_TEST

START_TEST(overlap_replace_cancels_waits_and_starts) {
        busy(OVERLAP_REPLACE, 1);
        fake_clock_advance(MINUTE);
        ck_assert_uint_eq(live_task_count(entry("work"), OUTCOME_CANCELLED), 1);
        ck_assert_int_eq(live_task_last(entry("work"))->cancel, CANCEL_REPLACED);
        ck_assert_uint_eq(events[EVENT_RUN_STOPPING], 1);
        ck_assert_uint_eq(n_started, 2);
        ck_assert_uint_eq(live_task_running(entry("work")), 1);
        leaves[0] = leaves[--n_leaves]; /* the first leaf was forced */
}
END_TEST

START_TEST(overlap_allow_takes_as_many) {
        busy(OVERLAP_ALLOW, 3);
        fake_clock_advance(4 * MINUTE);
        ck_assert_uint_eq(leaves_of("work"), 3);
        ck_assert_uint_eq(live_task_skipped(entry("work")), 2);
}
END_TEST

START_TEST(an_operator_waits) {
        struct run *run;

        busy(OVERLAP_SKIP, 1);
        ck_assert_int_eq(live_start(entry("work"), "test", &run), 0);
        fake_loop_settle();
        ck_assert_uint_eq(n_started, 1);
        ck_assert_int_eq(run_get_state(run), RUN_QUEUED);
        end("work", ERROR_NONE);
        ck_assert_uint_eq(n_started, 2);
}
END_TEST

/* ---- hooks ---- */

static void work_fails_with(enum error_kind error) {
        (void)start_work();
        end("work", error);
}

/* work becomes a group of alert and mail, in which all run to their end. */
static void make_group(void) {
        static struct run_member members[2];
        struct run_spec *spec = &tasks[TASK_WORK]->run;

        members[0] = (struct run_member){ .spec = &tasks[TASK_ALERT]->run };
        members[1] = (struct run_member){ .spec = &tasks[TASK_MAIL]->run };
        spec->is_group = true;
        spec->policy = GROUP_SETTLE;
        spec->members = members;
        spec->n_members = ARRAY_SIZE(members);
}

static void set_hooks(size_t n) {
        tasks[TASK_WORK]->on_failure = (struct hooks){ .items = hooks, .n = n };
}

START_TEST(rule11_a_hook_fires_for_each_failed_run) {
        hooks[0] = (struct hook){ .task = (char *)"alert" };
        set_hooks(1);
        go(true);
        work_fails_with(ERROR_EXIT);
        ck_assert_uint_eq(leaves_of("alert"), 1);
        end("alert", ERROR_NONE);
        work_fails_with(ERROR_NONE);
        ck_assert_uint_eq(leaves_of("alert"), 0);
}
END_TEST

START_TEST(rule11_a_failing_hook_fires_no_hook) {
        hooks[0] = (struct hook){ .task = (char *)"alert" };
        set_hooks(1);
        tasks[TASK_ALERT]->on_failure = (struct hooks){ .items = hooks, .n = 1 };
        go(true);
        work_fails_with(ERROR_EXIT);
        end("alert", ERROR_CONNECT);
        ck_assert_uint_eq(leaves_of("alert"), 0);
        ck_assert_uint_eq(live_task_failures(entry("alert")), 1);
}
END_TEST

START_TEST(an_error_goes_to_the_first_row_that_takes_it) {
        hooks[0] = (struct hook){ .task = (char *)"mail", .errors = 1u << ERROR_CONNECT };
        hooks[1] = (struct hook){ .task = (char *)"alert" };
        set_hooks(2);
        go(true);
        work_fails_with(ERROR_CONNECT);
        ck_assert_uint_eq(leaves_of("mail"), 1);
        ck_assert_uint_eq(leaves_of("alert"), 0);
        end("mail", ERROR_NONE);
        work_fails_with(ERROR_EXIT);
        ck_assert_uint_eq(leaves_of("mail"), 0);
        ck_assert_uint_eq(leaves_of("alert"), 1);
}
END_TEST

/* Each of several errors finds its own row; a row that got two is started once. */
START_TEST(rule11_rows_match_in_file_order_for_each_error) {
        hooks[0] = (struct hook){ .task = (char *)"mail", .errors = 1u << ERROR_CONNECT };
        hooks[1] = (struct hook){ .task = (char *)"alert", .errors = 1u << ERROR_EXIT | 1u << ERROR_IO };
        hooks[2] = (struct hook){ .task = (char *)"mail" };
        set_hooks(3);
        make_group();
        go(true);
        start_work();
        end("alert", ERROR_IO);
        end("mail", ERROR_EXIT);
        ck_assert_uint_eq(leaves_of("mail"), 0);
        ck_assert_uint_eq(leaves_of("alert"), 1);
        end("alert", ERROR_NONE);
        start_work();
        end("alert", ERROR_TLS);
        end("mail", ERROR_CONNECT);
        ck_assert_uint_eq(leaves_of("mail"), 2);
        ck_assert_uint_eq(leaves_of("alert"), 0);
}
END_TEST

START_TEST(rule11_a_cancelled_run_is_no_failure_whatever_errors_it_kept) {
        struct run *run;

        hooks[0] = (struct hook){ .task = (char *)"alert", .errors = 1u << ERROR_EXIT };
        hooks[1] = (struct hook){ .task = (char *)"mail", .outcomes = 1u << OUTCOME_CANCELLED };
        set_hooks(2);
        make_group();
        go(true);
        run = start_work();
        end("alert", ERROR_EXIT);
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "alice"), 0);
        fake_loop_settle();
        ck_assert_uint_eq(live_task_last(entry("work"))->errors.n, 1);
        ck_assert_uint_eq(leaves_of("alert"), 0);
        ck_assert_uint_eq(leaves_of("mail"), 1);
}
END_TEST

START_TEST(hook_queue_is_a_bound_and_drops_are_told) {
        hooks[0] = (struct hook){ .task = (char *)"alert" };
        set_hooks(1);
        go(true);
        for (unsigned i = 0; i < 4; i++)
                work_fails_with(ERROR_EXIT);
        ck_assert_uint_eq(leaves_of("alert"), 2);
        ck_assert_uint_eq(live_hooks_dropped(live), 2);
        ck_assert_uint_eq(events[EVENT_HOOK_DROPPED], 2);
}
END_TEST

START_TEST(rule11_hooks_start_while_stopping) {
        struct run *run;

        hooks[0] = (struct hook){ .task = (char *)"alert", .outcomes = 1u << OUTCOME_CANCELLED };
        set_hooks(1);
        go(true);
        ck_assert_int_eq(live_start(entry("work"), "test", &run), 0);
        fake_loop_settle();
        run_tree_stop(live_tree(live), false);
        fake_loop_settle();
        ck_assert_uint_eq(n_started, 2);
        ck_assert_uint_eq(leaves_of("alert"), 1);
        ck_assert_int_eq(live_start(entry("work"), "test", &run), -ESHUTDOWN);
}
END_TEST

/* ---- counters ---- */

START_TEST(failures_in_a_row_end_with_an_ok) {
        go(true);
        work_fails_with(ERROR_EXIT);
        work_fails_with(ERROR_EXIT);
        ck_assert_uint_eq(live_task_failures(entry("work")), 2);
        ck_assert_uint_eq(live_task_last_ok(entry("work")), 0);
        work_fails_with(ERROR_NONE);
        ck_assert_uint_eq(live_task_failures(entry("work")), 0);
        ck_assert_uint_eq(live_task_last_ok(entry("work")), clock_now(CLOCK_ID_REALTIME));
        ck_assert_uint_eq(live_task_count(entry("work"), OUTCOME_FAILED), 2);
        ck_assert_uint_eq(events[EVENT_RUN_DONE], 3);
        ck_assert_uint_eq(events[EVENT_RUN_QUEUED], 3);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live");
        TCase *tcase = tcase_create("live");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, on_start_runs_at_once_and_every_one_interval_later);
        tcase_add_test(tcase, without_triggers_nothing_starts);
        tcase_add_test(tcase, disabled_never_starts);
        tcase_add_test(tcase, from_end_counts_from_the_end_also_after_a_skip);
        tcase_add_test(tcase, from_end_counts_from_the_end_of_the_last_run_whoever_started_it);
        tcase_add_test(tcase, from_end_stays_silent_once_stopped);
        tcase_add_test(tcase, stopped_triggers_are_silent);
        tcase_add_test(tcase, overlap_skip_is_counted_and_told);
        tcase_add_test(tcase, overlap_queue_keeps_the_newest);
        tcase_add_test(tcase, overlap_queue_leaves_one_that_waits_for_permits);
        tcase_add_test(tcase, overlap_replace_cancels_waits_and_starts);
        tcase_add_test(tcase, overlap_allow_takes_as_many);
        tcase_add_test(tcase, an_operator_waits);
        tcase_add_test(tcase, rule11_a_hook_fires_for_each_failed_run);
        tcase_add_test(tcase, rule11_a_failing_hook_fires_no_hook);
        tcase_add_test(tcase, an_error_goes_to_the_first_row_that_takes_it);
        tcase_add_test(tcase, rule11_rows_match_in_file_order_for_each_error);
        tcase_add_test(tcase, rule11_a_cancelled_run_is_no_failure_whatever_errors_it_kept);
        tcase_add_test(tcase, hook_queue_is_a_bound_and_drops_are_told);
        tcase_add_test(tcase, rule11_hooks_start_while_stopping);
        tcase_add_test(tcase, failures_in_a_row_end_with_an_ok);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
