/* SPDX-License-Identifier: MIT */
/* value_kind: the types of single keys of the kinds' parts. */
#include "base/text.h"
#include "config/keys.h"
#include "task/task.h"

#include <ctype.h>
#include <limits.h>

static void replace(char **member, char *text) {
        free(*member);
        *member = text;
}

/* ---- exec: user, stdin, output, success-exit ---- */

static int parse_user(const struct key *key _unused_, struct value *value, void *base) {
        struct exec_part *part = base;
        char *group = strchr(value->texts[0], ':');
        _cleanup_(freep) char *copy = NULL;

        if (group) {
                *group++ = '\0';
                if (*group == '\0')
                        return value_wrong(value, "there is no group after the colon");
                copy = strdup(group);
                if (!copy)
                        return -ENOMEM;
        }
        if (value->texts[0][0] == '\0' || strpbrk(value->texts[0], " \t/"))
                return value_wrong_text(value, -EINVAL, value->texts[0], "user");
        replace(&part->user, TAKE_PTR(value->texts[0]));
        replace(&part->group, TAKE_PTR(copy));
        return 0;
}

static void allow_user(const struct key *key _unused_, FILE *out) {
        fputs("USER or USER:GROUP", out);
}

static void show_user(const struct key *key _unused_, const void *base, FILE *out) {
        const struct exec_part *part = base;

        fprintf(out, "%s%s%s", part->user ?: "", part->group ? ":" : "", part->group ?: "");
}

const struct value_type value_user = { "USER[:GROUP]", VALUE_SCALAR, parse_user, allow_user, show_user };

/* `file:P`: the absolute path P, or NULL after saying what is wrong. */
static const char *file_argument(struct value *value) {
        const char *text = value->texts[0];

        if (strncmp(text, "file:", 5) != 0) {
                value_wrong_text(value, -EINVAL, text, "such place");
                return NULL;
        }
        if (text[5] != '/' || strlen(text + 5) >= PATH_MAX) {
                value_wrong_text(value, -EINVAL, text + 5, "absolute path");
                return NULL;
        }
        return text + 5;
}

static int parse_stdin(const struct key *key _unused_, struct value *value, void *base) {
        struct exec_part *part = base;
        const char *path = NULL;
        char *copy = NULL;

        if (!streq(value->texts[0], "null")) {
                path = file_argument(value);
                if (!path)
                        return -EINVAL;
                copy = strdup(path);
                if (!copy)
                        return -ENOMEM;
        }
        replace(&part->stdin_path, copy);
        return 0;
}

static void allow_stdin(const struct key *key _unused_, FILE *out) {
        fputs("null or file:PATH", out);
}

static void show_stdin(const struct key *key _unused_, const void *base, FILE *out) {
        const struct exec_part *part = base;

        fprintf(out, "%s%s", part->stdin_path ? "file:" : "null", part->stdin_path ?: "");
}

const struct value_type value_stdin = { "null|file:PATH", VALUE_SCALAR, parse_stdin, allow_stdin, show_stdin };

static int parse_output(const struct key *key _unused_, struct value *value, void *base) {
        struct exec_part *part = base;
        enum output_type type = streq(value->texts[0], "log")    ? OUTPUT_LOG
                                : streq(value->texts[0], "null") ? OUTPUT_NULL
                                                                 : OUTPUT_FILE;
        const char *path = NULL;
        char *copy = NULL;

        if (type == OUTPUT_FILE) {
                path = file_argument(value);
                if (!path)
                        return -EINVAL;
                copy = strdup(path);
                if (!copy)
                        return -ENOMEM;
        }
        replace(&part->output_path, copy);
        part->output = type;
        return 0;
}

static void allow_output(const struct key *key _unused_, FILE *out) {
        fputs("log, null or file:PATH", out);
}

static void show_output(const struct key *key _unused_, const void *base, FILE *out) {
        const struct exec_part *part = base;

        if (part->output == OUTPUT_FILE)
                fprintf(out, "file:%s", part->output_path);
        else
                fputs(part->output == OUTPUT_LOG ? "log" : "null", out);
}

const struct value_type value_output = { "log|null|file:PATH", VALUE_SCALAR, parse_output, allow_output, show_output };

