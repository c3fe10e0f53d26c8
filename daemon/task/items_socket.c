/* SPDX-License-Identifier: MIT */
/* items_socket: items from the lines that come from a socket.
 *
 * It is a client's, who may do with his end what he likes; so it is read on the loop by calls that never wait, whatever
 * flags it has, and only when everything that was read is taken. A client that sends faster waits for room in the socket.
 */
#include "task/item_lines.h"
#include "task/items.h"

#include <sys/socket.h>

#define READ_BYTES ((size_t)16 * 1024)

struct socket_items {
        struct items items;
        struct item_lines lines;
        struct loop_io *io;
        int fd; /* the task's */
};

static void end(struct socket_items *s) {
        (void)loop_io_set(s->io, 0);
        item_lines_end(&s->lines);
}

static void on_readable(struct loop_io *io, int fd, unsigned events _unused_, void *arg) {
        struct socket_items *s = arg;
        char data[READ_BYTES];
        ssize_t n;

        n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n > 0 && item_lines_feed(&s->lines, data, (size_t)n) == 0)
                (void)loop_io_set(io, 0); /* until these are taken */
        else {
                if (n != 0)
                        items_fail(&s->items, ERROR_IO, "items cannot be read: %s",
                                   n > 0 ? "out of memory" : strerror(errno));
                end(s);
        }
        items_ready(&s->items);
}

static int socket_open(struct items *items) {
        struct socket_items *s = CONTAINER_OF(items, struct socket_items, items);

        s->fd = items->task->transient->items_fd;
        return loop_io_new(items->task->env->loop, s->fd, 0, LOOP_PRIORITY_NORMAL, "items", on_readable, s, &s->io);
}

static int socket_next(struct items *items, const char **ret, size_t *ret_length) {
        struct socket_items *s = CONTAINER_OF(items, struct socket_items, items);
        int r;

        r = item_lines_next(&s->lines, ret, ret_length);
        if (r != 0)
                return r;
        if (item_lines_finished(&s->lines))
                return -ENODATA;
        r = loop_io_set(s->io, LOOP_READ);
        if (r < 0) {
                items_fail(items, ERROR_IO, "%s", strerror(-r));
                return -ENODATA;
        }
        return 0;
}

/* Who sends more is told that nobody reads it. */
static void socket_close(struct items *items) {
        struct socket_items *s = CONTAINER_OF(items, struct socket_items, items);

        loop_io_free(s->io);
        (void)shutdown(s->fd, SHUT_RDWR);
        item_lines_done(&s->lines);
}

const struct items_type items_socket = {
        .size = sizeof(struct socket_items),
        .open = socket_open,
        .next = socket_next,
        .close = socket_close,
};
