/* SPDX-License-Identifier: MIT */
/* recent: how durations were distributed lately, see recent.h. */
#include "base/recent.h"

void recent_reset(struct recent *recent) {
        histogram_reset(&recent->now);
        histogram_reset(&recent->before);
        recent->since_usec = 0;
}

void recent_record(struct recent *recent, usec_t now_usec, usec_t usec) {
        usec_t age = usec_sub(now_usec, recent->since_usec);

        if (age >= RECENT_SPAN_USEC) {
                if (age < 2 * RECENT_SPAN_USEC)
                        recent->before = recent->now;
                else
                        histogram_reset(&recent->before);
                histogram_reset(&recent->now);
                recent->since_usec = now_usec;
        }
        histogram_record(&recent->now, usec);
}

void recent_get(const struct recent *recent, usec_t now_usec, struct histogram *ret) {
        usec_t age = usec_sub(now_usec, recent->since_usec);

        histogram_reset(ret);
        if (age < 2 * RECENT_SPAN_USEC)
                histogram_add(ret, &recent->now);
        if (age < RECENT_SPAN_USEC)
                histogram_add(ret, &recent->before);
}
