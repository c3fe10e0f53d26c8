/* SPDX-License-Identifier: MIT */
/* stream: a byte stream to a peer, see stream.h.
 *
 * Connecting is done here and not by the bufferevent, so that the error is the kernel's own: a watch on the descriptor
 * waits until it is writable, then a bufferevent takes over. Its callbacks are deferred, hence never inside a call of
 * ours, and it may be freed within them. Whether the stream was freed within a callback of its owner is told through
 * @gone, a flag on the stack of the one that called.
 */
#include "loop/stream_private.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)16 * 1024)

enum stream_state {
        STREAM_CONNECTING,
        STREAM_HANDSHAKE,
        STREAM_OPEN,
        STREAM_ENDED, /* on_eof was called */
        STREAM_BROKEN,
};

struct stream {
        struct loop *loop;
        const struct stream_ops *ops;
        void *arg;
        enum stream_state state;
        int fd; /* until the bufferevent has it */
        struct loop_io *io;
        struct loop_work refused; /* connect(2) failed at once */
        int refused_errno;
        bool tls;
        struct ssl_st *session; /* until the bufferevent has it */
        struct bufferevent *bev;
        bool *gone;
};

/* The last thing that is done with a stream in a callback: it may be freed in it. */
static void fail(struct stream *stream, enum stream_error error, const char *detail) {
        stream->state = STREAM_BROKEN;
        if (stream->bev)
                (void)bufferevent_disable(stream->bev, EV_READ | EV_WRITE);
        stream->ops->on_error(stream, error, detail, stream->arg);
}

static void on_refused(_unused_ struct loop_work *work, void *arg) {
        struct stream *stream = arg;

        fail(stream, STREAM_ERROR_CONNECT, strerror(stream->refused_errno));
}

/* ---- once connected ---- */

static void on_read(struct bufferevent *bev, void *arg) {
        struct stream *stream = arg;
        struct loop *loop = stream->loop;
        char chunk[CHUNK_BYTES];
        bool gone = false;
        int n;

        stream->gone = &gone;
        loop_enter(loop, "stream-read");
        while (!gone && stream->state == STREAM_OPEN &&
               (n = evbuffer_remove(bufferevent_get_input(bev), chunk, sizeof(chunk))) > 0)
                stream->ops->on_data(stream, chunk, (size_t)n, stream->arg);
        loop_leave(loop);
        if (!gone)
                stream->gone = NULL;
}

static void on_write(_unused_ struct bufferevent *bev, void *arg) {
        struct stream *stream = arg;
        struct loop *loop = stream->loop;

        if (!stream->ops->on_drained || (stream->state != STREAM_OPEN && stream->state != STREAM_ENDED))
                return;
        loop_enter(loop, "stream-write");
        stream->ops->on_drained(stream, stream->arg);
        loop_leave(loop);
}

static void ended(struct stream *stream) {
        if (stream->state == STREAM_HANDSHAKE) {
                fail(stream, STREAM_ERROR_TLS, "connection closed during the TLS handshake");
                return;
        }
        stream->state = STREAM_ENDED;
        stream->ops->on_eof(stream, stream->arg);
}

static void broken(struct stream *stream, int error) {
        char detail[256];

        if (stream->tls && stream_tls_explain(stream->bev, detail, sizeof(detail)))
                fail(stream, STREAM_ERROR_TLS, detail);
        else if (stream->state == STREAM_HANDSHAKE)
                fail(stream, STREAM_ERROR_TLS,
                     error > 0 ? strerror(error) : "connection closed during the TLS handshake");
        else
                fail(stream, STREAM_ERROR_IO, error > 0 ? strerror(error) : "connection lost");
}

static void on_event(_unused_ struct bufferevent *bev, short what, void *arg) {
        struct stream *stream = arg;
        struct loop *loop = stream->loop;
        int error = errno; /* bufferevents put it back before they call */

        if (stream->state == STREAM_ENDED || stream->state == STREAM_BROKEN)
                return;

        loop_enter(loop, "stream-event");
        if (what & BEV_EVENT_CONNECTED) {
                stream->state = STREAM_OPEN;
                stream->ops->on_connected(stream, stream->arg);
        } else if (what & BEV_EVENT_EOF)
                ended(stream);
        else if (what & BEV_EVENT_ERROR)
                broken(stream, error);
        loop_leave(loop);
}

static int make_bufferevent(struct stream *stream) {
        const int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
        int r;

        if (stream->tls) {
                r = stream_tls_wrap(stream->session, stream->loop, stream->fd, options, &stream->bev);
                if (r < 0)
                        return r;
                stream->session = NULL;
        } else {
                stream->bev = bufferevent_socket_new(loop_event_base(stream->loop), stream->fd, options);
                if (!stream->bev)
                        return -ENOMEM;
        }
        stream->fd = -EBADF;
        bufferevent_setcb(stream->bev, on_read, on_write, on_event, stream);
        bufferevent_setwatermark(stream->bev, EV_READ, 0, STREAM_INPUT_MAX);
        return bufferevent_enable(stream->bev, EV_READ | EV_WRITE) < 0 ? -ENOMEM : 0;
}

