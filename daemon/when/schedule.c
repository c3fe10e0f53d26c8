/* SPDX-License-Identifier: MIT */
/* schedule: decides what is due, see schedule.h.
 *
 * There are two sources. `every` is arithmetic on boot time: its anchor is the last due time that was decided, and moves
 * with each. Calendars are on the wall clock, which may be set, and are in schedule_wall.c. Both find the same things
 * when their owner calls, mostly one occurrence that is due now, which is *regular* and fired; at other times a row of
 * occurrences that were missed, of which `catch-up` says how many of the newest are put into the backlog, and perhaps a
 * regular one at its end. schedule_settle() makes of that what the owner is told.
 *
 * A source moves its mark before anything is told, so that the owner may save the schedule from inside a callback.
 *
 * With `catch-up = all`, what comes due while others are caught up joins the backlog: the order is kept, and `overlap`
 * does not skip it. With `latest`, it takes the place of the one that waits.
 */
#include "when/schedule_private.h"

#include "base/random.h"

#define COUNT_AT_LEAST "at least so many, they were not counted any further"

static const char *const why_names[_MISSED_WHY_MAX] = {
        [MISSED_DOWN] = "down",       [MISSED_ASLEEP] = "asleep",        [MISSED_CLOCK] = "clock",
        [MISSED_LATE] = "late",       [MISSED_PAUSED] = "paused",        [MISSED_SUPERSEDED] = "superseded",
        [MISSED_TOO_OLD] = "too-old", [MISSED_CROWDED] = "catch-up-max", [MISSED_CHANGED] = "changed",
};

const char *missed_why_to_string(enum missed_why why) {
        return why < _MISSED_WHY_MAX ? why_names[why] : "?";
}

/* ---- backlog ---- */

int schedule_push(struct schedule *schedule, const struct schedule_due *due) {
        struct schedule_backlog *backlog = schedule->backlog;
        unsigned at;

        if (backlog && backlog->first > 0 && backlog->first + backlog->n == backlog->room) {
                memmove(backlog->items, backlog->items + backlog->first, backlog->n * sizeof(backlog->items[0]));
                backlog->first = 0;
        }
        if (!backlog || backlog->first + backlog->n == backlog->room) {
                unsigned room = backlog ? backlog->room * 2 : 1;

                backlog = realloc(backlog, sizeof(*backlog) + room * sizeof(backlog->items[0]));
                if (!backlog)
                        return -ENOMEM;
                if (!schedule->backlog)
                        *backlog = (struct schedule_backlog){ 0 };
                backlog->room = room;
                schedule->backlog = backlog;
        }
        at = backlog->first + backlog->n++;
        for (; at > backlog->first && backlog->items[at - 1].due_usec > due->due_usec; at--)
                backlog->items[at] = backlog->items[at - 1];
        backlog->items[at] = *due;
        return 0;
}

static void pop(struct schedule *schedule, struct schedule_due *ret) {
        struct schedule_backlog *backlog = schedule->backlog;

        *ret = backlog->items[backlog->first++];
        if (--backlog->n == 0) {
                free(backlog);
                schedule->backlog = NULL;
        }
}

/* ---- telling ---- */

static void miss(const struct schedule_listener *listener, const struct schedule_due *due, enum missed_why why,
                 const char *detail) {
        listener->missed(
                &(const struct schedule_missed){
                        .first_usec = due->due_usec,
                        .last_usec = due->due_usec,
                        .n = 1,
                        .trigger = due->trigger,
                        .why = why,
                        .detail = detail,
                },
                listener->arg);
}

/* What was to be run, and was to begin an interval with its end, is not: counts from now instead. */
static void give_up(struct schedule *schedule, const struct schedule_now *now, const struct schedule_listener *listener,
                    const struct schedule_due *due, enum missed_why why, const char *detail) {
        if (schedule->awaits_end && streq(due->trigger, "every"))
                schedule_run_ended(schedule, now);
        miss(listener, due, why, detail);
}

