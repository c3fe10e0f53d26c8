/* SPDX-License-Identifier: MIT */
/* item_lines: cuts bytes into items. */
#include "task/item_lines.h"

/* How much of a line that is too long is shown. */
#define SHOWN_BYTES 60

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

void item_lines_done(struct item_lines *lines) {
        free(lines->buffer);
        *lines = (struct item_lines){ 0 };
}

int item_lines_feed(struct item_lines *lines, const char *data, size_t n) {
        size_t have = lines->end - lines->begin;
        char *buffer;

        if (lines->begin > 0)
                memmove(lines->buffer, lines->buffer + lines->begin, have);
        lines->begin = 0;
        lines->end = have;

        if (have + n + 1 > lines->size) { /* one more for the NUL after the last line */
                buffer = realloc(lines->buffer, have + n + 1);
                if (!buffer)
                        return -ENOMEM;
                lines->buffer = buffer;
                lines->size = have + n + 1;
        }
        memcpy(lines->buffer + have, data, n);
        lines->end += n;
        return 0;
}

void item_lines_end(struct item_lines *lines) {
        lines->ended = true;
}

/* Takes one line, without its line break, off the buffer. False: there is no whole one. */
static bool take_line(struct item_lines *lines, char **ret, size_t *ret_length) {
        char *line = lines->buffer + lines->begin;
        size_t have = lines->end - lines->begin;
        char *newline = have > 0 ? memchr(line, '\n', have) : NULL;

        if (!newline && (!lines->ended || have == 0))
                return false;
        *ret = line;
        *ret_length = newline ? (size_t)(newline - line) : have;
        lines->begin += *ret_length + (newline ? 1 : 0);
        return true;
}

/* The line has no end yet: is it too long already? Then what there is of it is dropped. */
static bool drop_long(struct item_lines *lines, char **ret) {
        if (lines->end - lines->begin <= ITEM_BYTES_MAX)
                return false;
        *ret = lines->buffer + lines->begin;
        lines->begin = lines->end;
        return true;
}

static bool is_comment(const char *line, const char *end) {
        while (line < end && is_space(*line))
                line++;
        return line < end && *line == '#';
}

static int too_long(char *line, const char **ret, size_t *ret_length) {
        line[SHOWN_BYTES] = 0;
        *ret = line;
        *ret_length = SHOWN_BYTES;
        return -E2BIG;
}

int item_lines_next(struct item_lines *lines, const char **ret, size_t *ret_length) {
        char *line;
        size_t n;

        while (take_line(lines, &line, &n)) {
                if (lines->skipping) {
                        lines->skipping = false;
                        continue;
                }
                if (n > ITEM_BYTES_MAX) {
                        if (is_comment(line, line + n))
                                continue;
                        return too_long(line, ret, ret_length);
                }
                for (; n > 0 && is_space(*line); n--)
                        line++;
                while (n > 0 && is_space(line[n - 1]))
                        n--;
                if (n == 0 || *line == '#')
                        continue;
                line[n] = 0; /* the line break, white space, or the byte kept free at the end */
                *ret = line;
                *ret_length = strlen(line);
                return *ret_length < n ? -EILSEQ : 1;
        }

        if (!drop_long(lines, &line) || lines->skipping)
                return 0;
        lines->skipping = true;
        return is_comment(line, lines->buffer + lines->end) ? 0 : too_long(line, ret, ret_length);
}
