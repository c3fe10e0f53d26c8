/* SPDX-License-Identifier: MIT */
/* fake-store: the store for tests, see fake-store.h. */
#include "support/fake-store.h"

#include "store/record.h"

#include <stdio.h>

/* A record alone. */
struct row {
        struct list link;
        struct batch batch;
        struct record *record;
};

struct store_sync {
        struct list link;
        store_sync_fn fn;
        void *arg;
};

struct store_query {
        struct list link;
        struct store_history_query history;
        char *task; /* of a summary; NULL: history */
        char *run;
        char **tasks;
        usec_t since_usec;
        store_history_fn on_history;
        store_summary_fn on_summary;
        void *arg;
};

struct store {
        struct store_options options;
        struct loop_work work;
        struct list put; /* rows that are not in the file yet */
        struct list syncs;
        struct list queries;
        bool forgotten; /* what was opened */
        char why[256];
        bool degraded;
        usec_t degraded_usec;
        uint64_t lost;
};

/* The file: rows by the kind that made them; those of RECORD_END and RECORD_MISSED are the history. */
static struct list file[_RECORD_KIND_MAX];
static struct list opened[_RECORD_KIND_MAX];
static bool made;
static struct store *the_store;
static bool held;
static bool refusing;
static int sync_result;
static size_t n_puts, n_syncs;

static void die(const char *what) {
        fprintf(stderr, "fake-store: %s\n", what);
        abort();
}

/* ---- rows ---- */

static struct row *row_new(enum record_kind kind, const void *value) {
        struct row *row = calloc(1, sizeof(*row));

        if (!row)
                die("out of memory");
        list_init(&row->link);
        batch_init(&row->batch);
        row->record = batch_add(&row->batch, kind, value);
        if (!row->record)
                die("out of memory");
        return row;
}

static void row_free(struct row *row) {
        list_remove(&row->link);
        batch_clear(&row->batch);
        free(row);
}

static void clear(struct list *rows) {
        struct row *row, *tmp;

        list_for_each_entry_safe(row, tmp, rows, link)
                row_free(row);
}

