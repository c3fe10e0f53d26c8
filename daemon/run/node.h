/* SPDX-License-Identifier: MIT */
#pragma once
/* node: the run itself, as the files of run/ share it. Nobody else includes this. */
#include "base/histogram.h"
#include "base/spare.h"
#include "run/run.h"

struct role_ops;

/* A slot of the task's overlap, shared by a run and by the remnants it leaves. */
struct slot_hold {
        unsigned n_ref;
        struct overlap_slot slot;
};

struct leaf {
        void *data;
        char *tail;
        char *detail;
        enum error_kind error;
        int exit_code;
        bool exited; /* run_leaf_exited() was called */
        bool ended;  /* run_leaf_end() was called */
        bool clean;
        bool forced;
        bool abandoned;
        bool healthy;       /* it was ready for SERVICE_HEALTHY_USEC */
        usec_t ready_usec;  /* since when it is ready, if it is */
        usec_t output_usec; /* of the last output; 0: none yet */
        char *status;       /* what it said of itself, or NULL */
        bool has_progress;
        uint64_t progress_done;
        uint64_t progress_total;
};

/* When a service was restarted: of the last restart_limit times, so that one can tell how long they took. */
struct restarts {
        usec_t *at; /* a ring; NULL until there was one */
        uint64_t n; /* so far */
};

struct job {
        bool settled;       /* the last attempt's outcome is the job's */
        bool kept_down;     /* an operator lets no further attempt begin */
        bool asked;         /* an operator asked for the end of the present attempt, not of the job */
        struct errors last; /* of the attempt before */
        char *tail;
        int exit_code;
        unsigned n_delays; /* restarts since an attempt was healthy */
        struct restarts restarts;
};

struct member_state {
        struct run *run;
        unsigned unmet; /* predecessors that it waits for: not ok or ready yet; 0: it waits for none any more */
        bool met;       /* it is ok or ready: told its successors */
        bool seen;      /* by a search under way */
};

struct group {
        struct member_state *members;
        char *culprit;         /* the member because of which the others are cancelled */
        struct result *resume; /* of the run that this one resumes, or NULL */
};

struct fanout {
        void *source;
        bool source_open;
        bool source_ended;
        size_t wanted; /* asked of the source, not pushed yet */
        char *culprit;
        enum error_kind source_error;
        uint64_t n_failed;
        uint64_t n_other; /* cancelled, skipped or never started */
        struct items_summary summary;
        struct histogram *latency;
};

struct run {
        struct run_tree *tree;
        struct run *parent;
        struct list sibling; /* in parent->children */
        struct list children;
        struct run *host;     /* the job from inside of which it was started, until it is done; NULL: none */
        struct list guest;    /* in host->guests */
        struct list guests;   /* of a job: top-level runs, not done, that were started from inside of it */
        struct list link;     /* tree->examine, tree->begin or tree->dead */
        struct list due_link; /* tree->due */
        struct list held;     /* tree->held */
        uint64_t held_number;
        const struct run_spec *spec;
        const struct role_ops *ops;
        enum run_role role;
        enum run_state state;
        unsigned n_live;   /* children that are not done */
        unsigned attempts; /* jobs and groups: begun so far */
        unsigned member;   /* index in the parent group */
        bool hook;
        bool held_back; /* would have begun if it were not held */
        bool waiting;   /* counted in tree->n_waiting: a parent that may not begin yet */
        bool ready;     /* a leaf: is ready; one above: was so at some time */
        bool closing;   /* was asked to end: nothing new starts below */
        char *resumed;  /* it was ok in this run, which its group resumes: never begins; or NULL */
        bool forced;    /* no grace for it and all below */
        bool fixed;     /* the first cause has decided the outcome */
        enum outcome outcome;
        enum cancel_reason cancel; /* the first request to cancel it, whenever it came */
        char *cancelled_by;
        enum bound bound; /* that fired, here or above */
        char *bound_run;
        char *reason;

        uint64_t number;
        char *item;
        char *trigger;
        usec_t due_realtime_usec;
        void *userdata;
        void (*free_userdata)(void *userdata);

