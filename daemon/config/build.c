/* SPDX-License-Identifier: MIT */
/* build: makes the structures of a configuration of its sections.
 *
 * A task takes its keys from its own section, then from the one that it `use`s, then from [defaults]: what was written
 * nearest wins, and a list replaces a list. Keys of defaults sections that are for other kinds of tasks are passed over;
 * that each of them is well formed has been checked once before.
 */
#include "base/text.h"
#include "config/load.h"
#include "task/kind.h"

#include <sched.h>
#include <stdio.h>

/* ---- tasks: which kind ---- */

static bool is_main_key(const struct kind *kind, const char *name) {
        size_t length = strlen(name), n;

        for (const char *at = kind->main_keys; *at; at += n + (at[n] == ' ')) {
                n = strcspn(at, " ");
                if (n == length && memcmp(at, name, n) == 0)
                        return true;
        }
        return false;
}

/* The sections a task takes keys from, nearest first. */
struct layers {
        struct raw_section *sections[3];
        size_t n;
};

static void find_layers(struct load *load, struct raw_section *section, struct layers *layers) {
        struct raw_key *raw = raw_section_find(section, "use");
        struct raw_section *global = load_find(load, SECTION_DEFAULTS, "");
        _cleanup_(text_strv_freep) char **words = NULL;

        layers->n = 0;
        layers->sections[layers->n++] = section;
        if (raw && load_words(load, section, raw, &words) == 0) {
                struct raw_section *used = NULL;

                if (!words[0] || words[1] || !text_is_name(words[0]))
                        load_tell_key(load, SEVERITY_ERROR, section, "use",
                                      "takes one name of a section [defaults NAME]");
                else
                        used = load_require(load, SECTION_DEFAULTS, words[0], section, "use");
                if (used) {
                        used->used = true;
                        layers->sections[layers->n++] = used;
                }
        }
        if (global) {
                global->used = true;
                layers->sections[layers->n++] = global;
        }
        for (size_t i = 1; i < layers->n; i++)
                section->defaults[i - 1] = layers->sections[i];
}

/* The kind of `type`, or of the main keys in @section; NULL: it says nothing of that, or contradicts itself (told). */
static const struct kind *find_kind(struct load *load, struct raw_section *section, bool *bad) {
        struct raw_key *type = raw_section_find(section, "type"), *first = NULL;
        const struct kind *found = NULL;

        for (struct raw_key *raw = section->keys; raw; raw = raw->next) {
                const struct key *row = raw->rows ? raw->rows[0] : NULL;

                if (!row || row->scope != KEY_KIND || !is_main_key(row->kind, raw->name))
                        continue;
                if (first) {
                        load_tell_key(load, SEVERITY_ERROR, section, raw->name,
                                      "there is %s already, and a task does one thing", first->name);
                        *bad = true;
                }
                first = raw;
                found = row->kind;
        }
        if (type && !*bad) {
                struct task written = { 0 };

                if (load_assign(load, section, type, type->rows[0], &written, NULL) < 0) {
                        *bad = true;
                } else if (found && found != written.kind) {
                        load_tell_key(load, SEVERITY_ERROR, section, "type", "is %s, but %s makes it %s",
                                      written.kind->name, first->name, found->name);
                        *bad = true;
                } else {
                        found = written.kind;
                }
        }
        return *bad ? NULL : found;
}

bool raw_section_may_have_main_key(const struct raw_section *section, const struct kind *kind) {
        char names[64], *rest = names, *name;

        (void)snprintf(names, sizeof(names), "%s", kind->main_keys);
        while ((name = strsep(&rest, " "))) {
                if (raw_section_may_have(section, name))
                        return true;
        }
        return false;
}

/* Whether what would say the kind is behind a mistake that has been told. */
static bool may_say_kind(const struct raw_section *section) {
        for (size_t i = 0; kinds[i]; i++) {
                if (raw_section_may_have_main_key(section, kinds[i]))
                        return true;
        }
        return raw_section_may_have(section, "type") || (raw_section_find(section, "use") && !section->defaults[0]);
}

