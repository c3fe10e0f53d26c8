/* SPDX-License-Identifier: MIT */
/* cron: takes the five fields of crontab(5) apart.
 *
 * It is strict where Vixie cron is lax and surprises: a step that is larger than its field is refused, because minute star/90
 * is each hour there. It is lax in one place: Sunday may end a range, fri-sun.
 */
#include "when/cron.h"

#include "when/calendar_private.h"

#include <ctype.h>
#include <strings.h>

#define SHOWN_MAX 40
#define BLANKS    " \t"

#define NUMBER_MAX 1000

static const char months[][4] = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec" };
static const char weekdays[][4] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

#define SUNDAY 7 /* as the end of a range */

/* In the order in which they are written. */
static const struct cron_field {
        const char *name;
        int min;
        int max;
        const char (*names)[4]; /* of min and what follows; or NULL */
        int n_names;
        enum field_id id; /* _FIELD_MAX: the day of the week */
} cron_fields[] = {
        { "minute", 0, 59, NULL, 0, FIELD_MINUTE },
        { "hour", 0, 23, NULL, 0, FIELD_HOUR },
        { "day of the month", 1, 31, NULL, 0, FIELD_DAY },
        { "month", 1, 12, months, ARRAY_SIZE(months), FIELD_MONTH },
        { "day of the week", 0, 7, weekdays, ARRAY_SIZE(weekdays), _FIELD_MAX },
};

static const struct {
        const char *name;
        const char *fields;
} shorthands[] = {
        { "@hourly", "0 * * * *" },   { "@daily", "0 0 * * *" },   { "@midnight", "0 0 * * *" },
        { "@weekly", "0 0 * * 0" },   { "@monthly", "0 0 1 * *" }, { "@yearly", "0 0 1 1 *" },
        { "@annually", "0 0 1 1 *" },
};

/* Reads one field from @at up to @end. */
struct reader {
        const struct cron_field *field;
        const char *at;
        const char *end;
        struct calendar_spec *spec;
        char *wrong;
};

static char peek(const struct reader *reader) {
        return reader->at < reader->end ? *reader->at : '\0';
}

static bool take(struct reader *reader, char c) {
        if (peek(reader) != c)
                return false;
        reader->at++;
        return true;
}

static int shown(const struct reader *reader) {
        return (int)MIN(reader->end - reader->at, SHOWN_MAX);
}

static int read_digits(struct reader *reader) {
        int number = 0;

        for (; isdigit((unsigned char)peek(reader)); reader->at++)
                number = number >= NUMBER_MAX ? NUMBER_MAX : number * 10 + (*reader->at - '0');
        return number;
}

/* What a name stands for, or -1. */
static int read_name(struct reader *reader) {
        const struct cron_field *field = reader->field;

        if (reader->end - reader->at < 3 || (reader->end - reader->at > 3 && isalpha((unsigned char)reader->at[3])))
                return -1;
        for (int i = 0; i < field->n_names; i++)
                if (strncasecmp(reader->at, field->names[i], 3) == 0) {
                        reader->at += 3;
                        return field->min + i;
                }
        return -1;
}

static int read_value(struct reader *reader, int *ret) {
        const struct cron_field *field = reader->field;
        const char *from = reader->at;
        int value;

        if (isdigit((unsigned char)*from) && from < reader->end) {
                value = read_digits(reader);
                if (value < field->min || value > field->max)
                        return calendar_wrong(reader->wrong, "%s %.*s is not within %d to %d", field->name,
                                              (int)MIN(reader->at - from, SHOWN_MAX), from, field->min, field->max);
                *ret = value;
                return 0;
        }
        value = read_name(reader);
        if (value >= 0) {
                *ret = value;
                return 0;
        }
        if (strchr("LW#?H", *from) && from < reader->end)
                return calendar_wrong(reader->wrong,
                                      "%s: cron has no %c; `calendar` has ~ for the last days of a month", field->name,
                                      *from);
        return calendar_wrong(reader->wrong, "%s: \"%.*s\" is not a number%s", field->name, shown(reader), reader->at,
                              field->n_names > 0 ? " or a name of three letters" : "");
}

static int read_step(struct reader *reader, int *ret) {
        const struct cron_field *field = reader->field;
        int most = field->id == _FIELD_MAX ? 7 : field->max - field->min + 1;
        const char *from = reader->at;

        *ret = read_digits(reader);
        if (reader->at == from)
                return calendar_wrong(reader->wrong, "%s: the step \"%.*s\" is not a number", field->name,
                                      shown(reader), from);
        if (*ret < 1 || *ret > most)
                return calendar_wrong(reader->wrong, "%s: the step %.*s is not within 1 to %d", field->name,
                                      (int)MIN(reader->at - from, SHOWN_MAX), from, most);
        return 0;
}

/* The end of a range, behind the dash. */
static int read_stop(struct reader *reader, struct component *component) {
        bool named = !isdigit((unsigned char)peek(reader));
        int r;

        r = read_value(reader, &component->stop);
        if (r < 0)
                return r;
        if (named && component->stop == 0 && component->start > 0)
                component->stop = SUNDAY;
        if (component->stop < component->start)
                return calendar_wrong(reader->wrong, "%s: the range %d-%d runs backwards", reader->field->name,
                                      component->start, component->stop);
        component->repeat = 1;
        return 0;
}

