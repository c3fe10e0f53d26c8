/* SPDX-License-Identifier: MIT */
/* store-history: what is found of the history, page by page, and what is said of a task; on real files. */
#include "store/store.h"

#include "support/store-bed.h"

#include <check.h>
#include <stdio.h>

#define SEC(n) (BED_START + (n)*USEC_PER_SEC)

/* What was answered, as words: names of runs, and ~TASK xN for what is missed. */
static char found[16384];
static uint64_t last_position;
static size_t n_found;
static int answered; /* 1: not yet */
static char found_json[64], found_tail[64];

static void on_history(int error, const struct store_history_row *rows, size_t n, _unused_ void *arg) {
        char *end = found;

        found[0] = '\0';
        for (size_t i = 0; i < n; i++) {
                if (rows[i].run)
                        end += sprintf(end, "%s%s", i > 0 ? " " : "", rows[i].run->run);
                else
                        end += sprintf(end, "%s~%s x%u", i > 0 ? " " : "", rows[i].missed->task ?: "",
                                       (unsigned)rows[i].missed->n);
                if (i > 0)
                        ck_assert_uint_lt(rows[i].position, last_position);
                last_position = rows[i].position;
                if (rows[i].run) {
                        (void)snprintf(found_json, sizeof(found_json), "%s", rows[i].run->json ?: "(none)");
                        (void)snprintf(found_tail, sizeof(found_tail), "%s", rows[i].run->tail ?: "(none)");
                }
        }
        n_found = n;
        answered = error;
}

static bool is_answered(void) {
        return answered <= 0;
}

/* What is not said has its usual value. */
static const char *ask(const struct store_history_query *said) {
        struct store_history_query query = *said;

        query.until_usec = query.until_usec ?: USEC_INFINITY;
        query.before = query.before ?: UINT64_MAX;
        query.n = query.n ?: 100;
        answered = 1;
        ck_assert_int_eq(store_ask_history(bed.store, &query, on_history, NULL, NULL), 0);
        ck_assert_int_eq(answered, 1);
        bed_await(is_answered);
        ck_assert_int_eq(answered, 0);
        return found;
}

#define QUERY(...) (&(const struct store_history_query){ __VA_ARGS__ })
#define TASKS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void put_missed(const char *task, unsigned first, unsigned last, uint64_t n) {
        store_put_missed(bed.store, &(const struct store_missed){ .task = task,
                                                                  .first_due_usec = SEC(first),
                                                                  .last_due_usec = SEC(last),
                                                                  .n = n,
                                                                  .trigger = "calendar",
                                                                  .reason = "down",
                                                                  .at_usec = SEC(last + 100) });
}

/* a#1 b#2 a#3(failed) ~a 4-5 h#6(hook) b#7(interrupted) a/m#8 b#9(timeout, hook) */
static void put_some(void) {
        struct store_run run;

        bed_open();
        run = bed_run("a", 3);
        run.outcome = OUTCOME_FAILED;
        run.error = ERROR_EXIT;
        run.detail = "exit code 1";
        run.tail = "the end";
        run.json = "{\"task\":\"a\"}";
        store_put_end(bed.store, &run);
        run = bed_run("a", 1);
        store_put_end(bed.store, &run);
        run = bed_run("b", 2);
        store_put_end(bed.store, &run);
        put_missed("a", 4, 5, 2);
        run = bed_run("h", 6);
        run.hook = true;
        store_put_end(bed.store, &run);
        run = bed_run("b", 7);
        run.outcome = OUTCOME_INTERRUPTED;
        store_put_end(bed.store, &run);
        run = bed_run("m", 8);
        run.run = "a#8/m";
        run.outcome = OUTCOME_CANCELLED;
        store_put_end(bed.store, &run);
        run = bed_run("b", 9);
        run.outcome = OUTCOME_TIMEOUT;
        run.hook = true;
        store_put_end(bed.store, &run);
        run = bed_run("b", 10);
        store_put_begin(bed.store, &run); /* what runs is no history */
        ck_assert_int_eq(bed_sync(), 0);
}

