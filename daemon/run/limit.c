/* SPDX-License-Identifier: MIT */
/* limit: hands out permits.
 *
 * A waiting ticket stands in the queue of each of its limits; all queues have the same order: priority, then arrival. A
 * limit is *dirty* when something about it changed that could let somebody go: permits came back, a waiter arrived, its
 * pace allows a start again, a reservation ended. One pass in the loop's next turn walks the queues of all dirty limits
 * together, always going on with the foremost ticket of any, so that nobody who can be served is overtaken, whichever
 * limit it came through. Only when all are decided are the winners told, one by one; what the callbacks do is for the
 * next pass.
 *
 * A waiter whose only lack is permits of one limit keeps those that are free there from everybody behind it: it may be
 * overtaken only for want of something else. That takes a wish for several permits, so it is looked for only where there
 * is such a *wide* waiter; and as any grant can change who lacks what, these limits are walked again after one.
 *
 * A ticket that goes ahead of older ones in one of its queues overtakes them, and each counts it. Once at the bound, the
 * ticket is a candidate for the reservation of each of its limits, which the oldest candidate has: for everybody else
 * what it needs counts as taken. As reservations follow age, the oldest of all has them on all its limits, so that two
 * reservations cannot block each other for ever. One that waits for a paused limit is no candidate until that is resumed.
 *
 * The pace is a token bucket in its "theoretical arrival time" form: one number, the instant at which the bucket would
 * be full again, in nanoseconds. A start takes its token when it is told, not when it is granted, because a loop that is
 * late tells later, and starts are what is paced; those that are not told yet count as if they were told now.
 *
 * Who borrows is granted without permits: its use is in no list, and linked to that of its lender. It is looked for in
 * the same walk as anything else, so that of those who wait for one lender the foremost has it; that walk cannot end
 * where nothing is free any more, and is made where a lender may have come up (may_lend). As a lender waits for those
 * that it would lend to, no reservation of another limit stands in their way: whoever has it may wait for the lender.
 */
#include "run/limit_private.h"

#include <assert.h>

static void mark_dirty(struct limit *limit) {
        if (limit->cursor)
                limit->again = true;
        if (list_linked(&limit->dirty_link))
                return;
        list_append(&limit->limits->dirty, &limit->dirty_link);
        loop_work_schedule(&limit->limits->work);
}

static void mark_wide_dirty(struct limits *limits) {
        struct limit *limit;

        if (limits->n_wide == 0)
                return;
        list_for_each_entry(limit, &limits->all, link)
                if (limit->n_wide > 0)
                        mark_dirty(limit);
}

static void on_pace(struct loop_timer *timer _unused_, void *arg) {
        mark_dirty(arg);
}

static bool before(const struct limit_ticket *a, const struct limit_ticket *b) {
        return a->priority != b->priority ? a->priority > b->priority : a->sequence < b->sequence;
}

/* ---- what can be had ---- */

static unsigned need(const struct use *use) {
        unsigned permits = use->limit->config.permits;

        /* A limit that was made smaller than a waiter's wish serves it with all there is. */
        return permits > 0 ? MIN(use->permits, permits) : use->permits;
}

static unsigned unheld(const struct limit *limit) {
        if (limit->paused_by)
                return 0;
        if (limit->config.permits == 0)
                return LIMIT_PERMITS_MAX;
        return limit->config.permits > limit->held ? limit->config.permits - limit->held : 0;
}

/* However much is free, it waits for a limit that is paused. */
static bool is_held_off(const struct limit_ticket *ticket) {
        for (size_t i = 0; i < ticket->n_uses; i++)
                if (ticket->uses[i].limit->paused_by)
                        return true;
        return false;
}

/* Whose permits @use, of a waiter, may be granted instead of its own. */
static struct use *find_lender(const struct use *use) {
        const struct limit *limit = use->limit;
        const struct limit_ticket *ticket = limit->lender && !limit->paused_by ? limit->lender(use->ticket) : NULL;
        struct use *lender = ticket ? use_of(ticket, limit) : NULL;

