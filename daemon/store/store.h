/* SPDX-License-Identifier: MIT */
#pragma once
/* store: what the daemon remembers: the state of tasks, the history of runs, and what did not run.
 *
 * A SQLite database (WAL), written by one thread in batches and read by another. Putting never blocks and never fails: what
 * is put is copied onto a bounded queue. Once store_sync() has told so, what was put before survives a kill -9. The
 * power may fail at any moment without harm to the file, but the last seconds before that may be missing in it: nothing
 * waits for the disk itself (synchronous=NORMAL).
 *
 * When the disk is full or does not answer, the file damaged, gone or read-only, the store is degraded: the daemon goes on,
 * what can be written later waits in the queue, and what has no room there is lost and counted. A damaged file is set aside
 * beside the new one, as NAME.damaged-DATE, of which the last three are kept. The store tries again by itself. When it is
 * well again and something was lost, the present state is put anew (on_anew) and the gap is told in the history.
 *
 * All functions are called on the loop thread, and all calls back are made there.
 */
#include "loop/loop.h"
#include "run/outcome.h"

struct store;
struct store_query;
struct store_sync;

#define STORE_OPEN_MAX (5 * USEC_PER_SEC) /* longer, nobody waits for the file when the daemon starts … */
#define STORE_SYNC_MAX (1 * USEC_PER_SEC) /* … nor for the disk */

/* ---- what is kept ---- */

/* What is remembered of a task. Instants are realtime unless they say otherwise; 0: never. */
struct store_task {
        const char *task;
        uint64_t number; /* of its last run */
        usec_t first_seen_usec;

        /* Triggers. */
        const char *schedule; /* what the rest of this part belongs to: a digest of its triggers; NULL: it has none */
        usec_t every_anchor_usec;      /* wall time … */
        const char *every_boot_id;     /* … and the boot in which … */
        usec_t every_anchor_boot_usec; /* … it was this on the clock that counts sleep */
        usec_t accounted_usec;         /* each occurrence up to here was run, or told as not run */
        const char
                *fired; /* occurrences later than that, that have fired already: when/schedule.h makes and reads it */
        usec_t last_due_usec;
        const char *last_due_what; /* what became of it, for people: "ran as backup#41", "skipped: paused" */

        const char *paused_by; /* NULL: it is not */
        usec_t paused_usec;
        const char *stopped_by; /* of a service, that is to stay down; NULL: it is not */
        usec_t stopped_usec;

        /* Outcomes. */
        unsigned failures; /* in a row */
        bool failing;
        bool stale; /* on-stale was fired and no ok came since */
        usec_t last_ok_usec;
        const char *last_run; /* name, outcome and tree of the last run; NULL: none */
        const char *last_json;

        usec_t gone_usec; /* since when no configuration has it: after keep_usec it is forgotten; 0: one has */
};

/* A top-level run or a member of a group. */
struct store_run {
        const char *task;
        const char *run;     /* "backup#41", "backup#41/upload"; unique together with begun_usec */
        const char *trigger; /* "calendar", "operator" … */
        usec_t due_usec;     /* what it was due for */
        usec_t begun_usec;   /* its creation */
        bool service;
        bool hook;
        bool rerun;        /* on-interrupt = rerun, and nobody else starts it again */
        const char *cause; /* of a hook that has not begun: what it is to tell; NULL: it has, or is none. Not kept */

        /* At its end. */
        usec_t ended_usec; /* 0: not yet */
        enum outcome outcome;
        enum error_kind error; /* the root cause */
        const char *detail;    /* one sentence; may be NULL */
        usec_t queued_usec;
        usec_t duration_usec;
        unsigned attempts;
        int exit_code;
        usec_t cpu_usec;
        uint64_t memory_peak;
        const char *json; /* the outcome tree */
        const char *tail; /* of its output; may be NULL */
};

/* A main process of a run that has no end yet. */
struct store_process {
        const char *run;
        usec_t begun_usec; /* of the run */
        int pid;
        uint64_t start_ticks; /* field 22 of /proc/PID/stat */
        const char *boot_id;
};

