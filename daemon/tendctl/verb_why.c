/* SPDX-License-Identifier: MIT */
/* verb_why: sentences about why a task or a run is as it is. */
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <stdio.h>

static void say(const char *text) {
        print_safe(text, false);
        putchar('\n');
}

static void explain_waiting(const json_t *waiting) {
        const json_t *holders = json_object_get(waiting, "holders");
        size_t index;
        json_t *holder;

        printf(": ");
        say(get_string(waiting, "text"));
        json_array_foreach((json_t *)holders, index, holder) {
                printf("  held by ");
                say(json_string_value(holder));
        }
        if (*get_string(waiting, "limit"))
                printf("  see tendctl limits %s\n", get_string(waiting, "limit"));
}

static void explain_output(const json_t *run) {
        char when[WHEN_MAX];

        if (get_int(run, "last_output_usec") > 0)
                printf("  its last output, %s", format_relative(get_int(run, "last_output_usec"), when));
        else if (*get_string(run, "last_output"))
                printf("  its last output");
        else
                return;
        if (*get_string(run, "last_output")) {
                printf(": ");
                print_safe(get_string(run, "last_output"), false);
        }
        putchar('\n');
}

/* What it says of itself, and what can be seen of it. */
static void explain_work(const json_t *run) {
        const json_t *service = json_object_get(run, "service"), *progress = json_object_get(run, "progress");
        char text[100];

        if (*get_string(run, "status")) {
                printf("  it says: ");
                say(get_string(run, "status"));
        }
        if (progress)
                printf("  %s\n", format_progress(progress, text, sizeof(text)));
        if (get_bool(run, "slow"))
                printf("  it is at work for longer than slow-after\n");
        if (*get_string(run, "doing")) {
                printf("  it is at: ");
                say(get_string(run, "doing"));
        }
        explain_output(run);
        print_processes(run);
        if (service && get_int(service, "restarts") > 0)
                printf("  restarts so far: %lld\n", (long long)get_int(service, "restarts"));
        else if (!service && get_int(run, "attempts") > 1)
                printf("  attempt %lld\n", (long long)get_int(run, "attempts"));
}

/* Which bound ends it next. That of a run above, which is told already, is not told again. */
static void explain_deadline(const json_t *run, bool above_is_told) {
        const json_t *deadline = json_object_get(run, "deadline");
        const char *whose = get_string(deadline, "run");
        char when[WHEN_MAX];

        if (!deadline || (above_is_told && !streq(whose, get_string(run, "name"))))
                return;
        printf("  %s of %s ends it %s\n", get_string(deadline, "bound"), whose,
               format_relative(get_int(deadline, "at_usec"), when));
}

/* @first: of those that are told. */
static void explain_run(const json_t *run, bool first) {
        const json_t *waiting = json_object_get(run, "waiting");
        const json_t *service = json_object_get(run, "service");
        const char *state = service ? get_string(service, "state") : get_string(run, "state");
        json_int_t now = (json_int_t)clock_now(CLOCK_ID_REALTIME), started = get_int(run, "started_usec");
        char span[WHEN_MAX], counts[100];
        size_t index;
        json_t *error;

        print_painted(PAINT_BOLD, get_string(run, "name"));
        printf(" is ");
        print_painted(paint_for(state), state);
        printf(service ? ", its run is %s old" : " for %s",
               format_age(now - (started ? started : get_int(run, "created_usec")), span));
        if (started && get_int(run, "usual_usec") > 0)
                printf(", usually %s", format_age(get_int(run, "usual_usec"), span));
        if (waiting)
                explain_waiting(waiting);
        else
                putchar('\n');
        if (streq(state, "stopping") && *get_string(service, "stopped_by")) {
                printf("  stopped by ");
                print_safe(get_string(service, "stopped_by"), false);
                printf(", until it is started\n");
        }
        if (*get_string(run, "item")) {
                printf("  item ");
                say(get_string(run, "item"));
        }
        if (json_object_get(run, "items"))
                printf("  %s\n", format_items(json_object_get(run, "items"), counts, sizeof(counts)));
        explain_work(run);
        json_array_foreach(json_object_get(run, "errors"), index, error) {
                printf("  so far: ");
                if (!streq(get_string(error, "run"), get_string(run, "name"))) {
                        print_safe(get_string(error, "run"), false);
                        printf(": ");
                }
                printf("%s: ", get_string(error, "kind"));
                say(get_string(error, "detail"));
        }
        if (get_int(run, "hidden") > 0)
                printf("  and %lld more runs: tendctl tree %s\n", (long long)get_int(run, "hidden"),
                       get_string(run, "task"));
        explain_deadline(run, !first && get_int(run, "depth") > 0);
}

