/* SPDX-License-Identifier: MIT */
#pragma once
/* memory-bed: a live-bed with a store, a fake, in which the next daemon finds what the one before has put. */
#include "task/task.h"

extern struct task *memory_bed_work;

/* Of a checked fixture. Does not go live. */
void memory_bed_setup(void);
void memory_bed_teardown(void);

/* A group `pair` of b and c; quick; work. Of a store that has been opened. */
void memory_bed_make(void);
void memory_bed_go(void);

/* Ends in good order, and begins anew, a day later, with what the store has. */
void memory_bed_next_daemon(void);

/* The same, but the store cannot be read; and then it can be. */
void memory_bed_go_blind(void);
void memory_bed_read_late(void);
