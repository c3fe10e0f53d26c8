/* SPDX-License-Identifier: MIT */
/* run-stop: stopping, draining, capping and forcing the whole tree. */
#include "support/run-family.h"

START_TEST(stop_refuses_new_runs_but_hooks) {
        struct run_start how = { .spec = &a.spec, .number = 9, .trigger = "test" };

        family_make();
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        run_tree_stop(tree, false);
        ck_assert_int_eq(run_tree_start(tree, &how, NULL), -ESHUTDOWN);
        start_hook(&b, 1);
        check_state("b#1", RUN_RUNNING);
        pass(10 * USEC_PER_SEC);
        check_outcome("a#1", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("a#1")->cancel, CANCEL_SHUTDOWN);
        check_state("b#1", RUN_RUNNING);
}
END_TEST

START_TEST(stop_reaches_members_as_shutdown) {
        family_make();
        start(&h, 1);
        run_tree_stop(tree, false);
        settle();
        check_outcome("h#1/g/a", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("h#1/g/a")->cancel, CANCEL_SHUTDOWN);
}
END_TEST

START_TEST(drain_leaves_those_that_wait) {
        family_make();
        a.spec.drain = true;
        start(&a, 1);
        start(&b, 1);
        run_tree_stop(tree, true);
        settle();
        check_outcome("b#1", OUTCOME_CANCELLED);
        check_state("a#1", RUN_RUNNING);
        run_tree_stop(tree, false);
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(a_cap_ends_every_grace_also_later_ones) {
        family_make();
        a.script.stop = b.script.stop = FAKE_STOP_IGNORE;
        b.spec.grace_usec = USEC_PER_HOUR;
        start(&a, 1);
        start(&b, 1);
        cancel("b#1");
        run_tree_cap_grace(tree, clock_now(CLOCK_ID_MONOTONIC) + 3 * USEC_PER_SEC);
        pass(USEC_PER_SEC);
        cancel("a#1");
        pass(2 * USEC_PER_SEC);
        check_outcome("a#1", OUTCOME_CANCELLED);
        check_outcome("b#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(forcing_the_tree_skips_every_grace_and_hooks_too) {
        struct run_start how = { .spec = &b.spec, .number = 9, .trigger = "test", .hook = true };

        family_make();
        a.script.stop = b.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        start_hook(&b, 1);
        run_tree_stop(tree, false);
        pass(USEC_PER_SEC);
        run_tree_force(tree);
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        check_outcome("b#1", OUTCOME_CANCELLED);
        ck_assert(run_tree_is_empty(tree));
        ck_assert_int_eq(run_tree_start(tree, &how, NULL), -ESHUTDOWN);
}
END_TEST

START_TEST(freeing_a_tree_with_runs_in_it_frees_them) {
        static struct overlap overlap; /* outlives the test: the teardown ends its runs */

        family_make();
        overlap_init(&overlap, 1);
        c.spec.overlap = &overlap;
        start(&h, 1);
        start(&c, 1);
        fake_leaf_end("h#1/g/a", ERROR_NONE);
        fixture_new_tree(0);
        ck_assert_uint_eq(fake_leaf_count(), 0);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                stop_refuses_new_runs_but_hooks,
                stop_reaches_members_as_shutdown,
                drain_leaves_those_that_wait,
                a_cap_ends_every_grace_also_later_ones,
                forcing_the_tree_skips_every_grace_and_hooks_too,
                freeing_a_tree_with_runs_in_it_frees_them,
        };

        return fixture_main("run-stop", tests, ARRAY_SIZE(tests));
}
