/* SPDX-License-Identifier: MIT */
/* control-history: what is remembered, as it is told over a real socket: History, and the summary of Show. */
#include "control/methods.h"
#include "support/asking.h"
#include "support/fake-loop.h"
#include "support/fake-store.h"
#include "support/live-bed.h"

#include <stdio.h>

#define S USEC_PER_SEC
#define M USEC_PER_MINUTE

static struct control *control;
static usec_t begin; /* when the first run began */

static const char *phase(_unused_ void *arg) {
        return "running";
}

/* Tasks with a store that the test fills; nothing is run. */
static void setup(void) {
        struct control_options options = { .phase = phase };
        struct store_options store = { .path = "none" };

        live_bed_setup();
        fake_store_reset();
        store.loop = live_bed.loop;
        ck_assert_int_eq(store_open(&store, &live_bed.store), 0);
        live_bed_job("backup");
        live_bed_job("etl-a");
        live_bed_job("etl-b");
        live_bed_go();
        options.live = live_bed.live;
        ck_assert_int_eq(control_new(&options, &control), 0);
        test_client_connect(&client, control->server);
        begin = clock_now(CLOCK_ID_REALTIME) - 60 * M;
}

static void teardown(void) {
        test_client_close(&client);
        control_free(control);
        live_bed_teardown();
        store_close(live_bed.store, 0);
}

/* The @n-th run of @task, a minute after the one before. */
static void put_span(const char *task, unsigned n, usec_t ended_usec, enum outcome outcome) {
        struct store_run run = {
                .task = task,
                .trigger = "calendar",
                .begun_usec = begin + n * M,
                .due_usec = begin + n * M - S,
                .ended_usec = ended_usec,
                .duration_usec = (n + 1) * S,
                .outcome = outcome,
                .error = outcome == OUTCOME_FAILED ? ERROR_EXIT : ERROR_NONE,
                .detail = outcome == OUTCOME_FAILED ? "status 7" : NULL,
                .attempts = 1,
                .json = "{\"task\":\"backup\",\"run\":\"backup#2\",\"outcome\":\"ok\",\"ended_usec\":7}",
                .tail = "the end\n",
        };
        char name[64];

        (void)snprintf(name, sizeof(name), "%s#%u", task, n);
        run.run = name;
        store_put_end(live_bed.store, &run);
}

static void put_run(const char *task, unsigned n, enum outcome outcome) {
        put_span(task, n, begin + n * M + 3 * S, outcome);
}

static void put_missed(const char *task, unsigned minute, uint64_t n) {
        const struct store_missed missed = {
                .task = task,
                .first_due_usec = begin + minute * M,
                .last_due_usec = begin + minute * M + (n - 1) * S,
                .n = n,
                .trigger = task ? "calendar" : NULL,
                .reason = "down",
                .detail = "the daemon was not running",
                .at_usec = begin + minute * M + 30 * S,
        };

        store_put_missed(live_bed.store, &missed);
}

/* The runs of all answers to @parameters, "backup#3 backup#2", what was not run as "backup!n", gaps as "gap". */
static const char *past(const char *parameters, unsigned *ret_answers) {
        static char names[8192];
        bool more = true;
        size_t used = 0;

        names[0] = '\0';
        call("History", parameters, true);
        for (*ret_answers = 0; more; (*ret_answers)++) {
                json_t *message = test_client_receive(&client, NULL), *past;
                size_t index;

                ck_assert_ptr_nonnull(message);
                ck_assert_msg(!json_object_get(message, "error"), "%s", json_dumps(message, 0));
                more = json_is_true(json_object_get(message, "continues"));
                json_array_foreach(json_object_get(json_object_get(message, "parameters"), "history"), index, past) {
                        const json_t *ran = json_object_get(past, "ran"), *missed = json_object_get(past, "missed");
                        const char *sep = used > 0 ? " " : "";

                        if (ran)
                                used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", sep,
                                                         json_string_value(json_object_get(ran, "run")));
                        else if (missed)
                                used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s!%lld", sep,
                                                         json_string_value(json_object_get(missed, "task")),
                                                         (long long)json_integer_value(json_object_get(missed, "n")));
                        else
                                used += (size_t)snprintf(names + used, sizeof(names) - used, "%sgap", sep);
                        ck_assert_uint_lt(used, sizeof(names));
                }
                json_decref(message);
        }
        return names;
}

#define expect_past(parameters, expected)                                                                              \
        do {                                                                                                           \
                unsigned _n;                                                                                           \
                ck_assert_str_eq(past(parameters, &_n), expected);                                                     \
        } while (0)

/* ---- history ---- */

