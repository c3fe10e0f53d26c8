/* SPDX-License-Identifier: MIT */
/* reload: what a reload means to the runner: its phase, and the keys that are not of tasks. */
#include "runner_private.h"

#include "base/log.h"

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
}

static void on_end(const struct reload_outcome *outcome, void *arg) {
        struct runner *runner = arg;

        if (outcome->applied) {
                config_unref(runner->config);
                runner->config = config_ref(live_config(runner->live));
                take_daemon_keys(runner);
        }
        if (runner->phase == RUNNER_RELOADING)
                runner_set_phase(runner, RUNNER_RUNNING);
}

int runner_reload_init(struct runner *runner) {
        const struct reloader_options options = {
                .live = runner->live,
                .path = runner->config_path,
                .on_begin = on_begin,
                .on_end = on_end,
                .arg = runner,
        };

        return reloader_new(&options, &runner->reloader);
}
