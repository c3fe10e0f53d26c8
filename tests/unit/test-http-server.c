/* SPDX-License-Identifier: MIT */
/* http_server: real sockets, and a loop and a clock that the test drives. */
#include "loop/http_server.h"
#include "support/fake-loop.h"

#include <check.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONNECTIONS 3
#define TIMEOUT     (10 * USEC_PER_SEC)
#define FDS         64

static struct loop *loop;
static struct http_server *server;
static struct http_listener *listener;
static struct sockaddr_un address;
static char directory[] = "/tmp/test-http-server-XXXXXX";

/* What the handler was asked for, and what it answers. */
static char asked[HTTP_PATH_MAX];
static unsigned n_pieces, made, freed;
static size_t piece_size;
static int piece_result;

static int next_piece(void *body _unused_, char *buf, size_t *ret_n) {
        if (made == n_pieces)
                return piece_result;
        memset(buf, 'a' + (int)(made % 26), piece_size);
        *ret_n = made % 2 == 0 ? piece_size : 0; /* each second one takes its time */
        made++;
        return made < n_pieces || piece_result != 0;
}

static void free_body(void *body _unused_) {
        freed++;
}

static const struct http_body_ops body_ops = { next_piece, free_body };

static void handle(const struct http_head *request, struct http_answer *ret, void *arg _unused_) {
        (void)snprintf(asked, sizeof(asked), "%s", request->path);
        ret->content_type = "text/plain";
        ret->status = streq(request->path, "/none") ? 404 : 200;
        if (streq(request->path, "/pieces"))
                ret->ops = &body_ops;
        else
                ret->text = "ok\n";
}

static void setup_with(unsigned max_bodies) {
        struct http_server_options options = {
                .max_connections = CONNECTIONS,
                .max_bodies = max_bodies,
                .timeout_usec = TIMEOUT,
                .handle = handle,
        };
        int fd;

        fake_clock_reset();
        ck_assert_int_eq(loop_new(&loop), 0);
        options.loop = loop;
        ck_assert_int_eq(http_server_new(&options, &server), 0);
        ck_assert_ptr_nonnull(mkdtemp(directory));
        address.sun_family = AF_UNIX;
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 16), 0);
        ck_assert_int_eq(http_server_listen(server, fd, &listener), 0);
        n_pieces = made = freed = 0;
        piece_result = 0;
        piece_size = 10;
}

static void setup(void) {
        setup_with(CONNECTIONS);
}

static void setup_few_bodies(void) {
        setup_with(2);
}

static void teardown(void) {
        http_listener_free(listener);
        http_server_free(server);
        ck_assert_uint_eq(fake_loop_watches(), 0);
        ck_assert_uint_eq(fake_loop_timers(), 0);
        loop_free(loop);
        (void)unlink(address.sun_path);
        (void)rmdir(directory);
}

/* Everything that the loop watches is ready, so often. What is not says EAGAIN. */
static void pump(unsigned rounds) {
        for (unsigned i = 0; i < rounds; i++)
                for (int fd = 0; fd < FDS; fd++)
                        (void)fake_loop_ready(fd, LOOP_READ | LOOP_WRITE);
}

static int client(const char *request) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_lt(fd, FDS);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        if (request)
                ck_assert_int_eq(send(fd, request, strlen(request), 0), (int)strlen(request));
        return fd;
}

/* What the server sent up to now; -1: it has not ended yet. */
static ssize_t take(int fd, char *buf, size_t size) {
        size_t n = 0;

        for (;;) {
                ssize_t got = recv(fd, buf + n, size - 1 - n, 0);

                if (got <= 0) {
                        buf[n] = '\0';
                        return got == 0 ? (ssize_t)n : -1;
                }
                n += (size_t)got;
                pump(4);
        }
}

static struct http_server_stats stats(void) {
        struct http_server_stats now;

        http_server_get_stats(server, &now);
        return now;
}

