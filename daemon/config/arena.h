/* SPDX-License-Identifier: MIT */
#pragma once
/* arena: memory that is freed all at once: what is read of the files, until a configuration is made of it. */
#include "base/macros.h"

struct arena_chunk;

struct arena {
        struct arena_chunk *chunks;
};

void arena_done(struct arena *arena);

/* Zeroed bytes, aligned for any type, or NULL. */
void *arena_alloc(struct arena *arena, size_t size);

/* Copies, with a NUL behind. NULL: out of memory. */
char *arena_strndup(struct arena *arena, const char *s, size_t n);
