/* SPDX-License-Identifier: MIT */
/* verb_runs: tree, start, stop, wait. */
#include "base/text.h"
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <stdio.h>

int verb_tree(struct ctl *ctl, const struct verb_args *args) {
        json_t *runs;
        int code;

        code = ctl_collect(ctl, "Tree",
                           json_pack("{s:o, s:b}", "runs", ctl_strings(args->words, args->n), "processes",
                                     !args->options[TREE_NO_PROCESSES]),
                           "runs", &runs);
        if (code != CTL_OK)
                return code;
        if (ctl->json)
                return print_json(json_pack("{s:o}", "runs", runs));
        if (json_array_size(runs) > 0)
                print_runs(runs, !args->options[TREE_NO_PROCESSES]);
        else
                printf("nothing runs\n");
        json_decref(runs);
        return CTL_OK;
}

/* ---- start and wait ---- */

struct results {
        int code; /* of the first run that was not ok */
};

/* Services that were to be started and need not be. */
static void print_up(const struct ctl *ctl, const json_t *answer) {
        size_t index;
        json_t *name;

        json_array_foreach(json_object_get(answer, "up"), index, name)
                if (!ctl->json)
                        printf("%s is up already\n", json_string_value(name));
}

static int on_result(struct ctl *ctl, const json_t *parameters, void *arg) {
        json_t *result = json_object_get(parameters, "result");
        struct results *results = arg;

        if (!result) { /* the names of those that were started */
                print_up(ctl, parameters);
                return CTL_OK;
        }
        if (results->code == CTL_OK)
                results->code = (int)get_int(result, "exit_code");
        if (ctl->json)
                (void)print_json(json_incref(result));
        else
                print_outcome(result);
        (void)fflush(stdout);
        return CTL_OK;
}

int print_names(struct ctl *ctl, json_t *answer, const char *key, const char *word) {
        size_t index;
        json_t *name;

        if (ctl->json)
                return print_json(answer);
        json_array_foreach(json_object_get(answer, key), index, name)
                printf("%s %s\n", word, json_string_value(name));
        json_decref(answer);
        return CTL_OK;
}

int say_not_running(const json_t *answer, int code) {
        size_t index;
        json_t *name;

        json_array_foreach(json_object_get(answer, "not_running"), index, name)
                code = ctl_error(CTL_NO_SUCH, "nothing runs of: %s", json_string_value(name));
        return code;
}

int print_done(struct ctl *ctl, json_t *answer, const char *key, const char *word) {
        int code;

        code = say_not_running(answer, print_names(ctl, json_incref(answer), key, word));
        json_decref(answer);
        return code;
}

static void say_where_runs_are(const char *group) {
        fprintf(stderr, "the runs that can be resumed: tendctl history %s\n", group);
}

int verb_start(struct ctl *ctl, const struct verb_args *args) {
        bool wait = args->options[START_WAIT] != NULL;
        const char *resume = args->options[START_RESUME];
        struct results results = { CTL_OK };
        json_t *parameters, *answer;
        int code;

        if (resume && (args->n != 1 || strpbrk(args->words[0], "*?")))
                return ctl_error(CTL_USAGE, "--resume takes one group, by its name: tendctl start GROUP --resume RUN");
        parameters = json_pack("{s:o, s:b, s:s*}", "tasks", ctl_strings(args->words, args->n), "wait", (int)wait,
                               "resume", resume);
        if (!wait) {
                code = ctl_ask(ctl, "Start", parameters, &answer);
                if (code == CTL_NO_SUCH && resume)
                        say_where_runs_are(args->words[0]);
                if (code != CTL_OK)
                        return code;
                print_up(ctl, answer);
                return print_names(ctl, answer, "started", "started");
        }
        ctl->waits = true;
        code = ctl_call(ctl, "Start", parameters, CTL_MORE | CTL_WAIT, on_result, &results);
        if (code == CTL_NO_SUCH && resume)
                say_where_runs_are(args->words[0]);
        return code == CTL_OK ? results.code : CTL_BROKEN;
}

