/* SPDX-License-Identifier: MIT */
/* arena: memory that is freed all at once. */
#include "config/arena.h"

#include <stdalign.h>

#define CHUNK_SIZE (64 * 1024)

struct arena_chunk {
        struct arena_chunk *next;
        size_t used;
        size_t size;
        alignas(max_align_t) char data[];
};

void arena_done(struct arena *arena) {
        for (struct arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
                next = chunk->next;
                free(chunk);
        }
        arena->chunks = NULL;
}

void *arena_alloc(struct arena *arena, size_t size) {
        struct arena_chunk *chunk = arena->chunks;
        void *p;

        size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
        if (!chunk || chunk->size - chunk->used < size) {
                size_t room = MAX(size, (size_t)CHUNK_SIZE);

                chunk = calloc(1, sizeof(*chunk) + room);
                if (!chunk)
                        return NULL;
                chunk->size = room;
                chunk->next = arena->chunks;
                arena->chunks = chunk;
        }
        p = chunk->data + chunk->used;
        chunk->used += size;
        return p;
}

char *arena_strndup(struct arena *arena, const char *s, size_t n) {
        char *copy = arena_alloc(arena, n + 1);

        if (!copy)
                return NULL;
        memcpy(copy, s, n);
        copy[n] = '\0';
        return copy;
}
