/* SPDX-License-Identifier: MIT */
/* trigger: fires when a task is due by `every`. */
#include "when/trigger.h"

#include "base/random.h"
#include "when/every.h"

static void plan(struct trigger *trigger, usec_t after) {
        usec_t delay = trigger->splay_usec;

        if (trigger->jitter_usec > 0)
                delay = usec_add(delay, random_below(trigger->random, trigger->jitter_usec));
        trigger->due_usec = every_next(trigger->anchor_usec, trigger->every_usec, after);
        loop_timer_set(&trigger->timer, usec_add(trigger->due_usec, delay));
}

static void on_timer(struct loop_timer *timer _unused_, void *arg) {
        struct trigger *trigger = arg;
        usec_t now = clock_now(CLOCK_ID_BOOTTIME);
        usec_t due = trigger->due_usec;

        if (trigger->from_end) {
                /* The next one counts from the end of the run that begins now. */
                trigger->due_usec = USEC_INFINITY;
        } else {
                usec_t late = usec_sub(now, usec_add(due, trigger->splay_usec + trigger->jitter_usec));

                due = usec_add(due, late - late % trigger->every_usec);
                plan(trigger, due);
        }
        trigger->fn(trigger, due, trigger->arg);
}

int trigger_init(struct trigger *trigger, struct loop *loop, const struct trigger_config *config, trigger_fn fn,
                 void *arg) {
        *trigger = (struct trigger){
                .every_usec = config->every_usec,
                .splay_usec = config->splay_usec,
                .jitter_usec = config->jitter_usec,
                .from_end = config->from_end,
                .random = config->random,
                .due_usec = USEC_INFINITY,
                .fn = fn,
                .arg = arg,
        };
        return loop_timer_init(&trigger->timer, loop, CLOCK_ID_BOOTTIME, "trigger", on_timer, trigger);
}

void trigger_done(struct trigger *trigger) {
        loop_timer_done(&trigger->timer);
}

void trigger_arm(struct trigger *trigger, usec_t anchor_usec) {
        if (trigger->every_usec == 0)
                return;
        trigger->armed = true;
        trigger->anchor_usec = anchor_usec;
        plan(trigger, MAX(anchor_usec, clock_now(CLOCK_ID_BOOTTIME)));
}

void trigger_disarm(struct trigger *trigger) {
        trigger->armed = false;
        trigger->due_usec = USEC_INFINITY;
        loop_timer_set(&trigger->timer, USEC_INFINITY);
}

void trigger_run_ended(struct trigger *trigger) {
        if (trigger->armed && trigger->from_end)
                trigger_arm(trigger, clock_now(CLOCK_ID_BOOTTIME));
}
