/* SPDX-License-Identifier: MIT */
#pragma once
/* top_model: the rows of one view: which are shown, in which order, which is selected, and which of them are on the screen. Pure: it
 * knows neither the terminal nor the daemon.
 *
 * The selection stays on its row, known by its id, whatever happens to the others. When the row itself is gone, the selection stays
 * where it was on the list.
 */
#include "tendctl/print.h"

#define CELL_TEXT_MAX 320

struct cell_text {
        char text[CELL_TEXT_MAX];
        enum paint paint;
};

struct top_column {
        const char *title;
        unsigned width; /* 0: what the others leave; at least `least` */
        unsigned least;
        unsigned most; /* of one with width 0; 0: as much as there is */
        bool right;
        bool falls; /* sorted by it, the largest come first */
        void (*text)(const json_t *row, struct cell_text *ret);
        /* What it is sorted by: one of these, or neither: it is not. Words must live as long as the row. */
        const char *(*word)(const json_t *row);
        json_int_t (*number)(const json_t *row);
};

/* What is shown of one kind of things. */
struct top_view {
        const char *name;
        const char *id; /* the key of a row's name */
        const struct top_column *columns;
        size_t n_columns;
        int sort; /* the column it is sorted by at first; -1: as the rows come */
        bool (*is_failing)(const json_t *row);
};

struct model;

/* Returns 0 or -ENOMEM. */
int model_new(const struct top_view *view, struct model **ret);
struct model *model_free(struct model *model);
DEFINE_CLEANUP(struct model, model_free)

/* The rows are those of the array @rows from now on, of which a reference is taken. Returns 0 or -ENOMEM: then it is empty. */
int model_set(struct model *model, json_t *rows);

/* Rows that are there, by their ids, are those of the array @rows from now on; others are left as they are. */
void model_update(struct model *model, const json_t *rows);

/* Gives each row the member @key of the object @by_id, or takes it away. */
void model_join(struct model *model, const char *key, const json_t *by_id);

/* By the next column that can be; behind the last one, as the rows come. */
void model_sort_next(struct model *model);
void model_sort_reverse(struct model *model);
int model_sort_column(const struct model *model); /* -1: as they come */
bool model_is_reversed(const struct model *model);

/* Only rows whose id contains @pattern, whatever the case, or matches it when it has * or ?; NULL or "": all. Returns 0 or -ENOMEM. */
int model_filter(struct model *model, const char *pattern);
const char *model_pattern(const struct model *model); /* "" without */
void model_filter_failing(struct model *model, bool failing);
bool model_is_filtered_failing(const struct model *model);

size_t model_widest(const struct model *model);                   /* characters of the longest id */
size_t model_n(const struct model *model);                        /* all */
size_t model_n_shown(const struct model *model);                  /* that the filter lets through */
const json_t *model_row(const struct model *model, size_t index); /* of those shown */

/* The selected row, or NULL when none is shown; and where it is. */
const json_t *model_selected(const struct model *model);
size_t model_selected_index(const struct model *model);
const char *model_id(const struct model *model, const json_t *row);

/* Moves the selection by so many rows, as far as there are any. */
void model_move(struct model *model, long by);

/* The first row on a screen of @height rows, on which the selected one is. */
size_t model_scroll(struct model *model, size_t height);
