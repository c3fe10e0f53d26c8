/* SPDX-License-Identifier: MIT */
/* leftovers: before anything runs, what a dead daemon has left running is ended.
 *
 *      begin: no run may begin ──▶ a thread ends the leftovers ──▶ go: interrupted runs are told, triggers armed
 *
 * Two copies of a job must not run. That is worth waiting for, BOUND_USEC at most, while the loop goes on and operators may
 * start what then waits. What even SIGKILL does not end is waited for by its own task alone: it keeps a slot of the task's
 * overlap until it is gone.
 *
 * A daemon that is stopped before it has come so far leaves the interrupted runs to the next.
 */
#include "base/log.h"
#include "live/live_private.h"
#include "loop/leftover.h"
#include "loop/pool.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

#define GRACE_USEC (2 * USEC_PER_SEC)
#define BOUND_USEC (5 * USEC_PER_SEC)
#define STUCK_USEC (6 * USEC_PER_SEC) /* then the thread hangs, in reading about some process */
#define LEAVE_USEC USEC_PER_SEC
#define TOLD_MAX   50

/* The thread's, and what it found. */
struct ending {
        struct leftover_spec spec;
        struct leftover_record *records;
        const char **tasks; /* of the records; theirs who were interrupted */
        size_t n;
        char *marker;
        atomic_bool cancelled;
        struct leftovers found;
        int result;
        struct live *live;
};

/* A process that nothing could kill. */
struct survivor {
        struct list link;
        struct overlap_slot slot;
        struct loop_io *io;
        int pidfd;
};

struct live_leftovers {
        struct ending *ending; /* until it is done or given up */
        struct pool *pool;
        struct pool_job *job;
        struct loop_timer timer;
        struct loop_work over; /* frees the pool */
        struct list survivors;
};

static void ending_free(struct ending *ending) {
        leftovers_done(&ending->found);
        free(ending->records);
        free(ending->tasks);
        free(ending->marker);
        free(ending);
}

/* ---- survivors ---- */

static void survivor_free(struct survivor *survivor) {
        list_remove(&survivor->link);
        loop_io_free(survivor->io);
        overlap_release(&survivor->slot);
        closep(&survivor->pidfd);
        free(survivor);
}

static void on_survivor_gone(struct loop_io *io _unused_, int fd _unused_, unsigned events _unused_, void *arg) {
        survivor_free(arg);
}

static void on_slot(struct overlap_slot *slot _unused_, void *arg _unused_) {
}

/* Waits for @leftover of @entry without holding up anybody else. */
static void keep_watch(struct live_task *entry, const struct leftover *leftover) {
        struct live *live = entry->live;
        struct survivor *survivor = calloc(1, sizeof(*survivor));

        if (!survivor)
                return;
        list_append(&live->leftovers->survivors, &survivor->link);
        survivor->pidfd = fcntl(leftover->pidfd, F_DUPFD_CLOEXEC, 3);
        if (survivor->pidfd < 0 || loop_io_new(live->loop, survivor->pidfd, LOOP_READ, LOOP_PRIORITY_NORMAL, "leftover",
                                               on_survivor_gone, survivor, &survivor->io) < 0) {
                survivor_free(survivor);
                return;
        }
        (void)overlap_request(&entry->overlap, &survivor->slot, on_slot, survivor);
}

/* ---- telling ---- */

static const char *task_of_leftover(const struct ending *ending, const struct leftover *leftover) {
        if (leftover->record < ending->n)
                return ending->tasks[leftover->record];
        return *leftover->task ? leftover->task : NULL;
}

static void tell(struct live *live, const struct leftover *leftover, const char *task) {
        char text[200];

        if (leftover->gone)
                (void)snprintf(text, sizeof(text), "process %d, which an earlier daemon had left, was ended",
                               (int)leftover->pid);
        else
                (void)snprintf(text, sizeof(text),
                               "process %d, which an earlier daemon had left, cannot be killed; its task waits for it",
                               (int)leftover->pid);
        live_emit(live, &(const struct event){
                                .id = EVENT_LEFTOVER,
                                .task = task,
                                .run = *leftover->run ? leftover->run : NULL,
                                .text = text,
                        });
}

static void tell_all(struct live *live, const struct ending *ending) {
        const struct leftovers *found = &ending->found;
        char text[120];

        for (size_t i = 0; i < found->n; i++) {
                const char *task = task_of_leftover(ending, &found->list[i]);
                struct live_task *entry = task ? live_find(live, task) : NULL;

                if (i < TOLD_MAX || !found->list[i].gone)
                        tell(live, &found->list[i], task);
                if (!found->list[i].gone && entry)
                        keep_watch(entry, &found->list[i]);
        }
        if (found->n <= TOLD_MAX)
                return;
        (void)snprintf(text, sizeof(text), "%zu processes that an earlier daemon had left were ended, in all",
                       found->n - found->n_left);
        live_emit(live, &(const struct event){ .id = EVENT_LEFTOVER, .text = text });
}

/* ---- the thread ---- */

