/* SPDX-License-Identifier: MIT */
/* calendar: what an expression means, what is wrong with it, and when it elapses, also where clocks are changed. */
#include "when/calendar.h"
#include "when/civil.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

/* ---- normalized forms ---- */

static const struct {
        const char *text, *normalized, *zone;
} forms[] = {
        { "minutely", "*-*-* *:*:00", NULL },
        { "hourly", "*-*-* *:00:00", NULL },
        { "Daily", "*-*-* 00:00:00", NULL },
        { "weekly", "Mon *-*-* 00:00:00", NULL },
        { "monthly", "*-*-01 00:00:00", NULL },
        { "quarterly", "*-01,04,07,10-01 00:00:00", NULL },
        { "semiannually", "*-01,07-01 00:00:00", NULL },
        { "bi-annually", "*-01,07-01 00:00:00", NULL },
        { "annually", "*-01-01 00:00:00", NULL },
        { "yearly Pacific/Auckland", "*-01-01 00:00:00 Pacific/Auckland", "Pacific/Auckland" },
        { "daily utc", "*-*-* 00:00:00 UTC", "UTC" },
        /* weekdays */
        { "Sat,Thu,Mon..Wed,Sat..Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00", NULL },
        { "Wed..Wed,Wed *-1", "Wed *-*-01 00:00:00", NULL },
        { "Wed, 17:48", "Wed *-*-* 17:48:00", NULL },
        { "mon-fri", "Mon..Fri *-*-* 00:00:00", NULL },
        { "Monday..sunday", "*-*-* 00:00:00", NULL },
        { "Mon UTC", "Mon *-*-* 00:00:00 UTC", "UTC" },
        /* years of two digits, dates without a year */
        { "Mon,Sun 12-*-* 2,1:23", "Mon,Sun 2012-*-* 01,02:23:00", NULL },
        { "99..12-1-1", "1999..2012-01-01 00:00:00", NULL },
        { "69-1-1", "2069-01-01 00:00:00", NULL },
        { "70-1-1", "1970-01-01 00:00:00", NULL },
        { "10-15", "*-10-15 00:00:00", NULL },
        { "Sat,Sun 12-05 08:05:40", "Sat,Sun *-12-05 08:05:40", NULL },
        /* lists, ranges and repetitions: in order, each once, and written in one way */
        { "12,14,13,12:20,10,30", "*-*-* 12,13,14:10,20,30:00", NULL },
        { "12..14:10,20,30", "*-*-* 12..14:10,20,30:00", NULL },
        { "mon,fri *-1/2-1,3 *:30:45", "Mon,Fri *-01/2-01,03 *:30:45", NULL },
        { "3,1,2/2,2..9:0", "*-*-* 01,02/2,02..09,03:00:00", NULL },
        { "2..8/3:0", "*-*-* 02..08/3:00:00", NULL },
        { "2..9/3:0", "*-*-* 02..08/3:00:00", NULL },
        { "2..3/3:0", "*-*-* 02:00:00", NULL },
        { "0..0:0", "*-*-* 00:00:00", NULL },
        { "1:2:03..05/1", "*-*-* 01:02:03..05", NULL },
        { "*:*:00/1", "*-*-* *:*:*", NULL },
        { "*:*:58,0/1", "*-*-* *:*:*", NULL },
        { "*:*:0.5,0/1", "*-*-* *:*:00/1,00.500000", NULL },
        { "2100/50-1-1", "2100/50-01-01 00:00:00", NULL },
        /* a star that is repeated */
        { "*:*/5", "*-*-* *:00/5:00", NULL },
        { "*-*/3-*/2 0,*/6:0", "*-01/3-01/2 00,00/6:00:00", NULL },
        /* days before the end of the month */
        { "*-2~03/1", "*-02~03/1 00:00:00", NULL },
        { "Mon *-05~07/1", "Mon *-05~07/1 00:00:00", NULL },
        { "*-*~1..3/2", "*-*~01..03/2 00:00:00", NULL },
        { "*-*~*", "*-*-* 00:00:00", NULL },
        /* fractions of a second */
        { "05:40:23.4200004/3.1700005", "*-*-* 05:40:23.420000/3.170001", NULL },
        { "1:2:3.9999999", "*-*-* 01:02:04", NULL },
        { "1:2:3..3.5/0.1", "*-*-* 01:02:03..03.500000/0.100000", NULL },
        { "*:*:0..59.5", "*-*-* *:*:00..59", NULL },
        /* one instant */
        { "@1395716396", "2014-03-25 02:59:56 UTC", "UTC" },
        /* zones, and blanks */
        { "1:2 Foo/Bar_Baz-1+2", "*-*-* 01:02:00 Foo/Bar_Baz-1+2", "Foo/Bar_Baz-1+2" },
        { " \t1-1   1:2  CET ", "*-01-01 01:02:00 CET", "CET" },
};

