/* SPDX-License-Identifier: MIT */
#pragma once
/* child_tree: all processes of one child: those in its cgroup, and those that a walk finds. For loop/child*.c only.
 *
 * Done on a spawner thread.
 */
#include "loop/cgroup.h"
#include "loop/child_walk.h"

struct child_tree {
        struct walk_tree walk;
        struct cgroup *cgroup;           /* NULL: there is none, walks are all we have */
        bool beyond;                     /* somebody may have left the cgroup: look outside too */
        bool killed;                     /* once */
        struct child_siblings *siblings; /* killed and to be reaped; mostly NULL */
};

/* Lets go of all it holds. */
void child_tree_done(struct child_tree *tree);

/* Whether nobody is known whom a walk must reap. */
bool child_tree_may_be_left(const struct child_tree *tree);

/* As walk_kill() and walk_signal(). */
int child_tree_kill(struct child_tree *tree);
int child_tree_signal(struct child_tree *tree, int signo, bool wake);

/* Calls @fn for every process that can be found; for some more than once, and for dead ones that nobody has waited for.
 * Stops when @fn returns non-zero and returns that; -errno when some may have been missed. */
int child_tree_list(struct child_tree *tree, walk_pid_fn fn, void *arg);

/* Handles of its own on the same tree, for child_tree_list(), that may outlive it. May be called on the loop: with
 * @changing, while a thread is at the tree, without what that may change: sessions, and the cgroup. Returns 0, -ENOMEM,
 * -errno of dup(2). */
int child_tree_copy(const struct child_tree *tree, bool changing, struct child_tree *ret);
void child_tree_copy_done(struct child_tree *copy);

/* Whether a process @pid of user @uid is of the tree, whose processes are those of user @owner. Of one that has ended
 * only the user is known, as the kernel told it. Quick enough for the loop, while its main process has not ended; then a
 * thread may take the cgroup away. @changing: a thread is at the tree, see child_tree_copy(). */
bool child_tree_has(const struct child_tree *tree, bool changing, pid_t pid, uid_t uid, uid_t owner);

/* When nobody is left and the main process has ended: what they used, if the cgroup knows better than wait(2); and gives
 * the cgroup back. */
void child_tree_end(struct child_tree *tree, struct cgroup_usage *ret_usage);
