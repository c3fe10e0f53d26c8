/* SPDX-License-Identifier: MIT */
/* zone: local time as files and their rules say, both ways; and no file, however made, is read past its end or believed. */
#include "when/zone.h"

#include <check.h>
#include <endian.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* ---- files made here ---- */

struct type {
        int32_t offset;
        uint8_t dst, index;
};

struct change {
        int64_t at;
        uint8_t kind;
};

struct leap {
        int64_t at;
        int32_t correction;
};

/* What is zero is left out; counts that are set to something lie. */
struct file {
        char version; /* 0: 1 */
        struct change changes[8];
        size_t n_changes;
        struct type types[4];
        size_t n_types;
        const char *chars;
        size_t n_chars; /* 0: as many as chars has, with the NUL */
        struct leap leaps[4];
        size_t n_leaps;
        const char *footer; /* without line breaks */
        uint32_t n_ut, n_std;
};

struct image {
        uint8_t data[4096];
        size_t size;
};

static void put(struct image *image, const void *data, size_t size) {
        ck_assert_uint_le(image->size + size, sizeof(image->data));
        memcpy(image->data + image->size, data, size);
        image->size += size;
}

static void put32(struct image *image, uint32_t n) {
        n = htobe32(n);
        put(image, &n, sizeof(n));
}

static void put_time(struct image *image, int64_t time, bool wide) {
        uint64_t n = htobe64((uint64_t)time);

        if (wide)
                put(image, &n, sizeof(n));
        else
                put32(image, (uint32_t)time);
}

