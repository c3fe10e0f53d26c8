/* SPDX-License-Identifier: MIT */
#pragma once
/* members: what is found out of groups while a configuration is loaded. Private to config/.
 *
 * Tasks are numbers here, those of config->tasks.
 */
#include "config/load.h"

/* Of each task by its number; empty but for groups. */
struct group {
        size_t *members; /* numbers of tasks, each once, in the order written */
        size_t n_members;
        size_t n_unknown; /* members that a mistake, which has been told, keeps out; SIZE_MAX: any number */
        bool *background;
        size_t **after; /* of each member: indices of members */
        size_t *n_after;
};

struct resolver {
        struct load *load;
        struct raw_section **sections; /* by the number of the task */
        size_t n;
        struct group *groups;
        size_t *seen;        /* of each task: the group that it was last found for, plus one */
        uint64_t *placed;    /* of each task: bit n is set when word n of its `after` was met in some group */
        bool unknown;        /* some group has unknown members */
        struct group *group; /* the one whose order is looked at, for on_order_cycle() */
};

/* Resolves the `after` of the members of the group @owner. Returns 0, also after mistakes, or -ENOMEM. */
int resolve_order(struct resolver *resolver, size_t owner);

/* Tells the words of the `after` of a task that were met in none of its groups, once all are resolved. */
void check_placed(struct resolver *resolver, size_t number);

/* How many tasks that were not made, because of mistakes in them, match @pattern. */
size_t count_unmade(const struct resolver *resolver, const char *pattern);

/* Checks services and what holds them, once the members of groups are known. Returns 0, also after mistakes, or
 * -ENOMEM. */
int check_services(struct resolver *resolver);

/* The names of the tasks of a cycle, "a, b, c"; with @numbers, those of its elements. */
void name_cycle(const struct resolver *resolver, const size_t *cycle, size_t n, const size_t *numbers, char buf[256]);

static inline struct task *task_at(const struct resolver *resolver, size_t number) {
        return resolver->load->config->tasks[number];
}

static inline bool is_pattern(const char *text) {
        return strpbrk(text, "*?");
}
