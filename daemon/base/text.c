/* SPDX-License-Identifier: MIT */
/* text: strict parsers of what people write, and their inverse.
 *
 * Numbers are read digit by digit with overflow checks rather than with strtoull(), which takes signs, leading blanks
 * and the locale's opinion.
 */
#include "base/text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>

#define BLANKS " \t\r\n"

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct unit {
        const char *name;
        uint64_t factor;
};

/* The first of a size is the one that is shown. */
static const struct unit usec_units[] = {
        { "us", 1 },
        { "usec", 1 },
        { "ms", USEC_PER_MSEC },
        { "msec", USEC_PER_MSEC },
        { "s", USEC_PER_SEC },
        { "sec", USEC_PER_SEC },
        { "second", USEC_PER_SEC },
        { "seconds", USEC_PER_SEC },
        { "min", USEC_PER_MINUTE },
        { "m", USEC_PER_MINUTE },
        { "minute", USEC_PER_MINUTE },
        { "minutes", USEC_PER_MINUTE },
        { "h", USEC_PER_HOUR },
        { "hour", USEC_PER_HOUR },
        { "hours", USEC_PER_HOUR },
        { "d", USEC_PER_DAY },
        { "day", USEC_PER_DAY },
        { "days", USEC_PER_DAY },
        { "w", 7 * USEC_PER_DAY },
        { "week", 7 * USEC_PER_DAY },
        { "weeks", 7 * USEC_PER_DAY },
};

static const struct unit size_units[] = {
        { "B", 1 },
        { "K", UINT64_C(1) << 10 },
        { "M", UINT64_C(1) << 20 },
        { "G", UINT64_C(1) << 30 },
        { "T", UINT64_C(1) << 40 },
        { "P", UINT64_C(1) << 50 },
};

/* The unit whose name is the letters at *@s, which is moved past them. NULL: none. */
static const struct unit *parse_unit(const char **s, const struct unit *units, size_t n) {
        size_t length = 0;

        while (isalpha((unsigned char)(*s)[length]))
                length++;
        for (size_t i = 0; i < n; i++) {
                if (strlen(units[i].name) == length && strncmp(units[i].name, *s, length) == 0) {
                        *s += length;
                        return &units[i];
                }
        }
        return NULL;
}

/* Digits at *@s, which is moved past them. Returns 0, -EINVAL (no digit), -ERANGE. */
static int parse_digits(const char **s, uint64_t *ret) {
        uint64_t value = 0;

        if (!isdigit((unsigned char)**s))
                return -EINVAL;
        for (; isdigit((unsigned char)**s); (*s)++) {
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(**s - '0'), &value))
                        return -ERANGE;
        }
        *ret = value;
        return 0;
}

/* @factor times 0.DIGITS. From the last digit on, so that the intermediate results neither overflow nor lose more than
 * what is below one. */
static uint64_t times_fraction(uint64_t factor, const char *digits) {
        uint64_t product = 0;

        for (size_t n = strspn(digits, "0123456789"); n > 0; n--)
                product = (product + factor * (uint64_t)(digits[n - 1] - '0')) / 10;
        return product;
}

/* A number with an optional fraction at *@s, a unit after it, and the product of both. @unit_missing: the factor when
 * nothing but the end follows; 0: not allowed. What is left below the smallest unit is cut off. */
static int parse_quantity(const char **s, const struct unit *units, size_t n, uint64_t unit_missing, uint64_t *ret) {
        const char *fraction = NULL;
        const struct unit *unit;
        uint64_t value, factor;
        int r;

        r = parse_digits(s, &value);
        if (r < 0)
                return r;
        if (**s == '.') {
                fraction = ++*s;
                if (!isdigit((unsigned char)*fraction))
                        return -EINVAL;
                *s += strspn(fraction, "0123456789");
        }

        *s += strspn(*s, BLANKS);
        unit = parse_unit(s, units, n);
        if (!unit && (**s || unit_missing == 0))
                return -EINVAL;
        factor = unit ? unit->factor : unit_missing;
        if (fraction && factor == 1)
                return -EINVAL;

        if (__builtin_mul_overflow(value, factor, &value))
                return -ERANGE;
        if (fraction && __builtin_add_overflow(value, times_fraction(factor, fraction), &value))
                return -ERANGE;
        *ret = value;
        return 0;
}

