/* SPDX-License-Identifier: MIT */
/* verb_pause: pause, resume: tasks, limits, all triggers. */
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <stdio.h>

/* What of @args is meant, as parameters. Takes the reference to @parameters. */
static int parse_names(const struct verb_args *args, size_t limits, size_t all, json_t *parameters, json_t **ret) {
        bool of_limits = args->options[limits] != NULL, of_all = args->options[all] != NULL;

        *ret = parameters;
        if (of_all ? args->n > 0 || of_limits : args->n == 0) {
                json_decref(parameters);
                return ctl_error(CTL_USAGE, "%s", of_all ? "--all takes no names" : "name tasks, or say --all");
        }
        if (of_all)
                (void)json_object_set_new(parameters, "all", json_true());
        else
                (void)json_object_set_new(parameters, of_limits ? "limits" : "tasks",
                                          ctl_strings(args->words, args->n));
        return CTL_OK;
}

struct words {
        const char *method;
        const char *done;    /* the key of what was to be done, and how it is said */
        const char *already; /* the key of what was so already, which is no error */
        const char *said;
};

static int print_all(struct ctl *ctl, json_t *answer, const struct words *words) {
        if (ctl->json)
                return print_json(answer);
        if (get_bool(answer, "all"))
                printf("%s all triggers\n", words->done);
        else
                printf("all triggers are %s\n", words->said);
        json_decref(answer);
        return CTL_OK;
}

static int print_both(struct ctl *ctl, json_t *answer, const struct words *words) {
        size_t index;
        json_t *name;

        if (!ctl->json)
                json_array_foreach(json_object_get(answer, words->already), index, name)
                        printf("%s is %s\n", json_string_value(name), words->said);
        if (!ctl->json && json_array_size(json_object_get(answer, words->done)) == 0 &&
            json_array_size(json_object_get(answer, words->already)) == 0)
                printf("all that match are %s\n", words->said);
        return print_names(ctl, answer, words->done, words->done);
}

static int ask(struct ctl *ctl, const struct words *words, json_t *parameters) {
        bool all = json_object_get(parameters, "all") != NULL;
        json_t *answer;
        int code;

        code = ctl_ask(ctl, words->method, parameters, &answer);
        if (code != CTL_OK)
                return code;
        return all ? print_all(ctl, answer, words) : print_both(ctl, answer, words);
}

int verb_pause(struct ctl *ctl, const struct verb_args *args) {
        static const struct words words = { "Pause", "paused", "already", "paused already" };
        json_t *parameters;
        int code;

        code = parse_names(args, PAUSE_LIMITS, PAUSE_ALL, json_pack("{s:s*}", "reason", args->options[PAUSE_REASON]),
                           &parameters);
        return code == CTL_OK ? ask(ctl, &words, parameters) : code;
}

int verb_resume(struct ctl *ctl, const struct verb_args *args) {
        static const struct words words = { "Resume", "resumed", "not_paused", "not paused" };
        json_t *parameters;
        int code;

        code = parse_names(args, RESUME_LIMITS, RESUME_ALL, json_object(), &parameters);
        return code == CTL_OK ? ask(ctl, &words, parameters) : code;
}
