/* SPDX-License-Identifier: MIT */
#pragma once
/* outcome_json: the outcome tree as JSON, the same wherever it appears. */
#include "run/outcome.h"

#include <jansson.h>

/* A new object for @result, its members and items included. NULL: out of memory. */
json_t *outcome_to_json(const struct result *result);
