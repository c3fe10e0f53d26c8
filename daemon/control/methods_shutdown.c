/* SPDX-License-Identifier: MIT */
/* methods_shutdown: Shutdown, and what a daemon that ends waits for. */
#include "control/methods.h"
#include "live/outcome_json.h"

#define NAMES_MAX 10

int method_shutdown(struct varlink_call *call, const json_t *parameters, void *arg) {
        const struct control_options *options = &((struct control *)arg)->options;
        bool now = json_is_true(json_object_get(parameters, "now"));
        bool when_idle = json_is_true(json_object_get(parameters, "when_idle"));
        int r;

        if (now && when_idle)
                return varlink_error_parameter(call, "when_idle");
        r = options->shutdown(now         ? CONTROL_SHUTDOWN_NOW
                              : when_idle ? CONTROL_SHUTDOWN_WHEN_IDLE
                                          : CONTROL_SHUTDOWN,
                              options->arg);
        if (r < 0)
                return r;
        return varlink_reply(call,
                             json_pack("{s:s, s:i}", "phase", options->phase(options->arg), "pid", (int)getpid()));
}

static size_t find_top_level(const struct live *live, struct run **ret, size_t n) {
        size_t found = 0;

        for (struct run *run = run_first_child(run_tree_root(live_tree(live))); run && found < n;
             run = run_next_sibling(run))
                if (run_get_state(run) != RUN_DONE)
                        ret[found++] = run;
        return found;
}

json_t *ending_to_json(const struct control *control) {
        const struct control_options *options = &control->options;
        usec_t at = options->ends_at ? options->ends_at(options->arg) : 0;
        struct run *runs[NAMES_MAX];
        json_t *names;
        size_t n;

        if (at == 0)
                return NULL;
        names = json_array();
        n = at == USEC_INFINITY ? live_find_busy(control->live, runs, NAMES_MAX)
                                : find_top_level(control->live, runs, NAMES_MAX);
        for (size_t i = 0; i < n; i++)
                (void)append_run_name(names, runs[i]);
        return json_pack("{s:o, s:o*}", "waits_for", names, "until_usec",
                         at == USEC_INFINITY ? NULL : json_usec(to_realtime(at)));
}
