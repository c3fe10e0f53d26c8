/* SPDX-License-Identifier: MIT */
#pragma once
/* exec_env: the environment that a run gives its process, beside the daemon's own and the user's. */
#include "task/kind.h"

/* NAME=VALUE strings, NULL-terminated, for text_strv_free(): those of `env` with words filled in, TENDD_* about the run,
 * in a hook TENDD_FOR_* about the run that it is for, and INVOCATION_ID, whose element is @ret_marker. Returns 0 or
 * -ENOMEM. */
int exec_env(const struct run *leaf, char ***ret, const char **ret_marker);
