/* SPDX-License-Identifier: MIT */
/* stream: against peers that the test plays itself: kind ones, silent ones, and TLS with certificates made here. */
#include "loop/stream.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/un.h>

static struct loop *loop;
static struct stream *stream;
static struct sockaddr_in address;
static int listener;

/* What the callbacks saw: c connected, e end, x error. Data is counted and its beginning kept. */
static char trace[16], data[64], detail[256];
static size_t n_data;
static enum stream_error error;

/* The callbacks in which a stream may be freed. */
static const char free_points[] = "cdex";

/* What they do. */
static const char *to_send;
static char free_at, exit_at;
static size_t exit_at_bytes;

static void note(char c) {
        ck_assert_uint_lt(strlen(trace) + 1, sizeof(trace));
        trace[strlen(trace)] = c;
        if (c == free_at) {
                stream = stream_free(stream);
                loop_exit(loop, 0);
        }
        if (c == exit_at)
                loop_exit(loop, 0);
}

static void on_connected(struct stream *s, _unused_ void *arg) {
        ck_assert_ptr_eq(s, stream);
        if (to_send)
                ck_assert_int_eq(stream_write(s, to_send, strlen(to_send)), 0);
        note('c');
}

static void on_data(struct stream *s, const char *bytes, size_t n, _unused_ void *arg) {
        ck_assert_ptr_eq(s, stream);
        ck_assert_uint_gt(n, 0);
        if (n_data < sizeof(data) - 1)
                memcpy(data + n_data, bytes, MIN(n, sizeof(data) - 1 - n_data));
        n_data += n;
        if (free_at == 'd')
                note('d');
        else if (exit_at_bytes > 0 && n_data >= exit_at_bytes)
                loop_exit(loop, 0);
}

static void on_eof(struct stream *s, _unused_ void *arg) {
        ck_assert_ptr_eq(s, stream);
        note('e');
}

static void on_error(struct stream *s, enum stream_error e, const char *text, _unused_ void *arg) {
        ck_assert_ptr_eq(s, stream);
        error = e;
        snprintf(detail, sizeof(detail), "%s", text);
        note('x');
}

static const struct stream_ops ops = {
        .on_connected = on_connected,
        .on_data = on_data,
        .on_eof = on_eof,
        .on_error = on_error,
};

static void setup(void) {
        socklen_t length = sizeof(address);

        (void)signal(SIGPIPE, SIG_IGN);
        memset(trace, 0, sizeof(trace));
        memset(data, 0, sizeof(data));
        n_data = exit_at_bytes = 0;
        to_send = NULL;
        free_at = exit_at = '\0';

        ck_assert_int_eq(loop_new(&loop), 0);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(listener, 0);
        address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(listener, 8), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
}

static void teardown(void) {
        stream = stream_free(stream);
        loop = loop_free(loop);
        close(listener);
}

static void connect_to_listener(struct stream_tls *tls, const char *host) {
        ck_assert_int_eq(stream_connect(loop, (const struct sockaddr *)&address, sizeof(address), tls, host, &ops, NULL,
                                        &stream),
                         0);
        ck_assert_str_eq(trace, "");
}

static void run_until(char c) {
        exit_at = c;
        ck_assert_int_eq(loop_run(loop), 0);
}

static void on_timer_exit(_unused_ struct loop_timer *timer, _unused_ void *arg) {
        loop_exit(loop, 0);
}

static void run_a_turn(void) {
        struct loop_timer timer;

        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_MONOTONIC, "exit", on_timer_exit, NULL), 0);
        loop_timer_set(&timer, 0);
        ck_assert_int_eq(loop_run(loop), 0);
        loop_timer_done(&timer);
}

/* What the stream has queued is written in turns of the loop. */
static void receive(int fd, char *buf, size_t n) {
        while (recv(fd, buf, n, MSG_DONTWAIT | MSG_PEEK) < (ssize_t)n)
                run_a_turn();
        ck_assert_int_eq(recv(fd, buf, n, 0), (ssize_t)n);
}

