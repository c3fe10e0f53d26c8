/* SPDX-License-Identifier: MIT */
#pragma once
/* child_exec: makes one process out of a plan, from a spawner thread. For loop/child*.c only. */
#include "loop/child_plan.h"
#include "loop/spawner.h"

/* How it went. Written by the thread; the loop reads it when the job is done, but for the two flags. */
struct child_launch {
        pid_t pid; /* 0: failed, with @step and @error */
        uint64_t start_ticks;
        int pidfd;
        int output_fd;            /* our end of the output pipe, non-blocking */
        struct file_writer *file; /* that its output goes to; passes to the child */
        uid_t uid;                /* of its processes, unless they change it */
        bool wants_notify;        /* if @notify is NULL, make one */
        struct notify *notify;    /* passes to the child */
        struct cgroup *cgroup;    /* that it is in; passes to the child */
        enum child_step step;
        int error;
        /* A process that hangs before exec (a file on a dead server) holds up its thread; the loop gets rid of it so: */
        atomic_bool cancelled; /* set by the loop */
        atomic_bool hatched;   /* set when there is a process, and @pidfd is its */
};

/* Creates the process and waits until it has called exec or failed. Blocks. All signals must be blocked in the calling
 * thread. */
void child_launch(struct child_launch *launch, struct child_plan *plan, struct spawner_thread *thread);

/* From the loop, while child_launch() is at work: no process comes of it, or it is killed. */
void child_launch_cancel(struct child_launch *launch);
