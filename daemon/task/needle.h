/* SPDX-License-Identifier: MIT */
#pragma once
/* needle: whether a text comes in a stream of bytes, without keeping the stream. */
#include "base/macros.h"

struct needle;

/* Searches for the @n bytes of @text (copied, not empty). Returns 0, -EINVAL, -ENOMEM. */
int needle_new(const char *text, size_t n, struct needle **ret);
struct needle *needle_free(struct needle *needle);
DEFINE_CLEANUP(struct needle, needle_free)

/* Looks at @n more bytes. @state is 0 before the first ones and belongs to one stream. Returns true from the bytes on in
 * which the text was complete. */
bool needle_feed(const struct needle *needle, size_t *state, const char *data, size_t n);
