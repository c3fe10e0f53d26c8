/* SPDX-License-Identifier: MIT */
#pragma once
/* file_sink_private: what the two halves of file_sink share: file_sink.c serves the loop, file_sink_thread.c writes. */
#include "base/clock.h"
#include "base/list.h"
#include "loop/file_sink.h"

#include <pthread.h>

#define SINK_THREADS_MAX 16 /* so many files may hang at once */

/* Bytes that grow at the end. */
struct bytes {
        char *data;
        size_t n;
        size_t size;
};

/* An open file. Guarded by the lock but where noted. */
struct sink_file {
        struct list link;  /* sink->files, until it is being closed */
        struct list queue; /* sink->ready or sink->blocked; else a thread has it, or there is nothing to do for it */
        char *path;        /* constant, as the user */
        bool has_user;
        struct file_user user;
        unsigned n_writers;
        struct bytes pending;
        uint64_t n_given;   /* bytes, ever */
        uint64_t n_done;    /* of these, written or lost */
        usec_t since_usec;  /* monotonic; when it came to be ready, or when it is to be tried again */
        bool has_thread;    /* which has the next three for itself */
        bool wants_reopen;  /* before anything else is written */
        bool awaited;       /* the loop wants to know when something was done */
        int fd;             /* the thread's */
        struct bytes hand;  /* the thread's: what it writes */
        size_t hand_at;     /* the thread's: how much of that is done */
        usec_t refuse_usec; /* since when it takes nothing; 0: it does */
        int error;          /* of the last write; 0: it was written */
        uint64_t n_lost;    /* since the first error in a row */
};

struct file_sink {
        struct loop *loop;
        int event_fd;
        struct dumpable *dumpable;
        /* loop thread only */
        struct loop_io *io;
        struct loop_timer timer; /* for threads that are stuck, and for flushes that take too long */
        struct list waiting;     /* writers that wait for something */
        /* guarded by the lock */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        pthread_cond_t done; /* something was written, or a thread ends */
        pthread_t threads[SINK_THREADS_MAX];
        unsigned n_threads; /* that were started */
        unsigned n_alive;
        unsigned n_idle;
        struct list files;
        struct list ready;   /* those first that are so for the longest time */
        struct list blocked; /* those that took nothing; in the order in which they are tried again */
        uint64_t n_bytes;    /* given and not done, of all files */
        unsigned n_unused;   /* files that have no writers and are not closed yet */
        bool told;           /* the loop, and it has not come yet */
        bool closing;
};

void sink_file_free(struct sink_file *file);

/* Returns a descriptor that appends and does not block, or -errno. */
int sink_open(const struct file_sink *sink, const char *path, const struct file_user *user);

/* With the lock held: has a thread look at @file. */
void sink_submit(struct file_sink *sink, struct sink_file *file);

/* With the lock held. Returns 0 or -errno. */
int sink_add_thread(struct file_sink *sink);
