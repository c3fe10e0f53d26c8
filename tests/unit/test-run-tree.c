/* SPDX-License-Identifier: MIT */
/* run-tree: rules 1, 2, 3 and 5 of the run tree: parents, cancelling, causes, delivery. */
#include "support/run-family.h"

/* ---- rule 1: one parent ---- */

START_TEST(rule1_a_parent_is_done_only_after_its_children) {
        family_make();
        start(&h, 1);
        fake_leaf_end("h#1/g/a", ERROR_NONE);
        settle();
        check_outcome("h#1/g/a", OUTCOME_OK);
        check_state("h#1/g", RUN_RUNNING);
        fake_leaf_end("h#1/g/b", ERROR_NONE);
        settle();
        check_outcome("h#1/g", OUTCOME_OK);
        check_state("h#1", RUN_RUNNING);
        fake_leaf_end("h#1/c", ERROR_NONE);
        settle();
        check_outcome("h#1", OUTCOME_OK);
        ck_assert_uint_eq(done_count(), 5);
}
END_TEST

START_TEST(rule1_a_parent_waits_for_children_that_stop_slowly) {
        family_make();
        b.script.stops_after_usec = 7 * USEC_PER_SEC;
        start(&g, 1);
        fake_leaf_end("g#1/a", ERROR_EXIT);
        pass(6 * USEC_PER_SEC);
        check_state("g#1", RUN_STOPPING);
        pass(USEC_PER_SEC);
        check_outcome("g#1", OUTCOME_FAILED);
}
END_TEST

START_TEST(rule1_the_root_is_empty_once_the_last_run_is_freed) {
        family_make();
        start(&a, 1);
        start(&b, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        ck_assert_uint_eq(empty_count(), 0);
        ck_assert(!run_tree_is_empty(tree));
        fake_leaf_end("b#1", ERROR_NONE);
        settle();
        ck_assert_uint_eq(empty_count(), 1);
        ck_assert(run_tree_is_empty(tree));
}
END_TEST

START_TEST(rule1_states_go_up_from_leaves_to_parents) {
        family_make();
        a.script.started_after_usec = USEC_PER_SEC;
        b.script.started_after_usec = 2 * USEC_PER_SEC;
        start(&g, 1);
        check_state("g#1", RUN_STARTING);
        check_state("g#1/a", RUN_STARTING);
        pass(USEC_PER_SEC);
        check_state("g#1", RUN_RUNNING);
        check_state("g#1/a", RUN_RUNNING);
        check_state("g#1/b", RUN_STARTING);
        cancel("g#1");
        check_state("g#1", RUN_STOPPING);
        check_state("g#1/a", RUN_STOPPING);
}
END_TEST

/* ---- rule 2: cancelling ---- */

START_TEST(rule2_a_running_child_is_asked_and_after_grace_forced) {
        family_make();
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        cancel("a#1");
        check_trace("+a -a");
        pass(10 * USEC_PER_SEC - 1);
        check_trace("+a -a");
        pass(1);
        check_trace("+a -a !a .a");
        check_outcome("a#1", OUTCOME_CANCELLED);
        ck_assert_str_eq(result_of("a#1")->cancelled_by, "alice");
        ck_assert_int_eq(result_of("a#1")->cancel, CANCEL_OPERATOR);
}
END_TEST

START_TEST(rule2_a_queued_child_ends_never_started) {
        struct limit_use use = { .permits = 1 };

        family_make();
        use.limit = make_permits("x", 1);
        b.spec.limits = &use;
        b.spec.n_limits = 1;
        start(&b, 1);
        start(&g, 1);
        check_state("g#1/b", RUN_QUEUED);
        cancel("g#1");
        settle();
        check_outcome("g#1/b", OUTCOME_NEVER_STARTED);
        check_outcome("g#1/a", OUTCOME_CANCELLED);
        check_outcome("g#1", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("g#1/b")->cancel, CANCEL_PARENT);
        ck_assert_str_eq(result_of("g#1/b")->cancelled_by, "g#1");
}
END_TEST

START_TEST(rule2_nothing_new_starts_below) {
        static const unsigned after[] = { 0 };
        static const struct run_member chain[] = { { .spec = &a.spec },
                                                   { .spec = &b.spec, .after = after, .n_after = 1 } };

        family_make();
        g.spec.members = chain;
        g.spec.n_members = 2;
        a.script.stop = FAKE_STOP_OK;
        a.script.stops_after_usec = 3 * USEC_PER_SEC;
        start(&g, 1);
        cancel("g#1");
        pass(USEC_PER_SEC);
        check_outcome("g#1/b", OUTCOME_NEVER_STARTED);
        pass(2 * USEC_PER_SEC);
        check_outcome("g#1", OUTCOME_CANCELLED);
        check_trace("+a -a .a");
}
END_TEST

START_TEST(rule2_a_cancel_during_a_retry_delay_ends_it) {
        family_make();
        a.spec.retries = 3;
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        check_why("a#1", WHY_RETRY);
        ck_assert_ptr_nonnull(run_first_child(get("a#1")));
        cancel("a#1");
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        check_errors("a#1", "exit/a#1");
        ck_assert(fake_loop_idle());
}
END_TEST

START_TEST(rule2_repeating_a_cancel_changes_nothing) {
        family_make();
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        cancel("a#1");
        for (int i = 0; i < 9; i++) {
                pass(USEC_PER_SEC);
                ck_assert_int_eq(run_cancel(get("a#1"), CANCEL_SHUTDOWN, "bob"), 0);
        }
        check_trace("+a -a");
        pass(USEC_PER_SEC);
        check_outcome("a#1", OUTCOME_CANCELLED);
        ck_assert_str_eq(result_of("a#1")->cancelled_by, "alice");
        check_trace("+a -a !a .a");
}
END_TEST

START_TEST(rule2_cancelling_what_is_done_is_refused) {
        struct run *run;

        family_make();
        start(&g, 1);
        fake_leaf_end("g#1/a", ERROR_NONE);
        settle();
        run = get("g#1/a");
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, NULL), -EALREADY);
        check_outcome("g#1/a", OUTCOME_OK);
}
END_TEST

