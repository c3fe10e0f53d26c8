/* SPDX-License-Identifier: MIT */
/* event-ring: the latest events: their numbers, how many are kept, and for whom. */
#include "control/event_ring.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>

static struct event_ring *ring;

static void setup(void) {
        ck_assert_int_eq(event_ring_new(&ring), 0);
}

static void teardown(void) {
        ring = event_ring_free(ring);
}

static void add(size_t n, uint64_t needed, const char *text) {
        for (size_t i = 0; i < n; i++)
                event_ring_add(ring, &(const struct event){ .id = EVENT_PHASE, .text = text }, needed);
}

static size_t kept(void) {
        return (size_t)(event_ring_end(ring) - event_ring_begin(ring));
}

START_TEST(numbers_begin_with_1_and_grow_by_one) {
        ck_assert_uint_eq(event_ring_begin(ring), 1);
        ck_assert_uint_eq(event_ring_end(ring), 1);
        add(3, UINT64_MAX, "running");
        ck_assert_uint_eq(event_ring_begin(ring), 1);
        ck_assert_uint_eq(event_ring_end(ring), 4);
        ck_assert_int_eq(event_ring_at(ring, 3).id, EVENT_PHASE);
}
END_TEST

START_TEST(an_event_becomes_json_once) {
        struct result *result = result_new("backup", "backup#1");
        json_t *json;
        const char *text;
        size_t length;

        result->outcome = OUTCOME_FAILED;
        event_ring_add(ring,
                       &(const struct event){ .id = EVENT_RUN_DONE,
                                              .task = "backup",
                                              .run = "backup#1",
                                              .result = result,
                                              .realtime_usec = 7 },
                       UINT64_MAX);
        ck_assert_int_eq(result->n_ref, 2);
        ck_assert_int_eq(event_ring_at(ring, 1).level, LOG_ERR);
        text = event_ring_json(ring, 1, &length);
        ck_assert_uint_eq(length, strlen(text));
        ck_assert_int_eq(result->n_ref, 1); /* it was let go */
        ck_assert_ptr_eq(event_ring_json(ring, 1, &length), text);
        json = json_loads(text, 0, NULL);
        ck_assert_int_eq(json_integer_value(json_object_get(json, "id")), 1);
        ck_assert_int_eq(json_integer_value(json_object_get(json, "at_usec")), 7);
        ck_assert_str_eq(json_string_value(json_object_get(json, "event")), "run-done");
        ck_assert_str_eq(json_string_value(json_object_get(json_object_get(json, "result"), "outcome")), "failed");
        json_decref(json);
        ck_assert_str_eq(event_ring_at(ring, 1).run, "backup#1");
        result_unref(result);
}
END_TEST

START_TEST(so_many_are_kept_and_no_more) {
        add(3 * EVENT_RING_MAX, UINT64_MAX, NULL);
        ck_assert_uint_eq(kept(), EVENT_RING_MAX);
        ck_assert_uint_eq(event_ring_end(ring), 3 * EVENT_RING_MAX + 1);
}
END_TEST

static char large[1024];

START_TEST(large_ones_are_bounded_by_their_bytes) {
        memset(large, 'x', sizeof(large) - 1);
        add(EVENT_RING_MAX, UINT64_MAX, large);
        ck_assert_uint_gt(kept(), EVENT_RING_BYTES / sizeof(large) / 2);
        ck_assert_uint_le(kept(), EVENT_RING_BYTES / sizeof(large) + 1);
}
END_TEST

START_TEST(more_are_kept_for_who_is_behind_up_to_a_bound) {
        add(EVENT_RING_MAX, UINT64_MAX, NULL);
        add(EVENT_RING_MAX, 10, NULL);
        ck_assert_uint_eq(event_ring_begin(ring), 10);
        add(2 * EVENT_RING_NEEDED_MAX, 10, NULL);
        ck_assert_uint_eq(kept(), EVENT_RING_NEEDED_MAX);
        add(1, UINT64_MAX, NULL); /* it has gone */
        ck_assert_uint_eq(kept(), EVENT_RING_MAX);
        memset(large, 'x', sizeof(large) - 1);
        add(2 * EVENT_RING_NEEDED_MAX, 1, large);
        ck_assert_uint_le(kept(), EVENT_RING_NEEDED_BYTES / sizeof(large) + 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("event-ring");
        TCase *tcase = tcase_create("event-ring");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, numbers_begin_with_1_and_grow_by_one);
        tcase_add_test(tcase, an_event_becomes_json_once);
        tcase_add_test(tcase, so_many_are_kept_and_no_more);
        tcase_add_test(tcase, large_ones_are_bounded_by_their_bytes);
        tcase_add_test(tcase, more_are_kept_for_who_is_behind_up_to_a_bound);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
