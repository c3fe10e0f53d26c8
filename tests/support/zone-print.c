/* SPDX-License-Identifier: MIT */
/* zone-print FROM TO STEP: what daemon/when/zone.h says of the zones named on standard input, for tests/it/test_zones.py
 * to compare. Instants are seconds, from FROM to before TO:
 *
 *	zone NAME
 *	sample AT OFFSET DST ABBREVIATION	of all the instants STEP apart, those that differ from the one before
 *	change AT OFFSET DST ABBREVIATION OFFSET DST ABBREVIATION	a second before, and there
 *	local LOCAL KIND FIRST LAST	around each change
 */
#include "when/zone.h"

#include <inttypes.h>
#include <stdio.h>

static void print_time(const struct zone_time *time) {
        printf(" %d %d %s", time->offset_secs, time->dst, time->abbreviation);
}

static bool same(const struct zone_time *a, const struct zone_time *b) {
        return a->offset_secs == b->offset_secs && a->dst == b->dst && streq(a->abbreviation, b->abbreviation);
}

static void print_samples(const struct zone *zone, int64_t from, int64_t to, int64_t step) {
        struct zone_time time, last = { 0 };

        for (int64_t at = from; at < to; at += step) {
                zone_at(zone, at, &time);
                if (at == from || !same(&time, &last)) {
                        printf("sample %" PRId64, at);
                        print_time(&time);
                        putchar('\n');
                }
                last = time;
        }
}

static void print_local(const struct zone *zone, int64_t local) {
        static const char *const kinds[] = { "unique", "gap", "repeated" };
        int64_t utc[2];
        enum zone_local kind = zone_resolve(zone, local, utc);

        printf("local %" PRId64 " %s %" PRId64 " %" PRId64 "\n", local, kinds[kind], utc[0], utc[1]);
}

/* The first and the last second that clocks skip or repeat, those beside them, and one in the middle. */
static void print_change(const struct zone *zone, int64_t at) {
        struct zone_time before, behind;
        int64_t a, b;

        zone_at(zone, at - 1, &before);
        zone_at(zone, at, &behind);
        printf("change %" PRId64, at);
        print_time(&before);
        print_time(&behind);
        putchar('\n');

        a = at + MIN(before.offset_secs, behind.offset_secs);
        b = at + MAX(before.offset_secs, behind.offset_secs);
        print_local(zone, a - 1);
        print_local(zone, a);
        print_local(zone, a + (b - a) / 2);
        print_local(zone, b - 1);
        print_local(zone, b);
}

int main(int argc, char **argv) {
        int64_t from, to, step;
        char name[256];

        if (argc != 4) {
                fprintf(stderr, "usage: zone-print FROM TO STEP, and names of zones on standard input\n");
                return 2;
        }
        from = strtoll(argv[1], NULL, 10);
        to = strtoll(argv[2], NULL, 10);
        step = strtoll(argv[3], NULL, 10);
        while (fgets(name, sizeof(name), stdin)) {
                struct zone *zone;
                int r;

                name[strcspn(name, "\n")] = '\0';
                r = zone_load(name, &zone);
                if (r < 0) {
                        fprintf(stderr, "%s: %s\n", name, strerror(-r));
                        return 1;
                }
                printf("zone %s\n", name);
                print_samples(zone, from, to, step);
                for (int64_t at = zone_next_change(zone, from); at < to; at = zone_next_change(zone, at))
                        print_change(zone, at);
                zone_unref(zone);
        }
        return 0;
}
