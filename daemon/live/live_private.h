/* SPDX-License-Identifier: MIT */
#pragma once
/* live_private: what the files of live/ share. */
#include "live/live.h"

#include "loop/child.h"
#include "loop/watch.h"
#include "store/store.h"
#include "task/http_engine.h"
#include "task/kind.h"
#include "task/resolve.h"
#include "task/trust.h"

#include <sys/utsname.h>

/* Failed items of a fan-out are told at most so often. */
#define ITEM_EVENTS_BURST  20
#define ITEM_EVENTS_PERIOD USEC_PER_MINUTE

/* An operator wants the task not to be started by triggers. */
struct live_pause {
        usec_t since_usec; /* realtime */
        char by[];
};

struct live_task {
        struct live *live;
        struct task *task; /* as the present configuration has it, or the last one that had it */
        struct task *held; /* once it is gone: `task`, while runs of earlier ones refer to this, too; or NULL */
        unsigned n_bound;  /* tasks, of this and of earlier configurations, that refer to it */
        bool gone;         /* in live->gone: no configuration has it any more, but there are runs of it */
        bool unarmed;      /* its triggers are still to be armed, see startup.c */
        bool unstarted;    /* it is still to be started, as it starts with the daemon */
        struct list noted; /* in live->memory.noted */
        struct overlap overlap;
        struct trigger trigger;
        struct live_pause *pause;       /* NULL: it is not paused */
        usec_t last_due_usec;           /* realtime; of the last occurrence that was run or accounted for; 0: none */
        uint64_t last_due_number;       /* of the run that it became; 0: */
        char *last_due_what;            /* what became of it, for people; or NULL */
        struct live_catch_up *catch_up; /* NULL: nothing waits to be caught up */
        struct result *last;
        struct run *waiting; /* the run that the trigger started and that still waits for its slot */
        uint64_t number;     /* of the last run */
        uint64_t counts[_OUTCOME_MAX];
        uint64_t skipped;
        char *skip_reason;
        usec_t last_ok_usec;
        usec_t first_seen_usec;   /* realtime; 0: nothing is remembered of tasks */
        usec_t items_window_usec; /* monotonic; since when failed items are counted */
        unsigned items_told;
        unsigned running;
        unsigned failures;
        unsigned
                broken; /* of a fan-out: so many of these runs, the last ones, failed by themselves, not by their items */
        bool failing;
        bool begins_anew;               /* the store knows other triggers of it than it has, until it is armed */
        float usual_usec;               /* see live_task_usual(); 0: not known. It fits where a usec_t would not */
        struct live_stale *stale;       /* of tasks with stale-after; else NULL */
        struct live_items *items;       /* of fan-outs with items that have failed; else NULL */
        struct watch *watch;            /* NULL: it has none, or triggers have ended */
        struct slow_watch *slow;        /* its runs that are at work, if it has slow-after */
        struct live_service *service;   /* of services, and of groups that count as one; else NULL */
        struct live_service *health_of; /* the service whose health it tells, or NULL */
};

/* What only services have. */
struct live_service {
        struct list touched; /* in live->touched */
        struct live_task *entry;
        struct run *run;         /* the youngest of its runs that live, or NULL */
        char *stopped_by;        /* the operator who wants it down, or NULL */
        usec_t stopped_usec;     /* realtime */
        struct live_task *check; /* tells its health, or NULL */
        uint64_t checked;        /* the attempt that is being checked; 0: none */
        bool taken_over;         /* a group has it by now: runs of it alone end */
        bool left_alone;         /* the group that had it has ended, and has it no more */
        bool held_off;           /* on-start would have started it, were it not for a pause */
};

/* A pool, which lives as long as a configuration has it, or a task that may have work for it. */
struct live_pool {
        struct list link; /* in live->all_pools */
        struct pool *pool;
        unsigned n_ref;
};

/* What tasks of @config are bound to. */
struct live_binding {
        const struct config *config;
        struct limit **limits;
        struct live_pool **pools;
};

