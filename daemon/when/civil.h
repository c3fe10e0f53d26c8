/* SPDX-License-Identifier: MIT */
#pragma once
/* civil: the proleptic Gregorian calendar, as arithmetic on days. Pure.
 *
 * Local time is told as a number too: the seconds since 1970-01-01 00:00:00 that a clock on the wall has advanced, as if
 * its zone were UTC. So two instants of local time differ by what their dates say, whatever the zone did in between.
 */
#include "base/macros.h"

#define CIVIL_SECS_PER_DAY 86400

/* Years for which all functions here are defined. */
#define CIVIL_YEAR_MIN (-100000)
#define CIVIL_YEAR_MAX 100000

struct civil {
        int year;
        unsigned month;  /* 1 … 12 */
        unsigned day;    /* 1 … 31 */
        unsigned hour;   /* 0 … 23 */
        unsigned minute; /* 0 … 59 */
        unsigned second; /* 0 … 59 */
};

/* Days from 1970-01-01 to this date, which must exist. */
int64_t civil_days(int year, unsigned month, unsigned day);

/* 0: Monday … 6: Sunday. */
unsigned civil_weekday(int64_t days);

/* 28 … 31. @month 1 … 12. */
unsigned civil_days_in_month(int year, unsigned month);

/* Both ways between a date with a time, which must exist, and local seconds. */
int64_t civil_to_secs(const struct civil *civil);
void civil_from_secs(int64_t secs, struct civil *ret);
