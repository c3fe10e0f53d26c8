/* SPDX-License-Identifier: MIT */
/* tcp_address: whom to connect to, and what to send. */
#include "task/tcp_address.h"

#include "base/text.h"

#include <ctype.h>

/* The host's end and the port's beginning in "host:port" or "[host]:port". */
static int split(const char *text, const char **ret_host, size_t *ret_n, const char **ret_port) {
        const char *end;

        if (text[0] == '[') {
                end = strchr(text, ']');
                if (!end || end[1] != ':')
                        return -EINVAL;
                *ret_host = text + 1;
                *ret_n = (size_t)(end - text - 1);
                *ret_port = end + 2;
                return 0;
        }
        end = strchr(text, ':');
        if (!end || strchr(end + 1, ':')) /* an IPv6 address wants brackets */
                return -EINVAL;
        *ret_host = text;
        *ret_n = (size_t)(end - text);
        *ret_port = end + 1;
        return 0;
}

int tcp_address_parse(const char *text, struct tcp_address *ret) {
        struct tcp_address address = { 0 };
        const char *host, *port;
        uint64_t number;
        size_t n;
        int r;

        if (strncmp(text, "unix:", 5) == 0) {
                if (text[5] != '/')
                        return -EINVAL;
                address.path = text + 5;
                *ret = address;
                return 0;
        }
        r = split(text, &host, &n, &port);
        if (r < 0)
                return r;
        if (n == 0 || n > TCP_HOST_MAX || text_parse_uint(port, 1, UINT16_MAX, &number) < 0)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                if (!isgraph((unsigned char)host[i]))
                        return -EINVAL;
                address.host[i] = host[i];
        }
        address.port = (unsigned)number;
        *ret = address;
        return 0;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape, after the backslash. Returns how many characters it has, or -EINVAL. */
static int unescape_one(const char *s, char *ret) {
        static const struct {
                char letter;
                char byte;
        } letters[] = { { 'r', '\r' }, { 'n', '\n' }, { 't', '\t' }, { '0', '\0' }, { '\\', '\\' } };
        int high, low;

        for (size_t i = 0; i < ARRAY_SIZE(letters); i++) {
                if (*s != letters[i].letter)
                        continue;
                *ret = letters[i].byte;
                return 1;
        }
        if (*s != 'x')
                return -EINVAL;
        high = hex_digit(s[1]);
        low = high < 0 ? -1 : hex_digit(s[2]);
        if (low < 0)
                return -EINVAL;
        *ret = (char)(high << 4 | low);
        return 3;
}

int tcp_unescape(const char *text, char **ret, size_t *ret_size) {
        _cleanup_(freep) char *bytes = malloc(strlen(text) + 1);
        size_t n = 0;
        int r;

        if (!bytes)
                return -ENOMEM;
        for (const char *s = text; *s;) {
                if (*s != '\\') {
                        bytes[n++] = *s++;
                        continue;
                }
                r = unescape_one(s + 1, &bytes[n]);
                if (r < 0)
                        return r;
                n++;
                s += 1 + r;
        }
        bytes[n] = 0;
        *ret = TAKE_PTR(bytes);
        *ret_size = n;
        return 0;
}
