/* SPDX-License-Identifier: MIT */
/* control-status: what is wrong, as Status, List and the line of the service manager tell it. */
#include "base/log_private.h"
#include "control/methods.h"
#include "control/problems.h"
#include "support/asking.h"
#include "support/fake-loop.h"
#include "support/fake-store.h"
#include "support/live-bed.h"

#include <fcntl.h>
#include <stdio.h>

#define S      USEC_PER_SEC
#define M      USEC_PER_MINUTE
#define N_JOBS 30

static struct control *control;
static struct task *work;

static const char *phase(_unused_ void *arg) {
        return "running";
}

/* The jobs job-10 to job-39, and work, which is slow after 10min and has a hook; at most one of them runs. */
static void setup(void) {
        struct control_options options = { .phase = phase };
        struct store_options store = { .path = "none" };
        static char names[N_JOBS][16];

        live_bed_setup();
        fake_store_reset();
        store.loop = live_bed.loop;
        ck_assert_int_eq(store_open(&store, &live_bed.store), 0);
        live_bed_job("alert");
        for (int i = 0; i < N_JOBS; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "job-%d", 10 + i);
                live_bed_job(names[i]);
        }
        work = live_bed_job("work");
        work->slow_after_usec = 10 * M;
        live_bed_hook(&work->on_failure, "alert");
        live_bed.config.daemon.max_running = 1;
        live_bed.config.daemon.hook_queue = 1;
        live_bed_go();
        options.live = live_bed.live;
        ck_assert_int_eq(control_new(&options, &control), 0);
        test_client_connect(&client, control->server);
}

static void teardown(void) {
        test_client_close(&client);
        control_free(control);
        live_bed_teardown();
        store_close(live_bed.store, 0);
}

static void run_fails(const char *task) {
        (void)live_bed_start(task);
        fake_loop_settle();
        live_bed_end(task, ERROR_EXIT);
}

static void expect_status(const char *path, const char *expected) {
        json_t *got = ask("Status", "{}");

        expect_at(got, path, expected);
        json_decref(got);
}

START_TEST(nothing_is_wrong) {
        expect_status("problems", "[0]");
        expect_status("problem_counts", "[0]");
}
END_TEST

START_TEST(many_failing_tasks_hide_nothing_else) {
        char name[16];
        json_t *got;

        for (int i = 0; i < N_JOBS; i++) {
                (void)snprintf(name, sizeof(name), "job-%d", 10 + i);
                run_fails(name);
        }
        fake_store_degrade("the disk is full");
        got = ask("Status", "{}");
        expect_at(got, "failing", "30");
        expect_at(got, "problems", "[21]");
        expect_at(got, "problems.0.kind", "degraded");
        expect_at(got, "problems.0.wrong", "true");
        expect_at(got, "problems.1.subject", "job-10");
        expect_at(got, "problems.20.subject", "job-29");
        expect_at(got, "problem_counts", "[2]");
        expect_at(got, "problem_counts.1.kind", "failing");
        expect_at(got, "problem_counts.1.n", "30");
        expect_at(got, "problem_counts.1.wrong", "30");
        expect_at(got, "problem_counts.1.command", "tendctl list --failing");
        json_decref(got);
}
END_TEST

START_TEST(what_the_log_lost_is_told_for_a_day) {
        const struct log_sink sink = { .fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .format = LOG_FORMAT_LINE };

        ck_assert_int_eq(log_open_sink(&sink, LOG_DEBUG, 1), 0); /* no room for anything */
        log_info("lost");
        fake_clock_advance(5 * M);
        expect_status("problems.0.kind", "dropped");
        expect_status("problems.0.subject", "log");
        expect_status("problems.0.text", "1 records, which came faster than they could be written, the last 5min ago");
        expect_status("problems.0.wrong", "true");
        fake_clock_advance(USEC_PER_DAY);
        expect_status("problems", "[0]");
        expect_status("log_dropped", "1");
        log_close(S);
        (void)close(sink.fd);
}
END_TEST

START_TEST(hooks_that_were_not_started_are_told) {
        run_fails("work");
        run_fails("work");
        fake_clock_advance(2 * S);
        expect_status("problem_counts.0.kind", "dropped");
        expect_status("problems.0.subject", "hooks");
        expect_status("problems.0.text", "1 that were not started, the last 2s ago");
        expect_status("problems.0.command", "tendctl events");
}
END_TEST

