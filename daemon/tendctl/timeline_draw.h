/* SPDX-License-Identifier: MIT */
#pragma once
/* timeline_draw: a chart on the terminal, or as a picture. */
#include "tendctl/timeline.h"

#include <stdio.h>

/* Prints it, @width columns wide. Returns 0 or -ENOMEM. */
int timeline_print(const struct timeline *timeline, unsigned width);

/* Writes it as SVG. Returns 0; what goes wrong with @out is known by ferror(3). */
void timeline_write_svg(const struct timeline *timeline, FILE *out);

/* "2026-11-29 12:00 to 2026-11-30 12:00 CET"; where clocks were set between, both have their zone. */
#define TIMELINE_TITLE_MAX 96
const char *timeline_title(const struct timeline *timeline, char buf[TIMELINE_TITLE_MAX]);