static const struct {
        const char *request;
        const char *begin;
        const char *contains;
        const char *end;
} answers[] = {
        { "GET /x?y HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\n", "\r\n\r\nok\n" },
        { "HEAD /x HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\n", "\r\n\r\n" },
        { "GET /none HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "Connection: close\r\n", "ok\n" },
        { "POST /x HTTP/1.1\r\n\r\nabc", "HTTP/1.1 405 Method Not Allowed\r\n", "Allow: GET, HEAD\r\n", "\n" },
        { "nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "Connection: close\r\n", "\n" },
        { "GET /pieces HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "chunked\r\n",
          "\r\n\r\n000a\r\naaaaaaaaaa\r\n000a\r\ncccccccccc\r\n0\r\n\r\n" },
        { "GET /pieces HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Connection: close\r\n\r\n", "aaaaaaaaaacccccccccc" },
        { "HEAD /pieces HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "chunked\r\n", "\r\n\r\n" },
};

START_TEST(answered) {
        char text[4096];
        size_t length;
        int fd = client(answers[_i].request);

        n_pieces = 4;
        pump(12);
        ck_assert_int_gt(take(fd, text, sizeof(text)), 0);
        length = strlen(answers[_i].end);
        ck_assert_msg(strncmp(text, answers[_i].begin, strlen(answers[_i].begin)) == 0, "%s", text);
        ck_assert_msg(strstr(text, answers[_i].contains), "%s", text);
        ck_assert_msg(strlen(text) > length && streq(text + strlen(text) - length, answers[_i].end), "%s", text);
        ck_assert_msg(!strstr(text, "Length: ") || !strstr(text, "chunked"), "%s", text);

        /* It waits for the client to close. */
        ck_assert_uint_eq(stats().connections, 1);
        ck_assert_uint_eq(freed, strstr(answers[_i].request, "pieces") ? 1 : 0);
        (void)close(fd);
        pump(2);
        ck_assert_uint_eq(stats().connections, 0);
        ck_assert_uint_eq(stats().cut_off, 0);
}
END_TEST

START_TEST(in_small_parts) {
        static const char request[] = "GET /x HTTP/1.1\r\nHost: y\r\n\r\n";
        int fd = client(NULL);
        char text[1024];

        for (size_t i = 0; i < strlen(request); i++) {
                ck_assert_int_eq(send(fd, request + i, 1, 0), 1);
                pump(2);
        }
        pump(4);
        ck_assert_int_gt(take(fd, text, sizeof(text)), 0);
        ck_assert_str_eq(asked, "/x");
        (void)close(fd);
}
END_TEST

START_TEST(too_long) {
        char request[HTTP_HEAD_SIZE + 100], text[1024];
        int fd;

        memset(request, 'x', sizeof(request));
        memcpy(request, "GET / HTTP/1.1\r\na: ", 19);
        request[sizeof(request) - 1] = '\0';
        fd = client(request);
        pump(8);
        ck_assert_int_gt(take(fd, text, sizeof(text)), 0);
        ck_assert_msg(strncmp(text, "HTTP/1.1 431 ", 13) == 0, "%s", text);
        ck_assert_uint_eq(stats().refused, 1);
        (void)close(fd);
}
END_TEST

/* One that says nothing, one that begins and goes on byte by byte, and one that takes nothing. */
START_TEST(slow_clients_are_cut_off) {
        int silent = client(NULL), trickling = client("GET"), taking_nothing;
        char text[16];

        n_pieces = 10000;
        piece_size = HTTP_PIECE_MAX;
        taking_nothing = client("GET /pieces HTTP/1.1\r\n\r\n");
        pump(300);
        ck_assert_uint_eq(stats().connections, 3);
        ck_assert_uint_lt(made, 200); /* no more than the kernel takes */
        fake_clock_advance(TIMEOUT - 1);
        ck_assert_int_eq(send(trickling, " ", 1, 0), 1);
        pump(2);
        ck_assert_uint_eq(stats().connections, 3);
        fake_clock_advance(1);
        ck_assert_uint_eq(stats().connections, 0);
        ck_assert_uint_eq(stats().cut_off, 3);
        ck_assert_uint_eq(freed, 1);
        ck_assert_int_eq(take(silent, text, sizeof(text)), 0);
        (void)close(silent);
        (void)close(trickling);
        (void)close(taking_nothing);
}
END_TEST

/* After its answer a client may stay silent until the time is over, but not send for ever. */
START_TEST(lingering_is_bounded) {
        static char junk[32768];
        int fd = client("GET /x HTTP/1.1\r\n\r\n");

        pump(6);
        ck_assert_uint_eq(stats().connections, 1);
        for (unsigned i = 0; i < 3; i++) {
                (void)send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
                pump(8);
        }
        ck_assert_uint_eq(stats().connections, 0);
        (void)close(fd);

        fd = client("GET /x HTTP/1.1\r\n\r\n");
        pump(6);
        fake_clock_advance(TIMEOUT);
        ck_assert_uint_eq(stats().connections, 0);
        ck_assert_uint_eq(stats().cut_off, 0);
        (void)close(fd);
}
END_TEST

START_TEST(a_broken_body_cuts_off) {
        int fd = client("GET /pieces HTTP/1.1\r\n\r\n");
        char text[1024];

        n_pieces = 1;
        piece_result = -ESTALE;
        pump(8);
        (void)take(fd, text, sizeof(text));
        ck_assert_ptr_null(strstr(text, "0\r\n\r\n")); /* the client can tell */
        ck_assert_uint_eq(stats().cut_off, 1);
        ck_assert_uint_eq(freed, 1);
        (void)close(fd);
}
END_TEST

/* All connections are being answered, and their clients take nothing. */
START_TEST(others_wait_while_there_are_too_many) {
        int fds[CONNECTIONS], other;

        n_pieces = 10000;
        piece_size = HTTP_PIECE_MAX;
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                fds[i] = client("GET /pieces HTTP/1.1\r\n\r\n");
        pump(50);
        other = client("GET /other HTTP/1.1\r\n\r\n");
        for (unsigned i = 0; i < 10; i++) {
                pump(2);
                fake_clock_advance(100 * USEC_PER_MSEC);
        }
        ck_assert_uint_eq(stats().connections, CONNECTIONS);
        ck_assert_str_eq(asked, "/pieces");
        ck_assert_uint_eq(fake_loop_armed_timers(), CONNECTIONS); /* tried again just now */
        pump(2);
        ck_assert_uint_eq(fake_loop_armed_timers(), CONNECTIONS + 1); /* is going to */
        (void)close(fds[0]);
        pump(2);
        fake_clock_advance(USEC_PER_SEC);
        pump(4);
        ck_assert_str_eq(asked, "/other");
        (void)close(fds[1]);
        (void)close(fds[2]);
        (void)close(other);
}
END_TEST

/* Who takes long answers slowly leaves room for short ones. */
START_TEST(bodies_are_fewer_than_connections) {
        int slow = client("GET /pieces HTTP/1.1\r\n\r\n"), other = client("GET /pieces HTTP/1.1\r\n\r\n"), third;
        char text[1024];

        n_pieces = 10000;
        piece_size = HTTP_PIECE_MAX;
        pump(50);
        third = client("GET /pieces HTTP/1.1\r\n\r\n");
        pump(6);
        ck_assert_int_gt(take(third, text, sizeof(text)), 0);
        ck_assert_msg(strncmp(text, "HTTP/1.1 503 Service Unavailable\r\n", 34) == 0, "%s", text);
        ck_assert_uint_eq(freed, 1);
        (void)close(third);
        pump(2);
        fake_clock_advance(USEC_PER_SEC);
        third = client("GET /x HTTP/1.1\r\n\r\n");
        pump(6);
        ck_assert_int_gt(take(third, text, sizeof(text)), 0);
        ck_assert_msg(strncmp(text, "HTTP/1.1 200 ", 13) == 0, "%s", text);
        (void)close(third);

        (void)close(slow); /* which makes room */
        pump(6);
        fake_clock_advance(USEC_PER_SEC);
        third = client("GET /pieces HTTP/1.1\r\n\r\n");
        pump(6);
        (void)take(third, text, sizeof(text));
        ck_assert_msg(strncmp(text, "HTTP/1.1 200 ", 13) == 0, "%s", text);
        (void)close(third);
        (void)close(other);
}
END_TEST

/* However many say nothing, or keep what they have got: the oldest go, though none at once. */
START_TEST(idle_ones_give_way) {
        int fds[CONNECTIONS], other;
        char text[1024];

        fds[0] = client("GET /x HTTP/1.1\r\n\r\n"); /* lingers */
        pump(6);
        fds[1] = client("GET");
        fds[2] = client(NULL);
        other = client("GET /other HTTP/1.1\r\n\r\n");
        pump(4);
        ck_assert_uint_eq(stats().connections, CONNECTIONS);
        ck_assert_str_eq(asked, "/x");
        fake_clock_advance(USEC_PER_SEC);
        pump(6);
        ck_assert_str_eq(asked, "/other");
        ck_assert_uint_eq(stats().connections, CONNECTIONS);
        ck_assert_uint_eq(stats().cut_off, 0);
        ck_assert_int_gt(take(fds[0], text, sizeof(text)), 0);
        (void)close(other);
        pump(2);
        other = client("GET /third HTTP/1.1\r\n\r\n");
        (void)client(NULL); /* for which "GET" gives way */
        fake_clock_advance(USEC_PER_SEC);
        pump(6);
        ck_assert_str_eq(asked, "/third");
        ck_assert_uint_eq(stats().cut_off, 1);
        ck_assert_int_eq(take(fds[1], text, sizeof(text)), 0);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                (void)close(fds[i]);
        (void)close(other);
}
END_TEST

/* The server is freed while there are clients in each state. */
START_TEST(freed_with_clients) {
        int reading = client("GET"), lingering = client("GET /x HTTP/1.1\r\n\r\n"), writing;

        n_pieces = 10000;
        piece_size = HTTP_PIECE_MAX;
        writing = client("GET /pieces HTTP/1.1\r\n\r\n");
        pump(50);
        ck_assert_uint_eq(stats().connections, 3);
        listener = http_listener_free(listener);
        server = http_server_free(server);
        ck_assert_uint_eq(freed, 1);
        (void)close(reading);
        (void)close(lingering);
        (void)close(writing);
}
END_TEST

int main(void) {
        TCase *tcase = tcase_create("http_server"), *few = tcase_create("few bodies");
        Suite *suite = suite_create("http_server");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, answered, 0, (int)ARRAY_SIZE(answers));
        tcase_add_test(tcase, in_small_parts);
        tcase_add_test(tcase, too_long);
        tcase_add_test(tcase, slow_clients_are_cut_off);
        tcase_add_test(tcase, lingering_is_bounded);
        tcase_add_test(tcase, a_broken_body_cuts_off);
        tcase_add_test(tcase, others_wait_while_there_are_too_many);
        tcase_add_test(tcase, idle_ones_give_way);
        tcase_add_test(tcase, freed_with_clients);
        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(few, setup_few_bodies, teardown);
        tcase_add_test(few, bodies_are_fewer_than_connections);
        suite_add_tcase(suite, few);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
