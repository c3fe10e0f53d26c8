/* SPDX-License-Identifier: MIT */
#pragma once
/* lint: warnings of one kind are told a few times, then counted. Private to config/. */
#include "config/load.h"

#include <stdarg.h>

/* Warnings of one rule that are told one by one. */
#define LINT_TOLD_MAX 20

/* Rules in one table. */
#define LINT_RULES_MAX 16

struct lint {
        struct load *load;
        size_t rule; /* the number of the present one */
        size_t n_told[LINT_RULES_MAX];
};

struct lint_rule {
        const char *what; /* the warning in a few words, for the count of those that are not told */
        void (*check)(struct lint *lint, struct raw_section *section);
};

/* Looks at every section by every rule, of which there are at most LINT_RULES_MAX. */
void lint_run(struct lint *lint, const struct lint_rule *rules, size_t n_rules);

void lint_tell(struct lint *lint, const struct raw_section *section, const char *key, const char *format, ...)
        _printf_(4, 5);
