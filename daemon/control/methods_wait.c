/* SPDX-License-Identifier: MIT */
/* methods_wait: clients that wait for runs to end.
 *
 * A waiter is the cursor of a stream. It knows its runs by name, because they are freed when they are done, and takes a
 * reference to their results from the event that tells so. A run that has ended before is found as its task's last.
 * An end is told when it is kept: nobody acts on one that the history then does not know.
 */
#include "control/methods.h"
#include "live/outcome_json.h"

enum wanted_state {
        WANTED_LIVES,
        WANTED_ENDED, /* has a result, until it is told */
        WANTED_ASKED, /* the wait under way is also for this end */
        WANTED_KEPT,
        WANTED_TOLD,
};

struct wanted {
        char *name;
        enum wanted_state state;
        struct result *result;
};

struct waiter {
        struct list link; /* in control->waiters */
        struct control *control;
        struct varlink_call *call;
        struct wanted *wanted;
        size_t n_wanted;
        size_t allocated;
        size_t n_told;
        struct keeping keeping;
        struct wait_timeout timeout;
};

/* ---- patience ---- */

static void on_timeout(_unused_ struct loop_timer *timer, void *arg) {
        struct wait_timeout *timeout = arg;

        timeout->over = true;
        varlink_wake(timeout->call);
}

int wait_timeout_begin(struct wait_timeout *timeout, struct control *control, struct varlink_call *call, usec_t usec) {
        int r;

        if (usec == 0)
                return 0;
        r = loop_timer_init(&timeout->timer, live_loop(control->live), CLOCK_ID_MONOTONIC, "control-wait", on_timeout,
                            timeout);
        if (r < 0)
                return r;
        timeout->call = call;
        loop_timer_set(&timeout->timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), usec));
        return 0;
}

void wait_timeout_done(struct wait_timeout *timeout) {
        if (timeout->call)
                loop_timer_done(&timeout->timer);
        timeout->call = NULL;
}

int reply_timed_out(struct varlink_call *call, json_t *names) {
        return varlink_error(call, ERROR_RUNNER("TimedOut"), json_pack("{s:o}", "waiting_for", names));
}

/* ---- ends ---- */

static void waiter_free(void *cursor) {
        struct waiter *waiter = cursor;

        list_remove(&waiter->link);
        keeping_reset(&waiter->keeping);
        wait_timeout_done(&waiter->timeout);
        for (size_t i = 0; i < waiter->n_wanted; i++) {
                free(waiter->wanted[i].name);
                result_unref(waiter->wanted[i].result);
        }
        free(waiter->wanted);
        free(waiter);
}

static struct wanted *first_in(struct waiter *waiter, enum wanted_state state) {
        for (size_t i = 0; i < waiter->n_wanted; i++)
                if (waiter->wanted[i].state == state)
                        return &waiter->wanted[i];
        return NULL;
}

static void move_all(struct waiter *waiter, enum wanted_state from, enum wanted_state to) {
        for (size_t i = 0; i < waiter->n_wanted; i++)
                if (waiter->wanted[i].state == from)
                        waiter->wanted[i].state = to;
}

/* Returns 1 when those that had ended are kept; 0 when none has ended; -EAGAIN, -ENOMEM. */
static int keep(struct waiter *waiter, struct varlink_call *call) {
        int r;

        if (!first_in(waiter, WANTED_ASKED)) {
                if (!first_in(waiter, WANTED_ENDED))
                        return 0;
                move_all(waiter, WANTED_ENDED, WANTED_ASKED);
        }
        r = keeping_next(&waiter->keeping, waiter->control, call);
        if (r > 0) {
                keeping_reset(&waiter->keeping);
                move_all(waiter, WANTED_ASKED, WANTED_KEPT);
        }
        return r;
}

static json_t *untold_names(const struct waiter *waiter) {
        json_t *names = json_array();

        for (size_t i = 0; i < waiter->n_wanted; i++)
                if (waiter->wanted[i].state != WANTED_TOLD)
                        (void)json_array_append_new(names, json_text(waiter->wanted[i].name));
        return names;
}

static int waiter_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct waiter *waiter = cursor;
        struct wanted *wanted;
        int r;

        wanted = first_in(waiter, WANTED_KEPT);
        if (!wanted) {
                r = keep(waiter, call);
                if (r == 0 && waiter->timeout.over)
                        return reply_timed_out(call, untold_names(waiter));
                if (r <= 0)
                        return r == 0 ? -EAGAIN : r;
                wanted = first_in(waiter, WANTED_KEPT);
        }
        *ret = json_pack("{s:o}", "result", outcome_to_json(wanted->result));
        wanted->result = result_unref(wanted->result);
        wanted->state = WANTED_TOLD;
        waiter->n_told++;
        return waiter->n_told < waiter->n_wanted;
}

const struct varlink_stream_ops waiter_ops = { .next = waiter_next, .free = waiter_free };

struct result *wait_find_result(const struct control *control, const char *run) {
        const char *slash = strrchr(run, '/'), *name = slash ? slash + 1 : run;
        _cleanup_(freep) char *task = strndup(name, strcspn(name, "#"));
        const struct live_task *live = task ? live_find_any(control->live, task) : NULL;
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
                .state = last ? WANTED_ENDED : WANTED_LIVES,
                .result = last ? result_ref(last) : NULL,
        };
        return 0;
}

int waiter_set_timeout(struct waiter *waiter, usec_t usec) {
        return wait_timeout_begin(&waiter->timeout, waiter->control, waiter->call, usec);
}

void wait_on_event(struct control *control, const struct event *event) {
        struct waiter *waiter;

        if (event->id != EVENT_RUN_DONE || !event->result || !event->run)
                return;
        list_for_each_entry(waiter, &control->waiters, link) {
                for (size_t i = 0; i < waiter->n_wanted; i++) {
                        struct wanted *wanted = &waiter->wanted[i];

                        if (wanted->state != WANTED_LIVES || !streq(wanted->name, event->run))
                                continue;
                        wanted->state = WANTED_ENDED;
                        wanted->result = result_ref((struct result *)event->result);
                        varlink_wake(waiter->call);
                }
        }
}

bool wait_owes_ends(const struct control *control) {
        const struct waiter *waiter;

        list_for_each_entry(waiter, &control->waiters, link)
                for (size_t i = 0; i < waiter->n_wanted; i++)
                        if (waiter->wanted[i].state > WANTED_LIVES && waiter->wanted[i].state < WANTED_TOLD)
                                return true;
        return false;
}

void wait_no_longer(struct control *control) {
        struct waiter *waiter;

        control->ends = true;
        list_for_each_entry(waiter, &control->waiters, link)
                varlink_wake(waiter->call);
}
