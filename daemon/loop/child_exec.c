/* SPDX-License-Identifier: MIT */
/* child_exec: from a plan to a process.
 *
 * The child shares our memory until exec (CLONE_VM|CLONE_VFORK), so that creating it costs the same whatever the size of
 * the daemon; the thread is suspended meanwhile. What it does until then is in child_birth.c.
 *
 * It also shares the table of descriptors, of which it copies the low part only. What it needs must therefore be low: the
 * first threads own some reserved low slots each, to which the ends are moved when they happen to be high.
 *
 * Files that somebody else opened are never among the low ones: to close a copy of one may take for ever when its file
 * system does not answer, and other children copy all that is low. They are in flight in a socket instead, out of which
 * the child takes them into its own table.
 *
 * Where this cannot work (TSan, valgrind, a kernel or a seccomp filter without these calls) it is a plain fork on the same
 * thread (child_fork.c).
 *
 * A child that hangs before exec, in opening a FIFO or on a dead file server, costs its thread until it is killed by
 * its pidfd; spawner.c meanwhile adds threads. This way user-named paths need no slower kind of spawn than others.
 */
#include "loop/child_exec.h"

#include "loop/child_birth.h"
#include "loop/child_files.h"
#include "loop/child_fork.h"
#include "loop/child_parcel.h"
#include "loop/proc_stat.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LOW_DESCRIPTORS 64

static int get_stack(struct spawner_thread *thread) {
        void *stack;

        if (thread->stack)
                return 0;
        stack = mmap(NULL, CHILD_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (stack == MAP_FAILED)
                return -errno;
        (void)mprotect(stack, 4096, PROT_NONE); /* a guard; without it we are no worse off than any stack's user */
        thread->stack = stack;
        return 0;
}

static int clone_sharing(struct child_birth *birth, struct spawner_thread *thread) {
        int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD, r;
        pid_t pid;

        r = get_stack(thread);
        if (r < 0)
                return r;
        pid = clone(child_birth_main, thread->stack + CHILD_STACK_SIZE, flags, birth, &birth->launch->pidfd, NULL,
                    NULL);
        return pid < 0 ? -errno : pid;
}

/* Which signals are not as they are by default, asked for when the thread spawns for the first time: sixty calls less for
 * each child. The daemon's handlers are in place by then; it ignores nothing later. The kernel's own structure, because
 * libc does not tell about the signals it uses itself; its first word is the handler. */
static uint64_t signals_of(struct spawner_thread *thread) {
        if (thread->knows_signals)
                return thread->signals;
        for (int i = 1; i <= CHILD_SIGNAL_MAX; i++) {
                unsigned long action[8] = { 0 };

                if (syscall(SYS_rt_sigaction, i, NULL, action, (size_t)(CHILD_SIGNAL_MAX / 8)) == 0 && action[0] != 0)
                        thread->signals |= 1ULL << (i - 1);
        }
        thread->knows_signals = true;
        return thread->signals;
}

static int give_birth(struct child_birth *birth, struct spawner_thread *thread) {
        bool changes = birth->plan->user && birth->plan->user->change;
        struct spawner *spawner = thread->spawner;
        int pid;

        if (atomic_load(&spawner->plain_fork))
                return child_fork(birth);

        if (changes)
                dumpable_begin(&spawner->dumpable);
        pid = clone_sharing(birth, thread);
        if (changes)
                dumpable_end(&spawner->dumpable);
        if (pid == -EINVAL || pid == -ENOSYS || pid == -EPERM) { /* valgrind, an old kernel, a seccomp filter */
                atomic_store(&spawner->plain_fork, true);
                return child_fork(birth);
        }
        return pid;
}

/* Puts @fd where the child's copy of the table is short, if it can be had. */
static int lower(int *fd, int slot) {
        if (*fd < LOW_DESCRIPTORS || slot < 0)
                return 0;
        if (dup3(*fd, slot, O_CLOEXEC) < 0)
                return -errno;
        (void)close(*fd);
        *fd = slot;
        return 0;
}

/* The slot stays taken, by something that keeps no pipe open. */
static void close_or_vacate(int fd, int slot, int null_fd) {
        if (fd >= 0 && fd == slot)
                (void)dup3(null_fd, slot, O_CLOEXEC);
        else if (fd >= 0)
                (void)close(fd);
}

static int make_output(int *ret_ours, int *ret_theirs) {
        int pair[2];

        if (pipe2(pair, O_CLOEXEC) < 0)
                return -errno;
        if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
                int error = errno;

                (void)close(pair[0]);
                (void)close(pair[1]);
                return -error;
        }
        *ret_ours = pair[0];
        *ret_theirs = pair[1];
        return 0;
}

