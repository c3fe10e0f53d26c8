/* SPDX-License-Identifier: MIT */
#pragma once
/* client: a blocking Varlink client on one connection. */
#include "base/clock.h"

#include <jansson.h>
#include <sys/types.h>

struct client;

/* Connects to the socket at @path. Returns 0, -ENAMETOOLONG, -ENOMEM, -errno of connect(2). */
int client_connect(const char *path, struct client **ret);
struct client *client_free(struct client *client);
DEFINE_CLEANUP(struct client, client_free)

/* Who listens at the other end: the user, and the process that made the socket (0: not of this namespace). @ret_pid may be
 * NULL. Returns 0 or -errno. */
int client_peer(const struct client *client, uid_t *ret_uid, pid_t *ret_pid);

/* For poll(2): between two calls there is something to read when the daemon has hung up. */
int client_fd(const struct client *client);

/* What becomes readable when an answer comes. */
int client_fd(const struct client *client);

/* Sends a call of @method, the full name; takes the reference to @parameters. Returns 0, -ENOMEM, -errno of send(2). */
int client_send(struct client *client, const char *method, json_t *parameters, bool more);

#define CLIENT_FDS_MAX 8

/* Sends these along with the next call; they stay the caller's. */
void client_give(struct client *client, const int *fds, size_t n);

/* Has @wait called when there is nothing to read, which returns 0 when there is on @fd, or a negative errno that ends
 * client_receive(). There is no timeout then. */
typedef int (*client_wait_fn)(int fd, void *arg);
void client_set_wait(struct client *client, client_wait_fn wait, void *arg);

struct client_answer {
        json_t *message;          /* owned; the others point into it */
        const char *error;        /* full name, or NULL */
        const json_t *parameters; /* an object */
        bool continues;
};

void client_answer_done(struct client_answer *answer);

/* Waits for the next answer, at most @timeout_usec (USEC_INFINITY: for ever) for each piece of it. Returns 0;
 * -ETIMEDOUT, and what has come of it is kept for the next call; -ECONNRESET when the daemon hung up; -EPROTO when it is no Varlink; -ENOMEM; -errno. */
int client_receive(struct client *client, usec_t timeout_usec, struct client_answer *ret);
