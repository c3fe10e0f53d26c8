/* SPDX-License-Identifier: MIT */
/* run-revive: a service that has ended while its group goes on takes its place again. */
#include "run/node.h"
#include "support/run-fixture.h"

#define S USEC_PER_SEC

static struct fake_task a, b, c, g, h;
static struct service_spec service;
static struct overlap overlap;
static const unsigned after_a[] = { 0 }, after_both[] = { 0, 1 };
static const struct run_member three[] = { { .spec = &a.spec }, { .spec = &b.spec }, { .spec = &c.spec } };
/* h is a job. */
static const struct run_member order[] = {
        { .spec = &a.spec },
        { .spec = &h.spec },
        { .spec = &b.spec, .after = after_a, .n_after = 1 },
        { .spec = &c.spec, .after = after_both, .n_after = 2 },
};
static const struct run_member background[] = { { .spec = &a.spec }, { .spec = &b.spec, .background = true } };

/* Services that end with the first failure, and g, the group of @members that settles. */
static void make(const struct run_member *members, size_t n) {
        fake_service_init(&a, "a", &service);
        fake_service_init(&b, "b", &service);
        fake_service_init(&c, "c", &service);
        service.restart = RESTART_NO;
        fake_task_init(&g, "g");
        fake_task_init(&h, "h");
        g.spec.is_group = true;
        g.spec.policy = GROUP_SETTLE;
        g.spec.members = members;
        g.spec.n_members = n;
}

static void make_three(void) {
        make(three, ARRAY_SIZE(three));
        start(&g, 1);
        fake_trace_clear();
}

static void end_as(const char *name, enum error_kind error) {
        fake_leaf_end(name, error);
        settle();
}

static int try_revive(const char *name) {
        struct run *run = NULL;
        int r = run_revive(get(name), &run);

        ck_assert(r < 0 || run == get(name));
        settle();
        return r;
}

#define revive(name)                  ck_assert_int_eq(try_revive(name), 0)
#define check_refused(name, expected) ck_assert_int_eq(try_revive(name), expected)

/* ---- what comes of the group ---- */

START_TEST(it_runs_in_its_place_and_the_group_ends_with_it) {
        make_three();
        end_as("g#1/b", ERROR_EXIT);
        check_state("g#1/b", RUN_DONE);
        revive("g#1/b");
        check_state("g#1/b", RUN_RUNNING);
        ck_assert_ptr_eq(run_next_sibling(get("g#1/a")), get("g#1/b"));
        ck_assert_ptr_eq(run_next_sibling(get("g#1/b")), get("g#1/c"));
        (void)run_cancel(get("g#1"), CANCEL_OPERATOR, "alice");
        settle();
        check_outcome("g#1", OUTCOME_CANCELLED);
        check_errors("g#1", "");
        check_trace(".b +b -a -b -c .a .b .c");
}
END_TEST

