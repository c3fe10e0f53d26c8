/* SPDX-License-Identifier: MIT */
/* instances: a service with `instances` becomes a group of so many services, and so does the task that tells its health.
 *
 * The group has the name, and thus the place in other groups, the triggers and the overlap; what the process is, its
 * bounds and its hooks are of each instance, whose runs are judged and told one by one. Instances are made of the same
 * lines as their task was, {n} filled in, so that each is shown with its own values. This is the last step of loading:
 * until here nothing but the task is seen, by patterns, checks and lint alike; and what it leaves has more tasks than
 * sections.
 */
#include "config/load.h"

#include <stdio.h>

/* Everything of the group is in the memory of the task it was made of, for that is what other groups refer to. */
static void replace_task(struct task *task, struct task *by) {
        struct task old = *task;

        *task = *by;
        *by = old;
        by->n_ref = task->n_ref;
        task->n_ref = old.n_ref;
}

static int name_members(struct task *group) {
        group->members = calloc(2, sizeof(*group->members));
        if (!group->members || asprintf(&group->members[0], "%s@*", group->run.name) < 0)
                return -ENOMEM;
        return 0;
}

static int make_instance(struct load *load, struct raw_section *section, unsigned number, struct task *group,
                         struct run_member *members) {
        struct config *config = load->config;
        struct task *instance;
        int r;

        r = load_build_instance(load, section, number, &instance);
        if (r < 0)
                return r;
        config->tasks[config->n_tasks++] = instance;
        members[group->run.n_members++].spec = &task_ref(instance)->run;
        return 0;
}

/* Makes @n instances of the task of @section, which becomes the group of them. */
static int make_group(struct load *load, struct raw_section *section, unsigned n) {
        _cleanup_(task_unrefp) struct task *group = NULL;
        struct run_member *members;
        int r;

        r = load_build_whole(load, section, &group);
        if (r < 0)
                return r;
        members = calloc(n, sizeof(*members));
        if (!members)
                return -ENOMEM;
        group->run.members = members;
        group->run.policy = GROUP_SETTLE;
        group->run.bounds[BOUND_TOTAL_TIMEOUT] = USEC_INFINITY;
        group->run.is_service = section->task->run.is_service;
        group->on_start = section->task->on_start;
        group->manual = section->task->manual || section->health_of;
        r = name_members(group);
        for (unsigned i = 1; i <= n && r == 0; i++)
                r = make_instance(load, section, i, group, members);
        if (r == 0)
                replace_task(section->task, group);
        return r;
}

/* Each instance has a health task of its own. */
static int name_health(struct config *config, size_t first, size_t n) {
        for (size_t i = first; i < first + n; i++) {
                struct task *instance = config->tasks[i];
                char *name;

                if (asprintf(&name, "%s@%u", instance->service->health, instance->instance) < 0)
                        return -ENOMEM;
                free(instance->service->health);
                instance->service->health = name;
        }
        return 0;
}

static int expand(struct load *load, struct raw_section *section, unsigned n) {
        struct config *config = load->config;
        const char *health = section->task->service->health;
        struct raw_section *of_health = health ? load_find(load, SECTION_TASK, health) : NULL;
        size_t first = config->n_tasks;
        int r;

        r = make_group(load, section, n);
        if (r == 0 && of_health)
                r = name_health(config, first, n);
        if (r == 0 && of_health)
                r = make_group(load, of_health, n);
        return r;
}

static int compare_tasks(const void *a, const void *b) {
        return strcmp((*(struct task *const *)a)->run.name, (*(struct task *const *)b)->run.name);
}

int load_instances(struct load *load) {
        struct config *config = load->config;
        size_t n_sections = load->n_index[SECTION_TASK], n_new = 0;
        struct task **more;
        int r = 0;

        for (size_t i = 0; i < config->n_tasks; i++) {
                const struct service_part *service = config->tasks[i]->service;

                n_new += service ? (service->health ? 2 : 1) * service->instances : 0;
        }
        if (n_new == 0)
                return 0;
        more = realloc(config->tasks, (config->n_tasks + n_new) * sizeof(struct task *));
        if (!more)
                return -ENOMEM;
        config->tasks = more;
        for (size_t i = 0; i < n_sections && r == 0; i++) {
                struct raw_section *section = load->index[SECTION_TASK][i];
                unsigned n = section->task->service ? section->task->service->instances : 0;

                if (n > 0)
                        r = expand(load, section, n);
        }
        qsort(config->tasks, config->n_tasks, sizeof(struct task *), compare_tasks);
        return r == -EBADMSG ? 0 : r;
}
