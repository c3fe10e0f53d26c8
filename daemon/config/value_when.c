/* SPDX-License-Identifier: MIT */
/* value_when: the types of the keys that say when a task starts.
 *
 * What they store is in task->when, which whatever comes first makes: most tasks have none of it. One that is left with no
 * trigger, as defaults sections may say how long to wait for files that nobody watches, is dropped when all keys of the
 * task have been read.
 */
#include "base/text.h"
#include "config/config.h"
#include "config/keys.h"
#include "loop/watch.h"
#include "when/cron.h"

static struct when_part *when_of(void *base) {
        struct task *task = base;

        if (task->when)
                return task->when;
        task->when = calloc(1, sizeof(*task->when));
        if (task->when)
                task->when->watch_settle_usec = WATCH_SETTLE_DEFAULT;
        return task->when;
}

/* ---- timezone ---- */

/* Whether there is such a zone is seen when it is loaded. */
static int parse_zone(const struct key *key, struct value *value, void *base) {
        const char *text = value->texts[0];
        char **member = value_member(key, base);

        if (*text == '\0' || *text == '/' || strlen(text) >= ZONE_NAME_MAX || strpbrk(text, " \t"))
                return value_wrong_text(value, -EINVAL, text, "time zone");
        free(*member);
        *member = TAKE_PTR(value->texts[0]);
        return 0;
}

static void allow_zone(const struct key *key _unused_, FILE *out) {
        fputs("the name of a time zone, such as Europe/Berlin or UTC", out);
}

const struct value_type value_zone = { "ZONE", VALUE_SCALAR, parse_zone, allow_zone, value_show_string };

/* ---- watch, watch-settle ---- */

static int check_pattern(struct value *value, const char *text) {
        size_t length = strlen(text);

        if (*text != '/')
                return value_wrong_text(value, -EINVAL, text, "absolute path");
        if (watch_check_pattern(text) == -ENAMETOOLONG)
                return value_wrong(value, "the pattern is too long");
        if (watch_check_pattern(text) == -E2BIG)
                return value_wrong(value, "the pattern has more than %d parts", WATCH_PARTS_MAX);
        if (text[length - 1] == '/')
                return value_wrong(value, "%.*s names a directory (write %.*s* for the files in it)", VALUE_SHOWN_MAX,
                                   text, VALUE_SHOWN_MAX, text);
        return 0;
}

static int parse_watch(const struct key *key _unused_, struct value *value, void *base) {
        struct when_part *when;

        if (value->n == 0)
                return value_wrong(value, "the value is missing");
        for (value->at = 0; value->at < value->n; value->at++) {
                int r = check_pattern(value, value->texts[value->at]);

                if (r < 0)
                        return r;
        }
        when = when_of(base);
        if (!when)
                return -ENOMEM;
        text_strv_free(when->watch);
        when->watch = TAKE_PTR(value->texts);
        return 0;
}

static void allow_watch(const struct key *key _unused_, FILE *out) {
        fputs("paths that begin with /, one a line; * ? and [] match", out);
}

static void show_watch(const struct key *key _unused_, const void *base, FILE *out) {
        const struct task *task = base;

        for (size_t i = 0; task->when && task->when->watch && task->when->watch[i]; i++)
                fprintf(out, "%s%s", i > 0 ? "\n" : "", task->when->watch[i]);
}

const struct value_type value_watch = { "PATTERN", VALUE_LINES, parse_watch, allow_watch, show_watch };

static int parse_settle(const struct key *key, struct value *value, void *base) {
        struct when_part *when = when_of(base);
        struct key of_part = *key;

        if (!when)
                return -ENOMEM;
        of_part.offset = offsetof(struct when_part, watch_settle_usec);
        return value_duration.parse(&of_part, value, when);
}

static void allow_settle(const struct key *key, FILE *out) {
        value_duration.allow(key, out);
}

static void show_settle(const struct key *key _unused_, const void *base, FILE *out) {
        const struct task *task = base;

        if (task->when && task->when->watch)
                value_show_usec(task->when->watch_settle_usec, out);
}

const struct value_type value_settle = { "DURATION", VALUE_SCALAR, parse_settle, allow_settle, show_settle };

/* ---- calendar, cron ---- */

