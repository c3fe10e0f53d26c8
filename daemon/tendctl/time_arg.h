/* SPDX-License-Identifier: MIT */
#pragma once
/* time_arg: instants as people write them on a command line, in the time zone of the one who does. */
#include "base/clock.h"

/* What a span without a sign says: "2h" with --since is two hours ago, with --until of what is to come in two hours. */
enum time_direction {
        TIME_AGO,
        TIME_FROM_NOW,
};

/* The instant (realtime) that @text names when it is @now_usec:
 *   now  today  yesterday  tomorrow          the latter three begin at midnight, or "yesterday 18:30"
 *   2025-03-30  2025-03-30 02:30[:15]        also with T for the blank; with Z or " UTC" behind it: not local
 *   02:30[:15]                               today
 *   2h  "1d 12h"                             @direction says which way
 *   -2h  "2h ago"  +2h  "in 2h"
 *   @1700000000[.5]                          seconds since 1970
 * A time that clocks skip is taken for the one after the gap, one that they show twice for the first. Before 1970
 * becomes 1970. Returns 0, -EINVAL (not understood, no such date, a number without a unit), -ERANGE (after year 9999). */
int time_arg_parse(const char *text, enum time_direction direction, usec_t now_usec, usec_t *ret);
