/* SPDX-License-Identifier: MIT */
#pragma once
/* fake-thread: base/thread.c for tests of what happens when no thread can be had. Threads are real otherwise. */
#include "base/thread.h"

/* From now on creating fails with -EAGAIN after @n more threads; UINT_MAX: never. */
void fake_thread_allow(unsigned n);

/* Threads that have begun and not ended. */
unsigned fake_thread_alive(void);
