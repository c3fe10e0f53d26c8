/* SPDX-License-Identifier: MIT */
/* as_user: opens files with the rights of another user, see as_user.h.
 *
 * To the kernel identities belong to threads; only the C library changes those of a whole process, so these are the
 * bare system calls. fsuid and fsgid are what the file system looks at and nothing else does: nobody else gains a right
 * over this thread, to signal or to trace it, and with an fsuid that is not root's the kernel takes away the
 * capabilities that override permissions. The two calls report no error: what is in force is asked for with an
 * impossible id.
 */
#include "loop/as_user.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sys/syscall.h>

/* On a 32-bit machine the plain names take 16-bit ids. */
#ifdef SYS_setfsuid32
#define SETFSUID  SYS_setfsuid32
#define SETFSGID  SYS_setfsgid32
#define SETGROUPS SYS_setgroups32
#define GETGROUPS SYS_getgroups32
#else
#define SETFSUID  SYS_setfsuid
#define SETFSGID  SYS_setfsgid
#define SETGROUPS SYS_setgroups
#define GETGROUPS SYS_getgroups
#endif

#define NOBODY ((uid_t)65534)

static int set_fsuid(uid_t uid) {
        (void)syscall(SETFSUID, uid);
        return (uid_t)syscall(SETFSUID, (uid_t)-1) == uid ? 0 : -EPERM;
}

static int set_fsgid(gid_t gid) {
        (void)syscall(SETFSGID, gid);
        return (gid_t)syscall(SETFSGID, (gid_t)-1) == gid ? 0 : -EPERM;
}

static int set_groups(const gid_t *groups, size_t n) {
        return syscall(SETGROUPS, (long)n, groups) < 0 ? -errno : 0;
}

static int get_groups(gid_t **ret, size_t *ret_n) {
        long n = syscall(GETGROUPS, 0L, NULL);
        gid_t *groups = n < 0 ? NULL : malloc(MAX((size_t)n, (size_t)1) * sizeof(gid_t));

        if (!groups)
                return n < 0 ? -errno : -ENOMEM;
        n = syscall(GETGROUPS, n, groups);
        if (n < 0) {
                free(groups);
                return -EAGAIN; /* nobody else changes them on this thread */
        }
        *ret = groups;
        *ret_n = (size_t)n;
        return 0;
}

static int open_now(const char *path, int flags, mode_t mode) {
        int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, mode);

        return fd < 0 ? -errno : fd;
}

/* The user is the last to come and the first to go: it is what the rest needs root's rights for. */
static int open_as_ids(uid_t uid, gid_t gid, const char *path, int flags, mode_t mode) {
        uid_t own_uid = (uid_t)syscall(SETFSUID, (uid_t)-1);
        gid_t own_gid = (gid_t)syscall(SETFSGID, (gid_t)-1);
        int fd;

        fd = set_fsgid(gid);
        if (fd >= 0)
                fd = set_fsuid(uid);
        if (fd >= 0)
                fd = open_now(path, flags, mode);
        (void)set_fsuid(own_uid);
        (void)set_fsgid(own_gid);
        return fd;
}

int open_as_user(const struct file_user *user, const char *path, int flags, mode_t mode) {
        _cleanup_(freep) gid_t *own = NULL;
        size_t n_own = 0;
        int fd, r;

        if (!user)
                return open_as_ids(geteuid(), getegid(), path, flags, mode);
        r = get_groups(&own, &n_own);
        if (r >= 0)
                r = set_groups(user->groups, user->n_groups);
        if (r < 0)
                return r;
        fd = open_as_ids(user->uid, user->gid, path, flags, mode);
        r = set_groups(own, n_own);
        if (r < 0 && fd >= 0) { /* the groups of a user remain: no right that root has not, but not what was asked */
                (void)close(fd);
                return r;
        }
        return fd;
}

void write_as_nobody(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

        if (geteuid() != 0)
                return;
        (void)set_fsuid(NOBODY);
        if (syscall(SYS_capget, &header, data) < 0)
                return;
        data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective &= ~CAP_TO_MASK(CAP_SYS_RESOURCE);
        (void)syscall(SYS_capset, &header, data);
}
