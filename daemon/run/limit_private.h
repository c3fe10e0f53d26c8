/* SPDX-License-Identifier: MIT */
#pragma once
/* limit_private: what limits and tickets are made of, for limit.c, which changes them, and limit_view.c, which shows
 * them. */
#include "run/limit.h"

struct limits {
        struct loop *loop;
        struct list all;   /* limit.link */
        struct list dirty; /* limit.dirty_link */
        struct list told;  /* ticket.link: granted, not told yet */
        struct loop_work work;
        uint64_t sequence;
        uint64_t stamp;
        unsigned n_wide;
};

struct limit {
        unsigned n_ref;
        struct limits *limits;
        char *name;
        struct limit_config config;     /* in force */
        struct limit_config configured; /* which an operator may have set others for */
        bool overridden;
        char *paused_by; /* NULL: it is not */
        usec_t paused_usec;
        struct list link;
        struct list dirty_link;
        struct list waiters; /* use.link */
        struct list holders; /* use.link */
        struct list *cursor; /* during a pass, else NULL */
        bool again;          /* to be walked in another pass */
        limit_lender_fn lender;
        bool may_lend; /* to be walked even if nothing is free: somebody may have found a lender */
        struct limit_ticket *reserver;
        struct loop_timer pace_timer;
        uint64_t full_at_nsec;
        unsigned held;
        unsigned n_holders;
        unsigned n_untold; /* of these: granted, not told yet */
        unsigned n_waiting;
        unsigned n_wide; /* of these: ask for more than one permit */
        uint64_t granted;
};

struct use {
        struct list link;
        struct limit *limit;
        struct limit_ticket *ticket;
        struct use *lender;   /* whose permits it uses; it holds none then */
        struct use *borrower; /* who uses its permits */
        unsigned permits;
};

struct limit_ticket {
        struct limits *limits;
        struct list link;
        limit_granted_fn on_granted;
        void *arg;
        usec_t since_usec;
        uint64_t sequence;
        uint64_t stamp;
        int priority;
        unsigned overtaken;
        bool granted;
        size_t n_uses;
        struct use uses[];
};

/* What @ticket wants or has of @limit, or NULL. */
static inline struct use *use_of(const struct limit_ticket *ticket, const struct limit *limit) {
        for (size_t i = 0; i < ticket->n_uses; i++)
                if (ticket->uses[i].limit == limit)
                        return (struct use *)&ticket->uses[i];
        return NULL;
}
