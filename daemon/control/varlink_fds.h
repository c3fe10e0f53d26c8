/* SPDX-License-Identifier: MIT */
#pragma once
/* varlink_fds: descriptors that came with a message. Nobody outside the Varlink server includes it.
 *
 * They belong to the message with whose first byte they came: the kernel hands them out with the bytes that they were
 * sent with, but may put bytes of earlier messages before these. So a client that sends descriptors sends nothing else
 * behind or before that message which could be read together with it, and is cut off when it does.
 */
#include "base/macros.h"

#include <sys/types.h>

#define VARLINK_FDS_MAX 8 /* with one message */

struct varlink_fds {
        int fds[VARLINK_FDS_MAX]; /* -EBADF: was taken */
        size_t n;
};

/* As recv(2), without blocking; descriptors that come along are put into @fds, close-on-exec, and numbered above those
 * that children get a copy of. Those that had other numbers are left in @spent: who closes a descriptor may have to wait.
 * Returns the number of bytes, 0 at the end, -errno; -E2BIG when there were more descriptors than fit, or no room for
 * them. */
ssize_t varlink_fds_receive(int socket, void *buffer, size_t size, struct varlink_fds *fds, struct varlink_fds *spent);
