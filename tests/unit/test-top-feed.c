/* SPDX-License-Identifier: MIT */
/* top_feed: what is asked when, with a daemon that answers when the test says. */
#include "support/fake-clock.h"
#include "tendctl/client.h"
#include "tendctl/top_feed.h"

#include <check.h>
#include <stdio.h>

/* ---- the daemon ---- */

struct client {
        int fd;
};

static struct client connection;
static int connect_result;
static char calls[512]; /* the methods that were called, in order */
static char parameters_of_last[256];
static struct {
        int result; /* -ETIMEDOUT: nothing has come */
        const char *text;
        const char *error;
        bool continues;
} answers[64];
static size_t n_answers, taken;

int ctl_connect_quietly(struct ctl *ctl) {
        if (connect_result == 0)
                ctl->client = &connection;
        return connect_result;
}

const char *ctl_explain(const char *error) {
        return error;
}

int ctl_collect(struct ctl *ctl _unused_, const char *method _unused_, json_t *parameters, const char *key _unused_,
                json_t **ret _unused_) {
        json_decref(parameters);
        return CTL_FAILED;
}

int ctl_ask(struct ctl *ctl _unused_, const char *method _unused_, json_t *parameters, json_t **ret _unused_) {
        json_decref(parameters);
        return CTL_FAILED;
}

struct client *client_free(_unused_ struct client *client) {
        return NULL;
}

int client_fd(_unused_ const struct client *client) {
        return 7;
}

int client_send(struct client *client _unused_, const char *method, json_t *parameters, bool more _unused_) {
        char *text = json_dumps(parameters, JSON_COMPACT);

        (void)snprintf(parameters_of_last, sizeof(parameters_of_last), "%s", text);
        free(text);
        json_decref(parameters);
        (void)snprintf(calls + strlen(calls), sizeof(calls) - strlen(calls), "%s%s", *calls ? " " : "",
                       strrchr(method, '.') + 1);
        return 0;
}

void client_answer_done(struct client_answer *answer) {
        json_decref(answer->message);
}

int client_receive(struct client *client _unused_, usec_t timeout_usec, struct client_answer *ret) {
        ck_assert_uint_eq(timeout_usec, 0);
        if (taken == n_answers)
                return -ETIMEDOUT;
        if (answers[taken].result < 0)
                return answers[taken++].result;
        *ret = (struct client_answer){
                .message = json_loads(answers[taken].text, 0, NULL),
                .error = answers[taken].error,
                .continues = answers[taken].continues,
        };
        ck_assert_ptr_nonnull(ret->message);
        ret->parameters = ret->message;
        taken++;
        return 0;
}

static void will_answer(const char *text) {
        ck_assert_uint_lt(n_answers, ARRAY_SIZE(answers));
        answers[n_answers++].text = text;
}

/* ---- the fixture ---- */

static struct ctl ctl;
static struct feed *feed;
static char fed[512];

static void on_fed(enum top_source source, json_t *answer, _unused_ void *arg) {
        (void)snprintf(fed + strlen(fed), sizeof(fed) - strlen(fed), "%s%d:%zu", *fed ? " " : "", (int)source,
                       json_is_array(answer) ? json_array_size(answer) : json_object_size(answer));
}

static void setup(void) {
        fake_clock_reset();
        ctl = (struct ctl){ 0 };
        connect_result = 0;
        calls[0] = fed[0] = '\0';
        memset(answers, 0, sizeof(answers));
        n_answers = taken = 0;
        ck_assert_int_eq(feed_new(&ctl, USEC_PER_SEC, on_fed, NULL, &feed), 0);
}

static void teardown(void) {
        feed_free(feed);
}

static void step(void) {
        feed_step(feed, clock_now(CLOCK_ID_MONOTONIC));
}

static void expect_calls(const char *expected) {
        ck_assert_str_eq(calls, expected);
        calls[0] = '\0';
}

static const char *trouble(void) {
        usec_t since;

        return feed_trouble(feed, &since);
}

START_TEST(one_call_after_the_other_each_interval) {
        feed_want(feed, 1u << SOURCE_STATUS | 1u << SOURCE_LIMITS);
        step();
        expect_calls("Status");
        ck_assert_int_eq(feed_fd(feed), 7);
        will_answer("{\"pid\":1}");
        step();
        expect_calls("Limits");
        will_answer("{\"limits\":[1,2]}");
        step();
        expect_calls("");
        ck_assert_str_eq(fed, "0:1 4:2");
        ck_assert_int_eq(feed_fd(feed), -1);
        ck_assert_uint_eq(feed_due(feed), clock_now(CLOCK_ID_MONOTONIC) + USEC_PER_SEC);
        fake_clock_advance(USEC_PER_SEC - 1);
        step();
        expect_calls("");
        fake_clock_advance(1);
        step();
        expect_calls("Status");
}
END_TEST

START_TEST(an_answer_in_parts_is_joined) {
        feed_want(feed, 1u << SOURCE_TASKS);
        step();
        will_answer("{\"tasks\":[1,2]}");
        answers[0].continues = true;
        step();
        ck_assert_str_eq(fed, "");
        will_answer("{\"tasks\":[3]}");
        step();
        ck_assert_str_eq(fed, "2:3");
}
END_TEST

