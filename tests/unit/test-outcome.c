/* SPDX-License-Identifier: MIT */
/* outcome: names, lists of errors and results. */
#include "run/outcome.h"

#include <check.h>
#include <stdio.h>

/* ---- names ---- */

static const char *outcome_name(int i) {
        return outcome_to_string((enum outcome)i);
}

static int outcome_value(const char *s) {
        return (int)outcome_from_string(s);
}

static const char *error_name(int i) {
        return error_kind_to_string((enum error_kind)i);
}

static int error_value(const char *s) {
        return (int)error_kind_from_string(s);
}

static const struct {
        const char *(*name)(int i);
        int (*value)(const char *s);
        int n;
} tables[] = {
        { outcome_name, outcome_value, _OUTCOME_MAX },
        { error_name, error_value, _ERROR_KIND_MAX },
};

START_TEST(every_name_comes_back_as_its_value) {
        for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
                for (int k = 0; k < tables[i].n; k++) {
                        const char *name = tables[i].name(k);

                        ck_assert_str_ne(name, "?");
                        ck_assert_int_eq(tables[i].value(name), k);
                }
                ck_assert_str_eq(tables[i].name(tables[i].n), "?");
                ck_assert_str_eq(tables[i].name(-EINVAL), "?");
                ck_assert_int_eq(tables[i].value("nonsense"), -EINVAL);
                ck_assert_int_eq(tables[i].value(""), -EINVAL);
        }
}
END_TEST

START_TEST(reasons_and_bounds_have_names) {
        for (int i = 0; i < _CANCEL_REASON_MAX; i++)
                ck_assert_str_ne(cancel_reason_to_string((enum cancel_reason)i), "?");
        for (int i = 0; i < _BOUND_MAX; i++)
                ck_assert_str_ne(bound_to_string((enum bound)i), "?");
        ck_assert_str_eq(bound_to_string(_BOUND_INVALID), "?");
        ck_assert_str_eq(cancel_reason_to_string(_CANCEL_REASON_MAX), "?");
}
END_TEST

START_TEST(a_failure_is_failed_or_timeout) {
        for (int i = 0; i < _OUTCOME_MAX; i++)
                ck_assert_int_eq(outcome_is_failure((enum outcome)i), i == OUTCOME_FAILED || i == OUTCOME_TIMEOUT);
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_are_bounded_and_the_rest_is_counted) {
        struct errors errors = { 0 }, more = { 0 };

        for (unsigned i = 0; i < ERRORS_MAX + 5; i++)
                errors_add(&errors, ERROR_EXIT, "it ended with code 1", "a#1");
        ck_assert_uint_eq(errors.n, ERRORS_MAX);
        ck_assert_uint_eq(errors.n_lost, 5);
        errors_merge(&more, &errors);
        ck_assert_uint_eq(more.n, ERRORS_MAX);
        ck_assert_uint_eq(more.n_lost, 5);
        errors_merge(&more, &errors);
        ck_assert_uint_eq(more.n_lost, ERRORS_MAX + 10);
        errors_done(&errors);
        errors_done(&more);
        ck_assert_uint_eq(errors.n, 0);
}
END_TEST

START_TEST(what_was_merged_can_be_taken_out_again) {
        struct errors errors = { 0 }, from = { 0 };

        errors_add(&errors, ERROR_EXIT, "first", "a#1");
        errors_add(&from, ERROR_EXIT, "one", "b#1");
        errors_add(&from, ERROR_IO, "two", "b#1");
        errors_merge(&errors, &from);
        errors_add(&errors, ERROR_IO, "last", "c#1");
        errors_unmerge(&errors, &from);
        ck_assert_uint_eq(errors.n, 2);
        ck_assert_str_eq(errors.items[0].detail, "first");
        ck_assert_str_eq(errors.items[1].detail, "last");
        while (errors.n < ERRORS_MAX - 1)
                errors_add(&errors, ERROR_EXIT, "more", "a#1");
        from.n_lost = 3;
        errors_merge(&errors, &from);
        ck_assert_uint_eq(errors.n_lost, 4);
        errors_unmerge(&errors, &from);
        ck_assert_uint_eq(errors.n, ERRORS_MAX - 1);
        ck_assert_uint_eq(errors.n_lost, 0);
        errors_done(&errors);
        errors_done(&from);
}
END_TEST

