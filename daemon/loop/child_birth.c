/* SPDX-License-Identifier: MIT */
/* child_birth: what the new process does until it is another program.
 *
 * It shares the daemon's memory until exec, see child_exec.c. Hence the rules for all code here:
 * - nothing but system calls: no allocation, no locks, no stdio, no NSS; no sanitizer's instrumentation either;
 * - the set*id calls of libc would change all threads of the daemon: the bare system calls change the child only. The
 *   kernel takes that for a reason to clear the dumpable flag of the shared memory, which we restore (dumpable.h);
 * - handlers are reset before the signal mask is, so that no handler of ours ever runs in the child: those that were
 *   there when its thread spawned for the first time, and the daemon has all of its handlers before it spawns;
 * - it runs on a stack of its own, and reports what failed by writing to the launcher's variable.
 *
 * It also shares the table of descriptors (CLONE_FILES), because copying that of a busy daemon takes milliseconds; its
 * first act is close_range(CLOSE_RANGE_UNSHARE), which copies only the low part.
 *
 * A forked child has memory and a table of its own, and a pipe for its report; for it the same code is as right.
 */
#include "loop/child_birth.h"

#include "loop/child_exec.h"
#include "loop/child_parcel.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

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

_child_path_ static int move_fd(int from, int to) {
        return syscall(SYS_dup3, from, to, 0) < 0 ? errno : 0;
}

/* Closes all but the first three and what is needed until exec, which is put behind these. Now, not by exec: the ends of
 * other runs' pipes must not stay open in a child that hangs before. */
_child_path_ static int close_others(struct child_birth *birth) {
        int *const kept[] = { &birth->report_fd, &birth->parcel_fd };
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

/* They take the lowest numbers that are free, in their order; so none is moved, and no copy of one is closed, which might
 * take for ever. */
_child_path_ static int open_parcel(struct child_birth *birth) {
        union child_parcel room;
        char byte;
        struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &room,
                .msg_controllen = sizeof(room),
        };

        for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
                (void)syscall(SYS_close, i);
        if (syscall(SYS_recvmsg, birth->parcel_fd, &message, 0) < 0)
                return errno;
        if (message.msg_flags & MSG_CTRUNC || message.msg_controllen < CMSG_LEN(3 * sizeof(int)))
                return EMFILE;
        (void)syscall(SYS_close, birth->parcel_fd);
        if (room.header.cmsg_len < CMSG_LEN(_CHILD_FILE_MAX * sizeof(int)))
                return 0;
        birth->directory_fd = ((const int *)(const void *)CMSG_DATA(&room.header))[CHILD_FILE_DIRECTORY];
        return syscall(SYS_fcntl, birth->directory_fd, F_SETFD, FD_CLOEXEC) < 0 ? errno : 0;
}

_child_path_ static int take_descriptors(struct child_birth *birth) {
        int r = 0;

        /* A forked child has a table of its own. */
        if (birth->report_fd < 0 && syscall(SYS_close_range, birth->keep, ~0U, CLOSE_RANGE_UNSHARE) < 0)
                return errno;
        for (int i = 0; i < 3 && r == 0 && birth->parcel_fd < 0; i++)
                r = move_fd(birth->stdio[i], i);
        if (r == 0)
                r = close_others(birth);
        return r == 0 && birth->parcel_fd >= 0 ? open_parcel(birth) : r;
}

_child_path_ static int lead_session(struct child_birth *birth) {
        (void)birth;
        return syscall(SYS_setsid) < 0 ? errno : 0;
}

/* All zero is SIG_DFL with no flags, in every layout the kernel has. */
_child_path_ static int reset_signals(struct child_birth *birth) {
        uint64_t action[8];

        for (size_t i = 0; i < ARRAY_SIZE(action); i++)
                action[i] = 0;
        for (int i = 1; i <= CHILD_SIGNAL_MAX; i++)
                if (birth->signals & 1ULL << (i - 1))
                        (void)syscall(SYS_rt_sigaction, i, action, NULL, (size_t)(CHILD_SIGNAL_MAX / 8));
        return 0;
}

_child_path_ static int change_nice(struct child_birth *birth) {
        if (birth->plan->spec.nice == 0)
                return 0;
        return syscall(SYS_setpriority, PRIO_PROCESS, 0, birth->plan->spec.nice) < 0 ? errno : 0;
}

/* The daemon's protection from the OOM killer is not for what it runs. To a child that shares our memory for exec alone the
 * kernel gives a value of its own. */
