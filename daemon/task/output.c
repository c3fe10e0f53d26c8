/* SPDX-License-Identifier: MIT */
/* output: what a child prints. Whole lines are logged straight from the buffer they came in, many at a time; only a line
 * that is split between two of them is put together. */
#include "task/output.h"

#include "base/utf8.h"

void output_init(struct output *output, const struct log_context *context) {
        *output = (struct output){ .context = *context, .is_logged = true, .has_tail = true, .level = -1 };
}

void output_done(struct output *output) {
        free(output->line);
        output->line = NULL;
        output->n_line = 0;
}

static void keep_tail(struct output *output, const char *data, size_t n) {
        if (n > OUTPUT_TAIL_MAX) {
                data += n - OUTPUT_TAIL_MAX;
                n = OUTPUT_TAIL_MAX;
        }
        output->n_tail = MIN(output->n_tail + n, (size_t)OUTPUT_TAIL_MAX);
        while (n > 0) {
                size_t part = MIN(n, OUTPUT_TAIL_MAX - output->tail_at);

                memcpy(output->tail + output->tail_at, data, part);
                output->tail_at = (output->tail_at + part) % OUTPUT_TAIL_MAX;
                data += part;
                n -= part;
        }
}

static bool has_level(const char *line, size_t n) {
        return n >= 3 && line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>';
}

static size_t may_log(const struct output *output, size_t n) {
        if (!output->is_logged)
                return 0;
        return output->may_log ? output->may_log(n, output->arg) : n;
}

/* Tells a line, or a piece of one: the level of the first piece is that of all. */
static void emit(struct output *output, const char *line, size_t n, bool ends) {
        if (output->level < 0) {
                output->level = LOG_INFO;
                if (has_level(line, n)) {
                        output->level = line[1] - '0';
                        line += 3;
                        n -= 3;
                }
        }
        if (may_log(output, 1) > 0)
                log_output(output->level, &output->context, line, n);
        if (output->on_line)
                output->on_line(line, n, output->arg);
        if (ends)
                output->level = -1;
}

/* How much of a full piece to take, so that no character is cut in two. */
static size_t whole_characters(const char *piece, size_t n) {
        for (size_t i = 1; i <= 3; i++) {
                unsigned char c = (unsigned char)piece[n - i];

                if ((c & 0xc0) == 0x80)
                        continue;
                return c >= 0xc0 && utf8_length(piece + n - i, i) == 0 ? n - i : n;
        }
        return n;
}

/* Tells the most of a piece that is full. */
static void emit_piece(struct output *output) {
        size_t n = whole_characters(output->line, output->n_line);

        emit(output, output->line, n, false);
        output->n_line -= n;
        memmove(output->line, output->line + n, output->n_line);
}

/* Puts @n bytes behind the line that is not complete yet. */
static void collect(struct output *output, const char *data, size_t n) {
        if (!output->line)
                output->line = malloc(OUTPUT_LINE_MAX);
        while (n > 0) {
                size_t part = MIN(n, OUTPUT_LINE_MAX - output->n_line);

                if (!output->line) {
                        emit(output, data, part, false); /* out of memory: better in pieces than not at all */
                } else {
                        memcpy(output->line + output->n_line, data, part);
                        output->n_line += part;
                        if (output->n_line == OUTPUT_LINE_MAX)
                                emit_piece(output);
                }
                data += part;
                n -= part;
        }
}

static void end_line(struct output *output, const char *data, size_t n) {
        if (output->n_line == 0 && output->level < 0 && n <= OUTPUT_LINE_MAX) {
                emit(output, data, n, true);
                return;
        }
        collect(output, data, n);
        if (output->n_line > 0)
                emit(output, output->line, output->n_line, true);
        output->n_line = 0;
        output->level = -1;
}

/* Whether @line is one of those that are logged many at a time: whole, without a level of its own, and of no interest to
 * anybody else. */
static bool is_plain(const struct output *output, const char *line, size_t n) {
        return !output->on_line && output->n_line == 0 && output->level < 0 && n <= OUTPUT_LINE_MAX &&
               !has_level(line, n);
}

/* Logs the @n lines from @lines to @end, or as many as may be. */
static void log_plain(const struct output *output, const char *lines, const char *end, size_t n) {
        size_t may = n > 0 ? may_log(output, n) : 0;

        if (may == 0)
                return;
        if (may < n)
                for (end = lines; may > 0; may--)
                        end = (const char *)rawmemchr(end, '\n') + 1;
        log_output(LOG_INFO, &output->context, lines, (size_t)(end - lines) - 1);
}

void output_add(struct output *output, const char *data, size_t n) {
        const char *plain = data; /* from here on all lines are */
        size_t n_plain = 0;

        if (output->has_tail)
                keep_tail(output, data, n);
        if (!output->is_logged && !output->on_line) { /* nobody asks where a line ends */
                output->n_line = 0;
                output->level = -1;
                return;
        }
        while (n > 0) {
                const char *end = memchr(data, '\n', n);
                size_t length = end ? (size_t)(end - data) : n;
                const char *next = data + length + (end != NULL);

                if (!end || !is_plain(output, data, length)) {
                        log_plain(output, plain, data, n_plain);
                        if (end)
                                end_line(output, data, length);
                        else
                                collect(output, data, length);
                        plain = next;
                        n_plain = 0;
                } else
                        n_plain++;
                n -= (size_t)(next - data);
                data = next;
        }
        log_plain(output, plain, data, n_plain);
}

void output_flush(struct output *output) {
        if (output->n_line > 0)
                end_line(output, NULL, 0);
}

static char tail_byte(const struct output *output, size_t i) {
        size_t from = output->n_tail < OUTPUT_TAIL_MAX ? 0 : output->tail_at;
        char c = output->tail[(from + i) % OUTPUT_TAIL_MAX];

        return c == '\0' ? '?' : c;
}

char *output_tail(const struct output *output) {
        char *copy;

        if (output->n_tail == 0)
                return NULL;
        copy = malloc(output->n_tail + 1);
        if (!copy)
                return NULL;
        for (size_t i = 0; i < output->n_tail; i++)
                copy[i] = tail_byte(output, i);
        copy[output->n_tail] = '\0';
        return copy;
}

static bool is_blank(char c) {
        return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

const char *output_last_line(const struct output *output, char *buf, size_t size) {
        size_t end = output->n_tail, begin, n = 0;

        while (end > 0 && is_blank(tail_byte(output, end - 1)))
                end--;
        begin = end;
        while (begin > 0 && tail_byte(output, begin - 1) != '\n' && tail_byte(output, begin - 1) != '\r')
                begin--;
        if (end - begin >= 3 && tail_byte(output, begin) == '<' && tail_byte(output, begin + 2) == '>')
                begin += 3; /* its level */
        while (begin < end && n + 1 < size)
                buf[n++] = tail_byte(output, begin++);
        buf[n] = '\0';
        return buf;
}