static int accept_peer(void) {
        int fd = accept(listener, NULL, NULL);

        ck_assert_int_ge(fd, 0);
        return fd;
}

/* ---- plain ---- */

START_TEST(bytes_go_both_ways_and_end) {
        char buf[8] = { 0 };
        int fd;

        to_send = "ping";
        connect_to_listener(NULL, NULL);
        ck_assert_int_eq(stream_write(stream, "x", 1), -ENOTCONN);
        run_until('c');
        fd = accept_peer();
        receive(fd, buf, 4);
        ck_assert_str_eq(buf, "ping");
        ck_assert_int_eq(send(fd, "pong", 4, 0), 4);
        close(fd);
        run_until('e');
        ck_assert_str_eq(trace, "ce");
        ck_assert_str_eq(data, "pong");
}
END_TEST

/* Nothing here turns the loop. */
START_TEST(polling_takes_what_is_there) {
        int fd;

        connect_to_listener(NULL, NULL);
        while (!trace[0])
                stream_poll(stream);
        ck_assert_str_eq(trace, "c");
        fd = accept_peer();
        stream_poll(stream);
        ck_assert_str_eq(trace, "c");
        ck_assert_int_eq(send(fd, "pong", 4, 0), 4);
        while (n_data < 4)
                stream_poll(stream);
        ck_assert_str_eq(data, "pong");
        close(fd);
        while (!trace[1])
                stream_poll(stream);
        ck_assert_str_eq(trace, "ce");
        stream_poll(stream);
        ck_assert_str_eq(trace, "ce");
}
END_TEST

START_TEST(polling_may_free_the_stream) {
        int fd;

        free_at = free_points[_i];
        connect_to_listener(NULL, NULL);
        fd = free_at == 'c' ? -1 : accept_peer();
        if (free_at == 'd')
                ck_assert_int_eq(send(fd, "pong", 4, 0), 4);
        if (free_at == 'e')
                ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
        while (stream)
                stream_poll(stream);
        if (fd >= 0)
                close(fd);
}
END_TEST

START_TEST(one_may_write_after_the_peer_ended) {
        char buf[8] = { 0 };
        int fd;

        connect_to_listener(NULL, NULL);
        run_until('c');
        fd = accept_peer();
        ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
        run_until('e');
        ck_assert_int_eq(stream_write(stream, "late", 4), 0);
        receive(fd, buf, 4);
        ck_assert_str_eq(buf, "late");
        close(fd);
}
END_TEST

START_TEST(a_refused_connection_is_told_later) {
        close(listener);
        listener = -1;
        connect_to_listener(NULL, NULL);
        run_until('x');
        ck_assert_str_eq(trace, "x");
        ck_assert_int_eq(error, STREAM_ERROR_CONNECT);
        ck_assert_str_eq(detail, strerror(ECONNREFUSED));
        ck_assert_int_eq(stream_write(stream, "x", 1), -ENOTCONN);
}
END_TEST

START_TEST(a_local_socket_that_is_not_there_is_told_later) {
        static const struct sockaddr_un nowhere = { .sun_family = AF_UNIX, .sun_path = "/nowhere/socket" };

        ck_assert_int_eq(stream_connect(loop, (const struct sockaddr *)&nowhere, sizeof(nowhere), NULL, NULL, &ops,
                                        NULL, &stream),
                         0);
        run_until('x');
        ck_assert_int_eq(error, STREAM_ERROR_CONNECT);
        ck_assert_str_eq(detail, strerror(ENOENT));
}
END_TEST

START_TEST(a_family_that_is_not_there_is_refused_at_once) {
        static const struct sockaddr none = { .sa_family = AF_UNSPEC };
        struct stream *s = NULL;

        ck_assert_int_eq(stream_connect(loop, &none, sizeof(none), NULL, NULL, &ops, NULL, &s), -EAFNOSUPPORT);
        ck_assert_ptr_null(s);
}
END_TEST

