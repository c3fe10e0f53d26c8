/* SPDX-License-Identifier: MIT */
/* check_services: what services mean for the groups they are in, for the tasks that look after them, and for those that
 * would start them.
 *
 * A group holds a service when a member is one, or holds one. If such a member is not in the background, the group is
 * meant to stay up as well: it starts with the daemon, is ready when its members are, and has no default bound.
 */
#include "config/members.h"
#include "task/kind.h"

/* Of each task by its number. */
enum holds {
        HOLDS_NONE,
        HOLDS_BACKGROUND, /* only services that are cancelled when the jobs of the group are done */
        HOLDS_SERVICE,    /* or is one */
};

static enum holds of_members(const struct resolver *resolver, size_t owner, const enum holds *holds) {
        const struct group *group = &resolver->groups[owner];
        enum holds most = HOLDS_NONE;

        for (size_t i = 0; i < group->n_members; i++) {
                enum holds member = holds[group->members[i]];

                if (member == HOLDS_SERVICE && group->background[i])
                        member = HOLDS_BACKGROUND;
                most = MAX(most, member);
        }
        return most;
}

/* Groups may be in groups, by mistake also in themselves: goes on until nothing changes. */
static void find_holders(const struct resolver *resolver, enum holds *holds) {
        bool changed = false;

        for (size_t i = 0; i < resolver->n; i++) {
                holds[i] = task_at(resolver, i)->service ? HOLDS_SERVICE : HOLDS_NONE;
                changed |= holds[i] != HOLDS_NONE;
        }
        while (changed) {
                changed = false;
                for (size_t i = 0; i < resolver->n; i++) {
                        enum holds now;

                        if (!task_at(resolver, i)->run.is_group)
                                continue;
                        now = of_members(resolver, i, holds);
                        changed |= now > holds[i];
                        holds[i] = MAX(holds[i], now);
                }
        }
}

/* What is meant to stay up is started at the start, unless something else says when. */
static void start_with_daemon(const struct raw_section *section, struct task *task) {
        if (!task_has_trigger(task) && !section->member && !task->manual && !task_key_is_written(task, "on-start"))
                task->on_start = true;
}

/* ---- groups ---- */

static void check_holder(struct load *load, const struct raw_section *section, struct task *group, enum holds holds) {
        if (!raw_section_may_have(section, "policy"))
                load_tell_key(load, SEVERITY_ERROR, section, "policy",
                              "must be written where a member is a service (settle: each is on its own; all: a final "
                              "failure ends the others)");
        if (holds != HOLDS_SERVICE)
                return;
        group->run.is_service = true;
        load_check_stale(load, section, group);
        start_with_daemon(section, group);
        if (group->run.default_bounds & 1u << BOUND_TOTAL_TIMEOUT)
                group->run.bounds[BOUND_TOTAL_TIMEOUT] = USEC_INFINITY;
}

/* ---- services ---- */

/* Whose health @section has been said to tell already; makes it that of @service. */
static void check_health(struct load *load, const struct raw_section *section, const struct task *service) {
        const char *name = service->service->health;
        struct raw_section *found = name ? load_require(load, SECTION_TASK, name, section, "health") : NULL;
        struct task *task = found ? found->task : NULL;
        const char *wrong = NULL;

        if (!task)
                return;
        if (task->run.is_group)
                wrong = "is a group, and it takes a task";
        else if (task->service)
                wrong = "is a service, and it takes a task that comes to an end";
        else if (!task->enabled)
                wrong = "is disabled";
        else if (task->every_usec == 0)
                wrong = "has no every, which says how often it looks";
        if (wrong)
                load_tell_key(load, SEVERITY_ERROR, section, "health", "%s %s", load_shown(section, "health", name),
                              wrong);
        else if (found->health_of)
                load_tell_key(load, SEVERITY_ERROR, section, "health", "%s tells the health of [%s] already",
                              load_shown(section, "health", name), found->health_of->title);
        found->health_of = section;
        if (found->task) /* when it is due is said by the service */
                found->task->digest += load_digest(0, section->name, 1);
}

static void check_service(struct load *load, const struct raw_section *section, struct task *task) {
        check_health(load, section, task);
        if (task->service->instances > 0 && task->exec->shell && strstr(task->exec->shell, "{n}"))
                load_tell_key(load, SEVERITY_ERROR, section, "shell",
                              "{n} would become a part of the script (write \"$TENDD_INSTANCE\")");
        start_with_daemon(section, task);
}

/* ---- hooks ---- */

static void check_hooks(struct resolver *resolver, size_t number, const enum holds *holds) {
        const struct raw_section *section = resolver->sections[number];

        for (size_t i = 0; i < LOAD_HOOK_KEYS; i++) {
                const struct hooks *hooks = load_hooks_of(task_at(resolver, number), &load_hook_keys[i]);

                for (size_t k = 0; k < hooks->n; k++) {
                        const char *name = hooks->items[k].task;
                        const struct raw_section *found = load_find(resolver->load, SECTION_TASK, name);

                        if (found && found->task && holds[found->number] == HOLDS_SERVICE)
                                load_tell_key(resolver->load, SEVERITY_ERROR, section, load_hook_keys[i].key,
                                              "%s is meant to stay up, and a hook comes to an end",
                                              load_shown(section, load_hook_keys[i].key, name));
                }
        }
}

int check_services(struct resolver *resolver) {
        _cleanup_(freep) enum holds *holds = calloc(resolver->n + 1, sizeof(*holds));
        bool hooked = false;

        if (!holds)
                return -ENOMEM;
        find_holders(resolver, holds);
        for (size_t i = 0; i < resolver->n; i++) {
                struct task *task = task_at(resolver, i);

                if (holds[i] == HOLDS_NONE)
                        continue;
                hooked |= resolver->sections[i]->hooked;
                if (task->service)
                        check_service(resolver->load, resolver->sections[i], task);
                else
                        check_holder(resolver->load, resolver->sections[i], task, holds[i]);
        }
        for (size_t i = 0; hooked && i < resolver->n; i++)
                check_hooks(resolver, i, holds);
        return 0;
}
