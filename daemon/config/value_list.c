/* SPDX-License-Identifier: MIT */
/* value_list: the types whose values are lists of texts. */
#include "base/text.h"
#include "config/keys.h"
#include "loop/listen_socket.h"

#include <ctype.h>
#include <limits.h>

/* Moves the texts to the key's member. */
static int store_list(const struct key *key, struct value *value, void *base) {
        char ***member = value_member(key, base);

        text_strv_free(*member);
        *member = TAKE_PTR(value->texts);
        return 0;
}

static bool needs_quotes(const char *word) {
        return *word == '\0' || strpbrk(word, " \t\"'\\");
}

static void show_words(const struct key *key, const void *base, FILE *out) {
        char *const *words = *(char **const *)value_const_member(key, base);

        for (size_t i = 0; words && words[i]; i++) {
                if (i > 0)
                        fputc(' ', out);
                if (!needs_quotes(words[i])) {
                        fputs(words[i], out);
                        continue;
                }
                fputc('"', out);
                for (const char *c = words[i]; *c; c++) {
                        if (*c == '"' || *c == '\\')
                                fputc('\\', out);
                        fputc(*c, out);
                }
                fputc('"', out);
        }
}

static void show_lines(const struct key *key, const void *base, FILE *out) {
        char *const *lines = *(char **const *)value_const_member(key, base);

        for (size_t i = 0; lines && lines[i]; i++)
                fprintf(out, "%s%s", i > 0 ? "\n" : "", lines[i]);
}

static void allow_words(const struct key *key _unused_, FILE *out) {
        fputs("words, quoted where they contain blanks", out);
}

const struct value_type value_words = { "WORDS", VALUE_WORDS, store_list, allow_words, show_words };

static int parse_command(const struct key *key, struct value *value, void *base) {
        if (value->n == 0 || value->texts[0][0] == '\0')
                return value_wrong(value, "the command is missing");
        return store_list(key, value, base);
}

static void allow_command(const struct key *key _unused_, FILE *out) {
        fputs("a program and its arguments, quoted where they contain blanks; no shell reads them", out);
}

const struct value_type value_command = { "COMMAND", VALUE_ARGV, parse_command, allow_command, show_words };

static int parse_names(const struct key *key, struct value *value, void *base) {
        if (value->n == 0)
                return value_wrong(value, "the names are missing");
        for (size_t i = 0; i < value->n; i++) {
                char name[64];
                size_t n = 0;

                /* A pattern is a name with * and ? in it, which any letter stands for here. */
                for (; value->texts[i][n] && n < sizeof(name) - 1; n++)
                        name[n] = strchr("*?", value->texts[i][n]) ? 'x' : value->texts[i][n];
                name[n] = '\0';
                if (!text_is_name(name))
                        return value_wrong_text(value, -EINVAL, value->texts[i], "name");
        }
        return store_list(key, value, base);
}

static void allow_names(const struct key *key _unused_, FILE *out) {
        fputs("names of tasks or groups; * and ? match", out);
}

const struct value_type value_names = { "NAMES", VALUE_WORDS, parse_names, allow_names, show_words };

static const char *after_prefix(const char *text, const char *prefix) {
        size_t n = strlen(prefix);

        return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

static int parse_principals(const struct key *key, struct value *value, void *base) {
        for (size_t i = 0; i < value->n; i++) {
                const char *text = value->texts[i];
                const char *name = after_prefix(text, "user:") ?: after_prefix(text, "group:");
                uint64_t id;

                /* The largest number stands for none, see chown(2). */
                if (!name || *name == '\0' || strpbrk(name, " \t:,/") ||
                    (strspn(name, "0123456789") == strlen(name) && text_parse_uint(name, 0, UINT32_MAX - 1, &id) < 0))
                        return value_wrong_text(value, -EINVAL, text, "user:NAME or group:NAME");
        }
        return store_list(key, value, base);
}

static void allow_principals(const struct key *key _unused_, FILE *out) {
        fputs("user:NAME and group:NAME, any number of them; a name may be a number", out);
}

const struct value_type value_principals = { "user:NAME group:NAME", VALUE_WORDS, parse_principals, allow_principals,
                                             show_words };

/* No resolver is asked: an address is a number. */
static int parse_listen(const struct key *key, struct value *value, void *base) {
        struct listen_address address;

        if (value->n == 0)
                return value_wrong(value, "the address is missing");
        for (size_t i = 0; i < value->n; i++) {
                int r = listen_address_parse(value->texts[i], &address);

                if (r == -ENAMETOOLONG)
                        return value_wrong(value, "the path of %.*s is too long for a socket", VALUE_SHOWN_MAX,
                                           value->texts[i]);
                if (r < 0)
                        return value_wrong_text(value, r, value->texts[i], "address to listen at");
                for (size_t k = 0; k < i; k++)
                        if (streq(value->texts[k], value->texts[i]))
                                return value_wrong(value, "%.*s is there twice", VALUE_SHOWN_MAX, value->texts[i]);
        }
        return store_list(key, value, base);
}

static void allow_listen(const struct key *key _unused_, FILE *out) {
        fputs("ADDRESS:PORT, where the address is a number, [IPv6]:PORT, or unix:/PATH", out);
}

const struct value_type value_listen = { "ADDRESSES", VALUE_WORDS, parse_listen, allow_listen, show_words };

static int parse_env(const struct key *key, struct value *value, void *base) {
        for (size_t i = 0; i < value->n; i++) {
                const char *text = value->texts[i];
                size_t n = 0;

                value->at = i;
                while (isalnum((unsigned char)text[n]) || text[n] == '_')
                        n++;
                if (n == 0 || isdigit((unsigned char)text[0]) || text[n] != '=')
                        return value_wrong_text(value, -EINVAL, text, "NAME=VALUE");
        }
        return store_list(key, value, base);
}

static void allow_env(const struct key *key _unused_, FILE *out) {
        fputs("NAME=VALUE, one a line", out);
}

const struct value_type value_env = { "NAME=VALUE", VALUE_LINES, parse_env, allow_env, show_lines };

static int parse_header(const struct key *key, struct value *value, void *base) {
        for (size_t i = 0; i < value->n; i++) {
                size_t n = strcspn(value->texts[i], ": \t(),/<=>?@[]{}\"\\");

                value->at = i;
                if (n == 0 || value->texts[i][n] != ':' || strpbrk(value->texts[i], "\r\n"))
                        return value_wrong_text(value, -EINVAL, value->texts[i], "header");
        }
        return store_list(key, value, base);
}

static void allow_header(const struct key *key _unused_, FILE *out) {
        fputs("Name: value, one a line", out);
}

const struct value_type value_header = { "NAME: VALUE", VALUE_LINES, parse_header, allow_header, show_lines };
