/* SPDX-License-Identifier: MIT */
#pragma once
/* heap: an intrusive binary min-heap.
 *
 * The heap stores pointers to nodes that live inside their owners; a node knows its slot, so that removing any node is
 * O(log n). Memory is reserved ahead with heap_reserve(), after which inserting cannot fail: a timer that was once
 * initialised can always be armed.
 */
#include "base/macros.h"

struct heap_node {
        size_t slot; /* 1-based; 0 when not in a heap */
};

/* Less than zero when @a comes before @b. */
typedef int (*heap_compare_fn)(const struct heap_node *a, const struct heap_node *b);

struct heap {
        struct heap_node **nodes; /* nodes[0] is unused */
        size_t n;
        size_t n_allocated;
        heap_compare_fn compare;
};

void heap_init(struct heap *heap, heap_compare_fn compare);
void heap_done(struct heap *heap);

/* Makes room for @n nodes in all. Returns 0 or -ENOMEM. */
int heap_reserve(struct heap *heap, size_t n);

static inline bool heap_contains(const struct heap_node *node) {
        return node->slot > 0;
}

static inline struct heap_node *heap_top(const struct heap *heap) {
        return heap->n > 0 ? heap->nodes[1] : NULL;
}

/* Inserts @node, which must not be in a heap, within the reserved room. */
void heap_insert(struct heap *heap, struct heap_node *node);

/* Removes @node; harmless when it is not in the heap. */
void heap_remove(struct heap *heap, struct heap_node *node);

/* Puts @node where it belongs after its key changed. */
void heap_adjust(struct heap *heap, struct heap_node *node);
