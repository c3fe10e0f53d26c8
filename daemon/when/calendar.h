/* SPDX-License-Identifier: MIT */
#pragma once
/* calendar: when a calendar expression elapses. Pure.
 *
 * Expressions are OnCalendar's, see systemd.time(7), or cron's five fields, see crontab(5) and cron.h. Where clocks are set
 * forward, a fixed time that they skip elapses once, at the first instant after the gap; where they are set back, a fixed
 * time that they show twice elapses the first time. An expression whose hour or minute is a wildcard (`*`, or a
 * repetition of it) follows elapsed time through both: it elapses whenever clocks show it. A range is a list of fixed times. Several times that fall on one
 * instant, because one gap skips them, are one occurrence, called by the earliest. Nothing elapses after the year 2199.
 */
#include "base/clock.h"
#include "when/zone.h"

struct calendar;

#define CALENDAR_TEXT_MAX  512 /* of an expression, and of a normalized one; with the NUL */
#define CALENDAR_WRONG_MAX 200 /* of what is wrong with one */

/* One time at which an expression elapses. What it is called by, so that it is never followed twice, is the local time and
 * the fold. */
struct occurrence {
        usec_t utc_usec; /* realtime */
        int64_t local_usec; /* local time as a number, see civil.h; of a time in a gap what was written, not what clocks show */
        unsigned fold; /* 1: clocks show this local time for the second time */
};

/* Parses an expression of systemd.time(7). Returns 0, -EINVAL with a sentence in @wrong, -ENOMEM. */
int calendar_parse(const char *text, struct calendar **ret, char wrong[CALENDAR_WRONG_MAX]);
struct calendar *calendar_free(struct calendar *calendar); /* takes NULL; always returns NULL */
DEFINE_CLEANUP(struct calendar, calendar_free)

/* The expression as it was written. */
const char *calendar_text(const struct calendar *calendar);

/* The zone in its suffix, which whoever calls calendar_next() loads; NULL: none. */
const char *calendar_zone_name(const struct calendar *calendar);

/* The normalized form: of OnCalendar's as systemd-analyze(1) shows it. Returns @buf. */
const char *calendar_format(const struct calendar *calendar, char buf[CALENDAR_TEXT_MAX]);

/* Whether one of the next gaps in @zone after @after_usec passes over all times of a day, as of `02:*`, which never elapses
 * that day. Looks a few changes ahead. */
bool calendar_is_lost(const struct calendar *calendar, const struct zone *zone, usec_t after_usec);

/* The first occurrence in @zone that is later than @after_usec. False: it never elapses again. Takes microseconds, also
 * for what never elapses. */
bool calendar_next(const struct calendar *calendar, const struct zone *zone, usec_t after_usec, struct occurrence *ret);
