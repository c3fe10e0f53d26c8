/* SPDX-License-Identifier: MIT */
/* io.tendd.Runner: every method against live tasks whose leaves end when the test says, asked over a real socket. */
#include "base/log.h"
#include "control/methods.h"
#include "support/asking.h"
#include "support/fake-loop.h"

#include <check.h>
#include <stdio.h>

enum { TASK_ALPHA, TASK_BETA, TASK_GAMMA, TASK_GROUP, N_TASKS };

static struct loop *loop;
static struct live *live;
static struct reloader *reloader;
static struct control *control;
static struct config config;
static struct pool_section pool_section;
static struct limit_section limit_section;
static struct task *tasks[N_TASKS];

/* ---- leaves ---- */

static struct run *leaves[2000];
static size_t n_leaves;

static int leaf_start(struct run *leaf) {
        ck_assert_uint_lt(n_leaves, ARRAY_SIZE(leaves));
        leaves[n_leaves++] = leaf;
        return 0;
}

static void leaf_force(struct run *leaf) {
        for (size_t i = 0; i < n_leaves; i++)
                if (leaves[i] == leaf)
                        memmove(&leaves[i], &leaves[i + 1], (--n_leaves - i) * sizeof(leaves[0]));
        run_leaf_end(leaf, &(struct leaf_end){ .error = ERROR_SIGNAL, .detail = "KILL", .clean_when_stopped = true });
}

/* One whose work does not end. */
static struct remnant *left;

static void leaf_forced(_unused_ struct run *leaf) {
}

static void leaf_abandon(_unused_ struct run *leaf, struct remnant *remnant) {
        left = remnant;
        n_leaves = 0;
}

static const struct leaf_ops stuck_ops = {
        .name = "stuck",
        .start = leaf_start,
        .force = leaf_forced,
        .abandon = leaf_abandon,
        .abandon_after_usec = 5 * USEC_PER_SEC,
        .abandoned_is_unkillable = true,
};

static const struct leaf_ops leaf_ops = { .name = "test", .start = leaf_start, .force = leaf_force };

/* Ends the leaf that began first. */
static void end(enum error_kind error, int exit_code) {
        struct run *leaf = leaves[0];

        ck_assert_uint_gt(n_leaves, 0);
        memmove(&leaves[0], &leaves[1], --n_leaves * sizeof(leaves[0]));
        run_leaf_end(leaf, &(struct leaf_end){ .error = error, .detail = "as told", .exit_code = exit_code });
        fake_loop_settle();
}

/* ---- the fixture ---- */

static const char *phase(_unused_ void *arg) {
        return "running";
}

static struct task *make_task(const char *name) {
        struct task *task = task_new(name);

        ck_assert_ptr_nonnull(task);
        task->run.leaf = &leaf_ops;
        task->run.bounds[BOUND_TIMEOUT] = USEC_INFINITY;
        task->run.bounds[BOUND_TOTAL_TIMEOUT] = 60 * USEC_PER_SEC;
        task->run.bounds[BOUND_QUEUE_TIMEOUT] = USEC_INFINITY;
        return task;
}

static void use_limit(struct task *task) {
        task->limits = calloc(1, sizeof(*task->limits));
        task->limits[0].name = strdup("db");
        task->limits[0].permits = 1;
        task->n_limits = 1;
}

/* A group of beta and then alpha. */
static void make_group(struct task *group) {
        struct run_member *members = calloc(2, sizeof(*members));
        unsigned *after = calloc(1, sizeof(*after));

        members[0].spec = &task_ref(tasks[TASK_BETA])->run;
        members[1] = (struct run_member){ .spec = &task_ref(tasks[TASK_ALPHA])->run, .after = after, .n_after = 1 };
        group->run.is_group = true;
        group->run.leaf = NULL;
        group->run.members = members;
        group->run.n_members = 2;
}

static void make_config(struct task **made, size_t n) {
        pool_section = (struct pool_section){ .name = (char *)"default", .threads = 1, .queue_max = 10 };
        limit_section = (struct limit_section){
                .name = (char *)"db",
                .limit = { .permits = 1, .max_waiting = 10 },
        };
        config = (struct config){
                .n_ref = 2, /* one of the test's, so that it is never freed */
                .daemon = { .hook_queue = 2, .max_running = 1000 },
                .limits = &limit_section,
                .n_limits = 1,
                .pools = &pool_section,
                .n_pools = 1,
                .tasks = made,
                .n_tasks = n,
        };
}

