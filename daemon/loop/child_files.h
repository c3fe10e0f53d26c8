/* SPDX-License-Identifier: MIT */
#pragma once
/* child_files: descriptors that somebody else opened, for any number of children. On the loop thread only.
 *
 * Closing one may block for as long as a file server does not answer, or for ever when a client has made the file itself.
 * So a spawner's thread closes them, one thread at a time: what hangs there holds up nothing but other closes.
 */
#include "loop/child.h"

enum child_file {
        CHILD_FILE_STDIN,
        CHILD_FILE_STDOUT,
        CHILD_FILE_STDERR,
        CHILD_FILE_DIRECTORY, /* where it works */
        _CHILD_FILE_MAX,
};

struct child_files;

/* With one reference. @fds (-EBADF: none) are owned by the result; not when there is no memory. Returns 0 or -ENOMEM. */
int child_files_new(struct spawner *spawner, const int fds[_CHILD_FILE_MAX], struct child_files **ret);
struct child_files *child_files_ref(struct child_files *files);   /* takes NULL */
struct child_files *child_files_unref(struct child_files *files); /* the same; always returns NULL */

/* -EBADF: none. */
int child_files_get(const struct child_files *files, enum child_file which);

/* Closes those of @fds that are not negative on a thread; without memory for that, or with @spawner NULL, here. */
void child_files_close(struct spawner *spawner, const int *fds, size_t n);
