/* SPDX-License-Identifier: MIT */
#pragma once
/* child_parcel: files that somebody else opened, in flight from a launcher to its child. For loop/child*.c only.
 *
 * To close a copy of one may take for ever, when its file system does not answer, and no signal ends that. So they must not
 * be where other children copy them; and the child gets them where they belong, so that none has to be moved.
 */
#include "loop/child_files.h"

#include <sys/socket.h>

/* Room for the descriptors, as sendmsg(2) and recvmsg(2) take it. */
union child_parcel {
        struct cmsghdr header; /* for its alignment */
        char bytes[CMSG_SPACE(_CHILD_FILE_MAX * sizeof(int))];
};

/* A socket with one message in it, that brings what @files has, and of @stdio what it has not: three descriptors, and a
 * fourth when there is a directory. Returns 0, and @ret is owned by the caller, or -errno. */
int child_parcel_make(const struct child_files *files, const int stdio[3], int *ret);