        return lender && !lender->borrower && lender->permits >= need(use) ? lender : NULL;
}

/* Whether one that holds permits waits for @ticket, also if these are lent to another. */
static bool is_awaited(const struct limit_ticket *ticket) {
        for (size_t i = 0; i < ticket->n_uses; i++)
                if (ticket->uses[i].limit->lender && ticket->uses[i].limit->lender(ticket))
                        return true;
        return false;
}

/* Whether @limit has something reserved that is not for @ticket. */
static bool reserves(const struct limit *limit, const struct limit_ticket *ticket) {
        if (limit->config.permits == 0 || !limit->reserver || limit->reserver == ticket)
                return false;
        return limit->lender || !is_awaited(ticket);
}

static unsigned available(const struct limit *limit, const struct limit_ticket *ticket) {
        unsigned n = unheld(limit);

        if (reserves(limit, ticket))
                n -= MIN(n, need(use_of(limit->reserver, limit)));
        return n;
}

static uint64_t pace_interval_nsec(const struct limit *limit) {
        return limit->config.rate_per_usec * 1000 / limit->config.rate;
}

/* When the pace allows the next start; 0: at once. */
static usec_t pace_at(const struct limit *limit, usec_t now) {
        uint64_t interval, tolerance, full_at = limit->full_at_nsec, at;

        if (limit->config.rate == 0)
                return 0;
        interval = pace_interval_nsec(limit);
        tolerance = interval * (limit->config.burst - 1);
        if (limit->n_untold > 0)
                full_at = MAX(full_at, now * 1000) + limit->n_untold * interval;
        at = full_at > tolerance ? full_at - tolerance : 0;
        return at > now * 1000 ? (at + 999) / 1000 : 0;
}

static void pace_take(struct limit *limit, usec_t now) {
        if (limit->config.rate == 0)
                return;
        limit->full_at_nsec = MAX(limit->full_at_nsec, now * 1000) + pace_interval_nsec(limit);
        if (limit->n_waiting > 0)
                mark_dirty(limit);
}

/* ---- reservations ---- */

static bool is_candidate(const struct limit_ticket *ticket) {
        return ticket->overtaken >= LIMIT_OVERTAKEN_MAX && !is_held_off(ticket);
}

static void consider_reserver(struct limit_ticket *ticket) {
        for (size_t i = 0; i < ticket->n_uses; i++) {
                struct limit *limit = ticket->uses[i].limit;

                if (limit->reserver && !before(ticket, limit->reserver))
                        continue;
                if (limit->reserver) /* what was kept for that one may do for others now */
                        mark_dirty(limit);
                limit->reserver = ticket;
        }
}

static void drop_reserver(struct limit *limit, const struct limit_ticket *ticket) {
        struct use *use;

        if (limit->reserver != ticket)
                return;
        limit->reserver = NULL;
        list_for_each_entry(use, &limit->waiters, link) {
                if (use->ticket == ticket || !is_candidate(use->ticket))
                        continue;
                limit->reserver = use->ticket;
                break;
        }
        mark_dirty(limit);
}

/* @limit was paused, or is no more: who waits for it loses what it had reserved of others, or may have it again. */
static void reconsider_reservers(struct limit *limit) {
        const struct use *use;

        list_for_each_entry(use, &limit->waiters, link) {
                struct limit_ticket *ticket = use->ticket;

                if (is_candidate(ticket))
                        consider_reserver(ticket);
                for (size_t i = 0; i < ticket->n_uses && is_held_off(ticket); i++)
                        drop_reserver(ticket->uses[i].limit, ticket);
        }
}

