/* SPDX-License-Identifier: MIT */
/* calendar_next: the next time at which an expression elapses.
 *
 * Below is a search in local time alone, which knows nothing of zones: the first date in the sets, month by month, and
 * the first time of day in them. A month is one intersection of bits. It visits no month twice and none behind 2199, so
 * what never elapses costs at most 230 years of 12 such steps, and much less when year or month are given.
 *
 * Above it are two ways through a zone's changes of offset, for the two kinds of expressions.
 *
 * A fixed time is a local time that is sought first and translated then: zone_resolve() gives the first time that clocks show it, and
 * of one that they skip the first instant after the gap. That translation never runs backwards. So the next instant is
 * that of the next local time, save while clocks repeat themselves: then what they show has elapsed, up to the end of
 * the repetition. Several times in one gap fall on one instant, and are one occurrence, called by the earliest of them;
 * so is a time that is written as the one at which the gap ends.
 *
 * A wildcard elapses whenever clocks show it. Between two changes the offset is constant, so there it is the next local time less
 * the offset; if that is not before the change, the search begins again with what clocks show at the change. How
 * often is bounded too: no clock shows more than a day or so less than it did, so changes well before the next local time
 * of all, and well after the present one, are passed over at once.
 */
#include "when/calendar_private.h"

#define SECS(local) floor_div(local, (int64_t)USEC_PER_SEC)

/* Longer than any two offsets differ, and than any is from UTC. */
#define OFFSETS_SECS (3 * (int64_t)CIVIL_SECS_PER_DAY)

/* Where the search ends: every zone has left the last year. Seconds. */
#define END_SECS ((int64_t)(CALENDAR_YEAR_MAX + 3 - 1970) * 366 * CIVIL_SECS_PER_DAY)

struct date {
        int year;
        unsigned month;
        unsigned day;
};

static int64_t floor_div(int64_t a, int64_t b) {
        return a / b - (a % b < 0);
}

/* The lowest bit of @set that is @from or higher, or -1. @from ≤ 63. */
static int next_bit(uint64_t set, unsigned from) {
        set &= ~UINT64_C(0) << from;
        return set ? __builtin_ctzll(set) : -1;
}

/* ---- dates ---- */

/* The first year that is @year or later, or -1. */
static int next_year(const struct calendar *calendar, int year) {
        unsigned from = year > CALENDAR_YEAR_MIN ? (unsigned)(year - CALENDAR_YEAR_MIN) : 0;

        for (unsigned i = from / 64; i < ARRAY_SIZE(calendar->years); i++, from = 0) {
                int bit = next_bit(calendar->years[i], from % 64);

                if (bit >= 0)
                        return CALENDAR_YEAR_MIN + (int)i * 64 + bit;
        }
        return -1;
}

/* The days of a month that begins with @weekday on which one of the weekdays falls. */
static uint64_t days_of_weekdays(uint8_t weekdays, unsigned weekday) {
        uint64_t week = ((unsigned)weekdays >> weekday | (unsigned)weekdays << (7 - weekday)) & WEEKDAYS_ALL;

        return (week | week << 7 | week << 14 | week << 21 | week << 28) << 1;
}

/* The days of a month that are in the sets. */
static uint64_t days_of_month(const struct calendar *calendar, int year, unsigned month) {
        unsigned n = civil_days_in_month(year, month);
        uint64_t all = (UINT64_C(2) << n) - 2, days, weekdays;

        days = calendar->from_month_end ? ((uint64_t)calendar->days << 2) >> (32 - n) : calendar->days;
        days &= all;
        if (calendar->weekdays == WEEKDAYS_ALL || (days == 0 && !calendar->either_day))
                return days;
        weekdays = days_of_weekdays(calendar->weekdays, civil_weekday(civil_days(year, month, 1)));
        return (calendar->either_day ? days | weekdays : days & weekdays) & all;
}

