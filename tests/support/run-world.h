/* SPDX-License-Identifier: MIT */
#pragma once
/* run-world: tasks at random: jobs, services, fan-outs, and groups of these, on shared limits and overlaps.
 *
 * Whatever is drawn is a configuration that would be accepted: no cycle, no wish for more permits than exist, no `after`
 * under `first`, and only leaves that can be abandoned ignore being forced.
 */
#include "base/random.h"
#include "support/fake-leaf.h"

#define WORLD_LIMITS  4 /* the last one has a pace */
#define WORLD_LEAVES  14
#define WORLD_FANOUTS 4
#define WORLD_GROUPS  8
#define WORLD_TASKS   (WORLD_LEAVES + WORLD_FANOUTS + WORLD_GROUPS)
#define WORLD_MEMBERS 5

struct world_task {
        struct fake_task task;
        char name[8];
        struct overlap overlap;
        struct service_spec service;
        struct limit_use uses[2];
        struct run_member members[WORLD_MEMBERS];
        unsigned after[WORLD_MEMBERS][WORLD_MEMBERS];
};

struct world {
        uint64_t random;
        struct limit *limits[WORLD_LIMITS];
        struct world_task tasks[WORLD_TASKS]; /* groups last; members come before their groups */
};

/* The limits live in the tree's; world_done() lets them go. */
void world_init(struct world *world, struct limits *limits, uint64_t seed);
void world_done(struct world *world);

/* True in @percent of all cases. */
static inline bool world_chance(struct world *world, unsigned percent) {
        return random_below(&world->random, 100) < percent;
}

static inline unsigned world_below(struct world *world, unsigned n) {
        return (unsigned)random_below(&world->random, n);
}

/* A span of up to @max, mostly in whole seconds, so that ties happen. */
usec_t world_span(struct world *world, usec_t max);