/* @ticket is about to go: those who stand before it in any of its queues have been overtaken once. */
static void count_overtaken(struct limit_ticket *ticket) {
        uint64_t stamp = ++ticket->limits->stamp;

        for (size_t i = 0; i < ticket->n_uses; i++) {
                struct list *head = &ticket->uses[i].limit->waiters;

                if (ticket->uses[i].lender) /* it takes nothing that they could have had */
                        continue;
                for (struct list *at = ticket->uses[i].link.prev; at != head; at = at->prev) {
                        struct limit_ticket *older = list_entry(at, struct use, link)->ticket;

                        if (older->stamp == stamp || older->overtaken >= LIMIT_OVERTAKEN_MAX || is_held_off(older))
                                continue;
                        older->stamp = stamp;
                        if (++older->overtaken == LIMIT_OVERTAKEN_MAX)
                                consider_reserver(older);
                }
        }
}

/* ---- the pass ---- */

static void leave_queue(struct use *use) {
        if (use->limit->cursor == &use->link)
                use->limit->cursor = use->link.next;
        list_remove(&use->link);
        use->limit->n_waiting--;
        if (use->permits > 1) {
                use->limit->n_wide--;
                use->limit->limits->n_wide--;
        }
}

static void hold(struct use *use) {
        list_append(&use->limit->holders, &use->link);
        use->limit->held += use->permits;
        use->limit->n_holders++;
}

static void borrow(struct use *use) {
        use->lender = find_lender(use);
        if (use->lender)
                use->lender->borrower = use;
}

static void grant(struct limit_ticket *ticket, usec_t now) {
        for (size_t i = 0; i < ticket->n_uses; i++)
                borrow(&ticket->uses[i]);
        count_overtaken(ticket);
        for (size_t i = 0; i < ticket->n_uses; i++) {
                struct use *use = &ticket->uses[i];

                leave_queue(use);
                use->permits = need(use);
                drop_reserver(use->limit, ticket);
                if (!use->lender) {
                        hold(use);
                        use->limit->granted++;
                }
                use->limit->n_untold++;
        }
        ticket->granted = true;
        ticket->since_usec = now;
        list_append(&ticket->limits->told, &ticket->link);
}

/* True when the pace of @limit forbids a start now; its timer will then ask again. */
static bool wait_for_pace(struct limit *limit, usec_t now) {
        usec_t at = pace_at(limit, now);

        if (at > 0)
                loop_timer_set(&limit->pace_timer, at);
        return at > 0;
}

/* Whether anybody in the queue of @limit could go at all. */
static bool worth_walking(struct limit *limit, usec_t now) {
        return limit->cursor != &limit->waiters && (unheld(limit) > 0 || limit->may_lend) && !wait_for_pace(limit, now);
}

static bool lacks(const struct use *use) {
        return available(use->limit, use->ticket) < need(use) && !find_lender(use);
}

/* Whether permits of @limit, and nothing else, are what @ticket lacks. */
static bool lacks_only(const struct limit_ticket *ticket, const struct limit *limit, usec_t now) {
        for (size_t i = 0; i < ticket->n_uses; i++) {
                const struct use *use = &ticket->uses[i];

                if (lacks(use) != (use->limit == limit) || pace_at(use->limit, now) > 0)
                        return false;
        }
        return true;
}

/* Whether what is free of @use's limit is for one that stands before it. A reservation goes before everybody. */
static bool is_kept(const struct use *use, usec_t now) {
        const struct limit *limit = use->limit;

        if (limit->n_wide == 0 || limit->reserver == use->ticket)
                return false;
        for (const struct list *at = use->link.prev; at != &limit->waiters; at = at->prev) {
                const struct use *other = list_entry(at, struct use, link);

                if (other->permits > 1 && lacks_only(other->ticket, limit, now))
                        return true;
        }
        return false;
}

static bool can_serve(const struct limit_ticket *ticket, usec_t now) {
        for (size_t i = 0; i < ticket->n_uses; i++)
                if (lacks(&ticket->uses[i]) || is_kept(&ticket->uses[i], now))
                        return false;
        for (size_t i = 0; i < ticket->n_uses; i++)
                if (wait_for_pace(ticket->uses[i].limit, now))
                        return false;
        return true;
}

