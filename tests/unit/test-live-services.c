/* SPDX-License-Identifier: MIT */
/* live-services: services as operators see them: what is told of attempts, stop and start, health, critical ones. */
#include "live/live_private.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <check.h>

#define S USEC_PER_SEC
#define M USEC_PER_MINUTE

static struct task *web, *ping, *site;

/* A service, alone and on-start, and the task that tells its health every 10 s. */
static void setup(void) {
        live_bed_setup();
        (void)live_bed_job("alert");
        web = live_bed_service("web");
        web->on_start = true;
        ping = live_bed_job("web-ping");
        ping->every_usec = 10 * S;
        ping->failing_after = 3;
        live_bed_hook(&web->on_failing, "alert");
        live_bed_hook(&web->on_recover, "alert");
}

#define check_state(task, expected) ck_assert_str_eq(live_task_state(live_bed_entry(task)), expected)

static void crash(void) {
        live_bed_end("web", ERROR_EXIT);
        fake_clock_advance(73 * S);
}

static void give_up(void) {
        for (unsigned i = 0; i < 6; i++)
                crash();
        ck_assert_ptr_null(live_bed_leaf("web"));
}

/* ---- what is told ---- */

START_TEST(each_state_has_its_word) {
        live_bed_go();
        check_state("web", "starting");
        live_bed_ready("web");
        check_state("web", "up");
        ck_assert_str_eq(live_bed_text(EVENT_RUN_READY), "ready");
        live_bed_end("web", ERROR_EXIT);
        check_state("web", "restarting");
        fake_clock_advance(2 * S);
        check_state("web", "starting");
        ck_assert_uint_eq(live_bed_events(EVENT_RUN_RESTARTING), 1);
}
END_TEST

/* An operator was faster. */
START_TEST(a_service_that_runs_is_not_started_on_its_own) {
        live_bed_go();
        live_bed_ready("web");
        live_fire(live_bed_entry("web"), "on-start", clock_now(CLOCK_ID_REALTIME));
        fake_loop_settle();
        ck_assert_ptr_null(run_tree_find(live_tree(live_bed.live), "web#2"));
        ck_assert_uint_eq(live_bed_events(EVENT_SKIPPED), 1);
}
END_TEST

START_TEST(an_attempt_that_failed_is_told_with_the_delay_and_the_reason) {
        web->service->spec.restart_delay_min_usec = web->service->spec.restart_delay_max_usec = 0;
        live_bed_go();
        live_bed_end("web", ERROR_EXIT);
        ck_assert_str_eq(live_bed_text(EVENT_RUN_RESTARTING), "restarts at once, attempt 2: exit: as told");
        live_bed_end("web", ERROR_NONE);
        ck_assert_str_eq(live_bed_text(EVENT_RUN_RESTARTING), "restarts at once, attempt 3: it had ended");
        ck_assert_int_eq(live_restart(live_bed_run("web#1"), "alice"), 0);
        fake_loop_settle();
        ck_assert_str_eq(live_bed_text(EVENT_RUN_RESTARTING), "restarts at once, attempt 4: asked by alice");
}
END_TEST

START_TEST(one_that_is_given_up_is_failing_at_once_and_recovers_when_ready) {
        web->failing_after = 5;
        live_bed_go();
        give_up();
        check_state("web", "gave-up");
        ck_assert(live_task_is_failing(live_bed_entry("web")));
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:web:failed");
        (void)live_bed_start("web");
        ck_assert(live_task_is_failing(live_bed_entry("web")));
        live_bed_ready("web");
        ck_assert(!live_task_is_failing(live_bed_entry("web")));
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:web:failed alert:recovered:web:ok");
        ck_assert_uint_eq(live_bed_events(EVENT_RECOVERED), 1);
}
END_TEST

/* ---- operators ---- */

