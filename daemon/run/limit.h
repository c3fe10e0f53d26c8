/* SPDX-License-Identifier: MIT */
#pragma once
/* limit: permits that runs share, and a pace.
 *
 * A ticket asks for permits of several limits at once and gets all or none, so that runs cannot deadlock on each other.
 * Waiters are served by priority, then by arrival; nobody who could be served is overtaken, and nobody who lacks only
 * permits of the one limit: they are kept for it as they free. A waiter that cannot be served because another of its
 * limits is full may be overtaken LIMIT_OVERTAKEN_MAX times; then, on each limit, the oldest such waiter reserves permits
 * as they free. One that waits for a limit that is paused stands in nobody's way. A waiter may give up at any moment, also
 * between being granted and being told: its permits then pass on.
 *
 * A limit can let holders lend: a waiter may use the permits of one that holds them and waits for it. Each lends to one
 * at a time, who may lend in turn. A lender that goes leaves what it had to its borrower.
 */
#include "loop/loop.h"

#define LIMIT_OVERTAKEN_MAX 64
#define LIMIT_PERMITS_MAX   1000000

struct limits; /* the limits of one daemon, and the order of those who wait */
struct limit;
struct limit_ticket;

struct limit_config {
        unsigned permits; /* 1 … LIMIT_PERMITS_MAX; 0: unlimited */
        unsigned rate;    /* starts for each rate_per_usec; 0: no pace */
        usec_t rate_per_usec;
        unsigned burst;       /* starts at once after a pause, ≥ 1 */
        unsigned max_waiting; /* 0: unlimited */
};

struct limit_use {
        struct limit *limit;
        unsigned permits;
};

/* Called in a later turn of the loop than the request, never from inside it. The ticket holds its permits until it is
 * freed. */
typedef void (*limit_granted_fn)(struct limit_ticket *ticket, void *arg);

/* Returns 0 or -ENOMEM. Free after all limits and tickets. */
int limits_new(struct loop *loop, struct limits **ret);
struct limits *limits_free(struct limits *limits);
DEFINE_CLEANUP(struct limits, limits_free)

/* A limit called @name (copied). Returns 0, -EINVAL (out of range), -ENOMEM. Tickets keep it alive. */
int limit_new(struct limits *limits, const char *name, const struct limit_config *config, struct limit **ret);
struct limit *limit_ref(struct limit *limit);
struct limit *limit_unref(struct limit *limit);
DEFINE_CLEANUP(struct limit, limit_unref)

/* Changes the numbers; permits that are held stay held, also beyond the new number. Numbers that are the same as those it was
 * made with or given last leave in force what was set instead of them. Returns 0 or -EINVAL. */
int limit_configure(struct limit *limit, const struct limit_config *config);

/* Sets other numbers than the configured ones, to which NULL goes back. A wish for more permits than are in force, but no
 * more than are configured, is served with all there are. Returns 0 or -EINVAL. */
int limit_override(struct limit *limit, const struct limit_config *config);

/* While it is paused it grants nothing, and those that hold its permits keep them. @by (copied) is who, NULL ends the pause;
 * @since_usec is realtime. Returns 0 or -ENOMEM. */
int limit_set_pause(struct limit *limit, const char *by, usec_t since_usec);
/* NULL: it is not paused. @ret_usec may be NULL. */
const char *limit_paused_by(const struct limit *limit, usec_t *ret_usec);

/* Which ticket, granted and with permits of the limit, of its own or lent to it, would lend them to @waiter. NULL: none. */
typedef struct limit_ticket *(*limit_lender_fn)(const struct limit_ticket *waiter);

/* Lets holders of @limit lend to those that @lender says. */
void limit_set_lender(struct limit *limit, limit_lender_fn lender);
/* @lender may say otherwise now of those that wait. Not needed for what tickets of the limit themselves bring about. */
void limit_review_lenders(struct limit *limit);

struct limit_request {
        const struct limit_use *uses; /* copied; each limit at most once */
        size_t n_uses;
        int priority; /* higher goes first */
        bool exempt;  /* from max_waiting: a fan-out, which bounds itself */
        limit_granted_fn on_granted;
        void *arg;
};

/* Asks for all of @request's uses. Returns 0, -EINVAL (more permits than exist, a limit named twice), -ENOBUFS
 * (max_waiting reached), -ENOMEM. */
int limit_request(struct limits *limits, const struct limit_request *request, struct limit_ticket **ret);

/* Gives up waiting, or gives the permits back. Takes NULL; always returns NULL. */
struct limit_ticket *limit_release(struct limit_ticket *ticket);

/* Changes who holds: a remnant that takes over the permits of its run. */
void limit_ticket_set_arg(struct limit_ticket *ticket, void *arg);

bool limit_ticket_granted(const struct limit_ticket *ticket);
void *limit_ticket_arg(const struct limit_ticket *ticket);
usec_t limit_ticket_since(const struct limit_ticket *ticket); /* of the request, or of the grant; monotonic */
/* How many it asks for, or holds; 0: none, or they are lent to it. */
unsigned limit_ticket_permits(const struct limit_ticket *ticket, const struct limit *limit);

/* The first of the ticket's limits that cannot serve it now, or NULL. @ret_pace tells that only a start's turn in the
 * pace is missing, and when it comes. */
struct limit *limit_ticket_blocked_by(const struct limit_ticket *ticket, usec_t *ret_pace_at_usec);

/* Whether one more waiter is welcome (max_waiting). */
bool limit_has_room(const struct limit *limit);

const char *limit_name(const struct limit *limit);
const struct limit_config *limit_get_config(const struct limit *limit); /* in force */
/* NULL: they are in force. */
const struct limit_config *limit_get_configured(const struct limit *limit);

struct limit_stats {
        unsigned held;
        unsigned holders;
        unsigned waiting;
        usec_t oldest_wait_since_usec; /* monotonic; USEC_INFINITY when nobody waits */
        uint64_t granted;
};

void limit_get_stats(const struct limit *limit, struct limit_stats *ret);

/* Whether it is this limit that keeps the waiter waiting: of several that cannot serve it, the first. */
bool limit_keeps_waiting(const struct limit *limit, const struct limit_ticket *ticket);
/* How many it keeps waiting, and since when the first of them waits (monotonic; USEC_INFINITY: nobody does). */
unsigned limit_get_kept(const struct limit *limit, usec_t *ret_since_usec);

/* Visits every holder, then every waiter in their order; stops when @fn returns non-zero and returns that. @fn must not
 * change anything. */
typedef int (*limit_visit_fn)(const struct limit_ticket *ticket, void *userdata);
int limit_for_each_holder(const struct limit *limit, limit_visit_fn fn, void *userdata);
int limit_for_each_waiter(const struct limit *limit, limit_visit_fn fn, void *userdata);

/* Visits every limit in the order of their creation. */
typedef int (*limit_each_fn)(struct limit *limit, void *userdata);
int limits_for_each(struct limits *limits, limit_each_fn fn, void *userdata);
