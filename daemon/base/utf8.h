/* SPDX-License-Identifier: MIT */
#pragma once
/* utf8: tells text from other bytes. */
#include "base/macros.h"

/* The length of the character that @s begins with, 1 … 4, or 0 when its first bytes of @n are none: an invalid or
 * overlong sequence, a surrogate, something beyond U+10FFFF, or cut off. */
size_t utf8_length(const char *s, size_t n);

/* Whether the character at @s, of @length bytes, would be obeyed by a terminal and not shown: C0 but for the tab, DEL,
 * and C1. */
bool utf8_is_control(const char *s, size_t length);
