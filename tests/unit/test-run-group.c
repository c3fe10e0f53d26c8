/* SPDX-License-Identifier: MIT */
/* run-group: rules 6 and 7 of the run tree: policies, error groups, order, background. */
#include "support/run-family.h"

#include <stdio.h>

#define S USEC_PER_SEC

static struct fake_task holder;
static const unsigned index_of[FAMILY_MEMBERS] = { 0, 1, 2, 3 };

/* Member @i comes after @n of the indices at @first. */
static void after(size_t i, size_t first, size_t n) {
        members[i].after = &index_of[first];
        members[i].n_after = n;
}

static void chain(size_t n) {
        for (size_t i = 1; i < n; i++)
                after(i, i - 1, 1);
}

/* ---- rule 6: policies ---- */

/* Members end one after another: o ok, f failed, t timeout, c cancelled by its operator, k skipped. */
static const struct {
        enum group_policy policy;
        unsigned quorum;
        const char *ends; /* as far as they end before the group decides */
        size_t n;         /* of members */
        enum outcome outcome;
} policies[] = {
        { GROUP_ALL, 0, "ooo", 3, OUTCOME_OK },           { GROUP_ALL, 0, "f", 3, OUTCOME_FAILED },
        { GROUP_ALL, 0, "of", 3, OUTCOME_FAILED },        { GROUP_ALL, 0, "t", 3, OUTCOME_FAILED },
        { GROUP_ALL, 0, "oco", 3, OUTCOME_CANCELLED },    { GROUP_ALL, 0, "oko", 3, OUTCOME_CANCELLED },
        { GROUP_ALL, 0, "cf", 3, OUTCOME_FAILED },        { GROUP_ALL, 0, "", 0, OUTCOME_OK },
        { GROUP_SETTLE, 0, "ooo", 3, OUTCOME_OK },        { GROUP_SETTLE, 0, "foo", 3, OUTCOME_FAILED },
        { GROUP_SETTLE, 0, "oco", 3, OUTCOME_CANCELLED }, { GROUP_SETTLE, 0, "cfo", 3, OUTCOME_FAILED },
        { GROUP_FIRST, 0, "o", 3, OUTCOME_OK },           { GROUP_FIRST, 0, "fo", 3, OUTCOME_OK },
        { GROUP_FIRST, 0, "fff", 3, OUTCOME_FAILED },     { GROUP_FIRST, 0, "cff", 3, OUTCOME_FAILED },
        { GROUP_FIRST, 0, "ccc", 3, OUTCOME_CANCELLED },  { GROUP_QUORUM, 2, "oo", 3, OUTCOME_OK },
        { GROUP_QUORUM, 2, "ofo", 3, OUTCOME_OK },        { GROUP_QUORUM, 2, "ff", 3, OUTCOME_FAILED },
        { GROUP_QUORUM, 2, "fof", 3, OUTCOME_FAILED },    { GROUP_QUORUM, 3, "f", 3, OUTCOME_FAILED },
        { GROUP_QUORUM, 2, "cc", 3, OUTCOME_FAILED },     { GROUP_QUORUM, 2, "cf", 3, OUTCOME_FAILED },
        { GROUP_QUORUM, 2, "coo", 3, OUTCOME_OK },        { GROUP_QUORUM, 2, "kc", 3, OUTCOME_FAILED },
};

static void end_as(size_t i, char how) {
        char name[32];

        (void)snprintf(name, sizeof(name), "g#1/m%zu", i);
        switch (how) {
        case 'o': fake_leaf_end(name, ERROR_NONE); break;
        case 'f': fake_leaf_end(name, ERROR_EXIT); break;
        case 'c':
                cancel(name);
                settle();
                break;
        default: break;
        }
        settle();
}