struct live_observer {
        struct list link;
        live_event_fn fn;
        void *arg;
};

/* When somebody looked at the clocks last. */
struct live_clocks {
        usec_t monotonic_usec; /* 0: nobody did */
        usec_t boot_usec;
        usec_t wall_usec;
        enum missed_why why; /* what is late at present is so because of this … */
        usec_t until_usec;   /* … until then, monotonic */
        usec_t gap_usec;     /* how long the machine slept, or how far the clock jumped; 0: neither */
};

/* What goes to the store. */
struct live_memory {
        struct store *store;      /* NULL: nothing is remembered, and the rest is not used */
        struct list noted;        /* tasks of which something has changed */
        size_t rest;              /* tasks from here on are to be put in slices: */
        bool anew;                /* all of them, not only those that were seen for the first time */
        bool trimmed;             /* what starting took is given back */
        unsigned sliced;          /* tasks of this slice that were put */
        struct store_sync *slice; /* the last one is on its way to the file, or NULL */
        usec_t since_usec;        /* realtime: when all that were new were seen */
        struct loop_work work;    /* puts what was noted, and asks for what held runs wait for */
        struct store_sync *sync;  /* under way, or NULL: */
        uint64_t syncing;         /* runs held up to here may begin when it is done */
        bool closed;              /* they may not yet */
        char boot_id[40];
};

/* What the daemon's start still has to do, see startup.c. */
struct live_startup {
        struct loop_work work;
        size_t next;              /* index in tasks */
        bool armed;               /* all are, and are started now */
        unsigned noted;           /* tasks of this slice that something was put of */
        struct store_sync *slice; /* it is on its way to the file, or NULL */
};

struct live {
        struct loop *loop;
        struct config *config;
        struct run_tree *tree;
        struct live_task **tasks; /* in the order of config->tasks */
        size_t n_tasks;
        struct limit **limits;    /* in the order of config->limits */
        struct live_pool **pools; /* in the order of config->pools */
        struct list all_pools;
        struct live_task **gone; /* tasks that earlier configurations had, of which there are runs */
        size_t n_gone;
        size_t n_transients;   /* tasks that were bound to run once */
        size_t transient_size; /* of these, bytes of words */
        uint64_t number_floor; /* runs of a name that is not known begin behind it */
        size_t n_forgotten;
        void *forgotten;     /* what is remembered of tasks that are gone without runs, see restore.c */
        bool follows_zones;  /* see live_zones_follow() */
        uint64_t generation; /* configurations so far */
        struct task_env env;
        char **environ;              /* of children */
        char *tag;                   /* see live_options; may be NULL */
        char *socket;                /* TENDD_SOCKET=…, for children; or NULL */
        struct cgroup_tree *cgroups; /* the spawner's, or NULL */
        struct list observers;
        struct live_startup startup;
        struct list dropped;      /* what waited of tasks that cannot any more, see dropped.c */
        struct live_pause *pause; /* of all triggers; NULL: they are not paused */
        struct list limit_pauses;
        struct loop_work resume_work; /* tasks are taken up again: */
        size_t resume_next;           /* index in tasks */
        struct loop_work go_work;
        struct loop_work touch_work; /* services of which something is to be done */
        struct list touched;
        struct live_memory memory;
        struct live_interrupted *interrupted; /* NULL: none, or they are told */
        struct live_leftovers *leftovers;     /* NULL: none were looked for */
        usec_t alive_usec;                    /* see live_options */
        void (*on_empty)(void *arg);
        void (*on_critical)(const struct result *result, void *arg);
        void *arg;
        uint64_t random;
        unsigned n_hooks;
        uint64_t hooks_dropped;
        usec_t hooks_dropped_usec; /* realtime, of the last one */

