/* SPDX-License-Identifier: MIT */
/* list: order, removal at any time, splicing, and a long random walk against an array. */
#include "base/list.h"

#include <check.h>

struct item {
        int value;
        struct list link;
};

/* Compares the list, forwards and backwards, with @n expected values. */
static void assert_list(struct list *head, const int *expected, size_t n) {
        struct list *link = head->prev;
        struct item *item;
        size_t i = 0;

        list_for_each_entry(item, head, link) {
                ck_assert_uint_lt(i, n);
                ck_assert_int_eq(item->value, expected[i++]);
        }
        ck_assert_uint_eq(i, n);

        for (; link != head; link = link->prev)
                ck_assert_int_eq(list_entry(link, struct item, link)->value, expected[--i]);
        ck_assert_uint_eq(i, 0);
}

START_TEST(append_and_prepend_keep_order) {
        struct list head = LIST_INIT(head);
        struct item items[] = { { .value = 0 }, { .value = 1 }, { .value = 2 } };

        ck_assert(list_empty(&head));
        ck_assert_ptr_null(list_first_entry(&head, struct item, link));
        list_append(&head, &items[1].link);
        list_append(&head, &items[2].link);
        list_prepend(&head, &items[0].link);

        ck_assert(!list_empty(&head));
        ck_assert_ptr_eq(list_first_entry(&head, struct item, link), &items[0]);
        assert_list(&head, (const int[]){ 0, 1, 2 }, 3);
}
END_TEST

START_TEST(removing_twice_is_harmless) {
        struct list head = LIST_INIT(head);
        struct item items[] = { { .value = 0 }, { .value = 1 } };

        list_append(&head, &items[0].link);
        list_append(&head, &items[1].link);
        for (int i = 0; i < 2; i++) {
                list_remove(&items[0].link);
                ck_assert(!list_linked(&items[0].link));
                assert_list(&head, (const int[]){ 1 }, 1);
        }
        list_remove(&items[1].link);
        ck_assert(list_empty(&head));
}
END_TEST

START_TEST(the_current_entry_may_be_removed_while_walking) {
        struct list head = LIST_INIT(head);
        struct item items[6], *item, *tmp;

        for (int i = 0; i < 6; i++) {
                items[i].value = i;
                list_append(&head, &items[i].link);
        }
        list_for_each_entry_safe(item, tmp, &head, link) {
                if (item->value % 2 == 0)
                        list_remove(&item->link);
        }
        assert_list(&head, (const int[]){ 1, 3, 5 }, 3);
}
END_TEST

static const struct { int n_to, n_from; } splices[] = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 }, { 2, 3 } };

START_TEST(splice_moves_all) {
        struct list to = LIST_INIT(to), from = LIST_INIT(from);
        int n = splices[_i].n_to + splices[_i].n_from;
        const int expected[] = { 0, 1, 2, 3, 4 };
        struct item items[5];

        for (int i = 0; i < n; i++) {
                items[i].value = i;
                list_append(i < splices[_i].n_to ? &to : &from, &items[i].link);
        }
        list_splice(&to, &from);
        ck_assert(list_empty(&from));
        assert_list(&to, expected, (size_t)n);
}
END_TEST

START_TEST(random_walk_agrees_with_an_array) {
        struct list head = LIST_INIT(head);
        struct item items[64];
        int order[64];
        size_t n = 0;

        for (int i = 0; i < 64; i++) {
                items[i].value = i;
                list_init(&items[i].link);
        }
        srandom(1);
        for (int step = 0; step < 5000; step++) {
                int pick = (int)(random() % 64);
                struct list *link = &items[pick].link;

                if (!list_linked(link)) {
                        list_append(&head, link);
                        order[n++] = pick;
                } else {
                        size_t at = 0;

                        while (order[at] != pick)
                                at++;
                        memmove(&order[at], &order[at + 1], (--n - at) * sizeof(*order));
                        list_remove(link);
                }
                if (step % 50 == 0)
                        assert_list(&head, order, n);
        }
        assert_list(&head, order, n);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("list");
        TCase *tcase = tcase_create("list");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, append_and_prepend_keep_order);
        tcase_add_test(tcase, removing_twice_is_harmless);
        tcase_add_test(tcase, the_current_entry_may_be_removed_while_walking);
        tcase_add_loop_test(tcase, splice_moves_all, 0, (int)ARRAY_SIZE(splices));
        tcase_add_test(tcase, random_walk_agrees_with_an_array);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
