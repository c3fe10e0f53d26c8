/* SPDX-License-Identifier: MIT */
/* outcome_json: the outcome tree as JSON, key by key. */
#include "live/outcome_json.h"

#include <check.h>

static char *to_text(const struct result *result) {
        json_t *json = outcome_to_json(result);
        char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

        json_decref(json);
        return text;
}

/* @result as JSON, its keys sorted, and that what comes back from it is the same. Consumes the reference. */
static void check_json(struct result *result, const char *expected) {
        char *text = to_text(result), *again;

        ck_assert_str_eq(text, expected);
        result_unref(result);
        result = outcome_parse(text);
        ck_assert_ptr_nonnull(result);
        again = to_text(result);
        ck_assert_str_eq(again, expected);
        free(again);
        free(text);
        result_unref(result);
}

static struct result *make(const char *run, enum outcome outcome) {
        struct result *result = result_new("a", run);

        ck_assert_ptr_nonnull(result);
        result->outcome = outcome;
        result->attempts = 1;
        return result;
}

START_TEST(a_run_that_was_ok_has_only_what_every_run_has) {
        struct result *result = make("a#1", OUTCOME_OK);

        result->queued_usec = 7;
        result->duration_usec = 1500000;
        check_json(result, "{\"attempts\":1,\"duration_usec\":1500000,\"errors\":[],\"exit_code\":0,\"outcome\":\"ok\","
                           "\"queued_usec\":7,\"run\":\"a#1\",\"task\":\"a\"}");
}
END_TEST

START_TEST(what_it_used_is_told_where_it_is_known) {
        struct result *result = make("a#1", OUTCOME_OK);

        result->cpu_usec = 12000;
        result->memory_peak = 4096;
        check_json(result, "{\"attempts\":1,\"cpu_usec\":12000,\"duration_usec\":0,\"errors\":[],\"exit_code\":0,"
                           "\"memory_peak\":4096,\"outcome\":\"ok\",\"queued_usec\":0,\"run\":\"a#1\",\"task\":\"a\"}");
}
END_TEST

START_TEST(a_timeout_names_its_bound_and_a_cancel_its_cause) {
        struct result *result = make("a#1", OUTCOME_TIMEOUT);

        errors_add(&result->errors, ERROR_IO, "it broke", "a#1");
        errors_add_first(&result->errors, ERROR_TIMEOUT, "too long", "a#1");
        result->bound = BOUND_TOTAL_TIMEOUT;
        result->bound_run = strdup("a#1");
        result->cancel = CANCEL_OPERATOR;
        result->cancelled_by = strdup("uid 0");
        result->exit_code = 124;
        check_json(result,
                   "{\"attempts\":1,\"bound\":{\"key\":\"total-timeout\",\"run\":\"a#1\"},"
                   "\"cancelled_by\":\"operator: uid 0\",\"duration_usec\":0,\"errors\":["
                   "{\"detail\":\"too long\",\"kind\":\"timeout\",\"run\":\"a#1\"},"
                   "{\"detail\":\"it broke\",\"kind\":\"io\",\"run\":\"a#1\"}],"
                   "\"exit_code\":124,\"outcome\":\"timeout\",\"queued_usec\":0,\"run\":\"a#1\",\"task\":\"a\"}");
}
END_TEST

START_TEST(a_shutdown_is_named_once) {
        struct result *result = make("a#1", OUTCOME_CANCELLED);

        result->cancel = CANCEL_SHUTDOWN;
        result->cancelled_by = strdup("shutdown");
        check_json(result,
                   "{\"attempts\":1,\"cancelled_by\":\"shutdown\",\"duration_usec\":0,\"errors\":[],"
                   "\"exit_code\":0,\"outcome\":\"cancelled\",\"queued_usec\":0,\"run\":\"a#1\",\"task\":\"a\"}");
}
END_TEST