static void on_reload_begin(_unused_ void *arg) {
}

static void on_reload_end(_unused_ const struct reload_outcome *outcome, _unused_ void *arg) {
}

static void go(void) {
        const struct live_options options = { .loop = loop };
        struct control_options control_options = { .phase = phase };
        struct reloader_options reloader_options = {
                .path = "/nonexistent/tendd.ini",
                .on_begin = on_reload_begin,
                .on_end = on_reload_end,
        };

        ck_assert_int_eq(live_new(&options, &config, &live), 0);
        reloader_options.live = live;
        ck_assert_int_eq(reloader_new(&reloader_options, &reloader), 0);
        control_options.live = live;
        control_options.reloader = reloader;
        ck_assert_int_eq(control_new(&control_options, &control), 0);
        test_client_connect(&client, control->server);
}

static void setup(void) {
        static const char *const names[N_TASKS] = { "alpha", "beta", "gamma", "whole" };

        log_set_max_level(LOG_CRIT); /* a test that fails is to be found in what is printed */
        fake_clock_reset();
        n_leaves = 0;
        ck_assert_int_eq(loop_new(&loop), 0);
        for (size_t i = 0; i < N_TASKS; i++)
                tasks[i] = make_task(names[i]);
        use_limit(tasks[TASK_ALPHA]);
        use_limit(tasks[TASK_BETA]);
        tasks[TASK_GAMMA]->enabled = false;
        make_group(tasks[TASK_GROUP]);
        make_config(tasks, N_TASKS);
        go();
}

/* What freeing the configuration would do; the tasks of a test outlive it. */
static void unbind(struct task *task) {
        for (size_t i = 0; i < task->run.n_limits; i++)
                limit_unref(task->run.limits[i].limit);
        free(task->run.limits);
        task->run.limits = NULL;
        task->run.n_limits = 0;
}

static void stop_all(void) {
        test_client_close(&client);
        run_tree_stop(live_tree(live), false);
        run_tree_force(live_tree(live));
        fake_loop_settle();
        ck_assert(run_tree_is_empty(live_tree(live)));
        control_free(control);
        reloader = reloader_free(reloader);
        for (size_t i = 0; i < config.n_tasks; i++)
                unbind(config.tasks[i]);
        live_free(live);
}

static void teardown(void) {
        stop_all();
        for (size_t i = N_TASKS; i > 0; i--) /* the group before its members */
                task_unref(tasks[i - 1]);
        loop_free(loop);
}

/* ---- errors ---- */

