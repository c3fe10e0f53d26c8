/* SPDX-License-Identifier: MIT */
/* live-items: which items of a fan-out are failing, and what is told of it. */
#include "live/live_private.h"
#include "support/fake-clock.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <check.h>
#include <stdio.h>

static struct task *work;

/* ---- a source: the words of a text; those that end with ! fail, with !t by a timeout, with !c their run is cancelled ---- */

static const char *list;
static bool unreadable;

struct source {
        struct loop_work work;
        struct run *fanout;
        const char *at;
        size_t wanted;
};

static void push(struct loop_work *w _unused_, void *arg) {
        struct source *source = arg;

        for (; source->wanted > 0; source->wanted--) {
                size_t length;

                source->at += strspn(source->at, " ");
                length = strcspn(source->at, " ");
                if (length == 0) {
                        fanout_end(source->fanout, unreadable ? ERROR_IO : ERROR_NONE, "cannot be read");
                        return;
                }
                fanout_push(source->fanout, source->at, strcspn(source->at, " !"));
                source->at += length;
        }
}

static int source_open(struct run *fanout, void **ret) {
        struct source *source = calloc(1, sizeof(*source));

        ck_assert_ptr_nonnull(source);
        source->fanout = fanout;
        source->at = list;
        loop_work_init(&source->work, live_bed.loop, "source", push, source);
        *ret = source;
        return 0;
}

static void source_want(void *arg, size_t n) {
        struct source *source = arg;

        source->wanted += n;
        loop_work_schedule(&source->work);
}

static void source_close(void *arg) {
        struct source *source = arg;

        loop_work_cancel(&source->work);
        free(source);
}

static const struct item_source_ops source_ops = { .open = source_open, .want = source_want, .close = source_close };

/* Runs @words once, one after the other. */
static void run(const char *words) {
        char copy[2000], *rest = copy, *word;

        struct run *fanout;

        fake_clock_advance(USEC_PER_SEC);
        list = words;
        fanout = live_bed_start("work");
        (void)snprintf(copy, sizeof(copy), "%s", words);
        while ((word = strsep(&rest, " "))) {
                const char *sign = strchr(word, '!');

                if (sign && sign[1] == 'c') {
                        ck_assert_int_eq(run_cancel(fanout, CANCEL_OPERATOR, "alice"), 0);
                        run_force(fanout);
                        fake_loop_settle();
                        break;
                }
                live_bed_end("work", !sign ? ERROR_NONE : sign[1] == 't' ? ERROR_TIMEOUT : ERROR_CONNECT);
        }
        ck_assert_ptr_null(live_bed_leaf("work"));
        while (live_bed_leaf("alert"))
                live_bed_end("alert", ERROR_NONE);
        while (live_bed_leaf("late"))
                live_bed_end("late", ERROR_NONE);
}

/* "a:2 b:1", the failing ones with how often. */
static const char *failing(void) {
        static char text[2000];
        struct live_item items[100];
        size_t n = live_task_failing_items(live_bed_entry("work"), 0, items, ARRAY_SIZE(items)), length = 0;

        text[0] = '\0';
        for (size_t i = 0; i < n; i++)
                length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s:%u", i > 0 ? " " : "",
                                           items[i].item, items[i].failures);
        return text;
}

static struct live_item_counts counts(void) {
        struct live_item_counts ret;

        live_task_count_items(live_bed_entry("work"), &ret);
        return ret;
}

static void setup(void) {
        live_bed_setup();
        (void)live_bed_job("alert");
        (void)live_bed_job("late");
        work = live_bed_job("work");
        work->run.items = &source_ops;
        work->run.concurrency = 1;
        work->for_each.type = FOR_EACH_LIST;
        work->failing_after = 2;
        live_bed_hook(&work->on_failing, "alert");
        live_bed_hook(&work->on_recover, "alert");
        unreadable = false;
}

/* ---- when ---- */

START_TEST(an_item_fails_after_so_many_in_a_row_and_is_told_once) {
        live_bed_go();
        run("a! b c!");
        ck_assert_str_eq(failing(), "");
        ck_assert_str_eq(live_bed_hooks(), "");
        run("a! b c");
        ck_assert_str_eq(failing(), "a:2");
        ck_assert_str_eq(live_bed_text(EVENT_FAILING), "1 item newly failing: a");
        run("a! b c!");
        run("a! b c");
        run("a! b c!");
        ck_assert_str_eq(failing(), "a:2");
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:work:failed");
        ck_assert(live_task_is_failing(live_bed_entry("work")));
        ck_assert_str_eq(live_task_state(live_bed_entry("work")), "failing");
}
END_TEST

