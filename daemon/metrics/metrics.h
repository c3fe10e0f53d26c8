/* SPDX-License-Identifier: MIT */
#pragma once
/* metrics: what the daemon tells monitoring over HTTP: /metrics, /healthz and /readyz, see METRICS in tendd(8). */
#include "config/config.h"
#include "live/live.h"

struct metrics;
struct control;

struct metrics_options {
        struct live *live;             /* outlives the metrics */
        const struct control *control; /* outlives it, too; NULL: nothing is told of it */
        const char *(*phase)(void *arg);
        /* What it runs instead of the files, which were refused; NULL: they were not. */
        const char *(*refused)(void *arg);
        void *arg;
};

/* Serves nobody until it is configured. Returns 0, -ENOMEM, -errno. */
int metrics_new(const struct metrics_options *options, struct metrics **ret);
struct metrics *metrics_free(struct metrics *metrics);

/* Listens where @section says, and nowhere else; also to be called when tasks are others. What cannot be opened is told, tried
 * again from time to time, and by the next call at once. Returns 0, -ENOMEM, -errno. */
int metrics_configure(struct metrics *metrics, const struct metrics_section *section);

/* Where it cannot be reached, and why, a sentence; NULL: it is as it should be. Takes NULL. */
const char *metrics_trouble(const struct metrics *metrics);
