/* SPDX-License-Identifier: MIT */
#pragma once
/* child_user: who a child is to be. For loop/child*.c and loop/spawner.c only.
 *
 * Looking a user up reads files or asks a server, and a fan-out would do so for each of its thousands of runs. So an
 * answer is kept for a second, by user and group; that there is none is never kept. All functions may be called by any
 * thread.
 */
#include "loop/child.h"

struct child_users;

/* Constant, and shared by those that got it. */
struct child_user {
        bool change; /* false: it is who the daemon is, and what follows is not needed */
        uid_t uid;
        gid_t gid;
        gid_t *groups;
        int n_groups;
        char *env; /* NULL, or the strings of HOME, USER, LOGNAME, SHELL, ended by an empty one */
};

int child_users_new(struct child_users **ret); /* 0 or -ENOMEM */
struct child_users *child_users_free(struct child_users *users);

/* Looks @name up, and @group unless it is NULL: then it is the user's own. May take long. Returns 0, or -errno with
 * @ret_step: -ESRCH when there is none of that name. */
int child_users_get(struct child_users *users, const char *name, const char *group, struct child_user **ret,
                    enum child_step *ret_step);

/* Whoever @identity says; @ret is the caller's own. Returns 0 or -ENOMEM. */
int child_user_new(const struct child_identity *identity, struct child_user **ret);

/* NULL is nobody. Always returns NULL. */
struct child_user *child_user_unref(struct child_user *user);
DEFINE_CLEANUP(struct child_user, child_user_unref)
