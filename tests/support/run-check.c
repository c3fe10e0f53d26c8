/* SPDX-License-Identifier: MIT */
/* run-check: checks for tests at random, see run-check.h. */
#include "support/run-check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static struct {
        const uint64_t *seed;
        const unsigned *step;
} context;

void check_context(const uint64_t *seed, const unsigned *step) {
        context.seed = seed;
        context.step = step;
}

void check_failed(const char *file, int line, const char *condition, const char *format, ...) {
        va_list args;

        fprintf(stderr, "%s:%d, TENDD_TEST_SEED=%" PRIu64 ", step %u: %s: ", file, line,
                context.seed ? *context.seed : 0, context.step ? *context.step : 0, condition);
        va_start(args, format);
        (void)vfprintf(stderr, format, args);
        va_end(args);
        fputc('\n', stderr);
        abort();
}

/* ---- results ---- */

static size_t count_children(const struct result *result, bool (*which)(const struct result *child), const char *task) {
        size_t n = 0;

        for (size_t i = 0; i < result->n_children; i++)
                n += (!task || streq(result->children[i]->task, task)) && (!which || which(result->children[i]));
        return n;
}

static bool was_ok(const struct result *result) {
        return result->outcome == OUTCOME_OK;
}

static bool has_failed(const struct result *result) {
        return outcome_is_failure(result->outcome);
}

/* The members of @spec in the foreground of which @which holds. */
static size_t count_members(const struct run_spec *spec, const struct result *result,
                            bool (*which)(const struct result *child)) {
        size_t n = 0;

        for (size_t i = 0; i < spec->n_members; i++)
                if (!spec->members[i].background)
                        n += count_children(result, which, spec->members[i].spec->name);
        return n;
}

static void check_group(const struct run_spec *spec, const struct result *result) {
        size_t n_ok = count_members(spec, result, was_ok), n_failed = count_members(spec, result, has_failed);
        size_t n = count_members(spec, result, NULL);
        size_t wanted = spec->policy == GROUP_QUORUM ? spec->quorum : spec->policy == GROUP_FIRST ? 1 : n;

        for (size_t i = 0; i < spec->n_members && result->n_children > 0; i++)
                check(count_children(result, NULL, spec->members[i].spec->name) == 1, "%s: result of %s", result->run,
                      spec->members[i].spec->name);
        if (result->outcome == OUTCOME_OK && n > 0)
                check(n_ok >= wanted, "%s: ok with %zu of %zu", result->run, n_ok, wanted);
        if (result->outcome == OUTCOME_FAILED)
                check(n_failed > 0 || (spec->policy == GROUP_QUORUM && n_ok < wanted), "%s: failed with no failure",
                      result->run);
}

static void check_items(const struct run_spec *spec, const struct result *result) {
        const struct items_summary *items = result->items;
        uint64_t n = 0, n_failed = items->by_outcome[OUTCOME_FAILED] + items->by_outcome[OUTCOME_TIMEOUT], kinds = 0;

        for (size_t i = 0; i < _OUTCOME_MAX; i++)
                n += items->by_outcome[i];
        for (size_t i = 0; i < _ERROR_KIND_MAX; i++)
                kinds += items->by_kind[i];
        check(n == items->total, "%s: %" PRIu64 " of %" PRIu64, result->run, n, items->total);
        check(kinds == n_failed, "%s: %" PRIu64 " kinds, %" PRIu64 " failures", result->run, kinds, n_failed);
        if (result->outcome != OUTCOME_OK)
                return;
        check(items->by_outcome[OUTCOME_OK] + n_failed == n, "%s: ok with cancelled items", result->run);
        if (spec->items_may_fail_percent)
                check(n_failed * 100 <= n * spec->items_may_fail, "%s: %" PRIu64, result->run, n_failed);
        else
                check(n_failed <= spec->items_may_fail, "%s: %" PRIu64, result->run, n_failed);
}

void check_result(const struct run_spec *spec, const struct result *result) {
        const char *name = result->run;

        switch (result->outcome) {
        case OUTCOME_TIMEOUT:
                check(result->bound >= 0 && streq(result->bound_run, name), "%s: timeout of %s", name,
                      result->bound_run ? result->bound_run : "nobody");
                check(result->errors.n > 0 && result->errors.items[0].kind == ERROR_TIMEOUT, "%s", name);
                break;
        case OUTCOME_FAILED: check(result->errors.n > 0, "%s: failed with no error", name); break;
        case OUTCOME_CANCELLED: check(result->cancel != CANCEL_NONE || result->reason, "%s: no reason", name); break;
        case OUTCOME_SKIPPED: check(result->reason != NULL, "%s: no reason", name); break;
        case OUTCOME_NEVER_STARTED: check(result->duration_usec == 0, "%s ran", name); break;
        default: check(result->outcome == OUTCOME_OK, "%s: %d", name, (int)result->outcome);
        }
        if (spec->is_group)
                check_group(spec, result);
        if (spec->items)
                check_items(spec, result);
}