static const char *why_not_caught_up(const struct schedule *schedule, const struct schedule_batch *batch) {
        if (batch->at_least)
                return COUNT_AT_LEAST;
        if (batch->why == MISSED_PAUSED)
                return NULL;
        switch (schedule->catch_up) {
        case CATCH_UP_NONE: return "catch-up = none";
        case CATCH_UP_LATEST:
                return batch->n_taken > 0 || batch->regular ? "catch-up = latest: a later one takes its place"
                                                            : "older than catch-up-within";
        default: return "older than catch-up-within, or more than catch-up-max";
        }
}

/* Gives up the oldest that wait, until no more than @n do. */
static void shorten_backlog(struct schedule *schedule, const struct schedule_now *now,
                            const struct schedule_listener *listener, unsigned n) {
        struct schedule_due due;

        while (schedule->backlog && schedule->backlog->n > n) {
                pop(schedule, &due);
                give_up(schedule, now, listener, &due, MISSED_SUPERSEDED, "later ones came before it was caught up");
        }
}

/* How many may wait. */
static unsigned backlog_max(const struct schedule *schedule) {
        switch (schedule->catch_up) {
        case CATCH_UP_ALL: return schedule->catch_up_max;
        case CATCH_UP_LATEST: return 1;
        default: return 0;
        }
}

static bool is_still_due(const struct schedule *schedule, const struct schedule_due *due) {
        if (streq(due->trigger, "every"))
                return !schedule->every_changed;
        return schedule->wall && wall_next(schedule->wall, due->due_usec - 1).due_usec == due->due_usec;
}

/* The clock was set back behind it, and that it was decided is forgotten. */
static bool comes_again(const struct schedule *schedule, const struct schedule_now *now,
                        const struct schedule_due *due) {
        return due->due_usec > now->wall_usec && !streq(due->trigger, "every") &&
               !wall_is_decided(schedule->wall, due->due_usec);
}

/* What was restored may be from other triggers. */
static void filter_backlog(struct schedule *schedule, const struct schedule_now *now,
                           const struct schedule_listener *listener) {
        _cleanup_(freep) struct schedule_backlog *was = TAKE_PTR(schedule->backlog);

        for (unsigned i = 0; was && i < was->n; i++) {
                const struct schedule_due *due = &was->items[was->first + i];

                if (!is_still_due(schedule, due))
                        give_up(schedule, now, listener, due, MISSED_CHANGED, "the triggers are not what they were");
                else if (comes_again(schedule, now, due))
                        continue;
                else if (schedule_push(schedule, due) < 0)
                        give_up(schedule, now, listener, due, MISSED_CROWDED, "out of memory");
        }
}

/* The configuration that it was restored with need not be the one that it was saved with. */
static void review_backlog(struct schedule *schedule, const struct schedule_now *now,
                           const struct schedule_listener *listener) {
        struct schedule_due due;

        if (schedule->changed)
                filter_backlog(schedule, now, listener);
        schedule->changed = false;
        while (schedule->backlog && schedule->backlog->n > backlog_max(schedule)) {
                pop(schedule, &due);
                give_up(schedule, now, listener, &due, MISSED_CHANGED, "catch-up, or catch-up-max, is not what it was");
        }
}

void schedule_put_off(struct schedule *schedule, const struct schedule_now *now,
                      const struct schedule_listener *listener) {
        _cleanup_(freep) struct schedule_backlog *was = TAKE_PTR(schedule->backlog);

        for (unsigned i = 0; was && i < was->n; i++) {
                const struct schedule_due *due = &was->items[was->first + i];

                if (due->due_usec > now->wall_usec && !streq(due->trigger, "every")) {
                        wall_undecide(schedule->wall, due->due_usec);
                        miss(listener, due, MISSED_CLOCK,
                             "the clock was set back, it is due again when its time comes");
                } else if (schedule_push(schedule, due) < 0)
                        give_up(schedule, now, listener, due, MISSED_CROWDED, "out of memory");
        }
}

