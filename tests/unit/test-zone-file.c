/* SPDX-License-Identifier: MIT */
/* zone_file: all versions are read; and no file, however made, is read past its end or believed. */
#include "support/zone-image.h"

#include <check.h>

START_TEST(version_1_stays_as_it_was) {
        struct zone_file file = zone_file_eventful;
        struct zone *zone;

        file.version = 0;
        file.changes[0].at = INT32_MIN;
        zone = zone_of_file(&file);
        zone_assert_at(zone, INT64_C(-2147483649), 1172, false, "LMT");
        zone_assert_at(zone, INT32_MIN, 3600, false, "AAA");
        zone_assert_at(zone, zone_secs(2026, 7, 1, 0, 0, 0), 3600, false, "AAA");
        ck_assert_int_eq(zone_next_change(zone, 2000000), INT64_MAX);
        zone_unref(zone);
}
END_TEST

START_TEST(every_version_is_read) {
        static const char versions[] = { '2', '3', '4', '5' };

        for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
                struct zone_file file = zone_file_eventful;
                struct zone *zone;

                file.version = versions[i];
                zone = zone_of_file(&file);
                zone_assert_at(zone, 1000000, 86400, true, "BBB");
                zone_unref(zone);
        }
}
END_TEST

/* Transitions of right/ files count the leap seconds before them. */
START_TEST(leap_seconds_are_left_out) {
        struct zone_file file = zone_file_eventful;
        struct zone *zone;

        file.leaps[0] = (struct zone_file_leap){ 1500000, 1 };
        file.leaps[1] = (struct zone_file_leap){ 2500000, 2 };
        file.leaps[2] = (struct zone_file_leap){ 3000000, 1 }; /* there never was a negative one */
        file.leaps[3] = (struct zone_file_leap){ 4500000, 1 }; /* version 4: when the table expires */
        file.n_leaps = 4;
        zone = zone_of_file(&file);
        ck_assert_int_eq(zone_next_change(zone, -3000000000), 1000000);
        ck_assert_int_eq(zone_next_change(zone, 1000000), 1999999);
        zone_assert_at(zone, 2999998, 3600, false, "AAA");
        zone_assert_at(zone, 2999999, 3600, false, "CCC");
        zone_assert_at(zone, 3999999, 3600, false, "CET");
        zone_unref(zone);
}
END_TEST

START_TEST(changes_never_descend_for_leap_seconds) {
        struct zone_file file = zone_file_eventful;
        struct zone *zone;

        file.leaps[0] = (struct zone_file_leap){ 1500000, 20000000 };
        file.n_leaps = 1;
        zone = zone_of_file(&file);
        zone_assert_at(zone, 999999, 3600, false, "AAA");
        zone_assert_at(zone, 1000000, 3600, false, "CET");
        zone_unref(zone);
}
END_TEST

#define TYPES  .types = { { 0 } }, .n_types = 1
#define FOOTER .footer = ""

static const struct {
        const char *what;
        struct zone_file file;
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

        ck_assert_msg(zone_file_parse(&bad_files[_i].file, &zone) == -EBADMSG, "%s is taken", bad_files[_i].what);
        ck_assert_ptr_null(zone);
}
END_TEST

/* Each copy ends where its memory does, so that the sanitizer sees a read past it. */
static int parse_part(const struct zone_image *image, size_t size) {
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
        struct zone_file file = zone_file_eventful;
        struct zone_image image;

        file.changes[0].at = INT32_MIN;
        file.leaps[0] = (struct zone_file_leap){ 1500000, 1 };
        file.n_leaps = 1;
        file.n_std = file.n_ut = (uint32_t)file.n_types;
        for (int version = 0; version < 2; version++) {
                file.version = version ? '2' : 0;
                zone_file_make(&image, &file);
                ck_assert_int_eq(parse_part(&image, image.size), 0);
                for (size_t size = 0; size < image.size; size++)
                        ck_assert_msg(parse_part(&image, size) == -EBADMSG, "%zu of %zu bytes are taken", size,
                                      image.size);
        }
}
END_TEST

/* Whatever a byte says, the answer is a zone or -EBADMSG; and a count that lies in any of its bits is found out. */
START_TEST(no_byte_is_believed) {
        struct zone_image image, changed;

        zone_file_make(&image, &zone_file_eventful);
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
        struct zone_image image;

        for (size_t at = 20; at < 44; at += 4) {
                zone_file_make(&image, &zone_file_eventful);
                memset(image.data + at, 0xff, 4);
                ck_assert_int_eq(parse_part(&image, image.size), -EBADMSG);
                memset(image.data + at, 0, 4);
                image.data[at] = 0x80;
                ck_assert_int_eq(parse_part(&image, image.size), -EBADMSG);
        }
}
END_TEST

START_TEST(times_of_any_size_are_survived) {
        struct zone_file file = zone_file_eventful;
        struct zone *zone;
        int64_t utc[2];

        file.changes[0].at = INT64_MIN;
        file.changes[4].at = INT64_MAX;
        file.leaps[0] = (struct zone_file_leap){ INT64_MIN + 1, INT32_MAX };
        file.leaps[1] = (struct zone_file_leap){ INT64_MAX, INT32_MAX - 1 };
        file.n_leaps = 2;
        zone = zone_of_file(&file);
        zone_assert_at(zone, INT64_MIN, 1172, false, "LMT");
        ck_assert_int_eq(zone_offset_at(zone, INT64_MAX), zone_offset_at(zone, INT64_MAX - 1));
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
        struct zone_image image;

        zone_file_make(&image, &zone_file_eventful);
        memset(name, 'x', ZONE_NAME_MAX);
        ck_assert_int_eq(zone_parse(image.data, image.size, name, &zone), -EINVAL);
        name[ZONE_NAME_MAX - 1] = '\0';
        ck_assert_int_eq(zone_parse(image.data, image.size, name, &zone), 0);
        ck_assert_str_eq(zone_name(zone), name);
        zone_unref(zone);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("zone-file");
        TCase *tcase = tcase_create("zone-file");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, version_1_stays_as_it_was);
        tcase_add_test(tcase, every_version_is_read);
        tcase_add_test(tcase, leap_seconds_are_left_out);
        tcase_add_test(tcase, changes_never_descend_for_leap_seconds);
        tcase_add_loop_test(tcase, bad_files_are_refused, 0, ARRAY_SIZE(bad_files));
        tcase_add_test(tcase, files_cut_off_are_refused);
        tcase_add_test(tcase, no_byte_is_believed);
        tcase_add_test(tcase, counts_do_not_overflow);
        tcase_add_test(tcase, times_of_any_size_are_survived);
        tcase_add_test(tcase, a_name_too_long_is_refused);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
