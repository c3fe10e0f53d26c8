/* SPDX-License-Identifier: MIT */
/* child_exec: from a plan to a process.
 *
 * The child shares our memory until exec (CLONE_VM|CLONE_VFORK), so that creating it costs the same whatever the size of
 * the daemon; the thread is suspended meanwhile. Hence the rules for all code between child_main() and exec:
 * - nothing but system calls: no allocation, no locks, no stdio, no NSS; no sanitizer's instrumentation either;
 * - the set*id calls of libc would change all threads of the daemon: the bare system calls change the child only. The
 *   kernel takes that for a reason to clear the dumpable flag of the shared memory, which we restore (dumpable.h);
 * - handlers are reset before the signal mask is, so that no handler of ours ever runs in the child: those that were
 *   there when its thread spawned for the first time, and the daemon has all of its handlers before it spawns;
 * - it runs on a stack of its own, and reports what failed by writing to the launcher's variable.
 *
 * It also shares the table of descriptors (CLONE_FILES), because copying that of a busy daemon takes milliseconds; its
 * first act is close_range(CLOSE_RANGE_UNSHARE), which copies only the low part. What it needs must therefore be low: the
 * first threads own some reserved low slots each, to which the ends are moved when they happen to be high.
 *
 * Where this cannot work (TSan, valgrind, a kernel or a seccomp filter without these calls) it is a plain fork with a
 * close-on-exec pipe for the report, on the same thread and with the same code after it.
 *
 * A child that hangs before exec, in opening a FIFO or on a dead file server, costs its thread until it is killed by
 * its pidfd; spawner.c meanwhile adds threads. This way user-named paths need no slower kind of spawn than others.
 */
#include "loop/child_exec.h"

#include "loop/child_files.h"
#include "loop/proc_stat.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LOW_DESCRIPTORS 64
#define SIGNAL_MAX      64
#define DEFAULT_PATH    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* On a 32-bit machine the plain names take 16-bit ids. */
#ifdef SYS_setresuid32
#define SETRESUID SYS_setresuid32
#define SETRESGID SYS_setresgid32
#define SETGROUPS SYS_setgroups32
#else
#define SETRESUID SYS_setresuid
#define SETRESGID SYS_setresgid
#define SETGROUPS SYS_setgroups
#endif

#define _child_path_ __attribute__((no_sanitize("address", "undefined", "thread"), noinline))

/* What the child needs to know; lives on the launcher's stack. */
struct birth {
        const struct child_plan *plan;
        struct child_launch *launch;
        const struct rlimit *nofile;
        uint64_t signals; /* those to be reset */
        bool oom_protected;
        int cgroup_procs; /* where to enter the group; -EBADF: there is none */
        int stdio[3];
        int directory_fd; /* -EBADF: it has a path, or is / */
        int report_fd;    /* plain fork: where to report; -EBADF: memory is shared */
        unsigned keep;    /* descriptors from here on are of no use to the child */
        struct {
                enum child_step step;
                int error;
        } report;
};

/* ---- the child ---- */

_child_path_ static int move_fd(int from, int to) {
        return syscall(SYS_dup3, from, to, 0) < 0 ? errno : 0;
}

/* Closes all but the first three and what is needed until exec, which is put behind these. Now, not by exec: the ends of
 * other runs' pipes must not stay open in a child that hangs before. */
_child_path_ static int close_others(struct birth *birth) {
        int *const kept[] = { &birth->report_fd, &birth->directory_fd };
        unsigned next = STDERR_FILENO + 1;

        for (size_t i = 0; i < ARRAY_SIZE(kept); i++) { /* out of each other's way */
                long fd;

                if (*kept[i] < 0)
                        continue;
                fd = syscall(SYS_fcntl, *kept[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1 + (int)ARRAY_SIZE(kept));
                if (fd < 0)
                        return errno;
                *kept[i] = (int)fd;
        }
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
                if (*kept[i] < 0)
                        continue;
                if (syscall(SYS_dup3, *kept[i], next, O_CLOEXEC) < 0)
                        return errno;
                *kept[i] = (int)next++;
        }
        (void)syscall(SYS_close_range, next, ~0U, 0U);
        return 0;
}

