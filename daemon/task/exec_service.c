/* SPDX-License-Identifier: MIT */
/* exec_service: readiness, watchdog and messages of an attempt.
 *
 *      started ──▶ [exec: at once] [after: a timer] [line: a match] [connect: tries] [notify: READY=1] ──▶ ready
 *
 * The watchdog begins when it is ready, and every WATCHDOG=1 moves it. STOPPING=1 ends both: whoever says that is not
 * ready any more, and owes no sign of life but its end, within its grace, or for as long as it asks for.
 *
 * Before a timer acts, what was said meanwhile is read: the loop may be late, and its child not.
 *
 * While a service that is connected to is not ready, why shows what the last try met, as its status; unless it has told
 * one of its own.
 */
#include "task/exec_service.h"

#include "base/text.h"
#include "task/ready_probe.h"

#include <stdio.h>

#define PAUSE_MIN (50 * USEC_PER_MSEC)
#define PAUSE_MAX USEC_PER_SEC

static const struct service_part *part_of(const struct exec_service *service) {
        return service->task->service;
}

/* ---- watchdog ---- */

static bool is_past(const struct exec_service *service) {
        return service->is_leaving || service->is_stopped;
}

/* Takes what was said, and an end, that can be observed already. */
static void look(struct exec_service *service) {
        loop_set_subject(service->ready.loop, service->task->run.name);
        run_get_spec(service->leaf)->leaf->poll(service->leaf);
}

static void feed_watchdog(struct exec_service *service) {
        const struct service_part *part = part_of(service);

        if (part && part->watchdog_usec > 0 && service->is_ready && !is_past(service))
                loop_timer_set(&service->watchdog, usec_add(clock_now(CLOCK_ID_MONOTONIC), part->watchdog_usec));
}

static void on_watchdog(struct loop_timer *timer _unused_, void *arg) {
        struct exec_service *service = arg;
        char detail[128], span[TEXT_USEC_MAX];

        look(service);
        if (service->is_stopped || loop_timer_armed(&service->watchdog))
                return;
        if (service->is_leaving)
                (void)snprintf(detail, sizeof(detail), "it said STOPPING=1, and did not end within its grace of %s",
                               text_format_usec(service->task->run.grace_usec, span));
        else
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
        if (!service->has_spoken && part_of(service)->ready == READY_CONNECT)
                run_leaf_set_status(service->leaf, "");
        run_leaf_ready(service->leaf);
        feed_watchdog(service);
}

static void try_to_connect(struct exec_service *service);

static void on_ready_timer(struct loop_timer *timer _unused_, void *arg) {
        struct exec_service *service = arg;

        look(service);
        if (service->is_ready || is_past(service))
                return;
        if (part_of(service)->ready == READY_CONNECT)
                try_to_connect(service);
        else
                set_ready(service);
}

static void try_again_later(struct exec_service *service, const char *why) {
        char text[NOTIFY_STATUS_MAX];

        if (!service->has_spoken) {
                (void)snprintf(text, sizeof(text), "not ready: %s: %s", part_of(service)->ready_argument, why);
                run_leaf_set_status(service->leaf, text);
        }
        loop_timer_set(&service->ready, usec_add(clock_now(CLOCK_ID_MONOTONIC), service->pause_usec));
        service->pause_usec = MIN(2 * service->pause_usec, PAUSE_MAX);
}

static void on_probed(const char *why, void *arg) {
        struct exec_service *service = arg;

        service->probe = NULL;
        loop_set_subject(service->ready.loop, service->task->run.name);
        if (why)
                try_again_later(service, why);
        else
                set_ready(service);
}

static void try_to_connect(struct exec_service *service) {
        int r = ready_probe_start(service->task->pool, part_of(service)->ready_argument, on_probed, service,
                                  &service->probe);

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
        return service->has_expression && !service->is_ready && !is_past(service);
}

void exec_service_line(struct exec_service *service, const char *line, size_t n) {
        _cleanup_(freep) char *text = NULL;

        if (!exec_service_wants_lines(service))
                return;
        text = strndup(line, n); /* REG_STARTEND is neither POSIX nor known to sanitizers */
        if (text && regexec(&service->expression, text, 0, NULL, 0) == 0)
                set_ready(service);
}

bool exec_service_is_early(const struct exec_service *service) {
        return part_of(service) && !service->is_ready && !service->is_stopped;
}

/* ---- messages ---- */

static void expect_nothing(struct exec_service *service) {
        loop_timer_set(&service->ready, USEC_INFINITY);
        loop_timer_set(&service->watchdog, USEC_INFINITY);
        service->probe = ready_probe_cancel(service->probe);
}

static void leave(struct exec_service *service) {
        if (!part_of(service) || is_past(service))
                return;
        service->is_leaving = true;
        run_leaf_unready(service->leaf);
        expect_nothing(service);
        loop_timer_set(&service->watchdog, usec_add(clock_now(CLOCK_ID_MONOTONIC), service->task->run.grace_usec));
}

static void extend(struct exec_service *service, usec_t usec) {
        usec_t until = usec_add(clock_now(CLOCK_ID_MONOTONIC), usec);
        struct run_extension extension;

        (void)run_leaf_extend(service->leaf, usec, &extension);
        if (service->is_leaving && !service->is_stopped && service->watchdog.at_usec < until)
                loop_timer_set(&service->watchdog, until);
}

void exec_service_notify(struct exec_service *service, const struct notify_message *message) {
        const struct service_part *part = part_of(service);
        struct run *leaf = service->leaf;

        if (!leaf)
                return;
        if (message->has_status) {
                service->has_spoken = true;
                run_leaf_set_status(leaf, message->status);
        }
        if (message->has_progress)
                run_leaf_set_progress(leaf, message->done, message->total);
        if (message->ready && part && part->ready == READY_NOTIFY && !is_past(service))
                set_ready(service);
        if (message->watchdog)
                feed_watchdog(service);
        if (message->stopping)
                leave(service);
        if (message->extend_usec > 0)
                extend(service, message->extend_usec);
        if (message->watchdog_trigger && part)
                run_leaf_fail(leaf, ERROR_WATCHDOG, "it said WATCHDOG=trigger");
}

/* ---- the whole ---- */

static int prepare(struct exec_service *service) {
        const struct service_part *part = part_of(service);

        if (!part || part->ready != READY_LINE)
                return 0;
        if (regcomp(&service->expression, part->ready_argument, REG_EXTENDED | REG_NOSUB) != 0)
                return -ENOMEM; /* it was tried when the configuration was read */
        service->has_expression = true;
        return 0;
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
        expect_nothing(service);
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
}
