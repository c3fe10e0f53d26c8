/* SPDX-License-Identifier: MIT */
/* zone_file: reads TZif, RFC 9636. A file is input like any other: nothing in it is believed before it was checked.
 *
 *	version 1      header, data with 4-byte times
 *	from 2 on      the same, for old readers: passed over; header, data with 8-byte times, footer
 *
 * Version 3 allows more in the footer and 4 more in the table of leap seconds; both are taken in any version. A version to
 * come is read as 4, because versions only ever added what earlier readers may leave out.
 *
 * The times of "right/" files count leap seconds. These are taken out of each transition once, when the file is read.
 */
#include "when/zone_private.h"

#include <endian.h>

#define HEADER_SIZE   44
#define TYPE_SIZE     6
#define FOOTER_MAX    256
#define N_TYPES_MAX   256
#define N_CHANGES_MAX (ZONE_FILE_MAX / 5) /* a file cannot hold more: each takes a time and a type */

/* What of the data is yet to be read. */
struct reader {
        const uint8_t *at;
        size_t left;
};

/* The numbers in a header, and the parts of the data that it is about. */
struct block {
        uint8_t version;
        size_t time_size; /* 4 or 8 */
        uint32_t n_ut, n_std, n_leaps, n_changes, n_types, n_chars;
        const uint8_t *times;
        const uint8_t *kinds;
        const uint8_t *types;
        const char *chars;
        const uint8_t *leaps;
};

/* The next @size bytes, or NULL. */
static const uint8_t *take(struct reader *reader, uint64_t size) {
        const uint8_t *at = reader->at;

        if (size > reader->left)
                return NULL;
        reader->at += size;
        reader->left -= size;
        return at;
}

static uint32_t get32(const uint8_t *at) {
        uint32_t n;

        memcpy(&n, at, sizeof(n));
        return be32toh(n);
}

static int64_t get_time(const uint8_t *at, size_t size) {
        uint64_t n;

        if (size == 4)
                return (int32_t)get32(at);
        memcpy(&n, at, sizeof(n));
        return (int64_t)be64toh(n);
}

/* A header, and where its data lies. What is in them is not looked at: of a block that is passed over nobody should. */
static int read_block(struct reader *reader, size_t time_size, struct block *ret) {
        const uint8_t *header = take(reader, HEADER_SIZE);
        struct block b = { .time_size = time_size };

        if (!header || memcmp(header, "TZif", 4) != 0)
                return -EBADMSG;
        b.version = header[4];
        if (b.version != 0 && (b.version < '2' || b.version > '9'))
                return -EBADMSG;
        b.n_ut = get32(header + 20);
        b.n_std = get32(header + 24);
        b.n_leaps = get32(header + 28);
        b.n_changes = get32(header + 32);
        b.n_types = get32(header + 36);
        b.n_chars = get32(header + 40);

        /* Products of 32 bits do not overflow here. */
        b.times = take(reader, (uint64_t)b.n_changes * time_size);
        b.kinds = take(reader, b.n_changes);
        b.types = take(reader, (uint64_t)b.n_types * TYPE_SIZE);
        b.chars = (const char *)take(reader, b.n_chars);
        b.leaps = take(reader, (uint64_t)b.n_leaps * (time_size + 4));
        if (!b.times || !b.kinds || !b.types || !b.chars || !b.leaps)
                return -EBADMSG;
        /* Which transitions were written in standard time or UT matters to nobody who has a rule. */
        if (!take(reader, b.n_std) || !take(reader, b.n_ut))
                return -EBADMSG;
        *ret = b;
        return 0;
}

static bool counts_are_sane(const struct block *b) {
        return b->n_types >= 1 && b->n_types <= N_TYPES_MAX && b->n_chars >= 1 && b->n_changes <= N_CHANGES_MAX &&
               (b->n_ut == 0 || b->n_ut == b->n_types) && (b->n_std == 0 || b->n_std == b->n_types);
}

/* Abbreviations are shown on terminals. */
static int read_abbreviation(const struct block *b, uint8_t index, char ret[ZONE_ABBREVIATION_MAX]) {
        size_t n;

        if (index >= b->n_chars)
                return -EBADMSG;
        n = strnlen(b->chars + index, MIN(b->n_chars - index, (uint32_t)ZONE_ABBREVIATION_MAX));
        if (n == b->n_chars - index || n >= ZONE_ABBREVIATION_MAX)
                return -EBADMSG; /* goes on behind the end, or is none */
        for (size_t i = 0; i < n; i++)
                if (b->chars[index + i] <= ' ' || b->chars[index + i] > '~')
                        return -EBADMSG;
        memcpy(ret, b->chars + index, n + 1);
        return 0;
}