static void put_block(struct image *image, const struct file *file, bool wide) {
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

/* For old readers there is as little as can be, as in a slim file. */
static void make_image(struct image *image, const struct file *file) {
        struct file old = { .version = file->version, .types = { { 0 } }, .n_types = 1, .chars = "" };

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

static int parse(const struct file *file, struct zone **ret) {
        struct image image;

        make_image(&image, file);
        return zone_parse(image.data, image.size, "Test/Zone", ret);
}

static struct zone *zone_of(const struct file *file) {
        struct zone *zone = NULL;

        ck_assert_int_eq(parse(file, &zone), 0);
        return zone;
}

/* A zone that is nothing but a footer. */
static struct zone *zone_of_rule(const char *rule) {
        struct file file = { .version = '3', .types = { { 0 } }, .n_types = 1, .chars = "-00", .footer = rule };
        struct zone *zone = NULL;

        ck_assert_msg(parse(&file, &zone) == 0, "%s is refused", rule);
        return zone;
}

static int64_t secs(int year, unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second) {
        return civil_to_secs(&(struct civil){ year, month, day, hour, minute, second });
}

static void assert_at(const struct zone *zone, int64_t utc, int32_t offset, bool dst, const char *abbreviation) {
        struct zone_time time;

        zone_at(zone, utc, &time);
        ck_assert_msg(time.offset_secs == offset && time.dst == dst && streq(time.abbreviation, abbreviation),
                      "at %" PRId64 ": %d %d %s, not %d %d %s", utc, time.offset_secs, time.dst, time.abbreviation,
                      offset, dst, abbreviation);
}

static void assert_resolves(const struct zone *zone, int64_t local, enum zone_local kind, int64_t first,
                            int64_t second) {
        int64_t utc[2];
        enum zone_local is = zone_resolve(zone, local, utc);

        ck_assert_msg(is == kind && utc[0] == first && utc[1] == second,
                      "%" PRId64 ": %d %" PRId64 " %" PRId64 ", not %d %" PRId64 " %" PRId64, local, is, utc[0], utc[1],
                      kind, first, second);
}

/* ---- rules ---- */

/* The next two changes of offset, and the offsets before, between and behind them. */
static const struct {
        const char *rule;
        const char *from;
        const char *changes[2];
        int32_t offsets[2]; /* the third is as the first */
} rules[] = {
        { "CET-1CEST,M3.5.0,M10.5.0/3",
          "2026-01-01 00:00:00",
          { "2026-03-29 01:00:00", "2026-10-25 01:00:00" },
          { 3600, 7200 } },
        { "CET-1CEST,M3.5.0,M10.5.0/3",
          "2026-10-25 00:59:59",
          { "2026-10-25 01:00:00", "2027-03-28 01:00:00" },
          { 7200, 3600 } },
        { "CET-1CEST,M3.5.0,M10.5.0/3",
          "98000-01-01 00:00:00",
          { "98000-03-26 01:00:00", "98000-10-29 01:00:00" },
          { 3600, 7200 } },
        { "EST5EDT,M3.2.0,M11.1.0",
          "2024-03-10 06:59:59",
          { "2024-03-10 07:00:00", "2024-11-03 06:00:00" },
          { -18000, -14400 } },
        { "EST5EDT,M3.2.0,M11.1.0",
          "2024-03-10 07:00:00",
          { "2024-11-03 06:00:00", "2025-03-09 07:00:00" },
          { -14400, -18000 } },
        /* South of the equator summer goes over the new year. */
        { "AEST-10AEDT,M10.1.0,M4.1.0/3",
          "2025-12-31 00:00:00",
          { "2026-04-04 16:00:00", "2026-10-03 16:00:00" },
          { 39600, 36000 } },
        /* Winter is what deviates. */
        { "IST-1GMT0,M10.5.0,M3.5.0/1",
          "2026-01-01 00:00:00",
          { "2026-03-29 01:00:00", "2026-10-25 01:00:00" },
          { 0, 3600 } },
        /* Version 3: hours below 0, and above 24. */
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
          "2025-01-01 00:00:00",
          { "2025-03-30 01:00:00", "2025-10-26 01:00:00" },
          { -7200, -3600 } },
        { "IST-2IDT,M3.4.4/26,M10.5.0",
          "2027-01-01 00:00:00",
          { "2027-03-26 00:00:00", "2027-10-30 23:00:00" },
          { 7200, 10800 } },
        { "AAA0BBB,J8/-167,J8/-143",
          "2025-12-31 00:00:00",
          { "2026-01-01 01:00:00", "2026-01-02 00:00:00" },
          { 0, 3600 } },
        { "AAA0BBB,J364/0,J365/100",
          "2026-12-29 00:00:00",
          { "2026-12-30 00:00:00", "2027-01-04 03:00:00" },
          { 0, 3600 } },
        { "AAA0BBB,J1/-24,J2/0", "2026-12-30 23:00:00", { "2026-12-31 00:00:00", "2027-01-01 23:00:00" }, { 0, 3600 } },
        { "AAA0BBB,M12.5.0/167,M1.1.0/167",
          "2027-01-01 00:00:00",
          { "2027-01-02 23:00:00", "2027-01-09 22:00:00" },
          { 0, 3600 } },
        /* Half an hour. */
        { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
          "2026-01-01 00:00:00",
          { "2026-04-04 15:00:00", "2026-10-03 15:30:00" },
          { 39600, 37800 } },
        /* Days of the year, without February 29 and with it. */
        { "AAA0BBB,J60/0,J61/0", "2024-01-01 00:00:00", { "2024-03-01 00:00:00", "2024-03-01 23:00:00" }, { 0, 3600 } },
        { "AAA0BBB,J59/0,J60/0", "2024-01-01 00:00:00", { "2024-02-28 00:00:00", "2024-02-29 23:00:00" }, { 0, 3600 } },
        { "AAA0BBB,59/0,60/0", "2024-01-01 00:00:00", { "2024-02-29 00:00:00", "2024-02-29 23:00:00" }, { 0, 3600 } },
        { "AAA0BBB,59/0,60/0", "2023-01-01 00:00:00", { "2023-03-01 00:00:00", "2023-03-01 23:00:00" }, { 0, 3600 } },
        /* To the second. */
        { "AAA-1:02:03BBB-1:02:04,J100/1:00:01,J200/-0:30",
          "2030-01-01 00:00:00",
          { "2030-04-09 23:57:58", "2030-07-18 22:27:56" },
          { 3723, 3724 } },
        /* The first and the fifth, where there is no fifth the fourth. */
        { "AAA0BBB,M5.1.6/0,M5.5.6/0",
          "2026-01-01 00:00:00",
          { "2026-05-02 00:00:00", "2026-05-29 23:00:00" },
          { 0, 3600 } },
        { "AAA0BBB,M2.5.0/0,M2.5.1/0",
          "2026-01-01 00:00:00",
          { "2026-02-22 00:00:00", "2026-02-22 23:00:00" },
          { 0, 3600 } },
        /* What does not change. */
        { "AAA3", "2026-01-01 00:00:00", { NULL }, { -10800 } },
        { "EST5EDT4,0/0,J365/25", "2026-01-01 00:00:00", { NULL }, { -14400 } },
        { "XXX3EDT4,0/0,J365/23", "2026-01-01 00:00:00", { NULL }, { -14400 } },
        { "XXX3EDT4,0/0,J365/120", "2026-01-01 00:00:00", { NULL }, { -14400 } },
        { "AAA0BBB0,M3.5.0,M10.5.0", "2026-01-01 00:00:00", { NULL }, { 0 } },
        { "AAA0BBB,J100/0,J100/1", "2026-01-01 00:00:00", { NULL }, { 0 } },
};

/* "YYYY-MM-DD hh:mm:ss" */
static int64_t instant(const char *text) {
        struct civil civil;

        ck_assert_int_eq(sscanf(text, "%d-%u-%u %u:%u:%u", &civil.year, &civil.month, &civil.day, &civil.hour,
                                &civil.minute, &civil.second),
                         6);
        return civil_to_secs(&civil);
}

static int32_t offset_at(const struct zone *zone, int64_t utc) {
        struct zone_time time;

        zone_at(zone, utc, &time);
        return time.offset_secs;
}

START_TEST(rules_change_clocks) {
        struct zone *zone = zone_of_rule(rules[_i].rule);
        int64_t at = instant(rules[_i].from), change;

        ck_assert_int_eq(offset_at(zone, at), rules[_i].offsets[0]);
        for (int i = 0; i < 2; i++) {
                const char *expected = rules[_i].changes[i];

                change = zone_next_change(zone, at);
                ck_assert_msg(change == (expected ? instant(expected) : INT64_MAX),
                              "%s: change %d is at %" PRId64 ", not %s", rules[_i].rule, i, change, expected);
                if (!expected)
                        break;
                ck_assert_int_eq(offset_at(zone, change - 1), rules[_i].offsets[i]);
                ck_assert_int_eq(offset_at(zone, change), rules[_i].offsets[1 - i]);
                at = change;
        }
        zone_unref(zone);
}
END_TEST

static const char *const bad_rules[] = {
        "CET",
        "-1",
        "C-1",
        "CE-1",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,",
        "CET-1CEST,M3.5.0,M10.5.0/",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5,M10.5.0",
        "CET-1CEST,J0,J10",
        "CET-1CEST,J366,J10",
        "CET-1CEST,366,10",
        "CET-1CEST,J1/168,J10",
        "CET-1CEST,J1/-168,J10",
        "CET-25",
        "CET-1:60",
        "CET-1:00:60",
        "CET--1",
        "CET-1CEST-25,J1,J2",
        "<+0330-3:30",
        "<+03:30>-3:30",
        "<>-1",
        "ABCDEFGHIJKLMNOP-1",
        "CET-0001",
        "CET-1 ",
        " CET-1",
        "CET-1;",
        "CET-1CEST;J1;J2",
        "1CET-1",
        "CE1-1",
};

START_TEST(bad_rules_are_refused) {
        struct file file = {
                .version = '3', .types = { { 0 } }, .n_types = 1, .chars = "-00", .footer = bad_rules[_i]
        };
        struct zone *zone = NULL;

        ck_assert_msg(parse(&file, &zone) == -EBADMSG, "%s is taken", bad_rules[_i]);
        ck_assert_ptr_null(zone);
}
END_TEST

/* ---- transitions ---- */

/* A zone that has had everything: LMT, a skipped day, a change back, one of the abbreviation alone, and a rule. */
static const struct file eventful = {
        .version = '2',
        .changes = { { -3000000000, 1 }, { 1000000, 2 }, { 2000000, 1 }, { 3000000, 3 }, { 4000000, 1 } },
        .n_changes = 5,
        .types = { { 1172, 0, 0 }, { 3600, 0, 4 }, { 3600 + 86400 - 3600, 1, 8 }, { 3600, 0, 12 } },
        .n_types = 4,
        .chars = "LMT\0AAA\0BBB\0CCC",
        .n_chars = 16,
        .footer = "CET-1CEST,M3.5.0,M10.5.0/3",
};

START_TEST(transitions_are_followed) {
        struct zone *zone = zone_of(&eventful);

        ck_assert_str_eq(zone_name(zone), "Test/Zone");
        assert_at(zone, INT64_MIN, 1172, false, "LMT");
        assert_at(zone, -3000000001, 1172, false, "LMT");
        assert_at(zone, -3000000000, 3600, false, "AAA");
        assert_at(zone, 999999, 3600, false, "AAA");
        assert_at(zone, 1000000, 86400, true, "BBB");
        assert_at(zone, 2000000, 3600, false, "AAA");
        assert_at(zone, 3000000, 3600, false, "CCC");
        assert_at(zone, 4000000, 3600, false, "CET"); /* from the last transition on the rule */
        assert_at(zone, secs(2026, 7, 1, 0, 0, 0), 7200, true, "CEST");
        assert_at(zone, INT64_MAX, 3600, false, "CET");

        ck_assert_int_eq(zone_next_change(zone, INT64_MIN), -3000000000);
        ck_assert_int_eq(zone_next_change(zone, -3000000000), 1000000);
        ck_assert_int_eq(zone_next_change(zone, 1000000), 2000000);
        /* Names alone are no change. */
        ck_assert_int_eq(zone_next_change(zone, 2000000), secs(1970, 3, 29, 1, 0, 0));
        ck_assert_int_eq(zone_next_change(zone, INT64_MAX), INT64_MAX);
        zone_unref(zone);
}
END_TEST

START_TEST(local_time_is_resolved) {
        struct zone *zone = zone_of(&eventful);

        assert_resolves(zone, 500000, ZONE_UNIQUE, 500000 - 3600, 500000 - 3600);
        assert_resolves(zone, 1000000 + 3599, ZONE_UNIQUE, 999999, 999999);
        assert_resolves(zone, 1000000 + 3600, ZONE_GAP, 1000000, 1000000);
        assert_resolves(zone, 1000000 + 86399, ZONE_GAP, 1000000, 1000000);
        assert_resolves(zone, 1000000 + 86400, ZONE_UNIQUE, 1000000, 1000000);
        assert_resolves(zone, 2000000 + 3599, ZONE_UNIQUE, 2000000 + 3599 - 86400, 2000000 + 3599 - 86400);
        assert_resolves(zone, 2000000 + 3600, ZONE_REPEATED, 2000000 + 3600 - 86400, 2000000);
        assert_resolves(zone, 2000000 + 86399, ZONE_REPEATED, 1999999, 2000000 + 86399 - 3600);
        assert_resolves(zone, 2000000 + 86400, ZONE_UNIQUE, 2000000 + 86400 - 3600, 2000000 + 86400 - 3600);
        /* By the rule. */
        assert_resolves(zone, secs(2026, 3, 29, 2, 30, 0), ZONE_GAP, secs(2026, 3, 29, 1, 0, 0),
                        secs(2026, 3, 29, 1, 0, 0));
        assert_resolves(zone, secs(2026, 10, 25, 2, 30, 0), ZONE_REPEATED, secs(2026, 10, 25, 0, 30, 0),
                        secs(2026, 10, 25, 1, 30, 0));
        assert_resolves(zone, secs(2026, 10, 25, 3, 0, 0), ZONE_UNIQUE, secs(2026, 10, 25, 2, 0, 0),
                        secs(2026, 10, 25, 2, 0, 0));
        zone_unref(zone);
}
END_TEST

/* Forward, and within the hour forward, back and forward again. */
static const struct file hectic = {
        .version = '2',
        .changes = { { 1000, 1 }, { 2000, 0 }, { 3000, 1 }, { 4000, 2 } },
        .n_changes = 4,
        .types = { { 0, 0, 0 }, { 3600, 1, 0 }, { -3600, 0, 0 } },
        .n_types = 3,
        .chars = "ABC",
        .footer = "",
};

START_TEST(changes_near_each_other_are_told_apart) {
        struct zone *zone = zone_of(&hectic);

        assert_resolves(zone, 999, ZONE_REPEATED, 999, 4599);
        assert_resolves(zone, 400, ZONE_REPEATED, 400, 4000);
        assert_resolves(zone, 399, ZONE_UNIQUE, 399, 399);
        assert_resolves(zone, 1000, ZONE_UNIQUE, 4600, 4600);
        zone_unref(zone);
}
END_TEST

START_TEST(gaps_near_each_other_are_told_apart) {
        struct file file = hectic;
        struct zone *zone;

        file.n_changes = 3;
        zone = zone_of(&file);
        assert_resolves(zone, 1000, ZONE_GAP, 1000, 1000);
        assert_resolves(zone, 3000, ZONE_GAP, 1000, 1000);
        assert_resolves(zone, 2500, ZONE_UNIQUE, 2500, 2500);
        assert_resolves(zone, 5000, ZONE_UNIQUE, 1400, 1400);
        assert_resolves(zone, 6000, ZONE_GAP, 3000, 3000);
        zone_unref(zone);
}
END_TEST

START_TEST(version_1_stays_as_it_was) {
        struct file file = eventful;
        struct zone *zone;

        file.version = 0;
        file.changes[0].at = INT32_MIN;
        zone = zone_of(&file);
        assert_at(zone, INT64_C(-2147483649), 1172, false, "LMT");
        assert_at(zone, INT32_MIN, 3600, false, "AAA");
        assert_at(zone, secs(2026, 7, 1, 0, 0, 0), 3600, false, "AAA");
        ck_assert_int_eq(zone_next_change(zone, 2000000), INT64_MAX);
        zone_unref(zone);
}
END_TEST

START_TEST(a_zone_without_rule_stays_as_it_was) {
        struct file file = eventful;
        struct zone *zone;

        file.footer = "";
        zone = zone_of(&file);
        assert_at(zone, 4000000, 3600, false, "AAA");
        assert_at(zone, secs(2026, 7, 1, 0, 0, 0), 3600, false, "AAA");
        ck_assert_int_eq(zone_next_change(zone, 2000000), INT64_MAX);
        zone_unref(zone);
}
END_TEST

START_TEST(every_version_is_read) {
        static const char versions[] = { '2', '3', '4', '5' };

        for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
                struct file file = eventful;
                struct zone *zone;

                file.version = versions[i];
                zone = zone_of(&file);
                assert_at(zone, 1000000, 86400, true, "BBB");
                zone_unref(zone);
        }
}
END_TEST

