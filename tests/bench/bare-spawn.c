/* SPDX-License-Identifier: MIT */
/* bare-spawn: plain single-threaded posix_spawn loops, as the yardstick of the exec row.
 *
 * They keep a number of processes running and reap them: no sessions, no output, no timeouts. Three ways of learning
 * that a child has ended, because it is not obvious which is the fastest: `wait` blocks in wait4(2), `pidfd` has an
 * epoll of pidfds, `sigchld` a blocked signal and sigwaitinfo(2).
 */
#include "base/macros.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

struct bench {
        char *const *argv;
        posix_spawnattr_t attr;
        long total;
        long in_flight;
        long started;
        long live;
        long ok;
        long failed;
        int epoll_fd;
};

static pid_t start_one(struct bench *b) {
        pid_t pid;

        if (posix_spawn(&pid, b->argv[0], NULL, &b->attr, b->argv, environ) != 0)
                return -1;
        b->started++;
        b->live++;
        return pid;
}

static void count(struct bench *b, int status) {
        b->live--;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                b->ok++;
        else
                b->failed++;
}

static int loop_wait(struct bench *b) {
        int status;

        for (;;) {
                while (b->live < b->in_flight && b->started < b->total)
                        if (start_one(b) < 0)
                                return -1;
                if (b->live == 0)
                        return 0;
                if (wait4(-1, &status, 0, NULL) < 0)
                        return -1;
                count(b, status);
        }
}

static int loop_sigchld(struct bench *b) {
        sigset_t set;
        int status;

        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigprocmask(SIG_BLOCK, &set, NULL);
        for (;;) {
                while (b->live < b->in_flight && b->started < b->total)
                        if (start_one(b) < 0)
                                return -1;
                if (b->live == 0)
                        return 0;
                if (sigwaitinfo(&set, NULL) < 0)
                        return -1;
                while (b->live > 0 && waitpid(-1, &status, WNOHANG) > 0)
                        count(b, status);
        }
}

static int watch_pidfd(struct bench *b, pid_t pid) {
        struct epoll_event event = { .events = EPOLLIN };

        event.data.fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (event.data.fd < 0)
                return -1;
        return epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
}

static int reap_pidfd(struct bench *b, int fd) {
        siginfo_t info = { 0 };

        if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0)
                return -1;
        /* Not left to close(): a child between vfork and exec may still share the description. */
        epoll_ctl(b->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        close(fd);
        count(b, info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status);
        return 0;
}

static int loop_pidfd(struct bench *b) {
        struct epoll_event events[64];
        int n;

        b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (b->epoll_fd < 0)
                return -1;
        for (;;) {
                while (b->live < b->in_flight && b->started < b->total) {
                        pid_t pid = start_one(b);

                        if (pid < 0 || watch_pidfd(b, pid) < 0)
                                return -1;
                }
                if (b->live == 0)
                        return close(b->epoll_fd);
                n = epoll_wait(b->epoll_fd, events, ARRAY_SIZE(events), -1);
                for (int i = 0; i < n; i++)
                        if (reap_pidfd(b, events[i].data.fd) < 0)
                                return -1;
        }
}

static const struct {
        const char *name;
        int (*run)(struct bench *b);
} ways[] = {
        { "wait", loop_wait },
        { "pidfd", loop_pidfd },
        { "sigchld", loop_sigchld },
};

static double now(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char *argv[]) {
        struct bench b = { .epoll_fd = -EBADF };
        sigset_t none;
        double start;

        if (argc < 5) {
                fprintf(stderr, "usage: %s wait|pidfd|sigchld TOTAL IN-FLIGHT COMMAND [ARG…]\n", argv[0]);
                return 2;
        }
        b.total = strtol(argv[2], NULL, 10);
        b.in_flight = strtol(argv[3], NULL, 10);
        b.argv = argv + 4;
        sigemptyset(&none);
        posix_spawnattr_init(&b.attr);
        posix_spawnattr_setsigmask(&b.attr, &none);
        posix_spawnattr_setflags(&b.attr, POSIX_SPAWN_SETSIGMASK);

        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                if (!streq(ways[i].name, argv[1]))
                        continue;
                start = now();
                if (ways[i].run(&b) < 0) {
                        perror(argv[0]);
                        return 1;
                }
                printf("{\"seconds\": %.6f, \"done\": %ld, \"failed\": %ld}\n", now() - start, b.ok, b.failed);
                posix_spawnattr_destroy(&b.attr);
                return 0;
        }
        fprintf(stderr, "%s: no way called %s\n", argv[0], argv[1]);
        return 2;
}