static void push_all(struct schedule *schedule, const struct schedule_now *now,
                     const struct schedule_listener *listener, const struct schedule_batch *batch) {
        for (unsigned i = batch->n_taken; i > 0; i--)
                if (schedule_push(schedule, &batch->taken[i - 1]) < 0)
                        give_up(schedule, now, listener, &batch->taken[i - 1], MISSED_CROWDED, "out of memory");
        if (batch->n_taken > 0)
                shorten_backlog(schedule, now, listener, backlog_max(schedule));
}

/* What is due now; false: it has to wait until what was missed is caught up. */
static bool joins(struct schedule *schedule, const struct schedule_now *now, const struct schedule_listener *listener,
                  const struct schedule_due *due) {
        unsigned n = schedule->backlog ? schedule->backlog->n : 0;

        if (schedule->catch_up != CATCH_UP_ALL || (n == 0 && !schedule->catching))
                return false;
        if (n >= schedule->catch_up_max || schedule_push(schedule, due) < 0)
                give_up(schedule, now, listener, due, MISSED_CROWDED,
                        "as many as catch-up-max allows wait to be caught up");
        return true;
}

static void settle_regular(struct schedule *schedule, const struct schedule_now *now,
                           const struct schedule_listener *listener, const struct schedule_batch *batch) {
        if (now->paused || batch->why == MISSED_PAUSED) { /* it may have been resumed since it was found */
                if (!batch->told)
                        miss(listener, batch->regular, MISSED_PAUSED, NULL);
                return;
        }
        if (batch->told)
                listener->not_missed(batch->regular->due_usec, listener->arg);
        if (joins(schedule, now, listener, batch->regular))
                return;
        shorten_backlog(schedule, now, listener, 0);
        listener->fire(batch->regular, listener->arg);
}

void schedule_settle(struct schedule *schedule, const struct schedule_now *now,
                     const struct schedule_listener *listener, const struct schedule_batch *batch) {
        if (batch->n > 0)
                listener->missed(
                        &(const struct schedule_missed){
                                .first_usec = batch->first_usec,
                                .last_usec = batch->last_usec,
                                .n = batch->n,
                                .trigger = batch->trigger,
                                .why = batch->why,
                                .detail = why_not_caught_up(schedule, batch),
                        },
                        listener->arg);
        push_all(schedule, now, listener, batch);
        if (batch->regular)
                settle_regular(schedule, now, listener, batch);
}

unsigned schedule_wanted(const struct schedule *schedule, const struct schedule_now *now, bool regular) {
        if (now->paused)
                return 0;
        switch (schedule->catch_up) {
        case CATCH_UP_LATEST: return regular ? 0 : 1;
        case CATCH_UP_ALL: return schedule->catch_up_max;
        default: return 0;
        }
}

/* ---- every ---- */

static usec_t from_boot(const struct schedule_now *now, int64_t boot_usec) {
        int64_t wall = (int64_t)now->wall_usec + (boot_usec - (int64_t)now->boot_usec);

        return wall > 0 ? (usec_t)wall : 1;
}

static void every_plan(struct schedule *schedule) {
        int64_t fire = schedule->anchor_usec + (int64_t)schedule->every_usec + (int64_t)schedule->splay_usec;

        schedule->fire_usec = USEC_INFINITY;
        if (schedule->every_usec == 0 || schedule->awaits_end)
                return;
        if (schedule->jitter_usec > 0)
                fire += (int64_t)random_below(schedule->random, schedule->jitter_usec);
        schedule->fire_usec = (usec_t)MAX(fire, (int64_t)0);
}

/* The newest @wanted of @n due times up to @last, as far as they are young enough, the newest first. */
static unsigned every_take(const struct schedule *schedule, const struct schedule_now *now, int64_t last, uint64_t n,
                           unsigned wanted, struct schedule_due *taken) {
        unsigned k = 0;

        while (k < wanted && k < n) {
                int64_t at = last - (int64_t)(k * schedule->every_usec);

                if (at < (int64_t)now->boot_usec &&
                    (usec_t)((int64_t)now->boot_usec - at) > schedule->catch_up_within_usec)
                        break;
                taken[k++] = (struct schedule_due){ .due_usec = from_boot(now, at), .trigger = "every" };
        }
        return k;
}

