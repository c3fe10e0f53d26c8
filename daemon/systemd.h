/* SPDX-License-Identifier: MIT */
#pragma once
/* systemd: tells the service manager what phase the daemon is in, by sd_notify(3). Nothing without libsystemd, or when
 * the daemon was not started by a manager that asked for it. */
#include "runner.h"

void systemd_notify_phase(enum runner_phase phase);
