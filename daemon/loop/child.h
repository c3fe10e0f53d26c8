/* SPDX-License-Identifier: MIT */
#pragma once
/* child: spawns processes without stalling the loop, watches them, and ends their whole tree.
 *
 * Spawner threads create processes; the loop learns the pid or the step that failed in a later turn. A child leads a
 * session of its own. Signals reach its tree; killing walks the descendants again and again until none is left, also
 * after the main process is gone, because the daemon is a child subreaper. The main process stays a zombie until then,
 * so that its pid, process group and session cannot come to name something else.
 */
#include "loop/cgroup.h"
#include "loop/loop.h"
#include "loop/notify.h"

#include <sys/resource.h>
#include <sys/types.h>

struct spawner;
struct child;
struct child_files;

/* Steps of a spawn, for error reports. One string table: child_step_to_string(). */
enum child_step {
        CHILD_STEP_NONE,
        CHILD_STEP_USER,     /* looking the user up; ESRCH: there is none */
        CHILD_STEP_GROUP,    /* the same for the group */
        CHILD_STEP_ENV_FILE, /* EBADMSG: a line that is no NAME=VALUE */
        CHILD_STEP_NOTIFY,   /* making its notify socket */
        CHILD_STEP_PIPE,
        CHILD_STEP_FORK,
        CHILD_STEP_CGROUP, /* making the group, writing a bound, or entering it */
        CHILD_STEP_DESCRIPTORS,
        CHILD_STEP_SETSID,
        CHILD_STEP_NICE,
        CHILD_STEP_NOFILE,
        CHILD_STEP_CORE,
        CHILD_STEP_KEYRING,
        CHILD_STEP_SETGROUPS,
        CHILD_STEP_SETGID,
        CHILD_STEP_SETUID,
        CHILD_STEP_NO_NEW_PRIVILEGES,
        CHILD_STEP_CHDIR,
        CHILD_STEP_STDIN,
        CHILD_STEP_OUTPUT,
        CHILD_STEP_EXEC,
        _CHILD_STEP_MAX,
};

const char *child_step_to_string(enum child_step step);

#define CHILD_CORE_UNCHANGED (UINT64_MAX - 1)

/* Who a child is to be, by numbers alone: nothing is looked up. */
struct child_identity {
        uid_t uid;
        gid_t gid;
        gid_t *groups;
        size_t n_groups;
};

/* What to start. Everything is copied; nothing needs to outlive child_spawn(). */
struct child_spec {
        const char *path;     /* a path, or a name without a slash to be looked up in PATH (off the loop) */
        char *const *argv;    /* NULL-terminated */
        char *const *env;     /* NAME=VALUE, NULL-terminated, the last of a name counts; wins over the next three */
        const char *env_file; /* NULL, or a file of NAME=VALUE lines, read off the loop; wins over */
        const char *
                user; /* NULL: unchanged; else looked up off the loop, with its groups; sets HOME, USER, LOGNAME, SHELL,
                             * which win over */
        const struct child_identity *identity; /* instead of @user; sets nothing in the environment */
        struct child_files
                *files; /* what there is of stdin, stdout, stderr and the directory, instead of what else says it; a
                                    * reference is taken */
        char *const *env_base;  /* may be NULL; not copied, must live until the child is gone */
        const char *group;      /* NULL: the user's; needs @user */
        const char *directory;  /* NULL: / */
        const char *stdin_path; /* NULL: /dev/null */
        const void *stdin_data; /* when not NULL, @stdin_size bytes given on stdin instead of @stdin_path */
        size_t stdin_size;
        const char
                *output_path; /* what goes to on_output is appended to this file as well, see file_sink.h; NULL: not */
        bool output_pipe;     /* stdout and stderr go to on_output; neither this nor a path: /dev/null */
        bool no_new_privileges;
        bool start_ticks;            /* child_start_ticks() will be asked */
        mode_t umask;                /* (mode_t)-1: unchanged */
        int nice;                    /* 0: unchanged */
        uint64_t nofile;             /* 0: unchanged */
        uint64_t core;               /* bytes, UINT64_MAX: no bound, or CHILD_CORE_UNCHANGED */
        struct cgroup_limits limits; /* those that the cgroup tree has controllers for; nothing without a tree */
        const char *marker; /* the element of @env that no other child has ("INVOCATION_ID=…"): tells whose an orphan is
                             * that left its session; NULL: none */
};

/* All on the loop thread, each in a later turn than the call that caused it, but on_exit and on_notify
 * from child_poll(). After
 * on_gone, or on_started with a failure, nothing more is called. */
