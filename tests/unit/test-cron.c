/* SPDX-License-Identifier: MIT */
/* cron: what a line means, what is wrong with it, and when it elapses. */
#include "when/civil.h"
#include "when/cron.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

static const struct {
        const char *text, *normalized;
} forms[] = {
        { "* * * * *", "* * * * *" },
        { " */5\t2  * * 1-5 ", "*/5 2 * * 1-5" },
        { "*/1 */1 * * *", "* * * * *" },
        { "05 08 1 1 0", "5 8 1 1 0" },
        { "0 0 13 jan,MAR,12 Fri", "0 0 13 1,3,12 5" },
        { "0 0 * feb-apr mon-wed/2", "0 0 * 2-4 1-3/2" },
        { "1-1 3-4/5 * * *", "1 3 * * *" },
        { "10-20/3 0 * * *", "10-19/3 0 * * *" },
        /* Sunday is 0 and 7 */
        { "0 0 * * 7", "0 0 * * 0" },
        { "0 0 * * fri-sun", "0 0 * * 5-7" },
        { "0 0 * * sun-tue", "0 0 * * 0-2" },
        /* the order stays, because it matters whether a star comes first */
        { "30,5,*/20 0 * * *", "30,5,*/20 0 * * *" },
        { "*/60 */24 * * *", "*/60 */24 * * *" },
        { "@hourly", "0 * * * *" },
        { "@Daily", "0 0 * * *" },
        { "@midnight", "0 0 * * *" },
        { "@weekly", "0 0 * * 0" },
        { "@monthly", "0 0 1 * *" },
        { "@yearly", "0 0 1 1 *" },
        { "@annually", "0 0 1 1 *" },
};

START_TEST(has_a_normalized_form) {
        const char *const texts[] = { forms[_i].text, forms[_i].normalized };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_(calendar_freep) struct calendar *calendar = NULL;
                char wrong[CALENDAR_WRONG_MAX] = "", buf[CALENDAR_TEXT_MAX];

                ck_assert_msg(cron_parse(texts[i], &calendar, wrong) == 0, "%s: %s", texts[i], wrong);
                ck_assert_str_eq(calendar_format(calendar, buf), forms[_i].normalized);
                ck_assert_ptr_null(calendar_zone_name(calendar));
        }
}
END_TEST

static const struct {
        const char *text, *wrong; /* a part of the sentence */
} mistakes[] = {
        { "", "there are 0 fields" },
        { "* * * *", "there are 4 fields" },
        { "0 * * * * *", "seconds are for `calendar`" },
        { "0 0 * * * /usr/bin/true now", "there are 7 fields" },
        { "60 * * * *", "minute 60 is not within 0 to 59" },
        { "* 24 * * *", "hour 24 is not within 0 to 23" },
        { "* * 0 * *", "day of the month 0 is not within 1 to 31" },
        { "* * * 13 *", "month 13 is not within 1 to 12" },
        { "* * * * 8", "day of the week 8 is not within 0 to 7" },
        { "99999999999999999999 * * * *", "minute 99999999999999999999" },
        { "* * * january *", "\"january\" is not a number or a name of three letters" },
        { "* * * * monday", "\"monday\"" },
        { "jan * * * *", "minute: \"jan\" is not a number" },
        { "5/15 * * * *", "a step needs a star or a range, such as 5-59/15" },
        { "*/0 * * * *", "the step 0 is not within 1 to 60" },
        { "*/90 * * * *", "the step 90 is not within 1 to 60" },
        { "*/x * * * *", "the step \"x\" is not a number" },
        { "9-2 * * * *", "minute: the range 9-2 runs backwards" },
        { "0 0 * * fri-mon", "the range 5-1 runs backwards" },
        { "1- * * * *", "minute: \"\" is not a number" },
        { "1,, * * * *", "minute: \",\" is not a number" },
        { "1-2-3 * * * *", "minute: \"-3\" makes no sense" },
        { "*5 * * * *", "minute: \"5\" makes no sense" },
        { "-1 * * * *", "\"-1\" is not a number" },
        { "0 0 L * *", "cron has no L" },
        { "0 0 ? * *", "cron has no ?" },
        { "H 0 * * *", "cron has no H" },
        { "@reboot", "`on-start = yes`" },
        { "@fortnightly", "none of @hourly" },
        { "@daily 5", "none of @hourly" },
};

START_TEST(tells_what_is_wrong) {
        struct calendar *calendar = NULL;
        char wrong[CALENDAR_WRONG_MAX] = "";

        ck_assert_int_eq(cron_parse(mistakes[_i].text, &calendar, wrong), -EINVAL);
        ck_assert_ptr_null(calendar);
        ck_assert_msg(strstr(wrong, mistakes[_i].wrong), "%s: \"%s\" has no \"%s\"", mistakes[_i].text, wrong,
                      mistakes[_i].wrong);
}
END_TEST