int text_parse_usec(const char *s, usec_t *ret) {
        usec_t sum = 0, part;
        int r;

        if (streq(s, "infinity")) {
                *ret = USEC_INFINITY;
                return 0;
        }
        for (bool first = true; first || *s; first = false) {
                r = parse_quantity(&s, usec_units, ARRAY_SIZE(usec_units), first ? USEC_PER_SEC : 0, &part);
                if (r < 0)
                        return r;
                if (__builtin_add_overflow(sum, part, &sum) || sum == USEC_INFINITY)
                        return -ERANGE;
                s += strspn(s, BLANKS);
        }
        *ret = sum;
        return 0;
}

int text_parse_size(const char *s, uint64_t *ret) {
        uint64_t value;
        int r;

        r = parse_quantity(&s, size_units, ARRAY_SIZE(size_units), 1, &value);
        if (r < 0)
                return r;
        if (*s)
                return -EINVAL;
        *ret = value;
        return 0;
}

int text_parse_bool(const char *s, bool *ret) {
        static const char *const names[2][4] = {
                { "no", "false", "off", "0" },
                { "yes", "true", "on", "1" },
        };

        for (size_t value = 0; value < 2; value++) {
                for (size_t i = 0; i < ARRAY_SIZE(names[value]); i++) {
                        if (streq(s, names[value][i])) {
                                *ret = value == 1;
                                return 0;
                        }
                }
        }
        return -EINVAL;
}

