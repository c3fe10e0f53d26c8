/* SPDX-License-Identifier: MIT */
/* leftover: what a dead daemon has left is found and ended, and nothing else. Real processes, which have lost their parent. */
#include "loop/leftover.h"

#include "loop/proc_stat.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char marker[64];
static int ready[2];
static int started[16];  /* pidfds */
static pid_t groups[16]; /* their process groups */
static size_t n_started;

static bool is_gone(size_t i) {
        struct pollfd fd = { .fd = started[i], .events = POLLIN };

        return poll(&fd, 1, 0) > 0;
}

static void setup(void) {
        (void)snprintf(marker, sizeof(marker), "TENDD_DAEMON=test-%d", getpid());
        n_started = 0;
        ck_assert_int_eq(pipe(ready), 0);
}

static void teardown(void) {
        for (size_t i = 0; i < n_started; i++) {
                if (!is_gone(i))
                        (void)kill(-groups[i], SIGKILL);
                (void)close(started[i]);
        }
}

/* The shell runs @script, which writes its pid to descriptor 9 when it is as it should be. */
static void run_shell(const char *script, const char *env) {
        char *const argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)script, NULL };
        char *const envp[] = { (char *)"PATH=/bin:/usr/bin", (char *)"TENDD_TASK=work", (char *)"TENDD_RUN=work#1",
                               (char *)env, NULL };

        (void)dup2(ready[1], 9);
        (void)execve(argv[0], argv, envp);
        _exit(127);
}

/* Starts it without a parent, or, with @ours, as a child of this process. */
static pid_t start(const char *script, const char *env, bool ours) {
        char text[16] = "";
        pid_t pid = fork();

        if (pid == 0) {
                (void)setsid();
                if (ours || fork() == 0)
                        run_shell(script, env);
                _exit(0);
        }
        if (!ours)
                ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert_int_gt(read(ready[0], text, sizeof(text) - 1), 0);
        pid = (pid_t)strtol(text, NULL, 10);
        started[n_started] = (int)syscall(SYS_pidfd_open, pid, 0);
        ck_assert_int_ge(started[n_started], 0);
        groups[n_started++] = getpgid(pid);
        return pid;
}

/* Ends those with the marker and @records. Returns how many there were. */
static size_t end_them(const struct leftover_record *records, size_t n, usec_t grace) {
        const struct leftover_spec spec = {
                .records = records,
                .n_records = n,
                .marker = marker,
                .grace_usec = grace,
                .bound_usec = 30 * USEC_PER_SEC,
        };
        struct leftovers found;
        size_t n_found;

        ck_assert_int_eq(leftovers_end(&spec, &found), 0);
        ck_assert_uint_eq(found.n_left, 0);
        n_found = found.n;
        for (size_t i = 0; i < found.n; i++)
                ck_assert(found.list[i].gone);
        leftovers_done(&found);
        return n_found;
}

static struct leftover_record record_of(pid_t pid) {
        struct proc_stat stat;

        ck_assert_int_eq(proc_stat_read(pid, &stat), 0);
        return (struct leftover_record){ pid, stat.start_ticks };
}

#define WAITS "echo $$ >&9; exec sleep 300"

START_TEST(nothing_is_found_where_nothing_is) {
        ck_assert_uint_eq(end_them(NULL, 0, 0), 0);
}
END_TEST

START_TEST(one_is_known_by_its_environment) {
        (void)start(WAITS, marker, false);
        ck_assert_uint_eq(end_them(NULL, 0, 30 * USEC_PER_SEC), 1);
        ck_assert(is_gone(0));
}
END_TEST

/* It has no environment now and then. */
START_TEST(one_that_changes_programs_is_found) {
        static const char script[] =
                "echo $$ >&9; again='exec /bin/sh -c \"$0\" \"$0\"'; exec /bin/sh -c \"$again\" \"$again\"";

        for (size_t i = 0; i < ARRAY_SIZE(started); i++) {
                (void)start(script, marker, false);
                ck_assert_uint_eq(end_them(NULL, 0, 30 * USEC_PER_SEC), 1);
                ck_assert(is_gone(i));
        }
}
END_TEST

