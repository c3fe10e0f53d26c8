/* SPDX-License-Identifier: MIT */
/* run-service-asked: what operators ask of services, restart and keep down, in whatever state these are. */
#include "run/node.h"
#include "support/run-fixture.h"

#define S USEC_PER_SEC
#define M USEC_PER_MINUTE

static struct fake_task a, b, g;
static struct service_spec service;
static struct limit_use use;
static struct overlap overlap;
static const unsigned after_a[] = { 0 };
static const struct run_member chain[] = { { .spec = &a.spec }, { .spec = &b.spec, .after = after_a, .n_after = 1 } };

/* Services a and b; g, the group of them in this order. Nothing is restarted but on request. */
static void make(void) {
        fake_service_init(&a, "a", &service);
        fake_service_init(&b, "b", &service);
        service.restart_limit = 0;
        fake_task_init(&g, "g");
        g.spec.is_group = true;
        g.spec.policy = GROUP_SETTLE;
        g.spec.members = chain;
        g.spec.n_members = ARRAY_SIZE(chain);
}

static int restart(const char *name) {
        int r = run_restart(get(name), "alice");

        settle();
        return r;
}

static int keep_down(const char *name) {
        int r = run_keep_down(get(name), "alice");

        settle();
        return r;
}

static uint64_t attempt_of(const char *name) {
        return run_get_number(run_present_leaf(get(name)));
}

/* Attempt 2 of a#1, which attempt 1 did not hinder, runs; nothing waits for anything. */
static void check_restarted(void) {
        ck_assert_uint_eq(attempt_of("a#1"), 2);
        ck_assert_int_eq(run_get_state(run_present_leaf(get("a#1"))), RUN_RUNNING);
        check_why("a#1", WHY_NONE);
}

static void check_down(const char *name) {
        ck_assert(run_is_kept_down(get(name)));
        ck_assert(!run_is_ready(get(name)));
        check_why(name, WHY_STOPPED);
        ck_assert(!loop_timer_armed(&run_present_leaf(get(name))->timer));
        ck_assert_ptr_null(run_present_leaf(get(name))->ticket);
}

/* The states of a#1 in which it is asked. */
static void at_work(void) {
        start(&a, 1);
}

static void starting(void) {
        a.script.started_after_usec = USEC_INFINITY;
        start(&a, 1);
        a.script.started_after_usec = 0;
}

static void ready(void) {
        start(&a, 1);
        fake_leaf_ready("a#1");
}

static void failing(void) {
        a.script.stops_after_usec = S;
        start(&a, 1);
        run_leaf_fail(fake_leaf_find("a#1"), ERROR_HEALTH, "it is sick");
        settle();
}

static void exiting(void) {
        start(&a, 1);
        run_leaf_exited(fake_leaf_find("a#1"), &(struct leaf_end){ .error = ERROR_EXIT });
        settle();
}

static void ended_unseen(void) {
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
}

static void delayed(void) {
        service.restart_limit = 1;
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        check_why("a#1", WHY_RESTART);
}

static const struct {
        const char *name;
        void (*reach)(void);
} states[] = {
        { "at work", at_work }, { "starting", starting },         { "ready", ready },     { "failing", failing },
        { "exiting", exiting }, { "ended unseen", ended_unseen }, { "delayed", delayed },
};

/* What is stopping comes to its end. */
static void finish_stopping(void) {
        pass(S);
        if (fake_leaf_find("a#1") && run_get_state(fake_leaf_find("a#1")) == RUN_STOPPING)
                fake_leaf_end("a#1", ERROR_NONE);
        settle();
}

START_TEST(a_restart_in_every_state_is_followed_at_once_and_does_not_count) {
        make();
        states[_i].reach();
        ck_assert_int_eq(restart("a#1"), 0);
        finish_stopping();
        check_restarted();
        ck_assert_uint_eq(get("a#1")->job.n_delays, 0);
        ck_assert_uint_eq(get("a#1")->job.restarts.n, states[_i].reach == delayed);
        ck_assert_int_eq(restart("a#1"), 0);
        finish_stopping();
        ck_assert_uint_eq(attempt_of("a#1"), 3);
        ck_assert_uint_eq(done_count(), 0);
}
END_TEST

