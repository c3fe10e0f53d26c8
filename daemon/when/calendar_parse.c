/* SPDX-License-Identifier: MIT */
/* calendar_parse: takes an expression of systemd.time(7) apart.
 *
 *      [WEEKDAYS] [[YEAR-]MONTH-DAY] [HOUR:MINUTE[:SECOND]] [ZONE]
 *
 * Each field is a star or a list of values, ranges and repetitions. What systemd 252 takes is taken, and has the same
 * normalized form. Beyond it: blanks at both ends, a repetition of a star but in years (star/5 is 0/5), and lists of days before the
 * end of the month that systemd forbids by an oversight. A name of a zone is taken if it could be one; whoever loads it knows.
 */
#include "when/calendar_private.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

/* How much of the text an error quotes. */
#define SHOWN_MAX 40

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

static const char *const weekdays[] = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" };

static const struct {
        const char *name;
        const char *expression;
} shorthands[] = {
        { "minutely", "*-*-* *:*:00" },
        { "hourly", "*-*-* *:00:00" },
        { "daily", "*-*-* 00:00:00" },
        { "weekly", "Mon *-*-* 00:00:00" },
        { "monthly", "*-*-01 00:00:00" },
        { "quarterly", "*-01,04,07,10-01 00:00:00" },
        { "semiannually", "*-01,07-01 00:00:00" },
        { "semi-annually", "*-01,07-01 00:00:00" },
        { "biannually", "*-01,07-01 00:00:00" },
        { "bi-annually", "*-01,07-01 00:00:00" },
        { "yearly", "*-01-01 00:00:00" },
        { "annually", "*-01-01 00:00:00" },
        { "anually", "*-01-01 00:00:00" }, /* systemd's, too */
};

/* Reads from @at up to @end. */
struct parser {
        const char *at;
        const char *end;
        struct calendar_spec *spec;
        char *wrong;
};

int calendar_wrong(char wrong[CALENDAR_WRONG_MAX], const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(wrong, CALENDAR_WRONG_MAX, format, ap);
        va_end(ap);
        return -EINVAL;
}

int calendar_field_min(enum field_id id) {
        return field_types[id].min;
}

