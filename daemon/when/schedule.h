/* SPDX-License-Identifier: MIT */
#pragma once
/* schedule: when one task is due, what of that has been decided, and what is still to be caught up. Pure.
 *
 * The owner tells what time it is and whether the task is paused, and is told what to start, and what is not run and why.
 * An occurrence is decided once: it is either fired, or told as missed. What the schedule must remember for that to hold
 * across restarts is asked for with schedule_save() and given back with schedule_restore().
 */
#include "when/calendar.h"

#include <stddef.h>

/* Later than this, what is due was missed, and `catch-up` says what becomes of it. */
#define SCHEDULE_SLACK (1 * USEC_PER_MINUTE)

/* Missed occurrences are counted one by one up to so many; a row of more is told as "at least". */
#define SCHEDULE_COUNT_MAX 1000000

enum catch_up {
        CATCH_UP_LATEST,
        CATCH_UP_NONE,
        CATCH_UP_ALL,
        _CATCH_UP_MAX,
};

/* Why something was not run at its time. */
enum missed_why {
        MISSED_DOWN,   /* the daemon was not running */
        MISSED_ASLEEP, /* nor was the machine */
        MISSED_CLOCK,  /* the clock was set past it */
        MISSED_LATE,   /* the loop came too late */
        MISSED_PAUSED,
        MISSED_SUPERSEDED, /* a later occurrence came before it was caught up */
        MISSED_TOO_OLD,    /* catch-up-within was over before its turn came */
        MISSED_CROWDED,    /* as many as catch-up-max waited already */
        MISSED_CHANGED,    /* it waited to be caught up, and then its triggers, or `catch-up`, became others, or it has
                            * none any more */
        _MISSED_WHY_MAX,
};

/* As it is kept in the history: "down", "asleep", … */
const char *missed_why_to_string(enum missed_why why);

struct schedule_calendar {
        const struct calendar *calendar; /* outlives the schedule */
        struct zone *zone;               /* a reference is taken */
        const char *trigger;             /* "calendar" or "cron"; a literal */
        bool own_zone;                   /* it is the machine's own, whatever its name */
};

struct schedule_config {
        usec_t every_usec; /* 0: no such trigger */
        bool from_end;
        const struct schedule_calendar *calendars; /* copied */
        size_t n_calendars;
        usec_t splay_usec;  /* of this machine: every_splay() */
        usec_t jitter_usec; /* at most */
        enum catch_up catch_up;
        unsigned catch_up_max;
        usec_t catch_up_within_usec;
        uint64_t *random; /* state for jitter; outlives the schedule */
};

/* What time it is, and how things are. */
struct schedule_now {
        usec_t wall_usec;
        usec_t boot_usec;
        usec_t epoch_usec;   /* a wall clock that shows less was never set: nothing can be told by it */
        bool start;          /* the owner was not there before: whatever is due by now was missed */
        bool paused;         /* what is due is not to be run, nor caught up */
        enum missed_why why; /* what is late is so because of this */
};

/* An occurrence, as the owner is told it. */
struct schedule_due {
        usec_t due_usec;     /* realtime, without splay and jitter */
        const char *trigger; /* "every", or of its calendar; a literal */
};

/* Occurrences of one trigger that are not run. */
struct schedule_missed {
        usec_t first_usec; /* realtime */
        usec_t last_usec;
        uint64_t n;
        const char *trigger;
        enum missed_why why;
        const char *detail; /* a literal sentence, or NULL */
};

/* Called from inside schedule_run() and its like. They may call schedule_run_ended() and schedule_save(), nothing else. */
struct schedule_listener {
        void (*fire)(const struct schedule_due *due, void *arg);
        void (*missed)(const struct schedule_missed *missed, void *arg);
        /* An occurrence that had been told as missed is decided anew, because the clock was set back. */
        void (*not_missed)(usec_t due_usec, void *arg);
        void *arg;
};

/* An occurrence that waits to be caught up. */
struct schedule_backlog {
        unsigned first, n, room;
        struct schedule_due items[]; /* the oldest first */
};

struct schedule_wall;

struct schedule {
        usec_t every_usec;
        int64_t anchor_usec; /* boot time: the last due time that was decided, or what the first counts from */
        usec_t fire_usec;    /* boot time: when the next one fires; USEC_INFINITY: none is planned */
        usec_t splay_usec;
        usec_t jitter_usec;
        usec_t catch_up_within_usec;
        uint64_t *random;
        struct schedule_wall *wall;       /* calendars, or NULL */
        struct schedule_backlog *backlog; /* NULL: nothing waits */
        unsigned catch_up_max;
        enum catch_up catch_up : 8;
        bool from_end : 1;
        bool armed : 1;
        bool begun : 1;      /* was armed at some time: there is something to remember */
        bool awaits_end : 1; /* of the run that counts with from_end */
        bool catching : 1;   /* one that was taken is at work */
        bool changed : 1;    /* restored with other triggers: what waits may be due no more */
        bool every_changed : 1;
};

