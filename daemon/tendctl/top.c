/* SPDX-License-Identifier: MIT */
/* top: the state of the console, see top.h. */
#include "tendctl/top.h"

#include <stdarg.h>
#include <stdio.h>

int top_init(struct top *top, struct ctl *ctl) {
        *top = (struct top){ .ctl = ctl };
        for (size_t i = 0; i < _VIEW_MAX; i++)
                if (model_new(top_views[i], &top->models[i]) < 0) {
                        top_done(top);
                        return -ENOMEM;
                }
        return 0;
}

void top_done(struct top *top) {
        for (size_t i = 0; i < _VIEW_MAX; i++)
                model_free(top->models[i]);
        json_decref(top->status);
        json_decref(top->by_task);
        job_free(top->job);
        free(top->subject);
}

void top_say(struct top *top, enum paint paint, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(top->message, sizeof(top->message), format, ap);
        va_end(ap);
        top->message_paint = paint;
}

/* ---- what is told ---- */

static void note_lag(struct top *top, usec_t lag_usec) {
        usec_t step = clock_now(CLOCK_ID_MONOTONIC) / LAG_STEP_USEC;

        if (top->n_lag > 0 && step == top->lag_step) {
                top->lag_usec[top->n_lag - 1] = MAX(top->lag_usec[top->n_lag - 1], lag_usec);
                return;
        }
        if (top->n_lag == LAG_STEPS)
                memmove(top->lag_usec, top->lag_usec + 1, --top->n_lag * sizeof(top->lag_usec[0]));
        top->lag_usec[top->n_lag++] = lag_usec;
        top->lag_step = step;
}

static void take_rows(struct top *top, enum top_view_id view, json_t *rows) {
        if (model_set(top->models[view], rows) < 0)
                top_say(top, PAINT_BAD, "out of memory");
        top->told[view] = true;
}

void top_take(enum top_source source, json_t *answer, void *arg) {
        static const enum top_view_id views[_SOURCE_MAX] = {
                [SOURCE_TREE] = VIEW_RUNS,     [SOURCE_TASKS] = VIEW_TASKS, [SOURCE_VISIBLE] = VIEW_TASKS,
                [SOURCE_LIMITS] = VIEW_LIMITS, [SOURCE_POOLS] = VIEW_POOLS, [SOURCE_NEXT] = VIEW_NEXT,
        };
        struct top *top = arg;

        if (source == SOURCE_STATUS) {
                json_decref(top->status);
                top->status = json_incref(answer);
                note_lag(top, (usec_t)get_int(json_object_get(answer, "loop"), "recent_lag_p99_usec"));
                return;
        }
        if (source == SOURCE_VISIBLE)
                model_update(top->models[VIEW_TASKS], answer);
        else
                take_rows(top, views[source], answer);
        if (source == SOURCE_TREE) {
                json_decref(top->by_task);
                top->by_task = top_runs_by_task(answer);
        }
        /* It looks at all tasks, which is left out when there is nothing to be told. */
        if ((source == SOURCE_TREE || views[source] == VIEW_TASKS) &&
            (json_object_size(top->by_task) > 0 || top->joined)) {
                model_join(top->models[VIEW_TASKS], TOP_RUN, top->by_task);
                top->joined = json_object_size(top->by_task) > 0;
        }
}

unsigned top_wants(const struct top *top) {
        static const unsigned wants[_VIEW_MAX] = {
                [VIEW_TASKS] = 1u << SOURCE_TASKS | 1u << SOURCE_VISIBLE | 1u << SOURCE_TREE,
                [VIEW_RUNS] = 1u << SOURCE_TREE,
                [VIEW_LIMITS] = 1u << SOURCE_LIMITS,
                [VIEW_POOLS] = 1u << SOURCE_POOLS,
                [VIEW_NEXT] = 1u << SOURCE_NEXT,
        };

        return wants[top->view] | 1u << SOURCE_STATUS;
}

json_t *top_visible(const struct top *top) {
        const struct model *model = top->models[VIEW_TASKS];
        json_t *names = json_array();

        for (size_t i = top->first; i < top->first + top->height && i < model_n_shown(model); i++)
                (void)json_array_append_new(names, json_string(model_id(model, model_row(model, i))));
        return names;
}
