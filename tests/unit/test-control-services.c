/* SPDX-License-Identifier: MIT */
/* control-services: what operators ask of services, over a real socket: start, stop, restart, signal and extend, and what
 * they are told of them. */
#include "control/methods.h"
#include "support/asking.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <signal.h>

#define S USEC_PER_SEC
#define M USEC_PER_MINUTE

static struct control *control;
static struct task *a, *b, *job, *web;

static const char *phase(_unused_ void *arg) {
        return "running";
}

/* The services a and b in the group both, the service web, all up, and the job job. */
static void setup(void) {
        struct control_options options = { .phase = phase };

        live_bed_setup();
        a = live_bed_service("a");
        b = live_bed_service("b");
        live_bed_group("both")->on_start = true;
        job = live_bed_job("job");
        web = live_bed_service("web");
        web->on_start = true;
        live_bed_go();
        options.live = live_bed.live;
        ck_assert_int_eq(control_new(&options, &control), 0);
        test_client_connect(&client, control->server);
        live_bed_ready("a");
        live_bed_ready("b");
        live_bed_ready("web");
}

static void teardown(void) {
        test_client_close(&client);
        control_free(control);
        live_bed_teardown();
}

static void set_ready_notify(void) {
        a->service->ready = b->service->ready = READY_NOTIFY;
}

static uint64_t attempt_of(const char *run) {
        return run_get_number(run_present_leaf(live_bed_run(run)));
}

static void expect_result(const char *run, const char *ready, const char *attempt) {
        json_t *got = answer();

        expect_at(got, "result.run", run);
        expect_at(got, "result.ready", ready);
        expect_at(got, "result.attempt", attempt);
        json_decref(got);
}

/* ---- Restart ---- */

#define RESTARTING_BOTH "{\"parameters\":{\"restarting\":[\"both#1/a\",\"both#1/b\"]},\"continues\":true}"

START_TEST(those_that_say_when_they_are_ready_are_restarted_one_by_one) {
        set_ready_notify();
        call("Restart", "{\"runs\":[\"both\"],\"wait\":true}", true);
        test_client_expect(&client, RESTARTING_BOTH);
        ck_assert_uint_eq(attempt_of("both#1/a"), 2);
        ck_assert_uint_eq(attempt_of("both#1/b"), 1);
        ck_assert(run_is_ready(live_bed_run("both#1/b")));
        test_client_expect_nothing(&client, false);
        live_bed_ready("a");
        expect_result("both#1/a", "true", "2");
        ck_assert_uint_eq(attempt_of("both#1/b"), 2);
        test_client_expect_nothing(&client, false);
        live_bed_ready("b");
        expect_result("both#1/b", "true", "2");
        test_client_expect_nothing(&client, false);
        json_decref(ask("List", "{}")); /* the call is over */
        ck_assert(list_empty(&control->restarts));
}
END_TEST

START_TEST(others_are_restarted_at_once_and_told_as_they_come) {
        call("Restart", "{\"runs\":[\"both\"],\"wait\":true}", true);
        test_client_expect(&client, RESTARTING_BOTH);
        ck_assert_uint_eq(attempt_of("both#1/a"), 2);
        ck_assert_uint_eq(attempt_of("both#1/b"), 2);
        live_bed_ready("b");
        expect_result("both#1/b", "true", "2");
        live_bed_ready("a");
        expect_result("both#1/a", "true", "2");
}
END_TEST

START_TEST(when_one_fails_to_come_back_the_next_are_left_as_they_are) {
        json_t *got;

        set_ready_notify();
        call("Restart", "{\"runs\":[\"a\",\"b\",\"web\"],\"wait\":true}", true);
        json_decref(answer());
        live_bed_end("a", ERROR_EXIT);
        got = answer();
        expect_at(got, "result.run", "both#1/a");
        expect_at(got, "result.ready", "false");
        expect_at(got, "result.left", "-");
        ck_assert_ptr_nonnull(
                strstr(json_string_value(json_object_get(json_object_get(got, "result"), "detail")), "exit: as told"));
        json_decref(got);
        got = answer();
        expect_at(got, "result.run", "both#1/b");
        expect_at(got, "result.ready", "true");
        expect_at(got, "result.left", "true");
        json_decref(got);
        expect_result("web#1", "true", "1");
        ck_assert_uint_eq(attempt_of("both#1/b"), 1);
        ck_assert_uint_eq(attempt_of("web#1"), 1);
        ck_assert(list_empty(&control->restarts));
}
END_TEST

