/* SPDX-License-Identifier: MIT */
#pragma once
/* store_private: what the loop shares with the threads of the store: one mutex, the queue, and what the writer says of
 * itself. It is counted, because a thread that hangs in the disk may outlive the store.
 */
#include "base/thread.h"
#include "store/record.h"

#include <stdatomic.h>

/* What the writer says of itself. Counters only grow. */
struct writer_state {
        bool opened;         /* it has tried to open the file for the first time */
        bool degraded;       /* it could not write when it last tried */
        uint64_t done;       /* records that are in the file, or that it does not take */
        uint64_t unfit;      /* of these, that it does not take */
        uint64_t commits;    /* of batches */
        uint64_t progress;   /* how often it came back from the disk */
        uint64_t n_failures; /* how often it became degraded, if only for a moment */
        uint64_t n_anew;     /* how often it opened a file that does not have what was put before */
        uint64_t size;       /* bytes of the file */
        char why[640];       /* it became degraded the last time */
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
        bool damaged;        /* the reader came upon damage */
        bool awaited;        /* the loop is told of the next commit */
        bool told;           /* and was, and did not look yet */
        bool ended;          /* the writer's thread has */
        bool opened_wanted;  /* somebody waits for what the file has when it is opened */
        struct batch opened; /* that */
        struct writer_state state;
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
        struct list syncs;        /* in the order in which they were asked for */
        struct writer_state seen; /* of the writer, at the last look */
        uint64_t n_put;           /* accepted */
        uint64_t hung_at;         /* the writer's progress when it began to hang */
        bool hung, overflow;      /* why it is degraded, beside the writer's reason */
        bool lossy;               /* the present state is to be put anew */
        bool anew;                /* it is being put */
        bool degraded;            /* as was told */
        usec_t degraded_usec;
        uint64_t lost, lost_since_anew;
        usec_t lost_usec; /* since when, of lost_since_anew */
        char why[sizeof(((struct writer_state *)NULL)->why)];
};

/* ---- writer.c ---- */
/* Takes over a reference of @core. Returns 0, -ENOMEM, -EAGAIN; then the reference is still the caller's. */
int writer_start(struct store_core *core, pthread_t *ret);