/* ---- log-rate ---- */

static int parse_log_rate(const struct key *key, struct value *value, void *base) {
        struct exec_part *part = base;
        uint64_t n = 0;
        usec_t usec = USEC_INFINITY;
        int r = 0;

        if (!streq(value->texts[0], "infinity"))
                r = value_parse_per(key, value, &n, &usec);
        if (r < 0)
                return r;
        part->log_rate = (unsigned)n;
        part->log_rate_usec = usec;
        return 0;
}

static void allow_log_rate(const struct key *key, FILE *out) {
        fprintf(out, "a number of lines, up to %u, in a span of time, such as 1000/s or 300000/30s, or infinity",
                (unsigned)key->max);
}

static void show_log_rate(const struct key *key _unused_, const void *base, FILE *out) {
        const struct exec_part *part = base;

        if (part->log_rate == 0) {
                fputs("infinity", out);
                return;
        }
        fprintf(out, "%u/", part->log_rate);
        value_show_usec(part->log_rate_usec, out);
}

const struct value_type value_log_rate = {
        "NUMBER/DURATION", VALUE_SCALAR, parse_log_rate, allow_log_rate, show_log_rate,
};

/* "200" or "200-299". */
static int parse_number_range(const struct key *key, struct value *value, char *text, unsigned *ret_from,
                              unsigned *ret_to) {
        char *dash = strchr(text, '-');
        uint64_t from, to;
        int r;

        if (dash)
                *dash++ = '\0';
        r = text_parse_uint(text, key->min, key->max, &from);
        if (r < 0)
                return value_wrong_text(value, r, text, "number");
        to = from;
        r = dash ? text_parse_uint(dash, key->min, key->max, &to) : 0;
        if (r < 0)
                return value_wrong_text(value, r, dash, "number");
        if (to < from)
                return value_wrong(value, "the range %s-%s ends before it begins", text, dash);
        *ret_from = (unsigned)from;
        *ret_to = (unsigned)to;
        return 0;
}

static void allow_ranges(const struct key *key, FILE *out) {
        fprintf(out, "numbers and ranges such as 3-5, from %u to %u", (unsigned)key->min, (unsigned)key->max);
}

static bool has_code(const uint8_t *map, unsigned code) {
        return code < 256 && map[code / 8] & 1u << code % 8;
}

static int parse_exit_codes(const struct key *key, struct value *value, void *base) {
        uint8_t map[32] = { 0 };
        unsigned from, to;
        int r;

        if (value->n == 0)
                return value_wrong(value, "the value is missing");
        for (size_t i = 0; i < value->n; i++) {
                r = parse_number_range(key, value, value->texts[i], &from, &to);
                if (r < 0)
                        return r;
                for (unsigned code = from; code <= to; code++)
                        map[code / 8] |= (uint8_t)(1u << code % 8);
        }
        memcpy(((struct exec_part *)base)->success_exit, map, sizeof(map));
        return 0;
}

static void show_exit_codes(const struct key *key _unused_, const void *base, FILE *out) {
        const uint8_t *map = ((const struct exec_part *)base)->success_exit;
        const char *before = "";

        for (unsigned from = 0, to; from < 256; from = to + 1) {
                to = from;
                if (!has_code(map, from))
                        continue;
                while (has_code(map, to + 1))
                        to++;
                fprintf(out, "%s%u", before, from);
                if (to > from)
                        fprintf(out, "-%u", to);
                before = " ";
        }
}

const struct value_type value_exit_codes = {
        "NUMBERS", VALUE_WORDS, parse_exit_codes, allow_ranges, show_exit_codes,
};

/* ---- http: expect-status, url, method ---- */

static int parse_statuses(const struct key *key, struct value *value, void *base) {
        struct http_part *part = base;
        _cleanup_(freep) struct status_range *ranges = NULL;
        int r;

        if (value->n == 0)
                return value_wrong(value, "the value is missing");
        ranges = calloc(value->n, sizeof(*ranges));
        if (!ranges)
                return -ENOMEM;
        for (size_t i = 0; i < value->n; i++) {
                r = parse_number_range(key, value, value->texts[i], &ranges[i].from, &ranges[i].to);
                if (r < 0)
                        return r;
        }
        free(part->expect_status);
        part->expect_status = TAKE_PTR(ranges);
        part->n_expect_status = value->n;
        return 0;
}

