/* SPDX-License-Identifier: MIT */
/* control-run: RunCommand and MapCommand over a real socket: what is refused, the tie between a call and its run, and what
 * goes between them. No command is ever spawned: all wait for a permit that the test holds. */
#include "base/utf8.h"
#include "control/methods.h"
#include "live/live_private.h"
#include "support/asking.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <stdio.h>
#include <sys/socket.h>

#define OPERATOR ((uid_t)12345)

static struct control *control;
static struct limit_section limit = { .name = (char *)"db", .limit = { .permits = 1 } };
static struct principal operator= { .id = OPERATOR };
static struct limit_ticket *ticket;

static const char *phase(_unused_ void *arg) {
        return "running";
}

static void on_granted(_unused_ struct limit_ticket *granted, _unused_ void *arg) {
}

static void setup(void) {
        struct control_options options = { .phase = phase };
        struct limit_use use = { .permits = 1 };
        const struct limit_request request = { .uses = &use, .n_uses = 1, .on_granted = on_granted };

        live_bed_setup();
        live_bed.config.limits = &limit;
        live_bed.config.n_limits = 1;
        live_bed.config.access.operate = (struct access_list){ .known = &operator, .n_known = 1 };
        (void)live_bed_job("work");
        live_bed_go();
        use.limit = live_find_limit(live_bed.live, "db");
        ck_assert_int_eq(limit_request(run_tree_limits(live_tree(live_bed.live)), &request, &ticket), 0);
        fake_loop_settle();
        options.live = live_bed.live;
        ck_assert_int_eq(control_new(&options, &control), 0);
        test_client_connect(&client, control->server);
}

static void teardown(void) {
        test_client_close(&client);
        control_free(control);
        limit_release(ticket);
        live_bed_teardown();
}

static struct run *find(const char *run) {
        return run_tree_find(live_tree(live_bed.live), run);
}

static void run(const char *more_parameters) {
        char parameters[300];

        (void)snprintf(parameters, sizeof(parameters), "{\"command\":[\"true\"],\"limit\":\"db\"%s}", more_parameters);
        call("RunCommand", parameters, true);
}

static void expect_run(const char *name) {
        json_t *got = answer();

        expect_at(got, "run", name);
        json_decref(got);
}

/* ---- what is refused ---- */

static const struct {
        const char *method;
        const char *parameters;
        bool more;
        const char *answer;
} refusals[] = {
#define RUN    "RunCommand"
#define WRONG  "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":"
#define RUNNER "{\"error\":\"io.tendd.Runner."
        { RUN, "{\"command\":[\"true\"]}", false,
          "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}" },
        { RUN, "{\"command\":[]}", true, WRONG "\"command\"}}" },
        { RUN, "{\"command\":[\"\"]}", true, WRONG "\"command\"}}" },
        { RUN, "{\"command\":[\"true\"],\"name\":\"a b\"}", true, WRONG "\"name\"}}" },
        { RUN, "{\"command\":[\"true\"],\"umask\":512}", true, WRONG "\"umask\"}}" },
        { RUN, "{\"command\":[\"true\"],\"env\":[\"A\"]}", true, WRONG "\"env\"}}" },
        { RUN, "{\"command\":[\"true\"],\"env\":[\"=A\"]}", true, WRONG "\"env\"}}" },
        { RUN, "{\"command\":[\"true\"],\"stdin\":0}", true, WRONG "\"stdin\"}}" },
        { RUN, "{\"command\":[\"true\"],\"concurrency\":2}", true, WRONG "\"concurrency\"}}" },
        { RUN, "{\"command\":[\"true\"],\"name\":\"work\"}", true,
          RUNNER "NameTaken\",\"parameters\":{\"name\":\"work\"}}" },
        { RUN, "{\"command\":[\"true\"],\"limit\":\"x\"}", true,
          RUNNER "NoSuchLimit\",\"parameters\":{\"limit\":\"x\"}}" },
        { RUN, "{\"command\":[\"true\"],\"limit\":\"db:2\"}", true,
          RUNNER
          "InvalidSetting\",\"parameters\":{\"message\":\"limit: asks for more permits of db than there are\"}}" },
        { RUN, "{\"command\":[\"true\"],\"retries\":-1}", true,
          RUNNER "InvalidSetting\",\"parameters\":{\"message\":\"retries: \\\"-1\\\" is no number (a number from 0 to "
                 "1000000)\"}}" },
        { "MapCommand", "{\"command\":[\"true\"],\"items\":0}", true, WRONG "\"items\"}}" },
};

