/* SPDX-License-Identifier: MIT */
/* histogram: percentiles are within the promised error of the exact ones, ends are exact, adding loses nothing; recent:
 * what is old is forgotten. */
#include "base/recent.h"

#include <check.h>
#include <inttypes.h>

#define N_VALUES 20000

static int usec_compare(const void *a, const void *b) {
        usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;

        return x < y ? -1 : x > y;
}

static void assert_near(const char *what, usec_t value, usec_t exact) {
        usec_t error = value > exact ? value - exact : exact - value;

        ck_assert_msg(error * 100 <= exact * 2, "%s: %" PRIu64 ", exactly %" PRIu64, what, value, exact);
}

/* Spread over @bits powers of two, as durations are. */
static usec_t random_usec(unsigned bits) {
        return ((usec_t)random() << 31 | (usec_t)random()) & ((UINT64_C(1) << (1 + (unsigned)random() % bits)) - 1);
}

static const unsigned spreads[] = { 3, 7, 12, 20, 30, 40 };

START_TEST(percentiles_agree_with_sorting) {
        static usec_t values[N_VALUES];
        static struct histogram histogram;

        srandom((unsigned)_i);
        histogram_reset(&histogram);
        for (size_t i = 0; i < N_VALUES; i++) {
                values[i] = random_usec(spreads[_i]);
                histogram_record(&histogram, values[i]);
        }
        qsort(values, N_VALUES, sizeof(values[0]), usec_compare);
        for (unsigned permille = 1; permille <= 1000; permille++)
                assert_near("percentile", histogram_percentile(&histogram, permille),
                            values[(N_VALUES * permille + 999) / 1000 - 1]);
}
END_TEST

START_TEST(counts_and_sums_agree_with_adding_up) {
        static struct histogram histogram;
        usec_t sum = 0;

        srandom(1);
        histogram_reset(&histogram);
        ck_assert_uint_eq(histogram_count_upto(&histogram, USEC_INFINITY), 0);
        for (usec_t usec = 0; usec < 10000; usec++) {
                histogram_record(&histogram, usec);
                sum += usec;
        }
        ck_assert_uint_eq(histogram.sum_usec, sum);
        ck_assert_uint_eq(histogram_count_upto(&histogram, 0), 1);
        ck_assert_uint_eq(histogram_count_upto(&histogram, 50), 51);
        ck_assert_uint_ge(histogram_count_upto(&histogram, 5000), 5001);
        ck_assert_uint_le(histogram_count_upto(&histogram, 5000), 5001 + 5000 / 32);
        ck_assert_uint_eq(histogram_count_upto(&histogram, 10000), 10000);
        ck_assert_uint_eq(histogram_count_upto(&histogram, USEC_INFINITY), 10000);
}
END_TEST

START_TEST(one_value_is_every_percentile) {
        static const usec_t values[] = {
                0, 1, 31, 32, 63, 64, 65, 1000, 123456789, UINT64_C(1) << 40, USEC_INFINITY - 1
        };
        static struct histogram histogram;

        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                struct histogram_summary summary;

                histogram_reset(&histogram);
                histogram_record(&histogram, values[i]);
                histogram_summarize(&histogram, &summary);
                ck_assert_uint_eq(summary.count, 1);
                ck_assert_uint_eq(summary.min_usec, values[i]);
                ck_assert_uint_eq(summary.p50_usec, values[i]);
                ck_assert_uint_eq(summary.p99_usec, values[i]);
                ck_assert_uint_eq(summary.max_usec, values[i]);
        }
}
END_TEST

START_TEST(an_empty_one_says_zero) {
        static struct histogram histogram;
        struct histogram_summary summary;

        histogram_summarize(&histogram, &summary);
        ck_assert_uint_eq(summary.count, 0);
        ck_assert_uint_eq(summary.min_usec, 0);
        ck_assert_uint_eq(summary.p50_usec, 0);
        ck_assert_uint_eq(summary.max_usec, 0);
}
END_TEST

START_TEST(values_beyond_the_range_keep_the_maximum) {
        static struct histogram histogram;

        histogram_reset(&histogram);
        for (int i = 0; i < 9; i++)
                histogram_record(&histogram, 10);
        histogram_record(&histogram, UINT64_C(1) << 50);
        ck_assert_uint_eq(histogram_percentile(&histogram, 900), 10);
        ck_assert_uint_eq(histogram_percentile(&histogram, 901), UINT64_C(1) << 50);
}
END_TEST

START_TEST(adding_is_recording_both) {
        static struct histogram a, b, both;

        for (usec_t usec = 1; usec < 100000; usec = usec * 3 / 2 + 1) {
                histogram_record(usec % 2 ? &a : &b, usec);
                histogram_record(&both, usec);
        }
        histogram_add(&a, &b);
        ck_assert_mem_eq(&a, &both, sizeof(a));
        histogram_reset(&b);
        histogram_add(&a, &b);
        ck_assert_mem_eq(&a, &both, sizeof(a));
        histogram_add(&b, &a);
        ck_assert_mem_eq(&b, &both, sizeof(b));
}
END_TEST

static usec_t recent_max(const struct recent *recent, usec_t now_usec) {
        struct histogram histogram;

        recent_get(recent, now_usec, &histogram);
        return histogram_percentile(&histogram, 1000);
}

START_TEST(what_is_recent_is_forgotten) {
        static struct recent recent;
        const usec_t span = RECENT_SPAN_USEC;

        ck_assert_uint_eq(recent_max(&recent, 100 * span), 0);
        recent_record(&recent, 100 * span, 7);
        recent_record(&recent, 101 * span - 1, 9);
        ck_assert_uint_eq(recent_max(&recent, 101 * span - 1), 9);
        recent_record(&recent, 101 * span, 3); /* the second half begins */
        ck_assert_uint_eq(recent_max(&recent, 102 * span - 1), 9);
        ck_assert_uint_eq(recent_max(&recent, 102 * span), 3); /* though nothing was recorded since */
        ck_assert_uint_eq(recent_max(&recent, 103 * span), 0);
        recent_record(&recent, 110 * span, 1);
        ck_assert_uint_eq(recent_max(&recent, 110 * span), 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("histogram");
        TCase *tcase = tcase_create("histogram");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, percentiles_agree_with_sorting, 0, (int)ARRAY_SIZE(spreads));
        tcase_add_test(tcase, counts_and_sums_agree_with_adding_up);
        tcase_add_test(tcase, one_value_is_every_percentile);
        tcase_add_test(tcase, an_empty_one_says_zero);
        tcase_add_test(tcase, values_beyond_the_range_keep_the_maximum);
        tcase_add_test(tcase, adding_is_recording_both);
        tcase_add_test(tcase, what_is_recent_is_forgotten);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
