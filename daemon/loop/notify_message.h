/* SPDX-License-Identifier: MIT */
#pragma once
/* notify_message: what a process says of itself on its notify socket (sd_notify(3)), understood. */
#include "base/clock.h"

#define NOTIFY_STATUS_MAX 256

struct notify_message {
        bool ready;                         /* READY=1 */
        bool stopping;                      /* STOPPING=1 */
        bool watchdog;                      /* WATCHDOG=1 */
        bool watchdog_trigger;              /* WATCHDOG=trigger: it knows itself that it has failed */
        bool has_status;                    /* STATUS=…; an empty one takes back what was said before */
        bool has_progress;                  /* X_TENDD_PROGRESS=done/total */
        char status[NOTIFY_STATUS_MAX + 1]; /* cut off between characters when longer */
        uint64_t done;
        uint64_t total;
        usec_t extend_usec; /* EXTEND_TIMEOUT_USEC=…; 0: it is not asked for */
};

/* Understands the @n bytes of a datagram: lines of NAME=VALUE. Lines that are unknown, or whose value cannot be, are
 * passed over, as the protocol demands. */
void notify_message_parse(const char *text, size_t n, struct notify_message *ret);
