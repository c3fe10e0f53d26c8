/* SPDX-License-Identifier: MIT */
/* watchdog: a callback that hangs is reported while it hangs. The one here hangs until the report has been read. */
#include "loop/watchdog.h"

#include "base/log_private.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>

static struct loop *loop;
static struct watchdog *watchdog;
static int log_fds[2];
static sem_t gate;

/* Follows the log until a line has @needle, and gives all lines so far. Dies of Check's timeout if none has. */
static char seen[1 << 16];
static size_t n_seen;

static void follow_until(const char *needle) {
        while (!strstr(seen, needle)) {
                ssize_t n = read(log_fds[0], seen + n_seen, sizeof(seen) - 1 - n_seen);

                ck_assert_int_gt(n, 0);
                n_seen += (size_t)n;
                seen[n_seen] = '\0';
        }
}

static void setup(void) {
        struct log_sink sink = { .format = LOG_FORMAT_LINE };

        ck_assert_int_eq(pipe2(log_fds, O_CLOEXEC), 0);
        ck_assert_int_eq(sem_init(&gate, 0, 0), 0);
        sink.fd = log_fds[1];
        ck_assert_int_eq(log_open_sink(&sink, LOG_INFO, 0), 0);
        ck_assert_int_eq(loop_new(&loop), 0);
        n_seen = 0;
        seen[0] = '\0';
}

static void teardown(void) {
        loop = loop_free(loop);
        log_close(USEC_PER_SEC);
        close(log_fds[0]);
        close(log_fds[1]);
}

static void on_work_hang(_unused_ struct loop_work *work, _unused_ void *arg) {
        char subject[] = "backup#41";

        loop_set_subject(loop, subject);
        while (sem_wait(&gate) < 0)
                ;
        memset(subject, '!', sizeof(subject) - 1); /* it is not valid any longer than this callback */
}

static void on_timer_exit(_unused_ struct loop_timer *timer, _unused_ void *arg) {
        loop_exit(loop, 0);
}

static void *let_go_when_reported(_unused_ void *arg) {
        follow_until("loop stuck for ");
        sem_post(&gate);
        follow_until("goes on");
        return NULL;
}

START_TEST(a_stuck_callback_is_reported_and_its_return_too) {
        struct loop_work work;
        struct loop_timer timer;
        const char *report;
        pthread_t helper;

        ck_assert_int_eq(watchdog_start(loop, 100 * USEC_PER_MSEC, &watchdog), 0);
        loop_work_init(&work, loop, "hang", on_work_hang, NULL);
        loop_work_schedule(&work);
        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_MONOTONIC, "exit", on_timer_exit, NULL), 0);
        loop_timer_set(&timer, clock_now(CLOCK_ID_MONOTONIC) + 1000);
        ck_assert_int_eq(pthread_create(&helper, NULL, let_go_when_reported, NULL), 0);
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_int_eq(pthread_join(helper, NULL), 0);
        watchdog = watchdog_stop(watchdog);

        report = strstr(seen, "loop stuck for ");
        ck_assert_msg(strstr(seen, "backup#41 loop stuck for ") && strstr(report, " in hang (wchan "), "%s", seen);
        ck_assert_msg(strstr(seen, "on_work_hang") || strstr(seen, "test-watchdog"), "no frame of ours: %s", seen);
        ck_assert_msg(strstr(seen, "loop goes on after about ") && strstr(seen, " in hang\n"), "%s", seen);
        ck_assert_msg(!strstr(report + 1, "loop stuck for "), "reported twice: %s", seen);
}
END_TEST

START_TEST(an_idle_loop_is_not_stuck) {
        struct loop_timer timer;

        ck_assert_int_eq(watchdog_start(loop, 200 * USEC_PER_MSEC, &watchdog), 0);
        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_MONOTONIC, "exit", on_timer_exit, NULL), 0);
        loop_timer_set(&timer, clock_now(CLOCK_ID_MONOTONIC) + 500 * USEC_PER_MSEC);
        ck_assert_int_eq(loop_run(loop), 0);
        watchdog = watchdog_stop(watchdog);
        log_info("that was all");
        follow_until("that was all");
        ck_assert_msg(!strstr(seen, "stuck"), "%s", seen);
}
END_TEST

START_TEST(a_stray_signal_harms_nobody) {
        ck_assert_int_eq(raise(SIGURG), 0);
        ck_assert_int_eq(watchdog_start(loop, USEC_PER_SEC, &watchdog), 0);
        ck_assert_int_eq(raise(SIGURG), 0);
        watchdog = watchdog_stop(watchdog);
        ck_assert_int_eq(raise(SIGURG), 0);
        ck_assert_ptr_null(watchdog_stop(NULL));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("watchdog");
        TCase *tcase = tcase_create("watchdog");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_stuck_callback_is_reported_and_its_return_too);
        tcase_add_test(tcase, an_idle_loop_is_not_stuck);
        tcase_add_test(tcase, a_stray_signal_harms_nobody);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
