/* SPDX-License-Identifier: MIT */
/* timeline: rows and bars of a Gantt chart, see timeline.h. */
#include "tendctl/timeline.h"

#include <search.h>
#include <stdio.h>

static const char *const kind_names[_TIMELINE_KIND_MAX] = {
        [TIMELINE_FAILED] = "failed",   [TIMELINE_TIMEOUT] = "timeout",     [TIMELINE_INTERRUPTED] = "interrupted",
        [TIMELINE_MISSED] = "not run",  [TIMELINE_CANCELLED] = "cancelled", [TIMELINE_NEVER_STARTED] = "never-started",
        [TIMELINE_SKIPPED] = "skipped", [TIMELINE_RUNNING] = "running",     [TIMELINE_OK] = "ok",
        [TIMELINE_WAITING] = "waiting",
};

const char *timeline_kind_to_string(enum timeline_kind kind) {
        return kind_names[kind];
}

enum timeline_kind timeline_kind_from_string(const char *outcome) {
        for (enum timeline_kind i = 0; i < _TIMELINE_KIND_MAX; i++)
                if (streq(kind_names[i], outcome))
                        return i;
        return _TIMELINE_KIND_INVALID;
}

void timeline_init(struct timeline *timeline, usec_t from_usec, usec_t until_usec, usec_t now_usec) {
        *timeline = (struct timeline){ .from_usec = from_usec, .until_usec = until_usec, .now_usec = now_usec };
}

static void row_free(struct timeline_row *row) {
        if (!row)
                return;
        for (size_t i = 0; i < row->n_bars; i++) {
                free(row->bars[i].name);
                free(row->bars[i].text);
        }
        free(row->bars);
        free(row->path);
        free(row);
}

static void keep(_unused_ void *row) {
}

void timeline_done(struct timeline *timeline) {
        tdestroy(timeline->by_path, keep);
        for (size_t i = 0; i < timeline->n_rows; i++)
                row_free(timeline->rows[i]);
        free(timeline->rows);
        *timeline = (struct timeline){ 0 };
}

/* ---- rows ---- */

static int compare_paths(const void *a, const void *b) {
        return strcmp(((const struct timeline_row *)a)->path, ((const struct timeline_row *)b)->path);
}

static int grow(struct timeline *timeline) {
        size_t allocated = MAX(timeline->allocated * 2, (size_t)32);
        struct timeline_row **rows;

        if (timeline->n_rows < timeline->allocated)
                return 0;
        rows = reallocarray(timeline->rows, allocated, sizeof(struct timeline_row *));
        if (!rows)
                return -ENOMEM;
        timeline->rows = rows;
        timeline->allocated = allocated;
        return 0;
}

/* The row of @path, which is made with those above it if there is none. NULL: out of memory. */
static struct timeline_row *find_row(struct timeline *timeline, const char *path, size_t n) {
        struct timeline_row wanted = { .path = strndup(path, n) }, *row, *parent = NULL, **node;
        const char *slash = memrchr(path, '/', n);

        if (!wanted.path)
                return NULL;
        node = tfind(&wanted, &timeline->by_path, compare_paths);
        if (node) {
                free(wanted.path);
                return *node;
        }
        if (slash)
                parent = find_row(timeline, path, (size_t)(slash - path));
        row = (slash && !parent) || grow(timeline) < 0 ? NULL : calloc(1, sizeof(*row));
        if (!row) {
                free(wanted.path);
                return NULL;
        }
        *row = (struct timeline_row){ .path = wanted.path, .parent = parent, .first_usec = USEC_INFINITY };
        row->name = slash ? row->path + (slash - path) + 1 : row->path;
        row->depth = parent ? parent->depth + 1 : 0;
        if (!tsearch(row, &timeline->by_path, compare_paths)) {
                row_free(row);
                return NULL;
        }
        timeline->rows[timeline->n_rows++] = row;
        return row;
}

/* "group#7/member" is on the row "group/member". NULL: out of memory. */
static char *path_of(const char *name) {
        char *path = strdup(name), *to = path;

        for (const char *from = name; path && *from; from++) {
                if (*from == '#')
                        from += strcspn(from, "/");
                if (*from == '\0')
                        break;
                *to++ = *from;
        }
        if (path)
                *to = '\0';
        return path;
}

/* ---- bars ---- */