START_TEST(stopped_it_stays_down_until_it_is_started) {
        web->every_usec = M;
        live_bed_go();
        live_bed_ready("web");
        ck_assert_int_eq(live_stop(live_bed_run("web#1"), "alice", false), 0);
        fake_loop_settle();
        check_state("web", "stopped");
        ck_assert_str_eq(live_task_stopped_by(live_bed_entry("web"), NULL), "alice");
        ck_assert(!live_task_is_failing(live_bed_entry("web")));
        fake_clock_advance(10 * M);
        ck_assert_ptr_null(live_bed_leaf("web"));
        ck_assert_str_eq(live_task_skip_reason(live_bed_entry("web")),
                         "an operator has stopped it, until it is started");
        (void)live_bed_start("web");
        check_state("web", "starting");
        ck_assert_ptr_null(live_task_stopped_by(live_bed_entry("web"), NULL));
}
END_TEST

START_TEST(what_is_up_is_not_started_again) {
        struct run *run = NULL;

        live_bed_go();
        live_bed_ready("web");
        ck_assert_int_eq(live_start(live_bed_entry("web"), "alice", &run), -EALREADY);
        ck_assert_ptr_eq(run, live_bed_run("web#1"));
        ck_assert_uint_eq(live_task_running(live_bed_entry("web")), 1);
}
END_TEST

START_TEST(what_is_stopping_is_started_after_it) {
        struct run *run;

        live_bed_go();
        ck_assert_int_eq(live_stop(live_bed_run("web#1"), "alice", false), 0);
        ck_assert_int_eq(live_start(live_bed_entry("web"), "alice", &run), 0);
        fake_loop_settle();
        ck_assert_ptr_eq(run, live_bed_run("web#2"));
        check_state("web", "starting");
}
END_TEST

/* ---- members ---- */

/* A group of two services that is on-start. */
static void setup_site(void) {
        live_bed_setup();
        (void)live_bed_service("a");
        (void)live_bed_service("b");
        site = live_bed_group("site");
        site->on_start = true;
        live_bed_go();
        live_bed_ready("a");
        live_bed_ready("b");
}

START_TEST(what_only_waits_for_what_it_had_started_is_started_after_it) {
        struct live_start how = { .by = "test" };
        struct run *run;

        web->service->spec.restart = RESTART_ON_FAILURE;
        live_bed_go();
        live_bed_ready("web");
        how.host = live_bed_run("web#1");
        ck_assert_int_eq(live_start_as(live_bed_entry("alert"), &how, &run), 0);
        fake_loop_settle();
        live_bed_end("web", ERROR_NONE);
        check_state("web", "stopping");
        ck_assert_int_eq(live_start(live_bed_entry("web"), "bob", &run), 0);
        fake_loop_settle();
        ck_assert_ptr_eq(run, live_bed_run("web#2"));
        ck_assert_ptr_null(live_bed_leaf("web"));
        live_bed_end("alert", ERROR_NONE);
        ck_assert_ptr_nonnull(live_bed_leaf("web"));
        check_state("web", "starting");
}
END_TEST

START_TEST(what_is_started_from_inside_of_a_run_is_no_child_of_it) {
        struct live_start how = { .by = "test" };
        struct run *run;

        live_bed_go();
        live_bed_ready("web");
        ck_assert_int_eq(live_stop(live_bed_run("web#1"), "alice", false), 0);
        fake_loop_settle();
        how.host = live_bed_start("alert");
        ck_assert_int_eq(live_start_as(live_bed_entry("web"), &how, &run), 0);
        fake_loop_settle();
        ck_assert_str_eq(run_get_trigger(run), "alert#1 (test)");
        ck_assert_ptr_null(run_get_host(run));
        live_bed_end("alert", ERROR_EXIT);
        ck_assert_ptr_null(run_first_guest(live_bed_run("web#2")));
        live_bed_ready("web");
        check_state("web", "up");
        how.host = live_bed_start("alert");
        live_close(live_bed.live);
        ck_assert_int_eq(live_stop(run, "alice", false), 0);
        fake_loop_settle();
        ck_assert_int_eq(live_start_as(live_bed_entry("web"), &how, &run), 0); /* it is part of what was begun */
}
END_TEST

