/* SPDX-License-Identifier: MIT */
/* http_server: see http_server.h.
 *
 * A connection reads until the head is whole, writes its answer, and lingers: it says that there is no more to come, and
 * reads over what the client still sends until that closes, too. Closing at once would have the kernel reset the connection,
 * and the client lose the end of its answer, when it had sent a byte too many.
 *
 * When there are as many connections as there may be, the oldest that is not being answered gives way to a new one: who
 * opens many and says nothing must not keep a probe from its answer, as what asks for health restarts what does not give it.
 * Nor must who takes long answers slowly: of these there are fewer than connections. Short ones the kernel takes at once.
 *
 * All of this is done by callbacks of the loop, at most one read, or one piece and one write, in each.
 */
#include "loop/http_server.h"

#include <assert.h>
#include <stdio.h>
#include <sys/socket.h>

#define ACCEPTS_PER_TURN 8
#define LINGER_BYTES     65536

/* How long until the next try: when descriptors are used up, and when there are as many connections as there may be. */
#define NO_FD_USEC USEC_PER_SEC
#define FULL_USEC  (100 * USEC_PER_MSEC)

/* How long nobody has to give way to others: time enough for the head of who sends one. */
#define STAY_USEC FULL_USEC

/* Before a piece "3f00\r\n", behind it "\r\n". */
#define CHUNK_HEAD 6
#define CHUNK_TAIL 2
#define LAST_CHUNK "0\r\n\r\n"

enum state { READING, WRITING, LINGERING };

struct connection {
        struct list link;
        struct http_server *server;
        struct loop_io *io;
        struct loop_timer timer;
        int fd;
        usec_t since_usec; /* monotonic */
        enum state state;
        bool chunks;
        bool more; /* the body has not come to its end */
        const struct http_body_ops *ops;
        void *body;
        size_t n_read; /* of the head; when lingering, of what is read over */
        size_t n_out, n_sent;
        char *out; /* from when there is an answer on */
        char head[HTTP_HEAD_SIZE];
};

#define OUT_MAX (CHUNK_HEAD + HTTP_PIECE_MAX + CHUNK_TAIL + sizeof(LAST_CHUNK))

struct http_listener {
        struct list link;
        struct http_server *server;
        struct loop_io *io;
        int fd;
};

struct http_server {
        struct http_server_options options;
        struct list listeners;
        struct list connections; /* in the order in which they came */
        unsigned n_bodies;
        struct loop_timer accept_again; /* armed while listeners are paused */
        struct http_server_stats stats;
};

/* ---- listeners ---- */

static void listeners_pause(struct http_server *server, bool pause) {
        struct http_listener *listener;

        list_for_each_entry(listener, &server->listeners, link)
                (void)loop_io_set(listener->io, pause ? 0 : LOOP_READ);
}

static bool is_full(const struct http_server *server) {
        return server->stats.connections >= server->options.max_connections;
}

static void on_accept_again(struct loop_timer *timer _unused_, void *arg) {
        listeners_pause(arg, false);
}

/* Who waits stays in the kernel's queue, and would wake the loop for ever. */
static void pause_for(struct http_server *server, usec_t usec) {
        listeners_pause(server, true);
        loop_timer_set(&server->accept_again, usec_add(clock_now(CLOCK_ID_MONOTONIC), usec));
}

/* ---- connections ---- */

/* What only the answer needs. */
static void drop_answer(struct connection *connection) {
        if (connection->ops) {
                connection->ops->free(connection->body);
                connection->server->n_bodies--;
        }
        connection->ops = NULL;
        free(TAKE_PTR(connection->out));
}

static void connection_free(struct connection *connection) {
        drop_answer(connection);
        loop_io_free(connection->io);
        loop_timer_done(&connection->timer);
        (void)close(connection->fd);
        list_remove(&connection->link);
        connection->server->stats.connections--;
        free(connection);
}

static void cut_off(struct connection *connection) {
        connection->server->stats.cut_off++;
        connection_free(connection);
}

