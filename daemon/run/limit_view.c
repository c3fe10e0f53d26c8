/* SPDX-License-Identifier: MIT */
/* limit_view: what can be asked about limits and tickets. */
#include "run/limit_private.h"

/* ---- tickets ---- */

void limit_ticket_set_arg(struct limit_ticket *ticket, void *arg) {
        ticket->arg = arg;
}

bool limit_ticket_granted(const struct limit_ticket *ticket) {
        return ticket->granted;
}

void *limit_ticket_arg(const struct limit_ticket *ticket) {
        return ticket->arg;
}

usec_t limit_ticket_since(const struct limit_ticket *ticket) {
        return ticket->since_usec;
}

unsigned limit_ticket_permits(const struct limit_ticket *ticket, const struct limit *limit) {
        const struct use *use = use_of(ticket, limit);

        return use && !use->lender ? use->permits : 0;
}

/* ---- limits ---- */

bool limit_has_room(const struct limit *limit) {
        return limit->config.max_waiting == 0 || limit->n_waiting < limit->config.max_waiting;
}

const char *limit_name(const struct limit *limit) {
        return limit->name;
}

const struct limit_config *limit_get_config(const struct limit *limit) {
        return &limit->config;
}

const struct limit_config *limit_get_configured(const struct limit *limit) {
        return limit->overridden ? &limit->configured : NULL;
}

const char *limit_paused_by(const struct limit *limit, usec_t *ret_usec) {
        if (limit->paused_by && ret_usec)
                *ret_usec = limit->paused_usec;
        return limit->paused_by;
}

void limit_get_stats(const struct limit *limit, struct limit_stats *ret) {
        const struct use *use;

        *ret = (struct limit_stats){
                .held = limit->held,
                .holders = limit->n_holders,
                .waiting = limit->n_waiting,
                .oldest_wait_since_usec = USEC_INFINITY,
                .granted = limit->granted,
        };
        list_for_each_entry(use, &limit->waiters, link)
                ret->oldest_wait_since_usec = MIN(ret->oldest_wait_since_usec, use->ticket->since_usec);
}

bool limit_keeps_waiting(const struct limit *limit, const struct limit_ticket *ticket) {
        usec_t pace_at_usec;

        return limit_ticket_blocked_by(ticket, &pace_at_usec) == limit;
}

unsigned limit_get_kept(const struct limit *limit, usec_t *ret_since_usec) {
        const struct use *use;
        unsigned n = 0;

        *ret_since_usec = USEC_INFINITY;
        list_for_each_entry(use, &limit->waiters, link) {
                if (!limit_keeps_waiting(limit, use->ticket))
                        continue;
                *ret_since_usec = MIN(*ret_since_usec, use->ticket->since_usec);
                n++;
        }
        return n;
}

static int visit(const struct list *head, limit_visit_fn fn, void *userdata) {
        const struct use *use;
        int r;

        list_for_each_entry(use, head, link) {
                r = fn(use->ticket, userdata);
                if (r != 0)
                        return r;
        }
        return 0;
}

int limit_for_each_holder(const struct limit *limit, limit_visit_fn fn, void *userdata) {
        return visit(&limit->holders, fn, userdata);
}

int limit_for_each_waiter(const struct limit *limit, limit_visit_fn fn, void *userdata) {
        return visit(&limit->waiters, fn, userdata);
}

int limits_for_each(struct limits *limits, limit_each_fn fn, void *userdata) {
        struct limit *limit;
        int r;

        list_for_each_entry(limit, &limits->all, link) {
                r = fn(limit, userdata);
                if (r != 0)
                        return r;
        }
        return 0;
}