START_TEST(kept_down_in_every_state_it_waits_for_its_restart_alone) {
        make();
        states[_i].reach();
        ck_assert_int_eq(keep_down("a#1"), 0);
        ck_assert_int_eq(keep_down("a#1"), 0);
        ck_assert(run_is_kept_down(get("a#1")));
        ck_assert(!run_is_ready(get("a#1")));
        finish_stopping();
        check_down("a#1");
        ck_assert(fake_loop_idle());
        pass(100 * M);
        ck_assert_int_eq(restart("a#1"), 0);
        ck_assert(!run_is_kept_down(get("a#1")));
        check_restarted();
}
END_TEST

START_TEST(kept_down_in_every_state_it_can_be_brought_back_before_it_is_down) {
        make();
        states[_i].reach();
        ck_assert_int_eq(run_keep_down(get("a#1"), "alice"), 0);
        ck_assert_int_eq(run_restart(get("a#1"), "bob"), 0);
        settle();
        finish_stopping();
        check_restarted();
}
END_TEST

START_TEST(a_cancel_in_every_state_ends_what_was_asked_before) {
        make();
        states[_i].reach();
        ck_assert_int_eq(_i % 2 ? keep_down("a#1") : restart("a#1"), 0);
        ck_assert_int_eq(run_cancel(get("a#1"), CANCEL_OPERATOR, "bob"), 0);
        ck_assert_int_eq(run_restart(get("a#1"), "alice"), -ESTALE);
        ck_assert_int_eq(run_keep_down(get("a#1"), "alice"), -ESTALE);
        finish_stopping();
        check_outcome("a#1", OUTCOME_CANCELLED);
        ck_assert_str_eq(result_of("a#1")->cancelled_by, "bob");
        ck_assert(fake_loop_idle());
}
END_TEST

START_TEST(an_attempt_that_is_ended_has_grace) {
        make();
        a.script.stop = FAKE_STOP_IGNORE;
        start(&a, 1);
        ck_assert_int_eq(restart("a#1"), 0);
        check_trace("+a -a");
        pass(10 * S);
        check_trace("+a -a !a .a +a");
}
END_TEST

START_TEST(the_delay_begins_anew_after_a_restart) {
        make();
        service.restart_limit = 9;
        start(&a, 1);
        for (unsigned i = 0; i < 3; i++) {
                fake_leaf_end("a#1", ERROR_EXIT);
                settle();
                pass(20 * S);
        }
        ck_assert_uint_eq(get("a#1")->job.n_delays, 3);
        (void)restart("a#1");
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        ck_assert_uint_eq(get("a#1")->job.n_delays, 1);
}
END_TEST

START_TEST(a_restart_keeps_its_place_among_those_who_wait) {
        make();
        use = (struct limit_use){ .limit = make_permits("x", 1), .permits = 1 };
        a.spec.limits = b.spec.limits = &use;
        a.spec.n_limits = b.spec.n_limits = 1;
        start(&b, 1);
        start(&a, 1);
        start(&a, 2);
        ck_assert_int_eq(restart("a#1"), 0);
        check_why("a#1", WHY_PERMITS);
        fake_trace_clear();
        (void)run_cancel(get("b#1"), CANCEL_OPERATOR, NULL);
        settle();
        check_state("a#1", RUN_RUNNING);
        check_state("a#2", RUN_QUEUED);
}
END_TEST

