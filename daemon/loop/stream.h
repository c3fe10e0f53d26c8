/* SPDX-License-Identifier: MIT */
#pragma once
/* stream: a byte stream to a peer, plain or TLS, on the loop (libevent's bufferevents).
 *
 * All callbacks come in later turns than the call that caused them, but for stream_poll(). After on_eof or on_error nothing more comes; after
 * on_eof one may still write. What the peer sends is handed on as it comes, and never gathered. The process must ignore
 * SIGPIPE.
 */
#include "loop/loop.h"

#include <sys/socket.h>

struct stream;

enum stream_error {
        STREAM_ERROR_CONNECT, /* @detail: errno's text */
        STREAM_ERROR_TLS,     /* handshake, certificate or a broken record; @detail says which */
        STREAM_ERROR_IO,      /* reset and the like, after the connection stood */
};

struct stream_ops {
        void (*on_connected)(struct stream *stream, void *arg); /* also: TLS verified */
        /* All that was written has gone to the kernel. May be NULL. */
        void (*on_drained)(struct stream *stream, void *arg);
        /* @data is valid until the callback returns. */
        void (*on_data)(struct stream *stream, const char *data, size_t n, void *arg);
        void (*on_eof)(struct stream *stream, void *arg);
        void (*on_error)(struct stream *stream, enum stream_error error, const char *detail, void *arg);
};

struct stream_tls; /* a client context: the system's trust store or one file; shared by streams */

/* @ca_file NULL: the system's. Reads files: not on the loop thread. Returns 0, -ENOMEM, -errno of the file, or -EINVAL
 * when there is no certificate in it. */
int stream_tls_new(const char *ca_file, struct stream_tls **ret);
/* Counted on any thread; streams that use it may live on. */
struct stream_tls *stream_tls_ref(struct stream_tls *tls);
struct stream_tls *stream_tls_unref(struct stream_tls *tls);
DEFINE_CLEANUP(struct stream_tls, stream_tls_unref)

/* A number that no other one has or had. */
uint64_t stream_tls_id(const struct stream_tls *tls);

/* Has @ssl_ctx, an SSL_CTX of somebody else, trust what @tls does. */
void stream_tls_lend(struct stream_tls *tls, void *ssl_ctx);

/* Connects to @address; with @tls, verifies the peer as @host, a name or an address. There is no timeout: freeing the
 * stream is how to give up. Returns 0, -EINVAL (TLS without a host), -ENOMEM, -errno of socket(2). */
int stream_connect(struct loop *loop, const struct sockaddr *address, socklen_t length, struct stream_tls *tls,
                   const char *host, const struct stream_ops *ops, void *arg, struct stream **ret);
struct stream *stream_free(struct stream *stream); /* also from its own callbacks */
DEFINE_CLEANUP(struct stream, stream_free)

/* Takes what is there already, without waiting for the loop to come round: that it is connected, or data, or the end.
 * Callbacks come from inside. */
void stream_poll(struct stream *stream);

/* Queues a copy of @n bytes. Returns 0, -ENOTCONN before on_connected or after on_error, -ENOMEM. */
int stream_write(struct stream *stream, const void *data, size_t n);
