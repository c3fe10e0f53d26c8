/* SPDX-License-Identifier: MIT */
/* calendar-next: how long it takes to find the next occurrence of an expression, each asked for from the one before; of
 * one that never elapses, that it never does. Prints JSON; seconds are those of the processor.
 */
#include "when/calendar.h"
#include "when/cron.h"

#include <stdio.h>
#include <time.h>

#define BEGIN ((usec_t)1704067200 * USEC_PER_SEC) /* 2024 */

static int fail(const char *what) {
        fprintf(stderr, "calendar-next: %s\n", what);
        return 1;
}

int main(int argc, char *argv[]) {
        _cleanup_(calendar_freep) struct calendar *calendar = NULL;
        _cleanup_(zone_unrefp) struct zone *zone = NULL;
        char wrong[CALENDAR_WRONG_MAX];
        struct occurrence at;
        usec_t after = BEGIN;
        clock_t start;
        unsigned long total, never = 0;

        if (argc != 5)
                return fail("needs calendar|cron, an expression, a zone, and how often");
        total = strtoul(argv[4], NULL, 10);
        if ((streq(argv[1], "cron") ? cron_parse : calendar_parse)(argv[2], &calendar, wrong) < 0)
                return fail(wrong);
        if (zone_load(argv[3], &zone) < 0)
                return fail("no such zone");
        start = clock();
        for (unsigned long i = 0; i < total; i++) {
                if (!calendar_next(calendar, zone, after, &at)) {
                        never += after == BEGIN;
                        after = BEGIN;
                } else
                        after = at.utc_usec;
        }
        printf("{\"seconds\": %.6f, \"done\": %lu, \"failed\": 0, \"never\": %lu}\n",
               (double)(clock() - start) / (double)CLOCKS_PER_SEC, total, never);
        return 0;
}
