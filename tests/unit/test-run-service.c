/* SPDX-License-Identifier: MIT */
/* run-service: services: whether an attempt is followed by another and when, readiness, the bounds that only they have,
 * and what an operator may ask. */
#include "run/node.h"
#include "support/run-fixture.h"

#include <stdio.h>

#define S USEC_PER_SEC
#define M USEC_PER_MINUTE

static struct fake_task a, b, c, g;
static struct service_spec service;
static const unsigned after_a[] = { 0 }, after_b[] = { 1 };
static const struct run_member chain[] = {
        { .spec = &a.spec },
        { .spec = &b.spec, .after = after_a, .n_after = 1 },
        { .spec = &c.spec, .after = after_b, .n_after = 1 },
};

static void be_service(struct fake_task *task, const char *name) {
        fake_task_init(task, name);
        task->spec.is_service = true;
        task->spec.service = &service;
}

/* Services a, b, c, and g, the group of them in this order. */
static void make(enum restart_policy policy) {
        service = (struct service_spec){
                .restart = policy,
                .restart_delay_min_usec = S,
                .restart_delay_max_usec = M,
                .restart_limit = 5,
                .restart_limit_usec = 10 * M,
        };
        be_service(&a, "a");
        be_service(&b, "b");
        be_service(&c, "c");
        fake_task_init(&g, "g");
        g.spec.is_group = true;
        g.spec.members = chain;
        g.spec.n_members = ARRAY_SIZE(chain);
}

static struct run *leaf_of(const char *name) {
        return run_present_leaf(get(name));
}

static uint64_t attempt_of(const char *name) {
        return run_get_number(leaf_of(name));
}

/* The present attempt ends with @error, and the delay before the next one passes. */
static void crash(const char *name, enum error_kind error) {
        fake_leaf_end(name, error);
        settle();
        pass(73 * S);
}

/* ---- what comes after an attempt ---- */

static const struct {
        enum restart_policy policy;
        enum outcome outcome;
        enum verdict verdict;
} policies[] = {
        { RESTART_NO, OUTCOME_OK, VERDICT_ENDS },
        { RESTART_NO, OUTCOME_FAILED, VERDICT_ENDS },
        { RESTART_ON_FAILURE, OUTCOME_OK, VERDICT_ENDS },
        { RESTART_ON_FAILURE, OUTCOME_FAILED, VERDICT_AGAIN },
        { RESTART_ON_FAILURE, OUTCOME_TIMEOUT, VERDICT_AGAIN },
        { RESTART_ON_FAILURE, OUTCOME_CANCELLED, VERDICT_ENDS },
        { RESTART_ALWAYS, OUTCOME_OK, VERDICT_AGAIN },
        { RESTART_ALWAYS, OUTCOME_FAILED, VERDICT_AGAIN },
        { RESTART_ALWAYS, OUTCOME_TIMEOUT, VERDICT_AGAIN },
        { RESTART_ALWAYS, OUTCOME_CANCELLED, VERDICT_ENDS },
        { RESTART_ALWAYS, OUTCOME_SKIPPED, VERDICT_ENDS },
        { RESTART_ALWAYS, OUTCOME_NEVER_STARTED, VERDICT_ENDS },
};

START_TEST(the_policy_says_what_an_end_leads_to) {
        const struct restarts none = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
                const struct service_spec spec = { .restart = policies[i].policy, .restart_limit = 1 };
                enum verdict verdict = service_judge(&spec, &none, policies[i].outcome, 0);

                ck_assert_msg(verdict == policies[i].verdict, "row %zu: %d", i, (int)verdict);
        }
}
END_TEST

START_TEST(always_goes_on_after_every_end) {
        make(RESTART_ALWAYS);
        start(&a, 1);
        crash("a#1", ERROR_NONE);
        ck_assert_uint_eq(attempt_of("a#1"), 2);
        crash("a#1", ERROR_EXIT);
        ck_assert_uint_eq(attempt_of("a#1"), 3);
        check_state("a#1", RUN_RUNNING);
        ck_assert_uint_eq(done_count(), 0);
}
END_TEST

START_TEST(on_failure_ends_with_the_first_ok) {
        make(RESTART_ON_FAILURE);
        start(&a, 1);
        crash("a#1", ERROR_SIGNAL);
        crash("a#1", ERROR_NONE);
        check_outcome("a#1", OUTCOME_OK);
        check_errors("a#1", "");
        ck_assert_uint_eq(result_of("a#1")->attempts, 2);
}
END_TEST

START_TEST(a_cancelled_service_ends) {
        make(RESTART_ALWAYS);
        start(&a, 1);
        (void)run_cancel(get("a#1"), CANCEL_OPERATOR, "alice");
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        start(&a, 2);
        fake_leaf_end("a#2", ERROR_EXIT);
        settle();
        check_why("a#2", WHY_RESTART);
        (void)run_cancel(get("a#2"), CANCEL_OPERATOR, "alice");
        settle();
        check_outcome("a#2", OUTCOME_CANCELLED);
        check_errors("a#2", "exit/a#2");
        ck_assert(fake_loop_idle());
}
END_TEST

/* ---- what an operator may ask ---- */

START_TEST(what_is_kept_down_waits_for_its_restart_alone) {
        make(RESTART_ALWAYS);
        start(&a, 1);
        fake_leaf_ready("a#1");
        ck_assert(run_is_ready(get("a#1")));
        ck_assert_int_eq(run_keep_down(get("a#1"), "alice"), 0);
        ck_assert(!run_is_ready(get("a#1")));
        settle();
        check_why("a#1", WHY_STOPPED);
        check_trace("+a -a .a");
        ck_assert(fake_loop_idle());
        ck_assert_int_eq(run_restart(get("a#1"), "alice"), 0);
        ck_assert(!run_is_kept_down(get("a#1")));
        settle();
        check_trace("+a -a .a +a");
        ck_assert(!run_is_ready(get("a#1")));
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                the_policy_says_what_an_end_leads_to,
                always_goes_on_after_every_end,
                on_failure_ends_with_the_first_ok,
                a_cancelled_service_ends,
                what_is_kept_down_waits_for_its_restart_alone,
        };

        return fixture_main("run-service", tests, ARRAY_SIZE(tests));
}