/* Occurrences that did not run, one or a row of neighbours. */
struct store_missed {
        const char *task; /* NULL: a gap, when asked for: @n records of any tasks, put in this span, were lost */
        usec_t first_due_usec;
        usec_t last_due_usec;
        uint64_t n;
        const char *trigger; /* "calendar", "every", "watch", …; NULL in a gap */
        const char *reason;  /* a word or two: "overlap", "paused", "late", "down", "superseded", "clock" … */
        const char *detail;  /* a sentence; may be NULL */
        usec_t at_usec;      /* when that was found */
};

/* An item of a fan-out that fails. */
struct store_item {
        const char *task;
        const char *item;
        unsigned failures; /* in a row; 0: forget it */
        bool failing;
        usec_t since_usec; /* of the first of them */
};

/* What else than a task an operator has paused. */
struct store_pause {
        const char *what;      /* "limit db", "all" */
        const char *paused_by; /* NULL: it is not any more */
        usec_t paused_usec;
};

/* ---- its life ---- */

struct store_options {
        struct loop *loop;
        const char *path;     /* of the database */
        usec_t keep_usec;     /* history that is older is removed; USEC_INFINITY: none */
        uint64_t keep_runs;   /* so are all runs but so many, and rows of what did not run; UINT64_MAX: no bound */
        size_t queue_bytes;   /* what waits to be written takes no more; 0: 16 MiB */
        usec_t patience_usec; /* for tests: in place of STORE_OPEN_MAX, STORE_SYNC_MAX and STORE_QUERY_MAX; 0: these */
        /* The store became degraded, or is well again. @text is a sentence. May be NULL. */
        void (*on_health)(bool degraded, const char *text, void *arg);
        /* The file that could not be read when it was opened could be by now. What it had is told by store_opened_tasks()
         * and its like until this returns; on_anew follows, and what is put then takes its place. May be NULL. */
        void (*on_late)(void *arg);
        /* The file does not hold what was put, because it is a new one or something was lost: everything that
         * store_put_item() and store_put_pause() said, and runs without an end with their processes, are to be put again, before it returns: the
         * file has the old ones until it has all of these. What store_put_task() said is to be put again, too, but there
         * is time for it, as one task takes the place of its old state without regard to others. May be NULL. */
        void (*on_anew)(void *arg);
        /* What was put so far is on its way into one transaction: what is to be in the same one is put now. May be NULL. */
        void (*on_hand_over)(void *arg);
        void *arg;
};

/* Opens the database, or makes it, on its thread, and waits for that at most STORE_OPEN_MAX: before the loop runs. One that cannot be
 * used makes the store degraded, and is no error; it is told when the loop runs. When it can be used later, runs without
 * an end that are in it become interrupted. Returns 0, -ENOMEM, -errno when there can be no thread; -EADDRINUSE, which is
 * logged, when another daemon has the file: its runs would be taken for those of a dead one. When that is found later, the
 * store is degraded and leaves the file alone. */
int store_open(const struct store_options *options, struct store **ret);

/* Waits at most @timeout_usec until all that was put is in the file; what is not is logged. Nothing is called back any
 * more, and syncs and queries are gone. Not from a call back of the store. Takes NULL, and always returns NULL. */
struct store *store_close(struct store *store, usec_t timeout_usec);

/* Changes how long, and how many runs, are kept; see store_options. What is more goes when the file is written next. */
void store_set_keep(struct store *store, usec_t keep_usec, uint64_t keep_runs);

/* Tries at once what a degraded store would try in a while. */
void store_retry(struct store *store);

/* What was there when it was opened: each is called once for each row, whose strings live until it returns. For the time
 * before the loop runs; store_forget_opened() frees what these read from. */
int store_opened_tasks(struct store *store, int (*fn)(const struct store_task *task, void *arg), void *arg);
int store_opened_items(struct store *store, int (*fn)(const struct store_item *item, void *arg), void *arg);
int store_opened_pauses(struct store *store, int (*fn)(const struct store_pause *pause, void *arg), void *arg);
/* Runs without an end, each with its processes. */
int store_opened_runs(struct store *store,
                      int (*fn)(const struct store_run *run, const struct store_process *processes, size_t n,
                                void *arg),
                      void *arg);
/* Members, at any depth, that have ended, of groups without an end. */
int store_opened_members(struct store *store, int (*fn)(const struct store_run *run, void *arg), void *arg);
void store_forget_opened(struct store *store);
/* When the file was written last before it was opened, realtime: an earlier daemon was alive then. 0: never, or the file
 * does not answer. */
