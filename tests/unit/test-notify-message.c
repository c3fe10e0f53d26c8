/* SPDX-License-Identifier: MIT */
/* What processes say of themselves, understood. */
#include "loop/notify_message.h"

#include <check.h>
#include <stdio.h>

static const struct {
        const char *text;
        struct notify_message message;
} messages[] = {
        { "READY=1", { .ready = true } },
        { "READY=1\n", { .ready = true } },
        { "READY=0", { 0 } },
        { "READY=1x", { 0 } },
        { "READY=", { 0 } },
        { "XREADY=1", { 0 } },
        { "", { 0 } },
        { "\n\n", { 0 } },
        { "STOPPING=1", { .stopping = true } },
        { "WATCHDOG=1", { .watchdog = true } },
        { "WATCHDOG=trigger", { .watchdog_trigger = true } },
        { "WATCHDOG=triggered", { 0 } },
        { "STATUS=warming up", { .has_status = true, .status = "warming up" } },
        { "STATUS=", { .has_status = true } },
        { "STATUS=a=b", { .has_status = true, .status = "a=b" } },
        { "STATUS=one\nSTATUS=two", { .has_status = true, .status = "two" } },
        { "EXTEND_TIMEOUT_USEC=5000000", { .extend_usec = 5000000 } },
        { "EXTEND_TIMEOUT_USEC=0", { 0 } },
        { "EXTEND_TIMEOUT_USEC=-1", { 0 } },
        { "EXTEND_TIMEOUT_USEC=18446744073709551615", { 0 } },
        { "EXTEND_TIMEOUT_USEC=99999999999999999999999", { 0 } },
        { "X_TENDD_PROGRESS=3/10", { .has_progress = true, .done = 3, .total = 10 } },
        { "X_TENDD_PROGRESS=0/0", { .has_progress = true } },
        { "X_TENDD_PROGRESS=11/10", { .has_progress = true, .done = 11, .total = 10 } },
        { "X_TENDD_PROGRESS=3", { 0 } },
        { "X_TENDD_PROGRESS=3/x", { 0 } },
        { "X_TENDD_PROGRESS=/", { 0 } },
        { "READY=1\nSTATUS=serving\nWATCHDOG=1\nMAINPID=1\nFDSTORE=1\nX_TENDD_PROGRESS=1/2\n",
          { .ready = true,
            .watchdog = true,
            .has_status = true,
            .status = "serving",
            .has_progress = true,
            .done = 1,
            .total = 2 } },
};

START_TEST(lines_are_understood) {
        const struct notify_message *expected = &messages[_i].message;
        struct notify_message got;

        notify_message_parse(messages[_i].text, strlen(messages[_i].text), &got);
        ck_assert_int_eq(got.ready, expected->ready);
        ck_assert_int_eq(got.stopping, expected->stopping);
        ck_assert_int_eq(got.watchdog, expected->watchdog);
        ck_assert_int_eq(got.watchdog_trigger, expected->watchdog_trigger);
        ck_assert_int_eq(got.has_status, expected->has_status);
        ck_assert_str_eq(got.status, expected->status);
        ck_assert_int_eq(got.has_progress, expected->has_progress);
        ck_assert_uint_eq(got.done, expected->done);
        ck_assert_uint_eq(got.total, expected->total);
        ck_assert_uint_eq(got.extend_usec, expected->extend_usec);
}
END_TEST

START_TEST(a_long_status_is_cut_between_characters) {
        char text[1000] = "STATUS=";
        struct notify_message got;

        /* Characters of three bytes each: 85 fit into 256. */
        for (size_t i = 0; i < 100; i++)
                strcat(text, "\xe2\x82\xac");
        notify_message_parse(text, strlen(text), &got);
        ck_assert_uint_eq(strlen(got.status), 255);
        strcpy(text, "STATUS=");
        for (size_t i = 0; i < 500; i++)
                strcat(text, "x");
        notify_message_parse(text, strlen(text), &got);
        ck_assert_uint_eq(strlen(got.status), NOTIFY_STATUS_MAX);
}
END_TEST

START_TEST(any_bytes_are_survived) {
        static const char bytes[] = "STATUS=a\0b\xff\nREADY=1\0\nWATCHDOG=1\n\0\0=\n=";
        struct notify_message got;

        notify_message_parse(bytes, sizeof(bytes), &got);
        ck_assert_str_eq(got.status, "a?b\xff");
        ck_assert(!got.ready);
        ck_assert(got.watchdog);
        for (size_t n = 0; n < sizeof(bytes); n++)
                notify_message_parse(bytes, n, &got);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("notify-message");
        TCase *tcase = tcase_create("parse");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, lines_are_understood, 0, ARRAY_SIZE(messages));
        tcase_add_test(tcase, a_long_status_is_cut_between_characters);
        tcase_add_test(tcase, any_bytes_are_survived);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
