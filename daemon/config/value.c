/* SPDX-License-Identifier: MIT */
/* value: the scalar types that any key may have. */
#include "config/value.h"

#include "base/log.h"
#include "base/text.h"
#include "config/keys.h"
#include "loop/child.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>

int value_wrong(struct value *value, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(value->wrong, sizeof(value->wrong), format, ap);
        va_end(ap);
        return -EINVAL;
}

void *value_member(const struct key *key, void *base) {
        return (char *)base + key->offset;
}

const void *value_const_member(const struct key *key, const void *base) {
        return (const char *)base + key->offset;
}

int value_wrong_text(struct value *value, int r, const char *text, const char *what) {
        if (*text == '\0')
                return value_wrong(value, "the value is missing");
        if (r == -ERANGE)
                return value_wrong(value, "%.*s is out of range", VALUE_SHOWN_MAX, text);
        return value_wrong(value, "\"%.*s\" is no %s", VALUE_SHOWN_MAX, text, what);
}

static int wrong_number(struct value *value, int r, const char *what) {
        return value_wrong_text(value, r, value->texts[0], what);
}

/* ---- booleans ---- */

static int parse_bool(const struct key *key, struct value *value, void *base) {
        bool b;

        if (text_parse_bool(value->texts[0], &b) < 0)
                return wrong_number(value, -EINVAL, "boolean");
        *(bool *)value_member(key, base) = b;
        return 0;
}

static void allow_bool(const struct key *key _unused_, FILE *out) {
        fputs("yes or no", out);
}

static void show_bool(const struct key *key, const void *base, FILE *out) {
        fputs(*(const bool *)value_const_member(key, base) ? "yes" : "no", out);
}

const struct value_type value_bool = { "BOOLEAN", VALUE_SCALAR, parse_bool, allow_bool, show_bool };

/* ---- durations ---- */

static int parse_duration(const struct key *key, struct value *value, void *base) {
        usec_t usec;
        int r = text_parse_usec(value->texts[0], &usec);

        if (r == 0 && (usec < key->min || usec > key->max))
                r = -ERANGE;
        if (r < 0)
                return wrong_number(value, r, "duration");
        *(usec_t *)value_member(key, base) = usec;
        return 0;
}

static void allow_duration(const struct key *key, FILE *out) {
        char least[TEXT_USEC_MAX], most[TEXT_USEC_MAX];

        fputs("a duration such as 1h 30min", out);
        if (key->max == USEC_INFINITY)
                fprintf(out, ", at least %s, or infinity", text_format_usec(key->min, least));
        else
                fprintf(out, ", from %s to %s", text_format_usec(key->min, least), text_format_usec(key->max, most));
}

/* text_format_usec() alone rounds to two units. */
void value_show_usec(usec_t usec, FILE *out) {
        char buf[TEXT_USEC_MAX];
        usec_t shown;

        text_format_usec(usec, buf);
        if (text_parse_usec(buf, &shown) == 0 && shown == usec)
                fputs(buf, out);
        else
                fprintf(out, "%" PRIu64 "us", usec);
}

static void show_duration(const struct key *key, const void *base, FILE *out) {
        value_show_usec(*(const usec_t *)value_const_member(key, base), out);
}

const struct value_type value_duration = { "DURATION", VALUE_SCALAR, parse_duration, allow_duration, show_duration };

/* ---- sizes and counts ---- */

static int parse_size(const struct key *key, struct value *value, void *base) {
        uint64_t size;
        int r;

        if (key->max == UINT64_MAX && streq(value->texts[0], "infinity")) {
                *(uint64_t *)value_member(key, base) = UINT64_MAX;
                return 0;
        }
        r = text_parse_size(value->texts[0], &size);
        if (r == 0 && (size < key->min || size > key->max))
                r = -ERANGE;
        if (r < 0)
                return wrong_number(value, r, "size");
        *(uint64_t *)value_member(key, base) = size;
        return 0;
}

static void allow_size(const struct key *key, FILE *out) {
        char least[TEXT_SIZE_MAX], most[TEXT_SIZE_MAX];

        fputs("a size such as 512, 10K or 64M", out);
        if (key->max == UINT64_MAX)
                fprintf(out, ", at least %s, or infinity", text_format_size(key->min, least));
        else
                fprintf(out, ", from %s to %s", text_format_size(key->min, least), text_format_size(key->max, most));
}

static void show_size(const struct key *key, const void *base, FILE *out) {
        uint64_t size = *(const uint64_t *)value_const_member(key, base), shown;
        char buf[TEXT_SIZE_MAX];

        if (size == CHILD_CORE_UNCHANGED) /* unset: what it is, is not known here */
                return;
        if (size == UINT64_MAX || size == 0)
                fputs(size ? "infinity" : "0", out);
        else if (text_parse_size(text_format_size(size, buf), &shown) == 0 && shown == size)
                fputs(buf, out);
        else
                fprintf(out, "%" PRIu64, size);
}

