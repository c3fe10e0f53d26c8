/* SPDX-License-Identifier: MIT */
/* varlink_peer: who is at the other end of a socket.
 *
 * The kernel keeps with each connection as whom its client connected, with all groups, and tells it at any time; so these are not
 * kept here, as there may be tens of thousands of them.
 */
#include "control/varlink_internal.h"

#include <sys/socket.h>

#define GROUPS_FEW 32

/* The groups that the client at @fd has beside its own. @few serves for as many as fit, else @ret_many, to be freed. Returns how
 * many there are, -ENOMEM, -errno. */
static ssize_t get_groups(int fd, gid_t few[GROUPS_FEW], gid_t **ret_many) {
        socklen_t size = GROUPS_FEW * sizeof(gid_t);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &size) >= 0)
                return (ssize_t)(size / sizeof(gid_t));
        if (errno != ERANGE)
                return errno == ENODATA ? 0 : -errno;
        /* @size is what it needs. */
        *ret_many = malloc(size);
        if (!*ret_many)
                return -ENOMEM;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, *ret_many, &size) < 0)
                return -errno;
        return (ssize_t)(size / sizeof(gid_t));
}

int varlink_peer_get(const struct varlink_server *server, int fd, struct varlink_peer *ret) {
        _cleanup_(freep) gid_t *many = NULL;
        gid_t few[GROUPS_FEW];
        struct ucred ucred;
        socklen_t length = sizeof(ucred);
        ssize_t n;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred, &length) < 0)
                return -errno;
        n = get_groups(fd, few, &many);
        if (n < 0)
                return (int)n;
        *ret = (struct varlink_peer){
                .uid = ucred.uid,
                .gid = ucred.gid,
                .pid = ucred.pid,
        };
        ret->role = server->options.role_of(ret, many ? many : few, (size_t)n, server->options.arg);
        return 0;
}
