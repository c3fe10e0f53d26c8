/* SPDX-License-Identifier: MIT */
#pragma once
/* runner: the controller that owns the loop and the life of everything: start, run, drain, stop.
 *
 *                  reloading
 *                     ▲ ▼
 *      starting ──▶ running ──▶ finishing ──▶ draining ──▶ stopping ──▶ stopped
 *
 * Each phase may also go straight to any that is further to the right.
 *
 * What asyncio.run() is to a program, the runner is to a host: whatever runs, runs below it, and it does not end before
 * that has.
 */
#include "options.h"

enum runner_phase {
        RUNNER_STARTING,
        RUNNER_RUNNING,
        RUNNER_RELOADING, /* runs as before, and reads its configuration */
        RUNNER_FINISHING, /* starts nothing new, and lets what runs come to its end */
        RUNNER_DRAINING,  /* runs with on-shutdown = wait are given drain-timeout */
        RUNNER_STOPPING,  /* everything is given shutdown-timeout, then forced */
        RUNNER_STOPPED,
        _RUNNER_PHASE_MAX,
};

const char *runner_phase_to_string(enum runner_phase phase);

/* Runs the daemon, or with COMMAND_ONCE one task, until it is told to stop or the task is done. Returns the exit code of
 * the process: 0; for --once that of the outcome, see tendd(8); 2 when the configuration is wrong; 125 when the
 * daemon itself cannot go on, after a line on stderr. -EBUSY: a runner runs in this thread already. */
int runner_run(const struct options *options);
