/* SPDX-License-Identifier: MIT */
#pragma once
/* timeline_axis: ticks of a time axis at round times of the clock here, also where clocks are set forward or back. */
#include "base/clock.h"

#define TICK_TEXT_MAX 24
#define TICKS_MAX     200

struct tick {
        usec_t usec;
        char text[TICK_TEXT_MAX]; /* "14:30"; at midnight "11-29" */
};

/* At most @max (1 … TICKS_MAX) ticks from @from_usec on and before @until_usec, in @ret, as close as that allows. Returns how many. */
size_t axis_ticks(usec_t from_usec, usec_t until_usec, size_t max, struct tick *ret);
