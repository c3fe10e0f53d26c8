/* SPDX-License-Identifier: MIT */
#pragma once
/* fake-inspect: loop/child_inspect.c for tests of who asks: a test says what was found, and when. */
#include "loop/child_inspect.h"

/* Nobody asks, nothing is refused. */
void fake_inspect_reset(void);

/* child_inspect() returns -@error from now on; 0: no more. */
void fake_inspect_refuse(int error);

/* Who asks for @child now, and whether all of them want two looks. */
unsigned fake_inspect_count(const struct child *child);
bool fake_inspect_twice(const struct child *child);

/* Tells those who ask for @child. */
void fake_inspect_tell(const struct child *child, const struct child_processes *processes);
