/* SPDX-License-Identifier: MIT */
#pragma once
/* store-bed: a store on a real file in a directory of its own, for tests: real threads, a real loop.
 *
 * A test says what it wants and waits for it by running the loop; what never comes fails the test after a while. What the
 * store tells of its health is written down as a row of words, "degraded", "well" and "anew".
 */
#include "store/store.h"

struct store_bed {
        char dir[64];
        char path[96];
        struct loop *loop;
        struct store *store;
        size_t queue_bytes;   /* of the next open; 0: the usual */
        usec_t patience_usec; /* of the next open: as long as a test takes, unless it says otherwise */
        usec_t keep_usec;     /* of the next open */
        uint64_t keep_runs;
        char health[256];      /* what was told since the last look */
        bool degraded;         /* as was told last */
        char why[1024];        /* with the last of that */
        void (*on_anew)(void); /* called for "anew" */
        void (*on_late)(void); /* called for "late"; NULL: that is not written down */
        void (*on_hand_over)(void);
        unsigned n_anew;    /* calls of bed_put_anew() */
        unsigned n_history; /* rows of the last answer */
};

extern struct store_bed bed;

/* A new directory in $TMPDIR, or /tmp; and its end, with the store closed. */
void bed_setup(void);
void bed_teardown(void);

void bed_open(void);
void bed_close(void);

/* Runs the loop until @fn, at each turn, says so. */
void bed_await(bool (*fn)(void));
/* Syncs, and returns the result. */
int bed_sync(void);
/* Runs the loop until the store's health was told as @words, since the last time; fails when it was something else. */
void bed_await_health(const char *words);

/* A name below the directory. Lives until the fourth call after. */
const char *bed_path(const char *name);
/* How many names beside the database begin so, logs and locks left out. */
unsigned bed_count(const char *prefix);

/* What the file has, read by another connection: the first column of the first row as a number, -1 for none or NULL. */
int64_t bed_ask(const char *sql);
/* Runs @sql on another connection. */
void bed_tell(const char *sql);

/* A run of @task, "TASK#NUMBER", with an end, begun at START + @number s. */
#define BED_START (UINT64_C(1772366400) * USEC_PER_SEC)
struct store_run bed_run(const char *task, unsigned number);

/* As it is now; good until it is asked again. */
const struct store_stats *bed_stats(void);
/* Puts the run a#@number, and the state of task a. */
void bed_put_run(unsigned number);
void bed_put_task(void);

/* Neither degraded nor with anything to write. */
bool bed_is_well(void);
/* Until it is, without waiting for the store's own pause. */
void bed_await_well(void);

/* For bed.on_anew: puts what bed_put_task() does. */
void bed_put_anew(void);
/* Opens a store that is at work, with its log in use: a run and a task are in it. */
void bed_open_and_put_one(void);

/* How many runs the file has. */
unsigned bed_n_runs(void);
/* Asks for all of the history, and returns 0 or the error. */
int bed_ask_history(void);
