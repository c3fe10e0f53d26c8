/* SPDX-License-Identifier: MIT */
/* child: the life of a process, seen from the loop.
 *
 *      starting ──▶ running ──▶ exited ──▶ gone
 *          └──────────────────────────────▲
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
 *
 * A child that was freed by its owner goes through the same states without callbacks and is destroyed when gone. One in a
 * job of the spawner is never destroyed. Callbacks may free their child: that only forgets it, unless it is gone, and
 * on_gone, or on_started with a failure, is the last thing done to it.
 */
#include "loop/child.h"

#include "loop/child_exec.h"
#include "loop/child_tree.h"
#include "loop/spawner.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define RETRY_MIN_USEC  (2 * USEC_PER_MSEC)
#define RETRY_MAX_USEC  (200 * USEC_PER_MSEC)
#define PUT_DOWN_USEC   (5 * USEC_PER_SEC)
#define FLUSH_USEC      (2 * USEC_PER_SEC)
#define DRAIN_MAX_READS 32 /* a pipe that a stranger holds and fills is given up then */

enum child_state {
        CHILD_STARTING,
        CHILD_RUNNING,
        CHILD_EXITED,
        CHILD_GONE,
};

struct child {
        struct spawner *spawner;
        struct list link;            /* spawner->children */
        struct list lingering;       /* spawner->lingering */
        const struct child_ops *ops; /* NULL: forgotten */
        void *arg;
        enum child_state state;

        struct child_plan *plan; /* until launched */
        char *marker;
        struct child_launch launch;
        struct spawner_job launch_job;

        struct loop_io *exit_io;
        struct loop_io *output_io;
        struct notify *notify;    /* NULL: none, or still of the launch */
        struct file_writer *file; /* the same */
        struct loop_work gone;
        struct child_look *look; /* at its processes, under way; NULL: none */

        bool killing;
        bool withheld;    /* it has ended, but its tracer keeps that from us */
        uint64_t signals; /* asked for and not sent yet, bit n: signal n + 1 */
        bool reaped;

        struct spawner_job walk_job;
        struct child_tree tree;
        struct cgroup_usage usage;       /* as told by wait(2) */
        struct cgroup_usage group_usage; /* as told by the cgroup */
        bool walking;
        bool walk_kills;    /* constant during a walk, as the next two */
        bool walk_is_final; /* it began after the exit */
        bool look_again;    /* an orphan ended meanwhile */
        int walk_signo;     /* 0: looks only */
        int walk_result;
        usec_t retry_usec;    /* the pause before the next walk */
        usec_t retry_at_usec; /* USEC_INFINITY: none is due */
};

static const char *const step_names[_CHILD_STEP_MAX] = {
        [CHILD_STEP_NONE] = "none",
        [CHILD_STEP_USER] = "user",
        [CHILD_STEP_GROUP] = "group",
        [CHILD_STEP_ENV_FILE] = "env-file",
        [CHILD_STEP_NOTIFY] = "notify-socket",
        [CHILD_STEP_PIPE] = "pipe",
        [CHILD_STEP_FORK] = "fork",
        [CHILD_STEP_CGROUP] = "cgroup",
        [CHILD_STEP_DESCRIPTORS] = "descriptors",
        [CHILD_STEP_SETSID] = "setsid",
        [CHILD_STEP_NICE] = "nice",
        [CHILD_STEP_NOFILE] = "nofile",
        [CHILD_STEP_CORE] = "core",
        [CHILD_STEP_SETGROUPS] = "setgroups",
        [CHILD_STEP_SETGID] = "setgid",
        [CHILD_STEP_SETUID] = "setuid",
        [CHILD_STEP_NO_NEW_PRIVILEGES] = "no-new-privileges",
        [CHILD_STEP_CHDIR] = "directory",
        [CHILD_STEP_STDIN] = "stdin",
        [CHILD_STEP_OUTPUT] = "output",
        [CHILD_STEP_EXEC] = "exec",
};

