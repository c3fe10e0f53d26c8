/* SPDX-License-Identifier: MIT */
/* socket_mode: whom the file system lets connect, see socket_mode.h.
 *
 * The runtime directory is one that an administrator has named, so it is touched on a thread. A job owns all that it works on; there
 * is one thread, which takes them in their order, so that the last one wins.
 */
#include "control/socket_mode.h"

#include "base/log.h"
#include "loop/pool.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define MODE_ADMINS 0660
#define MODE_OTHERS 0666

/* Changes of the mode that may wait for the thread: there is one for each reload. */
#define JOBS_MAX 16

struct socket_mode {
        char *path;
        struct pool *pool;
};

struct mode_job {
        bool others;
        int error;
        bool closed; /* @path has become that of a directory which others may not pass */
        char path[]; /* of the socket */
};

mode_t socket_mode_of(bool others) {
        return others ? MODE_OTHERS : MODE_ADMINS;
}

/* Not by its path alone: that could be a link by now, to whatever file. */
static int change_mode(const char *path, mode_t mode) {
        _cleanup_(closep) int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char by_fd[64];
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISSOCK(st.st_mode))
                return -ENOTSOCK;
        (void)snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
        return chmod(by_fd, mode) < 0 ? -errno : 0;
}

/* Cuts @path down to the first directory above it that not everybody may pass. Returns whether there is one. */
static bool find_closed(char *path) {
        struct stat st;
        char *slash;

        while ((slash = strrchr(path, '/')) && slash > path) {
                *slash = '\0';
                if (stat(path, &st) >= 0 && !(st.st_mode & S_IXOTH))
                        return true;
        }
        return false;
}

static void work(void *arg) {
        struct mode_job *job = arg;

        job->error = change_mode(job->path, socket_mode_of(job->others));
        job->closed = job->others && job->error == 0 && find_closed(job->path);
}

static void on_done(void *arg) {
        struct mode_job *job = arg;

        if (job->error < 0)
                log_warning("control: cannot change who may connect to %s: %s", job->path, strerror(-job->error));
        if (job->closed)
                log_warning("control: only its owner and its group may pass %s: others whom [access] names cannot "
                            "reach the control socket",
                            job->path);
        free(job);
}

static const struct pool_job_ops ops = {
        .name = "control-socket-mode",
        .work = work,
        .done = on_done,
        .returned = free,
        .left = free,
};

int socket_mode_new(struct loop *loop, const char *path, struct socket_mode **ret) {
        _cleanup_(socket_mode_freep) struct socket_mode *socket = calloc(1, sizeof(*socket));
        int r;

        if (!socket)
                return -ENOMEM;
        socket->path = strdup(path);
        if (!socket->path)
                return -ENOMEM;
        r = pool_new(loop, "control", 1, 0, JOBS_MAX, &socket->pool);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(socket);
        return 0;
}

struct socket_mode *socket_mode_free(struct socket_mode *socket) {
        if (!socket)
                return NULL;
        pool_free(socket->pool);
        free(socket->path);
        free(socket);
        return NULL;
}

void socket_mode_set(struct socket_mode *socket, bool others) {
        size_t n = strlen(socket->path) + 1;
        struct mode_job *job = calloc(1, sizeof(*job) + n);
        int r = -ENOMEM;

        if (job) {
                job->others = others;
                memcpy(job->path, socket->path, n);
                r = pool_submit(socket->pool, &ops, job, NULL);
        }
        if (r < 0) {
                log_warning("control: cannot change who may connect: %s", strerror(-r));
                free(job);
        }
}
