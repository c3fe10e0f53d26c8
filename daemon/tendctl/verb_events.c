/* SPDX-License-Identifier: MIT */
/* verb_events: what happened, or happens. */
#include "base/text.h"
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <stdio.h>

#define LINES_MAX 256

static void print_event(const json_t *event) {
        const json_t *result = json_object_get(event, "result");
        const json_t *error = json_array_get(json_object_get(result, "errors"), 0);
        const char *outcome = get_string(result, "outcome");
        const char *subject = *get_string(event, "run") ? get_string(event, "run") : get_string(event, "task");
        char when[WHEN_MAX], span[WHEN_MAX];

        print_painted(PAINT_DIM, format_clock(get_int(event, "at_usec"), when));
        printf(" %-13s %s", get_string(event, "event"), subject);
        if (*outcome) {
                putchar(' ');
                print_painted(paint_for(outcome), outcome);
                printf(" after %s", format_span(get_int(result, "duration_usec"), span));
        }
        if (error) {
                printf(": %s: ", get_string(error, "kind"));
                print_safe(get_string(error, "detail"), false);
        } else if (!strstr(get_string(event, "event"), get_string(event, "text"))) { /* "run-started": "started" */
                printf("%s", *subject || *outcome ? ": " : "");
                print_safe(get_string(event, "text"), false);
        }
        putchar('\n');
}

static int on_events(struct ctl *ctl, const json_t *parameters, _unused_ void *arg) {
        size_t index;
        json_t *event;

        json_array_foreach(json_object_get(parameters, "events"), index, event) {
                if (!ctl->json)
                        print_event(event);
                else if (json_dumpf(event, stdout, JSON_COMPACT) == 0) /* one a line, for a program that reads along */
                        putchar('\n');
        }
        return fflush(stdout) == 0 ? CTL_OK : ctl_error(CTL_FAILED, "cannot write: %s", strerror(errno));
}

int verb_events(struct ctl *ctl, const struct verb_args *args) {
        const char *lines = args->options[EVENTS_LINES];
        bool follow = args->options[EVENTS_FOLLOW] != NULL;
        json_t *parameters;
        uint64_t n = 0;

        if (lines && text_parse_uint(lines, 0, LINES_MAX, &n) < 0)
                return ctl_error(CTL_USAGE, "--lines %s: a number up to %d", lines, LINES_MAX);
        parameters = json_pack("{s:o, s:o*}", "tasks", ctl_strings(args->words, args->n), "backlog",
                               lines ? json_integer((json_int_t)n) : NULL);
        return ctl_call(ctl, "Events", parameters, follow ? CTL_MORE | CTL_WAIT : 0, on_events, NULL);
}
