/* SPDX-License-Identifier: MIT */
/* varlink_listen: the sockets on which the server accepts clients. */
#include "control/varlink_internal.h"
#include "loop/listen_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>

#define ACCEPTS_PER_TURN 16

/* When descriptors are used up, how long until the next try. */
#define ACCEPT_AGAIN_USEC USEC_PER_SEC

void varlink_listeners_pause(struct varlink_server *server, bool pause) {
        for (size_t i = 0; i < server->n_listeners; i++)
                (void)loop_io_set(server->listeners[i].io, pause ? 0 : LOOP_READ);
        loop_timer_set(&server->accept_again,
                       pause ? usec_add(clock_now(CLOCK_ID_MONOTONIC), ACCEPT_AGAIN_USEC) : USEC_INFINITY);
}

static void on_accept(_unused_ struct loop_io *io, int fd, _unused_ unsigned events, void *arg) {
        struct varlink_listener *listener = arg;
        struct varlink_server *server = listener->server;

        for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
                int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (client >= 0) {
                        (void)varlink_server_add_connection(server, client);
                        continue;
                }
                if (errno == EINTR || errno == ECONNABORTED)
                        continue;
                if (errno == EAGAIN)
                        return;
                /* The client stays in the backlog and would wake the loop for ever. */
                varlink_log_peer(server, NULL, "not accepted", strerror(errno));
                varlink_listeners_pause(server, true);
                return;
        }
}

int varlink_listener_add(struct varlink_server *server, int fd, char *path) {
        struct varlink_listener *listener = &server->listeners[server->n_listeners];
        struct stat st;
        int r;

        *listener = (struct varlink_listener){ .server = server, .fd = fd };
        r = loop_io_new(server->loop, fd, LOOP_READ, LOOP_PRIORITY_CONTROL, "control-accept", on_accept, listener,
                        &listener->io);
        if (r < 0)
                return r;
        if (path && lstat(path, &st) >= 0) {
                listener->dev = st.st_dev;
                listener->ino = st.st_ino;
                listener->path = path;
        } else
                free(path);
        server->n_listeners++;
        return 0;
}

void varlink_listener_done(struct varlink_listener *listener) {
        struct stat st;

        loop_io_free(listener->io);
        /* Somebody may have put another socket in its place. */
        if (listener->path && lstat(listener->path, &st) >= 0 && st.st_dev == listener->dev &&
            st.st_ino == listener->ino)
                (void)unlink(listener->path);
        (void)close(listener->fd);
        free(listener->path);
}

int varlink_server_listen(struct varlink_server *server, const char *path, mode_t mode, gid_t gid, pid_t *ret_pid) {
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) char *copy = NULL;
        int r;

        if (server->n_listeners == VARLINK_LISTENERS_MAX)
                return -ENOSPC;
        copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        fd = listen_unix(path, mode, gid, ret_pid);
        if (fd < 0)
                return fd;
        r = varlink_listener_add(server, fd, copy);
        if (r < 0) {
                (void)unlink(path);
                return r;
        }
        fd = -EBADF;
        copy = NULL;
        return 0;
}

int varlink_server_listen_fd(struct varlink_server *server, int fd) {
        int r = server->n_listeners < VARLINK_LISTENERS_MAX ? varlink_listener_add(server, fd, NULL) : -ENOSPC;

        if (r < 0)
                (void)close(fd);
        return r;
}