/* A word that the parser of expressions repeats between quotes, and what may have been meant by it. */
static const char *meant_by(const char *wrong, const char *const *words) {
        const char *begin = strchr(wrong, '"'), *end = begin ? strchr(begin + 1, '"') : NULL;
        char word[32];
        size_t n = 0;

        if (!end || (size_t)(end - begin) > sizeof(word))
                return NULL;
        (void)snprintf(word, sizeof(word), "%.*s", (int)(end - begin - 1), begin + 1);
        while (words[n])
                n++;
        return text_nearest(word, words, n);
}

static void free_expressions(struct task_calendar *expressions, size_t n) {
        for (size_t i = 0; i < n; i++)
                calendar_free(expressions[i].calendar);
        free(expressions);
}

typedef int (*parse_fn)(const char *text, struct calendar **ret, char wrong[CALENDAR_WRONG_MAX]);

/* What the zones are is seen when all keys of the task are known. */
static int parse_expressions(struct value *value, parse_fn parse, const char *const *words,
                             struct task_calendar **ret) {
        struct task_calendar *expressions;
        char wrong[CALENDAR_WRONG_MAX];
        int r = 0;

        if (value->n == 0)
                return value_wrong(value, "the value is missing");
        expressions = calloc(value->n, sizeof(*expressions));
        if (!expressions)
                return -ENOMEM;
        for (size_t i = 0; i < value->n && r == 0; i++) {
                value->at = i;
                r = parse(value->texts[i], &expressions[i].calendar, wrong);
        }
        if (r == 0) {
                *ret = expressions;
                return 0;
        }
        free_expressions(expressions, value->n);
        if (r != -EINVAL)
                return r;
        value->meant = meant_by(wrong, words);
        return value_wrong(value, "%s", wrong);
}

static void show_expressions(const struct task_calendar *expressions, size_t n, FILE *out) {
        for (size_t i = 0; i < n; i++)
                fprintf(out, "%s%s", i > 0 ? "\n" : "", calendar_text(expressions[i].calendar));
}

static int parse_calendars(const struct key *key _unused_, struct value *value, void *base) {
        static const char *const words[] = { "Mon",       "Tue",      "Wed",     "Thu",       "Fri",          "Sat",
                                             "Sun",       "Monday",   "Tuesday", "Wednesday", "Thursday",     "Friday",
                                             "Saturday",  "Sunday",   "hourly",  "daily",     "weekly",       "monthly",
                                             "quarterly", "minutely", "yearly",  "annually",  "semiannually", NULL };
        struct when_part *when = when_of(base);
        struct task_calendar *expressions;
        int r = when ? parse_expressions(value, calendar_parse, words, &expressions) : -ENOMEM;

        if (r < 0)
                return r;
        free_expressions(when->calendars, when->n_calendars);
        when->calendars = expressions;
        when->n_calendars = value->n;
        return 0;
}

static void allow_calendars(const struct key *key _unused_, FILE *out) {
        fputs("expressions of systemd.time(7), one a line", out);
}

static void show_calendars(const struct key *key _unused_, const void *base, FILE *out) {
        const struct task *task = base;

        if (task->when)
                show_expressions(task->when->calendars, task->when->n_calendars, out);
}

const struct value_type value_calendars = {
        "EXPRESSION", VALUE_LINES, parse_calendars, allow_calendars, show_calendars,
};

static int parse_crons(const struct key *key _unused_, struct value *value, void *base) {
        static const char *const words[] = { "sun",     "mon",       "tue",    "wed",       "thu",     "fri",
                                             "sat",     "jan",       "feb",    "mar",       "apr",     "may",
                                             "jun",     "jul",       "aug",    "sep",       "oct",     "nov",
                                             "dec",     "@hourly",   "@daily", "@midnight", "@weekly", "@monthly",
                                             "@yearly", "@annually", NULL };
        struct when_part *when = when_of(base);
        struct task_calendar *expressions;
        int r = when ? parse_expressions(value, cron_parse, words, &expressions) : -ENOMEM;

        if (r < 0)
                return r;
        free_expressions(when->crons, when->n_crons);
        when->crons = expressions;
        when->n_crons = value->n;
        return 0;
}

static void allow_crons(const struct key *key _unused_, FILE *out) {
        fputs("minute hour day month weekday as in crontab(5), or @daily and the like, one a line", out);
}

static void show_crons(const struct key *key _unused_, const void *base, FILE *out) {
        const struct task *task = base;

        if (task->when)
                show_expressions(task->when->crons, task->when->n_crons, out);
}

const struct value_type value_crons = { "FIELDS", VALUE_LINES, parse_crons, allow_crons, show_crons };
