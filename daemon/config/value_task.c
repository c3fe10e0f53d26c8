/* SPDX-License-Identifier: MIT */
/* value_task: the types of single keys of tasks, groups and limits, which store in several members. */
#include "base/text.h"
#include "config/config.h"
#include "config/keys.h"
#include "task/kind.h"

#include <limits.h>

/* ---- type ---- */

static int parse_type(const struct key *key _unused_, struct value *value, void *base) {
        struct task *task = base;
        const struct kind *kind = kind_from_string(value->texts[0]);

        if (!kind) {
                const char *names[16];
                size_t n = 0;

                for (; kinds[n] && n < ARRAY_SIZE(names); n++)
                        names[n] = kinds[n]->name;
                value->meant = text_nearest(value->texts[0], names, n);
                return value_wrong_text(value, -EINVAL, value->texts[0], "type");
        }
        task->kind = kind;
        return 0;
}

static void allow_type(const struct key *key _unused_, FILE *out) {
        for (size_t i = 0; kinds[i]; i++)
                fprintf(out, "%s%s", i == 0 ? "" : kinds[i + 1] ? ", " : " or ", kinds[i]->name);
}

static void show_type(const struct key *key _unused_, const void *base, FILE *out) {
        const struct task *task = base;

        if (task->kind)
                fputs(task->kind->name, out);
}

const struct value_type value_type_of_task = { "TYPE", VALUE_SCALAR, parse_type, allow_type, show_type };

/* ---- retry-delay, restart-delay ---- */

static int parse_delays(const struct key *key, struct value *value, void *base) {
        usec_t *delays = value_member(key, base);
        char *most = strstr(value->texts[0], "..");
        usec_t min, max;
        int r;

        if (most) {
                *most = '\0';
                most += 2;
                most += strspn(most, " \t");
        }
        r = text_parse_usec(value->texts[0], &min);
        if (r == 0 && (min < key->min || min > key->max))
                r = -ERANGE;
        if (r < 0)
                return value_wrong_text(value, r, value->texts[0], "duration");
        max = min;
        r = most ? text_parse_usec(most, &max) : 0;
        if (r == 0 && max > key->max)
                r = -ERANGE;
        if (r < 0)
                return value_wrong_text(value, r, most, "duration");
        if (max < min)
                return value_wrong(value, "the longest delay is shorter than the first");
        delays[0] = min;
        delays[1] = max;
        return 0;
}

static void allow_delays(const struct key *key, FILE *out) {
        char least[TEXT_USEC_MAX], most[TEXT_USEC_MAX];

        fprintf(out, "a duration, or the first and the longest as in 1s..1min, from %s to %s",
                text_format_usec(key->min, least), text_format_usec(key->max, most));
}

static void show_delays(const struct key *key, const void *base, FILE *out) {
        const usec_t *delays = value_const_member(key, base);

        value_show_usec(delays[0], out);
        if (delays[1] != delays[0]) {
                fputs("..", out);
                value_show_usec(delays[1], out);
        }
}

const struct value_type value_delays = {
        "DURATION..DURATION", VALUE_SCALAR, parse_delays, allow_delays, show_delays,
};

/* ---- words of which the last takes a number: overlap, policy ---- */

/* Finds the word in @names; the last of them is followed by `:N`, which is stored in @ret_number. Returns the index. */
static int parse_numbered(const struct key *key, struct value *value, const char *const *names, size_t n,
                          uint64_t *ret_number) {
        const char *text = value->texts[0];
        size_t length = strlen(names[n - 1]);
        int r;

        for (size_t i = 0; i < n - 1; i++) {
                if (streq(names[i], text))
                        return (int)i;
        }
        if (strncmp(text, names[n - 1], length) != 0 || text[length] != ':') {
                value->meant = text_nearest(text, names, n);
                return value_wrong_text(value, -EINVAL, text, "such word");
        }
        r = text_parse_uint(text + length + 1, key->min, key->max, ret_number);
        return r < 0 ? value_wrong_text(value, r, text + length + 1, "number") : (int)n - 1;
}

static void allow_numbered(const struct key *key, const char *const *names, size_t n, FILE *out) {
        for (size_t i = 0; i < n - 1; i++)
                fprintf(out, "%s, ", names[i]);
        fprintf(out, "or %s:N with N from %u to %u", names[n - 1], (unsigned)key->min, (unsigned)key->max);
}

static const char *const overlaps[_OVERLAP_POLICY_MAX] = {
        [OVERLAP_SKIP] = "skip",
        [OVERLAP_QUEUE] = "queue",
        [OVERLAP_REPLACE] = "replace",
        [OVERLAP_ALLOW] = "allow",
};

