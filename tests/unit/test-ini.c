/* SPDX-License-Identifier: MIT */
/* test-ini: every line is told with its number, and what libinih would read differently from how it looks is refused.
 *
 * What was told is written down, one line an event: "3[task a]", "4 key=value", "5+key=more", "6!what is wrong".
 */
#include "config/ini.h"

#include <check.h>
#include <stdio.h>

struct transcript {
        FILE *out;
        char *text;
        size_t size;
};

static void on_section(unsigned line, const char *name, void *arg) {
        fprintf(((struct transcript *)arg)->out, "%u[%s]\n", line, name ?: "(refused)");
}

static void on_value(const struct ini_value *value, void *arg) {
        FILE *out = ((struct transcript *)arg)->out;

        fprintf(out, "%u%c%s=%s", value->line, value->continuation ? '+' : ' ', value->key, value->text);
        fprintf(out, value->indent > 0 ? " (%u)\n" : "\n", value->indent);
}

static bool is_misplaced(const char *text, void *arg _unused_) {
        return strncmp(text, "every =", 7) == 0 || strncmp(text, "[task", 5) == 0;
}

static void on_error(unsigned line, const char *message, void *arg) {
        fprintf(((struct transcript *)arg)->out, "%u!%s\n", line, message);
}

static const struct ini_events events = {
        .section = on_section,
        .value = on_value,
        .is_misplaced = is_misplaced,
        .error = on_error,
};

static void transcribe(const char *text, size_t size, struct transcript *transcript) {
        int r;

        transcript->out = open_memstream(&transcript->text, &transcript->size);
        ck_assert_ptr_nonnull(transcript->out);
        r = ini_read(text, size, &events, transcript);
        ck_assert_int_eq(fclose(transcript->out), 0);
        ck_assert_int_eq(r, 0);
}

#define TEXT(s) s, sizeof(s) - 1

static const struct {
        const char *text;
        size_t size;
        const char *expected;
} cases[] = {
        { TEXT(""), "" },
        { TEXT("\n\n"), "" },
        { TEXT("[task a]\nk = v\n"), "1[task a]\n2 k=v\n" },
        { TEXT("[task a]\r\nk = v\r\n"), "1[task a]\n2 k=v\n" },
        { TEXT("[a]\nk=v"), "1[a]\n2 k=v\n" },
        { TEXT("[a]\nk  \t=  a = b  \n"), "1[a]\n2 k=a = b\n" },
        { TEXT("[a]\nk =\n"), "1[a]\n2 k=\n" },
        { TEXT("k = v\n"), "1 k=v\n" },

        /* empty sections are seen */
        { TEXT("[a]\n[b]\n\n[a]\n"), "1[a]\n2[b]\n4[a]\n" },
        { TEXT("[]\n"), "1[]\n" },
        { TEXT("[ a  b ]\n"), "1[ a  b ]\n" },

        /* comments are whole lines */
        { TEXT("# one\n; two\n[a]\n#k = v\nk = v ; w # x\n"), "3[a]\n5 k=v ; w # x\n" },
        { TEXT("[a]\nk = ;v\nl = #v\n"), "1[a]\n2 k=;v\n3 l=#v\n" },

        /* continuations */
        { TEXT("[a]\nk = v\n  w\n\tx y\nl = z\n"), "1[a]\n2 k=v\n3+k=w (2)\n4+k=x y (1)\n5 l=z\n" },
        { TEXT("[a]\nk =\n  v\n"), "1[a]\n2 k=\n3+k=v (2)\n" },
        { TEXT("[a]\nk = v\n\n# no\n  w\n"), "1[a]\n2 k=v\n5+k=w (2)\n" },
        { TEXT("[a]\nk = v\n  # w\n  ;; w\n"), "1[a]\n2 k=v\n3+k=# w (2)\n4+k=;; w (2)\n" },
        { TEXT("[a]\nk = v\n  b = c\n  [x\n"), "1[a]\n2 k=v\n3+k=b = c (2)\n4+k=[x (2)\n" },
        { TEXT("[a]\n  k = v\n"),
          "1[a]\n2!is indented, but there is no value above to continue (remove the blanks)\n" },
        { TEXT("[a]\n  # k = v\nk = v\n"), "1[a]\n3 k=v\n" },
        { TEXT("  k = v\n"), "1!is indented, but there is no value above to continue (remove the blanks)\n" },
        { TEXT("[a]\nk = v\n every = 5\n w\n"),
          "1[a]\n2 k=v\n3!is indented, so that it would continue the value above (remove the blanks)\n4+k=w (1)\n" },
        { TEXT("[a]\nk = v\n [task b]\n"),
          "1[a]\n2 k=v\n3!is indented, so that it would continue the value above (remove the blanks)\n" },

        /* what libinih would mangle */
        { TEXT("[a\nk = v\n"), "1[a]\n1!the `]` after the section's name is missing\n2 k=v\n" },
        { TEXT("[a] b\nk = v\n"), "1[a]\n1!text after `]` (a comment needs a line of its own)\n2 k=v\n" },
        { TEXT("[a] ; b\n"), "1[a]\n1!text after `]` (a comment needs a line of its own)\n" },
        { TEXT("[a]]\n"), "1[a]\n1!text after `]` (a comment needs a line of its own)\n" },
        { TEXT("[a]\nk : v\n w\nl = x\n"), "1[a]\n2!`:` where `=` is expected (`key = value`)\n4 l=x\n" },
        { TEXT("[a]\nk:l = v\n"), "1[a]\n2!`:` where `=` is expected (`key = value`)\n" },
        { TEXT("[a]\nk = a:b\n"), "1[a]\n2 k=a:b\n" },
        { TEXT("[a]\nk\n w\nl = v\n"), "1[a]\n2!is no section, comment or assignment (`key = value`)\n4 l=v\n" },
        { TEXT("[a]\n= v\n"), "1[a]\n2!there is no key before `=`\n" },
        { TEXT("[task 12345678901234567890123456789012345678901234]\nk = v\n"),
          "1[task 12345678901234567890123456789012345678901234]\n2 k=v\n" },
        { TEXT("[task 123456789012345678901234567890123456789012345]\nk = v\n w\n"),
          "1[(refused)]\n1!the section's name has 50 bytes (at most 49)\n2 k=v\n3+k=w (1)\n" },
        { TEXT("1234567890123456789012345678901234567890123456789 = v\n w\n"),
          "1 1234567890123456789012345678901234567890123456789=v\n"
          "2+1234567890123456789012345678901234567890123456789=w (1)\n" },
        { TEXT("12345678901234567890123456789012345678901234567890 = v\n w\n"),
          "1!the key has 50 bytes (at most 49)\n" },

        /* bytes that are no text */
        { TEXT("[a]\nk = \0v\n w\nl = x\n"), "1[a]\n2!the line contains a NUL byte\n4 l=x\n" },
        { TEXT("\0\n"), "1!the line contains a NUL byte\n" },
        { TEXT("[a\0b]\n"), "1!the line contains a NUL byte\n" },
        { TEXT("k = a\rb\n"), "1!the line contains a control character\n" },
        { TEXT("k = \x1b[31m\n"), "1!the line contains a control character\n" },
        { TEXT("k = a\tb\n"), "1 k=a\tb\n" },
        { TEXT("k = gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7\n"),
          "1 k=gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7\n" },
        { TEXT("k = \xc3\n"), "1!the line is not UTF-8\n" },
        { TEXT("k = \xfc\n"), "1!the line is not UTF-8\n" },
        { TEXT("k = \xc0\xaf\n"), "1!the line is not UTF-8\n" },
        { TEXT("k = \xed\xa0\x80\n"), "1!the line is not UTF-8\n" },
        { TEXT("k = \xf4\x90\x80\x80\n"), "1!the line is not UTF-8\n" },
        { TEXT("k = \xe2\x82"), "1!the line is not UTF-8\n" },
        { TEXT("\xef\xbb\xbf[a]\nk = v\n"),
          "1!begins with a byte order mark (save the file as UTF-8 without one)\n1[a]\n2 k=v\n" },

        /* every mistake is told */
        { TEXT("[a\nk\nl : v\nm = v\n[b] c\n= v\n"), "1[a]\n1!the `]` after the section's name is missing\n"
                                                     "2!is no section, comment or assignment (`key = value`)\n"
                                                     "3!`:` where `=` is expected (`key = value`)\n4 m=v\n"
                                                     "5[b]\n5!text after `]` (a comment needs a line of its own)\n"
                                                     "6!there is no key before `=`\n" },
};

