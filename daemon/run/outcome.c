/* SPDX-License-Identifier: MIT */
/* outcome: names of outcomes, errors and bounds; the lists of errors and the results that are made of them. */
#include "run/outcome.h"

#include <assert.h>

static const char *const outcome_names[_OUTCOME_MAX] = {
        [OUTCOME_OK] = "ok",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_TIMEOUT] = "timeout",
        [OUTCOME_CANCELLED] = "cancelled",
        [OUTCOME_SKIPPED] = "skipped",
        [OUTCOME_NEVER_STARTED] = "never-started",
        [OUTCOME_INTERRUPTED] = "interrupted",
};

static const char *const error_kind_names[_ERROR_KIND_MAX] = {
        [ERROR_NONE] = "none",         [ERROR_EXIT] = "exit",
        [ERROR_SIGNAL] = "signal",     [ERROR_SPAWN] = "spawn",
        [ERROR_CONNECT] = "connect",   [ERROR_RESOLVE] = "resolve",
        [ERROR_TLS] = "tls",           [ERROR_HTTP_STATUS] = "http-status",
        [ERROR_PROTOCOL] = "protocol", [ERROR_TOO_BIG] = "too-big",
        [ERROR_MISMATCH] = "mismatch", [ERROR_IO] = "io",
        [ERROR_READY] = "ready",       [ERROR_WATCHDOG] = "watchdog",
        [ERROR_HEALTH] = "health",     [ERROR_UNKILLABLE] = "unkillable",
        [ERROR_TIMEOUT] = "timeout",
};

static const char *const cancel_reason_names[_CANCEL_REASON_MAX] = {
        [CANCEL_NONE] = "none",     [CANCEL_OPERATOR] = "operator", [CANCEL_SIBLING] = "sibling",
        [CANCEL_PARENT] = "parent", [CANCEL_SHUTDOWN] = "shutdown", [CANCEL_REPLACED] = "replaced",
};

static const char *const bound_names[_BOUND_MAX] = {
        [BOUND_TIMEOUT] = "timeout",
        [BOUND_TOTAL_TIMEOUT] = "total-timeout",
        [BOUND_QUEUE_TIMEOUT] = "queue-timeout",
        [BOUND_START_TIMEOUT] = "start-timeout",
        [BOUND_IDLE_TIMEOUT] = "idle-timeout",
};

static int name_index(const char *const *names, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (streq(names[i], s))
                        return (int)i;
        return -EINVAL;
}

const char *outcome_to_string(enum outcome outcome) {
        return outcome >= 0 && outcome < _OUTCOME_MAX ? outcome_names[outcome] : "?";
}

enum outcome outcome_from_string(const char *s) {
        return (enum outcome)name_index(outcome_names, ARRAY_SIZE(outcome_names), s);
}

const char *error_kind_to_string(enum error_kind kind) {
        return kind >= 0 && kind < _ERROR_KIND_MAX ? error_kind_names[kind] : "?";
}

enum error_kind error_kind_from_string(const char *s) {
        return (enum error_kind)name_index(error_kind_names, ARRAY_SIZE(error_kind_names), s);
}

const char *cancel_reason_to_string(enum cancel_reason reason) {
        return reason < _CANCEL_REASON_MAX ? cancel_reason_names[reason] : "?";
}

const char *bound_to_string(enum bound bound) {
        return bound >= 0 && bound < _BOUND_MAX ? bound_names[bound] : "?";
}

void errors_add(struct errors *errors, enum error_kind kind, const char *detail, const char *run) {
        _cleanup_(freep) char *detail_copy = NULL;
        _cleanup_(freep) char *run_copy = NULL;
        struct run_error *items;

        if (errors->n >= ERRORS_MAX) {
                errors->n_lost++;
                return;
        }
        detail_copy = strdup(detail);
        run_copy = strdup(run);
        items = reallocarray(errors->items, errors->n + 1, sizeof(*items));
        if (items)
                errors->items = items;
        if (!items || !detail_copy || !run_copy) {
                errors->n_lost++;
                return;
        }
        errors->items[errors->n++] = (struct run_error){
                .kind = kind,
                .detail = TAKE_PTR(detail_copy),
                .run = TAKE_PTR(run_copy),
        };
}