/* The first date in the sets that is @date or later, also when there is no such day. */
static bool find_date(const struct calendar *calendar, struct date *date) {
        int year = next_year(calendar, date->year);
        unsigned first_month = date->month, first_day = date->day;

        if (year != date->year)
                first_month = first_day = 1;
        for (; year >= 0; year = next_year(calendar, year + 1), first_month = first_day = 1) {
                int month = next_bit(calendar->months, first_month);

                if (month != (int)first_month)
                        first_day = 1;
                for (; month >= 0; month = next_bit(calendar->months, (unsigned)month + 1), first_day = 1) {
                        int day = next_bit(days_of_month(calendar, year, (unsigned)month), first_day);

                        if (day >= 0) {
                                *date = (struct date){ year, (unsigned)month, (unsigned)day };
                                return true;
                        }
                }
        }
        return false;
}

/* ---- times of a day ---- */

/* The first second that is @from_usec into a minute or later, in microseconds, or -1. */
static int64_t next_second(const struct calendar *calendar, int64_t from_usec) {
        int64_t next = -1;

        if (calendar->n_fractions == 0) {
                int bit = next_bit(calendar->seconds,
                                   (unsigned)((from_usec + (int64_t)USEC_PER_SEC - 1) / (int64_t)USEC_PER_SEC));

                return bit < 0 ? -1 : bit * (int64_t)USEC_PER_SEC;
        }
        for (unsigned i = 0; i < calendar->n_fractions; i++) {
                const struct component *c = &calendar->fractions[i];
                int64_t stop = c->stop >= 0 ? c->stop : c->repeat > 0 ? calendar_field_max(FIELD_SECOND) : c->start;
                int64_t v = c->start;

                if (v < from_usec && c->repeat > 0)
                        v += (from_usec - v + c->repeat - 1) / c->repeat * c->repeat;
                if (v >= from_usec && v <= stop && (next < 0 || v < next))
                        next = v;
        }
        return next;
}

/* The first time of day that is @from_usec after midnight or later, or -1. */
static int64_t next_time(const struct calendar *calendar, int64_t from_usec) {
        int64_t in_minute = from_usec % (int64_t)USEC_PER_MINUTE;
        int minutes = (int)(from_usec / (int64_t)USEC_PER_MINUTE), hour = minutes / 60, minute = minutes % 60;
        int64_t second;

        if (calendar->hours & 1u << hour) {
                if (calendar->minutes & UINT64_C(1) << minute) {
                        second = next_second(calendar, in_minute);
                        if (second >= 0)
                                return minutes * (int64_t)USEC_PER_MINUTE + second;
                }
                minute = next_bit(calendar->minutes, (unsigned)minute + 1);
                if (minute >= 0)
                        return (hour * 60 + minute) * (int64_t)USEC_PER_MINUTE + next_second(calendar, 0);
        }
        hour = next_bit(calendar->hours, (unsigned)hour + 1);
        if (hour < 0)
                return -1;
        minute = next_bit(calendar->minutes, 0);
        return (hour * 60 + minute) * (int64_t)USEC_PER_MINUTE + next_second(calendar, 0);
}

/* The first local time in the sets that is @from_usec or later. */
static bool next_local(const struct calendar *calendar, int64_t from_usec, int64_t *ret) {
        int64_t days = floor_div(from_usec, (int64_t)USEC_PER_DAY), time;
        struct civil civil;
        struct date from, date;

        civil_from_secs(days * CIVIL_SECS_PER_DAY, &civil);
        date = from = (struct date){ civil.year, civil.month, civil.day };
        if (!find_date(calendar, &date))
                return false;
        if (date.day == from.day && date.month == from.month && date.year == from.year) {
                time = next_time(calendar, from_usec - days * (int64_t)USEC_PER_DAY);
                if (time >= 0) {
                        *ret = days * (int64_t)USEC_PER_DAY + time;
                        return true;
                }
                date.day++;
                if (!find_date(calendar, &date))
                        return false;
        }
        *ret = civil_days(date.year, date.month, date.day) * (int64_t)USEC_PER_DAY + next_time(calendar, 0);
        return true;
}

/* ---- zones ---- */

static bool occurs(int64_t utc_usec, int64_t local_usec, unsigned fold, struct occurrence *ret) {
        *ret = (struct occurrence){ .utc_usec = (usec_t)utc_usec, .local_usec = local_usec, .fold = fold };
        return true;
}

/* What clocks show at the end of the repetition in which they show again what they first showed at @first_utc, as
 * @local. */
static int64_t end_of_repetition(const struct zone *zone, int64_t local, int64_t first_utc) {
        int64_t change = zone_next_change(zone, first_utc);

        return change == INT64_MAX ? local + 1 : MAX(local + 1, change + (local - first_utc));
}

