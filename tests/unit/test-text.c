/* SPDX-License-Identifier: MIT */
/* test-text: what people write is understood wholly or refused, and what is shown can be read back. */
#include "base/text.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#define UNTOUCHED UINT64_C(0x5a5a5a5a)

static const struct {
        const char *text;
        int r;
        usec_t usec;
} spans[] = {
        { "90", 0, 90 * USEC_PER_SEC },
        { "0", 0, 0 },
        { "1.5", 0, 1500 * USEC_PER_MSEC },
        { "1h 30min", 0, 90 * USEC_PER_MINUTE },
        { "1h30min", 0, 90 * USEC_PER_MINUTE },
        { " 2 d", -EINVAL, 0 },
        { "2 d ", 0, 2 * USEC_PER_DAY },
        { "250ms", 0, 250 * USEC_PER_MSEC },
        { "7us", 0, 7 },
        { "2w", 0, 14 * USEC_PER_DAY },
        { "1 hour 2 minutes 3 seconds", 0, USEC_PER_HOUR + 2 * USEC_PER_MINUTE + 3 * USEC_PER_SEC },
        { "1.25h", 0, 75 * USEC_PER_MINUTE },
        { "0.000001s", 0, 1 },
        { "0.0000019s", 0, 1 },
        { "infinity", 0, USEC_INFINITY },
        { "", -EINVAL, 0 },
        { "1.5us", -EINVAL, 0 },
        { "1h 30", -EINVAL, 0 },
        { "-1s", -EINVAL, 0 },
        { "+1s", -EINVAL, 0 },
        { "1.s", -EINVAL, 0 },
        { ".5s", -EINVAL, 0 },
        { "1hh", -EINVAL, 0 },
        { "5M", -EINVAL, 0 },
        { "5 minuten", -EINVAL, 0 },
        { "1h, 2s", -EINVAL, 0 },
        { "1h infinity", -EINVAL, 0 },
        { "0x10", -EINVAL, 0 },
        { "18446744073709551616us", -ERANGE, 0 },
        { "18446744073709551615us", -ERANGE, 0 }, /* is infinity's number, and must be written so */
        { "18446744073709551614us", 0, UINT64_MAX - 1 },
        { "99999999999w", -ERANGE, 0 },
        { "18446744073709551614us 1us 1us", -ERANGE, 0 },
};

START_TEST(usec_is_parsed) {
        usec_t usec = UNTOUCHED;
        int r = text_parse_usec(spans[_i].text, &usec);

        ck_assert_msg(r == spans[_i].r, "\"%s\": returned %d, not %d", spans[_i].text, r, spans[_i].r);
        if (r == 0)
                ck_assert_msg(usec == spans[_i].usec, "\"%s\": %" PRIu64 ", not %" PRIu64, spans[_i].text, usec,
                              spans[_i].usec);
        else
                ck_assert_uint_eq(usec, UNTOUCHED);
}
END_TEST

static const struct {
        usec_t usec;
        const char *text;
} shown_spans[] = {
        { 0, "0s" },
        { 1, "1us" },
        { 999, "999us" },
        { 1500, "1ms 500us" },
        { 250 * USEC_PER_MSEC, "250ms" },
        { 90 * USEC_PER_SEC, "1min 30s" },
        { 90 * USEC_PER_MINUTE, "1h 30min" },
        { 26 * USEC_PER_HOUR, "1d 2h" },
        { 30 * USEC_PER_DAY, "30d" },
        { USEC_PER_DAY + 1, "1d 1us" },
        { USEC_PER_HOUR + USEC_PER_MINUTE + USEC_PER_SEC, "1h 1min" },
        { USEC_INFINITY - 1, "213503982d 8h" },
        { USEC_INFINITY, "infinity" },
};

START_TEST(usec_is_formatted) {
        char buf[TEXT_USEC_MAX];

        ck_assert_str_eq(text_format_usec(shown_spans[_i].usec, buf), shown_spans[_i].text);
}
END_TEST