START_TEST(rule2_force_skips_the_grace) {
        family_make();
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        run_force(get("a#1"));
        check_trace("+a");
        cancel("a#1");
        run_force(get("a#1"));
        settle();
        check_trace("+a -a !a .a");
        check_outcome("a#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(rule2_force_holds_for_what_is_asked_later) {
        static const unsigned after[] = { 0 };
        static const struct run_member chain[] = { { .spec = &a.spec },
                                                   { .spec = &b.spec, .after = after, .n_after = 1 } };

        family_make();
        a.spec.is_service = true;
        a.script.ready_after_usec = 0;
        a.script.stop = b.script.stop = FAKE_STOP_IGNORE;
        g.spec.members = chain;
        g.spec.n_members = 2;
        start(&g, 1);
        check_trace("+a +b");
        cancel("g#1");
        pass(USEC_PER_SEC);
        check_trace("+a +b -b");
        run_force(get("g#1"));
        settle();
        check_trace("+a +b -b !b !a .b .a");
        check_outcome("g#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(rule2_no_stop_means_force_at_once) {
        family_make();
        a.spec.leaf = &fake_blunt_ops;
        start(&a, 1);
        cancel("a#1");
        settle();
        check_trace("+a !a .a");
        check_outcome("a#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(rule2_no_grace_means_force_at_once) {
        family_make();
        a.spec.grace_usec = 0;
        start(&a, 1);
        cancel("a#1");
        settle();
        check_trace("+a !a .a");
}
END_TEST

START_TEST(rule2_a_queued_top_level_run_is_cancelled_by_its_operator) {
        struct limit_use use = { .permits = 1 };

        family_make();
        use.limit = make_permits("x", 1);
        a.spec.limits = &use;
        a.spec.n_limits = 1;
        start(&a, 1);
        start(&a, 2);
        cancel("a#2");
        settle();
        check_outcome("a#2", OUTCOME_CANCELLED);
        ck_assert_uint_eq(result_of("a#2")->duration_usec, 0);
}
END_TEST

/* ---- rule 3: the first cause ---- */

static const struct {
        enum fake_stop stop;
        enum error_kind stop_error;
        const char *errors;
} causes[] = {
        { FAKE_STOP_ENDS, ERROR_NONE, "" },
        { FAKE_STOP_OK, ERROR_NONE, "" },
        { FAKE_STOP_FAILS, ERROR_EXIT, "exit/a#1" },
        { FAKE_STOP_IGNORE, ERROR_NONE, "" }, /* ends by KILL: clean */
};

START_TEST(rule3_the_first_cause_fixes_the_outcome) {
        for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
                family_make();
                a.script.stop = causes[i].stop;
                a.script.stop_error = causes[i].stop_error;
                start(&a, 1);
                cancel("a#1");
                pass(10 * USEC_PER_SEC);
                check_outcome("a#1", OUTCOME_CANCELLED);
                check_errors("a#1", causes[i].errors);
        }
}
END_TEST

START_TEST(rule3_the_stop_signal_is_no_clean_end_when_nobody_stopped_it) {
        family_make();
        a.script.ends_after_usec = USEC_PER_SEC;
        a.script.error = ERROR_SIGNAL;
        start(&a, 1);
        pass(USEC_PER_SEC);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "signal/a#1");
}
END_TEST

START_TEST(rule3_a_failure_then_a_cancel_stays_failed_and_keeps_cancelled_by) {
        family_make();
        b.script.stops_after_usec = 5 * USEC_PER_SEC;
        start(&g, 1);
        fake_leaf_end("g#1/a", ERROR_EXIT);
        pass(USEC_PER_SEC);
        cancel("g#1");
        pass(5 * USEC_PER_SEC);
        check_outcome("g#1", OUTCOME_FAILED);
        ck_assert_str_eq(result_of("g#1")->cancelled_by, "alice");
}
END_TEST

START_TEST(rule3_a_timeout_then_a_cancel_stays_timeout) {
        family_make();
        a.spec.bounds[BOUND_TIMEOUT] = USEC_PER_SEC;
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        pass(2 * USEC_PER_SEC);
        cancel("a#1");
        pass(9 * USEC_PER_SEC);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        ck_assert_str_eq(result_of("a#1")->cancelled_by, "alice");
}
END_TEST

START_TEST(rule3_a_timeout_of_an_attempt_then_a_cancel_is_cancelled_when_it_had_tries_left) {
        family_make();
        a.spec.bounds[BOUND_TIMEOUT] = USEC_PER_SEC;
        a.spec.retries = 1;
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        pass(2 * USEC_PER_SEC);
        cancel("a#1");
        pass(9 * USEC_PER_SEC);
        check_outcome("a#1", OUTCOME_CANCELLED);
        check_errors("a#1", "timeout/a#1");
}
END_TEST

START_TEST(rule3_an_end_that_came_before_the_cancel_counts) {
        family_make();
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        cancel("a#1");
        settle();
        check_outcome("a#1", OUTCOME_OK);
        start(&a, 2);
        fake_leaf_end("a#2", ERROR_EXIT);
        cancel("a#2");
        settle();
        check_outcome("a#2", OUTCOME_FAILED);
        ck_assert_str_eq(result_of("a#2")->cancelled_by, "alice");
}
END_TEST

START_TEST(rule3_only_unkillable_overrides_the_first_cause) {
        family_make();
        a.spec.leaf = &fake_process_ops;
        a.spec.retries = 2;
        a.script.stop = FAKE_STOP_IGNORE;
        a.script.ignores_force = true;
        start(&a, 1);
        cancel("a#1");
        pass(15 * USEC_PER_SEC);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "unkillable/a#1");
        ck_assert_str_eq(result_of("a#1")->cancelled_by, "alice");
        ck_assert_uint_eq(result_of("a#1")->attempts, 1);
}
END_TEST