START_TEST(a_run_tells_of_all_its_items_at_once) {
        live_bed_go();
        run("a! b c! d!");
        run("a! b! c! d");
        ck_assert_str_eq(live_bed_text(EVENT_FAILING), "2 items newly failing: a, c");
        run("a! b! c! d!");
        ck_assert_str_eq(live_bed_text(EVENT_FAILING), "1 item newly failing: b; 3 of 4 fail now");
        run("a b! c d");
        ck_assert_str_eq(live_bed_text(EVENT_RECOVERED), "2 items recovered: a, c; 1 of 4 fail now");
        run("a b c d");
        ck_assert_str_eq(live_bed_text(EVENT_RECOVERED), "1 item recovered: b; none fails any more");
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:work:failed alert:failing:work:failed "
                                           "alert:recovered:work:failed alert:recovered:work:ok");
        ck_assert(!live_task_is_failing(live_bed_entry("work")));
}
END_TEST

START_TEST(a_run_may_tell_of_both) {
        live_bed_go();
        run("a! b");
        run("a! b!");
        run("a b!");
        ck_assert_str_eq(live_bed_text(EVENT_FAILING), "1 item newly failing: b");
        ck_assert_str_eq(live_bed_text(EVENT_RECOVERED), "1 item recovered: a; 1 of 2 fail now");
        ck_assert_uint_eq(counts().failing, 1);
        ck_assert_uint_eq(counts().newly_failing, 1);
        ck_assert_uint_eq(counts().recovered, 1);
        ck_assert_uint_eq(counts().total, 2);
        run("a b!");
        ck_assert_uint_eq(counts().failing, 1);
        ck_assert_uint_eq(counts().newly_failing, 0);
        ck_assert_uint_eq(counts().recovered, 0);
}
END_TEST

START_TEST(what_is_no_longer_in_the_list_is_forgotten) {
        live_bed_go();
        run("a! b!");
        run("a! b!");
        ck_assert_str_eq(failing(), "a:2 b:2");
        run("b!");
        ck_assert_str_eq(failing(), "b:2");
        ck_assert_uint_eq(live_bed_events(EVENT_RECOVERED), 0);
        run("a! b!");
        ck_assert_str_eq(failing(), "b:2");
}
END_TEST

START_TEST(a_run_that_did_not_see_the_whole_list_forgets_none) {
        live_bed_go();
        run("a! b! c!");
        run("a! b! c!");
        run("a b!c c!");
        ck_assert_str_eq(failing(), "b:2 c:2");
        unreadable = true;
        run("b");
        ck_assert_str_eq(failing(), "c:2");
}
END_TEST

START_TEST(an_item_that_is_there_twice_counts_once) {
        live_bed_go();
        run("a! a!");
        ck_assert_str_eq(failing(), "");
        run("a! a");
        ck_assert_str_eq(failing(), "a:2");
        run("a a!");
        ck_assert_str_eq(failing(), "a:2");
        ck_assert_uint_eq(live_bed_events(EVENT_FAILING), 1);
        run("a a");
        ck_assert_str_eq(failing(), "");
}
END_TEST

START_TEST(items_are_told_also_when_the_run_is_ok) {
        work->run.items_may_fail = 10;
        live_bed_go();
        run("a! b");
        run("a! b");
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:work:ok");
        run("a b");
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:work:ok alert:recovered:work:ok");
}
END_TEST

START_TEST(hooks_match_what_the_new_ones_failed_of) {
        free(work->on_failing.items[0].task);
        free(work->on_failing.items);
        work->on_failing.items = calloc(2, sizeof(struct hook));
        ck_assert_ptr_nonnull(work->on_failing.items);
        work->on_failing.n = 2;
        work->on_failing.items[0] = (struct hook){ .task = strdup("late"), .errors = 1u << ERROR_TIMEOUT };
        work->on_failing.items[1] = (struct hook){ .task = strdup("alert") };
        work->failing_after = 1;
        live_bed_go();
        run("a! b!t");
        ck_assert_str_eq(live_bed_hooks(), "late:failing:work:failed alert:failing:work:failed");
        /* What was failing before is not told again. */
        run("a! b!t c!t");
        ck_assert_str_eq(live_bed_hooks(),
                         "late:failing:work:failed alert:failing:work:failed late:failing:work:failed");
}
END_TEST

/* ---- the task itself ---- */

START_TEST(a_list_that_cannot_be_read_makes_the_task_failing) {
        live_bed_go();
        unreadable = true;
        run("a");
        ck_assert(!live_task_is_failing(live_bed_entry("work")));
        run("a");
        ck_assert(live_task_is_failing(live_bed_entry("work")));
        ck_assert_str_eq(live_bed_text(EVENT_FAILING), "failing: 2 in a row, the last: cannot be read");
        unreadable = false;
        run("a b!");
        ck_assert(!live_task_is_failing(live_bed_entry("work")));
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:work:failed alert:recovered:work:failed");
}
END_TEST

