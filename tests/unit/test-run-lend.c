/* SPDX-License-Identifier: MIT */
/* run-lend: max-running and runs that were started from inside of others: each host lends its permit. */
#include "support/run-family.h"

#include <stdio.h>

#define S USEC_PER_SEC

static struct fake_task d, f;

static void make(unsigned max_running) {
        fixture_new_tree(max_running);
        family_make();
        fake_task_init(&d, "d");
}

static void start_inside(const char *host, struct fake_task *task, uint64_t number) {
        struct run_start how = { .spec = &task->spec, .number = number, .trigger = "test", .host = get(host) };

        ck_assert_int_eq(run_tree_start(tree, &how, NULL), 0);
        settle();
}

/* Guests @task#1 … of @host. */
static void start_many(const char *host, struct fake_task *task, unsigned n) {
        for (unsigned i = 1; i <= n; i++)
                start_inside(host, task, i);
}

static void end(const char *name) {
        fake_leaf_end(name, ERROR_NONE);
        settle();
}

static unsigned n_at_work(void) {
        struct run_counts counts;

        run_tree_get_counts(tree, &counts);
        return counts.running;
}

static struct limit_stats stats(void) {
        struct limit_stats stats;

        limit_get_stats(run_tree_max_running(tree), &stats);
        return stats;
}

static bool ends_one_of(const char *task, unsigned n) {
        char name[RUN_NAME_MAX];

        for (unsigned i = 1; i <= n; i++) {
                (void)snprintf(name, sizeof(name), "%s#%u", task, i);
                if (result_of(name) || run_get_state(get(name)) != RUN_RUNNING)
                        continue;
                end(name);
                return true;
        }
        return false;
}

/* ---- bounded ---- */

START_TEST(rule8_guests_are_bounded_by_max_running_and_their_hosts) {
        make(2);
        start(&a, 1);
        start_many("a#1", &b, 20);
        ck_assert_uint_eq(n_at_work(), 3);
        for (unsigned left = 19; left > 0; left--) {
                ck_assert(ends_one_of("b", 20));
                ck_assert_uint_eq(n_at_work(), 1 + MIN(left, 2u));
        }
        ck_assert(ends_one_of("b", 20));
        end("a#1");
        check_outcome("a#1", OUTCOME_OK);
        ck_assert_uint_eq(fake_leaf_max(), 3);
}
END_TEST

START_TEST(rule8_several_hosts_each_lend_to_one_guest) {
        make(2);
        start(&a, 1);
        start(&d, 1);
        start_many("a#1", &b, 3);
        start_many("d#1", &c, 3);
        ck_assert_uint_eq(n_at_work(), 4);
        check_state("b#1", RUN_RUNNING);
        check_state("c#1", RUN_RUNNING);
        end("c#1");
        check_state("c#2", RUN_RUNNING);
        check_state("b#2", RUN_QUEUED); /* though it has waited longer: that permit was of d#1 */
}
END_TEST

START_TEST(rule8_members_and_items_of_guests_take_turns) {
        make(1);
        start(&d, 1);
        start_inside("d#1", &g, 1);
        check_state("g#1/a", RUN_RUNNING);
        check_why("g#1/b", WHY_MAX_RUNNING);
        fake_fanout_init(&f, "f", 30, 8);
        start_inside("d#1", &f, 1);
        end("g#1/a");
        check_state("g#1/b", RUN_RUNNING);
        end("g#1/b");
        check_outcome("g#1", OUTCOME_OK);
        pass(29 * S);
        check_state("f#1", RUN_RUNNING);
        pass(S);
        check_outcome("f#1", OUTCOME_OK);
        ck_assert_uint_eq(fake_leaf_max(), 2);
}
END_TEST

START_TEST(rule8_guests_of_what_does_not_count_count) {
        make(1);
        start(&c, 1);
        start_hook(&a, 1);
        start_inside("a#1", &b, 1);
        check_why("b#1", WHY_MAX_RUNNING);
        end("c#1");
        check_state("b#1", RUN_RUNNING);
}
END_TEST

