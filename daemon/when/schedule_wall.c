/* SPDX-License-Identifier: MIT */
/* schedule_wall: the calendars of a task, on a clock that may be set.
 *
 * The mark is how far time has come: the next occurrence is looked for behind it. Usually all before it is history. When
 * the clock is set back the mark follows, and what lies between it and `high`, the furthest it ever was, comes again. Of
 * that, *stretches* say what has been decided at its time and is not due again: fired, skipped by overlap, caught up. All
 * else up to `high` was passed over, because nobody was there or the clock was ahead, and was told as missed; it is due
 * when its time comes after all, and told as not missed. So a clock that stood in 2040 for an hour costs a task that hour,
 * not the years between.
 *
 * While a task runs as it should, one stretch grows with each occurrence. A row that was missed begins another one. There is
 * room for a few; then the two are joined that are closest, those of the past first: what lies between stays missed.
 *
 * When occurrences were missed, the newest are looked for from now backwards, so that it does not matter how many there
 * are, and the others are counted, in slices. Nothing has changed until that is done: if the clock is set back meanwhile, or
 * the daemon dies, it was not.
 *
 * A machine without a clock of its own begins in 1970 or so and is set to the present later. A task that was known only until
 * then has missed nothing: it begins with the present.
 *
 * Occurrences are told apart by their instants. Only when the rules of a zone change, and the same local times lie at
 * other instants, is the local time of the mark what counts: see wall_shift().
 */
#include "when/schedule_private.h"

#include "base/random.h"

/* A zone's rules shift local time by no more. */
#define SHIFT_MAX (26 * USEC_PER_HOUR)

int wall_new(const struct schedule_config *config, struct schedule_wall **ret) {
        struct schedule_wall *wall = calloc(1, sizeof(*wall) + config->n_calendars * sizeof(wall->calendars[0]));

        if (!wall)
                return -ENOMEM;
        wall->next.due_usec = wall->fire_usec = USEC_INFINITY;
        wall->n_calendars = (unsigned)config->n_calendars;
        for (size_t i = 0; i < config->n_calendars; i++) {
                wall->calendars[i].use = config->calendars[i];
                (void)zone_ref(config->calendars[i].zone);
        }
        *ret = wall;
        return 0;
}

struct schedule_wall *wall_free(struct schedule_wall *wall) {
        if (!wall)
                return NULL;
        for (unsigned i = 0; i < wall->n_calendars; i++)
                zone_unref(wall->calendars[i].use.zone);
        free(wall->batch.taken);
        free(wall->stretches);
        free(wall);
        return NULL;
}

/* ---- stretches ---- */

