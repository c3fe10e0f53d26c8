/* SPDX-License-Identifier: MIT */
/* needle: found wherever the stream is cut, and nowhere else. */
#include "task/needle.h"

#include <check.h>

static const struct {
        const char *text;
        const char *stream;
        bool found;
} cases[] = {
        { "ok", "all is ok here", true },
        { "ok", "o k", false },
        { "ok", "", false },
        { "a", "bbba", true },
        { "aab", "aaaab", true }, /* begins again within what was matched */
        { "abab", "abaabab", true },
        { "ababac", "abababac", true },
        { "abcabd", "abcabcabd", true },
        { "abcabd", "abcabcabc", false },
        { "needle", "needlneedle", true },
        { "needle", "needlneedl", false },
};

START_TEST(found_however_the_stream_is_cut) {
        const char *stream = cases[_i].stream;
        size_t n = strlen(stream);
        struct needle *needle;

        ck_assert_int_eq(needle_new(cases[_i].text, strlen(cases[_i].text), &needle), 0);
        for (size_t a = 0; a <= n; a++) {
                for (size_t b = a; b <= n; b++) {
                        size_t state = 0;
                        bool found;

                        needle_feed(needle, &state, stream, a);
                        needle_feed(needle, &state, stream + a, b - a);
                        found = needle_feed(needle, &state, stream + b, n - b);
                        ck_assert_msg(found == cases[_i].found, "\"%s\" in \"%s\" cut at %zu and %zu: %d, not %d",
                                      cases[_i].text, stream, a, b, found, cases[_i].found);
                }
        }
        needle_free(needle);
}
END_TEST

START_TEST(stays_found) {
        struct needle *needle;
        size_t state = 0;

        ck_assert_int_eq(needle_new("x", 1, &needle), 0);
        ck_assert(needle_feed(needle, &state, "x", 1));
        ck_assert(needle_feed(needle, &state, "yyy", 3));
        needle_free(needle);
}
END_TEST

START_TEST(an_empty_text_is_refused) {
        struct needle *needle = NULL;

        ck_assert_int_eq(needle_new("", 0, &needle), -EINVAL);
        ck_assert_ptr_null(needle);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("needle");
        TCase *tcase = tcase_create("needle");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, found_however_the_stream_is_cut, 0, ARRAY_SIZE(cases));
        tcase_add_test(tcase, stays_found);
        tcase_add_test(tcase, an_empty_text_is_refused);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
