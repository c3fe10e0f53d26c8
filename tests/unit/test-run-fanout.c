/* SPDX-License-Identifier: MIT */
/* run-fanout: rule 10 of the run tree: items are read lazily, counted, and summed up. */
#include "support/run-fixture.h"

#define S USEC_PER_SEC

static struct fake_task f, a, g, s;
static struct run_member members[2];

static void make(size_t n, unsigned concurrency) {
        fake_fanout_init(&f, "f", n, concurrency);
        fake_task_init(&a, "a");
        fake_task_init(&g, "g");
        g.spec.is_group = true;
        g.spec.members = members;
        g.spec.n_members = 2;
        members[0] = (struct run_member){ .spec = &f.spec };
        members[1] = (struct run_member){ .spec = &a.spec };
}

static const struct items_summary *summary(const char *name) {
        ck_assert_ptr_nonnull(result_of(name));
        ck_assert_ptr_nonnull(result_of(name)->items);
        return result_of(name)->items;
}

/* ---- laziness ---- */

START_TEST(rule10_memory_is_bound_by_concurrency_not_by_items) {
        make(SIZE_MAX, 5);
        start(&f, 1);
        pass(100 * S);
        ck_assert_uint_eq(fake_leaf_max(), 5);
        ck_assert_uint_eq(fake_leaf_started(), 505);
        ck_assert_uint_le(f.items.pushed, 505);
        ck_assert_uint_le(f.items.outstanding_max, 5);
        /* a run and an attempt for each item that lives, one for the fan-out, and the fakes' own four each */
        ck_assert_uint_le(fake_loop_timers(), 5 * (2 + 4) + 1);
}
END_TEST

START_TEST(rule10_no_item_is_read_before_there_is_room) {
        make(100, 3);
        f.script.ends_after_usec = USEC_INFINITY;
        start(&f, 1);
        ck_assert_uint_eq(f.items.wanted, 3);
        fake_leaf_end("f#1/item 2", ERROR_NONE);
        settle();
        ck_assert_uint_eq(f.items.wanted, 4);
        ck_assert_str_eq(run_get_item(get("f#1/item 4")), "thing 4");
        ck_assert_uint_eq(run_get_item_number(get("f#1/item 4")), 4);
}
END_TEST

START_TEST(rule10_items_that_come_slowly_are_waited_for) {
        make(10, 4);
        f.items.comes_n = 1;
        start(&f, 1);
        pass(5 * S);
        check_outcome("f#1", OUTCOME_OK);
        ck_assert_uint_eq(summary("f#1")->total, 10);
}
END_TEST

START_TEST(rule10_the_first_item_being_read_is_a_why) {
        make(10, 4);
        f.items.silent = true;
        start(&f, 1);
        check_state("f#1", RUN_QUEUED);
        check_why("f#1", WHY_ITEMS);
}
END_TEST

START_TEST(rule10_waiting_for_permits_pauses_the_reading) {
        struct limit_use use = { .permits = 1 };
        struct limit_stats stats;

        make(100, 10);
        use.limit = make_limit("x", &(struct limit_config){ .permits = 2, .max_waiting = 3 });
        f.spec.limits = &use;
        f.spec.n_limits = 1;
        start(&f, 1);
        ck_assert_uint_eq(fake_leaf_count(), 2);
        ck_assert_uint_eq(f.items.pushed, 10);
        pass(2 * S);
        ck_assert_uint_eq(f.items.pushed, 10); /* 4 ended, and still more than 3 wait */
        limit_get_stats(use.limit, &stats);
        ck_assert_uint_eq(stats.waiting, 4);
        pass(100 * S);
        check_outcome("f#1", OUTCOME_OK);
        ck_assert_uint_eq(summary("f#1")->by_outcome[OUTCOME_OK], 100);
}
END_TEST

START_TEST(rule10_a_full_queue_of_others_does_not_stall_a_fan_out) {
        struct limit_use use = { .permits = 1 };

        make(3, 10);
        use.limit = make_limit("x", &(struct limit_config){ .permits = 1, .max_waiting = 1 });
        f.spec.limits = a.spec.limits = &use;
        f.spec.n_limits = a.spec.n_limits = 1;
        start(&a, 1);
        start(&a, 2);
        start(&f, 1);
        ck_assert_uint_eq(f.items.wanted, 1);
        fake_leaf_end("a#1", ERROR_NONE);
        settle();
        fake_leaf_end("a#2", ERROR_NONE);
        pass(5 * S);
        check_outcome("f#1", OUTCOME_OK);
}
END_TEST

