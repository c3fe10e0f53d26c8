/* SPDX-License-Identifier: MIT */
/* diff: compares two configurations, and lets the second take over tasks of the first.
 *
 * Each task has a digest of what was written for it, taken when it was read; comparing these costs next to nothing,
 * also for a hundred thousand tasks. What a group's patterns mean is not in its own text, so its members are compared as well.
 *
 * A group that says the same of members that are not the same objects cannot be taken over, or it would go on with the
 * old members; it is taken as it is new, but nobody is told of a change. Members are looked at before their groups,
 * however the groups are nested.
 */
#include "config/diff.h"

#include "base/text.h"

#include <stdio.h>

/* What is known of a task of the new configuration. */
enum verdict {
        UNKNOWN,
        NEW,
        CHANGED,
        REBOUND,
        SAME,
};

struct differ {
        struct config *from;
        struct config *to;
        struct task **before; /* of each task of @to, the one of @from by its name, or NULL */
        enum verdict *verdicts;
        struct config_diff *diff;
};

const char *config_change_to_string(enum config_change change) {
        static const char *const names[_CONFIG_CHANGE_MAX] = {
                [CONFIG_ADDED] = "added",
                [CONFIG_REMOVED] = "removed",
                [CONFIG_CHANGED] = "changed",
                [CONFIG_REBOUND] = "unchanged",
        };

        return change < _CONFIG_CHANGE_MAX ? names[change] : "?";
}

/* ---- one task ---- */

static bool says_the_same(const struct task *a, const struct task *b) {
        return a->digest == b->digest && a->kind == b->kind && a->instance == b->instance &&
               a->written[0] == b->written[0] && a->written[1] == b->written[1] &&
               a->run.is_service == b->run.is_service && a->on_start == b->on_start &&
               run_same_members(&a->run, &b->run);
}

static size_t index_of(const struct config *config, const struct run_spec *spec) {
        size_t low = 0, high = config->n_tasks;

        while (high - low > 1) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(config->tasks[middle]->run.name, spec->name) <= 0)
                        low = middle;
                else
                        high = middle;
        }
        return low;
}

static enum verdict judge(struct differ *differ, size_t i) {
        const struct task *task = differ->to->tasks[i];
        enum verdict verdict = SAME;

        if (differ->verdicts[i] != UNKNOWN)
                return differ->verdicts[i];
        for (size_t k = 0; k < task->run.n_members; k++)
                if (judge(differ, index_of(differ->to, task->run.members[k].spec)) != SAME)
                        verdict = REBOUND;
        if (!differ->before[i])
                verdict = NEW;
        else if (!says_the_same(differ->before[i], task))
                verdict = CHANGED;
        differ->verdicts[i] = verdict;
        return verdict;
}

/* ---- all tasks ---- */

static void add_task(struct config_diff *diff, enum config_change change, struct task *from, struct task *to) {
        diff->tasks[diff->n_tasks++] = (struct task_change){
                .change = change,
                .from = from ? task_ref(from) : NULL,
                .to = to ? task_ref(to) : NULL,
        };
}

static void find_before(struct differ *differ) {
        const struct config *from = differ->from, *to = differ->to;

        for (size_t i = 0, k = 0; i < to->n_tasks; i++) {
                int order = -1;

                while (k < from->n_tasks && (order = strcmp(from->tasks[k]->run.name, to->tasks[i]->run.name)) < 0)
                        k++;
                if (k < from->n_tasks && order == 0)
                        differ->before[i] = from->tasks[k++];
        }
}

