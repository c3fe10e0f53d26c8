/* SPDX-License-Identifier: MIT */
#pragma once
/* stream_private: what stream.c needs of OpenSSL, which is named in stream_tls.c only. */
#include "loop/stream.h"

/* What is read from the peer ahead of its being handed on. */
#define STREAM_INPUT_MAX (64 * 1024)

struct bufferevent;
struct evbuffer;
struct ssl_st;

/* A client's side of one connection, that will verify @host. Returns 0, -EINVAL (no such name is possible), -ENOMEM. */
int stream_tls_session_new(struct stream_tls *tls, const char *host, struct ssl_st **ret);
struct ssl_st *stream_tls_session_free(struct ssl_st *session);

/* Puts @session over the connected @fd; both go with the bufferevent. Returns 0 or -ENOMEM. */
int stream_tls_wrap(struct ssl_st *session, struct loop *loop, int fd, int options, struct bufferevent **ret);

/* Says what went wrong in @bev, for people. Returns false when TLS knows of nothing. */
bool stream_tls_explain(struct bufferevent *bev, char *ret, size_t size);

/* Moves what can be read now to the end of @input. Returns the number of bytes, -1 when there are none. */
int stream_tls_read(struct bufferevent *bev, struct evbuffer *input);

/* Tells the peer that nothing more comes. */
void stream_tls_shutdown(struct bufferevent *bev);