START_TEST(the_latest_comes_first_and_what_was_not_run_in_between) {
        put_run("backup", 1, OUTCOME_OK);
        put_missed("backup", 2, 3);
        put_run("etl-a", 3, OUTCOME_FAILED);
        put_missed(NULL, 4, 12);
        put_run("backup", 5, OUTCOME_OK);
        expect_past("{}", "backup#5 gap etl-a#3 backup!3 backup#1");
        expect_past("{\"tasks\":[\"backup\"]}", "backup#5 gap backup!3 backup#1");
        expect_past("{\"tasks\":[\"etl-*\"]}", "gap etl-a#3");
        expect_past("{\"n\":2}", "backup#5 gap");
        expect_past("{\"failed\":true}", "etl-a#3");
}
END_TEST

START_TEST(a_run_is_told_with_how_it_ended) {
        char due[256], expected[32];
        json_t *got;

        put_run("backup", 1, OUTCOME_FAILED);
        got = ask("History", "{}");
        expect_at(got, "history", "[1]");
        expect_at(got, "history.0.missed", "-");
        expect_at(got, "history.0.ran.task", "backup");
        expect_at(got, "history.0.ran.trigger", "calendar");
        expect_at(got, "history.0.ran.outcome", "failed");
        expect_at(got, "history.0.ran.error", "exit");
        expect_at(got, "history.0.ran.detail", "status 7");
        expect_at(got, "history.0.ran.duration_usec", "2000000");
        expect_at(got, "history.0.ran.result", "-");
        expect_at(got, "history.0.ran.output_tail", "-");
        (void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)(begin + M - S));
        ck_assert_str_eq(at(got, "history.0.ran.due_usec", due), expected);
        json_decref(got);
}
END_TEST

START_TEST(what_was_not_run_is_told_with_its_reason) {
        json_t *got;
        char when[32];

        put_missed("backup", 2, 3);
        put_missed(NULL, 1, 12);
        got = ask("History", "{}");
        expect_at(got, "history.0.missed.n", "3");
        expect_at(got, "history.0.missed.reason", "down");
        expect_at(got, "history.0.missed.detail", "the daemon was not running");
        expect_at(got, "history.0.ran", "-");
        expect_at(got, "history.1.gap.n", "12");
        snprintf(when, sizeof(when), "%llu", (unsigned long long)(begin + M));
        expect_at(got, "history.1.gap.from_usec", when);
        snprintf(when, sizeof(when), "%llu", (unsigned long long)(begin + M + 11 * S));
        expect_at(got, "history.1.gap.to_usec", when);
        json_decref(got);
}
END_TEST

START_TEST(one_run_has_its_tree_and_the_end_of_its_output) {
        json_t *got;

        put_run("backup", 1, OUTCOME_OK);
        put_run("backup", 2, OUTCOME_OK);
        got = ask("History", "{\"run\":\"backup#2\"}");
        expect_at(got, "history", "[1]");
        expect_at(got, "history.0.ran.run", "backup#2");
        expect_at(got, "history.0.ran.result.task", "backup");
        expect_at(got, "history.0.ran.result.ended_usec", "-"); /* which is the store's alone */
        expect_at(got, "history.0.ran.output_tail", "the end\n");
        expect_at(got, "summary", "-");
        json_decref(got);
}
END_TEST

START_TEST(a_run_without_an_end_is_told_as_such) {
        json_t *got;

        live_bed_start("backup");
        got = ask("History", "{\"run\":\"backup#1\"}");
        expect_at(got, "history.0.ran.run", "backup#1");
        expect_at(got, "history.0.ran.outcome", "-");
        json_decref(got);
}
END_TEST

START_TEST(a_long_history_comes_in_pages_each_row_once) {
        char expected[8192];
        size_t used = 0;
        unsigned answers;

        for (unsigned i = 1; i <= 120; i++)
                put_run("backup", i, OUTCOME_OK);
        for (unsigned i = 120; i > 0; i--)
                used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%sbackup#%u", used > 0 ? " " : "",
                                         i);
        ck_assert_str_eq(past("{\"tasks\":[\"backup\"]}", &answers), expected);
        ck_assert_uint_eq(answers, 3);
        call("History", "{}", false); /* who did not ask for more than one answer */
        test_client_expect(&client, "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}");
}
END_TEST

START_TEST(times_bound_what_is_told) {
        char parameters[128];

        for (unsigned i = 1; i <= 9; i++)
                put_run("backup", i, OUTCOME_OK);
        (void)snprintf(parameters, sizeof(parameters), "{\"since_usec\":%llu,\"until_usec\":%llu}",
                       (unsigned long long)(begin + 3 * M), (unsigned long long)(begin + 5 * M));
        expect_past(parameters, "backup#4 backup#3");
        put_span("former", 2, begin + 10 * M, OUTCOME_OK);
        expect_past(parameters, "backup#4 backup#3");
        (void)snprintf(parameters, sizeof(parameters), "{\"since_usec\":%llu,\"reaching\":true}",
                       (unsigned long long)(begin + 9 * M));
        expect_past(parameters, "backup#9 former#2");
}
END_TEST

