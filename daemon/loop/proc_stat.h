/* SPDX-License-Identifier: MIT */
#pragma once
/* proc_stat: what /proc says of a process, as far as trees of processes are concerned. */
#include "base/macros.h"

#include <sys/types.h>

struct proc_stat {
        char state; /* a letter of proc(5) */
        pid_t parent;
        pid_t group;
        pid_t session;
        uint64_t
                start_ticks; /* after boot, in units of sysconf(_SC_CLK_TCK): with the pid and the boot, a name for ever */
};

/* Does not block. Returns 0; -ENOENT or -ESRCH: there is no such process; -EBADMSG, -errno. */
int proc_stat_read(pid_t pid, struct proc_stat *ret);

/* Reads the file @path of /proc whole, NUL-terminated, into a buffer of its own; at most @max bytes, then -ENOMEM. Some, as an
 * environment, may block as long as their process does. Returns its size or -errno. */
ssize_t proc_read(const char *path, size_t max, char **ret);

/* Reads the environment of @pid as proc_read() does. Returns its size; 0: it has none, or is about to end; -EAGAIN: it is
 * amid an execve(2), when there is none to be read yet, however long that takes; -errno. */
ssize_t proc_environ_read(pid_t pid, size_t max, char **ret);
