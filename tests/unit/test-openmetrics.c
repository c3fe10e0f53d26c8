/* SPDX-License-Identifier: MIT */
/* openmetrics: both formats, what must be escaped, and a buffer that is too small. */
#include "metrics/openmetrics.h"

#include <check.h>
#include <stdio.h>

static char buf[4096];

static struct metrics_writer writer_of(bool openmetrics) {
        return (struct metrics_writer){ .buf = buf, .size = sizeof(buf), .openmetrics = openmetrics };
}

static const struct {
        enum family_type type;
        const char *unit;
        const char *openmetrics;
        const char *plain;
} families[] = {
        { FAMILY_COUNTER, NULL, "# HELP x Help.\n# TYPE x counter\nx_total{a=\"b\"} 3\n",
          "# HELP x_total Help.\n# TYPE x_total counter\nx_total{a=\"b\"} 3\n" },
        { FAMILY_GAUGE, NULL, "# HELP x Help.\n# TYPE x gauge\nx{a=\"b\"} 3\n",
          "# HELP x Help.\n# TYPE x gauge\nx{a=\"b\"} 3\n" },
        { FAMILY_GAUGE, "bytes", "# HELP x Help.\n# TYPE x gauge\n# UNIT x bytes\nx{a=\"b\"} 3\n",
          "# HELP x Help.\n# TYPE x gauge\nx{a=\"b\"} 3\n" },
        { FAMILY_INFO, NULL, "# HELP x Help.\n# TYPE x info\nx_info{a=\"b\"} 3\n",
          "# HELP x_info Help.\n# TYPE x_info gauge\nx_info{a=\"b\"} 3\n" },
        { FAMILY_STATESET, NULL, "# HELP x Help.\n# TYPE x stateset\nx{a=\"b\"} 3\n",
          "# HELP x Help.\n# TYPE x gauge\nx{a=\"b\"} 3\n" },
};

START_TEST(types) {
        for (int openmetrics = 0; openmetrics < 2; openmetrics++) {
                struct metrics_writer writer = writer_of(openmetrics);

                metrics_begin(&writer, "x", families[_i].type, families[_i].unit, "Help.");
                metrics_count(&writer, LABEL("a", "b"), NO_LABEL, 3);
                ck_assert_str_eq(buf, openmetrics ? families[_i].openmetrics : families[_i].plain);
                ck_assert_uint_eq(writer.n, strlen(buf));
        }
}
END_TEST

START_TEST(escaped) {
        struct metrics_writer writer = writer_of(true);

        metrics_begin(&writer, "x", FAMILY_GAUGE, NULL, "a \"b\" \\ c\nd");
        metrics_count(&writer, LABEL("l", "a\"b\\c\nd{},="), LABEL("m", ""), 0);
        ck_assert_str_eq(buf,
                         "# HELP x a \\\"b\\\" \\\\ c\\nd\n# TYPE x gauge\nx{l=\"a\\\"b\\\\c\\nd{},=\",m=\"\"} 0\n");

        writer = writer_of(false); /* here a quote in the help would be two characters */
        metrics_begin(&writer, "x", FAMILY_GAUGE, NULL, "a \"b\" \\ c\nd");
        ck_assert_str_eq(buf, "# HELP x a \"b\" \\\\ c\\nd\n# TYPE x gauge\n");
}
END_TEST

START_TEST(numbers) {
        struct metrics_writer writer = writer_of(true);

        metrics_begin(&writer, "x", FAMILY_GAUGE, NULL, "");
        writer.n = 0;
        metrics_count(&writer, NO_LABEL, NO_LABEL, UINT64_MAX);
        metrics_usec(&writer, NO_LABEL, NO_LABEL, 0);
        metrics_usec(&writer, NO_LABEL, NO_LABEL, 1);
        metrics_usec(&writer, NO_LABEL, LABEL("b", "c"), 1795955386096612);
        metrics_end(&writer);
        ck_assert_str_eq(buf, "x 18446744073709551615\nx 0.000000\nx 0.000001\nx{b=\"c\"} 1795955386.096612\n# EOF\n");
}
END_TEST