const char *child_step_to_string(enum child_step step) {
        return step < _CHILD_STEP_MAX ? step_names[step] : NULL;
}

/* ---- helpers ---- */

static void close_output(struct child *child) {
        child->output_io = loop_io_free(child->output_io);
        closep(&child->launch.output_fd);
        child->launch.output_fd = -EBADF;
}

static void destroy(struct child *child) {
        list_remove(&child->link);
        list_remove(&child->lingering);
        loop_work_cancel(&child->gone);
        loop_io_free(child->exit_io);
        close_output(child);
        closep(&child->launch.pidfd);
        notify_release(child->notify);
        notify_release(child->launch.notify);
        file_writer_close(child->file);
        file_writer_close(child->launch.file);
        child_look_forget(child->look);
        child_tree_done(&child->tree);
        child_plan_free(child->plan);
        free(child->marker);
        free(child);
}

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

/* ---- output ---- */

/* Returns whether there may be more. The child may have been forgotten by its callback, but is not destroyed. */
static bool read_output(struct child *child) {
        char *buffer = child->spawner->buffer;
        ssize_t n;

        if (child->launch.output_fd < 0)
                return false;
        n = read(child->launch.output_fd, buffer, OUTPUT_BUFFER);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return false;
        if (n <= 0) {
                close_output(child);
                n = 0;
        }
        if (child->file && n > 0)
                file_writer_write(child->file, buffer, (size_t)n);
        if (child->ops && child->ops->on_output)
                child->ops->on_output(child, buffer, (size_t)n, child->arg);
        return n > 0;
}

static void on_room(void *arg) {
        child_pause_output(arg, false);
}

/* Asked before it is read, because then it must find room, however many children print in the same turn. */
static bool may_read(struct child *child) {
        if (child->file && !file_writer_has_room(child->file, on_room, child)) {
                child_pause_output(child, true);
                return false;
        }
        return !child->ops || !child->ops->may_output || child->ops->may_output(child, child->arg);
}

static void on_output_ready(_unused_ struct loop_io *io, _unused_ int fd, _unused_ unsigned events, void *arg) {
        struct child *child = arg;

        if (may_read(child))
                (void)read_output(child);
}

/* What is still in the pipe when nobody is left to write to it. */
static void drain_output(struct child *child) {
        for (unsigned i = 0; i < DRAIN_MAX_READS && read_output(child); i++)
                ;
        if (child->launch.output_fd < 0)
                return;
        close_output(child);
        if (child->ops && child->ops->on_output)
                child->ops->on_output(child, NULL, 0, child->arg);
}

void child_pause_output(struct child *child, bool pause) {
        if (child->output_io)
                (void)loop_io_set(child->output_io, pause ? 0 : LOOP_READ);
}

bool child_has_output(const struct child *child) {
        int n = 0;

        return child->output_io && ioctl(child->launch.output_fd, FIONREAD, &n) == 0 && n > 0;
}

/* ---- what it says ---- */

static bool is_of_tree(pid_t pid, uid_t uid, void *arg) {
        const struct child *child = arg;

        return child->state == CHILD_RUNNING &&
               child_tree_has(&child->tree, child->walking, pid, uid, child->launch.uid);
}

static void on_notify(const struct notify_message *message, void *arg) {
        struct child *child = arg;

        if (child->ops)
                child->ops->on_notify(child, message, child->arg);
}

static void take_notify(struct child *child) {
        if (child->notify)
                notify_poll(child->notify);
}

/* ---- the end ---- */

static void be_gone(void *arg) {
        struct child *child = arg;

        child->state = CHILD_GONE;
        if (child->ops)
                child->ops->on_gone(child, child->arg);
        else
                destroy(child);
}

