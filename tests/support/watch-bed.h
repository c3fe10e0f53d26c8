/* SPDX-License-Identifier: MIT */
#pragma once
/* watch-bed: the real watch and inotify in a directory of its own, the clock in the hands of the test. That something is not
 * told of is seen by a second watch, to which something happens later. */
#include "loop/watch_private.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>

#define SETTLE (20 * USEC_PER_MSEC)

extern char dir[64]; /* empty at first */
extern struct loop *loop;
extern struct watcher *watcher;
extern _Atomic usec_t advanced; /* what the clock is ahead by */
extern char logged[8192];

/* What the kernel does wrong. */
struct watch_kernel {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        char hangs[PATH_MAX]; /* what is there and below hangs */
        unsigned n_hanging;
        int error;     /* instead */
        bool overflow; /* the events that are read next are lost; others make some in /tmp, too */
        unsigned n_lost;
};

extern struct watch_kernel kernel;

void set_error(int error);
void set_hangs(const char *path); /* "": nothing does any more */
unsigned n_hanging(void);

/* ---- files, by names within the directory ---- */

const char *path_of(const char *name); /* one of the last eight */
int open_file(const char *name);       /* to write; it has some content */
void put(const char *name);
void make(const char *name); /* a directory */
void move(const char *from, const char *to);
void delete (const char *name);

/* ---- watches ---- */

struct seen {
        struct watch *watch;
        unsigned n;
        unsigned until;
        bool frees;
};

extern struct seen a, b; /* most tests have one or two */

/* Runs until loop_exit(); aborts after a deadline. */
void run(void);

/* Waits until it has fired @n times in all. */
void await_fired(struct seen *seen, unsigned n);
void await(bool (*done)(void));
bool all_is_watched(void);

void begin(struct seen *seen, const char *pattern, unsigned flags); /* without waiting */
void watch(struct seen *seen, const char *pattern);
void watch_both(const char *pattern); /* by a; and what assert_not_told() needs, by b */

/* That a has fired @n times, also after something that b is told of, later than everything before. */
void assert_not_told(unsigned n);

void setup(void);
void teardown(void);