_child_path_ static int end_oom_protection(struct child_birth *birth) {
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

_child_path_ static int limit_descriptors(struct child_birth *birth) {
        rlim_t own = birth->plan->spec.nofile;

        if (own > 0)
                return set_rlimit(RLIMIT_NOFILE, own, own);
        return set_rlimit(RLIMIT_NOFILE, birth->nofile->rlim_cur, birth->nofile->rlim_max);
}

_child_path_ static int limit_core(struct child_birth *birth) {
        uint64_t core = birth->plan->spec.core;

        return core == CHILD_CORE_UNCHANGED ? 0 : set_rlimit(RLIMIT_CORE, core, core);
}

/* Whoever has a session keyring may use the keys in it, whose they are: those of the daemon's are not for other users. It is
 * made while we are root, and so is on root's quota. Where there are no keyrings, or a seccomp filter forbids them, there is
 * nothing to leave. */
_child_path_ static int leave_keyring(struct child_birth *birth) {
        const struct child_user *user = birth->plan->user;

        if (!user || !user->change || user->uid == 0)
                return 0;
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 || errno == ENOSYS || errno == EPERM)
                return 0;
        return errno;
}

_child_path_ static int change_groups(struct child_birth *birth) {
        const struct child_user *user = birth->plan->user;

        if (!user || !user->change)
                return 0;
        return syscall(SETGROUPS, (long)user->n_groups, user->groups) < 0 ? errno : 0;
}

_child_path_ static int change_gid(struct child_birth *birth) {
        const struct child_user *user = birth->plan->user;

        if (!user || !user->change)
                return 0;
        return syscall(SETRESGID, user->gid, user->gid, user->gid) < 0 ? errno : 0;
}

_child_path_ static int change_uid(struct child_birth *birth) {
        const struct child_user *user = birth->plan->user;

        if (!user || !user->change)
                return 0;
        return syscall(SETRESUID, user->uid, user->uid, user->uid) < 0 ? errno : 0;
}

_child_path_ static int renounce_privileges(struct child_birth *birth) {
        if (!birth->plan->spec.no_new_privileges)
                return 0;
        return syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ? errno : 0;
}

_child_path_ static int change_directory(struct child_birth *birth) {
        const char *directory = birth->plan->spec.directory;

        if (birth->directory_fd >= 0)
                return syscall(SYS_fchdir, birth->directory_fd) < 0 ? errno : 0;
        return syscall(SYS_chdir, directory ? directory : "/") < 0 ? errno : 0;
}

_child_path_ static int open_stdin(struct child_birth *birth) {
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

_child_path_ static int exec(struct child_birth *birth, const char *path) {
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

_child_path_ static int exec_in_path(struct child_birth *birth, const char *search) {
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

_child_path_ static int become_program(struct child_birth *birth) {
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
_child_path_ static int enter_cgroup(struct child_birth *birth) {
        if (birth->cgroup_procs < 0)
                return 0;
        return syscall(SYS_write, birth->cgroup_procs, "0", (size_t)1) < 0 ? errno : 0;
}

/* In this order: what needs privileges before they are given up; what names files of the user's after it. */
static const struct {
        enum child_step step;
        int (*act)(struct child_birth *birth); /* 0 or a positive errno */
} steps[] = {
        { CHILD_STEP_CGROUP, enter_cgroup },
        { CHILD_STEP_DESCRIPTORS, take_descriptors },
        { CHILD_STEP_SETSID, lead_session },
        { CHILD_STEP_SETSID, reset_signals },
        { CHILD_STEP_NICE, change_nice },
        { CHILD_STEP_NICE, end_oom_protection }, /* never fails */
        { CHILD_STEP_NOFILE, limit_descriptors },
        { CHILD_STEP_CORE, limit_core },
        { CHILD_STEP_KEYRING, leave_keyring },
        { CHILD_STEP_SETGROUPS, change_groups },
        { CHILD_STEP_SETGID, change_gid },
        { CHILD_STEP_SETUID, change_uid },
        { CHILD_STEP_NO_NEW_PRIVILEGES, renounce_privileges },
        { CHILD_STEP_CHDIR, change_directory },
        { CHILD_STEP_STDIN, open_stdin },
        { CHILD_STEP_EXEC, become_program },
};

_child_path_ int child_birth_main(void *arg) {
        struct child_birth *birth = arg;
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