START_TEST(has_a_normalized_form) {
        _cleanup_(calendar_freep) struct calendar *calendar = NULL;
        char wrong[CALENDAR_WRONG_MAX] = "", buf[CALENDAR_TEXT_MAX];

        ck_assert_msg(calendar_parse(forms[_i].text, &calendar, wrong) == 0, "%s: %s", forms[_i].text, wrong);
        ck_assert_str_eq(calendar_format(calendar, buf), forms[_i].normalized);
        if (forms[_i].zone)
                ck_assert_str_eq(calendar_zone_name(calendar), forms[_i].zone);
        else
                ck_assert_ptr_null(calendar_zone_name(calendar));
}
END_TEST

START_TEST(normalized_form_is_its_own) {
        _cleanup_(calendar_freep) struct calendar *calendar = NULL;
        char wrong[CALENDAR_WRONG_MAX] = "", buf[CALENDAR_TEXT_MAX];

        ck_assert_msg(calendar_parse(forms[_i].normalized, &calendar, wrong) == 0, "%s: %s", forms[_i].normalized,
                      wrong);
        ck_assert_str_eq(calendar_format(calendar, buf), forms[_i].normalized);
        ck_assert_str_eq(calendar_text(calendar), forms[_i].normalized);
}
END_TEST

/* ---- mistakes ---- */

static const struct {
        const char *text, *wrong; /* a part of the sentence */
} mistakes[] = {
        { "", "empty" },
        { "   ", "empty" },
        { "foo", "\"foo\" is neither a day of the week nor a shorthand" },
        { "utc", "\"utc\"" },
        { "Mond 1:2", "\"Mond\"" },
        { "Mon,,Tue", "\",Tue\"" },
        { "Mon..", "missing at the end" },
        { "Mon..Wed..Fri", "\"..Fri\" makes no sense" },
        { "Sun..Mon", "the range Sun..Mon runs backwards" },
        { "Mon Tue", "\"Tue\" is at the place of a zone" },
        { "*/5 * * * *", "five fields are `cron`'s" },
        { "1,2", "neither a date" },
        { "1-2-3-4", "neither a date" },
        { "1~2-3", "between the month and the day" },
        { "1:2:3:4", "is not a time" },
        { "1-1 5", "is not a time" },
        { "24:00", "hour 24 is not within 0 to 23" },
        { "0:60", "minute 60 is not within 0 to 59" },
        { "0:0:60", "second 60 is not within 0 to 59" },
        { "0:0:59.9999999", "second 59.9999999 is not within 0 to 59" },
        { "0:0:1.", "decimal point" },
        { "0-1", "month 0 is not within 1 to 12" },
        { "1-32", "day 32 is not within 1 to 31" },
        { "*~29", "before the month's end" },
        { "1969-1-1", "year 1969" },
        { "100-1-1", "year 100" },
        { "99999999999999999999-1-1", "year 99999999999999999999" },
        { "1:5..2", "minute: the range 5..2 runs backwards" },
        { "1:2/0", "by 0 never advances" },
        { "1:50/10", "minute: a repetition from 50 by 10 never comes" },
        { "1:2..3/99999999999", "minute: the repetition is too large" },
        { "1:2:3..4/3352", "second: the repetition is too large" },
        { "*~1/1", "day: a repetition from 1 by 1 never comes" },
        { "1:2:3..3.5", "a range below one second" },
        { "1:2,", "minute: a number is missing at the end" },
        { "1:*,2", "a star stands alone" },
        { "1:2,*", "a star stands alone" },
        { "*/4-1-1", "a repetition needs the year" },
        { "+1:2", "the hour is not a number at \"+1:2\"" },
        { "1:2x", "\"x\" makes no sense behind the minute" },
        { "1:2 Europe/Berl!n", "\"Europe/Berl!n\" behind the time is no name of a zone" },
        { "1:2 /etc/passwd", "no name of a zone" },
        { "1:2 Europe/", "no name of a zone" },
        { "1:2 Europe//Berlin", "no name of a zone" },
        { "@", "@ and seconds" },
        { "@1.5", "@ and seconds" },
        { "@99999999999999999999", "after the year 2199" },
};

