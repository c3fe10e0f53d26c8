/* SPDX-License-Identifier: MIT */
/* table: rows of cells in columns as wide as their widest, see print.h. */
#include "tendctl/print.h"

#include <stdarg.h>
#include <stdio.h>

/* Of what has no room in its row. */
#define SPILL_INDENT 4

struct cell {
        char *text;
        enum paint paint;
        bool wide; /* reaches over the columns behind its own, which is no wider because of it */
};

struct table {
        struct cell (*rows)[TABLE_COLUMNS_MAX];
        size_t n_rows;
        size_t allocated;
        size_t column; /* of the next cell */
        size_t n_columns;
        bool spills;
        bool broken; /* out of memory: some cells are empty */
};

/* Columns that @text takes: characters of UTF-8. */
static unsigned width_of(const char *text) {
        unsigned n = 0;

        for (; *text; text++)
                n += ((unsigned char)*text & 0xc0) != 0x80;
        return n;
}

static void begin_row(struct table *table) {
        if (table->n_rows == table->allocated) {
                size_t allocated = MAX(table->allocated * 2, (size_t)16);
                struct cell(*rows)[TABLE_COLUMNS_MAX] = reallocarray(table->rows, allocated, sizeof(*rows));

                if (!rows) {
                        table->broken = true;
                        return;
                }
                table->rows = rows;
                table->allocated = allocated;
        }
        memset(table->rows[table->n_rows++], 0, sizeof(*table->rows));
}

struct table *table_new(const char *const *headings) {
        struct table *table = calloc(1, sizeof(*table));

        if (!table)
                return NULL;
        for (; headings[table->n_columns]; table->n_columns++)
                if (*headings[0])
                        table_cell(table, PAINT_BOLD, headings[table->n_columns]);
        table_end_row(table);
        return table;
}

struct table *table_free(struct table *table) {
        if (!table)
                return NULL;
        for (size_t i = 0; i < table->n_rows; i++)
                for (size_t c = 0; c < table->n_columns; c++)
                        free(table->rows[i][c].text);
        free(table->rows);
        free(table);
        return NULL;
}

void table_cell(struct table *table, enum paint paint, const char *text) {
        struct cell *cell;

        if (table->column == 0)
                begin_row(table);
        if (table->broken || table->column == TABLE_COLUMNS_MAX)
                return;
        cell = &table->rows[table->n_rows - 1][table->column++];
        cell->paint = paint;
        cell->text = strdup(text ? text : "");
}

void table_cellf(struct table *table, enum paint paint, const char *format, ...) {
        char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        table_cell(table, paint, text);
        free(text);
}

void table_wide(struct table *table) {
        if (!table->broken && table->column > 0)
                table->rows[table->n_rows - 1][table->column - 1].wide = true;
}

void table_end_row(struct table *table) {
        table->column = 0;
}

void table_spill(struct table *table) {
        table->spills = true;
}

/* The first @width characters of @text. */
static char *cut(const char *text, unsigned width) {
        size_t n = 0;

        for (unsigned i = 0; text[n]; n++) {
                if (((unsigned char)text[n] & 0xc0) == 0x80)
                        continue;
                if (i++ == width)
                        break;
        }
        return strndup(text, n);
}

/* Whether the cell of the last column has no room in its row, but would have more below it. */
static bool must_spill(const struct table *table, const struct cell *row, const unsigned *widths, unsigned width) {
        const struct cell *cell = &row[table->n_columns - 1];
        unsigned before = 0;

        for (size_t c = 0; c + 1 < table->n_columns; c++)
                before += widths[c] + 2;
        return table->spills && width > 0 && cell->text && *cell->text && before > SPILL_INDENT &&
               before + width_of(cell->text) > width;
}

static void print_spilt(const struct cell *cell, unsigned width) {
        _cleanup_(freep) char *shown = width > SPILL_INDENT ? cut(cell->text, width - SPILL_INDENT) : NULL;

        printf("%*s", SPILL_INDENT, "");
        print_painted(cell->paint, shown ? shown : "");
        putchar('\n');
}

static void print_row(const struct table *table, const struct cell *row, const unsigned *widths) {
        unsigned width = print_width(), left = width > 0 ? width : UINT32_MAX;
        bool spill = must_spill(table, row, widths, width);
        size_t last = table->n_columns - spill;

        while (last > 0 && (!row[last - 1].text || !*row[last - 1].text))
                last--;
        for (size_t c = 0; c < last && left > 0; c++) {
                const char *text = row[c].text ? row[c].text : "";
                _cleanup_(freep) char *shown = cut(text, left);
                unsigned used = MIN(width_of(text), left);

                print_painted(row[c].paint, shown ? shown : "");
                left -= used;
                for (unsigned pad = used; c + 1 < last && pad < widths[c] + 2 && left > 0; pad++, left--)
                        putchar(' ');
        }
        putchar('\n');
        if (spill)
                print_spilt(&row[table->n_columns - 1], width);
}

void table_print(const struct table *table) {
        unsigned widths[TABLE_COLUMNS_MAX] = { 0 };

        for (size_t i = 0; i < table->n_rows; i++)
                for (size_t c = 0; c < table->n_columns; c++)
                        if (table->rows[i][c].text && !table->rows[i][c].wide)
                                widths[c] = MAX(widths[c], width_of(table->rows[i][c].text));
        for (size_t i = 0; i < table->n_rows; i++)
                print_row(table, table->rows[i], widths);
}
