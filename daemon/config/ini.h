/* SPDX-License-Identifier: MIT */
#pragma once
/* ini: reads a text of sections and `key = value` lines, with libinih, and tells where each of them stands.
 *
 * A comment is a line that begins with ; or #; neither is special inside a line. An indented line continues the value
 * above it. What libinih would cut, split or read differently from how it looks is refused, and reading goes on behind
 * it, so that one pass finds every mistake.
 */
#include "base/macros.h"

/* Bytes in a line without its end. */
#define INI_LINE_MAX (64 * 1024)

/* Bytes in a section's name and in a key: what libinih keeps of them. */
#define INI_NAME_MAX 49

struct ini_value {
        unsigned line;
        const char *key;
        const char *text;  /* without blanks at either end */
        bool continuation; /* of the value of @key before it */
        unsigned indent;   /* bytes before a continuation's text */
};

/* Called in the order of the lines. Strings are valid during the call only. */
struct ini_events {
        /* A section begins; @name is NULL when it was refused, and what follows belongs to none. */
        void (*section)(unsigned line, const char *name, void *arg);
        /* One line of a value. The first one of a key comes with continuation unset, also when its text is empty. */
        void (*value)(const struct ini_value *value, void *arg);
        /* Whether the indented line @text, which would continue the value above, is rather an assignment or a section
         * that was indented by mistake. */
        bool (*is_misplaced)(const char *text, void *arg);
        void (*error)(unsigned line, const char *message, void *arg);
};

/* Reads @size bytes of @text. Returns 0, also after errors were told, or -ENOMEM. Thread-safe. */
int ini_read(const char *text, size_t size, const struct ini_events *events, void *arg);