/* ---- items ---- */

START_TEST(rule10_each_item_has_its_own_timeout_and_retries) {
        make(3, 3);
        f.spec.bounds[BOUND_TIMEOUT] = 2 * S;
        f.spec.retries = 1;
        f.spec.retry_delay_max_usec = S;
        f.spec.items_may_fail = 3;
        f.script.ends_after_usec = USEC_INFINITY;
        start(&f, 1);
        fake_leaf_end("f#1/item 1", ERROR_NONE);
        pass(10 * S);
        check_outcome("f#1", OUTCOME_OK);
        ck_assert_uint_eq(fake_leaf_started(), 5);
        ck_assert_uint_eq(summary("f#1")->by_outcome[OUTCOME_TIMEOUT], 2);
        ck_assert_uint_eq(summary("f#1")->by_kind[ERROR_TIMEOUT], 2);
        ck_assert_uint_eq(result_of("f#1")->errors.n, 2);
}
END_TEST

START_TEST(rule10_an_item_that_is_tried_again_and_ok_is_ok) {
        make(4, 4);
        f.spec.retries = 1;
        f.script.error = ERROR_CONNECT;
        f.script.ok_from_attempt = 2;
        start(&f, 1);
        pass(10 * S);
        check_outcome("f#1", OUTCOME_OK);
        check_errors("f#1", "");
        ck_assert_uint_eq(fake_leaf_started(), 8);
}
END_TEST

START_TEST(rule10_total_timeout_is_of_the_whole_fan_out) {
        make(100, 1);
        f.spec.bounds[BOUND_TOTAL_TIMEOUT] = 10 * S;
        f.script.ends_after_usec = 3 * S;
        start(&f, 1);
        pass(10 * S);
        check_outcome("f#1", OUTCOME_TIMEOUT);
        ck_assert_uint_eq(summary("f#1")->by_outcome[OUTCOME_OK], 3);
        ck_assert_uint_eq(summary("f#1")->by_outcome[OUTCOME_CANCELLED], 1);
}
END_TEST

/* ---- how many may fail ---- */

static const struct {
        size_t n;
        unsigned fails_each;
        unsigned may_fail;
        bool percent;
        enum outcome outcome;
} may_fail[] = {
        { 10, 0, 0, false, OUTCOME_OK },     { 10, 10, 0, false, OUTCOME_FAILED }, { 10, 5, 2, false, OUTCOME_OK },
        { 10, 5, 1, false, OUTCOME_FAILED }, { 10, 5, 20, true, OUTCOME_OK },      { 10, 5, 19, true, OUTCOME_FAILED },
        { 10, 1, 100, true, OUTCOME_OK },    { 0, 0, 0, false, OUTCOME_OK },       { 0, 0, 0, true, OUTCOME_OK },
};

START_TEST(rule10_failed_when_more_than_items_may_fail) {
        for (size_t i = 0; i < ARRAY_SIZE(may_fail); i++) {
                make(may_fail[i].n, 3);
                f.script.error = may_fail[i].fails_each > 0 ? ERROR_HTTP_STATUS : ERROR_NONE;
                f.script.fails_each = may_fail[i].fails_each;
                f.spec.items_may_fail = may_fail[i].may_fail;
                f.spec.items_may_fail_percent = may_fail[i].percent;
                start(&f, 1);
                pass(20 * S);
                ck_assert_msg(result_of("f#1")->outcome == may_fail[i].outcome, "row %zu: %s, expected %s", i,
                              outcome_to_string(result_of("f#1")->outcome), outcome_to_string(may_fail[i].outcome));
        }
}
END_TEST

