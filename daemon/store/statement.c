/* SPDX-License-Identifier: MIT */
/* statement: the SQL of the store, and how records go in and out of it, see database.h.
 *
 * What writes a whole record is made from the columns of its kind (record.c), so that a new column is one row there and a
 * migration. The rest is text. Each is prepared when it is wanted first, and kept as long as the file is open.
 */
#include "store/database.h"

#include <stdio.h>

size_t database_columns(enum record_kind kind, bool brief, char *buffer, size_t size) {
        const struct record_type *type = &record_types[kind];
        size_t n = 0;

        for (size_t i = 0; i < type->n_columns; i++) {
                bool skip = brief && type->columns[i].type == COLUMN_LONG;

                n += (size_t)snprintf(buffer + n, size - n, skip ? "%sNULL" : "%s\"%s\"", i > 0 ? "," : "",
                                      type->columns[i].name);
        }
        return type->n_columns;
}

/* Statements that write a whole record, made from its columns and one more. */
static const struct {
        const char *verb;
        enum record_kind kind;
        const char *more;
} puts_of[_STATEMENT_MAX] = {
        [STATEMENT_PUT_TASK] = { "INSERT OR REPLACE", RECORD_TASK, NULL },
        [STATEMENT_PUT_ITEM] = { "INSERT OR REPLACE", RECORD_ITEM, NULL },
        [STATEMENT_PUT_PAUSE] = { "INSERT OR REPLACE", RECORD_PAUSE, NULL },
        [STATEMENT_PUT_LIVE] = { "INSERT OR REPLACE", RECORD_BEGIN, "session" },
        [STATEMENT_PUT_PROCESS] = { "INSERT OR REPLACE", RECORD_PROCESS, NULL },
        [STATEMENT_PUT_RUN] = { "INSERT OR IGNORE", RECORD_END, "position" },
        [STATEMENT_REPLACE_RUN] = { "INSERT OR REPLACE", RECORD_END, "position" },
        [STATEMENT_PUT_MISSED] = { "INSERT OR IGNORE", RECORD_MISSED, "position" },
        [STATEMENT_REPLACE_MISSED] = { "INSERT OR REPLACE", RECORD_MISSED, "position" },
};

