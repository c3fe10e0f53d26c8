/* SPDX-License-Identifier: MIT */
/* child_walk: the tree of a child, found through /proc.
 *
 * Roots are the main process, while it lives, and those of the daemon's own adopted children that belong to it: an
 * orphan does when it is in the main process's session or group, or when its environment has the marker. From there
 * /proc/PID/task/TID/children leads down. What has left its session, cleared its environment and lost its parents is
 * not found.
 *
 * A pid read from /proc may be gone a moment later and name somebody else. So each is turned into a pidfd first and
 * looked at again after that: it must still be a child of a parent which, by its own pidfd, is still alive. A pidfd
 * never comes to mean another process, and nothing here signals by a bare pid, but for the main process's group, whose
 * leader is kept unreaped.
 *
 * Killing goes depth first: a process is stopped, so that it forks no more, then its children are dealt with, then it is
 * killed.
 *
 * What ends while we look leaves its children to the daemon, so the list of adopted ones is read again until nobody new
 * is in it and it stands still: one that changes while it is read may lack somebody. A session that was found to be the
 * tree's is remembered, because asking for it is faster than reading an environment, and one that is about to end has none.
 * All this catches up with what breeds and forks while it is being killed. It cannot prove anything of a process that
 * left its session and is born again without end, each time from a parent that exits at once: a walk may look between
 * two of them. Only a cgroup holds those.
 *
 * Other signals are different: the whole tree is found first and then told as nearly at once as can be, lest a shell
 * whose command was just ended goes on to the next one.
 */
#include "loop/child_walk.h"

#include "loop/proc_stat.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>

#define DEPTH_MAX     128          /* deeper ones are found when their ancestors have gone */
#define ROUNDS_MAX    64           /* then others get their turn */
#define UNSURE_MAX    4            /* rounds made only for an environment that is empty */
#define AMID_EXEC_MAX 100          /* rounds, a millisecond apart, made only for a process that is amid an exec */
#define MEMBERS_MAX   1024         /* descriptors held at once for one signal */
#define FILE_MAX_SIZE (256 * 1024) /* of a list of children, or of an environment */

struct member {
        int pidfd;
        bool in_group; /* of the main process, reached by kill(-pgid) */
};

struct walk {
        struct walk_tree *tree;
        bool kill;
        walk_pid_fn found; /* not NULL: tell of them, and nothing else */
        void *arg;
        int stop;               /* what it returned */
        struct member *members; /* unless killing or telling: all that were found */
        size_t n_members;
        pid_t *seen; /* orphans that were dealt with */
        size_t n_seen;
        int n_alive;
        char *list;     /* of orphans, as it was read last */
        bool changed;   /* it was different from the one before, or had somebody new in it */
        bool unsure;    /* of whether one of them is of this tree */
        bool amid_exec; /* one of them is, which does not last */
        int error;      /* the first thing that made the walk incomplete */
};

static int open_pidfd(pid_t pid) {
        int fd = (int)syscall(SYS_pidfd_open, pid, 0);

        if (fd < 0 && errno == EINVAL) /* a thread has its number now */
                return -ESRCH;
        return fd < 0 ? -errno : fd;
}

static void send(int pidfd, int signo) {
        (void)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
}

/* Dead with all its threads, or reaped. */
static bool is_dead(int pidfd) {
        struct pollfd pollfd = { .fd = pidfd, .events = POLLIN };

        return poll(&pollfd, 1, 0) > 0;
}

/* Returns whether the environment of @pid has @marker, -ENODATA when it is empty, -EAGAIN amid an exec, or -errno. One that
 * we may not read is of a process that we may not signal either. */
static int has_marker(pid_t pid, const char *marker) {
        _cleanup_(freep) char *env = NULL;
        ssize_t n;

        n = proc_environ_read(pid, FILE_MAX_SIZE, &env);
        for (const char *at = env; n > 0 && at < env + n; at += strlen(at) + 1)
                if (streq(at, marker))
                        return 1;
        if (n < 0)
                return n == -EACCES || n == -EPERM ? 0 : (int)n;
        return n == 0 ? -ENODATA : 0;
}

/* ---- sessions ---- */

static bool knows_session(const struct walk_tree *tree, pid_t session) {
        for (size_t i = 0; i < MIN(tree->n_sessions, (size_t)WALK_SESSIONS_MAX); i++)
                if (tree->sessions[i] == session)
                        return true;
        return false;
}

int walk_contains(const struct walk_tree *tree, bool changing, pid_t pid) {
        pid_t at = pid;

        for (unsigned steps = 0; steps < DEPTH_MAX && at > 1; steps++) {
                struct proc_stat line;
                int r;

                if (at == tree->pid)
                        return 1;
                r = proc_stat_read(at, &line);
                if (r < 0 && at == pid)
                        return -ESRCH;
                if (r < 0) { /* an ancestor ended meanwhile, and @pid has another one now, or is gone itself */
                        at = pid;
                        continue;
                }
                if (line.session == tree->pid || line.group == tree->pid)
                        return 1;
                if (!changing && knows_session(tree, line.session))
                        return 1;
                at = line.parent;
        }
        return 0;
}

