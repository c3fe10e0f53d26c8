/* SPDX-License-Identifier: MIT */
/* methods_pause: Pause and Resume: of tasks, of limits, of all triggers.
 *
 * A pattern may match very many tasks, so it is done in slices, and the names are looked at before anything is done. Who is
 * answered can rely on it: a task that was paused stays so when the daemon dies right after.
 */
#include "base/text.h"
#include "control/methods.h"
#include "live/apply.h"

#include <stdio.h>

#define TASKS_A_STEP 25
#define PAUSE_BY_MAX (BY_MAX + 256)

struct pause_cursor {
        struct control *control;
        bool resume;
        char by[PAUSE_BY_MAX]; /* who, and the reason */
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

static const struct varlink_stream_ops pause_ops = { .next = pause_next, .free = pause_free };

/* ---- limits ---- */

struct limits_pause {
        struct control *control;
        bool resume;
        const char *by;
        json_t *done;
        json_t *already;
};

static int do_limit(const struct limits_pause *pause, const char *name, bool named) {
        struct live *live = pause->control->live;
        int r = pause->resume ? live_resume_limit(live, name, pause->by) : live_pause_limit(live, name, pause->by);

        if (r < 0 && r != -EALREADY)
                return r;
        if (r == -EALREADY && !named)
                return 0;
        return json_array_append_new(r == -EALREADY ? pause->already : pause->done, json_string(name)) < 0 ? -ENOMEM
                                                                                                           : 0;
}

/* The @index-th of the limits that there are and of those that are paused, which need not be there any more. */
static const char *limit_at(const struct live *live, size_t index) {
        const struct config *config = live_config(live);
        const char *by;
        usec_t since;

        if (index < config->n_limits)
                return config->limits[index].name;
        return live_limit_pause_at(live, index - config->n_limits, &by, &since);
}

/* Collects first: a limit that is resumed is not among them any more. NULL: out of memory. */
static json_t *find_limits(const struct live *live, const char *pattern) {
        json_t *found = json_array();
        const char *name;

        for (size_t i = 0; found && (name = limit_at(live, i)); i++) {
                if (!text_match(pattern, name) || (i >= live_config(live)->n_limits && live_find_limit(live, name)))
                        continue; /* one that is there and paused comes twice */
                if (json_array_append_new(found, json_string(name)) < 0) {
                        json_decref(found);
                        found = NULL;
                }
        }
        return found;
}

/* With @check, only looks whether there is one. */
static int do_limits(const struct limits_pause *pause, const char *pattern, bool check) {
        json_auto_t *found = find_limits(pause->control->live, pattern);
        size_t index;
        json_t *name;
        int r;

        if (!found)
                return -ENOMEM;
        if (json_array_size(found) == 0)
                return -ENOENT;
        json_array_foreach(found, index, name) {
                r = check ? 0 : do_limit(pause, json_string_value(name), !strpbrk(pattern, "*?"));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int answer_limits(const struct limits_pause *pause, struct varlink_call *call, const json_t *names) {
        size_t index;
        json_t *name;
        int r;

        for (int check = 1; check >= 0; check--)
                json_array_foreach((json_t *)names, index, name) {
                        r = do_limits(pause, json_string_value(name), check);
                        if (r == -ENOENT)
                                return varlink_error(call, ERROR_RUNNER("NoSuchLimit"),
                                                     json_pack("{s:O}", "limit", name));
                        if (r < 0)
                                return r;
                }
        return reply_when_kept(pause->control, call,
                               json_pack("{s:O, s:O}", pause->resume ? "resumed" : "paused", pause->done,
                                         pause->resume ? "not_paused" : "already", pause->already));
}

/* ---- all triggers ---- */

static int answer_all(struct control *control, struct varlink_call *call, bool resume, const char *by) {
        int r = resume ? live_resume_all(control->live, by) : live_pause_all(control->live, by);

        if (r < 0 && r != -EALREADY)
                return r;
        return reply_when_kept(control, call,
                               json_pack("{s:[], s:[], s:b}", resume ? "resumed" : "paused",
                                         resume ? "not_paused" : "already", "all", (int)(r == 0)));
}

/* ---- which of them ---- */

static int begin_tasks(struct varlink_call *call, json_t *names, struct control *control, bool resume, const char *by) {
        struct pause_cursor *pause = calloc(1, sizeof(*pause));

        if (!pause)
                return -ENOMEM;
        pause->control = control;
        pause->resume = resume;
        (void)snprintf(pause->by, sizeof(pause->by), "%s", by);
        pause->names = json_incref(names);
        pause->done = json_array();
        pause->already = json_array();
        if (!pause->done || !pause->already) {
                pause_free(pause);
                return -ENOMEM;
        }
        return varlink_stream(call, &pause_ops, pause);
}

static int begin_limits(struct varlink_call *call, const json_t *names, struct control *control, bool resume,
                        const char *by) {
        json_auto_t *done = json_array(), *already = json_array();
        const struct limits_pause pause = { control, resume, by, done, already };

        return done && already ? answer_limits(&pause, call, names) : -ENOMEM;
}

static int begin(struct varlink_call *call, const json_t *parameters, struct control *control, bool resume) {
        const char *reason = json_string_value(json_object_get(parameters, "reason"));
        json_t *tasks = json_object_get(parameters, "tasks"), *limits = json_object_get(parameters, "limits");
        bool all = json_is_true(json_object_get(parameters, "all"));
        int n = (json_array_size(tasks) > 0) + (json_array_size(limits) > 0) + all;
        char who[BY_MAX], by[PAUSE_BY_MAX];

        if (n != 1)
                return varlink_error_parameter(call, n == 0 || json_array_size(tasks) > 0 ? "tasks" : "limits");
        (void)snprintf(by, sizeof(by), "%s%s%s", call_by(call, who), reason ? ": " : "", reason ? reason : "");
        if (all)
                return answer_all(control, call, resume, by);
        if (json_array_size(limits) > 0)
                return begin_limits(call, limits, control, resume, by);
        return begin_tasks(call, tasks, control, resume, by);
}

int method_pause(struct varlink_call *call, const json_t *parameters, void *arg) {
        return begin(call, parameters, arg, false);
}

int method_resume(struct varlink_call *call, const json_t *parameters, void *arg) {
        return begin(call, parameters, arg, true);
}
