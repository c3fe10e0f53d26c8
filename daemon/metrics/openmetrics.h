/* SPDX-License-Identifier: MIT */
#pragma once
/* openmetrics: writes families of metrics as text, OpenMetrics 1.0 or the text format 0.0.4 of Prometheus.
 *
 * The writer fills a buffer of the caller's. What does not fit is not written, and noted: the caller goes back to where a
 * row began, and writes it again into the next buffer.
 */
#include "base/clock.h"

enum family_type {
        FAMILY_COUNTER,
        FAMILY_GAUGE,
        FAMILY_HISTOGRAM,
        FAMILY_INFO,     /* a gauge for 0.0.4, which does not know it; so is the next */
        FAMILY_STATESET, /* the label has the family's name */
};

/* Durations count in these; one more bucket has those above. */
#define DURATION_BOUNDS 16
extern const usec_t duration_bounds[DURATION_BOUNDS];

struct durations {
        uint64_t count;
        usec_t sum_usec;
        uint64_t buckets[DURATION_BOUNDS + 1]; /* each without those below */
};

void durations_record(struct durations *durations, usec_t usec);

struct metrics_writer {
        char *buf;
        size_t size;
        size_t n;
        bool openmetrics; /* else 0.0.4 */
        bool full;        /* something did not fit */
        const char *name; /* of the present family, without _total and _info */
        enum family_type type;
};

struct metrics_label {
        const char *name; /* NULL: there is none */
        const char *value;
};

#define LABEL(n, v)                                                                                                    \
        (const struct metrics_label) {                                                                                 \
                (n), (v)                                                                                               \
        }
#define NO_LABEL LABEL(NULL, NULL)

/* Begins a family: what it is called, which unit its name ends with (NULL: none), what it is. */
void metrics_begin(struct metrics_writer *writer, const char *name, enum family_type type, const char *unit,
                   const char *help);

/* One sample of it. */
void metrics_count(struct metrics_writer *writer, struct metrics_label a, struct metrics_label b, uint64_t value);
/* The same in seconds. */
void metrics_usec(struct metrics_writer *writer, struct metrics_label a, struct metrics_label b, usec_t value);
/* All samples of a histogram that counts in @n bounds of its own; @counts[i]: those up to @bounds[i]. */
void metrics_histogram(struct metrics_writer *writer, struct metrics_label label, const usec_t *bounds,
                       const uint64_t *counts, size_t n, uint64_t count, usec_t sum_usec);
void metrics_durations(struct metrics_writer *writer, struct metrics_label label, const struct durations *durations);

/* Behind the last family. */
void metrics_end(struct metrics_writer *writer);

/* The type of the content, by what the client accepts: OpenMetrics where it asks for it. */
const char *metrics_content_type(const char *accept, bool *ret_openmetrics);