static const struct kind *derive_kind(struct load *load, const struct layers *layers) {
        const struct kind *kind = NULL;
        bool bad = false;

        for (size_t i = 0; i < layers->n && !kind && !bad; i++)
                kind = find_kind(load, layers->sections[i], &bad);
        if (!kind && !bad && !may_say_kind(layers->sections[0]))
                load_tell_key(load, SEVERITY_ERROR, layers->sections[0], NULL,
                              "does not say what to do (command, shell, url, connect, resolve or path)");
        return kind;
}

/* ---- tasks: keys ---- */

static bool get_bit(const uint64_t bits[2], size_t n) {
        return bits[n / 64] >> n % 64 & 1;
}

static void set_bit(uint64_t bits[2], size_t n) {
        bits[n / 64] |= UINT64_C(1) << n % 64;
}

/* What the key is for instead, for the message that it does not fit. */
static void tell_misfit(struct load *load, const struct raw_section *section, struct raw_key *raw,
                        const struct task *task) {
        char whose[128] = "";

        for (size_t i = 0; i < raw->n_rows; i++) {
                const struct key *row = raw->rows[i];
                size_t length = strlen(whose);

                (void)snprintf(whose + length, sizeof(whose) - length, "%s%s", i > 0 ? " and " : "",
                               row->scope == KEY_SERVICE  ? "services, which are of type exec"
                               : row->kind                ? row->kind->name
                               : row->scope == KEY_GROUPS ? "groups"
                                                          : "tasks");
        }
        raw->bad = true;
        load_tell_key(load, SEVERITY_ERROR, section, raw->name, "is not for %s%s (but for %s)",
                      task->kind ? "tasks of type " : "groups", task->kind ? task->kind->name : "", whose);
}

/* Whether a nearer layer has said this, be it by the other of two keys that exclude each other. What kind of task it is
 * has been derived before. */
static bool is_said(const struct task *task, const struct key *row) {
        if (row->type == &value_type_of_task)
                return true;
        if (row->kind == &kind_exec && is_main_key(row->kind, row->name))
                return task->exec->command || task->exec->shell;
        return get_bit(task->written, key_number(KEY_SECTION_TASK, row));
}

/* Which keys of its sections a task takes. */
enum share {
        SHARE_ALL,
        SHARE_EACH,  /* those of one instance */
        SHARE_WHOLE, /* those of the group of all */
        SHARE_BOTH,  /* those of the group that are of each, too */
};

static bool is_shared(const struct key *row, enum share share) {
        switch (share) {
        case SHARE_EACH: return !(row->flags & KEY_WHOLE) || row->flags & KEY_EACH;
        case SHARE_WHOLE: return row->flags & KEY_WHOLE;
        case SHARE_BOTH: return row->flags & KEY_WHOLE && row->flags & KEY_EACH;
        default: return true;
        }
}

/* Takes the keys of one layer that nearer layers have not written. */
static int apply_layer(struct load *load, struct raw_section *section, struct task *task, enum share share, bool own) {
        int r;

        for (struct raw_key *raw = section->keys; raw; raw = raw->next) {
                const struct key *row = raw_key_row(raw, task);
                struct assigned assigned = { 0 };

                if (!row && raw->rows && own && share == SHARE_ALL)
                        tell_misfit(load, section, raw, task);
                if (!row || row->flags & KEY_READER || !is_shared(row, share) || is_said(task, row))
                        continue;
                r = row->scope == KEY_SERVICE ? load_service_begin(load, task) : 0;
                if (r == 0)
                        r = load_assign(load, section, raw, row, key_base(row, task), &assigned);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        continue;
                set_bit(task->written, key_number(KEY_SECTION_TASK, row));
                if (assigned.secret)
                        set_bit(task->secret, key_number(KEY_SECTION_TASK, row));
                task->digest += assigned.digest;
        }
        return 0;
}

unsigned load_cpus(void) {
        cpu_set_t set;

        if (sched_getaffinity(0, sizeof(set), &set) < 0)
                return 1;
        return (unsigned)MAX(CPU_COUNT(&set), 1);
}

static void finish_when(const struct load *load, struct task *task) {
        const struct when_part *when = task->when;

        if (when && !when->watch && when->n_calendars + when->n_crons == 0)
                task->when = when_part_free(task->when);
        else if (when && when->watch && !get_bit(task->written, load->overlap_number))
                task->overlap = OVERLAP_QUEUE;
}

