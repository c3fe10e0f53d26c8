/* SPDX-License-Identifier: MIT */
/* limit: rule 8: permits, their order, several at once, reservations, pace, what is visible. */
#include "support/fake-loop.h"
#include "support/limit-bed.h"

#include <check.h>
#include <stdio.h>

#define S USEC_PER_SEC

/* ---- order ---- */

START_TEST(rule8_fifo_within_a_priority) {
        a = make("a", 1);
        for (size_t i = 0; i < 4; i++)
                ask(i, 0, 1, 0);
        settle();
        check_told("0");
        for (size_t i = 0; i < 3; i++)
                drop(i);
        check_told("0 1 2 3");
}
END_TEST

START_TEST(rule8_higher_priority_goes_first) {
        static const int priorities[] = { 0, 0, 5, -1, 5, 1 };

        a = make("a", 1);
        for (size_t i = 0; i < ARRAY_SIZE(priorities); i++) {
                ask(i, priorities[i], 1, 0);
                if (i == 0)
                        settle();
        }
        settle();
        drop(0);
        drop(2);
        drop(4);
        drop(5);
        drop(1);
        check_told("0 2 4 5 1 3");
}
END_TEST

START_TEST(rule8_nobody_is_told_inside_the_request) {
        a = make("a", 1);
        ask(0, 0, 1, 0);
        check_told("");
        ck_assert(!limit_ticket_granted(tickets[0]));
        settle();
        check_told("0");
}
END_TEST

START_TEST(a_ticket_for_nothing_is_granted_in_a_later_turn) {
        ask(0, 0, 0, 0);
        check_told("");
        settle();
        check_told("0");
        ask(1, 0, 0, 0);
        tickets[1] = limit_release(tickets[1]);
        settle();
        check_told("0");
}
END_TEST

START_TEST(rule8_who_wants_more_of_one_limit_is_not_overtaken) {
        a = make("a", 3);
        ask(0, 0, 2, 0);
        ask(1, 0, 2, 0); /* lacks one */
        ask(2, 0, 1, 0); /* could go, but comes later */
        ask(3, 1, 1, 0); /* higher priority: comes first */
        settle();
        check_told("3 0");
        drop(3);
        check_told("3 0");
        drop(0);
        check_told("3 0 1 2");
}
END_TEST

START_TEST(rule8_what_was_kept_is_free_when_the_waiter_gives_up) {
        a = make("a", 3);
        ask(0, 0, 2, 0);
        ask(1, 0, 3, 0);
        ask(2, 0, 1, 0);
        settle();
        check_told("0");
        drop(1);
        check_told("0 2");
}
END_TEST

/* ---- several limits ---- */

START_TEST(rule8_all_or_none) {
        a = make("a", 1);
        b = make("b", 1);
        ask(0, 0, 0, 1);
        ask(1, 0, 1, 1); /* b is taken: holds nothing of a */
        settle();
        check_told("0");
        ck_assert_uint_eq(held(a), 0);
        ask(2, 0, 1, 0);
        settle();
        check_told("0 2");
        drop(0);
        check_told("0 2");
        drop(2);
        check_told("0 2 1");
        ck_assert_uint_eq(held(a), 1);
        ck_assert_uint_eq(held(b), 1);
}
END_TEST

START_TEST(rule8_two_that_want_the_same_two_cannot_deadlock) {
        a = make("a", 1);
        b = make("b", 1);
        for (size_t i = 0; i < 6; i++)
                ask(i, 0, 1, 1);
        settle();
        for (size_t i = 0; i < 5; i++)
                drop(i);
        check_told("0 1 2 3 4 5");
}
END_TEST

START_TEST(rule8_who_lacks_another_limit_too_is_overtaken_by_small_ones) {
        a = make("a", 3);
        b = make("b", 1);
        ask(0, 0, 2, 0);
        ask(1, 0, 0, 1);
        ask(2, 0, 2, 1); /* lacks of a, and b */
        ask(3, 0, 1, 0);
        settle();
        check_told("0 1 3");
        drop(3);
        drop(1); /* now a is all that 2 lacks */
        ask(4, 0, 1, 0);
        settle();
        check_told("0 1 3");
        drop(0);
        check_told("0 1 3 2 4");
}
END_TEST

