/* SPDX-License-Identifier: MIT */
/* watch: nothing that happens to directories loses an arrival, and what goes wrong is told. */
#include "support/watch-bed.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* ---- directories ---- */

START_TEST(test_directory_later) {
        watch_both("in/box/*.csv");
        make("in");
        make("in/box");
        put("in/box/a.csv");
        await_fired(&a, 1);
        put("in/box/b.csv");
        await_fired(&a, 2);
        assert_not_told(2);
}
END_TEST

START_TEST(test_tree_is_moved_into_place) {
        watch_both("in/box/*.csv");
        make("tree");
        make("tree/box");
        put("tree/box/a.csv");
        assert_not_told(0);
        move("tree", "in");
        await_fired(&a, 1);
}
END_TEST

START_TEST(test_directory_comes_again) {
        make("in");
        watch_both("in/*.csv");
        for (unsigned i = 0; i < 20; i++) {
                delete ("in");
                make("in");
                put("in/a.csv");
                await_fired(&a, i + 1);
                delete ("in/a.csv");
        }
        assert_not_told(20);
}
END_TEST

/* As long as somebody is in it, nobody tells that it is gone. */
START_TEST(test_directory_is_held) {
        int fd;

        make("in");
        watch(&a, "in/*.csv");
        fd = open(path_of("in"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        delete ("in");
        make("in");
        put("in/a.csv");
        await_fired(&a, 1);
        put("in/b.csv");
        await_fired(&a, 2);
        ck_assert_int_eq(close(fd), 0);
}
END_TEST

static bool old_is_dropped(void) {
        const struct watch_dir *d;

        if (!all_is_watched())
                return false;
        list_for_each_entry(d, &a.watch->patterns[0].dirs, of_pattern)
                if (streq(d->path, path_of("in/box")))
                        return false;
        return true;
}

START_TEST(test_directory_above_is_moved_away) {
        make("in");
        make("in/box");
        watch_both("in/box/*.csv");
        move("in", "out");
        await(old_is_dropped);
        put("out/box/a.csv");
        assert_not_told(0);
        make("in");
        make("in/box");
        put("in/box/a.csv");
        await_fired(&a, 1);
}
END_TEST

START_TEST(test_wildcard_directories) {
        make("one");
        make("one/inbox");
        make("two");
        put("file");
        watch_both("*/inbox/*.csv");
        put("one/inbox/a.csv");
        await_fired(&a, 1);
        make("two/inbox");
        put("two/inbox/a.csv");
        await_fired(&a, 2);
        make("three");
        make("three/inbox");
        put("three/inbox/a.csv");
        await_fired(&a, 3);
        make(".four");
        make(".four/inbox");
        put(".four/inbox/a.csv");
        assert_not_told(3);
}
END_TEST

START_TEST(test_symbolic_link_is_replaced) {
        make("v1");
        make("v2");
        ck_assert_int_eq(symlink("v1", path_of("now")), 0);
        watch_both("now/*.csv");
        put("v1/a.csv");
        await_fired(&a, 1);
        put("v2/a.csv");
        assert_not_told(1);
        ck_assert_int_eq(symlink("v2", path_of("next")), 0);
        move("next", "now");
        await_fired(&a, 2); /* what is in v2 has arrived */
        await(all_is_watched);
        put("v2/b.csv");
        await_fired(&a, 3);
}
END_TEST

/* What a link leads to may be a link, or in a directory that is replaced. */
START_TEST(test_link_behind_a_link_is_replaced) {
        make("v1");
        make("v1/in");
        make("v2");
        make("v2/in");
        ck_assert_int_eq(symlink("v1", path_of("now")), 0);
        ck_assert_int_eq(symlink("./now/../now/in", path_of("in")), 0);
        ck_assert_int_eq(symlink(path_of("in"), path_of("box")), 0);
        put("v2/in/a.csv");
        watch_both("box/*.csv");
        assert_not_told(0);
        ck_assert_int_eq(symlink("v2", path_of("next")), 0);
        move("next", "now");
        await_fired(&a, 1);
        await(all_is_watched);
        put("v2/in/b.csv");
        await_fired(&a, 2);
        await(all_is_watched);
        make("v3");
        make("v3/in");
        put("v3/in/a.csv");
        move("v2", "old");
        move("v3", "v2");
        await_fired(&a, 3);
}
END_TEST

START_TEST(test_links_go_round) {
        ck_assert_int_eq(symlink("b", path_of("a")), 0);
        ck_assert_int_eq(symlink("a", path_of("b")), 0);
        watch(&a, "a/*.csv");
        ck_assert_ptr_nonnull(strstr(watch_trouble(a.watch), "Too many levels of symbolic links"));
}
END_TEST

/* As /etc/localtime is. */
START_TEST(test_one_path_is_replaced) {
        put("v1");
        put("v2");
        ck_assert_int_eq(symlink("v1", path_of("localtime")), 0);
        begin(&a, "localtime", WATCH_LATER_ONLY | WATCH_REMOVALS);
        await(all_is_watched);
        ck_assert_int_eq(symlink("v2", path_of("next")), 0);
        move("next", "localtime");
        await_fired(&a, 1);
        delete ("localtime");
        await_fired(&a, 2);
        ck_assert_int_eq(symlink("v1", path_of("localtime")), 0);
        await_fired(&a, 3);
}
END_TEST

/* How many the kernel knows of. */
static unsigned n_watched(void) {
        char path[64], line[512];
        unsigned n = 0;
        FILE *file;

        (void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", watcher->fd);
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file))
                n += strncmp(line, "inotify wd:", 11) == 0;
        (void)fclose(file);
        return n;
}

static bool nothing_is_watched(void) {
        return n_watched() == 0;
}

static bool as_at_first(void) {
        return all_is_watched() && n_watched() == 3;
}

START_TEST(test_what_is_gone_is_taken_off) {
        char name[32];

        watch(&a, "*/*.csv");
        ck_assert_uint_eq(n_watched(), 3); /* /, /tmp, dir */
        for (unsigned i = 0; i < 300; i++) {
                (void)snprintf(name, sizeof(name), "%u", i);
                make(name);
        }
        put("299/a.csv");
        await_fired(&a, 1);
        await(all_is_watched);
        ck_assert_uint_eq(n_watched(), 303);
        delete ("299/a.csv");
        for (unsigned i = 0; i < 300; i++) {
                (void)snprintf(name, sizeof(name), "%u", i);
                delete (name);
        }
        await(as_at_first);
        a.watch = watch_free(a.watch);
        await(nothing_is_watched);
}
END_TEST

START_TEST(test_watches_share_a_directory) {
        watch(&a, "*.csv");
        watch(&b, "*.c*");
        put("a.csv");
        await_fired(&a, 1);
        await_fired(&b, 1);
        a.watch = watch_free(a.watch);
        put("b.csv");
        await_fired(&b, 2);
        ck_assert_uint_eq(a.n, 1);
}
END_TEST

START_TEST(test_freed_when_it_fires) {
        watch(&a, "*.csv");
        a.frees = true;
        put("a.csv");
        await_fired(&a, 1);
        ck_assert_ptr_null(a.watch);
}
END_TEST

START_TEST(test_mount) {
        if (unshare(CLONE_NEWNS) < 0) /* needs root */
                return;
        ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        make("in");
        watcher_free(watcher); /* the table of mounts is another one now */
        ck_assert_int_eq(watcher_new(loop, &watcher), 0);
        watch_both("in/*.csv");
        if (mount("test", path_of("in"), "tmpfs", 0, NULL) < 0)
                return;
        put("in/a.csv"); /* nobody sees it, before the mount is seen */
        await_fired(&a, 1);
        await(all_is_watched);
        put("in/b.csv");
        await_fired(&a, 2);
        ck_assert_int_eq(umount2(path_of("in"), MNT_DETACH), 0);
        put("in/c.csv");
        await_fired(&a, 3);
}
END_TEST

/* ---- what goes wrong ---- */

START_TEST(test_overflow) {
        watch_both("*.csv");
        kernel.overflow = true;
        put("a.csv");
        await_fired(&a, 1);
        ck_assert_uint_eq(kernel.n_lost, 1);
        ck_assert_ptr_nonnull(strstr(logged, "more happened than the kernel keeps in mind"));
        assert_not_told(1);
}
END_TEST

static bool is_troubled(void) {
        return watch_trouble(a.watch) != NULL;
}

static bool is_untroubled(void) {
        return !is_troubled() && all_is_watched();
}

static usec_t last_look;

static bool has_looked(void) {
        const struct watch_pattern *p = &a.watch->patterns[0];

        return p->begun && p->began_usec > last_look && !p->scan && !loop_timer_armed(&a.watch->timer);
}

static void look_again(void) {
        await(has_looked);
        last_look = a.watch->patterns[0].began_usec;
        atomic_fetch_add(&advanced, USEC_PER_MINUTE);
        await(has_looked);
}

START_TEST(test_no_watches_left) {
        char wanted[256];

        set_error(ENOSPC);
        begin(&a, "*.csv", 0);
        await(is_troubled);
        ck_assert_str_eq(watch_trouble(a.watch), "/: no more directories can be watched "
                                                 "(fs.inotify.max_user_watches): looked at once a minute");
        put("a.csv");
        look_again();
        ck_assert_uint_eq(a.n, 1); /* found by looking */
        look_again();
        ck_assert_uint_eq(a.n, 1);
        set_error(0);
        look_again();
        ck_assert(is_untroubled());
        (void)snprintf(wanted, sizeof(wanted), "watch of test: %s is watched again", path_of("*.csv"));
        ck_assert_msg(strstr(logged, wanted) != NULL, "no '%s' in:\n%s", wanted, logged);
        put("b.csv");
        await_fired(&a, a.n + 1);
}
END_TEST

/* Where one must look, what is the same as before is no arrival. */
START_TEST(test_looking_finds_what_is_new) {
        set_error(ENOSPC);
        put("a.csv");
        begin(&a, "*.csv", 0);
        await_fired(&a, 1);
        look_again();
        ck_assert_uint_eq(a.n, 1);
        put("b.csv");
        look_again();
        ck_assert_uint_eq(a.n, 2);
        ck_assert_int_eq(unlink(path_of("a.csv")), 0); /* nor is what has gone */
        look_again();
        ck_assert_uint_eq(a.n, 2);
        ck_assert_int_eq(rename(path_of("b.csv"), path_of("c.csv")), 0);
        look_again();
        ck_assert_uint_eq(a.n, 3);
        ck_assert_int_eq(unlink(path_of("c.csv")), 0);
        look_again();
        ck_assert_uint_eq(a.n, 3);
}
END_TEST

START_TEST(test_looking_finds_what_has_gone_when_asked_for) {
        set_error(ENOSPC);
        put("a.csv");
        put("b.csv");
        begin(&a, "*.csv", WATCH_REMOVALS);
        await_fired(&a, 1);
        ck_assert_int_eq(unlink(path_of("a.csv")), 0);
        look_again();
        ck_assert_uint_eq(a.n, 2);
        ck_assert_int_eq(unlink(path_of("b.csv")), 0); /* the last */
        look_again();
        ck_assert_uint_eq(a.n, 3);
}
END_TEST

START_TEST(test_link_leads_nowhere) {
        ck_assert_int_eq(symlink("nowhere", path_of("in")), 0);
        begin(&a, "in/*.csv", 0);
        await(is_troubled);
        make("nowhere");
        put("nowhere/a.csv");
        atomic_fetch_add(&advanced, USEC_PER_MINUTE);
        await_fired(&a, 1);
        await(is_untroubled);
}
END_TEST

/* A directory that may be passed but not read: of the test's own process, so that root is somebody else. */
START_TEST(test_directory_is_not_readable) {
        make("shut");
        ck_assert_int_eq(chmod(dir, 0777), 0);
        ck_assert_int_eq(chmod(path_of("shut"), 0711), 0);
        if (geteuid() != 0 || seteuid(65534) < 0)
                return;
        begin(&a, "shut/in/*.csv", 0);
        await(is_troubled);
        ck_assert_str_eq(strchr(watch_trouble(a.watch) + strlen(dir), ':'),
                         ": Permission denied: looked at once a minute");
        ck_assert_int_eq(seteuid(0), 0);
        make("shut/in");
        put("shut/in/a.csv");
        ck_assert_int_eq(seteuid(65534), 0);
        look_again();
        ck_assert_uint_eq(a.n, 1);
        ck_assert(is_untroubled());
        ck_assert_int_eq(seteuid(0), 0);
        put("shut/in/b.csv"); /* it is watched now */
        await_fired(&a, 2);
        ck_assert_int_eq(chmod(path_of("shut/in"), 0), 0);
        move("shut/in", "out");
        make("shut/in");
        put("shut/in/c.csv");
        await_fired(&a, 3);
}
END_TEST

/* However many there are that cannot be watched, and whatever is wrong first. */
START_TEST(test_walk_is_bounded) {
        struct watch_scan *scan = calloc(1, sizeof(*scan));
        char name[32];

        ck_assert_ptr_nonnull(scan);
        for (unsigned i = 0; i < 150; i++) {
                (void)snprintf(name, sizeof(name), "%u", i);
                make(name);
        }
        set_error(ENOSPC);
        list_init(&scan->dirs);
        ck_assert_int_eq(pattern_new(path_of("*/../*/../*/*.csv"), &scan->pattern), 0);
        scan->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        watch_scan_run(scan);
        ck_assert_int_eq(scan->error, -E2BIG);
        ck_assert_uint_le(scan->n_entered, WATCH_DIRS_MAX + 10);
        watch_scan_free(scan);
}
END_TEST

static unsigned wanted_hanging;

static bool all_hang(void) {
        return n_hanging() >= wanted_hanging;
}

static bool says_hang(void) {
        return strstr(logged, "a file system hangs") != NULL;
}

static bool says_again(void) {
        return strstr(logged, "can be looked at again") != NULL;
}

START_TEST(test_one_hangs) {
        make("dead");
        make("in");
        set_hangs(path_of("dead"));
        begin(&a, "dead/*.csv", 0);
        put("dead/a.csv");
        begin(&b, "in/*.csv", 0);
        put("in/a.csv");
        await_fired(&b, 1);
        wanted_hanging = 1;
        await(all_hang);
        atomic_fetch_add(&advanced, 11 * USEC_PER_SEC);
        await(says_hang);
        put("in/b.csv");
        await_fired(&b, b.n + 1);
        ck_assert_uint_eq(a.n, 0);
        set_hangs("");
        await_fired(&a, 1);
        await(says_again);
        put("dead/b.csv");
        await_fired(&a, 2);
}
END_TEST

/* More than there are threads. */
START_TEST(test_several_hang) {
        static struct seen hung[8];

        make("dead");
        make("in");
        set_hangs(path_of("dead"));
        for (size_t i = 0; i < ARRAY_SIZE(hung); i++)
                begin(&hung[i], "dead/*.csv", 0);
        begin(&b, "last-*", 0);
        put("last-0");
        for (wanted_hanging = 2; wanted_hanging <= 8; wanted_hanging += 2) {
                await(all_hang);
                atomic_fetch_add(&advanced, 11 * USEC_PER_SEC);
        }
        await_fired(&b, 1);
        set_hangs("");
        for (size_t i = 0; i < ARRAY_SIZE(hung); i++)
                watch_free(hung[i].watch);
}
END_TEST

START_TEST(test_left_behind) {
        make("dead");
        set_hangs(path_of("dead"));
        begin(&a, "dead/*.csv", 0);
        begin(&b, "dead/*", 0);
        wanted_hanging = 2;
        await(all_hang);
        a.watch = watch_free(a.watch);
        b.watch = watch_free(b.watch);
        watcher = watcher_free(watcher); /* does not wait */
        set_hangs("");
        while (n_hanging() > 0)
                (void)sched_yield();
}
END_TEST

static Suite *watch_dirs_suite(void) {
        Suite *s = suite_create("watch-dirs");
        TCase *tc = tcase_create("directories");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, test_directory_later);
        tcase_add_test(tc, test_tree_is_moved_into_place);
        tcase_add_test(tc, test_directory_comes_again);
        tcase_add_test(tc, test_directory_is_held);
        tcase_add_test(tc, test_directory_above_is_moved_away);
        tcase_add_test(tc, test_wildcard_directories);
        tcase_add_test(tc, test_symbolic_link_is_replaced);
        tcase_add_test(tc, test_link_behind_a_link_is_replaced);
        tcase_add_test(tc, test_links_go_round);
        tcase_add_test(tc, test_one_path_is_replaced);
        tcase_add_test(tc, test_what_is_gone_is_taken_off);
        tcase_add_test(tc, test_watches_share_a_directory);
        tcase_add_test(tc, test_freed_when_it_fires);
        tcase_add_test(tc, test_mount);
        suite_add_tcase(s, tc);

        tc = tcase_create("trouble");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, test_overflow);
        tcase_add_test(tc, test_no_watches_left);
        tcase_add_test(tc, test_looking_finds_what_is_new);
        tcase_add_test(tc, test_looking_finds_what_has_gone_when_asked_for);
        tcase_add_test(tc, test_link_leads_nowhere);
        tcase_add_test(tc, test_directory_is_not_readable);
        tcase_add_test(tc, test_walk_is_bounded);
        tcase_add_test(tc, test_one_hangs);
        tcase_add_test(tc, test_several_hang);
        tcase_add_test(tc, test_left_behind);
        suite_add_tcase(s, tc);
        return s;
}

int main(void) {
        SRunner *runner = srunner_create(watch_dirs_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
