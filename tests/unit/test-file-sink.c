/* SPDX-License-Identifier: MIT */
/* file-sink: that all that was given is in the file, in order, whatever the disk does meanwhile; on real files, with
 * write(2) in the hands of the test. */
#include "loop/file_sink.h"

#include "base/clock.h"
#include "base/log.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PIECE    (64 * 1024)
#define BOUND    (512 * 1024) /* of a file */
#define DEADLINE (50 * USEC_PER_SEC)

static char dir[32];
static struct loop *loop;
static struct file_sink *sink;
static struct dumpable dumpable;
static unsigned told; /* waits that were over */

/* ---- the disk: in place of write(2), on other threads than the test's ---- */

static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        pthread_t test;
        ino_t stopped; /* writes to this file hang; 1: to every one */
        unsigned n_hanging;
        int error;       /* writes fail so */
        size_t at_most;  /* a write takes no more; 0: all */
        unsigned writes; /* that were tried */
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);

static bool is_stopped(ino_t ino) {
        return disk.stopped == 1 || (disk.stopped > 0 && disk.stopped == ino);
}

ssize_t __wrap_write(int fd, const void *data, size_t n) {
        struct stat st = { 0 };
        int error;

        if (pthread_equal(pthread_self(), disk.test))
                return __real_write(fd, data, n);
        (void)fstat(fd, &st);
        (void)pthread_mutex_lock(&disk.lock);
        disk.writes++;
        disk.n_hanging++;
        (void)pthread_cond_broadcast(&disk.changed);
        while (is_stopped(st.st_ino))
                (void)pthread_cond_wait(&disk.changed, &disk.lock);
        disk.n_hanging--;
        error = disk.error;
        if (disk.at_most > 0)
                n = MIN(n, disk.at_most);
        (void)pthread_mutex_unlock(&disk.lock);
        if (error == 0)
                return __real_write(fd, data, n);
        errno = error;
        return -1;
}

static void disk_stop(ino_t ino) {
        (void)pthread_mutex_lock(&disk.lock);
        disk.stopped = ino;
        (void)pthread_cond_broadcast(&disk.changed);
        (void)pthread_mutex_unlock(&disk.lock);
}

static void disk_fail(int error) {
        (void)pthread_mutex_lock(&disk.lock);
        disk.error = error;
        (void)pthread_mutex_unlock(&disk.lock);
}

/* Waits until a write hangs. */
static void await_hanging(void) {
        (void)pthread_mutex_lock(&disk.lock);
        while (disk.n_hanging == 0)
                (void)pthread_cond_wait(&disk.changed, &disk.lock);
        (void)pthread_mutex_unlock(&disk.lock);
}

/* ---- in place of the logger; on any thread ---- */

static char logged[4096];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void log_record(int level, _unused_ const struct log_context *context, const char *format, ...) {
        size_t n;
        va_list ap;

        (void)pthread_mutex_lock(&log_lock);
        n = strlen(logged);
        n += (size_t)snprintf(logged + n, sizeof(logged) - n, "%d ", level);
        va_start(ap, format);
        (void)vsnprintf(logged + n, sizeof(logged) - n, format, ap);
        va_end(ap);
        (void)strncat(logged, "\n", sizeof(logged) - strlen(logged) - 1);
        (void)pthread_mutex_unlock(&log_lock);
}

/* ---- fixture ---- */

