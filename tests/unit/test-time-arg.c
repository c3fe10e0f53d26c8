/* SPDX-License-Identifier: MIT */
/* time_arg: what people write for an instant, in a zone with summer time. */
#include "tendctl/time_arg.h"

#include <check.h>
#include <inttypes.h>
#include <time.h>

/* Sunday 2025-06-15 12:34:56 in Berlin, summer time. */
#define NOW  (UINT64_C(1749983696) * USEC_PER_SEC)
#define HOUR 3600

static const struct {
        const char *text;
        enum time_direction direction;
        int r;
        int64_t secs;
} texts[] = {
        { "now", TIME_AGO, 0, 1749983696 },
        { "@0", TIME_AGO, 0, 0 },
        { "@1700000000", TIME_AGO, 0, 1700000000 },
        { "@", TIME_AGO, -EINVAL, 0 },
        { "@x", TIME_AGO, -EINVAL, 0 },
        { "@-1", TIME_AGO, -EINVAL, 0 },
        { "@1.", TIME_AGO, -EINVAL, 0 },
        { "@99999999999999999999", TIME_AGO, -ERANGE, 0 },
        { "today", TIME_AGO, 0, 1749938400 },
        { "yesterday", TIME_AGO, 0, 1749938400 - 24 * HOUR },
        { "tomorrow", TIME_AGO, 0, 1749938400 + 24 * HOUR },
        { "yesterday 18:30", TIME_AGO, 0, 1749938400 - 24 * HOUR + 18 * HOUR + 1800 },
        { "today 00:00:07", TIME_AGO, 0, 1749938407 },
        { "yesterday18:30", TIME_AGO, -EINVAL, 0 },
        { "yesterday ", TIME_AGO, -EINVAL, 0 },
        { "Yesterday", TIME_AGO, -EINVAL, 0 },
        { "02:30", TIME_AGO, 0, 1749938400 + 2 * HOUR + 1800 },
        { "02:30:15", TIME_AGO, 0, 1749938400 + 2 * HOUR + 1815 },
        { "2:30", TIME_AGO, -EINVAL, 0 },
        { "24:00", TIME_AGO, -EINVAL, 0 },
        { "02:60", TIME_AGO, -EINVAL, 0 },
        { "02:30:", TIME_AGO, -EINVAL, 0 },
        { "2025-06-15", TIME_AGO, 0, 1749938400 },
        { "2025-06-15 02:30", TIME_AGO, 0, 1749938400 + 2 * HOUR + 1800 },
        { "2025-06-15T02:30:15", TIME_AGO, 0, 1749938400 + 2 * HOUR + 1815 },
        { "2025-06-15T02:30:15Z", TIME_AGO, 0, 1749938400 + 4 * HOUR + 1815 },
        { "2025-06-15 UTC", TIME_AGO, 0, 1749938400 + 2 * HOUR },
        { "2025-06-15 2:30", TIME_AGO, -EINVAL, 0 },
        { "2025-6-15", TIME_AGO, -EINVAL, 0 },
        { "2025-06-31", TIME_AGO, -EINVAL, 0 },
        { "2025-02-29", TIME_AGO, -EINVAL, 0 },
        { "2024-02-29", TIME_AGO, 0, 1709161200 },
        { "2025-00-10", TIME_AGO, -EINVAL, 0 },
        { "2025-13-10", TIME_AGO, -EINVAL, 0 },
        { "2025-06-00", TIME_AGO, -EINVAL, 0 },
        { "12025-06-15", TIME_AGO, -EINVAL, 0 },
        { "1960-01-01", TIME_AGO, 0, 0 },
        { "9999-12-31 23:59:59", TIME_AGO, 0, 253402297199 },
        { "2025-03-30 02:30", TIME_AGO, 0, 1743298200 }, /* clocks skip it: 03:30 */
        { "2025-10-26 02:30", TIME_AGO, 0, 1761438600 }, /* they show it twice: the first */
        { "2025-10-26 03:30", TIME_AGO, 0, 1761445800 },
        { "2025-01-15 02:30", TIME_AGO, 0, 1736904600 }, /* in winter */
        { "2h", TIME_AGO, 0, 1749983696 - 2 * HOUR },
        { "2h", TIME_FROM_NOW, 0, 1749983696 + 2 * HOUR },
        { "1d 12h", TIME_AGO, 0, 1749983696 - 36 * HOUR },
        { "-2h", TIME_FROM_NOW, 0, 1749983696 - 2 * HOUR },
        { "+2h", TIME_AGO, 0, 1749983696 + 2 * HOUR },
        { "2h ago", TIME_FROM_NOW, 0, 1749983696 - 2 * HOUR },
        { "in 2h", TIME_AGO, 0, 1749983696 + 2 * HOUR },
        { "90min ago", TIME_AGO, 0, 1749983696 - 5400 },
        { "99999w", TIME_AGO, 0, 0 },
        { "-0s", TIME_AGO, 0, 1749983696 },
        { "2025", TIME_AGO, -EINVAL, 0 },
        { "-7", TIME_AGO, -EINVAL, 0 },
        { "--2h", TIME_AGO, -EINVAL, 0 },
        { "- 2h", TIME_AGO, -EINVAL, 0 },
        { "-2h ago", TIME_AGO, -EINVAL, 0 },
        { "infinity", TIME_AGO, -EINVAL, 0 },
        { "infinity", TIME_FROM_NOW, -EINVAL, 0 },
        { "999999w", TIME_FROM_NOW, -ERANGE, 0 },
        { " ago", TIME_AGO, -EINVAL, 0 },
        { "in ", TIME_AGO, -EINVAL, 0 },
        { "", TIME_AGO, -EINVAL, 0 },
        { "soon", TIME_AGO, -EINVAL, 0 },
        { "1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h 1h", TIME_AGO, -EINVAL, 0 },
};

