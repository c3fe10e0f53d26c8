/* SPDX-License-Identifier: MIT */
#pragma once
/* framer: cuts a byte stream into Varlink messages: JSON objects, each ended by a NUL.
 *
 * Bytes come in any pieces. What cannot become a message is refused as early as can be told: at its first byte when it
 * is no object, and as soon as it is longer than the bound.
 */
#include "control/buffer.h"

struct framer {
        struct buffer in;
        size_t scanned; /* bytes at the head known to hold no NUL */
        size_t max;     /* bytes of a message without its NUL */
};

void framer_init(struct framer *framer, size_t max);
void framer_done(struct framer *framer);

/* Takes the next message out: @ret, NUL-terminated, is valid until the next call or until bytes are added. Returns 1; 0 when there is no
 * whole one; -EMSGSIZE when it is too long; -EBADMSG when it does not begin as an object. After an error the stream
 * cannot be understood any more. */
int framer_next(struct framer *framer, const char **ret, size_t *ret_length);

/* Whether a message has begun and not ended; only right after framer_next() returned 0. */
static inline bool framer_is_partial(const struct framer *framer) {
        return buffer_length(&framer->in) > 0;
}

/* Whether @length bytes of JSON nest at most @max_depth deep and hold at most @max_values values: what bounds the
 * stack and the time of the parser. Not a check of its grammar. */
bool framer_is_harmless(const char *message, size_t length, unsigned max_depth, size_t max_values);
