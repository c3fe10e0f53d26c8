/* SPDX-License-Identifier: MIT */
/* watch_mounts: tells when the mount table has changed.
 *
 * What is mounted on a directory, or bound away from it, is told by no event of the directory. The kernel shows a change of
 * the table as an exceptional condition of mountinfo, which otherwise is readable always: so it is asked for through an
 * epoll of its own, which is readable when there was a change, once.
 */
#include "loop/watch_private.h"

#include <fcntl.h>
#include <sys/epoll.h>

struct watch_mounts {
        struct loop_io *io;
        int table_fd;
        int epoll_fd;
        void (*fn)(void *arg);
        void *arg;
};

static void on_change(struct loop_io *io _unused_, int fd, unsigned events _unused_, void *arg) {
        struct watch_mounts *mounts = arg;
        struct epoll_event event;

        (void)epoll_wait(fd, &event, 1, 0);
        mounts->fn(mounts->arg);
}

struct watch_mounts *watch_mounts_free(struct watch_mounts *mounts) {
        if (!mounts)
                return NULL;
        loop_io_free(mounts->io);
        closep(&mounts->epoll_fd);
        closep(&mounts->table_fd);
        free(mounts);
        return NULL;
}

struct watch_mounts *watch_mounts_new(struct loop *loop, void (*fn)(void *arg), void *arg) {
        struct watch_mounts *mounts = calloc(1, sizeof(*mounts));
        struct epoll_event event = { .events = EPOLLPRI };

        if (!mounts)
                return NULL;
        mounts->fn = fn;
        mounts->arg = arg;
        mounts->table_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC | O_NOCTTY);
        mounts->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (mounts->table_fd < 0 || mounts->epoll_fd < 0 ||
            epoll_ctl(mounts->epoll_fd, EPOLL_CTL_ADD, mounts->table_fd, &event) < 0 ||
            loop_io_new(loop, mounts->epoll_fd, LOOP_READ, LOOP_PRIORITY_NORMAL, "mounts changed", on_change, mounts,
                        &mounts->io) < 0)
                return watch_mounts_free(mounts);
        return mounts;
}
