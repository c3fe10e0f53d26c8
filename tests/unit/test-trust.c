/* SPDX-License-Identifier: MIT */
/* trust: certificates are shared, and read again when they are stale, by one who asks. */
#include "task/trust.h"

#include "support/fake-clock.h"

#include <check.h>

static struct trust *trust;

static void setup(void) {
        ck_assert_int_eq(trust_new(&trust), 0);
}

static void teardown(void) {
        trust_free(trust);
}

static struct stream_tls *read_system(void) {
        struct stream_tls *tls = NULL;

        ck_assert_int_eq(stream_tls_new(NULL, &tls), 0);
        return tls;
}

START_TEST(what_was_read_is_shared_by_file) {
        struct stream_tls *system = read_system(), *file = read_system();

        ck_assert_ptr_null(trust_get(trust, NULL));
        ck_assert_ptr_null(trust_get(trust, "/ca.pem"));
        ck_assert_ptr_eq(trust_put(trust, NULL, system), system);
        ck_assert_ptr_eq(trust_put(trust, "/ca.pem", file), file);
        ck_assert_ptr_eq(trust_get(trust, NULL), system);
        ck_assert_ptr_eq(trust_get(trust, "/ca.pem"), file);
        ck_assert_ptr_null(trust_get(trust, "/other.pem"));
        ck_assert_uint_ne(stream_tls_id(system), stream_tls_id(file));
}
END_TEST

START_TEST(the_first_to_be_done_wins) {
        struct stream_tls *first = read_system(), *second = read_system();

        ck_assert_ptr_eq(trust_put(trust, "/ca.pem", first), first);
        ck_assert_ptr_eq(trust_put(trust, "/ca.pem", second), first);
        ck_assert_ptr_eq(trust_get(trust, "/ca.pem"), first);
}
END_TEST

static const struct {
        const char *ca_file;
        usec_t fresh_usec;
} freshness[] = {
        { NULL, USEC_PER_HOUR },
        { "/ca.pem", USEC_PER_MINUTE },
};

START_TEST(one_reads_what_is_stale_and_the_others_go_on) {
        const char *ca_file = freshness[_i].ca_file;
        struct stream_tls *old = read_system(), *new = read_system();

        (void)trust_put(trust, ca_file, old);
        fake_clock_advance(freshness[_i].fresh_usec - 1);
        ck_assert_ptr_eq(trust_get(trust, ca_file), old);
        fake_clock_advance(1);
        ck_assert_ptr_null(trust_get(trust, ca_file));
        ck_assert_ptr_eq(trust_get(trust, ca_file), old);
        ck_assert_ptr_eq(trust_put(trust, ca_file, new), new);
        ck_assert_ptr_eq(trust_get(trust, ca_file), new);
}
END_TEST

START_TEST(who_reads_again_may_fail) {
        struct stream_tls *old = read_system();

        (void)trust_put(trust, NULL, old);
        fake_clock_advance(USEC_PER_HOUR);
        ck_assert_ptr_null(trust_get(trust, NULL));
        ck_assert_ptr_eq(trust_get(trust, NULL), old);
        fake_clock_advance(USEC_PER_MINUTE);
        ck_assert_ptr_null(trust_get(trust, NULL));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("trust");
        TCase *tcase = tcase_create("trust");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, what_was_read_is_shared_by_file);
        tcase_add_test(tcase, the_first_to_be_done_wins);
        tcase_add_loop_test(tcase, one_reads_what_is_stale_and_the_others_go_on, 0, ARRAY_SIZE(freshness));
        tcase_add_test(tcase, who_reads_again_may_fail);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
