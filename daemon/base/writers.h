/* SPDX-License-Identifier: MIT */
#pragma once
/* writers: whether somebody has a file open for writing, as far as the kernel tells. */
#include "base/macros.h"

/* Whether the regular file at @path is open for writing anywhere on this machine. Returns 1, 0; -EOPNOTSUPP where nobody
 * knows: another kind of file, a file system that others may write to, a file of another user; -errno. Blocks. */
int path_has_writer(const char *path);
