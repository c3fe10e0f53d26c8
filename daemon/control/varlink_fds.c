/* SPDX-License-Identifier: MIT */
/* varlink_fds: descriptors that came with a message, see varlink_fds.h. */
#include "control/varlink_fds.h"

#include <fcntl.h>
#include <sys/socket.h>

/* A child copies the table of descriptors up to what it needs, and closes the copies, which may hang for a file of a
 * client's own making. So such files do not stay among the low numbers. */
#define FIRST_NUMBER 64

static void add(struct varlink_fds *fds, struct varlink_fds *spent, int fd) {
        int raised = fd < FIRST_NUMBER ? fcntl(fd, F_DUPFD_CLOEXEC, FIRST_NUMBER) : -1;

        if (raised >= 0)
                spent->fds[spent->n++] = fd;
        fds->fds[fds->n++] = raised >= 0 ? raised : fd;
}

static void take(struct varlink_fds *fds, struct varlink_fds *spent, const struct cmsghdr *control) {
        const unsigned char *data = CMSG_DATA(control);
        size_t n = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        for (size_t i = 0; i < n && fds->n < VARLINK_FDS_MAX; i++) {
                int fd;

                memcpy(&fd, data + i * sizeof(int), sizeof(int));
                add(fds, spent, fd);
        }
}

ssize_t varlink_fds_receive(int socket, void *buffer, size_t size, struct varlink_fds *fds, struct varlink_fds *spent) {
        union {
                struct cmsghdr header; /* for its alignment */
                char bytes[CMSG_SPACE(VARLINK_FDS_MAX * sizeof(int))];
        } room;
        struct iovec iov = { .iov_base = buffer, .iov_len = size };
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &room,
                .msg_controllen = sizeof(room),
        };
        ssize_t n;

        fds->n = spent->n = 0;
        n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return -errno;
        for (struct cmsghdr *control = CMSG_FIRSTHDR(&message); control; control = CMSG_NXTHDR(&message, control))
                if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
                        take(fds, spent, control);
        return message.msg_flags & MSG_CTRUNC ? -E2BIG : n;
}
