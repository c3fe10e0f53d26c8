/* SPDX-License-Identifier: MIT */
/* hooks: runs that are started because another run ended, or because of what is told of a task.
 *
 * The rows of `on-failure` are tried in the order of the file, once for each error; an error goes to the first row that
 * takes it, and a row that got any fires once. A hook is a top-level run, exempt from overlap and max-running; so that
 * a storm of failures cannot become a storm of hooks, `hook-queue` bounds how many there may be.
 *
 * What a hook is to tell is in the store, together with the end of the run that it is for, until the hook begins: the store
 * is told of that first, and the hook waits for it. So a daemon that finds such a row knows that nobody was told, and
 * starts the hook again; without one the hook may have done its work, and is not started twice.
 */
#include "live/live_private.h"
#include "live/outcome_json.h"

#include <stdio.h>

static const char at_work[] = "running";

static void context_free(void *userdata) {
        struct hook_context *context = userdata;

        if (!context)
                return;
        result_unref(context->result);
        free(context->event);
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
        context->event = strdup(cause->event);
        context->outcome = cause->at_work ? at_work : outcome_to_string(result->outcome);
        context->detail = strdup(cause->detail ?: result_detail(result));
        json = context->event && context->detail ? outcome_to_json(result) : NULL;
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

/* What add_cause() and the tree say. NULL: it is none of ours, or out of memory. */
static struct hook_context *context_parse(const char *text) {
        struct hook_context *context = calloc(1, sizeof(*context));
        json_t *json = json_loads(text, 0, NULL);
        const char *outcome = json_string_value(json_object_get(json, "outcome"));
        bool is_at_work = outcome && streq(outcome, at_work);
        char *tree;

        if (context && is_at_work)
                (void)json_object_set_new(json, "outcome", json_string(outcome_to_string(OUTCOME_OK)));
        tree = context ? json_dumps(json, JSON_COMPACT) : NULL;
        if (tree) {
                context->result = outcome_parse(tree);
                context->event = strdup(json_string_value(json_object_get(json, "event")) ?: "");
                context->detail = strdup(json_string_value(json_object_get(json, "detail")) ?: "");
                context->json = strdup(text);
                context->json_size = strlen(text);
        }
        free(tree);
        json_decref(json);
        if (!context || !context->result || !context->event || !context->detail || !context->json) {
                context_free(context);
                return NULL;
        }
        context->outcome = is_at_work ? at_work : outcome_to_string(context->result->outcome);
        return context;
}

/* @task and @run: what the hook was to tell of. */
static void dropped(struct live *live, const char *hook, const char *task, const char *run, const char *why) {
        struct event event = { .id = EVENT_HOOK_DROPPED, .task = task, .run = run };
        char text[200];

        live->hooks_dropped++;
        live->hooks_dropped_usec = clock_now(CLOCK_ID_REALTIME);
        (void)snprintf(text, sizeof(text), "hook %s was not started: %s", hook, why);
        event.text = text;
        live_emit(live, &event);
}

/* NULL: it takes over @context. Else why there is no run, and the context is the caller's. */
static const char *start(struct live *live, const char *task, struct hook_context *context) {
        struct live_task *entry = live_find(live, task);
        struct run_start start = {
                .trigger = "hook",
                .due_realtime_usec = clock_now(CLOCK_ID_REALTIME),
                .hook = true,
                .userdata = context,
                .free_userdata = context_free,
        };
        int r;

        if (!entry || !entry->task->enabled)
                return "the task is disabled";
        if (live->n_hooks >= live->config->daemon.hook_queue)
                return "as many as hook-queue allows are waiting or running";
        if (!context)
                return "out of memory";
        start.spec = &entry->task->run;
        start.number = entry->number + 1;
        r = run_tree_start(live->tree, &start, NULL);
        if (r < 0)
                return strerror(-r);
        entry->number++;
        entry->running++;
        live->n_hooks++;
        return NULL;
}

static void fire(struct live *live, const struct hook *hook, const struct hook_cause *cause) {
        struct hook_context *context = context_new(cause);
        const char *why = start(live, hook->task, context);

        if (!why)
                return;
        dropped(live, hook->task, cause->result->task, cause->result->run, why);
        context_free(context);
}

void live_fire_again(struct live *live, const struct store_run *row) {
        struct hook_context *context = context_parse(row->cause);
        const char *why = start(live, row->task, context);

        if (!why)
                return;
        dropped(live, row->run, context ? context->result->task : row->task, context ? context->result->run : row->run,
                why);
        context_free(context);
}

void live_note_hook_begins(struct run *hook) {
        struct hook_context *context = run_userdata(hook);

        if (context->begins)
                return;
        context->begins = true;
        live_note_begin(live_task_of(hook), hook);
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