/* Not armed. Returns 0 or -ENOMEM. */
int schedule_init(struct schedule *schedule, const struct schedule_config *config);
void schedule_done(struct schedule *schedule); /* harmless on a zeroed one */

/* ---- what is remembered ---- */

#define SCHEDULE_DIGEST_MAX 17 /* with the NUL */

struct schedule_memory {
        const char *digest;       /* of the triggers that this belongs to */
        usec_t anchor_usec;       /* of `every`: wall time … */
        const char *boot_id;      /* … and the boot in which … */
        int64_t anchor_boot_usec; /* … it was this */
        usec_t accounted_usec;    /* calendars: each occurrence up to here is decided */
        const char *fired;        /* what else there is to know; NULL: nothing */
};

/* What tells these triggers from others: `every`, and then the calendars. Splay, jitter, catch-up and which zone is the
 * machine's own have no part in it. Returns @buf. */
const char *schedule_digest(const struct schedule *schedule, char buf[SCHEDULE_DIGEST_MAX]);

/* Fills all of @ret but the digest and the boot id. @buf is where `fired` is written: it is made larger with realloc()
 * as needed and stays the caller's. Returns 0, or -ENOMEM, when `fired` is left out. */
int schedule_save(const struct schedule *schedule, const struct schedule_now *now, struct schedule_memory *ret,
                  char **buf, size_t *size);

/* Arms with what was saved. Each trigger that is not what it was begins as that of a task that is seen for the first time,
 * which has missed nothing. With now->start, a run that was at work then has ended, else it still is. What came due
 * meanwhile, and what waits to be caught up and is not to be any more, is told by the next schedule_run(). Returns 0 or
 * -ENOMEM. */
int schedule_restore(struct schedule *schedule, const struct schedule_memory *memory, const char *boot_id,
                     const struct schedule_now *now);

/* What was saved with @fired belongs to a task that is gone, or has no triggers any more: what waited to be caught up is
 * told as missed, MISSED_CHANGED for @detail, a literal. */
void schedule_give_up_saved(const char *fired, const struct schedule_listener *listener, const char *detail);
/* Whether that has anything to tell. @fired may be NULL. */
bool schedule_has_saved_backlog(const char *fired);

/* After that: there was a run for @due, whatever was saved; and so all before it was decided. */
void schedule_mark_fired(struct schedule *schedule, const struct schedule_due *due, const struct schedule_now *now);

/* ---- its life ---- */

/* Arms as a task that is seen for the first time; `every` counts from now. */
void schedule_arm(struct schedule *schedule, const struct schedule_now *now);
/* Decides nothing any more. What it remembers may still be saved. */
void schedule_disarm(struct schedule *schedule);

/* When schedule_run() is to be called again: boot time, and realtime; USEC_INFINITY: never. */
usec_t schedule_wake_boot(const struct schedule *schedule);
usec_t schedule_wake_wall(const struct schedule *schedule);

/* Decides what is due; also to be called after the clock was set. Evaluates calendars some @budget times. False: it is not
 * through, and is to be called again soon. */
bool schedule_run(struct schedule *schedule, const struct schedule_now *now, const struct schedule_listener *listener,
                  unsigned budget);

/* A run of the task has ended, whoever started it, or none was started though `every` was due: with from_end, counts from
 * now. Also when it is disarmed, at the daemon's end: the next one counts from there. */
void schedule_run_ended(struct schedule *schedule, const struct schedule_now *now);

/* Something waits to be caught up, and nothing of this task is being caught up. */
static inline bool schedule_has_backlog(const struct schedule *schedule) {
        return schedule->backlog && schedule->backlog->n > 0 && !schedule->catching;
}

/* Takes the oldest that waits, to be started. False: all that waited was too old, and was told so. */
bool schedule_take(struct schedule *schedule, const struct schedule_now *now, const struct schedule_listener *listener,
                   struct schedule_due *ret);
/* What was taken is no longer at work. */
void schedule_taken_ended(struct schedule *schedule);

/* The zone of calendar @index is another one from now on, under the same name. Local times that were decided are not due
 * again, those that are passed over now were missed. Takes a reference. */
void schedule_set_zone(struct schedule *schedule, size_t index, struct zone *zone, const struct schedule_now *now);

/* ---- what is due ---- */

struct schedule_cursor {
        usec_t after_usec;  /* realtime */
        int64_t every_usec; /* boot time */
};

/* Each call tells the next occurrence later than the one before; realtime. False: there are no more. @ret_at_usec: when it
 * fires, the jitter of the first included. */
void schedule_cursor_init(const struct schedule *schedule, struct schedule_cursor *ret);
bool schedule_cursor_next(const struct schedule *schedule, struct schedule_cursor *cursor,
                          const struct schedule_now *now, struct schedule_due *ret, usec_t *ret_at_usec);