START_TEST(what_failed_before_does_not_count_any_more) {
        make_three();
        end_as("g#1/a", ERROR_IO);
        end_as("g#1/b", ERROR_EXIT);
        revive("g#1/b");
        revive("g#1/a");
        end_as("g#1/a", ERROR_NONE);
        end_as("g#1/b", ERROR_NONE);
        end_as("g#1/c", ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
        check_errors("g#1", "");
        ck_assert_uint_eq(result_of("g#1")->n_children, 3);
        for (size_t i = 0; i < 3; i++)
                ck_assert_int_eq(result_of("g#1")->children[i]->outcome, OUTCOME_OK);
}
END_TEST

START_TEST(what_fails_again_does) {
        make_three();
        end_as("g#1/a", ERROR_NONE);
        end_as("g#1/b", ERROR_EXIT);
        revive("g#1/b");
        revive("g#1/a");
        end_as("g#1/b", ERROR_IO);
        end_as("g#1/c", ERROR_EXIT);
        end_as("g#1/a", ERROR_NONE);
        check_outcome("g#1", OUTCOME_FAILED);
        check_errors("g#1", "io/g#1/b exit/g#1/c");
        ck_assert_uint_eq(result_of("g#1")->n_children, 3);
}
END_TEST

START_TEST(a_quorum_counts_it_anew) {
        make(three, ARRAY_SIZE(three));
        g.spec.policy = GROUP_QUORUM;
        g.spec.quorum = 2;
        start(&g, 1);
        end_as("g#1/a", ERROR_EXIT);
        revive("g#1/a");
        end_as("g#1/b", ERROR_EXIT);
        ck_assert_uint_eq(done_count(), 2);
        end_as("g#1/a", ERROR_NONE);
        end_as("g#1/c", ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
}
END_TEST

START_TEST(it_can_be_taken_up_again_and_again) {
        make_three();
        for (unsigned i = 0; i < 3; i++) {
                end_as("g#1/b", ERROR_EXIT);
                revive("g#1/b");
                check_refused("g#1/b", -ESTALE);
        }
        end_as("g#1/a", ERROR_NONE);
        end_as("g#1/b", ERROR_NONE);
        end_as("g#1/c", ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
        ck_assert_uint_eq(result_of("g#1")->n_children, 3);
}
END_TEST

START_TEST(its_restarts_are_counted_anew) {
        make_three();
        service.restart = RESTART_ALWAYS;
        service.restart_limit = 1;
        for (unsigned i = 0; i < 2; i++) {
                end_as("g#1/b", ERROR_EXIT);
                pass(2 * S);
                check_state("g#1/b", RUN_RUNNING);
                end_as("g#1/b", ERROR_EXIT);
                check_state("g#1/b", RUN_DONE);
                revive("g#1/b");
        }
}
END_TEST

/* ---- when it may ---- */

START_TEST(only_services_whose_group_goes_on_are_taken_up) {
        make(three, ARRAY_SIZE(three));
        c.spec.is_service = false;
        c.spec.service = NULL;
        a.script.stops_after_usec = 5 * S;
        start(&g, 1);
        check_refused("g#1", -EOPNOTSUPP);
        check_refused("g#1/b", -ESTALE);
        end_as("g#1/b", ERROR_EXIT);
        end_as("g#1/c", ERROR_EXIT);
        check_refused("g#1/c", -EOPNOTSUPP);
        (void)run_cancel(get("g#1"), CANCEL_OPERATOR, "alice");
        check_refused("g#1/b", -ESTALE);
        pass(S);
        check_refused("g#1/b", -ESTALE);
        pass(5 * S);
        check_outcome("g#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(a_group_that_only_tidies_up_does_not_go_on) {
        make(background, ARRAY_SIZE(background));
        b.script.stops_after_usec = 5 * S;
        start(&g, 1);
        end_as("g#1/a", ERROR_EXIT);
        check_state("g#1/b", RUN_STOPPING);
        check_refused("g#1/a", -ESTALE);
        pass(5 * S);
        check_outcome("g#1", OUTCOME_FAILED);
}
END_TEST

START_TEST(one_in_the_background_is_taken_up_and_decides_nothing) {
        make(background, ARRAY_SIZE(background));
        start(&g, 1);
        end_as("g#1/b", ERROR_EXIT);
        revive("g#1/b");
        end_as("g#1/a", ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
        ck_assert_int_eq(result_of("g#1")->children[1]->outcome, OUTCOME_CANCELLED);
}
END_TEST

START_TEST(nothing_is_taken_up_once_the_tree_stops) {
        make_three();
        g.spec.drain = true;
        end_as("g#1/b", ERROR_EXIT);
        run_tree_stop(tree, true);
        check_refused("g#1/b", -ESHUTDOWN);
}
END_TEST

START_TEST(what_is_taken_up_and_not_freed_yet_goes_with_the_tree) {
        struct run *run;

        make_three();
        end_as("g#1/b", ERROR_EXIT);
        ck_assert_int_eq(run_revive(get("g#1/b"), &run), 0);
        fixture_new_tree(0);
}
END_TEST

/* ---- what it waits for, and who waits for it ---- */

START_TEST(it_waits_for_permits_and_its_slot_like_a_member) {
        struct limit_use use = { .limit = make_permits("db", 1), .permits = 1 };

        make(three, ARRAY_SIZE(three));
        b.spec.limits = c.spec.limits = &use;
        b.spec.n_limits = c.spec.n_limits = 1;
        overlap_init(&overlap, 1);
        b.spec.overlap = &overlap;
        start(&g, 1);
        end_as("g#1/b", ERROR_EXIT);
        check_state("g#1/c", RUN_RUNNING);
        start(&b, 2);
        revive("g#1/b");
        check_why("g#1/b", WHY_OVERLAP);
        cancel("b#2");
        settle();
        check_why("g#1/b", WHY_PERMITS);
        end_as("g#1/c", ERROR_NONE);
        check_state("g#1/b", RUN_RUNNING);
        cancel("g#1");
        settle();
}
END_TEST

static void make_order(void) {
        make(order, ARRAY_SIZE(order));
        start(&g, 1);
}

static void become_ready(const char *name) {
        fake_leaf_ready(name);
        settle();
}

START_TEST(rule7_who_never_started_for_it_stays_ended_until_asked_for) {
        make_order();
        end_as("g#1/a", ERROR_EXIT);
        check_outcome("g#1/b", OUTCOME_NEVER_STARTED);
        check_outcome("g#1/c", OUTCOME_NEVER_STARTED);
        revive("g#1/a");
        become_ready("g#1/a");
        check_state("g#1/b", RUN_DONE);
        revive("g#1/b");
        check_state("g#1/b", RUN_RUNNING);
        revive("g#1/c");
        check_why("g#1/c", WHY_AFTER);
        end_as("g#1/h", ERROR_NONE);
        check_state("g#1/c", RUN_RUNNING);
}
END_TEST

START_TEST(rule7_it_waits_for_those_before_it_that_live) {
        make_order();
        end_as("g#1/a", ERROR_EXIT);
        revive("g#1/a");
        revive("g#1/b");
        check_why("g#1/b", WHY_AFTER);
        become_ready("g#1/a");
        check_state("g#1/b", RUN_RUNNING);
}
END_TEST

START_TEST(rule7_it_is_not_started_when_those_end_again) {
        make_order();
        end_as("g#1/a", ERROR_EXIT);
        revive("g#1/a");
        revive("g#1/b");
        end_as("g#1/a", ERROR_EXIT);
        check_outcome("g#1/b", OUTCOME_NEVER_STARTED);
}
END_TEST

START_TEST(rule7_it_does_not_wait_for_what_has_ended) {
        make_order();
        end_as("g#1/a", ERROR_EXIT);
        revive("g#1/b");
        check_state("g#1/b", RUN_RUNNING);
        revive("g#1/c");
        check_why("g#1/c", WHY_AFTER);
        end_as("g#1/h", ERROR_NONE);
        check_state("g#1/c", RUN_RUNNING);
}
END_TEST

START_TEST(rule7_who_runs_does_not_care_and_who_waits_waits_for_it_again) {
        make_order();
        become_ready("g#1/a");
        end_as("g#1/a", ERROR_EXIT);
        revive("g#1/a");
        check_state("g#1/b", RUN_RUNNING);
        end_as("g#1/h", ERROR_NONE);
        check_why("g#1/c", WHY_AFTER);
        become_ready("g#1/a");
        check_state("g#1/c", RUN_RUNNING);
        check_state("g#1/b", RUN_RUNNING);
}
END_TEST

START_TEST(rule7_who_runs_goes_on_when_it_ends_again_unready) {
        make_order();
        become_ready("g#1/a");
        end_as("g#1/a", ERROR_EXIT);
        revive("g#1/a");
        end_as("g#1/a", ERROR_EXIT);
        check_state("g#1/b", RUN_RUNNING);
        check_outcome("g#1/c", OUTCOME_NEVER_STARTED);
}
END_TEST

START_TEST(rule7_it_stops_after_those_that_were_started_on_it) {
        make_order();
        b.script.stops_after_usec = 5 * S;
        become_ready("g#1/a");
        end_as("g#1/a", ERROR_EXIT);
        revive("g#1/a");
        fake_trace_clear();
        cancel("g#1");
        pass(5 * S);
        check_trace("-h -b .h -a .b .a");
}
END_TEST

START_TEST(the_group_is_ready_again_with_it) {
        make(three, ARRAY_SIZE(three));
        g.spec.is_service = true;
        start(&g, 1);
        become_ready("g#1/a");
        become_ready("g#1/b");
        become_ready("g#1/c");
        ck_assert(run_is_ready(get("g#1")));
        end_as("g#1/b", ERROR_EXIT);
        ck_assert(!run_is_ready(get("g#1")));
        revive("g#1/b");
        ck_assert(!run_is_ready(get("g#1")));
        become_ready("g#1/b");
        ck_assert(run_is_ready(get("g#1")));
}
END_TEST

/* As that of the instances of a service. */
START_TEST(a_group_that_counts_as_a_service_is_taken_up_as_a_whole) {
        static const struct run_member members[] = { { .spec = &h.spec }, { .spec = &c.spec } };
        static const struct run_member pair[] = { { .spec = &a.spec }, { .spec = &b.spec } };

        make(members, ARRAY_SIZE(members));
        h.spec.is_group = h.spec.is_service = true;
        h.spec.members = pair;
        h.spec.n_members = ARRAY_SIZE(pair);
        start(&g, 1);
        end_as("g#1/h/a", ERROR_EXIT);
        check_outcome("g#1/h", OUTCOME_FAILED);
        check_refused("g#1/h/b", -ESTALE);
        revive("g#1/h");
        check_state("g#1/h/b", RUN_RUNNING);
        end_as("g#1/h/a", ERROR_NONE);
        end_as("g#1/h/b", ERROR_NONE);
        end_as("g#1/c", ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
        check_errors("g#1", "");
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                it_runs_in_its_place_and_the_group_ends_with_it,
                what_failed_before_does_not_count_any_more,
                what_fails_again_does,
                a_quorum_counts_it_anew,
                it_can_be_taken_up_again_and_again,
                its_restarts_are_counted_anew,
                only_services_whose_group_goes_on_are_taken_up,
                a_group_that_only_tidies_up_does_not_go_on,
                one_in_the_background_is_taken_up_and_decides_nothing,
                nothing_is_taken_up_once_the_tree_stops,
                what_is_taken_up_and_not_freed_yet_goes_with_the_tree,
                it_waits_for_permits_and_its_slot_like_a_member,
                rule7_who_never_started_for_it_stays_ended_until_asked_for,
                rule7_it_waits_for_those_before_it_that_live,
                rule7_it_is_not_started_when_those_end_again,
                rule7_it_does_not_wait_for_what_has_ended,
                rule7_who_runs_does_not_care_and_who_waits_waits_for_it_again,
                rule7_who_runs_goes_on_when_it_ends_again_unready,
                rule7_it_stops_after_those_that_were_started_on_it,
                the_group_is_ready_again_with_it,
                a_group_that_counts_as_a_service_is_taken_up_as_a_whole,
        };

        return fixture_main("run-revive", tests, ARRAY_SIZE(tests));
}
