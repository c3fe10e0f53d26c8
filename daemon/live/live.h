/* SPDX-License-Identifier: MIT */
#pragma once
/* live: what the loaded configuration has become at run time.
 *
 * One entry for each task: its trigger, its overlap slot, its counters, its last result. It starts runs (by trigger, as
 * hook, for an operator), binds tasks to limits and pools, and turns what the run tree tells into events, which are
 * logged and told to observers.
 */
#include "config/config.h"
#include "live/event.h"
#include "run/run.h"
#include "when/trigger.h"

struct live;
struct live_task;
struct pool;
struct store;

struct live_options {
        struct loop *loop;
        const char *notify_dir;      /* for the notify sockets of runs; NULL: they get none */
        const char *socket;          /* where this daemon is asked, told to runs; NULL: nowhere */
        struct store *store;         /* NULL: nothing is remembered; outlives the live */
        bool shared;                 /* others may be at work with the same directory */
        const char *tag;             /* names this daemon and those after it, in control groups and environments; NULL:
                                      * runs get no groups, and leftovers of an earlier daemon are not looked for */
        usec_t alive_usec;           /* realtime: when an earlier daemon was alive for the last time; 0: not known */
        bool triggers;               /* false: only what is asked for runs (--once) */
        void (*on_empty)(void *arg); /* the run tree is empty */
        /* A critical service has failed for good. May be NULL; must not change the tree. */
        void (*on_critical)(const struct result *result, void *arg);
        void *arg;
};

/* Goes live with @config (a reference is taken): pools and limits are made, tasks bound, triggers armed, `on-start` tasks
 * started. Returns 0, -ENOMEM, -errno. */
int live_new(const struct live_options *options, struct config *config, struct live **ret);
struct live *live_free(struct live *live);
DEFINE_CLEANUP(struct live, live_free)

struct run_tree *live_tree(const struct live *live);
struct loop *live_loop(const struct live *live);
struct spawner *live_spawner(const struct live *live); /* whose children are the processes of runs */

/* Opens the files that output goes to anew by their paths. */
void live_reopen_files(struct live *live);

/* Waits, at most @timeout_usec, until what was printed is in these files. */
void live_flush_files(struct live *live, usec_t timeout_usec);

/* Has calendars follow what becomes of the files of their time zones. Returns 0, -ENOMEM, -errno. */
int live_zones_follow(struct live *live);

/* No trigger fires any more. */
void live_stop_triggers(struct live *live);

/* Nothing new begins: what is due is told as not run, and nobody starts anything; hooks run, what is at work goes on to its
 * end, and services are kept up, with what tells their health. */
void live_close(struct live *live);

/* Fills @ret with at most @n of the runs that have not ended and will by themselves: all but services, what tells their
 * health, and members in the background. Returns how many these are; 0: the daemon is idle. */
size_t live_find_busy(const struct live *live, struct run **ret, size_t n);

/* ---- tasks ---- */

/* By name, or NULL. */
struct live_task *live_find(const struct live *live, const char *name);
/* The same of those that no configuration has, while runs of them live: @name may be a pattern. */
struct live_task *live_find_gone(const struct live *live, const char *name);
/* Of either kind. */
struct live_task *live_find_any(const struct live *live, const char *name);
/* In the order of their names; @index < live_n_tasks(). */
size_t live_n_tasks(const struct live *live);
struct live_task *live_task_at(const struct live *live, size_t index);

const struct task *live_task_task(const struct live_task *task);
struct result *live_task_last(const struct live_task *task); /* of its last run, also as a member; NULL: none yet */
uint64_t live_task_count(const struct live_task *task, enum outcome outcome); /* top-level runs since the start */
unsigned live_task_running(const struct live_task *task);        /* top-level runs that live, members at work */
unsigned live_task_failures(const struct live_task *task);       /* in a row, up to now */
uint64_t live_task_skipped(const struct live_task *task);        /* firings that were not followed */
const char *live_task_skip_reason(const struct live_task *task); /* of the last one, or NULL */
usec_t live_task_last_ok(const struct live_task *task);          /* realtime; 0: not since the start */

/* How long it takes: a mean of its runs that were ok, of which each moves it by a quarter of what it differs; after a start of
 * the daemon begun with the last run. 0: none was ok, or it is a service. */
usec_t live_task_usual(const struct live_task *task);

/* The daemon is starting, or ends what an earlier one left behind: what starts it by time does not yet. */
bool live_task_is_starting(const struct live_task *task);

/* When it is started next by time, jitter and splay included; realtime; USEC_INFINITY: nothing is due. */
usec_t live_task_next(const struct live_task *task);

struct live_due {
        usec_t due_usec;     /* realtime */
        usec_t at_usec;      /* when it is started: splay included, and of the first jitter too */
        const char *trigger; /* "every", "calendar", "cron" */
};