START_TEST(a_run_that_will_soon_be_slow_is_told_and_not_wrong) {
        (void)live_bed_start("work");
        fake_loop_settle();
        fake_clock_advance(8 * M - S);
        expect_status("problems", "[0]");
        fake_clock_advance(S);
        expect_status("problems.0.kind", "slow");
        expect_status("problems.0.text", "at work for 8min, slow after 10min");
        expect_status("problems.0.wrong", "false");
        fake_clock_advance(2 * M);
        expect_status("problems.0.wrong", "true");
        expect_status("problem_counts.0.wrong", "1");
}
END_TEST

START_TEST(what_waits_for_a_minute_is_told_and_what_it_waits_for_is_wrong) {
        (void)live_bed_start("job-10");
        (void)live_bed_start("job-11");
        fake_clock_advance(M - S);
        expect_status("problem_counts", "[1]");
        expect_status("problems.0.kind", "full");
        expect_status("problems.0.subject", "limit max-running");
        expect_status("problems.0.text", "1/1 held, 1 wait, oldest 59s");
        expect_status("problems.0.command", "tendctl limits max-running");
        expect_status("problems.0.wrong", "false");
        fake_clock_advance(S);
        expect_status("problems.0.wrong", "true");
        expect_status("problems.1.kind", "waiting");
        expect_status("problems.1.subject", "job-11#1");
        expect_status("problems.1.text", "for 1min: waits because max-running of 1 is reached");
        expect_status("problems.1.command", "tendctl why job-11#1");
        expect_status("problems.1.wrong", "false");
}
END_TEST

START_TEST(tasks_are_listed_by_what_is_wrong_with_them) {
        json_t *got;

        run_fails("job-10");
        (void)live_pause(live_bed_entry("job-11"), "alice");
        got = ask("List", "{\"states\":[\"failing\",\"paused\"]}");
        expect_at(got, "tasks", "[2]");
        expect_at(got, "tasks.1.name", "job-11");
        json_decref(got);
        call("List", "{\"states\":[\"full\"]}", false); /* no task can be */
        test_client_expect(&client, "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":"
                                    "\"states\"}}");
}
END_TEST

START_TEST(one_line_tells_what_events_tell_of) {
        const struct log_sink sink = { .fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .format = LOG_FORMAT_LINE };
        struct problems *problems;
        char text[300];

        for (const char *const *name = (const char *const[]){ "job-10", "job-11", "job-12", "job-13", NULL }; *name;
             name++)
                run_fails(*name);
        (void)live_pause(live_bed_entry("job-20"), "alice");
        ck_assert_int_eq(log_open_sink(&sink, LOG_DEBUG, 1), 0);
        log_info("lost");
        fake_store_degrade("full");
        ck_assert_int_eq(problems_new(&problems), 0);
        for (size_t i = 0; i < live_n_tasks(live_bed.live); i++)
                problems_find_task(problems, live_bed.live, live_task_at(live_bed.live, i));
        problems_find_others(problems, live_bed.live, "the files", "a port is taken");
        problems_describe(problems, text, sizeof(text));
        ck_assert_str_eq(text,
                         "; REFUSED: configuration; DEGRADED: store, metrics; DROPPED: log; 4 FAILING: job-10, job-11, "
                         "job-12 and 1 more; 1 PAUSED: job-20");
        problems_describe(problems, text, 20);
        ck_assert_str_eq(text, "; REFUSED: configur");
        problems_free(problems);
        log_close(S);
        (void)close(sink.fd);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control-status");
        TCase *tcase = tcase_create("control-status");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, nothing_is_wrong);
        tcase_add_test(tcase, many_failing_tasks_hide_nothing_else);
        tcase_add_test(tcase, what_the_log_lost_is_told_for_a_day);
        tcase_add_test(tcase, hooks_that_were_not_started_are_told);
        tcase_add_test(tcase, a_run_that_will_soon_be_slow_is_told_and_not_wrong);
        tcase_add_test(tcase, what_waits_for_a_minute_is_told_and_what_it_waits_for_is_wrong);
        tcase_add_test(tcase, tasks_are_listed_by_what_is_wrong_with_them);
        tcase_add_test(tcase, one_line_tells_what_events_tell_of);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
