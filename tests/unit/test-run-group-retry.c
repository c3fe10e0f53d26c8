/* SPDX-License-Identifier: MIT */
/* run-group-retry: rule 7 of the run tree: groups that are tried again. */
#include "support/run-family.h"

#include <stdio.h>

#define S USEC_PER_SEC

START_TEST(rule7_group_retries_rerun_all_members) {
        family_make_group(GROUP_ALL, 2);
        g.spec.retries = 1;
        start(&g, 1);
        family_end(0, ERROR_NONE);
        family_end(1, ERROR_EXIT);
        check_state("g#1", RUN_RUNNING);
        check_why("g#1", WHY_RETRY);
        pass(2 * S);
        ck_assert_uint_eq(fake_leaf_started(), 4);
        family_end(0, ERROR_NONE);
        family_end(1, ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
        check_errors("g#1", "");
        ck_assert_uint_eq(result_of("g#1")->attempts, 2);
        ck_assert_uint_eq(result_of("g#1")->n_children, 2);
}
END_TEST

START_TEST(rule7_group_retries_are_used_up) {
        family_make_group(GROUP_ALL, 1);
        g.spec.retries = 1;
        m[0].script.ends_after_usec = S;
        m[0].script.error = ERROR_EXIT;
        start(&g, 1);
        pass(10 * S);
        check_outcome("g#1", OUTCOME_FAILED);
        check_errors("g#1", "exit/g#1/m0");
        ck_assert_uint_eq(fake_leaf_started(), 2);
}
END_TEST

START_TEST(rule7_a_group_timeout_is_retried_its_total_timeout_is_not) {
        family_make_group(GROUP_ALL, 1);
        g.spec.retries = 9;
        g.spec.retry_delay_max_usec = S;
        g.spec.bounds[BOUND_TIMEOUT] = 3 * S;
        g.spec.bounds[BOUND_TOTAL_TIMEOUT] = 10 * S;
        start(&g, 1);
        pass(10 * S);
        check_outcome("g#1", OUTCOME_TIMEOUT);
        ck_assert_int_eq(result_of("g#1")->bound, BOUND_TOTAL_TIMEOUT);
        ck_assert_uint_ge(result_of("g#1")->attempts, 2);
}
END_TEST

START_TEST(rule7_a_cancel_between_two_tries_ends_the_group) {
        family_make_group(GROUP_ALL, 1);
        g.spec.retries = 1;
        start(&g, 1);
        family_end(0, ERROR_EXIT);
        cancel("g#1");
        settle();
        check_outcome("g#1", OUTCOME_CANCELLED);
        ck_assert(fake_loop_idle());
        ck_assert_uint_eq(fake_leaf_started(), 1);
}
END_TEST

START_TEST(rule7_a_cancel_while_a_try_fails_ends_the_group_failed) {
        family_make_group(GROUP_ALL, 2);
        g.spec.retries = 1;
        m[1].script.stops_after_usec = 3 * S;
        start(&g, 1);
        family_end(0, ERROR_EXIT);
        check_state("g#1", RUN_RUNNING); /* only this try ends */
        cancel("g#1");
        settle();
        check_state("g#1", RUN_STOPPING);
        pass(3 * S);
        check_outcome("g#1", OUTCOME_FAILED);
        ck_assert_str_eq(result_of("g#1")->cancelled_by, "alice");
        ck_assert_uint_eq(fake_leaf_started(), 2);
}
END_TEST

START_TEST(rule7_a_cancel_of_the_parent_between_two_tries_ends_the_group) {
        family_make_group(GROUP_ALL, 1);
        g.spec.retries = 3;
        start(&h, 1);
        fake_leaf_end("h#1/g/m0", ERROR_EXIT);
        settle();
        cancel("h#1");
        settle();
        check_outcome("h#1", OUTCOME_CANCELLED);
        ck_assert(fake_loop_idle());
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule7_group_retries_rerun_all_members,
                rule7_group_retries_are_used_up,
                rule7_a_group_timeout_is_retried_its_total_timeout_is_not,
                rule7_a_cancel_between_two_tries_ends_the_group,
                rule7_a_cancel_while_a_try_fails_ends_the_group_failed,
                rule7_a_cancel_of_the_parent_between_two_tries_ends_the_group,
        };

        return fixture_main("run-group-retry", tests, ARRAY_SIZE(tests));
}