static void on_connectable(_unused_ struct loop_io *io, int fd, _unused_ unsigned events, void *arg) {
        struct stream *stream = arg;
        int error = 0, r;

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){ sizeof(error) }) < 0)
                error = errno;
        stream->io = loop_io_free(stream->io);
        if (error > 0) {
                fail(stream, STREAM_ERROR_CONNECT, strerror(error));
                return;
        }
        r = make_bufferevent(stream);
        if (r < 0) {
                fail(stream, stream->tls ? STREAM_ERROR_TLS : STREAM_ERROR_IO, strerror(-r));
                return;
        }
        if (stream->tls) {
                stream->state = STREAM_HANDSHAKE;
                return;
        }
        stream->state = STREAM_OPEN;
        stream->ops->on_connected(stream, stream->arg);
}

/* ---- the stream ---- */

static int begin(struct stream *stream, const struct sockaddr *address, socklen_t length) {
        stream->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (stream->fd < 0)
                return -errno;

        /* A full backlog of a local socket is EAGAIN, and cannot be waited for: it counts as refused. */
        if (connect(stream->fd, address, length) < 0 && errno != EINPROGRESS && errno != EINTR) {
                stream->refused_errno = errno;
                loop_work_schedule(&stream->refused);
                return 0;
        }
        return loop_io_new(stream->loop, stream->fd, LOOP_WRITE, LOOP_PRIORITY_NORMAL, "stream-connect", on_connectable,
                           stream, &stream->io);
}

int stream_connect(struct loop *loop, const struct sockaddr *address, socklen_t length, struct stream_tls *tls,
                   const char *host, const struct stream_ops *ops, void *arg, struct stream **ret) {
        _cleanup_(stream_freep) struct stream *stream = NULL;
        int r;

        if (tls && !host)
                return -EINVAL;

        stream = calloc(1, sizeof(*stream));
        if (!stream)
                return -ENOMEM;
        stream->loop = loop;
        stream->ops = ops;
        stream->arg = arg;
        stream->fd = -EBADF;
        stream->tls = tls != NULL;
        loop_work_init(&stream->refused, loop, "stream-refused", on_refused, stream);
        if (tls) {
                r = stream_tls_session_new(tls, host, &stream->session);
                if (r < 0)
                        return r;
        }
        r = begin(stream, address, length);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(stream);
        return 0;
}

struct stream *stream_free(struct stream *stream) {
        if (!stream)
                return NULL;

        if (stream->gone)
                *stream->gone = true;
        loop_work_cancel(&stream->refused);
        stream->io = loop_io_free(stream->io);
        if (stream->bev) {
                if (stream->tls && (stream->state == STREAM_OPEN || stream->state == STREAM_ENDED))
                        stream_tls_shutdown(stream->bev);
                bufferevent_setcb(stream->bev, NULL, NULL, NULL, NULL);
                (void)bufferevent_disable(stream->bev, EV_READ | EV_WRITE);
                bufferevent_free(stream->bev);
        }
        closep(&stream->fd);
        stream->session = stream_tls_session_free(stream->session);
        free(stream);
        return NULL;
}

/* ---- what is there already ---- */

static bool is_connectable(const struct stream *stream) {
        struct pollfd p = { .fd = stream->fd, .events = POLLOUT };

        return stream->io && poll(&p, 1, 0) == 1;
}

/* Reads as the bufferevent would in the loop's next turn. Returns what read(2) does. */
static int read_ahead(struct stream *stream) {
        struct evbuffer *input = bufferevent_get_input(stream->bev);
        int n;

        (void)evbuffer_unfreeze(input, 0);
        if (stream->tls)
                n = stream_tls_read(stream->bev, input);
        else
                n = evbuffer_read(input, bufferevent_getfd(stream->bev), STREAM_INPUT_MAX);
        (void)evbuffer_freeze(input, 0);
        return n;
}

/* One thing at a time: the stream may be gone after a callback. */
void stream_poll(struct stream *stream) {
        if (stream->state == STREAM_CONNECTING && is_connectable(stream))
                on_connectable(stream->io, stream->fd, LOOP_WRITE, stream);
        else if (stream->state != STREAM_OPEN)
                return;
        else if (read_ahead(stream) == 0 && evbuffer_get_length(bufferevent_get_input(stream->bev)) == 0)
                ended(stream);
        else
                on_read(stream->bev, stream);
}

int stream_write(struct stream *stream, const void *data, size_t n) {
        if (stream->state != STREAM_OPEN && stream->state != STREAM_ENDED)
                return -ENOTCONN;
        return bufferevent_write(stream->bev, data, n) < 0 ? -ENOMEM : 0;
}
