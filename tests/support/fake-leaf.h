/* SPDX-License-Identifier: MIT */
#pragma once
/* fake-leaf: tasks for tests of the run tree whose work is a script: when it starts, ends, becomes ready, and what it
 * makes of being asked to stop, forced, polled and abandoned.
 *
 * A test makes tasks with fake_task_init() and may change spec and script before running them. What happens to leaves
 * is written to a trace: "+a" started, "-a" asked to stop, "!a" forced, "?a" polled, "~a" abandoned, ".a" released.
 */
#include "run/run.h"

enum fake_stop {
        FAKE_STOP_ENDS,   /* ends, cleanly */
        FAKE_STOP_OK,     /* ends as if nothing had been asked */
        FAKE_STOP_FAILS,  /* ends with an error of its own, script.stop_error */
        FAKE_STOP_IGNORE, /* goes on */
};

struct fake_script {
        int start_error;           /* what start returns, 0 or -errno */
        usec_t started_after_usec; /* USEC_INFINITY: never says so */
        usec_t ready_after_usec;   /* USEC_INFINITY: only by fake_leaf_ready() */
        usec_t ends_after_usec;    /* USEC_INFINITY: only by fake_leaf_end() */
        enum error_kind error;     /* how it ends by itself */
        unsigned ok_from_attempt;  /* from this attempt on it ends well; 0: never mind */
        unsigned fails_each;       /* items of this number, and its multiples, fail; 0: none */
        int exit_code;
        usec_t cpu_usec;
        uint64_t memory_peak;
        enum fake_stop stop;
        usec_t stops_after_usec;
        enum error_kind stop_error;
        bool ignores_force;
        usec_t tidies_usec; /* what it asks for when forced; 0: nothing */
        bool done_when_polled;
        bool output_when_polled;
};

/* How many items there are, and how they come. */
struct fake_items {
        size_t n;            /* SIZE_MAX: no end */
        size_t bad_each;     /* items of this number, and its multiples, cannot be used; 0: none */
        size_t comes_n;      /* at most so many each turn; 0: as many as wanted */
        int open_error;      /* what open returns */
        enum error_kind end; /* error at the end */
        bool silent;         /* wants are noted, nothing comes */
        /* what was observed */
        size_t wanted;
        size_t pushed;
        size_t outstanding_max;
        unsigned opened;
        unsigned closed;
};

struct fake_task {
        struct run_spec spec;
        struct fake_script script;
        struct fake_items items;
};

/* The loop that the fakes live on; before any of them is used. */
void fake_leaf_set_loop(struct loop *loop);

/* A job @name that never ends by itself, stops when asked, and has no bounds. */
void fake_task_init(struct fake_task *task, const char *name);
/* One that ends after @usec with @error. */
void fake_task_init_timed(struct fake_task *task, const char *name, usec_t usec, enum error_kind error);
/* A service that is kept up by @service: 1s..1min of delay, given up after 5 restarts in 10 min. */
void fake_service_init(struct fake_task *task, const char *name, struct service_spec *service);
/* A fan-out over @n items, @concurrency at a time, each of which ends well after 1 s. */
void fake_fanout_init(struct fake_task *task, const char *name, size_t n, unsigned concurrency);

/* A fake that always ends when forced; one like a process: forced, it gets 5 s, then it is unkillable; one like a
 * thread: cannot be stopped, is abandoned at once; one that cannot be asked, only forced. */
extern const struct leaf_ops fake_leaf_ops;
extern const struct leaf_ops fake_process_ops;
extern const struct leaf_ops fake_thread_ops;
extern const struct leaf_ops fake_blunt_ops;

extern const struct item_source_ops fake_item_ops;

/* The live leaf of the run called @name, or NULL. */
struct run *fake_leaf_find(const char *name);
void fake_leaf_end(const char *name, enum error_kind error);
void fake_leaf_ready(const char *name);
/* The script of each live leaf that has it says "done when polled" from now on. */
void fake_leaf_done_when_polled(const char *name);

/* The remnant of the run called @name is gone. */
void fake_remnant_gone(const char *name);
void fake_remnant_end(struct remnant *remnant);

/* Forgets the trace. */
void fake_trace_clear(void);
const char *fake_trace(void);
/* Off: for long tests. */
void fake_trace_enable(bool enable);

/* Leaves that work, remnants among them; 0 at the end of every test. */
unsigned fake_leaf_count(void);
unsigned fake_leaf_started(void);
unsigned fake_leaf_max(void); /* at once, since fake_trace_clear() */

/* Called by every start of a leaf. */
void fake_leaf_set_start_check(void (*fn)(const struct run *leaf));
