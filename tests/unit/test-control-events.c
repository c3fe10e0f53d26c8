/* SPDX-License-Identifier: MIT */
/* control-events: Events over a real socket: filters, and going on after a cut. */
#include "control/event_ring.h"
#include "control/methods.h"
#include "support/asking.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <stdio.h>

static struct control *control;

static const char *phase(_unused_ void *arg) {
        return "running";
}

static void open_control(void) {
        const struct control_options options = { .phase = phase, .live = live_bed.live };

        ck_assert_int_eq(control_new(&options, &control), 0);
        test_client_connect(&client, control->server);
}

static void close_control(void) {
        test_client_close(&client);
        control_free(control);
}

/* The jobs a, b in the group both, and c. */
static void setup(void) {
        live_bed_setup();
        (void)live_bed_job("a");
        (void)live_bed_job("b");
        (void)live_bed_group("both");
        (void)live_bed_job("c");
        live_bed_go();
        open_control();
}

static void teardown(void) {
        close_control();
        live_bed_teardown();
}

static void emit(size_t n) {
        for (size_t i = 0; i < n; i++)
                live_emit(live_bed.live, &(const struct event){ .id = EVENT_PHASE, .text = "tick", .quiet = true });
        fake_loop_settle();
}

/* "run-queued:both#1 …" of the answer. */
static const char *events_of(const json_t *answer, char buf[600]) {
        size_t index;
        json_t *event;

        buf[0] = '\0';
        json_array_foreach(json_object_get(answer, "events"), index, event) {
                size_t used = strlen(buf);

                (void)snprintf(buf + used, 600 - used, "%s%s:%s", index > 0 ? " " : "",
                               json_string_value(json_object_get(event, "event")),
                               json_string_value(json_object_get(event, "run")));
        }
        return buf;
}

static json_int_t number_of(const json_t *answer, const char *key) {
        return json_integer_value(json_object_get(answer, key));
}

/* ---- filters ---- */

static const struct {
        const char *parameters;
        const char *events;
} filters[] = {
        { "{\"tasks\":[\"c\"]}", "run-queued:c#1 run-done:c#1" },
        { "{\"runs\":[\"both#1/a\"]}", "run-done:both#1/a failing:both#1/a" },
        { "{\"runs\":[\"both#1\"],\"events\":[\"run-done\"]}", "run-done:both#1/a run-done:both#1/b run-done:both#1" },
        { "{\"runs\":[\"both#1/a\"],\"tasks\":[\"c\"],\"events\":[\"run-done\"]}", "run-done:both#1/a run-done:c#1" },
        { "{\"failed\":true}", "run-done:both#1/a failing:both#1/a run-done:both#1 failing:both#1" },
        { "{\"failed\":true,\"events\":[\"failing\"],\"tasks\":[\"b*\"]}", "failing:both#1" },
        { "{\"runs\":[\"both#10\",\"bot\"]}", "" },
};

START_TEST(only_what_is_wanted_is_told) {
        char text[600];
        json_t *got;

        (void)live_bed_start("both");
        live_bed_end("a", ERROR_EXIT);
        live_bed_end("b", ERROR_NONE);
        (void)live_bed_start("c");
        live_bed_end("c", ERROR_NONE);
        got = ask("Events", filters[_i].parameters);
        ck_assert_str_eq(events_of(got, text), filters[_i].events);
        json_decref(got);
}
END_TEST

static const struct {
        const char *parameters;
        const char *error;
} refused[] = {
        { "{\"events\":[\"run-done\",\"run-away\"]}", "io.tendd.Runner.NoSuchEvent" },
        { "{\"tasks\":[\"x\"]}", "io.tendd.Runner.NoSuchTask" },
        { "{\"after\":1000}", "org.varlink.service.InvalidParameter" },
        { "{\"after\":-1}", "org.varlink.service.InvalidParameter" },
        { "{\"after\":0,\"backlog\":1}", "org.varlink.service.InvalidParameter" },
        { "{\"instance\":\"x\"}", "org.varlink.service.InvalidParameter" },
};

START_TEST(what_cannot_be_is_refused) {
        json_t *got;

        call("Events", refused[_i].parameters, false);
        got = test_client_receive(&client, NULL);
        expect_at(got, "error", refused[_i].error);
        json_decref(got);
}
END_TEST

/* ---- going on ---- */

/* Follows behind the event @after of @instance, and returns the first answer. */
static json_t *go_on(json_int_t after, const char *instance) {
        char parameters[200];

        (void)snprintf(parameters, sizeof(parameters), "{\"after\":%lld,\"instance\":\"%s\"}", (long long)after,
                       instance);
        call("Events", parameters, true);
        return answer();
}

/* Ends the call, as a cut would. */
static void hang_up(void) {
        test_client_close(&client);
        fake_loop_settle();
        test_client_connect(&client, control->server);
}

