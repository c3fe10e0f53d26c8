/* SPDX-License-Identifier: MIT */
/* methods_debug: io.tendd.Debug, what tests cannot bring about from outside; only with --enable-debug-hooks.
 *
 * A signal or a debugger stops all threads, or keeps the signals that end a process from doing so: neither is a loop that is
 * stuck in a process that is otherwise well.
 */
#include "control/descriptions.h"
#include "control/methods.h"

#include <time.h>

static const struct varlink_field fields_hold_loop[] = {
        { "usec", VARLINK_INT, false },
        { 0 },
};

static int hold_loop(struct varlink_call *call, const json_t *parameters, _unused_ void *arg) {
        const struct timespec moment = { .tv_nsec = 1000 * 1000 };
        json_int_t usec = json_integer_value(json_object_get(parameters, "usec"));
        usec_t until;

        if (usec < 0)
                return varlink_error_parameter(call, "usec");
        until = usec_add(clock_now(CLOCK_ID_MONOTONIC), (usec_t)usec);
        /* The watchdog interrupts it, to look at the stack. */
        while (clock_now(CLOCK_ID_MONOTONIC) < until)
                (void)nanosleep(&moment, NULL);
        return varlink_reply(call, json_object());
}

static const struct varlink_method methods[] = {
        { "HoldLoop", VARLINK_ROLE_ADMIN, VARLINK_CHANGES, fields_hold_loop, hold_loop },
};

const struct varlink_interface debug_interface = {
        .name = "io.tendd.Debug",
        .description = description_io_tendd_Debug,
        .methods = methods,
        .n_methods = ARRAY_SIZE(methods),
        .failed = "io.tendd.Debug.Failed",
};