START_TEST(tells_what_is_wrong) {
        struct calendar *calendar = NULL;
        char wrong[CALENDAR_WRONG_MAX] = "";

        ck_assert_int_eq(calendar_parse(mistakes[_i].text, &calendar, wrong), -EINVAL);
        ck_assert_ptr_null(calendar);
        ck_assert_msg(strstr(wrong, mistakes[_i].wrong), "%s: \"%s\" has no \"%s\"", mistakes[_i].text, wrong,
                      mistakes[_i].wrong);
}
END_TEST

/* A text, and what it is written out, have room or are refused. */
START_TEST(length_is_bounded) {
        char text[CALENDAR_TEXT_MAX + 10] = "0:0:0.1", wrong[CALENDAR_WRONG_MAX], buf[CALENDAR_TEXT_MAX];
        unsigned accepted = 0;

        for (size_t n = strlen(text); n + 4 < sizeof(text); n += 4) {
                _cleanup_(calendar_freep) struct calendar *calendar = NULL;
                int r = calendar_parse(text, &calendar, wrong);

                if (r == 0) {
                        accepted++;
                        ck_assert_str_eq(calendar_text(calendar), text);
                        ck_assert_uint_gt(strlen(calendar_format(calendar, buf)), 20);
                } else
                        ck_assert_ptr_nonnull(strstr(wrong, n < CALENDAR_TEXT_MAX ? "too long" : "longer than"));
                (void)snprintf(text + n, sizeof(text) - n, ",%zu.%zu", n / 4 % 10, n / 40 % 10);
        }
        ck_assert_uint_gt(accepted, 40);
        ck_assert_uint_lt(accepted, 60);
}
END_TEST

/* ---- occurrences ---- */

static struct zone *zone_of(const char *name) {
        struct zone *zone;
        int r = zone_load(name, &zone);

        ck_assert_msg(r == 0, "%s: %s", name, strerror(-r));
        return zone;
}

static int64_t local_of(const char *text) {
        struct civil civil;
        unsigned micros = 0;
        int n = sscanf(text, "%d-%u-%u %u:%u:%u.%u", &civil.year, &civil.month, &civil.day, &civil.hour, &civil.minute,
                       &civil.second, &micros);

        ck_assert_int_ge(n, 6);
        return civil_to_secs(&civil) * (int64_t)USEC_PER_SEC + micros;
}

