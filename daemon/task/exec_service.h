/* SPDX-License-Identifier: MIT */
#pragma once
/* exec_service: what an attempt of a command says of itself, and whether a service is ready and alive.
 *
 * Embedded in the leaf of kind_exec, for jobs too: they may tell their status and progress, and ask for more time.
 */
#include "loop/notify_message.h"
#include "task/kind.h"

#include <regex.h>

struct ready_probe;

struct exec_service {
        struct run *leaf; /* NULL: it does not matter any more */
        const struct task *task;
        struct loop_timer ready;    /* when to try to connect again, or when it counts as ready */
        struct loop_timer watchdog; /* the last moment for the next WATCHDOG=1, or, leaving, for its end */
        struct ready_probe *probe;
        regex_t expression;
        bool has_expression;
        bool has_spoken;   /* it told a status of its own */
        bool is_ready;     /* has ever been */
        bool is_leaving;   /* it said STOPPING=1 */
        bool is_stopped;   /* it was asked to end, or has ended */
        usec_t pause_usec; /* before the next try to connect */
};

/* Of the attempt @leaf. Returns 0 or -ENOMEM. exec_service_done() is needed in either case. */
int exec_service_init(struct exec_service *service, struct run *leaf);
void exec_service_done(struct exec_service *service);

/* Its program runs. */
void exec_service_started(struct exec_service *service);
/* It printed a line, of @n bytes without the line break; what is behind a NUL byte is not looked at. */
void exec_service_line(struct exec_service *service, const char *line, size_t n);
/* One of its processes spoke on the notify socket. */
void exec_service_notify(struct exec_service *service, const struct notify_message *message);
/* It is being stopped: nothing is expected of it any more, but it may still tell how it gets on. */
void exec_service_stopped(struct exec_service *service);
/* Its program has ended, or it was given up: the leaf is not touched any more. */
void exec_service_ended(struct exec_service *service);

/* Whether a clean end by itself, now, is too early: it was to become ready, and has not. */
bool exec_service_is_early(const struct exec_service *service);

/* Whether it waits for a line. */
bool exec_service_wants_lines(const struct exec_service *service);
