/* SPDX-License-Identifier: MIT */
/* trigger: a schedule with the timers it asks for. */
#include "when/trigger.h"

/* Evaluations of calendars in one go: well below a millisecond. */
#define SLICE 300

/* What only tasks with calendars need. */
struct trigger_wall {
        struct loop_timer timer;
        struct loop_work work; /* the schedule is not through */
};

void trigger_look(const struct trigger *trigger, struct schedule_now *ret) {
        *ret = (struct schedule_now){ .why = MISSED_LATE };
        trigger->ops->look(ret, trigger->arg);
        ret->wall_usec = clock_now(CLOCK_ID_REALTIME);
        ret->boot_usec = clock_now(CLOCK_ID_BOOTTIME);
        ret->epoch_usec = CLOCK_EPOCH_USEC;
}

static void set_timers(struct trigger *trigger) {
        if (trigger->timer.loop)
                loop_timer_set(&trigger->timer, schedule_wake_boot(&trigger->schedule));
        if (trigger->wall)
                loop_timer_set(&trigger->wall->timer, schedule_wake_wall(&trigger->schedule));
}

static struct schedule_listener listener(const struct trigger *trigger) {
        return (struct schedule_listener){
                .fire = trigger->ops->fire,
                .missed = trigger->ops->missed,
                .not_missed = trigger->ops->not_missed,
                .arg = trigger->arg,
        };
}

void trigger_check(struct trigger *trigger) {
        struct schedule_listener told = listener(trigger);
        struct schedule_now now;

        trigger_look(trigger, &now);
        if (schedule_run(&trigger->schedule, &now, &told, SLICE)) {
                set_timers(trigger);
                trigger->ops->decided(trigger->arg);
                return;
        }
        loop_timer_set(&trigger->wall->timer, USEC_INFINITY);
        loop_work_schedule(&trigger->wall->work);
}

static void on_timer(struct loop_timer *timer _unused_, void *arg) {
        trigger_check(arg);
}

static void on_work(struct loop_work *work _unused_, void *arg) {
        trigger_check(arg);
}

static int init_wall(struct trigger *trigger, struct loop *loop) {
        int r;

        trigger->wall = calloc(1, sizeof(*trigger->wall));
        if (!trigger->wall)
                return -ENOMEM;
        loop_work_init(&trigger->wall->work, loop, "calendar", on_work, trigger);
        r = loop_timer_init(&trigger->wall->timer, loop, CLOCK_ID_REALTIME, "calendar", on_timer, trigger);
        return r;
}

int trigger_init(struct trigger *trigger, struct loop *loop, const struct schedule_config *config,
                 const struct trigger_ops *ops, void *arg) {
        int r;

        *trigger = (struct trigger){ .ops = ops, .arg = arg };
        r = schedule_init(&trigger->schedule, config);
        if (r >= 0 && config->every_usec > 0)
                r = loop_timer_init(&trigger->timer, loop, CLOCK_ID_BOOTTIME, "every", on_timer, trigger);
        if (r >= 0 && config->n_calendars > 0)
                r = init_wall(trigger, loop);
        if (r < 0)
                trigger_done(trigger);
        return r;
}

void trigger_done(struct trigger *trigger) {
        loop_timer_done(&trigger->timer);
        if (trigger->wall) {
                loop_timer_done(&trigger->wall->timer);
                loop_work_cancel(&trigger->wall->work);
                free(trigger->wall);
        }
        schedule_done(&trigger->schedule);
        *trigger = (struct trigger){ 0 };
}

void trigger_arm(struct trigger *trigger) {
        struct schedule_now now;

        trigger_look(trigger, &now);
        schedule_arm(&trigger->schedule, &now);
        set_timers(trigger);
}

void trigger_disarm(struct trigger *trigger) {
        schedule_disarm(&trigger->schedule);
        set_timers(trigger);
        if (trigger->wall)
                loop_work_cancel(&trigger->wall->work);
}

void trigger_run_ended(struct trigger *trigger) {
        struct schedule_now now;

        if (!trigger->schedule.from_end)
                return;
        trigger_look(trigger, &now);
        schedule_run_ended(&trigger->schedule, &now);
        set_timers(trigger);
}

bool trigger_take(struct trigger *trigger, struct schedule_due *ret) {
        struct schedule_listener told = listener(trigger);
        struct schedule_now now;
        bool taken;

        trigger_look(trigger, &now);
        taken = schedule_take(&trigger->schedule, &now, &told, ret);
        set_timers(trigger);
        return taken;
}

usec_t trigger_fires_at(const struct trigger *trigger) {
        usec_t boot = schedule_wake_boot(&trigger->schedule), wall = schedule_wake_wall(&trigger->schedule);

        if (boot != USEC_INFINITY)
                boot = usec_add(clock_now(CLOCK_ID_REALTIME), usec_sub(boot, clock_now(CLOCK_ID_BOOTTIME)));
        return MIN(boot, wall);
}