static void end_them(void *arg) {
        struct ending *ending = arg;

        ending->result = leftovers_end(&ending->spec, &ending->found);
}

static void done(void *arg) {
        struct ending *ending = arg;
        struct live *live = ending->live;

        live->leftovers->ending = NULL;
        loop_timer_set(&live->leftovers->timer, USEC_INFINITY);
        if (ending->result < 0)
                log_warning("processes that an earlier daemon left may not all have been found: %s",
                            strerror(-ending->result));
        tell_all(live, ending);
        ending_free(ending);
        loop_work_schedule(&live->leftovers->over);
        live_go(live);
}

static void on_over(struct loop_work *work _unused_, void *arg) {
        struct live_leftovers *leftovers = arg;

        leftovers->pool = pool_free(leftovers->pool);
}

static void returned(void *arg) {
        ending_free(arg);
}

static const struct pool_job_ops ops = { .name = "leftovers", .work = end_them, .done = done, .returned = returned };

static void give_up(struct live_leftovers *leftovers) {
        atomic_store(&leftovers->ending->cancelled, true);
        leftovers->ending = NULL;
        (void)pool_abandon(leftovers->job);
}

static void on_stuck(struct loop_timer *timer _unused_, void *arg) {
        struct live *live = arg;

        log_warning("looking for processes that an earlier daemon left hangs: going on without");
        give_up(live->leftovers);
        live_go(live);
}

/* ---- the beginning ---- */

static int add_record(const char *task, const struct store_process *process, void *arg) {
        struct ending *ending = arg;
        struct leftover_record *records;
        const char **tasks;

        if (!streq(process->boot_id, ending->live->memory.boot_id))
                return 0;
        records = reallocarray(ending->records, ending->n + 1, sizeof(*records));
        if (!records)
                return -ENOMEM;
        ending->records = records;
        tasks = reallocarray(ending->tasks, ending->n + 1, sizeof(*tasks));
        if (!tasks)
                return -ENOMEM;
        ending->tasks = tasks;
        tasks[ending->n] = task;
        records[ending->n++] = (struct leftover_record){ process->pid, process->start_ticks };
        return 0;
}

static int prepare(struct ending *ending, struct live *live, const char *tag) {
        int r;

        ending->live = live;
        if (asprintf(&ending->marker, "TENDD_DAEMON=%s", tag) < 0) {
                ending->marker = NULL;
                return -ENOMEM;
        }
        r = live_interrupted_processes(live, add_record, ending);
        ending->spec = (struct leftover_spec){
                .records = ending->records,
                .n_records = ending->n,
                .marker = ending->marker,
                .cgroups = live->cgroups,
                .grace_usec = GRACE_USEC,
                .bound_usec = BOUND_USEC,
                .cancelled = &ending->cancelled,
        };
        return r;
}

static int submit(struct live *live, struct live_leftovers *leftovers) {
        int r;

        r = loop_timer_init(&leftovers->timer, live->loop, CLOCK_ID_MONOTONIC, "leftovers", on_stuck, live);
        if (r >= 0)
                r = pool_new(live->loop, "leftovers", 1, 0, 1, &leftovers->pool);
        if (r >= 0)
                r = pool_submit(leftovers->pool, &ops, leftovers->ending, &leftovers->job);
        if (r >= 0)
                loop_timer_set(&leftovers->timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), STUCK_USEC));
        return r;
}

int live_leftovers_begin(struct live *live, const char *tag) {
        struct live_leftovers *leftovers = live->leftovers = calloc(1, sizeof(*leftovers));
        int r;

        if (!leftovers)
                return -ENOMEM;
        list_init(&leftovers->survivors);
        loop_work_init(&leftovers->over, live->loop, "leftovers over", on_over, leftovers);
        leftovers->ending = calloc(1, sizeof(*leftovers->ending));
        if (!leftovers->ending)
                return -ENOMEM;
        r = prepare(leftovers->ending, live, tag);
        if (r >= 0)
                r = submit(live, leftovers);
        if (r < 0) {
                ending_free(leftovers->ending);
                leftovers->ending = NULL;
        }
        return r;
}

/* The thread may be using the control groups. */
static void leave(struct live_leftovers *leftovers) {
        usec_t deadline = usec_add(clock_now(CLOCK_ID_MONOTONIC), LEAVE_USEC);

        atomic_store(&leftovers->ending->cancelled, true);
        while (pool_job_state(leftovers->job) == POOL_JOB_RUNNING && clock_now(CLOCK_ID_MONOTONIC) < deadline)
                (void)poll(NULL, 0, 5);
        give_up(leftovers);
}

void live_leftovers_done(struct live *live) {
        struct live_leftovers *leftovers = live->leftovers;

        if (!leftovers)
                return;
        if (leftovers->ending)
                leave(leftovers);
        while (!list_empty(&leftovers->survivors))
                survivor_free(list_first_entry(&leftovers->survivors, struct survivor, link));
        loop_work_cancel(&leftovers->over);
        pool_free(leftovers->pool);
        loop_timer_done(&leftovers->timer);
        free(leftovers);
        live->leftovers = NULL;
}
