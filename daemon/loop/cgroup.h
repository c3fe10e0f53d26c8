/* SPDX-License-Identifier: MIT */
#pragma once
/* cgroup: a control group for each run of processes (cgroups(7); the kernel's admin-guide/cgroup-v2).
 *
 * A group holds whatever its processes fork, whatever they do to escape: it can be signalled and killed whole, says
 * whether anybody is left in it, bounds what they use, and knows what they used. Where no cgroup2 tree is writable there
 * are none, and trees of processes are walked instead (child_walk.h).
 *
 * Making, asking and removing a group are some system calls each, which may block, and killing a large one takes
 * milliseconds: all that is done on spawner threads. Functions may be called by several threads at once, for one group
 * by one at a time.
 */
#include "base/clock.h"

#include <stdio.h>

struct cgroup;
struct cgroup_tree;

enum cgroup_controller {
        CGROUP_CPU,
        CGROUP_MEMORY,
        CGROUP_PIDS,
        _CGROUP_CONTROLLER_MAX,
};

const char *cgroup_controller_to_string(enum cgroup_controller controller);

/* Bounds of a group; 0: none. One whose controller is missing is passed over: see cgroup_tree_has(). */
struct cgroup_limits {
        uint64_t memory_max; /* bytes; a group that needs more is killed whole */
        uint64_t pids_max;   /* processes and threads */
        unsigned cpu_max;    /* percent of one processor */
};

struct cgroup_usage {
        usec_t cpu_usec;
        uint64_t memory_peak; /* bytes; 0: not known */
        uint64_t oom_kills;   /* processes that the kernel killed because of memory_max */
};

/* ---- the tree ---- */

/* Where this process is in a cgroup2 tree: the directory, by the text of /proc/self/mountinfo and of /proc/self/cgroup.
 * Returns 0, -EOPNOTSUPP when there is no such tree, -ENOMEM. */
int cgroup_find(FILE *mountinfo, FILE *self, char **ret);

/* The same of what /proc says now. */
int cgroup_find_own(char **ret);

/* Makes a directory of our own, "tendd-@tag", below @directory (NULL: where this process is). Has the controllers that can be had enabled for its groups; this process
 * moves into a group beside them if the kernel demands it. Returns 0, -EOPNOTSUPP when there is no cgroup2 tree, or it is
 * not in one, or -errno when it is not writable, or nobody could enter a group there. Blocks; for the start only. */
int cgroup_tree_new(const char *directory, const char *tag, struct cgroup_tree **ret);

/* What an earlier owner of the directory left in it; before the first group is made. Calls @fn for each process in its
 * groups; kills who is in them and removes them, waiting at most @timeout_usec. May be called on a thread, and block. */
typedef int (*cgroup_pid_fn)(pid_t pid, void *arg);
int cgroup_tree_for_each_leftover(struct cgroup_tree *tree, cgroup_pid_fn fn, void *arg);
void cgroup_tree_end_leftovers(struct cgroup_tree *tree, usec_t timeout_usec);

/* Removes what is empty. Always returns NULL. */
struct cgroup_tree *cgroup_tree_free(struct cgroup_tree *tree);
DEFINE_CLEANUP(struct cgroup_tree, cgroup_tree_free)

const char *cgroup_tree_path(const struct cgroup_tree *tree);
bool cgroup_tree_has(const struct cgroup_tree *tree, enum cgroup_controller controller);

/* ---- a group ---- */

/* An empty group with @limits: a new one, or one that was released. A process enters it by writing "0" to @ret_procs, a
 * descriptor for the caller to close. Returns 0, -ENOMEM, or -errno of mkdir(2), open(2) or of writing a bound; then
 * nothing is left of it. */
int cgroup_new(struct cgroup_tree *tree, const struct cgroup_limits *limits, struct cgroup **ret, int *ret_procs);

/* Gives an empty group back, to be reused if it is as good as new. NULL is fine, and always returned. */
struct cgroup *cgroup_release(struct cgroup *cgroup);

/* Another handle on the same group, which may outlive it: for looking at who is in it. NULL: out of memory. */
struct cgroup *cgroup_dup(const struct cgroup *cgroup);
void cgroup_dup_free(struct cgroup *copy);

/* Gives back one that something is wrong with: it is not reused. NULL is fine, and always returned. */
struct cgroup *cgroup_discard(struct cgroup *cgroup);

/* The same for the loop: only if nobody is in it and nothing is to be done that takes time. Returns false otherwise:
 * somebody is in it, or there are groups below it, or it will not be reused, or its usage is of interest. */
bool cgroup_try_release(struct cgroup *cgroup);

const char *cgroup_name(const struct cgroup *cgroup);

/* Returns 1 when a living process is in it or below, 0 when none, -errno. */
int cgroup_is_populated(const struct cgroup *cgroup);

/* Whether a process whose /proc/PID/cgroup reads @text is in it or below. */
bool cgroup_is_named(const struct cgroup *cgroup, const char *text);

/* Whether @pid is in it or below, by /proc/PID/cgroup. Returns 1, 0, -ESRCH when there is no such process any more. */
int cgroup_contains(const struct cgroup *cgroup, pid_t pid);

/* Kills all that is in it and below; they may still be dying when it returns. @again: not for the first time, so that
 * more is tried. Returns 0 or -errno. */
int cgroup_kill(const struct cgroup *cgroup, bool again);

/* Sends @signo once to all that is in it and below, with SIGCONT after it when @wake; by pidfd, so that no other process
 * can be hit. Returns how many were there, or -errno when some may have been missed. */
int cgroup_signal(const struct cgroup *cgroup, int signo, bool wake);

/* What was used since cgroup_new(). Returns 0 or -errno. */
int cgroup_get_usage(const struct cgroup *cgroup, struct cgroup_usage *ret);

/* Calls @fn for each process in it and below. Stops when @fn returns non-zero and returns that; -errno. */
int cgroup_for_each_pid(const struct cgroup *cgroup, cgroup_pid_fn fn, void *arg);