        struct live_clocks clocks;
        int64_t wall_less_boot_usec;
        struct loop_work check_work; /* triggers that look again, because the clock was set */
        size_t check_next;           /* index in tasks */
        struct watcher *watcher;     /* see live_watcher(); NULL: not needed yet */
        struct live_zones *zones;    /* NULL: they are not followed */
        struct list catch_ups;       /* tasks that have something to be caught up */
        struct loop_work catch_up_work;
        struct loop_timer catch_up_timer; /* until catch-up-delay is over */
        unsigned catching_up;             /* tasks at work on it */
        bool catch_up_open;
        bool starting; /* what is due by now was so while there was no daemon */
        bool closed;   /* see live_close() */
        bool triggers;

        /* What live_schedule_save() gives out. */
        char machine_id[64];
        struct utsname host;
        char boot_id[64];
        char *saved;
        size_t saved_size;
        char saved_digest[SCHEDULE_DIGEST_MAX];
        char last_due_what[160];
};

/* ---- live.c ---- */
/* An entry for @task, which is not bound yet. NULL: out of memory. */
struct live_task *live_task_new(struct live *live, struct task *task);
void live_task_free(struct live_task *entry);
/* Has @task refer to @entry, which is not freed before it. Returns 0 or -ENOMEM. */
int live_bind(struct live_task *entry, struct task *task, const struct live_binding *binding);
/* What tasks are bound to at present. */
struct live_binding live_binding(const struct live *live);
/* By name, or NULL. */
struct live_pool *live_find_pool(const struct live *live, const char *name);
/* With one reference. Returns 0, -EINVAL, -ENOMEM, -errno. */
int live_pool_new(struct live *live, const struct pool_section *section, struct live_pool **ret);
struct live_pool *live_pool_unref(struct live_pool *pool); /* takes NULL */
/* The one watcher, for all who have something to watch; live_free() frees it when they are done. Returns 0, -ENOMEM, -errno. */
int live_watcher(struct live *live, struct watcher **ret);

/* ---- env.c ---- */
/* Makes what kinds work with: spawner, resolver, and the HTTP engine when a task needs it. Returns 0 or -errno. */
int live_env_init(struct live *live, const struct live_options *options);
/* Makes what the tasks of @config need besides. Returns 0 or -errno. */
int live_env_reload(struct live *live, const struct config *config);
void live_env_done(struct live *live);

/* ---- cgroups.c ---- */
/* Has the spawner put runs in control groups, as [daemon] cgroup says; warns of bounds that cannot be kept. Returns 0, or
 * -errno, told, when a directory was named that is none for this. */
int live_use_cgroups(struct live *live, const char *tag);

/* ---- start.c ---- */
/* The task is due by @trigger (a word: "every", "calendar", "watch" …) at @due_usec, realtime: starts a run, unless it is
 * paused, stopped, or `overlap` says otherwise, which is then accounted for. The run begins once the store has it. */
void live_fire(struct live_task *entry, const char *trigger, usec_t due_usec);
/* What is due is not followed: accounts for it and tells of it. @word is for the history, @text for people. */
void live_skip(struct live_task *entry, const struct schedule_due *due, const char *word, const char *text);
/* The same, because live_start_due() returned @error. */
void live_skip_failed(struct live_task *entry, const struct schedule_due *due, int error);
/* Starts a run, whatever the overlap. Returns 0, -ENOMEM, -ESHUTDOWN. */
int live_start_due(struct live_task *entry, const char *trigger, usec_t due_usec, struct run **ret);
/* Starts a run of @task, which refers to @entry and need not be the one that this has at present. Returns what
 * run_tree_start() does. */
int live_start_task(struct live_task *entry, const struct task *task, const struct live_start *how, struct run **ret);
/* The same for a run that was interrupted; @was: of a group that resumes it, else NULL. */
int live_start_again(struct live_task *entry, usec_t due_usec, struct result *was);
/* Whether a run that a trigger started waits for its slot, and nobody else's turn comes before. */
bool live_is_waiting(const struct live_task *entry);
/* Counts a firing that was not followed, or whose run was skipped while it waited. */
void live_count_skip(struct live_task *entry, const char *reason);

