/* SPDX-License-Identifier: MIT */
/* item_lines: every line becomes one item, however the bytes come, and memory stays small. */
#include "task/item_lines.h"

#include <check.h>
#include <stdio.h>

/* What came out: items separated by |, !… for one too long, 0… for one with a NUL byte. */
static char seen[4096];

static void note(const char *mark, const char *item, size_t length) {
        size_t n = strlen(seen);

        ck_assert_uint_eq(strlen(item), length);
        (void)snprintf(seen + n, sizeof(seen) - n, "%s%s%.20s", n > 0 ? "|" : "", mark, item);
}

static void take_all(struct item_lines *lines) {
        const char *item;
        size_t length;
        int r;

        while ((r = item_lines_next(lines, &item, &length)) != 0)
                note(r == -E2BIG ? "!" : r == -EILSEQ ? "0" : "", item, length);
}

static const struct {
        const char *text;
        const char *items;
} cases[] = {
        { "", "" },
        { "\n\n \t\n", "" },
        { "one\ntwo\nthree\n", "one|two|three" },
        { "one\ntwo", "one|two" },
        { "one\r\ntwo\r\n", "one|two" },
        { "  one two \n\ttab\t\n", "one two|tab" },
        { "# no item\none\n  # nor this\ntwo#2\n", "one|two#2" },
        { "x", "x" },
        { "x ", "x" },
};

START_TEST(lines_are_items_however_they_are_cut) {
        const char *text = cases[_i].text;

        for (size_t cut = 0; cut <= strlen(text); cut++) {
                struct item_lines lines = { 0 };

                seen[0] = 0;
                ck_assert_int_eq(item_lines_feed(&lines, text, cut), 0);
                take_all(&lines);
                ck_assert(!item_lines_finished(&lines));
                ck_assert_int_eq(item_lines_feed(&lines, text + cut, strlen(text) - cut), 0);
                item_lines_end(&lines);
                take_all(&lines);
                ck_assert_str_eq(seen, cases[_i].items);
                ck_assert(item_lines_finished(&lines));
                item_lines_done(&lines);
        }
}
END_TEST

START_TEST(a_nul_byte_spoils_its_line_only) {
        static const char text[] = "one\nt\0wo\nthree\n";
        struct item_lines lines = { 0 };

        seen[0] = 0;
        ck_assert_int_eq(item_lines_feed(&lines, text, sizeof(text) - 1), 0);
        take_all(&lines);
        ck_assert_str_eq(seen, "one|0t|three");
        item_lines_done(&lines);
}
END_TEST

/* A line of @n times x that begins with @first between two others, fed in pieces of @piece. */
static void feed_long(const char *first, size_t n, size_t piece) {
        struct item_lines lines = { 0 };
        char *text = malloc(n + 16);
        size_t size;

        ck_assert_ptr_nonnull(text);
        memcpy(text, "before\n", 7);
        memset(text + 7, 'x', n);
        memcpy(text + 7, first, strlen(first));
        memcpy(text + 7 + n, "\nafter\n", 7);
        size = n + 14;

        seen[0] = 0;
        for (size_t at = 0; at < size; at += piece) {
                ck_assert_int_eq(item_lines_feed(&lines, text + at, MIN(piece, size - at)), 0);
                take_all(&lines);
                ck_assert_uint_le(lines.size, ITEM_BYTES_MAX + piece + 1);
        }
        item_lines_done(&lines);
        free(text);
}

START_TEST(a_line_of_the_largest_size_is_an_item) {
        feed_long("", ITEM_BYTES_MAX, 65536);
        ck_assert_str_eq(seen, "before|xxxxxxxxxxxxxxxxxxxx|after");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_told_once) {
        static const size_t pieces[] = { 100, 4096, 65536, 2000000 };

        feed_long("", (size_t)1 << 20, pieces[_i]);
        ck_assert_str_eq(seen, "before|!xxxxxxxxxxxxxxxxxxxx|after");
        feed_long("", ITEM_BYTES_MAX + 1, pieces[_i]);
        ck_assert_str_eq(seen, "before|!xxxxxxxxxxxxxxxxxxxx|after");
        feed_long(" # ", (size_t)1 << 20, pieces[_i]);
        ck_assert_str_eq(seen, "before|after");
}
END_TEST

START_TEST(a_million_lines_need_no_more_memory_than_a_chunk) {
        enum { CHUNK = 65536 };
        struct item_lines lines = { 0 };
        char chunk[CHUNK], line[32];
        size_t n = 0, taken = 0;
        const char *item;
        size_t length;

        for (unsigned i = 0; i < 1000000; i++) {
                size_t size = (size_t)snprintf(line, sizeof(line), "item-%u\n", i);

                if (n + size > CHUNK) {
                        ck_assert_int_eq(item_lines_feed(&lines, chunk, n), 0);
                        while (item_lines_next(&lines, &item, &length) == 1)
                                taken++;
                        n = 0;
                }
                memcpy(chunk + n, line, size);
                n += size;
        }
        ck_assert_int_eq(item_lines_feed(&lines, chunk, n), 0);
        while (item_lines_next(&lines, &item, &length) == 1)
                taken++;
        ck_assert_uint_eq(taken, 1000000);
        ck_assert_uint_le(lines.size, 2 * CHUNK);
        item_lines_done(&lines);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("item-lines");
        TCase *tcase = tcase_create("item-lines");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, lines_are_items_however_they_are_cut, 0, ARRAY_SIZE(cases));
        tcase_add_test(tcase, a_nul_byte_spoils_its_line_only);
        tcase_add_test(tcase, a_line_of_the_largest_size_is_an_item);
        tcase_add_loop_test(tcase, a_line_that_is_too_long_is_told_once, 0, 4);
        tcase_add_test(tcase, a_million_lines_need_no_more_memory_than_a_chunk);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