static const char *const texts[_STATEMENT_MAX] = {
        [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
        [STATEMENT_COMMIT] = "COMMIT",
        [STATEMENT_ROLLBACK] = "ROLLBACK",
        [STATEMENT_DROP_ITEM] = "DELETE FROM item WHERE task = ?1 AND item = ?2",
        [STATEMENT_DROP_ITEMS] = "DELETE FROM item",
        [STATEMENT_DROP_PAUSE] = "DELETE FROM pause WHERE what = ?1",
        [STATEMENT_DROP_PAUSES] = "DELETE FROM pause",
        [STATEMENT_END_LIVE] = "DELETE FROM live WHERE run = ?1 AND begun_usec = ?2",
        [STATEMENT_DROP_LIVE] = "DELETE FROM live",
        [STATEMENT_LEFT_LIVE] =
                "SELECT task, run, \"trigger\", due_usec, begun_usec, service, hook, rerun, cause FROM live"
                " WHERE session <> ?1",
        [STATEMENT_DROP_PROCESS] = "DELETE FROM process WHERE run = ?1 AND begun_usec = ?2 AND pid = ?3",
        [STATEMENT_END_PROCESSES] = "DELETE FROM process WHERE run = ?1 AND begun_usec = ?2",
        [STATEMENT_DROP_PROCESSES] = "DELETE FROM process",
        [STATEMENT_IS_RUN] = "SELECT 1 FROM run WHERE position = ?1 AND run = ?2 AND begun_usec = ?3",
        [STATEMENT_IS_MISSED] = "SELECT 1 FROM missed WHERE position = ?1 AND task IS ?2 AND first_due_usec = ?3"
                                " AND reason IS ?4 AND \"trigger\" IS ?5",
        [STATEMENT_TOLD_MISSED] = "DELETE FROM missed WHERE task = ?1 AND position >= ?2 AND first_due_usec = ?2"
                                  " AND \"trigger\" = ?3",
        [STATEMENT_FIND_MISSED] = "SELECT position, n FROM missed WHERE task = ?1 AND position >= ?2"
                                  " AND first_due_usec <= ?2 ORDER BY position LIMIT 1",
        [STATEMENT_TAKE_MISSED] = "UPDATE missed SET n = n - 1 WHERE position = ?1",
        [STATEMENT_OLD_RUNS] = "DELETE FROM run WHERE position IN"
                               " (SELECT position FROM (SELECT position, ended_usec FROM run WHERE position < ?1"
                               " AND ended_usec < ?1 ORDER BY position LIMIT 2 * ?2) ORDER BY ended_usec LIMIT ?2)",
        [STATEMENT_OLD_MISSED] = "DELETE FROM missed WHERE position IN"
                                 " (SELECT position FROM missed WHERE position < ?1 ORDER BY position LIMIT ?2)",
        [STATEMENT_OLD_TASKS] = "DELETE FROM task WHERE task IN (SELECT task FROM task INDEXED BY task_gone"
                                " WHERE gone_usec > 0 AND gone_usec < ?1 ORDER BY gone_usec, task LIMIT ?2)",
        [STATEMENT_OLD_ITEMS] = "DELETE FROM item WHERE task IN (SELECT task FROM task INDEXED BY task_gone"
                                " WHERE gone_usec > 0 AND gone_usec < ?1 ORDER BY gone_usec, task LIMIT ?2)",
        [STATEMENT_DROP_MISSED] = "DELETE FROM missed WHERE position = ?1",
        [STATEMENT_PUT_MARK] = "INSERT OR REPLACE INTO mark(one, session, done) VALUES (1, ?1, ?2)",
        [STATEMENT_FIND_MARK] = "SELECT done FROM mark WHERE one = 1 AND session = ?1",
};

static void write_put(enum statement id, char *sql, size_t size) {
        char columns[DATABASE_SQL_MAX / 2];
        size_t n = database_columns(puts_of[id].kind, false, columns, sizeof(columns)), at;
        bool more = puts_of[id].more != NULL;

        at = (size_t)snprintf(sql, size, "%s INTO %s(%s%s%s) VALUES (?1", puts_of[id].verb,
                              record_types[puts_of[id].kind].table, columns, more ? "," : "",
                              more ? puts_of[id].more : "");
        for (size_t i = 2; i <= n + more; i++)
                at += (size_t)snprintf(sql + at, size - at, ",?%zu", i);
        (void)snprintf(sql + at, size - at, ")");
}

sqlite3_stmt *database_statement(struct database *db, enum statement id) {
        char sql[DATABASE_SQL_MAX];
        const char *text = texts[id];

        if (db->statements[id])
                return db->statements[id];
        if (!text) {
                write_put(id, sql, sizeof(sql));
                text = sql;
        }
        (void)sqlite3_prepare_v3(db->handle, text, -1, SQLITE_PREPARE_PERSISTENT, &db->statements[id], NULL);
        return db->statements[id];
}

void database_bind(sqlite3_stmt *stmt, const struct record *record) {
        const struct record_type *type = &record_types[record->kind];

        for (int i = 0; i < (int)type->n_columns; i++) {
                const void *field = (const char *)&record->task + type->columns[i].offset;

                switch (type->columns[i].type) {
                case COLUMN_TEXT:
                case COLUMN_LONG:
                        (void)sqlite3_bind_text(stmt, i + 1, *(const char *const *)field, -1, SQLITE_STATIC);
                        break;
                case COLUMN_UINT64:
                        (void)sqlite3_bind_int64(stmt, i + 1, (sqlite3_int64) * (const uint64_t *)field);
                        break;
                case COLUMN_UNSIGNED: (void)sqlite3_bind_int64(stmt, i + 1, *(const unsigned *)field); break;
                case COLUMN_INT: (void)sqlite3_bind_int(stmt, i + 1, *(const int *)field); break;
                case COLUMN_BOOL: (void)sqlite3_bind_int(stmt, i + 1, *(const bool *)field); break;
                case COLUMN_OUTCOME:
                        (void)sqlite3_bind_text(stmt, i + 1, outcome_to_string(*(const enum outcome *)field), -1,
                                                SQLITE_STATIC);
                        break;
                case COLUMN_ERROR:
                        (void)sqlite3_bind_text(stmt, i + 1, error_kind_to_string(*(const enum error_kind *)field), -1,
                                                SQLITE_STATIC);
                        break;
                }
        }
}

void database_read(sqlite3_stmt *stmt, enum record_kind kind, void *value) {
        const struct record_type *type = &record_types[kind];

        memset(value, 0, type->size);
        for (int i = 0; i < (int)type->n_columns; i++) {
                void *field = (char *)value + type->columns[i].offset;
                const char *text;

                switch (type->columns[i].type) {
                case COLUMN_TEXT:
                case COLUMN_LONG: *(const char **)field = (const char *)sqlite3_column_text(stmt, i); break;
                case COLUMN_UINT64: *(uint64_t *)field = (uint64_t)sqlite3_column_int64(stmt, i); break;
                case COLUMN_UNSIGNED: *(unsigned *)field = (unsigned)sqlite3_column_int64(stmt, i); break;
                case COLUMN_INT: *(int *)field = sqlite3_column_int(stmt, i); break;
                case COLUMN_BOOL: *(bool *)field = sqlite3_column_int(stmt, i) != 0; break;
                case COLUMN_OUTCOME:
                        text = (const char *)sqlite3_column_text(stmt, i);
                        *(enum outcome *)field = MAX(outcome_from_string(text ?: ""), OUTCOME_OK);
                        break;
                case COLUMN_ERROR:
                        text = (const char *)sqlite3_column_text(stmt, i);
                        *(enum error_kind *)field = MAX(error_kind_from_string(text ?: ""), ERROR_NONE);
                        break;
                }
        }
}
