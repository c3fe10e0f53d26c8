/* SPDX-License-Identifier: MIT */
#pragma once
/* output: what a child prints: as lines for the log and for who waits for one, and the last of it, kept with the run. */
#include "base/log.h"

#define OUTPUT_TAIL_MAX 4096
#define OUTPUT_LINE_MAX (48 * 1024) /* a longer line is logged in pieces */

struct output {
        struct log_context context; /* strings stay the caller's */
        char *line;                 /* the line that is not complete yet; NULL until there is one */
        size_t n_line;
        char tail[OUTPUT_TAIL_MAX];
        size_t n_tail;
        size_t tail_at; /* where the next byte goes */
        /* Told each line too, or each piece of one that is long, without its level; NULL: nobody is. */
        void (*on_line)(const char *line, size_t n, void *arg);
        /* How many of @n lines may be logged now, the first of them; NULL: all. */
        size_t (*may_log)(size_t n, void *arg);
        void *arg;
        bool is_logged;
        bool has_tail;
        int level; /* of the line that is not complete yet; -1: not known yet */
};

/* @context is copied, what it points to is not. It is logged and kept until the caller says otherwise. */
void output_init(struct output *output, const struct log_context *context);
void output_done(struct output *output);

/* Takes @n bytes, and logs the lines that are complete. A line that begins with <0> … <7> is logged at that level. */
void output_add(struct output *output, const char *data, size_t n);

/* Takes the rest, which has no line break, for a line. */
void output_flush(struct output *output);

/* The last line that is not blank, as far as it is kept, the beginning of it if it does not fit. Returns @buf. */
const char *output_last_line(const struct output *output, char *buf, size_t size);

/* The last OUTPUT_TAIL_MAX bytes. To be freed; NULL: nothing was printed, or out of memory. NUL bytes are shown as '?'. */
char *output_tail(const struct output *output);
