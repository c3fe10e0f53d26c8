/* SPDX-License-Identifier: MIT */
/* print: colours, times and JSON for people, see print.h. */
#include "tendctl/print.h"

#include "base/text.h"
#include "tendctl/ctl.h"

#include <langinfo.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>

static const char *const paints[_PAINT_MAX] = {
        [PAINT_NONE] = "",         [PAINT_GOOD] = "\033[32m", [PAINT_BAD] = "\033[1;31m",
        [PAINT_WARN] = "\033[33m", [PAINT_DIM] = "\033[2m",   [PAINT_BOLD] = "\033[1m",
};

bool print_has_colour(void) {
        const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

        return isatty(STDOUT_FILENO) && !(no && *no) && term && !streq(term, "dumb");
}

unsigned print_width(void) {
        struct winsize size;

        if (!isatty(STDOUT_FILENO))
                return 0;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return 80;
        return size.ws_col;
}

unsigned print_height(void) {
        struct winsize size;

        if (!isatty(STDOUT_FILENO))
                return 0;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
                return 24;
        return size.ws_row;
}

void print_screen_size(unsigned *ret_height, unsigned *ret_width) {
        static const char *const names[] = { "LINES", "COLUMNS" };
        uint64_t sizes[] = { print_height() ?: 24, print_width() ?: 80 };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (getenv(names[i]))
                        (void)text_parse_uint(getenv(names[i]), 1, 1000, &sizes[i]);
        *ret_height = (unsigned)sizes[0];
        *ret_width = (unsigned)sizes[1];
}

bool print_is_utf8(void) {
        return streq(nl_langinfo(CODESET), "UTF-8");
}

enum paint paint_for(const char *word) {
        static const struct {
                const char *word;
                enum paint paint;
        } words[] = {
                { "up", PAINT_GOOD },         { "gave-up", PAINT_BAD },     { "restarting", PAINT_WARN },
                { "starting", PAINT_WARN },   { "waiting", PAINT_WARN },    { "partly-up", PAINT_WARN },
                { "stopped", PAINT_DIM },     { "slow", PAINT_WARN },       { "ok", PAINT_GOOD },
                { "running", PAINT_GOOD },    { "failed", PAINT_BAD },      { "timeout", PAINT_BAD },
                { "failing", PAINT_BAD },     { "interrupted", PAINT_BAD }, { "remnant", PAINT_BAD },
                { "degraded", PAINT_BAD },    { "full", PAINT_WARN },       { "queued", PAINT_WARN },
                { "cancelled", PAINT_WARN },  { "stopping", PAINT_WARN },   { "never-started", PAINT_DIM },
                { "skipped", PAINT_DIM },     { "stale", PAINT_BAD },       { "paused", PAINT_WARN },
                { "all-paused", PAINT_WARN }, { "disabled", PAINT_DIM },    { "refused", PAINT_BAD },
                { "dropped", PAINT_BAD },     { "outdated", PAINT_WARN },
        };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (streq(words[i].word, word))
                        return words[i].paint;
        return PAINT_NONE;
}

void print_safe_to(FILE *out, const char *text, bool lines) {
        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;

                /* U+0080 … U+009F are control characters too: C2 80 … C2 9F. */
                if (c == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0) {
                        text++;
                        c = 0x7f;
                }
                fputc((c < 0x20 && c != '\t' && !(lines && c == '\n')) || c == 0x7f ? '?' : c, out);
        }
}

void print_safe(const char *text, bool lines) {
        print_safe_to(stdout, text, lines);
}

void print_painted(enum paint paint, const char *text) {
        bool colour = paint != PAINT_NONE && print_has_colour();

        if (colour)
                fputs(paints[paint], stdout);
        print_safe(text, false);
        if (colour)
                fputs("\033[0m", stdout);
}

const char *get_string(const json_t *object, const char *key) {
        const char *value = json_string_value(json_object_get(object, key));

        return value ? value : "";
}

json_int_t get_int(const json_t *object, const char *key) {
        return json_integer_value(json_object_get(object, key));
}

bool get_bool(const json_t *object, const char *key) {
        return json_is_true(json_object_get(object, key));
}

