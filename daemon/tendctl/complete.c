/* SPDX-License-Identifier: MIT */
/* complete: see complete.h. */
#include "tendctl/complete.h"

#include <ctype.h>
#include <stdio.h>

static void add_placeholder(struct cursor *cursor, const char *text, size_t n) {
        if (cursor->n_placeholders < PLACEHOLDERS_MAX)
                (void)snprintf(cursor->placeholders[cursor->n_placeholders++], PLACEHOLDER_MAX, "%.*s", (int)n, text);
}

static bool is_placeholder(char c) {
        return isupper((unsigned char)c) || c == '/';
}

/* Adds those of one word, "[TASK|RUN...]", as the table shows it. */
static void add_placeholders(struct cursor *cursor, const char *text, size_t n) {
        for (size_t i = 0; i < n;) {
                size_t length = 0;

                while (i + length < n && is_placeholder(text[i + length]))
                        length++;
                if (length > 0)
                        add_placeholder(cursor, text + i, length);
                i += MAX(length, (size_t)1);
        }
}

/* What the @position-th word of the verb may be. Behind one that may be repeated it may be that or what follows. */
static void find_argument(struct cursor *cursor, size_t position) {
        bool repeated = false;
        size_t i = 0;

        for (const char *text = cursor->verb->arguments; *text; text += strspn(text, " ")) {
                size_t n = strcspn(text, " ");

                if (strncmp(text, "--", n) != 0) {
                        if (repeated || i == position || (i < position && memmem(text, n, "...", 3)))
                                add_placeholders(cursor, text, n);
                        if (i == position)
                                return;
                        repeated |= memmem(text, n, "...", 3) != NULL;
                        i++;
                }
                text += n;
        }
}

static const struct verb_option *find_long(const struct verb_option *option, const char *name, size_t n) {
        for (; option->name; option++)
                if (strlen(option->name) == n && memcmp(option->name, name, n) == 0)
                        return option;
        return NULL;
}

static const struct verb_option *find_letter(const struct verb_option *option, char letter) {
        for (; option->name; option++)
                if (option->letter == letter)
                        return option;
        return NULL;
}

/* The option of @word, "--name=value" or "--name"; of "-fn10" the last that is read as a letter. NULL: there is none. */
static const struct verb_option *find_option(const struct verb *verb, const char *word, const char **ret_value) {
        const struct verb_option *option = NULL;

        *ret_value = NULL;
        if (word[1] == '-') {
                size_t n = strcspn(word + 2, "=");

                option = verb ? find_long(verb->options, word + 2, n) : NULL;
                if (word[2 + n] == '=')
                        *ret_value = word + 2 + n + 1;
                return option ? option : find_long(verb_common_options, word + 2, n);
        }
        for (word++; *word; word++) {
                option = verb ? find_letter(verb->options, *word) : NULL;
                if (!option || option->argument) {
                        if (option && word[1] != '\0')
                                *ret_value = word + 1;
                        return option;
                }
        }
        return option;
}

/* Leaves @word behind what is kept of it: @value is a part of it. */
static int keep_prefix(struct cursor *cursor, const char *word, const char *value) {
        free(cursor->prefix);
        cursor->prefix = strndup(word, (size_t)(value - word));
        cursor->word = value;
        return cursor->prefix ? 0 : -ENOMEM;
}

/* The argument of @option, which is, or of which a part is, at @value. */
static int at_value(struct cursor *cursor, const struct verb_option *option, const char *word, const char *value) {
        const char *comma = strstr(option->argument, ",") ? strrchr(value, ',') : NULL;

        cursor->at = CURSOR_ARGUMENT;
        add_placeholders(cursor, option->argument, strcspn(option->argument, "[,"));
        return keep_prefix(cursor, word, comma ? comma + 1 : value);
}

/* Reads the words before the last. @ret_option waits for its argument; @ret_position counts the verb's words; behind "--"
 * there are no options. */
static void read_words(struct cursor *cursor, char *const *words, size_t n, const struct verb_option **ret_option,
                       size_t *ret_position, bool *ret_only_words) {
        const struct verb_option *option = NULL;
        const char *value;

        *ret_position = 0;
        *ret_only_words = false;
        for (size_t i = 0; i < n && cursor->at != CURSOR_NOWHERE; i++) {
                const char *word = words[i];

                if (option) {
                        if (streq(option->name, "socket"))
                                cursor->socket = word;
                        option = NULL;
                } else if (!*ret_only_words && streq(word, "--")) {
                        *ret_only_words = true;
                } else if (!*ret_only_words && word[0] == '-' && word[1] != '\0') {
                        option = find_option(cursor->verb, word, &value);
                        if (option && streq(option->name, "socket") && value)
                                cursor->socket = value;
                        if (!option || !option->argument || value)
                                option = NULL;
                } else if (cursor->verb) {
                        (*ret_position)++;
                        *ret_only_words |= cursor->verb->runs;
                } else {
                        cursor->verb = verb_find(word);
                        if (!cursor->verb)
                                cursor->at = CURSOR_NOWHERE;
                }
        }
        *ret_option = option;
}

int cursor_find(char *const *words, size_t n, struct cursor *ret) {
        const char *word = n > 0 ? words[n - 1] : "", *value;
        struct cursor *cursor = ret;
        const struct verb_option *option;
        bool only_words;
        size_t position;

        *ret = (struct cursor){ .at = CURSOR_VERB };
        read_words(cursor, words, n > 0 ? n - 1 : 0, &option, &position, &only_words);
        if (option && cursor->at != CURSOR_NOWHERE)
                return at_value(cursor, option, word, word);
        if (cursor->at != CURSOR_NOWHERE && !only_words && word[0] == '-') {
                option = word[1] ? find_option(cursor->verb, word, &value) : NULL;
                if (option && option->argument && value)
                        return at_value(cursor, option, word, value);
                cursor->at = CURSOR_OPTION;
        } else if (cursor->at != CURSOR_NOWHERE && cursor->verb) {
                cursor->at = CURSOR_ARGUMENT;
                find_argument(cursor, position);
        }
        return keep_prefix(cursor, word, word);
}

void cursor_done(struct cursor *cursor) {
        free(cursor->prefix);
}
