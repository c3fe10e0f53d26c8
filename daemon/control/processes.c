/* SPDX-License-Identifier: MIT */
/* processes: looks at the processes of runs for an answer, see processes.h.
 *
 *      looking ──▶ seen ──▶ told
 *         └──── too late ────▲
 *
 * One answer tells TOLD_MAX processes at most, and SLICE of them are written at a time.
 */
#include "control/processes.h"

#include "base/text.h"
#include "control/methods.h"
#include "live/outcome_json.h"

#include <stdio.h>

#define TOLD_MAX 2000u
#define SLICE    50u

struct entry {
        struct processes *owner;
        json_t *object;
        json_t *array;                       /* of what is told so far; NULL: none yet */
        struct child_inspection *inspection; /* NULL: over */
        const char *missing;                 /* why none are told, or not all; NULL: all are */
        struct child_process *list;
        size_t n;
        size_t n_told;
        size_t n_more;
};

struct processes {
        struct varlink_call *call;
        bool twice;
        struct loop_timer timer;
        struct entry **entries;
        size_t n;
        size_t allocated;
        size_t n_looking;
        size_t at;     /* the first that is not told */
        size_t n_told; /* processes, of all entries */
};

static void entry_free(struct entry *entry) {
        child_inspection_cancel(entry->inspection);
        json_decref(entry->object);
        json_decref(entry->array);
        free(entry->list);
        free(entry);
}

static void on_late(_unused_ struct loop_timer *timer, void *arg) {
        struct processes *processes = arg;

        for (size_t i = 0; i < processes->n; i++) {
                struct entry *entry = processes->entries[i];

                if (!entry->inspection)
                        continue;
                entry->inspection = child_inspection_cancel(entry->inspection);
                entry->missing = "reading about them takes longer than 1s";
        }
        processes->n_looking = 0;
        varlink_wake(processes->call);
}

int processes_new(struct loop *loop, struct varlink_call *call, bool twice, struct processes **ret) {
        struct processes *processes = calloc(1, sizeof(*processes));

        if (!processes ||
            loop_timer_init(&processes->timer, loop, CLOCK_ID_MONOTONIC, "processes", on_late, processes) < 0) {
                free(processes);
                return -ENOMEM;
        }
        processes->call = call;
        processes->twice = twice;
        *ret = processes;
        return 0;
}

struct processes *processes_free(struct processes *processes) {
        if (!processes)
                return NULL;
        for (size_t i = 0; i < processes->n; i++)
                entry_free(processes->entries[i]);
        loop_timer_done(&processes->timer);
        free(processes->entries);
        free(processes);
        return NULL;
}

/* ---- looking ---- */

static void on_inspected(const struct child_processes *found, void *arg) {
        struct entry *entry = arg;
        struct processes *processes = entry->owner;

        entry->inspection = NULL;
        if (found->error < 0 && found->error != -ESRCH)
                entry->missing = strerrordesc_np(-found->error);
        entry->list = found->n > 0 ? reallocarray(NULL, found->n, sizeof(*entry->list)) : NULL;
        if (entry->list) {
                memcpy(entry->list, found->list, found->n * sizeof(*entry->list));
                entry->n = found->n;
        }
        entry->n_more = found->n - entry->n + found->n_more;
        if (--processes->n_looking == 0)
                varlink_wake(processes->call);
}

static int make_room(struct processes *processes) {
        size_t n = MAX(processes->allocated * 2, (size_t)8);
        struct entry **entries;

        if (processes->n < processes->allocated)
                return 0;
        entries = reallocarray(processes->entries, n, sizeof(struct entry *));
        if (!entries)
                return -ENOMEM;
        processes->entries = entries;
        processes->allocated = n;
        return 0;
}

int processes_add(struct processes *processes, struct child *child, json_t *object) {
        struct entry *entry = make_room(processes) < 0 ? NULL : calloc(1, sizeof(*entry));
        int r;

        if (!entry)
                return -ENOMEM;
        entry->owner = processes;
        entry->object = json_incref(object);
        processes->entries[processes->n++] = entry;
        r = child_inspect(child, processes->twice, on_inspected, entry, &entry->inspection);
        if (r == 0)
                processes->n_looking++;
        else if (r == -EBUSY)
                entry->missing = "an earlier look at them has not come back";
        else if (r != -ESRCH)
                entry->missing = strerrordesc_np(-r);
        if (!loop_timer_armed(&processes->timer))
                loop_timer_set(&processes->timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), PROCESSES_WAIT_USEC));
        return 0;
}

/* ---- telling ---- */

/* Of one processor, rounded; NULL: it was looked at once. */
static json_t *percent_to_json(const struct child_process *process) {
        if (process->recent_usec == 0)
                return NULL;
        return json_integer(
                (json_int_t)((100 * process->recent_cpu_usec + process->recent_usec / 2) / process->recent_usec));
}

static json_t *process_to_json(const struct child_process *process) {
        usec_t age = usec_sub(clock_now(CLOCK_ID_BOOTTIME), process->started_usec);
        char command[CHILD_COMMAND_MAX + 1], state[2] = { process->state, '\0' };

        return json_pack(
                "{s:i, s:i, s:o, s:o, s:o, s:o*, s:I, s:I, s:o, s:o, s:o*}", "pid", (int)process->pid, "parent",
                (int)process->parent, "name", json_text(process->name), "command",
                json_text(text_hide_userinfo(process->command, command, sizeof(command))), "state", json_text(state),
                "wchan", process->wchan[0] ? json_text(process->wchan) : NULL, "threads", (json_int_t)process->threads,
                "memory", (json_int_t)process->memory, "cpu_usec", json_usec(process->cpu_usec), "started_usec",
                json_usec(usec_sub(clock_now(CLOCK_ID_REALTIME), age)), "cpu_percent", percent_to_json(process));
}

/* All of @entry that is going to be told is in its array. What there is no memory for is left out. */
static void finish(struct entry *entry) {
        size_t hidden = entry->n - entry->n_told + entry->n_more;

        if (entry->array)
                (void)json_object_set(entry->object, "processes", entry->array);
        if (hidden > 0)
                (void)json_object_set_new(entry->object, "processes_hidden", json_integer((json_int_t)hidden));
        if (entry->missing)
                (void)json_object_set_new(entry->object, "processes_missing", json_text(entry->missing));
}

bool processes_ready(struct processes *processes) {
        unsigned slice = SLICE;

        if (processes->n_looking > 0)
                return false;
        for (; processes->at < processes->n; processes->at++) {
                struct entry *entry = processes->entries[processes->at];

                entry->array = entry->array ?: json_array();
                for (; entry->n_told < entry->n && processes->n_told < TOLD_MAX; entry->n_told++, processes->n_told++) {
                        if (slice-- == 0) {
                                varlink_wake(processes->call);
                                return false;
                        }
                        (void)json_array_append_new(entry->array, process_to_json(&entry->list[entry->n_told]));
                }
                finish(entry);
        }
        return true;
}
