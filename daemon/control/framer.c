/* SPDX-License-Identifier: MIT */
/* framer: cuts a byte stream into messages, see framer.h. */
#include "control/framer.h"

void framer_init(struct framer *framer, size_t max) {
        *framer = (struct framer){ .max = max };
}

void framer_done(struct framer *framer) {
        buffer_done(&framer->in);
        framer->scanned = 0;
}

#define LEADING_SPACE_MAX 16

/* A little white space may stand before the object; nothing else can begin a call. */
static bool begins_as_object(const char *data, size_t length) {
        for (size_t i = 0; i < length; i++) {
                if (data[i] == '{')
                        return true;
                if (i == LEADING_SPACE_MAX || !memchr(" \t\r\n", data[i], 4))
                        return false;
        }
        return true;
}

int framer_next(struct framer *framer, const char **ret, size_t *ret_length) {
        size_t length = buffer_length(&framer->in);
        const char *head, *end;

        if (length == 0) {
                /* Not when the last message was taken: its memory had to stay until the caller had read it. */
                buffer_consume(&framer->in, 0);
                return 0;
        }

        head = buffer_head(&framer->in);
        if (!begins_as_object(head, length))
                return -EBADMSG;

        end = memchr(head + framer->scanned, '\0', length - framer->scanned);
        if (!end) {
                framer->scanned = length;
                return length > framer->max ? -EMSGSIZE : 0;
        }
        if ((size_t)(end - head) > framer->max)
                return -EMSGSIZE;

        *ret = head;
        *ret_length = (size_t)(end - head);
        framer->scanned = 0;
        framer->in.start += *ret_length + 1;
        return 1;
}

bool framer_is_harmless(const char *message, size_t length, unsigned max_depth, size_t max_values) {
        unsigned depth = 0;
        size_t values = 0;
        bool in_string = false;

        for (size_t i = 0; i < length; i++) {
                char c = message[i];

                if (in_string) {
                        if (c == '\\')
                                i++;
                        else if (c == '"')
                                in_string = false;
                } else if (c == '"') {
                        in_string = true;
                } else if (c == '{' || c == '[') {
                        if (++depth > max_depth || ++values > max_values)
                                return false;
                } else if (c == ',') {
                        if (++values > max_values)
                                return false;
                } else if ((c == '}' || c == ']') && depth > 0) {
                        depth--;
                }
        }
        return true;
}
