/* SPDX-License-Identifier: MIT */
#pragma once
/* proc_stat: what /proc/PID/stat says of a process, as far as trees of processes are concerned. Does not block. */
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

/* Returns 0; -ENOENT or -ESRCH: there is no such process; -EBADMSG, -errno. */
int proc_stat_read(pid_t pid, struct proc_stat *ret);
