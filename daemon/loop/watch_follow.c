/* SPDX-License-Identifier: MIT */
/* watch_follow: keeps what is watched for a pattern at what is there: scans, one after another.
 *
 * What comes for a directory while a scan is under way that has found it first is not known to be of interest. The scan
 * keeps the wd in mind, and such directories are read again by another scan.
 */
#include "base/log.h"
#include "loop/watch_private.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/inotify.h>

#define RETRY_USEC USEC_PER_MINUTE     /* what cannot be watched is looked at so often */
#define HANG_USEC  (10 * USEC_PER_SEC) /* a scan that takes longer hangs */
#define REST       10                  /* times the length of a scan, until the next one */
#define REST_MAX   (10 * USEC_PER_SEC)

/* ---- taking off what nobody is interested in any more ---- */

struct tidy {
        int fd;
        size_t n;
        int wds[];
};

static void tidy_free(void *arg) {
        struct tidy *tidy = arg;

        closep(&tidy->fd);
        free(tidy);
}

/* This may hang, as the file system may have to be told. */
static void tidy_work(void *arg) {
        struct tidy *tidy = arg;

        for (size_t i = 0; i < tidy->n; i++)
                (void)inotify_rm_watch(tidy->fd, tidy->wds[i]);
}

static bool is_wanted(const struct watcher *watcher, int wd) {
        struct list *bucket = watch_dirs_of(watcher, wd);
        const struct watch_dir *dir;

        list_for_each_entry(dir, bucket, of_wd)
                if (dir->wd == wd)
                        return true;
        return false;
}

/* Frees @dirs, of which @n are in no table any more. When memory is short they stay watched in vain. */
static void drop_dirs(struct watcher *watcher, struct list *dirs) {
        static const struct pool_job_ops ops = {
                .name = "watch-tidy",
                .tidies = true,
                .work = tidy_work,
                .done = tidy_free,
                .returned = tidy_free,
                .left = tidy_free,
        };
        struct watch_dir *dir, *tmp;
        struct tidy *tidy;
        size_t n = 0;

        list_for_each_entry(dir, dirs, of_pattern)
                n++;
        tidy = n > 0 && !watcher->closing && watcher->fd >= 0 ? malloc(sizeof(*tidy) + n * sizeof(int)) : NULL;
        if (tidy) {
                tidy->fd = fcntl(watcher->fd, F_DUPFD_CLOEXEC, 3);
                tidy->n = 0;
        }
        list_for_each_entry_safe(dir, tmp, dirs, of_pattern) {
                if (tidy && !is_wanted(watcher, dir->wd))
                        tidy->wds[tidy->n++] = dir->wd;
                free(dir);
        }
        list_init(dirs);
        if (tidy && (tidy->n == 0 || tidy->fd < 0 || pool_submit(watcher->pool, &ops, tidy, NULL) < 0))
                tidy_free(tidy);
}

/* ---- scans ---- */

static void scan_work(void *arg) {
        struct watch_scan *scan = arg;

        atomic_store(&scan->begun_usec, clock_now(CLOCK_ID_MONOTONIC));
        watch_scan_run(scan);
}

static void scan_left(void *arg) {
        watch_scan_free(arg);
}

static void set_trouble(struct watch_pattern *p, const char *path, const char *why) {
        char *text = NULL;

        if (path && asprintf(&text, "%s: %s: looked at once a minute", path, why) < 0)
                text = NULL;
        if (text && (!p->trouble || !streq(text, p->trouble)))
                log_warning("watch of %s: %s", p->watch->name, text);
        if (!path && p->trouble)
                log_notice("watch of %s: %s is watched again", p->watch->name, p->pattern->text);
        free(p->trouble);
        p->trouble = text;
}

static const char *why_not(int error) {
        switch (error) {
        case -ENOLINK: return "a symbolic link leads nowhere";
        case -ENOSPC: return "no more directories can be watched (fs.inotify.max_user_watches)";
        case -EMFILE: return "no inotify instance is left (fs.inotify.max_user_instances)";
        case -E2BIG: return "the pattern leads to more directories than can be watched for one";
        default: return strerrordesc_np(-error);
        }
}

