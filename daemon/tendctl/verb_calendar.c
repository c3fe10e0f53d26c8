/* SPDX-License-Identifier: MIT */
/* verb_calendar: when an expression elapses, worked out here, without a daemon. */
#include "base/text.h"
#include "tendctl/print.h"
#include "tendctl/time_arg.h"
#include "tendctl/verb.h"
#include "when/cron.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define N_DEFAULT 5
#define N_MAX     1000

#define LOCAL_MAX   40
#define REMARK_MAX  80
#define CRON_FIELDS 5

static const char *const weekdays[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

/* Whether @text is one of cron's: five words, of which OnCalendar has four at most, or a name like @daily, which is not to
 * be taken for OnCalendar's @SECONDS. */
static bool is_cron(const char *text) {
        unsigned n = 0;

        text += strspn(text, " \t");
        if (*text == '@')
                return !isdigit((unsigned char)text[1]);
        for (; *text; text += strspn(text, " \t"), n++)
                text += strcspn(text, " \t");
        return n >= CRON_FIELDS;
}

static int parse_expression(const char *text, struct calendar **ret) {
        bool cron = is_cron(text);
        char wrong[CALENDAR_WRONG_MAX];
        int r = cron ? cron_parse(text, ret, wrong) : calendar_parse(text, ret, wrong);

        if (r == -ENOMEM)
                return ctl_error(CTL_FAILED, "out of memory");
        if (r < 0)
                return ctl_error(CTL_USAGE, "\"%s\" is no %s expression: %s", text, cron ? "cron" : "calendar", wrong);
        return CTL_OK;
}

static int load_zone(const char *name, struct zone **ret) {
        int r = zone_load(name, ret);

        if (r >= 0)
                return CTL_OK;
        if (!name)
                return ctl_error(CTL_FAILED, "the time zone of this machine, /etc/localtime: %s", strerror(-r));
        if (r == -ENOENT || r == -EINVAL)
                return ctl_error(CTL_USAGE,
                                 "there is no time zone %s; their files are below $TZDIR, else /usr/share/zoneinfo",
                                 name);
        return ctl_error(CTL_FAILED, "the time zone %s: %s", name,
                         r == -EBADMSG ? "its file is damaged" : strerror(-r));
}

/* Dates are meant in the zone of the expression. This process has no other use for its own. */
static int parse_from(const char *text, const char *zone, usec_t *ret) {
        *ret = clock_now(CLOCK_ID_REALTIME);
        if (!text)
                return CTL_OK;
        if (zone) {
                if (setenv("TZ", zone, 1) < 0)
                        return ctl_error(CTL_FAILED, "out of memory");
                tzset();
        }
        if (time_arg_parse(text, TIME_FROM_NOW, *ret, ret) < 0)
                return ctl_error(CTL_USAGE, "--from %s: not a time; for instance 2025-03-30, tomorrow, @1700000000",
                                 text);
        return CTL_OK;
}

/* ---- what is shown ---- */

/* "2025-03-30 02:30:00", with microseconds when there are any, which an occurrence has in both of its times. */
static const char *format_local(int64_t secs, unsigned usec, char buf[LOCAL_MAX]) {
        struct civil civil;
        int n;

        civil_from_secs(secs, &civil);
        n = snprintf(buf, LOCAL_MAX, "%04d-%02u-%02u %02u:%02u:%02u", civil.year, civil.month, civil.day, civil.hour,
                     civil.minute, civil.second);
        if (usec > 0 && n > 0 && n < LOCAL_MAX)
                (void)snprintf(buf + n, LOCAL_MAX - (size_t)n, ".%06u", usec);
        return buf;
}

static const char *weekday_of(int64_t secs) {
        return weekdays[civil_weekday(secs / CIVIL_SECS_PER_DAY - (secs % CIVIL_SECS_PER_DAY < 0))];
}

/* The seconds of what an occurrence is called by, and what is less than one. */
static int64_t split_local(const struct occurrence *at, unsigned *ret_usec) {
        int64_t usec = at->local_usec % (int64_t)USEC_PER_SEC;

        if (usec < 0)
                usec += (int64_t)USEC_PER_SEC;
        *ret_usec = (unsigned)usec;
        return (at->local_usec - usec) / (int64_t)USEC_PER_SEC;
}

/* What is odd about it: clocks skip what was written, or show it twice. */
static const char *remark(const struct zone *zone, const struct occurrence *at, char buf[REMARK_MAX]) {
        char local[LOCAL_MAX];
        int64_t utc[2], secs;
        unsigned usec;

        secs = split_local(at, &usec);
        switch (zone_resolve(zone, secs, utc)) {
        case ZONE_GAP:
                (void)snprintf(buf, REMARK_MAX, "for %s, which clocks skip", format_local(secs, usec, local) + 11);
                return buf;
        case ZONE_REPEATED: return at->fold ? "clocks show it for the second time" : "clocks will show it once more";
        case ZONE_UNIQUE:
        default: return "";
        }
}

static void add_row(struct table *table, const struct zone *zone, const struct occurrence *at) {
        int64_t secs = (int64_t)(at->utc_usec / USEC_PER_SEC), local;
        unsigned usec = (unsigned)(at->utc_usec % USEC_PER_SEC);
        char text[LOCAL_MAX], when[WHEN_MAX], odd[REMARK_MAX];
        struct zone_time time;

        zone_at(zone, secs, &time);
        local = secs + time.offset_secs;
        table_cellf(table, PAINT_BOLD, "%s %s", weekday_of(local), format_local(local, usec, text));
        table_cell(table, PAINT_NONE, time.abbreviation);
        table_cell(table, PAINT_NONE, format_local(secs, usec, text));
        table_cell(table, PAINT_NONE, format_relative((json_int_t)at->utc_usec, when));
        table_cell(table, PAINT_WARN, remark(zone, at, odd));
        table_end_row(table);
}

static int print_occurrences(const struct calendar *calendar, const struct zone *zone, usec_t from_usec, uint64_t n) {
        static const char *const headings[] = { "NEXT", "ZONE", "UTC", "IN", "", NULL };
        _cleanup_(table_freep) struct table *table = table_new(headings);
        char normalized[CALENDAR_TEXT_MAX];
        struct occurrence at = { .utc_usec = from_usec };
        uint64_t i;

        if (!table)
                return ctl_error(CTL_FAILED, "out of memory");
        printf("%s%s%s\n", calendar_format(calendar, normalized), calendar_zone_name(calendar) ? "" : " in ",
               calendar_zone_name(calendar) ? "" : zone_name(zone));
        for (i = 0; i < n && calendar_next(calendar, zone, at.utc_usec, &at); i++)
                add_row(table, zone, &at);
        if (i > 0)
                table_print(table);
        if (i == n)
                return CTL_OK;
        if (i == 0 && !calendar_next(calendar, zone, 0, &at))
                printf("it never elapses\n");
        else
                printf("%s\n", i > 0 ? "and never again" : "it does not elapse again");
        return CTL_OK;
}

static int print_occurrences_json(const struct calendar *calendar, const struct zone *zone, usec_t from_usec,
                                  uint64_t n) {
        char normalized[CALENDAR_TEXT_MAX], local[LOCAL_MAX];
        struct occurrence at = { .utc_usec = from_usec };
        json_t *next = json_array();
        int r = next ? 0 : -1;

        for (uint64_t i = 0; r == 0 && i < n && calendar_next(calendar, zone, at.utc_usec, &at); i++) {
                unsigned usec;
                int64_t secs = split_local(&at, &usec);

                r = json_array_append_new(next, json_pack("{s:I, s:s, s:i}", "usec", (json_int_t)at.utc_usec, "local",
                                                          format_local(secs, usec, local), "fold", (int)at.fold));
        }
        if (r < 0) {
                json_decref(next);
                return ctl_error(CTL_FAILED, "out of memory");
        }
        return print_json(json_pack("{s:s, s:o}", "normalized", calendar_format(calendar, normalized), "next", next));
}

int verb_calendar(struct ctl *ctl, const struct verb_args *args) {
        _cleanup_(calendar_freep) struct calendar *calendar = NULL;
        _cleanup_(zone_unrefp) struct zone *zone = NULL;
        const char *lines = args->options[CALENDAR_LINES], *name;
        uint64_t n = N_DEFAULT;
        usec_t from_usec;
        int code;

        if (lines && text_parse_uint(lines, 1, N_MAX, &n) < 0)
                return ctl_error(CTL_USAGE, "--lines %s: a number from 1 to %d", lines, N_MAX);
        code = parse_expression(args->words[0], &calendar);
        if (code != CTL_OK)
                return code;
        name = calendar_zone_name(calendar) ?: args->options[CALENDAR_ZONE];
        code = load_zone(name, &zone);
        if (code == CTL_OK)
                code = parse_from(args->options[CALENDAR_FROM], name, &from_usec);
        if (code != CTL_OK)
                return code;
        return (ctl->json ? print_occurrences_json : print_occurrences)(calendar, zone, from_usec, n);
}