/* A file in memory rather than a pipe: nobody has to feed it. */
static int make_stdin(const struct child_spec *spec, int *ret) {
        _cleanup_(closep) int fd = memfd_create("stdin", MFD_CLOEXEC);
        const char *at = spec->stdin_data;
        size_t left = spec->stdin_size;

        if (fd < 0)
                return -errno;
        while (left > 0) {
                ssize_t n = write(fd, at, left);

                if (n < 0)
                        return -errno;
                at += n;
                left -= (size_t)n;
        }
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        *ret = TAKE_FD(fd);
        return 0;
}

static int make_cgroup(struct child_birth *birth, struct spawner *spawner) {
        struct child_launch *launch = birth->launch;

        if (!spawner->cgroups)
                return 0;
        birth->report.step = CHILD_STEP_CGROUP;
        return cgroup_new(spawner->cgroups, &birth->plan->spec.limits, &launch->cgroup, &birth->cgroup_procs);
}

/* What is made for the child, in the places of its slots. */
enum end { END_STDIN, END_OUTPUT, END_PARCEL };

struct ends {
        int fds[SPAWNER_SLOTS]; /* -EBADF: nothing of its own */
};

static int lower_end(struct ends *ends, enum end end, const struct spawner_thread *thread) {
        return lower(&ends->fds[end], thread->slots[end]);
}

/* The pipe is for what is not given of stdout and stderr. */
static bool wants_pipe(const struct child_spec *spec) {
        return (spec->output_pipe || spec->output_path) && (child_files_get(spec->files, CHILD_FILE_STDOUT) < 0 ||
                                                            child_files_get(spec->files, CHILD_FILE_STDERR) < 0);
}

static int make_ends(struct child_birth *birth, struct spawner_thread *thread, struct ends *ends) {
        const struct child_spec *spec = &birth->plan->spec;
        int null_fd = thread->spawner->null_fd, r = 0;

        birth->report.step = CHILD_STEP_STDIN;
        if (spec->stdin_data) {
                r = make_stdin(spec, &ends->fds[END_STDIN]);
                if (r >= 0)
                        r = lower_end(ends, END_STDIN, thread);
        }
        if (r >= 0 && wants_pipe(spec)) {
                birth->report.step = CHILD_STEP_PIPE;
                r = make_output(&birth->launch->output_fd, &ends->fds[END_OUTPUT]);
                if (r >= 0)
                        r = lower_end(ends, END_OUTPUT, thread);
        }
        birth->stdio[0] = ends->fds[END_STDIN] >= 0 ? ends->fds[END_STDIN] : null_fd;
        birth->stdio[1] = birth->stdio[2] = ends->fds[END_OUTPUT] >= 0 ? ends->fds[END_OUTPUT] : null_fd;
        if (r >= 0 && spec->files) {
                birth->report.step = CHILD_STEP_DESCRIPTORS;
                r = child_parcel_make(spec->files, birth->stdio, &ends->fds[END_PARCEL]);
                if (r >= 0)
                        r = lower_end(ends, END_PARCEL, thread);
        }
        return r;
}

static void drop_ends(struct ends *ends, const struct spawner_thread *thread) {
        for (size_t i = 0; i < SPAWNER_SLOTS; i++)
                close_or_vacate(ends->fds[i], thread->slots[i], thread->spawner->null_fd);
}

/* With the ends made, creates the process. Returns its pid, or -errno. */
static int launch_with(struct child_birth *birth, struct spawner_thread *thread, const struct ends *ends) {
        int highest = ends->fds[END_PARCEL];

        birth->parcel_fd = highest;
        for (size_t i = 0; i < ARRAY_SIZE(birth->stdio) && birth->parcel_fd < 0; i++)
                highest = MAX(highest, birth->stdio[i]);
        birth->keep = (unsigned)highest + 1;
        return give_birth(birth, thread);
}