static const char *const no_tasks[] = { NULL }, *const task_a[] = { "a", NULL }, *const tasks_ab[] = { "b", "a", NULL },
                         *const tasks_amh[] = { "a", "h", "m", "none", NULL };

static const struct {
        struct store_history_query query;
        const char *expect;
} queries[] = {
#define Q(...)                                                                                                         \
        { __VA_ARGS__ }
        { Q(.tasks = NULL), "a#8/m b#7 ~a x2 a#3 b#2 a#1" },
        { Q(.tasks = no_tasks), "" },
        { Q(.hooks = true), "b#9 a#8/m b#7 h#6 ~a x2 a#3 b#2 a#1" },
        { Q(.tasks = task_a), "~a x2 a#3 a#1" },
        { Q(.tasks = tasks_ab), "b#7 ~a x2 a#3 b#2 a#1" },
        { Q(.tasks = tasks_amh, .hooks = true), "a#8/m h#6 ~a x2 a#3 a#1" },
        { Q(.failed = true), "b#7 a#3" },
        { Q(.failed = true, .hooks = true), "b#9 b#7 a#3" },
        { Q(.failed = true, .tasks = task_a), "a#3" },
        { Q(.failed = true, .tasks = tasks_ab), "b#7 a#3" },
        { Q(.since_usec = SEC(3)), "a#8/m b#7 ~a x2 a#3" },
        { Q(.since_usec = SEC(5), .tasks = tasks_ab), "b#7 ~a x2" },
        { Q(.until_usec = SEC(5)), "a#3 b#2 a#1" },
        { Q(.since_usec = SEC(2), .until_usec = SEC(3), .tasks = tasks_ab), "b#2" },
        { Q(.n = 2), "a#8/m b#7" },
        { Q(.n = 2, .tasks = tasks_ab), "b#7 ~a x2" },
        { Q(.run = "a#3"), "a#3" },
        { Q(.run = "a#8/m"), "a#8/m" },
        { Q(.run = "a#4"), "" },
        { Q(.run = "b#10"), "" },
        { Q(.before = 1), "" },
#undef Q
};

START_TEST(history_is_what_was_asked_for) {
        put_some();
        ck_assert_str_eq(ask(&queries[_i].query), queries[_i].expect);
}
END_TEST

START_TEST(pages_are_the_whole_in_order) {
        struct store_history_query query = *QUERY(.hooks = true);
        char all[256] = "";

        put_some();
        query.n = (unsigned)_i;
        do {
                (void)ask(&query);
                if (n_found > 0)
                        (void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%.100s", all[0] ? " " : "",
                                       found);
                query.before = last_position;
        } while (n_found == query.n);
        ck_assert_str_eq(all, "b#9 a#8/m b#7 h#6 ~a x2 a#3 b#2 a#1");
}
END_TEST

#define HOUR 3600u

static void put_span(const char *task, unsigned begun, unsigned ended, enum outcome outcome) {
        struct store_run run = bed_run(task, begun);

        run.ended_usec = SEC(ended);
        run.outcome = outcome;
        store_put_end(bed.store, &run);
}

/* What reaches into the time from ten hours on, or does not: for days, for hours, for seconds, and to its very beginning. */
static void put_spans(void) {
        bed_open();
        put_span("long", 1, 10 * HOUR + 1, OUTCOME_FAILED);
        put_span("long", 2, 10 * HOUR - 1, OUTCOME_OK);
        put_span("a", 8 * HOUR, 11 * HOUR, OUTCOME_OK);
        put_span("a", 9 * HOUR, 10 * HOUR, OUTCOME_OK); /* an hour, a row of the index, but not looked for there */
        put_span("a", 9 * HOUR + 1, 10 * HOUR - 1, OUTCOME_OK); /* not */
        put_span("b", 10 * HOUR - 2, 10 * HOUR + 2, OUTCOME_OK);
        put_span("b", 10 * HOUR - 1, 20 * HOUR, OUTCOME_FAILED);
        put_span("b", 10 * HOUR, 10 * HOUR + 1, OUTCOME_OK);
        put_span("b", 12 * HOUR, 13 * HOUR, OUTCOME_OK);
        ck_assert_int_eq(bed_sync(), 0);
}