static bool same(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

static bool is_of_run(const struct record *record, const char *run, usec_t begun_usec) {
        if (record->kind == RECORD_PROCESS)
                return same(record->process.run, run) && record->process.begun_usec == begun_usec;
        return same(record->run.run, run) && record->run.begun_usec == begun_usec;
}

/* Removes the rows of @kind that are the same thing as @record. */
static void drop_same(enum record_kind kind, const struct record *record) {
        struct row *row, *tmp;

        list_for_each_entry_safe(row, tmp, &file[kind], link) {
                const struct record *old = row->record;
                bool drop = false;

                switch (kind) {
                case RECORD_TASK: drop = same(old->task.task, record->task.task); break;
                case RECORD_ITEM:
                        drop = same(old->item.task, record->item.task) && same(old->item.item, record->item.item);
                        break;
                case RECORD_PAUSE: drop = same(old->pause.what, record->pause.what); break;
                case RECORD_BEGIN:
                case RECORD_END: drop = is_of_run(old, record->run.run, record->run.begun_usec); break;
                case RECORD_PROCESS:
                        drop = is_of_run(old, record->process.run, record->process.begun_usec) &&
                               old->process.pid == record->process.pid;
                        break;
                case RECORD_MISSED:
                        drop = old->missed.task && old->missed.trigger && same(old->missed.task, record->missed.task) &&
                               same(old->missed.trigger, record->missed.trigger) &&
                               old->missed.first_due_usec == record->missed.first_due_usec;
                        break;
                default: break;
                }
                if (drop)
                        row_free(row);
        }
}

static void drop_processes(const struct store_run *run) {
        struct row *row, *tmp;

        list_for_each_entry_safe(row, tmp, &file[RECORD_PROCESS], link)
                if (is_of_run(row->record, run->run, run->begun_usec))
                        row_free(row);
}

static void take_missed(const struct store_missed *missed) {
        struct row *row;

        list_for_each_entry(row, &file[RECORD_MISSED], link) {
                struct store_missed *old = &row->record->missed;

                if (!same(old->task, missed->task) || old->first_due_usec > missed->first_due_usec ||
                    old->last_due_usec < missed->first_due_usec)
                        continue;
                if (--old->n == 0)
                        row_free(row);
                return;
        }
}

/* Puts @row, which it takes over, into the file. */
static void apply(struct row *row) {
        const struct record *record = row->record;
        bool keep = true;

        list_remove(&row->link);
        switch (record->kind) {
        case RECORD_PROCESS_GONE:
                drop_same(RECORD_PROCESS, record);
                keep = false;
                break;
        case RECORD_NOT_MISSED:
                take_missed(&record->missed);
                keep = false;
                break;
        case RECORD_END:
                drop_same(RECORD_BEGIN, record);
                drop_processes(&record->run);
                drop_same(RECORD_END, record);
                break;
        case RECORD_ITEM:
                drop_same(RECORD_ITEM, record);
                keep = record->item.failures > 0;
                break;
        case RECORD_PAUSE:
                drop_same(RECORD_PAUSE, record);
                keep = record->pause.paused_by != NULL;
                break;
        default: drop_same(record->kind, record); break;
        }
        if (keep)
                list_append(&file[record->kind], &row->link);
        else
                row_free(row);
}

/* ---- a turn ---- */

static void answer(struct store *store, struct store_query *query);

static void on_work(_unused_ struct loop_work *work, void *arg) {
        struct store *store = arg;
        struct list syncs = LIST_INIT(syncs), queries = LIST_INIT(queries);
        struct store_query *query;
        struct store_sync *sync;

        list_splice(&queries, &store->queries);
        if (store->options.on_hand_over && !list_empty(&store->put))
                store->options.on_hand_over(store->options.arg);
        if (!held) {
                while (!list_empty(&store->put))
                        apply(list_first_entry(&store->put, struct row, link));
                list_splice(&syncs, &store->syncs);
        }
        while ((sync = list_first_entry(&syncs, struct store_sync, link))) {
                store_sync_fn fn = sync->fn;
                void *fn_arg = sync->arg;

                list_remove(&sync->link);
                free(sync);
                fn(store->degraded ? -EIO : sync_result, fn_arg);
        }
        while ((query = list_first_entry(&queries, struct store_query, link)))
                answer(store, query);
}

static void put(struct store *store, enum record_kind kind, const void *value) {
        n_puts++;
        if (store->degraded) {
                store->lost++;
                return;
        }
        list_append(&store->put, &row_new(kind, value)->link);
        loop_work_schedule(&store->work);
}

/* ---- what tests do ---- */

static void make_file(void) {
        for (size_t i = 0; i < _RECORD_KIND_MAX && !made; i++) {
                list_init(&file[i]);
                list_init(&opened[i]);
        }
        made = true;
}

static void query_free(struct store_query *query) {
        list_remove(&query->link);
        for (char **task = query->tasks; task && *task; task++)
                free(*task);
        free(query->tasks);
        free(query->task);
        free(query->run);
        free(query);
}

static void store_free(struct store *store) {
        struct store_query *query, *next;
        struct store_sync *sync, *tmp;

        loop_work_cancel(&store->work);
        clear(&store->put);
        list_for_each_entry_safe(sync, tmp, &store->syncs, link)
                free(sync);
        list_for_each_entry_safe(query, next, &store->queries, link)
                query_free(query);
        free(store);
        the_store = NULL;
}

void fake_store_crash(void) {
        if (the_store)
                store_free(the_store);
}

void fake_store_reset(void) {
        fake_store_crash();
        make_file();
        for (size_t i = 0; i < _RECORD_KIND_MAX; i++) {
                clear(&file[i]);
                clear(&opened[i]);
        }
        held = refusing = false;
        sync_result = 0;
        n_puts = n_syncs = 0;
}

void fake_store_hold(bool hold) {
        held = hold;
        if (!hold && the_store)
                loop_work_schedule(&the_store->work);
}

void fake_store_refuse(bool refuse) {
        refusing = refuse;
}

void fake_store_set_sync(int result) {
        sync_result = result;
}

void fake_store_degrade(const char *text) {
        struct store *store = the_store;

        store->degraded = true;
        store->degraded_usec = clock_now(CLOCK_ID_REALTIME);
        (void)snprintf(store->why, sizeof(store->why), "%s", text);
        loop_work_schedule(&store->work);
        if (store->options.on_health)
                store->options.on_health(true, text, store->options.arg);
}

void fake_store_recover(bool anew) {
        struct store *store = the_store;

        store->degraded = false;
        for (size_t i = 0; i < _RECORD_KIND_MAX && anew; i++)
                clear(&file[i]);
        if (store->options.on_health)
                store->options.on_health(false, "the database is written again", store->options.arg);
        if (store->options.on_anew && (anew || store->lost > 0))
                store->options.on_anew(store->options.arg);
}

void fake_store_read(void) {
        struct row *row;

        for (enum record_kind kind = 0; kind < _RECORD_KIND_MAX; kind++) {
                clear(&opened[kind]);
                list_for_each_entry(row, &file[kind], link)
                        list_append(&opened[kind], &row_new(kind, &row->record->task)->link);
        }
}

/* ---- what tests see ---- */

static size_t count(enum record_kind kind) {
        struct row *row;
        size_t n = 0;

        make_file();
        list_for_each_entry(row, &file[kind], link)
                n++;
        return n;
}

static const struct record *nth(enum record_kind kind, size_t i) {
        struct row *row;

        make_file();
        list_for_each_entry(row, &file[kind], link)
                if (i-- == 0)
                        return row->record;
        return NULL;
}

const struct store_task *fake_store_task(const char *task) {
        const struct record *record;

        for (size_t i = 0; (record = nth(RECORD_TASK, i)); i++)
                if (same(record->task.task, task))
                        return &record->task;
        return NULL;
}

const struct store_item *fake_store_item(const char *task, const char *item) {
        const struct record *record;

        for (size_t i = 0; (record = nth(RECORD_ITEM, i)); i++)
                if (same(record->item.task, task) && same(record->item.item, item))
                        return &record->item;
        return NULL;
}

size_t fake_store_n_items(void) {
        return count(RECORD_ITEM);
}

const struct store_run *fake_store_live(size_t i) {
        const struct record *record = nth(RECORD_BEGIN, i);

        return record ? &record->run : NULL;
}

size_t fake_store_n_live(void) {
        return count(RECORD_BEGIN);
}

const struct store_process *fake_store_process(size_t i) {
        const struct record *record = nth(RECORD_PROCESS, i);

        return record ? &record->process : NULL;
}

size_t fake_store_n_processes(void) {
        return count(RECORD_PROCESS);
}

const struct store_run *fake_store_run(size_t i) {
        const struct record *record = nth(RECORD_END, i);

        return record ? &record->run : NULL;
}

size_t fake_store_n_runs(void) {
        return count(RECORD_END);
}

const struct store_missed *fake_store_missed(size_t i) {
        const struct record *record = nth(RECORD_MISSED, i);

        return record ? &record->missed : NULL;
}

size_t fake_store_n_missed(void) {
        return count(RECORD_MISSED);
}

uint64_t fake_store_missed_total(const char *task, const char *reason) {
        struct row *row;
        uint64_t n = 0;

        make_file();
        list_for_each_entry(row, &file[RECORD_MISSED], link)
                if ((!task || same(row->record->missed.task, task)) &&
                    (!reason || same(row->record->missed.reason, reason)))
                        n += row->record->missed.n;
        return n;
}

size_t fake_store_n_puts(void) {
        return n_puts;
}

size_t fake_store_n_syncs(void) {
        return n_syncs;
}

size_t fake_store_n_waiting(void) {
        struct store_sync *sync;
        size_t n = 0;

        if (the_store)
                list_for_each_entry(sync, &the_store->syncs, link)
                        n++;
        return n;
}

/* ---- store.h ---- */

int store_open(const struct store_options *options, struct store **ret) {
        struct store *store = calloc(1, sizeof(*store));

        if (!store || the_store)
                die("one store at a time");
        make_file();
        store->options = *options;
        list_init(&store->put);
        list_init(&store->syncs);
        list_init(&store->queries);
        loop_work_init(&store->work, options->loop, "store", on_work, store);
        fake_store_read();
        *ret = the_store = store;
        return 0;
}

struct store *store_close(struct store *store, _unused_ usec_t timeout_usec) {
        if (!store)
                return NULL;
        while (!held && !list_empty(&store->put))
                apply(list_first_entry(&store->put, struct row, link));
        store_free(store);
        return NULL;
}

void store_retry(_unused_ struct store *store) {
}

int store_opened_tasks(_unused_ struct store *store, int (*fn)(const struct store_task *task, void *arg), void *arg) {
        struct row *row;
        int r = 0;

        list_for_each_entry(row, &opened[RECORD_TASK], link) {
                r = fn(&row->record->task, arg);
                if (r < 0)
                        break;
        }
        return MIN(r, 0);
}

int store_opened_items(_unused_ struct store *store, int (*fn)(const struct store_item *item, void *arg), void *arg) {
        struct row *row;
        int r = 0;

        list_for_each_entry(row, &opened[RECORD_ITEM], link) {
                r = fn(&row->record->item, arg);
                if (r < 0)
                        break;
        }
        return MIN(r, 0);
}

int store_opened_pauses(_unused_ struct store *store, int (*fn)(const struct store_pause *pause, void *arg),
                        void *arg) {
        struct row *row;
        int r = 0;

        list_for_each_entry(row, &opened[RECORD_PAUSE], link) {
                r = fn(&row->record->pause, arg);
                if (r < 0)
                        break;
        }
        return MIN(r, 0);
}

int store_opened_runs(_unused_ struct store *store,
                      int (*fn)(const struct store_run *run, const struct store_process *processes, size_t n,
                                void *arg),
                      void *arg) {
        struct store_process processes[64];
        struct row *row, *other;
        int r = 0;

        list_for_each_entry(row, &opened[RECORD_BEGIN], link) {
                size_t n = 0;

                list_for_each_entry(other, &opened[RECORD_PROCESS], link)
                        if (is_of_run(other->record, row->record->run.run, row->record->run.begun_usec) &&
                            n < ARRAY_SIZE(processes))
                                processes[n++] = other->record->process;
                r = fn(&row->record->run, processes, n, arg);
                if (r < 0)
                        break;
        }
        return MIN(r, 0);
}

int store_opened_members(_unused_ struct store *store, int (*fn)(const struct store_run *run, void *arg), void *arg) {
        struct row *row;
        int r = 0;

        list_for_each_entry(row, &opened[RECORD_END], link)
                if (r >= 0 && strchr(row->record->run.run, '/'))
                        r = fn(&row->record->run, arg);
        return MIN(r, 0);
}

void store_set_keep(_unused_ struct store *store, _unused_ usec_t keep_usec, _unused_ uint64_t keep_runs) {
}

void store_forget_opened(_unused_ struct store *store) {
        for (enum record_kind kind = 0; kind < _RECORD_KIND_MAX; kind++)
                clear(&opened[kind]);
}

void store_put_task(struct store *store, const struct store_task *task) {
        put(store, RECORD_TASK, task);
}

void store_put_begin(struct store *store, const struct store_run *run) {
        put(store, RECORD_BEGIN, run);
}

void store_put_process(struct store *store, const struct store_process *process) {
        put(store, RECORD_PROCESS, process);
}

void store_put_process_gone(struct store *store, const struct store_process *process) {
        put(store, RECORD_PROCESS_GONE, process);
}

void store_put_end(struct store *store, const struct store_run *run) {
        put(store, RECORD_END, run);
}

void store_put_missed(struct store *store, const struct store_missed *missed) {
        put(store, RECORD_MISSED, missed);
}

void store_put_not_missed(struct store *store, const char *task, usec_t due_usec) {
        put(store, RECORD_NOT_MISSED, &(const struct store_missed){ .task = task, .first_due_usec = due_usec });
}

void store_put_item(struct store *store, const struct store_item *item) {
        put(store, RECORD_ITEM, item);
}

void store_put_pause(struct store *store, const struct store_pause *pause) {
        put(store, RECORD_PAUSE, pause);
}

int store_sync(struct store *store, store_sync_fn fn, void *arg, struct store_sync **ret) {
        struct store_sync *sync = calloc(1, sizeof(*sync));

        if (!sync)
                die("out of memory");
        n_syncs++;
        sync->fn = fn;
        sync->arg = arg;
        list_init(&sync->link);
        list_append(&store->syncs, &sync->link);
        loop_work_schedule(&store->work);
        if (ret)
                *ret = sync;
        return 0;
}

void store_sync_cancel(struct store_sync *sync) {
        list_remove(&sync->link);
        free(sync);
}

/* ---- asking ---- */

static struct store_query *query_new(struct store *store, void *arg, struct store_query **ret) {
        struct store_query *query = calloc(1, sizeof(*query));

        if (!query)
                die("out of memory");
        query->arg = arg;
        list_init(&query->link);
        list_append(&store->queries, &query->link);
        loop_work_schedule(&store->work);
        if (ret)
                *ret = query;
        return query;
}

int store_ask_history(struct store *store, const struct store_history_query *asked, store_history_fn fn, void *arg,
                      struct store_query **ret) {
        struct store_query *query;
        size_t n = 0;

        if (store->degraded || refusing)
                return store->degraded ? -EIO : -ENOBUFS;
        query = query_new(store, arg, ret);
        query->history = *asked;
        query->run = asked->run ? strdup(asked->run) : NULL;
        query->on_history = fn;
        while (asked->tasks && asked->tasks[n])
                n++;
        if (asked->tasks)
                query->tasks = calloc(n + 1, sizeof(*query->tasks));
        for (size_t i = 0; i < n && query->tasks; i++)
                query->tasks[i] = strdup(asked->tasks[i]);
        return 0;
}

int store_ask_summary(struct store *store, const char *task, usec_t since_usec, store_summary_fn fn, void *arg,
                      struct store_query **ret) {
        struct store_query *query;

        if (store->degraded || refusing)
                return store->degraded ? -EIO : -ENOBUFS;
        query = query_new(store, arg, ret);
        query->task = strdup(task);
        query->since_usec = since_usec;
        query->on_summary = fn;
        return 0;
}

void store_query_cancel(struct store_query *query) {
        query_free(query);
}

static usec_t time_of(const struct record *record) {
        return record->kind == RECORD_END ? record->run.begun_usec : record->missed.last_due_usec;
}

static bool is_wanted(const struct store_query *query, const struct record *record) {
        const struct store_history_query *asked = &query->history;
        const struct store_run *run = record->kind == RECORD_END ? &record->run : NULL;
        const char *task = run ? run->task : record->missed.task;
        bool named = !query->tasks || !task;
        usec_t since = asked->since_usec;

        if (query->run)
                return run && same(run->run, query->run);
        for (char **name = query->tasks; name && *name && !named; name++)
                named = same(*name, task);
        if (asked->reaching && run && run->ended_usec >= asked->since_usec)
                since = 0;
        if (!named || time_of(record) < since || time_of(record) >= asked->until_usec)
                return false;
        if (asked->failed && !(run && (outcome_is_failure(run->outcome) || run->outcome == OUTCOME_INTERRUPTED)))
                return false;
        return !run || !run->hook || asked->hooks;
}

/* The newest first; of the same time, what was put last. */
static int by_position(const void *a, const void *b) {
        const struct store_history_row *x = a, *y = b;

        return (x->position < y->position) - (x->position > y->position);
}

static void answer_history(struct store_query *query) {
        struct store_history_row *rows = calloc(count(RECORD_END) + count(RECORD_MISSED) + 1, sizeof(*rows));
        static const enum record_kind kinds[] = { RECORD_END, RECORD_MISSED };
        struct store_run *runs;
        size_t n = 0;

        if (!rows)
                die("out of memory");
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
                struct row *row;
                uint64_t i = 0;

                list_for_each_entry(row, &file[kinds[k]], link) {
                        uint64_t position = time_of(row->record) * 2 + i++ % 1000 * 2 + k;

                        if (!is_wanted(query, row->record) || position >= query->history.before)
                                continue;
                        rows[n++] = (struct store_history_row){
                                .position = position,
                                .run = k == 0 ? &row->record->run : NULL,
                                .missed = k == 1 ? &row->record->missed : NULL,
                        };
                }
        }
        qsort(rows, n, sizeof(*rows), by_position);
        n = MIN(n, (size_t)query->history.n);
        runs = calloc(n + 1, sizeof(*runs));
        if (!runs)
                die("out of memory");
        for (size_t i = 0; i < n && !query->run; i++)
                if (rows[i].run) { /* trees and tails are told of one run alone */
                        runs[i] = *rows[i].run;
                        runs[i].json = runs[i].tail = NULL;
                        rows[i].run = &runs[i];
                }
        query->on_history(0, rows, n, query->arg);
        free(runs);
        free(rows);
}

