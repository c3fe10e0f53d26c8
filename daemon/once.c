/* SPDX-License-Identifier: MIT */
/* once: `tendd --once TASK`: one run from the command line, and its outcome as exit code. */
#include "runner_private.h"

#include "base/text.h"
#include "live/outcome_json.h"

#include <stdio.h>

static void suggest(const struct config *config, const char *name) {
        _cleanup_(freep) const char **names = calloc(MAX(config->n_tasks, (size_t)1), sizeof(*names));
        const char *nearest;

        if (!names)
                return;
        for (size_t i = 0; i < config->n_tasks; i++)
                names[i] = config->tasks[i]->run.name;
        nearest = text_nearest(name, names, config->n_tasks);
        if (nearest)
                (void)fprintf(stderr, "tendd: did you mean %s?\n", nearest);
}

static void on_event(const struct event *event, void *arg) {
        struct runner *runner = arg;

        if (event->id != EVENT_RUN_DONE || !runner->once_run || !streq(event->run, runner->once_run))
                return;
        result_unref(runner->once_result);
        runner->once_result = result_ref((struct result *)event->result);
}

static void on_work(struct loop_work *work _unused_, void *arg) {
        struct runner *runner = arg;
        char name[RUN_NAME_MAX];
        struct run *run;
        int r;

        r = live_start(live_find(runner->live, runner->options->once), "once", &run);
        if (r == -ECANCELED)
                (void)fprintf(stderr, "tendd: %s is disabled (enabled = no)\n", runner->options->once);
        if (r >= 0) {
                runner->once_run = strdup(run_name(run, name));
                if (!runner->once_run)
                        r = -ENOMEM;
        }
        if (r < 0 && r != -ECANCELED)
                (void)fprintf(stderr, "tendd: cannot start %s: %s\n", runner->options->once, strerror(-r));
        if (r < 0)
                loop_exit(runner->loop, 0);
}

int runner_once_init(struct runner *runner) {
        if (!live_find(runner->live, runner->options->once)) {
                (void)fprintf(stderr, "tendd: %s has no task or group %s\n", runner->config_path,
                              runner->options->once);
                suggest(runner->config, runner->options->once);
                return -ENOENT;
        }
        loop_work_init(&runner->once_work, runner->loop, "once", on_work, runner);
        loop_work_schedule(&runner->once_work);
        return live_observe(runner->live, on_event, runner, &runner->once_observer);
}

int runner_once_finish(struct runner *runner) {
        json_t *json;

        if (!runner->once_result)
                return 125;
        if (runner->options->json) {
                json = outcome_to_json(runner->once_result);
                if (!json || json_dumpf(json, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF ||
                    fflush(stdout) == EOF) {
                        json_decref(json);
                        return 125;
                }
                json_decref(json);
        }
        return runner->once_result->exit_code;
}

void runner_once_done(struct runner *runner) {
        live_unobserve(runner->once_observer);
        result_unref(runner->once_result);
        free(runner->once_run);
}