/* Defaults that depend on the kind, and what follows from the keys. */
static void finish(const struct load *load, struct task *task) {
        struct run_spec *run = &task->run;

        run->is_group = !task->kind;
        run->leaf = task->kind ? task->kind->leaf : NULL;
        for (enum bound bound = 0; bound < _BOUND_MAX; bound++) {
                if (!get_bit(task->written, load->bound_numbers[bound]))
                        run->default_bounds |= 1u << bound;
        }
        if (run->default_bounds & 1u << BOUND_TIMEOUT)
                run->bounds[BOUND_TIMEOUT] =
                        task->kind && !task->service ? task->kind->default_timeout_usec : USEC_INFINITY;
        finish_when(load, task);
        if (!task->service)
                run->bounds[BOUND_START_TIMEOUT] = USEC_INFINITY;
        if (task->for_each.type == FOR_EACH_NONE)
                return;
        run->items = &task_items;
        if (run->concurrency == 0)
                run->concurrency = task->kind->default_concurrency ?: load_cpus();
}

/* A task like the prototype. */
static int new_task(const struct load *load, const char *name, struct task **ret) {
        struct task *task = task_new(name);
        const char *own_name;

        if (!task)
                return -ENOMEM;
        own_name = task->run.name;
        *task = *load->prototype;
        task->run.name = own_name;
        task->n_ref = 1;
        *ret = task;
        return 0;
}

static int build_part(struct task *task, const struct kind *kind) {
        task->part = calloc(1, kind->part_size);
        if (!task->part)
                return -ENOMEM;
        task->kind = kind;
        if (kind->part_init)
                kind->part_init(task->part);
        return 0;
}

/* ---- tasks: values that no task takes ---- */

static int try_value(struct load *load, struct raw_section *section, struct raw_key *raw) {
        _cleanup_(task_unrefp) struct task *task = NULL;
        const struct key *row = raw->rows[0];
        int r;

        r = new_task(load, "scratch", &task);
        if (r == 0 && row->scope == KEY_KIND)
                r = build_part(task, row->kind);
        if (r == 0 && row->scope == KEY_SERVICE)
                r = load_service_begin(load, task);
        if (r == 0)
                r = load_assign(load, section, raw, row, key_base(row, task), NULL);
        return r == -ENOMEM ? r : 0;
}

/* Reads each value of a section of defaults, or of a task of an unknown kind, once into a task that is thrown away, so that
 * a mistake is told, and told once, whoever uses it. */
static int try_values(struct load *load, struct raw_section *section) {
        int r = 0;

        for (struct raw_key *raw = section->keys; raw && r == 0; raw = raw->next) {
                /* One name may be a key of several kinds: then a value that is not the same for all of them is checked
                 * where it is used. */
                if (raw->n_rows == 0 || (raw->n_rows > 1 && raw->rows[0]->type != raw->rows[1]->type))
                        continue;
                if (!(raw->rows[0]->flags & KEY_READER))
                        r = try_value(load, section, raw);
        }
        return r;
}

static int make_task(struct load *load, const struct layers *layers, const char *name, const struct kind *kind,
                     enum share share, struct task **ret) {
        _cleanup_(task_unrefp) struct task *task = NULL;
        struct raw_section *section = layers->sections[0];
        int r;

        r = new_task(load, name, &task);
        if (r == 0 && kind)
                r = build_part(task, kind);
        if (r < 0)
                return r;
        task->origin_file = load_file_of(load, section);
        task->origin_line = section->line;
        for (size_t i = 0; i < layers->n && r == 0; i++)
                r = apply_layer(load, layers->sections[i], task, share, i == 0);
        if (r < 0)
                return r;
        if (kind)
                load_service_finish(load, section, task);
        finish(load, task);
        r = load_task_zones(load, section, task);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(task);
        return 0;
}

