/* SPDX-License-Identifier: MIT */
/* child_tree: signals to all processes of a child.
 *
 * A cgroup holds whoever does not leave it on purpose, which takes the right to write to another group. A process that
 * did becomes an orphan of the daemon when its parents are killed: so while there are orphans, those that are known by
 * session, group or marker are looked for outside as well.
 */
#include "loop/child_tree.h"

#include <fcntl.h>

int child_tree_kill(struct child_tree *tree) {
        int r;

        if (!tree->cgroup || cgroup_kill(tree->cgroup) < 0)
                return walk_kill(&tree->walk);
        r = cgroup_is_populated(tree->cgroup);
        return r == 0 && tree->beyond ? walk_kill(&tree->walk) : r;
}

int child_tree_signal(struct child_tree *tree, int signo, bool wake) {
        int r;

        if (!tree->cgroup)
                return walk_signal(&tree->walk, signo, wake);
        r = signo > 0 ? cgroup_signal(tree->cgroup, signo, wake) : cgroup_is_populated(tree->cgroup);
        return r <= 0 && tree->beyond ? walk_signal(&tree->walk, signo, wake) : r;
}

/* A walk down from the main process also finds the dead, whom no cgroup lists. */
int child_tree_list(struct child_tree *tree, walk_pid_fn fn, void *arg) {
        int r;

        if (!tree->cgroup)
                return walk_list(&tree->walk, true, fn, arg);
        r = cgroup_for_each_pid(tree->cgroup, fn, arg);
        return r == 0 ? walk_list(&tree->walk, tree->beyond, fn, arg) : r;
}

int child_tree_copy(const struct child_tree *tree, bool changing, struct child_tree *ret) {
        const struct walk_tree *walk = &tree->walk;
        struct child_tree copy = { .walk = { .pid = walk->pid, .loop_tid = walk->loop_tid }, .beyond = true };

        copy.walk.pidfd = fcntl(walk->pidfd, F_DUPFD_CLOEXEC, 3);
        if (copy.walk.pidfd < 0)
                return -errno;
        copy.walk.marker = walk->marker ? strdup(walk->marker) : NULL;
        if (!changing) {
                copy.walk.n_sessions = walk->n_sessions;
                memcpy(copy.walk.sessions, walk->sessions, sizeof(copy.walk.sessions));
                copy.cgroup = tree->cgroup ? cgroup_dup(tree->cgroup) : NULL;
        }
        if ((walk->marker && !copy.walk.marker) || (!changing && tree->cgroup && !copy.cgroup)) {
                child_tree_copy_done(&copy);
                return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

void child_tree_copy_done(struct child_tree *copy) {
        closep(&copy->walk.pidfd);
        free((char *)copy->walk.marker);
        cgroup_dup_free(copy->cgroup);
        *copy = (struct child_tree){ .walk.pidfd = -EBADF };
}

bool child_tree_has(const struct child_tree *tree, bool changing, pid_t pid, uid_t uid, uid_t owner) {
        int r;

        if (pid == tree->walk.pid)
                return true;
        r = tree->cgroup ? cgroup_contains(tree->cgroup, pid) : walk_contains(&tree->walk, changing, pid);
        return r == -ESRCH ? uid == owner || uid == 0 : r > 0;
}

void child_tree_end(struct child_tree *tree, struct cgroup_usage *ret_usage) {
        if (!tree->cgroup)
                return;
        (void)cgroup_get_usage(tree->cgroup, ret_usage);
        tree->cgroup = cgroup_release(tree->cgroup);
}
