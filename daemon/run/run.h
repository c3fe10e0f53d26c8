/* SPDX-License-Identifier: MIT */
#pragma once
/* run: the run tree.
 *
 * Everything that runs is a run, and every run but the root has one parent, which is done only after all its children
 * are. Leaves do the work; parents wait. A leaf is an attempt; a job is the parent of its attempts; a group is the
 * parent of its members; a fan-out is the parent of its items, which are jobs. Top-level runs and hooks are children of
 * the root. A run that was started from inside of another hangs below that, too: see run_start.host.
 *
 *      queued ──▶ starting ──▶ running ──▶ stopping ──▶ done
 *         │           │           │ └──────────────────▲ ▲
 *         │           └───────────┼────────────────────┘ │
 *         └───────────────────────┴──────────────────────┘
 *
 * Nothing is delivered inside the call that caused it: what happens is put on the tree's lists, and one turn of the tree
 * in a later turn of the loop works them off: first ends, then deadlines, then beginnings. That order is why a
 * completion that can be observed wins against a deadline, and why nothing is freed inside its own callback.
 *
 * The tree does no I/O. It uses timers and deferred work of the loop, and calls leaves by struct leaf_ops.
 */
#include "loop/loop.h"
#include "run/limit.h"
#include "run/outcome.h"
#include "run/overlap.h"

struct run;
struct run_tree;
struct run_spec;
struct remnant;

enum run_state {
        RUN_QUEUED,
        RUN_STARTING,
        RUN_RUNNING,
        RUN_STOPPING,
        RUN_DONE,
        _RUN_STATE_MAX,
};

const char *run_state_to_string(enum run_state state);

enum run_role {
        RUN_ROOT,
        RUN_JOB,  /* attempts one after another, until one is ok or retries are used up */
        RUN_LEAF, /* one attempt */
        RUN_GROUP,
        RUN_FANOUT,
        _RUN_ROLE_MAX,
};

/* ---- leaves ---- */

/* How a leaf's work ended, reported once with run_leaf_end(). Strings are copied. */
struct leaf_end {
        enum error_kind error;   /* ERROR_NONE: ok */
        const char *detail;      /* with an error: one sentence */
        bool clean_when_stopped; /* ended by the stop signal, KILL, 128+signal or a success-exit code: no error of its
                                  * own when it was being stopped */
        int exit_code;           /* to pass through; 0 with an error: chosen from the error */
        const char *output_tail;
        usec_t cpu_usec;      /* 0: not known */
        uint64_t memory_peak; /* bytes; 0: not known */
};

/* What a kind does for a leaf. All are called on the loop thread, by the tree's turn or timers. */
struct leaf_ops {
        const char *name;

        /* Begins the work for @leaf; later run_leaf_started() and run_leaf_end() are called, not from inside this
         * function. Negative errno: the leaf ends failed/spawn and none of the others is called but release. */
        int (*start)(struct run *leaf);

        /* Asks the work to stop; it has `grace` to comply. Never called twice. NULL: force at once. */
        void (*stop)(struct run *leaf);

        /* Forces it, after grace or at once; the work should end soon. Called at most once. */
        void (*force)(struct run *leaf);

        /* Takes a completion that can be observed already: calls run_leaf_end() if there is one. May be NULL. */
        void (*poll)(struct run *leaf);

        /* The work did not end within `abandon_after_usec` of force. The leaf ends now without it; its data belongs to
         * @remnant from here on, which the kind ends with remnant_gone() when the work is really gone. NULL: the work
         * always ends when forced. */
        void (*abandon)(struct run *leaf, struct remnant *remnant);
        usec_t abandon_after_usec;
        bool abandoned_is_unkillable; /* an abandoned leaf fails with ERROR_UNKILLABLE (processes; not threads) */

        /* Sends @signo to all of the work's processes, or to the main one alone. Returns 0, or -ESRCH when there is none
         * to tell. NULL: it has no processes. */
        int (*signal)(struct run *leaf, int signo, bool main);

        /* Frees run_leaf_data(), when the leaf is freed and was not abandoned. May be NULL. */
        void (*release)(void *data);
};

/* ---- what to run ---- */

