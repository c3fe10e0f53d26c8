/* SPDX-License-Identifier: MIT */
/* notify-say: see notify-say.h. */
#include "support/notify-say.h"

#include <sys/socket.h>
#include <sys/un.h>

int notify_say(const char *path, const char *text, int fd) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        struct iovec iov = { .iov_base = (void *)text, .iov_len = strlen(text) };
        struct msghdr message = {
                .msg_name = &address,
                .msg_namelen = sizeof(address),
                .msg_iov = &iov,
                .msg_iovlen = 1,
        };
        _cleanup_(closep) int from = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (from < 0)
                return -errno;
        strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
        if (fd >= 0) {
                message.msg_control = &control;
                message.msg_controllen = sizeof(control);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        }
        return sendmsg(from, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
