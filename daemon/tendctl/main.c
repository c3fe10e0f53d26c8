/* SPDX-License-Identifier: MIT */
/* tendctl: asks and commands a running tendd. */
#include "tendctl/client.h"
#include "tendctl/verb.h"

#include <locale.h>
#include <stdio.h>

/* Options may stand before the verb; --socket takes the next word. Returns the index of the verb, or @argc. */
static int find_verb(int argc, char *argv[]) {
        int i;

        for (i = 1; i < argc && argv[i][0] == '-'; i++)
                if (streq(argv[i], "--socket"))
                        i++;
        return MIN(i, argc);
}

static int run(struct ctl *ctl, const struct verb *verb, char **argv, size_t n) {
        struct verb_args args;
        int code;

        code = verb_parse(verb, ctl, argv, n, &args);
        if (code < 0)
                verb_print_help(verb);
        else if (code == CTL_OK)
                code = verb->run(ctl, &args);
        if (ctl->client)
                client_free(ctl->client);
        if (fflush(stdout) != 0 || ferror(stdout))
                code = ctl_error(ctl->waits ? CTL_BROKEN : CTL_FAILED, "cannot write: %s", strerror(errno));
        return MAX(code, 0);
}

int main(int argc, char *argv[]) {
        struct ctl ctl = { 0 };
        int at = find_verb(argc, argv);
        const struct verb *verb = verb_find(at < argc ? argv[at] : "status");
        const char *nearest;

        (void)setlocale(LC_CTYPE, "");
        if (argc == 2 && (streq(argv[1], "--help") || streq(argv[1], "-h"))) {
                verb_print_usage();
                return CTL_OK;
        }
        if (argc == 2 && streq(argv[1], "--version")) {
                printf("tendctl %s\n", PACKAGE_VERSION);
                return CTL_OK;
        }
        if (!verb) {
                nearest = verb_nearest(argv[at]);
                return ctl_error(CTL_USAGE, "%s: no such verb%s%s; see tendctl --help", argv[at],
                                 nearest ? ", did you mean " : "", nearest ? nearest : "");
        }
        /* The verb leaves its place to the options before it, so that all words are in one array. */
        for (int i = at; i > 1 && at < argc; i--)
                argv[i] = argv[i - 1];
        return run(&ctl, verb, argv + (at < argc ? 2 : 1), (size_t)(argc - (at < argc ? 2 : 1)));
}