static const struct {
        const char *name;
        const char *said; /* of what has reached it */
} wait_states[] = {
        { "done", NULL },  { "started", "has started" }, { "ready", "is ready" },
        { "ok", "is ok" }, { "failing", "is failing" },  { "recovered", "is not failing" },
        { "idle", NULL },
};

const char *verb_wait_state(size_t index) {
        return index < ARRAY_SIZE(wait_states) ? wait_states[index].name : NULL;
}

static int on_reached(struct ctl *ctl, const json_t *parameters, void *arg) {
        const char *name = get_string(parameters, "reached"), *said = arg;

        if (ctl->json)
                (void)print_json(json_incref((json_t *)parameters));
        else if (said)
                printf("%s %s\n", name, said);
        (void)fflush(stdout);
        return CTL_OK;
}

/* Returns the row of wait_states, or ARRAY_SIZE() of it after a message. */
static size_t parse_state(const char *name) {
        const char *names[ARRAY_SIZE(wait_states)], *nearest;

        for (size_t i = 0; i < ARRAY_SIZE(wait_states); i++) {
                if (streq(wait_states[i].name, name))
                        return i;
                names[i] = wait_states[i].name;
        }
        nearest = text_nearest(name, names, ARRAY_SIZE(names));
        (void)ctl_error(CTL_USAGE, "--for %s: done, started, ready, ok, failing, recovered or idle%s%s%s", name,
                        nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
        return ARRAY_SIZE(wait_states);
}

static bool any_run_name(const struct verb_args *args) {
        for (size_t i = 0; i < args->n; i++)
                if (strchr(args->words[i], '#'))
                        return true;
        return false;
}

/* Whether names are given where they are to be, and of what has the state. */
static int check_wait(const struct verb_args *args, const char *state) {
        bool idle = streq(state, "idle");

        if (idle && args->n > 0)
                return ctl_error(CTL_USAGE, "--for idle is of the daemon, and takes no names");
        if (!idle && args->n == 0)
                return ctl_error(CTL_USAGE, "usage: tendctl wait TASK|RUN..., or --for idle");
        if (any_run_name(args) && !streq(state, "done") && !streq(state, "started"))
                return ctl_error(CTL_USAGE, "--for %s is of tasks; a run is waited for until it has started or is done",
                                 state);
        return CTL_OK;
}

int verb_wait(struct ctl *ctl, const struct verb_args *args) {
        const char *state = args->options[WAIT_FOR] ?: "done", *span = args->options[WAIT_TIMEOUT];
        struct results results = { CTL_OK };
        size_t row = parse_state(state);
        json_t *parameters;
        usec_t timeout = 0;
        int code;

        code = row == ARRAY_SIZE(wait_states) ? CTL_USAGE : check_wait(args, state);
        if (code != CTL_OK)
                return code;
        if (span && (text_parse_usec(span, &timeout) < 0 || timeout == 0 || timeout == USEC_INFINITY))
                return ctl_error(CTL_USAGE, "--timeout %s: no span (such as 30s or 10min)", span);
        parameters = json_pack("{s:o, s:s, s:o*}", "runs", ctl_strings(args->words, args->n), "state", state,
                               "timeout_usec", span ? json_integer((json_int_t)timeout) : NULL);
        if (row > 0)
                return ctl_call(ctl, "Wait", parameters, CTL_MORE | CTL_WAIT, on_reached,
                                (void *)wait_states[row].said);
        code = ctl_call(ctl, "Wait", parameters, CTL_MORE | CTL_WAIT, on_result, &results);
        if (code != CTL_OK)
                return code;
        return results.code == CTL_OK ? CTL_OK : CTL_FAILED;
}

int verb_stop(struct ctl *ctl, const struct verb_args *args) {
        const char *reason = args->options[STOP_REASON];
        json_t *answer;
        int code;

        code = ctl_ask(ctl, "Stop",
                       json_pack("{s:o, s:s*, s:b}", "runs", ctl_strings(args->words, args->n), "reason", reason,
                                 "force", args->options[STOP_FORCE] != NULL),
                       &answer);
        return code == CTL_OK ? print_done(ctl, answer, "stopped", "stopping") : code;
}