static void learn_session(struct walk_tree *tree, pid_t session) {
        if (session != tree->pid && !knows_session(tree, session))
                tree->sessions[tree->n_sessions++ % WALK_SESSIONS_MAX] = session;
}

int walk_open_sibling(const struct walk_tree *tree, pid_t pid) {
        _cleanup_(closep) int pidfd = open_pidfd(pid);
        struct proc_stat line;
        int r;

        if (pidfd < 0 || pid == tree->pid)
                return pidfd < 0 ? pidfd : -ESRCH;
        r = proc_stat_read(pid, &line);
        if (r < 0)
                return r;
        if (line.parent != getpid() || line.session != tree->pid || is_dead(pidfd))
                return -ESRCH;
        return TAKE_FD(pidfd);
}

/* ---- going down ---- */

/* One that is gone by now is what walks are about. */
static void fail(struct walk *walk, int error) {
        if (error != -ESRCH && error != -ENOENT && walk->error == 0)
                walk->error = error;
}

static void visit(struct walk *walk, pid_t pid, int pidfd, bool in_group, unsigned depth);

/* A child of @parent, if it still is one. */
static void visit_child(struct walk *walk, pid_t pid, pid_t parent, int parent_pidfd, unsigned depth) {
        _cleanup_(closep) int pidfd = open_pidfd(pid);
        struct proc_stat line;
        int r;

        if (pidfd < 0) {
                fail(walk, pidfd);
                return;
        }
        r = proc_stat_read(pid, &line);
        if (r < 0) {
                fail(walk, r);
                return;
        }
        if (line.parent != parent || is_dead(parent_pidfd))
                return;
        learn_session(walk->tree, line.session);
        visit(walk, pid, TAKE_FD(pidfd), line.group == walk->tree->pid, depth);
}

/* Each number in the text @list is a child of @parent. */
static void visit_list(struct walk *walk, const char *list, pid_t parent, int parent_pidfd, unsigned depth) {
        char *end;

        for (const char *at = list;; at = end) {
                long pid = strtol(at, &end, 10);

                if (end == at)
                        return;
                if (pid > 0 && pid <= INT_MAX)
                        visit_child(walk, (pid_t)pid, parent, parent_pidfd, depth);
        }
}

