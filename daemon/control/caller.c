/* SPDX-License-Identifier: MIT */
/* caller: see caller.h. */
#include "control/caller.h"

#include "base/log.h"
#include "live/outcome_json.h"
#include "loop/child_find.h"
#include "task/kind.h"

#include <stdio.h>

#define WAIT_USEC USEC_PER_SEC

static void on_found(struct child *child, void *arg) {
        struct caller *caller = arg;
        const struct run *leaf = child ? kind_run_of(child) : NULL;
        char name[RUN_NAME_MAX];

        caller->search = NULL;
        loop_timer_set(&caller->late, USEC_INFINITY);
        if (leaf) {
                caller->job = strdup(run_name(leaf, name));
                caller->error = caller->job ? 0 : -ENOMEM;
        }
        varlink_wake(caller->call);
}

static void on_late(struct loop_timer *timer _unused_, void *arg) {
        struct caller *caller = arg;

        caller->search = child_search_cancel(caller->search);
        log_warning("control: reading about client pid %d takes longer than 1s; what it starts is a child of no run",
                    (int)varlink_call_peer(caller->call)->pid);
        varlink_wake(caller->call);
}

int caller_init(struct caller *caller, struct control *control, struct varlink_call *call) {
        const struct varlink_peer *peer = varlink_call_peer(call);
        struct loop *loop = live_loop(control->live);
        struct child_suspect suspect = { .pid = peer->pid, .begun_by_usec = peer->connected_usec };
        int r;

        *caller = (struct caller){ 0 };
        if (loop_timer_init(&caller->late, loop, CLOCK_ID_MONOTONIC, "caller", on_late, caller) < 0)
                return -ENOMEM;
        caller->control = control;
        caller->call = call;
        suspect.pidfd = varlink_call_peer_pidfd(call);
        r = child_find(live_spawner(control->live), &suspect, on_found, caller, &caller->search);
        if (r == -ENOENT)
                return 0;
        if (r < 0) {
                caller_done(caller);
                return r;
        }
        loop_timer_set(&caller->late, usec_add(clock_now(CLOCK_ID_MONOTONIC), WAIT_USEC));
        return 0;
}

void caller_done(struct caller *caller) {
        if (!caller->control)
                return;
        caller->search = child_search_cancel(caller->search);
        loop_timer_done(&caller->late);
        free(caller->job);
        *caller = (struct caller){ 0 };
}

/* ---- answers ---- */

static int reply_ends(struct caller *caller) {
        return varlink_error(caller->call, ERROR_RUNNER("CallerEnds"),
                             json_pack("{s:o}", "run", json_text(caller->job)));
}

int caller_next(struct caller *caller, struct run **ret) {
        struct run *job = NULL;

        if (caller->search)
                return -EAGAIN;
        if (caller->error < 0)
                return caller->error;
        if (caller->job) {
                job = run_tree_find(live_tree(caller->control->live), caller->job);
                if (!job)
                        return reply_ends(caller);
        }
        *ret = job;
        return 1;
}

static void explain(const struct run_conflict *conflict, const char *holder, char *buf, size_t size) {
        if (conflict->limit)
                (void)snprintf(buf, size,
                               "%s would wait for permits of limit %s, of which %s has some until it is done, and that "
                               "would wait for %s",
                               conflict->task, limit_name(conflict->limit), holder, conflict->task);
        else
                (void)snprintf(buf, size,
                               "%s would wait for %s, because its runs do not overlap, and that would wait for %s",
                               conflict->task, holder, conflict->task);
}

static int reply_deadlock(struct caller *caller, const struct run_conflict *conflict) {
        char holder[RUN_NAME_MAX], text[3 * RUN_NAME_MAX];

        explain(conflict, run_name(conflict->holder, holder), text, sizeof(text));
        return varlink_error(caller->call, ERROR_RUNNER("WouldDeadlock"),
                             json_pack("{s:s, s:o, s:s*, s:o}", "task", conflict->task, "run", json_text(holder),
                                       "limit", conflict->limit ? limit_name(conflict->limit) : NULL, "reason",
                                       json_text(text)));
}

int caller_refused(struct caller *caller, const struct run_spec *spec, int error) {
        struct run *job = caller->job ? run_tree_find(live_tree(caller->control->live), caller->job) : NULL;
        struct run_conflict conflict;

        if (!job || run_may_host(job, spec, &conflict) != error)
                return error;
        switch (error) {
        case -ESTALE: return reply_ends(caller);
        case -EMLINK:
                return varlink_error(caller->call, ERROR_RUNNER("TooDeep"),
                                     json_pack("{s:o}", "run", json_text(caller->job)));
        case -EDEADLK: return reply_deadlock(caller, &conflict);
        default: return error;
        }
}