/* Transitions of right/ files count the leap seconds before them. */
START_TEST(leap_seconds_are_left_out) {
        struct file file = eventful;
        struct zone *zone;

        file.leaps[0] = (struct leap){ 1500000, 1 };
        file.leaps[1] = (struct leap){ 2500000, 2 };
        file.leaps[2] = (struct leap){ 3000000, 1 }; /* there never was a negative one */
        file.leaps[3] = (struct leap){ 4500000, 1 }; /* version 4: when the table expires */
        file.n_leaps = 4;
        zone = zone_of(&file);
        ck_assert_int_eq(zone_next_change(zone, -3000000000), 1000000);
        ck_assert_int_eq(zone_next_change(zone, 1000000), 1999999);
        assert_at(zone, 2999998, 3600, false, "AAA");
        assert_at(zone, 2999999, 3600, false, "CCC");
        assert_at(zone, 3999999, 3600, false, "CET");
        zone_unref(zone);
}
END_TEST

START_TEST(changes_never_descend_for_leap_seconds) {
        struct file file = eventful;
        struct zone *zone;

        file.leaps[0] = (struct leap){ 1500000, 20000000 };
        file.n_leaps = 1;
        zone = zone_of(&file);
        assert_at(zone, 999999, 3600, false, "AAA");
        assert_at(zone, 1000000, 3600, false, "CET");
        zone_unref(zone);
}
END_TEST

