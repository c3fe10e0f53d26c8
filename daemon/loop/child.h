/* SPDX-License-Identifier: MIT */
#pragma once
/* child: spawns processes without stalling the loop, watches them, and ends their whole tree.
 *
 * Two spawner threads create processes; the loop learns the pid or the step that failed in a later turn. A child leads
 * a session of its own. Stopping signals its tree; killing walks the descendants again and again until none is left,
 * also after the main process is gone, because the daemon is a child subreaper.
 */
#include "loop/loop.h"

#include <sys/resource.h>
#include <sys/types.h>

struct spawner;
struct child;

/* Steps of a spawn, for error reports. One string table: child_step_to_string(). */
enum child_step {
        CHILD_STEP_NONE,
        CHILD_STEP_PIPE,
        CHILD_STEP_FORK,
        CHILD_STEP_SETSID,
        CHILD_STEP_STDIN,
        CHILD_STEP_OUTPUT,
        CHILD_STEP_RLIMIT,
        CHILD_STEP_NICE,
        CHILD_STEP_SETGROUPS,
        CHILD_STEP_SETGID,
        CHILD_STEP_SETUID,
        CHILD_STEP_CHDIR,
        CHILD_STEP_EXEC,
        _CHILD_STEP_MAX,
};

const char *child_step_to_string(enum child_step step);

/* What to start. Everything pointed to must stay valid until on_started was called. */
struct child_spec {
        const char *path; /* absolute, or a name looked up in PATH of @env (done off the loop) */
        char *const *argv;
        char *const *env;
        const char *directory;   /* NULL: / */
        const char *stdin_path;  /* NULL: /dev/null */
        const char *output_path; /* NULL: see below; else created 0640 and appended to */
        bool output_pipe;        /* stdout and stderr go to on_output; neither this nor a path: /dev/null */
        const char *user;        /* NULL: unchanged; looked up off the loop, with supplementary groups; HOME, USER,
                                   * LOGNAME, SHELL are set from it */
        const char *group;       /* NULL: the user's */
        mode_t umask;            /* (mode_t)-1: unchanged */
        int nice;                /* 0: unchanged */
        const void *stdin_data;  /* when not NULL, @stdin_size bytes given on stdin instead of @stdin_path */
        size_t stdin_size;
};

/* All on the loop thread, each in a later turn than the call that caused it. After on_gone nothing more is called and
 * the child may be freed. */
struct child_ops {
        /* @pid > 0: running. Else it could not be started: @step failed with @error (positive errno); on_gone follows
         * not. */
        void (*on_started)(struct child *child, pid_t pid, enum child_step step, int error, void *arg);
        /* The main process has ended; @status as from wait(2). Others of its tree may live. */
        void (*on_exit)(struct child *child, int status, const struct rusage *usage, void *arg);
        /* Output, as it comes; @n is 0 at its end. */
        void (*on_output)(struct child *child, const char *data, size_t n, void *arg);
        /* After on_exit and a child_kill(): no process of the tree is left. */
        void (*on_gone)(struct child *child, void *arg);
};

/* The threads that spawn. One per daemon; also becomes the child subreaper and reaps inherited orphans. Returns 0,
 * -ENOMEM, -errno. */
int spawner_new(struct loop *loop, struct spawner **ret);
struct spawner *spawner_free(struct spawner *spawner);
DEFINE_CLEANUP(struct spawner, spawner_free)

/* Asks for a process. Returns 0, -ENOMEM, -EAGAIN when too many spawns wait. */
int child_spawn(struct spawner *spawner, const struct child_spec *spec, const struct child_ops *ops, void *arg,
                struct child **ret);

/* Forgets the child: no callback any more. A process that lives goes on being killed and reaped in the background. */
struct child *child_free(struct child *child);
DEFINE_CLEANUP(struct child, child_free)

pid_t child_pid(const struct child *child); /* 0: not started yet */

/* Sends @signo to every process of the tree that can be found. Asked for before the start, it is sent after it. */
void child_signal(struct child *child, int signo);

/* Kills the tree, SIGKILL, and keeps walking until nobody is left, then on_gone. Idempotent. */
void child_kill(struct child *child);

/* Takes an exit that has happened already: on_exit is called from here when it has. */
void child_poll(struct child *child);

/* Stops or resumes reading the output pipe, so that a child that writes too fast waits. */
void child_pause_output(struct child *child, bool pause);
