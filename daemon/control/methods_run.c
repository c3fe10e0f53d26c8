/* SPDX-License-Identifier: MIT */
/* methods_run: RunCommand and MapCommand: work that no configuration has, for as long as somebody waits for it.
 *
 * The client's call is the tie to its run, which is started when it is known whether the client is a process of a run, and
 * is a child of that then. The first answer names it, when it is kept; the last is how it ended. When the call ends
 * before, because the client is gone, the run is cancelled. In between MapCommand tells how far it is, as often as
 * that changes, but no more than ten times a second, and only to a client that takes it.
 */
#include "control/caller.h"
#include "control/transient.h"
#include "live/outcome_json.h"

#include <stdio.h>

/* How often it is looked at how far a map is; the longer nothing has changed, the less often. */
#define LOOK_USEC     (100 * USEC_PER_MSEC)
#define LOOK_MAX_USEC USEC_PER_SEC

struct attached {
        struct control *control;
        struct varlink_call *call;
        struct caller caller;
        struct task *task;     /* that is to be started; NULL: it is */
        struct waiter *waiter; /* NULL: it is let go of */
        char run[RUN_NAME_MAX];
        char by[BY_MAX];
        struct keeping keeping;
        bool told;  /* its name */
        bool ended; /* its end was told */

        /* of MapCommand */
        struct loop_timer look;
        bool may_look;
        usec_t pause_usec;
        uint64_t done; /* items, as was told last */
};

/* ---- the tie ---- */

static void cancel(struct attached *attached) {
        struct run *run = run_tree_find(live_tree(attached->control->live), attached->run);
        char by[BY_MAX + 32];

        (void)snprintf(by, sizeof(by), "%s: the client vanished", attached->by);
        if (run)
                (void)live_stop(run, by, false);
}

static void attached_free(void *cursor) {
        struct attached *attached = cursor;

        if (attached->waiter && !attached->ended && *attached->run)
                cancel(attached);
        keeping_reset(&attached->keeping);
        caller_done(&attached->caller);
        task_unref(attached->task);
        loop_timer_done(&attached->look);
        if (attached->waiter)
                waiter_ops.free(attached->waiter);
        free(attached);
}

/* ---- how far it is ---- */

static void on_look(_unused_ struct loop_timer *timer, void *arg) {
        struct attached *attached = arg;

        attached->may_look = true;
        varlink_wake(attached->call);
}

static void look_later(struct attached *attached, bool changed) {
        attached->pause_usec = changed ? LOOK_USEC : MIN(attached->pause_usec * 2, LOOK_MAX_USEC);
        attached->may_look = false;
        loop_timer_set(&attached->look, usec_add(clock_now(CLOCK_ID_MONOTONIC), attached->pause_usec));
}

static uint64_t count_done(const struct items_summary *items) {
        uint64_t done = 0;

        for (enum outcome outcome = 0; outcome < _OUTCOME_MAX; outcome++)
                done += items->by_outcome[outcome];
        return done;
}

/* Returns 1 with an answer, or -EAGAIN. */
static int tell_items(struct attached *attached, json_t **ret) {
        struct run *run = run_tree_find(live_tree(attached->control->live), attached->run);
        const struct items_summary *items = run ? run_items_so_far(run) : NULL;
        uint64_t done;

        if (!items || !attached->may_look)
                return -EAGAIN;
        done = count_done(items);
        look_later(attached, done != attached->done);
        if (done == attached->done)
                return -EAGAIN;
        attached->done = done;
        *ret = json_pack("{s:o}", "items", items_to_json(items));
        return 1;
}

/* ---- the answers ---- */

static int tell_name(struct attached *attached, struct varlink_call *call, json_t **ret) {
        int r;

        r = keeping_next(&attached->keeping, attached->control, call);
        if (r <= 0)
                return r;
        attached->told = attached->may_look = true;
        *ret = json_pack("{s:o}", "run", json_text(attached->run));
        return attached->waiter != NULL;
}

/* Starts its task, which then belongs to its run. Returns 1, 0 when the call was answered with an error, -EAGAIN, -ENOMEM. */
static int start(struct attached *attached, struct varlink_call *call) {
        struct live_start how = { .by = attached->by };
        const char *limit = NULL;
        struct run *run;
        int r;

        r = caller_next(&attached->caller, &how.host);
        if (r <= 0)
                return r;
        r = live_start_transient(attached->control->live, attached->task, &how, &limit, &run);
        if (r < 0) {
                r = caller_refused(&attached->caller, &attached->task->run, r);
                return r < 0 ? transient_refused(call, attached->task, r, limit) : 0;
        }
        attached->task = task_unref(attached->task);
        (void)run_name(run, attached->run);
        return !attached->waiter || waiter_add(attached->waiter, attached->run) == 0 ? 1 : -ENOMEM;
}

static int attached_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct attached *attached = cursor;
        int r;

        if (attached->task) {
                r = start(attached, call);
                if (r <= 0)
                        return r;
        }
        if (!attached->told)
                return tell_name(attached, call, ret);
        r = waiter_ops.next(call, attached->waiter, ret);
        if (r == -EAGAIN)
                return tell_items(attached, ret);
        attached->ended = r == 0;
        return r;
}

static const struct varlink_stream_ops attached_ops = { .next = attached_next, .free = attached_free };

/* ---- the calls ---- */

static int attached_init(struct attached *attached, struct control *control, struct varlink_call *call, bool detach) {
        attached->control = control;
        attached->call = call;
        attached->pause_usec = LOOK_USEC;
        (void)call_by(call, attached->by);
        if (!detach) {
                attached->waiter = waiter_new(control, call);
                if (!attached->waiter)
                        return -ENOMEM;
        }
        if (loop_timer_init(&attached->look, live_loop(control->live), CLOCK_ID_MONOTONIC, "map", on_look, attached) <
            0)
                return -ENOMEM;
        return caller_init(&attached->caller, control, call);
}

static int begin(struct control *control, struct varlink_call *call, const json_t *parameters, bool map, bool detach) {
        struct attached *attached = calloc(1, sizeof(*attached));
        int r;

        if (!attached)
                return -ENOMEM;
        r = transient_new(control, call, parameters, map, &attached->task);
        if (r > 0 && attached_init(attached, control, call, detach) < 0)
                r = -ENOMEM;
        if (r <= 0) {
                attached_free(attached);
                return r;
        }
        return varlink_stream(call, &attached_ops, attached);
}

int method_run(struct varlink_call *call, const json_t *parameters, void *arg) {
        bool detach = json_is_true(json_object_get(parameters, "detach"));

        if (!detach && !varlink_call_more(call))
                return varlink_error(call, "org.varlink.service.ExpectedMore", NULL);
        return begin(arg, call, parameters, false, detach);
}

int method_map(struct varlink_call *call, const json_t *parameters, void *arg) {
        return begin(arg, call, parameters, true, false);
}
