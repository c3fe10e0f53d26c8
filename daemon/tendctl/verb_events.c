/* SPDX-License-Identifier: MIT */
/* verb_events: what happened, or happens.
 *
 * Who follows goes on when it is cut off: because the daemon was started anew, or because it was slow. It knows the number
 * of the last event it was told of, and asks for those behind that; what is lost is said.
 */
#include "base/text.h"
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <poll.h>
#include <stdio.h>

#define LINES_MAX  256
#define AGAIN_MSEC 250

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

struct position {
        char instance[64]; /* "": nothing was told yet */
        json_int_t last;
        bool away; /* the daemon is, which was said */
};

static void say_lost(const json_t *parameters) {
        json_int_t lost = get_int(parameters, "lost");

        if (lost > 0)
                (void)ctl_error(CTL_OK, "%lld events are lost", (long long)lost);
        if (get_bool(parameters, "restarted"))
                (void)ctl_error(CTL_OK, "the daemon was started anew; what the one before told last may be lost");
}

static int on_events(struct ctl *ctl, const json_t *parameters, void *arg) {
        struct position *position = arg;
        size_t index;
        json_t *event;

        say_lost(parameters);
        json_array_foreach(json_object_get(parameters, "events"), index, event) {
                if (!ctl->json)
                        print_event(event);
                else if (json_dumpf(event, stdout, JSON_COMPACT) == 0) /* one a line, for a program that reads along */
                        putchar('\n');
        }
        (void)snprintf(position->instance, sizeof(position->instance), "%s", get_string(parameters, "instance"));
        position->last = get_int(parameters, "last");
        position->away = false;
        return fflush(stdout) == 0 ? CTL_OK : ctl_error(CTL_FAILED, "cannot write: %s", strerror(errno));
}

/* Adds the words of @text, which commas separate. */
static json_t *split(const char *text) {
        json_t *array = json_array();

        while (*text) {
                size_t n = strcspn(text, ",");

                (void)json_array_append_new(array, json_stringn(text, n));
                text += n + (text[n] == ',');
        }
        return array;
}

/* Names of tasks, and those of runs, which have a number. */
static json_t *pick(const struct verb_args *args, bool runs) {
        json_t *array = json_array();

        for (size_t i = 0; i < args->n; i++)
                if ((strchr(args->words[i], '#') != NULL) == runs)
                        (void)json_array_append_new(array, json_string(args->words[i]));
        return array;
}

static json_t *make_filter(const struct verb_args *args) {
        const char *kinds = args->options[EVENTS_KINDS];

        return json_pack("{s:o, s:o, s:o*, s:b}", "tasks", pick(args, false), "runs", pick(args, true), "events",
                         kinds ? split(kinds) : NULL, "failed", args->options[EVENTS_FAILED] != NULL);
}

/* With the names that it began with, which a daemon that was started anew may not have any more. */
static int follow(struct ctl *ctl, json_t *filter, json_t *first) {
        struct position position = { 0 };
        int code;

        code = ctl_connect(ctl);
        if (code != CTL_OK) {
                json_decref(first);
                return code;
        }
        code = ctl_call(ctl, "Events", first, CTL_MORE | CTL_WAIT | CTL_AGAIN, on_events, &position);
        while (code == CTL_NO_DAEMON && *position.instance) {
                json_t *parameters = json_copy(filter);

                if (!position.away && !ctl->client)
                        position.away = ctl_error(1, "the daemon is gone; waiting for it to come back");
                if (!ctl->client)
                        (void)poll(NULL, 0, AGAIN_MSEC);
                (void)json_object_set_new(parameters, "instance", json_string(position.instance));
                (void)json_object_set_new(parameters, "after", json_integer(position.last));
                code = ctl_call(ctl, "Events", parameters, CTL_MORE | CTL_WAIT | CTL_AGAIN, on_events, &position);
        }
        return code;
}

int verb_events(struct ctl *ctl, const struct verb_args *args) {
        const char *lines = args->options[EVENTS_LINES];
        bool follows = args->options[EVENTS_FOLLOW] != NULL;
        struct position position = { 0 };
        json_auto_t *filter = NULL;
        json_t *parameters;
        uint64_t n = 0;

        if (lines && text_parse_uint(lines, 0, LINES_MAX, &n) < 0)
                return ctl_error(CTL_USAGE, "--lines %s: a number up to %d", lines, LINES_MAX);
        filter = make_filter(args);
        parameters = json_copy(filter);
        if (lines)
                (void)json_object_set_new(parameters, "backlog", json_integer((json_int_t)n));
        if (follows)
                return follow(ctl, filter, parameters);
        return ctl_call(ctl, "Events", parameters, 0, on_events, &position);
}