START_TEST(rule6_the_policy_decides) {
        struct limit_use use = { .permits = 1 };

        use.limit = make_limit("full", &(struct limit_config){ .permits = 1, .max_waiting = 1 });
        for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
                const char *ends = policies[i].ends;

                family_make_group(policies[i].policy, policies[i].n);
                g.spec.quorum = policies[i].quorum;
                for (size_t k = 0; k < strlen(ends); k++) {
                        if (ends[k] == 't')
                                m[k].spec.bounds[BOUND_TIMEOUT] = S;
                        if (ends[k] != 'k')
                                continue;
                        m[k].spec.limits = &use;
                        m[k].spec.n_limits = 1;
                        fake_task_init(&holder, "holder");
                        holder.spec.limits = &use;
                        holder.spec.n_limits = 1;
                        start(&holder, 1);
                        start(&holder, 2);
                }
                start(&g, 1);
                for (size_t k = 0; k < strlen(ends); k++) {
                        ck_assert_msg(run_tree_find(tree, "g#1") != NULL, "row %zu: done before member %zu", i, k);
                        end_as(k, ends[k]);
                        if (ends[k] == 't')
                                pass(S);
                }
                ck_assert_msg(run_tree_find(tree, "g#1") == NULL, "row %zu: not done after %s", i, ends);
                ck_assert_msg(result_of("g#1")->outcome == policies[i].outcome, "row %zu: %s, expected %s", i,
                              outcome_to_string(result_of("g#1")->outcome), outcome_to_string(policies[i].outcome));
                if (run_tree_find(tree, "holder#1")) {
                        cancel("holder#2");
                        settle();
                        cancel("holder#1");
                        settle();
                }
        }
}
END_TEST

START_TEST(rule6_all_cancels_the_siblings_and_waits_for_everyone) {
        family_make_group(GROUP_ALL, 3);
        m[1].script.stops_after_usec = 3 * S;
        start(&g, 1);
        family_end(0, ERROR_EXIT);
        check_outcome("g#1/m2", OUTCOME_CANCELLED);
        ck_assert_ptr_null(result_of("g#1"));
        pass(3 * S);
        check_outcome("g#1", OUTCOME_FAILED);
        ck_assert_int_eq(result_of("g#1/m1")->cancel, CANCEL_SIBLING);
        ck_assert_str_eq(result_of("g#1/m1")->cancelled_by, "m0");
}
END_TEST

START_TEST(rule6_error_group_has_the_root_cause_first_then_every_other) {
        family_make_group(GROUP_ALL, 4);
        m[0].script.stop = m[3].script.stop = FAKE_STOP_FAILS;
        m[0].script.stop_error = ERROR_IO;
        m[3].script.stop_error = ERROR_TLS;
        start(&g, 1);
        cancel("g#1/m3");
        settle(); /* ends before the root cause, and is no failure */
        family_end(1, ERROR_EXIT);
        check_outcome("g#1", OUTCOME_FAILED);
        check_errors("g#1", "exit/g#1/m1 tls/g#1/m3 io/g#1/m0");
        ck_assert_uint_eq(result_of("g#1")->n_children, 4);
        for (size_t i = 0; i < 4; i++) {
                const struct result *child = result_of("g#1")->children[i];

                if (streq(child->task, "m0") || streq(child->task, "m2"))
                        ck_assert_str_eq(child->cancelled_by, "m1");
        }
}
END_TEST

/* Fan-outs may be ok with many errors; these must not push out what the group failed of. */
START_TEST(rule6_the_root_cause_is_first_however_many_errors_there_are) {
        static const char *const names[] = { "f0", "f1", "f2", "f3", "f4", "f5" };
        static struct fake_task fanouts[ARRAY_SIZE(names)];
        static struct run_member many[ARRAY_SIZE(names) + 1];

        family_make_group(GROUP_ALL, 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                fake_fanout_init(&fanouts[i], names[i], 20, 20);
                fanouts[i].script.error = ERROR_IO;
                fanouts[i].spec.items_may_fail = 20;
                many[i] = (struct run_member){ .spec = &fanouts[i].spec };
        }
        many[ARRAY_SIZE(names)] = (struct run_member){ .spec = &m[0].spec };
        g.spec.members = many;
        g.spec.n_members = ARRAY_SIZE(many);
        start(&g, 1);
        pass(2 * S);
        check_outcome("g#1/f5", OUTCOME_OK);
        family_end(0, ERROR_EXIT);
        ck_assert_uint_eq(result_of("g#1")->errors.n, ERRORS_MAX);
        ck_assert_str_eq(result_of("g#1")->errors.items[0].run, "g#1/m0");
}
END_TEST

