/* SPDX-License-Identifier: MIT */
/* resume: see resume.h.
 *
 * Of a group that was interrupted the tree has only those members that had not ended; those that had are rows of their own
 * in the store. They are asked for one by one, as each may have a tree itself, and put into a copy of the tree. A
 * member of which nothing is known did not run, as far as anybody can tell, and runs again.
 */
#include "control/resume.h"

#include "control/ask_store.h"
#include "live/outcome_json.h"

#include <stdio.h>

#define MEMBERS_A_STEP 100u

struct resume {
        struct ask ask;
        char *task;
        char *name;
        bool asked;            /* the store was asked for the run */
        struct result *result; /* of the run, once it is found */
        struct result *
                *groups; /* those of it that were interrupted, and may lack members; allocated by powers of two */
        size_t n_groups;
        size_t group, member; /* where the look for what they lack is */
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
        free(resume->groups);
        free(resume->name);
        free(resume->task);
        free(resume);
        return NULL;
}

struct result *resume_result(const struct resume *resume) {
        return resume->result;
}

static int ask(struct resume *resume, const char *name, store_history_fn fn) {
        const struct store_history_query query = {
                .run = name, .until_usec = USEC_INFINITY, .before = UINT64_MAX, .n = 1
        };
        struct store *store = live_store(resume->ask.control->live);
        int r = store ? store_ask_history(store, &query, fn, resume, &resume->ask.query) : -EIO;

        return ask_begun(&resume->ask, r);
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
                return ask(resume, resume->name, on_run);
        resume->result = result_ref(last);
        return 1;
}

/* ---- what an interrupted group lacks ---- */

static struct result *find_child(const struct result *result, const char *task) {
        for (size_t i = 0; i < result->n_children; i++)
                if (streq(result->children[i]->task, task))
                        return result->children[i];
        return NULL;
}

static int add_group(struct resume *resume, struct result *result) {
        size_t n = resume->n_groups;

        if ((n & (n - 1)) == 0) {
                struct result **groups = reallocarray(resume->groups, MAX(2 * n, (size_t)1), sizeof(*groups));

                if (!groups)
                        return -ENOMEM;
                resume->groups = groups;
        }
        resume->groups[resume->n_groups++] = result;
        return 0;
}

/* The result itself is others' too. */
static int begin_completing(struct resume *resume) {
        _cleanup_(freep) char *text = outcome_write(resume->result);
        struct result *copy = text ? outcome_parse(text) : NULL;

        if (!copy)
                return -ENOMEM;
        result_unref(resume->result);
        resume->result = copy;
        return add_group(resume, copy);
}

static const struct run_spec *spec_of(const struct resume *resume, const char *task) {
        const struct live_task *live = live_find(resume->ask.control->live, task);

        return live ? &live_task_task(live)->run : NULL;
}

static int append_child(struct result *result, struct result *child) {
        struct result **children = reallocarray(result->children, result->n_children + 1, sizeof(*children));

        if (!children)
                return -ENOMEM;
        result->children = children;
        children[result->n_children++] = child;
        return 0;
}

/* What became of the member at hand, also when that is not known. */
static struct result *make_child(const struct resume *resume, const struct store_run *run) {
        const struct result *of = resume->groups[resume->group];
        usec_t begun = usec_sub(of->ended_realtime_usec, of->duration_usec);
        const struct run_spec *spec = spec_of(resume, of->task);
        struct result *child;
        const char *task;

        if (!spec || resume->member >= spec->n_members) /* reloaded since it was asked */
                return NULL;
        task = spec->members[resume->member].spec->name;

        /* Numbers may have begun anew: what is older is of another run of this name. */
        if (run && (!streq(run->task, task) || run->begun_usec < usec_sub(begun, USEC_PER_SEC)))
                run = NULL;
        child = run && run->json ? outcome_parse(run->json) : NULL;
        if (child && streq(child->task, task))
                return child;
        result_unref(child);
        child = result_new(task, run ? run->run : "");
        if (child)
                child->outcome = run ? run->outcome : OUTCOME_NEVER_STARTED;
        return child;
}

static void on_member(int error, const struct store_history_row *rows, size_t n, void *arg) {
        struct resume *resume = arg;
        struct result *child;

        resume->error = error;
        if (error == 0) {
                child = make_child(resume, n > 0 ? rows[0].run : NULL);
                resume->error = child ? append_child(resume->groups[resume->group], child) : -ENOMEM;
                if (resume->error < 0)
                        result_unref(child);
        }
        ask_done(&resume->ask);
}

/* Returns 1 when nothing is lacking any more; else what next() is to return. */
static int complete(struct resume *resume, struct varlink_call *call) {
        unsigned budget = MEMBERS_A_STEP;

        while (resume->group < resume->n_groups) {
                struct result *of = resume->groups[resume->group], *child;
                const struct run_spec *spec = spec_of(resume, of->task);
                char name[RUN_NAME_MAX];

                if (!spec || resume->member >= spec->n_members) {
                        resume->group++;
                        resume->member = 0;
                        continue;
                }
                child = find_child(of, spec->members[resume->member].spec->name);
                if (!child) {
                        (void)snprintf(name, sizeof(name), "%s/%s", of->run, spec->members[resume->member].spec->name);
                        return ask(resume, name, on_member);
                }
                if (child->outcome == OUTCOME_INTERRUPTED && add_group(resume, child) < 0)
                        return -ENOMEM;
                resume->member++;
                if (--budget == 0) {
                        varlink_wake(call);
                        return -EAGAIN;
                }
        }
        return 1;
}

/* ---- all of it ---- */

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
        if (resume->result->outcome == OUTCOME_INTERRUPTED && resume->n_groups == 0)
                r = begin_completing(resume);
        if (r >= 0)
                r = complete(resume, call);
        if (r <= 0)
                return r;
        if (all_ok(resume->result, spec))
                return varlink_error(call, ERROR_RUNNER("AllOk"), json_pack("{s:s}", "run", resume->name));
        return 1;
}
