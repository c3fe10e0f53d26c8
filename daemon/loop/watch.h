/* SPDX-License-Identifier: MIT */
#pragma once
/* watch: tells when files arrive that match patterns: those that were written and closed, and those that were moved or
 * linked into place.
 *
 * Patterns are those of glob(7), in each component: a leading dot is matched by a dot alone. The directories need not be
 * there yet, and may go and come again. A file that is being written is not told of before it is closed; a directory that is
 * made is not told of, one that is moved into place is. A watch fires once nothing has arrived for its settle time, or for ten
 * times that since the first arrival. Where the kernel lost count, everything that matches counts as arrived.
 *
 * The loop touches no path: directories are read and watched by threads of a pool, and what hangs there delays only the
 * pattern it belongs to. Nothing wakes up while nothing happens, unless a directory cannot be watched: then it is looked
 * at each minute. All functions are called on the loop thread, and so are all calls back.
 */
#include "loop/loop.h"

struct watcher;
struct watch;

#define WATCH_PATTERN_MAX 4096  /* bytes, with the NUL */
#define WATCH_PARTS_MAX   64    /* components of a pattern */
#define WATCH_DIRS_MAX    20000 /* directories that one pattern may watch */

/* In a later turn than what caused it. May call watch_rescan() and watch_free(). */
typedef void (*watch_fn)(struct watch *watch, void *arg);

enum watch_flags {
        WATCH_LATER_ONLY = 1 << 0, /* what is there at the beginning is no arrival */
        WATCH_REMOVALS = 1 << 1,   /* fires also when what matches is removed or moved away */
};

struct watch_spec {
        const char *name;            /* for the log: whose watch it is; copied */
        const char *const *patterns; /* NULL-terminated, absolute; copied */
        usec_t settle_usec;
        unsigned flags;
        watch_fn fn;
        void *arg;
};

/* Whether @pattern can be watched. Returns 0, -EINVAL (not absolute, or the root alone), -ENAMETOOLONG, -E2BIG (more than
 * WATCH_PARTS_MAX components). */
int watch_check_pattern(const char *pattern);

/* A watcher without watches; costs one descriptor or two, and threads only once there are watches. Returns 0, -ENOMEM,
 * -errno. That the kernel has no inotify instance left is no error: then everything is looked at each minute. */
int watcher_new(struct loop *loop, struct watcher **ret);

/* After all its watches. Does not wait for a thread that hangs. Always returns NULL. */
struct watcher *watcher_free(struct watcher *watcher);
DEFINE_CLEANUP(struct watcher, watcher_free)

/* Begins to watch, and fires when something matches already. Returns 0, -ENOMEM, or as watch_check_pattern(). */
int watch_new(struct watcher *watcher, const struct watch_spec *spec, struct watch **ret);
struct watch *watch_free(struct watch *watch); /* takes NULL; always returns NULL */
DEFINE_CLEANUP(struct watch, watch_free)

/* Looks at everything anew: all that matches counts as arrived. */
void watch_rescan(struct watch *watch);

/* Looks at the file @path, which was seen being written, until nobody writes to it: then it counts as arrived. */
void watch_look(struct watch *watch, const char *path);

/* What keeps it from being told at once, a sentence that names the path; NULL: nothing. Valid until the next turn. */
const char *watch_trouble(const struct watch *watch);
