/* SPDX-License-Identifier: MIT */
/* limit-changes: limits that change under those who wait: other numbers, and pauses. */
#include "support/fake-loop.h"
#include "support/limit-bed.h"

#include <check.h>

/* ---- changing the numbers ---- */

START_TEST(more_permits_serve_those_who_wait) {
        a = make("a", 1);
        ask(0, 0, 1, 0);
        ask(1, 0, 1, 0);
        settle();
        ck_assert_int_eq(limit_configure(a, &(struct limit_config){ .permits = 2 }), 0);
        settle();
        check_told("0 1");
}
END_TEST

START_TEST(fewer_permits_take_none_away) {
        a = make("a", 3);
        ask(0, 0, 3, 0);
        ask(1, 0, 3, 0);
        settle();
        ck_assert_int_eq(limit_configure(a, &(struct limit_config){ .permits = 1 }), 0);
        ck_assert_uint_eq(held(a), 3);
        settle();
        drop(0);
        check_told("0 1"); /* what it wished for does not exist any more: all there is must do */
        ck_assert_uint_eq(limit_ticket_permits(tickets[1], a), 1);
        ck_assert_uint_eq(held(a), 1);
}
END_TEST

START_TEST(what_was_set_holds_until_other_numbers_are_configured) {
        struct limit_config config = { .permits = 3 };

        a = make("a", 3);
        ck_assert_ptr_null(limit_get_configured(a));
        ck_assert_int_eq(limit_override(a, &(struct limit_config){ .permits = LIMIT_PERMITS_MAX + 1 }), -EINVAL);
        ck_assert_int_eq(limit_override(a, &(struct limit_config){ .permits = 1 }), 0);
        ck_assert_uint_eq(limit_get_config(a)->permits, 1);
        ck_assert_uint_eq(limit_get_configured(a)->permits, 3);
        ask(0, 0, 3, 0); /* as many as are configured, of which all there are must do */
        settle();
        ck_assert_uint_eq(limit_ticket_permits(tickets[0], a), 1);
        ck_assert_int_eq(try(1, 0, 4, 0), -EINVAL);

        ck_assert_int_eq(limit_configure(a, &config), 0);
        ck_assert_uint_eq(limit_get_config(a)->permits, 1);
        ck_assert_int_eq(limit_override(a, NULL), 0);
        ck_assert_uint_eq(limit_get_config(a)->permits, 3);
        ck_assert_ptr_null(limit_get_configured(a));
        ck_assert_int_eq(limit_override(a, &(struct limit_config){ .permits = 1 }), 0);
        config.permits = 2;
        ck_assert_int_eq(limit_configure(a, &config), 0);
        ck_assert_uint_eq(limit_get_config(a)->permits, 2);
        ck_assert_ptr_null(limit_get_configured(a));
}
END_TEST

START_TEST(a_faster_pace_is_not_waited_for_at_the_slower_one) {
        struct limit_config config = { .rate = 1, .rate_per_usec = USEC_PER_HOUR, .burst = 2 };

        ck_assert_int_eq(limit_new(limits, "a", &config, &a), 0);
        for (size_t i = 0; i < 4; i++)
                ask(i, 0, 1, 0);
        settle();
        check_told("0 1");
        config.rate_per_usec = USEC_PER_SEC;
        ck_assert_int_eq(limit_override(a, &config), 0);
        settle();
        check_told("0 1"); /* what was taken at once stays taken */
        fake_clock_advance(USEC_PER_SEC);
        check_told("0 1 2");
        fake_clock_advance(USEC_PER_SEC);
        check_told("0 1 2 3");
}
END_TEST

/* ---- paused ---- */

START_TEST(rule8_a_paused_limit_grants_nothing_and_holders_keep_theirs) {
        usec_t since = 0, until;

        a = make("a", 2);
        ask(0, 0, 1, 0);
        settle();
        ck_assert_int_eq(limit_set_pause(a, "anna", 7), 0);
        ask(1, 0, 1, 0);
        settle();
        ck_assert_uint_eq(held(a), 1);
        ck_assert_str_eq(limit_paused_by(a, &since), "anna");
        ck_assert_uint_eq(since, 7);
        ck_assert_ptr_eq(limit_ticket_blocked_by(tickets[1], &until), a);
        drop(0);
        ck_assert_uint_eq(held(a), 0);
        ck_assert_int_eq(limit_set_pause(a, NULL, 0), 0);
        settle();
        ck_assert(limit_ticket_granted(tickets[1]));
        ck_assert_ptr_null(limit_paused_by(a, NULL));
}
END_TEST

