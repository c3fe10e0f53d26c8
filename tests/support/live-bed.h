/* SPDX-License-Identifier: MIT */
#pragma once
/* live-bed: live tasks on the fake loop whose leaves start, become ready and end when the test says. */
#include "live/live.h"
#include "store/store.h"

#define LIVE_BED_TASKS_MAX 5000

struct live_bed {
        struct loop *loop;
        struct live *live;
        struct config config;
        struct store *store;     /* to remember in; set before it goes live, or NULL */
        struct result *critical; /* what on_critical was told last, or NULL */
};

extern struct live_bed live_bed;

/* Of a checked fixture. The teardown frees all that was made. */
void live_bed_setup(void);
void live_bed_teardown(void);

/* A job, a service that is always restarted (delay 1s..1min, 5/10min), a group of all that were made since the last
 * group; in the order of their names. */
struct task *live_bed_job(const char *name);
struct task *live_bed_service(const char *name);
struct task *live_bed_group(const char *name);
/* A job that is in no configuration; the caller's own. */
struct task *live_bed_transient(const char *name);
/* As `instances = N` makes it of a service: the group @name of the services @name@1, … */
struct task *live_bed_instances(const char *name, unsigned n);

/* `on-… = @name`, one row, that takes everything. */
void live_bed_hook(struct hooks *hooks, const char *name);

/* Goes live, with triggers. */
void live_bed_go(void);

struct live_task *live_bed_entry(const char *task);
struct run *live_bed_run(const char *run); /* fails the test when there is none */
struct run *live_bed_start(const char *task);

/* The leaf of @task that began first; NULL: none is at work. A leaf is started at once; a service's is ready when told. */
struct run *live_bed_leaf(const char *task);
void live_bed_ready(const char *task);
void live_bed_end(const char *task, enum error_kind error);

/* What hooks were started for so far, by the names of hook, event, task and outcome: "alert:failing:work:failed". */
const char *live_bed_hooks(void);

/* What signals leaves got: "a:1 b:15:main". */
const char *live_bed_signals(void);

/* The events of @id so far, with the last of their texts. */
unsigned live_bed_events(enum event_id id);
const char *live_bed_text(enum event_id id);