_child_path_ static int take_descriptors(struct birth *birth) {
        int r = 0;

        /* A forked child has a table of its own. */
        if (birth->report_fd < 0 && syscall(SYS_close_range, birth->keep, ~0U, CLOSE_RANGE_UNSHARE) < 0)
                return errno;
        for (int i = 0; i < 3 && r == 0; i++)
                r = move_fd(birth->stdio[i], i);
        return r > 0 ? r : close_others(birth);
}

_child_path_ static int lead_session(struct birth *birth) {
        (void)birth;
        return syscall(SYS_setsid) < 0 ? errno : 0;
}

/* All zero is SIG_DFL with no flags, in every layout the kernel has. */
_child_path_ static int reset_signals(struct birth *birth) {
        uint64_t action[8];

        for (size_t i = 0; i < ARRAY_SIZE(action); i++)
                action[i] = 0;
        for (int i = 1; i <= SIGNAL_MAX; i++)
                if (birth->signals & 1ULL << (i - 1))
                        (void)syscall(SYS_rt_sigaction, i, action, NULL, (size_t)(SIGNAL_MAX / 8));
        return 0;
}

_child_path_ static int change_nice(struct birth *birth) {
        if (birth->plan->spec.nice == 0)
                return 0;
        return syscall(SYS_setpriority, PRIO_PROCESS, 0, birth->plan->spec.nice) < 0 ? errno : 0;
}

/* The daemon's protection from the OOM killer is not for what it runs. To a child that shares our memory for exec alone the
 * kernel gives a value of its own. */
_child_path_ static int end_oom_protection(struct birth *birth) {
        long fd;

        if (!birth->oom_protected)
                return 0;
        fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
        if (fd < 0)
                return 0; /* no /proc: it can run all the same */
        (void)syscall(SYS_write, fd, "0", (size_t)1);
        (void)syscall(SYS_close, fd);
        return 0;
}

_child_path_ static int set_rlimit(int resource, rlim_t soft, rlim_t hard) {
        struct rlimit limit = { .rlim_cur = soft, .rlim_max = hard };

        return syscall(SYS_prlimit64, 0, resource, &limit, NULL) < 0 ? errno : 0;
}

_child_path_ static int limit_descriptors(struct birth *birth) {
        rlim_t own = birth->plan->spec.nofile;

        if (own > 0)
                return set_rlimit(RLIMIT_NOFILE, own, own);
        return set_rlimit(RLIMIT_NOFILE, birth->nofile->rlim_cur, birth->nofile->rlim_max);
}

_child_path_ static int limit_core(struct birth *birth) {
        uint64_t core = birth->plan->spec.core;

        return core == CHILD_CORE_UNCHANGED ? 0 : set_rlimit(RLIMIT_CORE, core, core);
}

_child_path_ static int change_groups(struct birth *birth) {
        const struct child_user *user = birth->plan->user;

        if (!user || !user->change)
                return 0;
        return syscall(SETGROUPS, (long)user->n_groups, user->groups) < 0 ? errno : 0;
}

_child_path_ static int change_gid(struct birth *birth) {
        const struct child_user *user = birth->plan->user;

        if (!user || !user->change)
                return 0;
        return syscall(SETRESGID, user->gid, user->gid, user->gid) < 0 ? errno : 0;
}

_child_path_ static int change_uid(struct birth *birth) {
        const struct child_user *user = birth->plan->user;

        if (!user || !user->change)
                return 0;
        return syscall(SETRESUID, user->uid, user->uid, user->uid) < 0 ? errno : 0;
}

_child_path_ static int renounce_privileges(struct birth *birth) {
        if (!birth->plan->spec.no_new_privileges)
                return 0;
        return syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ? errno : 0;
}

_child_path_ static int change_directory(struct birth *birth) {
        const char *directory = birth->plan->spec.directory;

        if (birth->directory_fd >= 0)
                return syscall(SYS_fchdir, birth->directory_fd) < 0 ? errno : 0;
        return syscall(SYS_chdir, directory ? directory : "/") < 0 ? errno : 0;
}

_child_path_ static int open_stdin(struct birth *birth) {
        const struct child_spec *spec = &birth->plan->spec;
        long fd;
        int r;

        if (!spec->stdin_path || spec->stdin_data)
                return 0;
        fd = syscall(SYS_openat, AT_FDCWD, spec->stdin_path, O_RDONLY | O_NOCTTY | O_CLOEXEC, 0);
        if (fd < 0)
                return errno;
        r = move_fd((int)fd, STDIN_FILENO);
        (void)syscall(SYS_close, fd);
        return r;
}

