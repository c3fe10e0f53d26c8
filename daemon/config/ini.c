/* SPDX-License-Identifier: MIT */
/* ini: reads a text of sections and `key = value` lines, with libinih.
 *
 * libinih asks for one line after another, and hands back keys and values without saying where they stood. It splits
 * long lines, cuts long names, takes `:` for `=`, does not mention empty sections, ignores what follows a `]`, and
 * treats the first indented line of a section as an assignment. So the function it gets its lines from is ours: it
 * counts them, looks at each, and hands over only lines that libinih and a person read the same way. Lines that are
 * refused, and comments, are handed over empty, so that what libinih reports next always belongs to the line that we
 * gave last.
 *
 * After a refused assignment the lines that would continue it are skipped: `dropping`.
 */
#include "config/ini.h"

#include "base/utf8.h"

#include <ini.h>
#include <stdarg.h>
#include <stdio.h>

struct reader {
        const struct ini_events *events;
        void *arg;
        const char *next; /* the rest of the text */
        const char *end;
        unsigned line;
        unsigned indent;   /* of the line that was handed over last */
        bool continuation; /* it continues the value above */
        bool open;         /* there is a value above that can be continued */
        bool dropping;
};

/* The switches are variables of the library, so they are set before any thread can be reading. */
__attribute__((constructor)) static void set_switches(void) {
        ini_use_stack = false;
        ini_allow_realloc = false;
        ini_max_line = INI_LINE_MAX + 3;
        ini_initial_alloc = INI_LINE_MAX + 3;
        ini_allow_multiline = true;
        ini_allow_inline_comments = false;
        ini_allow_no_value = false;
        ini_allow_bom = false;
        ini_stop_on_first_error = false;
        ini_start_comment_prefixes = (char *)"";
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static bool is_comment(char c) {
        return c == ';' || c == '#';
}

_printf_(2, 3) static void complain(struct reader *reader, const char *format, ...) {
        char message[256];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        reader->events->error(reader->line, message, reader->arg);
}

/* What makes the @n bytes of @line no text, or NULL. */
static const char *not_text(const char *line, size_t n) {
        for (size_t i = 0, length; i < n; i += length) {
                length = 1;
                if (line[i] >= ' ' && line[i] < 0x7f) /* nearly all there is */
                        continue;
                if (line[i] == '\0')
                        return "contains a NUL byte";
                length = utf8_length(line + i, n - i);
                if (length == 0)
                        return "is not UTF-8";
                if (utf8_is_control(line + i, length))
                        return "contains a control character";
        }
        return NULL;
}

/* Takes the next line off the text, without its end. False at the end of the text. */
static bool take_line(struct reader *reader, const char **ret, size_t *ret_length) {
        const char *line = reader->next, *newline;
        size_t length;

        if (line == reader->end)
                return false;
        newline = memchr(line, '\n', (size_t)(reader->end - line));
        reader->next = newline ? newline + 1 : reader->end;
        length = (size_t)((newline ?: reader->end) - line);
        if (length > 0 && line[length - 1] == '\r')
                length--;

        if (++reader->line == 1 && length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
                complain(reader, "begins with a byte order mark (save the file as UTF-8 without one)");
                line += 3;
                length -= 3;
        }
        *ret = line;
        *ret_length = length;
        return true;
}

/* The lines below are in libinih's buffer, end without blanks, and begin with none unless said otherwise. Each of these
 * three returns whether libinih may see the line. */

static bool look_at_continuation(struct reader *reader, const char *text) {
        bool wanted = reader->open && !reader->dropping;

        if (reader->events->is_misplaced(text, reader->arg)) {
                complain(reader, "is indented, so that it would continue the value above (remove the blanks)");
                return false;
        }
        if (!wanted && !reader->dropping && !is_comment(*text))
                complain(reader, "is indented, but there is no value above to continue (remove the blanks)");
        reader->continuation = wanted;
        return wanted;
}

static bool look_at_section(struct reader *reader, char *line) {
        char *end = strchrnul(line, ']');
        const char *name = line + 1;
        bool closed = *end == ']', more = closed && end[1], fits = end - name <= INI_NAME_MAX;

        *end = '\0';
        reader->open = false;
        reader->dropping = !fits;
        /* What is wrong with the line is told behind it: it belongs to the section that begins here. */
        reader->events->section(reader->line, fits ? name : NULL, reader->arg);
        if (!closed)
                complain(reader, "the `]` after the section's name is missing");
        if (more)
                complain(reader, "text after `]` (a comment needs a line of its own)");
        if (!fits)
                complain(reader, "the section's name has %zu bytes (at most %d)", strlen(name), INI_NAME_MAX);
        /* The caller made room for the `]` that may have been missing. */
        memcpy(end, "]", 2);
        return fits;
}

static bool look_at_assignment(struct reader *reader, const char *line) {
        size_t length = strcspn(line, "=:");

        reader->open = false;
        reader->dropping = true;
        if (line[length] == '\0') {
                complain(reader, "is no section, comment or assignment (`key = value`)");
                return false;
        }
        if (line[length] == ':') {
                complain(reader, "`:` where `=` is expected (`key = value`)");
                return false;
        }
        while (length > 0 && is_blank(line[length - 1]))
                length--;
        if (length == 0) {
                complain(reader, "there is no key before `=`");
                return false;
        }
        if (length > INI_NAME_MAX) {
                complain(reader, "the key has %zu bytes (at most %d)", length, INI_NAME_MAX);
                return false;
        }
        reader->open = true;
        reader->dropping = false;
        return true;
}

/* Copies the line to @buffer and decides whether libinih may see it. */
static bool look_at(struct reader *reader, const char *line, size_t length, char *buffer) {
        const char *wrong;

        reader->continuation = false;
        reader->indent = 0;
        while (reader->indent < length && is_blank(line[reader->indent]))
                reader->indent++;
        while (length > reader->indent && is_blank(line[length - 1]))
                length--;
        if (length == reader->indent || is_comment(line[0]))
                return false;
        if (length > INI_LINE_MAX) {
                complain(reader, "the line has %zu bytes (at most %d)", length, INI_LINE_MAX);
                reader->dropping = true;
                return false;
        }
        wrong = not_text(line, length);
        if (wrong) {
                complain(reader, "the line %s", wrong);
                reader->dropping = true;
                return false;
        }

        memcpy(buffer, line, length);
        buffer[length] = '\0';
        if (reader->indent > 0)
                return look_at_continuation(reader, buffer + reader->indent);
        return *buffer == '[' ? look_at_section(reader, buffer) : look_at_assignment(reader, buffer);
}

/* libinih's fgets(): @n is the size of @buffer, always INI_LINE_MAX + 3. */
static char *read_line(char *buffer, int n, void *userdata) {
        struct reader *reader = userdata;
        const char *line;
        size_t length;

        if (n < INI_LINE_MAX + 3 || !take_line(reader, &line, &length))
                return NULL;
        if (!look_at(reader, line, length, buffer))
                *buffer = '\0';
        return buffer;
}

static int on_value(void *userdata, const char *section _unused_, const char *key, const char *text) {
        struct reader *reader = userdata;
        const struct ini_value value = {
                .line = reader->line,
                .key = key,
                .text = text,
                .continuation = reader->continuation,
                .indent = reader->indent,
        };

        reader->events->value(&value, reader->arg);
        return 1;
}

int ini_read(const char *text, size_t size, const struct ini_events *events, void *arg) {
        struct reader reader = { .events = events, .arg = arg, .next = text, .end = text + size };

        return ini_parse_stream(read_line, &reader, on_value, &reader) == -2 ? -ENOMEM : 0;
}