/* Points at the task whose run was the root cause: there are its output and its settings. */
static void point_at_cause(const json_t *last) {
        const char *run = get_string(json_array_get(json_object_get(last, "errors"), 0), "run");
        const char *item = strstr(run, "/item "), *name = run;
        size_t n = item ? (size_t)(item - run) : strlen(run);
        _cleanup_(freep) char *task = NULL;

        for (size_t i = 0; i < n; i++)
                if (run[i] == '/')
                        name = run + i + 1;
        task = strndup(name, MIN(n - (size_t)(name - run), strcspn(name, "#")));
        if (!task || !*task)
                return;
        printf("  its output and settings: tendctl show ");
        say(task);
}

static void explain_pause(const json_t *task) {
        char when[WHEN_MAX];

        if (!*get_string(task, "paused_by"))
                return;
        printf("  it is ");
        print_painted(paint_for("paused"), "paused");
        printf(" since %s, by ", format_clock(get_int(task, "paused_usec"), when));
        say(get_string(task, "paused_by"));
        printf("  no trigger starts it until tendctl resume %s\n",
               get_bool(task, "paused_all") ? "--all" : get_string(task, "name"));
}

/* When it was due, what became of it, and when it is. */
static void explain_due(const json_t *task, bool runs) {
        json_int_t last = get_int(task, "last_due_usec"), next = get_int(task, "next_usec");
        const char *what = get_string(task, "last_due_what"), *name = get_string(task, "name");
        char when[WHEN_MAX], at[WHEN_MAX];

        if (last > 0) {
                printf("  it was last due at %s, %s", format_clock(last, at), format_relative(last, when));
                printf("%s", *what ? ": " : "");
                say(what);
        }
        if (next > 0)
                printf("  it %s due next at %s, %s\n", *get_string(task, "paused_by") ? "would be" : "is",
                       format_clock(next, at), format_relative(next, when));
        else if (get_bool(task, "starting"))
                printf("  the daemon is starting: when it is due is known after that\n");
        else if (!runs && !*get_string(task, "paused_by") && !json_object_get(task, "service"))
                printf("  it is not due at a known time: tendctl next %s tells why, tendctl start %s starts it\n", name,
                       name);
}

static void explain_watch(const json_t *task) {
        if (!*get_string(task, "watch_trouble"))
                return;
        printf("  its watch does not see at once what arrives: ");
        say(get_string(task, "watch_trouble"));
}

static void explain_health(const json_t *task) {
        const json_t *items = json_object_get(task, "items");
        json_int_t last_ok = get_int(task, "last_ok_usec");
        char when[WHEN_MAX], since[WHEN_MAX];

        if (get_bool(task, "stale"))
                printf("  it is stale since %s: it was %s%s%s\n", format_clock(get_int(task, "stale_usec"), since),
                       last_ok > 0 ? "last ok " : "never ok", last_ok > 0 ? format_relative(last_ok, when) : "",
                       last_ok > 0 ? "" : " since it is known");
        if (!get_bool(task, "failing"))
                return;
        printf("  it is failing");
        if (get_int(items, "failing") > 0)
                printf(": %lld of its items; see tendctl show %s", (long long)get_int(items, "failing"),
                       get_string(task, "name"));
        else if (get_int(task, "failures") > 1)
                printf(", %lld times in a row", (long long)get_int(task, "failures"));
        putchar('\n');
}