START_TEST(rule10_on_item_failure_cancel_ends_the_rest) {
        make(100, 4);
        f.spec.cancel_on_item_failure = true;
        f.spec.items_may_fail = 1;
        f.script.ends_after_usec = USEC_INFINITY;
        start(&f, 1);
        fake_leaf_end("f#1/item 1", ERROR_EXIT);
        settle();
        check_state("f#1", RUN_RUNNING);
        fake_leaf_end("f#1/item 3", ERROR_IO);
        settle();
        check_outcome("f#1", OUTCOME_FAILED);
        check_errors("f#1", "exit/f#1/item 1 io/f#1/item 3");
        ck_assert_uint_eq(summary("f#1")->by_outcome[OUTCOME_CANCELLED], 3);
        ck_assert_uint_eq(f.items.closed, 1);
        ck_assert_uint_eq(f.items.pushed, 5);
}
END_TEST

/* A share of all items is known once the last was read, be it before the failure or after. */
START_TEST(rule10_on_item_failure_cancel_judges_percent_when_all_are_read) {
        make(4, 4);
        f.spec.cancel_on_item_failure = true;
        f.spec.items_may_fail = 25;
        f.spec.items_may_fail_percent = true;
        f.script.ends_after_usec = USEC_INFINITY;
        start(&f, 1);
        fake_leaf_end("f#1/item 1", ERROR_EXIT);
        settle();
        check_state("f#1", RUN_RUNNING);
        fake_leaf_end("f#1/item 2", ERROR_IO);
        settle();
        check_outcome("f#1", OUTCOME_FAILED);
        ck_assert_uint_eq(summary("f#1")->by_outcome[OUTCOME_CANCELLED], 2);

        f.items.n = 5;
        start(&f, 2);
        fake_leaf_end("f#2/item 1", ERROR_EXIT);
        fake_leaf_end("f#2/item 2", ERROR_EXIT);
        settle();
        check_outcome("f#2", OUTCOME_FAILED);
        ck_assert_uint_eq(summary("f#2")->total, 5);
        ck_assert_uint_eq(summary("f#2")->by_outcome[OUTCOME_CANCELLED], 2);
        ck_assert_uint_eq(summary("f#2")->by_outcome[OUTCOME_NEVER_STARTED], 1);
}
END_TEST

START_TEST(rule10_on_item_failure_continue_goes_on) {
        make(6, 2);
        f.script.error = ERROR_EXIT;
        f.script.fails_each = 2;
        start(&f, 1);
        pass(10 * S);
        check_outcome("f#1", OUTCOME_FAILED);
        ck_assert_uint_eq(summary("f#1")->by_outcome[OUTCOME_OK], 3);
        ck_assert_uint_eq(summary("f#1")->by_outcome[OUTCOME_FAILED], 3);
        ck_assert_str_eq(result_of("f#1")->reason, "3 of 6 items failed");
}
END_TEST

/* ---- the summary ---- */

START_TEST(rule10_one_summary_with_the_first_20_errors) {
        make(100, 10);
        f.script.error = ERROR_HTTP_STATUS;
        f.script.fails_each = 2;
        f.items.bad_each = 10;
        start(&f, 1);
        pass(60 * S);
        check_outcome("f#1", OUTCOME_FAILED);
        ck_assert_uint_eq(summary("f#1")->total, 100);
        ck_assert_uint_eq(summary("f#1")->by_outcome[OUTCOME_OK], 50);
        ck_assert_uint_eq(summary("f#1")->by_outcome[OUTCOME_FAILED], 50);
        ck_assert_uint_eq(summary("f#1")->by_kind[ERROR_TOO_BIG], 10);
        ck_assert_uint_eq(summary("f#1")->by_kind[ERROR_HTTP_STATUS], 40);
        ck_assert_uint_eq(result_of("f#1")->errors.n, 20);
        ck_assert_uint_eq(result_of("f#1")->errors.n_lost, 30);
        ck_assert_uint_eq(result_of("f#1")->n_children, 0);
}
END_TEST

START_TEST(rule10_the_summary_has_the_latencies) {
        make(100, 1);
        f.script.ends_after_usec = 50;
        start(&f, 1);
        pass(S);
        ck_assert_uint_eq(summary("f#1")->latency_usec.min, 50);
        ck_assert_uint_eq(summary("f#1")->latency_usec.p50, 50);
        ck_assert_uint_eq(summary("f#1")->latency_usec.p99, 50);
        ck_assert_uint_eq(summary("f#1")->latency_usec.max, 50);
}
END_TEST