START_TEST(rate_is_formatted_as_it_is_written) {
        char buf[TEXT_RATE_MAX];

        ck_assert_str_eq(text_format_rate(10, USEC_PER_SEC, buf), "10/s");
        ck_assert_str_eq(text_format_rate(1, USEC_PER_DAY, buf), "1/d");
        ck_assert_str_eq(text_format_rate(5, 10 * USEC_PER_MINUTE, buf), "5/10min");
        ck_assert_str_eq(text_format_rate(5, 90 * USEC_PER_SEC, buf), "5/1min 30s");
}
END_TEST

START_TEST(usec_of_two_units_survives_the_round_trip) {
        char buf[TEXT_USEC_MAX];

        srandom(1);
        for (int i = 0; i < 2000; i++) {
                static const usec_t units[] = { 1, USEC_PER_MSEC, USEC_PER_SEC, USEC_PER_MINUTE, USEC_PER_HOUR };
                size_t unit = (size_t)random() % 4;
                usec_t usec = (usec_t)(random() % 23) * units[unit + 1] + (usec_t)(random() % 60) * units[unit];
                usec_t back = UNTOUCHED;
                int r = text_parse_usec(text_format_usec(usec, buf), &back);

                ck_assert_msg(r == 0 && back == usec, "%" PRIu64 " is shown as \"%s\", read as %" PRIu64 " (%d)", usec,
                              buf, back, r);
        }
}
END_TEST

static const struct {
        const char *text;
        int r;
        uint64_t bytes;
} sizes[] = {
        { "0", 0, 0 },
        { "512", 0, 512 },
        { "512B", 0, 512 },
        { "10K", 0, 10240 },
        { "64M", 0, 64 << 20 },
        { "1.5G", 0, UINT64_C(3) << 29 },
        { "1 T", 0, UINT64_C(1) << 40 },
        { "16383P", 0, UINT64_C(16383) << 50 },
        { "16384P", -ERANGE, 0 },
        { "18446744073709551615", 0, UINT64_MAX },
        { "18446744073709551616", -ERANGE, 0 },
        { "", -EINVAL, 0 },
        { "M", -EINVAL, 0 },
        { "1.5", -EINVAL, 0 },
        { "1.5B", -EINVAL, 0 },
        { "-1", -EINVAL, 0 },
        { "64m", -EINVAL, 0 },
        { "64MB", -EINVAL, 0 },
        { "64M 1K", -EINVAL, 0 },
};

START_TEST(size_is_parsed) {
        uint64_t bytes = UNTOUCHED;
        int r = text_parse_size(sizes[_i].text, &bytes);

        ck_assert_msg(r == sizes[_i].r, "\"%s\": returned %d, not %d", sizes[_i].text, r, sizes[_i].r);
        if (r == 0)
                ck_assert_msg(bytes == sizes[_i].bytes, "\"%s\": %" PRIu64 ", not %" PRIu64, sizes[_i].text, bytes,
                              sizes[_i].bytes);
        else
                ck_assert_uint_eq(bytes, UNTOUCHED);
}
END_TEST

static const struct {
        uint64_t bytes;
        const char *text;
} shown_sizes[] = {
        { 0, "0B" },
        { 512, "512B" },
        { 1023, "1023B" },
        { 1024, "1K" },
        { 1536, "1.5K" },
        { 64 << 20, "64M" },
        { (64 << 20) + 1, "64M" },
        { UINT64_C(3) << 29, "1.5G" },
        { UINT64_MAX, "16383.9P" },
};

START_TEST(size_is_formatted) {
        char buf[TEXT_SIZE_MAX];

        ck_assert_str_eq(text_format_size(shown_sizes[_i].bytes, buf), shown_sizes[_i].text);
}
END_TEST

static const struct {
        const char *text;
        int r;
        bool value;
} bools[] = {
        { "yes", 0, true },     { "true", 0, true },       { "on", 0, true },       { "1", 0, true },
        { "no", 0, false },     { "off", 0, false },       { "false", 0, false },   { "0", 0, false },
        { "", -EINVAL, false }, { "Yes", -EINVAL, false }, { "2", -EINVAL, false }, { "yes ", -EINVAL, false },
};

