/* SPDX-License-Identifier: MIT */
/* zone_rule: a footer's rule changes the clocks when it says, and is nothing else than a rule. */
#include "support/zone-image.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

/* The next two changes of offset, and the offsets before, between and behind them. */
static const struct {
        const char *rule;
        const char *from;
        const char *changes[2];
        int32_t offsets[2]; /* the third is as the first */
} rules[] = {
        { "CET-1CEST,M3.5.0,M10.5.0/3",
          "2026-01-01 00:00:00",
          { "2026-03-29 01:00:00", "2026-10-25 01:00:00" },
          { 3600, 7200 } },
        { "CET-1CEST,M3.5.0,M10.5.0/3",
          "2026-10-25 00:59:59",
          { "2026-10-25 01:00:00", "2027-03-28 01:00:00" },
          { 7200, 3600 } },
        { "CET-1CEST,M3.5.0,M10.5.0/3",
          "98000-01-01 00:00:00",
          { "98000-03-26 01:00:00", "98000-10-29 01:00:00" },
          { 3600, 7200 } },
        { "EST5EDT,M3.2.0,M11.1.0",
          "2024-03-10 06:59:59",
          { "2024-03-10 07:00:00", "2024-11-03 06:00:00" },
          { -18000, -14400 } },
        { "EST5EDT,M3.2.0,M11.1.0",
          "2024-03-10 07:00:00",
          { "2024-11-03 06:00:00", "2025-03-09 07:00:00" },
          { -14400, -18000 } },
        /* South of the equator summer goes over the new year. */
        { "AEST-10AEDT,M10.1.0,M4.1.0/3",
          "2025-12-31 00:00:00",
          { "2026-04-04 16:00:00", "2026-10-03 16:00:00" },
          { 39600, 36000 } },
        /* Winter is what deviates. */
        { "IST-1GMT0,M10.5.0,M3.5.0/1",
          "2026-01-01 00:00:00",
          { "2026-03-29 01:00:00", "2026-10-25 01:00:00" },
          { 0, 3600 } },
        /* Version 3: hours below 0, and above 24. */
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
          "2025-01-01 00:00:00",
          { "2025-03-30 01:00:00", "2025-10-26 01:00:00" },
          { -7200, -3600 } },
        { "IST-2IDT,M3.4.4/26,M10.5.0",
          "2027-01-01 00:00:00",
          { "2027-03-26 00:00:00", "2027-10-30 23:00:00" },
          { 7200, 10800 } },
        { "AAA0BBB,J8/-167,J8/-143",
          "2025-12-31 00:00:00",
          { "2026-01-01 01:00:00", "2026-01-02 00:00:00" },
          { 0, 3600 } },
        { "AAA0BBB,J364/0,J365/100",
          "2026-12-29 00:00:00",
          { "2026-12-30 00:00:00", "2027-01-04 03:00:00" },
          { 0, 3600 } },
        { "AAA0BBB,J1/-24,J2/0", "2026-12-30 23:00:00", { "2026-12-31 00:00:00", "2027-01-01 23:00:00" }, { 0, 3600 } },
        { "AAA0BBB,M12.5.0/167,M1.1.0/167",
          "2027-01-01 00:00:00",
          { "2027-01-02 23:00:00", "2027-01-09 22:00:00" },
          { 0, 3600 } },
        /* Half an hour. */
        { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
          "2026-01-01 00:00:00",
          { "2026-04-04 15:00:00", "2026-10-03 15:30:00" },
          { 39600, 37800 } },
        /* Days of the year, without February 29 and with it. */
        { "AAA0BBB,J60/0,J61/0", "2024-01-01 00:00:00", { "2024-03-01 00:00:00", "2024-03-01 23:00:00" }, { 0, 3600 } },
        { "AAA0BBB,J59/0,J60/0", "2024-01-01 00:00:00", { "2024-02-28 00:00:00", "2024-02-29 23:00:00" }, { 0, 3600 } },
        { "AAA0BBB,59/0,60/0", "2024-01-01 00:00:00", { "2024-02-29 00:00:00", "2024-02-29 23:00:00" }, { 0, 3600 } },
        { "AAA0BBB,59/0,60/0", "2023-01-01 00:00:00", { "2023-03-01 00:00:00", "2023-03-01 23:00:00" }, { 0, 3600 } },
        /* To the second. */
        { "AAA-1:02:03BBB-1:02:04,J100/1:00:01,J200/-0:30",
          "2030-01-01 00:00:00",
          { "2030-04-09 23:57:58", "2030-07-18 22:27:56" },
          { 3723, 3724 } },
        /* The first and the fifth, where there is no fifth the fourth. */
        { "AAA0BBB,M5.1.6/0,M5.5.6/0",
          "2026-01-01 00:00:00",
          { "2026-05-02 00:00:00", "2026-05-29 23:00:00" },
          { 0, 3600 } },
        { "AAA0BBB,M2.5.0/0,M2.5.1/0",
          "2026-01-01 00:00:00",
          { "2026-02-22 00:00:00", "2026-02-22 23:00:00" },
          { 0, 3600 } },
        /* What does not change. */
        { "AAA3", "2026-01-01 00:00:00", { NULL }, { -10800 } },
        { "EST5EDT4,0/0,J365/25", "2026-01-01 00:00:00", { NULL }, { -14400 } },
        { "XXX3EDT4,0/0,J365/23", "2026-01-01 00:00:00", { NULL }, { -14400 } },
        { "XXX3EDT4,0/0,J365/120", "2026-01-01 00:00:00", { NULL }, { -14400 } },
        { "AAA0BBB0,M3.5.0,M10.5.0", "2026-01-01 00:00:00", { NULL }, { 0 } },
        { "AAA0BBB,J100/0,J100/1", "2026-01-01 00:00:00", { NULL }, { 0 } },
};

