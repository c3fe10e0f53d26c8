/* SPDX-License-Identifier: MIT */
#pragma once
/* history_json: what the store remembers as JSON, as the types Past and Summary of io.tendd.Runner describe it. */
#include "store/store.h"

#include <jansson.h>

/* NULL: out of memory. */
json_t *past_to_json(const struct store_history_row *row);

/* Of what there is since @since_usec; 0: of all. NULL: out of memory. */
json_t *summary_to_json(const struct store_summary *summary, usec_t since_usec);
