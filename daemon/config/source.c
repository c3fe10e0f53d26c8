/* SPDX-License-Identifier: MIT */
/* source: from files to sections with keys and lines. Knows of keys only what their names are. */
#include "base/text.h"
#include "config/ini.h"
#include "config/load.h"

#include <ctype.h>
#include <stdio.h>

/* Whether a type's header has a name. */
enum naming { UNNAMED, MAYBE_NAMED, NAMED };

static const struct {
        const char *word;
        enum naming naming;
        enum key_section keys;
} types[_SECTION_TYPE_MAX] = {
        [SECTION_DAEMON] = { "daemon", UNNAMED, KEY_SECTION_DAEMON },
        [SECTION_ACCESS] = { "access", UNNAMED, KEY_SECTION_ACCESS },
        [SECTION_DEFAULTS] = { "defaults", MAYBE_NAMED, KEY_SECTION_TASK },
        [SECTION_LIMIT] = { "limit", NAMED, KEY_SECTION_LIMIT },
        [SECTION_POOL] = { "pool", NAMED, KEY_SECTION_POOL },
        [SECTION_STORE] = { "store", UNNAMED, KEY_SECTION_STORE },
        [SECTION_METRICS] = { "metrics", UNNAMED, KEY_SECTION_METRICS },
        [SECTION_TASK] = { "task", NAMED, KEY_SECTION_TASK },
        [SECTION_GROUP] = { "group", NAMED, KEY_SECTION_TASK },
};

const char *section_type_to_string(enum section_type type) {
        return types[type].word;
}

enum key_section section_keys(enum section_type type) {
        return types[type].keys;
}

const struct key *raw_key_row(const struct raw_key *raw, const struct task *task) {
        for (size_t i = 0; i < raw->n_rows; i++) {
                if (key_fits(raw->rows[i], task))
                        return raw->rows[i];
        }
        return NULL;
}

struct raw_key *raw_section_find(const struct raw_section *section, const char *name) {
        for (struct raw_key *key = section->keys; key; key = key->next) {
                if (streq(key->name, name))
                        return key;
        }
        return NULL;
}

static bool may_mean(const struct raw_section *section, const char *name) {
        if (section->torn)
                return true;
        for (const struct raw_key *key = section->keys; key; key = key->next) {
                if (streq(key->name, name) || (key->meant && streq(key->meant, name)))
                        return true;
        }
        return false;
}

bool raw_section_may_have(const struct raw_section *section, const char *name) {
        if (may_mean(section, name))
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(section->defaults); i++) {
                if (section->defaults[i] && may_mean(section->defaults[i], name))
                        return true;
        }
        return false;
}

/* ---- sections ---- */

static void tell_line(struct load *load, unsigned line, const char *message) {
        diagnostics_add(load->diagnostics, SEVERITY_ERROR,
                        &(struct diagnostic_place){
                                .file = load->current_file,
                                .line = line,
                                .section = load->current ? load->current->title : NULL,
                        },
                        "%s", message);
}

/* The type whose word @header begins with, @length bytes, or _SECTION_TYPE_MAX. */
static enum section_type find_type(const char *header, size_t length) {
        enum section_type type = 0;

        while (type < _SECTION_TYPE_MAX &&
               (strlen(types[type].word) != length || strncmp(types[type].word, header, length) != 0))
                type++;
        return type;
}

static void tell_unknown_section(struct load *load, unsigned line, const char *header, size_t length) {
        const char *words[_SECTION_TYPE_MAX], *nearest;
        char word[64], message[256];

        for (size_t i = 0; i < _SECTION_TYPE_MAX; i++)
                words[i] = types[i].word;
        (void)snprintf(word, sizeof(word), "%.*s", (int)length, header);
        nearest = text_nearest(word, words, ARRAY_SIZE(words));
        (void)snprintf(
                message, sizeof(message),
                "[%s]: unknown section (daemon, access, defaults, store, metrics, limit, pool, task or group)%s%s%s",
                header, nearest ? " (did you mean " : "", nearest ?: "", nearest ? "?)" : "");
        tell_line(load, line, message);
}

/* Whether a section of this type may be called so; tells when not. */
static bool check_name(struct load *load, unsigned line, enum section_type type, const char *name) {
        char message[256] = "";

        if (types[type].naming == NAMED && !*name)
                (void)snprintf(message, sizeof(message), "[%s]: the name is missing ([%s NAME])", types[type].word,
                               types[type].word);
        else if (types[type].naming == UNNAMED && *name)
                (void)snprintf(message, sizeof(message), "[%s %s]: takes no name ([%s])", types[type].word, name,
                               types[type].word);
        else if (*name && !text_is_name(name))
                (void)snprintf(message, sizeof(message),
                               "[%s %s]: \"%s\" is no name (letters, digits, and _.- behind the first, at most 40)",
                               types[type].word, name, name);
        if (*message)
                tell_line(load, line, message);
        return !*message;
}

