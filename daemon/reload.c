/* SPDX-License-Identifier: MIT */
/* reload: what a reload means to the runner: its phase, and the keys that are not of tasks. */
#include "runner_private.h"

#include "base/log.h"
#include "check_config.h"
#include "config/diagnostics.h"

#include <stdio.h>

static void on_begin(void *arg) {
        struct runner *runner = arg;

        if (runner->phase == RUNNER_RUNNING)
                runner_set_phase(runner, RUNNER_RELOADING);
}

/* Command-line options go before the configuration, as they did at the start. */
static void take_daemon_keys(struct runner *runner) {
        const struct daemon_section *daemon = &runner->config->daemon;
        const struct store_section *store = &runner->config->store;

        if (runner->options->log_level < 0)
                log_set_max_level(daemon->log_level);
        loop_set_warn(runner->loop, daemon->loop_warn_usec, runner_on_slow, runner);
        if (runner->store)
                store_set_keep(runner->store, store->keep_usec, store->keep_runs);
        if (runner->metrics && metrics_configure(runner->metrics, &runner->config->metrics) < 0)
                log_error("metrics are not served as the configuration says: out of memory");
}

static void on_end(const struct reload_outcome *outcome, void *arg) {
        struct runner *runner = arg;

        if (outcome->error == -EBADMSG && !runner->refused)
                runner->refused = "a reload refused the files, and what was loaded before goes on";
        if (outcome->applied) {
                runner->refused = NULL;
                config_unref(runner->config);
                runner->config = config_ref(live_config(runner->live));
                take_daemon_keys(runner);
                if (runner->control)
                        control_access_changed(runner->control);
        }
        if (runner->phase == RUNNER_RELOADING)
                runner_set_phase(runner, RUNNER_RUNNING);
}

int runner_reload_init(struct runner *runner) {
        _cleanup_(freep) char *kept = instance_accepted_path(runner->instance.state_dir);
        const struct reloader_options options = {
                .live = runner->live,
                .path = runner->config_path,
                .kept = runner->options->no_fallback ? NULL : kept,
                .on_begin = on_begin,
                .on_end = on_end,
                .arg = runner,
        };
        int r;

        r = reloader_new(&options, &runner->reloader);
        if (r < 0)
                return r;
        if (runner->refused)
                live_emit(runner->live,
                          &(const struct event){ .id = EVENT_CONFIG_FALLBACK,
                                                 .text = "the configuration files are refused: running the last "
                                                         "configuration that was accepted" });
        else
                reloader_keep(runner->reloader, runner->config);
        return 0;
}

/* ---- the last one that was accepted ---- */

int runner_load_accepted(struct runner *runner, const char *state_dir) {
        _cleanup_(freep) char *path = instance_accepted_path(state_dir);
        const struct config_options options = { 0 };
        struct diagnostics diagnostics = { 0 };
        int r = path ? 0 : -ENOMEM;

        if (r == 0 && access(path, F_OK) < 0)
                return -errno; /* none was accepted yet */
        if (r == 0)
                r = config_load(path, &options, &diagnostics, &runner->config);
        if (r < 0) {
                check_print(&diagnostics);
                (void)fprintf(stderr, "tendd: the last configuration that was accepted, %s, cannot be used either\n",
                              path ?: "accepted.ini");
        } else {
                runner->refused = "runs the last one that was accepted, see the log";
                (void)fprintf(stderr, "tendd: starting with the last configuration that was accepted, %s\n", path);
        }
        diagnostics_done(&diagnostics);
        return r;
}
