/* SPDX-License-Identifier: MIT */
/* leftover: processes of a dead daemon, see leftover.h.
 *
 * They are nobody's children any more, or those of a daemon that is not their parent, so they cannot be walked from above
 * as child_walk.c does. All of /proc is looked at instead, again after each signal until nobody is left: what was born
 * between two looks is a child of somebody we know, is in a session that we know, or has the environment.
 *
 * A session belongs to us when its leader does, or when one of its members does and its leader, which has ended, was known: as
 * long as a session has members, its leader's pid names nobody else.
 *
 * Signals go by pidfd, to what has the same beginning before and after that was opened. Without finding this process in /proc
 * nobody is signalled, as nothing tells its own children from leftovers. As pid 1, in a container, it has all below it.
 */
#include "loop/leftover.h"

#include "loop/proc_stat.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>

#define ENVIRONMENT_MAX (256 * 1024)
#define ROUND_MSEC      20
#define EXEC_MSEC_MAX   1000 /* that a look waits for those amid an execve(2), all together */

/* A process, as one look sees it. */
struct seen {
        pid_t pid;
        struct proc_stat stat;
        bool ours;
        bool above; /* this process, or one that it descends from */
        bool below; /* this process, or one that descends from it */
        size_t record;
        char task[LEFTOVER_NAME_MAX];
        char run[LEFTOVER_NAME_MAX];
};

struct look {
        const struct leftover_spec *spec;
        struct seen *list; /* by pid */
        size_t n;
        size_t allocated;
};

/* ---- looking ---- */

