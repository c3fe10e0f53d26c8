/* SPDX-License-Identifier: MIT */
/* failing: when a task counts as failing, and when it is fine again.
 *
 * `failing` is set by the failure that is the failing-after-th in a row, and cleared by the next ok: two edges, each told
 * once. A service has no ok while it is up: it fails when it is given up, at once and whatever failing-after says, and
 * is fine again when it is ready, as is a group that holds services. `failures` counts for itself: that of a task that tells a service's health begins anew
 * with each attempt of the service, while the task goes on failing.
 *
 * Of a fan-out it is the items that fail and recover, see items.c. The task itself is failing beside them when its runs
 * end before their items can tell: the list cannot be read, or a bound of the run fires. Such runs in a row are counted
 * in `broken`.
 */
#include "live/live_private.h"

#include <stdio.h>

/* So many runs in a row of another length, and most of the way to it is gone. */
#define USUAL_WEIGHT 4

static void tell(struct live_task *entry, enum event_id id, struct result *result, const char *text) {
        live_emit(entry->live, &(const struct event){
                                       .id = id,
                                       .task = result->task,
                                       .run = result->run,
                                       .text = text,
                                       .error = result_error(result),
                               });
}

static void set_failing(struct live_task *entry, struct result *result, bool hooks) {
        char text[400];

        unsigned n = entry->task->for_each.type != FOR_EACH_NONE ? entry->broken : entry->failures;

        entry->failing = true;
        if (entry->task->service)
                (void)snprintf(text, sizeof(text), "failing: it has ended for good: %s", result_detail(result));
        else
                (void)snprintf(text, sizeof(text), "failing: %u in a row, the last: %s", n, result_detail(result));
        tell(entry, EVENT_FAILING, result, text);
        if (hooks)
                live_fire_hooks(entry->live, &entry->task->on_failing,
                                &(const struct hook_cause){ .result = result, .event = "failing" });
}

/* Also by a run of a fan-out that is no ok: its items could be worked on again. */
static void set_recovered(struct live_task *entry, struct result *result, bool hooks) {
        entry->failing = false;
        tell(entry, EVENT_RECOVERED, result, "recovered");
        if (hooks)
                live_fire_hooks(
                        entry->live, &entry->task->on_recover,
                        &(const struct hook_cause){ .result = result, .event = "recovered", .whatever_outcome = true });
}

static bool is_enough(const struct live_task *entry) {
        if (entry->task->for_each.type != FOR_EACH_NONE)
                return entry->broken >= entry->task->failing_after;
        return entry->task->service || entry->failures >= entry->task->failing_after;
}

/* Whether a failure of a fan-out is that of its items. */
static bool is_of_items(const struct result *result) {
        const struct items_summary *items = result->items;

        return items && result->outcome == OUTCOME_FAILED && !items->broken &&
               items->by_outcome[OUTCOME_FAILED] + items->by_outcome[OUTCOME_TIMEOUT] > 0;
}

void live_learn_usual(struct live_task *entry, const struct result *result) {
        float took = (float)result->duration_usec;

        /* A transient task is another thing each time. */
        if (entry->task->run.is_service || entry->task->transient || result->outcome != OUTCOME_OK)
                return;
        if (entry->usual_usec > 0)
                entry->usual_usec += (took - entry->usual_usec) / USUAL_WEIGHT;
        else
                entry->usual_usec = took;
}

void live_remember(struct live_task *entry, struct result *result, bool hooks) {
        result_unref(entry->last);
        entry->last = result_ref(result);
        live_learn_usual(entry, result);
        if (result->outcome == OUTCOME_OK) {
                bool was_stale = live_task_is_stale(entry);

                entry->failures = 0;
                entry->broken = 0;
                entry->last_ok_usec = result->ended_realtime_usec;
                live_stale_ok(entry);
                if (entry->failing)
                        set_recovered(entry, result, hooks);
                else if (was_stale)
                        tell(entry, EVENT_RECOVERED, result, "ok again, and no longer stale");
        } else if (is_of_items(result)) {
                entry->failures++;
                entry->broken = 0;
                if (entry->failing)
                        set_recovered(entry, result, hooks);
        } else if (outcome_is_failure(result->outcome)) {
                entry->failures++;
                entry->broken++;
                if (!entry->failing && is_enough(entry))
                        set_failing(entry, result, hooks);
        }
}

void live_recovered(struct live_task *entry, struct run *run) {
        char name[RUN_NAME_MAX];
        struct result *result;

        if (entry->failures > 0 || entry->failing)
                live_note(entry);
        entry->failures = 0;
        if (!entry->failing)
                return;
        /* The run goes on, so what is told of it is made for the occasion. */
        result = result_new(entry->task->run.name, run_name(run, name));
        if (!result)
                return;
        result->outcome = OUTCOME_OK;
        result->reason = strdup("it is ready");
        result->attempts = run_attempts(run);
        set_recovered(entry, result, true);
        result_unref(result);
}