START_TEST(rule10_progress_is_visible_while_it_runs) {
        make(10, 1);
        start(&f, 1);
        pass(3 * S);
        ck_assert_uint_eq(run_items_so_far(get("f#1"))->by_outcome[OUTCOME_OK], 3);
        ck_assert_uint_eq(run_items_so_far(get("f#1"))->total, 4);
        start(&a, 1);
        ck_assert_ptr_null(run_items_so_far(get("a#1")));
}
END_TEST

/* ---- items that cannot be used, sources that fail ---- */

START_TEST(rule10_an_item_that_is_too_long_fails_and_the_rest_goes_on) {
        make(5, 2);
        f.items.bad_each = 3;
        start(&f, 1);
        pass(10 * S);
        check_outcome("f#1", OUTCOME_FAILED);
        check_errors("f#1", "too-big/f#1/item 3");
        ck_assert_str_eq(result_of("f#1")->errors.items[0].detail, "the line is longer than 64 KiB: thing 3");
        ck_assert_uint_eq(fake_leaf_started(), 4);
}
END_TEST

START_TEST(rule10_a_bad_item_may_be_the_failure_that_cancels) {
        make(9, 2);
        f.items.bad_each = 2;
        f.spec.cancel_on_item_failure = true;
        start(&f, 1);
        settle();
        check_outcome("f#1", OUTCOME_FAILED);
        check_errors("f#1", "too-big/f#1/item 2");
        ck_assert_uint_eq(f.items.closed, 1);
}
END_TEST

START_TEST(rule10_only_bad_items_fail_the_fan_out) {
        make(3, 1);
        f.items.bad_each = 1;
        start(&f, 1);
        check_outcome("f#1", OUTCOME_FAILED);
        ck_assert_uint_eq(summary("f#1")->total, 3);
}
END_TEST

START_TEST(rule10_a_source_that_cannot_be_opened_fails) {
        make(3, 1);
        f.items.open_error = -EACCES;
        start(&f, 1);
        check_outcome("f#1", OUTCOME_FAILED);
        check_errors("f#1", "io/f#1");
        ck_assert_str_eq(result_of("f#1")->errors.items[0].detail, "Permission denied");
}
END_TEST

START_TEST(rule10_a_source_that_breaks_fails_when_its_items_are_done) {
        make(3, 3);
        f.items.end = ERROR_IO;
        f.script.fails_each = 2;
        f.script.error = ERROR_EXIT;
        f.spec.items_may_fail = 3;
        start(&f, 1);
        check_state("f#1", RUN_RUNNING);
        pass(S);
        check_outcome("f#1", OUTCOME_FAILED);
        check_errors("f#1", "io/f#1 exit/f#1/item 2");
}
END_TEST

/* ---- cancelling ---- */

START_TEST(rule10_a_cancelled_fan_out_reads_no_more) {
        make(100, 4);
        f.script.ends_after_usec = USEC_INFINITY;
        start(&g, 1);
        ck_assert_int_eq(run_cancel(get("g#1"), CANCEL_OPERATOR, "alice"), 0);
        settle();
        check_outcome("g#1/f", OUTCOME_CANCELLED);
        ck_assert_uint_eq(summary("g#1/f")->by_outcome[OUTCOME_CANCELLED], 4);
        ck_assert_uint_eq(f.items.pushed, 4);
        ck_assert_uint_eq(f.items.closed, 1);
}
END_TEST

