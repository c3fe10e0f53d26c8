/* SPDX-License-Identifier: MIT */
/* log: what arrives at stderr and at a journal that the test plays itself, and that nobody waits for either. */
#include "base/log.h"

#include "base/log_private.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PATIENCE (20 * USEC_PER_SEC) /* never reached when all is well */

static int fds[2] = { -1, -1 };

/* What the monotonic clock shows; 0: the truth. */
static _Atomic(usec_t) frozen_usec;

usec_t __real_clock_now(enum clock_id id);
usec_t __wrap_clock_now(enum clock_id id);

usec_t __wrap_clock_now(enum clock_id id) {
        return id == CLOCK_ID_MONOTONIC && frozen_usec > 0 ? frozen_usec : __real_clock_now(id);
}

static void make_pipe(void) {
        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
}

/* A pipe that holds so little that a queue which has been full cannot be empty as long as nobody reads. */
static void make_small_pipe(void) {
        make_pipe();
        ck_assert_int_gt(fcntl(fds[1], F_SETPIPE_SZ, 4096), 0);
        ck_assert_int_lt(fcntl(fds[1], F_GETPIPE_SZ), 16 * 1024);
}

static void open_line(size_t queue_bytes) {
        struct log_sink sink = { .format = LOG_FORMAT_LINE, .fd = fds[1] };

        ck_assert_int_eq(log_open_sink(&sink, LOG_INFO, queue_bytes), 0);
}

/* All that was written until @end_fd was closed. */
static size_t read_all(int fd, char *buf, size_t size) {
        size_t n = 0;
        ssize_t r;

        while (n < size - 1 && (r = read(fd, buf + n, size - 1 - n)) > 0)
                n += (size_t)r;
        buf[n] = '\0';
        return n;
}

/* Logs nothing more, and gives what came out. */
static const char *close_and_read(void) {
        static char buf[1 << 20];

        log_close(PATIENCE);
        close(fds[1]);
        read_all(fds[0], buf, sizeof(buf));
        close(fds[0]);
        return buf;
}

static void assert_ends(const char *line, const char *end) {
        size_t n = strlen(line), m = strlen(end);

        ck_assert_msg(n >= m && streq(line + n - m, end), "'%s' does not end with '%s'", line, end);
}

/* ---- names ---- */

START_TEST(names_go_both_ways) {
        for (enum log_target target = 0; target < _LOG_TARGET_MAX; target++)
                ck_assert_int_eq(log_target_from_string(log_target_to_string(target)), target);
        for (int level = LOG_EMERG; level <= LOG_DEBUG; level++)
                ck_assert_int_eq(log_level_from_string(log_level_to_string(level)), level);
        ck_assert_int_eq(log_target_from_string("syslog"), _LOG_TARGET_INVALID);
        ck_assert_ptr_null(log_target_to_string(_LOG_TARGET_MAX));
        ck_assert_ptr_null(log_target_to_string(_LOG_TARGET_INVALID));
        ck_assert_int_eq(log_level_from_string("loud"), -EINVAL);
        ck_assert_ptr_null(log_level_to_string(8));
        ck_assert_ptr_null(log_level_to_string(-1));
}
END_TEST

/* ---- stderr ---- */

START_TEST(a_line_has_time_level_run_and_text) {
        static const struct log_context run = { .task = "task", .run = "task#41" }, task = { .task = "task" };
        unsigned year, month, day, hour, minute, second, msec;
        const char *out, *line;
        int length = 0;

        make_pipe();
        open_line(0);
        log_record(LOG_NOTICE, &run, "is %s", "done");
        log_record(LOG_ERR, &task, "failed");
        log_info("plain");
        log_debug("not shown");
        out = close_and_read();
        ck_assert_int_eq(sscanf(out, "%4u-%2u-%2u %2u:%2u:%2u.%3u %n", &year, &month, &day, &hour, &minute, &second,
                                &msec, &length),
                         7);
        ck_assert_int_eq(length, 24);
        ck_assert_uint_ge(year, 2020);
        ck_assert_msg(strncmp(out + 24, "notice task#41 is done\n", 23) == 0, "%s", out);
        line = strchr(out, '\n') + 1;
        ck_assert_msg(strncmp(line + 24, "err task failed\n", 16) == 0, "%s", line);
        assert_ends(out, " info plain\n");
        ck_assert_ptr_null(strstr(out, "not shown"));
}
END_TEST