enum group_policy {
        GROUP_ALL,
        GROUP_SETTLE,
        GROUP_FIRST,
        GROUP_QUORUM,
        _GROUP_POLICY_MAX,
};

struct run_member {
        const struct run_spec *spec;
        const unsigned *after; /* indices of members that must be met first */
        size_t n_after;
        bool background;
};

/* Where a fan-out's items come from. Calls back with fanout_*(), in later turns. */
struct item_source_ops {
        /* Opens a source for @fanout. Returns 0 or -errno; @ret is given to the others. */
        int (*open)(struct run *fanout, void **ret);
        /* @n more items are wanted, in addition to those wanted before. */
        void (*want)(void *source, size_t n);
        /* No more calls to fanout_*() after this. Not from inside one of them. */
        void (*close)(void *source);
};

/* One item, @length bytes (copied). */
void fanout_push(struct run *fanout, const char *item, size_t length);
/* An item that cannot be used: counts as a failed item. */
void fanout_push_bad(struct run *fanout, const char *shown, enum error_kind error, const char *detail);
/* The last item was pushed. With an error the fan-out fails when its items are done. */
void fanout_end(struct run *fanout, enum error_kind error, const char *detail);

enum restart_policy {
        RESTART_NO,
        RESTART_ON_FAILURE,
        RESTART_ALWAYS,
        _RESTART_POLICY_MAX,
};

/* How a service is kept up: its job makes another attempt when one has ended, after a delay that doubles from attempt to
 * attempt and begins anew after one that was ready for SERVICE_HEALTHY_USEC. An attempt that an operator asked to
 * restart is followed at once, and does not count. */
struct service_spec {
        enum restart_policy restart;
        usec_t restart_delay_min_usec;
        usec_t restart_delay_max_usec;
        unsigned restart_limit;    /* more restarts than these within */
        usec_t restart_limit_usec; /* this span, and the service has failed; USEC_INFINITY: it is never given up */
};

#define SERVICE_HEALTHY_USEC (60 * USEC_PER_SEC)
#define SERVICE_RESTARTS_MAX 1000 /* the largest restart_limit */

/* What the tree must know of a task. Embedded in struct task; constant while a run uses it. */
struct run_spec {
        const char *name;
        bool is_group;
        bool is_service;                    /* `after` is met by readiness; not counted by max-running */
        const struct service_spec *service; /* of a job that is a service, else NULL */
        bool drain;                         /* on-shutdown = wait */
        bool is_transient;                  /* no configuration has it: who starts it says all of this */

        const struct leaf_ops *leaf; /* not for groups */

        /* Bounds; USEC_INFINITY: none. Bit (1 << BOUND_…) of default_bounds: the value is a default. */
        usec_t bounds[_BOUND_MAX];
        unsigned default_bounds;
        usec_t grace_usec;

        unsigned retries;
        usec_t retry_delay_min_usec;
        usec_t retry_delay_max_usec;

        struct limit_use *limits;
        size_t n_limits;
        int priority;
        struct overlap *overlap; /* NULL: runs of it never wait for each other */

        /* groups */
        enum group_policy policy;
        unsigned quorum;
        const struct run_member *members;
        size_t n_members;

        /* fan-outs: items != NULL */
        const struct item_source_ops *items;
        unsigned concurrency;
        unsigned items_may_fail; /* a number, or percent */
        bool items_may_fail_percent;
        bool cancel_on_item_failure;
};

/* How a top-level run comes to be. Strings are copied. */
struct run_start {
        const struct run_spec *spec;
        uint64_t number;     /* task#NUMBER */
        const char *trigger; /* "every", "on-start", "operator", "hook" … */
        usec_t due_realtime_usec;
        /* Of a group: a reference is taken to the result of one of its runs, of which this one runs only what was not ok. */
        struct result *resume;
        bool hook; /* exempt from overlap and max-running; starts also while stopping */
        /* The job from inside of which it is started, a process of its present attempt; NULL: none. That is done only
         * after this run, whose deadline is no later and which is cancelled with it, or once its work has ended otherwise than
         * ok. While it is at work it lends its permit of max-running to one leaf at a time below such runs. Else they have
         * nothing to do with each other: see host.c. */
        struct run *host;
        void *userdata; /* run_userdata() */
        void (*free_userdata)(void *userdata);
};

