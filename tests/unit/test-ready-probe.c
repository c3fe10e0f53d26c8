/* SPDX-License-Identifier: MIT */
/* ready_probe: whether an address takes connections. Loop, pool and sockets are real, names are the test's. */
#include "support/fake-getaddrinfo.h"
#include "task/ready_probe.h"

#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static struct loop *loop;
static struct pool *pool;
static char path[108];
static int listener = -EBADF;
static unsigned n_answers;
static char why[128];
static bool to_itself;

/* In place of libc's: with @to_itself the kernel gives the socket the very port it asks for. */
int connect(int fd, const struct sockaddr *address, socklen_t length) {
        if (to_itself)
                ck_assert_int_eq(bind(fd, address, length), 0);
        return (int)syscall(SYS_connect, fd, address, length);
}

static void setup(void) {
        fake_getaddrinfo_reset();
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(pool_new(loop, "test", 1, 1, 2, &pool), 0);
        (void)snprintf(path, sizeof(path), "/tmp/test-ready-probe.%d", (int)getpid());
        n_answers = 0;
        to_itself = false;
}

static void teardown(void) {
        pool_free(pool);
        loop_free(loop);
        closep(&listener);
        (void)unlink(path);
}

static void on_probed(const char *reason, void *arg) {
        ck_assert_ptr_eq(arg, &n_answers);
        n_answers++;
        (void)snprintf(why, sizeof(why), "%s", reason ?: "connected");
        loop_exit(loop, 0);
}

static int start(const char *address, struct ready_probe **ret) {
        return ready_probe_start(pool, address, on_probed, &n_answers, ret);
}

static const char *probe(const char *address) {
        struct ready_probe *started;

        ck_assert_int_eq(start(address, &started), 0);
        ck_assert_uint_eq(n_answers, 0);
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_uint_eq(n_answers, 1);
        n_answers = 0;
        return why;
}

/* A port of 127.0.0.1 that is taken, and listened on if @listens. */
static unsigned take_port(bool listens) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t n = sizeof(address);

        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(listener, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, n), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &n), 0);
        if (listens)
                ck_assert_int_eq(listen(listener, 1), 0);
        return ntohs(address.sin_port);
}

static const char *probe_port(const char *host, unsigned port) {
        char address[128];

        (void)snprintf(address, sizeof(address), "%s:%u", host, port);
        return probe(address);
}

START_TEST(a_port_is_connected_to_once_it_is_listened_on) {
        unsigned port = take_port(false);

        ck_assert_str_eq(probe_port("127.0.0.1", port), "Connection refused");
        ck_assert_int_eq(listen(listener, 1), 0);
        ck_assert_str_eq(probe_port("127.0.0.1", port), "connected");
}
END_TEST

START_TEST(a_name_is_looked_up_and_each_address_tried) {
        unsigned port = take_port(true);

        fake_getaddrinfo_add("two.test", "::1 127.0.0.1", 0);
        ck_assert_str_eq(probe_port("two.test", port), "connected");
}
END_TEST

START_TEST(a_name_that_does_not_resolve_is_told) {
        ck_assert_str_eq(probe("none.test:80"), "Name or service not known");
}
END_TEST

START_TEST(a_path_is_connected_to) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char text[128];

        (void)snprintf(text, sizeof(text), "unix:%s", path);
        ck_assert_str_eq(probe(text), "No such file or directory");
        (void)strcpy(address.sun_path, path);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_str_eq(probe(text), "Connection refused");
        ck_assert_int_eq(listen(listener, 1), 0);
        ck_assert_str_eq(probe(text), "connected");
}
END_TEST

START_TEST(a_path_that_no_socket_can_have_is_told) {
        char text[200];

        memset(text, 'x', sizeof(text));
        memcpy(text, "unix:/", 6);
        text[sizeof(text) - 1] = '\0';
        ck_assert_str_eq(probe(text), "File name too long");
}
END_TEST

START_TEST(a_socket_that_is_connected_to_itself_is_nobodys_answer) {
        unsigned port = take_port(false);

        closep(&listener);
        listener = -EBADF;
        to_itself = true;
        ck_assert_str_eq(probe_port("127.0.0.1", port), "Connection refused");
}
END_TEST

START_TEST(what_is_no_address_is_refused) {
        struct ready_probe *started = NULL;

        ck_assert_int_eq(start("localhost", &started), -EINVAL);
        ck_assert_ptr_null(started);
}
END_TEST

START_TEST(a_full_pool_is_told) {
        struct ready_probe *started[4];

        fake_getaddrinfo_stall();
        ck_assert_int_eq(start("slow.test:80", &started[0]), 0);
        fake_getaddrinfo_wait_stalled(1);
        ck_assert_int_eq(start("slow.test:80", &started[1]), 0);
        ck_assert_int_eq(start("slow.test:80", &started[2]), 0);
        ck_assert_int_eq(start("slow.test:80", &started[3]), -ENOBUFS);
        fake_getaddrinfo_release();
        while (n_answers < 3)
                ck_assert_int_eq(loop_run(loop), 0);
}
END_TEST

static unsigned n_stuck(void) {
        struct pool_stats stats;

        pool_get_stats(pool, &stats);
        return stats.stuck;
}

START_TEST(one_that_is_cancelled_says_nothing) {
        struct ready_probe *started;

        fake_getaddrinfo_stall();
        ck_assert_int_eq(start("slow.test:80", &started), 0);
        fake_getaddrinfo_wait_stalled(1);
        ck_assert_ptr_null(ready_probe_cancel(started));
        ck_assert_ptr_null(ready_probe_cancel(NULL));
        ck_assert_uint_eq(n_stuck(), 1);
        fake_getaddrinfo_release();
        do /* until the thread that was at it is back: only then somebody frees what it had */
                ck_assert_str_eq(probe("none.test:80"), "Name or service not known");
        while (n_stuck() > 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ready-probe");
        TCase *tcase = tcase_create("ready-probe");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_port_is_connected_to_once_it_is_listened_on);
        tcase_add_test(tcase, a_name_is_looked_up_and_each_address_tried);
        tcase_add_test(tcase, a_name_that_does_not_resolve_is_told);
        tcase_add_test(tcase, a_path_is_connected_to);
        tcase_add_test(tcase, a_path_that_no_socket_can_have_is_told);
        tcase_add_test(tcase, a_socket_that_is_connected_to_itself_is_nobodys_answer);
        tcase_add_test(tcase, what_is_no_address_is_refused);
        tcase_add_test(tcase, a_full_pool_is_told);
        tcase_add_test(tcase, one_that_is_cancelled_says_nothing);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
