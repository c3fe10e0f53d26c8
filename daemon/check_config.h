/* SPDX-License-Identifier: MIT */
#pragma once
/* check_config: `tendd --check`: what is wrong with a configuration, without starting anything. */
#include "config/diagnostics.h"
#include "options.h"

/* Returns the exit code of the process: 0 clean, or warnings; 1 warnings with --strict; 2 errors. */
int check_run(const struct options *options);

/* Prints all of @diagnostics to stderr, a line each. */
void check_print(const struct diagnostics *diagnostics);