        usec_t created_usec;
        usec_t created_realtime_usec; /* not of leaves */
        usec_t started_usec;
        usec_t ended_usec;
        usec_t ended_realtime_usec;
        usec_t bounds[_BOUND_MAX]; /* instants; USEC_INFINITY: not armed */
        usec_t retry_at_usec;
        usec_t cpu_usec;         /* of all leaves below that are done */
        uint64_t memory_peak;    /* of the one that had most */
        usec_t stop_at_usec;     /* leaves: when to force, then when to abandon */
        struct loop_timer timer; /* the earliest of these */

        struct limit_ticket *ticket;
        struct slot_hold *slot;
        struct errors errors;
        struct result **results; /* of members that are done */
        size_t n_results;

        union {
                struct leaf leaf;
                struct job job;
                struct group group;
                struct fanout fanout;
        };
};

struct remnant {
        struct list link;
        struct run_tree *tree;
        const struct run_spec *spec;
        char *run;
        void *data; /* of the leaf that it was */
        usec_t since_usec;
        struct limit_ticket *ticket;
        struct slot_hold *slot;
        bool is_process;
};

struct run_tree {
        struct loop *loop;
        struct run_listener listener;
        struct limits *limits;
        struct limit *max_running; /* NULL: unlimited */
        struct run *root;
        struct loop_work work;
        struct list examine;
        struct list due;
        struct list begin;
        struct list dead;
        struct list remnants;
        struct list held; /* runs that may not begin yet, the first first */
        uint64_t n_held;  /* ever */
        struct spare runs;
        bool holds;
        bool stopping;
        bool was_busy; /* on_empty is owed */
        usec_t grace_cap_usec;
        uint64_t random;
        unsigned n_waiting;
        unsigned leaves_in[_RUN_STATE_MAX];
        uint64_t n_started;
        uint64_t n_done[_OUTCOME_MAX];
};

/* What differs between roles. */
struct role_ops {
        /* May start now: the overlap slot is held and `after` is met; an attempt that was held has its permits. */
        void (*begin)(struct run *run);
        /* @child is done; it is still there. */
        void (*child_done)(struct run *run, struct run *child);
        /* @child, a service, became ready. May be NULL. */
        void (*child_ready)(struct run *run, struct run *child);
        /* It was asked to end just now: asks those below, in the right order. */
        void (*close)(struct run *run);
        /* Something may have come to its end: finishes the run if so. */
        void (*settle)(struct run *run);
        /* A retry delay is over. May be NULL. */
        void (*retry)(struct run *run);
        /* Frees what is the role's own. */
        void (*done)(struct run *run);
};

extern const struct role_ops run_root_ops;
extern const struct role_ops run_leaf_ops;
extern const struct role_ops run_job_ops;
extern const struct role_ops run_group_ops;
extern const struct role_ops run_fanout_ops;

/* ---- tree.c ---- */

/* A child of @parent for @spec, queued. NULL: out of memory. */
struct run *run_new(struct run *parent, const struct run_spec *spec, enum run_role role, uint64_t number);
/* The role that @spec needs. */
enum run_role run_role_for(const struct run_spec *spec);
void run_set_state(struct run *run, enum run_state state);
/* Takes the run's overlap slot, or waits for it, and begins it in a later turn. */
void run_enqueue(struct run *run);
void run_set_waiting(struct run *run, bool waiting);
/* Looks at @run in the next turn. */
void run_examine(struct run *run);
/* Sets the outcome, tells the parent. All children must be done. */
void run_finish(struct run *run, enum outcome outcome);
/* Frees @run, which is done, and all below at the end of this turn. */
void run_bury(struct run *run);
/* The first leaf of @run's subtree got its permits, or its work is under way. */
void run_mark_started(struct run *run, enum run_state state);
void slot_hold_unref(struct slot_hold *slot);
/* Whether @leaf, which has its permits, must not begin yet, as it is the first of a hook: it does so when it is released. */
bool run_hold_hook(struct run *leaf);

/* ---- host.c ---- */
/* The run that is waited for, bounds and is cancelled with @run: its host, or else its parent. NULL: of the root. */
static inline struct run *run_above(const struct run *run) {
        return run->host ? run->host : run->parent;
}