START_TEST(rule8_a_grant_may_free_others_from_waiting_for_a_wide_one) {
        a = make("a", 3);
        b = make("b", 1);
        ask(0, 0, 2, 0);
        ask(1, 0, 2, 1); /* lacks only a: keeps the third */
        ask(2, 0, 1, 0);
        settle();
        check_told("0");
        ask(3, 5, 0, 1); /* takes b: now 1 lacks that as well */
        settle();
        check_told("0 3 2");
}
END_TEST

START_TEST(rule8_overtaken_64_times_then_reserved) {
        a = make("a", 2);
        b = make("b", 1);
        ask(0, 0, 0, 1);
        ask(1, 0, 2, 1); /* waits for b and is overtaken in the queue of a */
        ask(2, 0, 1, 0);
        settle();
        for (size_t i = 3; i < 3 + LIMIT_OVERTAKEN_MAX + 10; i++) {
                ask(i, 0, 1, 0);
                settle();
                ck_assert_msg((tickets[i] && limit_ticket_granted(tickets[i])) == (i < 2 + LIMIT_OVERTAKEN_MAX),
                              "ticket %zu", i);
                if (limit_ticket_granted(tickets[i - 1]))
                        drop(i - 1);
        }
        /* The permits of a are kept now, although b is still taken. */
        for (size_t i = 2; i < N_TICKETS; i++)
                if (tickets[i] && limit_ticket_granted(tickets[i]))
                        drop(i);
        ck_assert_uint_eq(held(a), 0);
        drop(0);
        ck_assert(limit_ticket_granted(tickets[1]));
        ck_assert_uint_eq(held(a), 2);
        drop(1);
        ck_assert_uint_eq(held(a), 2); /* those behind go on */
}
END_TEST

START_TEST(rule8_a_reservation_ends_with_its_waiter) {
        a = make("a", 2);
        b = make("b", 1);
        ask(0, 0, 0, 1);
        ask(1, 0, 2, 1);
        for (size_t i = 2; i < 2 + LIMIT_OVERTAKEN_MAX; i++) {
                ask(i, 0, 1, 0);
                settle();
                drop(i);
        }
        ask(150, 0, 1, 0);
        settle();
        ck_assert(!limit_ticket_granted(tickets[150]));
        drop(1);
        ck_assert(limit_ticket_granted(tickets[150]));
}
END_TEST

START_TEST(rule8_the_oldest_candidate_has_the_reservation) {
        a = make("a", 2);
        b = make("b", 1);
        ask(0, 0, 0, 1);
        ask(1, 0, 2, 1);
        ask(2, 0, 2, 1);
        for (size_t i = 3; i < 3 + LIMIT_OVERTAKEN_MAX; i++) {
                ask(i, 0, 1, 0);
                settle();
                drop(i);
        }
        drop(0);
        ck_assert(limit_ticket_granted(tickets[1]));
        ask(150, 0, 1, 0);
        drop(1);
        ck_assert(limit_ticket_granted(tickets[2]));
        ck_assert(!limit_ticket_granted(tickets[150]));
        drop(2);
        ck_assert(limit_ticket_granted(tickets[150]));
}
END_TEST

static void ask_for(size_t i, int priority, const struct limit_use *uses, size_t n) {
        struct limit_request wish = {
                .uses = uses,
                .n_uses = n,
                .priority = priority,
                .on_granted = on_granted,
                .arg = &tickets[i],
        };

        ck_assert_int_eq(limit_request(limits, &wish, &tickets[i]), 0);
}

