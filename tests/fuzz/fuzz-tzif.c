/* SPDX-License-Identifier: MIT */
/* fuzz-tzif: any bytes are a zone or refused; and a zone contradicts itself nowhere: its changes ascend and change something,
 * local times come from where they are said to, and it is equal to itself read again. */
#include "when/zone.h"

#include <assert.h>

#define CHANGES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t offset_at(const struct zone *zone, int64_t utc) {
        struct zone_time time;

        zone_at(zone, utc, &time);
        assert(time.offset_secs > -90000 && time.offset_secs < 93600);
        assert(strlen(time.abbreviation) < ZONE_ABBREVIATION_MAX);
        return time.offset_secs;
}

static void check_local(const struct zone *zone, int64_t local) {
        int64_t utc[2];
        enum zone_local kind = zone_resolve(zone, local, utc);

        if (kind == ZONE_GAP) {
                assert(utc[0] == utc[1]);
                assert(utc[0] + offset_at(zone, utc[0] - 1) <= local);
                assert(utc[0] + offset_at(zone, utc[0]) > local);
                return;
        }
        assert((utc[0] < utc[1]) == (kind == ZONE_REPEATED) && utc[0] <= utc[1]);
        for (int i = 0; i < 2; i++)
                assert(utc[i] + offset_at(zone, utc[i]) == local);
}

/* The local times at and beside the edges of what clocks skip or repeat at @utc, and that of @utc itself in both directions. */
static void check_change(const struct zone *zone, int64_t utc) {
        int64_t edges[] = { utc + offset_at(zone, utc - 1), utc + offset_at(zone, utc) }, both[2];

        for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
                for (int64_t local = edges[i] - 1; local <= edges[i] + 1; local++)
                        check_local(zone, local);
        assert(zone_resolve(zone, edges[1], both) != ZONE_GAP);
        assert(both[0] <= utc && both[1] >= utc);
}

static void check_walk(const struct zone *zone, int64_t from) {
        int64_t change;

        for (int i = 0; i < CHANGES_MAX; i++, from = change) {
                change = zone_next_change(zone, from);
                assert(change > from || from == INT64_MAX);
                if (change == INT64_MAX)
                        return;
                assert(offset_at(zone, change) != offset_at(zone, change - 1));
                assert(offset_at(zone, from) == offset_at(zone, change - 1));
                check_change(zone, change);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const int64_t starts[] = { INT64_MIN, -5000000000, 0, 1700000000, 4102444800, 2000000000000 };
        struct zone *zone = NULL, *again = NULL;
        int r = zone_parse(data, size, "fuzz", &zone);

        assert(r == 0 || r == -EBADMSG);
        assert((r == 0) == (zone != NULL));
        if (r < 0)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
                check_walk(zone, starts[i]);
        assert(zone_parse(data, size, "again", &again) == 0);
        assert(zone_equal(zone, again));
        zone_unref(zone);
        zone_unref(again);
        return 0;
}