static const struct {
        struct store_history_query query;
        const char *expect;
} reaching[] = {
#define Q(...)                                                                                                         \
        { .since_usec = SEC(10ull * HOUR), __VA_ARGS__ }
        { Q(.reaching = false), "b#43200 b#36000" },
        { Q(.reaching = true), "b#43200 b#36000 b#35999 b#35998 a#32400 a#28800 long#1" },
        { Q(.reaching = true, .tasks = task_a), "a#32400 a#28800" },
        { Q(.reaching = true, .tasks = TASKS("long", "b")), "b#43200 b#36000 b#35999 b#35998 long#1" },
        { Q(.reaching = true, .failed = true), "b#35999 long#1" },
        { Q(.reaching = true, .failed = true, .tasks = TASKS("long")), "long#1" },
        { Q(.reaching = true, .until_usec = SEC(9ull * HOUR)), "a#28800 long#1" },
        { Q(.reaching = true, .n = 3), "b#43200 b#36000 b#35999" },
#undef Q
};

START_TEST(what_reaches_into_a_time_is_found) {
        put_spans();
        ck_assert_str_eq(ask(&reaching[_i].query), reaching[_i].expect);
}
END_TEST

START_TEST(pages_go_on_with_what_reaches_in) {
        char whole[1024], pages[1024] = "";
        struct store_history_query query = { .since_usec = SEC(10ull * HOUR), .reaching = true, .n = (unsigned)_i };

        put_spans();
        (void)snprintf(whole, sizeof(whole), "%s", ask(QUERY(.since_usec = query.since_usec, .reaching = true)));
        do {
                (void)strcat(strcat(pages, *pages ? " " : ""), ask(&query));
                query.before = last_position;
        } while (n_found == query.n);
        while (*pages && pages[strlen(pages) - 1] == ' ')
                pages[strlen(pages) - 1] = '\0';
        ck_assert_str_eq(pages, whole);
}
END_TEST

START_TEST(one_run_comes_with_its_tree) {
        put_some();
        (void)ask(QUERY(.run = "a#3"));
        ck_assert_str_eq(found_json, "{\"task\":\"a\"}");
        ck_assert_str_eq(found_tail, "the end");
        (void)ask(QUERY(.tasks = TASKS("a")));
        ck_assert_str_eq(found_json, "(none)");
        ck_assert_str_eq(found_tail, "(none)");
}
END_TEST

START_TEST(gap_is_told_to_everyone) {
        bed_open();
        put_missed("a", 1, 1, 1);
        put_missed(NULL, 2, 3, 17);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_str_eq(ask(QUERY(.tasks = NULL)), "~ x17 ~a x1");
        ck_assert_str_eq(ask(QUERY(.tasks = TASKS("b"))), "~ x17");
        ck_assert_str_eq(ask(QUERY(.tasks = TASKS("a", "b"))), "~ x17 ~a x1");
        ck_assert_str_eq(ask(QUERY(.failed = true)), "");
}
END_TEST

START_TEST(same_name_twice_is_two_runs) {
        struct store_run run = bed_run("a", 1);

        bed_open();
        store_put_end(bed.store, &run);
        run.begun_usec += 1000 * USEC_PER_SEC;
        store_put_end(bed.store, &run);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_str_eq(ask(QUERY(.run = "a#1")), "a#1 a#1");
        ck_assert_str_eq(ask(QUERY(.run = "a#1", .n = 1)), "a#1");
}
END_TEST

