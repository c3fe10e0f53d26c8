/* SPDX-License-Identifier: MIT */
/* child_fork: a plain fork, with a close-on-exec pipe for the report. What the child does is the same, see
 * child_birth.c. */
#include "loop/child_fork.h"

#include "loop/child_exec.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* The report of a forked child: nothing, when exec closed the pipe or it was killed. */
static void read_report(int fd, struct child_birth *birth) {
        __typeof__(birth->report) report;
        ssize_t n;

        do
                n = read(fd, &report, sizeof(report));
        while (n < 0 && errno == EINTR);
        if (n == (ssize_t)sizeof(report))
                birth->report = report;
}

/* In the child: waits until the parent can watch it. What was let go before could have left others by the time it is
 * known that nobody watches. */
static int be_forked(struct child_birth *birth, int go[2]) {
        char c;

        (void)close(go[1]);
        if (read(go[0], &c, 1) != 1)
                return 127;
        return child_birth_main(birth);
}

int child_fork(struct child_birth *birth) {
        struct child_launch *launch = birth->launch;
        _cleanup_(closep) int from = -EBADF, start = -EBADF;
        int report[2], go[2], pidfd;
        pid_t pid;

        if (pipe2(report, O_CLOEXEC) < 0)
                return -errno;
        from = report[0];
        birth->report_fd = report[1];
        if (pipe2(go, O_CLOEXEC) < 0) {
                int error = errno;

                (void)close(report[1]);
                return -error;
        }
        start = go[1];
        pid = fork();
        if (pid == 0)
                _exit(be_forked(birth, go));
        (void)close(report[1]);
        (void)close(go[0]);
        if (pid < 0)
                return -errno;

        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0 || write(start, "g", 1) < 0) {
                int error = errno;

                closep(&pidfd);
                (void)kill(pid, SIGKILL); /* ours, and not reaped yet */
                (void)waitpid(pid, NULL, 0);
                return -error;
        }
        launch->pidfd = pidfd;
        atomic_store(&launch->hatched, true);
        if (atomic_load(&launch->cancelled))
                (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        read_report(from, birth);
        return pid;
}
