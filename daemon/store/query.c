/* SPDX-License-Identifier: MIT */
/* query: what is asked of the history, on the loop: put on the reader's queue, and told when it is answered. */
#include "store/store_private.h"

#define QUERIES_MAX 64

void store_query_free(struct store_query *query) {
        batch_clear(&query->rows);
        free(query->names);
        free(query);
}

/* One text of all @names, and an empty one behind them; "" when there are none. NULL when out of memory. */
static char *join(const char *const *names) {
        size_t size = 1;
        char *joined, *end;

        for (size_t i = 0; names && names[i]; i++)
                size += strlen(names[i]) + 1;
        joined = end = calloc(1, size);
        for (size_t i = 0; joined && names && names[i]; i++)
                end = stpcpy(end, names[i]) + 1;
        return joined;
}

static int ask(struct store *store, const struct store_query *model, const char *const *names,
               struct store_query **ret) {
        struct store_core *core = store->core;
        struct store_query *query;
        int r = 0;

        query = malloc(sizeof(*query));
        if (!query)
                return -ENOMEM;
        *query = *model;
        query->store = store;
        query->until_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), store->options.patience_usec ?: STORE_QUERY_MAX);
        list_init(&query->link);
        list_init(&query->queue);
        batch_init(&query->rows);
        query->names = join(names);

        (void)pthread_mutex_lock(&core->mutex);
        if (!query->names)
                r = -ENOMEM;
        else if (core->n_queries >= QUERIES_MAX)
                r = -ENOBUFS;
        else if (!core->reading)
                r = reader_start(core);
        if (r >= 0) {
                list_append(&core->queries, &query->queue);
                core->n_queries++;
                (void)pthread_cond_signal(&core->asked);
        }
        (void)pthread_mutex_unlock(&core->mutex);
        if (r < 0) {
                store_query_free(query);
                return r == -EAGAIN ? -ENOMEM : r;
        }
        list_append(&store->queries, &query->link);
        loop_work_schedule(&store->work); /* arms the timer */
        if (ret)
                *ret = query;
        return 0;
}

int store_ask_history(struct store *store, const struct store_history_query *asked, store_history_fn fn, void *arg,
                      struct store_query **ret) {
        struct store_query model = { .history = *asked, .on_history = fn, .arg = arg };
        const char *const run[] = { asked->run, NULL };

        model.history.n = MIN(asked->n, (unsigned)STORE_PAGE_MAX);
        if (asked->tasks && !asked->tasks[0])
                model.history.n = 0;
        model.history.tasks = NULL; /* the names are in the query */
        return ask(store, &model, asked->run ? run : asked->tasks, ret);
}

int store_ask_summary(struct store *store, const char *task, usec_t since_usec, store_summary_fn fn, void *arg,
                      struct store_query **ret) {
        const struct store_query model = { .since_usec = since_usec, .on_summary = fn, .arg = arg };
        const char *const names[] = { task, NULL };

        return ask(store, &model, names, ret);
}

/* Takes it back. Returns false when the reader is at it: it frees it then. */
static bool take_back(struct store_query *query) {
        struct store_core *core = query->store->core;
        bool mine;

        list_remove(&query->link);
        (void)pthread_mutex_lock(&core->mutex);
        mine = query->state != QUERY_RUNS;
        if (query->state == QUERY_WAITS)
                core->n_queries--;
        list_remove(&query->queue);
        atomic_store_explicit(&query->given_up, true, memory_order_relaxed);
        (void)pthread_mutex_unlock(&core->mutex);
        return mine;
}

void store_query_cancel(struct store_query *query) {
        if (take_back(query))
                store_query_free(query);
}

void store_free_queries(struct store *store) {
        struct store_query *query;

        while ((query = list_first_entry(&store->queries, struct store_query, link)))
                store_query_cancel(query);
}

static void tell_history(const struct store_query *query) {
        struct store_history_row *rows = calloc(query->rows.n + 1, sizeof(*rows));
        struct batch_place place = { 0 };
        const struct record *record;
        size_t n = 0;

        if (!rows || query->error < 0) {
                query->on_history(query->error < 0 ? query->error : -ENOMEM, NULL, 0, query->arg);
                free(rows);
                return;
        }
        while ((record = batch_next(&query->rows, &place)))
                rows[n++] = (struct store_history_row){
                        .position = record->position,
                        .run = record->kind == RECORD_END ? &record->run : NULL,
                        .missed = record->kind == RECORD_MISSED ? &record->missed : NULL,
                };
        query->on_history(0, rows, n, query->arg);
        free(rows);
}

static void tell(const struct store_query *query) {
        if (query->on_history)
                tell_history(query);
        else
                query->on_summary(query->error, query->error < 0 ? NULL : &query->summary, query->arg);
}

usec_t store_look_at_queries(struct store *store) {
        struct store_core *core = store->core;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        struct store_query *query;

        for (;;) {
                (void)pthread_mutex_lock(&core->mutex);
                query = list_first_entry(&core->answered, struct store_query, queue);
                (void)pthread_mutex_unlock(&core->mutex);
                if (!query)
                        break;
                (void)take_back(query);
                tell(query);
                store_query_free(query);
        }
        while ((query = list_first_entry(&store->queries, struct store_query, link)) && query->until_usec <= now) {
                struct store_query late = { .error = -ETIMEDOUT, .arg = query->arg, .rows = BATCH_INIT(late.rows) };

                late.on_history = query->on_history;
                late.on_summary = query->on_summary;
                store_query_cancel(query);
                tell(&late);
        }
        return query ? query->until_usec : USEC_INFINITY;
}
