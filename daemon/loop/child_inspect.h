/* SPDX-License-Identifier: MIT */
#pragma once
/* child_inspect: what the processes of a child are at, for people who ask why something takes so long.
 *
 * Looking reads /proc, and to read about a process may block as long as the process does: a spawner thread looks, never
 * the loop. Those who ask for one child at the same time share a look, and few looks are under way at once, so that
 * asking about thousands of children holds up neither spawns nor kills.
 */
#include "base/clock.h"

#include <sys/types.h>

#define CHILD_PROCESSES_MAX     1000
#define CHILD_COMMAND_MAX       200
#define CHILD_PROCESS_NAME_MAX  64
#define CHILD_INSPECT_SPAN_USEC (100 * USEC_PER_MSEC)

struct child;
struct child_inspection;

struct child_process {
        pid_t pid;
        pid_t parent;
        char state; /* a letter of proc(5): R S D T t Z X I */
        unsigned threads;
        uint64_t memory;        /* resident, bytes */
        usec_t cpu_usec;        /* used since it began */
        usec_t started_usec;    /* boot time */
        usec_t looked_usec;     /* monotonic: when cpu_usec was that */
        usec_t recent_usec;     /* the span between two looks; 0: there was only one at this process */
        usec_t recent_cpu_usec; /* used in it */
        char name[CHILD_PROCESS_NAME_MAX];
        char wchan[CHILD_PROCESS_NAME_MAX];  /* the kernel's function that it waits in; "": none, or hidden from us */
        char command[CHILD_COMMAND_MAX + 1]; /* words between spaces, fit to be shown; "": it has none */
};

struct child_processes {
        int error; /* 0; -ESRCH: all have ended meanwhile; or another negative errno: some may be missing */
        const struct child_process *list; /* the main process first, then by pid */
        size_t n;
        size_t n_more; /* beyond CHILD_PROCESSES_MAX */
};

/* Called once, in a later turn than child_inspect(). @processes is borrowed, the inspection is gone. */
typedef void (*child_inspected_fn)(const struct child_processes *processes, void *arg);

/* Looks at all processes of @child, which may be freed meanwhile; with @twice once more CHILD_INSPECT_SPAN_USEC later,
 * so that one can tell what they use now. Returns 0; -ESRCH: none has been started, or none is
 * left; -EBUSY: a look that was begun a second ago or earlier has not come back; -ENOMEM. */
int child_inspect(struct child *child, bool twice, child_inspected_fn fn, void *arg, struct child_inspection **ret);

/* Its function is not called. NULL and always returns NULL. */
struct child_inspection *child_inspection_cancel(struct child_inspection *inspection);