static const struct {
        const char *rule, *text, *zone;
        int64_t after;       /* UTC, seconds */
        const char *next[5]; /* local time, with ~ the second one; "never" */
} next_cases[] = {
        { "weekdays",
          "30 2 * * 1-5",
          "UTC",
          1709251200, /* Fri 2024-03-01 */
          { "2024-03-01 02:30", "2024-03-04 02:30" } },
        { "steps",
          "*/25 3 * * *",
          "UTC",
          1709251200,
          { "2024-03-01 03:00", "2024-03-01 03:25", "2024-03-01 03:50", "2024-03-02 03:00" } },
        { "Sunday is 7, and the end of a range",
          "0 0 * * 6-7",
          "UTC",
          1709251200,
          { "2024-03-02 00:00", "2024-03-03 00:00", "2024-03-09 00:00" } },
        { "a star repeated in the days of the week",
          "0 0 * * */3",
          "UTC",
          1709251200,
          { "2024-03-02 00:00", "2024-03-03 00:00", "2024-03-06 00:00", "2024-03-09 00:00" } },
        /* Of two restricted days one suffices. */
        { "either day",
          "0 0 13 * 5",
          "UTC",
          1709251200,
          { "2024-03-08 00:00", "2024-03-13 00:00", "2024-03-15 00:00" } },
        { "either day, in February", "0 0 30 2 0", "UTC", 1709251200, { "2025-02-02 00:00", "2025-02-09 00:00" } },
        /* A field that begins with a star restricts together with the other. */
        { "both days, with a star in that of the month",
          "0 0 */2 * 5",
          "UTC",
          1709251200,
          { "2024-03-15 00:00", "2024-03-29 00:00", "2024-04-05 00:00" } },
        { "both days, with a star in that of the week",
          "0 0 13 * */5",
          "UTC",
          1709251200,
          { "2024-09-13 00:00", "2024-10-13 00:00" } },
        { "a star that is not the first restricts",
          "0 0 13,*/31 * 5",
          "UTC",
          1709251200,
          { "2024-03-08 00:00", "2024-03-13 00:00", "2024-03-15 00:00", "2024-03-22 00:00" } },
        /* Where clocks change: as calendars do. */
        { "a fixed time in the gap runs once",
          "30 2 * * *",
          "Europe/Berlin",
          1711800000,
          { "2024-03-31 02:30", "2024-04-01 02:30" } },
        { "a fixed time in the repeated hour runs once",
          "30 2 * * *",
          "Europe/Berlin",
          1729940000,
          { "2024-10-27 02:30", "2024-10-28 02:30" } },
        { "a range of hours in the gap is fixed times",
          "30 1-3 * * *",
          "Europe/Berlin",
          1711843201,
          { "2024-03-31 01:30", "2024-03-31 02:30", "2024-03-31 03:30" } },
        { "a range in the repeated hour is fixed times",
          "0-59/30 1-3 * * *",
          "Europe/Berlin",
          1729987200,
          { "2024-10-27 02:30", "2024-10-27 03:00", "2024-10-27 03:30" } },
        { "a star follows elapsed time through the gap",
          "0 * * * *",
          "Europe/Berlin",
          1711843201,
          { "2024-03-31 03:00", "2024-03-31 04:00" } },
        { "a star follows elapsed time through the repetition",
          "*/30 * * * *",
          "Europe/Berlin",
          1729987200,
          { "2024-10-27 02:30", "2024-10-27 02:00~", "2024-10-27 02:30~", "2024-10-27 03:00" } },
        { "no such day", "0 0 31 2,4,6,9,11 *", "UTC", 1709251200, { "never" } },
};

START_TEST(elapses) {
        _cleanup_(calendar_freep) struct calendar *calendar = NULL;
        _cleanup_(zone_unrefp) struct zone *zone = NULL;
        char wrong[CALENDAR_WRONG_MAX] = "", buf[64];
        usec_t after = (usec_t)next_cases[_i].after * USEC_PER_SEC;
        struct occurrence at;

        ck_assert_msg(cron_parse(next_cases[_i].text, &calendar, wrong) == 0, "%s", wrong);
        ck_assert_int_eq(zone_load(next_cases[_i].zone, &zone), 0);
        for (size_t i = 0; i < ARRAY_SIZE(next_cases[_i].next) && next_cases[_i].next[i]; i++) {
                struct civil civil;

                (void)snprintf(buf, sizeof(buf), "never");
                if (calendar_next(calendar, zone, after, &at)) {
                        civil_from_secs(at.local_usec / (int64_t)USEC_PER_SEC, &civil);
                        (void)snprintf(buf, sizeof(buf), "%04d-%02u-%02u %02u:%02u%s", civil.year, civil.month,
                                       civil.day, civil.hour, civil.minute, at.fold ? "~" : "");
                        after = at.utc_usec;
                }
                ck_assert_msg(streq(buf, next_cases[_i].next[i]), "%s: %zu: %s, not %s", next_cases[_i].rule, i, buf,
                              next_cases[_i].next[i]);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("cron");
        TCase *tcase = tcase_create("cron");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, has_a_normalized_form, 0, ARRAY_SIZE(forms));
        tcase_add_loop_test(tcase, tells_what_is_wrong, 0, ARRAY_SIZE(mistakes));
        tcase_add_loop_test(tcase, elapses, 0, ARRAY_SIZE(next_cases));
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
