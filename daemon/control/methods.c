/* SPDX-License-Identifier: MIT */
/* methods: the table of io.tendd.Runner, and what its handlers share. A test compares it with the description. */
#include "control/methods.h"

#include "base/text.h"
#include "control/descriptions.h"
#include "control/run_json.h"

#include <stdio.h>

#define OPTIONAL true
#define REQUIRED false

static const struct varlink_field fields_list[] = {
        { "tasks", VARLINK_STRINGS, OPTIONAL },
        { "states", VARLINK_STRINGS, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_show[] = {
        { "task", VARLINK_STRING, REQUIRED },
        { 0 },
};
static const struct varlink_field fields_tree[] = {
        { "runs", VARLINK_STRINGS, OPTIONAL },
        { "processes", VARLINK_BOOL, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_why[] = {
        { "name", VARLINK_STRING, REQUIRED },
        { 0 },
};
static const struct varlink_field fields_start[] = {
        { "tasks", VARLINK_STRINGS, REQUIRED },
        { "wait", VARLINK_BOOL, OPTIONAL },
        { "resume", VARLINK_STRING, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_run[] = {
        { "command", VARLINK_WORDS, REQUIRED },
        { "name", VARLINK_STRING, OPTIONAL },
        { "env", VARLINK_WORDS, OPTIONAL },
        { "umask", VARLINK_INT, OPTIONAL },
        { "user", VARLINK_STRING, OPTIONAL },
        { "stdin", VARLINK_INT, OPTIONAL },
        { "stdout", VARLINK_INT, OPTIONAL },
        { "stderr", VARLINK_INT, OPTIONAL },
        { "directory", VARLINK_INT, OPTIONAL },
        { "limit", VARLINK_STRING, OPTIONAL },
        { "timeout", VARLINK_STRING, OPTIONAL },
        { "total_timeout", VARLINK_STRING, OPTIONAL },
        { "queue_timeout", VARLINK_STRING, OPTIONAL },
        { "grace", VARLINK_STRING, OPTIONAL },
        { "retries", VARLINK_INT, OPTIONAL },
        { "retry_delay", VARLINK_STRING, OPTIONAL },
        { "priority", VARLINK_INT, OPTIONAL },
        { "detach", VARLINK_BOOL, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_map[] = {
        { "command", VARLINK_WORDS, REQUIRED },
        { "items", VARLINK_INT, REQUIRED },
        { "name", VARLINK_STRING, OPTIONAL },
        { "env", VARLINK_WORDS, OPTIONAL },
        { "umask", VARLINK_INT, OPTIONAL },
        { "user", VARLINK_STRING, OPTIONAL },
        { "stdout", VARLINK_INT, OPTIONAL },
        { "stderr", VARLINK_INT, OPTIONAL },
        { "directory", VARLINK_INT, OPTIONAL },
        { "concurrency", VARLINK_INT, OPTIONAL },
        { "items_may_fail", VARLINK_STRING, OPTIONAL },
        { "on_item_failure", VARLINK_STRING, OPTIONAL },
        { "limit", VARLINK_STRING, OPTIONAL },
        { "timeout", VARLINK_STRING, OPTIONAL },
        { "total_timeout", VARLINK_STRING, OPTIONAL },
        { "queue_timeout", VARLINK_STRING, OPTIONAL },
        { "grace", VARLINK_STRING, OPTIONAL },
        { "retries", VARLINK_INT, OPTIONAL },
        { "retry_delay", VARLINK_STRING, OPTIONAL },
        { "priority", VARLINK_INT, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_stop[] = {
        { "runs", VARLINK_STRINGS, REQUIRED },
        { "reason", VARLINK_STRING, OPTIONAL },
        { "force", VARLINK_BOOL, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_restart[] = {
        { "runs", VARLINK_STRINGS, REQUIRED },
        { "wait", VARLINK_BOOL, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_signal[] = {
        { "runs", VARLINK_STRINGS, REQUIRED },
        { "signal", VARLINK_STRING, REQUIRED },
        { "main", VARLINK_BOOL, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_extend[] = {
        { "runs", VARLINK_STRINGS, REQUIRED },
        { "by_usec", VARLINK_INT, OPTIONAL },
        { "until_usec", VARLINK_INT, OPTIONAL },
        { "parents", VARLINK_BOOL, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_wait[] = {
        { "runs", VARLINK_STRINGS, OPTIONAL },
        { "state", VARLINK_STRING, OPTIONAL },
        { "timeout_usec", VARLINK_INT, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_pause[] = {
        { "tasks", VARLINK_STRINGS, OPTIONAL },
        { "limits", VARLINK_STRINGS, OPTIONAL },
        { "all", VARLINK_BOOL, OPTIONAL },
        { "reason", VARLINK_STRING, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_resume[] = {
        { "tasks", VARLINK_STRINGS, OPTIONAL },
        { "limits", VARLINK_STRINGS, OPTIONAL },
        { "all", VARLINK_BOOL, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_next[] = {
        { "tasks", VARLINK_STRINGS, OPTIONAL },
        { "n", VARLINK_INT, OPTIONAL },
        { "each", VARLINK_INT, OPTIONAL },
        { "until_usec", VARLINK_INT, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_history[] = {
        { "tasks", VARLINK_STRINGS, OPTIONAL },
        { "run", VARLINK_STRING, OPTIONAL },
        { "failed", VARLINK_BOOL, OPTIONAL },
        { "hooks", VARLINK_BOOL, OPTIONAL },
        { "since_usec", VARLINK_INT, OPTIONAL },
        { "until_usec", VARLINK_INT, OPTIONAL },
        { "reaching", VARLINK_BOOL, OPTIONAL },
        { "n", VARLINK_INT, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_output[] = {
        { "runs", VARLINK_STRINGS, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_limits[] = {
        { "limits", VARLINK_STRINGS, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_pools[] = {
        { "pools", VARLINK_STRINGS, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_set_limit[] = {
        { "limit", VARLINK_STRING, REQUIRED },
        { "permits", VARLINK_INT, OPTIONAL },
        { "rate", VARLINK_STRING, OPTIONAL },
        { "reset", VARLINK_BOOL, OPTIONAL },
        { 0 },
};
static const struct varlink_field fields_set_pool[] = {
        { "pool", VARLINK_STRING, REQUIRED },       { "threads", VARLINK_INT, OPTIONAL },
        { "spare_threads", VARLINK_INT, OPTIONAL }, { "queue_max", VARLINK_INT, OPTIONAL },
        { "reset", VARLINK_BOOL, OPTIONAL },        { 0 },
};
static const struct varlink_field fields_events[] = {
        { "tasks", VARLINK_STRINGS, OPTIONAL },   { "runs", VARLINK_STRINGS, OPTIONAL },
        { "events", VARLINK_STRINGS, OPTIONAL },  { "failed", VARLINK_BOOL, OPTIONAL },
        { "backlog", VARLINK_INT, OPTIONAL },     { "after", VARLINK_INT, OPTIONAL },
        { "instance", VARLINK_STRING, OPTIONAL }, { 0 },
};
static const struct varlink_field fields_shutdown[] = {
        { "now", VARLINK_BOOL, OPTIONAL },
        { "when_idle", VARLINK_BOOL, OPTIONAL },
        { 0 },
};

static const struct varlink_method methods[] = {
        { "Status", VARLINK_ROLE_VIEW, 0, NULL, method_status },
        { "List", VARLINK_ROLE_VIEW, 0, fields_list, method_list },
        { "Show", VARLINK_ROLE_VIEW, 0, fields_show, method_show },
        { "Tree", VARLINK_ROLE_VIEW, 0, fields_tree, method_tree },
        { "Why", VARLINK_ROLE_VIEW, 0, fields_why, method_why },
        { "Start", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, fields_start, method_start },
        { "RunCommand", VARLINK_ROLE_OPERATE, VARLINK_CHANGES | VARLINK_FDS, fields_run, method_run },
        { "MapCommand", VARLINK_ROLE_OPERATE, VARLINK_MORE | VARLINK_CHANGES | VARLINK_FDS, fields_map, method_map },
        { "Stop", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, fields_stop, method_stop },
        { "Restart", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, fields_restart, method_restart },
        { "Signal", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, fields_signal, method_signal },
        { "Extend", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, fields_extend, method_extend },
        { "Wait", VARLINK_ROLE_VIEW, 0, fields_wait, method_wait },
        { "Pause", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, fields_pause, method_pause },
        { "Resume", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, fields_resume, method_resume },
        { "Reload", VARLINK_ROLE_ADMIN, VARLINK_CHANGES, NULL, method_reload },
        { "Diff", VARLINK_ROLE_VIEW, 0, NULL, method_diff },
        { "Next", VARLINK_ROLE_VIEW, 0, fields_next, method_next },
        { "History", VARLINK_ROLE_VIEW, 0, fields_history, method_history },
        { "Output", VARLINK_ROLE_VIEW, 0, fields_output, method_output },
        { "Limits", VARLINK_ROLE_VIEW, 0, fields_limits, method_limits },
        { "Pools", VARLINK_ROLE_VIEW, 0, fields_pools, method_pools },
        { "SetLimit", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, fields_set_limit, method_set_limit },
        { "SetPool", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, fields_set_pool, method_set_pool },
        { "Events", VARLINK_ROLE_VIEW, 0, fields_events, method_events },
        { "Shutdown", VARLINK_ROLE_ADMIN, VARLINK_CHANGES, fields_shutdown, method_shutdown },
};

const struct varlink_interface runner_interface = {
        .name = "io.tendd.Runner",
        .description = description_io_tendd_Runner,
        .methods = methods,
        .n_methods = ARRAY_SIZE(methods),
        .failed = ERROR_RUNNER("Failed"),
        .denied = ERROR_RUNNER("RoleNeeded"),
};

json_t *json_usec(usec_t usec) {
        return json_integer((json_int_t)MIN(usec, (usec_t)INT64_MAX));
}

usec_t to_realtime(usec_t monotonic_usec) {
        usec_t monotonic = clock_now(CLOCK_ID_MONOTONIC), realtime = clock_now(CLOCK_ID_REALTIME);

        return monotonic_usec > monotonic ? usec_add(realtime, monotonic_usec - monotonic)
                                          : usec_sub(realtime, monotonic - monotonic_usec);
}

const char *call_by(const struct varlink_call *call, char buf[BY_MAX]) {
        const struct varlink_peer *peer = varlink_call_peer(call);

        (void)snprintf(buf, BY_MAX, "uid %u, pid %d", (unsigned)peer->uid, (int)peer->pid);
        return buf;
}

int reply_no_such_task(struct varlink_call *call, const char *name) {
        return varlink_error(call, ERROR_RUNNER("NoSuchTask"), json_pack("{s:s}", "task", name));
}

static bool is_usable(const struct live_task *task, const struct names_check *check) {
        return task && (!check->enabled || live_task_task(task)->enabled);
}

int names_check(struct control *control, const json_t *names, struct names_check *check, const char **ret_name) {
        struct live *live = control->live;
        unsigned budget = SCAN_A_STEP;

        for (; check->name < json_array_size(names); check->name++, check->index = 0) {
                const char *name = json_string_value(json_array_get(names, check->name));
                size_t n = strpbrk(name, "*?") ? live_n_tasks(live) : 0;

                if ((check->runs && is_run_name(name)) || is_usable(live_find(live, name), check) ||
                    (check->gone && live_find_gone(live, name)))
                        continue;
                for (;; check->index++) {
                        const struct live_task *task;

                        if (check->index >= n) {
                                *ret_name = name;
                                return -ENOENT;
                        }
                        if (budget-- == 0)
                                return 0;
                        task = live_task_at(live, check->index);
                        if (is_usable(task, check) && text_match(name, live_task_task(task)->run.name))
                                break;
                }
        }
        return 1;
}

bool is_known_task(struct control *control, const char *name, bool gone) {
        size_t n = strpbrk(name, "*?") ? live_n_tasks(control->live) : 0;
        bool found = live_find(control->live, name) || (gone && live_find_gone(control->live, name));

        for (size_t i = 0; i < n && !found; i++)
                found = text_match(name, live_task_task(live_task_at(control->live, i))->run.name);
        return found;
}

int visit_runs(struct run *run, wanted_fn wanted, run_fn fn, void *arg) {
        int r, count = 0;

        if (run_get_role(run) == RUN_LEAF || run_get_item(run) || run_get_state(run) == RUN_DONE)
                return 0;
        if (run_get_role(run) != RUN_ROOT && wanted(run_get_spec(run)->name, arg)) {
                r = fn(run, arg);
                return r < 0 ? r : 1;
        }
        for (struct run *child = run_first_child(run); child; child = run_next_sibling(child)) {
                r = visit_runs(child, wanted, fn, arg);
                if (r < 0)
                        return r;
                count += r;
        }
        return count;
}

bool is_below_wanted(const struct run *run, wanted_fn wanted, void *arg) {
        while (run_get_role(run) != RUN_ROOT) {
                const struct run *host = run_get_host(run);

                run = host ? host : run_get_parent(run);
                if (run_get_role(run) != RUN_ROOT && wanted(run_get_spec(run)->name, arg))
                        return true;
        }
        return false;
}

struct of_task {
        struct run_tree *tree;
        const char *name;
        struct processes *processes;
        json_t *array;
        json_int_t hidden; /* runs for which there was no room */
};

static bool is_of_task(const char *task, void *arg) {
        const struct of_task *of_task = arg;

        return streq(task, of_task->name);
}

static int append_of_task(struct run *run, void *arg) {
        struct of_task *of_task = arg;
        size_t n = json_array_size(of_task->array);

        if (is_below_wanted(run, is_of_task, of_task))
                return 0;
        if (n >= RUN_JSON_FEW) {
                of_task->hidden++;
                return 0;
        }
        return run_append_json(of_task->array, of_task->tree, run, RUN_JSON_FEW - n, of_task->processes);
}

json_t *runs_of_task(struct control *control, const struct task *task, struct processes *processes) {
        struct run_tree *tree = live_tree(control->live);
        struct of_task of_task = { tree, task->run.name, processes, json_array(), 0 };
        json_t *first;

        if (of_task.array && visit_runs(run_tree_root(tree), is_of_task, append_of_task, &of_task) < 0) {
                json_decref(of_task.array);
                return NULL;
        }
        if (of_task.hidden > 0) {
                first = json_array_get(of_task.array, 0);
                of_task.hidden += json_integer_value(json_object_get(first, "hidden"));
                (void)json_object_set_new(first, "hidden", json_integer(of_task.hidden));
        }
        return of_task.array;
}

/* ---- patterns ---- */

int patterns_init(struct patterns *patterns, const json_t *list) {
        *patterns = (struct patterns){ 0 };
        if (!list || json_array_size(list) == 0)
                return 0;
        patterns->matched = calloc(json_array_size(list), sizeof(*patterns->matched));
        if (!patterns->matched)
                return -ENOMEM;
        patterns->list = json_incref((json_t *)list);
        return 0;
}

void patterns_done(struct patterns *patterns) {
        json_decref(patterns->list);
        free(patterns->matched);
        *patterns = (struct patterns){ 0 };
}

bool patterns_match(struct patterns *patterns, const char *name) {
        bool found = false;

        for (size_t i = 0; i < json_array_size(patterns->list); i++) {
                if (!text_match(json_string_value(json_array_get(patterns->list, i)), name))
                        continue;
                patterns->matched[i] = true;
                found = true;
        }
        return found || !patterns->list;
}

size_t patterns_a_step(const struct patterns *patterns) {
        size_t n = json_array_size(patterns->list);

        return n > 0 ? MAX(SCAN_A_STEP / n, (size_t)1) : SCAN_A_STEP;
}

const char *patterns_unmatched(const struct patterns *patterns) {
        for (size_t i = 0; i < json_array_size(patterns->list); i++)
                if (!patterns->matched[i])
                        return json_string_value(json_array_get(patterns->list, i));
        return NULL;
}
