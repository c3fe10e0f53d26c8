/* SPDX-License-Identifier: MIT */
#pragma once
/* http_url: what a request must know of a URL before libcurl sees it: whom to connect to, and where a redirect may lead.
 */
#include "base/macros.h"

#define HTTP_HOST_MAX      255
#define HTTP_REDIRECTS_MAX 10

/* Whom a URL names. */
struct http_target {
        bool tls;
        bool literal; /* @host is an address in writing, which needs no resolver */
        unsigned port;
        char host[HTTP_HOST_MAX + 1]; /* lower case, without the brackets of IPv6 */
};

/* Takes http and https URLs apart, with libcurl's own parser where they are not of the simplest form. Returns 0, -EINVAL
 * (no URL, or a host that is not ASCII), -EPROTONOSUPPORT (another scheme), -ENOMEM. */
int http_target_parse(const char *url, struct http_target *ret);

/* The same for `[scheme://][user:password@]host:port` of a proxy, whose port must be written: libcurl's default for it is
 * not that of the scheme. */
int http_proxy_parse(const char *proxy, struct http_target *ret);

/* Whether both are the same scheme, host and port: only then credentials go along. */
bool http_target_same_origin(const struct http_target *a, const struct http_target *b);

/* What becomes of a request that was answered with @status and a Location (RFC 9110, 15.4). */
enum http_redirect {
        HTTP_REDIRECT_NONE, /* the response is the final one */
        HTTP_REDIRECT_SAME, /* the same method and body */
        HTTP_REDIRECT_GET,  /* GET without a body */
};

enum http_redirect http_redirect_of(unsigned status, const char *method);

/* @url for people: the scheme and the host, because what follows may be secret. Cut off at @size. Returns @buf. */
const char *http_url_shown(const char *url, char *buf, size_t size);

/* A copy of @location for a request, with %20 for the spaces that many servers leave in it. NULL: out of memory. */
char *http_redirect_url(const char *location);

/* Whether the header line @line goes along with a redirected request: neither Host nor, without a body, what describes
 * one, nor credentials to another origin. */
bool http_redirect_keeps_header(const char *line, bool has_body, bool same_origin);
