/* SPDX-License-Identifier: MIT */
/* child_parcel: puts files into a socket, see child_parcel.h; the child takes them out in child_birth.c. */
#include "loop/child_parcel.h"

static int send_fds(int socket, const int *fds, size_t n) {
        union child_parcel room = { 0 };
        char byte = 0;
        struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &room,
                .msg_controllen = CMSG_SPACE(n * sizeof(int)),
        };

        room.header = (struct cmsghdr){
                .cmsg_level = SOL_SOCKET,
                .cmsg_type = SCM_RIGHTS,
                .cmsg_len = CMSG_LEN(n * sizeof(int)),
        };
        memcpy(CMSG_DATA(&room.header), fds, n * sizeof(int));
        return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int child_parcel_make(const struct child_files *files, const int stdio[3], int *ret) {
        _cleanup_(closep) int from = -EBADF, to = -EBADF;
        int fds[_CHILD_FILE_MAX], pair[2], r;
        size_t n = 0;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        from = pair[0];
        to = pair[1];
        for (enum child_file i = 0; i < _CHILD_FILE_MAX; i++) {
                int fd = child_files_get(files, i);

                if (fd >= 0 || i < CHILD_FILE_DIRECTORY)
                        fds[n++] = fd >= 0 ? fd : stdio[i];
        }
        r = send_fds(to, fds, n);
        if (r < 0)
                return r;
        *ret = TAKE_FD(from);
        return 0;
}
