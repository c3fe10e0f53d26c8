/* SPDX-License-Identifier: MIT */
/* writers: asks for a lease, see writers.h.
 *
 * The kernel grants a read lease only on a file that nobody has open for writing, and asks its holder by a signal to give
 * it up when somebody wants to write. We give it up at once. The signal that may fall into that moment is one that is
 * ignored unless somebody wants it; who opens the file then waits those microseconds. Only the owner of the file and
 * whoever has CAP_LEASE may ask. Network file systems answer for their own reasons, so only those that are local are
 * believed.
 */
#include "base/writers.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static bool is_local(int fd) {
        static const unsigned long local[] = {
                0x0000ef53, /* ext2, ext3, ext4 */
                0x58465342, /* xfs */
                0x9123683e, /* btrfs */
                0x01021994, /* tmpfs */
                0x794c7630, /* overlayfs */
                0xf2f52010, /* f2fs */
                0xca451a4e, /* bcachefs */
                0x2fc12fc1, /* zfs */
        };
        struct statfs fs;

        if (fstatfs(fd, &fs) < 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(local); i++)
                if ((unsigned long)fs.f_type == local[i])
                        return true;
        return false;
}

static int ask(int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || !is_local(fd) || fcntl(fd, F_SETSIG, SIGURG) < 0)
                return -EOPNOTSUPP;
        if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
                (void)fcntl(fd, F_SETLEASE, F_UNLCK);
                return 0;
        }
        return errno == EAGAIN ? 1 : -EOPNOTSUPP;
}

int path_has_writer(const char *path) {
        struct stat st;
        int fd, r;

        if (stat(path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode)) /* opening others may do something */
                return -EOPNOTSUPP;
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        r = ask(fd);
        (void)close(fd);
        return r;
}
