/* SPDX-License-Identifier: MIT */
#pragma once
/* graph: finds cycles among numbered nodes, without recursion, so that its depth is not that of the stack. */
#include "base/macros.h"

/* Node @n's successors are the @n_to[n] numbers at @to[n]. */
struct graph {
        size_t n;
        const size_t *const *to;
        const size_t *n_to;
};

/* The @n nodes of @cycle follow each other, and the first one the last. */
typedef void (*graph_cycle_fn)(const size_t *cycle, size_t n, void *arg);

/* Calls @fn for cycles until each has a node that was told. @ret_depth, which may be NULL, is the number of nodes on the
 * longest way when there is no cycle. Returns 0 or -ENOMEM. */
int graph_find_cycles(const struct graph *graph, graph_cycle_fn fn, void *arg, size_t *ret_depth);