_child_path_ static int exec(struct birth *birth, const char *path) {
        (void)syscall(SYS_execve, path, birth->plan->spec.argv, birth->plan->env);
        return errno;
}

/* "@directory/@name" in @buffer; an empty directory is the present one. */
_child_path_ static bool join(char buffer[PATH_MAX], const char *directory, size_t n, const char *name) {
        size_t at = 0;

        if (n + 2 >= PATH_MAX)
                return false;
        for (; at < n; at++)
                buffer[at] = directory[at];
        if (n > 0)
                buffer[at++] = '/';
        for (; *name && at < PATH_MAX - 1; name++)
                buffer[at++] = *name;
        buffer[at] = 0;
        return !*name;
}

_child_path_ static int exec_in_path(struct birth *birth, const char *search) {
        char buffer[PATH_MAX];
        int error = ENOENT;

        for (const char *from = search, *to; from; from = *to ? to + 1 : NULL) {
                int r;

                for (to = from; *to && *to != ':';)
                        to++;
                if (!join(buffer, from, (size_t)(to - from), birth->plan->spec.path))
                        continue;
                r = exec(birth, buffer);
                /* As the shell: one that may not be executed is told only when there is no other. */
                if (r == EACCES)
                        error = r;
                else if (r != ENOENT && r != ENOTDIR)
                        return r;
        }
        return error;
}

_child_path_ static int become_program(struct birth *birth) {
        const struct child_spec *spec = &birth->plan->spec;
        const char *search = DEFAULT_PATH;
        uint64_t none = 0;

        if (spec->umask != (mode_t)-1)
                (void)syscall(SYS_umask, spec->umask);
        (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));

        for (const char *c = spec->path; *c; c++)
                if (*c == '/')
                        return exec(birth, spec->path);
        for (char **env = birth->plan->env; *env; env++)
                if ((*env)[0] == 'P' && (*env)[1] == 'A' && (*env)[2] == 'T' && (*env)[3] == 'H' && (*env)[4] == '=')
                        search = *env + 5;
        return exec_in_path(birth, search);
}

/* Before the table of descriptors is cut short. It was opened by the launcher: what the child opens while the table is
 * shared would stay open in the daemon, should the child be killed before it closes it. */
_child_path_ static int enter_cgroup(struct birth *birth) {
        if (birth->cgroup_procs < 0)
                return 0;
        return syscall(SYS_write, birth->cgroup_procs, "0", (size_t)1) < 0 ? errno : 0;
}

/* In this order: what needs privileges before they are given up; what names files of the user's after it. */
static const struct {
        enum child_step step;
        int (*act)(struct birth *birth); /* 0 or a positive errno */
} steps[] = {
        { CHILD_STEP_CGROUP, enter_cgroup },      { CHILD_STEP_DESCRIPTORS, take_descriptors },
        { CHILD_STEP_SETSID, lead_session },      { CHILD_STEP_SETSID, reset_signals },
        { CHILD_STEP_NICE, change_nice },         { CHILD_STEP_NICE, end_oom_protection }, /* never fails */
        { CHILD_STEP_NOFILE, limit_descriptors }, { CHILD_STEP_CORE, limit_core },
        { CHILD_STEP_SETGROUPS, change_groups },  { CHILD_STEP_SETGID, change_gid },
        { CHILD_STEP_SETUID, change_uid },        { CHILD_STEP_NO_NEW_PRIVILEGES, renounce_privileges },
        { CHILD_STEP_CHDIR, change_directory },   { CHILD_STEP_STDIN, open_stdin },
        { CHILD_STEP_EXEC, become_program },
};

_child_path_ static int child_main(void *arg) {
        struct birth *birth = arg;
        int r = 0;

        if (birth->report_fd < 0) {
                /* Either we see the loop's wish, or the loop sees that there is somebody to kill. */
                atomic_store(&birth->launch->hatched, true);
                if (atomic_load(&birth->launch->cancelled))
                        r = ECANCELED;
        }
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++) {
                birth->report.step = steps[i].step;
                r = steps[i].act(birth);
        }
        birth->report.error = r;
        if (birth->report_fd >= 0)
                (void)syscall(SYS_write, birth->report_fd, &birth->report, sizeof(birth->report));
        (void)syscall(SYS_exit_group, 127);
        return 127;
}