/* A group that ends asks those first upon whom none is built; what works below the others goes on meanwhile. */
START_TEST(rule2_a_fan_out_that_is_held_back_starts_no_more_items) {
        static const unsigned after_inner[] = { 0 };
        static const struct run_member inner[] = { { .spec = &s.spec }, { .spec = &f.spec, .background = true } };
        static const struct run_member outer[] = {
                { .spec = &g.spec },
                { .spec = &a.spec, .after = after_inner, .n_after = 1 },
        };
        static struct service_spec service;
        static struct fake_task h;

        make(100, 4);
        fake_service_init(&s, "s", &service);
        s.script.ready_after_usec = 0;
        g.spec.is_service = true;
        g.spec.members = inner;
        g.spec.policy = GROUP_SETTLE;
        fake_task_init(&h, "h");
        h.spec.is_group = true;
        h.spec.policy = GROUP_SETTLE;
        h.spec.members = outer;
        h.spec.n_members = 2;
        a.script.ends_after_usec = USEC_INFINITY;
        a.script.stops_after_usec = 10 * S;
        start(&h, 1);
        check_state("h#1/a", RUN_RUNNING);
        ck_assert_uint_eq(f.items.pushed, 4);
        (void)run_cancel(get("h#1"), CANCEL_OPERATOR, "alice");
        settle();
        check_state("h#1/g/f", RUN_RUNNING);
        pass(9 * S);
        ck_assert_uint_eq(f.items.pushed, 4);
        check_state("h#1/g/s", RUN_RUNNING);
        check_outcome("h#1/g/f", OUTCOME_CANCELLED);
        ck_assert_uint_eq(summary("h#1/g/f")->by_outcome[OUTCOME_OK], 4);
        pass(2 * S);
        check_outcome("h#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(rule10_a_fan_out_cancelled_before_its_first_item_never_started) {
        make(100, 4);
        f.items.silent = true;
        start(&g, 1);
        ck_assert_int_eq(run_cancel(get("g#1"), CANCEL_OPERATOR, "alice"), 0);
        settle();
        check_outcome("g#1/f", OUTCOME_NEVER_STARTED);
        ck_assert_uint_eq(f.items.closed, 1);
}
END_TEST

START_TEST(rule10_a_cancelled_item_makes_the_fan_out_cancelled) {
        make(3, 3);
        start(&f, 1);
        ck_assert_int_eq(run_cancel(get("f#1/item 2"), CANCEL_OPERATOR, "alice"), 0);
        pass(S);
        check_outcome("f#1", OUTCOME_CANCELLED);
        ck_assert_str_eq(result_of("f#1")->reason, "1 of 3 items were cancelled or never started");
}
END_TEST

START_TEST(items_share_the_overlap_slot_of_their_fan_out) {
        static struct overlap overlap; /* outlives the test: the teardown ends its runs */

        make(6, 3);
        overlap_init(&overlap, 1);
        f.spec.overlap = &overlap;
        start(&f, 1);
        start(&f, 2);
        check_why("f#2", WHY_OVERLAP);
        ck_assert_uint_eq(fake_leaf_count(), 3);
        pass(2 * S);
        check_outcome("f#1", OUTCOME_OK);
        check_state("f#2", RUN_RUNNING);
        pass(2 * S);
        check_outcome("f#2", OUTCOME_OK);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                rule10_memory_is_bound_by_concurrency_not_by_items,
                rule10_no_item_is_read_before_there_is_room,
                rule10_items_that_come_slowly_are_waited_for,
                rule10_the_first_item_being_read_is_a_why,
                rule10_waiting_for_permits_pauses_the_reading,
                rule10_a_full_queue_of_others_does_not_stall_a_fan_out,
                rule10_each_item_has_its_own_timeout_and_retries,
                rule10_an_item_that_is_tried_again_and_ok_is_ok,
                rule10_total_timeout_is_of_the_whole_fan_out,
                rule10_failed_when_more_than_items_may_fail,
                rule10_on_item_failure_cancel_ends_the_rest,
                rule10_on_item_failure_cancel_judges_percent_when_all_are_read,
                rule10_on_item_failure_continue_goes_on,
                rule10_one_summary_with_the_first_20_errors,
                rule10_the_summary_has_the_latencies,
                rule10_progress_is_visible_while_it_runs,
                rule10_an_item_that_is_too_long_fails_and_the_rest_goes_on,
                rule10_a_bad_item_may_be_the_failure_that_cancels,
                rule10_only_bad_items_fail_the_fan_out,
                rule10_a_source_that_cannot_be_opened_fails,
                rule10_a_source_that_breaks_fails_when_its_items_are_done,
                rule10_a_cancelled_fan_out_reads_no_more,
                rule2_a_fan_out_that_is_held_back_starts_no_more_items,
                rule10_a_fan_out_cancelled_before_its_first_item_never_started,
                rule10_a_cancelled_item_makes_the_fan_out_cancelled,
                items_share_the_overlap_slot_of_their_fan_out,
        };

        return fixture_main("run-fanout", tests, ARRAY_SIZE(tests));
}