static int parse_overlap(const struct key *key, struct value *value, void *base) {
        struct task *task = base;
        uint64_t n = 1;
        int r = parse_numbered(key, value, overlaps, ARRAY_SIZE(overlaps), &n);

        if (r < 0)
                return r;
        task->overlap = (enum overlap_policy)r;
        task->overlap_max = (unsigned)n;
        return 0;
}

static void allow_overlap(const struct key *key, FILE *out) {
        allow_numbered(key, overlaps, ARRAY_SIZE(overlaps), out);
}

static void show_overlap(const struct key *key _unused_, const void *base, FILE *out) {
        const struct task *task = base;

        fputs(overlaps[task->overlap], out);
        if (task->overlap == OVERLAP_ALLOW)
                fprintf(out, ":%u", task->overlap_max);
}

const struct value_type value_overlap = { "WORD", VALUE_SCALAR, parse_overlap, allow_overlap, show_overlap };

static const char *const policies[_GROUP_POLICY_MAX] = {
        [GROUP_ALL] = "all",
        [GROUP_SETTLE] = "settle",
        [GROUP_FIRST] = "first",
        [GROUP_QUORUM] = "quorum",
};

static int parse_policy(const struct key *key, struct value *value, void *base) {
        struct task *task = base;
        uint64_t n = 0;
        int r = parse_numbered(key, value, policies, ARRAY_SIZE(policies), &n);

        if (r < 0)
                return r;
        task->run.policy = (enum group_policy)r;
        task->run.quorum = (unsigned)n;
        return 0;
}

static void allow_policy(const struct key *key, FILE *out) {
        allow_numbered(key, policies, ARRAY_SIZE(policies), out);
}

static void show_policy(const struct key *key _unused_, const void *base, FILE *out) {
        const struct task *task = base;

        fputs(policies[task->run.policy], out);
        if (task->run.policy == GROUP_QUORUM)
                fprintf(out, ":%u", task->run.quorum);
}

const struct value_type value_policy = { "WORD", VALUE_SCALAR, parse_policy, allow_policy, show_policy };

/* ---- limit ---- */

static int parse_limits(const struct key *key, struct value *value, void *base) {
        struct task *task = base;
        __typeof__(task->limits) limits;
        uint64_t permits;
        size_t i;
        int r = 0;

        limits = calloc(value->n + 1, sizeof(*limits));
        if (!limits)
                return -ENOMEM;
        for (i = 0; i < value->n && r == 0; i++) {
                char *colon = strchr(value->texts[i], ':');

                permits = 1;
                if (colon) {
                        *colon++ = '\0';
                        r = text_parse_uint(colon, key->min, key->max, &permits);
                        if (r < 0)
                                r = value_wrong_text(value, r, colon, "number of permits");
                }
                if (r == 0 && !text_is_name(value->texts[i]))
                        r = value_wrong_text(value, -EINVAL, value->texts[i], "name");
                for (size_t j = 0; j < i && r == 0; j++) {
                        if (streq(limits[j].name, value->texts[i]))
                                r = value_wrong(value, "%s is named twice", value->texts[i]);
                }
                if (r == 0)
                        limits[i].name = TAKE_PTR(value->texts[i]);
                limits[i].permits = (unsigned)permits;
        }
        if (r < 0) {
                while (i-- > 0)
                        free(limits[i].name);
                free(limits);
                return r;
        }
        task->limits = limits;
        task->n_limits = value->n;
        return 0;
}

static void allow_limits(const struct key *key _unused_, FILE *out) {
        fputs("names of limits, with :N for more than one permit", out);
}

static void show_limits(const struct key *key _unused_, const void *base, FILE *out) {
        const struct task *task = base;

        for (size_t i = 0; i < task->n_limits; i++) {
                fprintf(out, "%s%s", i > 0 ? " " : "", task->limits[i].name);
                if (task->limits[i].permits != 1)
                        fprintf(out, ":%u", task->limits[i].permits);
        }
}

const struct value_type value_limits = { "NAME[:N]...", VALUE_WORDS, parse_limits, allow_limits, show_limits };

/* ---- for-each, items-may-fail ---- */

static const char *const for_each_names[_FOR_EACH_WRITTEN_MAX] = {
        [FOR_EACH_NONE] = "",     [FOR_EACH_LINES] = "lines",     [FOR_EACH_GLOB] = "glob",
        [FOR_EACH_LIST] = "list", [FOR_EACH_COMMAND] = "command",
};

/* What follows the colon: a path or words. */
static int parse_for_each_argument(struct value *value, const char *argument, struct for_each *for_each) {
        int r;

        if (*argument == '\0')
                return value_wrong(value, "nothing follows %s:", for_each_names[for_each->type]);
        if (for_each->type == FOR_EACH_LINES || for_each->type == FOR_EACH_GLOB) {
                if (*argument != '/')
                        return value_wrong_text(value, -EINVAL, argument, "absolute path");
                for_each->argument = strdup(argument);
                return for_each->argument ? 0 : -ENOMEM;
        }
        r = text_split_words(argument, &for_each->words);
        if (r == -EINVAL)
                return value_wrong(value, "a quote is not closed, or a \\ stands at the end");
        return MIN(r, 0);
}

