/* SPDX-License-Identifier: MIT */
#pragma once
/* http_save: a body on its way into a file: into a temporary one beside it, which takes its name when all is there.
 *
 * The loop appends, a thread writes; what waits in between is bounded, so that a slow disk slows the request down. While
 * a thread is at work the loop calls nothing but http_save_append() and http_save_is_due().
 */
#include "base/macros.h"

struct http_save;

/* To @path (copied). Returns 0 or -ENOMEM. */
int http_save_new(const char *path, struct http_save **ret);
struct http_save *http_save_free(struct http_save *save);
DEFINE_CLEANUP(struct http_save, http_save_free)

/* Takes @n bytes. Returns 0, -ENOBUFS (enough waits already, nothing was taken), -ENOMEM. */
int http_save_append(struct http_save *save, const char *data, size_t n);

/* Whether enough waits for a thread to be worth its while. */
bool http_save_is_due(const struct http_save *save);

/* Hands what waits to the thread that is called next. */
void http_save_hand_over(struct http_save *save);

/* Whether there is a temporary file, which http_save_discard() is needed for. */
bool http_save_has_file(const struct http_save *save);

/* Why writing failed: positive errno and what could not be done; 0: it did not. */
int http_save_error(const struct http_save *save, const char **ret_step);

/* ---- on a thread ---- */

void http_save_write(struct http_save *save);   /* what was handed over */
void http_save_commit(struct http_save *save);  /* the same, and gives the file its name */
void http_save_discard(struct http_save *save); /* removes the temporary file */
