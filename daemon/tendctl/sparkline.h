/* SPDX-License-Identifier: MIT */
#pragma once
/* sparkline: a row of numbers as one line of bars, each a character high. */
#include "base/clock.h"

enum spark {
        SPARK_OK,
        SPARK_FAILED, /* a cross, whatever it took */
        SPARK_OTHER,  /* neither: a dot */
        _SPARK_MAX,
};

/* The character for one that took @usec where the longest of the row took @max_usec: bars grow from nothing, so that twice
 * as high is twice as long. */
const char *sparkline_glyph(enum spark spark, usec_t usec, usec_t max_usec, bool utf8);