/* "2024-03-31 02:30:00" for people, "…~" when clocks show it for the second time. */
static const char *show(const struct occurrence *at, char buf[64]) {
        struct civil civil;
        int64_t micros = at->local_usec % (int64_t)USEC_PER_SEC;

        civil_from_secs((at->local_usec - micros) / (int64_t)USEC_PER_SEC, &civil);
        (void)snprintf(buf, 64, "%04d-%02u-%02u %02u:%02u:%02u", civil.year, civil.month, civil.day, civil.hour,
                       civil.minute, civil.second);
        if (micros > 0)
                (void)snprintf(buf + strlen(buf), 64 - strlen(buf), ".%06" PRId64, micros);
        return at->fold ? strcat(buf, "~") : buf;
}

#define NEXT_MAX 6

/* @after and @next are UTC when they end with Z, else local: a local time ~ is shown for the second time. */
static const struct next_case {
        const char *rule, *text, *zone, *after;
        const char *local[NEXT_MAX]; /* what the occurrences are called by; "never" */
        const char *utc[NEXT_MAX];   /* NULL: not looked at */
} next_cases[] = {
        /* dates */
        { "day after day",
          "daily",
          "UTC",
          "2024-02-28 00:00:00",
          { "2024-02-29 00:00:00", "2024-03-01 00:00:00" },
          { 0 } },
        { "later, not at", "*:0/15", "UTC", "2024-01-01 00:15:00", { "2024-01-01 00:30:00" }, { 0 } },
        { "weekdays",
          "Mon..Fri 2:30",
          "UTC",
          "2024-03-01 02:30:00",
          { "2024-03-04 02:30:00", "2024-03-05 02:30:00" },
          { 0 } },
        { "a weekday and a date",
          "Fri *-*-13",
          "UTC",
          "2024-01-01 00:00:00",
          { "2024-09-13 00:00:00", "2024-12-13 00:00:00", "2025-06-13 00:00:00" },
          { 0 } },
        { "leap days",
          "*-02-29",
          "UTC",
          "2096-02-29 00:00:00",
          { "2104-02-29 00:00:00", "2108-02-29 00:00:00" },
          { 0 } },
        { "leap days that are a Monday",
          "Mon *-02-29",
          "UTC",
          "1970-01-02 00:00:00",
          { "1988-02-29 00:00:00", "2016-02-29 00:00:00", "2044-02-29 00:00:00", "2072-02-29 00:00:00",
            "2112-02-29 00:00:00" },
          { 0 } },
        { "months that have the day",
          "*-*-31",
          "UTC",
          "2024-03-31 00:00:00",
          { "2024-05-31 00:00:00", "2024-07-31 00:00:00" },
          { 0 } },
        { "the last day of a month",
          "*-*~1",
          "UTC",
          "2024-01-31 00:00:00",
          { "2024-02-29 00:00:00", "2024-03-31 00:00:00", "2024-04-30 00:00:00" },
          { 0 } },
        { "the third last day",
          "*-02~03",
          "UTC",
          "2023-01-01 00:00:00",
          { "2023-02-26 00:00:00", "2024-02-27 00:00:00" },
          { 0 } },
        { "the last Monday",
          "Mon *-05~07/1",
          "UTC",
          "2023-01-01 00:00:00",
          { "2023-05-29 00:00:00", "2024-05-27 00:00:00" },
          { 0 } },
        { "from the end on, by steps",
          "*-02~07/3",
          "UTC",
          "2023-01-01 00:00:00",
          { "2023-02-22 00:00:00", "2023-02-25 00:00:00", "2023-02-28 00:00:00", "2024-02-23 00:00:00" },
          { 0 } },
        { "years",
          "2023..2030/3-1-1",
          "UTC",
          "2023-01-01 00:00:00",
          { "2026-01-01 00:00:00", "2029-01-01 00:00:00", "never" },
          { 0 } },
        { "one instant",
          "@1395716396",
          "Europe/Berlin",
          "2014-01-01 00:00:00",
          { "2014-03-25 02:59:56", "never" },
          { 0 } },
        { "the last year", "yearly", "UTC", "2198-01-01 00:00:00", { "2199-01-01 00:00:00", "never" }, { 0 } },
        /* times */
        { "steps begin again in each hour",
          "*:0/25",
          "UTC",
          "2024-01-01 00:50:00",
          { "2024-01-01 01:00:00", "2024-01-01 01:25:00" },
          { 0 } },
        { "seconds",
          "23:59:58..59",
          "UTC",
          "2024-12-31 23:59:57",
          { "2024-12-31 23:59:58", "2024-12-31 23:59:59", "2025-01-01 23:59:58" },
          { 0 } },
        { "fractions",
          "5:40:58.42/1.17",
          "UTC",
          "2024-01-01 05:40:00",
          { "2024-01-01 05:40:58.420000", "2024-01-01 05:40:59.590000", "2024-01-02 05:40:58.420000" },
          { 0 } },
        { "several fractions",
          "0:0:0.5,1..1.2/0.1",
          "UTC",
          "2024-01-01 00:00:00",
          { "2024-01-01 00:00:00.500000", "2024-01-01 00:00:01", "2024-01-01 00:00:01.100000",
            "2024-01-01 00:00:01.200000", "2024-01-02 00:00:00.500000" },
          { 0 } },

        /* A fixed time in the gap runs once, at the first instant after it. */
        { "fixed in the gap",
          "2:30",
          "Europe/Berlin",
          "2024-03-30 02:30:00",
          { "2024-03-31 02:30:00", "2024-04-01 02:30:00" },
          { "2024-03-31 01:00:00", "2024-04-01 00:30:00" } },
        { "several fixed times in one gap are one",
          "2:0,10,50",
          "Europe/Berlin",
          "2024-03-30 02:50:00",
          { "2024-03-31 02:00:00", "2024-04-01 02:00:00" },
          { "2024-03-31 01:00:00", "2024-04-01 00:00:00" } },
        { "and so is one at the gap's end",
          "2,3:0",
          "Europe/Berlin",
          "2024-03-30 03:00:00",
          { "2024-03-31 02:00:00", "2024-04-01 02:00:00" },
          { "2024-03-31 01:00:00", "2024-04-01 00:00:00" } },
        { "fixed with seconds in the gap",
          "2:30:*",
          "Europe/Berlin",
          "2024-03-30 02:30:59",
          { "2024-03-31 02:30:00", "2024-04-01 02:30:00" },
          { "2024-03-31 01:00:00", "2024-04-01 00:30:00" } },
        { "fixed with a fraction in the gap",
          "2:30:0.5",
          "Europe/Berlin",
          "2024-03-30 02:30:01",
          { "2024-03-31 02:30:00.500000" },
          { "2024-03-31 01:00:00" } },
        { "fixed at the beginning of the gap",
          "2:0",
          "Europe/Berlin",
          "2024-03-30 02:00:00",
          { "2024-03-31 02:00:00" },
          { "2024-03-31 01:00:00" } },
        { "fixed at the end of the gap",
          "3:0",
          "Europe/Berlin",
          "2024-03-30 03:00:00",
          { "2024-03-31 03:00:00" },
          { "2024-03-31 01:00:00" } },
        { "a gap at midnight",
          "daily",
          "America/Sao_Paulo",
          "2018-11-03 00:00:00",
          { "2018-11-04 00:00:00", "2018-11-05 00:00:00" },
          { "2018-11-04 03:00:00", "2018-11-05 02:00:00" } },
        { "a gap of half an hour",
          "2:15",
          "Australia/Lord_Howe",
          "2024-10-05 02:15:00",
          { "2024-10-06 02:15:00", "2024-10-07 02:15:00" },
          { "2024-10-05 15:30:00", "2024-10-06 15:15:00" } },
        { "a gap of a day",
          "2:30",
          "Pacific/Apia",
          "2011-12-29 02:30:00",
          { "2011-12-30 02:30:00", "2011-12-31 02:30:00" },
          { "2011-12-30 10:00:00", "2011-12-30 12:30:00" } },
        { "a weekday in a gap of a day",
          "Fri *-*-* 2:30",
          "Pacific/Apia",
          "2011-12-29 02:30:00",
          { "2011-12-30 02:30:00", "2012-01-06 02:30:00" },
          { "2011-12-30 10:00:00", "2012-01-05 12:30:00" } },
        { "a range of hours with one in the gap",
          "1..3:30",
          "Europe/Berlin",
          "2024-03-31 01:00:00",
          { "2024-03-31 01:30:00", "2024-03-31 02:30:00", "2024-03-31 03:30:00" },
          { "2024-03-31 00:30:00", "2024-03-31 01:00:00", "2024-03-31 01:30:00" } },
        { "a repetition that ends in the gap",
          "0..2/2:0",
          "Europe/Berlin",
          "2024-03-31 00:30:00",
          { "2024-03-31 02:00:00", "2024-04-01 00:00:00" },
          { "2024-03-31 01:00:00", "2024-03-31 22:00:00" } },
        { "a repetition that does not begin with 0",
          "2:10/20",
          "Europe/Berlin",
          "2024-03-31 00:30:00",
          { "2024-03-31 02:10:00", "2024-04-01 02:10:00" },
          { "2024-03-31 01:00:00", "2024-04-01 00:10:00" } },
        { "all hours as a range",
          "0..23:30",
          "Europe/Berlin",
          "2024-03-31 01:30:00",
          { "2024-03-31 02:30:00", "2024-03-31 03:30:00" },
          { "2024-03-31 01:00:00", "2024-03-31 01:30:00" } },

        /* A fixed time in the repeated hour runs once, the first time. */
        { "fixed in the repeated hour",
          "2:30",
          "Europe/Berlin",
          "2024-10-26 02:30:00",
          { "2024-10-27 02:30:00", "2024-10-28 02:30:00" },
          { "2024-10-27 00:30:00", "2024-10-28 01:30:00" } },
        { "fixed, and clocks are at it again",
          "2:30,40",
          "Europe/Berlin",
          "2024-10-27 02:35:00~",
          { "2024-10-28 02:30:00" },
          { "2024-10-28 01:30:00" } },
        { "fixed at the end of the repeated hour",
          "3:0",
          "Europe/Berlin",
          "2024-10-27 02:30:00",
          { "2024-10-27 03:00:00" },
          { "2024-10-27 02:00:00" } },
        { "a day that begins twice",
          "daily",
          "America/Havana",
          "2024-11-02 00:00:00",
          { "2024-11-03 00:00:00", "2024-11-04 00:00:00" },
          { "2024-11-03 04:00:00", "2024-11-04 05:00:00" } },
        { "fixed with seconds in the repeated hour",
          "2:59:*",
          "Europe/Berlin",
          "2024-10-27 02:30:00~",
          { "2024-10-28 02:59:00" },
          { 0 } },
        { "a range with the repeated hour",
          "1..3:30",
          "Europe/Berlin",
          "2024-10-27 01:30:00",
          { "2024-10-27 02:30:00", "2024-10-27 03:30:00" },
          { "2024-10-27 00:30:00", "2024-10-27 02:30:00" } },
        { "half an hour that is repeated",
          "1:45",
          "Australia/Lord_Howe",
          "2024-04-06 01:45:00",
          { "2024-04-07 01:45:00", "2024-04-08 01:45:00" },
          { "2024-04-06 14:45:00", "2024-04-07 15:15:00" } },

        /* Wildcards follow elapsed time through both. */
        { "each hour through the gap",
          "*:30",
          "Europe/Berlin",
          "2024-03-31 00:30:00",
          { "2024-03-31 01:30:00", "2024-03-31 03:30:00" },
          { "2024-03-31 00:30:00", "2024-03-31 01:30:00" } },
        { "each hour through the repeated one",
          "*:30",
          "Europe/Berlin",
          "2024-10-27 01:30:00",
          { "2024-10-27 02:30:00", "2024-10-27 02:30:00~", "2024-10-27 03:30:00" },
          { "2024-10-27 00:30:00", "2024-10-27 01:30:00", "2024-10-27 02:30:00" } },
        { "each quarter through half an hour",
          "*:0/15",
          "Australia/Lord_Howe",
          "2024-04-07 01:30:00",
          { "2024-04-07 01:45:00", "2024-04-07 01:30:00~", "2024-04-07 01:45:00~", "2024-04-07 02:00:00" },
          { "2024-04-06 14:45:00", "2024-04-06 15:00:00", "2024-04-06 15:15:00", "2024-04-06 15:30:00" } },
        { "each quarter through a gap of half an hour",
          "*:0/15",
          "Australia/Lord_Howe",
          "2024-10-06 01:45:00",
          { "2024-10-06 02:30:00", "2024-10-06 02:45:00" },
          { "2024-10-05 15:30:00", "2024-10-05 15:45:00" } },
        { "minutes of an hour that is repeated",
          "2:0/30",
          "Europe/Berlin",
          "2024-10-27 02:00:00",
          { "2024-10-27 02:30:00", "2024-10-27 02:00:00~", "2024-10-27 02:30:00~", "2024-10-28 02:00:00" },
          { 0 } },
        { "minutes of an hour in the gap",
          "2:0/30",
          "Europe/Berlin",
          "2024-03-30 02:30:00",
          { "2024-04-01 02:00:00" },
          { 0 } },
        { "each hour through a gap of a day",
          "*:0",
          "Pacific/Apia",
          "2011-12-29 22:00:00",
          { "2011-12-29 23:00:00", "2011-12-31 00:00:00" },
          { "2011-12-30 09:00:00", "2011-12-30 10:00:00" } },
        { "each hour, where winter is the exception",
          "*:0",
          "Europe/Dublin",
          "2024-10-27 00:00:00",
          { "2024-10-27 01:00:00", "2024-10-27 01:00:00~", "2024-10-27 02:00:00" },
          { 0 } },
        { "far ahead",
          "2150-7-1 *:0",
          "Europe/Berlin",
          "2024-01-01 00:00:00",
          { "2150-07-01 00:00:00" },
          { "2150-06-30 22:00:00" } },

        { "no such day", "*-02-30", "Europe/Berlin", "2024-01-01 00:00:00", { "never" }, { 0 } },
        { "no such day, each hour", "*-02-30 *:0", "Europe/Berlin", "2024-01-01 00:00:00", { "never" }, { 0 } },
        { "past", "2020-*-* *:0", "Europe/Berlin", "2024-01-01 00:00:00", { "never" }, { 0 } },
        { "a date and a weekday that never meet", "Mon 2024-01-02", "UTC", "1970-01-02 00:00:00", { "never" }, { 0 } },
        { "only ever in the gap", "Sun *-3~7/1 2:*", "Europe/Berlin", "2024-01-01 00:00:00", { "never" }, { 0 } },
};

