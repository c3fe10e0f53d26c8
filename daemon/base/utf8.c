/* SPDX-License-Identifier: MIT */
/* utf8: tells text from other bytes, see utf8.h. */
#include "base/utf8.h"

static bool continues(unsigned char c) {
        return (c & 0xc0) == 0x80;
}

size_t utf8_length(const char *s, size_t n) {
        /* What the first byte promises, and which second bytes keep the sequence shortest and within range. */
        static const struct {
                unsigned char first_min, first_max, length, second_min, second_max;
        } rows[] = {
                { 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xe1, 0xec, 3, 0x80, 0xbf },
                { 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf }, { 0xf0, 0xf0, 4, 0x90, 0xbf },
                { 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
        };
        const unsigned char *p = (const unsigned char *)s;

        if (n == 0)
                return 0;
        if (p[0] < 0x80)
                return 1;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (p[0] < rows[i].first_min || p[0] > rows[i].first_max)
                        continue;
                if (n < rows[i].length || p[1] < rows[i].second_min || p[1] > rows[i].second_max)
                        return 0;
                for (size_t k = 2; k < rows[i].length; k++)
                        if (!continues(p[k]))
                                return 0;
                return rows[i].length;
        }
        return 0;
}

bool utf8_is_control(const char *s, size_t length) {
        const unsigned char *p = (const unsigned char *)s;

        if (length == 1)
                return (p[0] < 0x20 && p[0] != '\t') || p[0] == 0x7f;
        return length == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}
