/* SPDX-License-Identifier: MIT */
#pragma once
/* socket_mode: whom the file system lets connect to the control socket.
 *
 * Nobody but admins is named in [access]: 0660, so that others do not even get as far as being refused. As soon as somebody is: 0666, and
 * the roles decide, because a file has one group and [access] has any number of users and groups.
 */
#include "loop/loop.h"

#include <sys/types.h>

struct socket_mode;

mode_t socket_mode_of(bool others);

/* Of the socket at @path (copied), for others than admins or not, as it was made. Returns 0, -ENOMEM, -errno. */
int socket_mode_new(struct loop *loop, const char *path, struct socket_mode **ret);
/* What is under way is done, and nobody is told. */
struct socket_mode *socket_mode_free(struct socket_mode *socket);
DEFINE_CLEANUP(struct socket_mode, socket_mode_free)

/* Has it be for @others or not, on a thread. What is in their way is logged: a directory above it, or what went wrong. */
void socket_mode_set(struct socket_mode *socket, bool others);