static void setup(void) {
        (void)strcpy(dir, "/tmp/test-sink-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        disk.test = pthread_self();
        dumpable_init(&dumpable);
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(file_sink_new(loop, &dumpable, &sink), 0);
}

static void teardown(void) {
        char command[64];

        disk_stop(0);
        (void)file_sink_flush(sink, DEADLINE);
        file_sink_free(sink);
        loop_free(loop);
        (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
        ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name) {
        static char paths[4][PATH_MAX];
        static unsigned at;
        char *path = paths[at++ % 4];

        (void)snprintf(path, PATH_MAX, "%s/%s", dir, name);
        return path;
}

static struct file_writer *open_writer(const char *name) {
        struct file_writer *writer = NULL;

        ck_assert_int_eq(file_sink_open(sink, path_of(name), NULL, &writer), 0);
        return writer;
}

static void say(struct file_writer *writer, const char *text) {
        file_writer_write(writer, text, strlen(text));
}

static void flush(void) {
        ck_assert_uint_eq(file_sink_flush(sink, DEADLINE), 0);
}

static char *read_all(const char *name, size_t *ret_n) {
        int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
        struct stat st;
        char *data;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        data = calloc(1, (size_t)st.st_size + 1);
        ck_assert_ptr_nonnull(data);
        ck_assert_int_eq(read(fd, data, (size_t)st.st_size), st.st_size);
        (void)close(fd);
        if (ret_n)
                *ret_n = (size_t)st.st_size;
        return data;
}

static void has(const char *name, const char *expected) {
        _cleanup_(freep) char *text = read_all(name, NULL);

        ck_assert_str_eq(text, expected);
}

static void on_told(_unused_ void *arg) {
        told++;
        loop_exit(loop, 0);
}

static void on_deadline(_unused_ struct loop_timer *timer, _unused_ void *arg) {
        ck_abort_msg("nothing was told within 50 s");
}

/* Runs the loop until somebody is told. */
static void await_told(void) {
        struct loop_timer deadline;

        ck_assert_int_eq(loop_timer_init(&deadline, loop, CLOCK_ID_MONOTONIC, "deadline", on_deadline, NULL), 0);
        loop_timer_set(&deadline, clock_now(CLOCK_ID_MONOTONIC) + DEADLINE);
        ck_assert_int_eq(loop_run(loop), 0);
        loop_timer_done(&deadline);
}

static void flush_writer(struct file_writer *writer) {
        if (!file_writer_flush(writer, DEADLINE, on_told, NULL))
                await_told();
}

static unsigned count_descriptors(void) {
        DIR *fds = opendir("/proc/self/fd");
        unsigned n = 0;

        ck_assert_ptr_nonnull(fds);
        while (readdir(fds))
                n++;
        (void)closedir(fds);
        return n;
}

/* ---- what is given is in the file ---- */

static const size_t takes[] = { 0, 1000, 4096 }; /* bytes in a write */

START_TEST(all_is_in_the_file_and_in_order) {
        struct file_writer *writer = open_writer("log");
        size_t n = 4 * 1024 * 1024, size;
        _cleanup_(freep) char *data = malloc(n);
        _cleanup_(freep) char *found = NULL;

        ck_assert_ptr_nonnull(data);
        for (size_t i = 0; i < n; i++)
                data[i] = (char)(i * 2654435761u >> 13);
        disk.at_most = takes[_i];
        for (size_t at = 0; at < n; at += PIECE) {
                if (!file_writer_has_room(writer, on_told, NULL))
                        await_told();
                file_writer_write(writer, data + at, PIECE);
        }
        flush_writer(writer);
        found = read_all("log", &size);
        ck_assert_uint_eq(size, n);
        ck_assert_int_eq(memcmp(found, data, n), 0);
        file_writer_close(writer);
        ck_assert_str_eq(logged, "");
}
END_TEST

START_TEST(a_new_file_is_for_its_user_and_group) {
        struct stat st;

        (void)umask(022);
        file_writer_close(open_writer("log"));
        ck_assert_int_eq(stat(path_of("log"), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0640);
}
END_TEST

static const struct {
        const char *path;
        int error;
} refusals[] = { { "none/log", ENOENT }, { "", EISDIR }, { "fifo", ENXIO } };

START_TEST(what_cannot_be_opened_is_refused) {
        struct file_writer *writer = NULL;
        unsigned before;

        ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
        before = count_descriptors();
        ck_assert_int_eq(file_sink_open(sink, path_of(refusals[_i].path), NULL, &writer), -refusals[_i].error);
        ck_assert_ptr_null(writer);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

/* ---- bounds ---- */

START_TEST(a_slow_disk_holds_up_its_writer_and_no_other) {
        static char piece[PIECE];
        struct file_writer *slow = open_writer("slow"), *other = open_writer("other");
        struct stat st;
        size_t n = 0;

        ck_assert_int_eq(stat(path_of("slow"), &st), 0);
        disk_stop(st.st_ino);
        while (file_writer_has_room(slow, on_told, NULL)) {
                file_writer_write(slow, piece, sizeof(piece));
                n += sizeof(piece);
        }
        ck_assert_uint_eq(n, BOUND);
        await_hanging();

        ck_assert(file_writer_has_room(other, on_told, NULL));
        say(other, "fine\n");
        flush_writer(other); /* by another thread, that was added */
        has("other", "fine\n");

        disk_stop(0);
        await_told();
        ck_assert(file_writer_has_room(slow, on_told, NULL));
        flush();
        ck_assert_int_eq(stat(path_of("slow"), &st), 0);
        ck_assert_int_eq(st.st_size, (off_t)n);
        file_writer_close(slow);
        file_writer_close(other);
}
END_TEST

START_TEST(a_flush_ends_when_all_is_written_or_its_time_is_over) {
        struct file_writer *writer = open_writer("log");

        ck_assert(file_writer_flush(writer, DEADLINE, on_told, NULL));
        disk_stop(1);
        say(writer, "text");
        ck_assert(!file_writer_flush(writer, USEC_PER_MSEC, on_told, NULL));
        await_told();
        ck_assert_ptr_nonnull(strstr(logged, "is written so slowly"));
        ck_assert(!file_writer_flush(writer, DEADLINE, on_told, NULL));
        disk_stop(0);
        await_told();
        has("log", "text");
        file_writer_close(writer);
        ck_assert_uint_eq(told, 2);
}
END_TEST

START_TEST(who_is_closed_is_not_told_and_its_text_is_written) {
        struct file_writer *writer = open_writer("log");
        unsigned before = count_descriptors();

        disk_stop(1);
        say(writer, "text");
        ck_assert(!file_writer_flush(writer, USEC_PER_MSEC, on_told, NULL));
        file_writer_close(writer);
        disk_stop(0);
        flush();
        has("log", "text");
        ck_assert_uint_eq(told, 0);
        ck_assert_uint_eq(count_descriptors(), before - 1);
}
END_TEST

START_TEST(a_disk_that_hangs_at_the_end_is_left) {
        static struct file_sink *left; /* as the thread has it */
        struct file_writer *writer = open_writer("log");

        disk_stop(1);
        say(writer, "text");
        file_writer_close(writer);
        await_hanging();
        ck_assert_uint_eq(file_sink_flush(sink, USEC_PER_MSEC), 4);
        ck_assert_ptr_nonnull(strstr(logged, "3 output files: 4 bytes could not be written in time"));
        left = sink;
        ck_assert_ptr_eq(file_sink_free(left), left);
        ck_assert_int_eq(file_sink_new(loop, &dumpable, &sink), 0);
}
END_TEST

/* ---- many writers ---- */

START_TEST(writers_of_one_path_share_a_file_and_keep_lines_whole) {
        unsigned before = count_descriptors();
        struct file_writer *a = open_writer("log"), *b;

        say(a, "alone\nand st");
        b = open_writer("log");
        ck_assert_uint_eq(count_descriptors(), before + 1);
        say(a, "ill\na begins");
        say(b, "b\nb begins");
        say(a, ", a ends\n");
        say(b, ", b ends\nrest of b");
        file_writer_close(b);
        say(a, "\nrest of a");
        file_writer_close(a);
        flush();
        has("log", "alone\nand still\nb\na begins, a ends\nb begins, b ends\nrest of b\nrest of a");
}
END_TEST

START_TEST(a_line_that_is_too_long_goes_in_pieces) {
        static char piece[40000];
        struct file_writer *a = open_writer("log"), *b = open_writer("log");
        _cleanup_(freep) char *text = NULL;
        size_t n;

        memset(piece, 'a', sizeof(piece));
        for (int i = 0; i < 3; i++)
                file_writer_write(a, piece, sizeof(piece));
        say(b, "b\n");
        say(a, "a\n");
        flush();
        text = read_all("log", &n);
        ck_assert_uint_eq(n, 3 * sizeof(piece) + 4);
        ck_assert_int_eq(memcmp(text + 2 * sizeof(piece), "b\n", 2), 0);
        file_writer_close(a);
        file_writer_close(b);
}
END_TEST

/* ---- the rotation of logs ---- */

START_TEST(nothing_is_lost_or_doubled_when_files_are_opened_anew) {
        struct file_writer *writer = open_writer("log");
        char *expected = NULL, *found = NULL, name[32];
        size_t n_expected, n_found;
        FILE *all = open_memstream(&expected, &n_expected), *rotated = open_memstream(&found, &n_found);

        for (unsigned i = 0; i < 20; i++) {
                for (unsigned k = 0; k < 500; k++) {
                        char line[32];

                        (void)snprintf(line, sizeof(line), "line %u %u\n", i, k);
                        say(writer, line);
                        ck_assert_int_ge(fputs(line, all), 0);
                        if (k == 250) {
                                (void)snprintf(name, sizeof(name), "log.%u", i);
                                ck_assert_int_eq(rename(path_of("log"), path_of(name)), 0);
                                file_sink_reopen(sink);
                        }
                }
                flush();
        }
        file_writer_close(writer);
        for (unsigned i = 0; i <= 20; i++) {
                _cleanup_(freep) char *text = NULL;

                (void)snprintf(name, sizeof(name), "log.%u", i);
                text = read_all(i < 20 ? name : "log", NULL);
                if (i > 0) /* the first may have been written to only after it was opened anew */
                        ck_assert_str_ne(text, "");
                ck_assert_int_ge(fputs(text, rotated), 0);
        }
        (void)fclose(all);
        (void)fclose(rotated);
        ck_assert_str_eq(found, expected);
        free(found);
        free(expected);
}
END_TEST

START_TEST(what_cannot_be_opened_anew_goes_on) {
        struct file_writer *writer;

        ck_assert_int_eq(mkdir(path_of("sub"), 0755), 0);
        writer = open_writer("sub/log");
        say(writer, "one\n");
        flush();
        ck_assert_int_eq(rename(path_of("sub"), path_of("gone")), 0);
        file_sink_reopen(sink);
        say(writer, "two\n");
        flush_writer(writer);
        has("gone/log", "one\ntwo\n");
        ck_assert_ptr_nonnull(strstr(logged, "cannot be opened anew, the old one goes on: No such file"));
        file_writer_close(writer);
}
END_TEST

START_TEST(who_comes_after_the_last_gets_what_has_the_path_then) {
        for (int i = 0; i < 2; i++) {
                struct file_writer *writer = open_writer("log");

                say(writer, "text\n");
                file_writer_close(writer);
                flush();
                if (i == 0)
                        ck_assert_int_eq(rename(path_of("log"), path_of("old")), 0);
        }
        has("old", "text\n");
        has("log", "text\n");
}
END_TEST

/* ---- errors ---- */

START_TEST(what_cannot_be_written_is_counted_and_told_once) {
        struct file_writer *writer = open_writer("log");
        char expected[512];

        disk_fail(ENOSPC);
        for (int i = 0; i < 3; i++) {
                say(writer, "lost\n");
                flush();
        }
        disk_fail(0);
        say(writer, "there\n");
        flush();
        has("log", "there\n");
        disk_fail(EIO);
        say(writer, "lost again\n");
        file_writer_close(writer);
        flush();
        (void)snprintf(expected, sizeof(expected),
                       "3 output file %1$s/log: cannot be written, output is lost: No space left on device\n"
                       "5 output file %1$s/log: is written again, 15 bytes were lost\n"
                       "3 output file %1$s/log: cannot be written, output is lost: Input/output error\n"
                       "3 output file %1$s/log: 11 bytes were lost\n",
                       dir);
        ck_assert_str_eq(logged, expected);
        disk_fail(0);
}
END_TEST

START_TEST(a_full_fifo_is_waited_for_and_one_without_a_reader_is_not) {
        static char piece[PIECE], buffer[PIECE];
        struct file_writer *writer;
        size_t n = 0;
        int fd;

        ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
        fd = open(path_of("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        writer = open_writer("fifo");
        for (int i = 0; i < 3; i++)
                file_writer_write(writer, piece, sizeof(piece));
        ck_assert(!file_writer_flush(writer, USEC_PER_MSEC, on_told, NULL));
        await_told();
        ck_assert(!file_writer_flush(writer, DEADLINE, on_told, NULL));
        ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
        while (n < 3 * sizeof(piece))
                n += (size_t)read(fd, buffer, sizeof(buffer));
        await_told();
        (void)close(fd);
        say(writer, "nobody hears");
        file_writer_close(writer);
        flush();
        ck_assert_ptr_nonnull(strstr(logged, "fifo: cannot be written, output is lost: Broken pipe"));
}
END_TEST

START_TEST(a_full_fifo_is_given_up_when_its_run_has_ended) {
        static char piece[2 * PIECE];
        struct file_writer *writer;
        int fd;

        ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
        fd = open(path_of("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        writer = open_writer("fifo");
        file_writer_write(writer, piece, sizeof(piece));
        file_writer_close(writer);
        flush();
        ck_assert_ptr_nonnull(strstr(logged, "fifo: cannot be written, output is lost: Resource"));
        (void)close(fd);
}
END_TEST

/* ---- users ---- */

START_TEST(a_user_opens_what_he_may) {
        static const gid_t groups[] = { 65534, 12345 };
        const struct file_user nobody = { .uid = 65534, .gid = 65534, .groups = groups, .n_groups = 2 };
        struct file_writer *writer = NULL, *own;
        gid_t before[64], after[64];
        int n_before = getgroups(64, before), n_after;
        struct stat st;

        if (geteuid() != 0) {
                fprintf(stderr, "skipped: to act as another user needs root\n");
                return;
        }
        ck_assert_int_eq(chmod(dir, 01777), 0);
        own = open_writer("secret");
        ck_assert_int_eq(chmod(path_of("secret"), 0600), 0);
        ck_assert_int_eq(symlink(path_of("secret"), path_of("link")), 0);
        ck_assert_int_eq(lchown(path_of("link"), 65534, 65534), 0);

        ck_assert_int_eq(file_sink_open(sink, path_of("link"), &nobody, &writer), -EACCES);
        ck_assert_int_eq(file_sink_open(sink, path_of("secret"), &nobody, &writer), -EACCES);
        ck_assert_int_eq(file_sink_open(sink, path_of("theirs"), &nobody, &writer), 0);
        ck_assert_int_eq(stat(path_of("theirs"), &st), 0);
        ck_assert_uint_eq(st.st_uid, 65534);
        ck_assert_uint_eq(st.st_gid, 65534);

        /* This thread is what it was. */
        n_after = getgroups(64, after);
        ck_assert_int_eq(n_after, n_before);
        ck_assert_int_eq(memcmp(before, after, (size_t)n_after * sizeof(gid_t)), 0);
        ck_assert_int_eq(syscall(SYS_setfsuid, -1), 0);
        ck_assert_int_eq(syscall(SYS_setfsgid, -1), 0);
        ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);

        /* Opened anew, it is by the same user. */
        say(writer, "one\n");
        flush();
        ck_assert_int_eq(unlink(path_of("theirs")), 0);
        ck_assert_int_eq(symlink(path_of("secret"), path_of("theirs")), 0);
        file_sink_reopen(sink);
        say(writer, "two\n");
        say(own, "mine\n");
        flush_writer(writer);
        flush();
        has("secret", "mine\n");
        ck_assert_ptr_nonnull(strstr(logged, "cannot be opened anew, the old one goes on: Permission denied"));
        file_writer_close(writer);
        file_writer_close(own);
}
END_TEST

static const uid_t uids[] = { 65534, 1 };

START_TEST(each_user_has_an_open_file_of_his_own) {
        struct file_user user = { .uid = 65534, .gid = 65534 };
        struct file_writer *writers[2] = { NULL };
        unsigned before = count_descriptors();

        if (geteuid() != 0)
                return;
        ck_assert_int_eq(chmod(dir, 0777), 0);
        for (int i = 0; i < 2; i++) {
                user.uid = uids[i];
                ck_assert_int_eq(file_sink_open(sink, path_of("log"), &user, &writers[i]), 0);
                ck_assert_int_eq(chmod(path_of("log"), 0666), 0);
                say(writers[i], "text\n");
        }
        ck_assert_uint_eq(count_descriptors(), before + 2);
        flush();
        has("log", "text\ntext\n");
        for (int i = 0; i < 2; i++)
                file_writer_close(writers[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("file-sink");
        TCase *tcase = tcase_create("file-sink");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, all_is_in_the_file_and_in_order, 0, ARRAY_SIZE(takes));
        tcase_add_test(tcase, a_new_file_is_for_its_user_and_group);
        tcase_add_loop_test(tcase, what_cannot_be_opened_is_refused, 0, ARRAY_SIZE(refusals));
        tcase_add_test(tcase, a_slow_disk_holds_up_its_writer_and_no_other);
        tcase_add_test(tcase, a_flush_ends_when_all_is_written_or_its_time_is_over);
        tcase_add_test(tcase, who_is_closed_is_not_told_and_its_text_is_written);
        tcase_add_test(tcase, a_disk_that_hangs_at_the_end_is_left);
        tcase_add_test(tcase, writers_of_one_path_share_a_file_and_keep_lines_whole);
        tcase_add_test(tcase, a_line_that_is_too_long_goes_in_pieces);
        tcase_add_test(tcase, nothing_is_lost_or_doubled_when_files_are_opened_anew);
        tcase_add_test(tcase, what_cannot_be_opened_anew_goes_on);
        tcase_add_test(tcase, who_comes_after_the_last_gets_what_has_the_path_then);
        tcase_add_test(tcase, what_cannot_be_written_is_counted_and_told_once);
        tcase_add_test(tcase, a_full_fifo_is_waited_for_and_one_without_a_reader_is_not);
        tcase_add_test(tcase, a_full_fifo_is_given_up_when_its_run_has_ended);
        tcase_add_test(tcase, a_user_opens_what_he_may);
        tcase_add_test(tcase, each_user_has_an_open_file_of_his_own);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
