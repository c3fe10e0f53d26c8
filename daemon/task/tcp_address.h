/* SPDX-License-Identifier: MIT */
#pragma once
/* tcp_address: what a task writes for whom to connect to, and what to send. */
#include "base/macros.h"

#define TCP_HOST_MAX 255

struct tcp_address {
        const char *path;            /* unix:PATH: points into what was parsed; else NULL */
        char host[TCP_HOST_MAX + 1]; /* a name, or an address without brackets */
        unsigned port;
};

/* Understands host:port, [IPv6]:port and unix:/path. Returns 0 or -EINVAL. */
int tcp_address_parse(const char *text, struct tcp_address *ret);

/* Expands \r \n \t \0 \\ and \xHH; @ret is freed by the caller, may hold NUL bytes, and ends with one that is not counted.
 * Returns 0, -EINVAL (another character after \), -ENOMEM. */
int tcp_unescape(const char *text, char **ret, size_t *ret_size);