/* ---- the launcher ---- */

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

static int clone_sharing(struct birth *birth, struct spawner_thread *thread) {
        int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD, r;
        pid_t pid;

        r = get_stack(thread);
        if (r < 0)
                return r;
        pid = clone(child_main, thread->stack + CHILD_STACK_SIZE, flags, birth, &birth->launch->pidfd, NULL, NULL);
        return pid < 0 ? -errno : pid;
}

/* The report of a forked child: nothing, when exec closed the pipe or it was killed. */
static void read_report(int fd, struct birth *birth) {
        __typeof__(birth->report) report;
        ssize_t n;

        do
                n = read(fd, &report, sizeof(report));
        while (n < 0 && errno == EINTR);
        if (n == (ssize_t)sizeof(report))
                birth->report = report;
}

/* In the child: waits until the parent can watch it. What was let go before could have left others by the time it is
 * known that nobody watches. */
static int be_forked(struct birth *birth, int go[2]) {
        char c;

        (void)close(go[1]);
        if (read(go[0], &c, 1) != 1)
                return 127;
        return child_main(birth);
}

static int fork_reporting(struct birth *birth) {
        struct child_launch *launch = birth->launch;
        _cleanup_(closep) int from = -EBADF, start = -EBADF;
        int report[2], go[2], pidfd;
        pid_t pid;

        if (pipe2(report, O_CLOEXEC) < 0)
                return -errno;
        from = report[0];
        birth->report_fd = report[1];
        if (pipe2(go, O_CLOEXEC) < 0) {
                int error = errno;

                (void)close(report[1]);
                return -error;
        }
        start = go[1];
        pid = fork();
        if (pid == 0)
                _exit(be_forked(birth, go));
        (void)close(report[1]);
        (void)close(go[0]);
        if (pid < 0)
                return -errno;

        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0 || write(start, "g", 1) < 0) {
                int error = errno;

                closep(&pidfd);
                (void)kill(pid, SIGKILL); /* ours, and not reaped yet */
                (void)waitpid(pid, NULL, 0);
                return -error;
        }
        launch->pidfd = pidfd;
        atomic_store(&launch->hatched, true);
        if (atomic_load(&launch->cancelled))
                (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        read_report(from, birth);
        return pid;
}

/* Which signals are not as they are by default, asked for when the thread spawns for the first time: sixty calls less for
 * each child. The daemon's handlers are in place by then; it ignores nothing later. The kernel's own structure, because
 * libc does not tell about the signals it uses itself; its first word is the handler. */
static uint64_t signals_of(struct spawner_thread *thread) {
        if (thread->knows_signals)
                return thread->signals;
        for (int i = 1; i <= SIGNAL_MAX; i++) {
                unsigned long action[8] = { 0 };

                if (syscall(SYS_rt_sigaction, i, NULL, action, (size_t)(SIGNAL_MAX / 8)) == 0 && action[0] != 0)
                        thread->signals |= 1ULL << (i - 1);
        }
        thread->knows_signals = true;
        return thread->signals;
}

