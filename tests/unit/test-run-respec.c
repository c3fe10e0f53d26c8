/* SPDX-License-Identifier: MIT */
/* run-respec: services that go by another spec from some moment on, as after a reload. */
#include "run/node.h"
#include "support/run-fixture.h"

#define S USEC_PER_SEC

static struct fake_task a, a2, b, g, g2;
static struct service_spec service, service2;
static const struct run_member members[] = { { .spec = &a.spec }, { .spec = &b.spec } };
static const struct run_member members2[] = { { .spec = &a2.spec }, { .spec = &b.spec } };

static void make_group(struct fake_task *group, const struct run_member *of) {
        fake_task_init(group, "g");
        group->spec.is_group = true;
        group->spec.is_service = true;
        group->spec.policy = GROUP_SETTLE;
        group->spec.members = of;
        group->spec.n_members = 2;
}

static void make(void) {
        fake_service_init(&a, "a", &service);
        fake_service_init(&a2, "a", &service2);
        fake_service_init(&b, "b", &service);
        make_group(&g, members);
        make_group(&g2, members2);
}

static const struct run_spec *at(const char *name) {
        return run_get_spec(run_present_leaf(get(name)));
}

START_TEST(an_attempt_at_work_goes_on_and_the_next_is_by_the_new_spec) {
        make();
        start(&a, 1);
        ck_assert(!run_is_outdated(get("a#1")));
        ck_assert_int_eq(run_respec(get("a#1"), &a2.spec), 0);
        settle();
        check_trace("+a");
        ck_assert_ptr_eq(at("a#1"), &a.spec);
        ck_assert(run_is_outdated(get("a#1")));
        ck_assert_int_eq(run_restart(get("a#1"), "alice"), 0);
        settle();
        ck_assert_ptr_eq(at("a#1"), &a2.spec);
        ck_assert(!run_is_outdated(get("a#1")));
}
END_TEST

START_TEST(a_restart_by_itself_takes_the_new_spec_too) {
        make();
        start(&a, 1);
        (void)run_respec(get("a#1"), &a2.spec);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        pass(2 * S);
        ck_assert_ptr_eq(at("a#1"), &a2.spec);
}
END_TEST

START_TEST(one_that_waits_to_restart_takes_it_without_being_hurried) {
        make();
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        check_why("a#1", WHY_RESTART);
        ck_assert_int_eq(run_respec(get("a#1"), &a2.spec), 0);
        settle();
        check_why("a#1", WHY_RESTART);
        ck_assert(!run_is_outdated(get("a#1")));
        pass(2 * S);
        check_state("a#1", RUN_RUNNING);
        ck_assert_ptr_eq(at("a#1"), &a2.spec);
}
END_TEST

START_TEST(one_that_waits_for_permits_waits_for_those_of_the_new_spec) {
        struct limit_use full = { .limit = make_permits("full", 1), .permits = 1 };
        struct limit_use free = { .limit = make_permits("free", 1), .permits = 1 };

        make();
        a.spec.limits = b.spec.limits = &full;
        a.spec.n_limits = b.spec.n_limits = 1;
        a2.spec.limits = &free;
        a2.spec.n_limits = 1;
        start(&b, 1);
        start(&a, 1);
        check_why("a#1", WHY_PERMITS);
        ck_assert_int_eq(run_respec(get("a#1"), &a2.spec), 0);
        settle();
        check_state("a#1", RUN_RUNNING);
}
END_TEST

START_TEST(one_that_is_kept_down_stays_down) {
        make();
        start(&a, 1);
        (void)run_keep_down(get("a#1"), "alice");
        settle();
        ck_assert_int_eq(run_respec(get("a#1"), &a2.spec), 0);
        settle();
        ck_assert(run_is_kept_down(get("a#1")));
        check_why("a#1", WHY_STOPPED);
        (void)run_restart(get("a#1"), "alice");
        settle();
        ck_assert_ptr_eq(at("a#1"), &a2.spec);
}
END_TEST

START_TEST(another_restart_limit_counts_anew) {
        make();
        service2.restart_limit = 1;
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        ck_assert_int_eq(run_respec(get("a#1"), &a2.spec), 0);
        ck_assert_uint_eq(get("a#1")->job.restarts.n, 0);
        for (unsigned i = 0; i < 2; i++) {
                pass(60 * S);
                fake_leaf_end("a#1", ERROR_EXIT);
                settle();
        }
        check_outcome("a#1", OUTCOME_FAILED);
}
END_TEST

START_TEST(a_member_that_is_taken_up_again_is_by_the_groups_new_spec) {
        struct run *run;

        make();
        start(&g, 1);
        (void)run_cancel(get("g#1/a"), CANCEL_OPERATOR, "alice");
        settle();
        ck_assert_int_eq(run_respec(get("g#1"), &g2.spec), 0);
        ck_assert_int_eq(run_revive(get("g#1/a"), &run), 0);
        settle();
        ck_assert_ptr_eq(at("g#1/a"), &a2.spec);
}
END_TEST

START_TEST(what_is_no_service_keeps_its_spec) {
        struct fake_task job, job2;

        make();
        fake_task_init(&job, "job");
        fake_task_init(&job2, "job");
        start(&job, 1);
        ck_assert_int_eq(run_respec(get("job#1"), &job2.spec), -EOPNOTSUPP);
        start(&a, 1);
        ck_assert_int_eq(run_respec(get("a#1"), &job.spec), -EOPNOTSUPP);
        ck_assert_int_eq(run_respec(get("a#1"), &g.spec), -EOPNOTSUPP);
        fake_leaf_end("job#1", ERROR_NONE);
        settle();
}
END_TEST

START_TEST(max_running_may_change) {
        struct fake_task job, other;

        fixture_new_tree(1);
        fake_task_init(&job, "job");
        fake_task_init(&other, "other");
        start(&job, 1);
        start(&other, 1);
        check_why("other#1", WHY_MAX_RUNNING);
        run_tree_set_max_running(tree, 2);
        settle();
        check_state("other#1", RUN_RUNNING);
        run_tree_set_max_running(tree, 1);
        settle();
        check_state("job#1", RUN_RUNNING);
        check_state("other#1", RUN_RUNNING);
        cancel("job#1");
        cancel("other#1");
        settle();
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                an_attempt_at_work_goes_on_and_the_next_is_by_the_new_spec,
                a_restart_by_itself_takes_the_new_spec_too,
                one_that_waits_to_restart_takes_it_without_being_hurried,
                one_that_waits_for_permits_waits_for_those_of_the_new_spec,
                one_that_is_kept_down_stays_down,
                another_restart_limit_counts_anew,
                a_member_that_is_taken_up_again_is_by_the_groups_new_spec,
                what_is_no_service_keeps_its_spec,
                max_running_may_change,
        };

        return fixture_main("run-respec", tests, ARRAY_SIZE(tests));
}
