/* SPDX-License-Identifier: MIT */
#pragma once
/* every: the arithmetic of `every`. Pure. */
#include "base/clock.h"

/* The first instant anchor + n·interval, n ≥ 1, that is later than @after. @interval ≥ 1. */
usec_t every_next(usec_t anchor, usec_t interval, usec_t after);

/* A delay in 0 … @splay - 1 that stays the same for the same machine, host and task; 0 when @splay is 0. */
usec_t every_splay(usec_t splay, const char *machine_id, const char *host, const char *task);
