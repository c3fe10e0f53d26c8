/* SPDX-License-Identifier: MIT */
/* watch_scan: one walk over what a pattern leads to, on a thread that may hang in it.
 *
 * A directory is watched before it is read, so that nothing falls between the two: what comes later is told as an event,
 * which the loop keeps in mind until it knows what the walk has found.
 *
 * Each directory on the way is watched for being moved or removed, as the files below it would then be others; and each
 * symbolic link that the pattern passes, by itself, for being replaced, with all links and directories that it leads
 * through. New entries are watched for in those that the pattern names, also where what is named is there: a directory that
 * was removed stays as long as some process is in it, and nobody tells before that has left, but that there is another one
 * of its name.
 *
 * A directory that may be passed but not read cannot be watched. Where that is all that is wrong, what is below is watched
 * none the less, and the walk is done again in a while, as nobody tells when something new is there.
 */
#include "base/writers.h"
#include "loop/watch_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define LINKS_MAX 40    /* as the kernel follows */
#define FILES_MAX 10000 /* of which it is known one by one whether they are new */

#define SELF    (IN_DELETE_SELF | IN_MOVE_SELF)
#define ENTRIES (IN_CREATE | IN_MOVED_TO)
#define FILES   (ENTRIES | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_EXCL_UNLINK)

struct walk {
        struct watch_scan *scan;
        size_t length; /* of path */
        char path[PATH_MAX];
};

struct watch_scan *watch_scan_free(struct watch_scan *scan) {
        struct watch_dir *dir, *tmp;

        list_for_each_entry_safe(dir, tmp, &scan->dirs, of_pattern)
                free(dir);
        pattern_unref(scan->pattern);
        closep(&scan->fd);
        free(scan->known);
        free(scan->files.items);
        free(scan);
        return NULL;
}

static bool is_missing(int r) {
        return r == -ENOENT || r == -ENOTDIR;
}

/* The first error is told, unless there is too much: that ends the walk. */
static void note(struct walk *walk, int error) {
        struct watch_scan *scan = walk->scan;

        if (scan->error == 0 || (error == -E2BIG && scan->error != -E2BIG)) {
                scan->error = error;
                (void)strcpy(scan->error_path, walk->path);
        }
        scan->incomplete = true;
}

/* Watches where the walk is. Returns its wd or -errno. */
static int add(struct walk *walk, uint32_t mask, int part) {
        struct watch_scan *scan = walk->scan;
        struct watch_dir *dir;
        int wd;

        if (scan->fd < 0)
                return -EMFILE;
        if (scan->n_dirs >= WATCH_DIRS_MAX)
                return -E2BIG;
        dir = calloc(1, sizeof(*dir) + walk->length + 1);
        if (!dir)
                return -ENOMEM;
        wd = inotify_add_watch(scan->fd, walk->path, mask | IN_MASK_ADD);
        if (wd < 0) {
                wd = -errno;
                free(dir);
                return wd;
        }
        dir->wd = wd;
        dir->part = part;
        (void)strcpy(dir->path, walk->path);
        list_init(&dir->of_pattern);
        list_init(&dir->of_wd);
        list_append(&scan->dirs, &dir->of_pattern);
        scan->n_dirs++;
        return wd;
}

static bool push(struct walk *walk, const char *name) {
        size_t n = strlen(name);

        if (walk->length + 1 + n >= sizeof(walk->path))
                return false;
        if (walk->length > 1)
                walk->path[walk->length++] = '/';
        (void)strcpy(walk->path + walk->length, name);
        walk->length += n;
        return true;
}

static void pop(struct walk *walk, size_t length) {
        walk->length = length;
        walk->path[length] = '\0';
}