/* "YYYY-MM-DD hh:mm:ss" */

/* "YYYY-MM-DD hh:mm:ss" */
static int64_t instant(const char *text) {
        struct civil civil;

        ck_assert_int_eq(sscanf(text, "%d-%u-%u %u:%u:%u", &civil.year, &civil.month, &civil.day, &civil.hour,
                                &civil.minute, &civil.second),
                         6);
        return civil_to_secs(&civil);
}

START_TEST(rules_change_clocks) {
        struct zone *zone = zone_of_rule(rules[_i].rule);
        int64_t at = instant(rules[_i].from), change;

        ck_assert_int_eq(zone_offset_at(zone, at), rules[_i].offsets[0]);
        for (int i = 0; i < 2; i++) {
                const char *expected = rules[_i].changes[i];

                change = zone_next_change(zone, at);
                ck_assert_msg(change == (expected ? instant(expected) : INT64_MAX),
                              "%s: change %d is at %" PRId64 ", not %s", rules[_i].rule, i, change, expected);
                if (!expected)
                        break;
                ck_assert_int_eq(zone_offset_at(zone, change - 1), rules[_i].offsets[i]);
                ck_assert_int_eq(zone_offset_at(zone, change), rules[_i].offsets[1 - i]);
                at = change;
        }
        zone_unref(zone);
}
END_TEST

static const char *const bad_rules[] = {
        "CET",
        "-1",
        "C-1",
        "CE-1",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,",
        "CET-1CEST,M3.5.0,M10.5.0/",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5,M10.5.0",
        "CET-1CEST,J0,J10",
        "CET-1CEST,J366,J10",
        "CET-1CEST,366,10",
        "CET-1CEST,J1/168,J10",
        "CET-1CEST,J1/-168,J10",
        "CET-25",
        "CET-1:60",
        "CET-1:00:60",
        "CET--1",
        "CET-1CEST-25,J1,J2",
        "<+0330-3:30",
        "<+03:30>-3:30",
        "<>-1",
        "ABCDEFGHIJKLMNOP-1",
        "CET-0001",
        "CET-1 ",
        " CET-1",
        "CET-1;",
        "CET-1CEST;J1;J2",
        "1CET-1",
        "CE1-1",
};

START_TEST(bad_rules_are_refused) {
        struct zone_file file = {
                .version = '3', .types = { { 0 } }, .n_types = 1, .chars = "-00", .footer = bad_rules[_i]
        };
        struct zone *zone = NULL;

        ck_assert_msg(zone_file_parse(&file, &zone) == -EBADMSG, "%s is taken", bad_rules[_i]);
        ck_assert_ptr_null(zone);
}
END_TEST

START_TEST(rules_that_differ_late_are_not_equal) {
        /* Which Sunday the last one is: apart only in years when February has 29 days and ends on one. */
        struct zone *a = zone_of_rule("AAA0BBB,M2.5.0,M10.5.0"), *b = zone_of_rule("AAA0BBB,M2.4.0,M10.5.0");
        struct zone *c = zone_of_rule("AAA0BBB0,M2.5.0,M10.5.0"), *d = zone_of_rule("AAA0");

        ck_assert(!zone_equal(a, b));
        ck_assert(!zone_equal(c, d)); /* the abbreviations differ */
        zone_unref(a);
        zone_unref(b);
        zone_unref(c);
        zone_unref(d);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("zone-rule");
        TCase *tcase = tcase_create("zone-rule");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, rules_change_clocks, 0, ARRAY_SIZE(rules));
        tcase_add_loop_test(tcase, bad_rules_are_refused, 0, ARRAY_SIZE(bad_rules));
        tcase_add_test(tcase, rules_that_differ_late_are_not_equal);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
