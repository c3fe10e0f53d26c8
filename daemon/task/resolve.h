/* SPDX-License-Identifier: MIT */
#pragma once
/* resolve: host names to addresses, on the threads of a pool, so that a dead name server stalls nobody else.
 *
 * Those who ask for one name at the same time share one lookup; an answer is kept for 10 s, a failure that is final
 * for 1 s. The table is bounded: the answer that was used least recently makes room. Apart from resolve_blocking()
 * everything is called on the loop thread.
 */
#include "loop/loop.h"
#include "loop/pool.h"

#include <sys/socket.h>

struct resolver;
struct resolve_query;

/* More addresses than this of one name are ignored. */
#define RESOLVE_ADDRESSES_MAX 64

struct resolve_address {
        struct sockaddr_storage address; /* IPv4 or IPv6, port 0 */
        socklen_t length;
};

/* What a lookup gave. Immutable, shared, counted on the loop thread. */
struct resolve_answer {
        unsigned n_ref;
        int error;        /* 0, or an EAI_ code */
        int system_error; /* errno with EAI_SYSTEM */
        size_t n;         /* > 0 when @error is 0 */
        struct resolve_address addresses[];
};

struct resolve_answer *resolve_answer_ref(struct resolve_answer *answer);
struct resolve_answer *resolve_answer_unref(struct resolve_answer *answer);
DEFINE_CLEANUP(struct resolve_answer, resolve_answer_unref)

/* An answer of one address, for those who have it in writing. NULL: out of memory. */
struct resolve_answer *resolve_answer_of(const struct resolve_address *address);

/* Why there is no address, in words; static or thread-local storage. */
const char *resolve_answer_reason(const struct resolve_answer *answer);

/* Called once, in a later turn than resolve_start(). @answer is borrowed. The query is gone. */
typedef void (*resolve_fn)(struct resolve_answer *answer, void *arg);

/* Called on the loop when a thread that was left behind by resolve_cancel() has returned. */
typedef void (*resolve_returned_fn)(void *arg);

/* A table of at most @names_max names. Returns 0 or -ENOMEM. It must be freed before the pools it was used with. */
int resolver_new(struct loop *loop, size_t names_max, struct resolver **ret);

/* All queries must have been answered or cancelled. */
struct resolver *resolver_free(struct resolver *resolver);
DEFINE_CLEANUP(struct resolver, resolver_free)

/* The address that @host is when it is one in writing (192.0.2.1, 2001:db8::1, without brackets). */
bool resolve_literal(const char *host, struct resolve_address *ret);

/* The answer for @name that is still fresh, or NULL. Borrowed until the callback at hand returns. */
struct resolve_answer *resolve_cached(struct resolver *resolver, struct pool *pool, const char *name);

/* Asks for @name on a thread of @pool, or joins those who did. Returns 0, -EINVAL (no such name can exist), -ENOMEM,
 * or what pool_submit() says. @ret is valid until @fn was called or it was cancelled. */
int resolve_start(struct resolver *resolver, struct pool *pool, const char *name, resolve_fn fn, void *arg,
                  struct resolve_query **ret);

/* Stops waiting; @query is gone. When nobody else waits, the lookup is given up: if a thread is at it by then, true is
 * returned and @returned (which may be NULL) is called with @arg when the thread comes back. */
bool resolve_cancel(struct resolve_query *query, resolve_returned_fn returned, void *arg);

/* Looks @name up here and now, past the table: for threads of a pool. NULL: out of memory. */
struct resolve_answer *resolve_blocking(const char *name);
