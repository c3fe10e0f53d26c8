/* SPDX-License-Identifier: MIT */
/* run-hooks: rule 11 and the overlap of rule 7's tasks, as far as they are the tree's. Which hooks fire is live/'s. */
#include "support/run-family.h"

#define S USEC_PER_SEC

static struct overlap overlap;

static void make(void) {
        overlap_init(&overlap, 1);
        family_make();
}

START_TEST(rule11_hooks_are_exempt_from_overlap) {
        make();
        a.spec.overlap = &overlap;
        start(&a, 1);
        start_hook(&a, 2);
        check_state("a#2", RUN_RUNNING);
        ck_assert(run_is_hook(get("a#2")));
        start(&a, 3);
        check_why("a#3", WHY_OVERLAP);
        fake_leaf_end("a#2", ERROR_NONE);
        settle();
        check_why("a#3", WHY_OVERLAP);
}
END_TEST

START_TEST(rule11_hooks_are_exempt_from_max_running) {
        fixture_new_tree(1);
        make();
        start(&a, 1);
        start(&b, 1);
        check_why("b#1", WHY_MAX_RUNNING);
        start_hook(&b, 2);
        check_state("b#2", RUN_RUNNING);
}
END_TEST

START_TEST(rule11_a_hook_that_is_a_group_exempts_its_members) {
        fixture_new_tree(1);
        make();
        a.spec.overlap = &overlap;
        start(&a, 1);
        start_hook(&g, 1);
        check_state("g#1/a", RUN_RUNNING);
        check_state("g#1/b", RUN_RUNNING);
}
END_TEST

START_TEST(rule11_hooks_start_also_while_stopping) {
        make();
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        run_tree_stop(tree, true);
        start_hook(&b, 1);
        run_tree_stop(tree, false);
        start_hook(&b, 2);
        check_state("b#1", RUN_RUNNING);
        check_state("b#2", RUN_RUNNING);
        fake_leaf_end("b#1", ERROR_NONE);
        fake_leaf_end("b#2", ERROR_EXIT);
        pass(10 * S);
        check_outcome("b#1", OUTCOME_OK);
        check_outcome("b#2", OUTCOME_FAILED);
        ck_assert_uint_eq(empty_count(), 1);
}
END_TEST

START_TEST(rule11_hooks_take_the_limits_they_are_given) {
        struct limit_use use = { .permits = 1 };

        make();
        use.limit = make_permits("x", 1);
        a.spec.limits = &use;
        a.spec.n_limits = 1;
        start(&a, 1);
        start_hook(&a, 2);
        check_why("a#2", WHY_PERMITS);
}
END_TEST

/* ---- overlap: what waits, waits ---- */

START_TEST(runs_of_one_task_wait_for_each_other) {
        struct run_waiting waiting;

        make();
        a.spec.overlap = &overlap;
        start(&a, 1);
        start(&a, 2);
        start(&a, 3);
        run_get_waiting(get("a#3"), &waiting);
        ck_assert_int_eq(waiting.why, WHY_OVERLAP);
        ck_assert_ptr_eq(waiting.other, get("a#1"));
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_state("a#2", RUN_RUNNING);
        check_why("a#3", WHY_OVERLAP);
}
END_TEST

START_TEST(members_wait_for_runs_of_their_task_and_are_waited_for) {
        struct run_waiting waiting;

        make();
        a.spec.overlap = &overlap;
        start(&g, 1);
        start(&a, 1);
        run_get_waiting(get("a#1"), &waiting);
        ck_assert_int_eq(waiting.why, WHY_OVERLAP);
        ck_assert_ptr_eq(waiting.other, get("g#1/a"));
        fake_leaf_end("g#1/a", ERROR_NONE);
        settle();
        check_state("a#1", RUN_RUNNING);
        start(&g, 2);
        check_why("g#2/a", WHY_OVERLAP);
}
END_TEST

START_TEST(a_slot_is_held_through_waits_and_retries) {
        make();
        a.spec.overlap = &overlap;
        a.spec.retries = 1;
        start(&a, 1);
        start(&a, 2);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        check_why("a#2", WHY_OVERLAP);
}
END_TEST

START_TEST(a_waiter_that_is_cancelled_leaves_the_slot_to_the_next) {
        make();
        a.spec.overlap = &overlap;
        start(&a, 1);
        start(&a, 2);
        start(&a, 3);
        ck_assert_int_eq(run_cancel(get("a#2"), CANCEL_REPLACED, "a#3"), 0);
        fake_leaf_end("a#1", ERROR_NONE); /* the slot reaches the cancelled one first */
        settle();
        check_outcome("a#2", OUTCOME_CANCELLED);
        check_state("a#3", RUN_RUNNING);
}
END_TEST

START_TEST(a_queued_run_can_be_skipped_a_running_one_not) {
        make();
        a.spec.overlap = &overlap;
        start(&a, 1);
        start(&a, 2);
        ck_assert_int_eq(run_skip(get("a#1"), "no"), -EBUSY);
        ck_assert_int_eq(run_skip(get("a#2"), "a newer one waits in its place"), 0);
        ck_assert_int_eq(run_skip(get("a#2"), "again"), -EBUSY);
        settle();
        check_outcome("a#2", OUTCOME_SKIPPED);
        ck_assert_str_eq(result_of("a#2")->reason, "a newer one waits in its place");
        check_state("a#1", RUN_RUNNING);
}
END_TEST

START_TEST(allow_n_lets_n_run_at_once) {
        make();
        overlap_init(&overlap, 2);
        a.spec.overlap = &overlap;
        start(&a, 1);
        start(&a, 2);
        start(&a, 3);
        check_state("a#2", RUN_RUNNING);
        check_why("a#3", WHY_OVERLAP);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule11_hooks_are_exempt_from_overlap,
                rule11_hooks_are_exempt_from_max_running,
                rule11_a_hook_that_is_a_group_exempts_its_members,
                rule11_hooks_start_also_while_stopping,
                rule11_hooks_take_the_limits_they_are_given,
                runs_of_one_task_wait_for_each_other,
                members_wait_for_runs_of_their_task_and_are_waited_for,
                a_slot_is_held_through_waits_and_retries,
                a_waiter_that_is_cancelled_leaves_the_slot_to_the_next,
                a_queued_run_can_be_skipped_a_running_one_not,
                allow_n_lets_n_run_at_once,
        };

        return fixture_main("run-hooks", tests, ARRAY_SIZE(tests));
}
