/* SPDX-License-Identifier: MIT */
/* order: which members of a group come after which. */
#include "base/text.h"
#include "config/graph.h"
#include "config/members.h"

/* The members that member @index comes after. */
static int resolve_after(struct resolver *resolver, size_t owner, size_t index) {
        struct group *group = &resolver->groups[owner];
        size_t number = group->members[index];
        const struct task *task = task_at(resolver, number);
        size_t *after;

        if (!task->after)
                return 0;
        after = calloc(group->n_members, sizeof(*after));
        if (!after)
                return -ENOMEM;
        group->after[index] = after;
        for (size_t i = 0; i < group->n_members; i++) {
                bool met = false;

                for (size_t word = 0; task->after[word]; word++) {
                        if (i == index ||
                            !text_match(task->after[word], task_at(resolver, group->members[i])->run.name))
                                continue;
                        met = true;
                        resolver->placed[number] |= UINT64_C(1) << MIN(word, (size_t)63);
                }
                if (met)
                        after[group->n_after[index]++] = i;
        }
        if (group->n_after[index] > 0 && task_at(resolver, owner)->run.policy == GROUP_FIRST)
                load_tell_key(resolver->load, SEVERITY_ERROR, resolver->sections[number], "after",
                              "has no place in [%s], whose policy is first: its members start at once",
                              resolver->sections[owner]->title);
        return 0;
}

void name_cycle(const struct resolver *resolver, const size_t *cycle, size_t n, const size_t *numbers, char buf[256]) {
        size_t length = 0;

        for (size_t i = 0; i < n && length < 200; i++)
                length += (size_t)snprintf(buf + length, 256 - length, "%s%s", i > 0 ? ", " : "",
                                           task_at(resolver, numbers ? numbers[cycle[i]] : cycle[i])->run.name);
}

static void on_order_cycle(const size_t *cycle, size_t n, void *arg) {
        const struct resolver *resolver = arg;
        size_t number = resolver->group->members[cycle[0]];
        char names[256];

        name_cycle(resolver, cycle, n, resolver->group->members, names);
        load_tell_key(resolver->load, SEVERITY_ERROR, resolver->sections[number], "after",
                      "each of these waits for the next, and the last for the first: %s", names);
}

int resolve_order(struct resolver *resolver, size_t owner) {
        struct group *group = &resolver->groups[owner];
        struct graph graph = { .n = group->n_members };
        int r = 0;

        group->after = calloc(group->n_members + 1, sizeof(*group->after));
        group->n_after = calloc(group->n_members + 1, sizeof(*group->n_after));
        if (!group->after || !group->n_after)
                return -ENOMEM;
        for (size_t i = 0; i < group->n_members && r == 0; i++)
                r = resolve_after(resolver, owner, i);
        if (r < 0)
                return r;
        graph.to = (const size_t *const *)group->after;
        graph.n_to = group->n_after;
        resolver->group = group;
        return graph_find_cycles(&graph, on_order_cycle, resolver, NULL);
}

/* Whether @word stands for tasks that are disabled or were not made: they are left out of their groups, and waited for by
 * nobody. */
static bool is_left_out(const struct resolver *resolver, const char *word) {
        const struct load *load = resolver->load;

        if (!is_pattern(word)) {
                const struct raw_section *section = load_find(load, SECTION_TASK, word);

                return section && (!section->task || !section->task->enabled);
        }
        for (size_t i = 0; i < resolver->n; i++) {
                if (!task_at(resolver, i)->enabled && text_match(word, task_at(resolver, i)->run.name))
                        return true;
        }
        return count_unmade(resolver, word) > 0;
}

/* Words of `after` that were met in no group. */
void check_placed(struct resolver *resolver, size_t number) {
        const struct raw_section *section = resolver->sections[number];
        const struct task *task = task_at(resolver, number);

        if (!task->after || !task->enabled || !raw_section_find(section, "after"))
                return;
        if (!section->member && !resolver->unknown) {
                load_tell_key(resolver->load, SEVERITY_ERROR, section, "after",
                              "is for members of groups, and no group has this one");
                return;
        }
        for (size_t i = 0; task->after[i] && i < 64; i++) {
                const char *word = task->after[i];

                if (resolver->placed[number] >> i & 1 || is_left_out(resolver, word))
                        continue;
                if (streq(word, task->run.name))
                        load_tell_key(resolver->load, SEVERITY_ERROR, section, "after", "names itself");
                else if (!is_pattern(word) && !load_require(resolver->load, SECTION_TASK, word, section, "after"))
                        continue;
                /* It may be among the members that are not known. */
                else if (resolver->unknown)
                        continue;
                else if (is_pattern(word))
                        load_tell_key(resolver->load, SEVERITY_ERROR, section, "after",
                                      "no member of its groups matches %s", load_shown(section, "after", word));
                else
                        load_tell_key(resolver->load, SEVERITY_ERROR, section, "after",
                                      "%s is in no group together with this one", load_shown(section, "after", word));
        }
}
