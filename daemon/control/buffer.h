/* SPDX-License-Identifier: MIT */
#pragma once
/* buffer: bytes in a queue, appended at the end and consumed from the head. Gives its memory back when it runs empty
 * after having been large, so that one long answer does not stay in memory with an idle connection. */
#include "base/macros.h"

struct buffer {
        char *data;
        size_t start;
        size_t end;
        size_t allocated;
};

/* Frees what it holds; the buffer is empty and usable afterwards. Harmless on a zeroed one. */
void buffer_done(struct buffer *buffer);

static inline size_t buffer_length(const struct buffer *buffer) {
        return buffer->end - buffer->start;
}

/* The first of buffer_length() bytes; valid until the next append or reserve. */
static inline char *buffer_head(const struct buffer *buffer) {
        return buffer->data + buffer->start;
}

/* Makes room for @n more bytes and returns where they go, for buffer_commit(); NULL: out of memory. */
char *buffer_reserve(struct buffer *buffer, size_t n);
void buffer_commit(struct buffer *buffer, size_t n);

/* Appends a copy. Returns 0 or -ENOMEM. */
int buffer_append(struct buffer *buffer, const void *data, size_t n);

/* Drops all but the first @n ≤ buffer_length() bytes. */
void buffer_truncate(struct buffer *buffer, size_t n);

/* Drops @n ≤ buffer_length() bytes from the head. */
void buffer_consume(struct buffer *buffer, size_t n);
