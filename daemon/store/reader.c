/* SPDX-License-Identifier: MIT */
/* reader: the thread that answers questions about the history, one after another, on a connection of its own.
 *
 * It is there only while it is needed: some seconds after the last question it ends, and its memory is free. In WAL mode
 * readers and the writer do not wait for each other, but the log cannot begin anew under a reader: so a question that
 * nobody waits for any longer is broken off.
 *
 * When it comes upon damage, it tells the writer, who sets the file aside.
 */
#include "store/store_private.h"

#define IDLE_USEC (5 * USEC_PER_SEC)
#define STEPS     1000 /* of the database's machine, between two looks whether it is to go on */

struct reader {
        struct store_core *core;
        struct database db;
};

static int is_given_up(void *arg) {
        const struct store_query *query = arg;

        return atomic_load_explicit(&query->given_up, memory_order_relaxed);
}

static void tell_damage(struct reader *reader) {
        struct store_core *core = reader->core;

        (void)pthread_mutex_lock(&core->mutex);
        core->damaged = true;
        core->damaged_file = reader->db.file;
        (void)pthread_cond_signal(&core->wake);
        (void)pthread_mutex_unlock(&core->mutex);
}

static int answer(struct reader *reader, struct store_query *query) {
        struct database *db = &reader->db;
        int r = 0, code = SQLITE_OK;

        if (database_is_other(db))
                database_close(db, true);
        if (!db->handle)
                r = database_open_to_read(db, reader->core->path);
        if (r >= 0) {
                sqlite3_progress_handler(db->handle, STEPS, is_given_up, query);
                r = query->on_history ? reader_history(db, query) : reader_summary(db, query);
                code = sqlite3_errcode(db->handle);
                sqlite3_progress_handler(db->handle, 0, NULL, NULL);
        }
        if (r == -EBADMSG && (code == SQLITE_CORRUPT || code == SQLITE_NOTADB))
                tell_damage(reader);
        if (r < 0 && r != -ENOMEM) {
                database_close(db, true);
                r = -EIO;
        }
        return r;
}

/* With the mutex held, which it releases meanwhile. */
static void answer_next(struct reader *reader, struct store_query *query) {
        struct store_core *core = reader->core;

        list_remove(&query->queue);
        core->n_queries--;
        query->state = QUERY_RUNS;
        (void)pthread_mutex_unlock(&core->mutex);
        query->error = answer(reader, query);
        (void)pthread_mutex_lock(&core->mutex);
        query->state = QUERY_DONE;
        if (is_given_up(query)) {
                store_query_free(query);
                return;
        }
        list_append(&core->answered, &query->queue);
        store_core_tell(core);
}

static void *reader_main(void *arg) {
        struct reader reader = { .core = arg };
        struct store_core *core = arg;
        struct store_query *query;
        usec_t until_usec;

        (void)pthread_mutex_lock(&core->mutex);
        for (bool waits = true; waits && !core->closing;) {
                until_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), IDLE_USEC);
                while (list_empty(&core->queries) && !core->closing && waits)
                        waits = store_core_wait(core, &core->asked, until_usec);
                query = list_first_entry(&core->queries, struct store_query, queue);
                if (query && !core->closing) {
                        waits = true;
                        answer_next(&reader, query);
                }
        }
        /* The connection is closed while this thread still counts: another one is not to be there at once. */
        (void)pthread_mutex_unlock(&core->mutex);
        database_done(&reader.db);
        (void)pthread_mutex_lock(&core->mutex);
        core->reading = false;
        if (!list_empty(&core->queries) && !core->closing)
                (void)reader_start(core);
        (void)pthread_cond_signal(&core->changed);
        (void)pthread_mutex_unlock(&core->mutex);
        store_core_unref(core);
        return NULL;
}

int reader_start(struct store_core *core) {
        pthread_t thread;
        int r;

        core->refs++;
        r = thread_start("store-read", reader_main, core, &thread);
        if (r < 0) {
                core->refs--;
                return r;
        }
        core->reading = true;
        (void)pthread_detach(thread);
        return 0;
}
