/* SPDX-License-Identifier: MIT */
/* index: finds sections by their names. */
#include "base/text.h"
#include "config/load.h"

/* Tasks and groups have one namespace. */
static enum section_type namespace_of(enum section_type type) {
        return type == SECTION_GROUP ? SECTION_TASK : type;
}

/* By name; of those that have the same, the first in the files first. */
static int compare_sections(const void *a, const void *b) {
        const struct raw_section *left = *(struct raw_section *const *)a, *right = *(struct raw_section *const *)b;
        int r = strcmp(left->name, right->name);

        if (r == 0)
                r = left->file < right->file ? -1 : left->file > right->file;
        return r ? r : left->line < right->line ? -1 : left->line > right->line;
}

/* Removes, and tells, those that have the name of one before them. */
static void refuse_twins(struct load *load, enum section_type type) {
        struct raw_section **index = load->index[type];
        size_t kept = 0;

        for (size_t i = 0; i < load->n_index[type]; i++) {
                if (kept > 0 && streq(index[kept - 1]->name, index[i]->name)) {
                        const struct raw_section *first = index[kept - 1];

                        load_tell_key(load, SEVERITY_ERROR, index[i], NULL, "is there already: [%s] in %s:%u",
                                      first->title, load->diagnostics->files[first->file], first->line);
                        continue;
                }
                index[kept++] = index[i];
        }
        load->n_index[type] = kept;
}

int load_index(struct load *load) {
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
        for (enum section_type type = 0; type < _SECTION_TYPE_MAX; type++) {
                qsort(load->index[type], load->n_index[type], sizeof(struct raw_section *), compare_sections);
                refuse_twins(load, type);
        }
        return 0;
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
        const char *nearest = NULL;
        const char **names;

        type = namespace_of(type);
        if (found)
                return found;
        /* Beyond the messages that are kept there is no use for a suggestion, and it costs a look at every name. */
        names = load->diagnostics->counts[SEVERITY_ERROR] < DIAGNOSTICS_MAX
                        ? calloc(load->n_index[type] + 1, sizeof(*names))
                        : NULL;
        for (size_t i = 0; names && i < load->n_index[type]; i++)
                names[i] = load->index[type][i]->name;
        if (names)
                nearest = text_nearest(name, names, load->n_index[type]);
        load_tell_key(load, SEVERITY_ERROR, section, key, "there is no [%s %s]%s%s%s", section_type_to_string(type),
                      name, nearest ? " (did you mean " : "", nearest ?: "", nearest ? "?)" : "");
        free(names);
        return NULL;
}