static int compare_seen(const void *a, const void *b) {
        const struct seen *x = a, *y = b;

        return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static struct seen *find_pid(const struct look *look, pid_t pid) {
        const struct seen key = { .pid = pid };

        return look->n > 0 ? bsearch(&key, look->list, look->n, sizeof(*look->list), compare_seen) : NULL;
}

static size_t find_record(const struct leftover_spec *spec, pid_t pid) {
        for (size_t i = 0; i < spec->n_records; i++)
                if (spec->records[i].pid == pid)
                        return i;
        return SIZE_MAX;
}

static int add_seen(struct look *look, pid_t pid) {
        struct proc_stat stat;

        /* The dead have neither children nor an environment; 2 is the kernel's, and the parent of its threads. */
        if (proc_stat_read(pid, &stat) < 0 || stat.state == 'Z' || stat.state == 'X' || pid == 2 || stat.parent == 2)
                return 0;
        if (look->n == look->allocated) {
                size_t n = MAX(look->allocated * 2, (size_t)256);
                struct seen *grown = reallocarray(look->list, n, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                look->list = grown;
                look->allocated = n;
        }
        look->list[look->n++] = (struct seen){ .pid = pid, .stat = stat, .record = SIZE_MAX };
        return 0;
}

static int see_all(struct look *look) {
        DIR *dir = opendir("/proc");
        struct dirent *entry;
        int r = 0;

        if (!dir)
                return -errno;
        while (r == 0 && (entry = readdir(dir))) {
                char *end;
                long pid = strtol(entry->d_name, &end, 10);

                if (*end == '\0' && pid > 0 && pid <= INT32_MAX)
                        r = add_seen(look, (pid_t)pid);
        }
        (void)closedir(dir);
        if (look->n > 0)
                qsort(look->list, look->n, sizeof(*look->list), compare_seen);
        return r;
}

/* ---- whose it is ---- */

static void copy_value(const char *word, const char *name, char buf[LEFTOVER_NAME_MAX]) {
        size_t n = strlen(name);

        if (strncmp(word, name, n) == 0)
                (void)memccpy(buf, word + n, '\0', LEFTOVER_NAME_MAX - 1);
}

/* Waits for one amid an execve(2) while *@wait_msec are left. */
static bool has_marker(struct seen *seen, const char *marker, unsigned *wait_msec) {
        _cleanup_(freep) char *env = NULL;
        bool found = false;
        ssize_t n;

        while ((n = proc_environ_read(seen->pid, ENVIRONMENT_MAX, &env)) == -EAGAIN && *wait_msec > 0) {
                (void)poll(NULL, 0, 1);
                (*wait_msec)--;
        }
        for (const char *at = env; n > 0 && at < env + n; at += strlen(at) + 1) {
                found = found || streq(at, marker);
                copy_value(at, "TENDD_TASK=", seen->task);
                copy_value(at, "TENDD_RUN=", seen->run);
        }
        if (!found)
                seen->task[0] = seen->run[0] = '\0';
        return found;
}

static int on_member(pid_t pid, void *arg) {
        struct seen *seen = find_pid(arg, pid);

        if (seen)
                seen->ours = true;
        return 0;
}

static void mark_direct(struct look *look) {
        const struct leftover_spec *spec = look->spec;
        unsigned wait_msec = EXEC_MSEC_MAX;

        for (size_t i = 0; i < look->n; i++) {
                struct seen *seen = &look->list[i];
                size_t record = find_record(spec, seen->pid);

                if (record != SIZE_MAX && spec->records[record].start_ticks == seen->stat.start_ticks) {
                        seen->record = record;
                        seen->ours = true;
                }
                if (spec->marker && has_marker(seen, spec->marker, &wait_msec))
                        seen->ours = true;
        }
        if (spec->cgroups)
                (void)cgroup_tree_for_each_leftover(spec->cgroups, on_member, look);
}

/* Whether the session of @seen, which is ours, is ours as a whole. */
static bool owns_session(const struct look *look, const struct seen *seen) {
        const struct seen *leader = find_pid(look, seen->stat.session);

        return leader ? leader->ours : find_record(look->spec, seen->stat.session) != SIZE_MAX;
}

static void mark_session(struct look *look, pid_t session) {
        size_t record = find_record(look->spec, session);

        for (size_t i = 0; i < look->n; i++) {
                if (look->list[i].stat.session != session)
                        continue;
                look->list[i].ours = true;
                look->list[i].record = record;
        }
}

static void mark_sessions(struct look *look) {
        for (size_t i = 0; i < look->n; i++)
                if (look->list[i].ours && owns_session(look, &look->list[i]))
                        mark_session(look, look->list[i].stat.session);
}

/* Whether /proc is that of our PID namespace: in another's our pid is somebody else's. */
static bool proc_is_ours(void) {
        char text[16] = "";

        return readlink("/proc/self", text, sizeof(text) - 1) > 0 && strtol(text, NULL, 10) == getpid();
}

/* This process, what it descends from, and what descends from it; -ESRCH: that is not known. */
static int mark_never(struct look *look) {
        struct seen *self = proc_is_ours() ? find_pid(look, getpid()) : NULL;

        if (!self)
                return -ESRCH;
        for (struct seen *at = self; at; at = find_pid(look, at->stat.parent))
                at->above = true;
        self->below = true;
        for (bool changed = true; changed;) {
                changed = false;
                for (size_t i = 0; i < look->n; i++) {
                        const struct seen *parent = find_pid(look, look->list[i].stat.parent);

                        if (parent && parent->below && !look->list[i].below)
                                changed = look->list[i].below = true;
                }
        }
        return 0;
}

static bool is_ours(const struct seen *seen) {
        return seen->ours && !seen->above && !seen->below && seen->pid != 1;
}

static void mark_descendants(struct look *look) {
        for (bool changed = true; changed;) {
                changed = false;
                for (size_t i = 0; i < look->n; i++) {
                        struct seen *seen = &look->list[i];
                        const struct seen *parent = seen->ours ? NULL : find_pid(look, seen->stat.parent);

                        if (!parent || !is_ours(parent))
                                continue;
                        seen->ours = changed = true;
                        seen->record = parent->record;
                        memcpy(seen->task, parent->task, sizeof(seen->task));
                        memcpy(seen->run, parent->run, sizeof(seen->run));
                }
        }
}

/* ---- those that were found ---- */

static bool knows(const struct leftovers *all, const struct seen *seen) {
        for (size_t i = 0; i < all->n; i++)
                if (all->list[i].pid == seen->pid && all->list[i].start_ticks == seen->stat.start_ticks)
                        return true;
        return false;
}

static void add_leftover(struct leftovers *all, const struct seen *seen) {
        struct leftover *leftover = &all->list[all->n];
        struct proc_stat stat;
        int fd;

        fd = (int)syscall(SYS_pidfd_open, seen->pid, 0);
        if (fd < 0)
                return;
        if (proc_stat_read(seen->pid, &stat) < 0 || stat.start_ticks != seen->stat.start_ticks) {
                (void)close(fd);
                return;
        }
        *leftover = (struct leftover){
                .pid = seen->pid,
                .start_ticks = seen->stat.start_ticks,
                .pidfd = fd,
                .record = seen->record,
        };
        memcpy(leftover->task, seen->task, sizeof(leftover->task));
        memcpy(leftover->run, seen->run, sizeof(leftover->run));
        all->n++;
}

/* Adds those that are not known yet. */
static int look_around(const struct leftover_spec *spec, struct leftovers *all) {
        struct look look = { .spec = spec };
        int r = see_all(&look);

        if (r >= 0)
                r = mark_never(&look);
        if (r >= 0) {
                mark_direct(&look);
                mark_sessions(&look);
                mark_descendants(&look);
        }
        for (size_t i = 0; r >= 0 && i < look.n && all->n < LEFTOVERS_MAX; i++)
                if (is_ours(&look.list[i]) && !knows(all, &look.list[i]))
                        add_leftover(all, &look.list[i]);
        free(look.list);
        return r;
}

static bool is_cancelled(const struct leftover_spec *spec) {
        return spec->cancelled && atomic_load(spec->cancelled);
}

/* Whoever has given up waiting may have begun anew what would be hit. */
static void signal_all(const struct leftover_spec *spec, const struct leftovers *all, int signo) {
        if (is_cancelled(spec))
                return;
        for (size_t i = 0; i < all->n; i++)
                if (!all->list[i].gone)
                        (void)syscall(SYS_pidfd_send_signal, all->list[i].pidfd, signo, NULL, 0);
}

/* Counts those that are left. */
static void count(struct leftovers *all) {
        all->n_left = 0;
        for (size_t i = 0; i < all->n; i++) {
                struct pollfd fd = { .fd = all->list[i].pidfd, .events = POLLIN };

                all->list[i].gone = all->list[i].gone || poll(&fd, 1, 0) > 0;
                all->n_left += !all->list[i].gone;
        }
}

/* Until nobody is left, or @until_usec. */
static void await(const struct leftover_spec *spec, struct leftovers *all, usec_t until_usec) {
        for (count(all); all->n_left > 0 && clock_now(CLOCK_ID_MONOTONIC) < until_usec; count(all)) {
                if (is_cancelled(spec))
                        return;
                (void)poll(NULL, 0, ROUND_MSEC);
        }
}

/* Kills, looks again, until a look finds nobody. */
static int kill_all(const struct leftover_spec *spec, struct leftovers *all, usec_t until_usec) {
        size_t known;
        int r;

        do {
                known = all->n;
                r = look_around(spec, all);
                signal_all(spec, all, SIGKILL);
                await(spec, all, MIN(until_usec, usec_add(clock_now(CLOCK_ID_MONOTONIC), 100 * USEC_PER_MSEC)));
        } while (r >= 0 && (all->n > known || all->n_left > 0) && clock_now(CLOCK_ID_MONOTONIC) < until_usec &&
                 !is_cancelled(spec));
        return r;
}

int leftovers_end(const struct leftover_spec *spec, struct leftovers *ret) {
        usec_t begun = clock_now(CLOCK_ID_MONOTONIC);
        int r;

        *ret = (struct leftovers){ .list = calloc(LEFTOVERS_MAX, sizeof(*ret->list)) };
        if (!ret->list)
                return -ENOMEM;
        r = look_around(spec, ret);
        if (ret->n > 0) {
                signal_all(spec, ret, SIGTERM);
                signal_all(spec, ret, SIGCONT); /* who is stopped hears it too */
                await(spec, ret, usec_add(begun, spec->grace_usec));
                r = kill_all(spec, ret, usec_add(begun, spec->bound_usec));
        }
        if (spec->cgroups && !is_cancelled(spec))
                cgroup_tree_end_leftovers(spec->cgroups,
                                          usec_sub(usec_add(begun, spec->bound_usec), clock_now(CLOCK_ID_MONOTONIC)));
        return r;
}

void leftovers_done(struct leftovers *leftovers) {
        for (size_t i = 0; i < leftovers->n; i++)
                (void)close(leftovers->list[i].pidfd);
        free(leftovers->list);
        *leftovers = (struct leftovers){ 0 };
}
