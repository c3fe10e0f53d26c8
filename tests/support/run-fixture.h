/* SPDX-License-Identifier: MIT */
#pragma once
/* run-fixture: a run tree on the fake loop, and what its listener was told.
 *
 * Each test begins with an empty tree; at its end the tree is forced to drain, and nothing may be left: no run, leaf,
 * remnant, limit or timer, and every hold was dropped.
 */
#include "support/fake-leaf.h"
#include "support/fake-loop.h"

#include <check.h>

extern struct loop *loop;
extern struct run_tree *tree;

void fixture_setup(void);
void fixture_teardown(void);
/* Replaces the tree by one with this max-running. */
void fixture_new_tree(unsigned max_running);

/* Starts run @number of @task, and lets the loop settle. */
struct run *start(struct fake_task *task, uint64_t number);
/* The same as a hook. */
struct run *start_hook(struct fake_task *task, uint64_t number);

/* Cancels the run called @name for its operator, alice; that it is done shows once the loop has settled. */
void cancel(const char *name);

/* Lets @usec pass, or the loop settle. */
void pass(usec_t usec);
void settle(void);

/* The run called @name; fails the test when there is none. */
struct run *get(const char *name);

/* What on_done told of the run called @name, or NULL. */
const struct result *result_of(const char *name);
unsigned done_count(void);
unsigned empty_count(void);
unsigned remnant_count(void);
/* What on_ready told: "a:yes b:yes a:no". */
const char *ready_trace(void);

/* A limit of the tree, freed with the fixture. */
struct limit *make_limit(const char *name, const struct limit_config *config);
struct limit *make_permits(const char *name, unsigned permits);

/* ---- checks; they print both values ---- */

#define check_state(name, expected)                                                                                    \
        ck_assert_msg(run_get_state(get(name)) == (expected), "%s is %s, expected %s", name,                           \
                      run_state_to_string(run_get_state(get(name))), run_state_to_string(expected))

#define check_outcome(name, expected) check_outcome_at(__LINE__, name, expected)
void check_outcome_at(int line, const char *name, enum outcome expected);

/* The errors of @name's result as words: "exit/a#1 timeout/g#1". */
#define check_errors(name, expected) ck_assert_str_eq(errors_of(name), expected)
const char *errors_of(const char *name);

#define check_trace(expected) ck_assert_str_eq(fake_trace(), expected)

#define check_why(name, expected)                                                                                      \
        do {                                                                                                           \
                struct run_waiting _waiting;                                                                           \
                run_get_waiting(get(name), &_waiting);                                                                 \
                ck_assert_int_eq(_waiting.why, expected);                                                              \
        } while (0)

/* Runs the tests named in @tests, with the fixture, as suite @name; returns main's code. */
int fixture_main(const char *name, const TTest *const *tests, size_t n);

/* A test that runs @n times, with _i from 0. */
struct fixture_test {
        const TTest *test;
        int n;
};

int fixture_main_loops(const char *name, const struct fixture_test *tests, size_t n);
