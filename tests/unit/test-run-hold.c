/* SPDX-License-Identifier: MIT */
/* run-hold: top-level runs that do not begin before they are released. */
#include "support/run-family.h"

START_TEST(a_held_run_does_not_begin_before_it_is_released) {
        family_make();
        run_tree_hold(tree, true);
        start(&a, 1);
        pass(USEC_PER_MINUTE);
        check_state("a#1", RUN_QUEUED);
        check_trace("");
        run_tree_release(tree, run_tree_last_held(tree));
        settle();
        check_state("a#1", RUN_RUNNING);
}
END_TEST

START_TEST(runs_are_released_up_to_the_last_that_was_meant) {
        uint64_t last;

        family_make();
        run_tree_hold(tree, true);
        start(&a, 1);
        last = run_tree_last_held(tree);
        start(&b, 1);
        run_tree_release(tree, last);
        settle();
        check_state("a#1", RUN_RUNNING);
        check_state("b#1", RUN_QUEUED);
        run_tree_release(tree, UINT64_MAX);
        settle();
        check_state("b#1", RUN_RUNNING);
}
END_TEST

START_TEST(what_is_made_when_nothing_is_held_begins) {
        family_make();
        run_tree_hold(tree, true);
        start(&a, 1);
        run_tree_hold(tree, false);
        start(&b, 1);
        check_state("a#1", RUN_QUEUED);
        check_state("b#1", RUN_RUNNING);
}
END_TEST

START_TEST(a_held_run_has_its_place_among_those_of_its_task) {
        struct overlap overlap;

        family_make();
        overlap_init(&overlap, 1);
        a.spec.overlap = &overlap;
        run_tree_hold(tree, true);
        start(&a, 1);
        run_tree_hold(tree, false);
        start(&a, 2);
        check_why("a#2", WHY_OVERLAP);
        check_why("a#1", WHY_TURN);
        run_tree_release(tree, UINT64_MAX);
        settle();
        check_state("a#1", RUN_RUNNING);
        check_state("a#2", RUN_QUEUED);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_state("a#2", RUN_RUNNING);
        fake_leaf_end("a#2", ERROR_NONE);
        settle();
}
END_TEST

START_TEST(one_that_waits_for_its_slot_when_released_begins_when_it_has_it) {
        struct overlap overlap;

        family_make();
        overlap_init(&overlap, 1);
        a.spec.overlap = &overlap;
        start(&a, 1);
        run_tree_hold(tree, true);
        start(&a, 2);
        run_tree_release(tree, UINT64_MAX);
        settle();
        check_state("a#2", RUN_QUEUED);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_state("a#2", RUN_RUNNING);
        fake_leaf_end("a#2", ERROR_NONE);
        settle();
}
END_TEST

START_TEST(a_held_run_can_be_cancelled) {
        family_make();
        run_tree_hold(tree, true);
        start(&a, 1);
        start(&g, 1);
        cancel("a#1");
        cancel("g#1");
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        check_outcome("g#1", OUTCOME_CANCELLED);
        ck_assert_uint_eq(fake_leaf_started(), 0);
        run_tree_release(tree, UINT64_MAX);
        settle();
        ck_assert(run_tree_is_empty(tree));
}
END_TEST

START_TEST(a_held_run_is_bounded_by_its_total_timeout) {
        family_make();
        a.spec.bounds[BOUND_TOTAL_TIMEOUT] = USEC_PER_SEC;
        run_tree_hold(tree, true);
        start(&a, 1);
        pass(USEC_PER_SEC);
        check_outcome("a#1", OUTCOME_TIMEOUT);
}
END_TEST

START_TEST(a_hook_is_held_once_it_has_its_permits) {
        struct limit_use use = { .limit = make_permits("disk", 1), .permits = 1 };

        family_make();
        a.spec.limits = b.spec.limits = &use;
        a.spec.n_limits = b.spec.n_limits = 1;
        start(&b, 1);
        run_tree_hold(tree, true);
        start_hook(&a, 1);
        run_tree_release(tree, UINT64_MAX); /* nothing: it waits for its permit */
        check_why("a#1", WHY_PERMITS);
        ck_assert_uint_eq(run_tree_last_held(tree), 0);
        fake_leaf_end("b#1", ERROR_NONE);
        settle();
        check_state("a#1", RUN_QUEUED);
        check_why("a#1", WHY_TURN);
        ck_assert_uint_eq(run_tree_last_held(tree), 1);
        run_tree_release(tree, 1);
        settle();
        check_state("a#1", RUN_RUNNING);
}
END_TEST