static void on_gone(_unused_ struct loop_work *work, void *arg) {
        struct child *child = arg;

        drain_output(child);
        take_notify(child);
        child->notify = notify_release(child->notify);
        if (!child->ops || !child->file || file_writer_flush(child->file, FLUSH_USEC, be_gone, child))
                be_gone(child);
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

static void start_walk(struct child *child);

static bool give_group_back(struct child *child) {
        if (!child_tree_may_be_left(&child->tree))
                return false;
        if (child->tree.cgroup && !cgroup_try_release(child->tree.cgroup))
                return false;
        child->tree.cgroup = NULL;
        return true;
}

/* After the exit, with no walk under way: gone, or another look. */
static void settle(struct child *child) {
        child->look_again = false;
        if (child->reaped)
                return;
        if (!spawner_has_orphans(child->spawner) && give_group_back(child))
                finish(child);
        else
                start_walk(child);
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

void child_get_usage(const struct child *child, struct cgroup_usage *ret) {
        *ret = (struct cgroup_usage){
                .cpu_usec = MAX(child->usage.cpu_usec, child->group_usage.cpu_usec),
                .memory_peak = child->group_usage.memory_peak ?: child->usage.memory_peak,
                .oom_kills = child->group_usage.oom_kills,
        };
}

static void take_exit(struct child *child) {
        struct rusage usage = { 0 };
        int status = 0;

        if (!wait_main(child, false, &status, &usage))
                return;
        take_notify(child); /* said before */
        (void)read_output(child);
        child->state = CHILD_EXITED;
        child->withheld = false;
        note_usage(child, &usage);
        child->exit_io = loop_io_free(child->exit_io);
        linger(child);
        if (child->ops)
                child->ops->on_exit(child, status, &usage, child->arg);
        if (!child->walking)
                settle(child);
}

static void on_exit_ready(_unused_ struct loop_io *io, _unused_ int fd, _unused_ unsigned events, void *arg) {
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
        take_notify(child);
        take_exit(child);
}

/* ---- walks ---- */

static void do_walk(struct spawner_job *job, _unused_ struct spawner_thread *thread) {
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

static void on_walked(struct spawner_job *job) {
        struct child *child = CONTAINER_OF(job, struct child, walk_job);

        child->walking = false;
        if (child->state == CHILD_EXITED && child->walk_is_final && child->walk_result == 0) {
                finish(child);
                return;
        }
        if (child->killing && !child->walk_kills)
                start_walk(child); /* asked for meanwhile */
        else if (!child->killing && child->signals != 0)
                start_walk(child);
        else if (child->state == CHILD_EXITED && (!child->walk_is_final || (child->look_again && !child->killing)))
                settle(child);
        else if (child->state == CHILD_EXITED && !child->tree.cgroup && !spawner_has_orphans(child->spawner))
                finish(child);
        else if (child->killing || child->walk_result < 0 || (child->state == CHILD_EXITED && child->tree.cgroup))
                retry_later(child); /* who is in a group need not be an orphan of ours, whose end we are told of */
}

static void start_walk(struct child *child) {
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

bool child_has_tree(const struct child *child) {
        return (child->state == CHILD_RUNNING || child->state == CHILD_EXITED) && !child->reaped;
}

int child_copy_tree(struct child *child, struct child_tree *ret) {
        int r;

        if (!child_has_tree(child))
                return -ESRCH;
        r = child_tree_copy(&child->tree, child->walking, ret);
        if (r == 0)
                ret->beyond = spawner_has_orphans(child->spawner);
        return r;
}

struct spawner *child_spawner(const struct child *child) {
        return child->spawner;
}

struct child_look **child_look_of(struct child *child) {
        return &child->look;
}

void child_signal(struct child *child, int signo) {
        if (signo == SIGKILL) {
                child_kill(child);
                return;
        }
        if (signo < 1 || signo > 64)
                return;
        child->signals |= 1ULL << (signo - 1);
        if (child_has_tree(child))
                start_walk(child);
}

int child_signal_main(struct child *child, int signo) {
        if (child->state != CHILD_RUNNING)
                return -ESRCH;
        return syscall(SYS_pidfd_send_signal, child->launch.pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

void child_on_orphans(struct spawner *spawner) {
        bool has_orphans = spawner_has_orphans(spawner);
        struct child *child, *tmp;

        list_for_each_entry_safe(child, tmp, &spawner->lingering, lingering)
                if (child->state == CHILD_EXITED && child->walking)
                        child->look_again = true;
                else if (child->state == CHILD_EXITED && (!child->killing || !has_orphans))
                        settle(child); /* while killing, walks have their own pace: those that die need it too */
}

static void look_for_exit(struct child *child) {
        take_exit(child);
        if (child->state == CHILD_RUNNING && child->killing)
                start_walk(child);
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
                        settle(child);
                else if (child->withheld)
                        look_for_exit(child);
                else
                        start_walk(child);
        }
        if (loop_timer_armed(&spawner->linger_timer)) /* set meanwhile, for one that was looked at */
                next = MIN(next, spawner->linger_timer.at_usec);
        loop_timer_set(&spawner->linger_timer, next);
}

/* ---- the beginning ---- */

static void do_launch(struct spawner_job *job, struct spawner_thread *thread) {
        struct child *child = CONTAINER_OF(job, struct child, launch_job);

        child_launch(&child->launch, child->plan, thread);
}

/* No process came of it, or none that could be watched. */
static void report_failure(struct child *child) {
        child->state = CHILD_GONE;
        if (!child->ops) {
                destroy(child);
                return;
        }
        child->ops->on_started(child, 0, child->launch.step, child->launch.error, child->arg);
}

/* Ends a process that cannot be watched, on a thread because that may take a moment. */
static void do_put_down(struct spawner_job *job, _unused_ struct spawner_thread *thread) {
        struct child *child = CONTAINER_OF(job, struct child, launch_job);
        usec_t deadline_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), PUT_DOWN_USEC);
        siginfo_t info;

        (void)child_tree_kill(&child->tree);
        (void)waitid(P_PIDFD, (id_t)child->launch.pidfd, &info, WEXITED | WNOWAIT);
        while (child_tree_kill(&child->tree) != 0 && clock_now(CLOCK_ID_MONOTONIC) < deadline_usec)
                (void)poll(NULL, 0, 1);
        (void)waitid(P_PIDFD, (id_t)child->launch.pidfd, &info, WEXITED);
        child_tree_end(&child->tree, &child->group_usage);
}

static void on_put_down(struct spawner_job *job) {
        report_failure(CONTAINER_OF(job, struct child, launch_job));
}

static int watch_child(struct child *child) {
        struct loop *loop = child->spawner->loop;
        int r;

        if (!child->ops)
                close_output(child);
        if (child->notify) {
                r = notify_watch(child->notify, loop, is_of_tree, on_notify, child);
                if (r < 0)
                        return r;
        }
        if (child->launch.output_fd >= 0) {
                r = loop_io_new(loop, child->launch.output_fd, LOOP_READ, LOOP_PRIORITY_NORMAL, "child output",
                                on_output_ready, child, &child->output_io);
                if (r < 0)
                        return r;
        }
        return loop_io_new(loop, child->launch.pidfd, LOOP_READ, LOOP_PRIORITY_NORMAL, "child exit", on_exit_ready,
                           child, &child->exit_io);
}

static void on_launched(struct spawner_job *job) {
        struct child *child = CONTAINER_OF(job, struct child, launch_job);
        int r;

        if (child->launch.pid == 0) {
                report_failure(child);
                return;
        }
        child->plan = child_plan_free(child->plan);
        child->tree.cgroup = TAKE_PTR(child->launch.cgroup);
        child->notify = TAKE_PTR(child->launch.notify);
        child->file = TAKE_PTR(child->launch.file);
        child->tree.walk.pid = child->launch.pid;
        child->tree.walk.pidfd = child->launch.pidfd;
        r = watch_child(child);
        if (r < 0) {
                child->launch.step = CHILD_STEP_FORK;
                child->launch.error = -r;
                child->launch_job = (struct spawner_job){ .work = do_put_down, .done = on_put_down };
                (void)spawner_submit(child->spawner, &child->launch_job, true);
                return;
        }
        child->state = CHILD_RUNNING;
        if (child->ops)
                child->ops->on_started(child, child->launch.pid, CHILD_STEP_NONE, 0, child->arg);
        if (child->killing || child->signals != 0)
                start_walk(child);
}

/* A launch that never got its turn, reported like any other failure. */
static void on_withdrawn(_unused_ struct loop_work *work, void *arg) {
        report_failure(arg);
}

static int prepare(struct child *child, const struct child_spec *spec) {
        if (spec->marker) {
                child->marker = strdup(spec->marker);
                if (!child->marker)
                        return -ENOMEM;
        }
        child->tree.walk = (struct walk_tree){ .loop_tid = child->spawner->loop_tid, .marker = child->marker };
        child->tree.beyond = true;
        return child_plan_new(spec, &child->plan);
}

int child_spawn(struct spawner *spawner, const struct child_spec *spec, const struct child_ops *ops, void *arg,
                struct child **ret) {
        struct child *child = malloc(sizeof(*child));
        int r;

        if (!child)
                return -ENOMEM;
        *child = (struct child){
                .spawner = spawner,
                .ops = ops,
                .arg = arg,
                .launch = { .pidfd = -EBADF, .output_fd = -EBADF },
                .launch_job = { .work = do_launch, .done = on_launched },
                .walk_job = { .work = do_walk, .done = on_walked },
                .retry_usec = RETRY_MIN_USEC,
                .retry_at_usec = USEC_INFINITY,
        };
        list_init(&child->link);
        list_init(&child->lingering);
        loop_work_init(&child->gone, spawner->loop, "child gone", on_gone, child);
        if (spawner->notify_dir && ops->on_notify) {
                child->launch.wants_notify = true;
                child->launch.notify = notify_take(spawner->notify_dir);
        }
        r = prepare(child, spec);
        if (r >= 0)
                r = spawner_submit(spawner, &child->launch_job, false);
        if (r < 0) {
                destroy(child);
                return r;
        }
        list_append(&spawner->children, &child->link);
        *ret = child;
        return 0;
}

pid_t child_pid(const struct child *child) {
        return child->state == CHILD_STARTING ? 0 : child->launch.pid;
}

uint64_t child_start_ticks(const struct child *child) {
        return child->state == CHILD_STARTING ? 0 : child->launch.start_ticks;
}

void child_kill(struct child *child) {
        if (child->killing)
                return;
        child->killing = true;
        if (child->state == CHILD_STARTING) {
                if (spawner_withdraw(child->spawner, &child->launch_job)) {
                        child->launch.error = ECANCELED;
                        loop_work_init(&child->gone, child->spawner->loop, "child withdrawn", on_withdrawn, child);
                        loop_work_schedule(&child->gone);
                } else
                        child_launch_cancel(&child->launch);
        } else if (child->state == CHILD_EXITED && !child->walking)
                settle(child); /* most often nobody is left to be killed */
        else if (child_has_tree(child))
                start_walk(child);
}

struct child *child_free(struct child *child) {
        if (!child)
                return NULL;
        child->ops = NULL;
        if (child->state == CHILD_GONE) {
                destroy(child);
                return NULL;
        }
        if (child->state != CHILD_STARTING) /* there a thread may be writing it */
                close_output(child);
        child_kill(child);
        return NULL;
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
                destroy(child);
        }
        (void)spawner_has_orphans(spawner);
}
