/* SPDX-License-Identifier: MIT */
#pragma once
/* endpoints: the addresses at which metrics are served.
 *
 * They are opened on a thread, as a path may be on a file system that does not answer. One that cannot be opened is tried
 * again from time to time: what has the address may go, and the address of an interface may come.
 */
#include "live/live.h"
#include "loop/http_server.h"

struct endpoints;

/* Returns 0, -ENOMEM, -errno. @server outlives them. */
int endpoints_new(struct live *live, struct http_server *server, struct endpoints **ret);
/* Closes all, and removes the sockets that have paths. */
struct endpoints *endpoints_free(struct endpoints *endpoints);

/* Opens what is in @listen, NULL-terminated or NULL, and closes what is not; tries at once what could not be opened, or has lost
 * its path. Returns 0 or -ENOMEM: then all that was open stays so. */
int endpoints_set(struct endpoints *endpoints, char *const *listen);

/* The first that cannot be opened, and why; NULL: none. Lives until the next turn. */
const char *endpoints_trouble(const struct endpoints *endpoints);
