/* SPDX-License-Identifier: MIT */
/* watch: patterns, and what counts as an arrival. */
#include "support/watch-bed.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* ---- patterns ---- */

static const struct {
        const char *pattern;
        int r;
} patterns[] = {
        { "/srv/inbox/*.csv", 0 }, { "/a", 0 },      { "//a//b/", 0 },   { "/./a/./b", 0 },  { "a/b", -EINVAL },
        { "", -EINVAL },           { "/", -EINVAL }, { "/./", -EINVAL }, { "./a", -EINVAL },
};

START_TEST(test_check_pattern) {
        int r = watch_check_pattern(patterns[_i].pattern);

        ck_assert_msg(r == patterns[_i].r, "%s: %d, not %d", patterns[_i].pattern, r, patterns[_i].r);
}
END_TEST

START_TEST(test_check_long) {
        char text[WATCH_PATTERN_MAX + 2] = "/";

        memset(text + 1, 'a', WATCH_PATTERN_MAX - 1);
        ck_assert_int_eq(watch_check_pattern(text), -ENAMETOOLONG);
        text[WATCH_PATTERN_MAX - 1] = '\0';
        ck_assert_int_eq(watch_check_pattern(text), 0);
        for (unsigned i = 0; i <= WATCH_PARTS_MAX; i++)
                memcpy(text + 2 * (size_t)i, "/a", 3);
        ck_assert_int_eq(watch_check_pattern(text), -E2BIG);
        text[2 * WATCH_PARTS_MAX] = '\0';
        ck_assert_int_eq(watch_check_pattern(text), 0);
}
END_TEST

static const struct {
        const char *part;
        const char *name;
        bool matches;
} parts[] = {
        { "*.csv", "a.csv", true },    { "*.csv", ".csv", false }, { "*.csv", "a.csv.part", false },
        { "*", ".a", false },          { ".*", ".a", true },       { "[!.]*", "a", true },
        { "a\\*b", "a*b", true },      { "a\\*b", "axb", false },  { "a?c", "abc", true },
        { "[0-9]*", "7up", true },     { "[0-9]*", "up", false },  { "plain", "plain", true },
        { "plain", "plainer", false }, { "\\[x]", "[x]", true },
};

START_TEST(test_part_matches) {
        struct pattern *pattern = NULL;
        char text[64];
        bool matches;

        (void)snprintf(text, sizeof(text), "/%s", parts[_i].part);
        ck_assert_int_eq(pattern_new(text, &pattern), 0);
        ck_assert_uint_eq(pattern->n_parts, 1);
        matches = pattern_part_matches(&pattern->parts[0], parts[_i].name);
        ck_assert_msg(matches == parts[_i].matches, "%s %s: %d", parts[_i].part, parts[_i].name, matches);
        pattern_unref(pattern);
}
END_TEST

/* ---- what is an arrival ---- */

START_TEST(test_closed_after_write) {
        int fd;

        watch_both("*.csv");
        fd = open_file("a.csv");
        assert_not_told(0);
        ck_assert_int_eq(write(fd, "y", 1), 1);
        assert_not_told(0);
        ck_assert_int_eq(close(fd), 0);
        await_fired(&a, 1);
}
END_TEST

START_TEST(test_moved_into_place) {
        watch_both("*.csv");
        put("a.part");
        assert_not_told(0);
        move("a.part", "a.csv");
        await_fired(&a, 1);
}
END_TEST

START_TEST(test_linked_into_place) {
        put("a.part");
        watch_both("*.csv");
        ck_assert_int_eq(link(path_of("a.part"), path_of("a.csv")), 0);
        await_fired(&a, 1);
        ck_assert_int_eq(symlink("a.part", path_of("b.csv")), 0);
        await_fired(&a, 2);
}
END_TEST

