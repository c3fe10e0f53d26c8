/* SPDX-License-Identifier: MIT */
/* child_tree: signals to all processes of a child.
 *
 * A cgroup holds whoever does not leave it on purpose, which takes the right to write to another group. A process that
 * did becomes an orphan of the daemon when its parents are killed: so while there are orphans, those that are known by
 * session, group or marker are looked for outside as well.
 *
 * A main process can make siblings of itself (CLONE_PARENT). They are children of the thread that spawned it, and no
 * orphans, so that nobody would reap them: who kills them does. Without a cgroup they are not found at all.
 */
#include "loop/child_tree.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#define SIBLINGS_MAX 64 /* more are killed, but stay zombies */

struct child_siblings {
        struct {
                pid_t pid;
                int pidfd;
        } items[SIBLINGS_MAX];
        size_t n;
};

/* Orphans may be among them, which the loop would reap as well. */
static int collect_sibling(pid_t pid, void *arg) {
        struct child_tree *tree = arg;
        struct child_siblings *siblings = tree->siblings;
        int pidfd;

        for (size_t i = 0; siblings && i < siblings->n; i++)
                if (siblings->items[i].pid == pid)
                        return 0;
        pidfd = walk_open_sibling(&tree->walk, pid);
        if (pidfd < 0)
                return 0;
        if (!siblings)
                siblings = tree->siblings = calloc(1, sizeof(*siblings));
        if (!siblings || siblings->n == SIBLINGS_MAX) {
                (void)close(pidfd);
                return -ENOMEM;
        }
        siblings->items[siblings->n].pid = pid;
        siblings->items[siblings->n++].pidfd = pidfd;
        return 0;
}

/* Those that are dead. Returns how many are not yet. */
static size_t reap_siblings(struct child_tree *tree) {
        struct child_siblings *siblings = tree->siblings;
        size_t n = 0;

        for (size_t i = 0; siblings && i < siblings->n; i++) {
                struct pollfd pollfd = { .fd = siblings->items[i].pidfd, .events = POLLIN };
                siginfo_t info;

                if (poll(&pollfd, 1, 0) > 0) {
                        (void)waitid(P_PIDFD, (id_t)pollfd.fd, &info, WEXITED | WNOHANG);
                        (void)close(pollfd.fd);
                } else {
                        siblings->items[n++] = siblings->items[i];
                }
        }
        if (siblings)
                siblings->n = n;
        return n;
}

static int kill_group(struct child_tree *tree) {
        int r;

        (void)cgroup_for_each_pid(tree->cgroup, collect_sibling, tree);
        r = cgroup_kill(tree->cgroup, tree->killed);
        tree->killed = true;
        return r;
}

int child_tree_kill(struct child_tree *tree) {
        int r;

        if (!tree->cgroup)
                return walk_kill(&tree->walk);
        if (kill_group(tree) < 0)
                (void)walk_kill(&tree->walk);
        r = cgroup_is_populated(tree->cgroup);
        if (reap_siblings(tree) > 0 && r == 0)
                return 1;
        return r == 0 && tree->beyond ? walk_kill(&tree->walk) : r;
}

bool child_tree_may_be_left(const struct child_tree *tree) {
        return !tree->siblings || tree->siblings->n == 0;
}

void child_tree_done(struct child_tree *tree) {
        for (size_t i = 0; tree->siblings && i < tree->siblings->n; i++)
                (void)close(tree->siblings->items[i].pidfd);
        free(tree->siblings);
        tree->siblings = NULL;
        tree->cgroup = cgroup_release(tree->cgroup);
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