static int build_task(struct load *load, struct raw_section *section) {
        const struct kind *kind = NULL;
        struct layers layers;
        int r;

        find_layers(load, section, &layers);
        if (section->type == SECTION_TASK) {
                kind = derive_kind(load, &layers);
                if (!kind)
                        return try_values(load, section);
        }
        r = make_task(load, &layers, section->name, kind, SHARE_ALL, &section->task);
        if (r < 0)
                return r;
        section->number = load->config->n_tasks;
        load->config->tasks[load->config->n_tasks++] = section->task;
        return 0;
}

/* ---- instances ---- */

static void known_layers(struct raw_section *section, struct layers *layers) {
        layers->n = 0;
        layers->sections[layers->n++] = section;
        for (size_t i = 0; i < ARRAY_SIZE(section->defaults) && section->defaults[i]; i++)
                layers->sections[layers->n++] = section->defaults[i];
}

int load_build_instance(struct load *load, struct raw_section *section, unsigned number, struct task **ret) {
        size_t before = load->diagnostics->counts[SEVERITY_ERROR];
        struct layers layers;
        char name[64];
        int r;

        known_layers(section, &layers);
        (void)snprintf(name, sizeof(name), "%s@%u", section->name, number);
        load->instance = number;
        r = make_task(load, &layers, name, section->task->kind, section->health_of ? SHARE_ALL : SHARE_EACH, ret);
        load->instance = 0;
        if (r < 0)
                return r;
        (*ret)->instance = number;
        if (load->diagnostics->counts[SEVERITY_ERROR] == before)
                return 0;
        *ret = task_unref(*ret);
        return -EBADMSG;
}

int load_build_whole(struct load *load, struct raw_section *section, struct task **ret) {
        struct layers layers;

        known_layers(section, &layers);
        return make_task(load, &layers, section->name, NULL, section->health_of ? SHARE_BOTH : SHARE_WHOLE, ret);
}

/* ---- defaults ---- */

static size_t number_of(const struct load *load, const char *name) {
        size_t n;

        return key_number(KEY_SECTION_TASK, *load_find_rows(load, SECTION_TASK, name, &n));
}

int load_default(const struct key *key, void *base) {
        char *texts[2] = { strdup(key->default_value), NULL };
        struct value value = { .texts = texts, .n = 1 };
        int r;

        r = texts[0] ? key->type->parse(key, &value, base) : -ENOMEM;
        free(texts[0]);
        return r;
}

/* What the table says is the default of keys that all tasks share. */
static int build_prototype(struct load *load) {
        size_t n;
        const struct key *keys = keys_of_section(KEY_SECTION_TASK, &n);

        load->prototype = task_new("prototype");
        if (!load->prototype)
                return -ENOMEM;
        for (enum bound bound = 0; bound < _BOUND_MAX; bound++)
                load->bound_numbers[bound] = number_of(load, bound_to_string(bound));
        load->overlap_number = number_of(load, "overlap");
        for (size_t i = 0; i < n; i++) {
                void *base;
                int r;

                if (keys[i].flags & KEY_OF_SERVICE)
                        set_bit(load->of_service, i);
                if (keys[i].scope == KEY_KIND || !keys[i].default_value)
                        continue;
                base = keys[i].scope == KEY_SERVICE ? (void *)&load->service : load->prototype;
                r = load_default(&keys[i], base);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_defaults(struct load *load, struct raw_section *section) {
        for (struct raw_key *raw = section->keys; raw; raw = raw->next) {
                if (raw->n_rows == 0 || !(raw->rows[0]->flags & KEY_READER))
                        continue;
                load_tell_key(load, SEVERITY_ERROR, section, raw->name,
                              "is for tasks and groups, not for sections of defaults");
                raw->bad = true;
        }
        return try_values(load, section);
}

int load_build_tasks(struct load *load) {
        size_t n = load->n_index[SECTION_TASK];
        int r;

        load->config->tasks = calloc(n + 1, sizeof(struct task *));
        if (!load->config->tasks)
                return -ENOMEM;
        r = build_prototype(load);
        for (size_t i = 0; i < load->n_index[SECTION_DEFAULTS] && r == 0; i++)
                r = check_defaults(load, load->index[SECTION_DEFAULTS][i]);
        /* In the order of the index, which is that of config->tasks. */
        for (size_t i = 0; i < n && r == 0; i++)
                r = build_task(load, load->index[SECTION_TASK][i]);
        return r;
}
