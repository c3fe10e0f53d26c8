/* SPDX-License-Identifier: MIT */
/* openmetrics: the format, and nothing of what is told in it. */
#include "metrics/openmetrics.h"

#include "loop/http_head.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define MSEC USEC_PER_MSEC
#define SEC  USEC_PER_SEC

const usec_t duration_bounds[DURATION_BOUNDS] = {
        5 * MSEC, 25 * MSEC, 100 * MSEC, 500 * MSEC, 1 * SEC,    2500 * MSEC, 5 * SEC,        10 * SEC,
        30 * SEC, 60 * SEC,  300 * SEC,  900 * SEC,  1800 * SEC, 3600 * SEC,  3 * 3600 * SEC, 6 * 3600 * SEC,
};

void durations_record(struct durations *durations, usec_t usec) {
        size_t i = 0;

        while (i < DURATION_BOUNDS && usec > duration_bounds[i])
                i++;
        durations->buckets[i]++;
        durations->count++;
        durations->sum_usec += usec;
}

/* ---- text ---- */

__attribute__((format(printf, 2, 3))) static void put(struct metrics_writer *writer, const char *format, ...) {
        va_list args;
        int n;

        if (writer->full)
                return;
        va_start(args, format);
        n = vsnprintf(writer->buf + writer->n, writer->size - writer->n, format, args);
        va_end(args);
        if (n < 0 || (size_t)n >= writer->size - writer->n)
                writer->full = true;
        else
                writer->n += (size_t)n;
}

static void put_char(struct metrics_writer *writer, char c) {
        if (writer->size - writer->n < 2)
                writer->full = true;
        else
                writer->buf[writer->n++] = c;
}

/* Backslashes and line breaks are escaped; quotes too in labels, and in OpenMetrics everywhere. */
static void put_escaped(struct metrics_writer *writer, const char *text, bool quotes) {
        for (; *text && !writer->full; text++) {
                if (*text == '\\' || *text == '\n' || (*text == '"' && quotes))
                        put_char(writer, '\\');
                put_char(writer, *text == '\n' ? 'n' : *text);
        }
}

static void put_usec(struct metrics_writer *writer, usec_t usec) {
        put(writer, "%" PRIu64 ".%06" PRIu64, usec / SEC, usec % SEC);
}

/* ---- families ---- */

static const struct {
        const char *name;
        const char *plain;  /* for 0.0.4 */
        const char *suffix; /* of samples */
} types[] = {
        [FAMILY_COUNTER] = { "counter", "counter", "_total" }, [FAMILY_GAUGE] = { "gauge", "gauge", "" },
        [FAMILY_HISTOGRAM] = { "histogram", "histogram", "" }, [FAMILY_INFO] = { "info", "gauge", "_info" },
        [FAMILY_STATESET] = { "stateset", "gauge", "" },
};

void metrics_begin(struct metrics_writer *writer, const char *name, enum family_type type, const char *unit,
                   const char *help) {
        const char *suffix = writer->openmetrics ? "" : types[type].suffix;

        writer->name = name;
        writer->type = type;
        put(writer, "# HELP %s%s ", name, suffix);
        put_escaped(writer, help, writer->openmetrics);
        put(writer, "\n# TYPE %s%s %s\n", name, suffix, writer->openmetrics ? types[type].name : types[type].plain);
        if (unit && writer->openmetrics)
                put(writer, "# UNIT %s %s\n", name, unit);
}

static void put_label(struct metrics_writer *writer, struct metrics_label label, char before) {
        put_char(writer, before);
        put(writer, "%s=\"", label.name);
        put_escaped(writer, label.value, true);
        put_char(writer, '"');
}

/* "name_total{a="x",b="y"} " */
static void put_name(struct metrics_writer *writer, const char *suffix, struct metrics_label a,
                     struct metrics_label b) {
        put(writer, "%s%s", writer->name, suffix);
        if (a.name)
                put_label(writer, a, '{');
        if (b.name)
                put_label(writer, b, a.name ? ',' : '{');
        put(writer, a.name || b.name ? "} " : " ");
}

void metrics_count(struct metrics_writer *writer, struct metrics_label a, struct metrics_label b, uint64_t value) {
        put_name(writer, types[writer->type].suffix, a, b);
        put(writer, "%" PRIu64 "\n", value);
}

void metrics_usec(struct metrics_writer *writer, struct metrics_label a, struct metrics_label b, usec_t value) {
        put_name(writer, types[writer->type].suffix, a, b);
        put_usec(writer, value);
        put_char(writer, '\n');
}

/* "0.005", "1.0": the shortest that is the bound, and looks like a number that may have a fraction. */
static const char *format_bound(usec_t usec, char buf[32]) {
        int n = snprintf(buf, 32, "%" PRIu64 ".%06" PRIu64, usec / SEC, usec % SEC);

        while (buf[n - 1] == '0' && buf[n - 2] != '.')
                buf[--n] = '\0';
        return buf;
}

static void put_bucket(struct metrics_writer *writer, struct metrics_label label, const char *le, uint64_t count) {
        put_name(writer, "_bucket", label, LABEL("le", le));
        put(writer, "%" PRIu64 "\n", count);
}

void metrics_histogram(struct metrics_writer *writer, struct metrics_label label, const usec_t *bounds,
                       const uint64_t *counts, size_t n, uint64_t count, usec_t sum_usec) {
        char le[32];

        for (size_t i = 0; i < n; i++)
                put_bucket(writer, label, format_bound(bounds[i], le), counts[i]);
        put_bucket(writer, label, "+Inf", count);
        put_name(writer, "_count", label, NO_LABEL);
        put(writer, "%" PRIu64 "\n", count);
        put_name(writer, "_sum", label, NO_LABEL);
        put_usec(writer, sum_usec);
        put_char(writer, '\n');
}

void metrics_durations(struct metrics_writer *writer, struct metrics_label label, const struct durations *durations) {
        uint64_t counts[DURATION_BOUNDS], sum = 0;

        for (size_t i = 0; i < DURATION_BOUNDS; i++)
                counts[i] = sum += durations->buckets[i];
        metrics_histogram(writer, label, duration_bounds, counts, DURATION_BOUNDS, durations->count,
                          durations->sum_usec);
}

void metrics_end(struct metrics_writer *writer) {
        if (writer->openmetrics)
                put(writer, "# EOF\n");
}

const char *metrics_content_type(const char *accept, bool *ret_openmetrics) {
        unsigned weight = http_accept_weight(accept, "application/openmetrics-text");

        *ret_openmetrics = weight > 0 && weight >= http_accept_weight(accept, "text/plain");
        return *ret_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                : "text/plain; version=0.0.4; charset=utf-8";
}
