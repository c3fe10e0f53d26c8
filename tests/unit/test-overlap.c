/* SPDX-License-Identifier: MIT */
/* overlap: slots are given in the order of asking, never more than there are. */
#include "run/overlap.h"

#include <check.h>

#define N 5

static struct overlap overlap;
static struct overlap_slot slots[N];
static unsigned order[N];
static unsigned n_told;

static void on_granted(struct overlap_slot *slot, void *arg) {
        ck_assert(slot->held);
        order[n_told++] = (unsigned)((struct overlap_slot *)arg - slots);
}

static bool ask(unsigned i) {
        return overlap_request(&overlap, &slots[i], on_granted, &slots[i]);
}

static void setup(unsigned max) {
        memset(slots, 0, sizeof(slots));
        n_told = 0;
        overlap_init(&overlap, max);
}

START_TEST(one_holds_the_others_wait_in_their_order) {
        setup(1);
        ck_assert(ask(0));
        ck_assert(!ask(1));
        ck_assert(!ask(2));
        ck_assert_uint_eq(n_told, 0);
        overlap_release(&slots[0]);
        ck_assert_uint_eq(n_told, 1);
        ck_assert_uint_eq(order[0], 1);
        ck_assert_uint_eq(overlap.held, 1);
        overlap_release(&slots[1]);
        overlap_release(&slots[2]);
        ck_assert_uint_eq(order[1], 2);
        ck_assert(overlap_is_free(&overlap));
        ck_assert_uint_eq(overlap.held, 0);
}
END_TEST

START_TEST(n_hold_at_once) {
        setup(3);
        for (unsigned i = 0; i < N; i++)
                ck_assert_int_eq(ask(i), i < 3);
        overlap_release(&slots[1]);
        ck_assert_uint_eq(order[0], 3);
        ck_assert_uint_eq(overlap.held, 3);
}
END_TEST

START_TEST(one_that_gives_up_is_not_told) {
        setup(1);
        (void)ask(0);
        (void)ask(1);
        (void)ask(2);
        overlap_release(&slots[1]);
        overlap_release(&slots[0]);
        ck_assert_uint_eq(n_told, 1);
        ck_assert_uint_eq(order[0], 2);
}
END_TEST

START_TEST(releasing_twice_or_what_was_never_asked_is_harmless) {
        setup(1);
        overlap_release(&slots[4]);
        (void)ask(0);
        overlap_release(&slots[0]);
        overlap_release(&slots[0]);
        ck_assert_uint_eq(overlap.held, 0);
        ck_assert(ask(0));
}
END_TEST

START_TEST(nobody_passes_those_who_wait) {
        setup(1);
        (void)ask(0);
        (void)ask(1);
        overlap.max = 2; /* as a reload may do: the next end serves them */
        ck_assert(!ask(2));
        overlap_release(&slots[0]);
        ck_assert_uint_eq(n_told, 2);
        ck_assert_uint_eq(order[0], 1);
        ck_assert_uint_eq(order[1], 2);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("overlap");
        TCase *tcase = tcase_create("overlap");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, one_holds_the_others_wait_in_their_order);
        tcase_add_test(tcase, n_hold_at_once);
        tcase_add_test(tcase, one_that_gives_up_is_not_told);
        tcase_add_test(tcase, releasing_twice_or_what_was_never_asked_is_harmless);
        tcase_add_test(tcase, nobody_passes_those_who_wait);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
