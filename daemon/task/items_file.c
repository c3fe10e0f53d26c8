/* SPDX-License-Identifier: MIT */
/* items_file: items from the lines of a file, or from the paths that match a pattern.
 *
 * The loop touches no path that a user named: files are opened, read and closed by jobs on the task's pool. A file is
 * read a chunk at a time, the next one when all items of the last one are taken, so that a million lines need no more
 * memory than a hundred; and so are paths, a page at a time. Paths of a task that watches for files are those of files that are whole; its watch is told of the
 * others. A thread that hangs is abandoned with its job, which frees itself when the thread comes back.
 */
#include "base/writers.h"
#include "loop/pool.h"
#include "task/glob_page.h"
#include "task/item_lines.h"
#include "task/items.h"

#include <fcntl.h>

#define CHUNK_BYTES  ((size_t)64 * 1024)
#define PATHS_A_PAGE 10000

#define PASSED_OVER_MAX 256 /* files that the watch is told of at a time */

/* Tells why a job could not be queued. */
static void fail_submit(struct items *items, int error) {
        if (error == -ENOBUFS)
                items_fail(items, ERROR_IO, "the queue of pool %s is full", pool_name(items->task->pool));
        else
                items_fail(items, ERROR_IO, "pool %s: %s", pool_name(items->task->pool), strerrordesc_np(-error));
}

/* ---- lines:FILE ---- */

/* What the thread owns while it works. */
struct chunk {
        struct lines_items *owner; /* NULL once abandoned */
        struct pool *pool;
        struct pool_job *job; /* NULL: the thread is not at it */
        char *path;
        int fd;
        bool at_end;
        int error;
        size_t n;
        char data[CHUNK_BYTES];
};

struct lines_items {
        struct items items;
        struct item_lines lines;
        struct chunk *chunk;
};

static void chunk_free(struct chunk *chunk) {
        free(chunk->path);
        free(chunk);
}