/* A local time, with ~ the second one. */
static usec_t instant_of(const struct zone *zone, const char *text) {
        int64_t utc[2];

        (void)zone_resolve(zone, local_of(text) / (int64_t)USEC_PER_SEC, utc);
        return (usec_t)utc[text[strlen(text) - 1] == '~'] * USEC_PER_SEC;
}

START_TEST(elapses) {
        const struct next_case *c = &next_cases[_i];
        _cleanup_(calendar_freep) struct calendar *calendar = NULL;
        _cleanup_(zone_unrefp) struct zone *zone = NULL;
        char wrong[CALENDAR_WRONG_MAX] = "", buf[64];
        struct occurrence at;
        usec_t after;

        ck_assert_msg(calendar_parse(c->text, &calendar, wrong) == 0, "%s: %s", c->rule, wrong);
        zone = zone_of(calendar_zone_name(calendar) ? calendar_zone_name(calendar) : c->zone);
        after = instant_of(zone, c->after);
        for (size_t i = 0; i < NEXT_MAX && c->local[i]; i++) {
                bool elapsed = calendar_next(calendar, zone, after, &at);
                const char *local = elapsed ? show(&at, buf) : "never";

                ck_assert_msg(streq(local, c->local[i]), "%s: %zu: %s, not %s", c->rule, i, local, c->local[i]);
                if (!elapsed)
                        break;
                ck_assert_msg(at.utc_usec > after, "%s: %zu is not later", c->rule, i);
                if (c->utc[i])
                        ck_assert_msg((int64_t)at.utc_usec == local_of(c->utc[i]), "%s: %zu: %" PRIu64 ", not %s",
                                      c->rule, i, at.utc_usec, c->utc[i]);
                after = at.utc_usec;
        }
}
END_TEST