START_TEST(who_is_cut_off_goes_on_without_loss_or_repetition) {
        char instance[64];
        json_int_t last;
        json_t *got;

        call("Events", "{}", true);
        got = answer(); /* where it is, before anything has happened */
        expect_at(got, "events", "[0]");
        (void)snprintf(instance, sizeof(instance), "%s", json_string_value(json_object_get(got, "instance")));
        last = number_of(got, "last");
        json_decref(got);
        hang_up();
        emit(100);
        got = go_on(last, instance);
        expect_at(got, "events", "[64]");
        expect_at(got, "lost", "-");
        expect_at(got, "restarted", "-");
        ck_assert_int_eq(number_of(json_array_get(json_object_get(got, "events"), 0), "id"), last + 1);
        last = number_of(got, "last");
        json_decref(got);
        hang_up();
        got = go_on(last, instance);
        expect_at(got, "events", "[36]");
        ck_assert_int_eq(number_of(json_array_get(json_object_get(got, "events"), 0), "id"), last + 1);
        json_decref(got);
        emit(1);
        got = answer();
        expect_at(got, "events", "[1]");
        json_decref(got);
}
END_TEST

START_TEST(what_is_not_kept_any_more_is_counted) {
        json_t *got = ask("Events", "{}");
        char instance[64];

        (void)snprintf(instance, sizeof(instance), "%s", json_string_value(json_object_get(got, "instance")));
        json_decref(got);
        emit(EVENT_RING_MAX + 10);
        got = go_on(0, instance);
        expect_at(got, "lost", "10");
        expect_at(got, "events", "[64]");
        expect_at(got, "events.0.id", "11");
        json_decref(got);
}
END_TEST

START_TEST(another_daemon_begins_with_all_it_has) {
        json_t *got;

        emit(3);
        got = go_on(100000, "0123456789abcdef");
        expect_at(got, "restarted", "true");
        expect_at(got, "events", "[3]");
        expect_at(got, "events.0.id", "1");
        expect_at(got, "lost", "-");
        json_decref(got);
        emit(1);
        got = answer();
        expect_at(got, "restarted", "-");
        json_decref(got);
}
END_TEST

START_TEST(who_does_not_follow_asks_again_behind_the_last) {
        char parameters[64];
        json_t *got;

        emit(300);
        got = ask("Events", "{\"after\":0}");
        expect_at(got, "events", "[256]");
        expect_at(got, "last", "256");
        json_decref(got);
        (void)snprintf(parameters, sizeof(parameters), "{\"after\":%d,\"runs\":[\"x#1\"]}", 256);
        got = ask("Events", parameters);
        expect_at(got, "events", "[0]");
        expect_at(got, "last", "300");
        json_decref(got);
}
END_TEST

START_TEST(who_follows_too_slowly_is_told_so) {
        static struct test_client other;
        json_t *got;
        char text[512];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        test_client_connect(&other, control->server);
        test_client_call(&other, "{\"method\":\"io.tendd.Runner.Events\",\"more\":true}");
        for (int i = 0; i < 20000; i++) {
                live_emit(live_bed.live, &(const struct event){ .id = EVENT_PHASE, .text = text, .quiet = true });
                if (i % 100 == 0)
                        fake_loop_settle();
        }
        for (;;) {
                bool eof = false;

                got = test_client_receive(&other, &eof);
                ck_assert_msg(got, "no error (%s)", eof ? "hung up" : "waits");
                if (json_object_get(got, "error"))
                        break;
                json_decref(got);
        }
        ck_assert_str_eq(json_string_value(json_object_get(got, "error")), "io.tendd.Runner.TooSlow");
        json_decref(got);
        test_client_close(&other);
        got = ask("Events", "{}");
        expect_at(got, "events", "[256]");
        json_decref(got);
}
END_TEST

/* ---- many ---- */

#define N_MANY 100

START_TEST(many_are_told_together_and_more_rarely) {
        static struct test_client many[N_MANY];
        json_t *got;

        for (size_t i = 0; i < N_MANY; i++) {
                test_client_connect(&many[i], control->server);
                test_client_call(&many[i], "{\"method\":\"io.tendd.Runner.Events\",\"more\":true}");
                json_decref(test_client_receive(&many[i], NULL));
        }
        emit(1);
        for (size_t i = 0; i < N_MANY; i++) {
                got = test_client_receive(&many[i], NULL);
                expect_at(got, "parameters.events", "[1]");
                json_decref(got);
        }
        emit(1);
        emit(1);
        test_client_expect_nothing(&many[0], false);
        fake_clock_advance(10 * USEC_PER_MSEC);
        for (size_t i = 0; i < N_MANY; i++) {
                got = test_client_receive(&many[i], NULL);
                expect_at(got, "parameters.events", "[2]");
                json_decref(got);
                test_client_close(&many[i]);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control-events");
        TCase *tcase = tcase_create("control-events");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, only_what_is_wanted_is_told, 0, (int)ARRAY_SIZE(filters));
        tcase_add_loop_test(tcase, what_cannot_be_is_refused, 0, (int)ARRAY_SIZE(refused));
        tcase_add_test(tcase, who_is_cut_off_goes_on_without_loss_or_repetition);
        tcase_add_test(tcase, what_is_not_kept_any_more_is_counted);
        tcase_add_test(tcase, another_daemon_begins_with_all_it_has);
        tcase_add_test(tcase, who_does_not_follow_asks_again_behind_the_last);
        tcase_add_test(tcase, who_follows_too_slowly_is_told_so);
        tcase_add_test(tcase, many_are_told_together_and_more_rarely);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
