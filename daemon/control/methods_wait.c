/* SPDX-License-Identifier: MIT */
/* methods_wait: clients that wait for runs to end.
 *
 * A waiter is the cursor of a stream. It knows its runs by name, because they are freed when they are done, and takes a
 * reference to their results from the event that tells so. A run that has ended before is found as its task's last.
 */
#include "control/methods.h"
#include "live/outcome_json.h"

struct wanted {
        char *name;
        struct result *result; /* NULL: not done, or told already */
        bool told;
};

struct waiter {
        struct list link; /* in control->waiters */
        struct varlink_call *call;
        json_t *started; /* to be told first, or NULL */
        struct wanted *wanted;
        size_t n_wanted;
        size_t n_told;
};

static void waiter_free(void *cursor) {
        struct waiter *waiter = cursor;

        list_remove(&waiter->link);
        json_decref(waiter->started);
        for (size_t i = 0; i < waiter->n_wanted; i++) {
                free(waiter->wanted[i].name);
                result_unref(waiter->wanted[i].result);
        }
        free(waiter->wanted);
        free(waiter);
}

static struct wanted *first_done(struct waiter *waiter) {
        for (size_t i = 0; i < waiter->n_wanted; i++)
                if (waiter->wanted[i].result)
                        return &waiter->wanted[i];
        return NULL;
}

static int waiter_next(_unused_ struct varlink_call *call, void *cursor, json_t **ret) {
        struct waiter *waiter = cursor;
        struct wanted *wanted;

        if (waiter->started) {
                *ret = json_pack("{s:o}", "started", TAKE_PTR(waiter->started));
                return waiter->n_wanted > 0;
        }
        wanted = first_done(waiter);
        if (!wanted)
                return -EAGAIN;
        *ret = json_pack("{s:o}", "result", outcome_to_json(wanted->result));
        wanted->result = result_unref(wanted->result);
        wanted->told = true;
        waiter->n_told++;
        return waiter->n_told < waiter->n_wanted;
}

static const struct varlink_stream_ops waiter_ops = { waiter_next, waiter_free };

struct result *wait_find_result(const struct control *control, const char *run) {
        const char *slash = strrchr(run, '/'), *name = slash ? slash + 1 : run;
        _cleanup_(freep) char *task = strndup(name, strcspn(name, "#"));
        const struct live_task *live = task ? live_find(control->live, task) : NULL;
        struct result *last = live ? live_task_last(live) : NULL;

        return last && streq(last->run, run) ? last : NULL;
}

int wait_for_runs(struct control *control, struct varlink_call *call, json_t *started, json_t *runs) {
        struct waiter *waiter = calloc(1, sizeof(*waiter));
        size_t n = json_array_size(runs);

        if (waiter)
                waiter->wanted = calloc(MAX(n, (size_t)1), sizeof(*waiter->wanted));
        if (!waiter || !waiter->wanted) {
                free(waiter);
                json_decref(started);
                json_decref(runs);
                return -ENOMEM;
        }
        list_init(&waiter->link);
        waiter->call = call;
        waiter->started = started;
        for (size_t i = 0; i < n; i++) {
                const char *name = json_string_value(json_array_get(runs, i));
                struct wanted *wanted = &waiter->wanted[waiter->n_wanted];
                struct result *last;

                wanted->name = strdup(name);
                if (!wanted->name)
                        break;
                waiter->n_wanted++;
                last = wait_find_result(control, name);
                if (last)
                        wanted->result = result_ref(last);
        }
        json_decref(runs);
        if (waiter->n_wanted < n) {
                waiter_free(waiter);
                return -ENOMEM;
        }
        list_append(&control->waiters, &waiter->link);
        return varlink_stream(call, &waiter_ops, waiter);
}

void wait_on_event(struct control *control, const struct event *event) {
        struct waiter *waiter;

        if (event->id != EVENT_RUN_DONE || !event->result || !event->run)
                return;
        list_for_each_entry(waiter, &control->waiters, link) {
                for (size_t i = 0; i < waiter->n_wanted; i++) {
                        struct wanted *wanted = &waiter->wanted[i];

                        if (wanted->told || wanted->result || !streq(wanted->name, event->run))
                                continue;
                        wanted->result = result_ref((struct result *)event->result);
                        varlink_wake(waiter->call);
                }
        }
}
