/* SPDX-License-Identifier: MIT */
/* interrupted: runs that a daemon died under.
 *
 * A run that has a beginning in the store and no end was interrupted: it is told, and ended in the store, with a result of
 * its own; that of a group has those of its members that had not ended. That is no failure of the task and does not count
 * as one, but it is what an alert is for: rows of on-failure without words take it too. Not for a service: that it is up
 * again is what is wanted of it, so only a row that says `interrupted` takes it.
 *
 * A hook that had not begun was not interrupted: it never started, and is started again to tell what it was to tell.
 *
 * With on-interrupt = rerun, before and now, a top-level run is started again, under a new number, unless it was started from
 * inside of another, which does so again if it needs it; and a group resumes: members that had ended
 * and were ok do not run again. What starts by itself, because it is
 * on-start, is not started twice, and no more are than may be at work at once: else runs that wait for each other would be more
 * after each crash.
 */
#include "live/live_private.h"
#include "live/outcome_json.h"

#include <stdio.h>
#include <time.h>

struct interrupted {
        struct store_run row; /* its strings are ours */
        struct store_process *processes;
        size_t n_processes;
        struct result *result;
};

/* A member of a group that was interrupted, which had ended. */
struct ended {
        usec_t begun_usec;
        struct result *result;
};

struct live_interrupted {
        struct interrupted *runs; /* by name, once they are told */
        size_t n;
        struct ended *ended;
        size_t n_ended;
};

/* ---- what there is ---- */

static void run_done(struct interrupted *run) {
        for (size_t i = 0; i < run->n_processes; i++)
                free((char *)run->processes[i].boot_id);
        free(run->processes);
        free((char *)run->row.task);
        free((char *)run->row.run);
        free((char *)run->row.trigger);
        free((char *)run->row.cause);
        result_unref(run->result);
}

static int copy_processes(struct interrupted *run, const struct store_process *processes, size_t n) {
        run->processes = calloc(MAX(n, (size_t)1), sizeof(*processes));
        if (!run->processes)
                return -ENOMEM;
        for (; run->n_processes < n; run->n_processes++) {
                struct store_process *process = &run->processes[run->n_processes];

                *process = processes[run->n_processes];
                process->run = run->row.run;
                process->boot_id = strdup(process->boot_id);
                if (!process->boot_id)
                        return -ENOMEM;
        }
        return 0;
}

static int copy(struct interrupted *run, const struct store_run *row, const struct store_process *processes, size_t n) {
        *run = (struct interrupted){
                .row = {
                        .task = strdup(row->task),
                        .run = strdup(row->run),
                        .trigger = strdup(row->trigger ? row->trigger : ""),
                        .due_usec = row->due_usec,
                        .begun_usec = row->begun_usec,
                        .service = row->service,
                        .hook = row->hook,
                        .rerun = row->rerun,
                        .cause = row->cause ? strdup(row->cause) : NULL,
                },
        };
        if (!run->row.task || !run->row.run || !run->row.trigger || (row->cause && !run->row.cause))
                return -ENOMEM;
        return copy_processes(run, processes, n);
}

/* @array with room for one more behind its @n of @size, which grows by powers of two. NULL: out of memory, and it stays. */
static void *grow(void *array, size_t n, size_t size) {
        return array && (n & (n - 1)) != 0 ? array : reallocarray(array, MAX(2 * n, (size_t)1), size);
}

int live_interrupted_add(struct live *live, const struct store_run *row, const struct store_process *processes,
                         size_t n) {
        struct live_interrupted *all = live->interrupted;
        struct interrupted *runs;
        int r;

        if (!all)
                all = live->interrupted = calloc(1, sizeof(*all));
        runs = all ? grow(all->runs, all->n, sizeof(*runs)) : NULL;
        if (!runs)
                return -ENOMEM;
        all->runs = runs;
        r = copy(&all->runs[all->n], row, processes, n);
        if (r < 0)
                run_done(&all->runs[all->n]);
        else
                all->n++;
        return r;
}

/* The columns say all of one without a tree. */
static struct result *result_of(const struct store_run *row) {
        struct result *result = row->json ? outcome_parse(row->json) : result_new(row->task, row->run);

        if (!result || row->json)
                return result;
        result->outcome = row->outcome;
        result->queued_usec = row->queued_usec;
        result->duration_usec = row->duration_usec;
        result->ended_realtime_usec = row->ended_usec;
        result->attempts = row->attempts;
        result->exit_code = row->exit_code;
        result->cpu_usec = row->cpu_usec;
        result->memory_peak = row->memory_peak;
        return result;
}

int live_interrupted_add_member(struct live *live, const struct store_run *row) {
        struct live_interrupted *all = live->interrupted;
        struct result *result;
        struct ended *ended;

        if (!all)
                return 0;
        ended = grow(all->ended, all->n_ended, sizeof(*ended));
        if (!ended)
                return -ENOMEM;
        all->ended = ended;
        result = result_of(row);
        if (result) /* else it runs again */
                ended[all->n_ended++] = (struct ended){ row->begun_usec, result };
        return 0;
}

void live_interrupted_done(struct live *live) {
        struct live_interrupted *all = live->interrupted;

        for (size_t i = 0; all && i < all->n; i++)
                run_done(&all->runs[i]);
        for (size_t i = 0; all && i < all->n_ended; i++)
                result_unref(all->ended[i].result);
        if (all) {
                free(all->runs);
                free(all->ended);
        }
        free(all);
        live->interrupted = NULL;
}

int live_interrupted_processes(struct live *live,
                               int (*fn)(const char *task, const struct store_process *process, void *arg), void *arg) {
        const struct live_interrupted *all = live->interrupted;
        int r = 0;

        for (size_t i = 0; all && i < all->n; i++)
                for (size_t k = 0; k < all->runs[i].n_processes && r >= 0; k++)
                        r = fn(all->runs[i].row.task, &all->runs[i].processes[k], arg);
        return r;
}

