/* SPDX-License-Identifier: MIT */
#pragma once
/* fake-child: loop/child.c for tests of what uses children: none is ever started, and a test says what becomes of them.
 *
 * What is asked of a child is noted as words: "spawn", "signal:15", "kill", "pause", "resume", "free". The functions that
 * tell of a child are called between turns of the fake loop, as the real ones call back in turns of their own.
 */
#include "loop/child.h"

/* No child, nothing noted, nothing refused. */
void fake_child_reset(void);

/* What was asked since the last call, words separated by spaces. */
const char *fake_child_trace(void);

/* The child that was spawned last, and what it was to be: a copy that lives as long as the child. */
struct child *fake_child_last(void);
const struct child_spec *fake_child_spec(const struct child *child);

/* Children that were not freed. */
unsigned fake_child_count(void);

/* child_spawn() returns -@error from now on; 0: no more. */
void fake_child_refuse(int error);

/* child_has_output() says so. */
void fake_child_hold_output(struct child *child, bool hold);

/* child_poll() finds that the main process has ended with @status. */
void fake_child_hold_exit(struct child *child, int status);
/* It finds, before that, that one of its processes has said something. */
void fake_child_hold_message(struct child *child, const struct notify_message *message);

/* ---- what is told, see struct child_ops ---- */
void fake_child_started(struct child *child);
void fake_child_failed(struct child *child, enum child_step step, int error);
/* Whether the text was taken; else it is to be printed again later. */
bool fake_child_prints(struct child *child, const char *text);
void fake_child_says(struct child *child, const struct notify_message *message);
void fake_child_exited(struct child *child, int status);
/* What it will have used when it is gone. */
void fake_child_used(struct child *child, const struct cgroup_usage *usage);
void fake_child_gone(struct child *child);