static void list_changes(struct differ *differ) {
        static const enum config_change changes[] = {
                [NEW] = CONFIG_ADDED, [CHANGED] = CONFIG_CHANGED, [REBOUND] = CONFIG_REBOUND
        };
        const struct config *from = differ->from, *to = differ->to;
        size_t i = 0, k = 0;

        while (i < to->n_tasks || k < from->n_tasks) {
                int order = i == to->n_tasks     ? 1
                            : k == from->n_tasks ? -1
                                                 : strcmp(to->tasks[i]->run.name, from->tasks[k]->run.name);

                if (order > 0) {
                        add_task(differ->diff, CONFIG_REMOVED, from->tasks[k++], NULL);
                        continue;
                }
                k += order == 0;
                if (differ->verdicts[i] == SAME)
                        differ->diff->n_same++;
                else
                        add_task(differ->diff, changes[differ->verdicts[i]], differ->before[i], to->tasks[i]);
                i++;
        }
}

/* Members that are taken over take the places of those that were read. */
static void rebind(struct differ *differ, const struct task *group) {
        for (size_t k = 0; k < group->run.n_members; k++) {
                struct run_member *member = (struct run_member *)&group->run.members[k];
                size_t i = index_of(differ->to, member->spec);

                if (differ->verdicts[i] != SAME)
                        continue;
                task_unref(task_of(member->spec));
                member->spec = &task_ref(differ->before[i])->run;
        }
}

static void take_over(struct differ *differ) {
        struct config *to = differ->to;

        for (size_t i = 0; i < to->n_tasks; i++) {
                differ->diff->origins[i] = (struct task_origin){
                        .file = to->tasks[i]->origin_file,
                        .line = to->tasks[i]->origin_line,
                };
                if (differ->verdicts[i] != SAME)
                        rebind(differ, to->tasks[i]);
        }
        for (size_t i = 0; i < to->n_tasks; i++)
                if (differ->verdicts[i] == SAME) {
                        task_unref(to->tasks[i]);
                        to->tasks[i] = task_ref(differ->before[i]);
                }
}

static int diff_tasks(struct config *from, struct config *to, struct config_diff *diff) {
        _cleanup_(freep) struct task **before = calloc(to->n_tasks + 1, sizeof(struct task *));
        _cleanup_(freep) enum verdict *verdicts = calloc(to->n_tasks + 1, sizeof(*verdicts));
        struct differ differ = { .from = from, .to = to, .before = before, .verdicts = verdicts, .diff = diff };

        diff->tasks = calloc(from->n_tasks + to->n_tasks + 1, sizeof(*diff->tasks));
        diff->origins = calloc(to->n_tasks + 1, sizeof(*diff->origins));
        if (!before || !verdicts || !diff->tasks || !diff->origins)
                return -ENOMEM;
        find_before(&differ);
        for (size_t i = 0; i < to->n_tasks; i++)
                (void)judge(&differ, i);
        list_changes(&differ);
        take_over(&differ);
        return 0;
}

/* ---- the values of keys ---- */

struct known_value {
        const char *key;
        char *text; /* as it may be shown */
        uint64_t digest;
};

struct key_values {
        struct known_value *values;
        size_t n;
        bool written_only; /* there is nothing to compare defaults with */
};

static void key_values_done(struct key_values *values) {
        for (size_t i = 0; i < values->n; i++)
                free(values->values[i].text);
        free(values->values);
}