const char *format_outcome(const json_t *end, char buf[WHEN_MAX]) {
        const char *outcome = get_string(end, "outcome"), *error = get_string(end, "error");

        if (streq(outcome, error)) /* a timeout is both */
                error = "";
        (void)snprintf(buf, WHEN_MAX, "%s%s%s", outcome, *error ? "/" : "", error);
        return buf;
}

/* ---- times ---- */

const char *format_span(json_int_t usec, char buf[WHEN_MAX]) {
        usec_t span = usec > 0 ? (usec_t)usec : 0;
        char text[TEXT_USEC_MAX];

        /* Nobody wants the microseconds of a second. */
        if (span >= USEC_PER_MINUTE)
                span -= span % USEC_PER_SEC;
        else if (span >= USEC_PER_MSEC)
                span -= span % USEC_PER_MSEC;
        (void)snprintf(buf, WHEN_MAX, "%s", text_format_usec(span, text));
        return buf;
}

const char *format_short(json_int_t usec, char buf[WHEN_MAX]) {
        static const struct {
                json_int_t usec;
                const char *name;
        } units[] = {
                { (json_int_t)USEC_PER_DAY, "d" },      { (json_int_t)USEC_PER_HOUR, "h" },
                { (json_int_t)USEC_PER_MINUTE, "min" }, { (json_int_t)USEC_PER_SEC, "s" },
                { (json_int_t)USEC_PER_MSEC, "ms" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                if (usec >= units[i].usec) {
                        (void)snprintf(buf, WHEN_MAX, "%lld%s", (long long)(usec / units[i].usec), units[i].name);
                        return buf;
                }
        (void)snprintf(buf, WHEN_MAX, "0s");
        return buf;
}

const char *format_age(json_int_t usec, char buf[WHEN_MAX]) {
        json_int_t second = (json_int_t)USEC_PER_SEC;

        return format_span(usec >= second ? usec - usec % second : usec, buf);
}

const char *format_age_of(json_int_t usec, char buf[WHEN_MAX]) {
        buf[0] = '\0';
        return usec == 0 ? buf : format_age((json_int_t)clock_now(CLOCK_ID_REALTIME) - usec, buf);
}

const char *format_quoted(const char *name, char buf[QUOTED_MAX]) {
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.,:=@#/+%-";
        size_t n = 0;

        if (*name && name[strspn(name, plain)] == '\0') {
                (void)snprintf(buf, QUOTED_MAX, "%s", name);
                return buf;
        }
        buf[n++] = '\'';
        for (; *name && n + sizeof("'\\'''") < QUOTED_MAX; name++)
                n += (size_t)snprintf(buf + n, QUOTED_MAX - n, *name == '\'' ? "'\\''" : "%c", *name);
        buf[n++] = '\'';
        buf[n] = '\0';
        return buf;
}

const char *format_relative(json_int_t usec, char buf[WHEN_MAX]) {
        json_int_t now = (json_int_t)clock_now(CLOCK_ID_REALTIME);
        json_int_t distance = usec > now ? usec - now : now - usec;
        char span[WHEN_MAX];

        if (usec == 0)
                buf[0] = '\0';
        else if (distance < (json_int_t)USEC_PER_SEC)
                (void)snprintf(buf, WHEN_MAX, "now");
        else {
                distance -= distance % (json_int_t)USEC_PER_SEC;
                (void)format_span(distance, span);
                (void)snprintf(buf, WHEN_MAX, usec > now ? "in %.50s" : "%.50s ago", span);
        }
        return buf;
}

const char *format_clock(json_int_t usec, char buf[WHEN_MAX]) {
        time_t then = (time_t)(usec / (json_int_t)USEC_PER_SEC);
        time_t now = (time_t)(clock_now(CLOCK_ID_REALTIME) / USEC_PER_SEC);
        struct tm tm_then, tm_now;

        buf[0] = '\0';
        if (usec == 0 || !localtime_r(&then, &tm_then) || !localtime_r(&now, &tm_now))
                return buf;
        if (tm_then.tm_yday == tm_now.tm_yday && tm_then.tm_year == tm_now.tm_year)
                (void)strftime(buf, WHEN_MAX, "%H:%M:%S", &tm_then);
        else
                (void)strftime(buf, WHEN_MAX, "%Y-%m-%d %H:%M:%S", &tm_then);
        return buf;
}

static bool local_time(json_int_t usec, struct tm *ret) {
        time_t secs = (time_t)(usec / (json_int_t)USEC_PER_SEC);

        return localtime_r(&secs, ret) != NULL;
}

const char *format_date(json_int_t usec, char buf[WHEN_MAX]) {
        struct tm tm;

        buf[0] = '\0';
        if (local_time(usec, &tm))
                (void)strftime(buf, WHEN_MAX, "%Y-%m-%d", &tm);
        return buf;
}

const char *format_time(json_int_t usec, char buf[WHEN_MAX]) {
        struct tm tm;

        buf[0] = '\0';
        if (local_time(usec, &tm))
                (void)strftime(buf, WHEN_MAX, "%H:%M:%S", &tm);
        return buf;
}

const char *format_minute(json_int_t usec, char buf[WHEN_MAX]) {
        size_t n = strlen(format_clock(usec, buf));

        buf[n - MIN(n, strlen(":00"))] = '\0';
        return buf;
}

int print_json(json_t *json) {
        int r = json ? json_dumpf(json, stdout, JSON_INDENT(isatty(STDOUT_FILENO) ? 2 : 0)) : -1;

        json_decref(json);
        if (r < 0)
                return ctl_error(CTL_FAILED, "cannot print the answer");
        putchar('\n');
        return CTL_OK;
}

const char *format_items(const json_t *items, char *buf, size_t size) {
        json_int_t failed = get_int(items, "failed");

        if (failed > 0)
                (void)snprintf(buf, size, "%lld of %lld items ok, %lld failed", (long long)get_int(items, "ok"),
                               (long long)get_int(items, "total"), (long long)failed);
        else
                (void)snprintf(buf, size, "%lld of %lld items ok", (long long)get_int(items, "ok"),
                               (long long)get_int(items, "total"));
        return buf;
}

#define BAR_WIDTH 10

const char *format_progress(const json_t *progress, char *buf, size_t size) {
        json_int_t done = get_int(progress, "done"), total = get_int(progress, "total");
        double share = total > 0 ? (double)MIN(done, total) / (double)total : 0;
        char bar[BAR_WIDTH + 1];

        for (int i = 0; i < BAR_WIDTH; i++)
                bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : ' ';
        bar[BAR_WIDTH] = '\0';
        (void)snprintf(buf, size, "[%s] %d%% %lld/%lld", bar, (int)(share * 100), (long long)done, (long long)total);
        return buf;
}

const char *format_state(const json_t *service, const char *state, char buf[WHEN_MAX]) {
        char when[WHEN_MAX];

        if (!service)
                return state;
        (void)snprintf(buf, WHEN_MAX, "%.20s%s%.40s", get_string(service, "state"),
                       get_int(service, "restart_usec") > 0 ? " " : "",
                       format_relative(get_int(service, "restart_usec"), when));
        return buf;
}

void print_fact(const char *name, const char *value) {
        if (!*value)
                return;
        printf("  %-14s ", name);
        print_safe(value, false);
        putchar('\n');
}

static void print_visible(const char *text, FILE *out) {
        for (; *text; text++)
                fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

void print_findings(const json_t *findings, FILE *out) {
        const json_t *finding;
        size_t index;

        json_array_foreach((json_t *)findings, index, finding) {
                const char *file = get_string(finding, "file"), *key = get_string(finding, "key");

                if (*file) {
                        print_visible(file, out);
                        if (get_int(finding, "line") > 0)
                                fprintf(out, ":%lld", (long long)get_int(finding, "line"));
                        fputs(": ", out);
                }
                if (*key)
                        fprintf(out, "%s: ", key);
                if (streq(get_string(finding, "severity"), "warning"))
                        fputs("warning: ", out);
                print_visible(get_string(finding, "text"), out);
                fputc('\n', out);
        }
}