START_TEST(many_tasks_are_found_among_many_runs) {
        static char names[300][16];
        const char *tasks[301] = { 0 };
        char expect[4096] = "";

        bed_open();
        for (unsigned i = 0; i < 6000; i++) {
                struct store_run run;

                (void)snprintf(names[i % 300], sizeof(names[0]), "t%u", i % 300);
                tasks[i % 300] = names[i % 300];
                run = bed_run(names[i % 300], i);
                store_put_end(bed.store, &run);
        }
        ck_assert_int_eq(bed_sync(), 0);
        for (unsigned i = 5999; i > 5749; i--)
                (void)sprintf(expect + strlen(expect), "%st%u#%u", i < 5999 ? " " : "", i % 300, i);
        ck_assert_str_eq(ask(QUERY(.tasks = tasks, .n = 250)), expect);
        ck_assert_str_eq(ask(QUERY(.n = 250)), expect);
}
END_TEST

/* ---- summaries ---- */

static struct store_summary summary;

static void on_summary(int error, const struct store_summary *s, _unused_ void *arg) {
        if (s)
                summary = *s;
        answered = error;
}

static const struct store_summary *ask_summary(const char *task, usec_t since_usec) {
        answered = 1;
        ck_assert_int_eq(store_ask_summary(bed.store, task, since_usec, on_summary, NULL, NULL), 0);
        bed_await(is_answered);
        ck_assert_int_eq(answered, 0);
        return &summary;
}

START_TEST(summary_of_nothing_is_empty) {
        put_some();
        ck_assert_uint_eq(ask_summary("none", 0)->n_last, 0);
        ck_assert_uint_eq(summary.max_usec, 0);
        ck_assert_uint_eq(summary.missed, 0);
}
END_TEST

START_TEST(summary_counts_since) {
        put_some();
        (void)ask_summary("a", 0);
        ck_assert_uint_eq(summary.by_outcome[OUTCOME_OK], 1);
        ck_assert_uint_eq(summary.by_outcome[OUTCOME_FAILED], 1);
        ck_assert_uint_eq(summary.missed, 2);
        ck_assert_uint_eq(summary.n_last, 2);
        ck_assert_int_eq(summary.last[0].outcome, OUTCOME_FAILED);
        ck_assert_uint_eq(summary.last[0].duration_usec, 3);
        ck_assert_uint_eq(summary.last[0].begun_usec, SEC(3));
        ck_assert_int_eq(summary.last[1].outcome, OUTCOME_OK);
        (void)ask_summary("a", SEC(2));
        ck_assert_uint_eq(summary.by_outcome[OUTCOME_OK], 0);
        ck_assert_uint_eq(summary.n_last, 1);
        (void)ask_summary("a", SEC(6));
        ck_assert_uint_eq(summary.missed, 0);
}
END_TEST

START_TEST(summary_ranks_durations) {
        bed_open();
        for (unsigned i = 1; i <= 200; i++) {
                struct store_run run = bed_run("a", i * 7 % 211); /* in no order */

                store_put_end(bed.store, &run);
                run = bed_run("a", 1000 + i);
                run.outcome = OUTCOME_FAILED; /* counts, but its duration does not */
                store_put_end(bed.store, &run);
        }
        ck_assert_int_eq(bed_sync(), 0);
        (void)ask_summary("a", 0);
        ck_assert_uint_eq(summary.by_outcome[OUTCOME_OK], 200);
        ck_assert_uint_eq(summary.by_outcome[OUTCOME_FAILED], 200);
        ck_assert_uint_eq(summary.n_last, 50);
        ck_assert_uint_eq(summary.last[0].begun_usec, SEC(1200));
        ck_assert_uint_eq(summary.last[49].begun_usec, SEC(1151));
        ck_assert_uint_eq(summary.max_usec, 210);
        ck_assert_uint_ge(summary.p50_usec, 100);
        ck_assert_uint_le(summary.p50_usec, 112);
        ck_assert_uint_ge(summary.p90_usec, 185);
        ck_assert_uint_le(summary.p90_usec, 191);
        ck_assert_uint_ge(summary.p99_usec, 207);
        ck_assert_uint_lt(summary.p99_usec, 210);
}
END_TEST

/* ---- asking itself ---- */

