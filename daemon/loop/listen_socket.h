/* SPDX-License-Identifier: MIT */
#pragma once
/* listen_socket: sockets on which clients are waited for.
 *
 * What opens one may wait for a file system; it is thread-safe, for who must not wait.
 */
#include "base/macros.h"

#include <sys/socket.h>
#include <sys/types.h>

struct listen_address {
        struct sockaddr_storage storage;
        socklen_t size;
};

/* Understands 127.0.0.1:9188, [::1]:9188 and unix:/path; addresses are numbers, as nobody waits for a resolver. Returns 0,
 * -EINVAL, or -ENAMETOOLONG for a path that a socket cannot have. */
int listen_address_parse(const char *text, struct listen_address *ret);

/* Whether only processes of this machine can reach it. */
bool listen_address_is_local(const struct listen_address *address);

/* Listens at @path with permissions @mode, for group @gid ((gid_t)-1: the caller's own). A socket on which nobody listens
 * any more is replaced. Returns a descriptor that does not block; -EADDRINUSE when a process listens there, @ret_pid (may
 * be NULL) is it, 0: not known; -ENAMETOOLONG; -EEXIST when @path is no socket; -errno. */
int listen_unix(const char *path, mode_t mode, gid_t gid, pid_t *ret_pid);

/* Listens at @address; @mode is for a path. The same returns. */
int listen_open(const struct listen_address *address, mode_t mode, pid_t *ret_pid);
