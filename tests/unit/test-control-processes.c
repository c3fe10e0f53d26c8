/* SPDX-License-Identifier: MIT */
/* control-processes: answers tell what the processes of runs are at, and wait for it neither long nor at the expense of
 * others. */
#include "control/methods.h"
#include "control/processes.h"
#include "support/asking.h"
#include "support/fake-inspect.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"
#include "task/kind.h"

#include <stdio.h>

static struct control *control;
static struct task *c;
static char one, two, three; /* stand for children: only their addresses matter */

#define CHILD(of) ((struct child *)&(of))

static void view(const void *data, struct kind_view *view) {
        (void)snprintf(view->doing, sizeof(view->doing), "being tested");
        (void)snprintf(view->last_line, sizeof(view->last_line), "step 3");
        view->child = (struct child *)data;
}

static const struct kind test_kind = { .name = "test", .view = view };

static const char *phase(_unused_ void *arg) {
        return "running";
}

static void setup(void) {
        struct control_options options = { .phase = phase };

        fake_inspect_reset();
        live_bed_setup();
        live_bed_job("a")->kind = &test_kind;
        live_bed_job("b")->kind = &test_kind;
        c = live_bed_job("c");
        live_bed_go();
        options.live = live_bed.live;
        ck_assert_int_eq(control_new(&options, &control), 0);
        test_client_connect(&client, control->server);
        live_bed_start("a");
        live_bed_start("b");
        live_bed_start("c");
        run_leaf_set_data(live_bed_leaf("a"), &one);
        run_leaf_set_data(live_bed_leaf("b"), &two);
}

static void teardown(void) {
        test_client_close(&client);
        ck_assert_uint_eq(fake_inspect_count(CHILD(one)) + fake_inspect_count(CHILD(two)), 0);
        control_free(control);
        live_bed_teardown();
}

/* Tells of @child: @n processes and @more beyond them. */
static void tell(const char *child, size_t n, size_t more) {
        static struct child_process list[CHILD_PROCESSES_MAX];
        const struct child_processes found = { .list = list, .n = n, .n_more = more };

        for (size_t i = 0; i < n; i++)
                list[i] = (struct child_process){
                        .pid = 100 + (pid_t)i,
                        .parent = 1,
                        .state = 'S',
                        .threads = 2,
                        .memory = 4096,
                        .cpu_usec = 7,
                        .recent_usec = i == 0 ? 200000 : 0,
                        .recent_cpu_usec = 99000,
                        .name = "sh",
                        .wchan = "do_wait",
                        .command = "curl http://me:secret@host/",
                };
        fake_inspect_tell((const struct child *)child, &found);
        fake_loop_settle();
}

START_TEST(why_tells_all_of_each_process) {
        json_t *got;

        call("Why", "{\"name\":\"a\"}", false);
        test_client_expect_nothing(&client, false);
        ck_assert_uint_eq(fake_inspect_count(CHILD(one)), 1);
        ck_assert_uint_eq(fake_inspect_count(CHILD(two)), 0);
        ck_assert(fake_inspect_twice(CHILD(one)));
        tell(&one, 2, 5);
        got = answer();
        expect_at(got, "runs.0.doing", "being tested");
        expect_at(got, "runs.0.last_output", "step 3");
        expect_at(got, "runs.0.processes", "[2]");
        expect_at(got, "runs.0.processes.0.pid", "100");
        expect_at(got, "runs.0.processes.0.state", "S");
        expect_at(got, "runs.0.processes.0.wchan", "do_wait");
        expect_at(got, "runs.0.processes.0.command", "curl http://***@host/");
        expect_at(got, "runs.0.processes.0.cpu_percent", "50");
        expect_at(got, "runs.0.processes.1.cpu_percent", "-"); /* it was not there before */
        expect_at(got, "runs.0.processes_hidden", "5");
        expect_at(got, "runs.0.processes_missing", "-");
        json_decref(got);
}
END_TEST

START_TEST(tree_waits_for_all_of_them) {
        json_t *got;

        call("Tree", "{}", false);
        ck_assert(!fake_inspect_twice(CHILD(one)));
        tell(&two, 1, 0);
        test_client_expect_nothing(&client, false);
        tell(&one, 0, 0);
        got = answer();
        expect_at(got, "runs.0.processes", "[0]");
        expect_at(got, "runs.1.processes", "[1]");
        expect_at(got, "runs.2.processes", "-");
        json_decref(got);
}
END_TEST

