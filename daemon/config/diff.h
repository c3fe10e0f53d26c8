/* SPDX-License-Identifier: MIT */
#pragma once
/* diff: what a new configuration changes of the one before it.
 *
 * A task of which both say the same is taken over: the new configuration then has the very object of the old one, with all
 * that it is bound to, so that whoever goes from one to the other need not touch it. What groups refer to follows.
 */
#include "config/config.h"
#include "config/keys.h"

enum config_change {
        CONFIG_ADDED,
        CONFIG_REMOVED,
        CONFIG_CHANGED,
        CONFIG_REBOUND, /* a group: nothing that is written, but one of its members is another object */
        _CONFIG_CHANGE_MAX,
};

/* "added"; of CONFIG_REBOUND "unchanged". */
const char *config_change_to_string(enum config_change change);

struct task_change {
        enum config_change change;
        struct task *from; /* a reference; NULL: it is new */
        struct task *to;   /* a reference; NULL: it is gone */
};

/* [daemon], [access], [store], a limit or a pool. */
struct section_change {
        enum config_change change;
        enum key_section section;
        const void *from; /* in the old configuration, or NULL */
        const void *to;   /* in the new one, or NULL */
        const char *name; /* of either; "" for those of which there is one */
};

/* Where a task that stays is written now. */
struct task_origin {
        const char *file;
        unsigned line;
};

struct config_diff {
        struct config *from; /* references */
        struct config *to;
        struct task_change *tasks; /* by name */
        size_t n_tasks;
        struct section_change *sections;
        size_t n_sections;
        struct task_origin *origins; /* of all tasks of @to, in their order */
        size_t n_same;               /* tasks */
        bool needs_restart;          /* a key was changed that is read only when the daemon starts */
};

/* Compares, and has @to take over what is the same. @to must not be in use yet. Both references are taken; what is free to be
 * called on any thread: that of @from must hold a reference meanwhile. Returns 0 or -ENOMEM; @to is then of no use. */
int config_diff(struct config *from, struct config *to, struct config_diff *ret);

/* Not of a @to that was taken over: on the thread of the loop if its tasks are bound. Harmless on a zeroed one. */
void config_diff_done(struct config_diff *diff);

struct diff_counts {
        size_t added, removed, changed, unchanged; /* tasks */
};

struct diff_counts config_diff_count(const struct config_diff *diff);

/* Calls @fn for each key whose value differs, as it would be written; NULL: none. Secrets are not shown: of these both are
 * the same text. @needs_restart: only the daemon's next start reads it. Stops when @fn returns non-zero and returns that;
 * -ENOMEM. */
typedef int (*key_change_fn)(const char *key, const char *from, const char *to, bool needs_restart, void *userdata);
int task_change_for_each_key(const struct task_change *change, key_change_fn fn, void *userdata);
int section_change_for_each_key(const struct section_change *change, key_change_fn fn, void *userdata);