START_TEST(rule8_a_reservation_that_passes_to_an_older_one_frees_the_difference) {
        struct limit *c, *d;

        a = make("a", 4);
        b = make("b", 1);
        c = make("c", 1);
        d = make("d", 1);
        ask(0, 0, 0, 1);                                              /* holds b */
        ask_for(1, 0, (struct limit_use[]){ { c, 1 } }, 1);           /* holds c */
        ask_for(2, 0, (struct limit_use[]){ { c, 1 }, { a, 4 } }, 2); /* waits for c */
        settle();
        for (size_t i = 10; i < 10 + LIMIT_OVERTAKEN_MAX; i++) {
                ask(i, 0, 1, 0);
                settle();
                drop(i);
        }
        ask_for(3, 1, (struct limit_use[]){ { a, 1 }, { b, 1 }, { d, 1 } }, 3); /* comes before 2 */
        ask(100, 0, 3, 0);
        settle();
        ck_assert(!limit_ticket_granted(tickets[100])); /* 2 has reserved all of a */
        for (size_t i = 110; i < 110 + LIMIT_OVERTAKEN_MAX; i++) {
                ask_for(i, 0, (struct limit_use[]){ { d, 1 } }, 1);
                settle();
                drop(i);
        }
        ck_assert(limit_ticket_granted(tickets[100])); /* now 3 has, and only one */
        for (size_t i = 0; i < 4; i++)
                tickets[i] = limit_release(tickets[i]);
        limit_unref(c);
        limit_unref(d);
}
END_TEST

/* ---- cancelling ---- */

START_TEST(rule8_waiting_is_cancellable) {
        a = make("a", 1);
        ask(0, 0, 1, 0);
        ask(1, 0, 1, 0);
        ask(2, 0, 1, 0);
        settle();
        drop(1);
        drop(0);
        check_told("0 2");
}
END_TEST

START_TEST(rule8_a_permit_granted_to_one_just_cancelled_passes_on) {
        a = make("a", 1);
        ask(0, 0, 1, 0);
        ask(1, 0, 1, 0);
        tickets[0] = limit_release(tickets[0]); /* in the turn in which it would get it */
        settle();
        check_told("1");
        ck_assert_uint_eq(held(a), 1);
}
END_TEST

static void on_granted_drop_next(struct limit_ticket *ticket, void *arg) {
        size_t i = (size_t)((struct limit_ticket **)arg - tickets);

        on_granted(ticket, arg);
        if (tickets[i + 1])
                tickets[i + 1] = limit_release(tickets[i + 1]);
}

START_TEST(rule8_one_cancelled_between_its_grant_and_being_told_is_not_told) {
        a = make("a", 2);
        for (size_t i = 0; i < 3; i++) {
                struct limit_use use = { a, 1 };
                struct limit_request wish = {
                        .uses = &use, .n_uses = 1, .on_granted = on_granted_drop_next, .arg = &tickets[i]
                };

                ck_assert_int_eq(limit_request(limits, &wish, &tickets[i]), 0);
        }
        settle(); /* 0 and 1 are granted; 0 is told and drops 1; its permit passes on to 2 */
        check_told("0 2");
        ck_assert_uint_eq(held(a), 2);
}
END_TEST

/* ---- pace ---- */

START_TEST(rule8_rate_spaces_starts) {
        struct limit_config config = { .rate = 10, .rate_per_usec = S, .burst = 1 };

        ck_assert_int_eq(limit_new(limits, "a", &config, &a), 0);
        for (size_t i = 0; i < 5; i++)
                ask(i, 0, 1, 0);
        settle();
        check_told("0");
        fake_clock_advance(100 * USEC_PER_MSEC - 1);
        check_told("0");
        fake_clock_advance(1);
        check_told("0 1");
        fake_clock_advance(300 * USEC_PER_MSEC);
        check_told("0 1 2 3 4");
        ck_assert(fake_loop_next_timer() == USEC_INFINITY);
}
END_TEST

START_TEST(rule8_burst_may_start_at_once_after_a_pause) {
        struct limit_config config = { .rate = 10, .rate_per_usec = S, .burst = 3 };

        ck_assert_int_eq(limit_new(limits, "a", &config, &a), 0);
        for (size_t i = 0; i < 5; i++)
                ask(i, 0, 1, 0);
        settle();
        check_told("0 1 2");
        fake_clock_advance(100 * USEC_PER_MSEC);
        check_told("0 1 2 3");
        fake_clock_advance(10 * S); /* no more than the burst is saved */
        for (size_t i = 5; i < 10; i++)
                ask(i, 0, 1, 0);
        settle();
        check_told("0 1 2 3 4 5 6 7");
}
END_TEST

