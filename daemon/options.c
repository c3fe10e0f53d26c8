/* SPDX-License-Identifier: MIT */
/* options: the command line of tendd. */
#include "options.h"

#include "base/log.h"
#include "config/config.h"

#include <getopt.h>
#include <stdio.h>

enum {
        OPTION_CONFIG = 256,
        OPTION_CHECK,
        OPTION_STRICT,
        OPTION_PORTABLE,
        OPTION_ADD,
        OPTION_JSON,
        OPTION_ONCE,
        OPTION_STATE_DIR,
        OPTION_RUNTIME_DIR,
        OPTION_LOG_TARGET,
        OPTION_LOG_LEVEL,
        OPTION_NO_FALLBACK,
        OPTION_VERSION,
        OPTION_HELP,
};

static const struct option long_options[] = {
        { "config", required_argument, NULL, OPTION_CONFIG },
        { "check", no_argument, NULL, OPTION_CHECK },
        { "strict", no_argument, NULL, OPTION_STRICT },
        { "portable", no_argument, NULL, OPTION_PORTABLE },
        { "add", required_argument, NULL, OPTION_ADD },
        { "json", no_argument, NULL, OPTION_JSON },
        { "once", required_argument, NULL, OPTION_ONCE },
        { "state-dir", required_argument, NULL, OPTION_STATE_DIR },
        { "runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR },
        { "log-target", required_argument, NULL, OPTION_LOG_TARGET },
        { "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
        { "no-fallback", no_argument, NULL, OPTION_NO_FALLBACK },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "help", no_argument, NULL, OPTION_HELP },
        { NULL, 0, NULL, 0 },
};

void options_print_help(void) {
        (void)puts(
                "Usage: tendd [OPTION…]\n"
                "\n"
                "Supervises what its configuration says, in the foreground, until SIGTERM or SIGINT.\n"
                "\n"
                "  --config FILE       the configuration [/etc/tendd/tendd.ini]\n"
                "  --once TASK         run one task or group, exit with its outcome\n"
                "  --check [FILE…]     say what is wrong with the configuration, or with each FILE: 0 fine, 2 errors\n"
                "    --strict          … and 1 for warnings\n"
                "    --portable        … without a look at users, commands and ownership\n"
                "    --add [NAME=]FILE … as if FILE were one of the included ones, called NAME\n"
                "  --json              print the outcome of --once, the findings of --check, as JSON\n"
                "  --state-dir DIR     what is kept across restarts\n"
                "  --runtime-dir DIR   the control socket and the lock\n"
                "  --log-target auto|journal|stderr\n"
                "  --log-level err|warning|notice|info|debug\n"
                "  --no-fallback       exit 2 when the configuration is refused, whatever was accepted before\n"
                "  --version\n"
                "  --help\n"
                "\n"
                "See tendd(8), tendd.ini(5), tendctl(1).");
}

static int usage(const char *what, const char *value, const char *allowed) {
        (void)fprintf(stderr, "tendd: %s %s is not understood (%s)\n", what, value, allowed);
        return -EINVAL;
}

static int set_command(struct options *options, enum command command) {
        if (options->command != COMMAND_RUN && options->command != command) {
                (void)fprintf(stderr, "tendd: --once, --check, --version and --help exclude each other\n");
                return -EINVAL;
        }
        options->command = command;
        return 0;
}

static int take_add(struct options *options, const char *value) {
        if (options->n_adds == OPTIONS_ADDS_MAX) {
                (void)fprintf(stderr, "tendd: --add is written more than %d times\n", OPTIONS_ADDS_MAX);
                return -EINVAL;
        }
        options->adds[options->n_adds++] = value;
        return 0;
}

static int take(struct options *options, int option, const char *value) {
        switch (option) {
        case OPTION_CONFIG: options->config = value; return 0;
        case OPTION_ADD: return take_add(options, value);
        case OPTION_STATE_DIR: options->state_dir = value; return 0;
        case OPTION_RUNTIME_DIR: options->runtime_dir = value; return 0;
        case OPTION_STRICT: options->strict = true; return 0;
        case OPTION_PORTABLE: options->portable = true; return 0;
        case OPTION_JSON: options->json = true; return 0;
        case OPTION_NO_FALLBACK: options->no_fallback = true; return 0;
        case OPTION_CHECK: return set_command(options, COMMAND_CHECK);
        case OPTION_VERSION: return set_command(options, COMMAND_VERSION);
        case OPTION_HELP: return set_command(options, COMMAND_HELP);
        case OPTION_ONCE: options->once = value; return set_command(options, COMMAND_ONCE);
        case OPTION_LOG_TARGET:
                options->log_target = (int)log_target_from_string(value);
                return options->log_target < 0 ? usage("--log-target", value, "auto, journal or stderr") : 0;
        case OPTION_LOG_LEVEL:
                options->log_level = log_level_from_string(value);
                return options->log_level < 0 ? usage("--log-level", value, "err, warning, notice, info or debug") : 0;
        default: (void)fprintf(stderr, "Try tendd --help\n"); return -EINVAL;
        }
}

static int check_combination(const struct options *options) {
        if (options->command != COMMAND_CHECK && (options->strict || options->portable || options->n_adds > 0)) {
                (void)fprintf(stderr, "tendd: --strict, --portable and --add go with --check\n");
                return -EINVAL;
        }
        if (options->json && options->command != COMMAND_CHECK && options->command != COMMAND_ONCE) {
                (void)fprintf(stderr, "tendd: --json goes with --once and --check\n");
                return -EINVAL;
        }
        if (options->n_files > 0 && options->command != COMMAND_CHECK) {
                (void)fprintf(stderr, "tendd: %s is no option; try tendd --help\n", options->files[0]);
                return -EINVAL;
        }
        if (options->n_files > 0 && (options->config || options->n_adds > 0)) {
                (void)fprintf(stderr, "tendd: --config and --add do not go with %s, which is a configuration itself\n",
                              options->files[0]);
                return -EINVAL;
        }
        if (options->config && config_is_stdin(options->config) && options->command != COMMAND_CHECK) {
                (void)fprintf(stderr,
                              "tendd: standard input as --config goes with --check: a daemon reads its files again\n");
                return -EINVAL;
        }
        return 0;
}

int options_parse(int argc, char **argv, struct options *ret) {
        struct options options = { .log_target = -1, .log_level = -1 };
        int option, r;

        while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
                r = take(&options, option, optarg);
                if (r < 0)
                        return r;
        }
        options.files = argv + optind;
        options.n_files = (unsigned)(argc - optind);
        r = check_combination(&options);
        if (r < 0)
                return r;
        *ret = options;
        return 0;
}

#define SYSTEM_CONFIG "/etc/tendd/tendd.ini"

char *options_config_path(const struct options *options) {
        const char *home = getenv("XDG_CONFIG_HOME");
        char *path = NULL;

        if (options->config)
                return strdup(options->config);
        if (geteuid() == 0)
                return strdup(SYSTEM_CONFIG);
        if (home && *home == '/') {
                if (asprintf(&path, "%s/tendd/tendd.ini", home) < 0)
                        return NULL;
        } else if (getenv("HOME")) {
                if (asprintf(&path, "%s/.config/tendd/tendd.ini", getenv("HOME")) < 0)
                        return NULL;
        }
        if (path && access(path, F_OK) == 0)
                return path;
        free(path);
        return strdup(SYSTEM_CONFIG);
}
