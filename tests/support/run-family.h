/* SPDX-License-Identifier: MIT */
#pragma once
/* run-family: the fake tasks that most tests of the run tree are about, made anew by each.
 *
 * Jobs a, b and c; g, a group of a and b; h, a group of g and c. Or, with family_make_group(): g, a group of the first
 * @n of m[0] … m[3], and h, a group of g alone. A test may change any of it before it starts one.
 */
#include "support/run-fixture.h"

#define FAMILY_MEMBERS 4

extern struct fake_task a, b, c, g, h;
extern struct fake_task m[FAMILY_MEMBERS];        /* "m0" … */
extern struct run_member members[FAMILY_MEMBERS]; /* of g */
extern struct run_member outer[2];                /* of h */

void family_make(void);
void family_make_group(enum group_policy policy, size_t n);

/* Ends m[@i] in run g#1. */
void family_end(size_t i, enum error_kind error);