/* ---- hostile files ---- */

#define TYPES  .types = { { 0 } }, .n_types = 1
#define FOOTER .footer = ""

static const struct {
        const char *what;
        struct file file;
} bad_files[] = {
        { "no type", { .version = '2', .chars = "A", FOOTER } },
        { "no abbreviation", { .version = '2', .types = { { 0, 0, 1 } }, .n_types = 1, .chars = "", FOOTER } },
        { "no end of an abbreviation", { .version = '2', TYPES, .chars = "ABC", .n_chars = 3, FOOTER } },
        { "no end of a long abbreviation",
          { .version = '2', TYPES, .chars = "ABCDEFGHIJKLMNOPQR", .n_chars = 18, FOOTER } },
        { "an abbreviation too long", { .version = '2', TYPES, .chars = "ABCDEFGHIJKLMNOP", FOOTER } },
        { "an abbreviation that is a control sequence", { .version = '2', TYPES, .chars = "\033[2J", FOOTER } },
        { "an abbreviation outside ASCII", { .version = '2', TYPES, .chars = "\303\204BC", FOOTER } },
        { "an abbreviation behind the last",
          { .version = '2', .types = { { 0, 0, 4 } }, .n_types = 1, .chars = "ABC", FOOTER } },
        { "dst that is 2", { .version = '2', .types = { { 0, 2, 0 } }, .n_types = 1, .chars = "ABC", FOOTER } },
        { "an offset too far east",
          { .version = '2', .types = { { 93600, 0, 0 } }, .n_types = 1, .chars = "ABC", FOOTER } },
        { "an offset too far west",
          { .version = '2', .types = { { -90000, 0, 0 } }, .n_types = 1, .chars = "ABC", FOOTER } },
        { "the least offset",
          { .version = '2', .types = { { INT32_MIN, 0, 0 } }, .n_types = 1, .chars = "ABC", FOOTER } },
        { "a type behind the last",
          { .version = '2', TYPES, .chars = "ABC", .changes = { { 0, 1 } }, .n_changes = 1, FOOTER } },
        { "transitions at one time",
          { .version = '2', TYPES, .chars = "ABC", .changes = { { 5, 0 }, { 5, 0 } }, .n_changes = 2, FOOTER } },
        { "transitions that descend",
          { .version = '2', TYPES, .chars = "ABC", .changes = { { 5, 0 }, { 4, 0 } }, .n_changes = 2, FOOTER } },
        { "leap seconds that descend",
          { .version = '2', TYPES, .chars = "ABC", .leaps = { { 5, 1 }, { 4, 2 } }, .n_leaps = 2, FOOTER } },
        { "two leap seconds at once",
          { .version = '2', TYPES, .chars = "ABC", .leaps = { { 5, 1 }, { 6, 3 } }, .n_leaps = 2, FOOTER } },
        { "an end of leap seconds in the middle",
          { .version = '2', TYPES, .chars = "ABC", .leaps = { { 5, 1 }, { 6, 1 }, { 7, 2 } }, .n_leaps = 3, FOOTER } },
        { "fewer indicators than types",
          { .version = '2', .types = { { 0 }, { 0 } }, .n_types = 2, .chars = "ABC", .n_std = 1, FOOTER } },
        { "more indicators than types", { .version = '2', TYPES, .chars = "ABC", .n_ut = 2, FOOTER } },
        { "version 1 of the version", { .version = '1', TYPES, .chars = "ABC", FOOTER } },
        { "a version that is a letter", { .version = 'A', TYPES, .chars = "ABC", FOOTER } },
        { "a footer of spaces", { .version = '2', TYPES, .chars = "ABC", .footer = " " } },
};

