/* SPDX-License-Identifier: MIT */
#pragma once
/* feed: hands what tendctl reads on to the daemon, as fast as that takes it, and counts the items in it.
 *
 * The daemon gets a socket, and not the input itself, whose flags and position others may share. Of a file the items are
 * counted beforehand, of anything else as they pass.
 */
#include "base/macros.h"

#include <poll.h>

struct feed {
        int in;
        int out;   /* our end; -EBADF: all is handed on */
        int given; /* the daemon's; -EBADF: it has it */
        char data[64 * 1024];
        size_t n;
        size_t sent;
        bool in_line;      /* past the blanks that a line begins with */
        uint64_t n_items;  /* so far */
        bool is_counted;   /* those are all */
        bool counts_ahead; /* they were counted beforehand */
};

/* Reads @in. Returns 0 or -errno. */
int feed_init(struct feed *feed, int in);
void feed_done(struct feed *feed);

/* As of struct attach_ops. */
size_t feed_before(struct feed *feed, struct pollfd *fds, size_t n);
void feed_after(struct feed *feed, const struct pollfd *fds, size_t n);
