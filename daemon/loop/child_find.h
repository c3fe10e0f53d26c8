/* SPDX-License-Identifier: MIT */
#pragma once
/* child_find: whose process it is: finds the child in whose tree a process is, for people who ask from inside of one.
 *
 * That reads /proc, which may block as long as the process does that is read about: a spawner thread does it, never the loop,
 * and only some at a time.
 */
#include "base/clock.h"

#include <sys/types.h>

struct child;
struct child_search;
struct spawner;

/* A process that was known at some time, and may have ended since. */
struct child_suspect {
        pid_t pid;
        int pidfd;            /* of it; -EBADF: there is none */
        usec_t begun_by_usec; /* then a process of this pid that began later, by the clock CLOCK_ID_BOOTTIME, is another */
};

/* Called once, in a later turn than child_find(). @child is borrowed; NULL: it is of no child, or has ended. */
typedef void (*child_found_fn)(struct child *child, void *arg);

/* Looks for the child of @spawner, NULL: there are none, that @suspect is of: by its cgroup, its parents and their sessions, or, when it has lost its parents, by
 * the marker of child_spec in its environment. Owns the pidfd from then on, also on error. Returns 0; -ENOENT: there are no
 * children; -ENOMEM. */
int child_find(struct spawner *spawner, const struct child_suspect *suspect, child_found_fn fn, void *arg,
               struct child_search **ret);

/* Its function is not called. Takes NULL and always returns NULL. */
struct child_search *child_search_cancel(struct child_search *search);