START_TEST(the_environment_says_whose_it_was) {
        const struct leftover_spec spec = { .marker = marker, .bound_usec = 30 * USEC_PER_SEC };
        struct leftovers found;

        (void)start(WAITS, marker, false);
        ck_assert_int_eq(leftovers_end(&spec, &found), 0);
        ck_assert_uint_eq(found.n, 1);
        ck_assert_str_eq(found.list[0].task, "work");
        ck_assert_str_eq(found.list[0].run, "work#1");
        ck_assert_uint_eq(found.list[0].record, SIZE_MAX);
        leftovers_done(&found);
}
END_TEST

START_TEST(one_of_another_daemon_is_left_alone) {
        (void)start(WAITS, "TENDD_DAEMON=another", false);
        ck_assert_uint_eq(end_them(NULL, 0, 0), 0);
        ck_assert(!is_gone(0));
}
END_TEST

START_TEST(one_is_known_by_its_record) {
        struct leftover_record record = record_of(start(WAITS, "X=", false));

        ck_assert_uint_eq(end_them(&record, 1, 30 * USEC_PER_SEC), 1);
        ck_assert(is_gone(0));
}
END_TEST

START_TEST(a_stranger_with_that_pid_is_left_alone) {
        struct leftover_record record = record_of(start(WAITS, "X=", false));

        record.start_ticks--;
        ck_assert_uint_eq(end_them(&record, 1, 0), 0);
        ck_assert(!is_gone(0));
}
END_TEST

START_TEST(its_session_and_descendants_go_with_it) {
        /* The shell stays the leader of nothing: its children are found below it, or by its session. */
        pid_t pid = start("env -i sleep 300 & env -i setsid sleep 300 & sleep 0.1; echo $$ >&9; wait", "X=", false);
        struct leftover_record record = record_of(pid);

        ck_assert_uint_eq(end_them(&record, 1, 30 * USEC_PER_SEC), 3);
        ck_assert(is_gone(0));
}
END_TEST

START_TEST(who_does_not_listen_is_killed_after_the_grace) {
        usec_t begun = clock_now(CLOCK_ID_MONOTONIC);

        (void)start("trap '' TERM; echo $$ >&9; while :; do sleep 300; done", marker, false);
        ck_assert_uint_ge(end_them(NULL, 0, 200 * USEC_PER_MSEC), 2);
        ck_assert(is_gone(0));
        ck_assert_uint_ge(clock_now(CLOCK_ID_MONOTONIC), begun + 200 * USEC_PER_MSEC);
}
END_TEST

START_TEST(who_is_stopped_is_ended_too) {
        pid_t pid = start(WAITS, marker, false);

        ck_assert_int_eq(kill(pid, SIGSTOP), 0);
        ck_assert_uint_eq(end_them(NULL, 0, 30 * USEC_PER_SEC), 1);
}
END_TEST