struct child_ops {
        /* @pid > 0: running. Else it could not be started: @step failed with @error (positive errno), or, with
         * CHILD_STEP_NONE and ECANCELED, it was killed before its turn came; on_gone does not follow. */
        void (*on_started)(struct child *child, pid_t pid, enum child_step step, int error, void *arg);
        /* The main process has ended; @status as from wait(2). Others of its tree may live. */
        void (*on_exit)(struct child *child, int status, const struct rusage *usage, void *arg);
        /* There is output. Returns false to leave it in the pipe, after child_pause_output(); NULL: it is always taken. What
         * is there when the last process has gone is not asked about. */
        bool (*may_output)(struct child *child, void *arg);
        /* Output, at most 64 KiB a turn; @n is 0 at its end, which comes before on_gone. NULL allowed without pipe. */
        void (*on_output)(struct child *child, const char *data, size_t n, void *arg);
        /* One of its processes said something on the notify socket, which it has when this is not NULL. Not after on_exit;
         * what was said and printed before comes before. */
        void (*on_notify)(struct child *child, const struct notify_message *message, void *arg);
        /* After on_exit: no process of the tree is left, of itself or through child_kill(); and what they printed is in the
         * file, unless that is too slow. */
        void (*on_gone)(struct child *child, void *arg);
};

/* The threads that spawn. One per daemon, made by the main thread, which must be the loop's: the kernel hands orphans to
 * it. Becomes the child subreaper, reaps inherited orphans, and raises the soft limit of open files to the hard one
 * (children get the old one). Returns 0, -ENOMEM, -errno. */
int spawner_new(struct loop *loop, struct spawner **ret);

/* Gives each child that is spawned from now on a group of its own in @tree, which passes to the spawner. */
void spawner_use_cgroups(struct spawner *spawner, struct cgroup_tree *tree);

/* Gives each child from now on, if it has on_notify, a socket in @dir, which passes to the spawner. */
void spawner_use_notify(struct spawner *spawner, struct notify_dir *dir);

/* Files of children's output: opens them anew by their paths, see file_sink_reopen(). */
void spawner_reopen_files(struct spawner *spawner);

/* Waits, at most @timeout_usec, until all output is in its files. */
void spawner_flush_files(struct spawner *spawner, usec_t timeout_usec);

/* NULL: children have no groups. */
const struct cgroup_tree *spawner_get_cgroups(const struct spawner *spawner);

/* Kills what is still alive, waiting at most a second in all. Always returns NULL. */
struct spawner *spawner_free(struct spawner *spawner);
DEFINE_CLEANUP(struct spawner, spawner_free)

/* Asks for a process. Returns 0, -ENOMEM, -EAGAIN when too many spawns wait (4096). */
int child_spawn(struct spawner *spawner, const struct child_spec *spec, const struct child_ops *ops, void *arg,
                struct child **ret);

/* Forgets the child: no callback any more; may be called from its callbacks. What lives of it goes on being killed and
 * reaped in the background. Always returns NULL. */
struct child *child_free(struct child *child);
DEFINE_CLEANUP(struct child, child_free)

/* The argument that it was spawned with, if that was with these @ops and it was not freed; else NULL: it is somebody else's. */
void *child_owner(const struct child *child, const struct child_ops *ops);

pid_t child_pid(const struct child *child); /* 0: not started */

/* When its main process began, field 22 of /proc/PID/stat: with its pid and the boot it names it for ever. 0: not known, as
 * nobody asked for it in the spec. */
uint64_t child_start_ticks(const struct child *child);

/* What its processes used; in on_gone and later. Without a cgroup, of the main process and those it has waited for. */
void child_get_usage(const struct child *child, struct cgroup_usage *ret);

/* Sends @signo to every process of the tree that can be found, and SIGCONT after it unless it is a stop signal, so that
 * a stopped process hears it too. Asked for before the start, it is sent after it. */
void child_signal(struct child *child, int signo);

/* The same to the main process alone, which must run: else -ESRCH. Returns 0 or -errno. */
int child_signal_main(struct child *child, int signo);

/* Kills the tree, SIGKILL, and keeps walking until nobody is left, then on_gone. Idempotent; at any time. */
void child_kill(struct child *child);

/* Takes what was said and an exit that has happened already: on_notify and on_exit are called from here. */
void child_poll(struct child *child);

/* Whether it has printed something that was not read yet. */
bool child_has_output(const struct child *child);

/* Stops or resumes reading the output pipe, so that a child that writes too fast waits. What is in the pipe when the
 * tree is gone is delivered all the same. */
void child_pause_output(struct child *child, bool pause);
