/* SPDX-License-Identifier: MIT */
/* buffer: bytes in a queue, see buffer.h. */
#include "control/buffer.h"

#define BUFFER_MIN  ((size_t)512)
#define BUFFER_KEEP ((size_t)4096) /* an empty buffer keeps no more than this */

void buffer_done(struct buffer *buffer) {
        free(buffer->data);
        *buffer = (struct buffer){ 0 };
}

char *buffer_reserve(struct buffer *buffer, size_t n) {
        size_t length = buffer_length(buffer);
        size_t want = MAX(buffer->allocated, BUFFER_MIN);
        char *data;

        if (buffer->allocated - buffer->end >= n && buffer->data)
                return buffer->data + buffer->end;

        if (n > SIZE_MAX / 4 - length)
                return NULL;
        while (want < length + n)
                want *= 2;

        /* A new block instead of realloc(): what was consumed is not copied. */
        data = malloc(want);
        if (!data)
                return NULL;
        if (length > 0)
                memcpy(data, buffer_head(buffer), length);
        free(buffer->data);
        *buffer = (struct buffer){ .data = data, .end = length, .allocated = want };
        return data + length;
}

void buffer_commit(struct buffer *buffer, size_t n) {
        buffer->end += n;
}

int buffer_append(struct buffer *buffer, const void *data, size_t n) {
        char *room = buffer_reserve(buffer, n);

        if (!room)
                return -ENOMEM;
        if (n > 0)
                memcpy(room, data, n);
        buffer_commit(buffer, n);
        return 0;
}

void buffer_truncate(struct buffer *buffer, size_t n) {
        buffer->end = buffer->start + n;
}

void buffer_consume(struct buffer *buffer, size_t n) {
        buffer->start += n;
        if (buffer->start < buffer->end)
                return;
        if (buffer->allocated > BUFFER_KEEP)
                buffer_done(buffer);
        buffer->start = 0;
        buffer->end = 0;
}
