/* SPDX-License-Identifier: MIT */
/* varlink-client: a client for tests, see varlink-client.h. */
#include "support/varlink-client.h"

#include "support/fake-loop.h"

#include <check.h>
#include <sys/socket.h>

void test_client_connect(struct test_client *client, struct varlink_server *server) {
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        client->fd = fds[0];
        client->server = fds[1];
        client->n = 0;
        ck_assert_int_eq(varlink_server_add_connection(server, fds[1]), 0);
}

void test_client_close(struct test_client *client) {
        (void)close(client->fd);
        test_client_turn(client);
}

void test_client_turn(struct test_client *client) {
        (void)fake_loop_ready(client->server, LOOP_READ | LOOP_WRITE);
        (void)fake_loop_settle();
}

void test_client_send(struct test_client *client, const void *data, size_t n) {
        ck_assert_int_eq(send(client->fd, data, n, MSG_NOSIGNAL), (ssize_t)n);
        test_client_turn(client);
}

void test_client_call(struct test_client *client, const char *call) {
        test_client_send(client, call, strlen(call) + 1);
}

json_t *test_client_receive(struct test_client *client, bool *ret_eof) {
        for (;;) {
                char *end = memchr(client->in, '\0', client->n);
                ssize_t n;

                if (end) {
                        size_t length = (size_t)(end - client->in);
                        json_t *answer = json_loadb(client->in, length, 0, NULL);

                        ck_assert_msg(answer, "not JSON: %s", client->in);
                        client->n -= length + 1;
                        memmove(client->in, end + 1, client->n);
                        return answer;
                }
                n = recv(client->fd, client->in + client->n, sizeof(client->in) - client->n, MSG_DONTWAIT);
                if (n <= 0) {
                        if (ret_eof)
                                *ret_eof = n == 0 || errno == ECONNRESET;
                        return NULL;
                }
                client->n += (size_t)n;
                test_client_turn(client);
        }
}

void test_client_expect(struct test_client *client, const char *expected) {
        bool eof = false;
        json_t *answer = test_client_receive(client, &eof);
        json_t *want = json_loads(expected, 0, NULL);
        char *text;

        ck_assert_msg(want, "bad test: %s", expected);
        ck_assert_msg(answer, "no answer (%s), expected %s", eof ? "hung up" : "still connected", expected);
        text = json_dumps(answer, JSON_COMPACT);
        ck_assert_msg(json_equal(answer, want), "got %s, expected %s", text, expected);
        free(text);
        json_decref(answer);
        json_decref(want);
}

void test_client_expect_nothing(struct test_client *client, bool eof) {
        bool got_eof = false;
        json_t *answer = test_client_receive(client, &got_eof);
        char *text = answer ? json_dumps(answer, 0) : NULL;

        ck_assert_msg(!answer, "got %s, expected nothing", text);
        ck_assert_msg(got_eof == eof, "hung up: got %d, expected %d", got_eof, eof);
}
