/* SPDX-License-Identifier: MIT */
/* run-remnant: rule 9 of the run tree, as far as it is the tree's: what a run could not end outlives it, is listed, and
 * keeps its permits and its overlap slot. */
#include "support/run-fixture.h"

#define S USEC_PER_SEC

static struct fake_task a, b, f;
static struct limit_use use;
static struct overlap overlap;

/* a: a thread that does not come back; b: the same limit; f: a fan-out of such threads. */
static void make(void) {
        use = (struct limit_use){ .limit = make_permits("x", 1), .permits = 1 };
        overlap_init(&overlap, 1);
        fake_task_init(&a, "a");
        fake_task_init(&b, "b");
        fake_fanout_init(&f, "f", 2, 2);
        a.spec.leaf = f.spec.leaf = &fake_thread_ops;
        a.spec.bounds[BOUND_TIMEOUT] = f.spec.bounds[BOUND_TIMEOUT] = 10 * S;
        a.spec.grace_usec = 0;
        a.script.ignores_force = f.script.ignores_force = true;
        f.script.ends_after_usec = USEC_INFINITY;
}

static void limited(struct fake_task *task) {
        task->spec.limits = &use;
        task->spec.n_limits = 1;
}

START_TEST(rule9_the_run_ends_timeout_and_the_thread_is_listed) {
        struct remnant *remnant;

        make();
        start(&a, 1);
        pass(10 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_errors("a#1", "timeout/a#1");
        ck_assert(run_tree_is_empty(tree));
        ck_assert_uint_eq(remnant_count(), 1);
        remnant = run_tree_first_remnant(tree);
        ck_assert_ptr_nonnull(remnant);
        ck_assert_str_eq(remnant_run(remnant), "a#1");
        ck_assert_str_eq(remnant_task(remnant), "a");
        ck_assert_uint_eq(remnant_since(remnant), FAKE_CLOCK_MONOTONIC + 10 * S);
        ck_assert(!remnant_is_process(remnant));
        ck_assert_ptr_null(remnant_next(remnant));
        fake_remnant_gone("a#1");
        ck_assert_ptr_null(run_tree_first_remnant(tree));
        ck_assert_uint_eq(remnant_count(), 0);
}
END_TEST

START_TEST(rule9_a_thread_that_tidies_up_is_no_remnant_at_once) {
        make();
        a.script.tidies_usec = 2 * S;
        start(&a, 1);
        pass(11 * S);
        ck_assert_int_eq(run_get_state(fake_leaf_find("a#1")), RUN_STOPPING);
        ck_assert_uint_eq(remnant_count(), 0);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_outcome("a#1", OUTCOME_TIMEOUT);
        ck_assert_uint_eq(remnant_count(), 0);

        start(&a, 2);
        pass(12 * S);
        check_outcome("a#2", OUTCOME_TIMEOUT);
        ck_assert_uint_eq(remnant_count(), 1);
        fake_remnant_gone("a#2");
}
END_TEST

START_TEST(rule9_a_remnant_keeps_its_permits_until_it_is_gone) {
        const struct limit_ticket *ticket;
        struct run_waiting waiting;
        char name[RUN_NAME_MAX];

        make();
        limited(&a);
        limited(&b);
        start(&a, 1);
        start(&b, 1);
        pass(20 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_why("b#1", WHY_PERMITS);
        run_get_waiting(get("b#1"), &waiting);
        ck_assert_ptr_eq(waiting.limit, use.limit);
        ck_assert_str_eq(run_tree_ticket_name(tree, waiting.ticket, name), "b#1");
        ticket = waiting.ticket;
        ck_assert(!limit_ticket_granted(ticket));
        fake_remnant_gone("a#1");
        settle();
        check_state("b#1", RUN_RUNNING);
}
END_TEST

static int visit(const struct limit_ticket *ticket, void *userdata) {
        *(const struct limit_ticket **)userdata = ticket;
        return 1;
}

START_TEST(rule9_a_holder_that_is_a_remnant_is_named_as_such) {
        const struct limit_ticket *ticket = NULL;
        char name[RUN_NAME_MAX];

        make();
        limited(&a);
        start(&a, 1);
        pass(10 * S);
        ck_assert_int_eq(limit_for_each_holder(use.limit, visit, &ticket), 1);
        ck_assert_str_eq(run_tree_ticket_name(tree, ticket, name), "a#1 (remnant)");
}
END_TEST

START_TEST(rule9_a_remnant_keeps_its_overlap_slot_until_it_is_gone) {
        struct run_waiting waiting;

        make();
        a.spec.overlap = &overlap;
        start(&a, 1);
        pass(10 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        start(&a, 2);
        run_get_waiting(get("a#2"), &waiting);
        ck_assert_int_eq(waiting.why, WHY_OVERLAP);
        ck_assert_ptr_null(waiting.other);
        fake_remnant_gone("a#1");
        settle();
        check_state("a#2", RUN_RUNNING);
}
END_TEST

START_TEST(rule9_all_remnants_of_a_fan_out_keep_its_slot) {
        make();
        f.spec.overlap = &overlap;
        start(&f, 1);
        pass(20 * S);
        check_outcome("f#1", OUTCOME_FAILED);
        ck_assert_uint_eq(remnant_count(), 2);
        start(&f, 2);
        check_why("f#2", WHY_OVERLAP);
        fake_remnant_gone("f#1/item 2");
        settle();
        check_why("f#2", WHY_OVERLAP);
        fake_remnant_gone("f#1/item 1");
        settle();
        ck_assert(run_get_state(get("f#2")) != RUN_QUEUED);
}
END_TEST

START_TEST(rule9_an_abandoned_attempt_is_not_tried_again) {
        make();
        a.spec.retries = 5;
        start(&a, 1);
        pass(USEC_PER_MINUTE);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        ck_assert_uint_eq(fake_leaf_started(), 1);
}
END_TEST

START_TEST(rule9_a_process_that_sigkill_does_not_move_is_unkillable) {
        make();
        a.spec.leaf = &fake_process_ops;
        a.script.stop = FAKE_STOP_IGNORE;
        limited(&a);
        limited(&b);
        start(&a, 1);
        ck_assert_int_eq(run_cancel(get("a#1"), CANCEL_OPERATOR, "alice"), 0);
        pass(5 * S - 1);
        check_state("a#1", RUN_STOPPING);
        pass(1);
        check_outcome("a#1", OUTCOME_FAILED);
        ck_assert(remnant_is_process(run_tree_first_remnant(tree)));
        start(&b, 1);
        check_why("b#1", WHY_PERMITS);
        fake_remnant_gone("a#1");
        settle();
        check_state("b#1", RUN_RUNNING);
}
END_TEST

START_TEST(rule9_an_end_after_force_but_in_time_leaves_nothing) {
        make();
        a.spec.leaf = &fake_process_ops;
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        ck_assert_int_eq(run_cancel(get("a#1"), CANCEL_OPERATOR, "alice"), 0);
        pass(4 * S);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        ck_assert_uint_eq(remnant_count(), 0);
}
END_TEST

/* ---- what is left of work that has ended ---- */

static void exited(const char *name, enum error_kind error) {
        struct leaf_end end = { .error = error, .detail = "its own end", .exit_code = error == ERROR_NONE ? 0 : 7 };

        run_leaf_exited(fake_leaf_find(name), &end);
        settle();
}

static void make_process(void) {
        make();
        a.spec.leaf = &fake_process_ops;
        a.script.stop = FAKE_STOP_IGNORE;
        a.spec.bounds[BOUND_TIMEOUT] = USEC_INFINITY;
        a.spec.bounds[BOUND_TOTAL_TIMEOUT] = 10 * S;
}

START_TEST(rule3_how_the_work_ended_counts_not_how_its_leftovers_do) {
        make_process();
        limited(&a);
        limited(&b);
        start(&a, 1);
        start(&b, 1);
        exited("a#1", ERROR_NONE);
        check_state("a#1", RUN_RUNNING);
        ck_assert_ptr_null(result_of("a#1"));
        check_why("b#1", WHY_PERMITS);
        fake_leaf_end("a#1", ERROR_SIGNAL); /* the last of it was killed */
        settle();
        check_outcome("a#1", OUTCOME_OK);
        check_errors("a#1", "");
        check_state("b#1", RUN_RUNNING);
}
END_TEST

START_TEST(rule3_a_failure_with_leftovers_keeps_its_own_error) {
        make_process();
        start(&a, 1);
        exited("a#1", ERROR_EXIT);
        exited("a#1", ERROR_NONE); /* only the first counts */
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "exit/a#1");
        ck_assert_int_eq(result_of("a#1")->exit_code, 7);
}
END_TEST

START_TEST(rule3_leftovers_that_sigkill_does_not_move_are_unkillable) {
        make_process();
        a.spec.retries = 3;
        start(&a, 1);
        exited("a#1", ERROR_EXIT);
        pass(5 * S);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "unkillable/a#1 exit/a#1");
        ck_assert_uint_eq(result_of("a#1")->attempts, 1);
        ck_assert_uint_eq(remnant_count(), 1);
        fake_remnant_gone("a#1");
}
END_TEST

START_TEST(rule3_a_failure_with_leftovers_is_retried_when_all_is_gone) {
        make_process();
        a.spec.retries = 1;
        start(&a, 1);
        exited("a#1", ERROR_EXIT);
        pass(2 * S);
        ck_assert_uint_eq(run_attempts(get("a#1")), 1);
        fake_leaf_end("a#1", ERROR_NONE);
        pass(2 * S);
        ck_assert_uint_eq(run_attempts(get("a#1")), 2);
}
END_TEST

/* An exited process is a completion that can be observed: it wins against a deadline, and against a cancel. */
START_TEST(rule4_the_end_of_the_work_wins_while_leftovers_are_cleared_away) {
        make_process();
        start(&a, 1);
        pass(8 * S);
        exited("a#1", ERROR_NONE);
        pass(3 * S);
        ck_assert_ptr_null(result_of("a#1"));
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_outcome("a#1", OUTCOME_OK);
        check_errors("a#1", "");
        ck_assert_int_lt(result_of("a#1")->bound, 0);

        start(&a, 2);
        exited("a#2", ERROR_NONE);
        ck_assert_int_eq(run_cancel(get("a#2"), CANCEL_OPERATOR, "alice"), 0);
        fake_leaf_end("a#2", ERROR_NONE);
        settle();
        check_outcome("a#2", OUTCOME_OK);
}
END_TEST

START_TEST(rule4_a_deadline_ends_what_would_have_been_tried_again) {
        make_process();
        a.spec.retries = 1;
        start(&a, 1);
        pass(8 * S);
        exited("a#1", ERROR_EXIT);
        pass(2 * S);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_errors("a#1", "timeout/a#1 exit/a#1");
}
END_TEST

START_TEST(rule3_what_is_being_stopped_has_no_end_of_its_own) {
        make_process();
        start(&a, 1);
        ck_assert_int_eq(run_cancel(get("a#1"), CANCEL_OPERATOR, "alice"), 0);
        exited("a#1", ERROR_NONE);
        fake_leaf_end("a#1", ERROR_IO);
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        check_errors("a#1", "io/a#1");
}
END_TEST

START_TEST(rule9_max_running_counts_remnants) {
        fixture_new_tree(1);
        make();
        start(&a, 1);
        pass(10 * S);
        start(&b, 1);
        check_why("b#1", WHY_MAX_RUNNING);
        fake_remnant_gone("a#1");
        settle();
        check_state("b#1", RUN_RUNNING);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule9_the_run_ends_timeout_and_the_thread_is_listed,
                rule9_a_thread_that_tidies_up_is_no_remnant_at_once,
                rule9_a_remnant_keeps_its_permits_until_it_is_gone,
                rule9_a_holder_that_is_a_remnant_is_named_as_such,
                rule9_a_remnant_keeps_its_overlap_slot_until_it_is_gone,
                rule9_all_remnants_of_a_fan_out_keep_its_slot,
                rule9_an_abandoned_attempt_is_not_tried_again,
                rule9_a_process_that_sigkill_does_not_move_is_unkillable,
                rule9_an_end_after_force_but_in_time_leaves_nothing,
                rule3_how_the_work_ended_counts_not_how_its_leftovers_do,
                rule3_a_failure_with_leftovers_keeps_its_own_error,
                rule3_leftovers_that_sigkill_does_not_move_are_unkillable,
                rule3_a_failure_with_leftovers_is_retried_when_all_is_gone,
                rule4_the_end_of_the_work_wins_while_leftovers_are_cleared_away,
                rule4_a_deadline_ends_what_would_have_been_tried_again,
                rule3_what_is_being_stopped_has_no_end_of_its_own,
                rule9_max_running_counts_remnants,
        };

        return fixture_main("run-remnant", tests, ARRAY_SIZE(tests));
}
