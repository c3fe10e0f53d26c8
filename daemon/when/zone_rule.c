/* SPDX-License-Identifier: MIT */
/* zone_rule: the rule in a TZif file's footer, which says how a zone goes on behind its last transition.
 *
 *	std offset [dst [offset] , start[/time] , end[/time]]
 *
 * Daylight saving time is in force in the union of one interval a year, [start, end), or in the south from the start of one
 * year to the end in the next. As a union, it needs no cases for what the times of up to 167 hours before or after a day
 * allow: intervals that reach into other years, or that meet, which is daylight saving time all the year (RFC 9636,
 * 3.3.1). Where it is "negative" (Europe/Dublin), dst is the winter's, behind the standard time: nothing here minds.
 *
 * The calendar repeats after 400 years, and so does all of this: what has not changed for so long never does.
 */
#include "when/zone_private.h"

#define YEARS_PER_ERA 400

/* ---- when ---- */

static int64_t date_days(const struct zone_date *date, int year) {
        unsigned first, day;
        int64_t days;

        switch (date->kind) {
        case ZONE_DAY_FROM_ZERO: return civil_days(year, 1, 1) + date->day;
        case ZONE_DAY_NO_LEAP:
                return civil_days(year, date->day > 59 ? 3 : 1, 1) + date->day - (date->day > 59 ? 60 : 1);
        case ZONE_DAY_WEEKDAY:
        default:
                days = civil_days(year, date->month, 1);
                first = (civil_weekday(days) + 1) % 7; /* of the month, from Sunday */
                day = (date->weekday + 7 - first) % 7 + (date->week - 1) * 7;
                if (day >= civil_days_in_month(year, date->month))
                        day -= 7; /* there is no fifth */
                return days + day;
        }
}

static int64_t start_of(const struct zone_rule *rule, int year) {
        return date_days(&rule->start, year) * CIVIL_SECS_PER_DAY + rule->start.secs - rule->std.offset_secs;
}

static int64_t end_of(const struct zone_rule *rule, int year) {
        return date_days(&rule->end, year) * CIVIL_SECS_PER_DAY + rule->end.secs - rule->dst.offset_secs;
}

/* What is in force, and until when; with @changes. */
static const struct zone_type *find(const struct zone_rule *rule, int64_t utc_secs, int64_t *ret_until) {
        int64_t until = INT64_MAX;
        struct civil now;
        bool dst = false;
        int year;

        civil_from_secs(utc_secs, &now);
        /* An interval that began two years ago may still reach here, by its 167 hours. */
        for (year = now.year - 2; year <= now.year + YEARS_PER_ERA; year++) {
                int64_t start = start_of(rule, year), end = end_of(rule, year);

                if (end < start)
                        end = end_of(rule, year + 1);
                if (start == end || end <= utc_secs)
                        continue;
                if (!dst && start > utc_secs) {
                        *ret_until = start;
                        return &rule->std;
                }
                if (dst && start > until) {
                        *ret_until = until;
                        return &rule->dst;
                }
                until = dst ? MAX(until, end) : end;
                dst = true;
        }
        *ret_until = INT64_MAX;
        return dst ? &rule->dst : &rule->std;
}

const struct zone_type *zone_rule_at(const struct zone_rule *rule, int64_t utc_secs, int64_t *ret_until) {
        const struct zone_type *type = &rule->std;
        int64_t until = INT64_MAX;

        if (rule->changes)
                type = find(rule, MIN(MAX(utc_secs, -ZONE_SECS_MAX), ZONE_SECS_MAX), &until);
        *ret_until = until > ZONE_SECS_MAX ? INT64_MAX : until;
        return type;
}

/* ---- parsing ---- */

struct scanner {
        const char *at;
        const char *end;
};

