/* SPDX-License-Identifier: MIT */
#pragma once
/* child_private: what child.c, which begins and holds children, and child_end.c, which sees to their end, share. */
#include "loop/child.h"
#include "loop/child_exec.h"
#include "loop/child_tree.h"
#include "loop/spawner.h"

#define CHILD_RETRY_MIN_USEC (2 * USEC_PER_MSEC)

enum child_state {
        CHILD_STARTING,
        CHILD_RUNNING,
        CHILD_EXITED,
        CHILD_GONE,
};

struct child {
        struct spawner *spawner;
        struct list link;            /* spawner->children */
        struct list lingering;       /* spawner->lingering */
        const struct child_ops *ops; /* NULL: forgotten */
        void *arg;
        enum child_state state;

        struct child_plan *plan; /* until launched */
        char *marker;
        struct child_launch launch;
        struct spawner_job launch_job;

        struct loop_io *exit_io;
        struct loop_io *output_io;
        struct notify *notify;    /* NULL: none, or still of the launch */
        struct file_writer *file; /* the same */
        struct loop_work gone;
        struct child_look *look; /* at its processes, under way; NULL: none */

        bool killing;
        bool withheld;    /* it has ended, but its tracer keeps that from us */
        uint64_t signals; /* asked for and not sent yet, bit n: signal n + 1 */
        bool reaped;

        struct spawner_job walk_job;
        struct child_tree tree;
        struct cgroup_usage usage;       /* as told by wait(2) */
        struct cgroup_usage group_usage; /* as told by the cgroup */
        bool walking;
        bool walk_kills;    /* constant during a walk, as the next two */
        bool walk_is_final; /* it began after the exit */
        bool look_again;    /* an orphan ended meanwhile */
        int walk_signo;     /* 0: looks only */
        int walk_result;
        usec_t retry_usec;    /* the pause before the next walk */
        usec_t retry_at_usec; /* USEC_INFINITY: none is due */
};

/* ---- child.c ---- */

void child_destroy(struct child *child);

/* Returns whether there may be more. The child may have been forgotten by its callback, but is not destroyed. */
bool child_read_output(struct child *child);

/* Takes what is still in the pipe when nobody is left to write to it, and closes that. */
void child_drain_output(struct child *child);

/* Tells what it has said on its notify socket so far. */
void child_take_notify(struct child *child);

/* ---- child_end.c ---- */

/* The main process has ended, or seems to have. Of loop_io_new(). */
void child_on_exit_ready(struct loop_io *io, int fd, unsigned events, void *arg);

/* The parts of child->walk_job. */
void child_do_walk(struct spawner_job *job, struct spawner_thread *thread);
void child_on_walked(struct spawner_job *job);

/* Sends the signals that are due, or kills; when a walk is under way that is done after it. */
void child_start_walk(struct child *child);

/* After the exit, with no walk under way: gone, or another look. */
void child_settle(struct child *child);

/* Of child->gone: nobody of the tree is left. */
void child_on_gone(struct loop_work *work, void *arg);
