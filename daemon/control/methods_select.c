/* SPDX-License-Identifier: MIT */
/* methods_select: something is done with all live runs that names mean.
 *
 * What is done may cost a signal to each process of a run, so it is done in slices. In between runs come and go; the
 * cursor keeps, as that of Tree does, the instant of creation up to which all top-level runs were looked at, and those
 * that were created after the call are not meant by it. With a name that is none nothing is done; one of which nothing
 * runs must not keep it from being done with the others.
 */
#include "base/text.h"
#include "control/methods.h"

#define SLICE_USEC ((usec_t)200)

int nothing_meant(struct control *control, struct varlink_call *call, const char *name) {
        if (is_run_name(name))
                return reply_no_such_run(call, name);
        if (!is_known_task(control, name, true))
                return reply_no_such_task(call, name);
        return varlink_error(call, ERROR_RUNNER("NotRunning"), json_pack("{s:s}", "name", name));
}

int selection_init(struct selection *selection, struct control *control, json_t *names, run_fn fn, void *arg) {
        *selection = (struct selection){
                .control = control,
                .names = json_incref(names),
                .check = { .runs = true, .gone = true },
                .until_usec = clock_now(CLOCK_ID_MONOTONIC),
                .fn = fn,
                .arg = arg,
                .not_running = json_array(),
        };
        return selection->not_running ? 0 : -ENOMEM;
}

void selection_done(struct selection *selection) {
        json_decref(selection->names);
        json_decref(selection->not_running);
}

const char *selection_name(const struct selection *selection) {
        return json_string_value(json_array_get(selection->names, selection->name));
}

static bool is_meant(const char *task, void *arg) {
        return text_match(selection_name(arg), task);
}

static int do_run(struct run *run, void *arg) {
        struct selection *selection = arg;
        int r = selection->fn(run, selection->arg);

        selection->matched += r > 0;
        return r;
}

/* Does it with some of the runs of tasks that match. Returns 1 when it came to the end, 0 when there may be more, or a
 * negative errno. */
static int do_some(struct selection *selection) {
        struct run *run = run_first_child(run_tree_root(live_tree(selection->control->live)));
        usec_t end = clock_now(CLOCK_ID_MONOTONIC) + SLICE_USEC;
        int r;

        while (run && run_created_usec(run) <= selection->seen_usec)
                run = run_next_sibling(run);
        for (; run && run_created_usec(run) <= selection->until_usec; run = run_next_sibling(run)) {
                /* All of one instant at once, however many. */
                if (run_created_usec(run) > selection->seen_usec && clock_now(CLOCK_ID_MONOTONIC) >= end)
                        return 0;
                selection->seen_usec = run_created_usec(run);
                r = visit_runs(run, is_meant, do_run, selection);
                if (r < 0)
                        return r;
        }
        return 1;
}

/* The same with those that the name at hand means. */
static int do_named(struct selection *selection, const char *name) {
        struct run *run;
        int r;

        if (!is_run_name(name))
                return do_some(selection);
        run = run_tree_find(live_tree(selection->control->live), name);
        r = run ? do_run(run, selection) : 0;
        return r < 0 ? r : 1;
}

static int check_some(struct selection *selection, struct varlink_call *call) {
        const char *name;
        int r;

        r = names_check(selection->control, selection->names, &selection->check, &name);
        if (r < 0)
                return reply_no_such_task(call, name);
        selection->checked = r > 0;
        varlink_wake(call);
        return -EAGAIN;
}

int selection_next(struct selection *selection, struct varlink_call *call) {
        json_t *name = json_array_get(selection->names, selection->name);
        int r;

        if (!selection->checked)
                return check_some(selection, call);
        if (!name)
                return 1;
        r = do_named(selection, json_string_value(name));
        if (r < 0)
                return r;
        if (r > 0) {
                if (selection->matched == 0 && json_array_append(selection->not_running, name) < 0)
                        return -ENOMEM;
                selection->n_matched += selection->matched;
                selection->name++;
                selection->matched = 0;
                selection->seen_usec = 0;
        }
        varlink_wake(call);
        return -EAGAIN;
}