/* @run, a top-level run that is new, becomes a guest of @host, a job. */
void run_set_host(struct run *run, struct run *host);
/* @run is done: a host that waits for it may be, too. Harmless without one. */
void run_leave_host(struct run *run);
/* Of max-running: the ticket of the nearest host above a waiting leaf whose attempt is at work and counts. */
struct limit_ticket *run_find_lender(const struct limit_ticket *waiter);
/* @leaf begins; guests of attempts before it may go on with its permit. */
void run_begin_lending(const struct run *leaf);
/* The top-level run that @run belongs to, or the one that hosts that, and so on. */
const struct run *run_outermost(const struct run *run);

/* ---- cancel.c ---- */
struct close_cause {
        enum outcome outcome;      /* what it will end as, if nothing decided that before */
        enum cancel_reason reason; /* CANCEL_NONE: not a cancel */
        const char *by;
        enum bound bound; /* or _BOUND_INVALID */
        const char *bound_run;
};

/* Asks @run to end. Idempotent. */
void run_close(struct run *run, const struct close_cause *cause);
/* Asks @child to end because its parent was, or because of @culprit, its sibling. */
void run_close_child(struct run *child, const char *culprit);
/* @child will be asked to end later than its parent: nothing new starts below it from now on. */
void run_hold_back(struct run *child, const char *culprit);
/* Asks the guests of @host to end, because it was. */
void run_close_guests(struct run *host);
/* Asks all children of @run to end. */
void run_close_children(struct run *run, const char *culprit);

/* ---- deadline.c ---- */
/* Arms the run's timer for the earliest of what it waits for. */
void run_arm(struct run *run);
void run_on_timer(struct loop_timer *timer, void *arg);
/* Acts on the deadlines that have passed. */
void run_tree_expire(struct run_tree *tree);

/* For "%.*s": the name in the configuration, which instances share. */
#define RUN_SECTION(spec) (int)strcspn((spec)->name, "@"), (spec)->name

/* When @run's own @bound is reached as things stand; USEC_INFINITY: not armed. */
usec_t run_bound_at(const struct run *run, enum bound bound);

/* ---- leaf.c ---- */
/* Whether @leaf is one of those of which only max-running may be at work. */
static inline bool run_leaf_counts(const struct run *leaf) {
        return !leaf->hook && !leaf->spec->is_service;
}

/* Asks for its permits, at once with 0. */
void leaf_queue(struct run *leaf, usec_t not_before_usec);
/* Lets a queued leaf wait for nothing, until leaf_queue(). */
void leaf_hold(struct run *leaf);
void leaf_stop(struct run *leaf);
void leaf_force(struct run *leaf);
/* It was forced: abandons it if it does not end soon. */
void leaf_await_end(struct run *leaf);
void leaf_abandon(struct run *leaf);

/* ---- job.c ---- */
/* The work of @leaf has ended, though something of it is still being cleared away. */
void job_leaf_exited(struct run *job, const struct run *leaf);

/* ---- retry.c ---- */
/* The delay before the @n-th retry or restart (1 …): exponential from @min to @max, ±20 %. */
usec_t retry_delay(usec_t min, usec_t max, unsigned n, uint64_t *random);

/* ---- service.c ---- */
/* What comes after an attempt, unless the job was asked to end. */
enum verdict {
        VERDICT_ENDS,    /* the attempt's end is that of the job */
        VERDICT_AGAIN,   /* another attempt */
        VERDICT_GIVE_UP, /* there were too many: the job has failed */
};

/* What @spec says of an attempt that ended with @outcome at @now, after so many restarts. */
enum verdict service_judge(const struct service_spec *spec, const struct restarts *restarts, enum outcome outcome,
                           usec_t now);
/* Counts the restart after @leaf, which has ended. Returns when the next attempt may begin; 0: at once. */
usec_t service_next(struct run *job, const struct run *leaf);
/* The job fails, because of how often its attempts had to. */
void service_give_up(struct run *job, const struct run *leaf);
void leaf_set_ready(struct run *leaf, bool ready);
/* @run, a service or a group that counts as one, is ready: tells its parent. */
void run_set_ready(struct run *run);

/* ---- group.c ---- */
/* Whether @run is a group which, as things stand, tries again after it has ended. */
bool group_will_retry(const struct run *run);

/* ---- report.c ---- */
/* The result of @run, which is done. NULL: out of memory. */
struct result *run_report(struct run *run);
