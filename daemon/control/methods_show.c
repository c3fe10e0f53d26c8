/* SPDX-License-Identifier: MIT */
/* methods_show: Show.
 *
 * What the history says of a task comes from the disk. The rest must be seen also when that cannot be read or takes its
 * time: then it is told why there is no summary.
 */
#include "base/text.h"
#include "config/keys.h"
#include "control/ask_store.h"
#include "control/due_json.h"
#include "control/history_json.h"
#include "control/methods.h"
#include "control/run_json.h"
#include "live/outcome_json.h"

#include <stdio.h>

#define SUMMARY_WAIT_USEC USEC_PER_SEC
#define ITEMS_SHOWN       100
#define ITEM_TEXT_MAX     1024

struct show_cursor {
        struct control *control;
        struct ask ask;
        struct loop_timer timer; /* nobody waits longer for the summary */
        bool asked;
        bool done;
        char task[RUN_NAME_MAX];
        json_t *answer;
};

static void show_free(void *cursor) {
        struct show_cursor *show = cursor;

        ask_free(&show->ask);
        loop_timer_done(&show->timer);
        json_decref(show->answer);
        free(show);
}

/* ---- what is known without the store ---- */

static int add_setting(const struct key *key, const struct key_value *value, void *userdata) {
        json_t *setting = json_pack("{s:s, s:o, s:b}", "key", key->name, "value", json_text(value->text), "written",
                                    (int)value->written);

        return json_array_append_new(userdata, setting) < 0 ? -ENOMEM : 0;
}

static json_t *settings_to_json(const struct task *task) {
        json_t *settings = json_array();

        if (settings && keys_for_each_value(task, add_setting, settings) == 0)
                return settings;
        json_decref(settings);
        return NULL;
}

static json_t *failing_items_to_json(const struct live_task *task) {
        struct live_item items[ITEMS_SHOWN];
        size_t n = live_task_failing_items(task, 0, items, ITEMS_SHOWN);
        json_t *array = json_array();

        for (size_t i = 0; i < n; i++) {
                char text[ITEM_TEXT_MAX];

                (void)json_array_append_new(
                        array, json_pack("{s:o, s:o, s:i, s:s*}", "item",
                                         json_text(text_hide_userinfo(items[i].item, text, sizeof(text))), "since_usec",
                                         json_usec(items[i].since_usec), "failures", (int)items[i].failures, "error",
                                         items[i].error == ERROR_NONE ? NULL : error_kind_to_string(items[i].error)));
        }
        return array;
}

static json_t *show_to_json(struct control *control, const struct live_task *live) {
        const struct task *task = live_task_task(live);
        const struct result *last = live_task_last(live);

        return json_pack("{s:o, s:o*, s:o*, s:o, s:o, s:o, s:o, s:o*, s:o*}", "task", task_to_json(live), "file",
                         task->origin_file ? json_text(task->origin_file) : NULL, "line",
                         task->origin_line > 0 ? json_integer((json_int_t)task->origin_line) : NULL, "settings",
                         settings_to_json(task), "triggers", triggers_to_json(task), "failing_items",
                         failing_items_to_json(live), "runs", runs_of_task(control, task, NULL), "last",
                         last ? outcome_to_json(last) : NULL, "output_tail",
                         last && last->output_tail ? json_text(last->output_tail) : NULL);
}

/* ---- what the store knows ---- */

static void set_missing(struct show_cursor *show) {
        char why[256];

        (void)json_object_set_new(show->answer, "summary_missing",
                                  json_text(store_trouble(show->control, why, sizeof(why))));
        show->done = true;
}

static void on_summary(int error, const struct store_summary *summary, void *arg) {
        struct show_cursor *show = arg;

        if (error == 0)
                (void)json_object_set_new(show->answer, "summary", summary_to_json(summary, 0));
        else
                set_missing(show);
        show->done = true;
        ask_done(&show->ask);
}

static void on_late(_unused_ struct loop_timer *timer, void *arg) {
        struct show_cursor *show = arg;

        ask_cancel(&show->ask);
        set_missing(show);
        varlink_wake(show->ask.call);
}

static void ask(struct show_cursor *show) {
        struct store *store = live_store(show->control->live);
        int r = -EIO;

        if (store)
                r = store_ask_summary(store, show->task, 0, on_summary, show, &show->ask.query);
        if (r < 0 && r != -ENOBUFS)
                set_missing(show);
        else
                (void)ask_begun(&show->ask, r);
        if (!show->asked)
                loop_timer_set(&show->timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), SUMMARY_WAIT_USEC));
        show->asked = true;
}

static int show_next(_unused_ struct varlink_call *call, void *cursor, json_t **ret) {
        struct show_cursor *show = cursor;

        if (!show->done && !ask_is_under_way(&show->ask))
                ask(show);
        if (!show->done)
                return -EAGAIN;
        *ret = TAKE_PTR(show->answer);
        return 0;
}

static const struct varlink_stream_ops show_ops = { .next = show_next, .free = show_free };

int method_show(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        const char *name = json_string_value(json_object_get(parameters, "task"));
        const struct live_task *live = live_find(control->live, name);
        struct show_cursor *show;
        int r;

        if (!live)
                return reply_no_such_task(call, name);
        show = calloc(1, sizeof(*show));
        if (!show)
                return -ENOMEM;
        show->control = control;
        r = ask_init(&show->ask, control, call);
        (void)snprintf(show->task, sizeof(show->task), "%s", name);
        show->answer = show_to_json(control, live);
        if (r == 0)
                r = loop_timer_init(&show->timer, live_loop(control->live), CLOCK_ID_MONOTONIC, "show", on_late, show);
        if (!show->answer || r < 0) {
                show_free(show);
                return -ENOMEM;
        }
        return varlink_stream(call, &show_ops, show);
}
