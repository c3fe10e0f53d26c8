/* SPDX-License-Identifier: MIT */
#pragma once
/* calendar_private: what calendar*.c and cron.c share: an expression as its parts, and as the sets they become. */
#include "when/calendar.h"

/* Years that expressions can name, and the last in which one elapses; those of systemd. */
#define CALENDAR_YEAR_MIN 1970
#define CALENDAR_YEAR_MAX 2199

/* A value, a range, or a repetition: start, start + repeat, … until stop, or until the field's end. Of seconds in
 * microseconds. */
struct component {
        int start;
        int stop;   /* -1: none */
        int repeat; /* 0: none */
        bool star;  /* written with a star: a repetition over the whole field */
};

enum field_id { FIELD_YEAR, FIELD_MONTH, FIELD_DAY, FIELD_HOUR, FIELD_MINUTE, FIELD_SECOND, _FIELD_MAX };

struct field {
        const struct component *components;
        unsigned n; /* 0: any value */
};

/* Every component but the last is followed by a comma, at least. */
#define COMPONENTS_MAX (CALENDAR_TEXT_MAX / 2)

/* An expression taken apart; it points into the text. Large: for the stack only. */
struct calendar_spec {
        struct field fields[_FIELD_MAX];
        uint8_t weekdays;    /* bit 0: Monday; all are set when none was named */
        bool from_month_end; /* days count from the last one, which is 1 */
        bool utc;
        const char *zone; /* or NULL */

        /* cron's */
        bool cron;
        bool either_day;            /* the day of the month or that of the week: one suffices */
        struct field cron_weekdays; /* 0: Sunday; as it was written, for the normalized form */

        struct component pool[COMPONENTS_MAX];
        unsigned n_pool;
};

#define WEEKDAYS_ALL 0x7f

/* What is written and what elapses, in about 90 bytes and the text: a machine may have a hundred thousand. */
struct calendar {
        uint64_t years[4];   /* bit: year - 1970 */
        uint64_t minutes;    /* bit: minute */
        uint64_t seconds;    /* bit: second; unused when there are fractions */
        uint32_t hours;      /* bit: hour */
        uint32_t days;       /* bit: day, or 31 - day when from_month_end */
        uint16_t months;     /* bit: month; only those that have one of the days */
        uint16_t text_at;    /* bytes from here to the text */
        uint16_t zone_at;    /* from the text to the zone in it; 0: none */
        uint8_t n_fractions; /* components of seconds that are not whole */
        uint8_t weekdays;
        bool from_month_end : 1;
        bool either_day : 1;
        bool utc : 1;
        bool cron : 1;
        bool wildcard : 1; /* hour or minute: follows elapsed time, see calendar_next() */
        struct component fractions[];
};

/* Writes a sentence into @wrong. Returns -EINVAL. */
int calendar_wrong(char wrong[CALENDAR_WRONG_MAX], const char *format, ...) _printf_(2, 3);

/* Copies @text without the blanks around it. Returns 0, or -EINVAL when it is too long. */
int calendar_trim(const char *text, char buf[CALENDAR_TEXT_MAX], char wrong[CALENDAR_WRONG_MAX]);

/* Both take an expression apart, which has no blanks around it. Return 0 or -EINVAL with a sentence in @wrong. */
int calendar_spec_parse(const char *text, struct calendar_spec *ret, char wrong[CALENDAR_WRONG_MAX]);
int cron_spec_parse(const char *text, struct calendar_spec *ret, char wrong[CALENDAR_WRONG_MAX]);

/* The normalized form in @buf. Returns its length, which is @size or more when it did not fit. */
size_t calendar_spec_format(const struct calendar_spec *spec, char *buf, size_t size);
size_t cron_spec_format(const struct calendar_spec *spec, char *buf, size_t size);

/* Makes the sets. Returns 0, -ENOMEM, or -EINVAL when the normalized form would be too long. */
int calendar_new(const char *text, const struct calendar_spec *spec, struct calendar **ret,
                 char wrong[CALENDAR_WRONG_MAX]);

/* The least and the greatest value of a field. */
int calendar_field_min(enum field_id id);
int calendar_field_max(enum field_id id);

/* Drops what a range does not reach, so that each component is written in one way only. */
void calendar_component_normalize(struct component *component);
