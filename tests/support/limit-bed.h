/* SPDX-License-Identifier: MIT */
#pragma once
/* limit-bed: the limits a and b, and tickets that are asked for by their number and written down when they are granted. */
#include "run/limit.h"

#define N_TICKETS 200

extern struct loop *loop;
extern struct limits *limits;
extern struct limit *a, *b; /* made by the test */
extern struct limit_ticket *tickets[N_TICKETS];
extern char told[4096]; /* numbers of those granted: "0 2 1" */

/* Of a checked fixture. */
void setup(void);
void teardown(void);

struct limit *make(const char *name, unsigned permits);

/* Asks for ticket @i; the first returns what limit_request() does, the other expects 0. */
int try(size_t i, int priority, unsigned of_a, unsigned of_b);
void ask(size_t i, int priority, unsigned of_a, unsigned of_b);
/* Gives ticket @i back, and settles. */
void drop(size_t i);
void settle(void);

/* For requests that a test makes itself; @arg is the place of the ticket. */
void on_granted(struct limit_ticket *ticket, void *arg);

unsigned held(const struct limit *limit);

#define check_told(expected) ck_assert_str_eq(told, expected)
