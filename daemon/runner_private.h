/* SPDX-License-Identifier: MIT */
#pragma once
/* runner_private: what the files of the runner share. */
#include "control/control.h"
#include "instance.h"
#include "live/reload.h"
#include "loop/watchdog.h"
#include "metrics/metrics.h"
#include "runner.h"
#include "store/store.h"
#include "systemd.h"

/* See status_line.c. */
struct status_line {
        struct live_observer *observer; /* NULL: nobody wants to know */
        struct loop_timer timer;
        struct loop_work work;
        bool stale;                /* the timer is set because of an event */
        usec_t at_usec;            /* monotonic; when it was made last */
        usec_t end_usec;           /* realtime; of the phase, when that has an end */
        usec_t extended_usec;      /* monotonic; when the manager was asked for time; 0: not yet in this phase */
        size_t index;              /* how far tasks have been looked at */
        struct problems *problems; /* found so far */
        char text[500];            /* being made */
        size_t n;
        char sent[500];
};

struct runner {
        const struct options *options;
        char *config_path;
        struct config *config;
        const char *refused; /* what it runs instead of the files, which were; NULL: they were not */
        struct instance instance;
        struct loop *loop;
        struct store *store; /* NULL with --once */
        struct live *live;
        struct reloader *reloader; /* NULL with --once */
        struct control *control;
        struct metrics *metrics; /* NULL with --once */
        struct watchdog *watchdog;
        struct systemd_watchdog systemd_watchdog;
        struct status_line status_line;
        struct loop_signal *signals[4];
        struct loop_timer timer;         /* the end of the phase */
        struct live_observer *finishing; /* tells when something has ended; NULL: it is not finishing */
        struct loop_work finish_work;
        struct loop_work ready_work;
        struct live_sync *leaving; /* until ends that somebody waits for are kept */
        enum runner_phase phase;
        usec_t signalled_usec; /* monotonic, of the first stop signal; 0: none yet */
        bool forced;
        int exit_code; /* of a critical service that has failed, else 0 */
        struct loop_work critical_work;
        char *critical; /* what is to be said of it */
        struct loop_work once_work;
        struct live_observer *once_observer;
        char *once_run;
        struct result *once_result;
};

/* ---- reload.c ---- */
/* Has the daemon reload when it is asked to, and keeps the configuration that it started with. Returns 0, -ENOMEM, -errno. */
int runner_reload_init(struct runner *runner);
/* Before the loop runs: loads the last configuration that was accepted, kept in @state_dir, NULL: where it usually is. Returns 0 or
 * a negative errno; either is told on stderr. */
int runner_load_accepted(struct runner *runner, const char *state_dir);

/* ---- runner.c ---- */
/* A callback held the loop for longer than loop-warn. */
void runner_on_slow(const char *callback, const char *subject, usec_t took_usec, void *arg);

/* ---- phases.c ---- */
int runner_phases_init(struct runner *runner);
void runner_phases_done(struct runner *runner);
void runner_set_phase(struct runner *runner, enum runner_phase phase);
/* Refuses new runs and ends those that are there. Does nothing when it does so already. */
void runner_stop(struct runner *runner);
/* The same, without any grace. */
void runner_stop_now(struct runner *runner);
/* Follows no trigger any more, and stops when all that runs but services has come to its end. Does nothing when the daemon
 * ends already. Returns 0 or -ENOMEM. */
int runner_stop_when_idle(struct runner *runner);
/* As control_options.ends_at has it. */
usec_t runner_ends_at(const struct runner *runner);
/* The critical service with @result has failed for good: ends the daemon, in a later turn, with its exit code. */
void runner_on_critical(struct runner *runner, const struct result *result);
/* The run tree is empty. */
void runner_on_empty(struct runner *runner);

/* ---- status_line.c ---- */
/* Follows what happens, when there is a service manager that wants to know. Returns 0 or -ENOMEM. */
int runner_status_init(struct runner *runner);
void runner_status_done(struct runner *runner);
/* The phase has changed, to one that lasts @timeout_usec at most; for running any value will do. */
void runner_status_on_phase(struct runner *runner, usec_t timeout_usec);

/* ---- once.c ---- */
/* Starts the task of --once when the loop runs. Returns 0, -ENOENT after a line on stderr, -ENOMEM. */
int runner_once_init(struct runner *runner);
/* Prints the outcome when asked to, and returns the exit code. */
int runner_once_finish(struct runner *runner);
void runner_once_done(struct runner *runner);