static const struct {
        const char *text;
        size_t n;
        const char *shown;
} unsafe[] = {
        { "\x1b[31mred", 8, " \\x1b[31mred\n" },
        { "nul\0byte", 8, " nul\\x00byte\n" },
        { "tab\there", 8, " tab\there\n" },
        { "gr\xc3\xbc\xc3\x9f", 6, " gr\xc3\xbc\xc3\x9f\n" },
        { "bad\xff\xc3", 5, " bad\\xff\\xc3\n" },
        { "c1\xc2\x9b", 4, " c1\\xc2\\x9b\n" },
        { "", 0, " \n" },
};

START_TEST(bytes_are_made_safe_for_a_terminal) {
        make_pipe();
        open_line(0);
        log_output(LOG_INFO, NULL, unsafe[_i].text, unsafe[_i].n);
        assert_ends(close_and_read(), unsafe[_i].shown);
}
END_TEST

START_TEST(a_line_break_does_not_end_a_record) {
        make_pipe();
        open_line(0);
        log_record(LOG_INFO, NULL, "two\nlines");
        assert_ends(close_and_read(), " info two\\nlines\n");
}
END_TEST

START_TEST(each_line_of_output_has_its_head) {
        static const struct log_context context = { .run = "t#1" };
        const char *out;

        make_pipe();
        open_line(0);
        log_output(LOG_ERR, &context, "one\n\x1b[31mred\n", 13);
        out = close_and_read();
        ck_assert_msg(strncmp(out + 24, "err t#1 one\n", 12) == 0, "%s", out);
        out += 36;
        ck_assert_msg(strncmp(out + 24, "err t#1 \\x1b[31mred\n", 20) == 0, "%s", out);
        assert_ends(out, "err t#1 \n");
}
END_TEST

START_TEST(a_long_text_is_cut_with_a_mark) {
        static char text[LOG_TEXT_MAX + 100];
        const char *out;

        memset(text, 'x', sizeof(text));
        make_pipe();
        ck_assert_int_gt(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20), 0);
        open_line(0);
        log_output(LOG_INFO, NULL, text, sizeof(text));
        log_output(LOG_INFO, NULL, text, LOG_TEXT_MAX);
        log_record(LOG_INFO, NULL, "%.*s%s", 2000, text, "end");
        out = close_and_read();
        ck_assert_uint_eq(strcspn(out, "\n"), 24 + 5 + LOG_TEXT_MAX + strlen(" [truncated]"));
        out = strchr(out, '\n') + 1;
        ck_assert_uint_eq(strcspn(out, "\n"), 24 + 5 + LOG_TEXT_MAX);
        assert_ends(out, "xxend\n");
}
END_TEST

START_TEST(without_a_writer_lines_go_out_at_once) {
        char buf[256];
        int saved = dup(STDERR_FILENO);

        make_pipe();
        ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
        log_warning("early");
        ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        close(fds[1]);
        read_all(fds[0], buf, sizeof(buf));
        assert_ends(buf, " warning early\n");
        ck_assert_uint_eq(log_queued(), 0);
        log_close(0);
}
END_TEST