static bool take(struct scanner *s, char c) {
        if (s->at == s->end || *s->at != c)
                return false;
        s->at++;
        return true;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* At most three digits. */
static bool take_number(struct scanner *s, unsigned min, unsigned max, unsigned *ret) {
        const char *start = s->at;
        unsigned n = 0;

        while (s->at < s->end && s->at < start + 3 && is_digit(*s->at))
                n = n * 10 + (unsigned)(*s->at++ - '0');
        *ret = n;
        return s->at > start && n >= min && n <= max;
}

/* "CET", or "<+0330>" with digits and signs. */
static bool take_abbreviation(struct scanner *s, char ret[ZONE_ABBREVIATION_MAX]) {
        bool quoted = take(s, '<');
        size_t n = 0;

        while (s->at < s->end && n < ZONE_ABBREVIATION_MAX - 1 &&
               (is_letter(*s->at) || (quoted && (is_digit(*s->at) || *s->at == '+' || *s->at == '-'))))
                ret[n++] = *s->at++;
        ret[n] = '\0';
        return n >= 3 && (!quoted || take(s, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct scanner *s, unsigned hours_max, int32_t *ret) {
        unsigned hours, minutes = 0, seconds = 0;
        bool negative = take(s, '-');

        if (!negative)
                (void)take(s, '+');
        if (!take_number(s, 0, hours_max, &hours))
                return false;
        if (take(s, ':') && (!take_number(s, 0, 59, &minutes) || (take(s, ':') && !take_number(s, 0, 59, &seconds))))
                return false;
        *ret = (int32_t)(hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
        return true;
}

/* In POSIX's TZ offsets grow to the west. */
static bool take_offset(struct scanner *s, int32_t *ret) {
        int32_t west;

        if (!take_time(s, 24, &west))
                return false;
        *ret = -west;
        return true;
}

static bool take_day(struct scanner *s, struct zone_date *ret) {
        if (take(s, 'M')) {
                ret->kind = ZONE_DAY_WEEKDAY;
                return take_number(s, 1, 12, &ret->month) && take(s, '.') && take_number(s, 1, 5, &ret->week) &&
                       take(s, '.') && take_number(s, 0, 6, &ret->weekday);
        }
        ret->kind = take(s, 'J') ? ZONE_DAY_NO_LEAP : ZONE_DAY_FROM_ZERO;
        return take_number(s, ret->kind == ZONE_DAY_NO_LEAP ? 1 : 0, 365, &ret->day);
}

/* ,date[/time] */
static bool take_date(struct scanner *s, struct zone_date *ret) {
        if (!take(s, ',') || !take_day(s, ret))
                return false;
        ret->secs = 2 * 3600;
        return !take(s, '/') || take_time(s, 167, &ret->secs);
}

static bool take_dst(struct scanner *s, struct zone_rule *rule) {
        if (!take_abbreviation(s, rule->dst.abbreviation))
                return false;
        rule->dst.dst = true;
        rule->dst.offset_secs = rule->std.offset_secs + 3600;
        if (s->at < s->end && *s->at != ',' && !take_offset(s, &rule->dst.offset_secs))
                return false;
        return take_date(s, &rule->start) && take_date(s, &rule->end);
}

int zone_rule_parse(const char *text, size_t size, struct zone_rule *ret) {
        struct scanner s = { text, text + size };
        struct zone_rule rule = { 0 };
        const struct zone_type *type;
        int64_t until;

        if (!take_abbreviation(&s, rule.std.abbreviation) || !take_offset(&s, &rule.std.offset_secs))
                return -EBADMSG;
        rule.changes = s.at < s.end;
        if (rule.changes && (!take_dst(&s, &rule) || s.at < s.end))
                return -EBADMSG;

        /* What never changes is told apart once, not by walking 400 years each time. */
        type = zone_rule_at(&rule, 0, &until);
        if (rule.changes && until == INT64_MAX) {
                rule.std = *type;
                rule.changes = false;
        }
        *ret = rule;
        return 0;
}
