/* SPDX-License-Identifier: MIT */
#pragma once
/* top_views_private: what the files of the views share. */
#include "tendctl/top_views.h"

void view_say(struct cell_text *ret, const char *text);
void view_say_number(struct cell_text *ret, json_int_t number); /* nothing for 0 */

/* A bar of @width characters, filled by @part of @whole, in the @size bytes at @buf: up to four for a character. */
#define VIEW_BAR_MAX 100
void view_bar(char *buf, size_t size, unsigned width, json_int_t part, json_int_t whole);

/* top_views_work.c */
extern const struct top_view top_view_tasks, top_view_runs;