START_TEST(a_child_of_this_process_is_never_meant) {
        pid_t pid = start(WAITS, marker, true);
        struct leftover_record record = record_of(pid);

        ck_assert_uint_eq(end_them(&record, 1, 0), 0);
        ck_assert(!is_gone(0));
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(this_process_and_those_above_it_are_never_meant) {
        struct leftover_record records[] = { record_of(getpid()), record_of(getppid()) };

        ck_assert_uint_eq(end_them(records, 2, 0), 0);
}
END_TEST

START_TEST(when_it_is_cancelled_it_gives_up) {
        const atomic_bool cancelled = true;
        const struct leftover_spec spec = {
                .marker = marker,
                .grace_usec = 300 * USEC_PER_SEC,
                .bound_usec = 300 * USEC_PER_SEC,
                .cancelled = &cancelled,
        };
        struct leftovers found;

        (void)start("trap '' TERM; echo $$ >&9; while :; do sleep 300; done", marker, false);
        (void)leftovers_end(&spec, &found);
        leftovers_done(&found); /* within the time of the test */
}
END_TEST

START_TEST(when_it_is_cancelled_nobody_is_signalled) {
        const atomic_bool cancelled = true;
        const struct leftover_spec spec = { .marker = marker, .cancelled = &cancelled };
        struct leftovers found;
        char text[16] = "";
        pid_t pid;

        pid = start("trap 'echo TERM >&9; kill $!; exit' TERM; trap 'echo WINCH >&9; kill $!; exit' WINCH;"
                    "sleep 300 & echo $$ >&9; wait",
                    marker, false);
        ck_assert_int_eq(leftovers_end(&spec, &found), 0);
        ck_assert_uint_gt(found.n, 0);
        ck_assert_int_eq(kill(pid, SIGWINCH), 0); /* the shell looks at it after SIGTERM */
        ck_assert_int_gt(read(ready[0], text, sizeof(text) - 1), 0);
        ck_assert_str_eq(text, "WINCH\n");
        leftovers_done(&found);
}
END_TEST

/* Runs @fn as pid 1 of a namespace of its own, @mounted: with the /proc of that. Returns what it does; -1: it cannot here. */
static int as_pid_1(int (*fn)(void), bool mounted) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
                        _exit(100);
                pid = fork();
                if (pid == 0) {
                        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                            (mounted && mount("proc", "/proc", "proc", 0, NULL) < 0))
                                _exit(100);
                        _exit(fn());
                }
                _exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 101);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status));
        if (WEXITSTATUS(status) == 100)
                printf("skipped: no namespaces may be made here\n");
        return WEXITSTATUS(status) == 100 ? -1 : WEXITSTATUS(status);
}

/* A child with the marker is there all the same afterwards: 0. */
static int end_none(int expected) {
        const struct leftover_spec spec = { .marker = marker, .bound_usec = 30 * USEC_PER_SEC };
        struct leftovers found;
        char byte;
        pid_t pid = fork();
        int status;

        if (pid == 0)
                run_shell("echo $$ >&9; exec sleep 300", marker);
        if (pid < 0 || read(ready[0], &byte, 1) != 1)
                return 1;
        if (leftovers_end(&spec, &found) != expected)
                return 2;
        if (found.n != 0)
                return 3;
        leftovers_done(&found);
        if (kill(pid, SIGKILL) < 0 || waitpid(pid, &status, 0) != pid)
                return 4;
        return WTERMSIG(status) == SIGKILL ? 0 : 5;
}

static int end_none_and_be_fine(void) {
        return end_none(0);
}

static int end_none_for_want_of_proc(void) {
        return end_none(-ESRCH);
}

START_TEST(as_pid_1_it_knows_its_children) {
        ck_assert_int_le(as_pid_1(end_none_and_be_fine, true), 0);
}
END_TEST

START_TEST(with_the_proc_of_others_nobody_is_meant) {
        ck_assert_int_le(as_pid_1(end_none_for_want_of_proc, false), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("leftover");
        TCase *tcase = tcase_create("leftover");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, nothing_is_found_where_nothing_is);
        tcase_add_test(tcase, one_is_known_by_its_environment);
        tcase_add_test(tcase, one_that_changes_programs_is_found);
        tcase_add_test(tcase, the_environment_says_whose_it_was);
        tcase_add_test(tcase, one_of_another_daemon_is_left_alone);
        tcase_add_test(tcase, one_is_known_by_its_record);
        tcase_add_test(tcase, a_stranger_with_that_pid_is_left_alone);
        tcase_add_test(tcase, its_session_and_descendants_go_with_it);
        tcase_add_test(tcase, who_does_not_listen_is_killed_after_the_grace);
        tcase_add_test(tcase, who_is_stopped_is_ended_too);
        tcase_add_test(tcase, a_child_of_this_process_is_never_meant);
        tcase_add_test(tcase, this_process_and_those_above_it_are_never_meant);
        tcase_add_test(tcase, when_it_is_cancelled_it_gives_up);
        tcase_add_test(tcase, when_it_is_cancelled_nobody_is_signalled);
        tcase_add_test(tcase, as_pid_1_it_knows_its_children);
        tcase_add_test(tcase, with_the_proc_of_others_nobody_is_meant);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
