/* SPDX-License-Identifier: MIT */
#pragma once
/* trigger: a schedule with the timers it asks for: it is run when something is due.
 *
 * Work that takes long, as when many occurrences were missed, is done in slices, turn by turn.
 */
#include "loop/loop.h"
#include "when/schedule.h"

struct trigger_ops {
        /* See struct schedule_listener. */
        void (*fire)(const struct schedule_due *due, void *arg);
        void (*missed)(const struct schedule_missed *missed, void *arg);
        void (*not_missed)(usec_t due_usec, void *arg);
        /* Fills all of @now but the times. */
        void (*look)(struct schedule_now *now, void *arg);
        /* Something was decided, and all that belongs to it was told. */
        void (*decided)(void *arg);
};

struct trigger_wall;

struct trigger {
        struct schedule schedule;
        struct loop_timer timer;       /* of `every` */
        struct trigger_wall *wall;     /* of calendars, or NULL */
        const struct trigger_ops *ops; /* NULL: not initialised */
        void *arg;
};

/* Not armed. Returns 0, -ENOMEM, -errno. @ops outlives it. */
int trigger_init(struct trigger *trigger, struct loop *loop, const struct schedule_config *config,
                 const struct trigger_ops *ops, void *arg);
void trigger_done(struct trigger *trigger); /* harmless on a zeroed one */

/* Arms: the first due time of `every` is one interval from now, that of a calendar the next. */
void trigger_arm(struct trigger *trigger);
void trigger_disarm(struct trigger *trigger);

/* Decides what is due, and arms the timers for what is next. To be called after schedule_restore(), and when the clock was
 * set. */
void trigger_check(struct trigger *trigger);

/* The last run has ended, whoever started it, or none was started: with from_end, and unless disarmed, counts from now. */
void trigger_run_ended(struct trigger *trigger);

/* Takes the oldest that waits to be caught up; see schedule_take(). */
bool trigger_take(struct trigger *trigger, struct schedule_due *ret);

/* The present time, and how things are. */
void trigger_look(const struct trigger *trigger, struct schedule_now *ret);

/* When it fires next, realtime, splay and jitter included; USEC_INFINITY: nothing is planned. */
usec_t trigger_fires_at(const struct trigger *trigger);
