/* SPDX-License-Identifier: MIT */
#pragma once
/* bar: how far a map is, in the last line of the terminal, and the output of its items above it.
 *
 * What items print on that terminal goes through tendctl, which takes the bar away before and puts it there again behind the
 * end of a line. What they print elsewhere does not.
 */
#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define BAR_STREAMS 2 /* stdout, stderr */

struct bar {
        bool shown;   /* there is one at all */
        bool drawn;   /* at present */
        bool in_line; /* what was printed last does not end a line */
        struct {
                int from; /* what items print; -EBADF: it does not come here */
                int given;
                int to;
        } streams[BAR_STREAMS];
        int64_t began_usec;
        int64_t done;
        int64_t failed;
        int64_t total; /* -1: not known */
};

/* Draws on stderr if that is a terminal and @wanted. Returns 0 or -errno. */
int bar_init(struct bar *bar, bool wanted);

/* What items are to be given for stdout and stderr. */
int bar_given(const struct bar *bar, int stream);

/* The state of an Items. @total -1: not known yet. */
void bar_update(struct bar *bar, const json_t *items, int64_t total);

/* As of struct attach_ops. */
size_t bar_before(struct bar *bar, struct pollfd *fds, size_t n);
void bar_after(struct bar *bar, const struct pollfd *fds, size_t n);

/* Prints what items have printed to their end, and takes the bar away. */
void bar_done(struct bar *bar);