static const char *phrase_of(unsigned status) {
        static const struct {
                unsigned status;
                const char *phrase;
        } phrases[] = {
                { 200, "OK" },
                { 400, "Bad Request" },
                { 404, "Not Found" },
                { 405, "Method Not Allowed" },
                { 414, "URI Too Long" },
                { 431, "Request Header Fields Too Large" },
                { 503, "Service Unavailable" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
                if (phrases[i].status == status)
                        return phrases[i].phrase;
        return "Unknown";
}

/* Begins the answer, and watches for when it can be sent. */
static int answer(struct connection *connection, const struct http_head *request, const struct http_answer *answer) {
        size_t n_text = answer->text ? strlen(answer->text) : 0;
        char length[48] = "";
        int n;

        connection->server->n_bodies += answer->ops != NULL;
        connection->ops = answer->ops;
        connection->body = answer->body;
        connection->state = WRITING;
        connection->chunks = request->chunks && answer->ops;
        connection->more = answer->ops && request->method != HTTP_HEAD;
        connection->out = malloc(OUT_MAX);
        if (!connection->out)
                return -ENOMEM;
        if (!answer->ops)
                (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", n_text);
        n = snprintf(
                connection->out, OUT_MAX,
                "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\n%s%s%sConnection: close\r\n\r\n%s",
                answer->status, phrase_of(answer->status), answer->content_type,
                answer->status == 405 ? "Allow: GET, HEAD\r\n" : "",
                connection->chunks ? "Transfer-Encoding: chunked\r\n" : "", length,
                n_text > 0 && request->method != HTTP_HEAD ? answer->text : "");
        assert(n > 0 && (size_t)n < OUT_MAX);
        connection->n_out = (size_t)n;
        return loop_io_set(connection->io, LOOP_WRITE);
}

static int refuse(struct connection *connection, unsigned status, const char *text) {
        connection->server->stats.refused++;
        return answer(connection, &(const struct http_head){ .method = HTTP_GET },
                      &(const struct http_answer){ .status = status, .content_type = "text/plain", .text = text });
}

static int handle(struct connection *connection, const struct http_head *request) {
        struct http_server *server = connection->server;
        struct http_answer made = { 0 };

        server->stats.requests++;
        if (request->method == HTTP_OTHER)
                made = (struct http_answer){ .status = 405,
                                             .content_type = "text/plain",
                                             .text = "only GET and HEAD\n" };
        else
                server->options.handle(request, &made, server->options.arg);
        if (made.ops && server->n_bodies >= server->options.max_bodies) {
                made.ops->free(made.body);
                return refuse(connection, 503, "too many clients at once\n");
        }
        return answer(connection, request, &made);
}

static int on_head(struct connection *connection) {
        struct http_head request;
        int r = http_head_parse(connection->head, connection->n_read, &request);

        if (r > 0)
                return handle(connection, &request);
        if (r == -ENAMETOOLONG)
                return refuse(connection, 414, "the path is too long\n");
        if (r < 0)
                return refuse(connection, 400, "not understood\n");
        if (connection->n_read == sizeof(connection->head))
                return refuse(connection, 431, "the request is too long\n");
        return 0;
}

/* Each of the following returns 0, or a negative errno when the connection is to end: -EPIPE as it should. */
static int do_read(struct connection *connection) {
        ssize_t n = recv(connection->fd, connection->head + connection->n_read,
                         sizeof(connection->head) - connection->n_read, 0);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
        if (n == 0)
                return -EPIPE;
        connection->n_read += (size_t)n;
        return on_head(connection);
}

static int linger(struct connection *connection) {
        drop_answer(connection);
        connection->state = LINGERING;
        connection->n_read = 0;
        if (shutdown(connection->fd, SHUT_WR) < 0)
                return -EPIPE;
        return loop_io_set(connection->io, LOOP_READ);
}

static int read_over(struct connection *connection) {
        ssize_t n = recv(connection->fd, connection->head, sizeof(connection->head), 0);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
        connection->n_read += (size_t)n;
        return n == 0 || connection->n_read > LINGER_BYTES ? -EPIPE : 0;
}

/* Has the body make its next piece, as a chunk. */
static int make_piece(struct connection *connection) {
        size_t before = connection->chunks ? CHUNK_HEAD : 0, n = 0;
        char size[CHUNK_HEAD + 1];
        int r;

        r = connection->ops->next(connection->body, connection->out + before, &n);
        if (r < 0)
                return r;
        assert(n <= HTTP_PIECE_MAX);
        connection->more = r > 0;
        connection->n_sent = 0;
        connection->n_out = n > 0 ? before + n : 0;
        if (!connection->chunks)
                return 0;
        if (n > 0) {
                (void)snprintf(size, sizeof(size), "%04zx\r\n", n);
                memcpy(connection->out, size, CHUNK_HEAD);
                memcpy(connection->out + connection->n_out, "\r\n", CHUNK_TAIL);
                connection->n_out += CHUNK_TAIL;
        }
        if (!connection->more) {
                memcpy(connection->out + connection->n_out, LAST_CHUNK, strlen(LAST_CHUNK));
                connection->n_out += strlen(LAST_CHUNK);
        }
        return 0;
}

static int do_write(struct connection *connection) {
        ssize_t n;
        int r;

        if (connection->n_sent == connection->n_out) {
                r = make_piece(connection);
                if (r < 0)
                        return r;
        }
        n = send(connection->fd, connection->out + connection->n_sent, connection->n_out - connection->n_sent,
                 MSG_NOSIGNAL);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -ECONNRESET;
        connection->n_sent += (size_t)n;
        return connection->n_sent < connection->n_out || connection->more ? 0 : linger(connection);
}

static void on_io(struct loop_io *io _unused_, int fd _unused_, unsigned events _unused_, void *arg) {
        static int (*const steps[])(struct connection * connection) = {
                [READING] = do_read,
                [WRITING] = do_write,
                [LINGERING] = read_over,
        };
        struct connection *connection = arg;
        int r = steps[connection->state](connection);

        if (r == -EPIPE)
                connection_free(connection);
        else if (r < 0)
                cut_off(connection);
}

/* One that only lingers has its answer. */
static void give_way(struct connection *connection) {
        if (connection->state == LINGERING)
                connection_free(connection);
        else
                cut_off(connection);
}

static void on_timeout(struct loop_timer *timer _unused_, void *arg) {
        give_way(arg);
}

/* Who has been here longest and is not being answered; NULL: nobody, or not for long enough. */
static struct connection *find_idle(const struct http_server *server) {
        struct connection *connection;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        list_for_each_entry(connection, &server->connections, link)
                if (connection->state != WRITING)
                        return now >= usec_add(connection->since_usec, STAY_USEC) ? connection : NULL;
        return NULL;
}

/* Takes @fd, also when it fails. */
static int connection_new(struct http_server *server, int fd) {
        struct connection *connection = malloc(sizeof(*connection));
        int r;

        if (!connection) {
                (void)close(fd);
                return -ENOMEM;
        }
        memset(connection, 0, offsetof(struct connection, head));
        connection->server = server;
        connection->fd = fd;
        connection->since_usec = clock_now(CLOCK_ID_MONOTONIC);
        server->stats.connections++;
        list_append(&server->connections, &connection->link);
        r = loop_timer_init(&connection->timer, server->options.loop, CLOCK_ID_MONOTONIC, "http-timeout", on_timeout,
                            connection);
        if (r >= 0)
                r = loop_io_new(server->options.loop, fd, LOOP_READ, LOOP_PRIORITY_NORMAL, "http", on_io, connection,
                                &connection->io);
        if (r < 0) {
                connection_free(connection);
                return r;
        }
        loop_timer_set(&connection->timer, usec_add(connection->since_usec, server->options.timeout_usec));
        return 0;
}

static void on_accept(struct loop_io *io _unused_, int fd, unsigned events _unused_, void *arg) {
        struct http_server *server = ((struct http_listener *)arg)->server;

        for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
                struct connection *idle = is_full(server) ? find_idle(server) : NULL;
                int client;

                if (is_full(server) && !idle) {
                        pause_for(server, FULL_USEC);
                        return;
                }
                client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (client >= 0) {
                        if (idle)
                                give_way(idle);
                        (void)connection_new(server, client);
                        continue;
                }
                if (errno == EINTR || errno == ECONNABORTED)
                        continue;
                if (errno != EAGAIN)
                        pause_for(server, NO_FD_USEC);
                return;
        }
}

/* ---- the whole ---- */

int http_server_listen(struct http_server *server, int fd, struct http_listener **ret) {
        struct http_listener *listener = calloc(1, sizeof(*listener));
        bool paused = loop_timer_armed(&server->accept_again);
        int r = -ENOMEM;

        if (listener)
                r = loop_io_new(server->options.loop, fd, paused ? 0 : LOOP_READ, LOOP_PRIORITY_NORMAL, "http-accept",
                                on_accept, listener, &listener->io);
        if (r < 0) {
                (void)close(fd);
                free(listener);
                return r;
        }
        listener->server = server;
        listener->fd = fd;
        list_append(&server->listeners, &listener->link);
        *ret = listener;
        return 0;
}

struct http_listener *http_listener_free(struct http_listener *listener) {
        if (!listener)
                return NULL;
        loop_io_free(listener->io);
        (void)close(listener->fd);
        list_remove(&listener->link);
        free(listener);
        return NULL;
}

int http_server_new(const struct http_server_options *options, struct http_server **ret) {
        _cleanup_(freep) struct http_server *server = calloc(1, sizeof(*server));
        int r;

        if (!server)
                return -ENOMEM;
        server->options = *options;
        list_init(&server->listeners);
        list_init(&server->connections);
        r = loop_timer_init(&server->accept_again, options->loop, CLOCK_ID_MONOTONIC, "http-accept-again",
                            on_accept_again, server);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(server);
        return 0;
}

struct http_server *http_server_free(struct http_server *server) {
        struct connection *connection, *tmp;

        if (!server)
                return NULL;
        assert(list_empty(&server->listeners));
        list_for_each_entry_safe(connection, tmp, &server->connections, link)
                connection_free(connection);
        loop_timer_done(&server->accept_again);
        free(server);
        return NULL;
}

void http_server_get_stats(const struct http_server *server, struct http_server_stats *ret) {
        *ret = server->stats;
}
