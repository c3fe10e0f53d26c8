/* SPDX-License-Identifier: MIT */
#pragma once
/* text: strict parsers of what people write, and their inverse. A value that is not wholly understood is an error. */
#include "base/clock.h"

/* "1h 30min", "250ms", "2d", "90" (seconds), "infinity"; units us ms s min h d w and their long names; a number may
 * have a decimal fraction. Returns 0, -EINVAL (not understood), -ERANGE (too large). */
int text_parse_usec(const char *s, usec_t *ret);

/* "64M", "1G", "512", "10K": bytes, powers of 1024. Returns 0, -EINVAL, -ERANGE. */
int text_parse_size(const char *s, uint64_t *ret);

/* yes no true false on off 1 0. Returns 0 or -EINVAL. */
int text_parse_bool(const char *s, bool *ret);

/* A decimal number within @min … @max. Returns 0, -EINVAL, -ERANGE. */
int text_parse_uint(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/* "10/s", "5/10min": a number within @min … @max, in a span of 1ms to 1d. Returns 0, -EINVAL, -ERANGE; then @ret_wrong is
 * the number or the span, in @s, that is wrong. */
int text_parse_per(const char *s, uint64_t min, uint64_t max, uint64_t *ret_n, usec_t *ret_usec,
                   const char **ret_wrong);

/* "TERM" or "SIGTERM". Returns 0, -EINVAL. */
int text_parse_signal(const char *s, int *ret);

/* Splits at white space; "…" and '…' quote, \ quotes one character (not within '…'). @ret is a NULL-terminated array
 * for text_strv_free(). Returns the number of words, -EINVAL (open quote, lone \ at the end), -ENOMEM. */
int text_split_words(const char *s, char ***ret);

char **text_strv_free(char **words);
static inline void text_strv_freep(char ***words) {
        text_strv_free(*words);
}

/* "1h 30min", "250ms", "infinity": the two largest units, exact when there are no more. Returns @buf. */
#define TEXT_USEC_MAX 40
const char *text_format_usec(usec_t usec, char buf[TEXT_USEC_MAX]);
/* The same of the time since @at_usec (realtime), in whole seconds. */
const char *text_format_since(usec_t at_usec, char buf[TEXT_USEC_MAX]);
/* "10/s", "5/10min": so many in a span, as a rate is written. Returns @buf. */
#define TEXT_RATE_MAX (TEXT_USEC_MAX + 24)
const char *text_format_rate(uint64_t n, usec_t per_usec, char buf[TEXT_RATE_MAX]);

/* "64M", "1.5G", "512B". Returns @buf. */
#define TEXT_SIZE_MAX 16
const char *text_format_size(uint64_t bytes, char buf[TEXT_SIZE_MAX]);

/* Whether @s is a name of a task, group, limit or pool: [A-Za-z0-9][A-Za-z0-9_.-]{0,39}. */
bool text_is_name(const char *s);

/* Of @n candidates the one nearest to @s by edit distance, or NULL when none is near enough to suggest. */
const char *text_nearest(const char *s, const char *const *candidates, size_t n);

/* Whether @s matches @pattern, in which * stands for any characters and ? for one. */
bool text_match(const char *pattern, const char *s);

/* @text for people, with *** for the user and password of each URL in it; cut off at @size. Returns @buf. */
const char *text_hide_userinfo(const char *text, char *buf, size_t size);
