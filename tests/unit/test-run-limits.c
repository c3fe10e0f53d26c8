/* SPDX-License-Identifier: MIT */
/* run-limits: rule 8, as far as it is the tree's: who holds permits, and what max-running counts. */
#include "support/run-family.h"

#define S USEC_PER_SEC

static struct limit_use use, use2;

static void limited(struct fake_task *task, struct limit_use *of, struct limit *limit, unsigned permits) {
        *of = (struct limit_use){ .limit = limit, .permits = permits };
        task->spec.limits = of;
        task->spec.n_limits = 1;
}

static struct limit_stats stats_of(const struct limit *limit) {
        struct limit_stats stats;

        limit_get_stats(limit, &stats);
        return stats;
}

START_TEST(rule8_a_limit_on_a_parent_is_added_to_every_leaf_below) {
        family_make();
        limited(&g, &use, make_permits("x", 1), 1);
        start(&g, 1);
        check_state("g#1/a", RUN_RUNNING);
        check_why("g#1/b", WHY_PERMITS);
        ck_assert_uint_eq(stats_of(use.limit).holders, 1);
        fake_leaf_end("g#1/a", ERROR_NONE);
        settle();
        check_state("g#1/b", RUN_RUNNING);
}
END_TEST

START_TEST(rule8_a_limit_named_on_two_levels_is_taken_once_with_the_larger_number) {
        family_make();
        limited(&g, &use, make_permits("x", 3), 2);
        limited(&a, &use2, use.limit, 1);
        g.spec.n_members = 1;
        start(&g, 1);
        ck_assert_uint_eq(stats_of(use.limit).held, 2);
        ck_assert_uint_eq(stats_of(use.limit).holders, 1);
}
END_TEST

START_TEST(rule8_parents_hold_no_permits) {
        family_make();
        limited(&g, &use, make_permits("x", 5), 1);
        start(&g, 1);
        ck_assert_uint_eq(stats_of(use.limit).holders, 2);
}
END_TEST

START_TEST(rule8_max_running_counts_leaves_of_jobs_only) {
        fixture_new_tree(2);
        family_make();
        b.spec.is_service = true;
        start(&b, 1);
        start(&b, 2);
        start(&b, 3); /* services: as many as there are */
        start(&g, 1); /* a parent does not count, its job does */
        check_state("g#1/a", RUN_RUNNING);
        check_state("g#1/b", RUN_RUNNING);
        start(&a, 1);
        check_state("a#1", RUN_RUNNING);
        start(&a, 2);
        check_why("a#2", WHY_MAX_RUNNING);
        start_hook(&a, 3);
        check_state("a#3", RUN_RUNNING);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_state("a#2", RUN_RUNNING);
}
END_TEST

START_TEST(rule8_max_running_counts_items) {
        fixture_new_tree(3);
        fake_fanout_init(&a, "f", 10, 8);
        start(&a, 1);
        ck_assert_uint_eq(fake_leaf_count(), 3);
        pass(10 * S);
        check_outcome("f#1", OUTCOME_OK);
        ck_assert_uint_eq(fake_leaf_max(), 3);
}
END_TEST

