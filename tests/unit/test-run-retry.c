/* SPDX-License-Identifier: MIT */
/* run-retry: attempts and the delays between them. */
#include "run/node.h"
#include "support/run-fixture.h"

#define S USEC_PER_SEC

static struct fake_task a;

static void make(unsigned retries) {
        fake_task_init(&a, "a");
        a.spec.retries = retries;
}

START_TEST(an_attempt_that_fails_is_tried_again_until_one_is_ok) {
        make(5);
        a.script.ends_after_usec = S;
        a.script.error = ERROR_CONNECT;
        a.script.ok_from_attempt = 3;
        start(&a, 1);
        pass(USEC_PER_MINUTE);
        check_outcome("a#1", OUTCOME_OK);
        check_errors("a#1", "");
        ck_assert_uint_eq(result_of("a#1")->attempts, 3);
}
END_TEST

START_TEST(the_last_attempt_is_the_run) {
        make(2);
        a.script.ends_after_usec = S;
        a.script.error = ERROR_EXIT;
        a.script.exit_code = 7;
        start(&a, 1);
        pass(USEC_PER_MINUTE);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "exit/a#1");
        ck_assert_uint_eq(result_of("a#1")->attempts, 3);
        ck_assert_int_eq(result_of("a#1")->exit_code, 7);
}
END_TEST

START_TEST(a_spawn_that_fails_is_retried_by_policy_never_in_a_busy_loop) {
        make(3);
        a.script.start_error = -EAGAIN;
        start(&a, 1);
        ck_assert_uint_eq(fake_leaf_started(), 1);
        pass(USEC_PER_MINUTE);
        check_outcome("a#1", OUTCOME_FAILED);
        ck_assert_uint_eq(fake_leaf_started(), 4);
}
END_TEST

START_TEST(a_cancelled_attempt_is_not_tried_again) {
        make(3);
        start(&a, 1);
        ck_assert_int_eq(run_cancel(run_first_child(get("a#1")), CANCEL_OPERATOR, NULL), 0);
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        ck_assert_uint_eq(fake_leaf_started(), 1);
}
END_TEST

START_TEST(the_delay_is_a_why) {
        struct run_waiting waiting;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make(1);
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        run_get_waiting(run_first_child(get("a#1")), &waiting);
        ck_assert_int_eq(waiting.why, WHY_RETRY);
        ck_assert_uint_ge(waiting.until_usec - now, 800 * USEC_PER_MSEC);
        ck_assert_uint_le(waiting.until_usec - now, 1200 * USEC_PER_MSEC);
        check_state("a#1", RUN_RUNNING);
        check_why("a#1", WHY_RETRY); /* to people the attempt is the run */
        ck_assert_uint_eq(run_get_errors(get("a#1"))->n, 1);
        pass(2 * S);
        check_why("a#1", WHY_NONE);
}
END_TEST

START_TEST(an_attempt_that_never_began_is_not_counted) {
        make(2);
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        ck_assert_int_eq(run_cancel(get("a#1"), CANCEL_OPERATOR, "alice"), 0);
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        check_errors("a#1", "exit/a#1");
        ck_assert_uint_eq(result_of("a#1")->attempts, 1);
}
END_TEST

/* Exponential from @min to @max: the delay before the @n-th retry, ±20 %. */
static const struct {
        usec_t min, max;
        unsigned n;
        usec_t middle;
} delays[] = {
        { S, 60 * S, 1, S },
        { S, 60 * S, 2, 2 * S },
        { S, 60 * S, 3, 4 * S },
        { S, 60 * S, 6, 32 * S },
        { S, 60 * S, 7, 60 * S },
        { S, 60 * S, 4000000000u, 60 * S },
        { 5 * S, 5 * S, 8, 5 * S },
        { 5 * S, S, 1, 5 * S }, /* a maximum below the minimum does not count */
        { 0, 0, 1, 0 },
};

START_TEST(delays_double_up_to_the_maximum_and_vary_by_a_fifth) {
        uint64_t random = 1;

        for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
                usec_t least = USEC_INFINITY, most = 0;

                for (unsigned k = 0; k < 1000; k++) {
                        usec_t delay = retry_delay(delays[i].min, delays[i].max, delays[i].n, &random);

                        least = MIN(least, delay);
                        most = MAX(most, delay);
                }
                ck_assert_msg(least == delays[i].middle * 80 / 100, "row %zu: %llu", i, (unsigned long long)least);
                ck_assert_msg(most == delays[i].middle * 120 / 100, "row %zu: %llu", i, (unsigned long long)most);
        }
}
END_TEST

START_TEST(a_delay_for_ever_stays_for_ever) {
        uint64_t random = 1;

        ck_assert_uint_eq(retry_delay(USEC_INFINITY, USEC_INFINITY, 4, &random), USEC_INFINITY);
}
END_TEST

START_TEST(rule8_no_permit_is_held_during_a_retry_delay) {
        struct limit_use use = { .permits = 1 };
        struct limit_stats stats;

        make(1);
        use.limit = make_permits("x", 1);
        a.spec.limits = &use;
        a.spec.n_limits = 1;
        start(&a, 1);
        limit_get_stats(use.limit, &stats);
        ck_assert_uint_eq(stats.held, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        limit_get_stats(use.limit, &stats);
        ck_assert_uint_eq(stats.held, 0);
        ck_assert_uint_eq(stats.waiting, 0);
        pass(2 * S);
        limit_get_stats(use.limit, &stats);
        ck_assert_uint_eq(stats.held, 1);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                an_attempt_that_fails_is_tried_again_until_one_is_ok,
                the_last_attempt_is_the_run,
                a_spawn_that_fails_is_retried_by_policy_never_in_a_busy_loop,
                a_cancelled_attempt_is_not_tried_again,
                the_delay_is_a_why,
                an_attempt_that_never_began_is_not_counted,
                delays_double_up_to_the_maximum_and_vary_by_a_fifth,
                a_delay_for_ever_stays_for_ever,
                rule8_no_permit_is_held_during_a_retry_delay,
        };

        return fixture_main("run-retry", tests, ARRAY_SIZE(tests));
}