/* A child belongs to the thread that forked it. */
static void visit_children(struct walk *walk, pid_t pid, int pidfd, unsigned depth) {
        char path[64];
        struct dirent *entry;
        DIR *dir;

        (void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
        dir = opendir(path);
        if (!dir) {
                fail(walk, -errno);
                return;
        }
        while ((entry = readdir(dir))) {
                _cleanup_(freep) char *list = NULL;
                char file[sizeof(path) + NAME_MAX + 16];
                ssize_t n;

                if (entry->d_name[0] == '.')
                        continue;
                (void)snprintf(file, sizeof(file), "%s/%s/children", path, entry->d_name);
                n = proc_read(file, FILE_MAX_SIZE, &list);
                if (n < 0)
                        fail(walk, (int)n);
                else if (n > 0)
                        visit_list(walk, list, pid, pidfd, depth);
        }
        (void)closedir(dir);
}

/* Keeps @pidfd for later. */
static void remember(struct walk *walk, int pidfd, bool in_group) {
        _cleanup_(closep) int fd = pidfd;

        if (!walk->members)
                walk->members = reallocarray(NULL, MEMBERS_MAX, sizeof(*walk->members));
        if (!walk->members || walk->n_members == MEMBERS_MAX) {
                fail(walk, -ENOBUFS);
                return;
        }
        walk->members[walk->n_members++] = (struct member){ .pidfd = TAKE_FD(fd), .in_group = in_group };
}

/* Takes @pidfd over. */
static void visit(struct walk *walk, pid_t pid, int pidfd, bool in_group, unsigned depth) {
        _cleanup_(closep) int fd = pidfd;

        if (walk->found && walk->stop == 0)
                walk->stop = walk->found(pid, walk->arg);
        if (walk->stop != 0 || is_dead(fd))
                return;
        walk->n_alive++;
        if (walk->kill)
                send(fd, SIGSTOP);
        if (depth < DEPTH_MAX)
                visit_children(walk, pid, fd, depth + 1);
        if (walk->kill)
                send(fd, SIGKILL);
        else if (!walk->found)
                remember(walk, TAKE_FD(fd), in_group);
}

/* ---- roots ---- */

static void visit_main(struct walk *walk) {
        int fd;

        if (is_dead(walk->tree->pidfd) && !walk->found)
                return;
        fd = fcntl(walk->tree->pidfd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                fail(walk, -errno);
        else
                visit(walk, walk->tree->pid, fd, true, 0);
}

/* Returns whether the orphan @pid is of this tree, or, when that cannot be told now, -EAGAIN: it is amid an exec, -ENODATA:
 * it may be about to end and leave children. */
static int is_ours(struct walk *walk, pid_t pid, const struct proc_stat *line) {
        struct walk_tree *tree = walk->tree;
        int r;

        if (line->session == tree->pid || line->group == tree->pid || knows_session(tree, line->session))
                return 1;
        if (!tree->marker)
                return 0;
        r = has_marker(pid, tree->marker);
        if (r > 0)
                learn_session(tree, line->session);
        return r;
}

/* A child that the daemon inherited. Returns whether it need not be looked at again. */
static bool visit_orphan(struct walk *walk, pid_t pid) {
        _cleanup_(closep) int pidfd = open_pidfd(pid);
        struct proc_stat line;
        int r;

        if (pidfd < 0) {
                fail(walk, pidfd);
                return true;
        }
        r = proc_stat_read(pid, &line);
        if (r < 0) {
                fail(walk, r);
                return true;
        }
        if (line.parent != getpid())
                return true;
        r = is_ours(walk, pid, &line);
        walk->amid_exec = walk->amid_exec || r == -EAGAIN;
        if (r < 0 && r != -ENODATA && r != -EAGAIN)
                fail(walk, r);
        if (r > 0)
                visit(walk, pid, TAKE_FD(pidfd), line.group == walk->tree->pid, 0);
        return r >= 0 || is_dead(pidfd);
}

static bool has_seen(const struct walk *walk, pid_t pid) {
        for (size_t i = walk->n_seen; i > 0; i--)
                if (walk->seen[i - 1] == pid)
                        return true;
        return false;
}

static int remember_orphan(struct walk *walk, pid_t pid) {
        if (walk->n_seen % 64 == 0) {
                pid_t *grown = reallocarray(walk->seen, walk->n_seen + 64, sizeof(pid_t));

                if (!grown)
                        return -ENOMEM;
                walk->seen = grown;
        }
        walk->seen[walk->n_seen++] = pid;
        return 0;
}

/* Visits the orphans that were not seen yet. */
static void visit_orphans(struct walk *walk) {
        char path[64], *list, *end;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", walk->tree->loop_tid);
        n = proc_read(path, FILE_MAX_SIZE, &list);
        if (n < 0) {
                fail(walk, (int)n);
                return;
        }
        walk->changed = !walk->list || !streq(walk->list, list);
        free(walk->list);
        walk->list = list;
        for (const char *at = list;; at = end) {
                pid_t pid = (pid_t)strtol(at, &end, 10);

                if (end == at)
                        return;
                if (has_seen(walk, pid))
                        continue;
                if (!visit_orphan(walk, pid)) {
                        walk->unsure = true;
                        continue;
                }
                walk->changed = true;
                if (remember_orphan(walk, pid) < 0)
                        fail(walk, -ENOMEM);
        }
}

/* Rounds that may be made after one that ended so. */
static unsigned rounds_max(const struct walk *walk) {
        return walk->changed ? ROUNDS_MAX : walk->amid_exec ? AMID_EXEC_MAX : walk->unsure ? UNSURE_MAX : 0;
}

static void look(struct walk *walk) {
        unsigned rounds = 0;

        visit_main(walk);
        do {
                if (walk->amid_exec && !walk->changed)
                        (void)poll(NULL, 0, 1);
                walk->changed = walk->unsure = walk->amid_exec = false;
                visit_orphans(walk);
        } while (++rounds < rounds_max(walk));
}

static int finish(struct walk *walk) {
        for (size_t i = 0; i < walk->n_members; i++)
                (void)close(walk->members[i].pidfd);
        free(walk->members);
        free(walk->seen);
        free(walk->list);
        return walk->error < 0 ? walk->error : MAX(walk->n_alive, (int)walk->changed);
}

int walk_list(struct walk_tree *tree, bool orphans, walk_pid_fn fn, void *arg) {
        struct walk walk = { .tree = tree, .found = fn, .arg = arg };
        int r;

        visit_main(&walk);
        if (orphans)
                visit_orphans(&walk); /* once: what was born meanwhile is shown the next time */
        r = finish(&walk);
        return walk.stop != 0 ? walk.stop : MIN(r, 0);
}

int walk_kill(struct walk_tree *tree) {
        struct walk walk = { .tree = tree, .kill = true };

        (void)kill(-tree->pid, SIGSTOP); /* unreaped leader: still its group */
        look(&walk);
        (void)kill(-tree->pid, SIGKILL);
        return finish(&walk);
}

int walk_signal(struct walk_tree *tree, int signo, bool wake) {
        struct walk walk = { .tree = tree };
        const int signals[] = { signo, wake ? SIGCONT : 0 };

        tree->n_sessions = 0;
        look(&walk);
        for (size_t i = 0; i < ARRAY_SIZE(signals) && signals[i] > 0; i++) {
                (void)kill(-tree->pid, signals[i]);
                for (size_t m = walk.n_members; m > 0; m--) /* parents come after their children */
                        if (!walk.members[m - 1].in_group)
                                send(walk.members[m - 1].pidfd, signals[i]);
        }
        return finish(&walk);
}