START_TEST(an_instant_is_understood_or_refused) {
        usec_t usec = 7;
        int r;

        r = time_arg_parse(texts[_i].text, texts[_i].direction, NOW, &usec);
        ck_assert_msg(r == texts[_i].r, "\"%s\": returned %d, not %d", texts[_i].text, r, texts[_i].r);
        if (r == 0)
                ck_assert_msg(usec == (usec_t)texts[_i].secs * USEC_PER_SEC, "\"%s\": %" PRIu64 ", not %" PRIi64,
                              texts[_i].text, usec / USEC_PER_SEC, texts[_i].secs);
        else
                ck_assert_uint_eq(usec, 7);
}
END_TEST

START_TEST(fractions_of_seconds_are_kept) {
        usec_t usec;

        ck_assert_int_eq(time_arg_parse("@1.25", TIME_AGO, NOW, &usec), 0);
        ck_assert_uint_eq(usec, 1250000);
        ck_assert_int_eq(time_arg_parse("@1.0000019", TIME_AGO, NOW, &usec), 0);
        ck_assert_uint_eq(usec, 1000001);
        ck_assert_int_eq(time_arg_parse("now", TIME_AGO, NOW + 3, &usec), 0);
        ck_assert_uint_eq(usec, NOW + 3);
}
END_TEST

/* Where clocks are changed, in zones that do so each in its way. Rules, so that no file of zones is needed. */
#define BERLIN    "CET-1CEST,M3.5.0,M10.5.0/3"
#define DUBLIN    "IST-1GMT0,M10.5.0,M3.5.0/1" /* winter is the exception */
#define NEW_YORK  "EST5EDT,M3.2.0,M11.1.0"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0" /* by half an hour */

static const struct {
        const char *zone, *text;
        int64_t secs;
} changes[] = {
        { BERLIN, "2025-03-30 01:59", 1743296340 },    { BERLIN, "2025-03-30 02:30", 1743298200 },
        { BERLIN, "2025-03-30 03:00", 1743296400 },    { BERLIN, "2025-10-26 02:30", 1761438600 },
        { BERLIN, "2025-10-26 03:00", 1761444000 },    { DUBLIN, "2025-03-30 00:59", 1743296340 },
        { DUBLIN, "2025-03-30 01:30", 1743298200 },    { DUBLIN, "2025-03-30 02:00", 1743296400 },
        { DUBLIN, "2025-10-26 01:30", 1761438600 },    { DUBLIN, "2025-10-26 02:00", 1761444000 },
        { DUBLIN, "2025-07-01 12:00", 1751367600 },    { DUBLIN, "2025-12-01 12:00", 1764590400 },
        { NEW_YORK, "2025-03-09 02:30", 1741505400 },  { NEW_YORK, "2025-11-02 01:30", 1762061400 },
        { NEW_YORK, "2025-11-02 02:00", 1762066800 },  { LORD_HOWE, "2025-04-06 01:45", 1743864300 },
        { LORD_HOWE, "2025-10-05 02:15", 1759592700 },
};

START_TEST(a_time_that_comes_twice_is_the_first_and_one_that_is_skipped_lies_behind) {
        usec_t usec;

        ck_assert_int_eq(setenv("TZ", changes[_i].zone, 1), 0);
        tzset();
        ck_assert_int_eq(time_arg_parse(changes[_i].text, TIME_AGO, NOW, &usec), 0);
        ck_assert_msg(usec == (usec_t)changes[_i].secs * USEC_PER_SEC, "%s in %s: %" PRIu64 ", not %" PRIi64,
                      changes[_i].text, changes[_i].zone, usec / USEC_PER_SEC, changes[_i].secs);
}
END_TEST

static void in_berlin(void) {
        /* The rule itself, so that no file of zones is needed. */
        ck_assert_int_eq(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
        tzset();
}

int main(void) {
        Suite *suite = suite_create("time-arg");
        TCase *tcase = tcase_create("time-arg");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, in_berlin, NULL);
        tcase_add_loop_test(tcase, an_instant_is_understood_or_refused, 0, (int)ARRAY_SIZE(texts));
        tcase_add_loop_test(tcase, a_time_that_comes_twice_is_the_first_and_one_that_is_skipped_lies_behind, 0,
                            (int)ARRAY_SIZE(changes));
        tcase_add_test(tcase, fractions_of_seconds_are_kept);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