static void explain_task(const json_t *task, const json_t *last, bool runs) {
        const json_t *service = json_object_get(task, "service");
        const char *name = get_string(task, "name"), *by = get_string(service, "stopped_by");
        char when[WHEN_MAX];

        if (!runs)
                printf("%s does not run\n", name);
        if (streq(get_string(task, "state"), "disabled"))
                printf("  it is not enabled in the configuration\n");
        if (*by && !runs) {
                printf("  it was stopped by ");
                print_safe(by, false);
                printf(", %s, until it is started\n", format_relative(get_int(service, "stopped_usec"), when));
        }
        if (streq(get_string(task, "state"), "gave-up"))
                printf("  it ended for good\n");
        explain_pause(task);
        explain_due(task, runs);
        explain_watch(task);
        explain_health(task);
        if (get_int(task, "skipped") > 0) {
                printf("  it was due and not run %lld times, the last because ", (long long)get_int(task, "skipped"));
                say(get_string(task, "skip_reason"));
        }
        if (!last) {
                printf("  %s since the daemon was started: tendctl history %s tells what was before\n",
                       runs ? "no run of it has ended" : "it has not run", get_string(task, "name"));
                return;
        }
        printf("last run, %s:\n", format_relative(get_int(json_object_get(task, "last"), "ended_usec"), when));
        print_outcome(last);
        point_at_cause(last);
}

static void explain_ended(const json_t *task, const json_t *last) {
        char when[WHEN_MAX];

        printf("%s has ended, %s:\n", get_string(last, "run"),
               format_relative(get_int(json_object_get(task, "last"), "ended_usec"), when));
        print_outcome(last);
        point_at_cause(last);
}

static void explain_remnant(const json_t *remnant) {
        char when[WHEN_MAX];

        printf("%s left a %s that cannot be ended, %s; it keeps its permits\n", get_string(remnant, "run"),
               get_bool(remnant, "process") ? "process" : "thread",
               format_relative(get_int(remnant, "since_usec"), when));
        if (*get_string(remnant, "doing")) {
                printf("  it is at: ");
                say(get_string(remnant, "doing"));
        }
        explain_output(remnant);
        print_processes(remnant);
}

/* What can be done about @name, if something of it is at work or kept down, or it is @down without a run. */
static void suggest(const char *name, const json_t *runs, bool down) {
        char quoted[QUOTED_MAX];
        size_t index;
        json_t *run;

        json_array_foreach((json_t *)runs, index, run) {
                const char *service = get_string(json_object_get(run, "service"), "state");

                down |= streq(service, "stopped");
                if (!streq(get_string(run, "state"), "running") || streq(service, "stopped") ||
                    streq(service, "stopping"))
                        continue;
                printf("to end it: tendctl stop %s", format_quoted(name, quoted));
                if (json_object_get(run, "deadline"))
                        printf("; to give it more time: tendctl extend %s 1h", quoted);
                putchar('\n');
                break;
        }
        if (index == json_array_size(runs) && down)
                printf("to bring it back: tendctl start %s\n", format_quoted(name, quoted));
        printf("to read its log: tendctl logs %s\n", format_quoted(name, quoted));
}

static int explain(struct ctl *ctl, const char *name) {
        json_t *answer, *entry;
        const char *state;
        const json_t *runs;
        size_t index;
        int code;

        code = ctl_ask(ctl, "Why", json_pack("{s:s}", "name", name), &answer);
        if (code != CTL_OK)
                return code;
        if (ctl->json)
                return print_json(answer);
        state = get_string(json_object_get(answer, "task"), "state");
        runs = json_object_get(answer, "runs");
        json_array_foreach((json_t *)runs, index, entry)
                explain_run(entry, index == 0);
        json_array_foreach(json_object_get(answer, "remnants"), index, entry)
                explain_remnant(entry);
        if (strchr(name, '#') && json_array_size(runs) == 0)
                explain_ended(json_object_get(answer, "task"), json_object_get(answer, "last"));
        else if (!strchr(name, '#'))
                explain_task(json_object_get(answer, "task"), json_object_get(answer, "last"),
                             json_array_size(runs) > 0);
        suggest(name, runs, streq(state, "stopped") || streq(state, "gave-up"));
        json_decref(answer);
        return CTL_OK;
}

int verb_why(struct ctl *ctl, const struct verb_args *args) {
        return ctl_for_each_name(ctl, args->words, args->n, explain);
}
