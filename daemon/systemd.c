/* SPDX-License-Identifier: MIT */
/* systemd: tells the service manager what phase the daemon is in. */
#include "systemd.h"

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>

static const char *const states[_RUNNER_PHASE_MAX] = {
        [RUNNER_RUNNING] = "READY=1\nSTATUS=running",
        [RUNNER_DRAINING] = "STOPPING=1\nSTATUS=draining",
        [RUNNER_STOPPING] = "STOPPING=1\nSTATUS=stopping",
};

void systemd_notify_phase(enum runner_phase phase) {
        if (states[phase])
                (void)sd_notify(0, states[phase]);
}
#else
void systemd_notify_phase(enum runner_phase phase _unused_) {
}
#endif