START_TEST(rule6_first_and_quorum_name_failures_in_their_order) {
        family_make_group(GROUP_FIRST, 3);
        start(&g, 1);
        family_end(1, ERROR_EXIT);
        family_end(2, ERROR_IO);
        family_end(0, ERROR_TLS);
        check_errors("g#1", "exit/g#1/m1 io/g#1/m2 tls/g#1/m0");
}
END_TEST

START_TEST(rule6_a_quorum_out_of_reach_fails_at_once_also_for_want_of_those_that_never_start) {
        family_make_group(GROUP_QUORUM, 3);
        g.spec.quorum = 2;
        after(1, 0, 1);
        start(&g, 1);
        cancel("g#1/m0");
        settle();
        check_outcome("g#1/m1", OUTCOME_NEVER_STARTED);
        check_outcome("g#1/m2", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("g#1/m2")->cancel, CANCEL_SIBLING);
        check_outcome("g#1", OUTCOME_FAILED);
        check_errors("g#1", "mismatch/g#1");
        ck_assert_str_eq(result_of("g#1")->reason, "quorum is 2, but only 1 can still be ok");
}
END_TEST

START_TEST(rule6_settle_lets_all_run_to_their_end) {
        family_make_group(GROUP_SETTLE, 3);
        start(&g, 1);
        family_end(0, ERROR_EXIT);
        check_state("g#1/m1", RUN_RUNNING);
        family_end(1, ERROR_IO);
        family_end(2, ERROR_NONE);
        check_outcome("g#1", OUTCOME_FAILED);
        check_errors("g#1", "exit/g#1/m0 io/g#1/m1");
        check_outcome("g#1/m2", OUTCOME_OK);
}
END_TEST

