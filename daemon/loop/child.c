/* SPDX-License-Identifier: MIT */
/* child: the life of a process, seen from the loop.
 *
 *      starting ──▶ running ──▶ exited ──▶ gone
 *          └──────────────────────────────▲
 *
 * How one ends is in child_end.c.
 *
 * A child that was freed by its owner goes through the same states without callbacks and is destroyed when gone. One in a
 * job of the spawner is never destroyed. Callbacks may free their child: that only forgets it, unless it is gone, and
 * on_gone, or on_started with a failure, is the last thing done to it.
 */
#include "loop/child_private.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PUT_DOWN_USEC   (5 * USEC_PER_SEC)
#define DRAIN_MAX_READS 32 /* a pipe that a stranger holds and fills is given up then */

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
        [CHILD_STEP_KEYRING] = "session keyring",
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

void child_destroy(struct child *child) {
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

/* ---- output ---- */

bool child_read_output(struct child *child) {
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
                (void)child_read_output(child);
}

void child_drain_output(struct child *child) {
        for (unsigned i = 0; i < DRAIN_MAX_READS && child_read_output(child); i++)
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

void child_take_notify(struct child *child) {
        if (child->notify)
                notify_poll(child->notify);
}

/* ---- what others ask ---- */

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

void child_get_usage(const struct child *child, struct cgroup_usage *ret) {
        *ret = (struct cgroup_usage){
                .cpu_usec = MAX(child->usage.cpu_usec, child->group_usage.cpu_usec),
                .memory_peak = child->group_usage.memory_peak ?: child->usage.memory_peak,
                .oom_kills = child->group_usage.oom_kills,
        };
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
                child_destroy(child);
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
        return loop_io_new(loop, child->launch.pidfd, LOOP_READ, LOOP_PRIORITY_NORMAL, "child exit",
                           child_on_exit_ready, child, &child->exit_io);
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
                child_start_walk(child);
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
                .walk_job = { .work = child_do_walk, .done = child_on_walked },
                .retry_usec = CHILD_RETRY_MIN_USEC,
                .retry_at_usec = USEC_INFINITY,
        };
        list_init(&child->link);
        list_init(&child->lingering);
        loop_work_init(&child->gone, spawner->loop, "child gone", child_on_gone, child);
        if (spawner->notify_dir && ops->on_notify) {
                child->launch.wants_notify = true;
                child->launch.notify = notify_take(spawner->notify_dir);
        }
        r = prepare(child, spec);
        if (r >= 0)
                r = spawner_submit(spawner, &child->launch_job, false);
        if (r < 0) {
                child_destroy(child);
                return r;
        }
        list_append(&spawner->children, &child->link);
        *ret = child;
        return 0;
}

void *child_owner(const struct child *child, const struct child_ops *ops) {
        return child->ops == ops ? child->arg : NULL;
}

pid_t child_pid(const struct child *child) {
        return child->state == CHILD_STARTING ? 0 : child->launch.pid;
}

uint64_t child_start_ticks(const struct child *child) {
        return child->state == CHILD_STARTING ? 0 : child->launch.start_ticks;
}

/* ---- stopping ---- */

void child_signal(struct child *child, int signo) {
        if (signo == SIGKILL) {
                child_kill(child);
                return;
        }
        if (signo < 1 || signo > 64)
                return;
        child->signals |= 1ULL << (signo - 1);
        if (child_has_tree(child))
                child_start_walk(child);
}

int child_signal_main(struct child *child, int signo) {
        if (child->state != CHILD_RUNNING)
                return -ESRCH;
        return syscall(SYS_pidfd_send_signal, child->launch.pidfd, signo, NULL, 0) < 0 ? -errno : 0;
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
                child_settle(child); /* most often nobody is left to be killed */
        else if (child_has_tree(child))
                child_start_walk(child);
}

struct child *child_free(struct child *child) {
        if (!child)
                return NULL;
        child->ops = NULL;
        if (child->state == CHILD_GONE) {
                child_destroy(child);
                return NULL;
        }
        if (child->state != CHILD_STARTING) /* there a thread may be writing it */
                close_output(child);
        child_kill(child);
        return NULL;
}