START_TEST(what_is_kept_down_leaves_the_queue_and_holds_no_permit) {
        make();
        use = (struct limit_use){ .limit = make_permits("x", 1), .permits = 1 };
        a.spec.limits = b.spec.limits = &use;
        a.spec.n_limits = b.spec.n_limits = 1;
        a.spec.bounds[BOUND_QUEUE_TIMEOUT] = M;
        start(&b, 1);
        start(&a, 1);
        ck_assert_int_eq(keep_down("a#1"), 0);
        check_down("a#1");
        pass(10 * M);
        check_down("a#1");
        ck_assert_int_eq(keep_down("b#1"), 0);
        check_down("b#1");
        ck_assert_int_eq(restart("a#1"), 0);
        check_state("a#1", RUN_RUNNING);
        ck_assert_int_eq(restart("b#1"), 0);
        check_why("b#1", WHY_PERMITS);
}
END_TEST

START_TEST(a_permit_that_was_just_granted_passes_on) {
        struct limit_stats stats;

        make();
        use = (struct limit_use){ .limit = make_permits("x", 1), .permits = 1 };
        a.spec.limits = &use;
        a.spec.n_limits = 1;
        ck_assert_int_eq(run_tree_start(tree, &(struct run_start){ .spec = &a.spec, .number = 1 }, NULL), 0);
        for (unsigned i = 0; i < 8 && !(run_present_leaf(get("a#1")) && run_present_leaf(get("a#1"))->ticket); i++)
                (void)fake_loop_turn();
        ck_assert_int_eq(keep_down("a#1"), 0);
        check_down("a#1");
        check_trace("");
        limit_get_stats(use.limit, &stats);
        ck_assert_uint_eq(stats.held + stats.waiting, 0);
}
END_TEST

START_TEST(rule7_kept_down_before_its_turn_it_stays_down_when_that_comes) {
        make();
        start(&g, 1);
        ck_assert_int_eq(keep_down("g#1/b"), 0);
        check_why("g#1/b", WHY_STOPPED);
        fake_leaf_ready("g#1/a");
        settle();
        check_down("g#1/b");
        check_state("g#1/b", RUN_QUEUED);
        ck_assert_int_eq(restart("g#1/b"), 0);
        check_state("g#1/b", RUN_RUNNING);
        ck_assert_uint_eq(attempt_of("g#1/b"), 1);
}
END_TEST

START_TEST(kept_down_while_it_waits_for_its_slot_it_stays_down_with_it) {
        make();
        overlap_init(&overlap, 1);
        a.spec.overlap = &overlap;
        start(&a, 1);
        start(&a, 2);
        ck_assert_int_eq(keep_down("a#2"), 0);
        check_why("a#2", WHY_STOPPED);
        (void)run_cancel(get("a#1"), CANCEL_OPERATOR, NULL);
        settle();
        check_down("a#2");
        ck_assert_uint_eq(overlap.held, 1);
}
END_TEST

START_TEST(a_restart_before_its_turn_changes_nothing_but_lets_it_come) {
        make();
        start(&g, 1);
        ck_assert_int_eq(restart("g#1/b"), 0);
        ck_assert_int_eq(keep_down("g#1/b"), 0);
        ck_assert_int_eq(restart("g#1/b"), 0);
        check_why("g#1/b", WHY_AFTER);
        fake_leaf_ready("g#1/a");
        settle();
        check_state("g#1/b", RUN_RUNNING);
}
END_TEST

START_TEST(rule7_a_member_that_is_kept_down_keeps_the_group_alive) {
        make();
        service.restart = RESTART_ON_FAILURE;
        start(&g, 1);
        fake_leaf_ready("g#1/a");
        settle();
        ck_assert_int_eq(keep_down("g#1/a"), 0);
        fake_leaf_end("g#1/b", ERROR_NONE);
        pass(M);
        check_outcome("g#1/b", OUTCOME_OK);
        check_state("g#1", RUN_RUNNING);
        ck_assert_int_eq(run_cancel(get("g#1"), CANCEL_SHUTDOWN, "shutdown"), 0);
        settle();
        check_outcome("g#1/a", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("g#1/a")->cancel, CANCEL_SHUTDOWN);
        ck_assert_uint_eq(result_of("g#1/a")->attempts, 1);
        check_outcome("g#1", OUTCOME_CANCELLED);
}
END_TEST

