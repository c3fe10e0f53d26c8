/* SPDX-License-Identifier: MIT */
#pragma once
/* timeline: runs of some time as a Gantt chart: which rows there are, in which order, and which bars on them. Pure: how it is drawn is
 * the business of timeline_text.c and timeline_svg.c, where a time lies on the axis that of timeline_axis.h.
 *
 * A row stands for a task; members of a group have rows of their own below it, known by the names of their runs. Runs of a row that
 * overlap are on different lanes of it.
 */
#include "base/clock.h"

/* What became of a run, the worst first: what is drawn where there is room for one only. */
enum timeline_kind {
        TIMELINE_FAILED,
        TIMELINE_TIMEOUT,
        TIMELINE_INTERRUPTED,
        TIMELINE_MISSED, /* an occurrence that was not run */
        TIMELINE_CANCELLED,
        TIMELINE_NEVER_STARTED,
        TIMELINE_SKIPPED,
        TIMELINE_RUNNING,
        TIMELINE_OK,
        TIMELINE_WAITING, /* it has not begun, or the part of a run before it did */
        _TIMELINE_KIND_MAX,
        _TIMELINE_KIND_INVALID = -EINVAL,
};

const char *timeline_kind_to_string(enum timeline_kind kind);
/* By an outcome's name. */
enum timeline_kind timeline_kind_from_string(const char *outcome);

#define TIMELINE_LANES_MAX 8 /* what overlaps more often shares the last */

struct timeline_bar {
        enum timeline_kind kind;
        usec_t begun_usec;
        usec_t started_usec; /* until then it waited */
        usec_t ended_usec;   /* USEC_INFINITY: it goes on */
        unsigned n;          /* occurrences, of TIMELINE_MISSED */
        unsigned lane;
        char *name; /* of the run */
        char *text; /* what else is to be known, or NULL */
};

struct timeline_row {
        char *path;       /* "group/member" */
        const char *name; /* its last part */
        struct timeline_row *parent;
        unsigned depth;
        unsigned n_lanes;
        usec_t first_usec; /* when the first bar of it, or of a row below it, begins */
        struct timeline_bar *bars;
        size_t n_bars;
        size_t allocated;
};

struct timeline {
        usec_t from_usec;
        usec_t until_usec;
        usec_t now_usec; /* bars that go on end there */
        struct timeline_row **rows;
        size_t n_rows;
        size_t allocated;
        void *by_path;
};

void timeline_init(struct timeline *timeline, usec_t from_usec, usec_t until_usec, usec_t now_usec);
void timeline_done(struct timeline *timeline);

/* Adds a bar, if any of it lies in the time of the chart. Of @bar, name and text are copied. The row is told by the name; that of what has
 * no run, such as TIMELINE_MISSED, by the task, which is its name then. Returns 0 or -ENOMEM. */
int timeline_add(struct timeline *timeline, const struct timeline_bar *bar);

/* When all are added: puts rows in the order of their first bars, members below their groups, and bars on lanes. */
void timeline_arrange(struct timeline *timeline);

/* The columns, of @columns for the whole time, that a time lies in. */
unsigned timeline_column(const struct timeline *timeline, usec_t usec, unsigned columns);

/* The end that is drawn: now, if it goes on. */
usec_t timeline_end(const struct timeline *timeline, const struct timeline_bar *bar);
