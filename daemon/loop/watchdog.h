/* SPDX-License-Identifier: MIT */
#pragma once
/* watchdog: a thread that notices when the loop is stuck *now*, and logs in which callback, for which task, where in
 * the kernel (wchan, syscall), and with which stack. */
#include "loop/loop.h"

struct watchdog;

/* Watches @loop, whose thread is the caller, from a thread of its own: a callback that has not returned after
 * @stuck_usec is reported once as stuck, and once more when it returned, with how long it took. Returns 0, -ENOMEM,
 * -errno of thread creation. */
int watchdog_start(struct loop *loop, usec_t stuck_usec, struct watchdog **ret);
struct watchdog *watchdog_stop(struct watchdog *watchdog); /* joins the thread; always returns NULL */
DEFINE_CLEANUP(struct watchdog, watchdog_stop)
