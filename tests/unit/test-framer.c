/* SPDX-License-Identifier: MIT */
/* framer: messages cut out of a stream whatever its pieces, and what is refused. */
#include "control/framer.h"

#include <check.h>

#define MAX_LENGTH 32

static const struct {
        const char *name;
        const char *bytes;
        size_t length;
        int results[5]; /* of framer_next() at the end, until 0 or an error */
        const char *messages[4];
} cases[] = {
#define BYTES(s) s, sizeof(s) - 1
        { "nothing", BYTES(""), { 0 }, { 0 } },
        { "one", BYTES("{}\0"), { 1, 0 }, { "{}" } },
        { "two and a half", BYTES("{\"a\":1}\0{}\0{\"b"), { 1, 1, 0 }, { "{\"a\":1}", "{}" } },
        { "white space before", BYTES(" \t\r\n{}\0"), { 1, 0 }, { " \t\r\n{}" } },
        { "white space only", BYTES("                 "), { -EBADMSG }, { 0 } },
        { "garbage", BYTES("GET / HTTP/1.1\r\n"), { -EBADMSG }, { 0 } },
        { "an empty message", BYTES("\0"), { -EBADMSG }, { 0 } },
        { "garbage after a message", BYTES("{}\0x"), { 1, -EBADMSG }, { "{}" } },
        { "an array", BYTES("[]\0"), { -EBADMSG }, { 0 } },
        { "as long as allowed",
          BYTES("{012345678901234567890123456789}\0"),
          { 1, 0 },
          { "{012345678901234567890123456789}" } },
        { "one byte longer", BYTES("{0123456789012345678901234567890}\0"), { -EMSGSIZE }, { 0 } },
        { "too long, no end", BYTES("{01234567890123456789012345678901"), { -EMSGSIZE }, { 0 } },
};

/* Feeds case @i in pieces of @piece bytes, taking messages out after each. */
static void feed(int i, size_t piece) {
        struct framer framer;
        size_t step = 0;
        int r = 0;

        framer_init(&framer, MAX_LENGTH);
        for (size_t at = 0; at < cases[i].length && r >= 0; at += piece) {
                ck_assert_int_eq(buffer_append(&framer.in, cases[i].bytes + at, MIN(piece, cases[i].length - at)), 0);
                do {
                        const char *message = NULL;
                        size_t length = 0;

                        r = framer_next(&framer, &message, &length);
                        if (r == 0)
                                break;
                        ck_assert_msg(r == cases[i].results[step], "%s, pieces of %zu: step %zu: got %d, expected %d",
                                      cases[i].name, piece, step, r, cases[i].results[step]);
                        if (r > 0) {
                                ck_assert_str_eq(message, cases[i].messages[step]);
                                ck_assert_uint_eq(length, strlen(message));
                                step++;
                        }
                } while (r > 0);
        }
        ck_assert_msg(r == cases[i].results[step], "%s, pieces of %zu: at the end: got %d, expected %d", cases[i].name,
                      piece, r, cases[i].results[step]);
        framer_done(&framer);
}

START_TEST(messages_do_not_depend_on_the_pieces) {
        for (size_t piece = 1; piece <= 40; piece++)
                feed(_i, piece);
}
END_TEST

START_TEST(a_partial_message_is_known) {
        struct framer framer;
        const char *message;
        size_t length;

        framer_init(&framer, MAX_LENGTH);
        ck_assert_int_eq(framer_next(&framer, &message, &length), 0);
        ck_assert(!framer_is_partial(&framer));
        ck_assert_int_eq(buffer_append(&framer.in, "{}\0{", 4), 0);
        ck_assert_int_eq(framer_next(&framer, &message, &length), 1);
        ck_assert_int_eq(framer_next(&framer, &message, &length), 0);
        ck_assert(framer_is_partial(&framer));
        framer_done(&framer);
}
END_TEST

START_TEST(a_large_message_leaves_no_memory_behind) {
        static char large[200000];
        struct framer framer;
        const char *message;
        size_t length;

        memset(large, ' ', sizeof(large));
        large[0] = '{';
        large[sizeof(large) - 1] = '\0';
        framer_init(&framer, sizeof(large));
        ck_assert_int_eq(buffer_append(&framer.in, large, sizeof(large)), 0);
        ck_assert_int_eq(framer_next(&framer, &message, &length), 1);
        ck_assert_uint_eq(length, sizeof(large) - 1);
        ck_assert_int_eq(framer_next(&framer, &message, &length), 0);
        ck_assert_uint_eq(framer.in.allocated, 0);
        framer_done(&framer);
}
END_TEST

static const struct {
        const char *message;
        bool harmless; /* with depth 3 and 6 values */
} harm[] = {
        { "{}", true },
        { "{\"a\":[[1]]}", true },
        { "{\"a\":[[[1]]]}", false },
        { "{\"a\":\"[[[[[[[[,,,,,,,,\"}", true },
        { "{\"a\":\"\\\"[[[[,,,,,,,\"}", true },
        { "{\"a\":[1,2,3,4,5]}", true },
        { "{\"a\":[1,2,3,4,5,6]}", false },
        { "[],[],[],[],[]", false },
        { "\"open", true },
        { "\"\\", true },
        { "]]]]", true },
};

START_TEST(deep_and_crowded_messages_are_told) {
        bool got = framer_is_harmless(harm[_i].message, strlen(harm[_i].message), 3, 6);

        ck_assert_msg(got == harm[_i].harmless, "%s: got %d, expected %d", harm[_i].message, got, harm[_i].harmless);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("framer");
        TCase *tcase = tcase_create("framer");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, messages_do_not_depend_on_the_pieces, 0, (int)ARRAY_SIZE(cases));
        tcase_add_test(tcase, a_partial_message_is_known);
        tcase_add_test(tcase, a_large_message_leaves_no_memory_behind);
        tcase_add_loop_test(tcase, deep_and_crowded_messages_are_told, 0, (int)ARRAY_SIZE(harm));
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
