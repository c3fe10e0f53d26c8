/* SPDX-License-Identifier: MIT */
#pragma once
/* event_id: all that happens and has a name, for the log and for control clients. An event is an enumerator here, a row of
 * the table in event_id.c, and an entry of the journal's catalog in systemd/tendd.catalog, which explains it; a test
 * compares the two. Names and ids are for ever: people filter by them.
 */
#include "base/macros.h"

enum event_id {
        EVENT_NONE,
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
        EVENT_METRICS_UNREACHABLE, /* an address of [metrics] listen cannot be opened */
        EVENT_METRICS_RECOVERED,   /* it could be in the end */
        EVENT_LOOP_SLOW,           /* a callback held the loop for longer than loop-warn */
        EVENT_LOOP_STUCK,          /* it is held now, and does not come back */
        EVENT_LOOP_UNSTUCK,
        EVENT_OUTPUT_SUPPRESSED, /* a task printed more than log-rate */
        EVENT_LOG_DROPPED,       /* records of the log found no room */
        EVENT_PHASE,             /* of the runner */
        EVENT_RELOADED,          /* the daemon has gone over to the configuration as it is in the files now */
        EVENT_RELOAD_REFUSED,    /* it goes on with the one it has */
        EVENT_CONFIG_FALLBACK,   /* the files are refused at the start: the last accepted ones are taken */
        EVENT_COMMAND,           /* somebody changed something over the control socket */
        _EVENT_ID_MAX,
};

/* "run-done": TENDD_EVENT. NULL for EVENT_NONE. */
const char *event_id_to_string(enum event_id id);

/* MESSAGE_ID, 32 hex digits. NULL for EVENT_NONE. */
const char *event_id_to_message_id(enum event_id id);

/* The level it is logged at when nothing else decides: LOG_ERR … LOG_DEBUG. */
int event_id_level(enum event_id id);