/* Decides the @n due times up to @last. */
static void every_settle(struct schedule *schedule, const struct schedule_now *now,
                         const struct schedule_listener *listener, int64_t last, uint64_t n, bool is_regular) {
        struct schedule_due regular = { .due_usec = from_boot(now, last), .trigger = "every" };
        struct schedule_batch batch = { .trigger = "every", .why = now->paused ? MISSED_PAUSED : now->why };
        uint64_t missed = n - is_regular;
        unsigned wanted = (unsigned)MIN(schedule_wanted(schedule, now, is_regular), missed);
        _cleanup_(freep) struct schedule_due *taken = wanted > 0 ? calloc(wanted, sizeof(*taken)) : NULL;
        int64_t newest = is_regular ? last - (int64_t)schedule->every_usec : last;

        if (taken)
                batch.n_taken = every_take(schedule, now, newest, missed, wanted, taken);
        batch.taken = taken;
        batch.n = missed - batch.n_taken;
        batch.last_usec = from_boot(now, newest - (int64_t)(batch.n_taken * schedule->every_usec));
        batch.first_usec = from_boot(now, last - (int64_t)((n - 1) * schedule->every_usec));
        batch.regular = is_regular ? &regular : NULL;

        schedule->anchor_usec = last;
        schedule->awaits_end = schedule->from_end && (is_regular || batch.n_taken > 0) && !now->paused;
        if (schedule->from_end && !schedule->awaits_end) /* nothing is started: counts from now */
                schedule->anchor_usec = (int64_t)now->boot_usec;
        every_plan(schedule);
        schedule_settle(schedule, now, listener, &batch);
}

static void every_run(struct schedule *schedule, const struct schedule_now *now,
                      const struct schedule_listener *listener) {
        int64_t delay = (int64_t)(schedule->splay_usec + schedule->jitter_usec);
        int64_t due = schedule->anchor_usec + (int64_t)schedule->every_usec, last = due;
        int64_t overdue = (int64_t)now->boot_usec - delay - due; /* how long any but the first is over */
        usec_t late = now->boot_usec - schedule->fire_usec;
        uint64_t n = 1;

        if (!schedule->from_end && overdue >= (int64_t)schedule->every_usec) {
                n += (uint64_t)overdue / schedule->every_usec;
                last += (int64_t)((n - 1) * schedule->every_usec);
                late = (usec_t)((int64_t)now->boot_usec - delay - last);
        }
        every_settle(schedule, now, listener, last, n, !now->start && late <= SCHEDULE_SLACK);
}

void schedule_replan(struct schedule *schedule) {
        every_plan(schedule);
        if (schedule->wall)
                wall_plan(schedule);
}

/* ---- its life ---- */

int schedule_init(struct schedule *schedule, const struct schedule_config *config) {
        *schedule = (struct schedule){
                .every_usec = config->every_usec,
                .fire_usec = USEC_INFINITY,
                .splay_usec = config->splay_usec,
                .jitter_usec = config->jitter_usec,
                .catch_up_within_usec = config->catch_up_within_usec,
                .catch_up_max = config->catch_up_max,
                .catch_up = config->catch_up,
                .from_end = config->from_end,
                .random = config->random,
        };
        return config->n_calendars > 0 ? wall_new(config, &schedule->wall) : 0;
}

void schedule_done(struct schedule *schedule) {
        schedule->wall = wall_free(schedule->wall);
        free(schedule->backlog);
        schedule->backlog = NULL;
}

void schedule_arm(struct schedule *schedule, const struct schedule_now *now) {
        schedule->armed = schedule->begun = true;
        schedule->awaits_end = false;
        schedule->anchor_usec = (int64_t)now->boot_usec;
        if (schedule->wall) {
                schedule->wall->mark_usec = now->wall_usec;
                schedule->wall->high_usec = now->wall_usec;
                schedule->wall->n_stretches = 0;
                schedule->wall->batch.active = false;
        }
        schedule_replan(schedule);
}

void schedule_disarm(struct schedule *schedule) {
        schedule->armed = false;
        schedule->fire_usec = USEC_INFINITY;
}