const struct value_type value_size = { "SIZE", VALUE_SCALAR, parse_size, allow_size, show_size };

static int parse_number(const struct key *key, struct value *value, uint64_t *ret) {
        int r;

        if (key->max == UINT64_MAX && streq(value->texts[0], "infinity")) {
                *ret = UINT64_MAX;
                return 0;
        }
        r = text_parse_uint(value->texts[0], key->min, key->max, ret);
        return r < 0 ? wrong_number(value, r, "number") : 0;
}

static void allow_number(const struct key *key, FILE *out) {
        if (key->max == UINT64_MAX)
                fprintf(out, "a number, at least %" PRIu64 ", or infinity", key->min);
        else
                fprintf(out, "a number from %" PRIu64 " to %" PRIu64, key->min, key->max);
}

static int parse_count(const struct key *key, struct value *value, void *base) {
        uint64_t n;
        int r = parse_number(key, value, &n);

        if (r < 0)
                return r;
        *(unsigned *)value_member(key, base) = (unsigned)n;
        return 0;
}

static void show_count(const struct key *key, const void *base, FILE *out) {
        fprintf(out, "%u", *(const unsigned *)value_const_member(key, base));
}

const struct value_type value_count = { "NUMBER", VALUE_SCALAR, parse_count, allow_number, show_count };

static int parse_count64(const struct key *key, struct value *value, void *base) {
        uint64_t n;
        int r = parse_number(key, value, &n);

        if (r < 0)
                return r;
        *(uint64_t *)value_member(key, base) = n;
        return 0;
}

static void show_count64(const struct key *key, const void *base, FILE *out) {
        uint64_t n = *(const uint64_t *)value_const_member(key, base);

        if (n == UINT64_MAX)
                fputs("infinity", out);
        else
                fprintf(out, "%" PRIu64, n);
}

const struct value_type value_count64 = { "NUMBER", VALUE_SCALAR, parse_count64, allow_number, show_count64 };

static int parse_integer(const struct key *key, struct value *value, void *base) {
        bool negative = value->texts[0][0] == '-';
        int64_t least = (int64_t)key->min, most = (int64_t)key->max, n;
        uint64_t digits;
        int r = text_parse_uint(value->texts[0] + negative, 0, INT_MAX, &digits);

        n = r < 0 ? 0 : negative ? -(int64_t)digits : (int64_t)digits;
        if (r == 0 && (n < least || n > most))
                r = -ERANGE;
        if (r < 0)
                return wrong_number(value, r, "number");
        *(int *)value_member(key, base) = (int)n;
        return 0;
}

static void allow_integer(const struct key *key, FILE *out) {
        fprintf(out, "a number from %d to %d", (int)key->min, (int)key->max);
}

static void show_integer(const struct key *key, const void *base, FILE *out) {
        fprintf(out, "%d", *(const int *)value_const_member(key, base));
}

const struct value_type value_integer = { "NUMBER", VALUE_SCALAR, parse_integer, allow_integer, show_integer };

static int parse_octal(const struct key *key, struct value *value, void *base) {
        const char *s = value->texts[0];
        uint64_t n = 0;

        if (*s == '\0' || strlen(s) > 5 || s[strspn(s, "01234567")] != '\0')
                return wrong_number(value, -EINVAL, "octal number");
        for (; *s; s++)
                n = n * 8 + (uint64_t)(*s - '0');
        if (n < key->min || n > key->max)
                return wrong_number(value, -ERANGE, "octal number");
        *(int *)value_member(key, base) = (int)n;
        return 0;
}

static void allow_octal(const struct key *key, FILE *out) {
        fprintf(out, "an octal number from %04o to %04o", (unsigned)key->min, (unsigned)key->max);
}

static void show_octal(const struct key *key, const void *base, FILE *out) {
        int n = *(const int *)value_const_member(key, base);

        if (n >= 0)
                fprintf(out, "%04o", (unsigned)n);
}

const struct value_type value_octal = { "MODE", VALUE_SCALAR, parse_octal, allow_octal, show_octal };

/* ---- choices ---- */

static int find_choice(const struct key *key, struct value *value) {
        size_t n = 0;

        for (; key->choices[n]; n++) {
                if (streq(key->choices[n], value->texts[0]))
                        return (int)n;
        }
        value->meant = text_nearest(value->texts[0], key->choices, n);
        return value_wrong_text(value, -EINVAL, value->texts[0], "such word");
}

static void allow_choice(const struct key *key, FILE *out) {
        for (size_t i = 0; key->choices[i]; i++)
                fprintf(out, "%s%s", i == 0 ? "" : key->choices[i + 1] ? ", " : " or ", key->choices[i]);
}