START_TEST(what_takes_long_is_asked_seldom) {
        feed_want(feed, 1u << SOURCE_TASKS | 1u << SOURCE_VISIBLE);
        feed_look_at(feed, json_pack("[s, s]", "a", "b"));
        step();
        expect_calls("List");
        fake_clock_advance(200 * USEC_PER_MSEC);
        will_answer("{\"tasks\":[1]}");
        step();
        ck_assert_str_eq(fed, "2:1");
        for (int i = 0; i < 7; i++) { /* meanwhile those that can be seen */
                fake_clock_advance(USEC_PER_SEC);
                step();
                expect_calls("List");
                ck_assert_str_eq(parameters_of_last, "{\"tasks\":[\"a\",\"b\"]}");
                will_answer("{\"tasks\":[1]}");
                step();
        }
        fake_clock_advance(USEC_PER_SEC);
        step();
        expect_calls("List");
        ck_assert_str_eq(parameters_of_last, "{}");
}
END_TEST

START_TEST(what_is_new_on_the_screen_is_asked_for_at_once) {
        feed_want(feed, 1u << SOURCE_VISIBLE);
        step();
        expect_calls(""); /* nothing is visible */
        feed_look_at(feed, json_pack("[s]", "a"));
        step();
        expect_calls("List");
        will_answer("{\"tasks\":[1]}");
        step();
        feed_look_at(feed, json_pack("[s]", "a"));
        step();
        expect_calls("");
        feed_look_at(feed, json_pack("[s]", "b"));
        step();
        expect_calls("List");
        answers[n_answers++].error = "NoSuchTask"; /* b has gone by a reload */
        answers[n_answers - 1].text = "{}";
        feed_want(feed, 1u << SOURCE_VISIBLE | 1u << SOURCE_TASKS);
        step();
        expect_calls("List");
        ck_assert_str_eq(parameters_of_last, "{}");
        ck_assert_ptr_null(trouble());
}
END_TEST

START_TEST(a_daemon_that_goes_is_looked_for) {
        feed_want(feed, 1u << SOURCE_STATUS);
        step();
        answers[n_answers++].result = -ECONNRESET;
        step();
        ck_assert_str_eq(trouble(), "the daemon has gone");
        ck_assert_uint_eq(feed_due(feed), clock_now(CLOCK_ID_MONOTONIC) + USEC_PER_SEC);
        connect_result = -ECONNREFUSED;
        fake_clock_advance(USEC_PER_SEC);
        step();
        ck_assert_str_eq(trouble(), "no daemon: Connection refused");
        connect_result = 0;
        fake_clock_advance(USEC_PER_SEC);
        calls[0] = '\0';
        step();
        expect_calls("Status");
        ck_assert_ptr_nonnull(trouble()); /* until it has said something */
        will_answer("{}");
        step();
        ck_assert_ptr_null(trouble());
}
END_TEST

START_TEST(one_that_says_nothing_is_told) {
        feed_want(feed, 1u << SOURCE_STATUS);
        step();
        fake_clock_advance(3 * USEC_PER_SEC);
        ck_assert_uint_eq(feed_due(feed), clock_now(CLOCK_ID_MONOTONIC));
        step();
        ck_assert_str_eq(trouble(), "the daemon does not answer");
        ck_assert_uint_gt(feed_due(feed), clock_now(CLOCK_ID_MONOTONIC)); /* nobody spins */
        will_answer("{}");
        step();
        ck_assert_ptr_null(trouble());
}
END_TEST

START_TEST(a_refusal_is_told_and_tried_again) {
        feed_want(feed, 1u << SOURCE_STATUS);
        step();
        answers[n_answers++].error = "denied";
        answers[n_answers - 1].text = "{}";
        step();
        ck_assert_str_eq(trouble(), "denied");
        calls[0] = '\0';
        step();
        expect_calls("");
        fake_clock_advance(USEC_PER_SEC);
        step();
        expect_calls("Status");
}
END_TEST

START_TEST(keys_have_their_turn_in_a_long_answer) {
        feed_want(feed, 1u << SOURCE_TASKS);
        step();
        for (size_t i = 0; i < 40; i++) {
                will_answer("{\"tasks\":[1]}");
                answers[i].continues = i + 1 < 40;
        }
        step();
        ck_assert_uint_lt(taken, 40);
        ck_assert_uint_eq(feed_due(feed), 0);
        step();
        step();
        ck_assert_str_eq(fed, "2:40");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("top-feed");
        TCase *tcase = tcase_create("top-feed");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, one_call_after_the_other_each_interval);
        tcase_add_test(tcase, an_answer_in_parts_is_joined);
        tcase_add_test(tcase, what_takes_long_is_asked_seldom);
        tcase_add_test(tcase, what_is_new_on_the_screen_is_asked_for_at_once);
        tcase_add_test(tcase, a_daemon_that_goes_is_looked_for);
        tcase_add_test(tcase, one_that_says_nothing_is_told);
        tcase_add_test(tcase, a_refusal_is_told_and_tried_again);
        tcase_add_test(tcase, keys_have_their_turn_in_a_long_answer);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
