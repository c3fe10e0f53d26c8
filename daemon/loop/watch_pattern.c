/* SPDX-License-Identifier: MIT */
/* watch_pattern: an absolute pattern, taken apart at its slashes. */
#include "loop/watch_private.h"

#include <fnmatch.h>

struct pattern *pattern_ref(struct pattern *pattern) {
        pattern->n_ref++;
        return pattern;
}

struct pattern *pattern_unref(struct pattern *pattern) {
        if (!pattern || --pattern->n_ref > 0)
                return NULL;
        for (size_t i = 0; i < pattern->n_parts; i++)
                free(pattern->parts[i].text);
        free(pattern->text);
        free(pattern);
        return NULL;
}

/* The next component of *@s, which moves behind it; components that say nothing are passed over. Returns its length; 0:
 * there is none. */
static size_t next_part(const char **s, const char **ret) {
        size_t n;

        do {
                *s += strspn(*s, "/");
                *ret = *s;
                n = strcspn(*s, "/");
                *s += n;
        } while (n == 1 && **ret == '.');
        return n;
}

int watch_check_pattern(const char *pattern) {
        const char *part;
        size_t n = 0;

        if (pattern[0] != '/')
                return -EINVAL;
        if (strlen(pattern) >= WATCH_PATTERN_MAX)
                return -ENAMETOOLONG;
        while (next_part(&pattern, &part) > 0)
                n++;
        if (n == 0)
                return -EINVAL;
        return n > WATCH_PARTS_MAX ? -E2BIG : 0;
}

/* A name without anything special is compared as it is, without its backslashes. */
static void unquote(char *text) {
        char *to = text;

        for (const char *from = text; *from; from++) {
                if (*from == '\\' && from[1])
                        from++;
                *to++ = *from;
        }
        *to = '\0';
}

static bool is_glob(const char *text) {
        for (; *text; text++) {
                if (*text == '\\' && text[1])
                        text++;
                else if (strchr("*?[", *text))
                        return true;
        }
        return false;
}

int pattern_new(const char *text, struct pattern **ret) {
        size_t n = 0, length;
        struct pattern *pattern;
        const char *s, *part;
        int r;

        r = watch_check_pattern(text);
        if (r < 0)
                return r;
        for (s = text; next_part(&s, &part) > 0;)
                n++;
        pattern = calloc(1, sizeof(*pattern) + n * sizeof(pattern->parts[0]));
        if (!pattern)
                return -ENOMEM;
        pattern->n_ref = 1;
        pattern->text = strdup(text);
        for (s = text; pattern->text && (length = next_part(&s, &part)) > 0;) {
                struct pattern_part *p = &pattern->parts[pattern->n_parts];

                p->text = strndup(part, length);
                if (!p->text)
                        break;
                pattern->n_parts++;
                p->glob = is_glob(p->text);
                if (!p->glob)
                        unquote(p->text);
        }
        if (pattern->n_parts < n) {
                pattern_unref(pattern);
                return -ENOMEM;
        }
        *ret = pattern;
        return 0;
}

bool pattern_part_matches(const struct pattern_part *part, const char *name) {
        if (!part->glob)
                return streq(part->text, name);
        return fnmatch(part->text, name, FNM_PERIOD) == 0;
}