/* The dirty limit that has come to the foremost ticket. */
static struct limit *next_limit(struct list *dirty, usec_t now) {
        struct limit *limit, *best = NULL;

        list_for_each_entry(limit, dirty, dirty_link) {
                if (!worth_walking(limit, now))
                        continue;
                if (!best || before(list_entry(limit->cursor, struct use, link)->ticket,
                                    list_entry(best->cursor, struct use, link)->ticket))
                        best = limit;
        }
        return best;
}

static void end_pass(struct limits *limits, struct list *dirty, bool granted) {
        struct limit *limit, *tmp;

        list_for_each_entry_safe(limit, tmp, dirty, dirty_link) {
                limit->cursor = NULL;
                limit->may_lend = false;
                list_remove(&limit->dirty_link);
                if (limit->again)
                        mark_dirty(limit);
                limit->again = false;
        }
        if (granted)
                mark_wide_dirty(limits);
}

static void serve(struct limits *limits) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        struct list dirty = LIST_INIT(dirty);
        bool granted = false;
        struct limit *limit;

        list_splice(&dirty, &limits->dirty);
        list_for_each_entry(limit, &dirty, dirty_link)
                limit->cursor = limit->waiters.next;

        while ((limit = next_limit(&dirty, now))) {
                struct limit_ticket *ticket = list_entry(limit->cursor, struct use, link)->ticket;

                if (can_serve(ticket, now)) {
                        grant(ticket, now);
                        granted = true;
                } else {
                        limit->cursor = limit->cursor->next;
                }
        }
        end_pass(limits, &dirty, granted);
}

static void tell(struct limit_ticket *ticket) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        list_remove(&ticket->link);
        for (size_t i = 0; i < ticket->n_uses; i++) {
                ticket->uses[i].limit->n_untold--;
                pace_take(ticket->uses[i].limit, now);
        }
        ticket->on_granted(ticket, ticket->arg);
}

static void on_work(struct loop_work *work _unused_, void *arg) {
        struct limits *limits = arg;
        struct list told = LIST_INIT(told);

        serve(limits);
        list_splice(&told, &limits->told);
        while (!list_empty(&told) && !loop_share_used(limits->loop)) {
                tell(list_first_entry(&told, struct limit_ticket, link));
                loop_switch(limits->loop, "limits"); /* each is for another run */
        }
        if (list_empty(&told))
                return;
        /* The others hold what they were granted, and are told in a later turn, before those granted meanwhile. */
        list_splice(&told, &limits->told);
        list_splice(&limits->told, &told);
        loop_work_schedule(&limits->work);
}

/* ---- limits ---- */

int limits_new(struct loop *loop, struct limits **ret) {
        struct limits *limits;

        limits = calloc(1, sizeof(*limits));
        if (!limits)
                return -ENOMEM;
        limits->loop = loop;
        list_init(&limits->all);
        list_init(&limits->dirty);
        list_init(&limits->told);
        loop_work_init(&limits->work, loop, "limits", on_work, limits);
        *ret = limits;
        return 0;
}

struct limits *limits_free(struct limits *limits) {
        if (!limits)
                return NULL;
        assert(list_empty(&limits->all));
        loop_work_cancel(&limits->work);
        free(limits);
        return NULL;
}

static bool config_valid(const struct limit_config *config) {
        if (config->permits > LIMIT_PERMITS_MAX)
                return false;
        return config->rate == 0 || (config->burst > 0 && config->rate_per_usec > 0);
}

int limit_new(struct limits *limits, const char *name, const struct limit_config *config, struct limit **ret) {
        _cleanup_(freep) struct limit *limit = NULL;
        _cleanup_(freep) char *copy = NULL;
        int r;

        if (!config_valid(config))
                return -EINVAL;
        limit = calloc(1, sizeof(*limit));
        copy = strdup(name);
        if (!limit || !copy)
                return -ENOMEM;
        r = loop_timer_init(&limit->pace_timer, limits->loop, CLOCK_ID_MONOTONIC, "limit-pace", on_pace, limit);
        if (r < 0)
                return r;

        limit->n_ref = 1;
        limit->limits = limits;
        limit->name = TAKE_PTR(copy);
        limit->config = limit->configured = *config;
        list_init(&limit->dirty_link);
        list_init(&limit->waiters);
        list_init(&limit->holders);
        list_append(&limits->all, &limit->link);
        *ret = TAKE_PTR(limit);
        return 0;
}