START_TEST(a_hook_is_held_once_and_not_at_each_attempt) {
        family_make();
        a.spec.retries = 1;
        run_tree_hold(tree, true);
        start_hook(&a, 1);
        run_tree_release(tree, UINT64_MAX);
        settle();
        fake_leaf_end("a#1", ERROR_EXIT);
        pass(USEC_PER_MINUTE);
        check_state("a#1", RUN_RUNNING);
        ck_assert_uint_eq(run_tree_last_held(tree), 1);
}
END_TEST

START_TEST(a_held_hook_can_be_cancelled_and_gives_its_permits_back) {
        struct limit_use use = { .limit = make_permits("disk", 1), .permits = 1 };

        family_make();
        a.spec.limits = b.spec.limits = &use;
        a.spec.n_limits = b.spec.n_limits = 1;
        run_tree_hold(tree, true);
        start_hook(&a, 1);
        cancel("a#1");
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        run_tree_hold(tree, false);
        start(&b, 1);
        check_state("b#1", RUN_RUNNING);
        run_tree_release(tree, UINT64_MAX);
        settle();
        ck_assert_uint_eq(fake_leaf_started(), 1);
}
END_TEST

START_TEST(members_are_held_once_their_group_begins) {
        family_make();
        run_tree_hold(tree, true);
        start(&g, 1);
        run_tree_release(tree, run_tree_last_held(tree));
        settle();
        check_state("g#1", RUN_QUEUED);
        check_state("g#1/a", RUN_QUEUED);
        check_trace("");
        run_tree_release(tree, run_tree_last_held(tree));
        settle();
        check_state("g#1", RUN_RUNNING);
        check_state("g#1/a", RUN_RUNNING);
        check_state("g#1/b", RUN_RUNNING);
}
END_TEST

START_TEST(a_group_with_held_members_can_be_cancelled) {
        family_make();
        run_tree_hold(tree, true);
        start(&g, 1);
        run_tree_release(tree, run_tree_last_held(tree));
        settle();
        cancel("g#1");
        settle();
        check_outcome("g#1", OUTCOME_CANCELLED);
        check_outcome("g#1/a", OUTCOME_NEVER_STARTED);
        run_tree_release(tree, UINT64_MAX);
        settle();
        ck_assert_uint_eq(fake_leaf_started(), 0);
}
END_TEST

START_TEST(items_are_not_held) {
        struct fake_task fanout;

        family_make();
        fake_fanout_init(&fanout, "f", 3, 3);
        run_tree_hold(tree, true);
        start(&fanout, 1);
        run_tree_release(tree, run_tree_last_held(tree));
        pass(2 * USEC_PER_SEC);
        check_outcome("f#1", OUTCOME_OK);
}
END_TEST

START_TEST(stopping_ends_what_is_held) {
        family_make();
        run_tree_hold(tree, true);
        start(&g, 1);
        run_tree_stop(tree, false);
        settle();
        check_outcome("g#1", OUTCOME_NEVER_STARTED);
        ck_assert_int_eq(result_of("g#1")->exit_code, 130);
}
END_TEST

START_TEST(a_run_knows_when_it_was_made_on_the_wall_clock) {
        usec_t at;

        family_make();
        at = clock_now(CLOCK_ID_REALTIME);
        start(&g, 1);
        pass(USEC_PER_MINUTE);
        ck_assert_uint_eq(run_created_realtime(get("g#1")), at);
        ck_assert_uint_eq(run_created_realtime(get("g#1/a")), at);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                a_held_run_does_not_begin_before_it_is_released,
                runs_are_released_up_to_the_last_that_was_meant,
                what_is_made_when_nothing_is_held_begins,
                a_held_run_has_its_place_among_those_of_its_task,
                one_that_waits_for_its_slot_when_released_begins_when_it_has_it,
                a_held_run_can_be_cancelled,
                a_held_run_is_bounded_by_its_total_timeout,
                a_hook_is_held_once_it_has_its_permits,
                a_hook_is_held_once_and_not_at_each_attempt,
                a_held_hook_can_be_cancelled_and_gives_its_permits_back,
                members_are_held_once_their_group_begins,
                a_group_with_held_members_can_be_cancelled,
                items_are_not_held,
                stopping_ends_what_is_held,
                a_run_knows_when_it_was_made_on_the_wall_clock,
        };

        return fixture_main("run-hold", tests, ARRAY_SIZE(tests));
}
