/* SPDX-License-Identifier: MIT */
/* systemd: tells the service manager what phase the daemon is in, and that its loop turns. */
#include "systemd.h"

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>

static const char *const states[_RUNNER_PHASE_MAX] = {
        [RUNNER_RUNNING] = "READY=1\nSTATUS=running",
        [RUNNER_DRAINING] = "STOPPING=1\nSTATUS=draining",
        [RUNNER_STOPPING] = "STOPPING=1\nSTATUS=stopping",
};

void systemd_notify_phase(enum runner_phase phase) {
        if (phase == RUNNER_RELOADING) /* see sd_notify(3) */
                (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reloading",
                                 (unsigned long long)clock_now(CLOCK_ID_MONOTONIC));
        if (states[phase])
                (void)sd_notify(0, states[phase]);
}

void systemd_notify_status(const char *text) {
        (void)sd_notifyf(0, "STATUS=%s", text);
}

static void on_ping(struct loop_timer *timer, void *arg) {
        const struct systemd_watchdog *watchdog = arg;

        (void)sd_notify(0, "WATCHDOG=1");
        loop_timer_set(timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), watchdog->period_usec));
}

int systemd_watchdog_init(struct systemd_watchdog *watchdog, struct loop *loop) {
        uint64_t timeout_usec;
        int r;

        if (sd_watchdog_enabled(0, &timeout_usec) <= 0)
                return 0;
        /* Half of it is what sd_watchdog_enabled(3) recommends. */
        watchdog->period_usec = timeout_usec / 2;
        r = loop_timer_init(&watchdog->timer, loop, CLOCK_ID_MONOTONIC, "systemd-watchdog", on_ping, watchdog);
        if (r < 0)
                return r;
        loop_timer_set(&watchdog->timer, 0);
        return 0;
}
#else
void systemd_notify_phase(enum runner_phase phase _unused_) {
}

void systemd_notify_status(const char *text _unused_) {
}

int systemd_watchdog_init(struct systemd_watchdog *watchdog _unused_, struct loop *loop _unused_) {
        return 0;
}
#endif

void systemd_watchdog_done(struct systemd_watchdog *watchdog) {
        loop_timer_done(&watchdog->timer);
}