static void show_statuses(const struct key *key _unused_, const void *base, FILE *out) {
        const struct http_part *part = base;

        if (part->n_expect_status == 0)
                fputs("200-299", out);
        for (size_t i = 0; i < part->n_expect_status; i++) {
                fprintf(out, "%s%u", i > 0 ? " " : "", part->expect_status[i].from);
                if (part->expect_status[i].to != part->expect_status[i].from)
                        fprintf(out, "-%u", part->expect_status[i].to);
        }
}

const struct value_type value_statuses = { "NUMBERS", VALUE_WORDS, parse_statuses, allow_ranges, show_statuses };

static bool begins_with(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int parse_url(const struct key *key, struct value *value, void *base) {
        const char *url = value->texts[0];
        size_t scheme = begins_with(url, "http://") ? 7 : begins_with(url, "https://") ? 8 : 0;

        if (!begins_with(url, "{item}") && (scheme == 0 || strchr("/:?#", url[scheme]) || strpbrk(url, " \t\r\n\"<>")))
                return value_wrong_text(value, -EINVAL, url, "URL");
        replace(value_member(key, base), TAKE_PTR(value->texts[0]));
        return 0;
}

static void allow_url(const struct key *key _unused_, FILE *out) {
        fputs("http://... or https://..., or beginning with {item}", out);
}

const struct value_type value_url = { "URL", VALUE_SCALAR, parse_url, allow_url, value_show_string };

static int parse_method(const struct key *key, struct value *value, void *base) {
        const char *method = value->texts[0];

        if (*method == '\0' || strlen(method) > 32 || method[strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_")] != '\0')
                return value_wrong_text(value, -EINVAL, method, "method");
        replace(value_member(key, base), TAKE_PTR(value->texts[0]));
        return 0;
}

static void allow_method(const struct key *key _unused_, FILE *out) {
        fputs("a word in capitals such as GET, HEAD or POST", out);
}

const struct value_type value_method = { "METHOD", VALUE_SCALAR, parse_method, allow_method, value_show_string };

/* ---- tcp: connect; file: sha256 ---- */

bool value_is_address(const char *text) {
        const char *colon = strrchr(text, ':');
        uint64_t port;

        if (begins_with(text, "unix:"))
                return text[5] == '/';
        if (strstr(text, "{item}") || strstr(text, "{n}"))
                return true;
        if (!colon || colon == text || text_parse_uint(colon + 1, 1, 65535, &port) < 0)
                return false;
        /* Another colon is one of an IPv6 address, which needs its brackets. */
        return text[0] == '[' ? colon[-1] == ']' : memchr(text, ':', (size_t)(colon - text)) == NULL;
}

static int parse_address(const struct key *key, struct value *value, void *base) {
        if (!value_is_address(value->texts[0]))
                return value_wrong_text(value, -EINVAL, value->texts[0], "address");
        replace(value_member(key, base), TAKE_PTR(value->texts[0]));
        return 0;
}

static void allow_address(const struct key *key _unused_, FILE *out) {
        fputs("HOST:PORT, [IPV6]:PORT or unix:/PATH", out);
}

const struct value_type value_address = { "HOST:PORT", VALUE_SCALAR, parse_address, allow_address, value_show_string };

static int parse_sha256(const struct key *key, struct value *value, void *base) {
        char *text = value->texts[0];

        if (strlen(text) != 64 || text[strspn(text, "0123456789abcdefABCDEF")] != '\0')
                return value_wrong_text(value, -EINVAL, text, "SHA-256 sum");
        for (char *c = text; *c; c++)
                *c = (char)tolower((unsigned char)*c);
        replace(value_member(key, base), TAKE_PTR(value->texts[0]));
        return 0;
}

static void allow_sha256(const struct key *key _unused_, FILE *out) {
        fputs("64 hexadecimal digits", out);
}

const struct value_type value_sha256 = { "HEX", VALUE_SCALAR, parse_sha256, allow_sha256, value_show_string };
