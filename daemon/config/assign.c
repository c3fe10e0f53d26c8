/* SPDX-License-Identifier: MIT */
/* assign: from the lines of a key to the member that its row names.
 *
 * Lines are split and joined by the form of the key's type; ${env:NAME} and ${cred:NAME} are expanded in what results, so
 * that a value from there is one word whatever is in it.
 */
#include "base/text.h"
#include "config/load.h"

#include <stdarg.h>

void load_tell(struct load *load, enum severity severity, const struct raw_section *section, const char *key,
               unsigned line, const char *format, ...) {
        const struct diagnostic_place place = {
                .file = section->file,
                .line = line,
                .section = section->title,
                .key = key,
        };
        _cleanup_(freep) char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0) {
                text = NULL;
                load->diagnostics->out_of_memory = true;
        }
        va_end(ap);
        if (text)
                diagnostics_add(load->diagnostics, severity, &place, "%s", text);
}

void load_tell_key(struct load *load, enum severity severity, const struct raw_section *section, const char *key,
                   const char *format, ...) {
        const struct raw_key *raw = key ? raw_section_find(section, key) : NULL;
        _cleanup_(freep) char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0) {
                text = NULL;
                load->diagnostics->out_of_memory = true;
        }
        va_end(ap);
        if (text && key)
                load_tell(load, severity, section, key, raw && raw->lines ? raw->lines->line : section->line, "%s",
                          text);
        else if (text)
                load_tell(load, severity, section, NULL, section->line, "[%s] %s", section->title, text);
}

const char *load_shown(const struct raw_section *section, const char *key, const char *text) {
        const struct raw_key *raw = raw_section_find(section, key);
        bool secret = !raw && section->task && task_key_is_secret(section->task, key);

        for (const struct raw_line *line = raw ? raw->lines : NULL; line && !secret; line = line->next)
                secret = load_has_expansion(line->text);
        return secret ? KEY_SECRET_SHOWN : text;
}

/* ---- lines to texts ---- */

static bool is_comment(const struct raw_line *line) {
        return line->indent > 0 && strchr(";#", line->text[0]);
}

/* The line behind @line. Below a value of one line, comments may be indented; a text keeps them. */
static const struct raw_line *next_line(const struct raw_line *line, enum value_form form) {
        for (line = line->next; line && form == VALUE_SCALAR && is_comment(line);)
                line = line->next;
        return line;
}

/* The first line is empty when the value begins in the next one. */
static const struct raw_line *first_line(const struct raw_key *raw, enum value_form form) {
        const struct raw_line *next = next_line(raw->lines, form);

        return next && *raw->lines->text == '\0' && !next->repeated ? next : raw->lines;
}

