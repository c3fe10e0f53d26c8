/* SPDX-License-Identifier: MIT */
/* run-service: services: whether an attempt is followed by another and when, readiness, and what a group makes of it. */
#include "run/node.h"
#include "support/run-fixture.h"

#include <stdio.h>

#define S USEC_PER_SEC
#define M USEC_PER_MINUTE

static struct fake_task a, b, c, g, h;
static struct service_spec service;
static const unsigned after_a[] = { 0 }, after_b[] = { 1 };
static const struct run_member chain[] = {
        { .spec = &a.spec },
        { .spec = &b.spec, .after = after_a, .n_after = 1 },
        { .spec = &c.spec, .after = after_b, .n_after = 1 },
};
static const struct run_member pair[] = { { .spec = &a.spec }, { .spec = &b.spec } };
static const struct run_member then[] = { { .spec = &g.spec }, { .spec = &c.spec, .after = after_a, .n_after = 1 } };

/* Services a, b, c, and g, the group of them in this order. */
static void make(enum restart_policy policy) {
        fake_service_init(&a, "a", &service);
        fake_service_init(&b, "b", &service);
        fake_service_init(&c, "c", &service);
        service.restart = policy;
        fake_task_init(&g, "g");
        fake_task_init(&h, "h");
        g.spec.is_group = h.spec.is_group = true;
        g.spec.members = chain;
        g.spec.n_members = ARRAY_SIZE(chain);
}

static uint64_t attempt_of(const char *name) {
        return run_get_number(run_present_leaf(get(name)));
}

/* The present attempt ends with @error; ends @name's delay, whatever it is, but nobody's restart-limit-usec. */
static void crash(const char *name, enum error_kind error) {
        fake_leaf_end(name, error);
        settle();
        pass(73 * S);
}

static usec_t delay_of(const char *name) {
        struct run_waiting waiting;

        run_get_waiting(get(name), &waiting);
        ck_assert_int_eq(waiting.why, WHY_RESTART);
        return waiting.until_usec - clock_now(CLOCK_ID_MONOTONIC);
}

#define check_delay(name, middle)                                                                                      \
        do {                                                                                                           \
                usec_t _delay = delay_of(name);                                                                        \
                ck_assert_msg(_delay >= (middle)*80 / 100 && _delay <= (middle)*120 / 100, "line %d: %llu", __LINE__,  \
                              (unsigned long long)_delay);                                                             \
        } while (0)

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

/* The attempt has ended when the cancel comes, but nobody saw it: it would have been followed, so it decides nothing. */
START_TEST(a_cancel_wins_against_an_end_that_would_be_followed) {
        make(RESTART_ALWAYS);
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        (void)run_cancel(get("a#1"), CANCEL_OPERATOR, "alice");
        settle();
        check_outcome("a#1", OUTCOME_CANCELLED);
        service.restart = RESTART_ON_FAILURE;
        start(&a, 2);
        fake_leaf_end("a#2", ERROR_NONE);
        (void)run_cancel(get("a#2"), CANCEL_OPERATOR, "alice");
        settle();
        check_outcome("a#2", OUTCOME_OK);
}
END_TEST

START_TEST(rule9_nothing_is_restarted_on_top_of_a_remnant) {
        make(RESTART_ALWAYS);
        a.spec.leaf = &fake_process_ops;
        a.script.ignores_force = true;
        a.script.stop = FAKE_STOP_IGNORE;
        a.spec.bounds[BOUND_TIMEOUT] = S;
        start(&a, 1);
        pass(M);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "unkillable/a#1 timeout/a#1");
        ck_assert_uint_eq(fake_leaf_started(), 1);
        ck_assert_uint_eq(remnant_count(), 1);
}
END_TEST

START_TEST(a_spawn_that_fails_is_a_failure_and_waits_visibly) {
        make(RESTART_ALWAYS);
        a.script.start_error = -ENOENT;
        start(&a, 1);
        check_why("a#1", WHY_RESTART);
        pass(2 * S);
        ck_assert_uint_eq(fake_leaf_started(), 2);
}
END_TEST

