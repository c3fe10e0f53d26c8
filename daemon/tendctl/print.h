/* SPDX-License-Identifier: MIT */
#pragma once
/* print: what a person reads: tables that fit the terminal, colours, times. What comes from the daemon may hold any
 * characters and is made safe for a terminal. */
#include "base/clock.h"

#include <jansson.h>
#include <stdio.h>

enum paint {
        PAINT_NONE,
        PAINT_GOOD,
        PAINT_BAD,
        PAINT_WARN,
        PAINT_DIM,
        PAINT_BOLD,
        _PAINT_MAX,
};

/* Whether stdout is a terminal that shows colours (NO_COLOR says no). */
bool print_has_colour(void);

/* Columns of the terminal; 0 when stdout is none: nothing is cut then. */
unsigned print_width(void);

/* What a screen is to be like also where there is none: the size of the terminal, or what LINES and COLUMNS say, or 24 lines of 80. */
void print_screen_size(unsigned *ret_height, unsigned *ret_width);

/* Its lines; 0 when stdout is none. */
unsigned print_height(void);

/* Whether the locale shows UTF-8. */
bool print_is_utf8(void);

/* The paint for an outcome, a state or a problem. */
enum paint paint_for(const char *word);

/* Prints @text with control characters as "?" but for line breaks when @lines. */
void print_safe(const char *text, bool lines);
void print_safe_to(FILE *out, const char *text, bool lines);
void print_painted(enum paint paint, const char *text);
/* Mistakes and warnings of a configuration, a line each: "file:line: key: text". Takes NULL. */
void print_findings(const json_t *findings, FILE *out);

/* ---- tables ---- */

#define TABLE_COLUMNS_MAX 8

struct table;

/* A table with the headings @headings, NULL-terminated; heading "" for a table without. NULL: out of memory. */
struct table *table_new(const char *const *headings);
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table, table_free)

/* Sets the next cell of the present row; @text (copied) may be NULL. */
void table_cell(struct table *table, enum paint paint, const char *text);
void table_cellf(struct table *table, enum paint paint, const char *format, ...) _printf_(3, 4);
/* The last cell, behind which none follows in its row, reaches over the columns that come. */
void table_wide(struct table *table);
void table_end_row(struct table *table);

/* What the last column has goes below its row where the terminal has no room for it. */
void table_spill(struct table *table);

/* Prints it; what is behind the end of the terminal is cut. */
void table_print(const struct table *table);

/* ---- values of JSON ---- */

/* The string @key of @object, or "". */
const char *get_string(const json_t *object, const char *key);
/* The number @key of @object, or 0. */
json_int_t get_int(const json_t *object, const char *key);
bool get_bool(const json_t *object, const char *key);

/* ---- times ---- */

#define WHEN_MAX 64

/* The instant @usec as people say it: "2min ago", "in 5s", "now"; "" for 0. Returns @buf. */
const char *format_relative(json_int_t usec, char buf[WHEN_MAX]);
/* The time of day, with the date when it is not today. */
const char *format_clock(json_int_t usec, char buf[WHEN_MAX]);
/* The same without seconds. */
const char *format_minute(json_int_t usec, char buf[WHEN_MAX]);
/* The date, and the time of the day. */
const char *format_date(json_int_t usec, char buf[WHEN_MAX]);
const char *format_time(json_int_t usec, char buf[WHEN_MAX]);
/* A span, with no more than is of use: "2min 3s", "120ms". */
const char *format_span(json_int_t usec, char buf[WHEN_MAX]);
/* The same in one unit and at most five columns, rounded down: "850ms", "59s", "3h". */
const char *format_short(json_int_t usec, char buf[WHEN_MAX]);

/* A span as one looks at it in passing: whole seconds from one second on. */
const char *format_age(json_int_t usec, char buf[WHEN_MAX]);
/* How long ago the instant @usec is, in the same way, without "ago"; "" for 0. */
const char *format_age_of(json_int_t usec, char buf[WHEN_MAX]);

/* @name as a shell takes it for one word. Returns @buf. */
#define QUOTED_MAX 1024
const char *format_quoted(const char *name, char buf[QUOTED_MAX]);

/* Prints @json, as it is, with a line break. Takes the reference. Returns CTL_OK or CTL_FAILED. */
int print_json(json_t *json);

/* ---- what several verbs show ---- */

/* A line with what is to be known as @name; nothing when @value is "". */
void print_fact(const char *name, const char *value);

/* The outcome tree @outcome, all of it. */
void print_outcome(const json_t *outcome);

/* What the processes of a run used: the time of all attempts and items, the memory of the largest. */
void print_usage(const json_t *outcome);

/* What a Summary says, in facts; false: there is nothing to say. */
bool print_summary(const json_t *summary);

/* What is worth telling of a live run beside its state, in the @size bytes at @buf: what it waits for, how far it is, what it is at. */
void describe_run(const json_t *run, char *buf, size_t size);

/* The array of live runs @runs, as a tree; with @processes those of each run below it. */
void print_runs(const json_t *runs, bool processes);

/* ---- processes ---- */

#define PROCESS_COMMAND_MAX 256

/* The processes of @object, a Run or Remnant, a line for each, and what is to be known of odd ones. */
void print_processes(const json_t *object);

/* The state of a process in a word, and whether it is one that may explain why nothing goes on. */
const char *process_state(const json_t *process);
bool process_is_odd(const json_t *process);

/* The command line, or the name in brackets as ps(1) has it. Returns @buf. */
const char *process_command(const json_t *process, char buf[PROCESS_COMMAND_MAX]);

/* "12M"; "0.31s", from a minute on as format_span(). Return @buf. */
const char *format_memory(json_int_t bytes, char buf[WHEN_MAX]);
const char *format_cpu(json_int_t usec, char buf[WHEN_MAX]);

/* How a run has ended, "failed/exit", by the outcome and the error of @end. Returns @buf. */
const char *format_outcome(const json_t *end, char buf[WHEN_MAX]);

/* A progress, "[#####     ] 52% 520/1000", in the @size bytes at @buf. */
const char *format_progress(const json_t *progress, char *buf, size_t size);

/* The state of a task or run in words, "restarting in 8s"; @state when it is no service. */
const char *format_state(const json_t *service, const char *state, char buf[WHEN_MAX]);

/* Appends the items of a fan-out, "812 of 5000 ok, 3 failed", to the @size bytes at @buf. */
const char *format_items(const json_t *items, char *buf, size_t size);