START_TEST(a_member_is_kept_down_in_its_place) {
        struct run *run;

        check_state("site", "up");
        ck_assert_int_eq(live_stop(live_bed_run("site#1/a"), "alice", false), 0);
        fake_loop_settle();
        check_state("a", "stopped");
        check_state("b", "up");
        check_state("site", "partly-up");
        ck_assert_str_eq(live_bed_text(EVENT_RUN_DOWN), "stopped by alice, until it is started");
        fake_clock_advance(10 * M);
        ck_assert_ptr_null(live_bed_leaf("a"));
        ck_assert_int_eq(live_start(live_bed_entry("a"), "bob", &run), 0);
        fake_loop_settle();
        ck_assert_ptr_eq(run, live_bed_run("site#1/a"));
        live_bed_ready("a");
        check_state("site", "up");
        ck_assert_ptr_null(live_task_stopped_by(live_bed_entry("a"), NULL));
}
END_TEST

START_TEST(starting_the_group_brings_back_who_is_down) {
        struct run *run;

        ck_assert_int_eq(live_stop(live_bed_run("site#1/a"), "alice", true), 0);
        fake_loop_settle();
        ck_assert_int_eq(live_start(live_bed_entry("site"), "bob", &run), 0);
        fake_loop_settle();
        check_state("a", "starting");
        ck_assert_int_eq(live_start(live_bed_entry("site"), "bob", &run), -EALREADY);
}
END_TEST

START_TEST(a_group_that_failed_recovers_when_it_is_ready) {
        for (unsigned i = 0; i < 6; i++) {
                live_bed_end("a", ERROR_EXIT);
                live_bed_end("b", ERROR_EXIT);
                fake_clock_advance(73 * S);
        }
        ck_assert(live_task_is_failing(live_bed_entry("site")));
        (void)live_bed_start("site");
        live_bed_ready("a");
        ck_assert(live_task_is_failing(live_bed_entry("site")));
        live_bed_ready("b");
        ck_assert(!live_task_is_failing(live_bed_entry("site")));
        check_state("site", "up");
        ck_assert_uint_eq(live_bed_events(EVENT_RECOVERED), 3); /* a, b, and site */
}
END_TEST

START_TEST(one_that_is_down_stays_so_when_its_group_ends_until_an_operator_starts_that) {
        struct run *run;

        ck_assert_int_eq(live_stop(live_bed_run("site#1/a"), "alice", false), 0);
        fake_loop_settle();
        ck_assert_int_eq(live_stop(live_bed_run("site#1"), "alice", false), 0);
        fake_loop_settle();
        check_state("a", "stopped");
        ck_assert_int_eq(live_start_due(live_bed_entry("site"), "calendar", 1, &run), 0); /* no operator */
        fake_loop_settle();
        check_state("a", "stopped");
        check_state("b", "starting");
        ck_assert_str_eq(live_bed_text(EVENT_RUN_DOWN), "stays down: stopped by alice, until it is started");
        ck_assert_int_eq(live_stop(run, "alice", true), 0);
        fake_loop_settle();
        ck_assert_int_eq(live_start(live_bed_entry("site"), "bob", &run), 0);
        fake_loop_settle();
        check_state("a", "starting");
        check_state("b", "starting");
}
END_TEST

START_TEST(a_member_that_was_given_up_is_started_in_its_place) {
        struct run *run;

        site->run.policy = GROUP_SETTLE;
        live_bed_end("a", ERROR_EXIT);
        for (unsigned i = 0; i < 6; i++) {
                fake_clock_advance(73 * S);
                if (live_bed_leaf("a"))
                        live_bed_end("a", ERROR_EXIT);
        }
        check_state("a", "gave-up");
        check_state("site", "partly-up");
        ck_assert_int_eq(live_start(live_bed_entry("a"), "bob", &run), 0);
        fake_loop_settle();
        ck_assert_ptr_eq(run, live_bed_run("site#1/a"));
        check_state("a", "starting");
        ck_assert(live_task_is_failing(live_bed_entry("a")));
        live_bed_ready("a");
        check_state("site", "up");
        ck_assert(!live_task_is_failing(live_bed_entry("a")));
        ck_assert_int_eq(live_start(live_bed_entry("a"), "bob", &run), -EALREADY);
        ck_assert_int_eq(live_stop(live_bed_run("site#1"), "alice", false), 0);
        fake_loop_settle();
        ck_assert_ptr_null(live_bed_leaf("a"));
}
END_TEST