START_TEST(what_cannot_be_is_refused_and_leaves_nothing) {
        call(refusals[_i].method, refusals[_i].parameters, refusals[_i].more);
        test_client_expect(&client, refusals[_i].answer);
        ck_assert(run_tree_is_empty(live_tree(live_bed.live)));
        ck_assert_ptr_null(live_find_gone(live_bed.live, "*"));
}
END_TEST

START_TEST(there_are_too_many_at_some_time) {
        for (unsigned i = 0; i < LIVE_TRANSIENTS_MAX; i++) {
                run(",\"detach\":true");
                json_decref(answer());
        }
        run("");
        test_client_expect(&client, RUNNER "TooMany\",\"parameters\":{}}");
}
END_TEST

/* The kernel notes who somebody is when the sockets are made. */
static void connect_as(uid_t uid) {
        int fds[2];

        test_client_close(&client);
        ck_assert_int_eq(seteuid(uid), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        ck_assert_int_eq(seteuid(0), 0);
        client = (struct test_client){ .fd = fds[0], .server = fds[1] };
        ck_assert_int_eq(varlink_server_add_connection(control->server, fds[1]), 0);
}

START_TEST(an_operator_is_nobody_else) {
        if (geteuid() != 0) {
                fprintf(stderr, "skipped: not root\n");
                return;
        }
        connect_as(OPERATOR);
        run(",\"user\":\"root\"");
        test_client_expect(&client, RUNNER "NotAsUser\",\"parameters\":{\"user\":\"root\"}}");
        run("");
        expect_run("run#1");
        ck_assert_uint_eq(task_of(run_get_spec(live_bed_run("run#1")))->transient->caller.uid, OPERATOR);
}
END_TEST

START_TEST(a_daemon_that_is_not_root_runs_nothing_for_others) {
        if (geteuid() != 0) {
                fprintf(stderr, "skipped: not root\n");
                return;
        }
        connect_as(OPERATOR);
        ck_assert_int_eq(seteuid(OPERATOR + 1), 0);
        run("");
        ck_assert_int_eq(seteuid(0), 0);
        test_client_expect(&client, RUNNER "NotYourDaemon\",\"parameters\":{}}");
}
END_TEST

/* ---- the tie ---- */

/* The last event of a command, which stays until the next. */
static const char *command_told(void) {
        return strstr(live_bed_text(EVENT_COMMAND), ": ") + 2;
}

START_TEST(what_is_run_is_told_first_and_no_secret) {
        /* As a caller would write it who wants to be told for something else. */
        static const char before[] =
                "{\"timeout\":\"1s\",\"env\":[\"PASSWORD=secret\"],\"detach\":true,\"limit\":\"db\",\"command\":[\"echo\",\"";
        char parameters[400];

        (void)snprintf(parameters, sizeof(parameters), "%sé\"]}", before);
        call("RunCommand", parameters, false);
        ck_assert_str_eq(command_told(),
                         "{\"command\":[\"echo\",\"é\"],\"limit\":\"db\",\"timeout\":\"1s\",\"detach\":true}");
        expect_run("run#1");
        ck_assert_uint_eq(task_of(run_get_spec(find("run#1")))->transient->size,
                          sizeof("echo") + sizeof("é") + sizeof("PASSWORD=secret") + 3 * sizeof(char *));
}
END_TEST

/* At every byte of a character, and never in one. */
START_TEST(of_a_long_command_the_beginning_is_told) {
        static const char beginning[] =
                "{\"method\":\"io.tendd.Runner.RunCommand\",\"parameters\":{\"detach\":true,\"limit\":\"db\",\"command\":[\"";
        char text[2048], *end = stpcpy(text, beginning);
        const char *told;

        end = stpcpy(end, &"xx"[_i]);
        for (unsigned i = 0; i < 500; i++)
                end = stpcpy(end, "€");
        (void)stpcpy(end, "\"]}}");
        test_client_call(&client, text);
        told = command_told();
        ck_assert_uint_gt(strlen(told), 490);
        ck_assert_uint_lt(strlen(told), 510);
        ck_assert_str_eq(told + strlen(told) - strlen("€…"), "€…");
        for (size_t n = strlen("{\"command\":[\""); told[n]; n += utf8_length(told + n, strlen(told + n)))
                ck_assert_uint_gt(utf8_length(told + n, strlen(told + n)), 0);
}
END_TEST

START_TEST(a_run_is_named_and_then_waited_for) {
        run("");
        expect_run("run#1");
        test_client_expect_nothing(&client, false);
        ck_assert_int_eq(run_cancel(find("run#1"), CANCEL_OPERATOR, "somebody"), 0);
        fake_loop_settle();
        {
                json_t *got = answer();

                expect_at(got, "result.run", "run#1");
                expect_at(got, "result.outcome", "cancelled");
                expect_at(got, "result.exit_code", "130");
                json_decref(got);
        }
}
END_TEST

START_TEST(a_client_that_goes_takes_its_run_along) {
        run("");
        expect_run("run#1");
        test_client_close(&client);
        ck_assert_ptr_null(find("run#1"));
        ck_assert_uint_eq(live_bed_events(EVENT_RUN_DONE), 1);
        test_client_connect(&client, control->server);
}
END_TEST

START_TEST(a_run_that_was_detached_stays) {
        run(",\"detach\":true,\"name\":\"aside\"");
        expect_run("aside#1");
        test_client_close(&client);
        ck_assert_ptr_nonnull(find("aside#1"));
        test_client_connect(&client, control->server);
}
END_TEST

START_TEST(it_can_be_asked_about_and_stopped_like_others) {
        json_t *got;

        run(",\"detach\":true");
        expect_run("run#1");
        got = ask("Why", "{\"name\":\"run\"}");
        expect_at(got, "runs.0.waiting.limit", "db");
        json_decref(got);
        got = ask("Tree", "{\"runs\":[\"r*\"]}");
        expect_at(got, "runs.0.name", "run#1");
        json_decref(got);
        got = ask("List", "{}");
        expect_at(got, "tasks", "[1]"); /* not among those of the configuration */
        json_decref(got);
        call("Start", "{\"tasks\":[\"run\"]}", false);
        test_client_expect(&client, RUNNER "NoSuchTask\",\"parameters\":{\"task\":\"run\"}}");
        got = ask("Stop", "{\"runs\":[\"run\"]}");
        expect_at(got, "stopped.0", "run#1");
        json_decref(got);
        fake_loop_settle();
        ck_assert_ptr_null(find("run#1"));
}
END_TEST

/* ---- map ---- */

START_TEST(items_that_wait_hold_up_the_reading) {
        static const char text[] =
                "{\"method\":\"io.tendd.Runner.MapCommand\",\"more\":true,\"parameters\":{\"items\":0,"
                "\"command\":[\"echo\"],\"limit\":\"db\",\"concurrency\":2}}";
        char room[CMSG_SPACE(sizeof(int))] = { 0 };
        struct iovec iov = { .iov_base = (char *)text, .iov_len = sizeof(text) };
        struct msghdr message = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)
        };
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        const struct task *task;
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        *header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                    .cmsg_type = SCM_RIGHTS,
                                    .cmsg_len = CMSG_LEN(sizeof(int)) };
        memcpy(CMSG_DATA(header), &pair[1], sizeof(int));
        ck_assert_int_eq(sendmsg(client.fd, &message, MSG_NOSIGNAL), (ssize_t)sizeof(text));
        test_client_turn(&client);
        (void)close(pair[1]);
        expect_run("map#1");
        task = task_of(run_get_spec(live_bed_run("map#1")));
        ck_assert_str_eq(task->exec->command[1], "{}");
        ck_assert_int_eq(send(pair[0], "a\nb\nc\n", 6, MSG_NOSIGNAL), 6);
        ck_assert(fake_loop_ready(task->transient->items_fd, LOOP_READ));
        fake_loop_settle();
        ck_assert_uint_eq(run_items_so_far(live_bed_run("map#1"))->total, 2);
        /* Nobody reads any more when the client has gone. */
        test_client_close(&client);
        ck_assert_int_lt(send(pair[0], "d\n", 2, MSG_NOSIGNAL), 0);
        (void)close(pair[0]);
        test_client_connect(&client, control->server);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control-run");
        TCase *tcase = tcase_create("run");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        suite_add_tcase(suite, tcase);
        tcase_set_timeout(tcase, 60); /* with sanitizers, on a busy machine */
        tcase_add_loop_test(tcase, what_cannot_be_is_refused_and_leaves_nothing, 0, (int)ARRAY_SIZE(refusals));
        tcase_add_test(tcase, there_are_too_many_at_some_time);
        tcase_add_test(tcase, an_operator_is_nobody_else);
        tcase_add_test(tcase, a_daemon_that_is_not_root_runs_nothing_for_others);
        tcase_add_test(tcase, what_is_run_is_told_first_and_no_secret);
        tcase_add_loop_test(tcase, of_a_long_command_the_beginning_is_told, 0, 3);
        tcase_add_test(tcase, a_run_is_named_and_then_waited_for);
        tcase_add_test(tcase, a_client_that_goes_takes_its_run_along);
        tcase_add_test(tcase, a_run_that_was_detached_stays);
        tcase_add_test(tcase, it_can_be_asked_about_and_stopped_like_others);
        tcase_add_test(tcase, items_that_wait_hold_up_the_reading);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