START_TEST(others_that_fail_to_come_back_hold_up_nobody) {
        call("Restart", "{\"runs\":[\"both\"],\"wait\":true}", true);
        test_client_expect(&client, RESTARTING_BOTH);
        live_bed_end("a", ERROR_EXIT);
        expect_result("both#1/a", "false", "2");
        live_bed_ready("b");
        expect_result("both#1/b", "true", "2");
}
END_TEST

START_TEST(one_that_is_stopped_meanwhile_is_told) {
        set_ready_notify();
        call("Restart", "{\"runs\":[\"a\"],\"wait\":true}", true);
        json_decref(answer());
        ck_assert_int_eq(live_stop(live_bed_run("both#1/a"), "bob", false), 0);
        fake_loop_settle();
        expect_result("both#1/a", "false", "2");
}
END_TEST

START_TEST(one_that_is_given_up_meanwhile_is_told) {
        web->service->spec.restart_limit = 0;
        call("Restart", "{\"runs\":[\"web\"],\"wait\":true}", true);
        json_decref(answer());
        live_bed_end("web", ERROR_EXIT);
        expect_result("web#1", "false", "2");
}
END_TEST

START_TEST(without_wait_all_are_restarted_at_once) {
        set_ready_notify();
        call("Restart", "{\"runs\":[\"*\"]}", false);
        test_client_expect(&client, "{\"parameters\":{\"restarting\":[\"both#1/a\",\"both#1/b\",\"web#1\"]}}");
        fake_loop_settle();
        ck_assert_uint_eq(attempt_of("both#1/a"), 2);
        ck_assert_uint_eq(attempt_of("both#1/b"), 2);
        ck_assert_uint_eq(attempt_of("web#1"), 2);
        ck_assert(list_empty(&control->restarts));
}
END_TEST

START_TEST(what_somebody_stopped_is_restarted_by_its_own_name_alone) {
        json_decref(ask("Stop", "{\"runs\":[\"a\"]}"));
        call("Restart", "{\"runs\":[\"both\"]}", false);
        test_client_expect(&client, "{\"parameters\":{\"restarting\":[\"both#1/b\"]}}");
        ck_assert(run_is_kept_down(live_bed_run("both#1/a")));
        call("Restart", "{\"runs\":[\"a\"]}", false);
        test_client_expect(&client, "{\"parameters\":{\"restarting\":[\"both#1/a\"]}}");
        fake_loop_settle();
        ck_assert(!run_is_kept_down(live_bed_run("both#1/a")));
        ck_assert_str_eq(live_task_state(live_bed_entry("a")), "starting");
}
END_TEST

START_TEST(one_that_is_down_is_started) {
        json_decref(ask("Stop", "{\"runs\":[\"web\"]}"));
        fake_loop_settle();
        call("Restart", "{\"runs\":[\"web\"],\"wait\":true}", true);
        test_client_expect(&client, "{\"parameters\":{\"restarting\":[\"web#2\"]},\"continues\":true}");
        live_bed_ready("web");
        expect_result("web#2", "true", "1");
}
END_TEST

START_TEST(one_that_waits_to_be_restarted_does_not_wait_any_more) {
        live_bed_end("web", ERROR_EXIT);
        ck_assert_str_eq(live_task_state(live_bed_entry("web")), "restarting");
        call("Restart", "{\"runs\":[\"web\"],\"wait\":true}", true);
        json_decref(answer());
        ck_assert_str_eq(live_task_state(live_bed_entry("web")), "starting");
        live_bed_ready("web");
        expect_result("web#1", "true", "2");
}
END_TEST

START_TEST(who_goes_away_leaves_the_rest_as_it_is) {
        static struct test_client other;

        set_ready_notify();
        test_client_connect(&other, control->server);
        test_client_call(&other, "{\"method\":\"io.tendd.Runner.Restart\",\"more\":true,"
                                 "\"parameters\":{\"runs\":[\"both\"],\"wait\":true}}");
        test_client_close(&other);
        fake_loop_settle();
        ck_assert(list_empty(&control->restarts));
        live_bed_ready("a");
        ck_assert_uint_eq(attempt_of("both#1/b"), 1);
}
END_TEST

/* ---- refusals ---- */

static const struct {
        const char *method;
        const char *parameters;
        const char *error;
        const char *about;
} refusals[] = {
        { "Restart", "{\"runs\":[\"job\"]}", "NoService", "{\"name\":\"job\"}" },
        { "Restart", "{\"runs\":[\"job#1\"]}", "NoService", "{\"name\":\"job#1\"}" },
        { "Restart", "{\"runs\":[\"x\"]}", "NoSuchTask", "{\"task\":\"x\"}" },
        { "Restart", "{\"runs\":[\"a#9\"]}", "NoSuchRun", "{\"run\":\"a#9\"}" },
        { "Signal", "{\"runs\":[\"x\"],\"signal\":\"HUP\"}", "NoSuchTask", "{\"task\":\"x\"}" },
        { "Extend", "{\"runs\":[\"web\"],\"by_usec\":5}", "NoBound", "{\"run\":\"web#1\"}" },
        { "Extend", "{\"runs\":[\"x\"],\"by_usec\":5}", "NoSuchTask", "{\"task\":\"x\"}" },
};

