/* SPDX-License-Identifier: MIT */
#pragma once
/* top_canvas: a screen of characters, each with its paint, that is drawn on without a terminal: it is shown by top_screen.h,
 * printed as it is, or looked at by a test. What is put on it may hold any characters. */
#include "tendctl/print.h"

#include <stdio.h>
#include <wchar.h>

#define CANVAS_MAX 1000 /* lines and columns; what is beyond is not drawn */

struct canvas_cell {
        wchar_t c; /* 0: the second half of a wide character before it */
        enum paint paint;
        bool reverse;
};

struct canvas;

/* Returns 0 or -ENOMEM. */
int canvas_new(unsigned height, unsigned width, struct canvas **ret);
struct canvas *canvas_free(struct canvas *canvas);
DEFINE_CLEANUP(struct canvas, canvas_free)

unsigned canvas_height(const struct canvas *canvas);
unsigned canvas_width(const struct canvas *canvas);
/* canvas_width() cells. */
const struct canvas_cell *canvas_line(const struct canvas *canvas, unsigned y);

/* Puts @text, in the locale's encoding, at most @width columns of it; control characters and what cannot be shown become "?".
 * Returns the columns used. */
unsigned canvas_put(struct canvas *canvas, unsigned y, unsigned x, unsigned width, enum paint paint, const char *text);
unsigned canvas_putf(struct canvas *canvas, unsigned y, unsigned x, enum paint paint, const char *format, ...)
        _printf_(5, 6);
/* The same with @width columns, right-aligned. */
void canvas_put_right(struct canvas *canvas, unsigned y, unsigned x, unsigned width, enum paint paint,
                      const char *text);

/* Shows the line, or from column @x on, in reverse. */
void canvas_reverse(struct canvas *canvas, unsigned y);

/* Prints it without paint, and without the blanks at the ends of lines. */
void canvas_print(const struct canvas *canvas, FILE *out);