/* *, A, A-B, each but A with /STEP. */
static int read_component(struct reader *reader) {
        struct component component = { .start = reader->field->min, .stop = -1 };
        int r = 0;

        if (take(reader, '*')) {
                component.star = true;
                component.repeat = 1;
        } else {
                r = read_value(reader, &component.start);
                if (r >= 0 && take(reader, '-'))
                        r = read_stop(reader, &component);
        }
        if (r >= 0 && take(reader, '/')) {
                if (component.repeat == 0)
                        return calendar_wrong(reader->wrong, "%s: a step needs a star or a range, such as %d-%d/%.*s",
                                              reader->field->name, component.start, reader->field->max, shown(reader),
                                              reader->at);
                r = read_step(reader, &component.repeat);
        }
        if (r < 0)
                return r;
        if (peek(reader) != ',' && peek(reader) != '\0')
                return calendar_wrong(reader->wrong, "%s: \"%.*s\" makes no sense there", reader->field->name,
                                      shown(reader), reader->at);
        if (reader->spec->n_pool == COMPONENTS_MAX)
                return calendar_wrong(reader->wrong, "there are more than %d values", COMPONENTS_MAX);
        calendar_component_normalize(&component);
        if (reader->field->id == _FIELD_MAX && component.repeat == 0)
                component.start %= 7;
        reader->spec->pool[reader->spec->n_pool++] = component;
        return 0;
}

/* The order stays as it was written: it matters whether the first is a star. */
static int read_field(struct reader *reader) {
        struct component *first = &reader->spec->pool[reader->spec->n_pool];
        struct field field;
        int r;

        do {
                r = read_component(reader);
                if (r < 0)
                        return r;
        } while (take(reader, ','));
        field = (struct field){ first, (unsigned)(&reader->spec->pool[reader->spec->n_pool] - first) };
        if (field.n == 1 && first->star && first->repeat == 1)
                field.n = 0;
        if (reader->field->id == _FIELD_MAX)
                reader->spec->cron_weekdays = field;
        else
                reader->spec->fields[reader->field->id] = field;
        return 0;
}

/* From cron's, 0 and 7 Sunday, to bits from Monday on. */
static uint8_t weekday_set(const struct field *field) {
        unsigned set = field->n == 0 ? WEEKDAYS_ALL : 0;

        for (unsigned i = 0; i < field->n; i++) {
                const struct component *c = &field->components[i];
                int stop = c->stop >= 0 ? c->stop : c->repeat > 0 ? 6 : c->start;

                for (int v = c->start; v <= stop; v += c->repeat > 0 ? c->repeat : 1)
                        set |= 1u << (v + 6) % 7;
        }
        return (uint8_t)set;
}

static bool begins_with_star(const struct field *field) {
        return field->n == 0 || field->components[0].star;
}

static unsigned count_fields(const char *text) {
        unsigned n = 0;

        while (*(text += strspn(text, BLANKS))) {
                text += strcspn(text, BLANKS);
                n++;
        }
        return n;
}

static int expand_shorthand(const char **text, char *wrong) {
        if (**text != '@')
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(shorthands); i++)
                if (strcasecmp(*text, shorthands[i].name) == 0) {
                        *text = shorthands[i].fields;
                        return 0;
                }
        if (strcasecmp(*text, "@reboot") == 0)
                return calendar_wrong(wrong,
                                      "@reboot is not a time: `on-start = yes` runs a task when the daemon starts");
        return calendar_wrong(wrong,
                              "\"%.*s\" is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually",
                              SHOWN_MAX, *text);
}

int cron_spec_parse(const char *text, struct calendar_spec *ret, char wrong[CALENDAR_WRONG_MAX]) {
        static const struct component zero = { .stop = -1 };
        struct reader reader = { .spec = ret, .wrong = wrong };
        unsigned n;
        int r;

        memset(ret, 0, offsetof(struct calendar_spec, pool));
        ret->n_pool = 0;
        ret->cron = true;
        ret->fields[FIELD_SECOND] = (struct field){ &zero, 1 };
        r = expand_shorthand(&text, wrong);
        if (r < 0)
                return r;
        n = count_fields(text);
        if (n != ARRAY_SIZE(cron_fields))
                return calendar_wrong(wrong, "there are %u fields, and must be five: minute hour day month weekday%s",
                                      n, n == 6 ? " (seconds are for `calendar`)" : "");
        for (unsigned i = 0; i < ARRAY_SIZE(cron_fields); i++) {
                reader.field = &cron_fields[i];
                reader.at = text + strspn(text, BLANKS);
                reader.end = text = reader.at + strcspn(reader.at, BLANKS);
                r = read_field(&reader);
                if (r < 0)
                        return r;
        }
        ret->weekdays = weekday_set(&ret->cron_weekdays);
        ret->either_day = !begins_with_star(&ret->fields[FIELD_DAY]) && !begins_with_star(&ret->cron_weekdays);
        return 0;
}

int cron_parse(const char *text, struct calendar **ret, char wrong[CALENDAR_WRONG_MAX]) {
        struct calendar_spec spec;
        char trimmed[CALENDAR_TEXT_MAX];
        int r;

        r = calendar_trim(text, trimmed, wrong);
        if (r < 0)
                return r;
        r = cron_spec_parse(trimmed, &spec, wrong);
        if (r < 0)
                return r;
        return calendar_new(trimmed, &spec, ret, wrong);
}
