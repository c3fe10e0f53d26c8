/* SPDX-License-Identifier: MIT */
/* scrape: goes through the families, and in each through its rows.
 *
 * Before the first, descriptors are counted, and numbers of tasks without metrics of their own are added up, some in each
 * piece. Families come one after another, as the format wants them, so every task is looked at once in each; a piece is
 * full long before that takes time.
 *
 * The daemon moves on meanwhile. Where a scrape is in tasks, limits and pools it knows by name, so that a reload under it neither repeats
 * a series, for which Prometheus would refuse all of them, nor leaves out one that stays.
 */
#include "metrics/scrape.h"

#include "live/apply.h"
#include "loop/pool.h"
#include "metrics/process.h"

#include <stdio.h>

#define TASKS_A_PIECE 500 /* that are added up */
#define NAME_SIZE     128
#define MAX_RUNNING   "max-running"

_Static_assert(FAMILY_ROW_MAX < HTTP_PIECE_MAX, "a row has room in a piece");

enum step {
        STEP_FDS,
        STEP_OTHERS, /* adding them up */
        STEP_FAMILIES,
        STEP_DONE,
};

struct scrape {
        scrape_source_fn source_fn;
        void *arg;
        struct metrics_source source; /* of the present piece */
        struct process_fds *fds;
        uint64_t open_fds;
        enum step step;
        bool openmetrics;
        size_t family;
        size_t row;           /* of the family; that of tasks is where it is in them */
        bool begun;           /* the family's head is written */
        bool others_told;     /* in this family */
        char last[NAME_SIZE]; /* of the tasks, limits, pools: the last one that was told; "": none yet */
        uint64_t generation;  /* that `row` is of */
        uint64_t *others;     /* for each family, of tasks: their sum */
};

void *scrape_new(bool openmetrics, scrape_source_fn source, void *arg) {
        struct scrape *scrape = calloc(1, sizeof(*scrape));
        size_t n;

        (void)families(&n);
        if (!scrape)
                return NULL;
        scrape->others = calloc(n, sizeof(*scrape->others));
        if (!scrape->others) {
                free(scrape);
                return NULL;
        }
        scrape->openmetrics = openmetrics;
        scrape->source_fn = source;
        scrape->arg = arg;
        scrape->fds = process_fds_new();
        return scrape;
}

static void scrape_free(void *body) {
        struct scrape *scrape = body;

        process_fds_free(scrape->fds);
        free(scrape->others);
        free(scrape);
}

/* ---- before the first family ---- */

static void count_fds(struct scrape *scrape) {
        if (scrape->fds && process_fds_step(scrape->fds, &scrape->open_fds) > 0)
                return;
        scrape->fds = process_fds_free(scrape->fds);
        scrape->step = STEP_OTHERS;
        scrape->row = counts_n_own(scrape->source.counts);
}

static void add_other(struct scrape *scrape, const struct live_task *task) {
        size_t n;
        const struct family *table = families(&n);

        for (size_t i = 0; i < n; i++) {
                uint64_t value = 0;

                if (table[i].task && !table[i].apart && table[i].task(task, &value))
                        scrape->others[i] += value;
        }
}

/* A reload meanwhile makes the sums a little wrong, this once. */
static void add_others(struct scrape *scrape) {
        const struct live *live = scrape->source.live;
        size_t n = live_n_tasks(live), end = MIN(n, scrape->row + TASKS_A_PIECE);

        for (; scrape->row < end; scrape->row++)
                add_other(scrape, live_task_at(live, scrape->row));
        if (scrape->row < n)
                return;
        scrape->step = STEP_FAMILIES;
        scrape->row = 0;
        scrape->generation = live_generation(live);
}

/* ---- rows ---- */

static void write_number(struct metrics_writer *writer, const struct family *family, const char *name, uint64_t value) {
        if (family->usec)
                metrics_usec(writer, LABEL("task", name), NO_LABEL, value);
        else
                metrics_count(writer, LABEL("task", name), NO_LABEL, value);
}

static void write_task(struct scrape *scrape, const struct family *family, struct metrics_writer *writer) {
        static const struct task_counts none;
        const struct live_task *task = live_task_at(scrape->source.live, scrape->row);
        const char *name = live_task_task(task)->run.name;
        const struct task_counts *counts;
        uint64_t value;

        if (family->counts) {
                counts = counts_of(scrape->source.counts, name);
                family->counts(writer, &(const struct family_task){ LABEL("task", name), task, counts ?: &none });
        } else if (family->task(task, &value))
                write_number(writer, family, name, value);
}

/* Those that are not configured any more, or never were, have counters alone. */
static void write_others(struct scrape *scrape, const struct family *family, struct metrics_writer *writer) {
        const struct task_counts *counts = counts_of_others(scrape->source.counts);

        if (family->counts && counts)
                family->counts(writer, &(const struct family_task){ LABEL("task", SCRAPE_OTHERS), NULL, counts });
        else if (family->task && !family->apart &&
                 counts_n_own(scrape->source.counts) < live_n_tasks(scrape->source.live))
                write_number(writer, family, SCRAPE_OTHERS, scrape->others[scrape->family]);
}

/* What the rows of a family are of, in the order of their names. */
struct row_kind {
        size_t first; /* the row of the first of them */
        size_t (*count)(const struct live *live);
        const char *(*name)(const struct live *live, size_t i);
};

static const char *task_name(const struct live *live, size_t i) {
        return live_task_task(live_task_at(live, i))->run.name;
}

static const char *nth_limit_name(const struct live *live, size_t i) {
        return limit_name(live_limit_at(live, i));
}