static int collect(const struct key *key, const struct key_value *value, void *userdata) {
        struct key_values *values = userdata;
        struct known_value *more;
        char *text;

        if (values->written_only && !value->written)
                return 0;
        more = reallocarray(values->values, values->n + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        values->values = more;
        text = strdup(value->text);
        if (!text)
                return -ENOMEM;
        more[values->n++] = (struct known_value){ key->name, text, value->digest };
        return 0;
}

static const struct known_value *value_of(const struct key_values *values, const char *key) {
        for (size_t i = 0; i < values->n; i++)
                if (streq(values->values[i].key, key))
                        return &values->values[i];
        return NULL;
}

static bool is_restart(enum key_section section, const char *name) {
        size_t n;
        const struct key *keys = keys_of_section(section, &n);

        for (size_t i = 0; i < n; i++)
                if (streq(keys[i].name, name))
                        return keys[i].flags & KEY_RESTART;
        return false;
}

static int compare(enum key_section section, const struct key_values *from, const struct key_values *to,
                   key_change_fn fn, void *userdata) {
        int r = 0;

        for (size_t i = 0; i < from->n && r == 0; i++) {
                const struct known_value *old = &from->values[i], *new = value_of(to, old->key);

                if (!new || new->digest != old->digest)
                        r = fn(old->key, old->text, new ? new->text : NULL, is_restart(section, old->key), userdata);
        }
        for (size_t i = 0; i < to->n && r == 0; i++) {
                const struct known_value *new = &to->values[i];

                if (!value_of(from, new->key))
                        r = fn(new->key, NULL, new->text, is_restart(section, new->key), userdata);
        }
        return r;
}

#define MEMBERS_TEXT_MAX 300

static void name_members(const struct run_spec *group, char text[MEMBERS_TEXT_MAX]) {
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; i < group->n_members; i++) {
                if (n > MEMBERS_TEXT_MAX - 100) {
                        (void)snprintf(text + n, MEMBERS_TEXT_MAX - n, " and %zu more", group->n_members - i);
                        return;
                }
                n += (size_t)snprintf(text + n, MEMBERS_TEXT_MAX - n, "%s%s", i == 0 ? "" : " ",
                                      group->members[i].spec->name);
        }
}

/* What its patterns mean, or instances, has changed, and not what is written. */
static int tell_members(const struct task_change *change, const struct key_values *from, const struct key_values *to,
                        key_change_fn fn, void *userdata) {
        const struct known_value *old = value_of(from, "members"), *new = value_of(to, "members");
        char before[MEMBERS_TEXT_MAX], after[MEMBERS_TEXT_MAX];

        if (!old || !new || old->digest != new->digest || run_same_members(&change->from->run, &change->to->run))
                return 0;
        name_members(&change->from->run, before);
        name_members(&change->to->run, after);
        return streq(before, after) ? 0 : fn("members", before, after, false, userdata);
}

int task_change_for_each_key(const struct task_change *change, key_change_fn fn, void *userdata) {
        _cleanup_(key_values_done) struct key_values from = { .written_only = !change->to };
        _cleanup_(key_values_done) struct key_values to = { .written_only = !change->from };
        int r = 0;

        if (change->from)
                r = keys_for_each_value(change->from, collect, &from);
        if (r == 0 && change->to)
                r = keys_for_each_value(change->to, collect, &to);
        if (r == 0)
                r = compare(KEY_SECTION_TASK, &from, &to, fn, userdata);
        return r < 0 ? r : tell_members(change, &from, &to, fn, userdata);
}

int section_change_for_each_key(const struct section_change *change, key_change_fn fn, void *userdata) {
        _cleanup_(key_values_done) struct key_values from = { 0 }, to = { 0 };
        int r = 0;

        if (change->from)
                r = keys_for_each_section_value(change->section, change->from, collect, &from);
        if (r == 0 && change->to)
                r = keys_for_each_section_value(change->section, change->to, collect, &to);
        return r < 0 ? r : compare(change->section, &from, &to, fn, userdata);
}

/* ---- the other sections ---- */

struct section_look {
        unsigned n;
        bool needs_restart;
};

static int count_key(const char *key _unused_, const char *from _unused_, const char *to _unused_, bool needs_restart,
                     void *userdata) {
        struct section_look *look = userdata;

        look->n++;
        look->needs_restart |= needs_restart;
        return 0;
}

static int add_section(struct config_diff *diff, const struct section_change *change) {
        struct section_look look = { 0 };
        struct section_change *sections;
        int r;

        r = section_change_for_each_key(change, count_key, &look);
        if (r < 0 || (change->change == CONFIG_CHANGED && look.n == 0))
                return r;
        sections = reallocarray(diff->sections, diff->n_sections + 1, sizeof(*sections));
        if (!sections)
                return -ENOMEM;
        sections[diff->n_sections++] = *change;
        diff->sections = sections;
        diff->needs_restart |= look.needs_restart;
        return 0;
}

