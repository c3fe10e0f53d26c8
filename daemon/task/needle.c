/* SPDX-License-Identifier: MIT */
/* needle: the search of Knuth, Morris and Pratt: the state is how many bytes of the text the stream ends with. */
#include "task/needle.h"

struct needle {
        size_t n;
        const char *text;
        size_t borders[]; /* [i]: the longest proper prefix of the text that its first i bytes end with */
};

int needle_new(const char *text, size_t n, struct needle **ret) {
        struct needle *needle;
        char *copy;

        if (n == 0)
                return -EINVAL;
        needle = malloc(sizeof(*needle) + (n + 1) * sizeof(needle->borders[0]) + n);
        if (!needle)
                return -ENOMEM;
        copy = (char *)&needle->borders[n + 1];
        memcpy(copy, text, n);
        needle->n = n;
        needle->text = copy;

        needle->borders[0] = needle->borders[1] = 0;
        for (size_t i = 1, border = 0; i < n; i++) {
                while (border > 0 && text[i] != text[border])
                        border = needle->borders[border];
                if (text[i] == text[border])
                        border++;
                needle->borders[i + 1] = border;
        }
        *ret = needle;
        return 0;
}

struct needle *needle_free(struct needle *needle) {
        free(needle);
        return NULL;
}

bool needle_feed(const struct needle *needle, size_t *state, const char *data, size_t n) {
        const char *end = data + n;
        size_t matched = *state;

        while (data < end && matched < needle->n) {
                if (matched == 0) {
                        data = memchr(data, needle->text[0], (size_t)(end - data));
                        if (!data)
                                break;
                }
                while (matched > 0 && *data != needle->text[matched])
                        matched = needle->borders[matched];
                if (*data == needle->text[matched])
                        matched++;
                data++;
        }
        *state = matched;
        return matched == needle->n;
}