START_TEST(bad_files_are_refused) {
        struct zone *zone = NULL;

        ck_assert_msg(parse(&bad_files[_i].file, &zone) == -EBADMSG, "%s is taken", bad_files[_i].what);
        ck_assert_ptr_null(zone);
}
END_TEST

/* Each copy ends where its memory does, so that the sanitizer sees a read past it. */
static int parse_part(const struct image *image, size_t size) {
        uint8_t *copy = malloc(size > 0 ? size : 1);
        struct zone *zone = NULL;
        int r;

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, image->data, size);
        r = zone_parse(copy, size, "X", &zone);
        free(copy);
        zone_unref(zone);
        return r;
}

START_TEST(files_cut_off_are_refused) {
        struct file file = eventful;
        struct image image;

        file.changes[0].at = INT32_MIN;
        file.leaps[0] = (struct leap){ 1500000, 1 };
        file.n_leaps = 1;
        file.n_std = file.n_ut = (uint32_t)file.n_types;
        for (int version = 0; version < 2; version++) {
                file.version = version ? '2' : 0;
                make_image(&image, &file);
                ck_assert_int_eq(parse_part(&image, image.size), 0);
                for (size_t size = 0; size < image.size; size++)
                        ck_assert_msg(parse_part(&image, size) == -EBADMSG, "%zu of %zu bytes are taken", size,
                                      image.size);
        }
}
END_TEST

