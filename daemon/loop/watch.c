/* SPDX-License-Identifier: MIT */
/* watch: tells when files arrive that match patterns, see watch.h.
 *
 * One inotify instance serves all watches. The loop reads its events, which touches no file system; everything that may
 * hang is done by jobs of a pool of its own: walks over what a pattern leads to, which watch and read directories
 * (watch_scan.c), looks at single files, and taking watches off again. Each pattern has its own walk, so that one that
 * hangs delays no other; a walk that hangs for long gives its place in the pool to a spare thread, and its result is taken
 * whenever it comes.
 *
 * A walk finds the directories that are there at present. Whatever may change that (one came, went, was moved or mounted)
 * only causes another walk (watch_follow.c), which is compared with the one before: the files in a directory that
 * was not known count as arrived. So there is one way in which all such changes are followed, and it does not matter in
 * which order they are told, or whether all of them are. A walk is followed by a rest of ten times its length.
 *
 * watch_events.c knows which event means what, watch_dirs.c who is interested in it.
 */
#include "loop/watch_private.h"

#define SETTLE_MAX 10 /* times the settle time */
#define THREADS    2
#define SPARE      14 /* patterns that may hang before the others wait */

/* ---- firing ---- */

void watch_arrived(struct watch *watch) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        if (!loop_timer_armed(&watch->timer))
                watch->first_usec = now;
        loop_timer_set(&watch->timer, MIN(usec_add(now, watch->settle_usec),
                                          usec_add(watch->first_usec, SETTLE_MAX * watch->settle_usec)));
}

static void on_settled(struct loop_timer *timer _unused_, void *arg) {
        struct watch *watch = arg;

        watch->fn(watch, watch->arg);
}

void watch_rescan(struct watch *watch) {
        for (size_t i = 0; i < watch->n_patterns; i++)
                watch_pattern_again(&watch->patterns[i], true, 0);
}

const char *watch_trouble(const struct watch *watch) {
        for (size_t i = 0; i < watch->n_patterns; i++)
                if (watch->patterns[i].trouble)
                        return watch->patterns[i].trouble;
        return NULL;
}

/* ---- the life of a watch ---- */

struct watch *watch_free(struct watch *watch) {
        if (!watch)
                return NULL;
        list_remove(&watch->link);
        for (size_t i = 0; i < watch->n_patterns; i++)
                watch_pattern_done(&watch->patterns[i]);
        loop_timer_done(&watch->timer);
        free(watch->name);
        free(watch);
        return NULL;
}

static int init(struct watch *watch, const struct watch_spec *spec, size_t n) {
        int r;

        watch->name = strdup(spec->name);
        if (!watch->name)
                return -ENOMEM;
        r = loop_timer_init(&watch->timer, watch->watcher->loop, CLOCK_ID_MONOTONIC, "watch settled", on_settled,
                            watch);
        while (r >= 0 && watch->n_patterns < n) {
                size_t i = watch->n_patterns++;

                r = watch_pattern_init(&watch->patterns[i], watch, spec->patterns[i]);
        }
        return r;
}

int watch_new(struct watcher *watcher, const struct watch_spec *spec, struct watch **ret) {
        _cleanup_(watch_freep) struct watch *watch = NULL;
        size_t n = 0;
        int r;

        while (spec->patterns[n])
                n++;
        watch = calloc(1, sizeof(*watch) + n * sizeof(watch->patterns[0]));
        if (!watch)
                return -ENOMEM;
        list_init(&watch->link);
        watch->watcher = watcher;
        watch->settle_usec = MIN(spec->settle_usec, USEC_INFINITY / SETTLE_MAX);
        watch->flags = spec->flags;
        watch->fn = spec->fn;
        watch->arg = spec->arg;
        r = init(watch, spec, n);
        if (r < 0)
                return r;
        list_append(&watcher->watches, &watch->link);
        for (size_t i = 0; i < n; i++)
                watch_pattern_again(&watch->patterns[i], true, 0);
        *ret = TAKE_PTR(watch);
        return 0;
}

/* ---- the life of the watcher ---- */

struct watcher *watcher_free(struct watcher *watcher) {
        if (!watcher)
                return NULL;
        watcher->closing = true;
        while (!list_empty(&watcher->scans)) /* from now on threads may free theirs */
                list_remove(watcher->scans.next);
        watch_events_close(watcher);
        pool_free(watcher->pool);
        free(watcher->dirs);
        free(watcher);
        return NULL;
}

int watcher_new(struct loop *loop, struct watcher **ret) {
        _cleanup_(watcher_freep) struct watcher *watcher = calloc(1, sizeof(*watcher));
        int r;

        if (!watcher)
                return -ENOMEM;
        watcher->loop = loop;
        watcher->fd = -EBADF;
        list_init(&watcher->watches);
        list_init(&watcher->scans);
        r = watch_dirs_init(watcher);
        if (r >= 0)
                r = pool_new(loop, "watch", THREADS, SPARE, UINT_MAX, &watcher->pool);
        if (r < 0)
                return r;
        watch_events_open(watcher);
        *ret = TAKE_PTR(watcher);
        return 0;
}