/* The next @n occurrences of the task, the first first, as if it were not paused. Returns how many there are. */
unsigned live_next_occurrences(const struct live_task *task, struct live_due *ret, unsigned n);

/* The last time it was due; 0: never. @ret_what is what became of it, a sentence's part, or NULL; lives until the task
 * changes. */
usec_t live_task_last_due(const struct live_task *task, const char **ret_what);

/* While a task is paused its triggers are not followed; operators, hooks and groups start it all the same. Returns 0,
 * -EALREADY, -ENOMEM. @by is copied. */
int live_pause(struct live_task *task, const char *by);
int live_resume(struct live_task *task, const char *by); /* 0, or -EALREADY: it is not paused */
/* NULL: neither it nor all are paused. @ret_usec: since when, realtime; may be NULL. */
const char *live_task_paused_by(const struct live_task *task, usec_t *ret_usec);

/* Not only because all are. */
bool live_task_is_paused_itself(const struct live_task *task);

/* No trigger of any task is followed, also of those that come later. Returns 0, -EALREADY, -ENOMEM. @by is copied. */
int live_pause_all(struct live *live, const char *by);
int live_resume_all(struct live *live, const char *by);
const char *live_paused_by(const struct live *live, usec_t *ret_usec); /* as live_task_paused_by() */

/* The limit of this name, also when a reload makes it anew, grants nothing until it is resumed. Returns 0, -EALREADY, -ENOENT,
 * -ENOMEM; one that is paused may be resumed when there is no such limit any more. */
int live_pause_limit(struct live *live, const char *name, const char *by);
int live_resume_limit(struct live *live, const char *name, const char *by);
/* The names of those that are paused, who did it, and since when; NULL behind the last. */
size_t live_n_limit_pauses(const struct live *live);
const char *live_limit_pause_at(const struct live *live, size_t index, const char **ret_by, usec_t *ret_usec);

/* A fan-out is failing when one of its items is, or when it failed by itself: its source could not be read, or its own bound
 * fired. */
bool live_task_is_failing(const struct live_task *task);

/* No run of it was ok for stale-after. */
bool live_task_is_stale(const struct live_task *task);
/* When it is, or has become so; realtime. USEC_INFINITY: it has no stale-after. */
usec_t live_task_stale_at(const struct live_task *task);

/* Items of a fan-out that have failed as often in a row as failing-after says. */
#define LIVE_ITEMS_MAX 10000 /* so many of those that have failed are kept track of */

struct live_item_counts {
        uint64_t failing;
        uint64_t newly_failing; /* since the last run but one */
        uint64_t recovered;     /* with the last run */
        uint64_t untracked; /* more of the last run's items have failed, and nobody knows whether for the first time */
        uint64_t total;     /* items of the last run; 0: none since the start */
};

void live_task_count_items(const struct live_task *task, struct live_item_counts *ret);

struct live_item {
        const char *item;      /* as its source gave it: it may contain a password */
        usec_t since_usec;     /* realtime; of the first of the failures in a row */
        unsigned failures;     /* in a row, up to when it became failing */
        enum error_kind error; /* the last; ERROR_NONE: not since the start */
};

/* Fills @ret with at most @n failing items in the order of their texts, from the @skip-th on, and returns how many these are. They
 * live until a run of the task ends. */
size_t live_task_failing_items(const struct live_task *task, size_t skip, struct live_item *ret, size_t n);

/* What keeps its watch from seeing at once what arrives, a sentence; NULL: nothing. Valid until the next turn. */
const char *live_task_watch_trouble(const struct live_task *task);
bool live_task_is_slow(const struct live_task *task);
/* Of its runs that are at work and have slow-after the one that began first, or NULL. */
const struct run *live_task_longest(const struct live_task *task);

/* In a word: disabled, running, failing, paused, idle; of services also stopped, gave-up, and what live_service_run_state()
 * says. */
const char *live_task_state(const struct live_task *task);

/* How an operator starts a task, or a program does. */
struct live_start {
        const char *by;   /* "uid 0, pid 12" */
        struct run *host; /* the job whose process he is, see run_start; or NULL */
        struct result
                *resume; /* of a group, but no service: how one of its runs ended, of which only what was not ok is run;
                                * a reference is taken. NULL: all of it is */
};

/* Starts a run, which waits for overlap like a member does. A service that an operator had stopped in its group, or that has
 * ended while its group goes on, is brought back there. Returns 0, -ENOMEM, -ESHUTDOWN once it is closed, unless it has a host, -ECANCELED when the task is disabled,
 * -EALREADY when it is a service that is up: @ret is its run; or what run_tree_start() says. */
int live_start_as(struct live_task *task, const struct live_start *how, struct run **ret);
/* The same for somebody outside, all of it. */
int live_start(struct live_task *task, const char *by, struct run **ret);