START_TEST(a_member_that_was_ok_before_says_in_which_run) {
        struct result *result = make("a#2/b", OUTCOME_OK);

        result->attempts = 0;
        result->resumed = strdup("a#1");
        result->reason = strdup("ok in a#1");
        check_json(result, "{\"attempts\":0,\"duration_usec\":0,\"errors\":[],\"exit_code\":0,\"outcome\":\"ok\","
                           "\"queued_usec\":0,\"reason\":\"ok in a#1\",\"resumed\":\"a#1\",\"run\":\"a#2/b\","
                           "\"task\":\"a\"}");
}
END_TEST

START_TEST(members_are_children_and_bytes_that_are_no_text_are_replaced) {
        struct result *result = make("a#1", OUTCOME_CANCELLED);

        result->reason = strdup("member \xff");
        result->children = calloc(1, sizeof(*result->children));
        result->children[0] = make("a#1/b", OUTCOME_NEVER_STARTED);
        result->n_children = 1;
        check_json(result, "{\"attempts\":1,\"children\":[{\"attempts\":1,\"duration_usec\":0,\"errors\":[],"
                           "\"exit_code\":0,\"outcome\":\"never-started\",\"queued_usec\":0,\"run\":\"a#1/b\","
                           "\"task\":\"a\"}],\"duration_usec\":0,\"errors\":[],\"exit_code\":0,"
                           "\"outcome\":\"cancelled\",\"queued_usec\":0,\"reason\":\"member ?\",\"run\":\"a#1\","
                           "\"task\":\"a\"}");
}
END_TEST

START_TEST(items_are_summed_up) {
        struct items_summary items = { .total = 9, .latency_usec = { 1, 2, 3, 4, 5 } };
        json_t *json;
        char *text;

        items.by_outcome[OUTCOME_OK] = 4;
        items.by_outcome[OUTCOME_FAILED] = 2;
        items.by_outcome[OUTCOME_TIMEOUT] = 1;
        items.by_outcome[OUTCOME_CANCELLED] = 2;
        items.by_kind[ERROR_HTTP_STATUS] = 2;
        items.by_kind[ERROR_TIMEOUT] = 1;
        json = items_to_json(&items);
        text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
        ck_assert_str_eq(text, "{\"by_kind\":{\"http-status\":2,\"timeout\":1},\"failed\":3,"
                               "\"latency_usec\":{\"max\":5,\"min\":1,\"p50\":2,\"p90\":3,\"p99\":4},"
                               "\"ok\":4,\"total\":9}");
        free(text);
        json_decref(json);
}
END_TEST

START_TEST(a_summary_of_items_comes_back) {
        struct result *result = make("a#1", OUTCOME_FAILED);

        result->items = calloc(1, sizeof(*result->items));
        ck_assert_ptr_nonnull(result->items);
        result->items->total = 3;
        result->items->by_outcome[OUTCOME_FAILED] = 3;
        result->items->by_kind[ERROR_EXIT] = 3;
        result->items->latency_usec.p90 = 9;
        check_json(result, "{\"attempts\":1,\"duration_usec\":0,\"errors\":[],\"exit_code\":0,\"items\":{"
                           "\"by_kind\":{\"exit\":3},\"failed\":3,\"latency_usec\":{\"max\":0,\"min\":0,\"p50\":0,"
                           "\"p90\":9,\"p99\":0},\"ok\":0,\"total\":3},\"outcome\":\"failed\",\"queued_usec\":0,"
                           "\"run\":\"a#1\",\"task\":\"a\"}");
}
END_TEST

START_TEST(the_store_keeps_when_it_ended_and_what_it_said) {
        struct result *result = make("a#1", OUTCOME_OK);
        char *text;

        result->ended_realtime_usec = 1772366400000000;
        result->output_tail = strdup("bye\n");
        text = outcome_write(result);
        result_unref(result);
        result = outcome_parse(text);
        ck_assert_ptr_nonnull(result);
        ck_assert_uint_eq(result->ended_realtime_usec, 1772366400000000);
        ck_assert_str_eq(result->output_tail, "bye\n");
        free(text);
        result_unref(result);
}
END_TEST