static const struct {
        const char *method;
        const char *parameters;
        bool more;
        const char *error; /* behind io.tendd.Runner. unless there is a dot in it */
        const char *about;
} refusals[] = {
        { "List", "{\"tasks\":[\"al*\",\"x*\"]}", false, "NoSuchTask", "{\"task\":\"x*\"}" },
        { "Show", "{\"task\":\"x\"}", false, "NoSuchTask", "{\"task\":\"x\"}" },
        { "Why", "{\"name\":\"x\"}", false, "NoSuchTask", "{\"task\":\"x\"}" },
        { "Why", "{\"name\":\"alpha#9\"}", false, "NoSuchRun", "{\"run\":\"alpha#9\"}" },
        { "Tree", "{\"runs\":[\"x\"]}", false, "NoSuchTask", "{\"task\":\"x\"}" },
        { "Tree", "{\"runs\":[\"alpha#9\"]}", false, "NoSuchRun", "{\"run\":\"alpha#9\"}" },
        { "Start", "{\"tasks\":[\"x\"]}", false, "NoSuchTask", "{\"task\":\"x\"}" },
        { "Start", "{\"tasks\":[\"x*\"]}", false, "NoSuchTask", "{\"task\":\"x*\"}" },
        { "Start", "{\"tasks\":[\"gamma\"]}", false, "Disabled", "{\"task\":\"gamma\"}" },
        { "Start", "{\"tasks\":[\"gam*\"]}", false, "Disabled", "{\"task\":\"gam*\"}" },
        { "Start", "{\"tasks\":[\"alpha\",\"be*\",\"x\"]}", false, "NoSuchTask", "{\"task\":\"x\"}" },
        { "Start", "{\"tasks\":[\"alpha\",\"gamma\"]}", false, "Disabled", "{\"task\":\"gamma\"}" },
        { "Start", "{\"tasks\":[\"alpha\",\"alpha#1\"]}", false, "NoSuchTask", "{\"task\":\"alpha#1\"}" },
        { "Start", "{\"tasks\":[]}", false, "org.varlink.service.InvalidParameter", "{\"parameter\":\"tasks\"}" },
        { "Start", "{\"tasks\":[\"alpha\"],\"wait\":true}", false, "org.varlink.service.ExpectedMore", "{}" },
        { "Stop", "{\"runs\":[\"x\"]}", false, "NoSuchTask", "{\"task\":\"x\"}" },
        { "Stop", "{\"runs\":[\"alpha#9\"]}", false, "NoSuchRun", "{\"run\":\"alpha#9\"}" },
        { "Stop", "{\"runs\":[\"alpha\"]}", false, "NotRunning", "{\"name\":\"alpha\"}" },
        { "Stop", "{\"runs\":[]}", false, "org.varlink.service.InvalidParameter", "{\"parameter\":\"runs\"}" },
        { "Wait", "{\"runs\":[\"alpha\"]}", true, "NotRunning", "{\"name\":\"alpha\"}" },
        { "Wait", "{\"runs\":[\"alpha#1\"]}", true, "NoSuchRun", "{\"run\":\"alpha#1\"}" },
        { "Limits", "{\"limits\":[\"x\"]}", false, "NoSuchLimit", "{\"limit\":\"x\"}" },
        { "Pools", "{\"pools\":[\"default\",\"x\"]}", false, "NoSuchPool", "{\"pool\":\"x\"}" },
        { "Events", "{\"tasks\":[\"alpha\",\"x\"]}", true, "NoSuchTask", "{\"task\":\"x\"}" },
        { "Events", "{\"backlog\":257}", false, "org.varlink.service.InvalidParameter", "{\"parameter\":\"backlog\"}" },
        { "Events", "{\"backlog\":-1}", true, "org.varlink.service.InvalidParameter", "{\"parameter\":\"backlog\"}" },
};

START_TEST(what_cannot_be_is_refused_by_name) {
        char expected[512];
        bool full = strchr(refusals[_i].error, '.') != NULL;

        call(refusals[_i].method, refusals[_i].parameters, refusals[_i].more);
        snprintf(expected, sizeof(expected), "{\"error\":\"%s%s\",\"parameters\":%s}", full ? "" : "io.tendd.Runner.",
                 refusals[_i].error, refusals[_i].about);
        test_client_expect(&client, expected);
        test_client_expect_nothing(&client, false);
        ck_assert(run_tree_is_empty(live_tree(live))); /* nothing was begun for the names before it */
}
END_TEST

START_TEST(nothing_is_started_while_stopping) {
        run_tree_stop(live_tree(live), false);
        call("Start", "{\"tasks\":[\"alpha\"]}", false);
        test_client_expect(&client, "{\"error\":\"io.tendd.Runner.ShuttingDown\",\"parameters\":{}}");
}
END_TEST

/* ---- runs ---- */

START_TEST(start_names_the_runs_of_all_that_match) {
        call("Start", "{\"tasks\":[\"*a\"]}", false);
        test_client_expect(&client, "{\"parameters\":{\"started\":[\"alpha#1\",\"beta#1\"]}}");
        fake_loop_settle();
        ck_assert_uint_eq(n_leaves, 1); /* they share a permit */
}
END_TEST