static void on_section(unsigned line, const char *header, void *arg) {
        struct load *load = arg;
        struct raw_section *section;
        enum section_type type;
        size_t length;
        const char *name;

        load->current = NULL;
        load->in_section = true;
        if (!header)
                return;
        length = strcspn(header, " \t");
        type = find_type(header, length);
        if (type == _SECTION_TYPE_MAX) {
                tell_unknown_section(load, line, header, length);
                return;
        }
        name = header + length + strspn(header + length, " \t");
        if (!check_name(load, line, type, name))
                return;

        section = arena_alloc(&load->arena, sizeof(*section));
        if (section) {
                section->name = arena_strndup(&load->arena, name, strlen(name));
                section->title = arena_strndup(&load->arena, header, strlen(header));
        }
        if (!section || !section->name || !section->title) {
                load->diagnostics->out_of_memory = true;
                return;
        }
        section->type = type;
        section->file = load->current_file;
        section->line = line;
        if (load->last)
                load->last->next = section;
        else
                load->first = section;
        load->last = section;
        load->n_sections++;
        load->current = section;
}

/* ---- keys ---- */

static int compare_row_name(const void *name, const void *row) {
        return strcmp(name, (*(const struct key *const *)row)->name);
}

const struct key *const *load_find_rows(const struct load *load, enum section_type type, const char *name,
                                        size_t *ret_n) {
        enum key_section keys = section_keys(type);
        const struct key **rows = load->rows[keys], **found;
        size_t n = 0;

        found = bsearch(name, rows, load->n_rows[keys], sizeof(*rows), compare_row_name);
        if (!found)
                return NULL;
        while (found > rows && streq(found[-1]->name, name))
                found--;
        while (found + n < rows + load->n_rows[keys] && streq(found[n]->name, name))
                n++;
        *ret_n = n;
        return found;
}

/* Returns what may have been meant, or NULL. */
static const char *tell_unknown_key(struct load *load, unsigned line, const char *name) {
        const struct raw_section *section = load->current;
        enum key_section keys = section_keys(section->type);
        const char *names[8 * sizeof(((struct task *)NULL)->written)], *nearest;

        for (size_t i = 0; i < load->n_rows[keys]; i++)
                names[i] = load->rows[keys][i]->name;
        nearest = text_nearest(name, names, load->n_rows[keys]);
        load_tell(load, SEVERITY_ERROR, section, name, line, "unknown key in [%s] (see tendd.ini(5))%s%s%s",
                  section->title, nearest ? " (did you mean " : "", nearest ?: "", nearest ? "?)" : "");
        return nearest;
}

/* The key of the current section that @value belongs to; a new one is added. NULL: out of memory, or none. */
static struct raw_key *key_of(struct load *load, const struct ini_value *value) {
        struct raw_section *section = load->current;
        struct raw_key *key;

        if (value->continuation)
                return section->last && streq(section->last->name, value->key) ? section->last
                                                                               : raw_section_find(section, value->key);
        key = raw_section_find(section, value->key);
        if (key)
                return key;
        key = arena_alloc(&load->arena, sizeof(*key));
        if (key) {
                key->rows = load_find_rows(load, section->type, value->key, &key->n_rows);
                key->name =
                        key->rows ? key->rows[0]->name : arena_strndup(&load->arena, value->key, strlen(value->key));
        }
        if (!key || !key->name) {
                load->diagnostics->out_of_memory = true;
                return NULL;
        }
        if (section->last)
                section->last->next = key;
        else
                section->keys = key;
        section->last = key;
        if (!key->rows) {
                key->meant = tell_unknown_key(load, value->line, key->name);
                key->bad = true;
        }
        return key;
}

static void on_value(const struct ini_value *value, void *arg) {
        struct load *load = arg;
        struct raw_line *line;
        struct raw_key *key;

        if (!load->current) {
                if (!load->in_section && !value->continuation)
                        tell_line(load, value->line, "a key before any section");
                return;
        }
        key = key_of(load, value);
        if (!key)
                return;
        line = arena_alloc(&load->arena, sizeof(*line));
        if (line)
                line->text = arena_strndup(&load->arena, value->text, strlen(value->text));
        if (!line || !line->text) {
                load->diagnostics->out_of_memory = true;
                return;
        }
        line->line = value->line;
        line->indent = value->indent;
        line->repeated = !value->continuation && key->lines;
        if (key->last)
                key->last->next = line;
        else
                key->lines = line;
        key->last = line;
        key->item |= strchr(value->text, '{') && strstr(value->text, "{item}");
}

/* An indented line that looks like a key of this section, or like a section. In a text of a script NAME=VALUE without
 * blanks is an assignment of the script's own. */
static bool is_misplaced(const char *text, void *arg) {
        struct load *load = arg;
        const struct raw_key *last = load->current ? load->current->last : NULL;
        char name[64];
        size_t length, blanks, n;

        if (*text == '[') {
                length = strcspn(text + 1, " \t]");
                return text[length + 1] && strchr(text, ']') && find_type(text + 1, length) < _SECTION_TYPE_MAX;
        }
        length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
        blanks = strspn(text + length, " \t");
        if (!load->current || length == 0 || length >= sizeof(name) || text[length + blanks] != '=')
                return false;
        (void)snprintf(name, sizeof(name), "%.*s", (int)length, text);
        if (!load_find_rows(load, load->current->type, name, &n))
                return false;
        return !last || !last->rows || last->rows[0]->type->form != VALUE_TEXT || blanks > 0;
}

static void on_error(unsigned line, const char *message, void *arg) {
        struct load *load = arg;

        tell_line(load, line, message);
        if (load->current)
                load->current->torn = true;
}

const struct ini_events load_events = {
        .section = on_section,
        .value = on_value,
        .is_misplaced = is_misplaced,
        .error = on_error,
};
