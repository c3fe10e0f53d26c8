/* SPDX-License-Identifier: MIT */
/* exec_service: readiness, watchdog and messages of an attempt.
 *
 *      started ──▶ [exec: at once] [after: a timer] [line: a match] [connect: tries] [notify: READY=1] ──▶ ready
 *
 * The watchdog begins when it is ready, and every WATCHDOG=1 moves it. STOPPING=1 ends both: whoever says that is not
 * ready any more, and owes no sign of life but its end.
 *
 * While a service that is connected to is not ready, why shows what the last try met, as its status; unless it has told
 * one of its own.
 */
#include "task/exec_service.h"

#include "base/text.h"
#include "task/ready_probe.h"
#include "task/template.h"

#include <stdio.h>

#define PAUSE_MIN (50 * USEC_PER_MSEC)
#define PAUSE_MAX USEC_PER_SEC

static const struct service_part *part_of(const struct exec_service *service) {
        return service->task->service;
}

/* ---- watchdog ---- */

static void feed_watchdog(struct exec_service *service) {
        const struct service_part *part = part_of(service);

        if (part && part->watchdog_usec > 0 && service->is_ready && !service->is_stopped)
                loop_timer_set(&service->watchdog, usec_add(clock_now(CLOCK_ID_MONOTONIC), part->watchdog_usec));
}

static void on_watchdog(struct loop_timer *timer _unused_, void *arg) {
        struct exec_service *service = arg;
        char detail[128], span[TEXT_USEC_MAX];

        (void)snprintf(detail, sizeof(detail), "no WATCHDOG=1 for %s",
                       text_format_usec(part_of(service)->watchdog_usec, span));
        run_leaf_fail(service->leaf, ERROR_WATCHDOG, detail);
}

/* ---- readiness ---- */

static void set_ready(struct exec_service *service) {
        if (service->is_ready)
                return;
        service->is_ready = true;
        loop_timer_set(&service->ready, USEC_INFINITY);
        service->probe = ready_probe_cancel(service->probe);
        if (!service->has_spoken && service->address)
                run_leaf_set_status(service->leaf, "");
        run_leaf_ready(service->leaf);
        feed_watchdog(service);
}

static void try_to_connect(struct exec_service *service);

static void on_ready_timer(struct loop_timer *timer _unused_, void *arg) {
        struct exec_service *service = arg;

        if (part_of(service)->ready == READY_CONNECT)
                try_to_connect(service);
        else
                set_ready(service);
}

static void try_again_later(struct exec_service *service, const char *why) {
        char text[NOTIFY_STATUS_MAX];

        if (!service->has_spoken) {
                (void)snprintf(text, sizeof(text), "not ready: %s: %s", service->address, why);
                run_leaf_set_status(service->leaf, text);
        }
        loop_timer_set(&service->ready, usec_add(clock_now(CLOCK_ID_MONOTONIC), service->pause_usec));
        service->pause_usec = MIN(2 * service->pause_usec, PAUSE_MAX);
}

static void on_probed(int error, void *arg) {
        struct exec_service *service = arg;

        service->probe = NULL;
        loop_set_subject(service->ready.loop, service->task->run.name);
        if (error == 0)
                set_ready(service);
        else
                try_again_later(service, strerrordesc_np(error));
}

static void try_to_connect(struct exec_service *service) {
        int r = ready_probe_start(service->task->pool, service->address, on_probed, service, &service->probe);

        if (r < 0)
                try_again_later(service, r == -ENOBUFS ? "the queue of the pool is full" : strerrordesc_np(-r));
}

void exec_service_started(struct exec_service *service) {
        const struct service_part *part = part_of(service);

        if (!part || service->is_stopped)
                return;
        switch (part->ready) {
        case READY_EXEC: set_ready(service); break;
        case READY_CONNECT: try_to_connect(service); break;
        case READY_AFTER:
                loop_timer_set(&service->ready, usec_add(clock_now(CLOCK_ID_MONOTONIC), part->ready_after_usec));
                break;
        default: break; /* it has to say something */
        }
}

bool exec_service_wants_lines(const struct exec_service *service) {
        return service->has_expression && !service->is_ready && !service->is_stopped;
}

void exec_service_line(struct exec_service *service, const char *line, size_t n) {
        regmatch_t span = { .rm_so = 0, .rm_eo = (regoff_t)n };

        if (exec_service_wants_lines(service) && regexec(&service->expression, line, 1, &span, REG_STARTEND) == 0)
                set_ready(service);
}

bool exec_service_is_early(const struct exec_service *service) {
        return part_of(service) && !service->is_ready && !service->is_stopped;
}

/* ---- messages ---- */

void exec_service_notify(struct exec_service *service, const struct notify_message *message) {
        const struct service_part *part = part_of(service);
        struct run *leaf = service->leaf;
        struct run_extension extension;

        if (!leaf)
                return;
        if (message->has_status) {
                service->has_spoken = true;
                run_leaf_set_status(leaf, message->status);
        }
        if (message->has_progress)
                run_leaf_set_progress(leaf, message->done, message->total);
        if (message->extend_usec > 0)
                (void)run_leaf_extend(leaf, message->extend_usec, &extension);
        if (message->ready && part && part->ready == READY_NOTIFY && !service->is_stopped)
                set_ready(service);
        if (message->watchdog)
                feed_watchdog(service);
        if (message->stopping) {
                run_leaf_unready(leaf);
                exec_service_stopped(service);
        }
        if (message->watchdog_trigger && part)
                run_leaf_fail(leaf, ERROR_WATCHDOG, "it said WATCHDOG=trigger");
}

/* ---- the whole ---- */

static int prepare(struct exec_service *service) {
        const struct service_part *part = part_of(service);

        if (!part)
                return 0;
        if (part->ready == READY_LINE) {
                if (regcomp(&service->expression, part->ready_argument, REG_EXTENDED) != 0)
                        return -EINVAL; /* it was tried when the configuration was read: out of memory */
                service->has_expression = true;
        }
        return part->ready == READY_CONNECT ? template_fill(service->leaf, part->ready_argument, &service->address) : 0;
}

int exec_service_init(struct exec_service *service, struct run *leaf) {
        struct loop *loop;
        int r;

        *service = (struct exec_service){
                .leaf = leaf,
                .task = task_of(run_get_spec(leaf)),
                .pause_usec = PAUSE_MIN,
        };
        loop = service->task->env->loop;
        r = loop_timer_init(&service->ready, loop, CLOCK_ID_MONOTONIC, "readiness", on_ready_timer, service);
        if (r >= 0)
                r = loop_timer_init(&service->watchdog, loop, CLOCK_ID_MONOTONIC, "watchdog", on_watchdog, service);
        return r < 0 ? r : prepare(service);
}

void exec_service_stopped(struct exec_service *service) {
        service->is_stopped = true;
        loop_timer_set(&service->ready, USEC_INFINITY);
        loop_timer_set(&service->watchdog, USEC_INFINITY);
        service->probe = ready_probe_cancel(service->probe);
}

void exec_service_ended(struct exec_service *service) {
        exec_service_stopped(service);
        service->leaf = NULL;
}

void exec_service_done(struct exec_service *service) {
        service->probe = ready_probe_cancel(service->probe);
        loop_timer_done(&service->ready);
        loop_timer_done(&service->watchdog);
        if (service->has_expression)
                regfree(&service->expression);
        free(service->address);
}
