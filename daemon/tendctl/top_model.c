/* SPDX-License-Identifier: MIT */
/* top_model: the rows of one view, see top_model.h.
 *
 * Entries are in the order in which rows came; `shown` has the indices of those that the filter lets through, sorted. What an entry is
 * sorted by is looked up once, when it is sorted, not with each comparison. Rows that are alike stay in the order in which they came,
 * so that nothing moves without need.
 */
#include "tendctl/top_model.h"

#include "base/text.h"

struct entry {
        const json_t *row; /* the array's */
        const char *id;    /* the row's */
        const char *word;
        json_int_t number;
};

struct model {
        const struct top_view *view;
        json_t *rows;
        struct entry *entries;
        size_t n;
        size_t *shown;
        size_t n_shown;
        size_t widest;
        int sort;
        bool reverse;
        bool failing;
        char *pattern;
        char *selected_id; /* NULL: none yet */
        size_t selected;   /* of those shown */
        size_t top;
};

int model_new(const struct top_view *view, struct model **ret) {
        struct model *model = calloc(1, sizeof(*model));

        if (!model)
                return -ENOMEM;
        model->view = view;
        model->sort = view->sort;
        *ret = model;
        return 0;
}

static void drop_rows(struct model *model) {
        free(model->entries);
        free(model->shown);
        json_decref(model->rows);
        model->entries = NULL;
        model->shown = NULL;
        model->rows = NULL;
        model->n = model->n_shown = 0;
}

struct model *model_free(struct model *model) {
        if (!model)
                return NULL;
        drop_rows(model);
        free(model->pattern);
        free(model->selected_id);
        free(model);
        return NULL;
}

/* ---- filter and order ---- */

static bool is_shown(const struct model *model, const struct entry *entry) {
        const char *pattern = model->pattern;

        if (model->failing && model->view->is_failing && !model->view->is_failing(entry->row))
                return false;
        if (!pattern)
                return true;
        return strpbrk(pattern, "*?") ? text_match(pattern, entry->id) : strcasestr(entry->id, pattern) != NULL;
}

static int compare(const void *a, const void *b, void *arg) {
        const struct model *model = arg;
        size_t i = *(const size_t *)a, j = *(const size_t *)b;
        const struct entry *x = &model->entries[i], *y = &model->entries[j];
        const struct top_column *column = &model->view->columns[model->sort];
        int order = column->word ? strcmp(x->word, y->word) : (x->number > y->number) - (x->number < y->number);

        if (order == 0)
                return i < j ? -1 : i > j;
        return column->falls != model->reverse ? -order : order;
}

static void sort(struct model *model) {
        const struct top_column *column;

        if (model->sort < 0) {
                for (size_t i = 0; i < model->n_shown / 2 && model->reverse; i++) {
                        size_t other = model->shown[model->n_shown - 1 - i];

                        model->shown[model->n_shown - 1 - i] = model->shown[i];
                        model->shown[i] = other;
                }
                return;
        }
        if (model->n_shown == 0) /* then there may be no array at all */
                return;
        column = &model->view->columns[model->sort];
        for (size_t i = 0; i < model->n_shown; i++) {
                struct entry *entry = &model->entries[model->shown[i]];

                entry->word = column->word ? column->word(entry->row) : NULL;
                entry->number = column->number ? column->number(entry->row) : 0;
        }
        qsort_r(model->shown, model->n_shown, sizeof(*model->shown), compare, model);
}

/* The row at @model->selected is the selected one. */
static void note_selection(struct model *model) {
        const char *id = model->n_shown > 0 ? model->entries[model->shown[model->selected]].id : NULL;

        if (!id || (model->selected_id && streq(model->selected_id, id)))
                return;
        free(model->selected_id);
        model->selected_id = strdup(id);
}

/* Something has changed: what is shown, in which order, and where the selected row is then. */
static void arrange(struct model *model) {
        bool found = false;

        model->n_shown = 0;
        for (size_t i = 0; i < model->n; i++)
                if (is_shown(model, &model->entries[i]))
                        model->shown[model->n_shown++] = i;
        sort(model);
        for (size_t i = 0; i < model->n_shown && model->selected_id && !found; i++) {
                found = streq(model->entries[model->shown[i]].id, model->selected_id);
                if (found)
                        model->selected = i;
        }
        model->selected = model->n_shown > 0 ? MIN(model->selected, model->n_shown - 1) : 0;
        note_selection(model);
}

