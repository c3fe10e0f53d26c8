/* SPDX-License-Identifier: MIT */
/* record: what is put or read, copied, see record.h. */
#include "store/record.h"

#include <stdalign.h>

#define CHUNK_FIRST ((size_t)4096)  /* of a quiet daemon */
#define CHUNK_MAX   ((size_t)65536) /* unless one record needs more */
#define ALIGN       alignof(max_align_t)

/* No member asks for more than a list has, as the head of the list, which walking it passes, is no chunk. */
struct chunk {
        struct list link;
        size_t used, size;
        char data[];
};

_Static_assert(offsetof(struct chunk, data) % ALIGN == 0, "records are aligned in chunks, which malloc() aligns");

#define C(type, field, kind)                                                                                           \
        { #field, COLUMN_##kind, offsetof(struct store_##type, field) }

static const struct column task_columns[] = {
        C(task, task, TEXT),
        C(task, number, UINT64),
        C(task, first_seen_usec, UINT64),
        C(task, schedule, TEXT),
        C(task, every_anchor_usec, UINT64),
        C(task, every_boot_id, TEXT),
        C(task, every_anchor_boot_usec, UINT64),
        C(task, accounted_usec, UINT64),
        C(task, fired, TEXT),
        C(task, last_due_usec, UINT64),
        C(task, last_due_what, TEXT),
        C(task, paused_by, TEXT),
        C(task, paused_usec, UINT64),
        C(task, stopped_by, TEXT),
        C(task, stopped_usec, UINT64),
        C(task, failures, UNSIGNED),
        C(task, failing, BOOL),
        C(task, stale, BOOL),
        C(task, last_ok_usec, UINT64),
        C(task, last_run, TEXT),
        C(task, last_json, TEXT),
        C(task, gone_usec, UINT64),
};

static const struct column item_columns[] = {
        C(item, task, TEXT),    C(item, item, TEXT),         C(item, failures, UNSIGNED),
        C(item, failing, BOOL), C(item, since_usec, UINT64),
};

static const struct column pause_columns[] = {
        C(pause, what, TEXT),
        C(pause, paused_by, TEXT),
        C(pause, paused_usec, UINT64),
};

static const struct column begin_columns[] = {
        C(run, task, TEXT),       C(run, run, TEXT),          C(run, trigger, TEXT),
        C(run, due_usec, UINT64), C(run, begun_usec, UINT64), C(run, service, BOOL),
        C(run, hook, BOOL),       C(run, rerun, BOOL),        C(run, cause, LONG),
};

static const struct column end_columns[] = {
        C(run, task, TEXT),          C(run, run, TEXT),
        C(run, trigger, TEXT),       C(run, due_usec, UINT64),
        C(run, begun_usec, UINT64),  C(run, service, BOOL),
        C(run, hook, BOOL),          C(run, rerun, BOOL),
        C(run, ended_usec, UINT64),  C(run, outcome, OUTCOME),
        C(run, error, ERROR),        C(run, detail, TEXT),
        C(run, queued_usec, UINT64), C(run, duration_usec, UINT64),
        C(run, attempts, UNSIGNED),  C(run, exit_code, INT),
        C(run, cpu_usec, UINT64),    C(run, memory_peak, UINT64),
        C(run, json, LONG),          C(run, tail, LONG),
};

static const struct column process_columns[] = {
        C(process, run, TEXT),           C(process, begun_usec, UINT64), C(process, pid, INT),
        C(process, start_ticks, UINT64), C(process, boot_id, TEXT),
};

static const struct column missed_columns[] = {
        C(missed, task, TEXT),   C(missed, first_due_usec, UINT64), C(missed, last_due_usec, UINT64),
        C(missed, n, UINT64),    C(missed, trigger, TEXT),          C(missed, reason, TEXT),
        C(missed, detail, TEXT), C(missed, at_usec, UINT64),
};

#undef C

/* No other kind has as many. */
enum {
        N_TASK_COLUMNS = ARRAY_SIZE(task_columns),
        N_END_COLUMNS = ARRAY_SIZE(end_columns),
        COLUMNS_MAX = N_TASK_COLUMNS > N_END_COLUMNS ? N_TASK_COLUMNS : N_END_COLUMNS,
};

#define T(name, type, columns)                                                                                         \
        { name, sizeof(struct store_##type), columns, ARRAY_SIZE(columns) }

const struct record_type record_types[_RECORD_KIND_MAX] = {
        [RECORD_TASK] = T("task", task, task_columns),
        [RECORD_ITEM] = T("item", item, item_columns),
        [RECORD_PAUSE] = T("pause", pause, pause_columns),
        [RECORD_BEGIN] = T("live", run, begin_columns),
        [RECORD_PROCESS] = T("process", process, process_columns),
        [RECORD_PROCESS_GONE] = T("process", process, process_columns),
        [RECORD_END] = T("run", run, end_columns),
        [RECORD_MISSED] = T("missed", missed, missed_columns),
        [RECORD_NOT_MISSED] = T("missed", missed, missed_columns),
        [RECORD_ANEW] = T("missed", missed, missed_columns),
};

#undef T

void batch_init(struct batch *batch) {
        *batch = (struct batch)BATCH_INIT(*batch);
}

void batch_clear(struct batch *batch) {
        struct chunk *chunk, *tmp;

        list_for_each_entry_safe(chunk, tmp, &batch->chunks, link)
                free(chunk);
        batch_init(batch);
}

static struct chunk *last_chunk(const struct batch *batch) {
        return list_empty(&batch->chunks) ? NULL : CONTAINER_OF(batch->chunks.prev, struct chunk, link);
}

/* Room for @size bytes behind the last record, or NULL. */
static void *make_room(struct batch *batch, size_t size) {
        struct chunk *chunk = last_chunk(batch);
        size_t usual = MIN(batch->bytes, CHUNK_MAX), bytes = MAX(size, CHUNK_FIRST);
        void *room;

        if (!chunk || chunk->size - chunk->used < size) {
                bytes = MAX(bytes, usual);
                chunk = malloc(sizeof(*chunk) + bytes);
                if (!chunk)
                        return NULL;
                *chunk = (struct chunk){ .size = bytes };
                list_init(&chunk->link);
                list_append(&batch->chunks, &chunk->link);
                batch->bytes += sizeof(*chunk) + bytes;
        }
        room = chunk->data + chunk->used;
        chunk->used += size;
        return room;
}

static bool is_text(const struct column *column) {
        return column->type == COLUMN_TEXT || column->type == COLUMN_LONG;
}

struct record *batch_add(struct batch *batch, enum record_kind kind, const void *value) {
        const struct record_type *type = &record_types[kind];
        size_t size = sizeof(struct record), lengths[COLUMNS_MAX];
        struct record *record;
        const char *text;
        char *end;

        for (size_t i = 0; i < type->n_columns; i++) {
                if (!is_text(&type->columns[i]))
                        continue;
                text = *(const char *const *)((const char *)value + type->columns[i].offset);
                lengths[i] = text ? strlen(text) + 1 : 0;
                size += lengths[i];
        }
        size = (size + ALIGN - 1) / ALIGN * ALIGN;
        if (size > UINT32_MAX)
                return NULL;
        record = make_room(batch, size);
        if (!record)
                return NULL;

        *record = (struct record){ .kind = kind, .size = (uint32_t)size };
        memcpy(&record->task, value, type->size); /* all members of the union begin there */
        end = (char *)(record + 1);
        for (size_t i = 0; i < type->n_columns; i++) {
                const char **place = (const char **)((char *)&record->task + type->columns[i].offset);

                if (!is_text(&type->columns[i]) || !*place)
                        continue;
                *place = memcpy(end, *place, lengths[i]);
                end += lengths[i];
        }
        batch->n++;
        return record;
}

/* Whether the last chunk of @to has room for all of @from, which is in one chunk. */
static bool has_room_for(const struct batch *to, const struct batch *from) {
        const struct chunk *chunk = last_chunk(from), *room = last_chunk(to);

        return chunk && room && chunk->link.prev == &from->chunks && room->size - room->used >= chunk->used;
}

void batch_splice(struct batch *to, struct batch *from) {
        struct batch_place place = { 0 };
        const struct record *record;

        if (has_room_for(to, from)) {
                while ((record = batch_next(from, &place)))
                        batch_add(to, record->kind, &record->task)->position = record->position;
                batch_clear(from);
                return;
        }
        list_splice(&to->chunks, &from->chunks);
        to->n += from->n;
        to->bytes += from->bytes;
        batch_init(from);
}

struct record *batch_next(const struct batch *batch, struct batch_place *place) {
        struct record *record;

        while (!place->chunk || place->at == place->chunk->used) {
                const struct list *next = place->chunk ? place->chunk->link.next : batch->chunks.next;

                if (next == &batch->chunks)
                        return NULL;
                *place = (struct batch_place){ .chunk = CONTAINER_OF(next, struct chunk, link) };
        }
        record = (struct record *)(place->chunk->data + place->at);
        place->at += record->size;
        return record;
}
