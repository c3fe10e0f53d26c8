/* SPDX-License-Identifier: MIT */
#pragma once
/* trigger: fires when a task is due by `every`.
 *
 * Due times are anchor + n·interval on the clock that counts sleep, so they never drift; with from_end the anchor is the
 * end of the last run. Splay and a jitter drawn anew each time delay the firing, not the due time. A trigger that comes
 * too late for several due times fires once, for the latest.
 */
#include "loop/loop.h"

struct trigger;
/* @due_usec: boot time, without splay and jitter. */
typedef void (*trigger_fn)(struct trigger *trigger, usec_t due_usec, void *arg);

struct trigger {
        struct loop_timer timer;
        usec_t every_usec; /* 0: never */
        usec_t splay_usec;
        usec_t jitter_usec;
        usec_t anchor_usec;
        usec_t due_usec; /* of the next firing; USEC_INFINITY: none */
        bool from_end;
        bool armed; /* also while it waits for the end of a run */
        uint64_t *random;
        trigger_fn fn;
        void *arg;
};

struct trigger_config {
        usec_t every_usec;
        usec_t splay_usec;  /* of this machine: every_splay() */
        usec_t jitter_usec; /* at most */
        bool from_end;
        uint64_t *random; /* state for jitter; outlives the trigger */
};

/* Not armed. Returns 0 or -ENOMEM. */
int trigger_init(struct trigger *trigger, struct loop *loop, const struct trigger_config *config, trigger_fn fn,
                 void *arg);
void trigger_done(struct trigger *trigger);

/* Arms: the first due time is one interval after @anchor_usec (boot time). */
void trigger_arm(struct trigger *trigger, usec_t anchor_usec);
void trigger_disarm(struct trigger *trigger);

/* The last run has ended, whoever started it, or none was started: with from_end, and unless disarmed, counts from now. */
void trigger_run_ended(struct trigger *trigger);

/* When it will fire, splay and jitter included; USEC_INFINITY: not armed. */
static inline usec_t trigger_fires_at(const struct trigger *trigger) {
        return loop_timer_armed(&trigger->timer) ? trigger->timer.at_usec : USEC_INFINITY;
}
