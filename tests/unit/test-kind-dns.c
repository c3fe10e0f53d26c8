/* SPDX-License-Identifier: MIT */
/* kind_dns: names resolve to what is expected, afresh each time, and a name server that hangs holds up its own run only. */
#include "support/fake-getaddrinfo.h"
#include "support/task-bed.h"

#include <check.h>

static struct task_bed bed;

static void setup(void) {
        fake_getaddrinfo_reset();
        fake_getaddrinfo_add("one.test", "192.0.2.1", 0);
        fake_getaddrinfo_add("two.test", "192.0.2.1 2001:db8::2", 0);
        task_bed_open(&bed);
        (void)task_bed_task(&bed, &kind_dns);
}

static void teardown(void) {
        task_bed_close(&bed);
}

static const struct {
        const char *name;
        const char *expect;
        enum error_kind error;
        const char *detail;
} cases[] = {
        { "one.test", NULL, ERROR_NONE, "" },
        { "none.test", NULL, ERROR_RESOLVE, "none.test: Name or service not known" },
        { "one.test", "192.0.2.1", ERROR_NONE, "" },
        { "two.test", "2001:0db8:0::0002 192.0.2.1", ERROR_NONE, "" },
        { "one.test", "192.0.2.2", ERROR_MISMATCH, "192.0.2.2 is not among the answers: 192.0.2.1" },
        { "two.test", "192.0.2.1 ::1", ERROR_MISMATCH, "::1 is not among the answers: 192.0.2.1 2001:db8::2" },
};

START_TEST(a_name_is_checked) {
        bed.task->dns->resolve = strdup(cases[_i].name);
        bed.task->dns->expect = cases[_i].expect ? task_bed_words(cases[_i].expect) : NULL;
        task_bed_run(&bed);
        task_bed_check(&bed, cases[_i].error, cases[_i].detail);
}
END_TEST

START_TEST(each_run_asks_afresh) {
        bed.task->dns->resolve = strdup("one.test");
        task_bed_run(&bed);
        task_bed_run(&bed);
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 2);
}
END_TEST

START_TEST(a_name_server_that_hangs_leaves_a_remnant) {
        fake_getaddrinfo_stall();
        bed.task->dns->resolve = strdup("one.test");
        task_bed_cancel_busy(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_CANCELLED);
        ck_assert_ptr_nonnull(strstr(task_bed_remnant_doing(&bed), "looks one.test up"));
        fake_getaddrinfo_release();
        task_bed_wait_remnants(&bed);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("kind-dns");
        TCase *tcase = tcase_create("kind-dns");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, a_name_is_checked, 0, ARRAY_SIZE(cases));
        tcase_add_test(tcase, each_run_asks_afresh);
        tcase_add_test(tcase, a_name_server_that_hangs_leaves_a_remnant);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