START_TEST(rule3_unkillable_is_the_root_cause_after_a_timeout) {
        family_make();
        a.spec.leaf = &fake_process_ops;
        a.spec.bounds[BOUND_TIMEOUT] = USEC_PER_SEC;
        a.script.stop = FAKE_STOP_IGNORE;
        a.script.ignores_force = true;
        start(&a, 1);
        pass(16 * USEC_PER_SEC);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "unkillable/a#1 timeout/a#1");
}
END_TEST

/* ---- rule 5: delivery ---- */

START_TEST(rule5_nothing_starts_inside_the_call) {
        struct run_start how = { .spec = &a.spec, .number = 1, .trigger = "test" };
        struct run *run;

        family_make();
        ck_assert_int_eq(run_tree_start(tree, &how, &run), 0);
        ck_assert_uint_eq(fake_leaf_count(), 0);
        ck_assert_int_eq(run_get_state(run), RUN_QUEUED);
        check_why("a#1", WHY_TURN);
        settle();
        ck_assert_uint_eq(fake_leaf_count(), 1);
}
END_TEST

START_TEST(rule5_no_end_is_delivered_inside_the_call) {
        family_make();
        start(&a, 1);
        start(&b, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        ck_assert_uint_eq(done_count(), 0);
        ck_assert_int_eq(run_get_state(get("a#1")), RUN_RUNNING);
        b.script.stop = FAKE_STOP_IGNORE;
        cancel("b#1");
        run_force(get("b#1")); /* ends it inside */
        ck_assert_uint_eq(done_count(), 0);
        settle();
        ck_assert_uint_eq(done_count(), 2);
}
END_TEST

START_TEST(rule5_a_run_cancelled_in_the_call_that_started_it_ends_later) {
        struct run_start how = { .spec = &a.spec, .number = 1, .trigger = "test" };
        struct run *run;

        family_make();
        ck_assert_int_eq(run_tree_start(tree, &how, &run), 0);
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, NULL), 0);
        ck_assert_uint_eq(done_count(), 0);
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        check_trace("");
}
END_TEST

