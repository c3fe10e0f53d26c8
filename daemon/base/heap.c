/* SPDX-License-Identifier: MIT */
/* heap: an intrusive binary min-heap, see heap.h. */
#include "base/heap.h"

#include <assert.h>

void heap_init(struct heap *heap, heap_compare_fn compare) {
        *heap = (struct heap){ .compare = compare };
}

void heap_done(struct heap *heap) {
        free(heap->nodes);
        *heap = (struct heap){ .compare = heap->compare };
}

int heap_reserve(struct heap *heap, size_t n) {
        struct heap_node **nodes;
        size_t want = MAX(heap->n_allocated, (size_t)16);

        if (n < heap->n_allocated)
                return 0;
        while (want <= n)
                want *= 2;

        nodes = reallocarray(heap->nodes, want, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;
        heap->nodes = nodes;
        heap->n_allocated = want;
        return 0;
}

static void place(struct heap *heap, struct heap_node *node, size_t slot) {
        heap->nodes[slot] = node;
        node->slot = slot;
}

static void sift_up(struct heap *heap, struct heap_node *node) {
        size_t slot = node->slot;

        while (slot > 1 && heap->compare(node, heap->nodes[slot / 2]) < 0) {
                place(heap, heap->nodes[slot / 2], slot);
                slot /= 2;
        }
        place(heap, node, slot);
}

static void sift_down(struct heap *heap, struct heap_node *node) {
        size_t slot = node->slot;

        for (;;) {
                size_t child = slot * 2;

                if (child > heap->n)
                        break;
                if (child < heap->n && heap->compare(heap->nodes[child + 1], heap->nodes[child]) < 0)
                        child++;
                if (heap->compare(heap->nodes[child], node) >= 0)
                        break;
                place(heap, heap->nodes[child], slot);
                slot = child;
        }
        place(heap, node, slot);
}

void heap_insert(struct heap *heap, struct heap_node *node) {
        assert(node->slot == 0);
        assert(heap->n + 1 < heap->n_allocated);

        place(heap, node, ++heap->n);
        sift_up(heap, node);
}

void heap_remove(struct heap *heap, struct heap_node *node) {
        size_t slot = node->slot;
        struct heap_node *last;

        if (slot == 0)
                return;
        assert(slot <= heap->n && heap->nodes[slot] == node);

        last = heap->nodes[heap->n--];
        node->slot = 0;
        if (last == node)
                return;
        place(heap, last, slot);
        heap_adjust(heap, last);
}

void heap_adjust(struct heap *heap, struct heap_node *node) {
        sift_up(heap, node);
        sift_down(heap, node);
}
