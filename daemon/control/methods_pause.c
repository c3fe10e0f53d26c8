/* SPDX-License-Identifier: MIT */
/* methods_pause: Pause and Resume.
 *
 * A pattern may match very many tasks, so it is done in slices, and the names are looked at before anything is done. Who is
 * answered can rely on it: a task that was paused stays so when the daemon dies right after.
 */
#include "base/text.h"
#include "control/methods.h"

#include <stdio.h>

#define TASKS_A_STEP 25

struct pause_cursor {
        struct control *control;
        bool resume;
        char by[BY_MAX + 256]; /* who, and the reason */
        json_t *names;
        struct names_check check;
        bool checked;
        size_t name;  /* of the names, the one at hand */
        size_t index; /* of the tasks that it may match, the next */
        json_t *done;
        json_t *already;
        struct keeping keeping;
};

static void pause_free(void *cursor) {
        struct pause_cursor *pause = cursor;

        keeping_reset(&pause->keeping);
        json_decref(pause->names);
        json_decref(pause->done);
        json_decref(pause->already);
        free(pause);
}

/* @named: by its own name. Only so is it told when there was nothing to do. */
static int do_task(struct pause_cursor *pause, struct live_task *task, bool named) {
        int r = pause->resume ? live_resume(task, pause->by) : live_pause(task, pause->by);
        json_t *array = r == -EALREADY ? pause->already : pause->done;

        if (r < 0 && r != -EALREADY)
                return r;
        if (r == -EALREADY && !named)
                return 0;
        return json_array_append_new(array, json_string(live_task_task(task)->run.name)) < 0 ? -ENOMEM : 0;
}

/* Does some of the tasks that the pattern @name matches. Returns 1 when it came to the end, 0 when there may be more, or a
 * negative errno. */
static int do_some(struct pause_cursor *pause, const char *name) {
        struct live *live = pause->control->live;
        size_t n = live_n_tasks(live), end = MIN(n, pause->index + SCAN_A_STEP);
        unsigned budget = TASKS_A_STEP;
        int r;

        for (; pause->index < end && budget > 0; pause->index++) {
                struct live_task *task = live_task_at(live, pause->index);

                if (!text_match(name, live_task_task(task)->run.name))
                        continue;
                r = do_task(pause, task, false);
                if (r < 0)
                        return r;
                budget--;
        }
        return pause->index == n;
}

static int check_some(struct pause_cursor *pause, struct varlink_call *call) {
        const char *name;
        int r;

        r = names_check(pause->control, pause->names, &pause->check, &name);
        if (r < 0)
                return reply_no_such_task(call, name);
        pause->checked = r > 0;
        varlink_wake(call);
        return -EAGAIN;
}

static int acknowledge(struct pause_cursor *pause, struct varlink_call *call, json_t **ret) {
        int r;

        r = keeping_next(&pause->keeping, pause->control, call);
        if (r <= 0)
                return r;
        *ret = json_pack("{s:O, s:O}", pause->resume ? "resumed" : "paused", pause->done,
                         pause->resume ? "not_paused" : "already", pause->already);
        return 0;
}

static int pause_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct pause_cursor *pause = cursor;
        const char *name = json_string_value(json_array_get(pause->names, pause->name));
        struct live_task *exact;
        int r;

        if (!pause->checked)
                return check_some(pause, call);
        if (!name)
                return acknowledge(pause, call, ret);
        exact = live_find(pause->control->live, name);
        r = exact ? do_task(pause, exact, true) : do_some(pause, name);
        if (r < 0)
                return r;
        if (exact || r > 0) {
                pause->name++;
                pause->index = 0;
        }
        varlink_wake(call);
        return -EAGAIN;
}

static const struct varlink_stream_ops pause_ops = { pause_next, pause_free };

static int begin(struct varlink_call *call, const json_t *parameters, struct control *control, bool resume) {
        const char *reason = json_string_value(json_object_get(parameters, "reason"));
        json_t *names = json_object_get(parameters, "tasks");
        struct pause_cursor *pause;
        char who[BY_MAX];

        if (json_array_size(names) == 0)
                return varlink_error_parameter(call, "tasks");
        pause = calloc(1, sizeof(*pause));
        if (!pause)
                return -ENOMEM;
        pause->control = control;
        pause->resume = resume;
        (void)snprintf(pause->by, sizeof(pause->by), "%s%s%s", call_by(call, who), reason ? ": " : "",
                       reason ? reason : "");
        pause->names = json_incref(names);
        pause->done = json_array();
        pause->already = json_array();
        if (!pause->done || !pause->already) {
                pause_free(pause);
                return -ENOMEM;
        }
        return varlink_stream(call, &pause_ops, pause);
}

int method_pause(struct varlink_call *call, const json_t *parameters, void *arg) {
        return begin(call, parameters, arg, false);
}

int method_resume(struct varlink_call *call, const json_t *parameters, void *arg) {
        return begin(call, parameters, arg, true);
}
