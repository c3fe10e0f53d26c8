/* SPDX-License-Identifier: MIT */
/* utf8: the edges of what is a character, and of what a terminal obeys. */
#include "base/utf8.h"

#include <check.h>

static const struct {
        const char *bytes;
        size_t n;
        size_t length;
        bool control;
} rows[] = {
        { "a", 1, 1, false },
        { "\0", 1, 1, true },
        { "\t", 1, 1, false },
        { "\n", 1, 1, true },
        { "\x1b", 1, 1, true },
        { "\x7f", 1, 1, true },
        { "", 0, 0, false },
        { "\x80", 1, 0, false },
        { "\xc1\xbf", 2, 0, false }, /* overlong */
        { "\xc2\x80", 2, 2, true },  /* C1 begins */
        { "\xc2\x9f", 2, 2, true },  /* and ends */
        { "\xc2\xa0", 2, 2, false },
        { "\xc3\xa4 and more", 11, 2, false },
        { "\xc3", 1, 0, false },
        { "\xc3(", 2, 0, false },
        { "\xe0\x9f\xbf", 3, 0, false }, /* overlong */
        { "\xe0\xa0\x80", 3, 3, false },
        { "\xe2\x82\xac", 3, 3, false },
        { "\xe2\x82", 2, 0, false },
        { "\xed\x9f\xbf", 3, 3, false },
        { "\xed\xa0\x80", 3, 0, false }, /* surrogate */
        { "\xef\xbf\xbf", 3, 3, false },
        { "\xf0\x8f\xbf\xbf", 4, 0, false }, /* overlong */
        { "\xf0\x9f\x98\x80", 4, 4, false },
        { "\xf4\x8f\xbf\xbf", 4, 4, false },
        { "\xf4\x90\x80\x80", 4, 0, false }, /* beyond U+10FFFF */
        { "\xf5\x80\x80\x80", 4, 0, false },
        { "\xff", 1, 0, false },
};

START_TEST(each_row) {
        size_t length = utf8_length(rows[_i].bytes, rows[_i].n);

        ck_assert_msg(length == rows[_i].length, "row %d: length %zu, expected %zu", _i, length, rows[_i].length);
        if (length > 0)
                ck_assert_msg(utf8_is_control(rows[_i].bytes, length) == rows[_i].control, "row %d: control", _i);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("utf8");
        TCase *tcase = tcase_create("utf8");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, each_row, 0, (int)ARRAY_SIZE(rows));
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