START_TEST(never_elapses_behind_the_last_year) {
        _cleanup_(calendar_freep) struct calendar *calendar = NULL;
        _cleanup_(zone_unrefp) struct zone *zone = zone_of("Europe/Berlin");
        const usec_t late[] = { UINT64_C(8000000000) * USEC_PER_SEC, INT64_MAX, USEC_INFINITY };
        char wrong[CALENDAR_WRONG_MAX];
        struct occurrence at;

        ck_assert_int_eq(calendar_parse("*:*:*", &calendar, wrong), 0);
        for (size_t i = 0; i < ARRAY_SIZE(late); i++)
                ck_assert(!calendar_next(calendar, zone, late[i], &at));
        ck_assert(calendar_next(calendar, zone, 0, &at));
        ck_assert_uint_eq(at.utc_usec, USEC_PER_SEC);
}
END_TEST

/* Each key once, in the order of UTC, and one for each minute that passes: no zone loses or doubles any. */
START_TEST(each_minute_has_a_key_of_its_own) {
        static const char *const zones[] = { "Europe/Berlin",  "Australia/Lord_Howe", "Pacific/Apia", "Europe/Dublin",
                                             "America/Havana", "Africa/Casablanca",   "UTC" };
        _cleanup_(calendar_freep) struct calendar *calendar = NULL;
        _cleanup_(zone_unrefp) struct zone *zone = zone_of(zones[_i]);
        char wrong[CALENDAR_WRONG_MAX];
        usec_t after = UINT64_C(1293840000) * USEC_PER_SEC; /* 2011 */
        struct occurrence at, before = { .local_usec = INT64_MIN };

        ck_assert_int_eq(calendar_parse("*:*", &calendar, wrong), 0);
        for (unsigned i = 0; i < 400 * 24 * 60; i++, before = at) {
                /* An assertion that holds costs more than the search. */
                if (!calendar_next(calendar, zone, after, &at) || at.utc_usec != after + USEC_PER_MINUTE ||
                    (at.local_usec <= before.local_usec && at.fold <= before.fold))
                        ck_abort_msg("%s: after %" PRIu64, zones[_i], after);
                after = at.utc_usec;
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("calendar");
        TCase *tcase = tcase_create("calendar");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, has_a_normalized_form, 0, ARRAY_SIZE(forms));
        tcase_add_loop_test(tcase, normalized_form_is_its_own, 0, ARRAY_SIZE(forms));
        tcase_add_loop_test(tcase, tells_what_is_wrong, 0, ARRAY_SIZE(mistakes));
        tcase_add_test(tcase, length_is_bounded);
        tcase_add_loop_test(tcase, elapses, 0, ARRAY_SIZE(next_cases));
        tcase_add_test(tcase, never_elapses_behind_the_last_year);
        tcase_add_loop_test(tcase, each_minute_has_a_key_of_its_own, 0, 7);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
