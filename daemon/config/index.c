/* SPDX-License-Identifier: MIT */
/* index: finds sections by their names. */
#include "base/text.h"
#include "config/load.h"

/* Tasks and groups have one namespace. */
static enum section_type namespace_of(enum section_type type) {
        return type == SECTION_GROUP ? SECTION_TASK : type;
}

/* What is sorted. Names lie all over the memory; their first bytes, kept here, tell most of them apart. */
struct entry {
        uint64_t head;
        struct raw_section *section;
};

static uint64_t head_of(const char *name) {
        uint64_t head = 0;

        for (size_t i = 0; i < sizeof(head); i++) {
                head = head << 8 | (unsigned char)*name;
                name += *name != '\0';
        }
        return head;
}

static int compare_names(const struct entry *left, const struct entry *right) {
        if (left->head != right->head)
                return left->head < right->head ? -1 : 1;
        return strcmp(left->section->name, right->section->name);
}

/* By name; of those that have the same, the first in the files first. */
static int compare_entries(const void *a, const void *b) {
        const struct raw_section *left = ((const struct entry *)a)->section;
        const struct raw_section *right = ((const struct entry *)b)->section;
        int r = compare_names(a, b);

        if (r != 0)
                return r;
        if (left->file != right->file)
                return left->file < right->file ? -1 : 1;
        return left->line < right->line ? -1 : left->line > right->line;
}

static void tell_twin(struct load *load, const struct raw_section *first, const struct raw_section *twin) {
        load_tell_key(load, SEVERITY_ERROR, twin, NULL, "is there already: [%s] in %s:%u", first->title,
                      load->diagnostics->files[first->file], first->line);
}

/* Sorts the sections of one namespace. Leaves out, and tells, those that have the name of one before them. */
static int sort_index(struct load *load, enum section_type type) {
        struct raw_section **index = load->index[type];
        size_t n = load->n_index[type], kept = 0;
        _cleanup_(freep) struct entry *entries = calloc(n + 1, sizeof(*entries));

        if (!entries)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                entries[i] = (struct entry){ .head = head_of(index[i]->name), .section = index[i] };
        qsort(entries, n, sizeof(*entries), compare_entries);

        for (size_t i = 0; i < n; i++) {
                if (i > 0 && compare_names(&entries[i - 1], &entries[i]) == 0)
                        tell_twin(load, index[kept - 1], entries[i].section);
                else
                        index[kept++] = entries[i].section;
        }
        load->n_index[type] = kept;
        return 0;
}

int load_index(struct load *load) {
        int r = 0;

        for (const struct raw_section *section = load->first; section; section = section->next)
                load->n_index[namespace_of(section->type)]++;
        for (enum section_type type = 0; type < _SECTION_TYPE_MAX; type++) {
                load->index[type] = calloc(load->n_index[type] + 1, sizeof(struct raw_section *));
                if (!load->index[type])
                        return -ENOMEM;
                load->n_index[type] = 0;
        }
        for (struct raw_section *section = load->first; section; section = section->next) {
                enum section_type type = namespace_of(section->type);

                load->index[type][load->n_index[type]++] = section;
        }
        for (enum section_type type = 0; type < _SECTION_TYPE_MAX && r == 0; type++)
                r = sort_index(load, type);
        return r;
}

static int compare_name(const void *name, const void *section) {
        return strcmp(name, (*(struct raw_section *const *)section)->name);
}

struct raw_section *load_find(const struct load *load, enum section_type type, const char *name) {
        struct raw_section **found;

        type = namespace_of(type);
        found = bsearch(name, load->index[type], load->n_index[type], sizeof(*found), compare_name);
        return found ? *found : NULL;
}

struct raw_section *load_require(struct load *load, enum section_type type, const char *name,
                                 const struct raw_section *section, const char *key) {
        struct raw_section *found = load_find(load, type, name);
        const char *shown = load_shown(section, key, name), *nearest = NULL;
        const char **names;

        type = namespace_of(type);
        if (found)
                return found;
        /* Beyond the messages that are kept there is no use for a suggestion, and it costs a look at every name. */
        names = load->diagnostics->counts[SEVERITY_ERROR] < DIAGNOSTICS_MAX && shown == name
                        ? calloc(load->n_index[type] + 1, sizeof(*names))
                        : NULL;
        for (size_t i = 0; names && i < load->n_index[type]; i++)
                names[i] = load->index[type][i]->name;
        if (names)
                nearest = text_nearest(name, names, load->n_index[type]);
        load_tell_key(load, SEVERITY_ERROR, section, key, "there is no [%s %s]%s%s%s", section_type_to_string(type),
                      shown, nearest ? " (did you mean " : "", nearest ?: "", nearest ? "?)" : "");
        free(names);
        return NULL;
}