/* ---- no deadlock ---- */

START_TEST(rule8_hosts_that_are_guests_lend_what_was_lent_to_them) {
        make(1);
        start(&a, 1);
        start_inside("a#1", &b, 1);
        start_inside("b#1", &c, 1);
        start_inside("c#1", &d, 1);
        ck_assert_uint_eq(n_at_work(), 4);
        start_inside("b#1", &d, 2);
        start(&d, 3);
        check_why("d#2", WHY_MAX_RUNNING);
        check_why("d#3", WHY_MAX_RUNNING);
        end("d#1");
        check_state("d#2", RUN_QUEUED); /* that of b#1 is lent to c#1 */
        end("c#1");
        check_state("d#2", RUN_RUNNING);
        end("d#2");
        end("b#1");
        check_state("d#3", RUN_QUEUED);
        end("a#1");
        check_state("d#3", RUN_RUNNING);
}
END_TEST

START_TEST(rule8_a_host_that_only_waits_is_passed_over) {
        make(1);
        start(&a, 1);
        start_inside("a#1", &b, 1);
        start_inside("b#1", &c, 1);
        start_inside("b#1", &c, 2);
        end("b#1");
        check_why("b#1", WHY_GUESTS);
        check_state("c#1", RUN_RUNNING);
        check_why("c#2", WHY_MAX_RUNNING); /* c#1 has now what a#1 had lent to b#1 */
        end("c#1");
        check_state("c#2", RUN_RUNNING);
        end("c#2");
        end("a#1");
        check_outcome("a#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule8_a_service_on_the_way_is_passed_over) {
        static const struct service_spec service = { .restart_limit_usec = USEC_INFINITY };

        make(1);
        a.spec.is_service = true;
        a.spec.service = &service;
        start(&d, 1);
        start_inside("d#1", &g, 1); /* of a and b */
        check_state("g#1/b", RUN_RUNNING);
        start_inside("g#1/a", &c, 1);
        check_why("c#1", WHY_MAX_RUNNING);
        end("g#1/b");
        check_state("c#1", RUN_RUNNING);
}
END_TEST

START_TEST(rule8_no_reservation_keeps_guests_from_what_their_host_waits_for) {
        struct limit_use use;

        make(1);
        use = (struct limit_use){ .limit = make_permits("x", 1), .permits = 1 };
        b.spec.limits = c.spec.limits = &use;
        b.spec.n_limits = c.spec.n_limits = 1;
        b.script.ends_after_usec = S;
        start(&a, 1);
        start(&c, 1); /* overtaken so often that it reserves x, while it waits for a#1 */
        start_many("a#1", &b, LIMIT_OVERTAKEN_MAX + 5);
        pass((LIMIT_OVERTAKEN_MAX + 5) * S);
        ck_assert_ptr_null(run_first_guest(get("a#1")));
        check_state("c#1", RUN_QUEUED);
        end("a#1");
        check_state("c#1", RUN_RUNNING);
}
END_TEST

/* ---- passing on ---- */

START_TEST(rule8_what_is_lent_passes_on_by_priority_and_arrival) {
        make(1);
        c.spec.priority = 1;
        start(&a, 1);
        start_many("a#1", &b, 3);
        start_inside("a#1", &c, 1);
        check_state("b#1", RUN_RUNNING);
        end("b#1");
        check_state("c#1", RUN_RUNNING);
        end("c#1");
        check_state("b#2", RUN_RUNNING);
        check_state("b#3", RUN_QUEUED);
}
END_TEST

START_TEST(rule8_it_passes_on_when_the_borrower_is_cancelled) {
        make(1);
        start(&a, 1);
        start_many("a#1", &b, 4);
        cancel("b#2");
        settle();
        check_outcome("b#2", OUTCOME_CANCELLED);
        check_state("b#3", RUN_QUEUED); /* that one waited only */
        cancel("b#1");
        settle();
        check_state("b#3", RUN_RUNNING);
        ck_assert_int_eq(run_skip(get("b#4"), "not wanted"), 0);
        end("b#3");
        check_outcome("b#4", OUTCOME_SKIPPED);
        start_inside("a#1", &b, 5);
        check_state("b#5", RUN_RUNNING);
}
END_TEST

START_TEST(rule8_it_passes_on_while_the_borrower_waits_to_try_again) {
        make(1);
        b.spec.retries = 1;
        b.spec.retry_delay_min_usec = b.spec.retry_delay_max_usec = S;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        start_inside("a#1", &c, 1);
        fake_leaf_end("b#1", ERROR_EXIT);
        settle();
        check_state("c#1", RUN_RUNNING);
        pass(2 * S);
        check_why("b#1", WHY_MAX_RUNNING);
        end("c#1");
        ck_assert_uint_eq(n_at_work(), 2);
        end("b#1");
        check_outcome("b#1", OUTCOME_OK);
}
END_TEST

START_TEST(rule8_it_stays_with_what_the_borrower_left_behind) {
        make(1);
        b.spec.leaf = &fake_thread_ops;
        b.spec.grace_usec = 0;
        b.script.ignores_force = true;
        start(&a, 1);
        start_inside("a#1", &b, 1);
        start_inside("a#1", &c, 1);
        cancel("b#1");
        settle();
        ck_assert_uint_eq(remnant_count(), 1);
        check_why("c#1", WHY_MAX_RUNNING);
        fake_remnant_gone("b#1");
        settle();
        check_state("c#1", RUN_RUNNING);
}
END_TEST

START_TEST(rule8_who_waits_for_another_limit_does_not_keep_it) {
        struct limit_use use;

        make(1);
        use = (struct limit_use){ .limit = make_permits("x", 1), .permits = 1 };
        b.spec.limits = &use;
        b.spec.n_limits = 1;
        ck_assert_int_eq(limit_set_pause(use.limit, "alice", 1), 0);
        start(&a, 1);
        start_inside("a#1", &b, 1);
        check_why("b#1", WHY_PERMITS);
        start_inside("a#1", &c, 1);
        check_state("c#1", RUN_RUNNING);
        ck_assert_int_eq(limit_set_pause(use.limit, NULL, 0), 0);
        settle();
        check_why("b#1", WHY_MAX_RUNNING);
        end("c#1");
        check_state("b#1", RUN_RUNNING);
}
END_TEST

/* ---- lenders that end ---- */

START_TEST(rule8_a_host_that_ends_leaves_its_permit_to_the_borrower) {
        make(1);
        start(&a, 1);
        start_many("a#1", &b, 2);
        start(&d, 1);
        ck_assert_uint_eq(stats().held, 1);
        ck_assert_uint_eq(stats().holders, 1);
        ck_assert_uint_eq(stats().waiting, 2);
        end("a#1");
        check_why("a#1", WHY_GUESTS);
        ck_assert_uint_eq(n_at_work(), 1);
        ck_assert_uint_eq(stats().held, 1);
        check_why("b#2", WHY_MAX_RUNNING); /* like any run now */
        check_why("d#1", WHY_MAX_RUNNING);
        end("b#1");
        check_state("b#2", RUN_RUNNING);
        check_state("d#1", RUN_QUEUED);
        end("b#2");
        check_outcome("a#1", OUTCOME_OK);
        check_state("d#1", RUN_RUNNING);
}
END_TEST

START_TEST(rule8_another_attempt_of_the_host_lends_again) {
        make(1);
        a.spec.retries = 1;
        a.spec.retry_delay_min_usec = a.spec.retry_delay_max_usec = S;
        a.spec.priority = 1;
        start(&a, 1);
        start_many("a#1", &b, 3);
        fake_leaf_end("a#1", ERROR_EXIT);
        pass(2 * S);
        check_why("a#1", WHY_MAX_RUNNING);
        ck_assert_uint_eq(n_at_work(), 1);
        end("b#1");
        ck_assert_uint_eq(run_attempts(get("a#1")), 2);
        ck_assert_ptr_nonnull(fake_leaf_find("a#1"));
        check_state("b#2", RUN_RUNNING);
        check_state("b#3", RUN_QUEUED);
        ck_assert_uint_eq(n_at_work(), 2);
}
END_TEST

/* ---- what is set by hand ---- */

START_TEST(rule8_max_running_can_change_meanwhile) {
        make(3);
        start(&a, 1);
        start_many("a#1", &b, 6);
        ck_assert_uint_eq(n_at_work(), 4);
        run_tree_set_max_running(tree, 1);
        end("b#2");
        end("b#3");
        ck_assert_uint_eq(n_at_work(), 2);
        end("b#1");
        check_state("b#4", RUN_RUNNING);
        ck_assert_uint_eq(n_at_work(), 2);
        run_tree_set_max_running(tree, 2);
        settle();
        check_state("b#5", RUN_RUNNING);
        check_state("b#6", RUN_QUEUED);
}
END_TEST

START_TEST(rule8_while_max_running_is_paused_nothing_is_lent) {
        make(1);
        start(&a, 1);
        start_many("a#1", &b, 2);
        ck_assert_int_eq(limit_set_pause(run_tree_max_running(tree), "alice", 1), 0);
        end("b#1");
        check_why("b#2", WHY_MAX_RUNNING);
        ck_assert_int_eq(limit_set_pause(run_tree_max_running(tree), NULL, 0), 0);
        settle();
        check_state("b#2", RUN_RUNNING);
}
END_TEST

START_TEST(rule8_who_borrows_overtakes_nobody) {
        struct limit_use use;

        make(1);
        use = (struct limit_use){ .limit = make_permits("x", 1), .permits = 1 };
        c.spec.limits = &use;
        c.spec.n_limits = 1;
        start(&a, 1);
        start(&c, 1); /* waits for max-running; a reservation of x would keep it from those that can use it */
        b.script.ends_after_usec = S;
        start_many("a#1", &b, LIMIT_OVERTAKEN_MAX + 5);
        pass((LIMIT_OVERTAKEN_MAX + 4) * S);
        d.spec.limits = &use;
        d.spec.n_limits = 1;
        start_hook(&d, 1);
        check_state("d#1", RUN_RUNNING);
        check_state("c#1", RUN_QUEUED);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule8_guests_are_bounded_by_max_running_and_their_hosts,
                rule8_several_hosts_each_lend_to_one_guest,
                rule8_members_and_items_of_guests_take_turns,
                rule8_guests_of_what_does_not_count_count,
                rule8_hosts_that_are_guests_lend_what_was_lent_to_them,
                rule8_a_host_that_only_waits_is_passed_over,
                rule8_a_service_on_the_way_is_passed_over,
                rule8_no_reservation_keeps_guests_from_what_their_host_waits_for,
                rule8_what_is_lent_passes_on_by_priority_and_arrival,
                rule8_it_passes_on_when_the_borrower_is_cancelled,
                rule8_it_passes_on_while_the_borrower_waits_to_try_again,
                rule8_it_stays_with_what_the_borrower_left_behind,
                rule8_who_waits_for_another_limit_does_not_keep_it,
                rule8_a_host_that_ends_leaves_its_permit_to_the_borrower,
                rule8_another_attempt_of_the_host_lends_again,
                rule8_max_running_can_change_meanwhile,
                rule8_while_max_running_is_paused_nothing_is_lent,
                rule8_who_borrows_overtakes_nobody,
        };

        return fixture_main("run-lend", tests, ARRAY_SIZE(tests));
}