int calendar_field_max(enum field_id id) {
        return field_types[id].max;
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

static char peek(const struct parser *p) {
        return p->at < p->end ? *p->at : '\0';
}

static bool take(struct parser *p, const char *word) {
        size_t n = strlen(word);

        if ((size_t)(p->end - p->at) < n || memcmp(p->at, word, n) != 0)
                return false;
        p->at += n;
        return true;
}

static void skip_blanks(struct parser *p) {
        while (peek(p) == ' ')
                p->at++;
}

/* The length of the word at @at. */
static int word_length(const struct parser *p) {
        const char *blank = memchr(p->at, ' ', (size_t)(p->end - p->at));
        ptrdiff_t n = (blank ? blank : p->end) - p->at;

        return n > SHOWN_MAX ? SHOWN_MAX : (int)n;
}

/* Looks like cron's. */
static bool has_five_words(const struct parser *p) {
        unsigned n = 1;

        for (const char *c = p->at; c < p->end; c++)
                n += *c == ' ' && c[1] != ' ';
        return n == 5;
}

static unsigned count_in_word(const struct parser *p, const char *set) {
        unsigned n = 0;

        for (const char *c = p->at; c < p->end && *c != ' '; c++)
                n += strchr(set, *c) != NULL;
        return n;
}

/* ---- numbers ---- */

/* Digits behind a decimal point, as millionths, rounded at the seventh. */
static int parse_fraction(struct parser *p) {
        int millionths = 0, scale = 100000;

        for (; isdigit((unsigned char)peek(p)); p->at++) {
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

        if (peek(p) == '\0')
                return calendar_wrong(p->wrong, "%s: a number is missing at the end", name);
        if (!isdigit((unsigned char)peek(p)))
                return calendar_wrong(p->wrong, "the %s is not a number%s at \"%.*s\"", name,
                                      peek(p) == '*' ? ", and * stands alone," : "", word_length(p), p->at);
        for (; isdigit((unsigned char)peek(p)); p->at++)
                number = number >= NUMBER_MAX ? NUMBER_MAX : number * 10 + (*p->at - '0');
        if (id == FIELD_SECOND) {
                /* Two points are a range. */
                if (peek(p) == '.' && !(p->end - p->at > 1 && p->at[1] == '.')) {
                        p->at++;
                        if (!isdigit((unsigned char)peek(p)))
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
                                      (int)MIN(p->at - from, SHOWN_MAX), from, type->min,
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
        if (peek(p) != '/')
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

        if (peek(p) == '*')
                r = parse_star(p, id, &component.start);
        else
                r = parse_value(p, id, &component.start);
        if (r >= 0 && take(p, "..")) {
                r = parse_value(p, id, &component.stop);
                if (r >= 0 && peek(p) != '/') {
                        r = check_range(p, id, &component);
                        component.repeat = field_types[id].unit;
                }
        }
        if (r >= 0 && take(p, "/")) {
                r = parse_number(p, id, &component.repeat);
                if (r >= 0)
                        r = check_repetition(p, id, &component);
                if (r >= 0 && component.stop >= 0)
                        r = check_range(p, id, &component);
        }
        if (r < 0)
                return r;
        if (!strchr(" ,-~:", peek(p)))
                return calendar_wrong(p->wrong, "\"%.*s\" makes no sense behind the %s", word_length(p), p->at,
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
        return peek(p) == '*' && !(p->end - p->at > 1 && p->at[1] == '/');
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

/* A star, or components and commas. */
static int parse_field(struct parser *p, enum field_id id) {
        struct field *field = &p->spec->fields[id];
        struct component *first = &p->spec->pool[p->spec->n_pool];
        int r;

        if (is_star(p)) {
                p->at++;
                *field = (struct field){ NULL, 0 };
                if (!strchr(" -~:", peek(p)))
                        return calendar_wrong(p->wrong, "%s: a star stands alone, without \"%.*s\"",
                                              field_types[id].name, word_length(p), p->at);
                return 0;
        }
        do {
                r = parse_component(p, id);
                if (r < 0)
                        return r;
        } while (take(p, ","));
        p->spec->n_pool = (unsigned)(first - p->spec->pool) +
                          sort_components(first, (unsigned)(&p->spec->pool[p->spec->n_pool] - first));
        *field = (struct field){ first, (unsigned)(&p->spec->pool[p->spec->n_pool] - first) };
        if (id == FIELD_SECOND && is_each_second(field))
                field->n = 0;
        return 0;
}

/* A field of one value. */
static void set_field(struct calendar_spec *spec, enum field_id id, int value) {
        struct component *component = &spec->pool[spec->n_pool++];

        *component = (struct component){ .start = value * field_types[id].unit, .stop = -1 };
        spec->fields[id] = (struct field){ component, 1 };
}

/* ---- the parts of an expression ---- */

/* The weekday that a word of @n letters names, or -1. */
static int weekday_of(const char *word, size_t n) {
        for (size_t i = 0; i < ARRAY_SIZE(weekdays); i++)
                if ((n == 3 || n == strlen(weekdays[i])) && strncasecmp(word, weekdays[i], n) == 0)
                        return (int)i;
        return -1;
}

static int parse_weekday(struct parser *p) {
        size_t n = 0;
        int weekday;

        if (peek(p) == '\0')
                return calendar_wrong(p->wrong, "a day of the week is missing at the end");
        while (p->at + n < p->end && isalpha((unsigned char)p->at[n]))
                n++;
        weekday = weekday_of(p->at, n);
        if (weekday < 0)
                return calendar_wrong(p->wrong, "\"%.*s\" is neither a day of the week nor a shorthand such as daily",
                                      word_length(p), p->at);
        p->at += n;
        return weekday;
}

/* Days and ranges of days; a comma may end them. */
static int parse_weekdays(struct parser *p) {
        unsigned set = 0;

        if (!isalpha((unsigned char)peek(p)))
                return 0;
        do {
                int first = parse_weekday(p), last = first;

                if (first >= 0 && (take(p, "..") || take(p, "-")))
                        last = parse_weekday(p);
                if (first < 0 || last < 0)
                        return -EINVAL;
                if (last < first)
                        return calendar_wrong(p->wrong,
                                              "the range %.3s..%.3s runs backwards: a week begins with Monday",
                                              weekdays[first], weekdays[last]);
                set |= (2u << last) - (1u << first);
        } while (take(p, ",") && peek(p) != ' ' && peek(p) != '\0');
        if (peek(p) != ' ' && peek(p) != '\0')
                return calendar_wrong(p->wrong, "\"%.*s\" makes no sense behind a day of the week", word_length(p),
                                      p->at);
        skip_blanks(p);
        p->spec->weekdays = (uint8_t)set;
        return 0;
}

/* @SECONDS since 1970: one instant. */
static int parse_instant(struct parser *p) {
        const char *from = p->at++;
        struct civil civil;
        int64_t secs = 0;

        for (; isdigit((unsigned char)peek(p)); p->at++)
                secs = secs > INT64_C(100000000000) ? secs : secs * 10 + (*p->at - '0');
        if (p->at == from + 1 || p->at != p->end)
                return calendar_wrong(p->wrong, "\"%.*s\" is not @ and seconds since 1970, and nothing else", SHOWN_MAX,
                                      from);
        civil_from_secs(MIN(secs, INT64_C(100000000000)), &civil);
        if (civil.year > CALENDAR_YEAR_MAX)
                return calendar_wrong(p->wrong, "\"%.*s\" is after the year %d", SHOWN_MAX, from, CALENDAR_YEAR_MAX);
        set_field(p->spec, FIELD_YEAR, civil.year);
        set_field(p->spec, FIELD_MONTH, (int)civil.month);
        set_field(p->spec, FIELD_DAY, (int)civil.day);
        set_field(p->spec, FIELD_HOUR, (int)civil.hour);
        set_field(p->spec, FIELD_MINUTE, (int)civil.minute);
        set_field(p->spec, FIELD_SECOND, (int)civil.second);
        p->spec->utc = true;
        p->spec->zone = NULL;
        return 0;
}

/* [YEAR-]MONTH-DAY or [YEAR-]MONTH~DAY, if the next word is one. */
static int parse_date(struct parser *p) {
        unsigned separators = count_in_word(p, "-~");
        int r;

        if (peek(p) == '\0' || count_in_word(p, ":") > 0)
                return 0;
        if (separators < 1 || separators > 2)
                return calendar_wrong(
                        p->wrong, "\"%.*s\" is neither a date ([YEAR-]MONTH-DAY) nor a time (HOUR:MINUTE[:SECOND])%s",
                        word_length(p), p->at, has_five_words(p) ? "; five fields are `cron`'s" : "");
        if (separators == 2) {
                r = parse_field(p, FIELD_YEAR);
                if (r < 0)
                        return r;
                if (!take(p, "-"))
                        return calendar_wrong(p->wrong, "\"~\" stands between the month and the day");
        }
        r = parse_field(p, FIELD_MONTH);
        if (r < 0)
                return r;
        p->spec->from_month_end = take(p, "~");
        if (!p->spec->from_month_end)
                (void)take(p, "-");
        r = parse_field(p, FIELD_DAY);
        if (r < 0)
                return r;
        if (p->spec->fields[FIELD_DAY].n == 0)
                p->spec->from_month_end = false;
        skip_blanks(p);
        return 0;
}

static int parse_time(struct parser *p) {
        unsigned colons = count_in_word(p, ":");
        int r;

        if (peek(p) == '\0') {
                set_field(p->spec, FIELD_HOUR, 0);
                set_field(p->spec, FIELD_MINUTE, 0);
                set_field(p->spec, FIELD_SECOND, 0);
                return 0;
        }
        if (colons < 1 || colons > 2)
                return calendar_wrong(p->wrong, "\"%.*s\" is not a time (HOUR:MINUTE[:SECOND])", word_length(p), p->at);
        for (unsigned i = 0; i <= colons; i++) {
                r = parse_field(p, (enum field_id)(FIELD_HOUR + i));
                if (r < 0)
                        return r;
                if (i < colons && !take(p, ":"))
                        return calendar_wrong(p->wrong, "\"%.*s\" makes no sense behind the %s", word_length(p), p->at,
                                              field_types[FIELD_HOUR + i].name);
        }
        if (colons == 1)
                set_field(p->spec, FIELD_SECOND, 0);
        if (peek(p) != '\0')
                return calendar_wrong(p->wrong, "\"%.*s\" behind the time is no name of a zone",
                                      (int)MIN(p->end - p->at, SHOWN_MAX), p->at + (peek(p) == ' '));
        return 0;
}

/* ---- the whole ---- */

static bool is_zone_name(const char *s) {
        if (!isalpha((unsigned char)*s) || strlen(s) >= ZONE_NAME_MAX || strstr(s, "//"))
                return false;
        for (; *s; s++)
                if (!isalnum((unsigned char)*s) && !(*s == '/' && s[1] != '\0') && !strchr("_+-", *s))
                        return false;
        return true;
}

/* Takes a last word that could be the name of a zone off the end. */
static int parse_zone(struct parser *p) {
        const char *blank = memrchr(p->at, ' ', (size_t)(p->end - p->at));

        if (!blank || !is_zone_name(blank + 1))
                return 0;
        if (weekday_of(blank + 1, strlen(blank + 1)) >= 0)
                return calendar_wrong(
                        p->wrong, "\"%s\" is at the place of a zone; days of the week are joined by commas", blank + 1);
        if (strcasecmp(blank + 1, "UTC") == 0)
                p->spec->utc = true;
        else
                p->spec->zone = blank + 1;
        while (blank > p->at && blank[-1] == ' ')
                blank--;
        p->end = blank;
        return 0;
}

/* Reads on in what a shorthand stands for. */
static void expand_shorthand(struct parser *p) {
        size_t n = (size_t)(p->end - p->at);

        for (size_t i = 0; i < ARRAY_SIZE(shorthands); i++)
                if (strlen(shorthands[i].name) == n && strncasecmp(shorthands[i].name, p->at, n) == 0) {
                        p->at = shorthands[i].expression;
                        p->end = p->at + strlen(p->at);
                        return;
                }
}

int calendar_spec_parse(const char *text, struct calendar_spec *ret, char wrong[CALENDAR_WRONG_MAX]) {
        struct parser p = { .at = text, .end = text + strlen(text), .spec = ret, .wrong = wrong };
        int r;

        memset(ret, 0, offsetof(struct calendar_spec, pool));
        ret->n_pool = 0;
        ret->weekdays = WEEKDAYS_ALL;
        if (*text == '\0')
                return calendar_wrong(wrong, "the expression is empty");
        r = parse_zone(&p);
        if (r < 0)
                return r;
        expand_shorthand(&p);
        r = parse_weekdays(&p);
        if (r < 0)
                return r;
        if (peek(&p) == '@')
                return parse_instant(&p);
        r = parse_date(&p);
        if (r < 0)
                return r;
        return parse_time(&p);
}

int calendar_trim(const char *text, char buf[CALENDAR_TEXT_MAX], char wrong[CALENDAR_WRONG_MAX]) {
        size_t n;

        text += strspn(text, " \t");
        n = strlen(text);
        while (n > 0 && strchr(" \t", text[n - 1]))
                n--;
        if (n >= CALENDAR_TEXT_MAX)
                return calendar_wrong(wrong, "the expression is longer than %d bytes", CALENDAR_TEXT_MAX - 1);
        memcpy(buf, text, n);
        buf[n] = '\0';
        return 0;
}

int calendar_parse(const char *text, struct calendar **ret, char wrong[CALENDAR_WRONG_MAX]) {
        char trimmed[CALENDAR_TEXT_MAX];
        struct calendar_spec spec;
        int r;

        r = calendar_trim(text, trimmed, wrong);
        if (r < 0)
                return r;
        r = calendar_spec_parse(trimmed, &spec, wrong);
        if (r < 0)
                return r;
        return calendar_new(trimmed, &spec, ret, wrong);
}