/* Whatever a byte says, the answer is a zone or -EBADMSG; and a count that lies in any of its bits is found out. */
START_TEST(no_byte_is_believed) {
        struct image image, changed;

        make_image(&image, &eventful);
        for (size_t i = 0; i < image.size; i++)
                for (int bit = 0; bit < 8; bit++) {
                        changed = image;
                        changed.data[i] ^= (uint8_t)(1u << bit);
                        ck_assert(parse_part(&changed, changed.size) == 0 ||
                                  parse_part(&changed, changed.size) == -EBADMSG);
                        if ((i >= 20 && i < 44))
                                ck_assert_int_eq(parse_part(&changed, changed.size), -EBADMSG);
                }
}
END_TEST

START_TEST(counts_do_not_overflow) {
        struct image image;

        for (size_t at = 20; at < 44; at += 4) {
                make_image(&image, &eventful);
                memset(image.data + at, 0xff, 4);
                ck_assert_int_eq(parse_part(&image, image.size), -EBADMSG);
                memset(image.data + at, 0, 4);
                image.data[at] = 0x80;
                ck_assert_int_eq(parse_part(&image, image.size), -EBADMSG);
        }
}
END_TEST

START_TEST(times_of_any_size_are_survived) {
        struct file file = eventful;
        struct zone *zone;
        int64_t utc[2];

        file.changes[0].at = INT64_MIN;
        file.changes[4].at = INT64_MAX;
        file.leaps[0] = (struct leap){ INT64_MIN + 1, INT32_MAX };
        file.leaps[1] = (struct leap){ INT64_MAX, INT32_MAX - 1 };
        file.n_leaps = 2;
        zone = zone_of(&file);
        assert_at(zone, INT64_MIN, 1172, false, "LMT");
        ck_assert_int_eq(offset_at(zone, INT64_MAX), 3600);
        (void)zone_resolve(zone, INT64_MIN, utc);
        (void)zone_resolve(zone, INT64_MAX, utc);
        ck_assert_int_eq(zone_next_change(zone, INT64_MAX), INT64_MAX);
        ck_assert(zone_equal(zone, zone));
        zone_unref(zone);
}
END_TEST

