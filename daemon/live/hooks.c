/* SPDX-License-Identifier: MIT */
/* hooks: runs that are started because another run ended, or because of what is told of a task.
 *
 * The rows of `on-failure` are tried in the order of the file, once for each error; an error goes to the first row that
 * takes it, and a row that got any fires once. A hook is a top-level run, exempt from overlap and max-running; so that
 * a storm of failures cannot become a storm of hooks, `hook-queue` bounds how many there may be.
 */
#include "live/live_private.h"
#include "live/outcome_json.h"

#include <stdio.h>

static void context_free(void *userdata) {
        struct hook_context *context = userdata;

        if (!context)
                return;
        result_unref(context->result);
        free(context->detail);
        free(context->json);
        free(context);
}

static json_t *list_to_json(const char *const *texts, size_t n) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < n; i++)
                (void)json_array_append_new(array, json_text(texts[i]));
        return array;
}

/* What the tree does not say. */
static void add_cause(json_t *json, const struct hook_cause *cause, const struct hook_context *context) {
        const struct item_edges *items = cause->items;

        (void)json_object_set_new(json, "event", json_string(context->event));
        (void)json_object_set_new(json, "detail", json_text(context->detail));
        if (cause->at_work)
                (void)json_object_set_new(json, "outcome", json_string(context->outcome));
        if (cause->result->output_tail)
                (void)json_object_set_new(json, "output", json_text(cause->result->output_tail));
        if (!items)
                return;
        (void)json_object_set_new(json, "newly_failing", list_to_json(items->newly_failing, items->n_newly_failing));
        (void)json_object_set_new(json, "recovered", list_to_json(items->recovered, items->n_recovered));
        (void)json_object_set_new(json, "failing", json_integer((json_int_t)items->failing));
}

static struct hook_context *context_new(const struct hook_cause *cause) {
        struct result *result = cause->result;
        struct hook_context *context;
        json_t *json;

        context = calloc(1, sizeof(*context));
        if (!context)
                return NULL;
        context->result = result_ref(result);
        context->event = cause->event;
        context->outcome = cause->at_work ? "running" : outcome_to_string(result->outcome);
        context->detail = strdup(cause->detail ?: result_detail(result));
        json = context->detail ? outcome_to_json(result) : NULL;
        if (json)
                add_cause(json, cause, context);
        context->json = json ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
        if (!context->json) {
                context_free(context);
                return NULL;
        }
        context->json_size = strlen(context->json);
        return context;
}

static void dropped(struct live *live, const struct hook *hook, const struct result *result, const char *why) {
        struct event event = { .id = EVENT_HOOK_DROPPED, .task = result->task, .run = result->run };
        char text[200];

        live->hooks_dropped++;
        (void)snprintf(text, sizeof(text), "hook %s was not started: %s", hook->task, why);
        event.text = text;
        live_emit(live, &event);
}

static void fire(struct live *live, const struct hook *hook, const struct hook_cause *cause) {
        const struct result *result = cause->result;
        struct live_task *entry = live_find(live, hook->task);
        struct hook_context *context;
        struct run_start start;
        int r;

        if (!entry || !entry->task->enabled) {
                dropped(live, hook, result, "the task is disabled");
                return;
        }
        if (live->n_hooks >= live->config->daemon.hook_queue) {
                dropped(live, hook, result, "as many as hook-queue allows are waiting or running");
                return;
        }
        context = context_new(cause);
        if (!context) {
                dropped(live, hook, result, "out of memory");
                return;
        }
        start = (struct run_start){
                .spec = &entry->task->run,
                .number = ++entry->number,
                .trigger = "hook",
                .due_realtime_usec = clock_now(CLOCK_ID_REALTIME),
                .hook = true,
                .userdata = context,
                .free_userdata = context_free,
        };
        r = run_tree_start(live->tree, &start, NULL);
        if (r < 0) {
                context_free(context);
                dropped(live, hook, result, strerror(-r));
                return;
        }
        entry->running++;
        live->n_hooks++;
}

static bool takes(const struct hook *hook, const struct hook_cause *cause, enum error_kind error) {
        const struct result *result = cause->result;

        if (hook->outcomes == 0 && hook->errors == 0)
                return !cause->expected && (result->outcome == OUTCOME_OK || outcome_is_failure(result->outcome) ||
                                            result->outcome == OUTCOME_INTERRUPTED);
        if (hook->outcomes & (1u << result->outcome))
                return true;
        /* The errors that a cancelled run kept make it no failure. */
        return outcome_is_failure(result->outcome) && error != ERROR_NONE && (hook->errors & (1u << error));
}

/* Items fail by what their errors are, whatever the run as a whole did. */
static bool takes_item(const struct hook *hook, enum error_kind error) {
        enum outcome outcome = error == ERROR_TIMEOUT ? OUTCOME_TIMEOUT : OUTCOME_FAILED;

        return (hook->outcomes == 0 && hook->errors == 0) || hook->outcomes & 1u << outcome ||
               hook->errors & 1u << error;
}

/* Whether any of @errors goes to the row with @number. */
static bool is_wanted_by_items(const struct hooks *hooks, size_t number, unsigned errors) {
        for (enum error_kind error = ERROR_NONE; error < _ERROR_KIND_MAX; error++) {
                size_t first = 0;

                if (!(errors & 1u << error))
                        continue;
                while (first < hooks->n && !takes_item(&hooks->items[first], error))
                        first++;
                if (first == number)
                        return true;
        }
        return false;
}

static const struct hook *first_to_take(const struct hooks *hooks, const struct hook_cause *cause,
                                        enum error_kind error) {
        for (size_t i = 0; i < hooks->n; i++)
                if (takes(&hooks->items[i], cause, error))
                        return &hooks->items[i];
        return NULL;
}

static bool is_wanted(const struct hooks *hooks, size_t number, const struct hook_cause *cause) {
        const struct result *result = cause->result;
        size_t n_errors = MAX(result->errors.n, (size_t)1);

        for (size_t i = 0; i < n_errors; i++) {
                enum error_kind error = i < result->errors.n ? result->errors.items[i].kind : result_error(result);

                if (first_to_take(hooks, cause, error) == &hooks->items[number])
                        return true;
        }
        return false;
}

void live_fire_hooks(struct live *live, const struct hooks *hooks, const struct hook_cause *cause) {
        for (size_t i = 0; i < hooks->n; i++) {
                if (cause->whatever_outcome ||
                    (cause->items ? is_wanted_by_items(hooks, i, cause->items->errors) : is_wanted(hooks, i, cause)))
                        fire(live, &hooks->items[i], cause);
        }
}
