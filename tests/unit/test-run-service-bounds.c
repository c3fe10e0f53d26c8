/* SPDX-License-Identifier: MIT */
/* run-service-bounds: start-timeout and idle-timeout, extending from inside, work that goes wrong without ending, and
 * what an attempt says of itself. */
#include "run/node.h"
#include "support/run-fixture.h"

#define S USEC_PER_SEC
#define M USEC_PER_MINUTE

static struct fake_task a, b, g;
static struct service_spec service;
static struct limit_use use;
static const struct run_member alone[] = { { .spec = &a.spec } };

/* A service a, and g, the group of it alone. */
static void make(void) {
        fake_service_init(&a, "a", &service);
        fake_task_init(&b, "b");
        fake_task_init(&g, "g");
        g.spec.is_group = true;
        g.spec.members = alone;
        g.spec.n_members = ARRAY_SIZE(alone);
}

/* a is a job. */
static void make_job(void) {
        make();
        fake_task_init(&a, "a");
}

static struct run *leaf_of(const char *name) {
        return run_present_leaf(get(name));
}

static uint64_t attempt_of(const char *name) {
        return run_get_number(leaf_of(name));
}

static usec_t left(const char *name, enum bound expected) {
        enum bound bound = _BOUND_INVALID;
        usec_t at = run_deadline(get(name), NULL, &bound);

        ck_assert_int_eq(bound, expected);
        return at - clock_now(CLOCK_ID_MONOTONIC);
}

/* ---- start-timeout ---- */

START_TEST(rule4_start_timeout_counts_from_the_grant_until_ready) {
        make();
        use = (struct limit_use){ .limit = make_permits("x", 1), .permits = 1 };
        a.spec.limits = b.spec.limits = &use;
        a.spec.n_limits = b.spec.n_limits = 1;
        a.spec.bounds[BOUND_START_TIMEOUT] = 30 * S;
        start(&b, 1);
        start(&a, 1);
        pass(20 * S);
        fake_leaf_end("b#1", ERROR_NONE);
        settle();
        ck_assert_uint_eq(left("a#1", BOUND_START_TIMEOUT), 30 * S);
        pass(29 * S);
        fake_leaf_ready("a#1");
        ck_assert_uint_eq(run_deadline(get("a#1"), NULL, NULL), USEC_INFINITY);
        run_leaf_unready(leaf_of("a#1"));
        pass(10 * M);
        ck_assert_uint_eq(attempt_of("a#1"), 1);
}
END_TEST

