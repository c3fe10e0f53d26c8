/* SPDX-License-Identifier: MIT */
#pragma once
/* leftover: finds what a daemon that died has left running, and ends it.
 *
 * Whose process it is, is known by its pid with the time at which it began, if that was written down; by its environment, in
 * which each child of a daemon has that daemon's name; or by its group. With it go its session and all that descend from
 * it. They get SIGTERM, some time, then SIGKILL. Neither this process, those that it descends from, nor what descends from
 * it, is ever meant, nor pid 1.
 */
#include "loop/cgroup.h"

#include <stdatomic.h>
#include <sys/types.h>

#define LEFTOVERS_MAX     4096
#define LEFTOVER_NAME_MAX 256

/* A process that was known. */
struct leftover_record {
        pid_t pid;
        uint64_t start_ticks; /* see proc_stat.h; of the present boot */
};

struct leftover_spec {
        const struct leftover_record *records;
        size_t n_records;
        const char *marker;          /* NAME=VALUE, as the environments of that daemon's children have it; NULL: none */
        struct cgroup_tree *cgroups; /* those in which it left groups; NULL: none */
        usec_t grace_usec;           /* between the two signals */
        usec_t bound_usec;           /* in all, the grace included */
        const atomic_bool *cancelled; /* becomes true when it is not wanted any more */
};

struct leftover {
        pid_t pid;
        uint64_t start_ticks;
        int pidfd;
        bool gone;
        size_t record;                /* whose process it is, or is in the session of; SIZE_MAX: of none */
        char task[LEFTOVER_NAME_MAX]; /* as its environment has it; "": not known */
        char run[LEFTOVER_NAME_MAX];
};

/* All that were found, also those that are gone. */
struct leftovers {
        struct leftover *list;
        size_t n;
        size_t n_left; /* that are not gone: nothing could kill them in time */
};

/* Blocks; for a thread. Returns 0, -ENOMEM, -errno of reading /proc, -ESRCH: it does not show this process; also then some
 * may have been found and ended, and @ret is for leftovers_done(). */
int leftovers_end(const struct leftover_spec *spec, struct leftovers *ret);
void leftovers_done(struct leftovers *leftovers);
