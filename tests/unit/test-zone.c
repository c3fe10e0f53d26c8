/* SPDX-License-Identifier: MIT */
/* zone: local time as the file and its rule say, both ways. */
#include "support/zone-image.h"

#include <check.h>
#include <inttypes.h>

static void assert_resolves(const struct zone *zone, int64_t local, enum zone_local kind, int64_t first,
                            int64_t second) {
        int64_t utc[2];
        enum zone_local is = zone_resolve(zone, local, utc);

        ck_assert_msg(is == kind && utc[0] == first && utc[1] == second,
                      "%" PRId64 ": %d %" PRId64 " %" PRId64 ", not %d %" PRId64 " %" PRId64, local, is, utc[0], utc[1],
                      kind, first, second);
}

START_TEST(transitions_are_followed) {
        struct zone *zone = zone_of_file(&zone_file_eventful);

        ck_assert_str_eq(zone_name(zone), "Test/Zone");
        zone_assert_at(zone, INT64_MIN, 1172, false, "LMT");
        zone_assert_at(zone, -3000000001, 1172, false, "LMT");
        zone_assert_at(zone, -3000000000, 3600, false, "AAA");
        zone_assert_at(zone, 999999, 3600, false, "AAA");
        zone_assert_at(zone, 1000000, 86400, true, "BBB");
        zone_assert_at(zone, 2000000, 3600, false, "AAA");
        zone_assert_at(zone, 3000000, 3600, false, "CCC");
        zone_assert_at(zone, 4000000, 3600, false, "CET"); /* from the last transition on the rule */
        zone_assert_at(zone, zone_secs(2026, 7, 1, 0, 0, 0), 7200, true, "CEST");
        zone_assert_at(zone, zone_secs(98000, 12, 1, 0, 0, 0), 3600, false, "CET");

        ck_assert_int_eq(zone_next_change(zone, INT64_MIN), -3000000000);
        ck_assert_int_eq(zone_next_change(zone, -3000000000), 1000000);
        ck_assert_int_eq(zone_next_change(zone, 1000000), 2000000);
        /* Names alone are no change. */
        ck_assert_int_eq(zone_next_change(zone, 2000000), zone_secs(1970, 3, 29, 1, 0, 0));
        ck_assert_int_eq(zone_next_change(zone, INT64_MAX), INT64_MAX);
        zone_unref(zone);
}
END_TEST

START_TEST(local_time_is_resolved) {
        struct zone *zone = zone_of_file(&zone_file_eventful);

        assert_resolves(zone, 500000, ZONE_UNIQUE, 500000 - 3600, 500000 - 3600);
        assert_resolves(zone, 1000000 + 3599, ZONE_UNIQUE, 999999, 999999);
        assert_resolves(zone, 1000000 + 3600, ZONE_GAP, 1000000, 1000000);
        assert_resolves(zone, 1000000 + 86399, ZONE_GAP, 1000000, 1000000);
        assert_resolves(zone, 1000000 + 86400, ZONE_UNIQUE, 1000000, 1000000);
        assert_resolves(zone, 2000000 + 3599, ZONE_UNIQUE, 2000000 + 3599 - 86400, 2000000 + 3599 - 86400);
        assert_resolves(zone, 2000000 + 3600, ZONE_REPEATED, 2000000 + 3600 - 86400, 2000000);
        assert_resolves(zone, 2000000 + 86399, ZONE_REPEATED, 1999999, 2000000 + 86399 - 3600);
        assert_resolves(zone, 2000000 + 86400, ZONE_UNIQUE, 2000000 + 86400 - 3600, 2000000 + 86400 - 3600);
        /* By the rule. */
        assert_resolves(zone, zone_secs(2026, 3, 29, 2, 30, 0), ZONE_GAP, zone_secs(2026, 3, 29, 1, 0, 0),
                        zone_secs(2026, 3, 29, 1, 0, 0));
        assert_resolves(zone, zone_secs(2026, 10, 25, 2, 30, 0), ZONE_REPEATED, zone_secs(2026, 10, 25, 0, 30, 0),
                        zone_secs(2026, 10, 25, 1, 30, 0));
        assert_resolves(zone, zone_secs(2026, 10, 25, 3, 0, 0), ZONE_UNIQUE, zone_secs(2026, 10, 25, 2, 0, 0),
                        zone_secs(2026, 10, 25, 2, 0, 0));
        zone_unref(zone);
}
END_TEST