START_TEST(bool_is_parsed) {
        bool value = !bools[_i].value;
        int r = text_parse_bool(bools[_i].text, &value);

        ck_assert_msg(r == bools[_i].r, "\"%s\": returned %d, not %d", bools[_i].text, r, bools[_i].r);
        ck_assert_int_eq(value, r == 0 ? bools[_i].value : !bools[_i].value);
}
END_TEST

static const struct {
        const char *text;
        int r;
        int signo;
} signals[] = {
        { "TERM", 0, SIGTERM },       { "SIGHUP", 0, SIGHUP }, { "KILL", 0, SIGKILL },
        { "", -EINVAL, -1 },          { "SIG", -EINVAL, -1 },  { "term", -EINVAL, -1 },
        { "SIGSIGHUP", -EINVAL, -1 }, { "15", -EINVAL, -1 },   { "TERM ", -EINVAL, -1 },
};

START_TEST(signal_is_parsed) {
        int signo = -1, r = text_parse_signal(signals[_i].text, &signo);

        ck_assert_msg(r == signals[_i].r, "\"%s\": returned %d, not %d", signals[_i].text, r, signals[_i].r);
        ck_assert_int_eq(signo, signals[_i].signo);
}
END_TEST

static const struct {
        const char *text;
        uint64_t min, max;
        int r;
        uint64_t value;
} numbers[] = {
        { "0", 0, 10, 0, 0 },
        { "10", 0, 10, 0, 10 },
        { "007", 0, 10, 0, 7 },
        { "11", 0, 10, -ERANGE, 0 },
        { "0", 1, 10, -ERANGE, 0 },
        { "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
        { "18446744073709551616", 0, UINT64_MAX, -ERANGE, 0 },
        { "", 0, 10, -EINVAL, 0 },
        { "1 ", 0, 10, -EINVAL, 0 },
        { "-1", 0, 10, -EINVAL, 0 },
        { "+1", 0, 10, -EINVAL, 0 },
        { "1.0", 0, 10, -EINVAL, 0 },
        { "99999999999999999999x", 0, 10, -EINVAL, 0 },
};

START_TEST(uint_is_parsed) {
        uint64_t value = UNTOUCHED;
        int r = text_parse_uint(numbers[_i].text, numbers[_i].min, numbers[_i].max, &value);

        ck_assert_msg(r == numbers[_i].r, "\"%s\": returned %d, not %d", numbers[_i].text, r, numbers[_i].r);
        ck_assert_uint_eq(value, r == 0 ? numbers[_i].value : UNTOUCHED);
}
END_TEST

static const struct {
        const char *text;
        int r;
        uint64_t n;
        usec_t usec;
        const char *wrong;
} pers[] = {
        { "10/s", 0, 10, USEC_PER_SEC, NULL },
        { "5/10min", 0, 5, 10 * USEC_PER_MINUTE, NULL },
        { "100/1d", 0, 100, USEC_PER_DAY, NULL },
        { "10", -EINVAL, 0, 0, "10" },
        { "x/s", -EINVAL, 0, 0, "x/s" },
        { "0/s", -ERANGE, 0, 0, "0/s" },
        { "101/s", -ERANGE, 0, 0, "101/s" },
        { "10/", -EINVAL, 0, 0, "" },
        { "10/x", -EINVAL, 0, 0, "x" },
        { "10/1us", -ERANGE, 0, 0, "1us" },
        { "10/2d", -ERANGE, 0, 0, "2d" },
        { "1000000000000000000000000000000000/s", -EINVAL, 0, 0, "1000000000000000000000000000000000/s" },
};

START_TEST(number_in_a_span_is_parsed) {
        uint64_t n = UNTOUCHED;
        const char *wrong = NULL;
        usec_t usec = UNTOUCHED;
        int r = text_parse_per(pers[_i].text, 1, 100, &n, &usec, &wrong);

        ck_assert_msg(r == pers[_i].r, "\"%s\": returned %d, not %d", pers[_i].text, r, pers[_i].r);
        ck_assert_uint_eq(n, r == 0 ? pers[_i].n : UNTOUCHED);
        ck_assert_uint_eq(usec, r == 0 ? pers[_i].usec : UNTOUCHED);
        if (r < 0)
                ck_assert_str_eq(wrong, pers[_i].wrong);
}
END_TEST

static const struct {
        const char *text;
        int r;
        const char *words[6];
} lines[] = {
        { "", 0, { NULL } },
        { "  \t ", 0, { NULL } },
        { "a", 1, { "a" } },
        { " a  b\tc\n", 3, { "a", "b", "c" } },
        { "'a b' c", 2, { "a b", "c" } },
        { "\"a b\"c'd e'", 1, { "a bcd e" } },
        { "''", 1, { "" } },
        { "a \"\" b", 3, { "a", "", "b" } },
        { "a\\ b", 1, { "a b" } },
        { "\"a\\\"b\"", 1, { "a\"b" } },
        { "'a\\b'", 1, { "a\\b" } },
        { "it\\'s", 1, { "it's" } },
        { "\"it's\"", 1, { "it's" } },
        { "$HOME | ; #", 4, { "$HOME", "|", ";", "#" } },
        { "'open", -EINVAL, { NULL } },
        { "\"open", -EINVAL, { NULL } },
        { "end\\", -EINVAL, { NULL } },
        { "\"end\\", -EINVAL, { NULL } },
};

START_TEST(words_are_split) {
        char *nothing = NULL, **words = &nothing;
        int r = text_split_words(lines[_i].text, &words);

        ck_assert_msg(r == lines[_i].r, "\"%s\": returned %d, not %d", lines[_i].text, r, lines[_i].r);
        if (r < 0) {
                ck_assert_ptr_eq(words, &nothing);
                return;
        }
        for (int i = 0; i <= r; i++)
                ck_assert_pstr_eq(words[i], lines[_i].words[i]);
        ck_assert_ptr_null(text_strv_free(words));
}
END_TEST

static const struct {
        const char *text;
        bool is_name;
} names[] = {
        { "a", true },
        { "9lives", true },
        { "a_B.c-9", true },
        { "0123456789012345678901234567890123456789", true },
        { "01234567890123456789012345678901234567890", false },
        { "", false },
        { "-a", false },
        { ".a", false },
        { "_a", false },
        { "a b", false },
        { "a/b", false },
        { "a*", false },
        { "caf\xc3\xa9", false },
};

START_TEST(names_are_told_from_others) {
        ck_assert_msg(text_is_name(names[_i].text) == names[_i].is_name, "\"%s\" %s a name", names[_i].text,
                      names[_i].is_name ? "should be" : "should not be");
}
END_TEST

static const char *const keys[] = {
        "timeout", "total-timeout", "retries", "retry-delay", "grace", "url", "user", "env"
};

static const struct {
        const char *text, *nearest;
} mistakes[] = {
        { "timeuot", "timeout" },
        { "timeot", "timeout" },
        { "retry", "retries" },
        { "total_timeout", "total-timeout" },
        { "usr", "user" },
        { "Grace", "grace" },
        { "evn", "env" },
        { "retry-delays", "retry-delay" },
        { "colour", NULL },
        { "xyzzy", NULL },
        { "", NULL },
        { "uri", "url" },
        { "0123456789012345678901234567890123456789012345678901234567890123456789", NULL },
};

START_TEST(the_nearest_is_suggested) {
        const char *nearest = text_nearest(mistakes[_i].text, keys, ARRAY_SIZE(keys));

        ck_assert_msg(nearest == mistakes[_i].nearest ||
                              (nearest && mistakes[_i].nearest && streq(nearest, mistakes[_i].nearest)),
                      "for \"%s\": %s, not %s", mistakes[_i].text, nearest ?: "nothing",
                      mistakes[_i].nearest ?: "nothing");
}
END_TEST

static const struct {
        const char *pattern, *text;
        bool matches;
} patterns[] = {
        { "web", "web", true },
        { "web", "webs", false },
        { "web", "we", false },
        { "*", "", true },
        { "*", "web", true },
        { "**", "web", true },
        { "?", "", false },
        { "?", "w", true },
        { "??", "w", false },
        { "etl-*", "etl-load", true },
        { "etl-*", "etl", false },
        { "*-load", "etl-load", true },
        { "*a*b*", "xxaxxbxx", true },
        { "*a*b*", "xxbxxaxx", false },
        { "*ab", "aab", true },
        { "a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
        { "worker-?", "worker-1", true },
        { "worker-?", "worker-10", false },
        { "", "", true },
        { "", "a", false },
};

START_TEST(patterns_match) {
        ck_assert_msg(text_match(patterns[_i].pattern, patterns[_i].text) == patterns[_i].matches, "\"%s\" %s \"%s\"",
                      patterns[_i].pattern, patterns[_i].matches ? "should match" : "should not match",
                      patterns[_i].text);
}
END_TEST

static const struct {
        const char *text;
        size_t size;
        const char *shown;
} secrets[] = {
        { "http://user:secret@host/path", 64, "http://***@host/path" },
        { "http://user@host", 64, "http://***@host" },
        { "http://a:b@c@host/", 64, "http://***@host/" },
        { "http://host/a@b?c=d@e", 64, "http://host/a@b?c=d@e" },
        { "http://host?a@b", 64, "http://host?a@b" },
        { "x ftp://a:b@c and http://d:e@f", 64, "x ftp://***@c and http://***@f" },
        { "user@host", 64, "user@host" },
        { "", 64, "" },
        { "://", 64, "://" },
        { "http://user:secret@host/path", 12, "http://***@" },
        { "http://user:secret@host/path", 9, "http://*" },
        { "http://host/path", 9, "http://h" },
};

START_TEST(who_and_by_what_password_is_hidden) {
        char buf[64];

        ck_assert_str_eq(text_hide_userinfo(secrets[_i].text, buf, secrets[_i].size), secrets[_i].shown);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("text");
        TCase *tcase = tcase_create("text");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, usec_is_parsed, 0, (int)ARRAY_SIZE(spans));
        tcase_add_loop_test(tcase, usec_is_formatted, 0, (int)ARRAY_SIZE(shown_spans));
        tcase_add_test(tcase, rate_is_formatted_as_it_is_written);
        tcase_add_test(tcase, usec_of_two_units_survives_the_round_trip);
        tcase_add_loop_test(tcase, size_is_parsed, 0, (int)ARRAY_SIZE(sizes));
        tcase_add_loop_test(tcase, size_is_formatted, 0, (int)ARRAY_SIZE(shown_sizes));
        tcase_add_loop_test(tcase, bool_is_parsed, 0, (int)ARRAY_SIZE(bools));
        tcase_add_loop_test(tcase, signal_is_parsed, 0, (int)ARRAY_SIZE(signals));
        tcase_add_loop_test(tcase, uint_is_parsed, 0, (int)ARRAY_SIZE(numbers));
        tcase_add_loop_test(tcase, number_in_a_span_is_parsed, 0, (int)ARRAY_SIZE(pers));
        tcase_add_loop_test(tcase, words_are_split, 0, (int)ARRAY_SIZE(lines));
        tcase_add_loop_test(tcase, names_are_told_from_others, 0, (int)ARRAY_SIZE(names));
        tcase_add_loop_test(tcase, the_nearest_is_suggested, 0, (int)ARRAY_SIZE(mistakes));
        tcase_add_loop_test(tcase, who_and_by_what_password_is_hidden, 0, (int)ARRAY_SIZE(secrets));
        tcase_add_loop_test(tcase, patterns_match, 0, (int)ARRAY_SIZE(patterns));
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