static int by_duration(const void *a, const void *b) {
        const usec_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static void answer_summary(struct store_query *query) {
        struct store_summary summary = { 0 };
        usec_t *durations = calloc(count(RECORD_END) + 1, sizeof(*durations));
        struct row *row;
        size_t n = 0;

        if (!durations)
                die("out of memory");
        list_for_each_entry(row, &file[RECORD_END], link) {
                const struct store_run *run = &row->record->run;

                if (!same(run->task, query->task) || run->begun_usec < query->since_usec)
                        continue;
                summary.by_outcome[run->outcome]++;
                if (run->outcome == OUTCOME_OK)
                        durations[n++] = run->duration_usec;
                summary.n_last = MIN(summary.n_last + 1, ARRAY_SIZE(summary.last));
                memmove(&summary.last[1], &summary.last[0], (ARRAY_SIZE(summary.last) - 1) * sizeof(summary.last[0]));
                summary.last[0].begun_usec = run->begun_usec;
                summary.last[0].duration_usec = run->duration_usec;
                summary.last[0].outcome = run->outcome;
        }
        list_for_each_entry(row, &file[RECORD_MISSED], link)
                if (same(row->record->missed.task, query->task) &&
                    row->record->missed.last_due_usec >= query->since_usec)
                        summary.missed += row->record->missed.n;
        qsort(durations, n, sizeof(*durations), by_duration);
        if (n > 0) {
                summary.p50_usec = durations[(n * 50 + 99) / 100 - 1];
                summary.p90_usec = durations[(n * 90 + 99) / 100 - 1];
                summary.p99_usec = durations[(n * 99 + 99) / 100 - 1];
                summary.max_usec = durations[n - 1];
        }
        query->on_summary(0, &summary, query->arg);
        free(durations);
}

static void answer(_unused_ struct store *store, struct store_query *query) {
        list_remove(&query->link);
        if (query->on_history)
                answer_history(query);
        else
                answer_summary(query);
        query_free(query);
}

void store_get_stats(const struct store *store, struct store_stats *ret) {
        *ret = (struct store_stats){
                .path = store->options.path,
                .degraded = store->degraded,
                .why = store->degraded ? store->why : NULL,
                .degraded_usec = store->degraded_usec,
                .lost = store->lost,
        };
}
