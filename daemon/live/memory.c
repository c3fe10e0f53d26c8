/* SPDX-License-Identifier: MIT */
/* memory: what is remembered of tasks and runs, on its way to the store.
 *
 * Of a task the store has its present state: a change marks the task, and once a turn those that were marked are put. Of
 * runs it has the history: a row at the beginning, the rest at the end; of items and attempts nothing of their own.
 *
 * Nothing is done twice or unseen, whenever the daemon may die: so a top-level run, and a member, is held (run_tree_hold())
 * until its row, its number, and that its occurrence is no longer due, are in the file. One sync serves all runs that were made meanwhile;
 * it costs less than a spawn. A run and the state of its task go into one transaction (live_store_hand_over()): with one of
 * them alone in the file, what it was due for would be due again, or never have been run. A store that is degraded, or a
 * disk that does not answer within STORE_SYNC_MAX, holds nobody up: then the store says -EIO at once.
 *
 * That tasks are seen for the first time, and all tasks when the file has to begin anew, is put in slices, as there may be a
 * hundred thousand of them: few in a turn, and no more until those are in the file, so that the queue stays small and leaves
 * no hole in the heap. While the store is degraded they wait, or they would take the room that what happens meanwhile needs.
 *
 * When all is up and put, the heap that reading the configuration and the state took is given back to the system: with a
 * hundred thousand tasks it is a fifth of the whole, and it would stay below what was allocated later.
 */
#include "live/live_private.h"
#include "live/outcome_json.h"
#include "loop/child.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>

#define TASKS_A_TURN  200
#define TASKS_A_SLICE 2000

/* ---- tasks ---- */

void live_task_save(struct live_task *entry, struct store_task *ret, char **ret_json) {
        *ret = (struct store_task){
                .task = entry->task->run.name,
                .number = entry->number,
                .first_seen_usec = entry->first_seen_usec,
                .failures = entry->failures,
                .failing = entry->failing,
                .last_ok_usec = entry->last_ok_usec,
                .gone_usec = entry->gone ? clock_now(CLOCK_ID_REALTIME) : 0,
        };
        *ret_json = entry->last ? outcome_write(entry->last) : NULL;
        if (*ret_json) {
                ret->last_run = entry->last->run;
                ret->last_json = *ret_json;
        }
        live_schedule_save(entry, ret);
        live_stale_save(entry, ret);
        live_service_save(entry, ret);
}

static void put_task(struct live_task *entry) {
        _cleanup_(freep) char *json = NULL;
        struct store_task task;

        live_task_save(entry, &task, &json);
        store_put_task(entry->live->memory.store, &task);
}

void live_put_noted(struct live *live) {
        struct live_memory *memory = &live->memory;

        while (!list_empty(&memory->noted)) {
                struct live_task *entry = list_first_entry(&memory->noted, struct live_task, noted);

                list_remove(&entry->noted);
                put_task(entry);
        }
}

/* ---- tasks in slices ---- */

/* Puts the next @max of the rest. Returns how many there were. */
static unsigned put_some(struct live *live, unsigned max) {
        struct live_memory *memory = &live->memory;
        unsigned n = 0;

        for (; memory->rest < live->n_tasks && n < max; memory->rest++) {
                if (!memory->anew && live->tasks[memory->rest]->first_seen_usec < memory->since_usec)
                        continue;
                put_task(live->tasks[memory->rest]);
                n++;
        }
        return n;
}

static bool is_degraded(const struct live_memory *memory) {
        struct store_stats stats;

        store_get_stats(memory->store, &stats);
        return stats.degraded;
}

static void trim(struct live_memory *memory) {
        if (!memory->trimmed)
                (void)malloc_trim(0);
        memory->trimmed = true;
}

/* Whatever became of it: a store in trouble says so, and has the rest wait. */
static void on_slice(int result _unused_, void *arg) {
        struct live *live = arg;

        live->memory.slice = NULL;
        if (live->memory.rest == live->n_tasks)
                trim(&live->memory);
        else
                loop_work_schedule(&live->memory.work);
}

static void put_rest(struct live *live) {
        struct live_memory *memory = &live->memory;

        if (memory->slice || memory->rest == live->n_tasks || is_degraded(memory))
                return;
        memory->sliced += put_some(live, TASKS_A_TURN);
        if (memory->rest < live->n_tasks && memory->sliced < TASKS_A_SLICE) {
                loop_work_schedule(&memory->work);
                return;
        }
        memory->sliced = 0;
        if (memory->rest == live->n_tasks)
                memory->anew = false;
        if (store_sync(memory->store, on_slice, live, &memory->slice) < 0)
                loop_work_schedule(&memory->work);
}

void live_memory_reloaded(struct live *live, size_t n_before) {
        struct live_memory *memory = &live->memory;

        memory->rest = memory->rest >= n_before ? live->n_tasks : 0;
}

static void begin_rest(struct live_memory *memory) {
        memory->rest = 0;
        loop_work_schedule(&memory->work);
}

