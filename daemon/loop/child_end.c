/* SPDX-License-Identifier: MIT */
/* child_end: how children end, see child.c for the states.
 *
 * A child that is exited has a main process that is a zombie: kept unreaped, because its pid is also the name of its
 * group and session, until no other process of the tree is found. Most often that is at once: when the daemon has no
 * orphans at all, nobody can be left, for the orphans of a process are inherited before its end is told. Its cgroup is
 * asked all the same: a main process can make siblings of itself (CLONE_PARENT), who are never orphans.
 *
 * A main process that somebody traces is dead for its pidfd at once, but for wait(2) only when the tracer has let go of
 * it. Meanwhile it is running for us, and looked at from time to time.
 *
 * Otherwise a walk looks (child_tree.c), on a thread; one at a time for each child. A walk that was begun before the
 * exit proves nothing. While killing, walks are repeated with growing pauses until one finds nobody; when only
 * waiting, a walk is made whenever an orphan was reaped.
 *
 * Exited children, and those being killed, are on the spawner's list of lingering ones, which one timer serves.
 *
 * One whose output goes to a file is gone when that is written: whoever comes after it finds all of it there. A file that
 * is too slow is not waited for longer than FLUSH_USEC, which is less than it takes to be called unkillable.
 */
#include "loop/child_private.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define RETRY_MAX_USEC (200 * USEC_PER_MSEC)
#define FLUSH_USEC     (2 * USEC_PER_SEC)

static void linger(struct child *child) {
        if (!list_linked(&child->lingering))
                list_append(&child->spawner->lingering, &child->lingering);
}

static void retry_later(struct child *child) {
        struct loop_timer *timer = &child->spawner->linger_timer;

        child->retry_at_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), child->retry_usec);
        child->retry_usec = MIN(2 * child->retry_usec, RETRY_MAX_USEC);
        if (!loop_timer_armed(timer) || child->retry_at_usec < timer->at_usec)
                loop_timer_set(timer, child->retry_at_usec);
}

/* Looks whether the main process has ended; reaps it when @reap. Returns whether it has. */
static bool wait_main(struct child *child, bool reap, int *ret_status, struct rusage *ret_usage) {
        siginfo_t info = { 0 };
        int flags = WEXITED | WNOHANG | (reap ? 0 : WNOWAIT);

        if (syscall(SYS_waitid, P_PIDFD, child->launch.pidfd, &info, flags, ret_usage) < 0 || info.si_pid == 0)
                return false;
        if (info.si_code == CLD_EXITED)
                *ret_status = W_EXITCODE(info.si_status, 0);
        else
                *ret_status = info.si_status | (info.si_code == CLD_DUMPED ? WCOREFLAG : 0);
        return true;
}

/* ---- gone ---- */

static void be_gone(void *arg) {
        struct child *child = arg;

        child->state = CHILD_GONE;
        if (child->ops)
                child->ops->on_gone(child, child->arg);
        else
                child_destroy(child);
}

void child_on_gone(_unused_ struct loop_work *work, void *arg) {
        struct child *child = arg;

        child_drain_output(child);
        child_take_notify(child);
        child->notify = notify_release(child->notify);
        if (!child->ops || !child->file || file_writer_flush(child->file, FLUSH_USEC, be_gone, child))
                be_gone(child);
}

/* Nobody of the tree is left. */
static void finish(struct child *child) {
        struct rusage usage;
        int status;

        if (!child->reaped)
                (void)wait_main(child, true, &status, &usage);
        child->reaped = true;
        child_look_forget(TAKE_PTR(child->look)); /* its pid and its cgroup may come to be those of others */
        list_remove(&child->lingering);
        loop_work_schedule(&child->gone);
}

static bool give_group_back(struct child *child) {
        if (!child_tree_may_be_left(&child->tree))
                return false;
        if (child->tree.cgroup && !cgroup_try_release(child->tree.cgroup))
                return false;
        child->tree.cgroup = NULL;
        return true;
}

void child_settle(struct child *child) {
        child->look_again = false;
        if (child->reaped)
                return;
        if (!spawner_has_orphans(child->spawner) && give_group_back(child))
                finish(child);
        else
                child_start_walk(child);
}

