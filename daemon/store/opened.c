/* SPDX-License-Identifier: MIT */
/* opened: what was in the file when it was opened, told to those who take it up.
 *
 * A row without what it is of can be made by damage that SQLite does not see, or by hand. It is passed over: no reason to set
 * aside a file whose other rows can be read.
 */
#include "base/log.h"
#include "store/store_private.h"

/* Whether the columns are there that every row of its kind has. */
static bool is_whole(const struct record *record) {
        switch (record->kind) {
        case RECORD_TASK: return record->task.task;
        case RECORD_ITEM: return record->item.task && record->item.item;
        case RECORD_PAUSE: return record->pause.what && record->pause.paused_by;
        case RECORD_BEGIN:
        case RECORD_END: return record->run.task && record->run.run;
        case RECORD_PROCESS: return record->process.run && record->process.boot_id;
        default: return true;
        }
}

/* The next record of @kind, or NULL. */
static const struct record *next_of(const struct store *store, struct batch_place *place, enum record_kind kind) {
        const struct record *record;

        while ((record = batch_next(&store->opened, place)))
                if (record->kind == kind && is_whole(record))
                        break;
        return record;
}

void store_check_opened(const struct store *store) {
        struct batch_place place = { 0 };
        const struct record *record;
        unsigned n = 0;

        while ((record = batch_next(&store->opened, &place)))
                n += !is_whole(record);
        if (n > 0)
                log_warning(
                        "the database %s: rows without a name of their task, item, run or boot are passed over, %u in all",
                        store->path, n);
}

int store_opened_tasks(struct store *store, int (*fn)(const struct store_task *task, void *arg), void *arg) {
        struct batch_place place = { 0 };
        const struct record *record;
        int r = 0;

        while (r >= 0 && (record = next_of(store, &place, RECORD_TASK)))
                r = fn(&record->task, arg);
        return MIN(r, 0);
}

int store_opened_items(struct store *store, int (*fn)(const struct store_item *item, void *arg), void *arg) {
        struct batch_place place = { 0 };
        const struct record *record;
        int r = 0;

        while (r >= 0 && (record = next_of(store, &place, RECORD_ITEM)))
                r = fn(&record->item, arg);
        return MIN(r, 0);
}

int store_opened_pauses(struct store *store, int (*fn)(const struct store_pause *pause, void *arg), void *arg) {
        struct batch_place place = { 0 };
        const struct record *record;
        int r = 0;

        while (r >= 0 && (record = next_of(store, &place, RECORD_PAUSE)))
                r = fn(&record->pause, arg);
        return MIN(r, 0);
}

/* Order of runs in the file. */
static int compare(const struct store_process *process, const struct store_run *run) {
        int r = strcmp(process->run, run->run);

        return r != 0 ? r : (process->begun_usec > run->begun_usec) - (process->begun_usec < run->begun_usec);
}

/* Runs and processes come in the same order: each run takes what follows the one before. */
int store_opened_runs(struct store *store,
                      int (*fn)(const struct store_run *run, const struct store_process *processes, size_t n,
                                void *arg),
                      void *arg) {
        struct batch_place runs = { 0 }, others = { 0 };
        const struct record *run, *process = next_of(store, &others, RECORD_PROCESS);
        struct store_process *found = NULL;
        size_t n = 0, size = 0;
        int r = 0;

        while (r >= 0 && (run = next_of(store, &runs, RECORD_BEGIN))) {
                for (n = 0; process && compare(&process->process, &run->run) <= 0;
                     process = next_of(store, &others, RECORD_PROCESS)) {
                        struct store_process *more = found;

                        if (compare(&process->process, &run->run) < 0)
                                continue; /* of no run */
                        if (n == size)
                                more = reallocarray(found, size = MAX(2 * size, (size_t)8), sizeof(*found));
                        if (!more) {
                                free(found);
                                return -ENOMEM;
                        }
                        found = more;
                        found[n++] = process->process;
                }
                r = fn(&run->run, found, n, arg);
        }
        free(found);
        return MIN(r, 0);
}

int store_opened_members(struct store *store, int (*fn)(const struct store_run *run, void *arg), void *arg) {
        struct batch_place place = { 0 };
        const struct record *record;
        int r = 0;

        while (r >= 0 && (record = next_of(store, &place, RECORD_END)))
                r = fn(&record->run, arg);
        return MIN(r, 0);
}

usec_t store_last_written(const struct store *store) {
        return store->seen.written_usec;
}

void store_forget_opened(struct store *store) {
        batch_clear(&store->opened);
}
