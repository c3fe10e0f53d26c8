/* SPDX-License-Identifier: MIT */
#pragma once
/* watch_private: what the files of watch share. */
#include "loop/pool.h"
#include "loop/watch.h"

#include <limits.h>

#define WATCH_SEEN_MAX 256

struct watch_mounts;
struct watch_pattern;

/* ---- watch_pattern.c: a pattern, taken apart. Constant. ---- */

struct pattern_part {
        char *text; /* a name, or what fnmatch(3) takes */
        bool glob;
};

struct pattern {
        unsigned n_ref; /* of the loop thread */
        char *text;     /* as it was written */
        size_t n_parts; /* at least 1 */
        struct pattern_part parts[];
};

/* Returns 0, -ENOMEM, or as watch_check_pattern(). */
int pattern_new(const char *text, struct pattern **ret);
struct pattern *pattern_ref(struct pattern *pattern);
struct pattern *pattern_unref(struct pattern *pattern); /* takes NULL; always returns NULL */

/* Whether an entry of a directory is what this part stands for. */
bool pattern_part_matches(const struct pattern_part *part, const char *name);

/* ---- watch_scan.c: one walk over what a pattern leads to, on a thread. ---- */

/* A directory, or symbolic link, that is watched for a pattern. */
struct watch_dir {
        struct list of_pattern;
        struct list of_wd; /* in a bucket of watcher->dirs */
        struct watch_pattern *pattern;
        int wd;
        int part;      /* entries are compared with this part; -1: only that it is there matters */
        bool unlisted; /* files may have arrived before it was known here */
        char path[];
};

/* Files that nobody tells of, as they were when they were looked at. */
struct watch_files {
        uint64_t digest; /* of all of them; 0: there are none */
        uint64_t *items; /* a digest of each, sorted; none when there are too many */
        size_t n, room;
        bool too_many;
};

/* What is asked, and what was found. Owned by the job. */
struct watch_scan {
        /* The loop's. */
        struct list link; /* in watcher->scans */
        struct watcher *watcher;
        struct watch_pattern *of; /* NULL: nobody waits for it */
        struct pool_job *job;
        int seen[WATCH_SEEN_MAX]; /* wds of which events came meanwhile */
        size_t n_seen;            /* more than WATCH_SEEN_MAX: too many to know */

        _Atomic usec_t begun_usec; /* by a thread; 0: it waits for one */

        struct pattern *pattern;
        int fd;     /* of inotify; its own; -EBADF: there is none */
        bool all;   /* directories that are known are read as well */
        int *known; /* sorted; the wds of directories whose files are known */
        size_t n_known;

        struct list dirs; /* struct watch_dir.of_pattern */
        size_t n_dirs;
        size_t n_entered;         /* whether they can be watched or not */
        bool matches;             /* something does, in a directory that was not known */
        struct watch_files files; /* that match in directories that cannot be watched */
        bool incomplete;          /* not everything is watched */
        int error;                /* why not; 0: it may be seen all the same; -ENOLINK: a symbolic link leads nowhere */
        char error_path[PATH_MAX];
};

struct watch_scan *watch_scan_free(struct watch_scan *scan); /* always returns NULL */

/* Touches nothing but @scan; may hang. */
void watch_scan_run(struct watch_scan *scan);

enum watch_whole {
        WATCH_WHOLE, /* nobody has it open for writing; or nobody knows, and a symbolic link or a second name is none that
                        * a file gets when it is begun */
        WATCH_WRITTEN, /* somebody has */
        WATCH_UNKNOWN, /* or it is gone, or no file */
};

/* Whether a file at @path is whole though nobody told that it was closed. Blocks. */
enum watch_whole watch_is_whole(const char *path);

/* ---- the loop's side ---- */

struct watch_look;

struct watch_pattern {
        struct watch *watch;
        struct pattern *pattern;
        struct list dirs;         /* struct watch_dir */
        struct watch_scan *scan;  /* under way, or NULL */
        struct watch_look *look;  /* under way at some of @made, or NULL */
        struct loop_timer timer;  /* no scan: when one is due; a scan: when it counts as hanging */
        usec_t began_usec;        /* of the scan */
        usec_t rested_usec;       /* before that no other scan begins */
        struct watch_files files; /* of the last one */
        bool begun;               /* a scan has ended */
        bool again;               /* another scan is due after this one … */
        bool all;                 /* … which reads all directories */
        bool hangs;
        char *trouble;    /* or NULL */
        struct list made; /* of watch_made.c: files that may never be told as closed, and wait to be looked at */
        size_t n_made;    /* those that are looked at just now included */
        struct loop_timer look_timer;
        usec_t look_usec; /* how long until the next look */
};

struct watch {
        struct list link;
        struct watcher *watcher;
        char *name;
        usec_t settle_usec;
        unsigned flags;
        watch_fn fn;
        void *arg;
        struct loop_timer timer; /* armed: something has arrived */
        usec_t first_usec;       /* when that was */
        size_t n_patterns;
        struct watch_pattern patterns[];
};

struct watcher {
        struct loop *loop;
        struct pool *pool;
        struct list watches;
        struct list scans; /* under way */
        int fd;            /* of inotify; -EBADF: none could be had */
        struct loop_io *io;
        struct watch_mounts *mounts; /* NULL: nobody tells */
        struct list *dirs;           /* buckets of struct watch_dir, by wd */
        size_t n_buckets;            /* a power of 2 */
        size_t n_dirs;
        bool closing;
};

/* ---- watch.c ---- */

/* Something that matches has arrived. */
void watch_arrived(struct watch *watch);

/* ---- watch_dirs.c: who is interested in a wd ---- */

int watch_dirs_init(struct watcher *watcher); /* returns 0 or -ENOMEM */
void watch_dirs_add(struct watcher *watcher, struct watch_dir *dir);
void watch_dirs_remove(struct watcher *watcher, struct watch_dir *dir);
/* The bucket in which all those of @wd are, and others. */
struct list *watch_dirs_of(const struct watcher *watcher, int wd);

/* ---- watch_follow.c: a pattern's scans ---- */

/* Returns 0, -ENOMEM, or as watch_check_pattern(); to be undone in any case. */
int watch_pattern_init(struct watch_pattern *p, struct watch *watch, const char *text);
void watch_pattern_done(struct watch_pattern *p);

/* A scan is due in @delay_usec, or as soon as the one under way is over; with @all it reads all directories. */
void watch_pattern_again(struct watch_pattern *p, bool all, usec_t delay_usec);

/* ---- watch_made.c: a pattern's looks at single files ---- */

int watch_made_init(struct watch_pattern *p); /* returns 0 or -ENOMEM */
void watch_made_done(struct watch_pattern *p);

/* A file was made in @dir. */
void watch_pattern_made(struct watch_pattern *p, const struct watch_dir *dir, const char *name);

/* It was told as closed, or moved there: nobody need look at it. */
void watch_pattern_told(struct watch_pattern *p, const struct watch_dir *dir, const char *name);

/* ---- watch_events.c ---- */

/* Makes what events come through, unless it is there. */
void watch_events_open(struct watcher *watcher);
void watch_events_close(struct watcher *watcher);

/* ---- watch_mounts.c ---- */

/* Calls @fn when the mount table has changed. NULL: nobody will tell. */
struct watch_mounts *watch_mounts_new(struct loop *loop, void (*fn)(void *arg), void *arg);
struct watch_mounts *watch_mounts_free(struct watch_mounts *mounts); /* takes NULL; always returns NULL */