START_TEST(an_attempt_that_waited_in_vain_ends_the_service) {
        struct limit_use use = { .permits = 1 };

        make(RESTART_ALWAYS);
        use.limit = make_permits("x", 1);
        a.spec.limits = b.spec.limits = &use;
        a.spec.n_limits = b.spec.n_limits = 1;
        a.spec.bounds[BOUND_QUEUE_TIMEOUT] = 10 * S;
        start(&b, 1);
        start(&a, 1);
        pass(10 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_errors("a#1", "timeout/a#1");
}
END_TEST

/* ---- too often ---- */

#define AT_MAX 4

static const struct {
        unsigned limit;
        usec_t span;
        usec_t at[AT_MAX]; /* the restarts so far; 0: no more */
        usec_t now;
        enum verdict verdict;
} often[] = {
        { 0, 10 * S, { 0 }, 5 * S, VERDICT_GIVE_UP }, /* none is allowed */
        { 0, USEC_INFINITY, { 0 }, 5 * S, VERDICT_AGAIN },
        { 1, 10 * S, { 0 }, 5 * S, VERDICT_AGAIN },
        { 1, 10 * S, { 5 * S }, 5 * S, VERDICT_GIVE_UP },
        { 1, 10 * S, { 5 * S }, 15 * S, VERDICT_GIVE_UP }, /* the ends of the span belong to it */
        { 1, 10 * S, { 5 * S }, 15 * S + 1, VERDICT_AGAIN },
        { 1, USEC_INFINITY, { 5 * S }, 5 * S, VERDICT_AGAIN },
        { 3, 10 * S, { 1 * S, 2 * S }, 3 * S, VERDICT_AGAIN },
        { 3, 10 * S, { 1 * S, 2 * S, 3 * S }, 11 * S, VERDICT_GIVE_UP },
        { 3, 10 * S, { 1 * S, 2 * S, 3 * S }, 11 * S + 1, VERDICT_AGAIN },
        { 3, 10 * S, { 1 * S, 2 * S, 3 * S, 12 * S }, 12 * S, VERDICT_GIVE_UP }, /* the first has left the ring */
        { 3, 10 * S, { 1 * S, 2 * S, 3 * S, 12 * S }, 12 * S + 1, VERDICT_AGAIN },
};

START_TEST(more_restarts_within_the_span_than_the_limit_are_too_many) {
        for (size_t i = 0; i < ARRAY_SIZE(often); i++) {
                const struct service_spec spec = {
                        .restart = RESTART_ALWAYS,
                        .restart_limit = often[i].limit,
                        .restart_limit_usec = often[i].span,
                };
                usec_t ring[AT_MAX] = { 0 };
                struct restarts restarts = { .at = ring };
                enum verdict verdict;

                while (restarts.n < AT_MAX && often[i].at[restarts.n] > 0) {
                        ring[restarts.n % spec.restart_limit] = often[i].at[restarts.n];
                        restarts.n++;
                }
                verdict = service_judge(&spec, &restarts, OUTCOME_FAILED, often[i].now);
                ck_assert_msg(verdict == often[i].verdict, "row %zu: %d", i, (int)verdict);
        }
}
END_TEST

START_TEST(what_is_given_up_failed_of_its_last_error) {
        make(RESTART_ALWAYS);
        service.restart_limit = 2;
        start(&a, 1);
        crash("a#1", ERROR_EXIT);
        crash("a#1", ERROR_NONE);
        ck_assert_uint_eq(done_count(), 0);
        crash("a#1", ERROR_SIGNAL);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "signal/a#1 signal/a#1");
        ck_assert_str_eq(result_detail(result_of("a#1")), "signal of a");
        ck_assert_str_eq(result_of("a#1")->errors.items[1].detail,
                         "given up: more than 2 restarts in 10min (restart-limit in [task a])");
        ck_assert_uint_eq(result_of("a#1")->attempts, 3);
}
END_TEST

