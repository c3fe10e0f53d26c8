/* SPDX-License-Identifier: MIT */
/* value_service: the types of the keys of services, and of what bounds the resources of commands. */
#include "base/text.h"
#include "config/config.h"
#include "config/keys.h"

#include <limits.h>
#include <regex.h>

/* ---- bounds that may be absent: 0 in the structure, infinity in the file ---- */

static int parse_absent(const struct value_type *type, const struct key *key, struct value *value, void *base) {
        if (!streq(value->texts[0], "infinity"))
                return type->parse(key, value, base);
        *(uint64_t *)value_member(key, base) = 0;
        return 0;
}

static void allow_absent(const struct value_type *type, const struct key *key, FILE *out) {
        type->allow(key, out);
        fputs(", or infinity", out);
}

static void show_absent(const struct value_type *type, const struct key *key, const void *base, FILE *out) {
        if (*(const uint64_t *)value_const_member(key, base) == 0)
                fputs("infinity", out);
        else
                type->show(key, base, out);
}

static int parse_size_bound(const struct key *key, struct value *value, void *base) {
        return parse_absent(&value_size, key, value, base);
}

static void allow_size_bound(const struct key *key, FILE *out) {
        allow_absent(&value_size, key, out);
}

static void show_size_bound(const struct key *key, const void *base, FILE *out) {
        show_absent(&value_size, key, base, out);
}

const struct value_type value_size_bound = {
        "SIZE", VALUE_SCALAR, parse_size_bound, allow_size_bound, show_size_bound,
};

static int parse_count_bound(const struct key *key, struct value *value, void *base) {
        return parse_absent(&value_count64, key, value, base);
}

static void allow_count_bound(const struct key *key, FILE *out) {
        allow_absent(&value_count64, key, out);
}

static void show_count_bound(const struct key *key, const void *base, FILE *out) {
        show_absent(&value_count64, key, base, out);
}

const struct value_type value_count_bound = {
        "NUMBER", VALUE_SCALAR, parse_count_bound, allow_count_bound, show_count_bound,
};

static int parse_duration_bound(const struct key *key, struct value *value, void *base) {
        return parse_absent(&value_duration, key, value, base);
}

static void allow_duration_bound(const struct key *key, FILE *out) {
        allow_absent(&value_duration, key, out);
}

static void show_duration_bound(const struct key *key, const void *base, FILE *out) {
        show_absent(&value_duration, key, base, out);
}

const struct value_type value_duration_bound = {
        "DURATION", VALUE_SCALAR, parse_duration_bound, allow_duration_bound, show_duration_bound,
};

/* ---- cpu-max ---- */

static int parse_cpu_bound(const struct key *key, struct value *value, void *base) {
        char *text = value->texts[0];
        size_t length = strlen(text);
        uint64_t n = 0;
        int r = 0;

        if (!streq(text, "infinity")) {
                if (length == 0 || text[length - 1] != '%')
                        return value_wrong_text(value, -EINVAL, text, "percentage");
                text[length - 1] = '\0';
                r = text_parse_uint(text, key->min, key->max, &n);
        }
        if (r < 0)
                return value_wrong_text(value, r, text, "number");
        *(unsigned *)value_member(key, base) = (unsigned)n;
        return 0;
}

static void allow_cpu_bound(const struct key *key, FILE *out) {
        fprintf(out, "a percentage of one processor, from %u%% to %u%%, or infinity", (unsigned)key->min,
                (unsigned)key->max);
}

static void show_cpu_bound(const struct key *key, const void *base, FILE *out) {
        unsigned percent = *(const unsigned *)value_const_member(key, base);

        if (percent == 0)
                fputs("infinity", out);
        else
                fprintf(out, "%u%%", percent);
}

const struct value_type value_cpu_bound = { "PERCENT", VALUE_SCALAR, parse_cpu_bound, allow_cpu_bound, show_cpu_bound };

/* ---- restart-limit ---- */

static int parse_restart_limit(const struct key *key, struct value *value, void *base) {
        struct service_spec *spec = value_member(key, base);
        uint64_t n = 0;
        usec_t usec = USEC_INFINITY;
        int r = 0;

        if (!streq(value->texts[0], "infinity"))
                r = value_parse_per(key, value, &n, &usec);
        if (r < 0)
                return r;
        spec->restart_limit = (unsigned)n;
        spec->restart_limit_usec = usec;
        return 0;
}

static void allow_restart_limit(const struct key *key, FILE *out) {
        fprintf(out, "a number of restarts, up to %u, in a span of time, such as 5/10min, or infinity",
                (unsigned)key->max);
}

