/* SPDX-License-Identifier: MIT */
#pragma once
/* methods: what the files that implement io.tendd.Runner share. Nobody else includes it. */
#include "control/control.h"
#include "control/varlink.h"

#define ERROR_RUNNER(name) "io.tendd.Runner." name

struct pool;
struct processes;
struct socket_mode;
struct waiter;

struct control {
        struct control_options options;
        struct live *live;
        struct varlink_server *server;
        struct live_observer *observer;
        struct events *events;
        struct list waiters;
        struct list state_waits;
        struct list restarts;
        struct socket_mode *socket_mode; /* NULL: the socket is not ours */
        bool others;                     /* whom [access] names may connect to it */
        bool ends;                       /* nobody waits any more until something is kept */
        usec_t started_usec;             /* monotonic */
};

/* The table of methods. */
extern const struct varlink_interface runner_interface;
extern const struct varlink_interface debug_interface; /* only with --enable-debug-hooks */

/* One handler for each row of it; @arg is the struct control. */
int method_status(struct varlink_call *call, const json_t *parameters, void *arg);
int method_list(struct varlink_call *call, const json_t *parameters, void *arg);
int method_show(struct varlink_call *call, const json_t *parameters, void *arg);
int method_tree(struct varlink_call *call, const json_t *parameters, void *arg);
int method_why(struct varlink_call *call, const json_t *parameters, void *arg);
int method_start(struct varlink_call *call, const json_t *parameters, void *arg);
int method_stop(struct varlink_call *call, const json_t *parameters, void *arg);
int method_signal(struct varlink_call *call, const json_t *parameters, void *arg);
int method_restart(struct varlink_call *call, const json_t *parameters, void *arg);
int method_extend(struct varlink_call *call, const json_t *parameters, void *arg);
int method_wait(struct varlink_call *call, const json_t *parameters, void *arg);
int method_pause(struct varlink_call *call, const json_t *parameters, void *arg);
int method_resume(struct varlink_call *call, const json_t *parameters, void *arg);
int method_reload(struct varlink_call *call, const json_t *parameters, void *arg);
int method_diff(struct varlink_call *call, const json_t *parameters, void *arg);
int method_next(struct varlink_call *call, const json_t *parameters, void *arg);
int method_history(struct varlink_call *call, const json_t *parameters, void *arg);
int method_limits(struct varlink_call *call, const json_t *parameters, void *arg);
int method_pools(struct varlink_call *call, const json_t *parameters, void *arg);
int method_output(struct varlink_call *call, const json_t *parameters, void *arg);
int method_set_limit(struct varlink_call *call, const json_t *parameters, void *arg);
int method_set_pool(struct varlink_call *call, const json_t *parameters, void *arg);
int method_shutdown(struct varlink_call *call, const json_t *parameters, void *arg);
int method_run(struct varlink_call *call, const json_t *parameters, void *arg);
int method_map(struct varlink_call *call, const json_t *parameters, void *arg);
int method_events(struct varlink_call *call, const json_t *parameters, void *arg);

/* ---- methods_wait.c ---- */

/* How long a client waits. Zeroed: for ever. */
struct wait_timeout {
        struct loop_timer timer;
        struct varlink_call *call; /* NULL: there is no timer */
        bool over;                 /* the stream was woken for that */
};

/* @usec of 0: for ever. Returns 0 or -ENOMEM. */
int wait_timeout_begin(struct wait_timeout *timeout, struct control *control, struct varlink_call *call, usec_t usec);
void wait_timeout_done(struct wait_timeout *timeout);
/* Answers TimedOut; takes the reference to @names of what is still waited for. Returns 0. */
int reply_timed_out(struct varlink_call *call, json_t *names);

/* Waits for runs on behalf of @call: cursor of the stream waiter_ops, which answers with the result of each run that was
 * added, in the order in which they end. Learns of ends from now on. NULL: out of memory. */
struct waiter *waiter_new(struct control *control, struct varlink_call *call);
extern const struct varlink_stream_ops waiter_ops;

/* One more run, by its name (copied), that lives, or has ended and is known. Returns 0 or -ENOMEM. */
int waiter_add(struct waiter *waiter, const char *run);

/* It gives up after @usec. Returns 0 or -ENOMEM. */
int waiter_set_timeout(struct waiter *waiter, usec_t usec);

/* The result of a run that has ended, as long as it is the last of its task; else NULL. */
struct result *wait_find_result(const struct control *control, const char *run);

/* An event that may be what somebody waits for. */
void wait_on_event(struct control *control, const struct event *event);
/* Whether there are ends that were not told yet. */
bool wait_owes_ends(const struct control *control);
/* The daemon ends: what has ended is to be told, kept or not. */
void wait_no_longer(struct control *control);

/* ---- methods_limits.c ---- */

/* A Limit, a Pool. NULL: out of memory. */
json_t *limit_to_json(struct control *control, const struct limit *limit);
json_t *pool_to_json(const struct control *control, const struct pool *pool);

/* ---- methods_shutdown.c ---- */

/* What a daemon that ends waits for: an Ending, or NULL: it does not end. */
json_t *ending_to_json(const struct control *control);

/* ---- methods_wait_state.c ---- */

/* Wait for another @state than done, of @names, or of the daemon. As a handler. */
int wait_for_state(struct control *control, struct varlink_call *call, const json_t *names, const char *state,
                   usec_t timeout_usec);
/* An event that may be what somebody waits for. */
void wait_state_on_event(struct control *control, const struct event *event);

/* ---- keeping.c ---- */

