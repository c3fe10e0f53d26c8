/* SPDX-License-Identifier: MIT */
/* diagnostics: what is wrong with a configuration, or worth a warning. */
#include "config/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>

const char *severity_to_string(enum severity severity) {
        static const char *const names[_SEVERITY_MAX] = {
                [SEVERITY_ERROR] = "error",
                [SEVERITY_WARNING] = "warning",
        };

        return names[severity];
}

void diagnostics_done(struct diagnostics *diagnostics) {
        for (size_t i = 0; i < diagnostics->n; i++) {
                free(diagnostics->items[i].section);
                free(diagnostics->items[i].key);
                free(diagnostics->items[i].text);
        }
        free(diagnostics->items);
        for (size_t i = 0; i < diagnostics->n_files; i++)
                free(diagnostics->files[i]);
        free(diagnostics->files);
        *diagnostics = (struct diagnostics){ 0 };
}

unsigned diagnostics_add_file(struct diagnostics *diagnostics, const char *path) {
        char **more, *copy;

        for (size_t i = 0; i < diagnostics->n_files; i++) {
                if (streq(diagnostics->files[i], path))
                        return (unsigned)i;
        }
        more = realloc(diagnostics->files, (diagnostics->n_files + 1) * sizeof(*more));
        if (more)
                diagnostics->files = more;
        copy = more ? strdup(path) : NULL;
        if (!copy) {
                diagnostics->out_of_memory = true;
                return DIAGNOSTIC_NO_FILE;
        }
        diagnostics->files[diagnostics->n_files] = copy;
        return (unsigned)diagnostics->n_files++;
}

/* Room for one more, zeroed, or NULL. The array grows by doubling, which its length tells. */
static struct diagnostic *append(struct diagnostics *diagnostics) {
        size_t n = diagnostics->n;

        if ((n & (n - 1)) == 0) {
                struct diagnostic *more = realloc(diagnostics->items, (n ? 2 * n : 1) * sizeof(*more));

                if (!more)
                        return NULL;
                diagnostics->items = more;
        }
        diagnostics->items[n] = (struct diagnostic){ 0 };
        return &diagnostics->items[diagnostics->n++];
}

void diagnostics_add(struct diagnostics *diagnostics, enum severity severity, const struct diagnostic_place *place,
                     const char *format, ...) {
        struct diagnostic *item;
        va_list ap;

        if (diagnostics->counts[severity]++ >= DIAGNOSTICS_MAX)
                return;
        item = append(diagnostics);
        if (!item) {
                diagnostics->out_of_memory = true;
                return;
        }
        item->severity = severity;
        item->file = place->file;
        item->line = place->line;
        item->section = place->section ? strdup(place->section) : NULL;
        item->key = place->key ? strdup(place->key) : NULL;
        va_start(ap, format);
        if (vasprintf(&item->text, format, ap) < 0)
                item->text = NULL;
        va_end(ap);
        if (!item->text || (place->key && !item->key) || (place->section && !item->section))
                diagnostics->out_of_memory = true;
}

static int compare_places(const void *a, const void *b, void *items) {
        const struct diagnostic *left = (const struct diagnostic *)items + *(const size_t *)a;
        const struct diagnostic *right = (const struct diagnostic *)items + *(const size_t *)b;

        if (left->file != right->file)
                return left->file < right->file ? -1 : 1;
        if (left->line != right->line)
                return left->line < right->line ? -1 : 1;
        return left < right ? -1 : left > right;
}

void diagnostics_sort(struct diagnostics *diagnostics) {
        _cleanup_(freep) size_t *order = NULL;
        struct diagnostic *sorted;

        if (diagnostics->n < 2)
                return;
        order = calloc(diagnostics->n, sizeof(*order));
        /* The array's room stays what append() expects. */
        sorted = calloc(2 * diagnostics->n, sizeof(*sorted));
        if (!order || !sorted) {
                free(sorted);
                diagnostics->out_of_memory = true;
                return;
        }
        for (size_t i = 0; i < diagnostics->n; i++)
                order[i] = i;
        qsort_r(order, diagnostics->n, sizeof(*order), compare_places, diagnostics->items);
        for (size_t i = 0; i < diagnostics->n; i++)
                sorted[i] = diagnostics->items[order[i]];
        free(diagnostics->items);
        diagnostics->items = sorted;
}

const char *diagnostic_file(const struct diagnostics *diagnostics, const struct diagnostic *diagnostic) {
        return diagnostic->file < diagnostics->n_files ? diagnostics->files[diagnostic->file] : NULL;
}

char *diagnostic_format(const struct diagnostics *diagnostics, const struct diagnostic *diagnostic) {
        const char *file = diagnostic_file(diagnostics, diagnostic);
        char line[16] = "", *text;

        if (diagnostic->line > 0)
                (void)snprintf(line, sizeof(line), ":%u", diagnostic->line);
        if (asprintf(&text, "%s%s%s%s%s%s%s", file ?: "", file ? line : "", file ? ": " : "", diagnostic->key ?: "",
                     diagnostic->key ? ": " : "", diagnostic->severity == SEVERITY_WARNING ? "warning: " : "",
                     diagnostic->text ?: "out of memory") < 0)
                return NULL;
        return text;
}
