/* SPDX-License-Identifier: MIT */
/* main: argv, and what to do with it. */
#include "check_config.h"
#include "runner.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

/* Else a file of ours that took the number of a missing stdin, stdout or stderr would get what is printed there, or be
 * overwritten in a child before its use. */
static int fill_standard_descriptors(void) {
        int fd;

        do {
                fd = open("/dev/null", O_RDWR); /* not close-on-exec: stands for what was not there */
                if (fd < 0)
                        return -errno;
        } while (fd <= STDERR_FILENO);
        (void)close(fd);
        return 0;
}

/* Who started us may have blocked signals that we live by. */
static void unblock_signals(void) {
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv) {
        struct options options;
        int r;

        if (fill_standard_descriptors() < 0)
                return 125;
        unblock_signals();
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
