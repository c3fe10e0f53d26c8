/* SPDX-License-Identifier: MIT */
/* methods_output: Output. What lives is asked; what has ended, History tells. */
#include "control/methods.h"
#include "control/run_json.h"
#include "live/outcome_json.h"
#include "task/kind.h"

#define OUTPUTS_MAX 50 /* each of some kilobytes */

struct output_cursor {
        struct selection selection;
        json_t *output;
};

static void output_free(void *cursor) {
        struct output_cursor *output = cursor;

        selection_done(&output->selection);
        json_decref(output->output);
        free(output);
}

static int output_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct output_cursor *output = cursor;
        int r = selection_next(&output->selection, call);

        if (r <= 0)
                return r;
        *ret = json_pack("{s:O}", "output", output->output);
        return 0;
}

static const struct varlink_stream_ops output_ops = { .next = output_next, .free = output_free };

static int append(json_t *array, const struct run *job, const char *tail) {
        char name[RUN_NAME_MAX];

        return json_array_append_new(array, json_pack("{s:s, s:o, s:o}", "task", run_get_spec(job)->name, "run",
                                                      json_text(run_name(job, name)), "text", json_text(tail))) < 0
                       ? -ENOMEM
                       : 0;
}

/* Appends what @run printed, or those below it. */
static int append_run(struct run *run, json_t *array) {
        int r = 0;

        if (json_array_size(array) >= OUTPUTS_MAX)
                return 0;
        if (run_get_role(run) == RUN_JOB) {
                _cleanup_(freep) char *tail = kind_output_tail(run_present_leaf(run));

                return tail ? append(array, run, tail) : 0;
        }
        for (struct run *child = run_first_child(run); child && r >= 0; child = run_next_sibling(child))
                if (!run_get_item(child))
                        r = append_run(child, array);
        return r;
}

static int on_run(struct run *run, void *arg) {
        struct output_cursor *output = arg;
        int r = append_run(run, output->output);

        return r < 0 ? r : 1;
}

int method_output(struct varlink_call *call, const json_t *parameters, void *arg) {
        json_t *names = json_object_get(parameters, "runs");
        struct output_cursor *output = calloc(1, sizeof(*output));

        if (!output)
                return -ENOMEM;
        output->output = json_array();
        names = json_array_size(names) > 0 ? json_incref(names) : json_pack("[s]", "*");
        if (!names || !output->output || selection_init(&output->selection, arg, names, on_run, output) < 0) {
                json_decref(names);
                output_free(output);
                return -ENOMEM;
        }
        json_decref(names);
        return varlink_stream(call, &output_ops, output);
}