void live_interrupted_put(struct live *live) {
        const struct live_interrupted *all = live->interrupted;

        for (size_t i = 0; all && i < all->n; i++) {
                store_put_begin(live->memory.store, &all->runs[i].row);
                for (size_t k = 0; k < all->runs[i].n_processes; k++)
                        store_put_process(live->memory.store, &all->runs[i].processes[k]);
        }
}

bool live_has_untold(const struct live *live) {
        return live->interrupted;
}

/* ---- what became of it ---- */

static char *make_reason(const struct store_run *row, usec_t alive_usec) {
        time_t at = (time_t)(alive_usec / USEC_PER_SEC);
        char when[40], *text;
        struct tm tm;

        if (row->cause)
                return strdup("the daemon died before it began");
        if (alive_usec == 0 || !gmtime_r(&at, &tm) || strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                return strdup("the daemon died under it");
        return asprintf(&text, "the daemon died under it, at %s or later", when) < 0 ? NULL : text;
}

static struct result *make_result(const struct live *live, const struct store_run *row) {
        struct result *result = result_new(row->task, row->run);

        if (!result)
                return NULL;
        result->outcome = row->cause ? OUTCOME_NEVER_STARTED : OUTCOME_INTERRUPTED;
        result->reason = make_reason(row, live->alive_usec);
        result->attempts = row->cause ? 0 : 1;
        result->exit_code = 1;
        result->ended_realtime_usec = MAX(row->begun_usec, live->alive_usec);
        result->duration_usec = result->ended_realtime_usec - row->begun_usec;
        return result;
}

static int compare_runs(const void *a, const void *b) {
        const struct interrupted *x = a, *y = b;
        int order = strcmp(x->row.run, y->row.run);

        if (order != 0)
                return order;
        return x->row.begun_usec < y->row.begun_usec ? -1 : x->row.begun_usec > y->row.begun_usec;
}

static int compare_name(const void *name, const void *run) {
        return strcmp(name, ((const struct interrupted *)run)->row.run);
}

/* Of the run with this name, if that was interrupted, too. */
static struct interrupted *find_parent(const struct live_interrupted *all, const char *run) {
        const char *slash = strrchr(run, '/');
        _cleanup_(freep) char *name = slash ? strndup(run, (size_t)(slash - run)) : NULL;

        return name ? bsearch(name, all->runs, all->n, sizeof(*all->runs), compare_name) : NULL;
}

static void add_child(struct result *of, struct result *child) {
        struct result **children = reallocarray(of->children, of->n_children + 1, sizeof(*children));

        if (!children)
                return;
        of->children = children;
        children[of->n_children++] = result_ref(child);
}

/* Gives each a result, and that of a group those of its members. */
static void make_results(struct live *live) {
        struct live_interrupted *all = live->interrupted;

        qsort(all->runs, all->n, sizeof(*all->runs), compare_runs);
        for (size_t i = 0; i < all->n; i++)
                all->runs[i].result = make_result(live, &all->runs[i].row);
        for (size_t i = 0; i < all->n_ended; i++) {
                struct interrupted *parent = find_parent(all, all->ended[i].result->run);

                /* Numbers may have begun anew: what is older is of another run of this name. */
                if (parent && parent->result && parent->row.begun_usec <= all->ended[i].begun_usec)
                        add_child(parent->result, all->ended[i].result);
        }
        for (size_t i = 0; i < all->n; i++) {
                struct interrupted *parent = find_parent(all, all->runs[i].row.run);

                if (parent && parent->result && all->runs[i].result)
                        add_child(parent->result, all->runs[i].result);
        }
}

/* ---- telling ---- */

static void run_again(struct live_task *entry, const struct interrupted *was) {
        const struct store_run *row = &was->row;
        const struct task *task = entry->task;
        bool resumes = task->run.is_group && !task->run.is_service;

        if (!task->rerun_interrupted || !row->rerun || row->hook || strchr(row->run, '/') || !task->enabled ||
            task->on_start || live_is_paused(entry) || live_task_stopped_by(entry, NULL) ||
            !overlap_is_free(&entry->overlap))
                return;
        (void)live_start_again(entry, row->due_usec, resumes ? was->result : NULL);
}

static void tell(struct live *live, const struct interrupted *run) {
        struct live_task *entry = live_find(live, run->row.task);
        struct result *result = run->result;

        live_emit(live, &(const struct event){
                                .id = run->row.cause ? EVENT_RUN_DONE : EVENT_INTERRUPTED,
                                .task = result->task,
                                .run = result->run,
                                .text = result->reason,
                                .result = result,
                        });
        live_note_interrupted(live, &run->row, result);
        if (run->row.cause)
                live_fire_again(live, &run->row);
        if (!entry)
                return;
        result_unref(entry->last);
        entry->last = result_ref(result);
        live_note(entry);
        if (!run->row.hook)
                live_fire_hooks(live, &entry->task->on_failure,
                                &(const struct hook_cause){
                                        .result = result, .event = "failure", .expected = run->row.service });
}

void live_interrupted_tell(struct live *live) {
        struct live_interrupted *all = live->interrupted;

        if (!all)
                return;
        make_results(live);
        for (size_t i = all->n; i > 0; i--) /* members before their group */
                if (all->runs[i - 1].result)
                        tell(live, &all->runs[i - 1]);
        for (size_t i = 0; i < all->n; i++) {
                struct live_task *entry = live_find(live, all->runs[i].row.task);

                if (entry)
                        run_again(entry, &all->runs[i]);
        }
        live_interrupted_done(live);
}
