/* SPDX-License-Identifier: MIT */
/* control-time: what people see of time, and say about it, over a real socket: pause, resume, next. */
#include "control/methods.h"
#include "live/live_private.h"
#include "support/asking.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"
#include "when/cron.h"

#include <stdio.h>
#include <sys/socket.h>

#define S USEC_PER_SEC
#define M USEC_PER_MINUTE

static struct control *control;

static const char *phase(_unused_ void *arg) {
        return "running";
}

/* Jobs: due every 5 min and every 7 min, one that nothing starts, one that is not enabled. */
static void setup(void) {
        struct control_options options = { .phase = phase };

        live_bed_setup();
        live_bed_job("five")->every_usec = 5 * M;
        live_bed_job("hand")->manual = true;
        live_bed_job("off")->enabled = false;
        live_bed_job("seven")->every_usec = 7 * M;
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

/* ---- pause and resume ---- */

START_TEST(pause_is_kept_before_it_is_answered) {
        call("Pause", "{\"tasks\":[\"five\"]}", false);
        ck_assert_ptr_nonnull(live_task_paused_by(live_bed_entry("five"), NULL));
        test_client_expect(&client, "{\"parameters\":{\"paused\":[\"five\"],\"already\":[]}}");
        ck_assert_uint_eq(live_bed_events(EVENT_PAUSED), 1);
        ck_assert_uint_eq(live_bed_events(EVENT_COMMAND), 1);
}
END_TEST

START_TEST(pause_tells_who_and_why) {
        char by[256], expected[64];
        json_t *got;

        (void)snprintf(expected, sizeof(expected), "uid %u, pid %d: new disk", (unsigned)getuid(), (int)getpid());
        json_decref(ask("Pause", "{\"tasks\":[\"five\"],\"reason\":\"new disk\"}"));
        got = ask("List", "{\"tasks\":[\"five\"]}");
        ck_assert_str_eq(at(got, "tasks.0.paused_by", by), expected);
        expect_at(got, "tasks.0.state", "paused");
        json_decref(got);
        ck_assert_msg(strstr(live_bed_text(EVENT_PAUSED), expected), "%s", live_bed_text(EVENT_PAUSED));
}
END_TEST

START_TEST(what_is_paused_already_is_told_by_its_name_alone) {
        json_decref(ask("Pause", "{\"tasks\":[\"five\"]}"));
        call("Pause", "{\"tasks\":[\"five\",\"*ve*\"]}", false);
        test_client_expect(&client, "{\"parameters\":{\"paused\":[\"seven\"],\"already\":[\"five\"]}}");
        call("Resume", "{\"tasks\":[\"hand\",\"*\"]}", false);
        test_client_expect(&client, "{\"parameters\":{\"resumed\":[\"five\",\"seven\"],\"not_paused\":[\"hand\"]}}");
        ck_assert_ptr_null(live_task_paused_by(live_bed_entry("seven"), NULL));
        ck_assert_uint_eq(live_bed_events(EVENT_RESUMED), 2);
}
END_TEST

START_TEST(nothing_is_paused_when_one_name_is_none) {
        call("Pause", "{\"tasks\":[\"five\",\"x\"]}", false);
        test_client_expect(&client, "{\"error\":\"io.tendd.Runner.NoSuchTask\",\"parameters\":{\"task\":\"x\"}}");
        ck_assert_ptr_null(live_task_paused_by(live_bed_entry("five"), NULL));
        call("Resume", "{\"tasks\":[]}", false);
        test_client_expect(&client, "{\"error\":\"org.varlink.service.InvalidParameter\","
                                    "\"parameters\":{\"parameter\":\"tasks\"}}");
}
END_TEST

START_TEST(list_tells_those_that_are_paused_alone) {
        json_t *got;

        json_decref(ask("Pause", "{\"tasks\":[\"seven\"]}"));
        got = ask("List", "{\"states\":[\"paused\",\"stale\"]}");
        expect_at(got, "tasks", "[1]");
        expect_at(got, "tasks.0.name", "seven");
        json_decref(got);
}
END_TEST

START_TEST(status_counts_what_is_paused_and_leaves_it_out_of_next) {
        json_t *got;

        json_decref(ask("Pause", "{\"tasks\":[\"five\"],\"reason\":\"new disk\"}"));
        got = ask("Status", "{}");
        expect_at(got, "problems", "[1]");
        expect_at(got, "problems.0.kind", "paused");
        expect_at(got, "problems.0.subject", "five");
        expect_at(got, "problems.0.command", "tendctl resume five");
        expect_at(got, "next", "[1]");
        expect_at(got, "next.0.task", "seven");
        json_decref(got);

        json_decref(ask("Pause", "{\"tasks\":[\"seven\"]}"));
        got = ask("Status", "{}");
        expect_at(got, "problems", "[2]");
        expect_at(got, "problems.1.subject", "seven");
        expect_at(got, "problem_counts", "[1]");
        expect_at(got, "problem_counts.0.n", "2");
        expect_at(got, "problem_counts.0.wrong", "0");
        expect_at(got, "problem_counts.0.command", "tendctl list --paused");
        expect_at(got, "next", "[0]");
        json_decref(got);
}
END_TEST

/* ---- next ---- */

START_TEST(next_is_in_the_order_of_time_across_tasks) {
        char due[256], expected[32];
        json_t *got;

        got = ask("Next", "{\"each\":1}");
        expect_at(got, "next", "[2]");
        expect_at(got, "next.0.task", "five");
        expect_at(got, "next.0.trigger", "every");
        expect_at(got, "next.0.expression", "5min");
        expect_at(got, "next.0.paused", "false");
        expect_at(got, "next.0.zone", "-");
        expect_at(got, "next.1.task", "seven");
        (void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)(clock_now(CLOCK_ID_REALTIME) + 5 * M));
        ck_assert_str_eq(at(got, "next.0.due_usec", due), expected);
        ck_assert_str_eq(at(got, "next.0.at_usec", due), expected);
        json_decref(got);
}
END_TEST

