/* SPDX-License-Identifier: MIT */
/* calendar_field: one field of an expression: a star, or values, ranges and repetitions. */
#include "when/calendar_parser.h"

#include <ctype.h>

/* Where counting stops: larger than any number that means something, and of seconds, in microseconds, still an int. */
#define NUMBER_MAX  100000
#define SECONDS_MAX 2000

static const struct field_type {
        const char *name;
        int min;
        int max;
        int unit;
} field_types[_FIELD_MAX] = {
        [FIELD_YEAR] = { "year", CALENDAR_YEAR_MIN, CALENDAR_YEAR_MAX, 1 },
        [FIELD_MONTH] = { "month", 1, 12, 1 },
        [FIELD_DAY] = { "day", 1, 31, 1 },
        [FIELD_HOUR] = { "hour", 0, 23, 1 },
        [FIELD_MINUTE] = { "minute", 0, 59, 1 },
        [FIELD_SECOND] = { "second", 0, 60 * (int)USEC_PER_SEC - 1, (int)USEC_PER_SEC },
};

int calendar_field_min(enum field_id id) {
        return field_types[id].min;
}

int calendar_field_max(enum field_id id) {
        return field_types[id].max;
}

const char *calendar_field_name(enum field_id id) {
        return field_types[id].name;
}

void calendar_component_normalize(struct component *component) {
        int span = component->stop - component->start;

        if (component->stop < 0)
                return;
        if (component->repeat > 0)
                component->stop -= span % component->repeat;
        if (component->stop == component->start) {
                component->stop = -1;
                component->repeat = 0;
        }
}

/* ---- numbers ---- */

/* Digits behind a decimal point, as millionths, rounded at the seventh. */
static int parse_fraction(struct parser *p) {
        int millionths = 0, scale = 100000;

        for (; isdigit((unsigned char)parser_peek(p)); p->at++) {
                int digit = *p->at - '0';

                if (scale > 0)
                        millionths += digit * scale;
                else if (scale == 0 && digit >= 5)
                        millionths++;
                scale = scale > 0 ? scale / 10 : -1;
        }
        return millionths;
}

static int parse_number(struct parser *p, enum field_id id, int *ret) {
        const char *name = field_types[id].name;
        int number = 0, millionths = 0;

        if (parser_peek(p) == '\0')
                return calendar_wrong(p->wrong, "%s: a number is missing at the end", name);
        if (!isdigit((unsigned char)parser_peek(p)))
                return calendar_wrong(p->wrong, "the %s is not a number%s at \"%.*s\"", name,
                                      parser_peek(p) == '*' ? ", and * stands alone," : "", parser_word_length(p),
                                      p->at);
        for (; isdigit((unsigned char)parser_peek(p)); p->at++)
                number = number >= NUMBER_MAX ? NUMBER_MAX : number * 10 + (*p->at - '0');
        if (id == FIELD_SECOND) {
                /* Two points are a range. */
                if (parser_peek(p) == '.' && !(p->end - p->at > 1 && p->at[1] == '.')) {
                        p->at++;
                        if (!isdigit((unsigned char)parser_peek(p)))
                                return calendar_wrong(p->wrong, "no digit follows the decimal point of a second");
                        millionths = parse_fraction(p);
                }
                number = MIN(number, SECONDS_MAX);
        }
        *ret = number * field_types[id].unit + millionths;
        return 0;
}

static int complete_year(int year) {
        if (year < 70)
                return year + 2000;
        return year < 100 ? year + 1900 : year;
}

/* ---- components ---- */

/* Days before the end exist in each month. */
static int last_value(const struct parser *p, enum field_id id) {
        return id == FIELD_DAY && p->spec->from_month_end ? 28 : field_types[id].max;
}

static int parse_value(struct parser *p, enum field_id id, int *ret) {
        const struct field_type *type = &field_types[id];
        const char *from = p->at;
        int value, r;

        r = parse_number(p, id, &value);
        if (r < 0)
                return r;
        if (id == FIELD_YEAR)
                value = complete_year(value);
        if (value < type->min || value > last_value(p, id))
                return calendar_wrong(p->wrong, "%s %.*s is not within %d to %d%s", type->name,
                                      (int)MIN(p->at - from, CALENDAR_SHOWN_MAX), from, type->min,
                                      last_value(p, id) / type->unit,
                                      id == FIELD_DAY && p->spec->from_month_end ? " before the month's end" : "");
        *ret = value;
        return 0;
}

static int check_repetition(struct parser *p, enum field_id id, const struct component *component) {
        const struct field_type *type = &field_types[id];
        bool backwards = id == FIELD_DAY && p->spec->from_month_end;

        if (component->repeat == 0)
                return calendar_wrong(p->wrong, "%s: a repetition by 0 never advances", type->name);
        if (component->repeat / type->unit >= (id == FIELD_SECOND ? SECONDS_MAX : NUMBER_MAX))
                return calendar_wrong(p->wrong, "%s: the repetition is too large", type->name);
        if (component->stop >= 0)
                return 0;
        if (backwards ? component->start - component->repeat < type->min
                      : component->start > type->max - component->repeat)
                return calendar_wrong(p->wrong, "%s: a repetition from %d by %d never comes, as it ends at %d",
                                      type->name, component->start / type->unit, component->repeat / type->unit,
                                      backwards ? type->min : type->max / type->unit);
        return 0;
}

