/* SPDX-License-Identifier: MIT */
/* glob-page: page by page it is what glob(3) finds at once, in no more memory than two pages. */
#include "base/random.h"
#include "task/glob_page.h"

#include <check.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64], path[256];

static void setup(void) {
        (void)snprintf(directory, sizeof(directory), "/tmp/tendd-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void) {
        char command[128];

        (void)snprintf(command, sizeof(command), "rm -rf %s", directory);
        ck_assert_int_eq(system(command), 0);
}

static const char *at(const char *name) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
        return path;
}

static void file(const char *name) {
        int fd = open(at(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        ck_assert_int_ge(fd, 0);
        (void)close(fd);
}

static void folder(const char *name) {
        ck_assert_int_eq(mkdir(at(name), 0700), 0);
}

/* All that matches @pattern below the directory, in pages of @max, is what glob(3) finds. Returns how much that is. */
static size_t check(const char *pattern, size_t max) {
        char whole[256], failed[PATH_MAX], after[PATH_MAX] = "";
        glob_t want = { 0 };
        size_t n = 0;
        bool more = true;

        (void)snprintf(whole, sizeof(whole), "%s/%s", directory, pattern);
        ck_assert_int_ne(glob(whole, 0, NULL, &want), GLOB_NOSPACE);
        while (more) {
                struct glob_page page;

                ck_assert_int_eq(glob_page_read(whole, *after ? after : NULL, max, &page, failed), 0);
                ck_assert_uint_le(page.n, max);
                for (size_t i = 0; i < page.n; i++, n++) {
                        ck_assert_msg(n < want.gl_pathc && streq(page.paths[i], want.gl_pathv[n]),
                                      "%s: number %zu is %s, not %s", pattern, n, page.paths[i],
                                      n < want.gl_pathc ? want.gl_pathv[n] : "there");
                        (void)strcpy(after, page.paths[i]);
                }
                more = page.more;
                glob_page_done(&page);
        }
        ck_assert_msg(n == want.gl_pathc, "%s: %zu found, not %zu", pattern, n, want.gl_pathc);
        globfree(&want);
        return n;
}

static const char *const patterns[] = {
        "*",      "a*",    "*/*",      "*/a",   "a/*",       "a-b/*", "[ab]*/?", "*/",    "*/b/*",
        ".h*",    "x",     "a/../a-b", "?",     "nothing/*", "a/a",   "\\*",     "\\a/b", "**",
        "//a//*", "./a/*", "link/*",   "link/", "dangling*", "*/*/*", "a/a/*",   "",      "[!a]*/*b",
};

START_TEST(each_pattern_finds_what_glob_finds) {
        static const char *const names[] = { "a", "b", "a-b", "a.b", "*", "ab", ".h" };
        char name[64];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                folder(names[i]);
                for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
                        (void)snprintf(name, sizeof(name), "%s/%s", names[i], names[k]);
                        if ((i + k) % 3 != 0) {
                                file(name);
                                continue;
                        }
                        folder(name);
                        (void)snprintf(name, sizeof(name), "%s/%s/b", names[i], names[k]);
                        file(name);
                }
        }
        file("x");
        ck_assert_int_eq(symlink("a", at("link")), 0);
        ck_assert_int_eq(symlink("nowhere", at("dangling")), 0);
        for (size_t max = 1; max < 5; max++)
                (void)check(patterns[_i], max);
        (void)check(patterns[_i], 1000);
}
END_TEST

START_TEST(many_files_come_in_pages) {
        uint64_t random = 1;
        char name[32];

        folder("many");
        for (unsigned i = 0; i < 5000; i++) {
                (void)snprintf(name, sizeof(name), "many/%llx", (unsigned long long)random_below(&random, 1 << 30));
                file(name);
        }
        ck_assert_uint_ge(check("many/*", 700), 4900);
        (void)check("many/*", 5000);
        (void)check("*/a[0-3]*", 1);
}
END_TEST

START_TEST(what_cannot_be_read_is_told) {
        struct glob_page page;
        char failed[PATH_MAX];

        ck_assert_int_eq(symlink("loop", at("loop")), 0);
        ck_assert_int_eq(glob_page_read(at("loop/*"), NULL, 10, &page, failed), -ELOOP);
        ck_assert_msg(strstr(failed, "/loop/"), "%s", failed);
        glob_page_done(&page);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("glob-page");
        TCase *tcase = tcase_create("glob-page");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, each_pattern_finds_what_glob_finds, 0, (int)ARRAY_SIZE(patterns));
        tcase_add_test(tcase, many_files_come_in_pages);
        tcase_add_test(tcase, what_cannot_be_read_is_told);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