static int parse_choice(const struct key *key, struct value *value, void *base) {
        int r = find_choice(key, value);

        if (r < 0)
                return r;
        *(unsigned *)value_member(key, base) = (unsigned)r;
        return 0;
}

static void show_choice(const struct key *key, const void *base, FILE *out) {
        fputs(key->choices[*(const unsigned *)value_const_member(key, base)], out);
}

const struct value_type value_choice = { "WORD", VALUE_SCALAR, parse_choice, allow_choice, show_choice };

static int parse_flag(const struct key *key, struct value *value, void *base) {
        int r = find_choice(key, value);

        if (r < 0)
                return r;
        *(bool *)value_member(key, base) = r == 1;
        return 0;
}

static void show_flag(const struct key *key, const void *base, FILE *out) {
        fputs(key->choices[*(const bool *)value_const_member(key, base)], out);
}

const struct value_type value_flag = { "WORD", VALUE_SCALAR, parse_flag, allow_choice, show_flag };

/* ---- strings ---- */

/* Moves the text to the key's member. */
static int store_string(const struct key *key, struct value *value, void *base) {
        char **member = value_member(key, base);

        free(*member);
        *member = TAKE_PTR(value->texts[0]);
        return 0;
}

static int parse_string(const struct key *key, struct value *value, void *base) {
        if (value->texts[0][0] == '\0')
                return value_wrong(value, "the value is missing");
        return store_string(key, value, base);
}

static void allow_string(const struct key *key _unused_, FILE *out) {
        fputs("any text", out);
}

void value_show_string(const struct key *key, const void *base, FILE *out) {
        fputs(*(char *const *)value_const_member(key, base) ?: "", out);
}

const struct value_type value_string = { "TEXT", VALUE_SCALAR, parse_string, allow_string, value_show_string };
const struct value_type value_text = { "TEXT", VALUE_TEXT, parse_string, allow_string, value_show_string };

static int parse_path(const struct key *key, struct value *value, void *base) {
        if (value->texts[0][0] != '/')
                return value_wrong_text(value, -EINVAL, value->texts[0], "absolute path");
        if (strlen(value->texts[0]) >= PATH_MAX)
                return value_wrong(value, "the path is too long");
        return store_string(key, value, base);
}

static void allow_path(const struct key *key _unused_, FILE *out) {
        fputs("a path that begins with /", out);
}

const struct value_type value_path = { "PATH", VALUE_SCALAR, parse_path, allow_path, value_show_string };

static int parse_item_path(const struct key *key, struct value *value, void *base) {
        if (strncmp(value->texts[0], "{item}", 6) == 0)
                return store_string(key, value, base);
        return parse_path(key, value, base);
}

const struct value_type value_item_path = { "PATH", VALUE_SCALAR, parse_item_path, allow_path, value_show_string };

static int parse_name(const struct key *key, struct value *value, void *base) {
        if (!text_is_name(value->texts[0]))
                return value_wrong_text(value, -EINVAL, value->texts[0], "name");
        return store_string(key, value, base);
}

static void allow_name(const struct key *key _unused_, FILE *out) {
        fputs("letters, digits, and _.- behind the first, at most 40", out);
}

const struct value_type value_name = { "NAME", VALUE_SCALAR, parse_name, allow_name, value_show_string };

/* ---- signals, log levels ---- */

static int parse_signal(const struct key *key, struct value *value, void *base) {
        if (text_parse_signal(value->texts[0], value_member(key, base)) == 0)
                return 0;
        return value_wrong_text(value, -EINVAL, value->texts[0], "signal");
}

static void allow_signal(const struct key *key _unused_, FILE *out) {
        fputs("the name of a signal, such as TERM, INT, QUIT or HUP", out);
}

static void show_signal(const struct key *key, const void *base, FILE *out) {
        fputs(sigabbrev_np(*(const int *)value_const_member(key, base)) ?: "", out);
}

const struct value_type value_signal = { "SIGNAL", VALUE_SCALAR, parse_signal, allow_signal, show_signal };

static int parse_log_level(const struct key *key, struct value *value, void *base) {
        int level = log_level_from_string(value->texts[0]);

        if (level < 0)
                return wrong_number(value, -EINVAL, "log level");
        *(int *)value_member(key, base) = level;
        return 0;
}

static void allow_log_level(const struct key *key _unused_, FILE *out) {
        fputs("err, warning, notice, info or debug", out);
}

static void show_log_level(const struct key *key, const void *base, FILE *out) {
        fputs(log_level_to_string(*(const int *)value_const_member(key, base)) ?: "", out);
}

const struct value_type value_log_level = {
        "LEVEL", VALUE_SCALAR, parse_log_level, allow_log_level, show_log_level,
};