/* ---- held runs ---- */

static void ask(struct live *live);

static void release(struct live *live) {
        if (!live->memory.closed)
                run_tree_release(live->tree, live->memory.syncing);
}

static void on_synced(int result _unused_, void *arg) {
        struct live *live = arg;

        live->memory.sync = NULL;
        release(live);
        ask(live);
}

/* For runs that were made since it was asked last. */
static void ask(struct live *live) {
        struct live_memory *memory = &live->memory;

        if (memory->sync || memory->syncing == run_tree_last_held(live->tree))
                return;
        memory->syncing = run_tree_last_held(live->tree);
        if (store_sync(memory->store, on_synced, live, &memory->sync) < 0)
                release(live);
}

static void on_work(struct loop_work *work _unused_, void *arg) {
        struct live *live = arg;

        if (!live->memory.store) {
                trim(&live->memory);
                return;
        }
        live_put_noted(live);
        put_rest(live);
        ask(live);
}

void live_memory_close(struct live *live, bool closed) {
        struct live_memory *memory = &live->memory;

        memory->closed = closed;
        run_tree_hold(live->tree, closed || memory->store);
        if (closed)
                return;
        if (!memory->store)
                run_tree_release(live->tree, UINT64_MAX);
        else if (!memory->sync)
                release(live);
}

/* ---- what is noted ---- */

void live_note(struct live_task *entry) {
        struct live_memory *memory = &entry->live->memory;

        if (!memory->store)
                return;
        if (!list_linked(&entry->noted))
                list_append(&memory->noted, &entry->noted);
        loop_work_schedule(&memory->work);
}

void live_note_item(struct live_task *entry, const struct store_item *item) {
        if (entry->live->memory.store)
                store_put_item(entry->live->memory.store, item);
}

void live_note_missed(struct live *live, const struct store_missed *missed) {
        if (live->memory.store)
                store_put_missed(live->memory.store, missed);
}

static bool is_item(const struct run *run) {
        return run_get_role(run_get_parent(run)) == RUN_FANOUT;
}

/* What a hook is to tell, as long as it has not begun; NULL: it has, or @run is none, or below one. */
static const char *cause_of(const struct run *run) {
        bool top = run_get_role(run_get_parent(run)) == RUN_ROOT;
        const struct hook_context *context = top ? hook_context_of(run) : NULL;

        return context && !context->begins ? context->json : NULL;
}

static struct store_run describe(const struct run *run, char name[RUN_NAME_MAX]) {
        const struct run_spec *spec = run_get_spec(run);

        return (struct store_run){
                .task = spec->name,
                .run = run_name(run, name),
                .trigger = run_get_trigger(run),
                .due_usec = run_get_due(run),
                .begun_usec = run_created_realtime(run),
                .service = spec->is_service,
                .hook = run_is_hook(run),
                .rerun = task_of(spec)->rerun_interrupted && !run_get_host(run),
                .cause = cause_of(run),
        };
}

void live_note_begin(struct live_task *entry, const struct run *run) {
        struct live_memory *memory = &entry->live->memory;
        char name[RUN_NAME_MAX];
        struct store_run row;

        if (!memory->store || is_item(run))
                return;
        row = describe(run, name);
        store_put_begin(memory->store, &row);
        live_note(entry); /* its number */
}

/* Whether the columns of its row say it all. */
static bool is_plain(const struct result *result) {
        return result->outcome == OUTCOME_OK && !result->reason && result->errors.n == 0 && result->n_children == 0 &&
               !result->items;
}

static void put_end(struct live_memory *memory, struct store_run *row, const struct result *result) {
        _cleanup_(freep) char *json = is_plain(result) ? NULL : outcome_write(result);

        row->ended_usec = result->ended_realtime_usec;
        row->outcome = result->outcome;
        row->error = result_error(result);
        row->detail = *result_detail(result) ? result_detail(result) : NULL;
        row->queued_usec = result->queued_usec;
        row->duration_usec = result->duration_usec;
        row->attempts = result->attempts;
        row->exit_code = result->exit_code;
        row->cpu_usec = result->cpu_usec;
        row->memory_peak = result->memory_peak;
        row->json = json;
        row->tail = result->output_tail;
        store_put_end(memory->store, row);
}

void live_note_end(struct live_task *entry, const struct run *run, const struct result *result) {
        struct live_memory *memory = &entry->live->memory;
        char name[RUN_NAME_MAX];
        struct store_run row;

        if (!memory->store)
                return;
        row = describe(run, name);
        put_end(memory, &row, result);
        live_note(entry);
}

void live_note_interrupted(struct live *live, const struct store_run *was, const struct result *result) {
        struct store_run row = *was;

        put_end(&live->memory, &row, result);
}

/* An end of the run says of its only process that it is gone. */
static bool has_many(const struct run *job) {
        return run_get_spec(job)->service || run_get_spec(job)->retries > 0;
}