START_TEST(a_reset_is_an_error) {
        static const struct linger reset = { .l_onoff = 1 };
        int fd;

        connect_to_listener(NULL, NULL);
        run_until('c');
        fd = accept_peer();
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        close(fd);
        run_until('x');
        ck_assert_str_eq(trace, "cx");
        ck_assert_int_eq(error, STREAM_ERROR_IO);
        ck_assert_str_eq(detail, strerror(ECONNRESET));
}
END_TEST

static void *send_much(void *arg) {
        static const char block[64 * 1024];
        int fd = *(int *)arg;

        for (int i = 0; i < 256; i++)
                if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0)
                        break;
        close(fd);
        return NULL;
}

START_TEST(much_data_comes_in_full) {
        pthread_t peer;
        int fd;

        connect_to_listener(NULL, NULL);
        run_until('c');
        fd = accept_peer();
        ck_assert_int_eq(pthread_create(&peer, NULL, send_much, &fd), 0);
        run_until('e');
        ck_assert_int_eq(pthread_join(peer, NULL), 0);
        ck_assert_uint_eq(n_data, 256 * 64 * 1024);
}
END_TEST

START_TEST(a_stream_may_be_freed_in_any_callback) {
        static const struct linger reset = { .l_onoff = 1 };
        int fd;

        free_at = free_points[_i];
        connect_to_listener(NULL, NULL);
        if (free_at != 'c') {
                run_until('c');
                fd = accept_peer();
                if (free_at == 'x')
                        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
                else
                        ck_assert_int_eq(send(fd, "some", 4, 0), 4);
                close(fd);
        }
        run_until('-');
        ck_assert_ptr_null(stream);
        ck_assert_int_eq(trace[strlen(trace) - 1], free_at);
}
END_TEST

START_TEST(a_stream_may_be_freed_while_it_connects) {
        connect_to_listener(NULL, NULL);
        stream = stream_free(stream);
        run_a_turn();
        ck_assert_str_eq(trace, "");
}
END_TEST

/* ---- TLS ---- */

struct server {
        SSL_CTX *ctx;
        char ca_file[64];
        pthread_t thread;
        bool talk;  /* else it closes the connection at once */
        bool dirty; /* closes without saying goodbye */
};

static struct server server;

static void add_extension(X509 *cert, int nid, const char *value) {
        X509V3_CTX v3;
        X509_EXTENSION *extension;

        X509V3_set_ctx_nodb(&v3);
        X509V3_set_ctx(&v3, cert, cert, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &v3, nid, value);
        ck_assert_ptr_nonnull(extension);
        ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
        X509_EXTENSION_free(extension);
}

/* A certificate for @names, signed by its own key, which is also the authority to trust. */
static void server_init(const char *names, long valid_from, long valid_to) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert = X509_new();
        FILE *file;

        ck_assert_ptr_nonnull(key);
        X509_set_version(cert, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
        X509_gmtime_adj(X509_getm_notBefore(cert), valid_from);
        X509_gmtime_adj(X509_getm_notAfter(cert), valid_to);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)"test", -1,
                                   -1, 0);
        X509_set_issuer_name(cert, X509_get_subject_name(cert));
        X509_set_pubkey(cert, key);
        add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
        add_extension(cert, NID_subject_alt_name, names);
        ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);

        server.ctx = SSL_CTX_new(TLS_server_method());
        ck_assert_int_eq(SSL_CTX_use_certificate(server.ctx, cert), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey(server.ctx, key), 1);

        snprintf(server.ca_file, sizeof(server.ca_file), "/tmp/tendd-test-stream.XXXXXX");
        file = fdopen(mkstemp(server.ca_file), "w");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(PEM_write_X509(file, cert), 1);
        fclose(file);
        X509_free(cert);
        EVP_PKEY_free(key);
        server.talk = true;
        server.dirty = false;
}

static void server_done(void) {
        SSL_CTX_free(server.ctx);
        unlink(server.ca_file);
}

