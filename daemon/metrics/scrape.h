/* SPDX-License-Identifier: MIT */
#pragma once
/* scrape: the answer to one request for all metrics, made in pieces. */
#include "loop/http_server.h"
#include "metrics/families.h"

/* Fills @ret at the beginning of each piece, as what it points to may come and go meanwhile. */
typedef void (*scrape_source_fn)(struct metrics_source *ret, void *arg);

/* A body for scrape_ops. NULL: out of memory. */
void *scrape_new(bool openmetrics, scrape_source_fn source, void *arg);
extern const struct http_body_ops scrape_ops;

/* What would be the label of a task, of those without metrics of their own: no task can be called so. */
#define SCRAPE_OTHERS "(others)"
