/* SPDX-License-Identifier: MIT */
/* verb_runs: tree, start, stop, wait. */
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

int verb_wait(struct ctl *ctl, const struct verb_args *args) {
        struct results results = { CTL_OK };
        int code;

        code = ctl_call(ctl, "Wait", json_pack("{s:o}", "runs", ctl_strings(args->words, args->n)), CTL_MORE | CTL_WAIT,
                        on_result, &results);
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
