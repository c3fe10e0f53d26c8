/* SPDX-License-Identifier: MIT */
#pragma once
/* calendar_parser: the cursor that an expression of systemd.time(7) is read by. */
#include "when/calendar_private.h"

/* How much of the text an error quotes. */
#define CALENDAR_SHOWN_MAX 40

/* Reads from @at up to @end. */
struct parser {
        const char *at;
        const char *end;
        struct calendar_spec *spec;
        char *wrong;
};

static inline char parser_peek(const struct parser *p) {
        return p->at < p->end ? *p->at : '\0';
}

static inline bool parser_take(struct parser *p, const char *word) {
        size_t n = strlen(word);

        if ((size_t)(p->end - p->at) < n || memcmp(p->at, word, n) != 0)
                return false;
        p->at += n;
        return true;
}

static inline void parser_skip_blanks(struct parser *p) {
        while (parser_peek(p) == ' ')
                p->at++;
}

/* The length of the word at @at. */
static inline int parser_word_length(const struct parser *p) {
        const char *blank = memchr(p->at, ' ', (size_t)(p->end - p->at));
        ptrdiff_t n = (blank ? blank : p->end) - p->at;

        return n > CALENDAR_SHOWN_MAX ? CALENDAR_SHOWN_MAX : (int)n;
}

/* A star, or values, ranges and repetitions with commas between them, into the spec. Returns 0 or -EINVAL. */
int calendar_parse_field(struct parser *p, enum field_id id);

/* A field of one value, in whole units. */
void calendar_set_field(struct calendar_spec *spec, enum field_id id, int value);

const char *calendar_field_name(enum field_id id);