/* A child that shares our memory until exec begins with the most that we ever had: only more than that is its own. */
static void note_usage(struct child *child, const struct rusage *usage) {
        struct spawner *spawner = child->spawner;
        struct rusage own;

        if (usage->ru_maxrss > spawner->maxrss && getrusage(RUSAGE_SELF, &own) == 0)
                spawner->maxrss = own.ru_maxrss;
        child->usage.cpu_usec = (usec_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * USEC_PER_SEC +
                                (usec_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
        if (usage->ru_maxrss > spawner->maxrss)
                child->usage.memory_peak = (uint64_t)usage->ru_maxrss * 1024;
}

/* ---- the main process ---- */

static void take_exit(struct child *child) {
        struct rusage usage = { 0 };
        int status = 0;

        if (!wait_main(child, false, &status, &usage))
                return;
        child_take_notify(child); /* said before */
        (void)child_read_output(child);
        child->state = CHILD_EXITED;
        child->withheld = false;
        note_usage(child, &usage);
        child->exit_io = loop_io_free(child->exit_io);
        linger(child);
        if (child->ops)
                child->ops->on_exit(child, status, &usage, child->arg);
        if (!child->walking)
                child_settle(child);
}

void child_on_exit_ready(_unused_ struct loop_io *io, _unused_ int fd, _unused_ unsigned events, void *arg) {
        struct child *child = arg;

        take_exit(child);
        if (child->state != CHILD_RUNNING)
                return;
        (void)loop_io_set(child->exit_io, 0); /* or it would be ready without end */
        child->withheld = true;
        linger(child);
        retry_later(child);
}

void child_poll(struct child *child) {
        if (child->state != CHILD_RUNNING)
                return;
        child_take_notify(child);
        take_exit(child);
}

/* ---- walks ---- */

void child_do_walk(struct spawner_job *job, _unused_ struct spawner_thread *thread) {
        struct child *child = CONTAINER_OF(job, struct child, walk_job);
        static const uint64_t no_wake = 1ULL << (SIGSTOP - 1) | 1ULL << (SIGTSTP - 1) | 1ULL << (SIGTTIN - 1) |
                                        1ULL << (SIGTTOU - 1) | 1ULL << (SIGCONT - 1);
        int signo = child->walk_signo;

        if (child->walk_kills)
                child->walk_result = child_tree_kill(&child->tree);
        else
                child->walk_result =
                        child_tree_signal(&child->tree, signo, signo > 0 && !(no_wake & 1ULL << (signo - 1)));
        if (child->walk_is_final && child->walk_result == 0)
                child_tree_end(&child->tree, &child->group_usage);
}

void child_on_walked(struct spawner_job *job) {
        struct child *child = CONTAINER_OF(job, struct child, walk_job);

        child->walking = false;
        if (child->state == CHILD_EXITED && child->walk_is_final && child->walk_result == 0) {
                finish(child);
                return;
        }
        if (child->killing && !child->walk_kills)
                child_start_walk(child); /* asked for meanwhile */
        else if (!child->killing && child->signals != 0)
                child_start_walk(child);
        else if (child->state == CHILD_EXITED && (!child->walk_is_final || (child->look_again && !child->killing)))
                child_settle(child);
        else if (child->state == CHILD_EXITED && !child->tree.cgroup && !spawner_has_orphans(child->spawner))
                finish(child);
        else if (child->killing || child->walk_result < 0 || (child->state == CHILD_EXITED && child->tree.cgroup))
                retry_later(child); /* who is in a group need not be an orphan of ours, whose end we are told of */
}

void child_start_walk(struct child *child) {
        if (child->walking)
                return;
        linger(child);
        child->walking = true;
        child->walk_kills = child->killing;
        child->walk_is_final = child->state == CHILD_EXITED;
        child->walk_signo = 0;
        if (!child->killing && child->signals != 0) {
                child->walk_signo = __builtin_ctzll(child->signals) + 1;
                child->signals &= child->signals - 1;
        }
        child->retry_at_usec = USEC_INFINITY;
        child->tree.beyond = spawner_has_orphans(child->spawner);
        (void)spawner_submit(child->spawner, &child->walk_job, true); /* urgent ones are never refused */
}

void child_on_orphans(struct spawner *spawner) {
        bool has_orphans = spawner_has_orphans(spawner);
        struct child *child, *tmp;

        list_for_each_entry_safe(child, tmp, &spawner->lingering, lingering)
                if (child->state == CHILD_EXITED && child->walking)
                        child->look_again = true;
                else if (child->state == CHILD_EXITED && (!child->killing || !has_orphans))
                        child_settle(child); /* while killing, walks have their own pace: those that die need it too */
}

static void look_for_exit(struct child *child) {
        take_exit(child);
        if (child->state == CHILD_RUNNING && child->killing)
                child_start_walk(child);
        else if (child->state == CHILD_RUNNING)
                retry_later(child);
}

void child_on_linger(struct spawner *spawner) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC), next = USEC_INFINITY;
        struct child *child, *tmp;

        list_for_each_entry_safe(child, tmp, &spawner->lingering, lingering) {
                if (child->retry_at_usec > now) {
                        next = MIN(next, child->retry_at_usec);
                        continue;
                }
                child->retry_at_usec = USEC_INFINITY;
                if (child->state == CHILD_EXITED)
                        child_settle(child);
                else if (child->withheld)
                        look_for_exit(child);
                else
                        child_start_walk(child);
        }
        if (loop_timer_armed(&spawner->linger_timer)) /* set meanwhile, for one that was looked at */
                next = MIN(next, spawner->linger_timer.at_usec);
        loop_timer_set(&spawner->linger_timer, next);
}

/* ---- the end of all ---- */

void child_forget_all(struct spawner *spawner) {
        struct child *child, *tmp;

        list_for_each_entry_safe(child, tmp, &spawner->children, link)
                child_free(child);
}

void child_end_all(struct spawner *spawner, usec_t deadline_usec) {
        struct child *child, *tmp;

        list_for_each_entry(child, &spawner->children, link)
                if (child->launch.pid > 0 && !child->reaped) {
                        child->tree.walk.pid = child->launch.pid;
                        child->tree.walk.pidfd = child->launch.pidfd;
                        child->tree.cgroup = child->tree.cgroup ?: TAKE_PTR(child->launch.cgroup);
                        child->tree.beyond = true;
                        (void)child_tree_kill(&child->tree);
                }
        list_for_each_entry_safe(child, tmp, &spawner->children, link) {
                struct pollfd pollfd = { .fd = child->launch.pidfd, .events = POLLIN };
                usec_t left = usec_sub(deadline_usec, clock_now(CLOCK_ID_MONOTONIC));
                struct rusage usage;
                int status;

                if (child->launch.pid > 0 && !child->reaped && poll(&pollfd, 1, (int)(left / USEC_PER_MSEC)) > 0) {
                        /* Only now a walk that finds nobody proves it; and an address is taken until its owner is gone. */
                        while (child_tree_kill(&child->tree) > 0 && clock_now(CLOCK_ID_MONOTONIC) < deadline_usec)
                                (void)poll(NULL, 0, 1);
                        (void)wait_main(child, true, &status, &usage);
                }
                child_destroy(child);
        }
        (void)spawner_has_orphans(spawner);
}
