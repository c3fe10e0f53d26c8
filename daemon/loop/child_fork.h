/* SPDX-License-Identifier: MIT */
#pragma once
/* child_fork: a child by a plain fork, where it cannot share our memory. For loop/child_exec.c only. */
#include "loop/child_birth.h"

/* Creates the process, on the calling thread, and waits until it has called exec or failed, as @birth->report then says.
 * Returns its pid, or -errno. */
int child_fork(struct child_birth *birth);