START_TEST(what_cannot_be_is_refused_by_name) {
        char expected[300];

        (void)live_bed_start("job");
        call(refusals[_i].method, refusals[_i].parameters, false);
        (void)snprintf(expected, sizeof(expected), "{\"error\":\"io.tendd.Runner.%s\",\"parameters\":%s}",
                       refusals[_i].error, refusals[_i].about);
        test_client_expect(&client, expected);
}
END_TEST

static const struct {
        const char *method;
        const char *parameters;
        const char *parameter;
} wrong[] = {
        { "Restart", "{\"runs\":[]}", "runs" },
        { "Signal", "{\"runs\":[],\"signal\":\"HUP\"}", "runs" },
        { "Signal", "{\"runs\":[\"web\"],\"signal\":\"FOO\"}", "signal" },
        { "Signal", "{\"runs\":[\"web\"],\"signal\":\"0\"}", "signal" },
        { "Signal", "{\"runs\":[\"web\"],\"signal\":\"65\"}", "signal" },
        { "Extend", "{\"runs\":[\"web\"],\"by_usec\":0}", "by_usec" },
};

START_TEST(wrong_parameters_are_named) {
        char expected[200];

        call(wrong[_i].method, wrong[_i].parameters, false);
        (void)snprintf(expected, sizeof(expected),
                       "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"%s\"}}",
                       wrong[_i].parameter);
        test_client_expect(&client, expected);
}
END_TEST

/* ---- Signal ---- */

START_TEST(signals_have_names_and_numbers) {
        char expected[100];

        call("Signal", "{\"runs\":[\"web\"],\"signal\":\"HUP\"}", false);
        test_client_expect(&client, "{\"parameters\":{\"signalled\":[\"web#1\"],\"not_running\":[]}}");
        json_decref(ask("Signal", "{\"runs\":[\"web#1\"],\"signal\":\"SIGUSR1\",\"main\":true}"));
        json_decref(ask("Signal", "{\"runs\":[\"web\"],\"signal\":\"12\"}"));
        (void)snprintf(expected, sizeof(expected), "web:%d web:%d:main web:12", SIGHUP, SIGUSR1);
        ck_assert_str_eq(live_bed_signals(), expected);
}
END_TEST

START_TEST(a_group_s_signal_is_for_all_in_it_that_are_at_work) {
        json_decref(ask("Stop", "{\"runs\":[\"a\"]}"));
        fake_loop_settle();
        call("Signal", "{\"runs\":[\"both\",\"a\"],\"signal\":\"1\"}", false);
        test_client_expect(&client, "{\"parameters\":{\"signalled\":[\"both#1\"],\"not_running\":[\"a\"]}}");
        ck_assert_str_eq(live_bed_signals(), "b:1");
}
END_TEST

/* ---- Extend ---- */

static void start_bounded(usec_t timeout, usec_t total) {
        job->run.bounds[BOUND_TIMEOUT] = timeout;
        job->run.bounds[BOUND_TOTAL_TIMEOUT] = total;
        (void)live_bed_start("job");
}

START_TEST(extend_moves_the_next_bound_and_tells_it) {
        json_t *got;
        char buf[256], expected[32];

        start_bounded(M, USEC_INFINITY);
        got = ask("Extend", "{\"runs\":[\"job\"],\"by_usec\":60000000}");
        expect_at(got, "extended", "[1]");
        expect_at(got, "extended.0.run", "job#1");
        expect_at(got, "extended.0.bound", "timeout");
        expect_at(got, "extended.0.clipped", "false");
        expect_at(got, "extended.0.deadline.bound", "timeout");
        (void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)(clock_now(CLOCK_ID_REALTIME) + 2 * M));
        ck_assert_str_eq(at(got, "extended.0.deadline.at_usec", buf), expected);
        json_decref(got);
        fake_clock_advance(M);
        ck_assert_ptr_nonnull(live_bed_leaf("job"));
        fake_clock_advance(M);
        ck_assert_ptr_null(live_bed_leaf("job"));
}
END_TEST