START_TEST(a_histogram_adds_up) {
        static const usec_t recorded[] = { 0, 5000, 5001, 60 * USEC_PER_SEC, 7 * USEC_PER_HOUR };
        struct metrics_writer writer = writer_of(true);
        struct durations durations = { 0 };
        static const char *const lines[] = {
                "x_bucket{t=\"a\",le=\"0.005\"} 2\n", "x_bucket{t=\"a\",le=\"0.025\"} 3\n",
                "x_bucket{t=\"a\",le=\"30.0\"} 3\n",  "x_bucket{t=\"a\",le=\"60.0\"} 4\n",
                "x_bucket{t=\"a\",le=\"2.5\"} 3\n",   "x_bucket{t=\"a\",le=\"21600.0\"} 4\n",
                "x_bucket{t=\"a\",le=\"+Inf\"} 5\n",  "x_count{t=\"a\"} 5\nx_sum{t=\"a\"} 25260.010001\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(recorded); i++)
                durations_record(&durations, recorded[i]);
        metrics_begin(&writer, "x", FAMILY_HISTOGRAM, NULL, "");
        metrics_durations(&writer, LABEL("t", "a"), &durations);
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                ck_assert_msg(strstr(buf, lines[i]), "no %s in %s", lines[i], buf);
        for (size_t i = 1; i < DURATION_BOUNDS; i++)
                ck_assert_uint_lt(duration_bounds[i - 1], duration_bounds[i]);
        ck_assert_uint_eq(duration_bounds[0], 5 * USEC_PER_MSEC);
        ck_assert_uint_eq(duration_bounds[DURATION_BOUNDS - 1], 6 * USEC_PER_HOUR);
}
END_TEST

/* Whatever the size, nothing is written behind it, and the caller learns that something is missing. */
START_TEST(what_does_not_fit) {
        size_t whole;

        for (size_t size = 1;; size++) {
                struct metrics_writer writer = writer_of(true);

                memset(buf, '~', sizeof(buf));
                writer.size = size;
                metrics_begin(&writer, "x", FAMILY_GAUGE, "y", "Hel\"p.");
                metrics_usec(&writer, LABEL("a", "\\"), LABEL("b", "c"), 1);
                metrics_end(&writer);
                ck_assert_int_eq(buf[size], '~');
                ck_assert_uint_lt(writer.n, size);
                if (!writer.full) {
                        whole = writer.n;
                        break;
                }
        }
        ck_assert_uint_eq(whole,
                          strlen("# HELP x Hel\\\"p.\n# TYPE x gauge\n# UNIT x y\nx{a=\"\\\\\",b=\"c\"} 0.000001\n"
                                 "# EOF\n"));
}
END_TEST

static const struct {
        const char *accept;
        bool openmetrics;
} accepted[] = {
        { "", false },
        { "*/*", false },
        { "text/plain", false },
        { "application/openmetrics-text", true },
        { "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true },
        { "application/openmetrics-text;q=0.2,text/plain;q=0.5", false },
        { "application/openmetrics-text;q=0,text/html", false },
};

START_TEST(negotiated) {
        bool openmetrics;
        const char *type = metrics_content_type(accepted[_i].accept, &openmetrics);

        ck_assert_int_eq(openmetrics, accepted[_i].openmetrics);
        ck_assert_str_eq(type, openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                           : "text/plain; version=0.0.4; charset=utf-8");
}
END_TEST

int main(void) {
        TCase *tcase = tcase_create("openmetrics");
        Suite *suite = suite_create("openmetrics");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, types, 0, (int)ARRAY_SIZE(families));
        tcase_add_test(tcase, escaped);
        tcase_add_test(tcase, numbers);
        tcase_add_test(tcase, a_histogram_adds_up);
        tcase_add_test(tcase, what_does_not_fit);
        tcase_add_loop_test(tcase, negotiated, 0, (int)ARRAY_SIZE(accepted));
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