START_TEST(start_with_wait_tells_how_each_ended) {
        json_t *got;

        call("Start", "{\"tasks\":[\"alpha\",\"beta\"],\"wait\":true}", true);
        test_client_expect(&client, "{\"parameters\":{\"started\":[\"alpha#1\",\"beta#1\"]},\"continues\":true}");
        test_client_expect_nothing(&client, false);
        end(ERROR_EXIT, 7);
        got = answer();
        expect_at(got, "result.run", "alpha#1");
        expect_at(got, "result.outcome", "failed");
        expect_at(got, "result.exit_code", "7");
        expect_at(got, "result.errors.0.kind", "exit");
        expect_at(got, "result.errors.0.detail", "as told");
        json_decref(got);
        end(ERROR_NONE, 0);
        got = answer();
        expect_at(got, "result.run", "beta#1");
        expect_at(got, "result.outcome", "ok");
        json_decref(got);
        test_client_expect_nothing(&client, false);
        call("Limits", "{}", false); /* the call is over: the next is answered */
        json_decref(answer());
}
END_TEST

START_TEST(wait_knows_runs_that_live_and_the_last_that_ended) {
        static struct test_client other;
        json_t *got;

        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        call("Wait", "{\"runs\":[\"alpha\"]}", false);
        test_client_expect_nothing(&client, false);
        end(ERROR_NONE, 0);
        got = answer();
        expect_at(got, "result.run", "alpha#1");
        json_decref(got);

        test_client_connect(&other, control->server);
        test_client_call(&other, "{\"method\":\"io.tendd.Runner.Wait\",\"parameters\":{\"runs\":[\"alpha#1\"]}}");
        got = test_client_receive(&other, NULL);
        expect_at(got, "parameters.result.outcome", "ok");
        json_decref(got);
        test_client_call(&other, "{\"method\":\"io.tendd.Runner.Wait\",\"parameters\":{\"runs\":[\"alpha\"]}}");
        got = test_client_receive(&other, NULL);
        expect_at(got, "parameters.result.run", "alpha#1");
        json_decref(got);
        test_client_close(&other);
}
END_TEST

START_TEST(who_waits_may_go_away) {
        static struct test_client other;

        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        test_client_connect(&other, control->server);
        test_client_call(&other, "{\"method\":\"io.tendd.Runner.Wait\",\"parameters\":{\"runs\":[\"alpha\"]}}");
        test_client_close(&other);
        ck_assert(list_empty(&control->waiters));
        end(ERROR_NONE, 0);
}
END_TEST

START_TEST(stop_cancels_and_says_who_asked_and_why) {
        json_t *got;
        char by[256];

        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        call("Stop", "{\"runs\":[\"al*\"],\"reason\":\"maintenance\",\"force\":true}", false);
        test_client_expect(&client, "{\"parameters\":{\"stopped\":[\"alpha#1\"],\"not_running\":[]}}");
        fake_loop_settle();
        got = ask("Wait", "{\"runs\":[\"alpha#1\"]}");
        expect_at(got, "result.outcome", "cancelled");
        ck_assert_msg(strstr(at(got, "result.cancelled_by", by), ": maintenance"), "cancelled by %s", by);
        ck_assert_msg(strstr(by, "uid "), "cancelled by %s", by);
        json_decref(got);
}
END_TEST

START_TEST(commands_that_want_no_answer_are_carried_out) {
        test_client_call(&client, "{\"method\":\"io.tendd.Runner.Start\",\"oneway\":true,"
                                  "\"parameters\":{\"tasks\":[\"alpha\"]}}");
        ck_assert_uint_eq(n_leaves, 1);
        test_client_call(&client, "{\"method\":\"io.tendd.Runner.Stop\",\"oneway\":true,"
                                  "\"parameters\":{\"runs\":[\"*\"],\"force\":true}}");
        ck_assert_uint_eq(n_leaves, 0);
        test_client_expect_nothing(&client, false);
}
END_TEST