/* An unnamed file that is given its name when it is complete has one link, like one that is begun. */
START_TEST(test_unnamed_is_linked) {
        char self[64];
        int fd;

        watch_both("*.csv");
        fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
        if (fd < 0) /* a file system without */
                return;
        (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
        ck_assert_int_eq(linkat(AT_FDCWD, self, AT_FDCWD, path_of("a.csv"), AT_SYMLINK_FOLLOW), 0);
        ck_assert_int_eq(close(fd), 0);
        await_fired(&a, 1);
}
END_TEST

/* Files that are still written when they get the name, and are never told as closed under it. */
static int open_unnamed(void) {
        return open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
}

static void name_unnamed(int fd, const char *name) {
        char self[64];

        (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
        ck_assert_int_eq(linkat(AT_FDCWD, self, AT_FDCWD, path_of(name), AT_SYMLINK_FOLLOW), 0);
}

static bool is_looked_after(void) {
        const struct watch_pattern *p = &a.watch->patterns[0];

        return p->n_made == 1 && !p->look;
}

START_TEST(test_written_under_another_name) {
        int fd = _i == 0 ? open_unnamed() : open_file("a.part");

        if (fd < 0) /* a file system without */
                return;
        watch_both("*.csv");
        if (_i == 0)
                name_unnamed(fd, "a.csv");
        else if (_i == 1)
                ck_assert_int_eq(link(path_of("a.part"), path_of("a.csv")), 0);
        else
                ck_assert_int_eq(symlink("a.part", path_of("a.csv")), 0);
        for (unsigned i = 0; i < 3; i++) {
                await(is_looked_after);
                atomic_fetch_add(&advanced, USEC_PER_MINUTE);
                assert_not_told(0);
        }
        ck_assert_int_eq(close(fd), 0);
        atomic_fetch_add(&advanced, USEC_PER_MINUTE);
        await_fired(&a, 1);
        assert_not_told(1);
        ck_assert_uint_eq(a.watch->patterns[0].n_made, 0);
}
END_TEST

/* What somebody else has seen being written, and passed over. */
START_TEST(test_passed_over) {
        int fd = open_file("a.part");

        ck_assert_int_eq(symlink("a.part", path_of("a.csv")), 0);
        begin(&a, "*.csv", WATCH_LATER_ONLY);
        await(all_is_watched);
        watch(&b, "last-*");
        watch_look(a.watch, path_of("a.csv"));
        watch_look(a.watch, path_of("a.csv"));
        await(is_looked_after);
        ck_assert_int_eq(close(fd), 0);
        atomic_fetch_add(&advanced, USEC_PER_MINUTE);
        await_fired(&a, 1);
        assert_not_told(1);
}
END_TEST

START_TEST(test_directories) {
        watch_both("*.d");
        make("a.d");
        assert_not_told(0);
        make("b");
        move("b", "b.d");
        await_fired(&a, 1);
}
END_TEST

START_TEST(test_other_names) {
        watch_both("*.csv");
        put("a.txt");
        put(".csv");
        put(".a.csv");
        put("a.csv.part");
        assert_not_told(0);
}
END_TEST

START_TEST(test_reading_and_removing) {
        int fd;

        put("a.csv");
        watch(&a, "*.csv");
        await_fired(&a, 1);
        watch(&b, "last-*");
        fd = open(path_of("a.csv"), O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(close(fd), 0);
        ck_assert_int_eq(chmod(path_of("a.csv"), 0600), 0);
        delete ("a.csv");
        assert_not_told(1);
}
END_TEST

START_TEST(test_removals_asked_for) {
        put("a.csv");
        begin(&a, "*.csv", WATCH_REMOVALS | WATCH_LATER_ONLY);
        await(all_is_watched);
        delete ("a.csv");
        await_fired(&a, 1);
}
END_TEST

START_TEST(test_there_at_start) {
        put("a.csv");
        begin(&a, "*.csv", 0);
        await_fired(&a, 1);
}
END_TEST

START_TEST(test_nothing_at_start) {
        put("a.txt");
        watch_both("*.csv");
        assert_not_told(0);
}
END_TEST

START_TEST(test_later_only) {
        put("a.csv");
        begin(&a, "*.csv", WATCH_LATER_ONLY);
        await(all_is_watched);
        watch(&b, "last-*");
        assert_not_told(0);
        put("b.csv");
        await_fired(&a, 1);
}
END_TEST

START_TEST(test_rescan) {
        watch(&a, "*.csv");
        watch(&b, "last-*");
        watch_rescan(a.watch);
        await(all_is_watched);
        assert_not_told(0);
        put("a.csv");
        await_fired(&a, 1);
        watch_rescan(a.watch);
        await_fired(&a, 2);
}
END_TEST

/* ---- settling ---- */

/* No more than the kernel keeps in mind: two events each. */
START_TEST(test_many_settle_to_one) {
        char name[32];

        watch_both("*.csv");
        for (unsigned i = 0; i < 5000; i++) {
                (void)snprintf(name, sizeof(name), "%u.csv", i);
                put(name);
        }
        await_fired(&a, 1);
        assert_not_told(1);
}
END_TEST

static usec_t fired_usec;
static unsigned n_put;

static void on_put(struct loop_timer *timer, _unused_ void *arg) {
        put("stream.csv");
        n_put++;
        loop_timer_set(timer, clock_now(CLOCK_ID_MONOTONIC) + SETTLE / 10);
}

static void on_fired_first(_unused_ struct watch *w, _unused_ void *arg) {
        fired_usec = clock_now(CLOCK_ID_MONOTONIC);
        loop_exit(loop, 0);
}

/* With files that come all the time it fires none the less, and not too soon. */
START_TEST(test_stream_does_not_starve) {
        const char *one[] = { path_of("*.csv"), NULL };
        const struct watch_spec spec = {
                .name = "test",
                .patterns = one,
                .settle_usec = SETTLE,
                .fn = on_fired_first,
        };
        struct loop_timer timer = { 0 };
        usec_t begun;

        ck_assert_int_eq(watch_new(watcher, &spec, &a.watch), 0);
        await(all_is_watched);
        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_MONOTONIC, "put", on_put, NULL), 0);
        begun = clock_now(CLOCK_ID_MONOTONIC);
        loop_timer_set(&timer, 0);
        run();
        ck_assert_uint_ge(fired_usec - begun, SETTLE);
        ck_assert_uint_gt(n_put, 1);
        loop_timer_done(&timer);
}
END_TEST

static Suite *watch_suite(void) {
        Suite *s = suite_create("watch");
        TCase *tc = tcase_create("pattern");

        tcase_add_loop_test(tc, test_check_pattern, 0, ARRAY_SIZE(patterns));
        tcase_add_test(tc, test_check_long);
        tcase_add_loop_test(tc, test_part_matches, 0, ARRAY_SIZE(parts));
        suite_add_tcase(s, tc);

        tc = tcase_create("arrivals");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, test_closed_after_write);
        tcase_add_test(tc, test_moved_into_place);
        tcase_add_test(tc, test_linked_into_place);
        tcase_add_test(tc, test_unnamed_is_linked);
        tcase_add_loop_test(tc, test_written_under_another_name, 0, 3);
        tcase_add_test(tc, test_passed_over);
        tcase_add_test(tc, test_directories);
        tcase_add_test(tc, test_other_names);
        tcase_add_test(tc, test_reading_and_removing);
        tcase_add_test(tc, test_removals_asked_for);
        tcase_add_test(tc, test_there_at_start);
        tcase_add_test(tc, test_nothing_at_start);
        tcase_add_test(tc, test_later_only);
        tcase_add_test(tc, test_rescan);
        tcase_add_test(tc, test_many_settle_to_one);
        tcase_add_test(tc, test_stream_does_not_starve);
        suite_add_tcase(s, tc);
        return s;
}

int main(void) {
        SRunner *runner = srunner_create(watch_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