START_TEST(extend_goes_up_to_a_time_on_the_wall_clock) {
        static const char *const refused[][2] = { { "{\"runs\":[\"job\"],\"until_usec\":1}", "until_usec" },
                                                  { "{\"runs\":[\"job\"],\"until_usec\":1,\"by_usec\":1}", "by_usec" },
                                                  { "{\"runs\":[\"job\"]}", "by_usec" } };
        char parameters[100];
        json_t *got;

        start_bounded(M, USEC_INFINITY);
        (void)snprintf(parameters, sizeof(parameters), "{\"runs\":[\"job\"],\"until_usec\":%llu}",
                       (unsigned long long)(clock_now(CLOCK_ID_REALTIME) + 5 * M));
        got = ask("Extend", parameters);
        expect_at(got, "extended.0.moved", "true");
        json_decref(got);
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                call("Extend", refused[i][0], false);
                got = test_client_receive(&client, NULL);
                expect_at(got, "parameters.parameter", refused[i][1]);
                json_decref(got);
        }
        fake_clock_advance(5 * M - S);
        ck_assert_ptr_nonnull(live_bed_leaf("job"));
        fake_clock_advance(S);
        ck_assert_ptr_null(live_bed_leaf("job"));
}
END_TEST

START_TEST(extend_tells_what_is_in_the_way) {
        json_t *got;

        start_bounded(M, 2 * M);
        got = ask("Extend", "{\"runs\":[\"job#1\"],\"by_usec\":600000000}");
        expect_at(got, "extended.0.clipped", "true");
        expect_at(got, "extended.0.deadline.bound", "total-timeout");
        json_decref(got);
}
END_TEST

START_TEST(extend_moves_what_is_in_the_way_when_asked_to) {
        json_t *got;

        start_bounded(M, 2 * M);
        got = ask("Extend", "{\"runs\":[\"job#1\"],\"by_usec\":600000000,\"parents\":true}");
        expect_at(got, "extended.0.clipped", "false");
        json_decref(got);
        fake_clock_advance(10 * M);
        ck_assert_ptr_nonnull(live_bed_leaf("job"));
}
END_TEST

START_TEST(what_is_stopping_gets_no_more_time) {
        start_bounded(M, USEC_INFINITY);
        run_tree_cap_grace(live_tree(live_bed.live), USEC_INFINITY);
        ck_assert_int_eq(run_cancel(live_bed_run("job#1"), CANCEL_OPERATOR, "bob"), 0);
        call("Extend", "{\"runs\":[\"job#1\"],\"by_usec\":5}", false);
        test_client_expect(&client, "{\"error\":\"io.tendd.Runner.Stopping\",\"parameters\":{\"run\":\"job#1\"}}");
}
END_TEST

/* ---- Start and Stop ---- */

START_TEST(start_leaves_what_is_up_alone_and_says_so) {
        call("Start", "{\"tasks\":[\"web\",\"job\"]}", false);
        test_client_expect(&client, "{\"parameters\":{\"started\":[\"job#1\"],\"up\":[\"web#1\"]}}");
        call("Start", "{\"tasks\":[\"web\"],\"wait\":true}", true);
        test_client_expect(&client, "{\"parameters\":{\"started\":[],\"up\":[\"web#1\"]}}");
}
END_TEST

START_TEST(stop_and_start_of_a_member_leave_its_group_at_work) {
        call("Stop", "{\"runs\":[\"a\"]}", false);
        test_client_expect(&client, "{\"parameters\":{\"stopped\":[\"both#1/a\"],\"not_running\":[]}}");
        fake_loop_settle();
        ck_assert_ptr_null(live_bed_leaf("a"));
        ck_assert(run_is_ready(live_bed_run("both#1/b")));
        call("Start", "{\"tasks\":[\"a\"]}", false);
        test_client_expect(&client, "{\"parameters\":{\"started\":[\"both#1/a\"]}}");
        fake_loop_settle();
        ck_assert_ptr_nonnull(live_bed_leaf("a"));
}
END_TEST

/* ---- what is told ---- */