usec_t store_last_written(const struct store *store);

/* ---- putting ---- */

void store_put_task(struct store *store, const struct store_task *task); /* instead of what was there */
void store_put_begin(struct store *store, const struct store_run *run);  /* again: instead of what was there */
void store_put_process(struct store *store, const struct store_process *process);
void store_put_process_gone(struct store *store, const struct store_process *process); /* while its run goes on */
void store_put_end(struct store *store, const struct store_run *run); /* also without a begin; its processes are gone */
/* Instead of a row of the same task and trigger that begins with the same occurrence, whatever it says else. */
void store_put_missed(struct store *store, const struct store_missed *missed);
/* An occurrence that had been told as missed runs after all: the clock was set back. */
void store_put_not_missed(struct store *store, const char *task, usec_t due_usec);
void store_put_item(struct store *store, const struct store_item *item);
void store_put_pause(struct store *store, const struct store_pause *pause);

/* Calls @fn in a later turn, once what was put before is in the file (0), the store is or becomes degraded (-EIO), or
 * STORE_SYNC_MAX has passed (-ETIMEDOUT), which makes it degraded until the disk answers. Returns 0; -ENOMEM, and @fn is not
 * called. @ret may be NULL. */
typedef void (*store_sync_fn)(int result, void *arg);
int store_sync(struct store *store, store_sync_fn fn, void *arg, struct store_sync **ret);
void store_sync_cancel(struct store_sync *sync); /* before it was called */

/* ---- asking: what has ended, not what runs ---- */

#define STORE_PAGE_MAX  500
#define STORE_QUERY_MAX (10 * USEC_PER_SEC) /* one that takes longer is given up */

struct store_history_query {
        const char *const *tasks; /* names, NULL-terminated; NULL: all */
        bool failed;              /* failures and interrupted runs alone, no missed ones and no gaps */
        bool hooks;               /* and hooks */
        usec_t since_usec;        /* begun or due at this time or later */
        bool reaching;            /* and runs that were begun before that, and ended then or later */
        usec_t until_usec;        /* and before this; USEC_INFINITY */
        const char *run;          /* NULL, or runs of this name alone, with their trees; the rest is not looked at */
        uint64_t before;          /* position of the last row of the page before; UINT64_MAX: from the newest on */
        unsigned n;               /* at most STORE_PAGE_MAX */
};

struct store_history_row {
        uint64_t position; /* for `before` */
        /* One of: */
        const struct store_run *run; /* without tree and tail, unless one run was asked for */
        const struct store_missed *missed;
};

/* Newest first. @error: 0, -EIO, -ETIMEDOUT, -ENOMEM. Rows live until it returns; @n smaller than asked for: there are no more. */
typedef void (*store_history_fn)(int error, const struct store_history_row *rows, size_t n, void *arg);

/* Asks on the reader's thread. Returns 0, -ENOMEM, -ENOBUFS (too many ask), -EIO (degraded). */
int store_ask_history(struct store *store, const struct store_history_query *query, store_history_fn fn, void *arg,
                      struct store_query **ret);

/* What the history says of one task since @since_usec. */
struct store_summary {
        uint64_t by_outcome[_OUTCOME_MAX];
        uint64_t missed;
        usec_t p50_usec, p90_usec, p99_usec, max_usec; /* duration of the last 100,000 runs that were ok */
        struct {
                usec_t begun_usec;
                usec_t duration_usec;
                enum outcome outcome;
        } last[50]; /* the newest first */
        size_t n_last;
};

typedef void (*store_summary_fn)(int error, const struct store_summary *summary, void *arg);
int store_ask_summary(struct store *store, const char *task, usec_t since_usec, store_summary_fn fn, void *arg,
                      struct store_query **ret);

/* Nobody is called back. */
void store_query_cancel(struct store_query *query);

/* ---- how it is ---- */

struct store_stats {
        const char *path;
        bool degraded;
        const char *why;      /* a sentence, when it is */
        usec_t degraded_usec; /* realtime; since when */
        uint64_t lost;        /* that could not be written, since the start */
        uint64_t written;     /* that was */
        uint64_t commits;
        size_t queued; /* records that wait to be written */
        uint64_t size; /* bytes of the file at the last commit */
};

void store_get_stats(const struct store *store, struct store_stats *ret);
