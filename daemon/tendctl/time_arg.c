/* SPDX-License-Identifier: MIT */
/* time_arg: see time_arg.h. */
#include "tendctl/time_arg.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#define YEAR_MAX   9999
#define SECS_MAX   253402300799 /* the end of it */
#define SPAN_BYTES 64
#define DAY_SECS   (24 * 60 * 60)

/* Takes @digits digits, no more follow, with a value up to @max. Returns where they end, or NULL. */
static const char *take_number(const char *s, int digits, int max, int *ret) {
        int value = 0;

        if (!s)
                return NULL;
        for (int i = 0; i < digits; i++) {
                if (!isdigit((unsigned char)s[i]))
                        return NULL;
                value = value * 10 + (s[i] - '0');
        }
        if (value > max || isdigit((unsigned char)s[digits]))
                return NULL;
        *ret = value;
        return s + digits;
}

static const char *take_char(const char *s, char c) {
        return s && *s == c ? s + 1 : NULL;
}

/* "02:30", "02:30:15". */
static const char *take_clock(const char *s, struct tm *tm) {
        s = take_number(s, 2, 23, &tm->tm_hour);
        s = take_number(take_char(s, ':'), 2, 59, &tm->tm_min);
        if (s && *s == ':')
                s = take_number(s + 1, 2, 59, &tm->tm_sec);
        return s;
}

static int days_in_month(int year, int month) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return days[month - 1] + (month == 2 && leap);
}

static const char *take_date(const char *s, struct tm *tm) {
        int year = 0, month = 0;

        s = take_number(s, 4, YEAR_MAX, &year);
        s = take_number(take_char(s, '-'), 2, 12, &month);
        s = take_number(take_char(s, '-'), 2, 31, &tm->tm_mday);
        if (!s || month < 1 || tm->tm_mday < 1 || tm->tm_mday > days_in_month(year, month))
                return NULL;
        tm->tm_year = year - 1900;
        tm->tm_mon = month - 1;
        return s;
}

static bool shows(time_t secs, const struct tm *tm) {
        struct tm local;

        return localtime_r(&secs, &local) && local.tm_sec == tm->tm_sec && local.tm_min == tm->tm_min &&
               local.tm_hour == tm->tm_hour && local.tm_mday == tm->tm_mday;
}

/* Local time less UTC. */
static time_t offset_at(time_t secs) {
        struct tm local;

        return localtime_r(&secs, &local) ? local.tm_gmtoff : 0;
}

/* Where clocks are changed, the offsets of the days before and after are those that meet. Of a time that clocks show twice
 * the first is by the one before; one that is by neither is in a gap, and by the one before it is behind that. Which of the
 * two is summer time is not asked: in Ireland it is winter that is the exception, and not each change is one of summer time. */
static time_t from_local(struct tm tm) {
        time_t shown = timegm(&tm); /* carries what is out of range */
        time_t first = shown - offset_at(shown - DAY_SECS), second = shown - offset_at(shown + DAY_SECS);

        return shows(first, &tm) || !shows(second, &tm) ? first : second;
}

static int finish(const struct tm *tm, bool utc, usec_t *ret) {
        struct tm copy = *tm;
        time_t secs = utc ? timegm(&copy) : from_local(*tm);

        if (secs > SECS_MAX)
                return -ERANGE;
        *ret = secs < 0 ? 0 : (usec_t)secs * USEC_PER_SEC;
        return 0;
}

/* A date, a time of today, or both. */
static int parse_calendar(const char *text, const struct tm *today, usec_t *ret) {
        struct tm tm = *today;
        const char *s = take_date(text, &tm);
        bool utc = false;

        if (s && (*s == ' ' || *s == 'T') && isdigit((unsigned char)s[1]))
                s = take_clock(s + 1, &tm);
        else if (!s)
                s = take_clock(text, &tm);
        if (!s)
                return -EINVAL;
        if (streq(s, "Z") || streq(s, " UTC")) {
                utc = true;
                s = "";
        }
        return *s ? -EINVAL : finish(&tm, utc, ret);
}

/* "yesterday", "yesterday 18:30". */
static int parse_day(const char *text, const struct tm *today, usec_t *ret) {
        static const struct {
                const char *name;
                int days;
        } names[] = { { "today", 0 }, { "yesterday", -1 }, { "tomorrow", 1 } };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                size_t n = strlen(names[i].name);
                struct tm tm = *today;

                if (strncmp(text, names[i].name, n) != 0)
                        continue;
                tm.tm_mday += names[i].days;
                if (text[n] == '\0')
                        return finish(&tm, false, ret);
                text = take_clock(take_char(text + n, ' '), &tm);
                return text && *text == '\0' ? finish(&tm, false, ret) : -EINVAL;
        }
        return -ENOENT;
}

/* "@1700000000.25" without its sign. */
static int parse_epoch(const char *text, usec_t *ret) {
        uint64_t secs = 0;
        usec_t unit = USEC_PER_SEC, fraction = 0;

        if (!isdigit((unsigned char)*text))
                return -EINVAL;
        for (; isdigit((unsigned char)*text); text++) {
                secs = secs * 10 + (uint64_t)(*text - '0');
                if (secs > SECS_MAX)
                        return -ERANGE;
        }
        if (*text == '.' && isdigit((unsigned char)text[1]))
                for (text++; isdigit((unsigned char)*text); text++) {
                        unit /= 10;
                        fraction += (usec_t)(*text - '0') * unit;
                }
        if (*text)
                return -EINVAL;
        *ret = secs * USEC_PER_SEC + fraction;
        return 0;
}

/* A span with what says which way it goes. */
static int parse_span(const char *text, enum time_direction direction, usec_t now_usec, usec_t *ret) {
        static const char ago[] = " ago", in[] = "in ";
        char span[SPAN_BYTES];
        size_t n = strlen(text);
        usec_t usec;
        int r;

        if (*text == '-' || *text == '+') {
                direction = *text == '-' ? TIME_AGO : TIME_FROM_NOW;
                text++;
        } else if (n > strlen(ago) && streq(text + n - strlen(ago), ago)) {
                direction = TIME_AGO;
                n -= strlen(ago);
        } else if (strncmp(text, in, strlen(in)) == 0) {
                direction = TIME_FROM_NOW;
                text += strlen(in);
        }
        n = MIN(n, strlen(text));
        if (n >= sizeof(span) || strspn(text, "0123456789.") >= n) /* 2025 may be meant to be a year */
                return -EINVAL;
        (void)snprintf(span, sizeof(span), "%.*s", (int)n, text);
        r = text_parse_usec(span, &usec);
        if (r < 0)
                return r;
        if (usec == USEC_INFINITY)
                return -EINVAL;
        usec = direction == TIME_AGO ? usec_sub(now_usec, usec) : usec_add(now_usec, usec);
        if (usec > SECS_MAX * USEC_PER_SEC)
                return -ERANGE;
        *ret = usec;
        return 0;
}

int time_arg_parse(const char *text, enum time_direction direction, usec_t now_usec, usec_t *ret) {
        time_t now = (time_t)(now_usec / USEC_PER_SEC);
        struct tm today;
        int r;

        if (streq(text, "now")) {
                *ret = now_usec;
                return 0;
        }
        if (*text == '@')
                return parse_epoch(text + 1, ret);
        if (!localtime_r(&now, &today))
                return -ERANGE;
        today.tm_hour = today.tm_min = today.tm_sec = 0;
        r = parse_day(text, &today, ret);
        if (r == -ENOENT)
                r = parse_calendar(text, &today, ret);
        return r == -EINVAL ? parse_span(text, direction, now_usec, ret) : r;
}