START_TEST(rule5_only_the_first_end_counts) {
        family_make();
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        run_leaf_end(fake_leaf_find("a#1"), &(struct leaf_end){ .error = ERROR_EXIT });
        settle();
        check_outcome("a#1", OUTCOME_OK);
}
END_TEST

START_TEST(a_start_that_fails_is_failed_spawn) {
        family_make();
        a.script.start_error = -ENOENT;
        start(&a, 1);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "spawn/a#1");
        ck_assert_str_eq(result_of("a#1")->errors.items[0].detail, "No such file or directory");
}
END_TEST

/* ---- names and counts ---- */

START_TEST(runs_are_found_by_the_names_they_have) {
        static const char *const names[] = { "h#41", "h#41/g", "h#41/g/a", "h#41/c" };
        char name[RUN_NAME_MAX];

        family_make();
        start(&h, 41);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                ck_assert_str_eq(run_name(get(names[i]), name), names[i]);
        ck_assert_ptr_null(run_tree_find(tree, "h#4"));
        ck_assert_ptr_null(run_tree_find(tree, "h#411"));
        ck_assert_ptr_null(run_tree_find(tree, "h#41/"));
        ck_assert_ptr_null(run_tree_find(tree, ""));
        ck_assert_str_eq(run_name(run_first_child(get("h#41/c")), name), "h#41/c");
}
END_TEST

