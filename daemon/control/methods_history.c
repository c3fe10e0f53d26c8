/* SPDX-License-Identifier: MIT */
/* methods_history: History.
 *
 * The store answers in pages, on a thread of its own. The cursor asks for one, becomes a JSON array when it comes, and for
 * the next one when the client took that, by the position of the last row: so what is buffered is one page, and a history of
 * any length can be told. A cursor has one question under way at most. When the store has too many of others, the cursor is
 * called again a little later.
 *
 * Names without a pattern are looked for in the history also when there is no such task any more. Patterns are made names
 * of tasks; when these are too many to ask for, all is asked for and what does not match is passed over.
 */
#include "base/text.h"
#include "control/ask_store.h"
#include "control/history_json.h"
#include "control/methods.h"

#define PAGE      50u
#define NAMES_MAX 500

struct history_cursor {
        struct control *control;
        struct ask ask;
        struct patterns patterns;
        size_t name, index; /* of the names, and of the tasks that it may match, the next */
        char **names;       /* to ask for; NULL-terminated; those of the names that are no pattern, and of tasks */
        size_t n_names;
        bool matched;        /* the pattern at hand does */
        bool filter;         /* they are too many */
        const char *unknown; /* one of the names, of which there is no task */
        bool named;          /* the names are known */
        bool probing;        /* asks whether that has a history at all: */
        const char *probe[2];

        struct store_history_query query;
        json_int_t left; /* rows to be told at most */
        bool known;      /* there is one that is no gap */
        bool summarize;
        json_t *summary;

        json_t *page;  /* what the store told last */
        bool last;     /* it is all */
        int error;     /* that the store told */
        json_t *owned; /* the parameters: strings of the query are theirs */
};

static void history_free(void *cursor) {
        struct history_cursor *history = cursor;

        ask_free(&history->ask);
        patterns_done(&history->patterns);
        json_decref(history->summary);
        json_decref(history->page);
        json_decref(history->owned);
        for (size_t i = 0; history->names && i < history->n_names; i++)
                free(history->names[i]);
        free(history->names);
        free(history);
}

/* ---- names ---- */

/* One more name to ask for, once: rows come as often as their name. What finds no room is looked for by the pattern. */
static void add_name(struct history_cursor *history, const char *name) {
        char *copy;

        for (size_t i = 0; i < history->n_names; i++)
                if (streq(history->names[i], name))
                        return;
        copy = history->n_names < NAMES_MAX ? strdup(name) : NULL;

        if (copy)
                history->names[history->n_names++] = copy;
        else
                history->filter = true;
}

/* Some of the tasks that the pattern @name matches. Returns whether it came to the end. */
static bool add_matching(struct history_cursor *history, const char *name) {
        struct live *live = history->control->live;
        size_t n = live_n_tasks(live), end = MIN(n, history->index + SCAN_A_STEP);

        for (; history->index < end && !(history->filter && history->matched); history->index++) {
                const char *task = live_task_task(live_task_at(live, history->index))->run.name;

                if (!text_match(name, task))
                        continue;
                history->matched = true;
                add_name(history, task);
        }
        return history->index == n || (history->filter && history->matched);
}

/* Makes names of some of the patterns. Returns -EAGAIN to be called again, 0 when it answered. */
static int make_names(struct history_cursor *history, struct varlink_call *call) {
        const char *name = json_string_value(json_array_get(history->patterns.list, history->name));

        if (!name) {
                history->named = true;
                history->query.tasks =
                        history->filter || history->n_names == 0 ? NULL : (const char *const *)history->names;
        } else if (!strpbrk(name, "*?")) {
                add_name(history, name);
                if (!live_find(history->control->live, name))
                        history->unknown = name;
                history->name++;
        } else if (add_matching(history, name)) {
                if (!history->matched)
                        return reply_no_such_task(call, name);
                history->name++;
                history->index = 0;
                history->matched = false;
        }
        varlink_wake(call);
        return -EAGAIN;
}

/* ---- what the store tells ---- */

static bool is_wanted(struct history_cursor *history, const struct store_history_row *row) {
        const char *task = row->run ? row->run->task : row->missed->task;

        return !history->filter || !task || patterns_match(&history->patterns, task);
}

static void on_history(int error, const struct store_history_row *rows, size_t n, void *arg) {
        struct history_cursor *history = arg;

        json_decref(history->page); /* one in which nothing matched */
        history->page = json_array();
        history->error = error;
        history->last = history->probing || n < history->query.n;
        for (size_t i = 0; history->probing && i < n; i++)
                history->known |= rows[i].run || rows[i].missed->task;
        for (size_t i = 0; !history->probing && history->error == 0 && i < n && history->left > 0; i++) {
                history->query.before = rows[i].position;
                if (!is_wanted(history, &rows[i]))
                        continue;
                if (json_array_append_new(history->page, past_to_json(&rows[i])) < 0)
                        history->error = -ENOMEM;
                history->known |= rows[i].run || rows[i].missed->task;
                history->left--;
        }
        ask_done(&history->ask);
}

static void on_summary(int error, const struct store_summary *summary, void *arg) {
        struct history_cursor *history = arg;

        history->error = error;
        if (error == 0) {
                history->summary = summary_to_json(summary, history->query.since_usec);
                history->error = history->summary ? 0 : -ENOMEM;
        }
        history->summarize = false;
        ask_done(&history->ask);
}

