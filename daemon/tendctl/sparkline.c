/* SPDX-License-Identifier: MIT */
/* sparkline: see sparkline.h. */
#include "tendctl/sparkline.h"

#define LEVELS 8

static const char *const bars[2][LEVELS] = {
        { "_", ".", "-", "~", "=", "+", "*", "#" },
        { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
};

static const char *const marks[2][_SPARK_MAX] = {
        { [SPARK_FAILED] = "x", [SPARK_OTHER] = ":" },
        { [SPARK_FAILED] = "✗", [SPARK_OTHER] = "·" },
};

const char *sparkline_glyph(enum spark spark, usec_t usec, usec_t max_usec, bool utf8) {
        double share = max_usec > 0 ? (double)usec / (double)max_usec : 0;
        int level = (int)(share * LEVELS);

        return spark == SPARK_OK ? bars[utf8][MIN(level, LEVELS - 1)] : marks[utf8][spark];
}