/* ---- the tree ---- */

struct run_listener {
        /* Any run changed its state. Must not change the tree. */
        void (*on_state)(struct run *run, enum run_state from, void *arg);
        /* A run that is no attempt was made for @run's task, queued. Must not change the tree. An item has no text yet. */
        void (*on_new)(struct run *run, void *arg);
        /* The first attempt below @hook, a top-level run, has its permits and is held. Must not change the tree. */
        void (*on_hook_begins)(struct run *hook, void *arg);
        /* An attempt below @job has a process, @pid, begun @start_ticks (of the clock of /proc/PID/stat; 0: not known)
         * after boot; or, with @gone, it and what it started are no more. Must not change the tree. */
        void (*on_process)(struct run *job, int pid, uint64_t start_ticks, bool gone, void *arg);
        /* The present attempt of a service became ready, or is not any more. Must not change the tree. */
        void (*on_ready)(struct run *job, bool ready, void *arg);
        /* An attempt of a service has ended, and another may begin at @at_usec (monotonic; 0: at once, because @by asked
         * for it). What went wrong is in run_get_errors(). Must not change the tree. */
        void (*on_restart)(struct run *job, usec_t at_usec, const char *by, void *arg);
        /* A top-level run or a member of a group is done, @result is final; take a reference to keep it. May start
         * top-level runs. */
        void (*on_done)(struct run *run, struct result *result, void *arg);
        /* An item of a fan-out is done (also tells those that were ok). @item is NULL for one that could not be used. */
        void (*on_item)(struct run *fanout, struct run *item, enum outcome outcome, const struct errors *errors,
                        void *arg);
        /* The last top-level run was freed. */
        void (*on_empty)(void *arg);
        void (*on_remnant)(struct remnant *remnant, bool gone, void *arg);
        /* A run begins or ceases to use @spec, or one of its members: keeps what it is embedded in alive. */
        void (*hold)(const struct run_spec *spec, void *arg);
        void (*drop)(const struct run_spec *spec, void *arg);
        void *arg;
};

/* As many leaves of jobs as @max_running are at work at once, and beside them one for each that is at work and has guests;
 * services and hooks do not count. 0: unlimited. Returns 0 or -ENOMEM. */
int run_tree_new(struct loop *loop, unsigned max_running, const struct run_listener *listener, struct run_tree **ret);
/* Changes it, from one that is not 0 to another; those at work stay so. */
void run_tree_set_max_running(struct run_tree *tree, unsigned max_running);
/* Only when the tree is empty, or the process is about to exit. */
struct run_tree *run_tree_free(struct run_tree *tree);
DEFINE_CLEANUP(struct run_tree, run_tree_free)

struct limits *run_tree_limits(struct run_tree *tree);

/* Begins a top-level run. Returns 0, -ENOMEM, -ESHUTDOWN when the tree was forced, or is stopping and this is no hook; with
 * a host also what run_may_host() says. @ret may be NULL. */
int run_tree_start(struct run_tree *tree, const struct run_start *start, struct run **ret);

/* What a run waits for that its host, or one above, keeps until it is done. */
struct run_conflict {
        const char *task;          /* its own, or that of a member */
        const struct limit *limit; /* permits of it; NULL: the task's overlap slot */
        const struct run *holder;
};

/* Whether a run of @spec may be started from inside @host, a job. Returns 0; -ESTALE: the host is to end, or has no attempt at
 * work; -EMLINK: too many are started from inside of each other; -EDEADLK: it would wait for ever, @ret says for what. */
int run_may_host(struct run *host, const struct run_spec *spec, struct run_conflict *ret);

/* While @hold, the top-level runs and members that are made do not begin before they are released, in the order in which
 * they are made: what must be known of a run before it does anything can be written down meanwhile. A hook is not held when
 * it is made, but when its first attempt has its permits, see on_hook_begins. */
