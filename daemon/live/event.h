/* SPDX-License-Identifier: MIT */
#pragma once
/* event: what happens, as logs and control clients are told it. */
#include "base/log.h"
#include "run/run.h"

struct event {
        enum event_id id;
        usec_t realtime_usec; /* filled by live_emit() when 0 */
        const char *task;     /* NULL: none */
        const char *run;      /* NULL: none */
        const char *text;     /* a sentence; NULL: made from the result */
        const struct result *result;
        uint64_t n;             /* how many, where one event tells of several: of EVENT_MISSED; else 0 */
        enum error_kind error;  /* what it is about, when there is no result; ERROR_NONE: no error */
        bool quiet;             /* told to observers, not logged */
        struct log_place place; /* filled by live_emit() */
};

/* The level it is logged at: of a run that has ended, by how. */
int event_level(const struct event *event);

/* How it is logged: level, identifier and fields. */
void event_log(const struct event *event);
