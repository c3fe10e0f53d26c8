/* SPDX-License-Identifier: MIT */
/* control-wait: Wait for states and with a timeout, over a real socket. */
#include "control/methods.h"
#include "support/asking.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <stdio.h>

#define S USEC_PER_SEC

static struct control *control;

static const char *phase(_unused_ void *arg) {
        return "running";
}

/* The services a and b in the group both, which is up to be started; the jobs job and other. */
static void setup(void) {
        struct control_options options = { .phase = phase };

        live_bed_setup();
        (void)live_bed_service("a");
        (void)live_bed_service("b");
        (void)live_bed_group("both");
        live_bed_job("job")->failing_after = 2;
        (void)live_bed_job("other");
        live_bed_go();
        options.live = live_bed.live;
        ck_assert_int_eq(control_new(&options, &control), 0);
        test_client_connect(&client, control->server);
}

static void teardown(void) {
        test_client_close(&client);
        control_free(control);
        live_bed_teardown();
}

static void wait_for(const char *names, const char *state, const char *more) {
        char parameters[300];

        (void)snprintf(parameters, sizeof(parameters), "{\"runs\":[%s],\"state\":\"%s\"%s}", names, state, more);
        call("Wait", parameters, true);
}

static void expect_nothing(void) {
        test_client_expect_nothing(&client, false);
}

static void expect_reached(const char *name) {
        json_t *got = answer();

        expect_at(got, "reached", name);
        json_decref(got);
}

static void expect_error(const char *name, const char *path, const char *value) {
        json_t *got = test_client_receive(&client, NULL);

        ck_assert_ptr_nonnull(got);
        expect_at(got, "error", name);
        if (path)
                expect_at(got, path, value);
        json_decref(got);
}

/* Runs job to an end. */
static void run_job(enum error_kind error) {
        (void)live_bed_start("job");
        live_bed_ready("job");
        live_bed_end("job", error);
}

START_TEST(started_is_when_a_run_is_at_work) {
        wait_for("\"job\",\"other\"", "started", "");
        expect_nothing();
        run_job(ERROR_NONE); /* it passes by */
        expect_reached("job");
        expect_nothing();
        (void)live_bed_start("other");
        expect_nothing();
        live_bed_ready("other");
        expect_reached("other");

        wait_for("\"other\",\"other#1\"", "started", "");
        expect_reached("other");
        expect_reached("other#1");
        wait_for("\"job#1\"", "started", ""); /* the last of its task */
        expect_reached("job#1");
}
END_TEST

START_TEST(what_never_started_is_not_waited_for) {
        struct run *run;

        (void)live_bed_start("job");
        run = live_bed_start("job");
        ck_assert_int_eq(run_get_state(run), RUN_QUEUED);
        wait_for("\"job#2\"", "started", "");
        expect_nothing();
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "test"), 0);
        fake_loop_settle();
        expect_error("io.tendd.Runner.NotRunning", "parameters.name", "job#2");
        wait_for("\"job#9\"", "started", "");
        expect_error("io.tendd.Runner.NotRunning", NULL, NULL);
}
END_TEST

START_TEST(ready_is_of_services_and_of_groups_of_them) {
        wait_for("\"job\"", "ready", "");
        expect_error("io.tendd.Runner.NoService", "parameters.name", "job");
        wait_for("\"*\"", "ready", "");
        (void)live_bed_start("both");
        expect_nothing();
        live_bed_ready("a");
        expect_reached("a");
        expect_nothing();
        live_bed_ready("b");
        expect_reached("b");
        expect_reached("both");
        wait_for("\"both\"", "ready", "");
        expect_reached("both");
}
END_TEST

/* Lets @service fail until it is given up. */
static void wear_out(const char *service) {
        while (live_bed_leaf(service)) {
                live_bed_end(service, ERROR_EXIT);
                fake_clock_advance(USEC_PER_MINUTE);
        }
}

static void expect_ended(const char *task, const char *run, const char *reason) {
        json_t *got = test_client_receive(&client, NULL);

        ck_assert_ptr_nonnull(got);

        expect_at(got, "error", "io.tendd.Runner.Ended");
        expect_at(got, "parameters.task", task);
        expect_at(got, "parameters.run", run);
        expect_at(got, "parameters.reason", reason);
        json_decref(got);
}

START_TEST(a_service_that_was_given_up_is_not_waited_for) {
        wait_for("\"a\"", "ready", ""); /* it has not begun yet */
        expect_nothing();
        (void)live_bed_start("a");
        expect_nothing();
        wear_out("a");
        expect_ended("a", "a#1", "a#1 failed: as told");
        wait_for("\"a\"", "ok", "");
        expect_ended("a", "a#1", "a#1 failed: as told");
        (void)live_bed_start("a");
        wait_for("\"a\"", "ok", "");
        expect_nothing();
        live_bed_ready("a");
        expect_reached("a");
        ck_assert_int_eq(live_stop(live_bed_run("a#2"), "test", true), 0);
        fake_loop_settle();
        wait_for("\"a\"", "ready", ""); /* who stopped it may start it */
        expect_nothing();
        (void)live_bed_start("a");
        live_bed_ready("a");
        expect_reached("a");
}
END_TEST