START_TEST(lines_are_told_as_they_look) {
        struct transcript transcript = { 0 };

        transcribe(cases[_i].text, cases[_i].size, &transcript);
        ck_assert_str_eq(transcript.text, cases[_i].expected);
        free(transcript.text);
}
END_TEST

static const struct {
        size_t length;
        bool fits;
} lengths[] = {
        { 190, true },  { 198, true },   { 199, true },   { 200, true },    { 201, true },     { 401, true },
        { 4096, true }, { 65535, true }, { 65536, true }, { 65537, false }, { 200000, false },
};

START_TEST(long_lines_are_whole_or_refused) {
        size_t length = lengths[_i].length;
        struct transcript transcript = { 0 };
        char *text, *expected;

        text = malloc(length + 10);
        expected = malloc(length + 100);
        ck_assert(text && expected);
        memset(text, 'x', length + 9);
        memcpy(text, "k = ", 4);
        memcpy(text + length, "\nl = v\n", 8);
        if (lengths[_i].fits)
                sprintf(expected, "1 k=%.*s\n2 l=v\n", (int)length - 4, text + 4);
        else
                sprintf(expected, "1!the line has %zu bytes (at most 65536)\n2 l=v\n", length);

        transcribe(text, strlen(text), &transcript);
        ck_assert_str_eq(transcript.text, expected);
        free(transcript.text);
        free(expected);
        free(text);
}
END_TEST

START_TEST(any_bytes_are_read_to_the_end) {
        static const char *const pieces[] = { "[", "]", "a",    " = ", ":",    "\n",  "\n ",
                                              ";", "#", "\xc3", "\t",  "\r\n", "task" };

        srandom(1);
        for (int round = 0; round < 3000; round++) {
                struct transcript transcript = { 0 };
                char text[256] = "";

                for (long n = random() % 40; n > 0; n--)
                        strcat(text, pieces[(size_t)random() % ARRAY_SIZE(pieces)]);
                strcat(text, "\nlast = 1\n");
                transcribe(text, strlen(text), &transcript);
                ck_assert_msg(strstr(transcript.text, " last=1\n"), "\"%s\" gave \"%s\"", text, transcript.text);
                free(transcript.text);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ini");
        TCase *tcase = tcase_create("ini");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, lines_are_told_as_they_look, 0, (int)ARRAY_SIZE(cases));
        tcase_add_loop_test(tcase, long_lines_are_whole_or_refused, 0, (int)ARRAY_SIZE(lengths));
        tcase_add_test(tcase, any_bytes_are_read_to_the_end);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
