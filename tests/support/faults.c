/* SPDX-License-Identifier: MIT */
/* faults: see faults.h.
 *
 * The counter is shared memory: a child that was forked plainly counts too. Between clone and exec a child runs this on
 * its small stack, in the daemon's memory: nothing here but the system call.
 */
#include "support/faults.h"

#include "base/macros.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define _bare_ __attribute__((no_sanitize("address", "undefined", "thread")))

static struct {
        atomic_int left; /* calls until the one that fails; 0 or less: none does */
        int error;
        const char *_Atomic failed;
        atomic_long number; /* of the system call, when it was one */
} * faults;

void faults_arm(unsigned n, int error) {
        if (!faults) {
                faults = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                ck_assert_ptr_ne(faults, MAP_FAILED);
        }
        faults->error = error;
        atomic_store(&faults->failed, NULL);
        atomic_store(&faults->left, (int)n);
}

/* Check allocates where it passes an assertion. */
static _Thread_local bool passing;

void __real__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line) {
        passing = true;
        __real__mark_point(file, line);
        passing = false;
}

/* Whether this call is the one. */
_bare_ static bool is_it(const char *name, long number) {
        if (!faults || passing || atomic_load(&faults->left) <= 0 || atomic_fetch_sub(&faults->left, 1) != 1)
                return false;
        atomic_store(&faults->number, number);
        atomic_store(&faults->failed, name);
        errno = faults->error;
        return true;
}

static const struct {
        long number;
        const char *name;
} numbers[] = {
        { SYS_close_range, "close_range" },
        { SYS_dup3, "dup3" },
        { SYS_setsid, "setsid" },
        { SYS_setpriority, "setpriority" },
        { SYS_prlimit64, "prlimit" },
        { SYS_setgroups, "setgroups" },
        { SYS_setresgid, "setresgid" },
        { SYS_setresuid, "setresuid" },
        { SYS_prctl, "prctl" },
        { SYS_chdir, "chdir" },
        { SYS_openat, "openat" },
        { SYS_execve, "execve" },
        { SYS_write, "write" },
        { SYS_pidfd_open, "pidfd_open" },
};

const char *faults_disarm(void) {
        const char *failed;

        atomic_store(&faults->left, 0);
        failed = atomic_load(&faults->failed);
        for (size_t i = 0; failed && i < ARRAY_SIZE(numbers); i++)
                if (streq(failed, "syscall") && numbers[i].number == atomic_load(&faults->number))
                        return numbers[i].name;
        return failed;
}

/* ---- the wraps ---- */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* Those in the table: the others, like exit_group, cannot fail or are not asked whether they did. */
_bare_ long __wrap_syscall(long number, ...) {
        long args[6];
        va_list list;

        va_start(list, number);
        for (size_t i = 0; i < ARRAY_SIZE(args); i++)
                args[i] = va_arg(list, long);
        va_end(list);
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                if (numbers[i].number == number && is_it("syscall", number))
                        return -1;
        return __real_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

/* WRAP(type, name, value when it fails, (parameters), (arguments)) */
#define WRAP(type, name, bad, parameters, arguments)                                                                   \
        type __real_##name parameters;                                                                                 \
        type __wrap_##name parameters;                                                                                 \
        type __wrap_##name parameters {                                                                                \
                return is_it(#name, 0) ? (bad) : __real_##name arguments;                                              \
        }

WRAP(void *, malloc, NULL, (size_t size), (size))
WRAP(void *, calloc, NULL, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, NULL, (void *p, size_t size), (p, size))
WRAP(void *, reallocarray, NULL, (void *p, size_t n, size_t size), (p, n, size))
WRAP(char *, strdup, NULL, (const char *s), (s))
WRAP(pid_t, fork, -1, (void), ())
WRAP(int, pipe2, -1, (int pair[2], int flags), (pair, flags))
WRAP(int, memfd_create, -1, (const char *name, unsigned flags), (name, flags))
WRAP(off_t, lseek, -1, (int fd, off_t offset, int whence), (fd, offset, whence))
WRAP(ssize_t, write, -1, (int fd, const void *data, size_t n), (fd, data, n))
WRAP(int, mkdirat, -1, (int fd, const char *path, mode_t mode), (fd, path, mode))
WRAP(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t n), (fd, level, name, value, n))
WRAP(int, bind, -1, (int fd, const struct sockaddr *address, socklen_t n), (fd, address, n))
WRAP(int, chmod, -1, (const char *path, mode_t mode), (path, mode))
WRAP(void *, mmap, MAP_FAILED, (void *at, size_t n, int prot, int flags, int fd, off_t offset),
     (at, n, prot, flags, fd, offset))

int __real_clone(int (*fn)(void *), void *stack, int flags, void *arg, int *pidfd, void *tls, pid_t *tid);
int __wrap_clone(int (*fn)(void *), void *stack, int flags, void *arg, int *pidfd, void *tls, pid_t *tid);
int __wrap_clone(int (*fn)(void *), void *stack, int flags, void *arg, int *pidfd, void *tls, pid_t *tid) {
        return is_it("clone", 0) ? -1 : __real_clone(fn, stack, flags, arg, pidfd, tls, tid);
}

int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...) {
        va_list list;
        mode_t mode;

        va_start(list, flags);
        mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
        va_end(list);
        return is_it("openat", 0) ? -1 : __real_openat(fd, path, flags, mode);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
        va_list list;
        mode_t mode;

        va_start(list, flags);
        mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
        va_end(list);
        return is_it("open", 0) ? -1 : __real_open(path, flags, mode);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...) {
        va_list list;
        long value;

        va_start(list, command);
        value = va_arg(list, long);
        va_end(list);
        return is_it("fcntl", 0) ? -1 : __real_fcntl(fd, command, value);
}