/* The wds of directories whose files are known. Returns 0 or -ENOMEM. */
static int copy_known(struct watch_scan *scan, const struct watch_pattern *p) {
        const struct watch_dir *dir;
        size_t n = 0;

        list_for_each_entry(dir, &p->dirs, of_pattern)
                n++;
        scan->known = calloc(n + 1, sizeof(scan->known[0]));
        if (!scan->known)
                return -ENOMEM;
        list_for_each_entry(dir, &p->dirs, of_pattern)
                if (!dir->unlisted && (size_t)dir->part + 1 == p->pattern->n_parts)
                        scan->known[scan->n_known++] = dir->wd;
        return 0;
}

static int scan_new(struct watch_pattern *p, struct watch_scan **ret) {
        struct watcher *watcher = p->watch->watcher;
        struct watch_scan *scan = calloc(1, sizeof(*scan));

        if (!scan)
                return -ENOMEM;
        list_init(&scan->link);
        list_init(&scan->dirs);
        scan->watcher = watcher;
        scan->of = p;
        scan->all = p->all;
        scan->pattern = pattern_ref(p->pattern);
        scan->fd = watcher->fd >= 0 ? fcntl(watcher->fd, F_DUPFD_CLOEXEC, 3) : -EBADF;
        if (copy_known(scan, p) < 0) {
                watch_scan_free(scan);
                return -ENOMEM;
        }
        *ret = scan;
        return 0;
}

static void on_scanned(void *arg);

static int start_scan(struct watch_pattern *p) {
        static const struct pool_job_ops ops = {
                .name = "watch-scan",
                .work = scan_work,
                .done = on_scanned,
                .returned = on_scanned,
                .left = scan_left,
        };
        struct watcher *watcher = p->watch->watcher;
        struct watch_scan *scan;
        int r;

        watch_events_open(watcher);
        r = scan_new(p, &scan);
        if (r < 0)
                return r;
        r = pool_submit(watcher->pool, &ops, scan, &scan->job);
        if (r < 0) {
                watch_scan_free(scan);
                return r;
        }
        list_append(&watcher->scans, &scan->link);
        p->scan = scan;
        p->again = p->all = false;
        p->began_usec = clock_now(CLOCK_ID_MONOTONIC);
        loop_timer_set(&p->timer, p->began_usec + HANG_USEC);
        return 0;
}

/* The thread is replaced by another one, and what this one finds is taken when it comes. A scan that waits for its turn,
 * behind others that hang, is looked after again. */
static void hangs(struct watch_pattern *p) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC), begun = atomic_load(&p->scan->begun_usec);
        bool waits = begun == 0 || usec_sub(now, begun) < HANG_USEC;

        if (!waits)
                log_warning("watch of %s: %s cannot be looked at for %u s: a file system hangs", p->watch->name,
                            p->pattern->text, (unsigned)(HANG_USEC / USEC_PER_SEC));
        else if (!p->hangs)
                log_warning("watch of %s: %s waits for others that hang", p->watch->name, p->pattern->text);
        p->hangs = true;
        if (waits)
                loop_timer_set(&p->timer, usec_add(begun > 0 ? begun : now, HANG_USEC));
        else
                (void)pool_abandon(p->scan->job);
}

static void on_timer(struct loop_timer *timer _unused_, void *arg) {
        struct watch_pattern *p = arg;
        int r;

        if (p->scan) {
                hangs(p);
                return;
        }
        r = start_scan(p);
        if (r == 0)
                return;
        set_trouble(p, p->pattern->text, strerrordesc_np(-r));
        loop_timer_set(&p->timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), RETRY_USEC));
}

void watch_pattern_again(struct watch_pattern *p, bool all, usec_t delay_usec) {
        usec_t at_usec;

        p->all |= all;
        p->again = true;
        if (p->scan)
                return;
        at_usec = MAX(usec_add(clock_now(CLOCK_ID_MONOTONIC), delay_usec), p->rested_usec);
        if (!loop_timer_armed(&p->timer) || at_usec < p->timer.at_usec)
                loop_timer_set(&p->timer, at_usec);
}

/* ---- what a scan has found ---- */

static bool saw(const struct watch_scan *scan, int wd) {
        if (scan->n_seen > WATCH_SEEN_MAX)
                return true;
        for (size_t i = 0; i < scan->n_seen; i++)
                if (scan->seen[i] == wd)
                        return true;
        return false;
}

static bool is_mine(const struct watch_pattern *p, const struct watch_dir *dir) {
        struct list *bucket = watch_dirs_of(p->watch->watcher, dir->wd);
        const struct watch_dir *other;

        list_for_each_entry(other, bucket, of_wd)
                if (other->pattern == p && other->wd == dir->wd && other->part == dir->part)
                        return true;
        return false;
}