START_TEST(a_name_too_long_is_refused) {
        char name[ZONE_NAME_MAX + 1] = { 0 };
        struct zone *zone = NULL;
        struct image image;

        make_image(&image, &eventful);
        memset(name, 'x', ZONE_NAME_MAX);
        ck_assert_int_eq(zone_parse(image.data, image.size, name, &zone), -EINVAL);
        name[ZONE_NAME_MAX - 1] = '\0';
        ck_assert_int_eq(zone_parse(image.data, image.size, name, &zone), 0);
        ck_assert_str_eq(zone_name(zone), name);
        zone_unref(zone);
}
END_TEST

/* ---- equality ---- */

static void assert_equal(const struct file *a, const struct file *b, bool equal) {
        struct zone *of_a = zone_of(a), *of_b = zone_of(b);

        ck_assert(zone_equal(of_a, of_b) == equal);
        ck_assert(zone_equal(of_b, of_a) == equal);
        zone_unref(of_a);
        zone_unref(of_b);
}

START_TEST(zones_that_tell_the_same_are_equal) {
        struct file other = eventful, fat;

        assert_equal(&eventful, &other, true);
        other.version = '4';
        assert_equal(&eventful, &other, true);
        other.footer = "CET-1CEST,M3.5.0,M10.4.0/3";
        assert_equal(&eventful, &other, false);
        other.footer = "CET-1CESS,M3.5.0,M10.5.0/3";
        assert_equal(&eventful, &other, false);
        other = eventful;
        other.changes[1].at++;
        assert_equal(&eventful, &other, false);

        /* What the rule would say anyway may be written out. */
        fat = (struct file){ .version = '2',
                             .types = { { 3600, 0, 0 }, { 7200, 1, 4 } },
                             .n_types = 2,
                             .chars = "CET\0CEST",
                             .n_chars = 9,
                             .footer = "CET-1CEST,M3.5.0,M10.5.0/3" };
        other = fat;
        other.n_changes = 1;
        fat.changes[0] = other.changes[0] = (struct change){ secs(2026, 3, 29, 1, 0, 0), 1 };
        fat.changes[1] = (struct change){ secs(2026, 10, 25, 1, 0, 0), 0 };
        fat.changes[2] = (struct change){ secs(2027, 3, 28, 1, 0, 0), 1 };
        fat.n_changes = 3;
        assert_equal(&fat, &other, true);
        fat.changes[1].at -= 3600;
        assert_equal(&fat, &other, false);
}
END_TEST

START_TEST(rules_that_differ_late_are_not_equal) {
        /* Which Sunday the last one is: apart only in years when February has 29 days and ends on one. */
        struct zone *a = zone_of_rule("AAA0BBB,M2.5.0,M10.5.0"), *b = zone_of_rule("AAA0BBB,M2.4.0,M10.5.0");
        struct zone *c = zone_of_rule("AAA0BBB0,M2.5.0,M10.5.0"), *d = zone_of_rule("AAA0");

        ck_assert(!zone_equal(a, b));
        ck_assert(!zone_equal(c, d)); /* the abbreviations differ */
        zone_unref(a);
        zone_unref(b);
        zone_unref(c);
        zone_unref(d);
}
END_TEST

/* ---- loading ---- */

static char dir[] = "/tmp/tendd-zone-XXXXXX";

static const char *path_of(const char *name) {
        static char path[PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        return path;
}

static void write_file(const char *name, const void *data, size_t size) {
        FILE *f = fopen(path_of(name), "w");

        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(data, 1, size, f), size);
        ck_assert_int_eq(fclose(f), 0);
}

