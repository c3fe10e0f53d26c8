/* SPDX-License-Identifier: MIT */
#pragma once
/* run-check: checks for tests at random: one that fails says how to see it again, and aborts. */
#include "run/run.h"

#define check(condition, ...)                                                                                          \
        do {                                                                                                           \
                if (!(condition))                                                                                      \
                        check_failed(__FILE__, __LINE__, #condition, __VA_ARGS__);                                     \
        } while (0)

_noreturn_ _printf_(4, 5) void check_failed(const char *file, int line, const char *condition, const char *format, ...);

/* Where the test is; shown by a check that fails. */
void check_context(const uint64_t *seed, const unsigned *step);

/* Whether @result is one that a run of @spec may have: outcome and reasons, the policy of a group, the sums of a
 * fan-out. */
void check_result(const struct run_spec *spec, const struct result *result);
