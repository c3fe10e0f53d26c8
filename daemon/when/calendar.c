/* SPDX-License-Identifier: MIT */
/* calendar: an expression as sets, which are made once. */
#include "when/calendar_private.h"

/* From how long a text on its normalized form could be too long: "0.1," grows most, into "00.100000,". */
#define TEXT_SURELY_FITS 180

static const uint8_t month_days[] = { 0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

/* Calls for each value of @field, in no order. */
static void each_value(const struct calendar_spec *spec, enum field_id id, void (*fn)(struct calendar *, int),
                       struct calendar *calendar) {
        const struct field *field = &spec->fields[id];
        int min = calendar_field_min(id), max = calendar_field_max(id);

        if (field->n == 0)
                for (int v = min; v <= max; v++)
                        fn(calendar, v);
        for (unsigned i = 0; i < field->n; i++) {
                const struct component *c = &field->components[i];
                bool backwards = id == FIELD_DAY && spec->from_month_end && c->stop < 0;
                int stop = c->stop >= 0 ? c->stop : c->repeat > 0 ? max : c->start;

                /* What comes behind the seventh last day is the sixth last. */
                if (backwards && c->repeat > 0)
                        for (int v = c->start; v >= min; v -= c->repeat)
                                fn(calendar, v);
                else
                        for (int v = c->start; v <= stop; v += c->repeat > 0 ? c->repeat : 1)
                                fn(calendar, v);
        }
}

static void set_year(struct calendar *calendar, int v) {
        unsigned bit = (unsigned)(v - CALENDAR_YEAR_MIN);

        calendar->years[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void set_month(struct calendar *calendar, int v) {
        calendar->months |= (uint16_t)(1u << v);
}

static void set_day(struct calendar *calendar, int v) {
        calendar->days |= 1u << (calendar->from_month_end ? 31 - v : v);
}

static void set_hour(struct calendar *calendar, int v) {
        calendar->hours |= 1u << v;
}

static void set_minute(struct calendar *calendar, int v) {
        calendar->minutes |= UINT64_C(1) << v;
}

static void set_second(struct calendar *calendar, int v) {
        calendar->seconds |= UINT64_C(1) << (unsigned)v / USEC_PER_SEC;
}

/* What is wider than a bit for each second. */
static bool has_fractions(const struct field *seconds) {
        for (unsigned i = 0; i < seconds->n; i++)
                if (seconds->components[i].start % (int)USEC_PER_SEC ||
                    seconds->components[i].repeat % (int)USEC_PER_SEC)
                        return true;
        return false;
}

/* A star, or its repetition, which `calendar` writes as one from 0 on, too. What begins or ends elsewhere is a list. */
static bool is_wildcard(const struct field *field) {
        for (unsigned i = 0; i < field->n; i++) {
                const struct component *c = &field->components[i];

                if (c->start == 0 && c->stop < 0 && c->repeat > 0)
                        return true;
        }
        return field->n == 0;
}

/* A month that has none of the days is never looked at, so that February 30th costs nothing. */
static void drop_months_without_days(struct calendar *calendar) {
        if (calendar->from_month_end || calendar->either_day)
                return;
        for (unsigned month = 1; month <= 12; month++)
                if ((calendar->days & ((2u << month_days[month]) - 2)) == 0)
                        calendar->months &= (uint16_t) ~(1u << month);
}

static void fill_sets(struct calendar *calendar, const struct calendar_spec *spec) {
        each_value(spec, FIELD_YEAR, set_year, calendar);
        each_value(spec, FIELD_MONTH, set_month, calendar);
        each_value(spec, FIELD_DAY, set_day, calendar);
        each_value(spec, FIELD_HOUR, set_hour, calendar);
        each_value(spec, FIELD_MINUTE, set_minute, calendar);
        if (spec->fields[FIELD_SECOND].n == 0)
                calendar->seconds = (UINT64_C(1) << 60) - 1;
        else if (calendar->n_fractions == 0)
                each_value(spec, FIELD_SECOND, set_second, calendar);
        drop_months_without_days(calendar);
}

int calendar_new(const char *text, const struct calendar_spec *spec, struct calendar **ret,
                 char wrong[CALENDAR_WRONG_MAX]) {
        const struct field *seconds = &spec->fields[FIELD_SECOND];
        unsigned n = has_fractions(seconds) ? seconds->n : 0;
        size_t length = strlen(text), text_at = sizeof(struct calendar) + n * sizeof(struct component);
        struct calendar *calendar;

        if (length >= TEXT_SURELY_FITS && !spec->cron && calendar_spec_format(spec, NULL, 0) >= CALENDAR_TEXT_MAX)
                return calendar_wrong(wrong, "the expression is too long: written out, it has more than %d bytes",
                                      CALENDAR_TEXT_MAX - 1);
        calendar = calloc(1, text_at + length + 1);
        if (!calendar)
                return -ENOMEM;
        calendar->text_at = (uint16_t)text_at;
        calendar->zone_at = (uint16_t)(spec->zone ? spec->zone - text : 0);
        calendar->n_fractions = (uint8_t)n;
        calendar->weekdays = spec->weekdays;
        calendar->from_month_end = spec->from_month_end;
        calendar->either_day = spec->either_day;
        calendar->utc = spec->utc;
        calendar->cron = spec->cron;
        calendar->wildcard = is_wildcard(&spec->fields[FIELD_HOUR]) || is_wildcard(&spec->fields[FIELD_MINUTE]);
        if (n > 0)
                memcpy(calendar->fractions, seconds->components, n * sizeof(calendar->fractions[0]));
        memcpy((char *)calendar + text_at, text, length + 1);
        fill_sets(calendar, spec);
        *ret = calendar;
        return 0;
}

struct calendar *calendar_free(struct calendar *calendar) {
        free(calendar);
        return NULL;
}

const char *calendar_text(const struct calendar *calendar) {
        return (const char *)calendar + calendar->text_at;
}

const char *calendar_zone_name(const struct calendar *calendar) {
        if (calendar->utc)
                return "UTC";
        return calendar->zone_at > 0 ? calendar_text(calendar) + calendar->zone_at : NULL;
}

/* The parts are not kept: they are larger than the text. */
const char *calendar_format(const struct calendar *calendar, char buf[CALENDAR_TEXT_MAX]) {
        char wrong[CALENDAR_WRONG_MAX];
        struct calendar_spec spec;

        buf[0] = '\0';
        if (calendar->cron && cron_spec_parse(calendar_text(calendar), &spec, wrong) == 0)
                (void)cron_spec_format(&spec, buf, CALENDAR_TEXT_MAX);
        else if (!calendar->cron && calendar_spec_parse(calendar_text(calendar), &spec, wrong) == 0)
                (void)calendar_spec_format(&spec, buf, CALENDAR_TEXT_MAX);
        return buf;
}