START_TEST(rule8_who_waits_for_a_paused_limit_stands_in_nobodys_way) {
        a = make("a", 1);
        b = make("b", 1);
        ck_assert_int_eq(limit_set_pause(b, "anna", 0), 0);
        ask(0, 0, 1, 1);
        for (size_t i = 1; i < 3 * LIMIT_OVERTAKEN_MAX && i < N_TICKETS; i++) {
                ask(i, 0, 1, 0);
                settle();
                ck_assert_msg(limit_ticket_granted(tickets[i]), "ticket %zu", i);
                drop(i);
        }
}
END_TEST

START_TEST(rule8_a_pause_frees_what_was_reserved) {
        a = make("a", 1);
        b = make("b", 1);
        ask(0, 0, 0, 1);
        ask(1, 0, 1, 1); /* waits for b */
        for (size_t i = 2; i < 2 + LIMIT_OVERTAKEN_MAX; i++) {
                ask(i, 0, 1, 0);
                settle();
                drop(i);
        }
        ask(2, 0, 1, 0);
        settle();
        ck_assert(!limit_ticket_granted(tickets[2])); /* a is kept for the one before */
        ck_assert_int_eq(limit_set_pause(b, "anna", 0), 0);
        settle();
        ck_assert(limit_ticket_granted(tickets[2]));
        ck_assert_int_eq(limit_set_pause(b, NULL, 0), 0);
        drop(0);
        drop(2);
        ck_assert(limit_ticket_granted(tickets[1]));
}
END_TEST

START_TEST(rule8_who_is_behind_one_that_is_held_off_reserves) {
        struct limit *c = make("c", 1);
        struct limit_request wish = { .n_uses = 3, .on_granted = on_granted, .arg = &tickets[1] };

        a = make("a", 1);
        b = make("b", 1);
        wish.uses = (const struct limit_use[]){ { a, 1 }, { b, 1 }, { c, 1 } };
        ask(0, 0, 0, 1);
        ck_assert_int_eq(limit_request(limits, &wish, &tickets[1]), 0);
        ask(2, 0, 1, 1); /* both wait for b */
        for (size_t i = 3; i < 3 + LIMIT_OVERTAKEN_MAX; i++) {
                ask(i, 0, 1, 0);
                settle();
                drop(i);
        }
        ck_assert_int_eq(limit_set_pause(c, "anna", 0), 0);
        ask(3, 0, 1, 0);
        settle();
        ck_assert(!limit_ticket_granted(tickets[3])); /* a is kept for the second, as the first is held off */
        drop(0);
        ck_assert(limit_ticket_granted(tickets[2]));
        drop(2);
        ck_assert(limit_ticket_granted(tickets[3]));
        ask(0, 0, 0, 1);
        ask(2, 0, 1, 0);
        ck_assert_int_eq(limit_set_pause(c, NULL, 0), 0);
        drop(3);
        ck_assert(!limit_ticket_granted(tickets[2])); /* a is kept for the first again */
        drop(0);
        ck_assert(limit_ticket_granted(tickets[1]));
        tickets[1] = limit_release(tickets[1]);
        limit_unref(c);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                more_permits_serve_those_who_wait,
                fewer_permits_take_none_away,
                what_was_set_holds_until_other_numbers_are_configured,
                a_faster_pace_is_not_waited_for_at_the_slower_one,
                rule8_a_paused_limit_grants_nothing_and_holders_keep_theirs,
                rule8_who_waits_for_a_paused_limit_stands_in_nobodys_way,
                rule8_a_pause_frees_what_was_reserved,
                rule8_who_is_behind_one_that_is_held_off_reserves,
        };
        Suite *suite = suite_create("limit-changes");
        TCase *tcase = tcase_create("limit-changes");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
                tcase_add_test(tcase, tests[i]);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