static int check_range(struct parser *p, enum field_id id, const struct component *component) {
        const struct field_type *type = &field_types[id];

        if (component->stop < component->start)
                return calendar_wrong(p->wrong, "%s: the range %d..%d runs backwards", type->name,
                                      component->start / type->unit, component->stop / type->unit);
        if (id == FIELD_SECOND && component->repeat == 0 && component->stop - component->start < type->unit)
                return calendar_wrong(p->wrong, "second: a range below one second needs a repetition, such as /0.1");
        return 0;
}

/* A star that is repeated begins with the least value. */
static int parse_star(struct parser *p, enum field_id id, int *ret) {
        p->at++;
        if (parser_peek(p) != '/')
                return calendar_wrong(p->wrong, "%s: a star stands alone", field_types[id].name);
        if (id == FIELD_YEAR)
                return calendar_wrong(p->wrong, "year: a repetition needs the year that it begins with, as in 2024/4");
        *ret = field_types[id].min;
        return 0;
}

/* START[..STOP][/REPEAT], or a star and its repetition. */
static int parse_component(struct parser *p, enum field_id id) {
        struct component component = { .stop = -1 };
        int r = 0;

        if (parser_peek(p) == '*')
                r = parse_star(p, id, &component.start);
        else
                r = parse_value(p, id, &component.start);
        if (r >= 0 && parser_take(p, "..")) {
                r = parse_value(p, id, &component.stop);
                if (r >= 0 && parser_peek(p) != '/') {
                        r = check_range(p, id, &component);
                        component.repeat = field_types[id].unit;
                }
        }
        if (r >= 0 && parser_take(p, "/")) {
                r = parse_number(p, id, &component.repeat);
                if (r >= 0)
                        r = check_repetition(p, id, &component);
                if (r >= 0 && component.stop >= 0)
                        r = check_range(p, id, &component);
        }
        if (r < 0)
                return r;
        if (!strchr(" ,-~:", parser_peek(p)))
                return calendar_wrong(p->wrong, "\"%.*s\" makes no sense behind the %s", parser_word_length(p), p->at,
                                      field_types[id].name);
        if (p->spec->n_pool == COMPONENTS_MAX)
                return calendar_wrong(p->wrong, "there are more than %d values", COMPONENTS_MAX);
        calendar_component_normalize(&component);
        p->spec->pool[p->spec->n_pool++] = component;
        return 0;
}

static int compare_components(const void *one, const void *other) {
        const struct component *a = one, *b = other;

        if (a->start != b->start)
                return a->start < b->start ? -1 : 1;
        if (a->stop != b->stop)
                return a->stop < b->stop ? -1 : 1;
        return a->repeat == b->repeat ? 0 : a->repeat < b->repeat ? -1 : 1;
}

/* Puts the components in order, each once. */
static unsigned sort_components(struct component *components, unsigned n) {
        unsigned kept = 1;

        qsort(components, n, sizeof(components[0]), compare_components);
        for (unsigned i = 1; i < n; i++)
                if (compare_components(&components[kept - 1], &components[i]) != 0)
                        components[kept++] = components[i];
        return kept;
}

static bool is_star(const struct parser *p) {
        return parser_peek(p) == '*' && !(p->end - p->at > 1 && p->at[1] == '/');
}

/* Whole seconds, and all of them: what else is listed adds nothing. */
static bool is_each_second(const struct field *seconds) {
        const int unit = field_types[FIELD_SECOND].unit;
        bool each = false;

        for (unsigned i = 0; i < seconds->n; i++) {
                const struct component *c = &seconds->components[i];

                if (c->start % unit || c->repeat % unit)
                        return false;
                each = each || (c->start == 0 && c->stop < 0 && c->repeat == unit);
        }
        return each;
}

int calendar_parse_field(struct parser *p, enum field_id id) {
        struct field *field = &p->spec->fields[id];
        struct component *first = &p->spec->pool[p->spec->n_pool];
        int r;

        if (is_star(p)) {
                p->at++;
                *field = (struct field){ NULL, 0 };
                if (!strchr(" -~:", parser_peek(p)))
                        return calendar_wrong(p->wrong, "%s: a star stands alone, without \"%.*s\"",
                                              field_types[id].name, parser_word_length(p), p->at);
                return 0;
        }
        do {
                r = parse_component(p, id);
                if (r < 0)
                        return r;
        } while (parser_take(p, ","));
        p->spec->n_pool = (unsigned)(first - p->spec->pool) +
                          sort_components(first, (unsigned)(&p->spec->pool[p->spec->n_pool] - first));
        *field = (struct field){ first, (unsigned)(&p->spec->pool[p->spec->n_pool] - first) };
        if (id == FIELD_SECOND && is_each_second(field))
                field->n = 0;
        return 0;
}

void calendar_set_field(struct calendar_spec *spec, enum field_id id, int value) {
        struct component *component = &spec->pool[spec->n_pool++];

        *component = (struct component){ .start = value * field_types[id].unit, .stop = -1 };
        spec->fields[id] = (struct field){ component, 1 };
}
