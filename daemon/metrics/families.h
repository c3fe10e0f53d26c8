/* SPDX-License-Identifier: MIT */
#pragma once
/* families: the table of all families of metrics.
 *
 * The answer of a scrape comes from these rows, and so does the list in tendd-metrics(7); a test compares them. A new one is a
 * row, a line there, and, where people would look for it, a panel of contrib/grafana-dashboard.json.
 */
#include "metrics/counts.h"

struct limit;
struct pool;
struct control;
struct http_server;

/* What can be told of. */
struct metrics_source {
        struct live *live;
        const struct counts *counts;
        const struct control *control;  /* NULL: nothing is told of it */
        const struct http_server *http; /* the same */
        const char *phase;              /* "running" */
        bool refused;                   /* the configuration of the files is not the one that runs */
        usec_t started_usec;            /* realtime; of the daemon */
        uint64_t open_fds;              /* 0: not known */
};

/* A task, or all that have no metrics of their own. */
struct family_task {
        struct metrics_label label;
        const struct live_task *task; /* NULL: these */
        const struct task_counts *counts;
};

struct family {
        const char *name; /* without the _total and _info of its samples */
        enum family_type type;
        const char *unit; /* "seconds", "bytes"; NULL: it only counts */
        const char *help;

        /* One of these: what has no rows; a number of a task, of which those of tasks without metrics of their own are added up,
         * unless `apart`; what has been counted of a task; a limit; a pool. */
        void (*one)(struct metrics_writer *writer, const struct metrics_source *source);
        bool (*task)(const struct live_task *task, uint64_t *ret); /* false: there is none */
        void (*counts)(struct metrics_writer *writer, const struct family_task *task);
        void (*limit)(struct metrics_writer *writer, struct metrics_label label, const struct limit *limit);
        void (*pool)(struct metrics_writer *writer, struct metrics_label label, const struct pool *pool);
        bool usec;  /* the number is in microseconds */
        bool apart; /* there is no sum of it */
};

/* No row of any has more bytes. */
#define FAMILY_ROW_MAX 8192

const struct family *families(size_t *ret_n);
