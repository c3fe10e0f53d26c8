/* SPDX-License-Identifier: MIT */
/* verb_services: restart, signal, extend. */
#include "base/text.h"
#include "tendctl/print.h"
#include "tendctl/time_arg.h"
#include "tendctl/verb.h"

#include <signal.h>
#include <stdio.h>

/* ---- restart ---- */

static void print_restarted(const json_t *result) {
        bool ready = get_bool(result, "ready");

        print_painted(PAINT_BOLD, get_string(result, "run"));
        printf(" ");
        if (get_bool(result, "left")) {
                print_painted(PAINT_WARN, "not restarted");
                printf(", one before it is not ready\n");
                return;
        }
        print_painted(ready ? PAINT_GOOD : PAINT_BAD, ready ? "ready" : "not ready");
        printf(", attempt %lld%s", (long long)get_int(result, "attempt"), *get_string(result, "detail") ? ": " : "");
        print_safe(get_string(result, "detail"), false);
        putchar('\n');
}

static int on_restarted(struct ctl *ctl, const json_t *parameters, void *arg) {
        json_t *result = json_object_get(parameters, "result");
        int *code = arg;

        if (!result) /* the names of those that are going to be restarted */
                return CTL_OK;
        if (!get_bool(result, "ready"))
                *code = CTL_FAILED;
        if (ctl->json)
                (void)print_json(json_incref(result));
        else
                print_restarted(result);
        (void)fflush(stdout);
        return CTL_OK;
}

int verb_restart(struct ctl *ctl, const struct verb_args *args) {
        bool wait = args->options[RESTART_NO_WAIT] == NULL;
        json_t *parameters = json_pack("{s:o, s:b}", "runs", ctl_strings(args->words, args->n), "wait", (int)wait);
        int code, not_ready = CTL_OK;
        json_t *answer;

        if (!wait) {
                code = ctl_ask(ctl, "Restart", parameters, &answer);
                return code == CTL_OK ? print_names(ctl, answer, "restarting", "restarting") : code;
        }
        code = ctl_call(ctl, "Restart", parameters, CTL_MORE | CTL_WAIT, on_restarted, &not_ready);
        return code == CTL_OK ? not_ready : code;
}

/* ---- signal ---- */

static bool is_signal(const char *text) {
        uint64_t number;
        int signo;

        return text_parse_signal(text, &signo) == 0 || text_parse_uint(text, 1, (uint64_t)SIGRTMAX, &number) == 0;
}

int verb_signal(struct ctl *ctl, const struct verb_args *args) {
        const char *name = args->words[args->n - 1];
        json_t *answer;
        int code;

        if (!is_signal(name))
                return ctl_error(CTL_USAGE, "%s: no signal (such as HUP or 15)", name);
        code = ctl_ask(ctl, "Signal",
                       json_pack("{s:o, s:s, s:b}", "runs", ctl_strings(args->words, args->n - 1), "signal", name,
                                 "main", args->options[SIGNAL_MAIN] != NULL),
                       &answer);
        return code == CTL_OK ? print_done(ctl, answer, "signalled", "signalled") : code;
}

/* ---- extend ---- */

static void print_extension(const json_t *extension) {
        const json_t *deadline = json_object_get(extension, "deadline");
        char when[WHEN_MAX], at[WHEN_MAX];

        print_painted(PAINT_BOLD, get_string(extension, "run"));
        if (!deadline) {
                printf(" has no bound any more\n");
                return;
        }
        printf(" %s %s, at %s, by %s", get_bool(extension, "moved") ? "ends" : "is left as it is and ends",
               format_relative(get_int(deadline, "at_usec"), when), format_clock(get_int(deadline, "at_usec"), at),
               get_string(deadline, "bound"));
        if (get_bool(extension, "clipped")) {
                printf(" of ");
                print_safe(get_string(deadline, "run"), false);
                printf(", which comes before what was asked for");
        }
        putchar('\n');
}

/* What is to be asked for: the last word says by how much, or --until up to when. */
static int parse_extend(const struct verb_args *args, json_t **ret) {
        const char *until = args->options[EXTEND_UNTIL], *span = args->words[args->n - 1];
        size_t n = until ? args->n : args->n - 1;
        usec_t usec, now = clock_now(CLOCK_ID_REALTIME);

        if (until && time_arg_parse(until, TIME_FROM_NOW, now, &usec) < 0)
                return ctl_error(CTL_USAGE, "--until %s: no time (such as 18:00, '2025-03-30 02:30' or 2h)", until);
        if (until && usec <= now)
                return ctl_error(CTL_USAGE, "--until %s: that is over; tomorrow is written 'tomorrow 06:00'", until);
        if (n == 0)
                return ctl_error(CTL_USAGE, "usage: tendctl extend TASK|RUN... SPAN, or --until T");
        if (!until && (text_parse_usec(span, &usec) < 0 || usec == 0 || usec == USEC_INFINITY))
                return ctl_error(CTL_USAGE, "%s: no span (such as 10min or 2h)", span);
        *ret = json_pack("{s:o, s:I, s:b}", "runs", ctl_strings(args->words, n), until ? "until_usec" : "by_usec",
                         (json_int_t)usec, "parents", args->options[EXTEND_PARENTS] != NULL);
        return CTL_OK;
}

int verb_extend(struct ctl *ctl, const struct verb_args *args) {
        json_t *parameters = NULL, *answer, *entry;
        size_t index;
        int code;

        code = parse_extend(args, &parameters);
        if (code != CTL_OK)
                return code;
        code = ctl_ask(ctl, "Extend", parameters, &answer);
        if (code != CTL_OK)
                return code;
        if (ctl->json)
                code = print_json(json_incref(answer));
        else
                json_array_foreach(json_object_get(answer, "extended"), index, entry)
                        print_extension(entry);
        json_array_foreach(json_object_get(answer, "refused"), index, entry)
                code = ctl_error(CTL_FAILED, "stopping, or without a bound: %s", json_string_value(entry));
        code = say_not_running(answer, code);
        json_decref(answer);
        return code;
}
