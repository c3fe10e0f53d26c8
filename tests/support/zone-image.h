/* SPDX-License-Identifier: MIT */
#pragma once
/* zone-image: TZif files made in memory, right ones and wrong ones. */
#include "when/zone.h"

struct zone_file_type {
        int32_t offset;
        uint8_t dst, index;
};

struct zone_file_change {
        int64_t at;
        uint8_t kind;
};

struct zone_file_leap {
        int64_t at;
        int32_t correction;
};

/* What is zero is left out; counts that are set to something lie. */
struct zone_file {
        char version; /* 0: 1 */
        struct zone_file_change changes[8];
        size_t n_changes;
        struct zone_file_type types[4];
        size_t n_types;
        const char *chars;
        size_t n_chars; /* 0: as many as chars has, with the NUL */
        struct zone_file_leap leaps[4];
        size_t n_leaps;
        const char *footer; /* without line breaks */
        uint32_t n_ut, n_std;
};

struct zone_image {
        uint8_t data[4096];
        size_t size;
};

/* Writes what @file says. For old readers there is as little as can be, as in a slim file. */
void zone_file_make(struct zone_image *image, const struct zone_file *file);

/* zone_parse() of it, as "Test/Zone". */
int zone_file_parse(const struct zone_file *file, struct zone **ret);

/* A zone of a file that must be right, or of a footer alone; the caller unrefs it. */
struct zone *zone_of_file(const struct zone_file *file);
struct zone *zone_of_rule(const char *rule);

/* What is in force at @utc. */
int32_t zone_offset_at(const struct zone *zone, int64_t utc);
void zone_assert_at(const struct zone *zone, int64_t utc, int32_t offset, bool dst, const char *abbreviation);

/* Local time as a number, which is also an instant in UTC. */
int64_t zone_secs(int year, unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second);

/* A file of everything: LMT, a day less an hour of summer time, a change of the abbreviation alone, and a rule. */
extern const struct zone_file zone_file_eventful;