START_TEST(tree_and_why_tell_who_holds_what_a_run_waits_for) {
        json_t *got;

        json_decref(ask("Start", "{\"tasks\":[\"alpha\",\"beta\"]}"));
        fake_clock_advance(2 * USEC_PER_SEC);
        got = ask("Tree", "{}");
        expect_at(got, "runs", "[2]");
        expect_at(got, "runs.0.name", "alpha#1");
        expect_at(got, "runs.0.waiting", "-");
        expect_at(got, "runs.0.deadline.bound", "total-timeout");
        expect_at(got, "runs.0.deadline.run", "alpha#1");
        expect_at(got, "runs.1.name", "beta#1");
        expect_at(got, "runs.1.state", "queued");
        json_decref(got);

        got = ask("Why", "{\"name\":\"beta\"}");
        expect_at(got, "task.name", "beta");
        expect_at(got, "runs.0.waiting.why", "permits");
        expect_at(got, "runs.0.waiting.limit", "db");
        expect_at(got, "runs.0.waiting.holders", "[1]");
        expect_at(got, "runs.0.waiting.holders.0", "alpha#1");
        expect_at(got, "remnants", "[0]");
        expect_at(got, "last", "-");
        json_decref(got);

        got = ask("Tree", "{\"runs\":[\"beta#1\"]}");
        expect_at(got, "runs", "[1]");
        json_decref(got);
        got = ask("Tree", "{\"runs\":[\"g*\"]}");
        expect_at(got, "runs", "[0]");
        json_decref(got);
}
END_TEST

START_TEST(a_member_is_meant_by_the_name_of_its_task) {
        json_t *got;

        json_decref(ask("Start", "{\"tasks\":[\"whole\"]}"));
        fake_loop_settle();
        got = ask("Tree", "{}");
        expect_at(got, "runs", "[3]");
        expect_at(got, "runs.0.name", "whole#1");
        expect_at(got, "runs.0.role", "group");
        expect_at(got, "runs.1.depth", "1");
        expect_at(got, "runs.2.waiting.why", "after");
        expect_at(got, "runs.2.waiting.run", "whole#1/beta");
        json_decref(got);
        got = ask("Tree", "{\"runs\":[\"al*\"]}");
        expect_at(got, "runs", "[1]");
        expect_at(got, "runs.0.name", "whole#1/alpha");
        expect_at(got, "runs.0.depth", "0");
        json_decref(got);

        end(ERROR_NONE, 0);
        got = ask("List", "{\"tasks\":[\"beta\"]}");
        expect_at(got, "tasks.0.last.run", "whole#1/beta");
        expect_at(got, "tasks.0.running", "0");
        json_decref(got);
        got = ask("Wait", "{\"runs\":[\"beta\"]}");
        expect_at(got, "result.run", "whole#1/beta");
        json_decref(got);
        call("Stop", "{\"runs\":[\"alpha\"]}", false);
        test_client_expect(&client, "{\"parameters\":{\"stopped\":[\"whole#1/alpha\"],\"not_running\":[]}}");
        fake_loop_settle();
        got = ask("Wait", "{\"runs\":[\"whole\"]}");
        expect_at(got, "result.outcome", "cancelled");
        json_decref(got);
}
END_TEST

START_TEST(limits_tell_holders_and_waiters) {
        json_t *got;

        json_decref(ask("Start", "{\"tasks\":[\"alpha\",\"beta\"]}"));
        got = ask("Limits", "{\"limits\":[\"db\"]}");
        expect_at(got, "limits.0.permits", "1");
        expect_at(got, "limits.0.held", "1");
        expect_at(got, "limits.0.waiting", "1");
        expect_at(got, "limits.0.rate", "-");
        expect_at(got, "limits.0.holders.0.run", "alpha#1");
        expect_at(got, "limits.0.waiters.0.run", "beta#1");
        json_decref(got);
        got = ask("Pools", "{}");
        expect_at(got, "pools.0.name", "default");
        expect_at(got, "pools.0.degraded", "false");
        json_decref(got);
}
END_TEST

/* ---- tasks ---- */

START_TEST(list_tells_state_and_last_run) {
        json_t *got;

        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        end(ERROR_EXIT, 3);
        json_decref(ask("Start", "{\"tasks\":[\"beta\"]}"));
        got = ask("List", "{}");
        expect_at(got, "tasks", "[4]");
        expect_at(got, "tasks.0.name", "alpha");
        expect_at(got, "tasks.0.state", "failing");
        expect_at(got, "tasks.0.failures", "1");
        expect_at(got, "tasks.0.last.outcome", "failed");
        expect_at(got, "tasks.0.last.error", "exit");
        expect_at(got, "tasks.1.state", "running");
        expect_at(got, "tasks.1.last", "-");
        expect_at(got, "tasks.2.state", "disabled");
        json_decref(got);
        got = ask("List", "{\"states\":[\"failing\"],\"tasks\":[\"*\"]}");
        expect_at(got, "tasks", "[1]");
        json_decref(got);
}
END_TEST

