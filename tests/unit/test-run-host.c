/* SPDX-License-Identifier: MIT */
/* run-host: runs that are started from inside of others, by the rules of the tree. */
#include "support/run-family.h"

#include <stdio.h>

static struct fake_task d;
static struct overlap overlap; /* outlives the runs of a test */

static void make(void) {
        family_make();
        fake_task_init(&d, "d");
}

/* What start_inside() or try_inside() was told last. */
static struct run_conflict conflict;

static int try_inside(struct run *host, struct fake_task *task, uint64_t number) {
        struct run_start how = { .spec = &task->spec, .number = number, .trigger = "test", .host = host };
        int r = run_tree_start(tree, &how, NULL), may = r == -ESHUTDOWN ? r : 0;

        if (r < 0 && r != -ESHUTDOWN)
                may = run_may_host(host, &task->spec, &conflict);
        ck_assert_int_eq(may, r);
        settle();
        return r;
}

static void start_inside(const char *host, struct fake_task *task, uint64_t number) {
        ck_assert_int_eq(try_inside(get(host), task, number), 0);
}

static void use_limit(struct fake_task *task, struct limit_use *use, struct limit *limit) {
        *use = (struct limit_use){ .limit = limit, .permits = 1 };
        task->spec.limits = use;
        task->spec.n_limits = 1;
}

/* ---- rule 1: one parent ---- */

START_TEST(rule1_a_host_is_done_only_after_its_guests) {
        make();
        start(&a, 1);
        start_inside("a#1", &b, 7);
        start_inside("a#1", &c, 3);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_state("a#1", RUN_RUNNING);
        check_why("a#1", WHY_GUESTS);
        fake_leaf_end("c#3", ERROR_NONE);
        settle();
        check_outcome("c#3", OUTCOME_OK);
        check_state("a#1", RUN_RUNNING);
        fake_leaf_end("b#7", ERROR_NONE);
        settle();
        check_outcome("a#1", OUTCOME_OK);
        ck_assert(run_tree_is_empty(tree));
}
END_TEST

