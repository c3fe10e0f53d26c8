/* SPDX-License-Identifier: MIT */
#pragma once
/* template: what is put for {item}, {n} and the like in the values of a task.
 *
 * Words in braces that are not in the table below are text, and so is a word that has no value in a run: braces are
 * common in what people send. A value is never looked at again for words, and is escaped for the place it is put in, so
 * that an item or an error's text cannot break out of it.
 */
#include "task/kind.h"

enum template_word {
        TEMPLATE_ITEM, /* {item}: of a fan-out */
        TEMPLATE_N,    /* {n}: its number */
        TEMPLATE_TASK, /* {task}, {run}: in a hook, those that it is about; else its own */
        TEMPLATE_RUN,
        TEMPLATE_OUTCOME, /* {outcome}, {error}, {detail}: in a hook only */
        TEMPLATE_ERROR,
        TEMPLATE_DETAIL,
        TEMPLATE_OUTCOME_TREE, /* {json}: the outcome tree, in a hook only; never escaped within JSON, for it is JSON */
        _TEMPLATE_WORD_MAX,
};

/* Where a value is put. */
enum template_place {
        TEMPLATE_TEXT, /* as it is: arguments, paths, names */
        TEMPLATE_URL,  /* {item} and {n} may have their own / ? & and %XX, what no URL can have is escaped in them; all
                          * others are escaped wholly */
        TEMPLATE_HEADER, /* control characters become spaces */
        TEMPLATE_FILE, /* within the path of a file that is written: / becomes _, and so does a dot that would begin a name */
        TEMPLATE_JSON, /* within a JSON string */
};

struct template_values {
        const char *values[_TEMPLATE_WORD_MAX]; /* NULL: none */
        char n[24];
        char run[RUN_NAME_MAX];
};

/* The words that @text uses, as bits 1 << enum template_word. */
unsigned template_words(const char *text);

/* Fills in those of @words that @leaf has a value for. The values live as long as the leaf and @ret. */
void template_values_of(const struct run *leaf, unsigned words, struct template_values *ret);

/* @text with all values that @leaf has put in; the caller frees @ret. Returns 0 or -ENOMEM. */
int template_fill(const struct run *leaf, const char *text, enum template_place place, char **ret);

/* @text with the values put in; the caller frees @ret. Returns 0 or -ENOMEM. */
int template_expand(const char *text, const struct template_values *values, enum template_place place, char **ret);
