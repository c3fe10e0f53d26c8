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
        struct cgroup *cgroup; /* NULL: there is none, walks are all we have */
        bool beyond;           /* somebody may have left the cgroup: look outside too */
};

/* As walk_kill() and walk_signal(). */
int child_tree_kill(struct child_tree *tree);
int child_tree_signal(struct child_tree *tree, int signo, bool wake);

/* Whether a process @pid of user @uid is of the tree, whose processes are those of user @owner. Of one that has ended
 * only the user is known, as the kernel told it. Quick enough for the loop. */
bool child_tree_has(const struct child_tree *tree, pid_t pid, uid_t uid, uid_t owner);

/* When nobody is left and the main process has ended: what they used, if the cgroup knows better than wait(2); and gives
 * the cgroup back. */
void child_tree_end(struct child_tree *tree, struct cgroup_usage *ret_usage);