START_TEST(rule8_the_pace_is_exact_over_a_long_time) {
        struct limit_config config = { .rate = 3, .rate_per_usec = S, .burst = 1 };
        struct limit_stats stats;
        size_t next = 0;

        ck_assert_int_eq(limit_new(limits, "a", &config, &a), 0);
        for (; next < 10; next++)
                ask(next, 0, 1, 0);
        for (unsigned second = 0; second < 60; second++) {
                fake_clock_advance(S);
                for (size_t i = 0; i < 10; i++) {
                        if (!limit_ticket_granted(tickets[i]))
                                continue;
                        tickets[i] = limit_release(tickets[i]);
                        ask(i, 0, 1, 0);
                }
                told[0] = '\0';
        }
        limit_get_stats(a, &stats);
        ck_assert_uint_ge(stats.granted, 180);
        ck_assert_uint_le(stats.granted, 181);
}
END_TEST

START_TEST(rule8_a_start_that_did_not_happen_gives_its_turn_back) {
        struct limit_config config = { .permits = 9, .rate = 1, .rate_per_usec = S, .burst = 2 };

        ck_assert_int_eq(limit_new(limits, "a", &config, &a), 0);
        for (size_t i = 0; i < 3; i++) {
                struct limit_use use = { a, 1 };
                struct limit_request wish = {
                        .uses = &use, .n_uses = 1, .on_granted = on_granted_drop_next, .arg = &tickets[i]
                };

                ck_assert_int_eq(limit_request(limits, &wish, &tickets[i]), 0);
        }
        settle(); /* 1 never learns of its grant */
        check_told("0 2");
}
END_TEST

START_TEST(rule8_pace_and_permits_are_both_needed) {
        struct limit_config config = { .permits = 1, .rate = 1, .rate_per_usec = S, .burst = 1 };
        usec_t until;

        ck_assert_int_eq(limit_new(limits, "a", &config, &a), 0);
        ask(0, 0, 1, 0);
        ask(1, 0, 1, 0);
        settle();
        ck_assert_ptr_eq(limit_ticket_blocked_by(tickets[1], &until), a);
        ck_assert_uint_eq(until, 0);
        drop(0);
        ck_assert_ptr_eq(limit_ticket_blocked_by(tickets[1], &until), a);
        ck_assert_uint_eq(until, FAKE_CLOCK_MONOTONIC + S);
        fake_clock_advance(S);
        check_told("0 1");
}
END_TEST

/* ---- what is refused ---- */

static const struct {
        struct limit_config config;
        int r;
} configs[] = {
        { { .permits = 1 }, 0 },
        { { .permits = LIMIT_PERMITS_MAX }, 0 },
        { { .permits = LIMIT_PERMITS_MAX + 1 }, -EINVAL },
        { { .rate = 1, .rate_per_usec = S, .burst = 1 }, 0 },
        { { .rate = 1, .rate_per_usec = S, .burst = 0 }, -EINVAL },
        { { .rate = 1, .rate_per_usec = 0, .burst = 1 }, -EINVAL },
};

START_TEST(numbers_out_of_range_are_refused) {
        for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
                struct limit *limit = NULL;

                ck_assert_int_eq(limit_new(limits, "x", &configs[i].config, &limit), configs[i].r);
                limit_unref(limit);
        }
}
END_TEST

START_TEST(rule8_asking_for_more_permits_than_exist_is_an_error) {
        struct limit_request wish = { .on_granted = on_granted, .n_uses = 2 };

        a = make("a", 2);
        b = make("b", 2);
        wish.uses = (struct limit_use[]){ { a, 1 }, { a, 1 } };
        ck_assert_int_eq(try(0, 0, 3, 0), -EINVAL);
        ck_assert_int_eq(try(0, 0, 1, 3), -EINVAL);
        ck_assert_int_eq(limit_request(limits, &wish, &tickets[0]), -EINVAL);
        ck_assert_ptr_null(tickets[0]);
}
END_TEST

