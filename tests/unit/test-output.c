/* SPDX-License-Identifier: MIT */
/* output: however the bytes are cut, the same lines are logged, at the level they ask for, and the last are kept. */
#include "task/output.h"

#include <check.h>
#include <stdio.h>

static struct {
        int level;
        size_t n;
        char text[256]; /* as much as fits */
} lines[64];
static size_t n_lines, n_bytes;

static size_t n_calls;

static void note_line(int level, const char *line, size_t n) {
        ck_assert_uint_lt(n_lines, ARRAY_SIZE(lines));
        lines[n_lines].level = level;
        lines[n_lines].n = n;
        (void)snprintf(lines[n_lines].text, sizeof(lines[n_lines].text), "%.*s", (int)MIN(n, (size_t)255), line);
        n_lines++;
        n_bytes += n;
}

/* In place of the logger. */
void log_output(int level, const struct log_context *context, const char *text, size_t n) {
        ck_assert_str_eq(context->task, "t");
        n_calls++;
        for (const char *end; (end = memchr(text, '\n', n)); text = end + 1) {
                note_line(level, text, (size_t)(end - text));
                n -= (size_t)(end + 1 - text);
        }
        note_line(level, text, n);
}

static struct output output;

static void setup(void) {
        n_lines = n_bytes = n_calls = 0;
        output_init(&output, &(struct log_context){ .task = "t" });
}

static void teardown(void) {
        output_done(&output);
}

static const struct {
        const char *text;
        const char *lines[4];
        int levels[4];
} cases[] = {
        { "one\ntwo\n", { "one", "two" }, { LOG_INFO, LOG_INFO } },
        { "no end", { "no end" }, { LOG_INFO } },
        { "\n\n", { "", "" }, { LOG_INFO, LOG_INFO } },
        { "<3>bad\n<7>fine\nplain\n", { "bad", "fine", "plain" }, { LOG_ERR, LOG_DEBUG, LOG_INFO } },
        { "<8>x\n<x>y\n<3\n", { "<8>x", "<x>y", "<3" }, { LOG_INFO, LOG_INFO, LOG_INFO } },
        { "<4>\nx\n", { "", "x" }, { LOG_WARNING, LOG_INFO } },
        { "<2>cut", { "cut" }, { LOG_CRIT } },
};

/* Every case, given in pieces of 1 … 9 bytes. */
START_TEST(lines_do_not_depend_on_the_cuts) {
        const char *text = cases[_i].text;

        for (size_t piece = 1; piece < 10; piece++) {
                size_t n = 0;

                teardown();
                setup();
                for (size_t at = 0; at < strlen(text); at += piece)
                        output_add(&output, text + at, MIN(piece, strlen(text) - at));
                output_flush(&output);
                while (n < ARRAY_SIZE(cases[_i].lines) && cases[_i].lines[n])
                        n++;
                ck_assert_uint_eq(n_lines, n);
                for (size_t i = 0; i < n; i++) {
                        ck_assert_str_eq(lines[i].text, cases[_i].lines[i]);
                        ck_assert_int_eq(lines[i].level, cases[_i].levels[i]);
                }
        }
}
END_TEST

START_TEST(a_megabyte_line_comes_in_pieces_of_one_level) {
        static char big[1 << 20];
        char *tail;

        memset(big, 'x', sizeof(big));
        memcpy(big, "<3>", 3);
        output_add(&output, big, sizeof(big));
        output_add(&output, "\nnext\n", 6);
        ck_assert_uint_eq(n_bytes, sizeof(big) - 3 + 4);
        for (size_t i = 0; i + 1 < n_lines; i++) {
                ck_assert_uint_le(lines[i].n, OUTPUT_LINE_MAX);
                ck_assert_int_eq(lines[i].level, LOG_ERR);
        }
        ck_assert_str_eq(lines[n_lines - 1].text, "next");
        ck_assert_int_eq(lines[n_lines - 1].level, LOG_INFO);
        tail = output_tail(&output);
        ck_assert_uint_eq(strlen(tail), OUTPUT_TAIL_MAX);
        ck_assert_str_eq(tail + OUTPUT_TAIL_MAX - 7, "x\nnext\n");
        free(tail);
}
END_TEST

START_TEST(pieces_end_between_characters) {
        static const size_t starts[] = { 0, 1, 3, 6 }; /* of the characters below */
        static char big[200000 + 1];
        size_t n = 0;

        /* Characters of 1 … 4 bytes: pieces would be cut everywhere. */
        while (n + 10 <= sizeof(big) - 1) {
                memcpy(big + n, "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 10);
                n += 10;
        }
        for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
                n_lines = n_bytes = 0;
                output_add(&output, big + starts[i], n - starts[i]);
                output_flush(&output);
                ck_assert_uint_eq(n_bytes, n - starts[i]);
                for (size_t k = 0; k < n_lines; k++)
                        ck_assert_msg((lines[k].text[0] & 0xc0) != 0x80, "piece %zu begins within a character", k);
        }

        /* What is no character at all is cut anywhere. */
        n_lines = n_bytes = 0;
        memset(big, 0x80, sizeof(big));
        output_add(&output, big, sizeof(big));
        output_flush(&output);
        ck_assert_uint_eq(n_bytes, sizeof(big));
}
END_TEST