int text_parse_uint(const char *s, uint64_t min, uint64_t max, uint64_t *ret) {
        uint64_t value;
        int r;

        if (*s == '\0' || s[strspn(s, "0123456789")] != '\0')
                return -EINVAL;
        r = parse_digits(&s, &value);
        if (r < 0)
                return r;
        if (value < min || value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}

int text_parse_per(const char *s, uint64_t min, uint64_t max, uint64_t *ret_n, usec_t *ret_usec,
                   const char **ret_wrong) {
        const char *span = strchr(s, '/');
        char number[32], one[32];
        usec_t usec;
        uint64_t n;
        int r;

        *ret_wrong = s;
        if (!span || (size_t)(span - s) >= sizeof(number))
                return -EINVAL;
        (void)snprintf(number, sizeof(number), "%.*s", (int)(span - s), s);
        r = text_parse_uint(number, min, max, &n);
        if (r < 0)
                return r;
        *ret_wrong = ++span;
        (void)snprintf(one, sizeof(one), "%s%s", *span >= '0' && *span <= '9' ? "" : "1", span);
        r = *span && strlen(span) < sizeof(one) - 1 ? text_parse_usec(one, &usec) : -EINVAL;
        if (r < 0)
                return r;
        if (usec < USEC_PER_MSEC || usec > USEC_PER_DAY)
                return -ERANGE;
        *ret_n = n;
        *ret_usec = usec;
        return 0;
}

int text_parse_signal(const char *s, int *ret) {
        const char *name = strncmp(s, "SIG", 3) == 0 ? s + 3 : s;

        for (int signo = 1; signo < 32; signo++) {
                const char *abbreviation = sigabbrev_np(signo);

                if (!abbreviation || !streq(abbreviation, name))
                        continue;
                *ret = signo;
                return 0;
        }
        return -EINVAL;
}

/* Copies the word at *@s without its quotes to @to, which has room for the rest of the text. Returns its length or
 * -EINVAL. */
static ssize_t take_word(const char **s, char *to) {
        const char *p = *s;
        char quote = '\0';
        char *end = to;

        for (; *p && (quote || !is_blank(*p)); p++) {
                if (quote ? *p == quote : *p == '"' || *p == '\'') {
                        quote = quote ? '\0' : *p;
                        continue;
                }
                if (*p == '\\' && quote != '\'' && *++p == '\0')
                        return -EINVAL;
                *end++ = *p;
        }
        if (quote)
                return -EINVAL;
        *end = '\0';
        *s = p;
        return end - to;
}

int text_split_words(const char *s, char ***ret) {
        _cleanup_(text_strv_freep) char **words = NULL;
        _cleanup_(freep) char *buffer = NULL;
        size_t n = 0;

        buffer = malloc(strlen(s) + 1);
        words = calloc(1, sizeof(*words));
        if (!buffer || !words)
                return -ENOMEM;

        for (s += strspn(s, BLANKS); *s; s += strspn(s, BLANKS)) {
                char **more;

                if (n >= INT_MAX - 1 || take_word(&s, buffer) < 0)
                        return -EINVAL;
                more = realloc(words, (n + 2) * sizeof(*words));
                if (!more)
                        return -ENOMEM;
                words = more;
                words[n + 1] = NULL;
                words[n] = strdup(buffer);
                if (!words[n++])
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(words);
        return (int)n;
}

char **text_strv_free(char **strv) {
        for (char **p = strv; p && *p; p++)
                free(*p);
        free(strv);
        return NULL;
}

const char *text_format_usec(usec_t usec, char buf[TEXT_USEC_MAX]) {
        static const struct unit shown[] = {
                { "d", USEC_PER_DAY }, { "h", USEC_PER_HOUR },  { "min", USEC_PER_MINUTE },
                { "s", USEC_PER_SEC }, { "ms", USEC_PER_MSEC }, { "us", 1 },
        };
        size_t length = 0;
        int parts = 0;

        if (usec == USEC_INFINITY)
                return strcpy(buf, "infinity");
        if (usec == 0)
                return strcpy(buf, "0s");
        for (size_t i = 0; i < ARRAY_SIZE(shown) && usec > 0 && parts < 2; i++) {
                uint64_t n = usec / shown[i].factor;

                if (n == 0)
                        continue;
                length += (size_t)snprintf(buf + length, TEXT_USEC_MAX - length, "%s%llu%s", parts > 0 ? " " : "",
                                           (unsigned long long)n, shown[i].name);
                usec %= shown[i].factor;
                parts++;
        }
        return buf;
}

const char *text_format_since(usec_t at_usec, char buf[TEXT_USEC_MAX]) {
        usec_t ago = usec_sub(clock_now(CLOCK_ID_REALTIME), at_usec);

        return text_format_usec(ago - ago % USEC_PER_SEC, buf);
}

const char *text_format_rate(uint64_t n, usec_t per_usec, char buf[TEXT_RATE_MAX]) {
        char span[TEXT_USEC_MAX];
        const char *shown = text_format_usec(per_usec, span);

        if (shown[0] == '1' && isalpha((unsigned char)shown[1]) && !strchr(shown, ' ')) /* "1s" */
                shown++;
        (void)snprintf(buf, TEXT_RATE_MAX, "%llu/%s", (unsigned long long)n, shown);
        return buf;
}

const char *text_format_size(uint64_t bytes, char buf[TEXT_SIZE_MAX]) {
        size_t i = ARRAY_SIZE(size_units) - 1;
        uint64_t whole, tenth;

        while (i > 0 && bytes < size_units[i].factor)
                i--;
        whole = bytes / size_units[i].factor;
        tenth = i > 0 ? (bytes % size_units[i].factor) / (size_units[i].factor / 1024) * 10 / 1024 : 0;
        if (tenth > 0)
                (void)snprintf(buf, TEXT_SIZE_MAX, "%u.%u%s", (unsigned)whole, (unsigned)tenth, size_units[i].name);
        else
                (void)snprintf(buf, TEXT_SIZE_MAX, "%u%s", (unsigned)whole, size_units[i].name);
        return buf;
}

bool text_is_name(const char *s) {
        size_t length = 0;

        if (!isalnum((unsigned char)s[0]))
                return false;
        while (isalnum((unsigned char)s[length]) || s[length] == '_' || s[length] == '.' || s[length] == '-')
                length++;
        return s[length] == '\0' && length <= 40;
}

/* Longer texts than these are not suggested, nor helped by a suggestion. */
#define NEAREST_MAX 64

/* Insertions, deletions, replacements and swaps of neighbours that turn @a into @b. Both are at most NEAREST_MAX long. */
static unsigned distance(const char *a, const char *b) {
        unsigned rows[3][NEAREST_MAX + 1];
        unsigned *before = rows[0], *previous = rows[1], *current = rows[2];
        size_t n_a = strlen(a), n_b = strlen(b);

        for (size_t j = 0; j <= n_b; j++)
                previous[j] = (unsigned)j;
        for (size_t i = 1; i <= n_a; i++) {
                unsigned *oldest = before;

                current[0] = (unsigned)i;
                for (size_t j = 1; j <= n_b; j++) {
                        unsigned best = previous[j - 1] + (a[i - 1] != b[j - 1]);

                        best = MIN(best, previous[j] + 1);
                        best = MIN(best, current[j - 1] + 1);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                best = MIN(best, before[j - 2] + 1);
                        current[j] = best;
                }
                before = previous;
                previous = current;
                current = oldest;
        }
        return previous[n_b];
}

const char *text_nearest(const char *s, const char *const *candidates, size_t n) {
        size_t own = strnlen(s, NEAREST_MAX + 1);
        unsigned limit = own < 3 ? own == 2 : (unsigned)(own + 4) / 3;
        const char *nearest = NULL;

        if (own > NEAREST_MAX || limit == 0)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                size_t length = strnlen(candidates[i], NEAREST_MAX + 1);
                unsigned d;

                /* Each letter more or less is one step already. */
                if (length > NEAREST_MAX || (length > own ? length - own : own - length) > limit)
                        continue;
                d = distance(s, candidates[i]);
                if (d < limit || (d == limit && !nearest)) {
                        limit = d;
                        nearest = candidates[i];
                }
        }
        return nearest;
}

bool text_match(const char *pattern, const char *s) {
        const char *star = NULL, *retry = NULL;

        /* Only the last star need ever be tried again, so this is at worst quadratic. */
        while (*s) {
                if (*pattern == '*') {
                        star = ++pattern;
                        retry = s;
                } else if (*pattern == '?' || *pattern == *s) {
                        pattern++;
                        s++;
                } else if (star) {
                        pattern = star;
                        s = ++retry;
                } else {
                        return false;
                }
        }
        return pattern[strspn(pattern, "*")] == '\0';
}

/* Where the user and password end that @authority, what follows "://", begins with; itself: there are none. */
static const char *skip_userinfo(const char *authority) {
        const char *end = authority;

        for (const char *s = authority; *s && !strchr("/?# ", *s); s++)
                if (*s == '@')
                        end = s;
        return end;
}

const char *text_hide_userinfo(const char *text, char *buf, size_t size) {
        const char *shown = text;
        size_t n = 0;

        buf[0] = 0;
        for (const char *s = text; (s = strstr(s, "://")) && n < size;) {
                const char *end = skip_userinfo(s += 3);

                if (end == s)
                        continue;
                n += (size_t)snprintf(buf + n, size - n, "%.*s***", (int)(s - shown), shown);
                shown = s = end;
        }
        if (n < size)
                (void)snprintf(buf + n, size - n, "%s", shown);
        return buf;
}