START_TEST(a_tree_without_processes_looks_at_none) {
        json_t *got = ask("Tree", "{\"processes\":false}");

        ck_assert_uint_eq(fake_inspect_count(CHILD(one)) + fake_inspect_count(CHILD(two)), 0);
        expect_at(got, "runs", "[3]");
        expect_at(got, "runs.0.doing", "being tested");
        expect_at(got, "runs.0.processes", "-");
        json_decref(got);
}
END_TEST

START_TEST(others_are_answered_meanwhile) {
        static struct test_client other;

        call("Tree", "{}", false);
        test_client_connect(&other, control->server);
        test_client_call(&other, "{\"method\":\"io.tendd.Runner.List\"}");
        json_decref(test_client_receive(&other, NULL));
        test_client_call(&other, "{\"method\":\"io.tendd.Runner.Show\",\"parameters\":{\"task\":\"a\"}}");
        json_decref(test_client_receive(&other, NULL)); /* looks at none */
        test_client_close(&other);
        tell(&one, 1, 0);
        tell(&two, 1, 0);
        json_decref(answer());
}
END_TEST

START_TEST(what_takes_too_long_is_missing) {
        json_t *got;

        call("Why", "{\"name\":\"a#1\"}", false);
        fake_clock_advance(PROCESSES_WAIT_USEC - 1);
        fake_loop_settle();
        test_client_expect_nothing(&client, false);
        fake_clock_advance(1);
        fake_loop_settle();
        got = answer();
        ck_assert_uint_eq(fake_inspect_count(CHILD(one)), 0);
        expect_at(got, "runs.0.doing", "being tested");
        expect_at(got, "runs.0.processes", "[0]");
        expect_at(got, "runs.0.processes_missing", "reading about them takes longer than 1s");
        json_decref(got);
}
END_TEST

static const struct {
        int error;
        const char *missing;
} refusals[] = {
        { EBUSY, "an earlier look at them has not come back" },
        { ESRCH, "-" }, /* there is none */
        { EMFILE, "Too many open files" },
};

START_TEST(what_cannot_be_looked_at_is_missing) {
        json_t *got;

        fake_inspect_refuse(refusals[_i].error);
        got = ask("Why", "{\"name\":\"a\"}");
        expect_at(got, "runs.0.processes", "[0]");
        expect_at(got, "runs.0.processes_missing", refusals[_i].missing);
        json_decref(got);
}
END_TEST

START_TEST(an_answer_has_room_for_so_many) {
        json_t *got;

        c->kind = &test_kind;
        run_leaf_set_data(live_bed_leaf("c"), &three);
        call("Tree", "{}", false);
        tell(&three, 1, 0);
        tell(&one, CHILD_PROCESSES_MAX, 1);
        tell(&two, CHILD_PROCESSES_MAX, 0);
        got = answer();
        expect_at(got, "runs.0.processes", "[1000]");
        expect_at(got, "runs.0.processes_hidden", "1");
        expect_at(got, "runs.1.processes", "[1000]");
        expect_at(got, "runs.1.processes_hidden", "-");
        expect_at(got, "runs.2.processes", "[0]");
        expect_at(got, "runs.2.processes_hidden", "1");
        json_decref(got);
}
END_TEST

START_TEST(who_asks_may_go_away) {
        call("Tree", "{}", false);
        ck_assert_uint_eq(fake_inspect_count(CHILD(one)), 1);
        test_client_close(&client);
        test_client_connect(&client, control->server);
        ck_assert_uint_eq(fake_inspect_count(CHILD(one)), 0);
}
END_TEST

START_TEST(the_run_may_end_meanwhile) {
        json_t *got;

        call("Why", "{\"name\":\"a#1\"}", false);
        run_leaf_set_data(live_bed_leaf("a"), NULL);
        live_bed_end("a", ERROR_NONE);
        fake_inspect_tell(CHILD(one), &(struct child_processes){ .error = -ESRCH });
        fake_loop_settle();
        got = answer();
        expect_at(got, "runs.0.name", "a#1");
        expect_at(got, "runs.0.processes", "[0]");
        expect_at(got, "runs.0.processes_missing", "-");
        json_decref(got);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control-processes");
        TCase *tcase = tcase_create("control-processes");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, why_tells_all_of_each_process);
        tcase_add_test(tcase, tree_waits_for_all_of_them);
        tcase_add_test(tcase, a_tree_without_processes_looks_at_none);
        tcase_add_test(tcase, others_are_answered_meanwhile);
        tcase_add_test(tcase, what_takes_too_long_is_missing);
        tcase_add_loop_test(tcase, what_cannot_be_looked_at_is_missing, 0, ARRAY_SIZE(refusals));
        tcase_add_test(tcase, an_answer_has_room_for_so_many);
        tcase_add_test(tcase, who_asks_may_go_away);
        tcase_add_test(tcase, the_run_may_end_meanwhile);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
