/* SPDX-License-Identifier: MIT */
/* main: argv, and what to do with it. */
#include "check_config.h"
#include "runner.h"

#include <stdio.h>

int main(int argc, char **argv) {
        struct options options;
        int r;

        if (options_parse(argc, argv, &options) < 0)
                return 2;

        switch (options.command) {
        case COMMAND_HELP: options_print_help(); return EXIT_SUCCESS;
        case COMMAND_VERSION: (void)puts("tendd " PACKAGE_VERSION); return EXIT_SUCCESS;
        case COMMAND_CHECK: return check_run(&options);
        default: break;
        }

        r = runner_run(&options);
        if (r < 0) {
                (void)fprintf(stderr, "tendd: %s\n", strerror(-r));
                return 125;
        }
        return r;
}
