/* SPDX-License-Identifier: MIT */
/* value_hooks: the type of keys that name tasks to start, and for what. */
#include "base/text.h"
#include "config/keys.h"
#include "task/task.h"

static const char *nearest_hook_word(const char *word) {
        const char *names[_OUTCOME_MAX + _ERROR_KIND_MAX];
        size_t n = 0;

        for (enum outcome outcome = OUTCOME_OK + 1; outcome < _OUTCOME_MAX; outcome++)
                names[n++] = outcome_to_string(outcome);
        for (enum error_kind error = ERROR_NONE + 1; error < _ERROR_KIND_MAX; error++)
                names[n++] = error_kind_to_string(error);
        return text_nearest(word, names, n);
}

/* One of the words after the colon: an outcome, an error kind, or both by the name of `timeout`. */
static int parse_hook_word(struct value *value, const char *word, struct hook *hook) {
        enum outcome outcome = outcome_from_string(word);
        enum error_kind error = error_kind_from_string(word);

        if (outcome == OUTCOME_OK || (outcome < 0 && error <= ERROR_NONE)) {
                value->meant = nearest_hook_word(word);
                return value_wrong_text(value, -EINVAL, word, "outcome of a failure, nor an error kind");
        }
        if (outcome >= 0)
                hook->outcomes |= 1u << outcome;
        if (error > ERROR_NONE)
                hook->errors |= 1u << error;
        return 0;
}

static int parse_hook(const struct key *key, struct value *value, char *text, struct hook *hook) {
        char *words = strchr(text, ':');
        int r;

        if (words)
                *words++ = '\0';
        if (!text_is_name(text))
                return value_wrong_text(value, -EINVAL, text, "name of a task");
        if (words && !(key->flags & KEY_HOOK_WORDS))
                return value_wrong(value, "%s takes no words after the task's name", key->name);
        for (char *word; words && (word = strsep(&words, ","));) {
                r = parse_hook_word(value, word, hook);
                if (r < 0)
                        return r;
        }
        hook->task = strdup(text);
        return hook->task ? 0 : -ENOMEM;
}

static int parse_hooks(const struct key *key, struct value *value, void *base) {
        _cleanup_(hooks_done) struct hooks hooks = { 0 };
        int r;

        hooks.items = calloc(value->n + 1, sizeof(*hooks.items));
        if (!hooks.items)
                return -ENOMEM;
        for (size_t i = 0; i < value->n; i++) {
                r = parse_hook(key, value, value->texts[i], &hooks.items[hooks.n++]);
                if (r < 0)
                        return r;
        }
        *(struct hooks *)value_member(key, base) = hooks;
        hooks = (struct hooks){ 0 };
        return 0;
}

static void allow_hooks(const struct key *key, FILE *out) {
        fputs("names of tasks", out);
        if (key->flags & KEY_HOOK_WORDS)
                fputs(", each with the error kinds or outcomes it is for as in alert:timeout,exit", out);
}

static void show_hook_words(const struct hook *hook, FILE *out) {
        char before = ':';

        for (enum outcome outcome = 0; outcome < _OUTCOME_MAX; outcome++) {
                if (hook->outcomes & 1u << outcome) {
                        fprintf(out, "%c%s", before, outcome_to_string(outcome));
                        before = ',';
                }
        }
        for (enum error_kind error = 0; error < _ERROR_KIND_MAX; error++) {
                /* Named as an outcome already. */
                if (error == ERROR_TIMEOUT || !(hook->errors & 1u << error))
                        continue;
                fprintf(out, "%c%s", before, error_kind_to_string(error));
                before = ',';
        }
}

static void show_hooks(const struct key *key, const void *base, FILE *out) {
        const struct hooks *hooks = value_const_member(key, base);

        for (size_t i = 0; i < hooks->n; i++) {
                fprintf(out, "%s%s", i > 0 ? " " : "", hooks->items[i].task);
                show_hook_words(&hooks->items[i], out);
        }
}

const struct value_type value_hooks = { "TASK[:WORD,...]...", VALUE_WORDS, parse_hooks, allow_hooks, show_hooks };
