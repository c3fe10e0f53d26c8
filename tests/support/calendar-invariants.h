/* SPDX-License-Identifier: MIT */
#pragma once
/* calendar-invariants: what holds of every expression, for the fuzz targets. */
#include "when/calendar.h"

typedef int (*calendar_parse_fn)(const char *text, struct calendar **ret, char wrong[CALENDAR_WRONG_MAX]);

/* Parses the first line of @data and follows it; where the rest is from is an instant. Aborts when a sentence about a mistake is missing,
 * when the normalized form means something else, or when an occurrence is not later than the one before it and called by
 * a name of its own. */
void calendar_check_invariants(const uint8_t *data, size_t size, calendar_parse_fn parse);