START_TEST(what_is_given_up_of_instances_names_their_section) {
        make(RESTART_ALWAYS);
        service.restart_limit = 0;
        a.spec.name = "a@2";
        start(&a, 1);
        crash("a@2#1", ERROR_EXIT);
        ck_assert_str_eq(result_of("a@2#1")->errors.items[1].detail,
                         "given up: more than 0 restarts in 10min (restart-limit in [task a])");
}
END_TEST

START_TEST(what_is_given_up_has_failed_also_when_all_ends_were_ok) {
        make(RESTART_ALWAYS);
        service.restart_limit = 0;
        start(&a, 1);
        crash("a#1", ERROR_NONE);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "exit/a#1");
        ck_assert_int_eq(result_of("a#1")->exit_code, 1);
}
END_TEST

START_TEST(what_is_given_up_has_failed_also_when_a_bound_ended_it) {
        make(RESTART_ALWAYS);
        service.restart_limit = 0;
        a.spec.bounds[BOUND_TIMEOUT] = S;
        start(&a, 1);
        pass(S);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "timeout/a#1 timeout/a#1");
        ck_assert_int_eq(result_error(result_of("a#1")), ERROR_TIMEOUT);
        ck_assert_int_eq(result_of("a#1")->exit_code, 124);
}
END_TEST

/* The code is that of the signal that stopped it. */
START_TEST(what_was_ended_for_its_silence_has_no_code_of_its_own) {
        make(RESTART_ALWAYS);
        service.restart_limit = 0;
        a.script.exit_code = 143;
        start(&a, 1);
        run_leaf_fail(run_present_leaf(get("a#1")), ERROR_WATCHDOG, "silent");
        settle();
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "watchdog/a#1 watchdog/a#1");
        ck_assert_int_eq(result_of("a#1")->exit_code, 1);
}
END_TEST

START_TEST(memory_for_counting_is_taken_by_those_who_restart) {
        make(RESTART_ALWAYS);
        start(&a, 1);
        ck_assert_ptr_null(get("a#1")->job.restarts.at);
        crash("a#1", ERROR_EXIT);
        ck_assert_ptr_nonnull(get("a#1")->job.restarts.at);
        service.restart_limit_usec = USEC_INFINITY;
        start(&b, 1);
        for (unsigned i = 0; i < 20; i++)
                crash("b#1", ERROR_EXIT);
        check_state("b#1", RUN_RUNNING);
        ck_assert_ptr_null(get("b#1")->job.restarts.at);
}
END_TEST

/* ---- the delay ---- */

START_TEST(the_delay_doubles_from_attempt_to_attempt) {
        make(RESTART_ALWAYS);
        start(&a, 1);
        for (usec_t middle = S; middle <= 8 * S; middle *= 2) {
                fake_leaf_end("a#1", ERROR_EXIT);
                settle();
                check_delay("a#1", middle);
                pass(10 * S);
        }
}
END_TEST

/* How long the second attempt is ready, if at all, in all it lasts @lasts; and the delay after it. */
static const struct {
        usec_t ready;
        usec_t lasts;
        usec_t delay;
} healths[] = {
        { 60 * S, 60 * S, S }, { 60 * S - 1, 60 * S - 1, 2 * S }, { 60 * S, 90 * S, S }, { 59 * S, 90 * S, 2 * S },
        { 0, 10 * M, 2 * S }, /* never ready */
};

START_TEST(the_delay_begins_anew_after_a_healthy_attempt) {
        for (size_t i = 0; i < ARRAY_SIZE(healths); i++) {
                char name[8];

                (void)snprintf(name, sizeof(name), "a#%zu", i + 1);
                make(RESTART_ALWAYS);
                start(&a, i + 1);
                fake_leaf_end(name, ERROR_EXIT);
                settle();
                pass(2 * S);
                if (healths[i].ready > 0)
                        fake_leaf_ready(name);
                pass(healths[i].ready);
                run_leaf_unready(run_present_leaf(get(name)));
                pass(healths[i].lasts - healths[i].ready);
                fake_leaf_end(name, ERROR_EXIT);
                settle();
                check_delay(name, healths[i].delay);
                (void)run_cancel(get(name), CANCEL_OPERATOR, NULL);
                settle();
        }
}
END_TEST

