/* SPDX-License-Identifier: MIT */
/* zone-image: see zone-image.h. */
#include "support/zone-image.h"

#include <check.h>
#include <endian.h>
#include <inttypes.h>

const struct zone_file zone_file_eventful = {
        .version = '2',
        .changes = { { -3000000000, 1 }, { 1000000, 2 }, { 2000000, 1 }, { 3000000, 3 }, { 4000000, 1 } },
        .n_changes = 5,
        .types = { { 1172, 0, 0 }, { 3600, 0, 4 }, { 3600 + 86400 - 3600, 1, 8 }, { 3600, 0, 12 } },
        .n_types = 4,
        .chars = "LMT\0AAA\0BBB\0CCC",
        .n_chars = 16,
        .footer = "CET-1CEST,M3.5.0,M10.5.0/3",
};

static void put(struct zone_image *image, const void *data, size_t size) {
        ck_assert_uint_le(image->size + size, sizeof(image->data));
        memcpy(image->data + image->size, data, size);
        image->size += size;
}

static void put32(struct zone_image *image, uint32_t n) {
        n = htobe32(n);
        put(image, &n, sizeof(n));
}

static void put_time(struct zone_image *image, int64_t time, bool wide) {
        uint64_t n = htobe64((uint64_t)time);

        if (wide)
                put(image, &n, sizeof(n));
        else
                put32(image, (uint32_t)time);
}

static void put_block(struct zone_image *image, const struct zone_file *file, bool wide) {
        static const uint8_t zeros[256];
        size_t n_chars = file->n_chars ? file->n_chars : strlen(file->chars) + 1;

        put(image, "TZif", 4);
        put(image, &file->version, 1);
        put(image, zeros, 15);
        put32(image, file->n_ut);
        put32(image, file->n_std);
        put32(image, (uint32_t)file->n_leaps);
        put32(image, (uint32_t)file->n_changes);
        put32(image, (uint32_t)file->n_types);
        put32(image, (uint32_t)n_chars);
        for (size_t i = 0; i < file->n_changes; i++)
                put_time(image, file->changes[i].at, wide);
        for (size_t i = 0; i < file->n_changes; i++)
                put(image, &file->changes[i].kind, 1);
        for (size_t i = 0; i < file->n_types; i++) {
                put32(image, (uint32_t)file->types[i].offset);
                put(image, &file->types[i].dst, 1);
                put(image, &file->types[i].index, 1);
        }
        put(image, file->chars, n_chars);
        for (size_t i = 0; i < file->n_leaps; i++) {
                put_time(image, file->leaps[i].at, wide);
                put32(image, (uint32_t)file->leaps[i].correction);
        }
        put(image, zeros, file->n_std);
        put(image, zeros, file->n_ut);
}

void zone_file_make(struct zone_image *image, const struct zone_file *file) {
        struct zone_file old = { .version = file->version, .types = { { 0 } }, .n_types = 1, .chars = "" };

        image->size = 0;
        if (!file->version) {
                put_block(image, file, false);
                return;
        }
        put_block(image, &old, false);
        put_block(image, file, true);
        put(image, "\n", 1);
        put(image, file->footer, strlen(file->footer));
        put(image, "\n", 1);
}

int zone_file_parse(const struct zone_file *file, struct zone **ret) {
        struct zone_image image;

        zone_file_make(&image, file);
        return zone_parse(image.data, image.size, "Test/Zone", ret);
}

struct zone *zone_of_file(const struct zone_file *file) {
        struct zone *zone = NULL;

        ck_assert_int_eq(zone_file_parse(file, &zone), 0);
        return zone;
}

struct zone *zone_of_rule(const char *rule) {
        struct zone_file file = { .version = '3', .types = { { 0 } }, .n_types = 1, .chars = "-00", .footer = rule };
        struct zone *zone = NULL;

        ck_assert_msg(zone_file_parse(&file, &zone) == 0, "%s is refused", rule);
        return zone;
}

int64_t zone_secs(int year, unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second) {
        return civil_to_secs(&(struct civil){ year, month, day, hour, minute, second });
}

void zone_assert_at(const struct zone *zone, int64_t utc, int32_t offset, bool dst, const char *abbreviation) {
        struct zone_time time;

        zone_at(zone, utc, &time);
        ck_assert_msg(time.offset_secs == offset && time.dst == dst && streq(time.abbreviation, abbreviation),
                      "at %" PRId64 ": %d %d %s, not %d %d %s", utc, time.offset_secs, time.dst, time.abbreviation,
                      offset, dst, abbreviation);
}

int32_t zone_offset_at(const struct zone *zone, int64_t utc) {
        struct zone_time time;

        zone_at(zone, utc, &time);
        return time.offset_secs;
}