struct limit *limit_ref(struct limit *limit) {
        assert(limit->n_ref > 0);
        limit->n_ref++;
        return limit;
}

struct limit *limit_unref(struct limit *limit) {
        if (!limit || --limit->n_ref > 0)
                return NULL;
        loop_timer_done(&limit->pace_timer);
        list_remove(&limit->dirty_link);
        list_remove(&limit->link);
        free(limit->name);
        free(limit->paused_by);
        free(limit);
        return NULL;
}

static bool is_same(const struct limit_config *a, const struct limit_config *b) {
        return a->permits == b->permits && a->rate == b->rate && a->rate_per_usec == b->rate_per_usec &&
               a->burst == b->burst && a->max_waiting == b->max_waiting;
}

static void put_in_force(struct limit *limit, const struct limit_config *config) {
        uint64_t empty;

        limit->config = *config;
        if (config->rate > 0) { /* nobody waits longer than for an empty bucket, whatever the pace was before */
                empty = clock_now(CLOCK_ID_MONOTONIC) * 1000 + pace_interval_nsec(limit) * config->burst;
                limit->full_at_nsec = MIN(limit->full_at_nsec, empty);
        }
        limit->overridden = !is_same(config, &limit->configured);
        mark_dirty(limit);
        mark_wide_dirty(limit->limits);
}

int limit_configure(struct limit *limit, const struct limit_config *config) {
        if (!config_valid(config))
                return -EINVAL;
        if (is_same(config, &limit->configured))
                return 0;
        limit->configured = *config;
        put_in_force(limit, config);
        return 0;
}

int limit_override(struct limit *limit, const struct limit_config *config) {
        if (config && !config_valid(config))
                return -EINVAL;
        put_in_force(limit, config ? config : &limit->configured);
        return 0;
}

void limit_set_lender(struct limit *limit, limit_lender_fn lender) {
        limit->lender = lender;
        limit_review_lenders(limit);
}

void limit_review_lenders(struct limit *limit) {
        limit->may_lend = limit->lender != NULL;
        mark_dirty(limit);
}

int limit_set_pause(struct limit *limit, const char *by, usec_t since_usec) {
        char *copy = by ? strdup(by) : NULL;

        if (by && !copy)
                return -ENOMEM;
        free(limit->paused_by);
        limit->paused_by = copy;
        limit->paused_usec = since_usec;
        reconsider_reservers(limit);
        limit_review_lenders(limit);
        mark_wide_dirty(limit->limits); /* it changes who lacks what */
        return 0;
}

/* ---- tickets ---- */

static bool is_welcome(const struct limit_request *request) {
        for (size_t i = 0; i < request->n_uses; i++)
                if (!limit_has_room(request->uses[i].limit))
                        return false;
        return true;
}

static int check_request(struct limits *limits, const struct limit_request *request) {
        const struct limit_use *uses = request->uses;

        for (size_t i = 0; i < request->n_uses; i++) {
                const struct limit_config *config = &uses[i].limit->configured;

                if (uses[i].permits == 0 || (config->permits > 0 && uses[i].permits > config->permits))
                        return -EINVAL;
                for (size_t k = 0; k < i; k++)
                        if (uses[k].limit == uses[i].limit)
                                return -EINVAL;
        }
        if (request->exempt || is_welcome(request))
                return 0;
        serve(limits); /* those who need not wait any more make room; they are told later */
        loop_work_schedule(&limits->work);
        return is_welcome(request) ? 0 : -ENOBUFS;
}

