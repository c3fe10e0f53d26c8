/* SPDX-License-Identifier: MIT */
#pragma once
/* exec-bed: a task "t" that runs a command, on the fixture's tree, whose child the test plays.
 *
 * It stands in for the logger's output as well. Every callback is checked for having named the task as what it works
 * for.
 */
#include "support/fake-child.h"
#include "support/run-fixture.h"
#include "task/kind.h"

extern struct task_env env;
extern struct task *task; /* /usr/bin/job --now, without bounds, a grace of 10 s; the test's to change */
extern struct child *child;
extern char logged[1024]; /* "level:run:line;" of each line */
extern bool congested;    /* the log is */

void exec_setup(void);
void exec_teardown(void);

/* Starts t#1; its child is asked for, and not started yet. */
struct run *start_task(void);
/* The same, and it runs. */
struct run *start_running(void);

/* The main process ends; the tree is gone. */
void exits(int status);
void goes(void);

/* What was asked of the child since the last check. */
#define check_asked(expected) ck_assert_str_eq(fake_child_trace(), expected)

/* A slow callback is reported for the task, unless it has been abandoned. */
void check_subject(void);