START_TEST(a_task_that_is_no_more_is_known_by_its_name) {
        put_run("former", 1, OUTCOME_OK);
        expect_past("{\"tasks\":[\"former\"]}", "former#1");
        expect_past("{\"tasks\":[\"former\",\"backup\"]}", "former#1");
}
END_TEST

/* It is known, though there is nothing of what was asked for. */
START_TEST(a_task_that_is_no_more_is_known_when_nothing_of_it_is_wanted) {
        char parameters[128];

        put_run("former", 1, OUTCOME_OK);
        put_run("backup", 2, OUTCOME_OK);
        (void)snprintf(parameters, sizeof(parameters), "{\"tasks\":[\"former\"],\"since_usec\":%llu}",
                       (unsigned long long)(begin + 5 * M));
        expect_past(parameters, "");
        expect_past("{\"tasks\":[\"former\"],\"failed\":true,\"n\":1}", "");
        call("History", "{\"tasks\":[\"never\"],\"failed\":true}", true);
        test_client_expect(&client, "{\"error\":\"io.tendd.Runner.NoSuchTask\",\"parameters\":{\"task\":\"never\"}}");
}
END_TEST

START_TEST(a_task_that_is_named_more_than_once_is_told_once) {
        put_run("backup", 1, OUTCOME_OK);
        put_run("former", 2, OUTCOME_OK);
        put_missed("backup", 3, 2);
        expect_past("{\"tasks\":[\"backup\",\"backup\"]}", "backup!2 backup#1");
        expect_past("{\"tasks\":[\"b*\",\"former\",\"*ack*\",\"former\",\"backup\"]}", "backup!2 former#2 backup#1");
}
END_TEST

START_TEST(of_one_task_there_is_a_summary) {
        json_t *got;

        for (unsigned i = 1; i <= 3; i++)
                put_run("backup", i, OUTCOME_OK);
        put_run("backup", 4, OUTCOME_FAILED);
        put_missed("backup", 5, 2);
        got = ask("History", "{\"tasks\":[\"backup\"]}");
        expect_at(got, "summary.outcomes.ok", "3");
        expect_at(got, "summary.outcomes.failed", "1");
        expect_at(got, "summary.missed", "2");
        expect_at(got, "summary.p50_usec", "3000000");
        expect_at(got, "summary.p90_usec", "4000000");
        expect_at(got, "summary.p99_usec", "4000000");
        expect_at(got, "summary.max_usec", "4000000");
        expect_at(got, "summary.last", "[4]");
        expect_at(got, "summary.last.0.outcome", "failed");
        expect_at(got, "summary.last.3.duration_usec", "2000000");
        expect_at(got, "summary.since_usec", "-");
        json_decref(got);
        got = ask("History", "{\"tasks\":[\"back*\"]}");
        expect_at(got, "summary", "-");
        json_decref(got);
}
END_TEST

START_TEST(nothing_is_no_error_for_a_task_that_there_is) {
        json_t *got;

        got = ask("History", "{\"tasks\":[\"backup\"]}");
        expect_at(got, "history", "[0]");
        expect_at(got, "summary.p50_usec", "-");
        json_decref(got);
}
END_TEST

static const struct {
        const char *parameters;
        const char *error;
        const char *about;
} refusals[] = {
        { "{\"tasks\":[\"x\"]}", "io.tendd.Runner.NoSuchTask", "{\"task\":\"x\"}" },
        { "{\"tasks\":[\"backup\",\"x*\"]}", "io.tendd.Runner.NoSuchTask", "{\"task\":\"x*\"}" },
        { "{\"run\":\"backup#9\"}", "io.tendd.Runner.NoSuchRun", "{\"run\":\"backup#9\"}" },
        { "{\"n\":0}", "org.varlink.service.InvalidParameter", "{\"parameter\":\"n\"}" },
        { "{\"since_usec\":-1}", "org.varlink.service.InvalidParameter", "{\"parameter\":\"since_usec\"}" },
        { "{\"until_usec\":-1}", "org.varlink.service.InvalidParameter", "{\"parameter\":\"until_usec\"}" },
};

START_TEST(what_cannot_be_is_refused) {
        char expected[256];

        (void)snprintf(expected, sizeof(expected), "{\"error\":\"%s\",\"parameters\":%s}", refusals[_i].error,
                       refusals[_i].about);
        call("History", refusals[_i].parameters, true);
        test_client_expect(&client, expected);
}
END_TEST