START_TEST(show_tells_settings_runs_and_the_last_outcome) {
        json_t *got;

        tasks[TASK_ALPHA]->description = strdup("bytes \xff of \xd1\x8f\xd0\xb7\xd1\x8b\xd0");
        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        end(ERROR_EXIT, 3);
        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        got = ask("Show", "{\"task\":\"alpha\"}");
        expect_at(got, "task.description", "bytes ? of \xd1\x8f\xd0\xb7\xd1\x8b?");
        expect_at(got, "runs", "[1]");
        expect_at(got, "runs.0.name", "alpha#2");
        expect_at(got, "last.run", "alpha#1");
        ck_assert_uint_gt(json_array_size(json_object_get(got, "settings")), 0);
        json_decref(got);
}
END_TEST

START_TEST(status_leads_with_problems_and_what_is_next) {
        json_t *got;

        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        end(ERROR_EXIT, 3);
        json_decref(ask("Start", "{\"tasks\":[\"alpha\",\"beta\"]}"));
        got = ask("Status", "{}");
        expect_at(got, "phase", "running");
        expect_at(got, "tasks", "4");
        expect_at(got, "failing", "1");
        expect_at(got, "running", "1");
        expect_at(got, "queued", "1");
        expect_at(got, "done", "1");
        expect_at(got, "outcomes.failed", "1");
        expect_at(got, "problems", "[2]");
        expect_at(got, "problems.0.kind", "failing");
        expect_at(got, "problems.0.subject", "alpha");
        expect_at(got, "problems.0.command", "tendctl show alpha");
        expect_at(got, "problems.1.kind", "full");
        expect_at(got, "problems.1.command", "tendctl limits db");
        expect_at(got, "next", "[0]");
        json_decref(got);
}
END_TEST

START_TEST(stop_does_what_it_can_and_says_what_did_not_run) {
        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        call("Stop", "{\"runs\":[\"alpha\",\"x*\"]}", false);
        test_client_expect(&client, "{\"error\":\"io.tendd.Runner.NoSuchTask\",\"parameters\":{\"task\":\"x*\"}}");
        ck_assert(!run_is_cancelled(run_tree_find(live_tree(live), "alpha#1")));
        call("Stop", "{\"runs\":[\"beta\",\"alpha#7\",\"alpha\"]}", false);
        test_client_expect(&client,
                           "{\"parameters\":{\"stopped\":[\"alpha#1\"],\"not_running\":[\"beta\",\"alpha#7\"]}}");
}
END_TEST

START_TEST(tree_takes_runs_and_tasks_together) {
        json_t *got;

        json_decref(ask("Start", "{\"tasks\":[\"alpha\",\"beta\",\"whole\"]}"));
        fake_loop_settle();
        call("Tree", "{\"runs\":[\"whole#1\",\"alp*\",\"beta#1\"]}", true);
        got = answer();
        expect_at(got, "runs", "[3]");
        expect_at(got, "runs.0.name", "whole#1");
        json_decref(got);
        got = answer();
        expect_at(got, "runs", "[1]");
        expect_at(got, "runs.0.name", "beta#1");
        json_decref(got);
        got = answer();
        expect_at(got, "runs", "[2]");
        expect_at(got, "runs.0.name", "alpha#1");
        expect_at(got, "runs.1.name", "whole#1/alpha");
        json_decref(got);
        test_client_expect_nothing(&client, false);
        call("Tree", "{\"runs\":[\"whole#1/beta\"]}", false);
        got = answer();
        expect_at(got, "runs", "[1]");
        json_decref(got);
}
END_TEST

START_TEST(why_knows_the_last_run_that_ended) {
        json_t *got;

        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        end(ERROR_EXIT, 3);
        got = ask("Why", "{\"name\":\"alpha#1\"}");
        expect_at(got, "task.name", "alpha");
        expect_at(got, "runs", "[0]");
        expect_at(got, "last.run", "alpha#1");
        expect_at(got, "last.errors.0.detail", "as told");
        json_decref(got);
}
END_TEST

