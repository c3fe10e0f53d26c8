/* SPDX-License-Identifier: MIT */
/* kind_file: each key holds or does not, and a path that hangs leaves a remnant, not a stuck loop. */
#include "support/task-bed.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>

static struct task_bed bed;
static char directory[64], path[96];

static void setup(void) {
        FILE *file;

        (void)snprintf(directory, sizeof(directory), "/tmp/tendd-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        (void)snprintf(path, sizeof(path), "%s/file", directory);
        file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs("hello\n", file), 0);
        fclose(file);
        task_bed_open(&bed);
        task_bed_task(&bed, &kind_file)->file->path = strdup(path);
}

static void teardown(void) {
        task_bed_close(&bed);
        (void)unlink(path);
        (void)rmdir(directory);
}

static const struct {
        const char *path; /* NULL: the file, 6 bytes, an hour old */
        usec_t max_age_usec;
        uint64_t min_size;
        const char *sha256;
        uint64_t min_free;
        enum error_kind error;
        const char *detail;
} cases[] = {
        { NULL, USEC_INFINITY, 0, NULL, 0, ERROR_NONE, "" },
        { "/nonexistent/file", USEC_INFINITY, 0, NULL, 0, ERROR_IO, "/nonexistent/file: No such file or directory" },
        { NULL, 2 * USEC_PER_HOUR, 0, NULL, 0, ERROR_NONE, "" },
        { NULL, USEC_PER_MINUTE, 0, NULL, 0, ERROR_MISMATCH, "max-age" },
        { NULL, USEC_INFINITY, 6, NULL, 0, ERROR_NONE, "" },
        { NULL, USEC_INFINITY, 7, NULL, 0, ERROR_MISMATCH, "6B large, less than 7B (min-size)" },
        { "/tmp", USEC_INFINITY, 1, NULL, 0, ERROR_MISMATCH, "not a regular file" },
        { NULL, USEC_INFINITY, 0, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", 0, ERROR_NONE,
          "" },
        { NULL, USEC_INFINITY, 0, "0000000000000000000000000000000000000000000000000000000000000000", 0, ERROR_MISMATCH,
          "its sha256 is 5891b5b5" },
        { "/tmp", USEC_INFINITY, 0, "0000000000000000000000000000000000000000000000000000000000000000", 0, ERROR_IO,
          "Is a directory" },
        { "/tmp", USEC_INFINITY, 0, NULL, 1, ERROR_NONE, "" },
        { "/tmp", USEC_INFINITY, 0, NULL, UINT64_MAX, ERROR_MISMATCH, "(min-free)" },
};

START_TEST(each_key_is_checked) {
        struct file_part *part = bed.task->file;
        struct timeval times[2] = { { 0 } };

        times[0].tv_sec = times[1].tv_sec = (time_t)(clock_now(CLOCK_ID_REALTIME) / USEC_PER_SEC) - 3600;
        ck_assert_int_eq(utimes(path, times), 0);
        if (cases[_i].path) {
                free(part->path);
                part->path = strdup(cases[_i].path);
        }
        part->max_age_usec = cases[_i].max_age_usec;
        part->min_size = cases[_i].min_size;
        part->sha256 = cases[_i].sha256 ? strdup(cases[_i].sha256) : NULL;
        part->min_free = cases[_i].min_free;
        task_bed_run(&bed);
        task_bed_check(&bed, cases[_i].error, cases[_i].detail);
}
END_TEST

START_TEST(a_file_from_before_1970_is_old) {
        struct timeval times[2] = { { .tv_sec = -1000 }, { .tv_sec = -1000 } };

        ck_assert_int_eq(utimes(path, times), 0);
        bed.task->file->max_age_usec = USEC_PER_DAY;
        task_bed_run(&bed);
        task_bed_check(&bed, ERROR_MISMATCH, "max-age");
}
END_TEST

/* A FIFO without a writer: open(2) does not return. */
START_TEST(a_path_that_hangs_leaves_a_remnant) {
        char fifo[96];
        int fd;

        (void)snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
        ck_assert_int_eq(mkfifo(fifo, 0600), 0);
        free(bed.task->file->path);
        bed.task->file->path = strdup(fifo);

        task_bed_cancel_busy(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_CANCELLED);
        ck_assert_ptr_nonnull(strstr(task_bed_remnant_doing(&bed), "a thread of pool test reads "));
        ck_assert_ptr_nonnull(strstr(task_bed_remnant_doing(&bed), fifo));

        fd = open(fifo, O_WRONLY | O_CLOEXEC); /* lets the thread go */
        ck_assert_int_ge(fd, 0);
        task_bed_wait_remnants(&bed);
        close(fd);
        (void)unlink(fifo);
}
END_TEST

START_TEST(a_cancelled_check_ends_at_once) {
        struct run *run = task_bed_start(&bed);

        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "test"), 0);
        task_bed_wait(&bed);
        ck_assert_msg(bed.result->outcome == OUTCOME_CANCELLED || bed.result->outcome == OUTCOME_NEVER_STARTED, "%s",
                      outcome_to_string(bed.result->outcome));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("kind-file");
        TCase *tcase = tcase_create("kind-file");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, each_key_is_checked, 0, ARRAY_SIZE(cases));
        tcase_add_test(tcase, a_file_from_before_1970_is_old);
        tcase_add_test(tcase, a_path_that_hangs_leaves_a_remnant);
        tcase_add_test(tcase, a_cancelled_check_ends_at_once);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