#define LIVE_TRANSIENTS_MAX      4096                         /* tasks of this kind at once */
#define LIVE_TRANSIENTS_SIZE_MAX ((size_t)(64 * 1024 * 1024)) /* bytes of the words of all */

/* Starts a run of @task, which has a transient part, and which no configuration has: a run holds the only reference that
 * matters to it. Several of one name live side by side, and number their runs together. Returns as live_start_as();
 * -EEXIST when a task of the configuration, or one that was there before, is called so; -ENOBUFS when there are too many of
 * them, or their words are too many; -ENOENT when there is no limit @ret_limit, a name in @task, -ERANGE when that has not so many permits. */
int live_start_transient(struct live *live, struct task *task, const struct live_start *how, const char **ret_limit,
                         struct run **ret);

/* Runs were interrupted, which is not told yet, as what is left of them is still being ended. */
bool live_has_untold(const struct live *live);

/* ---- runs ---- */

/* Whether it is at work for longer than its slow-after. */
bool live_run_is_slow(const struct run *run);

/* Stops @run for an operator: a service that is a member of a group is kept down in its place, any other run is cancelled;
 * a service stays down until it is started. With @force without grace. Returns 0, -EALREADY when it is done. */
int live_stop(struct run *run, const char *by, bool force);

/* As run_restart(), for an operator. */
int live_restart(struct run *run, const char *by);

/* Of a run of a service or of a group that counts as one: waiting, starting, up, restarting, stopping, stopped; of a
 * group also partly-up. */
const char *live_service_run_state(const struct run *run);

/* The run that the service, or group that counts as one, has at present, or NULL. */
struct run *live_service_run(const struct live_task *task);

/* Who stopped the service, and when (realtime); NULL: nobody. @ret_usec may be NULL. */
const char *live_task_stopped_by(const struct live_task *task, usec_t *ret_usec);

/* ---- limits ---- */

/* Of the present configuration, by name, or NULL. */
struct limit *live_find_limit(const struct live *live, const char *name);

/* Puts other numbers in force than the configured ones, to which NULL goes back, until a reload changes the section. Returns 0,
 * -ENOENT, -EINVAL. */
int live_set_limit(struct live *live, const char *name, const struct limit_config *config);

/* Those of the configuration, by number. */
size_t live_n_limits(const struct live *live);
struct limit *live_limit_at(const struct live *live, size_t index);

/* ---- pools ---- */

/* The same; of @numbers the three are taken. */
int live_set_pool(struct live *live, const char *name, const struct pool_section *numbers);
/* NULL: what is configured is in force. */
const struct pool_section *live_pool_configured(const struct live *live, const struct pool *pool);

size_t live_n_pools(const struct live *live);
struct pool *live_pool_at(const struct live *live, size_t index);

/* ---- events ---- */

struct live_observer;
typedef void (*live_event_fn)(const struct event *event, void *arg);

/* Tells @fn of every event from now on, inside the turn in which it happens; @fn must not change the run tree. */
int live_observe(struct live *live, live_event_fn fn, void *arg, struct live_observer **ret);
struct live_observer *live_unobserve(struct live_observer *observer);

/* Logs @event and tells the observers. */
#define live_emit(live, ...) live_emit_at(live, LOG_HERE, __VA_ARGS__)
void live_emit_at(struct live *live, struct log_place place, const struct event *event);

/* ---- what is remembered ---- */

/* Calls @fn in a later turn: 0, all that happened before will outlive the daemon; -EIO, the store is degraded; -ETIMEDOUT,
 * nobody waits for the disk any longer than STORE_SYNC_MAX. Without a store that is 0. Returns 0; -ENOMEM, and @fn is not
 * called. */
struct live_sync;
typedef void (*live_synced_fn)(int result, void *arg);
int live_sync(struct live *live, live_synced_fn fn, void *arg, struct live_sync **ret);
void live_sync_cancel(struct live_sync *sync); /* before it was called; takes NULL */

/* NULL: nothing is remembered. */
struct store *live_store(const struct live *live);

/* The store does not have what was put: puts the present state of all runs and items again; that of tasks follows in
 * slices, as long as the store is well. */
void live_put_anew(struct live *live);
/* The store could not be read when the daemon began, and could be now: what it had is added to what is so at present. */
void live_store_late(struct live *live);
/* The store is about to write what was put: puts the state of tasks that belongs with it. */
void live_store_hand_over(struct live *live);
/* The store is well again. */
void live_store_recovered(struct live *live);

/* Puts what is still to be put, before the store is closed. */
void live_memory_flush(struct live *live);

/* Hooks that were not started because too many wait. */
uint64_t live_hooks_dropped(const struct live *live);
/* When one was dropped last, realtime; 0: none was. */
usec_t live_hooks_dropped_usec(const struct live *live);