static const char *nth_pool_name(const struct live *live, size_t i) {
        return pool_name(live_pool_at(live, i));
}

/* NULL: its rows are not of what a reload takes and gives. */
static const struct row_kind *kind_of(const struct family *family) {
        static const struct row_kind of_tasks = { 0, live_n_tasks, task_name };
        static const struct row_kind of_limits = { 1, live_n_limits, nth_limit_name }; /* behind max-running */
        static const struct row_kind of_pools = { 0, live_n_pools, nth_pool_name };

        if (family->task || family->counts)
                return &of_tasks;
        if (family->limit)
                return &of_limits;
        return family->pool ? &of_pools : NULL;
}

/* The one behind the last that was told, in a configuration that is another one by now. */
static void find_row(struct scrape *scrape, const struct family *family) {
        const struct row_kind *kind = kind_of(family);
        const struct live *live = scrape->source.live;
        size_t low = 0, high;

        if (!kind || scrape->row <= kind->first)
                return;
        for (high = kind->count(live); low < high;) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(kind->name(live, middle), scrape->last) <= 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        scrape->row = kind->first + low;
}

/* Each of the following writes the present row, or finds that there is none and returns false. */
static bool task_row(struct scrape *scrape, const struct family *family, struct metrics_writer *writer) {
        if (scrape->row < counts_n_own(scrape->source.counts)) {
                write_task(scrape, family, writer);
                return true;
        }
        if (!scrape->others_told)
                write_others(scrape, family, writer);
        scrape->others_told = true;
        return false;
}

/* max-running comes first; a limit that was given the same name is left out, or both would be refused. */
static bool limit_row(struct scrape *scrape, const struct family *family, struct metrics_writer *writer) {
        const struct live *live = scrape->source.live;
        const struct limit *limit = run_tree_max_running(live_tree(live));

        if (scrape->row > live_n_limits(live))
                return false;
        if (scrape->row > 0) {
                limit = live_limit_at(live, scrape->row - 1);
                if (streq(limit_name(limit), MAX_RUNNING))
                        return true;
        }
        if (limit)
                family->limit(writer, LABEL("limit", limit_name(limit)), limit);
        return true;
}

static bool pool_row(struct scrape *scrape, const struct family *family, struct metrics_writer *writer) {
        const struct pool *pool;

        if (scrape->row >= live_n_pools(scrape->source.live))
                return false;
        pool = live_pool_at(scrape->source.live, scrape->row);
        family->pool(writer, LABEL("pool", pool_name(pool)), pool);
        return true;
}

static bool write_row(struct scrape *scrape, const struct family *family, struct metrics_writer *writer) {
        if (family->limit)
                return limit_row(scrape, family, writer);
        if (family->pool)
                return pool_row(scrape, family, writer);
        if (!family->one)
                return task_row(scrape, family, writer);
        if (scrape->row == 0)
                family->one(writer, &scrape->source);
        return scrape->row == 0;
}

/* ---- families ---- */

/* The row has room in this piece: goes on to the next. */
static void step_on(struct scrape *scrape, const struct family *family) {
        const struct row_kind *kind = kind_of(family);

        if (kind && scrape->row >= kind->first)
                (void)snprintf(scrape->last, sizeof(scrape->last), "%s",
                               kind->name(scrape->source.live, scrape->row - kind->first));
        scrape->row++;
}

static void next_family(struct scrape *scrape) {
        scrape->family++;
        scrape->row = 0;
        scrape->begun = false;
        scrape->others_told = false;
        scrape->last[0] = '\0';
}

/* Writes rows of the present family until they end, or the piece is full. */
static void write_family(struct scrape *scrape, const struct family *family, struct metrics_writer *writer) {
        bool more = true;

        if (!scrape->begun)
                metrics_begin(writer, family->name, family->type, family->unit, family->help);
        writer->name = family->name;
        writer->type = family->type;
        while (more && !writer->full && writer->size - writer->n >= FAMILY_ROW_MAX) {
                more = write_row(scrape, family, writer);
                if (more)
                        step_on(scrape, family);
        }
        scrape->begun = true;
        if (!more)
                next_family(scrape);
}

static void write_families(struct scrape *scrape, struct metrics_writer *writer) {
        size_t n;
        const struct family *table = families(&n);

        if (scrape->generation != live_generation(scrape->source.live)) {
                scrape->generation = live_generation(scrape->source.live);
                if (scrape->family < n)
                        find_row(scrape, &table[scrape->family]);
        }
        while (scrape->family < n && writer->size - writer->n >= FAMILY_ROW_MAX)
                write_family(scrape, &table[scrape->family], writer);
        if (scrape->family == n) {
                metrics_end(writer);
                scrape->step = STEP_DONE;
        }
}

static int scrape_next(void *body, char *buf, size_t *ret_n) {
        struct scrape *scrape = body;
        struct metrics_writer writer = { .buf = buf, .size = HTTP_PIECE_MAX, .openmetrics = scrape->openmetrics };

        scrape->source_fn(&scrape->source, scrape->arg);
        scrape->source.open_fds = scrape->open_fds;
        switch (scrape->step) {
        case STEP_FDS: count_fds(scrape); break;
        case STEP_OTHERS: add_others(scrape); break;
        default: write_families(scrape, &writer);
        }
        if (writer.full) /* a row is larger than it may be */
                return -EMSGSIZE;
        *ret_n = writer.n;
        return scrape->step != STEP_DONE;
}

const struct http_body_ops scrape_ops = { scrape_next, scrape_free };