/* ---- rows ---- */

int model_set(struct model *model, json_t *rows) {
        size_t n = json_array_size(rows);

        drop_rows(model);
        model->entries = calloc(MAX(n, (size_t)1), sizeof(*model->entries));
        model->shown = calloc(MAX(n, (size_t)1), sizeof(*model->shown));
        if (!model->entries || !model->shown) {
                drop_rows(model);
                return -ENOMEM;
        }
        model->rows = json_incref(rows);
        model->widest = 0;
        for (size_t i = 0; i < n; i++) {
                struct entry *entry = &model->entries[model->n++];

                entry->row = json_array_get(rows, i);
                entry->id = get_string(entry->row, model->view->id);
                model->widest = MAX(model->widest, strlen(entry->id));
        }
        arrange(model);
        return 0;
}

void model_update(struct model *model, const json_t *rows) {
        size_t index;
        json_t *row;

        json_array_foreach((json_t *)rows, index, row) {
                const char *id = get_string(row, model->view->id);

                for (size_t i = 0; i < model->n; i++)
                        if (streq(model->entries[i].id, id) && json_array_set(model->rows, i, row) == 0) {
                                model->entries[i].row = row;
                                model->entries[i].id = id;
                                break;
                        }
        }
        if (model->n > 0)
                arrange(model);
}

void model_join(struct model *model, const char *key, const json_t *by_id) {
        for (size_t i = 0; i < model->n; i++) {
                json_t *row = (json_t *)model->entries[i].row, *value = json_object_get(by_id, model->entries[i].id);

                if (value)
                        (void)json_object_set(row, key, value);
                else
                        (void)json_object_del(row, key);
        }
        if (model->n > 0)
                arrange(model);
}

/* ---- what the operator wants to see ---- */

void model_sort_next(struct model *model) {
        const struct top_view *view = model->view;

        do
                model->sort = model->sort + 1 < (int)view->n_columns ? model->sort + 1 : -1;
        while (model->sort >= 0 && !view->columns[model->sort].word && !view->columns[model->sort].number);
        model->reverse = false;
        arrange(model);
}

void model_sort_reverse(struct model *model) {
        model->reverse = !model->reverse;
        arrange(model);
}

int model_sort_column(const struct model *model) {
        return model->sort;
}

bool model_is_reversed(const struct model *model) {
        return model->reverse;
}

int model_filter(struct model *model, const char *pattern) {
        char *copy = NULL;

        if (pattern && *pattern) {
                copy = strdup(pattern);
                if (!copy)
                        return -ENOMEM;
        }
        free(model->pattern);
        model->pattern = copy;
        arrange(model);
        return 0;
}

const char *model_pattern(const struct model *model) {
        return model->pattern ? model->pattern : "";
}

void model_filter_failing(struct model *model, bool failing) {
        model->failing = failing;
        arrange(model);
}

bool model_is_filtered_failing(const struct model *model) {
        return model->failing;
}

size_t model_widest(const struct model *model) {
        return model->widest;
}

size_t model_n(const struct model *model) {
        return model->n;
}

size_t model_n_shown(const struct model *model) {
        return model->n_shown;
}

const json_t *model_row(const struct model *model, size_t index) {
        return model->entries[model->shown[index]].row;
}

const json_t *model_selected(const struct model *model) {
        return model->n_shown > 0 ? model_row(model, model->selected) : NULL;
}

size_t model_selected_index(const struct model *model) {
        return model->selected;
}

const char *model_id(const struct model *model, const json_t *row) {
        return get_string(row, model->view->id);
}

void model_move(struct model *model, long by) {
        long last = (long)model->n_shown - 1, to = (long)model->selected;

        if (last < 0)
                return;
        to = by > last - to ? last : by < -to ? 0 : to + by;
        model->selected = (size_t)to;
        note_selection(model);
}

size_t model_scroll(struct model *model, size_t height) {
        if (height == 0)
                return model->top;
        if (model->selected < model->top)
                model->top = model->selected;
        else if (model->selected >= model->top + height)
                model->top = model->selected - height + 1;
        if (model->top + height > model->n_shown)
                model->top = model->n_shown > height ? model->n_shown - height : 0;
        return model->top;
}
