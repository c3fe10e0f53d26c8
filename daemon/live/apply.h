/* SPDX-License-Identifier: MIT */
#pragma once
/* apply: goes over from the configuration there is to another one, while everything runs. */
#include "config/diff.h"
#include "live/live.h"

/* Has @live go by @diff->to, of which @diff->from is its present configuration, whole or not at all. @by: who asked, for runs
 * that are stopped because of it. Not from inside the run tree's callbacks. Returns 0, -ENOMEM, -errno of what could not be made. */
int live_apply(struct live *live, const struct config_diff *diff, const char *by);

/* How often that was done: who keeps an index of a task over turns compares it. */
uint64_t live_generation(const struct live *live);

/* The configuration there is. */
struct config *live_config(const struct live *live);

/* Whether @run cannot become what its task is by now: a group whose list of members is another one, or a service that has
 * become a group, or the reverse. It goes on until another run takes its place. */
bool live_must_begin_anew(const struct run *run);

/* A service, or the group of its instances, that runs as an earlier configuration said, or a group that has other members by
 * now. */
bool live_task_is_outdated(const struct live_task *task);
