/* SPDX-License-Identifier: MIT */
#pragma once
/* schedule_private: what the files of the schedule share. */
#include "when/schedule.h"

/* Stretches in which each occurrence has been decided at its time, or waits to be caught up; the closest are joined. */
#define WALL_STRETCHES_MAX 16

struct stretch {
        usec_t from_usec; /* both are occurrences */
        usec_t to_usec;
};

struct wall_calendar {
        struct schedule_calendar use;
        usec_t from_usec; /* occurrences up to here are none: their local times were decided in another zone */
};

/* What is being worked off, in as many calls as it takes. */
struct wall_batch {
        bool active;
        bool regular;  /* the newest is not late */
        bool walking;  /* still looks for what is to be caught up */
        bool at_least; /* stopped counting */
        enum missed_why why;
        usec_t to_usec; /* the newest that is due */
        usec_t cursor_usec;
        usec_t floor_usec;  /* nothing up to here is caught up */
        usec_t bottom_usec; /* nothing up to here is told as missed */
        usec_t first_usec, last_usec;
        uint64_t n;                 /* that are missed for good */
        const char *trigger;        /* of the first of them */
        struct schedule_due *taken; /* to be caught up, the newest first */
        unsigned n_taken, n_wanted;
};

struct schedule_wall {
        usec_t mark_usec;         /* no occurrence up to here is due any more */
        usec_t high_usec;         /* not before the mark: up to here all occurrences have been told of, once */
        struct schedule_due next; /* the first that is not decided; USEC_INFINITY: there is none */
        usec_t fire_usec;         /* when that is due, splay and jitter included */
        struct wall_batch batch;
        struct stretch *stretches; /* in order, apart from each other */
        unsigned n_stretches;
        unsigned n_calendars;
        struct wall_calendar calendars[];
};

/* What has become due at once. */
struct schedule_batch {
        usec_t first_usec, last_usec; /* of those that are missed for good; realtime */
        uint64_t n;
        bool at_least;
        enum missed_why why;
        const char *trigger;
        const struct schedule_due *taken; /* to be caught up, the newest first */
        unsigned n_taken;
        const struct schedule_due *regular; /* to be run now, or NULL */
        bool told;                          /* the regular one was told as missed before */
};

/* Tells and starts what @batch says; the source has moved its mark already. */
void schedule_settle(struct schedule *schedule, const struct schedule_now *now,
                     const struct schedule_listener *listener, const struct schedule_batch *batch);

/* The clock was set back: what waits for a time that is still to come on a calendar does not wait any more, as it will be
 * due then. It is told as missed until it is. */
void schedule_put_off(struct schedule *schedule, const struct schedule_now *now,
                      const struct schedule_listener *listener);

/* How many of what was missed are to be caught up. */
unsigned schedule_wanted(const struct schedule *schedule, const struct schedule_now *now, bool regular);

/* Adds to what waits, behind all that is not due later. Returns 0 or -ENOMEM. */
int schedule_push(struct schedule *schedule, const struct schedule_due *due);

/* Plans anew what fires next. */
void schedule_replan(struct schedule *schedule);

/* ---- schedule_wall.c ---- */
int wall_new(const struct schedule_config *config, struct schedule_wall **ret);
struct schedule_wall *wall_free(struct schedule_wall *wall);

/* The first occurrence later than @after_usec, decided or not. Its due_usec is USEC_INFINITY when there is none. */
struct schedule_due wall_next(const struct schedule_wall *wall, usec_t after_usec);

/* The first that is not decided. */
struct schedule_due wall_next_open(const struct schedule_wall *wall, usec_t after_usec);

/* Finds what is next, and draws its jitter. */
void wall_plan(struct schedule *schedule);
bool wall_run(struct schedule *schedule, const struct schedule_now *now, const struct schedule_listener *listener,
              unsigned budget);
bool wall_is_decided(const struct schedule_wall *wall, usec_t usec);
/* The occurrence @usec alone is not decided after all. */
void wall_undecide(struct schedule_wall *wall, usec_t usec);

/* All occurrences from @from_usec to @to_usec, both occurrences, are decided; with @joins those between them and the
 * stretch before, too. Out of memory joins more, so that nothing is fired twice. */
void wall_decide(struct schedule_wall *wall, usec_t from_usec, usec_t to_usec, bool joins);

/* Local time of the mark in the zone of @calendar less the mark, in microseconds. */
int64_t wall_local_mark(const struct schedule_wall *wall, const struct wall_calendar *calendar);
/* The local times in whose zones occurrences were decided up to the mark are given; sees to it that those in the present
 * zones are. */
void wall_shift(struct schedule_wall *wall, const int64_t *local_marks);
