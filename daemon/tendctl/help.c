/* SPDX-License-Identifier: MIT */
/* help: what is shown of verbs, by their table. */
#include "tendctl/verb.h"

#include <stdio.h>

static void print_option(char letter, const char *name, const char *argument, const char *help) {
        char shown[40];

        (void)snprintf(shown, sizeof(shown), "%c%c%s --%s%s%s", letter ? '-' : ' ', letter ? letter : ' ',
                       letter ? "," : " ", name, argument ? " " : "", argument ? argument : "");
        printf("  %-21s  %s\n", shown, help);
}

static void print_options(const struct verb_option *option) {
        for (; option->name; option++)
                print_option(option->letter, option->name, option->argument, option->help);
}

/* Folds @text at 78 columns. */
static void print_folded(const char *text) {
        size_t column = 0;

        while (*text) {
                size_t n = strcspn(text, " ");

                if (column > 0 && column + 1 + n > 78) {
                        putchar('\n');
                        column = 0;
                }
                column += (size_t)printf("%s%.*s", column > 0 ? " " : "", (int)n, text);
                text += n + strspn(text + n, " ");
        }
        putchar('\n');
}

void verb_print_help(const struct verb *verb) {
        printf("tendctl %s [OPTION...]%s%s\n%s\n", verb->name, *verb->arguments ? " " : "", verb->arguments,
               verb->summary);
        if (verb->details) {
                putchar('\n');
                print_folded(verb->details);
        }
        printf("\nOptions:\n");
        print_options(verb->options);
        print_options(verb_common_options);
        printf("\nExamples:\n");
        for (const char *line = verb->examples; *line; line += strcspn(line, "\n") + 1)
                printf("  %.*s\n", (int)strcspn(line, "\n"), line);
}

void verb_print_usage(void) {
        printf("tendctl [OPTION...] VERB [ARGUMENT...]\nAsk and command a running tendd.\n\nVerbs:\n");
        for (size_t i = 0; verb_at(i); i++)
                if (!verb_at(i)->hidden)
                        printf("  %-8s %-22s %s\n", verb_at(i)->name, verb_at(i)->arguments, verb_at(i)->summary);
        printf("\nOptions:\n");
        print_options(verb_common_options);
        print_option(0, "version", NULL, "show the version");
        printf("\n`tendctl VERB --help` tells more. Names of tasks may be patterns with * and ?.\n");
}
