/* SPDX-License-Identifier: MIT */
/* watch-bed: see watch-bed.h. */
#include "support/watch-bed.h"

#include "base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define DEADLINE (50 * USEC_PER_SEC)

char dir[64];
struct loop *loop;
struct watcher *watcher;

/* ---- in the hands of the test: the clock, inotify ---- */

_Atomic usec_t advanced;
usec_t __real_clock_now(enum clock_id id);
usec_t __wrap_clock_now(enum clock_id id);

usec_t __wrap_clock_now(enum clock_id id) {
        return __real_clock_now(id) + atomic_load(&advanced);
}

struct watch_kernel kernel = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

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

void set_error(int error) {
        (void)pthread_mutex_lock(&kernel.lock);
        kernel.error = error;
        (void)pthread_mutex_unlock(&kernel.lock);
}

void set_hangs(const char *path) {
        (void)pthread_mutex_lock(&kernel.lock);
        (void)snprintf(kernel.hangs, sizeof(kernel.hangs), "%s", path);
        (void)pthread_cond_broadcast(&kernel.changed);
        (void)pthread_mutex_unlock(&kernel.lock);
}

unsigned n_hanging(void) {
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
        kernel.overflow = false;
        kernel.n_lost++;
        memcpy(buffer, &lost, sizeof(lost));
        return sizeof(lost);
}

/* ---- in place of the logger ---- */

char logged[8192];

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

const char *path_of(const char *name) {
        static char paths[8][PATH_MAX];
        static unsigned at;
        char *path = paths[at++ % 8];

        (void)snprintf(path, PATH_MAX, "%s/%s", dir, name);
        return path;
}

int open_file(const char *name) {
        int fd = open(path_of(name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, "x", 1), 1);
        return fd;
}

void put(const char *name) {
        ck_assert_int_eq(close(open_file(name)), 0);
}

void make(const char *name) {
        ck_assert_int_eq(mkdir(path_of(name), 0755), 0);
}

void move(const char *from, const char *to) {
        ck_assert_int_eq(rename(path_of(from), path_of(to)), 0);
}

void delete (const char *name) {
        ck_assert_int_eq(remove(path_of(name)), 0);
}

/* ---- watches ---- */

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

void run(void) {
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

void await_fired(struct seen *seen, unsigned n) {
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

void await(bool (*done)(void)) {
        struct loop_timer timer = { 0 };

        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_MONOTONIC, "poll", on_poll, (void *)done), 0);
        loop_timer_set(&timer, 0);
        run();
        loop_timer_done(&timer);
}

bool all_is_watched(void) {
        const struct watch *watch;

        list_for_each_entry(watch, &watcher->watches, link)
                for (size_t i = 0; i < watch->n_patterns; i++)
                        if (!watch->patterns[i].begun || watch->patterns[i].scan || watch->patterns[i].again)
                                return false;
        return true;
}

void begin(struct seen *seen, const char *pattern, unsigned flags) {
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

void watch(struct seen *seen, const char *pattern) {
        begin(seen, pattern, 0);
        await(all_is_watched);
}

struct seen a, b;

/* Each file that was closed is told once. */
void assert_not_told(unsigned n) {
        char name[32];
        unsigned before = b.n;

        (void)snprintf(name, sizeof(name), "last-%u", before);
        put(name);
        await_fired(&b, before + 1);
        ck_assert_uint_eq(a.n, n);
}

void watch_both(const char *pattern) {
        watch(&a, pattern);
        watch(&b, "last-*");
}

void setup(void) {
        (void)strcpy(dir, "/tmp/test-watch-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(watcher_new(loop, &watcher), 0);
}

void teardown(void) {
        char command[128];

        a.watch = watch_free(a.watch);
        b.watch = watch_free(b.watch);
        watcher = watcher_free(watcher);
        loop_free(loop);
        (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
        ck_assert_int_eq(system(command), 0);
}
