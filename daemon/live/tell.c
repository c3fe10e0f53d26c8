/* SPDX-License-Identifier: MIT */
/* tell: turns what the run tree reports into counters, events and hooks. */
#include "live/live_private.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

struct live_task *live_task_of(const struct run *run) {
        return task_of(run_get_spec(run))->live;
}

/* ---- observers ---- */

void live_emit_at(struct live *live, struct log_place place, const struct event *event) {
        struct event told = *event;
        struct live_observer *observer, *tmp;

        told.place = place;
        if (told.realtime_usec == 0)
                told.realtime_usec = clock_now(CLOCK_ID_REALTIME);
        if (!told.quiet)
                event_log(&told);
        list_for_each_entry_safe(observer, tmp, &live->observers, link)
                observer->fn(&told, observer->arg);
}

int live_observe(struct live *live, live_event_fn fn, void *arg, struct live_observer **ret) {
        struct live_observer *observer;

        observer = malloc(sizeof(*observer));
        if (!observer)
                return -ENOMEM;
        observer->fn = fn;
        observer->arg = arg;
        list_append(&live->observers, &observer->link);
        *ret = observer;
        return 0;
}

struct live_observer *live_unobserve(struct live_observer *observer) {
        if (!observer)
                return NULL;
        list_remove(&observer->link);
        free(observer);
        return NULL;
}

/* ---- states ---- */

static bool is_shown(const struct run *run) {
        return run_get_role(run) != RUN_LEAF && !run_get_item(run);
}

/* Top-level runs are counted from their creation to their end; a member once it no longer waits. */
static void count_member(const struct live *live, struct live_task *entry, const struct run *run, enum run_state from) {
        if (run_get_parent(run) == run_tree_root(live->tree))
                return;
        if (from == RUN_QUEUED && run_get_state(run) != RUN_DONE)
                entry->running++;
        else if (from != RUN_QUEUED && run_get_state(run) == RUN_DONE)
                entry->running--;
}

static void on_new(struct run *run, void *arg _unused_) {
        live_note_begin(live_task_of(run), run);
        if (run_get_spec(run)->is_service)
                live_service_new(live_task_of(run), run);
}

static void on_hook_begins(struct run *hook, void *arg _unused_) {
        live_note_hook_begins(hook);
}

static void on_process(struct run *job, int pid, uint64_t start_ticks, bool gone, void *arg _unused_) {
        live_note_process(job, pid, start_ticks, gone);
}

static void on_ready(struct run *job, bool ready, void *arg _unused_) {
        struct run *top = run_get_top(job);

        if (ready)
                live_catch_up_ready(live_task_of(top), run_get_number(top));
        live_service_ready(live_task_of(job), job, ready);
}

static void on_restart(struct run *job, usec_t at_usec, const char *by, void *arg _unused_) {
        live_service_restarts(live_task_of(job), job, at_usec, by);
}

static void on_state(struct run *run, enum run_state from, void *arg) {
        struct live *live = arg;
        struct live_task *entry = live_task_of(run);
        char name[RUN_NAME_MAX];
        struct event event = { .task = run_get_spec(run)->name };

        if (run == entry->waiting && from == RUN_QUEUED)
                entry->waiting = NULL;
        if (!is_shown(run))
                return;
        count_member(live, entry, run, from);
        if (from == RUN_QUEUED && run_get_state(run) != RUN_DONE)
                live_slow_begin(entry, run);
        else if (run_get_state(run) == RUN_DONE)
                live_slow_end(entry, run);
        switch (run_get_state(run)) {
        case RUN_RUNNING:
                event.id = EVENT_RUN_STARTED;
                event.text = "started";
                break;
        case RUN_STOPPING:
                event.id = EVENT_RUN_STOPPING;
                event.text = "stopping";
                break;
        default: return;
        }
        event.run = run_name(run, name);
        live_emit(live, &event);
}

/* ---- ends ---- */

/* Whether another top-level run of the task, hooks aside, has not ended yet. */
static bool others_live(const struct live_task *entry) {
        const struct run *run;

        if (entry->running == 0) /* which saves the walk over all that lives, mostly */
                return false;
        for (run = run_first_child(run_tree_root(entry->live->tree)); run; run = run_next_sibling(run))
                if (live_task_of(run) == entry && !run_is_hook(run) && run_get_state(run) != RUN_DONE)
                        return true;
        return false;
}

static void count_skip(struct live_task *entry, const struct run *run, const char *reason) {
        char what[160];

        live_count_skip(entry, reason);
        if (run_get_number(run) != entry->last_due_number)
                return;
        (void)snprintf(what, sizeof(what), "skipped: %s", reason ? reason : "it was not wanted any more");
        live_set_last_due(entry, entry->last_due_usec, 0, what);
}

