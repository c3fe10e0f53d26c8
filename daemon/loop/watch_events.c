/* SPDX-License-Identifier: MIT */
/* watch_events: what the kernel tells of the watched directories, as far as patterns are interested in it. */
#include "base/log.h"
#include "loop/watch_private.h"

#include <sys/inotify.h>

#define BUFFER_BYTES ((size_t)16 * 1024)
#define MOUNTS_DELAY USEC_PER_SEC /* mounts come in rows */

#define GONE (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)

/* An entry of the directory that files are looked for in. */
static void handle_file(struct watch_dir *dir, uint32_t mask, const char *name) {
        struct watch *watch = dir->pattern->watch;

        if (mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) {
                watch_pattern_told(dir->pattern, dir, name);
                watch_arrived(watch);
        } else if ((mask & IN_CREATE) && !(mask & IN_ISDIR)) {
                watch_pattern_made(dir->pattern, dir, name);
        } else if ((mask & (IN_DELETE | IN_MOVED_FROM)) && (watch->flags & WATCH_REMOVALS)) {
                watch_arrived(watch);
        }
}

static void handle(struct watch_dir *dir, uint32_t mask, const char *name) {
        struct watch_pattern *p = dir->pattern;

        if (mask & GONE)
                watch_pattern_again(p, false, 0);
        if (dir->part < 0 || !*name || !pattern_part_matches(&p->pattern->parts[dir->part], name))
                return;
        if ((size_t)dir->part + 1 == p->pattern->n_parts)
                handle_file(dir, mask, name);
        else if (mask & (IN_CREATE | IN_MOVED_TO))
                watch_pattern_again(p, false, 0);
}

/* Scans under way may have found the directory already. */
static void keep_in_mind(struct watcher *watcher, int wd) {
        struct watch_scan *scan;

        list_for_each_entry(scan, &watcher->scans, link) {
                if (scan->n_seen > WATCH_SEEN_MAX || (scan->n_seen > 0 && scan->seen[scan->n_seen - 1] == wd))
                        continue;
                if (scan->n_seen < WATCH_SEEN_MAX)
                        scan->seen[scan->n_seen] = wd;
                scan->n_seen++;
        }
}

static void again_all(struct watcher *watcher, bool all, usec_t delay_usec) {
        struct watch *watch;

        list_for_each_entry(watch, &watcher->watches, link)
                for (size_t i = 0; i < watch->n_patterns; i++)
                        watch_pattern_again(&watch->patterns[i], all, delay_usec);
}

static void dispatch(struct watcher *watcher, const struct inotify_event *event) {
        const char *name = event->len > 0 ? event->name : "";
        struct watch_dir *dir;

        if (event->mask & IN_Q_OVERFLOW) {
                log_warning("watch: more happened than the kernel keeps in mind (fs.inotify.max_queued_events): all "
                            "that matches counts as arrived");
                again_all(watcher, true, 0);
                return;
        }
        keep_in_mind(watcher, event->wd);
        list_for_each_entry(dir, watch_dirs_of(watcher, event->wd), of_wd)
                if (dir->wd == event->wd)
                        handle(dir, event->mask, name);
}

static void on_events(struct loop_io *io _unused_, int fd, unsigned events _unused_, void *arg) {
        _Alignas(struct inotify_event) char buffer[BUFFER_BYTES];
        struct watcher *watcher = arg;
        const struct inotify_event *event;
        ssize_t n = read(fd, buffer, sizeof(buffer));

        for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
                event = (const struct inotify_event *)(const void *)(buffer + at);
                dispatch(watcher, event);
        }
}

static void on_mounts(void *arg) {
        again_all(arg, false, MOUNTS_DELAY);
}

void watch_events_open(struct watcher *watcher) {
        if (!watcher->mounts)
                watcher->mounts = watch_mounts_new(watcher->loop, on_mounts, watcher);
        if (watcher->fd >= 0)
                return;
        watcher->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (watcher->fd >= 0 && loop_io_new(watcher->loop, watcher->fd, LOOP_READ, LOOP_PRIORITY_NORMAL, "watch",
                                            on_events, watcher, &watcher->io) < 0) {
                closep(&watcher->fd);
                watcher->fd = -EBADF;
        }
}

void watch_events_close(struct watcher *watcher) {
        watcher->mounts = watch_mounts_free(watcher->mounts);
        watcher->io = loop_io_free(watcher->io);
        closep(&watcher->fd);
        watcher->fd = -EBADF;
}
