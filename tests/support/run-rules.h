/* SPDX-License-Identifier: MIT */
#pragma once
/* run-rules: what must hold in a tree to which anything may happen, for test-run-random. Whatever does not hold ends the
 * test, with the seed and the step. */
#include "run/limit_private.h"
#include "run/node.h"
#include "support/run-world.h"

#define STEPS_A_WORLD 400
#define RUNS_MAX      1024
#define RESTARTS_MAX  256

/* What was seen of a service. */
struct watch {
        const struct run *job;
        usec_t ended_usec; /* of the last attempt that ended */
        bool asked;        /* an operator wanted that */
        bool ready;
        usec_t at[RESTARTS_MAX]; /* when attempts ended that were followed by another, unless on request */
        unsigned n;
};

extern struct run_rules {
        struct loop *loop;
        struct run_tree *tree;
        struct world world;
        uint64_t seed;
        unsigned step;
        unsigned max_running;
        bool forced;
        uint64_t number;             /* of the next top-level run */
        uint8_t told[STEPS_A_WORLD]; /* how often on_done told of that run */
        uint64_t n_ended;            /* top-level runs that became done */
        unsigned n_held;
        uint64_t full_at_nsec; /* of the pace */
        struct run *runs[RUNS_MAX];
        size_t n_runs;
        struct watch watches[RUNS_MAX];
        const struct run *revived[RUNS_MAX]; /* groups in which a place was taken again */
} rules;

extern const struct run_listener rules_listener;

/* What a leaf must find when it starts; of fake_leaf_set_start_check(). */
void rules_on_start(const struct run *leaf);

/* Fills rules.runs with all there are. */
void rules_list_runs(void);

/* What holds at any time, and what holds beside that once the loop has settled. */
void rules_check_always(void);
void rules_check_settled(void);

/* A place in @group was taken again: its order does not hold any more. */
void rules_note_revived(const struct run *group);
