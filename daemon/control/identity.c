/* SPDX-License-Identifier: MIT */
/* identity: as whom a client is, see identity.h.
 *
 * All is what the kernel noted at connect(2). The groups of the user that are written in some file would be other ones: a
 * client may have given them up, or be in a group by a set-group-ID program.
 */
#include "control/identity.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

int identity_of(const struct varlink_call *call, struct child_identity *ret) {
        const struct varlink_peer *peer = varlink_call_peer(call);
        struct child_identity identity = { .uid = peer->uid, .gid = peer->gid };
        int r;

        r = varlink_call_groups(call, &identity.groups, &identity.n_groups);
        if (r < 0)
                return r;
        *ret = identity;
        return 0;
}

/* Whether the process that connected has ended, so that its pid may be another's. False where the kernel cannot tell. */
static bool has_ended(int pidfd) {
        struct pollfd exited = { .fd = pidfd, .events = POLLIN };

        return pidfd < 0 ? pidfd != -ENOPROTOOPT : poll(&exited, 1, 0) != 0;
}

/* This file of /proc, unlike others, is told without what the process may hold locked. */
bool identity_has_renounced(const struct varlink_call *call) {
        _cleanup_(closep) int fd = -EBADF, pidfd = varlink_call_peer_pidfd(call);
        char path[64], status[4096];
        const char *line;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)varlink_call_peer(call)->pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
        if (n < 0 || has_ended(pidfd))
                return true;
        status[n] = '\0';
        line = strstr(status, "\nNoNewPrivs:\t");
        return !line || line[strlen("\nNoNewPrivs:\t")] != '0';
}
