/* SPDX-License-Identifier: MIT */
/* methods_extend: Extend. */
#include "control/methods.h"
#include "control/run_json.h"
#include "live/outcome_json.h"

struct extend_cursor {
        struct selection selection;
        usec_t by_usec;
        usec_t until_usec; /* monotonic; 0: by_usec counts */
        bool parents;
        json_t *extended;
        json_t *refused; /* those that are stopping, or have no bound */
        bool unbounded;  /* the last of these was of the second kind */
};

static void extend_free(void *cursor) {
        struct extend_cursor *extend = cursor;

        selection_done(&extend->selection);
        json_decref(extend->extended);
        json_decref(extend->refused);
        free(extend);
}

static int extend_run(struct run *run, void *arg) {
        struct extend_cursor *extend = arg;
        struct run_extension extension;
        char name[RUN_NAME_MAX];
        json_t *json;
        int r;

        if (extend->until_usec > 0)
                r = run_extend_until(run, extend->until_usec, extend->parents, &extension);
        else
                r = run_extend(run, extend->by_usec, extend->parents, &extension);
        if (r < 0) {
                extend->unbounded = r == -ENOENT;
                return append_run_name(extend->refused, run) < 0 ? -ENOMEM : 1;
        }
        json = json_pack("{s:o, s:s, s:o*, s:b, s:b}", "run", json_text(run_name(run, name)), "bound",
                         bound_to_string(extension.bound), "deadline", run_deadline_json(run), "clipped",
                         (int)(extension.clipped_by != NULL), "moved", (int)extension.moved);
        return json_array_append_new(extend->extended, json) < 0 ? -ENOMEM : 1;
}

static int answer(struct extend_cursor *extend, struct varlink_call *call, json_t **ret) {
        const struct selection *selection = &extend->selection;
        const json_t *refused = json_array_get(extend->refused, 0);

        if (selection->n_matched == 0)
                return nothing_meant(selection->control, call,
                                     json_string_value(json_array_get(selection->not_running, 0)));
        if (json_array_size(extend->extended) == 0)
                return varlink_error(call, extend->unbounded ? ERROR_RUNNER("NoBound") : ERROR_RUNNER("Stopping"),
                                     json_pack("{s:s}", "run", json_string_value(refused)));
        *ret = json_pack("{s:O, s:O, s:O}", "extended", extend->extended, "refused", extend->refused, "not_running",
                         selection->not_running);
        return 0;
}

static int extend_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct extend_cursor *extend = cursor;
        int r;

        r = selection_next(&extend->selection, call);
        return r <= 0 ? r : answer(extend, call, ret);
}

static const struct varlink_stream_ops extend_ops = { .next = extend_next, .free = extend_free };

/* An instant on the wall clock, which is still to come, on the clock of bounds. False: it is over. */
static bool to_monotonic(usec_t realtime_usec, usec_t *ret) {
        usec_t now = clock_now(CLOCK_ID_REALTIME);

        if (realtime_usec <= now)
                return false;
        *ret = usec_add(clock_now(CLOCK_ID_MONOTONIC), realtime_usec - now);
        return true;
}

int method_extend(struct varlink_call *call, const json_t *parameters, void *arg) {
        json_t *names = json_object_get(parameters, "runs");
        json_int_t by = json_integer_value(json_object_get(parameters, "by_usec"));
        json_int_t until = json_integer_value(json_object_get(parameters, "until_usec"));
        usec_t until_usec = 0;
        struct extend_cursor *extend;

        if (json_array_size(names) == 0)
                return varlink_error_parameter(call, "runs");
        if (until != 0 ? by != 0 : by <= 0)
                return varlink_error_parameter(call, "by_usec");
        if (until < 0 || (until > 0 && !to_monotonic((usec_t)until, &until_usec)))
                return varlink_error_parameter(call, "until_usec");
        extend = calloc(1, sizeof(*extend));
        if (!extend)
                return -ENOMEM;
        extend->by_usec = (usec_t)by;
        extend->until_usec = until_usec;
        extend->parents = json_is_true(json_object_get(parameters, "parents"));
        extend->extended = json_array();
        extend->refused = json_array();
        if (selection_init(&extend->selection, arg, names, extend_run, extend) < 0 || !extend->extended ||
            !extend->refused) {
                extend_free(extend);
                return -ENOMEM;
        }
        return varlink_stream(call, &extend_ops, extend);
}