void errors_merge(struct errors *errors, const struct errors *from) {
        for (size_t i = 0; i < from->n; i++)
                errors_add(errors, from->items[i].kind, from->items[i].detail, from->items[i].run);
        errors->n_lost += from->n_lost;
}

static void error_done(struct run_error *error) {
        free(error->detail);
        free(error->run);
}

static bool is_same(const struct run_error *a, const struct run_error *b) {
        return a->kind == b->kind && streq(a->detail, b->detail) && streq(a->run, b->run);
}

/* One that is not there was only counted. */
static void take_out(struct errors *errors, const struct run_error *error) {
        for (size_t i = 0; i < errors->n; i++) {
                if (!is_same(&errors->items[i], error))
                        continue;
                error_done(&errors->items[i]);
                memmove(&errors->items[i], &errors->items[i + 1], (--errors->n - i) * sizeof(*errors->items));
                return;
        }
        errors->n_lost -= errors->n_lost > 0;
}

void errors_unmerge(struct errors *errors, const struct errors *from) {
        for (size_t i = 0; i < from->n; i++)
                take_out(errors, &from->items[i]);
        errors->n_lost -= MIN(errors->n_lost, from->n_lost);
}

static void rotate(struct errors *errors) {
        struct run_error last = errors->items[errors->n - 1];

        memmove(errors->items + 1, errors->items, (errors->n - 1) * sizeof(*errors->items));
        errors->items[0] = last;
}

void errors_add_first(struct errors *errors, enum error_kind kind, const char *detail, const char *run) {
        size_t before;

        if (errors->n == ERRORS_MAX) {
                error_done(&errors->items[--errors->n]);
                errors->n_lost++;
        }
        before = errors->n;
        errors_add(errors, kind, detail, run);
        if (errors->n > before)
                rotate(errors);
}

void errors_merge_first(struct errors *errors, const struct errors *from) {
        for (size_t i = from->n; i-- > 0;)
                errors_add_first(errors, from->items[i].kind, from->items[i].detail, from->items[i].run);
        errors->n_lost += from->n_lost;
}

void errors_done(struct errors *errors) {
        for (size_t i = 0; i < errors->n; i++)
                error_done(&errors->items[i]);
        free(errors->items);
        *errors = (struct errors){ 0 };
}

struct result *result_new(const char *task, const char *run) {
        _cleanup_(result_unrefp) struct result *result = NULL;

        result = calloc(1, sizeof(*result));
        if (!result)
                return NULL;
        result->n_ref = 1;
        result->bound = _BOUND_INVALID;
        result->task = strdup(task);
        result->run = strdup(run);
        if (!result->task || !result->run)
                return NULL;
        return TAKE_PTR(result);
}

struct result *result_ref(struct result *result) {
        assert(result->n_ref > 0);
        result->n_ref++;
        return result;
}

struct result *result_unref(struct result *result) {
        if (!result || --result->n_ref > 0)
                return NULL;
        for (size_t i = 0; i < result->n_children; i++)
                result_unref(result->children[i]);
        free(result->children);
        errors_done(&result->errors);
        free(result->items);
        free(result->output_tail);
        free(result->cancelled_by);
        free(result->bound_run);
        free(result->reason);
        free(result->resumed);
        free(result->run);
        free(result->task);
        free(result);
        return NULL;
}

enum error_kind result_error(const struct result *result) {
        if (result->outcome == OUTCOME_TIMEOUT)
                return ERROR_TIMEOUT;
        return outcome_is_failure(result->outcome) && result->errors.n > 0 ? result->errors.items[0].kind : ERROR_NONE;
}

const char *result_detail(const struct result *result) {
        if (outcome_is_failure(result->outcome) && result->errors.n > 0)
                return result->errors.items[0].detail;
        return result->reason ? result->reason : "";
}
