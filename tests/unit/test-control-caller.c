/* SPDX-License-Identifier: MIT */
/* control-caller: calls from inside of runs, over a real socket: what they start is a child of the run. Who asks is found by a
 * fake of loop/child_find.c, when the test says so. */
#include "control/caller.h"
#include "loop/child_find.h"
#include "support/asking.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"
#include "task/kind.h"

#include <stdio.h>

static struct control *control;

/* The search that is under way, and the leaf whose child is found. */
static struct {
        child_found_fn fn;
        void *arg;
        unsigned n_begun;
        unsigned n_cancelled;
        struct run *leaf;
} search;

/* Only ever compared. */
static char a_child, a_search;

int __wrap_child_find(struct spawner *spawner, const struct child_suspect *suspect, child_found_fn fn, void *arg,
                      struct child_search **ret);
struct child_search *__wrap_child_search_cancel(struct child_search *search);
struct run *__wrap_kind_run_of(const struct child *child);

int __wrap_child_find(_unused_ struct spawner *spawner, const struct child_suspect *suspect, child_found_fn fn,
                      void *arg, struct child_search **ret) {
        int pidfd = suspect->pidfd;

        ck_assert_int_eq(suspect->pid, getpid());
        ck_assert_uint_le(suspect->begun_by_usec, clock_now(CLOCK_ID_BOOTTIME));
        closep(&pidfd);
        search.fn = fn;
        search.arg = arg;
        search.n_begun++;
        *ret = (struct child_search *)&a_search;
        return 0;
}

struct child_search *__wrap_child_search_cancel(struct child_search *begun) {
        search.n_cancelled += begun != NULL;
        return NULL;
}

struct run *__wrap_kind_run_of(const struct child *child) {
        ck_assert_ptr_eq(child, &a_child);
        return search.leaf;
}

/* The client is a process of @task's present attempt; of none without one. */
static void find(const char *task) {
        search.leaf = task ? live_bed_leaf(task) : NULL;
        search.fn(task ? (struct child *)&a_child : NULL, search.arg);
        fake_loop_settle();
}

static const char *phase(_unused_ void *arg) {
        return "running";
}

