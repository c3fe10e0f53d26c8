/* SPDX-License-Identifier: MIT */
/* varlink-fds: descriptors that come with calls: whose they are, who may send them, and that none is left open. */
#include "control/varlink_internal.h"
#include "support/fake-loop.h"
#include "support/varlink-client.h"

#include <check.h>
#include <fcntl.h>
#include <sys/socket.h>

static struct loop *loop;
static struct varlink_server *server;
static struct test_client client;
static enum varlink_role role;
static unsigned n_calls, n_closed;
static int pipes[VARLINK_FDS_MAX + 1][2]; /* what is sent is the end that is written to */

static int takes(struct varlink_call *call, const json_t *parameters, _unused_ void *arg) {
        int fd = varlink_call_take_fd(call, json_integer_value(json_object_get(parameters, "index")));

        n_calls++;
        if (fd < 0)
                return varlink_error(call, "a.test.None", NULL);
        ck_assert_int_eq(varlink_call_take_fd(call, json_integer_value(json_object_get(parameters, "index"))), -EBADF);
        ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        ck_assert_int_ge(fd, 64); /* below are those that children get copies of */
        ck_assert_int_eq(write(fd, "x", 1), 1);
        (void)close(fd);
        return varlink_reply(call, json_object());
}

static int passes(struct varlink_call *call, _unused_ const json_t *parameters, _unused_ void *arg) {
        n_calls++;
        ck_assert_int_eq(varlink_call_take_fd(call, 0), -EBADF);
        return varlink_reply(call, json_object());
}

static int later(_unused_ struct varlink_call *call, _unused_ const json_t *parameters, _unused_ void *arg) {
        return 0;
}

static const struct varlink_field fields[] = {
        { "index", VARLINK_INT, true },
        { "words", VARLINK_WORDS, true },
        { 0 },
};
static const struct varlink_method methods[] = {
        { "Take", VARLINK_ROLE_OPERATE, VARLINK_FDS, fields, takes },
        { "Pass", VARLINK_ROLE_VIEW, 0, fields, passes },
        { "Later", VARLINK_ROLE_VIEW, 0, fields, later },
};
static const struct varlink_interface interface = {
        .name = "a.test",
        .methods = methods,
        .n_methods = ARRAY_SIZE(methods),
        .failed = "a.test.Failed",
};

static enum varlink_role role_of(_unused_ const struct varlink_peer *peer, _unused_ const gid_t *groups,
                                 _unused_ size_t n, _unused_ void *arg) {
        return role;
}

static void close_fds(const int *fds, size_t n, _unused_ void *arg) {
        for (size_t i = 0; i < n; i++)
                ck_assert_int_eq(close(fds[i]), 0);
        n_closed += (unsigned)n;
}

static void connect_as(enum varlink_role as) {
        role = as;
        test_client_connect(&client, server);
}

static void setup(void) {
        const struct varlink_options options = { .role_of = role_of, .close_fds = close_fds };

        n_calls = n_closed = 0;
        fake_clock_reset();
        for (size_t i = 0; i < ARRAY_SIZE(pipes); i++)
                ck_assert_int_eq(pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK), 0);
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(varlink_server_new(loop, &options, &server), 0);
        ck_assert_int_eq(varlink_server_add_interface(server, &interface, NULL), 0);
        connect_as(VARLINK_ROLE_OPERATE);
}

/* Whoever had them has closed them. */
static void check_nobody_writes(void) {
        char c;

        for (size_t i = 0; i < ARRAY_SIZE(pipes); i++) {
                ssize_t n;

                (void)close(pipes[i][1]);
                do
                        n = read(pipes[i][0], &c, 1);
                while (n > 0);
                ck_assert_msg(n == 0, "descriptor %zu is open somewhere", i);
                (void)close(pipes[i][0]);
        }
}

static void teardown(void) {
        (void)close(client.fd);
        server = varlink_server_free(server);
        check_nobody_writes();
        ck_assert_uint_eq(fake_loop_timers(), 0);
        ck_assert_uint_eq(fake_loop_watches(), 0);
        loop = loop_free(loop);
}

/* Sends @n bytes at @data with the first @n_fds descriptors. */
static void send_with(const char *data, size_t n, size_t n_fds) {
        char room[CMSG_SPACE((VARLINK_FDS_MAX + 1) * sizeof(int))] = { 0 };
        struct iovec iov = { .iov_base = (char *)data, .iov_len = n };
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = n_fds > 0 ? room : NULL,
                .msg_controllen = n_fds > 0 ? CMSG_SPACE(n_fds * sizeof(int)) : 0,
        };
        struct cmsghdr *control = n_fds > 0 ? CMSG_FIRSTHDR(&message) : NULL;

        if (control) {
                *control = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                             .cmsg_type = SCM_RIGHTS,
                                             .cmsg_len = CMSG_LEN(n_fds * sizeof(int)) };
                for (size_t i = 0; i < n_fds; i++)
                        memcpy(CMSG_DATA(control) + i * sizeof(int), &pipes[i][1], sizeof(int));
        }
        ck_assert_int_eq(sendmsg(client.fd, &message, MSG_NOSIGNAL), (ssize_t)n);
}

static void call_with(const char *call, size_t n_fds) {
        send_with(call, strlen(call) + 1, n_fds);
        test_client_turn(&client);
}

#define TAKE(index) "{\"method\":\"a.test.Take\",\"parameters\":{\"index\":" #index "}}"
#define PASS        "{\"method\":\"a.test.Pass\"}"
#define EMPTY       "{\"parameters\":{}}"
#define DENIED      "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}"
#define NONE        "{\"error\":\"a.test.None\",\"parameters\":{}}"