/* One that is granted in time and told late starts late: the next one is spaced from that. */
START_TEST(rule8_rate_spaces_starts_of_a_loop_that_is_late) {
        struct limit_config config = { .rate = 1, .rate_per_usec = S, .burst = 1, .max_waiting = 1 };

        ck_assert_int_eq(limit_new(limits, "a", &config, &a), 0);
        ask(0, 0, 1, 0);
        ask(1, 0, 1, 0); /* makes room: 0 is granted, and told in the next turn */
        ck_assert(limit_ticket_granted(tickets[0]));
        fake_clock_set(CLOCK_ID_MONOTONIC, clock_now(CLOCK_ID_MONOTONIC) + 5 * S);
        settle();
        check_told("0");
        fake_clock_advance(S - 1);
        check_told("0");
        fake_clock_advance(1);
        check_told("0 1");
}
END_TEST

START_TEST(rule8_max_waiting_refuses_but_not_who_is_exempt) {
        struct limit_config config = { .permits = 1, .max_waiting = 2 };
        struct limit_use use;
        struct limit_request wish = { .uses = &use, .n_uses = 1, .exempt = true, .on_granted = on_granted };

        ck_assert_int_eq(limit_new(limits, "a", &config, &a), 0);
        use = (struct limit_use){ a, 1 };
        wish.arg = &tickets[9];
        ask(0, 0, 1, 0);
        settle();
        ask(1, 0, 1, 0);
        ask(2, 0, 1, 0);
        ck_assert(!limit_has_room(a));
        ck_assert_int_eq(try(3, 0, 1, 0), -ENOBUFS);
        ck_assert_int_eq(limit_request(limits, &wish, &tickets[9]), 0);
        drop(0);
        ck_assert_int_eq(try(3, 0, 1, 0), -ENOBUFS);
        drop(9);
        ck_assert_int_eq(try(3, 0, 1, 0), 0);
}
END_TEST

START_TEST(rule8_max_waiting_does_not_count_those_who_need_not_wait) {
        struct limit_config config = { .permits = 100, .max_waiting = 2 };

        ck_assert_int_eq(limit_new(limits, "a", &config, &a), 0);
        for (size_t i = 0; i < 102; i++)
                ask(i, 0, 1, 0);
        ck_assert_int_eq(try(102, 0, 1, 0), -ENOBUFS);
        check_told("");
        settle();
        ck_assert_uint_eq(held(a), 100);
}
END_TEST

/* ---- what is visible ---- */

static int list_tickets(const struct limit_ticket *ticket, void *userdata) {
        char *text = userdata;
        size_t used = strlen(text);

        (void)snprintf(text + used, 64 - used, "%td ", (struct limit_ticket **)limit_ticket_arg(ticket) - tickets);
        return 0;
}

START_TEST(rule8_holders_waiters_and_the_oldest_wait_are_visible) {
        struct limit_stats stats;
        char holders[64] = "", waiters[64] = "";

        a = make("a", 2);
        limit_get_stats(a, &stats);
        ck_assert_uint_eq(stats.oldest_wait_since_usec, USEC_INFINITY);
        ask(0, 0, 2, 0);
        settle();
        fake_clock_advance(S);
        ask(1, 0, 1, 0);
        fake_clock_advance(S);
        ask(2, 7, 2, 0);
        settle();
        limit_get_stats(a, &stats);
        ck_assert_uint_eq(stats.held, 2);
        ck_assert_uint_eq(stats.holders, 1);
        ck_assert_uint_eq(stats.waiting, 2);
        ck_assert_uint_eq(stats.granted, 1);
        ck_assert_uint_eq(stats.oldest_wait_since_usec, FAKE_CLOCK_MONOTONIC + S);
        ck_assert_int_eq(limit_for_each_holder(a, list_tickets, holders), 0);
        ck_assert_int_eq(limit_for_each_waiter(a, list_tickets, waiters), 0);
        ck_assert_str_eq(holders, "0 ");
        ck_assert_str_eq(waiters, "2 1 ");
        ck_assert_uint_eq(limit_ticket_permits(tickets[2], a), 2);
        ck_assert_uint_eq(limit_ticket_since(tickets[2]), FAKE_CLOCK_MONOTONIC + 2 * S);
        ck_assert_str_eq(limit_name(a), "a");
        ck_assert_uint_eq(limit_get_config(a)->permits, 2);
}
END_TEST

