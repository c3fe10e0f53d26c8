/* SPDX-License-Identifier: MIT */
/* varlink_connection: the bytes of one client.
 *
 * A connection is at one call at a time, or between two. It is worked for in small steps: take a message out of what
 * was read and begin its call, or make one more answer of a stream. Before each step the answers made so far must be
 * below VARLINK_OUT_LOW, so a client that reads slowly is served slowly, and one that does not read is not served; the
 * stall timer cuts it off. It may only have been stopped for a while, so an error takes the place of its answers, and it has as long
 * again to take that. The same timer cuts off who begins a message and does not end it.
 *
 * Only varlink_connection_run(), the stall timer and the server free a connection. Handlers and streams run inside
 * varlink_connection_run() and can do no more than append to `out` or set `cut_off`, which is acted upon when they have
 * returned; so nothing is freed under their feet.
 */
#include "control/varlink_internal.h"

#include <poll.h>
#include <sys/socket.h>

#define READ_SIZE ((size_t)(16 * 1024))

/* Bytes of later calls that a client may send behind the one it waits for. */
#define PIPELINED_MAX ((size_t)(64 * 1024))

static void flush(struct varlink_connection *connection) {
        struct buffer *out = &connection->out;

        while (buffer_length(out) > 0) {
                ssize_t n = send(connection->fd, buffer_head(out), buffer_length(out), MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN) {
                        if (connection->out_progress_usec == USEC_INFINITY)
                                connection->out_progress_usec = clock_now(CLOCK_ID_MONOTONIC);
                        return;
                }
                if (n < 0) { /* the client is gone: nothing worth a line in the log */
                        connection->eof = true;
                        connection->gone = true;
                        buffer_consume(out, buffer_length(out));
                        break;
                }
                buffer_consume(out, (size_t)n);
                connection->out_progress_usec = clock_now(CLOCK_ID_MONOTONIC);
        }
        connection->out_progress_usec = USEC_INFINITY;
}

/* Keeps the sum of what all clients have sent and was not taken yet. */
static void account(struct varlink_connection *connection) {
        size_t held = connection->framer.in.allocated;

        connection->server->in_bytes += held - connection->counted;
        connection->counted = held;
}

void varlink_connection_close_fds(struct varlink_connection *connection, struct varlink_fds *fds) {
        const struct varlink_options *options = &connection->server->options;
        int left[VARLINK_FDS_MAX];
        size_t n = 0;

        for (size_t i = 0; i < fds->n; i++)
                if (fds->fds[i] >= 0)
                        left[n++] = fds->fds[i];
        fds->n = 0;
        if (n > 0 && options->close_fds)
                options->close_fds(left, n, options->arg);
        else
                for (size_t i = 0; i < n; i++)
                        (void)close(left[i]);
}

/* Takes up descriptors that came with @n bytes at @data. They belong to a message that is read alone, or it could be
 * another's. */
static void take_fds(struct varlink_connection *connection, struct varlink_fds *fds, const char *data, size_t n) {
        const char *end = memchr(data, '\0', n);
        bool alone = buffer_length(&connection->framer.in) == 0 && (!end || end == data + n - 1);

        if (fds->n == 0)
                return;
        if (connection->peer.role < connection->server->fds_role)
                ; /* no call that it may make takes them */
        else if (!alone || connection->fds.n > 0)
                connection->cut_off = "it sends descriptors with more than one message";
        else {
                connection->fds = *fds;
                return;
        }
        varlink_connection_close_fds(connection, fds);
}

static void receive(struct varlink_connection *connection) {
        char *room = buffer_reserve(&connection->framer.in, READ_SIZE);
        struct varlink_fds fds, spent;
        ssize_t n;

        if (!room) {
                connection->cut_off = "out of memory";
                return;
        }
        n = varlink_fds_receive(connection->fd, room, READ_SIZE, &fds, &spent);
        varlink_connection_close_fds(connection, &spent);
        take_fds(connection, &fds, room, n > 0 ? (size_t)n : 0);
        if (n > 0)
                buffer_commit(&connection->framer.in, (size_t)n);
        else if (n == -E2BIG)
                connection->cut_off = "it sends too many descriptors";
        else if (n != -EAGAIN && n != -EINTR)
                connection->eof = true;
        account(connection);
        if (connection->server->in_bytes > connection->server->options.max_input &&
            buffer_length(&connection->framer.in) > VARLINK_IN_SMALL)
                connection->cut_off = "all clients together have sent too much that does not end";
}