START_TEST(rule4_start_timeout_is_a_bound_and_a_failure) {
        make();
        service.restart = RESTART_NO;
        a.spec.bounds[BOUND_START_TIMEOUT] = 90 * S;
        a.spec.default_bounds = 1u << BOUND_START_TIMEOUT;
        start(&a, 1);
        pass(90 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_errors("a#1", "timeout/a#1");
        ck_assert_int_eq(result_of("a#1")->bound, BOUND_START_TIMEOUT);
        ck_assert_str_eq(result_of("a#1")->bound_run, "a#1");
        ck_assert_str_eq(result_detail(result_of("a#1")),
                         "start-timeout of 1min 30s reached (the default; set start-timeout in [task a])");
}
END_TEST

START_TEST(every_attempt_has_a_start_timeout_of_its_own) {
        make();
        a.spec.bounds[BOUND_START_TIMEOUT] = 30 * S;
        start(&a, 1);
        pass(30 * S);
        check_why("a#1", WHY_RESTART);
        ck_assert_int_eq(run_get_errors(get("a#1"))->items[0].kind, ERROR_TIMEOUT);
        pass(2 * S);
        ck_assert_uint_eq(attempt_of("a#1"), 2);
        fake_leaf_ready("a#1");
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        pass(10 * S);
        ck_assert_uint_eq(attempt_of("a#1"), 3);
        ck_assert_uint_le(left("a#1", BOUND_START_TIMEOUT), 30 * S);
}
END_TEST

START_TEST(jobs_have_no_start_timeout) {
        make_job();
        a.spec.bounds[BOUND_START_TIMEOUT] = 30 * S;
        start(&a, 1);
        ck_assert_uint_eq(run_deadline(get("a#1"), NULL, NULL), USEC_INFINITY);
}
END_TEST

/* ---- idle-timeout ---- */

START_TEST(rule4_idle_timeout_counts_from_the_start_and_each_output) {
        make_job();
        a.spec.bounds[BOUND_IDLE_TIMEOUT] = 10 * S;
        a.script.started_after_usec = 20 * S;
        start(&a, 1);
        ck_assert_uint_eq(run_deadline(get("a#1"), NULL, NULL), USEC_INFINITY);
        pass(20 * S);
        ck_assert_uint_eq(left("a#1", BOUND_IDLE_TIMEOUT), 10 * S);
        pass(9 * S);
        run_leaf_output(leaf_of("a#1"));
        ck_assert_uint_eq(left("a#1", BOUND_IDLE_TIMEOUT), 10 * S);
        pass(9 * S);
        run_leaf_output(leaf_of("a#1"));
        pass(10 * S - 1);
        check_state("a#1", RUN_RUNNING);
        pass(1);
        check_outcome("a#1", OUTCOME_TIMEOUT);
        check_errors("a#1", "timeout/a#1");
        ck_assert_int_eq(result_of("a#1")->bound, BOUND_IDLE_TIMEOUT);
        ck_assert_str_eq(result_detail(result_of("a#1")), "idle-timeout of 10s reached");
}
END_TEST

START_TEST(output_arms_no_timer) {
        usec_t at;

        make_job();
        a.spec.bounds[BOUND_IDLE_TIMEOUT] = 10 * S;
        start(&a, 1);
        at = fake_loop_next_timer();
        pass(5 * S);
        run_leaf_output(leaf_of("a#1"));
        ck_assert_uint_eq(fake_loop_next_timer(), at - 5 * S);
        pass(5 * S);
        ck_assert_uint_eq(fake_loop_next_timer(), 5 * S);
}
END_TEST

START_TEST(rule4_output_that_can_be_seen_already_counts) {
        make_job();
        a.spec.bounds[BOUND_IDLE_TIMEOUT] = 10 * S;
        a.script.output_when_polled = true;
        start(&a, 1);
        pass(15 * S);
        check_state("a#1", RUN_RUNNING);
        ck_assert_uint_eq(left("a#1", BOUND_IDLE_TIMEOUT), 5 * S);
}
END_TEST

START_TEST(an_idle_attempt_is_tried_again_by_policy) {
        make_job();
        a.spec.bounds[BOUND_IDLE_TIMEOUT] = 10 * S;
        a.spec.retries = 1;
        start(&a, 1);
        pass(15 * S);
        ck_assert_uint_eq(attempt_of("a#1"), 2);
        ck_assert_uint_eq(run_last_output_usec(get("a#1")), 0);
        pass(15 * S);
        check_outcome("a#1", OUTCOME_TIMEOUT);
}
END_TEST

/* ---- extending from inside ---- */

/* a's bounds, g's total-timeout, what is asked 10 s after the start; how long it then has, and whether that is less. */
static const struct {
        usec_t start, timeout, total, group;
        usec_t asked;
        usec_t left;
        const char *clipped_by;
} extensions[] = {
        { 30 * S, USEC_INFINITY, USEC_INFINITY, USEC_INFINITY, 60 * S, 60 * S, NULL },
        { 30 * S, USEC_INFINITY, USEC_INFINITY, USEC_INFINITY, 20 * S, 20 * S, NULL },
        { 30 * S, USEC_INFINITY, USEC_INFINITY, USEC_INFINITY, 5 * S, 20 * S, NULL }, /* never shortened */
        { 30 * S, USEC_INFINITY, 50 * S, USEC_INFINITY, 60 * S, 40 * S, "g#1/a" },
        { 30 * S, USEC_INFINITY, USEC_INFINITY, 50 * S, 60 * S, 40 * S, "g#1" },
        { 30 * S, USEC_INFINITY, 90 * S, 50 * S, 60 * S, 40 * S, "g#1" },
        { 30 * S, USEC_INFINITY, USEC_INFINITY, 20 * S, 60 * S, 10 * S, "g#1" },   /* clipped already */
        { 30 * S, 40 * S, USEC_INFINITY, USEC_INFINITY, 60 * S, 30 * S, "g#1/a" }, /* the next own bound */
        { USEC_INFINITY, 40 * S, USEC_INFINITY, USEC_INFINITY, 60 * S, 60 * S, NULL },
        { 30 * S, USEC_INFINITY, USEC_INFINITY, USEC_INFINITY, USEC_INFINITY, USEC_INFINITY, NULL },
};

START_TEST(rule4_a_child_extends_itself_never_past_the_bounds_above) {
        struct run_extension how;
        char name[RUN_NAME_MAX];

        make();
        a.spec.bounds[BOUND_START_TIMEOUT] = extensions[_i].start;
        a.spec.bounds[BOUND_TIMEOUT] = extensions[_i].timeout;
        a.spec.bounds[BOUND_TOTAL_TIMEOUT] = extensions[_i].total;
        g.spec.bounds[BOUND_TOTAL_TIMEOUT] = extensions[_i].group;
        start(&g, 1);
        pass(10 * S);
        ck_assert_int_eq(run_leaf_extend(leaf_of("g#1/a"), extensions[_i].asked, &how), 0);
        ck_assert_uint_eq(usec_sub(how.deadline_usec, clock_now(CLOCK_ID_MONOTONIC)), extensions[_i].left);
        ck_assert_uint_eq(how.deadline_usec, run_deadline(get("g#1/a"), NULL, NULL));
        if (!extensions[_i].clipped_by)
                ck_assert_ptr_null(how.clipped_by);
        else
                ck_assert_str_eq(run_name(how.clipped_by, name), extensions[_i].clipped_by);
        if (extensions[_i].left < USEC_INFINITY) {
                pass(extensions[_i].left - 1);
                check_state("g#1/a", RUN_RUNNING);
                pass(1);
                ck_assert(done_count() > 0 || leaf_of("g#1/a")->state == RUN_QUEUED);
        }
}
END_TEST

START_TEST(rule4_an_extended_idle_bound_stays_though_nothing_is_printed) {
        struct run_extension how;

        make_job();
        a.spec.bounds[BOUND_IDLE_TIMEOUT] = 10 * S;
        start(&a, 1);
        pass(5 * S);
        run_leaf_output(leaf_of("a#1"));
        ck_assert_int_eq(run_leaf_extend(leaf_of("a#1"), 60 * S, &how), 0);
        ck_assert_int_eq(how.bound, BOUND_IDLE_TIMEOUT);
        run_leaf_output(leaf_of("a#1"));
        ck_assert_uint_eq(left("a#1", BOUND_IDLE_TIMEOUT), 60 * S);
        pass(55 * S);
        run_leaf_output(leaf_of("a#1"));
        ck_assert_uint_eq(left("a#1", BOUND_IDLE_TIMEOUT), 10 * S);
        ck_assert_int_eq(run_extend(get("a#1"), 5 * S, false, &how), 0);
        ck_assert_uint_eq(left("a#1", BOUND_IDLE_TIMEOUT), 15 * S);
}
END_TEST

START_TEST(rule4_extending_from_inside_is_refused_once_stopping) {
        struct run_extension how;
        struct run *leaf;

        make();
        a.spec.bounds[BOUND_TIMEOUT] = 30 * S;
        a.script.stops_after_usec = 5 * S;
        start(&a, 1);
        leaf = leaf_of("a#1");
        run_leaf_ready(leaf);
        (void)run_restart(get("a#1"), NULL);
        settle();
        ck_assert_int_eq(run_leaf_extend(leaf, M, &how), -ESTALE);
        pass(5 * S);
        leaf = leaf_of("a#1");
        fake_leaf_end("a#1", ERROR_EXIT);
        ck_assert_int_eq(run_leaf_extend(leaf, M, &how), -ESTALE);
        make();
        start(&a, 2);
        ck_assert_int_eq(run_leaf_extend(leaf_of("a#2"), M, &how), -ENOENT);
}
END_TEST

/* ---- work that goes wrong ---- */

START_TEST(what_is_found_sick_is_stopped_and_failed_of_that) {
        make();
        service.restart = RESTART_NO;
        a.script.stop = FAKE_STOP_FAILS;
        a.script.stop_error = ERROR_IO;
        a.script.stops_after_usec = 5 * S;
        start(&a, 1);
        fake_leaf_ready("a#1");
        run_leaf_fail(leaf_of("a#1"), ERROR_HEALTH, "web-ping is failing");
        run_leaf_fail(leaf_of("a#1"), ERROR_WATCHDOG, "no sign of life");
        ck_assert(!run_is_ready(get("a#1")));
        settle();
        check_trace("+a -a");
        pass(5 * S);
        check_outcome("a#1", OUTCOME_FAILED);
        check_errors("a#1", "health/a#1 io/a#1");
        ck_assert_str_eq(result_detail(result_of("a#1")), "web-ping is failing");
        ck_assert_int_eq(result_of("a#1")->cancel, CANCEL_NONE);
}
END_TEST

START_TEST(what_is_found_sick_restarts_by_policy) {
        make();
        service.restart = RESTART_ON_FAILURE;
        a.script.stop = FAKE_STOP_OK;
        start(&a, 1);
        run_leaf_fail(leaf_of("a#1"), ERROR_WATCHDOG, "no sign of life");
        settle();
        check_why("a#1", WHY_RESTART);
        ck_assert_int_eq(run_get_errors(get("a#1"))->items[0].kind, ERROR_WATCHDOG);
        pass(2 * S);
        ck_assert_uint_eq(attempt_of("a#1"), 2);
}
END_TEST

START_TEST(what_stops_anyway_is_not_found_sick) {
        make();
        a.script.stops_after_usec = 5 * S;
        start(&a, 1);
        ck_assert_int_eq(run_cancel(get("a#1"), CANCEL_OPERATOR, "alice"), 0);
        run_leaf_fail(leaf_of("a#1"), ERROR_READY, "it never was");
        pass(5 * S);
        check_outcome("a#1", OUTCOME_CANCELLED);
        check_errors("a#1", "");
        make();
        start(&a, 2);
        fake_leaf_end("a#2", ERROR_EXIT);
        run_leaf_fail(leaf_of("a#2"), ERROR_READY, "it never was");
        settle();
        ck_assert_uint_eq(run_get_errors(get("a#2"))->n, 1);
        ck_assert_int_eq(run_get_errors(get("a#2"))->items[0].kind, ERROR_EXIT);
}
END_TEST

START_TEST(rule3_a_cancel_while_what_is_sick_stops_is_not_followed) {
        make();
        a.script.stops_after_usec = 5 * S;
        start(&a, 1);
        run_leaf_fail(leaf_of("a#1"), ERROR_HEALTH, "web-ping is failing");
        ck_assert_int_eq(run_cancel(get("a#1"), CANCEL_OPERATOR, "alice"), 0);
        pass(5 * S);
        check_outcome("a#1", OUTCOME_CANCELLED);
        check_errors("a#1", "health/a#1");
}
END_TEST

/* ---- what it says ---- */

START_TEST(what_an_attempt_said_goes_with_it) {
        uint64_t done = 0, total = 0;

        make();
        start(&a, 1);
        ck_assert_ptr_null(run_get_status(get("a#1")));
        ck_assert(!run_get_progress(get("a#1"), &done, &total));
        run_leaf_set_status(leaf_of("a#1"), "loading");
        run_leaf_set_status(leaf_of("a#1"), "serving");
        run_leaf_set_progress(leaf_of("a#1"), 3, 7);
        pass(S);
        run_leaf_output(leaf_of("a#1"));
        ck_assert_str_eq(run_get_status(get("a#1")), "serving");
        ck_assert(run_get_progress(get("a#1"), &done, &total));
        ck_assert_uint_eq(done, 3);
        ck_assert_uint_eq(total, 7);
        ck_assert_uint_eq(run_last_output_usec(get("a#1")), clock_now(CLOCK_ID_MONOTONIC));
        run_leaf_set_status(leaf_of("a#1"), "");
        ck_assert_ptr_null(run_get_status(get("a#1")));
        run_leaf_set_status(leaf_of("a#1"), "serving");
        fake_leaf_end("a#1", ERROR_EXIT);
        settle();
        ck_assert_ptr_null(run_get_status(get("a#1")));
        ck_assert(!run_get_progress(get("a#1"), &done, &total));
        ck_assert_uint_eq(run_last_output_usec(get("a#1")), 0);
}
END_TEST

int main(void) {
        const struct fixture_test tests[] = {
                { rule4_start_timeout_counts_from_the_grant_until_ready, 1 },
                { rule4_start_timeout_is_a_bound_and_a_failure, 1 },
                { every_attempt_has_a_start_timeout_of_its_own, 1 },
                { jobs_have_no_start_timeout, 1 },
                { rule4_idle_timeout_counts_from_the_start_and_each_output, 1 },
                { output_arms_no_timer, 1 },
                { rule4_output_that_can_be_seen_already_counts, 1 },
                { an_idle_attempt_is_tried_again_by_policy, 1 },
                { rule4_a_child_extends_itself_never_past_the_bounds_above, ARRAY_SIZE(extensions) },
                { rule4_an_extended_idle_bound_stays_though_nothing_is_printed, 1 },
                { rule4_extending_from_inside_is_refused_once_stopping, 1 },
                { what_is_found_sick_is_stopped_and_failed_of_that, 1 },
                { what_is_found_sick_restarts_by_policy, 1 },
                { what_stops_anyway_is_not_found_sick, 1 },
                { rule3_a_cancel_while_what_is_sick_stops_is_not_followed, 1 },
                { what_an_attempt_said_goes_with_it, 1 },
        };

        return fixture_main_loops("run-service-bounds", tests, ARRAY_SIZE(tests));
}
