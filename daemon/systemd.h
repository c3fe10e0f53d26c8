/* SPDX-License-Identifier: MIT */
#pragma once
/* systemd: tells the service manager what phase the daemon is in, and that its loop turns, by sd_notify(3). Nothing
 * without libsystemd, or when the daemon was not started by a manager that asked for it. */
#include "loop/loop.h"
#include "runner.h"

void systemd_notify_phase(enum runner_phase phase);
/* A line for `systemctl status`. */
void systemd_notify_status(const char *text);

struct systemd_watchdog {
        struct loop_timer timer;
        usec_t period_usec;
};

/* Pings as often as WatchdogSec= needs, from the loop alone: when that is stuck the pings end. Returns 0, also when
 * nobody wants them, or -ENOMEM. */
int systemd_watchdog_init(struct systemd_watchdog *watchdog, struct loop *loop);
void systemd_watchdog_done(struct systemd_watchdog *watchdog); /* harmless on a zeroed one */