static int read_types(const struct block *b, struct zone *zone) {
        int r;

        zone->types = calloc(b->n_types, sizeof(*zone->types));
        if (!zone->types)
                return -ENOMEM;
        zone->n_types = b->n_types;
        for (size_t i = 0; i < b->n_types; i++) {
                const uint8_t *at = b->types + i * TYPE_SIZE;
                struct zone_type *type = &zone->types[i];

                type->offset_secs = (int32_t)get32(at);
                if (type->offset_secs < ZONE_OFFSET_MIN || type->offset_secs > ZONE_OFFSET_MAX || at[4] > 1)
                        return -EBADMSG;
                type->dst = at[4];
                r = read_abbreviation(b, at[5], type->abbreviation);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Leap second @i: since when, and how many there were then. */
static int64_t leap_time(const struct block *b, size_t i) {
        return get_time(b->leaps + i * (b->time_size + 4), b->time_size);
}

static int32_t leap_correction(const struct block *b, size_t i) {
        return (int32_t)get32(b->leaps + i * (b->time_size + 4) + b->time_size);
}

/* They ascend, one at a time: but a table may begin in the middle, and end with when it expires. */
static bool leaps_are_sane(const struct block *b) {
        for (size_t i = 1; i < b->n_leaps; i++) {
                int64_t step = (int64_t)leap_correction(b, i) - leap_correction(b, i - 1);

                if (leap_time(b, i) <= leap_time(b, i - 1))
                        return false;
                if (step != 1 && step != -1 && !(step == 0 && i == b->n_leaps - 1))
                        return false;
        }
        return true;
}

static int read_changes(const struct block *b, struct zone *zone) {
        int64_t time, last = INT64_MIN;
        size_t n_leaps = 0;

        if (!leaps_are_sane(b))
                return -EBADMSG;
        zone->changes = calloc(MAX(b->n_changes, 1u), sizeof(*zone->changes));
        zone->kinds = calloc(MAX(b->n_changes, 1u), sizeof(*zone->kinds));
        if (!zone->changes || !zone->kinds)
                return -ENOMEM;
        zone->n_changes = b->n_changes;
        for (size_t i = 0; i < b->n_changes; i++) {
                time = get_time(b->times + i * b->time_size, b->time_size);
                if ((i > 0 && time <= last) || b->kinds[i] >= b->n_types)
                        return -EBADMSG;
                last = time;
                while (n_leaps < b->n_leaps && leap_time(b, n_leaps) <= time)
                        n_leaps++;

                /* First into our range, where nothing can overflow: times before all are written as -2^59 and less. */
                time = MIN(MAX(time, -ZONE_SECS_MAX), ZONE_SECS_MAX);
                if (n_leaps > 0)
                        time -= leap_correction(b, n_leaps - 1);
                /* A table of leap seconds that begins in the middle takes them out all at once. */
                zone->changes[i] = i > 0 ? MAX(time, zone->changes[i - 1]) : time;
                zone->kinds[i] = b->kinds[i];
        }
        return 0;
}

/* A line of its own, and empty where there is no rule. */
static int read_footer(struct reader *reader, struct zone *zone) {
        const uint8_t *start = take(reader, 1), *end;
        int r;

        if (!start || *start != '\n')
                return -EBADMSG;
        end = memchr(reader->at, '\n', MIN(reader->left, (size_t)FOOTER_MAX));
        if (!end)
                return -EBADMSG;
        if (end == reader->at)
                return 0;
        r = zone_rule_parse((const char *)reader->at, (size_t)(end - reader->at), &zone->rule);
        if (r < 0)
                return r;
        zone->has_rule = true;
        return 0;
}

int zone_parse(const void *data, size_t size, const char *name, struct zone **ret) {
        _cleanup_(zone_unrefp) struct zone *zone = NULL;
        struct reader reader = { data, size };
        struct block block;
        int r;

        if (strlen(name) >= ZONE_NAME_MAX)
                return -EINVAL;
        if (size > ZONE_FILE_MAX)
                return -EBADMSG;
        r = read_block(&reader, 4, &block);
        if (r >= 0 && block.version != 0)
                r = read_block(&reader, 8, &block);
        if (r < 0)
                return r;
        if (!counts_are_sane(&block))
                return -EBADMSG;

        zone = zone_new(name);
        if (!zone)
                return -ENOMEM;
        r = read_types(&block, zone);
        if (r >= 0)
                r = read_changes(&block, zone);
        if (r >= 0 && block.time_size == 8)
                r = read_footer(&reader, zone);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(zone);
        return 0;
}
