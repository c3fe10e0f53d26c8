/* SPDX-License-Identifier: MIT */
#pragma once
/* recent: how durations were distributed lately.
 *
 * Two histograms take turns: one is filled for a span, then the other is emptied and filled. Nothing has to wake up for
 * that: it is done when something is recorded, and seen to when it is asked for. Embedded in its owner; all zeroes is empty.
 */
#include "base/histogram.h"

#define RECENT_SPAN_USEC (5 * USEC_PER_SEC)

struct recent {
        struct histogram now, before;
        usec_t since_usec; /* of `now` */
};

void recent_reset(struct recent *recent);

/* @now_usec: of a clock that never goes back. */
void recent_record(struct recent *recent, usec_t now_usec, usec_t usec);

/* What was recorded within the last RECENT_SPAN_USEC, and some of the span before that. */
void recent_get(const struct recent *recent, usec_t now_usec, struct histogram *ret);