/* ---- schedule.c ---- */
/* Before anything is restored: makes what keeps track of time triggers. Returns 0, -ENOMEM, -errno. */
int live_schedules_init(struct live *live);
void live_schedules_done(struct live *live);
/* One task's part of live_schedules_init(), of its end, and of what startup.c does. */
int live_schedule_add(struct live_task *entry);
void live_schedule_remove(struct live_task *entry);
void live_schedule_begin(struct live_task *entry);
/* What waits to be caught up is told as missed for @detail, a literal: the task goes. */
void live_schedule_give_up(struct live_task *entry, const char *detail);
/* @entry has another task: its triggers go on from what was decided under the old one, as they would after a restart of the
 * daemon. Returns 0, -ENOMEM, -errno; then it has none. */
int live_schedule_renew(struct live_task *entry);
/* Between live_schedules_init() and live_startup(): what the store remembers of the task. Strings are copied. Takes the
 * parts of triggers and of the pause; what belongs to another `schedule` is left. Returns 0 or -ENOMEM. */
int live_schedule_restore(struct live_task *entry, const struct store_task *task);
/* The same of what was read late: triggers are armed by then, and go on. Returns 0 or -ENOMEM. */
int live_schedule_late(struct live_task *entry, const struct store_task *task);
/* After that: there is a run, @trigger its trigger, for what was due at @due_usec, so that is no more to be run, whatever the
 * state says. For runs of which it is not known whether they or the state were written last. */
void live_schedule_ran(struct live_task *entry, const char *trigger, usec_t due_usec);
/* Fills the same parts of @ret. Strings live until the next call, or the next change of the task. */
void live_schedule_save(const struct live_task *entry, struct store_task *ret);
/* Begins: what came due before is caught up or accounted for, triggers fire from now on. */
void live_schedule_arm(struct live_task *entry);

/* Accounts for occurrences of @task, which need not be there any more. */
void live_missed(struct live *live, const char *task, const struct schedule_missed *missed);

/* What became of the last occurrence: a run of this number, or @what. */
void live_set_last_due(struct live_task *entry, usec_t due_usec, uint64_t number, const char *what);

/* ---- startup.c ---- */
/* Arms the triggers of all tasks, then starts those with on-start, in as many turns as it takes. */
void live_startup(struct live *live);
/* The tasks are others. */
void live_startup_reloaded(struct live *live);
/* There is more for it to do. */
void live_startup_go_on(struct live *live);
/* What is not through yet will not be. */
void live_startup_done(struct live *live);

/* ---- dropped.c ---- */
#define LIVE_NOT_CONFIGURED "the task is not in the configuration any more"

/* What waited to be caught up, by the `fired` that was saved of @task, is told as missed for @detail, a literal. */
void live_give_up_saved(struct live *live, const char *task, const char *fired, const char *detail);
/* The same in a slice of the daemon's start; its state is put then, too. Returns 0 or -ENOMEM. */
int live_drop_later(struct live *live, const struct store_task *task, const char *detail);
/* The next of them. False: there is none. */
bool live_tell_dropped(struct live *live);
void live_dropped_done(struct live *live);

/* Whether triggers of the task are not followed, because it is paused or all are. */
static inline bool live_is_paused(const struct live_task *entry) {
        return entry->pause || entry->live->pause;
}

/* ---- pause.c ---- */
/* NULL: out of memory. */
struct live_pause *live_pause_new(const char *by, usec_t since_usec);
/* It is paused no more: what waited for that goes on. */
void live_take_up(struct live_task *entry);
/* Without telling anybody. Returns 0 or -ENOMEM. */
int live_set_pause(struct live_task *entry, const char *by, usec_t since_usec);

/* ---- pause_wide.c ---- */
void live_pauses_init(struct live *live);
void live_pauses_done(struct live *live);
/* Before tasks are restored, or late: what the store remembers. Returns 0 or -ENOMEM. */
int live_pause_restore(struct live *live, const struct store_pause *pause);
/* Puts all of them into the store again, which has begun anew. */
void live_pauses_put(struct live *live);
/* A reload has made it: it may be one that was paused when there was one of this name. Returns 0 or -ENOMEM. */
int live_limit_made(const struct live *live, struct limit *limit);