/* A wait, a second at most, until all that was done before it began will outlive the daemon. Zeroed: not begun. */
struct keeping {
        struct live_sync *sync;
        struct varlink_call *call;
        bool done;
};

/* For the next() of a stream that has something to acknowledge. Returns 1: go on; else what next() is to return. */
int keeping_next(struct keeping *keeping, struct control *control, struct varlink_call *call);
/* Ends the wait, so that another one may begin. Harmless when there is none. */
void keeping_reset(struct keeping *keeping);

/* As varlink_reply(), after such a wait. Takes the reference to @parameters. Returns 0 or -ENOMEM. */
int reply_when_kept(struct control *control, struct varlink_call *call, json_t *parameters);

/* ---- methods_restart.c ---- */

/* An event that may be what a Restart waits for. */
void restart_on_event(struct control *control, const struct event *event);

/* ---- methods_events.c ---- */

int events_new(struct loop *loop, struct events **ret);
struct events *events_free(struct events *events);
void events_add(struct events *events, const struct event *event);
/* Followers are to be told now, and not in the next turn. */
void events_wake(struct events *events);

/* ---- what several of them need ---- */

/* The instant @monotonic_usec on the wall clock. */
usec_t to_realtime(usec_t monotonic_usec);

/* A JSON number; what is too large for one becomes the largest. NULL: out of memory. */
json_t *json_usec(usec_t usec);

/* "uid 0, pid 12": who is at the other end of @call. Returns @buf. */
#define BY_MAX 64
const char *call_by(const struct varlink_call *call, char buf[BY_MAX]);

/* Answer NoSuchTask, NoSuchRun. Return 0. */
int reply_no_such_task(struct varlink_call *call, const char *name);
int reply_no_such_run(struct varlink_call *call, const char *name);

/* A run is meant, not a task, when there is a number in the name. */
bool is_run_name(const char *name);

/* Appends the name of @run. Returns 0 or -ENOMEM. */
int append_run_name(json_t *array, const struct run *run);

/* A look for a task for each of many names, before anything is done for the first of them. It takes many turns when
 * there are many patterns and many tasks. */
struct names_check {
        bool runs;    /* names of runs are let through */
        bool enabled; /* only enabled tasks count */
        bool gone;    /* also those count that no configuration has, while they have runs */
        size_t name;  /* where it is */
        size_t index;
};

/* Goes on with @check. Returns 1: there is a task for each of @names; 0: call again; -ENOENT: there is none for
 * @ret_name, which is one of them. */
int names_check(struct control *control, const json_t *names, struct names_check *check, const char **ret_name);

/* How many tasks are matched with names in one step of a stream, which a caller counts. */
#define SCAN_A_STEP 2000u

/* Whether a task has the name @name, or a name that matches; with @gone also one that no configuration has. */
bool is_known_task(struct control *control, const char *name, bool gone);

/* Calls @fn for @run, or else for those below it, when their task's name is @wanted; items and attempts belong to what
 * they are below. Stops when @fn returns a negative errno. Returns how many there were, or that errno. */
typedef bool (*wanted_fn)(const char *task, void *arg);
typedef int (*run_fn)(struct run *run, void *arg);
int visit_runs(struct run *run, wanted_fn wanted, run_fn fn, void *arg);

/* Whether a run above @run is @wanted, too: one that it was started from inside of counts. */
bool is_below_wanted(const struct run *run, wanted_fn wanted, void *arg);

/* ---- methods_select.c ---- */

/* All live runs that names mean, in slices. The names are checked before anything is done. */
struct selection {
        struct control *control;
        json_t *names;
        struct names_check check;
        bool checked;
        size_t name;       /* of the names, the one at hand */
        size_t matched;    /* runs that it meant so far */
        size_t n_matched;  /* those of all names before it */
        usec_t seen_usec;  /* top-level runs created up to then were looked at for it */
        usec_t until_usec; /* those created later are not meant */
        run_fn fn;
        void *arg;
        json_t *not_running; /* those of the names that meant nothing */
};

/* @fn is called for each run; it returns 1, 0 when the run does not count, or a negative errno. Returns 0 or -ENOMEM. */
int selection_init(struct selection *selection, struct control *control, json_t *names, run_fn fn, void *arg);
void selection_done(struct selection *selection); /* also of one that could not be made */

/* For the next() of a stream. Returns 1 when everything is done; else what next() is to return. */
int selection_next(struct selection *selection, struct varlink_call *call);

/* The name at hand. */
const char *selection_name(const struct selection *selection);

/* Answers that @name means no live run. Returns 0. */
int nothing_meant(struct control *control, struct varlink_call *call, const char *name);

/* The live runs of @task, also as a member, with those below them; RUN_JSON_FEW, and how many are hidden. @processes as
 * run_append_json() has it. NULL: out of memory. */
json_t *runs_of_task(struct control *control, const struct task *task, struct processes *processes);

/* Names of tasks, with patterns, as a client gave them. */
struct patterns {
        json_t *list; /* NULL or empty: every name matches */
        bool *matched;
};

/* Returns 0 or -ENOMEM. @list may be NULL or null. */
int patterns_init(struct patterns *patterns, const json_t *list);
void patterns_done(struct patterns *patterns);
/* Whether @name matches one of them; remembers which. */
bool patterns_match(struct patterns *patterns, const char *name);
/* How many names to match in one step of a stream: fewer when there are many patterns. */
size_t patterns_a_step(const struct patterns *patterns);
/* The first that nothing matched, or NULL. */
const char *patterns_unmatched(const struct patterns *patterns);