START_TEST(next_has_what_is_paused_and_says_so) {
        json_t *got;

        json_decref(ask("Pause", "{\"tasks\":[\"five\"]}"));
        got = ask("Next", "{\"each\":1}");
        expect_at(got, "next", "[2]");
        expect_at(got, "next.0.task", "five");
        expect_at(got, "next.0.paused", "true");
        expect_at(got, "next.1.paused", "false");
        json_decref(got);
}
END_TEST

START_TEST(next_keeps_the_first_and_no_more_than_asked_for) {
        char until[64];
        json_t *got;

        got = ask("Next", "{\"n\":1}");
        expect_at(got, "next", "[1]");
        expect_at(got, "next.0.task", "five");
        json_decref(got);
        (void)snprintf(until, sizeof(until), "{\"until_usec\":%llu,\"each\":1}",
                       (unsigned long long)(clock_now(CLOCK_ID_REALTIME) + 6 * M));
        got = ask("Next", until);
        expect_at(got, "next", "[1]");
        json_decref(got);
}
END_TEST

/* One that is due all the time, and two now and then, for a client that does not take all at once. */
static void setup_slow(void) {
        struct control_options options = { .phase = phase };
        int small = 1;

        live_bed_setup();
        live_bed_job("a")->every_usec = 8 * S + 510 * USEC_PER_MSEC;
        live_bed_job("b")->every_usec = 8 * S + 610 * USEC_PER_MSEC;
        live_bed_job("often")->every_usec = 25 * USEC_PER_MSEC;
        live_bed_go();
        options.live = live_bed.live;
        ck_assert_int_eq(control_new(&options, &control), 0);
        test_client_connect(&client, control->server);
        ck_assert_int_eq(setsockopt(client.server, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
}

/* Nothing has splay or jitter: each is told at the time that it is due for. */
START_TEST(next_stays_in_order_when_something_comes_due_meanwhile) {
        json_int_t last = 0;
        size_t n = 0, index;

        call("Next", "{\"n\":1000}", true);
        fake_clock_advance(8 * S + 520 * USEC_PER_MSEC); /* that of a, which is not told yet, comes due */
        while (n < 1000) {
                json_t *got = answer(), *due;

                json_array_foreach(json_object_get(got, "next"), index, due) {
                        json_int_t at_usec = json_integer_value(json_object_get(due, "at_usec"));

                        ck_assert_int_eq(at_usec, json_integer_value(json_object_get(due, "due_usec")));
                        ck_assert_int_ge(at_usec, last);
                        last = at_usec;
                        n++;
                }
                json_decref(got);
        }
}
END_TEST

START_TEST(next_says_of_what_is_named_why_it_is_not_due) {
        json_t *got;

        got = ask("Next", "{\"tasks\":[\"hand\",\"off\"]}");
        expect_at(got, "next", "[2]");
        expect_at(got, "next.0.task", "hand");
        expect_at(got, "next.0.trigger", "none");
        expect_at(got, "next.0.at_usec", "-");
        expect_at(got, "next.1.trigger", "disabled");
        json_decref(got);
        got = ask("Next", "{\"tasks\":[\"hand*\"]}");
        expect_at(got, "next", "[0]");
        json_decref(got);
}
END_TEST

START_TEST(times_are_not_known_before_the_daemon_has_started) {
        json_t *got;

        live_bed_entry("five")->unarmed = true; /* as long as leftovers are looked for */
        got = ask("Next", "{\"each\":1}");
        expect_at(got, "next", "[2]");
        expect_at(got, "next.0.task", "seven");
        expect_at(got, "next.1.task", "five");
        expect_at(got, "next.1.trigger", "starting");
        expect_at(got, "next.1.at_usec", "-");
        json_decref(got);
        got = ask("Why", "{\"name\":\"five\"}");
        expect_at(got, "task.starting", "true");
        expect_at(got, "task.next_usec", "-");
        json_decref(got);
        got = ask("Why", "{\"name\":\"seven\"}");
        expect_at(got, "task.starting", "false");
        json_decref(got);
}
END_TEST

static struct calendar *at_seven, *at_ten;
static struct zone *utc;

/* One task with a trigger of each kind. */
static void setup_mixed(void) {
        static struct task_calendar calendars[2];
        static struct when_part when;
        struct control_options options = { .phase = phase };
        char wrong[CALENDAR_WRONG_MAX];
        struct task *task;

        live_bed_setup();
        ck_assert_int_eq(calendar_parse("*:07", &at_seven, wrong), 0);
        ck_assert_int_eq(cron_parse("10 * * * *", &at_ten, wrong), 0);
        ck_assert_int_eq(zone_load("UTC", &utc), 0);
        calendars[0] = (struct task_calendar){ .calendar = at_seven, .zone = utc };
        calendars[1] = (struct task_calendar){ .calendar = at_ten, .zone = utc };
        when = (struct when_part){ .calendars = &calendars[0], .n_calendars = 1, .crons = &calendars[1], .n_crons = 1 };
        task = live_bed_job("mixed");
        task->every_usec = 5 * M;
        task->when = &when;
        live_bed_go();
        options.live = live_bed.live;
        ck_assert_int_eq(control_new(&options, &control), 0);
        test_client_connect(&client, control->server);
}

static void teardown_mixed(void) {
        live_bed.config.tasks[0]->when = NULL;
        teardown();
        calendar_free(at_seven);
        calendar_free(at_ten);
        zone_unref(utc);
}

/* All that starts a task is one row. */
START_TEST(next_of_one_task_has_all_its_triggers) {
        static const struct {
                unsigned at;
                const char *trigger;
        } expected[] = { { 5, "every" }, { 7, "calendar" }, { 10, "every" }, { 10, "cron" }, { 15, "every" } };
        json_t *got;

        got = ask("Next", "{\"tasks\":[\"mixed\"],\"n\":5}");
        expect_at(got, "next", "[5]");
        for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
                char path[32], at_usec[32];

                (void)snprintf(path, sizeof(path), "next.%zu.trigger", i);
                expect_at(got, path, expected[i].trigger);
                (void)snprintf(path, sizeof(path), "next.%zu.at_usec", i);
                (void)snprintf(at_usec, sizeof(at_usec), "%llu",
                               (unsigned long long)(FAKE_CLOCK_REALTIME + expected[i].at * M));
                expect_at(got, path, at_usec);
        }
        json_decref(got);
}
END_TEST

static const struct {
        const char *parameters;
        const char *error;
} no_next[] = {
        { "{\"tasks\":[\"five\",\"x\"]}",
          "{\"error\":\"io.tendd.Runner.NoSuchTask\",\"parameters\":{\"task\":\"x\"}}" },
        { "{\"n\":0}", "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"n\"}}" },
        { "{\"n\":1001}", "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"n\"}}" },
        { "{\"each\":0}",
          "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"each\"}}" },
        { "{\"until_usec\":-1}",
          "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"until_usec\"}}" },
};

START_TEST(what_cannot_be_next_is_refused) {
        call("Next", no_next[_i].parameters, false);
        test_client_expect(&client, no_next[_i].error);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control-time");
        TCase *tcase = tcase_create("control-time");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, pause_is_kept_before_it_is_answered);
        tcase_add_test(tcase, pause_tells_who_and_why);
        tcase_add_test(tcase, what_is_paused_already_is_told_by_its_name_alone);
        tcase_add_test(tcase, nothing_is_paused_when_one_name_is_none);
        tcase_add_test(tcase, list_tells_those_that_are_paused_alone);
        tcase_add_test(tcase, status_counts_what_is_paused_and_leaves_it_out_of_next);
        tcase_add_test(tcase, next_is_in_the_order_of_time_across_tasks);
        tcase_add_test(tcase, next_has_what_is_paused_and_says_so);
        tcase_add_test(tcase, next_keeps_the_first_and_no_more_than_asked_for);
        tcase_add_test(tcase, next_says_of_what_is_named_why_it_is_not_due);
        tcase_add_test(tcase, times_are_not_known_before_the_daemon_has_started);
        tcase_add_loop_test(tcase, what_cannot_be_next_is_refused, 0, (int)ARRAY_SIZE(no_next));
        suite_add_tcase(suite, tcase);
        tcase = tcase_create("mixed");
        tcase_add_checked_fixture(tcase, setup_mixed, teardown_mixed);
        tcase_add_test(tcase, next_of_one_task_has_all_its_triggers);
        suite_add_tcase(suite, tcase);
        tcase = tcase_create("slow");
        tcase_add_checked_fixture(tcase, setup_slow, teardown);
        tcase_add_test(tcase, next_stays_in_order_when_something_comes_due_meanwhile);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