/* Sections of @size bytes each, whose first member is the name, by which they are sorted. */
static int diff_named(struct config_diff *diff, enum key_section section, const void *from, size_t n_from,
                      const void *to, size_t n_to, size_t size) {
        const char *a = from, *b = to, *a_end = a + n_from * size, *b_end = b + n_to * size;
        int r = 0;

        while ((a < a_end || b < b_end) && r == 0) {
                const char *a_name = a < a_end ? *(char *const *)(const void *)a : NULL;
                const char *b_name = b < b_end ? *(char *const *)(const void *)b : NULL;
                int order = !a_name ? 1 : !b_name ? -1 : strcmp(a_name, b_name);

                r = add_section(diff, &(const struct section_change){
                                              .change = order < 0   ? CONFIG_REMOVED
                                                        : order > 0 ? CONFIG_ADDED
                                                                    : CONFIG_CHANGED,
                                              .section = section,
                                              .from = order <= 0 ? a : NULL,
                                              .to = order >= 0 ? b : NULL,
                                              .name = order <= 0 ? a_name : b_name,
                                      });
                a += order <= 0 ? size : 0;
                b += order >= 0 ? size : 0;
        }
        return r;
}

static int diff_sections(const struct config *from, const struct config *to, struct config_diff *diff) {
        const struct section_change single[] = {
                { CONFIG_CHANGED, KEY_SECTION_DAEMON, &from->daemon, &to->daemon, "" },
                { CONFIG_CHANGED, KEY_SECTION_ACCESS, &from->access, &to->access, "" },
                { CONFIG_CHANGED, KEY_SECTION_STORE, &from->store, &to->store, "" },
                { CONFIG_CHANGED, KEY_SECTION_METRICS, &from->metrics, &to->metrics, "" },
        };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(single) && r == 0; i++)
                r = add_section(diff, &single[i]);
        if (r == 0)
                r = diff_named(diff, KEY_SECTION_LIMIT, from->limits, from->n_limits, to->limits, to->n_limits,
                               sizeof(struct limit_section));
        if (r == 0)
                r = diff_named(diff, KEY_SECTION_POOL, from->pools, from->n_pools, to->pools, to->n_pools,
                               sizeof(struct pool_section));
        return r;
}

/* ---- the whole ---- */

int config_diff(struct config *from, struct config *to, struct config_diff *ret) {
        struct config_diff diff = { 0 };
        int r;

        r = diff_sections(from, to, &diff);
        if (r == 0)
                r = diff_tasks(from, to, &diff);
        if (r < 0) {
                config_diff_done(&diff);
                return r;
        }
        diff.from = config_ref(from);
        diff.to = config_ref(to);
        *ret = diff;
        return 0;
}

void config_diff_done(struct config_diff *diff) {
        for (size_t i = 0; i < diff->n_tasks; i++) {
                task_unref(diff->tasks[i].from);
                task_unref(diff->tasks[i].to);
        }
        free(diff->tasks);
        free(diff->sections);
        free(diff->origins);
        config_unref(diff->from);
        config_unref(diff->to);
        *diff = (struct config_diff){ 0 };
}

struct diff_counts config_diff_count(const struct config_diff *diff) {
        struct diff_counts counts = { .unchanged = diff->n_same };

        for (size_t i = 0; i < diff->n_tasks; i++) {
                counts.added += diff->tasks[i].change == CONFIG_ADDED;
                counts.removed += diff->tasks[i].change == CONFIG_REMOVED;
                counts.changed += diff->tasks[i].change == CONFIG_CHANGED;
                counts.unchanged += diff->tasks[i].change == CONFIG_REBOUND;
        }
        return counts;
}
