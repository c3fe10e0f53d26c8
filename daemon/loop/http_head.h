/* SPDX-License-Identifier: MIT */
#pragma once
/* http_head: what a client of a small HTTP server asks for. Pure. */
#include "base/macros.h"

#define HTTP_HEAD_SIZE  8192 /* bytes of request line and headers */
#define HTTP_PATH_MAX   256
#define HTTP_ACCEPT_MAX 1024

enum http_method {
        HTTP_GET,
        HTTP_HEAD,
        HTTP_OTHER,
};

struct http_head {
        enum http_method method;
        bool chunks;                  /* it understands an answer in chunks: HTTP/1.1 */
        char path[HTTP_PATH_MAX];     /* without its query */
        char accept[HTTP_ACCEPT_MAX]; /* all Accept headers, joined by commas; "" if there are none; cut at the end */
};

/* Looks for a whole head in the @n bytes of @data. Returns 1 when there is one; 0 when there is more to come; -EBADMSG when
 * it is none of HTTP/1.0 or 1.1; -ENAMETOOLONG for a path that is too long. */
int http_head_parse(const char *data, size_t n, struct http_head *ret);

/* How much @accept, "a/b;q=0.5,c/d", wants @type, in thousandths; only where it names just that type, and no wildcard. */
unsigned http_accept_weight(const char *accept, const char *type);
