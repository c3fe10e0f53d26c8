/* SPDX-License-Identifier: MIT */
/* parse: sorts out the words of a command line, by the table of verbs. */
#include "tendctl/verb.h"

#include <stdio.h>

struct parser {
        const struct verb *verb;
        struct ctl *ctl;
        struct verb_args *args;
        char **argv;
        size_t n;
        size_t at;
};

static bool is_option(const struct verb_option *option, const char *word) {
        if (word[1] != '-')
                return option->letter && word[1] == option->letter;
        return strncmp(word + 2, option->name, strlen(option->name)) == 0 &&
               strchr("=", word[2 + strlen(option->name)]) != NULL;
}

/* Leaves "-n10" of "-fn10" to be looked at next. */
static void split_letters(struct parser *parser) {
        char *rest = parser->argv[parser->at] + 1;

        rest[0] = '-';
        parser->argv[parser->at--] = rest;
}

/* The value of the option at hand: "--name=value", "-nvalue" or the next word. */
static int option_value(struct parser *parser, const struct verb_option *option, const char **ret) {
        const char *word = parser->argv[parser->at];
        const char *value = word[1] == '-' ? strchr(word, '=') : word + 2;

        if (value && word[1] == '-')
                value++;
        if (value && word[1] != '-' && !option->argument && *value && *value != '-') {
                split_letters(parser);
                value = "";
        } else if (value && (*value || word[1] == '-')) {
                if (!option->argument)
                        return ctl_error(CTL_USAGE, "--%s takes no value", option->name);
        } else if (!option->argument) {
                value = "";
        } else if (parser->at + 1 < parser->n) {
                value = parser->argv[++parser->at];
        } else
                return ctl_error(CTL_USAGE, "--%s needs a value: %s", option->name, option->argument);
        *ret = value;
        return CTL_OK;
}

const struct verb_option verb_common_options[] = {
        { "json", 0, NULL, "print JSON" },
        { "socket", 0, "PATH", "the daemon's control socket" },
        { "help", 'h', NULL, "show this" },
        { 0 },
};

static int parse_common(struct parser *parser, size_t row, const char *value) {
        if (row == 0)
                parser->ctl->json = true;
        else if (row == 1) {
                if (!*value) /* nothing was named, by a variable that is not set: not the default instead */
                        return ctl_error(CTL_USAGE, "--socket needs a value: PATH");
                parser->ctl->socket = value;
        } else
                return -1;
        return CTL_OK;
}

static int parse_option(struct parser *parser) {
        const char *word = parser->argv[parser->at], *value = NULL;
        int r;

        for (size_t i = 0; parser->verb->options[i].name; i++)
                if (is_option(&parser->verb->options[i], word))
                        return option_value(parser, &parser->verb->options[i], &parser->args->options[i]);
        for (size_t i = 0; verb_common_options[i].name; i++) {
                if (!is_option(&verb_common_options[i], word))
                        continue;
                r = option_value(parser, &verb_common_options[i], &value);
                return r == CTL_OK ? parse_common(parser, i, value) : r;
        }
        return ctl_error(CTL_USAGE, "%s: no such option; see tendctl %s --help", word, parser->verb->name);
}

int verb_parse(const struct verb *verb, struct ctl *ctl, char **argv, size_t n, struct verb_args *ret) {
        struct parser parser = { verb, ctl, ret, argv, n, 0 };
        bool only_words = false;
        int r;

        *ret = (struct verb_args){ .words = argv };
        for (; parser.at < n; parser.at++) {
                char *word = argv[parser.at];

                if (!only_words && streq(word, "--"))
                        only_words = true;
                else if (only_words || word[0] != '-' || word[1] == '\0') {
                        ret->words[ret->n++] = word;
                        only_words |= verb->runs;
                } else {
                        r = parse_option(&parser);
                        if (r != CTL_OK)
                                return r;
                }
        }
        if (ret->n < verb->min || ret->n > verb->max)
                return ctl_error(CTL_USAGE, "usage: tendctl %s %s", verb->name, verb->arguments);
        return CTL_OK;
}