/* ---- adjust.c ---- */
/* The configuration goes over from @from to one with @section: what an operator has set stays when that is the same. */
void live_pool_reloaded(const struct config *from, const struct pool_section *section, struct live_pool *pool);

/* ---- watch.c ---- */
/* Watches what tasks wait for. Returns 0, -ENOMEM, -errno. */
int live_watches_begin(struct live *live);
void live_watches_end(struct live *live);
/* The part of one task, if it has something to watch. */
int live_watch_add(struct live_task *entry);
void live_watch_remove(struct live_task *entry);
void live_passed_over(struct live_task *task, const char *path); /* see task_env */

/* ---- catch_up.c ---- */
int live_catch_ups_init(struct live *live);
void live_catch_ups_done(struct live *live);
/* The task has something to be caught up: it queues for that. */
void live_catch_up(struct live_task *entry);
/* It has nothing to be caught up any more, whatever it stood in the queue for. */
void live_catch_up_forget(struct live_task *entry);
/* Its run of this number, a service, is ready: it is in nobody's way any more. */
void live_catch_up_ready(struct live_task *entry, uint64_t number);
/* Its run of this number has ended. */
void live_caught_up(struct live_task *entry, uint64_t number);

/* Calendar @index of the task, those of `cron` behind those of `calendar`, is in another zone from now on. */
void live_schedule_set_zone(struct live_task *entry, size_t index, struct zone *zone);

/* ---- zones.c ---- */
void live_zones_done(struct live *live);

/* ---- tell.c ---- */
extern const struct run_listener live_listener; /* without its arg */
/* For the kinds: see struct task_env. */
void live_on_suppressed(const struct task *task, const char *run, const char *text);

struct live_task *live_task_of(const struct run *run);

/* ---- failing.c ---- */
/* Keeps @result, of a run of @entry, and tells when the task begins to fail or is fine again; @hooks: also to its hooks. */
void live_remember(struct live_task *entry, struct result *result, bool hooks);
/* @result tells how long @entry usually takes, if it was ok. */
void live_learn_usual(struct live_task *entry, const struct result *result);
/* A service that had failed, or a group of them, is ready. */
void live_recovered(struct live_task *entry, struct run *run);

/* ---- slow.c ---- */
/* @run of @entry is at work; is done. */
void live_slow_begin(struct live_task *entry, struct run *run);
void live_slow_end(struct live_task *entry, const struct run *run);

/* ---- stale.c ---- */
/* Makes what tasks with stale-after have. Returns 0 or -ENOMEM. */
int live_stale_init(struct live *live);
void live_stale_done(struct live *live);
/* After live_stale_init(), when @entry->last_ok_usec has been restored: takes `stale` and `first_seen_usec`. */
void live_stale_restore(struct live_task *entry, const struct store_task *task);
/* The same, when it was read late: what has been seen since holds. */
void live_stale_late(struct live_task *entry, const struct store_task *task);
/* Fills `stale` of @ret. */
void live_stale_save(const struct live_task *entry, struct store_task *ret);
/* One task's part of this. */
int live_stale_add(struct live_task *entry);
void live_stale_remove(struct live_task *entry);
/* @entry has another task, perhaps with another stale-after. Returns 0, -ENOMEM, -errno. */
int live_stale_renew(struct live_task *entry);
/* Begins to wait. */
void live_stale_begin(struct live *live);
/* The task was ok just now. */
void live_stale_ok(struct live_task *entry);
/* The wall clock has been set. */
void live_stale_clock_set(struct live_task *entry);

/* ---- items.c ---- */
/* An item of a run of @entry has ended; @item as the source gave it. */
void live_items_add(struct live_task *entry, const char *item, enum outcome outcome, enum error_kind error);
/* The run @result is of, which began at @started_usec (monotonic), has ended: which items begin to fail, and which are fine
 * again, is told; @hooks: also to hooks. */
