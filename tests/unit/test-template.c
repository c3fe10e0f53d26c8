/* SPDX-License-Identifier: MIT */
/* template: words are filled in, other braces stay, and no value breaks out of its place. */
#include "task/template.h"

#include <check.h>

#define B(word) (1u << TEMPLATE_##word)

static const struct {
        const char *text;
        unsigned words;
} uses[] = {
        { "", 0 },
        { "plain", 0 },
        { "{item}", B(ITEM) },
        { "{n}-{item}", B(ITEM) | B(N) },
        { "{{item}}", B(ITEM) },
        { "{items} {it {} {", 0 },
        { "{task}{run}{outcome}{error}{detail}{json}",
          B(TASK) | B(RUN) | B(OUTCOME) | B(ERROR) | B(DETAIL) | B(OUTCOME_TREE) },
};

START_TEST(words_are_found) {
        ck_assert_uint_eq(template_words(uses[_i].text), uses[_i].words);
}
END_TEST

static const struct {
        const char *text;
        enum template_place place;
        const char *item;
        const char *detail;
        const char *want;
} cases[] = {
        { "http://x/{item}", TEMPLATE_URL, "a", NULL, "http://x/a" },
        { "{item}", TEMPLATE_URL, "http://x/y?z=1&w=%20", NULL, "http://x/y?z=1&w=%20" },
        { "http://x/{item}", TEMPLATE_URL, "a b\n\"\xc3\xa4", NULL, "http://x/a%20b%0A%22%C3%A4" },
        { "http://x/?m={detail}", TEMPLATE_URL, NULL, "a&b=c/d e", "http://x/?m=a%26b%3Dc%2Fd%20e" },
        { "X-Item: {item}", TEMPLATE_HEADER, "a\r\nEvil: yes", NULL, "X-Item: a  Evil: yes" },
        { "{\"t\": \"{detail}\"}", TEMPLATE_JSON, NULL, "\"a\\b\"\n\x01", "{\"t\": \"\\\"a\\\\b\\\"\\n\\u0001\"}" },
        { "\"{detail}\"", TEMPLATE_JSON, NULL, "\xc3\xa4 \xff \xe2\x82", "\"\xc3\xa4 \\ufffd \\ufffd\\ufffd\"" },
        { "/l/{item}.log", TEMPLATE_FILE, "/srv/in/a b", NULL, "/l/_srv_in_a b.log" },
        { "/l/{item}", TEMPLATE_FILE, "../../etc/x", NULL, "/l/_._.._etc_x" },
        { "/l/{item}/x", TEMPLATE_FILE, "..", NULL, "/l/_./x" },
        { "/l/.{item}/x", TEMPLATE_FILE, ".", NULL, "/l/._/x" },
        { "/l/{item}/{item}", TEMPLATE_FILE, "a.b", NULL, "/l/a.b/a.b" },
        { "{item} {item}", TEMPLATE_TEXT, "a b", NULL, "a b a b" },
        { "{item}{detail}", TEMPLATE_TEXT, "{detail}", "x", "{detail}x" }, /* values are not looked at again */
        { "{item}", TEMPLATE_TEXT, NULL, NULL, "{item}" },                 /* no value: it is text */
        { "{unknown} {item} {", TEMPLATE_TEXT, "i", NULL, "{unknown} i {" },
        { "{{item}}", TEMPLATE_TEXT, "i", NULL, "{i}" },
        { "{item}", TEMPLATE_TEXT, "", NULL, "" },
};

START_TEST(values_are_put_in_their_place) {
        struct template_values values = { .values = {
                                                  [TEMPLATE_ITEM] = cases[_i].item,
                                                  [TEMPLATE_DETAIL] = cases[_i].detail,
                                          } };
        char *got = NULL;

        ck_assert_int_eq(template_expand(cases[_i].text, &values, cases[_i].place, &got), 0);
        ck_assert_str_eq(got, cases[_i].want);
        free(got);
}
END_TEST

START_TEST(the_outcome_tree_is_json_already) {
        struct template_values values = { .values = { [TEMPLATE_OUTCOME_TREE] = "{\"task\": \"t\"}" } };
        char *got = NULL;

        ck_assert_int_eq(template_expand("{\"tree\": {json}}", &values, TEMPLATE_JSON, &got), 0);
        ck_assert_str_eq(got, "{\"tree\": {\"task\": \"t\"}}");
        free(got);
}
END_TEST

START_TEST(a_long_value_fits) {
        enum { N = 100000 };
        struct template_values values = { 0 };
        char *value = malloc(N + 1), *got = NULL;

        ck_assert_ptr_nonnull(value);
        memset(value, '\n', N);
        value[N] = 0;
        values.values[TEMPLATE_ITEM] = value;
        ck_assert_int_eq(template_expand("<{item}>", &values, TEMPLATE_URL, &got), 0);
        ck_assert_uint_eq(strlen(got), 3 * N + 2);
        free(got);
        ck_assert_int_eq(template_expand("<{item}>", &values, TEMPLATE_JSON, &got), 0);
        ck_assert_uint_eq(strlen(got), 2 * N + 2);
        free(got);
        free(value);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("template");
        TCase *tcase = tcase_create("template");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, words_are_found, 0, ARRAY_SIZE(uses));
        tcase_add_loop_test(tcase, values_are_put_in_their_place, 0, ARRAY_SIZE(cases));
        tcase_add_test(tcase, the_outcome_tree_is_json_already);
        tcase_add_test(tcase, a_long_value_fits);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
