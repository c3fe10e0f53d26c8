/* SPDX-License-Identifier: MIT */
#pragma once
/* varlink-client: a client of a Varlink server in the same program, on the fake loop and real sockets. */
#include "control/varlink.h"

struct test_client {
        int fd;     /* ours */
        int server; /* the server's end, by which the loop knows it */
        size_t n;   /* bytes of answers read and not yet taken */
        char in[1 << 20];
};

void test_client_connect(struct test_client *client, struct varlink_server *server);
void test_client_close(struct test_client *client);

/* Does what the kernel would: tells the loop that the server's end is ready, and lets everybody do what there is. */
void test_client_turn(struct test_client *client);

void test_client_send(struct test_client *client, const void *data, size_t n);
/* Sends @call, a message without its NUL. */
void test_client_call(struct test_client *client, const char *call);

/* The next answer, owned by the caller. NULL: none, and @ret_eof (may be NULL) whether the server hung up. */
json_t *test_client_receive(struct test_client *client, bool *ret_eof);

/* The next answer is @expected, as JSON. */
void test_client_expect(struct test_client *client, const char *expected);
void test_client_expect_nothing(struct test_client *client, bool eof);