static void join_queue(struct use *use) {
        struct list *head = &use->limit->waiters;
        struct list *at = head;

        while (at->prev != head && before(use->ticket, list_entry(at->prev, struct use, link)->ticket))
                at = at->prev;
        list_insert_before(at, &use->link);
        use->limit->n_waiting++;
        if (use->permits > 1) {
                use->limit->n_wide++;
                use->limit->limits->n_wide++;
        }
        use->limit->may_lend |= find_lender(use) != NULL;
        mark_dirty(use->limit);
}

int limit_request(struct limits *limits, const struct limit_request *request, struct limit_ticket **ret) {
        struct limit_ticket *ticket;
        int r;

        r = check_request(limits, request);
        if (r < 0)
                return r;
        ticket = calloc(1, sizeof(*ticket) + request->n_uses * sizeof(ticket->uses[0]));
        if (!ticket)
                return -ENOMEM;
        ticket->limits = limits;
        ticket->on_granted = request->on_granted;
        ticket->arg = request->arg;
        ticket->priority = request->priority;
        ticket->sequence = ++limits->sequence;
        ticket->since_usec = clock_now(CLOCK_ID_MONOTONIC);
        ticket->n_uses = request->n_uses;
        list_init(&ticket->link);

        for (size_t i = 0; i < ticket->n_uses; i++) {
                ticket->uses[i] = (struct use){
                        .limit = limit_ref(request->uses[i].limit),
                        .ticket = ticket,
                        .permits = request->uses[i].permits,
                };
                join_queue(&ticket->uses[i]);
        }
        if (ticket->n_uses == 0) {
                ticket->granted = true;
                list_append(&limits->told, &ticket->link);
                loop_work_schedule(&limits->work);
        }
        *ret = ticket;
        return 0;
}

/* Leaves what @use has to its borrower, so that no more are at work than permits are held and lent. */
static void bequeath(struct use *use) {
        struct use *lender = use->lender, *heir = use->borrower;

        if (lender)
                lender->borrower = heir;
        if (heir)
                heir->lender = lender;
        if (heir && !lender)
                hold(heir);
        use->lender = use->borrower = NULL;
}

static void give_back(struct use *use, bool untold) {
        struct limit *limit = use->limit;

        if (!use->lender) {
                list_remove(&use->link);
                limit->held -= use->permits;
                limit->n_holders--;
        }
        limit->n_untold -= untold;
        limit->may_lend |= use->lender || use->borrower;
        bequeath(use);
        mark_dirty(limit);
}

struct limit_ticket *limit_release(struct limit_ticket *ticket) {
        bool untold;

        if (!ticket)
                return NULL;
        untold = list_linked(&ticket->link);
        list_remove(&ticket->link);
        for (size_t i = 0; i < ticket->n_uses; i++) {
                struct use *use = &ticket->uses[i];

                if (ticket->granted) {
                        give_back(use, untold);
                } else {
                        leave_queue(use);
                        drop_reserver(use->limit, ticket);
                        if (use->permits > 1) /* what was kept for it is for others now */
                                mark_dirty(use->limit);
                }
        }
        for (size_t i = 0; i < ticket->n_uses; i++)
                limit_unref(ticket->uses[i].limit);
        free(ticket);
        return NULL;
}

struct limit *limit_ticket_blocked_by(const struct limit_ticket *ticket, usec_t *ret_pace_at_usec) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        *ret_pace_at_usec = 0;
        if (ticket->granted)
                return NULL;
        for (size_t i = 0; i < ticket->n_uses; i++)
                if (lacks(&ticket->uses[i]) || is_kept(&ticket->uses[i], now))
                        return ticket->uses[i].limit;
        for (size_t i = 0; i < ticket->n_uses; i++) {
                *ret_pace_at_usec = pace_at(ticket->uses[i].limit, now);
                if (*ret_pace_at_usec > 0)
                        return ticket->uses[i].limit;
        }
        return NULL;
}
