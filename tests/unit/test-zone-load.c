/* SPDX-License-Identifier: MIT */
/* zone_load: names lead to zones, and to nothing else. */
#include "support/zone-image.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

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
        struct zone_image image;

        strcpy(dir + strlen(dir) - 6, "XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_eq(mkdir(path_of("Area"), 0777), 0);
        zone_file_make(&image, &zone_file_eventful);
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

START_TEST(paths_are_those_to_watch) {
        struct zone *zone;
        char *real;

        ck_assert_int_eq(zone_load("Area/City", &zone), 0);
        ck_assert_str_eq(zone_paths(zone)[0], path_of("Area/City"));
        ck_assert_ptr_null(zone_paths(zone)[1]);
        zone_unref(zone);

        ck_assert_int_eq(zone_load("link", &zone), 0);
        real = realpath(path_of("Area/City"), NULL);
        ck_assert_str_eq(zone_paths(zone)[0], path_of("link"));
        ck_assert_str_eq(zone_paths(zone)[1], real);
        ck_assert_ptr_null(zone_paths(zone)[2]);
        free(real);
        zone_unref(zone);

        ck_assert_int_eq(zone_load("UTC", &zone), 0);
        ck_assert_ptr_null(zone_paths(zone)[0]);
        zone_unref(zone);

        ck_assert_int_eq(zone_load(NULL, &zone), 0);
        ck_assert_str_eq(zone_paths(zone)[0], "/etc/localtime");
        zone_unref(zone);
}
END_TEST

START_TEST(utc_and_the_machines_zone_are_always_there) {
        struct zone *zone;

        ck_assert_int_eq(zone_load("UTC", &zone), 0);
        zone_assert_at(zone, 0, 0, false, "UTC");
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
        Suite *suite = suite_create("zone-load");
        TCase *tcase = tcase_create("zone-load");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up_dir, tear_down_dir);
        tcase_add_loop_test(tcase, names_reach_zone_files_only, 0, ARRAY_SIZE(loads));
        tcase_add_test(tcase, paths_are_those_to_watch);
        tcase_add_test(tcase, utc_and_the_machines_zone_are_always_there);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
