/* SPDX-License-Identifier: MIT */
#pragma once
/* histogram: how durations are distributed, in fixed memory.
 *
 * Buckets are log-linear: each power of two is cut into 32 equal ones, so that a percentile is wrong by less than 2 %
 * of its value, whatever was recorded; below 64 µs it is exact. Values above 2^40 µs (12 days) share the last bucket.
 * Minimum, maximum and count are exact. Embedded in its owner; all zeroes is an empty histogram.
 */
#include "base/clock.h"

#define HISTOGRAM_SUB_BITS 5
#define HISTOGRAM_MAX_BITS 40
#define HISTOGRAM_BUCKETS  ((HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
        uint64_t count;
        usec_t sum_usec;
        usec_t min_usec; /* meaningless while @count is 0 */
        usec_t max_usec;
        uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_reset(struct histogram *histogram);

void histogram_record(struct histogram *histogram, usec_t usec);

/* Adds what @from has. */
void histogram_add(struct histogram *histogram, const struct histogram *from);

/* The value below or at which @permille (0 … 1000) thousandths of the records lie: 500 is the median. 0 when there are
 * none. 0 ‰ is the minimum and 1000 ‰ the maximum, exactly. */
usec_t histogram_percentile(const struct histogram *histogram, unsigned permille);

/* How many of the records are at most @usec, and of those that are up to a 32nd above it perhaps some. */
uint64_t histogram_count_upto(const struct histogram *histogram, usec_t usec);

struct histogram_summary {
        uint64_t count;
        usec_t min_usec;
        usec_t p50_usec;
        usec_t p90_usec;
        usec_t p99_usec;
        usec_t max_usec;
};

/* The usual figures at once; all 0 when nothing was recorded. */
void histogram_summarize(const struct histogram *histogram, struct histogram_summary *ret);