START_TEST(nor_is_a_group_of_which_one_was_given_up) {
        (void)live_bed_start("both");
        live_bed_ready("a");
        wait_for("\"both\"", "ready", "");
        expect_nothing();
        wear_out("b");
        ck_assert_int_eq(run_get_state(live_bed_run("both#1")), RUN_RUNNING);
        expect_ended("both", "both#1/b", "both#1/b failed: as told");
        (void)live_bed_start("b"); /* in its place */
        wait_for("\"both\"", "ready", "");
        expect_nothing();
        live_bed_ready("b");
        expect_reached("both");
        wear_out("b");
        wear_out("a");
        wait_for("\"both\"", "ok", "");
        expect_ended("both", "both#1", "both#1 failed: as told");
}
END_TEST

START_TEST(ok_is_when_the_last_run_was) {
        wait_for("\"job\"", "ok", "");
        run_job(ERROR_EXIT);
        expect_nothing();
        run_job(ERROR_NONE);
        expect_reached("job");
        wait_for("\"job\"", "ok", "");
        expect_reached("job");
}
END_TEST

START_TEST(failing_and_recovered_are_levels) {
        wait_for("\"job\"", "recovered", "");
        expect_reached("job");
        wait_for("\"job\"", "failing", "");
        run_job(ERROR_EXIT);
        expect_nothing();
        run_job(ERROR_EXIT);
        expect_reached("job");
        wait_for("\"job\"", "recovered", "");
        expect_nothing();
        run_job(ERROR_NONE);
        expect_reached("job");
}
END_TEST

START_TEST(idle_is_when_only_services_are_at_work) {
        json_t *got;

        (void)live_bed_start("both");
        wait_for("", "idle", "");
        json_decref(answer());
        (void)live_bed_start("job");
        (void)live_bed_start("job"); /* queued */
        wait_for("", "idle", "");
        live_bed_end("job", ERROR_NONE);
        expect_nothing();
        live_bed_end("job", ERROR_NONE);
        got = answer();
        ck_assert_uint_eq(json_object_size(got), 0);
        json_decref(got);
}
END_TEST

START_TEST(what_does_not_come_in_time_is_named) {
        wait_for("\"job\",\"other\"", "ok", ",\"timeout_usec\":5000000");
        run_job(ERROR_NONE);
        expect_reached("job");
        fake_clock_advance(5 * S);
        expect_error("io.tendd.Runner.TimedOut", "parameters.waiting_for.0", "other");
        (void)live_bed_start("other");
        wait_for("", "idle", ",\"timeout_usec\":5000000");
        fake_clock_advance(5 * S);
        expect_error("io.tendd.Runner.TimedOut", "parameters.waiting_for.0", "other#1");
        wait_for("\"other\"", "done", ",\"timeout_usec\":5000000");
        fake_clock_advance(5 * S);
        expect_error("io.tendd.Runner.TimedOut", "parameters.waiting_for.0", "other#1");
        wait_for("\"other\"", "done", ",\"timeout_usec\":5000000");
        live_bed_end("other", ERROR_NONE);
        json_decref(answer());
        fake_clock_advance(5 * S);
        expect_nothing();
}
END_TEST

static const struct {
        const char *parameters, *error;
} refused[] = {
        { "{\"runs\":[\"x\"],\"state\":\"ok\"}", "io.tendd.Runner.NoSuchTask" },
        { "{\"runs\":[\"x*\"],\"state\":\"ok\"}", "io.tendd.Runner.NoSuchTask" },
        { "{\"runs\":[\"job\"],\"state\":\"fine\"}", "org.varlink.service.InvalidParameter" },
        { "{\"runs\":[\"job\"],\"state\":\"idle\"}", "org.varlink.service.InvalidParameter" },
        { "{\"state\":\"ok\"}", "org.varlink.service.InvalidParameter" },
        { "{}", "org.varlink.service.InvalidParameter" },
        { "{\"runs\":[\"job#1\"],\"state\":\"ok\"}", "org.varlink.service.InvalidParameter" },
        { "{\"runs\":[\"job\"],\"state\":\"ok\",\"timeout_usec\":0}", "org.varlink.service.InvalidParameter" },
};

START_TEST(what_cannot_be_waited_for_is_refused) {
        call("Wait", refused[_i].parameters, true);
        expect_error(refused[_i].error, NULL, NULL);
}
END_TEST

START_TEST(who_waits_may_go_away) {
        wait_for("\"*\"", "started", ",\"timeout_usec\":5000000");
        test_client_close(&client);
        fake_loop_settle();
        run_job(ERROR_NONE);
        fake_clock_advance(5 * S);
        test_client_connect(&client, control->server);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control-wait");
        TCase *tcase = tcase_create("control-wait");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, started_is_when_a_run_is_at_work);
        tcase_add_test(tcase, what_never_started_is_not_waited_for);
        tcase_add_test(tcase, ready_is_of_services_and_of_groups_of_them);
        tcase_add_test(tcase, a_service_that_was_given_up_is_not_waited_for);
        tcase_add_test(tcase, nor_is_a_group_of_which_one_was_given_up);
        tcase_add_test(tcase, ok_is_when_the_last_run_was);
        tcase_add_test(tcase, failing_and_recovered_are_levels);
        tcase_add_test(tcase, idle_is_when_only_services_are_at_work);
        tcase_add_test(tcase, what_does_not_come_in_time_is_named);
        tcase_add_loop_test(tcase, what_cannot_be_waited_for_is_refused, 0, (int)ARRAY_SIZE(refused));
        tcase_add_test(tcase, who_waits_may_go_away);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
