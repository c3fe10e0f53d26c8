/* SPDX-License-Identifier: MIT */
/* http_head: reads the head of a request.
 *
 * Only what a scrape or a probe needs: method, path, version, Accept. Everything else is read over, a body too, because
 * a connection serves one request. Lines may end with LF alone.
 */
#include "loop/http_head.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

/* The next line of @data up to @end, without its end; NULL: it has none. @data moves behind it. */
static const char *next_line(const char **data, const char *end, size_t *ret_n) {
        const char *line = *data, *lf = memchr(line, '\n', (size_t)(end - line));

        if (!lf)
                return NULL;
        *data = lf + 1;
        *ret_n = (size_t)(lf - line);
        if (*ret_n > 0 && line[*ret_n - 1] == '\r')
                (*ret_n)--;
        return line;
}

static enum http_method method_of(const char *word, size_t n) {
        if (n == 3 && memcmp(word, "GET", 3) == 0)
                return HTTP_GET;
        return n == 4 && memcmp(word, "HEAD", 4) == 0 ? HTTP_HEAD : HTTP_OTHER;
}

/* "GET /metrics?x HTTP/1.1" */
static int parse_request_line(const char *line, size_t n, struct http_head *ret) {
        const char *end = line + n;
        const char *path = memchr(line, ' ', n);
        const char *version = path ? memchr(path + 1, ' ', (size_t)(end - path - 1)) : NULL;
        size_t length = 0;

        if (!version || path == line || end - version != sizeof(" HTTP/1.1") - 1 ||
            memcmp(version, " HTTP/1.", 8) != 0 || (version[8] != '0' && version[8] != '1'))
                return -EBADMSG;
        for (const char *c = line; c < path; c++)
                if (!isupper((unsigned char)*c))
                        return -EBADMSG;
        ret->method = method_of(line, (size_t)(path - line));
        ret->chunks = version[8] == '1';
        path++;
        if (*path != '/' && ret->method != HTTP_OTHER)
                return -EBADMSG;
        for (; path + length < version && path[length] != '?'; length++) {
                if (length == sizeof(ret->path) - 1)
                        return -ENAMETOOLONG;
                if (!isgraph((unsigned char)path[length]))
                        return -EBADMSG;
                ret->path[length] = path[length];
        }
        ret->path[length] = '\0';
        return 0;
}

/* "Accept: text/plain" */
static int parse_header(const char *line, size_t n, struct http_head *ret) {
        const char *colon = memchr(line, ':', n);
        size_t used = strlen(ret->accept);

        if (!colon || colon == line || isspace((unsigned char)*line) || isspace((unsigned char)colon[-1]))
                return -EBADMSG;
        if (colon - line != 6 || strncasecmp(line, "accept", 6) != 0)
                return 0;
        n -= (size_t)(colon + 1 - line);
        if (memchr(colon + 1, '\0', n))
                return -EBADMSG;
        (void)snprintf(ret->accept + used, sizeof(ret->accept) - used, "%s%.*s", used > 0 ? "," : "", (int)n,
                       colon + 1);
        return 0;
}

int http_head_parse(const char *data, size_t n, struct http_head *ret) {
        struct http_head request = { 0 };
        const char *end = data + n, *line;
        size_t length;
        int r;

        line = next_line(&data, end, &length);
        if (!line)
                return 0;
        r = parse_request_line(line, length, &request);
        if (r < 0)
                return r;
        while ((line = next_line(&data, end, &length))) {
                if (length == 0) {
                        *ret = request;
                        return 1;
                }
                r = parse_header(line, length, &request);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- Accept ---- */

/* The q of the parameters at @params, up to @end: 0 … 1000. Without one 1000. */
static unsigned weight_of(const char *params, const char *end) {
        while (params < end) {
                unsigned weight, unit = 100;

                params += strspn(params, "; \t");
                if (params + 2 >= end || tolower((unsigned char)params[0]) != 'q' || params[1] != '=') {
                        while (params < end && *params != ';')
                                params++;
                        continue;
                }
                if (params[2] != '0')
                        return 1000;
                weight = 0;
                if (params[3] == '.')
                        for (params += 4; params < end && isdigit((unsigned char)*params) && unit > 0;
                             params++, unit /= 10)
                                weight += unit * (unsigned)(*params - '0');
                return weight;
        }
        return 1000;
}

unsigned http_accept_weight(const char *accept, const char *type) {
        size_t n = strlen(type);
        unsigned best = 0;

        while (*accept) {
                const char *end;
                unsigned weight;

                accept += strspn(accept, ", \t");
                end = accept + strcspn(accept, ",");
                if ((size_t)(end - accept) >= n && strncasecmp(accept, type, n) == 0 &&
                    strchr(";, \t", accept[n])) { /* or the end */
                        weight = weight_of(accept + n, end);
                        best = MAX(best, weight);
                }
                accept = end;
        }
        return best;
}
