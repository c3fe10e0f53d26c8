/* SPDX-License-Identifier: MIT */
/* heap: the smallest node is on top whatever is inserted, removed or changed; checked against a plain scan. */
#include "base/heap.h"

#include <check.h>

#define N_ITEMS 200

struct item {
        int key;
        struct heap_node node;
};

static int item_compare(const struct heap_node *a, const struct heap_node *b) {
        int x = CONTAINER_OF(a, const struct item, node)->key, y = CONTAINER_OF(b, const struct item, node)->key;

        return (x > y) - (x < y);
}

static int top_key(const struct heap *heap) {
        return CONTAINER_OF(heap_top(heap), const struct item, node)->key;
}

static const struct {
        const char *name;
        int keys[8];
        int sorted[8];
} orders[] = {
        { "ascending", { 1, 2, 3, 4, 5, 6, 7, 8 }, { 1, 2, 3, 4, 5, 6, 7, 8 } },
        { "descending", { 8, 7, 6, 5, 4, 3, 2, 1 }, { 1, 2, 3, 4, 5, 6, 7, 8 } },
        { "mixed", { 5, -1, 9, 0, 3, 3, -7, 2 }, { -7, -1, 0, 2, 3, 3, 5, 9 } },
        { "equal", { 4, 4, 4, 4, 4, 4, 4, 4 }, { 4, 4, 4, 4, 4, 4, 4, 4 } },
};

START_TEST(nodes_leave_in_order) {
        struct item items[8] = { 0 };
        struct heap heap;

        heap_init(&heap, item_compare);
        ck_assert_int_eq(heap_reserve(&heap, 8), 0);
        for (int i = 0; i < 8; i++) {
                items[i].key = orders[_i].keys[i];
                heap_insert(&heap, &items[i].node);
        }
        for (int i = 0; i < 8; i++) {
                ck_assert_msg(top_key(&heap) == orders[_i].sorted[i], "%s: place %d: %d, expected %d", orders[_i].name,
                              i, top_key(&heap), orders[_i].sorted[i]);
                heap_remove(&heap, heap_top(&heap));
        }
        ck_assert_ptr_null(heap_top(&heap));
        heap_done(&heap);
}
END_TEST

START_TEST(removing_what_is_not_there_is_harmless) {
        struct item item = { .key = 1 };
        struct heap heap;

        heap_init(&heap, item_compare);
        heap_remove(&heap, &item.node);
        ck_assert_int_eq(heap_reserve(&heap, 1), 0);
        heap_insert(&heap, &item.node);
        ck_assert(heap_contains(&item.node));
        heap_remove(&heap, &item.node);
        heap_remove(&heap, &item.node);
        ck_assert(!heap_contains(&item.node));
        ck_assert_uint_eq(heap.n, 0);
        heap_done(&heap);
}
END_TEST

/* The invariant itself: no node comes before its parent, and each knows its slot. Plain comparisons, because Check
 * makes system calls for each assertion that holds. */
static void assert_heap(const struct heap *heap) {
        for (size_t slot = 1; slot <= heap->n; slot++) {
                if (heap->nodes[slot]->slot != slot)
                        ck_abort_msg("slot %zu holds a node that says %zu", slot, heap->nodes[slot]->slot);
                if (slot > 1 && item_compare(heap->nodes[slot], heap->nodes[slot / 2]) < 0)
                        ck_abort_msg("slot %zu comes before its parent", slot);
        }
}

static int scan_smallest(const struct item *items) {
        int smallest = INT32_MAX;

        for (int i = 0; i < N_ITEMS; i++) {
                if (heap_contains(&items[i].node))
                        smallest = MIN(smallest, items[i].key);
        }
        return smallest;
}

START_TEST(random_walk_agrees_with_a_scan) {
        struct item items[N_ITEMS] = { 0 };
        struct heap heap;
        size_t n = 0;

        srandom((unsigned)_i);
        heap_init(&heap, item_compare);
        for (int step = 0; step < 5000; step++) {
                struct item *item = &items[random() % N_ITEMS];

                if (!heap_contains(&item->node)) {
                        ck_assert_int_eq(heap_reserve(&heap, ++n), 0);
                        item->key = (int)(random() % 50);
                        heap_insert(&heap, &item->node);
                } else if (random() % 2 == 0) {
                        heap_remove(&heap, &item->node);
                        n--;
                } else {
                        item->key = (int)(random() % 50);
                        heap_adjust(&heap, &item->node);
                }
                ck_assert_uint_eq(heap.n, n);
                assert_heap(&heap);
                if (n > 0)
                        ck_assert_int_eq(top_key(&heap), scan_smallest(items));
        }
        heap_done(&heap);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("heap");
        TCase *tcase = tcase_create("heap");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, nodes_leave_in_order, 0, (int)ARRAY_SIZE(orders));
        tcase_add_test(tcase, removing_what_is_not_there_is_harmless);
        tcase_add_loop_test(tcase, random_walk_agrees_with_a_scan, 1, 6);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
