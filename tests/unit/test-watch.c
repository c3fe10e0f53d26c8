/* SPDX-License-Identifier: MIT */
/* watch: what counts as an arrival, and that nothing that happens to directories loses one; with the real inotify in a
 * directory of its own. That something is not told of is seen by a second watch, to which something happens later. */
#include "base/log.h"
#include "loop/watch_private.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define SETTLE   (20 * USEC_PER_MSEC)
#define DEADLINE (50 * USEC_PER_SEC)

static char dir[64];
static struct loop *loop;
static struct watcher *watcher;

/* ---- in the hands of the test: the clock, inotify ---- */

static _Atomic usec_t advanced;
usec_t __real_clock_now(enum clock_id id);
usec_t __wrap_clock_now(enum clock_id id);

usec_t __wrap_clock_now(enum clock_id id) {
        return __real_clock_now(id) + atomic_load(&advanced);
}

static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        char hangs[PATH_MAX]; /* what is there and below hangs */
        unsigned n_hanging;
        int error;     /* instead */
        bool overflow; /* all events are lost */
        unsigned n_lost;
} kernel = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
ssize_t __real_read(int fd, void *buffer, size_t n);
ssize_t __wrap_read(int fd, void *buffer, size_t n);

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask) {
        int error;

        (void)pthread_mutex_lock(&kernel.lock);
        while (kernel.hangs[0] && strncmp(path, kernel.hangs, strlen(kernel.hangs)) == 0) {
                kernel.n_hanging++;
                (void)pthread_cond_wait(&kernel.changed, &kernel.lock);
                kernel.n_hanging--;
        }
        error = kernel.error;
        (void)pthread_mutex_unlock(&kernel.lock);
        if (error == 0)
                return __real_inotify_add_watch(fd, path, mask);
        errno = error;
        return -1;
}

static void set_error(int error) {
        (void)pthread_mutex_lock(&kernel.lock);
        kernel.error = error;
        (void)pthread_mutex_unlock(&kernel.lock);
}

static void set_hangs(const char *path) {
        (void)pthread_mutex_lock(&kernel.lock);
        (void)snprintf(kernel.hangs, sizeof(kernel.hangs), "%s", path);
        (void)pthread_cond_broadcast(&kernel.changed);
        (void)pthread_mutex_unlock(&kernel.lock);
}

static unsigned n_hanging(void) {
        unsigned n;

        (void)pthread_mutex_lock(&kernel.lock);
        n = kernel.n_hanging;
        (void)pthread_mutex_unlock(&kernel.lock);
        return n;
}

/* Of the loop's thread, the only one that reads. */
ssize_t __wrap_read(int fd, void *buffer, size_t n) {
        const struct inotify_event lost = { .wd = -1, .mask = IN_Q_OVERFLOW };
        ssize_t r = __real_read(fd, buffer, n);

        if (!watcher || fd != watcher->fd || !kernel.overflow || r <= 0)
                return r;
        kernel.n_lost++;
        memcpy(buffer, &lost, sizeof(lost));
        return sizeof(lost);
}

/* ---- in place of the logger ---- */

static char logged[8192];

void log_record(int level, _unused_ const struct log_context *context, const char *format, ...) {
        size_t n = strlen(logged);
        va_list ap;

        n += (size_t)snprintf(logged + n, sizeof(logged) - n, "%d ", level);
        va_start(ap, format);
        (void)vsnprintf(logged + n, sizeof(logged) - n, format, ap);
        va_end(ap);
        (void)strncat(logged, "\n", sizeof(logged) - strlen(logged) - 1);
}

/* ---- files ---- */

static const char *path_of(const char *name) {
        static char paths[8][PATH_MAX];
        static unsigned at;
        char *path = paths[at++ % 8];

        (void)snprintf(path, PATH_MAX, "%s/%s", dir, name);
        return path;
}

static int open_file(const char *name) {
        int fd = open(path_of(name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, "x", 1), 1);
        return fd;
}

static void put(const char *name) {
        ck_assert_int_eq(close(open_file(name)), 0);
}

static void make(const char *name) {
        ck_assert_int_eq(mkdir(path_of(name), 0755), 0);
}

static void move(const char *from, const char *to) {
        ck_assert_int_eq(rename(path_of(from), path_of(to)), 0);
}

static void delete (const char *name) {
        ck_assert_int_eq(remove(path_of(name)), 0);
}

/* ---- watches ---- */

struct seen {
        struct watch *watch;
        unsigned n;
        unsigned until;
        bool frees;
};

static void on_fired(struct watch *watch, void *arg) {
        struct seen *seen = arg;

        ck_assert_ptr_eq(watch, seen->watch);
        seen->n++;
        if (seen->frees)
                seen->watch = watch_free(watch);
        if (seen->until > 0 && seen->n >= seen->until)
                loop_exit(loop, 0);
}