/* Asks for what is to be known next. Returns -EAGAIN, or what next() is to return. */
static int ask_next(struct history_cursor *history) {
        struct store *store = live_store(history->control->live);
        struct ask *ask = &history->ask;
        int r;

        if (ask_is_under_way(ask))
                return -EAGAIN;
        history->query.n = history->filter || history->probing ? PAGE : (unsigned)MIN((json_int_t)PAGE, history->left);
        if (!store)
                r = -EIO;
        else if (history->summarize)
                r = store_ask_summary(store, history->names[0], history->query.since_usec, on_summary, history,
                                      &ask->query);
        else
                r = store_ask_history(store, &history->query, on_history, history, &ask->query);
        return ask_begun(ask, r);
}

/* The run that was asked for has no end yet. */
static int tell_live(struct history_cursor *history, struct varlink_call *call, json_t **ret) {
        struct run *run = run_tree_find(live_tree(history->control->live), history->query.run);

        if (!run)
                return reply_no_such_run(call, history->query.run);
        *ret = json_pack("{s:[{s:{s:s, s:s, s:o, s:b, s:b}}]}", "history", "ran", "task", run_get_spec(run)->name,
                         "run", history->query.run, "begun_usec", json_usec(to_realtime(run_created_usec(run))),
                         "service", (int)run_get_spec(run)->is_service, "hook", false);
        return 0;
}

/* Whether there is anything of it, at any time. */
static void probe(struct history_cursor *history) {
        history->probe[0] = history->unknown;
        history->probing = true;
        json_decref(history->page);
        history->page = NULL;
        history->query = (struct store_history_query){
                .tasks = history->probe, .hooks = true, .until_usec = USEC_INFINITY, .before = UINT64_MAX, .n = PAGE
        };
}

/* There is no more to tell than is at hand. */
static int tell_end(struct history_cursor *history, struct varlink_call *call, json_t **ret) {
        if (!history->known && history->query.run)
                return tell_live(history, call, ret);
        if (!history->known && history->unknown && !history->probing) {
                probe(history);
                return ask_next(history);
        }
        if (!history->known && history->unknown)
                return reply_no_such_task(call, history->unknown);
        *ret = json_pack("{s:o, s:o*}", "history", TAKE_PTR(history->page), "summary", TAKE_PTR(history->summary));
        return 0;
}

static int history_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct history_cursor *history = cursor;

        if (!history->named)
                return make_names(history, call);
        if (history->error < 0)
                return reply_store_error(history->control, call, history->error);
        if (history->page && (history->last || history->left == 0))
                return tell_end(history, call, ret);
        if (history->page && json_array_size(history->page) > 0) {
                *ret = json_pack("{s:o, s:o*}", "history", TAKE_PTR(history->page), "summary",
                                 TAKE_PTR(history->summary));
                return 1;
        }
        return ask_next(history);
}

static const struct varlink_stream_ops history_ops = { .next = history_next, .free = history_free };

/* The optional instant @name. Returns 0 or -EINVAL. */
static int get_instant(const json_t *parameters, const char *name, usec_t fallback, usec_t *ret) {
        const json_t *value = json_object_get(parameters, name);

        *ret = json_is_integer(value) ? (usec_t)json_integer_value(value) : fallback;
        return json_is_integer(value) && json_integer_value(value) < 0 ? -EINVAL : 0;
}

/* What of the parameters is no name. Returns NULL, or which of them is wrong. */
static const char *read_query(const json_t *parameters, struct history_cursor *history) {
        struct store_history_query *query = &history->query;
        const json_t *n = json_object_get(parameters, "n");

        query->failed = json_is_true(json_object_get(parameters, "failed"));
        query->reaching = json_is_true(json_object_get(parameters, "reaching"));
        query->hooks = json_is_true(json_object_get(parameters, "hooks"));
        query->run = json_string_value(json_object_get(parameters, "run"));
        query->before = UINT64_MAX;
        history->left = json_is_integer(n) ? json_integer_value(n) : INT64_MAX;
        if (history->left < 1)
                return "n";
        if (get_instant(parameters, "since_usec", 0, &query->since_usec) < 0)
                return "since_usec";
        return get_instant(parameters, "until_usec", USEC_INFINITY, &query->until_usec) < 0 ? "until_usec" : NULL;
}

int method_history(struct varlink_call *call, const json_t *parameters, void *arg) {
        const json_t *tasks = json_object_get(parameters, "tasks");
        struct history_cursor *history = calloc(1, sizeof(*history));
        const char *wrong, *first;

        if (!history)
                return -ENOMEM;
        history->control = arg;
        history->owned = parameters ? json_incref((json_t *)parameters) : NULL;
        history->names = calloc(NAMES_MAX + 1, sizeof(*history->names));
        if (ask_init(&history->ask, arg, call) < 0 || !history->names || patterns_init(&history->patterns, tasks) < 0) {
                history_free(history);
                return -ENOMEM;
        }
        wrong = read_query(parameters, history);
        if (wrong) {
                history_free(history);
                return varlink_error_parameter(call, wrong);
        }
        first = json_string_value(json_array_get(tasks, 0));
        history->summarize = json_array_size(tasks) == 1 && !history->query.run && !strpbrk(first, "*?");
        return varlink_stream(call, &history_ops, history);
}