/* Greets with the name that was asked for, and repeats one message. */
static void *serve(_unused_ void *arg) {
        int fd = accept_peer();
        SSL *ssl = SSL_new(server.ctx);
        char buf[64];
        int n;

        SSL_set_fd(ssl, fd);
        if (server.talk && SSL_accept(ssl) == 1) {
                const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

                n = snprintf(buf, sizeof(buf), "%s:", name ? name : "-");
                (void)SSL_write(ssl, buf, n); /* the stream may be gone */
                n = SSL_read(ssl, buf, sizeof(buf));
                if (n > 0)
                        (void)SSL_write(ssl, buf, n);
                if (!server.dirty)
                        (void)SSL_shutdown(ssl);
        }
        SSL_free(ssl);
        close(fd);
        return NULL;
}

static void tls_run(const char *ca_file, const char *host, char until) {
        _cleanup_(stream_tls_unrefp) struct stream_tls *tls = NULL;

        to_send = "secret";
        ck_assert_int_eq(stream_tls_new(ca_file, &tls), 0);
        ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
        connect_to_listener(tls, host);
        tls = stream_tls_unref(tls);
        run_until(until);
        stream = stream_free(stream);
        ck_assert_int_eq(pthread_join(server.thread, NULL), 0);
}

static const struct {
        const char *host;
        bool dirty;
        const char *expected;
} good[] = {
        { "good.example", false, "good.example:secret" },
        { "127.0.0.1", false, "-:secret" },
        { "good.example", true, "good.example:secret" },
};

START_TEST(tls_verifies_and_talks) {
        server_init("DNS:good.example,IP:127.0.0.1", 0, 3600);
        server.dirty = good[_i].dirty;
        tls_run(server.ca_file, good[_i].host, 'e');
        ck_assert_str_eq(trace, "ce");
        ck_assert_str_eq(data, good[_i].expected);
        server_done();
}
END_TEST

static const struct {
        const char *host;
        const char *names;
        long from, to;
        bool own_ca;
        const char *detail;
} bad[] = {
        { "other.example", "DNS:good.example", 0, 3600, true, "hostname mismatch" },
        { "127.0.0.1", "DNS:good.example", 0, 3600, true, "IP address mismatch" },
        { "good.example", "DNS:good.example", 0, 3600, false, "self-signed certificate" },
        { "good.example", "DNS:good.example", -7200, -3600, true, "certificate has expired" },
};

START_TEST(tls_refuses_who_cannot_be_trusted) {
        server_init(bad[_i].names, bad[_i].from, bad[_i].to);
        tls_run(bad[_i].own_ca ? server.ca_file : NULL, bad[_i].host, 'x');
        ck_assert_str_eq(trace, "x");
        ck_assert_int_eq(error, STREAM_ERROR_TLS);
        ck_assert_msg(strncmp(detail, "certificate: ", 13) == 0 && strstr(detail, bad[_i].detail), "%s, not %s", detail,
                      bad[_i].detail);
        server_done();
}
END_TEST

START_TEST(polling_takes_what_tls_has) {
        _cleanup_(stream_tls_unrefp) struct stream_tls *tls = NULL;

        to_send = "secret";
        server_init("DNS:good.example", 0, 3600);
        ck_assert_int_eq(stream_tls_new(server.ca_file, &tls), 0);
        ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
        connect_to_listener(tls, "good.example");
        run_until('c');
        while (n_data < strlen("good.example:"))
                stream_poll(stream);
        ck_assert_int_eq(strncmp(data, "good.example:", 13), 0);
        stream = stream_free(stream);
        ck_assert_int_eq(pthread_join(server.thread, NULL), 0);
        server_done();
}
END_TEST

START_TEST(a_peer_that_ends_the_handshake_is_an_error) {
        server_init("DNS:good.example", 0, 3600);
        server.talk = false;
        tls_run(server.ca_file, "good.example", 'x');
        ck_assert_str_eq(trace, "x");
        ck_assert_int_eq(error, STREAM_ERROR_TLS);
        ck_assert_uint_gt(strlen(detail), 0);
        server_done();
}
END_TEST

