/* SPDX-License-Identifier: MIT */
#pragma once
/* options: the command line of tendd. */
#include "base/macros.h"

enum command {
        COMMAND_RUN,
        COMMAND_ONCE,
        COMMAND_CHECK,
        COMMAND_HELP,
        COMMAND_VERSION,
};

#define OPTIONS_ADDS_MAX 100

struct options {
        enum command command;
        const char *config; /* NULL: see options_config_path() */
        const char *once;   /* the task of COMMAND_ONCE */
        char *const *files; /* of COMMAND_CHECK, instead of config: each is one; n_files of them */
        unsigned n_files;
        const char *adds[OPTIONS_ADDS_MAX];
        unsigned n_adds;
        const char *state_dir; /* NULL: the configuration, the environment or the usual place decides */
        const char *runtime_dir;
        int log_target; /* enum log_target; -1: the configuration decides */
        int log_level;  /* -1: the configuration decides */
        bool strict;
        bool portable;
        bool no_fallback;
        bool json;
};

/* Fills @ret from @argv, whose strings it points to. Returns 0, or -EINVAL after a line on stderr. */
int options_parse(int argc, char **argv, struct options *ret);

void options_print_help(void);

/* Where the configuration is: what was given, else the user's own, else the system's. To be freed; NULL: out of
 * memory. */
char *options_config_path(const struct options *options);