/* The lines of a text, joined; those that continue it keep what they are indented by more than the first of them. */
static char *join_lines(const struct raw_key *raw) {
        const struct raw_line *first = first_line(raw, VALUE_TEXT);
        unsigned base = first == raw->lines && first->next ? first->next->indent : first->indent;
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        for (const struct raw_line *line = first; line; line = line->next) {
                int deeper = line->indent > base ? (int)(line->indent - base) : 0;

                fprintf(out, "%s%*s%s", line == first ? "" : "\n", line == first ? 0 : deeper, "", line->text);
        }
        if (fclose(out) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

/* Appends to a NULL-terminated array, taking @text over. */
static int push(struct value *value, char *text) {
        char **more = text ? realloc(value->texts, (value->n + 2) * sizeof(*more)) : NULL;

        if (!more) {
                free(text);
                return -ENOMEM;
        }
        value->texts = more;
        more[value->n++] = text;
        more[value->n] = NULL;
        return 0;
}

static int written_twice(const struct raw_key *raw, struct value *value) {
        return value_wrong(value, "is written twice, first in line %u", raw->lines->line);
}

static int split_words(const struct raw_key *raw, bool once, struct value *value, unsigned *line_number) {
        for (const struct raw_line *line = raw->lines; line; line = line->next) {
                _cleanup_(text_strv_freep) char **words = NULL;
                int r;

                *line_number = line->line;
                if (once && line->repeated)
                        return written_twice(raw, value);
                if (is_comment(line))
                        continue;
                r = text_split_words(line->text, &words);
                if (r == -EINVAL)
                        return value_wrong(value, "a quote is not closed, or a \\ stands at the end");
                if (r < 0)
                        return r;
                if (!value->texts) {
                        value->texts = TAKE_PTR(words);
                        value->n = (size_t)r;
                        continue;
                }
                for (int i = 0; i < r; i++) {
                        int q = push(value, TAKE_PTR(words[i]));

                        /* The taken words leave holes that text_strv_freep() would stop at. */
                        for (int j = i + 1; q < 0 && j < r; j++)
                                free(words[j]);
                        if (q < 0)
                                return q;
                }
        }
        return value->texts ? 0 : -ENOMEM;
}

static bool is_element(const struct raw_line *line) {
        return *line->text != '\0' && !is_comment(line);
}

static int split_lines(const struct raw_key *raw, struct value *value) {
        int r;

        value->texts = calloc(1, sizeof(*value->texts));
        if (!value->texts)
                return -ENOMEM;
        for (const struct raw_line *line = raw->lines; line; line = line->next) {
                if (!is_element(line))
                        continue;
                r = push(value, strdup(line->text));
                if (r < 0)
                        return r;
        }
        return 0;
}

unsigned load_line_of(const struct raw_key *raw, size_t n) {
        for (const struct raw_line *line = raw->lines; line; line = line->next) {
                if (is_element(line) && n-- == 0)
                        return line->line;
        }
        return raw->lines->line;
}

/* Makes the texts of @raw. Returns 0, -EINVAL with the reason in @value and its line, -ENOMEM. */
static int make_texts(const struct raw_key *raw, enum value_form form, struct value *value, unsigned *line_number) {
        if (form == VALUE_WORDS || form == VALUE_ARGV)
                return split_words(raw, form == VALUE_ARGV, value, line_number);
        if (form == VALUE_LINES)
                return split_lines(raw, value);

        for (const struct raw_line *line = raw->lines; line; line = next_line(line, form)) {
                *line_number = line->line;
                if (line->repeated)
                        return written_twice(raw, value);
                if (form == VALUE_SCALAR && line != first_line(raw, form) && line != raw->lines)
                        return value_wrong(value, "takes one line, and this one is indented, so that it continues it");
        }
        *line_number = raw->lines->line;
        value->texts = value->one;
        value->one[0] = form == VALUE_TEXT ? join_lines(raw) : strdup(first_line(raw, form)->text);
        value->n = value->one[0] ? 1 : 0;
        return value->one[0] ? 0 : -ENOMEM;
}

static void value_done(struct value *value) {
        for (size_t i = 0; value->texts && i < value->n; i++)
                free(value->texts[i]);
        if (value->texts != value->one)
                free(value->texts);
}

/* Puts the number of an instance for each {n}. */
static int fill_number(char **text, unsigned number) {
        char *filled = NULL;
        size_t size;
        FILE *out;

        if (!strstr(*text, "{n}"))
                return 0;
        out = open_memstream(&filled, &size);
        if (!out)
                return -ENOMEM;
        for (const char *at = *text, *next; at; at = next ? next + 3 : NULL) {
                next = strstr(at, "{n}");
                fwrite(at, 1, next ? (size_t)(next - at) : strlen(at), out);
                if (next)
                        fprintf(out, "%u", number);
        }
        if (fclose(out) != 0) {
                free(filled);
                return -ENOMEM;
        }
        free(*text);
        *text = filled;
        return 0;
}

/* make_texts(), and expands them; @instance 0: {n} is left alone. @key is NULL for one that the reader handles itself. */
static int evaluate(struct load *load, const struct raw_key *raw, const struct key *key, enum value_form form,
                    unsigned instance, struct value *value, unsigned *line_number, bool *ret_secret) {
        int r;

        r = make_texts(raw, form, value, line_number);
        for (size_t i = 0; i < value->n && r == 0 && instance > 0; i++)
                r = fill_number(&value->texts[i], instance);
        for (size_t i = 0; i < value->n && r == 0; i++) {
                value->at = i;
                if (strchr(value->texts[i], '$')) /* nearly none */
                        r = load_expand(load, key, &value->texts[i], value, ret_secret);
        }
        return r;
}

static void tell_wrong(struct load *load, const struct raw_section *section, struct raw_key *raw, const struct key *key,
                       const struct value *value, unsigned line) {
        char allowed[KEY_ALLOWED_MAX];

        raw->bad = true;
        key_allowed(key, allowed);
        load_tell(load, SEVERITY_ERROR, section, raw->name, line, "%s%s%s%s%s%s%s", value->wrong,
                  value->parsed ? " (" : "", value->parsed ? allowed : "", value->parsed ? ")" : "",
                  value->meant ? " (did you mean " : "", value->meant ?: "", value->meant ? "?)" : "");
}

uint64_t load_digest(size_t number, const char *text, uint64_t before) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ before ^ number * UINT64_C(0x9e3779b97f4a7c15);

        for (const char *at = text; *at; at++)
                hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
        hash ^= hash >> 32;
        hash *= UINT64_C(0xd6e8feb86659fd93);
        return hash ^ hash >> 32;
}

/* Of all texts, before the parser takes them. */
static uint64_t digest_of(const struct key *key, const struct value *value) {
        size_t n_rows;
        const struct key *rows = keys_of_section(KEY_SECTION_TASK, &n_rows);
        size_t number = key >= rows && key < rows + n_rows ? (size_t)(key - rows) : n_rows;
        uint64_t digest = 0;

        for (size_t i = 0; i < value->n; i++)
                digest = load_digest(number, value->texts[i], digest);
        return value->n > 0 ? digest : load_digest(number, "", 1);
}

int load_assign(struct load *load, const struct raw_section *section, struct raw_key *raw, const struct key *key,
                void *base, struct assigned *ret) {
        _cleanup_(value_done) struct value value = { 0 };
        unsigned line = raw->lines ? raw->lines->line : section->line;
        struct assigned assigned = { 0 };
        int r;

        if (raw->bad || !raw->lines)
                return -EBADMSG;
        r = evaluate(load, raw, key, key->type->form, key->flags & (KEY_ITEM | KEY_NUMBER) ? load->instance : 0, &value,
                     &line, &assigned.secret);
        value.parsed = r == 0;
        if (r == 0 && ret)
                assigned.digest = digest_of(key, &value);
        if (r == 0)
                r = key->type->parse(key, &value, base);
        if (r == -EINVAL && key->type->form == VALUE_LINES)
                line = load_line_of(raw, value.at);
        if (r == -EINVAL) {
                if (assigned.secret && value.parsed) {
                        value_wrong(&value, "what ${env:} or ${cred:} made of it is not allowed");
                        value.meant = NULL;
                }
                tell_wrong(load, section, raw, key, &value, line);
                return -EBADMSG;
        }
        if (r == 0 && ret)
                *ret = assigned;
        return r;
}

int load_words(struct load *load, const struct raw_section *section, struct raw_key *raw, char ***ret) {
        _cleanup_(value_done) struct value value = { 0 };
        unsigned line = section->line;
        bool secret;
        int r;

        if (raw->bad || !raw->lines)
                return -EBADMSG;
        r = evaluate(load, raw, NULL, VALUE_WORDS, 0, &value, &line, &secret);
        if (r == -EINVAL) {
                raw->bad = true;
                load_tell(load, SEVERITY_ERROR, section, raw->name, line, "%s", value.wrong);
                return -EBADMSG;
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(value.texts);
        return 0;
}