static void not_to_be_called(_unused_ int error, _unused_ const struct store_history_row *rows, _unused_ size_t n,
                             _unused_ void *arg) {
        ck_abort_msg("a cancelled query was called");
}

static struct store_query *next_query;
static bool has_cancelled;

/* The next one may be answered by now, and not told. */
static void cancel_next(_unused_ int error, _unused_ const struct store_history_row *rows, _unused_ size_t n,
                        _unused_ void *arg) {
        store_query_cancel(next_query);
        has_cancelled = true;
}

static bool next_is_cancelled(void) {
        return has_cancelled;
}

START_TEST(cancelled_query_is_not_called) {
        const struct store_history_query some = { .until_usec = USEC_INFINITY, .before = UINT64_MAX, .n = 5 };
        struct store_query *query;

        put_some();
        for (unsigned i = 0; i < 20; i++) {
                ck_assert_int_eq(store_ask_history(bed.store, &some, not_to_be_called, NULL, &query), 0);
                store_query_cancel(query);
                has_cancelled = false;
                ck_assert_int_eq(store_ask_history(bed.store, &some, cancel_next, NULL, NULL), 0);
                ck_assert_int_eq(store_ask_history(bed.store, &some, not_to_be_called, NULL, &next_query), 0);
                bed_await(next_is_cancelled);
        }
        ck_assert_str_eq(ask(QUERY(.n = 1)), "a#8/m");
        ck_assert_int_eq(store_ask_history(bed.store, &some, not_to_be_called, NULL, &query), 0);
}
END_TEST

static unsigned n_asked, n_answers;

static void count_answer(int error, _unused_ const struct store_history_row *rows, size_t n, _unused_ void *arg) {
        ck_assert_int_eq(error, 0);
        ck_assert_uint_eq(n, 6);
        n_answers++;
}

static bool all_answered(void) {
        return n_answers == n_asked;
}

START_TEST(too_many_queries_are_refused) {
        const struct store_history_query all = { .until_usec = USEC_INFINITY, .before = UINT64_MAX, .n = 100 };
        int r;

        put_some();
        while ((r = store_ask_history(bed.store, &all, count_answer, NULL, NULL)) == 0)
                ck_assert_uint_lt(++n_asked, 100000);
        ck_assert_int_eq(r, -ENOBUFS);
        bed_await(all_answered);
}
END_TEST

START_TEST(no_file_is_an_error) {
        bed_open();
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(unlink(bed.path), 0);
        answered = 1;
        ck_assert_int_eq(store_ask_history(bed.store, QUERY(.before = UINT64_MAX, .n = 1), on_history, NULL, NULL), 0);
        bed_await(is_answered);
        ck_assert_int_eq(answered, -EIO);
}
END_TEST

static Suite *history_suite(void) {
        Suite *suite = suite_create("store-history");
        TCase *tcase = tcase_create("store-history");

        tcase_add_checked_fixture(tcase, bed_setup, bed_teardown);
        tcase_add_loop_test(tcase, history_is_what_was_asked_for, 0, (int)ARRAY_SIZE(queries));
        tcase_add_loop_test(tcase, pages_are_the_whole_in_order, 1, 10);
        tcase_add_loop_test(tcase, what_reaches_into_a_time_is_found, 0, (int)ARRAY_SIZE(reaching));
        tcase_add_loop_test(tcase, pages_go_on_with_what_reaches_in, 1, 9);
        tcase_add_test(tcase, one_run_comes_with_its_tree);
        tcase_add_test(tcase, gap_is_told_to_everyone);
        tcase_add_test(tcase, same_name_twice_is_two_runs);
        tcase_add_test(tcase, many_tasks_are_found_among_many_runs);
        tcase_add_test(tcase, summary_of_nothing_is_empty);
        tcase_add_test(tcase, summary_counts_since);
        tcase_add_test(tcase, summary_ranks_durations);
        tcase_add_test(tcase, cancelled_query_is_not_called);
        tcase_add_test(tcase, too_many_queries_are_refused);
        tcase_add_test(tcase, no_file_is_an_error);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(history_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
