/* SPDX-License-Identifier: MIT */
#pragma once
/* store_private: what the loop shares with the threads of the store: one mutex, the queue, and what the writer says of
 * itself. It is counted, because a thread that hangs in the disk may outlive the store.
 */
#include "base/thread.h"
#include "store/database.h"

#include <stdatomic.h>

/* What the writer says of itself. Counters only grow. */
struct writer_state {
        bool opened;            /* it has tried to open the file for the first time */
        bool degraded;          /* it could not write when it last tried */
        bool taken;             /* … because another daemon has the file */
        uint64_t done;          /* records that are in the file, or that it does not take */
        uint64_t unfit;         /* of these, that it does not take */
        uint64_t commits;       /* of batches */
        uint64_t progress;      /* how often it came back from the disk */
        uint64_t n_failures;    /* how often it became degraded, if only for a moment */
        uint64_t n_anew;        /* how often it opened a file that does not have what was put before */
        uint64_t rows_gone;     /* of the history, that went with files that were removed … */
        usec_t gone_since_usec; /* … and since when the last of these had any; realtime */
        uint64_t size;          /* bytes of the file */
        usec_t written_usec;    /* when an earlier daemon wrote to it last, realtime; 0: never */
        char why[640];          /* it became degraded the last time */
};

enum query_state {
        QUERY_WAITS,
        QUERY_RUNS,
        QUERY_DONE,
};

/* A question to the reader. The loop's; but once it is given up while the reader is at it, the reader's. */
struct store_query {
        struct list link;  /* in store->queries */
        struct list queue; /* in core->queries or core->answered */
        struct store *store;
        enum query_state state; /* under the mutex */
        atomic_bool given_up;   /* nobody wants the answer */
        usec_t until_usec;      /* when it is given up; monotonic */
        struct store_history_query history;
        char *names;                 /* of tasks, or of a run or a task, each with its NUL, and one more */
        usec_t since_usec;           /* of a summary */
        store_history_fn on_history; /* one of them */
        store_summary_fn on_summary;
        void *arg;
        /* The answer. */
        int error;
        struct batch rows;
        struct store_summary summary;
};

struct store_core {
        pthread_mutex_t mutex;
        pthread_cond_t wake;    /* the writer has something to do */
        pthread_cond_t changed; /* the writer has opened the file, or ended */
        unsigned refs;          /* the store, and each thread */
        int fd;                 /* an eventfd: the loop is to look */
        const char *path;
        uint64_t session;
        usec_t keep_usec;
        uint64_t keep_runs;

        struct batch queue;  /* what the writer takes next */
        atomic_size_t bytes; /* of the queue, and of what the writer has taken and not yet written */
        bool idle;           /* the writer waits on `wake` */
        bool closing;        /* it ends when all is written, or that fails */
        bool retry;          /* it tries at once */
        bool damaged;        /* the reader came upon damage, in this file */
        struct file_id damaged_file;
        bool awaited;        /* the loop is told of the next commit */
        bool told;           /* and was, and did not look yet */
        bool ended;          /* the writer's thread has */
        struct batch opened; /* what the file had when it was opened, until the loop takes it */
        struct writer_state state;

        pthread_cond_t asked; /* the reader has something to do */
        struct list queries;  /* that wait for it */
        struct list answered;
        unsigned n_queries;
        bool reading; /* there is a reader's thread */
};

/* One reference, and no threads. NULL when out of memory; `path` is NULL or `fd` negative when it is of no use. */
struct store_core *store_core_new(const struct store_options *options);
/* Gives a reference up. */
void store_core_unref(struct store_core *core);
/* With the mutex held: has the loop look. */
void store_core_tell(struct store_core *core);
/* With the mutex held: waits on @cond until @until_usec (monotonic). Returns false when that has come. */
bool store_core_wait(struct store_core *core, pthread_cond_t *cond, usec_t until_usec);

struct store {
        struct store_options options;
        char *path;
        struct store_core *core;
        pthread_t writer;
        struct loop_io *io;
        struct loop_work work;   /* hands over, and looks */
        struct loop_timer timer; /* until a sync has waited too long */
        struct batch gathered;
        struct batch opened;
        struct list queries;      /* in the order in which they were asked */
        struct list syncs;        /* in the order in which they were asked for */
        struct writer_state seen; /* of the writer, at the last look */
        uint64_t n_put;           /* accepted */
        uint64_t hung_at;         /* the writer's progress when it began to hang */
        bool hung, overflow;      /* why it is degraded, beside the writer's reason */
        bool lossy;               /* the present state is to be put anew … */
        uint64_t lossy_at;        /* … once so many records are in the file */
        bool anew;                /* it is being put */
        bool closing;             /* nobody is called back any more */
        bool degraded;            /* as was told */
        usec_t degraded_usec;
        uint64_t lost, lost_since_anew;
        usec_t lost_usec; /* since when, of lost_since_anew */
        char why[sizeof(((struct writer_state *)NULL)->why)];
};

/* ---- opened.c ---- */
/* Tells of rows that are of no use. */
void store_check_opened(const struct store *store);

/* ---- query.c ---- */
/* Calls those whose answer is there or has been waited for too long. Returns when the next one will have; USEC_INFINITY. */
usec_t store_look_at_queries(struct store *store);
void store_free_queries(struct store *store);
void store_query_free(struct store_query *query);

/* ---- reader.c ---- */
/* Starts the thread that answers what is in core->queries, which ends by itself when nothing is asked for a while. Returns
 * 0, -EAGAIN, -ENOMEM. */
int reader_start(struct store_core *core);

/* ---- history.c, summary.c; on the reader's thread ---- */
/* Each fills in what was asked for. Returns 0, or a negative errno as those of database.h, or -ENOMEM. */
int reader_history(struct database *db, struct store_query *query);
int reader_summary(struct database *db, struct store_query *query);

/* ---- writer.c ---- */
/* Takes over a reference of @core. Returns 0, -ENOMEM, -EAGAIN; then the reference is still the caller's. */
int writer_start(struct store_core *core, pthread_t *ret);