START_TEST(counts_tell_what_waits_and_what_runs) {
        struct run_counts counts;
        static struct overlap overlap; /* outlives the test: the teardown ends its runs */

        family_make();
        overlap_init(&overlap, 1);
        c.spec.overlap = &overlap;
        start(&g, 1);
        start(&c, 1);
        start(&c, 2);
        run_tree_get_counts(tree, &counts);
        ck_assert_uint_eq(counts.queued, 1);
        ck_assert_uint_eq(counts.running, 3);
        ck_assert_uint_eq(counts.top_level, 3);
        cancel("c#2");
        cancel("c#1");
        fake_leaf_end("g#1/a", ERROR_EXIT);
        settle();
        run_tree_get_counts(tree, &counts);
        ck_assert_uint_eq(counts.queued, 0);
        ck_assert_uint_eq(counts.running, 0);
        ck_assert_uint_eq(counts.started, 3);
        ck_assert_uint_eq(counts.done[OUTCOME_FAILED], 1);
        ck_assert_uint_eq(counts.done[OUTCOME_CANCELLED], 2);
}
END_TEST

START_TEST(a_result_says_how_long_it_waited_and_ran) {
        struct limit_use use = { .permits = 1 };

        family_make();
        use.limit = make_permits("x", 1);
        a.spec.limits = &use;
        a.spec.n_limits = 1;
        a.script.ends_after_usec = 5 * USEC_PER_SEC;
        a.script.exit_code = 3;
        start(&a, 1);
        start(&a, 2);
        pass(10 * USEC_PER_SEC);
        ck_assert_uint_eq(result_of("a#2")->queued_usec, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(result_of("a#2")->duration_usec, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(result_of("a#2")->ended_realtime_usec, FAKE_CLOCK_REALTIME + 10 * USEC_PER_SEC);
        ck_assert_int_eq(result_of("a#2")->exit_code, 3);
        ck_assert_str_eq(result_of("a#2")->output_tail, "the end of the output");
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule1_a_parent_is_done_only_after_its_children,
                rule1_a_parent_waits_for_children_that_stop_slowly,
                rule1_the_root_is_empty_once_the_last_run_is_freed,
                rule1_states_go_up_from_leaves_to_parents,
                rule2_a_running_child_is_asked_and_after_grace_forced,
                rule2_a_queued_child_ends_never_started,
                rule2_nothing_new_starts_below,
                rule2_a_cancel_during_a_retry_delay_ends_it,
                rule2_repeating_a_cancel_changes_nothing,
                rule2_cancelling_what_is_done_is_refused,
                rule2_force_skips_the_grace,
                rule2_force_holds_for_what_is_asked_later,
                rule2_no_stop_means_force_at_once,
                rule2_no_grace_means_force_at_once,
                rule2_a_queued_top_level_run_is_cancelled_by_its_operator,
                rule3_the_first_cause_fixes_the_outcome,
                rule3_the_stop_signal_is_no_clean_end_when_nobody_stopped_it,
                rule3_a_failure_then_a_cancel_stays_failed_and_keeps_cancelled_by,
                rule3_a_timeout_then_a_cancel_stays_timeout,
                rule3_a_timeout_of_an_attempt_then_a_cancel_is_cancelled_when_it_had_tries_left,
                rule3_an_end_that_came_before_the_cancel_counts,
                rule3_only_unkillable_overrides_the_first_cause,
                rule3_unkillable_is_the_root_cause_after_a_timeout,
                rule5_nothing_starts_inside_the_call,
                rule5_no_end_is_delivered_inside_the_call,
                rule5_a_run_cancelled_in_the_call_that_started_it_ends_later,
                rule5_only_the_first_end_counts,
                a_start_that_fails_is_failed_spawn,
                runs_are_found_by_the_names_they_have,
                counts_tell_what_waits_and_what_runs,
                a_result_says_how_long_it_waited_and_ran,
        };

        return fixture_main("run-tree", tests, ARRAY_SIZE(tests));
}
