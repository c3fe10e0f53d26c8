/* SPDX-License-Identifier: MIT */
#pragma once
/* faults: the n-th call that may fail does, on whatever thread, also in a child between clone and exec.
 *
 * A program that is linked with $(fault_wraps) has every call below counted: while faults are armed, and neither by libc nor
 * by other libraries.
 */
#include <stdbool.h>

/* The @n-th call from now on fails with @error; those that do not take it for an answer (fork: ENOMEM …) with theirs. */
void faults_arm(unsigned n, int error);

/* What failed, by name, or NULL when there were fewer calls. */
const char *faults_disarm(void);
