/* SPDX-License-Identifier: MIT */
/* http_save: a body on its way into a file. */
#include "task/http_save.h"

#include <fcntl.h>
#include <stdio.h>

#define DUE_BYTES     ((size_t)256 * 1024)
#define WAITING_BYTES ((size_t)1024 * 1024)

struct buffer {
        char *data;
        size_t n;
        size_t size;
};

struct http_save {
        char *path;
        char *temporary;
        struct buffer waiting; /* the loop's */
        struct buffer writing; /* the thread's, while one is at work */
        int fd;                /* the same */
        bool created;
        int error;
        const char *step;
};

int http_save_new(const char *path, struct http_save **ret) {
        const char *slash = strrchr(path, '/');
        _cleanup_(http_save_freep) struct http_save *save = NULL;

        save = calloc(1, sizeof(*save));
        if (!save)
                return -ENOMEM;
        save->fd = -EBADF;
        save->path = strdup(path);
        if (!save->path)
                return -ENOMEM;
        /* Runs of one task may overlap: the address makes the name our own. */
        if (asprintf(&save->temporary, "%.*s.%s.tendd-%d-%p", slash ? (int)(slash - path + 1) : 0, path,
                     slash ? slash + 1 : path, getpid(), (void *)save) < 0) {
                save->temporary = NULL;
                return -ENOMEM;
        }
        *ret = TAKE_PTR(save);
        return 0;
}

struct http_save *http_save_free(struct http_save *save) {
        if (!save)
                return NULL;
        closep(&save->fd);
        free(save->path);
        free(save->temporary);
        free(save->waiting.data);
        free(save->writing.data);
        free(save);
        return NULL;
}

int http_save_append(struct http_save *save, const char *data, size_t n) {
        struct buffer *b = &save->waiting;

        if (b->n > 0 && b->n + n > WAITING_BYTES)
                return -ENOBUFS;
        if (b->n + n > b->size) {
                size_t size = MAX(b->n + n, 2 * b->size);
                char *longer = realloc(b->data, size);

                if (!longer)
                        return -ENOMEM;
                b->data = longer;
                b->size = size;
        }
        memcpy(b->data + b->n, data, n);
        b->n += n;
        return 0;
}

bool http_save_is_due(const struct http_save *save) {
        return save->waiting.n >= DUE_BYTES;
}

void http_save_hand_over(struct http_save *save) {
        struct buffer empty = save->writing;

        empty.n = 0;
        save->writing = save->waiting;
        save->waiting = empty;
}

bool http_save_has_file(const struct http_save *save) {
        return save->created;
}

int http_save_error(const struct http_save *save, const char **ret_step) {
        *ret_step = save->step;
        return save->error;
}

/* ---- on a thread ---- */

/* Remembers the first failure. Always returns false. */
static bool fail(struct http_save *save, const char *step) {
        if (save->error == 0) {
                save->error = errno;
                save->step = step;
        }
        return false;
}

static bool create(struct http_save *save) {
        if (save->fd >= 0)
                return true;
        save->fd = open(save->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (save->fd < 0)
                return fail(save, "create a file beside it");
        save->created = true;
        return true;
}

static bool write_all(struct http_save *save) {
        const char *data = save->writing.data;
        size_t n = save->writing.n;

        while (n > 0) {
                ssize_t written = write(save->fd, data, n);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return fail(save, "write");
                data += written;
                n -= (size_t)written;
        }
        save->writing.n = 0;
        return true;
}

void http_save_write(struct http_save *save) {
        if (save->error == 0 && create(save))
                (void)write_all(save);
}

void http_save_commit(struct http_save *save) {
        if (save->error != 0 || !create(save) || !write_all(save))
                return;
        if (fsync(save->fd) < 0) {
                (void)fail(save, "sync");
                return;
        }
        if (close(TAKE_FD(save->fd)) < 0 && errno != EINTR) { /* a network file system may have failed only now */
                (void)fail(save, "close");
                return;
        }
        if (rename(save->temporary, save->path) < 0)
                (void)fail(save, "replace it");
        else
                save->created = false;
}

void http_save_discard(struct http_save *save) {
        closep(&save->fd);
        save->fd = -EBADF;
        if (save->created)
                (void)unlink(save->temporary);
        save->created = false;
}
