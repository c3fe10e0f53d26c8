/* SPDX-License-Identifier: MIT */
/* run-deadline: rule 4 of the run tree: bounds, whose bound it was, completions that win, extending. */
#include "support/run-family.h"

#define S USEC_PER_SEC

/* h ─ g ─ a, b */
static void make(void) {
        family_make();
        h.spec.n_members = 1;
}

static void bound(struct fake_task *task, enum bound which, usec_t usec) {
        task->spec.bounds[which] = usec;
}

static void check_bound(const char *name, enum bound expected, const char *owner) {
        const struct result *result = result_of(name);

        ck_assert_int_eq(result->bound, expected);
        ck_assert_str_eq(result->bound_run, owner);
}

/* ---- the effective deadline ---- */

START_TEST(rule4_the_earliest_of_its_own_and_its_ancestors) {
        const struct run *owner = NULL;
        enum bound which = _BOUND_INVALID;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make();
        bound(&h, BOUND_TOTAL_TIMEOUT, 30 * S);
        bound(&g, BOUND_TIMEOUT, 20 * S);
        bound(&a, BOUND_TOTAL_TIMEOUT, 25 * S);
        bound(&b, BOUND_TOTAL_TIMEOUT, 15 * S);
        start(&h, 1);
        ck_assert_uint_eq(run_deadline(get("h#1/g/a"), &owner, &which) - now, 20 * S);
        ck_assert_ptr_eq(owner, get("h#1/g"));
        ck_assert_int_eq(which, BOUND_TIMEOUT);
        ck_assert_uint_eq(run_deadline(get("h#1/g/b"), &owner, &which) - now, 15 * S);
        ck_assert_ptr_eq(owner, get("h#1/g/b"));
        ck_assert_uint_eq(run_deadline(get("h#1"), NULL, NULL) - now, 30 * S);
        make();
        start(&a, 2);
        ck_assert_uint_eq(run_deadline(get("a#2"), NULL, NULL), USEC_INFINITY);
}
END_TEST

START_TEST(rule4_only_the_run_whose_bound_fired_ends_timeout) {
        make();
        bound(&g, BOUND_TIMEOUT, 20 * S);
        start(&h, 1);
        pass(20 * S);
        check_outcome("h#1/g", OUTCOME_TIMEOUT);
        check_bound("h#1/g", BOUND_TIMEOUT, "h#1/g");
        check_errors("h#1/g", "timeout/h#1/g");
        check_outcome("h#1/g/a", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("h#1/g/a")->cancel, CANCEL_PARENT);
        check_bound("h#1/g/a", BOUND_TIMEOUT, "h#1/g");
        check_outcome("h#1", OUTCOME_FAILED);
        check_errors("h#1", "timeout/h#1/g");
}
END_TEST

START_TEST(rule4_those_deep_below_name_the_bound_and_its_owner) {
        make();
        bound(&h, BOUND_TOTAL_TIMEOUT, 5 * S);
        start(&h, 1);
        pass(5 * S);
        check_outcome("h#1", OUTCOME_TIMEOUT);
        check_outcome("h#1/g", OUTCOME_CANCELLED);
        check_bound("h#1/g/b", BOUND_TOTAL_TIMEOUT, "h#1");
        ck_assert_str_eq(result_of("h#1/g/b")->cancelled_by, "h#1/g");
}
END_TEST

/* Which of h, g and a end timeout, for their bounds. */
static const struct {
        usec_t h, g, a;
        enum outcome outcome_h, outcome_g, outcome_a;
} ties[] = {
        { 10 * S, 10 * S, 10 * S, OUTCOME_TIMEOUT, OUTCOME_CANCELLED, OUTCOME_CANCELLED },
        { 11 * S, 10 * S, 10 * S, OUTCOME_FAILED, OUTCOME_TIMEOUT, OUTCOME_CANCELLED },
        { 11 * S, 11 * S, 10 * S, OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_TIMEOUT },
        { 10 * S, 11 * S, 10 * S, OUTCOME_TIMEOUT, OUTCOME_CANCELLED, OUTCOME_CANCELLED },
};

