/* SPDX-License-Identifier: MIT */
/* output_gate: counts lines in spans of time, see output_gate.h.
 *
 * A span begins with the first line that comes after the one before is over, so that a task that is silent costs nothing. A
 * timer is armed only once something was suppressed, to tell how much it was, also when nothing is printed any more.
 */
#include "task/output_gate.h"

#include "base/log.h"
#include "base/text.h"
#include "loop/loop.h"
#include "task/kind.h"

#include <inttypes.h>
#include <stdio.h>

struct output_gate {
        const struct task *task; /* whose gate it is */
        struct loop_timer timer; /* the end of a span in which something was suppressed */
        usec_t until_usec;       /* of the present span, monotonic */
        unsigned n;              /* lines in it */
        uint64_t suppressed;     /* in it, not told yet */
};

static void tell(const struct output_gate *gate, const char *run, const char *text) {
        const struct task_env *env = gate->task->env;

        if (env->on_suppressed)
                env->on_suppressed(gate->task, run, text);
}

static void tell_begin(const struct output_gate *gate, const char *run, usec_t now_usec) {
        const struct exec_part *part = gate->task->exec;
        char text[200], left[TEXT_USEC_MAX], span[TEXT_USEC_MAX];
        usec_t left_usec = gate->until_usec - now_usec;

        (void)snprintf(text, sizeof(text), "output is not logged for %s: it was more than log-rate, %u lines in %s",
                       text_format_usec(left_usec - left_usec % USEC_PER_MSEC, left), part->log_rate,
                       text_format_usec(part->log_rate_usec, span));
        tell(gate, run, text);
}

/* A span is over, or the gate ends. */
static void tell_end(struct output_gate *gate) {
        char text[100];

        if (gate->suppressed == 0)
                return;
        (void)snprintf(text, sizeof(text), "%" PRIu64 " lines of output were not logged", gate->suppressed);
        gate->suppressed = 0;
        tell(gate, NULL, text);
}

static void on_end(struct loop_timer *timer _unused_, void *arg) {
        struct output_gate *gate = arg;

        loop_set_subject(gate->task->env->loop, gate->task->run.name);
        tell_end(gate);
}

struct output_gate *output_gate_of(struct task *task) {
        struct output_gate *gate = task->exec->gate;

        if (gate)
                return gate;
        gate = calloc(1, sizeof(*gate));
        if (!gate)
                return NULL;
        gate->task = task;
        if (loop_timer_init(&gate->timer, task->env->loop, CLOCK_ID_MONOTONIC, "log-rate", on_end, gate) < 0) {
                free(gate);
                return NULL;
        }
        task->exec->gate = gate;
        return gate;
}

struct output_gate *output_gate_free(struct output_gate *gate) {
        if (!gate)
                return NULL;
        if (gate->suppressed > 0) /* who follows events may be gone by now: the log is told alone */
                log_record(event_id_level(EVENT_OUTPUT_SUPPRESSED),
                           &(const struct log_context){
                                   .task = gate->task->run.name, .event = EVENT_OUTPUT_SUPPRESSED, .place = LOG_HERE },
                           "%" PRIu64 " lines of output were not logged", gate->suppressed);
        loop_timer_done(&gate->timer);
        free(gate);
        return NULL;
}

size_t output_gate_pass(struct output_gate *gate, const char *run, size_t n) {
        const struct exec_part *part = gate ? gate->task->exec : NULL;
        usec_t now_usec;
        size_t pass;

        if (!gate || part->log_rate == 0)
                return n;
        now_usec = clock_now(CLOCK_ID_MONOTONIC);
        if (now_usec >= gate->until_usec) {
                tell_end(gate);
                gate->until_usec = usec_add(now_usec, part->log_rate_usec);
                gate->n = 0;
        }
        pass = MIN(n, (size_t)(part->log_rate - gate->n));
        gate->n += (unsigned)pass;
        if (pass == n)
                return n;
        if (gate->suppressed == 0) {
                tell_begin(gate, run, now_usec);
                loop_timer_set(&gate->timer, gate->until_usec);
        }
        gate->suppressed += n - pass;
        return pass;
}