START_TEST(what_is_left_of_a_run_is_told) {
        json_t *got;

        tasks[TASK_ALPHA]->run.leaf = &stuck_ops;
        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        fake_loop_settle();
        json_decref(ask("Stop", "{\"runs\":[\"alpha\"],\"force\":true}"));
        fake_clock_advance(5 * USEC_PER_SEC);
        fake_loop_settle();
        got = ask("Why", "{\"name\":\"alpha\"}");
        expect_at(got, "last.errors.0.kind", "unkillable");
        expect_at(got, "runs", "[0]");
        expect_at(got, "remnants.0.run", "alpha#1");
        expect_at(got, "remnants.0.task", "alpha");
        expect_at(got, "remnants.0.process", "true");
        json_decref(got);
        remnant_gone(left);
        fake_loop_settle();
        got = ask("Why", "{\"name\":\"alpha\"}");
        expect_at(got, "remnants", "[0]");
        json_decref(got);
}
END_TEST

START_TEST(runs_tell_how_long_it_usually_takes) {
        json_t *got;

        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        fake_clock_advance(3 * USEC_PER_SEC);
        end(ERROR_NONE, 0);
        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        got = ask("Tree", "{}");
        expect_at(got, "runs.0.name", "alpha#2");
        expect_at(got, "runs.0.usual_usec", "3000000");
        json_decref(got);
}
END_TEST

START_TEST(a_reload_that_comes_to_nothing_is_told_why) {
        call("Reload", "{}", false);
        test_client_expect_nothing(&client, false);
        reloader_abort(reloader);
        fake_loop_settle();
        test_client_expect(&client, "{\"error\":\"io.tendd.Runner.ReloadFailed\","
                                    "\"parameters\":{\"reason\":\"the daemon is stopping\"}}");
}
END_TEST

/* ---- events ---- */

START_TEST(events_tell_what_happened) {
        json_t *got;

        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        end(ERROR_EXIT, 3);
        got = ask("Events", "{\"tasks\":[\"alpha\"]}");
        expect_at(got, "events.0.event", "run-queued");
        expect_at(got, "events.0.run", "alpha#1");
        expect_at(got, "events.1.event", "run-done");
        expect_at(got, "events.1.result.outcome", "failed");
        json_decref(got);
        got = ask("Events", "{\"tasks\":[\"alpha\"],\"backlog\":1}");
        expect_at(got, "events", "[1]");
        json_decref(got);
        got = ask("Events", "{}");
        expect_at(got, "events.0.event", "command");
        json_decref(got);
}
END_TEST

START_TEST(who_follows_is_told_as_it_happens) {
        static struct test_client other;
        json_t *got;

        test_client_connect(&other, control->server);
        test_client_call(&other, "{\"method\":\"io.tendd.Runner.Events\",\"more\":true,"
                                 "\"parameters\":{\"tasks\":[\"alpha\"]}}");
        got = test_client_receive(&other, NULL); /* where it is */
        expect_at(got, "parameters.events", "[0]");
        json_decref(got);
        test_client_expect_nothing(&other, false);
        json_decref(ask("Start", "{\"tasks\":[\"beta\"]}"));
        test_client_expect_nothing(&other, false);
        end(ERROR_NONE, 0);
        json_decref(ask("Start", "{\"tasks\":[\"alpha\"]}"));
        got = test_client_receive(&other, NULL);
        expect_at(got, "parameters.events.0.run", "alpha#1");
        expect_at(got, "continues", "true");
        json_decref(got);
        test_client_close(&other);
}
END_TEST

/* ---- many ---- */

#define MANY 5000