START_TEST(a_degraded_store_is_an_error_with_its_reason) {
        put_run("backup", 1, OUTCOME_OK);
        fake_store_degrade("the disk is full");
        call("History", "{}", true);
        test_client_expect(&client, "{\"error\":\"io.tendd.Runner.StoreDegraded\","
                                    "\"parameters\":{\"reason\":\"the disk is full\"}}");
        fake_store_recover(false);
        put_run("backup", 2, OUTCOME_OK);
        expect_past("{\"tasks\":[\"backup\"],\"n\":1}", "backup#2");
}
END_TEST

START_TEST(who_finds_no_room_asks_again) {
        put_run("backup", 1, OUTCOME_OK);
        fake_store_refuse(true);
        call("History", "{}", true);
        test_client_expect_nothing(&client, false);
        fake_store_refuse(false);
        fake_clock_advance(S);
        test_client_turn(&client);
        json_decref(answer());
}
END_TEST

START_TEST(who_goes_away_is_not_answered) {
        static struct test_client other;

        put_run("backup", 1, OUTCOME_OK);
        test_client_connect(&other, control->server);
        fake_store_refuse(true);
        test_client_call(&other, "{\"method\":\"io.tendd.Runner.History\",\"more\":true,\"parameters\":{}}");
        test_client_close(&other);
        fake_store_refuse(false);
        fake_clock_advance(S);
        expect_past("{}", "backup#1");
}
END_TEST

/* ---- show ---- */

START_TEST(show_has_the_summary) {
        json_t *got;

        put_run("backup", 1, OUTCOME_OK);
        got = ask("Show", "{\"task\":\"backup\"}");
        expect_at(got, "summary.outcomes.ok", "1");
        expect_at(got, "summary_missing", "-");
        json_decref(got);
}
END_TEST

START_TEST(show_says_why_there_is_no_summary) {
        json_t *got;

        fake_store_degrade("the disk is full");
        got = ask("Show", "{\"task\":\"backup\"}");
        expect_at(got, "summary", "-");
        expect_at(got, "summary_missing", "the disk is full");
        expect_at(got, "task.name", "backup");
        json_decref(got);
}
END_TEST

START_TEST(show_does_not_wait_for_ever) {
        json_t *got;

        fake_store_refuse(true);
        call("Show", "{\"task\":\"backup\"}", false);
        test_client_expect_nothing(&client, false);
        for (int i = 0; i < 25; i++) {
                fake_clock_advance(50 * USEC_PER_MSEC);
                test_client_turn(&client);
        }
        got = answer();
        expect_at(got, "summary_missing", "it did not answer in time");
        json_decref(got);
}
END_TEST

/* ---- status ---- */

START_TEST(status_tells_that_the_store_is_degraded) {
        json_t *got;

        fake_store_degrade("the disk is full");
        put_run("backup", 1, OUTCOME_OK);
        fake_clock_advance(90 * S);
        got = ask("Status", "{}");
        expect_at(got, "problems.0.kind", "degraded");
        expect_at(got, "problems.0.subject", "store");
        expect_at(got, "problems.0.text", "the disk is full, for 1min 30s, 1 records lost");
        json_decref(got);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control-history");
        TCase *tcase = tcase_create("control-history");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, the_latest_comes_first_and_what_was_not_run_in_between);
        tcase_add_test(tcase, a_run_is_told_with_how_it_ended);
        tcase_add_test(tcase, what_was_not_run_is_told_with_its_reason);
        tcase_add_test(tcase, one_run_has_its_tree_and_the_end_of_its_output);
        tcase_add_test(tcase, a_run_without_an_end_is_told_as_such);
        tcase_add_test(tcase, a_long_history_comes_in_pages_each_row_once);
        tcase_add_test(tcase, times_bound_what_is_told);
        tcase_add_test(tcase, a_task_that_is_no_more_is_known_by_its_name);
        tcase_add_test(tcase, a_task_that_is_no_more_is_known_when_nothing_of_it_is_wanted);
        tcase_add_test(tcase, a_task_that_is_named_more_than_once_is_told_once);
        tcase_add_test(tcase, of_one_task_there_is_a_summary);
        tcase_add_test(tcase, nothing_is_no_error_for_a_task_that_there_is);
        tcase_add_loop_test(tcase, what_cannot_be_is_refused, 0, (int)ARRAY_SIZE(refusals));
        tcase_add_test(tcase, a_degraded_store_is_an_error_with_its_reason);
        tcase_add_test(tcase, who_finds_no_room_asks_again);
        tcase_add_test(tcase, who_goes_away_is_not_answered);
        tcase_add_test(tcase, show_has_the_summary);
        tcase_add_test(tcase, show_says_why_there_is_no_summary);
        tcase_add_test(tcase, show_does_not_wait_for_ever);
        tcase_add_test(tcase, status_tells_that_the_store_is_degraded);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