START_TEST(a_peer_that_speaks_no_tls_is_an_error) {
        _cleanup_(stream_tls_unrefp) struct stream_tls *tls = NULL;
        int fd;

        ck_assert_int_eq(stream_tls_new(NULL, &tls), 0);
        connect_to_listener(tls, "good.example");
        fd = accept_peer();
        ck_assert_int_eq(send(fd, "220 mail.example ESMTP\r\n", 24, 0), 24);
        run_until('x');
        ck_assert_int_eq(error, STREAM_ERROR_TLS);
        ck_assert_msg(strncmp(detail, "TLS: ", 5) == 0, "%s", detail);
        close(fd);
}
END_TEST

START_TEST(tls_needs_a_host_and_a_file_that_is_there) {
        struct stream_tls *tls = NULL;
        struct stream *s = NULL;

        ck_assert_int_eq(stream_tls_new("/nowhere/ca.pem", &tls), -ENOENT);
        ck_assert_int_eq(stream_tls_new("/dev/null", &tls), -EINVAL);
        ck_assert_ptr_null(tls);
        ck_assert_int_eq(stream_tls_new(NULL, &tls), 0);
        ck_assert_int_eq(
                stream_connect(loop, (const struct sockaddr *)&address, sizeof(address), tls, NULL, &ops, NULL, &s),
                -EINVAL);
        ck_assert_ptr_null(s);
        stream_tls_unref(tls);
}
END_TEST

START_TEST(a_tls_stream_may_be_freed_in_any_callback) {
        _cleanup_(stream_tls_unrefp) struct stream_tls *tls = NULL;

        free_at = free_points[_i];
        to_send = "secret";
        server_init("DNS:good.example", 0, 3600);
        server.talk = free_at != 'x';
        ck_assert_int_eq(stream_tls_new(server.ca_file, &tls), 0);
        ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
        connect_to_listener(tls, "good.example");
        run_until('-');
        ck_assert_ptr_null(stream);
        run_a_turn(); /* in which libevent frees what it kept */
        teardown();
        ck_assert_int_eq(pthread_join(server.thread, NULL), 0);
        server_done();
        setup();
}
END_TEST

int main(void) {
        Suite *suite = suite_create("stream");
        TCase *tcase = tcase_create("stream");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, bytes_go_both_ways_and_end);
        tcase_add_test(tcase, polling_takes_what_is_there);
        tcase_add_test(tcase, polling_takes_what_tls_has);
        tcase_add_loop_test(tcase, polling_may_free_the_stream, 0, (int)strlen("cde"));
        tcase_add_test(tcase, one_may_write_after_the_peer_ended);
        tcase_add_test(tcase, a_refused_connection_is_told_later);
        tcase_add_test(tcase, a_local_socket_that_is_not_there_is_told_later);
        tcase_add_test(tcase, a_family_that_is_not_there_is_refused_at_once);
        tcase_add_test(tcase, a_reset_is_an_error);
        tcase_add_test(tcase, much_data_comes_in_full);
        tcase_add_loop_test(tcase, a_stream_may_be_freed_in_any_callback, 0, (int)strlen(free_points));
        tcase_add_test(tcase, a_stream_may_be_freed_while_it_connects);
        tcase_add_loop_test(tcase, tls_verifies_and_talks, 0, (int)ARRAY_SIZE(good));
        tcase_add_loop_test(tcase, tls_refuses_who_cannot_be_trusted, 0, (int)ARRAY_SIZE(bad));
        tcase_add_test(tcase, a_peer_that_ends_the_handshake_is_an_error);
        tcase_add_test(tcase, a_peer_that_speaks_no_tls_is_an_error);
        tcase_add_test(tcase, tls_needs_a_host_and_a_file_that_is_there);
        tcase_add_loop_test(tcase, a_tls_stream_may_be_freed_in_any_callback, 0, (int)strlen(free_points));
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