/* Takes the next message out of what was read and begins its call. Returns whether there was one. */
static bool begin_next(struct varlink_connection *connection) {
        const char *message;
        size_t length;
        int r;

        r = framer_next(&connection->framer, &message, &length);
        if (r == 0) {
                if (!framer_is_partial(&connection->framer))
                        connection->partial_since_usec = USEC_INFINITY;
                else if (connection->partial_since_usec == USEC_INFINITY)
                        connection->partial_since_usec = clock_now(CLOCK_ID_MONOTONIC);
                return false;
        }
        connection->partial_since_usec = USEC_INFINITY;
        if (r > 0)
                r = varlink_call_begin(connection, message, length);
        varlink_connection_close_fds(connection, &connection->fds);
        if (r < 0)
                connection->cut_off = r == -EMSGSIZE ? "its message is too long"
                                      : r == -ENOMEM ? "out of memory"
                                                     : "its message is no Varlink call";
        return true;
}

static size_t max_message_of(const struct varlink_connection *connection) {
        return connection->peer.role == VARLINK_ROLE_NONE ? VARLINK_MESSAGE_NONE
                                                          : connection->server->options.max_message;
}

/* Finds out what its client may by now, and ends a call that has become too much. */
static void review(struct varlink_connection *connection) {
        struct varlink_call *call = &connection->call;
        struct varlink_peer now;

        connection->reviewed = connection->server->review;
        connection->peer.role =
                varlink_peer_get(connection->server, connection->fd, &now) < 0 ? VARLINK_ROLE_NONE : now.role;
        connection->framer.max = max_message_of(connection);
        if (varlink_call_active(call) && !call->ended && (call->method->flags & VARLINK_CHANGES) == 0 &&
            connection->peer.role < call->method->role)
                (void)varlink_error_role(call, call->method->role);
}

/* An ended call is dropped on the way to the next one: were it a step of its own, a client that calls again would wait
 * for two rounds when others keep the server busy. */
static bool step(struct varlink_connection *connection) {
        struct varlink_call *call = &connection->call;

        if (connection->cut_off || connection->ending)
                return false;
        if (connection->reviewed != connection->server->review)
                review(connection);
        if (buffer_length(&connection->out) >= VARLINK_OUT_LOW)
                flush(connection);
        if (buffer_length(&connection->out) >= VARLINK_OUT_LOW)
                return false;
        if (varlink_call_active(call) && !call->ended)
                return varlink_call_step(connection);
        varlink_call_drop(call);
        return begin_next(connection);
}

/* Whether its call waits for something to happen, not for the client to read. */
static bool is_held(const struct varlink_connection *connection) {
        const struct varlink_call *call = &connection->call;

        return varlink_call_active(call) && !call->ended && (call->waiting || !call->ops);
}

/* Whether its client, which sends no more, has closed its side for reading too. */
static bool is_gone(struct varlink_connection *connection) {
        struct pollfd hangup = { .fd = connection->fd };

        if (!connection->gone)
                connection->gone = poll(&hangup, 1, 0) > 0 && (hangup.revents & (POLLHUP | POLLERR)) != 0;
        return connection->gone;
}

/* Whether there is nothing left to do for its client. What changes something is done also for one that is gone, as it was told in the log;
 * with its first answer it is done. */
static bool is_finished(struct varlink_connection *connection) {
        const struct varlink_call *call = &connection->call;

        if (buffer_length(&connection->out) > 0)
                return false;
        if (!connection->eof)
                return connection->ending;
        if (!varlink_call_active(call))
                return true;
        return ((call->method->flags & VARLINK_CHANGES) == 0 || call->told) && is_gone(connection);
}

static void watch(struct varlink_connection *connection) {
        size_t pending = buffer_length(&connection->framer.in);
        bool full = varlink_call_active(&connection->call) && pending >= PIPELINED_MAX;
        unsigned events = 0;
        usec_t since = MIN(connection->partial_since_usec, connection->out_progress_usec);
        usec_t at = usec_add(since, connection->server->options.stall_usec);
        int r;

        if (!connection->eof && !connection->ending && !full)
                events |= LOOP_READ;
        if (buffer_length(&connection->out) > 0)
                events |= LOOP_WRITE;
        /* With neither watched, nobody would notice when the client goes. */
        if (full && is_held(connection) && buffer_length(&connection->out) == 0)
                connection->cut_off = "it sends too much behind a call that is not answered yet";

        /* Nor when one goes that sends no more: it is looked at from time to time. */
        if (connection->eof)
                at = MIN(at, usec_add(clock_now(CLOCK_ID_MONOTONIC), connection->server->options.stall_usec));

        r = loop_io_set(connection->io, events);
        if (r < 0)
                connection->cut_off = strerror(-r);
        if (loop_timer_armed(&connection->stall) ? connection->stall.at_usec != at : at != USEC_INFINITY)
                loop_timer_set(&connection->stall, at);
}

