/* SPDX-License-Identifier: MIT */
/* glob_page: see glob_page.h. */
#include "task/glob_page.h"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>

struct walk {
        struct glob_page *page; /* up to two pages of those that may be the first */
        const char *after;
        size_t max;
        const char *bound; /* none from this on belongs to the page; NULL: not known yet */
        char *failed;
        size_t length; /* of path */
        char path[PATH_MAX];
};

void glob_page_done(struct glob_page *page) {
        for (size_t i = 0; i < page->n; i++)
                free(page->paths[i]);
        free(page->paths);
        *page = (struct glob_page){ 0 };
}

/* ---- what is kept ---- */

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts, and leaves out what is too much. */
static void cut(struct walk *walk) {
        struct glob_page *page = walk->page;

        if (page->n > 0)
                qsort(page->paths, page->n, sizeof(page->paths[0]), compare);
        if (page->n <= walk->max)
                return;
        page->more = true;
        while (page->n > walk->max)
                free(page->paths[--page->n]);
        walk->bound = page->paths[page->n - 1];
}

static int keep(struct walk *walk) {
        struct glob_page *page = walk->page;
        char *copy;

        if (walk->after && strcmp(walk->path, walk->after) <= 0)
                return 0;
        if (walk->bound && strcmp(walk->path, walk->bound) > 0) {
                page->more = true;
                return 0;
        }
        if (page->n == 2 * walk->max)
                cut(walk);
        copy = strdup(walk->path);
        if (!copy)
                return -ENOMEM;
        page->paths[page->n++] = copy;
        return 0;
}

/* Whether anything below the path, which ends with a slash, can belong to the page. What lies behind that may be more. */
static bool is_wanted(struct walk *walk) {
        if (walk->after && strncmp(walk->path, walk->after, walk->length) < 0)
                return false;
        if (!walk->bound || strncmp(walk->path, walk->bound, walk->length) <= 0)
                return true;
        walk->page->more = true;
        return false;
}

/* ---- the walk ---- */

static bool push(struct walk *walk, const char *text, size_t n) {
        if (walk->length + n >= sizeof(walk->path))
                return false;
        memcpy(walk->path + walk->length, text, n);
        walk->length += n;
        walk->path[walk->length] = '\0';
        return true;
}

static void pop(struct walk *walk, size_t length) {
        walk->length = length;
        walk->path[length] = '\0';
}

static bool is_glob(const char *part) {
        for (; *part; part++)
                if (*part == '\\' && part[1])
                        part++;
                else if (strchr("*?[", *part))
                        return true;
        return false;
}

/* A name without anything special, without its backslashes. */
static bool push_name(struct walk *walk, const char *part) {
        for (; *part; part++) {
                if (*part == '\\' && part[1])
                        part++;
                if (!push(walk, part, 1))
                        return false;
        }
        return true;
}

static int visit(struct walk *walk, const char *rest);

static int visit_name(struct walk *walk, const char *part, const char *rest) {
        struct stat st;

        if (!push_name(walk, part))
                return 0; /* longer than a path can be */
        if (*rest)
                return visit(walk, rest);
        return lstat(walk->path, &st) == 0 ? keep(walk) : 0;
}

static bool may_be_directory(const struct dirent *entry) {
        return entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
}

static bool matches(const char *part, const struct dirent *entry) {
        return !streq(entry->d_name, ".") && !streq(entry->d_name, "..") &&
               fnmatch(part, entry->d_name, FNM_PERIOD) == 0;
}

static int visit_matching(struct walk *walk, const char *part, const char *rest) {
        size_t length = walk->length;
        const struct dirent *entry;
        int r = 0;
        DIR *dir;

        dir = opendir(length > 0 ? walk->path : ".");
        if (!dir) {
                if (errno == ENOENT || errno == ENOTDIR)
                        return 0;
                r = -errno;
                (void)strcpy(walk->failed, walk->path);
                return r;
        }
        while (r == 0 && (entry = readdir(dir))) {
                if ((*rest && !may_be_directory(entry)) || !matches(part, entry) ||
                    !push(walk, entry->d_name, strlen(entry->d_name)))
                        continue;
                r = *rest ? visit(walk, rest) : keep(walk);
                pop(walk, length);
        }
        (void)closedir(dir);
        return r;
}

/* What of the pattern is left, below the path so far. */
static int visit(struct walk *walk, const char *rest) {
        size_t length = walk->length, n = strspn(rest, "/");
        char part[PATH_MAX];
        struct stat st;
        int r = 0;

        if (!push(walk, rest, n))
                return 0;
        rest += n;
        n = strcspn(rest, "/");
        if (n >= sizeof(part) || !is_wanted(walk)) {
                r = 0;
        } else if (n == 0) { /* it ends with a slash: a directory */
                if (stat(walk->path, &st) == 0 && S_ISDIR(st.st_mode))
                        r = keep(walk);
        } else {
                memcpy(part, rest, n);
                part[n] = '\0';
                r = is_glob(part) ? visit_matching(walk, part, rest + n) : visit_name(walk, part, rest + n);
        }
        pop(walk, length);
        return r;
}

int glob_page_read(const char *pattern, const char *after, size_t max, struct glob_page *ret, char failed[PATH_MAX]) {
        struct walk walk = { .page = ret, .after = after, .max = max, .failed = failed };
        int r;

        *ret = (struct glob_page){ .paths = calloc(2 * max, sizeof(char *)) };
        if (!ret->paths)
                return -ENOMEM;
        r = visit(&walk, pattern);
        if (r == 0)
                cut(&walk);
        return r;
}
