/* SPDX-License-Identifier: MIT */
/* limit-bed: see limit-bed.h. */
#include "support/limit-bed.h"

#include "support/fake-loop.h"

#include <check.h>
#include <stdio.h>

struct loop *loop;
struct limits *limits;
struct limit *a, *b;
struct limit_ticket *tickets[N_TICKETS];
char told[4096];

void setup(void) {
        fake_clock_reset();
        told[0] = '\0';
        memset(tickets, 0, sizeof(tickets));
        a = b = NULL;
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(limits_new(loop, &limits), 0);
}

void teardown(void) {
        for (size_t i = 0; i < N_TICKETS; i++)
                tickets[i] = limit_release(tickets[i]);
        a = limit_unref(a);
        b = limit_unref(b);
        limits = limits_free(limits);
        ck_assert_uint_eq(fake_loop_timers(), 0);
        loop = loop_free(loop);
}

struct limit *make(const char *name, unsigned permits) {
        struct limit *limit;

        ck_assert_int_eq(limit_new(limits, name, &(struct limit_config){ .permits = permits }, &limit), 0);
        return limit;
}

void on_granted(struct limit_ticket *ticket, void *arg) {
        size_t used = strlen(told);

        ck_assert(limit_ticket_granted(ticket));
        (void)snprintf(told + used, sizeof(told) - used, "%s%td", used > 0 ? " " : "",
                       (struct limit_ticket **)arg - tickets);
}

int try(size_t i, int priority, unsigned of_a, unsigned of_b) {
        struct limit_use uses[2];
        struct limit_request wish = {
                .uses = uses,
                .priority = priority,
                .on_granted = on_granted,
                .arg = &tickets[i],
        };

        if (of_a > 0)
                uses[wish.n_uses++] = (struct limit_use){ a, of_a };
        if (of_b > 0)
                uses[wish.n_uses++] = (struct limit_use){ b, of_b };
        return limit_request(limits, &wish, &tickets[i]);
}

void ask(size_t i, int priority, unsigned of_a, unsigned of_b) {
        ck_assert_int_eq(try(i, priority, of_a, of_b), 0);
}

void drop(size_t i) {
        ck_assert_ptr_nonnull(tickets[i]);
        tickets[i] = limit_release(tickets[i]);
        (void)fake_loop_settle();
}

void settle(void) {
        (void)fake_loop_settle();
}

unsigned held(const struct limit *limit) {
        struct limit_stats stats;

        limit_get_stats(limit, &stats);
        return stats.held;
}
