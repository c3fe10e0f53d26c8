/* SPDX-License-Identifier: MIT */
/* proc_stat: reads /proc. */
#include "loop/proc_stat.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#define STAT_MAX 1024

/* Puts what follows the name into *@ret, which is in @line. Returns 0 or -errno. */
static int read_stat_line(pid_t pid, char line[STAT_MAX], char **ret) {
        char path[64];
        _cleanup_(closep) int fd = -EBADF;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read(fd, line, STAT_MAX - 1);
        if (n <= 0)
                return n < 0 ? -errno : -ESRCH;
        line[n] = '\0';
        *ret = strrchr(line, ')'); /* the name of a process may have anything in it */
        return *ret ? 0 : -EBADMSG;
}

int proc_stat_read(pid_t pid, struct proc_stat *ret) {
        struct proc_stat stat;
        char line[STAT_MAX], *at;
        int r;

        r = read_stat_line(pid, line, &at);
        if (r < 0)
                return r;
        if (sscanf(at + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
                   &stat.state, &stat.parent, &stat.group, &stat.session, &stat.start_ticks) != 5)
                return -EBADMSG;
        *ret = stat;
        return 0;
}

ssize_t proc_read(const char *path, size_t max, char **ret) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        _cleanup_(freep) char *buffer = NULL;
        size_t size = 0, n = 0;

        if (fd < 0)
                return -errno;
        for (;;) {
                ssize_t r;

                if (size - n < 2) {
                        char *grown = size < max ? realloc(buffer, size > 0 ? 4 * size : 1024) : NULL;

                        if (!grown)
                                return -ENOMEM;
                        buffer = grown;
                        size = size > 0 ? 4 * size : 1024;
                }
                r = read(fd, buffer + n, size - n - 1);
                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                n += (size_t)r;
        }
        buffer[n] = 0;
        *ret = TAKE_PTR(buffer);
        return (ssize_t)n;
}

/* Whether @pid has memory, but no environment in it yet: proc_pid_stat(5), vsize and env_end. */
static bool is_amid_exec(pid_t pid) {
        char line[STAT_MAX], *at;
        uint64_t size, env_end;

        return read_stat_line(pid, line, &at) == 0 &&
               sscanf(at + 1,
                      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %" SCNu64
                      " %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %*d %*u %*u %*u %*u %*d %*u %*u %*u"
                      " %*u %*u %*u %" SCNu64,
                      &size, &env_end) == 2 &&
               size > 0 && env_end == 0;
}

ssize_t proc_environ_read(pid_t pid, size_t max, char **ret) {
        _cleanup_(freep) char *empty = NULL;
        char path[64];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/environ", pid);
        n = proc_read(path, max, &empty);
        if (n > 0)
                *ret = TAKE_PTR(empty);
        if (n != 0)
                return n;
        return is_amid_exec(pid) ? -EAGAIN : proc_read(path, max, ret); /* it may have got one since */
}