usec_t schedule_wake_boot(const struct schedule *schedule) {
        return schedule->armed ? schedule->fire_usec : USEC_INFINITY;
}

usec_t schedule_wake_wall(const struct schedule *schedule) {
        return schedule->armed && schedule->wall ? schedule->wall->fire_usec : USEC_INFINITY;
}

bool schedule_run(struct schedule *schedule, const struct schedule_now *now, const struct schedule_listener *listener,
                  unsigned budget) {
        if (!schedule->armed)
                return true;
        review_backlog(schedule, now, listener);
        while (schedule->fire_usec <= now->boot_usec)
                every_run(schedule, now, listener);
        return !schedule->wall || wall_run(schedule, now, listener, budget);
}

void schedule_run_ended(struct schedule *schedule, const struct schedule_now *now) {
        if (!schedule->begun || !schedule->from_end)
                return;
        schedule->awaits_end = false;
        schedule->anchor_usec = (int64_t)now->boot_usec;
        if (schedule->armed)
                every_plan(schedule);
}

bool schedule_take(struct schedule *schedule, const struct schedule_now *now, const struct schedule_listener *listener,
                   struct schedule_due *ret) {
        struct schedule_due due;

        while (schedule->backlog) {
                pop(schedule, &due);
                if (usec_sub(now->wall_usec, due.due_usec) <= schedule->catch_up_within_usec) {
                        schedule->catching = true;
                        *ret = due;
                        return true;
                }
                give_up(schedule, now, listener, &due, MISSED_TOO_OLD, "older than catch-up-within when its turn came");
        }
        return false;
}

void schedule_taken_ended(struct schedule *schedule) {
        schedule->catching = false;
}

/* ---- what is due ---- */

void schedule_cursor_init(const struct schedule *schedule, struct schedule_cursor *ret) {
        *ret = (struct schedule_cursor){
                .after_usec = schedule->wall ? schedule->wall->mark_usec : 0,
                .every_usec = schedule->anchor_usec,
        };
}

static bool cursor_every(const struct schedule *schedule, struct schedule_cursor *cursor,
                         const struct schedule_now *now, struct schedule_due *ret, usec_t *ret_at_usec) {
        int64_t due = cursor->every_usec + (int64_t)schedule->every_usec;
        bool is_first = cursor->every_usec == schedule->anchor_usec;

        if (schedule->every_usec == 0 || schedule->awaits_end || (schedule->from_end && !is_first))
                return false;
        *ret = (struct schedule_due){ .due_usec = from_boot(now, due), .trigger = "every" };
        *ret_at_usec =
                is_first ? from_boot(now, (int64_t)schedule->fire_usec) : usec_add(ret->due_usec, schedule->splay_usec);
        return true;
}

static bool cursor_wall(const struct schedule *schedule, const struct schedule_cursor *cursor, struct schedule_due *ret,
                        usec_t *ret_at_usec) {
        if (!schedule->wall)
                return false;
        *ret = wall_next_open(schedule->wall, cursor->after_usec);
        *ret_at_usec = ret->due_usec == schedule->wall->next.due_usec ? schedule->wall->fire_usec
                                                                      : usec_add(ret->due_usec, schedule->splay_usec);
        return ret->due_usec != USEC_INFINITY;
}

bool schedule_cursor_next(const struct schedule *schedule, struct schedule_cursor *cursor,
                          const struct schedule_now *now, struct schedule_due *ret, usec_t *ret_at_usec) {
        struct schedule_due every, wall;
        usec_t every_at, wall_at;
        bool has_every, has_wall;

        if (!schedule->armed)
                return false;
        has_every = cursor_every(schedule, cursor, now, &every, &every_at);
        has_wall = cursor_wall(schedule, cursor, &wall, &wall_at);
        if (!has_every && !has_wall)
                return false;
        if (has_every && (!has_wall || every.due_usec <= wall.due_usec)) {
                cursor->every_usec += (int64_t)schedule->every_usec;
                *ret = every;
                *ret_at_usec = every_at;
        } else {
                cursor->after_usec = wall.due_usec;
                *ret = wall;
                *ret_at_usec = wall_at;
        }
        return true;
}
