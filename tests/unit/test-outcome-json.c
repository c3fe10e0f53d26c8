/* SPDX-License-Identifier: MIT */
/* outcome_json: the outcome tree as JSON, key by key. */
#include "live/outcome_json.h"

#include <check.h>

/* @result as JSON, its keys sorted. Consumes the reference. */
static void check_json(struct result *result, const char *expected) {
        json_t *json = outcome_to_json(result);
        char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

        ck_assert_str_eq(text, expected);
        free(text);
        json_decref(json);
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
        tcase_add_test(tcase, members_are_children_and_bytes_that_are_no_text_are_replaced);
        tcase_add_test(tcase, items_are_summed_up);
        tcase_add_loop_test(tcase, of_what_is_no_text_the_text_is_kept, 0, (int)ARRAY_SIZE(texts));
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
