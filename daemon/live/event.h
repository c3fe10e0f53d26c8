/* SPDX-License-Identifier: MIT */
#pragma once
/* event: what happens, as logs and control clients are told it. A row of a table; adding an event is a row. */
#include "run/run.h"

enum event_id {
        EVENT_RUN_QUEUED,  /* a top-level run was created */
        EVENT_RUN_STARTED, /* its work began, or a member's */
        EVENT_RUN_STOPPING,
        EVENT_RUN_READY,      /* a service is ready */
        EVENT_RUN_RESTARTING, /* an attempt of a service has ended, and another follows */
        EVENT_RUN_DOWN,       /* an operator keeps a service down */
        EVENT_RUN_SLOW,       /* it is at work for slow-after */
        EVENT_RUN_DONE,       /* a top-level run or a member; has a result */
        EVENT_ITEM_FAILED,    /* of a fan-out; not every one is told when they are many */
        EVENT_FAILING,        /* a task failed as often in a row as failing-after says */
        EVENT_RECOVERED,      /* it was ok again, or is ready again */
        EVENT_CRITICAL,       /* a critical service has failed for good: the daemon ends */
        EVENT_SKIPPED,        /* a trigger fired and was not followed */
        EVENT_MISSED,         /* occurrences were not run: the daemon was down, the machine asleep, … */
        EVENT_PAUSED,         /* an operator paused a task */
        EVENT_RESUMED,
        EVENT_STALE,          /* a task had no ok for stale-after */
        EVENT_INTERRUPTED,    /* a run that the daemon died under; has a result */
        EVENT_LEFTOVER,       /* processes that a daemon left behind were killed */
        EVENT_CLOCK_SET,      /* the wall clock jumped */
        EVENT_ZONE_CHANGED,   /* a time zone that calendars are read in has other rules, or is another one */
        EVENT_STORE_DEGRADED, /* what happens is not remembered for now */
        EVENT_STORE_RECOVERED,
        EVENT_REMNANT,
        EVENT_REMNANT_GONE,
        EVENT_HOOK_DROPPED,
        EVENT_POOL_DEGRADED,
        EVENT_POOL_RECOVERED,
        EVENT_LOOP_SLOW,
        EVENT_PHASE,   /* of the runner */
        EVENT_COMMAND, /* somebody changed something over the control socket */
        _EVENT_ID_MAX,
};

/* As shown to control clients: "run-done". */
const char *event_id_to_string(enum event_id id);

struct event {
        enum event_id id;
        usec_t realtime_usec; /* filled by live_emit() when 0 */
        const char *task;     /* NULL: none */
        const char *run;      /* NULL: none */
        const char *text;     /* a sentence; NULL: made from the result */
        const struct result *result;
        enum error_kind error; /* what it is about, when there is no result; ERROR_NONE: no error */
        bool quiet;            /* told to observers, not logged */
};

/* How it is logged: level, identifier and fields. */
void event_log(const struct event *event);