/* Watches what was found instead of what was known. */
static void take_over(struct watch_pattern *p, struct watch_scan *scan) {
        struct watcher *watcher = p->watch->watcher;
        struct list before = LIST_INIT(before);
        struct watch_dir *dir;

        list_for_each_entry(dir, &scan->dirs, of_pattern) {
                dir->pattern = p;
                if (!is_mine(p, dir) && saw(scan, dir->wd)) {
                        dir->unlisted = true;
                        p->again = true;
                }
        }
        list_for_each_entry(dir, &p->dirs, of_pattern)
                watch_dirs_remove(watcher, dir);
        list_splice(&before, &p->dirs);
        list_splice(&p->dirs, &scan->dirs);
        list_for_each_entry(dir, &p->dirs, of_pattern)
                watch_dirs_add(watcher, dir);
        drop_dirs(watcher, &before);
}

/* Whether there is something among @files that was not there before. Of too many it is not known, so it counts as that. */
static bool has_new(const struct watch_files *files, const struct watch_files *before) {
        if (files->digest == 0 || files->digest == before->digest)
                return false;
        if (files->too_many || before->too_many)
                return true;
        for (size_t i = 0, k = 0; i < files->n; i++) {
                while (k < before->n && before->items[k] < files->items[i])
                        k++;
                if (k == before->n || before->items[k] != files->items[i])
                        return true;
        }
        return false;
}

static bool is_new(const struct watch_pattern *p, const struct watch_scan *scan) {
        if (p->watch->flags & WATCH_REMOVALS)
                return scan->files.digest != p->files.digest;
        return has_new(&scan->files, &p->files);
}

static void found(struct watch_pattern *p, struct watch_scan *scan) {
        bool arrived = scan->matches || is_new(p, scan);

        free(p->files.items);
        p->files = scan->files;
        scan->files = (struct watch_files){ 0 };
        if (arrived && (p->begun || !(p->watch->flags & WATCH_LATER_ONLY)))
                watch_arrived(p->watch);
        p->begun = true;
        if (scan->error != 0)
                set_trouble(p, scan->error_path, why_not(scan->error));
        else
                set_trouble(p, NULL, NULL);
}

/* Also of one that nobody waits for any more: what it watches is taken off again. */
static void on_scanned(void *arg) {
        struct watch_scan *scan = arg;
        struct watch_pattern *p = scan->of;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        list_remove(&scan->link);
        if (p) {
                if (p->hangs)
                        log_notice("watch of %s: %s can be looked at again", p->watch->name, p->pattern->text);
                p->hangs = false;
                p->scan = NULL;
                p->rested_usec = usec_add(now, MIN(REST * usec_sub(now, p->began_usec), REST_MAX));
                loop_timer_set(&p->timer, USEC_INFINITY);
                take_over(p, scan);
                found(p, scan);
                if (p->again)
                        watch_pattern_again(p, false, 0);
                else if (scan->incomplete)
                        loop_timer_set(&p->timer, usec_add(now, RETRY_USEC));
        } else if (!scan->watcher->closing) {
                drop_dirs(scan->watcher, &scan->dirs);
        }
        watch_scan_free(scan);
}

/* ---- its life ---- */

int watch_pattern_init(struct watch_pattern *p, struct watch *watch, const char *text) {
        int r;

        p->watch = watch;
        list_init(&p->dirs);
        list_init(&p->made);
        r = pattern_new(text, &p->pattern);
        if (r < 0)
                return r;
        r = watch_made_init(p);
        if (r < 0)
                return r;
        return loop_timer_init(&p->timer, watch->watcher->loop, CLOCK_ID_MONOTONIC, "watch scan", on_timer, p);
}

void watch_pattern_done(struct watch_pattern *p) {
        struct watcher *watcher = p->watch->watcher;
        struct watch_dir *dir;

        if (p->scan) {
                p->scan->of = NULL;
                (void)pool_abandon(p->scan->job);
        }
        watch_made_done(p);
        list_for_each_entry(dir, &p->dirs, of_pattern)
                watch_dirs_remove(watcher, dir);
        drop_dirs(watcher, &p->dirs);
        free(p->trouble);
        free(p->files.items);
        pattern_unref(p->pattern);
        loop_timer_done(&p->timer);
}
