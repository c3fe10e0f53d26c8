/* SPDX-License-Identifier: MIT */
/* outcome_parse: the outcome tree back from its JSON, as the store keeps it.
 *
 * It was written by this daemon, or by an older or newer one: what is not known, or is not what it should be, is left
 * out; only a tree without names or outcome is none.
 */
#include "base/text.h"
#include "live/outcome_json.h"

#define DEPTH_MAX 32

static const char *get_text(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

static uint64_t get_number(const json_t *object, const char *key) {
        json_int_t value = json_integer_value(json_object_get(object, key));

        return value > 0 ? (uint64_t)value : 0;
}

static char *copy(const char *s) {
        return s ? strdup(s) : NULL;
}

static void parse_errors(const json_t *array, struct errors *errors) {
        const json_t *item;
        size_t i;

        json_array_foreach(array, i, item) {
                const char *kind = get_text(item, "kind"), *detail = get_text(item, "detail"),
                           *run = get_text(item, "run");
                enum error_kind parsed = kind ? error_kind_from_string(kind) : _ERROR_KIND_INVALID;

                if ((int)parsed >= 0 && detail && run)
                        errors_add(errors, parsed, detail, run);
        }
}

/* "operator: uid 0, pid 12", "shutdown" */
static void parse_cancelled_by(const char *text, struct result *result) {
        size_t length = text ? strcspn(text, ":") : 0;

        for (int i = CANCEL_NONE + 1; text && i < _CANCEL_REASON_MAX; i++) {
                const char *name = cancel_reason_to_string((enum cancel_reason)i);

                if (strlen(name) != length || strncmp(name, text, length) != 0)
                        continue;
                result->cancel = (enum cancel_reason)i;
                result->cancelled_by = strdup(strncmp(text + length, ": ", 2) == 0 ? text + length + 2 : name);
        }
}

static void parse_bound(const json_t *object, struct result *result) {
        const char *key = get_text(object, "key");

        for (int i = 0; key && i < _BOUND_MAX; i++)
                if (streq(bound_to_string((enum bound)i), key))
                        result->bound = (enum bound)i;
        result->bound_run = copy(get_text(object, "run"));
}

static void parse_items(const json_t *object, struct result *result) {
        const json_t *latency = json_object_get(object, "latency_usec");
        struct items_summary *items;
        const char *kind;
        json_t *n;

        if (!json_is_object(object))
                return;
        items = result->items = calloc(1, sizeof(*items));
        if (!items)
                return;
        items->total = get_number(object, "total");
        items->by_outcome[OUTCOME_OK] = get_number(object, "ok");
        items->by_outcome[OUTCOME_FAILED] = get_number(object, "failed");
        json_object_foreach(json_object_get(object, "by_kind"), kind, n) {
                enum error_kind parsed = error_kind_from_string(kind);

                if ((int)parsed >= 0)
                        items->by_kind[parsed] = (uint64_t)MAX(json_integer_value(n), (json_int_t)0);
        }
        items->latency_usec.min = get_number(latency, "min");
        items->latency_usec.p50 = get_number(latency, "p50");
        items->latency_usec.p90 = get_number(latency, "p90");
        items->latency_usec.p99 = get_number(latency, "p99");
        items->latency_usec.max = get_number(latency, "max");
}

static struct result *parse(const json_t *object, unsigned depth);

static void parse_children(const json_t *array, struct result *result, unsigned depth) {
        const json_t *item;
        size_t i;

        if (json_array_size(array) == 0 || depth == DEPTH_MAX)
                return;
        result->children = calloc(json_array_size(array), sizeof(struct result *));
        json_array_foreach(array, i, item) {
                struct result *child = result->children ? parse(item, depth + 1) : NULL;

                if (child)
                        result->children[result->n_children++] = child;
        }
}

static struct result *parse(const json_t *object, unsigned depth) {
        const char *task = get_text(object, "task"), *run = get_text(object, "run"),
                   *outcome = get_text(object, "outcome");
        enum outcome parsed = outcome ? outcome_from_string(outcome) : _OUTCOME_INVALID;
        struct result *result = task && run && (int)parsed >= 0 ? result_new(task, run) : NULL;

        if (!result)
                return NULL;
        result->outcome = parsed;
        result->resumed = copy(get_text(object, "resumed"));
        result->reason = copy(get_text(object, "reason"));
        result->output_tail = copy(get_text(object, "output"));
        parse_errors(json_object_get(object, "errors"), &result->errors);
        parse_bound(json_object_get(object, "bound"), result);
        parse_cancelled_by(get_text(object, "cancelled_by"), result);
        result->attempts = (unsigned)get_number(object, "attempts");
        result->queued_usec = get_number(object, "queued_usec");
        result->duration_usec = get_number(object, "duration_usec");
        result->ended_realtime_usec = get_number(object, "ended_usec");
        result->exit_code = (int)get_number(object, "exit_code");
        result->cpu_usec = get_number(object, "cpu_usec");
        result->memory_peak = get_number(object, "memory_peak");
        parse_children(json_object_get(object, "children"), result, depth);
        parse_items(json_object_get(object, "items"), result);
        return result;
}

struct result *outcome_parse(const char *text) {
        json_t *json = json_loads(text, 0, NULL);
        struct result *result = json_is_object(json) ? parse(json, 0) : NULL;

        json_decref(json);
        return result;
}

char *outcome_write(const struct result *result) {
        json_t *json = outcome_to_json(result);
        char *text;

        if (!json)
                return NULL;
        (void)json_object_set_new(json, "ended_usec", json_integer((json_int_t)result->ended_realtime_usec));
        if (result->output_tail)
                (void)json_object_set_new(json, "output", json_text(result->output_tail));
        text = json_dumps(json, JSON_COMPACT);
        json_decref(json);
        return text;
}