void run_tree_hold(struct run_tree *tree, bool hold);
/* A number for the last run that was held, growing; 0: none was. */
uint64_t run_tree_last_held(const struct run_tree *tree);
/* Lets those up to that number begin, UINT64_MAX: all. */
void run_tree_release(struct run_tree *tree, uint64_t last);

/* No new runs but hooks. With @drain, runs whose spec says so are left running; called again without, they are
 * cancelled too (reason shutdown). */
void run_tree_stop(struct run_tree *tree, bool drain);

/* Cancels everything, hooks included, and skips every grace from now on. */
void run_tree_force(struct run_tree *tree);

/* No grace ends after @at_usec, monotonic. */
void run_tree_cap_grace(struct run_tree *tree, usec_t at_usec);

bool run_tree_is_empty(const struct run_tree *tree);
struct run *run_tree_root(struct run_tree *tree);

/* A run by its name: "task#41", "group#7/member", "task#41/item 812". NULL: none. */
struct run *run_tree_find(struct run_tree *tree, const char *name);

struct run_counts {
        unsigned queued;  /* leaves and not yet started parents that wait */
        unsigned running; /* leaves starting, running or stopping */
        unsigned top_level;
        uint64_t started;            /* leaves, since the start */
        uint64_t done[_OUTCOME_MAX]; /* top-level runs */
};

/* The limit of max-running; NULL: there is none. */
struct limit *run_tree_max_running(const struct run_tree *tree);

void run_tree_get_counts(const struct run_tree *tree, struct run_counts *ret);

/* ---- a run, from outside ---- */

/* Who asked, for messages. Returns 0, also when it is being stopped already; -EALREADY when it is done. @by is copied
 * and may be NULL. */
int run_cancel(struct run *run, enum cancel_reason reason, const char *by);

/* A queued run that is not wanted any more ends `skipped` for @reason (copied). Returns 0, -EBUSY when it is not queued. */
int run_skip(struct run *run, const char *reason);

/* Sends @signo to the processes of all attempts below @run that are at work, or with @main to the main one of each alone;
 * not to those of runs that were started from inside of it.
 * Returns how many attempts were reached. */
unsigned run_signal(struct run *run, int signo, bool main);

/* Skips the grace of @run and all below, also of what is asked to stop only later. Does nothing unless cancelled. */
void run_force(struct run *run);

struct run_extension {
        usec_t deadline_usec;         /* the effective one afterwards, monotonic */
        const struct run *clipped_by; /* whose bound is earlier than what was asked: an ancestor, or itself; or NULL */
        enum bound bound;             /* which was moved */
        bool moved;                   /* false: it was no earlier already, or what clips it is not later */
};

/* Moves the earliest own bound of @run, or with @parents that of each ancestor that would clip it too, later by
 * @by_usec. Returns 0, -ESTALE once it is stopping or done, -ENOENT when it has no bound of its own. */
int run_extend(struct run *run, usec_t by_usec, bool parents, struct run_extension *ret);
/* The same up to @until_usec, monotonic, not 0. A bound that is later stays. */
int run_extend_until(struct run *run, usec_t until_usec, bool parents, struct run_extension *ret);

/* The earliest of its own bounds, a job's present attempt included, and all its ancestors'; USEC_INFINITY: none.
 * @ret_owner and @ret_bound may be NULL. */
usec_t run_deadline(const struct run *run, const struct run **ret_owner, enum bound *ret_bound);

/* "task#41", "group#7/member", "task#41/item 812"; of a leaf: its job's name. Returns @buf. */
#define RUN_NAME_MAX 256
const char *run_name(const struct run *run, char buf[RUN_NAME_MAX]);