static bool was_written_to(size_t pipe) {
        char c;

        return read(pipes[pipe][0], &c, 1) == 1;
}

START_TEST(a_handler_takes_those_that_it_wants) {
        call_with(TAKE(1), 3);
        test_client_expect(&client, EMPTY);
        ck_assert(!was_written_to(0));
        ck_assert(was_written_to(1));
        /* Those that it did not want, and the numbers that all three came with. */
        ck_assert_uint_eq(n_closed, 2 + 3);
        /* The next call has its own. */
        call_with(TAKE(0), 0);
        test_client_expect(&client, NONE);
        call_with(TAKE(0), 1);
        test_client_expect(&client, EMPTY);
        ck_assert(was_written_to(0));
}
END_TEST

START_TEST(a_number_that_did_not_come_is_none) {
        call_with(TAKE(2), 2);
        test_client_expect(&client, NONE);
        call_with(TAKE(-1), 2);
        test_client_expect(&client, NONE);
}
END_TEST

START_TEST(as_many_come_as_a_message_may_have) {
        call_with(TAKE(7), VARLINK_FDS_MAX);
        test_client_expect(&client, EMPTY);
        ck_assert(was_written_to(7));
}
END_TEST

START_TEST(a_method_that_takes_none_gets_none) {
        call_with(PASS, 2);
        test_client_expect(&client, EMPTY);
        ck_assert_uint_eq(n_closed, 4);
}
END_TEST

START_TEST(a_message_in_pieces_has_those_of_its_first_byte) {
        size_t padding = 40000;
        char *call = calloc(1, padding + 200);
        int n = sprintf(call, "{\"method\":\"a.test.Take\",\"parameters\":{\"index\":0,\"words\":[\"");

        memset(call + n, 'x', padding);
        strcpy(call + (size_t)n + padding, "\"]}}");
        send_with(call, 10, 1);
        test_client_turn(&client);
        ck_assert_uint_eq(n_calls, 0);
        for (size_t at = 10, size = strlen(call) + 1; at < size; at += 5000) {
                send_with(call + at, MIN((size_t)5000, size - at), 0);
                test_client_turn(&client);
        }
        free(call);
        test_client_expect(&client, EMPTY);
        ck_assert(was_written_to(0));
}
END_TEST

START_TEST(two_messages_at_once_are_cut_off) {
        static const char calls[] = TAKE(0) "\0" TAKE(0);

        send_with(calls, sizeof(calls), 1);
        test_client_turn(&client);
        test_client_expect_nothing(&client, true);
        ck_assert_uint_eq(n_calls, 0);
}
END_TEST

START_TEST(those_in_the_middle_of_a_message_are_cut_off) {
        test_client_send(&client, TAKE(0), 10);
        send_with(&TAKE(0)[10], strlen(TAKE(0)) - 9, 1);
        test_client_turn(&client);
        test_client_expect_nothing(&client, true);
        ck_assert_uint_eq(n_calls, 0);
}
END_TEST

START_TEST(more_for_a_message_that_has_some_are_cut_off) {
        static const char call[] = "{\"method\":\"a.test.Later\"}";

        test_client_call(&client, call);
        send_with(TAKE(0), strlen(TAKE(0)) + 1, 1); /* waits for the answer to that one */
        test_client_turn(&client);
        send_with(TAKE(0), strlen(TAKE(0)) + 1, 1);
        test_client_turn(&client);
        test_client_expect_nothing(&client, true);
        ck_assert_uint_eq(n_calls, 0);
}
END_TEST

START_TEST(too_many_are_cut_off) {
        call_with(TAKE(0), VARLINK_FDS_MAX + 1);
        test_client_expect_nothing(&client, true);
        ck_assert_uint_eq(n_calls, 0);
}
END_TEST

/* It is told what it lacks, as others are. */
START_TEST(of_a_client_whom_no_method_takes_them_from_none_are_kept) {
        test_client_close(&client);
        connect_as(VARLINK_ROLE_VIEW);
        send_with(TAKE(0), 10, 1);
        test_client_turn(&client);
        ck_assert_uint_eq(n_closed, 2);
        test_client_send(&client, &TAKE(0)[10], strlen(TAKE(0)) - 9);
        test_client_expect(&client, DENIED);
        ck_assert_uint_eq(n_calls, 0);
}
END_TEST

START_TEST(a_client_that_goes_in_between_leaves_none) {
        send_with(TAKE(0), 10, 4);
        test_client_turn(&client);
        test_client_close(&client);
        ck_assert_uint_eq(n_closed, 8);
        connect_as(VARLINK_ROLE_OPERATE);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("varlink-fds");
        TCase *tcase = tcase_create("fds");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, a_handler_takes_those_that_it_wants);
        tcase_add_test(tcase, a_number_that_did_not_come_is_none);
        tcase_add_test(tcase, as_many_come_as_a_message_may_have);
        tcase_add_test(tcase, a_method_that_takes_none_gets_none);
        tcase_add_test(tcase, a_message_in_pieces_has_those_of_its_first_byte);
        tcase_add_test(tcase, two_messages_at_once_are_cut_off);
        tcase_add_test(tcase, those_in_the_middle_of_a_message_are_cut_off);
        tcase_add_test(tcase, more_for_a_message_that_has_some_are_cut_off);
        tcase_add_test(tcase, too_many_are_cut_off);
        tcase_add_test(tcase, of_a_client_whom_no_method_takes_them_from_none_are_kept);
        tcase_add_test(tcase, a_client_that_goes_in_between_leaves_none);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
