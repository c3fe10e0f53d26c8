/* SPDX-License-Identifier: MIT */
/* template: what is put for {item}, {n} and the like. */
#include "task/template.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const words[_TEMPLATE_WORD_MAX] = {
        [TEMPLATE_ITEM] = "item",       [TEMPLATE_N] = "n",
        [TEMPLATE_TASK] = "task",       [TEMPLATE_RUN] = "run",
        [TEMPLATE_OUTCOME] = "outcome", [TEMPLATE_ERROR] = "error",
        [TEMPLATE_DETAIL] = "detail",   [TEMPLATE_OUTCOME_TREE] = "json",
};

/* The word in braces that @s begins with; _TEMPLATE_WORD_MAX: none. */
static enum template_word word_at(const char *s) {
        for (enum template_word i = 0; i < _TEMPLATE_WORD_MAX; i++) {
                size_t n = strlen(words[i]);

                if (strncmp(s + 1, words[i], n) == 0 && s[1 + n] == '}')
                        return i;
        }
        return _TEMPLATE_WORD_MAX;
}

unsigned template_words(const char *text) {
        unsigned used = 0;

        for (const char *s = text; (s = strchr(s, '{')); s++) {
                enum template_word word = word_at(s);

                if (word < _TEMPLATE_WORD_MAX)
                        used |= 1u << word;
        }
        return used;
}

static void values_of_hook(const struct hook_context *hook, const char **values) {
        const struct result *about = hook->result;

        values[TEMPLATE_TASK] = about->task;
        values[TEMPLATE_RUN] = about->run;
        values[TEMPLATE_OUTCOME] = hook->outcome;
        values[TEMPLATE_ERROR] = error_kind_to_string(result_error(about)) ?: "";
        values[TEMPLATE_DETAIL] = hook->detail;
        values[TEMPLATE_OUTCOME_TREE] = hook->json;
}

void template_values_of(const struct run *leaf, unsigned used, struct template_values *ret) {
        const struct hook_context *hook;

        memset(ret->values, 0, sizeof(ret->values));
        if (used == 0)
                return;
        ret->values[TEMPLATE_ITEM] = run_get_item(leaf);
        if (used & (1u << TEMPLATE_N) && run_get_item_number(leaf) > 0) {
                (void)snprintf(ret->n, sizeof(ret->n), "%" PRIu64, run_get_item_number(leaf));
                ret->values[TEMPLATE_N] = ret->n;
        }
        hook = hook_context_of(leaf);
        if (hook) {
                values_of_hook(hook, ret->values);
                return;
        }
        ret->values[TEMPLATE_TASK] = run_get_spec(leaf)->name;
        if (used & (1u << TEMPLATE_RUN))
                ret->values[TEMPLATE_RUN] = run_name(leaf, ret->run);
}

/* ---- escapes: each writes @c to @to, at most ESCAPED_MAX bytes, and returns how many ---- */

#define ESCAPED_MAX 6

static size_t escape_none(char *to, unsigned char c) {
        *to = (char)c;
        return 1;
}

static size_t escape_file(char *to, unsigned char c) {
        *to = c == '/' ? '_' : (char)c;
        return 1;
}

static size_t escape_header(char *to, unsigned char c) {
        *to = c < ' ' || c == 0x7f ? ' ' : (char)c;
        return 1;
}

static size_t percent(char *to, unsigned char c) {
        static const char hex[] = "0123456789ABCDEF";

        to[0] = '%';
        to[1] = hex[c >> 4];
        to[2] = hex[c & 15];
        return 3;
}

/* Bytes that may stand in a URL as they are: letters, digits, -._~ and, in an item, what gives a URL its structure. */
#define PLAIN    1
#define RESERVED 2

static const unsigned char url_bytes[256] = {
        ['0' ... '9'] = PLAIN, ['A' ... 'Z'] = PLAIN, ['a' ... 'z'] = PLAIN,
        ['-'] = PLAIN,         ['.'] = PLAIN,         ['_'] = PLAIN,
        ['~'] = PLAIN,         ['!'] = RESERVED,      ['#' ... ','] = RESERVED,
        ['/'] = RESERVED,      [':'] = RESERVED,      [';'] = RESERVED,
        ['='] = RESERVED,      ['?'] = RESERVED,      ['@'] = RESERVED,
        ['['] = RESERVED,      [']'] = RESERVED,
};

static size_t escape_url(char *to, unsigned char c) {
        return url_bytes[c] == PLAIN ? escape_none(to, c) : percent(to, c);
}

