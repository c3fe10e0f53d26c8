/* SPDX-License-Identifier: MIT */
#pragma once
/* record: copies of what is put or read, on their way between the loop and the threads of the store.
 *
 * A batch is a list of chunks into which records are copied one behind the other, their strings with them: one allocation
 * for hundreds of records, freed at once. What a kind of record consists of is said by one table, which drives copying
 * here and binding and reading in the database.
 */
#include "base/list.h"
#include "store/store.h"

enum record_kind {
        RECORD_TASK,         /* struct store_task */
        RECORD_ITEM,         /* struct store_item */
        RECORD_PAUSE,        /* struct store_pause */
        RECORD_BEGIN,        /* struct store_run, what is known at its beginning */
        RECORD_PROCESS,      /* struct store_process */
        RECORD_PROCESS_GONE, /* the same */
        RECORD_END,          /* struct store_run */
        RECORD_MISSED,       /* struct store_missed */
        RECORD_NOT_MISSED,   /* struct store_missed, of which task and first_due_usec count */
        RECORD_ANEW,         /* the same, a gap: what follows in the batch is the whole present state */
        _RECORD_KIND_MAX,
};

enum column_type {
        COLUMN_TEXT, /* const char *, or NULL */
        COLUMN_LONG, /* the same, left out of lists */
        COLUMN_UINT64,
        COLUMN_UNSIGNED,
        COLUMN_INT,
        COLUMN_BOOL,
        COLUMN_OUTCOME, /* by name */
        COLUMN_ERROR,   /* by name */
};

struct column {
        const char *name;
        enum column_type type;
        size_t offset;
};

struct record_type {
        const char *table;
        size_t size; /* of the structure */
        const struct column *columns;
        size_t n_columns;
};

extern const struct record_type record_types[_RECORD_KIND_MAX];

struct record {
        enum record_kind kind;
        uint32_t size;     /* to the next one */
        uint64_t position; /* of what is in the history */
        union {
                struct store_task task;
                struct store_item item;
                struct store_pause pause;
                struct store_run run;
                struct store_process process;
                struct store_missed missed;
        };
};

struct chunk;

struct batch {
        struct list chunks;
        uint64_t n;   /* records */
        size_t bytes; /* of the chunks */
};

#define BATCH_INIT(batch)                                                                                              \
        { .chunks = LIST_INIT((batch).chunks) }

void batch_init(struct batch *batch);
void batch_clear(struct batch *batch);

/* Appends a copy of @value, the structure of its @kind. Returns it, or NULL when out of memory. */
struct record *batch_add(struct batch *batch, enum record_kind kind, const void *value);

/* Moves all of @from to the end of @to. What is small is copied into the room that is left there, so that many batches of one
 * record do not take a chunk each. */
void batch_splice(struct batch *to, struct batch *from);

/* Walks a batch: begin with { 0 }. Returns NULL at the end. */
struct batch_place {
        struct chunk *chunk;
        size_t at;
};
struct record *batch_next(const struct batch *batch, struct batch_place *place);