static int try_launch(struct child_birth *birth, struct spawner_thread *thread) {
        struct ends ends = { .fds = { -EBADF, -EBADF, -EBADF } };
        int pid = 0, r;

        r = make_cgroup(birth, thread->spawner);
        if (r >= 0)
                r = make_ends(birth, thread, &ends);
        if (r >= 0) {
                birth->report.step = CHILD_STEP_FORK;
                pid = launch_with(birth, thread, &ends);
                r = MIN(pid, 0);
        }
        closep(&birth->cgroup_procs);
        drop_ends(&ends, thread);
        return r < 0 ? r : pid;
}

/* Before there is a process: it is the daemon's, opened on this thread with the rights that the process will have. */
static int open_output_file(struct child_birth *birth, const struct child_plan *plan, struct spawner *spawner) {
        const struct child_user *user = plan->user;
        struct file_user as = { 0 };

        if (!plan->spec.output_path)
                return 0;
        birth->report.step = CHILD_STEP_OUTPUT;
        if (user && user->change)
                as = (struct file_user){
                        .uid = user->uid,
                        .gid = user->gid,
                        .groups = user->groups,
                        .n_groups = (size_t)user->n_groups,
                };
        return file_sink_open(spawner->files, plan->spec.output_path, user && user->change ? &as : NULL,
                              &birth->launch->file);
}

static int prepare(struct child_birth *birth, struct child_plan *plan, struct spawner *spawner) {
        struct child_launch *launch = birth->launch;
        int r;

        if (launch->wants_notify && !launch->notify) {
                birth->report.step = CHILD_STEP_NOTIFY;
                r = notify_new(spawner->notify_dir, &launch->notify);
                if (r < 0)
                        return r;
        }
        if (launch->notify)
                plan->notify = notify_environment(launch->notify);
        r = child_plan_complete(plan, spawner->users, &birth->report.step);
        launch->uid = plan->user && plan->user->change ? plan->user->uid : geteuid();
        return r < 0 ? r : open_output_file(birth, plan, spawner);
}

void child_launch(struct child_launch *launch, struct child_plan *plan, struct spawner_thread *thread) {
        struct child_birth birth = {
                .plan = plan,
                .launch = launch,
                .nofile = &thread->spawner->nofile,
                .signals = signals_of(thread),
                .oom_protected = thread->spawner->oom_protected,
                .cgroup_procs = -EBADF,
                .directory_fd = -EBADF,
                .parcel_fd = -EBADF,
                .report_fd = -EBADF,
        };
        struct proc_stat stat;
        int r;

        launch->pidfd = launch->output_fd = -EBADF;
        r = prepare(&birth, plan, thread->spawner);
        if (r >= 0 && atomic_load(&launch->cancelled))
                r = -ECANCELED;
        if (r >= 0)
                r = try_launch(&birth, thread);
        if (r > 0 && birth.report.error == 0) {
                launch->pid = r;
                launch->start_ticks = plan->spec.start_ticks && proc_stat_read(r, &stat) == 0 ? stat.start_ticks : 0;
                return;
        }

        launch->error = r < 0 ? -r : birth.report.error;
        launch->step = launch->error == ECANCELED ? CHILD_STEP_NONE : birth.report.step;
        if (r > 0) /* it has said what failed, and ended; its pidfd is left to the loop, which may be using it */
                (void)waitpid(r, NULL, 0);
        else /* clone() may have written a number that it then took back */
                launch->pidfd = -EBADF;
        /* If it could not be entered, whoever comes next could not either. */
        launch->cgroup =
                launch->step == CHILD_STEP_CGROUP ? cgroup_discard(launch->cgroup) : cgroup_release(launch->cgroup);
        launch->file = file_writer_close(launch->file);
}

void child_launch_cancel(struct child_launch *launch) {
        atomic_store(&launch->cancelled, true);
        if (atomic_load(&launch->hatched))
                (void)syscall(SYS_pidfd_send_signal, launch->pidfd, SIGKILL, NULL, 0);
}