static int give_birth(struct birth *birth, struct spawner_thread *thread) {
        bool changes = birth->plan->user && birth->plan->user->change;
        struct spawner *spawner = thread->spawner;
        int pid;

        if (atomic_load(&spawner->plain_fork))
                return fork_reporting(birth);

        if (changes)
                dumpable_begin(&spawner->dumpable);
        pid = clone_sharing(birth, thread);
        if (changes)
                dumpable_end(&spawner->dumpable);
        if (pid == -EINVAL || pid == -ENOSYS || pid == -EPERM) { /* valgrind, an old kernel, a seccomp filter */
                atomic_store(&spawner->plain_fork, true);
                return fork_reporting(birth);
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

static int make_cgroup(struct birth *birth, struct spawner *spawner) {
        struct child_launch *launch = birth->launch;

        if (!spawner->cgroups)
                return 0;
        birth->report.step = CHILD_STEP_CGROUP;
        return cgroup_new(spawner->cgroups, &birth->plan->spec.limits, &launch->cgroup, &birth->cgroup_procs);
}

/* What the child gets, in the places of its slots. */
struct ends {
        int fds[SPAWNER_SLOTS];   /* stdin, stdout, stderr, directory; -EBADF: nothing of its own */
        bool lent[SPAWNER_SLOTS]; /* it is somebody else's, and not to be closed */
};

/* A file of somebody else's, or a copy of it where it is low. */
static int lend(struct ends *ends, enum child_file i, int fd, int slot) {
        if (fd < 0)
                return 0;
        ends->lent[i] = fd < LOW_DESCRIPTORS || slot < 0;
        if (!ends->lent[i] && dup3(fd, slot, O_CLOEXEC) < 0)
                return -errno;
        ends->fds[i] = ends->lent[i] ? fd : slot;
        return 0;
}

static bool is_given(const struct child_spec *spec, enum child_file which) {
        return child_files_get(spec->files, which) >= 0;
}

/* The pipe is for what is not given of stdout and stderr. */
static int make_ends(struct birth *birth, struct spawner_thread *thread, struct ends *ends) {
        const struct child_spec *spec = &birth->plan->spec;
        enum child_file output = is_given(spec, CHILD_FILE_STDOUT) ? CHILD_FILE_STDERR : CHILD_FILE_STDOUT;
        int r = 0;

        birth->report.step = CHILD_STEP_STDIN;
        if (spec->stdin_data) {
                r = make_stdin(spec, &ends->fds[CHILD_FILE_STDIN]);
                if (r >= 0)
                        r = lower(&ends->fds[CHILD_FILE_STDIN], thread->slots[CHILD_FILE_STDIN]);
        }
        if (r >= 0 && (spec->output_pipe || spec->output_path) && !is_given(spec, output)) {
                birth->report.step = CHILD_STEP_PIPE;
                r = make_output(&birth->launch->output_fd, &ends->fds[output]);
                if (r >= 0)
                        r = lower(&ends->fds[output], thread->slots[output]);
        }
        for (enum child_file i = 0; spec->files && i < _CHILD_FILE_MAX && r >= 0; i++) {
                birth->report.step = CHILD_STEP_DESCRIPTORS;
                r = lend(ends, i, child_files_get(spec->files, i), thread->slots[i]);
        }
        return r;
}

static void drop_ends(struct ends *ends, const struct spawner_thread *thread) {
        for (size_t i = 0; i < SPAWNER_SLOTS; i++)
                if (!ends->lent[i])
                        close_or_vacate(ends->fds[i], thread->slots[i], thread->spawner->null_fd);
}

/* With the ends made, creates the process. Returns its pid, or -errno. */
static int launch_with(struct birth *birth, struct spawner_thread *thread, const struct ends *ends) {
        int null_fd = thread->spawner->null_fd, highest;

        for (size_t i = 0; i < ARRAY_SIZE(birth->stdio); i++)
                birth->stdio[i] = ends->fds[i] >= 0 ? ends->fds[i] : null_fd;
        if (ends->fds[CHILD_FILE_STDERR] < 0 && !is_given(&birth->plan->spec, CHILD_FILE_STDOUT))
                birth->stdio[2] = birth->stdio[1]; /* one pipe for both */
        birth->directory_fd = ends->fds[CHILD_FILE_DIRECTORY];
        highest = birth->directory_fd;
        for (size_t i = 0; i < ARRAY_SIZE(birth->stdio); i++)
                highest = MAX(highest, birth->stdio[i]);
        birth->keep = (unsigned)highest + 1;
        return give_birth(birth, thread);
}

static int try_launch(struct birth *birth, struct spawner_thread *thread) {
        struct ends ends = { .fds = { -EBADF, -EBADF, -EBADF, -EBADF } };
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
static int open_output_file(struct birth *birth, const struct child_plan *plan, struct spawner *spawner) {
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

static int prepare(struct birth *birth, struct child_plan *plan, struct spawner *spawner) {
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
        struct birth birth = {
                .plan = plan,
                .launch = launch,
                .nofile = &thread->spawner->nofile,
                .signals = signals_of(thread),
                .oom_protected = thread->spawner->oom_protected,
                .cgroup_procs = -EBADF,
                .directory_fd = -EBADF,
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
