/* SPDX-License-Identifier: MIT */
#pragma once
/* child_birth: from a new process, which shares the daemon's memory, to another program. For loop/child*.c only. */
#include "loop/child_plan.h"

#define CHILD_SIGNAL_MAX 64

struct child_launch;

/* What the child needs to know; lives on the launcher's stack. */
struct child_birth {
        const struct child_plan *plan;
        struct child_launch *launch;
        const struct rlimit *nofile;
        uint64_t signals; /* those to be reset */
        bool oom_protected;
        int cgroup_procs; /* where to enter the group; -EBADF: there is none */
        int stdio[3];
        int parcel_fd;    /* a socket that stdio and a directory come out of; -EBADF: none */
        int directory_fd; /* -EBADF: it has a path, or is / */
        int report_fd;    /* plain fork: where to report; -EBADF: memory is shared */
        unsigned keep;    /* descriptors from here on are of no use to the child */
        struct {
                enum child_step step;
                int error;
        } report;
};

/* The whole life of the child, of which @arg is the struct child_birth. Returns only what satisfies the compiler. */
int child_birth_main(void *arg);