const struct run_spec *run_get_spec(const struct run *run);
enum run_role run_get_role(const struct run *run);
enum run_state run_get_state(const struct run *run);
struct run *run_get_parent(const struct run *run);
struct run *run_get_top(struct run *run);        /* the top-level run it belongs to, or itself */
uint64_t run_get_number(const struct run *run);  /* top-level: of the task; item: of the fan-out; leaf: the attempt */
const char *run_get_item(const struct run *run); /* of itself or the nearest ancestor; NULL: none */
uint64_t run_get_item_number(const struct run *run); /* 1-based; 0: none */
const char *run_get_trigger(const struct run *run);
usec_t run_get_due(const struct run *run); /* realtime */
bool run_is_hook(const struct run *run);
void *run_userdata(const struct run *run);          /* of the top-level run */
usec_t run_created_usec(const struct run *run);     /* monotonic */
usec_t run_created_realtime(const struct run *run); /* not of an attempt */
usec_t run_started_usec(const struct run *run);     /* monotonic; 0: not started */
unsigned run_attempts(const struct run *run);
const struct errors *run_get_errors(const struct run *run);    /* a job's: also of the attempt before */
bool run_is_cancelled(const struct run *run);                  /* itself or an ancestor was asked to end */
bool run_is_background(const struct run *run);                 /* a member that its group does not wait for */
const struct items_summary *run_items_so_far(struct run *run); /* NULL unless a fan-out */

/* Of a service's job, and of a group that counts as a service: the present attempt, resp. all members, are ready. */
bool run_is_ready(const struct run *run);
/* What the present attempt last said of itself, NULL: nothing. */
const char *run_get_status(const struct run *run);
/* How far it says it is, @done of @total; false: it said nothing. */
bool run_get_progress(const struct run *run, uint64_t *ret_done, uint64_t *ret_total);
/* When there was output last, monotonic; 0: never. */
usec_t run_last_output_usec(const struct run *run);
/* The end of what the last attempt of a job that has ended printed, or NULL. */
const char *run_output_tail(const struct run *run);
/* When the present attempt, asked to end, is forced to; USEC_INFINITY: it was not asked, or is forced already. */
usec_t run_grace_ends(const struct run *run);
/* The attempt that a job is at, or NULL. */
struct run *run_present_leaf(const struct run *run);

/* ---- services ---- */

/* Ends the present attempt of a service and makes another at once; a service that waits to restart, or that is kept
 * down, makes one now. @by is copied. Returns 0, -EOPNOTSUPP when it is no service, -ESTALE once it was asked to end. */
int run_restart(struct run *job, const char *by);

/* Ends the present attempt of a service and keeps it down, without ending the service's run, so that the group it is a
 * member of goes on. Idempotent. Returns as run_restart(); run_restart() is what brings it back. */
int run_keep_down(struct run *job, const char *by);

/* Whether groups of the two have members of the same names in the same order, with the same `after` and `background`. */
bool run_same_members(const struct run_spec *a, const struct run_spec *b);

/* Whether @group has a member of this name, or one of its members has. */
bool run_group_names(const struct run_spec *group, const char *name);

/* From now on the service goes by @spec, which is of the same name and role, and of a group has the same members in the same
 * order: attempts that have not begun do, one that is at work goes on as it began. Returns 0; -EOPNOTSUPP when it is
 * no service, -ESTALE once it is done. */
int run_respec(struct run *run, const struct run_spec *spec);

/* The present attempt of a service began under another spec than the next one will. */
bool run_is_outdated(const struct run *job);
bool run_is_kept_down(const struct run *job);

/* Puts a new run in the place of @member, a service or a group that counts as one, which is done while the group that it
 * is a member of goes on. @member is freed in the next turn, and its outcome and errors count no more in the group's. Not
 * from inside a callback of the tree. Returns 0, -EOPNOTSUPP when it is no such member, -ESTALE when it is not done or
 * its group has ended or is to end, -ESHUTDOWN when the tree is stopping, -ENOMEM. */
int run_revive(struct run *member, struct run **ret);

/* The job from inside of which this top-level run was started; NULL: none, or it is done. */
struct run *run_get_host(const struct run *run);

/* The first and next of the top-level runs that were started from inside @host and are not done. NULL at the end. */
struct run *run_first_guest(const struct run *host);
struct run *run_next_guest(const struct run *guest);

/* Its own work has ended, and it waits for them alone. */
bool run_waits_for_guests(const struct run *run);

/* First child and next sibling; members in the order of the group, others in that of their creation. NULL at the end. */
struct run *run_first_child(const struct run *run);
struct run *run_next_sibling(const struct run *run);

