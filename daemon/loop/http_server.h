/* SPDX-License-Identifier: MIT */
#pragma once
/* http_server: a small HTTP server for scrapes and probes.
 *
 * A connection serves one request, GET or HEAD, and is closed. Everything is bounded: the head of a request, the time a
 * connection may take from its beginning to its end, and how many there are; while there are as many, the oldest that is not
 * being answered gives way, and others wait in the kernel's queue while all are. An answer is made piece by piece as the client takes it, a piece in a turn, so that no client can make
 * the daemon buffer, or hold the loop.
 */
#include "loop/http_head.h"
#include "loop/loop.h"

struct http_server;
struct http_listener;

#define HTTP_PIECE_MAX ((size_t)16 * 1024)

/* An answer that is made while it is sent. */
struct http_body_ops {
        /* Writes the next piece, at most HTTP_PIECE_MAX bytes, to @buf. It may write nothing, to go on in a later turn.
         * Returns 1: there is more; 0: that was the last; -errno: the client is cut off. */
        int (*next)(void *body, char *buf, size_t *ret_n);
        void (*free)(void *body);
};

struct http_answer {
        unsigned status; /* 200, 404, 503 */
        const char *content_type;
        const char *text; /* the whole answer, less than HTTP_PIECE_MAX; must live until the handler is called again */
        const struct http_body_ops *ops; /* or this */
        void *body;
};

/* Fills @ret, which is all zeroes. Methods but GET and HEAD do not come here. */
typedef void (*http_handle_fn)(const struct http_head *request, struct http_answer *ret, void *arg);

struct http_server_options {
        struct loop *loop;
        unsigned max_connections;
        unsigned max_bodies; /* that are made while they are sent, at once; to more requests the answer is 503 */
        usec_t timeout_usec; /* of a connection */
        http_handle_fn handle;
        void *arg;
};

/* Returns 0, -ENOMEM, -errno. */
int http_server_new(const struct http_server_options *options, struct http_server **ret);
/* Closes every connection; listeners must have gone. */
struct http_server *http_server_free(struct http_server *server);

/* Serves the clients of @fd, which listens and does not block. It is taken, also when this fails. Returns 0, -ENOMEM, -errno. */
int http_server_listen(struct http_server *server, int fd, struct http_listener **ret);
/* Closes it. Connections go on. Takes NULL. */
struct http_listener *http_listener_free(struct http_listener *listener);

struct http_server_stats {
        unsigned connections;
        uint64_t requests; /* whole ones, whatever the answer */
        uint64_t refused;  /* that were not understood, too long, or for one body too many */
        uint64_t cut_off;  /* took too long, gave way, or could not be answered to the end */
};

void http_server_get_stats(const struct http_server *server, struct http_server_stats *ret);