START_TEST(what_items_did_does_not_make_the_task_failing) {
        live_bed_go();
        for (unsigned i = 0; i < 5; i++)
                run(i % 2 ? "a! b c d" : "a b! c d");
        ck_assert(!live_task_is_failing(live_bed_entry("work")));
        ck_assert_uint_eq(live_task_failures(live_bed_entry("work")), 5);
        ck_assert_str_eq(live_bed_hooks(), "");
}
END_TEST

/* ---- memory ---- */

START_TEST(only_what_failed_is_kept) {
        live_bed_go();
        run("a b c");
        ck_assert_ptr_null(live_bed_entry("work")->items);
}
END_TEST

START_TEST(failing_ones_are_restored) {
        static const struct store_item stored[] = {
                { .task = "work", .item = "b", .failures = 2, .failing = true, .since_usec = 77 },
                { .task = "work", .item = "a", .failures = 1 },
                { .task = "work", .item = "c", .failures = 1 },
        };
        struct live_item item;

        live_bed_go();
        for (size_t i = 0; i < ARRAY_SIZE(stored); i++)
                ck_assert_int_eq(live_items_restore(live_bed_entry("work"), &stored[i]), 0);
        ck_assert_str_eq(failing(), "b:2");
        ck_assert_uint_eq(live_task_failing_items(live_bed_entry("work"), 0, &item, 1), 1);
        ck_assert_uint_eq(item.since_usec, 77);
        ck_assert_uint_eq(live_task_failing_items(live_bed_entry("work"), 1, &item, 1), 0);
        ck_assert_uint_eq(counts().failing, 1);
        ck_assert_uint_eq(counts().total, 0);
        run("a! b c");
        ck_assert_str_eq(failing(), "a:2");
        ck_assert_str_eq(live_bed_hooks(), "alert:failing:work:failed alert:recovered:work:failed");
}
END_TEST

START_TEST(no_more_than_so_many_are_kept_and_the_others_counted) {
        struct live_task *entry;
        char item[32];
        struct result *result;

        work->failing_after = 1;
        live_bed_go();
        entry = live_bed_entry("work");
        for (unsigned i = 0; i < LIVE_ITEMS_MAX + 7; i++) {
                (void)snprintf(item, sizeof(item), "%u", i);
                live_items_add(entry, item, OUTCOME_FAILED, ERROR_CONNECT);
        }
        result = result_new("work", "work#1");
        ck_assert_ptr_nonnull(result);
        live_items_settle(entry, result, 0, true);
        result_unref(result);
        ck_assert_uint_eq(counts().failing, LIVE_ITEMS_MAX);
        ck_assert_uint_eq(counts().untracked, 7);
        ck_assert_ptr_nonnull(strstr(live_bed_text(EVENT_FAILING), "10000 items newly failing: 0, 1, 10, 100, "));
        ck_assert_ptr_nonnull(strstr(live_bed_text(EVENT_FAILING), " more; 7 more have failed, and no more than 10000 "
                                                                   "are kept track of"));
}
END_TEST

START_TEST(passwords_are_not_told) {
        work->failing_after = 1;
        live_bed_go();
        run("http://me:secret@h/!");
        ck_assert_str_eq(live_bed_text(EVENT_FAILING), "1 item newly failing: http://***@h/");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live-items");
        TCase *tcase = tcase_create("live-items");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, live_bed_teardown);
        tcase_add_test(tcase, an_item_fails_after_so_many_in_a_row_and_is_told_once);
        tcase_add_test(tcase, a_run_tells_of_all_its_items_at_once);
        tcase_add_test(tcase, a_run_may_tell_of_both);
        tcase_add_test(tcase, what_is_no_longer_in_the_list_is_forgotten);
        tcase_add_test(tcase, a_run_that_did_not_see_the_whole_list_forgets_none);
        tcase_add_test(tcase, an_item_that_is_there_twice_counts_once);
        tcase_add_test(tcase, items_are_told_also_when_the_run_is_ok);
        tcase_add_test(tcase, hooks_match_what_the_new_ones_failed_of);
        tcase_add_test(tcase, a_list_that_cannot_be_read_makes_the_task_failing);
        tcase_add_test(tcase, what_items_did_does_not_make_the_task_failing);
        tcase_add_test(tcase, only_what_failed_is_kept);
        tcase_add_test(tcase, failing_ones_are_restored);
        tcase_add_test(tcase, no_more_than_so_many_are_kept_and_the_others_counted);
        tcase_add_test(tcase, passwords_are_not_told);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
