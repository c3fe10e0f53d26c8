/* SPDX-License-Identifier: MIT */
/* lint_services: what is allowed for a service, and cannot do what it was written for. */
#include "base/text.h"
#include "config/lint.h"

/* The least time in which a service that fails at once is given up: the delays between its failures, each as short as
 * chance lets it be. */
static usec_t least_span(const struct service_spec *spec) {
        usec_t span = 0, delay = spec->restart_delay_min_usec;

        for (unsigned i = 0; i < spec->restart_limit; i++) {
                span = usec_add(span, delay / 10 * 8);
                delay = MIN(usec_add(delay, delay), spec->restart_delay_max_usec);
        }
        return span;
}

static void check_limit(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;
        char span[TEXT_USEC_MAX], least[TEXT_USEC_MAX];

        if (!task || !task->service || least_span(&task->service->spec) <= task->service->spec.restart_limit_usec)
                return;
        lint_tell(lint, section, "restart-limit",
                  "can never be reached: the delays of %u restarts take %s at least, and it counts those of %s",
                  task->service->spec.restart_limit, text_format_usec(least_span(&task->service->spec), least),
                  text_format_usec(task->service->spec.restart_limit_usec, span));
}

static void check_ready(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;
        char after[TEXT_USEC_MAX], most[TEXT_USEC_MAX];

        if (task && task->service && task->service->ready == READY_AFTER &&
            task->service->ready_after_usec >= task->run.bounds[BOUND_START_TIMEOUT])
                lint_tell(lint, section, "ready", "%s can never pass: start-timeout is %s",
                          text_format_usec(task->service->ready_after_usec, after),
                          text_format_usec(task->run.bounds[BOUND_START_TIMEOUT], most));
}

/* A bound that was written for jobs stops a service again and again. */
static void check_inherited(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;
        enum bound bound = task && task->run.is_group ? BOUND_TOTAL_TIMEOUT : BOUND_TIMEOUT;
        const char *key = bound_to_string(bound);
        char buf[TEXT_USEC_MAX];

        if (task && task->run.is_service && !(task->run.default_bounds & 1u << bound) &&
            task->run.bounds[bound] != USEC_INFINITY && !raw_section_find(section, key))
                lint_tell(lint, section, key,
                          "%s comes from a section of defaults, and is meant to stay up (%s = infinity, or the bound "
                          "here)",
                          text_format_usec(task->run.bounds[bound], buf), key);
}

int load_lint_services(struct load *load) {
        static const struct lint_rule rules[] = {
                { "restart-limit can never be reached", check_limit },
                { "ready later than start-timeout", check_ready },
                { "a bound of a service comes from defaults", check_inherited },
        };
        struct lint lint = { .load = load };

        lint_run(&lint, rules, ARRAY_SIZE(rules));
        return load->diagnostics->out_of_memory ? -ENOMEM : 0;
}
