/* SPDX-License-Identifier: MIT */
#pragma once
/* live_private: what the files of live/ share. */
#include "live/live.h"

#include "loop/child.h"
#include "task/http_engine.h"
#include "task/kind.h"
#include "task/resolve.h"
#include "task/trust.h"

/* Failed items of a fan-out are told at most so often. */
#define ITEM_EVENTS_BURST  20
#define ITEM_EVENTS_PERIOD USEC_PER_MINUTE

struct live_task {
        struct live *live;
        struct task *task;
        struct overlap overlap;
        struct trigger trigger;
        struct result *last;
        struct run *waiting; /* the run that the trigger started and that still waits for its slot */
        uint64_t number;     /* of the last run */
        uint64_t counts[_OUTCOME_MAX];
        uint64_t skipped;
        char *skip_reason;
        usec_t last_ok_usec;
        usec_t items_window_usec; /* monotonic; since when failed items are counted */
        unsigned items_told;
        unsigned running;
        unsigned failures;
};

struct live_observer {
        struct list link;
        live_event_fn fn;
        void *arg;
};

struct live {
        struct loop *loop;
        struct config *config;
        struct run_tree *tree;
        struct live_task *tasks; /* in the order of config->tasks */
        struct limit **limits;   /* in the order of config->limits */
        struct pool **pools;     /* in the order of config->pools */
        struct task_env env;
        char **environ; /* of children */
        struct list observers;
        struct loop_work start_work; /* on-start tasks */
        void (*on_empty)(void *arg);
        void *arg;
        uint64_t random;
        unsigned n_hooks;
        uint64_t hooks_dropped;
        const char *cgroup_tag;
        bool triggers;
};

/* ---- env.c ---- */
/* Makes what kinds work with: spawner, resolver, and the HTTP engine when a task needs it. Returns 0 or -errno. */
int live_env_init(struct live *live);
void live_env_done(struct live *live);

/* ---- cgroups.c ---- */
/* Has the spawner put runs in control groups, as [daemon] cgroup says; warns of bounds that cannot be kept. Returns 0, or
 * -errno, told, when a directory was named that is none for this. */
int live_use_cgroups(struct live *live);

/* ---- start.c ---- */
int live_arm_triggers(struct live *live);
/* Counts a firing that was not followed, or whose run was skipped while it waited. */
void live_count_skip(struct live_task *entry, const char *reason);

/* ---- tell.c ---- */
extern const struct run_listener live_listener; /* without its arg */
struct live_task *live_task_of(const struct run *run);

/* ---- hooks.c ---- */
/* Starts what @result of a run of @task asks for. */
void live_fire_hooks(struct live *live, const struct task *task, struct result *result);
