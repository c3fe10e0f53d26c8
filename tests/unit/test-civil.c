/* SPDX-License-Identifier: MIT */
/* civil: dates and days are each other's inverse, and known dates are where calendars have them. */
#include "when/civil.h"

#include <check.h>
#include <inttypes.h>

static const struct {
        int year;
        unsigned month, day;
        int64_t days;
        unsigned weekday;
} dates[] = {
        { 1970, 1, 1, 0, 3 },         { 1969, 12, 31, -1, 2 },   { 2000, 2, 29, 11016, 1 },  { 2000, 3, 1, 11017, 2 },
        { 2026, 11, 28, 20785, 5 },   { 1900, 3, 1, -25508, 3 }, { 1900, 2, 28, -25509, 2 }, { 2100, 12, 31, 47846, 4 },
        { 1582, 10, 15, -141427, 4 }, { 0, 3, 1, -719468, 2 },   { 0, 2, 29, -719469, 1 },   { -1, 12, 31, -719529, 4 },
};

START_TEST(dates_have_their_days) {
        int64_t days = civil_days(dates[_i].year, dates[_i].month, dates[_i].day);

        ck_assert_msg(days == dates[_i].days, "%d-%u-%u: %" PRId64 ", not %" PRId64, dates[_i].year, dates[_i].month,
                      dates[_i].day, days, dates[_i].days);
        ck_assert_uint_eq(civil_weekday(days), dates[_i].weekday);
}
END_TEST

static const struct {
        int year;
        unsigned month, days;
} months[] = {
        { 2023, 2, 28 }, { 2024, 2, 29 }, { 1900, 2, 28 }, { 2000, 2, 29 },  { 2024, 1, 31 },
        { 2024, 4, 30 }, { -4, 2, 29 },   { -100, 2, 28 }, { 2024, 12, 31 },
};

START_TEST(months_have_their_lengths) {
        ck_assert_uint_eq(civil_days_in_month(months[_i].year, months[_i].month), months[_i].days);
}
END_TEST

/* Whether a date has @days, and its last second is told back. */
static bool is_day(int year, unsigned month, unsigned day, int64_t days) {
        int64_t last = (days + 1) * CIVIL_SECS_PER_DAY - 1;
        struct civil civil;

        civil_from_secs(last, &civil);
        return civil_days(year, month, day) == days && civil.year == year && civil.month == month && civil.day == day &&
               civil.hour == 23 && civil.minute == 59 && civil.second == 59 && civil_to_secs(&civil) == last;
}

/* Each day of some years, counted by hand. */
static void count_days(int from, int to) {
        int64_t days = civil_days(from, 1, 1);

        for (int year = from; year <= to; year++)
                for (unsigned month = 1; month <= 12; month++)
                        for (unsigned day = 1; day <= civil_days_in_month(year, month); day++, days++)
                                if (!is_day(year, month, day, days))
                                        ck_abort_msg("%d-%u-%u is not day %" PRId64, year, month, day, days);
}

START_TEST(days_follow_one_another) {
        count_days(-410, 410);
        count_days(1580, 2420);
        count_days(CIVIL_YEAR_MIN, CIVIL_YEAR_MIN + 5);
        count_days(CIVIL_YEAR_MAX - 5, CIVIL_YEAR_MAX);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("civil");
        TCase *tcase = tcase_create("civil");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, dates_have_their_days, 0, ARRAY_SIZE(dates));
        tcase_add_loop_test(tcase, months_have_their_lengths, 0, ARRAY_SIZE(months));
        tcase_add_test(tcase, days_follow_one_another);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
