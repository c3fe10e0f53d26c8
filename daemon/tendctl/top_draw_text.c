/* SPDX-License-Identifier: MIT */
/* top_draw_text: what a verb has printed, or help, a screen of it at a time. */
#include "tendctl/top.h"

#include <stdio.h>

static size_t count_lines(const char *text) {
        size_t n = 0;

        for (; *text; n++)
                text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n');
        return n;
}

/* @line without its first @column characters and with blanks for tabs, in the @size bytes at @buf. */
static void expand(const char *line, size_t length, size_t column, char *buf, size_t size) {
        size_t used = 0, at = 0;

        for (size_t i = 0; i < length && used + 9 < size; i++) {
                size_t n = line[i] == '\t' ? 8 - at % 8 : 1;

                if (line[i] != '\t' && ((unsigned char)line[i] & 0xc0) == 0x80)
                        n = 0; /* the rest of a character */
                if (at >= column || (n == 0 && used > 0))
                        for (size_t k = 0; k < MAX(n, (size_t)1); k++)
                                buf[used++] = line[i] == '\t' ? ' ' : line[i];
                at += n;
        }
        buf[used] = '\0';
}

void top_draw_text(struct top *top, struct canvas *canvas) {
        const char *text = top->text ? top->text : job_text(top->job);
        unsigned height = canvas_height(canvas), y = 1;
        size_t n = count_lines(text), room = height > 2 ? height - 2 : 1, line = 0;
        char shown[4096];

        if (top->text_end || top->text_line + room > n)
                top->text_line = n > room ? n - room : 0;
        top->height = room;
        (void)canvas_putf(canvas, 0, 0, PAINT_BOLD, "%s %s", top->text_title, top->subject ? top->subject : "");
        canvas_reverse(canvas, 0);
        for (; *text && y < height - 1; line++) {
                size_t length = strcspn(text, "\n");

                if (line >= top->text_line) {
                        expand(text, length, top->text_column, shown, sizeof(shown));
                        (void)canvas_put(canvas, y++, 0, CANVAS_MAX, PAINT_NONE, shown);
                }
                text += length + (text[length] == '\n');
        }
        if (n == 0 && !top->text)
                (void)canvas_put(canvas, 1, 0, CANVAS_MAX, PAINT_DIM,
                                 job_fd(top->job) < 0 ? "nothing" : "waiting for the daemon");
        (void)canvas_putf(canvas, height - 1, 0, PAINT_DIM,
                          "q back  arrows, PgUp, PgDn, Home, End  %zu-%zu of %zu lines", MIN(top->text_line + 1, n),
                          MIN(top->text_line + room, n), n);
}