static int compare_wds(const void *a, const void *b) {
        const int *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static bool is_known(const struct watch_scan *scan, int wd) {
        return bsearch(&wd, scan->known, scan->n_known, sizeof(wd), compare_wds) != NULL;
}

/* ---- files ---- */

/* FNV-1a. */
static uint64_t digest(uint64_t hash, const void *data, size_t n) {
        const unsigned char *bytes = data;

        for (size_t i = 0; i < n; i++)
                hash = (hash ^ bytes[i]) * 1099511628211u;
        return hash;
}

static int add_item(struct watch_files *files, uint64_t item) {
        uint64_t *items = files->items;

        if (files->n == FILES_MAX)
                return -E2BIG;
        if (files->n == files->room) {
                items = reallocarray(items, MAX(2 * files->room, (size_t)64), sizeof(*items));
                if (!items)
                        return -ENOMEM;
                files->items = items;
                files->room = MAX(2 * files->room, (size_t)64);
        }
        items[files->n++] = item;
        return 0;
}

/* Something matches where nobody tells what happens: whether it is the same as before is seen by its digest. */
static void add_digest(struct walk *walk, const struct stat *st) {
        uint64_t hash = digest(14695981039346656037u, walk->path, walk->length);

        hash = digest(hash, &st->st_ino, sizeof(st->st_ino));
        hash = digest(hash, &st->st_size, sizeof(st->st_size));
        hash = digest(hash, &st->st_mtim, sizeof(st->st_mtim));
        walk->scan->files.digest ^= hash;
        if (!walk->scan->files.too_many && add_item(&walk->scan->files, hash) < 0)
                walk->scan->files.too_many = true;
}

static int compare_digests(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* Returns whether @name, in the directory where the walk is, is there. */
static bool look_at(struct walk *walk, const char *name, bool watched) {
        size_t length = walk->length;
        struct stat st;
        bool there;

        there = push(walk, name) && lstat(walk->path, &st) == 0;
        if (there && !watched)
                add_digest(walk, &st);
        pop(walk, length);
        return there;
}

/* Looks for files that match, for all of them where the directory is not @watched. */
static void look_for_files(struct walk *walk, const struct pattern_part *part, bool watched) {
        const struct dirent *entry;
        bool found = false;
        DIR *dir;

        if (!part->glob) {
                found = look_at(walk, part->text, watched);
        } else {
                dir = opendir(walk->path);
                if (!dir) {
                        if (!is_missing(-errno))
                                note(walk, -errno);
                        return;
                }
                while ((!found || !watched) && (entry = readdir(dir)))
                        if (pattern_part_matches(part, entry->d_name))
                                found |= watched || look_at(walk, entry->d_name, false);
                (void)closedir(dir);
        }
        if (found && watched)
                walk->scan->matches = true;
}

/* ---- directories ---- */

static int enter(struct walk *walk, int part);

/* Puts what the link at @path leads to in front of @rest. Returns 0 or -errno. */
static int unfold(const char *path, char rest[static PATH_MAX]) {
        char target[PATH_MAX];
        ssize_t n = readlink(path, target, sizeof(target));
        size_t n_rest = strlen(rest);

        if (n < 0)
                return -errno;
        if ((size_t)n + 1 + n_rest >= PATH_MAX)
                return -ENAMETOOLONG;
        memmove(rest + n + 1, rest, n_rest + 1);
        memcpy(rest, target, (size_t)n);
        rest[n] = '/';
        return 0;
}

/* Watches what the way at hand, and then @rest of it, passes, but for where it ends: that is entered as the pattern names
 * it. Returns 0 or -errno. */
static int follow(struct walk *way, char rest[static PATH_MAX]) {
        unsigned n_links = 1;
        struct stat st;
        int r = 0;

        for (char *next = rest; r >= 0;) {
                size_t length = way->length, n;

                if (*next == '/' && next == rest)
                        pop(way, length = 1);
                next += strspn(next, "/");
                n = strcspn(next, "/");
                if (n == 0)
                        return 0;
                if (next[n])
                        next[n++] = '\0';
                if (!push(way, next))
                        return -ENAMETOOLONG;
                next += n;
                if (lstat(way->path, &st) < 0)
                        return -errno;
                if (S_ISLNK(st.st_mode)) {
                        if (++n_links > LINKS_MAX)
                                return -ELOOP;
                        r = add(way, SELF | IN_DONT_FOLLOW, -1);
                        memmove(rest, next, strlen(next) + 1);
                        if (r >= 0)
                                r = unfold(way->path, rest);
                        pop(way, length);
                        next = rest;
                } else if (next[strspn(next, "/")]) {
                        r = add(way, SELF | IN_ONLYDIR, -1);
                        if (r == -EACCES) /* see above */
                                r = 0;
                }
        }
        return r;
}

/* Watches the link where the walk is, which is in a directory of @length, and what it leads through. What is wrong there is
 * seen when it is passed, but for what may not be watched. */
static int add_link(struct walk *walk, size_t length) {
        struct walk way = { .scan = walk->scan, .length = length };
        char rest[PATH_MAX] = "";
        int r;

        r = add(walk, SELF | IN_DONT_FOLLOW, -1);
        if (r < 0)
                return r;
        memcpy(way.path, walk->path, length);
        r = unfold(walk->path, rest);
        if (r >= 0)
                r = follow(&way, rest);
        return r == -E2BIG || r == -ENOSPC || r == -ENOMEM ? r : 0;
}

/* Goes into the entry @name. Returns 0, -ENOENT, -ENOTDIR when there is no such directory; what else is wrong is noted. */
static int enter_child(struct walk *walk, const char *name, int part) {
        size_t length = walk->length;
        bool link = false;
        struct stat st;
        int r = 0;

        if (!push(walk, name))
                return -ENOENT; /* longer than a path can be */
        if (lstat(walk->path, &st) < 0)
                r = -errno;
        else if (S_ISLNK(st.st_mode))
                link = true;
        else if (!S_ISDIR(st.st_mode))
                r = -ENOTDIR;
        if (link)
                r = add_link(walk, length);
        if (r >= 0)
                r = enter(walk, part);
        if (link && is_missing(r)) {
                note(walk, -ENOLINK); /* nobody tells when what it leads to is there */
                r = 0;
        }
        if (r < 0 && !is_missing(r)) {
                note(walk, r);
                r = 0;
        }
        pop(walk, length);
        return r;
}

static bool may_be_directory(const struct dirent *entry) {
        return entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
}

static int enter_matching(struct walk *walk, const struct pattern_part *p, int part) {
        const struct dirent *entry;
        DIR *dir = opendir(walk->path);

        if (!dir)
                return -errno;
        while (walk->scan->error != -E2BIG && (entry = readdir(dir)))
                if (may_be_directory(entry) && pattern_part_matches(p, entry->d_name))
                        (void)enter_child(walk, entry->d_name, part + 1);
        (void)closedir(dir);
        return 0;
}

/* That it is not there is fine: it is waited for, if somebody tells when it is. */
static int enter_named(struct walk *walk, const struct pattern_part *p, int part, bool watched) {
        int r = enter_child(walk, p->text, part + 1);

        if (r < 0 && !watched)
                note(walk, -EACCES);
        if (!watched)
                walk->scan->incomplete = true;
        return 0;
}

/* The walk is in a directory whose entries are compared with @part. Returns 0; -errno, ENOENT and ENOTDIR meaning that it
 * is not there. */
static int enter(struct walk *walk, int part) {
        const struct pattern *pattern = walk->scan->pattern;
        const struct pattern_part *p = &pattern->parts[part];
        bool last = (size_t)part + 1 == pattern->n_parts;
        int wd;

        if (walk->scan->n_entered++ >= WATCH_DIRS_MAX)
                return -E2BIG;
        wd = add(walk, SELF | IN_ONLYDIR | (last ? FILES : ENTRIES), part);
        if (is_missing(wd))
                return wd;
        if (wd < 0 && !(wd == -EACCES && !last && !p->glob))
                note(walk, wd);
        if (!last)
                return p->glob ? enter_matching(walk, p, part) : enter_named(walk, p, part, wd >= 0);
        if (wd < 0 || walk->scan->all || !is_known(walk->scan, wd))
                look_for_files(walk, p, wd >= 0);
        return 0;
}

void watch_scan_run(struct watch_scan *scan) {
        struct walk walk = { .scan = scan, .length = 1, .path = "/" };
        int r;

        if (scan->n_known > 0)
                qsort(scan->known, scan->n_known, sizeof(scan->known[0]), compare_wds);
        r = enter(&walk, 0);
        if (r < 0)
                note(&walk, r);
        if (scan->files.n > 0)
                qsort(scan->files.items, scan->files.n, sizeof(scan->files.items[0]), compare_digests);
}

/* ---- files that were made ---- */

enum watch_whole watch_is_whole(const char *path) {
        struct stat st;
        int r;

        if (lstat(path, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)))
                return WATCH_UNKNOWN;
        r = path_has_writer(path);
        if (r > 0)
                return WATCH_WRITTEN;
        return r == 0 || S_ISLNK(st.st_mode) || st.st_nlink > 1 ? WATCH_WHOLE : WATCH_UNKNOWN;
}
