/* SPDX-License-Identifier: MIT */
#pragma once
/* child_plan: a private copy of a child_spec, and what had to be looked up for it. For loop/child*.c only.
 *
 * Made on the loop, completed and used on a spawner thread; owned by its child, so that the caller of child_spawn() may
 * forget its strings at once and a child may be freed while a thread still reads them.
 */
#include "loop/child_user.h"

struct child_plan {
        struct child_spec spec; /* points into this allocation */
        /* Filled in by child_plan_complete(): */
        const char *notify;      /* "NOTIFY_SOCKET=…", or NULL; set before */
        char **env;              /* merged from all sources */
        struct child_user *user; /* NULL: that of the daemon */
        char *file_env;          /* the strings of the environment file */
};

/* Copies @spec. Returns 0 or -ENOMEM. */
int child_plan_new(const struct child_spec *spec, struct child_plan **ret);
struct child_plan *child_plan_free(struct child_plan *plan);
DEFINE_CLEANUP(struct child_plan, child_plan_free)

/* Looks the user and the group up, reads the environment file, both of which may take long, and merges the environment.
 * Returns 0, or -errno with @ret_step. */
int child_plan_complete(struct child_plan *plan, struct child_users *users, enum child_step *ret_step);