START_TEST(rule1_guests_that_end_first_leave_nothing_to_wait_for) {
        make();
        start(&a, 1);
        start_inside("a#1", &b, 1);
        ck_assert_ptr_eq(run_get_host(get("b#1")), get("a#1"));
        ck_assert_ptr_eq(run_first_guest(get("a#1")), get("b#1"));
        ck_assert_ptr_null(run_next_guest(get("b#1")));
        fake_leaf_end("b#1", ERROR_NONE);
        settle();
        ck_assert_ptr_null(run_first_guest(get("a#1")));
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_outcome("a#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule1_a_group_is_a_guest_with_all_its_members) {
        make();
        start(&c, 1);
        start_inside("c#1", &g, 1);
        fake_leaf_end("c#1", ERROR_NONE);
        fake_leaf_end("g#1/a", ERROR_NONE);
        settle();
        check_state("c#1", RUN_RUNNING);
        fake_leaf_end("g#1/b", ERROR_NONE);
        settle();
        check_outcome("c#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule1_what_comes_after_a_member_waits_for_its_guests) {
        static const unsigned after[] = { 0 };
        static const struct run_member chain[] = { { .spec = &a.spec },
                                                   { .spec = &b.spec, .after = after, .n_after = 1 } };

        make();
        g.spec.members = chain;
        g.spec.n_members = 2;
        start(&g, 1);
        start_inside("g#1/a", &c, 1);
        fake_leaf_end("g#1/a", ERROR_NONE);
        settle();
        check_why("g#1/b", WHY_AFTER);
        fake_leaf_end("c#1", ERROR_NONE);
        settle();
        check_state("g#1/b", RUN_RUNNING);
}
END_TEST

START_TEST(a_guest_outlasts_the_attempt_that_started_it) {
        make();
        a.spec.retries = 1;
        a.spec.retry_delay_min_usec = a.spec.retry_delay_max_usec = USEC_PER_SEC;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        ck_assert_int_eq(try_inside(get("a#1"), &c, 1), -ESTALE); /* no attempt is at work */
        pass(2 * USEC_PER_SEC);
        check_state("b#1", RUN_RUNNING);
        start_inside("a#1", &c, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        fake_leaf_end("b#1", ERROR_NONE);
        settle();
        check_state("a#1", RUN_RUNNING);
        fake_leaf_end("c#1", ERROR_NONE);
        settle();
        check_outcome("a#1", OUTCOME_OK);
        ck_assert_uint_eq(result_of("a#1")->attempts, 2);
}
END_TEST

START_TEST(a_guest_goes_on_while_the_service_that_hosts_it_restarts) {
        static const struct service_spec service = {
                .restart = RESTART_ALWAYS,
                .restart_limit_usec = USEC_INFINITY,
        };

        make();
        a.spec.is_service = true;
        a.spec.service = &service;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        ck_assert_int_eq(run_restart(get("a#1"), "alice"), 0);
        settle();
        pass(USEC_PER_SEC);
        check_state("b#1", RUN_RUNNING);
        ck_assert_ptr_eq(run_get_host(get("b#1")), get("a#1"));
        cancel("a#1");
        settle();
        check_outcome("b#1", OUTCOME_CANCELLED);
}
END_TEST

/* ---- rule 2: cancelling ---- */

START_TEST(rule2_a_cancel_reaches_guests) {
        make();
        start(&a, 1);
        start_inside("a#1", &g, 1);
        start_inside("g#1/b", &c, 1);
        cancel("a#1");
        settle();
        check_outcome("c#1", OUTCOME_CANCELLED);
        check_outcome("g#1", OUTCOME_CANCELLED);
        check_outcome("a#1", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("g#1")->cancel, CANCEL_PARENT);
        ck_assert_str_eq(result_of("g#1")->cancelled_by, "a#1");
        ck_assert_str_eq(result_of("c#1")->cancelled_by, "g#1/b");
}
END_TEST

START_TEST(rule2_a_cancel_reaches_guests_of_a_host_that_only_waits) {
        make();
        start(&a, 1);
        start_inside("a#1", &b, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        cancel("a#1");
        settle();
        check_outcome("b#1", OUTCOME_CANCELLED);
        check_outcome("a#1", OUTCOME_OK);
        ck_assert_str_eq(result_of("a#1")->cancelled_by, "alice");
}
END_TEST

START_TEST(rule2_a_queued_guest_ends_never_started) {
        struct limit_use use;

        make();
        use_limit(&b, &use, make_permits("x", 1));
        start(&b, 1);
        start(&a, 1);
        start_inside("a#1", &b, 2);
        check_why("b#2", WHY_PERMITS);
        cancel("a#1");
        settle();
        check_outcome("b#2", OUTCOME_NEVER_STARTED);
}
END_TEST

START_TEST(rule2_a_guest_that_is_cancelled_is_no_concern_of_its_host) {
        make();
        start(&a, 1);
        start_inside("a#1", &b, 1);
        cancel("b#1");
        settle();
        check_outcome("b#1", OUTCOME_CANCELLED);
        check_state("a#1", RUN_RUNNING);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_outcome("a#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule2_nothing_is_started_inside_what_is_to_end) {
        make();
        a.script.stops_after_usec = 5 * USEC_PER_SEC;
        start(&g, 1);
        cancel("g#1");
        pass(USEC_PER_SEC);
        check_state("g#1/a", RUN_STOPPING);
        ck_assert_int_eq(try_inside(get("g#1/a"), &c, 1), -ESTALE);
}
END_TEST

START_TEST(rule2_nothing_of_a_guest_begins_while_its_host_is_held_back) {
        static const unsigned after[] = { 0 };
        static const struct run_member chain[] = { { .spec = &a.spec },
                                                   { .spec = &b.spec, .after = after, .n_after = 1 } };
        struct limit_use use;

        make();
        a.spec.is_service = true;
        a.script.ready_after_usec = USEC_PER_SEC;
        g.spec.members = chain;
        g.spec.n_members = 2;
        b.script.stops_after_usec = 5 * USEC_PER_SEC;
        use_limit(&c, &use, make_permits("x", 1));
        start(&c, 1);
        start(&g, 1);
        pass(USEC_PER_SEC);
        check_state("g#1/b", RUN_RUNNING); /* on top of a, which is asked to end after it */
        start_inside("g#1/a", &c, 2);
        cancel("g#1");
        settle();
        check_state("g#1/a", RUN_RUNNING);
        check_outcome("c#2", OUTCOME_NEVER_STARTED);
        ck_assert_int_eq(try_inside(get("g#1/a"), &d, 1), -ESTALE);
}
END_TEST

START_TEST(rule2_a_host_that_failed_cancels_its_guests) {
        make();
        start(&a, 1);
        start_inside("a#1", &g, 1);
        start_inside("g#1/b", &c, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        check_outcome("a#1", OUTCOME_FAILED);
        check_outcome("g#1", OUTCOME_CANCELLED);
        check_outcome("c#1", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("g#1")->cancel, CANCEL_PARENT);
        ck_assert_str_eq(result_of("g#1")->cancelled_by, "a#1");
        ck_assert_ptr_null(result_of("a#1")->cancelled_by);
}
END_TEST

START_TEST(rule2_a_guest_that_would_try_again_does_not_when_its_host_failed) {
        make();
        g.spec.retries = 1;
        a.script.stop = b.script.stop = FAKE_STOP_IGNORE;
        start(&c, 1);
        start_inside("c#1", &g, 1);
        fake_leaf_end("g#1/a", ERROR_EXIT);
        fake_leaf_end("c#1", ERROR_EXIT);
        settle();
        pass(b.spec.grace_usec);
        check_outcome("g#1", OUTCOME_FAILED);
        ck_assert_ptr_null(run_tree_find(tree, "c#1"));
}
END_TEST

START_TEST(rule2_a_host_cancels_its_guests_when_its_last_attempt_failed) {
        make();
        a.spec.retries = 1;
        a.spec.retry_delay_min_usec = a.spec.retry_delay_max_usec = USEC_PER_SEC;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        pass(2 * USEC_PER_SEC);
        check_state("b#1", RUN_RUNNING);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        check_outcome("a#1", OUTCOME_FAILED);
        check_outcome("b#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(rule2_a_service_that_is_given_up_cancels_its_guests) {
        static const struct service_spec service = { .restart = RESTART_ALWAYS, .restart_limit_usec = USEC_PER_MINUTE };

        make();
        a.spec.is_service = true;
        a.spec.service = &service;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        fake_leaf_end("a#1", ERROR_NONE); /* that this was well is not enough */
        settle();
        check_outcome("a#1", OUTCOME_FAILED);
        check_outcome("b#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(forcing_a_host_forces_its_guests) {
        make();
        b.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        cancel("a#1");
        settle();
        check_state("b#1", RUN_STOPPING);
        run_force(get("a#1"));
        settle();
        check_outcome("b#1", OUTCOME_CANCELLED);
        check_outcome("a#1", OUTCOME_CANCELLED);
}
END_TEST

/* ---- rule 3: the first cause ---- */

START_TEST(rule3_a_guest_that_fails_does_not_fail_its_host) {
        make();
        start(&a, 1);
        start_inside("a#1", &b, 1);
        fake_leaf_end("b#1", ERROR_EXIT);
        settle();
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_outcome("b#1", OUTCOME_FAILED);
        check_outcome("a#1", OUTCOME_OK);
        check_errors("a#1", "");
}
END_TEST

START_TEST(rule3_a_host_that_failed_has_failed_however_its_guests_end) {
        make();
        b.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        check_state("a#1", RUN_STOPPING);
        check_why("a#1", WHY_GUESTS);
        cancel("a#1");
        pass(b.spec.grace_usec);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "exit/a#1");
        ck_assert_str_eq(result_of("a#1")->cancelled_by, "alice");
}
END_TEST

/* ---- rule 4: deadlines ---- */

START_TEST(rule4_a_deadline_of_the_host_is_one_of_its_guests) {
        const struct run *owner = NULL;
        enum bound bound = _BOUND_INVALID;

        make();
        a.spec.bounds[BOUND_TOTAL_TIMEOUT] = 20 * USEC_PER_SEC;
        b.spec.bounds[BOUND_TIMEOUT] = USEC_PER_MINUTE;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        (void)run_deadline(get("b#1"), &owner, &bound);
        ck_assert_ptr_eq(owner, get("a#1"));
        ck_assert_int_eq(bound, BOUND_TOTAL_TIMEOUT);
        pass(20 * USEC_PER_SEC);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_outcome("b#1", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("b#1")->bound, BOUND_TOTAL_TIMEOUT);
        ck_assert_str_eq(result_of("b#1")->bound_run, "a#1");
}
END_TEST

START_TEST(rule4_it_bounds_guests_also_when_the_host_only_waits) {
        make();
        a.spec.bounds[BOUND_TOTAL_TIMEOUT] = 20 * USEC_PER_SEC;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        pass(20 * USEC_PER_SEC);
        check_outcome("b#1", OUTCOME_CANCELLED);
        check_outcome("a#1", OUTCOME_OK); /* its own work had ended well */
        check_errors("a#1", "");
        ck_assert_str_eq(result_of("a#1")->reason, "total-timeout of 20s reached");
}
END_TEST

START_TEST(rule4_a_timeout_is_of_one_attempt_and_not_of_its_guests) {
        make();
        a.spec.bounds[BOUND_TIMEOUT] = 20 * USEC_PER_SEC;
        a.spec.retries = 1;
        a.spec.retry_delay_min_usec = a.spec.retry_delay_max_usec = USEC_PER_SEC;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        ck_assert_uint_eq(run_deadline(get("b#1"), NULL, NULL), USEC_INFINITY); /* another would follow */
        pass(22 * USEC_PER_SEC);
        ck_assert_uint_eq(run_attempts(get("a#1")), 2);
        ck_assert_uint_ne(run_deadline(get("b#1"), NULL, NULL), USEC_INFINITY);
        check_state("b#1", RUN_RUNNING);
        pass(20 * USEC_PER_SEC); /* the last */
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_outcome("b#1", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("b#1")->bound, BOUND_TIMEOUT);
        ck_assert_str_eq(result_of("b#1")->bound_run, "a#1");
}
END_TEST

START_TEST(rule4_the_timeout_of_the_last_attempt_bounds_guests) {
        const struct run *owner = NULL;
        struct run_extension how;
        enum bound bound = _BOUND_INVALID;

        make();
        a.spec.bounds[BOUND_TIMEOUT] = 20 * USEC_PER_SEC;
        b.spec.bounds[BOUND_TIMEOUT] = 10 * USEC_PER_SEC;
        c.spec.bounds[BOUND_TIMEOUT] = USEC_PER_MINUTE;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        start_inside("a#1", &c, 1);
        (void)run_deadline(get("c#1"), &owner, &bound);
        ck_assert_str_eq(run_get_spec(owner)->name, "a");
        ck_assert_int_eq(bound, BOUND_TIMEOUT);
        ck_assert_int_eq(run_extend(get("b#1"), USEC_PER_MINUTE, false, &how), 0);
        ck_assert_str_eq(run_get_spec(how.clipped_by)->name, "a");
        ck_assert_int_eq(run_extend(get("b#1"), USEC_PER_MINUTE, true, &how), 0);
        ck_assert_ptr_null(how.clipped_by);
        pass(50 * USEC_PER_SEC);
        check_state("a#1", RUN_RUNNING);
        fake_leaf_end("a#1", ERROR_NONE); /* and its timeout is over */
        settle();
        ck_assert_uint_eq(run_deadline(get("c#1"), &owner, &bound), clock_now(CLOCK_ID_MONOTONIC) + 10 * USEC_PER_SEC);
        ck_assert_str_eq(run_get_spec(owner)->name, "c");
}
END_TEST

START_TEST(rule4_an_extension_of_a_guest_is_clipped_to_its_host) {
        struct run_extension how;

        make();
        a.spec.bounds[BOUND_TOTAL_TIMEOUT] = 20 * USEC_PER_SEC;
        b.spec.bounds[BOUND_TIMEOUT] = 10 * USEC_PER_SEC;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        ck_assert_int_eq(run_extend(get("b#1"), USEC_PER_MINUTE, false, &how), 0);
        ck_assert_ptr_eq(how.clipped_by, get("a#1"));
        ck_assert_int_eq(run_extend(get("b#1"), USEC_PER_MINUTE, true, &how), 0);
        ck_assert_ptr_null(how.clipped_by);
        pass(30 * USEC_PER_SEC);
        check_state("a#1", RUN_RUNNING);
}
END_TEST

/* ---- rule 8: limits ---- */

START_TEST(rule8_a_guest_gets_no_permit_that_its_host_holds) {
        struct limit_use of_a, of_b;
        struct limit *x;

        make();
        x = make_permits("x", 4);
        use_limit(&a, &of_a, x);
        use_limit(&b, &of_b, x);
        start(&a, 1);
        ck_assert_int_eq(try_inside(get("a#1"), &b, 1), -EDEADLK);
        ck_assert_str_eq(conflict.task, "b");
        ck_assert_ptr_eq(conflict.limit, x);
        ck_assert_ptr_eq(conflict.holder, get("a#1"));
        ck_assert_int_eq(try_inside(get("a#1"), &g, 1), -EDEADLK); /* of which both are members */
        ck_assert_str_eq(conflict.task, "a");
        start_inside("a#1", &c, 1);
        ck_assert_int_eq(try_inside(get("c#1"), &b, 1), -EDEADLK);
        ck_assert_ptr_eq(conflict.holder, get("a#1"));
        ck_assert_ptr_null(run_tree_find(tree, "b#1"));
}
END_TEST

START_TEST(rule8_a_limit_of_a_group_is_held_by_its_members) {
        struct limit_use of_g, of_c;
        struct limit *x;

        make();
        x = make_permits("x", 4);
        use_limit(&g, &of_g, x);
        use_limit(&c, &of_c, x);
        start(&g, 1);
        ck_assert_int_eq(try_inside(get("g#1/a"), &c, 1), -EDEADLK);
        ck_assert_ptr_eq(conflict.holder, get("g#1"));
}
END_TEST

START_TEST(rule8_a_pace_can_be_shared_with_the_host) {
        const struct limit_config pace = { .rate = 1, .rate_per_usec = USEC_PER_SEC, .burst = 1 };
        struct limit_use of_a, of_b;
        struct limit *x;

        make();
        x = make_limit("x", &pace);
        use_limit(&a, &of_a, x);
        use_limit(&b, &of_b, x);
        start(&a, 1);
        start_inside("a#1", &b, 1);
        check_why("b#1", WHY_PACE);
        pass(USEC_PER_SEC);
        check_state("b#1", RUN_RUNNING);
}
END_TEST

START_TEST(rule8_a_guest_does_not_ask_for_the_limits_of_its_host) {
        struct limit_use use;
        struct limit_stats stats;

        make();
        use_limit(&a, &use, make_permits("x", 1));
        start(&a, 1);
        start_inside("a#1", &b, 1);
        check_state("b#1", RUN_RUNNING);
        limit_get_stats(use.limit, &stats);
        ck_assert_uint_eq(stats.held, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        limit_get_stats(use.limit, &stats);
        ck_assert_uint_eq(stats.held, 0); /* while the host waits */
}
END_TEST

/* ---- overlap ---- */

START_TEST(a_task_does_not_wait_for_itself) {
        make();
        overlap_init(&overlap, 1);
        a.spec.overlap = &overlap;
        start(&a, 1);
        ck_assert_int_eq(try_inside(get("a#1"), &a, 2), -EDEADLK);
        ck_assert_ptr_null(conflict.limit);
        ck_assert_str_eq(conflict.task, "a");
        ck_assert_ptr_eq(conflict.holder, get("a#1"));
        ck_assert_int_eq(try_inside(get("a#1"), &g, 1), -EDEADLK); /* of which it is a member */
        start_inside("a#1", &c, 1);
        ck_assert_int_eq(try_inside(get("c#1"), &a, 2), -EDEADLK);
        ck_assert_ptr_eq(conflict.holder, get("a#1"));
}
END_TEST

START_TEST(a_task_that_allows_several_runs_may_start_itself_while_there_is_room) {
        make();
        overlap_init(&overlap, 2);
        a.spec.overlap = &overlap;
        start(&a, 1);
        start_inside("a#1", &a, 2);
        check_state("a#2", RUN_RUNNING);
        ck_assert_int_eq(try_inside(get("a#2"), &a, 3), -EDEADLK);
}
END_TEST

START_TEST(a_guest_waits_for_the_slot_of_others) {
        make();
        overlap_init(&overlap, 1);
        b.spec.overlap = &overlap;
        start(&b, 1);
        start(&a, 1);
        start_inside("a#1", &b, 2);
        check_why("b#2", WHY_OVERLAP);
        fake_leaf_end("b#1", ERROR_NONE);
        settle();
        check_state("b#2", RUN_RUNNING);
}
END_TEST

START_TEST(there_is_an_end_to_runs_inside_of_runs) {
        char name[RUN_NAME_MAX];

        make();
        start(&a, 1);
        for (unsigned i = 1; i <= 16; i++) {
                (void)snprintf(name, sizeof(name), "a#%u", i);
                ck_assert_int_eq(try_inside(get(name), &a, i + 1), 0);
        }
        ck_assert_int_eq(try_inside(get("a#17"), &a, 18), -EMLINK);
        cancel("a#1");
        settle();
        check_outcome("a#17", OUTCOME_CANCELLED);
}
END_TEST

/* ---- stopping ---- */

START_TEST(guests_drain_with_their_host) {
        make();
        a.spec.drain = true;
        c.spec.drain = true;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        start(&d, 1);
        start_inside("d#1", &c, 1);
        run_tree_stop(tree, true);
        settle();
        check_outcome("c#1", OUTCOME_CANCELLED);
        check_state("b#1", RUN_RUNNING);
        ck_assert_int_eq(try_inside(get("a#1"), &c, 2), -ESHUTDOWN);
        run_tree_stop(tree, false);
        settle();
        check_outcome("b#1", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("b#1")->cancel, CANCEL_SHUTDOWN);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule1_a_host_is_done_only_after_its_guests,
                rule1_guests_that_end_first_leave_nothing_to_wait_for,
                rule1_a_group_is_a_guest_with_all_its_members,
                rule1_what_comes_after_a_member_waits_for_its_guests,
                a_guest_outlasts_the_attempt_that_started_it,
                a_guest_goes_on_while_the_service_that_hosts_it_restarts,
                rule2_a_cancel_reaches_guests,
                rule2_a_cancel_reaches_guests_of_a_host_that_only_waits,
                rule2_a_queued_guest_ends_never_started,
                rule2_a_guest_that_is_cancelled_is_no_concern_of_its_host,
                rule2_nothing_is_started_inside_what_is_to_end,
                rule2_nothing_of_a_guest_begins_while_its_host_is_held_back,
                rule2_a_host_that_failed_cancels_its_guests,
                rule2_a_guest_that_would_try_again_does_not_when_its_host_failed,
                rule2_a_host_cancels_its_guests_when_its_last_attempt_failed,
                rule2_a_service_that_is_given_up_cancels_its_guests,
                forcing_a_host_forces_its_guests,
                rule3_a_guest_that_fails_does_not_fail_its_host,
                rule3_a_host_that_failed_has_failed_however_its_guests_end,
                rule4_a_deadline_of_the_host_is_one_of_its_guests,
                rule4_it_bounds_guests_also_when_the_host_only_waits,
                rule4_a_timeout_is_of_one_attempt_and_not_of_its_guests,
                rule4_the_timeout_of_the_last_attempt_bounds_guests,
                rule4_an_extension_of_a_guest_is_clipped_to_its_host,
                rule8_a_guest_gets_no_permit_that_its_host_holds,
                rule8_a_limit_of_a_group_is_held_by_its_members,
                rule8_a_pace_can_be_shared_with_the_host,
                rule8_a_guest_does_not_ask_for_the_limits_of_its_host,
                a_task_does_not_wait_for_itself,
                a_task_that_allows_several_runs_may_start_itself_while_there_is_room,
                a_guest_waits_for_the_slot_of_others,
                there_is_an_end_to_runs_inside_of_runs,
                guests_drain_with_their_host,
        };

        return fixture_main("run-host", tests, ARRAY_SIZE(tests));
}
