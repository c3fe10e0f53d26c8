/* SPDX-License-Identifier: MIT */
#pragma once
/* value: the types of values that keys have: how they are read, what is allowed, how they are shown.
 *
 * A value comes as texts: one for most types, one a word or one a line for lists; see enum value_form. A parser stores
 * its result where the key's row says, after freeing what was there, and keeps nothing of the texts but those that it
 * takes out of the array.
 */
#include "base/clock.h"

#include <stdio.h>

struct key;

enum value_form {
        VALUE_SCALAR, /* one line */
        VALUE_TEXT,   /* lines, joined by line breaks and kept as they are */
        VALUE_WORDS,  /* split at blanks, quotes group; over any number of lines */
        VALUE_ARGV,   /* the same, but written once: two commands do not make a longer one */
        VALUE_LINES,  /* each line an element */
};

#define VALUE_WRONG_MAX 320

struct value {
        char **texts;                /* NULL-terminated; a parser may take a text away by setting its element to NULL */
        size_t n;                    /* 1 for VALUE_SCALAR and VALUE_TEXT */
        size_t at;                   /* of VALUE_LINES: the text that is wrong */
        char *one[2];                /* the array of those: only the text in it may be taken */
        char wrong[VALUE_WRONG_MAX]; /* what is wrong with it, when the parser says -EINVAL */
        const char *meant;           /* what may have been meant instead, or NULL */
        bool parsed;                 /* the parser has seen it: what is wrong is not its form */
};

struct value_type {
        const char *name; /* of the man page: what a value looks like */
        enum value_form form;

        /* Stores @value in the structure at @base by @key. Returns 0, -EINVAL, -ENOMEM. */
        int (*parse)(const struct key *key, struct value *value, void *base);

        /* What a value may be, for messages: "a duration such as 1h 30min, at least 1ms". */
        void (*allow)(const struct key *key, FILE *out);

        /* Shows what is stored; nothing when it is unset. */
        void (*show)(const struct key *key, const void *base, FILE *out);
};

/* How much of a text is repeated in a message. */
#define VALUE_SHOWN_MAX 100

/* Says what is wrong; returns -EINVAL. */
int value_wrong(struct value *value, const char *format, ...) _printf_(2, 3);

/* The same for one of the texts and what base/text says of it: -EINVAL (it is no @what), -ERANGE. */
int value_wrong_text(struct value *value, int r, const char *text, const char *what);

/* Writes a duration so that it can be read back exactly. */
void value_show_usec(usec_t usec, FILE *out);

/* Writes the string that the member points to. */
void value_show_string(const struct key *key, const void *base, FILE *out);

/* Where @key's member is in the structure at @base. */
void *value_member(const struct key *key, void *base);
const void *value_const_member(const struct key *key, const void *base);

/* Scalars of the member's type in parentheses; key->min and key->max bound them. */
extern const struct value_type value_bool;           /* bool */
extern const struct value_type value_duration;       /* usec_t; infinity when it is the maximum */
extern const struct value_type value_size;           /* uint64_t */
extern const struct value_type value_count;          /* unsigned */
extern const struct value_type value_count64;        /* uint64_t; infinity when it is the maximum */
extern const struct value_type value_integer;        /* int; the bounds are cast */
extern const struct value_type value_size_bound;     /* uint64_t; 0 when it is infinity */
extern const struct value_type value_count_bound;    /* the same */
extern const struct value_type value_duration_bound; /* usec_t, the same */
extern const struct value_type value_octal;          /* int */
extern const struct value_type value_choice;         /* unsigned or an enum: the index in key->choices */
extern const struct value_type value_flag;           /* bool: the index in key->choices, of which there are two */
extern const struct value_type value_string;         /* char *, not empty */
extern const struct value_type value_text;           /* the same, any number of lines */
extern const struct value_type value_path;           /* char *: absolute */
extern const struct value_type value_item_path;      /* char *: absolute, or beginning with {item} */
extern const struct value_type value_name;           /* char *: a name */
extern const struct value_type value_signal;         /* int */
extern const struct value_type value_log_level;      /* int */

/* Lists: strv. */
extern const struct value_type value_words;
extern const struct value_type value_command;    /* at least one word */
extern const struct value_type value_listen;     /* numeric addresses with ports, and unix:PATH */
extern const struct value_type value_names;      /* names and patterns */
extern const struct value_type value_principals; /* user:NAME, group:NAME; names may be numbers */
extern const struct value_type value_env;        /* NAME=VALUE */
extern const struct value_type value_header;     /* Name: value */

/* Types of one key each, which store in several members. */
extern const struct value_type value_type_of_task;
extern const struct value_type value_user;
extern const struct value_type value_stdin;
extern const struct value_type value_output;
extern const struct value_type value_log_rate; /* unsigned, and behind it usec_t: struct exec_part */
extern const struct value_type value_exit_codes;
extern const struct value_type value_statuses;
extern const struct value_type value_url;
extern const struct value_type value_method;
extern const struct value_type value_address;
extern const struct value_type value_sha256;
extern const struct value_type value_delays; /* two usec_t, one behind the other: the first and the longest */
extern const struct value_type value_overlap;
extern const struct value_type value_limits;
extern const struct value_type value_for_each;
extern const struct value_type value_items_may_fail;
extern const struct value_type value_hooks;
extern const struct value_type value_policy;
extern const struct value_type value_rate;
extern const struct value_type value_restart_limit; /* struct service_spec */
extern const struct value_type value_ready;
extern const struct value_type value_cpu_bound; /* unsigned, percent */
extern const struct value_type value_cgroup;    /* char * */

/* When a task starts. All but the first store in task->when, which they make. */
extern const struct value_type value_zone;      /* char *: looks like the name of a zone */
extern const struct value_type value_calendars; /* without zones */
extern const struct value_type value_crons;
extern const struct value_type value_watch;
extern const struct value_type value_settle;

/* Parses "5/10min", within the bounds of @key for the number. Returns 0, or -EINVAL with what is wrong. */
int value_parse_per(const struct key *key, struct value *value, uint64_t *ret_n, usec_t *ret_usec);

/* Whether @text is an address to connect to; {item} and {n} may stand for parts of it. */
bool value_is_address(const char *text);
