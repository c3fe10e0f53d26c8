/* SPDX-License-Identifier: MIT */
/* zone: which local time is in force when.
 *
 * All questions are put as a walk over segments, stretches of time with one type. zone_segment() finds the one that an
 * instant lies in, by binary search up to the last transition of the file, by the rule behind it. A walk goes forward from
 * end to end, and only as far as offsets can reach (two days and four hours), so a file may have several changes next to each other.
 */
#include "when/zone_private.h"

struct segment {
        const struct zone_type *type;
        int64_t until; /* where the next begins; INT64_MAX: there is none */
};

struct zone *zone_new(const char *name) {
        struct zone *zone;

        zone = calloc(1, sizeof(*zone));
        if (!zone)
                return NULL;
        atomic_init(&zone->n_ref, 1);
        memccpy(zone->name, name, '\0', sizeof(zone->name) - 1);
        return zone;
}

struct zone *zone_ref(struct zone *zone) {
        atomic_fetch_add_explicit(&zone->n_ref, 1, memory_order_relaxed);
        return zone;
}

struct zone *zone_unref(struct zone *zone) {
        if (!zone || atomic_fetch_sub_explicit(&zone->n_ref, 1, memory_order_acq_rel) > 1)
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(zone->paths); i++)
                free(zone->paths[i]);
        free(zone->changes);
        free(zone->kinds);
        free(zone->types);
        free(zone);
        return NULL;
}

const char *zone_name(const struct zone *zone) {
        return zone->name;
}

const char *const *zone_paths(const struct zone *zone) {
        return (const char *const *)zone->paths;
}

/* How many changes there were up to and including @utc_secs. */
static size_t n_changes_until(const struct zone *zone, int64_t utc_secs) {
        size_t low = 0, high = zone->n_changes;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (zone->changes[middle] <= utc_secs)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static struct segment zone_segment(const struct zone *zone, int64_t utc_secs) {
        size_t n = n_changes_until(zone, utc_secs);
        struct segment segment;

        if (n == zone->n_changes && zone->has_rule) {
                segment.type = zone_rule_at(&zone->rule, utc_secs, &segment.until);
                return segment;
        }
        segment.type = &zone->types[n == 0 ? 0 : zone->kinds[n - 1]];
        segment.until = n == zone->n_changes ? INT64_MAX : zone->changes[n];
        return segment;
}

void zone_at(const struct zone *zone, int64_t utc_secs, struct zone_time *ret) {
        const struct zone_type *type = zone_segment(zone, utc_secs).type;

        *ret = (struct zone_time){ type->offset_secs, type->dst, type->abbreviation };
}

enum zone_local zone_resolve(const struct zone *zone, int64_t local_secs, int64_t ret_utc[2]) {
        struct segment segment, next;
        int64_t at, utc, gap = INT64_MAX;
        size_t n = 0;

        local_secs = MIN(MAX(local_secs, INT64_MIN / 2), INT64_MAX / 2); /* so that nothing overflows */
        at = local_secs - ZONE_OFFSET_MAX;
        for (segment = zone_segment(zone, at);; at = segment.until, segment = next) {
                utc = local_secs - segment.type->offset_secs;
                if (utc >= at && utc < segment.until) {
                        ret_utc[n > 0] = utc;
                        n++;
                }
                if (segment.until > local_secs - ZONE_OFFSET_MIN)
                        break;
                next = zone_segment(zone, segment.until);
                if (gap == INT64_MAX && utc >= segment.until && local_secs - next.type->offset_secs < segment.until)
                        gap = segment.until; /* clocks jump over it here */
        }
        if (n == 0) {
                ret_utc[0] = ret_utc[1] = gap;
                return ZONE_GAP;
        }
        if (n == 1)
                ret_utc[1] = ret_utc[0];
        return n == 1 ? ZONE_UNIQUE : ZONE_REPEATED;
}

int64_t zone_next_change(const struct zone *zone, int64_t utc_secs) {
        struct segment segment = zone_segment(zone, utc_secs);
        int32_t offset = segment.type->offset_secs;
        const struct zone_type *last;

        while (segment.until != INT64_MAX) {
                int64_t at = segment.until;

                last = segment.type;
                segment = zone_segment(zone, at);
                if (segment.type->offset_secs != offset)
                        return at;
                /* The rule goes on between two types for ever; when they have one offset, it never changes. */
                if ((last == &zone->rule.std && segment.type == &zone->rule.dst) ||
                    (last == &zone->rule.dst && segment.type == &zone->rule.std))
                        break;
        }
        return INT64_MAX;
}

static bool type_equal(const struct zone_type *a, const struct zone_type *b) {
        return a->offset_secs == b->offset_secs && a->dst == b->dst && streq(a->abbreviation, b->abbreviation);
}

/* From where on the rule is all there is, or nothing changes any more. */
static int64_t end_of_changes(const struct zone *zone) {
        return zone->n_changes > 0 ? zone->changes[zone->n_changes - 1] : -ZONE_SECS_MAX;
}

bool zone_equal(const struct zone *a, const struct zone *b) {
        /* Rules repeat after 400 years: those that agree for so long always do. */
        int64_t end = MAX(end_of_changes(a), end_of_changes(b)) + (int64_t)401 * 366 * CIVIL_SECS_PER_DAY;
        int64_t at = -ZONE_SECS_MAX;

        if (a == b)
                return true;
        while (at < end) {
                struct segment of_a = zone_segment(a, at), of_b = zone_segment(b, at);

                if (!type_equal(of_a.type, of_b.type))
                        return false;
                at = MIN(of_a.until, of_b.until);
        }
        return true;
}