START_TEST(tasks_and_runs_tell_of_services) {
        json_t *got;
        char buf[256];

        json_decref(ask("Stop", "{\"runs\":[\"a\"]}"));
        live_bed_end("b", ERROR_EXIT);
        got = ask("List", "{}");
        expect_at(got, "tasks.0.state", "stopped");
        expect_at(got, "tasks.0.service.ready", "false");
        ck_assert_ptr_nonnull(strstr(at(got, "tasks.0.service.stopped_by", buf), "uid "));
        expect_at(got, "tasks.1.state", "restarting");
        expect_at(got, "tasks.1.service.restarts", "1");
        ck_assert_str_ne(at(got, "tasks.1.service.restart_usec", buf), "-");
        expect_at(got, "tasks.2.state", "restarting");
        expect_at(got, "tasks.3.service", "-");
        expect_at(got, "tasks.4.state", "up");
        expect_at(got, "tasks.4.service.ready", "true");
        json_decref(got);

        got = ask("Why", "{\"name\":\"b\"}");
        expect_at(got, "runs.0.waiting.why", "restart");
        ck_assert_ptr_nonnull(strstr(at(got, "runs.0.waiting.text", buf), ", attempt 2: as told"));
        json_decref(got);
        got = ask("Why", "{\"name\":\"a\"}");
        expect_at(got, "runs.0.waiting.why", "stopped");
        ck_assert_ptr_nonnull(strstr(at(got, "runs.0.waiting.text", buf), "is stopped by uid "));
        json_decref(got);
}
END_TEST

START_TEST(runs_tell_what_they_say_of_themselves) {
        struct run *leaf = live_bed_leaf("web");
        json_t *got;
        char buf[256];

        run_leaf_set_status(leaf, "serving");
        run_leaf_set_progress(leaf, 520, 1000);
        run_leaf_output(leaf);
        got = ask("Tree", "{\"runs\":[\"web\"]}");
        expect_at(got, "runs.0.status", "serving");
        expect_at(got, "runs.0.progress.done", "520");
        expect_at(got, "runs.0.progress.total", "1000");
        ck_assert_str_ne(at(got, "runs.0.last_output_usec", buf), "-");
        expect_at(got, "runs.0.slow", "false");
        json_decref(got);
}
END_TEST

START_TEST(status_tells_what_is_down_behind_what_is_wrong) {
        json_t *got;

        job->slow_after_usec = M;
        (void)live_bed_start("job");
        fake_clock_advance(M);
        json_decref(ask("Stop", "{\"runs\":[\"a\"]}"));
        live_bed_end("web", ERROR_EXIT);
        got = ask("Status", "{}");
        expect_at(got, "problems", "[3]");
        expect_at(got, "problems.0.kind", "slow");
        expect_at(got, "problems.1.kind", "restarting");
        expect_at(got, "problems.1.text", "as told, attempt 2");
        expect_at(got, "problems.2.kind", "stopped");
        expect_at(got, "problems.2.command", "tendctl start a");
        json_decref(got);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control-services");
        TCase *tcase = tcase_create("control-services");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, those_that_say_when_they_are_ready_are_restarted_one_by_one);
        tcase_add_test(tcase, others_are_restarted_at_once_and_told_as_they_come);
        tcase_add_test(tcase, when_one_fails_to_come_back_the_next_are_left_as_they_are);
        tcase_add_test(tcase, others_that_fail_to_come_back_hold_up_nobody);
        tcase_add_test(tcase, one_that_is_stopped_meanwhile_is_told);
        tcase_add_test(tcase, one_that_is_given_up_meanwhile_is_told);
        tcase_add_test(tcase, without_wait_all_are_restarted_at_once);
        tcase_add_test(tcase, what_somebody_stopped_is_restarted_by_its_own_name_alone);
        tcase_add_test(tcase, one_that_is_down_is_started);
        tcase_add_test(tcase, one_that_waits_to_be_restarted_does_not_wait_any_more);
        tcase_add_test(tcase, who_goes_away_leaves_the_rest_as_it_is);
        tcase_add_loop_test(tcase, what_cannot_be_is_refused_by_name, 0, (int)ARRAY_SIZE(refusals));
        tcase_add_loop_test(tcase, wrong_parameters_are_named, 0, (int)ARRAY_SIZE(wrong));
        tcase_add_test(tcase, signals_have_names_and_numbers);
        tcase_add_test(tcase, a_group_s_signal_is_for_all_in_it_that_are_at_work);
        tcase_add_test(tcase, extend_moves_the_next_bound_and_tells_it);
        tcase_add_test(tcase, extend_goes_up_to_a_time_on_the_wall_clock);
        tcase_add_test(tcase, extend_tells_what_is_in_the_way);
        tcase_add_test(tcase, extend_moves_what_is_in_the_way_when_asked_to);
        tcase_add_test(tcase, what_is_stopping_gets_no_more_time);
        tcase_add_test(tcase, start_leaves_what_is_up_alone_and_says_so);
        tcase_add_test(tcase, stop_and_start_of_a_member_leave_its_group_at_work);
        tcase_add_test(tcase, tasks_and_runs_tell_of_services);
        tcase_add_test(tcase, runs_tell_what_they_say_of_themselves);
        tcase_add_test(tcase, status_tells_what_is_down_behind_what_is_wrong);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