static size_t escape_url_item(char *to, unsigned char c) {
        return url_bytes[c] ? escape_none(to, c) : percent(to, c);
}

static size_t escape_json(char *to, unsigned char c) {
        static const char named[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };

        if (c == '"' || c == '\\') {
                to[0] = '\\';
                to[1] = (char)c;
                return 2;
        }
        if (c < sizeof(named) && named[c]) {
                to[0] = '\\';
                to[1] = named[c];
                return 2;
        }
        if (c < ' ' || c == 0x7f)
                return (size_t)snprintf(to, ESCAPED_MAX + 1, "\\u%04x", c);
        return escape_none(to, c);
}

/* ---- expanding ---- */

struct output {
        char *data;
        size_t n;
        size_t size;
};

static int reserve(struct output *out, size_t n) {
        size_t size = MAX(out->n + n + ESCAPED_MAX + 1, out->size * 2);
        char *data;

        if (out->n + n + ESCAPED_MAX + 1 <= out->size)
                return 0;
        data = realloc(out->data, size);
        if (!data)
                return -ENOMEM;
        out->data = data;
        out->size = size;
        return 0;
}

static int put_text(struct output *out, const char *text, size_t n) {
        int r;

        r = reserve(out, n);
        if (r < 0)
                return r;
        memcpy(out->data + out->n, text, n);
        out->n += n;
        return 0;
}

/* JSON is UTF-8: other bytes, from whatever printed them, are replaced. */
static int put_json(struct output *out, const char *value) {
        size_t left = strlen(value);
        int r = 0;

        while (left > 0 && r == 0) {
                size_t n = utf8_length(value, left);

                if (n == 0)
                        r = put_text(out, "\\ufffd", 6);
                else if (n > 1)
                        r = put_text(out, value, n);
                else {
                        r = reserve(out, ESCAPED_MAX);
                        if (r == 0)
                                out->n += escape_json(out->data + out->n, (unsigned char)*value);
                }
                n = MAX(n, (size_t)1);
                value += n;
                left -= n;
        }
        return r;
}

static int put_escaped(struct output *out, const char *value, size_t (*escape)(char *, unsigned char)) {
        int r;

        r = reserve(out, strlen(value) * ESCAPED_MAX);
        if (r < 0)
                return r;
        for (; *value; value++)
                out->n += escape(out->data + out->n, (unsigned char)*value);
        return 0;
}

/* No value may lead to another directory: not by a slash, nor as, or as the beginning of, "..". */
static int put_file(struct output *out, const char *value) {
        if (*value == '.' && out->n > 0 && (out->data[out->n - 1] == '/' || out->data[out->n - 1] == '.')) {
                int r = put_text(out, "_", 1);

                if (r < 0)
                        return r;
                value++;
        }
        return put_escaped(out, value, escape_file);
}

static int put_value(struct output *out, const char *value, enum template_place place, enum template_word word) {
        switch (place) {
        case TEMPLATE_URL: return put_escaped(out, value, word <= TEMPLATE_N ? escape_url_item : escape_url);
        case TEMPLATE_HEADER: return put_escaped(out, value, escape_header);
        case TEMPLATE_FILE: return put_file(out, value);
        case TEMPLATE_JSON:
                if (word == TEMPLATE_OUTCOME_TREE)
                        return put_text(out, value, strlen(value));
                return put_json(out, value);
        case TEMPLATE_TEXT:
        default: return put_text(out, value, strlen(value));
        }
}

int template_expand(const char *text, const struct template_values *values, enum template_place place, char **ret) {
        struct output out = { 0 };
        int r;

        for (const char *s = text; (s = strchr(s, '{'));) {
                enum template_word word = word_at(s);

                if (word == _TEMPLATE_WORD_MAX || !values->values[word]) {
                        s++;
                        continue;
                }
                r = put_text(&out, text, (size_t)(s - text));
                if (r == 0)
                        r = put_value(&out, values->values[word], place, word);
                if (r < 0) {
                        free(out.data);
                        return r;
                }
                text = s += strlen(words[word]) + 2;
        }
        r = put_text(&out, text, strlen(text));
        if (r < 0) {
                free(out.data);
                return r;
        }
        out.data[out.n] = 0;
        *ret = out.data;
        return 0;
}

int template_fill(const struct run *leaf, const char *text, enum template_place place, char **ret) {
        struct template_values values;

        template_values_of(leaf, template_words(text), &values);
        return template_expand(text, &values, place, ret);
}
