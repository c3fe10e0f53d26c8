/* SPDX-License-Identifier: MIT */
/* varlink_peer: who is at the other end of a socket.
 *
 * The kernel keeps with each connection as whom its client connected, with all groups, and tells it at any time; so these are not
 * kept here, as there may be tens of thousands of them.
 */
#include "control/varlink_internal.h"

#include <sys/socket.h>

/* As many are asked for at first. */
#define GROUPS_FEW 32

int varlink_peer_groups(int fd, gid_t **ret, size_t *ret_n) {
        _cleanup_(freep) gid_t *groups = NULL;
        socklen_t size = GROUPS_FEW * sizeof(gid_t);

        for (;;) {
                gid_t *more = realloc(groups, size);

                if (!more)
                        return -ENOMEM;
                groups = more;
                if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) >= 0)
                        break;
                if (errno != ERANGE) /* else @size is what it needs */
                        return -errno;
        }
        *ret = TAKE_PTR(groups);
        *ret_n = size / sizeof(gid_t);
        return 0;
}

int varlink_peer_get(const struct varlink_server *server, int fd, struct varlink_peer *ret) {
        _cleanup_(freep) gid_t *groups = NULL;
        struct ucred ucred;
        socklen_t length = sizeof(ucred);
        size_t n;
        int r;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred, &length) < 0)
                return -errno;
        r = varlink_peer_groups(fd, &groups, &n);
        if (r < 0)
                return r;
        *ret = (struct varlink_peer){
                .uid = ucred.uid,
                .gid = ucred.gid,
                .pid = ucred.pid,
        };
        ret->role = server->options.role_of(ret, groups, n, server->options.arg);
        return 0;
}
