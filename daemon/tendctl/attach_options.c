/* SPDX-License-Identifier: MIT */
/* attach_options: what the options of run and map say, as parameters of a call, see attach.h.
 *
 * The daemon checks them again. But a value that cannot be is wrong usage, whether there is a daemon or not.
 */
#include "tendctl/attach.h"

#include "base/text.h"

#include <pwd.h>
#include <stdio.h>

static json_t *make_number(const char *text) {
        char *end;
        long long number;

        errno = 0;
        number = strtoll(text, &end, 10);
        return errno == 0 && end > text && *end == '\0' ? json_integer(number) : NULL;
}

static json_t *make_share(const char *text) {
        size_t n = strspn(text, "0123456789");

        return n > 0 && (text[n] == '\0' || streq(text + n, "%")) ? json_string(text) : NULL;
}

static json_t *make_span(const char *text) {
        usec_t usec;

        return text_parse_usec(text, &usec) == 0 ? json_string(text) : NULL;
}

static json_t *make_spans(const char *text) {
        const char *dots = strstr(text, "..");
        _cleanup_(freep) char *first = strndup(text, dots ? (size_t)(dots - text) : strlen(text));
        usec_t usec;

        if (!first || text_parse_usec(first, &usec) < 0 || (dots && text_parse_usec(dots + 2, &usec) < 0))
                return NULL;
        return json_string(text);
}

static json_t *make_word(const char *text) {
        return streq(text, "continue") || streq(text, "cancel") ? json_string(text) : NULL;
}

/* The daemon has them with blanks between. */
static json_t *make_limits(const char *text) {
        _cleanup_(freep) char *limits = strdup(text);

        for (char *c = limits; c && *c; c++)
                if (*c == ',')
                        *c = ' ';
        return limits ? json_string(limits) : NULL;
}

/* By what the help shows as the argument. */
static const struct {
        const char *argument;
        json_t *(*make)(const char *text); /* NULL: it cannot be */
        const char *allowed;
} forms[] = {
        { "N", make_number, "a number" },
        { "N|N%", make_share, "a number, or a percentage as 5%" },
        { "SPAN", make_span, "a duration, as 30s or 1h 30min, or infinity" },
        { "SPAN..SPAN", make_spans, "a duration, or two, as 1s..1min" },
        { "WORD", make_word, "continue or cancel" },
        { "LIMIT[:N],...", make_limits, "names of limits" },
        { "USER[:GROUP]", json_string, "a name or number" },
        { "NAME", json_string, "a name" },
};

static json_t *make_value(const struct verb_option *option, const char *text, const char **ret_allowed) {
        if (!option->argument)
                return json_true();
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                if (!streq(forms[i].argument, option->argument))
                        continue;
                *ret_allowed = forms[i].allowed;
                return forms[i].make(text);
        }
        return NULL;
}

/* Who tendctl runs as anyway needs no leave to run something as himself. */
static bool is_oneself(const char *user) {
        const struct passwd *pw = getpwnam(user);
        uint64_t uid;

        if (!pw && text_parse_uint(user, 0, UINT32_MAX - 1, &uid) == 0)
                return (uid_t)uid == geteuid();
        return pw && pw->pw_uid == geteuid();
}

int attach_set_option(json_t *parameters, const struct verb_option *option, const char *text) {
        const char *allowed = "";
        char name[32];
        json_t *value;

        if (streq(option->name, "user") && is_oneself(text))
                return CTL_OK;
        value = make_value(option, text, &allowed);
        if (!value)
                return ctl_error(CTL_USAGE, "--%s %s: not understood (%s)", option->name, text, allowed);
        (void)snprintf(name, sizeof(name), "%s", option->name);
        for (char *c = name; *c; c++) /* as the parameters are called */
                *c = *c == '-' ? '_' : *c;
        return json_object_set_new(parameters, name, value) < 0 ? ctl_error(CTL_BROKEN, "out of memory") : CTL_OK;
}
