/* SPDX-License-Identifier: MIT */
/* methods_show: Show. */
#include "config/keys.h"
#include "control/due_json.h"
#include "control/methods.h"
#include "control/run_json.h"
#include "live/outcome_json.h"

static int add_setting(const struct key *key, const char *value, bool written, void *userdata) {
        return json_array_append_new(userdata, json_pack("{s:s, s:o, s:b}", "key", key->name, "value", json_text(value),
                                                         "written", (int)written)) < 0
                       ? -ENOMEM
                       : 0;
}

int method_show(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        const char *name = json_string_value(json_object_get(parameters, "task"));
        const struct live_task *live = live_find(control->live, name);
        const struct task *task = live ? live_task_task(live) : NULL;
        struct result *last;
        json_t *settings;

        if (!live)
                return reply_no_such_task(call, name);
        settings = json_array();
        if (!settings || keys_for_each_value(task, add_setting, settings) != 0) {
                json_decref(settings);
                return -ENOMEM;
        }
        last = live_task_last(live);
        return varlink_reply(call,
                             json_pack("{s:o, s:o*, s:o*, s:o, s:o, s:o, s:o*, s:o*}", "task", task_to_json(live),
                                       "file", task->origin_file ? json_text(task->origin_file) : NULL, "line",
                                       task->origin_line > 0 ? json_integer((json_int_t)task->origin_line) : NULL,
                                       "settings", settings, "triggers", triggers_to_json(task), "runs",
                                       runs_of_task(control, task, NULL), "last", last ? outcome_to_json(last) : NULL,
                                       "output_tail", last && last->output_tail ? json_text(last->output_tail) : NULL));
}
