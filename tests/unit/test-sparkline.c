/* SPDX-License-Identifier: MIT */
/* sparkline: bars as high as their share of the longest. */
#include "tendctl/sparkline.h"

#include <check.h>

static const struct {
        enum spark spark;
        usec_t usec;
        usec_t max_usec;
        const char *utf8;
        const char *ascii;
} rows[] = {
        { SPARK_OK, 0, 0, "▁", "_" },
        { SPARK_OK, 0, 100, "▁", "_" },
        { SPARK_OK, 12, 100, "▁", "_" },
        { SPARK_OK, 13, 100, "▂", "." },
        { SPARK_OK, 50, 100, "▅", "=" },
        { SPARK_OK, 99, 100, "█", "#" },
        { SPARK_OK, 100, 100, "█", "#" },
        { SPARK_OK, 200, 100, "█", "#" },
        { SPARK_OK, USEC_INFINITY - 1, USEC_INFINITY - 1, "█", "#" },
        { SPARK_FAILED, 50, 100, "✗", "x" },
        { SPARK_OTHER, 100, 100, "·", ":" },
};

START_TEST(a_bar_is_as_high_as_its_share) {
        ck_assert_str_eq(sparkline_glyph(rows[_i].spark, rows[_i].usec, rows[_i].max_usec, true), rows[_i].utf8);
        ck_assert_str_eq(sparkline_glyph(rows[_i].spark, rows[_i].usec, rows[_i].max_usec, false), rows[_i].ascii);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("sparkline");
        TCase *tcase = tcase_create("sparkline");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, a_bar_is_as_high_as_its_share, 0, (int)ARRAY_SIZE(rows));
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