static void count(struct live_task *entry, const struct run *run, const struct result *result) {
        entry->running -= entry->running > 0;
        entry->counts[result->outcome]++;
        if (result->outcome == OUTCOME_SKIPPED)
                count_skip(entry, run, result->reason);
        if (entry->waiting == run)
                entry->waiting = NULL;
        live_caught_up(entry, run_get_number(run));
        if (entry->trigger.schedule.from_end && !run_is_hook(run) && !others_live(entry)) {
                trigger_run_ended(&entry->trigger);
                live_note(entry);
        }
}

static void fire_hooks(struct live *live, const struct task *task, struct result *result) {
        bool ok = result->outcome == OUTCOME_OK;

        live_fire_hooks(live, ok ? &task->on_success : &task->on_failure,
                        &(const struct hook_cause){ .result = result, .event = ok ? "success" : "failure" });
}

static void on_done(struct run *run, struct result *result, void *arg) {
        struct live *live = arg;
        struct live_task *entry = live_task_of(run);
        struct event event = { .id = EVENT_RUN_DONE, .task = result->task, .run = result->run, .result = result };
        bool top = run_get_parent(run) == run_tree_root(live->tree);

        if (top)
                count(entry, run, result);
        if (top && run_is_hook(run))
                live->n_hooks--;
        live_note_end(entry, run, result);
        live_emit(live, &event);
        if (!result->resumed) { /* else it says nothing of how the task is now */
                live_remember(entry, result, !run_is_hook(run));
                live_items_settle(entry, result, run_started_usec(run), !run_is_hook(run));
        }
        if (!run_is_hook(run) && !result->resumed)
                fire_hooks(live, entry->task, result);
        live_service_done(entry, run, result);
        if (top && result->cancel == CANCEL_REPLACED && run_get_role(run) == RUN_GROUP)
                live_service_group_replaced(entry, result);
        if (result->outcome == OUTCOME_OK)
                live_group_may_be_ready(run);
        if (live_is_check(entry))
                live_touch(entry->health_of);
}

/* When many items fail, the first of each minute are told; the summary has them all. */
static bool may_tell_item(struct live_task *entry) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        if (now >= usec_add(entry->items_window_usec, ITEM_EVENTS_PERIOD)) {
                entry->items_window_usec = now;
                entry->items_told = 0;
        }
        return entry->items_told++ < ITEM_EVENTS_BURST;
}

static void on_item(struct run *fanout, struct run *item, enum outcome outcome, const struct errors *errors,
                    void *arg) {
        struct event event = { .id = EVENT_ITEM_FAILED, .task = run_get_spec(fanout)->name };
        char text[512], shown[256] = "";

        if (item && !run_get_spec(fanout)->is_transient)
                live_items_add(live_task_of(fanout), run_get_item(item), outcome,
                               errors->n > 0 ? errors->items[0].kind : ERROR_NONE);
        if (!outcome_is_failure(outcome) || errors->n == 0 || !may_tell_item(live_task_of(fanout)))
                return;
        if (item)
                (void)text_hide_userinfo(run_get_item(item), shown, sizeof(shown));
        (void)snprintf(text, sizeof(text), "%s%s%s: %s", shown, item ? ": " : "",
                       error_kind_to_string(errors->items[0].kind), errors->items[0].detail);
        event.run = errors->items[0].run;
        event.error = errors->items[0].kind;
        event.text = text;
        live_emit(arg, &event);
}

void live_on_suppressed(const struct task *task, const char *run, const char *text) {
        live_emit(task->live->live, &(const struct event){
                                            .id = EVENT_OUTPUT_SUPPRESSED,
                                            .task = task->run.name,
                                            .run = run,
                                            .text = text,
                                    });
}

/* ---- the rest ---- */

static void on_empty(void *arg) {
        struct live *live = arg;

        if (live->on_empty)
                live->on_empty(live->arg);
}

static void on_remnant(struct remnant *remnant, bool gone, void *arg) {
        struct event event = {
                .id = gone ? EVENT_REMNANT_GONE : EVENT_REMNANT,
                .task = remnant_task(remnant),
                .run = remnant_run(remnant),
        };
        const char *what = remnant_is_process(remnant) ? "a process" : "a thread";
        char text[160];

        if (gone)
                (void)snprintf(text, sizeof(text), "%s that the run had left behind is gone", what);
        else
                (void)snprintf(text, sizeof(text),
                               "%s of the run could not be ended; it keeps its permits until it is gone", what);
        event.text = text;
        live_emit(arg, &event);
}

static void hold(const struct run_spec *spec, void *arg _unused_) {
        (void)task_ref(task_of(spec));
}

static void drop(const struct run_spec *spec, void *arg _unused_) {
        (void)task_unref(task_of(spec));
}

const struct run_listener live_listener = {
        .on_state = on_state,
        .on_new = on_new,
        .on_hook_begins = on_hook_begins,
        .on_process = on_process,
        .on_ready = on_ready,
        .on_restart = on_restart,
        .on_done = on_done,
        .on_item = on_item,
        .on_empty = on_empty,
        .on_remnant = on_remnant,
        .hold = hold,
        .drop = drop,
};
