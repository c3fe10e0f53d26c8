/* SPDX-License-Identifier: MIT */
/* fuzz-ini: whatever is in a configuration file, each line is told at most once, in order, and with the line's own text. */
#include "config/ini.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
        const char *text;
        size_t size;
        unsigned line;      /* of the last event */
        unsigned last_line; /* of the text */
};

/* Line @number of the text, 1-based. */
static const char *line_at(const struct reading *reading, unsigned number, size_t *ret_length) {
        const char *at = reading->text, *end = reading->text + reading->size, *line_end;

        while (--number > 0)
                at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
        line_end = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        *ret_length = (size_t)((line_end ? line_end : end) - at);
        return at;
}

static void note_line(struct reading *reading, unsigned line) {
        assert(line >= 1 && line <= reading->last_line);
        assert(line >= reading->line);
        reading->line = line;
}

static void on_section(unsigned line, const char *name, void *arg) {
        note_line(arg, line);
        if (name) {
                assert(strlen(name) <= INI_NAME_MAX);
                assert(!strchr(name, '\n'));
        }
}

static void on_value(const struct ini_value *value, void *arg) {
        struct reading *reading = arg;
        const char *line;
        size_t length;

        note_line(reading, value->line);
        assert(strlen(value->key) <= INI_NAME_MAX);
        line = line_at(reading, value->line, &length);
        assert(length <= INI_LINE_MAX + 1); /* and a carriage return */
        /* What is given stands in the line it is said to stand in. */
        assert(!*value->text || memmem(line, length, value->text, strlen(value->text)));
        if (!value->continuation)
                assert(memmem(line, length, value->key, strlen(value->key)));
}

static bool is_misplaced(const char *text, _unused_ void *arg) {
        return text[0] == 'k';
}

static void on_error(unsigned line, const char *message, void *arg) {
        note_line(arg, line);
        assert(*message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct ini_events events = {
                .section = on_section,
                .value = on_value,
                .is_misplaced = is_misplaced,
                .error = on_error,
        };
        struct reading reading = { .text = (const char *)data, .size = size, .last_line = 1 };

        for (size_t i = 0; i < size; i++)
                reading.last_line += data[i] == '\n';
        assert(ini_read(reading.text, size, &events, &reading) == 0);
        return 0;
}
