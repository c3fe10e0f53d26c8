/* SPDX-License-Identifier: MIT */
/* child_tree: signals to all processes of a child.
 *
 * A cgroup holds whoever does not leave it on purpose, which takes the right to write to another group. A process that
 * did becomes an orphan of the daemon when its parents are killed: so while there are orphans, those that are known by
 * session, group or marker are looked for outside as well.
 */
#include "loop/child_tree.h"

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

bool child_tree_has(const struct child_tree *tree, pid_t pid, uid_t uid, uid_t owner) {
        int r;

        if (pid == tree->walk.pid)
                return true;
        r = tree->cgroup ? cgroup_contains(tree->cgroup, pid) : walk_contains(&tree->walk, pid);
        return r == -ESRCH ? uid == owner || uid == 0 : r > 0;
}

void child_tree_end(struct child_tree *tree, struct cgroup_usage *ret_usage) {
        if (!tree->cgroup)
                return;
        (void)cgroup_get_usage(tree->cgroup, ret_usage);
        tree->cgroup = cgroup_release(tree->cgroup);
}
