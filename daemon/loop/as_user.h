/* SPDX-License-Identifier: MIT */
#pragma once
/* as_user: opens files with the rights of another user, on the calling thread alone. */
#include "base/macros.h"

#include <sys/types.h>

/* Whose rights. */
struct file_user {
        uid_t uid;
        gid_t gid;
        const gid_t *groups;
        size_t n_groups;
};

/* open(2) with @mode, O_CLOEXEC and O_NOCTTY, as @user; NULL: as the daemon itself. The file system sees no other thread
 * change. Blocks. Returns the descriptor, -EPERM when the daemon may not act as @user, or -errno. */
int open_as_user(const struct file_user *user, const char *path, int flags, mode_t mode);

/* Has what this thread writes count like that of any user: within quotas, and without what is reserved for root.
 * Best effort; open_as_user() works as before. */
void write_as_nobody(void);
