/* SPDX-License-Identifier: MIT */
#pragma once
/* top_feed: asks the daemon again and again, without ever waiting for it. */
#include "tendctl/ctl.h"
#include "tendctl/print.h"

enum top_source {
        SOURCE_STATUS,
        SOURCE_TREE,
        SOURCE_TASKS,   /* all of them */
        SOURCE_VISIBLE, /* those on the screen */
        SOURCE_LIMITS,
        SOURCE_POOLS,
        SOURCE_NEXT,
        _SOURCE_MAX,
};

/* What the daemon has told of @source, a whole answer: of SOURCE_STATUS its parameters, else an array. */
typedef void (*top_fed_fn)(enum top_source source, json_t *answer, void *arg);

struct feed;

/* Asks @ctl's daemon each @interval_usec. Returns 0 or -ENOMEM. */
int feed_new(struct ctl *ctl, usec_t interval_usec, top_fed_fn fn, void *arg, struct feed **ret);
struct feed *feed_free(struct feed *feed);
DEFINE_CLEANUP(struct feed, feed_free)

/* Asks for these alone from now on, a mask of 1 << source; what is new in it is asked for at once. */
void feed_want(struct feed *feed, unsigned sources);
/* For SOURCE_VISIBLE: an array of names, whose reference is taken. */
void feed_look_at(struct feed *feed, json_t *names);
/* Asks for everything at once. */
void feed_hurry(struct feed *feed);

/* Goes on as far as it can without waiting, at @now_usec (monotonic). */
void feed_step(struct feed *feed, usec_t now_usec);
/* What to wait for until it goes on: a descriptor to be read from, or -1; and when at the latest. */
int feed_fd(const struct feed *feed);
usec_t feed_due(const struct feed *feed);

/* Asks for these once, and waits. What goes wrong is printed. Returns an exit code. */
int feed_once(struct ctl *ctl, unsigned wanted, top_fed_fn fn, void *arg);

/* What is wrong, for people, and since when (realtime); NULL: nothing. */
const char *feed_trouble(const struct feed *feed, usec_t *ret_since_usec);
