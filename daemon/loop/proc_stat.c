/* SPDX-License-Identifier: MIT */
/* proc_stat: reads /proc. */
#include "loop/proc_stat.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

int proc_stat_read(pid_t pid, struct proc_stat *ret) {
        struct proc_stat stat;
        char path[64], line[1024], *at;
        _cleanup_(closep) int fd = -EBADF;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read(fd, line, sizeof(line) - 1);
        if (n <= 0)
                return n < 0 ? -errno : -ESRCH;
        line[n] = '\0';
        at = strrchr(line, ')'); /* the name of a process may have anything in it */
        if (!at || sscanf(at + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
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
