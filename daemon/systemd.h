/* SPDX-License-Identifier: MIT */
#pragma once
/* systemd: what the daemon and the service manager have to say to each other: sd_notify(3), the watchdog, and the sockets
 * that the manager opened. Nothing without libsystemd, or when the daemon was not started by a manager that asked for
 * it. Nothing here waits for the manager but a change of phase, and that for a second at most. */
#include "loop/loop.h"
#include "runner.h"

/* Whether somebody listens. */
bool systemd_listens(void);

/* Tells the manager the @phase; what it means to it is told in any case, unless it takes nothing for a second. */
void systemd_notify_phase(enum runner_phase phase);

/* A line for `systemctl status`. Returns 0, or -EAGAIN: the manager is too busy to take it. */
int systemd_notify_status(const char *text);

/* Allows @usec from now on for what is under way, starting or stopping, whatever TimeoutStartSec= or TimeoutStopSec= says. */
void systemd_extend_timeout(usec_t usec);

/* The start goes on with @step, "opening the store", which is allowed some time. */
void systemd_notify_starting(const char *step);

struct systemd_watchdog {
        struct loop_timer timer;
        usec_t period_usec;
};

/* Pings as often as WatchdogSec= needs, from the loop alone: when that is stuck the pings end. Returns 0, also when
 * nobody wants them, or -ENOMEM. */
int systemd_watchdog_init(struct systemd_watchdog *watchdog, struct loop *loop);
void systemd_watchdog_done(struct systemd_watchdog *watchdog); /* harmless on a zeroed one */

/* A listening Unix stream socket that the manager has opened; the caller owns it. Only the first call finds one. Returns a
 * descriptor; -ENOENT: there is none; -EINVAL: what was passed is something else, or more than one. */
int systemd_take_socket(void);
