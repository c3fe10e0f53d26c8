/* SPDX-License-Identifier: MIT */
#pragma once
/* cgroup_private: what cgroup.c and cgroup_tree.c share. */
#include "base/list.h"
#include "loop/cgroup.h"

#include <pthread.h>

#define CGROUP_NAME_MAX  40
#define CGROUP_DEPTH_MAX 32 /* of groups that runs make below theirs; the kernel refuses more */

struct cgroup_tree {
        int fd;        /* of our directory */
        int parent_fd; /* of the one it is in */
        char *path;
        unsigned enabled;     /* bits: what was not enabled in the parent before */
        bool moved;           /* this process is in a group of its own */
        unsigned controllers; /* bits 1 << enum cgroup_controller */
        /* guarded by the lock */
        pthread_mutex_t lock;
        struct list idle; /* empty groups without bounds, last used first */
        unsigned n_idle;
        unsigned n_made;
};

struct cgroup {
        struct list link; /* in tree->idle */
        struct cgroup_tree *tree;
        usec_t cpu_base_usec; /* what its former users had used */
        bool bounded;
        char name[CGROUP_NAME_MAX]; /* "run-7" */
};

/* Writes @text to @file of the directory @name below @dir_fd, without creating it. Returns 0 or -errno. */
int cgroup_write(int dir_fd, const char *name, const char *file, const char *text);

/* Reads such a file into @buf, NUL-terminated. Returns its size, or -errno; what does not fit is cut off. */
ssize_t cgroup_read(int dir_fd, const char *name, const char *file, char *buf, size_t size);

/* Removes the directory @name and what is below it. Returns 0, -EBUSY when a process is in one of them, -errno. */
int cgroup_remove(int dir_fd, const char *name);

void cgroup_free(struct cgroup *cgroup);