START_TEST(the_stream_of_journald_is_known) {
        char buf[256];
        struct stat st;
        int saved = dup(STDERR_FILENO);

        make_pipe();
        ck_assert_int_eq(fstat(fds[1], &st), 0);
        snprintf(buf, sizeof(buf), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
        ck_assert_int_eq(setenv("JOURNAL_STREAM", buf, 1), 0);
        ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
        ck_assert_int_eq(log_open(LOG_TARGET_STDERR, LOG_INFO, 0), 0);
        ck_assert_int_eq(log_open(LOG_TARGET_STDERR, LOG_INFO, 0), -EALREADY);
        log_record(LOG_WARNING, &(const struct log_context){ .run = "t#1" }, "text");
        log_close(PATIENCE);
        ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        close(fds[1]);
        read_all(fds[0], buf, sizeof(buf));
        ck_assert_str_eq(buf, "<4>t#1 text\n");
        unsetenv("JOURNAL_STREAM");
}
END_TEST

/* ---- nobody reads ---- */

/* Counts the lines of @text, and adds up what it says was dropped. */
static unsigned long long account(const char *text) {
        unsigned long long n = 0, dropped;

        for (const char *line = text; strchr(line, '\n'); line = strchr(line, '\n') + 1) {
                if (sscanf(line + 24, "warning %llu log records dropped", &dropped) == 1)
                        n += dropped;
                else
                        n++;
        }
        return n;
}

/* Somebody reads again: the rest of @n_records comes, and how many were dropped. */
static void read_accounting_for(unsigned long long n_records) {
        static char buf[1 << 22];
        unsigned long long accounted = 0;
        size_t n = 0;

        while (accounted < n_records) {
                ssize_t r = read(fds[0], buf + n, sizeof(buf) - 1 - n);

                ck_assert_int_gt(r, 0);
                n += (size_t)r;
                buf[n] = '\0';
                accounted = account(buf);
        }
        ck_assert_uint_eq(accounted, n_records);
}

START_TEST(what_does_not_fit_is_dropped_and_counted) {
        make_small_pipe();
        open_line(32 * 1024);
        for (int i = 0; i < 20000; i++)
                log_info("line number %d of a flood that nobody reads", i);
        ck_assert_uint_gt(log_dropped(), 0);
        ck_assert_uint_gt(log_queued(), 0);
        read_accounting_for(20000);
        while (log_queued() > 0)
                ;
        /* What told of those that were dropped is a record, too. */
        ck_assert_uint_gt(log_written() + log_dropped(), 20000);
        ck_assert_uint_gt(log_written(), 0);
        ck_assert_str_eq(close_and_read(), "");
}
END_TEST

START_TEST(only_a_sink_that_takes_something_is_waited_for) {
        make_small_pipe();
        frozen_usec = 1000 * USEC_PER_SEC;
        open_line(32 * 1024);
        ck_assert(!log_is_congested());
        for (int i = 0; i < 20000; i++)
                log_info("line number %d of a flood that nobody reads", i);
        ck_assert_uint_gt(log_dropped(), 0);
        ck_assert(log_is_congested());

        /* The pipe may still be filling up; then nothing moves any more. */
        while (log_is_congested())
                frozen_usec += USEC_PER_SEC;
        ck_assert_uint_gt(log_queued(), 0);
        frozen_usec = 0;
        close(fds[0]);
        log_close(PATIENCE);
        close(fds[1]);
}
END_TEST

START_TEST(lines_take_little_more_room_than_their_bytes) {
        static char lines[4 * 1024];

        for (size_t i = 0; i < sizeof(lines); i++)
                lines[i] = i % 2 ? '\n' : 'x';
        make_small_pipe();
        open_line(4 * sizeof(lines));
        for (int i = 0; i < 20; i++)
                log_output(LOG_INFO, NULL, lines, sizeof(lines) - 1);
        ck_assert_uint_ge(log_queued(), sizeof(lines) / 2);
        ck_assert_uint_gt(log_dropped(), 0);
        read_accounting_for(20 * sizeof(lines) / 2);
        ck_assert_str_eq(close_and_read(), "");
}
END_TEST

START_TEST(closing_does_not_wait_for_a_reader) {
        struct pollfd first = { .events = POLLIN };
        usec_t before, took;
        uint64_t dropped;

        make_pipe();
        first.fd = fds[0];
        open_line(0);
        for (int i = 0; i < 2000; i++)
                log_info("line number %d of a flood that nobody reads", i);
        ck_assert_int_eq(poll(&first, 1, -1), 1);
        before = clock_now(CLOCK_ID_MONOTONIC);
        log_close(200 * USEC_PER_MSEC);
        took = clock_now(CLOCK_ID_MONOTONIC) - before;
        dropped = log_dropped();
        ck_assert_msg(took < PATIENCE, "took %llu µs", (unsigned long long)took);
        ck_assert_uint_gt(dropped, 0);
        ck_assert_uint_lt(dropped, 2000);

        /* The next one begins afresh. */
        close(fds[0]);
        close(fds[1]);
        make_pipe();
        open_line(0);
        log_info("again");
        assert_ends(close_and_read(), " info again\n");
}
END_TEST

/* Stands in for the C library's. When it lies, a write to a full pipe blocks. */
static bool poll_lies;

int poll(struct pollfd *pollfds, nfds_t n, int timeout_msec) {
        const struct timespec timeout = { timeout_msec / 1000, (long)(timeout_msec % 1000) * 1000000 };

        if (!poll_lies)
                return ppoll(pollfds, n, timeout_msec < 0 ? NULL : &timeout, NULL);
        for (nfds_t i = 0; i < n; i++)
                pollfds[i].revents = pollfds[i].events & POLLOUT;
        return (int)n;
}

START_TEST(a_thread_stuck_in_write_is_left_behind) {
        char buf[PIPE_BUF] = { 0 };
        usec_t before, took;

        make_pipe();
        ck_assert_int_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
        while (write(fds[1], buf, sizeof(buf)) > 0)
                ;
        ck_assert_int_eq(fcntl(fds[1], F_SETFL, 0), 0);
        poll_lies = true;
        open_line(0);
        log_info("stuck");
        before = clock_now(CLOCK_ID_MONOTONIC);
        log_close(100 * USEC_PER_MSEC);
        took = clock_now(CLOCK_ID_MONOTONIC) - before;
        ck_assert_msg(took >= 100 * USEC_PER_MSEC && took < PATIENCE, "took %llu", (unsigned long long)took);
        ck_assert_uint_eq(log_dropped(), 1);
        do /* lets it go */
                ck_assert_int_gt(read(fds[0], buf, sizeof(buf)), 0);
        while (buf[0] == '\0');
        close(fds[0]);
        close(fds[1]);
}
END_TEST

START_TEST(a_reader_that_went_away_harms_nobody) {
        make_pipe();
        close(fds[0]);
        open_line(0);
        for (int i = 0; i < 100; i++)
                log_info("to nobody");
        log_close(PATIENCE);
        ck_assert_uint_gt(log_dropped(), 0);
        close(fds[1]);
}
END_TEST

/* ---- the journal ---- */

static char journal_path[64];

static int journal_bind(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", journal_path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

static void journal_setup(void) {
        snprintf(journal_path, sizeof(journal_path), "/tmp/tendd-test-log.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(journal_path));
        strcat(journal_path, "/socket");
}

static void journal_teardown(void) {
        unlink(journal_path);
        *strrchr(journal_path, '/') = '\0';
        rmdir(journal_path);
}

static void journal_open(size_t queue_bytes) {
        struct log_sink sink = { .format = LOG_FORMAT_JOURNAL, .fd = -EBADF, .path = journal_path };

        ck_assert_int_eq(log_journal_connect(&sink), 0);
        ck_assert_int_eq(log_open_sink(&sink, LOG_INFO, queue_bytes), 0);
}

START_TEST(the_journal_gets_fields) {
        static const struct log_context context = {
                .task = "backup",
                .run = "backup#7",
                .identifier = "backup",
                .event = EVENT_RUN_DONE,
                .outcome = "failed",
                .error = "exit",
                .duration_usec = 1234567,
                .place = { "x.c", 12, "f" },
        };
        static const char expected[] =
                "PRIORITY=3\nSYSLOG_IDENTIFIER=backup\n"
                "MESSAGE_ID=eb81dd97a2734357ac8db8494aae0a96\nTENDD_TASK=backup\n"
                "TENDD_RUN=backup#7\nTENDD_EVENT=run-done\nTENDD_OUTCOME=failed\n"
                "TENDD_ERROR=exit\nCODE_FILE=x.c\nCODE_FUNC=f\nCODE_LINE=12\nTENDD_DURATION_USEC=1234567\n"
                "MESSAGE=exit code 3\n";
        char buf[4096];
        int fd = journal_bind();
        ssize_t n;

        journal_open(0);
        log_record(LOG_ERR, &context, "exit code %d", 3);
        n = recv(fd, buf, sizeof(buf) - 1, 0);
        ck_assert_int_gt(n, 0);
        buf[n] = '\0';
        ck_assert_str_eq(buf, expected);
        log_close(PATIENCE);
        close(fd);
}
END_TEST

static const struct {
        const char *task;
        const char *run;
        const char *fields;
} ancestors[] = {
        { "backup", "backup#7", "" },
        { "orders", "etl#88/orders", "TENDD_TOP_RUN=etl#88\nTENDD_GROUP=etl\n" },
        { "orders", "etl#88/load/orders", "TENDD_TOP_RUN=etl#88\nTENDD_GROUP=etl\nTENDD_GROUP=load\n" },
        { "fetch", "fetch#41/item 812", "TENDD_TOP_RUN=fetch#41\n" },
        { "fetch", "etl#88/fetch/item 812", "TENDD_TOP_RUN=etl#88\nTENDD_GROUP=etl\n" },
        { "etl", "etl2#1/etl", "TENDD_TOP_RUN=etl2#1\nTENDD_GROUP=etl2\n" },
};

START_TEST(the_journal_gets_the_groups_of_a_run) {
        const struct log_context context = { .task = ancestors[_i].task, .run = ancestors[_i].run, .identifier = "x" };
        char buf[4096], expected[1024];
        int fd = journal_bind();
        ssize_t n;

        (void)snprintf(expected, sizeof(expected),
                       "PRIORITY=6\nSYSLOG_IDENTIFIER=x\nTENDD_TASK=%s\nTENDD_RUN=%s\n%sMESSAGE=text\n", context.task,
                       context.run, ancestors[_i].fields);
        journal_open(0);
        log_record(LOG_INFO, &context, "text");
        n = recv(fd, buf, sizeof(buf) - 1, 0);
        ck_assert_int_gt(n, 0);
        buf[n] = '\0';
        ck_assert_str_eq(buf, expected);
        log_close(PATIENCE);
        close(fd);
}
END_TEST

static void assert_journal_gets(int fd, const char *head, const char *rest, size_t n_rest) {
        char buf[4096];
        ssize_t n = recv(fd, buf, sizeof(buf), 0);

        ck_assert_int_eq(n, (ssize_t)(strlen(head) + n_rest));
        ck_assert_mem_eq(buf, head, strlen(head));
        ck_assert_mem_eq(buf + strlen(head), rest, n_rest);
}

#define HEAD "PRIORITY=6\nSYSLOG_IDENTIFIER=tendd\nMESSAGE"

START_TEST(the_journal_gets_bytes_as_they_are) {
        int fd = journal_bind();

        journal_open(0);
        log_output(LOG_INFO, NULL, "nul\0byte\xff", 9);
        assert_journal_gets(fd, HEAD "=", "nul\0byte\xff\n", 10);
        log_record(LOG_INFO, NULL, "two\nlines");
        assert_journal_gets(fd, HEAD "\n", "\x09\0\0\0\0\0\0\0two\nlines\n", 18);
        log_close(PATIENCE);
        close(fd);
}
END_TEST

START_TEST(the_journal_is_told_what_a_record_is_about) {
        static const struct log_context run = { .task = "t", .run = "t#1" }, task = { .task = "t" };
        int fd = journal_bind();

        journal_open(0);
        log_record(LOG_INFO, &run, "two\nlines");
        assert_journal_gets(fd, "PRIORITY=6\nSYSLOG_IDENTIFIER=tendd\nTENDD_TASK=t\nTENDD_RUN=t#1\nMESSAGE\n",
                            "\x0d\0\0\0\0\0\0\0t#1 two\nlines\n", 22);
        log_record(LOG_INFO, &task, "skipped");
        assert_journal_gets(fd, "PRIORITY=6\nSYSLOG_IDENTIFIER=tendd\nTENDD_TASK=t\n", "MESSAGE=t skipped\n", 18);
        log_close(PATIENCE);
        close(fd);
}
END_TEST

START_TEST(the_journal_gets_a_record_for_each_line) {
        int fd = journal_bind();

        journal_open(0);
        log_output(LOG_INFO, NULL, "one\n\nthree\n", 11);
        assert_journal_gets(fd, HEAD "=", "one\n", 4);
        assert_journal_gets(fd, HEAD "=", "\n", 1);
        assert_journal_gets(fd, HEAD "=", "three\n", 6);
        assert_journal_gets(fd, HEAD "=", "\n", 1);
        log_close(PATIENCE);
        ck_assert_uint_eq(log_dropped(), 0);
        close(fd);
}
END_TEST

/* The number at the end of the next message; -1 when there is none after all that are there. */
static int next_number(int fd) {
        char buf[4096];
        const char *text;
        ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

        ck_assert_int_gt(n, 0);
        buf[n] = '\0';
        text = strstr(buf, "MESSAGE=number ");
        ck_assert_msg(text, "%s", buf);
        return atoi(text + strlen("MESSAGE=number "));
}

START_TEST(a_journal_that_reads_late_loses_nothing) {
        int fd = journal_bind();

        journal_open(0);
        for (int i = 0; i < 5000; i++)
                log_info("number %d", i);
        for (int i = 0; i < 5000; i++)
                ck_assert_int_eq(next_number(fd), i);
        log_close(PATIENCE);
        ck_assert_uint_eq(log_dropped(), 0);
        close(fd);
}
END_TEST

START_TEST(a_restarted_journal_is_found_again) {
        int fd = journal_bind();

        journal_open(0);
        log_info("number %d", 1);
        ck_assert_int_eq(next_number(fd), 1);
        close(fd);
        unlink(journal_path);
        log_info("number %d", 2);
        fd = journal_bind();
        log_info("number %d", 3);
        ck_assert_int_eq(next_number(fd), 2);
        ck_assert_int_eq(next_number(fd), 3);
        log_close(PATIENCE);
        close(fd);
}
END_TEST

START_TEST(a_journal_that_is_gone_does_not_keep_us) {
        int fd = journal_bind();
        usec_t before;

        journal_open(0);
        close(fd);
        unlink(journal_path);
        log_info("number %d", 1);
        before = clock_now(CLOCK_ID_MONOTONIC);
        log_close(100 * USEC_PER_MSEC);
        ck_assert_uint_lt(clock_now(CLOCK_ID_MONOTONIC) - before, PATIENCE);
        ck_assert_uint_eq(log_dropped(), 1);
}
END_TEST

START_TEST(the_largest_record_passes_as_a_datagram) {
        static char text[LOG_TEXT_MAX + 1], buf[1 << 17];
        int fd = journal_bind();

        memset(text, 'x', sizeof(text));
        journal_open(0);
        log_output(LOG_INFO, NULL, text, sizeof(text));
        ck_assert_int_gt(recv(fd, buf, sizeof(buf) - 1, 0), (ssize_t)LOG_TEXT_MAX);
        ck_assert_ptr_nonnull(strstr(buf, "TENDD_TRUNCATED=1\n"));
        log_close(PATIENCE);
        close(fd);
}
END_TEST

/* ---- threads ---- */

#define N_THREADS 4
#define N_RECORDS 2000

static void *log_many(void *arg) {
        for (int i = 0; i < N_RECORDS; i++) {
                log_info("thread %d record %d", *(int *)arg, i);
                if (i % 100 == 0)
                        (void)log_queued();
        }
        return NULL;
}

START_TEST(many_threads_keep_their_order) {
        static char buf[1 << 22];
        pthread_t threads[N_THREADS];
        int ids[N_THREADS], next[N_THREADS] = { 0 };
        size_t n = 0;
        ssize_t r;

        make_pipe();
        open_line(0);
        for (int i = 0; i < N_THREADS; i++) {
                ids[i] = i;
                ck_assert_int_eq(pthread_create(&threads[i], NULL, log_many, &ids[i]), 0);
        }
        for (size_t lines = 0; lines < N_THREADS * N_RECORDS; n += (size_t)r) {
                r = read(fds[0], buf + n, sizeof(buf) - 1 - n);
                ck_assert_int_gt(r, 0);
                for (ssize_t i = 0; i < r; i++)
                        lines += buf[n + (size_t)i] == '\n';
        }
        buf[n] = '\0';
        for (int i = 0; i < N_THREADS; i++)
                ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        for (const char *line = buf; *line; line = strchr(line, '\n') + 1) {
                int thread, record;

                ck_assert_int_eq(sscanf(line + 24, "info thread %d record %d", &thread, &record), 2);
                ck_assert_int_eq(record, next[thread]++);
        }
        close_and_read();
        ck_assert_uint_eq(log_dropped(), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("log");
        TCase *tcase = tcase_create("stderr"), *journal = tcase_create("journal");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, names_go_both_ways);
        tcase_add_test(tcase, a_line_has_time_level_run_and_text);
        tcase_add_loop_test(tcase, bytes_are_made_safe_for_a_terminal, 0, (int)ARRAY_SIZE(unsafe));
        tcase_add_test(tcase, a_line_break_does_not_end_a_record);
        tcase_add_test(tcase, each_line_of_output_has_its_head);
        tcase_add_test(tcase, a_long_text_is_cut_with_a_mark);
        tcase_add_test(tcase, without_a_writer_lines_go_out_at_once);
        tcase_add_test(tcase, the_stream_of_journald_is_known);
        tcase_add_test(tcase, what_does_not_fit_is_dropped_and_counted);
        tcase_add_test(tcase, only_a_sink_that_takes_something_is_waited_for);
        tcase_add_test(tcase, lines_take_little_more_room_than_their_bytes);
        tcase_add_test(tcase, closing_does_not_wait_for_a_reader);
        tcase_add_test(tcase, a_thread_stuck_in_write_is_left_behind);
        tcase_add_test(tcase, a_reader_that_went_away_harms_nobody);
        tcase_add_test(tcase, many_threads_keep_their_order);
        suite_add_tcase(suite, journal);
        tcase_add_checked_fixture(journal, journal_setup, journal_teardown);
        tcase_add_test(journal, the_journal_gets_fields);
        tcase_add_loop_test(journal, the_journal_gets_the_groups_of_a_run, 0, (int)ARRAY_SIZE(ancestors));
        tcase_add_test(journal, the_journal_gets_bytes_as_they_are);
        tcase_add_test(journal, the_journal_is_told_what_a_record_is_about);
        tcase_add_test(journal, the_journal_gets_a_record_for_each_line);
        tcase_add_test(journal, a_journal_that_reads_late_loses_nothing);
        tcase_add_test(journal, a_restarted_journal_is_found_again);
        tcase_add_test(journal, a_journal_that_is_gone_does_not_keep_us);
        tcase_add_test(journal, the_largest_record_passes_as_a_datagram);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