void live_items_settle(struct live_task *entry, struct result *result, usec_t started_usec, bool hooks);
/* An item that failed when the daemon was here last. Returns 0, -ENOMEM, -ENOBUFS: there are too many. */
int live_items_restore(struct live_task *entry, const struct store_item *item);
/* Puts all of them into the store again, which has begun anew. */
void live_items_note_all(struct live_task *entry);
void live_items_done(struct live_task *entry);

/* ---- services.c ---- */
/* Makes what services have, and binds them to the tasks that tell their health. Returns 0 or -ENOMEM. */
int live_services_init(struct live *live);
void live_services_done(struct live *live);
/* One task's part of this, if it is a service. */
int live_service_add(struct live_task *entry);
void live_service_remove(struct live_task *entry);
/* Binds the service to the task that tells its health now. */
void live_service_bind_check(struct live_task *entry);
/* Does in a later turn what is to be done for @service now that something about it has changed. */
void live_touch(struct live_service *service);
void live_service_new(struct live_task *entry, struct run *run);
/* It is a service, and has no run but one that is to end. */
bool live_service_is_down(const struct live_task *entry);
/* An operator has started @spec: it and all below it that are stopped are wanted again. */
void live_services_wanted(const struct live *live, const struct run_spec *spec);
/* Who has stopped it, of what the store remembers; the same of what was read late, when it may be up; fills it in. */
void live_service_restore(struct live_task *entry, const struct store_task *task);
void live_service_late(struct live_task *entry, const struct store_task *task);
void live_service_save(const struct live_task *entry, struct store_task *ret);
void live_service_done(struct live_task *entry, const struct run *run, const struct result *result);
/* Ends the runs of it that are not in a group: a member waits for them, and a service does not end by itself. */
void live_service_end_alone(struct live_task *entry);
/* A run of @group has ended with @result because another one or none is to be: services of it that are on their own by now
 * are started. */
void live_service_group_replaced(const struct live_task *group, const struct result *result);
/* Its pause is over: it is started if that has kept it from being so when the daemon was. */
void live_service_resumed(struct live_task *entry);
void live_service_ready(struct live_task *entry, struct run *run, bool ready);
/* @run is ready or ok: groups of services above it, when they are failing, may recover. */
void live_group_may_be_ready(const struct run *run);
void live_service_restarts(struct live_task *entry, struct run *run, usec_t at_usec, const char *by);
/* Brings back what an operator had stopped of the service or what has ended in a group that goes on, or finds that it is
 * up. Returns 0, -EALREADY when there was nothing to do, -ENOENT when it has no run: one is to be made; -ESHUTDOWN,
 * -ENOMEM. */
int live_service_start(struct live_task *entry, const char *by, struct run **ret);

/* ---- health.c ---- */
/* Whether the task tells the health of a service: then it is not due unless that is ready. */
static inline bool live_is_check(const struct live_task *entry) {
        return entry->health_of != NULL;
}
/* The service became ready or ceased to be, or its check has ended. */
void live_health_update(struct live_service *service);
/* Nothing tells its health any more. */
void live_health_end(struct live_service *service);

/* ---- memory.c ---- */
/* With the tasks made, before anything is restored. */
void live_memory_init(struct live *live, struct store *store);
void live_memory_done(struct live *live);
/* Puts what was noted now, and not at the end of the turn. */
void live_put_noted(struct live *live);
/* The tasks that were seen for the first time are armed, and are to be put. */
void live_note_unseen(struct live *live);
/* While @closed, no run begins; then those that were held do, as the store has them. */
void live_memory_close(struct live *live, bool closed);
/* Fills @ret with all that is remembered of @entry; @ret_json is to be freed, the other strings live until the next call. */
void live_task_save(struct live_task *entry, struct store_task *ret, char **ret_json);
/* The tasks are others. */
void live_memory_reloaded(struct live *live, size_t n_before);
/* What is remembered of @entry has changed: it goes to the store later in this turn, or in the next, once. */
void live_note(struct live_task *entry);
/* What is remembered of an item has changed. */
void live_note_item(struct live_task *entry, const struct store_item *item);
/* Occurrences of a task did not run. */
void live_note_missed(struct live *live, const struct store_missed *missed);
/* A run was made, has ended. Those that nothing is kept of, items and attempts, are passed over. */
void live_note_begin(struct live_task *entry, const struct run *run);
void live_note_end(struct live_task *entry, const struct run *run, const struct result *result);
void live_note_process(const struct run *job, int pid, uint64_t start_ticks, bool gone);
/* The run @was of a dead daemon has ended with @result. */
void live_note_interrupted(struct live *live, const struct store_run *was, const struct result *result);

