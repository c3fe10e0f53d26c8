/* SPDX-License-Identifier: MIT */
/* counts: observes events and adds up. */
#include "metrics/counts.h"

struct counts {
        struct live *live;
        struct live_observer *observer;
        struct task_counts **tasks; /* by name */
        size_t n_tasks;
        unsigned max_tasks;
        char *last; /* the last name that may be among them; NULL: each may */
        struct task_counts *others;
        bool others_counted; /* something */
        struct durations waits;
        uint64_t events[_EVENT_ID_MAX];
};

/* ---- by name ---- */

static struct task_counts *task_counts_new(const char *name) {
        struct task_counts *task = calloc(1, sizeof(*task) + strlen(name) + 1);

        if (task)
                memcpy(task->name, name, strlen(name) + 1);
        return task;
}

/* Where the task with this name is, or would be. */
static size_t position_of(const struct counts *counts, const char *name, bool *ret_found) {
        size_t low = 0, high = counts->n_tasks;

        *ret_found = false;
        while (low < high && !*ret_found) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(name, counts->tasks[middle]->name);

                *ret_found = order == 0;
                if (order > 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return high;
}

static bool is_own(const struct counts *counts, const char *name) {
        return counts->max_tasks > 0 && (!counts->last || strcmp(name, counts->last) <= 0) &&
               live_find(counts->live, name);
}

/* Also of what was never configured, or is not any more. */
static struct task_counts *counts_for_others(struct counts *counts) {
        counts->others_counted = true;
        return counts->others;
}

/* Where what happens to the task is counted. */
static struct task_counts *counts_for(struct counts *counts, const char *name) {
        struct task_counts **tasks, *task;
        bool found;
        size_t at = position_of(counts, name, &found);

        if (found)
                return counts->tasks[at];
        if (!is_own(counts, name))
                return counts_for_others(counts);
        task = task_counts_new(name);
        tasks = task ? reallocarray(counts->tasks, counts->n_tasks + 1, sizeof(struct task_counts *)) : NULL;
        if (!tasks) {
                free(task);
                return counts_for_others(counts);
        }
        memmove(&tasks[at + 1], &tasks[at], (counts->n_tasks - at) * sizeof(struct task_counts *));
        tasks[at] = task;
        counts->tasks = tasks;
        counts->n_tasks++;
        return task;
}

size_t counts_n_own(const struct counts *counts) {
        return MIN((size_t)counts->max_tasks, live_n_tasks(counts->live));
}

/* ---- what happens ---- */

static void count_items(struct task_counts *task, const struct items_summary *items) {
        for (size_t i = 0; i < _OUTCOME_MAX; i++)
                task->items[i] += items->by_outcome[i];
}

static bool is_service(const struct counts *counts, const char *name) {
        const struct live_task *task = live_find(counts->live, name);

        return task && live_task_task(task)->run.is_service;
}

static void count_run(struct counts *counts, struct task_counts *task, const struct result *result) {
        task->outcomes[result->outcome]++;
        if (result->attempts > 0 && result->outcome != OUTCOME_SKIPPED && result->outcome != OUTCOME_NEVER_STARTED) {
                durations_record(&task->durations, result->duration_usec);
                durations_record(&counts->waits, result->queued_usec);
        }
        if (result->attempts > 1 && !is_service(counts, result->task)) /* its attempts are restarts */
                task->retries += result->attempts - 1;
        if (result->items)
                count_items(task, result->items);
        if (result->n_children == 0) /* else members have told theirs */
                task->cpu_usec += result->cpu_usec;
}

static void on_event(const struct event *event, void *arg) {
        struct counts *counts = arg;

        counts->events[event->id]++;
        if (!event->task)
                return;
        switch (event->id) {
        case EVENT_RUN_DONE:
        case EVENT_INTERRUPTED:
                if (event->result && !event->result->resumed)
                        count_run(counts, counts_for(counts, event->task), event->result);
                break;
        case EVENT_RUN_RESTARTING: counts_for(counts, event->task)->restarts++; break;
        case EVENT_SKIPPED: counts_for(counts, event->task)->skipped++; break;
        case EVENT_MISSED: counts_for(counts, event->task)->missed += event->n; break;
        default: break;
        }
}

/* ---- the whole ---- */

/* Which have metrics of their own. Returns 0 or -ENOMEM. */
static int choose(struct counts *counts, unsigned max_tasks) {
        bool all = live_n_tasks(counts->live) <= max_tasks;
        char *last = NULL;

        if (!all && max_tasks > 0) {
                last = strdup(live_task_task(live_task_at(counts->live, max_tasks - 1))->run.name);
                if (!last)
                        return -ENOMEM;
        }
        free(counts->last);
        counts->last = last;
        counts->max_tasks = max_tasks;
        return 0;
}

void counts_reloaded(struct counts *counts, unsigned max_tasks) {
        size_t n = 0;

        if (choose(counts, max_tasks) < 0)
                return; /* goes on with the names of before */
        for (size_t i = 0; i < counts->n_tasks; i++) {
                if (is_own(counts, counts->tasks[i]->name))
                        counts->tasks[n++] = counts->tasks[i];
                else
                        free(counts->tasks[i]);
        }
        counts->n_tasks = n;
}

int counts_new(struct live *live, unsigned max_tasks, struct counts **ret) {
        struct counts *counts = calloc(1, sizeof(*counts));
        int r = -ENOMEM;

        if (!counts)
                return -ENOMEM;
        counts->live = live;
        counts->others = task_counts_new("");
        if (counts->others)
                r = choose(counts, max_tasks);
        if (r >= 0)
                r = live_observe(live, on_event, counts, &counts->observer);
        if (r < 0) {
                counts_free(counts);
                return r;
        }
        *ret = counts;
        return 0;
}

struct counts *counts_free(struct counts *counts) {
        if (!counts)
                return NULL;
        live_unobserve(counts->observer);
        for (size_t i = 0; i < counts->n_tasks; i++)
                free(counts->tasks[i]);
        free(counts->tasks);
        free(counts->others);
        free(counts->last);
        free(counts);
        return NULL;
}

const struct task_counts *counts_of(const struct counts *counts, const char *name) {
        bool found;
        size_t at = position_of(counts, name, &found);

        return found ? counts->tasks[at] : NULL;
}

const struct task_counts *counts_of_others(const struct counts *counts) {
        bool any = counts->others_counted || counts_n_own(counts) < live_n_tasks(counts->live);

        return any ? counts->others : NULL;
}

const struct durations *counts_waits(const struct counts *counts) {
        return &counts->waits;
}

uint64_t counts_event(const struct counts *counts, enum event_id id) {
        return counts->events[id];
}
