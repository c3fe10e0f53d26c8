/* SPDX-License-Identifier: MIT */
/* outcome_json: the outcome tree as JSON. */
#include "live/outcome_json.h"

#include "base/utf8.h"

#include <stdio.h>

json_t *json_text(const char *s) {
        json_t *json = json_string(s);
        size_t n = strlen(s), length;
        char *copy;

        if (json)
                return json;
        /* Not UTF-8 throughout: what a command or a peer said may be any bytes, or was cut within a character. */
        copy = strdup(s);
        if (!copy)
                return NULL;
        for (size_t i = 0; i < n; i += MAX(length, (size_t)1)) {
                length = utf8_length(s + i, n - i);
                if (length == 0)
                        copy[i] = '?';
        }
        json = json_string(copy);
        free(copy);
        return json;
}

/* Of what is added, NULL means out of memory; the caller checks once, at the end. */
static int set(json_t *object, const char *key, json_t *value) {
        return json_object_set_new(object, key, value);
}

json_t *errors_to_json(const struct errors *errors) {
        json_t *array = json_array();

        for (size_t i = 0; i < errors->n; i++) {
                const struct run_error *error = &errors->items[i];

                if (json_array_append_new(
                            array, json_pack("{so so so}", "kind", json_text(error_kind_to_string(error->kind)),
                                             "detail", json_text(error->detail), "run", json_text(error->run))) < 0) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}

static json_t *by_kind_to_json(const uint64_t by_kind[_ERROR_KIND_MAX]) {
        json_t *object = json_object();

        for (int i = 0; i < _ERROR_KIND_MAX; i++)
                if (by_kind[i] > 0)
                        (void)set(object, error_kind_to_string((enum error_kind)i),
                                  json_integer((json_int_t)by_kind[i]));
        return object;
}

json_t *items_to_json(const struct items_summary *items) {
        uint64_t failed = items->by_outcome[OUTCOME_FAILED] + items->by_outcome[OUTCOME_TIMEOUT];

        return json_pack("{sI sI sI so s{sI sI sI sI sI}}", "total", (json_int_t)items->total, "ok",
                         (json_int_t)items->by_outcome[OUTCOME_OK], "failed", (json_int_t)failed, "by_kind",
                         by_kind_to_json(items->by_kind), "latency_usec", "min", (json_int_t)items->latency_usec.min,
                         "p50", (json_int_t)items->latency_usec.p50, "p90", (json_int_t)items->latency_usec.p90, "p99",
                         (json_int_t)items->latency_usec.p99, "max", (json_int_t)items->latency_usec.max);
}

static json_t *children_to_json(const struct result *result) {
        json_t *array = json_array();

        for (size_t i = 0; i < result->n_children; i++) {
                if (json_array_append_new(array, outcome_to_json(result->children[i])) < 0) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}

/* "operator: uid 0, pid 12", "sibling: tests", "shutdown" */
static json_t *cancelled_by_to_json(const struct result *result) {
        const char *reason = cancel_reason_to_string(result->cancel), *by = result->cancelled_by;
        bool more = by && !streq(by, reason);
        char text[512];

        (void)snprintf(text, sizeof(text), "%s%s%s", reason, more ? ": " : "", more ? by : "");
        return json_text(text);
}

static int set_optional(json_t *object, const struct result *result) {
        int r = 0;

        if (result->resumed)
                r |= set(object, "resumed", json_text(result->resumed));
        if (result->reason)
                r |= set(object, "reason", json_text(result->reason));
        if (result->bound >= 0)
                r |= set(object, "bound",
                         json_pack("{ss so*}", "key", bound_to_string(result->bound), "run",
                                   result->bound_run ? json_text(result->bound_run) : NULL));
        if (result->cancel != CANCEL_NONE)
                r |= set(object, "cancelled_by", cancelled_by_to_json(result));
        if (result->cpu_usec > 0)
                r |= set(object, "cpu_usec", json_integer((json_int_t)result->cpu_usec));
        if (result->memory_peak > 0)
                r |= set(object, "memory_peak", json_integer((json_int_t)result->memory_peak));
        if (result->n_children > 0)
                r |= set(object, "children", children_to_json(result));
        if (result->items)
                r |= set(object, "items", items_to_json(result->items));
        return r;
}

json_t *outcome_to_json(const struct result *result) {
        json_t *object;

        object = json_pack("{so so ss so sI sI sI sI}", "task", json_text(result->task), "run", json_text(result->run),
                           "outcome", outcome_to_string(result->outcome), "errors", errors_to_json(&result->errors),
                           "attempts", (json_int_t)result->attempts, "queued_usec", (json_int_t)result->queued_usec,
                           "duration_usec", (json_int_t)result->duration_usec, "exit_code",
                           (json_int_t)result->exit_code);
        if (object && set_optional(object, result) < 0) {
                json_decref(object);
                return NULL;
        }
        return object;
}