static const char *const none[] = {
        "",
        "[]",
        "{}",
        "no JSON",
        "{\"task\":\"a\",\"run\":\"a#1\"}",
        "{\"task\":\"a\",\"outcome\":\"ok\"}",
        "{\"task\":\"a\",\"run\":\"a#1\",\"outcome\":\"new word\"}",
};

START_TEST(what_is_no_outcome_is_none) {
        ck_assert_ptr_null(outcome_parse(none[_i]));
}
END_TEST

/* Damaged or edited by hand: nothing behind the colon. */
START_TEST(who_cancelled_may_be_cut_off) {
        struct result *result = outcome_parse(
                "{\"task\":\"a\",\"run\":\"a#1\",\"outcome\":\"cancelled\",\"cancelled_by\":\"operator:\"}");

        ck_assert_ptr_nonnull(result);
        ck_assert_int_eq(result->cancel, CANCEL_OPERATOR);
        ck_assert_pstr_eq(result->cancelled_by, "operator");
        result_unref(result);
}
END_TEST

START_TEST(what_is_not_known_is_left_out) {
        struct result *result =
                outcome_parse("{\"task\":\"a\",\"run\":\"a#1\",\"outcome\":\"failed\",\"errors\":[{\"kind\":\"new\","
                              "\"detail\":\"x\",\"run\":\"a#1\"},7,{\"kind\":\"exit\"}],\"bound\":{\"key\":\"new\"},"
                              "\"cancelled_by\":\"new: y\",\"children\":[{},3],\"attempts\":-4,\"items\":[]}");

        ck_assert_ptr_nonnull(result);
        ck_assert_uint_eq(result->errors.n, 0);
        ck_assert_int_eq(result->bound, _BOUND_INVALID);
        ck_assert_int_eq(result->cancel, CANCEL_NONE);
        ck_assert_uint_eq(result->n_children, 0);
        ck_assert_uint_eq(result->attempts, 0);
        ck_assert_ptr_null(result->items);
        result_unref(result);
}
END_TEST

static const struct {
        const char *text;
        const char *shown;
} texts[] = {
        { "", "" },
        { "plain", "plain" },
        { "\xd1\x8f \xe2\x82\xac \xf0\x9f\x90\x9f", "\xd1\x8f \xe2\x82\xac \xf0\x9f\x90\x9f" },
        { "\x8f\xd1\x8f", "?\xd1\x8f" },                       /* cut at the beginning */
        { "\xd1\x8f\xe2\x82", "\xd1\x8f??" },                  /* and at the end */
        { "a\xff\xfe\xe9t\xe9", "a???t?" },                    /* another encoding */
        { "\xc0\x80\xed\xa0\x80 \xc3\xa9", "????? \xc3\xa9" }, /* overlong, a surrogate */
};

START_TEST(of_what_is_no_text_the_text_is_kept) {
        json_t *json = json_text(texts[_i].text);

        ck_assert_str_eq(json_string_value(json), texts[_i].shown);
        json_decref(json);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("outcome-json");
        TCase *tcase = tcase_create("outcome-json");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, a_run_that_was_ok_has_only_what_every_run_has);
        tcase_add_test(tcase, what_it_used_is_told_where_it_is_known);
        tcase_add_test(tcase, a_timeout_names_its_bound_and_a_cancel_its_cause);
        tcase_add_test(tcase, a_shutdown_is_named_once);
        tcase_add_test(tcase, a_member_that_was_ok_before_says_in_which_run);
        tcase_add_test(tcase, members_are_children_and_bytes_that_are_no_text_are_replaced);
        tcase_add_test(tcase, items_are_summed_up);
        tcase_add_test(tcase, a_summary_of_items_comes_back);
        tcase_add_test(tcase, the_store_keeps_when_it_ended_and_what_it_said);
        tcase_add_loop_test(tcase, what_is_no_outcome_is_none, 0, (int)ARRAY_SIZE(none));
        tcase_add_test(tcase, what_is_not_known_is_left_out);
        tcase_add_test(tcase, who_cancelled_may_be_cut_off);
        tcase_add_loop_test(tcase, of_what_is_no_text_the_text_is_kept, 0, (int)ARRAY_SIZE(texts));
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