/* The first stretch that does not end before @usec; n_stretches: none. */
static unsigned stretch_at(const struct schedule_wall *wall, usec_t usec) {
        unsigned low = 0, high = wall->n_stretches;

        while (low < high) {
                unsigned middle = (low + high) / 2;

                if (wall->stretches[middle].to_usec < usec)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

bool wall_is_decided(const struct schedule_wall *wall, usec_t usec) {
        unsigned i = stretch_at(wall, usec);

        return i < wall->n_stretches && wall->stretches[i].from_usec <= usec;
}

/* Joins stretch @i and the one behind it. */
static void stretch_join(struct schedule_wall *wall, unsigned i) {
        wall->stretches[i].to_usec = MAX(wall->stretches[i].to_usec, wall->stretches[i + 1].to_usec);
        wall->n_stretches--;
        memmove(&wall->stretches[i + 1], &wall->stretches[i + 2],
                (wall->n_stretches - i - 1) * sizeof(wall->stretches[0]));
}

/* Those of the past have nothing between them that could come again soon. */
static void stretch_make_room(struct schedule_wall *wall) {
        unsigned best = 0;
        usec_t smallest = USEC_INFINITY;

        for (unsigned i = 0; i + 1 < wall->n_stretches; i++) {
                const struct stretch *next = &wall->stretches[i + 1];
                usec_t gap = next->from_usec <= wall->mark_usec ? 0 : next->from_usec - wall->stretches[i].to_usec;

                if (gap < smallest) {
                        smallest = gap;
                        best = i;
                }
        }
        stretch_join(wall, best);
}

/* 0 or -ENOMEM. */
static int stretch_insert(struct schedule_wall *wall, unsigned i, usec_t from_usec, usec_t to_usec) {
        struct stretch *stretches = reallocarray(wall->stretches, wall->n_stretches + 1, sizeof(*stretches));

        if (!stretches)
                return -ENOMEM;
        wall->stretches = stretches;
        memmove(&stretches[i + 1], &stretches[i], (wall->n_stretches - i) * sizeof(*stretches));
        stretches[i] = (struct stretch){ .from_usec = from_usec, .to_usec = to_usec };
        wall->n_stretches++;
        return 0;
}

void wall_decide(struct schedule_wall *wall, usec_t from_usec, usec_t to_usec, bool joins) {
        unsigned i = stretch_at(wall, from_usec);

        if (i > 0 && joins) {
                i--;
                wall->stretches[i].to_usec = MAX(wall->stretches[i].to_usec, to_usec);
        } else if (i < wall->n_stretches && wall->stretches[i].from_usec <= to_usec) {
                wall->stretches[i].from_usec = MIN(wall->stretches[i].from_usec, from_usec);
                wall->stretches[i].to_usec = MAX(wall->stretches[i].to_usec, to_usec);
        } else if (stretch_insert(wall, i, from_usec, to_usec) < 0) {
                if (i > 0)
                        wall->stretches[i - 1].to_usec = to_usec;
                else if (wall->n_stretches > 0)
                        wall->stretches[0].from_usec = from_usec;
                return;
        }
        while (i + 1 < wall->n_stretches && wall->stretches[i + 1].from_usec <= wall->stretches[i].to_usec)
                stretch_join(wall, i);
        while (wall->n_stretches > WALL_STRETCHES_MAX)
                stretch_make_room(wall);
}

void wall_undecide(struct schedule_wall *wall, usec_t usec) {
        unsigned i = stretch_at(wall, usec);
        struct stretch was;
        bool before, behind;

        if (!wall_is_decided(wall, usec))
                return;
        was = wall->stretches[i];
        before = was.from_usec < usec;
        behind = wall_next(wall, usec).due_usec <= was.to_usec;
        if (before && behind && stretch_insert(wall, i + 1, usec + 1, was.to_usec) < 0)
                return; /* it stays missed */
        if (before)
                wall->stretches[i].to_usec = usec - 1;
        else if (behind)
                wall->stretches[i].from_usec = usec + 1;
        else
                memmove(&wall->stretches[i], &wall->stretches[i + 1],
                        (--wall->n_stretches - i) * sizeof(wall->stretches[0]));
        while (wall->n_stretches > WALL_STRETCHES_MAX)
                stretch_make_room(wall);
}

/* ---- occurrences ---- */

struct schedule_due wall_next(const struct schedule_wall *wall, usec_t after_usec) {
        struct schedule_due best = { .due_usec = USEC_INFINITY };

        for (unsigned i = 0; i < wall->n_calendars; i++) {
                const struct wall_calendar *calendar = &wall->calendars[i];
                struct occurrence occurrence;

                if (calendar_next(calendar->use.calendar, calendar->use.zone, MAX(after_usec, calendar->from_usec),
                                  &occurrence) &&
                    occurrence.utc_usec < best.due_usec)
                        best = (struct schedule_due){
                                .due_usec = occurrence.utc_usec,
                                .trigger = calendar->use.trigger,
                        };
        }
        return best;
}

/* The last occurrence up to @to_usec that is later than @floor_usec. Looks in ever larger windows for one, and halves from
 * there on: some hundred evaluations at most. False: there is none. */
static bool last_until(const struct schedule_wall *wall, usec_t floor_usec, usec_t to_usec, unsigned *budget,
                       struct schedule_due *ret) {
        usec_t window = USEC_PER_SEC, high = to_usec;
        struct schedule_due found, next;

        for (;; window *= 4) {
                usec_t low = usec_sub(to_usec, window);

                low = MAX(low, floor_usec);
                found = wall_next(wall, low);
                *budget -= MIN(*budget, wall->n_calendars);
                if (found.due_usec <= to_usec)
                        break;
                if (low == floor_usec)
                        return false;
        }
        while (next = wall_next(wall, found.due_usec), next.due_usec <= high) {
                usec_t middle;

                found = next;
                middle = found.due_usec + (high - found.due_usec) / 2;
                next = wall_next(wall, middle);
                if (next.due_usec <= to_usec)
                        found = next;
                else
                        high = middle;
                *budget -= MIN(*budget, 2 * wall->n_calendars);
        }
        *ret = found;
        return true;
}

struct schedule_due wall_next_open(const struct schedule_wall *wall, usec_t after_usec) {
        for (;;) {
                struct schedule_due next = wall_next(wall, after_usec);
                unsigned i = stretch_at(wall, next.due_usec);

                if (i == wall->n_stretches || wall->stretches[i].from_usec > next.due_usec)
                        return next;
                after_usec = wall->stretches[i].to_usec;
        }
}

/* Two stretches with nothing between them are one. */
static void tidy(struct schedule_wall *wall) {
        unsigned i = stretch_at(wall, wall->mark_usec);

        if (i + 1 < wall->n_stretches && wall->stretches[i].to_usec == wall->mark_usec &&
            wall_next(wall, wall->mark_usec).due_usec == wall->stretches[i + 1].from_usec)
                stretch_join(wall, i);
}

void wall_plan(struct schedule *schedule) {
        struct schedule_wall *wall = schedule->wall;

        tidy(wall);
        wall->next = wall_next_open(wall, wall->mark_usec);
        wall->fire_usec = usec_add(wall->next.due_usec, schedule->splay_usec);
        if (schedule->jitter_usec > 0)
                wall->fire_usec = usec_add(wall->fire_usec, random_below(schedule->random, schedule->jitter_usec));
}

/* ---- what is due ---- */

/* The clock was set back: what lies behind it now may come again. */
static void set_back(struct schedule *schedule, const struct schedule_now *now,
                     const struct schedule_listener *listener) {
        struct schedule_wall *wall = schedule->wall;
        usec_t now_usec = MIN(now->wall_usec, wall->mark_usec);

        wall->mark_usec = now_usec;
        wall->batch.active = false;
        for (unsigned i = 0; i < wall->n_calendars; i++)
                if (wall->calendars[i].from_usec > usec_add(now_usec, SHIFT_MAX))
                        wall->calendars[i].from_usec = 0;
        schedule_put_off(schedule, now, listener);
        wall_plan(schedule);
}

/* All that is known of it is from before the clock was set for the first time. */
static void begin_with_present(struct schedule *schedule, usec_t now_usec) {
        struct schedule_wall *wall = schedule->wall;

        wall->mark_usec = wall->high_usec = now_usec;
        wall->n_stretches = 0;
        wall->batch.active = false;
        wall_plan(schedule);
}

static void batch_begin(struct schedule *schedule, const struct schedule_now *now) {
        struct schedule_wall *wall = schedule->wall;
        struct wall_batch *batch = &wall->batch;
        usec_t delay = usec_add(schedule->splay_usec, schedule->jitter_usec);
        usec_t overdue = usec_sub(now->wall_usec, delay);
        struct schedule_due last = wall->next, second = wall_next(wall, last.due_usec);
        usec_t late = now->wall_usec - wall->fire_usec;
        unsigned unlimited = UINT32_MAX;

        if (second.due_usec <= overdue) {
                (void)last_until(wall, last.due_usec, overdue, &unlimited, &last);
                late = overdue - last.due_usec;
        }
        free(batch->taken);
        *batch = (struct wall_batch){
                .active = true,
                .regular = !now->start && late <= SCHEDULE_SLACK,
                .walking = true,
                .why = now->paused ? MISSED_PAUSED : now->why,
                .to_usec = last.due_usec,
                .bottom_usec = MAX(wall->high_usec, wall->next.due_usec - 1),
        };
        batch->n_wanted = schedule_wanted(schedule, now, batch->regular);
        batch->floor_usec = MAX(batch->bottom_usec, usec_sub(now->wall_usec, schedule->catch_up_within_usec));
        batch->cursor_usec = batch->regular ? batch->to_usec - 1 : batch->to_usec;
}

/* What is to be caught up, from the newest on. False: the budget is used up. */
static bool batch_walk(const struct schedule_wall *wall, struct wall_batch *batch, unsigned *budget) {
        struct schedule_due *taken;

        while (batch->n_taken < batch->n_wanted && batch->cursor_usec > batch->floor_usec) {
                struct schedule_due due;

                if (*budget == 0)
                        return false;
                if (!last_until(wall, batch->floor_usec, batch->cursor_usec, budget, &due))
                        break;
                if ((batch->n_taken & (batch->n_taken + 1)) == 0) { /* 1, 3, 7 … are used up */
                        taken = reallocarray(batch->taken, 2 * (size_t)batch->n_taken + 1, sizeof(*taken));
                        if (!taken)
                                break;
                        batch->taken = taken;
                }
                batch->taken[batch->n_taken++] = due;
                batch->cursor_usec = due.due_usec - 1;
        }
        return true;
}

/* The last that is missed for good: those behind it are caught up or run now. */
static usec_t missed_until(const struct wall_batch *batch) {
        if (batch->n_taken > 0)
                return batch->taken[batch->n_taken - 1].due_usec - 1;
        return batch->regular ? batch->to_usec - 1 : batch->to_usec;
}

/* False: the budget is used up. */
static bool batch_count(const struct schedule_wall *wall, struct wall_batch *batch, unsigned *budget) {
        usec_t until = missed_until(batch);
        unsigned unlimited = UINT32_MAX;

        while (batch->cursor_usec < until) {
                struct schedule_due due;

                if (*budget == 0)
                        return false;
                *budget -= MIN(*budget, wall->n_calendars);
                due = wall_next(wall, batch->cursor_usec);
                if (due.due_usec > until)
                        break;
                if (batch->n++ == 0) {
                        batch->first_usec = due.due_usec;
                        batch->trigger = due.trigger;
                }
                batch->last_usec = batch->cursor_usec = due.due_usec;
                if (batch->n < SCHEDULE_COUNT_MAX)
                        continue;
                batch->at_least = last_until(wall, batch->cursor_usec, until, &unlimited, &due);
                if (batch->at_least)
                        batch->last_usec = due.due_usec;
                break;
        }
        return true;
}

static void batch_finish(struct schedule *schedule, const struct schedule_now *now,
                         const struct schedule_listener *listener) {
        struct schedule_wall *wall = schedule->wall;
        struct wall_batch *batch = &wall->batch;
        _cleanup_(freep) struct schedule_due *taken = TAKE_PTR(batch->taken);
        unsigned before = stretch_at(wall, wall->next.due_usec);
        struct schedule_due regular = { .due_usec = batch->to_usec };
        bool is_regular = batch->regular && !wall_is_decided(wall, batch->to_usec);
        struct schedule_batch told = {
                .first_usec = batch->first_usec,
                .last_usec = batch->last_usec,
                .n = batch->n,
                .at_least = batch->at_least,
                .why = batch->why,
                .trigger = batch->trigger,
                .taken = taken,
                .n_taken = batch->n_taken,
                .regular = is_regular ? &regular : NULL,
                .told = batch->to_usec <= wall->high_usec,
        };
        usec_t from = batch->n_taken > 0 ? taken[batch->n_taken - 1].due_usec : batch->to_usec;

        if (is_regular)
                regular = wall_next(wall, batch->to_usec - 1);
        if (is_regular || batch->n_taken > 0)
                wall_decide(wall, from, batch->to_usec,
                            from == wall->next.due_usec && before > 0 &&
                                    wall->stretches[before - 1].to_usec >= wall->mark_usec);
        wall->mark_usec = batch->to_usec;
        wall->high_usec = MAX(wall->high_usec, wall->mark_usec);
        batch->active = false;
        wall_plan(schedule);
        schedule_settle(schedule, now, listener, &told);
}

bool wall_run(struct schedule *schedule, const struct schedule_now *now, const struct schedule_listener *listener,
              unsigned budget) {
        struct schedule_wall *wall = schedule->wall;
        struct wall_batch *batch = &wall->batch;

        if (now->wall_usec < wall->mark_usec || (batch->active && now->wall_usec < batch->to_usec))
                set_back(schedule, now, listener);
        if (wall->high_usec < now->epoch_usec && now->wall_usec >= now->epoch_usec)
                begin_with_present(schedule, now->wall_usec);
        while (wall->fire_usec <= now->wall_usec) {
                if (!batch->active)
                        batch_begin(schedule, now);
                if (batch->walking) {
                        if (!batch_walk(wall, batch, &budget))
                                return false;
                        batch->walking = false;
                        batch->cursor_usec = batch->bottom_usec;
                }
                if (!batch_count(wall, batch, &budget))
                        return false;
                batch_finish(schedule, now, listener);
        }
        return true;
}

/* ---- zones ---- */

static int64_t local_of(const struct zone *zone, usec_t usec) {
        struct zone_time time;

        zone_at(zone, (int64_t)(usec / USEC_PER_SEC), &time);
        return (int64_t)usec + (int64_t)time.offset_secs * (int64_t)USEC_PER_SEC;
}

int64_t wall_local_mark(const struct schedule_wall *wall, const struct wall_calendar *calendar) {
        return local_of(calendar->use.zone, MAX(wall->mark_usec, calendar->from_usec)) - (int64_t)wall->mark_usec;
}

/* The instant up to which the local times of @calendar are decided, when they are up to @local_usec. */
static usec_t decided_until(const struct schedule_wall *wall, const struct wall_calendar *calendar,
                            int64_t local_usec) {
        int64_t secs = local_usec / (int64_t)USEC_PER_SEC, utc[2];
        usec_t rest = (usec_t)(local_usec % (int64_t)USEC_PER_SEC);
        enum zone_local local = zone_resolve(calendar->use.zone, secs, utc);

        if (local == ZONE_GAP) /* where all of them come together: may one be left out, none comes twice */
                return (usec_t)utc[0] * USEC_PER_SEC;
        if ((usec_t)utc[0] * USEC_PER_SEC + rest == wall->mark_usec)
                return wall->mark_usec;
        return (usec_t)utc[1] * USEC_PER_SEC + rest;
}

/* Local times that come again are left out, each calendar for itself. Those that never come now, because the new rules
 * pass them over, lie before the mark: it goes back for them. */
void wall_shift(struct schedule_wall *wall, const int64_t *local_marks) {
        usec_t mark = wall->mark_usec;
        bool may_go_back = wall->mark_usec == wall->high_usec;

        for (unsigned i = 0; i < wall->n_calendars; i++) {
                struct wall_calendar *calendar = &wall->calendars[i];
                usec_t until = decided_until(wall, calendar, (int64_t)wall->mark_usec + local_marks[i]);

                calendar->from_usec = until > wall->mark_usec || (until < wall->mark_usec && may_go_back) ? until : 0;
                if (calendar->from_usec > 0)
                        mark = MIN(mark, until);
        }
        if (mark == wall->mark_usec)
                return;
        for (unsigned i = 0; i < wall->n_calendars; i++)
                if (wall->calendars[i].from_usec == 0)
                        wall->calendars[i].from_usec = wall->mark_usec;
        wall->mark_usec = wall->high_usec = mark;
        while (wall->n_stretches > 0 && wall->stretches[wall->n_stretches - 1].from_usec > mark)
                wall->n_stretches--;
        if (wall->n_stretches > 0)
                wall->stretches[wall->n_stretches - 1].to_usec =
                        MIN(wall->stretches[wall->n_stretches - 1].to_usec, mark);
}

void schedule_set_zone(struct schedule *schedule, size_t index, struct zone *zone, const struct schedule_now *now) {
        struct schedule_wall *wall = schedule->wall;
        _cleanup_(freep) int64_t *marks = calloc(wall->n_calendars, sizeof(*marks));

        if (now->wall_usec > wall->mark_usec && wall->next.due_usec > now->wall_usec) {
                wall->mark_usec = now->wall_usec; /* so near to what changes as can be */
                wall->high_usec = MAX(wall->high_usec, wall->mark_usec);
        }
        for (unsigned i = 0; marks && i < wall->n_calendars; i++)
                marks[i] = wall_local_mark(wall, &wall->calendars[i]);
        (void)zone_ref(zone);
        zone_unref(wall->calendars[index].use.zone);
        wall->calendars[index].use.zone = zone;
        wall->batch.active = false;
        if (marks)
                wall_shift(wall, marks);
        schedule_replan(schedule);
}