START_TEST(a_member_of_a_group_that_is_ending_gets_a_run_of_its_own) {
        struct run *run;

        ck_assert_int_eq(live_stop(live_bed_run("site#1"), "alice", false), 0);
        ck_assert_int_eq(live_start(live_bed_entry("a"), "bob", &run), 0);
        fake_loop_settle();
        ck_assert_ptr_eq(run, live_bed_run("a#1"));
        check_state("a", "starting");
}
END_TEST

/* ---- instances ---- */

static void setup_instances(void) {
        live_bed_setup();
        live_bed_instances("web", 2)->on_start = true;
        live_bed_go();
        live_bed_ready("web@1");
        live_bed_ready("web@2");
}

START_TEST(stopped_instances_can_be_started_each) {
        struct run *run;

        check_state("web", "up");
        ck_assert_int_eq(live_stop(live_bed_run("web#1"), "alice", false), 0);
        fake_loop_settle();
        check_state("web", "stopped");
        check_state("web@1", "stopped");
        ck_assert_str_eq(live_task_stopped_by(live_bed_entry("web"), NULL), "alice");
        ck_assert_ptr_null(live_bed_leaf("web@1"));

        ck_assert_int_eq(live_start(live_bed_entry("web@2"), "bob", &run), 0);
        fake_loop_settle();
        ck_assert_ptr_eq(run, live_bed_run("web#1/web@2"));
        ck_assert_ptr_null(live_task_stopped_by(live_bed_entry("web"), NULL));
        check_state("web", "starting");
        live_bed_ready("web@2");
        check_state("web", "partly-up");

        ck_assert_int_eq(live_start(live_bed_entry("web"), "bob", &run), 0);
        fake_loop_settle();
        live_bed_ready("web@1");
        check_state("web", "up");
}
END_TEST

/* ---- health ---- */

static void setup_health(void) {
        setup();
        web->service->health = strdup("web-ping");
        live_bed_go();
}

START_TEST(health_is_looked_at_while_the_service_is_ready) {
        fake_clock_advance(M);
        ck_assert_ptr_null(live_bed_leaf("web-ping"));
        live_bed_ready("web");
        fake_clock_advance(10 * S - 1);
        ck_assert_ptr_null(live_bed_leaf("web-ping"));
        fake_clock_advance(1);
        ck_assert_ptr_nonnull(live_bed_leaf("web-ping"));
        live_bed_end("web", ERROR_EXIT);
        ck_assert_ptr_null(live_bed_leaf("web-ping")); /* it is not wanted any more */
        ck_assert_int_eq(live_task_last(live_bed_entry("web-ping"))->outcome, OUTCOME_CANCELLED);
        fake_clock_advance(M);
        ck_assert_ptr_null(live_bed_leaf("web-ping"));
}
END_TEST

static void ping_fails(void) {
        fake_clock_advance(10 * S);
        live_bed_end("web-ping", ERROR_CONNECT);
}

START_TEST(failing_health_fails_the_attempt_and_restart_decides) {
        live_bed_ready("web");
        ping_fails();
        ping_fails();
        check_state("web", "up");
        ping_fails();
        check_state("web", "restarting");
        ck_assert_ptr_nonnull(strstr(live_bed_text(EVENT_RUN_RESTARTING),
                                     "attempt 2: health: web-ping failed 3 times in a row: connect: as told"));
        fake_clock_advance(2 * S);
        check_state("web", "starting");
}
END_TEST

START_TEST(health_begins_anew_with_each_attempt) {
        live_bed_ready("web");
        ping_fails();
        ping_fails();
        live_bed_end("web", ERROR_EXIT);
        fake_clock_advance(2 * S);
        live_bed_ready("web");
        ping_fails();
        ping_fails();
        check_state("web", "up");
        ping_fails();
        check_state("web", "restarting");
        ck_assert_uint_eq(live_task_failures(live_bed_entry("web-ping")), 0);
}
END_TEST