usec_t timeline_end(const struct timeline *timeline, const struct timeline_bar *bar) {
        return bar->ended_usec == USEC_INFINITY ? MAX(timeline->now_usec, bar->begun_usec) : bar->ended_usec;
}

static int append(struct timeline_row *row, const struct timeline_bar *bar) {
        size_t allocated = MAX(row->allocated * 2, (size_t)4);
        struct timeline_bar *bars = row->bars, *copy;

        if (row->n_bars == row->allocated) {
                bars = reallocarray(bars, allocated, sizeof(*bars));
                if (!bars)
                        return -ENOMEM;
                row->bars = bars;
                row->allocated = allocated;
        }
        copy = &bars[row->n_bars];
        *copy = *bar;
        copy->name = strdup(bar->name);
        copy->text = bar->text ? strdup(bar->text) : NULL;
        if (!copy->name || (bar->text && !copy->text)) {
                free(copy->name);
                free(copy->text);
                return -ENOMEM;
        }
        row->n_bars++;
        return 0;
}

int timeline_add(struct timeline *timeline, const struct timeline_bar *bar) {
        struct timeline_row *row;
        char *path;
        int r;

        if (timeline_end(timeline, bar) < timeline->from_usec || bar->begun_usec >= timeline->until_usec)
                return 0;
        path = path_of(bar->name);
        row = path ? find_row(timeline, path, strlen(path)) : NULL;
        free(path);
        r = row ? append(row, bar) : -ENOMEM;
        for (; r == 0 && row; row = row->parent)
                row->first_usec = MIN(row->first_usec, bar->begun_usec);
        return r;
}

/* ---- order ---- */

static int compare_siblings(const struct timeline_row *a, const struct timeline_row *b) {
        if (a->first_usec != b->first_usec)
                return a->first_usec < b->first_usec ? -1 : 1;
        return strcmp(a->path, b->path);
}

/* By the oldest of their forebears that differ; a row comes before those below it. */
static int compare_rows(const void *a, const void *b) {
        const struct timeline_row *x = *(struct timeline_row *const *)a, *y = *(struct timeline_row *const *)b;
        const unsigned x_depth = x->depth, y_depth = y->depth;

        while (x->depth > y->depth)
                x = x->parent;
        while (y->depth > x->depth)
                y = y->parent;
        if (x == y)
                return x_depth < y_depth ? -1 : x_depth > y_depth;
        while (x->parent != y->parent) {
                x = x->parent;
                y = y->parent;
        }
        return compare_siblings(x, y);
}

static int compare_bars(const void *a, const void *b) {
        const struct timeline_bar *x = a, *y = b;

        if (x->begun_usec != y->begun_usec)
                return x->begun_usec < y->begun_usec ? -1 : 1;
        return strverscmp(x->name, y->name);
}

/* Each bar goes to the first lane that is free when it begins. Marks need none. */
static void find_lanes(const struct timeline *timeline, struct timeline_row *row) {
        usec_t busy_until[TIMELINE_LANES_MAX] = { 0 };

        row->n_lanes = 1;
        for (size_t i = 0; i < row->n_bars; i++) {
                struct timeline_bar *bar = &row->bars[i];
                unsigned lane = 0;

                bar->lane = 0;
                if (bar->kind == TIMELINE_MISSED)
                        continue;
                while (lane + 1 < TIMELINE_LANES_MAX && busy_until[lane] > bar->begun_usec)
                        lane++;
                busy_until[lane] = MAX(busy_until[lane], timeline_end(timeline, bar));
                bar->lane = lane;
                row->n_lanes = MAX(row->n_lanes, lane + 1);
        }
}

void timeline_arrange(struct timeline *timeline) {
        if (timeline->n_rows > 0)
                qsort(timeline->rows, timeline->n_rows, sizeof(struct timeline_row *), compare_rows);
        for (size_t i = 0; i < timeline->n_rows; i++) {
                struct timeline_row *row = timeline->rows[i];

                if (row->n_bars > 0)
                        qsort(row->bars, row->n_bars, sizeof(*row->bars), compare_bars);
                find_lanes(timeline, row);
        }
}

unsigned timeline_column(const struct timeline *timeline, usec_t usec, unsigned columns) {
        double share = (double)usec_sub(usec, timeline->from_usec) /
                       (double)MAX(usec_sub(timeline->until_usec, timeline->from_usec), (usec_t)1);

        return share >= 1 ? columns - 1 : (unsigned)(share * columns);
}
