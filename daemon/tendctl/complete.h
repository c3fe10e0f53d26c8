/* SPDX-License-Identifier: MIT */
#pragma once
/* complete: what is to be written where a command line ends, found by the table of verbs: nothing is known here that the
 * table does not say. */
#include "tendctl/verb.h"

#define PLACEHOLDERS_MAX 8
#define PLACEHOLDER_MAX  32

/* The cursor is at the end of `word`, behind `prefix`, which stays: "--state=", or "failing,". */
struct cursor {
        enum {
                CURSOR_NOWHERE, /* the words before it make no sense */
                CURSOR_VERB,
                CURSOR_OPTION,
                CURSOR_ARGUMENT, /* of the verb, or of an option */
        } at;
        const struct verb *verb; /* NULL: none yet */
        const char *socket;      /* what --socket says, or NULL */
        char *prefix;
        const char *word;
        /* What may stand here, as the table shows it: "TASK", "RUN". */
        char placeholders[PLACEHOLDERS_MAX][PLACEHOLDER_MAX];
        size_t n_placeholders;
};

/* Looks where the last of @words is, without the name of the program; it may be "". Returns 0 or -ENOMEM. */
int cursor_find(char *const *words, size_t n, struct cursor *ret);
void cursor_done(struct cursor *cursor);
