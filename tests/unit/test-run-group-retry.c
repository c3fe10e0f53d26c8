/* SPDX-License-Identifier: MIT */
/* run-group-retry: rule 7 of the run tree: groups that are tried again. */
#include "support/run-fixture.h"

#include <stdio.h>

#define S USEC_PER_SEC
#define N 4

/* g has some of m0 … m3 as members. */
static struct fake_task m[N], g, h;
static struct run_member members[N], outer[1];

static void make(enum group_policy policy, size_t n) {
        static const char *const names[N] = { "m0", "m1", "m2", "m3" };

        fake_task_init(&g, "g");
        fake_task_init(&h, "h");
        g.spec.is_group = h.spec.is_group = true;
        g.spec.policy = policy;
        g.spec.members = members;
        g.spec.n_members = n;
        h.spec.members = outer;
        h.spec.n_members = 1;
        outer[0] = (struct run_member){ .spec = &g.spec };
        for (size_t i = 0; i < N; i++) {
                fake_task_init(&m[i], names[i]);
                members[i] = (struct run_member){ .spec = &m[i].spec };
        }
}

static void end(size_t i, enum error_kind error) {
        char name[32];

        (void)snprintf(name, sizeof(name), "g#1/m%zu", i);
        fake_leaf_end(name, error);
        settle();
}

static void cancel(const char *name) {
        ck_assert_int_eq(run_cancel(get(name), CANCEL_OPERATOR, "alice"), 0);
        settle();
}

START_TEST(rule7_group_retries_rerun_all_members) {
        make(GROUP_ALL, 2);
        g.spec.retries = 1;
        start(&g, 1);
        end(0, ERROR_NONE);
        end(1, ERROR_EXIT);
        check_state("g#1", RUN_RUNNING);
        check_why("g#1", WHY_RETRY);
        pass(2 * S);
        ck_assert_uint_eq(fake_leaf_started(), 4);
        end(0, ERROR_NONE);
        end(1, ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
        check_errors("g#1", "");
        ck_assert_uint_eq(result_of("g#1")->attempts, 2);
        ck_assert_uint_eq(result_of("g#1")->n_children, 2);
}
END_TEST

START_TEST(rule7_group_retries_are_used_up) {
        make(GROUP_ALL, 1);
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
        make(GROUP_ALL, 1);
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
        make(GROUP_ALL, 1);
        g.spec.retries = 1;
        start(&g, 1);
        end(0, ERROR_EXIT);
        cancel("g#1");
        check_outcome("g#1", OUTCOME_CANCELLED);
        ck_assert(fake_loop_idle());
        ck_assert_uint_eq(fake_leaf_started(), 1);
}
END_TEST

START_TEST(rule7_a_cancel_while_a_try_fails_ends_the_group_failed) {
        make(GROUP_ALL, 2);
        g.spec.retries = 1;
        m[1].script.stops_after_usec = 3 * S;
        start(&g, 1);
        end(0, ERROR_EXIT);
        check_state("g#1", RUN_RUNNING); /* only this try ends */
        cancel("g#1");
        check_state("g#1", RUN_STOPPING);
        pass(3 * S);
        check_outcome("g#1", OUTCOME_FAILED);
        ck_assert_str_eq(result_of("g#1")->cancelled_by, "alice");
        ck_assert_uint_eq(fake_leaf_started(), 2);
}
END_TEST

START_TEST(rule7_a_cancel_of_the_parent_between_two_tries_ends_the_group) {
        make(GROUP_ALL, 1);
        g.spec.retries = 3;
        start(&h, 1);
        fake_leaf_end("h#1/g/m0", ERROR_EXIT);
        settle();
        cancel("h#1");
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