enum run_why {
        WHY_NONE,        /* not queued */
        WHY_TURN,        /* the loop's next turn */
        WHY_PERMITS,     /* @limit, see limit_for_each_holder() */
        WHY_PACE,        /* @limit's rate, until @until_usec */
        WHY_MAX_RUNNING, /* @limit is the tree's own */
        WHY_AFTER,       /* @other has not met its end or readiness */
        WHY_OVERLAP,     /* another run of the task, @other if there is one, else a remnant */
        WHY_RETRY,       /* until @until_usec, monotonic */
        WHY_RESTART,     /* the same, of a service */
        WHY_STOPPED,     /* an operator keeps the service down */
        WHY_ITEMS,       /* the first item is being read */
        WHY_GUESTS,      /* its own work has ended; @other was started from inside of it and has not */
        _RUN_WHY_MAX,
};

struct run_waiting {
        enum run_why why;
        struct limit *limit;
        const struct limit_ticket *ticket;
        const struct run *other;
        usec_t since_usec;
        usec_t until_usec;
};

/* What a queued run waits for; a queued parent waits for what its first queued child waits for. A job between two
 * attempts, a group between two tries, and a job that waits for its guests wait, too, without being queued again. */
void run_get_waiting(const struct run *run, struct run_waiting *ret);

/* ---- a leaf, from its kind ---- */

void run_leaf_set_data(struct run *leaf, void *data);
void *run_leaf_data(const struct run *leaf);

/* The work is under way. Not from inside leaf_ops.start. */
void run_leaf_started(struct run *leaf);
/* The process that does it, see run_listener.on_process. */
void run_leaf_process(struct run *leaf, int pid, uint64_t start_ticks, bool gone);
/* A service is ready: `after` is met, start-timeout is over. */
void run_leaf_ready(struct run *leaf);
/* It says that it is going to end: it is not ready any more. */
void run_leaf_unready(struct run *leaf);
/* The work goes on but is not what it should be: the leaf is stopped, and fails with @error. Does nothing when it was
 * asked to end before. */
void run_leaf_fail(struct run *leaf, enum error_kind error, const char *detail);
/* There was output: idle-timeout counts from now. */
void run_leaf_output(struct run *leaf);
/* The work asks for time: its earliest own bound is no earlier than @usec from now, as far as the bounds above it allow.
 * Returns as run_extend(). */
int run_leaf_extend(struct run *leaf, usec_t usec, struct run_extension *ret);
/* What it says of itself; copied. */
void run_leaf_set_status(struct run *leaf, const char *status);
void run_leaf_set_progress(struct run *leaf, uint64_t done, uint64_t total);
/* From inside leaf_ops.force: what is at work tidies up, and is not given up as lost before @usec from now. */
void run_leaf_tidies(struct run *leaf, usec_t usec);
/* The work has ended by itself with @end, but something of it is still there and is being cleared away by force. From now
 * on only ERROR_UNKILLABLE can change the outcome; run_leaf_end() tells when all is gone, with what it used and, if more is
 * known now, another detail. Does nothing when the leaf is being stopped. */
void run_leaf_exited(struct run *leaf, const struct leaf_end *end);
/* The work has ended; also in place of run_leaf_started(). Delivered in a later turn. Only the first call counts. */
void run_leaf_end(struct run *leaf, const struct leaf_end *end);

/* ---- remnants ---- */

const char *remnant_run(const struct remnant *remnant);
const char *remnant_task(const struct remnant *remnant);
const struct run_spec *remnant_spec(const struct remnant *remnant);
void *remnant_data(const struct remnant *remnant);   /* what was run_leaf_data() */
usec_t remnant_since(const struct remnant *remnant); /* monotonic */
bool remnant_is_process(const struct remnant *remnant);
/* What it was is really gone: its permits and overlap slot pass on, and it is freed. */
void remnant_gone(struct remnant *remnant);

/* The name of the run or remnant that holds @ticket or waits with it. Returns @buf. */
const char *run_tree_ticket_name(const struct run_tree *tree, const struct limit_ticket *ticket,
                                 char buf[RUN_NAME_MAX]);

struct remnant *run_tree_first_remnant(struct run_tree *tree);
struct remnant *remnant_next(struct remnant *remnant);
