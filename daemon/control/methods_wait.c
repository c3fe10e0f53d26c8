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
        struct control *control;
        struct varlink_call *call;
        struct wanted *wanted;
        size_t n_wanted;
        size_t allocated;
        size_t n_told;
};

static void waiter_free(void *cursor) {
        struct waiter *waiter = cursor;

        list_remove(&waiter->link);
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

        wanted = first_done(waiter);
        if (!wanted)
                return -EAGAIN;
        *ret = json_pack("{s:o}", "result", outcome_to_json(wanted->result));
        wanted->result = result_unref(wanted->result);
        wanted->told = true;
        waiter->n_told++;
        return waiter->n_told < waiter->n_wanted;
}

const struct varlink_stream_ops waiter_ops = { waiter_next, waiter_free };

struct result *wait_find_result(const struct control *control, const char *run) {
        const char *slash = strrchr(run, '/'), *name = slash ? slash + 1 : run;
        _cleanup_(freep) char *task = strndup(name, strcspn(name, "#"));
        const struct live_task *live = task ? live_find(control->live, task) : NULL;
        struct result *last = live ? live_task_last(live) : NULL;

        return last && streq(last->run, run) ? last : NULL;
}

struct waiter *waiter_new(struct control *control, struct varlink_call *call) {
        struct waiter *waiter = calloc(1, sizeof(*waiter));

        if (!waiter)
                return NULL;
        waiter->control = control;
        waiter->call = call;
        list_append(&control->waiters, &waiter->link);
        return waiter;
}

int waiter_add(struct waiter *waiter, const char *run) {
        struct result *last = wait_find_result(waiter->control, run);
        char *name;

        if (waiter->n_wanted == waiter->allocated) {
                size_t n = MAX(waiter->allocated * 2, (size_t)8);
                struct wanted *wanted = reallocarray(waiter->wanted, n, sizeof(*wanted));

                if (!wanted)
                        return -ENOMEM;
                waiter->wanted = wanted;
                waiter->allocated = n;
        }
        name = strdup(run);
        if (!name)
                return -ENOMEM;
        waiter->wanted[waiter->n_wanted++] = (struct wanted){
                .name = name,
                .result = last ? result_ref(last) : NULL,
        };
        return 0;
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