static void tell_cut_off(struct varlink_connection *connection, const char *why) {
        connection->server->stats.cut_off++;
        varlink_log_peer(connection->server, &connection->peer, "cut off", why);
}

void varlink_connection_run(struct varlink_connection *connection, usec_t until_usec) {
        bool again = false;

        list_remove(&connection->ready);
        connection->running = true;
        while (step(connection)) {
                again = clock_now(CLOCK_ID_MONOTONIC) >= until_usec;
                if (again)
                        break;
        }
        connection->running = false;
        account(connection);
        if (!connection->cut_off)
                flush(connection);
        if (!connection->cut_off && !again && is_finished(connection)) {
                varlink_connection_free(connection);
                return;
        }
        if (!connection->cut_off)
                watch(connection);
        if (connection->cut_off) {
                if (!connection->ending)
                        tell_cut_off(connection, connection->cut_off);
                varlink_connection_free(connection);
                return;
        }
        if (again)
                varlink_connection_schedule(connection);
}

void varlink_connection_schedule(struct varlink_connection *connection) {
        if (connection->running || list_linked(&connection->ready))
                return;
        list_append(&connection->server->ready, &connection->ready);
        loop_work_schedule(&connection->server->pump);
}

/* A single call is answered in the turn in which it came. When others wait for their turn in the server's round, one
 * step of it, and the rest in the round. */
static void on_io(_unused_ struct loop_io *io, _unused_ int fd, unsigned events, void *arg) {
        struct varlink_connection *connection = arg;
        bool alone = list_empty(&connection->server->ready);

        if (events & LOOP_READ)
                receive(connection);
        varlink_connection_run(connection, alone ? clock_now(CLOCK_ID_MONOTONIC) + VARLINK_SHARE_USEC : 0);
}

static void on_stall(_unused_ struct loop_timer *timer, void *arg) {
        struct varlink_connection *connection = arg;
        const char *too_slow = connection->server->options.too_slow;
        bool takes_nothing = connection->out_progress_usec != USEC_INFINITY;
        const char *why = takes_nothing ? "it does not take its answers" : "its message does not end";

        if (takes_nothing && too_slow && !connection->ending && varlink_call_end_instead(connection, too_slow) == 0) {
                tell_cut_off(connection, why);
                connection->ending = true;
                connection->partial_since_usec = USEC_INFINITY;
                connection->out_progress_usec = clock_now(CLOCK_ID_MONOTONIC);
        } else if (takes_nothing || connection->partial_since_usec != USEC_INFINITY)
                connection->cut_off = why;
        varlink_connection_run(connection, 0); /* else it is only looked at, see watch() */
}

int varlink_connection_new(struct varlink_server *server, int fd, const struct varlink_peer *peer) {
        struct varlink_connection *connection = calloc(1, sizeof(*connection));
        int r;

        if (!connection) {
                (void)close(fd);
                return -ENOMEM;
        }
        connection->server = server;
        connection->fd = fd;
        connection->call.connection = connection;
        connection->partial_since_usec = USEC_INFINITY;
        connection->out_progress_usec = USEC_INFINITY;
        connection->peer = *peer;
        connection->reviewed = server->review;
        framer_init(&connection->framer, max_message_of(connection));
        list_init(&connection->ready);
        list_append(&server->connections, &connection->link);
        server->stats.connections++;

        r = loop_timer_init(&connection->stall, server->loop, CLOCK_ID_MONOTONIC, "control-stall", on_stall,
                            connection);
        if (r >= 0)
                r = loop_io_new(server->loop, fd, LOOP_READ, LOOP_PRIORITY_CONTROL, "control-client", on_io, connection,
                                &connection->io);
        if (r < 0) {
                varlink_connection_free(connection);
                return r;
        }
        return 0;
}

struct varlink_connection *varlink_connection_free(struct varlink_connection *connection) {
        if (!connection)
                return NULL;
        varlink_call_drop(&connection->call);
        if (!connection->cut_off)
                flush(connection);
        list_remove(&connection->link);
        list_remove(&connection->ready);
        connection->server->stats.connections--;
        loop_timer_done(&connection->stall);
        loop_io_free(connection->io);
        (void)close(connection->fd);
        varlink_connection_close_fds(connection, &connection->fds);
        framer_done(&connection->framer);
        account(connection);
        buffer_done(&connection->out);
        free(connection);
        return NULL;
}