START_TEST(rule8_no_permit_is_held_during_a_restart_delay) {
        struct limit_use use = { .permits = 1 };
        struct limit_stats stats;

        make(RESTART_ALWAYS);
        use.limit = make_permits("x", 1);
        a.spec.limits = &use;
        a.spec.n_limits = 1;
        start(&a, 1);
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        limit_get_stats(use.limit, &stats);
        ck_assert_uint_eq(stats.held + stats.waiting, 0);
        pass(2 * S);
        limit_get_stats(use.limit, &stats);
        ck_assert_uint_eq(stats.held, 1);
}
END_TEST

START_TEST(rule8_services_do_not_count_for_max_running) {
        fixture_new_tree(1);
        make(RESTART_ALWAYS);
        start(&a, 1);
        start(&b, 1);
        crash("a#1", ERROR_EXIT);
        check_state("b#1", RUN_RUNNING);
        ck_assert_uint_eq(fake_leaf_count(), 2);
}
END_TEST

/* ---- readiness ---- */

START_TEST(readiness_is_that_of_the_present_attempt) {
        make(RESTART_ALWAYS);
        start(&a, 1);
        ck_assert(!run_is_ready(get("a#1")));
        fake_leaf_ready("a#1");
        fake_leaf_ready("a#1");
        ck_assert(run_is_ready(get("a#1")));
        fake_leaf_end("a#1", ERROR_EXIT);
        ck_assert(!run_is_ready(get("a#1"))); /* before the turn that sees its end */
        settle();
        pass(2 * S);
        ck_assert_uint_eq(attempt_of("a#1"), 2);
        ck_assert(!run_is_ready(get("a#1")));
        fake_leaf_ready("a#1");
        run_leaf_unready(run_present_leaf(get("a#1")));
        ck_assert(!run_is_ready(get("a#1")));
        fake_leaf_ready("a#1");
        (void)run_cancel(get("a#1"), CANCEL_OPERATOR, NULL);
        ck_assert(!run_is_ready(get("a#1")));
        ck_assert_str_eq(ready_trace(), "a:yes a:no a:yes a:no a:yes a:no");
}
END_TEST

START_TEST(what_is_not_a_service_is_never_ready) {
        make(RESTART_ALWAYS);
        a.spec.is_service = false;
        a.spec.service = NULL;
        start(&a, 1);
        fake_leaf_ready("a#1");
        ck_assert(!run_is_ready(get("a#1")));
        ck_assert_str_eq(ready_trace(), "");
}
END_TEST

START_TEST(rule7_after_stays_met_when_the_predecessor_restarts) {
        make(RESTART_ALWAYS);
        start(&g, 1);
        fake_leaf_ready("g#1/a");
        settle();
        check_state("g#1/b", RUN_RUNNING);
        fake_leaf_end("g#1/a", ERROR_EXIT);
        fake_leaf_ready("g#1/b");
        settle();
        check_state("g#1/b", RUN_RUNNING);
        check_state("g#1/c", RUN_RUNNING);
}
END_TEST

START_TEST(rule7_instances_are_ready_when_all_are_so_at_once) {
        make(RESTART_ALWAYS);
        g.spec.is_service = true;
        g.spec.members = pair;
        g.spec.n_members = ARRAY_SIZE(pair);
        h.spec.members = then;
        h.spec.n_members = ARRAY_SIZE(then);
        start(&h, 1);
        fake_leaf_ready("h#1/g/a");
        crash("h#1/g/a", ERROR_EXIT);
        fake_leaf_ready("h#1/g/b");
        settle();
        ck_assert(!run_is_ready(get("h#1/g")));
        check_state("h#1/c", RUN_QUEUED);
        fake_leaf_ready("h#1/g/a");
        settle();
        ck_assert(run_is_ready(get("h#1/g")));
        check_state("h#1/c", RUN_RUNNING);
        crash("h#1/g/b", ERROR_EXIT);
        ck_assert(!run_is_ready(get("h#1/g")));
        check_state("h#1/c", RUN_RUNNING);
}
END_TEST

