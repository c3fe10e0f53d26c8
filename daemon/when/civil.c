/* SPDX-License-Identifier: MIT */
/* civil: the proleptic Gregorian calendar, as arithmetic on days.
 *
 * Years are counted here from March: then the leap day is the last of its year, the months before a date have the same
 * lengths in every year, and the days before month m (0: March) are (153 m + 2) / 5, because five months have always 153
 * days. All repeats after an era of 400 years, which is a whole number of weeks as well. Divisions round down, so that
 * the years before 0 need no case of their own.
 */
#include "when/civil.h"

enum {
        DAYS_PER_ERA = 146097,    /* 400 years */
        DAYS_PER_CENTURY = 36524, /* without the leap day that only every fourth has */
        DAYS_PER_4_YEARS = 1461,
        DAYS_PER_YEAR = 365,
        DAYS_TO_EPOCH = 719468, /* from 0000-03-01 to 1970-01-01 */
};

static int64_t floor_div(int64_t a, int64_t b) {
        return a / b - (a % b < 0);
}

static bool is_leap(int year) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int64_t civil_days(int year, unsigned month, unsigned day) {
        int64_t y = month > 2 ? year : (int64_t)year - 1;
        int64_t m = month > 2 ? month - 3 : month + 9;

        return y * DAYS_PER_YEAR + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) + (153 * m + 2) / 5 + day -
               1 - DAYS_TO_EPOCH;
}

unsigned civil_weekday(int64_t days) {
        int64_t weekday = (days + 3) % 7; /* 1970-01-01 was a Thursday */

        return (unsigned)(weekday < 0 ? weekday + 7 : weekday);
}

unsigned civil_days_in_month(int year, unsigned month) {
        static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

        return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

int64_t civil_to_secs(const struct civil *civil) {
        return civil_days(civil->year, civil->month, civil->day) * CIVIL_SECS_PER_DAY + civil->hour * 3600 +
               civil->minute * 60 + civil->second;
}

void civil_from_secs(int64_t secs, struct civil *ret) {
        int64_t days = floor_div(secs, CIVIL_SECS_PER_DAY);
        unsigned second = (unsigned)(secs - days * CIVIL_SECS_PER_DAY);
        int64_t era = floor_div(days + DAYS_TO_EPOCH, DAYS_PER_ERA);
        unsigned d = (unsigned)(days + DAYS_TO_EPOCH - era * DAYS_PER_ERA); /* of the era */
        unsigned century, fours, year, month;

        /* The last day of an era, and the last of four years, are leap days: one more than the division expects. */
        century = MIN(d / DAYS_PER_CENTURY, 3u);
        d -= century * DAYS_PER_CENTURY;
        fours = d / DAYS_PER_4_YEARS;
        d -= fours * DAYS_PER_4_YEARS;
        year = MIN(d / DAYS_PER_YEAR, 3u);
        d -= year * DAYS_PER_YEAR;
        month = (5 * d + 2) / 153;

        *ret = (struct civil){
                .year = (int)(era * 400) + (int)(century * 100 + fours * 4 + year) + (month >= 10 ? 1 : 0),
                .month = month >= 10 ? month - 9 : month + 3,
                .day = d - (153 * month + 2) / 5 + 1,
                .hour = second / 3600,
                .minute = second / 60 % 60,
                .second = second % 60,
        };
}
