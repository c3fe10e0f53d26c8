/* SPDX-License-Identifier: MIT */
#pragma once
/* diagnostics: what is wrong with a configuration, or worth a warning, with file, line and key.
 *
 * They are collected while a configuration is read, so that all mistakes are told at once, and printed by the caller as
 * text or JSON.
 */
#include "base/macros.h"

enum severity {
        SEVERITY_ERROR,
        SEVERITY_WARNING,
        _SEVERITY_MAX,
};

const char *severity_to_string(enum severity severity);

struct diagnostic {
        enum severity severity;
        unsigned file; /* number of the file in the order of reading; DIAGNOSTIC_NO_FILE: none */
        unsigned line; /* 0: the file as a whole */
        char *section; /* "task backup", or NULL */
        char *key;     /* or NULL */
        char *text;    /* what is wrong, what is allowed, what may have been meant */
};

#define DIAGNOSTIC_NO_FILE UINT32_MAX

/* Kept of each severity; the others are counted. */
#define DIAGNOSTICS_MAX 1000

struct diagnostics {
        struct diagnostic *items; /* after diagnostics_sort() by file, line and the order of finding */
        size_t n;
        char **files;
        size_t n_files;
        size_t counts[_SEVERITY_MAX]; /* of all, kept or not */
        bool out_of_memory;           /* something could not be noted down */
};

void diagnostics_done(struct diagnostics *diagnostics);

/* The number of @path (copied), which is added at the end when it is new. Returns it, or DIAGNOSTIC_NO_FILE when out of
 * memory. */
unsigned diagnostics_add_file(struct diagnostics *diagnostics, const char *path);

struct diagnostic_place {
        unsigned file;
        unsigned line;
        const char *section;
        const char *key;
};

/* Notes down a copy. Out of memory is remembered in @diagnostics. */
void diagnostics_add(struct diagnostics *diagnostics, enum severity severity, const struct diagnostic_place *place,
                     const char *format, ...) _printf_(4, 5);

void diagnostics_sort(struct diagnostics *diagnostics);

/* The name of its file, or NULL. */
const char *diagnostic_file(const struct diagnostics *diagnostics, const struct diagnostic *diagnostic);

/* "file:line: key: text", with "warning: " before a warning's text. Returns a string to free(), or NULL. */
char *diagnostic_format(const struct diagnostics *diagnostics, const struct diagnostic *diagnostic);