START_TEST(rule8_priority_is_of_the_task) {
        family_make();
        limited(&a, &use, make_permits("x", 1), 1);
        limited(&b, &use2, use.limit, 1);
        b.spec.priority = 5;
        start(&a, 1);
        start(&a, 2);
        start(&b, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_state("b#1", RUN_RUNNING);
        check_why("a#2", WHY_PERMITS);
}
END_TEST

START_TEST(rule8_the_pace_is_a_why_with_its_end) {
        struct limit_config config = { .rate = 1, .rate_per_usec = S, .burst = 1 };
        struct run_waiting waiting;

        family_make();
        limited(&a, &use, make_limit("x", &config), 1);
        start(&a, 1);
        start(&a, 2);
        run_get_waiting(get("a#2"), &waiting);
        ck_assert_int_eq(waiting.why, WHY_PACE);
        ck_assert_ptr_eq(waiting.limit, use.limit);
        ck_assert_uint_eq(waiting.until_usec, FAKE_CLOCK_MONOTONIC + S);
        pass(S);
        check_state("a#2", RUN_RUNNING);
}
END_TEST

/* Not since the run was made: what came before was work. */
START_TEST(rule8_a_wait_for_permits_counts_from_its_beginning) {
        struct run_waiting waiting;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        family_make();
        limited(&a, &use, make_permits("x", 1), 1);
        b.spec.limits = &use;
        b.spec.n_limits = 1;
        a.spec.retries = 1;
        a.spec.retry_delay_min_usec = a.spec.retry_delay_max_usec = 0;
        start(&a, 1);
        pass(5 * S);
        start(&b, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        check_state("b#1", RUN_RUNNING);
        run_get_waiting(get("a#1"), &waiting);
        ck_assert_int_eq(waiting.why, WHY_PERMITS);
        ck_assert_uint_eq(waiting.since_usec - now, 5 * S);
}
END_TEST

START_TEST(rule8_more_permits_than_exist_fail_the_run) {
        family_make();
        limited(&a, &use, make_permits("x", 1), 2);
        start(&a, 1);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "spawn/a#1");
}
END_TEST

START_TEST(rule8_a_full_queue_skips_the_run) {
        struct limit_config config = { .permits = 1, .max_waiting = 1 };

        family_make();
        limited(&a, &use, make_limit("x", &config), 1);
        start(&a, 1);
        start(&a, 2);
        start(&a, 3);
        check_outcome("a#3", OUTCOME_SKIPPED);
        ck_assert_ptr_nonnull(strstr(result_of("a#3")->reason, "queue-full"));
        check_why("a#2", WHY_PERMITS);
}
END_TEST

START_TEST(rule8_a_permit_granted_to_a_run_just_cancelled_passes_on) {
        family_make();
        limited(&a, &use, make_permits("x", 1), 1);
        start(&a, 1);
        start(&a, 2);
        start(&a, 3);
        fake_leaf_end("a#1", ERROR_NONE);
        (void)fake_loop_turn(); /* a#1 is done, its permit is free; who gets it is for the next turn */
        ck_assert_int_eq(run_cancel(get("a#2"), CANCEL_OPERATOR, NULL), 0);
        settle();
        check_outcome("a#2", OUTCOME_CANCELLED);
        check_state("a#3", RUN_RUNNING);
        ck_assert_uint_eq(stats_of(use.limit).held, 1);
}
END_TEST

START_TEST(rule8_permits_are_free_when_the_leaf_is_done_not_when_it_is_asked_to_stop) {
        family_make();
        limited(&a, &use, make_permits("x", 1), 1);
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        start(&a, 2);
        ck_assert_int_eq(run_cancel(get("a#1"), CANCEL_OPERATOR, NULL), 0);
        pass(10 * S - 1);
        check_state("a#2", RUN_QUEUED);
        pass(1);
        check_state("a#2", RUN_RUNNING);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule8_a_limit_on_a_parent_is_added_to_every_leaf_below,
                rule8_a_limit_named_on_two_levels_is_taken_once_with_the_larger_number,
                rule8_parents_hold_no_permits,
                rule8_max_running_counts_leaves_of_jobs_only,
                rule8_max_running_counts_items,
                rule8_priority_is_of_the_task,
                rule8_the_pace_is_a_why_with_its_end,
                rule8_a_wait_for_permits_counts_from_its_beginning,
                rule8_more_permits_than_exist_fail_the_run,
                rule8_a_full_queue_skips_the_run,
                rule8_a_permit_granted_to_a_run_just_cancelled_passes_on,
                rule8_permits_are_free_when_the_leaf_is_done_not_when_it_is_asked_to_stop,
        };

        return fixture_main("run-limits", tests, ARRAY_SIZE(tests));
}
