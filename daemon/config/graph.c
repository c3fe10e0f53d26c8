/* SPDX-License-Identifier: MIT */
/* graph: a depth-first walk with a stack of its own. An edge to a node that is on the stack closes a cycle. */
#include "config/graph.h"

struct walk {
        const struct graph *graph;
        size_t *stack;
        size_t *next;  /* of each node: the successor to look at next */
        size_t *depth; /* of each node: nodes on the longest way from it; 0: not known yet */
        bool *on_stack;
        size_t n_stack;
};

static void walk_done(struct walk *walk) {
        free(walk->stack);
        free(walk->next);
        free(walk->depth);
        free(walk->on_stack);
}

static void enter(struct walk *walk, size_t node) {
        walk->stack[walk->n_stack++] = node;
        walk->on_stack[node] = true;
        walk->depth[node] = 1;
}

/* One step from the node on top: into a successor, or back. */
static void step(struct walk *walk, graph_cycle_fn fn, void *arg) {
        size_t node = walk->stack[walk->n_stack - 1], successor, from;

        if (walk->next[node] == walk->graph->n_to[node]) {
                walk->on_stack[node] = false;
                walk->n_stack--;
                if (walk->n_stack > 0) {
                        size_t above = walk->stack[walk->n_stack - 1];

                        walk->depth[above] = MAX(walk->depth[above], walk->depth[node] + 1);
                }
                return;
        }
        successor = walk->graph->to[node][walk->next[node]++];
        if (walk->on_stack[successor]) {
                for (from = walk->n_stack - 1; walk->stack[from] != successor;)
                        from--;
                fn(walk->stack + from, walk->n_stack - from, arg);
        } else if (walk->depth[successor] == 0) {
                enter(walk, successor);
        } else {
                walk->depth[node] = MAX(walk->depth[node], walk->depth[successor] + 1);
        }
}

int graph_find_cycles(const struct graph *graph, graph_cycle_fn fn, void *arg, size_t *ret_depth) {
        _cleanup_(walk_done) struct walk walk = {
                .graph = graph,
                .stack = calloc(graph->n + 1, sizeof(size_t)),
                .next = calloc(graph->n + 1, sizeof(size_t)),
                .depth = calloc(graph->n + 1, sizeof(size_t)),
                .on_stack = calloc(graph->n + 1, sizeof(bool)),
        };
        size_t depth = 0;

        if (!walk.stack || !walk.next || !walk.depth || !walk.on_stack)
                return -ENOMEM;
        for (size_t node = 0; node < graph->n; node++) {
                if (walk.depth[node] == 0) {
                        enter(&walk, node);
                        while (walk.n_stack > 0)
                                step(&walk, fn, arg);
                }
                depth = MAX(depth, walk.depth[node]);
        }
        if (ret_depth)
                *ret_depth = depth;
        return 0;
}
