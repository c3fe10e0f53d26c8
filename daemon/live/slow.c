/* SPDX-License-Identifier: MIT */
/* slow: runs that are at work for longer than slow-after. Told once for each run, which goes on. */
#include "live/live_private.h"

#include "base/text.h"

#include <stdio.h>

struct slow_watch {
        struct slow_watch *next;
        struct live_task *entry;
        struct run *run;
        struct loop_timer timer;
        bool slow;
};

/* What hooks are given for a run that has no outcome. NULL: out of memory. */
static struct result *describe(const struct slow_watch *watch, const char *name, const char *text) {
        struct result *result = result_new(watch->entry->task->run.name, name);

        if (!result)
                return NULL;
        result->reason = strdup(text);
        result->attempts = run_attempts(watch->run);
        result->duration_usec = clock_now(CLOCK_ID_MONOTONIC) - run_started_usec(watch->run);
        return result;
}

static void on_slow(struct loop_timer *timer _unused_, void *arg) {
        struct slow_watch *watch = arg;
        struct live_task *entry = watch->entry;
        char name[RUN_NAME_MAX], text[128], span[TEXT_USEC_MAX];
        struct result *result;

        watch->slow = true;
        loop_set_subject(entry->live->loop, entry->task->run.name);
        (void)run_name(watch->run, name);
        (void)snprintf(text, sizeof(text), "slow: at work for %s, which is slow-after",
                       text_format_usec(entry->task->slow_after_usec, span));
        live_emit(entry->live,
                  &(const struct event){
                          .id = EVENT_RUN_SLOW, .task = entry->task->run.name, .run = name, .text = text });
        if (run_is_hook(watch->run))
                return;
        result = describe(watch, name, text);
        if (result)
                live_fire_hooks(entry->live, &entry->task->on_slow,
                                &(const struct hook_cause){ .result = result, .event = "slow", .at_work = true });
        result_unref(result);
}

void live_slow_begin(struct live_task *entry, struct run *run) {
        struct slow_watch *watch;

        if (entry->task->slow_after_usec == USEC_INFINITY)
                return;
        watch = calloc(1, sizeof(*watch));
        if (!watch)
                return;
        watch->entry = entry;
        watch->run = run;
        if (loop_timer_init(&watch->timer, entry->live->loop, CLOCK_ID_MONOTONIC, "slow-after", on_slow, watch) < 0) {
                free(watch);
                return;
        }
        loop_timer_set(&watch->timer, usec_add(run_started_usec(run), entry->task->slow_after_usec));
        watch->next = entry->slow;
        entry->slow = watch;
}

void live_slow_end(struct live_task *entry, const struct run *run) {
        for (struct slow_watch **at = &entry->slow; *at; at = &(*at)->next) {
                struct slow_watch *watch = *at;

                if (watch->run != run)
                        continue;
                *at = watch->next;
                loop_timer_done(&watch->timer);
                free(watch);
                return;
        }
}

bool live_run_is_slow(const struct run *run) {
        for (const struct slow_watch *watch = live_task_of(run)->slow; watch; watch = watch->next)
                if (watch->run == run)
                        return watch->slow;
        return false;
}

bool live_task_is_slow(const struct live_task *task) {
        for (const struct slow_watch *watch = task->slow; watch; watch = watch->next)
                if (watch->slow)
                        return true;
        return false;
}

const struct run *live_task_longest(const struct live_task *task) {
        const struct run *longest = NULL;

        for (const struct slow_watch *watch = task->slow; watch; watch = watch->next)
                if (!longest || run_started_usec(watch->run) < run_started_usec(longest))
                        longest = watch->run;
        return longest;
}