START_TEST(rule4_outermost_wins_at_a_tie) {
        for (size_t i = 0; i < ARRAY_SIZE(ties); i++) {
                make();
                bound(&h, BOUND_TOTAL_TIMEOUT, ties[i].h);
                bound(&g, BOUND_TOTAL_TIMEOUT, ties[i].g);
                bound(&a, BOUND_TIMEOUT, ties[i].a);
                start(&h, 1);
                pass(20 * S);
                ck_assert_uint_eq(done_count(), (i + 1) * 4);
                check_outcome("h#1", ties[i].outcome_h);
                check_outcome("h#1/g", ties[i].outcome_g);
                check_outcome("h#1/g/a", ties[i].outcome_a);
        }
}
END_TEST

/* Two that wait for the same outer bound to act must not keep it from acting. */
START_TEST(rule4_three_bounds_at_one_instant_do_not_spin) {
        struct run_extension how;

        make();
        bound(&h, BOUND_TOTAL_TIMEOUT, 5 * S);
        bound(&a, BOUND_TOTAL_TIMEOUT, 10 * S);
        bound(&a, BOUND_TIMEOUT, 10 * S);
        start(&h, 1);
        ck_assert_int_eq(run_extend(get("h#1"), 5 * S, false, &how), 0); /* its timer is now behind theirs */
        pass(10 * S);
        check_outcome("h#1", OUTCOME_TIMEOUT);
        check_outcome("h#1/g/a", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(rule4_the_earliest_wins_also_when_the_loop_is_late) {
        make();
        bound(&h, BOUND_TOTAL_TIMEOUT, 11 * S);
        bound(&a, BOUND_TIMEOUT, 10 * S);
        start(&h, 1);
        fake_clock_set(CLOCK_ID_MONOTONIC, clock_now(CLOCK_ID_MONOTONIC) + 15 * S);
        settle();
        check_outcome("h#1/g/a", OUTCOME_TIMEOUT);
        check_bound("h#1/g/a", BOUND_TIMEOUT, "h#1/g/a");
}
END_TEST

/* ---- completions that can be observed ---- */

START_TEST(rule4_an_observable_completion_wins_over_the_deadline) {
        make();
        bound(&a, BOUND_TIMEOUT, 10 * S);
        start(&a, 1);
        fake_leaf_done_when_polled("a#1");
        pass(10 * S);
        check_outcome("a#1", OUTCOME_OK);
        check_trace("+a ?a .a");
}
END_TEST

START_TEST(rule4_completions_below_win_over_an_ancestors_deadline) {
        make();
        bound(&h, BOUND_TOTAL_TIMEOUT, 10 * S);
        start(&h, 1);
        fake_leaf_done_when_polled("h#1/g/a");
        fake_leaf_done_when_polled("h#1/g/b");
        pass(10 * S);
        check_outcome("h#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule4_a_completion_that_is_not_the_last_one_is_taken_but_does_not_save) {
        make();
        bound(&h, BOUND_TOTAL_TIMEOUT, 10 * S);
        start(&h, 1);
        fake_leaf_done_when_polled("h#1/g/b");
        pass(10 * S);
        check_outcome("h#1/g/b", OUTCOME_OK);
        check_outcome("h#1/g/a", OUTCOME_CANCELLED);
        check_outcome("h#1", OUTCOME_TIMEOUT);
}
END_TEST

START_TEST(rule4_an_end_at_the_instant_of_the_deadline_wins) {
        make();
        bound(&g, BOUND_TOTAL_TIMEOUT, 10 * S);
        a.script.ends_after_usec = b.script.ends_after_usec = 10 * S;
        start(&g, 1);
        pass(10 * S);
        check_outcome("g#1", OUTCOME_OK);
}
END_TEST

/* ---- what the bounds cover ---- */

START_TEST(timeout_counts_from_the_grant) {
        struct limit_use use = { .permits = 1 };

        make();
        use.limit = make_permits("x", 1);
        a.spec.limits = &use;
        a.spec.n_limits = 1;
        bound(&a, BOUND_TIMEOUT, 10 * S);
        start(&a, 1);
        pass(5 * S);
        start(&a, 2);
        pass(5 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        pass(10 * S - 1);
        check_state("a#2", RUN_RUNNING);
        pass(1);
        check_outcome("a#2", OUTCOME_TIMEOUT);
}
END_TEST

START_TEST(total_timeout_covers_waits_and_retries) {
        make();
        bound(&a, BOUND_TOTAL_TIMEOUT, 10 * S);
        a.spec.retries = 100;
        a.spec.retry_delay_max_usec = S;
        a.script.ends_after_usec = S;
        a.script.error = ERROR_EXIT;
        start(&a, 1);
        pass(10 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_bound("a#1", BOUND_TOTAL_TIMEOUT, "a#1");
        ck_assert_uint_ge(result_of("a#1")->attempts, 4);
        ck_assert_int_eq(result_of("a#1")->errors.items[0].kind, ERROR_TIMEOUT);
}
END_TEST

START_TEST(total_timeout_in_a_retry_delay_keeps_the_last_error) {
        make();
        bound(&a, BOUND_TOTAL_TIMEOUT, 10 * S);
        a.spec.retries = 1;
        a.spec.retry_delay_min_usec = a.spec.retry_delay_max_usec = USEC_PER_HOUR;
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_CONNECT);
        pass(10 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_errors("a#1", "timeout/a#1 connect/a#1");
        ck_assert_str_eq(result_of("a#1")->output_tail, "the end of the output");
}
END_TEST

START_TEST(queue_timeout_ends_a_wait_for_permits_and_is_not_retried) {
        struct limit_use use = { .permits = 1 };

        make();
        use.limit = make_permits("x", 1);
        a.spec.limits = &use;
        a.spec.n_limits = 1;
        bound(&a, BOUND_QUEUE_TIMEOUT, 10 * S);
        a.spec.retries = 3;
        start(&a, 1);
        start(&a, 2);
        pass(10 * S);
        check_outcome("a#2", OUTCOME_TIMEOUT);
        check_bound("a#2", BOUND_QUEUE_TIMEOUT, "a#2");
        check_state("a#1", RUN_RUNNING);
}
END_TEST

START_TEST(queue_timeout_ends_a_wait_for_the_overlap) {
        static struct overlap overlap; /* outlives the test: the teardown ends its runs */

        make();
        overlap_init(&overlap, 1);
        a.spec.overlap = &overlap;
        bound(&a, BOUND_QUEUE_TIMEOUT, 10 * S);
        start(&a, 1);
        start(&a, 2);
        check_why("a#2", WHY_OVERLAP);
        pass(10 * S);
        check_outcome("a#2", OUTCOME_TIMEOUT);
        check_state("a#1", RUN_RUNNING);
}
END_TEST

static const char *detail_of(const char *name) {
        return result_of(name)->errors.items[0].detail;
}

START_TEST(a_default_bound_says_so_and_where_to_set_it) {
        make();
        bound(&a, BOUND_TIMEOUT, 90 * S);
        bound(&b, BOUND_TIMEOUT, USEC_PER_HOUR);
        bound(&h, BOUND_TOTAL_TIMEOUT, USEC_PER_DAY);
        a.spec.default_bounds = 1u << BOUND_TOTAL_TIMEOUT;
        b.spec.default_bounds = 1u << BOUND_TIMEOUT;
        h.spec.default_bounds = 1u << BOUND_TOTAL_TIMEOUT;
        start(&a, 1);
        start(&b, 1);
        pass(USEC_PER_HOUR);
        ck_assert_str_eq(detail_of("a#1"), "timeout of 1min 30s reached");
        ck_assert_str_eq(detail_of("b#1"), "timeout of 1h reached (the default; set timeout in [task b])");
        bound(&b, BOUND_TIMEOUT, USEC_INFINITY);
        bound(&a, BOUND_TIMEOUT, USEC_INFINITY);
        start(&h, 1);
        pass(USEC_PER_DAY);
        ck_assert_str_eq(detail_of("h#1"), "total-timeout of 1d reached (the default; set total-timeout in [group h])");
}
END_TEST

START_TEST(a_timed_out_run_gets_its_grace) {
        make();
        bound(&a, BOUND_TIMEOUT, 10 * S);
        a.script.stop = FAKE_STOP_FAILS;
        a.script.stop_error = ERROR_EXIT;
        a.script.stops_after_usec = 4 * S;
        start(&a, 1);
        pass(13 * S);
        check_state("a#1", RUN_RUNNING);
        pass(S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_errors("a#1", "timeout/a#1 exit/a#1");
        ck_assert_int_eq(result_of("a#1")->exit_code, 124);
}
END_TEST

/* ---- extend ---- */

START_TEST(rule4_extend_moves_the_earliest_own_bound) {
        struct run_extension how;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make();
        bound(&a, BOUND_TIMEOUT, 10 * S);
        bound(&a, BOUND_TOTAL_TIMEOUT, 60 * S);
        start(&a, 1);
        pass(5 * S);
        ck_assert_int_eq(run_extend(get("a#1"), 10 * S, false, &how), 0);
        ck_assert_int_eq(how.bound, BOUND_TIMEOUT);
        ck_assert_uint_eq(how.deadline_usec - now, 20 * S);
        ck_assert_ptr_null(how.clipped_by);
        pass(15 * S - 1);
        check_state("a#1", RUN_RUNNING);
        pass(1);
        check_outcome("a#1", OUTCOME_TIMEOUT);
}
END_TEST

START_TEST(rule4_extend_is_clipped_to_the_parents) {
        struct run_extension how;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make();
        bound(&g, BOUND_TOTAL_TIMEOUT, 15 * S);
        bound(&a, BOUND_TIMEOUT, 10 * S);
        start(&g, 1);
        ck_assert_int_eq(run_extend(get("g#1/a"), 10 * S, false, &how), 0);
        ck_assert_uint_eq(how.deadline_usec - now, 15 * S);
        ck_assert_ptr_eq(how.clipped_by, get("g#1"));
        pass(15 * S);
        check_outcome("g#1", OUTCOME_TIMEOUT);
        check_outcome("g#1/a", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(rule4_extend_is_clipped_to_its_own_total_timeout) {
        struct run_extension how;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make();
        bound(&a, BOUND_TIMEOUT, 10 * S);
        bound(&a, BOUND_TOTAL_TIMEOUT, 12 * S);
        bound(&g, BOUND_TIMEOUT, 10 * S);
        bound(&g, BOUND_TOTAL_TIMEOUT, 13 * S);
        start(&a, 1);
        start(&g, 1);
        ck_assert_int_eq(run_extend(get("a#1"), 10 * S, false, &how), 0);
        ck_assert_uint_eq(how.deadline_usec - now, 12 * S);
        ck_assert_ptr_eq(how.clipped_by, get("a#1"));
        ck_assert_int_eq(run_extend(get("g#1"), 10 * S, false, &how), 0);
        ck_assert_uint_eq(how.deadline_usec - now, 13 * S);
        ck_assert_ptr_eq(how.clipped_by, get("g#1"));
}
END_TEST

/* What was moved is the total-timeout; what will end the run now is its attempt's. */
START_TEST(rule4_extend_moves_all_that_are_the_earliest) {
        struct run_extension how;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make();
        bound(&a, BOUND_TIMEOUT, 10 * S);
        bound(&a, BOUND_TOTAL_TIMEOUT, 10 * S);
        start(&a, 1);
        ck_assert_int_eq(run_extend(get("a#1"), 10 * S, false, &how), 0);
        ck_assert_uint_eq(how.deadline_usec - now, 20 * S);
        ck_assert_ptr_null(how.clipped_by);
        pass(20 * S - 1);
        check_state("a#1", RUN_RUNNING);
        pass(1);
        check_outcome("a#1", OUTCOME_TIMEOUT);
}
END_TEST

START_TEST(rule4_extend_answers_with_the_deadline_that_holds) {
        struct run_extension how;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make();
        bound(&a, BOUND_TIMEOUT, 15 * S);
        bound(&a, BOUND_TOTAL_TIMEOUT, 10 * S);
        start(&a, 1);
        ck_assert_int_eq(run_extend(get("a#1"), 10 * S, false, &how), 0);
        ck_assert_int_eq(how.bound, BOUND_TOTAL_TIMEOUT);
        ck_assert_uint_eq(how.deadline_usec - now, 15 * S);
        ck_assert_ptr_eq(how.clipped_by, run_first_child(get("a#1")));
        pass(15 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_bound("a#1", BOUND_TIMEOUT, "a#1");
}
END_TEST

START_TEST(rule4_extend_with_parents_moves_those_that_would_clip) {
        struct run_extension how;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make();
        bound(&h, BOUND_TOTAL_TIMEOUT, 15 * S);
        bound(&g, BOUND_TOTAL_TIMEOUT, 100 * S);
        bound(&a, BOUND_TIMEOUT, 10 * S);
        start(&h, 1);
        ck_assert_int_eq(run_extend(get("h#1/g/a"), 10 * S, true, &how), 0);
        ck_assert_uint_eq(how.deadline_usec - now, 20 * S);
        ck_assert_ptr_null(how.clipped_by);
        ck_assert_uint_eq(run_deadline(get("h#1"), NULL, NULL) - now, 20 * S);
        ck_assert_uint_eq(run_deadline(get("h#1/g"), NULL, NULL) - now, 20 * S);
}
END_TEST

START_TEST(rule4_extend_until_moves_the_earliest_own_bound_there_or_leaves_it) {
        struct run_extension how;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make();
        bound(&g, BOUND_TOTAL_TIMEOUT, 60 * S);
        bound(&a, BOUND_TIMEOUT, 10 * S);
        start(&g, 1);
        ck_assert_int_eq(run_extend_until(get("g#1/a"), now + 20 * S, false, &how), 0);
        ck_assert_uint_eq(how.deadline_usec - now, 20 * S);
        ck_assert(how.moved);
        ck_assert_ptr_null(how.clipped_by);
        ck_assert_int_eq(run_extend_until(get("g#1/a"), now + 15 * S, true, &how), 0);
        ck_assert_uint_eq(how.deadline_usec - now, 20 * S);
        ck_assert(!how.moved);
        ck_assert_int_eq(run_extend_until(get("g#1/a"), now + 90 * S, false, &how), 0);
        ck_assert_uint_eq(how.deadline_usec - now, 60 * S);
        ck_assert_ptr_eq(how.clipped_by, get("g#1"));
}
END_TEST

START_TEST(rule4_extend_never_shortens) {
        struct run_extension how;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make();
        bound(&g, BOUND_TOTAL_TIMEOUT, 10 * S);
        bound(&a, BOUND_TIMEOUT, 20 * S);
        start(&g, 1);
        ck_assert_int_eq(run_extend(get("g#1/a"), S, false, &how), 0);
        ck_assert_uint_eq(how.deadline_usec - now, 10 * S);
        ck_assert_ptr_eq(how.clipped_by, get("g#1"));
        ck_assert_int_eq(run_extend(get("g#1"), 50 * S, false, &how), 0);
        ck_assert_uint_eq(run_deadline(run_first_child(get("g#1/a")), NULL, NULL) - now, 20 * S);
        ck_assert_int_eq(run_extend(get("g#1/a"), USEC_INFINITY, false, &how), 0);
        ck_assert_uint_eq(how.deadline_usec - now, 60 * S);
}
END_TEST

START_TEST(rule4_extend_is_refused_once_stopping) {
        struct run_extension how;

        make();
        bound(&a, BOUND_TIMEOUT, 10 * S);
        bound(&a, BOUND_TOTAL_TIMEOUT, 100 * S);
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        pass(10 * S);
        ck_assert_int_eq(run_extend(get("a#1"), 10 * S, false, &how), -ESTALE);
        pass(10 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        start(&g, 1);
        ck_assert_int_eq(run_cancel(get("g#1"), CANCEL_OPERATOR, NULL), 0);
        ck_assert_int_eq(run_extend(get("g#1/a"), 10 * S, false, &how), -ESTALE);
}
END_TEST

START_TEST(rule4_extend_without_a_bound_of_its_own_is_refused) {
        struct run_extension how;

        make();
        bound(&g, BOUND_TOTAL_TIMEOUT, 10 * S);
        start(&g, 1);
        ck_assert_int_eq(run_extend(get("g#1/a"), 10 * S, false, &how), -ENOENT);
}
END_TEST

/* The tie gave the inner run's turn to the outer one, which then gets more time. */
START_TEST(rule4_extending_the_outer_run_at_the_last_moment_leaves_the_inner_bound) {
        struct run_extension how;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        make();
        bound(&g, BOUND_TOTAL_TIMEOUT, 10 * S);
        bound(&a, BOUND_TIMEOUT, 10 * S);
        start(&g, 1);
        fake_clock_set(CLOCK_ID_MONOTONIC, now + 10 * S);
        (void)fake_loop_turn(); /* the timers fire; the deadline acts in the next turn */
        ck_assert_int_eq(run_extend(get("g#1"), 10 * S, false, &how), 0);
        settle();
        check_outcome("g#1/a", OUTCOME_TIMEOUT);
        check_outcome("g#1", OUTCOME_FAILED);
}
END_TEST

START_TEST(rule4_extending_at_the_last_moment_saves_the_run) {
        struct run_extension how;

        make();
        bound(&a, BOUND_TIMEOUT, 10 * S);
        start(&a, 1);
        fake_clock_set(CLOCK_ID_MONOTONIC, clock_now(CLOCK_ID_MONOTONIC) + 10 * S);
        (void)fake_loop_turn();
        ck_assert_int_eq(run_extend(get("a#1"), 10 * S, false, &how), 0);
        pass(10 * S - 1);
        check_state("a#1", RUN_RUNNING);
        pass(1);
        check_outcome("a#1", OUTCOME_TIMEOUT);
}
END_TEST

START_TEST(rule4_nothing_is_tried_again_at_the_instant_of_a_deadline) {
        make();
        bound(&g, BOUND_TOTAL_TIMEOUT, 10 * S);
        g.spec.policy = GROUP_SETTLE;
        g.spec.n_members = 1;
        a.spec.retries = 1;
        start(&g, 1);
        fake_leaf_end("g#1/a", ERROR_EXIT);
        settle();
        /* lets the retry and the deadline come due together */
        fake_clock_set(CLOCK_ID_MONOTONIC, clock_now(CLOCK_ID_MONOTONIC) + 10 * S);
        settle();
        check_outcome("g#1", OUTCOME_TIMEOUT);
        check_trace("+a .a");
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule4_the_earliest_of_its_own_and_its_ancestors,
                rule4_only_the_run_whose_bound_fired_ends_timeout,
                rule4_those_deep_below_name_the_bound_and_its_owner,
                rule4_outermost_wins_at_a_tie,
                rule4_three_bounds_at_one_instant_do_not_spin,
                rule4_the_earliest_wins_also_when_the_loop_is_late,
                rule4_an_observable_completion_wins_over_the_deadline,
                rule4_completions_below_win_over_an_ancestors_deadline,
                rule4_a_completion_that_is_not_the_last_one_is_taken_but_does_not_save,
                rule4_an_end_at_the_instant_of_the_deadline_wins,
                timeout_counts_from_the_grant,
                total_timeout_covers_waits_and_retries,
                total_timeout_in_a_retry_delay_keeps_the_last_error,
                queue_timeout_ends_a_wait_for_permits_and_is_not_retried,
                queue_timeout_ends_a_wait_for_the_overlap,
                a_default_bound_says_so_and_where_to_set_it,
                a_timed_out_run_gets_its_grace,
                rule4_extend_moves_the_earliest_own_bound,
                rule4_extend_is_clipped_to_the_parents,
                rule4_extend_is_clipped_to_its_own_total_timeout,
                rule4_extend_moves_all_that_are_the_earliest,
                rule4_extend_answers_with_the_deadline_that_holds,
                rule4_extend_with_parents_moves_those_that_would_clip,
                rule4_extend_until_moves_the_earliest_own_bound_there_or_leaves_it,
                rule4_extend_never_shortens,
                rule4_extend_is_refused_once_stopping,
                rule4_extend_without_a_bound_of_its_own_is_refused,
                rule4_extending_the_outer_run_at_the_last_moment_leaves_the_inner_bound,
                rule4_extending_at_the_last_moment_saves_the_run,
                rule4_nothing_is_tried_again_at_the_instant_of_a_deadline,
        };

        return fixture_main("run-deadline", tests, ARRAY_SIZE(tests));
}
