/* SPDX-License-Identifier: MIT */
/* fuzz-framer: whatever a peer sends, in whatever pieces, the framer yields what a plain split at the NULs yields, and
 * no message that passes for harmless is too deep for the parser. The first byte of the input chooses the pieces. */
#include "control/framer.h"

#include <assert.h>
#include <jansson.h>

#define MESSAGE_MAX 256
#define DEPTH_MAX   16
#define VALUES_MAX  64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How deep @value really is, scalars being nothing. */
static unsigned depth_of(const json_t *value) {
        unsigned deepest = 0;
        const char *key;
        size_t index;
        json_t *item;

        if (!json_is_object(value) && !json_is_array(value))
                return 0;
        json_object_foreach((json_t *)value, key, item)
                deepest = MAX(deepest, depth_of(item));
        json_array_foreach(value, index, item)
                deepest = MAX(deepest, depth_of(item));
        return deepest + 1;
}

static void parse(const char *message, size_t length) {
        json_t *root;

        if (!framer_is_harmless(message, length, DEPTH_MAX, VALUES_MAX))
                return;
        root = json_loadb(message, length, JSON_REJECT_DUPLICATES, NULL);
        if (!root)
                return;
        assert(depth_of(root) <= DEPTH_MAX);
        json_decref(root);
}

/* Takes out what is there; compares each message with the next one of the plain split at *@at. */
static int take(struct framer *framer, const char *text, size_t size, size_t *at) {
        const char *message;
        size_t length;
        int r;

        while ((r = framer_next(framer, &message, &length)) > 0) {
                const char *end = memchr(text + *at, '\0', size - *at);

                assert(end && length == (size_t)(end - (text + *at)) && length <= MESSAGE_MAX);
                assert(memcmp(message, text + *at, length) == 0 && message[length] == '\0');
                *at += length + 1;
                parse(message, length);
        }
        assert(r == 0 || r == -EMSGSIZE || r == -EBADMSG);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct framer framer;
        size_t at = 0, piece;
        const char *text = (const char *)data + 1;

        if (size < 2)
                return 0;
        piece = 1 + data[0];
        size--;

        framer_init(&framer, MESSAGE_MAX);
        for (size_t sent = 0; sent < size; sent += piece) {
                assert(buffer_append(&framer.in, text + sent, MIN(piece, size - sent)) == 0);
                if (take(&framer, text, size, &at) < 0)
                        break;
                assert(framer_is_partial(&framer) == (at < MIN(sent + piece, size)));
        }
        framer_done(&framer);
        return 0;
}
