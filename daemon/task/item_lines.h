/* SPDX-License-Identifier: MIT */
#pragma once
/* item_lines: cuts bytes into items, one a line.
 *
 * White space around a line is not part of the item; blank lines and lines that begin with # are no items. Memory is
 * that of what was fed and not taken yet: feed only when there is nothing more to take.
 */
#include "base/macros.h"

/* A longer line is not an item. */
#define ITEM_BYTES_MAX ((size_t)64 * 1024)

struct item_lines {
        char *buffer;
        size_t begin;
        size_t end;
        size_t size;
        bool skipping; /* the rest of a line that was too long */
        bool ended;
};

void item_lines_done(struct item_lines *lines);

/* Appends a copy of @n bytes. Returns 0 or -ENOMEM. */
int item_lines_feed(struct item_lines *lines, const char *data, size_t n);

/* No more will be fed: what is left is the last line. */
void item_lines_end(struct item_lines *lines);

/* The next item, NUL-terminated, valid until the next call for @lines. Returns 1; 0: none left of what was fed; -E2BIG:
 * a line over ITEM_BYTES_MAX, whose beginning is in @ret; -EILSEQ: one with a NUL byte in it, cut off there. */
int item_lines_next(struct item_lines *lines, const char **ret, size_t *ret_length);

/* Whether item_lines_end() was called and everything was taken. */
static inline bool item_lines_finished(const struct item_lines *lines) {
        return lines->ended && lines->begin == lines->end;
}
