/* SPDX-License-Identifier: MIT */
/* child-output: what a child prints: to a file or to the loop, whole, and no faster than it is taken. */
#include "support/child-bed.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

static bool is_blocked(const struct probe *probe) {
        char path[64], state = 0;
        FILE *file;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", probe->pid);
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%*d %*s %c", &state), 1);
        (void)fclose(file);
        return state == 'S'; /* in write(2) */
}

/* More than its file, the queue for that and its pipe can take. */
static bool has_unread_output(const struct probe *probe, _unused_ size_t n) {
        return probe->n_output > 500000 && probe->exited == 0 && child_has_output(probe->child) && is_blocked(probe);
}

START_TEST(output_is_in_its_file_when_the_child_is_gone) {
        struct child_spec spec = child_bed_spec(SHELL("echo out; echo err >&2"));
        struct child_spec show = child_bed_spec(WORDS("cat", child_bed_path("log")));

        spec.output_pipe = false;
        spec.output_path = child_bed_path("log");
        for (int i = 0; i < 2; i++)
                child_bed_says(&spec, "out\nerr\n");
        child_bed_says(&show, "out\nerr\nout\nerr\n");
}
END_TEST

START_TEST(a_file_that_takes_nothing_holds_up_the_child) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(WORDS("head", "-c", "10000000", "/dev/zero"));
        const char *path = child_bed_path("fifo");
        static char buffer[65536];
        struct pollfd readable = { .events = POLLIN };
        int fd;

        ck_assert_int_eq(mkfifo(path, 0600), 0);
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        spec.output_path = path;
        child_bed_spawn(probe, &spec);
        child_bed_look();
        child_bed_run(probe, 1, has_unread_output);
        ck_assert_uint_lt(probe->n_output, 2000000);
        ck_assert_uint_eq(probe->exited, 0);

        /* It goes on as fast as it is read, and to its end when nobody does any more. */
        readable.fd = fd; /* the thread that writes may not have had its turn yet */
        ck_assert_int_eq(poll(&readable, 1, 30000), 1);
        ck_assert_int_gt(read(fd, buffer, sizeof(buffer)), 0);
        (void)close(fd);
        child_bed_run(probe, 1, child_bed_all_gone);
        ck_assert_uint_eq(probe->n_output, 10000000);
}
END_TEST

START_TEST(all_output_comes_before_the_end) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(WORDS("head", "-c", "10000000", "/dev/zero"));

        child_bed_run_to_end(probe, &spec);
        ck_assert_uint_eq(probe->n_output, 10000000);
}
END_TEST

START_TEST(what_was_printed_before_the_exit_is_told_before_it) {
        struct child_spec spec = child_bed_spec(SHELL("echo ready"));

        for (unsigned i = 0; i < 20; i++) {
                _cleanup_(freep) struct probe *probe = probe_new();

                child_bed_run_to_end(probe, &spec);
                ck_assert_uint_eq(probe->n_before_exit, strlen("ready\n"));
        }
}
END_TEST

/* Who is no process of the tree, and outlives it. */
START_TEST(a_pipe_that_a_stranger_holds_open_ends_with_the_tree) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(HOSTILE("deaf"));
        _cleanup_(closep) int fd = -EBADF;
        char path[64];

        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, child_bed_is_ready);
        (void)snprintf(path, sizeof(path), "/proc/%d/fd/1", probe->pid);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, "mine\n", 5), 5);
        child_kill(probe->child);
        child_bed_run(probe, 1, child_bed_all_gone);
        ck_assert_str_eq(probe->output, "ready\nmine\n");
        ck_assert_uint_eq(probe->ended_output, 1);
}
END_TEST

static bool is_paused_and_blocked(const struct probe *probe, _unused_ size_t n) {
        return probe->refused > 0 && is_blocked(probe);
}

START_TEST(a_paused_child_waits) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(WORDS("head", "-c", "10000000", "/dev/zero"));

        probe->refuses = true;
        child_bed_spawn(probe, &spec);
        child_bed_look();
        child_bed_run(probe, 1, is_paused_and_blocked);
        ck_assert_uint_eq(probe->refused, 1);
        ck_assert_uint_eq(probe->n_output, 0);
        probe->refuses = false;
        child_pause_output(probe->child, false);
        child_bed_run(probe, 1, child_bed_all_gone);
        ck_assert_uint_eq(probe->n_output, 10000000);
}
END_TEST

static Suite *child_output_suite(void) {
        Suite *suite = suite_create("child-output");
        TCase *tcase = child_bed_case(suite, "output");

        tcase_add_test(tcase, output_is_in_its_file_when_the_child_is_gone);
        tcase_add_test(tcase, a_file_that_takes_nothing_holds_up_the_child);
        tcase_add_test(tcase, all_output_comes_before_the_end);
        tcase_add_test(tcase, what_was_printed_before_the_exit_is_told_before_it);
        tcase_add_test(tcase, a_pipe_that_a_stranger_holds_open_ends_with_the_tree);
        tcase_add_test(tcase, a_paused_child_waits);
        return suite;
}

int main(int argc, char *argv[]) {
        return child_bed_main(argc, argv, child_output_suite);
}