START_TEST(the_root_cause_goes_first_and_is_never_lost) {
        struct errors errors = { 0 }, cause = { 0 };

        errors_add_first(&errors, ERROR_EXIT, "c", "x#1");
        errors_add(&cause, ERROR_IO, "a", "x#1");
        errors_add(&cause, ERROR_IO, "b", "x#1");
        errors_merge_first(&errors, &cause);
        ck_assert_uint_eq(errors.n, 3);
        for (size_t i = 0; i < 3; i++)
                ck_assert_int_eq(errors.items[i].detail[0], "abc"[i]);
        while (errors.n < ERRORS_MAX)
                errors_add(&errors, ERROR_EXIT, "z", "x#1");
        errors_add_first(&errors, ERROR_TIMEOUT, "root", "x#1");
        ck_assert_uint_eq(errors.n, ERRORS_MAX);
        ck_assert_uint_eq(errors.n_lost, 1);
        ck_assert_str_eq(errors.items[0].detail, "root");
        ck_assert_str_eq(errors.items[1].detail, "a");
        errors_done(&errors);
        errors_done(&cause);
}
END_TEST

/* ---- results ---- */

START_TEST(a_result_lives_as_long_as_somebody_has_it) {
        struct result *result = result_new("a", "a#1");

        ck_assert_ptr_nonnull(result);
        result->children = calloc(1, sizeof(*result->children));
        result->children[0] = result_new("b", "a#1/b");
        result->n_children = 1;
        result->reason = strdup("because");
        ck_assert_ptr_eq(result_ref(result), result);
        ck_assert_ptr_null(result_unref(result));
        ck_assert_str_eq(result->run, "a#1");
        ck_assert_str_eq(result->children[0]->run, "a#1/b");
        ck_assert_int_eq(result->bound, _BOUND_INVALID);
        ck_assert_ptr_null(result_unref(result));
        ck_assert_ptr_null(result_unref(NULL));
}
END_TEST

static const struct {
        enum outcome outcome;
        enum error_kind error; /* in its list */
        const char *reason;
        enum error_kind told;
        const char *detail;
} results[] = {
        { OUTCOME_OK, ERROR_NONE, NULL, ERROR_NONE, "" },
        { OUTCOME_FAILED, ERROR_EXIT, NULL, ERROR_EXIT, "the error" },
        { OUTCOME_TIMEOUT, ERROR_TIMEOUT, NULL, ERROR_TIMEOUT, "the error" },
        { OUTCOME_TIMEOUT, ERROR_NONE, NULL, ERROR_TIMEOUT, "" },
        { OUTCOME_CANCELLED, ERROR_EXIT, "the reason", ERROR_NONE, "the reason" },
        { OUTCOME_SKIPPED, ERROR_NONE, "the reason", ERROR_NONE, "the reason" },
        { OUTCOME_OK, ERROR_EXIT, NULL, ERROR_NONE, "" },
};

START_TEST(the_root_cause_is_told_of_failures_only) {
        for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
                struct result *result = result_new("a", "a#1");

                result->outcome = results[i].outcome;
                result->reason = results[i].reason ? strdup(results[i].reason) : NULL;
                if (results[i].error != ERROR_NONE)
                        errors_add(&result->errors, results[i].error, "the error", "a#1");
                ck_assert_int_eq(result_error(result), results[i].told);
                ck_assert_str_eq(result_detail(result), results[i].detail);
                result_unref(result);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("outcome");
        TCase *tcase = tcase_create("outcome");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, every_name_comes_back_as_its_value);
        tcase_add_test(tcase, reasons_and_bounds_have_names);
        tcase_add_test(tcase, a_failure_is_failed_or_timeout);
        tcase_add_test(tcase, errors_are_bounded_and_the_rest_is_counted);
        tcase_add_test(tcase, what_was_merged_can_be_taken_out_again);
        tcase_add_test(tcase, the_root_cause_goes_first_and_is_never_lost);
        tcase_add_test(tcase, a_result_lives_as_long_as_somebody_has_it);
        tcase_add_test(tcase, the_root_cause_is_told_of_failures_only);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