START_TEST(rule8_a_waiter_names_what_blocks_it) {
        usec_t until = 1;

        a = make("a", 1);
        b = make("b", 2);
        ask(0, 0, 0, 2);
        ask(1, 0, 1, 1);
        settle();
        ck_assert_ptr_eq(limit_ticket_blocked_by(tickets[1], &until), b);
        ck_assert_uint_eq(until, 0);
        ck_assert_ptr_null(limit_ticket_blocked_by(tickets[0], &until));
}
END_TEST

START_TEST(rule8_who_lacks_another_limit_is_not_kept_waiting_by_this_one) {
        usec_t since, asked;

        a = make("a", 10);
        b = make("b", 1);
        ask(0, 0, 1, 1);
        settle();
        fake_clock_advance(S);
        asked = clock_now(CLOCK_ID_MONOTONIC);
        ask(1, 0, 1, 1);
        settle();
        fake_clock_advance(S);
        ask(2, 0, 1, 1);
        settle();
        ck_assert_uint_eq(limit_get_kept(a, &since), 0);
        ck_assert_uint_eq(since, USEC_INFINITY);
        ck_assert_uint_eq(limit_get_kept(b, &since), 2);
        ck_assert_uint_eq(since, asked);
        ck_assert(limit_keeps_waiting(b, tickets[1]));
        ck_assert(!limit_keeps_waiting(a, tickets[1]));
        ck_assert(!limit_keeps_waiting(b, tickets[0]));
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule8_fifo_within_a_priority,
                rule8_higher_priority_goes_first,
                rule8_nobody_is_told_inside_the_request,
                a_ticket_for_nothing_is_granted_in_a_later_turn,
                rule8_who_wants_more_of_one_limit_is_not_overtaken,
                rule8_what_was_kept_is_free_when_the_waiter_gives_up,
                rule8_all_or_none,
                rule8_two_that_want_the_same_two_cannot_deadlock,
                rule8_who_lacks_another_limit_too_is_overtaken_by_small_ones,
                rule8_a_grant_may_free_others_from_waiting_for_a_wide_one,
                rule8_overtaken_64_times_then_reserved,
                rule8_a_reservation_ends_with_its_waiter,
                rule8_the_oldest_candidate_has_the_reservation,
                rule8_a_reservation_that_passes_to_an_older_one_frees_the_difference,
                rule8_waiting_is_cancellable,
                rule8_a_permit_granted_to_one_just_cancelled_passes_on,
                rule8_one_cancelled_between_its_grant_and_being_told_is_not_told,
                rule8_rate_spaces_starts,
                rule8_rate_spaces_starts_of_a_loop_that_is_late,
                rule8_burst_may_start_at_once_after_a_pause,
                rule8_the_pace_is_exact_over_a_long_time,
                rule8_a_start_that_did_not_happen_gives_its_turn_back,
                rule8_pace_and_permits_are_both_needed,
                numbers_out_of_range_are_refused,
                rule8_asking_for_more_permits_than_exist_is_an_error,
                rule8_max_waiting_refuses_but_not_who_is_exempt,
                rule8_max_waiting_does_not_count_those_who_need_not_wait,
                rule8_holders_waiters_and_the_oldest_wait_are_visible,
                rule8_a_waiter_names_what_blocks_it,
                rule8_who_lacks_another_limit_is_not_kept_waiting_by_this_one,
        };
        Suite *suite = suite_create("limit");
        TCase *tcase = tcase_create("limit");
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