/* Forward, and within the hour forward, back and forward again. */
static const struct zone_file hectic = {
        .version = '2',
        .changes = { { 1000, 1 }, { 2000, 0 }, { 3000, 1 }, { 4000, 2 } },
        .n_changes = 4,
        .types = { { 0, 0, 0 }, { 3600, 1, 0 }, { -3600, 0, 0 } },
        .n_types = 3,
        .chars = "ABC",
        .footer = "",
};

START_TEST(changes_near_each_other_are_told_apart) {
        struct zone *zone = zone_of_file(&hectic);

        assert_resolves(zone, 999, ZONE_REPEATED, 999, 4599);
        assert_resolves(zone, 400, ZONE_REPEATED, 400, 4000);
        assert_resolves(zone, 399, ZONE_UNIQUE, 399, 399);
        assert_resolves(zone, 1000, ZONE_UNIQUE, 4600, 4600);
        zone_unref(zone);
}
END_TEST

START_TEST(gaps_near_each_other_are_told_apart) {
        struct zone_file file = hectic;
        struct zone *zone;

        file.n_changes = 3;
        zone = zone_of_file(&file);
        assert_resolves(zone, 1000, ZONE_GAP, 1000, 1000);
        assert_resolves(zone, 3000, ZONE_GAP, 1000, 1000);
        assert_resolves(zone, 2500, ZONE_UNIQUE, 2500, 2500);
        assert_resolves(zone, 5000, ZONE_UNIQUE, 1400, 1400);
        assert_resolves(zone, 6000, ZONE_GAP, 3000, 3000);
        zone_unref(zone);
}
END_TEST

START_TEST(a_zone_without_rule_stays_as_it_was) {
        struct zone_file file = zone_file_eventful;
        struct zone *zone;

        file.footer = "";
        zone = zone_of_file(&file);
        zone_assert_at(zone, 4000000, 3600, false, "AAA");
        zone_assert_at(zone, zone_secs(2026, 7, 1, 0, 0, 0), 3600, false, "AAA");
        ck_assert_int_eq(zone_next_change(zone, 2000000), INT64_MAX);
        zone_unref(zone);
}
END_TEST

static void assert_equal(const struct zone_file *a, const struct zone_file *b, bool equal) {
        struct zone *of_a = zone_of_file(a), *of_b = zone_of_file(b);

        ck_assert(zone_equal(of_a, of_b) == equal);
        ck_assert(zone_equal(of_b, of_a) == equal);
        zone_unref(of_a);
        zone_unref(of_b);
}

START_TEST(zones_that_tell_the_same_are_equal) {
        struct zone_file other = zone_file_eventful, fat;

        assert_equal(&zone_file_eventful, &other, true);
        other.version = '4';
        assert_equal(&zone_file_eventful, &other, true);
        other.footer = "CET-1CEST,M3.5.0,M10.4.0/3";
        assert_equal(&zone_file_eventful, &other, false);
        other.footer = "CET-1CESS,M3.5.0,M10.5.0/3";
        assert_equal(&zone_file_eventful, &other, false);
        other = zone_file_eventful;
        other.changes[1].at++;
        assert_equal(&zone_file_eventful, &other, false);

        /* What the rule would say anyway may be written out. */
        fat = (struct zone_file){ .version = '2',
                                  .types = { { 3600, 0, 0 }, { 7200, 1, 4 } },
                                  .n_types = 2,
                                  .chars = "CET\0CEST",
                                  .n_chars = 9,
                                  .footer = "CET-1CEST,M3.5.0,M10.5.0/3" };
        other = fat;
        other.n_changes = 1;
        fat.changes[0] = other.changes[0] = (struct zone_file_change){ zone_secs(2026, 3, 29, 1, 0, 0), 1 };
        fat.changes[1] = (struct zone_file_change){ zone_secs(2026, 10, 25, 1, 0, 0), 0 };
        fat.changes[2] = (struct zone_file_change){ zone_secs(2027, 3, 28, 1, 0, 0), 1 };
        fat.n_changes = 3;
        assert_equal(&fat, &other, true);
        fat.changes[1].at -= 3600;
        assert_equal(&fat, &other, false);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("zone");
        TCase *tcase = tcase_create("zone");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, transitions_are_followed);
        tcase_add_test(tcase, local_time_is_resolved);
        tcase_add_test(tcase, changes_near_each_other_are_told_apart);
        tcase_add_test(tcase, gaps_near_each_other_are_told_apart);
        tcase_add_test(tcase, a_zone_without_rule_stays_as_it_was);
        tcase_add_test(tcase, zones_that_tell_the_same_are_equal);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
