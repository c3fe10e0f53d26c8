/* SPDX-License-Identifier: MIT */
/* verb_pause: pause, resume. */
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <stdio.h>

/* What was to be done, and what was so already, which is no error. */
static int print_both(struct ctl *ctl, json_t *answer, const char *done, const char *already, const char *said) {
        size_t index;
        json_t *name;

        if (!ctl->json)
                json_array_foreach(json_object_get(answer, already), index, name)
                        printf("%s is %s\n", json_string_value(name), said);
        if (!ctl->json && json_array_size(json_object_get(answer, done)) == 0 &&
            json_array_size(json_object_get(answer, already)) == 0)
                printf("all that match are %s\n", said);
        return print_names(ctl, answer, done, done);
}

int verb_pause(struct ctl *ctl, const struct verb_args *args) {
        json_t *answer;
        int code;

        code = ctl_ask(ctl, "Pause",
                       json_pack("{s:o, s:s*}", "tasks", ctl_strings(args->words, args->n), "reason",
                                 args->options[PAUSE_REASON]),
                       &answer);
        return code == CTL_OK ? print_both(ctl, answer, "paused", "already", "paused already") : code;
}

int verb_resume(struct ctl *ctl, const struct verb_args *args) {
        json_t *answer;
        int code;

        code = ctl_ask(ctl, "Resume", json_pack("{s:o}", "tasks", ctl_strings(args->words, args->n)), &answer);
        return code == CTL_OK ? print_both(ctl, answer, "resumed", "not_paused", "not paused") : code;
}
