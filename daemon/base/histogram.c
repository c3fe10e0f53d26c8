/* SPDX-License-Identifier: MIT */
/* histogram: how durations are distributed, see histogram.h. */
#include "base/histogram.h"

#define SUB_BUCKETS (UINT64_C(1) << HISTOGRAM_SUB_BITS)

static size_t bucket_of(usec_t usec) {
        unsigned shift;

        if (usec < SUB_BUCKETS)
                return (size_t)usec;
        if (usec >> HISTOGRAM_MAX_BITS)
                return HISTOGRAM_BUCKETS - 1;

        /* The top bit picks the power of two, the bits right below it the bucket within. */
        shift = 63 - (unsigned)__builtin_clzll(usec) - HISTOGRAM_SUB_BITS;
        return (size_t)(shift * SUB_BUCKETS + (usec >> shift));
}

/* The middle of a bucket: off by at most half its width. */
static usec_t value_of(size_t bucket) {
        usec_t shift, low;

        if (bucket < SUB_BUCKETS)
                return bucket;
        shift = bucket / SUB_BUCKETS - 1;
        low = (SUB_BUCKETS + bucket % SUB_BUCKETS) << shift;
        return low + ((UINT64_C(1) << shift) >> 1);
}

void histogram_reset(struct histogram *histogram) {
        *histogram = (struct histogram){ 0 };
}

void histogram_record(struct histogram *histogram, usec_t usec) {
        if (histogram->count == 0 || usec < histogram->min_usec)
                histogram->min_usec = usec;
        if (usec > histogram->max_usec)
                histogram->max_usec = usec;
        histogram->count++;
        histogram->sum_usec += usec;
        histogram->buckets[bucket_of(usec)]++;
}

void histogram_add(struct histogram *histogram, const struct histogram *from) {
        if (from->count == 0)
                return;
        histogram->min_usec = histogram->count == 0 ? from->min_usec : MIN(histogram->min_usec, from->min_usec);
        histogram->max_usec = MAX(histogram->max_usec, from->max_usec);
        histogram->count += from->count;
        histogram->sum_usec += from->sum_usec;
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                histogram->buckets[i] += from->buckets[i];
}

/* How many of @count records @permille are, rounded up; in parts, so that a large count does not overflow. */
static uint64_t rank_of(uint64_t count, unsigned permille) {
        return count / 1000 * permille + (count % 1000 * permille + 999) / 1000;
}

usec_t histogram_percentile(const struct histogram *histogram, unsigned permille) {
        uint64_t rank, seen = 0;

        if (histogram->count == 0)
                return 0;
        if (permille == 0)
                return histogram->min_usec;

        rank = rank_of(histogram->count, MIN(permille, 1000u));
        if (rank >= histogram->count)
                return histogram->max_usec;

        for (size_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
                seen += histogram->buckets[i];
                if (seen >= rank)
                        return MAX(histogram->min_usec, MIN(value_of(i), histogram->max_usec));
        }
        return histogram->max_usec;
}

uint64_t histogram_count_upto(const struct histogram *histogram, usec_t usec) {
        size_t last = bucket_of(usec);
        uint64_t n = 0;

        for (size_t i = 0; i <= last; i++)
                n += histogram->buckets[i];
        return n;
}

void histogram_summarize(const struct histogram *histogram, struct histogram_summary *ret) {
        *ret = (struct histogram_summary){
                .count = histogram->count,
                .min_usec = histogram_percentile(histogram, 0),
                .p50_usec = histogram_percentile(histogram, 500),
                .p90_usec = histogram_percentile(histogram, 900),
                .p99_usec = histogram_percentile(histogram, 990),
                .max_usec = histogram_percentile(histogram, 1000),
        };
}
