/* SPDX-License-Identifier: MIT */
#pragma once
/* child_walk: finds the processes of one child's tree, and signals them. For loop/child*.c only.
 *
 * Done on a spawner thread: each process costs some reads under /proc, and reading one's environment may even block.
 */
#include "base/macros.h"

#include <sys/types.h>

#define WALK_SESSIONS_MAX 16

/* Whose tree. The main process must not be reaped during a walk: its pid stands for its group and session. */
struct walk_tree {
        pid_t pid;
        int pidfd;
        pid_t loop_tid;     /* the thread that inherits orphans */
        const char *marker; /* see child_spec; may be NULL */

        /* Sessions of processes that were found to be of the tree. They outlast a walk that kills: what is about to end
         * has no environment any more, and must be waited for all the same. */
        pid_t sessions[WALK_SESSIONS_MAX];
        size_t n_sessions; /* ever; the last ones are kept */
};

/* Stops, then kills every process that can be found. Returns how many were alive, or may have been, so that another walk
 * is due; 0: none was left. -ENOMEM, -EMFILE and the like: some may have been missed. */
int walk_kill(struct walk_tree *tree);

/* Whether @pid is known to be of the tree: below its main process, or in one of its sessions. Returns 1, 0, -ESRCH when
 * there is no such process any more. Quick: it reads a few lines, and asks nobody who could keep it waiting. While a
 * thread is @changing the tree, what it knows of sessions is left alone. */
int walk_contains(const struct walk_tree *tree, bool changing, pid_t pid);

/* Calls @fn for every process that can be found, for one that is dead and not waited for too; perhaps more than once for
 * one. Those that the daemon inherited are looked at when @orphans. Stops when @fn returns non-zero and returns that;
 * -errno as above. */
typedef int (*walk_pid_fn)(pid_t pid, void *arg);
int walk_list(struct walk_tree *tree, bool orphans, walk_pid_fn fn, void *arg);

/* A pidfd of @pid, if that is alive, a child of this process, and in the session of the tree, but not its main process.
 * Returns it, -ESRCH, or -errno. */
int walk_open_sibling(const struct walk_tree *tree, pid_t pid);

/* Sends @signo once to every process that can be found, with SIGCONT after it when @wake. 0 sends nothing and looks
 * only. Returns how many are alive, or -errno as above. */
int walk_signal(struct walk_tree *tree, int signo, bool wake);