static void on_chunk_work(void *arg) {
        struct chunk *chunk = arg;
        ssize_t n;

        chunk->n = 0;
        if (chunk->fd < 0)
                chunk->fd = open(chunk->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        n = chunk->fd < 0 ? -1 : read(chunk->fd, chunk->data, sizeof(chunk->data));
        if (n > 0) {
                chunk->n = (size_t)n;
                return;
        }
        if (n < 0)
                chunk->error = errno;
        chunk->at_end = true;
        closep(&chunk->fd);
        chunk->fd = -EBADF;
}

static void on_chunk_done(void *arg) {
        struct chunk *chunk = arg;
        struct lines_items *l = chunk->owner;

        chunk->job = NULL;
        if (item_lines_feed(&l->lines, chunk->data, chunk->n) < 0) {
                items_fail(&l->items, ERROR_IO, "out of memory");
                chunk->at_end = true;
        }
        if (chunk->error != 0)
                items_fail(&l->items, ERROR_IO, "%s: %s", chunk->path, strerrordesc_np(chunk->error));
        if (chunk->at_end)
                item_lines_end(&l->lines);
        items_ready(&l->items);
}

static void on_close_work(void *arg) {
        struct chunk *chunk = arg;

        closep(&chunk->fd);
}

static void on_closed(void *arg) {
        chunk_free(arg);
}

/* Closing may block as well. */
static void chunk_close(struct chunk *chunk) {
        static const struct pool_job_ops ops = {
                .name = "items-close",
                .tidies = true,
                .work = on_close_work,
                .done = on_closed,
                .returned = on_closed,
        };

        if (chunk->fd < 0 || pool_submit(chunk->pool, &ops, chunk, NULL) < 0) {
                closep(&chunk->fd);
                chunk_free(chunk);
        }
}

static void on_chunk_returned(void *arg) {
        chunk_close(arg);
}

static int lines_open(struct items *items) {
        struct lines_items *l = CONTAINER_OF(items, struct lines_items, items);
        struct chunk *chunk;

        chunk = malloc(sizeof(*chunk));
        if (!chunk)
                return -ENOMEM;
        memset(chunk, 0, offsetof(struct chunk, data));
        chunk->path = strdup(items->task->for_each.argument);
        if (!chunk->path) {
                free(chunk);
                return -ENOMEM;
        }
        chunk->owner = l;
        chunk->pool = items->task->pool;
        chunk->fd = -EBADF;
        l->chunk = chunk;
        return 0;
}

static int lines_next(struct items *items, const char **ret, size_t *ret_length) {
        static const struct pool_job_ops ops = {
                .name = "items-lines",
                .work = on_chunk_work,
                .done = on_chunk_done,
                .returned = on_chunk_returned,
        };
        struct lines_items *l = CONTAINER_OF(items, struct lines_items, items);
        int r;

        if (l->chunk->job)
                return 0;
        r = item_lines_next(&l->lines, ret, ret_length);
        if (r != 0)
                return r;
        if (l->chunk->at_end)
                return -ENODATA;

        r = pool_submit(l->chunk->pool, &ops, l->chunk, &l->chunk->job);
        if (r < 0) {
                fail_submit(items, r);
                return -ENODATA;
        }
        return 0;
}

static void lines_close(struct items *items) {
        struct lines_items *l = CONTAINER_OF(items, struct lines_items, items);

        item_lines_done(&l->lines);
        if (l->chunk->job)
                (void)pool_abandon(l->chunk->job);
        else
                chunk_close(l->chunk);
}

const struct items_type items_lines = {
        .size = sizeof(struct lines_items),
        .open = lines_open,
        .next = lines_next,
        .close = lines_close,
};

/* ---- glob:PATTERN ---- */

/* A page of paths, which the thread has while it works. */
struct match {
        struct glob_items *owner;
        struct pool_job *job;
        char *pattern;
        char *after; /* the last path of the page before; NULL: none */
        struct glob_page page;
        const char **items; /* those of them that are items */
        size_t n_items;
        const char *passed_over[PASSED_OVER_MAX]; /* the first that are not */
        size_t n_passed_over;
        bool whole; /* files that are being written are none: the task's watch fires when they are whole */
        int error;
        char failed[PATH_MAX];
};

struct glob_items {
        struct items items;
        struct match *match;
        bool matched;
        size_t next;
};

static void match_free(struct match *match) {
        glob_page_done(&match->page);
        free(match->items);
        free(match->after);
        free(match->pattern);
        free(match);
}

static int choose(struct match *match) {
        match->items = calloc(match->page.n + 1, sizeof(match->items[0]));
        if (!match->items)
                return -ENOMEM;
        for (size_t i = 0; i < match->page.n; i++) {
                const char *path = match->page.paths[i];

                if (!match->whole || path_has_writer(path) <= 0)
                        match->items[match->n_items++] = path;
                else if (match->n_passed_over < PASSED_OVER_MAX)
                        match->passed_over[match->n_passed_over++] = path;
        }
        return 0;
}

/* Where the next page begins. */
static int turn_page(struct match *match) {
        if (match->page.n > 0) {
                free(match->after);
                match->after = strdup(match->page.paths[match->page.n - 1]);
                if (!match->after)
                        return -ENOMEM;
        }
        glob_page_done(&match->page);
        free(match->items);
        match->items = NULL;
        match->n_items = match->n_passed_over = 0;
        return 0;
}

static void on_match_work(void *arg) {
        struct match *match = arg;

        match->error = turn_page(match);
        if (match->error == 0)
                match->error = glob_page_read(match->pattern, match->after, PATHS_A_PAGE, &match->page, match->failed);
        if (match->error == 0)
                match->error = choose(match);
}

static void on_match_done(void *arg) {
        struct match *match = arg;
        struct glob_items *g = match->owner;
        const struct task *task = g->items.task;

        match->job = NULL;
        g->matched = true;
        g->next = 0;
        for (size_t i = 0; i < match->n_passed_over && task->env->passed_over; i++)
                task->env->passed_over(task->live, match->passed_over[i]);
        if (match->error == -ENOMEM)
                items_fail(&g->items, ERROR_IO, "out of memory");
        else if (match->error < 0)
                items_fail(&g->items, ERROR_IO, "%s: %s", match->failed, strerrordesc_np(-match->error));
        items_ready(&g->items);
}

static void on_match_returned(void *arg) {
        match_free(arg);
}

static int glob_open(struct items *items) {
        struct glob_items *g = CONTAINER_OF(items, struct glob_items, items);
        struct match *match;

        match = calloc(1, sizeof(*match));
        if (!match)
                return -ENOMEM;
        match->pattern = strdup(items->task->for_each.argument);
        if (!match->pattern) {
                free(match);
                return -ENOMEM;
        }
        match->owner = g;
        match->whole = items->task->when && items->task->when->watch;
        g->match = match;
        return 0;
}

static int glob_next(struct items *items, const char **ret, size_t *ret_length) {
        static const struct pool_job_ops ops = {
                .name = "items-glob",
                .work = on_match_work,
                .done = on_match_done,
                .returned = on_match_returned,
        };
        struct glob_items *g = CONTAINER_OF(items, struct glob_items, items);
        int r;

        if (g->match->job)
                return 0;
        if (items->error != ERROR_NONE)
                return -ENODATA;
        if (g->next < g->match->n_items) {
                *ret = g->match->items[g->next++];
                *ret_length = strlen(*ret);
                return 1;
        }
        if (g->matched && !g->match->page.more)
                return -ENODATA;
        r = pool_submit(items->task->pool, &ops, g->match, &g->match->job);
        if (r == 0)
                return 0;
        fail_submit(items, r);
        return -ENODATA;
}

static void glob_close(struct items *items) {
        struct glob_items *g = CONTAINER_OF(items, struct glob_items, items);

        if (g->match->job)
                (void)pool_abandon(g->match->job);
        else
                match_free(g->match);
}

const struct items_type items_glob = {
        .size = sizeof(struct glob_items),
        .open = glob_open,
        .next = glob_next,
        .close = glob_close,
};