/* Its attempt is being ended for a restart when the group stops, which would ask it only after b. */
START_TEST(rule7_what_was_to_restart_ends_with_its_group) {
        make();
        a.script.stops_after_usec = b.script.stops_after_usec = 5 * S;
        start(&g, 1);
        fake_leaf_ready("g#1/a");
        settle();
        ck_assert_int_eq(restart("g#1/a"), 0);
        ck_assert_int_eq(run_cancel(get("g#1"), CANCEL_OPERATOR, "bob"), 0);
        ck_assert_int_eq(run_restart(get("g#1/b"), "alice"), -ESTALE);
        pass(M);
        check_outcome("g#1/a", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("g#1/a")->cancel, CANCEL_PARENT);
        ck_assert_uint_eq(fake_leaf_started(), 2);
}
END_TEST

START_TEST(rule9_nothing_is_restarted_on_top_of_a_remnant_on_request_either) {
        make();
        a.spec.leaf = &fake_process_ops;
        a.script.stop = FAKE_STOP_IGNORE;
        a.script.ignores_force = true;
        start(&a, 1);
        ck_assert_int_eq(restart("a#1"), 0);
        pass(M);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "unkillable/a#1");
}
END_TEST

/* Its end is the service's, and something is being cleared away yet. */
START_TEST(what_has_come_to_its_end_is_not_restarted) {
        make();
        service.restart = RESTART_ON_FAILURE;
        start(&a, 1);
        run_leaf_exited(fake_leaf_find("a#1"), &(struct leaf_end){ .error = ERROR_NONE });
        ck_assert_int_eq(restart("a#1"), -ESTALE);
        ck_assert_int_eq(keep_down("a#1"), -ESTALE);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        check_outcome("a#1", OUTCOME_OK);
}
END_TEST

START_TEST(only_services_are_asked) {
        make();
        fake_task_init(&b, "b");
        start(&b, 1);
        ck_assert_int_eq(restart("b#1"), -EOPNOTSUPP);
        ck_assert_int_eq(keep_down("b#1"), -EOPNOTSUPP);
        start(&g, 1);
        ck_assert_int_eq(restart("g#1"), -EOPNOTSUPP);
        ck_assert_int_eq(keep_down("g#1"), -EOPNOTSUPP);
        ck_assert(!run_is_kept_down(get("g#1")));
        check_state("b#1", RUN_RUNNING);
}
END_TEST

int main(void) {
        const struct fixture_test tests[] = {
                { a_restart_in_every_state_is_followed_at_once_and_does_not_count, ARRAY_SIZE(states) },
                { kept_down_in_every_state_it_waits_for_its_restart_alone, ARRAY_SIZE(states) },
                { kept_down_in_every_state_it_can_be_brought_back_before_it_is_down, ARRAY_SIZE(states) },
                { a_cancel_in_every_state_ends_what_was_asked_before, ARRAY_SIZE(states) },
                { an_attempt_that_is_ended_has_grace, 1 },
                { the_delay_begins_anew_after_a_restart, 1 },
                { a_restart_keeps_its_place_among_those_who_wait, 1 },
                { what_is_kept_down_leaves_the_queue_and_holds_no_permit, 1 },
                { a_permit_that_was_just_granted_passes_on, 1 },
                { rule7_kept_down_before_its_turn_it_stays_down_when_that_comes, 1 },
                { kept_down_while_it_waits_for_its_slot_it_stays_down_with_it, 1 },
                { a_restart_before_its_turn_changes_nothing_but_lets_it_come, 1 },
                { rule7_a_member_that_is_kept_down_keeps_the_group_alive, 1 },
                { rule7_what_was_to_restart_ends_with_its_group, 1 },
                { rule9_nothing_is_restarted_on_top_of_a_remnant_on_request_either, 1 },
                { what_has_come_to_its_end_is_not_restarted, 1 },
                { only_services_are_asked, 1 },
        };

        return fixture_main_loops("run-service-asked", tests, ARRAY_SIZE(tests));
}
