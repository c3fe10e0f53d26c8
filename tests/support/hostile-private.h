/* SPDX-License-Identifier: MIT */
#pragma once
/* hostile-private: what the files of hostile.c share. */
#include "base/macros.h"
#include "support/hostile.h"

#include <sys/types.h>

/* Writes @word to stdout. */
void say(const char *word);

/* Waits for ever. */
void stay(void) _noreturn_;

/* The child has a minute to live, should the test that looks after it fail. */
pid_t fork_or_die(void);

/* Ignores what asks it politely. */
void mute(void);

/* A daemon of the old school: its parents return false when it is one. */
bool daemonize(void);

/* Becomes another mode, with the same mark on its command line but an environment of nothing. */
void become(const char *mode) _noreturn_;

/* hostile-breed.c: those that multiply */
void bomb(void);
void breed(void);
void chain(void);
void reborn(void);
void spiteful(void);
void twins(void);

/* hostile-leave.c: those that leave their parents, groups and sessions */
void bare_child(void);
void bare_orphan(void);
void daemon3(void);
void escape(void);
void hop(void);
void linger(void);
void namespace(void);
void orphan(void);
void regroup(void);
void sibling(void);
void subreaper(void);

/* hostile-self.c: those that do something to themselves */
void bare(void);
void exec_again(void);
void exec_loop(void);
void exec_thread(void);
void halted(void);
void headless(void);
void stopped(void);
void threaded(void);
void traced(void);
void tracer(void);
void vforked(void);

/* hostile-cgroup.c: those that turn on their cgroup */
void deserter(void);
void freezer(void);
void nested(void);