static bool next_fixed(const struct calendar *calendar, const struct zone *zone, int64_t after_usec,
                       struct occurrence *ret) {
        struct zone_time now;
        int64_t from, local;

        zone_at(zone, SECS(after_usec), &now);
        from = after_usec + now.offset_secs * (int64_t)USEC_PER_SEC + 1;
        while (next_local(calendar, from, &local)) {
                int64_t secs = SECS(local), utc[2], at;

                if (zone_resolve(zone, secs, utc) == ZONE_GAP)
                        at = utc[0] * (int64_t)USEC_PER_SEC;
                else
                        at = local + (utc[0] - secs) * (int64_t)USEC_PER_SEC;
                if (at > after_usec)
                        return occurs(at, local, 0, ret);
                from = end_of_repetition(zone, secs, utc[0]) * (int64_t)USEC_PER_SEC;
        }
        return false;
}

/* 1 when clocks show @local, which they do at @utc, for the second time. Seconds. */
static unsigned fold_of(const struct zone *zone, int64_t local, int64_t utc) {
        int64_t times[2];

        return zone_resolve(zone, local, times) == ZONE_REPEATED && utc > times[0];
}

static bool next_wildcard(const struct calendar *calendar, const struct zone *zone, int64_t after_usec,
                          struct occurrence *ret) {
        int64_t after = SECS(after_usec), at = after, from = 0;

        for (;;) {
                int64_t change = zone_next_change(zone, at), local, secs;
                struct zone_time now;
                bool found;

                zone_at(zone, at, &now);
                if (at == after)
                        from = after_usec + now.offset_secs * (int64_t)USEC_PER_SEC + 1;
                else
                        from = (at + now.offset_secs) * (int64_t)USEC_PER_SEC;
                found = next_local(calendar, from, &local);
                secs = found ? SECS(local) : END_SECS;
                if (found && secs - now.offset_secs < change)
                        return occurs(local - now.offset_secs * (int64_t)USEC_PER_SEC, local,
                                      fold_of(zone, secs, secs - now.offset_secs), ret);
                if (change == INT64_MAX || change >= END_SECS)
                        return false;
                at = change - at > OFFSETS_SECS ? MAX(change, secs - OFFSETS_SECS) : change;
        }
}

bool calendar_next(const struct calendar *calendar, const struct zone *zone, usec_t after_usec,
                   struct occurrence *ret) {
        if (calendar->months == 0 || after_usec >= (usec_t)END_SECS * USEC_PER_SEC)
                return false;
        if (calendar->wildcard)
                return next_wildcard(calendar, zone, (int64_t)after_usec, ret);
        return next_fixed(calendar, zone, (int64_t)after_usec, ret);
}

/* ---- lost in a gap ---- */

#define CHANGES_AHEAD 4 /* two years of most zones */

/* Whether the day on which the gap from @from to @to (local seconds) begins has times, all of them in it. */
static bool day_is_in_gap(const struct calendar *calendar, int64_t from, int64_t to) {
        int64_t day = floor_div(from, CIVIL_SECS_PER_DAY) * CIVIL_SECS_PER_DAY, first, next;

        if (!next_local(calendar, day * (int64_t)USEC_PER_SEC, &first) || SECS(first) < from || SECS(first) >= to)
                return false;
        return !next_local(calendar, to * (int64_t)USEC_PER_SEC, &next) || SECS(next) >= day + CIVIL_SECS_PER_DAY;
}

bool calendar_is_lost(const struct calendar *calendar, const struct zone *zone, usec_t after_usec) {
        int64_t at = SECS((int64_t)after_usec);

        for (unsigned i = 0; i < CHANGES_AHEAD && calendar->wildcard && calendar->months; i++) {
                int64_t change = zone_next_change(zone, at);
                struct zone_time before, after;

                if (change == INT64_MAX || change >= END_SECS)
                        return false;
                zone_at(zone, change - 1, &before);
                zone_at(zone, change, &after);
                if (after.offset_secs > before.offset_secs &&
                    day_is_in_gap(calendar, change + before.offset_secs, change + after.offset_secs))
                        return true;
                at = change;
        }
        return false;
}