static void on_deadline(_unused_ struct loop_timer *timer, _unused_ void *arg) {
        ck_abort_msg("waited for too long; log:\n%s", logged);
}

/* The kernel does not know that the clock was advanced, and would sleep too long. */
static void on_awake(struct loop_work *work, _unused_ void *arg) {
        loop_work_schedule(work);
}

static void run(void) {
        struct loop_timer deadline = { 0 };
        struct loop_work awake;

        ck_assert_int_eq(loop_timer_init(&deadline, loop, CLOCK_ID_MONOTONIC, "deadline", on_deadline, NULL), 0);
        loop_timer_set(&deadline, clock_now(CLOCK_ID_MONOTONIC) + DEADLINE);
        loop_work_init(&awake, loop, "awake", on_awake, NULL);
        if (atomic_load(&advanced) > 0)
                loop_work_schedule(&awake);
        ck_assert_int_eq(loop_run(loop), 0);
        loop_work_cancel(&awake);
        loop_timer_done(&deadline);
}

/* Waits until it has fired @n times in all. */
static void await_fired(struct seen *seen, unsigned n) {
        seen->until = n;
        if (seen->n < n)
                run();
        seen->until = 0;
        ck_assert_uint_eq(seen->n, n);
}

static void on_poll(struct loop_timer *timer, void *arg) {
        bool (*done)(void) = arg;

        if (done())
                loop_exit(loop, 0);
        else
                loop_timer_set(timer, clock_now(CLOCK_ID_MONOTONIC) + USEC_PER_MSEC);
}

static void await(bool (*done)(void)) {
        struct loop_timer timer = { 0 };

        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_MONOTONIC, "poll", on_poll, (void *)done), 0);
        loop_timer_set(&timer, 0);
        run();
        loop_timer_done(&timer);
}

static bool all_is_watched(void) {
        const struct watch *watch;

        list_for_each_entry(watch, &watcher->watches, link)
                for (size_t i = 0; i < watch->n_patterns; i++)
                        if (!watch->patterns[i].begun || watch->patterns[i].scan || watch->patterns[i].again)
                                return false;
        return true;
}

/* Begins without waiting. */
static void begin(struct seen *seen, const char *pattern, unsigned flags) {
        const char *patterns[] = { path_of(pattern), NULL };
        const struct watch_spec spec = {
                .name = "test",
                .patterns = patterns,
                .settle_usec = SETTLE,
                .flags = flags,
                .fn = on_fired,
                .arg = seen,
        };

        memset(seen, 0, sizeof(*seen));
        ck_assert_int_eq(watch_new(watcher, &spec, &seen->watch), 0);
}

static void watch(struct seen *seen, const char *pattern) {
        begin(seen, pattern, 0);
        await(all_is_watched);
}

static struct seen a, b; /* most tests have one or two */

/* Something happens that `b` is told of, later than everything before; each file that was closed is told once. */
static void assert_not_told(unsigned n) {
        char name[32];
        unsigned before = b.n;

        (void)snprintf(name, sizeof(name), "last-%u", before);
        put(name);
        await_fired(&b, before + 1);
        ck_assert_uint_eq(a.n, n);
}

static void watch_both(const char *pattern) {
        watch(&a, pattern);
        watch(&b, "last-*");
}

static void setup(void) {
        (void)strcpy(dir, "/tmp/test-watch-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(watcher_new(loop, &watcher), 0);
}

static void teardown(void) {
        char command[128];

        a.watch = watch_free(a.watch);
        b.watch = watch_free(b.watch);
        watcher = watcher_free(watcher);
        loop_free(loop);
        (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
        ck_assert_int_eq(system(command), 0);
}

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

START_TEST(test_many_settle_to_one) {
        char name[32];

        watch_both("*.csv");
        for (unsigned i = 0; i < 10000; i++) {
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
        kernel.overflow = false;
        ck_assert_uint_gt(kernel.n_lost, 0);
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

        tc = tcase_create("directories");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, test_directory_later);
        tcase_add_test(tc, test_tree_is_moved_into_place);
        tcase_add_test(tc, test_directory_comes_again);
        tcase_add_test(tc, test_directory_is_held);
        tcase_add_test(tc, test_directory_above_is_moved_away);
        tcase_add_test(tc, test_wildcard_directories);
        tcase_add_test(tc, test_symbolic_link_is_replaced);
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
        tcase_add_test(tc, test_link_leads_nowhere);
        tcase_add_test(tc, test_one_hangs);
        tcase_add_test(tc, test_several_hang);
        tcase_add_test(tc, test_left_behind);
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
