/* SPDX-License-Identifier: MIT */
/* health: a task that tells whether a service does what it is for.
 *
 * It is due while the service is ready, counted from then on. When it has failed failing-after times in a row the
 * present attempt of the service fails, and `restart` decides. It fails for one attempt alone: what it found before says
 * nothing of the next, so its count begins anew, and a run of it that is still at work is not wanted any more.
 */
#include "live/live_private.h"

#include <stdio.h>

static void cancel_checks(struct live_service *service) {
        struct run *run;

        for (run = run_first_child(run_tree_root(service->entry->live->tree)); run; run = run_next_sibling(run))
                if (run_get_spec(run) == &service->check->task->run && !run_is_hook(run))
                        (void)run_cancel(run, CANCEL_PARENT, service->entry->task->run.name);
}

static void begin(struct live_service *service, uint64_t attempt) {
        service->checked = attempt;
        service->check->failures = 0;
        if (service->check->trigger.ops && service->entry->live->triggers)
                trigger_arm(&service->check->trigger);
}

static void end(struct live_service *service) {
        service->checked = 0;
        service->check->failures = 0;
        if (service->check->trigger.ops)
                trigger_disarm(&service->check->trigger);
        cancel_checks(service);
}

void live_health_end(struct live_service *service) {
        if (service->checked != 0)
                end(service);
}

static void fail(struct live_service *service, struct run *leaf) {
        const struct live_task *check = service->check;
        const struct result *last = check->last;
        char text[400];

        (void)snprintf(text, sizeof(text), "%s failed %u times in a row: %s: %s", check->task->run.name,
                       check->failures, error_kind_to_string(result_error(last)), result_detail(last));
        run_leaf_fail(leaf, ERROR_HEALTH, text);
}

void live_health_update(struct live_service *service) {
        struct run *leaf = service->run && run_is_ready(service->run) ? run_present_leaf(service->run) : NULL;
        uint64_t attempt = leaf ? run_get_number(leaf) : 0;

        if (!service->check)
                return;
        if (service->checked != 0 && service->checked != attempt)
                end(service);
        if (service->checked != attempt)
                begin(service, attempt);
        if (leaf && service->check->last && service->check->failures >= service->check->task->failing_after)
                fail(service, leaf);
}
