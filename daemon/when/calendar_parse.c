/* SPDX-License-Identifier: MIT */
/* calendar_parse: takes an expression of systemd.time(7) apart.
 *
 *      [WEEKDAYS] [[YEAR-]MONTH-DAY] [HOUR:MINUTE[:SECOND]] [ZONE]
 *
 * Each field is a star or a list of values, ranges and repetitions. What systemd 252 takes is taken, and has the same
 * normalized form. Beyond it: blanks at both ends, a repetition of a star but in years (star/5 is 0/5), and lists of days before the
 * end of the month that systemd forbids by an oversight. A name of a zone is taken if it could be one; whoever loads it knows.
 */
#include "when/calendar_parser.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

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

int calendar_wrong(char wrong[CALENDAR_WRONG_MAX], const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(wrong, CALENDAR_WRONG_MAX, format, ap);
        va_end(ap);
        return -EINVAL;
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

        if (parser_peek(p) == '\0')
                return calendar_wrong(p->wrong, "a day of the week is missing at the end");
        while (p->at + n < p->end && isalpha((unsigned char)p->at[n]))
                n++;
        weekday = weekday_of(p->at, n);
        if (weekday < 0)
                return calendar_wrong(p->wrong, "\"%.*s\" is neither a day of the week nor a shorthand such as daily",
                                      parser_word_length(p), p->at);
        p->at += n;
        return weekday;
}

/* Days and ranges of days; a comma may end them. */
static int parse_weekdays(struct parser *p) {
        unsigned set = 0;

        if (!isalpha((unsigned char)parser_peek(p)))
                return 0;
        do {
                int first = parse_weekday(p), last = first;

                if (first >= 0 && (parser_take(p, "..") || parser_take(p, "-")))
                        last = parse_weekday(p);
                if (first < 0 || last < 0)
                        return -EINVAL;
                if (last < first)
                        return calendar_wrong(p->wrong,
                                              "the range %.3s..%.3s runs backwards: a week begins with Monday",
                                              weekdays[first], weekdays[last]);
                set |= (2u << last) - (1u << first);
        } while (parser_take(p, ",") && parser_peek(p) != ' ' && parser_peek(p) != '\0');
        if (parser_peek(p) != ' ' && parser_peek(p) != '\0')
                return calendar_wrong(p->wrong, "\"%.*s\" makes no sense behind a day of the week",
                                      parser_word_length(p), p->at);
        parser_skip_blanks(p);
        p->spec->weekdays = (uint8_t)set;
        return 0;
}

/* @SECONDS since 1970: one instant. */
static int parse_instant(struct parser *p) {
        const char *from = p->at++;
        struct civil civil;
        int64_t secs = 0;

        for (; isdigit((unsigned char)parser_peek(p)); p->at++)
                secs = secs > INT64_C(100000000000) ? secs : secs * 10 + (*p->at - '0');
        if (p->at == from + 1 || p->at != p->end)
                return calendar_wrong(p->wrong, "\"%.*s\" is not @ and seconds since 1970, and nothing else",
                                      CALENDAR_SHOWN_MAX, from);
        civil_from_secs(MIN(secs, INT64_C(100000000000)), &civil);
        if (civil.year > CALENDAR_YEAR_MAX)
                return calendar_wrong(p->wrong, "\"%.*s\" is after the year %d", CALENDAR_SHOWN_MAX, from,
                                      CALENDAR_YEAR_MAX);
        calendar_set_field(p->spec, FIELD_YEAR, civil.year);
        calendar_set_field(p->spec, FIELD_MONTH, (int)civil.month);
        calendar_set_field(p->spec, FIELD_DAY, (int)civil.day);
        calendar_set_field(p->spec, FIELD_HOUR, (int)civil.hour);
        calendar_set_field(p->spec, FIELD_MINUTE, (int)civil.minute);
        calendar_set_field(p->spec, FIELD_SECOND, (int)civil.second);
        p->spec->utc = true;
        p->spec->zone = NULL;
        return 0;
}

/* [YEAR-]MONTH-DAY or [YEAR-]MONTH~DAY, if the next word is one. */
static int parse_date(struct parser *p) {
        unsigned separators = count_in_word(p, "-~");
        int r;

        if (parser_peek(p) == '\0' || count_in_word(p, ":") > 0)
                return 0;
        if (separators < 1 || separators > 2)
                return calendar_wrong(
                        p->wrong, "\"%.*s\" is neither a date ([YEAR-]MONTH-DAY) nor a time (HOUR:MINUTE[:SECOND])%s",
                        parser_word_length(p), p->at, has_five_words(p) ? "; five fields are `cron`'s" : "");
        if (separators == 2) {
                r = calendar_parse_field(p, FIELD_YEAR);
                if (r < 0)
                        return r;
                if (!parser_take(p, "-"))
                        return calendar_wrong(p->wrong, "\"~\" stands between the month and the day");
        }
        r = calendar_parse_field(p, FIELD_MONTH);
        if (r < 0)
                return r;
        p->spec->from_month_end = parser_take(p, "~");
        if (!p->spec->from_month_end)
                (void)parser_take(p, "-");
        r = calendar_parse_field(p, FIELD_DAY);
        if (r < 0)
                return r;
        if (p->spec->fields[FIELD_DAY].n == 0)
                p->spec->from_month_end = false;
        parser_skip_blanks(p);
        return 0;
}

static int parse_time(struct parser *p) {
        unsigned colons = count_in_word(p, ":");
        int r;

        if (parser_peek(p) == '\0') {
                calendar_set_field(p->spec, FIELD_HOUR, 0);
                calendar_set_field(p->spec, FIELD_MINUTE, 0);
                calendar_set_field(p->spec, FIELD_SECOND, 0);
                return 0;
        }
        if (colons < 1 || colons > 2)
                return calendar_wrong(p->wrong, "\"%.*s\" is not a time (HOUR:MINUTE[:SECOND])", parser_word_length(p),
                                      p->at);
        for (unsigned i = 0; i <= colons; i++) {
                r = calendar_parse_field(p, (enum field_id)(FIELD_HOUR + i));
                if (r < 0)
                        return r;
                if (i < colons && !parser_take(p, ":"))
                        return calendar_wrong(p->wrong, "\"%.*s\" makes no sense behind the %s", parser_word_length(p),
                                              p->at, calendar_field_name((enum field_id)(FIELD_HOUR + i)));
        }
        if (colons == 1)
                calendar_set_field(p->spec, FIELD_SECOND, 0);
        if (parser_peek(p) != '\0')
                return calendar_wrong(p->wrong, "\"%.*s\" behind the time is no name of a zone",
                                      (int)MIN(p->end - p->at, CALENDAR_SHOWN_MAX), p->at + (parser_peek(p) == ' '));
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
        if (parser_peek(&p) == '@')
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