static int parse_for_each(const struct key *key _unused_, struct value *value, void *base) {
        struct task *task = base;
        const char *text = value->texts[0];
        size_t length = strcspn(text, ":");
        struct for_each for_each = { 0 };
        int r;

        for (enum for_each_type type = FOR_EACH_LINES; type < _FOR_EACH_WRITTEN_MAX && text[length]; type++) {
                if (strlen(for_each_names[type]) == length && strncmp(for_each_names[type], text, length) == 0)
                        for_each.type = type;
        }
        if (for_each.type == FOR_EACH_NONE) {
                char word[16];

                (void)snprintf(word, sizeof(word), "%.*s", (int)MIN(length, sizeof(word)), text);
                value->meant =
                        text_nearest(word, for_each_names + FOR_EACH_LINES, _FOR_EACH_WRITTEN_MAX - FOR_EACH_LINES);
                return value_wrong_text(value, -EINVAL, text, "source of items");
        }
        text += length + 1;
        r = parse_for_each_argument(value, text + strspn(text, " \t"), &for_each);
        if (r < 0)
                return r;
        task->for_each = for_each;
        return 0;
}

static void allow_for_each(const struct key *key _unused_, FILE *out) {
        fputs("lines:FILE, glob:PATTERN, list:WORDS or command:COMMAND", out);
}

static void show_for_each(const struct key *key, const void *base, FILE *out) {
        const struct task *task = base;
        const struct key words = { .offset = key->offset + offsetof(struct for_each, words) };

        if (task->for_each.type == FOR_EACH_NONE || task->for_each.type >= _FOR_EACH_WRITTEN_MAX)
                return;
        fprintf(out, "%s:%s", for_each_names[task->for_each.type], task->for_each.argument ?: "");
        value_words.show(&words, base, out);
}

const struct value_type value_for_each = {
        "SOURCE:ARGUMENT", VALUE_SCALAR, parse_for_each, allow_for_each, show_for_each,
};

static int parse_items_may_fail(const struct key *key, struct value *value, void *base) {
        struct task *task = base;
        char *text = value->texts[0];
        size_t length = strlen(text);
        bool percent = length > 0 && text[length - 1] == '%';
        uint64_t n;
        int r;

        if (percent)
                text[length - 1] = '\0';
        r = text_parse_uint(text, 0, percent ? 100 : key->max, &n);
        if (r < 0)
                return value_wrong_text(value, r, text, "number");
        task->run.items_may_fail = (unsigned)n;
        task->run.items_may_fail_percent = percent;
        return 0;
}

static void allow_items_may_fail(const struct key *key _unused_, FILE *out) {
        fputs("a number of items, or a percentage such as 5%", out);
}

static void show_items_may_fail(const struct key *key _unused_, const void *base, FILE *out) {
        const struct task *task = base;

        fprintf(out, "%u%s", task->run.items_may_fail, task->run.items_may_fail_percent ? "%" : "");
}

const struct value_type value_items_may_fail = {
        "NUMBER[%]", VALUE_SCALAR, parse_items_may_fail, allow_items_may_fail, show_items_may_fail,
};

/* ---- rate of a limit ---- */

int value_parse_per(const struct key *key, struct value *value, uint64_t *ret_n, usec_t *ret_usec) {
        char *text = value->texts[0], *slash = strchr(text, '/');
        const char *wrong;
        int r;

        r = text_parse_per(text, key->min, key->max, ret_n, ret_usec, &wrong);
        if (r >= 0)
                return 0;
        if (!slash)
                return value_wrong_text(value, r, text, "number in a span of time");
        *slash = '\0';
        return value_wrong_text(value, r, wrong, wrong == text ? "number" : "span of time");
}

static int parse_rate(const struct key *key, struct value *value, void *base) {
        struct limit_config *limit = value_member(key, base);
        uint64_t n;
        int r = value_parse_per(key, value, &n, &limit->rate_per_usec);

        if (r < 0)
                return r;
        limit->rate = (unsigned)n;
        return 0;
}

static void allow_rate(const struct key *key _unused_, FILE *out) {
        fputs("a number of starts in a span of time, such as 10/s or 5/10min", out);
}

static void show_rate(const struct key *key, const void *base, FILE *out) {
        const struct limit_config *limit = value_const_member(key, base);

        if (limit->rate == 0)
                return;
        fprintf(out, "%u/", limit->rate);
        value_show_usec(limit->rate_per_usec, out);
}

const struct value_type value_rate = { "NUMBER/DURATION", VALUE_SCALAR, parse_rate, allow_rate, show_rate };