START_TEST(rule7_an_instance_that_ended_well_is_not_waited_for) {
        make(RESTART_ON_FAILURE);
        g.spec.is_service = true;
        g.spec.members = pair;
        g.spec.n_members = ARRAY_SIZE(pair);
        h.spec.members = then;
        h.spec.n_members = ARRAY_SIZE(then);
        start(&h, 1);
        fake_leaf_ready("h#1/g/a");
        fake_leaf_end("h#1/g/b", ERROR_NONE);
        settle();
        ck_assert(run_is_ready(get("h#1/g")));
        check_state("h#1/c", RUN_RUNNING);
}
END_TEST

/* ---- groups ---- */

static void start_chain(void) {
        a.script.ready_after_usec = b.script.ready_after_usec = c.script.ready_after_usec = 0;
        start(&g, 1);
        pass(S);
        check_state("g#1/c", RUN_RUNNING);
        fake_trace_clear();
}

START_TEST(rule7_services_stop_in_the_reverse_of_their_order) {
        make(RESTART_ALWAYS);
        start_chain();
        c.script.stops_after_usec = 5 * S;
        fake_leaf_end("g#1/b", ERROR_EXIT); /* waits to restart, and is done at once; c was built upon a by way of it */
        settle();
        (void)run_cancel(get("g#1"), CANCEL_OPERATOR, "alice");
        settle();
        check_trace(".b -c");
        pass(5 * S);
        check_trace(".b -c -a .c .a");
        check_outcome("g#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(rule7_an_attempt_that_fails_while_the_group_stops_is_not_followed) {
        make(RESTART_ALWAYS);
        start_chain();
        c.script.stops_after_usec = 5 * S;
        (void)run_cancel(get("g#1"), CANCEL_OPERATOR, "alice");
        settle();
        fake_leaf_end("g#1/a", ERROR_EXIT);
        pass(M);
        check_outcome("g#1/a", OUTCOME_FAILED);
        check_outcome("g#1", OUTCOME_CANCELLED);
        check_trace("-c .a -b .c .b");
}
END_TEST

START_TEST(what_is_given_up_takes_a_group_along_that_stands_together) {
        make(RESTART_ALWAYS);
        service.restart_limit = 1;
        start_chain();
        crash("g#1/b", ERROR_EXIT);
        ck_assert_uint_eq(done_count(), 0);
        crash("g#1/b", ERROR_EXIT);
        check_outcome("g#1", OUTCOME_FAILED);
        check_errors("g#1", "exit/g#1/b exit/g#1/b");
        check_outcome("g#1/a", OUTCOME_CANCELLED);
        ck_assert_int_eq(result_of("g#1/c")->cancel, CANCEL_SIBLING);
        check_trace(".b +b -c .b -a .c .a");
}
END_TEST

START_TEST(what_is_given_up_leaves_those_running_that_settle) {
        make(RESTART_ALWAYS);
        service.restart_limit = 0;
        g.spec.policy = GROUP_SETTLE;
        start_chain();
        crash("g#1/b", ERROR_EXIT);
        check_outcome("g#1/b", OUTCOME_FAILED);
        check_state("g#1/a", RUN_RUNNING);
        check_state("g#1/c", RUN_RUNNING);
        (void)run_cancel(get("g#1/a"), CANCEL_OPERATOR, NULL);
        (void)run_cancel(get("g#1/c"), CANCEL_OPERATOR, NULL);
        settle();
        check_outcome("g#1", OUTCOME_FAILED);
}
END_TEST

START_TEST(what_is_given_up_begins_anew_with_its_group) {
        make(RESTART_ALWAYS);
        service.restart_limit = 0;
        g.spec.retries = 1;
        start_chain();
        crash("g#1/b", ERROR_EXIT);
        check_state("g#1/c", RUN_RUNNING);
        check_trace("-c .b -a .c .a +a +b +c");
        ck_assert_uint_eq(attempt_of("g#1/b"), 1);
        crash("g#1/b", ERROR_EXIT);
        check_outcome("g#1", OUTCOME_FAILED);
}
END_TEST

/* ---- what it used ---- */

START_TEST(use_is_summed_over_attempts_and_members) {
        make(RESTART_ON_FAILURE);
        g.spec.policy = GROUP_SETTLE;
        g.spec.members = pair;
        g.spec.n_members = ARRAY_SIZE(pair);
        a.script.cpu_usec = 3 * S;
        a.script.memory_peak = 100;
        b.script.cpu_usec = 5 * S;
        b.script.memory_peak = 300;
        start(&g, 1);
        crash("g#1/a", ERROR_EXIT);
        a.script.memory_peak = 50;
        fake_leaf_end("g#1/a", ERROR_NONE);
        fake_leaf_end("g#1/b", ERROR_NONE);
        settle();
        ck_assert_uint_eq(result_of("g#1/a")->cpu_usec, 6 * S);
        ck_assert_uint_eq(result_of("g#1/a")->memory_peak, 100);
        ck_assert_uint_eq(result_of("g#1")->cpu_usec, 11 * S);
        ck_assert_uint_eq(result_of("g#1")->memory_peak, 300);
}
END_TEST

START_TEST(use_is_summed_over_items) {
        make(RESTART_NO);
        fake_fanout_init(&h, "h", 4, 2);
        h.script.cpu_usec = S;
        h.script.memory_peak = 7;
        start(&h, 1);
        pass(M);
        ck_assert_uint_eq(result_of("h#1")->cpu_usec, 4 * S);
        ck_assert_uint_eq(result_of("h#1")->memory_peak, 7);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                the_policy_says_what_an_end_leads_to,
                always_goes_on_after_every_end,
                on_failure_ends_with_the_first_ok,
                a_cancelled_service_ends,
                a_cancel_wins_against_an_end_that_would_be_followed,
                rule9_nothing_is_restarted_on_top_of_a_remnant,
                a_spawn_that_fails_is_a_failure_and_waits_visibly,
                an_attempt_that_waited_in_vain_ends_the_service,
                more_restarts_within_the_span_than_the_limit_are_too_many,
                what_is_given_up_failed_of_its_last_error,
                what_is_given_up_of_instances_names_their_section,
                what_is_given_up_has_failed_also_when_all_ends_were_ok,
                what_is_given_up_has_failed_also_when_a_bound_ended_it,
                what_was_ended_for_its_silence_has_no_code_of_its_own,
                memory_for_counting_is_taken_by_those_who_restart,
                the_delay_doubles_from_attempt_to_attempt,
                the_delay_begins_anew_after_a_healthy_attempt,
                rule8_no_permit_is_held_during_a_restart_delay,
                rule8_services_do_not_count_for_max_running,
                readiness_is_that_of_the_present_attempt,
                what_is_not_a_service_is_never_ready,
                rule7_after_stays_met_when_the_predecessor_restarts,
                rule7_instances_are_ready_when_all_are_so_at_once,
                rule7_an_instance_that_ended_well_is_not_waited_for,
                rule7_services_stop_in_the_reverse_of_their_order,
                rule7_an_attempt_that_fails_while_the_group_stops_is_not_followed,
                what_is_given_up_takes_a_group_along_that_stands_together,
                what_is_given_up_leaves_those_running_that_settle,
                what_is_given_up_begins_anew_with_its_group,
                use_is_summed_over_attempts_and_members,
                use_is_summed_over_items,
        };

        return fixture_main("run-service", tests, ARRAY_SIZE(tests));
}