START_TEST(rule6_first_cancels_the_rest_for_the_winner) {
        family_make_group(GROUP_FIRST, 3);
        m[2].script.stop = FAKE_STOP_FAILS;
        m[2].script.stop_error = ERROR_IO;
        start(&g, 1);
        family_end(1, ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
        check_outcome("g#1/m0", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("g#1/m0")->cancel, CANCEL_SIBLING);
        ck_assert_str_eq(result_of("g#1/m0")->cancelled_by, "m1");
        check_errors("g#1", "io/g#1/m2");
}
END_TEST

START_TEST(rule6_a_cancelled_member_is_named) {
        family_make_group(GROUP_ALL, 2);
        start(&g, 1);
        cancel("g#1/m0");
        settle();
        check_state("g#1/m1", RUN_RUNNING);
        family_end(1, ERROR_NONE);
        check_outcome("g#1", OUTCOME_CANCELLED);
        ck_assert_str_eq(result_of("g#1")->reason, "member m0 ended cancelled");
}
END_TEST

START_TEST(rule6_the_first_cancelled_member_is_named_not_what_followed_from_it) {
        family_make_group(GROUP_SETTLE, 4);
        after(0, 1, 1);
        start(&g, 1);
        cancel("g#1/m1");
        settle();
        cancel("g#1/m2");
        settle();
        check_outcome("g#1/m0", OUTCOME_NEVER_STARTED);
        family_end(3, ERROR_NONE);
        check_outcome("g#1", OUTCOME_CANCELLED);
        ck_assert_str_eq(result_of("g#1")->reason, "member m1 ended cancelled");
}
END_TEST

/* Nothing of the group ever began, yet nobody asked the group itself to end. */
START_TEST(rule6_a_group_is_cancelled_also_when_its_members_were_still_queued) {
        struct limit_use use = { .permits = 1 };

        use.limit = make_permits("one", 1);
        family_make_group(GROUP_ALL, 1);
        fake_task_init(&holder, "holder");
        holder.spec.limits = m[0].spec.limits = &use;
        holder.spec.n_limits = m[0].spec.n_limits = 1;
        start(&holder, 1);
        start(&g, 1);
        check_state("g#1", RUN_QUEUED);
        cancel("g#1/m0");
        settle();
        check_outcome("g#1/m0", OUTCOME_CANCELLED);
        check_outcome("g#1", OUTCOME_CANCELLED);
        ck_assert_str_eq(result_of("g#1")->reason, "member m0 ended cancelled");
}
END_TEST

START_TEST(rule6_a_group_cancelled_first_is_cancelled_and_keeps_its_errors) {
        family_make_group(GROUP_ALL, 2);
        m[0].script.stop = FAKE_STOP_FAILS;
        m[0].script.stop_error = ERROR_IO;
        start(&g, 1);
        cancel("g#1");
        settle();
        check_outcome("g#1", OUTCOME_CANCELLED);
        check_errors("g#1", "io/g#1/m0");
}
END_TEST

START_TEST(rule6_a_group_that_failed_first_is_failed_and_the_cancel_still_reaches_the_parent) {
        family_make_group(GROUP_ALL, 2);
        m[1].script.stops_after_usec = 3 * S;
        start(&h, 1);
        fake_leaf_end("h#1/g/m0", ERROR_EXIT);
        pass(S);
        cancel("h#1");
        settle();
        pass(2 * S);
        check_outcome("h#1/g", OUTCOME_FAILED);
        ck_assert_str_eq(result_of("h#1/g")->cancelled_by, "h#1");
        check_outcome("h#1", OUTCOME_CANCELLED);
        check_errors("h#1", "exit/h#1/g/m0");
}
END_TEST

START_TEST(rule6_a_cancel_of_a_member_group_reaches_the_parent) {
        family_make_group(GROUP_ALL, 1);
        start(&h, 1);
        cancel("h#1/g");
        settle();
        check_outcome("h#1/g", OUTCOME_CANCELLED);
        check_outcome("h#1", OUTCOME_CANCELLED);
        ck_assert_str_eq(result_of("h#1")->reason, "member g ended cancelled");
}
END_TEST

/* ---- rule 7: order ---- */

START_TEST(rule7_after_is_met_by_ok) {
        family_make_group(GROUP_ALL, 3);
        chain(3);
        start(&g, 1);
        check_trace("+m0");
        check_state("g#1/m2", RUN_QUEUED);
        family_end(0, ERROR_NONE);
        check_trace("+m0 .m0 +m1");
        family_end(1, ERROR_NONE);
        family_end(2, ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule7_a_queued_member_says_what_it_comes_after) {
        struct run_waiting waiting;

        family_make_group(GROUP_ALL, 2);
        chain(2);
        start(&g, 1);
        run_get_waiting(get("g#1/m1"), &waiting);
        ck_assert_int_eq(waiting.why, WHY_AFTER);
        ck_assert_ptr_eq(waiting.other, get("g#1/m0"));
}
END_TEST

START_TEST(rule7_a_diamond_waits_for_both_sides) {
        family_make_group(GROUP_ALL, 4);
        after(1, 0, 1);
        after(2, 0, 1);
        after(3, 1, 2);
        start(&g, 1);
        family_end(0, ERROR_NONE);
        family_end(2, ERROR_NONE);
        check_state("g#1/m3", RUN_QUEUED);
        family_end(1, ERROR_NONE);
        check_state("g#1/m3", RUN_RUNNING);
        family_end(3, ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule7_one_named_twice_is_waited_for_once) {
        static const unsigned twice[] = { 0, 0 };

        family_make_group(GROUP_ALL, 2);
        members[1].after = twice;
        members[1].n_after = 2;
        start(&g, 1);
        family_end(0, ERROR_NONE);
        check_state("g#1/m1", RUN_RUNNING);
}
END_TEST

static const struct {
        char how;
        enum outcome group;
} not_ok[] = {
        { 'f', OUTCOME_FAILED },
        { 'c', OUTCOME_CANCELLED },
};

START_TEST(rule7_a_chain_behind_one_that_was_not_ok_never_starts) {
        for (size_t i = 0; i < ARRAY_SIZE(not_ok); i++) {
                family_make_group(GROUP_SETTLE, 3);
                chain(3);
                start(&g, 1);
                end_as(0, not_ok[i].how);
                check_outcome("g#1/m1", OUTCOME_NEVER_STARTED);
                check_outcome("g#1/m2", OUTCOME_NEVER_STARTED);
                check_outcome("g#1", not_ok[i].group);
                ck_assert_str_eq(result_of("g#1/m2")->reason, "m1, which it comes after, ended never-started");
        }
        ck_assert_uint_eq(fake_leaf_started(), 2);
}
END_TEST

START_TEST(rule7_after_is_met_by_readiness_of_a_service) {
        family_make_group(GROUP_SETTLE, 2);
        chain(2);
        m[0].spec.is_service = true;
        start(&g, 1);
        check_state("g#1/m1", RUN_QUEUED);
        fake_leaf_ready("g#1/m0");
        settle();
        check_state("g#1/m1", RUN_RUNNING);
        family_end(1, ERROR_NONE);
        check_state("g#1", RUN_RUNNING);
        family_end(0, ERROR_NONE);
        check_outcome("g#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule7_readiness_of_a_job_meets_nothing) {
        family_make_group(GROUP_ALL, 2);
        chain(2);
        start(&g, 1);
        fake_leaf_ready("g#1/m0");
        settle();
        check_state("g#1/m1", RUN_QUEUED);
}
END_TEST

START_TEST(rule7_a_service_that_ends_after_it_was_ready_takes_nobody_along) {
        family_make_group(GROUP_SETTLE, 2);
        chain(2);
        m[0].spec.is_service = true;
        start(&g, 1);
        fake_leaf_ready("g#1/m0");
        family_end(0, ERROR_EXIT);
        check_state("g#1/m1", RUN_RUNNING);
        family_end(1, ERROR_NONE);
        check_outcome("g#1", OUTCOME_FAILED);
}
END_TEST

START_TEST(rule7_instances_are_ready_when_all_are) {
        static const unsigned first[] = { 0 };

        family_make_group(GROUP_SETTLE, 2);
        g.spec.is_service = m[0].spec.is_service = m[1].spec.is_service = true;
        outer[1] = (struct run_member){ .spec = &m[3].spec, .after = first, .n_after = 1 };
        h.spec.n_members = 2;
        start(&h, 1);
        fake_leaf_ready("h#1/g/m0");
        settle();
        check_state("h#1/m3", RUN_QUEUED);
        fake_leaf_ready("h#1/g/m1");
        settle();
        check_state("h#1/m3", RUN_RUNNING);
}
END_TEST

START_TEST(rule7_background_members_end_when_all_others_are_done) {
        family_make_group(GROUP_ALL, 3);
        members[1].background = members[2].background = true;
        start(&g, 1);
        family_end(2, ERROR_EXIT);
        check_state("g#1", RUN_RUNNING);
        family_end(0, ERROR_NONE);
        check_outcome("g#1/m1", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("g#1/m1")->cancel, CANCEL_PARENT);
        check_outcome("g#1", OUTCOME_OK);
        check_errors("g#1", "");
}
END_TEST

START_TEST(rule7_a_group_of_background_members_has_nothing_to_wait_for) {
        family_make_group(GROUP_ALL, 1);
        members[0].background = true;
        start(&g, 1);
        check_outcome("g#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule7_background_members_stop_in_reverse_order) {
        family_make_group(GROUP_ALL, 3);
        members[1].background = members[2].background = true;
        m[1].spec.is_service = true;
        m[1].script.ready_after_usec = 0;
        m[2].script.stops_after_usec = S;
        after(2, 1, 1);
        start(&g, 1);
        fake_trace_clear();
        family_end(0, ERROR_NONE);
        check_trace("-m2 .m0");
        pass(S);
        check_trace("-m2 .m0 -m1 .m2 .m1");
        check_outcome("g#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule7_members_stop_after_their_successors) {
        family_make_group(GROUP_SETTLE, 3);
        chain(3);
        m[0].spec.is_service = m[1].spec.is_service = true;
        m[0].script.ready_after_usec = m[1].script.ready_after_usec = 0;
        m[2].script.stops_after_usec = 2 * S;
        start(&g, 1);
        fake_trace_clear();
        cancel("g#1");
        settle();
        check_trace("-m2");
        check_state("g#1/m0", RUN_RUNNING);
        pass(2 * S);
        check_trace("-m2 -m1 .m2 -m0 .m1 .m0");
        check_outcome("g#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(rule7_what_waits_for_its_turn_to_stop_starts_nothing_new) {
        static const unsigned first[] = { 0 };

        /* h: g, with a service and a job that waits for it, then m3 after g. */
        family_make_group(GROUP_SETTLE, 3);
        g.spec.is_service = m[0].spec.is_service = true;
        members[1].background = true;
        m[0].script.ready_after_usec = 0;
        m[2].spec.is_service = true;
        m[2].script.ready_after_usec = 0;
        after(1, 2, 1);
        m[2].spec.retries = 5;
        m[3].script.stops_after_usec = 20 * S;
        m[3].spec.grace_usec = USEC_PER_MINUTE;
        outer[1] = (struct run_member){ .spec = &m[3].spec, .after = first, .n_after = 1 };
        h.spec.n_members = 2;
        start(&h, 1);
        check_state("h#1/m3", RUN_RUNNING);
        fake_leaf_end("h#1/g/m2", ERROR_EXIT); /* waits to be tried again */
        settle();
        fake_trace_clear();
        cancel("h#1");
        settle();
        pass(10 * S);
        check_trace("-m3");
        check_state("h#1/g/m0", RUN_RUNNING);
        check_outcome("h#1/g/m2", OUTCOME_CANCELLED);
        pass(10 * S);
        check_outcome("h#1", OUTCOME_CANCELLED);
        check_outcome("h#1/g", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(rule7_groups_nest) {
        family_make_group(GROUP_SETTLE, 2);
        start(&h, 1);
        fake_leaf_end("h#1/g/m0", ERROR_EXIT);
        settle();
        fake_leaf_end("h#1/g/m1", ERROR_NONE);
        settle();
        check_outcome("h#1", OUTCOME_FAILED);
        ck_assert_uint_eq(result_of("h#1")->n_children, 1);
        ck_assert_uint_eq(result_of("h#1")->children[0]->n_children, 2);
        ck_assert_str_eq(result_of("h#1")->children[0]->children[0]->run, "h#1/g/m0");
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule6_the_policy_decides,
                rule6_all_cancels_the_siblings_and_waits_for_everyone,
                rule6_error_group_has_the_root_cause_first_then_every_other,
                rule6_the_root_cause_is_first_however_many_errors_there_are,
                rule6_first_and_quorum_name_failures_in_their_order,
                rule6_a_quorum_out_of_reach_fails_at_once_also_for_want_of_those_that_never_start,
                rule6_settle_lets_all_run_to_their_end,
                rule6_first_cancels_the_rest_for_the_winner,
                rule6_a_cancelled_member_is_named,
                rule6_the_first_cancelled_member_is_named_not_what_followed_from_it,
                rule6_a_group_is_cancelled_also_when_its_members_were_still_queued,
                rule6_a_group_cancelled_first_is_cancelled_and_keeps_its_errors,
                rule6_a_group_that_failed_first_is_failed_and_the_cancel_still_reaches_the_parent,
                rule6_a_cancel_of_a_member_group_reaches_the_parent,
                rule7_after_is_met_by_ok,
                rule7_a_queued_member_says_what_it_comes_after,
                rule7_a_diamond_waits_for_both_sides,
                rule7_one_named_twice_is_waited_for_once,
                rule7_a_chain_behind_one_that_was_not_ok_never_starts,
                rule7_after_is_met_by_readiness_of_a_service,
                rule7_readiness_of_a_job_meets_nothing,
                rule7_a_service_that_ends_after_it_was_ready_takes_nobody_along,
                rule7_instances_are_ready_when_all_are,
                rule7_background_members_end_when_all_others_are_done,
                rule7_a_group_of_background_members_has_nothing_to_wait_for,
                rule7_background_members_stop_in_reverse_order,
                rule7_members_stop_after_their_successors,
                rule7_what_waits_for_its_turn_to_stop_starts_nothing_new,
                rule7_groups_nest,
        };

        return fixture_main("run-group", tests, ARRAY_SIZE(tests));
}