/* ---- restore.c ---- */
#define LIVE_FORGOTTEN_MAX 10000
/* Tasks begin with what the store remembers of them, and interrupted runs are gathered. Returns 0 or -ENOMEM. */
int live_restore(struct live *live);

/* The same of one task that was not there before, whether an earlier configuration had it or not. */
int live_restore_one(struct live_task *entry);
/* Keeps what is remembered of @entry, which ends, for when a configuration has its task again. Of
 * a transient one not beyond LIVE_FORGOTTEN_MAX: then new names are numbered from where it was. */
void live_remember_gone(struct live_task *entry);
void live_forget_gone(struct live *live);
/* Puts what is remembered of a task that is gone. */
void live_put_gone(struct live *live, const char *task);

/* ---- interrupted.c ---- */
/* A run without an end, with its processes; copied. Returns 0 or -ENOMEM. */
int live_interrupted_add(struct live *live, const struct store_run *row, const struct store_process *processes,
                         size_t n);
/* After those: a member of one that has ended. Returns 0 or -ENOMEM. */
int live_interrupted_add_member(struct live *live, const struct store_run *row);
/* Stops when @fn returns a negative errno and returns that. */
int live_interrupted_processes(struct live *live,
                               int (*fn)(const char *task, const struct store_process *process, void *arg), void *arg);
/* Puts them as they were. */
void live_interrupted_put(struct live *live);
/* Tells of them, ends them in the store, fires hooks, and starts again what is to be. */
void live_interrupted_tell(struct live *live);
void live_interrupted_done(struct live *live);

/* ---- leftovers.c ---- */
/* Has a thread end what a daemon with the same @tag left running; live_go() follows. Returns 0, -ENOMEM, -errno. */
int live_leftovers_begin(struct live *live, const char *tag);
void live_leftovers_done(struct live *live);

/* ---- live.c ---- */
/* Everything is as it should be: interrupted runs are told, triggers armed, runs may begin. */
void live_go(struct live *live);

/* ---- hooks.c ---- */
/* Items of which something begins or ends with a run. Texts are as they may be shown. */
struct item_edges {
        const char *const *newly_failing;
        size_t n_newly_failing;
        const char *const *recovered;
        size_t n_recovered;
        uint64_t failing; /* that fail now, the new ones included */
        unsigned errors;  /* 1 << error kind of the new ones; which rows of hooks take it */
};

struct hook_cause {
        struct result *result;
        const char *event;              /* as TENDD_FOR_EVENT tells it */
        bool at_work;                   /* the run has no outcome yet */
        bool expected;                  /* nothing to worry about: only a hook that names the outcome takes it */
        const char *detail;             /* instead of what the result says; NULL: that */
        bool whatever_outcome;          /* all hooks take it: it is not about how the run ended */
        const struct item_edges *items; /* of items: which; else NULL */
};

/* Starts those of @hooks that take it. */
void live_fire_hooks(struct live *live, const struct hooks *hooks, const struct hook_cause *cause);
/* Starts the hook that a dead daemon had not begun, and whose row in the store says so, under a number of its own. */
void live_fire_again(struct live *live, const struct store_run *row);
/* @hook, a top-level run, begins once the store has that. */
void live_note_hook_begins(struct run *hook);
