/* SPDX-License-Identifier: MIT */
#pragma once
/* glob_page: the paths that match a pattern of glob(7), in their order, a page at a time. Pure but for the directories it
 * reads, which may hang: for a thread.
 *
 * glob(3) has all paths in memory at once. Here a walk passes all, and keeps those alone that come first behind the last
 * page: so memory is that of two pages, whatever matches, and each page costs another walk. What is made between two of
 * them is found if it comes later in the order.
 */
#include "base/macros.h"

#include <limits.h>

struct glob_page {
        char **paths; /* in the order of strcmp() */
        size_t n;
        bool more; /* there were others behind them */
};

/* The first @max paths behind @after, NULL: from the first on. As with glob(3) what is not there matches nothing, and a
 * dangling link is there. Returns 0, -ENOMEM; -errno of a directory that cannot be read, which might have matched: @failed is
 * its path. @ret is to be done in any case. */
int glob_page_read(const char *pattern, const char *after, size_t max, struct glob_page *ret, char failed[PATH_MAX]);
void glob_page_done(struct glob_page *page); /* harmless on a zeroed one */
