/* SPDX-License-Identifier: MIT */
/* http-peer: a web server for tests. */
#include "support/http-peer.h"

#include "base/macros.h"

#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 256

struct http_peer {
        int fd;
        unsigned port;
        pthread_t thread;
        atomic_uint n_connections;
        atomic_uint n_requests;
        sem_t held; /* one post for each answer that may go */
        struct {
                struct http_peer *peer;
                pthread_t thread;
                int fd;
        } connections[CONNECTIONS_MAX];
};

struct request {
        struct http_peer *peer;
        int fd;
        char path[512];
        const char *rest; /* of the path, after what was matched */
        char text[16384];
        size_t n;
        unsigned n_answered; /* on this connection */
};

/* False once the client is gone. */
static bool put(int fd, const char *data, size_t n) {
        while (n > 0) {
                ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);

                if (sent <= 0)
                        return false;
                data += sent;
                n -= (size_t)sent;
        }
        return true;
}

static bool putf(int fd, const char *format, ...) _printf_(2, 3);
static bool putf(int fd, const char *format, ...) {
        char text[32768];
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        return put(fd, text, (size_t)n);
}

/* ---- answers: true keeps the connection ---- */

static bool answer_ok(struct request *r) {
        return putf(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

static bool answer_held(struct request *r) {
        while (sem_wait(&r->peer->held) < 0)
                ; /* interrupted */
        return answer_ok(r);
}

/* 200 bytes in two chunks that arrive together, and once it is released ten more. */
static bool answer_chunks(struct request *r) {
        static const char format[] =
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n%0100d\r\n64\r\n%0100d\r\n";

        if (!putf(r->fd, format, 0, 0))
                return false;
        while (sem_wait(&r->peer->held) < 0)
                ; /* interrupted */
        return putf(r->fd, "a\r\n0123456789\r\n0\r\n\r\n");
}

/* A chunk without a length. */
static bool answer_bad_chunk(struct request *r) {
        return putf(r->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n");
}

static bool answer_dropped(struct request *r) {
        return r->n_answered == 0 && answer_ok(r);
}

static bool answer_echo(struct request *r) {
        return putf(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", r->n) && put(r->fd, r->text, r->n);
}

static bool answer_status(struct request *r) {
        return putf(r->fd, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", r->rest);
}

static bool answer_to(struct request *r) {
        return putf(r->fd, "HTTP/1.1 %.3s Elsewhere\r\nLocation: %s\r\nContent-Length: 4\r\n\r\ngone", r->rest,
                    r->rest + 4);
}

static bool answer_bytes(struct request *r) {
        size_t n = strtoul(r->rest, NULL, 10);
        char chunk[4096];

        memset(chunk, 'x', sizeof(chunk));
        if (!putf(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n))
                return false;
        for (; n > sizeof(chunk); n -= sizeof(chunk))
                if (!put(r->fd, chunk, sizeof(chunk)))
                        return false;
        return put(r->fd, chunk, n);
}

static bool answer_silence(struct request *r) {
        char c;

        while (recv(r->fd, &c, 1, 0) > 0)
                ;
        return false;
}

static bool answer_close(struct request *r _unused_) {
        return false;
}

static bool answer_reset(struct request *r) {
        static const struct linger reset = { .l_onoff = 1 };

        (void)setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        return false;
}

static bool answer_garbage(struct request *r) {
        (void)putf(r->fd, "220 mail.example ESMTP\r\n\r\n%c%c%c", 1, 2, 3);
        return false;
}

static bool answer_partial(struct request *r) {
        (void)putf(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
        return false;
}

static bool repeat(struct request *r, const char *begin, const char *text) {
        if (!putf(r->fd, "%s", begin))
                return false;
        while (putf(r->fd, "%s", text))
                ;
        return false;
}

static bool answer_headers(struct request *r) {
        return repeat(r, "HTTP/1.1 200 OK\r\n", "X-More: and more and more\r\n");
}

static bool answer_line(struct request *r) {
        return repeat(r, "HTTP/1.1 200 OK\r\nX-Long: ", "and more and more ");
}

static bool answer_endless(struct request *r) {
        return repeat(r, "HTTP/1.1 200 OK\r\n\r\n", "and more and more\n");
}

static bool answer_continue(struct request *r) {
        return repeat(r, "", "HTTP/1.1 100 Continue\r\n\r\n");
}

static const struct {
        const char *path;
        bool (*answer)(struct request *r);
} answers[] = {
        { "/held", answer_held },
        { "/ok", answer_ok },
        { "/echo", answer_echo },
        { "/status/", answer_status },
        { "/to/", answer_to },
        { "/bytes/", answer_bytes },
        { "/silence", answer_silence },
        { "/close", answer_close },
        { "/reset", answer_reset },
        { "/garbage", answer_garbage },
        { "/partial", answer_partial },
        { "/headers", answer_headers },
        { "/line", answer_line },
        { "/endless", answer_endless },
        { "/continue", answer_continue },
        { "/chunks", answer_chunks },
        { "/bad-chunk", answer_bad_chunk },
        { "/dropped", answer_dropped },
};

/* ---- connections ---- */

/* The head, and as much body as it announces. */
static bool read_request(struct request *r) {
        size_t want = 0;

        r->n = 0;
        for (;;) {
                char *end, *length;
                ssize_t n = recv(r->fd, r->text + r->n, sizeof(r->text) - 1 - r->n, 0);

                if (n <= 0)
                        return false;
                r->n += (size_t)n;
                r->text[r->n] = 0;
                if (r->text[0] == 0x16) { /* a TLS handshake */
                        (void)answer_garbage(r);
                        return false;
                }
                end = strstr(r->text, "\r\n\r\n");
                if (!end)
                        continue;
                length = strcasestr(r->text, "Content-Length:");
                want = (size_t)(end + 4 - r->text) + (length && length < end ? strtoul(length + 15, NULL, 10) : 0);
                if (r->n >= want)
                        break;
        }
        return sscanf(r->text, "%*s %511s", r->path) == 1;
}

static bool answer(struct request *r) {
        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                size_t n = strlen(answers[i].path);

                if (strncmp(r->path, answers[i].path, n) != 0)
                        continue;
                r->rest = r->path + n;
                return answers[i].answer(r);
        }
        r->rest = "404 Not Found";
        return answer_status(r);
}

static void *serve(void *arg) {
        __typeof__(&((struct http_peer *)0)->connections[0]) connection = arg;
        struct request r = { .peer = connection->peer, .fd = connection->fd };

        do {
                if (!read_request(&r))
                        break;
                atomic_fetch_add(&connection->peer->n_requests, 1);
        } while (answer(&r) && ++r.n_answered);
        close(connection->fd);
        return NULL;
}

static void *accept_all(void *arg) {
        struct http_peer *peer = arg;

        for (;;) {
                unsigned n = atomic_load(&peer->n_connections);
                int fd = accept4(peer->fd, NULL, NULL, SOCK_CLOEXEC);

                if (fd < 0)
                        return NULL;
                if (n == CONNECTIONS_MAX)
                        abort();
                peer->connections[n].peer = peer;
                peer->connections[n].fd = fd;
                if (pthread_create(&peer->connections[n].thread, NULL, serve, &peer->connections[n]) != 0)
                        abort();
                atomic_store(&peer->n_connections, n + 1);
        }
}

struct http_peer *http_peer_start(void) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(address);
        struct http_peer *peer = calloc(1, sizeof(*peer));

        if (!peer || sem_init(&peer->held, 0, 0) < 0)
                abort();
        peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (peer->fd < 0 || bind(peer->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(peer->fd, 64) < 0 || getsockname(peer->fd, (struct sockaddr *)&address, &length) < 0 ||
            pthread_create(&peer->thread, NULL, accept_all, peer) != 0)
                abort();
        peer->port = ntohs(address.sin_port);
        return peer;
}

void http_peer_stop(struct http_peer *peer) {
        (void)shutdown(peer->fd, SHUT_RDWR); /* ends accept4() */
        pthread_join(peer->thread, NULL);
        close(peer->fd);
        for (unsigned i = 0; i < atomic_load(&peer->n_connections); i++)
                pthread_join(peer->connections[i].thread, NULL);
        (void)sem_destroy(&peer->held);
        free(peer);
}

void http_peer_release(struct http_peer *peer) {
        (void)sem_post(&peer->held);
}

unsigned http_peer_port(const struct http_peer *peer) {
        return peer->port;
}

unsigned http_peer_connections(const struct http_peer *peer) {
        return atomic_load(&peer->n_connections);
}

unsigned http_peer_requests(const struct http_peer *peer) {
        return atomic_load(&peer->n_requests);
}
