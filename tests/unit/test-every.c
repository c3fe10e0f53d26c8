/* SPDX-License-Identifier: MIT */
/* every: due times never drift, and the splay of a machine is its own and stays. */
#include "when/every.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

static const struct {
        usec_t anchor, interval, after, next;
} next_cases[] = {
        { 100, 10, 100, 110 },
        { 100, 10, 109, 110 },
        { 100, 10, 110, 120 },
        { 100, 10, 1115, 1120 },
        { 100, 10, 0, 110 }, /* the first due time is one interval after the anchor, whenever one asks */
        { 0, 1, 0, 1 },
        { 7, 300 * USEC_PER_SEC, 7 + 3000 * USEC_PER_SEC, 7 + 3300 * USEC_PER_SEC },
        { 100, USEC_INFINITY, 200, USEC_INFINITY },
};

START_TEST(next_is_on_the_grid) {
        usec_t next = every_next(next_cases[_i].anchor, next_cases[_i].interval, next_cases[_i].after);

        ck_assert_msg(next == next_cases[_i].next, "case %d: %" PRIu64 ", not %" PRIu64, _i, next, next_cases[_i].next);
}
END_TEST

START_TEST(splay_is_stable_and_below_its_bound) {
        usec_t first = every_splay(USEC_PER_HOUR, "machine", "host", "task");

        ck_assert_uint_eq(every_splay(USEC_PER_HOUR, "machine", "host", "task"), first);
        ck_assert_uint_lt(first, USEC_PER_HOUR);
        ck_assert_uint_eq(every_splay(0, "machine", "host", "task"), 0);
}
END_TEST

START_TEST(splay_differs_by_each_part) {
        usec_t base = every_splay(USEC_PER_HOUR, "machine", "host", "task");

        ck_assert_uint_ne(every_splay(USEC_PER_HOUR, "machine2", "host", "task"), base);
        ck_assert_uint_ne(every_splay(USEC_PER_HOUR, "machine", "host2", "task"), base);
        ck_assert_uint_ne(every_splay(USEC_PER_HOUR, "machine", "host", "task2"), base);
        /* The parts are kept apart. */
        ck_assert_uint_ne(every_splay(USEC_PER_HOUR, "machineh", "ost", "task"), base);
}
END_TEST

START_TEST(splay_spreads_a_fleet) {
        unsigned buckets[10] = { 0 };

        for (unsigned i = 0; i < 1000; i++) {
                char host[32];

                (void)snprintf(host, sizeof(host), "host%u", i);
                buckets[every_splay(10000, "machine", host, "task") / 1000]++;
        }
        for (size_t i = 0; i < ARRAY_SIZE(buckets); i++)
                ck_assert_msg(buckets[i] > 50 && buckets[i] < 200, "bucket %zu has %u of 1000", i, buckets[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("every");
        TCase *tcase = tcase_create("every");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, next_is_on_the_grid, 0, ARRAY_SIZE(next_cases));
        tcase_add_test(tcase, splay_is_stable_and_below_its_bound);
        tcase_add_test(tcase, splay_differs_by_each_part);
        tcase_add_test(tcase, splay_spreads_a_fleet);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
