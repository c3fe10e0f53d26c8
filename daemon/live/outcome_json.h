/* SPDX-License-Identifier: MIT */
#pragma once
/* outcome_json: the outcome tree as JSON, the same wherever it appears. */
#include "run/outcome.h"

#include <jansson.h>

/* A new object for @result, its members and items included. NULL: out of memory. */
json_t *outcome_to_json(const struct result *result);

/* The same as text for the store, with what else is wanted when the run is long over: its end ("ended_usec") and the last
 * of its output ("output"). To be freed; NULL: out of memory. */
char *outcome_write(const struct result *result);

/* A new result from such a text, also without those two. NULL: it is none, or out of memory. */
struct result *outcome_parse(const char *text);

/* The summary of a fan-out, also of one that is not done. NULL: out of memory. */
json_t *items_to_json(const struct items_summary *items);

/* An array of errors. NULL: out of memory. */
json_t *errors_to_json(const struct errors *errors);

/* A JSON string of @s, in which bytes that are not UTF-8 become question marks. NULL: out of memory. */
json_t *json_text(const char *s);
