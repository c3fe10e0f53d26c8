/* SPDX-License-Identifier: MIT */
/* resume: see resume.h. A member that the tree of the run lacks did not run, as far as anybody can tell, and runs again. */
#include "control/resume.h"

#include "control/ask_store.h"
#include "live/outcome_json.h"

struct resume {
        struct ask ask;
        char *task;
        char *name;
        bool asked;            /* the store was asked for the run */
        struct result *result; /* of the run, once it is found */
        int error;
};

struct resume *resume_new(struct control *control, struct varlink_call *call, const char *task, const char *name) {
        struct resume *resume = calloc(1, sizeof(*resume));

        if (!resume)
                return NULL;
        resume->task = strdup(task);
        resume->name = strdup(name);
        if (ask_init(&resume->ask, control, call) < 0 || !resume->task || !resume->name)
                return resume_free(resume);
        return resume;
}

struct resume *resume_free(struct resume *resume) {
        if (!resume)
                return NULL;
        ask_free(&resume->ask);
        result_unref(resume->result);
        free(resume->name);
        free(resume->task);
        free(resume);
        return NULL;
}

struct result *resume_result(const struct resume *resume) {
        return resume->result;
}

/* ---- the run ---- */

static void on_run(int error, const struct store_history_row *rows, size_t n, void *arg) {
        struct resume *resume = arg;

        resume->asked = true;
        resume->error = error;
        if (error == 0 && n > 0 && rows[0].run && rows[0].run->json)
                resume->result = outcome_parse(rows[0].run->json);
        ask_done(&resume->ask);
}

static int ask(struct resume *resume) {
        const struct store_history_query query = {
                .run = resume->name, .until_usec = USEC_INFINITY, .before = UINT64_MAX, .n = 1
        };
        struct store *store = live_store(resume->ask.control->live);
        int r = store ? store_ask_history(store, &query, on_run, resume, &resume->ask.query) : -EIO;

        return ask_begun(&resume->ask, r);
}

/* Returns 1 when it is there; else what next() is to return. */
static int find_run(struct resume *resume, struct varlink_call *call) {
        struct live *live = resume->ask.control->live;
        struct result *last;

        if (resume->asked || !is_run_name(resume->name))
                return reply_no_such_run(call, resume->name);
        if (live_has_untold(live)) /* the daemon has begun just now: it may be one of these */
                return ask_later(&resume->ask);
        last = wait_find_result(resume->ask.control, resume->name);
        if (run_tree_find(live_tree(live), resume->name))
                return varlink_error(call, ERROR_RUNNER("StillRuns"), json_pack("{s:s}", "run", resume->name));
        if (!last)
                return ask(resume);
        resume->result = result_ref(last);
        return 1;
}

/* ---- all of it ---- */

static struct result *find_child(const struct result *result, const char *task) {
        for (size_t i = 0; i < result->n_children; i++)
                if (streq(result->children[i]->task, task))
                        return result->children[i];
        return NULL;
}

static const struct run_spec *spec_of(const struct resume *resume, const char *task) {
        const struct live_task *live = live_find(resume->ask.control->live, task);

        return live ? &live_task_task(live)->run : NULL;
}

static bool all_ok(const struct result *result, const struct run_spec *spec) {
        for (size_t i = 0; i < spec->n_members; i++) {
                const struct result *child = find_child(result, spec->members[i].spec->name);

                if (!child || child->outcome != OUTCOME_OK)
                        return false;
        }
        return true;
}

int resume_next(struct resume *resume, struct varlink_call *call) {
        const struct run_spec *spec = spec_of(resume, resume->task);
        int r = 1;

        if (resume->error < 0)
                return reply_store_error(resume->ask.control, call, resume->error);
        if (ask_is_under_way(&resume->ask))
                return -EAGAIN;
        if (!spec)
                return reply_no_such_task(call, resume->task);
        if (spec->n_members == 0 || spec->is_service)
                return varlink_error(call, ERROR_RUNNER("NoGroup"), json_pack("{s:s}", "task", resume->task));
        if (!resume->result)
                r = find_run(resume, call);
        if (r <= 0)
                return r;
        if (!streq(resume->result->task, resume->task))
                return varlink_error(call, ERROR_RUNNER("NotItsRun"),
                                     json_pack("{s:s, s:s}", "run", resume->name, "task", resume->task));
        if (all_ok(resume->result, spec))
                return varlink_error(call, ERROR_RUNNER("AllOk"), json_pack("{s:s}", "run", resume->name));
        return 1;
}