static void setup(void) {
        struct control_options options = { .phase = phase };
        struct task *self;

        memset(&search, 0, sizeof(search));
        live_bed_setup();
        (void)live_bed_job("inner");
        (void)live_bed_job("outer");
        (void)live_bed_group("pair");
        self = live_bed_job("self");
        self->overlap = OVERLAP_ALLOW;
        self->overlap_max = 100;
        (void)live_bed_job("third");
        (void)live_bed_service("web");
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

static void call_start(const char *tasks) {
        char text[128];

        (void)snprintf(text, sizeof(text), "{\"tasks\":[%s]}", tasks);
        call("Start", text, false);
        ck_assert_uint_gt(search.n_begun, 0);
}

static void expect_started(const char *run) {
        json_t *got = answer();

        expect_at(got, "started.0", run);
        json_decref(got);
}

static void check_is_host(const char *host, const char *guest) {
        ck_assert_ptr_eq(run_get_host(live_bed_run(guest)), live_bed_run(host));
}

START_TEST(what_is_started_from_inside_is_a_child) {
        json_t *got;

        (void)live_bed_start("outer");
        call_start("\"inner\",\"third\"");
        test_client_expect_nothing(&client, false);
        find("outer");
        expect_started("inner#1");
        check_is_host("outer#1", "inner#1");
        check_is_host("outer#1", "third#1");
        ck_assert_ptr_eq(strstr(run_get_trigger(live_bed_run("inner#1")), "outer#1 (uid "),
                         run_get_trigger(live_bed_run("inner#1")));
        ck_assert_uint_eq(search.n_begun, 1);
        ck_assert_uint_eq(search.n_cancelled, 0);

        got = ask("Tree", "{}");
        expect_at(got, "runs", "[3]");
        expect_at(got, "runs.0.name", "outer#1");
        expect_at(got, "runs.1.name", "inner#1");
        expect_at(got, "runs.1.depth", "1");
        expect_at(got, "runs.2.name", "third#1");
        expect_at(got, "runs.2.depth", "1");
        json_decref(got);
        got = ask("Tree", "{\"runs\":[\"inner\"]}");
        expect_at(got, "runs", "[1]");
        expect_at(got, "runs.0.depth", "0");
        json_decref(got);
}
END_TEST

START_TEST(its_host_waits_for_it_and_says_so) {
        json_t *got;

        (void)live_bed_start("outer");
        call_start("\"inner\"");
        find("outer");
        expect_started("inner#1");
        live_bed_end("outer", ERROR_NONE);
        got = ask("Why", "{\"name\":\"outer\"}");
        expect_at(got, "runs.0.waiting.why", "children");
        expect_at(got, "runs.0.waiting.run", "inner#1");
        expect_at(got, "runs.1.name", "inner#1");
        json_decref(got);
        live_bed_end("inner", ERROR_NONE);
        ck_assert_uint_eq(live_task_running(live_bed_entry("outer")), 0);
}
END_TEST

START_TEST(others_start_what_is_nobody_s_child) {
        (void)live_bed_start("outer");
        call_start("\"inner\"");
        find(NULL);
        expect_started("inner#1");
        ck_assert_ptr_null(run_get_host(live_bed_run("inner#1")));
}
END_TEST

START_TEST(who_is_not_found_in_time_is_another) {
        (void)live_bed_start("outer");
        call_start("\"inner\"");
        fake_clock_advance(USEC_PER_SEC - 1);
        test_client_expect_nothing(&client, false);
        fake_clock_advance(1);
        ck_assert_uint_eq(search.n_cancelled, 1);
        expect_started("inner#1");
        ck_assert_ptr_null(run_get_host(live_bed_run("inner#1")));
}
END_TEST

START_TEST(who_goes_away_has_it_started_nevertheless) {
        (void)live_bed_start("outer");
        call_start("\"inner\"");
        test_client_close(&client);
        fake_loop_settle();
        ck_assert_ptr_null(run_tree_find(live_tree(live_bed.live), "inner#1"));
        find("outer");
        check_is_host("outer#1", "inner#1");
        test_client_connect(&client, control->server);
}
END_TEST

static const struct {
        const char *tasks;
        const char *expected;
} deadlocks[] = {
        { "\"outer\"", "{\"error\":\"io.tendd.Runner.WouldDeadlock\",\"parameters\":{\"reason\":\"outer would wait for "
                       "outer#1, because its runs do not overlap, and that would wait for outer\",\"run\":\"outer#1\","
                       "\"task\":\"outer\"}}" },
        { "\"pair\"", "{\"error\":\"io.tendd.Runner.WouldDeadlock\",\"parameters\":{\"reason\":\"outer would wait for "
                      "outer#1, because its runs do not overlap, and that would wait for outer\",\"run\":\"outer#1\","
                      "\"task\":\"outer\"}}" },
};

START_TEST(what_would_wait_for_ever_is_refused) {
        (void)live_bed_start("outer");
        call_start(deadlocks[_i].tasks);
        find("outer");
        test_client_expect(&client, deadlocks[_i].expected);
}
END_TEST

START_TEST(what_runs_starts_others_also_when_the_daemon_waits_to_be_idle) {
        struct run *busy[4];

        (void)live_bed_start("outer");
        live_close(live_bed.live);
        call_start("\"inner\",\"web\"");
        find("outer");
        expect_started("inner#1");
        live_bed_end("outer", ERROR_NONE);
        ck_assert_uint_eq(live_find_busy(live_bed.live, busy, ARRAY_SIZE(busy)), 1);
        ck_assert_ptr_eq(busy[0], live_bed_run("inner#1"));
        live_bed_end("inner", ERROR_NONE);
        ck_assert_ptr_null(run_get_host(live_bed_run("web#1"))); /* it stays up */
        ck_assert_uint_eq(live_find_busy(live_bed.live, busy, ARRAY_SIZE(busy)), 0);
        call_start("\"inner\"");
        find(NULL);
        test_client_expect(&client, "{\"error\":\"io.tendd.Runner.ShuttingDown\",\"parameters\":{}}");
}
END_TEST

START_TEST(nothing_is_started_from_inside_of_what_is_to_end) {
        (void)live_bed_start("outer");
        call_start("\"inner\"");
        search.leaf = live_bed_leaf("outer");
        ck_assert_int_eq(run_cancel(live_bed_run("outer#1"), CANCEL_OPERATOR, "alice"), 0);
        search.fn((struct child *)&a_child, search.arg);
        fake_loop_settle();
        test_client_expect(&client, "{\"error\":\"io.tendd.Runner.CallerEnds\",\"parameters\":{\"run\":\"outer#1\"}}");
}
END_TEST

START_TEST(there_is_an_end_to_starts_from_inside) {
        char name[RUN_NAME_MAX];

        (void)live_bed_start("self");
        for (unsigned i = 1; i <= 17; i++) {
                (void)snprintf(name, sizeof(name), "self#%u", i);
                call_start("\"self\"");
                search.leaf = run_first_child(live_bed_run(name));
                search.fn((struct child *)&a_child, search.arg);
                fake_loop_settle();
                (void)snprintf(name, sizeof(name), "self#%u", i + 1);
                if (i < 17)
                        expect_started(name);
        }
        test_client_expect(&client, "{\"error\":\"io.tendd.Runner.TooDeep\",\"parameters\":{\"run\":\"self#17\"}}");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control-caller");
        TCase *tcase = tcase_create("control-caller");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, what_is_started_from_inside_is_a_child);
        tcase_add_test(tcase, its_host_waits_for_it_and_says_so);
        tcase_add_test(tcase, others_start_what_is_nobody_s_child);
        tcase_add_test(tcase, who_is_not_found_in_time_is_another);
        tcase_add_test(tcase, who_goes_away_has_it_started_nevertheless);
        tcase_add_loop_test(tcase, what_would_wait_for_ever_is_refused, 0, (int)ARRAY_SIZE(deadlocks));
        tcase_add_test(tcase, what_runs_starts_others_also_when_the_daemon_waits_to_be_idle);
        tcase_add_test(tcase, nothing_is_started_from_inside_of_what_is_to_end);
        tcase_add_test(tcase, there_is_an_end_to_starts_from_inside);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