START_TEST(lines_that_come_together_are_logged_together) {
        static const char text[] = "one\n\ntwo\n<3>bad\nthree\nfour\nrest";

        output_add(&output, text, strlen(text));
        ck_assert_uint_eq(n_lines, 6);
        ck_assert_uint_eq(n_calls, 3);
        ck_assert_int_eq(lines[3].level, LOG_ERR);
        ck_assert_str_eq(lines[3].text, "bad");
        output_add(&output, " of it\nfive\nsix\n", strlen(" of it\nfive\nsix\n"));
        ck_assert_uint_eq(n_lines, 9);
        ck_assert_uint_eq(n_calls, 5);
        ck_assert_str_eq(lines[6].text, "rest of it");
        ck_assert_str_eq(lines[8].text, "six");
}
END_TEST

static size_t allowance;

static size_t allow(size_t n, _unused_ void *arg) {
        size_t may = MIN(n, allowance);

        allowance -= may;
        return may;
}

START_TEST(no_more_lines_are_logged_than_may_be) {
        static const char text[] = "one\ntwo\nthree\n<3>bad\nfour\nfive\n";
        static const char *const expected[] = { "one", "two", "three", "bad", "four", "five" };

        for (size_t may = 0; may <= ARRAY_SIZE(expected); may++) {
                teardown();
                setup();
                output.may_log = allow;
                allowance = may;
                output_add(&output, text, strlen(text));
                ck_assert_uint_eq(n_lines, may);
                for (size_t i = 0; i < may; i++)
                        ck_assert_str_eq(lines[i].text, expected[i]);
                ck_assert_uint_eq(output.n_tail, strlen(text));
        }
}
END_TEST

static char told[64];

static void tell(const char *line, size_t n, _unused_ void *arg) {
        (void)snprintf(told + strlen(told), sizeof(told) - strlen(told), "%.*s;", (int)n, line);
}

START_TEST(lines_are_told_and_the_end_kept_also_of_what_is_not_logged) {
        _cleanup_(freep) char *tail = NULL;

        output.is_logged = false;
        output_add(&output, "nobody a", 8);
        output.on_line = tell;
        output_add(&output, "sks\n<3>one\ntw", 13);
        output_add(&output, "o\nthr", 5);
        ck_assert_str_eq(told, "sks;one;two;");
        output.on_line = NULL;
        output_add(&output, "ee\n", 3);
        output_flush(&output);
        ck_assert_str_eq(told, "sks;one;two;");
        ck_assert_uint_eq(n_lines, 0);
        tail = output_tail(&output);
        ck_assert_str_eq(tail, "nobody asks\n<3>one\ntwo\nthree\n");
}
END_TEST

START_TEST(the_tail_is_what_came_last) {
        char expected[3 * OUTPUT_TAIL_MAX + 1] = "", line[32];
        char *tail;

        ck_assert_ptr_null(output_tail(&output));
        for (unsigned i = 0; i < 40; i++) {
                int n = snprintf(line, sizeof(line), "line %u\n", i);

                output_add(&output, line, (size_t)n);
                (void)strcat(expected, line);
        }
        tail = output_tail(&output);
        ck_assert_str_eq(tail, expected);
        free(tail);
}
END_TEST

static const struct {
        const char *text, *line;
} last_lines[] = {
        { "", "" },
        { " \n\t\n", "" },
        { "one", "one" },
        { "one\ntwo\n", "two" },
        { "one\ntw", "tw" },
        { "one\n\n \r\n", "one" },
        { "10%\r20%\r", "20%" }, /* a progress bar */
        { "one\nlonger than there is room for\n", "longer than there i" },
};

START_TEST(the_last_line_is_known) {
        char line[20];

        output_add(&output, last_lines[_i].text, strlen(last_lines[_i].text));
        ck_assert_str_eq(output_last_line(&output, line, sizeof(line)), last_lines[_i].line);
}
END_TEST

START_TEST(the_last_line_is_known_of_much) {
        char line[20];

        for (size_t i = 0; i < OUTPUT_TAIL_MAX; i++)
                output_add(&output, "x", 1);
        output_add(&output, "\nlast\n", 6);
        ck_assert_str_eq(output_last_line(&output, line, sizeof(line)), "last");
}
END_TEST

START_TEST(nul_bytes_do_not_end_the_tail) {
        char *tail;

        output_add(&output, "a\0b\n", 4);
        tail = output_tail(&output);
        ck_assert_str_eq(tail, "a?b\n");
        ck_assert_uint_eq(lines[0].n, 3);
        free(tail);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("output");
        TCase *tcase = tcase_create("output");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, lines_do_not_depend_on_the_cuts, 0, ARRAY_SIZE(cases));
        tcase_add_test(tcase, a_megabyte_line_comes_in_pieces_of_one_level);
        tcase_add_test(tcase, pieces_end_between_characters);
        tcase_add_test(tcase, lines_that_come_together_are_logged_together);
        tcase_add_test(tcase, no_more_lines_are_logged_than_may_be);
        tcase_add_test(tcase, lines_are_told_and_the_end_kept_also_of_what_is_not_logged);
        tcase_add_test(tcase, the_tail_is_what_came_last);
        tcase_add_loop_test(tcase, the_last_line_is_known, 0, ARRAY_SIZE(last_lines));
        tcase_add_test(tcase, the_last_line_is_known_of_much);
        tcase_add_test(tcase, nul_bytes_do_not_end_the_tail);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
