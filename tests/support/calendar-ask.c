/* SPDX-License-Identifier: MIT */
/* calendar-ask: when expressions elapse by daemon/when/calendar.h, for tests/it/test_calendar_peers.py to compare. Each
 * line of standard input, its fields separated by tabs, is answered by one:
 *
 *	calendar|cron TEXT ZONE AFTER N    the zone unless TEXT names one; AFTER is UTC, in microseconds
 *	ok NORMALIZED UTC:LOCAL:FOLD:KIND…   up to N occurrences, separated by tabs; KIND is unique, gap or repeated
 *	wrong SENTENCE
 */
#include "when/calendar.h"
#include "when/cron.h"

#include <inttypes.h>
#include <stdio.h>

/* Zones that were asked for last: loading one takes longer than all the rest. */
static struct zone *zones[64];

static struct zone *zone_named(const char *name) {
        static size_t n;
        size_t i;

        for (i = 0; i < ARRAY_SIZE(zones); i++)
                if (zones[i] && streq(zone_name(zones[i]), name))
                        return zones[i];
        i = n % ARRAY_SIZE(zones);
        zones[i] = zone_unref(zones[i]);
        if (zone_load(name, &zones[i]) < 0)
                return NULL;
        n++;
        return zones[i];
}

static void answer(char *const fields[5]) {
        static const char *const kinds[] = { "unique", "gap", "repeated" };
        _cleanup_(calendar_freep) struct calendar *calendar = NULL;
        char wrong[CALENDAR_WRONG_MAX] = "", buf[CALENDAR_TEXT_MAX];
        usec_t after = strtoull(fields[3], NULL, 10);
        unsigned long n = strtoul(fields[4], NULL, 10);
        struct occurrence at;
        struct zone *zone;

        if ((streq(fields[0], "cron") ? cron_parse : calendar_parse)(fields[1], &calendar, wrong) < 0) {
                printf("wrong\t%s\n", wrong);
                return;
        }
        zone = zone_named(calendar_zone_name(calendar) ? calendar_zone_name(calendar) : fields[2]);
        if (!zone) {
                puts("wrong\tthere is no such zone");
                return;
        }
        printf("ok\t%s", calendar_format(calendar, buf));
        for (; n > 0 && calendar_next(calendar, zone, after, &at); n--) {
                int64_t utc[2];

                printf("\t%" PRIu64 ":%" PRId64 ":%u:%s", at.utc_usec, at.local_usec, at.fold,
                       kinds[zone_resolve(zone, at.local_usec / (int64_t)USEC_PER_SEC, utc)]);
                after = at.utc_usec;
        }
        putchar('\n');
}

int main(void) {
        char line[2048];

        while (fgets(line, sizeof(line), stdin)) {
                char *fields[5], *rest = line;
                size_t n = 0;

                line[strcspn(line, "\n")] = '\0';
                while (n < ARRAY_SIZE(fields) && (fields[n] = strsep(&rest, "\t")))
                        n++;
                if (n < ARRAY_SIZE(fields))
                        return EXIT_FAILURE;
                answer(fields);
        }
        for (size_t i = 0; i < ARRAY_SIZE(zones); i++)
                zone_unref(zones[i]);
        return EXIT_SUCCESS;
}
