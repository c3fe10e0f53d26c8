/* SPDX-License-Identifier: MIT */
/* members: who is in a group, and in which order.
 *
 * Names and patterns are resolved to numbers of tasks first, cycles are looked for in those, and only a configuration
 * without any mistake is bound together: groups hold references to their members, so a cycle would never be freed.
 */
#include "config/members.h"

#include "base/text.h"
#include "config/graph.h"

/* Groups in groups. The names of runs show them all. */
#define GROUP_DEPTH_MAX 8

static void group_done(struct group *group) {
        for (size_t i = 0; group->after && i < group->n_members; i++)
                free(group->after[i]);
        free(group->after);
        free(group->n_after);
        free(group->background);
        free(group->members);
}

static void resolver_done(struct resolver *resolver) {
        for (size_t i = 0; resolver->groups && i < resolver->n; i++)
                group_done(&resolver->groups[i]);
        free(resolver->groups);
        free(resolver->sections);
        free(resolver->seen);
        free(resolver->placed);
}

/* ---- who ---- */

static int add_member(struct resolver *resolver, size_t owner, size_t number) {
        struct group *group = &resolver->groups[owner];

        if (resolver->seen[number] == owner + 1)
                return 0;
        resolver->seen[number] = owner + 1;
        resolver->sections[number]->member = true;
        if (!task_at(resolver, number)->enabled)
                return 0;
        if ((group->n_members & (group->n_members - 1)) == 0) {
                size_t *more = realloc(group->members, (group->n_members ? 2 * group->n_members : 1) * sizeof(*more));

                if (!more)
                        return -ENOMEM;
                group->members = more;
        }
        group->members[group->n_members++] = number;
        return 0;
}

static void add_unknown(struct resolver *resolver, size_t owner, size_t n) {
        struct group *group = &resolver->groups[owner];

        group->n_unknown = n > SIZE_MAX - group->n_unknown ? SIZE_MAX : group->n_unknown + n;
        resolver->unknown |= n > 0;
}