static void show_restart_limit(const struct key *key, const void *base, FILE *out) {
        const struct service_spec *spec = value_const_member(key, base);

        if (spec->restart_limit_usec == USEC_INFINITY) {
                fputs("infinity", out);
                return;
        }
        fprintf(out, "%u/", spec->restart_limit);
        value_show_usec(spec->restart_limit_usec, out);
}

const struct value_type value_restart_limit = {
        "NUMBER/DURATION", VALUE_SCALAR, parse_restart_limit, allow_restart_limit, show_restart_limit,
};

/* ---- ready ---- */

static const char *const ready_names[_READY_TYPE_MAX] = {
        [READY_EXEC] = "exec",       [READY_NOTIFY] = "notify", [READY_LINE] = "line",
        [READY_CONNECT] = "connect", [READY_AFTER] = "after",
};

/* An expression that cannot be compiled must not be found out about when the service starts. */
static int check_expression(struct value *value, const char *text) {
        char why[160];
        regex_t regex;
        int r = regcomp(&regex, text, REG_EXTENDED | REG_NOSUB);

        if (r == 0) {
                regfree(&regex);
                return 0;
        }
        if (r == REG_ESPACE)
                return -ENOMEM;
        (void)regerror(r, &regex, why, sizeof(why));
        return value_wrong(value, "\"%.*s\" is no regular expression: %s", VALUE_SHOWN_MAX, text, why);
}

/* What follows the colon. */
static int parse_ready_argument(const struct key *key, struct value *value, const char *argument,
                                struct service_part *part) {
        int r;

        if (*argument == '\0')
                return value_wrong(value, "nothing follows %s:", ready_names[part->ready]);
        if (part->ready == READY_AFTER) {
                r = text_parse_usec(argument, &part->ready_after_usec);
                if (r == 0 && (part->ready_after_usec < key->min || part->ready_after_usec > key->max))
                        r = -ERANGE;
                return r < 0 ? value_wrong_text(value, r, argument, "duration") : 0;
        }
        if (part->ready == READY_CONNECT && !value_is_address(argument))
                return value_wrong_text(value, -EINVAL, argument, "address");
        r = part->ready == READY_LINE ? check_expression(value, argument) : 0;
        if (r < 0)
                return r;
        part->ready_argument = strdup(argument);
        return part->ready_argument ? 0 : -ENOMEM;
}

static int parse_ready(const struct key *key, struct value *value, void *base) {
        struct service_part *part = base, parsed = { .ready = _READY_TYPE_MAX };
        const char *text = value->texts[0];
        size_t length = strcspn(text, ":");
        bool has_argument = text[length] == ':';
        int r;

        for (enum ready_type type = 0; type < _READY_TYPE_MAX; type++) {
                if (strlen(ready_names[type]) == length && strncmp(ready_names[type], text, length) == 0)
                        parsed.ready = type;
        }
        if (parsed.ready == _READY_TYPE_MAX || (has_argument && parsed.ready < READY_LINE))
                return value_wrong_text(value, -EINVAL, text, "sort of readiness");
        if (parsed.ready >= READY_LINE) {
                text += length + has_argument;
                r = parse_ready_argument(key, value, text + strspn(text, " \t"), &parsed);
                if (r < 0)
                        return r;
        }
        free(part->ready_argument);
        part->ready = parsed.ready;
        part->ready_argument = parsed.ready_argument;
        part->ready_after_usec = parsed.ready_after_usec;
        return 0;
}

static void allow_ready(const struct key *key _unused_, FILE *out) {
        fputs("exec, notify, line:EXPRESSION, connect:HOST:PORT, connect:unix:/PATH or after:DURATION", out);
}

static void show_ready(const struct key *key _unused_, const void *base, FILE *out) {
        const struct service_part *part = base;

        fputs(ready_names[part->ready], out);
        if (part->ready >= READY_LINE)
                fprintf(out, ":%s", part->ready_argument ?: "");
        if (part->ready == READY_AFTER)
                value_show_usec(part->ready_after_usec, out);
}

const struct value_type value_ready = { "WORD[:ARGUMENT]", VALUE_SCALAR, parse_ready, allow_ready, show_ready };

/* ---- cgroup of [daemon] ---- */

static int parse_cgroup(const struct key *key, struct value *value, void *base) {
        const char *text = value->texts[0];

        if (!streq(text, "auto") && !streq(text, "no") && (text[0] != '/' || strlen(text) >= PATH_MAX))
                return value_wrong_text(value, -EINVAL, text, "absolute path");
        return value_string.parse(key, value, base);
}

static void allow_cgroup(const struct key *key _unused_, FILE *out) {
        fputs("auto, no, or the path of a directory", out);
}

const struct value_type value_cgroup = { "auto|no|PATH", VALUE_SCALAR, parse_cgroup, allow_cgroup, value_show_string };
