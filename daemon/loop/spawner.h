/* SPDX-License-Identifier: MIT */
#pragma once
/* spawner: the threads under child.h. For loop/child*.c and loop/spawner.c only.
 *
 * A job is embedded in its owner and goes round: submitted on the loop, worked on by a thread, done on the loop. The
 * owner keeps it alive until then.
 */
#include "loop/child.h"
#include "loop/dumpable.h"
#include "loop/file_sink.h"

#include <pthread.h>
#include <stdatomic.h>

#define CHILD_STACK_SIZE ((size_t)64 * 1024)
#define OUTPUT_BUFFER    ((size_t)64 * 1024)

/* What a child may need of the table of descriptors: stdin, a pipe, and the socket of child_parcel.h. */
#define SPAWNER_SLOTS 3

/* So many threads have slots; they are reserved from the start on, while low numbers are to be had. */
#define SPAWNER_THREADS_WITH_SLOTS 16

/* A thread that spawns, as far as a job may see it. */
struct spawner_thread {
        struct list link;
        struct spawner *spawner;
        pthread_t thread;
        struct spawner_job *job; /* what it works on; guarded by the lock */
        usec_t since_usec;
        uint64_t signals; /* bit n: signal n + 1 is handled or ignored here */
        bool knows_signals;
        int slots[SPAWNER_SLOTS]; /* low descriptors that are its own (child_exec.c); -EBADF: none */
        char *stack;              /* for the child that shares our memory; NULL until needed */
};

struct child_tree;
struct child_users;

struct spawner_job {
        struct list link;
        void (*work)(struct spawner_job *job, struct spawner_thread *thread); /* on a thread; may block */
        void (*done)(struct spawner_job *job);                                /* on the loop, in a later turn */
};

struct spawner {
        struct loop *loop;
        /* loop thread only */
        struct list children; /* all that are not gone */
        struct list
                lingering; /* those whose main process is gone but whose tree may not be, or that are being killed */
        struct loop_io *io;
        struct loop_signal *sigchld;
        struct loop_timer stuck_timer;
        struct loop_timer linger_timer;
        struct list looks;           /* at children, that wait for their turn (child_inspect.c) */
        struct list looking;         /* those that a thread has */
        struct list looked;          /* those that wait until a second look is due */
        struct list searches;        /* for the child of a process, that wait for their turn (child_find.c) */
        struct list searching;       /* those that a thread has */
        struct list searches_paused; /* those that are made again in a moment */
        struct list given;           /* descriptors for children (child_files.c) */
        struct list closings;        /* descriptors that are to be closed, the first of them by a thread */
        bool orphans_reaped;         /* since the last look at the lingering children */
        char *buffer;                /* for output; one for all */
        long maxrss;                 /* of the daemon, when that was last asked for: it never falls */
        /* constant */
        pid_t loop_tid;
        int null_fd;
        int event_fd;
        struct cgroup_tree *cgroups;   /* NULL: none */
        struct notify_dir *notify_dir; /* NULL: no sockets */
        struct child_users *users;
        struct file_sink *files; /* for output */
        struct dumpable dumpable;
        struct rlimit nofile;   /* what children get */
        bool oom_protected;     /* the daemon is, which children are not to be */
        atomic_bool plain_fork; /* sharing memory with the child does not work here; may turn true at any time */
        /* guarded by the lock */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        pthread_cond_t ended;
        struct list urgent; /* signals and kills: before all spawns */
        struct list queued;
        struct list finished; /* on their way to the loop */
        struct list threads;
        unsigned n_queued;
        int slots[SPAWNER_THREADS_WITH_SLOTS][SPAWNER_SLOTS]; /* for threads to come; -EBADF: they are a thread's */
        unsigned n_slots_given;                               /* to so many threads */
        unsigned n_threads;
        unsigned n_idle;
        bool stopping;
};

/* Hands @job to a thread. Returns 0, or -EAGAIN when too many wait and it is not @urgent. */
int spawner_submit(struct spawner *spawner, struct spawner_job *job, bool urgent);

/* Takes @job back. False: a thread has it, or is done with it. */
bool spawner_withdraw(struct spawner *spawner, struct spawner_job *job);

/* Reaps the inherited orphans that have ended. Returns whether any are left. */
bool spawner_has_orphans(struct spawner *spawner);

/* ---- of child.c, for child_inspect.c ---- */

struct child_look;

struct spawner *child_spawner(const struct child *child);
/* Where it keeps the look that is under way at its processes. */
struct child_look **child_look_of(struct child *child);
/* Whether processes of it may be alive. */
bool child_has_tree(const struct child *child);
/* Of those, handles that may outlive it, for child_tree_copy_done(). Returns 0, -ESRCH when there are none, -errno. */
int child_copy_tree(struct child *child, struct child_tree *ret);

/* ---- of child_inspect.c ---- */

/* The child ends, and may be destroyed. @look may be NULL. */
void child_look_forget(struct child_look *look);
/* Looks that take long may make room for others. */
void child_looks_go_on(struct spawner *spawner);
/* When the threads have ended. */
void child_looks_end(struct spawner *spawner);

/* ---- of child_find.c ---- */

/* Searches that take long may make room for others. */
void child_searches_go_on(struct spawner *spawner);
/* When the threads have ended. */
void child_searches_end(struct spawner *spawner);

/* ---- of child_files.c ---- */

/* When the threads have ended, and all children. */
void child_files_end(struct spawner *spawner);

/* ---- of child.c and child_end.c, for spawner.c ---- */

/* An orphan may have ended: the children whose end depends on it are looked at again. */
void child_on_orphans(struct spawner *spawner);

/* The linger timer fired: walks that are due are repeated. */
void child_on_linger(struct spawner *spawner);

/* The end of the spawner, in two steps: no callback is called any more and what is being launched is given up; then,
 * when the threads have ended, all children are killed, waited for until @deadline_usec, and freed. */
void child_forget_all(struct spawner *spawner);
void child_end_all(struct spawner *spawner, usec_t deadline_usec);