/* The task that tells goes on to be failing until it is ok, and is not told of again; the service is restarted again. */
START_TEST(health_that_never_gets_well_restarts_again_and_again) {
        live_bed_ready("web");
        for (unsigned i = 1; i <= 5; i++) {
                ping_fails();
                ping_fails();
                ping_fails();
                ck_assert_uint_eq(live_bed_events(EVENT_RUN_RESTARTING), i);
                fake_clock_advance(73 * S);
                live_bed_ready("web");
        }
        ck_assert_uint_eq(live_bed_events(EVENT_FAILING), 1);
        ping_fails();
        ping_fails();
        ping_fails();
        check_state("web", "gave-up");
        ck_assert_int_eq(result_error(live_task_last(live_bed_entry("web"))), ERROR_HEALTH);
}
END_TEST

START_TEST(health_is_not_looked_at_once_triggers_are_stopped) {
        live_stop_triggers(live_bed.live);
        live_bed_ready("web");
        fake_clock_advance(M);
        ck_assert_ptr_null(live_bed_leaf("web-ping"));
}
END_TEST

/* ---- critical ---- */

static void setup_critical(void) {
        setup();
        web->service->critical = true;
        live_bed_go();
}

START_TEST(the_final_failure_of_a_critical_service_is_told) {
        live_bed_end("web", ERROR_EXIT);
        ck_assert_ptr_null(live_bed.critical);
        fake_clock_advance(73 * S);
        for (unsigned i = 0; i < 5; i++)
                crash();
        ck_assert_ptr_nonnull(live_bed.critical);
        ck_assert_int_eq(live_bed.critical->exit_code, 7);
}
END_TEST

START_TEST(a_stop_of_a_critical_service_is_no_failure) {
        ck_assert_int_eq(live_stop(live_bed_run("web#1"), "alice", false), 0);
        fake_loop_settle();
        check_state("web", "stopped");
        ck_assert_ptr_null(live_bed.critical);
}
END_TEST

static TCase *make_case(Suite *suite, const char *name, void (*make)(void)) {
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, make, live_bed_teardown);
        suite_add_tcase(suite, tcase);
        return tcase;
}

int main(void) {
        Suite *suite = suite_create("live-services");
        TCase *tcase = make_case(suite, "alone", setup);
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, each_state_has_its_word);
        tcase_add_test(tcase, a_service_that_runs_is_not_started_on_its_own);
        tcase_add_test(tcase, an_attempt_that_failed_is_told_with_the_delay_and_the_reason);
        tcase_add_test(tcase, one_that_is_given_up_is_failing_at_once_and_recovers_when_ready);
        tcase_add_test(tcase, stopped_it_stays_down_until_it_is_started);
        tcase_add_test(tcase, what_is_up_is_not_started_again);
        tcase_add_test(tcase, what_is_stopping_is_started_after_it);
        tcase_add_test(tcase, what_only_waits_for_what_it_had_started_is_started_after_it);
        tcase_add_test(tcase, what_is_started_from_inside_of_a_run_is_no_child_of_it);
        tcase = make_case(suite, "members", setup_site);
        tcase_add_test(tcase, a_member_is_kept_down_in_its_place);
        tcase_add_test(tcase, starting_the_group_brings_back_who_is_down);
        tcase_add_test(tcase, a_group_that_failed_recovers_when_it_is_ready);
        tcase_add_test(tcase, one_that_is_down_stays_so_when_its_group_ends_until_an_operator_starts_that);
        tcase_add_test(tcase, a_member_that_was_given_up_is_started_in_its_place);
        tcase_add_test(tcase, a_member_of_a_group_that_is_ending_gets_a_run_of_its_own);
        tcase = make_case(suite, "instances", setup_instances);
        tcase_add_test(tcase, stopped_instances_can_be_started_each);
        tcase = make_case(suite, "health", setup_health);
        tcase_add_test(tcase, health_is_looked_at_while_the_service_is_ready);
        tcase_add_test(tcase, failing_health_fails_the_attempt_and_restart_decides);
        tcase_add_test(tcase, health_begins_anew_with_each_attempt);
        tcase_add_test(tcase, health_that_never_gets_well_restarts_again_and_again);
        tcase_add_test(tcase, health_is_not_looked_at_once_triggers_are_stopped);
        tcase = make_case(suite, "critical", setup_critical);
        tcase_add_test(tcase, the_final_failure_of_a_critical_service_is_told);
        tcase_add_test(tcase, a_stop_of_a_critical_service_is_no_failure);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
