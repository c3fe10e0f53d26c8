/* SPDX-License-Identifier: MIT */
#pragma once
/* top_screen: the terminal, by ncurses. The only file that knows it. */
#include "tendctl/top_canvas.h"

struct screen;

/* Takes the terminal over. Returns 0, -ENOMEM, -ENOTTY: it has no terminal, -EINVAL: ncurses does not know the
 * terminal, or it is one that prints line after line. */
int screen_open(struct screen **ret);
/* Gives it back as it was. */
struct screen *screen_close(struct screen *screen);
DEFINE_CLEANUP(struct screen, screen_close)

void screen_size(const struct screen *screen, unsigned *ret_height, unsigned *ret_width);

/* Shows the canvas: what has changed of it is sent to the terminal. */
void screen_show(struct screen *screen, const struct canvas *canvas);

/* A key that was pressed: a character or a TOP_KEY_ of top.h; TOP_KEY_NONE: none. Never waits. */
int screen_key(struct screen *screen);