static void set_up_dir(void) {
        struct image image;

        strcpy(dir + strlen(dir) - 6, "XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_eq(mkdir(path_of("Area"), 0777), 0);
        make_image(&image, &eventful);
        write_file("Area/City", image.data, image.size);
        write_file("cut", image.data, image.size - 1);
        write_file("empty", "", 0);
        ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
        ck_assert_int_eq(symlink("/dev/zero", path_of("zero")), 0);
        ck_assert_int_eq(symlink("Area/City", path_of("link")), 0);
        ck_assert_int_eq(symlink("loop", path_of("loop")), 0);
        write_file("big", image.data, image.size);
        ck_assert_int_eq(truncate(path_of("big"), ZONE_FILE_MAX + 1), 0);
        ck_assert_int_eq(setenv("TZDIR", dir, 1), 0);
}

static void tear_down_dir(void) {
        static const char *const names[] = {
                "Area/City", "Area", "cut", "empty", "fifo", "zero", "link", "loop", "big"
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                ck_assert_int_eq(remove(path_of(names[i])), 0);
        ck_assert_int_eq(rmdir(dir), 0);
}

static const struct {
        const char *name;
        int r;
} loads[] = {
        { "Area/City", 0 },
        { "link", 0 },
        { "UTC", 0 },
        { "Area/Town", -ENOENT },
        { "", -EINVAL },
        { "/etc/localtime", -EINVAL },
        { "../etc/passwd", -EINVAL },
        { "Area/../cut", -EINVAL },
        { "Area/..", -EINVAL },
        { "./Area/City", -EINVAL },
        { "Area//City", -EINVAL },
        { "Area/", -EINVAL },
        { ".hidden", -EINVAL },
        { "Area/.hidden", -EINVAL },
        { "Area/City\n", -EINVAL },
        { "Area City", -EINVAL },
        { "Area/City/0123456789012345678901234567890123456789012345678901234567890123456789", -EINVAL },
        { "Area", -EINVAL },
        { "fifo", -EINVAL },
        { "zero", -EINVAL },
        { "loop", -ELOOP },
        { "empty", -EBADMSG },
        { "cut", -EBADMSG },
        { "big", -EFBIG },
};

START_TEST(names_reach_zone_files_only) {
        struct zone *zone = NULL;
        int r = zone_load(loads[_i].name, &zone);

        ck_assert_msg(r == loads[_i].r, "%s: %d, not %d", loads[_i].name, r, loads[_i].r);
        ck_assert((zone != NULL) == (r == 0));
        if (zone)
                ck_assert_str_eq(zone_name(zone), loads[_i].name);
        zone_unref(zone);
}
END_TEST

START_TEST(utc_and_the_machines_zone_are_always_there) {
        struct zone *zone;

        ck_assert_int_eq(zone_load("UTC", &zone), 0);
        assert_at(zone, 0, 0, false, "UTC");
        ck_assert_int_eq(zone_next_change(zone, INT64_MIN), INT64_MAX);
        ck_assert_ptr_eq(zone_ref(zone), zone);
        zone_unref(zone);
        zone_unref(zone);
        ck_assert_int_eq(zone_load(NULL, &zone), 0);
        ck_assert_str_ne(zone_name(zone), "");
        zone_unref(zone);
        ck_assert_ptr_null(zone_unref(NULL));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("zone");
        TCase *tcase = tcase_create("zone"), *loading = tcase_create("loading");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, rules_change_clocks, 0, ARRAY_SIZE(rules));
        tcase_add_loop_test(tcase, bad_rules_are_refused, 0, ARRAY_SIZE(bad_rules));
        tcase_add_test(tcase, transitions_are_followed);
        tcase_add_test(tcase, local_time_is_resolved);
        tcase_add_test(tcase, changes_near_each_other_are_told_apart);
        tcase_add_test(tcase, gaps_near_each_other_are_told_apart);
        tcase_add_test(tcase, version_1_stays_as_it_was);
        tcase_add_test(tcase, a_zone_without_rule_stays_as_it_was);
        tcase_add_test(tcase, every_version_is_read);
        tcase_add_test(tcase, leap_seconds_are_left_out);
        tcase_add_test(tcase, changes_never_descend_for_leap_seconds);
        tcase_add_loop_test(tcase, bad_files_are_refused, 0, ARRAY_SIZE(bad_files));
        tcase_add_test(tcase, files_cut_off_are_refused);
        tcase_add_test(tcase, no_byte_is_believed);
        tcase_add_test(tcase, counts_do_not_overflow);
        tcase_add_test(tcase, times_of_any_size_are_survived);
        tcase_add_test(tcase, a_name_too_long_is_refused);
        tcase_add_test(tcase, zones_that_tell_the_same_are_equal);
        tcase_add_test(tcase, rules_that_differ_late_are_not_equal);
        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(loading, set_up_dir, tear_down_dir);
        tcase_add_loop_test(loading, names_reach_zone_files_only, 0, ARRAY_SIZE(loads));
        tcase_add_test(loading, utc_and_the_machines_zone_are_always_there);
        suite_add_tcase(suite, loading);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