void live_note_process(const struct run *job, int pid, uint64_t start_ticks, bool gone) {
        struct live_memory *memory = &live_task_of(job)->live->memory;
        char name[RUN_NAME_MAX];
        struct store_process row = {
                .run = name,
                .begun_usec = run_created_realtime(job),
                .pid = pid,
                .start_ticks = start_ticks,
                .boot_id = memory->boot_id,
        };

        if (!memory->store || is_item(job) || start_ticks == 0 || (gone && !has_many(job)))
                return;
        (void)run_name(job, name);
        if (gone)
                store_put_process_gone(memory->store, &row);
        else
                store_put_process(memory->store, &row);
}

/* ---- anew ---- */

static void put_run(struct live *live, const struct run *run) {
        struct live_memory *memory = &live->memory;
        struct kind_view view = { 0 };
        char name[RUN_NAME_MAX];
        struct store_run row;

        if (run_get_state(run) == RUN_DONE)
                return;
        row = describe(run, name);
        store_put_begin(memory->store, &row);
        if (run_get_role(run) == RUN_JOB && run_present_leaf(run) && kind_view_leaf(run_present_leaf(run), &view) &&
            view.child && child_pid(view.child) > 0)
                live_note_process(run, child_pid(view.child), child_start_ticks(view.child), false);
        if (run_get_role(run) != RUN_GROUP)
                return;
        for (struct run *child = run_first_child(run); child; child = run_next_sibling(child))
                put_run(live, child);
}

void live_put_anew(struct live *live) {
        struct run *run;

        for (size_t i = 0; i < live->n_tasks; i++)
                live_items_note_all(live->tasks[i]);
        for (run = run_first_child(run_tree_root(live->tree)); run; run = run_next_sibling(run))
                put_run(live, run);
        live_pauses_put(live);
        live_interrupted_put(live);
        live->memory.anew = true;
        begin_rest(&live->memory);
}

void live_store_hand_over(struct live *live) {
        live_put_noted(live);
}

void live_store_recovered(struct live *live) {
        loop_work_schedule(&live->memory.work);
}

/* ---- sync ---- */

struct live_sync {
        struct store_sync *sync;
        struct loop_work work; /* without a store */
        live_synced_fn fn;
        void *arg;
};

static void on_sync(int result, void *arg) {
        struct live_sync *sync = arg;
        live_synced_fn fn = sync->fn;
        void *fn_arg = sync->arg;

        free(sync);
        fn(result, fn_arg);
}

static void on_sync_work(struct loop_work *work _unused_, void *arg) {
        on_sync(0, arg);
}

int live_sync(struct live *live, live_synced_fn fn, void *arg, struct live_sync **ret) {
        struct live_sync *sync = calloc(1, sizeof(*sync));
        int r = 0;

        if (!sync)
                return -ENOMEM;
        sync->fn = fn;
        sync->arg = arg;
        if (live->memory.store)
                live_put_noted(live);
        loop_work_init(&sync->work, live->loop, "sync", on_sync_work, sync);
        if (live->memory.store)
                r = store_sync(live->memory.store, on_sync, sync, &sync->sync);
        else
                loop_work_schedule(&sync->work);
        if (r < 0) {
                free(sync);
                return r;
        }
        *ret = sync;
        return 0;
}

void live_sync_cancel(struct live_sync *sync) {
        if (!sync)
                return;
        loop_work_cancel(&sync->work);
        if (sync->sync)
                store_sync_cancel(sync->sync);
        free(sync);
}

/* ---- the whole ---- */

static void read_boot_id(char *buf, size_t size) {
        _cleanup_(closep) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

        buf[MAX(n, (ssize_t)0)] = '\0';
        buf[strcspn(buf, "\n")] = '\0';
}

void live_memory_init(struct live *live, struct store *store) {
        struct live_memory *memory = &live->memory;

        memory->store = store;
        memory->since_usec = clock_now(CLOCK_ID_REALTIME);
        list_init(&memory->noted);
        loop_work_init(&memory->work, live->loop, "memory", on_work, live);
        if (!store)
                return;
        read_boot_id(memory->boot_id, sizeof(memory->boot_id));
        memory->rest = live->n_tasks; /* none, until they are armed */
}

void live_note_unseen(struct live *live) {
        struct live_memory *memory = &live->memory;

        if (memory->store)
                begin_rest(memory);
        else
                loop_work_schedule(&memory->work);
}

void live_memory_flush(struct live *live) {
        if (!live->memory.store)
                return;
        live_put_noted(live);
        (void)put_some(live, (unsigned)live->n_tasks);
}

void live_memory_done(struct live *live) {
        struct live_memory *memory = &live->memory;

        if (memory->sync)
                store_sync_cancel(memory->sync);
        if (memory->slice)
                store_sync_cancel(memory->slice);
        if (memory->work.loop)
                loop_work_cancel(&memory->work);
}

struct store *live_store(const struct live *live) {
        return live->memory.store;
}