/* The first task whose name is not before the @length letters of @prefix. */
static size_t lower_bound(const struct resolver *resolver, const char *prefix, size_t length) {
        size_t low = 0, high = resolver->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strncmp(task_at(resolver, middle)->run.name, prefix, length) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

size_t count_unmade(const struct resolver *resolver, const char *pattern) {
        const struct load *load = resolver->load;
        size_t n = 0;

        for (size_t i = 0; load->n_index[SECTION_TASK] > resolver->n && i < load->n_index[SECTION_TASK]; i++) {
                const struct raw_section *section = load->index[SECTION_TASK][i];

                n += !section->task && text_match(pattern, section->name);
        }
        return n;
}

static int add_pattern(struct resolver *resolver, size_t owner, const char *pattern) {
        size_t prefix = strcspn(pattern, "*?"), n_unmade = count_unmade(resolver, pattern);
        bool found = n_unmade > 0;
        int r = 0;

        add_unknown(resolver, owner, n_unmade);

        for (size_t i = lower_bound(resolver, pattern, prefix); i < resolver->n && r == 0; i++) {
                const char *name = task_at(resolver, i)->run.name;

                if (strncmp(name, pattern, prefix) != 0)
                        break;
                if (i == owner || !text_match(pattern, name))
                        continue;
                found = true;
                r = add_member(resolver, owner, i);
        }
        if (!found) {
                add_unknown(resolver, owner, SIZE_MAX);
                load_tell_key(resolver->load, SEVERITY_ERROR, resolver->sections[owner], "members",
                              "no task or group matches %s", load_shown(resolver->sections[owner], "members", pattern));
        }
        return r;
}

static int resolve_group(struct resolver *resolver, size_t owner) {
        const struct raw_section *section = resolver->sections[owner];
        const struct task *task = task_at(resolver, owner);
        int r = 0;

        if (!task->members) {
                if (!raw_section_may_have(section, "members"))
                        load_tell_key(resolver->load, SEVERITY_ERROR, section, "members",
                                      "is missing (names of tasks or groups)");
                add_unknown(resolver, owner, SIZE_MAX);
                return 0;
        }
        for (char **word = task->members; *word && r == 0; word++) {
                struct raw_section *found;

                if (is_pattern(*word)) {
                        r = add_pattern(resolver, owner, *word);
                        continue;
                }
                found = load_require(resolver->load, SECTION_TASK, *word, section, "members");
                if (found && found->task)
                        r = add_member(resolver, owner, found->number);
                else
                        add_unknown(resolver, owner, 1);
        }
        return r;
}

static bool has_word(const strv words, const char *word) {
        for (size_t i = 0; words && words[i]; i++) {
                if (streq(words[i], word))
                        return true;
        }
        return false;
}

static void mark_background(struct resolver *resolver, size_t owner, const char *word) {
        struct group *group = &resolver->groups[owner];
        const struct raw_section *section = resolver->sections[owner];
        bool found = false;

        for (size_t i = 0; i < group->n_members; i++) {
                if (text_match(word, task_at(resolver, group->members[i])->run.name))
                        group->background[i] = found = true;
        }
        if (found || has_word(task_at(resolver, owner)->members, word))
                return;
        if (group->n_unknown == 0)
                load_tell_key(resolver->load, SEVERITY_ERROR, section, "background", "%s is no member of the group",
                              load_shown(section, "background", word));
        else if (!is_pattern(word))
                (void)load_require(resolver->load, SECTION_TASK, word, section, "background");
}

static int resolve_background(struct resolver *resolver, size_t owner) {
        const struct task *task = task_at(resolver, owner);
        struct group *group = &resolver->groups[owner];
        size_t n = 0;

        group->background = calloc(group->n_members + 1, sizeof(bool));
        if (!group->background)
                return -ENOMEM;
        for (char **word = task->background; word && *word; word++)
                mark_background(resolver, owner, *word);
        for (size_t i = 0; i < group->n_members; i++)
                n += !group->background[i];
        if (n == 0 && group->n_members > 0 && group->n_unknown == 0)
                load_tell_key(resolver->load, SEVERITY_ERROR, resolver->sections[owner], "background",
                              "is every member, so that the group would end at once");
        if (task->run.policy == GROUP_QUORUM && group->n_unknown < SIZE_MAX - n &&
            task->run.quorum > n + group->n_unknown)
                load_tell_key(resolver->load, SEVERITY_ERROR, resolver->sections[owner], "policy",
                              "asks for %u that are ok, but only %zu members can be", task->run.quorum,
                              n + group->n_unknown);
        return 0;
}

/* ---- groups in groups ---- */

static void on_member_cycle(const size_t *cycle, size_t n, void *arg) {
        const struct resolver *resolver = arg;
        char names[256];

        name_cycle(resolver, cycle, n, NULL, names);
        load_tell_key(resolver->load, SEVERITY_ERROR, resolver->sections[cycle[0]], "members",
                      "each of these has the next as a member, and the last the first: %s", names);
}

static int check_nesting(struct resolver *resolver) {
        _cleanup_(freep) const size_t **to = calloc(resolver->n + 1, sizeof(*to));
        _cleanup_(freep) size_t *n_to = calloc(resolver->n + 1, sizeof(*n_to));
        struct graph graph = { .n = resolver->n, .to = to, .n_to = n_to };
        size_t before = resolver->load->diagnostics->counts[SEVERITY_ERROR], depth = 0;
        int r;

        if (!to || !n_to)
                return -ENOMEM;
        for (size_t i = 0; i < resolver->n; i++) {
                to[i] = resolver->groups[i].members;
                n_to[i] = resolver->groups[i].n_members;
        }
        r = graph_find_cycles(&graph, on_member_cycle, resolver, &depth);
        if (r < 0)
                return r;
        if (depth > GROUP_DEPTH_MAX + 1 && resolver->load->diagnostics->counts[SEVERITY_ERROR] == before)
                diagnostics_add(resolver->load->diagnostics, SEVERITY_ERROR,
                                &(struct diagnostic_place){ .file = resolver->load->main_file, .key = "members" },
                                "groups are nested %zu deep (at most %d)", depth - 1, GROUP_DEPTH_MAX);
        return 0;
}

/* ---- binding ---- */

/* Copies indices to the type that runs use. */
static int bind_after(const size_t *after, size_t n, struct run_member *member) {
        unsigned *copy = calloc(n + 1, sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                copy[i] = (unsigned)after[i];
        member->after = copy;
        member->n_after = n;
        return 0;
}

static int bind_group(struct resolver *resolver, size_t owner) {
        struct group *group = &resolver->groups[owner];
        struct task *task = task_at(resolver, owner);
        struct run_member *members = calloc(group->n_members + 1, sizeof(*members));

        if (!members)
                return -ENOMEM;
        task->run.members = members;
        for (size_t i = 0; i < group->n_members; i++) {
                members[i].spec = &task_ref(task_at(resolver, group->members[i]))->run;
                task->run.n_members++;
                members[i].background = group->background[i];
                if (group->n_after[i] > 0 && bind_after(group->after[i], group->n_after[i], &members[i]) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int resolve(struct resolver *resolver) {
        bool groups = false;
        int r = 0;

        for (size_t i = 0; i < resolver->n && r == 0; i++) {
                if (!task_at(resolver, i)->run.is_group)
                        continue;
                groups = true;
                r = resolve_group(resolver, i);
                if (r == 0)
                        r = resolve_background(resolver, i);
                if (r == 0)
                        r = resolve_order(resolver, i);
        }
        if (r == 0 && groups)
                r = check_nesting(resolver);
        if (r < 0)
                return r;
        for (size_t i = 0; i < resolver->n; i++)
                check_placed(resolver, i);
        r = check_services(resolver);
        for (size_t i = 0; i < resolver->n && r == 0 && resolver->load->diagnostics->counts[SEVERITY_ERROR] == 0; i++) {
                if (task_at(resolver, i)->run.is_group)
                        r = bind_group(resolver, i);
        }
        return r;
}

int load_members(struct load *load) {
        size_t n = load->config->n_tasks;
        _cleanup_(resolver_done) struct resolver resolver = {
                .load = load,
                .sections = calloc(n + 1, sizeof(struct raw_section *)),
                .n = n,
                .groups = calloc(n + 1, sizeof(struct group)),
                .seen = calloc(n + 1, sizeof(size_t)),
                .placed = calloc(n + 1, sizeof(uint64_t)),
        };

        if (!resolver.sections || !resolver.groups || !resolver.seen || !resolver.placed)
                return -ENOMEM;
        for (size_t i = 0; i < load->n_index[SECTION_TASK]; i++) {
                struct raw_section *section = load->index[SECTION_TASK][i];

                if (section->task)
                        resolver.sections[section->number] = section;
        }
        return resolve(&resolver);
}