START_TEST(what_is_much_is_done_in_slices) {
        struct task **many = calloc(MANY, sizeof(struct task *));
        size_t n = 0, slices = 0;
        bool more = true;
        json_t *list;

        stop_all();
        for (size_t i = 0; i < MANY; i++) {
                char name[32];

                snprintf(name, sizeof(name), "t%05zu", i);
                many[i] = make_task(name);
        }
        make_config(many, MANY);
        go();
        call("List", "{}", false);
        test_client_expect(&client, "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}");
        call("List", "{}", true);
        while (more) {
                json_t *got = test_client_receive(&client, NULL);

                ck_assert_ptr_nonnull(got);
                list = json_object_get(json_object_get(got, "parameters"), "tasks");
                ck_assert_uint_le(json_array_size(list), 100);
                n += json_array_size(list);
                slices++;
                more = json_is_true(json_object_get(got, "continues"));
                json_decref(got);
        }
        ck_assert_uint_eq(n, MANY);
        ck_assert_uint_ge(slices, MANY / 100);
        json_decref(ask("List", "{\"tasks\":[\"t04999\"]}"));
        json_decref(ask("Status", "{}"));

        list = ask("Start", "{\"tasks\":[\"t00*\",\"t04999\"]}");
        expect_at(list, "started", "[1001]");
        expect_at(list, "started.1000", "t04999#1");
        json_decref(list);
        fake_loop_settle();
        list = ask("Stop", "{\"runs\":[\"t00*\",\"t04999#1\"],\"force\":true}");
        expect_at(list, "stopped", "[1001]");
        json_decref(list);
        fake_loop_settle();
        ck_assert(run_tree_is_empty(live_tree(live)));

        stop_all();
        for (size_t i = 0; i < MANY; i++)
                task_unref(many[i]);
        free(many);
        make_config(tasks, N_TASKS);
        go();
}
END_TEST

START_TEST(a_large_tree_is_told_once_and_whole) {
        size_t n = 0;
        bool more = true;

        for (unsigned i = 0; i < 900; i++) {
                struct run *run;

                ck_assert_int_eq(live_start(live_find(live, "alpha"), "test", &run), 0);
                fake_clock_advance(i % 3); /* some at the same instant */
        }
        call("Tree", "{\"runs\":[\"alpha\"]}", true);
        while (more) {
                json_t *got = test_client_receive(&client, NULL);

                ck_assert_ptr_nonnull(got);
                n += json_array_size(json_object_get(json_object_get(got, "parameters"), "runs"));
                more = json_is_true(json_object_get(got, "continues"));
                json_decref(got);
        }
        ck_assert_uint_eq(n, 900);
        for (int i = 0; i < 2; i++) { /* in one message there are few, and it says so */
                json_t *got = i == 0 ? ask("Why", "{\"name\":\"alpha\"}") : ask("Show", "{\"task\":\"alpha\"}");

                expect_at(got, "runs", "[100]");
                expect_at(got, "runs.0.hidden", "800");
                json_decref(got);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control");
        TCase *tcase = tcase_create("control");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, what_cannot_be_is_refused_by_name, 0, (int)ARRAY_SIZE(refusals));
        tcase_add_test(tcase, nothing_is_started_while_stopping);
        tcase_add_test(tcase, start_names_the_runs_of_all_that_match);
        tcase_add_test(tcase, start_with_wait_tells_how_each_ended);
        tcase_add_test(tcase, wait_knows_runs_that_live_and_the_last_that_ended);
        tcase_add_test(tcase, who_waits_may_go_away);
        tcase_add_test(tcase, stop_cancels_and_says_who_asked_and_why);
        tcase_add_test(tcase, commands_that_want_no_answer_are_carried_out);
        tcase_add_test(tcase, tree_and_why_tell_who_holds_what_a_run_waits_for);
        tcase_add_test(tcase, a_member_is_meant_by_the_name_of_its_task);
        tcase_add_test(tcase, limits_tell_holders_and_waiters);
        tcase_add_test(tcase, list_tells_state_and_last_run);
        tcase_add_test(tcase, show_tells_settings_runs_and_the_last_outcome);
        tcase_add_test(tcase, stop_does_what_it_can_and_says_what_did_not_run);
        tcase_add_test(tcase, tree_takes_runs_and_tasks_together);
        tcase_add_test(tcase, why_knows_the_last_run_that_ended);
        tcase_add_test(tcase, status_leads_with_problems_and_what_is_next);
        tcase_add_test(tcase, what_is_left_of_a_run_is_told);
        tcase_add_test(tcase, runs_tell_how_long_it_usually_takes);
        tcase_add_test(tcase, a_reload_that_comes_to_nothing_is_told_why);
        tcase_add_test(tcase, events_tell_what_happened);
        tcase_add_test(tcase, who_follows_is_told_as_it_happens);
        tcase_add_test(tcase, what_is_much_is_done_in_slices);
        tcase_add_test(tcase, a_large_tree_is_told_once_and_whole);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
